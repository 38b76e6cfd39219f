"""Choices that the law leaves open, or whose practice is not published, by name.

A statement quotes the name of its policy, so that any month can be computed again in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Rounding(StrEnum):
    """What is rounded to cents, half-up (CSS art. 428)."""

    LINE_AND_SIDE = "line-and-side"
    """Each share of each branch by itself, as payslips show them."""
    LINE = "line"
    """Both shares of a branch together; the employee's share as before, the employer bears the rest."""


class Sickness(StrEnum):
    """Whether sickness insurance, care and cash benefits, is rounded once or twice."""

    APART = "apart"
    """Care and cash benefits are two lines, each rounded by itself."""
    JOINED = "joined"
    """The sum of both is rounded once; care stays as it is, cash benefits get the difference."""


class Ceiling(StrEnum):
    """How much of the yearly ceiling (CSS art. 241 § 3) a month may use."""

    CUMULATIVE = "cumulative"
    """All that the months of the year until now leave, settled each month (practice since October 2021)."""
    MONTHLY = "monthly"
    """The instalment of the month, whatever earlier months left unused."""
    YEAR_END = "year-end"
    """The instalment of the month; what the year leaves is settled in its last month."""


class Allowance(StrEnum):
    """How an allowance that is shared out by hours is used for the dependency contribution."""

    UNROUNDED = "unrounded"
    """With all its decimals."""
    ROUNDED = "rounded"
    """Rounded half-up to cents before it is used."""


@dataclass(frozen=True, slots=True)
class Policy:
    """One choice of each kind; the defaults are assumptions, not published practice.

    The cumulative ceiling alone is published: the operator settles it each month since October 2021.
    """

    rounding: Rounding = Rounding.LINE_AND_SIDE
    sickness: Sickness = Sickness.APART
    ceiling: Ceiling = Ceiling.CUMULATIVE
    allowance: Allowance = Allowance.UNROUNDED

    @property
    def name(self) -> str:
        """The four choices in this order, such as `line-and-side+apart+cumulative+unrounded`."""
        return f"{self.rounding}+{self.sickness}+{self.ceiling}+{self.allowance}"

    @classmethod
    def parse(cls, name: str) -> Policy:
        """The policy of a name.

        Raises:
            ValueError: for any other text than a `name`.
        """
        parts = name.split("+")
        if len(parts) != 4:
            raise ValueError(f"a policy is named like {cls().name}, not {name!r}")
        rounding, sickness, ceiling, allowance = parts
        return cls(Rounding(rounding), Sickness(sickness), Ceiling(ceiling), Allowance(allowance))
