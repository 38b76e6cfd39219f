"""MANRET: the DEMMAN records (changes of mandates) that were refused, with their codes."""

from __future__ import annotations

from lxml import etree

from gateway.procedures.employer import demman
from gateway.returns import rejected
from gateway.returns.rejected import RejectedRecords, of

__all__ = ["CODE", "NAMES", "RejectedRecords", "of", "read", "write"]

CODE = "MANRET"
NAMES = demman.FORM.fields
"""The fields of a DEMMAN record, in the order of the form."""


def write(document: RejectedRecords) -> etree._Element:
    """The return as XML, unsigned."""
    return rejected.write(CODE, NAMES, document)


def read(root: etree._Element) -> RejectedRecords:
    """The rejected records in a verified document.

    Raises:
        ValueError: when it is no MANRET.
    """
    return rejected.read(CODE, root)
