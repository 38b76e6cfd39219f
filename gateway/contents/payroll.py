"""PAYROLL: records of several procedures in one document, so that payroll data is entered once (IDEA-01).

The records are those of the procedures themselves, in any order, under one head. On arrival each kind becomes
a batch of its own, judged and treated as if it had come in a file of its own, always in the same order; a
wage finds the affiliation that stands in the same file. The acknowledgement tells the file as a whole and
each part by itself, with the place of a fault in the PAYROLL; returns are those of the parts. Every part
must have been agreed, and needs its own mandates. Scans for requests of a number come in the same container.
Our own form: the operator has none like it (docs/decisions/0006).
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

from lxml import etree

from gateway import wire
from gateway.batch import Anomaly, Batch
from gateway.contents.checks import LONGEST_VALUE, Expected, in_force, newest_version, read_checked
from gateway.outcome import Rejected
from gateway.procedures import PARTS, PAYROLL, Procedure, procedure
from xsd import Form, line_of

_PLACES = frozenset(
    f"{{{wire.NAMESPACE}}}{name}" for name in ("Header", *(procedure(code).record for code in PARTS))
)


def read_payroll(content: etree._Element, form: Form, expected: Expected) -> Batch:
    """All parts of a PAYROLL, each as the document of its procedure would be read.

    Raises:
        Rejected: with the faults of the file as a whole.
    """
    heads = wire.children(content, "Header")
    strangers = [child for child in content if child.tag not in _PLACES]
    if len(heads) != 1 or content[0] is not heads[0] or strangers:
        wrong = [*strangers, *heads[1:]] or [content]
        raise Rejected(*(_misplaced(element) for element in wrong))
    held = [one for code in PARTS if wire.children(content, (one := procedure(code)).record)]
    parts: list[Batch] = []
    faults: dict[Anomaly, None] = {}  # a fault of the head is one of every part
    for one in held:
        try:
            parts.append(read_checked(*_part(content, heads[0], one, expected), expected))
        except Rejected as refusal:
            faults.update(dict.fromkeys(map(in_payroll, refusal.anomalies)))
    if faults or not parts:
        raise Rejected(*(faults or [Anomaly("FILE-EMPTY")]))
    header = replace(parts[0].header, procedure=PAYROLL, version=form.version)
    return Batch(header, (), parts=tuple(parts))


def _misplaced(element: etree._Element) -> Anomaly:
    name = etree.QName(element).localname[:LONGEST_VALUE]
    return Anomaly("FILE-FORM", field=name, path=f"/{PAYROLL}/{name}", line=line_of(element))


def _part(
    content: etree._Element, head: etree._Element, one: Procedure, expected: Expected
) -> tuple[etree._Element, Form]:
    """The document of one procedure, with the records taken out of a PAYROLL, and its form."""
    form = in_force(one.code, newest_version(one.code, expected.received.day), expected)
    root = wire.begin(one.code, form.version)
    root.append(deepcopy(head))
    root.extend(wire.children(content, one.record))
    return root, form


def in_payroll(anomaly: Anomaly) -> Anomaly:
    """An anomaly of a part, with its place in the PAYROLL."""
    if anomaly.path is None:
        return anomaly
    _, _, *rest = anomaly.path.split("/")
    return replace(anomaly, path="/".join(("", PAYROLL, *rest)))
