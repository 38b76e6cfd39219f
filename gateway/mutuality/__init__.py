"""What the Mutualité des employeurs refunds of the pay continued during an incapacity (DECMAL and DECSAL)."""

from __future__ import annotations

from gateway.mutuality.policy import Ceiling, HourlyPay, Policy, Shares
from gateway.mutuality.refund import LeftOut, Reason, Refund, RefundPart, first_counted, refund
from gateway.mutuality.rules import Ground, Kind, Leave, Rate, Rules, rules_of

__all__ = [
    "Ceiling",
    "Ground",
    "HourlyPay",
    "Kind",
    "Leave",
    "LeftOut",
    "Policy",
    "Rate",
    "Reason",
    "Refund",
    "RefundPart",
    "Rules",
    "Shares",
    "first_counted",
    "refund",
    "rules_of",
]
