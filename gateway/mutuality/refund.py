"""The refund of one insured for one month: what DECMAL claims, measured by what DECSAL declares.

    pay continued = (base wage + supplements) / work hours x hours of absence
    refund        = pay continued x rate + the employer's shares of care, cash benefits and pension on it
    rate          = 80 % for sickness or accident at work; 100 % in the trial period, for leave for family
                    reasons, to accompany a dying relative, and for ordered quarantine
    span          = until the end of the calendar month in which the 77th day of incapacity falls, in 18
                    consecutive calendar months; the health fund pays after it

It is computed from what stands in the registers, and from nothing else: computed again after a wage has
changed or an absence was cancelled, it is another refund, and the earlier one is reversed.

Assumed, because no published rule was found, beside `gateway/mutuality/policy.py` and `rules.yaml`:

* the days are counted for each employer and insured by themselves, on the calendar from the first to the last
  day of each sickness or accident as declared, whoever paid and at whatever rate; other leaves are not
  counted and have no limit here;
* a month is refunded when the 18 months before it hold fewer than 77 of these days. So the right comes back
  with the month after the one in which enough of them have left the window;
* a trial period counts by whole months, to the end of the one in which it ends, or its first three months do;
* an absence counts as quarantine when an authority had ordered it for all its days; DECMAL has no type for
  it;
* what counts is the affiliation that insures the first day of an absence. Who is not insured in the MDE, such
  as civil servants and pupils in holidays, is not refunded;
* all wages of the month that count are taken together, like for contributions. An absence takes hours from
  them, the earlier absence first; what was claimed beyond is not refunded;
* there is no floor: no more is refunded than was paid. The ceiling is that of the month, whatever the year
  has left;
* each amount is rounded once for an absence: the pay, and each share.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from gateway.contributions import Classification, Schedule, UnknownGroupError
from gateway.contributions import Rate as ShareRate
from gateway.moments import Period, months_after
from gateway.money import euro, round_half_up
from gateway.mutuality.policy import Ceiling, Policy, Shares
from gateway.mutuality.rules import Ground, Kind, Leave, Rate, Rules, rules_of
from gateway.parameters import Branch
from gateway.registers import Absence, Affiliation, InsuredMonth, Wage

REFUNDED_SHARES = (Branch.CARE, Branch.CASH, Branch.PENSION)
"""The branches whose employer's share is refunded."""

_DEFAULT = Policy()
_HALF = Fraction(1, 2)


class Reason(StrEnum):
    """Why hours of an absence are not refunded."""

    EXEMPT = "exempt"
    NOT_INSURED = "not-insured"
    PAID_BY_CNS = "paid-by-cns"
    LIMIT = "limit"
    BEYOND_WAGE = "beyond-wage"
    NO_HOURS_CLAIMED = "no-hours-claimed"
    NO_AFFILIATION = "no-affiliation"
    UNKNOWN_GROUP = "unknown-group"
    UNKNOWN_KIND = "unknown-kind"
    NO_WAGE = "no-wage"
    NO_HOURS_DECLARED = "no-hours-declared"

    @property
    def held(self) -> bool:
        """Whether something is missing, so that it is named and not taken for nothing due."""
        return self in _HELD


_HELD = frozenset(
    {
        Reason.NO_AFFILIATION,
        Reason.UNKNOWN_GROUP,
        Reason.UNKNOWN_KIND,
        Reason.NO_WAGE,
        Reason.NO_HOURS_DECLARED,
    }
)

