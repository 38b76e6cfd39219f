"""DECSAL: the monthly wage declaration; refused records go back as SALRET.

Each record is judged by itself, with one exception: several records of a file for the same
employer, insured and period whose days overlap are all refused (SALRET 1), whatever else they say,
because nothing tells which of them is right. Several contracts in one month are declared with
different days.

What becomes of a good record:

* the insured was affiliated with the employer on at least one of its days: it counts (`CURRENT`);
* not so: it waits for the entry declaration (`HELD`, see `gateway.procedures.declaration.held`), and
  the acknowledgement names it (SALRET-HELD). A wage is never an implicit entry (RGD 12 May 1975,
  art. 8 (5));
* a later deposit has already declared the same wage: it is kept, but does not count (`SUPERSEDED`).

It replaces what an earlier deposit declared for the same employer, insured, period *and* days. Other
days that overlap are another wage, and both count; the acknowledgement says so (SALRET-OVERLAP), as only
the sender knows whether there are two contracts or one wage with corrected days.

Four more things are told and not refused, as all may be meant:

* SALRET-LOW: an adult's pay per hour is below the minimum wage of the month; apprentices, students,
  interns and occasional workers are not judged;
* SALRET-HIGH: the base wage per hour is above seven times the minimum wage, and this employer never
  declared half as much per hour for this person before;
* SALRET-IDLE: unemployment pay without inactive hours;
* SALRET-MONTH: most wages of this employer in the file are of another month, and this person, affiliated
  in that month too, has none there.

Choices where the published rules are silent:

* a period that is written rightly but lies before 2019 is SALRET 12, not 5;
* SALRET 13 compares the sum of all pay elements (fields 5, 7, 8, 10 and 11) with seven times the
  minimum wage of the period, rounded before or after multiplication; a period for which no minimum
  wage is known is not judged;
* a person without an affiliation on the days declared is no civil servant (SALRET 10);
* SALRET 99 also stands for days that the month does not have;
* the minimum wage per hour is the monthly one over the hours of a month: the most that 40 hours a week
  can make (`LONGEST_MONTH`) to judge low pay, 173 (CSS art. 241) to judge high pay.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from itertools import chain
from typing import NamedTuple

from gateway.batch import Anomaly, Batch, Record
from gateway.context import Context
from gateway.matricule import is_person
from gateway.moments import Period
from gateway.money import cents_of, euro, round_half_up
from gateway.outcome import Outcome
from gateway.parameters import NoParametersError, law
from gateway.procedures.judgement import (
    Certain,
    Doubts,
    Finding,
    Form,
    Once,
    Rule,
    broken,
    employer_faults,
    in_order,
    refuse_malformed,
    replaced_numbers,
)
from gateway.procedures.lists import CIVIL_SERVANTS
from gateway.registers import Affiliation, InsuredMonth, Pair, Registers, Wage, WageKey, WageState

FORM = Form(
    procedure="DECSAL",
    record="Wage",
    refused_in="SALRET",
    bad_employer="SALRET-2",
    fields=(
        "Employer",
        "Insured",
        "Period",
        "BaseWage",
        "WorkHours",
        "Supplements",
        "OvertimePay",
        "OvertimeHours",
        "Gratuities",
        "UnemploymentPay",
        "InactiveHours",
        "NonPensionable",
        "FirstDay",
        "LastDay",
        "Capped",
        "Reference",
    ),
)

WAITS = "SALRET-HELD"
"""The hint that names a wage on hold in the acknowledgement."""

LOW = "SALRET-LOW"
HIGH = "SALRET-HIGH"
IDLE = "SALRET-IDLE"
OVERLAP = "SALRET-OVERLAP"
OTHER_MONTH = "SALRET-MONTH"

FIRST_YEAR = 2019
"""The first year whose wages are taken electronically (SALRET 5 and 12)."""

MOST_HOURS = 372
"""Work and inactive hours of a month: twelve on each of 31 days (SALRET 11)."""

LONGEST_MONTH = 184
"""Hours of 23 working days of eight hours."""

USUAL_MONTH = 173
"""Hours of a month for which a monthly amount stands."""

HIGHEST = 7
"""From how many minimum wages an hour on a wage is looked at."""

_NONE = Fraction(0)

ADULT = 18
"""Years of age from which the minimum wage is due in full."""

MINIMUM_WAGE_CONTRACTS = frozenset({"I", "D"})
"""Contract types whose pay is at least the minimum wage: permanent and fixed-term."""


@dataclass(frozen=True, slots=True)
class Month:
    """A wage month as one file sees it: worked out once, not once a record.

    Attributes:
        period: the month; the first of all where the text names none.
        fault: code due for every record of this month (SALRET 5, 9 or 12), or None.
        days: its days in order.
        capped: the amounts, in cents, that a capped wage may have; empty when none is known.
        minimum: the unskilled minimum wage of the month in cents; None when it is not known.
    """

    period: Period
    fault: str | None
    days: Sequence[date]
    capped: frozenset[int]
    minimum: int | None

    @property
    def length(self) -> int:
        return len(self.days)


class Claim(NamedTuple):
    """A record read: the month it names, and the wage it would be if nothing is wrong with it."""

    record: Record
    month: Month
    wage: Wage

    @property
    def pay(self) -> int:
        """All pay elements that are charged, in cents."""
        wage = self.wage
        regular = wage.base_wage + wage.supplements + wage.overtime_pay
        return regular + wage.gratuities + wage.unemployment_pay


def _too_many_hours(claim: Claim) -> bool:
    return claim.wage.work_hours + claim.wage.inactive_hours > MOST_HOURS


def _unpaid_overtime(claim: Claim) -> bool:
    return claim.wage.overtime_hours > 0 and claim.wage.overtime_pay == 0


def _unpaid_inactivity(claim: Claim) -> bool:
    return claim.wage.inactive_hours > 0 and claim.wage.unemployment_pay == 0


def _not_at_the_cap(claim: Claim) -> bool:
    known = claim.month.capped
    return claim.wage.capped and bool(known) and claim.pay not in known


def _first_after_last(claim: Claim) -> bool:
    return claim.wage.key.last_day < claim.wage.key.first_day <= claim.month.length


RULES: tuple[Rule[Claim], ...] = (
    Rule("SALRET-11", "WorkHours", _too_many_hours),
    Rule("SALRET-8", "OvertimeHours", _unpaid_overtime),
    Rule("SALRET-7", "InactiveHours", _unpaid_inactivity),
    Rule("SALRET-99", "FirstDay", lambda claim: claim.wage.key.first_day > claim.month.length),
    Rule("SALRET-99", "FirstDay", _first_after_last),
    Rule("SALRET-99", "LastDay", lambda claim: claim.wage.key.last_day > claim.month.length),
    Rule("SALRET-13", "Capped", _not_at_the_cap),
)
"""What the values of a record must satisfy among themselves."""


REQUIRED = ("Employer", "Insured", "Period", "BaseWage", "WorkHours")

_PAY: Doubts = {
    field: ({field: "0.00"}, {field: "0.01", "Capped": None})
    for field in ("BaseWage", "Supplements", "OvertimePay", "Gratuities", "UnemploymentPay")
}

DOUBTS: Doubts = {
    **_PAY,
    "Employer": ({"Employer": "0"}, {"Employer": "0"}),
    "Insured": ({"Insured": "0"}, {"Insured": "0"}),
    "Period": ({"Period": "2023-01"}, {"Period": "2023-02", "Capped": None}),
    "WorkHours": ({"WorkHours": "0"}, {"WorkHours": "999"}),
    "InactiveHours": ({"InactiveHours": "0"}, {"InactiveHours": "999"}),
    "FirstDay": ({"FirstDay": "01"}, {"FirstDay": "28"}),
    "LastDay": ({"LastDay": None}, {"LastDay": "01"}),
}
"""How illegible fields are completed, so that only what is certain of a record is found."""


def handle(batch: Batch, context: Context) -> Outcome:
    """Judge every wage of a batch, enter the good ones, say which were refused and why."""
    employers = employer_faults(FORM, context.rights)
    replaced = replaced_numbers(batch.records, employers, context.registers)
    people = Once(lambda number: is_person(number) and number not in replaced)

    def judge(record: Record) -> list[Finding]:
        (claim,) = _read_all([record], context)
        return _own_findings(claim, employers, identified=people[claim.wage.key.insured])

    refusals = list(refuse_malformed(FORM, batch, employers, Certain(judge, DOUBTS, REQUIRED)))
    claims = _read_all(in_order(batch.records), context)
    repeated = _repeated(claims)
    known = _consult(claims, employers, context.registers)
    good: list[Claim] = []
    for claim in claims:
        findings = _findings(claim, employers, people, known)
        if claim.record.number in repeated:
            findings.append(("SALRET-1", "Insured"))
        if findings:
            refusals.append(FORM.refusal(claim.record, findings))
        else:
            good.append(claim)
    before = _highest_before(good, context.registers)
    standing = context.registers.wages.standing([claim.wage.key for claim in good])
    waiting = _enter(good, standing, known, context)
    refusals.sort(key=lambda refusal: refusal.record.number)
    return Outcome(
        accepted=len(good) - len(waiting),
        held=len(waiting),
        refusals=refusals,
        returns=FORM.returns(refusals),
        hints=[
            *(FORM.anomaly(claim.record, WAITS, "Insured") for claim in waiting),
            *_oddities(good, known, before),
            *(FORM.anomaly(claim.record, OVERLAP, "FirstDay") for claim in _beside(good, standing)),
        ],
    )


def record_of(wage: Wage) -> Record:
    """The record that declares a wage: what was zero, or the whole month, is left out."""
    key = wage.key
    whole_month = (key.first_day, key.last_day) == (1, key.period.last.day)
    fields = {
        "Employer": key.employer,
        "Insured": key.insured,
        "Period": str(key.period),
        "BaseWage": euro(wage.base_wage),
        "WorkHours": str(wage.work_hours),
        "Supplements": _euro_unless_zero(wage.supplements),
        "OvertimePay": _euro_unless_zero(wage.overtime_pay),
        "OvertimeHours": str(wage.overtime_hours) if wage.overtime_hours else None,
        "Gratuities": _euro_unless_zero(wage.gratuities),
        "UnemploymentPay": _euro_unless_zero(wage.unemployment_pay),
        "InactiveHours": str(wage.inactive_hours) if wage.inactive_hours else None,
        "NonPensionable": _euro_unless_zero(wage.non_pensionable),
        "FirstDay": None if whole_month else f"{key.first_day:02d}",
        "LastDay": None if whole_month else f"{key.last_day:02d}",
        "Capped": "Y" if wage.capped else None,
        "Reference": wage.reference,
    }
    return Record(wage.record, None, {name: text for name, text in fields.items() if text is not None})


def _euro_unless_zero(cents: int) -> str | None:
    return euro(cents) if cents else None


def _read_all(records: Iterable[Record], context: Context) -> list[Claim]:
    latest = Period.of(context.received).plus(-1)
    months = Once(lambda text: _month(text, latest))
    amounts = Once(cents_of)
    return [_read(record, context.deposit, months, amounts) for record in records]


def _read(record: Record, deposit: int, months: Once[Month], amounts: Once[int]) -> Claim:
    fields = record.fields
    find = fields.get
    month = months[fields["Period"]]
    key = WageKey(
        fields["Employer"],
        fields["Insured"],
        month.period,
        int(find("FirstDay", 1)),
        int(find("LastDay", month.length)),
    )
    wage = Wage(
        key=key,
        deposit=deposit,
        record=record.number,
        base_wage=amounts[fields["BaseWage"]],
        work_hours=int(fields["WorkHours"]),
        supplements=amounts[find("Supplements", "0.00")],
        overtime_pay=amounts[find("OvertimePay", "0.00")],
        overtime_hours=int(find("OvertimeHours", 0)),
        gratuities=amounts[find("Gratuities", "0.00")],
        unemployment_pay=amounts[find("UnemploymentPay", "0.00")],
        inactive_hours=int(find("InactiveHours", 0)),
        non_pensionable=amounts[find("NonPensionable", "0.00")],
        capped=find("Capped") == "Y",
        reference=find("Reference"),
    )
    return Claim(record, month, wage)


def _month(text: str, latest: Period) -> Month:
    period, fault = _period(text, latest)
    days = tuple(period.first + timedelta(n) for n in range(period.last.day))
    if fault:
        return Month(period, fault, days, frozenset(), None)
    return Month(period, None, days, _capped_amounts(period), _minimum_wage(period))


def _period(text: str, latest: Period) -> tuple[Period, str | None]:
    """The month a text names, and the code due when it is none we take."""
    try:
        period = Period.parse(text)
    except ValueError:
        return Period(1, 1), "SALRET-5"
    if period.year < FIRST_YEAR:
        return period, "SALRET-12"
    return period, "SALRET-9" if period > latest else None


def _capped_amounts(period: Period) -> frozenset[int]:
    """Seven times the unskilled minimum wage, in cents: of the rounded and of the exact amount."""
    try:
        rounded = law().number("minimum_wage.unskilled_18_plus", period).value
        index_100 = law().number("minimum_wage.index_100", period).value
        index = law().number("minimum_wage.index", period).value
    except NoParametersError:
        return frozenset()
    return frozenset({round_half_up(7 * rounded), round_half_up(7 * index_100 * index / 100)})


def _minimum_wage(period: Period) -> int | None:
    """The unskilled minimum wage of adults in cents, if it is known."""
    try:
        return round_half_up(law().number("minimum_wage.unskilled_18_plus", period).value)
    except NoParametersError:
        return None


def _repeated(claims: Sequence[Claim]) -> set[int]:
    """The records that share a day with another one of the same employer, insured and period."""
    same = [
        (claim.wage.key.employer, claim.wage.key.insured, claim.record.fields["Period"]) for claim in claims
    ]
    if len(set(same)) == len(same):
        return set()
    groups: dict[tuple[str, str, str], list[Wage]] = defaultdict(list)
    for key, claim in zip(same, claims, strict=True):
        groups[key].append(claim.wage)
    return {record for wages in groups.values() if len(wages) > 1 for record in _overlapping(wages)}


def _overlapping(wages: Sequence[Wage]) -> Iterator[int]:
    # Days are counted, not wages compared: a file of one wage repeated 100,000 times stays quick.
    days = [range(wage.key.first_day, wage.key.last_day + 1) for wage in wages]
    times = Counter(chain.from_iterable(days))
    return (wage.record for wage, own in zip(wages, days, strict=True) if any(times[day] > 1 for day in own))


@dataclass(frozen=True, slots=True)
class _Known:
    """What the registers know about the employers and pairs of a file."""

    affiliations: Mapping[Pair, Sequence[Affiliation]]
    households: frozenset[tuple[str, int]]

    def insuring(self, claim: Claim) -> list[Affiliation]:
        """The affiliations on any of a wage's days."""
        key, days = claim.wage.key, claim.month.days
        first, last = days[key.first_day - 1], days[key.last_day - 1]
        known = self.affiliations.get((key.employer, key.insured), ())
        return [affiliation for affiliation in known if affiliation.overlaps(first, last)]


