"""ANNUEL: what is stated to an insured for a calendar year (*extrait annuel*).

Written once the year is over for everybody who was affiliated or charged in it, so that what is missing can
be claimed within three months (RGD of 12 May 1975, art. 12). With each employer stand the days insured, pay
and contributions of each month as charged, after all corrections, and the months of which something is open.
An insured is no member: the document goes to the operator, who sends it, and to nobody's shelf. The layout
is our own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from lxml import etree

from gateway import wire
from gateway.billing.annual import (
    LEGAL_BASIS,
    AnnualStatement,
    ChargedMonth,
    EmployerYear,
    Open,
    Reason,
    Span,
)
from gateway.billing.holds import Code
from gateway.billing.statement import BranchSum
from gateway.contributions import Group, Pay
from gateway.moments import Period
from gateway.money import cents_of, euro
from gateway.parameters import Branch

CODE = "ANNUEL"


@dataclass(frozen=True, slots=True)
class AnnualStatementReturn:
    """The statement of one insured and year, and to whom it goes."""

    header: wire.InsuredHeader
    statement: AnnualStatement


def write(document: AnnualStatementReturn) -> etree._Element:
    """The statement as XML, unsigned."""
    root, stated = wire.write_to_insured(CODE, document.header), document.statement
    wire.fill(
        root,
        (
            ("Year", stated.year),
            ("Issued", stated.issued.isoformat()),
            ("ClaimUntil", stated.claim_until.isoformat()),
            ("LegalBasis", LEGAL_BASIS),
            ("Surname", stated.surname),
            ("FirstName", stated.first_name),
        ),
    )
    for one in stated.employers:
        _write_employer(wire.add(root, "Employer"), one)
    wire.fill(root, _sums(stated))
    return root


def _sums(stated: AnnualStatement) -> tuple[tuple[str, str], ...]:
    return (
        *_lasting(stated),
        ("Hours", str(stated.hours)),
        ("Pay", euro(stated.pay)),
        *_shares(stated),
    )


def _lasting(of: AnnualStatement | EmployerYear) -> tuple[tuple[str, str], ...]:
    return ("Days", str(of.days)), ("Months", str(of.months_insured))


def _shares(of: AnnualStatement | EmployerYear) -> tuple[tuple[str, str], ...]:
    return ("EmployeeTotal", euro(of.employee_total)), ("EmployerTotal", euro(of.employer_total))


def _write_employer(part: etree._Element, one: EmployerYear) -> None:
    wire.fill(part, (("Matricule", one.employer), ("Name", one.name)))
    for span in one.spans:
        wire.fill(
            wire.add(part, "Span"), (("First", span.first.isoformat()), ("Last", span.last.isoformat()))
        )
    wire.fill(part, _lasting(one))
    for month in one.months:
        _write_month(wire.add(part, "Month"), month)
    for left in one.open:
        wire.fill(
            wire.add(part, "Open"),
            (
                ("Period", str(left.period)),
                ("Reason", left.reason),
                ("Declared", euro(left.declared)),
                ("Charged", euro(left.charged)),
                ("Code", left.code),
            ),
        )
    wire.fill(part, (("Hours", one.hours), ("Pay", euro(one.pay))))
    for branch in one.branches:
        wire.fill(wire.add(part, "Branch"), _line(branch))
    wire.fill(part, _shares(one))


def _write_month(part: etree._Element, month: ChargedMonth) -> None:
    wire.fill(
        part,
        (
            ("Period", str(month.period)),
            ("Group", month.group),
            ("Hours", int(month.pay.hours)),
            ("BaseWage", euro(month.pay.base_wage)),
            ("Supplements", euro(month.pay.supplements)),
            ("OvertimePay", euro(month.pay.overtime_pay)),
            ("Gratuities", euro(month.pay.gratuities)),
            ("UnemploymentPay", euro(month.pay.unemployment_pay)),
        ),
    )
    for line in month.lines:
        wire.fill(wire.add(part, "Line"), _line(line))


def _line(line: BranchSum) -> tuple[tuple[str, str], ...]:
    return (
        ("Branch", line.branch),
        ("Base", euro(line.base)),
        ("Employee", euro(line.employee)),
        ("Employer", euro(line.employer)),
    )


def read(root: etree._Element) -> AnnualStatementReturn:
    """The statement in a verified document.

    Raises:
        ValueError: when it is no ANNUEL, or a sum is not that of its parts.
    """
    wire.expect(root, CODE)
    header = wire.read_insured_header(root)
    stated = AnnualStatement(
        insured=header.insured,
        year=int(wire.text(root, "Year")),
        issued=date.fromisoformat(wire.text(root, "Issued")),
        surname=wire.optional(root, "Surname"),
        first_name=wire.optional(root, "FirstName"),
        employers=tuple(map(_read_employer, wire.children(root, "Employer"))),
    )
    wire.agree(root, (("ClaimUntil", stated.claim_until.isoformat()), *_sums(stated)))
    return AnnualStatementReturn(header, stated)


def _read_employer(part: etree._Element) -> EmployerYear:
    one = EmployerYear(
        employer=wire.text(part, "Matricule"),
        name=wire.optional(part, "Name"),
        spans=tuple(
            Span(
                date.fromisoformat(wire.text(span, "First")),
                date.fromisoformat(wire.text(span, "Last")),
            )
            for span in wire.children(part, "Span")
        ),
        months=tuple(map(_read_month, wire.children(part, "Month"))),
        open=tuple(map(_read_open, wire.children(part, "Open"))),
    )
    wire.agree(part, (*_lasting(one), ("Hours", str(one.hours)), ("Pay", euro(one.pay)), *_shares(one)))
    if tuple(map(_read_line, wire.children(part, "Branch"))) != one.branches:
        raise ValueError(f"the branches of {one.employer} are not the sums of its months")
    return one


def _read_month(part: etree._Element) -> ChargedMonth:
    return ChargedMonth(
        Period.parse(wire.text(part, "Period")),
        Group(wire.text(part, "Group")),
        Pay(
            base_wage=cents_of(wire.text(part, "BaseWage")),
            supplements=cents_of(wire.text(part, "Supplements")),
            overtime_pay=cents_of(wire.text(part, "OvertimePay")),
            gratuities=cents_of(wire.text(part, "Gratuities")),
            unemployment_pay=cents_of(wire.text(part, "UnemploymentPay")),
            hours=Decimal(wire.text(part, "Hours")),
        ),
        tuple(map(_read_line, wire.children(part, "Line"))),
    )


def _read_line(part: etree._Element) -> BranchSum:
    return BranchSum(
        Branch(wire.text(part, "Branch")),
        cents_of(wire.text(part, "Base")),
        cents_of(wire.text(part, "Employee")),
        cents_of(wire.text(part, "Employer")),
    )


def _read_open(part: etree._Element) -> Open:
    code = wire.optional(part, "Code")
    return Open(
        Period.parse(wire.text(part, "Period")),
        Reason(wire.text(part, "Reason")),
        cents_of(wire.text(part, "Declared")),
        cents_of(wire.text(part, "Charged")),
        None if code is None else Code(code),
    )
