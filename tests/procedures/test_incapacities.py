"""DECMAL over several deposits: what stands after declaring, cancelling, declaring anew; its registers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.batch import Anomaly, Batch, Record
from gateway.memory import MemoryAbsences
from gateway.moments import Period, Received
from gateway.outcome import Outcome
from gateway.procedures.declaration import decmal
from gateway.registers import Absence, AbsenceState, InsuredMonth, Registers, Wage, WageKey, WageState
from tests.procedures.registers_under_test import IMPLEMENTATIONS, Seeds
from tests.procedures.vector_files import WORLDS, World

WORLD = WORLDS["DECMAL"]
GOOD = dict(WORLD.content["good"])
EMPLOYER, INSURED = GOOD["Employer"], GOOD["Insured"]
MONTHS = [InsuredMonth(EMPLOYER, INSURED, Period(2026, month)) for month in (5, 6, 7)]
STATED = ("IncapacityType", "Start", "End", "Hours")

Fields = Mapping[str, str]


def declared(period: str = "2026-07", first: int = 13, last: int = 17, hours: int = 8) -> Fields:
    days = {"Start": f"{period}-{first:02d}", "End": f"{period}-{last:02d}"}
    return {**GOOD, "Period": period, **days, "Hours": str(hours)}


def cancelled(period: str = "2026-07") -> Fields:
    fields = {name: text for name, text in GOOD.items() if name not in STATED}
    return {**fields, "Kind": "cancellation", "Period": period}


def handled(registers: Registers, *records: Fields, deposit: int = 1, world: World = WORLD) -> Outcome:
    return decmal.handle(world.batch(*records), world.context(registers, deposit))


def standing(registers: Registers) -> list[Absence]:
    found = registers.absences.standing(MONTHS)
    return [absence for month in MONTHS for absence in found.get(month, ())]


def stated(registers: Registers) -> list[tuple[InsuredMonth, str, date, date, int]]:
    """What stands, but for the place where it was declared."""
    return [absence[:5] for absence in standing(registers)]


def codes(outcome: Outcome) -> list[list[str]]:
    return [[anomaly.code for anomaly in refusal.anomalies] for refusal in outcome.refusals]


spans = st.tuples(st.integers(1, 28), st.integers(0, 10)).map(lambda s: (s[0], min(28, s[0] + s[1])))
records = st.one_of(
    st.builds(
        lambda period, span, hours: declared(period, *span, hours),
        st.sampled_from(["2026-06", "2026-07"]),
        spans,
        st.integers(0, 12),
    ),
    st.sampled_from([cancelled("2026-06"), cancelled("2026-07")]),
)
batches = st.lists(st.lists(records, max_size=6), min_size=1, max_size=4)


@settings(deadline=None)
@given(batches)
def test_the_days_that_stand_never_overlap_whatever_was_sent(sent: Sequence[Sequence[Fields]]) -> None:
    registers = WORLD.registers()
    for deposit, batch in enumerate(sent, start=1):
        outcome = handled(registers, *batch, deposit=deposit)
        assert outcome.accepted + outcome.rejected == len(batch)
        days = [
            date.fromordinal(day)
            for absence in standing(registers)
            for day in range(absence.first.toordinal(), absence.last.toordinal() + 1)
        ]
        assert len(days) == len(set(days))


@settings(deadline=None)
@given(batches)
def test_one_file_or_many_leave_the_same_standing(sent: Sequence[Sequence[Fields]]) -> None:
    together, apart = WORLD.registers(), WORLD.registers()
    every = [record for batch in sent for record in batch]
    whole = codes(handled(together, *every))
    singly = [handled(apart, record, deposit=deposit) for deposit, record in enumerate(every, start=1)]
    assert whole == [refused for outcome in singly for refused in codes(outcome)]
    assert stated(together) == stated(apart)


@settings(deadline=None)
@given(before=st.lists(records, max_size=6), spans=st.lists(spans, min_size=1, max_size=4))
def test_cancelling_and_declaring_anew_is_as_if_declared_once(
    before: Sequence[Fields], spans: Sequence[tuple[int, int]]
) -> None:
    again = [declared("2026-07", *span) for span in spans]
    once, corrected = WORLD.registers(), WORLD.registers()
    handled(once, *again)
    # The first record makes sure that there is something to cancel.
    handled(corrected, declared(), *(record for record in before if record["Period"] == "2026-07"))
    if not corrected.absences.standing(MONTHS[2:]):
        handled(corrected, declared(), deposit=2)
    assert codes(handled(corrected, cancelled(), deposit=3)) == []
    handled(corrected, *again, deposit=4)
    assert stated(corrected) == stated(once)


@pytest.mark.parametrize(
    ("received", "period", "expected"),
    [
        ("2026-07-31T21:59:59Z", "2026-07", [["MALRET-9"]]),
        ("2026-07-31T22:00:00Z", "2026-07", []),
        ("2029-07-31T21:59:59Z", "2026-07", []),
        ("2029-07-31T22:00:00Z", "2026-07", [["MALRET-15"]]),
        ("2027-02-28T22:59:59Z", "2024-02", []),
        ("2027-02-28T23:00:00Z", "2024-02", [["MALRET-15"]]),
    ],
)
def test_the_day_of_receipt_is_counted_in_luxembourg(
    received: str, period: str, expected: list[list[str]]
) -> None:
    world = World(WORLD.procedure, Received.parse(received), WORLD.content)
    assert codes(handled(world.registers(), declared(period), world=world)) == expected


def test_what_was_cancelled_is_kept_as_history() -> None:
    registers = WORLD.registers()
    handled(registers, declared(), cancelled(), declared(first=1, last=2), deposit=7)
    handled(registers, cancelled(), declared(first=3, last=4), deposit=8)
    assert isinstance(registers.absences, MemoryAbsences)
    assert [(one.first.day, one.deposit, one.record) for one in registers.absences.history] == [
        (13, 7, 1),
        (1, 7, 3),
    ]
    assert [(one.first.day, one.deposit, one.record) for one in standing(registers)[1:]] == [(3, 8, 2)]


def test_hours_are_not_compared_with_a_wage_that_waits() -> None:
    registers = WORLD.registers()
    key = WageKey(EMPLOYER, INSURED, Period(2026, 7), 1, 31)
    registers.wages.add([(Wage(key, 1, 1, 1, 4, 0, 0, 0, 0, 0, 0, 0, False, None), WageState.HELD)])
    assert handled(registers, declared()).hints == []
    registers.wages.release(registers.wages.held([(EMPLOYER, INSURED)]))
    (hint,) = handled(registers, declared(first=1, last=2, hours=0), deposit=2).hints
    assert (hint.code, hint.field, hint.value) == ("MALRET-HOURS", "Hours", "0")


@pytest.mark.parametrize(
    ("changes", "illegible", "expected"),
    [
        # Whether hours are due is not certain, that this start is no day is.
        ({"Kind": "3", "Start": "2026-02-30"}, "Kind", ["MALRET-5"]),
        ({"Kind": "3", "Start": "2026-07-20", "Hours": "999"}, "Kind", []),
        ({"Period": "July", "Start": "2020-01-01"}, "Period", []),
        ({"Period": "July", "Hours": "999"}, "Period", ["MALRET-14"]),
        ({"Start": "13.7.", "End": "2026-08-01"}, "Start", ["MALRET-16"]),
        ({"Start": "13.7.", "Hours": "999"}, "Start", []),
        ({"Hours": "many", "IncapacityType": "9"}, "Hours", ["MALRET-7"]),
        ({"Insured": "X", "End": "2026-07-12"}, "Insured", ["MALRET-8"]),
    ],
)
def test_a_record_the_form_refused_gets_what_is_certain_of_it(
    changes: Fields, illegible: str, expected: list[str]
) -> None:
    record = Record(1, 10, {**declared(), **changes})
    batch = Batch(WORLD.batch().header, [], [record], [Anomaly("X-1", 1, illegible)])
    (found,) = codes(decmal.handle(batch, WORLD.context(WORLD.registers())))
    assert [code for code in found if code != "X-1"] == expected


# The registers that it asks


@pytest.fixture(params=IMPLEMENTATIONS)
def registers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Registers]:
    """Each kind, knowing nothing."""
    with IMPLEMENTATIONS[request.param](tmp_path, Seeds()) as opened:
        yield opened


def absence(day: int, month: InsuredMonth = MONTHS[2], record: int = 1) -> Absence:
    first = month.period.first.replace(day=day)
    return Absence(month, "3", first, first, 8, 1, record)


def test_what_stands_comes_by_month_and_in_the_order_of_its_days(registers: Registers) -> None:
    late, early, other = absence(20), absence(3, record=2), absence(3, MONTHS[1], 3)
    struck = absence(5, record=4)
    states = [AbsenceState.CURRENT] * 3 + [AbsenceState.CANCELLED]
    registers.absences.add(zip([late, early, other, struck], states, strict=True))
    found = registers.absences.standing(MONTHS)
    assert {month: list(known) for month, known in found.items()} == {
        MONTHS[2]: [early, late],
        MONTHS[1]: [other],
    }
    assert registers.absences.standing([]) == {}


def test_a_month_is_cancelled_whole_and_alone(registers: Registers) -> None:
    registers.absences.add([(absence(3), AbsenceState.CURRENT), (absence(4), AbsenceState.CURRENT)])
    registers.absences.add([(absence(3, MONTHS[1]), AbsenceState.CURRENT)])
    registers.absences.cancel(MONTHS[2:])
    registers.absences.cancel(MONTHS[:1])
    assert registers.absences.standing(MONTHS).keys() == {MONTHS[1]}
    registers.absences.add([(absence(3, record=9), AbsenceState.CURRENT)])
    assert list(registers.absences.standing(MONTHS[2:])[MONTHS[2]]) == [absence(3, record=9)]


def test_what_stands_for_a_pair_is_found_from_month_to_month(registers: Registers) -> None:
    june = [absence(3, MONTHS[1], 2), absence(9, MONTHS[1], 1)]
    july, may, struck = absence(20), absence(30, MONTHS[0]), absence(5, record=4)
    states = [AbsenceState.CURRENT] * 4 + [AbsenceState.CANCELLED]
    registers.absences.add(zip([july, *june, may, struck], states, strict=True))
    pair = EMPLOYER, INSURED
    first, middle, last = (month.period for month in MONTHS)
    assert [month.employer for month in MONTHS] == [EMPLOYER] * 3
    assert list(registers.absences.of_pairs([pair], first, last)[pair]) == [may, *june, july]
    assert list(registers.absences.of_pairs([pair], middle, middle)[pair]) == june
    assert registers.absences.of_pairs([(EMPLOYER, "1895010100151")], first, last) == {}
    assert registers.absences.of_pairs([], first, last) == {}


def test_hours_are_those_of_all_wages_of_a_month_that_count(registers: Registers) -> None:
    def wage(first: int, hours: int, month: int = 7) -> Wage:
        key = WageKey(EMPLOYER, INSURED, Period(2026, month), first, 28)
        return Wage(key, 1, first, 1, hours, 0, 0, 0, 0, 0, 99, 0, False, None)

    counts = [wage(1, 80), wage(16, 93)]
    registers.wages.add((one, WageState.CURRENT) for one in counts)
    registers.wages.add([(wage(17, 1), WageState.HELD), (wage(18, 2), WageState.SUPERSEDED)])
    registers.wages.add([(wage(19, 4, month=6), WageState.HELD)])
    assert registers.wages.hours(MONTHS) == {MONTHS[2]: 173}
    assert registers.wages.hours([]) == {}
