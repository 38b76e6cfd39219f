"""Example pairs: a batch and all that comes back, side by side, without what differs at each run."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from lxml import etree

from signing.container import MAGIC

PAIRS = Path(__file__).parent
REWRITE = "REWRITE_PAIRS" in os.environ
"""Set it to write the answers anew after a change that was meant; then read the difference."""

_DS = "{http://www.w3.org/2000/09/xmldsig#}"
_MICROSECONDS = re.compile(r"(T[0-9]{2}:[0-9]{2}:[0-9]{2})\.[0-9]{6}Z")
_VARYING = ("Id", "Digest", "Size", "Hash", "Sequence")
"""The place in the journal too: what falls due by itself may be entered before."""


def plain(content: bytes) -> str:
    """An answer in indented form, without its signature and with what varies replaced by dots."""
    root = etree.fromstring(content, etree.XMLParser(remove_blank_text=True, resolve_entities=False))
    for signature in root.findall(f"{_DS}Signature"):
        root.remove(signature)
    for element in root.iter():
        if etree.QName(element).localname in _VARYING:
            element.text = "…"
        elif element.text:
            # How often the clock was looked at before depends on the speed of the machine.
            element.text = _MICROSECONDS.sub(r"\1.…Z", element.text)
    etree.indent(root)
    return etree.tostring(root, encoding="unicode") + "\n"


def compare(folder: Path, answers: Mapping[str, bytes]) -> None:
    """Hold answers against those that lie beside the batch; not what is only to be read."""
    documents = {code: content for code, content in answers.items() if not content.startswith(MAGIC)}
    came = {code: plain(content) for code, content in documents.items() if code != "ACKREC"}
    if REWRITE:
        for code, text in came.items():
            (folder / f"{code}.xml").write_text(text)
    lie_there = {file.stem: file.read_text() for file in folder.glob("*.xml") if file.stem != "batch"}
    assert came == lie_there
