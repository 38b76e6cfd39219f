"""What the operator declares that bears on time limits: outages and circumstances, each in the journal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import sqlalchemy as sa

from adapters.database import tables
from adapters.database.engine import Database
from adapters.database.journal import append
from gateway.deadlines import Outage
from gateway.lateness import Circumstance, Matter
from gateway.moments import Received

outage = tables.table(tables.Outage)
circumstance = tables.table(tables.Circumstance)


class OverlappingOutages(ValueError):
    """An outage shares a moment with one that is declared already."""


class Circumstances:
    """The operator's declarations, each call a transaction of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def outages(self) -> list[Outage]:
        """All that were declared, the first one first."""
        with self._database.read() as connection:
            return outages(connection)

    def declare(self, new: Outage, at: Received) -> int:
        """Declare an outage; its number.

        Raises:
            OverlappingOutages: when it shares a moment with another one.
        """
        with self._database.write() as connection:
            if any(one.first < new.until and new.first < one.until for one in outages(connection)):
                raise OverlappingOutages(
                    f"an outage from {new.first} to {new.until} shares time with another"
                )
            values = {"first": str(new.first), "until": str(new.until), "reason": new.reason}
            return _enter(connection, outage, values, at)

    def enter(self, new: Circumstance, at: Received) -> int:
        """Enter a circumstance, or state anew the one that began the same day; its number."""
        key = {
            "matter": new.matter.value,
            "employer": new.employer,
            "insured": new.insured,
            "first": new.first.isoformat(),
        }
        same = (circumstance.c[name].is_not_distinct_from(value) for name, value in key.items())
        with self._database.write() as connection:
            number = connection.execute(sa.select(circumstance.c.number).where(*same)).scalar()
            connection.execute(sa.delete(circumstance).where(circumstance.c.number == number))
            values = {**key, "last": new.last and new.last.isoformat()}
            if number is not None:
                values["number"] = number
            return _enter(connection, circumstance, values, at)


def _enter(connection: sa.Connection, table: sa.Table, values: Mapping[str, object], at: Received) -> int:
    """Enter a row, and all it says in the journal; its number."""
    row = connection.execute(sa.insert(table).values(**values).returning(*table.c)).one()
    append(connection, at=at, event=table.name, subject=declared_subject(row))
    return int(row.number)


def declared_subject(row: sa.Row[Any]) -> str:
    """How the journal names an outage or a circumstance: all that its row says, the number first."""
    return " ".join("-" if value is None else str(value) for value in row)


def outages(connection: sa.Connection) -> list[Outage]:
    """All that were declared, the first one first."""
    query = sa.select(outage.c.first, outage.c.until, outage.c.reason).order_by(outage.c.first)
    return [
        Outage(Received.parse(row.first), Received.parse(row.until), row.reason)
        for row in connection.execute(query)
    ]


def circumstances(connection: sa.Connection) -> list[Circumstance]:
    """All that were entered."""
    return [
        Circumstance(
            matter=Matter(row.matter),
            employer=row.employer,
            insured=row.insured,
            first=date.fromisoformat(row.first),
            last=date.fromisoformat(row.last) if row.last else None,
        )
        for row in connection.execute(sa.select(circumstance).order_by(circumstance.c.number))
    ]
