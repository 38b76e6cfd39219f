"""What must hold for every pay, whatever the law says, and the same sums in whole numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gateway.contributions import (
    Allowance,
    Branch,
    Ceiling,
    Classification,
    Contribution,
    Element,
    Group,
    HealthService,
    Insurance,
    Left,
    Line,
    Month,
    Pay,
    Policy,
    Room,
    Rounding,
    Sickness,
    contribution,
    schedule_of,
    year,
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
ALL_EMPLOYERS = st.builds(
    Classification,
    st.none() | st.integers(1, 4),
    st.integers(1, 999),
    public=st.booleans(),
    health_service=st.sampled_from(HealthService),
)
INSURANCES = st.builds(Insurance, st.none() | st.integers(15, 70), st.sampled_from(Group))
POLICIES = st.builds(
    Policy,
    st.sampled_from(Rounding),
    st.sampled_from(Sickness),
    st.sampled_from(Ceiling),
    st.sampled_from(Allowance),
)
WAGES = st.builds(
    Pay,
    base_wage=CENTS,
    gratuities=CENTS,
    hours=st.sampled_from([Decimal(h) for h in ("0", "86.5", "172", "173")]),
)


def months_of(year_and_wages: tuple[int, list[tuple[Pay, bool]]]) -> tuple[Month, ...]:
    number, wages = year_and_wages
    return tuple(
        Month(Period(number, month), pay, affiliated=affiliated)
        for month, (pay, affiliated) in enumerate(wages, start=1)
    )


YEARS = st.tuples(
    st.integers(2020, 2026), st.lists(st.tuples(WAGES, st.booleans()), min_size=1, max_size=12)
).map(months_of)
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
    assert [line.branch for line in due.lines] == list(Branch)[:-1]
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
    due = charge(pay, Insurance(17, Group.PUPIL), employer, period)
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


def room(unused: str, uncharged: str = "0") -> Room:
    """What February 2025 and January left in the pension branch, in euro."""
    return Room({Branch.PENSION: Left(Fraction(uncharged), Fraction(unused), Period(2025, 2))})


def test_a_month_may_use_what_earlier_months_left() -> None:
    pay, month = Pay(base_wage=2_000_000, hours=Decimal(173)), schedule_of(Period(2025, 3))
    due = contribution(pay, Insurance(), Classification(1, 100), month, room=room("5000.00"))
    bases = {line.branch: line.base for line in due.lines}
    assert bases[Branch.PENSION] == Fraction("18188.96")
    assert bases[Branch.CARE] == Fraction("13188.96")
    assert due.room.of(Branch.PENSION) == Left(Fraction("1811.04"), Fraction(0), Period(2025, 3), Fraction(0))


def test_a_month_takes_over_pay_that_earlier_months_had_no_room_for() -> None:
    pay, month = Pay(base_wage=300_000, hours=Decimal(173)), schedule_of(Period(2025, 3))
    due = contribution(pay, Insurance(), Classification(1, 100), month, room=room("0", "1000.00"))
    pension = due.lines[2]
    assert (pension.branch, pension.base) == (Branch.PENSION, 4000)
    assert pension.parameters[-1].name == "bases.ceiling_monthly"
    assert due.room.of(Branch.PENSION) == Left(
        Fraction(0), Fraction("9188.96"), Period(2025, 3), Fraction("9188.96")
    )


def test_what_the_year_leaves_cuts_a_floor_as_well() -> None:
    """After the exit no ceiling is added, so that a month of the floor has only what is left."""
    pay, month = Pay(base_wage=50_000, hours=Decimal(173)), schedule_of(Period(2025, 3))
    due = contribution(
        pay, Insurance(), Classification(1, 100), month, room=room("1000.00"), affiliated=False
    )
    pension = due.lines[2]
    assert (pension.branch, pension.base) == (Branch.PENSION, 1000)
    assert [p.name for p in pension.parameters[2:]] == [
        "minimum_wage.unskilled_18_plus",
        "bases.ceiling_monthly",
    ]


def line_of(due: Contribution, branch: Branch) -> Line | None:
    return next((line for line in due.lines if line.branch is branch), None)


@given(YEARS, ALL_EMPLOYERS, POLICIES)
def test_the_bases_of_a_year_stay_below_its_pay_and_its_ceilings(
    months: tuple[Month, ...], employer: Classification, policy: Policy
) -> None:
    """Month after month, whatever the policy; and cumulative, they reach the lesser of the two."""
    done = year(months, employer, policy=policy, ended=True)
    bases = pays = ceilings = Fraction(0)
    for month, due in zip(months, done, strict=True):
        law_of_month = schedule_of(month.period)
        paid = Fraction(month.pay.base_wage + month.pay.gratuities, 100)
        floor = Fraction(law_of_month.minimum.adult.value) * min(Fraction(month.pay.hours), 173) / 173
        pays += max(paid, floor)
        ceilings += Fraction(law_of_month.ceiling.value) if month.affiliated else 0
        pension = line_of(due, Branch.PENSION)
        assert pension is not None
        assert pension.base >= 0
        bases += pension.base
        assert bases <= min(pays, ceilings)
        if policy.ceiling is Ceiling.CUMULATIVE:
            assert bases == min(pays, ceilings)
            assert due.room.of(Branch.PENSION).uncharged == pays - bases
    if policy.ceiling is Ceiling.YEAR_END:
        assert bases == min(pays, ceilings)


@given(YEARS, EMPLOYERS)
def test_below_the_ceiling_the_policies_of_the_ceiling_agree(
    months: tuple[Month, ...], employer: Classification
) -> None:
    low = [replace(month, affiliated=True, pay=Pay(month.pay.base_wage % 1_000_000)) for month in months]
    lines = [
        [due.lines for due in year(low, employer, policy=Policy(ceiling=ceiling))] for ceiling in Ceiling
    ]
    assert lines[0] == lines[1] == lines[2]


@given(YEARS, EMPLOYERS)
def test_an_earlier_month_does_not_change_with_later_ones(
    months: tuple[Month, ...], employer: Classification
) -> None:
    assert year(months[:-1], employer) == year(months, employer)[:-1]


@given(YEARS, EMPLOYERS)
def test_the_first_month_of_a_year_is_a_month_alone(
    months: tuple[Month, ...], employer: Classification
) -> None:
    assume(months[0].affiliated)
    alone = contribution(months[0].pay, months[0].insurance, employer, schedule_of(months[0].period))
    assert year(months, employer)[0] == alone


@settings(deadline=None)
@given(YEARS, EMPLOYERS, POLICIES)
def test_a_month_without_pay_leaves_what_the_reference_says(
    drawn: tuple[Month, ...], employer: Classification, policy: Policy
) -> None:
    """Such months are computed once for many people: a year is as if each had been computed for itself."""
    room = Room()
    months = [replace(one, pay=Pay()) if place % 3 else one for place, one in enumerate(drawn)]
    for month, due in zip(months, year(months, employer, policy=policy), strict=True):
        alone = contribution(
            month.pay,
            month.insurance,
            employer,
            schedule_of(month.period),
            policy=policy,
            room=room,
            affiliated=month.affiliated,
        )
        assert due == alone
        room = alone.room


def test_months_out_of_order_or_of_two_years_are_refused() -> None:
    march, april = Month(Period(2025, 3), Pay()), Month(Period(2025, 4), Pay())
    with pytest.raises(ValueError, match="in order"):
        year([april, march], Classification(1, 100))
    with pytest.raises(ValueError, match="of one year"):
        year([march, Month(Period(2026, 4), Pay())], Classification(1, 100))


@given(PAYS, INSURANCES, ALL_EMPLOYERS, PERIODS, POLICIES)
def test_a_reversal_is_the_exact_opposite(
    pay: Pay, insurance: Insurance, employer: Classification, period: Period, policy: Policy
) -> None:
    due = contribution(pay, insurance, employer, schedule_of(period), policy=policy)
    back = due.reversed()
    assert back.reversed() == due
    assert (due.employee_total + back.employee_total, due.employer_total + back.employer_total) == (0, 0)
    for line, opposite in zip(due.lines, back.lines, strict=True):
        assert (opposite.base, opposite.employee, opposite.employer) == (
            -line.base,
            -line.employee,
            -line.employer,
        )
        assert round_half_up(opposite.base) == -round_half_up(line.base)
        assert round_half_up(opposite.base * Fraction(opposite.rate)) == -round_half_up(
            line.base * Fraction(line.rate)
        )


@given(PAYS, INSURANCES, ALL_EMPLOYERS, PERIODS, POLICIES)
def test_only_the_branches_of_group_and_employer_have_a_line(
    pay: Pay, insurance: Insurance, employer: Classification, period: Period, policy: Policy
) -> None:
    due = contribution(pay, insurance, employer, schedule_of(period), policy=policy)
    branches = [line.branch for line in due.lines]
    assert branches == [branch for branch in Branch if branch in branches]
    assert set(branches) <= schedule_of(period).groups.branches[insurance.group]
    assert (Branch.MDE in branches) <= (employer.mde_class is not None)
    assert (Branch.FAMILY_BENEFITS in branches) <= employer.public
    assert (Branch.HEALTH_AT_WORK in branches) <= (employer.health_service is not HealthService.OWN)
    assert due.total == sum(line.employee + line.employer for line in due.lines)


@given(PAYS, EMPLOYERS, PERIODS)
def test_care_and_cash_joined_are_the_rounded_sum(pay: Pay, employer: Classification, period: Period) -> None:
    apart, joined = (
        contribution(pay, Insurance(), employer, schedule_of(period), policy=Policy(sickness=sickness))
        for sickness in (Sickness.APART, Sickness.JOINED)
    )
    exact = independent(pay, None, employer, period)
    care, cash = joined.lines[:2]
    for side in ("employee", "employer"):
        assert getattr(care, side) + getattr(cash, side) == half_up(exact["care"] + exact["cash"])
    assert (care, joined.lines[2:]) == (apart.lines[0], apart.lines[2:])


@given(POLICIES)
def test_a_policy_is_parsed_from_its_name(policy: Policy) -> None:
    assert Policy.parse(policy.name) == policy


@pytest.mark.parametrize(
    "name",
    [
        "",
        "line",
        "line+apart+cumulative",
        "line+apart+cumulative+unrounded+line",
        "apart+line+cumulative+unrounded",
        "Line+apart+cumulative+unrounded",
        "line+apart+weekly+unrounded",
    ],
)
def test_a_policy_by_another_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"a policy is named like|is not a valid"):
        Policy.parse(name)


def test_the_default_policy_has_its_name() -> None:
    assert Policy().name == "line-and-side+apart+cumulative+unrounded"


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
