"""Pay above the ceiling over several employers: what an insured may ask back, and employers never.

Each employer applies a whole ceiling of its own (CSS art. 241 § 3). The insured may ask, year by year and for
closed years, for the return of the own share above the ceiling; employers get nothing back (CCSS, page on
exceeding the maximum contribution base). It is worked out as soon as it shows, and is provisional until then:

    above = bases of all employers − ceilings of the months insured, of the year until a month
    share = above × rate of the insured, rounded half-up to cents

Assumed, because no published rule was found:

* it is counted over the calendar year, so that a month with room makes up for one above the ceiling;
* the ceiling of a month counts once when the insurance with any of the employers lasted on a day of it;
* bases are those printed, in cents; where the rate changed within the year, the mean by bases counts;
* what a pensioner paid to the pension insurance is asked of the CNAP, all else of the CCSS.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction

from gateway.billing.annual import ChargedMonth, WorkerYear, due_by, months_of
from gateway.billing.statement import BranchSum
from gateway.contributions import Group, schedule_of
from gateway.moments import Period, Received
from gateway.money import round_half_up
from gateway.parameters import Branch

LEGAL_BASIS = "Code de la sécurité sociale, art. 241, paragraphe 3"
_CCSS, _CNAP = "CCSS", "CNAP"
_SHARED = (Branch.CARE, Branch.CASH, Branch.PENSION)
"""The branches with a ceiling of which the insured bears a share (CSS art. 39 and 241)."""


class Stage(StrEnum):
    """Whether the insured can ask for it."""

    PROVISIONAL = "provisional"
    """The year runs, or something of it is still open."""
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Part:
    """What counts of one employer: the sums of the branches with a ceiling, without the employer's share."""

    employer: str
    name: str | None
    branches: tuple[BranchSum, ...]


@dataclass(frozen=True, slots=True)
class Above:
    """One branch above the ceiling. Amounts in cents.

    Attributes:
        base: of all employers together.
        ceiling: of the months insured.
        share: of the insured, on what is above.
        claim_at: whom the insured asks for it.
    """

    branch: Branch
    base: int
    ceiling: int
    share: int
    claim_at: str

    @property
    def above(self) -> int:
        return self.base - self.ceiling


@dataclass(frozen=True, slots=True)
class OverCeiling:
    """An insured with several employers above the ceiling, in a year until a month inclusive.

    Attributes:
        surname, first_name: None when the person was not registered here.
        employers: at least two, by matricule.
        branches: those above the ceiling, at least one, in the order of `Branch`.
    """

    insured: str
    until: Period
    stage: Stage
    surname: str | None
    first_name: str | None
    employers: tuple[Part, ...]
    branches: tuple[Above, ...]

    @property
    def share(self) -> int:
        """All that the insured may ask back, in cents."""
        return sum(one.share for one in self.branches)


def over_ceiling(
    workers: Sequence[WorkerYear], names: tuple[str | None, str | None], until: Period, now: Received
) -> OverCeiling | None:
    """What is above the ceiling of a year until a month; None when nothing is, or there is one employer.

    Args:
        workers: one for each employer, at least one, all of one insured and year.
        names: surname and first name.

    Raises:
        NoParametersError: when no parameters are known for one of the months.
    """
    charged = {one.employer: _until(one.charged, until) for one in workers}
    if sum(map(bool, charged.values())) < 2:
        return None
    insured = {month for one in workers for month in months_of(one.spans) if month <= until}
    months = [month for each in charged.values() for month in each]
    above = [_above(branch, months, insured, now.day) for branch in _SHARED]
    found = tuple(one for one in above if one.above > 0)
    if not found:
        return None
    parts = (
        Part(one.employer, one.name, _own(charged[one.employer]))
        for one in sorted(workers, key=lambda one: one.employer)
        if charged[one.employer]
    )
    surname, first_name = names
    stage = _stage(workers, until, now)
    return OverCeiling(workers[0].insured, until, stage, surname, first_name, tuple(parts), found)


def risen_in(
    workers: Sequence[WorkerYear], names: tuple[str | None, str | None], period: Period, now: Received
) -> OverCeiling | None:
    """The same until a month, if two employers were charged for that month and more is above by it."""
    if sum(any(month.period == period for month in one.charged) for one in workers) < 2:
        return None
    found = over_ceiling(workers, names, period, now)
    if found is None or period.month == 1:
        return found
    before = over_ceiling(workers, names, period.plus(-1), now)
    known = {} if before is None else {one.branch: one.above for one in before.branches}
    return found if any(one.above > known.get(one.branch, 0) for one in found.branches) else None


def _until(months: Iterable[ChargedMonth], until: Period) -> tuple[ChargedMonth, ...]:
    return tuple(month for month in months if month.period <= until)


def _stage(workers: Iterable[WorkerYear], until: Period, now: Received) -> Stage:
    due = due_by(now.day)
    closed = until.month == 12 and until <= due and not any(one.open(due) for one in workers)
    return Stage.CLOSED if closed else Stage.PROVISIONAL


def _above(branch: Branch, months: Sequence[ChargedMonth], insured: Collection[Period], known: date) -> Above:
    lines = [(month.period, line) for month in months for line in month.lines if line.branch is branch]
    base = sum(line.base for _, line in lines)
    ceiling = sum(int(schedule_of(period, known).ceiling.value * 100) for period in insured)
    due = sum(
        (line.base * Fraction(schedule_of(period, known).rates[branch].value) for period, line in lines),
        Fraction(0),
    )
    share = round_half_up((base - ceiling) * due / base / 100) if base > ceiling else 0
    pensioner = branch is Branch.PENSION and any(month.group is Group.PENSIONER for month in months)
    return Above(branch, base, ceiling, share, _CNAP if pensioner else _CCSS)


def _own(months: Iterable[ChargedMonth]) -> tuple[BranchSum, ...]:
    lines = [line for month in months for line in month.lines]
    return tuple(
        BranchSum(
            branch,
            sum(line.base for line in lines if line.branch is branch),
            sum(line.employee for line in lines if line.branch is branch),
            0,
        )
        for branch in _SHARED
        if any(line.branch is branch for line in lines)
    )
