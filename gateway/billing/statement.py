"""What an employer is charged for a month: per insured (CALCUL) and in all (EXTCPT).

All totals are sums of the lines below them, so that they agree to the cent by construction:
lines of an insured → sums of a branch → sums of an institution → the statement. On an employer's
account an amount is positive when the employer owes it and negative when it is in its favour.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from gateway.billing.lines import ChargedLine, LineSums, Sums, sums
from gateway.moments import Period
from gateway.parameters import Branch

if TYPE_CHECKING:
    from gateway.contributions import Group
    from gateway.mutuality import Refund


class Declared(NamedTuple):
    """The record that a charge or a refund comes from.

    Attributes:
        deposit: id of the deposit.
        digest: SHA-256 of its bytes, hexadecimal.
        record: place in the batch.
    """

    deposit: str
    digest: str
    record: int


@dataclass(frozen=True, slots=True)
class InsuredResult:
    """What is due for one insured in one month. Amounts in cents.

    An insured has two results in a month in which two kinds of affiliation meet, such as that of a pupil and
    an ordinary one.

    Attributes:
        insured: matricule.
        group: how the person is insured.
        hours: hours of all wage records of the month, worked and inactive.
        pay: sum of all elements declared.
        lines: in the order of `Branch`.
        declared: the records it comes from.
    """

    insured: str
    group: Group
    hours: int
    pay: int
    lines: Sequence[ChargedLine]
    declared: tuple[Declared, ...] = ()

    @property
    def employee_total(self) -> int:
        return sum(line.employee for line in self.lines)

    @property
    def employer_total(self) -> int:
        return sum(line.employer for line in self.lines)

    @property
    def total(self) -> int:
        return self.employee_total + self.employer_total

    def reversed(self) -> InsuredResult:
        """Its exact opposite (*extourne*)."""
        lines = tuple(line.reversed() for line in self.lines)
        return replace(self, hours=-self.hours, pay=-self.pay, lines=lines)


class Cause(StrEnum):
    """Why an earlier month is charged anew."""

    LATE = "late"
    """Its wage came after the statement of its month."""
    WAGE = "wage"
    """Its wage was declared anew, or another one for the same month came."""
    AFFILIATION = "affiliation"
    """An entry, an exit or the kind of contract was declared late or changed."""
    CLASSIFICATION = "classification"
    """The class of the MDE or the accident factor of the year was changed."""
    PARAMETERS = "parameters"
    """The law of that month is known otherwise than it was."""
    CEILING = "ceiling"
    """An earlier month of the year was charged anew, which leaves more or less below the ceiling."""
    INCAPACITY = "incapacity"
    """An incapacity was declared late or cancelled."""
    MATRICULE = "matricule"
    """The national register gave the insured another number: charged under that one."""


@dataclass(frozen=True, slots=True)
class Recalculation:
    """An earlier month of one insured charged anew: the former result reversed, and the new one.

    Attributes:
        period: the wage month.
        insured: matricule.
        version: number of the new result, or of the reversal when nothing takes its place; from 1 on.
        causes: why, in the order of `Cause`.
        reversal: the opposite of what was charged; None when nothing was.
        result: what is charged now; None when nothing is due any more.
    """

    period: Period
    insured: str
    version: int
    causes: tuple[Cause, ...]
    reversal: InsuredResult | None
    result: InsuredResult | None

    @property
    def results(self) -> tuple[InsuredResult, ...]:
        """The reversal and the new result, as far as there are."""
        return tuple(result for result in (self.reversal, self.result) if result is not None)

    @property
    def total(self) -> int:
        """By how much the employer owes more, in cents."""
        return sum(result.total for result in self.results)


@dataclass(frozen=True, slots=True)
class RefundChange:
    """A refund of the Mutualité des employeurs for one insured and month, first granted or granted anew.

    Attributes:
        period: the month of the incapacity.
        insured: matricule.
        version: number of the new refund, or of the reversal when nothing takes its place; from 1 on.
        causes: why it was granted anew; none the first time.
        reversal: the opposite of what was granted; None when nothing was.
        result: what is granted now; None when nothing is any more.
    """

    period: Period
    insured: str
    version: int
    causes: tuple[Cause, ...]
    reversal: Refund | None
    result: Refund | None

    @property
    def total(self) -> int:
        """What the employer gets more than before, in cents; negative when it gives back."""
        return sum(refund.total for refund in (self.reversal, self.result) if refund is not None)


@dataclass(frozen=True)
class Calculation:
    """The monthly detail behind a statement, per insured: the content of CALCUL.

    Attributes:
        employer: matricule.
        period: the wage month (*période de référence*).
        statement: number of the account statement that charges it.
        computed_in: month in which it was computed.
        insured: in the order of their matricules.
        corrections: earlier months charged anew, in the order of months and matricules.
        refunds: of the Mutualité des employeurs, in the same order.
    """

    employer: str
    period: Period
    statement: str
    computed_in: Period
    insured: tuple[InsuredResult, ...]
    corrections: tuple[Recalculation, ...] = ()
    refunds: tuple[RefundChange, ...] = ()

    @cached_property
    def sums(self) -> LineSums:
        """What is due for all insured of the month together, by branch and institution."""
        return sums(result.lines for result in self.insured)

    @cached_property
    def employee_total(self) -> int:
        return sum(each.employee for each in self.sums.values())

    @cached_property
    def employer_total(self) -> int:
        return sum(each.employer for each in self.sums.values())

    @property
    def total(self) -> int:
        return self.employee_total + self.employer_total

    @cached_property
    def corrected(self) -> int:
        """All corrections together, in cents."""
        return sum(correction.total for correction in self.corrections)

    @cached_property
    def refunded(self) -> int:
        """All refunds together, in cents: what the employer gets."""
        return sum(refund.total for refund in self.refunds)


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


def branch_sums(found: LineSums, branches: Iterable[Branch]) -> tuple[BranchSum, ...]:
    """Sums of lines by branch, whoever receives them, in the order of the branches given, those without any
    too."""
    by_branch: defaultdict[Branch, list[Sums]] = defaultdict(list)
    for (branch, _), each in found.items():
        by_branch[branch].append(each)
    return tuple(
        BranchSum(
            branch,
            base=sum(each.base for each in by_branch[branch]),
            employee=sum(each.employee for each in by_branch[branch]),
            employer=sum(each.employer for each in by_branch[branch]),
        )
        for branch in branches
    )


class Movement(StrEnum):
    """What moved an employer's account since the statement before, beside charges and refunds of the MDE."""

    PAYMENT = "payment"
    DIRECT_DEBIT = "direct-debit"
    RETURNED_DEBIT = "returned-debit"
    """A direct debit that the bank gave back."""
    CREDIT_PAID = "credit-paid"
    """A credit balance paid out on request."""
    INTEREST = "interest"
    INTEREST_WAIVED = "interest-waived"
    FINE = "fine"
    FINE_DISCHARGED = "fine-discharged"
    FEE = "fee"
    """Contribution to the Chambre des salariés."""
    ADJUSTMENT = "adjustment"
    """What the operator booked by hand, such as the outcome of a dispute."""


