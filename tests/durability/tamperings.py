"""Random tamperings with the store, by a tool that knows neither journal nor change log.

Any table of ours, any row, any column: a value or its type changed, rows deleted, inserted, swapped;
triggers and indexes altered; bytes of deposits changed; the end of the journal cut off, alone or with what
proves it.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable

from adapters.database import tables
from tests.durability.month import Store

Row = dict[str, object]


class NothingChanged(Exception):
    """What was tried did not change anything that is stored, or SQLite refused it: another try."""


def tamper(store: Store, rng: random.Random) -> str:
    """Tamper with a store; in words, what was done."""
    while True:
        kind = rng.choices(list(KINDS), weights=[weight for _, weight in KINDS.values()])[0]
        try:
            return f"{kind}: {KINDS[kind][0](store, rng)}"
        except (NothingChanged, sqlite3.IntegrityError, IndexError):
            continue


Tampering = Callable[[Store, random.Random], str]


def _in_table(change: Callable[[sqlite3.Connection, str, random.Random], str]) -> Tampering:
    """A change of the rows of a table, any that has rows; undone when nothing stored differs after it."""

    def tampering(store: Store, rng: random.Random) -> str:
        table = rng.choice(tables.OURS).name
        with store.database() as connection:
            before = _content(connection, table)
            done = change(connection, table, rng)
            if _content(connection, table) == before:
                raise NothingChanged
        return f"{table}: {done}"

    return tampering


def _content(connection: sqlite3.Connection, table: str) -> list[tuple[object, ...]]:
    """All rows in the order of their keys, with the type of each value."""
    rows = connection.execute(f'SELECT * FROM "{table}" ORDER BY {_keys(table)}')
    return [tuple((type(value), value) for value in row) for row in rows]


def _keys(table: str) -> str:
    found = next(one for one in tables.OURS if one.name == table)
    return ", ".join(f'"{column.name}"' for column in found.primary_key)


def _row(connection: sqlite3.Connection, table: str, rng: random.Random) -> Row:
    """One of its rows."""
    (count,) = connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()
    if not count:
        raise NothingChanged
    query = f'SELECT * FROM "{table}" ORDER BY {_keys(table)} LIMIT 1 OFFSET ?'
    cursor = connection.execute(query, (rng.randrange(count),))
    return dict(zip((each[0] for each in cursor.description), cursor.fetchone(), strict=True))


def _where(table: str, row: Row) -> tuple[str, list[object]]:
    found = next(one for one in tables.OURS if one.name == table)
    names = [column.name for column in found.primary_key]
    return " AND ".join(f'"{name}" IS ?' for name in names), [row[name] for name in names]


def _set(connection: sqlite3.Connection, table: str, row: Row, changed: Row) -> None:
    where, keys = _where(table, row)
    columns = ", ".join(f'"{name}" = ?' for name in changed)
    connection.execute(f'UPDATE "{table}" SET {columns} WHERE {where}', [*changed.values(), *keys])


def _value(connection: sqlite3.Connection, table: str, rng: random.Random) -> str:
    row = _row(connection, table, rng)
    column = rng.choice(list(row))
    _set(connection, table, row, {column: _other(row[column], rng)})
    return f"{column} of {_where(table, row)[1]}"


def _other(value: object, rng: random.Random) -> object:
    """Another value of the same type."""
    if isinstance(value, bool | int):
        return value + rng.choice([-1, 1, 10, 1 << rng.randrange(40)])
    if isinstance(value, str) and value:
        place = rng.randrange(len(value))
        return value[:place] + rng.choice("0aZ-é") + value[place + rng.randrange(2) :]
    if isinstance(value, bytes) and value:
        place = rng.randrange(len(value))
        return value[:place] + bytes([value[place] ^ 1 << rng.randrange(8)]) + value[place + 1 :]
    return rng.choice(["", "x", 0, 1, "2026-08-03"])


def _type(connection: sqlite3.Connection, table: str, rng: random.Random) -> str:
    row = _row(connection, table, rng)
    column = rng.choice(list(row))
    value = row[column]
    others: list[object] = [None, str(value).encode(), f"{value} ", 1.5, b"", "\0", -1]
    _set(connection, table, row, {column: rng.choice(others)})
    return f"{column} of {_where(table, row)[1]}"


def _not_utf8(connection: sqlite3.Connection, table: str, rng: random.Random) -> str:
    row = _row(connection, table, rng)
    column = rng.choice(list(row))
    where, keys = _where(table, row)
    connection.text_factory = bytes
    connection.execute(f'UPDATE "{table}" SET "{column}" = CAST(x\'c328ff\' AS TEXT) WHERE {where}', keys)
    return f"{column} of {keys}"


def _deleted(connection: sqlite3.Connection, table: str, rng: random.Random) -> str:
    where, keys = _where(table, _row(connection, table, rng))
    connection.execute(f'DELETE FROM "{table}" WHERE {where}', keys)
    return f"{keys}"


def _inserted(connection: sqlite3.Connection, table: str, rng: random.Random) -> str:
    """A copy of a row with as many values changed as have to be, and some more."""
    row = _row(connection, table, rng)
    found = next(one for one in tables.OURS if one.name == table)
    keys = {column.name for column in found.primary_key}
    new = {
        name: _other(value, rng) if name in keys or rng.random() < 0.5 else value
        for name, value in row.items()
    }
    columns = ", ".join(f'"{name}"' for name in new)
    marks = ", ".join("?" * len(new))
    connection.execute(f'INSERT INTO "{table}" ({columns}) VALUES ({marks})', list(new.values()))
    return f"a copy of {_where(table, row)[1]}"


def _swapped(connection: sqlite3.Connection, table: str, rng: random.Random) -> str:
    """What two rows hold beside their keys, all of it or one column."""
    one, two = _row(connection, table, rng), _row(connection, table, rng)
    found = next(each for each in tables.OURS if each.name == table)
    free = [column.name for column in found.columns if not column.primary_key]
    columns = free if rng.random() < 0.5 else [rng.choice(free)]
    connection.execute("PRAGMA ignore_check_constraints=ON")
    _set(connection, table, one, {name: two[name] for name in columns})
    _set(connection, table, two, {name: one[name] for name in columns})
    return f"{columns} of {_where(table, one)[1]} and {_where(table, two)[1]}"


def _schema(store: Store, rng: random.Random) -> str:
    with store.bare() as connection:
        query = (
            "SELECT type, name, tbl_name FROM sqlite_master"
            " WHERE type IN ('trigger', 'index') AND sql IS NOT NULL ORDER BY name"
        )
        ours = {one.name for one in tables.OURS}
        kind, name, table = rng.choice([row for row in connection.execute(query) if row[2] in ours])
        choice = rng.choice(["dropped", "altered", "added"])
        if choice != "added":
            connection.execute(f"DROP {kind} {name}")
        if choice == "altered":
            if kind == "index":
                connection.execute(f'CREATE INDEX {name} ON "{table}" ({_keys(table)}, 1 + 1)')
            else:
                connection.execute(f'CREATE TRIGGER {name} AFTER INSERT ON "{table}" BEGIN SELECT 1; END')
        if choice == "added":
            name = f"another_{rng.randrange(10**6)}"
            connection.execute(f'CREATE TRIGGER {name} AFTER INSERT ON "{table}" BEGIN SELECT 1; END')
        return f"{kind} {name}, {choice}"


def _spool(store: Store, rng: random.Random) -> str:
    deposits = [str(identifier) for (identifier,) in store.ask("SELECT id FROM deposit ORDER BY number")]
    deposit = rng.choice(deposits)
    file = store.file(deposit)
    content = file.read_bytes()
    place = rng.randrange(len(content))
    kind = rng.choice(["bit", "cut", "longer", "gone", "another's"])
    if kind == "bit":
        flipped = bytes([content[place] ^ 1 << rng.randrange(8)])
        file.write_bytes(content[:place] + flipped + content[place + 1 :])
    elif kind == "cut":
        file.write_bytes(content[:place])
    elif kind == "longer":
        file.write_bytes(content + rng.randbytes(rng.randint(1, 99)))
    elif kind == "gone":
        file.unlink()
    else:
        other = store.file(rng.choice([each for each in deposits if each != deposit]))
        file.write_bytes(other.read_bytes())
    return f"{deposit}, {kind}"


def _tail(store: Store, rng: random.Random) -> str:
    """The end of the journal, alone or with its part of the tree, or with the changes it anchors as well."""
    [(size,)] = store.ask("SELECT max(sequence) FROM journal")
    assert isinstance(size, int)
    left = rng.randrange(max(size - 20, 1), size)
    [(change,)] = store.ask("SELECT change FROM journal WHERE sequence = ?", left)
    with_what = rng.choice(["alone", "with its tree", "with tree and changes"])
    with store.database() as connection:
        connection.execute("DELETE FROM journal WHERE sequence > ?", (left,))
        if with_what != "alone":
            places = 2 * left - left.bit_count()
            connection.execute("DELETE FROM journal_node WHERE place >= ?", (places,))
        if with_what == "with tree and changes":
            connection.execute('DELETE FROM "change" WHERE id > ?', (change,))
    return f"after {left}, {with_what}"


KINDS: dict[str, tuple[Tampering, int]] = {
    "value changed": (_in_table(_value), 8),
    "type changed": (_in_table(_type), 4),
    "text that is no UTF-8": (_in_table(_not_utf8), 1),
    "row deleted": (_in_table(_deleted), 4),
    "row inserted": (_in_table(_inserted), 4),
    "rows swapped": (_in_table(_swapped), 4),
    "schema": (_schema, 2),
    "bytes of a deposit": (_spool, 3),
    "end of the journal cut off": (_tail, 2),
}
"""What may be done, and how often among the others."""
