"""How the registers ask for many keys and write many rows at once."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

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


def key_table(connection: sa.Connection, keys: Iterable[tuple[str, ...]]) -> sa.Table:
    """A temporary table of up to three key columns, to join with: one question for any number of keys.

    It has no index, so that the register is searched by its own, key by key. With one, SQLite would
    read the whole register and look every row up here.
    """
    connection.exec_driver_sql("CREATE TEMP TABLE IF NOT EXISTS wanted (a TEXT, b TEXT, c TEXT)")
    connection.exec_driver_sql("DELETE FROM wanted")
    once = set(keys)
    columns = "abc"[: len(next(iter(once), ()))]
    marks = ", ".join("?" * len(columns))
    many(connection, f"INSERT INTO wanted ({', '.join(columns)}) VALUES ({marks})", once)  # noqa: S608 - ours
    return _WANTED


_WANTED = sa.Table("wanted", sa.MetaData(), *(sa.Column(name, sa.Text) for name in "abc"))


def month_row(month: InsuredMonth) -> tuple[str, str, str]:
    return month.employer, month.insured, str(month.period)
