"""Direct debits and refunds: valid by ISO 20022, ordered once, booked when the bank says so."""

from __future__ import annotations

from collections import Counter
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from adapters.bank import due, orders
from adapters.bank.orders import NotEntered, Ordered
from adapters.bank.write import plain, write_debits, write_transfers
from adapters.database.ledger import SqlArrangements
from gateway.direct_debits import (
    Collection,
    CreditAsked,
    DirectDebit,
    Due,
    LeftOut,
    PayoutAccount,
    Refund,
    Sequence,
    collections,
    is_business_day,
    next_business_day,
    refunds,
)
from gateway.ledger.arrangements import RefundRequest
from gateway.ledger.entries import AccountKind, EntryKind
from gateway.moments import Period
from gateway.money import cents_of, euro
from tests.bank.house import EMPLOYER, OTHER, SETTINGS, START, Premises
from tests.bank.statements import Booked, Told, account, camt

DUE = date(2026, 3, 20)


@pytest.fixture
def home(tmp_path: Path) -> Premises:
    return Premises(tmp_path)


def enter(home: Premises, employer: str = EMPLOYER, mandate: str = "M-1", **other: object) -> None:
    given = {"iban": account(5), "bic": None, "name": "Müller & Fils", "signed": date(2026, 1, 5), **other}
    with home.database.write() as connection:
        orders.enter_debit(connection, employer, mandate=mandate, at=home.later(), **given)  # type: ignore[arg-type]


def collect(home: Premises) -> Ordered:
    with home.database.write() as connection:
        now = home.later()
        return orders.order_collections(connection, due.amounts_due(connection, now), SETTINGS, now)


def refund(home: Premises) -> Ordered:
    with home.database.write() as connection:
        now = home.later()
        return orders.order_refunds(connection, due.credits_asked(connection, now), SETTINGS, now)


def content(ordered: Ordered) -> etree._Element:
    assert ordered.written is not None
    return etree.fromstring(ordered.written.content)


def texts(root: etree._Element, name: str) -> list[str]:
    return cast("list[str]", root.xpath(f"//*[local-name()='{name}']/text()"))


def test_what_is_due_is_collected_once_and_booked_when_the_bank_has(home: Premises) -> None:
    number = home.charge(EMPLOYER, 1234_56, due=DUE)
    home.charge(OTHER, 99, due=DUE)
    enter(home)
    ordered = collect(home)
    root = content(ordered)
    printed = f"202601-{number:07d}"
    assert (ordered.number, ordered.amount, ordered.left) == (1, 1234_56, [])
    assert texts(root, "InstdAmt") == ["1234.56"]
    assert texts(root, "EndToEndId") == [printed]
    assert texts(root, "SeqTp") == ["FRST"]
    assert texts(root, "ReqdColltnDt") == ["2026-03-20"]
    assert home.balance(EMPLOYER) == 1234_56, "what we order moves nothing"
    assert collect(home).written is None
    told = Told(end_to_end=printed, mandate="M-1")
    home.take(camt([Booked(1234_56, [told], reference="D", code="PMNT/IDDT/ESDD", day="2026-03-20")]))
    assert home.balance(EMPLOYER) == 0
    assert [one.kind for one in home.entries(EMPLOYER)] == [EntryKind.CONTRIBUTIONS, EntryKind.DIRECT_DEBIT]
    assert collect(home).written is None


def test_a_returned_debit_is_due_again_but_not_collected_again(home: Premises) -> None:
    number = home.charge(EMPLOYER, 500_00, due=DUE)
    enter(home)
    collect(home)
    printed = f"202601-{number:07d}"
    both = [
        Booked(-500_00, [Told(end_to_end=printed, reason="AM04")], reference="R", code="PMNT/IDDT/UPDD"),
        Booked(500_00, [Told(end_to_end=printed)], reference="D", code="PMNT/IDDT/ESDD"),
    ]
    taken = home.take(camt(both))
    assert (len(taken.matched), taken.amount) == (2, 0)
    assert home.balance(EMPLOYER) == 500_00
    last = home.entries(EMPLOYER)[-1]
    assert (last.kind, last.about) == (EntryKind.RETURNED_DEBIT, home.entries(EMPLOYER)[-2].number)
    assert collect(home).written is None
    again = home.take(
        camt([Booked(-500_00, [Told(end_to_end=printed, reason="AM04")], reference="R2")], identifier="2")
    )
    assert len(again.unmatched) == 1, "a debit comes back once"


