"""The months of one insured with one employer in a calendar year, one after another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from functools import lru_cache

from gateway.contributions.formula import exact
from gateway.contributions.policy import Policy
from gateway.contributions.reference import NOTHING, Contribution, Insurance, Pay, Room, contribution
from gateway.contributions.schedule import Classification, schedule_of
from gateway.moments import Period

_ADULT_EMPLOYEE = Insurance()
_DEFAULT = Policy()
_NO_PAY = Pay()
_NOTHING = Fraction(0)


@dataclass(frozen=True, slots=True)
class Month:
    """One month of an insured, or the part of it under one group.

    Attributes:
        pay: of the month; nothing where none is declared.
        affiliated: whether the insurance lasted on a day of the month, which brings its whole ceiling.
    """

    period: Period
    pay: Pay
    insurance: Insurance = _ADULT_EMPLOYEE
    affiliated: bool = True


def year(
    months: Iterable[Month],
    employer: Classification,
    *,
    policy: Policy = _DEFAULT,
    known: date | None = None,
    ended: bool = False,
) -> tuple[Contribution, ...]:
    """What is due for each month of a year, each with the room that those before it left.

    A correction of an earlier month needs no negative settlement: the year is computed anew from its
    first month, and what differs from the earlier result is reversed and charged month by month.

    A month may stand twice, under two groups: each part has the floor and the allowance of its own hours,
    and they share the ceiling of the month in the order in which they stand.

    Args:
        months: from the first affiliated one on, in order; a month that is affiliated but without pay
            belongs among them, since it adds its ceiling.
        employer: its classes in that year.
        policy: the named choices.
        known: as the law was known at the end of that day; all that is known now when not given.
        ended: whether the insurance ended with the last of these months.

    Raises:
        NoParametersError: when no parameters are known for one of the months.
        ValueError: when the months are not in order or not of one year.
    """
    listed = tuple(months)
    periods = [month.period for month in listed]
    if periods != sorted(periods) or len({period.year for period in periods}) > 1:
        raise ValueError("the months of a year stand in order, and are of one year")
    room, results = NOTHING, []
    for month in listed:
        if month.pay == _NO_PAY and not room.excess:
            due = _passed(month, employer, policy, known, room)
        else:
            due = contribution(
                month.pay,
                month.insurance,
                employer,
                schedule_of(month.period, known),
                policy=policy,
                room=room,
                affiliated=month.affiliated,
                last=ended and month.period == periods[-1],
            )
        room = due.room
        results.append(due)
    return tuple(results)


def _passed(
    month: Month, employer: Classification, policy: Policy, known: date | None, room: Room
) -> Contribution:
    """What `contribution` says of a month without pay that has nothing of earlier ones to charge: only what
    it leaves differs from person to person."""
    schedule = schedule_of(month.period, known)
    ceiling = exact(schedule.ceiling.value) if month.affiliated else _NOTHING
    due = _without_pay(month.period, known, month.insurance, employer, policy)
    opened = {branch: room.of(branch).opened(month.period, ceiling) for branch in due.room.branches}
    return replace(due, room=Room({**room.branches, **opened}))


@lru_cache(maxsize=1024)
def _without_pay(
    period: Period, known: date | None, insurance: Insurance, employer: Classification, policy: Policy
) -> Contribution:
    return contribution(_NO_PAY, insurance, employer, schedule_of(period, known), policy=policy)
