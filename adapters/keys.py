"""The keys of a member: renewed by the member itself, and news of them on its shelf.

A renewal is asked for over HTTPS with the current certificate of this handshake, and proves that the member
holds the new key: a certificate request is signed by it (PKCS #10), and so is what is said of an SSH key
(`ssh-keygen -Y sign`). The new key counts at once, the old one for an overlap beside it. A key whose end is
set renews nothing: whoever steals it then cannot stay with it. A further key, which replaces none, is
registered by two persons of the staff. See docs/decisions/0012.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

import paramiko
import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from paramiko.message import Message

from adapters.answering import give
from adapters.database import Database, tables
from adapters.database.members import (
    Key,
    end_key,
    enter_certificate,
    enter_ssh_key,
    fingerprint,
    keys_of,
    public_key_digest,
)
from adapters.installation import VALIDITY
from adapters.pki import Authority
from gateway.batch import MemberId
from gateway.moments import Clock, Received
from gateway.returns import avicle
from gateway.returns.avicle import Event, KeyNews
from gateway.seal import Seal
from signing.certificates import CannotTell, Trust, Untrusted
from signing.profile import BadSignature, PublicKey, check_key

certificate = tables.table(tables.Certificate)

NAMESPACE = "secugate-key"
"""Of the signature with a new SSH key (`ssh-keygen -Y sign -n secugate-key`)."""
SSH_KINDS = frozenset({"ssh-ed25519", "ssh-rsa"})
LEAST_RSA_BITS = 3072
DAYS_BEFORE = (7, 30, 60)
"""So many days before a certificate ends its member is told, once each."""


class NotRenewed(Exception):
    """A key that was not renewed, with a word that stays the same and a sentence for the member."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class NotNow(Exception):
    """Whether the new certificate was revoked cannot be told now."""


@dataclass(frozen=True, slots=True)
class Renewed:
    """What came of a renewal.

    Attributes:
        key: fingerprint of the new key.
        certificate: it, PEM; empty for an SSH key.
        replaced: fingerprint of the one in whose place it comes.
        ends: until when that one counts.
    """

    key: str
    certificate: str
    replaced: str
    ends: Received


