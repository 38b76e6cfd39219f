"""What follows the steps on SQLite: every table, index and trigger spelt as our models spell it.

SQLite keeps the letters of a definition, `ALTER TABLE` leaves others than `CREATE TABLE` would, and `secugate
verify` compares them: an index or a trigger that was weakened must not pass for one that a step changed. So a
table that is spelt otherwise is made anew and its rows are put into it, where the triggers enter each of them
in the change log with the digest of its new columns. Before that, its rows are compared with the change log
as it was: what somebody altered behind the gateway's back must not be entered as if it had always been so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa

from adapters.database.changes import KEPT, NONCE, UNNOTED, content_hash
from adapters.database.dialects.sqlite import key_of, values_of
from adapters.database.engine import create_tables

_KEPT_ROWS = "rows_while_migrating"


class NotMigrated(Exception):
    """A step was not made, and nothing was changed; its text says why."""


class Item(NamedTuple):
    """A line of `sqlite_master`."""

    type: str
    name: str
    table: str
    sql: str | None


def respelt(connection: sa.Connection) -> Set[str]:
    """The tables that are spelt otherwise than our models do, as far as they are there."""
    found = items(connection)
    wrong = {item.table for item in _expected() - found if item.type == "table"}
    return wrong & {item.table for item in found}


def check_rows(connection: sa.Connection, names: Set[str]) -> None:
    """Whether the rows of tables are those that the change log tells of, column by column as they stand now.

    Raises:
        NotMigrated: a row was changed behind the gateway's back.
    """
    for name in sorted(names - UNNOTED):
        table = sa.Table(name, sa.MetaData(), autoload_with=connection)
        key = key_of(table, "t.")
        query = (
            f'SELECT {key}, {values_of(table, "t.")}, l.nonce FROM "{name}" t LEFT JOIN'  # noqa: S608 - ours
            ' (SELECT key, nonce, max(id) FROM "change" WHERE "table" = ? AND key IS NOT NULL GROUP BY key) l'
            f" ON l.key IS {key}"
        )
        compare_rows(name, connection.exec_driver_sql(query, (name,)))


def compare_rows(name: str, rows: Iterable[Sequence[Any]]) -> None:
    """Compare rows of a table, as key, values and what the change log keeps of their last change.

    Raises:
        NotMigrated: a row is not the one that the change log tells of.
    """
    for row, values, kept in rows:
        if len(kept or b"") != KEPT or content_hash(kept[:NONCE], values) != kept[NONCE:]:
            raise NotMigrated(f"row {row} of {name} is not the one that was entered; see secugate verify")


def respell(connection: sa.Connection) -> None:
    """Make anew what is spelt otherwise than our models do.

    Raises:
        NotMigrated: a table has not the columns that the models have.
    """
    for name in sorted(respelt(connection)):
        _rebuild(connection, name)
    found, expected = items(connection), _expected()
    ours = {item.table for item in expected}
    beside = [item for item in found - expected if item.table in ours and item.sql is not None]
    for item in beside:
        if item.type == "table":
            raise NotMigrated(f"{item.name} could not be spelt as it should be")
        connection.exec_driver_sql(f'DROP {item.type} "{item.name}"')
    _make(connection, expected - found, ("table", "index", "trigger"))


def _rebuild(connection: sa.Connection, name: str) -> None:
    """Make a table anew with its rows; each is entered in the change log by the triggers."""
    before = _columns(connection, name)
    last = _sequence(connection, name)
    connection.exec_driver_sql(f'CREATE TABLE {_KEPT_ROWS} AS SELECT * FROM "{name}"')  # noqa: S608 - ours
    connection.exec_driver_sql(f'DROP TABLE "{name}"')
    items = {item for item in _expected() if item.table == name}
    _make(connection, items, ("table",))
    after = _columns(connection, name)
    if set(before) != set(after):
        odd = ", ".join(sorted(set(before) ^ set(after)))
        raise NotMigrated(f"{name} has not the columns that this program needs ({odd})")
    _make(connection, items, ("index", "trigger"))
    columns = ", ".join(f'"{column}"' for column in after)
    connection.exec_driver_sql(
        f'INSERT INTO "{name}" ({columns}) SELECT {columns} FROM {_KEPT_ROWS} ORDER BY rowid'  # noqa: S608 - ours
    )
    connection.exec_driver_sql(f"DROP TABLE {_KEPT_ROWS}")
    if last is not None:
        connection.exec_driver_sql("UPDATE sqlite_sequence SET seq = ? WHERE name = ?", (last, name))


def _sequence(connection: sa.Connection, name: str) -> int | None:
    """The highest number that a table ever gave, where it never gives one twice."""
    if not sa.inspect(connection).has_table("sqlite_sequence"):
        return None
    query = "SELECT seq FROM sqlite_sequence WHERE name = ?"
    found: int | None = connection.exec_driver_sql(query, (name,)).scalar()
    return found


def _columns(connection: sa.Connection, name: str) -> list[str]:
    return [row.name for row in connection.exec_driver_sql(f'PRAGMA table_info("{name}")')]


def _make(connection: sa.Connection, items: Set[Item], kinds: tuple[str, ...]) -> None:
    for kind in kinds:
        for item in sorted(one for one in items if one.type == kind and one.sql is not None):
            assert item.sql is not None
            connection.exec_driver_sql(item.sql)


def items(connection: sa.Connection) -> frozenset[Item]:
    """What a database is made of, letter by letter."""
    query = sa.text("SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")
    return frozenset(Item(*row) for row in connection.execute(query))


@cache
def _expected() -> frozenset[Item]:
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        create_tables(connection)
        return items(connection)
