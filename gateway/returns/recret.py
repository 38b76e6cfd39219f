"""RECRET: the DECREC records ("no change") that were refused, with their codes."""

from __future__ import annotations

from lxml import etree

from gateway.procedures.declaration import decrec
from gateway.returns import rejected
from gateway.returns.rejected import RejectedRecords, of

__all__ = ["CODE", "NAMES", "RejectedRecords", "of", "read", "write"]

CODE = "RECRET"
NAMES = decrec.FORM.fields
"""The fields of a DECREC record, in the order of the form."""


def write(document: RejectedRecords) -> etree._Element:
    """The return as XML, unsigned."""
    return rejected.write(CODE, NAMES, document)


def read(root: etree._Element) -> RejectedRecords:
    """The rejected records in a verified document.

    Raises:
        ValueError: when it is no RECRET.
    """
    return rejected.read(CODE, root)
