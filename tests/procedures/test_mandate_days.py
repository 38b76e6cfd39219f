"""What a mandate allows, by day and by moment, and who is an employer itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.batch import MemberId
from gateway.mandates import is_itself, rights, scope
from gateway.memory import MemoryEmployers, MemoryMandates
from gateway.moments import Received
from gateway.outcome import Settlement
from gateway.procedures import PROCEDURES, procedure
from gateway.registers import Employer, Mandate, MandateState, Origin
from tests.procedures.vector_files import SENDER, WORLDS

EMPLOYER = "2099990001299"
FIDUCIARY = MemberId("2099990020999", "200002")
OPEN = Mandate(7, FIDUCIARY, EMPLOYER, frozenset({"DECSAL"}), date(2026, 8, 3))

moments = st.datetimes(datetime(2026, 8, 1), datetime(2026, 8, 9), timezones=st.just(UTC)).map(Received)  # noqa: DTZ001
days = st.dates(date(2026, 8, 1), date(2026, 8, 9))


@given(days, days, moments)
def test_first_and_last_day_are_inclusive_and_those_of_luxembourg(
    first: date, last: date, received: Received
) -> None:
    held = replace(OPEN, first=first, last=last)
    assert held.covers("DECSAL", received) == (first <= received.day <= last)
    assert not held.covers("DECAFF", received)


def test_the_day_begins_and_ends_at_midnight_in_luxembourg() -> None:
    held = replace(OPEN, last=OPEN.first)
    before, first, last, after = (
        Received(datetime(2026, 8, day, hour, minute, tzinfo=UTC))
        for day, hour, minute in ((2, 21, 59), (2, 22, 0), (3, 21, 59), (3, 22, 0))
    )
    assert [held.covers("DECSAL", each) for each in (before, first, last, after)] == [
        False,
        True,
        True,
        False,
    ]


@given(moments, moments, moments)
def test_an_end_and_a_confirmation_count_from_their_moment(
    confirmed: Received, ended: Received, received: Received
) -> None:
    pending = replace(OPEN, first=date(2026, 7, 1), state=MandateState.PENDING)
    assert not pending.covers("DECSAL", received)
    granted = pending.confirmed(confirmed)
    assert granted.covers("DECSAL", received) == (confirmed <= received)
    over = granted.finished(ended)
    assert over.covers("DECSAL", received) == (confirmed <= received < ended)
    assert not pending.finished(ended).covers("DECSAL", received), "what was refused never held"


@given(st.permutations([1, 2, 3]), moments)
def test_rights_rest_on_a_mandate_that_holds(order: list[int], received: Received) -> None:
    far, near = date(2026, 1, 1), date(2026, 7, 31)
    held = [
        replace(OPEN, number=1, first=far, last=near),
        replace(OPEN, number=2, first=near),
        replace(OPEN, number=3, first=far, state=MandateState.PENDING),
    ]
    assert rights([held[place - 1] for place in order], "DECSAL", received).mandates == {EMPLOYER: 2}


@pytest.mark.parametrize(
    ("member", "employer", "same"),
    [
        ("2099990001299", "2099990001299", True),
        ("2099990001299", "2099990001200", True),
        ("2099990001299", "2099990003999", False),
        ("1893120105732", "1893120105732", True),
        ("1893120105732", "1893120105700", False),  # a person, and digits that are a legal person's as well
    ],
)
def test_an_employer_is_itself_under_every_extension(member: str, employer: str, same: bool) -> None:
    assert is_itself(MemberId(member, "100001"), employer) is same


def test_a_mandate_can_be_for_every_procedure_but_that_of_mandates() -> None:
    assert scope() == {one.code for one in PROCEDURES} - {"DEMMAN"} | {"CALCUL"}


def test_a_member_has_no_right_by_what_it_asked_for() -> None:
    world = WORLDS["DEMMAN"]
    registers = world.registers()
    batch = world.batch(world.content["good"])
    assert procedure("DEMMAN").handle(batch, world.context(registers)).accepted == 1
    later = Received(world.received.at + timedelta(days=1))
    assert EMPLOYER not in rights(registers.mandates.held_by(SENDER), "DECSAL", later).mandates


def test_known_and_unknown_employers_are_asked_for_alike() -> None:
    world = WORLDS["DEMMAN"]
    told = []
    for employer in (EMPLOYER, "2099990004799"):
        batch = world.batch({**world.content["good"], "Employer": employer})
        outcome = procedure("DEMMAN").handle(batch, world.context(world.registers()))
        (answer,) = outcome.returns
        (settlement,) = answer.content
        assert isinstance(settlement, Settlement)
        told.append((outcome.verdict, replace(settlement.mandate, employer="")))
    assert told[0] == told[1]


def test_a_change_is_kept_with_its_sender_and_deposit() -> None:
    world = WORLDS["DEMMAN"]
    registers = world.registers()
    assert isinstance(registers.mandates, MemoryMandates)
    confirm = {"Kind": "confirm", "Employer": SENDER.matricule, "Number": "3"}
    handled = procedure("DEMMAN").handle(world.batch(confirm), world.context(registers, deposit=7))
    assert handled.accepted == 1
    ((mandate, origin),) = registers.mandates.history
    assert (mandate.number, mandate.state, mandate.since) == (3, MandateState.GRANTED, world.received)
    assert origin == Origin(world.received, SENDER, 7)


def test_a_former_name_is_kept_with_the_day_and_the_deposit_of_the_change() -> None:
    world = WORLDS["DEMEMP"]
    registers = world.registers()
    assert isinstance(registers.employers, MemoryEmployers)
    procedure("DEMEMP").handle(world.batch(world.content["good"]), world.context(registers, deposit=7))
    changed = (EMPLOYER, "Example", "Menuiserie Nouvelle S.A.", world.received.day, 7)
    assert registers.employers.history == [changed]


def test_a_new_employer_has_class_and_factor_from_the_year_of_its_first_employment() -> None:
    world = WORLDS["DEMEMP"]
    registers = world.registers()
    new = {
        "Kind": "registration",
        "NationalNumber": "20999900055",
        "Name": "Neuf S.A.",
        "Started": "2025-12-01",
    }
    procedure("DEMEMP").handle(world.batch(new), world.context(registers))
    there = {
        year: registers.employers.get(["2099990005500"], year).get("2099990005500")
        for year in (2024, 2025, 2026, 2027)
    }
    begun = Employer("2099990005500", "Neuf S.A.", 2, 100)
    assert there == {2024: None, 2025: begun, 2026: begun, 2027: None}
