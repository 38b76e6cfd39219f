"""Activities abroad that have waited too long for the affiliation they belong to (DETRET 11)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gateway.batch import Record
from gateway.moments import Received
from gateway.outcome import Refusal
from gateway.procedures.abroad.demdet import FORM
from gateway.procedures.held import overdue
from gateway.registers import Activity

EXPIRED = "DETRET-11"


def expired(waiting: Iterable[tuple[Activity, Received]], now: Received) -> Mapping[int, tuple[Refusal, ...]]:
    """The refusals due for activities that have waited more than a month.

    Args:
        waiting: activities on hold, each with the receipt of the deposit that declared it.
        now: the moment at which the question is asked.

    Returns:
        By number of deposit, refusals in the order of the records, ready for a DETRET of that deposit.
    """
    records = ((one.deposit, Record(one.record, None, one.fields), received) for one, received in waiting)
    return overdue(FORM, (EXPIRED, "Insured"), records, now)
