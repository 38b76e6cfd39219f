"""The PDF of an annual statement: what the insured reads, with the signed statement itself attached."""

from __future__ import annotations

import hashlib
from datetime import datetime

from adapters.pdf import typeset
from gateway.billing.annual import AnnualStatement
from gateway.returns.annual_page import spell


def annual_page(stated: AnnualStatement, xml: bytes, language: str, at: datetime, *, test: bool) -> bytes:
    """An annual statement as PDF/A-3a and PDF/UA-1.

    Args:
        xml: the signed ANNUEL, which is attached as it is; UTF-8.
        language: `fr`, `de` or `en`.
        at: the moment that stands in the file as that of its making; aware.
        test: whether it comes from a test environment, which is said in red.
    """
    content = spell(stated, language, digest=hashlib.sha256(xml).hexdigest(), test=test)
    return typeset("annual", content, at, attached=xml)
