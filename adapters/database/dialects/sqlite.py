"""SQLite, the embedded default: one file, one machine.

In WAL mode with `synchronous=FULL` what is committed survives a power cut. A writing transaction takes the
write lock when it begins (`BEGIN IMMEDIATE`), so that what it has read is still true when it writes; a
reading one never waits for it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from os import urandom
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import Insert, insert

from adapters.database.dialects import SCRATCH, WRITES_LATER, Item, Key, Reader
from adapters.database.dialects.turns import Connection

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

BUSY_TIMEOUT_MS = 30_000
_MOST_FAULTS = 100
_NONCE = 16
_KEPT = _NONCE + 32
_NONCES = 256
"""So many nonces are drawn at once."""
_SCHEMA = "SELECT type, name, tbl_name, sql FROM sqlite_master"


class Sqlite:
    """`adapters.database.dialects.Dialect` for SQLite."""

    is_shared = False
    connecting: Mapping[str, Any] = {"factory": Connection}
    failures: tuple[type[Exception], ...] = (sqlite3.Error,)

    def listen(self, engine: sa.Engine) -> None:
        sa.event.listen(engine, "connect", _configure)
        sa.event.listen(engine, "begin", _begin)

    def begin_to_write(self, connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    def found(self, engine: sa.Engine) -> None:
        """WAL mode stays with the file."""
        with engine.connect() as connection:
            raw = connection.connection.dbapi_connection
            assert raw is not None
            raw.cursor().execute("PRAGMA journal_mode=WAL")

    def guards(self, noted: Collection[sa.Table], growing: Collection[sa.Table]) -> Iterator[str]:
        for table in growing:
            for change in ("UPDATE", "DELETE"):
                yield (
                    f"CREATE TRIGGER {table.name}_no_{change.lower()} BEFORE {change} ON {table.name}"
                    f" BEGIN SELECT RAISE(ABORT, '{table.name} is only added to'); END"
                )
        for table in noted:
            yield from self._notes(table)
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

    def _notes(self, table: sa.Table) -> Iterator[str]:
        name, new, old = table.name, key_of(table, "NEW."), key_of(table, "OLD.")
        gone = _note(f"'{name}'", old, "''")
        stands = _note(f"'{name}'", new, values_of(table, "NEW."))
        keys = ", ".join(f'"{column.name}"' for column in table.primary_key)
        yield _trigger(f"{name}_entered", f'AFTER INSERT ON "{name}"', stands)
        before, after = (
            ", ".join(f'{row}."{column.name}"' for column in table.columns) for row in ("OLD", "NEW")
        )
        yield _trigger(
            f"{name}_changed", f'AFTER UPDATE ON "{name}" WHEN ({after}) IS NOT ({before})', stands
        )
        yield _trigger(f"{name}_removed", f'AFTER DELETE ON "{name}"', gone)
        yield _trigger(f"{name}_moved", f'AFTER UPDATE OF {keys} ON "{name}" WHEN {new} IS NOT {old}', gone)

    def key_of(self, table: sa.Table, row: str = "") -> str:
        return key_of(table, row)

    def values_of(self, table: sa.Table) -> str:
        """What is not of its column's type is not written as it was hashed."""
        return values_of(table)

    def row_of(self, table: str, key: str) -> str:
        return row_of(table, _either(key, "blob", _MARKED.format(key), "real", _MARKED.format(key)))

    def last_changes(self) -> str:
        # Beside the one maximum SQLite answers the columns of its row.
        return (
            'SELECT "table", key, nonce, max(id) FROM "change"'
            " WHERE key IS NOT NULL AND \"table\" <> 'change' GROUP BY 1, 2 ORDER BY 1, 2"
        )

    def is_text(self, column: str) -> str:
        return f"typeof({column}) = 'text'"

    @contextmanager
    def opened(self, engine: sa.Engine) -> Iterator[Reader]:
        """Any bytes are taken for a text."""
        file = f"file:{engine.url.database}?mode=rw"
        connection = sqlite3.connect(file, uri=True, isolation_level=None)
        try:
            connection.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
            register_hashing(connection)
            for setting in ("query_only=ON", "trusted_schema=OFF", "temp_store=FILE", "busy_timeout=30000"):
                connection.execute(f"PRAGMA {setting}")
            connection.execute("BEGIN")
            yield connection
        finally:
            connection.close()

    def file_findings(self, reader: Reader) -> Iterator[str]:
        """The file is sound: pages, and indexes that say what their tables say."""
        for (line,) in reader.execute(f"PRAGMA integrity_check({_MOST_FAULTS})"):
            if line != "ok":
                yield f"Database file: {line}"

    def schema(self, reader: Reader) -> Iterable[Item]:
        return (tuple(row) for row in reader.execute(_SCHEMA))

    def expected_schema(self, engine: sa.Engine) -> frozenset[Item]:  # noqa: ARG002 - others need it
        return _expected()

    def key_table(self, width: int) -> sa.FromClause:
        """It has no index, so that the register is searched by its own, key by key. With one, SQLite would
        read the whole register and look every row up here."""
        given = sa.func.json_each(sa.bindparam("keys", type_=sa.Text)).table_valued("value")
        if width == 1:
            return sa.select(sa.type_coerce(given.c.value, sa.Text).label("a")).subquery("wanted")
        columns = (
            sa.func.json_extract(given.c.value, f"$[{place}]", type_=sa.Text).label(name)
            for place, name in enumerate("abc"[:width])
        )
        return sa.select(*columns).subquery("wanted")

    def keys(self, width: int, keys: Collection[Key]) -> Mapping[str, object]:  # noqa: ARG002 - others need it
        return {"keys": json.dumps(list(keys))}

    def enter(
        self,
        connection: sa.Connection,
        table: str,
        columns: Sequence[str],
        rows: Sequence[tuple[object, ...]],
    ) -> None:
        named, marks = ", ".join(f'"{column}"' for column in columns), ", ".join("?" * len(columns))
        connection.exec_driver_sql(f'INSERT INTO "{table}" ({named}) VALUES ({marks})', list(rows))  # noqa: S608

    def scratch(self, connection: sa.Connection, name: str) -> None:
        columns = SCRATCH[name]
        typed = ", ".join(f"{column} TEXT" for column in columns)
        connection.exec_driver_sql(
            f"CREATE TEMP TABLE IF NOT EXISTS {name}"
            f" ({typed}, PRIMARY KEY ({', '.join(columns)})) WITHOUT ROWID"
        )
        connection.exec_driver_sql(f"DELETE FROM {name}")  # noqa: S608 - our own names

    def insert(self, table: sa.Table) -> Insert:
        return insert(table)

    @contextmanager
    def tentative(self, connection: sa.Connection) -> Iterator[None]:
        """What does not fit the cache would be written to the log of the database, and stay there."""
        raw = connection.connection.dbapi_connection
        assert raw is not None
        raw.cursor().execute("PRAGMA cache_spill=OFF")
        try:
            yield
        finally:
            raw.cursor().execute("PRAGMA cache_spill=ON")

    def clear_log(self, engine: sa.Engine) -> bool:
        """Not while somebody reads from it."""
        with engine.connect() as connection:
            raw = connection.connection.dbapi_connection
            assert raw is not None
            (busy, _, _) = raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy


