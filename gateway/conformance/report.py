"""What is shown of a product's conformance: an XML report, sealed by who ran it, and a badge."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from html import escape

from lxml import etree

from gateway.conformance import CASES, Tried
from gateway.moments import Received

NAMESPACE = "urn:secugate:conformance:1"


def stock_digest() -> str:
    """SHA-256 of the cases that were tried: two reports with the same one speak of the same cases."""
    digest = hashlib.sha256()
    for file in sorted(CASES.iterdir()):
        digest.update(f"{file.name}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def write(product: str, tried: Sequence[Tried], at: datetime, complete: bool) -> etree._Element:
    """The report, unsigned.

    Args:
        product: the command that was tried.
        complete: whether all cases were.
    """
    root = etree.Element(f"{{{NAMESPACE}}}ConformanceReport", nsmap={None: NAMESPACE})  # type: ignore[dict-item]  # lxml takes None for the default
    _add(root, "Product", product)
    _add(root, "Created", str(Received(at.replace(microsecond=0)))[:19] + "Z")
    _add(root, "Cases", stock_digest())
    _add(
        root,
        "Verdict",
        "passed" if complete and passed(tried) else "failed" if not passed(tried) else "partial",
    )
    for one in tried:
        part = _add(root, "Case", "")
        part.set("name", one.case.name)
        part.set("verdict", "passed" if one.passed else "failed")
        for finding in one.findings:
            _add(part, "Finding", finding.sentence).set("check", finding.check)
    return root


def passed(tried: Sequence[Tried]) -> bool:
    """Whether all that was tried was passed; nothing tried is nothing passed."""
    return bool(tried) and all(one.passed for one in tried)


def _add(parent: etree._Element, name: str, text: str) -> etree._Element:
    part = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
    if text:
        part.text = "".join(one if one.isprintable() else "?" for one in text)
    return part


_BADGE = """<svg xmlns="http://www.w3.org/2000/svg" width="230" height="20" role="img" aria-label="{told}">
<title>{told}</title>
<rect width="160" height="20" rx="3" fill="#444"/>
<rect x="150" width="80" height="20" rx="3" fill="{colour}"/>
<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">
<text x="75" y="14">secugate conformance</text><text x="190" y="14">{count}</text></g>
</svg>
"""


def badge(tried: Sequence[Tried]) -> str:
    """The badge: how many cases were passed of how many."""
    good = sum(one.passed for one in tried)
    count = f"{good} of {len(tried)}"
    colour = "#1a7f37" if passed(tried) else "#b42318"
    return _BADGE.format(
        told=escape(f"secugate conformance: {count} cases passed"), count=count, colour=colour
    )
