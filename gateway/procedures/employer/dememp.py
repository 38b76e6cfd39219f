"""DEMEMP: an employer is registered, or changes its name; EMPASS gives the number, EMPRET says why not.

Two kinds. `registration`: a fiduciary registers a client, or a legal person itself. The number is the
11-digit national number of the legal person and an extension of two digits, 00 for the first, then the next
one free. Where that legal person has an employer of exactly that name already, its number is given, and no
second one; the answer does not say which of the two it was. A further extension is given to the legal person
itself only (EMPRET 15), so that nobody else uses them up; that a company is registered here at all is no
secret, as the business register is public. Who registers itself may act for the new employer at once, in
everything; a fiduciary asks for its mandate by a DEMMAN. `name`: who has a mandate for
DEMEMP gives an employer its new name, from the day of receipt; former names are kept.

A new employer begins with a class of the MDE and an accident factor that we assume (`new_employers.yaml`),
for the years from its first employment, or the receipt, whichever is earlier; the operator sets them once the
institutions have. A second record for the same registration, or for the name of the same employer, is
refused. An employer who is a natural person has a number already and is entered by the operator.

Everything here is our own, as no layout is public: fields and codes, what the extension counts, that the
legal form stands in digits 5 and 6 of the national number, and that the first employment lies at most three
years before and one year after the receipt.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from gateway.batch import Batch, MemberId, Record
from gateway.context import Context
from gateway.mandates import is_itself, scope
from gateway.matricule import is_legal_person
from gateway.moments import Received
from gateway.outcome import Assignment, Outcome
from gateway.procedures.judgement import (
    NO_MANDATE,
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
    stated_day,
)
from gateway.procedures.lists import COUNTRIES
from gateway.procedures.lists.new_employers import beginning
from gateway.registers import Address, Mandate, Origin, Registration

FORM = Form(
    procedure="DEMEMP",
    record="Employer",
    refused_in="EMPRET",
    bad_employer="EMPRET-2",
    fields=(
        "Kind",
        "NationalNumber",
        "Employer",
        "Name",
        "LegalForm",
        "HouseNumber",
        "Street",
        "Postcode",
        "Town",
        "Country",
        "Activity",
        "Started",
        "Reference",
    ),
    assigned_in="EMPASS",
)

EXTENSIONS = 100
ADDRESS = ("HouseNumber", "Street", "Postcode", "Town", "Country")
OF_REGISTRATION = ("NationalNumber", "LegalForm", *ADDRESS, "Activity", "Started")
"""Fields that a change of name leaves out."""
YEARS_BEFORE = 3
YEARS_AFTER = 1


@dataclass(frozen=True, slots=True)
class Request:
    """A record read, with what is known of its sender."""

    record: Record
    sender: MemberId
    by_fiduciary: bool
    received: Received

    def __getitem__(self, field: str) -> str:
        return self.record.fields[field]

    def has(self, field: str) -> bool:
        return field in self.record.fields

    @property
    def is_registration(self) -> bool:
        return self["Kind"] == "registration"

    @property
    def national(self) -> str:
        return self.record.fields.get("NationalNumber", "")

    @property
    def started(self) -> date | None:
        return stated_day(self.record.fields.get("Started"))

    @property
    def by_itself(self) -> bool:
        return is_itself(self.sender, self.national)

    @property
    def subject(self) -> tuple[str, str]:
        """What it is about: no two records of a file may be about the same."""
        return (self.national, self["Name"]) if self.is_registration else (self["Employer"], "")


def _wrong_number(request: Request) -> bool:
    return request.is_registration and not is_legal_person(request.national)


def _wrong_form(request: Request) -> bool:
    stated = request.record.fields.get("LegalForm")
    return request.is_registration and stated is not None and request.national[4:6] not in ("", stated)


def _wrong_start(request: Request) -> bool:
    if not (request.is_registration and request.has("Started")):
        return False
    day, started = request.received.day, request.started
    earliest, latest = _years_later(day, -YEARS_BEFORE), _years_later(day, YEARS_AFTER)
    return started is None or not earliest <= started <= latest


def _years_later(day: date, years: int) -> date:
    """The same day of another year; 1 March for the 29 February it has not."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)


def _missing(field: str) -> Rule[Request]:
    """An address is stated whole or not at all."""
    return Rule(
        "EMPRET-6",
        field,
        lambda r: r.is_registration and not r.has(field) and any(map(r.has, ADDRESS)),
    )


def _foreign(field: str) -> Rule[Request]:
    return Rule("EMPRET-11", field, lambda r: not r.is_registration and r.has(field))


