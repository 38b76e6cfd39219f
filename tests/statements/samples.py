"""Statements to show: of any size, with corrections, refunds and bookings of every kind.

All persons are made up.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from gateway.billing.lines import ChargedLine, sums
from gateway.billing.statement import (
    AccountStatement,
    Booking,
    Calculation,
    Cause,
    CorrectedMonth,
    Declared,
    InstitutionShare,
    InsuredResult,
    Movement,
    Payee,
    PolicyNote,
    Recalculation,
    RefundChange,
    RefundedMonth,
    Terms,
    branch_sums,
)
from gateway.contributions.groups import Group
from gateway.matricule import person_number
from gateway.moments import Period
from gateway.money import euro, round_half_up
from gateway.mutuality.refund import LeftOut, Reason, Refund, RefundPart
from gateway.mutuality.rules import Ground
from gateway.parameters import Branch
from gateway.registers import InsuredMonth

EMPLOYER = "2099990001299"
NAME = "Boulangerie du Moulin S.à r.l."
LONG_NAME = (
    "Société luxembourgeoise d’exploitation, de transformation et de distribution de produits de boulangerie"
    " et de pâtisserie « Zum Goldenen Brötchen & Fils » S.à r.l. et Cie, société en commandite simple"
)
PERIOD = Period(2026, 1)
AT = datetime(2026, 3, 16, 8, 30, 12, 345678, tzinfo=UTC)
ISSUED = date(2026, 3, 16)
XML = '<?xml version="1.0"?>\r\n<EXTCPT xmlns="urn:secugate:1">Müller &amp; é\u202f€</EXTCPT>\n'.encode()
# The account number that the registry of IBAN shows as an example for Luxembourg.
PAYEE = Payee("Centre commun de la sécurité sociale", "LU280019400644750000", "BCEELULL")
BRANCHES = tuple(branch for branch in Branch if branch is not Branch.FAMILY_BENEFITS)

_DEPOSITS = (
    ("0198c1d2-5a6b-7c3d-8e4f-0a1b2c3d4e5f", "3f" * 32),
    ("0198c1d2-6b7c-7d4e-9f5a-1b2c3d4e5f6a", "a9" * 32),
)
_RATES = {
    Branch.CARE: ("0.028", True, True, "CNS"),
    Branch.CASH: ("0.0025", True, True, "CNS"),
    Branch.PENSION: ("0.085", True, True, "CNAP"),
    Branch.DEPENDENCY: ("0.014", True, False, "CNS"),
    Branch.ACCIDENT: ("0.0065", False, True, "AAA"),
    Branch.MDE: ("0.0095", False, True, "MDE"),
    Branch.HEALTH_AT_WORK: ("0.0014", False, True, "STM"),
}
_ALLOWANCE = 67_593


def person(place: int) -> str:
    """The matricule of somebody born in the 1890s."""
    return person_number(date(1890, 1, 1) + timedelta(days=7 * place), 100 + place % 800)


def line(branch: Branch, pay: int) -> ChargedLine:
    rate, employee, employer, institution = _RATES[branch]
    base = max(0, pay - _ALLOWANCE) if branch is Branch.DEPENDENCY else pay
    exact = Decimal(base).scaleb(-2) * Decimal(rate)
    share = round_half_up(exact)
    bound = f"max(0, {euro(pay)} - {euro(_ALLOWANCE)})" if branch is Branch.DEPENDENCY else f"{euro(pay)}"
    return ChargedLine(
        branch=branch,
        base=base,
        rate=Decimal(rate),
        employee=share if employee else 0,
        employer=share if employer else 0,
        institution=institution,
        source="law-2025-12-18, fedil-2026-01, open-2026 (2026-01-01)"
        if branch in (Branch.PENSION, Branch.MDE)
        else f"rates of {institution} (2025-05-01)",
        formula=f"base {bound} = {euro(base)}; {euro(base)} × {rate} = {exact}",
    )


def result(place: int, pay: int = 341_207, hours: int = 173) -> InsuredResult:
    deposit, digest = _DEPOSITS[place % len(_DEPOSITS)]
    return InsuredResult(
        insured=person(place),
        group=Group.EMPLOYEE,
        hours=hours,
        pay=pay,
        lines=tuple(line(branch, pay) for branch in BRANCHES),
        declared=(Declared(deposit, digest, place + 1),),
    )


def recalculation(place: int, period: Period, before: int | None, after: int | None) -> Recalculation:
    """Somebody's earlier month charged anew: the pay as it was, and as it is."""
    return Recalculation(
        period=period,
        insured=person(place),
        version=2,
        causes=(Cause.LATE,) if before is None else (Cause.WAGE, Cause.CEILING),
        reversal=None if before is None else result(place, before).reversed(),
        result=None if after is None else result(place, after),
    )


def refund(place: int, period: Period, pay: int) -> Refund:
    shares = {
        Branch.CARE: pay * 28 // 1000,
        Branch.CASH: pay * 25 // 10_000,
        Branch.PENSION: pay * 85 // 1000,
    }
    month = InsuredMonth(EMPLOYER, person(place), period)
    part = RefundPart(
        kind="1",
        first=period.first.replace(day=5),
        last=period.first.replace(day=9),
        hours=40,
        ground=Ground.SICKNESS,
        rate=Decimal("0.80"),
        pay_continued=pay * 10 // 8,
        pay_refund=pay,
        shares=shares,
        days_counted=5,
        formula=f"{euro(pay * 10 // 8)} of 40 hours × 0.80 = {euro(pay)}",
        source="mde-statutes (2019-01-01)",
        doubtful=False,
    )
    first = period.first.replace(day=20)
    left = LeftOut("1", first, first.replace(day=21), 16, Reason.BEYOND_WAGE, "beyond the hours of the wage")
    return Refund(month, (part,), (left,), "default", "836e0892ea4b")


