"""Deposits in the database: entered once, claimed in groups, brought from state to state."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlmodel import SQLModel

from adapters.database import tables
from adapters.database.answers import Shelves
from adapters.database.documents import key_for, read_document, receipt_place
from adapters.database.engine import Database
from adapters.database.journal import append
from adapters.encryption import Erased, seal_document
from gateway import states
from gateway.batch import MemberId
from gateway.moments import Received
from gateway.returns import ackrec
from gateway.seal import Seal
from gateway.states import Event, State
from gateway.turns import GROUP_DEPOSITS, Queued
from gateway.wire import JournalEntry
from inbox.receive import Deposit, Gone, Receipt
from outbox.post import post

deposit = tables.table(tables.Deposit)

QUEUED = 1_000
"""How much of the queue is looked at, to choose a group."""
_INSERT = sa.insert(deposit)
_SAME = sa.select(deposit.c.id, deposit.c.receipt).where(
    deposit.c.sender == sa.bindparam("by"), deposit.c.digest == sa.bindparam("with")
)
_COUNTING = _SAME.where(sa.text(f"deposit.{tables.DEPOSIT_COUNTS}"))
_OF_SAME_NAME = _SAME.where(deposit.c.name == sa.bindparam("called")).limit(1)
_IS_OF = deposit.c.number == sa.bindparam("of")
_OF_NUMBER = sa.select(deposit).where(_IS_OF)
_SETTLE = sa.update(deposit).where(_IS_OF)
_NAMED_BEFORE = (
    sa.select(deposit.c.number)
    .where(
        deposit.c.sender == sa.bindparam("by"),
        deposit.c.name == sa.bindparam("called"),
        deposit.c.number < sa.bindparam("before"),
    )
    .limit(1)
)

TRIES = 3
DIED = "the gateway died while it treated it"
"""Why a deposit was given up that our process did not survive."""


class First(NamedTuple):
    """The id of a deposit and its receipt as it is kept."""

    id: str
    receipt: bytes


@dataclass(frozen=True, slots=True)
class Kept:
    """A deposit as the gateway keeps it: what was received, and how far it has come.

    Attributes:
        number: its place in the order of receipt.
        deposit: what was received.
        state: where it stands.
        changed: since when.
        verdict, records, accepted, rejected, held: once treated.
        fault: why it waits or is parked.
    """

    number: int
    deposit: Deposit
    state: State
    changed: datetime
    tries: int
    verdict: str | None
    records: int | None
    accepted: int | None
    rejected: int | None
    held: int | None
    fault: str | None

    @property
    def sender(self) -> MemberId:
        return MemberId(self.deposit.sender[:13], self.deposit.sender[13:])


def kept(row: sa.Row[Any]) -> Kept:
    """A deposit from a row of its table."""
    return Kept(
        number=row.number,
        deposit=Deposit(
            id=row.id,
            sender=row.sender,
            name=row.name,
            size=row.size,
            digest=row.digest,
            received=Received.parse(row.received).at,
            door=row.door,
        ),
        state=State(row.state),
        changed=Received.parse(row.changed).at,
        tries=row.tries,
        verdict=row.verdict,
        records=row.records,
        accepted=row.accepted,
        rejected=row.rejected,
        held=row.held,
        fault=row.fault,
    )


class Deposits:
    """`inbox.receive.Register` and what the engine and the doors ask about deposits."""

    def __init__(self, database: Database, seal: Seal, entered: Callable[[], None]) -> None:
        self._database = database
        self._seal = seal
        self._entered = entered

    def enter(self, new: Deposit) -> Receipt:
        """Enter a deposit with its journal entry and receipt; a repeat gets the first receipt again."""
        with self._database.write() as connection:
            first = first_of(connection, new.sender, new.digest, new.name)
            if first is not None:
                self._repeat(connection, new, first.id)
            else:
                content = self._insert(connection, new)
        if first is not None:
            return self._first_receipt(first.id, first.receipt)
        self._entered()
        return Receipt(new.id, content, repeated=False)

    def _first_receipt(self, identifier: str, kept: bytes) -> Receipt:
        try:
            with self._database.read() as connection:
                content = read_document(connection, kept, receipt_place(identifier))
        except Erased:
            raise Gone from None
        return Receipt(identifier, content, repeated=True)

    def _repeat(self, connection: sa.Connection, new: Deposit, first: str) -> None:
        append(
            connection,
            at=Received(new.received),
            event=f"repeated {new.door}",
            subject=first,
            member=new.sender,
            digest=new.digest,
        )

    def _insert(self, connection: sa.Connection, new: Deposit) -> bytes:
        received = Received(new.received)
        sequence, hashed = append(
            connection,
            at=received,
            event=f"received {new.door}",
            subject=new.id,
            member=new.sender,
            digest=new.digest,
        )
        content = self._seal.receipt(new, JournalEntry(sequence, hashed))
        key = key_for(connection, new.sender, received)
        connection.execute(
            _INSERT,
            {
                "id": new.id,
                "sender": new.sender,
                "name": new.name,
                "size": new.size,
                "digest": new.digest,
                "received": str(received),
                "door": new.door,
                "receipt": seal_document(key, content, receipt_place(new.id)),
                "state": State.RECEIVED.value,
                "changed": str(received),
                "tries": 0,
            },
        )
        member = MemberId(new.sender[:13], new.sender[13:])
        shelves = Shelves(connection)
        post(
            shelves,
            recipient=new.sender,
            kind=ackrec.CODE,
            name=shelves.free_name(ackrec.CODE, member, new.received),
            content=content,
            posted=new.received,
            deposit=new.id,
        )
        return content

    def find(self, sender: str, identifier: str) -> Kept | None:
        """A member's own deposit; None when this member has none of that id."""
        query = sa.select(deposit).where(deposit.c.sender == sender, deposit.c.id == identifier)
        with self._database.read() as connection:
            row = connection.execute(query).first()
        return None if row is None else kept(row)

    def entered(self, ids: Sequence[str]) -> set[str]:
        """Which of some ids are of deposits that were entered."""
        with self._database.read() as connection:
            return set(connection.execute(sa.select(deposit.c.id).where(deposit.c.id.in_(ids))).scalars())

    def counts(self) -> dict[str, int]:
        """How many deposits stand in each state."""
        query = sa.select(deposit.c.state, sa.func.count()).group_by(deposit.c.state)
        with self._database.read() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}


