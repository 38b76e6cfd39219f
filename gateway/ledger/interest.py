"""Late interest (RGD of 18 December 1998): so much for each full calendar month, fractions ignored.

It starts on the first day of the first month after the last day to pay: due on 25 May, it starts on
1 June, and the first month is complete on 30 June. It is due on what was open during the whole month, so
on what is open at the end of it; never on interest. While a payment plan is kept the lower rate counts
(0.0 %): a month in which a plan was kept on any day is no full month of delay.

Interest is computed anew from all that is known, and the difference to what was booked is booked: asked
twice it books once, and what becomes known later corrects it.

Assumed: what is due on corrections runs from the last day to pay of the statement that shows them; a
correction in the employer's favour lessens interest from its day only; a returned direct debit never
paid anything; after a default the ordinary rate is back from the first full month on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

from gateway.ledger import entries as book
from gateway.ledger.arrangements import Dispute, DisputeOutcome, Plan
from gateway.ledger.entries import Account, Entry, EntryKind
from gateway.ledger.imputation import Claim, Course, PlanCourse, follow
from gateway.ledger.policy import Imputation, InterestBase, InterestRounding, Policy, Suspension
from gateway.ledger.shares import apportion
from gateway.moments import Period, Received
from gateway.money import round_half_up
from gateway.parameters import NoParametersError, law

_DEFAULT = Policy()
_BASE = {
    InterestBase.CONTRIBUTIONS: frozenset({EntryKind.CONTRIBUTIONS, EntryKind.CORRECTION}),
    InterestBase.CHARGES: frozenset({*book.CHARGES, EntryKind.FINE, EntryKind.MUTUALITY_REFUND}),
}

ItemMonth = tuple[int, Period]
"""An item (number of its entry) and a month of delay."""


def interest_due(
    entries: Sequence[Entry],
    plans: Sequence[Plan],
    disputes: Sequence[Dispute],
    day: date,
    *,
    booked: Received,
    statement: int | None = None,
    policy: Policy = _DEFAULT,
) -> list[Entry]:
    """The interest of one employer for months complete at the end of a day that is not booked yet.

    Args:
        booked: moment of the booking.
        statement: number of the statement that will show it, if any.

    Returns:
        entries without number, the oldest item first; with negative amounts where less is due than was
        booked. Nothing below what was waived is taken back.

    Raises:
        NoParametersError: when no rate is known for a month.
    """
    simple = policy.imputation is Imputation.OLDEST_DUE and not (plans or disputes)
    if simple and always_in_time(entries, day):
        return []
    standing = [one for one in entries if one.kind is EntryKind.INTEREST]
    due = computed(entries, plans, disputes, day, policy)
    have: defaultdict[ItemMonth, defaultdict[Account, int]] = defaultdict(lambda: defaultdict(int))
    for one in standing:
        if one.day <= day:
            for account, amount in one.shares.items():
                have[_key(one)][account] += amount
    floor = _waived(entries)
    totals: defaultdict[int, int] = defaultdict(int)
    for (item, _), shares in have.items():
        totals[item] += sum(shares.values())
    found: list[Entry] = []
    for item, month in sorted(due.keys() | have.keys()):
        missing = _difference(due.get((item, month), {}), have.get((item, month), {}))
        total = sum(missing.values())
        if not missing or (total < 0 and totals[item] + total < floor[item]):
            continue
        totals[item] += total
        found.append(
            book.interest(
                _employer(entries),
                item=item,
                month=month,
                by_institution={account.holder: amount for account, amount in missing.items()},
                booked=booked,
                statement=statement,
            )
        )
    return found


def always_in_time(entries: Iterable[Entry], day: date) -> bool:
    """Whether sums alone show that no interest is due or was booked, as they do for most employers.

    At the end of each month what was paid covers all that fell due before it. Of what could be
    counted in more than one way the worse for the employer is; if false, only a full computation tells.
    Holds when the charge that fell due first is settled first, and nothing is disputed or under a plan.
    """
    sums: defaultdict[int, int] = defaultdict(int)
    late_in: set[int] = set()
    gone = 0
    for one in entries:
        if one.kind in (EntryKind.INTEREST, EntryKind.INTEREST_WAIVER):
            return False
        if one.day > day:
            continue
        amount = one.amount
        if one.kind in _GONE:
            gone += amount
        elif one.kind in _PAID and amount < 0:
            sums[_month(one.day)] -= amount
        else:
            month = _month(one.due or one.day) + 1
            sums[month] -= sum(max(share, 0) for share in one.shares.values())
            late_in.add(month)
    complete = _month(day + timedelta(days=1)) - 1
    balance = -gone
    for month in sorted(sums):
        balance += sums[month]
        if month in late_in and month <= complete and balance < 0:
            return False
    return True


_PAID = book.MONEY_IN | {EntryKind.MUTUALITY_REFUND}
_GONE = frozenset({EntryKind.CREDIT_PAID, EntryKind.RETURNED_DEBIT})


def _month(day: date) -> int:
    """The months since the beginning of the calendar."""
    return day.year * 12 + day.month


def computed(
    entries: Sequence[Entry],
    plans: Iterable[Plan],
    disputes: Sequence[Dispute],
    day: date,
    policy: Policy,
) -> dict[ItemMonth, Mapping[Account, int]]:
    """All interest of one employer for months complete at the end of a day, whatever is booked of it."""
    due: dict[ItemMonth, Mapping[Account, int]] = {}
    exact: defaultdict[int, Decimal] = defaultdict(Decimal)

    def month_end(course: Course, month: Period) -> list[Entry]:
        found = []
        for claim in course.charges:
            if claim.kind not in _BASE[policy.base] or claim.due >= month.first:
                continue
            base = claim.open - _spared(claim, disputes, month, policy)
            amount = Decimal(base).scaleb(-2) * _rate(claim, course.plans, month, policy)
            if policy.rounding is InterestRounding.ITEM:
                before, exact[claim.number] = exact[claim.number], exact[claim.number] + amount
                cents = round_half_up(exact[claim.number]) - round_half_up(before)
            else:
                cents = round_half_up(amount)
            if cents:
                found.append(_computed(claim, month, cents))
        due.update({_key(one): one.shares for one in found})
        return found

    follow(entries, plans, disputes, day, policy, month_end)
    return due


def _computed(claim: Claim, month: Period, cents: int) -> Entry:
    """Interest of a claim, shared out as what is open of it; under the number of the claim."""
    shares = apportion(cents, {account: n for account, n in claim.remaining.items() if n})
    one = book.interest(
        claim.entry.employer or "",
        item=claim.number,
        month=month,
        by_institution={account.holder: amount for account, amount in shares.items()},
        booked=claim.entry.booked,
    )
    return book.numbered(one, claim.number)


def _spared(claim: Claim, disputes: Iterable[Dispute], month: Period, policy: Policy) -> int:
    """What of a claim bears no interest in a month because it is, or was rightly, disputed."""
    spared = 0
    for one in disputes:
        if one.item == claim.number:
            right = (
                one.outcome is DisputeOutcome.UPHELD and one.closed is not None and month.last < one.closed
            )
            waits = not policy.interest_while_disputed and one.is_open(month.last)
            spared += one.amount if right or waits else 0
    return min(spared, claim.open)


def _rate(claim: Claim, plans: Iterable[PlanCourse], month: Period, policy: Policy) -> Decimal:
    """The rate of a claim for a full month, as a fraction."""
    if policy.suspension is Suspension.WIDEST and suspended(month):
        return Decimal()
    ordinary = law().number("collection.late_interest_per_full_month", month).value
    if not any(_kept_in(one, month) and one.covers(claim) for one in plans):
        return ordinary
    try:
        return law().number("collection.late_interest_with_granted_delay", month).value
    except NoParametersError:
        return ordinary


def _kept_in(course: PlanCourse, month: Period) -> bool:
    """Whether a plan was in force and kept on any day of a month."""
    kept = course.defaulted is None or month.first < course.defaulted
    return course.plan.granted <= month.last and kept


def suspended(month: Period) -> bool:
    """Whether interest of a month could be one that the Covid regulations suspended."""
    return law().word("collection.late_interest_suspended", month).value == ("yes",)


def _waived(entries: Iterable[Entry]) -> Mapping[int, int]:
    waived: defaultdict[int, int] = defaultdict(int)
    for one in entries:
        if one.kind is EntryKind.INTEREST_WAIVER:
            waived[one.about or 0] -= one.amount
    return waived


def _difference(due: Mapping[Account, int], have: Mapping[Account, int]) -> dict[Account, int]:
    missing = {account: due.get(account, 0) - have.get(account, 0) for account in due.keys() | have.keys()}
    return {account: missing[account] for account in sorted(missing) if missing[account]}


def _key(one: Entry) -> ItemMonth:
    if one.about is None or one.period is None:
        raise ValueError(f"interest of no item or no month: {one}")
    return one.about, one.period


def _employer(entries: Sequence[Entry]) -> str:
    return next(one.employer for one in entries if one.employer is not None)
