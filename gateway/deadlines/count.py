"""How a time limit is counted, and how a declared outage extends it.

A limit ends with a day, at an hour of that day in Luxembourg. Outages: see `docs/deadlines.md`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from gateway.calendar import is_working_day, next_working_day
from gateway.deadlines.table import Kind, Rule, rule
from gateway.moments import LUXEMBOURG, Period, Received, months_after

_DAY = timedelta(days=1)
_MOMENT = timedelta(microseconds=1)
_MIDNIGHT = 24


@dataclass(frozen=True, slots=True)
class Outage:
    """A time during which senders were kept out, as the operator declared it.

    Attributes:
        first: when it began.
        until: when it was over.
        reason: in the operator's words.
    """

    first: Received
    until: Received
    reason: str

    def __post_init__(self) -> None:
        if self.until <= self.first:
            raise ValueError("an outage ends after it began")

    @property
    def days(self) -> int:
        """Its length in days, a part of a day counted as one."""
        return -((self.first.at - self.until.at) // _DAY)

    @property
    def last_day(self) -> date:
        """The last day in Luxembourg on which it lasted, if only for a moment."""
        return Received(self.until.at - _MOMENT).day


@dataclass(frozen=True, slots=True)
class Due:
    """A time limit that was counted.

    Attributes:
        kind: what it is for.
        event: the day or the month from which it was counted.
        nominal: its last day, were there no outage.
        last: its last day.
        until: the first moment that is too late.
    """

    kind: Kind
    event: date | Period
    nominal: date
    last: date
    until: Received

    def kept(self, received: Received) -> bool:
        """Whether what was received then is in time. Only the receipt counts, never the treatment."""
        return received < self.until


def last_day_of(event: date | Period) -> date:
    """The day from which a limit is counted: that of the event, or the last one of a month."""
    return event.last if isinstance(event, Period) else event


def due(kind: Kind, event: date | Period, outages: Collection[Outage] = ()) -> Due:
    """The end of a time limit.

    Args:
        event: the day of the event, or the month concerned.
        outages: those declared; no two of them share a moment.

    Raises:
        NoRuleError: when no rule is in force for the event.
    """
    plain = _plain(kind, event)
    if not outages:
        return plain
    given, last = rule(kind, last_day_of(event)), plain.last
    for outage in sorted(outages, key=lambda one: one.first):
        last = _extended(given, last, outage)
    return Due(kind, event, plain.nominal, last, _end(given, last))


@lru_cache(maxsize=4096)
def _plain(kind: Kind, event: date | Period) -> Due:
    """A limit without outages; kept, for a national month asks for the same one a million times."""
    given = rule(kind, last_day_of(event))
    last = _rolled(given, _counted(given, last_day_of(event)))
    return Due(kind, event, last, last, _end(given, last))


def run_after(kind: Kind, day: date, outages: Collection[Outage] = ()) -> Due:
    """The first run of a kind whose cut-off lies after a day."""
    month = Period(day.year, day.month)
    while True:
        if month.month in rule(kind, month.last).within:
            found = due(kind, month, outages)
            if found.last > day:
                return found
        month = month.plus(1)


def published(year: int, outages: Collection[Outage] = ()) -> list[Due]:
    """The calendar of a year: every limit that ends in it on a fixed day, and the cut-off of every run.

    In the order in which they end (RGD of 12 May 1975, art. 20).
    """
    months = [Period(year, 1).plus(number) for number in range(-6, 12)]
    found = [
        due(kind, month, outages)
        for month in months
        for kind in PUBLISHED
        if month.month in rule(kind, month.last).within
    ]
    return sorted((one for one in found if one.last.year == year), key=lambda one: (one.until, one.kind))


PUBLISHED = (
    Kind.WAGE,
    Kind.INCAPACITY,
    Kind.REMINDER,
    Kind.CHAMBER,
    Kind.STATEMENT,
    Kind.BILLING,
    Kind.DECLARATION_NOTICES,
    Kind.WAGE_NOTICES,
)
"""The kinds that the calendar of a year lists: those counted from a month, not from an event."""


def moved(outage: Outage, others: Collection[Outage]) -> list[Due]:
    """The limits and cut-offs that end later because of an outage, in the order in which they end.

    Those of the calendar and that of prescription, and those of entries, exits and changes of each day.

    Args:
        others: all that were declared beside it.
    """
    begun = Period(outage.first.day.year, outage.first.day.month)
    months = [begun.plus(number) for number in range(-_MONTHS_BACK, outage.days // 28 + 2)]
    start, length = outage.first.day - _DAYS_BACK * _DAY, 2 * _DAYS_BACK + 2 * outage.days
    events: list[tuple[Kind, date | Period]] = [
        (kind, month)
        for month in months
        for kind in (*PUBLISHED, Kind.PRESCRIPTION)
        if month.month in rule(kind, month.last).within
    ]
    events += [(kind, start + day * _DAY) for day in range(length) for kind in _DAILY]
    found = [due(kind, event, (*others, outage)) for kind, event in events]
    before = [due(kind, event, others) for kind, event in events]
    later = [now for now, then in zip(found, before, strict=True) if now.until > then.until]
    return sorted(later, key=lambda one: (one.until, one.kind, last_day_of(one.event)))


def hour_of(one: Due) -> int:
    """The hour of the last day in Luxembourg from which input is late; 24 is the end of the day."""
    return rule(one.kind, last_day_of(one.event)).hour


_DAILY = (Kind.ENTRY, Kind.EXIT, Kind.CHANGE)
_DAYS_BACK = 60
"""Days before an outage to look at: more than the longest limit counted in days, moved by other outages."""
_MONTHS_BACK = 40
"""Months before an outage to look at: more than the longest limit."""


def _counted(given: Rule, start: date) -> date:
    moved = months_after(start, given.months)
    if given.day is not None:
        moved = moved.replace(day=min(given.day, Period(moved.year, moved.month).last.day))
    return moved + given.days * _DAY


def _rolled(given: Rule, day: date) -> date:
    return next_working_day(day) if given.rolls and not is_working_day(day) else day


def _end(given: Rule, last: date) -> Received:
    """The first moment after a limit: counted on the clock of Luxembourg, whatever its summer time does."""
    day, hour = (last + _DAY, 0) if given.hour == _MIDNIGHT else (last, given.hour)
    return Received(datetime.combine(day, time(hour), tzinfo=LUXEMBOURG))


def _extended(given: Rule, last: date, outage: Outage) -> date:
    """The last day after an outage.

    It never moves forward, and no limit overtakes one that ended before it.
    """
    if outage.first >= _end(given, last):
        return last
    by_length = min(last, outage.last_day) + outage.days * _DAY
    return _rolled(given, max(last, by_length, next_working_day(outage.last_day)))
