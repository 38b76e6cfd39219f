"""Rejected records, as the RET files give them back: what was sent, and why not.

Their one implementation. A return repeats each rejected record and names its codes, as the
operator's RET pages say; where the official layout puts one code into field 2, ours gives all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lxml import etree

from gateway import wire
from gateway.outcome import Refusal
from gateway.rejections import REJECTIONS

_LONGEST = 200


@dataclass(frozen=True, slots=True)
class RejectedRecord:
    """One record as it was received, and why it had no effect.

    Attributes:
        record: its place in the batch, from 1.
        codes: at least one, in the order found: the official number where the operator has one,
            such as `7`, else our own key, such as `MANDATE-EMPLOYER`.
        fields: text by element name, in the order of the form.
    """

    record: int
    codes: tuple[str, ...]
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RejectedRecords:
    """The rejected records of one batch, in order."""

    header: wire.AnswerHeader
    rejected: tuple[RejectedRecord, ...]


def of(header: wire.AnswerHeader, refusals: Sequence[Refusal]) -> RejectedRecords:
    """The return that gives back refused records."""
    return RejectedRecords(header, tuple(_given_back(refusal) for refusal in refusals))


def _given_back(refusal: Refusal) -> RejectedRecord:
    codes = dict.fromkeys(REJECTIONS[anomaly.code].official or anomaly.code for anomaly in refusal.anomalies)
    return RejectedRecord(refusal.record.number, tuple(codes), refusal.record.fields)


def write(code: str, names: Sequence[str], document: RejectedRecords) -> etree._Element:
    """The return as XML, unsigned.

    Args:
        code: such as `SALRET`.
        names: the fields of a record, in the order of the form. What else a malformed record
            held is left out, and a longer value is cut to 200 characters.
        document: what to write.
    """
    root = wire.write_answer(code, document.header)
    for rejected in document.rejected:
        part = wire.add(root, "Rejected")
        part.set("record", str(rejected.record))
        wire.fill(part, (("Code", code) for code in rejected.codes))
        given = rejected.fields
        wire.fill(part, ((name, given[name][:_LONGEST]) for name in names if name in given))
    return root


def read(code: str, root: etree._Element) -> RejectedRecords:
    """The rejected records in a verified document.

    Raises:
        ValueError: when it is not a return of this code.
    """
    wire.expect(root, code)
    rejected = tuple(_read_rejected(part) for part in wire.children(root, "Rejected"))
    return RejectedRecords(wire.read_answer_header(root), rejected)


def _read_rejected(part: etree._Element) -> RejectedRecord:
    codes = wire.children(part, "Code")
    values = list(part)[len(codes) :]
    return RejectedRecord(
        record=int(part.get("record", "")),
        codes=tuple(wire.value(code) for code in codes),
        fields=wire.fields(values),
    )
