"""The PDF of a statement: what it shows and carries, its structure, with hostile names, sealed on a shelf."""

from __future__ import annotations

import hashlib
import io
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pypdf
import pytest
import segno
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adapters.answering import give_statement
from adapters.invoices import ubl
from adapters.pdf.statement import payment_code, statement_page
from gateway import names
from gateway.billing.statement import (
    AccountStatement,
    BranchSum,
    Calculation,
    Cause,
    Movement,
    Terms,
)
from gateway.contributions.groups import Group
from gateway.mutuality.refund import Reason
from gateway.mutuality.rules import Ground
from gateway.names import Extension, Mark
from gateway.pages import amount, day, percent
from gateway.parameters import Branch, Confidence
from gateway.returns import statement_page as page
from gateway.returns.statement_page import LANGUAGES, MOST_PRINTED, spell, words
from signing.certificates import load_seals
from signing.verify import verify_sealed_container
from tests.flow.premises import rows
from tests.house import House, Sender
from tests.statements.samples import AT, CASES, LONG_NAME, PAYEE, XML, bill

Case = tuple[AccountStatement, Calculation]


def set_page(case: Case, language: str = "fr", *, test: bool = False) -> bytes:
    return statement_page(*case, XML, language, AT, test=test)


def text_of(pdf: bytes) -> str:
    return "\n".join(one.extract_text() for one in pypdf.PdfReader(io.BytesIO(pdf)).pages)


def squeezed(text: str) -> str:
    """Text without the places at which it is broken."""
    return re.sub(r"[\s\u00ad\u200b\u2010-]", "", text)


def every_amount(statement: AccountStatement, calculation: Calculation) -> Iterator[int]:
    yield from (abs(statement.previous_balance), abs(statement.balance), statement.payable)
    yield from (abs(one.amount) for one in statement.bookings)
    sums: list[BranchSum] = [*statement.branches]
    for month in statement.corrections:
        yield from (month.employee_total, month.employer_total, month.total)
        sums += [one for one in month.branches if one.base]
    for one in sums:
        yield from (one.base, one.employee, one.employer, one.total)
    yield from (share.amount for share in statement.distribution)
    yield from (refund.amount for refund in statement.refunds)
    yield from (statement.contributions, abs(statement.corrected), statement.refunded, statement.charged)
    results = [*calculation.insured, *(one for change in calculation.corrections for one in change.results)]
    for result in results:
        yield from (result.pay, result.employee_total, result.employer_total, result.total)
        for line in result.lines:
            yield from (line.base, line.employee, line.employer, line.total)
    yield from (change.total for change in (*calculation.corrections, *calculation.refunds))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", CASES)
def test_a_page_shows_every_amount_and_day(name: str, language: str) -> None:
    statement, calculation = CASES[name]
    told = text_of(set_page(CASES[name], language))
    found = set(re.findall(r"−?[0-9]{1,3}(?:\u202f[0-9]{3})*,[0-9]{2}(?![0-9])", told))
    due = {amount(cents) for cents in every_amount(statement, calculation)}
    assert due <= found
    days = {statement.issued, *(one.day for one in statement.bookings)}
    assert all(day(one) in told for one in days)
    for one in (*calculation.insured, *calculation.corrections, *calculation.refunds):
        assert one.insured in told
    flat = squeezed(told)
    assert squeezed(statement.number) in flat
    for result in calculation.insured:
        assert all(squeezed(line.formula) in flat for line in result.lines)
        assert all(one.deposit.replace("-", "") in flat and one.digest in flat for one in result.declared)


