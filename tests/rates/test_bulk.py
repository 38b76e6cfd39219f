"""The computation of many insured at once is the reference's, to the cent."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contributions import (
    Branch,
    Ceiling,
    Classification,
    Group,
    Insurance,
    Left,
    Pay,
    Policy,
    Room,
    Rounding,
    Schedule,
    Sickness,
    contribution,
    schedule_of,
)
from gateway.contributions.bulk import Amounts, BulkMonth, Columns
from gateway.contributions.wording import Wording
from gateway.moments import Period
from gateway.money import euro, round_half_up
from tests.rates.test_rate_properties import ALL_EMPLOYERS, HOURS, INSURANCES, POLICIES

PERIODS = st.integers(0, 83).map(Period(2020, 1).plus)
"""January 2020 to December 2026."""
JULY = schedule_of(Period(2026, 7))
EMPLOYER = Classification(2, 85)

Case = tuple[Pay, Insurance, Classification]
Told = dict[Branch, tuple[int, int, int]]

SMALL = st.integers(0, 300)
WAGES = st.integers(0, 1_500_000)
LARGE = st.integers(0, 10**13)
CENTS = st.one_of(SMALL, WAGES, WAGES, LARGE)
PAYS = st.one_of(
    st.builds(Pay, CENTS, st.just(0), st.just(0), st.just(0), st.just(0), HOURS),
    st.builds(Pay, CENTS, SMALL, SMALL, CENTS, CENTS, HOURS),
    st.builds(Pay, CENTS, CENTS, CENTS, CENTS, CENTS, HOURS),
)
CASES = st.tuples(PAYS, INSURANCES, ALL_EMPLOYERS)


def computed(cases: list[Case], schedule: Schedule, policy: Policy) -> Amounts:
    return BulkMonth(schedule, policy).compute(Columns.of(cases))


def row(due: Amounts, number: int) -> Told:
    """Base and both shares of each branch of an insured."""
    return {
        branch: (int(due.base[at, number]), int(due.employee[at, number]), int(due.employer[at, number]))
        for at, branch in enumerate(Branch)
        if due.present[at, number]
    }


def reference(case: Case, schedule: Schedule, policy: Policy, room: Room | None = None) -> Told:
    due = contribution(*case, schedule, policy=policy, room=room or Room())
    return {line.branch: (round_half_up(line.base), line.employee, line.employer) for line in due.lines}


@given(st.lists(CASES, max_size=12), PERIODS, POLICIES)
def test_every_cent_is_that_of_the_reference(cases: list[Case], period: Period, policy: Policy) -> None:
    schedule = schedule_of(period)
    due = computed(cases, schedule, policy)
    for number, case in enumerate(cases):
        if not due.apart[number]:
            assert row(due, number) == reference(case, schedule, policy)


@given(CASES, PERIODS, POLICIES, st.integers(0, 5_000_000))
def test_what_earlier_months_left_unused_changes_nothing_of_what_is_computed_here(
    case: Case, period: Period, policy: Policy, unused: int
) -> None:
    """As long as they left no pay uncharged, which no column tells."""
    schedule = schedule_of(period)
    due = computed([case], schedule, policy)
    left = Left(unused=Fraction(unused, 100), counted=Period(2019, 12))
    room = Room(dict.fromkeys(schedule.capped, left))
    if not due.apart[0]:
        assert row(due, 0) == reference(case, schedule, policy, room)


@given(CASES, PERIODS, POLICIES)
def test_only_what_needs_a_year_or_is_very_large_is_left_to_the_reference(
    case: Case, period: Period, policy: Policy
) -> None:
    schedule = schedule_of(period)
    (apart,) = computed([case], schedule, policy).apart
    pay, _, _ = case
    settles = policy.ceiling is Ceiling.CUMULATIVE or (
        policy.ceiling is Ceiling.YEAR_END and period.month == 12
    )
    above = pay.total > schedule.ceiling.value * 100
    large = max(pay.elements.values()) > 300_000_000
    assert not apart or large or (settles and above)


@given(st.integers(1, 17_300), st.integers(1, 999), st.integers(100_000, 300_000), POLICIES)
def test_floors_of_part_time_are_rounded_from_the_exact_173rd(
    hours: int, factor: int, minimum: int, policy: Policy
) -> None:
    """Whatever the minimum wage: the true ones seldom come near half a cent."""
    adult = replace(JULY.minimum.adult, value=Decimal(minimum) / 100)
    schedule = replace(JULY, minimum=replace(JULY.minimum, adult=adult))
    case = Pay(hours=Decimal(hours) / 100), Insurance(), Classification(1, factor)
    assert row(computed([case], schedule, policy), 0) == reference(case, schedule, policy)


def test_half_a_cent_goes_up() -> None:
    """2.80 % of 1.25 is 3.5 cents. 1800.00 x 125 / 173 x 0.65 % x 1.73 is exactly 14.625."""
    case = Pay(base_wage=125), Insurance(group=Group.APPRENTICE), EMPLOYER
    assert row(computed([case], JULY, Policy()), 0)[Branch.CARE] == (125, 4, 4)
    together = computed([case], JULY, Policy(rounding=Rounding.LINE))
    assert row(together, 0)[Branch.CARE] == (125, 4, 3)
    adult = replace(JULY.minimum.adult, value=Decimal("1800.00"))
    invented = replace(JULY, minimum=replace(JULY.minimum, adult=adult))
    floored = Pay(hours=Decimal(125)), Insurance(), Classification(1, 173)
    assert row(computed([floored], invented, Policy()), 0)[Branch.ACCIDENT] == (130058, 0, 1463)


def test_sickness_rounded_together_can_take_a_cent_from_the_employer() -> None:
    """Found by trying all small amounts; the reference says the same."""
    policy = Policy(rounding=Rounding.LINE, sickness=Sickness.JOINED)
    cases = [(Pay(base_wage=cents), Insurance(group=Group.APPRENTICE), EMPLOYER) for cents in range(1, 400)]
    due = computed(cases, JULY, policy)
    cash = due.employer[list(Branch).index(Branch.CASH)]
    assert int(cash.min()) == -1
    assert [row(due, number) for number in range(len(cases))] == [
        reference(case, JULY, policy) for case in cases
    ]


def test_more_rows_than_are_computed_at_once_keep_their_places() -> None:
    people = Insurance(), Insurance(17), Insurance(16, Group.PUPIL)
    cases = [
        (Pay(base_wage=100_000 + 7 * n, hours=Decimal(n % 200)), people[n % 3], EMPLOYER)
        for n in range(20_001)
    ]
    due = computed(cases, JULY, Policy())
    assert not due.apart.any()
    for number in (0, 1, 2, 16_383, 16_384, 16_385, 20_000):
        assert row(due, number) == reference(cases[number], JULY, Policy())


def test_amounts_that_would_not_fit_are_left_to_the_reference() -> None:
    largest = BulkMonth(JULY, Policy(ceiling=Ceiling.MONTHLY)).tables.most
    policy = Policy(ceiling=Ceiling.MONTHLY, rounding=Rounding.LINE, sickness=Sickness.JOINED)
    cases = [
        (Pay(*[each] * 5, hours=Decimal(173)), Insurance(), Classification(4, 999))
        for each in (largest, largest + 1, 2**62)
    ]
    due = computed(cases, JULY, policy)
    assert due.apart.tolist() == [False, True, True]
    assert row(due, 0) == reference(cases[0], JULY, policy)


def test_an_amount_below_zero_is_left_to_the_reference_which_refuses_it() -> None:
    columns = Columns.of([(Pay(), Insurance(), EMPLOYER)])
    below = replace(columns, elements=columns.elements - 1)
    assert BulkMonth(JULY).compute(below).apart.tolist() == [True]


@pytest.mark.parametrize(
    "wrong",
    [
        {"group": np.array([6])},
        {"mde_class": np.array([5])},
        {"accident_factor": np.array([0])},
        {"public": np.array([-1])},
        {"health_service": np.array([3])},
        {"hours": np.array([0, 0])},
        {"hours": np.array([17300], np.int32)},
        {"hours": np.array([173.0])},
    ],
    ids=str,
)
def test_columns_that_make_no_sense_are_refused(
    wrong: dict[str, np.ndarray[tuple[int], np.dtype[np.int64]]],
) -> None:
    columns = Columns.of([(Pay(), Insurance(), EMPLOYER)])
    with pytest.raises(ValueError, match=r"64-bit|length|between"):
        replace(columns, **wrong)


def test_hours_finer_than_hundredths_are_refused() -> None:
    with pytest.raises(ValueError, match="whole number"):
        Columns.of([(Pay(hours=Decimal("1.001")), Insurance(), EMPLOYER)])


def test_nobody_owes_nothing() -> None:
    due = computed([], JULY, Policy())
    assert due.base.shape == (len(Branch), 0)


@given(st.lists(CASES, max_size=6), PERIODS, POLICIES)
def test_source_and_formula_are_those_of_the_reference(
    cases: list[Case], period: Period, policy: Policy
) -> None:
    schedule = schedule_of(period)
    wording, due = Wording(schedule, policy), computed(cases, schedule, policy)
    for number, (pay, insurance, employer) in enumerate(cases):
        if due.apart[number]:
            continue
        lines = contribution(pay, insurance, employer, schedule, policy=policy).lines
        words = wording.lines(employer, insurance.group)
        paid = [sum(pay.amounts[place] for place in one.elements) for one in words]
        told = [
            one.tell(cents, euro(cents), int(pay.hours * 100), insurance.age)
            for one, cents in zip(words, paid, strict=True)
        ]
        assert told == [(line.source, line.formula) for line in lines]
        assert [(one.rate.branch, one.effective) for one in words] == [
            (line.branch, line.rate) for line in lines
        ]
