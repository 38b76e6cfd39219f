"""The register of staff, and every command they gave, signed by whoever gave it.

Acts are only added to. A proposal is an act too; what answers it says so. The journal names each act
with its person and the digest of what was signed, so that no act can be put in or taken out later.

At the console a person signs once, with the command that prints the link; that act names a key, with which
the act is signed that opens the session; and that one names the key of all acts of the session. The private
halves of both are with whoever holds the link, or the session; we never keep them.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_public_key

from adapters.database import tables
from adapters.database.engine import Database
from adapters.database.journal import append
from gateway.moments import Received
from gateway.staff import (
    IDLE_LASTS,
    LEAVE,
    LINK,
    LINK_LASTS,
    PROPOSAL_LASTS,
    SESSION,
    SESSION_LASTS,
    Call,
    Person,
    Role,
)

staff = tables.table(tables.Staff)
act = tables.table(tables.StaffAct)


class Kind(StrEnum):
    """What an act was."""

    GIVEN = "given"
    """A command that took effect, or was tried, at once."""
    DENIED = "denied"
    """A command that this person may not give."""
    PROPOSED = "proposed"
    """A command that waits for a second person."""
    APPROVED = "approved"
    """The second person's yes; the command followed it."""
    DECLINED = "declined"
    """The second person's no."""


@dataclass(frozen=True, slots=True)
class Act:
    """A command that somebody of the staff gave, as it is kept.

    Attributes:
        number: its place among all acts.
        at: when.
        person: who.
        kind: what it was.
        call: the command.
        answers: number of the proposal it approves or declines, if any.
        session: number of the act that names the key it is signed with; None: the person's own.
        genuine: whether it bears the signature of that person's key, or of one that this key let in.
    """

    number: int
    at: Received
    person: str
    kind: Kind
    call: Call
    answers: int | None
    session: int | None
    genuine: bool


@dataclass(frozen=True, slots=True)
class Opened:
    """What whoever holds a link, or a session, has to show.

    Attributes:
        number: of the act that names the key.
        key: the private half, which nobody else has.
    """

    number: int
    key: Ed25519PrivateKey

    @property
    def token(self) -> str:
        """It as a text for a link or a cookie."""
        secret = base64.urlsafe_b64encode(self.key.private_bytes_raw()).decode().rstrip("=")
        return f"{self.number}.{secret}"

    @classmethod
    def read(cls, token: str) -> Opened | None:
        """What a text holds; None when it holds nothing of the kind."""
        match = _TOKEN.fullmatch(token)
        if match is None:
            return None
        return cls(
            int(match[1]), Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(match[2] + "="))
        )


_TOKEN = re.compile(r"([0-9]{1,15})\.([A-Za-z0-9_-]{43})")


class NotOpened(Exception):
    """No session was opened: the link was used, is too old, or is nobody's."""


