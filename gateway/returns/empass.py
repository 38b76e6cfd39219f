"""EMPASS: the numbers of the employers that a DEMEMP registered, found or renamed.

Whether a number is new is not said. Who knows a company's national number can still find out that it is
registered here: under another name the request is refused (EMPRET 15). The public business register tells as
much.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lxml import etree

from gateway import wire
from gateway.outcome import Assignment

CODE = "EMPASS"


@dataclass(frozen=True, slots=True)
class NumberedEmployer:
    """The number of one employer.

    Attributes:
        record: place of the request in the batch, from 1.
        employer: the number, 13 digits.
        name, reference: as asked for.
    """

    record: int
    employer: str
    name: str
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class NumberedEmployers:
    """The numbers that answer one batch, in the order of its records."""

    header: wire.AnswerHeader
    assigned: tuple[NumberedEmployer, ...]


def of(header: wire.AnswerHeader, assignments: Sequence[Assignment]) -> NumberedEmployers:
    """The return that gives the numbers of handled requests."""
    return NumberedEmployers(header, tuple(_numbered(assignment) for assignment in assignments))


def _numbered(assignment: Assignment) -> NumberedEmployer:
    asked = assignment.record.fields
    return NumberedEmployer(
        record=assignment.record.number,
        employer=assignment.matricule,
        name=asked["Name"],
        reference=asked.get("Reference"),
    )


def write(document: NumberedEmployers) -> etree._Element:
    """The return as XML, unsigned."""
    root = wire.write_answer(CODE, document.header)
    for one in document.assigned:
        part = wire.add(root, "Assigned")
        part.set("record", str(one.record))
        wire.fill(part, (("Employer", one.employer), ("Name", one.name), ("Reference", one.reference)))
    return root


def read(root: etree._Element) -> NumberedEmployers:
    """The numbers in a verified document.

    Raises:
        ValueError: when it is no EMPASS.
    """
    wire.expect(root, CODE)
    assigned = tuple(_read_numbered(part) for part in wire.children(root, "Assigned"))
    return NumberedEmployers(wire.read_answer_header(root), assigned)


def _read_numbered(part: etree._Element) -> NumberedEmployer:
    return NumberedEmployer(
        record=int(part.get("record", "")),
        employer=wire.text(part, "Employer"),
        name=wire.text(part, "Name"),
        reference=wire.optional(part, "Reference"),
    )
