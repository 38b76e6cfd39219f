"""The shelves of answers: put there inside the transaction of the effect, taken by their recipient."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from adapters.database import tables
from adapters.database.documents import answer_place, key_for, read_document
from adapters.database.engine import Database
from adapters.database.journal import Event, append, append_all, next_entry
from adapters.database.registers.keys import enter, keyed
from adapters.encryption import DataKey, pack_document
from gateway import names
from gateway.batch import MemberId
from gateway.moments import Received
from gateway.names import FileName
from outbox.collect import Listed
from outbox.post import Answer

answer = tables.table(tables.Answer)
deposit = tables.table(tables.Deposit)
_LISTED = tuple(column for column in answer.columns if column.name != "content")
_LATEST = sa.select(sa.func.max(answer.c.name)).where(
    answer.c.recipient == sa.bindparam("by"),
    answer.c.name >= sa.bindparam("first"),
    answer.c.name < sa.bindparam("last"),
    # A FAIL may be called after a file of any type, but is not of its kind.
    answer.c.kind == sa.bindparam("of"),
)


@keyed(1)
def _latest(wanted: sa.FromClause) -> sa.Select[Any]:
    """Members, each with the last name of a kind."""
    last = sa.select(sa.func.max(answer.c.name)).where(
        answer.c.recipient == wanted.c.a,
        answer.c.name >= sa.bindparam("first"),
        answer.c.name < sa.bindparam("end"),
        answer.c.kind == sa.bindparam("of_kind"),
    )
    return sa.select(wanted.c.a, last.scalar_subquery())


def posted_subject(identifier: str, kind: str, name: str, deposit: str | None) -> str:
    """How the journal names an answer that was posted: all that its row says of it beside the bytes."""
    return f"{identifier} {kind} {name} {deposit or '-'}"


_COLUMNS = (
    "id",
    "recipient",
    "kind",
    "name",
    "posted",
    "digest",
    "size",
    "content",
    "deposit",
    "entry",
    "put_away",
)


def _row(one: Answer, content: bytes, key: DataKey, entry: int | None) -> tuple[object, ...]:
    posted = str(Received(one.posted))
    named = (one.id, one.recipient, one.kind, one.name)
    kept = pack_document(key, content, answer_place(one.id))
    return *named, posted, one.digest, one.size, kept, one.deposit, entry, False


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
        key = key_for(self._connection, answer_.recipient, Received(answer_.posted))
        row = _row(answer_, content, key, next_entry(self._connection))
        enter(self._connection, "answer", _COLUMNS, [row])
        append_all(self._connection, [posting(answer_)])

    def put_all(self, answers: Sequence[tuple[Answer, bytes]]) -> None:
        """Keep many answers with their bytes, in their order; the journal is the caller's to write."""
        asked = {(one.recipient, Received(one.posted)) for one, _ in answers}
        keys = {(member, at): key_for(self._connection, member, at) for member, at in asked}
        rows = ((one, content, keys[one.recipient, Received(one.posted)], None) for one, content in answers)
        enter(self._connection, "answer", _COLUMNS, (_row(*row) for row in rows))

    def latest(self, kind: str, recipients: Collection[MemberId]) -> Mapping[str, FileName]:
        """The latest name of a kind that each member has had, by member; those without any are absent."""
        prefix = f"SECU.{kind}."
        asked = {"first": prefix, "end": prefix + "~", "of_kind": kind}
        rows = _latest(self._connection, map(str, recipients), **asked)
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
        had = {"by": str(name.member), "first": prefix, "last": prefix + "~", "of": name.kind}
        latest = self._connection.execute(_LATEST, had).scalar()
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
            answer.c.recipient == str(name.member), sa.and_(answer.c.name >= first, answer.c.name <= last)
        )
        taken = sa.select(deposit.c.name).where(
            deposit.c.sender == str(name.member), sa.and_(deposit.c.name >= first, deposit.c.name <= last)
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
            return [listed_of(row) for row in connection.execute(query)]

    def find(self, recipient: str, answer_id: str) -> Listed | None:
        """An answer, or None when this member has none of that id."""
        found = self._list(sa.and_(answer.c.recipient == recipient, answer.c.id == answer_id), 1)
        return found[0] if found else None

    def content(self, recipient: str, answer_id: str) -> bytes | None:
        """The bytes of an answer, or None when this member has none of that id.

        Raises:
            Erased: its key was destroyed.
        """
        query = sa.select(answer.c.content).where(answer.c.recipient == recipient, answer.c.id == answer_id)
        with self._database.read() as connection:
            kept = connection.execute(query).scalar()
            return None if kept is None else read_document(connection, kept, answer_place(answer_id))

    def mark_collected(self, recipient: str, answer_id: str, at: datetime, door: str) -> None:
        """Enter the collection in the journal and remember the first one."""
        moment = Received(at)
        mine = sa.and_(answer.c.recipient == recipient, answer.c.id == answer_id)
        with self._database.write() as connection:
            connection.execute(
                sa.update(answer)
                .where(mine, answer.c.collected.is_(None))
                .values(collected=str(moment), collected_entry=next_entry(connection))
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

    def mark_acknowledged(self, recipient: str, answer_id: str, at: datetime, door: str) -> None:
        """Enter in the journal that its recipient holds an answer, once."""
        moment = Received(at)
        mine = sa.and_(
            answer.c.recipient == recipient, answer.c.id == answer_id, answer.c.acknowledged.is_(None)
        )
        with self._database.write() as connection:
            digest = connection.execute(sa.select(answer.c.digest).where(mine)).scalar()
            if digest is None:
                return
            connection.execute(
                sa.update(answer)
                .where(mine)
                .values(acknowledged=str(moment), acknowledged_entry=next_entry(connection))
            )
            append(
                connection,
                at=moment,
                event=f"acknowledged {door}",
                subject=answer_id,
                member=recipient,
                digest=digest,
            )

    def put_away(self, recipient: str, answer_id: str) -> None:
        """Hide an answer from the visible list."""
        mine = sa.and_(answer.c.recipient == recipient, answer.c.id == answer_id)
        with self._database.write() as connection:
            connection.execute(sa.update(answer).where(mine).values(put_away=True))


def listed_of(row: sa.Row[Any]) -> Listed:
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
        acknowledged=Received.parse(row.acknowledged).at if row.acknowledged else None,
    )


def lay_out(connection: sa.Connection, answer_id: str, at: Received) -> str | None:
    """Show an answer in its recipient's folder again, whatever became of it there; its name.

    It is the same answer, byte for byte: nothing is posted twice. None: there is none of that id.
    """
    shown = sa.update(answer).where(answer.c.id == answer_id).values(put_away=False)
    row = connection.execute(shown.returning(answer.c.name, answer.c.recipient, answer.c.digest)).first()
    if row is None:
        return None
    append(connection, at=at, event="laid out", subject=answer_id, member=row.recipient, digest=row.digest)
    return str(row.name)
