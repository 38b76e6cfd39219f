"""DEMMAT: which number a person gets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.batch import Attachment, Batch
from gateway.matricule import is_person, person_number
from gateway.moments import Received
from gateway.outcome import Assignment, Outcome
from gateway.procedures.matricule.demmat import handle
from gateway.registers import Registers
from tests.procedures.vector_files import WORLDS

WORLD = WORLDS["DEMMAT"]
GOOD: Mapping[str, str] = WORLD.content["good"]


def handled(registers: Registers, *changes: Mapping[str, str]) -> Outcome:
    return handle(asked(*({**GOOD, **change} for change in changes)), WORLD.context(registers))


def asked(*records: Mapping[str, str]) -> Batch:
    """A batch with a good scan for each record."""
    born_that_day: Counter[str] = Counter()
    scans = []
    for record in records:
        born = record["BirthDate"].replace("-", "")
        scans.append(
            Attachment(f"CARTID{born}{born_that_day[born]}", "CARTID", f"{born}{born_that_day[born]}")
        )
        born_that_day[born] += 1
    return replace(WORLD.batch(*records), attachments=tuple(scans))


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
    assert handle(asked({**GOOD, "BirthDate": day}), context).accepted == accepted


def test_records_are_judged_in_the_order_of_their_numbers() -> None:
    batch = asked(GOOD, GOOD)
    turned = replace(batch, records=list(reversed(batch.records)))
    outcome = handle(turned, WORLD.context(WORLD.registers()))
    assert [one.record.number for one in outcome.refusals] == [2]


def test_a_record_the_form_refused_is_counted_among_those_born_that_day() -> None:
    batch = WORLD.batch({**GOOD, "Surname": "?"}, GOOD, {**GOOD, "Surname": "SCHMIT", "BirthDate": "?"})
    first, second, third = batch.records
    scans = (Attachment("a", "CARTID", "189703041"), Attachment("b", "CARTID", "189703042"))
    judged = replace(batch, records=[second], malformed=[first, third], attachments=scans)
    outcome = handle(judged, WORLD.context(WORLD.registers()))
    assert [one.record.number for one in assigned(outcome)] == [2]
    assert [(hint.code, hint.record, hint.value) for hint in outcome.hints] == [("MATRET-ORPHAN", None, "b")]


def test_what_is_said_of_a_scan_names_the_file_or_its_fault() -> None:
    scan = Attachment("a", "CARTID", "189703040", "It is not in colour.")
    batch = replace(WORLD.batch(GOOD, {**GOOD, "Surname": "SCHMIT"}), attachments=(scan,))
    outcome = handle(batch, WORLD.context(WORLD.registers()))
    found = [(one.code, one.path, one.value) for refusal in outcome.refusals for one in refusal.anomalies]
    assert found == [
        ("MATRET-IMAGE", "/DEMMAT/Person[1]", "It is not in colour."),
        ("MATRET-SCAN", "/DEMMAT/Person[2]", "CARTID189703041"),
    ]


def test_who_was_refused_for_the_scan_gets_a_number_with_one_later() -> None:
    registers = WORLD.registers()
    refused = handle(replace(WORLD.batch(GOOD), attachments=()), WORLD.context(registers))
    assert (refused.accepted, refused.rejected) == (0, 1)
    (one,) = assigned(handled(registers, {}))
    assert (one.matricule, one.existing) == (person_number(date(1897, 3, 4), 1), False)
    # From now on a number is there, and no scan is needed.
    again = handle(replace(WORLD.batch(GOOD), attachments=()), WORLD.context(registers))
    assert [found.existing for found in assigned(again)] == [True]


persons = st.lists(
    st.tuples(st.sampled_from("ABC"), st.dates(date(1850, 1, 1), date(1850, 1, 3))), max_size=20
)


@settings(deadline=None)
@given(persons)
def test_every_person_gets_one_valid_number_of_their_birth_date(people: list[tuple[str, date]]) -> None:
    records = [{"Surname": name, "BirthDate": born.isoformat()} for name, born in people]
    outcome = handled(WORLD.registers(), *records)
    numbers = {one.record.number: one.matricule for one in assigned(outcome)}
    assert len(set(numbers.values())) == len(numbers) == len(set(people)) == outcome.accepted
    for place, number in numbers.items():
        assert is_person(number)
        assert number.startswith(people[place - 1][1].strftime("%Y%m%d"))
