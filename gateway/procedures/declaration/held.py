"""Wages that wait for the affiliation they belong to: released by it, or refused after a month.

A wage is on hold when, on none of its days, the insured is affiliated with the employer. It counts
from the moment an entry or a change insures one of its days. When that has not happened after one
month it is refused (SALRET 14), long after the acknowledgement of its deposit.
"""

from __future__ import annotations

import calendar
from collections.abc import Collection, Iterable, Mapping
from datetime import date

from gateway.moments import Period, Received
from gateway.outcome import Refusal
from gateway.procedures.declaration.decsal import FORM, record_of
from gateway.registers import Affiliation, Pair, Registers, Wage

EXPIRED = "SALRET-14"


def release(pairs: Collection[Pair], registers: Registers) -> None:
    """Let the held wages of these pairs count, where the affiliations now insure one of their days."""
    affiliations = registers.affiliations.of(pairs)
    insured = [
        wage
        for wage in registers.wages.held(pairs)
        if any(_insures(one, wage) for one in affiliations.get((wage.key.employer, wage.key.insured), ()))
    ]
    if insured:
        registers.wages.release(insured)


def _insures(affiliation: Affiliation, wage: Wage) -> bool:
    key = wage.key
    first, last = key.period.first.replace(day=key.first_day), key.period.first.replace(day=key.last_day)
    return affiliation.overlaps(first, last)


def waits_until(received: Received) -> date:
    """The last day on which a wage received then may still wait: the same day of the next month.

    Its last day where the next month has no such day: received on 31 January, it waits until the end
    of February. The day is the Luxembourg calendar day.
    """
    following = Period.of(received).plus(1)
    length = calendar.monthrange(following.year, following.month)[1]
    return following.first.replace(day=min(received.day.day, length))


def expired(waiting: Iterable[tuple[Wage, Received]], now: Received) -> Mapping[int, tuple[Refusal, ...]]:
    """The refusals due for wages that have waited more than a month.

    Args:
        waiting: wages on hold, each with the receipt of the deposit that declared it.
        now: the moment at which the question is asked.

    Returns:
        By number of deposit, refusals in the order of the records, ready for a SALRET of that deposit.
    """
    due: dict[int, list[Refusal]] = {}
    for wage, received in waiting:
        if waits_until(received) < now.day:
            refusal = FORM.refusal(record_of(wage), [(EXPIRED, "Insured")])
            due.setdefault(wage.deposit, []).append(refusal)
    return {deposit: _by_record(refusals) for deposit, refusals in sorted(due.items())}


def _by_record(refusals: Iterable[Refusal]) -> tuple[Refusal, ...]:
    return tuple(sorted(refusals, key=lambda refusal: refusal.record.number))
