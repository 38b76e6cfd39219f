"""What waits for an affiliation: released by it, or refused after a month.

A wage is on hold when, on none of its days, the insured is affiliated with the employer; it counts from
the moment an entry or a change insures one of its days. An activity abroad is on hold when its first day
is not insured; it stands from the moment that day is. When that has not happened after one month the
record is refused, long after the acknowledgement of its deposit.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date

from gateway import deadlines
from gateway.batch import Record
from gateway.moments import Received
from gateway.outcome import Refusal
from gateway.procedures.judgement import Finding, Form
from gateway.registers import Activity, Affiliation, Pair, Registers, Wage


def release(pairs: Collection[Pair], registers: Registers) -> None:
    """Let what is on hold for these pairs take effect, where the affiliations now insure its days."""
    affiliations = registers.affiliations.of(pairs)
    wages = [wage for wage in registers.wages.held(pairs) if _wage_insured(wage, affiliations)]
    if wages:
        registers.wages.release(wages)
    activities = [one for one in registers.activities.held(pairs) if insured(one, affiliations)]
    if activities:
        registers.activities.release(activities)


def insured(activity: Activity, affiliations: Mapping[Pair, Sequence[Affiliation]]) -> bool:
    """Whether the first day of an activity abroad is insured."""
    known = affiliations.get(activity.pair, ())
    return any(affiliation.overlaps(activity.first, activity.first) for affiliation in known)


def _wage_insured(wage: Wage, affiliations: Mapping[Pair, Sequence[Affiliation]]) -> bool:
    key = wage.key
    first, last = key.period.first.replace(day=key.first_day), key.period.first.replace(day=key.last_day)
    known = affiliations.get((key.employer, key.insured), ())
    return any(affiliation.overlaps(first, last) for affiliation in known)


def waits_until(received: Received) -> date:
    """The last day on which what was received then may still wait: the same day of the next month.

    Its last day where the next month has no such day: received on 31 January, it waits until the end
    of February. The day is the Luxembourg calendar day.
    """
    return deadlines.due(deadlines.Kind.HOLD, received.day).last


def overdue(
    form: Form, finding: Finding, waiting: Iterable[tuple[int, Record, Received]], now: Received
) -> Mapping[int, tuple[Refusal, ...]]:
    """The refusals due for records that have waited more than a month.

    Args:
        form: that of the records.
        finding: the code due, and the field it is about.
        waiting: number of the deposit, record, and receipt of that deposit, of each record on hold.
        now: the moment at which the question is asked.

    Returns:
        By number of deposit, refusals in the order of the records, ready for a return of that deposit.
    """
    due: dict[int, list[Refusal]] = {}
    for deposit, record, received in waiting:
        if waits_until(received) < now.day:
            due.setdefault(deposit, []).append(form.refusal(record, [finding]))
    return {deposit: _by_record(refusals) for deposit, refusals in sorted(due.items())}


def _by_record(refusals: Iterable[Refusal]) -> tuple[Refusal, ...]:
    return tuple(sorted(refusals, key=lambda refusal: refusal.record.number))
