"""What is due for one insured in one month, branch by branch."""

from __future__ import annotations

from gateway.contributions.policy import Allowance, Ceiling, Policy, Rounding
from gateway.contributions.reference import Contribution, Insurance, Line, Pay, contribution
from gateway.contributions.schedule import Classification, Element, Schedule, schedule_of
from gateway.parameters import Branch, NoParametersError

__all__ = [
    "Allowance",
    "Branch",
    "Ceiling",
    "Classification",
    "Contribution",
    "Element",
    "Insurance",
    "Line",
    "NoParametersError",
    "Pay",
    "Policy",
    "Rounding",
    "Schedule",
    "contribution",
    "schedule_of",
]
