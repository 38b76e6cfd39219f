"""Faults put into good declarations, by cause. The list is ours: no institution publishes the causes."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal

from bench.corpus import MONTH_BEFORE, SINCE, Case, Employee, Fields, World, cents


def typo(number: str, draw: random.Random) -> str:
    """A number with one digit wrong."""
    place = draw.randrange(len(number))
    wrong = draw.choice([digit for digit in "0123456789" if digit != number[place]])
    return number[:place] + wrong + number[place + 1 :]


def swapped(number: str, draw: random.Random) -> str:
    """A number with two unequal neighbours exchanged."""
    place = draw.choice([n for n in range(len(number) - 1) if number[n] != number[n + 1]])
    return number[:place] + number[place + 1] + number[place] + number[place + 2 :]


def other_year(text: str, years: int) -> str:
    return f"{int(text[:4]) + years}{text[4:]}"


def later(text: str, days: int) -> str:
    return (date.fromisoformat(text) + timedelta(days)).isoformat()


def without(fields: Fields, *names: str) -> Fields:
    return {name: text for name, text in fields.items() if name not in names}


def _in(one: Fields, **changes: Callable[[str], str]) -> Fields:
    """A record with some of its texts changed."""
    return {**one, **{name: change(one[name]) for name, change in changes.items()}}


def _entry(**changes: str) -> Callable[[World], Case]:
    """A good entry with other texts in some fields."""
    return lambda w: [w.entry(**changes)]


def _typo_in(name: str) -> Callable[[World], Case]:
    return lambda w: [_in(w.entry(), **{name: lambda text: typo(text, w.draw)})]


def _affiliated_already(w: World) -> Case:
    one = w.affiliated()
    return [w.entry("I", Employer=one.employer, Insured=one.insured)]


def _twice(w: World) -> Case:
    one = w.entry()
    return [one, one]


def _trial_beyond_the_end(w: World) -> Case:
    one = w.entry("D")
    return [{**one, "TrialEnd": later(one["Exit"], 10)}]


def _trial_too_long(w: World) -> Case:
    one = w.entry("I")
    return [{**one, "TrialEnd": later(one["Entry"], 550)}]


def _trial_of_a_student(w: World) -> Case:
    one = w.entry("E")
    return [{**one, "TrialEnd": later(one["Entry"], 10)}]


def _second_exit(w: World) -> Case:
    return [w.exit(w.affiliated(last=date(2026, 6, 30)))]


def _exit_without_entry(w: World) -> Case:
    return [w.exit(Insured=next(w.insured))]


def _mission_before_the_last(w: World) -> Case:
    last = w.mission()
    days = {"Entry": later(last["Entry"], -30), "Exit": later(last["Entry"], -20)}
    return [last, {**last, **days}]


def _exit_of_no_mission(w: World) -> Case:
    one = w.mission(Kind="exit")
    return [{name: one[name] for name in ("Kind", "Employer", "Insured", "User", "Entry", "Exit")}]


def _overlapping_missions(w: World) -> Case:
    one = w.mission()
    user = w.draw.choice([each for each in w.users if each != one["User"]])
    return [one, {**one, "User": user, "Entry": one["Exit"], "Exit": later(one["Exit"], 4)}]


def _same_mission_twice(w: World) -> Case:
    one = w.mission()
    return [one, one]


def _plausible_affiliation(w: World) -> Case:
    if w.draw.random() < 0.5:
        return [w.entry(Insured=next(w.insured))]  # the right number of a namesake
    return [_in(w.entry("I"), Entry=lambda day: later(day, -7))]


AFFILIATION_FAULTS: Mapping[str, Callable[[World], Case]] = {
    "insured: one digit wrong": _typo_in("Insured"),
    "insured: two digits exchanged": lambda w: [_in(w.entry(), Insured=lambda text: swapped(text, w.draw))],
    "employer: one digit wrong": _typo_in("Employer"),
    "employer: another sender's client": lambda w: [w.entry(Employer=w.foreign)],
    "entry: no such day": _entry(Entry="2026-06-31"),
    "entry: another year": lambda w: [
        _in(w.entry("I"), Entry=lambda day: other_year(day, w.draw.choice((-10, -1, 1, 10))))
    ],
    "entry: affiliated already": _affiliated_already,
    "entry: declared twice": _twice,
    "end before entry": lambda w: [_in(w.entry("D"), Exit=lambda day: other_year(day, -3))],
    "end: ten years off": lambda w: [_in(w.entry("D"), Exit=lambda day: other_year(day, 10))],
    "fixed term without end": lambda w: [without(w.entry("D"), "Exit")],
    "permanent with an end": lambda w: [w.entry("I", Exit="2026-12-31")],
    "occupation: no such code": _entry(OccupationCode="9999"),
    "scheme foreign to the contract": lambda w: [w.entry("O", Scheme="03")],
    "trial: more than a year": _trial_too_long,
    "trial: beyond the end": _trial_beyond_the_end,
    "trial: of a student": _trial_of_a_student,
    "address: no town": lambda w: [without(w.entry(), "Town")],
    "hours: digit struck twice": _entry(WeeklyHours="88.00"),
    "hours: decimal comma": _entry(WeeklyHours="40,00"),
    "exit: a second one": _second_exit,
    "exit: nothing to end": _exit_without_entry,
    "exit: before the entry": lambda w: [w.exit(Exit=later(SINCE.isoformat(), -30))],
    "exit: another year": lambda w: [
        _in(w.exit(), Exit=lambda day: other_year(day, w.draw.choice((-10, -1, 1, 10))))
    ],
    "change: previous entry wrong": lambda w: [w.change(PreviousEntry="2015-10-01")],
    "mission: user number mistyped": lambda w: [
        _in(w.mission(), User=lambda text: typo(text[:11], w.draw) + text[11:])
    ],
    "mission: before the last one": _mission_before_the_last,
    "mission: exit without entry": _exit_of_no_mission,
    "mission: shares days with another": _overlapping_missions,
    "mission: declared twice": _same_mission_twice,
    "plausible, but not so": _plausible_affiliation,
}
"""Affiliations: what is wrong, and how to make it so."""


def _changed(**changes: str) -> Callable[[World, Employee], Case]:
    return lambda w, one: [w.wage(one, **changes)]


def _colleague(w: World, one: Employee) -> Case:
    other = w.employee()
    own = w.wage(other, Employer=one.employer)
    w.standing[-1] = w.standing[-1]._replace(employer=one.employer)
    return [own, w.wage(one, Insured=other.insured)]


def _other_client(w: World, one: Employee) -> Case:
    return [w.wage(one, Employer=w.draw.choice([each for each in w.employers[:-2] if each != one.employer]))]


def _left_in_may(w: World, one: Employee) -> Case:
    w.standing[-1] = w.standing[-1]._replace(exit=date(2026, 5, 31))
    return [w.wage(one)]


def _amount(change: Callable[[Decimal], Decimal]) -> Callable[[World, Employee], Case]:
    return lambda w, one: [w.wage(one, BaseWage=str(cents(change(one.base))))]


def _plausible_amount(w: World, one: Employee) -> Case:
    wrong = cents(one.base + w.draw.choice((90, 180, 270)))  # as when two digits were exchanged
    return [w.wage(one, BaseWage=str(wrong))]


WAGE_FAULTS: Mapping[str, Callable[[World, Employee], Case]] = {
    "insured: one digit wrong": lambda w, one: [w.wage(one, Insured=typo(one.insured, w.draw))],
    "insured: two digits exchanged": lambda w, one: [w.wage(one, Insured=swapped(one.insured, w.draw))],
    "insured: a colleague's number": _colleague,
    "insured: never declared": lambda w, one: [w.wage(one, Insured=next(w.insured))],
    "insured: left before": _left_in_may,
    "employer: one digit wrong": lambda w, one: [w.wage(one, Employer=typo(one.employer, w.draw))],
    "employer: another sender's client": lambda w, one: [w.wage(one, Employer=w.foreign)],
    "employer: another own client": _other_client,
    "month: not over": _changed(Period="2026-08"),
    "month: the one before": lambda w, one: [w.wage(one, MONTH_BEFORE, Supplements="35.00")],
    "month: of last year": _changed(Period="2025-07"),
    "amount: decimal point lost": _amount(lambda base: base * 100),
    "amount: a digit too many": _amount(lambda base: base * 10),
    "amount: a digit too few": _amount(lambda base: base / 10),
    "amount: decimal comma": lambda w, one: [w.wage(one, BaseWage=str(one.base).replace(".", ","))],
    "amount: zero for hours worked": _changed(BaseWage="0.00"),
    "amount: below the minimum wage": lambda w, one: [w.wage(one, BaseWage="2211.00", WorkHours="184")],
    "hours: with decimals": lambda w, one: [w.wage(one, WorkHours=f"{one.hours}.00")],
    "hours: over the limit": _changed(WorkHours="384"),
    "hours: last digit lost": lambda w, one: [w.wage(one, WorkHours=str(one.hours // 10))],
    "inactive hours without pay": _changed(InactiveHours="16"),
    "unemployment pay without hours": _changed(UnemploymentPay="310.00"),
    "overtime hours without pay": _changed(OvertimeHours="6"),
    "declared twice": lambda w, one: [w.wage(one), w.wage(one)],
    "pensionable, declared as not": _changed(NonPensionable="120.00"),
    "capped, but not at the limit": _changed(Capped="Y"),
    "days: last before first": _changed(FirstDay="20", LastDay="10"),
    "plausible, but not so": _plausible_amount,
}
"""Wages: what is wrong, and how to make it so."""
