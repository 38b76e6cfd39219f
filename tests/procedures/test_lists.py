"""The official lists: their size, their structure, and the days on which a code is taken."""

from __future__ import annotations

import pytest

from gateway.moments import Received
from gateway.procedures import lists
from gateway.procedures.lists import (
    CIVIL_SERVANTS,
    COUNTRIES,
    OCCUPATIONS,
    ExitDate,
    ListError,
    contracts,
    free_movement,
    schemes,
)

TODAY = Received.parse("2026-08-03T09:15:00Z")


def test_isco_08_has_its_published_numbers_of_groups() -> None:
    assert [len({code[:digits] for code in OCCUPATIONS}) for digits in (1, 2, 3, 4)] == [10, 43, 130, 436]
    assert all(len(code) == 4 and code.isdigit() for code in OCCUPATIONS)


@pytest.mark.parametrize("code", ["0110", "0310", "1111", "2221", "2512", "5120", "9629"])
def test_known_occupations_are_on_the_list(code: str) -> None:
    assert code in OCCUPATIONS


@pytest.mark.parametrize("code", ["0000", "1000", "2220", "3231", "5122", "9999"])
def test_groups_that_are_no_unit_groups_are_not(code: str) -> None:
    assert code not in OCCUPATIONS


def test_iso_3166_1_has_249_codes() -> None:
    assert len(COUNTRIES) == 249
    assert {"LU", "FR", "BE", "DE", "GB", "NO", "GR"} <= COUNTRIES
    assert not {"UK", "EL", "XX", "EU", "AN"} & COUNTRIES


def test_free_movement_follows_the_calendar() -> None:
    assert len(free_movement(TODAY)) == 27 + 3 + 1
    assert free_movement(TODAY) <= COUNTRIES
    last_day = Received.parse("2020-12-31T22:59:59Z")
    next_day = Received.parse("2020-12-31T23:00:00Z")
    assert free_movement(last_day) - free_movement(next_day) == {"GB"}
    croatia = free_movement(Received.parse("2013-07-01T00:00:00Z")) - free_movement(
        Received.parse("2013-06-30T00:00:00Z")
    )
    assert croatia == {"HR"}


def test_contract_types_with_a_term_are_the_attested_ones() -> None:
    types = contracts(TODAY)
    assert {code for code, one in types.items() if one.exit is ExitDate.REQUIRED} == set("ESDO")
    assert {code for code, one in types.items() if one.exit is ExitDate.REFUSED} == {"I"}
    assert {code for code, one in types.items() if not one.trial} == {"E"}


def test_every_scheme_and_contract_type_can_be_used() -> None:
    codes = schemes(TODAY).keys()
    used = [one.schemes for one in contracts(TODAY).values()]
    assert set().union(*used) == codes
    assert all(used)


def test_occasional_work_and_its_scheme_belong_together() -> None:
    types = contracts(TODAY)
    assert [code for code, one in types.items() if "05" in one.schemes] == ["O"]
    assert types["O"].schemes == {"05"}


def test_civil_servants_are_insured_by_three_schemes() -> None:
    assert {"10", "11", "12"} == CIVIL_SERVANTS


@pytest.mark.parametrize(
    "row",
    [
        {"code": 3, "meaning": "m", "civil_servants": False},
        {"code": "03", "meaning": "m", "civil_servants": "no"},
        {"code": "03", "meaning": "m"},
        {"code": "03", "meaning": "m", "civil_servants": False, "colour": "red"},
        {"code": "03", "meaning": "m", "civil_servants": False, "since": "2020-01-01"},
        "03",
    ],
)
def test_a_bad_entry_is_refused(row: object) -> None:
    with pytest.raises(ListError):
        lists._scheme(row)
