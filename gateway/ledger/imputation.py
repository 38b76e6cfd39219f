"""Goes through the entries of one employer in the order of days, and says what settles what.

The order in which money settles:

1. instalments of a plan that is kept, as far as they are due: on the debts that it covers;
2. interest, the oldest first (RGD 18 December 1998);
3. charges, the one that fell due first; debts under a plan count at the days of its instalments;
4. of each charge the part that is disputed, last of all.

A negative share of a correction, a discharge or less interest first lowers what is still open for the same
beneficiary of the same wage month, fine or month of interest; what is left of it, and a refund of the
Mutualité, is used like a payment. A returned direct debit is as if it had never been collected. All of
this but the second point is assumed. What settles a charge goes to its beneficiaries in proportion to what
is open for each, by the largest remainder: together exactly what was settled.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from gateway.ledger.arrangements import Dispute, Plan
from gateway.ledger.entries import BANK, MONEY_IN, Account, Entry, EntryKind
from gateway.ledger.policy import Imputation, Policy
from gateway.ledger.shares import apportion
from gateway.moments import Period

_DAY = timedelta(days=1)

_RANKS = {EntryKind.CREDIT_PAID: 2, EntryKind.INTEREST: 3, EntryKind.INTEREST_WAIVER: 4}
"""Order within a day, after charges (0) and what is in the employer's favour (1)."""


@dataclass(slots=True)
class Claim:
    """Something to be paid, and how much of it is still open.

    Attributes:
        number: of the entry that made it; that of its item for interest that is only computed.
        entry: that made it.
        due: last day to pay; the day of the entry where it has none.
        remaining: cents still open for each beneficiary.
    """

    number: int
    entry: Entry
    due: date
    remaining: dict[Account, int]

    @property
    def kind(self) -> EntryKind:
        return self.entry.kind

    @property
    def open(self) -> int:
        return sum(self.remaining.values())


@dataclass(slots=True)
class PlanCourse:
    """How a plan went so far.

    Attributes:
        settled: cents settled on the debts that it covers, since it was granted.
        defaulted: first day on which it is not kept any more, None while it is kept.
    """

    plan: Plan
    settled: int = 0
    defaulted: date | None = None

    def in_force(self, day: date) -> bool:
        """Whether it had been granted by a day and was kept until then."""
        return self.plan.granted <= day and (self.defaulted is None or day < self.defaulted)

    def covers(self, claim: Claim) -> bool:
        item = claim.entry.about if claim.kind is EntryKind.INTEREST else claim.number
        return item in self.plan.items

    def counts(self, entry: Entry) -> bool:
        """Whether an entry came after the plan was granted, so that what it settles is paid under it."""
        return (self.plan.granted, self.plan.entered) < (entry.day, entry.booked)

    def look(self, day: date) -> None:
        """See whether an instalment that was due before a day was missed."""
        asked = 0
        for one in self.plan.instalments:
            asked += one.amount
            if one.due >= day:
                return
            if self.settled < asked:
                self.defaulted = one.due + _DAY
                return


MonthEnd = Callable[["Course", Period], Sequence[Entry]]
"""Asked at the end of each month for the interest of it, which is a claim from then on."""


