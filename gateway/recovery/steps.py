"""What is due on a day to recover what an employer owes: pure, and asked twice the same.

* A reminder goes out for each item so many days after its last day to pay, once.
* When as many statements as start forced recovery were reminded in vain, a summons goes out for all that
  was reminded in vain, with a term of its own. Fines and other items without a statement are reminded and
  go along, but start nothing by themselves.
* When that term has passed, a constraint is proposed for what was summoned and is still unpaid, never for
  more than was summoned. Only the operator orders it.
* What is disputed, or under a payment plan that is kept, is asked for by none of them; the rest goes on.
  When nothing else is left, the case rests. Once it goes on, no old summons counts: a new one goes out.
* A summons loses its effect when so much was paid that none would go out, or all that it names.
* A case is closed when nothing of it is open. Interest by itself starts or keeps nothing; what is left of
  it goes on the next statement.

Each item is asked for with the interest on it, in proportion to the part that is not disputed, cents
dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from gateway.calendar import is_working_day, next_working_day
from gateway.ledger import EntryKind, OpenItem, Position
from gateway.moments import Period, months_after
from gateway.money import euro
from gateway.recovery.history import Case, Happened, cases
from gateway.recovery.rules import Rules
from gateway.recovery.states import WITH_BAILIFF, Event, State

BASES: Mapping[Event, str] = {
    Event.REMINDER: "CSS art. 428; RGD 12.05.1975 art. 11",
    Event.SUMMONS: "CSS art. 428; RGD 12.05.1975 art. 11",
    Event.CONSTRAINT: "CSS art. 428; RGD 12.05.1975 art. 11",
}
"""Where it is written that payments are watched and recovered."""

_REMEDIES: Mapping[Event, str] = {
    Event.REMINDER: "The employer pays, asks for a plan or contests by the last day.",
    Event.SUMMONS: "The employer pays, asks for a plan or contests by the last day.",
    Event.CONSTRAINT: "To be ordered by the operator, or left.",
    Event.PAID_DOWN: "Nothing.",
    Event.SUSPENSION: "Tell the bailiff, where one has the case, that it rests.",
    Event.RESUMPTION: "Tell the bailiff, where one has the case, that it goes on.",
    Event.SETTLEMENT: "Tell the bailiff, where one has the case, that it is over.",
}


class LaterDay(ValueError):
    """Something was done on a later day than the one asked for."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What is asked for of an item. Amounts in cents.

    Attributes:
        item: number of its ledger entry.
        kind: what it is.
        statement: number of the statement that charges it, if one does.
        period: wage month, if it has one.
        due: last day on which it was to be paid.
        amount: what is asked for, without interest.
        interest: on it, booked and unpaid.
    """

    item: int
    kind: EntryKind
    statement: int | None
    period: Period | None
    due: date
    amount: int
    interest: int


@dataclass(frozen=True, slots=True)
class Step:
    """What is due. A constraint is a proposal; all others follow from the rules.

    Attributes:
        employer: matricule.
        case: number of the case among those of the employer.
        event: what is due.
        day: on which.
        claims: what is asked for, the one that fell due first comes first.
        last_day: to pay; None when nothing is asked.
        reason: why, a sentence with the figures.
        basis: the law; empty when nothing is asked.
    """

    employer: str
    case: int
    event: Event
    day: date
    claims: tuple[Claim, ...]
    last_day: date | None
    reason: str
    basis: str

    @property
    def is_proposal(self) -> bool:
        """Whether it waits for the operator's order."""
        return self.event is Event.CONSTRAINT

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return _REMEDIES[self.event]

    @property
    def amount(self) -> int:
        """Cents asked for, without interest."""
        return sum(one.amount for one in self.claims)

    @property
    def interest(self) -> int:
        """Cents of interest asked for."""
        return sum(one.interest for one in self.claims)

    def happened(self, by: str = "") -> Happened:
        """The event that it becomes when it is taken."""
        amounts = {one.item: one.amount for one in self.claims}
        return Happened(
            None, self.employer, self.case, self.event, self.day, amounts, self.interest, self.last_day, by
        )


