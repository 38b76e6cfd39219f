"""ACKTRT: the signed acknowledgement of treatment, which ends every deposit.

It gives the verdict, how many records took effect, wait or were refused, by which mandates or for want of
one, and every anomaly at once; each code that occurs is explained in French, German and English.
"""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from gateway import wire
from gateway.batch import Anomaly
from gateway.outcome import Verdict
from gateway.returns import anomalies
from gateway.returns.anomalies import Explanation

CODE = "ACKTRT"


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether the sender may act for an employer.

    Attributes:
        employer: as the records name it.
        procedure: of the records.
        records: how many it is about.
        mandate: number of the one that allows it; None when none does.
        id: of our record of the decision.
    """

    employer: str
    procedure: str
    records: int
    mandate: int | None
    id: str

    @property
    def allowed(self) -> bool:
        return self.mandate is not None


@dataclass(frozen=True, slots=True)
class Part:
    """How the records of one procedure in a PAYROLL fared; counts as in `Acknowledgement`."""

    procedure: str
    records: int
    accepted: int
    rejected: int
    held: int


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """How a deposit fared.

    Attributes:
        header: to whom, about which deposit.
        verdict: on the file as a whole.
        records: how many records the file holds; 0 when it could not be read that far.
        accepted, rejected, held: how many of them took effect, were refused, wait.
        parts: the same by procedure, for a PAYROLL; else none.
        decisions: on the rights of the sender, one for each employer and procedure.
        anomalies: all faults found, of the file and of its records, and hints about records not refused.
        explanations: one for each code among the anomalies.
        returns: names of the files posted with it.
        journal: the entry of the treatment in the register (RGD 12 May 1975, art. 20).
    """

    header: wire.AnswerHeader
    verdict: Verdict
    records: int
    accepted: int
    rejected: int
    held: int
    decisions: tuple[Decision, ...]
    anomalies: tuple[Anomaly, ...]
    explanations: tuple[Explanation, ...]
    returns: tuple[str, ...]
    journal: wire.JournalEntry
    parts: tuple[Part, ...] = ()


def write(document: Acknowledgement) -> etree._Element:
    """The acknowledgement as XML, unsigned.

    Names, paths and values of anomalies are made safe and cut to what the form takes.
    """
    root = wire.write_answer(CODE, document.header)
    counts = (
        ("Verdict", document.verdict),
        ("Records", document.records),
        ("Accepted", document.accepted),
        ("Rejected", document.rejected),
        ("Held", document.held),
    )
    wire.fill(root, counts)
    for each in document.parts:
        part = wire.add(root, "Part")
        for name in _PART:
            part.set(name, str(getattr(each, name)))
    for decision in document.decisions:
        part = wire.add(root, "Decision")
        part.set("employer", decision.employer)
        part.set("procedure", decision.procedure)
        part.set("records", str(decision.records))
        part.set("allowed", str(decision.allowed).lower())
        if decision.mandate is not None:
            part.set("mandate", str(decision.mandate))
        part.set("id", decision.id)
    anomalies.write(root, document.anomalies, document.explanations)
    wire.fill(root, (("Return", name) for name in document.returns))
    wire.write_journal(root, document.journal)
    return root


def read(root: etree._Element) -> Acknowledgement:
    """The acknowledgement in a verified document.

    Raises:
        ValueError: when it is not one.
    """
    wire.expect(root, CODE)
    return Acknowledgement(
        header=wire.read_answer_header(root),
        verdict=Verdict(wire.text(root, "Verdict")),
        records=int(wire.text(root, "Records")),
        accepted=int(wire.text(root, "Accepted")),
        rejected=int(wire.text(root, "Rejected")),
        held=int(wire.text(root, "Held")),
        decisions=tuple(_read_decision(part) for part in wire.children(root, "Decision")),
        anomalies=anomalies.read(root),
        explanations=anomalies.read_explanations(root),
        returns=tuple(wire.value(part) for part in wire.children(root, "Return")),
        journal=wire.read_journal(root),
        parts=tuple(_read_part(part) for part in wire.children(root, "Part")),
    )


_PART = ("procedure", "records", "accepted", "rejected", "held")


def _read_part(part: etree._Element) -> Part:
    procedure, *counts = (part.get(name, "") for name in _PART)
    records, accepted, rejected, held = map(int, counts)
    return Part(procedure, records, accepted, rejected, held)


def _read_decision(part: etree._Element) -> Decision:
    mandate = part.get("mandate")
    decision = Decision(
        employer=part.get("employer", ""),
        procedure=part.get("procedure", ""),
        records=int(part.get("records", "")),
        mandate=None if mandate is None else int(mandate),
        id=part.get("id", ""),
    )
    if part.get("allowed") != str(decision.allowed).lower():
        raise ValueError("a decision allows exactly when it names a mandate")
    return decision
