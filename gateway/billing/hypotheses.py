"""What an employer may have computed otherwise: the billed result computed anew under one variation.

Each line of `HYPOTHESES` is a reason and its variations; the most specific stand first. To compute anew, the
pay behind a billed result has to be known. A result tells it only by its sum and its bases, so it is found
from these (`situations_of`): those of the few pays that come into question that give every line of the result
to the cent. Above the ceiling there may be several. Where there is none, nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from gateway.billing.charges import age_of
from gateway.billing.differences import Reason
from gateway.billing.lines import ChargedLine
from gateway.billing.statement import InsuredResult
from gateway.contributions import (
    Allowance,
    Ceiling,
    Classification,
    Element,
    Group,
    HealthService,
    Insurance,
    Left,
    Line,
    NoParametersError,
    Pay,
    Policy,
    Room,
    Rounding,
    Schedule,
    Sickness,
    contribution,
)
from gateway.moments import Period
from gateway.money import euro, round_half_up
from gateway.parameters import Branch

MOST_HOURS = 174
"""More hours than in a full month change nothing, neither in the floor nor in the allowance."""

_MONTHS_BACK = 13
"""How far back parameters of another month are looked for: a year and the month before."""

_ENOUGH = Fraction(10**9)


@dataclass(frozen=True, slots=True)
class Situation:
    """All that one result is computed from."""

    pay: Pay
    insurance: Insurance
    classification: Classification
    schedule: Schedule
    policy: Policy
    room: Room

    def lines(self) -> Mapping[Branch, Line]:
        """What is due, by branch."""
        due = contribution(
            self.pay,
            self.insurance,
            self.classification,
            self.schedule,
            policy=self.policy,
            room=self.room,
        )
        return {line.branch: line for line in due.lines}


class Variation(NamedTuple):
    """A situation in which one thing is otherwise.

    Attributes:
        numbers: what is otherwise, such as `class 2 -> 1`; empty where bases and rates tell it.
    """

    reason: Reason
    numbers: str
    situation: Situation


Schedules = Callable[[Period], Schedule]
"""The law of a month."""


def classification_of(billed: Sequence[InsuredResult], schedule: Schedule) -> Classification:
    """The class, factor and services of an employer, as its rates show them."""
    rates = {line.branch: line.rate for result in billed for line in result.lines}
    base_rate = schedule.rates[Branch.ACCIDENT].value
    factor = round(rates.get(Branch.ACCIDENT, base_rate) / base_rate * 100) or 100
    classes = [n for n, rate in schedule.mutuality.items() if rate.value == rates.get(Branch.MDE)]
    services = [s for s, rate in schedule.health.items() if rate.value == rates.get(Branch.HEALTH_AT_WORK)]
    return Classification(
        mde_class=min(classes, default=None),
        accident_factor=factor,
        public=Branch.FAMILY_BENEFITS in rates,
        health_service=services[0] if services else HealthService.OWN,
    )


def situations_of(
    result: InsuredResult, classification: Classification, schedule: Schedule, policy: Policy
) -> Sequence[Situation]:
    """What a billed result may have been computed from, the likeliest first; each gives it to the cent.

    That earlier months of the year left something is supposed only where the month alone does not give it.
    """
    age = age_of(result.insured, schedule.period)
    billed = {line.branch: line for line in result.lines}
    found = []
    for pay in dict.fromkeys(_pays(result, billed)):
        start = Situation(pay, Insurance(age, result.group), classification, schedule, policy, Room())
        situation = replace(start, room=_room(start, billed))
        if _gives(situation, billed):
            found.append(situation)
    return [one for one in found if not one.room.branches] or found


def _pays(result: InsuredResult, billed: Mapping[Branch, ChargedLine]) -> Iterator[Pay]:
    """The pays that come into question for a result, the likeliest first."""
    total, hours = result.pay, Decimal(result.hours)
    base = {branch: line.base for branch, line in billed.items()}
    regular = base.get(Branch.CASH, base.get(Branch.MDE, total))
    accident = base.get(Branch.ACCIDENT, total)
    pension = base.get(Branch.PENSION, accident)
    yield Pay(base_wage=total, hours=hours)
    rest = total - regular
    if rest > 0:
        yield Pay(base_wage=regular, gratuities=rest, hours=hours)
        yield Pay(base_wage=regular, overtime_pay=rest, hours=hours)
        yield Pay(base_wage=regular, unemployment_pay=rest, hours=hours)
    elements = (regular, total - pension, accident - regular, pension - accident)
    if all(cents >= 0 for cents in elements):
        base_wage, overtime, gratuities, unemployment = elements
        yield Pay(
            base_wage=base_wage,
            overtime_pay=overtime,
            gratuities=gratuities,
            unemployment_pay=unemployment,
            hours=hours,
        )
    yield Pay(gratuities=total, hours=hours)
    yield Pay(overtime_pay=total, hours=hours)
    yield Pay(unemployment_pay=total, hours=hours)


def _room(start: Situation, billed: Mapping[Branch, ChargedLine]) -> Room:
    """What earlier months of the year left, where a billed base is not that of the month alone."""
    period = start.schedule.period
    left: dict[Branch, Left] = {}
    for branch, line in start.lines().items():
        if branch not in start.schedule.capped or branch not in billed:
            continue
        due, charged = Fraction(round_half_up(line.base), 100), Fraction(billed[branch].base, 100)
        workings = line.workings
        pay = workings.paid if workings.floor is None else workings.floor.exact
        if charged > due and workings.ceiling_left is None:
            left[branch] = Left(charged - due, _ENOUGH, period, _ENOUGH)
        elif charged > due:
            left[branch] = Left(max(Fraction(0), charged - pay), charged, period, charged)
    return Room(left)


def _gives(situation: Situation, billed: Mapping[Branch, ChargedLine]) -> bool:
    """Whether a situation gives every line that was billed, and no other."""
    return _amounts(situation.lines()) == {
        branch: (line.base, line.employee, line.employer) for branch, line in billed.items()
    }


def _amounts(lines: Mapping[Branch, Line]) -> dict[Branch, tuple[int, int, int]]:
    return {
        branch: (round_half_up(line.base), line.employee, line.employer) for branch, line in lines.items()
    }


def variations(situation: Situation, schedules: Schedules) -> Iterator[Variation]:
    """What may be otherwise in a situation beside the hours, the most specific first."""
    for reason, find in HYPOTHESES:
        for numbers, other in find(situation, schedules):
            yield Variation(reason, numbers, other)


def other_hours(situation: Situation) -> Iterator[Variation]:
    """The same with other hours, the nearest first: many, and they matter in few branches only."""
    now = situation.pay.hours
    for hours in map(Decimal, sorted(range(MOST_HOURS + 1), key=lambda hours: abs(hours - now))):
        if hours != now:
            other = replace(situation, pay=replace(situation.pay, hours=hours))
            yield Variation(Reason.HOURS, f"{now:f} h -> {hours:f} h", other)


Found = Iterator[tuple[str, Situation]]


def _other_classes(situation: Situation, _: Schedules) -> Found:
    is_now = situation.classification
    for mde_class in (*sorted(situation.schedule.mutuality), None):
        if mde_class != is_now.mde_class:
            other = replace(is_now, mde_class=mde_class)
            yield f"{is_now.mde_class or 0} -> {mde_class or 0}", replace(situation, classification=other)
    for service in HealthService:
        if service is not is_now.health_service:
            other = replace(is_now, health_service=service)
            yield f"{is_now.health_service} -> {service}", replace(situation, classification=other)


def _other_factors(situation: Situation, _: Schedules) -> Found:
    is_now = situation.classification
    for factor in sorted(situation.schedule.factors | {100}):
        if factor != is_now.accident_factor:
            other = replace(is_now, accident_factor=factor)
            yield f"{is_now.factor:.2f} -> {other.factor:.2f}", replace(situation, classification=other)


def _earlier(situation: Situation, schedules: Schedules) -> Iterator[Schedule]:
    """The law of the months before, the nearest first."""
    for back in range(1, _MONTHS_BACK + 1):
        try:
            yield schedules(situation.schedule.period.plus(-back))
        except NoParametersError:
            return


def _other_rates(situation: Situation, schedules: Schedules) -> Found:
    now, tried = situation.schedule, set()
    for earlier in _earlier(situation, schedules):
        rates = tuple(rate.effective for rate in earlier.rates_for(situation.classification))
        if rates not in tried:
            tried.add(rates)
            other = replace(now, rates=earlier.rates, mutuality=earlier.mutuality, health=earlier.health)
            yield str(earlier.period), replace(situation, schedule=other)


def _other_ceilings(situation: Situation, schedules: Schedules) -> Found:
    now = situation.schedule
    yield "", replace(situation, schedule=replace(now, capped=frozenset()))
    yield "", replace(situation, policy=replace(situation.policy, ceiling=Ceiling.MONTHLY), room=Room())
    for value, earlier in _values(situation, schedules, lambda one: one.ceiling.value):
        if value != now.ceiling.value:
            other = replace(now, ceiling=earlier.ceiling)
            yield "", replace(situation, schedule=other, room=Room())


def _other_floors(situation: Situation, schedules: Schedules) -> Found:
    now, insurance = situation.schedule, situation.insurance
    yield "", replace(situation, schedule=replace(now, floored=frozenset()))
    if insurance.age is not None and insurance.age < 18:
        yield "", replace(situation, insurance=replace(insurance, age=None))
    for value, earlier in _values(situation, schedules, lambda one: one.minimum.adult.value):
        if value != now.minimum.adult.value:
            yield "", replace(situation, schedule=replace(now, minimum=earlier.minimum))


def _other_allowances(situation: Situation, schedules: Schedules) -> Found:
    now = situation.schedule
    none = replace(now.allowance, value=Decimal(0))
    yield "", replace(situation, schedule=replace(now, allowance=none))
    for full_from in (Decimal(0), now.full_time_hours):
        yield "", replace(situation, schedule=replace(now, allowance_full_from=full_from))
    for value, earlier in _values(situation, schedules, lambda one: one.allowance.value):
        if value != now.allowance.value:
            yield "", replace(situation, schedule=replace(now, allowance=earlier.allowance))


def _values(
    situation: Situation, schedules: Schedules, value: Callable[[Schedule], Decimal]
) -> Iterator[tuple[Decimal, Schedule]]:
    """Each value of a parameter in the months before, once."""
    found: dict[Decimal, Schedule] = {}
    for earlier in _earlier(situation, schedules):
        found.setdefault(value(earlier), earlier)
    yield from found.items()


def _other_groups(situation: Situation, _: Schedules) -> Found:
    insurance = situation.insurance
    for group in Group:
        if group is not insurance.group:
            other = replace(insurance, group=group)
            yield f"{insurance.group} -> {group}", replace(situation, insurance=other)


def _other_elements(situation: Situation, _: Schedules) -> Found:
    pay = situation.pay
    others = {
        Element.BASE_WAGE: replace(pay, base_wage=0),
        Element.SUPPLEMENTS: replace(pay, supplements=0),
        Element.OVERTIME_PAY: replace(pay, overtime_pay=0),
        Element.GRATUITIES: replace(pay, gratuities=0),
        Element.UNEMPLOYMENT_PAY: replace(pay, unemployment_pay=0),
    }
    for element, other in others.items():
        if 0 < other.total < pay.total:
            yield f"{element} {euro(pay.elements[element])} -> 0.00", replace(situation, pay=other)
    if pay.base_wage < pay.total:
        numbers = f"{Element.BASE_WAGE} {euro(pay.base_wage)} -> {euro(pay.total)}"
        yield numbers, replace(situation, pay=Pay(base_wage=pay.total, hours=pay.hours))


def _other_rounding(situation: Situation, _: Schedules) -> Found:
    policy = situation.policy
    others = (
        *(replace(policy, rounding=rounding) for rounding in Rounding),
        *(replace(policy, sickness=sickness) for sickness in Sickness),
        *(replace(policy, allowance=allowance) for allowance in Allowance),
    )
    for other in others:
        if other != policy:
            yield other.name, replace(situation, policy=other)


HYPOTHESES: tuple[tuple[Reason, Callable[[Situation, Schedules], Found]], ...] = (
    (Reason.CLASS, _other_classes),
    (Reason.FACTOR, _other_factors),
    (Reason.RATE, _other_rates),
    (Reason.CEILING, _other_ceilings),
    (Reason.FLOOR, _other_floors),
    (Reason.ALLOWANCE, _other_allowances),
    (Reason.GROUP, _other_groups),
    (Reason.BASE, _other_elements),
    (Reason.ROUNDING, _other_rounding),
)
"""What may be otherwise, the most specific first; of two that give the same amounts the first one is told."""
