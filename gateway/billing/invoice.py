"""Bills one employer for one wage month, from the wages that stand in the register.

Assumed, because no published rule was found:

* all wage records of one insured in the month are charged together, on the sum of their amounts
  and hours;
* hours are the hours worked and the inactive hours that unemployment pay stands for;
* age is that on the first day of the month, on which the parameters are looked up as well;
* a birth date that is not known (month or day `00`) makes an adult.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from gateway.billing.statement import (
    AccountStatement,
    BranchSum,
    Calculation,
    ChargedLine,
    InstitutionShare,
    InsuredResult,
    Invoice,
    PolicyNote,
)
from gateway.contributions import (
    Classification,
    Insurance,
    Line,
    Pay,
    Policy,
    Schedule,
    contribution,
    schedule_of,
)
from gateway.moments import LUXEMBOURG, Period
from gateway.money import round_half_up
from gateway.parameters import Branch, law
from gateway.registers import Affiliation, Employer, Pair, Wage

_PUPIL = "E"
_DEFAULT = Policy()


def bill(
    employer: Employer,
    period: Period,
    wages: Iterable[Wage],
    affiliations: Mapping[Pair, Sequence[Affiliation]],
    *,
    number: str,
    at: datetime,
    policy: Policy = _DEFAULT,
) -> Invoice:
    """Compute what an employer owes for a month, per insured and in all.

    Args:
        employer: with its class and factor in the year of the period.
        wages: those that count for this employer and period.
        affiliations: of these insured, as `Affiliations.of` answers.
        number: of the statement.
        at: the moment of issue, from the clock.

    Raises:
        NoParametersError: when no parameters are known for that period.
        ValueError: for a wage of another employer or another period.
    """
    month = schedule_of(period)
    classification = Classification(employer.mde_class, employer.accident_factor)
    insured: list[InsuredResult] = []
    for (matricule, pupil), records in sorted(_cases(employer, period, wages, affiliations).items()):
        pay = _pay(records)
        insurance = Insurance(_age(matricule, period), pupil)
        due = contribution(pay, insurance, classification, month, policy=policy)
        insured.append(InsuredResult(matricule, int(pay.hours), pay.total, tuple(map(_charged, due.lines))))
    issued = at.astimezone(LUXEMBOURG).date()
    computed_in = Period(issued.year, issued.month)
    days = law().number("collection.payment_days_after_issue", computed_in).value
    branches = tuple(_branch(branch, insured) for branch in Branch)
    return Invoice(
        Calculation(employer.matricule, period, number, computed_in, tuple(insured)),
        AccountStatement(
            number=number,
            employer=employer.matricule,
            name=employer.name,
            period=period,
            issued=issued,
            due=issued + timedelta(days=int(days)),
            previous_balance=0,  # no payments are booked yet
            branches=branches,
            distribution=_distribution(branches, month),
            policy=PolicyNote(month.version, policy.rounding, policy.ceiling),
        ),
    )


def _cases(
    employer: Employer,
    period: Period,
    wages: Iterable[Wage],
    affiliations: Mapping[Pair, Sequence[Affiliation]],
) -> Mapping[tuple[str, bool], Sequence[Wage]]:
    """The wages by insured, and by whether they are those of a pupil or student."""
    cases: defaultdict[tuple[str, bool], list[Wage]] = defaultdict(list)
    for wage in wages:
        key = wage.key
        if (key.employer, key.period) != (employer.matricule, period):
            raise ValueError(
                f"a wage of {key.employer} in {key.period} is not one of {employer.matricule} in {period}"
            )
        cases[key.insured, _pupil(wage, affiliations.get((key.employer, key.insured), ()))].append(wage)
    return cases


def _pupil(wage: Wage, affiliations: Sequence[Affiliation]) -> bool:
    """Whether the days of a wage are insured under pupils' and students' contracts only."""
    period = wage.key.period
    last = period.last.replace(day=min(wage.key.last_day, period.last.day))
    contracts = {
        a.contract for a in affiliations if a.overlaps(period.first.replace(day=wage.key.first_day), last)
    }
    return contracts == {_PUPIL}


def _age(insured: str, period: Period) -> int | None:
    """Completed years on the first day of a month, from the birth date in a matricule."""
    year, month, day = int(insured[:4]), int(insured[4:6]), int(insured[6:8])
    if not (month and day):
        return None
    first = period.first
    return first.year - year - ((first.month, first.day) < (month, day))


def _pay(wages: Sequence[Wage]) -> Pay:
    """The wage records of one insured in the month, taken together."""
    return Pay(
        base_wage=sum(wage.base_wage for wage in wages),
        supplements=sum(wage.supplements for wage in wages),
        overtime_pay=sum(wage.overtime_pay for wage in wages),
        gratuities=sum(wage.gratuities for wage in wages),
        unemployment_pay=sum(wage.unemployment_pay for wage in wages),
        hours=Decimal(sum(wage.work_hours + wage.inactive_hours for wage in wages)),
    )


def _charged(line: Line) -> ChargedLine:
    return ChargedLine(
        branch=line.branch,
        base=round_half_up(line.base),
        rate=line.rate,
        employee=line.employee,
        employer=line.employer,
        institution=line.institution,
        source=line.source,
    )


def _branch(branch: Branch, insured: Sequence[InsuredResult]) -> BranchSum:
    lines = [line for result in insured for line in result.lines if line.branch is branch]
    return BranchSum(
        branch=branch,
        base=sum(line.base for line in lines),
        employee=sum(line.employee for line in lines),
        employer=sum(line.employer for line in lines),
    )


def _distribution(branches: Sequence[BranchSum], schedule: Schedule) -> tuple[InstitutionShare, ...]:
    shares: defaultdict[str, int] = defaultdict(int)
    for branch in branches:
        shares[schedule.institutions[branch.branch]] += branch.total
    return tuple(InstitutionShare(institution, amount) for institution, amount in shares.items())
