"""Statements: sums to the cent, part-periods, pupils, minors, days of issue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.billing import AccountStatement, BranchSum, Direction, Invoice, Payee, PolicyNote
from gateway.billing.charges import Change, cases, charge_year, months_insured
from gateway.billing.holds import Code, Hold
from gateway.billing.settlement import Account, Occasion
from gateway.billing.settlement import invoice as settle
from gateway.billing.statement import Cause, Declared
from gateway.contributions import Allowance, Ceiling, Classification, Group, Policy, Rounding
from gateway.matricule import is_employer, is_person, person_number
from gateway.moments import Period, Received
from gateway.parameters import Branch, law
from gateway.registers import Affiliation, Wage, WageKey

JULY = Period(2026, 7)
ISSUED = datetime(2026, 9, 14, 9, 0, tzinfo=UTC)
EMPLOYER = "2099990001299"
NAME = "Boulangerie du Moulin S.à r.l."
CLASSES = Classification(2, 85)
PAYEE = Payee("Centre commun fictif", "LU459990000000004712", "TESTLUL0XXX")
ANNA, BORIS, CLARA = (person_number(date(1893, 1, day), 57) for day in (20, 21, 22))

# Of the age of a minor, and for that reason with check digits that no person has.
MINOR = "2010011600000"


def wage(
    insured: str = ANNA,
    *,
    days: tuple[int, int] = (1, 31),
    base_wage: int = 0,
    work_hours: int = 0,
    supplements: int = 0,
    overtime_pay: int = 0,
    gratuities: int = 0,
    unemployment_pay: int = 0,
    inactive_hours: int = 0,
    period: Period = JULY,
) -> Wage:
    return Wage(
        key=WageKey(EMPLOYER, insured, period, *days),
        deposit=1,
        record=1,
        base_wage=base_wage,
        work_hours=work_hours,
        supplements=supplements,
        overtime_pay=overtime_pay,
        overtime_hours=0,
        gratuities=gratuities,
        unemployment_pay=unemployment_pay,
        inactive_hours=inactive_hours,
        non_pensionable=0,
        capped=False,
        reference=None,
    )


def affiliated(
    insured: str, contract: str = "I", entry: date = date(2020, 1, 1), last: date | None = None
) -> Affiliation:
    return Affiliation(EMPLOYER, insured, entry, last, contract, "01")


def of(affiliations: Sequence[Affiliation], wages: Sequence[Wage]) -> Mapping[str, Sequence[Affiliation]]:
    """The affiliations by insured; whoever has a wage and none is a permanent employee."""
    found: dict[str, list[Affiliation]] = {}
    for affiliation in affiliations:
        found.setdefault(affiliation.insured, []).append(affiliation)
    for one in wages:
        found.setdefault(one.key.insured, [affiliated(one.key.insured)])
    return found


def invoice(
    *wages: Wage,
    affiliations: Sequence[Affiliation] = (),
    period: Period = JULY,
    policy: Policy = Policy(),  # noqa: B008 - a value
    at: datetime = ISSUED,
    previous_balance: int = 0,
) -> Invoice:
    """The statement of one month, charged for the first time."""
    now = Received(at)
    known = of(affiliations, wages)
    found, held = cases(wages, known, now.day)
    assert not held
    changes = [
        Change((Cause.LATE,), None, charge)
        for insured in sorted({key.insured for key in found})
        for charge in charge_year(
            [case for key, case in found.items() if key.insured == insured],
            months_insured(known[insured], period.year),
            CLASSES,
            policy,
            now.day,
        )
    ]
    occasion = Occasion(1, EMPLOYER, NAME, CLASSES, period, now, policy)
    declared = Declared("a deposit", "a digest", 1)
    return settle(
        occasion, changes, [], Account(previous_balance, [], PAYEE), lambda keys: (declared,) * len(keys)
    )


def test_the_people_of_these_tests_are_made_up() -> None:
    assert is_employer(EMPLOYER)
    assert all(is_person(number) for number in (ANNA, BORIS, CLARA))
    assert not is_person(MINOR)


def test_illustration_a_becomes_a_calculation_and_a_statement() -> None:
    made = invoice(wage(base_wage=381_240, work_hours=173), affiliations=[affiliated(ANNA)])
    calculation, statement = made.calculation, made.statement
    assert (calculation.employer, calculation.period, calculation.computed_in, calculation.statement) == (
        EMPLOYER,
        JULY,
        Period(2026, 9),
        "202607-0000001",
    )
    (anna,) = calculation.insured
    assert (anna.insured, anna.hours, anna.pay, anna.total) == (ANNA, 173, 381_240, 98_695)
    accident = anna.lines[4]
    assert (accident.branch, accident.base, accident.rate, accident.employee, accident.employer) == (
        Branch.ACCIDENT,
        381_240,
        Decimal("0.005525"),
        0,
        2_106,
    )
    assert (accident.institution, accident.source) == ("AAA", "fedil-2026-01, open-2026 (2026-01-01)")
    assert statement.branches == (
        BranchSum(Branch.CARE, 381_240, 10_675, 10_675),
        BranchSum(Branch.CASH, 381_240, 953, 953),
        BranchSum(Branch.PENSION, 381_240, 32_405, 32_405),
        BranchSum(Branch.DEPENDENCY, 311_957, 4_367, 0),
        BranchSum(Branch.ACCIDENT, 381_240, 0, 2_106),
        BranchSum(Branch.MDE, 381_240, 0, 3_622),
        BranchSum(Branch.HEALTH_AT_WORK, 381_240, 0, 534),
    )
    assert {share.institution: share.amount for share in statement.distribution} == {
        "CNS": 10_675 * 2 + 953 * 2 + 4_367,
        "CNAP": 64_810,
        "AAA": 2_106,
        "MDE": 3_622,
        "STM": 534,
    }
    assert (statement.employee_total, statement.employer_total, statement.contributions) == (
        48_400,
        50_295,
        98_695,
    )
    assert (statement.previous_balance, statement.balance, statement.direction) == (
        0,
        98_695,
        Direction.DEBIT,
    )
    assert (statement.number, statement.employer, statement.name, statement.period) == (
        "202607-0000001",
        EMPLOYER,
        NAME,
        JULY,
    )
    assert (statement.issued, statement.due) == (date(2026, 9, 14), date(2026, 9, 24))
    assert statement.policy == PolicyNote(
        law().version, date(2026, 9, 14), "line-and-side+apart+cumulative+unrounded"
    )
    assert anna.group is Group.EMPLOYEE
    assert accident.formula == "3812.40 × 0.65 % × 0.85"


PRIVATE = [branch for branch in Branch if branch is not Branch.FAMILY_BENEFITS]
AMOUNTS = st.integers(0, 2_000_000)
WAGES = st.lists(
    st.builds(
        wage,
        st.sampled_from([ANNA, BORIS, CLARA]),
        days=st.sampled_from([(1, 31), (1, 15), (16, 31), (5, 5)]),
        base_wage=AMOUNTS,
        work_hours=st.integers(0, 200),
        supplements=AMOUNTS,
        overtime_pay=AMOUNTS,
        gratuities=AMOUNTS,
        unemployment_pay=AMOUNTS,
        inactive_hours=st.integers(0, 172),
    ),
    max_size=8,
)
CONTRACTS = st.sampled_from("IE")


@given(WAGES, CONTRACTS, CONTRACTS)
def test_all_sums_agree_to_the_cent(wages: list[Wage], of_anna: str, of_boris: str) -> None:
    affiliations = [affiliated(ANNA, of_anna), affiliated(BORIS, of_boris)]
    made = invoice(*wages, affiliations=affiliations)
    calculation, statement = made.calculation, made.statement
    lines = [line for result in calculation.insured for line in result.lines]
    assert [branch.branch for branch in statement.branches] == PRIVATE
    for branch in statement.branches:
        mine = [line for line in lines if line.branch is branch.branch]
        assert branch.base == sum(line.base for line in mine)
        assert branch.employee == sum(line.employee for line in mine)
        assert branch.employer == sum(line.employer for line in mine)
        assert branch.total == sum(line.total for line in mine)
    assert statement.employee_total == calculation.employee_total == sum(line.employee for line in lines)
    assert statement.employer_total == calculation.employer_total == sum(line.employer for line in lines)
    assert statement.contributions == calculation.total == sum(result.total for result in calculation.insured)
    assert sum(share.amount for share in statement.distribution) == statement.contributions
    for share in statement.distribution:
        assert share.amount == sum(line.total for line in lines if line.institution == share.institution)
    paid = sum(
        w.base_wage + w.supplements + w.overtime_pay + w.gratuities + w.unemployment_pay for w in wages
    )
    assert sum(result.pay for result in calculation.insured) == paid


@given(WAGES.flatmap(lambda wages: st.tuples(st.just(wages), st.permutations(wages))))
def test_the_order_of_the_wages_changes_nothing(orders: tuple[list[Wage], list[Wage]]) -> None:
    one, other = orders
    assert invoice(*one) == invoice(*other)


def test_part_periods_of_one_insured_are_charged_together() -> None:
    """Two halves of 86 and 87 hours are a full month: one floor, one allowance."""
    parts = invoice(
        wage(days=(1, 15), base_wage=100_000, work_hours=86),
        wage(days=(16, 31), base_wage=281_240, work_hours=87),
    )
    whole = invoice(wage(base_wage=381_240, work_hours=173))
    assert parts.statement == whole.statement
    assert [one.lines for one in parts.calculation.insured] == [
        one.lines for one in whole.calculation.insured
    ]
    assert [len(one.declared) for one in parts.calculation.insured] == [2]


def test_inactive_hours_count_as_hours() -> None:
    made = invoice(wage(base_wage=100_000, work_hours=100, unemployment_pay=100_000, inactive_hours=73))
    (anna,) = made.calculation.insured
    assert (anna.hours, anna.pay) == (173, 200_000)
    assert anna.lines[0].base == 277_133


def test_a_pupil_is_charged_accident_insurance_only() -> None:
    made = invoice(
        wage(base_wage=90_000, work_hours=100), affiliations=[affiliated(ANNA, "E", date(2026, 7, 1))]
    )
    (anna,) = made.calculation.insured
    assert [line.branch for line in anna.lines] == [Branch.ACCIDENT]
    assert made.statement.contributions == anna.total == 497
    assert [share.amount for share in made.statement.distribution] == [0, 0, 497, 0, 0]


def test_a_pupil_who_becomes_an_employee_has_two_results() -> None:
    contracts = [
        affiliated(ANNA, "E", date(2026, 7, 1), date(2026, 7, 15)),
        affiliated(ANNA, "I", date(2026, 7, 16)),
    ]
    made = invoice(
        wage(days=(1, 15), base_wage=90_000, work_hours=80),
        wage(days=(16, 31), base_wage=150_000, work_hours=80),
        affiliations=contracts,
    )
    employee, pupil = made.calculation.insured
    assert (employee.insured, employee.pay, len(employee.lines)) == (ANNA, 150_000, 7)
    assert (pupil.insured, pupil.pay, len(pupil.lines)) == (ANNA, 90_000, 1)


def test_a_wage_of_days_under_both_contracts_is_an_employees() -> None:
    contracts = [
        affiliated(ANNA, "E", date(2026, 7, 1), date(2026, 7, 15)),
        affiliated(ANNA, "I", date(2026, 7, 16)),
    ]
    made = invoice(wage(base_wage=90_000, work_hours=80), affiliations=contracts)
    assert [len(result.lines) for result in made.calculation.insured] == [7]


def test_a_wage_on_no_insured_day_is_held_and_not_charged() -> None:
    past = affiliated(ANNA, "E", date(2025, 7, 1), date(2025, 8, 31))
    found, held = cases([wage(base_wage=90_000, work_hours=80)], {ANNA: [past]}, ISSUED.date())
    assert (found, held) == ({}, [Hold(Code.AFFILIATION, EMPLOYER, JULY, ANNA)])


@pytest.mark.parametrize(
    ("period", "floor"),
    [
        (Period(2026, 12), 207_849),
        (Period(2027, 1), 207_849),
        (Period(2027, 2), 221_706),
        (Period(2028, 1), 221_706),
        (Period(2028, 2), 277_133),
    ],
    ids=str,
)
def test_a_minor_has_the_floor_of_the_age_on_the_first_of_the_month(period: Period, floor: int) -> None:
    """Born on 16 January 2010: 17 years old on 1 February 2027, 18 on 1 February 2028."""
    made = invoice(wage(MINOR, work_hours=173, period=period), period=period)
    (minor,) = made.calculation.insured
    assert minor.lines[0].base == floor


@pytest.mark.parametrize(
    ("period", "floor"), [(Period(2027, 1), 207_849), (Period(2027, 2), 221_706)], ids=str
)
def test_a_birthday_on_the_first_of_the_month_counts(period: Period, floor: int) -> None:
    made = invoice(wage("2010020100000", work_hours=173, period=period), period=period)
    assert made.calculation.insured[0].lines[0].base == floor


def test_an_unknown_birth_date_has_the_floor_of_an_adult() -> None:
    made = invoice(wage("2020000000000", work_hours=173))
    assert made.calculation.insured[0].lines[0].base == 277_133


@pytest.mark.parametrize(
    ("at", "issued", "due", "computed_in"),
    [
        (datetime(2026, 9, 30, 21, 59, tzinfo=UTC), date(2026, 9, 30), date(2026, 10, 10), Period(2026, 9)),
        (datetime(2026, 9, 30, 22, 0, tzinfo=UTC), date(2026, 10, 1), date(2026, 10, 11), Period(2026, 10)),
        (datetime(2026, 12, 31, 23, 0, tzinfo=UTC), date(2027, 1, 1), date(2027, 1, 11), Period(2027, 1)),
    ],
)
def test_days_are_those_of_luxembourg_and_due_ten_days_later(
    at: datetime, issued: date, due: date, computed_in: Period
) -> None:
    made = invoice(at=at)
    assert (made.statement.issued, made.statement.due) == (issued, due)
    assert made.calculation.computed_in == computed_in


def test_an_employer_without_wages_owes_nothing() -> None:
    made = invoice()
    assert made.calculation.insured == ()
    assert (made.statement.contributions, made.statement.balance) == (0, 0)
    assert len(made.statement.branches) == 7
    assert [share.institution for share in made.statement.distribution] == [
        "CNS",
        "CNAP",
        "AAA",
        "MDE",
        "STM",
    ]


def test_insured_stand_in_the_order_of_their_matricules() -> None:
    made = invoice(wage(CLARA), wage(ANNA), wage(BORIS))
    assert [result.insured for result in made.calculation.insured] == [ANNA, BORIS, CLARA]


def test_each_period_has_its_own_parameters() -> None:
    made = invoice(wage(base_wage=381_240, work_hours=173, period=Period(2025, 12)), period=Period(2025, 12))
    pension = made.statement.branches[2]
    assert (pension.branch, pension.employee) == (Branch.PENSION, 30_499)


def test_the_statement_quotes_the_policy_it_was_computed_with() -> None:
    policy = Policy(Rounding.LINE, ceiling=Ceiling.MONTHLY, allowance=Allowance.ROUNDED)
    made = invoice(wage(base_wage=125), policy=policy)
    assert made.statement.policy.name == policy.name
    care = made.statement.branches[0]
    assert (care.employee, care.employer) == (4, 3)


def statement_with(previous_balance: int) -> AccountStatement:
    return replace(
        invoice(wage(base_wage=381_240, work_hours=173)).statement, previous_balance=previous_balance
    )


@pytest.mark.parametrize(
    ("previous", "balance", "direction"),
    [
        (1_305, 100_000, Direction.DEBIT),
        (-98_695, 0, Direction.DEBIT),
        (-98_696, -1, Direction.CREDIT),
    ],
)
def test_the_balance_adds_what_was_left(previous: int, balance: int, direction: Direction) -> None:
    statement = statement_with(previous)
    assert (statement.balance, statement.direction) == (balance, direction)


def test_a_month_without_parameters_is_held() -> None:
    found, held = cases(
        [wage(period=Period(2019, 12))], {ANNA: [affiliated(ANNA, entry=date(2019, 1, 1))]}, ISSUED.date()
    )
    assert (found, held) == ({}, [Hold(Code.PARAMETERS, EMPLOYER, Period(2019, 12), ANNA)])
