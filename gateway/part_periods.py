"""Part-periods: what was declared for one insured month, split over the affiliations of that month.

DECSAL states the days of a wage (fields 14 and 15), payroll programs often state a whole month all the same,
although the person left and came back in it, or changed contract. The rule by which such a wage is split,
our own, as none is published:

* a wage covers its days; those of each affiliation that it shares are counted on the calendar;
* every element of it, cents and whole hours alike, is distributed in proportion to these days, rounded
  down; the units left go, one each, to those with the largest remainders, of equal ones to the earlier. So
  the sum of every element is what was declared;
* a wage none of whose days is insured in that month is not split: it goes with the nearest affiliation
  before it, with the first one where none is before;
* only affiliations of the same employer and insured count, and only their days in the month.

Missions of a temporary worker may share days: each counts with all of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from gateway.moments import Period
from gateway.registers import Affiliation, InsuredMonth, Wage


class Declared(NamedTuple):
    """The elements of a wage. Amounts in cents; hours in whole hours, those of overtime as declared."""

    base_wage: int
    work_hours: int
    supplements: int
    overtime_pay: int
    overtime_hours: int
    gratuities: int
    unemployment_pay: int
    inactive_hours: int
    non_pensionable: int

    @classmethod
    def of(cls, wage: Wage) -> Declared:
        """Those of one wage."""
        return cls(*(getattr(wage, name) for name in cls._fields))

    @classmethod
    def sum(cls, several: Iterable[Declared]) -> Declared:
        """Each element added up."""
        total = cls(*[0] * len(cls._fields))
        for one in several:
            total = cls(*map(int.__add__, total, one))
        return total


class Days(NamedTuple):
    """Days of one month, both ends inclusive."""

    first: date
    last: date

    def shared(self, other: Days) -> int:
        """How many of them are also days of others."""
        return max(0, (min(self.last, other.last) - max(self.first, other.first)).days + 1)


@dataclass(frozen=True, slots=True)
class PartPeriod:
    """What was declared for the days of one affiliation in one month."""

    month: InsuredMonth
    days: Days
    declared: Declared


def part_periods(wages: Iterable[Wage], affiliations: Iterable[Affiliation]) -> Sequence[PartPeriod]:
    """Split wages over affiliations.

    Args:
        wages: that count, of any months, insured and employers, in any order.
        affiliations: of these pairs, in any order; others do not matter.

    Returns:
        By month and days, a part for each affiliation on which anything was declared, were it nought. A
        month without any affiliation is one part of all its days.
    """
    spans: dict[tuple[str, str], list[Affiliation]] = defaultdict(list)
    for one in affiliations:
        spans[one.employer, one.insured].append(one)
    months: dict[InsuredMonth, list[Wage]] = defaultdict(list)
    for wage in wages:
        months[InsuredMonth(wage.key.employer, wage.key.insured, wage.key.period)].append(wage)
    return [
        part
        for month in sorted(months)
        for part in _split(month, months[month], _within(spans[month.employer, month.insured], month.period))
    ]


def _within(affiliations: Iterable[Affiliation], period: Period) -> list[Days]:
    """The days of affiliations in a month, in order."""
    return sorted(
        Days(max(one.entry, period.first), min(one.exit or period.last, period.last))
        for one in affiliations
        if one.overlaps(period.first, period.last)
    )


def _split(month: InsuredMonth, wages: Iterable[Wage], spans: Sequence[Days]) -> list[PartPeriod]:
    """The parts of one month, on each span on which a wage falls."""
    spans = spans or [Days(month.period.first, month.period.last)]
    parts: dict[int, list[Declared]] = defaultdict(list)
    for wage in wages:
        weights = _weights(wage, spans)
        shares = zip(*(distribute(element, weights) for element in Declared.of(wage)), strict=True)
        for place, (weight, share) in enumerate(zip(weights, shares, strict=True)):
            if weight:
                parts[place].append(Declared(*share))
    return [PartPeriod(month, spans[place], Declared.sum(parts[place])) for place in sorted(parts)]


def _weights(wage: Wage, spans: Sequence[Days]) -> list[int]:
    """For each span, how many days a wage shares with it; one day with the nearest where it shares none."""
    start = wage.key.period.first
    days = Days(start.replace(day=wage.key.first_day), start.replace(day=wage.key.last_day))
    weights = [days.shared(span) for span in spans]
    if not any(weights):
        before = [place for place, span in enumerate(spans) if span.last < days.first]
        nearest = max(before, key=lambda place: (spans[place].last, place)) if before else 0
        weights[nearest] = 1
    return weights


def distribute(amount: int, weights: Sequence[int]) -> list[int]:
    """An amount in whole units, in proportion to weights, by largest remainder; the sum is the amount.

    Args:
        weights: none negative, not all nought; what has none gets nothing.

    Raises:
        ZeroDivisionError: when all weights are nought.
    """
    total = sum(weights)
    shares, remainders = zip(*(divmod(amount * weight, total) for weight in weights), strict=True)
    left = amount - sum(shares)
    # Sorting keeps the order of equal remainders: the earlier one comes first.
    larger = set(sorted(range(len(weights)), key=lambda place: -remainders[place])[:left])
    return [share + (place in larger) for place, share in enumerate(shares)]
