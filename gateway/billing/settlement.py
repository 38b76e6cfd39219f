"""The statement of one employer and month, from what changed on its account."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache

from gateway.billing.charges import Change, Charge, RecordKey
from gateway.billing.lines import LineSums, sums
from gateway.billing.statement import (
    AccountStatement,
    Booking,
    Calculation,
    Cause,
    CorrectedMonth,
    Declared,
    InstitutionShare,
    InsuredResult,
    Invoice,
    Movement,
    Payee,
    PolicyNote,
    Recalculation,
    RefundChange,
    RefundedMonth,
    Terms,
    branch_sums,
    printed_number,
)
from gateway.contributions import Classification, Policy, Rate, schedule_of
from gateway.ledger.entries import Entry, EntryKind, contributions, correction, mutuality_refund
from gateway.moments import Period, Received
from gateway.parameters import Branch, law

DeclaredOf = Callable[[Sequence[RecordKey]], tuple[Declared, ...]]
"""Names the deposits of records."""

_MOVEMENTS = {
    EntryKind.PAYMENT: Movement.PAYMENT,
    EntryKind.ASSIGNED_PAYMENT: Movement.PAYMENT,
    EntryKind.DIRECT_DEBIT: Movement.DIRECT_DEBIT,
    EntryKind.RETURNED_DEBIT: Movement.RETURNED_DEBIT,
    EntryKind.CREDIT_PAID: Movement.CREDIT_PAID,
    EntryKind.INTEREST: Movement.INTEREST,
    EntryKind.INTEREST_WAIVER: Movement.INTEREST_WAIVED,
    EntryKind.FINE: Movement.FINE,
    EntryKind.DISCHARGE: Movement.FINE_DISCHARGED,
    EntryKind.CHAMBER_FEE: Movement.FEE,
}


@dataclass(frozen=True, slots=True)
class Occasion:
    """Of whose account a statement is made, for which month and when.

    Attributes:
        number: of the statement, in the order of all of them.
        employer: matricule.
        name: the employer's registered name.
        classification: how it is classed in the year of the period.
        period: the wage month charged.
        at: moment of issue; the law counts as known on its day.
        policy: the named choices.
    """

    number: int
    employer: str
    name: str
    classification: Classification
    period: Period
    at: Received
    policy: Policy

    @property
    def text(self) -> str:
        """The number of the statement as it is printed."""
        return printed_number(self.period, self.number)

    @property
    def computed_in(self) -> Period:
        return Period.of(self.at)

    @property
    def due(self) -> date:
        """The last day of payment."""
        return last_day_to_pay(self.at)


def last_day_to_pay(issued: Received) -> date:
    """The last day of payment of what is issued at a moment (CSS art. 428)."""
    days = law().number("collection.payment_days_after_issue", Period.of(issued)).value
    return issued.day + timedelta(days=int(days))


@dataclass(frozen=True, slots=True)
class Account:
    """What is on an employer's account beside what a statement charges.

    Attributes:
        previous_balance: of the statement before, in cents.
        entries: booked since, in their order.
        payee: to whom is paid.
        terms: how a balance that is owed is settled.
        deferred: cents that a payment plan leaves for later than the last day to pay; None without a plan.
    """

    previous_balance: int
    entries: Sequence[Entry]
    payee: Payee
    terms: Terms = Terms.TRANSFER
    deferred: int | None = None


def calculate(
    occasion: Occasion,
    changes: Sequence[Change],
    refunds: Sequence[RefundChange],
    declared: DeclaredOf,
) -> Calculation:
    """The detail of a statement: charges of its month, corrections of earlier ones, refunds."""
    first = [one for one in changes if one.key.period == occasion.period and one.before is None]
    corrections = [one for one in changes if one.key.period != occasion.period or one.before is not None]
    return Calculation(
        employer=occasion.employer,
        period=occasion.period,
        statement=occasion.text,
        computed_in=occasion.computed_in,
        insured=tuple(result_of(one.after, declared) for one in first if one.after is not None),
        corrections=tuple(_recalculation(one, declared) for one in corrections),
        refunds=tuple(refunds),
    )


def result_of(charge: Charge, declared: DeclaredOf) -> InsuredResult:
    """A charge as it is told."""
    return InsuredResult(
        insured=charge.key.insured,
        group=charge.key.group,
        hours=int(charge.basis.pay.hours),
        pay=charge.basis.pay.total,
        lines=charge.lines,
        declared=declared(charge.basis.records),
    )


def _recalculation(change: Change, declared: DeclaredOf) -> Recalculation:
    before, after = change.before, change.after
    newest = after or before
    assert newest is not None
    return Recalculation(
        period=change.key.period,
        insured=change.key.insured,
        version=newest.version,
        causes=change.causes,
        reversal=None if before is None else _reversal(before, declared),
        result=None if after is None else result_of(after, declared),
    )


def _reversal(charge: Charge, declared: DeclaredOf) -> InsuredResult:
    taken_back = result_of(charge, declared).reversed()
    formula = f"reversal of version {charge.version}"
    return replace(taken_back, lines=tuple(line._replace(formula=formula) for line in taken_back.lines))


def state(occasion: Occasion, calculation: Calculation, account: Account) -> AccountStatement:
    """The statement itself."""
    owed = _owed(occasion.period, occasion.at.day, occasion.classification)
    statement = AccountStatement(
        number=occasion.text,
        employer=occasion.employer,
        name=occasion.name,
        period=occasion.period,
        issued=occasion.at.day,
        due=occasion.due,
        previous_balance=account.previous_balance,
        bookings=tuple(_bookings(account.entries)),
        branches=branch_sums(calculation.sums, [rate.branch for rate in owed]),
        corrections=tuple(_corrected(calculation.corrections)),
        refunds=tuple(_refunded(calculation.refunds)),
        distribution=_distribution(calculation, occasion),
        policy=PolicyNote(law().version, occasion.at.day, occasion.policy.name),
        payee=account.payee,
        terms=account.terms,
    )
    if account.deferred is not None:
        statement = replace(statement, instalment=max(0, statement.balance - account.deferred))
    if statement.payable == 0:
        return replace(statement, terms=Terms.CREDIT)
    return statement


def invoice(
    occasion: Occasion,
    changes: Sequence[Change],
    refunds: Sequence[RefundChange],
    account: Account,
    declared: DeclaredOf,
) -> Invoice:
    """A statement with the detail behind it."""
    calculation = calculate(occasion, changes, refunds, declared)
    return Invoice(calculation, state(occasion, calculation, account))


def entries_of(occasion: Occasion, calculation: Calculation) -> list[Entry]:
    """What a statement books on the employer's account: charges, corrections and refunds, month by month."""
    employer, found = occasion.employer, []

    def book(kind: Callable[..., Entry], period: Period, due: LineSums) -> None:
        if shares := _by_institution(due):
            found.append(
                kind(
                    employer,
                    statement=occasion.number,
                    issued=occasion.at.day,
                    due=occasion.due,
                    period=period,
                    by_institution=shares,
                    booked=occasion.at,
                )
            )

    book(contributions, occasion.period, calculation.sums)
    corrected: defaultdict[Period, list[InsuredResult]] = defaultdict(list)
    for one in calculation.corrections:
        corrected[one.period] += one.results
    for period in sorted(corrected):
        book(correction, period, sums(result.lines for result in corrected[period]))
    for month in _refunded(calculation.refunds):
        if month.amount:
            found.append(
                mutuality_refund(
                    employer,
                    day=occasion.at.day,
                    period=month.period,
                    amount=month.amount,
                    booked=occasion.at,
                    statement=occasion.number,
                    due=occasion.due,
                )
            )
    return found


