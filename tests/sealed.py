"""Documents as they lie in the store, opened with its keys, as an operator with a console can."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from adapters.database.documents import answer_place, key_of, receipt_place
from adapters.encryption import (
    FORM,
    PACKED,
    Unopened,
    key_named,
    open_document,
    open_sealed,
    seal,
    seal_document,
)
from gateway.moments import Received

SEALED = ("content", "receipt")
_HEAD = FORM + bytes(16)


def place_of(connection: sa.Connection, kept: bytes) -> str | None:
    """Where a sealed document belongs, by the row that holds it; None for anything else."""
    answer = connection.exec_driver_sql("SELECT id FROM answer WHERE content = ?", (kept,)).scalar()
    if answer is not None:
        return answer_place(answer)
    deposit = connection.exec_driver_sql("SELECT id FROM deposit WHERE receipt = ?", (kept,)).scalar()
    return None if deposit is None else receipt_place(deposit)


def plain(connection: sa.Connection, kept: bytes) -> bytes:
    """The bytes of a sealed answer or receipt."""
    place = place_of(connection, kept)
    assert place is not None
    return open_document(key_of(connection, key_named(kept)), kept, place)


def resealed(connection: sa.Connection, kept: bytes, content: bytes) -> bytes:
    """Other bytes in the place of a sealed answer or receipt, as whoever has the master key can make them."""
    place = place_of(connection, kept)
    assert place is not None
    return seal_document(key_of(connection, key_named(kept)), content, place)


def opened(connection: sa.Connection, row: sa.RowMapping) -> dict[str, Any]:
    """A row with its documents in plain bytes."""
    found = dict(row)
    for name in SEALED:
        if isinstance(found.get(name), bytes) and found[name].startswith((FORM, PACKED)):
            found[name] = plain(connection, found[name])
    return found


@dataclass(slots=True)
class MemoryFileKeys:
    """`adapters.spool.FileKeys` with one key in memory."""

    key: bytes = field(default_factory=lambda: os.urandom(32))

    def wrap(self, secret: bytes, deposit: str, sender: str, at: Received) -> bytes:
        """As long as the real thing."""
        return _HEAD + seal(self.key, secret, deposit.encode())

    def unwrap(self, wrapped: bytes, deposit: str) -> bytes:
        """The key of a file."""
        if not wrapped.startswith(_HEAD):
            raise Unopened("not kept as documents are")
        return open_sealed(self.key, wrapped[len(_HEAD) :], deposit.encode())
