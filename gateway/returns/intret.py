"""INTRET: the missions of a DECINT that were refused, each with its codes."""

from __future__ import annotations

from lxml import etree

from gateway.procedures.agency import decint
from gateway.returns import rejected
from gateway.returns.rejected import RejectedRecords, of

__all__ = ["CODE", "NAMES", "RejectedRecords", "of", "read", "write"]

CODE = "INTRET"
NAMES = decint.FORM.fields
"""The fields of a DECINT record, in the order of the form."""


def write(document: RejectedRecords) -> etree._Element:
    """The return as XML, unsigned."""
    return rejected.write(CODE, NAMES, document)


def read(root: etree._Element) -> RejectedRecords:
    """The rejected records in a verified document.

    Raises:
        ValueError: when it is no INTRET.
    """
    return rejected.read(CODE, root)
