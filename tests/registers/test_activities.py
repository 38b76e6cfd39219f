"""The register of activities abroad: in memory and on our tables alike, and what waits in it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from adapters.database import Database
from adapters.database.registers.activities import SqlActivities
from gateway.registers import Activity, ActivityState, Address, Identity, Registers
from tests import databases
from tests.databases import refused
from tests.procedures.registers_under_test import IMPLEMENTATIONS, Seeds

EMPLOYERS = ("2099990001299", "2099990003999")
INSURED = ("1893120105732", "1894050600302")
PAIRS = [(employer, insured) for employer in EMPLOYERS for insured in INSURED]
WORDS = ("posting", "third-country")
ENDS = st.sampled_from((ActivityState.REPLACED, ActivityState.CANCELLED))
ADDRESS = Address("12", "Rue de l'Exemple", "57000", "Metz", "BE")


def activity(record: int = 1, *, deposit: int = 1, month: int = 1, procedure: str = "posting") -> Activity:
    fields = {"Kind": "creation", "Town": 'Saarbrücken; "X"', "Reference": f"R-{record}"}
    return Activity(
        *PAIRS[0], procedure, date(2026, month, 1), date(2026, month, 28), deposit, record, fields
    )


@pytest.fixture(params=IMPLEMENTATIONS)
def registers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Registers]:
    """Each kind, knowing nothing."""
    with IMPLEMENTATIONS[request.param](tmp_path, Seeds()) as opened:
        yield opened


def test_what_is_current_or_held_stands_with_all_it_says(registers: Registers) -> None:
    current, held = activity(1, month=2), activity(2, month=1)
    registers.activities.add(current, ActivityState.CURRENT)
    registers.activities.add(held, ActivityState.HELD)
    assert registers.activities.standing(PAIRS) == {PAIRS[0]: [held, current]}
    assert registers.activities.standing(PAIRS[1:]) == {}
    assert list(registers.activities.held(PAIRS)) == [held]


@pytest.mark.parametrize("state", [ActivityState.REPLACED, ActivityState.CANCELLED])
def test_what_was_ended_stands_no_longer_and_may_come_again(
    registers: Registers, state: ActivityState
) -> None:
    registers.activities.add(activity(), ActivityState.HELD)
    registers.activities.end(activity(), state)
    assert registers.activities.standing(PAIRS) == {}
    assert list(registers.activities.held(PAIRS)) == []
    registers.activities.add(activity(2), ActivityState.CURRENT)
    assert registers.activities.standing(PAIRS) == {PAIRS[0]: [activity(2)]}


def test_a_released_activity_stands_and_is_held_no_longer(registers: Registers) -> None:
    held = [activity(1, month=1), activity(2, month=2)]
    for one in held:
        registers.activities.add(one, ActivityState.HELD)
    registers.activities.release(held[:1])
    assert registers.activities.standing(PAIRS) == {PAIRS[0]: held}
    assert list(registers.activities.held(PAIRS)) == held[1:]


def test_two_activities_of_one_procedure_cannot_begin_on_one_day(registers: Registers) -> None:
    registers.activities.add(activity(), ActivityState.CURRENT)
    registers.activities.add(activity(2, procedure="third-country"), ActivityState.CURRENT)
    with refused(getattr(registers.wages, "_connection", None)):
        registers.activities.add(activity(3), ActivityState.HELD)


def test_the_country_in_which_a_registered_person_lives_is_known(registers: Registers) -> None:
    number = registers.persons.assign(Identity("MULLER", "ZOE", date(1893, 12, 1)), "FR", ADDRESS)
    assert number is not None
    assert registers.persons.residences([number, INSURED[1]]) == {number: "BE"}
    assert registers.persons.residences([]) == {}


class Beside(RuleBasedStateMachine):
    """Both registers in one story, used as the handler uses them."""

    def __init__(self) -> None:
        super().__init__()
        self._open = ExitStack()
        self._record = 0

    @initialize()
    def begin(self) -> None:
        folder = Path(self._open.enter_context(tempfile.TemporaryDirectory()))
        self.both: list[Registers] = [
            self._open.enter_context(IMPLEMENTATIONS[name](folder, Seeds())) for name in ("memory", "tables")
        ]

    def teardown(self) -> None:
        self._open.close()

    @rule(
        pair=st.sampled_from(PAIRS),
        procedure=st.sampled_from(WORDS),
        month=st.integers(1, 4),
        deposit=st.integers(1, 3),
        held=st.booleans(),
    )
    def declare(self, pair: tuple[str, str], procedure: str, month: int, deposit: int, held: bool) -> None:
        self._record += 1
        days = date(2026, month, 1), date(2026, month, 28)
        new = Activity(*pair, procedure, *days, deposit, self._record, {"Reference": str(self._record)})
        if not any(one.first == new.first and one.procedure == procedure for one in self._known(pair)):
            for registers in self.both:
                registers.activities.add(new, ActivityState.HELD if held else ActivityState.CURRENT)

    @rule(pair=st.sampled_from(PAIRS), place=st.integers(0, 9), state=ENDS)
    def end(self, pair: tuple[str, str], place: int, state: ActivityState) -> None:
        known = self._known(pair)
        if known:
            for registers in self.both:
                registers.activities.end(known[place % len(known)], state)

    @rule(pairs=st.lists(st.sampled_from(PAIRS), unique=True))
    def release(self, pairs: list[tuple[str, str]]) -> None:
        held = list(self.both[0].activities.held(pairs))
        for registers in self.both:
            registers.activities.release(held[::2])

    def _known(self, pair: tuple[str, str]) -> list[Activity]:
        return list(self.both[0].activities.standing([pair]).get(pair, ()))

    @invariant()
    def they_say_the_same(self) -> None:
        if hasattr(self, "both"):
            memory, tables = self.both
            assert memory.activities.standing(PAIRS) == tables.activities.standing(PAIRS)
            assert list(memory.activities.held(PAIRS)) == list(tables.activities.held(PAIRS))


TestBeside = Beside.TestCase
TestBeside.settings = settings(
    max_examples=15, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """Tables with deposits 1 to 9 and nothing else."""
    with IMPLEMENTATIONS["tables"](tmp_path, Seeds()):
        pass
    opened = databases.at(tmp_path / "gateway.db")
    yield opened
    opened.close()


def test_only_what_is_still_on_hold_expires_and_its_deposits_are_named(database: Database) -> None:
    with database.write() as connection:
        register = SqlActivities(connection)
        released, ended, held = (activity(n, deposit=n, month=n) for n in (1, 2, 3))
        for one in (released, ended, held):
            register.add(one, ActivityState.HELD)
        assert register.decided == set()
        assert [one for one, _ in register.waiting()] == [released, ended, held]
        register.release([released])
        register.end(ended, ActivityState.CANCELLED)
        assert [register.expire(number, [1, 2, 3]) for number in (1, 2, 3)] == [set(), set(), {3}]
        assert register.decided == {1, 2, 3}
        assert list(register.waiting()) == []
        assert register.standing(PAIRS) == {PAIRS[0]: [released]}
