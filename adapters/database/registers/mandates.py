"""The register of mandates; history stays, and every change is in the journal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from adapters.database import tables
from adapters.database.journal import append
from adapters.database.registers.keys import keyed
from gateway.batch import MemberId
from gateway.moments import Received
from gateway.registers import Mandate, MandateState, Origin

deposit = tables.table(tables.Deposit)
mandate = tables.table(tables.Mandate)
mandate_event = tables.table(tables.MandateEvent)
member = tables.table(tables.Member)

_HELD_BY = sa.select(mandate).where(mandate.c.member == sa.bindparam("of")).order_by(mandate.c.number)


@keyed(1)
def _for_employers(wanted: sa.FromClause) -> sa.Select[Any]:
    return sa.select(mandate).join(wanted, mandate.c.employer == wanted.c.a).order_by(mandate.c.number)


class SqlMandates:
    """`gateway.registers.Mandates` on the tables `mandate`, `mandate_event` and `member`."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def held_by(self, member: MemberId) -> Sequence[Mandate]:
        return [_mandate(row) for row in self._connection.execute(_HELD_BY, {"of": str(member)})]

    def for_employer(self, employer: str) -> Sequence[Mandate]:
        return self._where(mandate.c.employer == employer)

    def for_employers(self, employers: Collection[str]) -> Mapping[str, Sequence[Mandate]]:
        """The mandates for each of some employers; those without any are absent."""
        found: defaultdict[str, list[Mandate]] = defaultdict(list)
        for row in _for_employers(self._connection, employers):
            found[row.employer].append(_mandate(row))
        return found

    def get(self, number: int) -> Mandate | None:
        return next(iter(self._where(mandate.c.number == number)), None)

    def in_state(self, states: Iterable[MandateState]) -> Sequence[Mandate]:
        """All mandates in some states."""
        return self._where(mandate.c.state.in_([state.value for state in states]))

    def knows(self, who: MemberId) -> bool:
        query = sa.select(member.c.id).where(member.c.id == str(who))
        return self._connection.execute(query).first() is not None

    def enter(self, new: Mandate, by: Origin) -> Mandate:
        number = self._connection.execute(
            sa.insert(mandate).values(_values(new)).returning(mandate.c.number)
        ).scalar_one()
        return self._keep(number, by, "mandate")

    def change(self, changed: Mandate, by: Origin) -> None:
        done = self._connection.execute(
            sa.update(mandate).where(mandate.c.number == changed.number).values(_values(changed))
        )
        if not done.rowcount:
            raise ValueError("a mandate that does not stand cannot be changed")
        self._keep(changed.number, by, "mandate changed")

    def _keep(self, number: int, by: Origin, event: str) -> Mandate:
        """Enter how a mandate stands now into its history and into the journal."""
        row = self._connection.execute(sa.select(mandate).where(mandate.c.number == number)).one()
        self._connection.execute(
            sa.insert(mandate_event).values(
                mandate=number,
                state=row.state,
                last=row.last,
                at=str(by.at),
                member=by.member and str(by.member),
                deposit=by.deposit,
            )
        )
        append(self._connection, at=by.at, event=event, subject=mandate_subject(row), member=row.member)
        return _mandate(row)

    def _where(self, condition: sa.ColumnElement[bool]) -> list[Mandate]:
        rows = self._connection.execute(sa.select(mandate).where(condition).order_by(mandate.c.number))
        return [_mandate(row) for row in rows]


@dataclass(frozen=True, slots=True)
class Turn:
    """How a mandate stood after it was entered or changed.

    Attributes:
        at: the moment.
        state: as it was from then on.
        last: its last day, if one was set.
        by: the member who did it; None for the operator.
        deposit: id of the deposit that did it, if one.
    """

    at: Received
    state: MandateState
    last: date | None
    by: MemberId | None
    deposit: str | None


def history(connection: sa.Connection, number: int) -> list[Turn]:
    """All that became of a mandate, in order; nothing for one that never was."""
    query = (
        sa.select(mandate_event, deposit.c.id.label("named"))
        .outerjoin(deposit, deposit.c.number == mandate_event.c.deposit)
        .where(mandate_event.c.mandate == number)
        .order_by(mandate_event.c.id)
    )
    return [
        Turn(
            at=Received.parse(row.at),
            state=MandateState(row.state),
            last=date.fromisoformat(row.last) if row.last else None,
            by=MemberId(row.member[:13], row.member[13:]) if row.member else None,
            deposit=row.named,
        )
        for row in connection.execute(query)
    ]


def mandate_subject(row: sa.Row[Any]) -> str:
    """How the journal names a mandate that was entered or changed: all that its row says."""
    days = f"{row.first} {row.last or '-'}"
    moments = f"{row.since or '-'} {row.ended or '-'}"
    return f"{row.number} {row.employer} {row.procedures} {days} {row.state} {moments}"


def _values(one: Mandate) -> Mapping[str, object]:
    """The columns of a mandate but its number."""
    return {
        "member": str(one.member),
        "employer": one.employer,
        "procedures": " ".join(sorted(one.procedures)),
        "first": one.first.isoformat(),
        "last": one.last and one.last.isoformat(),
        "state": one.state.value,
        "since": one.since and str(one.since),
        "ended": one.ended and str(one.ended),
    }


@lru_cache(maxsize=8192)
def _mandate(row: sa.Row[Any]) -> Mandate:
    """The same mandates are read for each deposit of a member."""
    return Mandate(
        number=row.number,
        member=MemberId(row.member[:13], row.member[13:]),
        employer=row.employer,
        procedures=frozenset(row.procedures.split()),
        first=date.fromisoformat(row.first),
        last=date.fromisoformat(row.last) if row.last else None,
        state=MandateState(row.state),
        since=Received.parse(row.since) if row.since else None,
        ended=Received.parse(row.ended) if row.ended else None,
    )
