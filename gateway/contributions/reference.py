"""The contributions of one insured for one month: the reference, to be read beside the law.

    base of a branch = min(max(its elements of the pay, floor) + pay uncharged so far,
                           ceiling of the month + ceiling unused so far)         CSS art. 241 § 3
    floor            = minimum wage of the age x min(hours, 173) / 173           CSS art. 241
    base dependency  = max(0, its elements - allowance)                          CSS art. 377
    allowance        = a quarter of the minimum wage, below 150 h x hours / 173  RGD 28 April 2011
    line             = base x rate, each side rounded half-up to cents           CSS art. 428

What is uncharged and unused so far is the `Room` that the earlier months of the year left. It makes the
bases of a year add up to the lesser of all its pay and all its ceilings, month after month.

Everything is exact (`Fraction`) until the one rounding of a share: a 173rd of an amount never ends.

Assumed, because no published rule was found:

* hours above 173 do not raise the floor;
* the floor is applied to the sum of those elements that enter the branch, so that a month of
  unemployment pay alone is charged accident insurance on the floor of its hours;
* floor and ceiling of occupational health, of the mutuality and of family benefits are those of the other
  branches;
* it is the floored pay that is counted over the year;
* who bears the employee's share above the real pay: the employee, like any other share;
* pupils, students and apprentices have no floor (`groups.yaml`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction

from gateway.contributions.formula import Share, Workings, exact, formula
from gateway.contributions.groups import Group
from gateway.contributions.policy import Allowance, Ceiling, Policy, Rounding, Sickness
from gateway.contributions.schedule import Classification, Element, Rate, Schedule
from gateway.moments import Period
from gateway.money import round_half_up
from gateway.parameters import Branch, Parameter

_ZERO = Decimal(0)
_NOTHING = Fraction(0)
_NONE: tuple[Parameter[Decimal], ...] = ()
_DEFAULT = Policy()
_DECEMBER = 12


@dataclass(frozen=True, slots=True)
class Pay:
    """What one insured got from one employer in one month: amounts in cents, hours in hours.

    Attributes:
        base_wage: *rémunération de base*.
        supplements: supplements payable monthly in cash.
        overtime_pay: overtime at 100 %, without surcharges.
        gratuities: gratuities, participations, benefits in cash or kind, the 13th month.
        unemployment_pay: bad weather, cyclical or short-time unemployment.
        hours: hours paid, whole or with decimals.

    Raises:
        ValueError: for anything below zero.
    """

    base_wage: int = 0
    supplements: int = 0
    overtime_pay: int = 0
    gratuities: int = 0
    unemployment_pay: int = 0
    hours: Decimal = _ZERO

    def __post_init__(self) -> None:
        if self.hours < 0 or min(self.amounts) < 0:
            raise ValueError("neither an amount nor the hours of a pay are below zero")

    @property
    def elements(self) -> Mapping[Element, int]:
        """Each element in cents."""
        return dict(zip(Element, self.amounts, strict=True))

    @property
    def total(self) -> int:
        """All elements together, in cents."""
        return sum(self.amounts)

    @property
    def amounts(self) -> tuple[int, ...]:
        """The same, in the order of `Element`."""
        return (
            self.base_wage,
            self.supplements,
            self.overtime_pay,
            self.gratuities,
            self.unemployment_pay,
        )


@dataclass(frozen=True, slots=True)
class Insurance:
    """What decides about one insured beside the pay.

    Attributes:
        age: completed years, for the floor of minors; None for an adult.
        group: how the person is insured, which decides about branches and floor.
    """

    age: int | None = None
    group: Group = Group.EMPLOYEE


@dataclass(frozen=True, slots=True)
class Left:
    """What earlier months of the year left in one branch, in euro, exact.

    Attributes:
        uncharged: floored pay above the ceilings so far, not charged yet.
        unused: of the ceilings of the affiliated months so far.
        counted: the last month whose ceiling is in `unused`; None before the first.
        instalment: what of that month's own ceiling is unused.
    """

    uncharged: Fraction = _NOTHING
    unused: Fraction = _NOTHING
    counted: Period | None = None
    instalment: Fraction = _NOTHING

    def opened(self, period: Period, ceiling: Fraction) -> Left:
        """With the ceiling of a month, which counts once even if the month holds two groups."""
        if self.counted == period:
            return self
        return Left(self.uncharged, self.unused + ceiling, period, ceiling)

    def charged(self, pay: Fraction, base: Fraction) -> Left:
        """After a month's floored pay was charged with a base, which is never more than `unused`."""
        instalment = max(_NOTHING, self.instalment - base)
        return Left(self.uncharged + pay - base, self.unused - base, self.counted, instalment)


_FRESH = Left()


