"""What lies where in an evidence pack.

Flat, with names that sort and that every shell takes. Entries of the journal are kept as the very bytes that
are hashed (`.leaf`), with the way from them to the root of the sealed head (`.path`): a line for each step,
`left` or `right` for the side on which the other hash stands. The way from the root that a receipt or an
acknowledgement states to that of the head is a `.consistency`: `start` with the first hash, then `both` where
the other stands left of the earlier and of the later tree, `later` where it stands right of the later one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from signing.container import MAGIC, Limits
from signing.encrypted import is_encrypted
from signing.journal import Entry, leaf_bytes

README = "README.txt"
RECEIPT = "receipt.xml"
ACKNOWLEDGEMENT = "acknowledgement.xml"
STAMPED = "acknowledgement-stamped.xml"
HEAD = "head.xml"
SIGNER = "signer.pem"
CHAIN = "chain.pem"
ANCHOR = "anchor.pem"
LISTS = "crls.pem"
OCSP = "ocsp-"
BATCH = "batch."
OPENED = "opened."
ENTRY = "entry-"
RETURN = "SECU."

LIMITS = Limits(files=1000, size=512 * 1024 * 1024, ratio=1000)
"""What a pack may hold; it comes from somebody who could have put it together to harm us."""


@dataclass(frozen=True, slots=True)
class Proven:
    """An entry of the journal, and how it leads to the root of the head (RFC 9162, section 2.1.3)."""

    entry: Entry
    proof: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Grown:
    """How the tree of the head adds to one that was stated before (RFC 9162, section 2.1.4).

    Attributes:
        size, root: of the earlier tree.
        proof: from there to the root of the head.
    """

    size: int
    root: bytes
    proof: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Material:
    """What goes into a pack; each thing as it was received, sealed or kept, byte for byte.

    Attributes:
        batch: as it was received.
        opened: what was found in it, where it was encrypted for us.
        certificates: the path of its signer, up to the anchor, in DER; none where none was believed.
        lists, answers: revocation lists and OCSP answers that were consulted, in DER.
        receipt: the ACKREC.
        acknowledgement: the ACKTRT, once there is one.
        stamped: the same with its time stamp, once there is one.
        returns: everything else that was posted about it, by name.
        head: the sealed head of the journal, with its time stamp if it has one.
        size: how many entries that is over.
        entries: all that the journal says of the batch and of its answers.
        since_receipt, since_acknowledgement: how the journal has grown since.
    """

    batch: bytes = field(repr=False)
    opened: bytes | None = field(repr=False)
    certificates: Sequence[bytes]
    lists: Sequence[bytes]
    answers: Sequence[bytes]
    receipt: bytes
    acknowledgement: bytes | None
    stamped: bytes | None
    returns: Mapping[str, bytes]
    head: bytes
    size: int
    entries: Sequence[Proven]
    since_receipt: Grown
    since_acknowledgement: Grown | None


def files(material: Material) -> dict[str, bytes]:
    """The files of a pack by name, still to be sealed."""
    made = {README: readme(), BATCH + ending(material.batch): material.batch}
    if material.opened is not None:
        made[OPENED + ending(material.opened)] = material.opened
    made |= dict(_of_signer(material))
    made[RECEIPT] = material.receipt
    if material.acknowledgement is not None:
        made[ACKNOWLEDGEMENT] = material.acknowledgement
    if material.stamped is not None:
        made[STAMPED] = material.stamped
    made |= dict(material.returns)
    made[HEAD] = material.head
    for one in material.entries:
        name = entry_name(one.entry.sequence)
        made[f"{name}.leaf"] = leaf_bytes(one.entry)
        made[f"{name}.path"] = _lines(_path(one.entry.sequence - 1, material.size, one.proof))
    made["receipt.consistency"] = _lines(_growth(material.since_receipt, material.size))
    if material.since_acknowledgement is not None:
        made["acknowledgement.consistency"] = _lines(_growth(material.since_acknowledgement, material.size))
    return made


@cache
def readme() -> bytes:
    """What stands in every pack for whoever opens it."""
    return (Path(__file__).parent / README).read_bytes()


def ending(content: bytes) -> str:
    """How the name of a batch ends, by its first bytes."""
    if content.startswith(MAGIC):
        return "asic"
    return "p7m" if is_encrypted(content) else "xml"


def entry_name(sequence: int) -> str:
    """The name of an entry of the journal, without what comes behind its dot."""
    return f"{ENTRY}{sequence:010d}"


def _of_signer(material: Material) -> Iterator[tuple[str, bytes]]:
    if material.certificates:
        signer, *chain, anchor = map(_certificate_pem, material.certificates)
        yield SIGNER, signer
        if chain:
            yield CHAIN, b"".join(chain)
        yield ANCHOR, anchor
    if material.lists:
        lists = (x509.load_der_x509_crl(der).public_bytes(Encoding.PEM) for der in material.lists)
        yield LISTS, b"".join(lists)
    for number, der in enumerate(material.answers, start=1):
        yield f"{OCSP}{number}.der", der


def _certificate_pem(der: bytes) -> bytes:
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)


def _lines(steps: Iterator[tuple[str, bytes]]) -> bytes:
    return b"".join(f"{side} {other.hex()}\n".encode() for side, other in steps)


def sides(index: int, size: int) -> Iterator[str]:
    """On which side the other hash stands, from an entry up to the root (RFC 9162, section 2.1.3.2)."""
    first, last = index, size - 1
    while last:
        if first & 1:
            yield "left"
        elif first < last:
            yield "right"
        elif first:
            # The last one of an uneven row is carried up to where it has a left neighbour.
            while not first & 1:
                first, last = first >> 1, last >> 1
            yield "left"
        first, last = first >> 1, last >> 1


def _path(index: int, size: int, proof: Sequence[bytes]) -> Iterator[tuple[str, bytes]]:
    yield from zip(sides(index, size), proof, strict=True)


def growth_sides(first_size: int, size: int) -> Iterator[str]:
    """What is to be done with each hash of a consistency proof (RFC 9162, section 2.1.4.2)."""
    yield "start"
    first, last = first_size - 1, size - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    while last:
        if first & 1:
            yield "both"
        elif first < last:
            yield "later"
        else:
            while first and not first & 1:
                first, last = first >> 1, last >> 1
            yield "both"
        first, last = first >> 1, last >> 1


def _growth(grown: Grown, size: int) -> Iterator[tuple[str, bytes]]:
    proof = [*grown.proof]
    if grown.size & (grown.size - 1) == 0 or grown.size == size:
        proof.insert(0, grown.root)
    sides_ = ("start",) if grown.size == size else growth_sides(grown.size, size)
    yield from zip(sides_, proof, strict=True)
