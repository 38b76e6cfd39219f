"""PostgreSQL: a server, and any number of processes on any number of machines.

A writing transaction begins with a lock that only one of them has at a time (`pg_advisory_xact_lock`), and
reads what is committed once it has it: what `BEGIN IMMEDIATE` is on SQLite. A reading one sees one state of
the database (REPEATABLE READ) and can write nothing. Whoever stops for a minute in the middle of writing is
cut off by the server, so that others go on.

Texts are compared by their bytes (collation "C"), as SQLite compares them. A text cannot hold the character
NUL here: it is kept as U+FFFD.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, cast

import psycopg
import sqlalchemy as sa
from psycopg.adapt import Loader
from psycopg.types.string import StrDumper, StrDumperUnknown
from sqlalchemy.dialects.postgresql import ARRAY, Insert, insert

from adapters.database.dialects import SCRATCH, WRITES_LATER, Item, Key, Reader, Rows, UnsafeDatabase

if TYPE_CHECKING:
    from psycopg.abc import Buffer
    from sqlalchemy.engine.interfaces import DBAPICursor, ExecutionContext
    from sqlalchemy.pool import ConnectionPoolEntry

WRITER = 0x5EC0_6A7E
"""The number of the lock that a writing transaction has."""
PATIENCE_MS = 30_000
"""For which a lock is waited for."""
REST_MS = 60_000
"""For which a writing transaction may do nothing before it is cut off."""
SILENCE_MS = 3_000
"""After which a lease is taken from who has not asked for it."""
_AT_ONCE = 1_000
_EXPECTED = "secugate_expected"


class Postgresql:
    """`adapters.database.dialects.Dialect` for PostgreSQL 15 and later."""

    is_shared = True
    connecting: Mapping[str, Any] = {}
    failures: tuple[type[Exception], ...] = (psycopg.Error,)

    def __init__(self) -> None:
        self._expected: dict[int, frozenset[Item]] = {}

    def listen(self, engine: sa.Engine) -> None:
        sa.event.listen(engine, "connect", _configure)
        sa.event.listen(engine, "begin", _begin)
        sa.event.listen(engine, "before_cursor_execute", _mark, retval=True)

    def begin_to_write(self, connection: sa.Connection) -> None:
        connection.exec_driver_sql(_LOCK)

    def found(self, engine: sa.Engine) -> None:
        with engine.connect().execution_options(reading=True) as connection:
            there = sa.inspect(connection).get_table_names()
        if there:
            raise UnsafeDatabase(f"the database is not empty: it has a table {there[0]}")

    def guards(self, noted: Collection[sa.Table], growing: Collection[sa.Table]) -> Iterator[str]:
        yield _function("secugate_refuse", _REFUSE)
        yield _function("secugate_keep", _KEEP)
        for table in growing:
            yield _trigger(
                table.name, "only_added_to", "BEFORE UPDATE OR DELETE", "secugate_refuse", each="ROW"
            )
        for table in sorted({*noted, *growing}, key=lambda one: one.name):
            yield _trigger(table.name, "not_emptied", "BEFORE TRUNCATE", "secugate_refuse")
        for table in noted:
            yield from self._notes(table)
        yield _trigger("change", "not_emptied", "BEFORE TRUNCATE", "secugate_refuse")
        yield _trigger("change", "no_delete", "BEFORE DELETE", "secugate_refuse", each="ROW")
        yield _trigger("change", "no_update", "BEFORE UPDATE", "secugate_keep", each="ROW")
        forgotten = _note("'change'", 'id::text COLLATE "C"', "''", "before")
        yield _function("change_forgotten", forgotten + "RETURN NULL;")
        yield _trigger(
            "change", "forgotten", "AFTER UPDATE", "change_forgotten", "REFERENCING OLD TABLE AS before"
        )

    def _notes(self, table: sa.Table) -> Iterator[str]:
        """Once a statement, of all rows that it entered, changed or took out."""
        name, old, new = table.name, self.key_of(table, "b."), self.key_of(table, "a.")
        same = " AND ".join(f'a."{column.name}" = b."{column.name}"' for column in table.primary_key)
        stands, gone = _values_of(table, "a."), "''"
        entered = _note(f"'{name}'", new, stands, "after AS a")
        changed = _note(
            f"'{name}'",
            new,
            stands,
            f"after AS a LEFT JOIN before AS b ON {same} WHERE a IS DISTINCT FROM b",
        ) + _note(
            f"'{name}'",
            old,
            gone,
            f"before AS b WHERE NOT EXISTS (SELECT FROM after AS a WHERE {same})",
        )
        removed = _note(f"'{name}'", old, gone, "before AS b")
        for word, event, body, seen in (
            ("entered", "INSERT", entered, "NEW TABLE AS after"),
            ("changed", "UPDATE", changed, "NEW TABLE AS after OLD TABLE AS before"),
            ("removed", "DELETE", removed, "OLD TABLE AS before"),
        ):
            yield _function(f"{name}_{word}", body + "RETURN NULL;")
            yield _trigger(name, word, f"AFTER {event}", f"{name}_{word}", f"REFERENCING {seen}")

    def key_of(self, table: sa.Table, row: str = "") -> str:
        columns = list(table.primary_key)
        if len(columns) == 1:
            return f'({row}"{columns[0].name}"::text COLLATE "C")'
        return f"({' || $$,$$ || '.join(_literal(column, row) for column in columns)})"

    def values_of(self, table: sa.Table) -> str:
        return _values_of(table, "")

    def row_of(self, table: str, key: str) -> str:
        return f"json_build_array({table}, {key})::text"

    def last_changes(self) -> str:
        return (
            'SELECT DISTINCT ON ("table", key) "table", key, nonce, id FROM "change"'
            ' WHERE key IS NOT NULL AND "table" <> \'change\' ORDER BY "table", key, id DESC'
        )

    def is_text(self, column: str) -> str:
        return f"{column} IS NOT NULL"

    @contextmanager
    def opened(self, engine: sa.Engine) -> Iterator[Reader]:
        with closing(_connect(engine)) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            connection.execute("SAVEPOINT begun")
            yield _Reader(connection)
            connection.rollback()

    def file_findings(self, reader: Reader) -> Iterator[str]:  # noqa: ARG002 - others read
        """The server looks after its pages itself (checksums)."""
        return iter(())

    def schema(self, reader: Reader) -> Iterable[Item]:
        return _described(reader)

    def expected_schema(self, engine: sa.Engine) -> frozenset[Item]:
        with closing(_connect(engine)) as connection:
            version = connection.info.server_version
        if version not in self._expected:
            self._expected[version] = _expected(engine)
        return self._expected[version]

    def key_table(self, width: int) -> sa.FromClause:
        names = "abc"[:width]
        given = (sa.bindparam(f"keys_{name}", type_=_TEXTS) for name in names)
        found = sa.func.unnest(*given).table_valued(*(sa.column(name, sa.Text) for name in names))
        return found.render_derived(name="wanted")

    def keys(self, width: int, keys: Collection[Key]) -> Mapping[str, object]:
        columns = [keys] if width == 1 else zip(*keys, strict=True)
        return {f"keys_{name}": list(column) for name, column in zip("abc", columns, strict=False)}

    def enter(
        self,
        connection: sa.Connection,
        table: str,
        columns: Sequence[str],
        rows: Sequence[tuple[object, ...]],
    ) -> None:
        """By COPY, but for a few, which go quicker as they are."""
        named = ", ".join(f'"{column}"' for column in columns)
        if len(rows) < _FEW:
            marks = ", ".join("?" * len(columns))
            connection.exec_driver_sql(f'INSERT INTO "{table}" ({named}) VALUES ({marks})', list(rows))  # noqa: S608
            return
        with (
            _raw(connection).cursor() as cursor,
            cursor.copy(f'COPY "{table}" ({named}) FROM STDIN') as copy,
        ):
            for row in rows:
                copy.write_row(row)

    def scratch(self, connection: sa.Connection, name: str) -> None:
        """Made with the connection: a transaction that only reads could not make it."""
        connection.exec_driver_sql(f"DELETE FROM {name}")  # noqa: S608 - our own names

    def insert(self, table: sa.Table) -> Insert:
        return insert(table)

    @contextmanager
    def tentative(self, connection: sa.Connection) -> Iterator[None]:  # noqa: ARG002 - others need it
        """The server writes what is rolled back like everything else, and clears it away later."""
        yield

    def clear_log(self, engine: sa.Engine) -> bool:
        """Not while somebody reads it. The server's own log is the operator's to keep or not."""
        with closing(_connect(engine)) as connection:
            connection.autocommit = True
            connection.execute(f"SET lock_timeout = {_BRIEFLY_MS}")
            try:
                connection.execute("VACUUM (FULL) data_key")
            except psycopg.errors.LockNotAvailable:
                return False
        return True


DIALECT = Postgresql()

_FEW = 10
_TEXTS = ARRAY(sa.Text)
_BRIEFLY_MS = 5_000


# Connections


class _Numeric(Loader):
    """Sums of whole numbers, which the server gives as `numeric`; there are no others here."""

    def load(self, data: Buffer) -> int:
        return int(bytes(data))


class _Text(StrDumper):
    def dump(self, obj: str) -> Buffer | None:
        return super().dump(_storable(obj))


class _UnknownText(StrDumperUnknown):
    def dump(self, obj: str) -> Buffer | None:
        return super().dump(_storable(obj))


def _storable(text: str) -> str:
    return text.replace("\x00", "\ufffd") if "\x00" in text else text


def _configure(raw: object, _entry: ConnectionPoolEntry) -> None:
    """Every connection: durable commits, patience with others, our own readings of types.

    Raises:
        UnsafeDatabase: the server does not sync what it commits, or keeps texts otherwise.
    """
    # psycopg under the clothes that SQLAlchemy puts on it.
    connection = cast("psycopg.Connection[tuple[object, ...]]", raw)
    connection.adapters.register_loader("numeric", _Numeric)
    connection.adapters.register_dumper(str, _Text)
    connection.adapters.register_dumper(str, _UnknownText)
    connection.autocommit = True
    found = connection.execute(_SETTINGS).fetchone()
    assert found is not None
    for name, wanted, is_so in zip(
        ("fsync", "full_page_writes", "server_encoding"), _WANTED, found, strict=False
    ):
        if is_so != wanted:
            raise UnsafeDatabase(f"the database server has {name}={is_so}; only {wanted} is safe")
    for name, columns in SCRATCH.items():
        typed = ", ".join(f'{column} text COLLATE "C"' for column in columns)
        connection.execute(f"CREATE TEMP TABLE {name} ({typed}, PRIMARY KEY ({', '.join(columns)}))")
    connection.autocommit = False


_WANTED = ("on", "on", "UTF8")
_SETTINGS = (
    "SELECT current_setting('fsync'), current_setting('full_page_writes'),"
    " current_setting('server_encoding'),"
    " set_config('synchronous_commit', CASE current_setting('synchronous_commit')"
    " WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false),"
    f" set_config('lock_timeout', '{PATIENCE_MS}', false), set_config('TimeZone', 'UTC', false)"
)


def _begin(connection: sa.Connection) -> None:
    options = connection.get_execution_options()
    if options.get("reading", False):
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
    elif not options.get(WRITES_LATER, False):
        connection.exec_driver_sql(_LOCK)


_LOCK = (
    f"SELECT set_config('idle_in_transaction_session_timeout', '{REST_MS}', true),"
    f" pg_advisory_xact_lock({WRITER})"
)


def _mark(
    _connection: sa.Connection,
    _cursor: DBAPICursor,
    statement: str,
    parameters: object,
    context: ExecutionContext | None,
    _many: bool,
) -> tuple[str, object]:
    """Write the values' marks of SQL by hand as this driver wants them."""
    if context is not None and context.compiled is None:
        statement = _marked(statement)
    return statement, parameters


