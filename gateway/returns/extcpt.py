"""EXTCPT: the monthly account statement of an employer (*extrait de compte*), which is the invoice.

It carries the account on, from the balance of the statement before to the new one:

    balance = previous balance + movements + contributions + corrections − refunds

Movements are payments, interest and the like; contributions are those of the wage month, branch by branch;
corrections are the differences of earlier months charged anew; refunds are those of the Mutualité des
employeurs. Every sum is written beside what it is the sum of. Then it tells how the balance is settled and to
whom it is paid, what each institution receives, and with which parameters and named choices it was computed.
CALCUL has the detail for each insured.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from lxml import etree

from gateway import wire
from gateway.billing import (
    AccountStatement,
    Booking,
    BranchSum,
    Cause,
    CorrectedMonth,
    InstitutionShare,
    Movement,
    Payee,
    PolicyNote,
    RefundedMonth,
    Terms,
)
from gateway.moments import Period
from gateway.money import cents_of, euro, euros
from gateway.parameters import Branch

CODE = "EXTCPT"


@dataclass(frozen=True, slots=True)
class StatementReturn:
    """The statement of one employer and month, and to whom it goes."""

    header: wire.AnswerHeader
    statement: AccountStatement


def write(document: StatementReturn) -> etree._Element:
    """The statement as XML, unsigned."""
    return wire.tree(canonical(document))


def canonical(document: StatementReturn) -> bytes:
    """The same in exclusive canonical form, ready for a seal."""
    return wire.canonical(CODE, document.header, _statement(document.statement))


def _statement(statement: AccountStatement) -> Iterator[str]:
    yield wire.written(
        (
            ("Statement", statement.number),
            ("Employer", statement.employer),
            ("Name", statement.name),
            ("Period", str(statement.period)),
            ("Issued", statement.issued.isoformat()),
            ("Due", statement.due.isoformat()),
            ("PreviousBalance", euro(statement.previous_balance)),
        )
    )
    yield from map(_booking, statement.bookings)
    yield wire.written(_booked(statement))
    yield from map(_branch, statement.branches)
    yield wire.written(_contributions(statement))
    yield from map(_correction, statement.corrections)
    yield wire.written(_charged(statement))
    yield from map(_refund, statement.refunds)
    yield wire.written(_balance(statement))
    yield _payment(statement)
    for share in statement.distribution:
        institution = wire.quoted(share.institution)
        yield (
            f"<Distribution><Institution>{institution}</Institution><Amount>{euro(share.amount)}</Amount>"
            "</Distribution>"
        )
    policy = (
        ("Parameters", statement.policy.parameters),
        ("Known", statement.policy.known.isoformat()),
        ("Name", statement.policy.name),
    )
    yield f"<Policy>{wire.written(policy)}</Policy>"


def _booking(booking: Booking) -> str:
    told = (
        ("Day", booking.day.isoformat()),
        ("Kind", booking.kind),
        ("Amount", euro(booking.amount)),
        ("Reference", booking.reference or None),
    )
    return f"<Booking>{wire.written(told)}</Booking>"


def _branch(branch: BranchSum) -> str:
    base, employee, employer, total = euros((branch.base, branch.employee, branch.employer, branch.total))
    return (
        f"<Branch><Branch>{branch.branch.value}</Branch><Base>{base}</Base><Employee>{employee}</Employee>"
        f"<Employer>{employer}</Employer><Total>{total}</Total></Branch>"
    )


def _correction(month: CorrectedMonth) -> str:
    told = wire.written(
        (
            ("Period", str(month.period)),
            ("Insured", month.insured),
            *(("Cause", cause) for cause in month.causes),
        )
    )
    branches = "".join(map(_branch, month.branches))
    return f"<Correction>{told}{branches}{wire.written(_corrected(month))}</Correction>"


def _refund(month: RefundedMonth) -> str:
    told = (
        ("Period", str(month.period)),
        ("Insured", month.insured),
        ("Amount", euro(month.amount)),
    )
    return f"<Refund>{wire.written(told)}</Refund>"


def _payment(statement: AccountStatement) -> str:
    instalment, payee = statement.instalment, statement.payee
    terms = wire.written(
        (
            ("Terms", statement.terms),
            ("Instalment", None if instalment is None else euro(instalment)),
            *_payable(statement),
        )
    )
    paid = wire.written((("Name", payee.name), ("IBAN", payee.iban), ("BIC", payee.bic)))
    return f"<Payment>{terms}<Payee>{paid}</Payee>{wire.written(_quoted(statement))}</Payment>"


# Everything that can be computed from the rest, as it is written and as it must read.


def _booked(statement: AccountStatement) -> tuple[tuple[str, str], ...]:
    return (("Booked", euro(statement.booked)),)


def _sums(branch: BranchSum) -> tuple[tuple[str, str], ...]:
    return (
        ("Base", euro(branch.base)),
        ("Employee", euro(branch.employee)),
        ("Employer", euro(branch.employer)),
        ("Total", euro(branch.total)),
    )


def _contributions(statement: AccountStatement) -> tuple[tuple[str, str], ...]:
    return (
        ("EmployeeTotal", euro(statement.employee_total)),
        ("EmployerTotal", euro(statement.employer_total)),
        ("Contributions", euro(statement.contributions)),
    )


def _corrected(month: CorrectedMonth) -> tuple[tuple[str, str], ...]:
    return (
        ("EmployeeTotal", euro(month.employee_total)),
        ("EmployerTotal", euro(month.employer_total)),
        ("Total", euro(month.total)),
    )


def _charged(statement: AccountStatement) -> tuple[tuple[str, str], ...]:
    return (("Corrected", euro(statement.corrected)), ("Charged", euro(statement.charged)))


def _balance(statement: AccountStatement) -> tuple[tuple[str, str], ...]:
    return (
        ("Refunded", euro(statement.refunded)),
        ("Balance", euro(statement.balance)),
        ("Direction", statement.direction),
    )


def _payable(statement: AccountStatement) -> tuple[tuple[str, str], ...]:
    return (("Payable", euro(statement.payable)),)


def _quoted(statement: AccountStatement) -> tuple[tuple[str, str], ...]:
    return (("Reference", statement.employer),)


def read(root: etree._Element) -> StatementReturn:
    """The statement in a verified document.

    Raises:
        ValueError: when it is no EXTCPT, or a sum is not that of what it counts.
    """
    wire.expect(root, CODE)
    payment = wire.child(root, "Payment")
    instalment = wire.optional(payment, "Instalment")
    statement = AccountStatement(
        number=wire.text(root, "Statement"),
        employer=wire.text(root, "Employer"),
        name=wire.text(root, "Name"),
        period=Period.parse(wire.text(root, "Period")),
        issued=date.fromisoformat(wire.text(root, "Issued")),
        due=date.fromisoformat(wire.text(root, "Due")),
        previous_balance=cents_of(wire.text(root, "PreviousBalance")),
        bookings=tuple(_read_booking(part) for part in wire.children(root, "Booking")),
        branches=_read_branches(root),
        corrections=tuple(_read_correction(part) for part in wire.children(root, "Correction")),
        refunds=tuple(_read_refund(part) for part in wire.children(root, "Refund")),
        distribution=tuple(_read_share(part) for part in wire.children(root, "Distribution")),
        policy=_read_policy(wire.child(root, "Policy")),
        payee=_read_payee(wire.child(payment, "Payee")),
        terms=Terms(wire.text(payment, "Terms")),
        instalment=None if instalment is None else cents_of(instalment),
    )
    wire.agree(root, _booked(statement))
    wire.agree(root, _contributions(statement))
    wire.agree(root, _charged(statement))
    wire.agree(root, _balance(statement))
    wire.agree(payment, (*_payable(statement), *_quoted(statement)))
    _make_sure_of_distribution(statement)
    return StatementReturn(wire.read_answer_header(root), statement)


def _make_sure_of_distribution(statement: AccountStatement) -> None:
    received = sum(share.amount for share in statement.distribution)
    if received != statement.charged:
        raise ValueError(f"{euro(received)} is distributed of {euro(statement.charged)} that is charged")


def _read_booking(part: etree._Element) -> Booking:
    return Booking(
        day=date.fromisoformat(wire.text(part, "Day")),
        kind=Movement(wire.text(part, "Kind")),
        amount=cents_of(wire.text(part, "Amount")),
        reference=wire.optional(part, "Reference") or "",
    )


def _read_branches(parent: etree._Element) -> tuple[BranchSum, ...]:
    return tuple(_read_branch(part) for part in wire.children(parent, "Branch"))


def _read_branch(part: etree._Element) -> BranchSum:
    branch = BranchSum(
        branch=Branch(wire.text(part, "Branch")),
        base=cents_of(wire.text(part, "Base")),
        employee=cents_of(wire.text(part, "Employee")),
        employer=cents_of(wire.text(part, "Employer")),
    )
    wire.agree(part, _sums(branch))
    return branch


def _read_correction(part: etree._Element) -> CorrectedMonth:
    month = CorrectedMonth(
        period=Period.parse(wire.text(part, "Period")),
        insured=int(wire.text(part, "Insured")),
        causes=tuple(Cause(wire.value(cause)) for cause in wire.children(part, "Cause")),
        branches=_read_branches(part),
    )
    wire.agree(part, _corrected(month))
    return month


def _read_refund(part: etree._Element) -> RefundedMonth:
    return RefundedMonth(
        period=Period.parse(wire.text(part, "Period")),
        insured=int(wire.text(part, "Insured")),
        amount=cents_of(wire.text(part, "Amount")),
    )


def _read_share(part: etree._Element) -> InstitutionShare:
    return InstitutionShare(wire.text(part, "Institution"), cents_of(wire.text(part, "Amount")))


def _read_payee(part: etree._Element) -> Payee:
    return Payee(wire.text(part, "Name"), wire.text(part, "IBAN"), wire.text(part, "BIC"))


def _read_policy(part: etree._Element) -> PolicyNote:
    return PolicyNote(
        parameters=wire.text(part, "Parameters"),
        known=date.fromisoformat(wire.text(part, "Known")),
        name=wire.text(part, "Name"),
    )
