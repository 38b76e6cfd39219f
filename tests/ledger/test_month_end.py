"""The month end of the institutions, and what is passed on to each, worked by hand."""

from __future__ import annotations

import csv
import io
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from gateway.ledger import entries as book
from gateway.ledger.institutions import (
    HEADINGS,
    Books,
    MonthEnd,
    Statistics,
    month_end,
    states_document,
    to_csv,
    transfers_document,
)
from gateway.ledger.shares import apportion
from gateway.moments import Period
from tests.ledger.histories import EMPLOYER, History, moment

MAY, JUNE, JULY = Period(2025, 5), Period(2025, 6), Period(2025, 7)


def story() -> History:
    """1,000.00 due in May, 401.50 paid in June; interest for June, a refund and a fine in July."""
    history = History()
    history.day = date(2025, 5, 15)
    history.charge({"CNS": 60_000, "CNAP": 35_000, "MDE": 5_000}, due=date(2025, 5, 25))
    history.day = date(2025, 6, 20)
    history.pay(40_150)
    history.day = date(2025, 7, 1)
    history.book_interest()  # 0.6 % of 598.50 is 3.59
    history.day = date(2025, 7, 2)
    history.enter(
        book.fine(
            EMPLOYER,
            day=history.day,
            due=date(2025, 8, 2),
            amount=5_000,
            reference="F",
            booked=moment(history.day),
        ),
        book.mutuality_refund(
            EMPLOYER, day=history.day, period=MAY, amount=10_000, booked=moment(history.day)
        ),
    )
    return history


def at(history: History, month: Period) -> MonthEnd:
    return month_end(month, [Books(EMPLOYER, history.entries)], history.ledger.transfers())


def headings(history: History, month: Period, institution: str) -> dict[str, int]:
    """The headings of an institution that are not zero."""
    (state,) = (one for one in at(history, month).states({}) if one.institution == institution)
    return {name: amount for name in HEADINGS if (amount := getattr(state, name))}


def test_a_month_is_told_under_its_headings():
    history = story()
    assert headings(history, MAY, "CNS") == {"due": 60_000, "arrears": 60_000}
    assert headings(history, JUNE, "CNS") == {"paid": 24_090, "arrears": 35_910}
    # 598.50 and 3.59 of interest are open; the refund of 100.00 pays the interest first, then 96.41.
    # Interest 2.15 + 1.26 + 0.18; of 96.41 on 359.10, 209.47 and 29.93 fall 57.85, 33.74 and 4.82.
    assert headings(history, JULY, "CNS") == {"paid": 215 + 5_785, "interest": 215, "arrears": 35_910 - 5_785}
    assert headings(history, JULY, "MDE") == {
        "paid": 18 + 482,
        "interest": 18,
        "refunds": 10_000,
        "arrears": 2_993 - 482,
    }
    assert headings(history, JULY, "CCSS") == {"fines": 5_000}


def test_what_is_booked_later_stands_in_the_month_of_its_booking_and_a_closed_month_stays():
    history = story()
    before = at(history, MAY).states({})
    history.pay(1_000, date(2025, 5, 20))
    assert at(history, MAY).states({}) == before
    assert headings(history, JULY, "CNS")["paid"] > 215 + 5_785


def test_money_is_passed_on_once_and_everything_agrees_with_the_ledger():
    history = story()
    for month in (JUNE, JULY):
        closed = at(history, month).after
        due = {one.account: one.amount for one in closed.transferable()}
        assert sum(due.values()) == {JUNE: 40_150, JULY: 0}[month]
        history.enter(book.transfer(day=month.last, by_account=due, reference="T", booked=moment(month.last)))
        after = at(history, month).after
        assert not any(one.amount for one in after.transferable())
        assert after.differences(history.ledger.accounts(month)) == []
    assert headings(history, JULY, "MDE")["transfers"] == 18 + 482 - 10_000


def test_a_cent_that_is_missing_is_named():
    """The control of the reconciliation."""
    history = story()
    closed, accounts = at(history, JULY).after, dict(history.ledger.accounts(JULY))
    accounts[book.Account(book.AccountKind.INSTITUTION, "CNS")] += 1
    accounts[book.BANK] -= 1
    named = closed.differences(accounts)
    assert [one.partition(":")[0] for one in named] == ["institution", "bank"]


def test_advances_are_what_is_paid_before_it_is_due():
    history = History()
    history.day = date(2025, 5, 28)
    history.charge({"CNS": 60_000, "CNAP": 40_000}, due=date(2025, 6, 7))
    history.pay(50_000)
    assert headings(history, MAY, "CNS") == {"due": 60_000, "paid": 30_000, "advances": 30_000}
    assert headings(history, JUNE, "CNS") == {"arrears": 30_000}


def test_statistics_are_told_even_for_an_institution_without_bookings():
    states = month_end(MAY, [], []).states({"CNS": Statistics(3, 123_450)})
    assert states_document(states)[0] == {
        "institution": "CNS",
        "period": "2025-05",
        **dict.fromkeys(HEADINGS, "0.00"),
        "head_count": 3,
        "wage_mass": "1234.50",
    }


def test_csv_holds_what_json_holds_and_no_formula():
    history = story()
    document = transfers_document(JULY, at(history, JULY).after.transferable())
    rows = list(csv.DictReader(io.StringIO(to_csv(document))))
    assert rows == document
    assert any(row["to_transfer"].startswith("-") for row in rows)
    evil = [{"institution": text} for text in ("=1+1", "+A1", "-A1", "@x", "\tx", "-1.00", "5")]
    cells = [row["institution"] for row in csv.DictReader(io.StringIO(to_csv(evil)))]
    assert cells == ["'=1+1", "'+A1", "'-A1", "'@x", "'\tx", "-1.00", "5"]


weights = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 10**9), min_size=1)


@given(weights, st.data())
def test_shares_make_the_whole_and_never_exceed_what_is_open(open_for, data):
    amount = data.draw(st.integers(0, sum(open_for.values())))
    parts = apportion(amount, open_for)
    assert sum(parts.values()) == amount
    total = sum(open_for.values())
    for key, part in parts.items():
        assert 0 <= part <= open_for[key]
        assert abs(part * total - amount * open_for[key]) < total
    assert apportion(total, open_for) == open_for
