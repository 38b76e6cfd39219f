"""What a member sees of its deposits: lists, and one deposit's life."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from adapters.database import tables
from adapters.database.deposits import Kept, kept
from adapters.database.engine import Database
from gateway.batch import MemberId
from gateway.moments import Received
from gateway.states import State

deposit = tables.table(tables.Deposit)
answer = tables.table(tables.Answer)
wage = tables.table(tables.Wage)
activity = tables.table(tables.ActivityAbroad)
PAGE = 25


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which deposits are looked for.

    Attributes:
        text: in the file name, or the beginning of the reference; empty for all.
        state: empty for all.
        procedure: empty for all.
        before: number of the deposit before which they were received; 0 for the latest.
        after: number of the deposit after which they were received; 0 for the latest.
    """

    text: str = ""
    state: str = ""
    procedure: str = ""
    before: int = 0
    after: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """A page of deposits, the latest first, and whether there are newer and older ones."""

    deposits: Sequence[Kept]
    newer: bool
    older: bool


@dataclass(frozen=True, slots=True)
class Shelved:
    """An answer to a deposit, without its content."""

    id: str
    kind: str
    name: str
    size: int
    posted: Received
    collected: Received | None


class Following:
    """Reads the deposits of one member at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def look(self, member: MemberId, wanted: Wanted) -> Found:
        """A page of a member's deposits."""
        query = sa.select(deposit).where(deposit.c.sender == str(member), *_conditions(wanted))
        if wanted.after:
            query = query.where(deposit.c.number > wanted.after).order_by(deposit.c.number)
        else:
            if wanted.before:
                query = query.where(deposit.c.number < wanted.before)
            query = query.order_by(deposit.c.number.desc())
        with self._database.read() as connection:
            rows = [kept(row) for row in connection.execute(query.limit(PAGE + 1))]
        more, rows = len(rows) > PAGE, rows[:PAGE]
        if wanted.after:
            return Found(rows[::-1], more, older=True)
        return Found(rows, bool(wanted.before), more)

    def procedures(self, member: MemberId) -> Sequence[str]:
        """The procedures of a member's deposits."""
        query = sa.select(deposit.c.procedure).where(deposit.c.sender == str(member)).distinct()
        with self._database.read() as connection:
            return sorted(one for one in connection.execute(query).scalars() if one)

    def counts(self, member: MemberId) -> dict[str, int]:
        """How many deposits of a member stand in each state."""
        query = sa.select(deposit.c.state, sa.func.count()).where(deposit.c.sender == str(member))
        with self._database.read() as connection:
            return {row[0]: row[1] for row in connection.execute(query.group_by(deposit.c.state))}

    def answers(self, member: MemberId, identifier: str) -> Sequence[Shelved]:
        """The answers to a deposit of a member, oldest first."""
        shown = [answer.c[name] for name in ("id", "kind", "name", "size", "posted", "collected")]
        query = sa.select(*shown).where(answer.c.recipient == str(member), answer.c.deposit == identifier)
        with self._database.read() as connection:
            return [
                Shelved(
                    row.id,
                    row.kind,
                    row.name,
                    row.size,
                    Received.parse(row.posted),
                    None if row.collected is None else Received.parse(row.collected),
                )
                for row in connection.execute(query.order_by(answer.c.number))
            ]

    def undecided(self, number: int) -> Mapping[int, str]:
        """By record of a deposit, `held` while it waits, and `expired` where it waited for too long."""
        found: dict[int, str] = {}
        with self._database.read() as connection:
            for table in (wage, activity):
                query = sa.select(table.c.record, table.c.state).where(
                    table.c.deposit == number, table.c.state.in_(("held", "expired"))
                )
                found.update((row.record, row.state) for row in connection.execute(query))
        return found

    def mark(self, member: MemberId, identifier: str = "") -> str:
        """What changes whenever a deposit of the member does, or the one named."""
        query = sa.select(sa.func.max(deposit.c.changed), sa.func.count())
        query = query.where(deposit.c.sender == str(member))
        if identifier:
            query = query.where(deposit.c.id == identifier)
        with self._database.read() as connection:
            latest, count = connection.execute(query).one()
        return f"{latest} {count}"


def _conditions(wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if wanted.text:
        by_name = deposit.c.name.contains(wanted.text, autoescape=True)
        by_reference = deposit.c.id.startswith(wanted.text.lower(), autoescape=True)
        found.append(sa.or_(by_name, by_reference))
    if wanted.state in frozenset(State):
        found.append(deposit.c.state == wanted.state)
    if wanted.procedure:
        found.append(deposit.c.procedure == wanted.procedure)
    return found
