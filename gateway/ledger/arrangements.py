"""What is agreed or asked beside the bookings: payment plans, disputes, requests for a credit balance."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from gateway.moments import Received


@dataclass(frozen=True, slots=True, order=True)
class Instalment:
    """A part of a plan: cents to pay by the end of a day."""

    due: date
    amount: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A delay that was granted: the debts it covers are paid in instalments, without late interest.

    Whether it is kept is not stored but follows from the payments.

    Attributes:
        number: in the register; None until it is there.
        employer: matricule.
        granted: first day on which it holds.
        granted_by: who granted it: an office or a function, never a person's name.
        items: numbers of the entries that it covers, with the interest booked on them.
        instalments: in the order of their days.
        entered: when it came into the register.

    Raises:
        ValueError: when it covers nothing, has no instalment, or these are not in order, not above zero or
            before the day on which it was granted.
    """

    number: int | None
    employer: str
    granted: date
    granted_by: str
    items: frozenset[int]
    instalments: tuple[Instalment, ...]
    entered: Received

    def __post_init__(self) -> None:
        days = [one.due for one in self.instalments]
        if not self.items or not days:
            raise ValueError("a plan covers something and has an instalment")
        if days != sorted(set(days)) or days[0] < self.granted:
            raise ValueError("the instalments of a plan have a day each, in order, none before it is granted")
        if any(one.amount <= 0 for one in self.instalments):
            raise ValueError("an instalment is above zero")

    @property
    def total(self) -> int:
        return sum(one.amount for one in self.instalments)

    def asked_by(self, day: date) -> int:
        """What is to be paid by the end of a day, in all."""
        return sum(one.amount for one in self.instalments if one.due <= day)


class DisputeOutcome(StrEnum):
    """How a dispute was decided."""

    UPHELD = "upheld"
    """The employer was right: a correction or a discharge is booked for it."""
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Dispute:
    """An amount of a charge that the employer contests; recovery of it waits, and of nothing else.

    Attributes:
        number: in the register; None until it is there.
        employer: matricule.
        item: number of the entry that is contested.
        amount: cents of it that are contested, above zero.
        opened: first day on which it counts.
        reason: reference of the complaint, never a person's name.
        entered: when it came into the register.
        closed: day of the decision, from which it counts no more; None while it is open.
        outcome: None while it is open.
    """

    number: int | None
    employer: str
    item: int
    amount: int
    opened: date
    reason: str
    entered: Received
    closed: date | None = None
    outcome: DisputeOutcome | None = None

    def __post_init__(self) -> None:
        if self.amount <= 0:
            raise ValueError("a disputed amount is above zero")
        if (self.closed is None) != (self.outcome is None):
            raise ValueError("a dispute that is closed has an outcome, and none before")
        if self.closed is not None and self.closed < self.opened:
            raise ValueError("a dispute is not closed before it is opened")

    def is_open(self, day: date) -> bool:
        return self.opened <= day and (self.closed is None or day < self.closed)

    def decided(self, outcome: DisputeOutcome, day: date) -> Dispute:
        """The same, closed on a day.

        Raises:
            ValueError: when it is closed already, or would be before it was opened.
        """
        if self.closed is not None:
            raise ValueError(f"the dispute was closed on {self.closed}")
        return replace(self, closed=day, outcome=outcome)


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """An employer asks for its credit balance, or a part of it.

    Attributes:
        number: in the register; None until it is there.
        employer: matricule.
        amount: cents, above zero.
        asked: day of the request.
        entered: when it came into the register.
        paid: number of the entry that paid it out; None until then.
    """

    number: int | None
    employer: str
    amount: int
    asked: date
    entered: Received
    paid: int | None = None

    def __post_init__(self) -> None:
        if self.amount <= 0:
            raise ValueError("a credit that is asked for is above zero")
