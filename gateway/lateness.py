"""Which declarations of an employer came late, or not at all, and what is proposed: proposals only.

Only the receipt of a deposit counts, never its treatment: what waits with us is on our account. Nothing is
proposed

* for an affiliation that was cancelled, or for days after a retroactive exit: it does not stand any more;
* while a dispute about a person runs: the clock of that person stands still (RGD of 12 May 1975, art. 5);
* for what falls on or after the day from which a matricule is de-activated;
* for a month all of whose insured days the health fund (CNS) paid;
* for a part of a month when another part of it came in time: a month is one duty, however it was split;
* within the tolerance: thirty days for entries, exits and changes, and for wages until the day on which
  reminders go out.

The first notice for wages within twelve months gives the right to cure: when the missing wages are declared
by the last day to object, the discharge is proposed without anybody having to object. No source gives
that right for entries and exits.

From the same facts and the same day come the same proposals.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from gateway.calendar import is_working_day, next_working_day
from gateway.deadlines import Kind, Outage, due, fine, last_day_of, rule, run_after
from gateway.moments import Period, Received, months_after

DECLARATIONS = frozenset({Kind.ENTRY, Kind.EXIT, Kind.CHANGE})
WITHIN_MONTHS = 12
"""A notice for wages is the first one when no other went out in so many months before it."""

LAW_SINCE = date(1975, 5, 12)
"""Of what happened before the regulation on the working of the centre, nothing is judged."""

_DAY = timedelta(days=1)


class Matter(StrEnum):
    """What an operator knows that bears on a duty."""

    DISPUTE = "dispute"
    """A court case or a dispute about an insured's affiliation with an employer: its clock stands still."""
    DEACTIVATED = "deactivated"
    """A matricule, of an employer or an insured, is de-activated from a day on."""
    HEALTH_FUND = "health-fund"
    """The health fund (CNS) pays an insured for some days, the employer does not."""


@dataclass(frozen=True, slots=True)
class Circumstance:
    """What the operator entered. Days inclusive; `last` None while it lasts.

    `employer` None is any employer, `insured` None everybody of an employer.
    """

    matter: Matter
    employer: str | None
    insured: str | None
    first: date
    last: date | None

    def covers(self, day: date) -> bool:
        return self.first <= day and (self.last is None or day <= self.last)


class Version(NamedTuple):
    """How an affiliation was declared at a time.

    Attributes:
        entry, exit: first and last day, `exit` None while it lasts.
        received: receipt of the deposit that declared it so; None when the operator entered it.
    """

    entry: date
    exit: date | None
    received: Received | None


class Insurance(NamedTuple):
    """An affiliation that stands: its versions, the first declared first, the one in force last."""

    insured: str
    versions: Sequence[Version]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the registers hold on one employer.

    Attributes:
        employer: matricule.
        household: under the simplified procedure of private households, which declare no wages here.
        insurances: the affiliations that stand.
        wages: for each insured and month, the first receipt of a wage that was not refused.
        circumstances: those that concern the employer or anybody.
        outages: those declared.
        since: first day on which this gateway received anything; no wage is missed that was due earlier.
    """

    employer: str
    household: bool
    insurances: Sequence[Insurance]
    wages: Mapping[tuple[str, Period], Received]
    circumstances: Sequence[Circumstance]
    outages: Sequence[Outage]
    since: date


class State(StrEnum):
    """What is proposed."""

    FINE = "fine"
    """It came late: a fine."""
    MISSING = "missing"
    """It is late and has not come: a notice."""
    DISCHARGE = "discharge"
    """It came late and was cured in time: no fine, and nobody has to object."""


class Ground(StrEnum):
    """Why a discharge is proposed."""

    FIRST_CURED = "first-wage-notice-cured-in-time"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is proposed for one duty.

    Attributes:
        employer, insured: matricules.
        kind: entry, exit, change or wage.
        event: the day of the event, or the wage month.
        due: last day of the limit.
        received: receipt of the declaration; None when it has not come.
        days_late: days after `due`, those of a dispute left out.
        amount: of the fine in cents; None when it is not known, or nothing came yet.
        state: what is proposed.
        ground: why a discharge is; None otherwise.
        notice: day of the run from which the notice goes out.
        right_to_cure: whether the fine falls because it was declared by `last_day`, or still can be.
        last_day: to object, and where there is the right, to cure.
        basis: the articles on the limit and on the fine.
    """

    employer: str
    insured: str
    kind: Kind
    event: date | Period
    due: date
    received: Received | None
    days_late: int
    amount: int | None
    state: State
    ground: Ground | None
    notice: date
    right_to_cure: bool
    last_day: date
    basis: str


