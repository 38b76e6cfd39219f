"""What all procedures share: malformed records, mandates, the order and the shape of anomalies."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.batch import Anomaly, Batch, Record
from gateway.mandates import Rights
from gateway.memory import memory_registers
from gateway.outcome import Verdict
from gateway.procedures import PROCEDURES, procedure
from gateway.procedures.judgement import calendar_day
from tests.procedures.vector_files import VECTORS, WORLDS

CODES = [one.code for one in PROCEDURES]
GOOD = {code: dict(world.content["good"]) for code, world in WORLDS.items()}


def refused_by_form(code: str, fields: dict[str, str], *anomalies: Anomaly) -> list[Anomaly]:
    """The anomalies of a file with one record that the form refused."""
    world = WORLDS[code]
    batch = Batch(world.batch().header, [], [Record(1, 10, fields)], anomalies)
    outcome = procedure(code).handle(batch, world.context(world.registers()))
    (refusal,) = outcome.refusals
    return list(refusal.anomalies)


@pytest.mark.parametrize("code", CODES)
def test_a_malformed_record_keeps_its_anomalies_and_says_when_the_mandate_is_missing(code: str) -> None:
    formal = Anomaly("X-99", 1, "Reference", "/path", 12, "A;B")
    assert refused_by_form(code, GOOD[code], formal) == [formal]
    foreign = refused_by_form(code, {**GOOD[code], "Employer": "2099990003999"}, formal)
    due = ["MANDATE-EMPLOYER"] if procedure(code).form.by_mandate else []
    assert [one.code for one in foreign] == [*due, "X-99"]
    wrong = refused_by_form(code, {**GOOD[code], "Employer": "2099990001399"}, formal)
    assert [one.code for one in wrong] == [procedure(code).form.bad_employer, "X-99"]


@pytest.mark.parametrize("code", CODES)
def test_a_malformed_employer_is_not_judged_again(code: str) -> None:
    formal = Anomaly("X-2", 1, "Employer", "/path", 12, "2099")
    assert refused_by_form(code, {**GOOD[code], "Employer": "2099"}, formal) == [formal]
    absent = {name: text for name, text in GOOD[code].items() if name != "Employer"}
    assert refused_by_form(code, absent, replace(formal, value=None)) == [replace(formal, value=None)]


@pytest.mark.parametrize("code", CODES)
def test_anomalies_stand_in_the_order_of_the_form_and_unknown_fields_last(code: str) -> None:
    form = procedure(code).form
    names = ["Colour", *reversed(form.fields[1:]), None]
    anomalies = [Anomaly("X-99", 1, name) for name in names]
    found = refused_by_form(code, GOOD[code], *anomalies)
    assert [one.field for one in found] == [None, *form.fields[1:], "Colour"]


@pytest.mark.parametrize("code", CODES)
def test_good_records_of_a_partly_bad_file_take_effect(code: str) -> None:
    world = WORLDS[code]
    good = Record(2, 20, GOOD[code])
    plain = world.batch()
    anomalies = [Anomaly("X-99", 1)]
    batch = Batch(plain.header, [good], [Record(1, 10, {})], anomalies, plain.attachments)
    outcome = procedure(code).handle(batch, world.context(world.registers()))
    assert (outcome.accepted, outcome.rejected, outcome.verdict) == (1, 1, Verdict.PARTIAL)


@pytest.mark.parametrize("code", CODES)
def test_refusals_stand_in_the_order_of_the_file_whoever_refused_them(code: str) -> None:
    world = WORLDS[code]
    foreign = [Record(number, 10, {**GOOD[code], "Employer": "2099990001399"}) for number in (3, 1)]
    malformed = [Record(number, 10, {}) for number in (4, 2)]
    anomalies = [Anomaly("X-99", number) for number in (2, 4)]
    batch = Batch(world.batch().header, foreign, malformed, anomalies)
    outcome = procedure(code).handle(batch, world.context(world.registers()))
    assert [refusal.record.number for refusal in outcome.refusals] == [1, 2, 3, 4]


@pytest.mark.parametrize("code", [code for code in CODES if procedure(code).form.by_mandate])
def test_without_a_mandate_the_answer_is_the_same_whatever_the_registers_know(code: str) -> None:
    world = WORLDS[code]
    known = replace(world.context(world.registers()), rights=Rights({}))
    unknown = replace(known, registers=memory_registers())
    cases = (case for one in VECTORS if one.procedure == code and not one.form for case in one.cases)
    records = [case.fields for case in cases if "Employer" in case.fields]
    answers = [procedure(code).handle(world.batch(*records), context) for context in (known, unknown)]
    assert answers[0] == answers[1]
    assert answers[0].rejected == len(records)


@pytest.mark.parametrize("code", CODES)
def test_a_long_value_is_cut_and_an_absent_one_has_the_path_of_its_record(code: str) -> None:
    form = procedure(code).form
    record = Record(3, None, {"Employer": "9" * 201})
    anomalies = form.refusal(record, [("X-1", "Employer"), ("X-2", form.fields[-1])]).anomalies
    assert [(one.value, one.path) for one in anomalies] == [
        ("9" * 200, f"/{form.procedure}/{form.record}[3]/Employer"),
        (None, f"/{form.procedure}/{form.record}[3]"),
    ]


@pytest.mark.parametrize("code", CODES)
def test_returns_are_those_the_procedure_names(code: str) -> None:
    world, one = WORLDS[code], procedure(code)
    records = [GOOD[code], {**GOOD[code], "Employer": "2099990001399"}]
    outcome = one.handle(world.batch(*records), world.context(world.registers()))
    assert {answer.code for answer in outcome.returns} == set(one.answers)
    refused = [answer.content for answer in outcome.returns if answer.code == one.returns_code]
    assert refused == [outcome.refusals]


@pytest.mark.parametrize("code", CODES)
def test_an_empty_batch_has_no_returns(code: str) -> None:
    world = WORLDS[code]
    outcome = procedure(code).handle(world.batch(), world.context(world.registers()))
    assert (outcome.accepted, outcome.held, outcome.rejected, list(outcome.returns)) == (0, 0, 0, [])


def test_procedures_are_found_by_code() -> None:
    assert {"DEMMAT", "DECAFF", "DECSAL", "DECREC", "DECMAL", "DEMUTI", "DECINT", "DEMDET"} <= set(CODES)
    assert [procedure(code).code for code in CODES] == CODES
    records = {"Person", "Affiliation", "Wage", "Unchanged", "Incapacity", "Company", "Mission", "Activity"}
    assert records <= {one.record for one in PROCEDURES}
    with pytest.raises(KeyError):
        procedure("DECXYZ")


@given(st.dates())
def test_every_calendar_day_is_read(day: date) -> None:
    assert calendar_day(f"{day.year:04d}-{day.month:02d}-{day.day:02d}") == day


NO_DAYS = (
    "",
    "2026-02-29",
    "2026-13-01",
    "0000-01-01",
    "20260801",
    "2026-W31-1",
    "2026-08-01 ",
    "２０２６-08-01",
)


@pytest.mark.parametrize("text", NO_DAYS)
def test_what_is_no_calendar_day_is_none(text: str) -> None:
    assert calendar_day(text) is None