class Keys:
    """Renews keys.

    Args:
        trust: which certificates are accepted.
        authority: our own, which issues the new certificate; None where members bring one of theirs.
        overlap: for which an old key counts beside the new one.
    """

    def __init__(
        self,
        database: Database,
        seal: Seal,
        clock: Clock,
        trust: Trust,
        authority: Authority | None,
        overlap: timedelta,
    ) -> None:
        self._database = database
        self._seal = seal
        self._clock = clock
        self._trust = trust
        self._authority = authority
        self._overlap = overlap

    def renew_certificate(self, member: MemberId, current: str, request: str, brought: str = "") -> Renewed:
        """Register a new certificate in the place of the one a member has come with.

        The same request again gets the same answer again.

        Args:
            member: who asks.
            current: fingerprint of the certificate of this handshake.
            request: PKCS #10, PEM, signed with the new key.
            brought: certificate for that key, PEM, with its chain; empty to have one issued.

        Raises:
            NotRenewed: and why.
            NotNow: the certificate that was brought cannot be judged yet.
        """
        now = Received(self._clock())
        new = _requested(request)
        standing, known = self._standing(member, current, now), public_key_digest(new)
        if standing.public_key == known:
            raise NotRenewed("KEY-SAME", "This is the key you have. Make a new one and ask with it.")
        issued = self._issued(known)
        if issued is not None:
            return self._again(member, standing, issued, now)
        _check_no_end(standing)
        found = self._brought(brought, new, current, now) if brought else self._issue(new, current, now)
        with self._database.write() as connection:
            self._check_still(connection, member, standing, now)
            try:
                key = enter_certificate(connection, member, found, now)
            except sa.exc.IntegrityError:
                raise NotRenewed("KEY-KNOWN", "This certificate is registered already.") from None
            ends = self._replace(connection, member, standing, key, Received(found.not_valid_after_utc), now)
        return Renewed(key, found.public_bytes(Encoding.PEM).decode(), standing.fingerprint, ends)

    def renew_ssh_key(
        self, member: MemberId, current: str, public: str, proof: str, replaces: str
    ) -> Renewed:
        """Register a new SSH key in the place of another one of the member.

        Args:
            member: who asks.
            current: fingerprint of the certificate of this handshake.
            public: the new key as OpenSSH writes it.
            proof: signature with that key over the member's number and the key (`said_of`).
            replaces: fingerprint of the key that it replaces; empty where the member has one only.

        Raises:
            NotRenewed: and why.
        """
        now = Received(self._clock())
        _check_no_end(self._standing(member, current, now))
        key, line = _proven(member, public, proof)
        with self._database.write() as connection:
            mine = [one for one in keys_of(connection, member) if one.is_ssh and one.counts(now)]
            named = [one for one in mine if one.ended is None and replaces in ("", one.fingerprint)]
            if len(named) != 1:
                sentence = (
                    "Say which SSH key of yours it replaces; a further one is registered by the operator."
                )
                raise NotRenewed("KEY-REPLACES", sentence)
            try:
                enter_ssh_key(connection, member, key.fingerprint, line, now)
            except sa.exc.IntegrityError:
                raise NotRenewed("KEY-KNOWN", "This key is registered already.") from None
            ends = self._replace(connection, member, named[0], key.fingerprint, None, now)
        return Renewed(key.fingerprint, "", named[0].fingerprint, ends)

    def _standing(self, member: MemberId, current: str, now: Received) -> Key:
        with self._database.read() as connection:
            return _counting(keys_of(connection, member), current, now)

    def _check_still(self, connection: sa.Connection, member: MemberId, standing: Key, now: Received) -> None:
        """That nobody was faster."""
        _check_no_end(_counting(keys_of(connection, member), standing.fingerprint, now))

    def _issued(self, public_key: str) -> tuple[str, x509.Certificate] | None:
        """To whom a public key was certified and registered, if to anybody, and the certificate."""
        query = sa.select(certificate.c.member, certificate.c.pem).where(
            certificate.c.public_key == public_key
        )
        with self._database.read() as connection:
            row = connection.execute(query.order_by(certificate.c.registered.desc())).first()
        return None if row is None else (row.member, x509.load_pem_x509_certificate(row.pem.encode()))

    def _again(
        self, member: MemberId, standing: Key, issued: tuple[str, x509.Certificate], now: Received
    ) -> Renewed:
        holder, found = issued
        with self._database.read() as connection:
            keys = [one for one in keys_of(connection, member) if one.fingerprint == fingerprint(found)]
        if holder != str(member) or not keys or not keys[0].counts(now) or standing.ended is None:
            raise NotRenewed("KEY-KNOWN", "This key is registered already. Make a new one and ask with it.")
        pem = found.public_bytes(Encoding.PEM).decode()
        return Renewed(keys[0].fingerprint, pem, standing.fingerprint, standing.ended)

    def _issue(self, new: PublicKey, current: str, now: Received) -> x509.Certificate:
        if self._authority is None:
            sentence = "We issue no certificates. Bring one of your authority, for the same subject."
            raise NotRenewed("KEY-CERTIFICATE", sentence)
        return self._authority.reissue(self._loaded(current), new, now.at, now.at + VALIDITY)

    def _brought(self, pem: str, new: PublicKey, current: str, now: Received) -> x509.Certificate:
        try:
            found, *chain = x509.load_pem_x509_certificates(pem.encode())
        except ValueError:
            raise NotRenewed("KEY-CERTIFICATE", "This is no certificate in PEM.") from None
        if public_key_digest(found.public_key()) != public_key_digest(new):
            raise NotRenewed("KEY-PROOF", "The request is signed with another key than the certificate's.")
        if found.subject != self._loaded(current).subject:
            raise NotRenewed(
                "KEY-SUBJECT", "The certificate is for another subject than the one it replaces."
            )
        try:
            self._trust.judge(found, chain, now.at)
        except Untrusted as no:
            raise NotRenewed("KEY-CERTIFICATE", f"The certificate is not accepted: {no.kind}.") from None
        except CannotTell:
            raise NotNow from None
        return found

    def _loaded(self, digest: str) -> x509.Certificate:
        query = sa.select(certificate.c.pem).where(certificate.c.fingerprint == digest)
        with self._database.read() as connection:
            pem: str = connection.execute(query).scalar_one()
        return x509.load_pem_x509_certificate(pem.encode())

    def _replace(
        self,
        connection: sa.Connection,
        member: MemberId,
        old: Key,
        new: str,
        until: Received | None,
        now: Received,
    ) -> Received:
        """Set the end of the old key, and tell the member; that end."""
        last = Received(now.at + self._overlap)
        if old.expires is not None and old.expires.at < last.at:
            last = old.expires
        end_key(connection, member, old.fingerprint, last, now)
        header = self._seal.header(member, now.at)
        news = KeyNews(header, Event.REGISTERED, new, until, old.fingerprint, last)
        give(connection, self._seal, member, avicle.write(news), now.at)
        return last


def tell_registered(connection: sa.Connection, seal: Seal, member: MemberId, key: Key, now: Received) -> None:
    """Tell a member that staff have registered a further key of it."""
    news = KeyNews(seal.header(member, now.at), Event.REGISTERED, key.fingerprint, key.expires)
    give(connection, seal, member, avicle.write(news), now.at)


@dataclass(frozen=True, slots=True)
class Expiring:
    """A certificate of a member that ends soon, without another one in its place.

    Attributes:
        days: until then, on the day looked at.
        mark: the number of days of which the member is told now; None when none is reached.
    """

    member: MemberId
    key: str
    expires: Received
    days: int
    mark: int | None


