"""DEMDET: activities abroad under Luxembourg's social security; refused records go back as DETRET.

What each kind of record does:

* `creation` declares an activity from `First` to `Last`;
* `rectification` states one anew, whole, in place of the one declared before;
* `cancellation` wipes one declared before.

The one declared before has the same employer, insured and procedure, and the reference that `Previous`
names; without `Previous`, the same first day. Where there is none, or more than one of that reference,
the record is refused (DETRET-NONE). Activities of one procedure never share a day (DETRET-KNOWN). Records
of a file take effect in their order. What a cancellation states beyond that is not judged.

The procedures are those of Regulation (EC) No 883/2004, and one more:

* `civil-servant-seafarer-aircrew`, art. 11: civil servants, seafarers, flight and cabin crew;
* `posting`, art. 12: for at most 24 months in a State where the regulation is applied; longer is only
  hinted at (DETRET-LONG), as both States may agree on it;
* `multi-state`, art. 13: usual work in several of these States; with `Telework`, a request under the
  framework agreement on telework, whose conditions have a code each (DETRET-TELEWORK-…);
* `rhine`, art. 16: boatmen on the Rhine, whose creation needs the annexes RHIN and EXPL in one container
  with the batch (DETRET 9);
* `third-country`: a posting elsewhere, no longer than the agreement with that country allows (DETRET 12).

An activity whose first day is not insured with the employer waits for the affiliation, one month at the
most (DETRET 11). Temporary-work agencies declare postings with their missions, by DECINT.

What the law fixes stands in `gateway/procedures/lists/abroad.yaml`. The operator's schemas were not read, so
the layout is ours; so are the codes beside 1 to 12. Further assumptions:

* the operator's record names the member: `MemberMatricule` and `MemberNumber`, where given, repeat the
  sender of the header (DETRET 1 and 2);
* limits that count back from the day of receipt (DETRET 6, DETRET-TELEWORK-RETRO) do not bind a
  rectification that keeps the first day;
* a first day that no calendar has gets DETRET 6 as well;
* telework under the agreement is asked for with the seat of the employer in Luxembourg, and without any
  other country but that of residence;
* of persons registered here the country of their address is known (DETRET 5); of others nothing is.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from stdnum import imo

from gateway.batch import Anomaly, Attachment, Batch, Record
from gateway.context import Context
from gateway.matricule import is_person
from gateway.moments import Received, months_after
from gateway.outcome import Outcome
from gateway.procedures.held import insured
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
from gateway.procedures.lists import COUNTRIES
from gateway.procedures.lists.abroad import Law, law
from gateway.registers import Activities, Activity, ActivityState, Pair
from gateway.rejections import REJECTIONS

FORM = Form(
    procedure="DEMDET",
    record="Activity",
    refused_in="DETRET",
    bad_employer="DETRET-3",
    fields=(
        "Kind",
        "Employer",
        "Insured",
        "MemberMatricule",
        "MemberNumber",
        "Procedure",
        "First",
        "Last",
        "ResidenceCountry",
        "HouseNumber",
        "Street",
        "Postcode",
        "Town",
        "HostCountry",
        "HostName",
        "HostTown",
        "Countries",
        "Telework",
        "TeleworkShare",
        "EmployerSeat",
        "Imo",
        "Occupation",
        "Previous",
        "Reference",
    ),
)

AGENCY = "DETRET-AGENCY"
COUNTRY = "DETRET-COUNTRY"
UNFIT = "DETRET-ACTIVITY"
KNOWN = "DETRET-KNOWN"
NONE = "DETRET-NONE"
LIMITED = "DETRET-12"
LONG = "DETRET-LONG"
"""The hint on a posting that both States have to agree on."""
WAITS = "DETRET-HELD"
"""The hint that names an activity on hold in the acknowledgement."""

MOST_COUNTRIES = 3
"""Of the other activity (DETRET 7)."""

ANNEXES = frozenset({"RHIN", "EXPL"})
"""What comes with the declaration of a boatman (DETRET 9)."""

_HOME = "LU"


class Kind(StrEnum):
    """What a record does."""

    CREATION = "creation"
    RECTIFICATION = "rectification"
    CANCELLATION = "cancellation"


class Way(StrEnum):
    """By which rule the applicable law is found."""

    CREW = "civil-servant-seafarer-aircrew"
    POSTING = "posting"
    MULTI_STATE = "multi-state"
    RHINE = "rhine"
    THIRD_COUNTRY = "third-country"


@dataclass(frozen=True, slots=True)
class Claim:
    """A record read, with what its batch and its day of receipt say of it.

    Attributes:
        context: the circumstances of its batch.
        law: what held on the day of receipt.
        annexes: the kinds of annex that came with the batch for this insured and are taken.
        day: the first day stated; None when it is not in the calendar.
        first: the same; None as well when such a day is never taken.
        last: its last day, inclusive; None when not stated or not in the calendar.
        identified: whether the insured's number is right and counts still.
    """

    record: Record
    context: Context
    law: Law
    annexes: frozenset[str]
    kind: Kind
    way: Way
    day: date | None
    first: date | None
    last: date | None
    identified: bool

    def __getitem__(self, field: str) -> str:
        """What a field states; nothing when it is absent."""
        return self.record.fields.get(field, "")

    @property
    def pair(self) -> Pair:
        return self["Employer"], self["Insured"]

    @property
    def countries(self) -> list[str]:
        """Those of the other activity."""
        return self["Countries"].split()

    @property
    def telework(self) -> bool:
        """Whether it is a request under the framework agreement."""
        return self.way is Way.MULTI_STATE and self["Telework"] == "true"

    def longer_than(self, months: int) -> bool:
        """Whether it lasts longer than so many months, where its days are known."""
        if self.first is None or self.last is None:
            return False
        return self.last > months_after(self.first, months) - timedelta(1)

    def activity(self, deposit: int) -> Activity | None:
        """The activity it states; None when its days are not known or not in order."""
        if self.first is None or self.last is None or self.last < self.first:
            return None
        return Activity(
            *self.pair, self.way.value, self.first, self.last, deposit, self.record.number, self.record.fields
        )


FITTING: dict[str, frozenset[Way]] = {
    "HostCountry": frozenset({Way.POSTING, Way.THIRD_COUNTRY, Way.CREW}),
    "HostName": frozenset({Way.POSTING, Way.THIRD_COUNTRY, Way.CREW}),
    "HostTown": frozenset({Way.POSTING, Way.THIRD_COUNTRY, Way.CREW}),
    "Countries": frozenset({Way.MULTI_STATE, Way.RHINE}),
    "Telework": frozenset({Way.MULTI_STATE}),
    "TeleworkShare": frozenset({Way.MULTI_STATE}),
    "Imo": frozenset({Way.CREW}),
}
"""Which procedures know a field; one that is not here fits all."""


def _misses_host(c: Claim) -> bool:
    return c.way in (Way.POSTING, Way.THIRD_COUNTRY) and not c["HostCountry"]


def _misses_countries(c: Claim) -> bool:
    return c.way is Way.MULTI_STATE and not c["Countries"] and c["Telework"] != "true"


def _wrong_host(c: Claim) -> bool:
    host = c["HostCountry"]
    if host not in COUNTRIES:
        return True
    if host == _HOME:
        return c.way is not Way.CREW  # the flag of the ship
    coordinated = host in c.law.coordinated
    return (c.way is Way.POSTING and not coordinated) or (c.way is Way.THIRD_COUNTRY and coordinated)


def _wrong_countries(c: Claim) -> bool:
    others = c.countries
    return len(set(others)) < len(others) or not set(others) <= c.law.coordinated - {_HOME}


def _beyond_agreement(c: Claim) -> bool:
    months = c.law.agreement_months.get(c["HostCountry"])
    if c.way is not Way.THIRD_COUNTRY or months is None:
        return False
    return _given(LIMITED, c.context.received) and c.longer_than(months)


def _given(code: str, received: Received) -> bool:
    """Whether a code is given already for what is received on that day."""
    since = REJECTIONS[code].since
    return since is None or since <= received.day


def _wrong_share(c: Claim) -> bool:
    share = c["TeleworkShare"]
    return not share or not c.law.share_least <= Decimal(share) < c.law.share_below


def _not_signatory(c: Claim) -> bool:
    residence = c["ResidenceCountry"]
    since = c.law.signatories.get(residence)
    return bool(residence) and (since is None or (c.first is not None and c.first < since))


def _works_elsewhere(c: Claim) -> bool:
    return bool(c["ResidenceCountry"]) and not set(c.countries) <= {c["ResidenceCountry"]}


def _stated(code: str, field: str, wrong: Callable[[Claim], bool]) -> Rule[Claim]:
    """A rule on a value, where it is stated."""
    return Rule(code, field, lambda c: bool(c[field]) and wrong(c))


def _under_agreement(code: str, field: str, wrong: Callable[[Claim], bool]) -> Rule[Claim]:
    """A condition of the framework agreement on telework."""
    return Rule(code, field, lambda c: c.telework and wrong(c))


def _unfit(field: str) -> Rule[Claim]:
    return _stated(UNFIT, field, lambda c: c.way not in FITTING[field])


def _british_boatman(field: str) -> Rule[Claim]:
    return Rule("DETRET-8", field, lambda c: c.way is Way.RHINE and "GB" in c[field].split())


IDENTITY: tuple[Rule[Claim], ...] = (
    Rule(AGENCY, "Employer", lambda c: c.context.sender_is_agency),
    Rule("DETRET-4", "Insured", lambda c: not c.identified),
    Rule("DETRET-6", "First", lambda c: c.day is None),
    _stated("DETRET-1", "MemberMatricule", lambda c: c["MemberMatricule"] != c.context.sender.matricule),
    _stated("DETRET-2", "MemberNumber", lambda c: c["MemberNumber"] != c.context.sender.number),
)
"""What a record of any kind must satisfy."""

STATED: tuple[Rule[Claim], ...] = (
    Rule("DETRET-9", "Procedure", lambda c: c.kind is Kind.CREATION and _lacks_annexes(c)),
    Rule("DETRET-6", "First", lambda c: c.day is not None and c.first is None),
    Rule("DETRET-LAST", "Last", lambda c: c.last is None or (c.first is not None and c.last < c.first)),
    Rule(LIMITED, "Last", _beyond_agreement),
    _under_agreement("DETRET-TELEWORK-DURATION", "Last", lambda c: c.longer_than(c.law.telework_months)),
    _stated(COUNTRY, "ResidenceCountry", lambda c: c["ResidenceCountry"] not in COUNTRIES),
    _british_boatman("ResidenceCountry"),
    _under_agreement(
        "DETRET-TELEWORK-RESIDENCE", "ResidenceCountry", lambda c: c["ResidenceCountry"] == _HOME
    ),
    _under_agreement("DETRET-TELEWORK-STATE", "ResidenceCountry", _not_signatory),
    *map(_unfit, FITTING),
    Rule(UNFIT, "HostCountry", _misses_host),
    _stated(COUNTRY, "HostCountry", _wrong_host),
    Rule(UNFIT, "Countries", _misses_countries),
    _stated(COUNTRY, "Countries", _wrong_countries),
    Rule("DETRET-7", "Countries", lambda c: len(c.countries) > MOST_COUNTRIES),
    _british_boatman("Countries"),
    _under_agreement("DETRET-TELEWORK-OTHER", "Countries", _works_elsewhere),
    _under_agreement("DETRET-TELEWORK-SHARE", "TeleworkShare", _wrong_share),
    _stated(COUNTRY, "EmployerSeat", lambda c: c["EmployerSeat"] not in COUNTRIES),
    _british_boatman("EmployerSeat"),
    _under_agreement(
        "DETRET-TELEWORK-RESIDENCE", "EmployerSeat", lambda c: c["EmployerSeat"] not in ("", _HOME)
    ),
    _stated("DETRET-10", "Imo", lambda c: not imo.is_valid(c["Imo"])),
)
"""What a declared activity must satisfy, when it is declared as well as when it is stated anew."""

NEWLY_STATED: tuple[Rule[Claim], ...] = (
    Rule("DETRET-6", "First", lambda c: c.first is not None and c.first < c.law.oldest),
    _under_agreement(
        "DETRET-TELEWORK-RETRO", "First", lambda c: c.first is not None and c.first < c.law.telework_oldest
    ),
)
"""What a first day must satisfy that was not declared before."""


def _lacks_annexes(c: Claim) -> bool:
    return c.way is Way.RHINE and not c.annexes >= ANNEXES


REQUIRED = ("Kind", "Employer", "Insured", "Procedure", "First", "Last", "ResidenceCountry")

DOUBTS: Doubts = {
    "Kind": ({"Kind": "creation"}, {"Kind": "cancellation"}),
    "Employer": ({"Employer": "0"}, {"Employer": "0"}),
    "Insured": ({"Insured": "0"}, {"Insured": "0"}),
    # Between them they know every field.
    "Procedure": ({"Procedure": Way.CREW.value}, {"Procedure": Way.MULTI_STATE.value}),
    "First": ({"First": "2010-05-01"}, {"First": "2999-12-31"}),
    "Telework": ({"Telework": None}, {"Telework": "true"}),
}
"""How illegible fields are completed, so that only what is certain of a record is found."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a good record does: `new` alone declares, `old` and `new` replace, `old` alone cancels."""

    old: Activity | None
    new: Activity | None