def _consult(claims: Iterable[Claim], employers: Once[str | None], registers: Registers) -> _Known:
    """Ask the registers once, and only about employers for whom the sender may act."""
    years: dict[int, set[str]] = defaultdict(set)
    pairs: set[Pair] = set()
    for _, month, wage in claims:
        employer = wage.key.employer
        if month.fault is None and employers[employer] is None:
            years[month.period.year].add(employer)
            pairs.add((employer, wage.key.insured))
    return _Known(
        affiliations=registers.affiliations.of(pairs),
        households=frozenset(
            (employer.matricule, year)
            for year, matricules in years.items()
            for employer in registers.employers.get(matricules, year).values()
            if employer.household
        ),
    )


def _findings(claim: Claim, employers: Once[str | None], people: Once[bool], known: _Known) -> list[Finding]:
    """All that is wrong with one record, taken by itself."""
    key = claim.wage.key
    # Whoever is affiliated has a right number: the entry declaration was judged by it.
    affiliated = (key.employer, key.insured) in known.affiliations
    findings = _own_findings(claim, employers, identified=affiliated or people[key.insured])
    if not claim.month.fault and not employers[key.employer]:
        findings += _register_findings(claim, known)
    return findings


def _own_findings(claim: Claim, employers: Once[str | None], *, identified: bool) -> list[Finding]:
    """What a record itself tells to be wrong with it."""
    findings = broken(RULES, claim)
    if fault := employers[claim.wage.key.employer]:
        findings.append((fault, "Employer"))
    if not identified:
        findings.append(("SALRET-3", "Insured"))
    if claim.month.fault:
        findings.append((claim.month.fault, "Period"))
    return findings


