"""Part-periods: nothing is lost, nothing is made, and the order in which things are found does not matter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.moments import Period
from gateway.part_periods import Days, Declared, PartPeriod, distribute, part_periods
from gateway.registers import Affiliation, InsuredMonth, Wage, WageKey

JULY = Period(2026, 7)
EMPLOYER, OTHER, INSURED = "2099990001299", "2099990002099", "1893120105732"
NOTHING = Declared.sum([])


def declared(first: int = 1, last: int = 31, employer: str = EMPLOYER, **elements: int) -> Wage:
    """A wage of July: nought but what is given."""
    key = WageKey(employer, INSURED, JULY, first, last)
    stated = {name: elements.get(name, 0) for name in Declared._fields}
    return Wage(key=key, deposit=1, record=1, capped=False, reference=None, **stated)


def span(first: date, last: date | None = None, employer: str = EMPLOYER) -> Affiliation:
    return Affiliation(employer, INSURED, first, last, "I", "03")


def july(day: int) -> date:
    return date(2026, 7, day)


def base_wages(parts: Iterable[PartPeriod]) -> list[tuple[int, int, int]]:
    """First and last day of July and base wage of each part."""
    return [(part.days.first.day, part.days.last.day, part.declared.base_wage) for part in parts]


amounts = st.integers(0, 10**11)
days_of_july = st.integers(1, 31)


@st.composite
def wages(draw: st.DrawFn) -> Wage:
    first, last = sorted((draw(days_of_july), draw(days_of_july)))
    employer = draw(st.sampled_from((EMPLOYER, OTHER)))
    return declared(first, last, employer, **{name: draw(amounts) for name in Declared._fields})


@st.composite
def affiliations(draw: st.DrawFn) -> Affiliation:
    """Affiliations around July; some share days, as those of missions do, some do not touch it."""
    first = date(2026, 6, 1) + timedelta(draw(st.integers(0, 90)))
    last = draw(st.none() | st.integers(0, 40).map(lambda length: first + timedelta(length)))
    return span(first, last, draw(st.sampled_from((EMPLOYER, OTHER))))


several_wages = st.lists(wages(), max_size=6)
several_affiliations = st.lists(affiliations(), max_size=5)


def sums(several: Iterable[tuple[str, Declared]]) -> Mapping[str, Declared]:
    """Each element added up, by employer."""
    found: dict[str, Declared] = {}
    for employer, elements in several:
        found[employer] = Declared.sum((found.get(employer, NOTHING), elements))
    return found


@given(several_wages, several_affiliations)
def test_the_sum_of_every_element_stays_with_each_employer(
    given_wages: Sequence[Wage], spans: Sequence[Affiliation]
) -> None:
    parts = part_periods(given_wages, spans)
    assert sums((part.month.employer, part.declared) for part in parts) == sums(
        (wage.key.employer, Declared.of(wage)) for wage in given_wages
    )


@given(several_wages, several_affiliations, st.randoms(use_true_random=False))
def test_the_order_of_wages_and_affiliations_does_not_matter(
    given_wages: list[Wage], spans: list[Affiliation], draw: Random
) -> None:
    first = part_periods(given_wages, spans)
    assert part_periods(given_wages, spans) == first
    shuffled_wages, shuffled_spans = list(given_wages), list(spans)
    draw.shuffle(shuffled_wages)
    draw.shuffle(shuffled_spans)
    assert part_periods(shuffled_wages, shuffled_spans) == first


@given(several_wages, several_affiliations)
def test_parts_are_the_days_of_affiliations_of_the_same_employer(
    given_wages: Sequence[Wage], spans: Sequence[Affiliation]
) -> None:
    parts = part_periods(given_wages, spans)
    for employer in (EMPLOYER, OTHER):
        own = [one for one in spans if one.employer == employer and one.overlaps(JULY.first, JULY.last)]
        allowed = Counter(
            Days(max(one.entry, JULY.first), min(one.exit or JULY.last, JULY.last)) for one in own
        ) or Counter([Days(JULY.first, JULY.last)])
        assert not Counter(part.days for part in parts if part.month.employer == employer) - allowed


@given(several_wages)
def test_one_affiliation_gets_everything(given_wages: Sequence[Wage]) -> None:
    own = [wage for wage in given_wages if wage.key.employer == EMPLOYER]
    parts = part_periods(own, [span(july(10), july(12)), span(july(1), employer=OTHER)])
    total = Declared.sum(map(Declared.of, own))
    assert parts == (
        [PartPeriod(InsuredMonth(EMPLOYER, INSURED, JULY), Days(july(10), july(12)), total)] if own else []
    )


@given(amounts, st.lists(st.integers(0, 31), min_size=1, max_size=6).filter(any))
def test_a_share_is_never_a_unit_or_more_away_from_the_exact_one(amount: int, weights: list[int]) -> None:
    shares = distribute(amount, weights)
    assert sum(shares) == amount
    for share, weight in zip(shares, weights, strict=True):
        exact = Fraction(amount * weight, sum(weights))
        assert abs(share - exact) < 1
        assert share == exact or exact.denominator > 1


@pytest.mark.parametrize(
    ("amount", "weights", "shares"),
    [
        (100, [1, 1, 1], [34, 33, 33]),
        (101, [1, 1, 1], [34, 34, 33]),
        (100, [1, 2], [33, 67]),
        (10, [15, 16], [5, 5]),
        (1, [1, 0, 1], [1, 0, 0]),
        (0, [3, 4], [0, 0]),
    ],
)
def test_the_units_left_go_to_the_largest_remainders_and_then_to_the_earlier(
    amount: int, weights: list[int], shares: list[int]
) -> None:
    assert distribute(amount, weights) == shares


def test_a_whole_month_is_split_by_calendar_days() -> None:
    """Ten days, six days outside, fifteen days: ten and fifteen twenty-fifths."""
    spans = [span(date(2020, 1, 1), july(10)), span(july(17))]
    (first, second) = part_periods([declared(base_wage=300_001, work_hours=101)], spans)
    assert (first.days, second.days) == (Days(july(1), july(10)), Days(july(17), july(31)))
    assert (first.declared.base_wage, second.declared.base_wage) == (120_000, 180_001)
    assert (first.declared.work_hours, second.declared.work_hours) == (40, 61)


def test_a_wage_with_its_own_days_goes_where_they_are() -> None:
    spans = [span(date(2020, 1, 1), july(10)), span(july(17))]
    parts = part_periods([declared(1, 10, base_wage=1000), declared(17, 31, base_wage=70)], spans)
    assert base_wages(parts) == [(1, 10, 1000), (17, 31, 70)]
    assert base_wages(part_periods([declared(18, 20, base_wage=70)], spans)) == [(17, 31, 70)]


def test_a_wage_on_no_insured_day_stays_whole_with_the_affiliation_before_it() -> None:
    spans = [span(july(5), july(10)), span(july(17), july(20))]
    for first, last, expected in ((12, 14, (5, 10)), (25, 31, (17, 20)), (1, 3, (5, 10))):
        (part,) = part_periods([declared(first, last, base_wage=999)], spans)
        assert (part.days.first.day, part.days.last.day) == expected
        assert part.declared.base_wage == 999


def test_a_month_without_an_affiliation_is_one_part() -> None:
    before = span(date(2020, 1, 1), date(2026, 6, 30))
    parts = part_periods([declared(4, 5, base_wage=1), declared(8, 9, base_wage=2)], [before])
    assert base_wages(parts) == [(1, 31, 3)]


def test_months_are_split_each_by_itself() -> None:
    june = declared(1, 30, base_wage=600)
    june = june._replace(key=june.key._replace(period=Period(2026, 6)))
    spans = [span(date(2026, 6, 1), date(2026, 6, 10)), span(date(2026, 6, 21), july(31))]
    parts = part_periods([declared(base_wage=500), june], spans)
    assert [(str(part.month.period), part.declared.base_wage) for part in parts] == [
        ("2026-06", 300),
        ("2026-06", 300),
        ("2026-07", 500),
    ]