class Standing:
    """The activities of the pairs of a file as they stand, record after record.

    Kept in order of their first days. Those of one pair and procedure never overlap, so that a neighbour
    tells all: a file that declares one person thousands of times stays quick.
    """

    def __init__(self, register: Activities, pairs: Collection[Pair]) -> None:
        self._register = register
        self._activities: dict[tuple[Pair, str], list[Activity]] = defaultdict(list)
        self._referred: dict[tuple[Pair, str, str | None], list[Activity]] = defaultdict(list)
        for known in register.standing(pairs).values():
            for activity in known:
                self._insert(activity)

    def effect(self, claim: Claim, deposit: int) -> Effect | Finding | None:
        """What a record would do, or why there is nothing to do it to.

        None when its own dates do not say which days it means, which other findings tell.
        """
        old = None
        if claim.kind is not Kind.CREATION:
            if not claim["Previous"] and claim.day is None:
                return None
            old = self._earlier(claim)
            if old is None:
                return NONE, "Previous" if claim["Previous"] else "First"
            if claim.kind is Kind.CANCELLATION:
                return Effect(old, None)
        new = claim.activity(deposit)
        if new is None:
            return None
        return (KNOWN, "First") if self._overlaps_others(new, old) else Effect(old, new)

    def take(self, effect: Effect, state: ActivityState) -> None:
        """Let a record take effect, here and in the register; a new activity enters in a state."""
        if effect.old is not None:
            replaced = ActivityState.CANCELLED if effect.new is None else ActivityState.REPLACED
            self._register.end(effect.old, replaced)
            self._remove(effect.old)
        if effect.new is not None:
            self._register.add(effect.new, state)
            self._insert(effect.new)

    def _earlier(self, claim: Claim) -> Activity | None:
        """The one activity that a rectification or cancellation means."""
        if claim["Previous"]:
            found = self._referred[claim.pair, claim.way.value, claim["Previous"]]
        else:
            known = self._activities[claim.pair, claim.way.value]
            place = bisect_left(known, claim.day or date.max, key=_first)
            found = [one for one in known[place : place + 1] if one.first == claim.day]
        return found[0] if len(found) == 1 else None

    def _overlaps_others(self, new: Activity, old: Activity | None) -> bool:
        """Whether any activity but the one it replaces shares a day with a new one."""
        known = self._activities[new.pair, new.procedure]
        place = bisect_right(known, new.last, key=_first) - 1
        if place >= 0 and known[place] is old:
            place -= 1
        return place >= 0 and known[place].overlaps(new.first, new.last)

    def _insert(self, activity: Activity) -> None:
        insort(self._activities[activity.pair, activity.procedure], activity, key=_first)
        self._referred[activity.pair, activity.procedure, activity.reference].append(activity)

    def _remove(self, activity: Activity) -> None:
        known = self._activities[activity.pair, activity.procedure]
        del known[bisect_left(known, activity.first, key=_first)]
        self._referred[activity.pair, activity.procedure, activity.reference].remove(activity)


