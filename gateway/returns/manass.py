"""MANASS: how each mandate stands after the record of a DEMMAN that entered or changed it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from lxml import etree

from gateway import wire
from gateway.batch import MemberId
from gateway.moments import Received
from gateway.outcome import Settlement
from gateway.registers import MandateState

CODE = "MANASS"


@dataclass(frozen=True, slots=True)
class SettledMandate:
    """One mandate.

    Attributes:
        record: place in the batch of the record that entered or changed it, from 1.
        number, state, employer, member, procedures, first, last, ended: as in the register.
        reference: the sender's own, as received.
    """

    record: int
    number: int
    state: MandateState
    employer: str
    member: MemberId
    procedures: frozenset[str]
    first: date
    last: date | None = None
    ended: Received | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class SettledMandates:
    """The mandates that one batch entered or changed, in the order of its records."""

    header: wire.AnswerHeader
    settled: tuple[SettledMandate, ...]


def of(header: wire.AnswerHeader, settlements: Sequence[Settlement]) -> SettledMandates:
    """The return that tells of handled records."""
    return SettledMandates(header, tuple(_settled(settlement) for settlement in settlements))


def _settled(settlement: Settlement) -> SettledMandate:
    mandate = settlement.mandate
    return SettledMandate(
        record=settlement.record.number,
        number=mandate.number,
        state=mandate.state,
        employer=mandate.employer,
        member=mandate.member,
        procedures=mandate.procedures,
        first=mandate.first,
        last=mandate.last,
        ended=mandate.ended,
        reference=settlement.record.fields.get("Reference"),
    )


def write(document: SettledMandates) -> etree._Element:
    """The return as XML, unsigned."""
    root = wire.write_answer(CODE, document.header)
    for one in document.settled:
        part = wire.add(root, "Settled")
        part.set("record", str(one.record))
        wire.fill(
            part,
            (
                ("Number", one.number),
                ("State", one.state),
                ("Employer", one.employer),
                ("Member", str(one.member)),
                ("Procedures", " ".join(sorted(one.procedures))),
                ("First", one.first.isoformat()),
                ("Last", one.last.isoformat() if one.last else None),
                ("Ended", str(one.ended) if one.ended else None),
                ("Reference", one.reference),
            ),
        )
    return root


def read(root: etree._Element) -> SettledMandates:
    """The mandates in a verified document.

    Raises:
        ValueError: when it is no MANASS.
    """
    wire.expect(root, CODE)
    settled = tuple(_read_settled(part) for part in wire.children(root, "Settled"))
    return SettledMandates(wire.read_answer_header(root), settled)


def _read_settled(part: etree._Element) -> SettledMandate:
    member, last, ended = wire.text(part, "Member"), wire.optional(part, "Last"), wire.optional(part, "Ended")
    return SettledMandate(
        record=int(part.get("record", "")),
        number=int(wire.text(part, "Number")),
        state=MandateState(wire.text(part, "State")),
        employer=wire.text(part, "Employer"),
        member=MemberId(member[:13], member[13:]),
        procedures=frozenset(wire.text(part, "Procedures").split()),
        first=date.fromisoformat(wire.text(part, "First")),
        last=date.fromisoformat(last) if last else None,
        ended=Received.parse(ended) if ended else None,
        reference=wire.optional(part, "Reference"),
    )
