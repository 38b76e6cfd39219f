"""The parameters of one wage month, gathered once and used for all its insured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache

from gateway.moments import Period
from gateway.parameters import Branch, Law, Parameter, law

_BOTH_SIDES = (Branch.CARE, Branch.CASH, Branch.PENSION)


class Element(StrEnum):
    """An element of the pay that employers declare, in the words of `base_matrix.yaml`.

    Surcharges on overtime are in no base and are not declared.
    """

    BASE_WAGE = "base_wage"
    SUPPLEMENTS = "supplements"
    OVERTIME_PAY = "overtime_pay"
    GRATUITIES = "gratuities"
    UNEMPLOYMENT_PAY = "unemployment_pay"


@dataclass(frozen=True, slots=True)
class Classification:
    """How the Mutualité des employeurs and the Association d'assurance accident class an employer.

    Both are set for a year.

    Attributes:
        mde_class: class 1 to 4 of the financial absence rate.
        accident_factor: bonus-malus factor in hundredths (85 is 0.85), 1 to 999.

    Raises:
        ValueError: outside of these ranges.
    """

    mde_class: int
    accident_factor: int

    def __post_init__(self) -> None:
        if not 1 <= self.mde_class <= 4:
            raise ValueError(f"a class of the Mutualité des employeurs is 1 to 4, not {self.mde_class}")
        if not 1 <= self.accident_factor <= 999:
            raise ValueError(f"an accident factor is 1 to 999 hundredths, not {self.accident_factor}")

    @property
    def factor(self) -> Decimal:
        """The accident factor as a number: 85 hundredths are 0.85."""
        return Decimal(self.accident_factor).scaleb(-2)


@dataclass(frozen=True, slots=True)
class Rate:
    """The rate of one branch.

    Attributes:
        value: what each side that pays owes of the base, exact, as a fraction.
        employee, employer: whether that side pays.
        parameters: those the rate comes from.
    """

    branch: Branch
    value: Decimal
    employee: bool
    employer: bool
    parameters: tuple[Parameter[Decimal], ...]


@dataclass(frozen=True, slots=True)
class Minimum:
    """The monthly minimum wage of an unskilled worker, which is the full floor, by age (CSS art. 241)."""

    adult: Parameter[Decimal]
    age_17: Parameter[Decimal]
    age_15_16: Parameter[Decimal]

    def at(self, age: int | None) -> Parameter[Decimal]:
        """That of an age in completed years; None stands for an adult."""
        if age is None or age >= 18:
            return self.adult
        return self.age_17 if age == 17 else self.age_15_16


@dataclass(frozen=True, slots=True)
class Schedule:
    """All that the law says about one wage month.

    Attributes:
        version: of the parameter files.
        elements: which elements of the pay enter the base of a branch.
        floored, capped: branches whose base is raised to the floor, cut at the ceiling.
        minimum: the floor of a full month.
        ceiling, allowance: in euro, for a full month.
        full_time_hours: hours over which floor and allowance are shared out.
        allowance_full_from: hours from which the whole allowance is given.
        rates: of all branches but the MDE; that of the accident insurance before the factor.
        mutuality: the rate of the MDE by class.
        factors: accident factors in use, in hundredths.
        institutions: who receives a branch.
    """

    period: Period
    version: str
    elements: Mapping[Branch, tuple[Element, ...]]
    floored: frozenset[Branch]
    capped: frozenset[Branch]
    minimum: Minimum
    ceiling: Parameter[Decimal]
    allowance: Parameter[Decimal]
    full_time_hours: Decimal
    allowance_full_from: Decimal
    rates: Mapping[Branch, Rate]
    mutuality: Mapping[int, Rate]
    factors: frozenset[int]
    institutions: Mapping[Branch, str]

    def rates_for(self, employer: Classification) -> tuple[Rate, ...]:
        """The rates of an employer, in the order of `Branch`."""
        return tuple(self._rate(branch, employer) for branch in Branch)

    def _rate(self, branch: Branch, employer: Classification) -> Rate:
        if branch is Branch.MDE:
            return self.mutuality[employer.mde_class]
        rate = self.rates[branch]
        if branch is Branch.ACCIDENT:
            return Rate(branch, rate.value * employer.factor, rate.employee, rate.employer, rate.parameters)
        return rate

    @classmethod
    def of(cls, law: Law, period: Period) -> Schedule:
        """What a law says about a month.

        Raises:
            NoParametersError: when the law does not reach back so far.
            ValueError: when employee and employer owe unequal rates of one branch, for which
                a line has no room.
        """
        matrix = {element: law.word(f"base_matrix.elements.{element}", period).value for element in Element}
        return cls(
            period=period,
            version=law.version,
            elements={b: tuple(element for element in Element if b in matrix[element]) for b in Branch},
            floored=frozenset(map(Branch, law.word("base_matrix.floor", period).value)),
            capped=frozenset(map(Branch, law.word("base_matrix.ceiling", period).value)),
            minimum=Minimum(
                law.number("minimum_wage.unskilled_18_plus", period),
                law.number("minimum_wage.age_17", period),
                law.number("minimum_wage.age_15_16", period),
            ),
            ceiling=law.number("bases.ceiling_monthly", period),
            allowance=law.number("bases.dependency_allowance", period),
            full_time_hours=law.number("bases.full_time_hours", period).value,
            allowance_full_from=law.number("bases.allowance_full_from_hours", period).value,
            rates={branch: _rate(law, period, branch) for branch in Branch if branch is not Branch.MDE},
            mutuality={number: _mutuality(law, period, number) for number in range(1, 5)},
            factors=frozenset(
                int(Decimal(factor).scaleb(2)) for factor in law.word("rates.accident.factors", period).value
            ),
            institutions={branch: law.word(f"distribution.{branch}", period).value[0] for branch in Branch},
        )


def _rate(law: Law, period: Period, branch: Branch) -> Rate:
    if branch is Branch.DEPENDENCY:
        employee = law.number("rates.dependency.employee", period)
        return Rate(branch, employee.value, True, False, (employee,))
    employer = law.number(f"rates.{branch}.employer", period)
    if branch not in _BOTH_SIDES:
        return Rate(branch, employer.value, False, True, (employer,))
    employee = law.number(f"rates.{branch}.employee", period)
    if employee.value != employer.value:
        raise ValueError(f"{employee.name} and {employer.name} are not equal in {period}")
    return Rate(branch, employee.value, True, True, (employee, employer))


def _mutuality(law: Law, period: Period, number: int) -> Rate:
    rate = law.number(f"mutuality.class_{number}", period)
    return Rate(Branch.MDE, rate.value, False, True, (rate,))


@lru_cache(maxsize=256)
def schedule_of(period: Period) -> Schedule:
    """What our law says about a month, gathered once; raises like `Schedule.of`."""
    return Schedule.of(law(), period)
