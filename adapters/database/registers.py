"""The counter's registers on our own tables: the embedded default behind `gateway.registers`.

Each is bound to the connection of one transaction. Records go in by driver-level executemany,
never as ORM objects; look-ups by many keys join a temporary table of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa

from adapters.database import tables
from gateway.batch import MemberId
from gateway.matricule import next_company_number, person_number
from gateway.moments import Period, Received
from gateway.registers import (
    Absence,
    AbsenceState,
    Address,
    Affiliation,
    Company,
    Employer,
    Identity,
    InsuredMonth,
    Mandate,
    Pair,
    Registers,
    Wage,
    WageKey,
    WageState,
)

LAST_SERIAL = 999

absence = tables.table(tables.Absence)
affiliation = tables.table(tables.Affiliation)
company = tables.table(tables.Company)
deposit = tables.table(tables.Deposit)
employer = tables.table(tables.Employer)
employer_year = tables.table(tables.EmployerYear)
mandate = tables.table(tables.Mandate)
person = tables.table(tables.Person)
wage = tables.table(tables.Wage)


def bind(connection: sa.Connection, wages: SqlWages) -> Registers:
    """All registers, bound to a transaction, with its register of wages."""
    return Registers(
        persons=SqlPersons(connection),
        companies=SqlCompanies(connection),
        employers=SqlEmployers(connection),
        mandates=SqlMandates(connection),
        affiliations=SqlAffiliations(connection),
        wages=wages,
        absences=SqlAbsences(connection),
    )


def _many(connection: sa.Connection, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
    """Run a statement once per row, below SQLAlchemy's own handling of parameters.

    Args:
        statement: SQL with `?` where a value of the row goes.
        rows: values in the order of the marks.
    """
    given = list(rows)
    if given:
        connection.exec_driver_sql(statement, given)


def _wanted(connection: sa.Connection, keys: Iterable[tuple[str, ...]]) -> sa.Table:
    """A temporary table of up to three key columns, to join with: one question for any number of keys.

    It has no index, so that the register is searched by its own, key by key. With one, SQLite would
    read the whole register and look every row up here.
    """
    connection.exec_driver_sql("CREATE TEMP TABLE IF NOT EXISTS wanted (a TEXT, b TEXT, c TEXT)")
    connection.exec_driver_sql("DELETE FROM wanted")
    once = set(keys)
    columns = "abc"[: len(next(iter(once), ()))]
    marks = ", ".join("?" * len(columns))
    _many(connection, f"INSERT INTO wanted ({', '.join(columns)}) VALUES ({marks})", once)  # noqa: S608 - ours
    return _WANTED


_WANTED = sa.Table("wanted", sa.MetaData(), *(sa.Column(name, sa.Text) for name in "abc"))


class SqlPersons:
    """`gateway.registers.Persons` on the table `person`."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def find(self, identities: Collection[Identity]) -> Mapping[Identity, str]:
        keys = [(one.surname, one.first_name, one.born.isoformat()) for one in identities]
        wanted = _wanted(self._connection, keys)
        same = sa.and_(
            person.c.surname == wanted.c.a, person.c.first_name == wanted.c.b, person.c.born == wanted.c.c
        )
        query = sa.select(person.c.surname, person.c.first_name, person.c.born, person.c.matricule)
        return {
            Identity(surname, first_name, date.fromisoformat(born)): matricule
            for surname, first_name, born, matricule in self._connection.execute(query.join(wanted, same))
        }

    def assign(self, identity: Identity, nationality: str, address: Address) -> str | None:
        born = identity.born.isoformat()
        taken = self._serials(f"{identity.born:%Y%m%d}")
        serial = next((free for free in range(1, LAST_SERIAL + 1) if free not in taken), None)
        if serial is None:
            return None
        matricule = person_number(identity.born, serial)
        self._connection.execute(
            sa.insert(person).values(
                matricule=matricule,
                surname=identity.surname,
                first_name=identity.first_name,
                born=born,
                nationality=nationality,
                house_number=address.number,
                street=address.street,
                postcode=address.postcode,
                town=address.town,
                country=address.country,
            )
        )
        return matricule

    def _serials(self, birth: str) -> set[int]:
        """The serials of a birth date (YYYYMMDD) that anybody known here has.

        Somebody who had a number before is known by an affiliation only. The lowest free one is
        given, so that declaring a high number does not use up all below it.
        """
        numbers = (
            sa.select(column).where(column >= birth, column < birth + ":")
            for column in (person.c.matricule, affiliation.c.insured)
        )
        return {int(number[8:11]) for number in self._connection.execute(sa.union(*numbers)).scalars()}