def test_two_bookings_do_not_answer_one_order(home: Premises) -> None:
    number = home.charge(EMPLOYER, 500_00, due=DUE)
    enter(home)
    collect(home)
    told = [Told(end_to_end=f"202601-{number:07d}")]
    twice = [Booked(500_00, told, reference=name, code="PMNT/IDDT/ESDD") for name in "AB"]
    taken = home.take(camt(twice))
    assert (len(taken.matched), list(taken.unmatched.values())) == (1, ["PAYMENT-ORDER"])
    assert (home.balance(EMPLOYER), home.stands(AccountKind.UNMATCHED)) == (0, -500_00)


def test_a_batch_that_the_bank_books_as_one_sum_is_booked_to_each(home: Premises) -> None:
    home.charge(EMPLOYER, 500_00, due=DUE)
    home.charge(OTHER, 120_00, due=DUE)
    enter(home)
    enter(home, OTHER, "M-2")
    ordered = collect(home)
    assert ordered.written is not None
    (batch,) = set(ordered.written.batches.values())
    home.take(camt([Booked(620_00, reference="D", code="PMNT/IDDT/ESDD", batch=(batch, 2))]))
    assert (home.balance(EMPLOYER), home.balance(OTHER)) == (0, 0)
    assert home.stands(AccountKind.BANK) == 620_00
    home.take(camt([Booked(620_00, reference="D", code="PMNT/IDDT/ESDD", batch=(batch, 2))], identifier="2"))
    assert home.stands(AccountKind.BANK) == 620_00


def test_a_rolled_back_order_leaves_nothing(home: Premises) -> None:
    home.charge(EMPLOYER, 500_00, due=DUE)
    enter(home)
    before = home.journal()
    with pytest.raises(OSError, match="full"), home.database.write() as connection:
        now = home.later()
        orders.order_collections(connection, due.amounts_due(connection, now), SETTINGS, now)
        raise OSError("disk full")
    assert home.journal() == before
    assert collect(home).number == 1


def test_later_collections_of_a_mandate_recur_and_messages_have_ids_of_their_own(home: Premises) -> None:
    enter(home)
    messages = set()
    for month, sequence in ((1, "FRST"), (2, "RCUR")):
        home.charge(EMPLOYER, 10, due=DUE, period=Period(2026, month))
        ordered = collect(home)
        assert texts(content(ordered), "SeqTp") == [sequence]
        messages.update(texts(content(ordered), "MsgId"))
    assert len(messages) == 2
    assert [event for event, _ in home.journal()] == ["debitable", "ordered", "ordered"]


def test_a_mandate_that_has_ended_collects_nothing(home: Premises) -> None:
    home.charge(EMPLOYER, 10, due=DUE)
    enter(home)
    with home.database.write() as connection:
        assert orders.end_debit(connection, "M-1", home.later())
        assert not orders.end_debit(connection, "M-1", home.later())
    assert collect(home).written is None
    enter(home, mandate="M-2")
    assert texts(content(collect(home)), "MndtId") == ["M-2"]


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"iban": account(5)[:-1] + "0"}, "IBAN"),
        ({"bic": "NOBANK"}, "BIC"),
        ({"name": "  "}, "holder"),
        ({"name": "x" * 71}, "holder"),
        ({"mandate": "M_1"}, "id of a mandate"),
        ({"mandate": "M" * 36}, "id of a mandate"),
        ({"signed": date(2027, 1, 1)}, "after today"),
        ({"employer": "2099990003999"}, "not in the register"),
        ({"mandate": "M-0"}, "entered before"),
        ({"employer": OTHER}, "in force"),
    ],
)
def test_a_mandate_that_is_not_right_is_not_entered(
    home: Premises, changed: dict[str, object], why: str
) -> None:
    enter(home, OTHER, "M-0")
    with pytest.raises(NotEntered, match=why):
        enter(home, **changed)  # type: ignore[arg-type]
    assert home.number("SELECT count(*) FROM direct_debit") == 1


