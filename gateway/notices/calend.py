"""CALEND: which time limits and runs members are told of, for a month and after an outage.

Of a month all that the published calendar lists (RGD of 12 May 1975, art. 20). After an outage those that it
moved: of the calendar, and beside it those of entries, exits and changes, day by day.
"""

from __future__ import annotations

from collections.abc import Collection

from gateway.deadlines import Due, Outage, hour_of, moved, published
from gateway.moments import Period
from gateway.returns.calend import Deadline, Interruption

_LONGEST_REASON = 2000


def of_month(period: Period, outages: Collection[Outage]) -> tuple[Deadline, ...]:
    """All that ends in a month, in the order in which it ends.

    Args:
        outages: those declared so far.
    """
    year = published(period.year, outages)
    return tuple(_told(one) for one in year if (one.last.year, one.last.month) == (period.year, period.month))


def of_outage(outage: Outage, others: Collection[Outage]) -> tuple[Deadline, ...]:
    """What an outage moved, in the order in which it ends now.

    Args:
        others: all that were declared beside it.
    """
    return tuple(_told(one) for one in moved(outage, others))


def interruption(outage: Outage) -> Interruption:
    """An outage as members are told of it."""
    return Interruption(outage.first, outage.until, outage.reason[:_LONGEST_REASON])


def _told(one: Due) -> Deadline:
    nominal = one.nominal if one.nominal != one.last else None
    return Deadline(one.kind, one.event, one.last, hour_of(one), one.until, nominal)
