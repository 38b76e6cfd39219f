"""EXTCPT: the monthly account statement of an employer (*extrait de compte*), which is the invoice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from lxml import etree

from gateway import wire
from gateway.billing import AccountStatement, BranchSum, InstitutionShare, PolicyNote
from gateway.moments import Period
from gateway.money import cents_of, euro
from gateway.parameters import Branch

CODE = "EXTCPT"


@dataclass(frozen=True, slots=True)
class StatementReturn:
    """The statement of one employer and month, and to whom it goes."""

    header: wire.AnswerHeader
    statement: AccountStatement


def write(document: StatementReturn) -> etree._Element:
    """The statement as XML, unsigned."""
    root = wire.write_answer(CODE, document.header)
    statement = document.statement
    wire.fill(
        root,
        (
            ("Statement", statement.number),
            ("Employer", statement.employer),
            ("Name", statement.name),
            ("Period", str(statement.period)),
            ("Issued", statement.issued.isoformat()),
            ("Due", statement.due.isoformat()),
            ("PreviousBalance", euro(statement.previous_balance)),
        ),
    )
    for branch in statement.branches:
        wire.fill(wire.add(root, "Branch"), (("Branch", branch.branch), *_sums(branch)))
    wire.fill(root, _totals(statement))
    for share in statement.distribution:
        paid = (("Institution", share.institution), ("Amount", euro(share.amount)))
        wire.fill(wire.add(root, "Distribution"), paid)
    policy = (
        ("Parameters", statement.policy.parameters),
        ("Rounding", statement.policy.rounding),
        ("Ceiling", statement.policy.ceiling),
    )
    wire.fill(wire.add(root, "Policy"), policy)
    return root


def _sums(branch: BranchSum) -> tuple[tuple[str, str], ...]:
    return (
        ("Base", euro(branch.base)),
        ("Employee", euro(branch.employee)),
        ("Employer", euro(branch.employer)),
        ("Total", euro(branch.total)),
    )


def _totals(statement: AccountStatement) -> tuple[tuple[str, str], ...]:
    return (
        ("EmployeeTotal", euro(statement.employee_total)),
        ("EmployerTotal", euro(statement.employer_total)),
        ("Contributions", euro(statement.contributions)),
        ("Balance", euro(statement.balance)),
        ("Direction", statement.direction),
    )


def read(root: etree._Element) -> StatementReturn:
    """The statement in a verified document.

    Raises:
        ValueError: when it is no EXTCPT, or a total is not the sum of what it counts.
    """
    wire.expect(root, CODE)
    statement = AccountStatement(
        number=wire.text(root, "Statement"),
        employer=wire.text(root, "Employer"),
        name=wire.text(root, "Name"),
        period=Period.parse(wire.text(root, "Period")),
        issued=date.fromisoformat(wire.text(root, "Issued")),
        due=date.fromisoformat(wire.text(root, "Due")),
        previous_balance=cents_of(wire.text(root, "PreviousBalance")),
        branches=tuple(_read_branch(part) for part in wire.children(root, "Branch")),
        distribution=tuple(_read_share(part) for part in wire.children(root, "Distribution")),
        policy=_read_policy(wire.child(root, "Policy")),
    )
    wire.agree(root, _totals(statement))
    return StatementReturn(wire.read_answer_header(root), statement)


def _read_branch(part: etree._Element) -> BranchSum:
    branch = BranchSum(
        branch=Branch(wire.text(part, "Branch")),
        base=cents_of(wire.text(part, "Base")),
        employee=cents_of(wire.text(part, "Employee")),
        employer=cents_of(wire.text(part, "Employer")),
    )
    wire.agree(part, _sums(branch))
    return branch


def _read_share(part: etree._Element) -> InstitutionShare:
    return InstitutionShare(wire.text(part, "Institution"), cents_of(wire.text(part, "Amount")))


def _read_policy(part: etree._Element) -> PolicyNote:
    return PolicyNote(
        parameters=wire.text(part, "Parameters"),
        rounding=wire.text(part, "Rounding"),
        ceiling=wire.text(part, "Ceiling"),
    )
