"""People at the portal: persons of members, links that let in, and visits; each call a transaction.

A secret is never kept, only its digest. What is over is deleted when the next one comes in; the journal keeps
that somebody signed in, and in which way.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from adapters.database import tables
from adapters.database.engine import Database
from adapters.database.journal import append
from gateway.batch import MemberId
from gateway.moments import Received
from gateway.people import EVERY_ROLE, PortalPerson, Role

person = tables.table(tables.PortalPerson)
link = tables.table(tables.SignInLink)
challenge = tables.table(tables.SignInChallenge)
visit = tables.table(tables.Visit)
act = tables.table(tables.PortalAct)
certificate = tables.table(tables.Certificate)

CERTIFICATE = "certificate"
"""How somebody signed in who came with a certificate of the member."""
LINK_LIFE = timedelta(minutes=15)
CHALLENGE_LIFE = timedelta(minutes=10)
IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=10)
"""Of a visit, however busy."""
_SEEN_EVERY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Visiting:
    """Somebody who is signed in.

    Attributes:
        person: who.
        way: how they signed in.
        began: when.
    """

    person: PortalPerson
    way: str
    began: Received


class Visits:
    """Who is signed in, and who may be."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def register(
        self, member: MemberId, name: str, roles: Iterable[Role], at: Received, *, subject: str | None = None
    ) -> PortalPerson:
        """Enter somebody who acts for a member from now on.

        Args:
            subject: issuer and subject at the identity provider, with a blank.

        Raises:
            sqlalchemy.exc.IntegrityError: there is no such member, or the subject is somebody already.
        """
        new = PortalPerson(secrets.token_hex(16), member, name, frozenset(roles))
        with self._database.write() as connection:
            _enter(connection, new, at, subject)
        return new

    def change(self, member: MemberId, identifier: str, roles: Iterable[Role], at: Received) -> bool:
        """Give somebody other roles; without any they have ended. False: the member has none of that id."""
        wanted = " ".join(sorted(roles))
        changed = sa.update(person).where(*_stands(member, identifier))
        ended = None if wanted else str(at)
        with self._database.write() as connection:
            done = connection.execute(changed.values(roles=wanted, ended=ended))
            if done.rowcount:
                word = "person roles" if wanted else "person ends"
                append(connection, at=at, event=word, subject=identifier, member=str(member))
        return bool(done.rowcount)

    def people(self, member: MemberId) -> Sequence[PortalPerson]:
        """All who act for a member, by name."""
        query = sa.select(person).where(person.c.member == str(member), person.c.ended.is_(None))
        with self._database.read() as connection:
            return [_person(row) for row in connection.execute(query.order_by(person.c.name, person.c.id))]

    def named(self, member: MemberId, name: str) -> PortalPerson | None:
        """Somebody of a member by name."""
        return next((one for one in self.people(member) if one.name == name), None)

    def of_subject(self, subject: str) -> PortalPerson | None:
        """Somebody by what the identity provider calls them."""
        query = sa.select(person).where(person.c.subject == subject, person.c.ended.is_(None))
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _person(row)

    def of_certificate(self, member: MemberId, fingerprint: str, name: str, at: Received) -> PortalPerson:
        """Whoever comes with a certificate of a member: it signs batches, so it may do everything here."""
        known = sa.select(person).where(person.c.id == fingerprint)
        with self._database.write() as connection:
            row = connection.execute(known).one_or_none()
            if row is None:
                new = PortalPerson(fingerprint, member, name, EVERY_ROLE)
                _enter(connection, new, at, None)
                return new
        return _person(row)

    def make_link(self, identifier: str, at: Received) -> str:
        """A secret that lets a person in once, for a quarter of an hour."""
        made = secrets.token_urlsafe(32)
        row = {
            "digest": _digest(made),
            "person": identifier,
            "expires": str(Received(at.at + LINK_LIFE)),
        }
        with self._database.write() as connection:
            connection.execute(sa.delete(link).where(link.c.expires <= str(at)))
            connection.execute(sa.insert(link).values(row))
            append(connection, at=at, event="sign-in link", subject=identifier)
        return made

    def use_link(self, presented: str, at: Received) -> str | None:
        """Come in by a link, which is used up; the secret of the visit. None: it is none, or no longer."""
        wanted = sa.and_(link.c.digest == _digest(presented), link.c.expires > str(at))
        with self._database.write() as connection:
            row = connection.execute(sa.select(link).where(wanted)).one_or_none()
            if row is None or _somebody(connection, row.person) is None:
                return None
            connection.execute(sa.delete(link).where(link.c.digest == row.digest))
            return _come_in(connection, row.person, "link", at)

    def come_in(self, identifier: str, way: str, at: Received) -> str:
        """Let a person of a member in who has proved who they are; the secret of the visit.

        Args:
            way: certificate, oidc or passkey.
        """
        with self._database.write() as connection:
            return _come_in(connection, identifier, way, at)

    def keep_challenge(self, way: str, content: str, at: Received) -> str:
        """Keep what a browser has to come back with; the secret for its cookie.

        Args:
            way: of signing in for which alone it counts: oidc or passkey.
        """
        made = secrets.token_urlsafe(32)
        row = {
            "digest": _digest(made),
            "content": f"{way} {content}",
            "expires": str(Received(at.at + CHALLENGE_LIFE)),
        }
        with self._database.write() as connection:
            connection.execute(sa.delete(challenge).where(challenge.c.expires <= str(at)))
            connection.execute(sa.insert(challenge).values(row))
        return made

    def take_challenge(self, way: str, presented: str, at: Received) -> str | None:
        """What was kept for a browser, which is used up; None when there is nothing for this way of signing
        in, or no longer.
        """
        mine = sa.and_(challenge.c.digest == _digest(presented), challenge.c.expires > str(at))
        with self._database.write() as connection:
            content = connection.execute(sa.select(challenge.c.content).where(mine)).scalar()
            connection.execute(sa.delete(challenge).where(mine))
        kept, _, found = (content or "").partition(" ")
        return found if kept == way else None

    def find(self, presented: str, at: Received) -> Visiting | None:
        """Who is signed in with a secret, if anybody still is."""
        if not presented:
            return None
        query = sa.select(visit).where(visit.c.digest == _digest(presented))
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
            found = None if row is None else _somebody(connection, row.person)
            if row is None or found is None or (row.way == CERTIFICATE and not _holds(connection, row, at)):
                return None
        began, seen = Received.parse(row.began), Received.parse(row.seen)
        if at.at - seen.at > IDLE or at.at - began.at > LONGEST:
            return None
        if at.at - seen.at > _SEEN_EVERY:
            with self._database.write() as connection:
                used = sa.update(visit).where(visit.c.digest == row.digest)
                connection.execute(used.values(seen=str(at)))
        return Visiting(found, row.way, began)

    def leave(self, presented: str) -> None:
        """Sign out."""
        with self._database.write() as connection:
            connection.execute(sa.delete(visit).where(visit.c.digest == _digest(presented)))

    def note(self, who: PortalPerson, kind: str, subject: str, at: Received) -> None:
        """Note, before it is done, what somebody does for their member.

        Args:
            kind: one word, such as `send`.
            subject: SHA-256 of the bytes that are sent, or our id of what it is about.
        """
        with self._database.write() as connection:
            note(connection, who, kind, subject, at)

    def doer(self, member: MemberId, kind: str, subject: str) -> str | None:
        """The name of who did something first, if it was done at the portal."""
        query = (
            sa.select(person.c.name)
            .join_from(act, person, act.c.person == person.c.id)
            .where(act.c.member == str(member), act.c.kind == kind, act.c.subject == subject)
        )
        with self._database.read() as connection:
            return connection.execute(query.order_by(act.c.number).limit(1)).scalar()


