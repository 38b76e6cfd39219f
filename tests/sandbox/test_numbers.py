"""The numbers that get a code by script, without doors."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway import sandbox, synthetic
from gateway.batch import Batch, Header, MemberId, Record
from gateway.matricule import is_employer, is_person
from gateway.outcome import Outcome, Return
from gateway.procedures import procedure
from gateway.rejections import REJECTIONS, Level

GOOD = "1890010100172"


def batch(code: str, *numbers: str) -> Batch:
    """Records that state nothing but their number."""
    header = Header(code, "1.0", MemberId("2099990001299", "100001"), "CCSS", "test", datetime.now(UTC))
    field = sandbox.field_of(procedure(code).form)
    return Batch(header, [Record(place, None, {field: one}) for place, one in enumerate(numbers, start=1)])


def test_every_code_has_one_number_of_its_own_and_no_other_has_one() -> None:
    numbers = sandbox.numbers()
    assert set(numbers) == set(REJECTIONS)
    assert len(set(numbers.values())) == len(numbers)
    for number in numbers.values():
        assert is_person(number) and is_employer(number)
        assert int(number[:4]) in sandbox.CENTURY


def test_they_are_taken_for_nobody_real() -> None:
    for field in ("Insured", "Employer"):
        records = [Record(1, None, {field: number}) for number in sandbox.numbers().values()]
        header = batch("DECSAL").header
        assert not synthetic.real_looking(Batch(header, records))


@pytest.mark.parametrize("code", sorted(REJECTIONS))
def test_the_number_of_a_code_gets_it_and_nothing_else(code: str) -> None:
    number, level = sandbox.numbers()[code], REJECTIONS[code].level
    spoken_to = sandbox.procedures_of(code)
    assert spoken_to
    for one in spoken_to:
        sent = batch(one, GOOD, number)
        if level is Level.FILE:
            assert sandbox.file_code(sent) == code
            continue
        assert sandbox.file_code(sent) is None
        left = sandbox.without_scripted(sent)
        outcome = sandbox.with_scripted(sent, Outcome(accepted=left.size))
        if level is Level.RECORD:
            assert [record.number for record in left.records] == [1]
            (refusal,) = outcome.refusals
            assert [(each.code, each.record) for each in refusal.anomalies] == [(code, 2)]
            assert outcome.returns == [Return(procedure(one).form.refused_in, [refusal])]
        else:
            assert left is sent
            assert [(hint.code, hint.record) for hint in outcome.hints] == [(code, 2)]
            assert not outcome.refusals


def test_a_number_speaks_to_its_own_procedures_alone() -> None:
    sent = batch("DECAFF", sandbox.numbers()["SALRET-7"])
    judged = Outcome(accepted=1)
    assert sandbox.without_scripted(sent) is sent
    assert sandbox.with_scripted(sent, judged) is judged


def test_what_the_handler_refused_and_told_stays() -> None:
    number = sandbox.numbers()["SALRET-HELD"]
    sent = batch("DECSAL", number)
    hint = procedure("DECSAL").form.anomaly(sent.records[0], "SALRET-HELD", "Insured")
    judged = Outcome(accepted=0, held=1, hints=[hint])
    assert sandbox.with_scripted(sent, judged) is judged
    refusal = procedure("DECSAL").form.refusal(sent.records[0], [("SALRET-2", "Employer")])
    judged = Outcome(accepted=0, refusals=[refusal], returns=[Return("SALRET", [refusal])])
    assert sandbox.with_scripted(sent, judged) is judged
