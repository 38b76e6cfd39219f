"""How records are judged: each alone, and all its anomalies at once, in the order of the form.

For every record, whatever the procedure:

1. what the form refused stands already in the batch (`malformed`, `anomalies`);
2. the employer's number: complete, check digit right;
3. the mandate for that employer, the same answer whether the employer exists or not;
4. the rules of the procedure on the record's own values;
5. the registers, but only for an employer with a mandate, so that nobody learns anything about others.

A record the form refused gets 1 to 3 and no more: what its other values mean is not certain.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar

from gateway.batch import Anomaly, Batch, Record
from gateway.mandates import Rights
from gateway.matricule import is_employer
from gateway.outcome import Refusal

T = TypeVar("T")
V = TypeVar("V")

Finding = tuple[str, str]
"""Key of the table of rejections, and the name of the field it is about."""

NO_MANDATE = "MANDATE-EMPLOYER"

_SHOWN = 200
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Form:
    """What the records of a procedure are called on the wire.

    Attributes:
        procedure: code and root element, such as `DECSAL`.
        record: element of one record, such as `Wage`.
        refused_in: code of the return that carries refused records, such as `SALRET`.
        bad_employer: code due when the employer's number is incomplete or wrong.
        fields: elements of a record, in the order of the form.
    """

    procedure: str
    record: str
    refused_in: str
    bad_employer: str
    fields: tuple[str, ...]

    def refusal(self, record: Record, findings: Iterable[Finding], formal: Sequence[Anomaly] = ()) -> Refusal:
        """A refused record: what was found in it, after what the form found, in field order."""
        anomalies = [*formal, *(self._anomaly(record, code, field) for code, field in findings)]
        return Refusal(record, tuple(sorted(anomalies, key=self._place)))

    def _anomaly(self, record: Record, code: str, field: str) -> Anomaly:
        value = record.fields.get(field)
        path = f"/{self.procedure}/{self.record}[{record.number}]"
        if value is None:
            return Anomaly(code, record.number, field, path, record.line)
        return Anomaly(code, record.number, field, f"{path}/{field}", record.line, value[:_SHOWN])

    def _place(self, anomaly: Anomaly) -> int:
        if anomaly.field is None:
            return -1
        return self.fields.index(anomaly.field) if anomaly.field in self.fields else len(self.fields)


class Once(dict[str, V], Generic[V]):
    """The answers of a function, each found once: a batch repeats its employers, periods and zeros."""

    def __init__(self, find: Callable[[str], V]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, text: str) -> V:
        answer = self[text] = self._find(text)
        return answer


@dataclass(frozen=True, slots=True)
class Rule(Generic[T]):
    """One line of a table of rules: the code due when it is broken, the field, and when it is."""

    code: str
    field: str
    broken: Callable[[T], bool]


def broken(rules: Iterable[Rule[T]], subject: T) -> list[Finding]:
    """All rules that a subject breaks."""
    return [(rule.code, rule.field) for rule in rules if rule.broken(subject)]


def employer_faults(form: Form, rights: Rights) -> Once[str | None]:
    """For each employer number: the code of its fault, or None when it is right and the sender may act."""

    def fault(number: str) -> str | None:
        if not is_employer(number):
            return form.bad_employer
        return None if rights.allow(number) else NO_MANDATE

    return Once(fault)


def in_order(records: Iterable[Record]) -> list[Record]:
    """Records by their place in the file."""
    return sorted(records, key=lambda record: record.number)


def refuse_malformed(form: Form, batch: Batch, employers: Once[str | None]) -> Iterator[Refusal]:
    """The records that the form refused, with its anomalies and, where legible, the employer's."""
    formal: dict[int, list[Anomaly]] = {record.number: [] for record in batch.malformed}
    for anomaly in batch.anomalies:
        if anomaly.record in formal:
            formal[anomaly.record].append(anomaly)
    for record in batch.malformed:
        anomalies = formal[record.number]
        yield form.refusal(record, _employer_finding(record, anomalies, employers), anomalies)


def _employer_finding(
    record: Record, anomalies: Sequence[Anomaly], employers: Once[str | None]
) -> Iterator[Finding]:
    number = record.fields.get("Employer")
    if number is None or any(anomaly.field == "Employer" for anomaly in anomalies):
        return
    fault = employers[number]
    if fault is not None:
        yield fault, "Employer"


def calendar_day(text: str) -> date | None:
    """The day a text `YYYY-MM-DD` names, or None when it is spelt otherwise or not in the calendar."""
    if _DAY.fullmatch(text) is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