class _Duty(NamedTuple):
    """Something to be declared, and when it was.

    Attributes:
        known: the day on which the centre learnt of the duty; no notice goes out before.
    """

    insured: str
    kind: Kind
    event: date | Period
    received: Received | None
    known: date


class _Late(NamedTuple):
    """A duty that was not kept: its last day, days of delay, and the run that gives notice."""

    duty: _Duty
    due: date
    days: int
    notice: date


def proposals(facts: Facts, day: date) -> list[Proposal]:
    """What is proposed for an employer as of the end of a day; what came in later is not looked at.

    In the order of insured, kind and event.
    """
    late = [one for duty in _duties(facts, day) if (one := _late(duty, facts, day))]
    notices = {one.notice for one in late if one.duty.kind is Kind.WAGE}
    proposed = (_proposal(one, facts, notices, day) for one in late)
    return sorted(proposed, key=lambda one: (one.insured, one.kind, str(one.event)))


def _duties(facts: Facts, day: date) -> Iterator[_Duty]:
    months: dict[tuple[str, Period], date] = {}
    for insurance in facts.insurances:
        versions = [one for one in insurance.versions if one.received is None or one.received.day <= day]
        if not versions:
            continue
        yield from _declared(insurance.insured, versions)
        known = versions[0].received.day if versions[0].received else date.min
        for month in [] if facts.household else _months(versions[-1], facts.since, day):
            key = insurance.insured, month
            months[key] = min(known, months.get(key, known))
    for (insured, month), known in months.items():
        if not _paid_by_health_fund(insured, month, facts):
            first = facts.wages.get((insured, month))
            seen = first is not None and first.day <= day
            yield _Duty(insured, Kind.WAGE, month, first if seen else None, known)


def _declared(insured: str, versions: Sequence[Version]) -> Iterator[_Duty]:
    """The duties of an affiliation and how they were kept.

    Entry and exit are judged by the days that stand now and by the deposit that first declared one. What
    was stated anew is a change, from the first day on which it makes a difference.
    """
    first, stands = versions[0], versions[-1]
    exit_declared = first.received if first.exit else None
    if first.received:
        yield _Duty(insured, Kind.ENTRY, stands.entry, first.received, first.received.day)
    for old, new in pairwise(versions):
        if old.exit is None and new.exit is not None:
            exit_declared = new.received
        changed = [min(old.entry, new.entry)] if old.entry != new.entry else []
        if old.exit is not None and old.exit != new.exit:
            changed.append(min(old.exit, new.exit or date.max))
        if changed and new.received:
            yield _Duty(insured, Kind.CHANGE, min(changed), new.received, new.received.day)
    if stands.exit and exit_declared:
        yield _Duty(insured, Kind.EXIT, stands.exit, exit_declared, exit_declared.day)


def _months(stands: Version, since: date, day: date) -> Iterator[Period]:
    """The months of an affiliation whose wages were due between the first day of the gateway and a day."""
    entered = Period(stands.entry.year, stands.entry.month)
    # No limit for wages is longer than a year, even after an outage.
    month = max(entered, Period(since.year, since.month).plus(-12))
    while month.last < day and (stands.exit is None or month.first <= stands.exit):
        if due(Kind.WAGE, month).last >= since:
            yield month
        month = month.plus(1)


def _paid_by_health_fund(insured: str, month: Period, facts: Facts) -> bool:
    """Whether the health fund paid every day of a month on which somebody is insured."""
    paid = list(_bearing(Matter.HEALTH_FUND, insured, facts))
    if not paid:
        return False
    stands = [one.versions[-1] for one in facts.insurances if one.insured == insured]
    days = [
        day
        for day in (month.first + number * _DAY for number in range(month.last.day))
        if any(one.entry <= day and (one.exit is None or day <= one.exit) for one in stands)
    ]
    return all(any(one.covers(day) for one in paid) for day in days)


