"""DEMCER: certificates of affiliation and of income, from what is stored; CERTIF gives them, CERRET says
why not.

An `affiliation` certificate lists the spans, with entry and exit, in which the person was insured through the
employer named, as they are registered today. An `income` certificate adds, for each month with declared
wages that count, what was declared: base wage, supplements, overtime pay, gratuities, unemployment pay, in
euro, and hours worked, added up. Where the person has several affiliations with that employer in a month,
each has a line of its own with its days, by the rule of `gateway.part_periods`. Nothing else is computed.

Only for an employer whose mandate the sender has. The months asked for go from a first to a last one, not
after that of receipt, at most 120. A person without any affiliation with that employer in these months is
refused, whoever else insures them; so is an income certificate of months without declared wages, and the same
certificate a second time in a file. Missions of temporary workers are affiliations like any other.

Everything here is our own, as no layout is public: fields, codes, the longest span, and which sums an income
certificate has. Incapacities and contributions are not certified.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from gateway.batch import Batch, Record
from gateway.context import Context
from gateway.matricule import is_person
from gateway.moments import Period
from gateway.outcome import Certificate, Income, Outcome
from gateway.part_periods import PartPeriod, part_periods
from gateway.procedures.judgement import (
    Certain,
    Doubts,
    Finding,
    Form,
    Rule,
    broken,
    employer_faults,
    in_order,
    refuse_malformed,
    replaced_numbers,
)
from gateway.registers import Affiliation, Pair, Wage

FORM = Form(
    procedure="DEMCER",
    record="Certificate",
    refused_in="CERRET",
    bad_employer="CERRET-2",
    fields=("Kind", "Employer", "Insured", "First", "Last", "Reference"),
    assigned_in="CERTIF",
)

LONGEST = 120
"""How many months a certificate may reach over: ten years."""


def _months(record: Record) -> int:
    """How many months are asked for; none or less when the last lies before the first."""
    first, last = _span(record)
    return (last.year - first.year) * 12 + last.month - first.month + 1


def _span(record: Record) -> tuple[Period, Period]:
    return Period.parse(record.fields["First"]), Period.parse(record.fields["Last"])


def _rules(now: Period, replaced: Collection[str]) -> tuple[Rule[Record], ...]:
    return (
        Rule("CERRET-3", "Insured", lambda r: not is_person(r.fields["Insured"])),
        Rule("CERRET-3", "Insured", lambda r: r.fields["Insured"] in replaced),
        Rule("CERRET-6", "Last", lambda r: _months(r) < 1),
        Rule("CERRET-7", "Last", lambda r: _months(r) > LONGEST),
        Rule("CERRET-5", "Last", lambda r: now < Period.parse(r.fields["Last"])),
    )


DOUBTS: Doubts = {
    "Kind": ({"Kind": "affiliation"}, {"Kind": "income"}),
    "Employer": ({"Employer": "0"}, {"Employer": "0"}),
    "Insured": ({"Insured": "0"}, {"Insured": "0"}),
    # Alone, the last month can lie too late; order and length need both.
    "First": ({"First": "1000-01"}, {"First": "2999-12"}),
    "Last": ({"Last": "1000-01"}, {"Last": "2999-12"}),
}
"""How illegible fields are completed, so that only what is certain of a record is found."""


def handle(batch: Batch, context: Context) -> Outcome:
    """Write the certificates, and say which were refused and why."""
    employers = employer_faults(FORM, context.rights)
    replaced = replaced_numbers(batch.records, employers, context.registers)
    rules = _rules(Period.of(context.received), replaced)

    def judge(record: Record) -> list[Finding]:
        fault = employers[record.fields["Employer"]]
        return [*broken(rules, record), *([(fault, "Employer")] if fault else [])]

    refusals = list(refuse_malformed(FORM, batch, employers, Certain(judge, DOUBTS, FORM.fields[:-1])))
    judged = [(record, judge(record)) for record in in_order(batch.records)]
    pairs = {_pair(record) for record, findings in judged if not findings}
    affiliations = context.registers.affiliations.of(pairs)
    wages = context.registers.wages.counting(pairs)
    done: dict[tuple[str, ...], Certificate] = {}
    for record, findings in judged:
        subject = tuple(record.fields[name] for name in FORM.fields[:-1])
        if subject in done:
            findings.append(("CERRET-9", "Insured"))
        outcome = findings or _certificate(record, affiliations, wages)
        if isinstance(outcome, Certificate):
            done[subject] = outcome
        else:
            refusals.append(FORM.refusal(record, outcome))
    refusals.sort(key=lambda refusal: refusal.record.number)
    certificates = list(done.values())
    return Outcome(len(certificates), refusals=refusals, returns=FORM.returns(refusals, certificates))


def _pair(record: Record) -> Pair:
    return record.fields["Employer"], record.fields["Insured"]


def _certificate(
    record: Record, affiliations: Mapping[Pair, Sequence[Affiliation]], wages: Mapping[Pair, Sequence[Wage]]
) -> Certificate | list[Finding]:
    """What can be certified, or why nothing can."""
    first, last = _span(record)
    spans = [one for one in affiliations.get(_pair(record), ()) if one.overlaps(first.first, last.last)]
    if not spans:
        return [("CERRET-8", "Insured")]
    if record.fields["Kind"] == "affiliation":
        return Certificate(record, spans, [])
    counting = [wage for wage in wages.get(_pair(record), ()) if first <= wage.key.period <= last]
    incomes = [_income(part, spans) for part in part_periods(counting, spans)]
    return Certificate(record, spans, incomes) if incomes else [("CERRET-10", "First")]


def _income(part: PartPeriod, spans: Iterable[Affiliation]) -> Income:
    """The sums of a month; with its days where the month has several affiliations."""
    period, declared = part.month.period, part.declared
    split = sum(one.overlaps(period.first, period.last) for one in spans) > 1
    return Income(
        period=period,
        base_wage=declared.base_wage,
        supplements=declared.supplements,
        overtime_pay=declared.overtime_pay,
        gratuities=declared.gratuities,
        unemployment_pay=declared.unemployment_pay,
        hours=declared.work_hours,
        first=part.days.first if split else None,
        last=part.days.last if split else None,
    )
