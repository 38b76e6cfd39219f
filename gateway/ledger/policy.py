"""Choices that the rules on late payment leave open, by name; the defaults are assumptions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Imputation(StrEnum):
    """Which charge a payment settles, once interest is paid (RGD 18 December 1998: interest first)."""

    OLDEST_DUE = "oldest-due"
    """The one that fell due first."""
    NAMED_STATEMENT = "named-statement"
    """Those of the statement that the payer named, then the one that fell due first."""


class InterestRounding(StrEnum):
    """What of late interest is rounded to cents, half a cent up."""

    ITEM_AND_MONTH = "item-and-month"
    """The interest of each item for each month."""
    ITEM = "item"
    """The interest of each item for all its months together."""


class InterestBase(StrEnum):
    """On what late interest is due; never on interest."""

    CONTRIBUTIONS = "contributions"
    """Contributions and their corrections."""
    CHARGES = "charges"
    """Chamber fees, fines and refunds that are taken back as well."""


class Suspension(StrEnum):
    """Whether interest was suspended for Covid, in months that are not known exactly."""

    WIDEST = "widest"
    """In all months that could be meant: in doubt nobody is charged."""
    NONE = "none"
    """In none."""


@dataclass(frozen=True, slots=True)
class Policy:
    """One choice of each kind.

    Attributes:
        interest_while_disputed: interest runs on a disputed amount, which is payable even if disputed (CSS
            art. 428). When the dispute is upheld, it lapses for the months before the decision.
    """

    imputation: Imputation = Imputation.OLDEST_DUE
    rounding: InterestRounding = InterestRounding.ITEM_AND_MONTH
    base: InterestBase = InterestBase.CONTRIBUTIONS
    suspension: Suspension = Suspension.WIDEST
    interest_while_disputed: bool = True