@dataclass(frozen=True, slots=True)
class Booking:
    """One movement of an employer's account.

    Attributes:
        day: on which it counts.
        kind: what it is.
        amount: in cents; positive when the employer owes more by it.
        reference: by which it can be found, at most 140 characters.
    """

    day: date
    kind: Movement
    amount: int
    reference: str


@dataclass(frozen=True, slots=True)
class CorrectedMonth:
    """All corrections of one earlier month of an employer.

    Attributes:
        period: the wage month.
        insured: how many are charged anew.
        causes: all causes, in the order of `Cause`.
        branches: the differences, branch by branch.
    """

    period: Period
    insured: int
    causes: tuple[Cause, ...]
    branches: tuple[BranchSum, ...]

    @property
    def employee_total(self) -> int:
        return sum(branch.employee for branch in self.branches)

    @property
    def employer_total(self) -> int:
        return sum(branch.employer for branch in self.branches)

    @property
    def total(self) -> int:
        return self.employee_total + self.employer_total


@dataclass(frozen=True, slots=True)
class RefundedMonth:
    """The refunds of the Mutualité des employeurs for one month, in cents: what the employer gets."""

    period: Period
    insured: int
    amount: int


@dataclass(frozen=True, slots=True)
class InstitutionShare:
    """What one institution receives of a statement's contributions and corrections, in cents."""

    institution: str
    amount: int


