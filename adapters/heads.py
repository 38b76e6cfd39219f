"""Sealed heads of the journal (JOUHED), and proofs from what lies in the database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

import sqlalchemy as sa

from adapters.database import Database, tables
from adapters.database.journal import Nodes, head
from gateway.moments import Received
from gateway.returns import jouhed
from gateway.seal import Seal
from signing.journal import consistency, inclusion

journal = tables.table(tables.Journal)
journal_head = tables.table(tables.JournalHead)

INTERVAL = timedelta(seconds=50)
"""From one head to the next, while something is entered: with the pause of the engine, below a minute."""


class Head(NamedTuple):
    """A sealed head.

    Attributes:
        size: how many entries it is over.
        content: the JOUHED document.
    """

    size: int
    content: bytes


class Proof(NamedTuple):
    """A proof, and what it is to be checked against.

    Attributes:
        first: of an inclusion, the hash of the entry; of a consistency, the root of the smaller tree.
        root: of the tree, or the larger one.
        hashes: 32 bytes each.
    """

    first: bytes
    root: bytes
    hashes: Sequence[bytes]


def latest_head(connection: sa.Connection) -> Head | None:
    """The newest sealed head; None before the first."""
    query = sa.select(journal_head.c.sequence, journal_head.c.content)
    row = connection.execute(query.order_by(journal_head.c.sequence.desc()).limit(1)).first()
    return None if row is None else Head(row.sequence, row.content)


@dataclass(slots=True)
class Heads:
    """Seals heads."""

    database: Database
    seal: Seal
    _last: Received | None = None

    def sweep(self, now: Received) -> None:
        """Seal a head when something was entered since the last one, unless that was just now."""
        if self._last is not None and now.at - self._last.at < INTERVAL:
            return
        if self._is_due():
            self._seal(now)
            self._last = now

    def seal_now(self, now: Received) -> None:
        """Seal a head when something was entered since the last one, however short ago that was."""
        if self._is_due():
            self._seal(now)

    def _is_due(self) -> bool:
        with self.database.read() as connection:
            last = latest_head(connection)
            return head(connection).sequence > (0 if last is None else last.size)

    def _seal(self, now: Received) -> None:
        with self.database.write() as connection:
            entry, last = head(connection), latest_head(connection)
            if last is not None and last.size == entry.sequence:
                return
            document = jouhed.write(jouhed.Head(self.seal.environment, now.at, entry))
            content = self.seal.sign(document, now.at)
            connection.execute(
                sa.insert(journal_head).values(sequence=entry.sequence, at=str(now), content=content)
            )


@dataclass(frozen=True, slots=True)
class Proofs:
    """What the journal proves about itself."""

    database: Database

    def newest(self) -> bytes | None:
        """The newest head as it was sealed; None before the first."""
        with self.database.read() as connection:
            found = latest_head(connection)
        return None if found is None else found.content

    def inclusion(self, sequence: int, size: int) -> Proof | None:
        """That an entry stands in the journal of some size; None when there is no such entry or size."""
        return self._prove(sequence, size, _inclusion)

    def consistency(self, first: int, second: int) -> Proof | None:
        """That the journal of one size only adds to that of another; None when there are no such sizes."""
        return self._prove(first, second, _consistency)

    def _prove(
        self, first: int, second: int, prove: Callable[[sa.Connection, int, int], Proof]
    ) -> Proof | None:
        with self.database.read() as connection:
            if not 0 < first <= second <= head(connection).sequence:
                return None
            return prove(connection, first, second)


def root_at(connection: sa.Connection, size: int) -> bytes:
    """The root of the journal when it had a size that it has had."""
    query = sa.select(journal.c.hash).where(journal.c.sequence == size)
    return bytes.fromhex(connection.execute(query).scalar_one())


def _inclusion(connection: sa.Connection, sequence: int, size: int) -> Proof:
    nodes = Nodes(connection)
    hashes = inclusion(sequence - 1, size, nodes)
    return Proof(nodes(0, sequence - 1), root_at(connection, size), hashes)


def _consistency(connection: sa.Connection, first: int, second: int) -> Proof:
    hashes = consistency(first, second, Nodes(connection))
    return Proof(root_at(connection, first), root_at(connection, second), hashes)
