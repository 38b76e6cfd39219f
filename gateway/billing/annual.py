"""The calendar year of an insured: where insured, what was declared and charged, and what is still open.

What is stated to the insured (RGD 12 May 1975, art. 12) is what stands as charged, after all corrections.
A month is open when that is not what was declared for it, or when nothing was declared although somebody
was insured; every open month is named, and none is filled with an estimate.

Assumed, because no published rule was found:

* days are calendar days, a month counts when the insurance lasted on one of its days;
* of several employers each day and each month counts once in the sums over all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple

from gateway.billing.holds import Code, Hold
from gateway.billing.statement import BranchSum
from gateway.contributions import Group, Pay
from gateway.moments import Period, Received, months_after
from gateway.parameters import Branch, law
from gateway.registers import Affiliation

LEGAL_BASIS = "Règlement grand-ducal modifié du 12 mai 1975, art. 12"
MONTHS_TO_CLAIM = 3
"""How long the insured has to claim after the issue (RGD 12 May 1975, art. 12)."""

_DAY = timedelta(days=1)
_NOT_CHARGED = frozenset({Code.CLASSIFICATION, Code.PARAMETERS, Code.AFFILIATION, Code.GROUP})


class Span(NamedTuple):
    """Days of one year on which somebody is insured, both ends inclusive."""

    first: date
    last: date


class DeclaredMonth(NamedTuple):
    """What was declared for one insured, employer and month.

    Attributes:
        pay: all elements of the wages that count, in cents.
        hours: of these, worked and inactive.
        counts: whether there is such a wage.
        held: whether a wage of the month is on hold.
    """

    pay: int
    hours: int
    counts: bool
    held: bool


class ChargedMonth(NamedTuple):
    """What stands as charged for one insured, employer and month under one kind of insurance.

    Attributes:
        pay: what it was computed from, with the hours.
        lines: branch by branch, those without any amount left out.
    """

    period: Period
    group: Group
    pay: Pay
    lines: tuple[BranchSum, ...]


class Reason(StrEnum):
    """Why a month is open."""

    MISSING = "missing"
    """Insured, and no wage was declared."""
    HELD = "held"
    """A wage was declared and waits for the entry of the insured."""
    UNCHARGED = "uncharged"
    """A wage, or a part of it, was declared and is not charged."""
    UNCORRECTED = "uncorrected"
    """What is charged is not what is declared now: a correction is due with the next statement."""
    PRESCRIBED = "prescribed"
    """The same, but corrections do not reach that month any more."""


class Open(NamedTuple):
    """A month of which something is open.

    Attributes:
        declared, charged: pay in cents.
        code: what the charge waits for, where that is known.
    """

    period: Period
    reason: Reason
    declared: int
    charged: int
    code: Code | None = None


@dataclass(frozen=True, slots=True)
class EmployerYear:
    """The year of an insured with one employer, as it is stated.

    Attributes:
        employer: matricule.
        name: None when the employer is not registered.
        spans: in order, none touching another.
        months: in the order of months.
        open: in the order of months.
    """

    employer: str
    name: str | None
    spans: tuple[Span, ...]
    months: tuple[ChargedMonth, ...]
    open: tuple[Open, ...] = ()

    @property
    def days(self) -> int:
        return days_of(self.spans)

    @property
    def months_insured(self) -> int:
        return len(months_of(self.spans))

    @property
    def hours(self) -> int:
        return sum(int(one.pay.hours) for one in self.months)

    @property
    def pay(self) -> int:
        """All that was charged on, in cents."""
        return sum(one.pay.total for one in self.months)

    @property
    def branches(self) -> tuple[BranchSum, ...]:
        """The sums of the branches that were charged, in the order of `Branch`."""
        lines = [line for month in self.months for line in month.lines]
        return tuple(
            _sum(branch, [line for line in lines if line.branch is branch])
            for branch in Branch
            if any(line.branch is branch for line in lines)
        )

    @property
    def employee_total(self) -> int:
        return sum(line.employee for month in self.months for line in month.lines)

    @property
    def employer_total(self) -> int:
        return sum(line.employer for month in self.months for line in month.lines)


def _sum(branch: Branch, lines: Collection[BranchSum]) -> BranchSum:
    return BranchSum(
        branch,
        sum(line.base for line in lines),
        sum(line.employee for line in lines),
        sum(line.employer for line in lines),
    )


@dataclass(frozen=True, slots=True)
class AnnualStatement:
    """What is stated to an insured for a year (*extrait annuel*).

    Attributes:
        issued: day in Luxembourg.
        surname, first_name: None when the person was not registered here.
        employers: by matricule.
    """

    insured: str
    year: int
    issued: date
    surname: str | None
    first_name: str | None
    employers: tuple[EmployerYear, ...]

    @property
    def claim_until(self) -> date:
        """Last day on which the insured can claim."""
        return months_after(self.issued, MONTHS_TO_CLAIM)

    @property
    def spans(self) -> tuple[Span, ...]:
        return joined(span for one in self.employers for span in one.spans)

    @property
    def days(self) -> int:
        return days_of(self.spans)

    @property
    def months_insured(self) -> int:
        return len(months_of(self.spans))

    @property
    def hours(self) -> int:
        return sum(one.hours for one in self.employers)

    @property
    def pay(self) -> int:
        return sum(one.pay for one in self.employers)

    @property
    def employee_total(self) -> int:
        return sum(one.employee_total for one in self.employers)

    @property
    def employer_total(self) -> int:
        return sum(one.employer_total for one in self.employers)


@dataclass(frozen=True, slots=True)
class WorkerYear:
    """All that is known of an insured with one employer in a calendar year.

    Attributes:
        spans: as in `EmployerYear`.
        declared: by month.
        charged: in the order of months.
        holds: of this employer that may concern the year, of other insured too.
    """

    employer: str
    insured: str
    year: int
    name: str | None
    spans: tuple[Span, ...]
    declared: Mapping[Period, DeclaredMonth]
    charged: tuple[ChargedMonth, ...]
    holds: Sequence[Hold] = ()

    @property
    def declared_pay(self) -> int:
        """What counts of the declared pay of the year, in cents."""
        return sum(one.pay for one in self.declared.values())

    @property
    def declared_hours(self) -> int:
        return sum(one.hours for one in self.declared.values())

    @property
    def insured_or_charged(self) -> bool:
        """Whether there is anything to state."""
        return bool(self.spans or self.charged)

    def stated(self, due: Period) -> EmployerYear:
        """What is stated of it.

        Args:
            due: the last month whose wages must have been charged by now.
        """
        return EmployerYear(self.employer, self.name, self.spans, self.charged, self.open(due))

    def open(self, due: Period) -> tuple[Open, ...]:
        """The open months; of those after `due` only what was charged is compared."""
        months = (Period(self.year, month) for month in range(1, 13))
        found = (self._open(period, months_of(self.spans), due) for period in months)
        return tuple(one for one in found if one is not None)

    def _open(self, period: Period, insured: Collection[Period], due: Period) -> Open | None:
        declared = self.declared.get(period, _NOTHING)
        charged = [one for one in self.charged if one.period == period]
        pay = sum(one.pay.total for one in charged)
        hours = sum(int(one.pay.hours) for one in charged)
        if declared.held:
            return Open(period, Reason.HELD, declared.pay, pay)
        if (declared.pay, declared.hours, declared.counts) == (pay, hours, bool(charged)):
            missing = period <= due and period in insured and not declared.counts
            return Open(period, Reason.MISSING, 0, 0) if missing else None
        if not charged and period > due:
            return None
        codes = self._codes(period)
        reason = (
            Reason.PRESCRIBED
            if Code.PRESCRIBED in codes
            else Reason.UNCHARGED
            if not charged or codes & _NOT_CHARGED
            else Reason.UNCORRECTED
        )
        return Open(period, reason, declared.pay, pay, min(codes, default=None))

    def _codes(self, period: Period) -> set[Code]:
        """What a charge of the month waits for."""
        return {
            hold.code
            for hold in self.holds
            if hold.insured in ("", self.insured)
            and (
                hold.period == period or (hold.code is Code.CLASSIFICATION and hold.period.year == self.year)
            )
            and hold.code is not Code.INCAPACITY
        }


_NOTHING = DeclaredMonth(0, 0, counts=False, held=False)


def due_by(day: date) -> Period:
    """The last wage month that must have been charged by a day."""
    month = Period(day.year, day.month)
    return month.plus(-int(law().number("collection.statement_lag_months", month).value))


def spans_of(affiliations: Iterable[Affiliation], year: int) -> tuple[Span, ...]:
    """The days of a year on which an insured is affiliated, as spans."""
    first, last = date(year, 1, 1), date(year, 12, 31)
    return joined(
        Span(max(one.entry, first), min(one.exit or last, last))
        for one in affiliations
        if one.overlaps(first, last)
    )


def joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The same days as the fewest spans, in order."""
    found: list[Span] = []
    for span in sorted(spans):
        if found and span.first <= found[-1].last + _DAY:
            found[-1] = Span(found[-1].first, max(found[-1].last, span.last))
        else:
            found.append(span)
    return tuple(found)


def days_of(spans: Iterable[Span]) -> int:
    """How many days there are in spans that share none."""
    return sum((span.last - span.first).days + 1 for span in spans)


def months_of(spans: Iterable[Span]) -> set[Period]:
    """The months that share a day with a span."""
    return {
        Period(span.first.year, month)
        for span in spans
        for month in range(span.first.month, span.last.month + 1)
    }


def annual_statement(
    workers: Sequence[WorkerYear], names: tuple[str | None, str | None], now: Received
) -> AnnualStatement | None:
    """What is stated to an insured; None when there was neither an affiliation nor a charge in the year.

    Args:
        workers: one for each employer, at least one, all of one insured and year.
        names: surname and first name.
    """
    due = due_by(now.day)
    stated = [
        one.stated(due) for one in sorted(workers, key=lambda one: one.employer) if one.insured_or_charged
    ]
    if not stated:
        return None
    surname, first_name = names
    return AnnualStatement(workers[0].insured, workers[0].year, now.day, surname, first_name, tuple(stated))
