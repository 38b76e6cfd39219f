"""Money is integer cents. Amounts become text, or text becomes an amount, only here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

_AMOUNT = re.compile(r"(-?)(0|[1-9][0-9]*)\.([0-9]{2})")


def cents_of(text: str) -> int:
    """Read an amount in euro with exactly two decimals, the one spelling of the forms.

    Raises:
        ValueError: for any other spelling, such as `12`, `12.5`, `+1.00`, `01.00` or `-0.00`.
    """
    match = _AMOUNT.fullmatch(text)
    if match is None or text == "-0.00":
        raise ValueError(f"an amount is written like 1234.50, not {text!r}")
    cents = int(match[2]) * 100 + int(match[3])
    return -cents if match[1] else cents


def euro(cents: int) -> str:
    """Write cents as an amount in euro: `381240` is `3812.40`."""
    if cents < 0:
        return f"-{euro(-cents)}"
    return f"{cents // 100}.{cents % 100:02d}"


def euros(amounts: Iterable[int]) -> list[str]:
    """As `euro`, of very many."""
    return [f"{cents // 100}{_CENTS[cents % 100]}" if cents >= 0 else euro(cents) for cents in amounts]


_CENTS = tuple(f".{cents:02d}" for cents in range(100))


def round_half_up(amount: Decimal | Fraction) -> int:
    """Round an exact amount in euro to cents, half a cent away from zero (CSS art. 428).

    Away from zero, so that a reversal is the exact opposite of what it reverses.
    """
    numerator, denominator = amount.as_integer_ratio()
    cents = (200 * abs(numerator) + denominator) // (2 * denominator)
    return -cents if numerator < 0 else cents
