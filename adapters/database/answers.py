"""The shelves of answers: put there inside the transaction of the effect, taken by their recipient."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from adapters.database import tables
from adapters.database.engine import Database
from adapters.database.journal import Event, append, append_all
from adapters.database.registers.keys import key_table, many
from gateway import names
from gateway.batch import MemberId
from gateway.moments import Received
from gateway.names import FileName
from outbox.collect import Listed
from outbox.post import Answer

answer = tables.table(tables.Answer)
deposit = tables.table(tables.Deposit)
_LISTED = tuple(column for column in answer.columns if column.name != "content")


def posted_subject(identifier: str, kind: str, name: str, deposit: str | None) -> str:
    """How the journal names an answer that was posted: all that its row says of it beside the bytes."""
    return f"{identifier} {kind} {name} {deposit or '-'}"


_INSERT = (
    "INSERT INTO answer (id, recipient, kind, name, posted, digest, size, content, deposit, put_away)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)"
)
_LATEST = (
    "SELECT a, (SELECT max(name) FROM answer WHERE recipient = a AND name >= ? AND name < ? AND kind = ?)"
    " FROM wanted"
)


def _row(one: Answer, content: bytes) -> tuple[object, ...]:
    posted = str(Received(one.posted))
    return one.id, one.recipient, one.kind, one.name, posted, one.digest, one.size, content, one.deposit


def posting(one: Answer) -> Event:
    """How the journal tells that an answer was posted."""
    return Event(
        Received(one.posted),
        "posted",
        posted_subject(one.id, one.kind, one.name, one.deposit),
        one.recipient,
        one.digest,
    )


class Shelves:
    """`outbox.post.Shelf`, bound to the transaction of an effect."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def put(self, answer_: Answer, content: bytes) -> None:
        """Keep an answer with its bytes, and enter it in the journal."""
        self.put_all([(answer_, content)])
        append_all(self._connection, [posting(answer_)])

    def put_all(self, answers: Sequence[tuple[Answer, bytes]]) -> None:
        """Keep many answers with their bytes, in their order; the journal is the caller's to write."""
        many(self._connection, _INSERT, (_row(*one) for one in answers))

    def latest(self, kind: str, recipients: Collection[MemberId]) -> Mapping[str, FileName]:
        """The latest name of a kind that each member has had, by member; those without any are absent."""
        key_table(self._connection, ((str(one),) for one in recipients))
        prefix = f"SECU.{kind}."
        rows = self._connection.exec_driver_sql(_LATEST, (prefix, prefix + "~", kind)).all()
        return {row[0]: names.parse(row[1]) for row in rows if row[1] is not None}

    def free_name(
        self,
        kind: str,
        recipient: MemberId,
        at: datetime,
        extension: names.Extension = names.Extension.XML,
    ) -> str:
        """A file name that this member has never had: stamps of one kind only grow."""
        return str(self.later(names.write(kind, recipient, at, extension)))

    def later(self, name: FileName) -> FileName:
        """A name, or the one behind the latest of its kind that its member has had: stamps only grow."""
        prefix = str(name).partition(name.stamp)[0]
        query = sa.select(sa.func.max(answer.c.name)).where(
            answer.c.recipient == str(name.member),
            answer.c.name >= prefix,
            answer.c.name < prefix + "~",
            # A FAIL may be called after a file of any type, but is not of its kind.
            answer.c.kind == name.kind,
        )
        latest = self._connection.execute(query).scalar()
        if latest is not None and names.parse(latest).stamp >= name.stamp:
            return replace(name, stamp=names.next_stamp(names.parse(latest)).stamp)
        return name

    def of_failed(self, name: FileName) -> FileName:
        """The name of a FAIL, or the next one when its member has had it: files of one name can fail twice.

        The next one is behind it, as near as can be, and is not that of another file of the member:
        whoever goes by names would take that one for refused.
        """
        had = sa.select(answer.c.name).where(
            answer.c.recipient == str(name.member), answer.c.name == str(name)
        )
        if self._connection.execute(had).first() is None:
            return name
        name = names.next_stamp(name)
        for stamp in self._stamps_from(name):
            if stamp > name.stamp:
                break
            if stamp == name.stamp:
                name = names.next_stamp(name)
        return name

    def _stamps_from(self, name: FileName) -> Iterator[str]:
        """Of all that is called after a type, in and out of a member's house, the stamps from one on."""
        prefix = f"SECU.{name.type}."
        first, last = prefix + name.stamp, prefix + "~"
        given = sa.select(answer.c.name).where(
            answer.c.recipient == str(name.member), answer.c.name.between(first, last)
        )
        taken = sa.select(deposit.c.name).where(
            deposit.c.sender == str(name.member), deposit.c.name.between(first, last)
        )
        found = self._connection.execute(sa.union_all(given, taken).order_by("name")).scalars()
        with closing(found):
            # What a sender calls its files may go on behind the stamp as it likes.
            yield from (other[len(prefix) : len(first)] for other in found)


class SqlCollection:
    """`outbox.collect.Collection`: what the doors may see, always of one recipient."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def after(self, recipient: str, cursor: int, limit: int) -> Sequence[Listed]:
        """What was posted to a member after a cursor, oldest first."""
        return self._list(sa.and_(answer.c.recipient == recipient, answer.c.number > cursor), limit)

    def visible(self, recipient: str) -> Sequence[Listed]:
        """What a member has not put away, oldest first."""
        return self._list(sa.and_(answer.c.recipient == recipient, sa.not_(answer.c.put_away)), None)

    def _list(self, condition: sa.ColumnElement[bool], limit: int | None) -> list[Listed]:
        query = sa.select(*_LISTED).where(condition).order_by(answer.c.number).limit(limit)
        with self._database.read() as connection:
            return [_listed(row) for row in connection.execute(query)]

    def content(self, recipient: str, answer_id: str) -> bytes | None:
        """The bytes of an answer, or None when this member has none of that id."""
        query = sa.select(answer.c.content).where(answer.c.recipient == recipient, answer.c.id == answer_id)
        with self._database.read() as connection:
            content: bytes | None = connection.execute(query).scalar()
        return content

    def mark_collected(self, recipient: str, answer_id: str, at: datetime, door: str) -> None:
        """Enter the collection in the journal and remember the first one."""
        moment = Received(at)
        mine = sa.and_(answer.c.recipient == recipient, answer.c.id == answer_id)
        with self._database.write() as connection:
            connection.execute(
                sa.update(answer).where(mine, answer.c.collected.is_(None)).values(collected=str(moment))
            )
            digest = connection.execute(sa.select(answer.c.digest).where(mine)).scalar_one()
            append(
                connection,
                at=moment,
                event=f"collected {door}",
                subject=answer_id,
                member=recipient,
                digest=digest,
            )

    def put_away(self, recipient: str, answer_id: str) -> bool:
        """Hide a collected answer from the visible list; False when it was never collected."""
        with self._database.write() as connection:
            done = connection.execute(
                sa.update(answer)
                .where(
                    answer.c.recipient == recipient,
                    answer.c.id == answer_id,
                    answer.c.collected.is_not(None),
                )
                .values(put_away=True)
            )
        return bool(done.rowcount)


def _listed(row: sa.Row[Any]) -> Listed:
    return Listed(
        cursor=row.number,
        answer=Answer(
            id=row.id,
            recipient=row.recipient,
            kind=row.kind,
            name=row.name,
            posted=Received.parse(row.posted).at,
            digest=row.digest,
            size=row.size,
            deposit=row.deposit,
        ),
        collected=Received.parse(row.collected).at if row.collected else None,
    )
