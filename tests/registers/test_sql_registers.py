"""The registers on our tables beside those in memory: asked the same, they answer the same.

What each keeps is tested one promise at a time in `tests/procedures/test_registers.py`. Here both go
through the same long stories, and what only tables can do is tested: to roll back, to last, to refuse.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import date
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from adapters.database import Database
from adapters.database.registers import bind
from adapters.database.registers.activities import SqlActivities
from adapters.database.registers.wages import SqlWages
from gateway.matricule import person_number
from gateway.moments import Period
from gateway.registers import (
    Absence,
    AbsenceState,
    Activity,
    ActivityState,
    Address,
    Affiliation,
    Company,
    Identity,
    InsuredMonth,
    Mission,
    Registers,
    Wage,
    WageKey,
    WageState,
)
from tests import databases
from tests.databases import refused
from tests.procedures.registers_under_test import IMPLEMENTATIONS, Seeds

EMPLOYERS = ("2099990001299", "2099990003999")
INSURED = ("1893120105732", "1894050600302", "1895010100151")
PERIODS = (Period(2026, 6), Period(2026, 7))
SPANS = ((1, 31), (1, 15), (16, 31))
ENTRIES = tuple(date(2020 + year, 1, 1) for year in range(4))
DEPOSITS = range(1, 10)
"""Those that `tests/procedures/registers_under_test.py` enters."""

USERS = ("2099990002099", "2099990004799")

PAIRS = [(employer, insured) for employer in EMPLOYERS for insured in INSURED]
KEYS = [WageKey(*pair, period, *span) for pair in PAIRS for period in PERIODS for span in SPANS]
MONTHS = [InsuredMonth(*pair, period) for pair in PAIRS for period in PERIODS]
IDENTITIES = [
    Identity(surname, "ANNA", born)
    for surname in ("MUSTER", "MULLER", "O'NEIL", "D%_E", 'Q"X')
    for born in (date(1896, 2, 29), date(1896, 3, 1))
]
"""Born on days on which none of the insured was: numbers are told apart by their own tests."""
ADDRESS = Address("12", "Rue de l'Exemple", "57000", "Metz", "FR")
COMPANIES = [
    Company(name, replace(ADDRESS, number=number))
    for name in ("Exemple", "exemple", "D%_E", 'Q"X')
    for number in ("12", "12A")
]

amounts = st.one_of(st.just(0), st.integers(1, 99_999_999_999))


def wages(deposit: int) -> st.SearchStrategy[list[tuple[Wage, bool]]]:
    """The wages of a batch, each key once, and whether each has its affiliation."""
    one = st.builds(
        Wage,
        key=st.sampled_from(KEYS),
        deposit=st.just(deposit),
        record=st.just(0),
        base_wage=amounts,
        work_hours=st.integers(0, 999),
        supplements=amounts,
        overtime_pay=amounts,
        overtime_hours=st.integers(0, 99_999),
        gratuities=amounts,
        unemployment_pay=amounts,
        inactive_hours=st.integers(0, 999),
        non_pensionable=amounts,
        capped=st.booleans(),
        reference=st.none() | st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40),
    )
    return st.lists(st.tuples(one, st.booleans()), max_size=8, unique_by=lambda given: given[0].key)


class Beside(RuleBasedStateMachine):
    """Both registers in one story, used as the handlers use them."""

    def __init__(self) -> None:
        super().__init__()
        self._open = ExitStack()
        self._treated: set[int] = set()

    @initialize()
    def begin(self) -> None:
        folder = Path(self._open.enter_context(tempfile.TemporaryDirectory()))
        self.both: list[Registers] = [
            self._open.enter_context(IMPLEMENTATIONS[name](folder, Seeds())) for name in ("memory", "tables")
        ]

    def teardown(self) -> None:
        self._open.close()

    @rule(deposit=st.sampled_from(DEPOSITS), given=st.data())
    def declare(self, deposit: int, given: st.DataObject) -> None:
        """A batch of wages, also one whose deposit is older than what stands (`decsal.handle`)."""
        if deposit in self._treated:
            return
        self._treated.add(deposit)
        batch = given.draw(wages(deposit))
        numbered = [(one._replace(record=place), held) for place, (one, held) in enumerate(batch, start=1)]
        keys = [one.key for one, _ in numbered]
        memory, tables = (registers.wages.standing(keys) for registers in self.both)
        assert memory == tables
        states = [
            WageState.SUPERSEDED
            if memory.get(one.key, 0) > deposit
            else (WageState.HELD if held else WageState.CURRENT)
            for one, held in numbered
        ]
        for registers in self.both:
            registers.wages.supersede([key for key, earlier in memory.items() if earlier < deposit], deposit)
            registers.wages.add((one, state) for (one, _), state in zip(numbered, states, strict=True))

    @rule(deposit=st.sampled_from(DEPOSITS), month=st.sampled_from(MONTHS), day=st.integers(1, 28))
    def be_absent(self, deposit: int, month: InsuredMonth, day: int) -> None:
        """An incapacity of a day on which none stands, or one that was wiped in its own file."""
        first = month.period.first.replace(day=day)
        one = Absence(month, "1", first, first, 8, deposit, day)
        stands = first in {known.first for known in self.both[0].absences.standing([month]).get(month, ())}
        for registers in self.both:
            state = AbsenceState.CANCELLED if stands else AbsenceState.CURRENT
            registers.absences.add([(one, state)])

    @rule(months=st.lists(st.sampled_from(MONTHS), unique=True, max_size=3))
    def be_present_after_all(self, months: list[InsuredMonth]) -> None:
        """Cancellations (`decmal.handle`)."""
        for registers in self.both:
            registers.absences.cancel(months)

    @rule(pairs=st.lists(st.sampled_from(PAIRS), unique=True))
    def release(self, pairs: list[tuple[str, str]]) -> None:
        """The affiliation of some held wages has come (`held.release`)."""
        memory, tables = (list(registers.wages.held(pairs)) for registers in self.both)
        assert memory == tables
        for registers in self.both:
            registers.wages.release(memory[::2])

    @rule(
        pair=st.sampled_from(PAIRS),
        entry=st.sampled_from(ENTRIES),
        contract=st.sampled_from("IDE"),
        trial=st.none() | st.just(date(2024, 3, 31)),
    )
    def enter(self, pair: tuple[str, str], entry: date, contract: str, trial: date | None) -> None:
        """An affiliation that is not there yet."""
        new = Affiliation(*pair, entry, None, contract, "03", trial=trial)
        if entry not in {one.entry for one in self._known(pair)}:
            for registers in self.both:
                registers.affiliations.open(new)

    @rule(
        pair=st.sampled_from(PAIRS),
        entry=st.sampled_from(ENTRIES),
        last=st.none() | st.sampled_from((date(2026, 7, 31), date(2026, 12, 31))),
        place=st.integers(0, 9),
    )
    def change(self, pair: tuple[str, str], entry: date, last: date | None, place: int) -> None:
        """An exit, or a change of the entry to a day on which no other begins."""
        known = self._known(pair)
        if known:
            old = known[place % len(known)]
            free = entry not in {one.entry for one in known if one != old}
            new = old._replace(entry=entry if free else old.entry, exit=last)
            for registers in self.both:
                registers.affiliations.replace(old, new)

    @rule(pair=st.sampled_from(PAIRS), place=st.integers(0, 9))
    def cancel(self, pair: tuple[str, str], place: int) -> None:
        known = self._known(pair)
        if known:
            for registers in self.both:
                registers.affiliations.cancel(known[place % len(known)])

    @rule(
        pair=st.sampled_from(PAIRS),
        user=st.sampled_from(USERS),
        entry=st.sampled_from(ENTRIES),
        deposit=st.sampled_from(DEPOSITS),
        posting=st.none() | st.just("DE"),
    )
    def lend(self, pair: tuple[str, str], user: str, entry: date, deposit: int, posting: str | None) -> None:
        """A mission that is not there yet, and the affiliation it brings (`decint.handle`)."""
        new = Mission(*pair, user, entry, None, "D", "01", "9329", posting, deposit, 1)
        if (user, entry) not in {(one.user, one.entry) for one in self._lent(pair)}:
            for registers in self.both:
                registers.missions.open(new)
                registers.affiliations.open(new.affiliation)

    @rule(pair=st.sampled_from(PAIRS), place=st.integers(0, 9), last=st.none() | st.just(date(2026, 7, 31)))
    def end(self, pair: tuple[str, str], place: int, last: date | None) -> None:
        """An exit of a mission, or without a date its cancellation."""
        if known := self._lent(pair):
            old = known[place % len(known)]
            new = old._replace(exit=last, record=2)
            for registers in self.both:
                if last is None:
                    registers.missions.cancel(old)
                    registers.affiliations.cancel(old.affiliation)
                else:
                    registers.missions.replace(old, new)
                    registers.affiliations.replace(old.affiliation, new.affiliation)

    @rule(asked=st.lists(st.sampled_from(IDENTITIES), unique=True))
    def ask_for_numbers(self, asked: list[Identity]) -> None:
        """Numbers for those who have none (`demmat.handle`)."""
        memory, tables = (dict(registers.persons.find(asked)) for registers in self.both)
        assert memory == tables
        for identity in asked:
            if identity not in memory:
                first, second = (registers.persons.assign(identity, "FR", ADDRESS) for registers in self.both)
                assert first == second

    @rule(asked=st.lists(st.sampled_from(COMPANIES), unique=True), year=st.sampled_from((2026, 2027)))
    def ask_for_numbers_of_companies(self, asked: list[Company], year: int) -> None:
        """Numbers for those that have none (`demuti.handle`)."""
        memory, tables = (dict(registers.companies.find(asked)) for registers in self.both)
        assert memory == tables
        for company in asked:
            if company not in memory:
                first, second = (registers.companies.assign(company, year) for registers in self.both)
                assert first == second

    def _known(self, pair: tuple[str, str]) -> list[Affiliation]:
        found = self.both[0].affiliations.of([pair]).get(pair, ())
        return [one for one in found if one.user is None]

    def _lent(self, pair: tuple[str, str]) -> list[Mission]:
        return list(self.both[0].missions.of([pair]).get(pair, ()))

    @invariant()
    def they_say_the_same(self) -> None:
        if not hasattr(self, "both"):
            return
        memory, tables = self.both
        assert memory.wages.standing(KEYS) == tables.wages.standing(KEYS)
        assert list(memory.wages.held(PAIRS)) == list(tables.wages.held(PAIRS))
        assert _lists(memory) == _lists(tables)
        assert _missions(memory) == _missions(tables)
        assert [one.affiliation for one in chain.from_iterable(_missions(memory).values())] == [
            one for one in chain.from_iterable(_lists(memory).values()) if one.user is not None
        ]
        assert memory.wages.hours(MONTHS) == tables.wages.hours(MONTHS)
        for employer in EMPLOYERS:
            assert _month(memory, employer) == _month(tables, employer)
        assert _absences(memory) == _absences(tables)
        for months in ((PERIODS[0], PERIODS[1]), (PERIODS[1], PERIODS[1]), (PERIODS[1], PERIODS[0])):
            asked = (registers.absences.of_pairs(PAIRS[1:], *months) for registers in self.both)
            known, same = ({pair: list(found) for pair, found in each.items()} for each in asked)
            assert known == same
        assert memory.persons.find(IDENTITIES) == tables.persons.find(IDENTITIES)
        assert memory.companies.find(COMPANIES) == tables.companies.find(COMPANIES)


def _month(registers: Registers, employer: str) -> list[object]:
    """What was declared for a month, and who was affiliated in it."""
    period = PERIODS[1]
    staff = registers.affiliations.during(employer, period.first, period.last)
    return [*registers.wages.of_month(employer, period), *staff]


def _lists(registers: Registers) -> dict[tuple[str, str], list[Affiliation]]:
    found = registers.affiliations.of(PAIRS)
    return {pair: list(found[pair]) for pair in PAIRS if pair in found}


def _missions(registers: Registers) -> dict[tuple[str, str], list[Mission]]:
    found = registers.missions.of(PAIRS)
    return {pair: list(found[pair]) for pair in PAIRS if pair in found}


def _absences(registers: Registers) -> dict[InsuredMonth, list[Absence]]:
    return {month: list(known) for month, known in registers.absences.standing(MONTHS).items()}


TestBeside = Beside.TestCase
TestBeside.settings = settings(
    max_examples=25, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
)


# What only tables can do

AFFILIATION = Affiliation(*PAIRS[0], ENTRIES[0], None, "I", "03")
MISSION = Mission(*PAIRS[0], USERS[0], ENTRIES[0], None, "D", "01", "9329", None, 1, 1)
WAGE = Wage(KEYS[0], 1, 1, 381240, 173, 0, 0, 0, 0, 0, 0, 0, False, None)
ACTIVITY = Activity(*PAIRS[0], "posting", date(2026, 1, 1), date(2026, 1, 31), 1, 1, {})
ABSENCE = Absence(MONTHS[0], "1", date(2026, 6, 1), date(2026, 6, 5), 40, 1, 1)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """Tables with deposits 1 to 9 and nothing else."""
    with IMPLEMENTATIONS["tables"](tmp_path, Seeds()):
        pass
    opened = databases.at(tmp_path / "gateway.db")
    yield opened
    opened.close()


@contextmanager
def transaction(database: Database) -> Iterator[Registers]:
    """The registers in the transaction of one batch."""
    with database.write() as connection:
        yield bind(connection, SqlWages(connection), SqlActivities(connection))


def _fill(registers: Registers) -> None:
    registers.affiliations.open(AFFILIATION)
    registers.missions.open(MISSION)
    registers.wages.add([(WAGE, WageState.CURRENT)])
    registers.absences.add([(ABSENCE, AbsenceState.CURRENT)])
    assert registers.persons.assign(IDENTITIES[0], "FR", ADDRESS) is not None
    assert registers.companies.assign(COMPANIES[0], 2026) is not None


def _all_of_it(registers: Registers) -> list[object]:
    return [
        dict(registers.wages.standing(KEYS)),
        _lists(registers),
        _missions(registers),
        _absences(registers),
        dict(registers.persons.find(IDENTITIES)),
        dict(registers.companies.find(COMPANIES)),
    ]


class Stop(Exception):
    """Something goes wrong in the middle of a batch."""


def test_what_was_entered_lasts(database: Database) -> None:
    with transaction(database) as registers:
        _fill(registers)
        before = _all_of_it(registers)
    database.close()
    with transaction(database) as registers:
        assert _all_of_it(registers) == before
    assert all(before)


def test_a_batch_broken_off_leaves_nothing(database: Database) -> None:
    with pytest.raises(Stop), transaction(database) as registers:
        _fill(registers)
        raise Stop
    with transaction(database) as registers:
        assert _all_of_it(registers) == [{}, {}, {}, {}, {}, {}]


def test_a_batch_broken_off_brings_back_what_it_replaced(database: Database) -> None:
    with transaction(database) as registers:
        _fill(registers)
        before = _all_of_it(registers)
    with pytest.raises(Stop), transaction(database) as registers:
        registers.affiliations.replace(AFFILIATION, AFFILIATION._replace(exit=date(2026, 7, 31)))
        registers.missions.replace(MISSION, MISSION._replace(exit=date(2026, 7, 31)))
        registers.wages.standing([WAGE.key])
        registers.wages.supersede([WAGE.key], 2)
        registers.wages.add([(WAGE._replace(deposit=2), WageState.HELD)])
        raise Stop
    with transaction(database) as registers:
        assert _all_of_it(registers) == before


def test_two_transactions_give_two_persons_two_numbers(database: Database) -> None:
    one, two = IDENTITIES[0], replace(IDENTITIES[0], surname="OTHER")
    with transaction(database) as registers:
        first = registers.persons.assign(one, "FR", ADDRESS)
    with transaction(database) as registers:
        second = registers.persons.assign(two, "FR", ADDRESS)
        assert registers.persons.find([one, two]) == {one: first, two: second}
    assert first != second


def test_a_number_of_a_batch_broken_off_is_free_again(database: Database) -> None:
    with pytest.raises(Stop), transaction(database) as registers:
        taken_back = registers.persons.assign(IDENTITIES[0], "FR", ADDRESS)
        raise Stop
    with transaction(database) as registers:
        assert registers.persons.assign(IDENTITIES[0], "FR", ADDRESS) == taken_back


def test_the_deposits_that_may_have_come_to_their_end_are_named(database: Database) -> None:
    with database.write() as connection:
        wages = SqlWages(connection)
        held = [
            (WAGE._replace(key=key, deposit=number), WageState.HELD)
            for number, key in enumerate(KEYS[:4], start=1)
        ]
        wages.add(held)
        assert wages.decided == set()
        wages.release([held[0][0]])
        keys = [held[1][0].key]
        wages.standing(keys)
        wages.supersede(keys, 9)
        assert wages.expire(3, [1, 2]) == {1}
        assert wages.decided == {1, 2, 3}


def test_a_wage_that_was_decided_does_not_expire(database: Database) -> None:
    with database.write() as connection:
        wages = SqlWages(connection)
        released, held = WAGE, WAGE._replace(key=KEYS[1], record=2)
        wages.add([(released, WageState.HELD), (held, WageState.HELD)])
        wages.release([released])
        assert wages.expire(1, [1, 2]) == {2}
        assert [one for one, _ in wages.waiting()] == []
        assert wages.standing([WAGE.key, KEYS[1]]) == {WAGE.key: 1}


@pytest.fixture(params=IMPLEMENTATIONS)
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Registers]:
    """Each kind, knowing nothing."""
    with IMPLEMENTATIONS[request.param](tmp_path, Seeds()) as opened:
        yield opened


def test_a_number_under_which_somebody_is_affiliated_is_not_given(empty: Registers) -> None:
    born = IDENTITIES[0].born
    known = [person_number(born, serial) for serial in (1, 2, 4)]
    for insured in known:
        empty.affiliations.open(AFFILIATION._replace(insured=insured))
    given = [
        empty.persons.assign(replace(IDENTITIES[0], surname=f"NAME {letter}"), "FR", ADDRESS)
        for letter in "ABC"
    ]
    assert None not in given
    assert len({*known, *given}) == 6


def test_an_employer_cannot_use_up_the_numbers_of_a_birth_date(empty: Registers) -> None:
    """Any number with right check digits may be declared in a DECAFF, also the last of a day."""
    empty.affiliations.open(AFFILIATION._replace(insured=person_number(IDENTITIES[0].born, 999)))
    assert empty.persons.assign(IDENTITIES[0], "FR", ADDRESS) is not None


# What no handler does, but a fault might: it is refused, by either kind, before it counts twice.


@pytest.fixture(params=IMPLEMENTATIONS)
def registers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Registers]:
    """Each kind, with an affiliation, a wage that counts and a person."""
    with IMPLEMENTATIONS[request.param](tmp_path, Seeds()) as opened:
        _fill(opened)
        yield opened


def test_the_same_affiliation_cannot_stand_twice(registers: Registers) -> None:
    with refused(getattr(registers.wages, "_connection", None)):
        registers.affiliations.open(AFFILIATION)


def test_what_does_not_stand_cannot_be_replaced(registers: Registers) -> None:
    absent = AFFILIATION._replace(entry=ENTRIES[1])
    with refused(getattr(registers.wages, "_connection", None)):
        registers.affiliations.replace(absent, absent._replace(exit=date(2026, 7, 31)))


def test_what_does_not_stand_cannot_be_cancelled(registers: Registers) -> None:
    with refused(getattr(registers.wages, "_connection", None)):
        registers.affiliations.cancel(AFFILIATION._replace(entry=ENTRIES[1]))


def test_the_same_mission_cannot_stand_twice(registers: Registers) -> None:
    with refused(getattr(registers.wages, "_connection", None)):
        registers.missions.open(MISSION._replace(exit=date(2026, 7, 31), deposit=2))


def test_a_mission_that_does_not_stand_cannot_be_replaced_or_cancelled(registers: Registers) -> None:
    absent = MISSION._replace(user=USERS[1])
    with refused(getattr(registers.wages, "_connection", None)):
        registers.missions.replace(absent, absent._replace(exit=date(2026, 7, 31)))
    with refused(getattr(registers.wages, "_connection", None)):
        registers.missions.cancel(absent)


@pytest.mark.parametrize("state", [WageState.CURRENT, WageState.HELD])
def test_two_wages_cannot_stand_under_one_key(registers: Registers, state: WageState) -> None:
    with refused(getattr(registers.wages, "_connection", None)):
        registers.wages.add([(WAGE._replace(deposit=2), state)])


def test_two_incapacities_cannot_begin_on_one_day(registers: Registers) -> None:
    with refused(getattr(registers.wages, "_connection", None)):
        registers.absences.add([(ABSENCE._replace(deposit=2), AbsenceState.CURRENT)])


def test_one_person_has_one_number(registers: Registers) -> None:
    with refused(getattr(registers.wages, "_connection", None)):
        registers.persons.assign(IDENTITIES[0], "FR", ADDRESS)


def test_one_company_has_one_number(registers: Registers) -> None:
    with refused(getattr(registers.wages, "_connection", None)):
        registers.companies.assign(COMPANIES[0], 2027)


# A national register has millions of rows


@pytest.mark.embedded
def test_no_question_reads_a_whole_register(database: Database) -> None:
    """SQLite tells how it would go about each statement: nothing but the keys asked for is scanned."""

    def reads_one_row(step: str) -> bool:
        """Nothing, or the last entry of the journal, read from its end."""
        last = step.startswith("SCAN journal:") and "ORDER BY sequence DESC LIMIT 1" in step
        return last or step.startswith("SCAN CONSTANT ROW")

    with transaction(database) as registers, databases.plans(database.engine) as steps:
        registers.wages.standing([WAGE.key])
        registers.wages.supersede([WAGE.key], 2)
        registers.wages.held([PAIRS[0]])
        registers.wages.release([WAGE])
        registers.wages.hours([MONTHS[0]])
        registers.absences.standing([MONTHS[0]])
        registers.absences.cancel([MONTHS[0]])
        registers.absences.of_pairs([PAIRS[0]], *PERIODS)
        registers.activities.standing([PAIRS[0]])
        registers.activities.held([PAIRS[0]])
        registers.activities.release([ACTIVITY])
        registers.activities.end(ACTIVITY, ActivityState.CANCELLED)
        registers.persons.residences([INSURED[0]])
        registers.affiliations.of([PAIRS[0]])
        registers.affiliations.open(AFFILIATION)
        registers.affiliations.cancel(AFFILIATION)
        registers.missions.of([PAIRS[0]])
        registers.missions.open(MISSION)
        registers.missions.cancel(MISSION)
        registers.companies.numbered(["2026990001700"])
        registers.affiliations.during(EMPLOYERS[0], ENTRIES[0], ENTRIES[1])
        registers.wages.of_month(EMPLOYERS[0], PERIODS[0])
        registers.persons.identities([INSURED[0]])
        registers.persons.replaced([INSURED[0]])
        registers.persons.find([IDENTITIES[0]])
        registers.companies.find([COMPANIES[0]])
        registers.companies.assign(COMPANIES[0], 2026)
        registers.employers.get([EMPLOYERS[0]], 2026)
    assert [step for step in steps if step.startswith("SCAN") and not reads_one_row(step)] == []
