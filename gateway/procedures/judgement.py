"""How records are judged: each alone, and all its anomalies at once, in the order of the form.

For every record, whatever the procedure:

1. what the form refused stands already in the batch (`malformed`, `anomalies`);
2. the employer's number: complete, check digit right;
3. the mandate for that employer, the same answer whether the employer exists or not;
4. the rules of the procedure on the record's own values;
5. the registers, but only for an employer with a mandate, so that nobody learns anything about others.

A record the form refused gets 1 to 4, so that its sender corrects it once: of the rules, those whose
finding is certain, whatever the illegible values were meant to be. The registers are not asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar

from gateway.batch import Anomaly, Batch, Record
from gateway.mandates import Rights
from gateway.matricule import is_employer
from gateway.outcome import Answers, Refusal, Return
from gateway.registers import Registers

T = TypeVar("T")
V = TypeVar("V")

Finding = tuple[str, str]
"""Key of the table of rejections, and the name of the field it is about."""

NO_MANDATE = "MANDATE-EMPLOYER"

FIRST_YEAR = 1900
"""The first year in which an insurance can begin or end."""

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
        assigned_in: code of the return that carries what was found or given, such as `MATASS`, if any.
        by_mandate: whether a record needs a mandate for the employer it names.
    """

    procedure: str
    record: str
    refused_in: str
    bad_employer: str
    fields: tuple[str, ...]
    assigned_in: str | None = None
    by_mandate: bool = True

    @property
    def answers(self) -> tuple[str, ...]:
        """Codes of all business returns it may give, beside the acknowledgement."""
        return (self.refused_in,) if self.assigned_in is None else (self.assigned_in, self.refused_in)

    def returns(self, refusals: Sequence[Refusal], given: Answers = ()) -> list[Return]:
        """The returns due: none that would be empty."""
        returns: list[Return] = []
        if given and self.assigned_in is not None:
            returns.append(Return(self.assigned_in, given))
        if refusals:
            returns.append(Return(self.refused_in, refusals))
        return returns

    def refusal(self, record: Record, findings: Iterable[Finding], formal: Sequence[Anomaly] = ()) -> Refusal:
        """A refused record: what was found in it, after what the form found, in field order."""
        anomalies = [*formal, *(self.anomaly(record, code, field) for code, field in findings)]
        return Refusal(record, tuple(sorted(anomalies, key=self._place)))

    def anomaly(self, record: Record, code: str, field: str) -> Anomaly:
        """What was found in a field of a record, with its place and the value seen."""
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


@dataclass(frozen=True, slots=True)
class Due:
    """A field that some kinds of record must state, and the code when it is absent."""

    code: str
    field: str
    kinds: frozenset[str]


def absent(dues: Iterable[Due], kind: str, record: Record) -> list[Finding]:
    """What a record of a kind should state and does not."""
    stated = record.fields.get
    return [(due.code, due.field) for due in dues if kind in due.kinds and not stated(due.field)]


def employer_faults(form: Form, rights: Rights) -> Once[str | None]:
    """For each employer number: the code of its fault, or None when it is right and the sender may act."""

    def fault(number: str) -> str | None:
        if not is_employer(number):
            return form.bad_employer
        return None if rights.allow(number) else NO_MANDATE

    return Once(fault)


def replaced_numbers(
    records: Iterable[Record], employers: Once[str | None], registers: Registers
) -> frozenset[str]:
    """The numbers of insured that count no more, since the national register has replaced them (CHGMAT).

    Asked only about records of employers for whom the sender may act. Such a number is wrong for every
    procedure: nothing that is declared is silently understood as a declaration for somebody else.
    """
    asked = {record.fields["Insured"] for record in records if employers[record.fields["Employer"]] is None}
    return frozenset(registers.persons.replaced(asked))


def in_order(records: Iterable[Record]) -> list[Record]:
    """Records by their place in the file."""
    return sorted(records, key=lambda record: record.number)


Completion = Mapping[str, str | None]
"""Texts by field, as an illegible value might have been meant; None is absent."""

Doubts = Mapping[str, tuple[Completion, Completion]]
"""By field: two completions that no rule on another field agrees on. Without an entry: absent in both."""


@dataclass(frozen=True, slots=True)
class Certain:
    """What can be said for certain of a record that the form refused.

    Attributes:
        judge: the findings of the rules on a record, without the registers.
        doubts: how illegible fields are completed.
        required: fields without which a record cannot be judged; a missing one is illegible.
    """

    judge: Callable[[Record], Iterable[Finding]]
    doubts: Doubts
    required: tuple[str, ...]

    def findings(self, record: Record, illegible: set[str]) -> set[Finding]:
        """The findings that hold under both completions of what is illegible or missing."""
        illegible = illegible.union(name for name in self.required if name not in record.fields)
        try:
            both = [set(self.judge(self._completed(record, illegible, which))) for which in (0, 1)]
        except (KeyError, ValueError):
            return set()  # something else is illegible as well: nothing more is certain
        return {finding for finding in both[0] & both[1] if finding[1] not in illegible}

    def _completed(self, record: Record, illegible: set[str], which: int) -> Record:
        fields: dict[str, str | None] = {
            name: text for name, text in record.fields.items() if name not in illegible
        }
        for name in illegible & self.doubts.keys():
            fields.update(self.doubts[name][which])
        return Record(record.number, record.line, {name: text for name, text in fields.items() if text})


def refuse_malformed(
    form: Form, batch: Batch, employers: Once[str | None], certain: Certain
) -> Iterator[Refusal]:
    """The records that the form refused, with its anomalies and all else that is certain of them."""
    formal: dict[int, list[Anomaly]] = {record.number: [] for record in batch.malformed}
    for anomaly in batch.anomalies:
        if anomaly.record in formal:
            formal[anomaly.record].append(anomaly)
    for record in batch.malformed:
        anomalies = formal[record.number]
        illegible = {anomaly.field for anomaly in anomalies if anomaly.field is not None}
        findings = (
            certain.findings(record, illegible) if illegible else set(_employer_finding(record, employers))
        )
        yield form.refusal(record, sorted(findings), anomalies)


def _employer_finding(record: Record, employers: Once[str | None]) -> Iterator[Finding]:
    """The employer's fault in a record of which not even the fields are certain."""
    fault = employers[record.fields["Employer"]] if "Employer" in record.fields else None
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


def stated_day(text: str | None) -> date | None:
    """The day a field states; None when it is absent, spelt otherwise, not in the calendar or before 1900."""
    day = calendar_day(text) if text else None
    return day if day is not None and day.year >= FIRST_YEAR else None


def before(one: date | None, other: date | None) -> bool:
    """Whether both days are known and the first lies before the second."""
    return one is not None and other is not None and one < other
