"""How the registers ask for many keys and write many rows at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from adapters.database import dialects
from gateway.registers import InsuredMonth


def many(connection: sa.Connection, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
    """Run a statement once per row, below SQLAlchemy's own handling of parameters.

    Args:
        statement: SQL with `?` where a value of the row goes.
        rows: values in the order of the marks.
    """
    given = list(rows)
    if given:
        connection.exec_driver_sql(statement, given)


def enter(
    connection: sa.Connection, table: str, columns: Sequence[str], rows: Iterable[tuple[object, ...]]
) -> None:
    """Enter rows into a table, the fastest way its database has.

    Args:
        rows: values in the order of the columns.
    """
    given = list(rows)
    if given:
        dialects.of(connection).enter(connection, table, columns, given)


def key_table(connection: sa.Connection, keys: Iterable[tuple[str, ...]]) -> sa.FromClause:
    """Up to three key columns, `a`, `b` and `c`, to join with: one question for any number of keys."""
    return dialects.of(connection).key_table(connection, set(keys))


def month_row(month: InsuredMonth) -> tuple[str, str, str]:
    return month.employer, month.insured, str(month.period)
