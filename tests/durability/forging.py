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
    key_of,
    noted_tables,
    register_hashing,
    row_of,
    values_of,
)
from gateway.moments import Received
from signing.journal import Entry, Tree, leaf_hash


def forge(connection: sqlite3.Connection) -> None:
    """Write change log and journal anew so that they tell of the rows as they are; needs triggers gone."""
    register_hashing(connection)
    before = _last(connection)
    _write_changes(connection)
    _write_journal(connection, new=_last(connection) > before)


def _last(connection: sqlite3.Connection) -> int:
    (last,) = connection.execute('SELECT coalesce(max(id), 0) FROM "change"').fetchone()
    return int(last)


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
        _write_change(connection, last, table_name, key, "")


def _rows(connection: sqlite3.Connection, name: str) -> dict[Value, str]:
    (table,) = (one for one in noted_tables() if one.name == name)
    return dict(connection.execute(f'SELECT {key_of(table)}, {values_of(table)} FROM "{name}"').fetchall())


def _write_change(
    connection: sqlite3.Connection,
    last: tuple[int, bytes] | None,
    table: str,
    key: Value,
    values: str,
) -> None:
    if last is not None and content_hash(last[1][:NONCE], values) == last[1][NONCE:]:
        return
    nonce = urandom(NONCE)
    kept = nonce + content_hash(nonce, values)
    (row,) = connection.execute(f"SELECT {row_of('?', '?')}", (table, key)).fetchone()
    digest = change_digest(kept, row)
    if last is None:
        statement = 'INSERT INTO "change" ("table", key, nonce, digest) VALUES (?, ?, ?, ?)'
        connection.execute(statement, (table, key, kept, digest))
    else:
        connection.execute('UPDATE "change" SET nonce = ?, digest = ? WHERE id = ?', (kept, digest, last[0]))


def _write_journal(connection: sqlite3.Connection, *, new: bool) -> None:
    """Places, anchors, tree and roots follow from what the entries say; the last one anchors new changes."""
    rows = connection.execute(
        "SELECT sequence, at, event, subject, member, digest, actor, change FROM journal ORDER BY sequence"
    ).fetchall()
    connection.execute("DELETE FROM journal")
    connection.execute("DELETE FROM journal_node")
    end = _last(connection)
    tree, before, place = Tree(), 0, 0
    for number, (_, at, event, subject, member, digest, actor, last) in enumerate(rows, start=1):
        upto = end if new and number == len(rows) else last
        found = connection.execute(
            'SELECT id, digest FROM "change" WHERE id > ? AND id <= ? ORDER BY id', (before, upto)
        ).fetchall()
        changes, upto = anchor(found, before)
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
