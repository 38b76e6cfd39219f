"""One insured of one employer, as the tests describe them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from gateway.contributions import Classification, schedule_of
from gateway.moments import Period
from gateway.money import cents_of
from gateway.mutuality import Ceiling, Policy, Refund, Shares, refund, rules_of
from gateway.registers import Absence, Affiliation, InsuredMonth, Wage, WageKey

EMPLOYER, INSURED = "2099990001299", "1893120105732"
CLASSED = Classification(2, 100)
FULL_TIME: Mapping[str, object] = {"base_wage": "3200.00", "hours": 160}
"""20.00 an hour."""

Declared = tuple[str, date, date, int]
"""Digit, first day, last day, hours."""


def month_of(period: Period) -> InsuredMonth:
    return InsuredMonth(EMPLOYER, INSURED, period)


def absence(declared: Declared) -> Absence:
    kind, first, last, hours = declared
    return Absence(month_of(Period(first.year, first.month)), kind, first, last, hours, 1, 1)


def wage(period: Period, base_wage: int, work_hours: int, **others: int) -> Wage:
    key = WageKey(EMPLOYER, INSURED, period, 1, 31)
    elements = {"supplements": 0, "overtime_pay": 0, "gratuities": 0, **others}
    return Wage(
        key,
        1,
        1,
        base_wage,
        work_hours,
        overtime_hours=0,
        unemployment_pay=0,
        inactive_hours=0,
        non_pensionable=0,
        capped=False,
        reference=None,
        **elements,
    )


def affiliation(
    entry: str = "2018-01-01", contract: str = "I", scheme: str = "03", trial: str | None = None
) -> Affiliation:
    until = date.fromisoformat(trial) if trial else None
    return Affiliation(EMPLOYER, INSURED, date.fromisoformat(entry), None, contract, scheme, trial=until)


def due(
    period: Period,
    absences: Sequence[Declared],
    wages: Sequence[Wage],
    *,
    insured: Affiliation | None = None,
    employer: Classification = CLASSED,
    quarantines: Sequence[tuple[date, date]] = (),
    known: date | None = None,
    policy: Mapping[str, str] | None = None,
) -> Refund | None:
    """What is refunded to the employer for that month."""
    chosen = policy or {}
    return refund(
        month_of(period),
        [absence(one) for one in absences],
        wages,
        [insured or affiliation()],
        schedule_of(period),
        employer,
        law=rules_of(known),
        quarantines=quarantines,
        policy=Policy(
            ceiling=Ceiling(chosen.get("ceiling", "capped")),
            shares=Shares(chosen.get("shares", "on-the-refund")),
        ),
    )


def declared_wage(period: Period, row: Mapping[str, object]) -> Wage:
    """The wage of a case: amounts in euro, whole hours."""
    amounts = {name: cents_of(str(text)) for name, text in row.items() if name != "hours"}
    return wage(period, amounts.pop("base_wage"), int(str(row["hours"])), **amounts)
