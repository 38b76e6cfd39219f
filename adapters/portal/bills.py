"""What the portal shows of invoices and accounts: read from the registers, by the right to the invoices now.

Whatever a member has no right to is as if it were not there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

import sqlalchemy as sa

from adapters.billing.statements import Stated, StatedMonth, Statements, months_of, stated_of
from adapters.database import Database, tables
from adapters.database.institutions import books_of
from adapters.database.registers.charges import SqlCharges, Version
from adapters.database.registers.employers import SqlEmployers
from adapters.database.registers.refunds import SqlRefunds
from gateway.batch import MemberId
from gateway.billing.charges import Charge
from gateway.billing.month_to_month import MonthToMonth, compare
from gateway.billing.statement import Cause, RefundChange
from gateway.ledger import Dispute, Entry, Position, position
from gateway.moments import Clock, Period, Received
from gateway.parameters import Branch

charge = tables.CHARGE
deposit = tables.table(tables.Deposit)
employer = tables.table(tables.Employer)
own = tables.table(tables.OwnCalculation)
statement = tables.table(tables.Statement)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a list is asked for.

    Attributes:
        search: part of a name or matricule of an employer; empty for all.
        period: wage month; None for all.
        before: cursor of the last statement on the page before; None for the first page.
    """

    search: str
    period: Period | None
    before: int | None


