"""The register of declared wages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

import sqlalchemy as sa

from adapters.database import tables
from adapters.database.registers import recalculations
from adapters.database.registers.keys import Keyed, enter, keyed, many, month_row
from gateway.moments import Period, Received
from gateway.registers import InsuredMonth, Pair, Wage, WageKey, WageState

deposit = tables.table(tables.Deposit)
wage = tables.table(tables.Wage)


_WAGE_COLUMNS = (*WageKey._fields, *Wage._fields[1:], "state")
_period = lru_cache(maxsize=1024)(Period.parse)
"""Few months, very many wages."""
_STANDS = sa.text(f"wage.{tables.WAGE_STANDS}")
_HELD = sa.text(f"wage.{tables.WAGE_HELD}")
_COUNTS = sa.text("wage.state = 'current'")


def _of_pairs(wanted: sa.FromClause) -> sa.Select[Any]:
    """What stands for pairs of employer and insured."""
    same = sa.and_(wage.c.employer == wanted.c.a, wage.c.insured == wanted.c.b)
    return sa.select(wage).join(wanted, same).where(_STANDS)


_held = Keyed(2, lambda wanted: _of_pairs(wanted).where(_HELD).order_by(wage.c.id))
_counting = Keyed(
    2, lambda wanted: _of_pairs(wanted).where(_COUNTS).order_by(wage.c.period, wage.c.first_day)
)


def _same_month(wanted: sa.FromClause) -> sa.ColumnElement[bool]:
    return sa.and_(wage.c.employer == wanted.c.a, wage.c.insured == wanted.c.b, wage.c.period == wanted.c.c)


@keyed(3)
def _standing(wanted: sa.FromClause) -> sa.Select[Any]:
    """Keys and deposits of what stands for employer, insured and month."""
    columns = (*(wage.c[name] for name in WageKey._fields), wage.c.deposit)
    return sa.select(*columns).join(wanted, _same_month(wanted)).where(_STANDS)


@keyed(3)
def _hours(wanted: sa.FromClause) -> sa.Select[Any]:
    """Hours worked that count for employer, insured and month."""
    month = wage.c.employer, wage.c.insured, wage.c.period
    return (
        sa.select(*month, sa.func.sum(wage.c.work_hours))
        .join(wanted, _same_month(wanted))
        .where(_STANDS, _COUNTS)
        .group_by(*month)
    )


def _charged(wanted: sa.FromClause) -> sa.Select[Any]:
    """What counts of employers, by month, insured and first day."""
    return (
        sa.select(*(wage.c[name] for name in _WAGE_COLUMNS[:-1]))
        .join(wanted, wage.c.employer == wanted.c.a)
        .where(_STANDS, _COUNTS)
        .order_by(wage.c.employer, wage.c.period, wage.c.insured, wage.c.first_day)
    )


_ever_charged = Keyed(
    1, lambda wanted: _charged(wanted).where(wage.c.period <= sa.bindparam("last", type_=sa.Text))
)
_charged_in = Keyed(2, lambda wanted: _charged(wanted).where(wage.c.period == wanted.c.b))


class SqlWages:
    """`gateway.registers.Wages` on the table `wage`.

    Attributes:
        decided: numbers of the deposits some of whose wages were replaced or released, so that
            they may have come to their end.
    """

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._standing: dict[WageKey, int] = {}
        self.decided: set[int] = set()

    def standing(self, keys: Collection[WageKey]) -> Mapping[WageKey, int]:
        asked = ((key.employer, key.insured, str(key.period)) for key in keys)
        found = {
            WageKey(row[0], row[1], _period(row[2]), row[3], row[4]): row[5]
            for row in _standing(self._connection, asked)
        }
        self._standing.update(found)
        return found

    def add(self, wages: Iterable[tuple[Wage, WageState]]) -> None:
        given = list(wages)
        enter(self._connection, "wage", _WAGE_COLUMNS, (_row(one, state) for one, state in given))
        self._look_again(one.key for one, _ in given)

    def supersede(self, keys: Collection[WageKey], by_deposit: int) -> None:
        many(
            self._connection,
            "UPDATE wage SET state = 'superseded' WHERE employer = ? AND insured = ? AND period = ?"
            " AND first_day = ? AND last_day = ? AND state IN ('current', 'held') AND deposit < ?",
            ((*_key_row(key), by_deposit) for key in keys),
        )
        self.decided.update(self._standing[key] for key in keys if key in self._standing)

    def held(self, pairs: Collection[Pair]) -> Sequence[Wage]:
        return [wage_of(row) for row in _held(self._connection, pairs)]

    def release(self, wages: Sequence[Wage]) -> None:
        self._turn([(one.deposit, one.record) for one in wages], WageState.CURRENT)
        self._look_again(one.key for one in wages)

    def hours(self, months: Collection[InsuredMonth]) -> Mapping[InsuredMonth, int]:
        return {
            InsuredMonth(employer, insured, _period(period)): hours
            for employer, insured, period, hours in _hours(self._connection, map(month_row, months))
        }

    def of_month(self, employer: str, period: Period) -> Sequence[Wage]:
        query = (
            sa.select(wage)
            .where(wage.c.employer == employer, wage.c.period == str(period), _STANDS)
            .order_by(wage.c.insured, wage.c.first_day, wage.c.last_day)
        )
        return [wage_of(row) for row in self._connection.execute(query)]

    def counting(self, pairs: Collection[Pair]) -> Mapping[Pair, Sequence[Wage]]:
        found: dict[Pair, list[Wage]] = defaultdict(list)
        for row in _counting(self._connection, pairs):
            found[row.employer, row.insured].append(wage_of(row))
        return found

    def charged_in(self, employer: str, first: Period | None, last: Period) -> Sequence[Wage]:
        """The wages that count of an employer, from a month (the first ever without one) to another, both
        inclusive, by month, insured and first day."""
        return self.charged_by({employer: first}, last).get(employer, [])

    def charged_by(self, since: Mapping[str, Period | None], last: Period) -> Mapping[str, Sequence[Wage]]:
        """The same of many employers, each from a month of its own."""
        found: defaultdict[str, list[Wage]] = defaultdict(list)
        ever = (employer for employer, first in since.items() if first is None)
        months = (
            (employer, str(first.plus(month)))
            for employer, first in since.items()
            if first is not None
            for month in range((last.year - first.year) * 12 + last.month - first.month + 1)
        )
        rows = chain(
            _ever_charged(self._connection, ever, last=str(last)), _charged_in(self._connection, months)
        )
        for employer, insured, period, begun, end, *others in rows:
            found[employer].append(Wage(WageKey(employer, insured, _period(period), begun, end), *others))
        return found

    def waiting(self) -> Iterator[tuple[Wage, Received]]:
        """Every wage on hold, with the receipt of the deposit that declared it."""
        query = (
            sa.select(wage, deposit.c.received).join(deposit, deposit.c.number == wage.c.deposit).where(_HELD)
        )
        for row in self._connection.execute(query):
            yield wage_of(row), Received.parse(row.received)

    def expire(self, deposit: int, records: Sequence[int]) -> set[int]:
        """Turn held wages of a deposit into expired ones; those that still were on hold."""
        query = sa.select(wage.c.record).where(wage.c.deposit == deposit, wage.c.record.in_(records), _HELD)
        found = set(self._connection.execute(query).scalars())
        self._turn([(deposit, record) for record in found], WageState.EXPIRED)
        return found

    def _look_again(self, keys: Iterable[WageKey]) -> None:
        """Months that were charged before their wages, or other ones, came."""
        months = {(key.employer, key.insured, str(key.period)) for key in keys}
        recalculations.enter_late(self._connection, months)

    def _turn(self, records: Sequence[tuple[int, int]], state: WageState) -> None:
        """Give held wages, named by deposit and record, another state."""
        many(
            self._connection,
            "UPDATE wage SET state = ? WHERE deposit = ? AND record = ? AND state = 'held'",
            ((state.value, number, record) for number, record in records),
        )
        self.decided.update(number for number, _ in records)


def _key_row(key: WageKey) -> tuple[object, ...]:
    return key.employer, key.insured, str(key.period), key.first_day, key.last_day


def _row(one: Wage, state: WageState) -> tuple[object, ...]:
    """A row of the table `wage`, in the order of `_WAGE_COLUMNS`."""
    return *_key_row(one.key), *one[1:], state.value


def wage_of(row: sa.Row[Any]) -> Wage:
    """A wage from a row of its table."""
    return Wage(
        key=WageKey(row.employer, row.insured, Period.parse(row.period), row.first_day, row.last_day),
        deposit=row.deposit,
        record=row.record,
        base_wage=row.base_wage,
        work_hours=row.work_hours,
        supplements=row.supplements,
        overtime_pay=row.overtime_pay,
        overtime_hours=row.overtime_hours,
        gratuities=row.gratuities,
        unemployment_pay=row.unemployment_pay,
        inactive_hours=row.inactive_hours,
        non_pensionable=row.non_pensionable,
        capped=row.capped,
        reference=row.reference,
    )
