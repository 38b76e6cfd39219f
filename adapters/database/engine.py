"""Transactions on the database: an embedded one, or a server that several machines share.

What is committed survives a power cut. A writing transaction takes the write lock when it begins, so that
what it has read is still true when it writes; a reading one sees one state of the database and waits for
nobody. Whatever rows of ours it has changed are in the journal before it commits, also in the transactions of
the durable engine. How each kind of database comes to that is told in `adapters.database.dialects`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa
from sqlmodel import SQLModel

from adapters import durable
from adapters.database import changes, dialects, tables
from adapters.database.dialects import Dialect, Reader
from adapters.database.documents import MASTER, SqlFileKeys
from adapters.database.journal import note_changes
from adapters.encryption import MasterKey
from gateway.moments import Clock, Received, system_clock

LEADER = "leader"
"""The lease of the one gateway, of all on a database, that does what falls due with time."""
_POOLED, _MORE = 20, 40
"""Connections that are kept, and how many more there may be for a while."""


class Lease(Protocol):
    """A lock on the database server that lasts as long as its connection, so no longer than the process."""

    def lasts(self) -> bool:
        """Whether it is still ours; asks the server."""

    def close(self) -> None:
        """Give it up."""


class Database:
    """Our tables and, beside them, those of the durable engine.

    Args:
        place: the file of an embedded database, or the address of a server: `postgresql://…`.
        clock: of what the journal tells by itself.
        master_key: file of the key that opens the data keys; an embedded database has a default beside it.

    Raises:
        ValueError: an address without a master key.
    """

    def __init__(
        self, place: Path | str, clock: Clock = system_clock, master_key: Path | None = None
    ) -> None:
        if isinstance(place, Path):
            master_key = master_key or place.parent / "keys" / "master.key"
            url = sa.URL.create("sqlite", database=str(place))
        else:
            url = sa.make_url(place).set(drivername="postgresql+psycopg")
        if master_key is None:
            raise ValueError("beside a server there is no place for a master key")
        self.master = MasterKey(master_key)
        self._clock = clock
        self.url = url.render_as_string(hide_password=False)
        # Parameters hold personal data, and errors end in logs: hidden.
        self.engine = sa.create_engine(
            url,
            pool_size=_POOLED,
            max_overflow=_MORE,
            hide_parameters=True,
            connect_args=dialects.named(url.get_backend_name()).connecting,
        )
        self.dialect.listen(self.engine)
        durable.watch(self.engine)
        sa.event.listen(self.engine, "commit", self._commit)
        self.engine = self.engine.execution_options(**{MASTER: self.master})

    @property
    def dialect(self) -> Dialect:
        """What is special about this kind of database."""
        return dialects.named(self.engine.dialect.name)

    @property
    def is_shared(self) -> bool:
        """Whether processes on several machines may work on it."""
        return self.dialect.is_shared

    @property
    def file(self) -> Path:
        """Where an embedded database lies.

        Raises:
            ValueError: it is on a server.
        """
        if self.is_shared or self.engine.url.database is None:
            raise ValueError("the database is on a server, not in a file")
        return Path(self.engine.url.database)

    def create(self) -> None:
        """Create our tables with all that belongs to them, in a database that is empty.

        A master key is made where there is none.

        Raises:
            UnsafeDatabase: it is not empty, or its server would not keep what is committed.
        """
        self.dialect.found(self.engine)
        if not self.master.file.exists():
            self.master.make()
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

    def opened(self) -> AbstractContextManager[Reader]:
        """A connection below SQLAlchemy that only reads and sees one state of the database, to check it with.

        Raises:
            Exception: one of `dialect.failures`: it is no database.
        """
        return self.dialect.opened(self.engine)

    def lease(self, name: str) -> Lease | None:
        """Take the lock of a name, on a connection of its own; None when another process has it.

        Raises:
            ValueError: the database is not shared.
        """
        if not self.is_shared:
            raise ValueError("a lease is of a database that processes share")
        found: Lease | None = import_module("adapters.database.dialects.postgresql").lease(self.engine, name)
        return found

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
    for trigger in changes.triggers(connection.dialect.name):
        connection.exec_driver_sql(trigger)
