"""How the base and the shares of one line came about, and the same as a short text with its numbers.

The text is for people who compare an account statement with their own computation:

    3812.40 × 2.80 %                                       the pay
    floor 2771.33 × 86/173 × 8.50 %                        the pay is below the floor of its hours
    min(15000.00, ceiling left 13856.63) × 2.80 %          the pay is above what the year leaves
    (5000.00 + 7000.00 of earlier months) × 2.80 %         pay that earlier months had no room for
    (7312.85 − 692.83) × 1.40 %                            the pay less the dependency allowance
    7125.50 × 0.65 % × 1.10                                accident insurance with its factor
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache

_NOTHING = Fraction(0)


@lru_cache(maxsize=4096)
def exact(number: Decimal) -> Fraction:
    """A value of the law as a fraction; kept, since the same few come with every insured."""
    return Fraction(number)


class Limit(StrEnum):
    """What made the base of a line other than the pay of the month."""

    NONE = "none"
    FLOOR = "floor"
    CEILING = "ceiling"
    """What the ceiling of the year (or of the month) leaves."""
    EARLIER = "earlier"
    """Pay of earlier months of the year that was above their ceilings and now finds room."""
    ALLOWANCE = "allowance"


@dataclass(frozen=True, slots=True)
class Share:
    """An amount of a full month, for the hours of this one.

    Attributes:
        full: in euro.
        hours: of this month; None when the whole is given.
        full_time: hours of a full month.
    """

    full: Decimal
    hours: Decimal | None
    full_time: Decimal

    @property
    def exact(self) -> Fraction:
        """The amount of this month, in euro."""
        if self.hours is None:
            return exact(self.full)
        return exact(self.full) * Fraction(self.hours) / exact(self.full_time)

    def __str__(self) -> str:
        if self.hours is None:
            return euro_text(self.full)
        return f"{euro_text(self.full)} × {_plain(self.hours)}/{_plain(self.full_time)}"


@dataclass(frozen=True, slots=True)
class Workings:
    """The numbers of one line, in euro.

    Attributes:
        paid: the elements of the pay that enter the base.
        rate: of one side, as a fraction, before the factor.
        factor: of the accident insurance; None for other branches.
        floor: when the pay is below it, otherwise None.
        allowance: for dependency, otherwise None; without hours when it is used rounded.
        earlier: pay of earlier months for which this one has to find room.
        ceiling_left: what the base may be, when that cuts it; otherwise None.
        joined: rounded together with sickness care.
        reversal: whether the line takes back what it says.
    """

    paid: Fraction
    rate: Decimal
    factor: Decimal | None = None
    floor: Share | None = None
    allowance: Share | None = None
    earlier: Fraction = _NOTHING
    ceiling_left: Fraction | None = None
    joined: bool = False
    reversal: bool = False

    @property
    def limit(self) -> Limit:
        """What decided about the base."""
        if self.allowance is not None:
            return Limit.ALLOWANCE
        if self.ceiling_left is not None:
            return Limit.CEILING
        if self.earlier:
            return Limit.EARLIER
        return Limit.NONE if self.floor is None else Limit.FLOOR


def formula(workings: Workings) -> str:
    """The computation of one share in one line of text, at most 200 characters.

    Amounts that do not end after cents are cut after four decimals, with `…` behind them.
    """
    text = f"{_base(workings)} × {_percent(workings.rate)}"
    if workings.factor is not None:
        text += f" × {euro_text(workings.factor)}"
    if workings.joined:
        text += ", rounded together with care"
    return f"−({text})" if workings.reversal else text


def _base(workings: Workings) -> str:
    pay = euro_text(workings.paid) if workings.floor is None else f"floor {workings.floor}"
    if workings.allowance is not None:
        base = f"{pay} − {workings.allowance}"
        return f"max(0, {base})" if workings.allowance.exact > workings.paid else f"({base})"
    terms = f"{pay} + {euro_text(workings.earlier)} of earlier months" if workings.earlier else pay
    if workings.ceiling_left is not None:
        return f"min({terms}, ceiling left {euro_text(workings.ceiling_left)})"
    return f"({terms})" if workings.earlier else terms


def euro_text(amount: Decimal | Fraction) -> str:
    """An exact amount, not below zero, with two decimals, or with four and `…` where it goes on."""
    numerator, denominator = amount.as_integer_ratio()
    if 100 % denominator == 0:
        cents = numerator * (100 // denominator)
        return f"{cents // 100}.{cents % 100:02d}"
    parts = numerator * 10_000 // denominator
    return f"{parts // 10_000}.{parts % 10_000:04d}…"


def _percent(rate: Decimal) -> str:
    per_cent = rate * 100
    two = per_cent.quantize(Decimal("0.01"))
    return f"{two if two == per_cent else per_cent.normalize():f} %"


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"
