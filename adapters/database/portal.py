"""What people prepare at the portal: checked files, drafts, and the keys that sign for them.

Contents are personal, and sealed with the data key of their member and month. What was not sent is deleted: a
file after a day, a draft after four weeks without a new version.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from adapters.database import tables
from adapters.database.documents import key_for, read_document
from adapters.database.engine import Database
from adapters.database.members import end_key, enter_certificate
from adapters.database.visits import note
from adapters.encryption import seal_document
from adapters.pki import PrivateKey
from gateway.batch import MemberId
from gateway.moments import Received
from gateway.people import PortalPerson
from signing.sign import Signer

file = tables.table(tables.PortalFile)
draft = tables.table(tables.PortalDraft)
key = tables.table(tables.PortalKey)
person = tables.table(tables.PortalPerson)
certificate = tables.table(tables.Certificate)
deposit = tables.table(tables.Deposit)

FILE_LIFE = timedelta(days=1)
DRAFT_LIFE = timedelta(weeks=4)
MOST_FILES = 50
"""Of a member, checked and not sent: with the next one the oldest is deleted."""


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """A file that was checked; attributes as of `tables.PortalFile`."""

    id: str
    person: str
    name: str
    given: str
    size: int
    digest: str
    source: str
    put: Received
    deposit: str | None

    @property
    def is_signed_here(self) -> bool:
        """Whether the member's portal key signed it."""
        return self.digest != self.source


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a draft.

    Attributes:
        draft: id of the draft.
        number: from 1.
        person: name of whoever made it.
        content: records, JSON.
    """

    draft: str
    number: int
    person: str
    procedure: str
    saved: Received
    content: bytes


class Overtaken(Exception):
    """Somebody saved the draft meanwhile.

    Attributes:
        latest: what they saved.
    """

    def __init__(self, latest: Version) -> None:
        super().__init__("the draft was saved by somebody else meanwhile")
        self.latest = latest


class Desk:
    """What the people of members have lying on their desks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, who: PortalPerson, new: CheckedFile, content: bytes, findings: bytes) -> None:
        """Keep a file that was checked."""
        member, at = str(who.member), new.put
        row = {
            "id": new.id,
            "member": member,
            "person": who.id,
            "name": new.name,
            "given": new.given,
            "size": new.size,
            "digest": new.digest,
            "source": new.source,
            "put": str(at),
        }
        oldest = str(Received(at.at - FILE_LIFE))
        kept = sa.select(file.c.id).where(file.c.member == member).order_by(file.c.put.desc())
        with self._database.write() as connection:
            connection.execute(sa.delete(file).where(file.c.put < oldest))
            mine = connection.execute(kept).scalars().all()
            connection.execute(sa.delete(file).where(file.c.id.in_(mine[MOST_FILES - 1 :])))
            sealing = key_for(connection, member, at)
            row |= {
                "content": seal_document(sealing, content, f"portal file {new.id}"),
                "findings": seal_document(sealing, findings, f"portal findings {new.id}"),
            }
            connection.execute(sa.insert(file).values(row))
            if new.is_signed_here:
                note(connection, who, "sign", new.digest, at)

    def files(self, member: MemberId) -> Sequence[CheckedFile]:
        """The files of a member that were checked and not sent, the latest first."""
        query = sa.select(*_SHOWN).where(file.c.member == str(member), file.c.deposit.is_(None))
        with self._database.read() as connection:
            return [_checked(row) for row in connection.execute(query.order_by(file.c.put.desc()))]

    def find(self, member: MemberId, identifier: str) -> tuple[CheckedFile, bytes] | None:
        """A file of a member, with what the check found; None when it has none of that id."""
        query = sa.select(*_SHOWN, file.c.findings)
        query = query.where(file.c.member == str(member), file.c.id == identifier)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
            if row is None:
                return None
            return _checked(row), read_document(connection, row.findings, f"portal findings {row.id}")

    def content(self, member: MemberId, identifier: str) -> bytes | None:
        """The bytes of a file that was not sent; None when the member has none of that id."""
        query = sa.select(file.c.content).where(
            file.c.member == str(member), file.c.id == identifier, file.c.deposit.is_(None)
        )
        with self._database.read() as connection:
            kept = connection.execute(query).scalar()
            return None if kept is None else read_document(connection, kept, f"portal file {identifier}")

    def sent(self, member: MemberId, identifier: str, became: str) -> None:
        """A file was sent: its bytes are in the deposit now."""
        mine = sa.update(file).where(file.c.member == str(member), file.c.id == identifier)
        with self._database.write() as connection:
            connection.execute(mine.values(deposit=became, content=b""))

    def discard(self, member: MemberId, identifier: str) -> None:
        """Forget a file that was not sent."""
        mine = sa.delete(file).where(
            file.c.member == str(member), file.c.id == identifier, file.c.deposit.is_(None)
        )
        with self._database.write() as connection:
            connection.execute(mine)

    def deposited(self, member: MemberId, digest: str) -> str | None:
        """The id of the member's deposit of these very bytes, or of what was made of them here; what was
        refused may be sent again."""
        counts = sa.and_(deposit.c.sender == str(member), sa.text(f"deposit.{tables.DEPOSIT_COUNTS}"))
        same = sa.select(deposit.c.id).where(counts, deposit.c.digest == digest)
        made = (
            sa.select(file.c.deposit)
            .join(deposit, deposit.c.id == file.c.deposit)
            .where(counts, file.c.member == str(member), file.c.source == digest)
        )
        with self._database.read() as connection:
            return connection.execute(same).scalar() or connection.execute(made.limit(1)).scalar()

    def save(
        self, who: PortalPerson, identifier: str, based_on: int, procedure: str, content: bytes, at: Received
    ) -> Version:
        """Keep a version of a draft, after the one that it was made from.

        Args:
            identifier: of the draft; a new one begins with version 0.
            based_on: number of the version that was shown.

        Raises:
            Overtaken: another version came meanwhile. Nothing was saved.
            LookupError: there is no such draft of this member any more.
        """
        member = str(who.member)
        with self._database.write() as connection:
            latest = _latest(connection, member, identifier)
            if latest is None and based_on:
                raise LookupError(identifier)
            if latest is not None and latest.number != based_on:
                raise Overtaken(latest)
            if latest is not None and latest.content == content:
                return latest
            new = Version(identifier, based_on + 1, who.name, procedure, at, content)
            place = _place(identifier, new.number)
            sealed = seal_document(key_for(connection, member, at), content, place)
            row = {
                "id": identifier,
                "version": new.number,
                "member": member,
                "person": who.id,
                "procedure": procedure,
                "saved": str(at),
                "content": sealed,
            }
            connection.execute(sa.insert(draft).values(row))
            old = sa.select(draft.c.id).group_by(draft.c.id)
            late = old.having(sa.func.max(draft.c.saved) < str(Received(at.at - DRAFT_LIFE)))
            connection.execute(sa.delete(draft).where(draft.c.id.in_(late.scalar_subquery())))
        return new

    def draft(self, member: MemberId, identifier: str) -> Version | None:
        """The latest version of a draft; None when the member has none of that id."""
        with self._database.read() as connection:
            return _latest(connection, str(member), identifier)

    def drafts(self, member: MemberId) -> Sequence[Version]:
        """The latest versions of a member's drafts, the latest first."""
        mine = sa.select(draft.c.id, sa.func.max(draft.c.saved)).where(draft.c.member == str(member))
        order = mine.group_by(draft.c.id).order_by(sa.func.max(draft.c.saved).desc())
        with self._database.read() as connection:
            ids = connection.execute(order).scalars().all()
            found = (_latest(connection, str(member), one) for one in ids)
            return [one for one in found if one is not None]

    def drop(self, member: MemberId, identifier: str) -> None:
        """Forget a draft with all its versions."""
        mine = sa.delete(draft).where(draft.c.member == str(member), draft.c.id == identifier)
        with self._database.write() as connection:
            connection.execute(mine)

    def add_key(self, who: PortalPerson, cert: x509.Certificate, private: PrivateKey, at: Received) -> str:
        """Register a key with which the member has us sign, with the consent of a person; its fingerprint."""
        der = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        member = str(who.member)
        with self._database.write() as connection:
            digest = enter_certificate(connection, who.member, cert, at)
            note(connection, who, "consent", digest, at)
            row = {
                "certificate": digest,
                "member": member,
                "content": seal_document(key_for(connection, member, at), der, _key_place(digest)),
                "person": who.id,
                "made": str(at),
            }
            connection.execute(sa.insert(key).values(row))
        return digest

    def end_key(self, who: PortalPerson, at: Received) -> bool:
        """Take the consent back: the member's portal keys count no more; False when there is none."""
        mine = sa.and_(key.c.member == str(who.member), key.c.ended.is_(None))
        with self._database.write() as connection:
            found = connection.execute(sa.select(key.c.certificate).where(mine)).scalars().all()
            for digest in found:
                note(connection, who, "withdraw-consent", digest, at)
                end_key(connection, who.member, digest, at, at)
            connection.execute(sa.update(key).where(mine).values(ended=str(at), content=b""))
        return bool(found)

    def signer(self, member: MemberId, at: Received) -> Signer | None:
        """What signs for a member at the portal, if it has consented and the key still counts."""
        query = (
            sa.select(key.c.certificate, key.c.content, certificate.c.pem)
            .join_from(key, certificate, key.c.certificate == certificate.c.fingerprint)
            .where(
                key.c.member == str(member),
                key.c.ended.is_(None),
                certificate.c.expires > str(at),
                sa.or_(certificate.c.ended.is_(None), certificate.c.ended > str(at)),
            )
            .order_by(key.c.made.desc())
        )
        with self._database.read() as connection:
            row = connection.execute(query.limit(1)).one_or_none()
            if row is None:
                return None
            der = read_document(connection, row.content, _key_place(row.certificate))
        private: Any = load_der_private_key(der, None)
        return Signer(private, x509.load_pem_x509_certificate(row.pem.encode()))


_SHOWN = [column for column in file.columns if column.name not in ("content", "findings")]


def new_id() -> str:
    """An id at random."""
    return secrets.token_hex(16)


def _checked(row: Any) -> CheckedFile:
    return CheckedFile(
        row.id,
        row.person,
        row.name,
        row.given,
        row.size,
        row.digest,
        row.source,
        Received.parse(row.put),
        row.deposit,
    )


def _latest(connection: sa.Connection, member: str, identifier: str) -> Version | None:
    query = (
        sa.select(draft, person.c.name)
        .join_from(draft, person, draft.c.person == person.c.id)
        .where(draft.c.member == member, draft.c.id == identifier)
        .order_by(draft.c.version.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    content = read_document(connection, row.content, _place(identifier, row.version))
    return Version(identifier, row.version, row.name, row.procedure, Received.parse(row.saved), content)


def _place(identifier: str, number: int) -> str:
    return f"portal draft {identifier} {number}"


def _key_place(digest: str) -> str:
    return f"portal key {digest}"
