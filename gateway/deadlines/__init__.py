"""Time limits: the law as data (`law.yaml`), counted with outages, and the published calendar."""

from __future__ import annotations

from gateway.deadlines.count import Due, Outage, due, last_day_of, published, run_after
from gateway.deadlines.table import Fine, Kind, LawError, NoRuleError, fine, rule

__all__ = [
    "Due",
    "Fine",
    "Kind",
    "LawError",
    "NoRuleError",
    "Outage",
    "due",
    "fine",
    "last_day_of",
    "published",
    "rule",
    "run_after",
]
