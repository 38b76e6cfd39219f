"""DEMMAT: which number a person gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.batch import Batch
from gateway.matricule import is_person, person_number
from gateway.moments import Received
from gateway.outcome import Assignment, Outcome
from gateway.procedures.matricule.demmat import handle
from gateway.registers import Registers
from tests.procedures.vector_files import WORLDS

WORLD = WORLDS["DEMMAT"]
GOOD: Mapping[str, str] = WORLD.content["good"]


def handled(registers: Registers, *changes: Mapping[str, str]) -> Outcome:
    return handle(WORLD.batch(*({**GOOD, **change} for change in changes)), WORLD.context(registers))


def assigned(outcome: Outcome) -> list[Assignment]:
    return [
        one
        for answer in outcome.returns
        if answer.code == "MATASS"
        for one in answer.content
        if isinstance(one, Assignment)
    ]


def test_a_known_person_gets_the_number_they_have() -> None:
    outcome = handled(WORLD.registers(), {"Surname": "MULLER", "FirstName": "ZOE", "BirthDate": "1893-12-01"})
    assert [(one.matricule, one.existing) for one in assigned(outcome)] == [("1893120105732", True)]


def test_a_new_person_gets_the_lowest_free_number_of_the_birth_date() -> None:
    outcome = handled(WORLD.registers(), {"BirthDate": "1893-12-01"}, {"BirthDate": "1893-12-02"})
    expected = [person_number(date(1893, 12, 1), 1), person_number(date(1893, 12, 2), 1)]
    assert [(one.matricule, one.existing) for one in assigned(outcome)] == [
        (expected[0], False),
        (expected[1], False),
    ]


def test_asking_again_gives_the_same_number() -> None:
    registers = WORLD.registers()
    (first,) = assigned(handled(registers, {}))
    (second,) = assigned(handled(registers, {"Town": "Nancy"}))
    assert (first.existing, second.existing) == (False, True)
    assert first.matricule == second.matricule


def test_a_refused_request_uses_up_no_number() -> None:
    registers = WORLD.registers()
    handled(registers, {"Nationality": "BR"})
    (one,) = assigned(handled(registers, {}))
    assert one.matricule == person_number(date(1897, 3, 4), 1)


def test_the_serials_of_a_birth_date_end_at_999() -> None:
    surnames = [
        f"NAME {chr(65 + n // 676 % 26)}{chr(65 + n // 26 % 26)}{chr(65 + n % 26)}" for n in range(1001)
    ]
    outcome = handled(WORLD.registers(), *({"Surname": surname} for surname in surnames))
    assert (outcome.accepted, outcome.rejected) == (999, 2)
    assert {anomaly.code for one in outcome.refusals for anomaly in one.anomalies} == {"MATRET-8"}
    assert [one.record.number for one in outcome.refusals] == [1000, 1001]


@pytest.mark.parametrize(("day", "accepted"), [("1898-12-31", 1), ("1899-01-01", 1), ("1899-01-02", 0)])
def test_nobody_is_born_after_the_luxembourg_day_of_receipt(day: str, accepted: int) -> None:
    # Received just after midnight in Luxembourg, in a year of which nobody is alive.
    received = Received.parse("1898-12-31T23:50:00Z")
    context = replace(WORLD.context(WORLD.registers()), received=received)
    assert handle(WORLD.batch({**GOOD, "BirthDate": day}), context).accepted == accepted


def test_records_are_judged_in_the_order_of_their_numbers() -> None:
    batch = WORLD.batch(GOOD, GOOD)
    outcome = handle(Batch(batch.header, list(reversed(batch.records))), WORLD.context(WORLD.registers()))
    assert [one.record.number for one in outcome.refusals] == [2]


persons = st.lists(
    st.tuples(st.sampled_from("ABC"), st.dates(date(1850, 1, 1), date(1850, 1, 3))), max_size=20
)


@settings(deadline=None)
@given(persons)
def test_every_person_gets_one_valid_number_of_their_birth_date(asked: list[tuple[str, date]]) -> None:
    records = [{"Surname": name, "BirthDate": born.isoformat()} for name, born in asked]
    outcome = handled(WORLD.registers(), *records)
    numbers = {one.record.number: one.matricule for one in assigned(outcome)}
    assert len(set(numbers.values())) == len(numbers) == len(set(asked)) == outcome.accepted
    for place, number in numbers.items():
        assert is_person(number)
        assert number.startswith(asked[place - 1][1].strftime("%Y%m%d"))
