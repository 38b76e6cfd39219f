"""Each vector gives exactly the codes it names; and no code is without a vector."""

from __future__ import annotations

from datetime import date

import pytest

from gateway.batch import Anomaly, Batch, Record
from gateway.moments import Received
from gateway.outcome import Outcome, Refusal
from gateway.procedures import PROCEDURES, procedure
from gateway.procedures.abroad.held import expired as activities_expired
from gateway.procedures.declaration.held import expired as wages_expired
from gateway.rejections import REJECTIONS, Level
from tests.procedures.vector_files import VECTORS, WORLDS, Vector

JUDGED = [vector for vector in VECTORS if not vector.form]
FORMAL = [vector for vector in VECTORS if vector.form]


def handled(vector: Vector) -> Outcome:
    world = vector.world
    batch = world.batch(*(case.fields for case in vector.cases))
    return procedure(vector.procedure).handle(batch, world.context(world.registers()))


def codes(refusal: Refusal) -> list[str]:
    return sorted(anomaly.code for anomaly in refusal.anomalies)


@pytest.mark.parametrize("vector", JUDGED, ids=str)
def test_a_vector_gives_exactly_its_codes(vector: Vector) -> None:
    outcome = handled(vector)
    found = {refusal.record.number: codes(refusal) for refusal in outcome.refusals}
    due = {number: sorted(case.codes) for number, case in enumerate(vector.cases, 1) if case.codes}
    assert found == due
    hinted: dict[int | None, list[str]] = {None: list(vector.hints)} if vector.hints else {}
    hinted |= {number: list(case.hints) for number, case in enumerate(vector.cases, 1) if case.hints}
    hints: dict[int | None, list[str]] = {}
    for anomaly in outcome.hints:
        hints.setdefault(anomaly.record, []).append(anomaly.code)
    assert hints == hinted
    fates = [case.becomes for case in vector.cases]
    assert (outcome.accepted, outcome.held, outcome.rejected) == (
        fates.count("accepted"),
        fates.count("held"),
        fates.count("rejected"),
    )


@pytest.mark.parametrize("vector", [one for one in JUDGED if one.cases[0].later], ids=str)
def test_a_held_record_fares_later_as_its_vector_says(vector: Vector) -> None:
    world, case = vector.world, vector.cases[0]
    registers = world.registers()
    procedure(vector.procedure).handle(world.batch(case.fields), world.context(registers, deposit=7))
    pairs = [(case.fields["Employer"], case.fields["Insured"])]
    wages = [(wage, world.received) for wage in registers.wages.held(pairs)]
    activities = [(activity, world.received) for activity in registers.activities.held(pairs)]
    assert case.later is not None
    now = Received.parse(case.later["at"])
    due = [*wages_expired(wages, now).get(7, ()), *activities_expired(activities, now).get(7, ())]
    assert [code for refusal in due for code in codes(refusal)] == case.later["codes"]


@pytest.mark.parametrize("vector", FORMAL, ids=str)
def test_what_the_form_refused_comes_back_with_the_anomalies_of_the_form(vector: Vector) -> None:
    # Which anomalies those are is the form's matter; here they are taken from the vector.
    world, case = vector.world, vector.cases[0]
    record = Record(1, 10, case.fields)
    formal = tuple(Anomaly(code, 1, "Reference") for code in case.codes)
    batch = Batch(world.batch().header, [], [record], formal)
    outcome = procedure(vector.procedure).handle(batch, world.context(world.registers()))
    assert (outcome.accepted, outcome.held, outcome.rejected) == (0, 0, 1)
    assert set(case.codes) <= set(codes(outcome.refusals[0]))


@pytest.mark.parametrize("vector", JUDGED, ids=str)
def test_an_anomaly_says_where_it_stands_and_what_was_seen(vector: Vector) -> None:
    form = procedure(vector.procedure).form
    for refusal in handled(vector).refusals:
        record = refusal.record
        places = []
        for anomaly in refusal.anomalies:
            assert (anomaly.record, anomaly.line) == (record.number, 10 * record.number)
            here = f"/{form.procedure}/{form.record}[{record.number}]"
            if anomaly.field is None:  # about what came with the record, or about all it says
                assert anomaly.code in ("MATRET-SCAN", "MATRET-IMAGE", "RECRET-6")
                assert anomaly.path == here
                assert anomaly.value
                continue
            assert anomaly.value == record.fields.get(anomaly.field)
            assert anomaly.path == (here if anomaly.value is None else f"{here}/{anomaly.field}")
            places.append(form.fields.index(anomaly.field))
        assert places == sorted(places)


def test_names_of_vectors_are_unique_and_end_with_the_verdict() -> None:
    names = [str(vector) for vector in VECTORS]
    assert len(set(names)) == len(names)
    for vector in VECTORS:
        fates = {case.becomes for case in vector.cases}
        assert vector.name.rpartition("-")[2] in fates


def returned(prefix: str) -> set[str]:
    """The codes of a return that are given today."""
    today = date(2026, 8, 3)
    return {
        key
        for key, rejection in REJECTIONS.items()
        if key.startswith(f"{prefix}-") and (rejection.until is None or today <= rejection.until)
    }


@pytest.mark.parametrize("code", [one.code for one in PROCEDURES])
def test_every_code_of_a_return_has_a_vector(code: str) -> None:
    form = procedure(code).form
    covered = {key for vector in VECTORS if vector.procedure == code for key in vector.due}
    assert covered == returned(form.refused_in) | ({"MANDATE-EMPLOYER"} if form.by_mandate else set())


def test_every_record_level_code_belongs_to_a_procedure() -> None:
    prefixes = {one.returns_code for one in PROCEDURES} | {"MANDATE"}
    levels = {key: rejection.level for key, rejection in REJECTIONS.items()}
    assert {key.partition("-")[0] for key, level in levels.items() if level is Level.RECORD} == prefixes


def test_every_vector_file_belongs_to_a_procedure() -> None:
    assert WORLDS.keys() == {one.code for one in PROCEDURES}


def test_a_vector_in_which_nothing_is_wrong_is_not_refused() -> None:
    # A control: were the world itself wrong, every vector of a defect would pass for that reason.
    for world in WORLDS.values():
        batch = world.batch(world.content["good"])
        outcome = procedure(world.procedure).handle(batch, world.context(world.registers()))
        assert outcome.accepted == 1
