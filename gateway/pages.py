"""How pages that people read are written: days, amounts, and what others wrote."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

_LAST_LETTER = "\u017f"
_SIGNS = frozenset("‘’‚“”„–—…€−≤≥→")
_THIN = "\u202f"
_MINUS = "\u2212"


def day(at: date) -> str:
    """A day as Luxembourg writes it in all its languages: `09.03.2026`."""
    return f"{at:%d.%m.%Y}"


def amount(cents: int) -> str:
    """Cents as euro: `1 234,56`, with a narrow space that no line breaks at, and a true minus."""
    whole = f"{abs(cents) // 100:,}".replace(",", _THIN)
    return f"{_MINUS if cents < 0 else ''}{whole},{abs(cents) % 100:02d}"


def percent(fraction: Decimal) -> str:
    """A rate as percent with all its decimals, at least two: `0.085` is `8,50 %`."""
    exact = (fraction * 100).normalize()
    places = max(2, -int(exact.as_tuple().exponent))
    return f"{exact:.{places}f}".replace(".", ",") + f"{_THIN}%"


def legible(text: str, longest: int = 24) -> str:
    """What a sender wrote, cut and made legible.

    Only letters and signs that the fonts of the pages have are shown: Latin ones. In the place of others
    stands `?`.
    """
    shown = text if len(text) <= longest else f"{text[: longest - 1]}…"
    return "".join(
        letter if letter in _SIGNS or (letter.isprintable() and letter <= _LAST_LETTER) else "?"
        for letter in shown
    )