DIALECT = Sqlite()


@cache
def _expected() -> frozenset[Item]:
    from adapters.database.engine import create_tables  # noqa: PLC0415 - it stands on this module

    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        create_tables(connection)
        return frozenset(
            (row.type, row.name, row.tbl_name, row.sql) for row in connection.execute(sa.text(_SCHEMA))
        )


def _configure(raw: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    """Every connection: transactions begun by us alone, durable commits, patience with others."""
    raw.isolation_level = None
    register(cast("sqlite3.Connection", raw))
    cursor = raw.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    # What is deleted or replaced is overwritten with zeros: erasure counts on it.
    cursor.execute("PRAGMA secure_delete=ON")
    cursor.execute("PRAGMA temp_store=MEMORY")
    # An index made for one statement would turn a search by keys into a scan; see `key_table`.
    cursor.execute("PRAGMA automatic_index=OFF")
    cursor.close()


def _begin(connection: sa.Connection) -> None:
    options = connection.get_execution_options()
    if not options.get(WRITES_LATER, False):
        connection.exec_driver_sql("BEGIN" if options.get("reading", False) else "BEGIN IMMEDIATE")


# The change log: values are hashed as the JSON array that SQLite writes (`json_array`), in UTF-8; of a
# column of bytes it holds the type of the value and, of bytes, their SHA-256 in hexadecimal.


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
        drawn = urandom(_NONCE * _NONCES)
        yield from (drawn[place : place + _NONCE] for place in range(0, len(drawn), _NONCE))


def key_of(table: sa.Table, row: str = "") -> str:
    """The key of a row in SQL; `row` is `NEW.` or `OLD.` in a trigger."""
    columns = [f'{row}"{column.name}"' for column in table.primary_key]
    return columns[0] if len(columns) == 1 else " || ',' || ".join(f"quote({each})" for each in columns)


def values_of(table: sa.Table, row: str = "") -> str:
    """The values of a row in SQL, as they are hashed; `row` is `NEW.` or `OLD.` in a trigger.

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


def row_of(table: str, key: str) -> str:
    """Table and key in SQL, as they are hashed; both in SQL."""
    return f"json_array({table}, {key})"


def _trigger(name: str, when: str, body: str) -> str:
    return f"CREATE TRIGGER {name} {when} BEGIN {body}; END"


def _note(table: str, key: str, values: str) -> str:
    # OFFSET keeps SQLite from calling the function once for each part of its result.
    return (
        'INSERT INTO "change" ("table", key, nonce, digest)'  # noqa: S608 - our own names
        f" SELECT {table}, {key}, substr(noted, 1, {_KEPT}), substr(noted, {_KEPT + 1})"
        f" FROM (SELECT secugate_change({row_of(table, key)}, {values}) AS noted LIMIT 1 OFFSET 0)"
    )
