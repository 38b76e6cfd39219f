"""DEMMAT: an employer asks for a new employee's matricule; MATASS gives it, MATRET says why not.

A person is looked up by surname, first name and birth date, spelt exactly alike (upper case, no
accents). Who is found gets the existing number; for the others the register of persons gives the
next one of the birth date. Nationals of other countries than the European Union, the European
Economic Area and Switzerland get theirs from the immigration authority: such a request is refused
without looking, whether or not the person has a number.

A second record for a person whose first one was treated is refused (MATRET 7); when the first one
was refused, the second is judged as if it were alone.

The MATRET codes are ours, the operator's are not published.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from gateway.batch import Batch, Record
from gateway.context import Context
from gateway.moments import Received
from gateway.outcome import Assignment, Outcome, Refusal
from gateway.procedures.judgement import (
    Certain,
    Doubts,
    Finding,
    Form,
    Once,
    Rule,
    broken,
    calendar_day,
    employer_faults,
    in_order,
    refuse_malformed,
)
from gateway.procedures.lists import COUNTRIES, free_movement
from gateway.registers import Address, Identity, Persons

FORM = Form(
    procedure="DEMMAT",
    record="Person",
    refused_in="MATRET",
    bad_employer="MATRET-1",
    fields=(
        "Employer",
        "Surname",
        "FirstName",
        "BirthDate",
        "Nationality",
        "HouseNumber",
        "Street",
        "Country",
        "Postcode",
        "Town",
        "Reference",
    ),
    assigned_in="MATASS",
)

FIRST_BIRTH_YEAR = 1850
"""Nobody born earlier is hired today; our choice, as no rule is published."""

_LUXEMBOURG_POSTCODE = re.compile(r"[0-9]{4}")


@dataclass(frozen=True, slots=True)
class Request:
    """A record read, with what the day of receipt says about it."""

    record: Record
    born: date | None
    received: Received
    nationals: frozenset[str]

    def __getitem__(self, field: str) -> str:
        return self.record.fields[field]

    @property
    def born_in_time(self) -> bool:
        """Whether the birth date is a day on which an employee of today may be born."""
        return self.born is not None and self.born.year >= FIRST_BIRTH_YEAR and self.born <= self.received.day

    @property
    def address(self) -> Address:
        return Address.of(self.record.fields)


def _wrong_postcode(request: Request) -> bool:
    return request["Country"] == "LU" and _LUXEMBOURG_POSTCODE.fullmatch(request["Postcode"]) is None


RULES: tuple[Rule[Request], ...] = (
    Rule("MATRET-4", "BirthDate", lambda r: not r.born_in_time),
    Rule("MATRET-5", "Nationality", lambda r: r["Nationality"] not in r.nationals),
    Rule("MATRET-6", "Country", lambda r: r["Country"] not in COUNTRIES),
    Rule("MATRET-6", "Postcode", _wrong_postcode),
)
"""What the values of a record must satisfy beyond the form, which checks names and presence."""


DOUBTS: Doubts = {
    **{
        field: ({field: "X"}, {field: "X"})
        for field in ("Surname", "FirstName", "HouseNumber", "Street", "Town")
    },
    "Employer": ({"Employer": "0"}, {"Employer": "0"}),
    "BirthDate": ({"BirthDate": "1900-01-01"}, {"BirthDate": "1900-01-01"}),
    "Nationality": ({"Nationality": "LU"}, {"Nationality": "LU"}),
    "Country": ({"Country": "LU"}, {"Country": "FR"}),
    "Postcode": ({"Postcode": "0000"}, {"Postcode": "0000"}),
}
"""How illegible fields are completed, so that only what is certain of a record is found."""


def handle(batch: Batch, context: Context) -> Outcome:
    """Look every person up, give numbers to those who have none, say which requests were refused and why."""
    employers = employer_faults(FORM, context.rights)

    def judge(record: Record) -> list[Finding]:
        (request,) = _read_all([record], context.received)
        return _findings(request, employers)

    refusals = list(refuse_malformed(FORM, batch, employers, Certain(judge, DOUBTS, FORM.fields[:-1])))
    good: dict[Identity, Request] = {}
    for request in _read_all(in_order(batch.records), context.received):
        identity = _identity(request)
        findings = _findings(request, employers)
        if identity in good:
            findings.append(("MATRET-7", "Surname"))
        if findings or identity is None:
            refusals.append(FORM.refusal(request.record, findings))
        else:
            good[identity] = request
    assignments, unserved = _assign(good, context.registers.persons)
    refusals += unserved
    refusals.sort(key=lambda refusal: refusal.record.number)
    return Outcome(len(assignments), refusals=refusals, returns=FORM.returns(refusals, assignments))


def _read_all(records: Iterable[Record], received: Received) -> list[Request]:
    nationals = free_movement(received)
    return [
        Request(record, calendar_day(record.fields["BirthDate"]), received, nationals) for record in records
    ]


def _identity(request: Request) -> Identity | None:
    """Who is meant; None when there is no such birth date, which is a finding of its own."""
    if request.born is None:
        return None
    return Identity(request["Surname"], request["FirstName"], request.born)


def _findings(request: Request, employers: Once[str | None]) -> list[Finding]:
    findings = broken(RULES, request)
    if fault := employers[request["Employer"]]:
        findings.append((fault, "Employer"))
    return findings


def _assign(requests: Mapping[Identity, Request], persons: Persons) -> tuple[list[Assignment], list[Refusal]]:
    """The number of each person, found or new; and those whose birth date has none left (MATRET 8)."""
    assignments: list[Assignment] = []
    unserved: list[Refusal] = []
    known = persons.find(requests.keys())
    for identity, request in requests.items():
        matricule = known.get(identity) or persons.assign(identity, request["Nationality"], request.address)
        if matricule is None:
            unserved.append(FORM.refusal(request.record, [("MATRET-8", "BirthDate")]))
        else:
            assignments.append(Assignment(request.record, matricule, existing=identity in known))
    return assignments, unserved
