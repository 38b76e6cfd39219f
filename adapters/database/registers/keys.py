"""How the registers ask for many keys and write many rows at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa

from adapters.database import dialects
from adapters.database.dialects import Key
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


class Keyed:
    """One question about any number of keys, put together once for each kind of database: for a small batch
    that costs more than asking it.

    Args:
        width: columns of a key, up to three.
        build: the question, given a table of the keys to join with; its columns are `a`, `b` and `c`.
    """

    def __init__(self, width: int, build: Callable[[sa.FromClause], sa.Select[Any]]) -> None:
        self._width = width
        self._query = cache(lambda kind: build(dialects.named(kind).key_table(width)))

    def __call__(
        self, connection: sa.Connection, keys: Iterable[Key], **given: object
    ) -> Iterable[sa.Row[*tuple[Any, ...]]]:
        """The rows found; without keys the database is not asked.

        Args:
            keys: texts where a key has one column, otherwise tuples of them.
            given: what else the question has parameters for.
        """
        asked = set(keys)
        if not asked:
            return ()
        rows = dialects.of(connection).keys(self._width, asked)
        return connection.execute(self._query(connection.dialect.name), {**rows, **given})


def keyed(width: int) -> Callable[[Callable[[sa.FromClause], sa.Select[Any]]], Keyed]:
    """`Keyed` from a function that puts the question together."""
    return lambda build: Keyed(width, build)


def month_row(month: InsuredMonth) -> tuple[str, str, str]:
    return month.employer, month.insured, str(month.period)
