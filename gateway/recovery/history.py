"""What was done so far to recover what an employer owes: events in order, and the cases they make up.

A case begins with a reminder, or with a summons where no reminders are in use, and ends when nothing of it
is open. At most one is before its constraint; what falls due while a bailiff has a case makes up another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from gateway.moments import Received
from gateway.recovery.states import Event, State, after


@dataclass(frozen=True, slots=True)
class Happened:
    """An event, as it is kept.

    Attributes:
        number: in the register; None until it is there.
        employer: matricule.
        case: number of the case among those of the employer, from 1.
        event: what happened.
        day: on which it counts.
        amounts: cents asked for by ledger entry, interest left out; empty when nothing is asked.
        interest: cents of interest asked for with it.
        last_day: to pay; None when nothing is asked.
        by: office that ordered it; empty for what follows from the rules.
        entered: when it came into the register; None until then.
    """

    number: int | None
    employer: str
    case: int
    event: Event
    day: date
    amounts: Mapping[int, int]
    interest: int
    last_day: date | None
    by: str = ""
    entered: Received | None = None


@dataclass(slots=True)
class Case:
    """A case, as its events have made it.

    Attributes:
        number: among those of the employer.
        state: where it stands.
        since: day of the event that brought it there.
        reminded: last day of the first reminder of each item, by ledger entry.
        summoned: cents for which a summons went out, by ledger entry; the latest summons.
        summons_until: last day of that summons.
        enforced: cents for which a constraint was ordered, by ledger entry.
    """

    number: int
    state: State = State.CURRENT
    since: date = date.min
    reminded: dict[int, date] = field(default_factory=dict)
    summoned: Mapping[int, int] = field(default_factory=dict)
    summons_until: date = date.min
    enforced: Mapping[int, int] = field(default_factory=dict)

    @property
    def items(self) -> set[int]:
        """The ledger entries it is about."""
        return {*self.reminded, *self.summoned}

    @property
    def until(self) -> date | None:
        """Last day of what was sent last; None when no term runs or ran out."""
        if self.state is State.SUMMONED:
            return self.summons_until
        return max(self.reminded.values()) if self.state is State.REMINDED and self.reminded else None

    def take(self, one: Happened) -> None:
        """Let an event have its effect.

        Raises:
            ValueError: when it cannot happen in this state.
        """
        self.state, self.since = after(self.state, one.event), one.day
        until = one.last_day or one.day
        if one.event is Event.REMINDER:
            for item in one.amounts:
                self.reminded.setdefault(item, until)
        elif one.event is Event.SUMMONS:
            self.summoned, self.summons_until = one.amounts, until
        elif one.event is Event.CONSTRAINT:
            self.enforced = one.amounts


def cases(history: Iterable[Happened]) -> list[Case]:
    """The cases of an employer, the oldest first.

    Args:
        history: all its events, in order.

    Raises:
        ValueError: when an event does not fit those before it.
    """
    found: dict[int, Case] = {}
    for one in history:
        found.setdefault(one.case, Case(one.case)).take(one)
    return list(found.values())
