"""What an employer is charged for a month: per insured (CALCUL) and in all (EXTCPT).

All totals are sums of the lines below them, so that they agree to the cent by construction:
lines of an insured → sums of a branch → sums of an institution → the statement.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from gateway.moments import Period
from gateway.parameters import Branch


@dataclass(frozen=True, slots=True)
class ChargedLine:
    """One branch of one insured, as charged. Amounts in cents.

    Attributes:
        base: contribution base, rounded half-up to cents for print; the shares were computed
            from the exact base.
        rate: rate of each side that pays, as a fraction (0.028 is 2.80 %).
        employee, employer: the two shares.
        institution: who receives both shares.
        source: which dated parameters decided the line, at most 200 characters.
    """

    branch: Branch
    base: int
    rate: Decimal
    employee: int
    employer: int
    institution: str
    source: str

    @property
    def total(self) -> int:
        return self.employee + self.employer


@dataclass(frozen=True, slots=True)
class InsuredResult:
    """What is due for one insured in one month. Amounts in cents.

    An insured has two results in the month in which a pupil's contract and an ordinary one meet.

    Attributes:
        insured: matricule.
        hours: hours of all wage records of the month, worked and inactive.
        pay: sum of all elements declared.
        lines: in the order of `Branch`.
    """

    insured: str
    hours: int
    pay: int
    lines: tuple[ChargedLine, ...]

    @property
    def employee_total(self) -> int:
        return sum(line.employee for line in self.lines)

    @property
    def employer_total(self) -> int:
        return sum(line.employer for line in self.lines)

    @property
    def total(self) -> int:
        return self.employee_total + self.employer_total


@dataclass(frozen=True, slots=True)
class Calculation:
    """The monthly detail behind a statement, per insured: the content of CALCUL.

    Attributes:
        employer: matricule.
        period: the wage month (*période de référence*).
        statement: number of the account statement that charges it.
        computed_in: month in which it was computed.
        insured: in the order of their matricules.
    """

    employer: str
    period: Period
    statement: str
    computed_in: Period
    insured: tuple[InsuredResult, ...]

    @property
    def employee_total(self) -> int:
        return sum(result.employee_total for result in self.insured)

    @property
    def employer_total(self) -> int:
        return sum(result.employer_total for result in self.insured)

    @property
    def total(self) -> int:
        return self.employee_total + self.employer_total


@dataclass(frozen=True, slots=True)
class BranchSum:
    """One branch over all insured of an employer. Amounts in cents."""

    branch: Branch
    base: int
    employee: int
    employer: int

    @property
    def total(self) -> int:
        return self.employee + self.employer


@dataclass(frozen=True, slots=True)
class InstitutionShare:
    """What one institution receives of a statement's contributions, in cents."""

    institution: str
    amount: int


class Direction(StrEnum):
    """Who owes the balance of a statement."""

    DEBIT = "DEBIT"
    """The employer owes it (also written for a balance of zero)."""
    CREDIT = "CREDIT"
    """It is in the employer's favour."""


@dataclass(frozen=True, slots=True)
class PolicyNote:
    """With which parameters and which named choices a statement was computed.

    Attributes:
        parameters: version of the parameter files.
        rounding: value of `gateway.contributions.Rounding`.
        ceiling: value of `gateway.contributions.Ceiling`.
    """

    parameters: str
    rounding: str
    ceiling: str


@dataclass(frozen=True, slots=True)
class AccountStatement:
    """The monthly account statement of an employer (*extrait de compte*): the content of EXTCPT.

    Attributes:
        number: number of the statement.
        employer: matricule.
        name: the employer's registered name.
        period: the wage month charged.
        issued: day of issue.
        due: last day of payment, ten days after the issue (CSS art. 428).
        previous_balance: carried over, in cents; positive when the employer owes it.
        branches: every branch, also those without a charge, in the order of `Branch`.
        distribution: every institution that receives something or nothing of these branches.
        policy: with what it was computed.
    """

    number: str
    employer: str
    name: str
    period: Period
    issued: date
    due: date
    previous_balance: int
    branches: tuple[BranchSum, ...]
    distribution: tuple[InstitutionShare, ...]
    policy: PolicyNote

    @property
    def employee_total(self) -> int:
        return sum(branch.employee for branch in self.branches)

    @property
    def employer_total(self) -> int:
        return sum(branch.employer for branch in self.branches)

    @property
    def contributions(self) -> int:
        """All contributions of the month: both shares, for which the employer answers."""
        return self.employee_total + self.employer_total

    @property
    def balance(self) -> int:
        """The previous balance and the contributions, in cents; negative when in credit."""
        return self.previous_balance + self.contributions

    @property
    def direction(self) -> Direction:
        return Direction.CREDIT if self.balance < 0 else Direction.DEBIT


@dataclass(frozen=True, slots=True)
class Invoice:
    """A statement and the calculation behind it; their totals are equal."""

    calculation: Calculation
    statement: AccountStatement