class SqlCompanies:
    """`gateway.registers.Companies` on the table `company`."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def find(self, companies: Collection[Company]) -> Mapping[Company, str]:
        keys = [(one.address.country, one.address.postcode, one.name) for one in companies]
        wanted = _wanted(self._connection, keys)
        near = sa.and_(
            company.c.country == wanted.c.a, company.c.postcode == wanted.c.b, company.c.name == wanted.c.c
        )
        rows = self._connection.execute(sa.select(company).join(wanted, near))
        known = {_company(row): row.matricule for row in rows}
        return {one: known[one] for one in companies if one in known}

    def assign(self, new: Company, year: int) -> str | None:
        of_year = sa.and_(company.c.matricule >= f"{year:04d}", company.c.matricule < f"{year:04d}:")
        last = self._connection.execute(sa.select(sa.func.max(company.c.matricule)).where(of_year)).scalar()
        number = next_company_number(year, last)
        if number is not None:
            self._connection.execute(
                sa.insert(company).values(
                    matricule=number,
                    name=new.name,
                    house_number=new.address.number,
                    street=new.address.street,
                    postcode=new.address.postcode,
                    town=new.address.town,
                    country=new.address.country,
                )
            )
        return number


def _company(row: sa.Row[Any]) -> Company:
    return Company(row.name, Address(row.house_number, row.street, row.postcode, row.town, row.country))


class SqlEmployers:
    """`gateway.registers.Employers` on the tables `employer` and `employer_year`."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def get(self, matricules: Collection[str], year: int) -> Mapping[str, Employer]:
        wanted = _wanted(self._connection, [(matricule,) for matricule in matricules])
        query = (
            sa.select(
                employer.c.matricule,
                employer.c.name,
                employer_year.c.mde_class,
                employer_year.c.accident_factor,
                employer.c.household,
            )
            .join(wanted, employer.c.matricule == wanted.c.a)
            .join(employer_year, employer_year.c.matricule == employer.c.matricule)
            .where(employer_year.c.year == year)
        )
        return {row.matricule: Employer(*row) for row in self._connection.execute(query)}


class SqlMandates:
    """`gateway.registers.Mandates` on the table `mandate`."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def held_by(self, member: MemberId) -> Sequence[Mandate]:
        return self._where(mandate.c.member == str(member))

    def for_employer(self, employer: str) -> Sequence[Mandate]:
        return self._where(mandate.c.employer == employer)

    def _where(self, condition: sa.ColumnElement[bool]) -> list[Mandate]:
        rows = self._connection.execute(sa.select(mandate).where(condition).order_by(mandate.c.number))
        return [
            Mandate(
                number=row.number,
                member=MemberId(row.member[:13], row.member[13:]),
                employer=row.employer,
                procedures=frozenset(row.procedures.split()),
                first=date.fromisoformat(row.first),
                last=date.fromisoformat(row.last) if row.last else None,
            )
            for row in rows
        ]


class SqlAffiliations:
    """`gateway.registers.Affiliations` on the table `affiliation`."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def of(self, pairs: Collection[Pair]) -> Mapping[Pair, Sequence[Affiliation]]:
        found: dict[Pair, list[Affiliation]] = defaultdict(list)
        wanted = _wanted(self._connection, pairs)
        query = (
            sa.select(
                affiliation.c.employer,
                affiliation.c.insured,
                affiliation.c.entry,
                affiliation.c.exit,
                affiliation.c.contract,
                affiliation.c.scheme,
            )
            .join(
                wanted,
                sa.and_(affiliation.c.employer == wanted.c.a, affiliation.c.insured == wanted.c.b),
            )
            .where(affiliation.c.state == "current")
            .order_by(affiliation.c.entry)
        )
        for row in self._connection.execute(query).all():
            found[row[0], row[1]].append(_affiliation(*row))
        return found

    def open(self, affiliation: Affiliation) -> None:
        self._insert(affiliation)

    def replace(self, old: Affiliation, new: Affiliation) -> None:
        self._retire(old, "replaced")
        self._insert(new)

    def cancel(self, affiliation: Affiliation) -> None:
        self._retire(affiliation, "cancelled")

    def _insert(self, new: Affiliation) -> None:
        self._connection.execute(
            sa.insert(affiliation).values(
                employer=new.employer,
                insured=new.insured,
                entry=new.entry.isoformat(),
                exit=new.exit.isoformat() if new.exit else None,
                contract=new.contract,
                scheme=new.scheme,
                state="current",
            )
        )

    def _retire(self, old: Affiliation, state: str) -> None:
        retired = self._connection.execute(
            sa.update(affiliation)
            .where(
                affiliation.c.employer == old.employer,
                affiliation.c.insured == old.insured,
                affiliation.c.entry == old.entry.isoformat(),
                affiliation.c.state == "current",
            )
            .values(state=state)
        )
        if not retired.rowcount:
            raise ValueError("an affiliation that does not stand cannot be replaced or cancelled")


