"""JOUHED: a sealed head of the journal (tête du journal): its size, and the root of its Merkle tree.

Sealed within a minute of whatever is entered, and for everybody: it names no member. Whoever has an earlier
head, a receipt or an acknowledgement can have it proven that the register has only grown since (RFC 9162);
`secugate audit` does so. Our own form.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from gateway import wire

CODE = "JOUHED"


@dataclass(frozen=True, slots=True)
class Head:
    """How far the journal went.

    Attributes:
        environment: `production` or `test`.
        created: when it was stated, in UTC, to the second.
        journal: the last entry, and the root of the tree of all entries.
    """

    environment: str
    created: datetime
    journal: wire.JournalEntry


def write(head: Head) -> etree._Element:
    """The head as XML, unsigned."""
    root = wire.begin(CODE)
    wire.write_public_header(root, head.environment, head.created)
    wire.write_journal(root, head.journal)
    return root


def read(root: etree._Element) -> Head:
    """The head in a verified document.

    Raises:
        ValueError: when it is not one.
    """
    wire.expect(root, CODE)
    environment, created = wire.read_public_header(root)
    return Head(environment, created, wire.read_journal(root))
