"""What differs between the databases on which our tables lie: one module each, chosen by name.

The embedded default is SQLite; PostgreSQL serves several processes on several machines (decision 0017).
Everything else is written once: SQL that both understand, with `?` for a value where it is written by hand.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cache
from importlib import import_module
from typing import Any, Protocol, cast

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import Insert as PostgresqlInsert
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert

Key = str | tuple[str, ...]
"""What rows are asked for by: a text, or one for each column."""


class UnsafeDatabase(Exception):
    """A database that would not keep what it has said to have kept, or not as it was given."""


class Rows(Protocol):
    """What a query found, read one row after another."""

    def __iter__(self) -> Iterator[tuple[Any, ...]]: ...

    def fetchone(self) -> tuple[Any, ...] | None:
        """The next row; None behind the last one."""


class Reader(Protocol):
    """A connection below SQLAlchemy that only reads and sees one state of the database."""

    def execute(self, query: str, parameters: tuple[object, ...] = (), /) -> Rows:
        """Rows as a stream, so that memory stays flat; `?` in the query where a value goes."""


WRITES_LATER = "writes_later"
"""Option of an engine whose transactions begin without the write lock, and take it by `begin_to_write` before
they read or write anything else: those of the durable engine, which looks into its own tables first."""

Item = tuple[object, object, object, object]
"""Something that makes up a database: kind, name, the table it belongs to, how it is spelt."""


class Dialect(Protocol):
    """How one kind of database does what the other does otherwise."""

    is_shared: bool
    """Whether processes on several machines may work on one database."""

    connecting: Mapping[str, Any]
    """What the driver is told of a connection."""

    failures: tuple[type[Exception], ...]
    """What reading below SQLAlchemy raises."""

    def listen(self, engine: sa.Engine) -> None:
        """Have every connection and every transaction of an engine begin as ours do."""

    def begin_to_write(self, connection: sa.Connection) -> None:
        """Take the write lock, in a transaction that began without it: see `WRITES_LATER`."""

    def found(self, engine: sa.Engine) -> None:
        """Before our tables are made, in an empty database.

        Raises:
            UnsafeDatabase: it is not empty, or cannot be trusted to keep what is committed.
        """

    def guards(self, noted: Collection[sa.Table], growing: Collection[sa.Table]) -> Iterator[str]:
        """What has to be created after all tables: the change log, and that some are only added to.

        Args:
            noted: tables whose rows are in the change log.
            growing: tables in which nothing is changed or deleted.
        """

    def key_of(self, table: sa.Table, row: str = "") -> str:
        """The key of a row in SQL, as it stands in the change log, sorted by its bytes.

        Args:
            row: name of the row with a dot, where it has one.
        """

    def values_of(self, table: sa.Table) -> str:
        """The values of a row in SQL, as they are hashed; whatever stands there is written somehow."""

    def row_of(self, table: str, key: str) -> str:
        """Table and key in SQL, as they are hashed; both in SQL."""

    def last_changes(self) -> str:
        """A query of the last change of each row: table, key, nonce; sorted by table and key."""

    def is_text(self, column: str) -> str:
        """Whether a text stands in a column of texts, in SQL."""

    def opened(self, engine: sa.Engine) -> AbstractContextManager[Reader]:
        """A connection to check everything with.

        Raises:
            Exception: one of `failures`: it is no database.
        """

    def file_findings(self, reader: Reader) -> Iterator[str]:
        """What is wrong below tables and rows, a sentence each."""

    def schema(self, reader: Reader) -> Iterable[Item]:
        """What makes up the database: tables, indexes, triggers and the like."""

    def expected_schema(self, engine: sa.Engine) -> frozenset[Item]:
        """What `schema` gives of a database that was just made."""

    def key_table(self, width: int) -> sa.FromClause:
        """Up to three columns of texts, `a`, `b` and `c`, to join with; `keys` gives its rows."""

    def keys(self, width: int, keys: Collection[Key]) -> Mapping[str, object]:
        """The parameters of a statement with a `key_table`.

        Args:
            keys: texts where it has one column, otherwise tuples of them.
        """

    def enter(
        self,
        connection: sa.Connection,
        table: str,
        columns: Sequence[str],
        rows: Sequence[tuple[object, ...]],
    ) -> None:
        """Enter many rows, the fastest way there is."""

    def scratch(self, connection: sa.Connection, name: str) -> None:
        """Empty one of the temporary tables of `SCRATCH`, also in a transaction that only reads."""

    def insert(self, table: sa.Table) -> SqliteInsert | PostgresqlInsert:
        """An insertion that knows what to do with a row that is there."""

    def tentative(self, connection: sa.Connection) -> AbstractContextManager[None]:
        """Around a transaction that will be rolled back: as little of it as can be gets to the disk."""

    def clear_log(self, engine: sa.Engine) -> bool:
        """Overwrite what the database's own log holds of old rows; whether it could be done."""


SCRATCH = {"year_pair": ("insured", "employer")}
"""Temporary tables of texts, each row once, by name: their columns."""


@cache
def named(name: str) -> Dialect:
    """A dialect by the name that SQLAlchemy gives it; only what is used is loaded."""
    return cast("Dialect", import_module(f"{__name__}.{name}").DIALECT)


def of(connection: sa.Connection) -> Dialect:
    """The dialect that a connection speaks."""
    return named(connection.dialect.name)