def _register_findings(claim: Claim, known: _Known) -> Iterator[Finding]:
    """What the registers have against a record of an employer for whom the sender may act."""
    key = claim.wage.key
    if (key.employer, key.period.year) in known.households:
        yield "SALRET-2", "Employer"
    if claim.wage.non_pensionable and key.first_day <= key.last_day <= claim.month.length:
        schemes = {affiliation.scheme for affiliation in known.insuring(claim)}
        if not schemes & CIVIL_SERVANTS:
            yield "SALRET-10", "NonPensionable"


def _beside(claims: Iterable[Claim], standing: Mapping[WageKey, int]) -> Iterator[Claim]:
    """The wages that share days with another one that stands and that they do not replace."""
    others: dict[InsuredMonth, list[WageKey]] = defaultdict(list)
    for key in standing:
        others[key.month].append(key)
    for claim in claims if others else ():
        key = claim.wage.key
        if any(key.overlaps(other) for other in others.get(key.month, ()) if other != key):
            yield claim


def _enter(
    claims: Sequence[Claim], standing: Mapping[WageKey, int], known: _Known, context: Context
) -> list[Claim]:
    """Enter good records in the register of wages; those of them that are on hold."""
    register = context.registers.wages
    keys = [claim.wage.key for claim in claims]
    earlier = [key for key in keys if standing.get(key, context.deposit) < context.deposit]
    register.supersede(earlier, context.deposit)
    states = [
        _state(known.insuring(claim), superseded=standing.get(claim.wage.key, 0) > context.deposit)
        for claim in claims
    ]
    register.add((claim.wage, state) for claim, state in zip(claims, states, strict=True))
    return [claim for claim, state in zip(claims, states, strict=True) if state is WageState.HELD]


