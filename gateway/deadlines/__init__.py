"""Time limits: the law as data (`law.yaml`), counted with outages, and the published calendar."""

from __future__ import annotations

from gateway.deadlines.count import Due, Outage, due, hour_of, last_day_of, moved, published, run_after
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
    "hour_of",
    "last_day_of",
    "moved",
    "published",
    "rule",
    "run_after",
]
