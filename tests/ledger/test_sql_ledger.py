"""The ledger on our tables beside the one in memory: asked the same, they answer the same."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing as closed_at_the_end
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.database import Database
from adapters.database.institutions import all_books, books_of_some, totals
from adapters.database.ledger import SqlArrangements, SqlLedger
from gateway.ledger import Dispute, DisputeOutcome, Instalment, Plan, RefundRequest
from gateway.ledger import entries as book
from gateway.ledger.entries import Entry
from gateway.ledger.institutions import from_totals, month_end
from gateway.ledger.memory import MemoryArrangements, MemoryLedger
from gateway.moments import Period
from tests import databases
from tests.ledger.histories import CHARGE, EMPLOYER, FIRST, OTHER_EMPLOYER, History, moment, steps


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = databases.at(tmp_path / "ledger.sqlite")
    database.create()
    yield database
    database.close()


def some_entries() -> list[Entry]:
    """One entry of most kinds, without numbers."""
    now, day = moment(FIRST), FIRST
    charge = {"statement": 1, "issued": day, "due": day + timedelta(days=10), "booked": now}
    return [
        book.contributions(EMPLOYER, period=Period(2024, 11), by_institution=CHARGE, **charge),
        book.contributions(OTHER_EMPLOYER, period=Period(2024, 11), by_institution={"CNS": 5}, **charge),
        book.correction(EMPLOYER, period=Period(2024, 10), by_institution={"CNS": -5, "AAA": 3}, **charge),
        book.payment(EMPLOYER, day=day, amount=100, reference="Überweisung; =1+1", booked=now, statement=1),
        book.interest(EMPLOYER, item=1, month=Period(2025, 2), by_institution={"CNS": 7}, booked=now),
        book.unmatched_payment(day=day, amount=50, reference="A1", booked=now),
        book.unmatched_payment(day=day, amount=60, reference="A2", booked=now),
        book.transfer(
            day=day,
            by_account={book.Account(book.AccountKind.INSTITUTION, "CNS"): 10},
            reference="T",
            booked=now,
        ),
    ]


@settings(max_examples=15, deadline=None)
@given(st.lists(steps, max_size=15))
def test_tables_and_memory_answer_the_same(story):
    history = History()
    for step in story:
        history.happen(*step)
    with tempfile.TemporaryDirectory() as folder:
        database = databases.at(Path(folder) / "ledger.sqlite")
        with closed_at_the_end(database):
            database.create()
            with database.write() as connection:
                ledger = SqlLedger(connection)
                fresh = [book.replace(one, number=None) for one in history.entries]
                assert ledger.enter(fresh) == list(range(1, len(fresh) + 1))
                month = Period(history.day.year, history.day.month)
                middle = len(fresh) // 2
                assert ledger.of(EMPLOYER) == history.entries
                assert ledger.since(EMPLOYER, middle) == history.ledger.since(EMPLOYER, middle)
                assert ledger.accounts(month) == history.ledger.accounts(month)
                for before in (None, middle):
                    assert ledger.balances([EMPLOYER, OTHER_EMPLOYER], before) == history.ledger.balances(
                        [EMPLOYER, OTHER_EMPLOYER], before
                    )


def test_entries_of_many_employers_go_in_at_once_and_are_found_again(database):
    memory = MemoryLedger()
    given = some_entries()
    memory.enter(given)
    with database.write() as connection:
        ledger = SqlLedger(connection)
        assert ledger.enter(given) == list(range(1, len(given) + 1))
        both = [EMPLOYER, OTHER_EMPLOYER, "2099990003999"]
        assert ledger.of_many(both) == memory.of_many(both)
        assert ledger.employers() == memory.employers() == [EMPLOYER, OTHER_EMPLOYER]
        assert ledger.unassigned() == memory.unassigned()
        assert [one.reference for one in ledger.unassigned()] == ["A1", "A2"]
        assert ledger.transfers() == memory.transfers() != []
        assert ledger.get(4) == memory.get(4)
        assert ledger.get(99) is None
        ledger.enter([book.assigned_payment(EMPLOYER, ledger.get(6), booked=moment(FIRST))])
        assert [one.reference for one in ledger.unassigned()] == ["A2"]


def test_what_is_in_the_ledger_is_not_entered_again(database):
    with database.write() as connection:
        ledger = SqlLedger(connection)
        ledger.enter(some_entries())
        with pytest.raises(ValueError, match="already"):
            ledger.enter(ledger.of(EMPLOYER))


@pytest.mark.parametrize("table", ["ledger_entry", "ledger_posting"])
@pytest.mark.parametrize("change", ["UPDATE {} SET {} = 0", "DELETE FROM {}"])
def test_the_ledger_is_only_added_to(database, table, change):
    column = {"ledger_entry": "day", "ledger_posting": "amount"}[table]
    with database.write() as connection:
        SqlLedger(connection).enter(some_entries())
    with pytest.raises(sa.exc.IntegrityError, match="only added to"), database.write() as connection:
        connection.exec_driver_sql(change.format(table, column))


def plan(items: set[int], *amounts: int) -> Plan:
    instalments = (Instalment(FIRST + timedelta(days=30 * n), amount) for n, amount in enumerate(amounts, 1))
    return Plan(None, EMPLOYER, FIRST, "board", frozenset(items), tuple(instalments), moment(FIRST))


def test_arrangements_are_kept_alike(database):
    memory = MemoryArrangements()
    contested = Dispute(None, EMPLOYER, 1, 50, FIRST, "C-1", moment(FIRST))
    asked = [RefundRequest(None, EMPLOYER, amount, FIRST, moment(FIRST)) for amount in (10, 20)]
    with database.write() as connection:
        SqlLedger(connection).enter(some_entries())
        tables = SqlArrangements(connection)
        for register in (memory, tables):
            assert register.grant(plan({1, 3}, 60, 40)) == 1
            assert register.grant(plan({1}, 5)) == 2
            assert register.open_dispute(contested) == 1
            assert register.close_dispute(7, DisputeOutcome.UPHELD, FIRST) is None
            assert register.close_dispute(1, DisputeOutcome.UPHELD, FIRST).closed == FIRST
            with pytest.raises(ValueError, match="was closed"):
                register.close_dispute(1, DisputeOutcome.REJECTED, FIRST)
            assert [register.ask_refund(one) for one in asked] == [1, 2]
            register.refund_paid(1, 4)
            assert [one.amount for one in register.refunds_asked()] == [20]
        both = [EMPLOYER, OTHER_EMPLOYER]
        assert tables.plans(both) == memory.plans(both)
        assert tables.disputes(both) == memory.disputes(both)
        assert tables.refunds_asked() == memory.refunds_asked()


@pytest.mark.embedded
def test_no_question_about_employers_reads_the_whole_ledger(database):
    with database.write() as connection:
        ledger, arrangements = SqlLedger(connection), SqlArrangements(connection)
        ledger.enter(some_entries())
        arrangements.grant(plan({1}, 5))
        with databases.plans(connection) as steps:
            ledger.get(1)
            ledger.of(EMPLOYER)
            ledger.of_many([EMPLOYER])
            ledger.since(EMPLOYER, 1)
            ledger.balances([EMPLOYER])
            ledger.balances([EMPLOYER], 3)
            ledger.unassigned()
            ledger.transfers()
            ledger.enter(some_entries())
            arrangements.plans([EMPLOYER])
            arrangements.disputes([EMPLOYER])
            arrangements.refund_paid(1, 1)
            assert [step for step in steps if step.startswith("SCAN")] == []
            ledger.accounts(Period(2025, 1))  # a month end adds up everything: the control
            assert any(step.startswith("SCAN") for step in steps)


@settings(max_examples=40, deadline=None)
@given(st.lists(steps, max_size=20), st.lists(steps, max_size=6), st.integers(0, 3))
def test_a_month_end_from_the_sums_of_the_ledger_is_that_of_all_books(story, other, back):
    """Whatever happened: paid, owed, disputed, under a plan, refunded, corrected, of two employers."""
    with tempfile.TemporaryDirectory() as folder:
        database = databases.at(Path(folder) / "ledger.sqlite")
        with closed_at_the_end(database):
            database.create()
            day = FIRST
            with database.write() as connection:
                for employer, steps_of in ((EMPLOYER, story), (OTHER_EMPLOYER, other)):
                    history = History()
                    for step in steps_of:
                        history.happen(*step)
                    day = max(day, history.day)
                    _keep(connection, employer, history)
                ledger, month = SqlLedger(connection), Period(day.year, day.month).plus(-back)
                everybody = month_end(month, all_books(connection), ledger.transfers())
                added_up = totals(connection, month)
                owing = books_of_some(connection, sorted(added_up.owing | added_up.owing_before))
                found = from_totals(month, added_up, owing, ledger.transfers())
                assert found.states({}) == everybody.states({})
                assert found.after.transferable() == everybody.after.transferable()
                assert found.after.credit == everybody.after.credit
                accounts = ledger.accounts(month)
                assert found.after.differences(accounts) == everybody.after.differences(accounts) == []


def _keep(connection, employer, history):
    """Enter a history under an employer; numbers go on where those of the one before ended."""
    ledger, arrangements = SqlLedger(connection), SqlArrangements(connection)
    ledger_before = connection.exec_driver_sql("SELECT count(*) FROM ledger_entry").scalar()
    ledger.enter([_moved(one, employer, ledger_before) for one in history.entries])
    for plan_ in history.plans:
        items = frozenset(item + ledger_before for item in plan_.items)
        arrangements.grant(replace(plan_, number=None, employer=employer, items=items))
    for one in history.disputes:
        moved = replace(one, number=None, employer=employer, item=one.item + ledger_before)
        arrangements.open_dispute(moved)


def _moved(one, employer, by):
    postings = tuple(
        book.Posting(replace(p.account, holder=employer), p.amount)
        if p.account.kind is book.AccountKind.EMPLOYER
        else p
        for p in one.postings
    )
    about = None if one.about is None else one.about + by
    return replace(one, number=None, employer=employer, postings=postings, about=about)


def test_an_account_that_does_not_hold_together_stops_the_month_end(database):
    """The control: sums that leave an entry out are not told as if all were well."""
    with database.write() as connection:
        SqlLedger(connection).enter(some_entries())
        month = Period(FIRST.year, FIRST.month)
        added_up = totals(connection, month)
        books = list(books_of_some(connection, sorted(added_up.owing)))
        assert [one.employer for one in books] == [EMPLOYER, OTHER_EMPLOYER]
        short = added_up._replace(booked=added_up.booked[1:])
        found = from_totals(month, short, books, SqlLedger(connection).transfers())
        assert found.after.differences(SqlLedger(connection).accounts(month)) != []
