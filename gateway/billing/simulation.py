"""What a batch would change on the next statement of an employer, and whether it can be computed again.

What is due with the batch and without it is computed from the same registers; a charge that comes out alike
both ways is left out. Of each that does not, the document keeps all that it is computed from: elements of the
pay, hours, group, months insured, and the earlier months of the year where the ceiling brings them in. So its
amounts can be checked later to the cent, by anybody who has the law of that day, without our registers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from gateway.billing.charges import ENDED, Case, Change, Charge, ChargeKey, Standing, months_of
from gateway.billing.holds import Hold
from gateway.billing.statement import RefundChange
from gateway.contributions import (
    Ceiling,
    Classification,
    Group,
    NoParametersError,
    Pay,
    Policy,
    schedule_of,
    year,
)
from gateway.moments import Period
from gateway.money import round_half_up
from gateway.parameters import Branch, law


class Side(StrEnum):
    """In which of the two computations something stands."""

    WITHOUT = "without"
    WITH = "with"
    BOTH = "both"


class Beside(NamedTuple):
    """One amount in both computations, in cents."""

    without: int
    with_it: int

    @property
    def difference(self) -> int:
        """By how much the batch changes it."""
        return self.with_it - self.without


@dataclass(frozen=True, slots=True)
class SimulatedLine:
    """One branch of one insured in a month. Amounts in cents; the rate as a fraction."""

    branch: Branch
    base: int
    rate: Decimal
    employee: int
    employer: int
    formula: str

    @property
    def total(self) -> int:
        return self.employee + self.employer


@dataclass(frozen=True, slots=True)
class SimulatedMonth:
    """One month of an insured, or the part of it under one group.

    Attributes:
        side: where it stands; both for an earlier month that only leaves room below the ceiling.
        affiliated: months of the year until then in which the person was insured; bit 0 is January, and
            `charges.ENDED` where the insurance ended with them.
        stated: whether a statement charged it already, so that it is told as it was charged.
        lines: what is due; none for a month that is told for its room alone.
    """

    side: Side
    period: Period
    group: Group
    pay: Pay
    affiliated: int
    stated: bool
    lines: tuple[SimulatedLine, ...] = ()


@dataclass(frozen=True, slots=True)
class SimulatedYear:
    """The months of one insured and calendar year that the batch changes, and those they depend on.

    Attributes:
        classification: of the employer in that year.
        months: by period, group and side.
    """

    insured: str
    calendar_year: int
    classification: Classification
    months: tuple[SimulatedMonth, ...]


class RefundEffect(NamedTuple):
    """What the Mutualité des employeurs refunds for one insured and month, in cents."""

    insured: str
    period: Period
    refunded: Beside


class BranchEffect(NamedTuple):
    """What is charged and corrected in one branch, both shares, in cents."""

    branch: Branch
    charged: Beside


@dataclass(frozen=True, slots=True)
class Effect:
    """What the batch changes for one employer.

    Attributes:
        employer: matricule.
        first: first month that no statement has charged yet; None when there is no statement.
        period: month of the statement that is foreseen: the next one, or that of the last month changed.
        branches: contributions and corrections together.
        contributions: of that month.
        corrections: of all other months until then.
        refunds: of the Mutualité des employeurs: what the employer gets.
        years: what is charged otherwise.
        refunded: what is refunded otherwise.
        holds: what could not be computed with the batch.
    """

    employer: str
    first: Period | None
    period: Period
    branches: tuple[BranchEffect, ...]
    contributions: Beside
    corrections: Beside
    refunds: Beside
    years: tuple[SimulatedYear, ...] = ()
    refunded: tuple[RefundEffect, ...] = ()
    holds: tuple[Hold, ...] = ()

    @property
    def total(self) -> Beside:
        """What the employer owes by it: contributions and corrections, less refunds."""
        return Beside(
            *(
                charged + corrected - refunded
                for charged, corrected, refunded in zip(
                    self.contributions, self.corrections, self.refunds, strict=True
                )
            )
        )


class Due(NamedTuple):
    """What is due in one of the two computations."""

    changes: Sequence[Change]
    refunds: Sequence[RefundChange]
    holds: Sequence[Hold] = ()


@dataclass(frozen=True, slots=True)
class Rules:
    """By which law and choices something was computed.

    Attributes:
        parameters: version of the files of the law, as known on that day.
        known: day.
        policy: the named choices.
        months: of each month concerned, the fingerprint of the values in force.
    """

    parameters: str
    known: date
    policy: Policy
    months: tuple[tuple[Period, str], ...]


def rules(effects: Iterable[Effect], known: date, policy: Policy) -> Rules:
    """Those of some effects."""
    periods = {
        Period(each.calendar_year, month)
        for one in effects
        for each in one.years
        for month in range(1, max(told.period.month for told in each.months) + 1)
    }
    months = tuple((period, schedule_of(period, known).fingerprint) for period in sorted(periods))
    return Rules(law().as_known(known).version, known, policy, months)


def effect(
    employer: str,
    first: Period | None,
    horizon: Period,
    standing: Standing,
    without: Due,
    with_it: Due,
    policy: Policy,
    known: date,
) -> Effect:
    """What a batch changes for an employer.

    Args:
        first: first month not charged yet; None without any statement.
        horizon: last month that was computed, both times.
        standing: what stands as charged, of all insured concerned.
        without: what is due without the batch.
        with_it: what is due with it.
        policy: the choices.
        known: day as known on which the law counts.
    """
    years = tuple(_years(standing, without.changes, with_it.changes, policy, known))
    refunded = tuple(_refunded(without.refunds, with_it.refunds))
    touched = [month.period for one in years for month in one.months] + [one.period for one in refunded]
    period = max([*touched, *([first] if first else [])], default=horizon)
    without, with_it = (_until(due, period) for due in (without, with_it))
    return Effect(
        employer=employer,
        first=first,
        period=period,
        branches=tuple(_branches(without.changes, with_it.changes)),
        contributions=Beside(*(_charged(due.changes, period, True) for due in (without, with_it))),
        corrections=Beside(*(_charged(due.changes, period, False) for due in (without, with_it))),
        refunds=Beside(*(sum(one.total for one in due.refunds) for due in (without, with_it))),
        years=years,
        refunded=refunded,
        holds=tuple(with_it.holds),
    )


def _until(due: Due, period: Period) -> Due:
    return Due(
        [one for one in due.changes if one.key.period <= period],
        [one for one in due.refunds if one.period <= period],
        [one for one in due.holds if one.period <= period],
    )


def _charged(found: Iterable[Change], period: Period, of_month: bool) -> int:
    """What is charged of the month itself, or in corrections of others, as a statement tells them apart."""
    return sum(
        (one.after.total if one.after else 0) - (one.before.total if one.before else 0)
        for one in found
        if (one.key.period == period and one.before is None) is of_month
    )


def _branches(without: Iterable[Change], with_it: Iterable[Change]) -> Iterator[BranchEffect]:
    sums = [_by_branch(each) for each in (without, with_it)]
    for branch in Branch:
        if any(branch in each for each in sums):
            yield BranchEffect(branch, Beside(*(each.get(branch, 0) for each in sums)))


def _by_branch(found: Iterable[Change]) -> Mapping[Branch, int]:
    sums: defaultdict[Branch, int] = defaultdict(int)
    for one in found:
        for charge, sign in ((one.after, 1), (one.before, -1)):
            for line in charge.lines if charge else ():
                sums[line.branch] += sign * line.total
    return sums


def _refunded(without: Iterable[RefundChange], with_it: Iterable[RefundChange]) -> Iterator[RefundEffect]:
    before, after = ({(one.period, one.insured): one.total for one in each} for each in (without, with_it))
    for period, insured in sorted(before.keys() | after.keys()):
        beside = Beside(before.get((period, insured), 0), after.get((period, insured), 0))
        if beside.difference:
            yield RefundEffect(insured, period, beside)


def _after(standing: Standing, changes: Iterable[Change]) -> dict[ChargeKey, Charge]:
    """What would stand after some changes."""
    found = dict(standing.charges)
    for one in changes:
        if one.after is None:
            found.pop(one.key, None)
        else:
            found[one.key] = one.after
    return found


def _years(
    standing: Standing, without: Sequence[Change], with_it: Sequence[Change], policy: Policy, known: date
) -> Iterator[SimulatedYear]:
    before, after = _after(standing, without), _after(standing, with_it)
    fresh = {id(one.after) for one in (*without, *with_it)}
    different: defaultdict[tuple[str, int], set[ChargeKey]] = defaultdict(set)
    together: defaultdict[tuple[str, int], set[ChargeKey]] = defaultdict(set)
    for key in before.keys() | after.keys():
        person = key.insured, key.period.year
        together[person].add(key)
        if _amounts(before.get(key)) != _amounts(after.get(key)):
            different[person].add(key)
    for insured, calendar_year in sorted(different):
        person = insured, calendar_year
        changed = different[person]
        last = max(key.period for key in changed)
        keys = {key for key in together[person] if key.period <= last}
        needed = any(
            _needs_room(
                ((key.period, each[key].basis.pay.total) for key in keys if key in each), policy, known
            )
            for each in (before, after)
        )
        told = keys if needed else changed
        months = [
            month
            for key in sorted(told)
            for month in _months(before.get(key), after.get(key), key in changed, fresh)
        ]
        charges = [each[key] for key in sorted(changed) for each in (after, before) if key in each]
        # Only what is computed anew is checked by it: what was charged before may have had another one.
        newest = next((one for one in charges if id(one) in fresh), charges[0])
        yield SimulatedYear(insured, calendar_year, newest.basis.classification, tuple(months))


def _amounts(charge: Charge | None) -> object:
    return None if charge is None else charge.amounts()


def _needs_room(pays: Iterable[tuple[Period, int]], policy: Policy, known: date) -> bool:
    """Whether a month depends on others of its year: some pay is above its ceiling, or it is settled at the
    end of the year."""
    if policy.ceiling is Ceiling.YEAR_END:
        return True
    sums: defaultdict[Period, int] = defaultdict(int)
    for period, pay in pays:
        sums[period] += pay
    return any(pay > schedule_of(period, known).ceiling.value * 100 for period, pay in sums.items())


def _months(
    before: Charge | None, after: Charge | None, differs: bool, fresh: Iterable[int]
) -> Iterator[SimulatedMonth]:
    if not differs and before is not None and after is not None and before.basis.pay == after.basis.pay:
        yield _month(Side.BOTH, after)
        return
    for side, charge in ((Side.WITHOUT, before), (Side.WITH, after)):
        if charge is not None:
            yield _month(side, charge, told=differs, stated=differs and id(charge) not in fresh)


def _month(side: Side, charge: Charge, *, told: bool = False, stated: bool = False) -> SimulatedMonth:
    key, basis = charge.key, charge.basis
    lines = tuple(
        SimulatedLine(one.branch, one.base, one.rate, one.employee, one.employer, one.formula)
        for one in charge.lines
    )
    return SimulatedMonth(
        side, key.period, key.group, basis.pay, basis.affiliated, stated, lines if told else ()
    )


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Something that comes out otherwise when it is computed again: of which month, and how.

    Attributes:
        insured: matricule; empty for the law of the month itself.
        written: as the document has it.
        computed: as it comes out now.
    """

    insured: str
    period: Period
    what: str
    written: str
    computed: str


