"""DECMAL: incapacity declarations and their cancellation; refused records go back as MALRET.

What each kind of record does:

* `declaration` states that an insured could not work from `Start` to `End`, and the hours this took.
  Its days lie in one month: an incapacity that lasts longer is declared month by month;
* `cancellation` wipes all that stands for the employer, the insured and the month. This is how a
  declaration is corrected: cancelled first, then declared anew.

Records of a file take effect in their order, so that both may stand in one file. The days declared for
one employer and insured never overlap (MALRET-KNOWN); where nothing stands, nothing is cancelled
(MALRET-NONE). Hours beyond those of the wage of that month are only hinted at (MALRET-HOURS), where such a
wage counts already: which of the two is wrong is not known here, and the wage may come later.

`DUE` says what a declaration states and a cancellation leaves out, `RULES` what the values satisfy.

Layout and meaning of most codes are published, details are not. Our assumptions:

* the types of incapacity are 1 to 5; what they mean decides about refunds alone (`gateway/mutuality`);
* a cancellation with one of the fields of a declaration gets the code of that field (MALRET 5, 6, 7, 10);
* a month is later than the last one by the day of receipt on the Luxembourg calendar (MALRET 9), and older
  than three years when its last day is (MALRET 15); both kinds of record are judged so;
* MALRET 11 is given when no affiliation touches the month, MALRET 13 when those that do leave out a day of
  the incapacity; several that follow one another may cover it together;
* MALRET 12 is given when an affiliation on one of its days is under a scheme of civil servants. That all of
  them have unlimited pay continuation is assumed; schemes of the self-employed are not known here, so that
  their incapacities are refused as MALRET 11;
* MALRET 14 counts every calendar day from `Start` to `End`;
* MALRET-HOURS compares all hours that stand for the month with those of all wages that count for it;
* a cancellation needs no affiliation: the entry may have been cancelled before.
"""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from gateway.batch import Anomaly, Batch, Record
from gateway.context import Context
from gateway.matricule import is_person
from gateway.moments import Period, Received
from gateway.outcome import Outcome
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
    replaced_numbers,
)
from gateway.procedures.lists import CIVIL_SERVANTS
from gateway.registers import Absence, AbsenceState, Affiliation, InsuredMonth, Pair, Registers

FORM = Form(
    procedure="DECMAL",
    record="Incapacity",
    refused_in="MALRET",
    bad_employer="MALRET-3",
    fields=("Kind", "Employer", "Insured", "Period", "IncapacityType", "Start", "End", "Hours"),
)

KNOWN = "MALRET-KNOWN"
NONE = "MALRET-NONE"
HOURS = "MALRET-HOURS"
"""The hint on hours beyond those of the wage."""

TYPES = frozenset("12345")
"""The types of incapacity in use."""

MOST_HOURS = 12
"""Of one day (MALRET 14)."""

YEARS = 3
"""After which an incapacity is no longer taken (MALRET 15)."""


class Kind(StrEnum):
    """What a record does."""

    DECLARATION = "declaration"
    CANCELLATION = "cancellation"


DUE = (("MALRET-7", "IncapacityType"), ("MALRET-5", "Start"), ("MALRET-6", "End"), ("MALRET-10", "Hours"))
"""What a declaration states and a cancellation leaves out, with the code when it is not so."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A record read.

    Attributes:
        month: employer, insured and period that it is about.
        late: code due when its period is one we do not take (MALRET 9 or 15), or None.
        identified: whether the insured's matricule is right.
        start, end: its days, both inclusive; None when not stated or not in the calendar.
        hours: as declared; 0 when not stated.
    """

    record: Record
    kind: Kind
    month: InsuredMonth
    late: str | None
    identified: bool
    start: date | None
    end: date | None
    hours: int

    def __getitem__(self, field: str) -> str:
        """What a field states; nothing when it is absent."""
        return self.record.fields.get(field, "")

    @property
    def days(self) -> tuple[date, date] | None:
        """First and last day, where both are known and in order."""
        if self.start is None or self.end is None or self.end < self.start:
            return None
        return self.start, self.end

    @property
    def absence_days(self) -> tuple[date, date] | None:
        """First and last day of a declaration, where both also lie in its month."""
        return None if self.kind is Kind.CANCELLATION or _outside(self) else self.days


def _outside(claim: Claim) -> bool:
    period = claim.month.period
    return any(day is not None and not period.first <= day <= period.last for day in (claim.start, claim.end))


