"""CALCUL: the monthly detail behind an account statement, insured by insured.

Lets an employer retrace each amount of the statement (EXTCPT) in its own computation. It has three parts:

* what is due for each insured of the wage month;
* earlier months charged anew: the former result reversed (*extourne*), the new one, and the causes;
* refunds of the Mutualité des employeurs, absence by absence, with what is not refunded and why.

Each result names the records that it comes from; each line its formula with the numbers, and the dated
parameters that decided it. Every sum is written beside what it is the sum of.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache

from lxml import etree

from gateway import wire
from gateway.billing import (
    Calculation,
    Cause,
    ChargedLine,
    Declared,
    InsuredResult,
    Recalculation,
    RefundChange,
)
from gateway.contributions import Group
from gateway.moments import Period
from gateway.money import cents_of, euro
from gateway.mutuality import Ground, LeftOut, Reason, Refund, RefundPart
from gateway.parameters import Branch
from gateway.registers import InsuredMonth

CODE = "CALCUL"

_known = lru_cache(maxsize=1024)(wire.quoted)
"""For the few texts that come with every insured of a month."""


@dataclass(frozen=True, slots=True)
class CalculationReturn:
    """The calculation of one employer and month, and to whom it goes."""

    header: wire.AnswerHeader
    calculation: Calculation


def write(document: CalculationReturn) -> etree._Element:
    """The calculation as XML, unsigned."""
    root = wire.write_answer(CODE, document.header)
    wire.graft(root, _calculation(document.calculation))
    return root


def _calculation(calculation: Calculation) -> Iterator[str]:
    yield wire.written(
        (
            ("Employer", calculation.employer),
            ("Period", str(calculation.period)),
            ("Statement", calculation.statement),
            ("ComputedIn", str(calculation.computed_in)),
        )
    )
    yield from map(_insured, calculation.insured)
    yield wire.written(_totals(calculation))
    yield from map(_correction, calculation.corrections)
    yield wire.written((("Corrected", euro(calculation.corrected)),))
    yield from map(_refund_change, calculation.refunds)
    yield wire.written((("Refunded", euro(calculation.refunded)),))


def _insured(result: InsuredResult) -> str:
    return f"<Insured><Matricule>{wire.quoted(result.insured)}</Matricule>{_result(result)}</Insured>"


def _result(result: InsuredResult) -> str:
    declared = "".join(map(_declared, result.declared))
    lines = "".join(map(_line, result.lines))
    return (
        f"<Group>{result.group}</Group><Hours>{result.hours}</Hours><Pay>{euro(result.pay)}</Pay>"
        f"{declared}{lines}{wire.written(_totals(result))}"
    )


def _declared(record: Declared) -> str:
    deposit, digest = wire.quoted(record.deposit), wire.quoted(record.digest)
    return f'<Declared deposit="{deposit}" record="{record.record}" digest="{digest}"/>'


def _line(line: ChargedLine) -> str:
    return (
        f"<Line><Branch>{line.branch}</Branch><Base>{euro(line.base)}</Base><Rate>{line.rate:f}</Rate>"
        f"<Employee>{euro(line.employee)}</Employee><Employer>{euro(line.employer)}</Employer>"
        f"<Institution>{_known(line.institution)}</Institution>{_explained(line)}</Line>"
    )


def _explained(of: ChargedLine | RefundPart) -> str:
    """By what something was decided, and how it was computed; as far as it is told."""
    source = f"<Source>{_known(of.source)}</Source>" if of.source else ""
    return f"{source}<Formula>{wire.quoted(of.formula)}</Formula>" if of.formula else source


def _totals(of: Calculation | InsuredResult) -> tuple[tuple[str, str], ...]:
    employee, employer = of.employee_total, of.employer_total
    return (
        ("EmployeeTotal", euro(employee)),
        ("EmployerTotal", euro(employer)),
        ("Total", euro(employee + employer)),
    )


def _correction(correction: Recalculation) -> str:
    reversal, result = correction.reversal, correction.result
    return (
        f"<Correction>{_change(correction)}"
        f"{'' if reversal is None else f'<Reversal>{_result(reversal)}</Reversal>'}"
        f"{'' if result is None else f'<Result>{_result(result)}</Result>'}"
        f"{wire.written(_total(correction))}</Correction>"
    )


def _refund_change(change: RefundChange) -> str:
    reversal, result = change.reversal, change.result
    return (
        f"<Refund>{_change(change)}"
        f"{'' if reversal is None else f'<Reversal>{_refund(reversal)}</Reversal>'}"
        f"{'' if result is None else f'<Result>{_refund(result)}</Result>'}"
        f"{wire.written(_total(change))}</Refund>"
    )


def _change(change: Recalculation | RefundChange) -> str:
    return wire.written(
        (
            ("Period", str(change.period)),
            ("Insured", change.insured),
            ("Version", change.version),
            *(("Cause", cause) for cause in change.causes),
        )
    )


def _refund(refund: Refund) -> str:
    chosen = (("Policy", refund.policy), ("Parameters", refund.parameters))
    parts, left_out = map(_part, refund.parts), map(_left_out, refund.left_out)
    return "".join((wire.written(chosen), *parts, *left_out, wire.written(_total(refund))))


def _part(part: RefundPart) -> str:
    measured = (
        *_absence(part),
        ("DaysCounted", part.days_counted),
        ("Ground", part.ground),
        ("Rate", f"{part.rate:f}"),
        ("PayContinued", euro(part.pay_continued)),
        ("PayRefund", euro(part.pay_refund)),
    )
    shares = ((("Branch", branch), ("Amount", euro(cents))) for branch, cents in part.shares.items())
    judged = (
        ("Doubtful", "true" if part.doubtful else "false"),
        *_total(part),
    )
    refunded = "".join(f"<Share>{wire.written(share)}</Share>" for share in shares)
    return f"<Part>{wire.written(measured)}{refunded}{_explained(part)}{wire.written(judged)}</Part>"


def _left_out(left: LeftOut) -> str:
    told = (*_absence(left), ("Reason", left.reason), ("Detail", left.detail))
    return f"<LeftOut>{wire.written(told)}</LeftOut>"


def _absence(of: RefundPart | LeftOut) -> tuple[tuple[str, str | int], ...]:
    return (
        ("Kind", of.kind),
        ("First", of.first.isoformat()),
        ("Last", of.last.isoformat()),
        ("Hours", of.hours),
    )


def _total(of: Recalculation | RefundChange | Refund | RefundPart) -> tuple[tuple[str, str], ...]:
    return (("Total", euro(of.total)),)


def read(root: etree._Element) -> CalculationReturn:
    """The calculation in a verified document.

    Raises:
        ValueError: when it is no CALCUL, or a sum is not that of what it counts.
    """
    wire.expect(root, CODE)
    employer = wire.text(root, "Employer")
    calculation = Calculation(
        employer=employer,
        period=Period.parse(wire.text(root, "Period")),
        statement=wire.text(root, "Statement"),
        computed_in=Period.parse(wire.text(root, "ComputedIn")),
        insured=tuple(
            _read_result(part, wire.text(part, "Matricule")) for part in wire.children(root, "Insured")
        ),
        corrections=tuple(_read_correction(part) for part in wire.children(root, "Correction")),
        refunds=tuple(_read_refund_change(part, employer) for part in wire.children(root, "Refund")),
    )
    wire.agree(root, _totals(calculation))
    sums = (("Corrected", euro(calculation.corrected)), ("Refunded", euro(calculation.refunded)))
    wire.agree(root, sums)
    return CalculationReturn(wire.read_answer_header(root), calculation)


def _read_result(part: etree._Element, insured: str) -> InsuredResult:
    result = InsuredResult(
        insured=insured,
        group=Group(wire.text(part, "Group")),
        hours=int(wire.text(part, "Hours")),
        pay=cents_of(wire.text(part, "Pay")),
        lines=tuple(_read_line(line) for line in wire.children(part, "Line")),
        declared=tuple(_read_declared(record) for record in wire.children(part, "Declared")),
    )
    wire.agree(part, _totals(result))
    return result


def _read_declared(part: etree._Element) -> Declared:
    return Declared(
        deposit=part.get("deposit", ""),
        digest=part.get("digest", ""),
        record=int(part.get("record", "")),
    )


def _read_line(part: etree._Element) -> ChargedLine:
    return ChargedLine(
        branch=Branch(wire.text(part, "Branch")),
        base=cents_of(wire.text(part, "Base")),
        rate=Decimal(wire.text(part, "Rate")),
        employee=cents_of(wire.text(part, "Employee")),
        employer=cents_of(wire.text(part, "Employer")),
        institution=wire.text(part, "Institution"),
        source=wire.optional(part, "Source") or "",
        formula=wire.optional(part, "Formula") or "",
    )


def _read_correction(part: etree._Element) -> Recalculation:
    insured = wire.text(part, "Insured")
    reversal, result = wire.first(part, "Reversal"), wire.first(part, "Result")
    correction = Recalculation(
        period=Period.parse(wire.text(part, "Period")),
        insured=insured,
        version=int(wire.text(part, "Version")),
        causes=_read_causes(part),
        reversal=None if reversal is None else _read_result(reversal, insured),
        result=None if result is None else _read_result(result, insured),
    )
    wire.agree(part, _total(correction))
    return correction


def _read_causes(part: etree._Element) -> tuple[Cause, ...]:
    return tuple(Cause(wire.value(cause)) for cause in wire.children(part, "Cause"))


def _read_refund_change(part: etree._Element, employer: str) -> RefundChange:
    insured, period = wire.text(part, "Insured"), Period.parse(wire.text(part, "Period"))
    month = InsuredMonth(employer, insured, period)
    reversal, result = wire.first(part, "Reversal"), wire.first(part, "Result")
    change = RefundChange(
        period=period,
        insured=insured,
        version=int(wire.text(part, "Version")),
        causes=_read_causes(part),
        reversal=None if reversal is None else _read_refund(reversal, month),
        result=None if result is None else _read_refund(result, month),
    )
    wire.agree(part, _total(change))
    return change


def _read_refund(part: etree._Element, month: InsuredMonth) -> Refund:
    refund = Refund(
        month=month,
        parts=tuple(_read_part(found) for found in wire.children(part, "Part")),
        left_out=tuple(_read_left_out(found) for found in wire.children(part, "LeftOut")),
        policy=wire.text(part, "Policy"),
        parameters=wire.text(part, "Parameters"),
    )
    wire.agree(part, _total(refund))
    return refund


def _read_part(part: etree._Element) -> RefundPart:
    read = RefundPart(
        kind=wire.text(part, "Kind"),
        first=date.fromisoformat(wire.text(part, "First")),
        last=date.fromisoformat(wire.text(part, "Last")),
        hours=int(wire.text(part, "Hours")),
        ground=Ground(wire.text(part, "Ground")),
        rate=Decimal(wire.text(part, "Rate")),
        pay_continued=cents_of(wire.text(part, "PayContinued")),
        pay_refund=cents_of(wire.text(part, "PayRefund")),
        shares={
            Branch(wire.text(share, "Branch")): cents_of(wire.text(share, "Amount"))
            for share in wire.children(part, "Share")
        },
        days_counted=int(wire.text(part, "DaysCounted")),
        formula=wire.optional(part, "Formula") or "",
        source=wire.optional(part, "Source") or "",
        doubtful=wire.text(part, "Doubtful") == "true",
    )
    wire.agree(part, _total(read))
    return read


def _read_left_out(part: etree._Element) -> LeftOut:
    return LeftOut(
        kind=wire.text(part, "Kind"),
        first=date.fromisoformat(wire.text(part, "First")),
        last=date.fromisoformat(wire.text(part, "Last")),
        hours=int(wire.text(part, "Hours")),
        reason=Reason(wire.text(part, "Reason")),
        detail=wire.text(part, "Detail"),
    )