def steps(
    history: Sequence[Happened], standing: Position, rules: Rules, now: Position | None = None
) -> list[Step]:
    """What is due on the day of a position, in the order in which it happens.

    Args:
        history: all that was done for this employer, in order.
        standing: how its account stands at the end of that day.
        now: how it stands on the later day on which the employer is told, if that is another one: terms
            count from there, and what was paid, contested or agreed since is not asked for.

    Raises:
        LaterDay: when something was done on a later day.
        ValueError: when the history does not fit together.
    """
    if any(one.day > standing.day for one in history):
        raise LaterDay(f"recovery from {standing.employer} was looked at on a later day already")
    done, found = list(history), list[Step]()
    while (one := _next(cases(done), standing, rules, now or standing)) is not None:
        found.append(one)
        if one.is_proposal:
            break
        done.append(one.happened())
    return found


@dataclass(frozen=True, slots=True)
class Standing:
    """How a case stands on the day of a position. Amounts in cents.

    Attributes:
        employer: matricule.
        unpaid: what is unpaid of it; of a constraint, up to what it names.
        free: what of that may be recovered: neither disputed nor under a plan that is kept.
    """

    employer: str
    case: Case
    unpaid: int
    free: int


def standings(history: Sequence[Happened], standing: Position) -> list[Standing]:
    """How the cases stand that are not closed, the oldest first."""
    known = cases(history)
    account = _Account(standing, known, standing)
    found = []
    for case in known:
        if case.state in WITH_BAILIFF:
            found.append(Standing(standing.employer, case, *account.enforced[case.number]))
        elif case.state is not State.CLOSED:
            unpaid, free = (
                sum(amounts.get(item, 0) for item in case.items) for amounts in (account.unpaid, account.free)
            )
            found.append(Standing(standing.employer, case, unpaid, free))
    return found


class _Account:
    """What is unpaid, and what of that may be recovered, less what a bailiff has: cents by ledger entry."""

    def __init__(self, standing: Position, known: Iterable[Case], now: Position) -> None:
        self.standing = standing
        self.now = now
        self.day = standing.day
        self.open = {one.number: one.open for one in now.overdue}
        free = {one.number: one.open - one.disputed for one in now.recoverable}
        self.unpaid = {one.number: min(one.open, self.open.get(one.number, 0)) for one in standing.overdue}
        self.free = {
            one.number: min(one.open - one.disputed, free.get(one.number, 0)) for one in standing.recoverable
        }
        self.enforced: dict[int, tuple[int, int]] = {}
        for case in known:
            if case.state in WITH_BAILIFF:
                self.enforced[case.number] = self._take_out(case.enforced)

    def _take_out(self, amounts: Mapping[int, int]) -> tuple[int, int]:
        unpaid = free = 0
        for item, amount in amounts.items():
            left = min(amount, self.unpaid.get(item, 0))
            now = min(left, self.free.get(item, 0))
            self.unpaid[item] = self.unpaid.get(item, 0) - left
            self.free[item] = self.free.get(item, 0) - now
            unpaid, free = unpaid + left, free + now
        return unpaid, free

    def items(self) -> list[OpenItem]:
        """What may be recovered, the one that fell due first comes first."""
        return [one for one in self.standing.recoverable if self.free[one.number] > 0]

    def unpaid_statements(self) -> set[int]:
        """The statements of which anything is unpaid, recoverable or not."""
        found = (one.statement for one in self.standing.overdue if self.unpaid[one.number] > 0)
        return {one for one in found if one is not None}

    def claims(self, amounts: Mapping[int, int]) -> tuple[Claim, ...]:
        """What is asked for of some items, up to an amount each and to what may be recovered."""
        return tuple(
            self._claim(one, min(amounts[one.number], self.free[one.number]))
            for one in self.items()
            if one.number in amounts
        )

    def _claim(self, one: OpenItem, amount: int) -> Claim:
        late = (each.open for each in self.now.interest if each.item == one.number and not each.plan)
        interest = sum(late) * amount // self.open[one.number]
        return Claim(one.number, one.kind, one.statement, one.period, one.due, amount, interest)