@dataclass(frozen=True, slots=True)
class Row:
    """A statement in the list, and the name of its employer."""

    stated: Stated
    name: str


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of statements.

    Attributes:
        employers: matricule and name of each whose invoices the member may see, by name; the first ones
            only of very many.
        count: of all these employers.
        more: cursor of the next page; None on the last one.
    """

    rows: tuple[Row, ...]
    employers: tuple[tuple[str, str], ...]
    count: int
    more: int | None


@dataclass(frozen=True, slots=True)
class InsuredLine:
    """What a statement charges or takes back for one insured and month. Amounts in cents.

    Attributes:
        version: of the charge; from 2 on it took the place of another one.
    """

    insured: str
    period: Period
    version: int
    reversal: bool
    causes: tuple[Cause, ...]
    employee: int
    employer: int

    @property
    def total(self) -> int:
        return self.employee + self.employer


@dataclass(frozen=True, slots=True)
class Sheet:
    """A statement as its page shows it.

    Attributes:
        name: of the employer.
        months: what it charges and takes back, the month itself first.
        lines: for each insured, that of the month first.
        refunds: of the Mutualité des employeurs.
        earlier, later: numbers of the statements before and after it; None where there is none.
        compared: with the statement of the month before; None without one.
        has_own: whether an own computation of the month is on file.
    """

    stated: Stated
    name: str
    months: tuple[StatedMonth, ...]
    lines: tuple[InsuredLine, ...]
    refunds: tuple[RefundChange, ...]
    earlier: str | None
    later: str | None
    compared: MonthToMonth | None
    has_own: bool

    @property
    def month(self) -> StatedMonth | None:
        """The month that it charges, if it charges any of it."""
        return next((one for one in self.months if one.period == self.stated.period), None)

    @property
    def corrections(self) -> tuple[StatedMonth, ...]:
        """The earlier months that it charges anew."""
        return tuple(one for one in self.months if one.period != self.stated.period)


@dataclass(frozen=True, slots=True)
class MonthOfYear:
    """What stands as charged of a wage month, corrections included; in cents.

    Attributes:
        by_branch: both shares, by word of the branch.
    """

    period: Period
    employee: int
    employer: int
    by_branch: tuple[tuple[str, int], ...]

    @property
    def by_share(self) -> tuple[tuple[str, int], ...]:
        return ("employee", self.employee), ("employer", self.employer)

    @property
    def total(self) -> int:
        return self.employee + self.employer


@dataclass(frozen=True, slots=True)
class Year:
    """A year of an employer.

    Attributes:
        years: of which something is charged, the latest first.
    """

    employer: str
    name: str
    year: int
    months: tuple[MonthOfYear, ...]
    years: tuple[int, ...]

    @property
    def total(self) -> int:
        return sum(one.total for one in self.months)


@dataclass(frozen=True, slots=True)
class Account:
    """An employer's account: its bookings with the balance after each, and how it stands.

    Attributes:
        bookings: a page of them, the latest first.
        disputes: those that are open.
        more: place of the next page; None on the last one.
    """

    employer: str
    name: str
    standing: Position
    bookings: tuple[tuple[Entry, int], ...]
    disputes: tuple[Dispute, ...]
    more: int | None


class Bills:
    """Reads what the pages of invoices show."""

    def __init__(self, database: Database, clock: Clock, statements: Statements) -> None:
        self._database = database
        self._clock = clock
        self._statements = statements

    def listed(self, member: MemberId, asked: Asked, limit: int) -> Listing:
        """Statements of the employers whose invoices a member may see, the latest first."""
        with self._database.read() as connection:
            names = SqlEmployers(connection).names(self._statements.allowed(connection, member))
            wanted = [number for number, name in names.items() if _fits(asked.search, number, name)]
            rows = _rows(connection, wanted, names, asked, limit + 1) if wanted else []
        found = rows[:limit]
        more = found[-1].stated.cursor if len(rows) > limit else None
        by_name = sorted(names.items(), key=lambda one: (one[1].casefold(), one[0]))
        return Listing(tuple(found), tuple(by_name[:limit]), len(names), more)

    def sheet(self, member: MemberId, number: str) -> Sheet | None:
        """A statement; None when there is none that the member may see."""
        with self._database.read() as connection:
            issue = self._statements.issue(connection, member, number)
            if issue is None:
                return None
            charges = SqlCharges(connection)
            versions = charges.of_statement(issue.number)
            stated = stated_of(
                connection.execute(sa.select(statement).where(statement.c.number == issue.number)).one()
            )
            earlier, later = _neighbours(connection, stated)
            compared = None
            if earlier is not None and earlier.period == stated.period.plus(-1):
                compared = _compared(charges.of_statement(earlier.cursor), earlier, versions, stated)
            return Sheet(
                stated=stated,
                name=SqlEmployers(connection).names([stated.employer])[stated.employer],
                months=tuple(months_of(versions)),
                lines=tuple(_lines(versions, stated.period)),
                refunds=tuple(SqlRefunds(connection).of_statement(issue.number)),
                earlier=None if earlier is None else earlier.number,
                later=None if later is None else later.number,
                compared=compared,
                has_own=_has_own(connection, stated.employer, stated.period),
            )

    def year(self, member: MemberId, matricule: str, year: int) -> Year | None:
        """What stands as charged of each month of a year; None for an employer that is not the member's."""
        with self._database.read() as connection:
            if matricule not in self._statements.allowed(connection, member):
                return None
            months = [Period(year, month) for month in range(1, 13)] if 1 <= year <= 9999 else []
            found = _standing(connection, matricule, year)
            years = sa.select(sa.func.substr(charge.c.period, 1, 4)).where(charge.c.employer == matricule)
            known = sorted(map(int, connection.execute(years.distinct()).scalars()), reverse=True)
            name = SqlEmployers(connection).names([matricule])[matricule]
        nothing = {period: MonthOfYear(period, 0, 0, ()) for period in months}
        return Year(matricule, name, year, tuple((nothing | found).values()), tuple(known))

    def account(self, member: MemberId, matricule: str, place: int, limit: int) -> Account | None:
        """How an employer's account stands today; None for an employer that is not the member's."""
        today = Received(self._clock()).day
        with self._database.read() as connection:
            if matricule not in self._statements.allowed(connection, member):
                return None
            books = books_of(connection, matricule)
            name = SqlEmployers(connection).names([matricule])[matricule]
        standing = position(books.entries, books.plans, books.disputes, employer=matricule, day=today)
        entries = sorted(
            (one for one in books.entries if one.day <= today), key=lambda one: (one.day, one.number)
        )
        balances = accumulate(one.amount for one in entries)
        bookings = list(zip(entries, balances, strict=True))[::-1]
        first = max(0, place)
        more = first + limit if len(bookings) > first + limit else None
        disputes = tuple(one for one in books.disputes if one.closed is None)
        return Account(matricule, name, standing, tuple(bookings[first : first + limit]), disputes, more)

    def own_deposits(self, member: MemberId, identifiers: Collection[str]) -> frozenset[str]:
        """Which of some deposits are the member's own: only these have a page for it."""
        query = sa.select(deposit.c.id).where(
            deposit.c.sender == str(member), deposit.c.id.in_(list(identifiers))
        )
        with self._database.read() as connection:
            return frozenset(connection.execute(query).scalars())


