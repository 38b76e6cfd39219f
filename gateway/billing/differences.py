"""What differs between an employer's own computation and what is charged, and why.

A difference is what is charged less what the employer computed: positive when more is charged. The sum of all
differences of a month is exactly the sum charged less the sum computed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from gateway.contributions import Group
from gateway.moments import Period
from gateway.parameters import Branch


class Side(StrEnum):
    """Whose share it is."""

    EMPLOYEE = "employee"
    EMPLOYER = "employer"


class Reason(StrEnum):
    """Why an own amount differs from the one charged; the words of each are in `difference_words.py`."""

    MISSING_WAGE = "missing-wage"
    """The employer computed for somebody for whom nothing is charged: no wage counts."""
    LATE_ENTRY = "late-entry"
    """The same, since the wage waits for the entry declaration or came after the statement."""
    NOT_OWN = "not-own"
    """Somebody is charged for whom the employer computed nothing."""
    CORRECTION = "correction"
    """The own amount is that of an earlier version, which was reversed since."""
    CLASS = "class"
    """Another class of the Mutualité des employeurs, or another occupational health service."""
    FACTOR = "factor"
    """Another bonus-malus factor of the accident insurance."""
    RATE = "rate"
    """The rate of another month."""
    CEILING = "ceiling"
    FLOOR = "floor"
    ALLOWANCE = "allowance"
    """Of the dependency contribution."""
    GROUP = "group"
    """The person is insured otherwise than the employer thought."""
    BASE = "base"
    """Another pay, or an element of the pay in other bases."""
    HOURS = "hours"
    ROUNDING = "rounding"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ComparedLine:
    """One share on both sides. Amounts in cents.

    Attributes:
        insured: matricule.
        group: how the person is insured; None where the employer did not say and it does not matter.
        branch: None when the employer stated totals only: then all branches together.
        side: whose share.
        own: what the employer computed.
        billed: what is charged.
        reason: why they differ; None when they do not.
        numbers: what is charged with, and behind an arrow what the own amount was computed with, as far as it
            was found out, such as `13518.68 -> 14000.00`; at most 200 characters, in no language.
    """

    insured: str
    group: Group | None
    branch: Branch | None
    side: Side
    own: int
    billed: int
    reason: Reason | None = None
    numbers: str = ""

    @property
    def difference(self) -> int:
        """By how much more is charged."""
        return self.billed - self.own


@dataclass(frozen=True, slots=True)
class ReasonSum:
    """All differences of one reason.

    Attributes:
        lines: how many.
        amount: all together, in cents.
    """

    reason: Reason
    lines: int
    amount: int


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """An own computation and what is charged, line by line.

    Attributes:
        lines: all that either side has, by insured, group, branch and side.
    """

    lines: tuple[ComparedLine, ...]

    @property
    def own(self) -> int:
        """All that the employer computed, in cents."""
        return sum(line.own for line in self.lines)

    @property
    def billed(self) -> int:
        """All that is charged, in cents."""
        return sum(line.billed for line in self.lines)

    @property
    def difference(self) -> int:
        """By how much more is charged, in cents: the sum of all differences."""
        return sum(line.difference for line in self.lines)

    @property
    def different(self) -> tuple[ComparedLine, ...]:
        """The lines that differ."""
        return tuple(line for line in self.lines if line.difference)

    @property
    def reasons(self) -> tuple[ReasonSum, ...]:
        """The differences by reason, in the order of `Reason`."""
        found = {reason: [line for line in self.lines if line.reason is reason] for reason in Reason}
        return tuple(ReasonSum(reason, len(lines), _sum(lines)) for reason, lines in found.items() if lines)


def _sum(lines: Iterable[ComparedLine]) -> int:
    return sum(line.difference for line in lines)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The own computation of one employer and month beside what is charged: the content of DIFCAL.

    Attributes:
        employer: matricule.
        period: the wage month.
        statement: number of the account statement with which it goes; None when it answers an OWNCAL at once.
    """

    employer: str
    period: Period
    statement: str | None
    reconciliation: Reconciliation
