"""The journal in the database: appended inside the transaction of what it tells.

The write lock that every writing transaction holds keeps it single-threaded. Beside the entries lie the
hashes of all full subtrees (`journal_node`), so that an entry, a root or a proof costs as many look-ups as
the size of the journal has bits. An entry anchors all rows that were changed since the one before; what is
changed after the last entry of a transaction gets an entry of its own, `changed`, before the commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa

from adapters.database import known, tables
from adapters.database.changes import anchor
from gateway.moments import Received
from gateway.wire import JournalEntry
from signing.journal import EMPTY, Entry, Tree, leaf_hash, peaks, place

journal = tables.table(tables.Journal)

CHANGED = "changed"
"""The event of rows that were changed without another entry."""


def append(
    connection: sa.Connection,
    *,
    at: Received,
    event: str,
    subject: str,
    member: str = "",
    digest: str = "",
) -> tuple[int, str]:
    """Enter an event; the size of the journal with it, and the root of its tree.

    Args:
        at: when it happened.
        event: one word, such as `received`, `posted` or `collected`.
        subject: our id of what it happened to.
        member: 19 digits, empty when no member is concerned.
        digest: SHA-256 of the bytes concerned, hexadecimal, empty when there are none.
    """
    return append_all(connection, [Event(at, event, subject, member, digest)])


class Event(NamedTuple):
    """What happened; as in `append`."""

    at: Received
    event: str
    subject: str
    member: str = ""
    digest: str = ""


def append_all(connection: sa.Connection, events: Sequence[Event]) -> tuple[int, str]:
    """Enter events in their order; the size of the journal with the last one, and the root of its tree.

    Who of the staff did it is told by the connection (`Database.act_as`).

    Args:
        events: at least one. The first one anchors the rows that were changed since the entry before.
    """
    end = _end(connection)
    size, tree = end.tree.size, end.tree.copy()
    changes, changed = anchor(connection.exec_driver_sql(_CHANGES, (end.change,)), end.change)
    actor: str = connection.get_execution_options().get("actor", "")
    rows, nodes = [], []
    for one in events:
        entry = Entry(tree.size + 1, one.at.at, *one[1:], actor, changes)
        nodes += tree.add(leaf_hash(entry))
        rows.append((tree.size, str(one.at), *one[1:], actor, changes, changed, tree.root.hex()))
        changes = ""
    connection.exec_driver_sql(_INSERT, rows)
    first = place(0, size)
    connection.exec_driver_sql(_INSERT_NODE, list(enumerate(nodes, start=first)))
    known.of(connection)[_End] = _End(tree, changed)
    return tree.size, tree.root.hex()


def next_entry(connection: sa.Connection) -> int:
    """The place in the journal of what is entered next, in a writing transaction."""
    return _end(connection).tree.size + 1


class _End(NamedTuple):
    """Where the journal ends: its tree, and the id of the last change that is anchored."""

    tree: Tree
    change: int


def _end(connection: sa.Connection) -> _End:
    """Where the journal ends in a writing transaction."""
    return known.once(connection, _End, lambda: _read_end(connection))


def _read_end(connection: sa.Connection) -> _End:
    last = connection.exec_driver_sql(_LAST).first()
    size, changed = (last.sequence, last.change) if last else (0, 0)
    return _End(Tree(size, _hashes(connection, [place(*peak) for peak in peaks(size)])), changed)


def note_changes(connection: sa.Connection, at: Received) -> None:
    """Enter rows that were changed since the last entry, if any.

    What is kept about the journal itself waits for the next entry: it would ask for another head, and that
    for another entry, for ever.
    """
    if connection.exec_driver_sql(_UNNOTED).scalar():
        append(connection, at=at, event=CHANGED, subject="")


def head(connection: sa.Connection) -> JournalEntry:
    """The size of the journal, and the root of its tree."""
    last = connection.exec_driver_sql(_LAST).first()
    return JournalEntry(last.sequence, last.hash) if last else JournalEntry(0, EMPTY.hex())


class Nodes:
    """The stored subtrees, for proofs: `signing.journal.Node`."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def __call__(self, level: int, index: int) -> bytes:
        (found,) = _hashes(self._connection, [place(level, index)])
        return found


def _hashes(connection: sa.Connection, places: Sequence[int]) -> list[bytes]:
    """What is stored at places that rise."""
    if not places:
        return []
    marks = ", ".join("?" * len(places))
    query = f"SELECT hash FROM journal_node WHERE place IN ({marks}) ORDER BY place"  # noqa: S608 - marks only
    return list(connection.exec_driver_sql(query, tuple(places)).scalars())


_LAST = "SELECT sequence, change, hash FROM journal ORDER BY sequence DESC LIMIT 1"
_CHANGES = 'SELECT id, digest FROM "change" WHERE id > ? ORDER BY id'
_UNNOTED = (
    "SELECT EXISTS (SELECT 1 FROM \"change\" WHERE \"table\" NOT IN ('journal_head', 'time_stamp')"
    " AND id > coalesce((SELECT change FROM journal ORDER BY sequence DESC LIMIT 1), 0))"
)
_INSERT = (
    "INSERT INTO journal (sequence, at, event, subject, member, digest, actor, changes, change, hash)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_INSERT_NODE = "INSERT INTO journal_node (place, hash) VALUES (?, ?)"
