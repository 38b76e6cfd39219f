"""The proposals for declarations that came late, from the registers; nothing is posted or changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import sqlalchemy as sa

from adapters.database import Database, tables
from adapters.database.circumstances import circumstances, outages
from gateway.lateness import Circumstance, Facts, Insurance, Proposal, Version, proposals
from gateway.moments import Period, Received

affiliation = tables.table(tables.Affiliation)
deposit = tables.table(tables.Deposit)
employer = tables.table(tables.Employer)
renumbering = tables.table(tables.Renumbering)
wage = tables.table(tables.Wage)

Receipts = dict[tuple[str, Period], Received]


def proposed(database: Database, day: date, only: str | None) -> list[Proposal]:
    """What is proposed as of a day, employer by employer.

    Args:
        only: the one employer that is looked at; all of them when None.
    """
    with database.read() as connection:
        return [one for facts in _facts(connection, only) for one in proposals(facts, day)]


def _facts(connection: sa.Connection, only: str | None) -> Iterator[Facts]:
    since = connection.execute(sa.select(sa.func.min(deposit.c.received))).scalar()
    if since is None:
        return
    numbers = _numbers(connection)
    insurances = _insurances(connection, only)
    wages = _wages(connection, only, numbers)
    known, away = _circumstances(connection, numbers), outages(connection)
    households = set(
        connection.execute(sa.select(employer.c.matricule).where(employer.c.household)).scalars()
    )
    for matricule in sorted(insurances):
        yield Facts(
            employer=matricule,
            household=matricule in households,
            insurances=insurances[matricule],
            wages=wages.get(matricule, {}),
            circumstances=known,
            outages=away,
            since=Received.parse(since).day,
        )


def _numbers(connection: sa.Connection) -> Mapping[str, str]:
    """The present number of everybody whose number was replaced."""
    following = {row.old: row.new for row in connection.execute(sa.select(renumbering))}
    present = dict(following)
    for old in following:
        while present[old] in following:
            present[old] = following[present[old]]
    return present


def _insurances(connection: sa.Connection, only: str | None) -> Mapping[str, Sequence[Insurance]]:
    """The affiliations that stand, with the versions that stood before, by employer."""
    query = _of(
        sa.select(affiliation, deposit.c.received)
        .outerjoin(deposit, deposit.c.number == affiliation.c.deposit)
        .order_by(affiliation.c.id),
        affiliation,
        only,
    )
    rows = {row.id: row for row in connection.execute(query)}
    found: dict[str, list[Insurance]] = defaultdict(list)
    for row in rows.values():
        if row.state == "current":
            versions = [_version(one) for one in _back(row, rows)]
            found[row.employer].append(Insurance(row.insured, versions[::-1]))
    return found


def _back(row: sa.Row[Any], rows: Mapping[int, sa.Row[Any]]) -> Iterator[sa.Row[Any]]:
    """A version, the one in whose place it stands, and so on."""
    yield row
    while row.replaces is not None:
        row = rows[row.replaces]
        yield row


def _version(row: sa.Row[Any]) -> Version:
    return Version(
        entry=date.fromisoformat(row.entry),
        exit=date.fromisoformat(row.exit) if row.exit else None,
        received=Received.parse(row.received) if row.received else None,
    )


def _wages(connection: sa.Connection, only: str | None, numbers: Mapping[str, str]) -> Mapping[str, Receipts]:
    """By employer: the first receipt of a wage of each insured and month, those refused left out."""
    query = _of(
        sa.select(wage.c.employer, wage.c.insured, wage.c.period, sa.func.min(deposit.c.received))
        .join(deposit, deposit.c.number == wage.c.deposit)
        .where(wage.c.state != "expired")
        .group_by(wage.c.employer, wage.c.insured, wage.c.period),
        wage,
        only,
    )
    found: dict[str, Receipts] = defaultdict(dict)
    for matricule, insured, period, received in connection.execute(query):
        key, first = (numbers.get(insured, insured), Period.parse(period)), Received.parse(received)
        receipts = found[matricule]
        receipts[key] = min(first, receipts.get(key, first))
    return found


def _circumstances(connection: sa.Connection, numbers: Mapping[str, str]) -> list[Circumstance]:
    return [
        replace(one, insured=one.insured and numbers.get(one.insured, one.insured))
        for one in circumstances(connection)
    ]


def _of(query: sa.Select[Any], table: sa.Table, only: str | None) -> sa.Select[Any]:
    """A query about one employer, or about all of them."""
    return query if only is None else query.where(table.c.employer == only)