def _state(affiliations: Sequence[Affiliation], *, superseded: bool) -> WageState:
    if superseded:
        return WageState.SUPERSEDED
    return WageState.CURRENT if affiliations else WageState.HELD


def _highest_before(claims: Iterable[Claim], registers: Registers) -> Mapping[Pair, Fraction]:
    """The highest base wage per hour that counts already, for each pair with a high one now."""
    pairs = {_pair(claim) for claim in claims if _is_high(claim)}
    if not pairs:
        return {}
    return {
        pair: max((_per_hour(one) for one in wages if one.work_hours), default=_NONE)
        for pair, wages in registers.wages.counting(pairs).items()
    }


def _oddities(claims: Sequence[Claim], known: _Known, before: Mapping[Pair, Fraction]) -> Iterator[Anomaly]:
    """What should be looked at in good wages."""
    for claim in claims:
        if _is_low(claim) and _paid_the_minimum(claim, known):
            yield FORM.anomaly(claim.record, LOW, "BaseWage")
        if _is_high(claim) and 2 * before.get(_pair(claim), _NONE) < _per_hour(claim.wage):
            yield FORM.anomaly(claim.record, HIGH, "BaseWage")
        if claim.wage.unemployment_pay and not claim.wage.inactive_hours:
            yield FORM.anomaly(claim.record, IDLE, "InactiveHours")
    for claim in _in_another_month(claims, known):
        yield FORM.anomaly(claim.record, OTHER_MONTH, "Period")


