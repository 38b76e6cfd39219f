"""What must hold for every refund, whatever was declared."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from gateway.contributions import Classification, schedule_of
from gateway.moments import Period
from gateway.money import round_half_up
from gateway.mutuality import Reason, Refund, first_counted, rules_of
from gateway.registers import Wage
from tests.mutuality.cases import Declared, affiliation, due, wage

MONTHS = [Period(2025, 1).plus(place) for place in range(20)]
LATEST = MONTHS[-1]
SHARES = {"care": "0.0280", "cash": "0.0025", "pension": "0.0850"}


@st.composite
def spells(draw: st.DrawFn, month: Period) -> list[Declared]:
    """Absences of a month that share no day."""
    days = draw(st.lists(st.integers(1, month.last.day), unique=True, max_size=6).map(sorted))
    ends = zip(days[::2], days[1::2], strict=False)
    return [
        (
            draw(st.sampled_from("11112345")),
            month.first.replace(day=first),
            month.first.replace(day=last),
            draw(st.integers(0, 12 * (last - first + 1))),
        )
        for first, last in ends
    ]


@st.composite
def histories(draw: st.DrawFn) -> list[Declared]:
    """Absences of 20 months, of which the last one is asked for; long ones among them."""
    earlier = draw(st.lists(st.sampled_from(MONTHS[:-1]), unique=True, max_size=6))
    long = draw(st.integers(0, len(earlier)))
    found: list[Declared] = [("1", month.first, month.last, 160) for month in earlier[:long]]
    for month in (*earlier[long:], LATEST):
        found += draw(spells(month))
    return found


@st.composite
def wages(draw: st.DrawFn) -> list[Wage]:
    """Those of the last month: none, one, or one in two parts."""
    one = st.builds(
        lambda base, more, hours: wage(LATEST, base, hours, supplements=more),
        st.integers(0, 3_000_000),
        st.integers(0, 100_000),
        st.integers(0, 400),
    )
    found = draw(st.lists(one, max_size=2))
    return [w._replace(key=w.key._replace(first_day=place + 1)) for place, w in enumerate(found)]


TRIALS = st.sampled_from([None, "2026-07-31", "2027-04-30"])
EMPLOYERS = st.sampled_from([Classification(1, 85), Classification(4, 150), Classification(None, 100)])
POLICIES = st.fixed_dictionaries(
    {
        "ceiling": st.sampled_from(["capped", "whole"]),
        "shares": st.sampled_from(["on-the-refund", "on-the-pay"]),
    }
)
REFUNDS = st.builds(
    lambda absences, declared, trial, employer, policy: (
        absences,
        declared,
        due(
            LATEST,
            absences,
            declared,
            insured=affiliation("2024-01-01", trial=trial)
            if trial is None
            else affiliation("2026-06-15", trial=trial),
            employer=employer,
            policy=policy,
        ),
    ),
    histories(),
    wages(),
    TRIALS,
    EMPLOYERS,
    POLICIES,
)
Given = tuple[list[Declared], list[Wage], Refund | None]


@given(REFUNDS)
def test_no_more_than_the_pay_and_its_shares(found: Given) -> None:
    _, declared, refund = found
    if refund is None:
        return
    pay = sum(one.base_wage + one.supplements for one in declared)
    hours = sum(one.work_hours for one in declared)
    assert sum(part.hours for part in refund.parts) <= hours
    for part in refund.parts:
        assert 0 <= part.pay_refund <= part.pay_continued
        assert part.rate in (Decimal("0.80"), Decimal("1.00"))
        for branch, cents in part.shares.items():
            whole = Decimal(part.pay_continued).scaleb(-2) * Decimal(SHARES[branch.value])
            # The pay continued is rounded itself, so that a share of it may be a cent beside.
            assert 0 <= cents <= round_half_up(whole) + 1
        assert len(part.formula) <= 200
    assert sum(part.pay_continued for part in refund.parts) <= pay + len(refund.parts)


@given(REFUNDS)
def test_it_is_the_sum_of_its_parts_and_leaves_no_hour_out_of_sight(found: Given) -> None:
    absences, _, refund = found
    claimed = [one for one in absences if Period(one[1].year, one[1].month) == LATEST]
    if refund is None:
        assert not claimed
        return
    assert refund.total == sum(part.pay_refund + sum(part.shares.values()) for part in refund.parts)
    accounted = sum(part.hours for part in refund.parts) + sum(one.hours for one in refund.left_out)
    assert accounted == sum(hours for *_, hours in claimed)
    mentioned = {part.first for part in refund.parts} | {one.first for one in refund.left_out}
    assert mentioned == {first for _, first, _, _ in claimed}


def sick_days(absences: list[Declared], first: Period, last: Period) -> int:
    """Counted day by day, as a person would with a calendar."""
    day, count = first.first, 0
    while day <= last.last:
        count += any(kind == "1" and begin <= day <= end for kind, begin, end, _ in absences)
        day += timedelta(1)
    return count


@given(REFUNDS)
def test_no_sickness_is_refunded_after_the_month_of_the_77th_day(found: Given) -> None:
    absences, _, refund = found
    if refund is None:
        return
    before = sick_days(absences, LATEST.plus(-18), LATEST.plus(-1))
    refunded = [part for part in refund.parts if part.kind == "1"]
    left_out = [one for one in refund.left_out if one.reason is Reason.LIMIT]
    assert not (refunded and before >= 77)
    assert not (left_out and before < 77)


@given(REFUNDS)
def test_a_reversal_is_the_opposite_and_its_reversal_the_same(found: Given) -> None:
    _, _, refund = found
    if refund is None:
        return
    opposite = refund.reversed()
    assert opposite.total == -refund.total
    assert [part.hours for part in opposite.parts] == [-part.hours for part in refund.parts]
    assert opposite.reversed().parts == refund.parts
    assert [part.formula for part in opposite.parts] == [part.formula for part in refund.parts]


@given(histories(), wages(), st.randoms(use_true_random=False))
def test_the_order_of_declarations_and_what_is_older_do_not_matter(
    absences: list[Declared], declared: list[Wage], chance: object
) -> None:
    first = due(LATEST, absences, declared)
    recent = [one for one in absences if one[1] >= first_counted(LATEST).first]
    assert due(LATEST, recent[::-1], declared[::-1]) == first
    assert first_counted(LATEST) == LATEST.plus(-18)


@given(st.integers(1, 1_300_000), st.integers(1, 300), st.integers(1, 300))
def test_the_same_in_fractions(base_wage: int, declared: int, claimed: int) -> None:
    """The whole rule again, in one line, for a single sickness below the ceiling."""
    claimed = min(claimed, declared, 372)
    days: Declared = ("1", date(2026, 8, 1), date(2026, 8, 31), claimed)
    refund = due(LATEST, [days], [wage(LATEST, base_wage, declared)])
    assert refund is not None
    pay = Fraction(base_wage * claimed, declared) * Fraction(4, 5)
    shares = (Fraction(28, 1000), Fraction(25, 10_000), Fraction(85, 1000))
    assert refund.total == sum(int(pay * share + Fraction(1, 2)) for share in (1, *shares))


def test_the_rates_of_the_shares_are_those_of_the_month() -> None:
    rates = schedule_of(LATEST).rates
    assert {branch.value: str(rates[branch].value) for branch in rates if branch.value in SHARES} == SHARES
    assert rules_of().limit_days == 77
