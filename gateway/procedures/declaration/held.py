"""Wages that have waited too long for the affiliation they belong to (SALRET 14)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gateway.moments import Received
from gateway.outcome import Refusal
from gateway.procedures.declaration.decsal import FORM, record_of
from gateway.procedures.held import overdue
from gateway.registers import Wage

EXPIRED = "SALRET-14"


def expired(waiting: Iterable[tuple[Wage, Received]], now: Received) -> Mapping[int, tuple[Refusal, ...]]:
    """The refusals due for wages that have waited more than a month.

    Args:
        waiting: wages on hold, each with the receipt of the deposit that declared it.
        now: the moment at which the question is asked.

    Returns:
        By number of deposit, refusals in the order of the records, ready for a SALRET of that deposit.
    """
    records = ((wage.deposit, record_of(wage), received) for wage, received in waiting)
    return overdue(FORM, (EXPIRED, "Insured"), records, now)
