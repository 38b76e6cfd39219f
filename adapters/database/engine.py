"""Transactions on the embedded database.

SQLite in WAL mode with `synchronous=FULL`: what is committed survives a power cut. A writing
transaction takes the write lock when it begins (`BEGIN IMMEDIATE`), so that what it has read is
still true when it writes; a reading one never waits for it. Whatever rows of ours it has changed are in
the journal before it commits, also in the transactions of the durable engine.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

import sqlalchemy as sa
from sqlmodel import SQLModel

from adapters.database import changes, tables
from adapters.database.documents import MASTER, SqlFileKeys
from adapters.database.journal import note_changes
from adapters.encryption import MasterKey
from gateway.moments import Clock, Received, system_clock

if TYPE_CHECKING:
    import sqlite3

    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

BUSY_TIMEOUT_MS = 30_000


class Database:
    """One SQLite file: our tables and, beside them, those of the durable engine.

    Args:
        file: the database.
        clock: of what the journal tells by itself.
        master_key: file of the key that opens the data keys; that of the embedded default without it.
    """

    def __init__(self, file: Path, clock: Clock = system_clock, master_key: Path | None = None) -> None:
        self.file = file
        self.master = MasterKey(master_key or file.parent / "keys" / "master.key")
        self._clock = clock
        # Parameters hold personal data, and errors end in logs: hidden.
        self.url = f"sqlite:///{file}"
        self.engine = sa.create_engine(self.url, pool_size=20, max_overflow=40, hide_parameters=True)
        sa.event.listen(self.engine, "connect", _configure)
        sa.event.listen(self.engine, "begin", _begin)
        sa.event.listen(self.engine, "commit", self._commit)
        self.engine = self.engine.execution_options(**{MASTER: self.master})

    def create(self) -> None:
        """Create WAL mode, which stays with the file, and our tables with all that belongs to them.

        A master key is made where there is none.
        """
        if not self.master.file.exists():
            self.master.make()
        with self.engine.connect() as connection:
            raw = connection.connection.dbapi_connection
            assert raw is not None
            raw.cursor().execute("PRAGMA journal_mode=WAL")
        with self.write() as connection:
            create_tables(connection)

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

    def act_as(self, person: str) -> None:
        """Have the journal name somebody of the staff in all that is written from here on."""
        self.engine = self.engine.execution_options(actor=person)

    @property
    def file_keys(self) -> SqlFileKeys:
        """Wraps the keys of the files in the spool."""
        return SqlFileKeys(self)

    def close(self) -> None:
        """Give every connection back."""
        self.engine.dispose()

    def _commit(self, connection: sa.Connection) -> None:
        note_changes(connection, Received(self._clock()))


def create_tables(connection: sa.Connection) -> None:
    """Create our tables, their indexes and their triggers in an empty database."""
    SQLModel.metadata.create_all(connection, tables=list(tables.OURS))
    for trigger in changes.triggers():
        connection.exec_driver_sql(trigger)


def _configure(raw: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    """Every connection: transactions begun by us alone, durable commits, patience with others."""
    raw.isolation_level = None
    changes.register(cast("sqlite3.Connection", raw))
    cursor = raw.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    # What is deleted or replaced is overwritten with zeros: erasure counts on it.
    cursor.execute("PRAGMA secure_delete=ON")
    cursor.execute("PRAGMA temp_store=MEMORY")
    # An index made for one statement would turn a search by keys into a scan; see registers.
    cursor.execute("PRAGMA automatic_index=OFF")
    cursor.close()


def _begin(connection: sa.Connection) -> None:
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
