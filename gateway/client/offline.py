"""Whether a file is good, without asking anybody: the forms, rules and codes of the gateway itself.

Rules that rest on the registers (mandates, affiliations, numbers, what was declared before) are for the
gateway alone. Which ones do is not written down for every rule: a record is judged twice, once as if nothing
were known, and once as if everybody in the file had always been insured and the sender were an agency and a
fiduciary. What is found both times rests on neither; a few codes rest on what neither holds (`REGISTERS`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

from gateway import contents, names
from gateway.agreement import Agreement
from gateway.batch import Anomaly, Batch, Record
from gateway.client.parcels import procedure_of
from gateway.client.results import Finding, Validation
from gateway.contents.checks import LONGEST_VALUE, Expected
from gateway.context import Context
from gateway.mandates import Rights
from gateway.memory import memory_registers
from gateway.moments import Received, system_clock
from gateway.outcome import Outcome, Rejected
from gateway.procedures import PROCEDURES, procedure
from gateway.registers import Affiliation, Employer, Registers
from gateway.rejections import REJECTIONS, Level
from signing.container import MAGIC, BadContainer, open_container

REGISTERS = frozenset(
    [
        *("AFFRET-NONE", "INTRET-NONE", "DETRET-NONE", "MALRET-NONE"),
        *("INTRET-3", "INTRET-10", "DETRET-6", "MANRET-3", "MANRET-8"),
        "MANDATE-EMPLOYER",
        *("MATRET-SCAN", "MATRET-IMAGE", "UTIRET-TWICE", "SALRET-10", "SALRET-HIGH"),
    ]
)
"""Codes that rest on something else: what was declared before, who has a number, who is a civil servant."""

_EVERYTHING = Agreement(frozenset(one.code for one in PROCEDURES), own_computation=True)
_LONG_AGO = date(1990, 1, 1)


def validate(file: Path, received: Received | None = None) -> Validation:
    """What is wrong with a batch, as far as it can be told without the registers.

    Args:
        file: an .XML or .dta batch, signed or not, or a container.
        received: as if it were received at that moment; now without it.

    Raises:
        OSError: the file cannot be read.
    """
    at = received or Received(system_clock())
    try:
        found = list(judged(read_batch(file, at), at))
    except Rejected as refusal:
        found = list(refusal.anomalies)
    findings = tuple(map(finding, found))
    return Validation(not any(one.severity == "blocking" for one in findings), findings)


def finding(anomaly: Anomaly) -> Finding:
    """An anomaly with what the tables say of its code."""
    said = REJECTIONS[anomaly.code]
    return Finding(
        code=anomaly.code,
        severity=said.severity.value,
        record=anomaly.record,
        field=anomaly.field,
        path=anomaly.path,
        line=anomaly.line,
        value=anomaly.value,
        message=dict(said.texts),
        remedy=dict(said.remedies),
        legal_basis=said.legal_basis,
    )


def read_batch(file: Path, received: Received | None = None) -> Batch:
    """The batch in a file: an .XML document or a .dta file, alone or in a container.

    Raises:
        Rejected: with the faults of the file as a whole.
        OSError: the file cannot be read.
    """
    content, expected = file.read_bytes(), anything(received)
    if not content.startswith(MAGIC):
        name = f"{procedure_of(file)}.dta" if file.suffix.lower() == ".dta" else "batch.xml"
        return contents.read_files({name: content}, expected, _unseen)
    try:
        files = open_container(content).files
    except BadContainer as fault:
        raise Rejected(Anomaly("FILE-CONTAINER", value=fault.reason[:LONGEST_VALUE])) from None
    return contents.read_files(files, _told_by(file.name, expected), _unseen)


def anything(received: Received | None = None) -> Expected:
    """What is expected of a batch of which nothing is known: only that its form is in force."""
    return Expected(None, None, received or Received(system_clock()), None, _EVERYTHING)


def _told_by(name: str, expected: Expected) -> Expected:
    """What the name of a container says of its content; one that is not the operator's says nothing."""
    try:
        told = names.parse(name)
    except ValueError:
        return expected
    return replace(expected, sender=str(told.member), procedure=told.type)


def _unseen(_kind: str, _content: bytes) -> None:
    """Pictures and PDFs are looked into by the gateway, in a process of their own."""


def judged(batch: Batch, received: Received) -> Iterator[Anomaly]:
    """All that is wrong with a batch: what its form has against it, then what the rules have."""
    for part in batch.parts or (batch,):
        yield from part.anomalies
        known = {(one.record, one.code, one.field) for one in part.anomalies}
        for anomaly in rules(part, received):
            if (anomaly.record, anomaly.code, anomaly.field) not in known:
                yield anomaly


def rules(batch: Batch, received: Received) -> list[Anomaly]:
    """What the rules have against the records of a batch, whatever the registers hold."""
    handle = procedure(batch.header.procedure).handle
    rights = Rights(dict.fromkeys(_named(batch, "Employer"), 1))
    nobody, everybody = (
        _anomalies(
            handle(
                batch, Context(0, received, batch.header.sender, rights, registers, everything, everything)
            )
        )
        for registers, everything in ((memory_registers(), False), (_everybody(batch), True))
    )
    both = {(one.record, one.code, one.field) for one in everybody}
    return [one for one in nobody if (one.record, one.code, one.field) in both and one.code not in REGISTERS]


def _anomalies(outcome: Outcome) -> list[Anomaly]:
    """Those of the records, without what waits only because somebody is not known."""
    refused = [one for refusal in outcome.refusals for one in refusal.anomalies]
    return [*refused, *(one for one in outcome.hints if REJECTIONS[one.code].level is Level.HINT)]


def _everybody(batch: Batch) -> Registers:
    """Registers in which everybody in a batch has always been insured with each employer that names them."""
    years = range(_LONG_AGO.year, 2100)
    employers = sorted(_named(batch, "Employer"))
    registers = memory_registers(
        employers=[(year, Employer(one, "", 1, 100)) for one in employers for year in years]
    )
    for pair in sorted(
        {(one.fields.get("Employer", ""), one.fields.get("Insured", "")) for one in _records(batch)}
    ):
        registers.affiliations.open(Affiliation(*pair, _LONG_AGO, None, "I", "03"))
    return registers


def _records(batch: Batch) -> list[Record]:
    return [*batch.records, *batch.malformed]


def _named(batch: Batch, field: str) -> set[str]:
    return {text for one in _records(batch) if (text := one.fields.get(field))}