class Staff:
    """The register of staff, each call a transaction of its own."""

    def __init__(self, database: Database, gateway: str) -> None:
        """
        Args:
            gateway: fingerprint of the gateway's seal; what is signed names it.
        """
        self._database = database
        self._gateway = gateway

    def add(self, person: Person, public_key: str, at: Received) -> None:
        """Enter somebody; a name or a key is never used twice.

        Raises:
            sqlalchemy.exc.IntegrityError: the name or the key stands or stood in the register.
        """
        roles = " ".join(sorted(person.roles))
        with self._database.write() as connection:
            connection.execute(
                sa.insert(staff).values(
                    name=person.name, roles=roles, key=person.key, public_key=public_key, registered=str(at)
                )
            )
            append(connection, at=at, event="staff", subject=f"{person.name} {person.key} {roles}")

    def end(self, name: str, at: Received) -> bool:
        """End the rights of somebody at once; False when nobody of that name has any."""
        with self._database.write() as connection:
            standing = (staff.c.name == name, staff.c.ended.is_(None))
            ended = connection.execute(sa.update(staff).where(*standing).values(ended=str(at))).rowcount
            if ended:
                append(connection, at=at, event="staff ended", subject=name)
        return bool(ended)

    def enter(
        self,
        person: Person,
        key: Ed25519PrivateKey,
        kind: Kind,
        call: Call,
        at: Received,
        answers: int | None = None,
        session: int | None = None,
    ) -> int:
        """Enter an act, signed by whoever did it; its number.

        Args:
            key: the person's own, or that of their session.
            session: number of the act that names the key of the session, if it is one.
        """
        with self._database.write() as connection:
            return self._insert(connection, person, key, kind, call, at, answers, session)

    def open_link(self, person: Person, own: Ed25519PrivateKey, call: Call, at: Received) -> Opened:
        """Enter, with somebody's own key, that they come to the console; what the link has to hold."""
        return self._open(person, own, call, at, None)

    def open_session(self, link: Opened, at: Received) -> Opened:
        """Open the one session of a link; what the cookie has to hold.

        Raises:
            NotOpened: the link is nobody's, too old, or was used before.
        """
        with self._database.write() as connection:
            row = connection.execute(sa.select(act).where(act.c.number == link.number)).first()
            used = sa.select(act.c.number).where(act.c.session == link.number)
            if row is None or row.command != LINK or connection.execute(used.limit(1)).first() is not None:
                raise NotOpened
            person = _standing(connection, row.person)
            signatures = _Signatures(connection)
            too_old = at.at - Received.parse(row.at).at > LINK_LASTS
            if person is None or too_old or not signatures.names(row, link.key):
                raise NotOpened
            call = Call(SESSION, (*SESSION.split(),), (), "")
            return self._open(person, link.key, call, at, link.number, connection)

    def visitor(self, session: Opened, now: Received) -> Person | None:
        """Who holds a session that is still open; None when nobody does."""
        with self._database.read() as connection:
            row = connection.execute(sa.select(act).where(act.c.number == session.number)).first()
            if row is None or row.command != SESSION or row.session is None:
                return None
            of_it = sa.select(
                sa.func.max(act.c.at), sa.func.max(sa.case((act.c.command == LEAVE, 1), else_=0))
            )
            last, left = connection.execute(of_it.where(act.c.session == session.number)).one()
            since = now.at - Received.parse(row.at).at
            idle = now.at - Received.parse(last or row.at).at
            if left or since > SESSION_LASTS or idle > IDLE_LASTS:
                return None
            if not _Signatures(connection).names(row, session.key):
                return None
            return _standing(connection, row.person)

    def _open(
        self,
        person: Person,
        key: Ed25519PrivateKey,
        call: Call,
        at: Received,
        session: int | None,
        connection: sa.Connection | None = None,
    ) -> Opened:
        """Enter an act that names a new key; its number and that key."""
        new = Ed25519PrivateKey.generate()
        public = new.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
        named = replace(call, arguments=(*call.arguments, public))
        if connection is not None:
            return Opened(self._insert(connection, person, key, Kind.GIVEN, named, at, None, session), new)
        return Opened(self.enter(person, key, Kind.GIVEN, named, at, session=session), new)

    def _insert(
        self,
        connection: sa.Connection,
        person: Person,
        key: Ed25519PrivateKey,
        kind: Kind,
        call: Call,
        at: Received,
        answers: int | None,
        session: int | None,
    ) -> int:
        text = call.signed_text(self._gateway, person.name, str(at), answers)
        number = connection.execute(
            sa.insert(act)
            .values(
                at=str(at),
                person=person.name,
                kind=kind.value,
                command=call.command,
                arguments=json.dumps(call.arguments, ensure_ascii=False),
                files=json.dumps(call.files, ensure_ascii=False),
                reason=call.reason,
                answers=answers,
                session=session,
                gateway=self._gateway,
                signature=key.sign(text).hex(),
            )
            .returning(act.c.number)
        ).scalar_one()
        append(
            connection,
            at=at,
            event=f"act {kind}",
            subject=f"{number} {person.name} {call.command}",
            digest=hashlib.sha256(text).hexdigest(),
        )
        return int(number)

    def acts(self, kinds: Collection[Kind] = tuple(Kind)) -> list[Act]:
        """All acts of some kinds, oldest first."""
        query = sa.select(act).where(act.c.kind.in_([kind.value for kind in kinds])).order_by(act.c.number)
        with self._database.read() as connection:
            signatures = _Signatures(connection)
            return [_act(row, signatures) for row in connection.execute(query)]

    def latest(self, many: int) -> list[Act]:
        """The last acts, the newest first."""
        query = sa.select(act).order_by(act.c.number.desc()).limit(many)
        with self._database.read() as connection:
            signatures = _Signatures(connection)
            return [_act(row, signatures) for row in connection.execute(query)]

    def waiting(self, now: Received) -> list[Act]:
        """Proposals that still wait for their second person, the oldest first."""
        other = act.alias("other")
        answered = sa.exists(sa.select(other.c.number).where(other.c.answers == act.c.number))
        query = (
            sa.select(act)
            .where(
                act.c.kind == Kind.PROPOSED.value,
                act.c.at >= str(Received(now.at - PROPOSAL_LASTS)),
                ~answered,
            )
            .order_by(act.c.number)
        )
        with self._database.read() as connection:
            signatures = _Signatures(connection)
            return [_act(row, signatures) for row in connection.execute(query)]

    def open_proposal(self, number: int, now: Received) -> Act | None:
        """A proposal that still waits for its second person; None without one of that number."""
        answered = sa.select(act.c.answers).where(act.c.answers == number)
        query = sa.select(act).where(
            act.c.number == number, act.c.kind == Kind.PROPOSED.value, ~sa.exists(answered)
        )
        with self._database.read() as connection:
            row = connection.execute(query).first()
            found = row and _act(row, _Signatures(connection))
        return found if found and now.at - found.at.at <= PROPOSAL_LASTS else None


