"""A `.dta` file becomes the batch that its XML would be, record for record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from lxml import etree

from gateway import dta, synthetic, wire
from gateway.batch import Anomaly, Batch, Header, Record
from gateway.contents.checks import (
    LONGEST_VALUE,
    MOST_RECORDS,
    RECIPIENT,
    Expected,
    form_of,
    newest_version,
    read_checked,
)
from gateway.outcome import Rejected
from gateway.procedures import procedure
from signing import parse
from xsd import Form

EXTENSION = ".dta"
MOST_VALUES = parse.Limits().elements
"""Values in a `.dta` file: as many as a document may have elements."""


def read_dta(name: str, content: bytes, expected: Expected) -> Batch:
    """The batch in a `.dta` file. A record whose layout is broken is refused like any that breaks its form.

    Args:
        name: of the file, which tells the procedure.
        content: its bytes.
        expected: what it has to agree with.

    Raises:
        Rejected: with the faults of the file as a whole.
    """
    code = name[: -len(EXTENSION)].upper()
    form = form_of(code, newest_version(code, expected.received.day), expected)
    for most, sign, what in ((MOST_VALUES, b";", "values"), (MOST_RECORDS, b"\n", "lines")):
        if content.count(sign) > most:
            raise Rejected(Anomaly("FILE-LIMITS", value=f"more than {most} {what}"))
    try:
        judged = dta.read_judged(content, form)
    except dta.UnreadableError as error:
        raise Rejected(Anomaly("FILE-DTA", line=error.line, value=str(error)[:LONGEST_VALUE])) from None
    root = _document(judged, form, expected)
    return _in_lines(read_checked(root, form, expected), judged.records)


def _document(judged: dta.JudgedFile, form: Form, expected: Expected) -> etree._Element:
    """The document that a `.dta` file stands for; a record that is not readable is an empty one."""
    header = Header(
        procedure=form.code,
        version=form.version,
        sender=judged.member,
        recipient=RECIPIENT,
        environment=expected.environment or synthetic.ENVIRONMENT,
        created=expected.received.at,
    )
    records = ({} if isinstance(each, dta.UnreadableError) else each for each in judged.records)
    return wire.write_batch(header, procedure(form.code).record, records)


def _in_lines(batch: Batch, records: Sequence[Mapping[str, str] | dta.UnreadableError]) -> Batch:
    """The batch with the lines of the `.dta` file, and with what is wrong there in its own words."""
    broken = {number: each for number, each in enumerate(records, 1) if isinstance(each, dta.UnreadableError)}
    formal = [
        replace(anomaly, line=anomaly.record + 1)
        for anomaly in batch.anomalies
        if anomaly.record is not None and anomaly.record not in broken
    ]
    code = f"{procedure(batch.header.procedure).returns_code}-99"
    layout = [
        Anomaly(code, number, line=error.line, value=str(error)[:LONGEST_VALUE])
        for number, error in broken.items()
    ]
    return replace(
        batch,
        records=[_on_its_line(record) for record in batch.records],
        malformed=[_on_its_line(record) for record in batch.malformed],
        anomalies=[*formal, *layout],
    )


def _on_its_line(record: Record) -> Record:
    return Record(record.number, record.number + 1, record.fields)
