"""What is charged for each insured and month, version after version.

A charge is never changed. When what it came from has changed, it is reversed (*extourne*) and a new one takes
its place, with the rules of its own month; both stand on the next statement. Whatever depends on the months
before it in the calendar year, by the ceiling, is looked at again as well.

Assumed, because no published rule was found:

* all wage records of one insured and month under one kind of affiliation are charged together, on the sum of
  their amounts and hours;
* hours are the hours worked and the inactive hours that unemployment pay stands for;
* age is that on the first day of the month, on which the parameters are looked up as well;
* a birth date that is not known (month or day `00`) makes an adult;
* the kind of affiliation of a wage is that of the first affiliation that shares a day with it, employment
  before a pupil's contract;
* a wage that shares no day with any affiliation is not charged (the entry was cancelled after it came).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import lru_cache
from math import ceil
from operator import attrgetter
from typing import NamedTuple

from gateway.billing.holds import Code, Hold
from gateway.billing.lines import ChargedLine
from gateway.billing.statement import Cause
from gateway.contributions import (
    Ceiling,
    Classification,
    Contribution,
    Element,
    Group,
    Insurance,
    Line,
    Month,
    NoParametersError,
    Pay,
    Policy,
    UnknownGroupError,
    schedule_of,
    year,
)
from gateway.moments import Period
from gateway.money import round_half_up
from gateway.registers import Affiliation, Wage

_NOBODY: Mapping[str, str] = {}
ENDED = 1 << 12
"""Beside the months of a year: that the insurance ended with the last of them."""
_paid = attrgetter(*(element.value for element in Element), "work_hours", "inactive_hours")


class RecordKey(NamedTuple):
    """A record that was declared: number of its deposit, place in the batch."""

    deposit: int
    record: int


class ChargeKey(NamedTuple):
    """What has at most one charge that stands: an insured, a month, a kind of insurance."""

    insured: str
    period: Period
    group: Group


@dataclass(frozen=True, slots=True)
class Basis:
    """All that a charge was computed from, beside the law and the months of the year before it.

    Attributes:
        pay: elements in cents, hours.
        age: completed years; None for an adult of unknown age.
        classification: of the employer in that year.
        affiliated: months of the calendar year, up to that of the charge, in which the person was insured
            with the employer: bit 0 is January. With `ENDED` where the insurance ended with this month and
            the year is settled with it (`Ceiling.YEAR_END`).
        records: the wage records, in their order.
    """

    pay: Pay
    age: int | None
    classification: Classification
    affiliated: int
    records: tuple[RecordKey, ...]


@dataclass(frozen=True, slots=True)
class Charge:
    """What is charged for one insured and month, one version of it.

    Attributes:
        version: from 1 on.
        lines: in the order of `Branch`.
        parameters: fingerprint of the law of its month, as known when it was computed.
        excess: by how much the pay of the year so far is above what was charged of it, in the branch where
            it is most, in cents, rounded up: what a later month of the year may still charge.
    """

    key: ChargeKey
    version: int
    basis: Basis
    lines: Sequence[ChargedLine]
    parameters: str
    excess: int

    @property
    def total(self) -> int:
        """Both shares, in cents."""
        return sum(line.total for line in self.lines)

    def amounts(self) -> tuple[tuple[object, ...], ...]:
        """Branch, base and shares of each line."""
        return tuple((line.branch, line.base, line.employee, line.employer) for line in self.lines)

    def tells_as_much_as(self, other: Charge) -> bool:
        """Whether another one need not take its place: the same amounts, from the same pay.

        Another pay is told even where it changes no amount, as above the ceiling: later months of the year
        depend on it.
        """
        return self.amounts() == other.amounts() and self.basis.pay == other.basis.pay


class Case(NamedTuple):
    """The wages of one insured in one month under one kind of affiliation, taken together."""

    key: ChargeKey
    pay: Pay
    records: tuple[RecordKey, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """A charge that takes the place of another: either may be absent, not both.

    Attributes:
        causes: why, in the order of `Cause`; none where nothing was charged before.
        before: the charge that is reversed.
        after: the new one; its version follows that of the one before, or the last one reversed.
    """

    causes: tuple[Cause, ...]
    before: Charge | None
    after: Charge | None

    @property
    def key(self) -> ChargeKey:
        one = self.after or self.before
        assert one is not None
        return one.key


def cases(
    wages: Iterable[Wage], affiliations: Mapping[str, Sequence[Affiliation]], known: date
) -> tuple[dict[ChargeKey, Case], list[Hold]]:
    """The wages of one employer by what is charged together; and those that are not charged.

    Args:
        wages: that count.
        affiliations: of the insured, by matricule.
        known: day as known on which the law counts.
    """
    together: defaultdict[ChargeKey, list[Wage]] = defaultdict(list)
    held: list[Hold] = []
    for wage in wages:
        key = wage.key
        found = _group(wage, affiliations.get(key.insured, ()), known)
        if isinstance(found, Code):
            held.append(Hold(found, key.employer, key.period, key.insured))
        else:
            together[ChargeKey(key.insured, key.period, found)].append(wage)
    return {key: _case(key, records) for key, records in together.items()}, held


def _group(wage: Wage, affiliations: Sequence[Affiliation], known: date) -> Group | Code:
    """How the person of a wage is insured on its days, or why that cannot be said."""
    key = wage.key
    first, last = _days(key.period, key.first_day, key.last_day)
    insured = [a for a in affiliations if a.overlaps(first, last)]
    if not insured:
        return Code.AFFILIATION
    if len(insured) == 1:
        (one,) = insured
        return _group_of(one.contract, one.scheme, key.period, known)
    found = [_group_of(a.contract, a.scheme, key.period, known) for a in insured]
    unknown = next((one for one in found if isinstance(one, Code)), None)
    return unknown or min(found, key=lambda one: one is Group.PUPIL)


@lru_cache(maxsize=1024)
def _days(period: Period, first: int, last: int) -> tuple[date, date]:
    """The first and the last of some days of a month; a day that the month does not have is its last one."""
    return period.first.replace(day=first), period.last.replace(day=min(last, period.last.day))


@lru_cache(maxsize=1024)
def _group_of(contract: str, scheme: str, period: Period, known: date) -> Group | Code:
    """How people of a contract and scheme are insured, or why that cannot be said."""
    try:
        return schedule_of(period, known).groups.of(contract, scheme)
    except NoParametersError:
        return Code.PARAMETERS
    except UnknownGroupError:
        return Code.GROUP


def _case(key: ChargeKey, wages: Sequence[Wage]) -> Case:
    declared = _paid(wages[0]) if len(wages) == 1 else map(sum, zip(*map(_paid, wages), strict=True))
    base, supplements, overtime, gratuities, unemployment, worked, inactive = declared
    pay = Pay(base, supplements, overtime, gratuities, unemployment, Decimal(worked + inactive))
    return Case(key, pay, tuple(sorted([RecordKey(wage.deposit, wage.record) for wage in wages])))


def age_of(insured: str, period: Period) -> int | None:
    """Completed years on the first day of a month, from the birth date in a matricule."""
    born_in, month, day = int(insured[:4]), int(insured[4:6]), int(insured[6:8])
    if not (month and day):
        return None
    first = period.first
    return first.year - born_in - ((first.month, first.day) < (month, day))


def months_insured(affiliations: Iterable[Affiliation], calendar_year: int) -> int:
    """The months of a calendar year in which one person is insured on a day: bit 0 is January."""
    mask = 0
    new_year, new_years_eve = date(calendar_year, 1, 1), date(calendar_year, 12, 31)
    for one in affiliations:
        first, last = max(one.entry, new_year), min(one.exit or new_years_eve, new_years_eve)
        if first <= last:
            mask |= (1 << last.month) - (1 << (first.month - 1))
    return mask


def charge_year(
    found: Collection[Case],
    affiliated: int,
    classification: Classification,
    policy: Policy,
    known: date,
) -> list[Charge]:
    """Charge all months of one insured with wages in one calendar year, each as version 1.

    Args:
        found: the cases of that person and year, at least one.
        affiliated: months insured, as `months_insured` answers.
        known: day as known on which the law counts.

    Raises:
        NoParametersError: when no parameters are known for one of the months.
    """
    months = months_of(found, affiliated)
    last = months[-1][0].period
    settles = policy.ceiling is Ceiling.YEAR_END and not affiliated >> last.month
    due = year([month for month, _ in months], classification, policy=policy, known=known, ended=settles)
    return [
        _charge(
            case,
            _basis(case, month, affiliated, classification, ended=settles and month.period == last),
            contribution,
            known,
        )
        for (month, case), contribution in zip(months, due, strict=True)
        if case is not None
    ]


def months_of(found: Collection[Case], affiliated: int) -> list[tuple[Month, Case | None]]:
    """The months of a year up to the last wage, in order: those with one, and those insured without."""
    return sorted(_months(found, affiliated), key=lambda pair: pair[0].period)


def _months(found: Collection[Case], affiliated: int) -> Iterable[tuple[Month, Case | None]]:
    declared = {case.key.period for case in found}
    for case in sorted(found, key=lambda case: (case.key.group is Group.PUPIL, case.key.group)):
        insurance = Insurance(age_of(case.key.insured, case.key.period), case.key.group)
        yield Month(case.key.period, case.pay, insurance), case
    last = max(declared)
    for month in range(1, last.month):
        period = Period(last.year, month)
        if period not in declared and affiliated >> (month - 1) & 1:
            yield Month(period, Pay(), Insurance()), None


def _basis(
    case: Case, month: Month, affiliated: int, classification: Classification, *, ended: bool
) -> Basis:
    until = affiliated & ((1 << month.period.month) - 1)
    return Basis(
        case.pay, month.insurance.age, classification, until | ENDED if ended else until, case.records
    )


def _charge(case: Case, basis: Basis, due: Contribution, known: date) -> Charge:
    fingerprint = schedule_of(case.key.period, known).fingerprint
    excess = ceil(due.room.excess * 100)
    return Charge(case.key, 1, basis, tuple(map(_charged, due.lines)), fingerprint, excess)


def _charged(line: Line) -> ChargedLine:
    return ChargedLine(
        branch=line.branch,
        base=round_half_up(line.base),
        rate=line.rate,
        employee=line.employee,
        employer=line.employer,
        institution=line.institution,
        source=line.source,
        formula=line.formula,
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """What was charged so far.

    Attributes:
        charges: those that stand, by key.
        versions: the last version of each key, of those reversed as well.
    """

    charges: Mapping[ChargeKey, Charge]
    versions: Mapping[ChargeKey, int]


def changes(
    standing: Standing,
    computed: Iterable[Charge],
    looked_at: Collection[tuple[str, int]],
    replaced: Mapping[str, str] = _NOBODY,
) -> list[Change]:
    """What has to be reversed and charged so that what stands is what was computed.

    Args:
        standing: what was charged so far.
        computed: what is due now, for the insured and years looked at.
        looked_at: insured and calendar year; what stands outside of them is left alone.
        replaced: matricules that the national register has replaced, each with the one in its place; what
            was charged under them is reversed, and charged under those.
    """
    due = {charge.key: charge for charge in computed}
    stood = {
        key: charge for key, charge in standing.charges.items() if (key.insured, key.period.year) in looked_at
    }
    others = {(key.insured, key.period) for key in stood}
    moved = {(counts_now(insured, replaced), period) for insured, period in others if insured in replaced}
    moved &= {(key.insured, key.period) for key in due}
    touched: set[tuple[str, int]] = set()
    found = []
    for key in sorted(due.keys() | stood.keys(), key=lambda key: (key.period, key.insured, key.group)):
        before, after = stood.get(key), due.get(key)
        if before is not None and after is not None and before.tells_as_much_as(after):
            continue
        if after is not None:
            after = replace(after, version=standing.versions.get(key, 0) + 1)
        if None in (before, after) and (counts_now(key.insured, replaced), key.period) in moved:
            causes = [Cause.MATRICULE]
        elif before is None:
            causes = [Cause.AFFILIATION if (key.insured, key.period) in others else Cause.LATE]
        elif after is None:
            causes = [Cause.AFFILIATION]
        else:
            earlier = (key.insured, key.period.year) in touched
            causes = _causes(before.basis, after.basis) or _other_causes(before, after, earlier=earlier)
        touched.add((key.insured, key.period.year))
        found.append(Change(tuple(causes), before, after))
    return found


def counts_now(insured: str, replaced: Mapping[str, str]) -> str:
    """The matricule that counts for a person, whatever it was before."""
    while insured in replaced:
        insured = replaced[insured]
    return insured


def _causes(old: Basis, new: Basis) -> list[Cause]:
    """Why a charge takes the place of another, as far as what they were computed from tells."""
    causes = []
    if old.pay != new.pay:
        causes.append(Cause.WAGE)
    if (old.affiliated, old.age) != (new.affiliated, new.age):
        causes.append(Cause.AFFILIATION)
    if old.classification != new.classification:
        causes.append(Cause.CLASSIFICATION)
    return causes


def _other_causes(old: Charge, new: Charge, *, earlier: bool) -> list[Cause]:
    """The same where these are alike: the law of the month, or what the months before it left of the ceiling.

    Args:
        earlier: whether one of these is charged anew.
    """
    bases = {line.branch: line.base for line in new.lines}
    moved = any(bases.get(line.branch, line.base) != line.base for line in old.lines)
    causes = [Cause.PARAMETERS] if old.parameters != new.parameters else []
    if (earlier and moved) or not causes:
        causes.append(Cause.CEILING)
    return causes