RULES: tuple[Rule[Request], ...] = (
    Rule("EMPRET-3", "NationalNumber", _wrong_number),
    Rule(
        "EMPRET-10",
        "NationalNumber",
        lambda r: r.is_registration and not (r.by_fiduciary or r.by_itself or _wrong_number(r)),
    ),
    Rule("EMPRET-11", "Employer", lambda r: r.is_registration and r.has("Employer")),
    Rule("EMPRET-2", "Employer", lambda r: not r.is_registration and not r.has("Employer")),
    Rule("EMPRET-5", "LegalForm", _wrong_form),
    *map(_missing, ADDRESS),
    Rule(
        "EMPRET-7",
        "Country",
        lambda r: r.is_registration and r.has("Country") and r["Country"] not in COUNTRIES,
    ),
    Rule("EMPRET-9", "Started", _wrong_start),
    *map(_foreign, OF_REGISTRATION),
)
"""What a record must satisfy beyond the form."""

DOUBTS: Doubts = {"Kind": ({"Kind": "registration"}, {"Kind": "name"})}
"""How illegible fields are completed, so that only what is certain of a record is found."""


def handle(batch: Batch, context: Context) -> Outcome:
    """Register and rename, one record after the other; say which were refused and why."""
    employers = employer_faults(FORM, context.rights)

    def request(record: Record) -> Request:
        return Request(record, context.sender, context.sender_is_fiduciary, context.received)

    def judge(record: Record) -> list[Finding]:
        return _findings(request(record), employers)

    refusals = list(refuse_malformed(FORM, batch, employers, Certain(judge, DOUBTS, ("Kind",))))
    done: dict[tuple[str, str], Assignment] = {}
    for record in in_order(batch.records):
        asked = request(record)
        outcome = judge(record) or _take_effect(asked, context, done.keys())
        if isinstance(outcome, Assignment):
            done[asked.subject] = outcome
        else:
            refusals.append(FORM.refusal(record, outcome))
    refusals.sort(key=lambda refusal: refusal.record.number)
    return Outcome(len(done), refusals=refusals, returns=FORM.returns(refusals, list(done.values())))


def _findings(request: Request, employers: Once[str | None]) -> list[Finding]:
    findings = broken(RULES, request)
    if not request.is_registration and request.has("Employer") and (fault := employers[request["Employer"]]):
        findings.append((fault, "Employer"))
    return findings


def _take_effect(
    request: Request, context: Context, done: Collection[tuple[str, str]]
) -> Assignment | list[Finding]:
    """The number of an employer registered, found or renamed; or why not."""
    if request.subject in done:
        return [("EMPRET-13", "Name")]
    return _register(request, context) if request.is_registration else _rename(request, context)


def _rename(request: Request, context: Context) -> Assignment | list[Finding]:
    employers, number = context.registers.employers, request["Employer"]
    name = employers.name(number)
    if name is None:
        return [(NO_MANDATE, "Employer")]  # a mandate can be older than the entry of the employer
    if name == request["Name"]:
        return [("EMPRET-12", "Name")]
    employers.rename(number, request["Name"], context.received.day, context.deposit)
    return Assignment(request.record, number, existing=True)


def _register(request: Request, context: Context) -> Assignment | list[Finding]:
    employers = context.registers.employers
    known = employers.of_legal_person(request.national)
    found = next((number for number, name in sorted(known.items()) if name == request["Name"]), None)
    numbers = (f"{request.national}{extension:02d}" for extension in range(EXTENSIONS))
    if known and found is None and not request.by_itself:
        return [("EMPRET-15", "Name")]
    number = found or next((free for free in numbers if free not in known), None)
    if number is None:
        return [("EMPRET-14", "NationalNumber")]
    if found is None:
        employers.enter(_registration(number, request))
    if request.by_itself:
        _allow(number, context)
    return Assignment(request.record, number, existing=found is not None)


def _registration(number: str, request: Request) -> Registration:
    fields, start = request.record.fields, beginning(request.received)
    year = request.received.day.year
    first = request.started.year if request.started else year
    return Registration(
        matricule=number,
        name=request["Name"],
        mde_class=start.mde_class,
        accident_factor=start.accident_factor,
        years=range(min(first, year), max(first, year) + 1),
        legal_form=fields.get("LegalForm"),
        address=Address.of(fields) if request.has("Street") else None,
        activity=fields.get("Activity"),
        started=request.started,
    )


def _allow(employer: str, context: Context) -> None:
    """Give an employer that registered itself its own mandate, unless it has one."""
    mandates, received = context.registers.mandates, context.received
    known = (one for one in mandates.for_employer(employer) if one.member == context.sender)
    if not any(one.covers(FORM.procedure, received) for one in known):
        own = Mandate(0, context.sender, employer, scope(), received.day, since=received)
        mandates.enter(own, Origin(received, context.sender, context.deposit))
