"""The journal in the database: appended inside the transaction of what it tells.

The write lock that every writing transaction holds keeps the chain single-threaded.
"""

from __future__ import annotations

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
    last = connection.execute(
        sa.select(journal.c.sequence, journal.c.hash).order_by(journal.c.sequence.desc()).limit(1)
    ).first()
    sequence, previous = (last.sequence + 1, bytes.fromhex(last.hash)) if last else (1, GENESIS)
    entry = Entry(sequence, at.at, event, subject, member, digest)
    hashed = entry_hash(previous, entry).hex()
    connection.execute(
        sa.insert(journal).values(
            sequence=sequence,
            at=str(at),
            event=event,
            subject=subject,
            member=member,
            digest=digest,
            hash=hashed,
        )
    )
    return sequence, hashed
