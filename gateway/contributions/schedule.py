"""The parameters of one wage month, gathered once and used for all its insured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache

from gateway.contributions.groups import Group, Groups
from gateway.moments import Period
from gateway.parameters import Branch, Law, Parameter, law

_BOTH_SIDES = (Branch.CARE, Branch.CASH, Branch.PENSION)
_SET_BY_EMPLOYER = (Branch.MDE, Branch.HEALTH_AT_WORK)


class Element(StrEnum):
    """An element of the pay that employers declare, in the words of `base_matrix.yaml`.

    Surcharges on overtime are in no base and are not declared.
    """

    BASE_WAGE = "base_wage"
    SUPPLEMENTS = "supplements"
    OVERTIME_PAY = "overtime_pay"
    GRATUITIES = "gratuities"
    UNEMPLOYMENT_PAY = "unemployment_pay"


class HealthService(StrEnum):
    """The occupational health service of an employer."""

    STM = "stm"
    """Service de santé au travail multisectoriel."""
    STI = "sti"
    """Service de santé au travail de l'industrie."""
    OWN = "own"
    """A service of its own, for which nothing is charged."""


@dataclass(frozen=True, slots=True)
class Classification:
    """What decides about the branches and rates of an employer; class and factor are set for a year.

    Attributes:
        mde_class: class 1 to 4 of the financial absence rate, set by the Mutualité des employeurs; None
            when exempt (MDE statutes: public bodies that pay on without limit in sickness, private
            households, the closed group with an insurance policy of before 2009).
        accident_factor: bonus-malus factor in hundredths (85 is 0.85), 1 to 999, set by the
            Association d'assurance accident.
        public: an employer of the public sector, which owes family benefits.
        health_service: who is paid for occupational health.

    Raises:
        ValueError: outside of these ranges.
    """

    mde_class: int | None
    accident_factor: int
    public: bool = False
    health_service: HealthService = HealthService.STM

    def __post_init__(self) -> None:
        if self.mde_class is not None and not 1 <= self.mde_class <= 4:
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
        value: what each side that pays owes of the base, exact, as a fraction; before the factor.
        employee, employer: whether that side pays.
        institution: who receives it.
        parameters: those the rate comes from.
        factor: of the accident insurance, by which the value is multiplied; None for other branches.
    """

    branch: Branch
    value: Decimal
    employee: bool
    employer: bool
    institution: str
    parameters: tuple[Parameter[Decimal], ...]
    factor: Decimal | None = None

    @property
    def effective(self) -> Decimal:
        """What each side that pays owes of the base: the value, times the factor where there is one."""
        return self.value if self.factor is None else self.value * self.factor


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
        version: of the parameters, as far as they were known.
        fingerprint: of the values in force in this month; equal ones compute equal contributions.
        elements: which elements of the pay enter the base of a branch.
        floored, capped: branches whose base is raised to the floor, cut at the ceiling.
        minimum: the floor of a full month.
        ceiling, allowance: in euro, for a full month.
        full_time_hours: hours over which floor and allowance are shared out.
        allowance_full_from: hours from which the whole allowance is given.
        rates: of all branches but those below; that of the accident insurance before the factor.
        mutuality: the rate of the MDE by class.
        health: the rate of occupational health by service; none for a service of the employer's own.
        factors: accident factors in use, in hundredths.
        groups: who is insured in which branches.
    """

    period: Period
    version: str
    fingerprint: str
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
    health: Mapping[HealthService, Rate]
    factors: frozenset[int]
    groups: Groups

    def rates_for(self, employer: Classification, group: Group | None = None) -> tuple[Rate, ...]:
        """The rates that an employer owes for a group, or for any of its people, in the order of `Branch`."""
        insured = Branch if group is None else self.groups.branches[group]
        rates = (self._rate(branch, employer) for branch in Branch if branch in insured)
        return tuple(rate for rate in rates if rate is not None)

    def _rate(self, branch: Branch, employer: Classification) -> Rate | None:
        match branch:
            case Branch.MDE:
                return None if employer.mde_class is None else self.mutuality[employer.mde_class]
            case Branch.HEALTH_AT_WORK:
                return self.health.get(employer.health_service)
            case Branch.FAMILY_BENEFITS if not employer.public:
                return None
            case Branch.ACCIDENT:
                return replace(self.rates[branch], factor=employer.factor)
            case _:
                return self.rates[branch]

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
            fingerprint=law.fingerprint(period),
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
            rates={branch: _rate(law, period, branch) for branch in Branch if branch not in _SET_BY_EMPLOYER},
            mutuality={number: _mutuality(law, period, number) for number in range(1, 5)},
            health={
                HealthService.STM: _health(law, period, "employer", "health_at_work"),
                HealthService.STI: _health(law, period, "employer_sti", "health_at_work_sti"),
            },
            factors=frozenset(
                int(Decimal(factor).scaleb(2)) for factor in law.word("rates.accident.factors", period).value
            ),
            groups=Groups.read(law, period),
        )


def _rate(law: Law, period: Period, branch: Branch) -> Rate:
    to = _institution(law, period, branch)
    if branch is Branch.DEPENDENCY:
        employee = law.number("rates.dependency.employee", period)
        return Rate(branch, employee.value, True, False, to, (employee,))
    employer = law.number(f"rates.{branch}.employer", period)
    if branch not in _BOTH_SIDES:
        return Rate(branch, employer.value, False, True, to, (employer,))
    employee = law.number(f"rates.{branch}.employee", period)
    if employee.value != employer.value:
        raise ValueError(f"{employee.name} and {employer.name} are not equal in {period}")
    return Rate(branch, employee.value, True, True, to, (employee, employer))


def _mutuality(law: Law, period: Period, number: int) -> Rate:
    rate = law.number(f"mutuality.class_{number}", period)
    return Rate(Branch.MDE, rate.value, False, True, _institution(law, period, Branch.MDE), (rate,))


def _health(law: Law, period: Period, side: str, institution: str) -> Rate:
    rate, to = law.number(f"rates.health_at_work.{side}", period), _institution(law, period, institution)
    return Rate(Branch.HEALTH_AT_WORK, rate.value, False, True, to, (rate,))


def _institution(law: Law, period: Period, name: str) -> str:
    return law.word(f"distribution.{name}", period).value[0]


@lru_cache(maxsize=1024)
def schedule_of(period: Period, known: date | None = None) -> Schedule:
    """What our law says about a month, gathered once; raises like `Schedule.of`.

    Args:
        known: as the law was known at the end of that day; all that is known now when not given.
    """
    return Schedule.of(law() if known is None else law().as_known(known), period)
