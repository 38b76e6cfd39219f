"""Source and formula of a line from whole numbers: the texts of the reference, for very many insured at once.

Most texts of a month differ in the pay alone, so that all else of them is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from gateway.contributions.bulk import HUNDREDTHS, whole
from gateway.contributions.formula import Share, Workings, formula
from gateway.contributions.groups import Group
from gateway.contributions.policy import Allowance, Policy, Sickness
from gateway.contributions.schedule import Classification, Element, Rate, Schedule
from gateway.money import round_half_up
from gateway.parameters import Branch, Parameter

Told = tuple[str, str]
"""Source and formula."""

_PLACES = {element: place for place, element in enumerate(Element)}
_BRANCHES = tuple(Branch)


class Wording:
    """The texts of one month under one policy, without anything that earlier months left."""

    def __init__(self, schedule: Schedule, policy: Policy) -> None:
        self._schedule = schedule
        self._policy = policy
        self._lines: dict[tuple[Classification, Group], tuple[LineWording, ...]] = {}

    def lines(self, employer: Classification, group: Group) -> tuple[LineWording, ...]:
        """The lines that an employer owes for an insured of a group, in the order of `Branch`."""
        found = self._lines.get((employer, group))
        if found is None:
            rates = self._schedule.rates_for(employer, group)
            cash = {Branch.CARE, Branch.CASH} <= {rate.branch for rate in rates}
            together = cash and self._policy.sickness is Sickness.JOINED
            found = tuple(
                LineWording(
                    self._schedule, self._policy, rate, group, together and rate.branch is Branch.CASH
                )
                for rate in rates
            )
            self._lines[employer, group] = found
        return found


class _Allowance(NamedTuple):
    """The allowance for some hours: `numerator` by `denominator` cents, its source, and the formula behind
    the pay."""

    share: Share
    numerator: int
    denominator: int
    source: str
    rest: str

    def above(self, paid: int) -> bool:
        return self.numerator > paid * self.denominator


@dataclass(slots=True)
class LineWording:
    """The texts of one branch for insured of one group with one employer.

    Attributes:
        rate: whose branch it is; with the factor of the employer.
        joined: whether it is rounded together with sickness care.
        place: of the branch in `Branch`.
        effective: rate of each side that pays, the factor included.
        elements: places in `Element` of those that enter its base.
    """

    schedule: Schedule
    policy: Policy
    rate: Rate
    group: Group
    joined: bool
    place: int = field(init=False)
    effective: Decimal = field(init=False)
    elements: tuple[int, ...] = field(init=False)
    _unit: int = field(init=False)
    _ceiling: int | None = field(init=False)
    _floors: dict[str, int] = field(init=False)
    _highest_floor: int = field(init=False)
    _plain: Told = field(init=False)
    _kept: dict[tuple[int, str], Told] = field(init=False, default_factory=dict)
    _full_from: int = field(init=False)
    _allowances: dict[int, _Allowance] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        schedule, branch = self.schedule, self.rate.branch
        self.place = _BRANCHES.index(branch)
        self.effective = self.rate.effective
        self.elements = tuple(_PLACES[element] for element in schedule.elements[branch])
        self._unit = whole(schedule.full_time_hours, HUNDREDTHS)
        self._full_from = whole(schedule.allowance_full_from, HUNDREDTHS)
        bounded = branch is not Branch.DEPENDENCY
        capped = bounded and branch in schedule.capped
        self._ceiling = whole(schedule.ceiling.value, 100) if capped else None
        floored = bounded and branch in schedule.floored and self.group in schedule.groups.floored
        least = schedule.minimum
        all_ages = (least.adult, least.age_17, least.age_15_16)
        self._floors = {one.name: whole(one.value, 100) if floored else 0 for one in all_ages}
        self._highest_floor = max(self._floors.values())
        empty = Workings(Fraction(0), self.rate.value, self.rate.factor, joined=self.joined)
        self._plain = self._source(), formula(empty).removeprefix("0.00")

    def tell(self, paid: int, written: str, hours: int, age: int | None) -> Told:
        """Source and formula for one insured.

        Args:
            paid: what enters the base, in cents.
            written: the same in euro.
            hours: hundredths of an hour.
            age: completed years; None for an adult.
        """
        if self.rate.branch is Branch.DEPENDENCY:
            return self._dependency(paid, written, hours)
        if self._highest_floor <= paid and (self._ceiling is None or paid <= self._ceiling):
            source, rest = self._plain
            return source, written + rest
        minimum = self.schedule.minimum.at(age)
        hours = min(hours, self._unit)
        floor = self._floors[minimum.name] * hours
        raised = floor > paid * self._unit
        if self._ceiling is not None and max(floor, paid * self._unit) > self._ceiling * self._unit:
            return self._cut(paid, self._floor(minimum, hours) if raised else None, minimum)
        if not raised:
            source, rest = self._plain
            return source, written + rest
        return self._raised(minimum, hours)

    def _dependency(self, paid: int, written: str, hours: int) -> Told:
        hours = min(hours, self._full_from)
        allowance = self._allowances.get(hours)
        if allowance is None:
            allowance = self._allowances[hours] = self._allowance(hours)
        if allowance.above(paid):
            workings = Workings(Fraction(paid, 100), self.rate.value, allowance=allowance.share)
            return allowance.source, formula(workings)
        return allowance.source, f"({written}{allowance.rest}"

    def _allowance(self, hours: int) -> _Allowance:
        schedule = self.schedule
        part = None if hours == self._full_from else Decimal(hours).scaleb(-2)
        share = Share(schedule.allowance.value, part, schedule.full_time_hours)
        if part is not None and self.policy.allowance is Allowance.ROUNDED:
            share = Share(Decimal(round_half_up(share.exact)).scaleb(-2), None, schedule.full_time_hours)
        _, sign, rest = formula(Workings(share.exact, self.rate.value, allowance=share)).partition(" − ")
        cents = share.exact * 100
        return _Allowance(
            share, cents.numerator, cents.denominator, self._source(schedule.allowance), sign + rest
        )

    def _raised(self, minimum: Parameter[Decimal], hours: int) -> Told:
        """With the floor, which the pay does not enter; few hours and ages are many people's."""
        key = hours, minimum.name
        if key not in self._kept:
            floor = self._floor(minimum, hours)
            workings = Workings(Fraction(0), self.rate.value, self.rate.factor, floor, joined=self.joined)
            self._kept[key] = self._source(minimum), formula(workings)
        return self._kept[key]

    def _cut(self, paid: int, floor: Share | None, minimum: Parameter[Decimal]) -> Told:
        ceiling = self.schedule.ceiling
        decided_by = (ceiling,) if floor is None else (minimum, ceiling)
        workings = Workings(
            Fraction(paid, 100),
            self.rate.value,
            self.rate.factor,
            floor,
            ceiling_left=Fraction(ceiling.value),
            joined=self.joined,
        )
        return self._source(*decided_by), formula(workings)

    def _floor(self, minimum: Parameter[Decimal], hours: int) -> Share:
        part = None if hours == self._unit else Decimal(hours).scaleb(-2)
        return Share(minimum.value, part, self.schedule.full_time_hours)

    def _source(self, *decided_by: Parameter[Decimal]) -> str:
        quotations = (parameter.quotation for parameter in (*self.rate.parameters, *decided_by))
        return "; ".join(dict.fromkeys(quotations))
