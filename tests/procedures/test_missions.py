"""DECINT: what stands in the registers afterwards, whatever the order in which missions are sent."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.calendar import is_working_day
from gateway.matricule import company_number, is_company_number, is_employer
from gateway.memory import MemoryAffiliations, MemoryMissions, MemoryWages
from gateway.outcome import Outcome
from gateway.procedures.agency.decint import ALL, DUE, FORM, LONGEST_GAP, RULES, Kind, handle
from gateway.procedures.declaration import decaff, decmal, decsal
from gateway.procedures.spans import Spans
from gateway.registers import Affiliation, Mission, Registers, WageState
from gateway.rejections import REJECTIONS, Level
from tests.procedures.registers_under_test import IMPLEMENTATIONS, Seeds
from tests.procedures.vector_files import WORLDS

WORLD = WORLDS["DECINT"]
GOOD: Mapping[str, str] = WORLD.content["good"]
AGENCY, WORKER, USER = GOOD["Employer"], GOOD["Insured"], GOOD["User"]
OTHER_USER = "2099990004799"
NAMES = {"Employer": AGENCY, "Insured": WORKER}
PAIR = (AGENCY, WORKER)


def handled(registers: Registers, *records: Mapping[str, str], deposit: int = 1) -> Outcome:
    return handle(WORLD.batch(*records), WORLD.context(registers, deposit))


def standing(registers: Registers) -> list[Mission]:
    return list(registers.missions.of([PAIR]).get(PAIR, ()))


def mission(first: str, last: str | None = None, user: str = USER) -> dict[str, str]:
    """A mission with both its dates, or its entry alone."""
    record = {**GOOD, "User": user, "Entry": first}
    if last is None:
        del record["Exit"]
        return {**record, "Kind": "entry"}
    return {**record, "Exit": last}


def exit_of(last: str, user: str = USER, **more: str) -> dict[str, str]:
    return {"Kind": "exit", **NAMES, "User": user, "Exit": last, **more}


def codes(outcome: Outcome) -> list[str]:
    return [anomaly.code for one in outcome.refusals for anomaly in one.anomalies]


def test_a_mission_is_entered_as_declared_with_its_affiliation() -> None:
    registers = WORLD.registers()
    record = {**mission("2026-08-03", "2026-08-07"), "Posting": "DE"}
    assert handled(registers, record, deposit=7).accepted == 1
    first, last = date(2026, 8, 3), date(2026, 8, 7)
    assert standing(registers) == [
        Mission(AGENCY, WORKER, USER, first, last, "D", "01", "8344", "DE", deposit=7, record=1)
    ]
    assert list(registers.affiliations.of([PAIR])[PAIR]) == [
        Affiliation(AGENCY, WORKER, first, last, "D", "01", USER)
    ]


def test_an_exit_ends_the_mission_and_its_affiliation_and_keeps_their_history() -> None:
    registers = WORLD.registers()
    handled(registers, mission("2026-08-03"))
    (before,) = standing(registers)
    handled(registers, exit_of("2026-08-31"), deposit=2)
    (after,) = standing(registers)
    assert after == before._replace(exit=date(2026, 8, 31), deposit=2)
    assert list(registers.affiliations.of([PAIR])[PAIR]) == [after.affiliation]
    assert isinstance(registers.missions, MemoryMissions)
    assert isinstance(registers.affiliations, MemoryAffiliations)
    assert registers.missions.history == [before]
    assert registers.affiliations.history == [before.affiliation]


def test_an_exit_ends_the_mission_at_its_own_user_company() -> None:
    registers = WORLD.registers()
    handled(registers, mission("2026-08-03"), mission("2026-08-03", user=OTHER_USER))
    assert handled(registers, exit_of("2026-08-31", OTHER_USER)).accepted == 1
    assert [(one.user, one.exit) for one in standing(registers)] == [
        (USER, None),
        (OTHER_USER, date(2026, 8, 31)),
    ]


def test_an_exit_that_names_its_entry_ends_that_one_of_two() -> None:
    registers = WORLD.registers()
    handled(registers, mission("2026-08-03"), mission("2026-08-05"))
    assert handled(registers, exit_of("2026-08-31", Entry="2026-08-03")).accepted == 1
    assert [one.exit for one in standing(registers)] == [date(2026, 8, 31), None]


def test_two_missions_that_begin_on_one_day_are_two_affiliations() -> None:
    registers = WORLD.registers()
    records = [mission("2026-08-03", "2026-08-07", user) for user in (USER, OTHER_USER)]
    outcome = handled(registers, *records)
    assert (outcome.accepted, [hint.code for hint in outcome.hints]) == (2, ["INTRET-OVERLAP"])
    assert [one.user for one in registers.affiliations.of([PAIR])[PAIR]] == [USER, OTHER_USER]


def test_a_forgotten_mission_comes_in_once_the_later_one_is_cancelled() -> None:
    registers = WORLD.registers()
    late = mission("2026-08-10", "2026-08-14")
    forgotten = mission("2026-08-03", "2026-08-07", OTHER_USER)
    handled(registers, late)
    assert codes(handled(registers, forgotten)) == ["INTRET-ORDER"]
    struck = {
        "Kind": "cancellation",
        **NAMES,
        "User": USER,
        "PreviousEntry": "2026-08-10",
        "PreviousExit": "2026-08-14",
    }
    assert handled(registers, struck, forgotten, late).accepted == 3
    assert [one.entry.day for one in standing(registers)] == [3, 10]


def test_a_wage_on_hold_counts_once_the_mission_is_declared() -> None:
    registers = WORLD.registers()
    wage = {**NAMES, "Period": "2026-07", "BaseWage": "1500.00", "WorkHours": "80"}
    assert decsal.handle(WORLD.batch(wage), WORLD.context(registers)).held == 1
    handled(registers, mission("2026-06-01", "2026-06-30"), deposit=2)
    assert isinstance(registers.wages, MemoryWages)
    assert [state for _, state in registers.wages.all()] == [WageState.HELD]
    handled(registers, mission("2026-07-31", "2026-08-07"), deposit=3)
    assert [state for _, state in registers.wages.all()] == [WageState.CURRENT]


def test_wages_and_incapacities_find_the_worker_insured_by_missions() -> None:
    registers = WORLD.registers()
    handled(registers, mission("2026-07-01", "2026-07-20"), mission("2026-07-16", "2026-07-31", OTHER_USER))
    context = WORLD.context(registers, 2)
    wage = {**NAMES, "Period": "2026-07", "BaseWage": "3000.00", "WorkHours": "173"}
    assert decsal.handle(WORLD.batch(wage), context).accepted == 1
    ill = {
        "Kind": "declaration",
        **NAMES,
        "Period": "2026-07",
        "IncapacityType": "1",
        "Start": "2026-07-10",
        "End": "2026-07-28",
        "Hours": "100",
    }
    assert decmal.handle(WORLD.batch(ill), context).accepted == 1


def test_staff_and_missions_never_share_a_day_whichever_comes_first() -> None:
    staff = {**WORLDS["DECAFF"].content["good"], **NAMES, "Entry": "2026-08-05"}
    lent = mission("2026-08-03", "2026-08-07")
    first = WORLD.registers()
    assert handled(first, lent).accepted == 1
    refused = decaff.handle(WORLD.batch(staff), WORLD.context(first))
    assert codes(refused) == ["AFFRET-MISSION"]
    second = WORLD.registers()
    assert decaff.handle(WORLD.batch(staff), WORLD.context(second)).accepted == 1
    assert codes(handled(second, lent)) == ["INTRET-STAFF"]
    later = {**staff, "Entry": "2026-08-08"}
    assert decaff.handle(WORLD.batch(later), WORLD.context(first)).accepted == 1


@pytest.mark.parametrize("kind", Kind)
def test_a_record_that_states_nothing_gets_every_code_of_what_is_due(kind: Kind) -> None:
    (refusal,) = handled(WORLD.registers(), {"Kind": kind, **NAMES}).refusals
    due = {(one.code, one.field) for one in DUE if kind in one.kinds}
    assert {(one.code, one.field) for one in refusal.anomalies} == due


def test_the_tables_name_only_known_codes_and_fields() -> None:
    for code, field in {(row.code, row.field) for row in (*DUE, *RULES)}:
        assert REJECTIONS[code].level is Level.RECORD
        assert field in FORM.fields
    assert frozenset(Kind) == ALL


def test_numbers_of_the_series_of_foreign_companies_are_told_from_others() -> None:
    assert is_company_number(company_number(2026, 1) or "")
    assert is_company_number(company_number(2026, 9999) or "")
    for other in (USER, WORKER, "2026990001701", "2026990001800", "2026990000700", "", "2026990001700 "):
        assert not is_company_number(other)
    assert is_employer(USER)


# Any sequence of records, against the plain way to say it

FIRST = date(2026, 1, 5)
USERS = (USER, OTHER_USER)


class Step(NamedTuple):
    """One record: days are counted from `FIRST`; `length` None leaves the end open."""

    kind: Kind
    user: str
    day: int
    length: int | None
    old: int

    def record(self, known: Sequence[Mission]) -> dict[str, str]:
        """The record; what it names, if anything, is one of those that were ever there."""
        entry = FIRST + timedelta(self.day)
        last = None if self.length is None else entry + timedelta(self.length)
        text = last.isoformat() if last else None
        if self.kind in (Kind.MISSION, Kind.ENTRY):
            return mission(entry.isoformat(), text, self.user)
        if self.kind is Kind.EXIT:
            return exit_of(text or entry.isoformat(), self.user)
        old = known[self.old % len(known)] if known else None
        named = {"PreviousEntry": (old.entry if old else entry).isoformat()}
        if old is not None and old.exit is not None:
            named["PreviousExit"] = old.exit.isoformat()
        user = old.user if old else self.user
        if self.kind is Kind.CHANGE:
            return {**mission(entry.isoformat(), text, user), "Kind": "change", **named}
        return {"Kind": "cancellation", **NAMES, "User": user, **named}


steps = st.lists(
    st.builds(
        Step,
        kind=st.sampled_from([Kind.MISSION, Kind.MISSION, Kind.ENTRY, Kind.EXIT, *Kind]),
        user=st.sampled_from(USERS),
        day=st.integers(0, 20),
        length=st.none() | st.integers(0, 6),
        old=st.integers(0, 9),
    ),
    max_size=12,
)


@contextmanager
def registers_of(kind: str) -> Iterator[Registers]:
    """Registers that know nothing."""
    with (
        tempfile.TemporaryDirectory() as folder,
        IMPLEMENTATIONS[kind](Path(folder), Seeds()) as opened,
    ):
        yield opened


class Model:
    """The rules said plainly, over a list of missions."""

    def __init__(self) -> None:
        self.spans: dict[tuple[str, date], date | None] = {}

    def verdict(self, record: Mapping[str, str]) -> tuple[str | None, set[str]]:
        """The code that refuses a record, or None when it takes effect; and the hints."""
        kind, user = Kind(record["Kind"]), record["User"]
        entry, last, was = (
            date.fromisoformat(record[name]) if name in record else None
            for name in ("Entry", "Exit", "PreviousEntry")
        )
        if kind is Kind.EXIT:
            assert last is not None
            return self._ended(user, last)
        old = None if was is None else (user, was)
        if old is not None and (wrong := self._misnamed(old, record)):
            return wrong, set()
        if entry is None and old is not None:
            del self.spans[old]
            return None, set()
        assert entry is not None
        return self._stated((user, entry), last, old)

    def _ended(self, user: str, last: date) -> tuple[str | None, set[str]]:
        running = [key for key, end in self.spans.items() if key[0] == user and end is None]
        if len(running) != 1:
            return "INTRET-4" if running else "INTRET-NONE", set()
        return ("INTRET-11", set()) if last < running[0][1] else self._stand(running[0], last)

    def _misnamed(self, old: tuple[str, date], record: Mapping[str, str]) -> str | None:
        if old not in self.spans:
            return "INTRET-10" if record["Kind"] == "change" else "INTRET-NONE"
        return "INTRET-14" if str(self.spans[old]) != record.get("PreviousExit", "None") else None

    def _stated(
        self, key: tuple[str, date], last: date | None, old: tuple[str, date] | None
    ) -> tuple[str | None, set[str]]:
        if key in self.spans and key != old:
            return "INTRET-KNOWN", set()
        if old is None and any(begun > key[1] for _, begun in self.spans):
            return "INTRET-ORDER", set()
        if old is not None:
            del self.spans[old]
        return self._stand(key, last)

    def _stand(self, key: tuple[str, date], last: date | None) -> tuple[None, set[str]]:
        self.spans[key] = last
        mine = self.days(key)
        others = {one: self.days(one) for one in self.spans if one != key}
        hints = {"INTRET-OVERLAP"} if any(mine & days for days in others.values()) else set()
        there = set().union(*(days for one, days in others.items() if one[0] == key[0]))
        for edge, way in ((min(mine), -1), (max(mine), 1)):
            beyond = [edge + timedelta(way * n) for n in range(1, LONGEST_GAP + 2)]
            taken = next((place for place, day in enumerate(beyond) if day in there), 0)
            if any(is_working_day(day) for day in beyond[:taken]):
                hints.add("INTRET-GAP")
        return None, hints

    def days(self, key: tuple[str, date]) -> set[date]:
        end = self.spans[key] or FIRST + timedelta(100)
        return {key[1] + timedelta(n) for n in range((end - key[1]).days + 1)}


Told = tuple[list[str], set[str]]
"""The codes and the hints of one record."""


def play(registers: Registers, records: Sequence[Mapping[str, str]], cuts: Sequence[int]) -> list[Told]:
    """What each record is told; the records cut into files before these places."""
    found: list[Told] = []
    edges = [0, *(cut for cut in cuts if cut < len(records)), len(records)]
    for deposit, (first, after) in enumerate(pairwise(edges), start=1):
        outcome = handled(registers, *records[first:after], deposit=deposit)
        refused = {one.record.number: [each.code for each in one.anomalies] for one in outcome.refusals}
        hints: dict[int | None, set[str]] = {}
        for hint in outcome.hints:
            hints.setdefault(hint.record, set()).add(hint.code)
        found += [(refused.get(n, []), hints.get(n, set())) for n in range(1, after - first + 1)]
    return found


def recorded(given_steps: Sequence[Step]) -> list[dict[str, str]]:
    """The records of a story: each names what stands when it is written."""
    registers = WORLD.registers()
    records = []
    for step in given_steps:
        records.append(step.record(standing(registers)))
        handled(registers, records[-1])
    return records


@pytest.mark.parametrize(("kind", "examples"), [("memory", 200), ("tables", 20)])
def test_what_stands_is_what_was_accepted_whatever_is_sent(kind: str, examples: int) -> None:
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(steps)
    def run(given_steps: list[Step]) -> None:
        model = Model()
        with registers_of(kind) as registers:
            for number, step in enumerate(given_steps, start=1):
                record = step.record(standing(registers))
                outcome = handle(
                    WORLD.batch(record),
                    replace(WORLD.context(WORLD.registers(), 1 + number % 9), registers=registers),
                )
                code, hints = model.verdict(record)
                assert codes(outcome) == ([] if code is None else [code])
                assert {hint.code for hint in outcome.hints} == hints
                now = {(one.user, one.entry): one.exit for one in standing(registers)}
                assert now == model.spans
                insured = registers.affiliations.of([PAIR]).get(PAIR, ())
                assert list(insured) == [one.affiliation for one in standing(registers)]

    run()


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps, st.sets(st.integers(1, 11)))
def test_one_file_or_several_give_the_same_verdicts(given_steps: list[Step], cuts: set[int]) -> None:
    whole, parts = WORLD.registers(), WORLD.registers()
    records = recorded(given_steps)
    assert play(whole, records, ()) == play(parts, records, sorted(cuts))
    assert [one._replace(deposit=0, record=0) for one in standing(whole)] == [
        one._replace(deposit=0, record=0) for one in standing(parts)
    ]


spans = st.tuples(st.integers(0, 40), st.none() | st.integers(0, 10)).map(
    lambda drawn: (
        FIRST + timedelta(drawn[0]),
        None if drawn[1] is None else FIRST + timedelta(drawn[0] + drawn[1]),
    )
)


@given(st.lists(spans, max_size=12), st.sets(st.integers(0, 11)), spans)
def test_spans_that_share_a_day_are_counted(
    added: list[tuple[date, date | None]], removed: set[int], asked: tuple[date, date | None]
) -> None:
    counted = Spans()
    for first, last in added:
        counted.add(first, last)
    for place in removed & set(range(len(added))):
        counted.remove(*added[place])
    left = [one for place, one in enumerate(added) if place not in removed]
    end = asked[1] or date.max
    assert counted.sharing(*asked) == sum(
        first <= end and (last is None or last >= asked[0]) for first, last in left
    )
    assert counted.any_open == any(last is None for _, last in left)
    assert counted.latest_first == max((first for first, _ in left), default=None)


def test_one_worker_with_very_many_missions_stays_quick() -> None:
    """Thousands of records for one worker, as a hostile sender might: no step looks at all of them."""
    day = date(1950, 1, 1)
    many = [mission((day + timedelta(n)).isoformat(), (day + timedelta(n)).isoformat()) for n in range(5000)]
    outcome = handled(WORLD.registers(), *many)
    assert (outcome.accepted, list(outcome.hints)) == (5000, [])
