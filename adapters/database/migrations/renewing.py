"""What follows the steps on a server: functions and triggers as our models have them, rows entered anew.

There a step changes a table where it stands, while gateways may go on working with it. What our models put
around tables is then compared with what is there, and only what differs is made anew: a function is
replaced without anybody waiting, a trigger or an index only where there is none yet. Rows of a table whose
columns changed are entered in the change log again, with the digest of their new columns; before the steps
they were compared with the change log as it was, so that no step makes good what somebody altered.
"""

from __future__ import annotations

from collections.abc import Set

import sqlalchemy as sa

from adapters.database import changes, dialects
from adapters.database.changes import UNNOTED, noted_tables
from adapters.database.dialects import Item
from adapters.database.dialects.postgresql import described, entered_again
from adapters.database.migrations.respelling import NotMigrated, compare_rows
from adapters.database.tables import OURS

_GUARDS = ("trigger", "function")
_NOTES = 'BEGIN INSERT INTO "change"'
"""How a function begins that writes into the change log."""


def altered(connection: sa.Connection, expected: frozenset[Item]) -> Set[str]:
    """The tables that have not the columns of our models, as far as they are there."""
    found = described(connection)
    wrong = {table for kind, _, table, _ in expected - found if kind == "table"}
    return {str(table) for table in wrong & {table for kind, _, table, _ in found if kind == "table"}}


def check_rows(connection: sa.Connection, names: Set[str]) -> None:
    """Whether the rows of tables are those that the change log tells of, column by column as they stand now.

    Raises:
        NotMigrated: a row was changed behind the gateway's back.
    """
    dialect = dialects.of(connection)
    for name in sorted(names - UNNOTED):
        table = sa.Table(name, sa.MetaData(), autoload_with=connection)
        rows = f'SELECT {dialect.key_of(table)} AS k, {dialect.values_of(table)} AS v FROM "{name}"'  # noqa: S608
        query = (
            f"SELECT k, v, nonce FROM ({rows}) AS stands LEFT JOIN"  # noqa: S608 - our own names
            ' (SELECT DISTINCT ON (key) key, nonce FROM "change" WHERE "table" = ? AND key IS NOT NULL'
            " ORDER BY key, id DESC) AS entered ON entered.key = k"
        )
        compare_rows(name, connection.exec_driver_sql(query, (name,)))


def renew(connection: sa.Connection, expected: frozenset[Item], names: Set[str]) -> None:
    """Make anew what guards the tables, and enter the rows of tables that were altered.

    Args:
        expected: what makes up a database of our models.
        names: of the tables that were altered.

    Raises:
        NotMigrated: something is not as our models have it, and no step made it so.
    """
    _check(connection, {item for item in expected if item[0] == "table"})
    _renew_guards(connection, expected)
    _renew_indexes(connection, expected)
    for table in noted_tables():
        if table.name in names:
            connection.exec_driver_sql(entered_again(table))
    _check(connection, expected)


def _check(connection: sa.Connection, expected: Set[Item]) -> None:
    for kind, name, table, _ in sorted(expected - described(connection), key=str):
        raise NotMigrated(f"{kind} {name} (of {table}) would not be as this program needs it")


def _renew_guards(connection: sa.Connection, expected: frozenset[Item]) -> None:
    lacking = {(kind, name) for kind, name, _, _ in expected - described(connection) if kind in _GUARDS}
    # A trigger goes before its function does.
    for kind, name, table in sorted(_surplus(connection, expected), key=str, reverse=True):
        on = f' ON "{table}"' if kind == "trigger" else "()"
        connection.exec_driver_sql(f'DROP {kind} "{name}"{on}')
    for statement in changes.triggers(connection.dialect.name):
        if _named(statement) in lacking:
            connection.exec_driver_sql(statement.replace("CREATE", "CREATE OR REPLACE", 1))


def _renew_indexes(connection: sa.Connection, expected: frozenset[Item]) -> None:
    indexes = {str(index.name): index for table in OURS for index in table.indexes}
    for _, name, _, _ in sorted(expected - described(connection), key=str):
        if name in indexes:
            connection.exec_driver_sql(f'DROP INDEX IF EXISTS "{name}"')
            indexes[str(name)].create(connection)


def _surplus(connection: sa.Connection, expected: frozenset[Item]) -> Set[tuple[object, object, object]]:
    """What guards tables of ours, also of those that are gone, by a name that our models do not know."""
    names = {(kind, name) for kind, name, _, _ in expected}
    ours = {table for kind, _, table, _ in expected if kind == "table"}
    return {
        (kind, name, table)
        for kind, name, table, spelt in described(connection)
        if (kind, name) not in names
        and ((kind == "trigger" and table in ours) or (kind == "function" and str(spelt).startswith(_NOTES)))
    }


def _named(statement: str) -> tuple[str, str]:
    """Kind and name of what a statement makes: `CREATE TRIGGER "name" …`."""
    _, kind, rest = statement.split(" ", 2)
    return kind.lower(), rest.split('"')[1]
