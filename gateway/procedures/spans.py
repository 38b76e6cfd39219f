"""Spans of days, counted: how many of them share a day with another span."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from datetime import date


class Spans:
    """Any number of spans of days, both ends inclusive, an open end allowed.

    Their first and their last days are kept in order, each by itself. Of all that begin before a span
    ends, those that end before it begins share no day with it: two look-ups count the others, so that a
    file that states one person's missions thousands of times stays quick.
    """

    def __init__(self) -> None:
        self._firsts: list[date] = []
        self._lasts: list[date] = []

    def add(self, first: date, last: date | None) -> None:
        """One more; the same may be there twice."""
        insort(self._firsts, first)
        insort(self._lasts, last or date.max)

    def remove(self, first: date, last: date | None) -> None:
        """One less of those that were added."""
        del self._firsts[bisect_left(self._firsts, first)]
        del self._lasts[bisect_left(self._lasts, last or date.max)]

    def sharing(self, first: date, last: date | None) -> int:
        """How many have a day in common with a span."""
        return bisect_right(self._firsts, last or date.max) - bisect_left(self._lasts, first)

    @property
    def latest_first(self) -> date | None:
        """The first day of the one that begins last."""
        return self._firsts[-1] if self._firsts else None

    @property
    def any_open(self) -> bool:
        """Whether any has no end."""
        return bool(self._lasts) and self._lasts[-1] == date.max
