"""What the month end of the institutions reads: the books of all employers, and the two statistics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from adapters.database.ledger import SqlArrangements, SqlLedger
from adapters.database.tables import CHARGE
from gateway.ledger.entries import Account, AccountKind, EntryKind
from gateway.ledger.institutions import Books, Statistics, Total, Totals
from gateway.moments import Period
from gateway.parameters import Branch, law

AT_ONCE = 1_000
"""Employers whose books are in memory at a time."""


def all_books(connection: sa.Connection) -> Iterator[Books]:
    """The books of every employer with an entry, in the order of their matricules."""
    return books_of_some(connection, SqlLedger(connection).employers())


def books_of_some(connection: sa.Connection, employers: Sequence[str]) -> Iterator[Books]:
    """The books of some employers with entries, in the order given."""
    ledger, arrangements = SqlLedger(connection), SqlArrangements(connection)
    for place in range(0, len(employers), AT_ONCE):
        some = employers[place : place + AT_ONCE]
        entries, plans = ledger.of_many(some), arrangements.plans(some)
        disputes = arrangements.disputes(some)
        for employer in some:
            yield Books(employer, entries[employer], plans.get(employer, ()), disputes.get(employer, ()))


def books_of(connection: sa.Connection, employer: str) -> Books:
    """The books of one employer."""
    arrangements = SqlArrangements(connection)
    return Books(
        employer,
        SqlLedger(connection).of(employer),
        arrangements.plans([employer]).get(employer, ()),
        arrangements.disputes([employer]).get(employer, ()),
    )


_BOOKED = """
    SELECT posting.account, posting.holder, entry.kind, entry.closed = :month AS fresh,
        sum(-posting.amount) AS amount,
        sum(CASE WHEN posting.amount > 0 THEN posting.amount ELSE 0 END) AS given,
        sum(CASE WHEN entry.due > :last AND posting.amount < 0 THEN -posting.amount ELSE 0 END) AS ahead,
        sum(CASE WHEN entry.due > :last_before AND entry.closed < :month
            AND posting.amount < 0 THEN -posting.amount ELSE 0 END) AS ahead_before
    FROM ledger_entry AS entry JOIN ledger_posting AS posting ON posting.entry = entry.number
    WHERE entry.closed <= :month AND entry.employer IS NOT NULL
        AND posting.account IN ('institution', 'interest', 'fines')
    GROUP BY posting.account, posting.holder, entry.kind, fresh
"""
_BALANCES = """
    SELECT holder, balance, before FROM (SELECT posting.holder, sum(posting.amount) AS balance,
        sum(CASE WHEN entry.closed < :month THEN posting.amount ELSE 0 END) AS before
    FROM ledger_posting AS posting JOIN ledger_entry AS entry ON entry.number = posting.entry
    WHERE posting.account = 'employer' AND entry.closed <= :month
    GROUP BY posting.holder) AS held WHERE balance <> 0 OR before <> 0
"""


def totals(connection: sa.Connection, period: Period) -> Totals:
    """The ledger at the close of a month, added up by the database: it is read once, in one direction."""
    given = {
        "month": str(period),
        "last": period.last.isoformat(),
        "last_before": period.plus(-1).last.isoformat(),
    }
    booked = [
        Total(
            Account(AccountKind(row.account), row.holder),
            EntryKind(row.kind),
            bool(row.fresh),
            row.amount,
            row.given,
            row.ahead,
            row.ahead_before,
        )
        for row in connection.execute(sa.text(_BOOKED), given)
    ]
    balances = connection.execute(sa.text(_BALANCES), {"month": str(period)}).all()
    return Totals(
        booked=booked,
        credit=-sum(min(row.balance, 0) for row in balances),
        owing=frozenset(row.holder for row in balances if row.balance > 0),
        credit_before=-sum(min(row.before, 0) for row in balances),
        owing_before=frozenset(row.holder for row in balances if row.before > 0),
    )


def statistics(connection: sa.Connection, period: Period) -> dict[str, Statistics]:
    """Persons insured and the sum of their bases, by institution, for the wage month that a month charges.

    Of an institution with several branches the first one counts, in the order of statements.
    """
    lag = law().number("collection.statement_lag_months", period).value
    wage_month = period.plus(-int(lag))
    found: dict[str, Statistics] = {}
    for branch in Branch:
        (institution,) = law().word(f"distribution.{branch}", wage_month).value
        counted = _of_branch(connection, branch, wage_month)
        if institution not in found and counted.head_count:
            found[institution] = counted
    return found


def _of_branch(connection: sa.Connection, branch: Branch, wage_month: Period) -> Statistics:
    base = CHARGE.c[f"{branch}_base"]
    standing = sa.func.sum(sa.case((CHARGE.c.reversal != 0, -1), else_=1))
    persons = (
        sa.select(sa.func.sum(base).label("base"), standing.label("standing"))
        .where(CHARGE.c.period == str(wage_month), base.is_not(None))
        .group_by(CHARGE.c.insured)
        .subquery()
    )
    query = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(persons.c.base), 0))
    count, mass = connection.execute(query.select_from(persons).where(persons.c.standing > 0)).one()
    return Statistics(int(count), int(mass))