def first_of(connection: sa.Connection, sender: str, digest: str, name: str) -> First | None:
    """The id and the kept receipt of the deposit that a sender's bytes repeat (`gateway.states.REPEATS`).

    Args:
        digest: SHA-256 of the bytes, lower-case hexadecimal.
        name: of the file.

    Returns:
        None when they are to be a deposit of their own.
    """
    same = {"by": sender, "with": digest}
    found = connection.execute(_COUNTING, same).first()
    found = found or connection.execute(_OF_SAME_NAME, {**same, "called": name}).first()
    return None if found is None else First(found.id, found.receipt)


def get(connection: sa.Connection, number: int) -> Kept:
    """The deposit of a number.

    Raises:
        sqlalchemy.exc.NoResultFound: when there is none.
    """
    return kept(connection.execute(_OF_NUMBER, {"of": number}).one())


def groups_under_way(connection: sa.Connection) -> set[str]:
    """The groups that are being treated."""
    query = sa.select(deposit.c.group).where(deposit.c.group.is_not(None)).distinct()
    return set(connection.execute(query).scalars())


def release_group(connection: sa.Connection, group: str) -> None:
    """Free the deposits of a group that ended without them, to be claimed again."""
    connection.execute(sa.update(deposit).where(deposit.c.group == group).values(group=None))


def queue(connection: sa.Connection, now: Received) -> Sequence[Queued]:
    """The deposits that could be treated now, in the order of receipt; so many of each sender, and in all.

    Those of a sender of whom something is being treated are not among them.
    """
    place = sa.func.row_number().over(partition_by=deposit.c.sender, order_by=deposit.c.number)
    waiting = (
        sa.select(deposit.c.number, deposit.c.sender, deposit.c.name, deposit.c.size, deposit.c.received)
        .add_columns(place.label("place"))
        .where(_is_due(now))
        .subquery()
    )
    query = sa.select(waiting).where(waiting.c.place <= GROUP_DEPOSITS)
    rows = connection.execute(query.order_by(waiting.c.place, waiting.c.number).limit(QUEUED)).all()
    found = [
        Queued(row.number, row.sender, row.name, row.size, Received.parse(row.received).at) for row in rows
    ]
    return sorted(found, key=lambda one: one.number)


def claim(connection: sa.Connection, group: str, numbers: Sequence[int], now: Received) -> list[int]:
    """Take deposits as a group: those of them that are still to be treated, in the order given."""
    connection.execute(
        sa.update(deposit).where(deposit.c.number.in_(numbers), _is_due(now)).values(group=group)
    )
    mine = set(connection.execute(sa.select(deposit.c.number).where(deposit.c.group == group)).scalars())
    return [number for number in numbers if number in mine]


def sizes(connection: sa.Connection, numbers: Sequence[int]) -> dict[int, int]:
    """The bytes of deposits, by their numbers."""
    query = sa.select(deposit.c.number, deposit.c.size).where(deposit.c.number.in_(numbers))
    return {row.number: row.size for row in connection.execute(query)}


def _is_due(now: Received) -> sa.ColumnElement[bool]:
    """Whether a deposit is to be treated now: nothing of its sender is being treated."""
    busy = deposit.alias("busy")
    return sa.and_(
        deposit.c.state.in_([state.value for state in states.OPEN]),
        sa.or_(deposit.c.not_before.is_(None), deposit.c.not_before <= str(now)),
        deposit.c.sender.not_in(sa.select(busy.c.sender).where(busy.c.group.is_not(None))),
    )


