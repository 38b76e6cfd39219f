"""CHAPRO: the employees of an employer who are counted for the Chambre des salariés.

Those affiliated on 1 March of the year count. Posted without being asked for, to every member with the right
to the employer's invoices, twice a year: on the first working day of May to be checked (corrections by
DECAFF count until 30 June), and on the first working day of July as it is charged. The operator's layout is
not public; this one is our own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from lxml import etree

from gateway import wire

CODE = "CHAPRO"
RECORD = "Counted"


class Stage(StrEnum):
    """Whether a list can still be corrected."""

    CHECK = "check"
    """Sent in May, to be corrected."""
    CHARGED = "charged"
    """Sent in July, as it is charged."""


@dataclass(frozen=True, slots=True)
class Counted:
    """One employee who is counted.

    Attributes:
        employer, insured: matricules.
        entry: first day of the affiliation.
        contract: letter of the contract type.
        surname, first_name: None when the person was not registered here.
    """

    employer: str
    insured: str
    entry: date
    contract: str
    surname: str | None = None
    first_name: str | None = None


@dataclass(frozen=True, slots=True)
class CountedEmployees:
    """The employees of one employer who are counted, by insured and entry.

    Attributes:
        year: who was affiliated on its 1 March is counted.
        until: last day on which corrections count.
    """

    header: wire.AnswerHeader
    year: int
    stage: Stage
    until: date
    counted: tuple[Counted, ...]


def write(document: CountedEmployees) -> etree._Element:
    """The list as XML, unsigned."""
    root = wire.write_answer(CODE, document.header)
    wire.fill(
        root,
        (("Year", f"{document.year:04d}"), ("Stage", document.stage), ("Until", document.until.isoformat())),
    )
    for one in document.counted:
        wire.fill(
            wire.add(root, RECORD),
            (
                ("Employer", one.employer),
                ("Insured", one.insured),
                ("Surname", one.surname),
                ("FirstName", one.first_name),
                ("Entry", one.entry.isoformat()),
                ("ContractType", one.contract),
            ),
        )
    return root


def read(root: etree._Element) -> CountedEmployees:
    """The list in a verified document.

    Raises:
        ValueError: when it is no CHAPRO.
    """
    wire.expect(root, CODE)
    return CountedEmployees(
        header=wire.read_answer_header(root),
        year=int(wire.text(root, "Year")),
        stage=Stage(wire.text(root, "Stage")),
        until=date.fromisoformat(wire.text(root, "Until")),
        counted=tuple(_read_counted(part) for part in wire.children(root, RECORD)),
    )


def _read_counted(part: etree._Element) -> Counted:
    return Counted(
        employer=wire.text(part, "Employer"),
        insured=wire.text(part, "Insured"),
        entry=date.fromisoformat(wire.text(part, "Entry")),
        contract=wire.text(part, "ContractType"),
        surname=wire.optional(part, "Surname"),
        first_name=wire.optional(part, "FirstName"),
    )
