"""Whether the journal has only grown since receipts were given: for whoever holds some, and believes nobody.

Every receipt, acknowledgement and head states under the gateway's seal how many entries the journal had and
the root of their tree. From each of them to the present head the gateway has to prove (RFC 9162, section
2.1.4) that the journal begins with exactly those entries. It cannot once any of them was changed, dropped or
inserted, not even with the key of its seal in hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cryptography import x509
from lxml import etree

from gateway.returns import jouhed
from gateway.wire import JournalEntry, read_journal
from signing.journal import Broken, check_consistency
from signing.parse import Unreadable
from signing.profile import BadSignature
from signing.verify import ForeignSeal, verify_seal


class Source(Protocol):
    """The gateway that is audited."""

    def head(self) -> bytes | None:
        """Its newest sealed head; None before the first."""

    def consistency(self, first: int, second: int) -> Sequence[bytes] | None:
        """Its proof that the journal of one size begins with that of another; None when it has none such."""


@dataclass(frozen=True, slots=True)
class Audit:
    """What came of it.

    Attributes:
        size, root, created: what the present head states; None when there is none that can be believed.
        proven: names of the receipts that the journal still holds with all that came before them.
        findings: what is wrong, a sentence each; empty when all is well.
    """

    size: int | None
    root: str | None
    created: datetime | None
    proven: tuple[str, ...]
    findings: tuple[str, ...]


class _Wrong(Exception):
    """What is told of a document."""


def audit(receipts: Mapping[str, bytes], source: Source, seals: Sequence[x509.Certificate]) -> Audit:
    """Check receipts against the present head of a journal.

    Args:
        receipts: receipts, acknowledgements, simulations or heads, as they were given, by name.
        source: the gateway.
        seals: the certificates with which it seals, and sealed before.
    """
    try:
        head = _head(source.head(), seals)
    except _Wrong as wrong:
        return Audit(None, None, None, (), (str(wrong),))
    proven, findings = [], []
    for name, content in receipts.items():
        try:
            _check(_stated(content, seals), head.journal, source)
            proven.append(name)
        except _Wrong as wrong:
            findings.append(f"{name}: {wrong}")
    return Audit(head.journal.sequence, head.journal.hash, head.created, tuple(proven), tuple(findings))


def _head(content: bytes | None, seals: Sequence[x509.Certificate]) -> jouhed.Head:
    if content is None:
        raise _Wrong("Head: the gateway shows none")
    try:
        return jouhed.read(_sealed(content, seals))
    except (ValueError, _Wrong) as error:
        raise _Wrong(f"Head: {error}") from error


def _stated(content: bytes, seals: Sequence[x509.Certificate]) -> JournalEntry:
    document = _sealed(content, seals)
    try:
        return read_journal(document)
    except ValueError as error:
        raise _Wrong(f"it names no place in the journal ({error})") from error


def _sealed(content: bytes, seals: Sequence[x509.Certificate]) -> etree._Element:
    try:
        return verify_seal(content, seals).content
    except (Unreadable, BadSignature, ForeignSeal) as error:
        raise _Wrong(f"it does not bear the seal ({error})") from error


def _check(stated: JournalEntry, head: JournalEntry, source: Source) -> None:
    """The present journal begins with the entries that a receipt was sealed over."""
    if stated.sequence > head.sequence:
        raise _Wrong(
            f"it is over {stated.sequence} entries, the present head over {head.sequence}: ask again in a"
            " minute; if it stays so, the journal was cut off"
        )
    proof = source.consistency(stated.sequence, head.sequence)
    if proof is None:
        raise _Wrong("the gateway does not prove that the journal still holds what it was sealed over")
    try:
        roots = bytes.fromhex(stated.hash), bytes.fromhex(head.hash)
        check_consistency(stated.sequence, head.sequence, *roots, proof)
    except (Broken, ValueError) as error:
        raise _Wrong(f"the journal was rewritten since ({error})") from error