def _affiliation(
    employer: str, insured: str, entry: str, exit_: str | None, contract: str, scheme: str
) -> Affiliation:
    return Affiliation(
        employer=employer,
        insured=insured,
        entry=date.fromisoformat(entry),
        exit=date.fromisoformat(exit_) if exit_ else None,
        contract=contract,
        scheme=scheme,
    )


_WAGE_COLUMNS = (*WageKey._fields, *Wage._fields[1:], "state")
_INSERT_WAGE = (
    f"INSERT INTO wage ({', '.join(_WAGE_COLUMNS)})"  # noqa: S608 - our own names
    f" VALUES ({', '.join('?' * len(_WAGE_COLUMNS))})"
)
_STANDS = sa.text(f"wage.{tables.WAGE_STANDS}")
_HELD = sa.text(f"wage.{tables.WAGE_HELD}")
_COUNTS = sa.text("wage.state = 'current'")


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
        wanted = _wanted(self._connection, [(key.employer, key.insured, str(key.period)) for key in keys])
        query = (
            sa.select(
                wage.c.employer,
                wage.c.insured,
                wage.c.period,
                wage.c.first_day,
                wage.c.last_day,
                wage.c.deposit,
            )
            .join(
                wanted,
                sa.and_(
                    wage.c.employer == wanted.c.a,
                    wage.c.insured == wanted.c.b,
                    wage.c.period == wanted.c.c,
                ),
            )
            .where(_STANDS)
        )
        there = {
            WageKey(row[0], row[1], Period.parse(row[2]), row[3], row[4]): row[5]
            for row in self._connection.execute(query)
        }
        found = {key: there[key] for key in keys if key in there} if there else {}
        self._standing.update(found)
        return found

    def add(self, wages: Iterable[tuple[Wage, WageState]]) -> None:
        _many(self._connection, _INSERT_WAGE, (_row(one, state) for one, state in wages))

    def supersede(self, keys: Collection[WageKey], by_deposit: int) -> None:
        _many(
            self._connection,
            "UPDATE wage SET state = 'superseded' WHERE employer = ? AND insured = ? AND period = ?"
            " AND first_day = ? AND last_day = ? AND state IN ('current', 'held') AND deposit < ?",
            ((*_key_row(key), by_deposit) for key in keys),
        )
        self.decided.update(self._standing[key] for key in keys if key in self._standing)

    def held(self, pairs: Collection[Pair]) -> Sequence[Wage]:
        wanted = _wanted(self._connection, pairs)
        query = (
            sa.select(wage)
            .join(wanted, sa.and_(wage.c.employer == wanted.c.a, wage.c.insured == wanted.c.b))
            .where(_STANDS, _HELD)
            .order_by(wage.c.id)
        )
        return [wage_of(row) for row in self._connection.execute(query)]

    def release(self, wages: Sequence[Wage]) -> None:
        self._turn([(one.deposit, one.record) for one in wages], WageState.CURRENT)

    def hours(self, months: Collection[InsuredMonth]) -> Mapping[InsuredMonth, int]:
        wanted = _wanted(self._connection, map(_month_row, months))
        query = (
            sa.select(wage.c.employer, wage.c.insured, wage.c.period, sa.func.sum(wage.c.work_hours))
            .join(
                wanted,
                sa.and_(
                    wage.c.employer == wanted.c.a,
                    wage.c.insured == wanted.c.b,
                    wage.c.period == wanted.c.c,
                ),
            )
            .where(_STANDS, _COUNTS)
            .group_by(wage.c.employer, wage.c.insured, wage.c.period)
        )
        return {
            InsuredMonth(employer, insured, Period.parse(period)): hours
            for employer, insured, period, hours in self._connection.execute(query)
        }

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

    def _turn(self, records: Sequence[tuple[int, int]], state: WageState) -> None:
        """Give held wages, named by deposit and record, another state."""
        _many(
            self._connection,
            "UPDATE wage SET state = ? WHERE deposit = ? AND record = ? AND state = 'held'",
            ((state.value, number, record) for number, record in records),
        )
        self.decided.update(number for number, _ in records)


def _month_row(month: InsuredMonth) -> tuple[str, str, str]:
    return month.employer, month.insured, str(month.period)


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
        wanted = _wanted(self._connection, map(_month_row, months))
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
        _many(self._connection, _INSERT_ABSENCE, rows)

    def cancel(self, months: Collection[InsuredMonth]) -> None:
        _many(
            self._connection,
            "UPDATE absence SET state = 'cancelled'"
            " WHERE employer = ? AND insured = ? AND period = ? AND state = 'current'",
            map(_month_row, months),
        )


def _absence_row(one: Absence) -> tuple[object, ...]:
    """A row of the table `absence`, in the order of `_ABSENCE_COLUMNS` but for the state."""
    days = one.first.isoformat(), one.last.isoformat()
    return *_month_row(one.month), one.kind, *days, one.hours, one.deposit, one.record


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
