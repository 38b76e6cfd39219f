"""DEMMAT: an employer asks for a new employee's matricule; MATASS gives it, MATRET says why not.

A person is looked up by surname, first name and birth date, spelt exactly alike (upper case, no
accents). Who is found gets the existing number; for the others the register of persons gives the
next one of the birth date. Nationals of other countries than the European Union, the European
Economic Area and Switzerland get theirs from the immigration authority: such a request is refused
without looking, whether or not the person has a number.

A new number is only given with a scan of the person's identity document, a CARTID that came in one
container with the batch (MATRET-SCAN; MATRET-IMAGE when the picture is not taken). It belongs to a
record by birth date and serial: 0 for the first person born that day in the file, 1 for the second and
so on, records that are refused counted too. Who has a number needs none. A scan that belongs to no
record is only hinted at (MATRET-ORPHAN).

A second record for a person whose first one was treated is refused (MATRET 7); when the first one
was refused, the second is judged as if it were alone.

The MATRET codes are ours, the operator's are not published.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from gateway.batch import Anomaly, Attachment, Batch, Record
from gateway.context import Context
from gateway.moments import Received
from gateway.outcome import Assignment, Outcome, Refusal
from gateway.procedures.judgement import (
    NO_MANDATE,
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

SCAN_MISSING = "MATRET-SCAN"
SCAN_NOT_TAKEN = "MATRET-IMAGE"
SCAN_OF_NOBODY = "MATRET-ORPHAN"
"""The hint on a scan that belongs to no record."""

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


@dataclass(frozen=True, slots=True)
class Scans:
    """The scans that came with a batch, and to which records they belong.

    Attributes:
        subjects: birth date and serial, as in the name of a scan, by place of the record; none for a
            record whose birth date is not legible.
        found: the scans, by subject.
    """

    subjects: Mapping[int, str]
    found: Mapping[str, Attachment]

    @classmethod
    def of(cls, batch: Batch) -> Scans:
        """The scans of a batch; the records the form refused are persons born that day too."""
        born_that_day: Counter[date] = Counter()
        subjects: dict[int, str] = {}
        for record in in_order([*batch.records, *batch.malformed]):
            born = calendar_day(record.fields.get("BirthDate", ""))
            if born is not None:
                subjects[record.number] = f"{born.isoformat().replace('-', '')}{born_that_day[born]}"
                born_that_day[born] += 1
        return cls(subjects, {one.subject: one for one in batch.attachments})

    def lacking(self, record: Record) -> Iterator[Anomaly]:
        """What is missing for a new number: the value says the scan due, or what is wrong with it."""
        subject = self.subjects[record.number]
        scan = self.found.get(subject)
        place = f"/{FORM.procedure}/{FORM.record}[{record.number}]"
        if scan is None:
            yield Anomaly(SCAN_MISSING, record.number, None, place, record.line, f"CARTID{subject}")
        elif scan.fault is not None:
            yield Anomaly(SCAN_NOT_TAKEN, record.number, None, place, record.line, scan.fault)

    def of_nobody(self) -> list[Anomaly]:
        """A hint for each scan that belongs to no record."""
        belonging = set(self.subjects.values())
        return [
            Anomaly(SCAN_OF_NOBODY, value=scan.name)
            for subject, scan in self.found.items()
            if subject not in belonging
        ]


def handle(batch: Batch, context: Context) -> Outcome:
    """Look every person up, give numbers to those who have none, say which requests were refused and why."""
    employers = employer_faults(FORM, context.rights)

    def judge(record: Record) -> list[Finding]:
        (request,) = _read_all([record], context.received)
        return _findings(request, employers)

    refusals = list(refuse_malformed(FORM, batch, employers, Certain(judge, DOUBTS, FORM.fields[:-1])))
    judged = [
        (request, _findings(request, employers))
        for request in _read_all(in_order(batch.records), context.received)
    ]
    persons = context.registers.persons
    known = persons.find({one for request, findings in judged if (one := _sought(request, findings))})
    scans = Scans.of(batch)
    good: dict[Identity, Request] = {}
    for request, findings in judged:
        identity = _identity(request)
        lacking: list[Anomaly] = []
        if identity in good:
            findings.append(("MATRET-7", "Surname"))
        elif _sought(request, findings) and identity not in known:
            lacking += scans.lacking(request.record)
        if findings or lacking or identity is None:
            refusals.append(FORM.refusal(request.record, findings, lacking))
        else:
            good[identity] = request
    assignments, unserved = _assign(good, known, persons)
    refusals += unserved
    refusals.sort(key=lambda refusal: refusal.record.number)
    return Outcome(
        len(assignments),
        refusals=refusals,
        returns=FORM.returns(refusals, assignments),
        hints=scans.of_nobody(),
    )


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


_NOT_SOUGHT = frozenset({FORM.bad_employer, NO_MANDATE, "MATRET-4", "MATRET-5"})
"""With one of these a person is not looked up: it is nobody's or not this sender's matter, or of no use."""


def _sought(request: Request, findings: Iterable[Finding]) -> Identity | None:
    """Whom to look up in the register for a record, if anybody."""
    return None if any(code in _NOT_SOUGHT for code, _ in findings) else _identity(request)


def _findings(request: Request, employers: Once[str | None]) -> list[Finding]:
    findings = broken(RULES, request)
    if fault := employers[request["Employer"]]:
        findings.append((fault, "Employer"))
    return findings


def _assign(
    requests: Mapping[Identity, Request], known: Mapping[Identity, str], persons: Persons
) -> tuple[list[Assignment], list[Refusal]]:
    """The number of each person, found or new; and those whose birth date has none left (MATRET 8)."""
    assignments: list[Assignment] = []
    unserved: list[Refusal] = []
    for identity, request in requests.items():
        matricule = known.get(identity) or persons.assign(identity, request["Nationality"], request.address)
        if matricule is None:
            unserved.append(FORM.refusal(request.record, [("MATRET-8", "BirthDate")]))
        else:
            assignments.append(Assignment(request.record, matricule, existing=identity in known))
    return assignments, unserved
