"""What the portal shows of wages that are awaited, of clients and their mandates: read from the registers.

Each question is asked by the right that it needs at this moment: wages by DECSAL, invoices by the right to
them. Whatever a member has no right to is as if it were not there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from adapters.database import Database, tables
from adapters.database.registers import bind
from adapters.database.registers.activities import SqlActivities
from adapters.database.registers.employers import SqlEmployers
from adapters.database.registers.keys import keyed
from adapters.database.registers.mandates import SqlMandates, Turn, history
from adapters.database.registers.wages import SqlWages
from gateway.batch import MemberId
from gateway.billing.statement import printed_number
from gateway.mandates import INVOICES, is_itself, rights
from gateway.moments import LUXEMBOURG, Clock, Period, Received
from gateway.notices import salman
from gateway.registers import Mandate, MandateState
from gateway.returns.salman import MissingWage

WAGES = "DECSAL"
"""The procedure whose right lets a member see who is affiliated and whose wage is missing."""

affiliation = tables.table(tables.Affiliation)
decision = tables.table(tables.Decision)
deposit = tables.table(tables.Deposit)
employer = tables.table(tables.Employer)
statement = tables.table(tables.Statement)
wage = tables.table(tables.Wage)

_WRONG = sa.or_(deposit.c.verdict == "rejected", deposit.c.rejected > 0)
_STANDS = sa.text(f"wage.{tables.WAGE_STANDS}")


@keyed(1)
def _counted(wanted: sa.FromClause) -> sa.Select[Any]:
    """How many an employer has in a month, how many of them with a wage, and how many had one the month
    before; counted employer by employer, so that no register is read whole."""
    same = sa.and_(
        wage.c.employer == affiliation.c.employer,
        wage.c.insured == affiliation.c.insured,
        wage.c.period == sa.bindparam("of_month"),
        _STANDS,
    )
    staff = sa.select(sa.func.count(affiliation.c.insured.distinct())).where(
        affiliation.c.employer == wanted.c.a,
        affiliation.c.state == "current",
        affiliation.c.entry <= sa.bindparam("last_day"),
        sa.or_(affiliation.c.exit.is_(None), affiliation.c.exit >= sa.bindparam("first_day")),
    )
    earlier = sa.select(sa.func.count(wage.c.insured.distinct())).where(
        wage.c.employer == wanted.c.a, wage.c.period == sa.bindparam("month_before"), _STANDS
    )
    counts = (staff.correlate(wanted), staff.join(wage, same).correlate(wanted), earlier.correlate(wanted))
    return sa.select(wanted.c.a, *(one.scalar_subquery() for one in counts))


@keyed(1)
def _sent_about(wanted: sa.FromClause) -> sa.Select[Any]:
    """What a member has sent about employers since a moment: how many, how many refused, and the last."""
    return (
        sa.select(
            decision.c.employer,
            sa.func.count(deposit.c.number.distinct()),
            sa.func.count(sa.case((_WRONG, deposit.c.number)).distinct()),
            sa.func.max(deposit.c.received),
        )
        .select_from(wanted)
        .join(decision, decision.c.employer == wanted.c.a)
        .join(deposit, deposit.c.number == decision.c.deposit)
        .where(deposit.c.sender == sa.bindparam("by"), deposit.c.received >= sa.bindparam("since"))
        .group_by(decision.c.employer)
    )


@keyed(1)
def _last_bills(wanted: sa.FromClause) -> sa.Select[Any]:
    """The last statement of each employer."""
    highest = sa.select(sa.func.max(statement.c.number)).where(statement.c.employer == wanted.c.a)
    latest = sa.select(highest.correlate(wanted).scalar_subquery()).select_from(wanted)
    return sa.select(statement).where(statement.c.number.in_(latest))


class State(StrEnum):
    """What a list of clients is narrowed to."""

    ALL = "all"
    MISSING = "missing"
    """Some wage of the month is not declared yet."""
    SILENT = "silent"
    """No wage of the month is declared yet, and some were the month before."""
    ERRORS = "errors"
    """A file sent this month had refused records or was refused."""
    TO_PAY = "to_pay"
    """The latest statement asks for something."""


@dataclass(frozen=True, slots=True)
class Wages:
    """How far the wages of an employer and month have come.

    Attributes:
        affiliated: persons affiliated on a day of the month.
        declared: those of them whose wage is there.
        before: persons whose wage of the month before is there.
    """

    affiliated: int = 0
    declared: int = 0
    before: int = 0

    @property
    def missing(self) -> int:
        return self.affiliated - self.declared

    @property
    def is_silent(self) -> bool:
        return not self.declared and self.before > 0 and self.affiliated > 0


@dataclass(frozen=True, slots=True)
class Sent:
    """What a member sent for an employer in a month: files, those with errors, and the latest receipt."""

    files: int = 0
    errors: int = 0
    latest: Received | None = None


@dataclass(frozen=True, slots=True)
class Bill:
    """The latest statement of an employer; what it asks for in cents."""

    number: str
    period: Period
    payable: int
    due: date


@dataclass(frozen=True, slots=True)
class Client:
    """An employer for whom a member may act now, and how it stands in a month.

    Attributes:
        until: last day of its mandates; None while one of them has none.
        wages, bill: None without the right to see it; no bill before the first one.
    """

    matricule: str
    name: str
    until: date | None
    wages: Wages | None
    sent: Sent
    bill: Bill | None


@dataclass(frozen=True, slots=True)
class Clients:
    """A page of clients.

    Attributes:
        count: of those found.
        every: of all clients.
        place: of this page, from 0.
        pages: how many there are.
    """

    rows: tuple[Client, ...]
    count: int
    every: int
    place: int
    pages: int


@dataclass(frozen=True, slots=True)
class Held:
    """A mandate with its history, and whether the member who looks at it is the employer."""

    mandate: Mandate
    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class Dossier:
    """A client by itself.

    Attributes:
        mandates: that the member holds or held for it.
        others: that others hold for it: only the employer itself sees them.
        deposits: the latest that the member sent for it: id, name, moment, state and refused records.
    """

    client: Client
    mandates: tuple[Held, ...]
    others: tuple[Mandate, ...]
    deposits: tuple[tuple[str, str, Received, str, int], ...]
    is_itself: bool


class Awaited:
    """Reads what is awaited of a member and its clients."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def missing(self, member: MemberId, matricule: str, period: Period) -> Sequence[MissingWage] | None:
        """Whose wage of a month is not declared yet; None for an employer that is not the member's."""
        now = Received(self._clock())
        with self._database.read() as connection:
            held = SqlMandates(connection).held_by(member)
            if not rights(held, WAGES, now).allow(matricule):
                return None
            registers = bind(connection, SqlWages(connection), SqlActivities(connection))
            return salman.awaited(salman.Case(matricule, period), registers)

    def clients(
        self, member: MemberId, period: Period, search: str, state: State, place: int, limit: int
    ) -> Clients:
        """The employers for whom a member may act now, by name, and how each stands in a month.

        Args:
            search: part of a name or matricule.
            place: of the page, from 0.
            limit: of clients on a page.
        """
        now = Received(self._clock())
        with self._database.read() as connection:
            mine = _Mine(SqlMandates(connection).held_by(member), now)
            names = SqlEmployers(connection).names(mine.employers)
            found = [one for one in _by_name(names) if search.casefold() in f"{names[one]} {one}".casefold()]
            read = _Reader(connection, member, mine, names, period, now)
            if state is not State.ALL:
                fitting = read.fitting(found, state)
                found = [one for one in found if one in fitting]
            pages = max(1, -(-len(found) // limit))
            place = min(max(0, place), pages - 1)
            rows = read.clients(found[place * limit : (place + 1) * limit])
        return Clients(tuple(rows), len(found), len(names), place, pages)

    def dossier(self, member: MemberId, matricule: str, period: Period) -> Dossier | None:
        """A client; None for an employer that is not the member itself, and for whom it never had, nor asked
        for, a mandate."""
        now = Received(self._clock())
        with self._database.read() as connection:
            register = SqlMandates(connection)
            held = register.held_by(member)
            theirs = [one for one in held if one.employer == matricule]
            own = is_itself(member, matricule)
            if not theirs and not own:
                return None
            mine = _Mine(held, now)
            known = SqlEmployers(connection).names([matricule]) if own or matricule in mine.employers else {}
            names = {matricule: known.get(matricule, "")}
            (client,) = _Reader(connection, member, mine, names, period, now).clients([matricule])
            others = [one for one in register.for_employer(matricule) if one.member != member] if own else []
            return Dossier(
                client=client,
                mandates=tuple(Held(one, tuple(history(connection, one.number))) for one in theirs),
                others=tuple(others),
                deposits=tuple(_deposits(connection, member, matricule)),
                is_itself=own,
            )

    def mandate(self, member: MemberId, number: int) -> Mandate | None:
        """A mandate that a member holds, or that is for it as employer, and that may still be ended."""
        now = Received(self._clock())
        with self._database.read() as connection:
            found = SqlMandates(connection).get(number)
        if found is None or found.is_over(now) or found.state is MandateState.ENDED:
            return None
        return found if found.member == member or is_itself(member, found.employer) else None


class _Mine:
    """The employers for whom mandates hold now."""

    def __init__(self, held: Sequence[Mandate], now: Received) -> None:
        self.wages = rights(held, WAGES, now).mandates
        self.invoices = rights(held, INVOICES, now).mandates
        self.until: dict[str, date | None] = {}
        for one in held:
            if any(one.covers(code, now) for code in one.procedures):
                last = one.last
                if one.employer in self.until:
                    other = self.until[one.employer]
                    last = None if last is None or other is None else max(last, other)
                self.until[one.employer] = last

    @property
    def employers(self) -> Collection[str]:
        return self.until.keys()


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads how some employers stand, with one question for all of them."""

    connection: sa.Connection
    member: MemberId
    mine: _Mine
    names: Mapping[str, str]
    period: Period
    now: Received

    def clients(self, matricules: Sequence[str]) -> list[Client]:
        """In the order given."""
        wages, sent, bills = self._wages(matricules), self._sent(matricules), self._bills(matricules)
        return [
            Client(
                matricule=one,
                name=self.names[one],
                until=self.mine.until.get(one),
                wages=wages.get(one, Wages()) if one in self.mine.wages else None,
                sent=sent.get(one, Sent()),
                bill=bills.get(one) if one in self.mine.invoices else None,
            )
            for one in matricules
        ]

    def fitting(self, matricules: Sequence[str], state: State) -> Collection[str]:
        """Which of them are in a state; nothing else of them is read."""
        if state is State.TO_PAY:
            return {
                one for one, bill in self._bills(matricules).items() if bill.payable > 0
            } & self.mine.invoices.keys()
        if state is State.ERRORS:
            return self._with_errors() & set(matricules)
        wages = self._wages(matricules).items()
        found = {one for one, each in wages if (each.is_silent if state is State.SILENT else each.missing)}
        return found & self.mine.wages.keys()

    def _wages(self, matricules: Iterable[str]) -> Mapping[str, Wages]:
        rows = _counted(
            self.connection,
            matricules,
            of_month=str(self.period),
            month_before=str(self.period.plus(-1)),
            first_day=self.period.first.isoformat(),
            last_day=self.period.last.isoformat(),
        )
        return {row[0]: Wages(int(row[1]), int(row[2]), int(row[3])) for row in rows}

    @property
    def _begun(self) -> str:
        """When the month of today began, as the register writes it."""
        return str(Received(datetime(self.now.day.year, self.now.day.month, 1, tzinfo=LUXEMBOURG)))

    def _with_errors(self) -> set[str]:
        """The employers about whom the member sent something this month that was refused, as a whole or in
        part."""
        query = (
            sa.select(decision.c.employer)
            .join(deposit, deposit.c.number == decision.c.deposit)
            .where(deposit.c.sender == str(self.member), deposit.c.received >= self._begun, _WRONG)
            .distinct()
        )
        return set(self.connection.execute(query).scalars())

    def _sent(self, matricules: Iterable[str]) -> Mapping[str, Sent]:
        rows = _sent_about(self.connection, matricules, by=str(self.member), since=self._begun)
        return {row[0]: Sent(int(row[1]), int(row[2]), Received.parse(row[3])) for row in rows}

    def _bills(self, matricules: Iterable[str]) -> Mapping[str, Bill]:
        found = {}
        for row in _last_bills(self.connection, matricules):
            period = Period.parse(row.period)
            number = printed_number(period, row.number)
            found[row.employer] = Bill(number, period, row.payable, date.fromisoformat(row.due))
        return found


def _by_name(names: Mapping[str, str]) -> list[str]:
    return sorted(names, key=lambda one: (names[one].casefold(), one))


def _deposits(
    connection: sa.Connection, member: MemberId, matricule: str
) -> list[tuple[str, str, Received, str, int]]:
    query = (
        sa.select(deposit.c.id, deposit.c.name, deposit.c.received, deposit.c.state, deposit.c.rejected)
        .join(decision, decision.c.deposit == deposit.c.number)
        .where(deposit.c.sender == str(member), decision.c.employer == matricule)
        .distinct()
        .order_by(deposit.c.received.desc())
        .limit(20)
    )
    return [
        (row.id, row.name, Received.parse(row.received), row.state, row.rejected or 0)
        for row in connection.execute(query)
    ]
