"""OWNCAL: contributions that an employer has computed itself; OWNRET says why not, DIFCAL compares.

Only for a member whose agreement authorises it to compute contributions (RGD of 12 May 1975, art. 7, par.
3), and only for an employer for whom it has a mandate. A record tells what was computed for one insured and
month: branch by branch, base and shares; or in all, the two totals. What was computed is kept beside what is
charged and changes nothing in it. As soon as the month is charged, the two are compared line by line, and
each difference gets a reason (DIFCAL): at once where the month has been charged already, otherwise with its
account statement.

A record says what stands from now on for its insured and month: a later file replaces it. Where a month has
two kinds of affiliation each may have a record, with its group; all in one file. Whether somebody is
affiliated is not asked: that somebody is missing on one side is just what the comparison has to show.

Everything here is our own, as no such procedure is published: fields, their numbers and codes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from gateway.batch import Batch, Record
from gateway.billing.own import differences
from gateway.context import Context
from gateway.contributions import Group
from gateway.matricule import is_person
from gateway.moments import Period
from gateway.money import cents_of
from gateway.outcome import Outcome, Refusal, Return
from gateway.parameters import Branch
from gateway.procedures.declaration.decsal import FIRST_YEAR
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
from gateway.registers import InsuredMonth, OwnCalculation, OwnLine

COMPARED_IN = "DIFCAL"
"""The answer that compares what was computed with what is charged."""

_SIDES = ("Employee", "Employer")

SHARES: Mapping[Branch, tuple[str, tuple[str, ...]]] = {
    Branch.CARE: ("Care", _SIDES),
    Branch.CASH: ("Cash", _SIDES),
    Branch.PENSION: ("Pension", _SIDES),
    Branch.DEPENDENCY: ("Dependency", ("Employee",)),
    Branch.ACCIDENT: ("Accident", ("Employer",)),
    Branch.MDE: ("Mutuality", ("Employer",)),
    Branch.HEALTH_AT_WORK: ("Health", ("Employer",)),
    Branch.FAMILY_BENEFITS: ("Family", ("Employer",)),
}
"""How the fields of a branch begin, and which sides have a share in it."""

_BY_BRANCH = {
    branch: (f"{word}Base", tuple(word + side for side in sides)) for branch, (word, sides) in SHARES.items()
}
_TOTALS = tuple(f"{side}Total" for side in _SIDES)
_OF_BRANCHES = tuple(name for base, shares in _BY_BRANCH.values() for name in (base, *shares))
_AMOUNTS = (*_OF_BRANCHES, *_TOTALS)

FORM = Form(
    procedure="OWNCAL",
    record="Own",
    refused_in="OWNRET",
    bad_employer="OWNRET-1",
    fields=("Employer", "Insured", "Period", "Group", *_AMOUNTS, "Reference"),
)

_MOST_CENTS = 999_999_999
"""Of a side of one insured and month: 9,999,999.99 euro."""

_UNREAD = "?"
"""Stands for an amount that is stated and not legible."""

DOUBTS: Doubts = {
    "Employer": ({"Employer": "0"}, {"Employer": "0"}),
    "Insured": ({"Insured": "0"}, {"Insured": "0"}),
    "Period": ({"Period": "1000-01"}, {"Period": "2999-12"}),
    **{name: ({name: _UNREAD}, {name: _UNREAD}) for name in _AMOUNTS},
}
"""How illegible fields are completed, so that only what is certain of a record is found."""


def _sum(record: Record, side: str) -> int | None:
    """All stated shares of a side; None when one is not legible."""
    names = [name for _, shares in _BY_BRANCH.values() for name in shares if name.endswith(side)]
    texts = [record.fields[name] for name in names if name in record.fields]
    return None if _UNREAD in texts else sum(map(cents_of, texts))


def _differs(record: Record, side: str) -> bool:
    """Whether a total is not the sum of the shares of the branches, where these are stated."""
    total, by_branch = record.fields.get(f"{side}Total"), _sum(record, side)
    if total is None or total == _UNREAD or by_branch is None:
        return False
    return any(name in record.fields for name in _OF_BRANCHES) and cents_of(total) != by_branch


def _is_beyond_belief(record: Record, side: str) -> bool:
    """Whether nobody can owe so much for one insured and month. Of tens of thousands of insured the sums that
    DIFCAL tells still fit its form."""
    total = record.fields.get(f"{side}Total", "0.00")
    stated = 0 if total == _UNREAD else cents_of(total)
    return max(stated, _sum(record, side) or 0) > _MOST_CENTS


def _without_share(record: Record, branch: Branch) -> bool:
    """Whether a branch has a base and no share at all."""
    base, shares = _BY_BRANCH[branch]
    return base in record.fields and not any(name in record.fields for name in shares)


def _rules(latest: Period, replaced: Collection[str]) -> tuple[Rule[Record], ...]:
    return (
        Rule("OWNRET-2", "Insured", lambda r: not is_person(r.fields["Insured"])),
        Rule("OWNRET-2", "Insured", lambda r: r.fields["Insured"] in replaced),
        Rule("OWNRET-3", "Period", lambda r: Period.parse(r.fields["Period"]).year < FIRST_YEAR),
        Rule("OWNRET-4", "Period", lambda r: latest < Period.parse(r.fields["Period"])),
        Rule("OWNRET-5", "EmployeeTotal", lambda r: _is_beyond_belief(r, "Employee")),
        Rule("OWNRET-5", "EmployerTotal", lambda r: _is_beyond_belief(r, "Employer")),
        Rule("OWNRET-6", "EmployerTotal", lambda r: not any(name in r.fields for name in _AMOUNTS)),
        Rule("OWNRET-7", "EmployeeTotal", lambda r: _differs(r, "Employee")),
        Rule("OWNRET-7", "EmployerTotal", lambda r: _differs(r, "Employer")),
        *(_share_rule(branch) for branch in SHARES),
    )


def _share_rule(branch: Branch) -> Rule[Record]:
    return Rule("OWNRET-8", _BY_BRANCH[branch][0], lambda record: _without_share(record, branch))


def handle(batch: Batch, context: Context) -> Outcome:
    """Keep what was computed, say which records were refused and why, and compare what is charged already."""
    employers = employer_faults(FORM, context.rights)
    replaced = replaced_numbers(batch.records, employers, context.registers)
    rules = _rules(Period.of(context.received).plus(-1), replaced)

    def judge(record: Record) -> list[Finding]:
        fault = employers[record.fields["Employer"]]
        return [*broken(rules, record), *([(fault, "Employer")] if fault else [])]

    refusals = list(refuse_malformed(FORM, batch, employers, Certain(judge, DOUBTS, FORM.fields[:3])))
    taken: dict[InsuredMonth, list[OwnCalculation]] = defaultdict(list)
    for record in in_order(batch.records):
        findings = judge(record)
        if not findings:
            own = own_of(record, context.deposit)
            if _clashes(own, taken[own.month]):
                findings = [("OWNRET-9", "Insured")]
            else:
                taken[own.month].append(own)
        if findings:
            refusals.append(FORM.refusal(record, findings))
    refusals.sort(key=lambda refusal: refusal.record.number)
    accepted = [own for month in taken.values() for own in month]
    context.registers.own.put(accepted)
    return Outcome(len(accepted), refusals=refusals, returns=_returns(refusals, accepted, context))


def _clashes(own: OwnCalculation, taken: Collection[OwnCalculation]) -> bool:
    """Whether the file holds a record of the same insured and month that cannot stand beside this one."""
    groups = {other.group for other in taken}
    return bool(taken) and (own.group is None or None in groups or own.group in groups)


def own_of(record: Record, deposit: int) -> OwnCalculation:
    """What a record tells that keeps to the form and breaks no rule of its own.

    Args:
        record: a record of OWNCAL.
        deposit: number of its deposit.
    """
    stated = record.fields
    lines = tuple(
        OwnLine(
            branch,
            cents_of(stated[base]) if base in stated else None,
            *(cents_of(stated.get(base.removesuffix("Base") + side, "0.00")) for side in _SIDES),
        )
        for branch, (base, shares) in _BY_BRANCH.items()
        if any(name in stated for name in (base, *shares))
    )
    employee, employer = (cents_of(stated.get(name, "0.00")) for name in _TOTALS)
    return OwnCalculation(
        month=InsuredMonth(stated["Employer"], stated["Insured"], Period.parse(stated["Period"])),
        group=Group(stated["Group"]) if "Group" in stated else None,
        lines=lines,
        employee_total=sum(line.employee for line in lines) if lines else employee,
        employer_total=sum(line.employer for line in lines) if lines else employer,
        deposit=deposit,
        record=record.number,
        reference=stated.get("Reference"),
    )


def _returns(
    refusals: Sequence[Refusal], accepted: Collection[OwnCalculation], context: Context
) -> list[Return]:
    """The refused records, and a comparison for each employer and month that is charged already."""
    returns = FORM.returns(refusals)
    for employer, period in sorted({(own.month.employer, own.month.period) for own in accepted}):
        # Sending one's own amounts does not give the right to read what is charged.
        if not context.invoices.allow(employer):
            continue
        billed = context.registers.charges.of_month(employer, period)
        if not billed:
            continue
        earlier = context.registers.charges.reversed_of(employer, period)
        compared = differences(context.registers, employer, period, billed, earlier=earlier)
        if compared is not None:
            returns.append(Return(COMPARED_IN, [compared]))
    return returns