def _first(activity: Activity) -> date:
    return activity.first


def handle(batch: Batch, context: Context) -> Outcome:
    """Judge every record in order, let the good ones take effect, say which were refused and why."""
    employers = employer_faults(FORM, context.rights)
    read = _reader(batch.attachments, context, replaced_numbers(batch.records, employers, context.registers))

    def judge(record: Record) -> list[Finding]:
        return _findings(read(record), employers, None)

    refusals = list(refuse_malformed(FORM, batch, employers, Certain(judge, DOUBTS, REQUIRED)))
    claims = [read(record) for record in in_order(batch.records)]
    permitted = {claim.pair for claim in claims if claim.identified and not employers[claim["Employer"]]}
    standing = Standing(context.registers.activities, permitted)
    affiliations = context.registers.affiliations.of(permitted)
    residences = context.registers.persons.residences({person for _, person in permitted})
    waiting: dict[int, Claim] = {}
    hints: list[Anomaly] = []
    for claim in claims:
        effect = standing.effect(claim, context.deposit) if claim.pair in permitted else None
        old = effect.old if isinstance(effect, Effect) else None
        findings = _findings(claim, employers, old)
        if claim.pair in permitted:
            findings += _residence_findings(claim, residences.get(claim["Insured"]))
        if isinstance(effect, tuple):
            findings.append(effect)
        if findings or not isinstance(effect, Effect):
            refusals.append(FORM.refusal(claim.record, findings))
            continue
        held = effect.new is not None and not insured(effect.new, affiliations)
        standing.take(effect, ActivityState.HELD if held else ActivityState.CURRENT)
        if old is not None and old.deposit == context.deposit:
            waiting.pop(old.record, None)
        if held:
            waiting[claim.record.number] = claim
        hints += _hints(claim)
    refusals.sort(key=lambda refusal: refusal.record.number)
    hints += [FORM.anomaly(claim.record, WAITS, "Insured") for claim in waiting.values()]
    hints.sort(key=lambda hint: hint.record or 0)
    return Outcome(
        accepted=batch.size - len(refusals) - len(waiting),
        held=len(waiting),
        refusals=refusals,
        returns=FORM.returns(refusals),
        hints=hints,
    )


