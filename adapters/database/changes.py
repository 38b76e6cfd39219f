"""The change log: each row that was entered, changed or taken out leaves a digest, which the journal anchors.

Triggers on every table of ours write it, so that no statement can forget to; they call a function that only
our own connections have. Without it a row cannot be written at all, unless the triggers are taken away
first; that, and every row that was changed meanwhile, is what `secugate verify` finds.

What a row of `change` holds:

* `table`, `key`: which row; of a key of several columns their values as SQL literals, joined by commas.
* `nonce`: 16 random bytes and the SHA-256 over these and the values of all columns, none when the row was
  taken out. Without the random bytes a digest would tell who guesses what was in a row.
* `digest`: SHA-256 over the 48 bytes of `nonce`, table and key. The journal holds only digests of these.

Values are hashed as Python writes a tuple of them in ASCII (`ascii`): each value has one spelling there, and
types differ. Bytes in a column of bytes stand there by their own SHA-256.

To forget a row for good its `key` and `nonce` are set to null in all its changes: the digests, and with them
the journal, stay as they are. Forgetting is a change as well, of the table `change`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from os import urandom
from typing import TYPE_CHECKING

import sqlalchemy as sa

from adapters.database import tables

if TYPE_CHECKING:
    import sqlite3

NONCE = 16
KEPT = NONCE + 32
UNNOTED = frozenset({"journal", "journal_node", "change", "time_stamp"})
"""Tables that prove themselves: the journal is a tree of hashes, and anchors the change log; a time stamp is
signed by its authority, and noting each would give the journal something new to be stamped, for ever."""

Value = int | float | str | bytes | None


def noted_tables() -> list[sa.Table]:
    """The tables whose rows are in the change log, in the order of their names."""
    return sorted((one for one in tables.OURS if one.name not in UNNOTED), key=lambda one: one.name)


def content_hash(nonce: bytes, values: tuple[Value, ...]) -> bytes:
    """The hash of the values of a row, none for one that was taken out."""
    return hashlib.sha256(nonce + ascii(values).encode()).digest()


def change_digest(kept: bytes, table: str, key: Value) -> bytes:
    """What the journal anchors of a change, from what `nonce` holds."""
    return hashlib.sha256(kept + ascii((table, key)).encode()).digest()


def anchor(changes: Iterable[tuple[int, bytes]]) -> str:
    """The digest over changes, by id and digest, for the journal: each id in 8 bytes, then its digest."""
    return hashlib.sha256(b"".join([number.to_bytes(8) + digest for number, digest in changes])).hexdigest()


def hashed(value: Value) -> Value:
    """Bytes of a column of bytes by their hash; anything else as it is."""
    return hashlib.sha256(value).digest() if isinstance(value, bytes) else value


def register(connection: sqlite3.Connection) -> None:
    """Give a connection the functions that the triggers call."""
    connection.create_function("secugate_change", -1, _change)
    connection.create_function("secugate_hashed", 1, hashed)


def _change(table: str, key: Value, *values: Value) -> bytes:
    """`nonce` and `digest` of a change, one after the other."""
    nonce = urandom(NONCE)
    kept = nonce + content_hash(nonce, values)
    return kept + change_digest(kept, table, key)


def key_of(table: sa.Table, row: str = "") -> str:
    """The key of a row in SQL; `row` is `NEW.` or `OLD.` in a trigger."""
    columns = [f'{row}"{column.name}"' for column in table.primary_key]
    return columns[0] if len(columns) == 1 else " || ',' || ".join(f"quote({each})" for each in columns)


def holds_bytes(column: sa.Column[object]) -> bool:
    """Whether the values of a column are hashed on their own."""
    return isinstance(column.type, sa.LargeBinary)


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
    yield _trigger("change_forgotten", 'AFTER UPDATE ON "change"', _note("'change'", "OLD.id"))


def _triggers_of(table: sa.Table) -> Iterator[str]:
    name = table.name
    values = (
        f'secugate_hashed(NEW."{column.name}")' if holds_bytes(column) else f'NEW."{column.name}"'
        for column in table.columns
    )
    gone = _note(f"'{name}'", key_of(table, "OLD."))
    stands = _note(f"'{name}'", ", ".join((key_of(table, "NEW."), *values)), key_of(table, "NEW."))
    keys = ", ".join(f'"{column.name}"' for column in table.primary_key)
    yield _trigger(f"{name}_entered", f'AFTER INSERT ON "{name}"', stands)
    yield _trigger(f"{name}_changed", f'AFTER UPDATE ON "{name}"', stands)
    yield _trigger(f"{name}_removed", f'AFTER DELETE ON "{name}"', gone)
    moved = f"{key_of(table, 'NEW.')} IS NOT {key_of(table, 'OLD.')}"
    yield _trigger(f"{name}_moved", f'AFTER UPDATE OF {keys} ON "{name}" WHEN {moved}', gone)


def _trigger(name: str, when: str, body: str) -> str:
    return f"CREATE TRIGGER {name} {when} BEGIN {body}; END"


def _note(table: str, arguments: str, key: str = "") -> str:
    # OFFSET keeps SQLite from calling the function once for each part of its result.
    return (
        'INSERT INTO "change" ("table", key, nonce, digest)'  # noqa: S608 - our own names
        f" SELECT {table}, {key or arguments}, substr(noted, 1, {KEPT}), substr(noted, {KEPT + 1})"
        f" FROM (SELECT secugate_change({table}, {arguments}) AS noted LIMIT 1 OFFSET 0)"
    )
