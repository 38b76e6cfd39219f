"""The register of charges: every one and every reversal is a row, none is ever changed.

Of the rows of one insured, month and group the last one says what stands: a charge, or its reversal when
nothing took its place.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple

import sqlalchemy as sa

from adapters.database import tables
from adapters.database.registers.keys import enter, keyed
from gateway.billing.charges import Basis, Change, Charge, ChargeKey, RecordKey, Standing
from gateway.billing.lines import ChargedLine, Lines
from gateway.billing.statement import Cause
from gateway.contributions import Classification, Group, HealthService, Pay, schedule_of
from gateway.moments import Period, Received
from gateway.parameters import Branch
from gateway.registers import Pair

charge = tables.CHARGE
statement = tables.table(tables.Statement)

_ELEMENTS = ("base_wage", "supplements", "overtime_pay", "gratuities", "unemployment_pay")
_COLUMNS = tuple(column.name for column in charge.columns if column.name != "id")


class Version(NamedTuple):
    """One row of the register.

    Attributes:
        charge: amounts as charged, also of a reversal, which takes them back.
        reversal: whether it takes that charge back.
        statement: number of the statement that shows it.
        causes: why, empty for the first charge of a month.
    """

    charge: Charge
    reversal: bool
    statement: int
    causes: tuple[Cause, ...]


@cache
def _versions() -> sa.Select[Any]:
    """Rows, each with the moment as known at which its law counts: a reversal is read by the law of the
    charge that it takes back, which may know other branches than that of its own statement."""
    charged, issued = charge.alias("charged"), statement.alias("issued")
    first = (
        sa.select(issued.c.issued)
        .join(charged, charged.c.statement == issued.c.number)
        .where(
            *(charged.c[name] == charge.c[name] for name in ("employer", "insured", "period", "group")),
            charged.c.version == charge.c.version,
            charged.c.reversal == 0,
        )
    )
    known = sa.case((charge.c.reversal == 1, first.scalar_subquery()), else_=statement.c.issued)
    return sa.select(charge, known.label("issued")).join(statement, statement.c.number == charge.c.statement)


@keyed(2)
def _of(wanted: sa.FromClause) -> sa.Select[Any]:
    """Versions for pairs of employer and insured, in order."""
    same = sa.and_(charge.c.employer == wanted.c.a, charge.c.insured == wanted.c.b)
    return _versions().join(wanted, same).order_by(charge.c.id)


@keyed(1)
def _exceeding(wanted: sa.FromClause) -> sa.Select[Any]:
    """Whose pay was above what could be charged in some month, of employers and months, both inclusive."""
    return (
        sa.select(charge.c.employer, charge.c.insured)
        .join(wanted, charge.c.employer == wanted.c.a)
        .where(
            sa.text(f"charge.{tables.CHARGE_EXCEEDS}"),
            charge.c.period >= sa.bindparam("first"),
            charge.c.period <= sa.bindparam("last"),
        )
        .distinct()
    )


class SqlCharges:
    """The register of charges in a transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def standing(self, employer: str, insured: Collection[str]) -> Standing:
        """What stands for some insured of an employer, in all months."""
        last: dict[ChargeKey, Version] = {}
        for version in self._versions(employer, insured):
            last[version.charge.key] = version
        return Standing(
            charges={key: one.charge for key, one in last.items() if not one.reversal},
            versions={key: one.charge.version for key, one in last.items()},
        )

    def history(self, employer: str, insured: str, period: Period) -> list[Version]:
        """Every version of what was charged for one insured and month, in order."""
        return [one for one in self._versions(employer, [insured]) if one.charge.key.period == period]

    def of_statement(self, number: int) -> list[Version]:
        """What a statement charged and took back, by month, insured and order."""
        query = (
            _versions()
            .where(charge.c.statement == number)
            .order_by(charge.c.period, charge.c.insured, charge.c.id)
        )
        return [_version(row) for row in self._connection.execute(query)]

    def as_of(self, employer: str, insured: str, number: int) -> Mapping[ChargeKey, Charge]:
        """What stood for one insured once the statement of a number was issued."""
        last = {one.charge.key: one for one in self._versions(employer, [insured]) if one.statement <= number}
        return {key: one.charge for key, one in last.items() if not one.reversal}

    def insured(self, employer: str, first: Period) -> set[str]:
        """The insured of an employer for whom something was charged in a month or later."""
        query = sa.select(charge.c.insured).where(
            charge.c.employer == employer, charge.c.period >= str(first)
        )
        return set(self._connection.execute(query.distinct()).scalars())

    def exceeding(self, employers: Collection[str], year: int) -> set[Pair]:
        """Those whose pay of a year was above what could be charged in some month, by pair."""
        rows = _exceeding(self._connection, employers, first=f"{year}-01", last=f"{year}-12")
        return {(row[0], row[1]) for row in rows}

    def add(self, employer: str, number: int, changes: Iterable[Change]) -> None:
        """Enter reversals and new charges on a statement."""
        self.add_all([(employer, number, changes)])

    def add_all(self, charged: Iterable[tuple[str, int, Iterable[Change]]]) -> None:
        """The same for many: employer, number of the statement, changes."""
        enter(self._connection, "charge", _COLUMNS, (row for one in charged for row in _rows(*one)))

    def _versions(self, employer: str, insured: Collection[str]) -> Iterator[Version]:
        return map(_version, _of(self._connection, ((employer, one) for one in insured)))