def _bearing(matter: Matter, insured: str, facts: Facts) -> Iterator[Circumstance]:
    """The circumstances of a kind that bear on an insured of the employer."""
    for one in facts.circumstances:
        if one.matter is matter and one.employer in (None, facts.employer) and one.insured in (None, insured):
            yield one


def _late(duty: _Duty, facts: Facts, day: date) -> _Late | None:
    """How late a duty is as of a day; None when it was kept, is not due, or never was one."""
    event, until = last_day_of(duty.event), duty.received.day if duty.received else day
    if until <= event or event < LAW_SINCE:
        return None
    # Most were kept, and nothing that follows shortens a limit.
    if until <= due(duty.kind, duty.event).last:
        return None
    if any(one.covers(event) for one in _bearing(Matter.DEACTIVATED, duty.insured, facts)):
        return None
    disputes = list(_bearing(Matter.DISPUTE, duty.insured, facts))
    limit = due(duty.kind, duty.event, facts.outages)
    last = _suspended(duty.kind, event, limit.last, disputes, until)
    if last is None or until <= last:
        return None
    days = (until - last).days - _disputed(last, until, disputes)
    tolerance = _tolerance(duty, limit.last, facts.outages)
    if days <= tolerance:
        return None
    run = Kind.DECLARATION_NOTICES if duty.kind in DECLARATIONS else Kind.WAGE_NOTICES
    noticed = max(last + tolerance * _DAY, duty.known)
    return _Late(duty, last, days, run_after(run, noticed, facts.outages).last)


def _disputed(after: date, until: date, disputes: Collection[Circumstance]) -> int:
    """How many days after one day and up to another are those of a dispute."""
    days = (after + number * _DAY for number in range(1, (until - after).days + 1))
    return sum(any(one.covers(day) for one in disputes) for day in days)


def _suspended(
    kind: Kind, event: date, last: date, disputes: Collection[Circumstance], until: date
) -> date | None:
    """The last day of a limit whose clock stands still during disputes; None when it lies after `until`."""
    if not disputes:
        return last
    left = _disputed(event, last, disputes)
    while left and last <= until:
        last += _DAY
        if not any(one.covers(last) for one in disputes):
            left -= 1
    if left:
        return None
    rolls = rule(kind, event).rolls and not is_working_day(last)
    return next_working_day(last) if rolls else last


def _tolerance(duty: _Duty, last: date, outages: Collection[Outage]) -> int:
    """Days of delay up to which nothing is proposed."""
    if duty.kind in DECLARATIONS:
        return fine(last_day_of(duty.event)).tolerance_days
    return max(0, (due(Kind.REMINDER, duty.event, outages).last - last).days)


def _proposal(late: _Late, facts: Facts, notices: Collection[date], day: date) -> Proposal:
    """What is proposed for a late duty as of a day, when these are the days of all notices for wages."""
    duty, event = late.duty, last_day_of(late.duty.event)
    last_day = due(Kind.OPPOSITION, late.notice, facts.outages).last
    first = duty.kind is Kind.WAGE and not any(_shortly_before(one, late.notice) for one in notices)
    right = first and (duty.received.day if duty.received else day) <= last_day
    cured = right and duty.received is not None
    return Proposal(
        employer=facts.employer,
        insured=duty.insured,
        kind=duty.kind,
        event=duty.event,
        due=late.due,
        received=duty.received,
        days_late=late.days,
        amount=_amount(late) if duty.kind in DECLARATIONS else None,
        state=State.DISCHARGE if cured else State.FINE if duty.received else State.MISSING,
        ground=Ground.FIRST_CURED if cured else None,
        notice=late.notice,
        right_to_cure=right,
        last_day=last_day,
        basis=f"{rule(duty.kind, event).source}; {fine(event).source}",
    )


def _shortly_before(other: date, notice: date) -> bool:
    return other < notice <= months_after(other, WITHIN_MONTHS)


def _amount(late: _Late) -> int:
    """The fine for a late declaration in cents: so much for each full month of delay."""
    scale = fine(last_day_of(late.duty.event))
    end = late.due + late.days * _DAY
    months = (end.year - late.due.year) * 12 + end.month - late.due.month
    if months_after(late.due, months) > end:
        months -= 1
    return min(months * scale.per_month, scale.maximum)
