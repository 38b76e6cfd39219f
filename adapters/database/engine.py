"""Transactions on the embedded database.

SQLite in WAL mode with `synchronous=FULL`: what is committed survives a power cut. A writing
transaction takes the write lock when it begins (`BEGIN IMMEDIATE`), so that what it has read is
still true when it writes; a reading one never waits for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlmodel import SQLModel

from adapters.database import tables

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

BUSY_TIMEOUT_MS = 30_000


class Database:
    """One SQLite file: our tables and, beside them, those of the durable engine."""

    def __init__(self, file: Path) -> None:
        # Parameters hold personal data, and errors end in logs: hidden.
        self.url = f"sqlite:///{file}"
        self.engine = sa.create_engine(self.url, pool_size=20, max_overflow=40, hide_parameters=True)
        sa.event.listen(self.engine, "connect", _configure)
        sa.event.listen(self.engine, "begin", _begin)

    def create(self) -> None:
        """Create what is missing: WAL mode, which stays with the file, and our tables."""
        with self.engine.connect() as connection:
            raw = connection.connection.dbapi_connection
            assert raw is not None
            raw.cursor().execute("PRAGMA journal_mode=WAL")
        SQLModel.metadata.create_all(self.engine, tables=list(tables.OURS))

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A writing transaction: committed at the end, rolled back on any exception."""
        with self.engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A consistent reading transaction that takes no lock."""
        with self.engine.connect().execution_options(reading=True) as connection:
            yield connection

    def close(self) -> None:
        """Give every connection back."""
        self.engine.dispose()


def _configure(raw: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    """Every connection: transactions begun by us alone, durable commits, patience with others."""
    raw.isolation_level = None
    cursor = raw.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA temp_store=MEMORY")
    # An index made for one statement would turn a search by keys into a scan; see registers.
    cursor.execute("PRAGMA automatic_index=OFF")
    cursor.close()


def _begin(connection: sa.Connection) -> None:
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
