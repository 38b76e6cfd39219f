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

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

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
from gateway.billing.lines import AMOUNTS, Lines, Pattern
from gateway.contributions import Group
from gateway.moments import Period
from gateway.money import cents_of, euro, euros
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
        self._forms: dict[Pattern, _Form] = {}

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
        lines = Lines.of(result.lines)
        employee, employer = lines.employee_total, lines.employer_total
        amounts = result.pay, employee, employer, employee + employer, *lines.amounts
        formulas = [f"<Formula>{wire.quoted(one)}</Formula>" if one else "" for one in lines.formulas]
        declared = "".join(map(self._declared, result.declared))
        form = self._form(lines.pattern)
        told = (result.group.value, result.hours, declared, *euros(amounts), *formulas)
        return form.text % form.order(told)

    def _form(self, pattern: Pattern) -> _Form:
        """How results with such lines are written in this document."""
        form = self._forms.get(pattern)
        if form is None:
            numbers = tuple(map(self._number, pattern.sources))
            form = self._forms[pattern] = _form(pattern, numbers)
        return form

    def _declared(self, record: Declared) -> str:
        key = (record.deposit, record.digest)
        if key not in self._deposits:
            deposit, digest = map(wire.quoted_attribute, key)
            self._deposits[key] = f'<Declared deposit="{deposit}" digest="{digest}" record="'
        return f'{self._deposits[key]}{record.record}"></Declared>'

    def _source(self, source: str) -> str:
        """By what something was decided, as far as it is told."""
        return _written_source(self._number(source))

    def _number(self, source: str) -> int:
        """Of a source in the list of them; 0 where nothing is told."""
        return self._sources.setdefault(source, len(self._sources) + 1) if source else 0

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


class _Form(NamedTuple):
    """How results with lines of one pattern are written.

    Attributes:
        text: with a place for each value that differs.
        order: puts them into the order of their places. They come as group, hours, records declared; pay and
            totals; amounts line by line; formulas.
    """

    text: str
    order: Callable[[Sequence[object]], tuple[object, ...]]


@lru_cache(maxsize=4096)
def _form(pattern: Pattern, sources: tuple[int, ...]) -> _Form:
    """The form of a pattern, kept: nearly all results of a month have the same few.

    Args:
        sources: of each line, by its number in the document.
    """
    texts, order = [_HEAD], [0, 1, 3, 2]
    amounts, formulas = _BEFORE_LINES, _BEFORE_LINES + AMOUNTS * len(sources)
    for place, (kind, source) in enumerate(zip(pattern.kinds, sources, strict=True)):
        institution = _escaped(wire.quoted(kind.institution))
        texts.append(
            f"<Line><Branch>{kind.branch.value}</Branch><Base>%s</Base><Rate>{kind.rate:f}</Rate>"
            f"<Employee>%s</Employee><Employer>%s</Employer><Institution>{institution}</Institution>"
            f"{_written_source(source)}%s</Line>"
        )
        first = amounts + AMOUNTS * place
        order += (*range(first, first + AMOUNTS), formulas + place)
    return _Form("".join((*texts, _TOTALS)), itemgetter(*order, 4, 5, 6))


_HEAD = "<Group>%s</Group><Hours>%s</Hours><Pay>%s</Pay>%s"
_TOTALS = "<EmployeeTotal>%s</EmployeeTotal><EmployerTotal>%s</EmployerTotal><Total>%s</Total>"
_BEFORE_LINES = 7
"""Values of a result before those of its lines."""


def _escaped(text: str) -> str:
    """A text that has no place for values."""
    return text.replace("%", "%%")


def _written_source(number: int) -> str:
    return f"<Source>{number}</Source>" if number else ""


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
