"""The calendar years of all insured, one after another, as they stand in the registers and as charged.

What is asked for is one list of pairs, in the order of the insured; then some hundred of them at a time are
read with all their employers, so that a year of a million people needs no more memory than that list.
What was charged under a matricule that the national register has replaced belongs to the new one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from adapters.billing import holds
from adapters.database import dialects, tables
from adapters.database.registers.affiliations import SqlAffiliations
from adapters.database.registers.employers import SqlEmployers
from adapters.database.registers.keys import keyed, many
from adapters.database.registers.persons import SqlPersons
from gateway.billing.annual import ChargedMonth, DeclaredMonth, WorkerYear, spans_of
from gateway.billing.holds import Hold
from gateway.billing.statement import BranchSum
from gateway.contributions import Group, Pay
from gateway.moments import Period
from gateway.notices.names import names
from gateway.parameters import Branch
from gateway.registers import Pair

AT_ONCE = 500
"""Insured who are in memory at a time."""

_charge = tables.CHARGE
_renumbering = tables.table(tables.Renumbering)
_wage = tables.table(tables.Wage)
_STANDS = sa.text(f"wage.{tables.WAGE_STANDS}")
_SIGN = sa.case((_charge.c.reversal != 0, -1), else_=1)
_ELEMENTS = ("base_wage", "supplements", "overtime_pay", "gratuities", "unemployment_pay")
_CONCERNED = (
    "SELECT insured, employer FROM charge WHERE period >= :first_month AND period <= :last_month",
    "SELECT insured, employer FROM affiliation WHERE state = 'current' AND entry <= :last_day"
    " AND (exit IS NULL OR exit >= :first_day)",
    f"SELECT insured, employer FROM wage WHERE {tables.WAGE_STANDS}"  # noqa: S608 - our own names
    " AND period >= :first_month AND period <= :last_month",
)


@dataclass(frozen=True, slots=True)
class PersonYear:
    """The year of one insured.

    Attributes:
        names: surname and first name, each None when not registered here.
        workers: one for each employer, at least one, by matricule.
    """

    insured: str
    names: tuple[str | None, str | None]
    workers: tuple[WorkerYear, ...]


def years(
    connection: sa.Connection,
    year: int,
    employer: str | None = None,
    *,
    several: bool = False,
    at_once: int = AT_ONCE,
) -> Iterator[PersonYear]:
    """The year of everybody affiliated, charged or with a declared wage in it, by matricule.

    Args:
        employer: with nobody else than this one, if given.
        several: only of those with more than one employer in the year.
        at_once: how many are in memory at a time.
    """
    replaced = _gather(connection, year, employer)
    if several:
        connection.exec_driver_sql(
            "DELETE FROM year_pair WHERE insured IN"
            " (SELECT insured FROM year_pair GROUP BY insured HAVING count(*) = 1)"
        )
    waiting = holds.standing(connection)
    last = ""
    while True:
        pairs = _next(connection, last, at_once)
        if not pairs:
            return
        last = pairs[-1][0]
        yield from _read(connection, year, pairs, replaced, waiting)


def _gather(connection: sa.Connection, year: int, employer: str | None) -> Mapping[str, Sequence[str]]:
    """Enter all pairs into the list; the former numbers of those who have any."""
    dialects.of(connection).scratch(connection, "year_pair")
    given = {
        "first_month": f"{year}-01",
        "last_month": f"{year}-12",
        "first_day": f"{year}-01-01",
        "last_day": f"{year}-12-31",
        "employer": employer,
    }
    for query in _CONCERNED:
        only = " AND employer = :employer" if employer else ""
        connection.execute(sa.text(f"INSERT INTO year_pair {query}{only} ON CONFLICT DO NOTHING"), given)
    latest = _latest(connection)
    many(
        connection,
        "INSERT INTO year_pair SELECT ?, employer FROM year_pair WHERE insured = ? ON CONFLICT DO NOTHING",
        ((new, old) for old, new in latest.items()),
    )
    many(connection, "DELETE FROM year_pair WHERE insured = ?", ((old,) for old in latest))
    former: defaultdict[str, list[str]] = defaultdict(list)
    for old, new in latest.items():
        former[new].append(old)
    return former


def _latest(connection: sa.Connection) -> Mapping[str, str]:
    """The number that counts now, of every number that was replaced."""
    following = {row.old: row.new for row in connection.execute(sa.select(_renumbering))}

    def latest(number: str) -> str:
        while number in following:
            number = following[number]
        return number

    return {old: latest(old) for old in following}


def _next(connection: sa.Connection, after: str, at_once: int) -> list[Pair]:
    """The pairs, insured first, of the next insured."""
    found = connection.exec_driver_sql(
        "SELECT insured, employer FROM year_pair WHERE insured IN"
        " (SELECT DISTINCT insured FROM year_pair WHERE insured > ? ORDER BY insured LIMIT ?)"
        " ORDER BY insured, employer",
        (after, at_once),
    )
    return [(row[0], row[1]) for row in found]


def _read(
    connection: sa.Connection,
    year: int,
    pairs: Sequence[Pair],
    replaced: Mapping[str, Sequence[str]],
    waiting: Sequence[Hold],
) -> Iterator[PersonYear]:
    numbers = {old: one for one, _ in pairs for old in (one, *replaced.get(one, ()))}
    asked = {(employer, old) for one, employer in pairs for old in (one, *replaced.get(one, ()))}
    charged = _charged(connection, year, asked, numbers)
    declared = _declared(connection, year, asked, numbers)
    affiliations = SqlAffiliations(connection).of({(employer, one) for one, employer in pairs})
    known = SqlPersons(connection).identities(set(numbers.values()))
    called = SqlEmployers(connection).names({employer for _, employer in pairs})
    held: defaultdict[str, list[Hold]] = defaultdict(list)
    for hold in waiting:
        held[hold.employer].append(hold)
    together: defaultdict[str, list[WorkerYear]] = defaultdict(list)
    for insured, employer in pairs:
        pair = (employer, insured)
        together[insured].append(
            WorkerYear(
                employer=employer,
                insured=insured,
                year=year,
                name=called.get(employer),
                spans=spans_of(affiliations.get(pair, ()), year),
                declared=declared.get(pair, {}),
                charged=tuple(charged.get(pair, ())),
                holds=held[employer],
            )
        )
    for insured, workers in together.items():
        yield PersonYear(insured, names(known.get(insured)), tuple(workers))


def _months(year: int) -> Mapping[str, str]:
    return {"first": f"{year}-01", "last": f"{year}-12"}


@keyed(2)
def _charges(wanted: sa.FromClause) -> sa.Select[Any]:
    """Every charge and reversal of a month added up, for pairs of employer and insured."""
    columns = [sa.func.sum(_SIGN * _charge.c[name]).label(name) for name in ("hours", *_ELEMENTS)]
    columns += [
        sa.func.sum(_charge.c[name]).label(name)
        for name in (f"{branch}_{part}" for branch in Branch for part in ("base", "employee", "employer"))
    ]
    key = (_charge.c.employer, _charge.c.insured, _charge.c.period, _charge.c.group)
    return (
        sa.select(*key, *columns)
        .join(wanted, sa.and_(_charge.c.employer == wanted.c.a, _charge.c.insured == wanted.c.b))
        .where(_charge.c.period >= sa.bindparam("first"), _charge.c.period <= sa.bindparam("last"))
        .group_by(*key)
        .having(sa.func.sum(_SIGN) > 0)
        .order_by(_charge.c.period, _charge.c.group)
    )


def _charged(
    connection: sa.Connection, year: int, pairs: Collection[Pair], numbers: Mapping[str, str]
) -> Mapping[Pair, list[ChargedMonth]]:
    """What stands as charged: every charge and reversal of a month added up."""
    found: defaultdict[Pair, list[ChargedMonth]] = defaultdict(list)
    for row in _charges(connection, pairs, **_months(year)):
        found[row.employer, numbers[row.insured]].append(_month(row))
    return found


def _month(row: sa.Row[Any]) -> ChargedMonth:
    amounts = row._mapping
    lines = (
        BranchSum(
            branch,
            amounts[f"{branch}_base"] or 0,
            amounts[f"{branch}_employee"] or 0,
            amounts[f"{branch}_employer"] or 0,
        )
        for branch in Branch
    )
    return ChargedMonth(
        Period.parse(row.period),
        Group(amounts["group"]),
        Pay(**{name: amounts[name] for name in _ELEMENTS}, hours=Decimal(amounts["hours"])),
        tuple(line for line in lines if line.base or line.total),
    )


@keyed(2)
def _wages(wanted: sa.FromClause) -> sa.Select[Any]:
    """The wages of a month added up, for pairs of employer and insured."""
    counts = sa.case((_wage.c.state == "current", 1), else_=0)
    pay = sum((_wage.c[name] for name in _ELEMENTS[1:]), start=_wage.c[_ELEMENTS[0]])
    key = (_wage.c.employer, _wage.c.insured, _wage.c.period)
    return (
        sa.select(
            *key,
            sa.func.sum(counts * pay).label("pay"),
            sa.func.sum(counts * (_wage.c.work_hours + _wage.c.inactive_hours)).label("hours"),
            sa.func.sum(counts).label("counting"),
            sa.func.count().label("wages"),
        )
        .join(wanted, sa.and_(_wage.c.employer == wanted.c.a, _wage.c.insured == wanted.c.b))
        .where(_STANDS, _wage.c.period >= sa.bindparam("first"), _wage.c.period <= sa.bindparam("last"))
        .group_by(*key)
    )


def _declared(
    connection: sa.Connection, year: int, pairs: Collection[Pair], numbers: Mapping[str, str]
) -> Mapping[Pair, Mapping[Period, DeclaredMonth]]:
    found: defaultdict[Pair, dict[Period, DeclaredMonth]] = defaultdict(dict)
    for row in _wages(connection, pairs, **_months(year)):
        found[row.employer, numbers[row.insured]][Period.parse(row.period)] = DeclaredMonth(
            row.pay, row.hours, counts=row.counting > 0, held=row.wages > row.counting
        )
    return found
