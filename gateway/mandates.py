"""Whether a member may act for an employer: decided per record, denied by default, recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.batch import MemberId
from gateway.matricule import is_legal_person, is_person
from gateway.moments import Received
from gateway.registers import Mandate
from xsd import catalogue

INVOICES = "CALCUL"
"""Stands in a mandate for the right to receive an employer's invoices."""

MANDATES = "DEMMAN"
"""The procedure that asks for mandates, and so needs none."""


@dataclass(frozen=True, slots=True)
class Rights:
    """The employers for whom one member may use one procedure at one moment of receipt.

    `mandates` names the mandate that allows each employer: the decision and its reason.
    An employer that is not there is denied, whether it exists or not, so that nobody learns
    which employers exist (promise P7).
    """

    mandates: Mapping[str, int]

    def allow(self, employer: str) -> bool:
        return employer in self.mandates


def rights(held: Sequence[Mandate], procedure: str, received: Received) -> Rights:
    """The rights that a member's mandates give for a procedure at the moment of receipt."""
    return Rights({m.employer: m.number for m in held if m.covers(procedure, received)})


def scope() -> frozenset[str]:
    """All that a mandate can be for: the procedures under which members send records, and the invoices.

    A message that holds records of several procedures has none of its own, and needs the mandates of each.
    """
    entries = catalogue().entries.items()
    procedures = (code for code, entry in entries if entry.direction == "in" and entry.record is not None)
    return frozenset({INVOICES, *procedures} - {MANDATES})


def is_itself(member: MemberId, employer: str) -> bool:
    """Whether a member is an employer: the same number, or another extension of the same legal person's.

    A number that can be read as that of a natural person has no extensions, so that a person is never taken
    for the legal person whose eleven digits may happen to be the same.
    """
    persons = is_person(member.matricule) or is_person(employer)
    legal_person = employer[:11]
    same = not persons and is_legal_person(legal_person) and member.matricule[:11] == legal_person
    return same or member.matricule == employer