def printed_number(period: Period, number: int) -> str:
    """The number of a statement as it is printed and quoted: the wage month, a hyphen, seven digits."""
    return f"{period.year:04d}{period.month:02d}-{number:07d}"


class Direction(StrEnum):
    """Who owes the balance of a statement."""

    DEBIT = "DEBIT"
    """The employer owes it (also written for a balance of zero)."""
    CREDIT = "CREDIT"
    """It is in the employer's favour."""


class Terms(StrEnum):
    """How the balance is settled (the cases of the operator's statement)."""

    TRANSFER = "transfer"
    """The employer transfers it, quoting its matricule."""
    DIRECT_DEBIT = "direct-debit"
    """It is collected from the account the employer named."""
    CREDIT = "credit"
    """Nothing is to be paid: it is carried over, or paid out on request."""
    PLAN = "plan"
    """An instalment of a payment plan is due."""


@dataclass(frozen=True, slots=True)
class Payee:
    """Whom the employer pays: the operator.

    Attributes:
        name: at most 70 characters.
        iban: without blanks.
        bic: of its bank.
    """

    name: str
    iban: str
    bic: str


@dataclass(frozen=True, slots=True)
class PolicyNote:
    """With which parameters and which named choices a statement was computed.

    Attributes:
        parameters: version of the parameter files.
        known: day on which the law was known so.
        name: value of `gateway.contributions.Policy.name`.
    """

    parameters: str
    known: date
    name: str


@dataclass(frozen=True)
class AccountStatement:
    """The monthly account statement of an employer (*extrait de compte*): the content of EXTCPT.

    Attributes:
        number: number of the statement.
        employer: matricule.
        name: the employer's registered name.
        period: the wage month charged.
        issued: day of issue.
        due: last day of payment, ten days after the issue (CSS art. 428).
        previous_balance: of the statement before, in cents; positive when the employer owes it.
        bookings: what moved the account since, in order of days.
        branches: of the wage month, every branch that the employer may owe, in the order of `Branch`.
        corrections: earlier months charged anew, in their order.
        refunds: of the Mutualité des employeurs, in the order of months.
        distribution: who receives contributions and corrections; together they are `charged`.
        policy: with what it was computed.
        payee: to whom it is paid.
        terms: how the balance is settled.
        instalment: what is to be paid by the due day under a payment plan, in cents; otherwise None.
    """

    number: str
    employer: str
    name: str
    period: Period
    issued: date
    due: date
    previous_balance: int
    bookings: tuple[Booking, ...]
    branches: tuple[BranchSum, ...]
    corrections: tuple[CorrectedMonth, ...]
    refunds: tuple[RefundedMonth, ...]
    distribution: tuple[InstitutionShare, ...]
    policy: PolicyNote
    payee: Payee
    terms: Terms
    instalment: int | None = None

    @cached_property
    def employee_total(self) -> int:
        return sum(branch.employee for branch in self.branches)

    @cached_property
    def employer_total(self) -> int:
        return sum(branch.employer for branch in self.branches)

    @property
    def contributions(self) -> int:
        """All contributions of the month: both shares, for which the employer answers."""
        return self.employee_total + self.employer_total

    @cached_property
    def corrected(self) -> int:
        """All corrections of earlier months together, in cents."""
        return sum(month.total for month in self.corrections)

    @property
    def charged(self) -> int:
        """Contributions and corrections, in cents."""
        return self.contributions + self.corrected

    @cached_property
    def refunded(self) -> int:
        """All refunds of the Mutualité des employeurs together, in cents: what the employer gets."""
        return sum(month.amount for month in self.refunds)

    @cached_property
    def booked(self) -> int:
        """All bookings together, in cents."""
        return sum(booking.amount for booking in self.bookings)

    @cached_property
    def balance(self) -> int:
        """What the employer owes after all, in cents; negative when in credit (*solde global*)."""
        return self.previous_balance + self.booked + self.charged - self.refunded

    @property
    def direction(self) -> Direction:
        return Direction.CREDIT if self.balance < 0 else Direction.DEBIT

    @property
    def payable(self) -> int:
        """What is to be paid by the due day, in cents: the balance, or the instalment of a plan."""
        return max(0, self.balance) if self.instalment is None else self.instalment


@dataclass(frozen=True, slots=True)
class Invoice:
    """A statement and the calculation behind it; their totals are equal."""

    calculation: Calculation
    statement: AccountStatement