def test_a_credit_that_is_asked_for_is_paid_out_once(home: Premises) -> None:
    home.take(camt([Booked(300_00, [Told(text=EMPLOYER)], reference="A")]))
    with home.database.write() as connection:
        arrangements = SqlArrangements(connection)
        for amount in (200_00, 150_00):
            asked = RefundRequest(None, EMPLOYER, amount, home.now.day, home.now)
            arrangements.ask_refund(asked)
    assert [why for _, _, why in refund(home).left] == [LeftOut.ACCOUNT] * 2
    with home.database.write() as connection:
        orders.set_payout(connection, EMPLOYER, iban=account(6), name="Alte Firma", at=home.later())
        orders.set_payout(connection, EMPLOYER, iban=account(7), name="Neue Firma", at=home.later())
    ordered = refund(home)
    root = content(ordered)
    assert texts(root, "InstdAmt") == ["200.00"]
    assert account(7) in texts(root, "IBAN")
    assert [why for _, _, why in ordered.left] == [LeftOut.CREDIT], (
        "150 are not left while 200 are on their way"
    )
    assert refund(home).written is None
    assert home.balance(EMPLOYER) == -300_00
    told = Told(end_to_end="REFUND-0000001")
    out = Booked(-200_00, [told], reference="P", code="PMNT/ICDT/ESCT")
    home.take(camt([out], identifier="2"))
    assert home.balance(EMPLOYER) == -100_00
    assert refund(home).written is None
    back = Booked(
        200_00, [Told(end_to_end="REFUND-0000001", reason="AC04")], reference="Q", code="PMNT/ICDT/RRTN"
    )
    home.take(camt([back], identifier="3"))
    assert home.balance(EMPLOYER) == -300_00
    assert [event for event, _ in home.journal()].count("ordered") == 1


def debit(number: int = 1, used: date | None = None, signed: date = date(2025, 1, 1)) -> DirectDebit:
    return DirectDebit(number, EMPLOYER, account(5), None, "Firma", "M-1", signed, used)


def owed(amount: int = 100, day: date = DUE, statement: int = 1) -> Due:
    return Due(EMPLOYER, statement, f"202601-{statement:07d}", amount, day)


def test_a_mandate_without_collection_for_36_months_has_lapsed() -> None:
    mandates = {EMPLOYER: debit(used=date(2023, 3, 19))}
    assert collections([owed()], mandates, (), START.day) == ([], [(owed(), LeftOut.LAPSED)])
    mandates = {EMPLOYER: debit(used=date(2023, 3, 20))}
    assert len(collections([owed()], mandates, (), START.day)[0]) == 1
    mandates = {EMPLOYER: debit(signed=date(2023, 3, 19))}
    assert collections([owed()], mandates, (), START.day)[1] == [(owed(), LeftOut.LAPSED)]


def test_what_a_sepa_payment_cannot_hold_is_left_out() -> None:
    most = owed(999_999_999_99)
    above = owed(1_000_000_000_00, statement=2)
    taken, left = collections([most, above], {EMPLOYER: debit()}, (), START.day)
    assert ([one.due for one in taken], left) == ([most], [(above, LeftOut.AMOUNT)])


