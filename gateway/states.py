"""The life of a deposit: every state, what it means, and the one table of what leads where."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a deposit stands. The texts are shown to senders."""

    RECEIVED = "received"
    """In our custody, receipt given; about to be treated."""
    WAITING = "waiting"
    """A check cannot be made yet, such as a revocation list that is away; tried again by itself."""
    UNRELEASED = "unreleased"
    """Good so far; its sender releases files of this size by two persons, and the second has not yet."""
    PARKED = "parked"
    """We failed several times; an operator looks at it. Never the sender's fault."""
    REJECTED = "rejected"
    """Refused as a whole; the signed acknowledgement says why."""
    HELD = "held"
    """Treated and acknowledged; some records wait for something and are decided later."""
    DONE = "done"
    """Treated and acknowledged; nothing is open."""


class Event(StrEnum):
    """What happens to a deposit."""

    TREATED = "treated"
    TREATED_WITH_HOLDS = "treated, some records held"
    REFUSED = "refused"
    NEEDS_RELEASE = "a second person is to release it"
    DECIDED = "released or withdrawn by the sender"
    CANNOT_TELL = "cannot tell yet"
    FAILED = "our failure"
    GIVEN_UP = "failed too often"
    REPLAYED = "replayed by the operator"
    RESOLVED = "last held record decided"


TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.RECEIVED, Event.TREATED): State.DONE,
    (State.RECEIVED, Event.TREATED_WITH_HOLDS): State.HELD,
    (State.RECEIVED, Event.REFUSED): State.REJECTED,
    (State.RECEIVED, Event.NEEDS_RELEASE): State.UNRELEASED,
    (State.RECEIVED, Event.CANNOT_TELL): State.WAITING,
    (State.RECEIVED, Event.FAILED): State.RECEIVED,
    (State.RECEIVED, Event.GIVEN_UP): State.PARKED,
    (State.WAITING, Event.TREATED): State.DONE,
    (State.WAITING, Event.TREATED_WITH_HOLDS): State.HELD,
    (State.WAITING, Event.REFUSED): State.REJECTED,
    (State.WAITING, Event.NEEDS_RELEASE): State.UNRELEASED,
    (State.WAITING, Event.CANNOT_TELL): State.WAITING,
    (State.WAITING, Event.FAILED): State.WAITING,
    (State.WAITING, Event.GIVEN_UP): State.PARKED,
    (State.UNRELEASED, Event.DECIDED): State.RECEIVED,
    (State.PARKED, Event.REPLAYED): State.RECEIVED,
    (State.HELD, Event.RESOLVED): State.DONE,
}


class Repeat(StrEnum):
    """When bytes that their sender has sent before are a repeat: it gets the first receipt again."""

    ALWAYS = "under any name"
    """They have their effect once, whatever the file is called and whichever door it comes through."""
    SAME_NAME = "under the same name"
    """Under another name they are a new deposit: what was refused may be right by now."""


REPEATS: dict[State, Repeat] = {
    State.RECEIVED: Repeat.ALWAYS,
    State.WAITING: Repeat.ALWAYS,
    State.UNRELEASED: Repeat.ALWAYS,
    State.PARKED: Repeat.ALWAYS,
    State.REJECTED: Repeat.SAME_NAME,
    State.HELD: Repeat.ALWAYS,
    State.DONE: Repeat.ALWAYS,
}
"""By the state of the first deposit of these bytes."""

OPEN = frozenset({State.RECEIVED, State.WAITING})
"""States in which a deposit is still to be treated."""


def after(state: State, event: Event) -> State:
    """The state an event leads to.

    Raises:
        ValueError: when the table has no such step.
    """
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise ValueError(f"a deposit that is {state} cannot be {event}") from None
