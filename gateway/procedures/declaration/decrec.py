"""DECREC: "no change" (*déclaration reconduite*), all wages of a month in one line; RECRET says why not.

It says of everybody on the staff list of an employer and month (LISPER) that the wage of that month is what
the list shows: the base wage and the hours of the month before, and nothing else. For each of them one wage
is entered, which counts like one declared by DECSAL; a DECSAL that follows replaces it, person by person.
The acknowledgement tells how many wages were repeated and the sum of their base wages (RECRET-REPEATED).

All or nothing, so that nobody is forgotten: the record is refused (RECRET 6) when the list cannot be true of
somebody on it, that is, unless each of them

* has one affiliation with the employer in these two months, and it lasts for all their days;
* has one wage of the month before, for all its days, that counts;
* whose only elements are base wage and hours. The list does not show supplements, overtime, gratuities,
  benefits in kind, unemployment pay, inactive hours, a non-pensionable supplement or a capped wage. Some of
  them come back every month, and nothing tells which; rather no wage than a wrong one.

The anomaly says how many they are, of how many on the list; the month is then declared by DECSAL.

When a wage of the employer and month stands already, even one on hold, the record is refused (RECRET 5): it
could count twice. The same line twice in a file is taken once (RECRET 7). The months of a file are treated
in their order, so that one file may repeat June for July, and July for August.

In a month in which the index of wages steps up, no wage can be what it was (Code du travail, art. L. 223-1):
such a month is refused as well (RECRET 8), as far as the index is known.

Private households are refused as in DECSAL (RECRET 1). Incapacities do not stop a repetition: whether they
change the wage is for the employer to say. Everything here is our own, as no such procedure is published:
fields, their numbers and codes. The list itself is that of the RGD of 12 May 1975, art. 8.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

from gateway.batch import Anomaly, Batch, Record
from gateway.context import Context
from gateway.moments import Period
from gateway.money import euro
from gateway.outcome import Outcome, Refusal
from gateway.parameters import NoParametersError, law
from gateway.procedures.declaration.decsal import FIRST_YEAR
from gateway.procedures.judgement import (
    Certain,
    Doubts,
    Finding,
    Form,
    Rule,
    broken,
    employer_faults,
    refuse_malformed,
)
from gateway.registers import Affiliation, Registers, Wage, WageKey, WageState

FORM = Form(
    procedure="DECREC",
    record="Unchanged",
    refused_in="RECRET",
    bad_employer="RECRET-1",
    fields=("Employer", "Period", "Reference"),
)

CHANGED = "RECRET-6"
"""The list cannot be true of somebody on it."""

REPEATED = "RECRET-REPEATED"
"""The hint that tells how many wages were repeated, and their sum."""

T = TypeVar("T", Affiliation, Wage)


class Case(NamedTuple):
    """A record read: the month of which it says that nothing has changed."""

    employer: str
    period: Period

    @property
    def before(self) -> Period:
        """The month whose wages are repeated."""
        return self.period.plus(-1)


def _case(record: Record) -> Case:
    return Case(record.fields["Employer"], Period.parse(record.fields["Period"]))


def _rules(latest: Period) -> tuple[Rule[Record], ...]:
    return (
        Rule("RECRET-2", "Period", lambda record: _case(record).period.year < FIRST_YEAR),
        Rule("RECRET-3", "Period", lambda record: latest < _case(record).period),
    )


DOUBTS: Doubts = {
    "Employer": ({"Employer": "0"}, {"Employer": "0"}),
    "Period": ({"Period": "1000-01"}, {"Period": "2999-12"}),
}
"""How illegible fields are completed, so that only what is certain of a record is found."""


def handle(batch: Batch, context: Context) -> Outcome:
    """Repeat the wages of the month before, or say why they cannot be."""
    employers = employer_faults(FORM, context.rights)
    rules = _rules(Period.of(context.received).plus(-1))

    def judge(record: Record) -> list[Finding]:
        fault = employers[record.fields["Employer"]]
        return [*broken(rules, record), *([(fault, "Employer")] if fault else [])]

    refusals = list(refuse_malformed(FORM, batch, employers, Certain(judge, DOUBTS, FORM.fields[:-1])))
    hints: list[Anomaly] = []
    seen: set[Case] = set()
    for record in sorted(batch.records, key=lambda record: (_case(record).period, record.number)):
        case = _case(record)
        findings = judge(record)
        if case in seen:
            findings.append(("RECRET-7", "Period"))
        seen.add(case)
        findings = findings or list(_case_findings(case, context.registers))
        told = FORM.refusal(record, findings) if findings else _repeat(record, case, context)
        if isinstance(told, Refusal):
            refusals.append(told)
        else:
            hints.append(told)
    refusals.sort(key=lambda refusal: refusal.record.number)
    hints.sort(key=lambda hint: hint.record or 0)
    return Outcome(len(hints), refusals=refusals, returns=FORM.returns(refusals), hints=hints)


def _case_findings(case: Case, registers: Registers) -> Iterator[Finding]:
    """What speaks against a month of an employer for whom the sender may act."""
    employer, period = case
    known = registers.employers.get({employer}, period.year).get(employer)
    if known is not None and known.household:
        yield "RECRET-1", "Employer"
    if not registers.affiliations.during(employer, period.first, period.last):
        yield "RECRET-4", "Period"
    if registers.wages.of_month(employer, period):
        yield "RECRET-5", "Period"
    if _steps_up(case):
        yield "RECRET-8", "Period"


def _steps_up(case: Case) -> bool:
    """Whether another index of wages applies than in the month before; no, where it is not known."""
    try:
        before, now = (
            law().number("minimum_wage.index", month).value for month in (case.before, case.period)
        )
    except NoParametersError:
        return False
    return before != now


def _repeat(record: Record, case: Case, context: Context) -> Anomaly | Refusal:
    """Enter the wages of everybody on the list and tell of them; or refuse the record, when one cannot be."""
    due = _last_wages(case, context.registers)
    last = [wage for wage in due.values() if wage is not None]
    if len(last) < len(due):
        changed = f"{len(due) - len(last)} / {len(due)}"
        return FORM.refusal(record, [], [_anomaly(record, CHANGED, changed)])
    context.registers.wages.add((_repeated(wage, record, case, context), WageState.CURRENT) for wage in last)
    total = sum(wage.base_wage for wage in last)
    return _anomaly(record, REPEATED, f"{len(last)} / {euro(total)} EUR")


def _last_wages(case: Case, registers: Registers) -> Mapping[str, Wage | None]:
    """For everybody on the list, by insured: the wage that it shows; None for whom it cannot be true."""
    employer, period = case
    known = registers.affiliations.during(employer, case.before.first, period.last)
    affiliations = _grouped((one.insured, one) for one in known)
    # A wage on hold is none of these: who is affiliated all month has none.
    wages = _grouped((one.key.insured, one) for one in registers.wages.of_month(employer, case.before))
    return {
        insured: _last_wage(mine, wages.get(insured, []), case)
        for insured, mine in sorted(affiliations.items())
        if any(one.overlaps(period.first, period.last) for one in mine)
    }


def _grouped(pairs: Iterable[tuple[str, T]]) -> Mapping[str, list[T]]:
    grouped: dict[str, list[T]] = defaultdict(list)
    for insured, one in pairs:
        grouped[insured].append(one)
    return grouped


def _last_wage(affiliations: Sequence[Affiliation], wages: Sequence[Wage], case: Case) -> Wage | None:
    if len(affiliations) != 1 or len(wages) != 1:
        return None
    (affiliation,), (wage,) = affiliations, wages
    stays = affiliation.exit is None or case.period.last <= affiliation.exit
    insured = affiliation.entry <= case.before.first and stays
    whole = (wage.key.first_day, wage.key.last_day) == (1, case.before.last.day)
    return wage if insured and whole and not _more_than_shown(wage) else None


def _more_than_shown(wage: Wage) -> bool:
    """Whether a wage has an element that the list does not show."""
    elements = wage.supplements, wage.overtime_pay, wage.overtime_hours, wage.gratuities
    return any((*elements, wage.unemployment_pay, wage.inactive_hours, wage.non_pensionable, wage.capped))


def _repeated(last: Wage, record: Record, case: Case, context: Context) -> Wage:
    """A wage of the month before, declared anew."""
    key = WageKey(case.employer, last.key.insured, case.period, 1, case.period.last.day)
    reference = record.fields.get("Reference")
    return last._replace(key=key, deposit=context.deposit, record=record.number, reference=reference)


def _anomaly(record: Record, code: str, value: str) -> Anomaly:
    """What is told of a record as a whole: a count, which is no value of any field."""
    path = f"/{FORM.procedure}/{FORM.record}[{record.number}]"
    return Anomaly(code, record.number, None, path, record.line, value)
