"""ACKREC: the signed receipt, given at once. It says that the bytes are ours to keep, no more."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from gateway import wire

CODE = "ACKREC"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was received and where the journal records it.

    Attributes:
        header: to whom; its deposit gives name, size, digest and moment of receipt.
        journal: the entry of the receipt in the register of all entries (RGD 12 May 1975, art. 20).
    """

    header: wire.AnswerHeader
    journal: wire.JournalEntry


def write(receipt: Receipt) -> etree._Element:
    """The receipt as XML, unsigned."""
    root = wire.write_answer(CODE, receipt.header)
    wire.write_journal(root, receipt.journal)
    return root


def read(root: etree._Element) -> Receipt:
    """The receipt in a verified document.

    Raises:
        ValueError: when it is not one.
    """
    wire.expect(root, CODE)
    return Receipt(wire.read_answer_header(root), wire.read_journal(root))
