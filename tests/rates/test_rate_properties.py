"""What must hold for every pay, whatever the law says, and the same sums in whole numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contributions import (
    Allowance,
    Branch,
    Classification,
    Contribution,
    Element,
    Insurance,
    Pay,
    Policy,
    Rounding,
    contribution,
    schedule_of,
)
from gateway.moments import Period
from gateway.money import round_half_up
from gateway.parameters import law

CENTS = st.integers(0, 3_000_000)
HOURS = st.one_of(
    st.sampled_from([Decimal(text) for text in ("0", "86.5", "149", "149.99", "150", "172", "173", "174")]),
    st.integers(0, 74_400).map(lambda hundredths: Decimal(hundredths) / 100),
)
PAYS = st.builds(
    Pay,
    base_wage=CENTS,
    supplements=CENTS,
    overtime_pay=CENTS,
    gratuities=CENTS,
    unemployment_pay=CENTS,
    hours=HOURS,
)
RAISE: dict[Element, Callable[[Pay, int], Pay]] = {
    Element.BASE_WAGE: lambda pay, more: replace(pay, base_wage=pay.base_wage + more),
    Element.SUPPLEMENTS: lambda pay, more: replace(pay, supplements=pay.supplements + more),
    Element.OVERTIME_PAY: lambda pay, more: replace(pay, overtime_pay=pay.overtime_pay + more),
    Element.GRATUITIES: lambda pay, more: replace(pay, gratuities=pay.gratuities + more),
    Element.UNEMPLOYMENT_PAY: lambda pay, more: replace(pay, unemployment_pay=pay.unemployment_pay + more),
}
RAISES = st.tuples(st.sampled_from(Element), st.integers(1, 1_000_000))
ADULTS_AND_MINORS = st.one_of(st.none(), st.integers(15, 70)).map(Insurance)
EMPLOYERS = st.builds(Classification, st.integers(1, 4), st.integers(1, 999))
PERIODS = st.integers(0, 95).map(Period(2020, 1).plus)

BOTH, EMPLOYEE, EMPLOYER = (True, True), (True, False), (False, True)
SIDES = {
    "care": BOTH,
    "cash": BOTH,
    "pension": BOTH,
    "dependency": EMPLOYEE,
    "accident": EMPLOYER,
    "mde": EMPLOYER,
    "health_at_work": EMPLOYER,
}
ALL_BRANCHES = set(SIDES)
ENTERS = {
    "base_wage": ALL_BRANCHES,
    "supplements": ALL_BRANCHES,
    "overtime_pay": {"care", "dependency"},
    "gratuities": ALL_BRANCHES - {"cash", "mde"},
    "unemployment_pay": ALL_BRANCHES - {"accident", "health_at_work"},
}


def number(name: str, period: Period) -> Fraction:
    return Fraction(law().number(name, period).value)


def half_up(exact: Fraction) -> int:
    """Round a fraction that is not negative, with whole numbers only."""
    return (2 * exact.numerator + exact.denominator) // (2 * exact.denominator)


def independent(pay: Pay, age: int | None, employer: Classification, period: Period) -> dict[str, Fraction]:
    """A share of each branch in cents, not rounded, from fractions, written apart from the gateway's own."""
    hours = Fraction(pay.hours)
    part = min(hours, Fraction(173)) / 173
    youth = {15: "age_15_16", 16: "age_15_16", 17: "age_17"}.get(age or 99, "unskilled_18_plus")
    floor = number(f"minimum_wage.{youth}", period) * part
    ceiling = number("bases.ceiling_monthly", period)
    allowance = number("bases.dependency_allowance", period) * (hours / 173 if hours < 150 else 1)
    exact = {}
    for branch in SIDES:
        paid = Fraction(sum(pay.elements[Element(name)] for name in ENTERS if branch in ENTERS[name]), 100)
        if branch == "dependency":
            base, rate = max(Fraction(0), paid - allowance), number("rates.dependency.employee", period)
        else:
            name = f"mutuality.class_{employer.mde_class}" if branch == "mde" else f"rates.{branch}.employer"
            base, rate = min(max(paid, floor), ceiling), number(name, period)
        if branch == "accident":
            rate *= Fraction(employer.accident_factor, 100)
        exact[branch] = base * rate * 100
    return exact


def charge(pay: Pay, insurance: Insurance, employer: Classification, period: Period) -> Contribution:
    return contribution(pay, insurance, employer, schedule_of(period))


def shares(due: Contribution) -> dict[str, tuple[int, int]]:
    return {line.branch: (line.employee, line.employer) for line in due.lines}


