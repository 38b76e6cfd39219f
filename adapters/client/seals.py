"""Checking our seal: on receipts, acknowledgements, returns and invoices."""

from __future__ import annotations

from pathlib import Path

from signing.certificates import Untrusted, vouch
from signing.parse import Unreadable, parse
from signing.profile import BadSignature, examine
from signing.verify import verify

GOOD = "good"


def seal_verdict(content: bytes, trust: Path) -> str:
    """Whether an answer carries a right signature of somebody our authorities vouch for: `good`, or why not.

    Args:
        content: the answer, as it was collected.
        trust: PEM file of the gateway's authorities.
    """
    try:
        claim = examine(parse(content))
        signed_at = verify(claim, claim.certificate).signed_at
        vouch(claim.certificate, claim.chain, trust, signed_at)
    except (Unreadable, BadSignature, Untrusted) as flaw:
        return str(flaw)
    return GOOD