@dataclass(frozen=True, slots=True)
class Room:
    """What the earlier months of a calendar year with one employer left, branch by branch.

    A branch that is not there has left nothing.
    """

    branches: Mapping[Branch, Left] = field(default_factory=dict)

    def of(self, branch: Branch) -> Left:
        return self.branches.get(branch, _FRESH)

    @property
    def excess(self) -> Fraction:
        """The pay that later months of the year may still charge, in the branch where it is most; in euro."""
        return max((left.uncharged for left in self.branches.values()), default=_NOTHING)


NOTHING = Room()
"""The room at the beginning of a year."""


@dataclass(frozen=True, slots=True)
class Line:
    """One branch of one insured.

    Attributes:
        base: contribution base in euro, exact.
        rate: of each side that pays, exact, as a fraction (0.028 is 2.80 %), the factor included.
        employee, employer: the two shares, in cents.
        institution: who receives both.
        parameters: the dated values that decided the line: the rate, then floor, ceiling or
            allowance where one of them changed the base.
        workings: how the base came about.
    """

    branch: Branch
    base: Fraction
    rate: Decimal
    employee: int
    employer: int
    institution: str
    parameters: tuple[Parameter[Decimal], ...]
    workings: Workings

    @property
    def source(self) -> str:
        """The sources and first days of these values, such as `css-376, uel-2020 (2020-01-01)`."""
        return "; ".join(dict.fromkeys(parameter.quotation for parameter in self.parameters))

    @property
    def formula(self) -> str:
        """The computation of a share with its numbers, such as `3812.40 × 2.80 %`."""
        return formula(self.workings)

    def reversed(self) -> Line:
        """The exact opposite (*extourne*)."""
        return replace(
            self,
            base=-self.base,
            employee=-self.employee,
            employer=-self.employer,
            workings=replace(self.workings, reversal=not self.workings.reversal),
        )


@dataclass(frozen=True, slots=True)
class Contribution:
    """All that is due for one insured in one month. Totals in cents.

    Attributes:
        lines: in the order of `Branch`.
        room: what the year leaves after this month, for the next one.
    """

    lines: tuple[Line, ...]
    room: Room

    @property
    def employee_total(self) -> int:
        return sum(line.employee for line in self.lines)

    @property
    def employer_total(self) -> int:
        return sum(line.employer for line in self.lines)

    @property
    def total(self) -> int:
        return self.employee_total + self.employer_total

    @property
    def doubts(self) -> tuple[Parameter[Decimal], ...]:
        """The values used that have to be confirmed before anybody is charged, each once."""
        used = {p.name: p for line in self.lines for p in line.parameters if p.confidence.doubtful}
        return tuple(used.values())

    def reversed(self) -> Contribution:
        """The exact opposite, line by line: with it, nothing is left of the contribution."""
        return replace(self, lines=tuple(line.reversed() for line in self.lines))


def contribution(
    pay: Pay,
    insurance: Insurance,
    employer: Classification,
    schedule: Schedule,
    *,
    policy: Policy = _DEFAULT,
    room: Room = NOTHING,
    affiliated: bool = True,
    last: bool = False,
) -> Contribution:
    """Compute what is due for one insured in the month of a schedule.

    Args:
        policy: the named choices.
        room: what the earlier months of the year left; without any it is the first month with the
            employer in the year, or the only one.
        affiliated: whether the month brings a ceiling of its own; pay after the exit has only what
            earlier months left unused.
        last: whether the insurance ends with this month, so that `Ceiling.YEAR_END` settles the year; it
            always does in December.
    """
    ceiling = exact(schedule.ceiling.value) if affiliated else _NOTHING
    case = _Case(pay, insurance, schedule, policy, room, _floor(pay, insurance, schedule), ceiling, last)
    charged = [case.line(rate) for rate in schedule.rates_for(employer, insurance.group)]
    lines = [line for line, _ in charged]
    if policy.sickness is Sickness.JOINED:
        lines = _joined(lines, policy.rounding)
    left = {line.branch: after for line, after in charged if after is not None}
    return Contribution(tuple(lines), Room({**room.branches, **left}))


