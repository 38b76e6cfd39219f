"""The hash chain of the journal, the register of all entries and exits (RGD 12 May 1975, art. 20).

Each entry's hash covers the hash before it, so the last hash stands for the whole register: it leaves the
house inside every acknowledgement, and nobody can change, drop, insert or reorder an entry that came before
without the change being found. What was cut off at the end is found by comparing with a hash that left.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

GENESIS = hashlib.sha256(b"secugate journal 1").digest()
"""Stands before the first entry."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the register.

    Attributes:
        sequence: place in the register, from 1, without gaps.
        at: when, aware.
        event: a word for what happened, such as `received`.
        subject: what it happened to, such as the identifier of a deposit.
        member: whose it is; empty when nobody's.
        digest: SHA-256 of the bytes concerned, hexadecimal; empty when there are none.
    """

    sequence: int
    at: datetime
    event: str
    subject: str
    member: str
    digest: str


@dataclass(frozen=True, slots=True)
class Sealed:
    """An entry with the hash that was kept beside it (32 bytes)."""

    entry: Entry
    hash: bytes


class Broken(Exception):
    """The register is not as it was written.

    Attributes:
        sequence: the place where that shows.
        reason: how, in English.
    """

    def __init__(self, sequence: int, reason: str) -> None:
        super().__init__(f"journal entry {sequence}: {reason}")
        self.sequence = sequence
        self.reason = reason


def entry_hash(previous: bytes, entry: Entry) -> bytes:
    """SHA-256 over the hash before and an entry's fields, each after its length (8 bytes, big-endian).

    Args:
        previous: hash of the entry before, `GENESIS` for the first; 32 bytes.
        entry: its moment counts to the microsecond, in UTC.

    Raises:
        ValueError: the moment has no time zone.
    """
    if entry.at.tzinfo is None:
        raise ValueError("a moment in the journal needs a time zone")
    moment = entry.at.astimezone(UTC).isoformat(timespec="microseconds")
    fields = [str(entry.sequence), moment, entry.event, entry.subject, entry.member, entry.digest]
    encoded = [previous, *(text.encode() for text in fields)]
    return hashlib.sha256(b"".join(len(part).to_bytes(8) + part for part in encoded)).digest()


def check(register: Iterable[Sealed]) -> bytes:
    """Check a whole register, in order from its first entry.

    Returns:
        The last hash, `GENESIS` for an empty register: to compare with hashes that left the house.

    Raises:
        Broken: at the first entry that does not follow from those before.
    """
    head = GENESIS
    for sequence, sealed in enumerate(register, start=1):
        if sealed.entry.sequence != sequence:
            raise Broken(sequence, f"entry {sealed.entry.sequence} stands in its place")
        head = entry_hash(head, sealed.entry)
        if head != sealed.hash:
            raise Broken(sequence, "its hash does not follow from its content and the hash before it")
    return head
