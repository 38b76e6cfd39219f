"""The table of states: every state meets every event, one way or the other."""

from __future__ import annotations

from datetime import date

import pytest

from gateway.recovery import Event, Happened, State, cases
from gateway.recovery.states import TRANSITIONS, after
from tests.ledger.histories import EMPLOYER

ASKING = {Event.REMINDER, Event.SUMMONS, Event.CONSTRAINT}


@pytest.mark.parametrize("event", Event)
@pytest.mark.parametrize("state", State)
def test_every_state_either_takes_an_event_or_refuses_it(state: State, event: Event) -> None:
    if (state, event) in TRANSITIONS:
        assert after(state, event) is TRANSITIONS[state, event]
    else:
        with pytest.raises(ValueError, match=rf"a case that is {state} has no {event}"):
            after(state, event)


def test_a_constraint_comes_from_a_summons_alone() -> None:
    before = {state for (state, _), to in TRANSITIONS.items() if to is State.CONSTRAINT}
    assert before == {State.SUMMONED, State.STAYED}
    assert [state for state, event in TRANSITIONS if event is Event.CONSTRAINT] == [State.SUMMONED]


def test_every_state_is_reached_and_every_one_but_the_last_is_left() -> None:
    assert {State.CURRENT, *TRANSITIONS.values()} == set(State)
    assert {state for state, _ in TRANSITIONS} == set(State) - {State.CLOSED}


def test_what_is_asked_for_can_always_be_settled_or_rest() -> None:
    open_ones = set(State) - {State.CURRENT, State.CLOSED}
    assert {state for state, event in TRANSITIONS if event is Event.SETTLEMENT} == open_ones
    resting = {State.SUSPENDED, State.STAYED}
    assert {state for state, event in TRANSITIONS if event is Event.SUSPENSION} == open_ones - resting
    assert {state for state, event in TRANSITIONS if event is Event.RESUMPTION} == resting


def test_nothing_is_asked_for_while_a_case_rests_but_a_reminder_of_something_else() -> None:
    resting = [event for state, event in TRANSITIONS if state in (State.SUSPENDED, State.STAYED)]
    assert ASKING & set(resting) == {Event.REMINDER}


def test_a_history_that_skips_the_summons_is_noticed() -> None:
    day = date(2026, 6, 4)
    reminder, constraint = (
        Happened(None, EMPLOYER, 1, event, day, {1: 10_000}, 0, None)
        for event in (Event.REMINDER, Event.CONSTRAINT)
    )
    assert [one.state for one in cases([reminder])] == [State.REMINDED]
    with pytest.raises(ValueError, match="a case that is reminded has no constraint"):
        cases([reminder, constraint])
