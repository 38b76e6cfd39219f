"""What an insider can do who may write to the database but not seal: make all of it agree with itself."""

from __future__ import annotations

import sqlite3
from os import urandom

from adapters.database.changes import (
    NONCE,
    Value,
    anchor,
    change_digest,
    content_hash,
    hashed,
    holds_bytes,
    key_of,
    noted_tables,
)
from gateway.moments import Received
from signing.journal import Entry, Tree, leaf_hash


def forge(connection: sqlite3.Connection) -> None:
    """Write change log and journal anew so that they tell of the rows as they are; needs triggers gone."""
    _write_changes(connection)
    _write_journal(connection)


def _write_changes(connection: sqlite3.Connection) -> None:
    """The last change of every row says what stands there now; rows without one get one at the end."""
    lasts = {
        (table, key): (number, kept)
        for table, key, kept, number in connection.execute(
            'SELECT "table", key, nonce, max(id) FROM "change" WHERE key IS NOT NULL GROUP BY 1, 2'
        )
    }
    for table in noted_tables():
        for key, values in _rows(connection, table.name).items():
            _write_change(connection, lasts.pop((table.name, key), None), table.name, key, values)
    for (table_name, key), last in lasts.items():
        _write_change(connection, last, table_name, key, ())


def _rows(connection: sqlite3.Connection, name: str) -> dict[Value, tuple[Value, ...]]:
    (table,) = (one for one in noted_tables() if one.name == name)
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    blobs = [holds_bytes(column) for column in table.columns]
    return {
        key: tuple(hashed(value) if is_blob else value for value, is_blob in zip(values, blobs, strict=True))
        for key, *values in connection.execute(f'SELECT {key_of(table)}, {columns} FROM "{name}"')
    }


def _write_change(
    connection: sqlite3.Connection,
    last: tuple[int, bytes] | None,
    table: str,
    key: Value,
    values: tuple[Value, ...],
) -> None:
    if last is not None and content_hash(last[1][:NONCE], values) == last[1][NONCE:]:
        return
    nonce = urandom(NONCE)
    kept = nonce + content_hash(nonce, values)
    digest = change_digest(kept, table, key)
    if last is None:
        statement = 'INSERT INTO "change" ("table", key, nonce, digest) VALUES (?, ?, ?, ?)'
        connection.execute(statement, (table, key, kept, digest))
    else:
        connection.execute('UPDATE "change" SET nonce = ?, digest = ? WHERE id = ?', (kept, digest, last[0]))


def _write_journal(connection: sqlite3.Connection) -> None:
    """Entries with their places, anchors, the tree and all roots follow from what the entries say now."""
    rows = connection.execute(
        "SELECT sequence, at, event, subject, member, digest, actor, change FROM journal ORDER BY sequence"
    ).fetchall()
    connection.execute("DELETE FROM journal")
    connection.execute("DELETE FROM journal_node")
    (end,) = connection.execute('SELECT coalesce(max(id), 0) FROM "change"').fetchone()
    tree, before, place = Tree(), 0, 0
    for number, (_, at, event, subject, member, digest, actor, last) in enumerate(rows, start=1):
        upto = end if number == len(rows) else last
        found = connection.execute(
            'SELECT id, digest FROM "change" WHERE id > ? AND id <= ? ORDER BY id', (before, upto)
        ).fetchall()
        changes = anchor(found) if found else ""
        upto = found[-1][0] if found else before
        entry = Entry(number, Received.parse(at).at, event, subject, member, digest, actor, changes)
        for node in tree.add(leaf_hash(entry)):
            connection.execute("INSERT INTO journal_node VALUES (?, ?)", (place, node))
            place += 1
        connection.execute(
            "INSERT INTO journal (sequence, at, event, subject, member, digest, actor, changes, change, hash)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (number, at, event, subject, member, digest, actor, changes, upto, tree.root.hex()),
        )
        before = upto
