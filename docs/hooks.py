"""What mkdocs does not do by itself: our state diagrams as pictures, and links that leave the site as text.

The pages are made to be read in the repository as well. There a diagram is drawn from its text, and a link to
a test leads to it; the site shows a picture made from the same text, and the name of the file. Nothing is
fetched.
"""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import Any

_DOCS = Path(__file__).parent
_LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)#\s]+)(#[^)\s]*)?\)")
_DIAGRAM = re.compile(r"```mermaid\nstateDiagram-v2\n(.*?)```", re.DOTALL)
_ARROW = re.compile(r"\s*(\S+) --> (\S+?)(?:: (.*))?")

_ROW = 56
_WIDTH = 150
_HEIGHT = 30
_COLUMN = 34
_LEFT = 10


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Called by mkdocs for each page."""
    home = (_DOCS / page.file.src_uri).parent
    return _DIAGRAM.sub(lambda found: drawn(found[1]), _LINK.sub(lambda found: _kept(found, home), markdown))


def _kept(link: re.Match[str], home: Path) -> str:
    """A link as it is, or its text and the name of the file when that is no part of the site."""
    text, target = link[1], link[2]
    if "://" in target or target.startswith("mailto:"):
        return link[0]
    file = (home / target).resolve()
    if file.is_relative_to(_DOCS) and file.suffix in (".md", ".png", ".svg"):
        return link[0]
    name = file.relative_to(_DOCS.parent) if file.is_relative_to(_DOCS.parent) else target
    return f"`{name}`" if text.strip("`") in str(name) else f"{text} (`{name}`)"


def drawn(text: str) -> str:
    """A state diagram as SVG: the states below each other, each arrow in a column of its own."""
    arrows = [(one[1], one[2], one[3] or "") for line in text.splitlines() if (one := _ARROW.fullmatch(line))]
    starts = [after for before, after, _ in arrows if before == "[*]"]
    ends = {before for before, after, _ in arrows if after == "[*]"}
    inner = [one for one in arrows if "[*]" not in one[:2]]
    states = list(dict.fromkeys([*starts, *(name for before, after, _ in inner for name in (before, after))]))
    place = {name: _LEFT + number * _ROW for number, name in enumerate(states)}
    right = _LEFT + _WIDTH
    parts = [_box(name, place[name], name in starts, name in ends) for name in states]
    for number, (before, after, label) in enumerate(inner):
        parts.append(_arrow(place[before], place[after], right, right + 24 + number * _COLUMN, label, number))
    width = right + 60 + len(inner) * _COLUMN + 160
    height = _LEFT * 2 + len(states) * _ROW + 20 * len(inner)
    key = "".join(
        f'<text x="{_LEFT}" y="{_LEFT + len(states) * _ROW + 14 + number * 20}">'
        f"{number + 1}: {escape(before)} → {escape(after)}, {escape(label)}</text>"
        for number, (before, after, label) in enumerate(inner)
    )
    told = escape("; ".join(f"{before} to {after}: {label}" for before, after, label in inner))
    return (
        f'<svg class="states" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{told}" font-size="13" fill="currentColor" stroke-width="1.2">'
        f"{''.join(parts)}{key}</svg>\n"
    )


def _box(name: str, top: int, first: bool, last: bool) -> str:
    width = 2.4 if first or last else 1.2
    return (
        f'<rect x="{_LEFT}" y="{top}" width="{_WIDTH}" height="{_HEIGHT}" rx="6" fill="none" '
        f'stroke="currentColor" stroke-width="{width}"/>'
        f'<text x="{_LEFT + _WIDTH // 2}" y="{top + 20}" text-anchor="middle">{escape(name)}</text>'
    )


def _arrow(before: int, after: int, right: int, column: int, label: str, number: int) -> str:
    start, end = before + 8 + number % 3 * 4, after + 20 - number % 3 * 4
    head = f"{right},{end} {right + 8},{end - 4} {right + 8},{end + 4}"
    middle = (start + end) // 2
    return (
        f'<g><title>{escape(label)}</title><path d="M{right} {start}H{column}V{end}H{right + 6}" fill="none" '
        f'stroke="currentColor"/><polygon points="{head}"/>'
        f'<text x="{column + 4}" y="{middle + 4}">{number + 1}</text></g>'
    )