@lru_cache(maxsize=1024)
def _owed(period: Period, known: date, employer: Classification) -> tuple[Rate, ...]:
    """The rates of all branches that employers of a class may owe."""
    return schedule_of(period, known).rates_for(employer)


def _bookings(entries: Iterable[Entry]) -> Iterable[Booking]:
    for entry in sorted(entries, key=lambda entry: (entry.day, entry.number or 0)):
        kind = _MOVEMENTS.get(entry.kind, Movement.ADJUSTMENT)
        yield Booking(entry.day, kind, entry.amount, entry.reference or str(entry.period or ""))


def _corrected(corrections: Iterable[Recalculation]) -> Iterable[CorrectedMonth]:
    by_month: defaultdict[Period, list[Recalculation]] = defaultdict(list)
    for one in corrections:
        by_month[one.period].append(one)
    for period, found in sorted(by_month.items()):
        results = (result.lines for one in found for result in one.results)
        by_branch = branch_sums(sums(results), Branch)
        yield CorrectedMonth(
            period=period,
            insured=len({one.insured for one in found}),
            causes=tuple(cause for cause in Cause if any(cause in one.causes for one in found)),
            branches=tuple(each for each in by_branch if each.base or each.total),
        )


def _refunded(refunds: Iterable[RefundChange]) -> Iterable[RefundedMonth]:
    by_month: defaultdict[Period, list[RefundChange]] = defaultdict(list)
    for one in refunds:
        by_month[one.period].append(one)
    for period, found in sorted(by_month.items()):
        yield RefundedMonth(period, len({one.insured for one in found}), sum(one.total for one in found))


def _by_institution(due: LineSums) -> Mapping[str, int]:
    """What each institution receives of sums of lines, in cents; those with nothing are absent."""
    shares: defaultdict[str, int] = defaultdict(int)
    for (_, institution), each in due.items():
        shares[institution] += each.total
    return {institution: amount for institution, amount in shares.items() if amount}


def _distribution(calculation: Calculation, occasion: Occasion) -> tuple[InstitutionShare, ...]:
    """What each institution receives of a statement, those that get nothing this time too."""
    rates = _owed(occasion.period, occasion.at.day, occasion.classification)
    shares = dict.fromkeys((rate.institution for rate in rates), 0)
    corrected = sums(result.lines for one in calculation.corrections for result in one.results)
    for due in (calculation.sums, corrected):
        for institution, amount in _by_institution(due).items():
            shares[institution] = shares.get(institution, 0) + amount
    return tuple(InstitutionShare(institution, amount) for institution, amount in shares.items())