def people(database: Database) -> Sequence[Person]:
    """Everybody who stands in the register of staff, by name."""
    with database.read() as connection:
        rows = connection.execute(sa.select(staff).where(staff.c.ended.is_(None)).order_by(staff.c.name))
    return [_person(row) for row in rows]


def _person(row: sa.Row[Any]) -> Person:
    return Person(row.name, frozenset(map(Role, row.roles.split())), row.key)


def _standing(connection: sa.Connection, name: str) -> Person | None:
    """Somebody who has rights now."""
    query = sa.select(staff).where(staff.c.name == name, staff.c.ended.is_(None))
    row = connection.execute(query).first()
    return None if row is None else _person(row)


class _Signatures:
    """Judges whether acts bear the signature that they should."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        rows = connection.execute(sa.select(staff.c.name, staff.c.public_key))
        self._own = {row.name: row.public_key for row in rows}
        self._named: dict[int, str | None] = {}

    def genuine(self, row: sa.Row[Any]) -> bool:
        """Whether an act bears the signature of its person, or of a key that this person let in."""
        key = self._own.get(row.person) if row.session is None else self._let_in(row)
        if key is None:
            return False
        text = _call(row).signed_text(row.gateway, row.person, row.at, row.answers)
        return is_signed(text, bytes.fromhex(row.signature), key)

    def names(self, row: sa.Row[Any], key: Ed25519PrivateKey) -> bool:
        """Whether an act is genuine and names the public half of a key."""
        public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
        return _call(row).arguments[-1:] == (public,) and self.genuine(row)

    def _let_in(self, row: sa.Row[Any]) -> str | None:
        """The key with which an act of a session has to be signed; None when nothing let it in."""
        opening = self._connection.execute(sa.select(act).where(act.c.number == row.session)).first()
        if opening is None or opening.person != row.person or opening.kind != Kind.GIVEN.value:
            return None
        age = Received.parse(row.at).at - Received.parse(opening.at).at
        if opening.command == LINK:
            stands = row.command == SESSION and age <= LINK_LASTS and self._is_first(row)
        else:
            stands = opening.command == SESSION and opening.session is not None and age <= SESSION_LASTS
        if not stands or age < timedelta():
            return None
        if opening.number not in self._named:
            self._named[opening.number] = _call(opening).arguments[-1] if self.genuine(opening) else None
        return self._named[opening.number]

    def _is_first(self, row: sa.Row[Any]) -> bool:
        first = sa.select(sa.func.min(act.c.number)).where(act.c.session == row.session)
        return bool(self._connection.execute(first).scalar() == row.number)


def _call(row: sa.Row[Any]) -> Call:
    files = tuple((name, digest) for name, digest in json.loads(row.files))
    return Call(row.command, tuple(json.loads(row.arguments)), files, row.reason)


def _act(row: sa.Row[Any], signatures: _Signatures) -> Act:
    return Act(
        row.number,
        Received.parse(row.at),
        row.person,
        Kind(row.kind),
        _call(row),
        row.answers,
        row.session,
        signatures.genuine(row),
    )


def is_signed(text: bytes, signature: bytes, public_key: str) -> bool:
    """Whether a text was signed with the private half of an OpenSSH Ed25519 key."""
    key = load_ssh_public_key(public_key.encode())
    if not isinstance(key, Ed25519PublicKey):
        return False
    try:
        key.verify(signature, text)
    except InvalidSignature:
        return False
    return True
