"""Typesetting pages to read, as PDF.

What a page shows comes to its template as JSON, never as markup: whatever a sender wrote is set as it
stands. The same content at the same moment gives the same bytes. Only the fonts that come with typst are
used, and nothing beside the templates here can be read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

TEMPLATES = Path(__file__).parent


def typeset(
    template: str, content: Mapping[str, object], at: datetime, attached: bytes | None = None
) -> bytes:
    """A page as the bytes of a PDF.

    Args:
        template: name of a template here, such as `info`.
        content: what it shows: values that JSON has.
        at: the moment that stands in the file as that of its making, to the second; aware.
        attached: a file that its template attaches as it is, UTF-8; none for a template that attaches none.
    """
    # Typst is large: a gateway that sets no page does not load it.
    import typst  # noqa: PLC0415

    inputs = {"content": json.dumps(content)}
    if attached is not None:
        inputs["attached"] = attached.decode()
    return typst.compile(
        TEMPLATES / f"{template}.typ",
        root=TEMPLATES,
        ignore_system_fonts=True,
        format="pdf",
        sys_inputs=inputs,
        # PDF/A, to be kept for long (only A-3 may hold files of any kind), and PDF/UA-1, to be read aloud.
        pdf_standards=["a-2a" if attached is None else "a-3a", "ua-1"],
        timestamp=at.replace(microsecond=0),
    )
