"""OWNRET: the OWNCAL records (own computations) that were refused, with their codes."""

from __future__ import annotations

from lxml import etree

from gateway.procedures.billing import owncal
from gateway.returns import rejected
from gateway.returns.rejected import RejectedRecords, of

__all__ = ["CODE", "NAMES", "RejectedRecords", "of", "read", "write"]

CODE = "OWNRET"
NAMES = owncal.FORM.fields
"""The fields of an OWNCAL record, in the order of the form."""


def write(document: RejectedRecords) -> etree._Element:
    """The return as XML, unsigned."""
    return rejected.write(CODE, NAMES, document)


def read(root: etree._Element) -> RejectedRecords:
    """The rejected records in a verified document.

    Raises:
        ValueError: when it is no OWNRET.
    """
    return rejected.read(CODE, root)
