"""Members and their registered keys: who may come in, and whose signature counts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from adapters.database import tables
from adapters.database.engine import Database
from adapters.database.journal import append
from gateway.batch import MemberId
from gateway.moments import Received

member = tables.table(tables.Member)
certificate = tables.table(tables.Certificate)
ssh_key = tables.table(tables.SshKey)
mandate = tables.table(tables.Mandate)
employer = tables.table(tables.Employer)
employer_year = tables.table(tables.EmployerYear)

AGENCY = "agency"
"""The kind of a member that is a temporary-work agency."""


def fingerprint(cert: x509.Certificate) -> str:
    """SHA-256 of a certificate, lower-case hexadecimal."""
    return cert.fingerprint(SHA256()).hex()


def mandate_subject(
    number: int, employer_matricule: str, procedures: str, first: str, last: str | None
) -> str:
    """How the journal names a mandate that was entered: all that its row says."""
    return f"{number} {employer_matricule} {procedures} {first} {last or '-'}"


def is_agency(connection: sa.Connection, identifier: MemberId) -> bool:
    """Whether a member is registered as a temporary-work agency."""
    query = sa.select(member.c.id).where(member.c.id == str(identifier), member.c.kind == AGENCY)
    return connection.execute(query).first() is not None


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
        return self._holder(certificate, digest, at)

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
        return self._holder(ssh_key, digest, at)

    def _holder(self, keys: sa.Table, digest: str, at: Received) -> MemberId | None:
        query = sa.select(keys.c.member).where(
            keys.c.fingerprint == digest,
            keys.c.registered <= str(at),
            sa.or_(keys.c.ended.is_(None), keys.c.ended > str(at)),
        )
        with self._database.read() as connection:
            found = connection.execute(query).scalar()
        return None if found is None else MemberId(found[:13], found[13:])

    def register(self, identifier: MemberId, *, name: str, kind: str, at: Received) -> None:
        """Enter a member.

        Raises:
            sqlalchemy.exc.IntegrityError: when there is one with this number.
        """
        with self._database.write() as connection:
            connection.execute(
                sa.insert(member).values(id=str(identifier), name=name, kind=kind, registered=str(at))
            )
            append(connection, at=at, event="member", subject=name, member=str(identifier))

    def add_certificate(self, identifier: MemberId, cert: x509.Certificate, at: Received) -> str:
        """Register a certificate of a member; its fingerprint."""
        digest = fingerprint(cert)
        pem = cert.public_bytes(Encoding.PEM).decode()
        self._add(certificate, identifier, at, fingerprint=digest, pem=pem)
        return digest

    def add_ssh_key(self, identifier: MemberId, digest: str, public_key: str, at: Received) -> None:
        """Register an SSH key of a member under its `SHA256:…` fingerprint."""
        self._add(ssh_key, identifier, at, fingerprint=digest, public_key=public_key)

    def _add(self, keys: sa.Table, identifier: MemberId, at: Received, **values: str) -> None:
        with self._database.write() as connection:
            connection.execute(sa.insert(keys).values(member=str(identifier), registered=str(at), **values))
            append(connection, at=at, event="key", subject=values["fingerprint"], member=str(identifier))

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
        with self._database.write() as connection:
            number: int = connection.execute(
                sa.insert(mandate)
                .values(
                    member=str(identifier),
                    employer=employer_matricule,
                    procedures=" ".join(sorted(procedures)),
                    first=first.isoformat(),
                    last=last.isoformat() if last else None,
                )
                .returning(mandate.c.number)
            ).scalar_one()
            append(
                connection,
                at=at,
                event="mandate",
                subject=mandate_subject(
                    number,
                    employer_matricule,
                    " ".join(sorted(procedures)),
                    first.isoformat(),
                    last.isoformat() if last else None,
                ),
                member=str(identifier),
            )
        return number

    def end_mandate(self, number: int, last: date, at: Received) -> bool:
        """Set the last day of a mandate; False when there is none of that number."""
        with self._database.write() as connection:
            ended = connection.execute(
                sa.update(mandate).where(mandate.c.number == number).values(last=last.isoformat())
            )
            if ended.rowcount:
                append(connection, at=at, event="mandate ended", subject=f"{number} {last.isoformat()}")
        return bool(ended.rowcount)

    def enter_employer(
        self, matricule: str, *, name: str, years: dict[int, tuple[int, int]], household: bool = False
    ) -> None:
        """Enter an employer with its MDE class and accident factor (hundredths) by year."""
        with self._database.write() as connection:
            connection.execute(
                sa.insert(employer).values(matricule=matricule, name=name, household=household)
            )
            for year, (mde_class, factor) in years.items():
                connection.execute(
                    sa.insert(employer_year).values(
                        matricule=matricule, year=year, mde_class=mde_class, accident_factor=factor
                    )
                )
