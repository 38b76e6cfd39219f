"""DEPMAX: what an insured with several employers contributed above the ceiling (*dépassement du maximum*).

Written for the month in which it shows, and once more for the year when it is closed: only then may the
insured ask for the return of the own share. Employers get nothing back, and none of them learns of the
others: the document goes to the operator, who sends it to the insured, and to nobody's shelf. The layout is
our own.
"""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from gateway import wire
from gateway.billing.over_ceiling import LEGAL_BASIS, Above, OverCeiling, Part, Stage
from gateway.billing.statement import BranchSum
from gateway.moments import Period
from gateway.money import cents_of, euro
from gateway.parameters import Branch

CODE = "DEPMAX"


@dataclass(frozen=True, slots=True)
class OverCeilingReturn:
    """What is above the ceiling for one insured, and to whom it goes."""

    header: wire.InsuredHeader
    found: OverCeiling


def write(document: OverCeilingReturn) -> etree._Element:
    """The notice as XML, unsigned."""
    root, found = wire.write_to_insured(CODE, document.header), document.found
    wire.fill(
        root,
        (
            ("Until", str(found.until)),
            ("Stage", found.stage),
            ("LegalBasis", LEGAL_BASIS),
            ("Surname", found.surname),
            ("FirstName", found.first_name),
        ),
    )
    for one in found.employers:
        employer = wire.add(root, "Employer")
        wire.fill(employer, (("Matricule", one.employer), ("Name", one.name)))
        for part in one.branches:
            wire.fill(
                wire.add(employer, "Part"),
                (("Branch", part.branch), ("Base", euro(part.base)), ("Employee", euro(part.employee))),
            )
    for above in found.branches:
        wire.fill(
            wire.add(root, "Above"),
            (
                ("Branch", above.branch),
                ("Base", euro(above.base)),
                ("Ceiling", euro(above.ceiling)),
                ("Amount", euro(above.above)),
                ("Share", euro(above.share)),
                ("ClaimAt", above.claim_at),
            ),
        )
    wire.fill(root, (("Share", euro(found.share)),))
    return root


def read(root: etree._Element) -> OverCeilingReturn:
    """The notice in a verified document.

    Raises:
        ValueError: when it is no DEPMAX, or a sum is not that of its parts.
    """
    wire.expect(root, CODE)
    header = wire.read_insured_header(root)
    found = OverCeiling(
        insured=header.insured,
        until=Period.parse(wire.text(root, "Until")),
        stage=Stage(wire.text(root, "Stage")),
        surname=wire.optional(root, "Surname"),
        first_name=wire.optional(root, "FirstName"),
        employers=tuple(map(_read_part, wire.children(root, "Employer"))),
        branches=tuple(map(_read_above, wire.children(root, "Above"))),
    )
    wire.agree(root, (("Share", euro(found.share)),))
    return OverCeilingReturn(header, found)


def _read_part(part: etree._Element) -> Part:
    return Part(
        wire.text(part, "Matricule"),
        wire.optional(part, "Name"),
        tuple(
            BranchSum(
                Branch(wire.text(one, "Branch")),
                cents_of(wire.text(one, "Base")),
                cents_of(wire.text(one, "Employee")),
                0,
            )
            for one in wire.children(part, "Part")
        ),
    )


def _read_above(part: etree._Element) -> Above:
    above = Above(
        Branch(wire.text(part, "Branch")),
        cents_of(wire.text(part, "Base")),
        cents_of(wire.text(part, "Ceiling")),
        cents_of(wire.text(part, "Share")),
        wire.text(part, "ClaimAt"),
    )
    wire.agree(part, (("Amount", euro(above.above)),))
    return above