def at_least(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether neither share is smaller than the other's."""
    return one[0] >= other[0] and one[1] >= other[1]


@given(PAYS, ADULTS_AND_MINORS, EMPLOYERS, PERIODS)
def test_every_share_is_the_one_of_whole_number_arithmetic(
    pay: Pay, insurance: Insurance, employer: Classification, period: Period
) -> None:
    expected = {
        branch: (half_up(exact) * SIDES[branch][0], half_up(exact) * SIDES[branch][1])
        for branch, exact in independent(pay, insurance.age, employer, period).items()
    }
    assert shares(charge(pay, insurance, employer, period)) == expected


def test_a_half_cent_that_28_digits_miss_goes_up() -> None:
    """1800.00 x 125 / 173 never ends, but times 0.65 % x 1.73 it is exactly 14.625.

    Plain Decimal arithmetic falls just short of it. The minimum wage is invented: the true ones
    happen to come out right.
    """
    rate = Decimal("0.0065") * Decimal("1.73")
    assert round_half_up(Decimal("1800.00") * 125 / 173 * rate) == 1462
    month = schedule_of(Period(2026, 7))
    invented = replace(month.minimum, adult=replace(month.minimum.adult, value=Decimal("1800.00")))
    due = contribution(
        Pay(hours=Decimal(125)), Insurance(), Classification(1, 173), replace(month, minimum=invented)
    )
    assert shares(due)["accident"] == (0, 1463)


@given(PAYS, ADULTS_AND_MINORS, EMPLOYERS, PERIODS)
def test_totals_are_the_sums_of_the_lines(
    pay: Pay, insurance: Insurance, employer: Classification, period: Period
) -> None:
    due = charge(pay, insurance, employer, period)
    assert [line.branch for line in due.lines] == list(Branch)
    assert due.employee_total == sum(employee for employee, _ in shares(due).values())
    assert due.employer_total == sum(employer_share for _, employer_share in shares(due).values())
    assert due.total == due.employee_total + due.employer_total


@given(PAYS, RAISES, ADULTS_AND_MINORS, EMPLOYERS, PERIODS)
def test_more_pay_never_costs_less_and_touches_only_its_branches(
    pay: Pay, raised_by: tuple[Element, int], insurance: Insurance, employer: Classification, period: Period
) -> None:
    element, more = raised_by
    before = shares(charge(pay, insurance, employer, period))
    after = shares(charge(RAISE[element](pay, more), insurance, employer, period))
    for branch in SIDES:
        assert at_least(after[branch], before[branch])
        if branch not in ENTERS[element]:
            assert after[branch] == before[branch]


@given(PAYS, HOURS, ADULTS_AND_MINORS, EMPLOYERS, PERIODS)
def test_more_hours_raise_floors_and_the_allowance(
    pay: Pay, hours: Decimal, insurance: Insurance, employer: Classification, period: Period
) -> None:
    fewer, more = sorted((pay.hours, hours))
    before = shares(charge(replace(pay, hours=fewer), insurance, employer, period))
    after = shares(charge(replace(pay, hours=more), insurance, employer, period))
    assert at_least(before.pop("dependency"), after.pop("dependency"))
    assert all(at_least(after[branch], before[branch]) for branch in after)


@given(PAYS, EMPLOYERS, PERIODS)
def test_a_pupil_is_insured_against_accidents_only(
    pay: Pay, employer: Classification, period: Period
) -> None:
    due = charge(pay, Insurance(17, pupil=True), employer, period)
    assert [line.branch for line in due.lines] == [Branch.ACCIDENT]
    paid = Decimal(pay.base_wage + pay.supplements + pay.gratuities) / 100
    assert due.lines[0].base == min(paid, schedule_of(period).ceiling.value)
    assert due.employee_total == 0


@given(PAYS, EMPLOYERS, PERIODS)
def test_every_source_is_short_enough_for_the_documents(
    pay: Pay, employer: Classification, period: Period
) -> None:
    for line in charge(pay, Insurance(), employer, period).lines:
        assert 0 < len(line.source) <= 200
        assert line.source.isascii()


@given(PAYS, EMPLOYERS, PERIODS)
def test_halves_rounded_together_give_the_rounded_whole(
    pay: Pay, employer: Classification, period: Period
) -> None:
    policy = Policy(rounding=Rounding.LINE)
    together = contribution(pay, Insurance(), employer, schedule_of(period), policy=policy)
    apart = charge(pay, Insurance(), employer, period)
    exact = independent(pay, None, employer, period)
    for one, other in zip(together.lines, apart.lines, strict=True):
        assert one.employee == other.employee
        sides = sum(SIDES[one.branch])
        assert one.employee + one.employer == half_up(exact[one.branch] * sides)


def test_halves_rounded_together_save_a_cent() -> None:
    """2.80 % of 1.25 EUR is 3.5 cents a side: 4 and 4 apart, 7 together."""
    pay, employer, month = Pay(base_wage=125), Classification(1, 100), schedule_of(Period(2025, 3))
    together = contribution(pay, Insurance(), employer, month, policy=Policy(rounding=Rounding.LINE))
    assert shares(contribution(pay, Insurance(), employer, month))["care"] == (4, 4)
    assert shares(together)["care"] == (4, 3)


def test_an_allowance_can_be_rounded_before_use() -> None:
    """659.45 x 149 / 173 = 567.9656..., rounded 567.97."""
    pay, employer, month = (
        Pay(base_wage=300_000, hours=Decimal(149)),
        Classification(1, 100),
        schedule_of(Period(2025, 3)),
    )
    rounded = contribution(pay, Insurance(), employer, month, policy=Policy(allowance=Allowance.ROUNDED))
    bases = {line.branch: line.base for line in rounded.lines}
    assert bases[Branch.DEPENDENCY] == Decimal("2432.03")
    exact = {line.branch: line.base for line in contribution(pay, Insurance(), employer, month).lines}
    assert Decimal("2432.034") < exact[Branch.DEPENDENCY] < Decimal("2432.035")


def test_what_is_left_of_a_yearly_ceiling_cuts_a_branch() -> None:
    """The place of the annual ceiling: the caller says what a branch may still be charged on."""
    pay, employer, month = (
        Pay(base_wage=300_000, hours=Decimal(173)),
        Classification(1, 100),
        schedule_of(Period(2025, 3)),
    )
    left = {Branch.PENSION: Decimal("1000.00"), Branch.CASH: Decimal(0)}
    due = contribution(pay, Insurance(), employer, month, ceiling_left=left)
    bases = {line.branch: line.base for line in due.lines}
    assert [bases[b] for b in (Branch.PENSION, Branch.CASH, Branch.CARE)] == [1000, 0, 3000]


def test_what_is_left_of_a_yearly_ceiling_cuts_a_floor_as_well() -> None:
    pay, month = Pay(base_wage=50_000, hours=Decimal(173)), schedule_of(Period(2025, 3))
    left = {Branch.PENSION: Decimal("1000.00")}
    due = contribution(pay, Insurance(), Classification(1, 100), month, ceiling_left=left)
    pension = due.lines[2]
    assert (pension.branch, pension.base) == (Branch.PENSION, 1000)
    assert pension.parameters[-1].name == "bases.ceiling_monthly"


@given(PAYS, EMPLOYERS, PERIODS)
def test_the_whole_ceiling_left_changes_nothing(pay: Pay, employer: Classification, period: Period) -> None:
    month = schedule_of(period)
    left = dict.fromkeys(Branch, month.ceiling.value)
    assert contribution(pay, Insurance(), employer, month, ceiling_left=left) == charge(
        pay, Insurance(), employer, period
    )


def test_a_line_names_the_limit_that_made_its_base() -> None:
    month, employer = schedule_of(Period(2025, 3)), Classification(1, 100)

    def limits(cents: int) -> dict[Branch, list[str]]:
        due = contribution(Pay(base_wage=cents, hours=Decimal(173)), Insurance(), employer, month)
        return {
            line.branch: [p.name for p in line.parameters if not p.name.startswith(("rates.", "mutuality."))]
            for line in due.lines
        }

    allowance = ["bases.dependency_allowance"]
    assert limits(100_000)[Branch.CARE] == ["minimum_wage.unskilled_18_plus"]
    assert limits(300_000)[Branch.CARE] == []
    assert limits(1_318_896)[Branch.CARE] == []
    assert limits(2_000_000)[Branch.CARE] == ["bases.ceiling_monthly"]
    assert [limits(cents)[Branch.DEPENDENCY] for cents in (100_000, 300_000, 2_000_000)] == [allowance] * 3


def test_doubts_are_the_values_to_confirm() -> None:
    pay, insurance, employer = Pay(base_wage=381_240, hours=Decimal(173)), Insurance(), Classification(2, 85)
    assert charge(pay, insurance, employer, Period(2025, 3)).doubts == ()
    assert [doubt.name for doubt in charge(pay, insurance, employer, Period(2026, 7)).doubts] == [
        "rates.pension.employee",
        "rates.pension.employer",
        "bases.dependency_allowance",
        "rates.accident.employer",
        "mutuality.class_2",
    ]


@pytest.mark.parametrize(("mde_class", "factor"), [(0, 100), (5, 100), (1, 0), (1, 1000), (1, -85)], ids=str)
def test_a_class_or_factor_that_is_none_is_refused(mde_class: int, factor: int) -> None:
    with pytest.raises(ValueError, match="is 1 to"):
        Classification(mde_class, factor)


def test_nothing_of_a_pay_is_below_zero() -> None:
    with pytest.raises(ValueError, match="below zero"):
        Pay(base_wage=-1)
    with pytest.raises(ValueError, match="below zero"):
        Pay(hours=Decimal(-1))
