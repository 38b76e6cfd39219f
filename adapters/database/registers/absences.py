"""The register of incapacities."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa

from adapters.database import tables
from adapters.database.registers.keys import key_table, many, month_row
from gateway.moments import Period
from gateway.registers import Absence, AbsenceState, InsuredMonth

absence = tables.table(tables.Absence)


_ABSENCE_COLUMNS = (
    *InsuredMonth._fields,
    "kind",
    "first_day",
    "last_day",
    "hours",
    "deposit",
    "record",
    "state",
)
_INSERT_ABSENCE = (
    f"INSERT INTO absence ({', '.join(_ABSENCE_COLUMNS)})"  # noqa: S608 - our own names
    f" VALUES ({', '.join('?' * len(_ABSENCE_COLUMNS))})"
)


class SqlAbsences:
    """`gateway.registers.Absences` on the table `absence`."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def standing(self, months: Collection[InsuredMonth]) -> Mapping[InsuredMonth, Sequence[Absence]]:
        found: dict[InsuredMonth, list[Absence]] = defaultdict(list)
        wanted = key_table(self._connection, map(month_row, months))
        query = (
            sa.select(absence)
            .join(
                wanted,
                sa.and_(
                    absence.c.employer == wanted.c.a,
                    absence.c.insured == wanted.c.b,
                    absence.c.period == wanted.c.c,
                ),
            )
            .where(sa.text(f"absence.{tables.ABSENCE_STANDS}"))
            .order_by(absence.c.first_day)
        )
        for row in self._connection.execute(query):
            one = _absence_of(row)
            found[one.month].append(one)
        return found

    def add(self, absences: Iterable[tuple[Absence, AbsenceState]]) -> None:
        rows = ((*_absence_row(one), state.value) for one, state in absences)
        many(self._connection, _INSERT_ABSENCE, rows)

    def cancel(self, months: Collection[InsuredMonth]) -> None:
        many(
            self._connection,
            "UPDATE absence SET state = 'cancelled'"
            " WHERE employer = ? AND insured = ? AND period = ? AND state = 'current'",
            map(month_row, months),
        )


def _absence_row(one: Absence) -> tuple[object, ...]:
    """A row of the table `absence`, in the order of `_ABSENCE_COLUMNS` but for the state."""
    days = one.first.isoformat(), one.last.isoformat()
    return *month_row(one.month), one.kind, *days, one.hours, one.deposit, one.record


def _absence_of(row: sa.Row[Any]) -> Absence:
    return Absence(
        month=InsuredMonth(row.employer, row.insured, Period.parse(row.period)),
        kind=row.kind,
        first=date.fromisoformat(row.first_day),
        last=date.fromisoformat(row.last_day),
        hours=row.hours,
        deposit=row.deposit,
        record=row.record,
    )
