"""Good declarations of made-up people: affiliations, missions and the wages of a month."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from bench.people import companies, people
from gateway.procedures.lists import OCCUPATIONS
from gateway.registers import Affiliation
from tests.house import entry, wage

NOW = datetime(2026, 8, 3, 8, 0, tzinfo=UTC)
TODAY = NOW.date()
MONTH, MONTH_BEFORE = "2026-07", "2026-06"
SINCE = date(2015, 1, 1)
EMPLOYERS = 20
MINIMUM_WAGE = Decimal("2771.33")
"""Of the month, for 40 hours a week."""
FULL_HOURS = 184
"""Of 23 working days, as July 2026 has."""
WAGE_KINDS = {"usual": 72, "least": 10, "part": 10, "apprentice": 3, "student": 3, "high": 2}
TURNS = {
    "usual": 84,
    "overtime": 5,
    "bad weather": 2,
    "two contracts": 2,
    "month before put right": 1,
    "gratuity": 5,
    "gratuity alone": 1,
}
HALVES = ({"LastDay": "15"}, {"FirstDay": "16"})
CODES = sorted(OCCUPATIONS)

Fields = dict[str, str]
Case = list[Fields]
"""The records of one case: more than one where the fault is between them."""


@dataclass(frozen=True, slots=True)
class Employee:
    """Somebody who is affiliated, with what is earned for a month."""

    employer: str
    insured: str
    contract: str
    scheme: str
    base: Decimal
    hours: int


@dataclass(slots=True)
class World:
    """Employers, an agency and people; makes records, good ones and others.

    Attributes:
        standing: affiliations that stand before anything is declared.
    """

    draw: random.Random
    insured: Iterator[str] = field(default_factory=people)
    employers: list[str] = field(default_factory=lambda: list(itertools.islice(companies("99"), EMPLOYERS)))
    users: list[str] = field(default_factory=lambda: list(itertools.islice(companies("98"), 50)))
    standing: list[Affiliation] = field(default_factory=list)

    @property
    def agency(self) -> str:
        return self.employers[-1]

    @property
    def foreign(self) -> str:
        """An employer for which the sender has no mandate."""
        return self.employers[-2]

    def employer(self) -> str:
        return self.draw.choice(self.employers[:-2])

    def day(self, first: int, last: int) -> date:
        """A day so many days from today."""
        return TODAY + timedelta(self.draw.randint(first, last))

    def affiliated(self, contract: str = "I", scheme: str = "03", last: date | None = None) -> Affiliation:
        """Somebody affiliated since long ago."""
        one = Affiliation(self.employer(), next(self.insured), SINCE, last, contract, scheme)
        self.standing.append(one)
        return one

    # Affiliations.

    def entry(self, contract: str | None = None, **changes: str) -> Fields:
        letter = contract or self.draw.choices("IDEASO", (60, 20, 8, 5, 4, 3))[0]
        first = self.day(-150, -20) if self.draw.random() < 0.03 else self.day(-20, 28)
        fields = entry(
            next(self.insured),
            self.employer(),
            OccupationCode=self.draw.choice(CODES),
            Scheme="05" if letter == "O" else self.draw.choice(("01", "03", "13")),
            WeeklyHours=self.draw.choice(("40.00", "40.00", "38.00", "32.00", "20.00", "10.50")),
            ContractType=letter,
            Entry=first.isoformat(),
        )
        if letter in "DESO":
            fields["Exit"] = (first + timedelta(self.draw.randint(30, 540))).isoformat()
        if letter == "I" and self.draw.random() < 0.3:
            fields["TrialEnd"] = (first + timedelta(self.draw.randint(60, 180))).isoformat()
        return {**fields, **changes}

    def exit(self, one: Affiliation | None = None, **changes: str) -> Fields:
        known = one or self.affiliated()
        fields = {"Kind": "exit", "Employer": known.employer, "Insured": known.insured}
        return {**fields, "Exit": self.day(-60, 60).isoformat(), **changes}

    def change(self, **changes: str) -> Fields:
        one = self.affiliated()
        fields = self.entry("I", Employer=one.employer, Insured=one.insured)
        fields.pop("TrialEnd", None)
        same = {"Kind": "change", "Entry": SINCE.isoformat(), "PreviousEntry": SINCE.isoformat()}
        return {**fields, **same, **changes}

    def mission(self, **changes: str) -> Fields:
        first = self.day(-20, 10)
        fields = self.entry("D", Kind="mission", Employer=self.agency, Scheme="01", Entry=first.isoformat())
        last = first + timedelta(self.draw.choice((0, 4, 11)))
        return {**fields, "User": self.draw.choice(self.users), "Exit": last.isoformat(), **changes}

    def affiliation(self) -> Case:
        """A good declaration."""
        makers: tuple[Callable[[], Fields], ...] = (self.entry, self.exit, self.change, self.mission)
        return [self.draw.choices(makers, (50, 25, 15, 10))[0]()]

    # Wages.

    def employee(self) -> Employee:
        (kind,) = self.draw.choices(list(WAGE_KINDS), list(WAGE_KINDS.values()))
        contract = {"apprentice": "A", "student": "E"}.get(kind, "I")
        scheme = "10" if kind == "usual" and self.draw.random() < 0.02 else "03"
        one = self.affiliated(contract, scheme)
        full = cents(Decimal(self.draw.randint(280_000, 1_200_000)) / 100)
        base, hours = {
            "usual": (full, FULL_HOURS),
            "least": (MINIMUM_WAGE, FULL_HOURS),
            "part": (cents(full / 2), FULL_HOURS // 2),
            "apprentice": (cents(full / 8 + 900), FULL_HOURS),
            "student": (cents(MINIMUM_WAGE * 8 / 10), FULL_HOURS),
            "high": (cents(full * 3 + 20_000), FULL_HOURS),
        }[kind]
        return Employee(one.employer, one.insured, contract, scheme, base, hours)

    def wage(self, one: Employee, period: str = MONTH, **changes: str) -> Fields:
        fields = wage(
            one.insured, one.employer, Period=period, BaseWage=str(one.base), WorkHours=str(one.hours)
        )
        return {**fields, **changes}

    def wages(self, one: Employee) -> Case:
        """A good declaration of a month, with the turns that months take."""
        (turn,) = self.draw.choices(list(TURNS), list(TURNS.values()))
        half, less = cents(one.base / 2), one.hours - 8
        halves = {"BaseWage": str(half), "WorkHours": str(one.hours // 2)}
        lost = cents(one.base * 8 / one.hours)
        idle = {"UnemploymentPay": str(lost), "InactiveHours": "8"}
        cases: dict[str, Case] = {
            "usual": [self.wage(one, **({"NonPensionable": "250.00"} if one.scheme == "10" else {}))],
            "overtime": [self.wage(one, OvertimePay="180.40", OvertimeHours="6")],
            "bad weather": [self.wage(one, BaseWage=str(one.base - lost), WorkHours=str(less), **idle)],
            "two contracts": [self.wage(one, **halves, **days) for days in HALVES],
            "month before put right": [self.wage(one, MONTH_BEFORE, Supplements="75.00"), self.wage(one)],
            "gratuity": [self.wage(one, Supplements="120.00", Gratuities=str(half))],
            "gratuity alone": [self.wage(one, BaseWage="0.00", WorkHours="0", Gratuities="500.00")],
        }
        return cases[turn]


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)