def suspect(connection: sa.Connection, group: str, numbers: Sequence[int], now: Received) -> Kept | None:
    """Count a try of the deposit that a group was at when its process died; parked when that was too often.

    Returns:
        It, as it stands now; None when all of the group had been treated.
    """
    query = sa.select(deposit).where(deposit.c.group == group, deposit.c.number.in_(numbers))
    by_number = {row.number: kept(row) for row in connection.execute(query)}
    one = next((by_number[number] for number in numbers if number in by_number), None)
    if one is None:
        return None
    given_up = one.tries + 1 >= TRIES
    state = states.after(one.state, Event.GIVEN_UP) if given_up else one.state
    left = {"group": None, "not_before": None, "fault": DIED} if given_up else {}
    connection.execute(
        sa.update(deposit)
        .where(deposit.c.number == one.number)
        .values(tries=one.tries + 1, state=state.value, changed=str(now), **left)
    )
    return replace(one, tries=one.tries + 1, state=state)


def name_used(connection: sa.Connection, one: Kept) -> bool:
    """Whether the sender has used this file name before, for other bytes."""
    asked = {"by": one.deposit.sender, "called": one.deposit.name, "before": one.number}
    return connection.execute(_NAMED_BEFORE, asked).first() is not None


def settle(
    connection: sa.Connection,
    one: Kept,
    event: Event,
    now: Received,
    *,
    verdict: str,
    records: int,
    accepted: int,
    rejected: int,
    held: int,
) -> None:
    """Note how a deposit ended: its state, verdict and counts; it leaves its group."""
    connection.execute(
        _SETTLE,
        {
            "of": one.number,
            "state": states.after(one.state, event).value,
            "changed": str(now),
            "group": None,
            "not_before": None,
            "fault": None,
            "verdict": verdict,
            "records": records,
            "accepted": accepted,
            "rejected": rejected,
            "held": held,
        },
    )


def postpone(connection: sa.Connection, one: Kept, event: Event, now: Received, reason: str) -> State:
    """Note that a deposit could not be treated now: later again, or parked when tried too often.

    A check that cannot be made yet is tried for as long as it takes; our own failures are tried
    three times, then an operator has to look.
    """
    tries = one.tries + 1
    if event is Event.FAILED and tries >= TRIES:
        event = Event.GIVEN_UP
    state = states.after(one.state, event)
    pause = timedelta(seconds=min(2**tries, 300))
    connection.execute(
        sa.update(deposit)
        .where(deposit.c.number == one.number)
        .values(
            state=state.value,
            changed=str(now),
            tries=tries,
            group=None,
            not_before=None if state is State.PARKED else str(Received(now.at + pause)),
            fault=reason,
        )
    )
    return state


def recount(connection: sa.Connection, numbers: Collection[int], now: Received, expired: int = 0) -> None:
    """Count anew how the records of deposits stand after some that were on hold were decided.

    A deposit none of whose records is on hold any more has come to its end.

    Args:
        numbers: the deposits concerned.
        expired: how many records of each were just rejected.
    """
    given = [{"of": number, "more": expired, "at": str(now)} for number in numbers]
    if given:
        connection.execute(_recounted(), given)


@cache
def _recounted() -> sa.Update:
    held = _on_hold(tables.Wage, tables.WAGE_HELD) + _on_hold(tables.ActivityAbroad, tables.ACTIVITY_HELD)
    rejected = deposit.c.rejected + sa.bindparam("more")
    done = states.after(State.HELD, Event.RESOLVED).value
    at: sa.BindParameter[str] = sa.bindparam("at")
    return (
        sa.update(deposit)
        .where(_IS_OF, deposit.c.state == State.HELD.value)
        .values(
            held=held,
            rejected=rejected,
            accepted=deposit.c.records - rejected - held,
            state=sa.case((held == 0, done), else_=deposit.c.state),
            changed=sa.case((held == 0, at), else_=deposit.c.changed),
        )
    )


def _on_hold(noun: type[SQLModel], condition: str) -> sa.ScalarSelect[int]:
    """How many records of a deposit are on hold in a register."""
    register = tables.table(noun)
    mine = register.c.deposit == deposit.c.number
    on_hold = sa.text(f"{register.name}.{condition}")
    return sa.select(sa.func.count()).select_from(register).where(mine, on_hold).scalar_subquery()


def unsettled(connection: sa.Connection) -> list[Kept]:
    """The deposits that wait for a check or are parked, in the order of receipt."""
    states_of_theirs = [State.WAITING.value, State.PARKED.value]
    query = sa.select(deposit).where(deposit.c.state.in_(states_of_theirs)).order_by(deposit.c.number)
    return [kept(row) for row in connection.execute(query)]


def replay(connection: sa.Connection, identifier: str, now: Received) -> bool:
    """Have a parked deposit treated again, or one that waits for a check tried now; False when there is none
    of that id."""
    is_parked = deposit.c.state == State.PARKED.value
    done = connection.execute(
        sa.update(deposit)
        .where(deposit.c.id == identifier, deposit.c.state.in_((State.PARKED.value, State.WAITING.value)))
        .values(
            state=sa.case(
                (is_parked, states.after(State.PARKED, Event.REPLAYED).value), else_=deposit.c.state
            ),
            changed=str(now),
            tries=sa.case((is_parked, 0), else_=deposit.c.tries),
            not_before=None,
        )
    )
    return bool(done.rowcount)
