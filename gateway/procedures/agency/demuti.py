"""DEMUTI: a temporary-work agency asks for the number of a user company; MATUTI gives it, UTIRET says
why not.

Only a member registered as a temporary-work agency may ask. A user company is looked up by name and
address, spelt exactly alike; which agency asked before does not matter. The one found gets the existing
number; for the others the register of companies gives the next one of the year of receipt. Companies in
Luxembourg have an employer's number already, so only foreign ones are numbered here.

The country must exist (UTIRET 1). The postcode must have the digits of its country where that is a
neighbour: five in Germany and France, four in Belgium (UTIRET 2); of other countries only its form is
judged.

A second record for a company whose first one was treated is refused (UTIRET-TWICE); when the first one
was refused, the second is judged as if it were alone.

Of the UTIRET codes 1 and 2 are the operator's, the others ours. Assumed, as nothing is published: the
layout of a record, the rule for postcodes, how companies are told apart, and how they are numbered.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.batch import Batch, Record
from gateway.context import Context
from gateway.outcome import Assignment, Outcome, Refusal
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
)
from gateway.procedures.lists import COUNTRIES
from gateway.registers import Address, Companies, Company

FORM = Form(
    procedure="DEMUTI",
    record="Company",
    refused_in="UTIRET",
    bad_employer="UTIRET-EMPLOYER",
    fields=(
        "Employer",
        "Name",
        "HouseNumber",
        "Street",
        "Country",
        "Postcode",
        "Town",
        "Reference",
    ),
    assigned_in="MATUTI",
)

POSTCODES = {
    "BE": re.compile("[0-9]{4}"),
    "DE": re.compile("[0-9]{5}"),
    "FR": re.compile("[0-9]{5}"),
}
"""How postcodes are written in the neighbouring countries, where most user companies are."""


@dataclass(frozen=True, slots=True)
class Request:
    """A record read, with what is known of its sender."""

    record: Record
    by_agency: bool

    def __getitem__(self, field: str) -> str:
        return self.record.fields[field]

    @property
    def company(self) -> Company:
        return Company(self["Name"], Address.of(self.record.fields))


def _wrong_postcode(request: Request) -> bool:
    written = POSTCODES.get(request["Country"])
    return written is not None and written.fullmatch(request["Postcode"]) is None


RULES: tuple[Rule[Request], ...] = (
    Rule("UTIRET-AGENCY", "Employer", lambda r: not r.by_agency),
    Rule("UTIRET-1", "Country", lambda r: r["Country"] not in COUNTRIES),
    Rule("UTIRET-LUXEMBOURG", "Country", lambda r: r["Country"] == "LU"),
    Rule("UTIRET-2", "Postcode", _wrong_postcode),
)
"""What a record must satisfy beyond the form, which checks presence."""


DOUBTS: Doubts = {
    field: ({field: text}, {field: text})
    for field, text in {
        "Employer": "0",
        "Name": "X",
        "HouseNumber": "X",
        "Street": "X",
        "Country": "US",  # of no neighbour: no postcode is wrong there
        "Postcode": "0",
        "Town": "X",
    }.items()
}
"""How illegible fields are completed, so that only what is certain of a record is found."""


def handle(batch: Batch, context: Context) -> Outcome:
    """Look every company up, give numbers to those without one, say which requests were refused and why."""
    employers = employer_faults(FORM, context.rights)

    def judge(record: Record) -> list[Finding]:
        return _findings(Request(record, context.sender_is_agency), employers)

    refusals = list(refuse_malformed(FORM, batch, employers, Certain(judge, DOUBTS, FORM.fields[:-1])))
    good: dict[Company, Record] = {}
    for record in in_order(batch.records):
        company = Request(record, context.sender_is_agency).company
        findings = judge(record)
        if company in good:
            findings.append(("UTIRET-TWICE", "Name"))
        if findings:
            refusals.append(FORM.refusal(record, findings))
        else:
            good[company] = record
    assignments, unserved = _assign(good, context.registers.companies, context.received.day.year)
    refusals += unserved
    refusals.sort(key=lambda refusal: refusal.record.number)
    return Outcome(len(assignments), refusals=refusals, returns=FORM.returns(refusals, assignments))


def _findings(request: Request, employers: Once[str | None]) -> list[Finding]:
    findings = broken(RULES, request)
    if fault := employers[request["Employer"]]:
        findings.append((fault, "Employer"))
    return findings


def _assign(
    records: Mapping[Company, Record], companies: Companies, year: int
) -> tuple[list[Assignment], list[Refusal]]:
    """The number of each company, found or new; and those for which the year has none left (UTIRET-FULL)."""
    assignments: list[Assignment] = []
    unserved: list[Refusal] = []
    known = companies.find(records.keys())
    for company, record in records.items():
        number = known.get(company) or companies.assign(company, year)
        if number is None:
            unserved.append(FORM.refusal(record, [("UTIRET-FULL", "Name")]))
        else:
            assignments.append(Assignment(record, number, existing=company in known))
    return assignments, unserved
