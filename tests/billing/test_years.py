"""The calendar year of an insured: what is open, what is stated, and what is above the ceiling."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gateway.billing.annual import (
    AnnualStatement,
    ChargedMonth,
    DeclaredMonth,
    Open,
    Reason,
    Span,
    WorkerYear,
    annual_statement,
    days_of,
    due_by,
    joined,
    spans_of,
)
from gateway.billing.holds import Code, Hold
from gateway.billing.over_ceiling import Stage, over_ceiling, risen_in
from gateway.billing.statement import BranchSum
from gateway.contributions import (
    Classification,
    Group,
    Insurance,
    Month,
    NoParametersError,
    Pay,
    year,
)
from gateway.moments import Period, Received
from gateway.money import cents_of, euro, round_half_up
from gateway.pages import amount
from gateway.parameters import Branch
from gateway.registers import Affiliation
from gateway.returns.annual_page import spell, texts
from tests.house import EMPLOYER, INSURED, OTHER_EMPLOYER

NOW = Received(datetime(2026, 11, 30, 10, 0, tzinfo=UTC))
EMPLOYERS = (EMPLOYER, OTHER_EMPLOYER, "2099990003999")
NOBODY = (None, None)
CASES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "years.yaml").read_text())


def charged(calendar_year: int, first: int, last: int, wage: int, group: Group) -> tuple[ChargedMonth, ...]:
    """Months as the billing charges them: class 2, factor 0.85."""
    pay = Pay(base_wage=wage, hours=Decimal(173))
    months = [
        Month(Period(calendar_year, month), pay, Insurance(None, group)) for month in range(first, last + 1)
    ]
    return tuple(
        ChargedMonth(
            month.period,
            group,
            pay,
            tuple(
                BranchSum(line.branch, round_half_up(line.base), line.employee, line.employer)
                for line in due.lines
            ),
        )
        for month, due in zip(months, year(months, Classification(2, 85)), strict=True)
    )


def worker(
    calendar_year: int,
    first: int,
    last: int,
    wage: int,
    group: Group = Group.EMPLOYEE,
    employer: str = EMPLOYER,
) -> WorkerYear:
    """Whoever was insured, declared and charged from one month to another."""
    months = charged(calendar_year, first, last, wage, group)
    return WorkerYear(
        employer,
        INSURED,
        calendar_year,
        None,
        (Span(Period(calendar_year, first).first, Period(calendar_year, last).last),),
        {one.period: DeclaredMonth(wage, 173, counts=True, held=False) for one in months},
        months,
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["title"])
def test_the_year_above_the_ceiling(case: dict[str, Any]) -> None:
    assert case["origin"] and case["because"]
    group = Group(case.get("group", "employee"))
    workers = [
        worker(case["year"], first, last, cents_of(wage), group, employer)
        for employer, (first, last, wage) in zip(EMPLOYERS, case["employers"], strict=False)
    ]
    until = Period(case["year"], case.get("until", 12))
    found = over_ceiling(workers, NOBODY, until, NOW)
    if "none" in case:
        assert found is None
        return
    assert found is not None
    told = [
        [one.branch.value, euro(one.base), euro(one.ceiling), euro(one.above), euro(one.share), one.claim_at]
        for one in found.branches
    ]
    assert told == case["above"]
    assert found.share == sum(cents_of(row[4]) for row in case["above"])
    assert found.stage is (Stage.PROVISIONAL if "until" in case else Stage.CLOSED)


@given(
    st.integers(2020, 2025),
    st.lists(
        st.tuples(st.integers(1, 12), st.integers(1, 12), st.integers(1, 2_500_000)), min_size=1, max_size=3
    ),
    st.integers(1, 12),
)
def test_no_share_is_more_than_was_withheld_and_the_months_tell_the_year(
    calendar_year: int, given_: list[tuple[int, int, int]], month: int
) -> None:
    workers = [
        worker(calendar_year, min(first, last), max(first, last), wage, employer=employer)
        for employer, (first, last, wage) in zip(EMPLOYERS, given_, strict=False)
    ]
    until = Period(calendar_year, month)
    found = over_ceiling(workers, NOBODY, until, NOW)
    withheld = {
        branch: sum(
            line.employee
            for one in workers
            for charge in one.charged
            if charge.period <= until
            for line in charge.lines
            if line.branch is branch
        )
        for branch in Branch
    }
    for above in found.branches if found else ():
        assert 0 <= above.share <= withheld[above.branch]
        assert above.above > 0
    if len(workers) == 1:
        assert found is None
    risen = risen_in(workers, NOBODY, until, NOW)
    assert risen is None or risen == found


def test_a_month_is_told_once_it_adds_to_what_is_above_and_not_again() -> None:
    workers = [worker(2024, 1, 12, 800000), worker(2024, 4, 6, 800000, employer=OTHER_EMPLOYER)]
    told = [month for month in range(1, 13) if risen_in(workers, NOBODY, Period(2024, month), NOW)]
    # By the end of March 14,563.92 of the ceilings are unused; each month of both uses 3,145.36 of that.
    assert told == []
    more = [worker(2024, 1, 12, 1200000), worker(2024, 4, 6, 800000, employer=OTHER_EMPLOYER)]
    told = [month for month in range(1, 13) if risen_in(more, NOBODY, Period(2024, month), NOW)]
    assert told == [4, 5, 6]


def test_a_year_with_something_open_is_provisional_and_one_that_runs_too() -> None:
    workers = [worker(2024, 1, 12, 900000), worker(2024, 1, 12, 900000, employer=OTHER_EMPLOYER)]
    december = Period(2024, 12)

    def stage(workers: list[WorkerYear], now: Received) -> Stage:
        found = over_ceiling(workers, NOBODY, december, now)
        assert found is not None
        return found.stage

    assert stage(workers, NOW) is Stage.CLOSED
    assert stage(workers, Received(datetime(2025, 1, 31, tzinfo=UTC))) is Stage.PROVISIONAL
    held = {**workers[0].declared, december: DeclaredMonth(900000, 173, counts=True, held=True)}
    assert stage([replace(workers[0], declared=held), workers[1]], NOW) is Stage.PROVISIONAL


def test_a_year_before_all_parameters_is_refused() -> None:
    workers = [worker(2020, 1, 1, 900000), worker(2020, 1, 1, 900000, employer=OTHER_EMPLOYER)]
    moved = [
        replace(one, charged=tuple(each._replace(period=Period(2012, 1)) for each in one.charged))
        for one in workers
    ]
    with pytest.raises(NoParametersError, match="2012-01"):
        over_ceiling(moved, NOBODY, Period(2012, 12), NOW)


JANUARY = Period(2025, 1)
LATER = Period(2025, 12)


def january(
    declared: DeclaredMonth | None, pay: int | None, *holds: Hold, insured: bool = True
) -> tuple[Open, ...]:
    """What is open of a January, by what was declared and charged."""
    months = () if pay is None else charged(2025, 1, 1, pay, Group.EMPLOYEE)
    return WorkerYear(
        EMPLOYER,
        INSURED,
        2025,
        None,
        (Span(JANUARY.first, JANUARY.last),) if insured else (),
        {} if declared is None else {JANUARY: declared},
        months,
        holds,
    ).open(LATER)


def counts(pay: int, hours: int = 173, held: bool = False) -> DeclaredMonth:
    return DeclaredMonth(pay, hours, counts=True, held=held)


def hold(code: Code, period: Period = JANUARY, insured: str = INSURED) -> Hold:
    return Hold(code, EMPLOYER, period, insured)


@pytest.mark.parametrize(
    ("found", "reason", "code"),
    [
        (january(counts(300000), 300000), None, None),
        (january(None, None, insured=False), None, None),
        (january(None, None), Reason.MISSING, None),
        (january(DeclaredMonth(0, 0, counts=False, held=True), None), Reason.HELD, None),
        (january(counts(300000, held=True), 300000), Reason.HELD, None),
        (january(counts(300000), None), Reason.UNCHARGED, None),
        (january(counts(0, 0), None), Reason.UNCHARGED, None),
        (
            january(counts(300000), None, hold(Code.CLASSIFICATION, Period(2025, 1), "")),
            Reason.UNCHARGED,
            "BILL-CLASS",
        ),
        (
            january(counts(500000), 300000, hold(Code.AFFILIATION)),
            Reason.UNCHARGED,
            "BILL-AFFILIATION",
        ),
        (january(counts(300001), 300000), Reason.UNCORRECTED, None),
        (january(counts(300000, 172), 300000), Reason.UNCORRECTED, None),
        (january(None, 300000), Reason.UNCORRECTED, None),
        (january(counts(300001), 300000, hold(Code.PRESCRIBED)), Reason.PRESCRIBED, "BILL-PRESCRIBED"),
        (january(counts(300001), 300000, hold(Code.INCAPACITY)), Reason.UNCORRECTED, None),
        (january(counts(300001), 300000, hold(Code.PRESCRIBED, Period(2025, 2))), Reason.UNCORRECTED, None),
        (january(counts(300001), 300000, hold(Code.PRESCRIBED, insured="1")), Reason.UNCORRECTED, None),
    ],
)
def test_why_a_month_is_open(found: tuple[Open, ...], reason: Reason | None, code: str | None) -> None:
    assert [(one.period, one.reason, one.code) for one in found] == (
        [] if reason is None else [(JANUARY, reason, code)]
    )


def test_months_that_need_not_be_charged_yet_are_not_open() -> None:
    one = replace(worker(2026, 1, 12, 300000), charged=charged(2026, 1, 6, 300000, Group.EMPLOYEE))
    assert due_by(NOW.day) == Period(2026, 9)
    assert [(left.period.month, left.reason) for left in one.open(due_by(NOW.day))] == [
        (month, "uncharged") for month in (7, 8, 9)
    ]


days = st.dates(date(2025, 1, 1), date(2025, 12, 31))
spans = st.lists(st.tuples(days, days).map(lambda pair: Span(*sorted(pair))), max_size=8)


@given(spans)
def test_joined_spans_hold_the_same_days_each_once(found: list[Span]) -> None:
    def each(spans: list[Span]) -> set[int]:
        return {day for one in spans for day in range(one.first.toordinal(), one.last.toordinal() + 1)}

    together = joined(found)
    assert each(list(together)) == each(found)
    assert days_of(together) == len(each(found))
    assert all(one.last.toordinal() + 1 < other.first.toordinal() for one, other in pairwise(together))


def test_spans_end_with_the_year() -> None:
    def affiliated(first: date, last: date | None) -> Affiliation:
        return Affiliation(EMPLOYER, INSURED, first, last, "I", "03")

    many = [affiliated(date(2020, 1, 1), date(2025, 2, 1)), affiliated(date(2025, 12, 31), None)]
    many.append(affiliated(date(2026, 1, 1), None))
    assert spans_of(many, 2025) == (
        (date(2025, 1, 1), date(2025, 2, 1)),
        (date(2025, 12, 31), date(2025, 12, 31)),
    )
    assert spans_of(many, 2019) == ()


def test_several_employers_share_days_and_add_up_money() -> None:
    workers = [worker(2025, 1, 6, 300000), worker(2025, 4, 12, 200000, employer=OTHER_EMPLOYER)]
    found = annual_statement(workers, ("MUSTER", "ANNA"), NOW)
    assert found is not None
    assert (found.days, found.months_insured) == (365, 12)
    assert found.pay == 6 * 300000 + 9 * 200000
    assert found.hours == 15 * 173
    assert found.employee_total == sum(one.employee_total for one in found.employers) > 0
    assert sum(line.base for line in found.employers[0].branches if line.branch is Branch.CARE) == 1800000


@given(st.dates(date(2026, 1, 1), date(2027, 12, 31)))
def test_there_are_three_months_to_claim(issued: date) -> None:
    until = AnnualStatement(INSURED, 2025, issued, None, None, ()).claim_until
    assert (until.year * 12 + until.month) - (issued.year * 12 + issued.month) == 3
    assert until.day == issued.day or (
        until.day < issued.day and Period(until.year, until.month).last == until
    )


def test_nothing_is_stated_to_somebody_with_a_wage_on_hold_alone() -> None:
    one = WorkerYear(
        EMPLOYER, INSURED, 2025, None, (), {JANUARY: DeclaredMonth(0, 0, counts=False, held=True)}, ()
    )
    assert annual_statement([one], NOBODY, NOW) is None


@pytest.mark.parametrize("language", ["fr", "de", "en"])
def test_the_page_has_every_reason_in_each_language(language: str) -> None:
    reasons = texts(language)["reasons"]
    assert set(reasons) == {reason.value for reason in Reason}
    assert texts(language).keys() == texts("en").keys()


def test_the_page_names_every_month_and_sum() -> None:
    workers = [worker(2025, 1, 6, 300000), worker(2025, 4, 12, 200000, employer=OTHER_EMPLOYER)]
    found = annual_statement(workers, ("MUSTER", "ANNA"), NOW)
    assert found is not None
    said: dict[str, Any] = spell(found, "fr", digest="0" * 64, test=False)
    assert [len(one["months"]) for one in said["employers"]] == [6, 9]
    assert said["everything"]["sums"][1] == amount(found.pay)
    assert (said["person"], said["claim"][1]) == ("ANNA MUSTER", "28.02.2027")
    alone = annual_statement(workers[:1], NOBODY, NOW)
    assert alone is not None
    assert spell(alone, "fr", digest="", test=False)["everything"] is None