@dataclass(slots=True)
class Course:
    """What stands after some days: claims, credit, and what was settled for whom.

    Attributes:
        credit: money and other amounts in the employer's favour that nothing was open for.
        charges, interest: what is open.
        collected: cents that each beneficiary has got by settlement, in all; negative when it gave more.
        accrued: cents of interest of each item so far, less what was waived.
        computed: interest is computed on the way, not read from the ledger.
    """

    policy: Policy
    plans: list[PlanCourse]
    disputes: Sequence[Dispute]
    charges: list[Claim] = field(default_factory=list)
    interest: list[Claim] = field(default_factory=list)
    credit: int = 0
    collected: defaultdict[Account, int] = field(default_factory=lambda: defaultdict(int))
    accrued: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))
    computed: bool = False

    def look(self, day: date) -> None:
        """See which plans were missed before a day; a plan with nothing open any more cannot be."""
        for course in self.plans:
            if course.in_force(day) and any(course.covers(one) for one in [*self.charges, *self.interest]):
                course.look(day)

    def disputed(self, claim: Claim, day: date) -> int:
        """What of a claim is open and disputed on a day."""
        contested = sum(one.amount for one in self.disputes if one.item == claim.number and one.is_open(day))
        return min(contested, claim.open)

    def plan_of(self, claim: Claim, day: date) -> PlanCourse | None:
        """The plan in force that covers a claim, the latest one."""
        found = [one for one in self.plans if one.in_force(day) and one.covers(claim)]
        return max(found, key=lambda one: (one.plan.granted, one.plan.number or 0), default=None)

    def take(self, entry: Entry) -> None:
        """Let one entry have its effect."""
        if entry.kind in MONEY_IN:
            self.credit -= entry.amount
            self._use(entry, entry.statement)
        elif entry.kind in (EntryKind.CREDIT_PAID, EntryKind.RETURNED_DEBIT):
            self._pay_out(entry)
        else:
            self._charge(entry)
        self._use(entry, None)

    def _pay_out(self, entry: Entry) -> None:
        """Money to the employer; what is not covered by a credit is to be paid back at once."""
        covered = min(self.credit, entry.amount)
        self.credit -= covered
        if entry.amount > covered:
            owed = {p.account: -p.amount - covered for p in entry.postings if p.amount < 0}
            self.charges.append(Claim(_number(entry), entry, entry.day, owed))

    def _charge(self, entry: Entry) -> None:
        shares = entry.shares
        owed = {account: amount for account, amount in shares.items() if amount > 0}
        given = {account: -amount for account, amount in shares.items() if amount < 0}
        if entry.kind is EntryKind.INTEREST_WAIVER:
            given = self._waivable(entry, given)
        if given:
            left = self._lower(self._meant(entry), given, entry)
            for account, amount in left.items():
                self.collected[account] -= amount
            self.credit += sum(left.values())
        if not owed:
            return
        claim = Claim(_number(entry), entry, entry.due or entry.day, owed)
        own = self.interest if entry.kind is EntryKind.INTEREST else self.charges
        own.append(claim)
        if entry.kind is EntryKind.INTEREST:
            self.accrued[entry.about or 0] += sum(shares.values())
        if given:
            # What an entry gives settles first what it asks.
            self._settle(claim, min(claim.open, sum(left.values())), entry)

    def _waivable(self, entry: Entry, given: dict[Account, int]) -> dict[Account, int]:
        """What of a waiver meets interest, where interest is computed and not read from the ledger."""
        if not self.computed:
            return given
        item = entry.about or 0
        met = min(sum(given.values()), self.accrued[item])
        self.accrued[item] -= met
        return apportion(met, given)

    def _meant(self, entry: Entry) -> list[Claim]:
        """The claims that a negative share lowers first, in that order."""
        if entry.kind is EntryKind.CORRECTION:
            return [c for c in self.charges if c.kind in _WAGE_MONTH and c.entry.period == entry.period]
        if entry.kind is EntryKind.DISCHARGE:
            return [c for c in self.charges if c.number == entry.about]
        if entry.kind is EntryKind.INTEREST:
            same = entry.about, entry.period
            return [c for c in self.interest if (c.entry.about, c.entry.period) == same]
        if entry.kind is EntryKind.INTEREST_WAIVER:
            return [c for c in self.interest if c.entry.about == entry.about]
        return []

    def _lower(self, claims: Iterable[Claim], given: dict[Account, int], by: Entry) -> dict[Account, int]:
        """Lower what is open for the same beneficiaries; what is left for each."""
        left = dict(given)
        for claim in claims:
            before = claim.open
            for account in left.keys() & claim.remaining.keys():
                lowered = min(left[account], claim.remaining[account])
                left[account] -= lowered
                claim.remaining[account] -= lowered
            self._count(claim, before - claim.open, by)
        self._forget()
        return {account: amount for account, amount in left.items() if amount}

    def _use(self, by: Entry, statement: int | None) -> None:
        """Settle with the credit what is open, in order."""
        if self.credit and (self.charges or self.interest):
            for claim, most in self._order(by.day, statement):
                self._settle(claim, min(claim.open, most, self.credit), by)
                if not self.credit:
                    break
            self._forget()

    def _order(self, day: date, statement: int | None) -> Iterator[tuple[Claim, int]]:
        """What is settled next, and up to how much; what it yields is settled before it goes on."""
        running = [one for one in self.plans if one.in_force(day)]
        for one in running:
            yield from self._under(one, one.plan.asked_by(day) - one.settled, day)
        yield from ((claim, claim.open) for claim in self.interest if not self.plan_of(claim, day))
        charges = [claim for claim in self.charges if not self.plan_of(claim, day)]
        if statement is not None and self.policy.imputation is Imputation.NAMED_STATEMENT:
            named = [claim for claim in charges if claim.entry.statement == statement]
            yield from ((claim, claim.open - self.disputed(claim, day)) for claim in _oldest(named))
        steps: list[tuple[date, int, int, Claim | PlanCourse]] = [
            *((claim.due, 0, claim.number, claim) for claim in charges),
            *((one.due, 1, n, course) for n, course in enumerate(running) for one in course.plan.instalments),
        ]
        for due, _, _, what in sorted(steps, key=lambda step: step[:3]):
            if isinstance(what, Claim):
                yield what, what.open - self.disputed(what, day)
            else:
                yield from self._under(what, what.plan.asked_by(due) - what.settled, day)
        yield from ((claim, claim.open) for claim in [*self.interest, *_oldest(self.charges)])

    def _under(self, course: PlanCourse, amount: int, day: date) -> Iterator[tuple[Claim, int]]:
        """The debts of a plan, interest first, up to an amount in all."""
        target = course.settled + amount
        for claim in [*self.interest, *_oldest(self.charges)]:
            if course.settled >= target:
                return
            if self.plan_of(claim, day) is course:
                yield claim, target - course.settled

    def _settle(self, claim: Claim, amount: int, by: Entry) -> None:
        if amount <= 0:
            return
        for account, part in apportion(amount, {a: n for a, n in claim.remaining.items() if n}).items():
            claim.remaining[account] -= part
            if account != BANK:  # what is paid back only makes good what was paid out
                self.collected[account] += part
        self.credit -= amount
        self._count(claim, amount, by)

    def _count(self, claim: Claim, amount: int, by: Entry) -> None:
        """Count for its plans what a claim was lessened by."""
        for course in self.plans:
            if course.counts(by) and course.covers(claim):
                course.settled += amount

    def _forget(self) -> None:
        self.charges = [claim for claim in self.charges if claim.open]
        self.interest = [claim for claim in self.interest if claim.open]


