"""Evidence packs, put together from what is kept: for a batch's sender, and for the operator."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from adapters.database import Database, tables
from adapters.database.documents import answer_place, read_document, receipt_place
from adapters.database.evidence import evidence_of
from adapters.database.journal import Nodes, append
from adapters.heads import Head, Heads, latest_head
from adapters.spool import Spool
from gateway.evidence.pack import Grown, Material, Proven, files
from gateway.moments import Clock, Received
from gateway.returns import ackrec, acktrt
from gateway.seal import Seal
from gateway.wire import JournalEntry, read_journal
from signing.encrypted import CannotOpen, is_encrypted
from signing.journal import Entry, consistency, inclusion
from signing.parse import parse
from signing.timestamps import with_stamp

answer = tables.table(tables.Answer)
deposit = tables.table(tables.Deposit)
head = tables.table(tables.JournalHead)
journal = tables.table(tables.Journal)
time_stamp = tables.table(tables.TimeStamp)

_KEPT: tuple[sa.Column[Any], ...] = (deposit.c.id, deposit.c.sender, deposit.c.receipt)
_POSTED: tuple[sa.Column[Any], ...] = (
    answer.c.number,
    answer.c.id,
    answer.c.kind,
    answer.c.name,
    answer.c.content,
    answer.c.entry,
    answer.c.collected_entry,
    answer.c.acknowledged_entry,
)


@dataclass(frozen=True, slots=True)
class _Posted:
    """An answer, opened."""

    row: sa.Row[Any]
    content: bytes


@dataclass(frozen=True, slots=True)
class Packs:
    """Makes evidence packs.

    Attributes:
        decrypt: opens what was encrypted for us; raises `CannotOpen`.
    """

    database: Database
    spool: Spool
    seal: Seal
    heads: Heads
    decrypt: Callable[[bytes], bytes]
    clock: Clock

    def make(self, identifier: str, door: str, sender: str | None = None) -> bytes | None:
        """The pack of a deposit, sealed now and entered in the journal; None when there is no such deposit.

        Args:
            identifier: of the deposit.
            door: through which it goes out.
            sender: whose deposit it has to be; the operator may have anybody's.

        Raises:
            Erased: the batch was erased.
        """
        mine = deposit.c.id == identifier
        if sender is not None:
            mine = sa.and_(mine, deposit.c.sender == sender)
        with self.database.read() as connection:
            kept = connection.execute(sa.select(*_KEPT).where(mine)).first()
        if kept is None:
            return None
        now = Received(self.clock())
        self.heads.seal_now(now)
        with self.database.read() as connection:
            material = self._material(connection, kept)
        content = self.seal.sign_files(files(material), now.at)
        with self.database.write() as connection:
            append(
                connection,
                at=now,
                event=f"evidence {door}",
                subject=identifier,
                member=kept.sender,
                digest=hashlib.sha256(content).hexdigest(),
            )
        return content

    def _material(self, connection: sa.Connection, kept: sa.Row[Any]) -> Material:
        posted = _posted(connection, kept)
        receipt = read_document(connection, kept.receipt, receipt_place(kept.id))
        stated = read_journal(parse(receipt))
        treated = next((one for one in posted if one.row.kind == acktrt.CODE), None)
        acknowledged = None if treated is None else read_journal(parse(treated.content))
        stands = [one.sequence for one in (stated, acknowledged) if one is not None]
        numbers = sorted({*stands, *_entries(posted)})
        size, sealed = _head(connection, numbers[-1])
        batch = self.spool.read(kept.id)
        evidence = evidence_of(connection, kept.id)
        nodes = Nodes(connection)
        return Material(
            batch=batch,
            opened=self._opened(batch),
            certificates=evidence.certificates,
            lists=evidence.lists,
            answers=evidence.answers,
            receipt=receipt,
            acknowledgement=None if treated is None else treated.content,
            stamped=None if treated is None else _stamped(connection, treated),
            returns={
                one.row.name: one.content for one in posted if one.row.kind not in (ackrec.CODE, acktrt.CODE)
            },
            head=sealed,
            size=size,
            entries=[
                Proven(entry, inclusion(entry.sequence - 1, size, nodes))
                for entry in _read_entries(connection, numbers)
            ],
            since_receipt=_grown(stated, size, nodes),
            since_acknowledgement=None if acknowledged is None else _grown(acknowledged, size, nodes),
        )

    def _opened(self, batch: bytes) -> bytes | None:
        """What was found in a batch that was encrypted for us, if it opens."""
        if is_encrypted(batch):
            with suppress(CannotOpen):
                return self.decrypt(batch)
        return None


def _posted(connection: sa.Connection, kept: sa.Row[Any]) -> list[_Posted]:
    """All that was posted to its sender about a deposit, in its order; what others were told is theirs."""
    own = sa.and_(answer.c.deposit == kept.id, answer.c.recipient == kept.sender)
    query = sa.select(*_POSTED).where(own).order_by(answer.c.number)
    rows = connection.execute(query).all()
    return [_Posted(row, read_document(connection, row.content, answer_place(row.id))) for row in rows]


def _entries(posted: Sequence[_Posted]) -> Iterator[int]:
    """Where the journal tells that answers were posted, first collected, and acknowledged."""
    for one in posted:
        places = (one.row.entry, one.row.collected_entry, one.row.acknowledged_entry)
        yield from (place for place in places if place is not None)


def _read_entries(connection: sa.Connection, numbers: Sequence[int]) -> list[Entry]:
    query = sa.select(journal).where(journal.c.sequence.in_(numbers)).order_by(journal.c.sequence)
    return [
        Entry(
            row.sequence,
            Received.parse(row.at).at,
            row.event,
            row.subject,
            row.member,
            row.digest,
            row.actor,
            row.changes,
        )
        for row in connection.execute(query)
    ]


def _grown(stated: JournalEntry, size: int, nodes: Nodes) -> Grown:
    return Grown(stated.sequence, bytes.fromhex(stated.hash), consistency(stated.sequence, size, nodes))


def _head(connection: sa.Connection, last: int) -> Head:
    """A sealed head that is over an entry: the first one with a time stamp, else the newest."""
    query = (
        sa.select(head.c.sequence, head.c.content, time_stamp.c.token)
        .join(time_stamp, time_stamp.c.head == head.c.sequence)
        .where(head.c.sequence >= last)
        .order_by(head.c.sequence)
        .limit(1)
    )
    row = connection.execute(query).first()
    if row is not None:
        return Head(row.sequence, with_stamp(row.content, row.token))
    newest = latest_head(connection)
    assert newest is not None, "one was sealed just before"
    return newest


def _stamped(connection: sa.Connection, treated: _Posted) -> bytes | None:
    """The acknowledgement with its time stamp, once it has one."""
    query = sa.select(time_stamp.c.token).where(time_stamp.c.answer == treated.row.number)
    token = connection.execute(query).scalar()
    return None if token is None else with_stamp(treated.content, token)
