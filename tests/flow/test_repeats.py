"""P3: the same bytes again, by the state of the first deposit (`gateway.states.REPEATS`)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.database import tables
from gateway.states import REPEATS, Repeat, State
from tests.flow.premises import START, HandClock, execute, rows, someone, wages
from tests.house import EMPLOYER, MEMBER, House, Sender, house, wage


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path, clock=HandClock(START)) as home:
        home.employer(EMPLOYER)
        yield home


@pytest.fixture
def sender(home: House) -> Sender:
    return home.sender(MEMBER, [EMPLOYER])


def test_every_state_has_its_rule_and_the_key_of_the_inbox_follows_it() -> None:
    assert set(REPEATS) == set(State)
    by_name = [state for state, repeat in REPEATS.items() if repeat is Repeat.SAME_NAME]
    assert " AND ".join(f"state <> '{state}'" for state in by_name) == tables.DEPOSIT_COUNTS


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("same_name", [True, False])
def test_a_repeat_gets_the_first_receipt_and_nothing_else_happens(
    home: House, sender: Sender, state: State, same_name: bool
) -> None:
    """The engine is stopped: what is looked at is the inbox alone."""
    home.gateway.engine.stop()
    content, name = home.batch(sender, "DECSAL", [wage(someone())]), home.name("DECSAL", MEMBER)
    first = home.receive(sender, name, content)
    execute(home, f"UPDATE deposit SET state = '{state}'")
    again = home.receive(sender, name if same_name else home.name("DECSAL", MEMBER), content)
    is_repeat = same_name or REPEATS[state] is Repeat.ALWAYS
    assert again.repeated is is_repeat
    assert (again.deposit == first.deposit, again.content == first.content) == (is_repeat, is_repeat)
    assert rows(home, "SELECT count(*) AS n FROM deposit") == [{"n": 1 if is_repeat else 2}]


def test_what_was_refused_for_its_name_is_treated_under_another_one(home: House, sender: Sender) -> None:
    """As the answer FILE-NAME-USED says; under the same name it stays refused, however often it comes."""
    insured = someone()
    home.affiliate(insured)
    name = home.name("DECSAL", MEMBER)
    home.wait(sender, home.receive(sender, name, home.batch(sender, "DECSAL", [wage(someone())])).deposit)
    content = home.batch(sender, "DECSAL", [wage(insured)])
    refused = home.receive(sender, name, content)
    assert home.wait(sender, refused.deposit).state is State.REJECTED
    assert home.receive(sender, name, content).content == refused.content
    again = home.receive(sender, home.name("DECSAL", MEMBER), content)
    assert home.wait(sender, again.deposit).state is State.DONE
    assert len(wages(home, insured)) == 1
    assert home.receive(sender, home.name("DECSAL", MEMBER), content).deposit == again.deposit
    assert len(wages(home, insured)) == 1
