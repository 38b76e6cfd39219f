"""What every implementation of the registers keeps: the promises of the ports, one test each."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from gateway.batch import MemberId
from gateway.matricule import company_number, is_person, person_number
from gateway.moments import Period, Received
from gateway.registers import (
    Address,
    Affiliation,
    Company,
    Employer,
    Identity,
    Mandate,
    MandateState,
    Mission,
    Origin,
    Registers,
    Registration,
    Wage,
    WageKey,
    WageState,
)
from tests.procedures.registers_under_test import IMPLEMENTATIONS, Seeds

OpenRegisters = Callable[[Seeds], AbstractContextManager[Registers]]

ALPHA = "2099990001299"
BETA = "2099990003999"
ONE = "1893120105732"
TWO = "1894050600302"
JULY = Period(2026, 7)

PERSON = Identity("MULLER", "ZOE", date(1893, 12, 1))
ADDRESS = Address("12", "Rue de l'Exemple", "57000", "Metz", "FR")
DAY = date(2026, 8, 3)
MORNING, NOON = (Received(datetime(2026, 8, 3, hour, tzinfo=UTC)) for hour in (8, 12))
COMPANY = Company("Exemple SARL", ADDRESS)
AFFILIATION = Affiliation(ALPHA, ONE, date(2024, 3, 1), None, "I", "03")
USER, OTHER_USER = "2099990002099", "2099990004799"
MISSION = Mission(ALPHA, ONE, USER, date(2026, 7, 6), None, "D", "01", "9329", None, 1, 1)


def wage(deposit: int, record: int = 1, insured: str = ONE, first_day: int = 1, base_wage: int = 1) -> Wage:
    key = WageKey(ALPHA, insured, JULY, first_day, 31)
    return Wage(key, deposit, record, base_wage, 173, 0, 0, 0, 0, 0, 0, 0, False, None)


@pytest.fixture(params=IMPLEMENTATIONS)
def open_registers(request: pytest.FixtureRequest, tmp_path: Path) -> OpenRegisters:
    """Opens the registers of one implementation with some seeds."""
    opener = IMPLEMENTATIONS[request.param]
    return lambda seeds: opener(tmp_path, seeds)


# Persons


def test_a_person_is_found_by_name_and_birth_date_only(open_registers: OpenRegisters) -> None:
    with open_registers(Seeds(persons={PERSON: ONE})) as registers:
        others = [
            replace(PERSON, surname="MILLER"),
            replace(PERSON, first_name="ZO"),
            replace(PERSON, born=date(1893, 12, 2)),
        ]
        assert registers.persons.find([PERSON, *others]) == {PERSON: ONE}
        assert registers.persons.find([]) == {}


def test_an_assigned_number_is_valid_and_found_again(open_registers: OpenRegisters) -> None:
    with open_registers(Seeds()) as registers:
        number = registers.persons.assign(PERSON, "FR", ADDRESS)
        assert number is not None
        assert number.startswith("18931201")
        assert is_person(number)
        assert registers.persons.find([PERSON]) == {PERSON: number}


def test_persons_of_one_birth_date_get_different_numbers(open_registers: OpenRegisters) -> None:
    with open_registers(Seeds(persons={PERSON: ONE})) as registers:
        numbers = [
            registers.persons.assign(replace(PERSON, surname=f"NAME {letter}"), "FR", ADDRESS)
            for letter in "ABCDEFGH"
        ]
        assert None not in numbers
        assert len({ONE, *numbers}) == 9


def test_no_number_is_assigned_when_every_serial_is_taken(open_registers: OpenRegisters) -> None:
    born = date(1899, 12, 31)
    everybody = {Identity(f"NUMBER {n}", "ONE", born): person_number(born, n) for n in range(1, 1000)}
    with open_registers(Seeds(persons=everybody)) as registers:
        late = Identity("LATE", "ONE", born)
        assert registers.persons.assign(late, "FR", ADDRESS) is None
        assert registers.persons.find([late]) == {}


def test_the_lowest_free_serial_is_assigned(open_registers: OpenRegisters) -> None:
    born = date(1899, 12, 31)
    known = {Identity(f"NUMBER {n}", "ONE", born): person_number(born, n) for n in (1, 2, 999)}
    with open_registers(Seeds(persons=known)) as registers:
        late = Identity("LATE", "ONE", born)
        assert registers.persons.assign(late, "FR", ADDRESS) == person_number(born, 3)


def test_a_number_says_who_it_is_if_the_person_was_registered_here(open_registers: OpenRegisters) -> None:
    with open_registers(Seeds(persons={PERSON: ONE})) as registers:
        assert registers.persons.identities([ONE, TWO]) == {ONE: PERSON}
        assert registers.persons.identities([]) == {}


def test_a_replaced_number_is_known_as_such_and_not_given_again(open_registers: OpenRegisters) -> None:
    born = date(1899, 12, 31)
    old, new = person_number(born, 1), person_number(born, 7)
    with open_registers(
        Seeds(persons={Identity("KNOWN", "ONE", born): new}, replaced={old: new})
    ) as registers:
        assert registers.persons.replaced([old, new, ONE]) == {old: new}
        assert registers.persons.replaced([]) == {}
        late = Identity("LATE", "ONE", born)
        assert registers.persons.assign(late, "FR", ADDRESS) == person_number(born, 2)


# Companies


def test_a_company_is_found_by_its_name_and_whole_address_only(open_registers: OpenRegisters) -> None:
    number = company_number(2026, 1) or ""
    with open_registers(Seeds(companies={COMPANY: number})) as registers:
        others = [
            replace(COMPANY, name="Exemple SA"),
            *(
                replace(COMPANY, address=replace(ADDRESS, **{field: "9"}))
                for field in ("number", "street", "postcode", "town", "country")
            ),
        ]
        assert registers.companies.find([COMPANY, *others]) == {COMPANY: number}
        assert registers.companies.find([]) == {}


def test_companies_get_the_numbers_of_their_year_in_order(open_registers: OpenRegisters) -> None:
    known = {replace(COMPANY, name="Known"): company_number(2026, 3) or ""}
    with open_registers(Seeds(companies=known)) as registers:
        asked = [replace(COMPANY, name=f"Exemple {letter}") for letter in "ABC"]
        numbers = [registers.companies.assign(one, 2026) for one in asked]
        # Serial 5 has no check digit.
        assert numbers == [company_number(2026, serial) for serial in (4, 6, 7)]
        assert registers.companies.assign(COMPANY, 2027) == company_number(2027, 1)
        assert registers.companies.find(asked) == dict(zip(asked, numbers, strict=True))


def test_no_company_is_registered_when_the_year_has_no_number_left(open_registers: OpenRegisters) -> None:
    last = {replace(COMPANY, name="Last"): company_number(2026, 9999) or ""}
    with open_registers(Seeds(companies=last)) as registers:
        assert registers.companies.assign(COMPANY, 2026) is None
        assert registers.companies.find([COMPANY]) == {}
        assert registers.companies.assign(COMPANY, 2027) is not None


def test_numbers_of_companies_are_those_that_were_given(open_registers: OpenRegisters) -> None:
    given, free = company_number(2026, 1) or "", company_number(2026, 2) or ""
    with open_registers(Seeds(companies={COMPANY: given})) as registers:
        assert set(registers.companies.numbered([given, free, ALPHA])) == {given}
        assert set(registers.companies.numbered([])) == set()


# Employers


def test_employers_are_those_that_exist_as_of_a_year(open_registers: OpenRegisters) -> None:
    before, after = Employer(ALPHA, "Alpha", 2, 85), Employer(ALPHA, "Alpha", 3, 110)
    household = Employer(BETA, "Beta", 1, 100, household=True)
    seeds = Seeds(employers=[(2025, before), (2026, after), (2026, household)])
    with open_registers(seeds) as registers:
        assert registers.employers.get([ALPHA, BETA, ONE], 2026) == {ALPHA: after, BETA: household}
        assert registers.employers.get([ALPHA], 2025) == {ALPHA: before}
        assert registers.employers.get([], 2026) == {}


def test_a_new_employer_is_there_with_its_class_and_factor_in_its_years(
    open_registers: OpenRegisters,
) -> None:
    new = Registration("2099990006300", "Neuf S.A.", 2, 100, (2025, 2026), "99", ADDRESS, "4332", DAY)
    known = [(2026, Employer("2099990006301", "Vieux S.A.", 3, 110))]
    with open_registers(Seeds(employers=known)) as registers:
        registers.employers.enter(new)
        registers.employers.enter(replace(new, matricule="2099990007100", address=None, started=None))
        begun = Employer("2099990006300", "Neuf S.A.", 2, 100)
        for year, there in ((2024, {}), (2025, {begun.matricule: begun}), (2026, {begun.matricule: begun})):
            assert registers.employers.get([begun.matricule], year) == there
        assert registers.employers.of_legal_person("20999900063") == {
            "2099990006300": "Neuf S.A.",
            "2099990006301": "Vieux S.A.",
        }
        assert registers.employers.of_legal_person("20999900012") == {}
        assert registers.employers.name(begun.matricule) == "Neuf S.A."
        assert registers.employers.name("2099990001299") is None


def test_a_renamed_employer_has_its_new_name_in_every_year(open_registers: OpenRegisters) -> None:
    known = [(year, Employer(ALPHA, "Alpha", 2, 85)) for year in (2025, 2026)]
    with open_registers(Seeds(employers=[*known, (2026, Employer(BETA, "Beta", 1, 100))])) as registers:
        registers.employers.rename(ALPHA, "Alpha Neu", DAY, 1)
        assert registers.employers.name(ALPHA) == "Alpha Neu"
        assert registers.employers.name(BETA) == "Beta"
        for year in (2025, 2026):
            assert registers.employers.get([ALPHA], year)[ALPHA].name == "Alpha Neu"


# Mandates


FIDUCIARY = MemberId(BETA, "000001")
PENDING = Mandate(1, FIDUCIARY, ALPHA, frozenset({"DECSAL"}), DAY, None, MandateState.PENDING)


def test_a_mandate_stands_as_it_was_entered_and_changed_last(open_registers: OpenRegisters) -> None:
    with open_registers(Seeds(mandates=[PENDING])) as registers:
        mandates = registers.mandates
        asked = replace(PENDING, number=0, employer=BETA, last=date(2026, 12, 31))
        entered = mandates.enter(asked, Origin(MORNING, FIDUCIARY, 1))
        assert entered == replace(asked, number=2)
        assert [mandates.get(number) for number in (1, 2, 3)] == [PENDING, entered, None]
        for changed in (PENDING.confirmed(MORNING), PENDING.confirmed(MORNING).finished(NOON)):
            mandates.change(changed, Origin(NOON))
            assert mandates.get(1) == changed
            assert list(mandates.held_by(FIDUCIARY)) == [changed, entered]
            assert list(mandates.for_employer(ALPHA)) == [changed]
        with pytest.raises(ValueError):
            mandates.change(replace(PENDING, number=3), Origin(NOON))


def test_only_members_are_known(open_registers: OpenRegisters) -> None:
    with open_registers(Seeds(mandates=[PENDING])) as registers:
        assert registers.mandates.knows(FIDUCIARY)
        assert not registers.mandates.knows(MemberId(BETA, "000002"))


def test_mandates_are_found_by_member_and_by_employer(open_registers: OpenRegisters) -> None:
    fiduciary, other = MemberId(BETA, "000001"), MemberId(BETA, "000002")
    codes = frozenset({"DECSAL", "CALCUL"})
    mandates = [
        Mandate(1, fiduciary, ALPHA, codes, date(2020, 1, 1), date(2020, 12, 31)),
        Mandate(2, fiduciary, ALPHA, codes, date(2022, 1, 1)),
        Mandate(3, fiduciary, BETA, frozenset({"DEMMAT"}), date(2022, 1, 1)),
        Mandate(4, other, ALPHA, codes, date(2022, 1, 1)),
    ]
    with open_registers(Seeds(mandates=mandates)) as registers:
        held = registers.mandates.held_by(fiduciary)
        assert sorted(held, key=lambda mandate: mandate.number) == mandates[:3]
        given = registers.mandates.for_employer(ALPHA)
        assert sorted(given, key=lambda mandate: mandate.number) == [mandates[0], mandates[1], mandates[3]]
        assert list(registers.mandates.held_by(MemberId(ALPHA, "000001"))) == []


# Affiliations


def test_affiliations_come_sorted_by_entry_and_only_for_the_pairs_asked(
    open_registers: OpenRegisters,
) -> None:
    past = Affiliation(ALPHA, ONE, date(2020, 1, 1), date(2020, 6, 30), "D", "01")
    with open_registers(Seeds()) as registers:
        for one in (
            AFFILIATION,
            past,
            AFFILIATION._replace(insured=TWO),
            AFFILIATION._replace(employer=BETA),
        ):
            registers.affiliations.open(one)
        found = registers.affiliations.of([(ALPHA, ONE), (BETA, TWO)])
        assert {pair: list(known) for pair, known in found.items()} == {(ALPHA, ONE): [past, AFFILIATION]}


def test_a_replaced_affiliation_stands_no_longer(open_registers: OpenRegisters) -> None:
    with open_registers(Seeds()) as registers:
        registers.affiliations.open(AFFILIATION)
        ended = AFFILIATION._replace(exit=date(2026, 7, 31))
        registers.affiliations.replace(AFFILIATION, ended)
        assert list(registers.affiliations.of([(ALPHA, ONE)])[ALPHA, ONE]) == [ended]
        moved = ended._replace(entry=date(2024, 4, 1), contract="D", scheme="01")
        registers.affiliations.replace(ended, moved)
        assert list(registers.affiliations.of([(ALPHA, ONE)])[ALPHA, ONE]) == [moved]


def test_the_end_of_a_trial_is_kept_and_may_change(open_registers: OpenRegisters) -> None:
    declared = AFFILIATION._replace(trial=date(2024, 5, 31))
    longer = AFFILIATION._replace(trial=date(2024, 8, 31))
    with open_registers(Seeds()) as registers:
        registers.affiliations.open(declared)
        assert list(registers.affiliations.of([(ALPHA, ONE)])[ALPHA, ONE]) == [declared]
        registers.affiliations.replace(declared, longer)
        assert list(registers.affiliations.during(ALPHA, JULY.first, JULY.last)) == [longer]


def test_a_cancelled_affiliation_is_gone_and_may_be_entered_again(open_registers: OpenRegisters) -> None:
    with open_registers(Seeds()) as registers:
        registers.affiliations.open(AFFILIATION)
        registers.affiliations.cancel(AFFILIATION)
        assert registers.affiliations.of([(ALPHA, ONE)]) == {}
        registers.affiliations.open(AFFILIATION)
        assert list(registers.affiliations.of([(ALPHA, ONE)])[ALPHA, ONE]) == [AFFILIATION]


def test_affiliations_of_two_missions_may_begin_on_one_day(open_registers: OpenRegisters) -> None:
    lent = [AFFILIATION._replace(user=user) for user in (OTHER_USER, USER)]
    with open_registers(Seeds()) as registers:
        for one in (*lent, AFFILIATION):
            registers.affiliations.open(one)
        assert list(registers.affiliations.of([(ALPHA, ONE)])[ALPHA, ONE]) == [AFFILIATION, *reversed(lent)]
        ended = lent[0]._replace(exit=date(2026, 7, 31))
        registers.affiliations.replace(lent[0], ended)
        registers.affiliations.cancel(lent[1])
        assert list(registers.affiliations.of([(ALPHA, ONE)])[ALPHA, ONE]) == [AFFILIATION, ended]


def test_the_staff_of_a_span_is_who_is_affiliated_on_any_of_its_days(open_registers: OpenRegisters) -> None:
    """To the day at both ends; by insured, then entry; of one employer only."""
    first, last = date(2026, 7, 1), date(2026, 7, 31)
    left = AFFILIATION._replace(exit=first)
    back = AFFILIATION._replace(entry=last)
    stays = AFFILIATION._replace(insured=TWO)
    gone = stays._replace(entry=date(2020, 1, 1), exit=date(2026, 6, 30))
    later = stays._replace(entry=date(2026, 8, 1))
    elsewhere = AFFILIATION._replace(employer=BETA)
    with open_registers(Seeds()) as registers:
        for one in (stays, back, left, elsewhere):
            registers.affiliations.open(one)
        registers.affiliations.open(gone)
        registers.affiliations.open(later)
        assert list(registers.affiliations.during(ALPHA, first, last)) == [left, back, stays]
        registers.affiliations.cancel(stays)
        assert list(registers.affiliations.during(ALPHA, first, first)) == [left]


# Missions


def test_missions_come_sorted_by_entry_and_user_and_only_for_the_pairs_asked(
    open_registers: OpenRegisters,
) -> None:
    past = MISSION._replace(entry=date(2026, 6, 1), exit=date(2026, 6, 30), posting="DE", deposit=2, record=7)
    beside = MISSION._replace(user=OTHER_USER)
    others = [MISSION._replace(insured=TWO), MISSION._replace(employer=BETA)]
    with open_registers(Seeds()) as registers:
        for one in (beside, MISSION, past, *others):
            registers.missions.open(one)
        found = registers.missions.of([(ALPHA, ONE), (BETA, TWO)])
        assert {pair: list(known) for pair, known in found.items()} == {(ALPHA, ONE): [past, MISSION, beside]}
        assert registers.missions.of([]) == {}


def test_a_replaced_or_cancelled_mission_stands_no_longer(open_registers: OpenRegisters) -> None:
    ended = MISSION._replace(exit=date(2026, 7, 10), deposit=2, record=3)
    moved = ended._replace(entry=date(2026, 7, 7), contract="E", scheme="03", occupation="4110", posting="FR")
    with open_registers(Seeds()) as registers:
        registers.missions.open(MISSION)
        for old, new in ((MISSION, ended), (ended, moved)):
            registers.missions.replace(old, new)
            assert list(registers.missions.of([MISSION.pair])[MISSION.pair]) == [new]
        registers.missions.cancel(moved)
        assert registers.missions.of([MISSION.pair]) == {}
        registers.missions.open(MISSION)
        assert list(registers.missions.of([MISSION.pair])[MISSION.pair]) == [MISSION]


# Wages


def test_the_wages_that_count_come_by_period_and_first_day(open_registers: OpenRegisters) -> None:
    june = wage(1, 2)._replace(key=WageKey(ALPHA, ONE, Period(2026, 6), 1, 30))
    july = [wage(1, 3, first_day=16), wage(1, 1)]
    held, other = wage(1, 4, first_day=31), wage(1, 5, TWO)
    with open_registers(Seeds()) as registers:
        registers.wages.add((one, WageState.CURRENT) for one in (*july, june, other))
        registers.wages.add([(held, WageState.HELD), (wage(1, 6), WageState.SUPERSEDED)])
        found = registers.wages.counting([(ALPHA, ONE), (BETA, ONE)])
        due = {(ALPHA, ONE): [june, july[1], july[0]]}
        assert {pair: list(wages) for pair, wages in found.items()} == due


def test_what_is_current_or_held_stands_and_nothing_else(open_registers: OpenRegisters) -> None:
    current, held = wage(1), wage(1, 2, TWO)
    superseded, expired = wage(1, 3, first_day=2), wage(1, 4, first_day=3)
    with open_registers(Seeds()) as registers:
        registers.wages.add(
            [
                (current, WageState.CURRENT),
                (held, WageState.HELD),
                (superseded, WageState.SUPERSEDED),
                (expired, WageState.EXPIRED),
            ]
        )
        keys = [one.key for one in (current, held, superseded, expired)]
        assert registers.wages.standing(keys) == {current.key: 1, held.key: 1}
        assert registers.wages.standing([]) == {}


def test_the_wages_of_a_month_are_those_that_stand(open_registers: OpenRegisters) -> None:
    """Current or held, by insured and first day; those of another month or employer are not."""
    one, two, held = wage(1, 1, TWO), wage(1, 2, first_day=16), wage(1, 3)
    key = one.key
    others = [
        one._replace(key=key._replace(period=JULY.plus(-1)), record=4),
        one._replace(key=key._replace(employer=BETA), record=5),
    ]
    with open_registers(Seeds()) as registers:
        registers.wages.add([(each, WageState.CURRENT) for each in (one, two, *others)])
        registers.wages.add([(held, WageState.HELD), (wage(2, 1, TWO), WageState.SUPERSEDED)])
        assert list(registers.wages.of_month(ALPHA, JULY)) == [held, two, one]
        assert list(registers.wages.of_month(ALPHA, JULY.plus(1))) == []


def test_a_wage_with_other_days_is_another_wage(open_registers: OpenRegisters) -> None:
    with open_registers(Seeds()) as registers:
        registers.wages.add([(wage(1), WageState.CURRENT)])
        registers.wages.supersede([wage(2, first_day=2).key], 2)
        assert registers.wages.standing([wage(1).key]) == {wage(1).key: 1}


def test_only_wages_of_earlier_deposits_are_superseded(open_registers: OpenRegisters) -> None:
    key = wage(5).key
    with open_registers(Seeds()) as registers:
        registers.wages.add([(wage(5), WageState.CURRENT)])
        registers.wages.supersede([key], 5)
        registers.wages.supersede([key], 4)
        assert registers.wages.standing([key]) == {key: 5}
        registers.wages.supersede([key], 6)
        assert registers.wages.standing([key]) == {}
        registers.wages.add([(wage(6), WageState.CURRENT)])
        assert registers.wages.standing([key]) == {key: 6}


def test_held_wages_are_found_by_pair_with_all_they_say(open_registers: OpenRegisters) -> None:
    key = WageKey(ALPHA, ONE, JULY, 2, 30)
    held = Wage(key, 3, 9, 381240, 173, 1, 2, 3, 4, 5, 6, 7, True, "REF 1")
    with open_registers(Seeds()) as registers:
        registers.wages.add(
            [(held, WageState.HELD), (wage(3), WageState.CURRENT), (wage(3, 2, TWO), WageState.HELD)]
        )
        assert list(registers.wages.held([(ALPHA, ONE), (BETA, ONE)])) == [held]
        assert list(registers.wages.held([])) == []


def test_a_released_wage_stands_and_is_held_no_longer(open_registers: OpenRegisters) -> None:
    held = wage(3)
    with open_registers(Seeds()) as registers:
        registers.wages.add([(held, WageState.HELD)])
        registers.wages.release([held])
        assert list(registers.wages.held([(ALPHA, ONE)])) == []
        assert registers.wages.standing([held.key]) == {held.key: 3}


def test_a_superseded_wage_is_not_held_and_not_released(open_registers: OpenRegisters) -> None:
    held = wage(3)
    with open_registers(Seeds()) as registers:
        registers.wages.add([(held, WageState.HELD)])
        registers.wages.supersede([held.key], 4)
        assert list(registers.wages.held([(ALPHA, ONE)])) == []
        registers.wages.release([held])
        assert registers.wages.standing([held.key]) == {}


def test_many_keys_are_asked_for_at_once(open_registers: OpenRegisters) -> None:
    wages = [wage(1, record, base_wage=record, insured=f"{record:013d}") for record in range(1, 5001)]
    with open_registers(Seeds()) as registers:
        registers.wages.add((one, WageState.HELD) for one in wages)
        assert len(registers.wages.standing([one.key for one in wages])) == 5000
        pairs = [(one.key.employer, one.key.insured) for one in wages]
        assert sorted(one.base_wage for one in registers.wages.held(pairs)) == list(range(1, 5001))
        assert registers.affiliations.of(pairs) == {}
