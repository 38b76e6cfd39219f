"""What is really computed fits the forms of CALCUL and EXTCPT, to the last word."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from lxml import etree

from gateway.batch import MemberId
from gateway.billing import Calculation, Cause, Declared, InsuredResult, Invoice, Recalculation, RefundChange
from gateway.moments import Period, Received
from gateway.mutuality import Refund
from gateway.returns import calcul, extcpt
from gateway.wire import AnswerHeader
from tests.billing.test_invoice import BORIS, invoice, wage
from tests.mutuality.test_refund_cases import CASES, Case, computed
from tests.returns.test_round_trips import over_the_wire
from xsd import catalogue

NOW = datetime(2026, 9, 10, 8, 0, tzinfo=UTC)
HEADER = AnswerHeader(MemberId("2099990001299", "100001"), "test", NOW)


RECORD = Declared("0198a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b", "0f" * 32, 7)


@pytest.fixture
def charged() -> Invoice:
    """A pay above the ceiling, one below the floor, and one that comes a month late."""
    return invoice(
        wage(base_wage=2_000_000, gratuities=500_000, work_hours=173),
        wage(BORIS, base_wage=100, work_hours=80),
        wage(BORIS, base_wage=381_240, work_hours=173, period=Period(2026, 6)),
        previous_balance=-1,
    )


def declared(result: InsuredResult) -> InsuredResult:
    return replace(result, declared=(RECORD,))


def valid(code: str, root: etree._Element) -> etree._Element:
    received = over_the_wire(root)
    catalogue().form(code, "1.0", Received(NOW).day).validate(received)
    return received


def test_a_statement_fits_the_form_and_reads_back_as_it_was(charged: Invoice) -> None:
    root = valid("EXTCPT", extcpt.write(extcpt.StatementReturn(HEADER, charged.statement)))
    assert extcpt.read(root).statement == charged.statement
    assert root.findtext("{*}Correction/{*}Period") == "2026-06"
    assert root.findtext("{*}Policy/{*}Name") == "line-and-side+apart+cumulative+unrounded"


def test_a_calculation_fits_the_form_and_its_reversal_reads_back_as_it_was(charged: Invoice) -> None:
    results = [declared(result) for result in charged.calculation.insured]
    taken_back = [
        Recalculation(Period(2026, 7), one.insured, 2, (Cause.WAGE,), one.reversed(), None) for one in results
    ]
    due = replace(charged.calculation, insured=tuple(results), corrections=tuple(taken_back))
    root = valid("CALCUL", calcul.write(calcul.CalculationReturn(HEADER, due)))
    assert calcul.read(root).calculation == due
    lines = list(root.iterfind("{*}Insured/{*}Line"))
    assert len(lines) == 14
    assert all(line.findtext("{*}Source") and line.findtext("{*}Formula") for line in lines)
    assert due.total > 0
    assert root.findtext("{*}Corrected") == f"-{root.findtext('{*}Total')}"
    assert [hours.text for hours in root.iterfind("{*}Correction/{*}Reversal/{*}Hours")] == ["-173", "-80"]


def told(refund: Refund) -> tuple[etree._Element, Calculation]:
    """A refund that takes the place of the same one, as it is told."""
    period = refund.period
    change = RefundChange(period, refund.insured, 2, (Cause.WAGE,), refund.reversed(), refund)
    due = Calculation(refund.month.employer, period, "202607-0000001", period.plus(2), (), (), (change,))
    return valid("CALCUL", calcul.write(calcul.CalculationReturn(HEADER, due))), due


@pytest.mark.parametrize("case", CASES, ids=[case["title"] for case in CASES])
def test_every_refund_fits_the_form_and_reads_back_as_it_was(case: Case) -> None:
    refund = computed(case)
    if refund is not None:
        root, due = told(refund)
        assert calcul.read(root).calculation == due
        assert root.findtext("{*}Refunded") == "0.00"
