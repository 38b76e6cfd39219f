"""Erasure: the data key of a member's documents of a month is destroyed, and the journal says so.

What the documents were is then known from the journal alone: that they came or went, when, their size and
digest. The documents themselves stay where they are, sealed with a key that nobody has. A store restored from
before the erasure still holds the wrapped key; so its id is noted in a file beside the master key first, and
each start destroys again what stands there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Any

import sqlalchemy as sa

from adapters.database import Database, tables
from adapters.database.documents import check_master, rewrap
from adapters.database.journal import append
from adapters.encryption import Erased, MasterKey, note
from gateway.batch import MemberId
from gateway.moments import Period, Received
from gateway.states import State

answer = tables.table(tables.Answer)
data_key = tables.table(tables.DataKey)
deposit = tables.table(tables.Deposit)

ERASED = "erased"
RESTORED = "restored"
"""The reason of an erasure that was done again after a restore."""
REASON = re.compile(r"[A-Za-z0-9./-]{1,40}")
REST = timedelta(days=1)
"""So long after its end nothing is sealed for a month any more, whatever our clocks do."""
_UNTREATED = [state.value for state in State if state not in (State.DONE, State.HELD, State.REJECTED)]


class NotErased(Exception):
    """The documents of a month cannot be erased, or not now; nothing was changed."""


class StillInLog(Exception):
    """The key is destroyed, but its old row could not be cleared from the database's log yet."""


@dataclass(frozen=True, slots=True)
class Erasures:
    """What the journal tells of erasures: until when documents of a member and month are covered."""

    until: Mapping[tuple[str, str], str]

    @classmethod
    def of(cls, journal: Iterable[sa.Row[Any]]) -> Erasures:
        """From the rows of the journal."""
        return cls(
            {(row.member, str(row.subject).split(" ")[1]): row.at for row in journal if row.event == ERASED}
        )

    def cover(self, erased: Erased, member: object, at: object) -> bool:
        """Whether a document of a member and moment may have the key that was destroyed."""
        named = (erased.member, erased.month)
        return named == (member, str(at)[:7]) and str(at) <= self.until.get(named, "")


def erase(database: Database, member: MemberId, month: Period, reason: str, now: Received) -> bool:
    """Destroy the key of a member's documents of a month; False when there is none.

    Args:
        database: of the gateway; it may be running.
        member: whose documents.
        month: of their receipt or posting, in UTC.
        reason: a word or the number of a case; names nobody, as the journal keeps it for ever.
        now: the moment.

    Raises:
        NotErased: the month is not over, or something of it is not treated or not collected yet.
        StillInLog: done, but to be called again.
    """
    if REASON.fullmatch(reason) is None:
        raise NotErased("a reason has up to 40 letters, digits, dots, slashes and hyphens")
    if (now.at - REST).strftime("%Y-%m") <= str(month):
        raise NotErased(f"{month} has not been over for a day")
    with database.write() as connection:
        hindrance = hindrance_of(connection, str(member), str(month))
        if hindrance is not None:
            raise NotErased(hindrance)
        live = sa.and_(
            data_key.c.member == str(member), data_key.c.month == str(month), data_key.c.destroyed.is_(None)
        )
        identifier = connection.execute(sa.select(data_key.c.id).where(live)).scalar()
        if identifier is not None:
            # First: what is noted here is destroyed again at the next start, whatever happens now.
            note(database.master.destroyed, f"{identifier} {member} {month} {now} {reason}")
            _destroy(connection, identifier, str(member), str(month), reason, now)
    clear_log(database)
    return identifier is not None


def hindrance_of(connection: sa.Connection, member: str, month: str) -> str | None:
    """Why a month of a member cannot be erased yet; None when it can."""
    untreated = sa.select(sa.func.count()).where(
        deposit.c.sender == member, deposit.c.received.startswith(month), deposit.c.state.in_(_UNTREATED)
    )
    count = connection.execute(untreated).scalar_one()
    if count:
        return f"{count} deposits of it are not treated yet"
    unread = sa.select(sa.func.count()).where(
        answer.c.recipient == member, answer.c.posted.startswith(month), answer.c.collected.is_(None)
    )
    count = connection.execute(unread).scalar_one()
    return f"{count} answers of it were never collected" if count else None


def _destroy(
    connection: sa.Connection, identifier: str, member: str, month: str, reason: str, now: Received
) -> None:
    connection.execute(
        sa.update(data_key).where(data_key.c.id == identifier).values(wrapped=None, destroyed=str(now))
    )
    hidden = sa.and_(answer.c.recipient == member, answer.c.posted.startswith(month))
    connection.execute(sa.update(answer).where(hidden).values(put_away=True))
    append(connection, at=now, event=ERASED, subject=f"{identifier} {month} {reason}", member=member)


def clear_log(database: Database) -> None:
    """Bring what was written into the database file and empty its log, which still holds the old rows.

    Raises:
        StillInLog: somebody reads from it.
    """
    if not database.dialect.clear_log(database.engine):
        raise StillInLog("the key is destroyed; give the command again to clear the log of the database")


_AT_ONCE = 500


def open_store(database: Database, now: Received) -> int:
    """Before anything is served: check the master key, and destroy again what a restore brought back.

    Returns:
        How many keys were brought back.

    Raises:
        UnusableMasterKey: it is missing, open to others, or not the one of this store.
    """
    with database.read() as connection:
        check_master(connection)
    query = sa.select(data_key.c.id, data_key.c.member, data_key.c.month)
    alive = query.where(data_key.c.destroyed.is_(None))
    noted = iter(_noted(database.master))
    live: list[sa.Row[Any, Any, Any]] = []
    with database.read() as connection:
        # Few keys are destroyed and many are not: asked for by name.
        while some := list(islice(noted, _AT_ONCE)):
            live += connection.execute(alive.where(data_key.c.id.in_(some))).all()
    for row in live:
        with database.write() as connection:
            _destroy(connection, row.id, row.member, row.month, RESTORED, now)
    if live:
        clear_log(database)
    return len(live)


def _noted(master: MasterKey) -> Iterable[str]:
    """The ids of the keys that were destroyed."""
    lines = master.destroyed.read_text().splitlines() if master.destroyed.exists() else []
    return (line.partition(" ")[0] for line in lines)


def rotate_master(database: Database) -> int:
    """Seal all data keys with a new master key and forget the old one; no document is touched.

    A running gateway follows. Cut off at any point, it can be given again: until the last step the file holds
    the old key beside the new one.

    Returns:
        How many keys were re-wrapped.

    Raises:
        UnusableMasterKey
    """
    database.master.add_new()
    with database.write() as connection:
        count = rewrap(connection)
    database.master.forget_old()
    clear_log(database)
    return count
