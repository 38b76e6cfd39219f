"""Choices that the law leaves open, or whose practice is not published, by name.

A statement quotes rounding and ceiling, so that any month can be computed again in the same way.
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


class Ceiling(StrEnum):
    """How much of the yearly ceiling (CSS art. 241) a month may use."""

    MONTHLY = "monthly"
    """The instalment of the month, whatever earlier months left unused."""


class Allowance(StrEnum):
    """How an allowance that is shared out by hours is used for the dependency contribution."""

    UNROUNDED = "unrounded"
    """With all its decimals."""
    ROUNDED = "rounded"
    """Rounded half-up to cents before it is used."""


@dataclass(frozen=True, slots=True)
class Policy:
    """One choice of each kind; the defaults are assumptions, not published practice."""

    rounding: Rounding = Rounding.LINE_AND_SIDE
    ceiling: Ceiling = Ceiling.MONTHLY
    allowance: Allowance = Allowance.UNROUNDED
