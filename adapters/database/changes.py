"""The change log: each row that was entered, changed or taken out leaves a digest, which the journal anchors.

Triggers on every table of ours write it, so that no statement can forget to; they call a function that only
our own connections have. Without it a row cannot be written at all, unless the triggers are taken away
first; that, and every row that was changed meanwhile, is what `secugate verify` finds.

What a row of `change` holds:

* `table`, `key`: which row; of a key of several columns their values as SQL literals, joined by commas.
* `nonce`: 16 random bytes and the SHA-256 over these and the values of all columns, none when the row was
  taken out. Without the random bytes a digest would tell who guesses what was in a row.
* `digest`: SHA-256 over the 48 bytes of `nonce`, table and key. The journal holds only digests of these.

Values, and table and key, are hashed as the JSON array that SQLite writes of them (`json_array`), in UTF-8;
of a column of bytes it holds the type of the value and, of bytes, their SHA-256 in hexadecimal.

To forget a row for good its `key` and `nonce` are set to null in all its changes: the digests, and with them
the journal, stay as they are. Forgetting is a change as well, of the table `change`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from os import urandom
from typing import TYPE_CHECKING

import sqlalchemy as sa

from adapters.database import tables

if TYPE_CHECKING:
    import sqlite3

NONCE = 16
KEPT = NONCE + 32
UNNOTED = frozenset({"journal", "journal_node", "change"})
"""Tables that prove themselves: the journal is a tree of hashes, and anchors the change log."""

Value = int | float | str | bytes | None
_NONCES = 256
"""So many nonces are drawn at once."""


def noted_tables() -> list[sa.Table]:
    """The tables whose rows are in the change log, in the order of their names."""
    return sorted((one for one in tables.OURS if one.name not in UNNOTED), key=lambda one: one.name)


def content_hash(nonce: bytes, values: str) -> bytes:
    """The hash of the values of a row as `values_of` writes them; empty for one that was taken out."""
    return sha256(nonce + values.encode("utf-8", "surrogateescape")).digest()


def change_digest(kept: bytes, row: str) -> bytes:
    """What the journal anchors of a change, from what `nonce` holds and what `row_of` writes."""
    return sha256(kept + row.encode("utf-8", "surrogateescape")).digest()


def anchor(changes: Iterable[tuple[int, bytes]]) -> str:
    """The digest over changes, by id and digest, for the journal: each id in 8 bytes, then its digest."""
    return sha256(b"".join([number.to_bytes(8) + digest for number, digest in changes])).hexdigest()


def register(connection: sqlite3.Connection) -> None:
    """Give a connection the functions that the triggers call."""
    nonces = _nonces()

    def change(row: str, values: str) -> bytes:
        """`nonce` and `digest` of a change, one after the other."""
        nonce = next(nonces)
        kept = nonce + sha256(nonce + values.encode()).digest()
        return kept + sha256(kept + row.encode()).digest()

    connection.create_function("secugate_change", 2, change)
    register_hashing(connection)


def register_hashing(connection: sqlite3.Connection) -> None:
    """Give a connection what it takes to read rows as they are hashed."""
    connection.create_function("secugate_hashed", 1, lambda value: sha256(value).hexdigest())


def _nonces() -> Iterator[bytes]:
    while True:
        drawn = urandom(NONCE * _NONCES)
        yield from (drawn[place : place + NONCE] for place in range(0, len(drawn), NONCE))


def key_of(table: sa.Table, row: str = "") -> str:
    """The key of a row in SQL; `row` is `NEW.` or `OLD.` in a trigger."""
    columns = [f'{row}"{column.name}"' for column in table.primary_key]
    return columns[0] if len(columns) == 1 else " || ',' || ".join(f"quote({each})" for each in columns)


def values_of(table: sa.Table, row: str = "") -> str:
    """The values of a row in SQL, as they are hashed; `row` as in `key_of`.

    Outside of triggers whatever stands in a column is written somehow; what is not of its type is not
    written as it was hashed.
    """
    return f"json_array({', '.join(_value_of(column, row) for column in table.columns)})"


def _value_of(column: sa.Column[object], row: str) -> str:
    name = f'{row}"{column.name}"'
    if isinstance(column.type, sa.LargeBinary):
        return f"typeof({name}), {_either(name, 'blob', f'secugate_hashed({name})')}"
    return name if row else _either(name, "blob", _MARKED.format(name), "real", _MARKED.format(name))


def _either(name: str, *cases: str) -> str:
    """One value for one type of what stands in a column, another for another; itself for the rest."""
    pairs = zip(cases[::2], cases[1::2], strict=True)
    when = " ".join(f"WHEN '{kind}' THEN {value}" for kind, value in pairs)
    return f"CASE typeof({name}) {when} ELSE {name} END"


_MARKED = "char(0) || quote({})"


def row_of(table: str, key: str, *, wary: bool = False) -> str:
    """Table and key in SQL, as they are hashed; both in SQL. Wary of what may stand there, as `values_of`."""
    if wary:
        key = _either(key, "blob", _MARKED.format(key), "real", _MARKED.format(key))
    return f"json_array({table}, {key})"


def triggers() -> Iterator[str]:
    """What has to be created for the change log, after all tables."""
    for table in noted_tables():
        yield from _triggers_of(table)
    yield (
        'CREATE TRIGGER change_no_delete BEFORE DELETE ON "change"'
        " BEGIN SELECT RAISE(ABORT, 'change is only added to'); END"
    )
    yield (
        'CREATE TRIGGER change_no_update BEFORE UPDATE ON "change"'
        " WHEN NEW.key IS NOT NULL OR NEW.nonce IS NOT NULL OR OLD.\"table\" = 'change'"
        ' OR NEW.id <> OLD.id OR NEW."table" <> OLD."table" OR NEW.digest <> OLD.digest'
        " BEGIN SELECT RAISE(ABORT, 'of a change only key and nonce are forgotten'); END"
    )
    yield _trigger("change_forgotten", 'AFTER UPDATE ON "change"', _note("'change'", "OLD.id", "''"))


def _triggers_of(table: sa.Table) -> Iterator[str]:
    name = table.name
    gone = _note(f"'{name}'", key_of(table, "OLD."), "''")
    stands = _note(f"'{name}'", key_of(table, "NEW."), values_of(table, "NEW."))
    keys = ", ".join(f'"{column.name}"' for column in table.primary_key)
    yield _trigger(f"{name}_entered", f'AFTER INSERT ON "{name}"', stands)
    before, after = (
        ", ".join(f'{row}."{column.name}"' for column in table.columns) for row in ("OLD", "NEW")
    )
    yield _trigger(f"{name}_changed", f'AFTER UPDATE ON "{name}" WHEN ({after}) IS NOT ({before})', stands)
    yield _trigger(f"{name}_removed", f'AFTER DELETE ON "{name}"', gone)
    moved = f"{key_of(table, 'NEW.')} IS NOT {key_of(table, 'OLD.')}"
    yield _trigger(f"{name}_moved", f'AFTER UPDATE OF {keys} ON "{name}" WHEN {moved}', gone)


def _trigger(name: str, when: str, body: str) -> str:
    return f"CREATE TRIGGER {name} {when} BEGIN {body}; END"


def _note(table: str, key: str, values: str) -> str:
    # OFFSET keeps SQLite from calling the function once for each part of its result.
    return (
        'INSERT INTO "change" ("table", key, nonce, digest)'  # noqa: S608 - our own names
        f" SELECT {table}, {key}, substr(noted, 1, {KEPT}), substr(noted, {KEPT + 1})"
        f" FROM (SELECT secugate_change({row_of(table, key)}, {values}) AS noted LIMIT 1 OFFSET 0)"
    )
