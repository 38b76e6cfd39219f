"""The life of an answer on a shelf: every state, what it means, and the one table of what leads where.

A state says what has been proven about the way of an answer, so none leads back. Whatever it is, the answer
stays: what is put away is hidden from a folder, and can still be fetched over HTTPS.
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """How far an answer has come to its recipient. The texts are shown to members."""

    AVAILABLE = "available"
    """On the shelf; nobody has fetched it."""
    FETCHED = "fetched"
    """Its bytes were given to its recipient at a door, once or more."""
    ACKNOWLEDGED = "acknowledged"
    """Its recipient has said that it holds these very bytes, or has removed it from its folder."""


class Event(StrEnum):
    """What happens to an answer."""

    FETCHED = "given at a door"
    ACKNOWLEDGED = "digest confirmed, or removed from the folder"


TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.AVAILABLE, Event.FETCHED): State.FETCHED,
    (State.FETCHED, Event.FETCHED): State.FETCHED,
    (State.FETCHED, Event.ACKNOWLEDGED): State.ACKNOWLEDGED,
    (State.ACKNOWLEDGED, Event.FETCHED): State.ACKNOWLEDGED,
    (State.ACKNOWLEDGED, Event.ACKNOWLEDGED): State.ACKNOWLEDGED,
}


def after(state: State, event: Event) -> State:
    """The state an event leads to.

    Raises:
        ValueError: when the table has no such step: what was never fetched cannot be acknowledged.
    """
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise ValueError(f"an answer that is {state} cannot be {event}") from None
