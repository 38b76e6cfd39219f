"""The two kinds of time a batch knows, never mixed and never a bare date.

`Received` decides forms, keys and mandates; `Period` decides rates and ceilings.
The clock is asked once, at the door; everything behind it gets the answer as an argument.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

LUXEMBOURG = ZoneInfo("Europe/Luxembourg")

Clock = Callable[[], datetime]
"""Answers the present moment as an aware datetime; injected, so that tests can move it."""


def system_clock() -> datetime:
    """The machine's clock, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, order=True)
class Received:
    """The moment a deposit entered our possession (RGD 12 May 1975, art. 16 and 20).

    Decides which form, key and mandate is in force. Always aware, kept in UTC.
    """

    at: datetime

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ValueError("a moment of receipt needs a time zone")
        object.__setattr__(self, "at", self.at.astimezone(UTC))

    @classmethod
    def parse(cls, text: str) -> Received:
        """Read the spelling that `str` writes, such as `2026-08-03T09:15:00.120000Z`."""
        return cls(datetime.fromisoformat(text))

    @property
    def day(self) -> date:
        """The calendar day in Luxembourg, on which deadlines and validity are counted."""
        return _day_in_luxembourg(self.at)

    def __str__(self) -> str:
        return self.at.isoformat(timespec="microseconds").replace("+00:00", "Z")


@lru_cache(maxsize=1024)
def _day_in_luxembourg(at: datetime) -> date:
    """Kept: very much is of the same moment."""
    return at.astimezone(LUXEMBOURG).date()


_PERIOD = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """A wage month (*période de référence*). Decides rates, floors and ceilings."""

    year: int
    month: int

    def __post_init__(self) -> None:
        if not (1 <= self.year <= 9999 and 1 <= self.month <= 12):
            raise ValueError(f"no such month: {self.year}-{self.month}")

    def __hash__(self) -> int:
        # Very much is looked up by its month, and the hash of a tuple takes several times as long.
        return self.year * 12 + self.month

    @classmethod
    def parse(cls, text: str) -> Period:
        """Read `YYYY-MM`, the only spelling.

        Raises:
            ValueError: for any other spelling or a month outside 01 to 12.
        """
        match = _PERIOD.fullmatch(text)
        if match is None:
            raise ValueError(f"a period is written YYYY-MM, not {text!r}")
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of(cls, received: Received) -> Period:
        """The month in which something was received, on the Luxembourg calendar."""
        return cls(received.day.year, received.day.month)

    @property
    def first(self) -> date:
        return date(self.year, self.month, 1)

    @property
    def last(self) -> date:
        return date(self.year, self.month, calendar.monthrange(self.year, self.month)[1])

    def plus(self, months: int) -> Period:
        """The period so many months later (earlier when negative)."""
        index = self.year * 12 + self.month - 1 + months
        return Period(index // 12, index % 12 + 1)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"


def months_after(day: date, months: int) -> date:
    """The same day so many months later (earlier when negative); the last day of a month without it.

    A month after 31 January is the end of February.
    """
    month = Period(day.year, day.month).plus(months)
    return month.first.replace(day=min(day.day, month.last.day))
