"""The second person of a sender: files above the number of records that the sender named wait for one.

The first person is whose certificate signed the file, and who sent it at the portal or had it signed there.
The second comes through the HTTPS door with another certificate of the same member, or to the portal. Two
names are two persons only when nobody has made both: a certificate that renewed another one is the same
person's, and whoever makes a sign-in link for somebody may have followed it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
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

act = tables.table(tables.PortalAct)
journal = tables.table(tables.Journal)
portal_key = tables.table(tables.PortalKey)
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
    """Whoever signed or sent a file may not release it, nor whoever they let in or were let in by."""


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


@dataclass(frozen=True, slots=True)
class Waiting:
    """A deposit that waits for a second person.

    Attributes:
        asked: since when.
        until: when it is refused if nobody answers.
    """

    kept: Kept
    asked: Received
    until: Received


class Releases:
    """The deposits that wait for a second person, as a door sees them: always for one member."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def waiting(self, sender: str) -> list[Waiting]:
        """The deposits of a member that wait, the oldest first."""
        query = (
            sa.select(deposit, release.c.asked)
            .join(release, release.c.deposit == deposit.c.number)
            .where(deposit.c.sender == sender, deposit.c.state == State.UNRELEASED.value)
            .order_by(deposit.c.number)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        asked = [Received.parse(row.asked) for row in rows]
        return [
            Waiting(deposits.kept(row), since, Received(since.at + LASTS))
            for row, since in zip(rows, asked, strict=True)
        ]

    def answer(self, sender: str, identifier: str, person: str, *, released: bool, at: Received) -> bool:
        """Release or withdraw a deposit of a member; False when none of this member waits under that id.

        Args:
            person: SHA-256 of the certificate of whoever answers, hexadecimal; at the portal, our id of them.

        Raises:
            SamePerson: that certificate or person signed or sent the file, or may be who did; it may
                withdraw, not release.
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
            if released and not _origins(connection, [person]).isdisjoint(
                _origins(connection, _hands(connection, row.signer, row.digest))
            ):
                raise SamePerson
            _answer(connection, deposits.kept(row), person, released=released, at=at)
        return True


def _hands(connection: sa.Connection, signer: str, digest: str) -> list[str]:
    """By whose hand a file came: who signed it, and who sent it at the portal or had it signed there.

    The key that signs at the portal is everybody's; it counts when nobody is known who had it sign.
    """
    done = sa.select(act.c.person).where(act.c.subject == digest, act.c.kind.in_(("send", "sign")))
    found = list(connection.execute(done).scalars())
    is_portal_key = sa.select(portal_key.c.certificate).where(portal_key.c.certificate == signer)
    if found and connection.execute(is_portal_key).first() is not None:
        return found
    return [signer, *found]


def _origins(connection: sa.Connection, names: Iterable[str]) -> set[str]:
    """Certificates and people, and all who may have become them: by a renewal, a sign-in link or consent."""
    found: set[str] = set()
    pending = list(names)
    while pending:
        one = pending.pop()
        if one not in found:
            found.add(one)
            made = sa.select(act.c.person).where(act.c.subject == one, act.c.kind.in_(("link", "consent")))
            pending.extend(connection.execute(made).scalars())
            pending.extend(_renewed_from(connection, one))
    return found


def _renewed_from(connection: sa.Connection, key: str) -> list[str]:
    """The key in whose place another one came: of a renewal the journal tells both in two entries at once."""
    entered, ended = journal.alias("entered"), journal.alias("ended")
    query = (
        sa.select(ended.c.subject)
        .join_from(entered, ended, ended.c.sequence == entered.c.sequence + 1)
        .where(entered.c.subject == key, entered.c.event == "key", ended.c.event == "key ends")
        .where(ended.c.member == entered.c.member, ended.c.at == entered.c.at)
    )
    return list(connection.execute(query).scalars())


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