def note(connection: sa.Connection, who: PortalPerson, kind: str, subject: str, at: Received) -> None:
    """As `Visits.note`, in a transaction."""
    row = {"at": str(at), "person": who.id, "member": str(who.member), "kind": kind, "subject": subject}
    connection.execute(sa.insert(act).values(row))
    append(connection, at=at, event=f"portal {kind}", subject=f"{who.id} {subject}", member=str(who.member))


def _enter(connection: sa.Connection, new: PortalPerson, at: Received, subject: str | None) -> None:
    row = {
        "id": new.id,
        "member": str(new.member),
        "name": new.name,
        "roles": " ".join(sorted(new.roles)),
        "subject": subject,
        "registered": str(at),
    }
    connection.execute(sa.insert(person).values(row))
    append(connection, at=at, event="person", subject=new.id, member=str(new.member))


def _come_in(connection: sa.Connection, identifier: str, way: str, at: Received) -> str:
    made = secrets.token_urlsafe(32)
    idle, oldest = str(Received(at.at - IDLE)), str(Received(at.at - LONGEST))
    connection.execute(sa.delete(visit).where(sa.or_(visit.c.seen < idle, visit.c.began < oldest)))
    row = {
        "digest": _digest(made),
        "person": identifier,
        "way": way,
        "began": str(at),
        "seen": str(at),
    }
    connection.execute(sa.insert(visit).values(row))
    append(connection, at=at, event=f"signed in {way}", subject=identifier)
    return made


def _somebody(connection: sa.Connection, identifier: str) -> PortalPerson | None:
    """Whoever has this id, if they still may do anything."""
    query = sa.select(person).where(person.c.id == identifier, person.c.ended.is_(None))
    row = connection.execute(query).one_or_none()
    return None if row is None else _person(row)


def _holds(connection: sa.Connection, row: sa.Row[Any], at: Received) -> bool:
    """Whether the certificate by which somebody came in still counts."""
    counts = sa.or_(certificate.c.ended.is_(None), certificate.c.ended > str(at))
    query = sa.select(certificate.c.member).where(certificate.c.fingerprint == row.person, counts)
    return connection.execute(query.where(certificate.c.expires > str(at))).first() is not None


def _stands(member: MemberId, identifier: str) -> Sequence[sa.ColumnElement[bool]]:
    return person.c.member == str(member), person.c.id == identifier, person.c.ended.is_(None)


def _person(row: sa.Row[Any]) -> PortalPerson:
    member = MemberId(row.member[:13], row.member[13:])
    return PortalPerson(row.id, member, row.name, frozenset(map(Role, row.roles.split())))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
