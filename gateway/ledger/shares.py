"""How an amount is shared out in whole cents, so that the parts make the whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeVar


class _Ordered(Protocol):
    def __lt__(self, other: Any, /) -> bool: ...


K = TypeVar("K", bound=_Ordered)


def apportion(amount: int, weights: Mapping[K, int]) -> dict[K, int]:
    """Share an amount out in proportion to weights, by the largest remainder.

    Each part is the exact one, rounded down or up. So what is shared out of what is open never takes
    more from anybody than is open for it, and takes all when it takes everything.

    Args:
        amount: cents, not negative.
        weights: above zero each. Of equal remainders the first key in order gets the cent.

    Raises:
        ValueError: when there is an amount and no weight.
    """
    total = sum(weights.values())
    if not total:
        if amount:
            raise ValueError("nobody to share an amount out to")
        return {}
    if amount == total:
        return dict(weights)
    parts = {key: amount * weight // total for key, weight in weights.items()}
    left = amount - sum(parts.values())
    if not left:
        return parts
    for key in sorted(weights, key=lambda key: (-(amount * weights[key] % total), key))[:left]:
        parts[key] += 1
    return parts
