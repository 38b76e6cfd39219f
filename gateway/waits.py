"""How long deposits wait, and when one that waits now may be expected to be answered.

An expectation comes from those that came shortly before and from nothing else: the time within which half of
those were answered that had waited for at least as long. Where few came before, or none waited for so long,
none is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

FEWEST = 20
"""Deposits before this one, below which nothing is said."""


class Stage(StrEnum):
    """A part of the way of a deposit, from its receipt."""

    ACKNOWLEDGED = "acknowledged"
    """To the acknowledgement (ACKTRT)."""
    DECIDED = "decided"
    """To the last decision on records that were on hold."""


def quantile(times: Sequence[timedelta], hundredths: int) -> timedelta | None:
    """The least time within which so many hundredths of them lie; None where there are none."""
    return sorted(times)[-(-len(times) * hundredths // 100) - 1] if times else None


@dataclass(frozen=True, slots=True)
class Expected:
    """What a deposit that waits may expect.

    Attributes:
        stage: what it waits for.
        at: when that may be expected; None when all that came before it took less long.
        half, most: within which half of those, and nine in ten, had it.
        among: how many those are.
    """

    stage: Stage
    at: datetime | None
    half: timedelta
    most: timedelta
    among: int


def expect(stage: Stage, times: Sequence[timedelta], received: datetime, now: datetime) -> Expected | None:
    """What a deposit may expect; None when few came before it.

    Args:
        times: how long those of its kind took, from their receipt.
    """
    half, most = quantile(times, 50), quantile(times, 90)
    if half is None or most is None or len(times) < FEWEST:
        return None
    whole = quantile([one for one in times if one > now - received], 50)
    return Expected(stage, None if whole is None else received + whole, half, most, len(times))