_WAGE_MONTH = frozenset({EntryKind.CONTRIBUTIONS, EntryKind.CORRECTION})


def _oldest(claims: Iterable[Claim]) -> list[Claim]:
    return sorted(claims, key=lambda claim: (claim.due, claim.number))


def _number(entry: Entry) -> int:
    if entry.number is None:
        raise ValueError(f"a {entry.kind} is not in the ledger yet")
    return entry.number


def follow(
    entries: Iterable[Entry],
    plans: Iterable[Plan],
    disputes: Sequence[Dispute],
    day: date,
    policy: Policy,
    month_end: MonthEnd | None = None,
) -> Course:
    """Go through the entries of one employer up to the end of a day.

    Args:
        month_end: computes the interest of each month; without it, interest is what was booked.

    Raises:
        ValueError: when an entry has no number, or is of another employer than the first one.
    """
    standing = _standing(entries, day, with_interest=month_end is None)
    course = Course(policy, [PlanCourse(plan) for plan in plans], disputes, computed=month_end is not None)
    month = Period(standing[0].day.year, standing[0].day.month) if standing else None
    for entry in standing:
        while month_end and month and (month.last, _INTEREST) < (entry.day, _rank(entry)):
            _end(course, month, month_end)
            month = month.plus(1)
        course.look(entry.day)
        course.take(entry)
    while month_end and month and month.last <= day:
        _end(course, month, month_end)
        month = month.plus(1)
    course.look(day)
    return course


def _end(course: Course, month: Period, month_end: MonthEnd) -> None:
    course.look(month.last)
    for entry in month_end(course, month):
        course.take(entry)


def _standing(entries: Iterable[Entry], day: date, *, with_interest: bool) -> list[Entry]:
    """What counts by the end of a day, in order; debits that were returned by then do not."""
    known = [
        one for one in entries if one.day <= day and (with_interest or one.kind is not EntryKind.INTEREST)
    ]
    if len({one.employer for one in known}) > 1:
        raise ValueError("entries of more than one employer")
    debits = {_number(one): one for one in known if one.kind is EntryKind.DIRECT_DEBIT}
    returned = {
        one.about: _number(one)
        for one in known
        if one.kind is EntryKind.RETURNED_DEBIT
        and one.about in debits
        and one.amount == -debits[one.about].amount
    }
    gone = {*returned, *returned.values()}
    return sorted(
        (one for one in known if _number(one) not in gone),
        key=lambda one: (one.day, _rank(one), _number(one)),
    )


_INTEREST = _RANKS[EntryKind.INTEREST]


def _rank(entry: Entry) -> int:
    return _RANKS.get(entry.kind, 0 if entry.amount > 0 else 1)
