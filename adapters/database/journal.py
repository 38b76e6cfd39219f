"""The journal in the database: appended inside the transaction of what it tells.

The write lock that every writing transaction holds keeps the chain single-threaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa

from adapters.database import tables
from gateway.moments import Received
from signing.journal import GENESIS, Entry, entry_hash

journal = tables.table(tables.Journal)


def append(
    connection: sa.Connection, *, at: Received, event: str, subject: str, member: str = "", digest: str = ""
) -> tuple[int, str]:
    """Enter an event; its sequence number and hash.

    Args:
        at: when it happened.
        event: one word, such as `received`, `posted` or `collected`.
        subject: our id of what it happened to.
        member: 19 digits, empty when no member is concerned.
        digest: SHA-256 of the bytes concerned, hexadecimal, empty when there are none.
    """
    return append_all(connection, [Event(at, event, subject, member, digest)])


class Event(NamedTuple):
    """What happened; as in `append`."""

    at: Received
    event: str
    subject: str
    member: str = ""
    digest: str = ""


def append_all(connection: sa.Connection, events: Sequence[Event]) -> tuple[int, str]:
    """Enter events in their order; sequence number and hash of the last one.

    Args:
        events: at least one.
    """
    last = connection.execute(
        sa.select(journal.c.sequence, journal.c.hash).order_by(journal.c.sequence.desc()).limit(1)
    ).first()
    sequence, chain = (last.sequence, bytes.fromhex(last.hash)) if last else (0, GENESIS)
    rows = []
    for one in events:
        sequence += 1
        chain = entry_hash(chain, Entry(sequence, one.at.at, *one[1:]))
        rows.append((sequence, str(one.at), *one[1:], chain.hex()))
    connection.exec_driver_sql(_INSERT, rows)
    return sequence, chain.hex()


_INSERT = (
    "INSERT INTO journal (sequence, at, event, subject, member, digest, hash) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
