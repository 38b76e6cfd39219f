"""CALCUL: the monthly detail behind an account statement, insured by insured.

Lets an employer retrace each amount of the statement in its own computation.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from lxml import etree

from gateway import wire
from gateway.billing import Calculation, ChargedLine, InsuredResult
from gateway.moments import Period
from gateway.money import cents_of, euro
from gateway.parameters import Branch

CODE = "CALCUL"


@dataclass(frozen=True, slots=True)
class CalculationReturn:
    """The calculation of one employer and month, and to whom it goes."""

    header: wire.AnswerHeader
    calculation: Calculation


def write(document: CalculationReturn) -> etree._Element:
    """The calculation as XML, unsigned."""
    root = wire.write_answer(CODE, document.header)
    calculation = document.calculation
    wire.fill(
        root,
        (
            ("Employer", calculation.employer),
            ("Period", str(calculation.period)),
            ("Statement", calculation.statement),
            ("ComputedIn", str(calculation.computed_in)),
        ),
    )
    for result in calculation.insured:
        _write_insured(wire.add(root, "Insured"), result)
    wire.fill(root, _totals(calculation))
    return root


def _write_insured(part: etree._Element, result: InsuredResult) -> None:
    wire.fill(
        part,
        (("Matricule", result.insured), ("Hours", result.hours), ("Pay", euro(result.pay))),
    )
    for line in result.lines:
        _write_line(wire.add(part, "Line"), line)
    wire.fill(part, _totals(result))


def _write_line(part: etree._Element, line: ChargedLine) -> None:
    wire.fill(
        part,
        (
            ("Branch", line.branch),
            ("Base", euro(line.base)),
            ("Rate", f"{line.rate:f}"),
            ("Employee", euro(line.employee)),
            ("Employer", euro(line.employer)),
            ("Institution", line.institution),
            ("Source", line.source),
        ),
    )


def _totals(of: Calculation | InsuredResult) -> tuple[tuple[str, str], ...]:
    return (
        ("EmployeeTotal", euro(of.employee_total)),
        ("EmployerTotal", euro(of.employer_total)),
        ("Total", euro(of.total)),
    )


def read(root: etree._Element) -> CalculationReturn:
    """The calculation in a verified document.

    Raises:
        ValueError: when it is no CALCUL, or a total is not the sum of its lines.
    """
    wire.expect(root, CODE)
    calculation = Calculation(
        employer=wire.text(root, "Employer"),
        period=Period.parse(wire.text(root, "Period")),
        statement=wire.text(root, "Statement"),
        computed_in=Period.parse(wire.text(root, "ComputedIn")),
        insured=tuple(_read_insured(part) for part in wire.children(root, "Insured")),
    )
    wire.agree(root, _totals(calculation))
    return CalculationReturn(wire.read_answer_header(root), calculation)


def _read_insured(part: etree._Element) -> InsuredResult:
    result = InsuredResult(
        insured=wire.text(part, "Matricule"),
        hours=int(wire.text(part, "Hours")),
        pay=cents_of(wire.text(part, "Pay")),
        lines=tuple(_read_line(line) for line in wire.children(part, "Line")),
    )
    wire.agree(part, _totals(result))
    return result


def _read_line(part: etree._Element) -> ChargedLine:
    return ChargedLine(
        branch=Branch(wire.text(part, "Branch")),
        base=cents_of(wire.text(part, "Base")),
        rate=Decimal(wire.text(part, "Rate")),
        employee=cents_of(wire.text(part, "Employee")),
        employer=cents_of(wire.text(part, "Employer")),
        institution=wire.text(part, "Institution"),
        source=wire.text(part, "Source"),
    )
