"""Working days: known holidays, and what holds for every day."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.calendar import easter, first_working_day, holidays, is_working_day, next_working_day

days = st.dates(date(1990, 1, 1), date(2150, 12, 31))


EASTERS = """1818-03-22 1943-04-25 1961-04-02 2000-04-23 2008-03-23 2019-04-21
2024-03-31 2025-04-20 2026-04-05 2027-03-28 2038-04-25"""
HOLIDAYS_2026 = """2026-01-01 2026-04-06 2026-05-01 2026-05-09 2026-05-14 2026-05-25
2026-06-23 2026-08-15 2026-11-01 2026-12-25 2026-12-26"""


@pytest.mark.parametrize("sunday", EASTERS.split())
def test_easter_of_known_years(sunday: str) -> None:
    """Among them the earliest and the latest day on which it can fall."""
    assert easter(int(sunday[:4])) == date.fromisoformat(sunday)


def test_the_holidays_of_2026() -> None:
    """As the Inspection du travail et des mines publishes them."""
    assert holidays(2026) == {date.fromisoformat(day) for day in HOLIDAYS_2026.split()}


def test_europe_day_is_a_holiday_since_2019() -> None:
    assert is_working_day(date(2018, 5, 9))
    assert not is_working_day(date(2019, 5, 9))


def test_whit_monday_of_2026_is_none_and_the_day_after_is_one() -> None:
    assert not is_working_day(date(2026, 5, 25))
    assert next_working_day(date(2026, 5, 22)) == date(2026, 5, 26)


@pytest.mark.parametrize(
    ("year", "month", "day"),
    [(2026, 1, 2), (2026, 5, 4), (2026, 8, 3), (2026, 11, 2), (2027, 1, 4), (2026, 7, 1)],
)
def test_the_first_working_day_of_a_month(year: int, month: int, day: int) -> None:
    assert first_working_day(year, month) == date(year, month, day)


@given(days)
def test_the_next_working_day_is_the_nearest_one_after(day: date) -> None:
    following = next_working_day(day)
    assert following > day
    assert is_working_day(following)
    between = (day + timedelta(n) for n in range(1, (following - day).days))
    assert not any(map(is_working_day, between))
    assert following - day <= timedelta(5)


@given(st.integers(1990, 2150))
def test_easter_monday_ascension_and_whit_monday_are_weekdays(year: int) -> None:
    moving = sorted(holidays(year) & {easter(year) + timedelta(days) for days in (1, 39, 50)})
    assert [day.weekday() for day in moving] == [0, 3, 0]
    assert easter(year).weekday() == 6
