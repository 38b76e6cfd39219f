"""Who is insured in which branches, from contract type and scheme."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.contributions import Branch, Group, UnknownGroupError, schedule_of
from gateway.moments import Period, Received
from gateway.procedures.lists import contracts, schemes

GROUPS = schedule_of(Period(2026, 7)).groups
TODAY = Received(datetime(2026, 8, 3, tzinfo=UTC))


@pytest.mark.parametrize(
    ("contract", "scheme", "group"),
    [
        ("I", "01", Group.EMPLOYEE),
        ("D", "03", Group.EMPLOYEE),
        ("S", "16", Group.EMPLOYEE),
        ("E", "01", Group.PUPIL),
        ("E", "13", Group.PUPIL),
        ("A", "14", Group.APPRENTICE),
        ("O", "05", Group.OCCASIONAL),
        ("I", "10", Group.PUBLIC),
        ("D", "12", Group.PUBLIC),
    ],
)
def test_an_affiliation_has_a_group(contract: str, scheme: str, group: Group) -> None:
    assert GROUPS.of(contract, scheme) is group


def test_every_contract_type_in_each_of_its_schemes_has_a_group() -> None:
    pairs = [(contract.code, scheme) for contract in contracts(TODAY).values() for scheme in contract.schemes]
    assert {GROUPS.of(contract, scheme) for contract, scheme in pairs} == set(Group) - {Group.PENSIONER}


def test_civil_servants_are_those_of_the_schemes() -> None:
    public = {code for code in schemes(TODAY) if GROUPS.of("I", code) is Group.PUBLIC}
    assert public == {code for code, scheme in schemes(TODAY).items() if scheme.civil_servants}


def test_a_contract_in_a_scheme_that_is_not_listed_has_no_group() -> None:
    with pytest.raises(UnknownGroupError, match="no group is known for contract 'I' in scheme '99'"):
        GROUPS.of("I", "99")


def test_every_group_but_pupils_is_insured_for_care() -> None:
    assert {group for group in Group if Branch.CARE not in GROUPS.branches[group]} == {Group.PUPIL}
    assert all(Branch.ACCIDENT in branches for branches in GROUPS.branches.values())


def test_groups_without_a_published_rule_are_doubtful() -> None:
    doubtful = {group for group in Group if GROUPS.doubts[group]}
    assert doubtful == set(Group) - {Group.EMPLOYEE}
