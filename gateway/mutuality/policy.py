"""Choices about refunds for which no published rule was found, by name.

The defaults are assumptions. A guide of the operator (CALCUL, January 2011) has the formulas; it could not be
read.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class HourlyPay(StrEnum):
    """What an hour of absence is worth."""

    DECLARED_HOURS = "declared-hours"
    """Base wage and supplements over the work hours declared with them. No gratuities, no overtime."""


class Ceiling(StrEnum):
    """How much of the pay of a month is refunded."""

    CAPPED = "capped"
    """Up to the monthly ceiling of contributions, on which the contribution to the MDE is paid as well."""
    WHOLE = "whole"
    """All of it; the employer's shares still on no more than the ceiling."""


class Shares(StrEnum):
    """On what the employer's shares are refunded."""

    ON_THE_REFUND = "on-the-refund"
    """On the pay refunded: at 80 % both the pay and the shares are refunded to 80 %."""
    ON_THE_PAY = "on-the-pay"
    """On the whole pay continued, whatever part of it is refunded."""


@dataclass(frozen=True, slots=True)
class Policy:
    """One choice of each kind."""

    hourly_pay: HourlyPay = HourlyPay.DECLARED_HOURS
    ceiling: Ceiling = Ceiling.CAPPED
    shares: Shares = Shares.ON_THE_REFUND

    @property
    def name(self) -> str:
        """The choices in this order, such as `declared-hours+capped+on-the-refund`."""
        return f"{self.hourly_pay}+{self.ceiling}+{self.shares}"
