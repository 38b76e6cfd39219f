"""OWNCAL: what an employer computed is kept beside what is charged, and compared once there is something."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from gateway import memory
from gateway.billing.differences import Comparison, Reason
from gateway.billing.own import differences
from gateway.contributions import Group, Pay
from gateway.mandates import Rights
from gateway.money import euro
from gateway.outcome import Outcome
from gateway.parameters import Branch
from gateway.procedures import procedure
from gateway.procedures.billing.owncal import SHARES
from gateway.registers import InsuredMonth, OwnCalculation, OwnLine, Registers, Wage, WageKey, WageState
from tests.billing.test_reconcile import ANOTHER, EMPLOYER, INSURED, JULY, result, situation
from tests.procedures.registers_under_test import IMPLEMENTATIONS, Seeds
from tests.procedures.vector_files import WORLDS

WORLD = WORLDS["OWNCAL"]
MONTH = InsuredMonth(EMPLOYER, INSURED, JULY)
BILLED = result(situation(Pay(base_wage=381240, hours=Decimal(173))))


def record(**changed: str) -> dict[str, str]:
    """A record that tells what is charged, but for what is changed."""
    stated = {"Employer": EMPLOYER, "Insured": INSURED, "Period": str(JULY)}
    for line in BILLED.lines:
        word, sides = SHARES[line.branch]
        shares = {"Employee": line.employee, "Employer": line.employer}
        stated |= {f"{word}{side}": euro(shares[side]) for side in sides}
    return stated | changed


def handle(
    registers: Registers, *records: dict[str, str], deposit: int = 1, invoices: bool = True
) -> Outcome:
    context = WORLD.context(registers, deposit)
    right = Rights({EMPLOYER: 1} if invoices else {})
    return procedure("OWNCAL").handle(WORLD.batch(*records), replace(context, invoices=right))


def compared(outcome: Outcome) -> list[Comparison]:
    return [
        one
        for answer in outcome.returns
        if answer.code == "DIFCAL"
        for one in answer.content
        if isinstance(one, Comparison)
    ]


def charged(registers: Registers, *, to: tuple[str, ...] = (INSURED,)) -> Registers:
    """The same with what is charged for July."""
    charges = memory.MemoryCharges()
    charges.billed[EMPLOYER, JULY] = [replace(BILLED, insured=insured) for insured in to]
    return replace(registers, charges=charges)


def test_before_the_statement_nothing_is_compared() -> None:
    registers = WORLD.registers()
    outcome = handle(registers, record())
    assert (outcome.accepted, list(outcome.returns)) == (1, [])
    (own,) = registers.own.of_month(EMPLOYER, JULY)
    assert (own.month, own.group, own.employee_total, own.employer_total) == (MONTH, None, 48400, 50295)
    assert [line.branch for line in own.lines] == [line.branch for line in BILLED.lines]
    assert differences(registers, EMPLOYER, JULY.plus(-1), []) is None


def test_a_month_that_is_charged_already_is_compared_at_once() -> None:
    registers = charged(WORLD.registers(), to=(INSURED, ANOTHER))
    outcome = handle(registers, record(MutualityEmployer="8.77"))
    (found,) = compared(outcome)
    assert (found.employer, found.period, found.statement) == (EMPLOYER, JULY, None)
    told = {(one.reason, one.lines, one.amount) for one in found.reconciliation.reasons}
    assert told == {(Reason.CLASS, 1, 2745), (Reason.NOT_OWN, 10, BILLED.total)}
    assert found.reconciliation.difference == 2745 + BILLED.total


def test_who_may_not_read_the_invoices_learns_nothing_of_what_is_charged() -> None:
    registers = charged(WORLD.registers(), to=(INSURED, ANOTHER))
    outcome = handle(registers, record(MutualityEmployer="8.77"), invoices=False)
    assert (outcome.accepted, list(outcome.returns)) == (1, [])


def test_refused_records_are_not_compared() -> None:
    registers = charged(WORLD.registers())
    outcome = handle(registers, record(EmployeeTotal="1.00"))
    assert [answer.code for answer in outcome.returns] == ["OWNRET"]
    assert registers.own.of_month(EMPLOYER, JULY) == []


def test_each_month_is_compared_by_itself() -> None:
    registers = charged(WORLD.registers())
    outcome = handle(registers, record(), record(Period="2026-06"), record(Insured=ANOTHER))
    (found,) = compared(outcome)
    assert found.period == JULY
    assert {one.reason for one in found.reconciliation.reasons} == {Reason.MISSING_WAGE}


def test_somebody_whose_wage_waits_is_late_and_not_missing() -> None:
    registers = charged(WORLD.registers())
    key = WageKey(EMPLOYER, ANOTHER, JULY, 1, 31)
    wage = Wage(key, 1, 1, 381240, 173, 0, 0, 0, 0, 0, 0, 0, False, None)
    registers.wages.add([(wage, WageState.HELD)])
    (found,) = compared(handle(registers, record(), record(Insured=ANOTHER)))
    assert {one.reason for one in found.reconciliation.reasons} == {Reason.LATE_ENTRY}


def test_a_later_file_replaces_what_an_earlier_one_said() -> None:
    registers = WORLD.registers()
    handle(registers, record(Group="employee"), record(Group="pupil"), record(Insured=ANOTHER))
    handle(registers, record(Reference="again"), deposit=2)
    standing = registers.own.of_month(EMPLOYER, JULY)
    assert [(one.month.insured, one.group, one.deposit) for one in standing] == [
        (INSURED, None, 2),
        (ANOTHER, None, 1),
    ]


@pytest.fixture(params=sorted(IMPLEMENTATIONS))
def registers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Registers]:
    with IMPLEMENTATIONS[request.param](tmp_path, Seeds()) as opened:
        yield opened


def own(insured: str, deposit: int, record: int, group: Group | None = None) -> OwnCalculation:
    lines = (OwnLine(Branch.CARE, None, 10675, 10675), OwnLine(Branch.ACCIDENT, 381240, 0, 2106))
    month = InsuredMonth(EMPLOYER, insured, JULY)
    return OwnCalculation(month, group, lines, 10675, 12781, deposit, record, None)


def test_both_registers_keep_and_replace_alike(registers: Registers) -> None:
    first = [own(ANOTHER, 1, 1), own(INSURED, 1, 2, Group.PUPIL), own(INSURED, 1, 3, Group.EMPLOYEE)]
    registers.own.put(first)
    assert list(registers.own.of_month(EMPLOYER, JULY)) == [first[1], first[2], first[0]]
    assert list(registers.own.of_month(EMPLOYER, JULY.plus(1))) == []
    totals = own(INSURED, 2, 1)._replace(lines=(), reference="P-1")
    registers.own.put([totals])
    assert list(registers.own.of_month(EMPLOYER, JULY)) == [totals, first[0]]
    assert list(registers.charges.of_month(EMPLOYER, JULY)) == []
