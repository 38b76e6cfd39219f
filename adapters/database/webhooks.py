"""Addresses that members want to be told at: each call a transaction of its own.

What an address is told are the answers on the member's shelf, in the order of the outbox: its place there is
the only state of a delivery. So nothing is told that the outbox does not have, and nothing is passed over.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from adapters.database import tables
from adapters.database.engine import Database
from adapters.database.journal import append
from gateway.batch import MemberId
from gateway.moments import Received

webhook = tables.table(tables.Webhook)
answer = tables.table(tables.Answer)

MOST = 3
"""Addresses of a member at once."""
SHORTEST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=6)
"""Until the next try, doubled each time."""
PATIENCE = timedelta(days=7)
"""An address that has taken nothing for so long is told nothing any more."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address of a member.

    Attributes:
        cursor: number of the last answer it was told of, as in the outbox.
        confirmed: since when it answers as it should; None until it has taken its first message.
        failing_since, failure: since when it does not, and why.
        next_try: it is not asked before.
        ended: since when it is told nothing any more.
    """

    id: str
    member: MemberId
    url: str
    registered: Received
    confirmed: Received | None
    cursor: int
    failing_since: Received | None
    failure: str | None
    tries: int
    next_try: Received
    ended: Received | None


@dataclass(frozen=True, slots=True)
class Posted:
    """An answer as an address is told of it: ids only.

    Attributes:
        cursor: its place in the outbox.
        deposit: id of the deposit it answers, if any.
    """

    cursor: int
    id: str
    kind: str
    posted: str
    deposit: str | None


class TooMany(Exception):
    """A member has as many addresses as it may have."""


class Webhooks:
    """The register of addresses."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, member: MemberId, url: str, at: Received) -> Webhook:
        """Register an address; one that is registered is found again. It is told what is posted from now on.

        Raises:
            TooMany: end another one first.
        """
        with self._database.write() as connection:
            mine = [_webhook(row) for row in connection.execute(_counting(member))]
            for one in mine:
                if one.url == url:
                    return one
            if len(mine) >= MOST:
                raise TooMany
            newest = sa.select(sa.func.coalesce(sa.func.max(answer.c.number), 0))
            made = Webhook(
                id=secrets.token_hex(16),
                member=member,
                url=url,
                registered=at,
                confirmed=None,
                cursor=int(connection.execute(newest.where(answer.c.recipient == str(member))).scalar_one()),
                failing_since=None,
                failure=None,
                tries=0,
                next_try=at,
                ended=None,
            )
            row = {"id": made.id, "member": str(member), "url": url, "registered": str(at)}
            connection.execute(sa.insert(webhook).values(**row, cursor=made.cursor, next_try=str(at)))
            append(connection, at=at, event="webhook", subject=made.id, member=str(member))
        return made

    def end(self, member: MemberId, identifier: str, at: Received) -> bool:
        """Tell an address nothing any more; False when the member has none of that id."""
        with self._database.write() as connection:
            return _end(connection, member, identifier, at)

    def of(self, member: MemberId) -> Sequence[Webhook]:
        """The addresses of a member that count, and those that were given up, in order of registration."""
        query = (
            sa.select(webhook)
            .where(
                webhook.c.member == str(member), webhook.c.ended.is_(None) | webhook.c.failure.is_not(None)
            )
            .order_by(webhook.c.registered)
        )
        with self._database.read() as connection:
            return [_webhook(row) for row in connection.execute(query)]

    def due(self, at: Received, limit: int) -> Sequence[Webhook]:
        """Addresses for which there is something, longest due first."""
        waits = sa.exists().where(answer.c.recipient == webhook.c.member, answer.c.number > webhook.c.cursor)
        query = (
            sa.select(webhook)
            .where(
                webhook.c.ended.is_(None),
                webhook.c.next_try <= str(at),
                webhook.c.confirmed.is_(None) | waits,
            )
            .order_by(webhook.c.next_try)
            .limit(limit)
        )
        with self._database.read() as connection:
            return [_webhook(row) for row in connection.execute(query)]

    def waiting(self, one: Webhook, limit: int) -> Sequence[Posted]:
        """What an address has to be told next, oldest first."""
        columns = (answer.c.number, answer.c.id, answer.c.kind, answer.c.posted, answer.c.deposit)
        query = (
            sa.select(*columns)
            .where(answer.c.recipient == str(one.member), answer.c.number > one.cursor)
            .order_by(answer.c.number)
            .limit(limit)
        )
        with self._database.read() as connection:
            return [Posted(*row) for row in connection.execute(query)]

    def told(self, one: Webhook, cursor: int, at: Received) -> None:
        """An address has taken all up to a place of the outbox."""
        done = {"failing_since": None, "failure": None, "tries": 0, "next_try": str(at), "cursor": cursor}
        with self._database.write() as connection:
            _change(connection, one, confirmed=str(one.confirmed or at), **done)

    def failed(self, one: Webhook, cursor: int, at: Received, failure: str, after: timedelta) -> None:
        """An address has not taken what comes behind a place of the outbox.

        Args:
            failure: why, in a sentence.
            after: how long it wants to be left alone.
        """
        since = one.failing_since if one.failing_since is not None and cursor == one.cursor else at
        tries = one.tries + 1 if cursor == one.cursor else 1
        wait = min(SHORTEST_WAIT * 2 ** min(tries - 1, 20), LONGEST_WAIT)
        confirmed = one.confirmed or (at if cursor != one.cursor else None)
        with self._database.write() as connection:
            _change(
                connection,
                one,
                cursor=cursor,
                confirmed=confirmed and str(confirmed),
                failing_since=str(since),
                failure=failure[:200],
                tries=tries,
                next_try=str(Received(at.at + max(wait, after))),
            )
            if at.at - since.at > PATIENCE:
                _end(connection, one.member, one.id, at)

    def give_up(self, one: Webhook, cursor: int, at: Received, failure: str) -> None:
        """An address says that it wants to be told nothing any more."""
        with self._database.write() as connection:
            _change(connection, one, cursor=cursor, failure=failure[:200])
            _end(connection, one.member, one.id, at)


def _counting(member: MemberId) -> sa.Select[tuple[object, ...]]:
    mine = webhook.c.member == str(member), webhook.c.ended.is_(None)
    return sa.select(webhook).where(*mine).order_by(webhook.c.registered)


def _change(connection: sa.Connection, one: Webhook, **values: object) -> None:
    """Change a row, unless its member ended it in the meantime."""
    counts = webhook.c.id == one.id, webhook.c.ended.is_(None)
    connection.execute(sa.update(webhook).where(*counts).values(**values))


def _end(connection: sa.Connection, member: MemberId, identifier: str, at: Received) -> bool:
    mine = webhook.c.id == identifier, webhook.c.member == str(member), webhook.c.ended.is_(None)
    done = connection.execute(sa.update(webhook).where(*mine).values(ended=str(at)))
    if not done.rowcount:
        return False
    append(connection, at=at, event="webhook ended", subject=identifier, member=str(member))
    return True


def _webhook(row: sa.Row[tuple[object, ...]]) -> Webhook:
    def moment(text: str | None) -> Received | None:
        return None if text is None else Received.parse(text)

    return Webhook(
        id=row.id,
        member=MemberId(row.member[:13], row.member[13:]),
        url=row.url,
        registered=Received.parse(row.registered),
        confirmed=moment(row.confirmed),
        cursor=row.cursor,
        failing_since=moment(row.failing_since),
        failure=row.failure,
        tries=row.tries,
        next_try=Received.parse(row.next_try),
        ended=moment(row.ended),
    )