def elements(node: Any) -> Iterator[tuple[str, Any]]:
    """The tags of a page, with what they are."""
    node = node.get_object() if hasattr(node, "get_object") else node
    if isinstance(node, list):
        for one in node:
            yield from elements(one)
    elif isinstance(node, dict):
        if "/S" in node:
            yield str(node["/S"]), node
        if "/K" in node:
            yield from elements(node["/K"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_is_for_the_archive_and_can_be_read_aloud(language: str) -> None:
    reader = pypdf.PdfReader(io.BytesIO(set_page(CASES["twelve"], language)))
    told = reader.xmp_metadata
    assert told is not None
    written = told.stream.get_data().decode()
    assert re.findall(r"<pdfaid:part>(.*?)</pdfaid:part>", written) == ["3"]
    assert re.findall(r"<pdfaid:conformance>(.*?)</pdfaid:conformance>", written) == ["A"]
    assert re.findall(r"<pdfuaid:part>(.*?)</pdfuaid:part>", written) == ["1"]
    root: Any = reader.trailer["/Root"]
    assert root["/Lang"].startswith(language)
    assert root["/MarkInfo"]["/Marked"]
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    tags = Counter(tag for tag, _ in elements(root["/StructTreeRoot"]))
    assert tags["/Table"] >= 9
    assert tags["/TH"] > 40
    assert tags["/H1"] + tags["/H2"] >= 9
    pictures = [node for tag, node in elements(root["/StructTreeRoot"]) if tag == "/Figure"]
    assert [node["/Alt"] for node in pictures] == [words(language)["scan"]]
    metadata = reader.metadata
    assert metadata is not None
    assert CASES["twelve"][0].number in (metadata.title or "")
    assert not any("/Encrypt" in one for one in (reader.trailer, root))


@pytest.mark.parametrize("xml", [XML, b"<a/>", "\ufeff<a>\u0085\r\n\t</a>\n\n".encode(), b"x" * 300_000])
def test_a_page_carries_the_signed_statement_as_it_is(xml: bytes) -> None:
    statement, calculation = CASES["one"]
    reader = pypdf.PdfReader(io.BytesIO(statement_page(statement, calculation, xml, "fr", AT, test=False)))
    assert list(reader.attachments) == [f"EXTCPT-{statement.number}.xml"]
    assert reader.attachments[f"EXTCPT-{statement.number}.xml"] == [xml]
    root: Any = reader.trailer["/Root"]
    [carried] = [one.get_object() for one in root["/AF"]]
    assert carried["/AFRelationship"] == "/Source"
    assert carried["/EF"]["/F"]["/Subtype"] == "/application/xml"
    told = "".join(one.extract_text() for one in reader.pages)
    assert told.count(hashlib.sha256(xml).hexdigest()) == len(reader.pages)


def test_the_same_statement_at_the_same_moment_has_the_same_bytes() -> None:
    assert set_page(CASES["twelve"]) == set_page(CASES["twelve"])
    statement, calculation = CASES["one"]
    later = statement_page(statement, calculation, XML, "fr", AT + timedelta(seconds=1), test=False)
    assert later != set_page(CASES["one"])


@pytest.mark.parametrize("terms", Terms)
def test_only_a_transfer_has_a_code_to_pay_by(terms: Terms) -> None:
    statement = replace(CASES["one"][0], terms=terms)
    assert (payment_code(statement) is not None) == (terms in (Terms.TRANSFER, Terms.PLAN))


def test_the_code_asks_for_what_is_to_be_paid_with_the_matricule() -> None:
    """Line by line after EPC069-12: version 2, ISO 8859-1, a transfer, the payee, the amount, the text."""
    statement = CASES["plan"][0]
    payee = (PAYEE.bic, PAYEE.name, PAYEE.iban)
    told = ("BCD", "002", "2", "SCT", *payee, "EUR750", "", "", statement.employer)
    code = segno.make_qr("\n".join(told).encode("iso-8859-1"), error="m", boost_error=False)
    svg = io.BytesIO()
    code.save(svg, kind="svg", border=2, xmldecl=False)
    assert payment_code(statement) == svg.getvalue().decode()


def test_nothing_to_pay_has_no_code_nor_an_account_to_pay_to() -> None:
    for name in ("credit", "zero", "settled"):
        assert payment_code(CASES[name][0]) is None
        assert PAYEE.iban not in squeezed(text_of(set_page(CASES[name])))


def test_the_largest_amount_has_a_code_and_a_larger_one_none() -> None:
    largest = bill(0, previous=99_999_999_999)[0]
    assert payment_code(largest) is not None
    assert payment_code(bill(0, previous=100_000_000_000)[0]) is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_of_the_test_environment_says_so_and_cannot_be_paid_by(language: str) -> None:
    reader = pypdf.PdfReader(io.BytesIO(set_page(CASES["one"], language, test=True)))
    warning = words(language)["test"]
    assert isinstance(warning, str)
    assert squeezed(warning) in squeezed(reader.pages[0].extract_text())
    root: Any = reader.trailer["/Root"]
    assert not [tag for tag, _ in elements(root["/StructTreeRoot"]) if tag == "/Figure"]
    assert squeezed(warning) not in squeezed(text_of(set_page(CASES["one"], language)))


def test_debits_and_credits_of_the_account_make_the_balance() -> None:
    def cents(text: str) -> int:
        return int(re.sub(r"[\u202f,]", "", text) or 0)

    for statement, calculation in CASES.values():
        account: Any = spell(statement, calculation, "fr", digest="", test=False)["account"]
        debit = sum(cents(one["debit"]) for one in account["entries"])
        credit = sum(cents(one["credit"]) for one in account["entries"])
        assert (cents(account["debit"]), cents(account["credit"])) == (debit, credit)
        assert debit - credit == statement.balance
        balance = account["balance"]
        assert cents(balance["debit"]) - cents(balance["credit"]) == statement.balance


MARKUP = tuple("#*_$`\\[]{}()<>@/=-+~\"' \nevalpnicort0")
CURIOUS = (
    st.text(max_size=300)
    | st.text(st.sampled_from(MARKUP), max_size=80)
    | st.text("مرحباשלום\u202e漢字🥐", max_size=40)
)


@given(CURIOUS)
@example('#eval("1") *a* ]')
@example("$x$ <a> @b `c` #{d} ```typ #panic()```")
@example("// a /* b */ c")
@example("=cmd|' /C calc'!A0")
@example("\u202eabc\u2066")
@example("a" * 300)
@example(LONG_NAME)
@settings(deadline=None, max_examples=15)
def test_any_name_is_set_as_it_stands_and_never_as_markup(name: str) -> None:
    statement, calculation = bill(0, name=name)
    content = spell(statement, calculation, "fr", digest="", test=False)
    shown = str(content["name"])
    assert len(shown) == min(len(name), 200)
    assert all(letter.isprintable() for letter in shown)
    pdf = set_page((statement, calculation))
    first = pypdf.PdfReader(io.BytesIO(pdf)).pages[0].extract_text()
    assert len(pypdf.PdfReader(io.BytesIO(pdf)).pages) == 2
    assert all(squeezed(word) in squeezed(first) for word in re.findall(r"[a-z0-9]+", shown))


def test_every_letter_that_is_shown_can_be_set() -> None:
    """PDF/A takes no letter that the fonts of the page lack."""
    letters = [chr(code) for code in range(sys.maxunicode) if page.legible(chr(code)) == chr(code)]
    assert len(letters) > 300
    for at in range(0, len(letters), 150):
        assert set_page(bill(0, name="".join(letters[at : at + 150]))).startswith(b"%PDF-")


def test_all_that_is_named_has_words_in_every_language() -> None:
    named = {
        "branches": Branch,
        "movements": Movement,
        "causes": Cause,
        "groups": Group,
        "grounds": Ground,
        "reasons": Reason,
        "confidences": [one for one in Confidence if one.doubtful],
    }
    for language in LANGUAGES:
        texts = words(language)
        for name, ones in named.items():
            assert set(texts[name]) == {str(one) for one in ones}, name


def test_the_languages_fill_in_the_same() -> None:
    texts = yaml.safe_load(Path(page.__file__).with_suffix(".yaml").read_text("utf-8"))
    for name, text in texts.items():
        for each in [text] if "fr" in text else text.values():
            assert list(each) == list(LANGUAGES), name
            assert len({tuple(sorted(re.findall(r"{\w*}", each[one]))) for one in LANGUAGES}) == 1, name
            assert all(each[one].count("**") % 2 == 0 for one in LANGUAGES), name


def test_a_large_annex_is_cut_and_says_so_but_its_totals_are_of_all() -> None:
    statement, calculation = bill(MOST_PRINTED + 7)
    annex: Any = spell(statement, calculation, "en", digest="", test=False)["annex"]
    assert len(annex["insured"]) == MOST_PRINTED
    assert "others (7) are in CALCUL" in annex["insured_more"]
    assert annex["total"]["total"] == amount(statement.contributions)
    assert spell(*CASES["one"], "en", digest="", test=False)["annex"]["insured_more"] == ""  # type: ignore[index]


def test_parameters_that_have_to_be_confirmed_are_named() -> None:
    content: Any = spell(*CASES["one"], "en", digest="", test=False)
    found = {one["name"]: one["value"] for one in content["doubts"]}
    assert found["rates.pension.employee"] == "0.0850"
    assert found["mutuality.class_2"] == "0.0095"
    assert not {"mutuality.class_1", "rates.care.employee", "distribution.family_benefits"} & set(found)
    addresses = {one["id"]: one["address"] for one in content["addresses"]}
    assert addresses["fedil-2026-01"].startswith("https://fedil.lu/")
    assert all(source in addresses for one in content["doubts"] for source in one["sources"].split(", "))


@pytest.mark.parametrize(
    ("cents", "written"),
    [
        (0, "0,00"),
        (5, "0,05"),
        (-5, "−0,05"),
        (123_456, "1\u202f234,56"),
        (-100_000_000, "−1\u202f000\u202f000,00"),
    ],
)
def test_amounts_are_written_as_in_luxembourg(cents: int, written: str) -> None:
    assert amount(cents) == written


def test_rates_keep_all_their_decimals() -> None:
    assert [percent(Decimal(one)) for one in ("0.085", "0.0055250", "1", "0")] == [
        "8,50\u202f%",
        "0,5525\u202f%",
        "100,00\u202f%",
        "0,00\u202f%",
    ]


def test_page_and_invoice_lie_sealed_on_the_shelf(open_home: House, visitor: Sender) -> None:
    gateway, at = open_home.gateway, open_home.clock()
    statement, calculation = CASES["twelve"]
    # The premises of a test are those of the test environment.
    page, due = statement_page(statement, calculation, XML, "de", at, test=True), ubl(statement, "de")
    with gateway.database.write() as connection:
        given = [
            give_statement(connection, gateway.seal, visitor.member, page=page, invoice=due, at=at)
            for _ in range(2)
        ]
    first, second = (names.parse(one.name) for one in given)
    assert (first.type, first.mark, first.extension) == ("EXTCPT", Mark.INFO, Extension.ASICE)
    assert first.stamp < second.stamp
    shelf = rows(open_home, "SELECT id, recipient, kind, content FROM answer")
    [kept] = [row for row in shelf if row["id"] == given[0].id]
    assert (kept["recipient"], kept["kind"]) == (str(visitor.member), "INFO")
    files = verify_sealed_container(kept["content"], load_seals(open_home.seals)).files
    inside = str(replace(first, extension=Extension.PDF))
    invoice = f"SECU.FACTUR.{first.stamp}.CCSS.{visitor.member}.XML"
    assert set(files) == {inside, invoice}
    assert (files[inside], files[invoice]) == (page, due)
    assert names.parse(invoice).type == "FACTUR"
