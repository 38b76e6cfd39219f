"""An employer's own computation beside what is charged: each difference with its reason.

A reason is found by trying. What is charged for an insured is computed anew under one variation after the
other (`hypotheses.py`); the first one that gives all own amounts of that person is the reason of all their
differences. Where none does, several things differ: then each branch is looked at by itself. A difference of
at most a cent a share is put down to rounding; shares that a pay would give that is higher or lower by one
amount in all their branches to another pay. What is left is `unknown`: rather no reason than a wrong one.

Where the employer stated bases, a variation has to give these as well, to the cent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import NamedTuple

from gateway.billing.differences import ComparedLine, Reason, Reconciliation, Side
from gateway.billing.hypotheses import (
    MOST_HOURS,
    Schedules,
    Situation,
    Variation,
    classification_of,
    other_hours,
    situations_of,
    variations,
)
from gateway.billing.lines import ChargedLine
from gateway.billing.statement import InsuredResult
from gateway.contributions import Classification, Line, NoParametersError, Policy, Schedule, schedule_of
from gateway.moments import Period
from gateway.money import euro, round_half_up
from gateway.parameters import Branch
from gateway.registers import OwnCalculation

_DEFAULT = Policy()
_LONGEST = 200
_FULL, _NO_HOURS = Decimal(MOST_HOURS), Decimal(0)


class Entry(NamedTuple):
    """Base and shares of a branch, in cents; the base is None where it is not stated."""

    base: int | None
    employee: int
    employer: int

    @property
    def shares(self) -> tuple[int, int]:
        return self.employee, self.employer


Table = Mapping[Branch | None, Entry]
"""The amounts of one insured by branch; under None the sum of all branches, where only that is known."""

_NOTHING = Entry(None, 0, 0)


class Finding(NamedTuple):
    """Why an amount differs, and the numbers of it."""

    reason: Reason
    numbers: str = ""


@dataclass(frozen=True, slots=True)
class _Pair:
    """What both sides say of one insured: one of them may be empty."""

    own: OwnCalculation | None
    billed: Sequence[InsuredResult]


def reconcile(
    own: Sequence[OwnCalculation],
    billed: Sequence[InsuredResult],
    period: Period,
    *,
    earlier: Sequence[InsuredResult] = (),
    waiting: Collection[str] = (),
    policy: Policy = _DEFAULT,
    schedules: Schedules = schedule_of,
) -> Reconciliation:
    """Compare the own computation of one employer and wage month with what is charged.

    Args:
        own: those that stand, of that employer and month.
        billed: what stands as charged, corrections included.
        earlier: what was charged before a correction and reversed since, as it was charged.
        waiting: insured for whom nothing is charged yet though a wage is declared, since it waits for the
            entry declaration or came late.
        policy: with which it was charged.
        schedules: the law of a month, such as `schedule_of` or the same as known on a day.
    """
    comparer = _Comparer(period, billed, earlier, waiting, policy, schedules)
    lines = [line for pair in _pairs(own, billed) for line in comparer.lines(pair)]
    return Reconciliation(tuple(sorted(lines, key=_place)))


def _place(line: ComparedLine) -> tuple[object, ...]:
    branch = -1 if line.branch is None else list(Branch).index(line.branch)
    return line.insured, line.group or "", branch, line.side


def _pairs(own: Sequence[OwnCalculation], billed: Sequence[InsuredResult]) -> Iterator[_Pair]:
    """What belongs together: by insured, and by group where a month has several."""
    mine: dict[str, list[OwnCalculation]] = defaultdict(list)
    theirs: dict[str, list[InsuredResult]] = defaultdict(list)
    for one in own:
        mine[one.month.insured].append(one)
    for result in billed:
        theirs[result.insured].append(result)
    for insured in sorted(mine.keys() | theirs.keys()):
        yield from _of_insured(mine[insured], theirs[insured])


def _of_insured(own: Sequence[OwnCalculation], billed: Sequence[InsuredResult]) -> Iterator[_Pair]:
    if len(own) == 1 and (own[0].group is None or len(billed) == 1):
        yield _Pair(own[0], billed)
        return
    left = list(billed)
    for one in own:
        same = [result for result in left if result.group is one.group]
        left = [result for result in left if result.group is not one.group]
        yield _Pair(one, same)
    if left:
        yield _Pair(None, left)


_MOST_TRIED = 4_000
"""How much is tried for one employer and month in all, so that thousands of wrong amounts cost no more than a
second or two: reasons are then found for the first of them, in the order of matricules."""

_SITUATIONS_COST = 20
"""What finding the pay behind a result costs, in variations tried."""


class _Comparer:
    """Finds reasons within one employer and month."""

    def __init__(
        self,
        period: Period,
        billed: Sequence[InsuredResult],
        earlier: Sequence[InsuredResult],
        waiting: Collection[str],
        policy: Policy,
        schedules: Schedules,
    ) -> None:
        self._earlier: dict[str, list[InsuredResult]] = defaultdict(list)
        for result in earlier:
            self._earlier[result.insured].append(result)
        self._waiting = frozenset(waiting)
        self._policy, self._schedules = policy, schedules
        self._left = _MOST_TRIED
        self._law: tuple[Schedule, Classification] | None = None
        try:
            schedule = schedules(period)
        except NoParametersError:
            return
        self._law = schedule, classification_of(billed, schedule)

    def lines(self, pair: _Pair) -> Iterator[ComparedLine]:
        """All shares that either side has."""
        by_branch = pair.own is None or bool(pair.own.lines)
        mine, theirs = _own_table(pair.own), _billed_table(pair.billed, by_branch=by_branch)
        found = self._reasons(pair, mine, theirs)
        insured = pair.own.month.insured if pair.own is not None else pair.billed[0].insured
        group = pair.billed[0].group if len(pair.billed) == 1 else None
        if group is None and pair.own is not None:
            group = pair.own.group
        for branch in mine.keys() | theirs.keys():
            left, right = mine.get(branch, _NOTHING), theirs.get(branch, _NOTHING)
            for side, own, billed in zip(Side, left.shares, right.shares, strict=True):
                if own or billed:
                    why = found[branch] if own != billed else None
                    told = (None, "") if why is None else why
                    yield ComparedLine(insured, group, branch, side, own, billed, *told)

    def _reasons(self, pair: _Pair, mine: Table, theirs: Table) -> Mapping[Branch | None, Finding]:
        """Why the shares of each branch differ."""
        different = _different(mine, theirs)
        if pair.own is None:
            return dict.fromkeys(different, Finding(Reason.NOT_OWN))
        insured = pair.own.month.insured
        if not pair.billed:
            late = insured in self._waiting
            return dict.fromkeys(different, Finding(Reason.LATE_ENTRY if late else Reason.MISSING_WAGE))
        before = (_billed_table([one], by_branch=None not in mine) for one in self._earlier[insured])
        if any(_same(mine, table) for table in before):
            return dict.fromkeys(different, Finding(Reason.CORRECTION))
        return self._found(pair.billed, mine, theirs, different)

    def _found(
        self,
        billed: Sequence[InsuredResult],
        mine: Table,
        theirs: Table,
        different: Collection[Branch | None],
    ) -> Mapping[Branch | None, Finding]:
        """Why the shares of branches differ that both sides have, as far as it can be found."""
        another = _another_pay(mine, billed, different)
        if not different or (another and {Branch.CARE, Branch.DEPENDENCY}.issubset(different)):
            return another  # nothing but the pay moves these two by one amount
        situations = self._situations(billed)
        likely = self._spend(one for each in situations for one in variations(each, self._schedules))
        by_itself, whole = _tried(likely, billed, mine, different)
        if whole:
            return by_itself
        if all(_is_rounding(mine, theirs, branch) for branch in different):
            return dict.fromkeys(different, Finding(Reason.ROUNDING))
        rest = [branch for branch in different if branch not in by_itself]
        hours = self._spend(
            one for each in situations if _hours_decide(each, rest) for one in other_hours(each)
        )
        by_hours, whole = _tried(hours, billed, mine, different)
        if whole or another:
            return by_hours if whole else another
        found = {**by_hours, **by_itself}
        return {branch: found.get(branch) or _left_over(mine, theirs, billed, branch) for branch in different}

    def _situations(self, billed: Sequence[InsuredResult]) -> Sequence[Situation]:
        """What a result may have been computed from; several of one month are not taken apart."""
        if self._law is None or len(billed) != 1 or self._left <= 0:
            return ()
        self._left -= _SITUATIONS_COST
        schedule, classification = self._law
        return situations_of(billed[0], classification, schedule, self._policy)

    def _spend(self, tried: Iterable[Variation]) -> Iterator[Variation]:
        """Those that are still tried: what is not found by then stays unknown."""
        for one in tried:
            if self._left <= 0:
                return
            self._left -= 1
            yield one


def _tried(
    tried: Iterable[Variation],
    billed: Sequence[InsuredResult],
    mine: Table,
    different: Collection[Branch | None],
) -> tuple[Mapping[Branch | None, Finding], bool]:
    """What variations say of each branch; and whether one of them gives all that the employer computed."""
    found: dict[Branch | None, Finding] = {}
    for variation in tried:
        lines = variation.situation.lines()
        table = _table(lines.values(), by_branch=None not in mine)
        told = {
            branch: Finding(variation.reason, _numbers(variation, branch, billed[0], lines))
            for branch in different
            if _fits(mine, table, branch)
        }
        if len(told) == len(different) and _same(mine, table):
            return told, True
        found = {**told, **found}
    return found, False


def _own_table(own: OwnCalculation | None) -> Table:
    if own is None:
        return {}
    if not own.lines:
        return {None: Entry(None, own.employee_total, own.employer_total)}
    return {line.branch: Entry(line.base, line.employee, line.employer) for line in own.lines}


def _billed_table(billed: Iterable[InsuredResult], *, by_branch: bool) -> Table:
    return _table((line for result in billed for line in result.lines), by_branch=by_branch)


def _table(lines: Iterable[ChargedLine | Line], *, by_branch: bool) -> Table:
    """The sums of lines: branch by branch, or over all branches."""
    found: dict[Branch | None, Entry] = {}
    for line in lines:
        branch = line.branch if by_branch else None
        base, employee, employer = found.get(branch, _NOTHING)
        cents = line.base if isinstance(line, ChargedLine) else round_half_up(line.base)
        found[branch] = Entry((base or 0) + cents, employee + line.employee, employer + line.employer)
    return found


def _different(mine: Table, theirs: Table) -> set[Branch | None]:
    """The branches whose shares differ."""
    every = mine.keys() | theirs.keys()
    return {b for b in every if mine.get(b, _NOTHING).shares != theirs.get(b, _NOTHING).shares}


def _fits(mine: Table, other: Table, branch: Branch | None) -> bool:
    """Whether another table gives what the employer computed for a branch, the base to a cent if stated."""
    own, found = mine.get(branch, _NOTHING), other.get(branch, _NOTHING)
    return own.shares == found.shares and (own.base is None or abs(own.base - (found.base or 0)) <= 1)


def _same(mine: Table, other: Table) -> bool:
    return all(_fits(mine, other, branch) for branch in mine.keys() | other.keys())


def _hours_decide(situation: Situation, branches: Collection[Branch | None]) -> bool:
    """Whether hours decide about every one of some branches; always about the sum of all."""
    if not branches or None in branches:
        return None in branches
    none, full = (
        replace(situation, pay=replace(situation.pay, hours=hours)).lines() for hours in (_NO_HOURS, _FULL)
    )
    moved = {branch for branch, line in none.items() if line.base != full[branch].base}
    return moved.issuperset(branches)


def _numbers(
    variation: Variation, branch: Branch | None, billed: InsuredResult, lines: Mapping[Branch, Line]
) -> str:
    """What was charged with, and what the variation was computed with; of a total, in the first branch that
    differs."""
    told = [variation.numbers] if variation.numbers else []
    for line in billed.lines:
        other = lines.get(line.branch)
        if other is None or branch not in (None, line.branch):
            continue
        prefix = f"{line.branch} " if branch is None else ""
        changed = []
        if line.base != round_half_up(other.base):
            changed.append(f"{prefix}{euro(line.base)} -> {euro(round_half_up(other.base))}")
        if line.rate != other.rate:
            changed.append(f"{prefix}{_percent(line.rate)} -> {_percent(other.rate)}")
        told += changed
        if branch is None and changed:
            break
    return "; ".join(told)[:_LONGEST]


def _percent(rate: Decimal) -> str:
    return f"{(rate * 100).normalize():f} %"


def _is_rounding(mine: Table, theirs: Table, branch: Branch | None) -> bool:
    """Whether shares are apart by a cent at the most; those of a total by a cent for each branch."""
    most = len(Branch) if branch is None else 1
    left, right = mine.get(branch, _NOTHING).shares, theirs.get(branch, _NOTHING).shares
    return all(abs(own - billed) <= most for own, billed in zip(left, right, strict=True))


def _another_pay(
    mine: Table, billed: Sequence[InsuredResult], different: Collection[Branch | None]
) -> Mapping[Branch | None, Finding]:
    """The finding that a pay higher or lower by one amount gives all shares that differ; or nothing."""
    lines = {line.branch: line for result in billed for line in result.lines}
    if len(billed) != 1 or any(branch is not None and branch not in lines for branch in different):
        return {}
    spans: list[_Span] = []
    for branch in different:
        own = mine.get(branch, _NOTHING)
        spans += _spans_of_totals(own, billed[0]) if branch is None else _spans(own, lines[branch])
    low = max((low for low, _ in spans), default=Fraction(1))
    high = min((high for _, high in spans), default=Fraction(0))
    if low > high or (len(different) == 1 and None not in different):
        return {}
    more = _roundest(low, high)
    told = Finding(Reason.BASE, f"{'+' if more > 0 else ''}{euro(more)}")
    return {branch: _by_base(mine, billed, branch) or told for branch in different}


def _by_base(mine: Table, billed: Sequence[InsuredResult], branch: Branch | None) -> Finding | None:
    """The finding that another base, which was stated, gives the shares of a branch."""
    own = mine.get(branch, _NOTHING)
    for line in (line for result in billed for line in result.lines if line.branch is branch):
        if own.base is None or own.base == line.base:
            return None
        due = round_half_up(Fraction(own.base, 100) * Fraction(line.rate))
        if any(own.shares) and all(share in (0, due) for share in own.shares):
            return Finding(Reason.BASE, f"{euro(line.base)} -> {euro(own.base)}")
    return None


def _roundest(low: Fraction, high: Fraction) -> int:
    """The roundest amount of a span, in cents: what the pay differs by is rarely an odd one."""
    steps = (step * ceil(low / step) for step in (10_000, 1_000, 100, 10, 1))
    return next((amount for amount in steps if amount <= high), round(low))


_Span = tuple[Fraction, Fraction]
"""From which to which amount, in cents, a base may be higher than the one charged."""


def _spans(own: Entry, line: ChargedLine) -> list[_Span]:
    """By how much the base must be higher to give the shares of a branch."""
    rate, half = Fraction(line.rate), Fraction(1, 2)
    pairs = zip(own.shares, (line.employee, line.employer), strict=True)
    return [
        ((share - half) / rate - line.base - 1, (share + half) / rate - line.base + 1)
        for share, charged in pairs
        if share or charged
    ] + (
        [] if own.base is None else [(Fraction(own.base - line.base - 1), Fraction(own.base - line.base + 1))]
    )


def _spans_of_totals(own: Entry, billed: InsuredResult) -> list[_Span]:
    """By how much the base wage must be higher to give the totals: it enters every branch."""
    spans = []
    charged = ([line.employee for line in billed.lines], [line.employer for line in billed.lines])
    for total, shares in zip(own.shares, charged, strict=True):
        pairs = zip(billed.lines, shares, strict=True)
        rate = sum((Fraction(line.rate) for line, share in pairs if share), Fraction(0))
        if not rate or total == sum(shares):
            return [(Fraction(1), Fraction(0))]  # one side alone proves nothing
        apart, tolerance = total - sum(shares), len(shares)
        spans.append(((apart - tolerance) / rate, (apart + tolerance) / rate))
    return spans


def _left_over(mine: Table, theirs: Table, billed: Sequence[InsuredResult], branch: Branch | None) -> Finding:
    if _is_rounding(mine, theirs, branch):
        return Finding(Reason.ROUNDING)
    return _by_base(mine, billed, branch) or Finding(Reason.UNKNOWN)
