"""From the verified element to a batch: the head, then every record under its number."""

from __future__ import annotations

from lxml import etree

from gateway import wire
from gateway.batch import Anomaly, Batch, Header, Record
from gateway.outcome import Rejected
from xsd import Checked, Fault, Malformed, line_of, read_record


def read_header(root: etree._Element) -> Header:
    """The head of a batch whose form has been checked.

    Raises:
        Rejected: when the moment of creation is none of the calendar, which a form cannot see.
    """
    try:
        return wire.read_header(root)
    except ValueError:
        raise Rejected(Anomaly("FILE-FORM", field="Created")) from None


def read(header: Header, checked: Checked) -> Batch:
    """The records that the form admits, and those it refuses with their anomalies."""
    return Batch(
        header=header,
        records=[Record(number, line_of(element), read_record(element)) for number, element in checked.good],
        malformed=[_malformed(each) for each in checked.malformed],
        anomalies=[anomaly(fault) for each in checked.malformed for fault in each.faults],
    )


def _malformed(each: Malformed) -> Record:
    return Record(each.number, line_of(each.element), each.fields)


def anomaly(fault: Fault) -> Anomaly:
    """A fault of form as it is told to the sender."""
    return Anomaly(fault.rejection, fault.record, fault.field, fault.path, fault.line, fault.value)