BOOKINGS = tuple(
    Booking(date(2026, 2, 1) + timedelta(days=place), kind, amount, f"{kind} {place:04d}/2026")
    for place, (kind, amount) in enumerate(
        {
            Movement.PAYMENT: -1_234_567,
            Movement.DIRECT_DEBIT: -50_000,
            Movement.RETURNED_DEBIT: 50_000,
            Movement.CREDIT_PAID: 12_345,
            Movement.INTEREST: 7_407,
            Movement.INTEREST_WAIVED: -3_703,
            Movement.FINE: 5_000,
            Movement.FINE_DISCHARGED: -2_500,
            Movement.FEE: 3_100,
            Movement.ADJUSTMENT: -101,
        }.items()
    )
)


def bill(
    insured: int = 1,
    *,
    corrections: Sequence[Recalculation] = (),
    refunds: Sequence[RefundChange] = (),
    bookings: Sequence[Booking] = (),
    previous: int = 0,
    terms: Terms | None = None,
    instalment: int | None = None,
    name: str = NAME,
    pay: int = 341_207,
) -> tuple[AccountStatement, Calculation]:
    """A statement whose sums are those of its calculation."""
    results = tuple(
        sorted((result(place, pay + 7_919 * place) for place in range(insured)), key=lambda one: one.insured)
    )
    number = "202601-0000042"
    calculation = Calculation(
        EMPLOYER, PERIOD, number, Period(2026, 3), results, tuple(corrections), tuple(refunds)
    )
    statement = AccountStatement(
        number=number,
        employer=EMPLOYER,
        name=name,
        period=PERIOD,
        issued=ISSUED,
        due=ISSUED + timedelta(days=10),
        previous_balance=previous,
        bookings=tuple(bookings),
        branches=branch_sums(sums(one.lines for one in results), BRANCHES),
        corrections=_months(corrections),
        refunds=_refunds(refunds),
        distribution=_distribution([*results, *(one for change in corrections for one in change.results)]),
        policy=PolicyNote("836e0892ea4b", ISSUED, "halves apart, ceiling of the month, allowance unrounded"),
        payee=PAYEE,
        terms=Terms.TRANSFER,
        instalment=instalment,
    )
    chosen = terms or (Terms.CREDIT if statement.balance <= 0 else Terms.TRANSFER)
    return replace(statement, terms=chosen), calculation


def _months(corrections: Sequence[Recalculation]) -> tuple[CorrectedMonth, ...]:
    months = defaultdict(list)
    for one in corrections:
        months[one.period].append(one)
    return tuple(
        CorrectedMonth(
            period=period,
            insured=len({one.insured for one in months[period]}),
            causes=tuple(cause for cause in Cause if any(cause in one.causes for one in months[period])),
            branches=branch_sums(
                sums(part.lines for one in months[period] for part in one.results), BRANCHES
            ),
        )
        for period in sorted(months)
    )


def _refunds(changes: Sequence[RefundChange]) -> tuple[RefundedMonth, ...]:
    months = defaultdict(list)
    for one in changes:
        months[one.period].append(one)
    return tuple(
        RefundedMonth(
            period, len({one.insured for one in months[period]}), sum(one.total for one in months[period])
        )
        for period in sorted(months)
    )


def _distribution(results: Sequence[InsuredResult]) -> tuple[InstitutionShare, ...]:
    sums = {institution: 0 for *_, institution in _RATES.values()}
    for one in results:
        for charged in one.lines:
            sums[charged.institution] += charged.total
    return tuple(InstitutionShare(institution, amount) for institution, amount in sums.items())


NOVEMBER = Period(2025, 11)
REFUND = RefundChange(PERIOD, person(0), 1, (), None, refund(0, PERIOD, 52_310))
REGRANTED = RefundChange(
    NOVEMBER,
    person(1),
    2,
    (Cause.INCAPACITY,),
    refund(1, NOVEMBER, 40_000).reversed(),
    refund(1, NOVEMBER, 25_000),
)
CORRECTIONS = (
    recalculation(3, Period(2025, 10), None, 284_011),
    recalculation(0, NOVEMBER, 341_207, 330_000),
    recalculation(1, NOVEMBER, 341_207, None),
    recalculation(2, Period(2025, 12), 300_000, 1_050_050),
)

CASES: dict[str, tuple[AccountStatement, Calculation]] = {
    "one": bill(
        1, previous=412_300, bookings=(Booking(date(2026, 2, 24), Movement.PAYMENT, -412_300, "2602-77"),)
    ),
    "twelve": bill(
        12,
        corrections=CORRECTIONS,
        refunds=(REGRANTED, REFUND),
        bookings=BOOKINGS,
        previous=1_300_000,
        name=LONG_NAME,
    ),
    "credit": bill(1, corrections=(recalculation(0, NOVEMBER, 900_000, None),), previous=-20_000),
    "zero": bill(0),
    "debit": bill(3, terms=Terms.DIRECT_DEBIT, refunds=(REFUND,)),
    "plan": bill(3, terms=Terms.PLAN, instalment=75_000, previous=2_500_000),
    "settled": bill(1, previous=-bill(1)[0].contributions),
}
