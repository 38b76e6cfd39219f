"""Documents in the store, sealed with a data key for each member and month (decision 0015).

The keys lie in the table `data_key`, wrapped by the master key. They are looked up in the transaction of what
they seal and kept in memory no longer than it: a key made in a transaction that is rolled back is gone with
it, and one that another process destroys opens nothing from then on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import sqlalchemy as sa

from adapters.database import known
from adapters.encryption import (
    DataKey,
    Erased,
    MasterKey,
    Unopened,
    UnusableMasterKey,
    key_named,
    new_secret,
    open_document,
    seal_document,
)
from gateway.moments import Received

if TYPE_CHECKING:
    from adapters.database.engine import Database

MASTER = "master_key"
"""The execution option of a connection that holds its `MasterKey`."""

_LIVE = "SELECT id, master, wrapped FROM data_key WHERE member = ? AND month = ? AND destroyed IS NULL"
_ONE = "SELECT member, month, master, wrapped, destroyed FROM data_key WHERE id = ?"
_NEW = "INSERT INTO data_key (id, member, month, master, wrapped, made) VALUES (?, ?, ?, ?, ?, ?)"


_EACH = (
    "SELECT id, member, month, master, wrapped FROM data_key"
    " WHERE id IN (SELECT min(id) FROM data_key WHERE destroyed IS NULL GROUP BY master)"
)
_ALL = "SELECT id, member, month, master, wrapped FROM data_key WHERE destroyed IS NULL"
_REWRAP = "UPDATE data_key SET master = ?, wrapped = ? WHERE id = ?"


def month_of(at: Received) -> str:
    """The month under whose key a document falls: that of its receipt or posting, in UTC."""
    return str(at)[:7]


def key_for(connection: sa.Connection, member: str, at: Received) -> DataKey:
    """The key that seals a member's documents of a moment, made in this transaction if there is none."""
    return known.once(
        connection,
        (DataKey, member, month_of(at)),
        lambda: find_key(connection, member, at) or _make(connection, member, at),
    )


def find_key(connection: sa.Connection, member: str, at: Received) -> DataKey | None:
    """As `key_for`; None where there is none."""
    month = month_of(at)
    row = connection.exec_driver_sql(_LIVE, (member, month)).first()
    if row is None:
        return None
    secret = master_of(connection).unwrap(row.master, row.wrapped, about_key(row.id, member, month))
    return DataKey(UUID(row.id), secret)


def _make(connection: sa.Connection, member: str, at: Received) -> DataKey:
    key, month = DataKey(uuid4(), new_secret()), month_of(at)
    master, wrapped = master_of(connection).wrap(key.secret, about_key(str(key.id), member, month))
    connection.exec_driver_sql(_NEW, (str(key.id), member, month, master, wrapped, str(at)))
    return key


def key_of(connection: sa.Connection, identifier: UUID) -> DataKey:
    """The key that a document names.

    Raises:
        Erased: it was destroyed.
        Unopened: there is none of that id.
    """
    row = connection.exec_driver_sql(_ONE, (str(identifier),)).first()
    if row is None:
        raise Unopened("no such data key")
    if row.destroyed is not None:
        raise Erased(row.member, row.month)
    about = about_key(str(identifier), row.member, row.month)
    return DataKey(identifier, master_of(connection).unwrap(row.master, row.wrapped, about))


def read_document(connection: sa.Connection, kept: object, about: str) -> bytes:
    """The plain bytes of a document that lies in a column.

    Args:
        connection: any transaction.
        kept: what the column holds.
        about: `answer_place` or `receipt_place` of it.

    Raises:
        Erased: its key was destroyed.
        Unopened: it was changed, or belongs elsewhere.
    """
    if not isinstance(kept, bytes):
        raise Unopened("not kept as documents are")
    return open_document(key_of(connection, key_named(kept)), kept, about)


def check_master(connection: sa.Connection) -> None:
    """Whether the master key opens the data keys: one of each master key that wraps any.

    Raises:
        UnusableMasterKey: it is missing, open to others, or another one.
    """
    master = master_of(connection)
    master.check()
    for row in connection.exec_driver_sql(_EACH).all():
        try:
            master.unwrap(row.master, row.wrapped, about_key(row.id, row.member, row.month))
        except Unopened:
            raise UnusableMasterKey(f"{master.file} does not open the data keys of this store") from None


def rewrap(connection: sa.Connection) -> int:
    """Wrap all data keys with the master key that seals now; how many."""
    master = master_of(connection)
    rows = connection.exec_driver_sql(_ALL).all()
    for row in rows:
        about = about_key(row.id, row.member, row.month)
        name, wrapped = master.wrap(master.unwrap(row.master, row.wrapped, about), about)
        connection.exec_driver_sql(_REWRAP, (name, wrapped, row.id))
    return len(rows)


def answer_place(identifier: str) -> str:
    """Where the content of an answer belongs."""
    return f"answer {identifier}"


def receipt_place(deposit: str) -> str:
    """Where the receipt of a deposit belongs."""
    return f"receipt {deposit}"


def about_key(identifier: str, member: str, month: str) -> str:
    """What a wrapped data key says it is."""
    return f"data key {identifier} {member} {month}"


def master_of(connection: sa.Connection) -> MasterKey:
    """The master key of the database that a connection leads to."""
    master: MasterKey = connection.get_execution_options()[MASTER]
    return master


@dataclass(frozen=True, slots=True)
class SqlFileKeys:
    """`adapters.spool.FileKeys`: wraps the key of each file with the data key of its sender and month."""

    database: Database

    def wrap(self, secret: bytes, deposit: str, sender: str, at: Received) -> bytes:
        """Seal the key of a file; a data key made for it is committed before this returns."""
        with self.database.read() as connection:
            key = find_key(connection, sender, at)
        if key is None:
            with self.database.write() as connection:
                key = key_for(connection, sender, at)
        return seal_document(key, secret, f"file {deposit}")

    def unwrap(self, wrapped: bytes, deposit: str) -> bytes:
        """The key of a file.

        Raises:
            Erased, Unopened: as `read_document`.
        """
        with self.database.read() as connection:
            return read_document(connection, wrapped, f"file {deposit}")