@cache
def _marked(statement: str) -> str:
    return statement.replace("%", "%%").replace("?", "%s")


def _raw(connection: sa.Connection) -> psycopg.Connection[tuple[object, ...]]:
    return cast("psycopg.Connection[tuple[object, ...]]", connection.connection.driver_connection)


def _connect(engine: sa.Engine) -> psycopg.Connection[tuple[object, ...]]:
    """A connection of its own, beside those of an engine."""
    address = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(address)


class Lease:
    """A lock that lasts as long as its connection, and that only while it is asked for: see `SILENCE_MS`."""

    def __init__(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        self._connection = connection

    def lasts(self) -> bool:
        """Whether it is still ours; asks the server."""
        try:
            self._connection.execute("SELECT 1")
        except psycopg.Error:
            return False
        return True

    def close(self) -> None:
        """Give it up."""
        self._connection.close()


def lease(engine: sa.Engine, name: str) -> Lease | None:
    """Take the lock of a name on a connection of its own; None when somebody has it."""
    connection = _connect(engine)
    connection.autocommit = True
    row = connection.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", (name,)).fetchone()
    if row is not None and row[0]:
        # A process that was stopped, or whose machine was, keeps its connection: silence ends it.
        connection.execute(f"SET idle_session_timeout = {SILENCE_MS}")
        return Lease(connection)
    connection.close()
    return None


class _Reader:
    """`adapters.database.dialects.Reader`: a query without values is read from the server bit by bit."""

    def __init__(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        self._connection = connection
        self._queries = 0

    def execute(self, query: str, parameters: tuple[object, ...] = (), /) -> Rows:
        self._queries += 1
        try:
            if parameters:
                return self._connection.execute(_marked(query), parameters)
            cursor = self._connection.cursor(f"query_{self._queries}")
            cursor.itersize = _AT_ONCE
            return cursor.execute(query)
        except psycopg.Error:
            # What is missing must not keep the rest from being looked at.
            self._connection.execute("ROLLBACK TO SAVEPOINT begun")
            raise


# What makes up the database, in words that are the same in every schema


_DESCRIBED = """
WITH ours AS (
    SELECT oid, relname, relkind, relrowsecurity, relpersistence FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace
)
SELECT 'table', relname, relname, concat_ws(' ', relkind, relpersistence, relrowsecurity, (
    SELECT string_agg(concat_ws(' ', attname, format_type(atttypid, atttypmod), attnotnull, collname,
        attidentity, attgenerated, pg_get_expr(adbin, adrelid)), ', ' ORDER BY attname COLLATE "C")
    FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        LEFT JOIN pg_collation ON pg_collation.oid = attcollation
    WHERE attrelid = ours.oid AND attnum > 0 AND NOT attisdropped))
FROM ours WHERE relkind IN ('r', 'p', 'f')
UNION ALL
SELECT 'view', relname, relname, pg_get_viewdef(oid) FROM ours WHERE relkind IN ('v', 'm')
UNION ALL
SELECT 'constraint', conname, relname, concat_ws(' ', pg_get_constraintdef(c.oid), convalidated)
FROM pg_constraint c JOIN ours ON ours.oid = conrelid WHERE contype <> 'n'
UNION ALL
SELECT 'index', i.relname, t.relname, concat_ws(' ', pg_get_indexdef(indexrelid), indisvalid)
FROM pg_index JOIN ours i ON i.oid = indexrelid JOIN ours t ON t.oid = indrelid
UNION ALL
SELECT 'trigger', tgname, relname, concat_ws(' ', pg_get_triggerdef(g.oid), tgenabled)
FROM pg_trigger g JOIN ours ON ours.oid = tgrelid WHERE NOT tgisinternal
UNION ALL
SELECT 'constraint trigger', tgconstraint::regclass::text || tgtype, relname, 'disabled'
FROM pg_trigger g JOIN ours ON ours.oid = tgrelid WHERE tgisinternal AND tgenabled <> 'O'
UNION ALL
SELECT 'rule', rulename, relname, pg_get_ruledef(r.oid)
FROM pg_rewrite r JOIN ours ON ours.oid = ev_class WHERE relkind IN ('r', 'p')
UNION ALL
SELECT 'function', proname, split_part(proname, '_', 1), concat_ws(' ', prosrc, prosecdef, proconfig::text)
FROM pg_proc WHERE pronamespace = current_schema()::regnamespace
"""


def described(connection: sa.Connection) -> frozenset[Item]:
    """What makes up the database, as it stands in a transaction."""
    return frozenset(_described(cast("Reader", _raw(connection))))


def _described(reader: Reader) -> Iterator[Item]:
    (here,) = reader.execute("SELECT quote_ident(current_schema()) || '.'").fetchone() or ("",)
    for kind, name, table, spelt in reader.execute(_DESCRIBED):
        yield kind, name, table, str(spelt).replace(here, "")


def _expected(engine: sa.Engine) -> frozenset[Item]:
    """Made in a schema of its own, and taken back."""
    from adapters.database.engine import create_tables  # noqa: PLC0415 - it stands on this module

    aside = sa.create_engine(engine.url, poolclass=sa.NullPool, hide_parameters=True)
    with aside.connect() as connection, connection.begin() as transaction:
        connection.exec_driver_sql(f"CREATE SCHEMA {_EXPECTED}")
        connection.exec_driver_sql(f"SET LOCAL search_path = {_EXPECTED}")
        create_tables(connection)
        found = frozenset(_described(_Reader(_raw(connection))))
        transaction.rollback()
    return found


# The change log: values are hashed as the JSON array that PostgreSQL writes (`json_build_array`), in UTF-8,
# by the order of the columns' names: one that is added comes last here, wherever our models have it. Of a
# column of bytes it holds their SHA-256 in hexadecimal.


def _values_of(table: sa.Table, row: str) -> str:
    columns = sorted(table.columns, key=lambda column: column.name)
    values = (_value_of(column, f'{row}"{column.name}"') for column in columns)
    return f"json_build_array({', '.join(values)})::text"


def _value_of(column: sa.Column[object], name: str) -> str:
    return f"encode(sha256({name}), 'hex')" if column.type.python_type is bytes else name


def _literal(column: sa.Column[object], row: str) -> str:
    name = f'{row}"{column.name}"'
    if column.type.python_type is str:
        return f"'''' || replace({name}, '''', '''''') || ''''"
    return f'{name}::text COLLATE "C"'


def _note(table: str, key: str, values: str, source: str) -> str:
    # OFFSET has each nonce drawn once a row.
    return (
        'INSERT INTO "change" ("table", key, nonce, digest)'  # noqa: S608 - our own names
        f" SELECT {table}, k, n || h,"
        f" sha256(n || h || convert_to(json_build_array({table}, k)::text, 'UTF8'))"
        " FROM (SELECT k, n, sha256(n || convert_to(v, 'UTF8')) AS h"
        f" FROM (SELECT {key} AS k, uuid_send(gen_random_uuid()) AS n, {values} AS v FROM {source}"
        " OFFSET 0) AS each OFFSET 0) AS noted; "
    )


_REFUSE = (
    "RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation',"
    " MESSAGE = TG_TABLE_NAME || ' is only added to';"
)
_KEEP = (
    "IF NEW.key IS NOT NULL OR NEW.nonce IS NOT NULL OR OLD.\"table\" = 'change' OR NEW.id <> OLD.id"
    ' OR NEW."table" <> OLD."table" OR NEW.digest <> OLD.digest THEN'
    " RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation',"
    " MESSAGE = 'of a change only key and nonce are forgotten'; END IF; RETURN NEW;"
)


def entered_again(table: sa.Table) -> str:
    """A statement that notes every row of a table as it stands."""
    key = DIALECT.key_of(table, "a.")
    return _note(f"'{table.name}'", key, _values_of(table, "a."), f'"{table.name}" AS a').removesuffix("; ")


def _function(name: str, body: str) -> str:
    return f'CREATE FUNCTION "{name}"() RETURNS trigger LANGUAGE plpgsql AS $body$BEGIN {body} END$body$'


def _trigger(
    table: str, word: str, when: str, function: str, seen: str = "", *, each: str = "STATEMENT"
) -> str:
    return (
        f'CREATE TRIGGER "{table}_{word}" {when} ON "{table}" {seen}'
        f' FOR EACH {each} EXECUTE FUNCTION "{function}"()'
    )
