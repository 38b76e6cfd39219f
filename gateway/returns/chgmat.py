"""CHGMAT: the national register has given a person another matricule.

Posted at once, without being asked for, to every member who may declare for an employer with whom the person
is affiliated. From then on records with the old number are refused as those with a wrong number: a
declaration is never silently understood as one for somebody else. The layout is our own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from lxml import etree

from gateway import wire

CODE = "CHGMAT"
RECORD = "Change"


@dataclass(frozen=True, slots=True)
class Change:
    """A number that takes the place of another, in the file of one employer.

    Attributes:
        employer: matricule.
        old, new: matricules of the person.
        effective: day from which the new number counts.
    """

    employer: str
    old: str
    new: str
    effective: date


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes that concern one member, by employer."""

    header: wire.AnswerHeader
    changes: tuple[Change, ...]


def write(document: Changes) -> etree._Element:
    """The notice as XML, unsigned."""
    root = wire.write_answer(CODE, document.header)
    for change in document.changes:
        wire.fill(
            wire.add(root, RECORD),
            (
                ("Employer", change.employer),
                ("OldMatricule", change.old),
                ("NewMatricule", change.new),
                ("Effective", change.effective.isoformat()),
            ),
        )
    return root


def read(root: etree._Element) -> Changes:
    """The changes in a verified document.

    Raises:
        ValueError: when it is no CHGMAT.
    """
    wire.expect(root, CODE)
    return Changes(
        wire.read_answer_header(root), tuple(_read_change(part) for part in wire.children(root, RECORD))
    )


def _read_change(part: etree._Element) -> Change:
    return Change(
        employer=wire.text(part, "Employer"),
        old=wire.text(part, "OldMatricule"),
        new=wire.text(part, "NewMatricule"),
        effective=date.fromisoformat(wire.text(part, "Effective")),
    )
