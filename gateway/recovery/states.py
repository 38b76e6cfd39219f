"""The course of a case of recovery: every state, what it means, and the one table of what leads where."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a case stands."""

    CURRENT = "current"
    """Nothing is recovered."""
    REMINDED = "reminded"
    """A reminder (rappel) went out."""
    SUMMONED = "summoned"
    """A summons (sommation, mise en demeure) went out; its term runs or has passed."""
    SUSPENDED = "suspended"
    """All that is left is under a payment plan that is kept, or disputed: nothing happens."""
    CONSTRAINT = "constraint"
    """The operator has ordered a constraint (contrainte): a bailiff recovers."""
    STAYED = "stayed"
    """All that is left of a constraint is under a plan that is kept, or disputed: the bailiff waits."""
    CLOSED = "closed"
    """Nothing of it is open any more."""


class Event(StrEnum):
    """What happens to a case."""

    REMINDER = "reminder"
    SUMMONS = "summons"
    CONSTRAINT = "constraint ordered by the operator"
    PAID_DOWN = "paid so far that no summons would go out"
    SUSPENSION = "plan or dispute over all that is left"
    RESUMPTION = "plan failed or dispute rejected"
    SETTLEMENT = "nothing of it open any more"


TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.CURRENT, Event.REMINDER): State.REMINDED,
    (State.CURRENT, Event.SUMMONS): State.SUMMONED,
    (State.REMINDED, Event.REMINDER): State.REMINDED,
    (State.REMINDED, Event.SUMMONS): State.SUMMONED,
    (State.REMINDED, Event.SUSPENSION): State.SUSPENDED,
    (State.REMINDED, Event.SETTLEMENT): State.CLOSED,
    (State.SUMMONED, Event.REMINDER): State.SUMMONED,
    (State.SUMMONED, Event.CONSTRAINT): State.CONSTRAINT,
    (State.SUMMONED, Event.PAID_DOWN): State.REMINDED,
    (State.SUMMONED, Event.SUSPENSION): State.SUSPENDED,
    (State.SUMMONED, Event.SETTLEMENT): State.CLOSED,
    (State.SUSPENDED, Event.REMINDER): State.REMINDED,
    (State.SUSPENDED, Event.RESUMPTION): State.REMINDED,
    (State.SUSPENDED, Event.SETTLEMENT): State.CLOSED,
    (State.CONSTRAINT, Event.SUSPENSION): State.STAYED,
    (State.CONSTRAINT, Event.SETTLEMENT): State.CLOSED,
    (State.STAYED, Event.RESUMPTION): State.CONSTRAINT,
    (State.STAYED, Event.SETTLEMENT): State.CLOSED,
}

WITH_BAILIFF = frozenset({State.CONSTRAINT, State.STAYED})
"""States in which a bailiff has a case; new debts open another one beside it."""


def after(state: State, event: Event) -> State:
    """The state an event leads to.

    Raises:
        ValueError: when the table has no such step.
    """
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise ValueError(f"a case that is {state} has no {event}") from None
