"""MATASS: the matricules found or given for the persons of a DEMMAT.

Beside each matricule stands what lets the employer find the person in its own file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from lxml import etree

from gateway import wire
from gateway.outcome import Assignment

CODE = "MATASS"
_WORDS = {True: "true", False: "false"}


@dataclass(frozen=True, slots=True)
class Assigned:
    """The matricule of one person asked for.

    Attributes:
        record: place of the request in the batch, from 1.
        insured: the matricule.
        existing: whether the person had it before.
        employer, surname, first_name, birth_date, reference: as asked for.
    """

    record: int
    insured: str
    existing: bool
    employer: str
    surname: str
    first_name: str
    birth_date: date
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Assignments:
    """The matricules that answer one batch, in the order of its records."""

    header: wire.AnswerHeader
    assigned: tuple[Assigned, ...]


def of(header: wire.AnswerHeader, assignments: Sequence[Assignment]) -> Assignments:
    """The return that gives the matricules of handled requests."""
    return Assignments(header, tuple(_assigned(assignment) for assignment in assignments))


def _assigned(assignment: Assignment) -> Assigned:
    asked = assignment.record.fields
    return Assigned(
        record=assignment.record.number,
        insured=assignment.matricule,
        existing=assignment.existing,
        employer=asked["Employer"],
        surname=asked["Surname"],
        first_name=asked["FirstName"],
        birth_date=date.fromisoformat(asked["BirthDate"]),
        reference=asked.get("Reference"),
    )


def write(document: Assignments) -> etree._Element:
    """The return as XML, unsigned."""
    root = wire.write_answer(CODE, document.header)
    for assigned in document.assigned:
        part = wire.add(root, "Assigned")
        part.set("record", str(assigned.record))
        wire.fill(
            part,
            (
                ("Insured", assigned.insured),
                ("Existing", _WORDS[assigned.existing]),
                ("Employer", assigned.employer),
                ("Surname", assigned.surname),
                ("FirstName", assigned.first_name),
                ("BirthDate", assigned.birth_date.isoformat()),
                ("Reference", assigned.reference),
            ),
        )
    return root


def read(root: etree._Element) -> Assignments:
    """The matricules in a verified document.

    Raises:
        ValueError: when it is no MATASS.
    """
    wire.expect(root, CODE)
    assigned = tuple(_read_assigned(part) for part in wire.children(root, "Assigned"))
    return Assignments(wire.read_answer_header(root), assigned)


def _read_assigned(part: etree._Element) -> Assigned:
    return Assigned(
        record=int(part.get("record", "")),
        insured=wire.text(part, "Insured"),
        existing=wire.text(part, "Existing") == "true",
        employer=wire.text(part, "Employer"),
        surname=wire.text(part, "Surname"),
        first_name=wire.text(part, "FirstName"),
        birth_date=date.fromisoformat(wire.text(part, "BirthDate")),
        reference=wire.optional(part, "Reference"),
    )