def reproduce(effects: Iterable[Effect], by: Rules) -> Iterator[Mismatch]:
    """Compute every amount that a simulation computed again, from what the document itself holds.

    Months that a statement had charged before are taken as they were charged; so are refunds, since the
    incapacities they come from are not told.
    """
    for period, fingerprint in by.months:
        found = _fingerprint(period, by.known)
        if found != fingerprint:
            yield Mismatch("", period, "law", fingerprint, found)
    for one in effects:
        for each in one.years:
            for month in each.months:
                if month.lines and not month.stated:
                    yield from _again(each, month, by)


def _fingerprint(period: Period, known: date) -> str:
    try:
        return schedule_of(period, known).fingerprint
    except NoParametersError:
        return "none"


def _again(of: SimulatedYear, month: SimulatedMonth, by: Rules) -> Iterator[Mismatch]:
    key = ChargeKey(of.insured, month.period, month.group)
    cases = [
        Case(ChargeKey(of.insured, one.period, one.group), one.pay, ())
        for one in of.months
        if one.side in (Side.BOTH, month.side) and one.period <= month.period
    ]
    needed = _needs_room(((case.key.period, case.pay.total) for case in cases), by.policy, by.known)
    if not needed:  # what other months leave unused does not matter either
        cases = [case for case in cases if case.key.period == month.period]
    months = months_of(cases, month.affiliated if needed else 0)
    try:
        due = year(
            [one for one, _ in months],
            of.classification,
            policy=by.policy,
            known=by.known,
            ended=bool(month.affiliated & ENDED),
        )
    except NoParametersError as error:
        yield Mismatch(of.insured, month.period, "law", "known", str(error))
        return
    (found,) = (one for (_, case), one in zip(months, due, strict=True) if case and case.key == key)
    computed = {
        one.branch: (round_half_up(one.base), one.rate, one.employee, one.employer) for one in found.lines
    }
    written = {one.branch: (one.base, one.rate, one.employee, one.employer) for one in month.lines}
    for branch in Branch:
        if computed.get(branch) != written.get(branch):
            yield Mismatch(
                of.insured,
                month.period,
                branch.value,
                _told(written.get(branch)),
                _told(computed.get(branch)),
            )


def _told(amounts: tuple[int, Decimal, int, int] | None) -> str:
    if amounts is None:
        return "nothing"
    base, rate, employee, employer = amounts
    return f"base {base}, rate {rate:f}, employee {employee}, employer {employer} cents"