@dataclass(frozen=True, slots=True)
class _Case:
    """One insured in one month.

    Attributes:
        floor: of the hours paid; None for a group without one.
        ceiling: what the month adds to the ceiling of the year.
    """

    pay: Pay
    insurance: Insurance
    schedule: Schedule
    policy: Policy
    room: Room
    floor: Share | None
    ceiling: Fraction
    last: bool

    def line(self, rate: Rate) -> tuple[Line, Left | None]:
        """The line of a branch, and what it leaves for the next month where it has a ceiling."""
        branch, paid = rate.branch, self.elements(rate.branch)
        if branch is Branch.DEPENDENCY:
            return self.dependency(rate, paid), None
        floor = self.floor_above(paid, branch)
        pay = paid if floor is None else floor.exact
        decided_by = _NONE if floor is None else (self.schedule.minimum.at(self.insurance.age),)
        if branch not in self.schedule.capped:
            return self.charged(rate, pay, Workings(paid, rate.value, rate.factor, floor), decided_by), None
        left = self.room.of(branch).opened(self.schedule.period, self.ceiling)
        earlier, ceiling = (left.uncharged, left.unused) if self.settles else (_NOTHING, left.instalment)
        due = pay + earlier
        cut = due > ceiling
        base = ceiling if cut else due
        if cut or earlier:
            decided_by += (self.schedule.ceiling,)
        workings = Workings(
            paid, rate.value, rate.factor, floor, earlier=earlier, ceiling_left=ceiling if cut else None
        )
        return self.charged(rate, base, workings, decided_by), left.charged(pay, base)

    def dependency(self, rate: Rate, paid: Fraction) -> Line:
        """The line of the insured alone: no floor, no ceiling, an allowance (CSS art. 376 and 377)."""
        allowance = self.allowance()
        workings = Workings(paid, rate.value, allowance=allowance)
        return self.charged(rate, max(_NOTHING, paid - allowance.exact), workings, (self.schedule.allowance,))

    def charged(
        self, rate: Rate, base: Fraction, workings: Workings, decided_by: tuple[Parameter[Decimal], ...]
    ) -> Line:
        effective = rate.effective
        share = base * exact(effective)
        employee, employer = _shares(share, rate.employee, rate.employer, self.policy.rounding)
        return Line(
            branch=rate.branch,
            base=base,
            rate=effective,
            employee=employee,
            employer=employer,
            institution=rate.institution,
            parameters=rate.parameters + decided_by,
            workings=workings,
        )

    def elements(self, branch: Branch) -> Fraction:
        """The elements of the pay that enter the base of a branch, in euro."""
        elements = self.pay.elements
        return Fraction(sum(elements[element] for element in self.schedule.elements[branch]), 100)

    def floor_above(self, paid: Fraction, branch: Branch) -> Share | None:
        """The floor, where it raises the base of a branch."""
        if self.floor is None or branch not in self.schedule.floored:
            return None
        return self.floor if self.floor.exact > paid else None

    @property
    def settles(self) -> bool:
        """Whether the month may use what the year left until now, rather than its own instalment."""
        match self.policy.ceiling:
            case Ceiling.CUMULATIVE:
                return True
            case Ceiling.MONTHLY:
                return False
            case Ceiling.YEAR_END:
                return self.last or self.schedule.period.month == _DECEMBER

    def allowance(self) -> Share:
        """What of the pay is free of the dependency contribution."""
        schedule, hours = self.schedule, self.pay.hours
        full, full_time = schedule.allowance.value, schedule.full_time_hours
        if hours >= schedule.allowance_full_from:
            return Share(full, None, full_time)
        allowance = Share(full, hours, full_time)
        if self.policy.allowance is Allowance.UNROUNDED:
            return allowance
        return Share(Decimal(round_half_up(allowance.exact)).scaleb(-2), None, full_time)


def _floor(pay: Pay, insurance: Insurance, schedule: Schedule) -> Share | None:
    """The minimum wage of the age for the hours paid; None for a group without a floor."""
    if insurance.group not in schedule.groups.floored:
        return None
    hours = pay.hours if pay.hours < schedule.full_time_hours else None
    return Share(schedule.minimum.at(insurance.age).value, hours, schedule.full_time_hours)


def _shares(share: Fraction, employee: bool, employer: bool, rounding: Rounding) -> tuple[int, int]:
    """The employee's and the employer's share, in cents, when each owes `share` euro."""
    cents = round_half_up(share)
    if rounding is Rounding.LINE and employee and employer:
        return cents, round_half_up(2 * share) - cents
    return (cents if employee else 0), (cents if employer else 0)


def _joined(lines: list[Line], rounding: Rounding) -> list[Line]:
    """The lines with care and cash benefits rounded together: cash gets what care leaves of the sum.

    With `Rounding.LINE` that can be one cent below zero for the employer.
    """
    by_branch = {line.branch: line for line in lines}
    care, cash = by_branch.get(Branch.CARE), by_branch.get(Branch.CASH)
    if care is None or cash is None:
        return lines
    together = care.base * exact(care.rate) + cash.base * exact(cash.rate)
    employee, employer = _shares(together, True, True, rounding)
    joined = replace(
        cash,
        employee=employee - care.employee,
        employer=employer - care.employer,
        workings=replace(cash.workings, joined=True),
    )
    return [joined if line is cash else line for line in lines]