def _fits(search: str, matricule: str, name: str) -> bool:
    return search.casefold() in name.casefold() or search in matricule


def _rows(
    connection: sa.Connection,
    employers: Collection[str],
    names: Mapping[str, str],
    asked: Asked,
    limit: int,
) -> list[Row]:
    conditions: list[sa.ColumnElement[bool]] = [statement.c.employer.in_(list(employers))]
    if asked.period is not None:
        conditions.append(statement.c.period == str(asked.period))
    if asked.before is not None:
        conditions.append(statement.c.number < asked.before)
    query = sa.select(statement).where(*conditions)
    rows = connection.execute(query.order_by(statement.c.number.desc()).limit(limit))
    return [Row(stated_of(row), names[row.employer]) for row in rows]


def _neighbours(connection: sa.Connection, stated: Stated) -> tuple[Stated | None, Stated | None]:
    """The statements of the same employer before and after one."""
    theirs = sa.select(statement).where(statement.c.employer == stated.employer).limit(1)
    before = theirs.where(statement.c.number < stated.cursor).order_by(statement.c.number.desc())
    after = theirs.where(statement.c.number > stated.cursor).order_by(statement.c.number)
    rows = (connection.execute(query).first() for query in (before, after))
    earlier, later = (None if row is None else stated_of(row) for row in rows)
    return earlier, later


def _compared(
    before: Sequence[Version], earlier: Stated, now: Sequence[Version], stated: Stated
) -> MonthToMonth:
    return compare(_of_month(before, earlier.period), _of_month(now, stated.period))


def _of_month(versions: Iterable[Version], period: Period) -> list[Charge]:
    """The charges of the month of a statement itself."""
    return [one.charge for one in versions if one.charge.key.period == period and not one.reversal]


def _lines(versions: Iterable[Version], period: Period) -> list[InsuredLine]:
    found = []
    for one in versions:
        sign = -1 if one.reversal else 1
        key = one.charge.key
        found.append(
            InsuredLine(
                insured=key.insured,
                period=key.period,
                version=one.charge.version,
                reversal=one.reversal,
                causes=one.causes,
                employee=sign * sum(line.employee for line in one.charge.lines),
                employer=sign * sum(line.employer for line in one.charge.lines),
            )
        )
    return sorted(found, key=lambda one: (one.period != period, one.period, one.insured))


def _has_own(connection: sa.Connection, matricule: str, period: Period) -> bool:
    query = sa.select(own.c.id).where(
        own.c.employer == matricule,
        own.c.period == str(period),
        sa.text(f"own_calculation.{tables.OWN_STANDS}"),
    )
    return connection.execute(query.limit(1)).first() is not None


def _standing(connection: sa.Connection, matricule: str, year: int) -> dict[Period, MonthOfYear]:
    """Charges and reversals added up by the database."""
    sums = [
        sa.func.coalesce(sa.func.sum(charge.c[f"{branch}_{share}"]), 0).label(f"{branch}_{share}")
        for branch in Branch
        for share in ("employee", "employer")
    ]
    query = (
        sa.select(charge.c.period, *sums)
        .where(
            charge.c.employer == matricule,
            charge.c.period >= f"{year:04d}-01",
            charge.c.period <= f"{year:04d}-12",
        )
        .group_by(charge.c.period)
        .order_by(charge.c.period)
    )
    found = {}
    for row in connection.execute(query):
        fields = row._mapping
        shares = {
            branch: (int(fields[f"{branch}_employee"]), int(fields[f"{branch}_employer"]))
            for branch in Branch
        }
        period = Period.parse(row.period)
        found[period] = MonthOfYear(
            period,
            employee=sum(employee for employee, _ in shares.values()),
            employer=sum(employer for _, employer in shares.values()),
            by_branch=tuple((branch.value, sum(both)) for branch, both in shares.items()),
        )
    return found