def expiring(connection: sa.Connection, now: Received, within: int = max(DAYS_BEFORE)) -> list[Expiring]:
    """The certificates that end within so many days, the next to end first; none that was renewed."""
    limit = Received(now.at + timedelta(days=within + 1))
    counts = sa.and_(
        certificate.c.registered <= str(now),
        sa.or_(certificate.c.ended.is_(None), certificate.c.ended > certificate.c.expires),
    )
    query = (
        sa.select(certificate.c.member, certificate.c.fingerprint, certificate.c.expires)
        .where(counts, certificate.c.expires >= str(now), certificate.c.expires < str(limit))
        .order_by(certificate.c.expires, certificate.c.fingerprint)
    )
    found = []
    for member, key, expires in connection.execute(query):
        until = Received.parse(expires)
        days = (until.day - now.day).days
        if days <= within:
            mark = next((mark for mark in DAYS_BEFORE if days <= mark), None)
            found.append(Expiring(MemberId(member[:13], member[13:]), key, until, days, mark))
    return found


def said_of(member: MemberId, public: str) -> bytes:
    """What is signed with a new SSH key: the member's number and the key, on one line."""
    return f"{member} {public}\n".encode()


def _counting(keys: Iterable[Key], digest: str, now: Received) -> Key:
    for one in keys:
        if one.fingerprint == digest and one.counts(now):
            return one
    raise NotRenewed("KEY-ENDED", "The key you came with counts no more.")


def _check_no_end(standing: Key) -> None:
    if standing.ended is not None:
        raise NotRenewed("KEY-ENDING", "The key you came with was renewed. Come with the new one.")


def _requested(pem: str) -> PublicKey:
    """The key of a certificate request that is signed with it.

    Raises:
        NotRenewed: it is no such request, or its key is of no kind we take.
    """
    try:
        request = x509.load_pem_x509_csr(pem.encode())
        proven, key = request.is_signature_valid, request.public_key()
    except Exception:  # whatever a library says of a stranger's bytes: it is no request
        raise NotRenewed("KEY-REQUEST", "This is no certificate request in PEM (PKCS #10).") from None
    if not proven:
        raise NotRenewed("KEY-PROOF", "The request is not signed with the key that it names.")
    try:
        return check_key(key)
    except BadSignature as error:
        raise NotRenewed("KEY-KIND", f"{error.reason}.") from None


_ARMOUR = re.compile(r"-----BEGIN SSH SIGNATURE-----\n([A-Za-z0-9+/=\n]+)\n-----END SSH SIGNATURE-----\n?")
_MAGIC = b"SSHSIG"
_HASHES = frozenset({"sha256", "sha512"})


def _proven(member: MemberId, public: str, proof: str) -> tuple[paramiko.PKey, str]:
    """The SSH key that was asked for and its line, once it has signed them (OpenSSH's PROTOCOL.sshsig)."""
    try:
        kind, text = public.split()[:2]
        key = paramiko.PKey.from_type_string(kind, base64.b64decode(text, validate=True))
    except Exception:  # as above
        raise NotRenewed("KEY-REQUEST", "This is no OpenSSH public key.") from None
    if (
        kind not in SSH_KINDS
        or key.get_name() != kind
        or (kind == "ssh-rsa" and key.get_bits() < LEAST_RSA_BITS)
    ):
        raise NotRenewed("KEY-KIND", "The key must be Ed25519, or RSA of 3072 bits or more.")
    line = f"{kind} {text}"
    try:
        armoured = _ARMOUR.fullmatch(proof.replace("\r\n", "\n"))
        signature = Message(
            base64.b64decode(armoured[1].replace("\n", ""), validate=True) if armoured else b""
        )
        proven = _has_signed(key, signature, said_of(member, line))
    except (binascii.Error, ValueError, IndexError, paramiko.SSHException):
        proven = False
    if not proven:
        raise NotRenewed("KEY-PROOF", "The proof is not signed with the new key, for you and this purpose.")
    return key, line


def _has_signed(key: paramiko.PKey, signature: Message, text: bytes) -> bool:
    if signature.get_bytes(len(_MAGIC)) != _MAGIC or signature.get_int() != 1:
        return False
    signer, namespace, reserved = (signature.get_binary() for _ in range(3))
    algorithm, value = signature.get_text(), signature.get_binary()
    if signer != key.asbytes() or namespace != NAMESPACE.encode() or algorithm not in _HASHES:
        return False
    signed = Message()
    signed.add_bytes(_MAGIC)
    for part in (namespace, reserved, algorithm.encode(), hashlib.new(algorithm, text).digest()):
        signed.add_string(part)
    return bool(key.verify_ssh_sig(signed.asbytes(), Message(value)))