def _end_before_start(claim: Claim) -> bool:
    return claim.start is not None and claim.end is not None and claim.end < claim.start


def _too_many_hours(claim: Claim) -> bool:
    if claim.days is None:
        return False
    first, last = claim.days
    return claim.hours > MOST_HOURS * ((last - first).days + 1)


RULES: tuple[Rule[Claim], ...] = (
    Rule("MALRET-7", "IncapacityType", lambda claim: claim["IncapacityType"] not in ("", *TYPES)),
    Rule("MALRET-5", "Start", lambda claim: bool(claim["Start"]) and claim.start is None),
    Rule("MALRET-6", "End", lambda claim: bool(claim["End"]) and claim.end is None),
    Rule("MALRET-8", "End", _end_before_start),
    Rule("MALRET-16", "Period", _outside),
    Rule("MALRET-14", "Hours", _too_many_hours),
)
"""What the values of a declaration satisfy."""

REQUIRED = ("Kind", "Employer", "Insured", "Period")

DOUBTS: Doubts = {
    "Kind": ({"Kind": "declaration"}, {"Kind": "cancellation"}),
    "Employer": ({"Employer": "0"}, {"Employer": "0"}),
    "Insured": ({"Insured": "0"}, {"Insured": "0"}),
    "Period": ({"Period": "2023-01"}, {"Period": "2023-01"}),
}
"""How illegible fields are completed, so that only what is certain of a record is found."""


class Standing:
    """The incapacities that stand for the months of a file, record after record.

    Those of one month never overlap and are kept in the order of their days, so that there are 31 at
    the most. `fresh` holds what the file itself declared, with what has become of it.
    """

    def __init__(self, registers: Registers, months: Collection[InsuredMonth]) -> None:
        self._absences = registers.absences
        self._standing = {month: list(known) for month, known in registers.absences.standing(months).items()}
        self._wage_hours = registers.wages.hours(months)
        self._fresh: dict[InsuredMonth, list[Absence]] = defaultdict(list)
        self._wiped: dict[InsuredMonth, list[Absence]] = defaultdict(list)

    def finding(self, claim: Claim) -> Finding | None:
        """Why a record can have no effect on what stands, if so."""
        known = self._standing.get(claim.month, [])
        if claim.kind is Kind.CANCELLATION:
            return None if known else (NONE, "Period")
        days = claim.absence_days
        if days is not None and any(one.first <= days[1] and days[0] <= one.last for one in known):
            return KNOWN, "Start"
        return None

    def declare(self, absence: Absence) -> None:
        """Let a declaration take effect."""
        insort(self._standing.setdefault(absence.month, []), absence, key=lambda one: one.first)
        self._fresh[absence.month].append(absence)

    def cancel(self, month: InsuredMonth) -> None:
        """Let a cancellation take effect."""
        self._wiped[month] += self._fresh.pop(month, [])
        del self._standing[month]

    def beyond_the_wage(self, month: InsuredMonth) -> bool:
        """Whether the hours that stand for a month are more than those of its wages, where there are any."""
        claimed = sum(absence.hours for absence in self._standing[month])
        return month in self._wage_hours and claimed > self._wage_hours[month]

    def enter(self) -> None:
        """Enter in the register what the file has changed."""
        self._absences.cancel(self._wiped.keys())
        self._absences.add(
            (absence, state)
            for absences, state in (
                (self._wiped, AbsenceState.CANCELLED),
                (self._fresh, AbsenceState.CURRENT),
            )
            for absence in sorted((one for each in absences.values() for one in each), key=_place)
        )


