"""Going on although something that was promised is lost: the operator's decision, never the gateway's.

Files of deposits that the database does not know are set aside, never deleted, and told with all that can
still be read of them. They are not entered again: under which name a file was sent is known to the lost
database alone, and a deposit under another name would be refused. Their senders are asked to send the same
files again, which does no harm where something of it is known after all (promise P3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from adapters.database import Database, tables
from adapters.database.journal import append
from adapters.encryption import Erased, Unopened
from adapters.erasure import REASON
from adapters.spool import Spool
from adapters.stores import Stored
from adapters.witness import Older, Unwitnessed, Witness
from gateway.moments import Received

ACCEPTED = "loss accepted"
BEGUN = "witness begun"
data_key = tables.table(tables.DataKey)
deposit = tables.table(tables.Deposit)


class NothingLost(Exception):
    """The journal is the one that was promised on: there is nothing to accept."""


class UnusableReason(Exception):
    """The reason cannot stand in the journal."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A file whose deposit the database does not know.

    Attributes:
        deposit: its id.
        at: when it was kept.
        size: bytes as they lie in the store.
        member, month: whose it is, and of which month; empty when its key is lost with the database.
        digest: SHA-256 of the sender's bytes, hexadecimal; empty when they cannot be read any more.
    """

    deposit: str
    at: datetime
    size: int
    member: str
    month: str
    digest: str


@dataclass(frozen=True, slots=True)
class Loss:
    """What was accepted.

    Attributes:
        promised: how far the journal was promised; None when no witness could be read.
        size: how far it goes.
        files: that were set aside.
    """

    promised: int | None
    size: int
    files: Sequence[Unknown]


def begin(database: Database, witness: Witness, reason: str, now: Received) -> None:
    """Make the files of a witness that are missing, on a further machine or in a new place; the journal says
    so.

    Args:
        reason: as in `accept`.

    Raises:
        NothingLost: none is missing.
        UnusableReason
        Older, Unwitnessed: one that is there tells another journal, or cannot be read.
    """
    _check_reason(reason)
    missing = [one for one in witness.files if not one.file.exists()]
    if not missing:
        raise NothingLost("no witness is missing")
    Witness(database, [one.file for one in witness.files if one not in missing]).check()
    with database.write() as connection:
        append(connection, at=now, event=BEGUN, subject=reason)
    for one in missing:
        one.begin(witness.head())


def _check_reason(reason: str) -> None:
    if REASON.fullmatch(reason) is None:
        raise UnusableReason("a reason has up to 40 letters, digits, dots, slashes and hyphens")


def accept(database: Database, spool: Spool, witness: Witness, reason: str, now: Received) -> Loss:
    """Set aside what the database does not know, enter it in the journal, and begin the witness anew.

    Args:
        database, spool, witness: of a gateway that does not run.
        reason: a word or the number of a case; names nobody, as the journal keeps it for ever.
        now: the moment.

    Raises:
        NothingLost, UnusableReason
    """
    _check_reason(reason)
    promised, root = _promised(witness)
    size = witness.head().sequence
    with database.read() as connection:
        entered = set(connection.execute(sa.select(deposit.c.id)).scalars())
        keys = {row.id: (row.member, row.month) for row in connection.execute(sa.select(data_key))}
    unknown = [_told(spool, one, keys) for one in spool.store.files() if one.deposit not in entered]
    for one in unknown:
        spool.store.set_aside(one.deposit)
    with database.write() as connection:
        subject = f"{'unknown' if promised is None else promised} {reason}"
        append(connection, at=now, event=ACCEPTED, subject=subject, digest=root)
    witness.begin()
    return Loss(promised, size, unknown)


def _promised(witness: Witness) -> tuple[int | None, str]:
    """How far the journal was promised, and its root then."""
    try:
        witness.check()
    except Older as older:
        return older.promised.sequence, older.promised.hash
    except Unwitnessed:
        return None, ""
    raise NothingLost("the journal is the one that was promised on")


def _told(spool: Spool, one: Stored, keys: dict[str, tuple[str, str]]) -> Unknown:
    try:
        member, month = keys.get(spool.sealed_with(one.deposit), ("", ""))
        digest = spool.digest(one.deposit) or ""
    except Unopened:
        member, month, digest = "", "", ""
    except Erased as erased:
        member, month, digest = erased.member, erased.month, ""
    return Unknown(one.deposit, one.at, one.size, member, month, digest)
