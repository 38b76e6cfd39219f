"""The register of incapacities."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa

from adapters.database import tables
from adapters.database.registers import recalculations
from adapters.database.registers.keys import enter, keyed, many, month_row
from gateway.moments import Period
from gateway.registers import Absence, AbsenceState, InsuredMonth, Pair

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
_STANDS = sa.text(f"absence.{tables.ABSENCE_STANDS}")


@keyed(3)
def _of_months(wanted: sa.FromClause) -> sa.Select[Any]:
    """What stands for employer, insured and month."""
    same = sa.and_(
        absence.c.employer == wanted.c.a, absence.c.insured == wanted.c.b, absence.c.period == wanted.c.c
    )
    return sa.select(absence).join(wanted, same).where(_STANDS).order_by(absence.c.first_day)


@keyed(2)
def _of_pairs(wanted: sa.FromClause) -> sa.Select[Any]:
    """What stands for pairs of employer and insured in months, both inclusive."""
    return (
        sa.select(absence)
        .join(wanted, sa.and_(absence.c.employer == wanted.c.a, absence.c.insured == wanted.c.b))
        .where(_STANDS, absence.c.period >= sa.bindparam("first"), absence.c.period <= sa.bindparam("last"))
        .order_by(absence.c.first_day)
    )


@keyed(2)
def _declared_by(wanted: sa.FromClause) -> sa.Select[Any]:
    """For whom something stands of an employer from a month, both of the key, to another."""
    return (
        sa.select(absence.c.employer, absence.c.insured)
        .join(wanted, absence.c.employer == wanted.c.a)
        .where(absence.c.period >= wanted.c.b, absence.c.period <= sa.bindparam("last"), _STANDS)
        .distinct()
    )


class SqlAbsences:
    """`gateway.registers.Absences` on the table `absence`."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def standing(self, months: Collection[InsuredMonth]) -> Mapping[InsuredMonth, Sequence[Absence]]:
        found: dict[InsuredMonth, list[Absence]] = defaultdict(list)
        for row in _of_months(self._connection, map(month_row, months)):
            one = _absence_of(row)
            found[one.month].append(one)
        return found

    def of_pairs(
        self, pairs: Collection[Pair], first: Period, last: Period
    ) -> Mapping[Pair, Sequence[Absence]]:
        found: dict[Pair, list[Absence]] = defaultdict(list)
        for row in _of_pairs(self._connection, pairs, first=str(first), last=str(last)):
            found[row.employer, row.insured].append(_absence_of(row))
        return found

    def declared_by(self, since: Mapping[str, Period], last: Period) -> Mapping[str, set[str]]:
        """The insured for whom an incapacity stands in some months, by employer: from a month of each to
        another, both inclusive."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        keys = ((employer, str(first)) for employer, first in since.items())
        for employer, insured in _declared_by(self._connection, keys, last=str(last)):
            found[employer].add(insured)
        return found

    def add(self, absences: Iterable[tuple[Absence, AbsenceState]]) -> None:
        given = list(absences)
        rows = ((*_absence_row(one), state.value) for one, state in given)
        enter(self._connection, "absence", _ABSENCE_COLUMNS, rows)
        recalculations.enter(self._connection, (month_row(one.month) for one, _ in given))

    def cancel(self, months: Collection[InsuredMonth]) -> None:
        many(
            self._connection,
            "UPDATE absence SET state = 'cancelled'"
            " WHERE employer = ? AND insured = ? AND period = ? AND state = 'current'",
            map(month_row, months),
        )
        recalculations.enter(self._connection, map(month_row, months))


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
