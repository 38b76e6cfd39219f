"""What was done to recover debts, on our tables: only added to, and triggers see to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa

from adapters.database import tables
from adapters.database.registers.keys import keyed, many
from gateway.moments import Received
from gateway.recovery import Event, Happened

event = tables.table(tables.RecoveryEvent)
amount = tables.table(tables.RecoveryAmount)


@keyed(1)
def _events(wanted: sa.FromClause) -> sa.Select[Any]:
    """Events of employers, in order."""
    return sa.select(event).join(wanted, event.c.employer == wanted.c.a).order_by(event.c.number)


@keyed(1)
def _amounts(wanted: sa.FromClause) -> sa.Select[Any]:
    """The amounts of their events, in order."""
    theirs = event.join(wanted, event.c.employer == wanted.c.a)
    joined = theirs.join(amount, amount.c.event == event.c.number)
    return sa.select(amount).select_from(joined).order_by(amount.c.event, amount.c.item)


class SqlRecovery:
    """The events of all employers; bound to the connection of one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def enter(self, one: Happened, now: Received) -> int:
        """Keep an event; its number."""
        values = {
            "employer": one.employer,
            "case": one.case,
            "event": one.event.name.lower(),
            "day": one.day.isoformat(),
            "interest": one.interest,
            "last_day": one.last_day and one.last_day.isoformat(),
            "by": one.by,
            "entered": str(now),
        }
        inserted = self._connection.execute(sa.insert(event).values(values).returning(event.c.number))
        number = int(inserted.scalar_one())
        many(
            self._connection,
            "INSERT INTO recovery_amount (event, item, amount) VALUES (?, ?, ?)",
            ((number, item, cents) for item, cents in one.amounts.items()),
        )
        return number

    def employers(self) -> Sequence[str]:
        """Those with an event, in order."""
        query = sa.select(event.c.employer).distinct().order_by(event.c.employer)
        return list(self._connection.execute(query).scalars())

    def of(self, employer: str) -> Sequence[Happened]:
        """The events of an employer, in order."""
        return self.of_many([employer]).get(employer, ())

    def of_many(self, employers: Collection[str]) -> Mapping[str, Sequence[Happened]]:
        """The events of employers, in order; those without any are absent."""
        amounts: defaultdict[int, dict[int, int]] = defaultdict(dict)
        for row in _amounts(self._connection, employers):
            amounts[row.event][row.item] = row.amount
        found: defaultdict[str, list[Happened]] = defaultdict(list)
        for row in _events(self._connection, employers):
            found[row.employer].append(
                Happened(
                    number=row.number,
                    employer=row.employer,
                    case=row.case,
                    event=Event[row.event.upper()],
                    day=date.fromisoformat(row.day),
                    amounts=amounts[row.number],
                    interest=row.interest,
                    last_day=date.fromisoformat(row.last_day) if row.last_day else None,
                    by=row.by,
                    entered=Received.parse(row.entered),
                )
            )
        return dict(found)
