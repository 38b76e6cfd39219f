"""What cannot be charged is held by name, stays held while it is so, and is charged once it is mended."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from adapters.billing import BillingRun, Held, Issued
from adapters.database.members import Members
from gateway.billing.holds import Code
from gateway.contributions import Policy
from gateway.moments import Period
from gateway.registers import Wage, WageKey
from tests.billing.histories import (
    CLASSES,
    EMPLOYERS,
    KINDS,
    PAYEE,
    START,
    House,
    Step,
    charged,
    check,
    make_seal,
    refunded,
    standing_holds,
    template,
)

LONG_AGO = date(2015, 1, 1)
EMPLOYER, UNCLASSED = EMPLOYERS[:2]
CANCEL = Step("cancel", 0, 0, 0, 0)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return template(tmp_path_factory.mktemp("held"))


@pytest.fixture
def house(empty: Path, tmp_path: Path) -> Iterator[House]:
    opened = House.open(empty, tmp_path / "house", Policy())
    yield opened
    opened.database.close()


def wage(house: House, insured: str, period: Period) -> Wage:
    key = WageKey(EMPLOYER, insured, period, 1, period.last.day)
    return Wage(key, house.deposit(), 1, 381_240, 173, 0, 0, 0, 0, 0, 0, 0, False, None)


def bill(house: House) -> set[tuple[Code, str]]:
    """Run the next month; what is held of the first employer after it, by month."""
    check(house, house.bill())
    return {(code, period) for code, _, period in standing_holds(house, EMPLOYER)}


def test_a_wage_whose_entry_was_cancelled_stays_held_until_there_is_another(house: House) -> None:
    person = house.people[0]
    house.affiliate(person, LONG_AGO)
    house.receive(wage(house, person, START))
    assert bill(house) == set()
    house.take(CANCEL)
    held = {(Code.AFFILIATION, str(START))}
    assert [bill(house), bill(house), charged(house, EMPLOYER)] == [held, held, {}]
    house.affiliate(person, START.first)
    assert (bill(house), list(charged(house, EMPLOYER))) == (set(), [(person, str(START), "employee")])


def test_a_scheme_that_nobody_knows_is_held_until_the_contract_is_changed(house: House) -> None:
    person = house.people[0]
    house.affiliate(person, LONG_AGO, KINDS[-1])
    house.receive(wage(house, person, START))
    held = {(Code.GROUP, str(START))}
    assert [bill(house), bill(house)] == [held, held]
    house.take(Step("change", 0, 0, 0, 1))
    assert (bill(house), list(charged(house, EMPLOYER))) == (set(), [(person, str(START), "employee")])


def test_an_incapacity_without_a_wage_is_held_until_the_wage_comes(house: House) -> None:
    person, other = house.people[:2]
    for one in (person, other):
        house.affiliate(one, LONG_AGO)
    house.receive(wage(house, other, START))
    house.take(Step("absent", 0, 0, 7, 1))
    held = {(Code.INCAPACITY, str(START))}
    assert [bill(house), bill(house), refunded(house, EMPLOYER)] == [held, held, {}]
    house.receive(wage(house, person, START))
    assert (bill(house), list(refunded(house, EMPLOYER))) == (set(), [(person, str(START))])


def test_two_incapacities_of_a_month_are_held_once_and_for_another_reason_later(house: House) -> None:
    """The second one comes when the first is held, the affiliation is gone when both are."""
    person, other = house.people[:2]
    for one in (person, other):
        house.affiliate(one, LONG_AGO)
    house.receive(wage(house, other, START))
    house.take(Step("absent", 0, 0, 7, 1))
    assert bill(house) == {(Code.INCAPACITY, str(START))}
    house.take(Step("absent", 0, 0, 6, 9))
    assert bill(house) == {(Code.INCAPACITY, str(START))}
    house.take(CANCEL)
    assert bill(house) == {(Code.INCAPACITY, str(START))}
    (row,) = house.ask("SELECT detail FROM billing_hold WHERE settled IS NULL")
    assert row["detail"] == "no affiliation insures the first day of the absence"


def test_what_lies_too_far_back_is_held_and_not_charged(house: House) -> None:
    person, period = house.people[0], Period(2020, 3)
    house.affiliate(person, LONG_AGO)
    assert Members(house.database).set_year(EMPLOYER, {2020: CLASSES[1]}, house.now)
    for _ in range(3):
        house.bill()
    house.receive(wage(house, person, period))
    for _ in range(2):
        (held,) = (one for one in house.bill() if one.employer == EMPLOYER)
        assert isinstance(held, Held)
        assert [(hold.code, hold.period) for hold in held.held] == [(Code.PRESCRIBED, period)]
        assert charged(house, EMPLOYER) == {}
    house.take(CANCEL)
    assert bill(house) == {(Code.AFFILIATION, str(period))}


def test_a_month_before_all_parameters_is_held(house: House) -> None:
    person, period = house.people[0], Period(2019, 12)
    house.affiliate(person, LONG_AGO)
    for one in (period, START):
        house.receive(wage(house, person, one))
    held = {(Code.PARAMETERS, str(period))}
    for _ in range(2):
        house.bill()
        assert {(code, when) for code, _, when in standing_holds(house, EMPLOYER)} == held
    assert list(charged(house, EMPLOYER)) == [(person, str(START), "employee")]
    house.take(CANCEL)
    house.affiliate(person, START.first)
    house.bill()
    assert {code for code, *_ in standing_holds(house, EMPLOYER)} == {Code.AFFILIATION}


def test_no_statement_is_made_of_a_month_before_all_parameters(house: House) -> None:
    person, period = house.people[0], Period(2019, 12)
    house.affiliate(person, LONG_AGO)
    house.receive(wage(house, person, period))
    assert Members(house.database).set_year(EMPLOYER, {2019: CLASSES[1]}, house.now)
    run = BillingRun(house.database, make_seal(), lambda: house.now.at, PAYEE)
    (held,) = run.run(period)
    assert isinstance(held, Held)
    assert [(hold.code, hold.period, hold.insured) for hold in held.held] == [(Code.PARAMETERS, period, "")]


def test_an_employer_without_a_class_keeps_what_else_is_held(house: House) -> None:
    step = Step("enter", 1, 0, 2, 7)
    for one in (step, Step("declare", 1, 0, 7, 1)):
        house.take(one)
    (held,) = (one for one in house.bill() if one.employer == UNCLASSED)
    assert isinstance(held, Held)
    assert [hold.code for hold in held.held] == [Code.CLASSIFICATION]
    house.take(Step("classify", 1, 0, 0, 1))
    issued = [one for one in house.run() if one.employer == UNCLASSED]
    assert isinstance(issued[0], Issued)
    assert house.ask("SELECT * FROM billing_hold WHERE employer = :e AND settled IS NULL", e=UNCLASSED) == []
    house.take(CANCEL._replace(employer=1))
    house.bill()
    assert {code for code, *_ in standing_holds(house, UNCLASSED)} == {Code.AFFILIATION}

    with house.database.write() as connection:
        connection.exec_driver_sql(
            "DELETE FROM employer_year WHERE matricule = ? AND year = 2025", (UNCLASSED,)
        )
    house.bill()
    rows = house.ask("SELECT code FROM billing_hold WHERE employer = :e AND settled IS NULL", e=UNCLASSED)
    assert {row["code"] for row in rows} == {Code.AFFILIATION, Code.CLASSIFICATION}
