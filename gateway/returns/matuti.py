"""MATUTI: the numbers found or given for the user companies of a DEMUTI.

The request stands beside each number, as the operator's return repeats it; the agency keeps the number
for its declarations of temporary workers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lxml import etree

from gateway import wire
from gateway.outcome import Assignment
from gateway.registers import Address

CODE = "MATUTI"
_WORDS = {True: "true", False: "false"}


@dataclass(frozen=True, slots=True)
class NumberedCompany:
    """The number of one company asked for.

    Attributes:
        record: place of the request in the batch, from 1.
        company: the number, 13 digits.
        existing: whether the company had it before.
        employer, name, address, reference: as asked for; the employer is the agency.
    """

    record: int
    company: str
    existing: bool
    employer: str
    name: str
    address: Address
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class NumberedCompanies:
    """The numbers that answer one batch, in the order of its records."""

    header: wire.AnswerHeader
    assigned: tuple[NumberedCompany, ...]


def of(header: wire.AnswerHeader, assignments: Sequence[Assignment]) -> NumberedCompanies:
    """The return that gives the numbers of handled requests."""
    return NumberedCompanies(header, tuple(_numbered(assignment) for assignment in assignments))


def _numbered(assignment: Assignment) -> NumberedCompany:
    asked = assignment.record.fields
    return NumberedCompany(
        record=assignment.record.number,
        company=assignment.matricule,
        existing=assignment.existing,
        employer=asked["Employer"],
        name=asked["Name"],
        address=Address.of(asked),
        reference=asked.get("Reference"),
    )


def write(document: NumberedCompanies) -> etree._Element:
    """The return as XML, unsigned."""
    root = wire.write_answer(CODE, document.header)
    for one in document.assigned:
        part = wire.add(root, "Assigned")
        part.set("record", str(one.record))
        wire.fill(
            part,
            (
                ("Company", one.company),
                ("Existing", _WORDS[one.existing]),
                ("Employer", one.employer),
                ("Name", one.name),
                ("HouseNumber", one.address.number),
                ("Street", one.address.street),
                ("Country", one.address.country),
                ("Postcode", one.address.postcode),
                ("Town", one.address.town),
                ("Reference", one.reference),
            ),
        )
    return root


def read(root: etree._Element) -> NumberedCompanies:
    """The numbers in a verified document.

    Raises:
        ValueError: when it is no MATUTI.
    """
    wire.expect(root, CODE)
    assigned = tuple(_read_numbered(part) for part in wire.children(root, "Assigned"))
    return NumberedCompanies(wire.read_answer_header(root), assigned)


def _read_numbered(part: etree._Element) -> NumberedCompany:
    return NumberedCompany(
        record=int(part.get("record", "")),
        company=wire.text(part, "Company"),
        existing=wire.text(part, "Existing") == "true",
        employer=wire.text(part, "Employer"),
        name=wire.text(part, "Name"),
        address=Address(
            number=wire.text(part, "HouseNumber"),
            street=wire.text(part, "Street"),
            postcode=wire.text(part, "Postcode"),
            town=wire.text(part, "Town"),
            country=wire.text(part, "Country"),
        ),
        reference=wire.optional(part, "Reference"),
    )