_elements = attrgetter(*_ELEMENTS)


def _rows(employer: str, number: int, changes: Iterable[Change]) -> Iterator[tuple[object, ...]]:
    for change in changes:
        causes = " ".join(change.causes)
        if change.before is not None:
            yield _row(employer, number, change.before, -1, causes)
        if change.after is not None:
            yield _row(employer, number, change.after, 1, causes)


def _row(employer: str, number: int, one: Charge, sign: int, causes: str) -> tuple[object, ...]:
    """A row of the table, in the order of `_COLUMNS`; `sign` is -1 for a reversal."""
    key, basis = one.key, one.basis
    amounts = Lines.of(one.lines).by_branch()
    if sign < 0:
        amounts = tuple(None if cents is None else -cents for cents in amounts)
    return (
        employer,
        key.insured,
        str(key.period),
        key.group.value,
        one.version,
        int(sign < 0),
        number,
        causes,
        int(basis.pay.hours),
        *_elements(basis.pay),
        basis.age,
        basis.classification.mde_class,
        basis.classification.accident_factor,
        int(basis.classification.public),
        basis.classification.health_service.value,
        basis.affiliated,
        f"[{','.join([f'[{deposit},{record}]' for deposit, record in basis.records])}]",
        one.parameters,
        one.excess,
        *amounts,
    )


def _version(row: sa.Row[Any]) -> Version:
    known = Received.parse(row.issued).day
    return Version(
        charge=_charge(row, known),
        reversal=bool(row.reversal),
        statement=row.statement,
        causes=tuple(map(Cause, row.causes.split())),
    )


def _charge(row: sa.Row[Any], known: date) -> Charge:
    sign = -1 if row.reversal else 1
    period, group = Period.parse(row.period), Group(row.group)
    pay = Pay(**{element: getattr(row, element) for element in _ELEMENTS}, hours=Decimal(row.hours))
    classification = Classification(
        row.mde_class, row.accident_factor, bool(row.public), HealthService(row.health_service)
    )
    records = tuple(RecordKey(*each) for each in json.loads(row.records))
    rates = {rate.branch: rate for rate in schedule_of(period, known).rates_for(classification, group)}
    fields = row._mapping
    lines = tuple(
        ChargedLine(
            branch,
            base=sign * fields[f"{branch}_base"],
            rate=rates[branch].effective,
            employee=sign * fields[f"{branch}_employee"],
            employer=sign * fields[f"{branch}_employer"],
            institution=rates[branch].institution,
            source="",
            formula="",
        )
        for branch in Branch
        if fields[f"{branch}_base"] is not None
    )
    basis = Basis(pay, row.age, classification, row.affiliated, records)
    return Charge(
        ChargeKey(row.insured, period, group), row.version, basis, lines, row.parameters, row.excess
    )