_TEXTS: Mapping[Reason, str] = {
    Reason.EXEMPT: "the employer is exempt from the Mutualité des employeurs",
    Reason.NOT_INSURED: "no contribution to the Mutualité des employeurs is due for this person",
    Reason.PAID_BY_CNS: "paid by the health fund",
    Reason.NO_HOURS_CLAIMED: "no hours are claimed",
    Reason.NO_AFFILIATION: "no affiliation insures the first day of the absence",
    Reason.UNKNOWN_GROUP: "in which branches this contract and scheme insure is not known",
    Reason.UNKNOWN_KIND: "what this type of incapacity means for the refund is not known",
    Reason.NO_WAGE: "no wage counts yet for the month",
    Reason.NO_HOURS_DECLARED: "the wage of the month states no work hours",
}


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Hours of an absence that are not refunded, or not yet.

    Attributes:
        kind: digit of the type, as declared.
        first, last: days of the absence, inclusive.
        hours: those left out; all that were claimed, or what is beyond the wage.
        reason: why; `reason.held` says whether something is missing.
        detail: the same in English, without names.
    """

    kind: str
    first: date
    last: date
    hours: int
    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class RefundPart:
    """What is refunded for one absence. Amounts in cents; positive is in favour of the employer.

    Attributes:
        kind: digit of the type, as declared.
        first, last: days of the absence, inclusive.
        hours: those refunded, at most those claimed; negative in a reversal, like the amounts.
        ground: why it has its rate.
        rate: 0.80 or 1.00.
        pay_continued: the pay of these hours.
        pay_refund: what is refunded of it.
        shares: the employer's shares refunded, by branch.
        days_counted: days of sickness or accident up to `last`, in the 18 months that end with this one.
        formula: how it was computed, with its numbers; at most 200 characters.
        source: sources and first days of what decided it.
        doubtful: whether the meaning of the type or the rate has to be confirmed.
    """

    kind: str
    first: date
    last: date
    hours: int
    ground: Ground
    rate: Decimal
    pay_continued: int
    pay_refund: int
    shares: Mapping[Branch, int]
    days_counted: int
    formula: str
    source: str
    doubtful: bool

    @property
    def total(self) -> int:
        """Pay and shares together."""
        return self.pay_refund + sum(self.shares.values())

    def reversed(self) -> RefundPart:
        """The opposite of it."""
        return replace(
            self,
            hours=-self.hours,
            pay_continued=-self.pay_continued,
            pay_refund=-self.pay_refund,
            shares={branch: -cents for branch, cents in self.shares.items()},
        )


@dataclass(frozen=True, slots=True)
class Refund:
    """What is refunded to an employer for one insured and month.

    Attributes:
        month: employer, insured and period.
        parts: one for each absence that is refunded, by first day.
        left_out: what is not, and why, by first day.
        policy: name of the choices made.
        parameters: version of the rules and of the law on contributions.
    """

    month: InsuredMonth
    parts: tuple[RefundPart, ...]
    left_out: tuple[LeftOut, ...]
    policy: str
    parameters: str

    @property
    def insured(self) -> str:
        return self.month.insured

    @property
    def period(self) -> Period:
        return self.month.period

    @property
    def total(self) -> int:
        """In cents; positive is in favour of the employer: a credit of its account."""
        return sum(part.total for part in self.parts)

    @property
    def held(self) -> tuple[LeftOut, ...]:
        """What waits for something that is missing."""
        return tuple(one for one in self.left_out if one.reason.held)

    def reversed(self) -> Refund:
        """The opposite of what was refunded (*extourne*)."""
        return replace(self, parts=tuple(part.reversed() for part in self.parts), left_out=())


def first_counted(period: Period, law: Rules | None = None) -> Period:
    """The earliest month whose absences bear on the refund of a month."""
    return period.plus(-(law or rules_of()).limit_months)


def refund(
    month: InsuredMonth,
    absences: Iterable[Absence],
    wages: Iterable[Wage],
    affiliations: Sequence[Affiliation],
    schedule: Schedule,
    employer: Classification,
    *,
    law: Rules | None = None,
    quarantines: Sequence[tuple[date, date]] = (),
    policy: Policy = _DEFAULT,
) -> Refund | None:
    """Compute the refund of one insured for one month; None when no absence stands for it.

    Args:
        absences: that stand for this employer and insured, from `first_counted` on; others do not matter.
        wages: that count; those of other months, employers or insured do not matter.
        affiliations: of this employer and insured; others do not matter.
        schedule: of the month, as known on the day on which it is computed.
        employer: its class and factor in the year of the month.
        law: the rules, as known on the same day; those of today where none are given.
        quarantines: first and last days for which an authority ordered quarantine or isolation.
        policy: the named choices.
    """
    known = [one for one in absences if (one.month.employer, one.month.insured) == month[:2]]
    declared = sorted((one for one in known if one.month == month), key=_first)
    if not declared:
        return None
    case = _Case(
        month=month,
        absences=known,
        wages=[wage for wage in wages if wage.key.month == month],
        affiliations=[one for one in affiliations if (one.employer, one.insured) == month[:2]],
        schedule=schedule,
        employer=employer,
        law=law or rules_of(),
        quarantines=quarantines,
        policy=policy,
    )
    for absence in declared:
        case.judge(absence)
    return Refund(
        month,
        tuple(case.parts),
        tuple(case.left_out),
        policy.name,
        f"{case.law.version}+{schedule.version}",
    )


@dataclass(slots=True)
class _Case:
    """One insured in one month, absence after absence."""

    month: InsuredMonth
    absences: Sequence[Absence]
    wages: Sequence[Wage]
    affiliations: Sequence[Affiliation]
    schedule: Schedule
    employer: Classification
    law: Rules
    quarantines: Sequence[tuple[date, date]]
    policy: Policy
    parts: list[RefundPart] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    hours_used: int = 0

    def judge(self, absence: Absence) -> None:
        """Refund an absence, or say why not."""
        right = self.right(absence)
        if isinstance(right, _Right):
            self.measure(absence, right)
        else:
            self.leave_out(absence, right)

    def right(self, absence: Absence) -> _Right | Reason:
        """On what an absence is refunded, or why it is not."""
        insured = self.insured(absence)
        if isinstance(insured, Reason):
            return insured
        affiliation, branches = insured
        kind = self.law.kind(absence.kind, absence.first, absence.last)
        if kind is not None and kind.leave is Leave.CNS:
            return Reason.PAID_BY_CNS
        rate = self.rate(kind, absence, affiliation) if kind is not None else None
        if kind is None or rate is None:
            return Reason.UNKNOWN_KIND
        if kind.leave is Leave.SICKNESS and self.days_before >= self.law.limit_days:
            return Reason.LIMIT
        return _Right(kind, rate, branches)

    def insured(self, absence: Absence) -> tuple[Affiliation, frozenset[Branch]] | Reason:
        """The affiliation of an absence and its branches, or why the MDE does not insure it."""
        if self.employer.mde_class is None:
            return Reason.EXEMPT
        affiliation = next((a for a in self.affiliations if a.overlaps(absence.first, absence.first)), None)
        if affiliation is None:
            return Reason.NO_AFFILIATION
        groups = self.schedule.groups
        try:
            branches = groups.branches[groups.of(affiliation.contract, affiliation.scheme)]
        except UnknownGroupError:
            return Reason.UNKNOWN_GROUP
        return (affiliation, branches) if Branch.MDE in branches else Reason.NOT_INSURED

    def rate(self, kind: Kind, absence: Absence, affiliation: Affiliation) -> Rate | None:
        """The rate of an absence that the MDE refunds; None when none is known."""
        days = absence.first, absence.last
        if kind.leave is Leave.UNKNOWN:
            return None
        if kind.leave is not Leave.SICKNESS:
            return self.law.rate(Ground(kind.leave.value), *days)
        if self.in_trial(affiliation):
            return self.law.rate(Ground.TRIAL, *days)
        if any(first <= days[0] and days[1] <= last for first, last in self.quarantines):
            ordered = self.law.rate(Ground.QUARANTINE, *days)
            if ordered is not None:
                return ordered
        return self.law.rate(Ground.SICKNESS, *days)

    def in_trial(self, affiliation: Affiliation) -> bool:
        """Whether the month is within the first months of a trial period."""
        if affiliation.trial is None:
            return False
        longest = months_after(affiliation.entry, self.law.trial_months) - timedelta(1)
        return self.month.period.first <= min(affiliation.trial, longest)

    def counted(self, period: Period, until: date) -> int:
        """Days of sickness or accident in the 18 months that end with a month, up to a day."""
        first = period.plus(1 - self.law.limit_months)
        return sum(
            (one.last - one.first).days + 1
            for one in self.absences
            if first <= one.month.period <= period and one.last <= until and self.is_sickness(one)
        )

    def is_sickness(self, absence: Absence) -> bool:
        kind = self.law.kind(absence.kind, absence.first, absence.last)
        return kind is not None and kind.leave is Leave.SICKNESS

    @property
    def days_before(self) -> int:
        """Those in the 18 months before this one."""
        before = self.month.period.plus(-1)
        return self.counted(before, before.last)

    def measure(self, absence: Absence, right: _Right) -> None:
        """Refund the hours of an absence that the wages of its days bear out."""
        if absence.hours == 0:
            return self.leave_out(absence, Reason.NO_HOURS_CLAIMED)
        if not self.wages:
            return self.leave_out(absence, Reason.NO_WAGE)
        declared = sum(wage.work_hours for wage in self.wages)
        if declared == 0:
            return self.leave_out(absence, Reason.NO_HOURS_DECLARED)
        hours = min(absence.hours, declared - self.hours_used)
        self.hours_used += hours
        if hours:
            measure = _Measure(sum(map(_pay, self.wages)), declared, hours)
            self.parts.append(self.part(absence, right, measure))
        if hours < absence.hours:
            self.leave_out(absence, Reason.BEYOND_WAGE, absence.hours - hours, declared)
        return None

    def part(self, absence: Absence, right: _Right, measure: _Measure) -> RefundPart:
        ceiling = round_half_up(self.schedule.ceiling.value)
        capped = measure.continued(min(measure.pay, ceiling))
        continued = capped if self.policy.ceiling is Ceiling.CAPPED else measure.continued(measure.pay)
        refunded = Fraction(right.rate.value)
        base = capped if self.policy.shares is Shares.ON_THE_PAY else capped * refunded
        due = [self.schedule.rates[branch] for branch in REFUNDED_SHARES if branch in right.branches]
        part = RefundPart(
            kind=absence.kind,
            first=absence.first,
            last=absence.last,
            hours=measure.hours,
            ground=right.rate.ground,
            rate=right.rate.value,
            pay_continued=_cents(continued),
            pay_refund=_cents(continued * refunded),
            shares={one.branch: _cents(base * Fraction(one.value)) for one in due},
            days_counted=self.counted(self.month.period, absence.last),
            formula="",
            source=right.source(due),
            doubtful=right.kind.confidence.doubtful or right.rate.confidence.doubtful,
        )
        return replace(part, formula=self.formula(part, measure, ceiling, due))

    def formula(self, part: RefundPart, measure: _Measure, ceiling: int, due: Sequence[ShareRate]) -> str:
        """How a part was computed, with its numbers."""
        pay = euro(measure.pay)
        if measure.pay > ceiling and self.policy.ceiling is Ceiling.CAPPED:
            pay = f"{euro(ceiling)} (ceiling; pay {pay})"
        on = "the pay" if self.policy.shares is Shares.ON_THE_PAY else "the refund"
        shares = ", ".join(f"{one.branch} {(one.value * 100).normalize():f} %" for one in due)
        return (
            f"{pay} / {measure.declared} h x {part.hours} h = {euro(part.pay_continued)};"
            f" x {part.rate} = {euro(part.pay_refund)}; on {on}: {shares}"
        )

    def leave_out(
        self, absence: Absence, reason: Reason, hours: int | None = None, declared: int = 0
    ) -> None:
        """Refund nothing of an absence, or nothing of some of its hours, of those that the wages declare."""
        left = absence.hours if hours is None else hours
        if reason is Reason.LIMIT:
            detail = (
                f"paid by the health fund: {self.days_before} days of sickness in the"
                f" {self.law.limit_months} months before, of {self.law.limit_days}"
            )
        elif reason is Reason.BEYOND_WAGE:
            granted = absence.hours - left
            detail = f"{absence.hours} h are claimed, {granted} h are left of the {declared} h declared"
        else:
            detail = _TEXTS[reason]
        self.left_out.append(LeftOut(absence.kind, absence.first, absence.last, left, reason, detail))


@dataclass(frozen=True, slots=True)
class _Right:
    """On what an absence is refunded: what it is, its rate, and the branches of the insured."""

    kind: Kind
    rate: Rate
    branches: frozenset[Branch]

    def source(self, due: Iterable[ShareRate]) -> str:
        """Sources and first days of all that decided it, with the rates of the employer's shares."""
        shares = (one for rate in due for one in rate.parameters if one.name.endswith(".employer"))
        quoted = [self.kind.quotation, self.rate.quotation, *(one.quotation for one in shares)]
        return "; ".join(dict.fromkeys(quoted))


@dataclass(frozen=True, slots=True)
class _Measure:
    """By what an absence is measured: pay of the month in cents, its work hours, and the hours refunded."""

    pay: int
    declared: int
    hours: int

    def continued(self, pay: int) -> Fraction:
        """What these hours get of a pay of the month, exact."""
        return Fraction(pay * self.hours, self.declared)


def _pay(wage: Wage) -> int:
    """What counts of a wage: the elements that enter the base of cash benefits, in cents."""
    return wage.base_wage + wage.supplements


def _first(absence: Absence) -> date:
    return absence.first


def _cents(amount: Fraction) -> int:
    """Round cents that are not below zero to whole ones, half up."""
    return int(amount + _HALF)
