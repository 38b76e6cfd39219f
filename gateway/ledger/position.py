"""How one employer's account stands at the end of a day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from gateway.ledger.arrangements import Dispute, Instalment, Plan
from gateway.ledger.entries import Account, Entry, EntryKind
from gateway.ledger.imputation import Claim, Course, PlanCourse, follow
from gateway.ledger.policy import Policy
from gateway.moments import Period

_DEFAULT = Policy()


@dataclass(frozen=True, slots=True)
class OpenItem:
    """A charge that is not paid whole. Amounts in cents.

    Attributes:
        number: of the entry that made it.
        period: wage month, if it has one.
        original: what was to be paid.
        open: what is still to be paid.
        disputed: the part of `open` that is disputed.
        plan: number of the payment plan in force that covers it.
        shares: what of `open` is for whom.
    """

    number: int
    kind: EntryKind
    statement: int | None
    period: Period | None
    due: date
    original: int
    open: int
    disputed: int
    plan: int | None
    shares: Mapping[Account, int]


@dataclass(frozen=True, slots=True)
class OpenInterest:
    """Interest that is booked and not paid whole: of an item, for a month of delay. Cents."""

    number: int
    item: int
    month: Period
    open: int
    plan: int | None
    shares: Mapping[Account, int]


class PlanState(StrEnum):
    """How a payment plan stands."""

    KEPT = "kept"
    DEFAULTED = "defaulted"
    FULFILLED = "fulfilled"


@dataclass(frozen=True, slots=True)
class PlanStanding:
    """How a payment plan stands at the end of a day.

    Attributes:
        settled: cents settled on the debts that it covers since it was granted.
        asked: cents that its instalments ask for by then.
        defaulted: first day on which it was not kept any more.
    """

    plan: Plan
    state: PlanState
    settled: int
    asked: int
    defaulted: date | None

    @property
    def next(self) -> Instalment | None:
        """The next instalment, with what is still missing of it; None when none is or the plan failed."""
        if self.state is not PlanState.KEPT:
            return None
        asked = 0
        for one in self.plan.instalments:
            asked += one.amount
            if asked > self.settled:
                return Instalment(one.due, asked - self.settled)
        return None


@dataclass(frozen=True, slots=True)
class Position:
    """How an account stands at the end of a day. Amounts in cents.

    `balance` is the sum of what is open of the items and of the interest, less the credit.

    Attributes:
        balance: positive when the employer owes, negative when it has a credit.
        items: what is not paid whole, the one that fell due first comes first.
        interest: booked and not paid, the oldest first.
        credit: in the employer's favour and used for nothing.
        collected: what each beneficiary has got by settlement, in all.
        plans: those granted by then.
    """

    employer: str
    day: date
    balance: int
    items: tuple[OpenItem, ...]
    interest: tuple[OpenInterest, ...]
    credit: int
    collected: Mapping[Account, int]
    plans: tuple[PlanStanding, ...]

    @property
    def interest_owed(self) -> int:
        return sum(one.open for one in self.interest)

    @property
    def overdue(self) -> tuple[OpenItem, ...]:
        """The items whose last day to pay has passed."""
        return tuple(one for one in self.items if one.due < self.day)

    @property
    def recoverable(self) -> tuple[OpenItem, ...]:
        """The overdue items of which recovery may go on: no plan is kept, not all is disputed."""
        return tuple(one for one in self.overdue if one.plan is None and one.open > one.disputed)


def position(
    entries: Sequence[Entry],
    plans: Iterable[Plan] = (),
    disputes: Sequence[Dispute] = (),
    *,
    employer: str,
    day: date,
    policy: Policy = _DEFAULT,
) -> Position:
    """How the account of an employer stands at the end of a day.

    Args:
        entries: all of that employer, numbered, in any order.
        plans, disputes: all of that employer.

    Raises:
        ValueError: when an entry has no number or is of another employer.
    """
    if any(one.employer != employer for one in entries):
        raise ValueError(f"entries of another employer than {employer}")
    course = follow(entries, plans, disputes, day, policy)
    return Position(
        employer=employer,
        day=day,
        balance=sum(one.amount for one in entries if one.day <= day),
        items=tuple(
            _item(one, course, day) for one in sorted(course.charges, key=lambda one: (one.due, one.number))
        ),
        interest=tuple(_interest(one, course, day) for one in course.interest),
        credit=course.credit,
        collected={account: amount for account, amount in course.collected.items() if amount},
        plans=tuple(_standing(one, course, day) for one in course.plans if one.plan.granted <= day),
    )


def _item(claim: Claim, course: Course, day: date) -> OpenItem:
    return OpenItem(
        number=claim.number,
        kind=claim.kind,
        statement=claim.entry.statement,
        period=claim.entry.period,
        due=claim.due,
        original=claim.entry.amount,
        open=claim.open,
        disputed=course.disputed(claim, day),
        plan=_plan(claim, course, day),
        shares={account: amount for account, amount in claim.remaining.items() if amount},
    )


def _interest(claim: Claim, course: Course, day: date) -> OpenInterest:
    if claim.entry.about is None or claim.entry.period is None:
        raise ValueError(f"interest of no item or no month: {claim.entry}")
    return OpenInterest(
        number=claim.number,
        item=claim.entry.about,
        month=claim.entry.period,
        open=claim.open,
        plan=_plan(claim, course, day),
        shares={account: amount for account, amount in claim.remaining.items() if amount},
    )


def _plan(claim: Claim, course: Course, day: date) -> int | None:
    found = course.plan_of(claim, day)
    return None if found is None else found.plan.number


def _standing(one: PlanCourse, course: Course, day: date) -> PlanStanding:
    left = any(one.covers(claim) for claim in [*course.charges, *course.interest])
    state = PlanState.KEPT if left else PlanState.FULFILLED
    if one.defaulted is not None:
        state = PlanState.DEFAULTED
    return PlanStanding(one.plan, state, one.settled, one.plan.asked_by(day), one.defaulted)
