"""What the month end of the institutions reads: the books of all employers, and the two statistics."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from adapters.database.ledger import SqlArrangements, SqlLedger
from adapters.database.tables import CHARGE
from gateway.ledger.institutions import Books, Statistics
from gateway.moments import Period
from gateway.parameters import Branch, law

AT_ONCE = 1_000
"""Employers whose books are in memory at a time."""


def all_books(connection: sa.Connection) -> Iterator[Books]:
    """The books of every employer with an entry, in the order of their matricules."""
    ledger, arrangements = SqlLedger(connection), SqlArrangements(connection)
    employers = ledger.employers()
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
