"""DECSAL over several deposits: replacing, holding, releasing, expiring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.matricule import person_number
from gateway.memory import MemoryAffiliations, MemoryEmployers, MemoryWages
from gateway.moments import Period, Received
from gateway.outcome import Outcome
from gateway.procedures import procedure
from gateway.procedures.declaration.decsal import handle, record_of
from gateway.procedures.declaration.held import expired
from gateway.procedures.held import waits_until
from gateway.registers import Affiliation, Employer, Registers, Wage, WageKey, WageState
from tests.procedures.vector_files import WORLDS

WORLD = WORLDS["DECSAL"]
GOOD: Mapping[str, str] = WORLD.content["good"]
EMPLOYER, INSURED = GOOD["Employer"], GOOD["Insured"]
STRANGER = "1899010100188"
JULY = Period(2026, 7)


def deposit(registers: Registers, number: int, *changes: Mapping[str, str]) -> Outcome:
    """Handle a deposit of good records, changed."""
    batch = WORLD.batch(*({**GOOD, **change} for change in changes))
    return handle(batch, WORLD.context(registers, number))


def states(registers: Registers) -> dict[tuple[int, int], WageState]:
    """What has become of each wage, by deposit and base wage in whole euro."""
    assert isinstance(registers.wages, MemoryWages)
    return {(wage.deposit, wage.base_wage // 100): state for wage, state in registers.wages.all()}


def declare(registers: Registers, number: int, **fields: str) -> Outcome:
    """Handle a DECAFF for the pair of a held wage."""
    world = WORLDS["DECAFF"]
    record = {**world.content["good"], "Insured": STRANGER, **fields}
    return procedure("DECAFF").handle(world.batch(record), world.context(registers, number))


# Replacing


def test_a_later_declaration_replaces_an_earlier_one() -> None:
    registers = WORLD.registers()
    deposit(registers, 1, {"BaseWage": "3000.00"})
    outcome = deposit(registers, 2, {"BaseWage": "3100.00"})
    assert outcome.accepted == 1
    assert states(registers) == {(1, 3000): WageState.SUPERSEDED, (2, 3100): WageState.CURRENT}


def test_a_deposit_received_earlier_but_handled_later_does_not_count() -> None:
    registers = WORLD.registers()
    deposit(registers, 2, {"BaseWage": "3100.00"})
    outcome = deposit(registers, 1, {"BaseWage": "3000.00"})
    assert (outcome.accepted, outcome.held, outcome.rejected) == (1, 0, 0)
    assert states(registers) == {(1, 3000): WageState.SUPERSEDED, (2, 3100): WageState.CURRENT}


def test_three_deposits_in_any_order_leave_the_last_one_standing() -> None:
    for order in ((1, 2, 3), (1, 3, 2), (2, 1, 3), (2, 3, 1), (3, 1, 2), (3, 2, 1)):
        registers = WORLD.registers()
        for number in order:
            deposit(registers, number, {"BaseWage": f"300{number}.00"})
        current = [place for place, state in states(registers).items() if state is WageState.CURRENT]
        assert current == [(3, 3003)]


def test_other_days_and_other_periods_are_other_wages() -> None:
    registers = WORLD.registers()
    deposit(registers, 1, {"BaseWage": "3000.00"})
    deposit(registers, 2, {"BaseWage": "3001.00", "LastDay": "30"})
    deposit(registers, 3, {"BaseWage": "3002.00", "Period": "2026-06"})
    assert set(states(registers).values()) == {WageState.CURRENT}


def test_the_whole_month_is_the_same_with_or_without_its_days() -> None:
    registers = WORLD.registers()
    deposit(registers, 1, {"BaseWage": "3000.00"})
    deposit(registers, 2, {"BaseWage": "3001.00", "FirstDay": "01", "LastDay": "31"})
    assert states(registers)[1, 3000] is WageState.SUPERSEDED


def test_a_refused_record_replaces_nothing() -> None:
    registers = WORLD.registers()
    deposit(registers, 1, {"BaseWage": "3000.00"})
    deposit(registers, 2, {"BaseWage": "3001.00", "OvertimeHours": "1"})
    deposit(registers, 3, {"BaseWage": "3002.00"}, {"BaseWage": "3003.00"})
    assert states(registers) == {(1, 3000): WageState.CURRENT}


def test_a_held_wage_is_replaced_and_not_released() -> None:
    registers = WORLD.registers()
    deposit(registers, 1, {"Insured": STRANGER, "BaseWage": "3000.00"})
    deposit(registers, 2, {"Insured": STRANGER, "BaseWage": "3001.00"})
    declare(registers, 3, Entry="2026-07-01")
    assert states(registers) == {(1, 3000): WageState.SUPERSEDED, (2, 3001): WageState.CURRENT}


def test_a_household_is_refused_for_the_years_in_which_it_is_one() -> None:
    registers = replace(
        WORLD.registers(),
        employers=MemoryEmployers(
            [
                (2025, Employer(EMPLOYER, "Example", 1, 85, household=True)),
                (2026, Employer(EMPLOYER, "Example", 1, 85)),
            ]
        ),
    )
    outcome = deposit(registers, 1, {"Period": "2025-12"}, {"Period": "2026-01"})
    assert [(one.record.number, one.anomalies[0].code) for one in outcome.refusals] == [(1, "SALRET-2")]


# Holding and releasing


def test_a_wage_is_held_until_an_entry_insures_one_of_its_days() -> None:
    registers = WORLD.registers()
    assert deposit(registers, 1, {"Insured": STRANGER}).held == 1
    assert declare(registers, 2, Entry="2026-08-01").accepted == 1
    assert states(registers) == {(1, 3812): WageState.HELD}
    change = {"Kind": "change", "Entry": "2026-07-31", "PreviousEntry": "2026-08-01"}
    assert declare(registers, 3, **change).accepted == 1
    assert states(registers) == {(1, 3812): WageState.CURRENT}


def test_an_entry_releases_only_the_wages_of_its_days() -> None:
    registers = WORLD.registers()
    early = {"Insured": STRANGER, "BaseWage": "1000.00", "LastDay": "10"}
    late = {"Insured": STRANGER, "BaseWage": "2000.00", "FirstDay": "11"}
    assert deposit(registers, 1, early, late).held == 2
    declare(registers, 2, Entry="2026-07-11")
    assert states(registers) == {(1, 1000): WageState.HELD, (1, 2000): WageState.CURRENT}


def test_an_entry_that_is_cancelled_in_the_same_file_releases_nothing() -> None:
    registers = WORLD.registers()
    deposit(registers, 1, {"Insured": STRANGER})
    world = WORLDS["DECAFF"]
    entry = {**world.content["good"], "Insured": STRANGER, "Entry": "2026-07-01"}
    cancellation = {
        "Kind": "cancellation",
        "Employer": EMPLOYER,
        "Insured": STRANGER,
        "PreviousEntry": "2026-07-01",
    }
    outcome = procedure("DECAFF").handle(world.batch(entry, cancellation), world.context(registers, 2))
    assert outcome.accepted == 2
    assert states(registers) == {(1, 3812): WageState.HELD}


def test_a_refused_entry_releases_nothing() -> None:
    registers = WORLD.registers()
    deposit(registers, 1, {"Insured": STRANGER})
    assert declare(registers, 2, Entry="2026-07-01", OccupationCode="9999").rejected == 1
    assert states(registers) == {(1, 3812): WageState.HELD}


def test_an_affiliation_with_another_employer_does_not_count() -> None:
    registers = WORLD.registers()
    other = Affiliation("2099990003999", STRANGER, date(2020, 1, 1), None, "I", "03")
    registers.affiliations.open(other)
    assert deposit(registers, 1, {"Insured": STRANGER}).held == 1


# Expiring


@pytest.mark.parametrize(
    ("received", "last_day"),
    [
        ("2026-08-03T09:15:00Z", date(2026, 9, 3)),
        ("2026-01-31T12:00:00Z", date(2026, 2, 28)),
        ("2028-01-31T12:00:00Z", date(2028, 2, 29)),
        ("2026-02-28T12:00:00Z", date(2026, 3, 28)),
        ("2026-12-31T12:00:00Z", date(2027, 1, 31)),
        # Just after midnight in Luxembourg, still the day before in UTC.
        ("2026-05-30T22:30:00Z", date(2026, 6, 30)),
    ],
)
def test_a_wage_waits_until_the_same_day_of_the_next_month(received: str, last_day: date) -> None:
    assert waits_until(Received.parse(received)) == last_day


def test_refusals_after_a_month_are_given_by_deposit_in_the_order_of_records() -> None:
    registers = WORLD.registers()
    strangers = [{"Insured": person_number(date(1898, 1, 1), serial)} for serial in (1, 2, 3)]
    deposit(registers, 4, *strangers[:2], {})
    deposit(registers, 5, strangers[2])
    pairs = [(EMPLOYER, stranger["Insured"]) for stranger in strangers]
    received = {4: Received.parse("2026-08-03T09:15:00Z"), 5: Received.parse("2026-08-04T09:15:00Z")}
    waiting = [(wage, received[wage.deposit]) for wage in reversed(registers.wages.held(pairs))]
    assert expired(waiting, Received.parse("2026-09-03T21:59:59Z")) == {}
    (first,) = expired(waiting, Received.parse("2026-09-03T22:00:00Z")).items()
    assert (first[0], [one.record.number for one in first[1]]) == (4, [1, 2])
    assert [anomaly.code for one in first[1] for anomaly in one.anomalies] == ["SALRET-14", "SALRET-14"]
    assert list(expired(waiting, Received.parse("2026-12-01T00:00:00Z"))) == [4, 5]


def test_an_expired_wage_comes_back_as_it_was_declared() -> None:
    registers = WORLD.registers()
    fields = {
        **GOOD,
        "Insured": STRANGER,
        "Gratuities": "10.00",
        "LastDay": "30",
        "FirstDay": "02",
        "Reference": "R",
    }
    deposit(registers, 1, fields)
    (wage,) = registers.wages.held([(EMPLOYER, STRANGER)])
    assert record_of(wage).fields == fields


cents = st.integers(0, 999_999_999_99)


@st.composite
def wages(draw: st.DrawFn) -> Wage:
    period = Period(draw(st.integers(2019, 2026)), draw(st.integers(1, 6)))
    last = draw(st.integers(1, period.last.day))
    civil_servant = person_number(date(1895, 2, 28), 12)
    return Wage(
        key=WageKey(EMPLOYER, civil_servant, period, draw(st.integers(1, last)), last),
        deposit=1,
        record=1,
        base_wage=draw(cents),
        work_hours=draw(st.integers(0, 180)),
        supplements=draw(cents),
        overtime_pay=draw(cents.filter(bool)),
        overtime_hours=draw(st.integers(0, 99_999)),
        gratuities=draw(cents),
        unemployment_pay=draw(cents.filter(bool)),
        inactive_hours=draw(st.integers(0, 180)),
        non_pensionable=draw(cents),
        capped=False,
        reference=draw(st.none() | st.text("ABC 123-/", min_size=1, max_size=40)),
    )


@settings(deadline=None)
@given(wages())
def test_a_wage_survives_being_written_as_a_record_and_handled(wage: Wage) -> None:
    affiliations = MemoryAffiliations()
    affiliations.open(Affiliation(EMPLOYER, wage.key.insured, date(2018, 1, 1), None, "I", "10"))
    registers = replace(WORLD.registers(), affiliations=affiliations)
    outcome = handle(WORLD.batch(record_of(wage).fields), WORLD.context(registers))
    assert outcome.accepted == 1
    assert isinstance(registers.wages, MemoryWages)
    assert list(registers.wages.all()) == [(wage, WageState.CURRENT)]
