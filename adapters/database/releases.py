"""The second person of a sender: files above the number of records that the sender named wait for one.

The first person is whose certificate signed the file; the second comes through the HTTPS door with
another certificate of the same member.
"""

from __future__ import annotations

from datetime import timedelta
from enum import Enum, auto

import sqlalchemy as sa

from adapters.database import deposits, tables
from adapters.database.deposits import Kept
from adapters.database.engine import Database
from adapters.database.journal import append
from adapters.database.members import agreement_of
from gateway import states
from gateway.moments import Received
from gateway.process import Examined
from gateway.states import Event, State

release = tables.table(tables.Release)
deposit = deposits.deposit

LASTS = timedelta(days=10)
"""How long a file waits (our own figure): longer would only hide that nobody looks."""


class Decision(Enum):
    """Whether a file that is good so far may be treated."""

    FREE = auto()
    WAITS = auto()
    REFUSED = auto()


class SamePerson(Exception):
    """Whoever signed a file may not release it."""


def decision(connection: sa.Connection, one: Kept, examined: Examined, now: Received) -> Decision:
    """Whether a file may be treated; one that needs a second person and has none yet is set to wait."""
    agreed = agreement_of(connection, one.sender, Received(one.deposit.received))
    if agreed is None or agreed.release_above is None or examined.batch.size <= agreed.release_above:
        return Decision.FREE
    told = connection.execute(sa.select(release.c.released).where(release.c.deposit == one.number)).first()
    if told is not None and told.released is not None:
        return Decision.FREE if told.released else Decision.REFUSED
    connection.execute(
        sa.insert(release).values(
            deposit=one.number, signer=examined.evidence.digests[0], asked=str(now), released=None
        )
    )
    _bring(connection, one, Event.NEEDS_RELEASE, now)
    return Decision.WAITS


def _bring(connection: sa.Connection, one: Kept, event: Event, now: Received) -> None:
    state = states.after(one.state, event).value
    connection.execute(
        sa.update(deposit)
        .where(deposit.c.number == one.number)
        .values(state=state, changed=str(now), group=None, not_before=None)
    )


def expire(database: Database, now: Received) -> None:
    """Refuse what nobody released in time."""
    query = (
        sa.select(deposit)
        .join(release, release.c.deposit == deposit.c.number)
        .where(sa.text(tables.RELEASE_WAITS), release.c.asked <= str(Received(now.at - LASTS)))
    )
    with database.write() as connection:
        for row in connection.execute(query).all():
            _answer(connection, deposits.kept(row), None, released=False, at=now)


class Releases:
    """The deposits that wait for a second person, as a door sees them: always for one member."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def answer(self, sender: str, identifier: str, person: str, *, released: bool, at: Received) -> bool:
        """Release or withdraw a deposit of a member; False when none of this member waits under that id.

        Args:
            person: SHA-256 of the certificate of whoever answers, hexadecimal.

        Raises:
            SamePerson: that certificate signed the file; it may withdraw, not release.
        """
        query = (
            sa.select(deposit, release.c.signer)
            .join(release, release.c.deposit == deposit.c.number)
            .where(
                deposit.c.sender == sender,
                deposit.c.id == identifier,
                deposit.c.state == State.UNRELEASED.value,
            )
        )
        with self._database.write() as connection:
            row = connection.execute(query).first()
            if row is None:
                return False
            if released and row.signer == person:
                raise SamePerson
            _answer(connection, deposits.kept(row), person, released=released, at=at)
        return True


def _answer(
    connection: sa.Connection, one: Kept, person: str | None, *, released: bool, at: Received
) -> None:
    connection.execute(
        sa.update(release)
        .where(release.c.deposit == one.number)
        .values(released=released, answered=str(at), answerer=person)
    )
    _bring(connection, one, Event.DECIDED, at)
    append(
        connection,
        at=at,
        event="released" if released else "not released",
        subject=f"{one.deposit.id} {person or 'nobody in time'}",
        member=one.deposit.sender,
    )
