"""DECREC: what it repeats is what the staff list shows, to the cent; otherwise nothing at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.batch import Anomaly, Batch, MemberId, Record
from gateway.context import Context
from gateway.mandates import Rights, rights
from gateway.memory import MemoryWages, memory_registers
from gateway.moments import Period, Received
from gateway.money import euro
from gateway.notices import lisper, salman
from gateway.outcome import Outcome
from gateway.procedures.declaration import decrec, decsal
from gateway.registers import Affiliation, Mandate, Registers, Wage, WageKey, WageState
from tests.procedures.registers_under_test import IMPLEMENTATIONS, Seeds
from tests.procedures.vector_files import WORLDS

EMPLOYER = "2099990001299"
PEOPLE = ("1893120105732", "1894050600302", "1895022801278", "1899010100188")
JUNE, JULY = Period(2026, 6), Period(2026, 7)
RECEIVED = Received(datetime(2026, 8, 3, 9, 15, tzinfo=UTC))
SENDER = MemberId(EMPLOYER, "100001")
MANDATE = Mandate(1, SENDER, EMPLOYER, frozenset({"DECREC", "DECSAL"}), date(2019, 1, 1))
HEADER = WORLDS["DECREC"].batch().header

MORE: Mapping[str, Any] = {
    "supplements": 1,
    "overtime_pay": 1,
    "overtime_hours": 1,
    "gratuities": 1,
    "unemployment_pay": 1,
    "inactive_hours": 1,
    "non_pensionable": 1,
    "capped": True,
}
"""What a wage may have beside base wage and hours."""


def right(code: str) -> Rights:
    return rights([MANDATE], code, RECEIVED)


def no_change(registers: Registers, *months: str, deposit: int = 2) -> Outcome:
    """Handle a DECREC for some months of the employer."""
    records = [
        Record(number, 10 * number, {"Employer": EMPLOYER, "Period": month, "Reference": f"R-{number}"})
        for number, month in enumerate(months, start=1)
    ]
    context = Context(deposit, RECEIVED, SENDER, right("DECREC"), registers, sender_is_agency=False)
    return decrec.handle(Batch(HEADER, records), context)


def wage(insured: str, period: Period = JUNE, base_wage: int = 381240, **more: Any) -> Wage:
    key = WageKey(EMPLOYER, insured, period, more.pop("first", 1), more.pop("last", period.last.day))
    return Wage(key, 1, 1, base_wage, 173, 0, 0, 0, 0, 0, 0, 0, False, "JUNE")._replace(**more)


def affiliation(insured: str, entry: date = date(2020, 1, 1), last: date | None = None) -> Affiliation:
    return Affiliation(EMPLOYER, insured, entry, last, "I", "03")


def registers(affiliations: Sequence[Affiliation], wages: Sequence[tuple[Wage, WageState]]) -> Registers:
    known = memory_registers(mandates=[MANDATE])
    for one in affiliations:
        known.affiliations.open(one)
    # Places in a deposit are unique.
    known.wages.add((one._replace(record=number), state) for number, (one, state) in enumerate(wages, 1))
    return known


def codes(outcome: Outcome) -> list[list[str]]:
    return [[anomaly.code for anomaly in refusal.anomalies] for refusal in outcome.refusals]


def ever(known: Registers) -> Mapping[Wage, WageState]:
    assert isinstance(known.wages, MemoryWages)
    return dict(known.wages.all())


days = st.sampled_from([date(2020, 1, 1), date(2026, 5, 31), date(2026, 6, 1), date(2026, 6, 2)]) | st.dates(
    date(2026, 5, 1), date(2026, 8, 31)
)
steady = st.just((date(2020, 1, 1), None))
spans = steady | st.tuples(days, st.none() | days).filter(lambda span: span[1] is None or span[0] <= span[1])
elements = st.sampled_from([{}, {}, {}, *({name: value} for name, value in MORE.items())])


@st.composite
def staffs(draw: st.DrawFn) -> Registers:
    """An employer's staff with wages up to June, mostly such as can be repeated."""
    affiliations: list[Affiliation] = []
    wages: list[tuple[Wage, WageState]] = []
    for insured in draw(st.lists(st.sampled_from(PEOPLE), unique=True)):
        affiliations.append(affiliation(insured, *draw(spans)))
        for period in draw(st.sampled_from([(JUNE,), (JUNE,), (JUNE.plus(-1), JUNE), (JUNE.plus(-1),), ()])):
            base_wage, hours = draw(st.integers(0, 10**11 - 1)), draw(st.integers(0, 372))
            one = wage(insured, period, base_wage, work_hours=hours, **draw(elements))
            insuring = affiliations[-1].overlaps(period.first, period.last)
            wages.append((one, WageState.CURRENT if insuring else WageState.HELD))
    return registers(affiliations, wages)