def _next(known: Sequence[Case], standing: Position, rules: Rules, now: Position) -> Step | None:
    account = _Account(standing, known, now)
    for case in known:
        if case.state in WITH_BAILIFF and (step := _with_bailiff(case, account)):
            return step
    last = known[-1] if known else Case(0, State.CLOSED)
    if last.state in (*WITH_BAILIFF, State.CLOSED):
        case = Case(last.number + 1)
        return _reminder(case, account, rules) or _summons(case, account, rules)
    return _open(last, account, rules)


def _with_bailiff(case: Case, account: _Account) -> Step | None:
    unpaid, free = account.enforced[case.number]
    if not unpaid:
        return _turn(case, account, Event.SETTLEMENT, "All that the constraint names is settled.")
    if case.state is State.CONSTRAINT and not free:
        return _turn(case, account, Event.SUSPENSION, "A plan is kept or a dispute is open over all of it.")
    if case.state is State.STAYED and free:
        return _turn(case, account, Event.RESUMPTION, f"EUR {euro(free)} may be recovered again.")
    return None


def _open(case: Case, account: _Account, rules: Rules) -> Step | None:
    """What is due for a case before its constraint."""
    if not any(account.unpaid.get(item) for item in case.items):
        return _turn(case, account, Event.SETTLEMENT, "All that was asked for is settled.")
    if reminder := _reminder(case, account, rules):
        return reminder
    free = sum(account.free.get(item, 0) for item in case.items)
    if case.state is State.SUSPENDED:
        again = f"EUR {euro(free)} may be recovered again."
        return _turn(case, account, Event.RESUMPTION, again) if free else None
    if not free:
        return _turn(case, account, Event.SUSPENSION, "A plan is kept or a dispute is open over all of it.")
    return (_summoned if case.state is State.SUMMONED else _summons)(case, account, rules)


def _reminder(case: Case, account: _Account, rules: Rules) -> Step | None:
    ripe = [
        one for one in account.items() if (account.day - one.due).days >= max(1, rules.reminder_after_days)
    ]
    fresh = [one for one in ripe if one.number not in case.reminded]
    if not fresh or not rules.reminders:
        return None
    return Step(
        employer=account.standing.employer,
        case=case.number,
        event=Event.REMINDER,
        day=account.day,
        claims=account.claims({one.number: one.open for one in ripe}),
        last_day=_working(account.now.day + timedelta(rules.reminder_term_days)),
        reason=f"Unpaid {rules.reminder_after_days} days after the last day to pay: "
        f"{len(fresh)} not reminded before.",
        basis=BASES[Event.REMINDER],
    )


def _summons(case: Case, account: _Account, rules: Rules) -> Step | None:
    day = account.day
    in_vain = [
        one for one in account.items() if not rules.reminders or case.reminded.get(one.number, date.max) < day
    ]
    statements = {one.statement for one in in_vain if one.statement is not None}
    if len(statements) < max(1, rules.statements):
        return None
    return Step(
        employer=account.standing.employer,
        case=case.number,
        event=Event.SUMMONS,
        day=day,
        claims=account.claims({one.number: one.open for one in in_vain}),
        last_day=_working(months_after(account.now.day, rules.summons_term_months)),
        reason=f"{len(statements)} unpaid statements; forced recovery starts after {rules.statements}.",
        basis=BASES[Event.SUMMONS],
    )


def _summoned(case: Case, account: _Account, rules: Rules) -> Step | None:
    gone = not any(account.unpaid.get(item) for item in case.summoned)
    left = len(account.unpaid_statements())
    if gone or left < rules.statements:
        why = f"{left} unpaid statements are left; forced recovery starts after {rules.statements}."
        return _turn(case, account, Event.PAID_DOWN, "All that was summoned is settled." if gone else why)
    claims = account.claims(case.summoned)
    if account.day <= case.summons_until or not claims:
        return None
    return Step(
        employer=account.standing.employer,
        case=case.number,
        event=Event.CONSTRAINT,
        day=account.day,
        claims=claims,
        last_day=None,
        reason=f"The term of the summons ended on {case.summons_until}.",
        basis=BASES[Event.CONSTRAINT],
    )


def _turn(case: Case, account: _Account, event: Event, reason: str) -> Step:
    """A step by which nothing is asked for."""
    return Step(account.standing.employer, case.number, event, account.day, (), None, reason, "")


def _working(day: date) -> date:
    """The day, or the next working day."""
    return day if is_working_day(day) else next_working_day(day)
