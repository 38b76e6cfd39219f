"""What a sandbox answers by script: for each code a number that gets it, whatever else the record says.

The numbers are those of people born in the 18th century, who are nobody real; their check digits are right.
Such a number stands in the field `Insured` of a record, or in `Employer` where a record has no insured. Each
speaks to the procedures that may give its code, and in others is a number like any other.

What is refused by script is taken out before the batch reaches its handler, and put among the refusals
afterwards. All else is judged by the handler, as in every gateway.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import MappingProxyType

import yaml

from gateway.batch import Anomaly, Batch, Record
from gateway.outcome import Outcome, Refusal, Return
from gateway.procedures import PROCEDURES, procedure
from gateway.procedures.judgement import NO_MANDATE, Form
from gateway.rejections import REJECTIONS, Level

WHERE = ("Insured", "Employer")
"""The fields in which a number may stand, by preference."""

CENTURY = range(1700, 1800)
"""Years of birth of the numbers."""


@cache
def numbers() -> Mapping[str, str]:
    """The number of each code. A number never changes: test suites of others rest on it."""
    read = yaml.safe_load((Path(__file__).parent / "numbers.yaml").read_text())
    return MappingProxyType(read)


@cache
def _codes() -> Mapping[str, str]:
    return {number: code for code, number in numbers().items()}


def field_of(form: Form) -> str:
    """The field of a form in which the numbers stand."""
    return next(name for name in WHERE if name in form.fields)


def procedures_of(code: str) -> tuple[str, ...]:
    """The procedures to which the number of a code speaks."""
    everywhere = REJECTIONS[code].level is Level.FILE or code == NO_MANDATE
    return tuple(one.code for one in PROCEDURES if everywhere or code.startswith(f"{one.form.refused_in}-"))


def file_code(batch: Batch) -> str | None:
    """The code under which a whole file is refused by script, if any."""
    found = (code for part in batch.parts or (batch,) for _, code in _scripted(part))
    return next((code for code in found if REJECTIONS[code].level is Level.FILE), None)


def without_scripted(batch: Batch) -> Batch:
    """A batch without the records that are refused by script."""
    taken = {record.number for record, code in _scripted(batch) if REJECTIONS[code].level is Level.RECORD}
    if not taken:
        return batch
    return replace(
        batch,
        records=[record for record in batch.records if record.number not in taken],
        malformed=[record for record in batch.malformed if record.number not in taken],
        anomalies=[anomaly for anomaly in batch.anomalies if anomaly.record not in taken],
    )


def with_scripted(batch: Batch, judged: Outcome) -> Outcome:
    """What the handler made of the rest, and what the script says of its own records.

    Args:
        batch: as it came, with the records that the handler did not see.
        judged: the outcome without them.
    """
    form = procedure(batch.header.procedure).form
    refused, hints = [], list(judged.hints)
    for record, code in _scripted(batch):
        anomaly = form.anomaly(record, code, field_of(form))
        if REJECTIONS[code].level is Level.RECORD:
            refused.append(Refusal(record, (anomaly,)))
        elif not _is_told(anomaly, hints) and not _is_refused(record, judged):
            hints.append(anomaly)
    if not refused and len(hints) == len(judged.hints):
        return judged
    refusals = sorted((*judged.refusals, *refused), key=lambda one: one.record.number)
    others = [one for one in judged.returns if one.code != form.refused_in]
    back = [Return(form.refused_in, refusals)] if refusals else []
    return replace(judged, refusals=refusals, returns=[*others, *back], hints=hints)


def _scripted(batch: Batch) -> Iterator[tuple[Record, str]]:
    """The records that speak to the script, and the code of each."""
    field = field_of(procedure(batch.header.procedure).form)
    for record in (*batch.records, *batch.malformed):
        code = _codes().get(record.fields.get(field, ""))
        if code is not None and batch.header.procedure in procedures_of(code):
            yield record, code


def _is_told(anomaly: Anomaly, hints: list[Anomaly]) -> bool:
    return any((one.code, one.record) == (anomaly.code, anomaly.record) for one in hints)


def _is_refused(record: Record, judged: Outcome) -> bool:
    return any(one.record.number == record.number for one in judged.refusals)
