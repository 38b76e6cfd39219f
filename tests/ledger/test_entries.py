"""What can be booked, and what cannot."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from gateway.ledger import Dispute, DisputeOutcome, EntryKind, Instalment, Plan
from gateway.ledger import entries as book
from gateway.ledger.entries import Account, AccountKind, Posting
from gateway.ledger.granting import NotGranted, ask_refund, contest, grant_plan
from gateway.moments import Period
from tests.ledger.histories import CHARGE, EMPLOYER, FIRST, OTHER_EMPLOYER, History, full, moment

NOW = moment(FIRST)
PAYMENT = book.payment(EMPLOYER, day=FIRST, amount=100, reference="R", booked=NOW)


def test_an_entry_out_of_balance_is_refused():
    one, other = PAYMENT.postings
    with pytest.raises(ValueError, match="sum to zero"):
        replace(PAYMENT, postings=(one, replace(other, amount=other.amount + 1)))


def test_an_entry_is_on_the_account_of_its_employer_and_no_other():
    with pytest.raises(ValueError, match="on the accounts of"):
        replace(PAYMENT, employer=OTHER_EMPLOYER)
    with pytest.raises(ValueError, match="on the accounts of"):
        replace(PAYMENT, employer=None)


def test_an_account_stands_once_in_an_entry():
    account = Account(AccountKind.EMPLOYER, EMPLOYER)
    with pytest.raises(ValueError, match="stands twice"):
        replace(PAYMENT, postings=(Posting(account, 1), Posting(account, -1)))


@pytest.mark.parametrize("amount", [0, -1])
def test_money_is_above_zero(amount):
    with pytest.raises(ValueError, match="above zero"):
        book.payment(EMPLOYER, day=FIRST, amount=amount, reference="R", booked=NOW)


def test_nothing_is_due_before_it_is_issued():
    with pytest.raises(ValueError, match="before it was issued"):
        book.contributions(
            EMPLOYER,
            statement=1,
            issued=FIRST,
            due=FIRST - timedelta(days=1),
            period=Period(2024, 11),
            by_institution=CHARGE,
            booked=NOW,
        )


def test_only_a_fine_is_lifted_and_never_more_than_it():
    fine = book.numbered(book.fine(EMPLOYER, day=FIRST, due=FIRST, amount=50, reference="F", booked=NOW), 7)
    lifted = book.discharge(fine, day=FIRST, reference="O", booked=NOW)
    assert (lifted.amount, lifted.about) == (-50, 7)
    with pytest.raises(ValueError, match="more is lifted"):
        book.discharge(fine, day=FIRST, amount=51, reference="O", booked=NOW)
    with pytest.raises(ValueError, match="only a fine"):
        book.discharge(book.numbered(PAYMENT, 1), day=FIRST, reference="O", booked=NOW)


def test_money_of_nobody_counts_for_its_employer_from_the_day_on_which_it_came():
    history = History()
    history.charge({"CNS": 100}, due=FIRST)
    (number,) = history.enter(book.unmatched_payment(day=FIRST, amount=100, reference="B1", booked=NOW))
    assert history.position().balance == 100
    history.day = date(2025, 6, 1)
    received = history.ledger.get(number)
    history.enter(book.assigned_payment(EMPLOYER, received, booked=moment(history.day)))
    assert history.position(FIRST).balance == 0
    assert history.book_interest() == []
    with pytest.raises(ValueError, match="only an unmatched payment"):
        book.assigned_payment(EMPLOYER, PAYMENT, booked=NOW)


def test_a_returned_debit_never_paid_anything():
    history = History()
    history.charge({"CNS": 100_000}, due=FIRST + timedelta(days=10))
    debit = book.direct_debit(
        EMPLOYER, day=FIRST + timedelta(days=10), amount=100_000, reference="D", booked=NOW
    )
    (number,) = history.enter(debit)
    history.day = date(2025, 3, 10)
    assert history.book_interest() == []
    history.enter(
        book.returned_debit(
            EMPLOYER, debit=number, day=history.day, amount=100_000, reference="D", booked=moment(history.day)
        )
    )
    assert [str(one.period) for one in history.book_interest()] == ["2025-02"]
    assert history.position().balance == 100_600


def test_interest_that_was_waived_is_not_booked_again_nor_turned_into_money():
    history = History()
    history.charge({"CNS": 100_000}, due=FIRST + timedelta(days=10))
    history.day = date(2025, 3, 1)
    history.book_interest()
    history.enter(
        book.interest_waived(
            EMPLOYER,
            item=1,
            day=history.day,
            by_institution={"CNS": 600},
            reference="W",
            booked=moment(history.day),
        )
    )
    assert history.position().interest_owed == 0
    assert history.book_interest() == []
    history.pay(100_000, FIRST)  # it had come in time after all: nothing was owed, and nothing is given
    history.book_interest()
    assert history.position().balance == 0


def test_interest_that_was_paid_comes_back_when_the_payment_was_in_time_after_all():
    history = History()
    history.charge({"CNS": 100_000}, due=FIRST + timedelta(days=10))
    history.day = date(2025, 3, 1)
    history.book_interest()
    history.pay(600)
    history.pay(100_000, FIRST)
    assert [one.amount for one in history.book_interest()] == [-600]
    standing = history.position()
    assert (standing.balance, standing.credit) == (-600, 600)


def granted(history: History, *amounts: int, items: tuple[int, ...] = ()) -> Plan:
    instalments = [
        Instalment(history.day + timedelta(days=30 * n), part) for n, part in enumerate(amounts, 1)
    ]
    return grant_plan(history.position(), items, instalments, granted_by="board", entered=moment(history.day))


def test_a_plan_is_over_what_is_open_to_the_cent():
    history = History()
    history.charge(CHARGE, due=FIRST)
    assert granted(history, 1, full() - 1).items == {1}
    with pytest.raises(NotGranted, match="is open"):
        granted(history, full() - 1)
    with pytest.raises(NotGranted, match="not open"):
        granted(history, full(), items=(9,))
    history.plans.append(replace(granted(history, full()), number=1))
    with pytest.raises(NotGranted):
        granted(history, full())
    assert history.position().items[0].plan == 1


def test_what_was_paid_before_a_plan_on_its_day_is_not_paid_under_it():
    history = History()
    history.charge({"CNS": 100}, due=FIRST)
    history.pay(40)
    history.plans.append(replace(granted(history, 60), number=1))
    (standing,) = history.position().plans
    assert (standing.settled, standing.next) == (0, history.plans[0].instalments[0])
    later = replace(moment(FIRST), at=moment(FIRST).at + timedelta(minutes=1))
    history.enter(book.payment(EMPLOYER, day=FIRST, amount=10, reference="R", booked=later))
    assert history.position().plans[0].settled == 10


def test_the_next_instalment_is_told_with_what_is_missing_of_it():
    history = History()
    history.charge({"CNS": 100}, due=FIRST)
    history.plans.append(replace(granted(history, 40, 60), number=1))
    history.day += timedelta(days=1)
    history.pay(30)
    days = [one.due for one in history.plans[0].instalments]
    (standing,) = history.position().plans
    assert standing.next == Instalment(days[0], 10)
    history.pay(20)
    (standing,) = history.position(days[1]).plans
    assert standing.next == Instalment(days[1], 50)
    (standing,) = history.position(days[1] + timedelta(days=1)).plans
    assert (standing.next, standing.defaulted) == (None, days[1] + timedelta(days=1))
    history.pay(50)
    assert history.position().plans[0].next is None


def test_a_dispute_freezes_its_amount_and_nothing_else():
    history = History()
    history.charge({"CNS": 100}, due=FIRST)
    history.charge({"CNS": 70}, due=FIRST)
    history.day = FIRST + timedelta(days=5)
    now = moment(history.day)
    with pytest.raises(NotGranted, match=r"1\.00 of it"):
        contest(history.position(), 1, 101, reason="C", entered=now)
    with pytest.raises(NotGranted, match="no open item"):
        contest(history.position(), 9, None, reason="C", entered=now)
    history.disputes.append(replace(contest(history.position(), 1, None, reason="C", entered=now), number=1))
    assert [one.number for one in history.position().recoverable] == [2]
    with pytest.raises(NotGranted):
        contest(history.position(), 1, 1, reason="C", entered=now)
    history.disputes[0] = history.disputes[0].decided(DisputeOutcome.REJECTED, history.day)
    assert [one.number for one in history.position().recoverable] == [1, 2]


def test_a_dispute_is_closed_once_and_not_before_it_is_opened():
    one = Dispute(1, EMPLOYER, 1, 5, FIRST, "C", NOW)
    with pytest.raises(ValueError, match="before it is opened"):
        one.decided(DisputeOutcome.UPHELD, FIRST - timedelta(days=1))
    with pytest.raises(ValueError, match="was closed"):
        one.decided(DisputeOutcome.UPHELD, FIRST).decided(DisputeOutcome.UPHELD, FIRST)


def test_no_more_than_the_credit_is_paid_out_even_when_asked_twice():
    history = History()
    history.pay(100)
    first = ask_refund(history.position(), 60, [], entered=NOW)
    assert ask_refund(history.position(), None, [first], entered=NOW).amount == 40
    for amount in (41, 0):
        with pytest.raises(NotGranted, match=r"0\.40 can be paid out"):
            ask_refund(history.position(), amount, [first], entered=NOW)
    history.charge({"CNS": 500}, due=FIRST)
    with pytest.raises(NotGranted, match=r"0\.00 can be paid out"):
        ask_refund(history.position(), None, [], entered=NOW)


def test_a_credit_that_was_paid_out_and_was_none_is_owed_back():
    history = History()
    history.pay(100)
    history.enter(book.credit_paid(EMPLOYER, day=FIRST, amount=100, reference="C", booked=NOW))
    history.day = FIRST + timedelta(days=1)
    history.charge({"CNS": 30}, due=history.day, issued=FIRST - timedelta(days=1))
    (item,) = history.position().items
    assert (item.kind, item.open) == (EntryKind.CREDIT_PAID, 30)


@pytest.mark.parametrize(
    ("items", "instalments"),
    [
        (set(), [(1, 5)]),
        ({1}, []),
        ({1}, [(2, 5), (1, 5)]),
        ({1}, [(1, 5), (1, 5)]),
        ({1}, [(-1, 5)]),
        ({1}, [(1, 0)]),
    ],
)
def test_a_plan_without_sense_is_refused(items, instalments):
    given = tuple(Instalment(FIRST + timedelta(days=n), amount) for n, amount in instalments)
    with pytest.raises(ValueError, match=r"plan|instalment"):
        Plan(None, EMPLOYER, FIRST, "board", frozenset(items), given, NOW)
