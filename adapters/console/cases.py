"""The desk for special cases: what the machine cannot settle alone, by cause, and who sees to it until when.

Nothing is entered to open a case: cases are read from the registers, as what is on hold, what was hinted at
in what took effect, and what could not be charged. What is entered is who of the staff has taken one on,
until when, and that it is closed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import sqlalchemy as sa

from adapters.console.finding import PAGE
from adapters.database import tables
from adapters.database.journal import append
from gateway.moments import Received
from gateway.procedures.held import waits_until
from gateway.rejections import REJECTIONS, Level
from gateway.states import State

count = tables.table(tables.AnomalyCount)
deposit = tables.table(tables.Deposit)
hold = tables.table(tables.BillingHold)
member = tables.table(tables.Member)
special_case = tables.table(tables.SpecialCase)
staff = tables.table(tables.Staff)

HELD = "held"
"""The cause of records that wait for an affiliation."""
LOOKED_BACK = timedelta(days=90)
"""For so long a hint is a case; nobody calls about what is older, and search finds it."""
DAYS = 14
"""Until when somebody who takes a case on should have settled it, where nothing else says so."""

_HINTS = frozenset(
    key for key, row in REJECTIONS.items() if row.level is Level.HINT and not key.endswith("-HELD")
)
"""What is hinted at; that a record waits is not, as it is a case of its own while it does."""
_STANDS = sa.text(f"billing_hold.{tables.HOLD_STANDS}")


@dataclass(frozen=True, slots=True)
class Cause:
    """All open cases of one cause.

    Attributes:
        cause: `held`, a code of the table of rejections, or one of billing.
        cases: how many deposits, or holds of billing.
        records: how many records of theirs.
        owned: how many of the cases somebody has taken on.
        oldest: since when the oldest lies there.
    """

    cause: str
    cases: int
    records: int
    owned: int
    oldest: Received


@dataclass(frozen=True, slots=True)
class Case:
    """A special case.

    Attributes:
        cause: as in `Cause`.
        about: number of a deposit, or id of a hold of billing.
        deposit: id of the deposit; None of what billing holds.
        who: name of the sender, or matricule of the employer.
        named: file name, or wage month.
        since: receipt, or when it was first held.
        records: how many records.
        owner: who of the staff has taken it on; None: nobody yet.
        deadline: until when: as the owner was told, else as the law or our own figure has it.
    """

    cause: str
    about: int
    deposit: str | None
    who: str
    named: str
    since: Received
    records: int
    owner: str | None
    deadline: date

    def is_late(self, today: date) -> bool:
        """Whether its last day has passed."""
        return self.deadline < today


def causes(connection: sa.Connection, now: Received) -> Sequence[Cause]:
    """All causes of open cases, the one with the most records first."""
    found = [
        *_held_cause(connection),
        *_hinted_causes(connection, now),
        *_billing_causes(connection),
    ]
    return sorted(found, key=lambda one: (-one.records, one.cause))


def _taken(cause: sa.ColumnElement[str], about: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    return sa.and_(special_case.c.cause == cause, special_case.c.about == about)


_OWNED = sa.func.count(special_case.c.number)
_OPEN = special_case.c.closed.is_(None)
"""True as well where nobody has taken a case on yet."""


def _held_cause(connection: sa.Connection) -> Iterator[Cause]:
    query = (
        sa.select(sa.func.count(), sa.func.sum(deposit.c.held), _OWNED, sa.func.min(deposit.c.received))
        .select_from(deposit)
        .outerjoin(special_case, _taken(sa.literal(HELD), deposit.c.number))
        .where(deposit.c.state == State.HELD.value, _OPEN)
    )
    many, records, owned, oldest = connection.execute(query).one()
    if many:
        yield Cause(HELD, many, records, owned, Received.parse(oldest))


def _hinted_causes(connection: sa.Connection, now: Received) -> Iterator[Cause]:
    query = (
        sa.select(
            count.c.code,
            sa.func.count().label("cases"),
            sa.func.sum(count.c.records).label("records"),
            _OWNED.label("owned"),
            sa.func.min(deposit.c.received).label("oldest"),
        )
        .select_from(count)
        .join(deposit, deposit.c.number == count.c.deposit)
        .outerjoin(special_case, _taken(count.c.code, deposit.c.number))
        .where(count.c.code.in_(_HINTS), deposit.c.received >= _since(now), _OPEN)
        .group_by(count.c.code)
    )
    for row in connection.execute(query):
        yield Cause(row.code, row.cases, row.records, row.owned, Received.parse(row.oldest))


def _billing_causes(connection: sa.Connection) -> Iterator[Cause]:
    query = (
        sa.select(
            hold.c.code,
            sa.func.count().label("cases"),
            _OWNED.label("owned"),
            sa.func.min(hold.c.since).label("oldest"),
        )
        .select_from(hold)
        .outerjoin(special_case, _taken(hold.c.code, hold.c.id))
        .where(_STANDS, _OPEN)
        .group_by(hold.c.code)
    )
    for row in connection.execute(query):
        yield Cause(row.code, row.cases, row.cases, row.owned, Received.parse(row.oldest))


def _since(now: Received) -> str:
    return str(Received(now.at - LOOKED_BACK))


def cases(connection: sa.Connection, cause: str, now: Received, after: int = 0) -> Sequence[Case]:
    """The open cases of a cause, the oldest first, after one of them; at most a page and one.

    Args:
        after: `about` of the last case of the page before.
    """
    if cause == HELD or cause in REJECTIONS:
        return list(_of_deposits(connection, cause, now, after))
    return list(_of_billing(connection, cause, after))


def _of_deposits(connection: sa.Connection, cause: str, now: Received, after: int) -> Iterator[Case]:
    held = cause == HELD
    query = (
        sa.select(
            deposit.c.number,
            deposit.c.id,
            member.c.name.label("called"),
            deposit.c.name,
            deposit.c.received,
            (deposit.c.held if held else count.c.records).label("records"),
            special_case.c.owner,
            special_case.c.deadline,
        )
        .select_from(deposit)
        .join(member, member.c.id == deposit.c.sender)
        .outerjoin(special_case, _taken(sa.literal(cause), deposit.c.number))
        .where(deposit.c.number > after, _OPEN)
        .order_by(deposit.c.number)
        .limit(PAGE + 1)
    )
    if held:
        query = query.where(deposit.c.state == State.HELD.value)
    else:
        query = query.join(count, count.c.deposit == deposit.c.number).where(
            count.c.code == cause, deposit.c.received >= _since(now)
        )
    for row in connection.execute(query):
        since = Received.parse(row.received)
        by_law = waits_until(since) if held else since.day + timedelta(days=DAYS)
        deadline = date.fromisoformat(row.deadline) if row.deadline else by_law
        yield Case(cause, row.number, row.id, row.called, row.name, since, row.records, row.owner, deadline)


def _of_billing(connection: sa.Connection, cause: str, after: int) -> Iterator[Case]:
    query = (
        sa.select(
            hold.c.id,
            hold.c.employer,
            hold.c.period,
            hold.c.since,
            special_case.c.owner,
            special_case.c.deadline,
        )
        .select_from(hold)
        .outerjoin(special_case, _taken(sa.literal(cause), hold.c.id))
        .where(_STANDS, hold.c.code == cause, hold.c.id > after, _OPEN)
        .order_by(hold.c.id)
        .limit(PAGE + 1)
    )
    for row in connection.execute(query):
        since = Received.parse(row.since)
        deadline = date.fromisoformat(row.deadline) if row.deadline else since.day + timedelta(days=DAYS)
        yield Case(cause, row.id, None, row.employer, row.period, since, 1, row.owner, deadline)


class NoSuchCase(LookupError):
    """There is no open case of this cause about that, or nobody of that name."""


def assign(
    connection: sa.Connection, cause: str, about: int, owner: str, deadline: date, now: Received
) -> None:
    """Have somebody of the staff see to a case until a day, whoever had it before.

    Raises:
        NoSuchCase: there is none, or nobody of that name has rights.
    """
    standing = sa.select(staff.c.name).where(staff.c.name == owner, staff.c.ended.is_(None))
    if not _exists(connection, cause, about, now) or connection.execute(standing).first() is None:
        raise NoSuchCase
    values = {"owner": owner, "deadline": deadline.isoformat(), "changed": str(now)}
    known = sa.and_(special_case.c.cause == cause, special_case.c.about == about)
    changed = connection.execute(sa.update(special_case).where(known).values(**values))
    if not changed.rowcount:
        connection.execute(sa.insert(special_case).values(cause=cause, about=about, **values))
    append(connection, at=now, event="case", subject=f"{cause} {about} {owner} {deadline}")


def close(connection: sa.Connection, cause: str, about: int, person: str, now: Received) -> None:
    """Note that somebody has settled a case.

    Raises:
        NoSuchCase: there is none.
    """
    if not _exists(connection, cause, about, now):
        raise NoSuchCase
    values = {"closed": str(now), "changed": str(now)}
    known = sa.and_(special_case.c.cause == cause, special_case.c.about == about)
    changed = connection.execute(sa.update(special_case).where(known).values(**values))
    if not changed.rowcount:
        connection.execute(
            sa.insert(special_case).values(
                cause=cause, about=about, owner=person, deadline=now.day.isoformat(), **values
            )
        )
    append(connection, at=now, event="case closed", subject=f"{cause} {about} {person}")


def _exists(connection: sa.Connection, cause: str, about: int, now: Received) -> bool:
    """Whether there is an open case."""
    return any(one.about == about for one in cases(connection, cause, now, after=about - 1)[:1])
