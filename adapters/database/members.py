"""Members and their registered keys: who may come in, and whose signature counts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from adapters.database import tables
from adapters.database.engine import Database
from adapters.database.journal import append
from adapters.database.registers import recalculations
from adapters.database.registers.mandates import SqlMandates
from gateway.agreement import Agreement, Pages, Spelling
from gateway.batch import MemberId
from gateway.contributions import Classification
from gateway.moments import Period, Received
from gateway.procedures import PROCEDURES
from gateway.registers import Mandate, MandateState, Origin

member = tables.table(tables.Member)
agreement = tables.table(tables.Agreement)
certificate = tables.table(tables.Certificate)
ssh_key = tables.table(tables.SshKey)
employer = tables.table(tables.Employer)
employer_year = tables.table(tables.EmployerYear)

ALL = frozenset(one.code for one in PROCEDURES)
"""The procedures of a member with whom nothing narrower was agreed."""

AGENCY = "agency"
"""The kind of a member that is a temporary-work agency."""

FIDUCIARY = "fiduciary"
"""The kind of a member that acts for others."""


def _holding(keys: sa.Table) -> sa.Select[Any]:
    """Whose a key with a fingerprint is at a moment: `digest`, `at`."""
    at: sa.BindParameter[str] = sa.bindparam("at")
    return sa.select(keys.c.member).where(
        keys.c.fingerprint == sa.bindparam("digest"),
        keys.c.registered <= at,
        sa.or_(keys.c.ended.is_(None), keys.c.ended > at),
    )


_OF_CERTIFICATE, _OF_SSH_KEY = _holding(certificate), _holding(ssh_key)
_KIND = sa.select(member.c.kind).where(member.c.id == sa.bindparam("of"))
_AGREED = (
    sa.select(agreement)
    .where(agreement.c.member == sa.bindparam("of"), agreement.c.agreed <= sa.bindparam("at"))
    .order_by(agreement.c.number.desc())
    .limit(1)
)


def fingerprint(cert: x509.Certificate) -> str:
    """SHA-256 of a certificate, lower-case hexadecimal."""
    return cert.fingerprint(SHA256()).hex()


def _of_year(
    matricule: str, year: int, classified: Classification, at: Received | None = None
) -> dict[str, object]:
    """A row of the table `employer_year`."""
    return {
        "matricule": matricule,
        "year": year,
        "mde_class": classified.mde_class,
        "accident_factor": classified.accident_factor,
        "public": classified.public,
        "health_service": classified.health_service.value,
        "entered": at and str(at),
    }


def kind_of(connection: sa.Connection, identifier: MemberId) -> str | None:
    """As what a member is registered: employer, fiduciary or agency; None when there is no such member."""
    kind: str | None = connection.execute(_KIND, {"of": str(identifier)}).scalar()
    return kind


def _agree(connection: sa.Connection, identifier: MemberId, agreed: Agreement, at: Received) -> None:
    procedures = " ".join(sorted(agreed.procedures))
    connection.execute(
        sa.insert(agreement).values(
            member=str(identifier),
            procedures=procedures,
            environment=agreed.environment,
            answers=agreed.answers.value,
            own_computation=agreed.own_computation,
            pages=agreed.pages.value,
            release_above=agreed.release_above,
            triples=agreed.triples,
            agreed=str(at),
        )
    )
    append(connection, at=at, event="agreement", subject=procedures, member=str(identifier))


def agreement_of(connection: sa.Connection, identifier: MemberId, at: Received) -> Agreement | None:
    """The agreement of a member at a moment; None when there is none."""
    row = connection.execute(_AGREED, {"of": str(identifier), "at": str(at)}).one_or_none()
    if row is None:
        return None
    return Agreement(
        frozenset(row.procedures.split()),
        row.environment,
        Spelling(row.answers),
        row.own_computation,
        Pages(row.pages),
        row.release_above,
        row.triples,
    )


@dataclass(frozen=True, slots=True)
class Key:
    """A registered key of a member.

    Attributes:
        fingerprint: SHA-256 of a certificate in hexadecimal, or of an SSH key as ssh-keygen prints it.
        registered: since when it counts.
        ended: from when it counts no more; None while no end is set.
        expires: when its certificate ends; None for an SSH key.
        public_key: SHA-256 of the public key of a certificate, hexadecimal; the SSH key itself, as OpenSSH
            writes it.
    """

    fingerprint: str
    registered: Received
    ended: Received | None
    expires: Received | None
    public_key: str

    @property
    def is_ssh(self) -> bool:
        """Whether it is for the SFTP door."""
        return self.expires is None

    def counts(self, at: Received) -> bool:
        """Whether it counts at a moment."""
        begun = self.registered.at <= at.at and (self.ended is None or at.at < self.ended.at)
        return begun and (self.expires is None or at.at <= self.expires.at)


def public_key_digest(key: CertificatePublicKeyTypes) -> str:
    """SHA-256 of a public key, lower-case hexadecimal."""
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def enter_certificate(
    connection: sa.Connection, identifier: MemberId, cert: x509.Certificate, at: Received
) -> str:
    """Register a certificate of a member; its fingerprint.

    Raises:
        sqlalchemy.exc.IntegrityError: when it is registered already, or there is no such member.
    """
    digest = fingerprint(cert)
    connection.execute(
        sa.insert(certificate).values(
            fingerprint=digest,
            member=str(identifier),
            public_key=public_key_digest(cert.public_key()),
            pem=cert.public_bytes(Encoding.PEM).decode(),
            registered=str(at),
            expires=str(Received(cert.not_valid_after_utc)),
        )
    )
    append(connection, at=at, event="key", subject=digest, member=str(identifier))
    return digest


def enter_ssh_key(
    connection: sa.Connection, identifier: MemberId, digest: str, public_key: str, at: Received
) -> None:
    """Register an SSH key of a member under its `SHA256:…` fingerprint.

    Raises:
        sqlalchemy.exc.IntegrityError: when it is registered already, or there is no such member.
    """
    connection.execute(
        sa.insert(ssh_key).values(
            fingerprint=digest, member=str(identifier), public_key=public_key, registered=str(at)
        )
    )
    append(connection, at=at, event="key", subject=digest, member=str(identifier))


def end_key(
    connection: sa.Connection, identifier: MemberId, digest: str, last: Received, at: Received
) -> bool:
    """Have a key of a member count no more from a moment; False when it has none that counts longer."""
    for keys in (certificate, ssh_key):
        ended = connection.execute(
            sa.update(keys)
            .where(
                keys.c.fingerprint == digest,
                keys.c.member == str(identifier),
                sa.or_(keys.c.ended.is_(None), keys.c.ended > str(last)),
            )
            .values(ended=str(last))
        )
        if ended.rowcount:
            append(connection, at=at, event="key ends", subject=digest, member=str(identifier))
            return True
    return False


def keys_of(connection: sa.Connection, identifier: MemberId) -> list[Key]:
    """All keys of a member, those that count no more too, in the order of registration."""
    found = [
        Key(
            row.fingerprint,
            Received.parse(row.registered),
            row.ended and Received.parse(row.ended),
            Received.parse(row.expires) if keys is certificate else None,
            row.public_key,
        )
        for keys in (certificate, ssh_key)
        for row in connection.execute(sa.select(keys).where(keys.c.member == str(identifier)))
    ]
    return sorted(found, key=lambda one: one.registered.at)


class Members:
    """The register of members, each call a transaction of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of_certificate(self, digest: str, at: Received) -> MemberId | None:
        """The member for whom a certificate was registered and not ended at a moment.

        Args:
            digest: SHA-256 of the certificate, lower-case hexadecimal.
            at: the moment of receipt.
        """
        return self._holder(_OF_CERTIFICATE, digest, at)

    def certificate(self, digest: str) -> x509.Certificate:
        """A registered certificate by its SHA-256 fingerprint.

        Raises:
            sqlalchemy.exc.NoResultFound: when there is none.
        """
        query = sa.select(certificate.c.pem).where(certificate.c.fingerprint == digest)
        with self._database.read() as connection:
            pem: str = connection.execute(query).scalar_one()
        return x509.load_pem_x509_certificate(pem.encode())

    def of_ssh_key(self, digest: str, at: Received) -> MemberId | None:
        """The member for whom an SSH key (`SHA256:…`) was registered and not ended at a moment."""
        return self._holder(_OF_SSH_KEY, digest, at)

    def _holder(self, query: sa.Select[Any], digest: str, at: Received) -> MemberId | None:
        with self._database.read() as connection:
            found = connection.execute(query, {"digest": digest, "at": str(at)}).scalar()
        return None if found is None else MemberId(found[:13], found[13:])

    def register(self, identifier: MemberId, *, name: str, kind: str, at: Received) -> None:
        """Enter a member, with an agreement on all procedures until another one is entered.

        Raises:
            sqlalchemy.exc.IntegrityError: when there is one with this number.
        """
        with self._database.write() as connection:
            connection.execute(
                sa.insert(member).values(id=str(identifier), name=name, kind=kind, registered=str(at))
            )
            append(connection, at=at, event="member", subject=name, member=str(identifier))
            _agree(connection, identifier, Agreement(ALL), at)

    def agree(self, identifier: MemberId, agreed: Agreement, at: Received) -> None:
        """Put an agreement in the place of the one that stood, for what is received from now on."""
        with self._database.write() as connection:
            _agree(connection, identifier, agreed, at)

    def agreement(self, identifier: MemberId, at: Received) -> Agreement | None:
        """The agreement of a member at a moment; None when there is none."""
        with self._database.read() as connection:
            return agreement_of(connection, identifier, at)

    def add_certificate(self, identifier: MemberId, cert: x509.Certificate, at: Received) -> str:
        """Register a certificate of a member; its fingerprint."""
        with self._database.write() as connection:
            return enter_certificate(connection, identifier, cert, at)

    def add_ssh_key(self, identifier: MemberId, digest: str, public_key: str, at: Received) -> None:
        """Register an SSH key of a member under its `SHA256:…` fingerprint."""
        with self._database.write() as connection:
            enter_ssh_key(connection, identifier, digest, public_key, at)

    def keys(self, identifier: MemberId) -> list[Key]:
        """All keys of a member, those that count no more too, in the order of registration."""
        with self._database.read() as connection:
            return keys_of(connection, identifier)

    def end_key(self, identifier: MemberId, digest: str, last: Received, at: Received) -> bool:
        """Have a key of a member count no more from a moment; False when it has none that counts longer."""
        with self._database.write() as connection:
            return end_key(connection, identifier, digest, last, at)

    def grant(
        self,
        identifier: MemberId,
        employer_matricule: str,
        procedures: Iterable[str],
        *,
        first: date,
        last: date | None,
        at: Received,
    ) -> int:
        """Enter a mandate; its number."""
        new = Mandate(0, identifier, employer_matricule, frozenset(procedures), first, last)
        with self._database.write() as connection:
            return SqlMandates(connection).enter(new, Origin(at)).number

    def end_mandate(self, number: int, last: date | None, at: Received) -> bool:
        """Set the last day of a mandate, or end it at once; False when there is none of that number, or it
        has ended already."""

        def ended(mandate: Mandate) -> Mandate | None:
            if mandate.state is MandateState.ENDED:
                return None
            return mandate.finished(at) if last is None else replace(mandate, last=last)

        return self._change(number, ended, at)

    def confirm_mandate(self, number: int, at: Received) -> bool:
        """Grant a mandate that was asked for; False when none of that number waits for it."""
        return self._change(
            number, lambda one: one.confirmed(at) if one.state is MandateState.PENDING else None, at
        )

    def _change(self, number: int, change: Callable[[Mandate], Mandate | None], at: Received) -> bool:
        with self._database.write() as connection:
            mandates = SqlMandates(connection)
            known = mandates.get(number)
            changed = known and change(known)
            if changed:
                mandates.change(changed, Origin(at))
        return bool(changed)

    def mandates(self, states: Iterable[MandateState]) -> Sequence[Mandate]:
        """All mandates in some states, by number."""
        with self._database.read() as connection:
            return SqlMandates(connection).in_state(states)

    def set_year(self, matricule: str, years: Mapping[int, Classification], at: Received) -> bool:
        """Set what an employer is classed as by year; False without such an employer.

        What was set before stays as history; what was charged by it is looked at again.
        """
        known = sa.select(employer.c.matricule).where(employer.c.matricule == matricule)
        with self._database.write() as connection:
            if connection.execute(known).first() is None:
                return False
            for year, classified in years.items():
                connection.execute(sa.insert(employer_year).values(_of_year(matricule, year, classified, at)))
                recalculations.of_employer(connection, matricule, Period(year, 1))
        return True

    def enter_employer(
        self, matricule: str, *, name: str, years: Mapping[int, Classification], household: bool = False
    ) -> None:
        """Enter an employer with what it is classed as by year."""
        with self._database.write() as connection:
            connection.execute(
                sa.insert(employer).values(matricule=matricule, name=name, household=household)
            )
            for year, classified in years.items():
                connection.execute(sa.insert(employer_year).values(_of_year(matricule, year, classified)))
