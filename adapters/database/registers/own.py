"""The register of own computations."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from adapters.database import tables
from adapters.database.registers.keys import enter, many, month_row
from gateway.contributions import Group
from gateway.moments import Period
from gateway.parameters import Branch
from gateway.registers import InsuredMonth, OwnCalculation, OwnLine

own_calculation = tables.table(tables.OwnCalculation)

_COLUMNS = (
    *InsuredMonth._fields,
    "insured_as",
    "lines",
    "employee_total",
    "employer_total",
    "deposit",
    "record",
    "reference",
    "state",
)


class SqlOwnCalculations:
    """`gateway.registers.OwnCalculations` on the table `own_calculation`."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def put(self, own: Collection[OwnCalculation]) -> None:
        many(
            self._connection,
            "UPDATE own_calculation SET state = 'superseded'"
            " WHERE employer = ? AND insured = ? AND period = ? AND state = 'current'",
            map(month_row, {one.month for one in own}),
        )
        enter(self._connection, "own_calculation", _COLUMNS, map(_row, own))

    def of_month(self, employer: str, period: Period) -> Sequence[OwnCalculation]:
        query = (
            sa.select(own_calculation)
            .where(
                own_calculation.c.employer == employer,
                own_calculation.c.period == str(period),
                sa.text(tables.OWN_STANDS),
            )
            .order_by(own_calculation.c.insured, own_calculation.c.record)
        )
        return [_own_of(row) for row in self._connection.execute(query)]


def _row(one: OwnCalculation) -> tuple[object, ...]:
    """A row of the table, in the order of `_COLUMNS`."""
    totals = one.employee_total, one.employer_total
    place = one.deposit, one.record, one.reference
    group = None if one.group is None else one.group.value
    return *month_row(one.month), group, json.dumps(one.lines), *totals, *place, "current"


def _own_of(row: sa.Row[Any]) -> OwnCalculation:
    return OwnCalculation(
        month=InsuredMonth(row.employer, row.insured, Period.parse(row.period)),
        group=None if row.insured_as is None else Group(row.insured_as),
        lines=tuple(OwnLine(Branch(branch), *amounts) for branch, *amounts in json.loads(row.lines)),
        employee_total=row.employee_total,
        employer_total=row.employer_total,
        deposit=row.deposit,
        record=row.record,
        reference=row.reference,
    )
