"""Each booking of the bank is booked once: to its employer, or as money of nobody yet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.bank.intake import NotAssigned, assign, waiting
from adapters.bank.read import BankFileRefused
from gateway.ledger.entries import AccountKind, EntryKind
from gateway.payments import PaymentAnomaly
from tests.bank.house import EMPLOYER, OTHER, Premises
from tests.bank.statements import Booked, Told, account, camt

NOTICE = "camt.054.001.08"


@pytest.fixture
def home(tmp_path: Path) -> Premises:
    return Premises(tmp_path)


def test_a_transfer_that_quotes_its_employer_is_booked_to_it(home: Premises) -> None:
    taken = home.take(camt([Booked(500_00, [Told(text=f"matr. {EMPLOYER}")], reference="A")]))
    assert (taken.matched, taken.unmatched, taken.amount) == (("20260310/A/50000",), {}, 500_00)
    (entry,) = home.entries(EMPLOYER)
    assert (entry.kind, entry.amount, entry.day.isoformat()) == (EntryKind.PAYMENT, -500_00, "2026-03-10")
    assert home.stands(AccountKind.BANK) == 500_00
    assert home.journal() == [("banked", "STMT-1")]


def test_what_quotes_nobody_or_several_waits_in_suspense(home: Premises) -> None:
    nobody = Booked(10, [Told(text="merci", name=f"Firma {EMPLOYER}")], reference="A")
    several = Booked(20, [Told(text=f"{EMPLOYER} {OTHER}")], reference="B")
    out = Booked(-5, [Told(text=EMPLOYER)], reference="C", code="PMNT/ICDT/ESCT")
    taken = home.take(camt([nobody, several, out]))
    assert taken.unmatched == {
        "20260310/A/10": PaymentAnomaly.REFERENCE,
        "20260310/B/20": PaymentAnomaly.AMBIGUOUS,
        "20260310/C/-5": PaymentAnomaly.OUT,
    }
    assert home.stands(AccountKind.UNMATCHED) == -25
    assert home.stands(AccountKind.EMPLOYER) == 0
    with home.database.read() as connection:
        assert [one.amount for one in waiting(connection)] == [10, 20, -5]


def test_the_operator_assigns_what_waits_once(home: Premises) -> None:
    home.take(camt([Booked(10, reference="A"), Booked(-4, reference="B", code="PMNT/ICDT/ESCT")]))
    with home.database.write() as connection:
        assert assign(connection, "20260310/A/10", EMPLOYER, home.later()) == 10
        assert assign(connection, "20260310/B/-4", EMPLOYER, home.later()) == -4
    assert home.balance(EMPLOYER) == -6
    assert home.stands(AccountKind.UNMATCHED) == 0
    assert home.stands(AccountKind.BANK) == 6
    assert [one.day.isoformat() for one in home.entries(EMPLOYER)] == ["2026-03-10"] * 2
    assert home.journal()[1:] == [
        ("assigned", f"20260310/A/10 {EMPLOYER}"),
        ("assigned", f"20260310/B/-4 {EMPLOYER}"),
    ]
    with home.database.write() as connection, pytest.raises(NotAssigned, match="is assigned"):
        assign(connection, "20260310/A/10", OTHER, home.later())
    assert home.balance(OTHER) == 0


def test_what_cannot_be_assigned_says_why(home: Premises) -> None:
    home.take(camt([Booked(10, reference="A"), Booked(5, currency="USD", reference="D")], NOTICE))
    with home.database.write() as connection:
        for reference, employer, why in (
            ("20260310/A/11", EMPLOYER, "there is no payment"),
            ("20260310/A/10", "2099990003999", "not in the register"),
            ("20260310/D/0.05 USD", EMPLOYER, "is held"),
        ):
            with pytest.raises(NotAssigned, match=why):
                assign(connection, reference, employer, home.later())
    assert home.stands(AccountKind.UNMATCHED) == -10


def test_another_currency_is_held_and_never_booked(home: Premises) -> None:
    taken = home.take(camt([Booked(500, currency="USD", reference="D"), Booked(7, reference="E")], NOTICE))
    assert taken.held == {"20260310/D/5.00 USD": PaymentAnomaly.CURRENCY}
    assert home.stands(AccountKind.BANK) == 7
    with home.database.read() as connection:
        held = [one for one in waiting(connection) if one.anomaly is PaymentAnomaly.CURRENCY]
    assert [(one.told, one.amount) for one in held] == [("5.00 USD", None)]
    again = home.take(camt([Booked(500, currency="USD", reference="D")], NOTICE, identifier="N-2"))
    assert (again.held, again.repeated) == ({}, 1)


def test_the_same_file_twice_is_the_same_as_once(home: Premises) -> None:
    raw = camt([Booked(500, [Told(text=EMPLOYER)], reference="A"), Booked(3, reference="B")])
    home.take(raw)
    before = (home.states(), home.stands(AccountKind.BANK), home.journal())
    assert home.take(raw).again
    assert (home.states(), home.stands(AccountKind.BANK), home.journal()) == before


@pytest.mark.parametrize("first", ["camt.053.001.02", NOTICE])
def test_a_booking_in_both_messages_is_booked_once(home: Premises, first: str) -> None:
    second = NOTICE if first.startswith("camt.053") else "camt.053.001.02"
    entries = [
        Booked(500, [Told(text=EMPLOYER)], reference="A"),
        Booked(300, [Told(100, EMPLOYER, reference="T1"), Told(200, OTHER)], reference="B"),
        Booked(9, [Told(text=EMPLOYER, end_to_end="no reference of the bank")]),
    ]
    home.take(camt(entries, first))
    taken = home.take(camt(entries, second, identifier="2"))
    assert (taken.matched, taken.repeated, taken.amount) == ((), 4, 0)
    assert home.stands(AccountKind.BANK) == 809


def test_parts_told_before_their_sum_are_booked_once(home: Premises) -> None:
    parts = [Told(100, EMPLOYER, reference="T1"), Told(200, OTHER, reference="T2")]
    home.take(camt([Booked(300, parts, reference="B")], NOTICE))
    taken = home.take(camt([Booked(300, reference="B")]))
    assert (taken.repeated, taken.amount) == (1, 0)
    assert (home.balance(EMPLOYER), home.balance(OTHER)) == (-100, -200)


def test_parts_that_have_references_in_one_message_only_are_booked_once(home: Premises) -> None:
    home.take(camt([Booked(300, [Told(100, EMPLOYER), Told(200, OTHER)], reference="B")]))
    named = [Told(100, EMPLOYER, reference="T1"), Told(200, OTHER, reference="T2")]
    taken = home.take(camt([Booked(300, named, reference="B")], NOTICE, identifier="2"))
    assert (taken.repeated, taken.amount) == (2, 0)
    assert home.stands(AccountKind.BANK) == 300


def test_a_sum_told_before_its_parts_gives_way_to_them(home: Premises) -> None:
    home.take(camt([Booked(300, reference="B", batch=("theirs", 3))]))
    assert home.stands(AccountKind.UNMATCHED) == -300
    parts = [
        Told(100, EMPLOYER, reference="T1"),
        Told(150, OTHER, reference="T2"),
        Told(50, "?", reference="T3"),
    ]
    taken = home.take(camt([Booked(300, parts, reference="B")], NOTICE, identifier="2"))
    assert (len(taken.matched), len(taken.unmatched)) == (2, 1)
    assert (home.balance(EMPLOYER), home.balance(OTHER)) == (-100, -150)
    assert (home.stands(AccountKind.BANK), home.stands(AccountKind.UNMATCHED)) == (300, -50)
    assert set(home.states().values()) == {"split", "matched", "unmatched"}
    assert home.take(camt([Booked(300, parts, reference="B")], NOTICE, identifier="3")).amount == 0


def test_a_text_that_comes_after_the_booking_finds_the_employer(home: Premises) -> None:
    home.take(camt([Booked(300, reference="B")]))
    home.take(camt([Booked(300, [Told(text=EMPLOYER)], reference="B")], NOTICE, identifier="2"))
    assert (home.balance(EMPLOYER), home.stands(AccountKind.BANK)) == (-300, 300)


def test_what_the_operator_has_assigned_stays_so_whatever_comes_after(home: Premises) -> None:
    home.take(camt([Booked(300, reference="B")]))
    with home.database.write() as connection:
        assign(connection, "20260310/B/300", OTHER, home.later())
    taken = home.take(camt([Booked(300, [Told(text=EMPLOYER)], reference="B")], NOTICE, identifier="2"))
    assert (taken.repeated, home.balance(EMPLOYER), home.balance(OTHER)) == (1, 0, -300)


def test_a_reference_that_the_bank_uses_again_is_another_booking(home: Premises) -> None:
    home.take(camt([Booked(300, [Told(text=EMPLOYER)], reference="1")]))
    home.take(camt([Booked(300, [Told(text=EMPLOYER)], reference="1", day="2026-03-11")], identifier="2"))
    home.take(camt([Booked(-300, reference="1", reversal=True)], NOTICE, identifier="3"))
    assert home.balance(EMPLOYER) == -600
    assert home.stands(AccountKind.BANK) == 300


def test_a_reference_that_the_bank_gives_to_all_parts_loses_none(home: Premises) -> None:
    parts = [Told(100, EMPLOYER, reference="same"), Told(100, EMPLOYER, reference="same")]
    home.take(camt([Booked(200, parts, reference="same")]))
    assert home.balance(EMPLOYER) == -200


def test_a_refused_file_leaves_nothing_behind(home: Premises) -> None:
    with pytest.raises(BankFileRefused):
        home.take(camt([Booked(300, [Told(text=EMPLOYER)])], closing=1))
    assert (home.states(), home.journal()) == ({}, [])


def test_details_that_do_not_add_up_are_booked_whole_and_wait(home: Premises) -> None:
    taken = home.take(camt([Booked(300, [Told(100, EMPLOYER), Told(100, OTHER)], reference="B")]))
    assert list(taken.unmatched.values()) == [PaymentAnomaly.SUM]
    assert (home.stands(AccountKind.BANK), home.stands(AccountKind.UNMATCHED)) == (300, -300)


def test_a_file_with_several_reports_tells_each_booking_once(home: Premises) -> None:
    entries = [Booked(500, [Told(text=EMPLOYER)]), Booked(300, reference="B", batch=("theirs", 2))]
    parts = [Told(100, EMPLOYER, reference="T1"), Told(200, OTHER, reference="T2")]
    first, second = camt(entries, NOTICE), camt([entries[0], Booked(300, parts, reference="B")], NOTICE)
    report = second[second.index(b"<Ntfctn>") : second.index(b"</BkToCstmrDbtCdtNtfctn>")]
    taken = home.take(first.replace(b"</Ntfctn>", b"</Ntfctn>" + report))
    assert taken.repeated == 1
    assert (home.balance(EMPLOYER), home.balance(OTHER)) == (-600, -200)
    assert home.stands(AccountKind.BANK) == 800


references = st.none() | st.sampled_from(["A", "B", "C"])
texts = st.sampled_from([EMPLOYER, OTHER, "merci", f"{EMPLOYER}/{OTHER}", ""])


@st.composite
def entries(draw: st.DrawFn) -> Booked:
    several = draw(st.lists(st.integers(1, 99_999), min_size=0, max_size=3))
    sign = draw(st.sampled_from([1, 1, 1, -1]))
    details = [
        Told(
            amount,
            draw(texts),
            reference=draw(references),
            end_to_end=draw(st.sampled_from([None, "202601-0000007"])),
            iban=account(draw(st.integers(1, 3))),
        )
        for amount in several
    ]
    whole = sum(several) + draw(st.sampled_from([0, 0, 0, 1])) if several else draw(st.integers(0, 99_999))
    code = draw(st.sampled_from(["PMNT/RCDT/ESCT", "PMNT/IDDT/ESDD", "PMNT/IDDT/UPDD"]))
    return Booked(sign * whole, details, reference=draw(references), code=code)


@settings(max_examples=40, deadline=None)
@given(st.lists(entries(), max_size=6), st.sampled_from(["camt.053.001.02", "camt.053.001.08", NOTICE]))
def test_the_ledger_has_what_the_file_has_and_no_file_twice(
    tmp_path_factory: pytest.TempPathFactory, told: Sequence[Booked], message: str
) -> None:
    home = Premises(tmp_path_factory.mktemp("bank"))
    raw = camt(told, message)
    taken = home.take(raw)
    total = sum(one.amount for one in told)
    assert home.stands(AccountKind.BANK) == taken.amount == total
    assert home.stands(AccountKind.EMPLOYER) + home.stands(AccountKind.UNMATCHED) == -total
    assert home.number("SELECT count(*) FROM payment") == len(taken.matched) + len(taken.unmatched)
    home.take(raw)
    home.take(raw.replace(b"STMT-1", b"STMT-2"))
    assert home.stands(AccountKind.BANK) == total