@pytest.mark.parametrize(
    ("due_day", "today", "day"),
    [
        (date(2026, 3, 20), date(2026, 3, 11), date(2026, 3, 20)),
        (date(2026, 3, 21), date(2026, 3, 11), date(2026, 3, 23)),
        (date(2026, 3, 1), date(2026, 3, 13), date(2026, 3, 16)),
        (date(2026, 4, 3), date(2026, 3, 11), date(2026, 4, 7)),
        (date(2026, 5, 1), date(2026, 3, 11), date(2026, 5, 4)),
        (date(2026, 12, 25), date(2026, 12, 1), date(2026, 12, 28)),
        (date(2026, 6, 23), date(2026, 6, 1), date(2026, 6, 23)),
    ],
)
def test_a_debit_is_collected_when_due_on_a_day_on_which_banks_settle(
    due_day: date, today: date, day: date
) -> None:
    ((one,), _) = collections([owed(day=due_day)], {EMPLOYER: debit()}, (), today)
    assert one.day == day


@given(st.dates(date(2020, 1, 1), date(2099, 1, 1)))
def test_the_next_business_day_is_one(day: date) -> None:
    following = next_business_day(day)
    assert is_business_day(following) and 1 <= (following - day).days <= 5


names = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=70)
amounts = st.integers(1, 999_999_999_99)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(amounts, names.filter(plain), st.sampled_from([None, "TESTLUL0XXX"])),
        min_size=1,
        max_size=5,
    )
)
def test_what_is_ordered_is_what_the_valid_file_says(given_: list[tuple[int, str, str | None]]) -> None:
    ordered = [
        (
            f"202601-{number:07d}",
            Collection(
                Due(EMPLOYER, number, f"202601-{number:07d}", amount, DUE),
                DirectDebit(number, EMPLOYER, account(number), bic, name, f"M-{number}", date(2025, 1, 1)),
                Sequence.FIRST if number % 2 else Sequence.RECURRENT,
                DUE,
            ),
        )
        for number, (amount, name, bic) in enumerate(given_, 1)
    ]
    written = write_debits(ordered, SETTINGS, "DD-1", START)
    check(written.content, "pain.008.001.08", [amount for amount, _, _ in given_])
    assert set(written.batches) == {end_to_end for end_to_end, _ in ordered}
    paid = [
        (
            f"REFUND-{number}",
            Refund(
                CreditAsked(EMPLOYER, number, amount, amount),
                PayoutAccount(EMPLOYER, account(number), name),
                DUE,
            ),
        )
        for number, (amount, name, _) in enumerate(given_, 1)
    ]
    written = write_transfers(paid, SETTINGS, "CT-1", START)
    check(written.content, "pain.001.001.09", [amount for amount, _, _ in given_])


def check(raw: bytes, message: str, amounts_told: list[int]) -> None:
    """Valid by the schema, the amounts to the cent, sums and counts right, our ids and our moment in it."""
    root = etree.fromstring(raw)
    schema = etree.XMLSchema(etree.fromstring((files("sepaxml") / "schemas" / f"{message}.xsd").read_bytes()))
    assert schema.validate(root), schema.error_log
    assert Counter(texts(root, "InstdAmt")) == Counter(map(euro, amounts_told))
    totals = [cents_of(text) for text in texts(root, "CtrlSum")]
    assert totals[0] == sum(totals[1:]) == sum(amounts_told)
    counts = [int(text) for text in texts(root, "NbOfTxs")]
    assert counts[0] == sum(counts[1:]) == len(amounts_told)
    assert texts(root, "CreDtTm") == ["2026-03-11T08:00:00Z"]
    assert all(one.startswith(texts(root, "MsgId")[0]) for one in texts(root, "PmtInfId"))
    assert all(set(text) <= set(plain(text)) for name in ("Nm", "Ustrd") for text in texts(root, name))


def test_refunds_never_exceed_the_credit_in_all() -> None:
    asked = [CreditAsked(EMPLOYER, number, 60, 100) for number in (1, 2)]
    taken, left = refunds(asked, {EMPLOYER: PayoutAccount(EMPLOYER, account(1), "x")}, START.day)
    assert ([one.asked.request for one in taken], [(one.request, why) for one, why in left]) == (
        [1],
        [(2, LeftOut.CREDIT)],
    )
