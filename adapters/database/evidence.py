"""On what the certificate of a deposit was believed: path, revocation lists, OCSP answers, whole.

The same list stands behind thousands of deposits: each thing is kept once, under its digest.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache

import sqlalchemy as sa

from adapters.database import dialects, tables
from signing.certificates import Evidence

kept = tables.table(tables.CertificateEvidence)
believed = tables.table(tables.DepositEvidence)
deposit = tables.table(tables.Deposit)

_INSERT = sa.insert(believed)

CERTIFICATE = "certificate"
LIST = "crl"
ANSWER = "ocsp"
REFUSED = "refused-"
"""Before the kind of what was looked at for a deposit that was refused: nobody need rely on it."""


@dataclass(frozen=True, slots=True)
class StoredEvidence:
    """What was kept with a deposit, each thing in DER.

    Attributes:
        certificates: the path, from the signer's certificate up to the anchor.
        lists: the revocation lists that were consulted.
        answers: the OCSP answers that were consulted.
    """

    certificates: tuple[bytes, ...]
    lists: tuple[bytes, ...]
    answers: tuple[bytes, ...]


def keep(connection: sa.Connection, number: int, evidence: Evidence, *, refused: bool = False) -> None:
    """Keep with the deposit of a number on what its signer's certificate was believed, or was judged."""
    things = [
        *((CERTIFICATE, der) for der in evidence.certificates),
        *((LIST, one.der) for one in evidence.lists),
        *((ANSWER, one.der) for one in evidence.answers),
    ]
    digests = [hashlib.sha256(der).hexdigest() for _, der in things]
    contents = [{"digest": digest, "der": der} for digest, (_, der) in zip(digests, things, strict=True)]
    connection.execute(_keeping(connection.dialect.name), contents)
    rows = [
        {
            "deposit": number,
            "place": place,
            "kind": REFUSED + kind if refused else kind,
            "digest": digest,
        }
        for place, (digest, (kind, _)) in enumerate(zip(digests, things, strict=True))
    ]
    connection.execute(_INSERT, rows)


@cache
def _keeping(dialect: str) -> sa.Insert:
    return dialects.named(dialect).insert(kept).on_conflict_do_nothing()


def evidence_of(connection: sa.Connection, identifier: str, *, refused: bool = False) -> StoredEvidence:
    """What was kept with the deposit of an id; nothing of one that waits still.

    Args:
        refused: of one that was refused; else of one whose signer was believed, and that was read.
    """
    query = (
        sa.select(believed.c.kind, kept.c.der)
        .join(kept, kept.c.digest == believed.c.digest)
        .join(deposit, deposit.c.number == believed.c.deposit)
        .where(deposit.c.id == identifier)
        .order_by(believed.c.place)
    )
    found = [(row.kind, row.der) for row in connection.execute(query)]
    certificates, lists, answers = (
        tuple(der for kind, der in found if kind == (REFUSED + wanted if refused else wanted))
        for wanted in (CERTIFICATE, LIST, ANSWER)
    )
    return StoredEvidence(certificates, lists, answers)