@settings(max_examples=300, deadline=None)
@given(known=staffs())
def test_the_register_holds_what_the_list_showed_or_nothing_new(known: Registers) -> None:
    listed = lisper.staff(EMPLOYER, JULY, known)
    before = ever(known)
    outcome = no_change(known, "2026-07")
    entered = known.wages.of_month(EMPLOYER, JULY)
    assert {wage: state for wage, state in ever(known).items() if wage not in entered} == before
    if outcome.refusals:
        assert (outcome.accepted, list(entered)) == (0, [])
        assert codes(outcome) == ([["RECRET-6"]] if listed else [["RECRET-4"]])
        return
    assert outcome.accepted == 1
    shown = {
        one.insured: (one.last_wage.base_wage, one.last_wage.work_hours) for one in listed if one.last_wage
    }
    assert {one.key.insured: (one.base_wage, one.work_hours) for one in entered} == shown
    assert len(entered) == len(listed) == len(shown)
    assert {one.last_wage.period for one in listed if one.last_wage} == {JUNE}
    total = sum(base_wage for base_wage, _ in shown.values())
    assert [hint.value for hint in outcome.hints] == [f"{len(listed)} / {euro(total)} EUR"]
    assert salman.missing(salman.Case(EMPLOYER, JULY), known) == []


@settings(max_examples=100, deadline=None)
@given(known=staffs())
def test_what_is_repeated_is_entered_as_decsal_would_enter_it(known: Registers) -> None:
    if no_change(known, "2026-07").refusals:
        return
    repeated = known.wages.of_month(EMPLOYER, JULY)
    declared = registers(known.affiliations.during(EMPLOYER, JUNE.first, JULY.last), [])
    fields = [decsal.record_of(one).fields for one in repeated]
    records = [Record(number, None, each) for number, each in enumerate(fields, start=1)]
    context = Context(2, RECEIVED, SENDER, right("DECSAL"), declared, sender_is_agency=False)
    assert decsal.handle(Batch(HEADER, records), context).accepted == len(repeated)
    alike = [one._replace(record=1) for one in declared.wages.of_month(EMPLOYER, JULY)]
    assert alike == list(repeated)
    assert set(ever(declared).values()) == {WageState.CURRENT}


def test_a_wage_repeated_bears_the_deposit_the_record_and_its_reference() -> None:
    known = registers([affiliation(PEOPLE[0])], [(wage(PEOPLE[0]), WageState.CURRENT)])
    assert no_change(known, "2026-08", "2026-07", deposit=7).accepted == 1
    (one,) = known.wages.of_month(EMPLOYER, JULY)
    assert (one.deposit, one.record, one.reference) == (7, 2, "R-2")
    assert (one.key.first_day, one.key.last_day) == (1, 31)
    assert one == wage(PEOPLE[0])._replace(key=one.key, deposit=7, record=2, reference="R-2")


@pytest.mark.parametrize("element", MORE)
def test_an_element_that_the_list_does_not_show_stops_it(element: str) -> None:
    more = wage(PEOPLE[1])._replace(**{element: MORE[element]})
    states = [(wage(PEOPLE[0]), WageState.CURRENT), (more, WageState.CURRENT)]
    known = registers([affiliation(PEOPLE[0]), affiliation(PEOPLE[1])], states)
    outcome = no_change(known, "2026-07")
    place = "/DECREC/Unchanged[1]"
    assert outcome.refusals[0].anomalies == (Anomaly("RECRET-6", 1, None, place, 10, "1 / 2"),)
    assert known.wages.of_month(EMPLOYER, JULY) == []


