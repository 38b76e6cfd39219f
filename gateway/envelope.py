"""From the verified element to a batch: the head, then every record under its number."""

from __future__ import annotations

from lxml import etree

from gateway import wire
from gateway.batch import Anomaly, Batch, Header, Record
from gateway.outcome import Rejected
from xsd import Checked, Form, read_record


def read_header(root: etree._Element) -> Header:
    """The head of a batch whose form has been checked.

    Raises:
        Rejected: when the moment of creation is no day of the calendar, which a form cannot see.
    """
    try:
        return wire.read_header(root)
    except ValueError:
        raise Rejected(Anomaly("FILE-FORM", field="Created")) from None


def read(header: Header, form: Form, checked: Checked) -> Batch:
    """The records that the form admits, and those it refuses with their anomalies."""
    return Batch(
        header=header,
        records=[
            Record(number, element.sourceline, read_record(element)) for number, element in checked.good
        ],
    )
