"""A person's number is replaced: what was charged under it is taken back, and charged under the new one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.billing import Issued
from adapters.billing.explanation import document, issue_of
from gateway.contributions import Policy
from tests.billing.histories import EMPLOYERS, START, House, Step, charged, check, refunded, template

BEFORE = (Step("enter", 0, 0, 2, 7), Step("declare", 0, 0, 7, 8), Step("absent", 0, 0, 7, 1))
SAME_BIRTHDAY = Step("renumber", 0, 0, 0, 1)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return template(tmp_path_factory.mktemp("renumbered"))


@pytest.fixture
def house(empty: Path, tmp_path: Path) -> Iterator[House]:
    """A person who was charged for a month, above the ceiling, and for whom something was refunded."""
    opened = House.open(empty, tmp_path / "house", Policy())
    for step in BEFORE:
        opened.take(step)
    check(opened, opened.bill())
    yield opened
    opened.database.close()


def next_statement(house: House) -> Issued:
    found = house.bill()
    check(house, found)
    (issued,) = (one for one in found if one.employer == EMPLOYERS[0])
    assert isinstance(issued, Issued)
    return issued


@pytest.mark.parametrize("times", [1, 2])
def test_charges_and_refunds_follow_the_number_and_nothing_is_owed_for_it(house: House, times: int) -> None:
    old = house.people[0]
    (lines,), (cents,) = charged(house, EMPLOYERS[0]).values(), refunded(house, EMPLOYERS[0]).values()
    for _ in range(times):
        house.take(SAME_BIRTHDAY)
    new = house.people[0]
    issued = next_statement(house)
    assert charged(house, EMPLOYERS[0]) == {(new, str(START), "employee"): lines}
    assert refunded(house, EMPLOYERS[0]) == {(new, str(START)): cents}
    (row,) = house.ask(
        "SELECT * FROM statement WHERE employer = :e AND corrected = 0 AND refunded = 0", e=EMPLOYERS[0]
    )
    assert (row["contributions"], row["balance"]) == (0, issued.total)
    causes = house.ask(
        "SELECT insured, reversal, causes FROM charge WHERE statement = :n ORDER BY id", n=row["number"]
    )
    assert {(one["insured"], one["reversal"], one["causes"]) for one in causes} == {
        (old, 1, "matricule"),
        (new, 0, "matricule"),
    }
    with house.database.read() as connection:
        issue = issue_of(connection, issued.number)
        assert issue is not None
        told = document(connection, issue)
    charges, refunds = told["charges"], told["refunds"]
    assert isinstance(charges, list)
    assert isinstance(refunds, list)
    assert [(one["insured"], one["version"]) for one in charges] == [(new, 1)]
    assert {(one["insured"], *one["causes"]) for one in refunds} == {(old, "matricule"), (new, "matricule")}


def test_room_below_the_ceiling_follows_the_number(house: House) -> None:
    """What was above the ceiling in the first month is charged in the next, under the new number."""
    house.take(SAME_BIRTHDAY)
    house.take(Step("declare", 0, 0, 7, 5))
    next_statement(house)
    assert len(charged(house, EMPLOYERS[0])) == 2


def test_a_wage_that_comes_with_the_new_number_has_its_own_cause(house: House) -> None:
    house.take(SAME_BIRTHDAY)
    next_statement(house)
    house.take(Step("declare", 0, 0, 5, 2))
    next_statement(house)
    rows = house.ask(
        "SELECT causes FROM charge WHERE reversal = 0 AND employer = :e ORDER BY id DESC LIMIT 1",
        e=EMPLOYERS[0],
    )
    assert rows[0]["causes"] == "wage"


def test_a_person_who_was_never_charged_changes_nothing(house: House) -> None:
    house.take(Step("enter", 0, 1, 2, 7))
    house.take(Step("renumber", 0, 1, 0, 1))
    before = charged(house, EMPLOYERS[0])
    check(house, house.bill())
    assert charged(house, EMPLOYERS[0]) == before


def test_somebody_whose_affiliation_was_cancelled_can_be_given_a_number_twice(house: House) -> None:
    """What does not stand keeps the number of its time: only the replacement itself knows the new one."""
    for step in ("enter", "cancel", "renumber", "renumber"):
        house.take(Step(step, 0, 1, 2, 7))
    assert len(house.ask("SELECT * FROM renumbering")) == 2
    check(house, house.bill())