def test_it_says_how_many_cannot_be_repeated() -> None:
    states = [(wage(PEOPLE[0]), WageState.CURRENT), (wage(PEOPLE[2], supplements=5), WageState.CURRENT)]
    known = registers([affiliation(one) for one in PEOPLE[:3]], states)
    assert no_change(known, "2026-07").refusals[0].anomalies[0].value == "2 / 3"


@pytest.mark.parametrize("state", [WageState.CURRENT, WageState.HELD])
def test_one_wage_that_stands_stops_it(state: WageState) -> None:
    states = [(wage(PEOPLE[0]), WageState.CURRENT), (wage(PEOPLE[1], JULY, last=3), state)]
    known = registers([affiliation(PEOPLE[0])], states)
    assert codes(no_change(known, "2026-07")) == [["RECRET-5"]]
    assert len(known.wages.of_month(EMPLOYER, JULY)) == 1


@pytest.mark.parametrize("state", [WageState.SUPERSEDED, WageState.EXPIRED])
def test_what_counts_no_more_neither_stops_it_nor_is_repeated(state: WageState) -> None:
    states = [
        (wage(PEOPLE[0]), WageState.CURRENT),
        (wage(PEOPLE[0], supplements=9), WageState.SUPERSEDED),
        (wage(PEOPLE[0], JULY), state),
    ]
    known = registers([affiliation(PEOPLE[0])], states)
    assert no_change(known, "2026-07").accepted == 1
    assert codes(no_change(known, "2026-07", deposit=3)) == [["RECRET-5"]]


def test_one_file_repeats_month_after_month_in_any_order() -> None:
    earlier = (wage(PEOPLE[0], Period(2025, 11)), WageState.CURRENT)
    known = registers([affiliation(PEOPLE[0])], [earlier])
    outcome = no_change(known, "2026-01", "2026-02", "2025-12", "2026-04")
    assert codes(outcome) == [["RECRET-6"]]
    assert [(hint.record, hint.code) for hint in outcome.hints] == [(n, "RECRET-REPEATED") for n in (1, 2, 3)]
    months = [
        (one.key.period, one.record)
        for one in known.wages.counting([(EMPLOYER, PEOPLE[0])])[EMPLOYER, PEOPLE[0]]
    ]
    february = Period(2026, 2)
    assert months[1:] == [(Period(2025, 12), 3), (Period(2026, 1), 1), (february, 2)]
    assert known.wages.of_month(EMPLOYER, february)[0].key.last_day == 28


def test_a_wage_declared_afterwards_replaces_the_one_repeated() -> None:
    people = PEOPLE[:2]
    known = registers(list(map(affiliation, people)), [(wage(one), WageState.CURRENT) for one in people])
    assert no_change(known, "2026-07").accepted == 1
    fields = {"Employer": EMPLOYER, "Insured": people[0], "Period": "2026-07"}
    record = Record(1, 1, {**fields, "BaseWage": "4000.00", "WorkHours": "173"})
    context = Context(3, RECEIVED, SENDER, right("DECSAL"), known, sender_is_agency=False)
    assert decsal.handle(Batch(HEADER, [record]), context).accepted == 1
    standing = [(one.key.insured, one.deposit, one.base_wage) for one in known.wages.of_month(EMPLOYER, JULY)]
    assert standing == [(people[0], 3, 400000), (people[1], 2, 381240)]


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_many_wages_of_one_record_stand_in_every_register(implementation: str, tmp_path: Path) -> None:
    with IMPLEMENTATIONS[implementation](tmp_path, Seeds(mandates=[MANDATE])) as known:
        for place, insured in enumerate(PEOPLE, start=1):
            known.affiliations.open(affiliation(insured))
            known.wages.add([(wage(insured)._replace(record=place), WageState.CURRENT)])
        assert no_change(known, "2026-07").accepted == 1
        entered = known.wages.of_month(EMPLOYER, JULY)
        assert [(one.key.insured, one.deposit, one.record) for one in entered] == [
            (insured, 2, 1) for insured in PEOPLE
        ]
        known.wages.supersede([entered[0].key], 3)
        assert list(known.wages.of_month(EMPLOYER, JULY)) == list(entered[1:])
        pairs = [(EMPLOYER, insured) for insured in PEOPLE]
        counting = known.wages.counting(pairs)
        assert [len(counting[pair]) for pair in pairs] == [1, 2, 2, 2]
