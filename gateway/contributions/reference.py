"""The contributions of one insured for one month: the reference, to be read beside the law.

    base of a branch = min(max(its elements of the pay, floor), ceiling)
    floor            = minimum wage of the age x min(hours, 173) / 173           CSS art. 241
    base dependency  = max(0, its elements - allowance)                          CSS art. 377
    allowance        = a quarter of the minimum wage, below 150 h x hours / 173  RGD 28 April 2011
    line             = base x rate, each side rounded half-up to cents           CSS art. 428

Assumed, because no published rule was found:

* hours above 173 do not raise the floor;
* the floor is applied to the sum of those elements that enter the branch, so that a month of
  unemployment pay alone is charged accident insurance on the floor of its hours;
* floor and ceiling of occupational health and of the mutuality are those of the other branches;
* who bears the employee's share above the real pay: the employee, like any other share;
* pupils and students in holidays have no floor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from gateway.contributions.policy import Allowance, Policy, Rounding
from gateway.contributions.schedule import Classification, Element, Rate, Schedule
from gateway.money import round_half_up
from gateway.parameters import Branch, Parameter

_ZERO = Decimal(0)
_FIFTEEN_DECIMALS = Decimal("1E-15")
_DEFAULT = Policy()
_WHOLE_CEILING: Mapping[Branch, Decimal] = MappingProxyType({})


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
        if self.hours < 0 or any(cents < 0 for cents in self.elements.values()):
            raise ValueError("neither an amount nor the hours of a pay are below zero")

    @property
    def elements(self) -> Mapping[Element, int]:
        """Each element in cents."""
        return {
            Element.BASE_WAGE: self.base_wage,
            Element.SUPPLEMENTS: self.supplements,
            Element.OVERTIME_PAY: self.overtime_pay,
            Element.GRATUITIES: self.gratuities,
            Element.UNEMPLOYMENT_PAY: self.unemployment_pay,
        }

    @property
    def total(self) -> int:
        """All elements together, in cents."""
        return sum(self.elements.values())


@dataclass(frozen=True, slots=True)
class Insurance:
    """What decides about one insured beside the pay.

    Attributes:
        age: completed years, for the floor of minors; None for an adult.
        pupil: a pupil or student in holidays (contract type E), insured against accidents only.
    """

    age: int | None = None
    pupil: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One branch of one insured.

    Attributes:
        base: contribution base in euro, exact (28 digits where a share of hours never ends).
        rate: of each side that pays, exact, as a fraction (0.028 is 2.80 %).
        employee, employer: the two shares, in cents.
        institution: who receives both.
        parameters: the dated values that decided the line: the rate, then floor, ceiling or
            allowance where one of them changed the base.
    """

    branch: Branch
    base: Decimal
    rate: Decimal
    employee: int
    employer: int
    institution: str
    parameters: tuple[Parameter[Decimal], ...]

    @property
    def source(self) -> str:
        """The sources and first days of these values, such as `css-376, uel-2020 (2020-01-01)`."""
        return "; ".join(dict.fromkeys(parameter.quotation for parameter in self.parameters))


@dataclass(frozen=True, slots=True)
class Contribution:
    """All that is due for one insured in one month, in the order of `Branch`. Totals in cents."""

    lines: tuple[Line, ...]

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


def contribution(
    pay: Pay,
    insurance: Insurance,
    employer: Classification,
    schedule: Schedule,
    *,
    policy: Policy = _DEFAULT,
    ceiling_left: Mapping[Branch, Decimal] = _WHOLE_CEILING,
) -> Contribution:
    """Compute what is due for one insured in the month of a schedule.

    Args:
        policy: the named choices.
        ceiling_left: what the base of a branch may still be in this month, in euro, when the
            ceiling is counted over the year; a branch that is not there has the monthly ceiling.
    """
    case = _Case(pay, insurance, schedule, policy, ceiling_left)
    rates = schedule.rates_for(employer)
    if insurance.pupil:
        rates = tuple(rate for rate in rates if rate.branch is Branch.ACCIDENT)
    return Contribution(tuple(case.line(rate) for rate in rates))


@dataclass(frozen=True, slots=True)
class _Case:
    """One insured in one month."""

    pay: Pay
    insurance: Insurance
    schedule: Schedule
    policy: Policy
    ceiling_left: Mapping[Branch, Decimal]

    def line(self, rate: Rate) -> Line:
        base, decided_by = self.base(rate.branch)
        employee, employer = _shares(base, rate, self.policy.rounding)
        return Line(
            branch=rate.branch,
            base=base,
            rate=rate.value,
            employee=employee,
            employer=employer,
            institution=self.schedule.institutions[rate.branch],
            parameters=rate.parameters + decided_by,
        )

    def base(self, branch: Branch) -> tuple[Decimal, tuple[Parameter[Decimal], ...]]:
        """The base of a branch, and the limit that made it other than the pay."""
        pay = self.elements(branch)
        if branch is Branch.DEPENDENCY:
            return max(_ZERO, pay - self.allowance()), (self.schedule.allowance,)
        floor, ceiling = self.floor(branch), self.ceiling(branch)
        if max(pay, floor) > ceiling:
            return ceiling, (self.schedule.ceiling,)
        if floor > pay:
            return floor, (self.schedule.minimum.at(self.insurance.age),)
        return pay, ()

    def elements(self, branch: Branch) -> Decimal:
        """The elements of the pay that enter the base of a branch, in euro."""
        elements = self.pay.elements
        return Decimal(sum(elements[element] for element in self.schedule.elements[branch])).scaleb(-2)

    def floor(self, branch: Branch) -> Decimal:
        """The minimum wage of the age, for the hours worked."""
        if branch not in self.schedule.floored or self.insurance.pupil:
            return _ZERO
        full_time = self.schedule.full_time_hours
        minimum = self.schedule.minimum.at(self.insurance.age).value
        return minimum * min(self.pay.hours, full_time) / full_time

    def ceiling(self, branch: Branch) -> Decimal:
        """What the base may be at the most."""
        if branch not in self.schedule.capped:
            return Decimal("Infinity")
        return self.ceiling_left.get(branch, self.schedule.ceiling.value)

    def allowance(self) -> Decimal:
        """What of the pay is free of the dependency contribution."""
        full, hours = self.schedule.allowance.value, self.pay.hours
        if hours >= self.schedule.allowance_full_from:
            return full
        shared = full * hours / self.schedule.full_time_hours
        if self.policy.allowance is Allowance.ROUNDED:
            return Decimal(_cents(shared)).scaleb(-2)
        return shared


def _shares(base: Decimal, rate: Rate, rounding: Rounding) -> tuple[int, int]:
    """The employee's and the employer's share, in cents."""
    share = _cents(base * rate.value)
    if rounding is Rounding.LINE and rate.employee and rate.employer:
        return share, _cents(2 * base * rate.value) - share
    return (share if rate.employee else 0), (share if rate.employer else 0)


def _cents(amount: Decimal) -> int:
    """Round to cents, half-up, as if the amount were exact.

    A share of 173 hours never ends, and 28 digits of it may fall short of a half cent that the
    exact product reaches. Amounts, hours and factor with two decimals and a rate with at most six
    give products that are at least 5E-13 away from a half cent when they are not on it, so that
    the fifteenth decimal restores the half cent and moves nothing else across it.
    """
    return round_half_up(amount.quantize(_FIFTEEN_DECIMALS))
