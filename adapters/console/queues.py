"""What waits at the gateway, how much and for how long, and what of it calls for somebody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import sqlalchemy as sa

from adapters.console.finding import COLUMNS, PAGE, Row
from adapters.database import deposits, tables
from adapters.database.staff import Kind
from gateway.moments import Received
from gateway.returns import ackrec
from gateway.states import State

act = tables.table(tables.StaffAct)
answer = tables.table(tables.Answer)
deposit = deposits.deposit
member = tables.table(tables.Member)
payment = tables.table(tables.Payment)

_NOBODYS = sa.text(f"payment.{tables.PAYMENT_WAITS}")
_UNREAD = sa.text(f"answer.{tables.ANSWER_UNREAD}")


class Name(StrEnum):
    """What something waits for."""

    RECEIVED = "received"
    """To be treated; nobody is at it."""
    IN_PROGRESS = "in-progress"
    """A group is being treated that it belongs to."""
    WAITING = "waiting"
    """A check that cannot be made yet, such as an answer about revocation."""
    PARKED = "parked"
    """We failed; it is looked at."""
    UNRELEASED = "unreleased"
    """A second person of its sender."""
    HELD = "held"
    """An affiliation that some of its records belong to."""
    UNREAD = "unread"
    """Its recipient has not fetched it."""
    PAYMENTS = "payments"
    """An employer to whom it belongs."""
    PROPOSED = "proposed"
    """A second person of the staff."""


DEPOSITS = frozenset(Name) - {Name.UNREAD, Name.PAYMENTS, Name.PROPOSED}
"""Queues of deposits."""


@dataclass(frozen=True, slots=True)
class Limit:
    """From when on a queue calls for somebody.

    Attributes:
        age: of its oldest entry.
        depth: entries; None where any number is well.
    """

    age: timedelta
    depth: int | None = None


def limits(revocation_alarm: timedelta, unread: timedelta) -> Mapping[Name, Limit]:
    """The limits of all queues: our own figures, each well before harm is done.

    Args:
        revocation_alarm: as the settings have it.
        unread: after which the parameters call an answer unread.
    """
    return {
        Name.RECEIVED: Limit(timedelta(minutes=1), 1_000),
        Name.IN_PROGRESS: Limit(timedelta(minutes=10)),
        Name.WAITING: Limit(revocation_alarm, 1_000),
        Name.PARKED: Limit(timedelta()),
        # The gateway refuses after ten days what nobody released, and after a month what nobody insured.
        Name.UNRELEASED: Limit(timedelta(days=8)),
        Name.HELD: Limit(timedelta(days=25), 10_000),
        Name.UNREAD: Limit(unread),
        # So long before the next statement would go out without it.
        Name.PAYMENTS: Limit(timedelta(days=10)),
        # A proposal lapses after seven days.
        Name.PROPOSED: Limit(timedelta(days=5)),
    }


@dataclass(frozen=True, slots=True)
class Queue:
    """How a queue stands.

    Attributes:
        depth: entries.
        age: of the oldest, since it came into our custody; None when it is empty.
        limit: from when on it calls for somebody.
    """

    name: Name
    depth: int
    age: timedelta | None
    limit: Limit

    @property
    def is_old(self) -> bool:
        """Whether its oldest entry is older than it should be."""
        return self.age is not None and self.age > self.limit.age

    @property
    def is_deep(self) -> bool:
        """Whether it holds more than it should."""
        return self.limit.depth is not None and self.depth > self.limit.depth

    @property
    def alarms(self) -> bool:
        """Whether it calls for somebody."""
        return self.is_old or self.is_deep


def queues(connection: sa.Connection, now: Received, limited: Mapping[Name, Limit]) -> Sequence[Queue]:
    """How all queues stand.

    Args:
        limited: as `limits` says.
    """
    return [_queue(connection, name, now, limit) for name, limit in limited.items()]


def _queue(connection: sa.Connection, name: Name, now: Received, limit: Limit) -> Queue:
    if name is Name.UNREAD:
        counted = sa.select(sa.func.count(), sa.func.min(answer.c.posted)).where(
            _UNREAD, answer.c.kind != ackrec.CODE
        )
    elif name is Name.PAYMENTS:
        # Of a booking the bank tells the day alone.
        began = sa.func.min(payment.c.booked) + "T00:00:00.000000Z"
        counted = sa.select(sa.func.count(), began).where(_NOBODYS)
    elif name is Name.PROPOSED:
        counted = sa.select(sa.func.count(), sa.func.min(act.c.at)).where(_is_open_proposal())
    else:
        # By the index of states alone; numbers are in the order of receipt.
        counted = sa.select(sa.func.count(), sa.func.min(deposit.c.number)).where(_is_in(name))
    depth, first = connection.execute(counted).one()
    oldest = _received(connection, first) if name in DEPOSITS else first
    age = None if oldest is None else max(now.at - Received.parse(oldest).at, timedelta())
    return Queue(name, depth, age, limit)


def _received(connection: sa.Connection, number: int | None) -> str | None:
    """When a deposit was received."""
    query = sa.select(deposit.c.received).where(deposit.c.number == number)
    received: str | None = connection.execute(query).scalar()
    return received


def _is_open_proposal() -> sa.ColumnElement[bool]:
    other = act.alias("other")
    answered = sa.exists(sa.select(other.c.number).where(other.c.answers == act.c.number))
    return sa.and_(act.c.kind == Kind.PROPOSED.value, ~answered)


_STATES = {
    Name.WAITING: State.WAITING,
    Name.PARKED: State.PARKED,
    Name.UNRELEASED: State.UNRELEASED,
    Name.HELD: State.HELD,
}


def _is_in(name: Name) -> sa.ColumnElement[bool]:
    """Whether a deposit stands in a queue."""
    if name is Name.IN_PROGRESS:
        return deposit.c.group.is_not(None)
    if name is Name.RECEIVED:
        return sa.and_(deposit.c.state == State.RECEIVED.value, deposit.c.group.is_(None))
    return deposit.c.state == _STATES[name].value


def entries(connection: sa.Connection, name: Name, after: int = 0) -> Sequence[Row]:
    """The deposits in a queue, the oldest first, after the number of one of them; at most a page and one."""
    query = (
        sa.select(*COLUMNS)
        .join(member, member.c.id == deposit.c.sender)
        .where(_is_in(name), deposit.c.number > after)
        .order_by(deposit.c.number)
        .limit(PAGE + 1)
    )
    return [Row(deposits.kept(row), row.called, row.procedure) for row in connection.execute(query)]


@dataclass(frozen=True, slots=True)
class Unread:
    """An answer that nobody has fetched."""

    number: int
    id: str
    recipient: str
    member: str
    kind: str
    name: str
    posted: Received
    deposit: str | None
    put_away: bool


def unread(connection: sa.Connection, after: int = 0) -> Iterator[Unread]:
    """The answers that nobody has fetched, receipts left out, the oldest first; at most a page and one."""
    query = (
        sa.select(
            answer.c.number,
            answer.c.id,
            answer.c.recipient,
            member.c.name.label("called"),
            answer.c.kind,
            answer.c.name,
            answer.c.posted,
            answer.c.deposit,
            answer.c.put_away,
        )
        .join(member, member.c.id == answer.c.recipient)
        .where(_UNREAD, answer.c.kind != ackrec.CODE, answer.c.number > after)
        .order_by(answer.c.number)
        .limit(PAGE + 1)
    )
    for row in connection.execute(query):
        yield Unread(*row[:6], Received.parse(row.posted), row.deposit, row.put_away)
