"""The line of text that explains a share: short, and true."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given

from gateway.contributions import (
    Classification,
    Insurance,
    Limit,
    Month,
    Pay,
    Policy,
    Share,
    Workings,
    contribution,
    formula,
    schedule_of,
    year,
)
from gateway.moments import Period
from gateway.money import round_half_up
from tests.rates.test_rate_properties import ALL_EMPLOYERS, INSURANCES, PAYS, PERIODS, POLICIES, YEARS

RATE = Decimal("0.0280")
FULL_TIME = Decimal(173)
PART = Share(Decimal("2771.33"), Decimal("86.50"), FULL_TIME)
WRITTEN = [
    (Workings(Fraction("3812.40"), RATE), Limit.NONE, "3812.40 × 2.80 %"),
    (Workings(Fraction("3812.40"), Decimal("0.0014")), Limit.NONE, "3812.40 × 0.14 %"),
    (Workings(Fraction("3812.40"), Decimal("0.00145")), Limit.NONE, "3812.40 × 0.145 %"),
    (
        Workings(Fraction("7125.50"), Decimal("0.0065"), Decimal("1.1")),
        Limit.NONE,
        "7125.50 × 0.65 % × 1.10",
    ),
    (Workings(Fraction(100), RATE, floor=PART), Limit.FLOOR, "floor 2771.33 × 86.5/173 × 2.80 %"),
    (
        Workings(Fraction(100), RATE, floor=Share(Decimal("2771.33"), None, FULL_TIME)),
        Limit.FLOOR,
        "floor 2771.33 × 2.80 %",
    ),
    (
        Workings(Fraction("15000"), RATE, ceiling_left=Fraction("13856.63")),
        Limit.CEILING,
        "min(15000.00, ceiling left 13856.63) × 2.80 %",
    ),
    (
        Workings(Fraction("15000"), RATE, ceiling_left=Fraction(40000, 3)),
        Limit.CEILING,
        "min(15000.00, ceiling left 13333.3333…) × 2.80 %",
    ),
    (
        Workings(Fraction("5000"), RATE, earlier=Fraction("7000")),
        Limit.EARLIER,
        "(5000.00 + 7000.00 of earlier months) × 2.80 %",
    ),
    (
        Workings(Fraction(0), RATE, floor=PART, earlier=Fraction("7000"), ceiling_left=Fraction("13856.63")),
        Limit.CEILING,
        "min(floor 2771.33 × 86.5/173 + 7000.00 of earlier months, ceiling left 13856.63) × 2.80 %",
    ),
    (
        Workings(Fraction("7312.85"), Decimal("0.0140"), allowance=Share(Decimal("692.83"), None, FULL_TIME)),
        Limit.ALLOWANCE,
        "(7312.85 − 692.83) × 1.40 %",
    ),
    (
        Workings(
            Fraction("100"),
            Decimal("0.0140"),
            allowance=Share(Decimal("692.83"), Decimal(149), FULL_TIME),
        ),
        Limit.ALLOWANCE,
        "max(0, 100.00 − 692.83 × 149/173) × 1.40 %",
    ),
    (
        Workings(Fraction("100.50"), Decimal("0.0025"), joined=True),
        Limit.NONE,
        "100.50 × 0.25 %, rounded together with care",
    ),
    (Workings(Fraction("100.50"), RATE, reversal=True), Limit.NONE, "−(100.50 × 2.80 %)"),
]


@pytest.mark.parametrize(("workings", "limit", "text"), WRITTEN, ids=[text for *_, text in WRITTEN])
def test_a_formula_is_written_like_this(workings: Workings, limit: Limit, text: str) -> None:
    assert (formula(workings), workings.limit) == (text, limit)


TOKEN = re.compile(r"[0-9]+\.?[0-9]*|min|max|[-+−×/%(),]")


class Reader:
    """Reckons a formula from nothing but its text, with the rules of school."""

    def __init__(self, text: str) -> None:
        plain = re.sub(r"floor |ceiling left | of earlier months", "", text)
        self.tokens = TOKEN.findall(plain)
        assert "".join(self.tokens) == plain.replace(" ", ""), text

    def taken(self, *wanted: str) -> str | None:
        return self.tokens.pop(0) if self.tokens and self.tokens[0] in wanted else None

    def sum(self) -> Fraction:
        value = self.product()
        while sign := self.taken("+", "−"):
            value += self.product() if sign == "+" else -self.product()
        return value

    def product(self) -> Fraction:
        value = self.number()
        while sign := self.taken("×", "/", "%"):
            value = (
                value / 100
                if sign == "%"
                else value * self.number()
                if sign == "×"
                else value / self.number()
            )
        return value

    def number(self) -> Fraction:
        choice = self.taken("min", "max")
        if self.taken("("):
            values = [self.sum()]
            while self.taken(","):
                values.append(self.sum())
            assert self.taken(")")
            return max(values) if choice == "max" else min(values)
        return Fraction(self.tokens.pop(0))


def reckoned(text: str) -> Fraction:
    reader = Reader(text)
    value = reader.sum()
    assert not reader.tokens, text
    return value


@given(PAYS, INSURANCES, ALL_EMPLOYERS, PERIODS)
def test_who_follows_the_text_finds_the_share(
    pay: Pay, insurance: Insurance, employer: Classification, period: Period
) -> None:
    for line in contribution(pay, insurance, employer, schedule_of(period)).lines:
        assert round_half_up(reckoned(line.formula)) == max(line.employee, line.employer), line.formula


@given(YEARS, ALL_EMPLOYERS, POLICIES)
def test_a_formula_is_short_whatever_the_year(
    months: tuple[Month, ...], employer: Classification, policy: Policy
) -> None:
    for due in year(months, employer, policy=policy):
        for line in (*due.lines, *due.reversed().lines):
            assert 0 < len(line.formula) <= 200
            assert 0 < len(line.source) <= 200
