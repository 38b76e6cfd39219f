"""CALCUL: the monthly detail behind an account statement, insured by insured.

Lets an employer retrace each amount of the statement (EXTCPT) in its own computation. It has three parts:

* what is due for each insured of the wage month;
* earlier months charged anew: the former result reversed (*extourne*), the new one, and the causes;
* refunds of the Mutualité des employeurs, absence by absence, with what is not refunded and why.

Each result names the records that it comes from; each line its formula with the numbers, and the dated
parameters that decided it, by their number in a list of all of them. Every sum is written beside what it is
the sum of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

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


@dataclass(frozen=True, slots=True)
class CalculationReturn:
    """The calculation of one employer and month, and to whom it goes."""

    header: wire.AnswerHeader
    calculation: Calculation


def write(document: CalculationReturn) -> etree._Element:
    """The calculation as XML, unsigned."""
    return wire.tree(canonical(document))


def canonical(document: CalculationReturn) -> bytes:
    """The same in exclusive canonical form, ready for a seal."""
    return wire.canonical(CODE, document.header, _Writing(document.calculation).parts())


class _Writing:
    """One document while it is written: every source is told once, and numbered from 1."""

    def __init__(self, calculation: Calculation) -> None:
        self._calculation = calculation
        self._sources: dict[str, int] = {}
        self._deposits: dict[tuple[str, str], str] = {}
        self._around: dict[tuple[Branch, Decimal, str, str], tuple[str, str, str]] = {}

    def parts(self) -> list[str]:
        calculation = self._calculation
        insured = [self._insured(result) for result in calculation.insured]
        corrections = [self._correction(one) for one in calculation.corrections]
        refunds = [self._refund_change(one) for one in calculation.refunds]
        head = (
            ("Employer", calculation.employer),
            ("Period", str(calculation.period)),
            ("Statement", calculation.statement),
            ("ComputedIn", str(calculation.computed_in)),
        )
        sources = (
            f'<Source number="{number}">{wire.quoted(told)}</Source>'
            for told, number in self._sources.items()
        )
        return [
            wire.written(head),
            *sources,
            *insured,
            wire.written(_totals(calculation)),
            *corrections,
            wire.written((("Corrected", euro(calculation.corrected)),)),
            *refunds,
            wire.written((("Refunded", euro(calculation.refunded)),)),
        ]

    def _insured(self, result: InsuredResult) -> str:
        matricule = wire.quoted(result.insured)
        return f"<Insured><Matricule>{matricule}</Matricule>{self._result(result)}</Insured>"

    def _result(self, result: InsuredResult) -> str:
        declared = "".join(map(self._declared, result.declared))
        lines = "".join(map(self._line, result.lines))
        return (
            f"<Group>{result.group.value}</Group><Hours>{result.hours}</Hours><Pay>{euro(result.pay)}</Pay>"
            f"{declared}{lines}{_written_totals(result)}"
        )

    def _declared(self, record: Declared) -> str:
        key = (record.deposit, record.digest)
        if key not in self._deposits:
            deposit, digest = map(wire.quoted_attribute, key)
            self._deposits[key] = f'<Declared deposit="{deposit}" digest="{digest}" record="'
        return f'{self._deposits[key]}{record.record}"></Declared>'

    def _line(self, line: ChargedLine) -> str:
        key = (line.branch, line.rate, line.institution, line.source)
        around = self._around.get(key)
        if around is None:
            around = self._around[key] = self._around_amounts(line)
        before, between, after = around
        formula = f"<Formula>{wire.quoted(line.formula)}</Formula>" if line.formula else ""
        return (
            f"{before}{euro(line.base)}{between}{euro(line.employee)}</Employee>"
            f"<Employer>{euro(line.employer)}{after}{formula}</Line>"
        )

    def _around_amounts(self, line: ChargedLine) -> tuple[str, str, str]:
        """What stands before the base of a line, between it and the shares, and behind them: of nearly all
        insured the same."""
        return (
            f"<Line><Branch>{line.branch.value}</Branch><Base>",
            f"</Base><Rate>{line.rate:f}</Rate><Employee>",
            f"</Employer><Institution>{wire.quoted(line.institution)}</Institution>"
            f"{self._source(line.source)}",
        )

    def _source(self, source: str) -> str:
        """By what something was decided, as far as it is told."""
        if not source:
            return ""
        return f"<Source>{self._sources.setdefault(source, len(self._sources) + 1)}</Source>"

    def _correction(self, correction: Recalculation) -> str:
        reversal, result = correction.reversal, correction.result
        return (
            f"<Correction>{_change(correction)}"
            f"{'' if reversal is None else f'<Reversal>{self._result(reversal)}</Reversal>'}"
            f"{'' if result is None else f'<Result>{self._result(result)}</Result>'}"
            f"{wire.written(_total(correction))}</Correction>"
        )

    def _refund_change(self, change: RefundChange) -> str:
        reversal, result = change.reversal, change.result
        return (
            f"<Refund>{_change(change)}"
            f"{'' if reversal is None else f'<Reversal>{self._refund(reversal)}</Reversal>'}"
            f"{'' if result is None else f'<Result>{self._refund(result)}</Result>'}"
            f"{wire.written(_total(change))}</Refund>"
        )

    def _refund(self, refund: Refund) -> str:
        chosen = (("Policy", refund.policy), ("Parameters", refund.parameters))
        parts, left_out = map(self._part, refund.parts), map(_left_out, refund.left_out)
        return "".join((wire.written(chosen), *parts, *left_out, wire.written(_total(refund))))

    def _part(self, part: RefundPart) -> str:
        measured = (
            *_absence(part),
            ("DaysCounted", part.days_counted),
            ("Ground", part.ground),
            ("Rate", f"{part.rate:f}"),
            ("PayContinued", euro(part.pay_continued)),
            ("PayRefund", euro(part.pay_refund)),
        )
        shares = ((("Branch", branch), ("Amount", euro(cents))) for branch, cents in part.shares.items())
        refunded = "".join(f"<Share>{wire.written(share)}</Share>" for share in shares)
        explained = f"{self._source(part.source)}{wire.written((('Formula', part.formula or None),))}"
        judged = (("Doubtful", "true" if part.doubtful else "false"), *_total(part))
        return f"<Part>{wire.written(measured)}{refunded}{explained}{wire.written(judged)}</Part>"


def _written_totals(result: InsuredResult) -> str:
    employee, employer = result.employee_total, result.employer_total
    return (
        f"<EmployeeTotal>{euro(employee)}</EmployeeTotal><EmployerTotal>{euro(employer)}</EmployerTotal>"
        f"<Total>{euro(employee + employer)}</Total>"
    )


def _totals(of: Calculation | InsuredResult) -> tuple[tuple[str, str], ...]:
    employee, employer = of.employee_total, of.employer_total
    return (
        ("EmployeeTotal", euro(employee)),
        ("EmployerTotal", euro(employer)),
        ("Total", euro(employee + employer)),
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
    employer, sources = wire.text(root, "Employer"), _read_sources(root)
    calculation = Calculation(
        employer=employer,
        period=Period.parse(wire.text(root, "Period")),
        statement=wire.text(root, "Statement"),
        computed_in=Period.parse(wire.text(root, "ComputedIn")),
        insured=tuple(
            _read_result(part, wire.text(part, "Matricule"), sources)
            for part in wire.children(root, "Insured")
        ),
        corrections=tuple(_read_correction(part, sources) for part in wire.children(root, "Correction")),
        refunds=tuple(_read_refund_change(part, employer, sources) for part in wire.children(root, "Refund")),
    )
    wire.agree(root, _totals(calculation))
    sums = (("Corrected", euro(calculation.corrected)), ("Refunded", euro(calculation.refunded)))
    wire.agree(root, sums)
    return CalculationReturn(wire.read_answer_header(root), calculation)


_Sources = Mapping[str, str]
"""What decided amounts, by the number by which they name it."""


def _read_sources(root: etree._Element) -> _Sources:
    return {part.get("number", ""): wire.value(part) for part in wire.children(root, "Source")}


def _read_source(part: etree._Element, sources: _Sources) -> str:
    number = wire.optional(part, "Source")
    if number is None:
        return ""
    if number not in sources:
        raise ValueError(f"there is no source {number}")
    return sources[number]


def _read_result(part: etree._Element, insured: str, sources: _Sources) -> InsuredResult:
    result = InsuredResult(
        insured=insured,
        group=Group(wire.text(part, "Group")),
        hours=int(wire.text(part, "Hours")),
        pay=cents_of(wire.text(part, "Pay")),
        lines=tuple(_read_line(line, sources) for line in wire.children(part, "Line")),
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


def _read_line(part: etree._Element, sources: _Sources) -> ChargedLine:
    return ChargedLine(
        branch=Branch(wire.text(part, "Branch")),
        base=cents_of(wire.text(part, "Base")),
        rate=Decimal(wire.text(part, "Rate")),
        employee=cents_of(wire.text(part, "Employee")),
        employer=cents_of(wire.text(part, "Employer")),
        institution=wire.text(part, "Institution"),
        source=_read_source(part, sources),
        formula=wire.optional(part, "Formula") or "",
    )


def _read_correction(part: etree._Element, sources: _Sources) -> Recalculation:
    insured = wire.text(part, "Insured")
    reversal, result = wire.first(part, "Reversal"), wire.first(part, "Result")
    correction = Recalculation(
        period=Period.parse(wire.text(part, "Period")),
        insured=insured,
        version=int(wire.text(part, "Version")),
        causes=_read_causes(part),
        reversal=None if reversal is None else _read_result(reversal, insured, sources),
        result=None if result is None else _read_result(result, insured, sources),
    )
    wire.agree(part, _total(correction))
    return correction


def _read_causes(part: etree._Element) -> tuple[Cause, ...]:
    return tuple(Cause(wire.value(cause)) for cause in wire.children(part, "Cause"))


def _read_refund_change(part: etree._Element, employer: str, sources: _Sources) -> RefundChange:
    insured, period = wire.text(part, "Insured"), Period.parse(wire.text(part, "Period"))
    month = InsuredMonth(employer, insured, period)
    reversal, result = wire.first(part, "Reversal"), wire.first(part, "Result")
    change = RefundChange(
        period=period,
        insured=insured,
        version=int(wire.text(part, "Version")),
        causes=_read_causes(part),
        reversal=None if reversal is None else _read_refund(reversal, month, sources),
        result=None if result is None else _read_refund(result, month, sources),
    )
    wire.agree(part, _total(change))
    return change


def _read_refund(part: etree._Element, month: InsuredMonth, sources: _Sources) -> Refund:
    refund = Refund(
        month=month,
        parts=tuple(_read_part(found, sources) for found in wire.children(part, "Part")),
        left_out=tuple(_read_left_out(found) for found in wire.children(part, "LeftOut")),
        policy=wire.text(part, "Policy"),
        parameters=wire.text(part, "Parameters"),
    )
    wire.agree(part, _total(refund))
    return refund


def _read_part(part: etree._Element, sources: _Sources) -> RefundPart:
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
        source=_read_source(part, sources),
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
