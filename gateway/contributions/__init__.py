"""What is due for one insured in one month, branch by branch."""

from __future__ import annotations

from gateway.contributions.formula import Limit, Share, Workings, formula
from gateway.contributions.groups import Group, Groups, UnknownGroupError
from gateway.contributions.policy import Allowance, Ceiling, Policy, Rounding, Sickness
from gateway.contributions.reference import (
    NOTHING,
    Contribution,
    Insurance,
    Left,
    Line,
    Pay,
    Room,
    contribution,
)
from gateway.contributions.schedule import (
    Classification,
    Element,
    HealthService,
    Rate,
    Schedule,
    schedule_of,
)
from gateway.contributions.year import Month, year
from gateway.parameters import Branch, NoParametersError

__all__ = [
    "NOTHING",
    "Allowance",
    "Branch",
    "Ceiling",
    "Classification",
    "Contribution",
    "Element",
    "Group",
    "Groups",
    "HealthService",
    "Insurance",
    "Left",
    "Limit",
    "Line",
    "Month",
    "NoParametersError",
    "Pay",
    "Policy",
    "Rate",
    "Room",
    "Rounding",
    "Schedule",
    "Share",
    "Sickness",
    "UnknownGroupError",
    "Workings",
    "contribution",
    "formula",
    "schedule_of",
    "year",
]
