"""Working days in Luxembourg: Monday to Friday, public holidays left out.

The eleven holidays are those of the Labour Code (Code du travail, art. L.232-2). Three move with
Easter; Europe Day (9 May) was added by the law of 25 April 2019.
"""

from __future__ import annotations

from datetime import date, timedelta

_FIXED = (
    (1, 1),  # New Year's Day
    (5, 1),  # Labour Day
    (6, 23),  # National Day
    (8, 15),  # Assumption
    (11, 1),  # All Saints
    (12, 25),  # Christmas
    (12, 26),  # St Stephen
)
_EUROPE_DAY = (5, 9)
_EUROPE_DAY_SINCE = 2019
_AFTER_EASTER = (1, 39, 50)
"""Days from Easter Sunday to Easter Monday, Ascension Day and Whit Monday."""

_SATURDAY = 5


def easter(year: int) -> date:
    """Easter Sunday of a year of the Gregorian calendar (Butcher's computus of 1876)."""
    golden, century, rest = year % 19, year // 100, year % 100
    correction = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - century // 4 - correction + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (rest // 4) - epact - rest % 4) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)


def holidays(year: int) -> frozenset[date]:
    """The public holidays of a year, those on a Saturday or Sunday included."""
    fixed = (*_FIXED, _EUROPE_DAY) if year >= _EUROPE_DAY_SINCE else _FIXED
    moving = (easter(year) + timedelta(days) for days in _AFTER_EASTER)
    return frozenset((*(date(year, month, day) for month, day in fixed), *moving))


def is_working_day(day: date) -> bool:
    """Whether a day is neither a Saturday, a Sunday nor a public holiday."""
    return day.weekday() < _SATURDAY and day not in holidays(day.year)


def next_working_day(day: date) -> date:
    """The first working day after a day."""
    following = day + timedelta(1)
    return following if is_working_day(following) else next_working_day(following)


def first_working_day(year: int, month: int) -> date:
    """The first working day of a month."""
    return next_working_day(date(year, month, 1) - timedelta(1))
