"""Checking the gateway's seal: on receipts, acknowledgements, returns and invoices."""

from __future__ import annotations

from pathlib import Path

from gateway.returns import ackrec
from signing.certificates import load_seals
from signing.container import MAGIC, BadContainer
from signing.parse import Unreadable, parse
from signing.profile import BadSignature
from signing.verify import ForeignSeal, verify_seal, verify_sealed_container

GOOD = "good"


def seal_verdict(content: bytes, seals: Path) -> str:
    """Whether an answer bears the gateway's seal: `good`, or why not.

    Args:
        content: the answer, as it was collected.
        seals: PEM file, or folder of PEM files, of the certificates with which the gateway seals.
    """
    check = verify_sealed_container if content.startswith(MAGIC) else verify_seal
    try:
        check(content, load_seals(seals))
    except (BadContainer, Unreadable, BadSignature, ForeignSeal) as flaw:
        return str(flaw)
    return GOOD


def receipt_fault(content: bytes, digest: str, seals: Path) -> str | None:
    """Why something is no receipt for bytes of this SHA-256; None when it is one."""
    verdict = seal_verdict(content, seals)
    if verdict != GOOD:
        return verdict
    try:
        deposit = ackrec.read(parse(content)).header.deposit
    except (Unreadable, ValueError) as fault:
        return str(fault)
    return None if deposit is not None and deposit.digest == digest else "it is for other bytes"