def _is_low(claim: Claim) -> bool:
    """Whether the pay per hour is below the minimum wage, whoever is paid."""
    minimum, hours = claim.month.minimum, claim.wage.work_hours
    return minimum is not None and claim.pay * LONGEST_MONTH < minimum * hours


def _is_high(claim: Claim) -> bool:
    """Whether the base wage per hour is above what is usual."""
    minimum, wage = claim.month.minimum, claim.wage
    if minimum is None or not wage.work_hours:
        return False
    return wage.base_wage * USUAL_MONTH > HIGHEST * minimum * wage.work_hours


def _per_hour(wage: Wage) -> Fraction:
    """Base wage per hour, in cents."""
    return Fraction(wage.base_wage, wage.work_hours)


def _paid_the_minimum(claim: Claim, known: _Known) -> bool:
    """Whether an adult works under contracts of which all are paid at least the minimum wage."""
    age = claim.month.period.year - int(claim.wage.key.insured[:4])
    contracts = {affiliation.contract for affiliation in known.insuring(claim)}
    return age > ADULT and bool(contracts) and contracts <= MINIMUM_WAGE_CONTRACTS


def _in_another_month(claims: Sequence[Claim], known: _Known) -> Iterator[Claim]:
    """Wages of another month than most, of people who should have one in that month and have none."""
    usual = _usual_months(claims)
    if not usual:
        return
    months = [usual.get(claim.wage.key.employer, claim.month.period) for claim in claims]
    there = {_pair(claim) for claim, month in zip(claims, months, strict=True) if claim.month.period == month}
    for claim, month in zip(claims, months, strict=True):
        if _pair(claim) not in there:
            affiliations = known.affiliations.get(_pair(claim), ())
            if any(affiliation.overlaps(month.first, month.last) for affiliation in affiliations):
                yield claim


def _usual_months(claims: Iterable[Claim]) -> Mapping[str, Period]:
    """The month of more than half of an employer's wages, where they are of several months."""
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for claim in claims:
        counted[claim.wage.key.employer][claim.record.fields["Period"]] += 1
    return {
        employer: Period.parse(text)
        for employer, counts in counted.items()
        for text, count in counts.items()
        if count < counts.total() < 2 * count
    }


def _pair(claim: Claim) -> Pair:
    return claim.wage.key.employer, claim.wage.key.insured