def _reader(
    attachments: Iterable[Attachment], context: Context, replaced: Collection[str]
) -> Callable[[Record], Claim]:
    """Reads the records of a batch; `replaced` are the numbers of insured that count no more."""
    annexes: dict[str, set[str]] = {}
    for one in attachments:
        if one.fault is None:
            annexes.setdefault(one.subject, set()).add(one.kind)
    valid = law(context.received)

    def read(record: Record) -> Claim:
        first = calendar_day(record.fields.get("First", ""))
        number = record.fields.get("Insured", "")
        taken = first is not None and valid.earliest <= first <= valid.latest
        return Claim(
            record=record,
            context=context,
            law=valid,
            annexes=frozenset(annexes.get(number, ())),
            kind=Kind(record.fields["Kind"]),
            way=Way(record.fields["Procedure"]),
            day=first,
            first=first if taken else None,
            last=calendar_day(record.fields.get("Last", "")),
            identified=is_person(number) and number not in replaced,
        )

    return read


def _findings(claim: Claim, employers: Once[str | None], old: Activity | None) -> list[Finding]:
    """What a record itself tells to be wrong with it; `old` is the activity that it states anew."""
    findings = broken(IDENTITY, claim)
    if fault := employers[claim["Employer"]]:
        findings.append((fault, "Employer"))
    if claim.kind is not Kind.CANCELLATION:
        findings += broken(STATED, claim)
        if old is None or old.first != claim.first:
            findings += broken(NEWLY_STATED, claim)
    return findings


def _residence_findings(claim: Claim, known: str | None) -> Iterator[Finding]:
    """What the register of persons has against the residence stated."""
    if claim.kind is not Kind.CANCELLATION and known not in (None, claim["ResidenceCountry"]):
        yield "DETRET-5", "ResidenceCountry"


def _hints(claim: Claim) -> Iterator[Anomaly]:
    """What is odd about an activity that was declared."""
    declares = claim.kind is not Kind.CANCELLATION and claim.way is Way.POSTING
    if declares and claim.longer_than(claim.law.posting_months):
        yield FORM.anomaly(claim.record, LONG, "Last")