def handle(batch: Batch, context: Context) -> Outcome:
    """Judge every record in order, let the good ones take effect, say which were refused and why."""
    employers = employer_faults(FORM, context.rights)
    replaced = replaced_numbers(batch.records, employers, context.registers)

    def judge(record: Record) -> list[Finding]:
        (claim,) = _read_all([record], context.received, replaced)
        return _own_findings(claim, employers)

    refusals = list(refuse_malformed(FORM, batch, employers, Certain(judge, DOUBTS, REQUIRED)))
    claims = _read_all(in_order(batch.records), context.received, replaced)
    permitted = {
        claim.month
        for claim in claims
        if claim.identified and not claim.late and not employers[claim.month.employer]
    }
    affiliations = context.registers.affiliations.of({_pair(month) for month in permitted})
    standing = Standing(context.registers, permitted)
    hints: list[Anomaly] = []
    for claim in claims:
        findings = _own_findings(claim, employers)
        if claim.month in permitted:
            findings += _affiliation_findings(claim, affiliations)
            findings += [found] if (found := standing.finding(claim)) else []
        if findings:
            refusals.append(FORM.refusal(claim.record, findings))
        elif claim.kind is Kind.CANCELLATION:
            standing.cancel(claim.month)
        else:
            standing.declare(_absence(claim, context.deposit))
            if standing.beyond_the_wage(claim.month):
                hints.append(FORM.anomaly(claim.record, HOURS, "Hours"))
    standing.enter()
    refusals.sort(key=lambda refusal: refusal.record.number)
    return Outcome(
        accepted=batch.size - len(refusals), refusals=refusals, returns=FORM.returns(refusals), hints=hints
    )


def _read_all(records: Iterable[Record], received: Received, replaced: Collection[str]) -> list[Claim]:
    periods = Once(lambda text: _period(text, received))
    people = Once(lambda number: is_person(number) and number not in replaced)
    return [_read(record, periods, people) for record in records]


def _read(record: Record, periods: Once[tuple[Period, str | None]], people: Once[bool]) -> Claim:
    fields = record.fields
    period, late = periods[fields["Period"]]
    return Claim(
        record=record,
        kind=Kind(fields["Kind"]),
        month=InsuredMonth(fields["Employer"], fields["Insured"], period),
        late=late,
        identified=people[fields["Insured"]],
        start=calendar_day(fields.get("Start", "")),
        end=calendar_day(fields.get("End", "")),
        hours=int(fields.get("Hours", 0)),
    )


def _period(text: str, received: Received) -> tuple[Period, str | None]:
    """The month a text names, and the code due when it is one we do not take."""
    period = Period.parse(text)
    if period >= Period.of(received):
        return period, "MALRET-9"
    last, day = period.last, received.day
    # Compared field by field, for the same day three years later may not exist.
    old = (last.year + YEARS, last.month, last.day) < (day.year, day.month, day.day)
    return period, "MALRET-15" if old else None


def _own_findings(claim: Claim, employers: Once[str | None]) -> list[Finding]:
    """What a record itself tells to be wrong with it."""
    declares = claim.kind is Kind.DECLARATION
    findings = [(code, field) for code, field in DUE if bool(claim[field]) != declares]
    findings += broken(RULES, claim) if declares else []
    if fault := employers[claim.month.employer]:
        findings.append((fault, "Employer"))
    if not claim.identified:
        findings.append(("MALRET-2", "Insured"))
    if claim.late:
        findings.append((claim.late, "Period"))
    return findings


def _affiliation_findings(
    claim: Claim, affiliations: Mapping[Pair, Sequence[Affiliation]]
) -> Iterator[Finding]:
    """What the affiliations have against a declaration of an employer for whom the sender may act."""
    if claim.kind is Kind.CANCELLATION:
        return
    period = claim.month.period
    known = affiliations.get(_pair(claim.month), ())
    insuring = [one for one in known if one.overlaps(period.first, period.last)]
    if not insuring:
        yield "MALRET-11", "Insured"
    elif claim.absence_days is not None:
        first, last = claim.absence_days
        if not _covered(first, last, insuring):
            yield "MALRET-13", "Start"
        if any(one.scheme in CIVIL_SERVANTS for one in insuring if one.overlaps(first, last)):
            yield "MALRET-12", "Insured"


def _covered(first: date, last: date, affiliations: Iterable[Affiliation]) -> bool:
    """Whether affiliations, sorted by entry, insure every day of a span between them."""
    for affiliation in affiliations:
        if affiliation.entry <= first and (affiliation.exit is None or first <= affiliation.exit):
            if affiliation.exit is None or last <= affiliation.exit:
                return True
            first = affiliation.exit + timedelta(1)
    return False


def _absence(claim: Claim, deposit: int) -> Absence:
    """What a good declaration states."""
    assert claim.absence_days is not None
    first, last = claim.absence_days
    return Absence(
        claim.month, claim["IncapacityType"], first, last, claim.hours, deposit, claim.record.number
    )


def _pair(month: InsuredMonth) -> Pair:
    return month.employer, month.insured


def _place(absence: Absence) -> int:
    return absence.record
