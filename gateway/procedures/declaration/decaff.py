"""DECAFF: entry, exit, change and cancellation of an affiliation; refused records go back as AFFRET.

What each kind of record does:

* `entry` opens an affiliation;
* `exit` ends the one that is open (the one of `Entry`, where that is given);
* `change` states an affiliation anew, whole: what it says stands in place of the one that
  `PreviousEntry` and `PreviousExit` name as it stood before. A change without `Exit` reopens it;
* `cancellation` strikes the affiliation that `PreviousEntry` and `PreviousExit` name.

Records of a file take effect in their order: an entry and its exit may stand in one file, and an
entry that stands twice is refused the second time. The affiliations of one employer and insured
never overlap (AFFRET-KNOWN). When an affiliation begins to insure days for which a wage or an activity
abroad is on hold, that one counts from then on.

Missions of temporary workers are declared by DECINT: an entry or a change that shares a day with a
mission of the same agency is refused, and so is what ends, changes or cancels a mission (AFFRET-MISSION).

`DUE` says what each kind of record states, `RULES` what a stated value satisfies, whatever the kind.
What the form checks already is not checked again: a share is 0.00 to 100.00 there (AFFRET 22).

Some things are told and not refused, as they may be meant (`HINTS`): an entry or an exit more than half a
year after the day of receipt or three years before it (AFFRET-FAR), more hours a week than the law allows
(AFFRET-HOURS), and a fixed term that is longer than the law allows (AFFRET-LONG).

The operator's layout is not published. Our assumptions, beside those in `gateway/procedures/lists`:

* an `entry` and a `change` state address, occupation, scheme, hours, contract, entry date and
  workplace; an `exit` states the exit date; a `change` and a `cancellation` the previous entry date;
* contract type `I` is permanent and `A` an apprenticeship; `E`, `S`, `D` and `O` are attested;
* weekly hours are above zero; no date lies before 1900;
* a trial period may end on the same day of the next year, not later (AFFRET 15);
* the reasons for exit are 1 to 99, the list is unknown (AFFRET 27);
* the workplace's country must exist (AFFRET 19), and its postcode has four digits in Luxembourg;
* field 29 repeats the scheme code (AFFRET 29).
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from gateway.batch import Anomaly, Batch, Record
from gateway.context import Context
from gateway.matricule import is_person
from gateway.moments import Received, months_after
from gateway.outcome import Outcome
from gateway.procedures import held
from gateway.procedures.judgement import (
    Certain,
    Doubts,
    Due,
    Finding,
    Form,
    Once,
    Rule,
    absent,
    before,
    broken,
    employer_faults,
    in_order,
    refuse_malformed,
    replaced_numbers,
    stated_day,
)
from gateway.procedures.lists import (
    COUNTRIES,
    OCCUPATIONS,
    Contract,
    ExitDate,
    Scheme,
    contracts,
    schemes,
)
from gateway.procedures.spans import Spans
from gateway.registers import Affiliation, Affiliations, Pair

FORM = Form(
    procedure="DECAFF",
    record="Affiliation",
    refused_in="AFFRET",
    bad_employer="AFFRET-2",
    fields=(
        "Kind",
        "Employer",
        "Insured",
        "Country",
        "Postcode",
        "Town",
        "Occupation",
        "OccupationCode",
        "Scheme",
        "WeeklyHours",
        "ContractType",
        "Entry",
        "Exit",
        "TrialEnd",
        "WorkplaceCountry",
        "WorkplacePostcode",
        "WorkplaceTown",
        "Share",
        "ExitReason",
        "PreviousEntry",
        "PreviousExit",
        "SchemeControl",
        "Reference",
    ),
)

KNOWN = "AFFRET-KNOWN"
NONE = "AFFRET-NONE"
MISSION = "AFFRET-MISSION"

FAR_AHEAD, FAR_BACK = 6, -36
"""Months from the day of receipt beyond which a day of entry or exit is looked at (AFFRET-FAR). Ours: no
official rule names them."""

MOST_HOURS = "48.00"
"""Hours of a week, overtime included (Code du travail, art. L.211-12)."""

LONGEST_TERM = 24
"""Months of a fixed term, renewals included (Code du travail, art. L.122-4)."""

_LUXEMBOURG_POSTCODE = re.compile(r"[0-9]{4}")


class Kind(StrEnum):
    """What a record does."""

    ENTRY = "entry"
    EXIT = "exit"
    CHANGE = "change"
    CANCELLATION = "cancellation"


STATING = frozenset({Kind.ENTRY, Kind.CHANGE})
"""The kinds that state an affiliation in full."""

NAMING = frozenset({Kind.CHANGE, Kind.CANCELLATION})
"""The kinds that name an affiliation as it stood before."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A record read.

    `received` is the day of receipt; `identified` says whether the insured's matricule is right. A date is
    None when it is not stated, or is no day we take; so are contract and scheme when their code is not on
    the list.
    """

    record: Record
    kind: Kind
    received: date
    identified: bool
    entry: date | None
    exit: date | None
    trial_end: date | None
    previous_entry: date | None
    previous_exit: date | None
    contract: Contract | None
    scheme: Scheme | None

    def __getitem__(self, field: str) -> str:
        """What a field states; nothing when it is absent."""
        return self.record.fields.get(field, "")

    @property
    def pair(self) -> Pair:
        return self["Employer"], self["Insured"]

    @property
    def trial_limit(self) -> date | None:
        """The last day on which a trial period may end: the same day of the year after the entry."""
        if self.entry is None:
            return None
        leap_day = (self.entry.month, self.entry.day) == (2, 29)
        return self.entry.replace(year=self.entry.year + 1, day=28 if leap_day else self.entry.day)


DUE = (
    Due("AFFRET-3", "Country", STATING),
    Due("AFFRET-4", "Postcode", STATING),
    Due("AFFRET-5", "Town", STATING),
    Due("AFFRET-6", "Occupation", STATING),
    Due("AFFRET-7", "OccupationCode", STATING),
    Due("AFFRET-8", "Scheme", STATING),
    Due("AFFRET-9", "WeeklyHours", STATING),
    Due("AFFRET-10", "ContractType", STATING),
    Due("AFFRET-11", "Entry", STATING),
    Due("AFFRET-12", "Exit", frozenset({Kind.EXIT})),
    Due("AFFRET-19", "WorkplaceCountry", STATING),
    Due("AFFRET-20", "WorkplacePostcode", STATING),
    Due("AFFRET-21", "WorkplaceTown", STATING),
    Due("AFFRET-23", "PreviousEntry", NAMING),
)
"""What each kind of record states."""


def _wrong_workplace_postcode(d: Declared) -> bool:
    return d["WorkplaceCountry"] == "LU" and _LUXEMBOURG_POSTCODE.fullmatch(d["WorkplacePostcode"]) is None


def _trial_after_a_year(d: Declared) -> bool:
    return d.trial_end is not None and d.trial_limit is not None and d.trial_end > d.trial_limit


def _exit_required(d: Declared) -> bool:
    return d.kind in STATING and d.contract is not None and d.contract.exit is ExitDate.REQUIRED


def _exit_refused(d: Declared) -> bool:
    return d.kind is Kind.ENTRY and d.contract is not None and d.contract.exit is ExitDate.REFUSED


def _foreign_to_scheme(d: Declared) -> bool:
    return d.contract is not None and d.scheme is not None and d.scheme.code not in d.contract.schemes


def _far(day: date | None, d: Declared) -> bool:
    if day is None:
        return False
    return not months_after(d.received, FAR_BACK) <= day <= months_after(d.received, FAR_AHEAD)


def _long_term(d: Declared) -> bool:
    if d["ContractType"] != "D" or d.entry is None or d.exit is None:
        return False
    return d.exit > months_after(d.entry, LONGEST_TERM)


def _stated(code: str, field: str, wrong: Callable[[Declared], bool]) -> Rule[Declared]:
    """A rule on a value, where it is stated."""
    return Rule(code, field, lambda d: bool(d[field]) and wrong(d))


RULES: tuple[Rule[Declared], ...] = (
    Rule("AFFRET-1", "Insured", lambda d: not d.identified),
    _stated("AFFRET-3", "Country", lambda d: d["Country"] not in COUNTRIES),
    _stated("AFFRET-7", "OccupationCode", lambda d: d["OccupationCode"] not in OCCUPATIONS),
    _stated("AFFRET-8", "Scheme", lambda d: d.scheme is None),
    Rule("AFFRET-9", "WeeklyHours", lambda d: d["WeeklyHours"] == "0.00"),
    _stated("AFFRET-10", "ContractType", lambda d: d.contract is None),
    _stated("AFFRET-11", "Entry", lambda d: d.entry is None),
    _stated("AFFRET-12", "Exit", lambda d: d.exit is None),
    Rule("AFFRET-13", "Exit", lambda d: before(d.exit, d.entry)),
    _stated("AFFRET-14", "TrialEnd", lambda d: d.trial_end is None),
    Rule("AFFRET-15", "TrialEnd", _trial_after_a_year),
    Rule("AFFRET-16", "TrialEnd", lambda d: before(d.trial_end, d.entry)),
    Rule("AFFRET-17", "TrialEnd", lambda d: before(d.exit, d.trial_end)),
    Rule("AFFRET-18", "Exit", lambda d: _exit_required(d) and not d["Exit"]),
    _stated("AFFRET-19", "WorkplaceCountry", lambda d: d["WorkplaceCountry"] not in COUNTRIES),
    _stated("AFFRET-20", "WorkplacePostcode", _wrong_workplace_postcode),
    _stated("AFFRET-23", "PreviousEntry", lambda d: d.previous_entry is None),
    _stated("AFFRET-24", "PreviousExit", lambda d: d.previous_exit is None),
    _stated("AFFRET-25", "Exit", _exit_refused),
    _stated("AFFRET-26", "TrialEnd", lambda d: d.contract is not None and not d.contract.trial),
    _stated("AFFRET-27", "ExitReason", lambda d: int(d["ExitReason"]) == 0),
    Rule("AFFRET-28", "ContractType", _foreign_to_scheme),
    _stated("AFFRET-29", "SchemeControl", lambda d: bool(d["Scheme"]) and d["SchemeControl"] != d["Scheme"]),
)
"""What a stated value satisfies."""

HINTS: tuple[Rule[Declared], ...] = (
    Rule("AFFRET-HOURS", "WeeklyHours", lambda d: d["WeeklyHours"].zfill(5) > MOST_HOURS),
    Rule("AFFRET-FAR", "Entry", lambda d: d.kind is Kind.ENTRY and _far(d.entry, d)),
    Rule("AFFRET-FAR", "Exit", lambda d: d.kind is Kind.EXIT and _far(d.exit, d)),
    Rule("AFFRET-LONG", "Exit", _long_term),
)
"""What should be looked at in a record that takes effect."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a good record does: `new` alone opens, `old` and `new` replace, `old` alone cancels."""

    old: Affiliation | None
    new: Affiliation | None


class Standing:
    """The affiliations of the pairs of a file as they stand, record after record.

    Kept in order of entry. Those of one pair never overlap, so that a neighbour tells all: a file
    that enters one person thousands of times stays quick. The days of missions are counted beside them.
    """

    def __init__(self, register: Affiliations, pairs: Collection[Pair]) -> None:
        self._register = register
        self._affiliations: dict[Pair, list[Affiliation]] = {}
        self._missions: defaultdict[Pair, Spans] = defaultdict(Spans)
        self._mission_entries: set[tuple[Pair, date]] = set()
        for pair, known in register.of(pairs).items():
            self._affiliations[pair] = [one for one in known if one.user is None]
            for mission in known:
                if mission.user is not None:
                    self._missions[pair].add(mission.entry, mission.exit)
                    self._mission_entries.add((pair, mission.entry))

    def effect(self, d: Declared) -> Effect | Finding | None:
        """What a record would do, or why there is nothing to do it to.

        None when its own dates do not say which days it means, which other findings tell.
        """
        if d.kind is Kind.ENTRY:
            return self._stated(None, d)
        if d.kind is Kind.EXIT:
            return self._ended(d)
        if d.previous_entry is None or (d["PreviousExit"] and d.previous_exit is None):
            return None
        old = self._starting(d.pair, d.previous_entry)
        if old is None:
            lent = (d.pair, d.previous_entry) in self._mission_entries
            return MISSION if lent else NONE, "PreviousEntry"
        if old.exit != d.previous_exit:
            return "AFFRET-24", "PreviousExit"
        return self._stated(old, d) if d.kind is Kind.CHANGE else Effect(old, None)

    def take(self, effect: Effect) -> None:
        """Let a record take effect, here and in the register."""
        match effect:
            case Effect(None, Affiliation() as new):
                self._register.open(new)
                self._insert(new)
            case Effect(Affiliation() as old, None):
                self._register.cancel(old)
                self._remove(old)
            case Effect(Affiliation() as old, Affiliation() as new):
                self._register.replace(old, new)
                self._remove(old)
                self._insert(new)

    def _stated(self, old: Affiliation | None, d: Declared) -> Effect | Finding | None:
        """An affiliation stated in full, in place of an old one or of none."""
        if d.entry is None or (d["Exit"] and d.exit is None) or before(d.exit, d.entry):
            return None
        employer, insured = d.pair
        new = Affiliation(
            employer, insured, d.entry, d.exit, d["ContractType"], d["Scheme"], trial=d.trial_end
        )
        if self._missions[d.pair].sharing(d.entry, d.exit):
            return MISSION, "Entry"
        return (KNOWN, "Entry") if self._overlaps_others(new, old) else Effect(old, new)

    def _ended(self, d: Declared) -> Effect | Finding | None:
        """The open affiliation with its exit."""
        if d.exit is None or (d["Entry"] and d.entry is None) or before(d.exit, d.entry):
            return None
        known = self._affiliations.get(d.pair, [])
        old = known[-1] if known else None
        if old is None or old.exit is not None:
            return MISSION if self._missions[d.pair].any_open else NONE, "Exit"
        if d.entry is not None and d.entry != old.entry:
            return NONE, "Entry"
        if d.exit < old.entry:
            return "AFFRET-13", "Exit"
        return Effect(old, old._replace(exit=d.exit))

    def _starting(self, pair: Pair, entry: date) -> Affiliation | None:
        known = self._affiliations.get(pair, [])
        place = bisect_left(known, entry, key=_entry)
        return known[place] if place < len(known) and known[place].entry == entry else None

    def _overlaps_others(self, new: Affiliation, old: Affiliation | None) -> bool:
        """Whether any affiliation of the pair but the one it replaces shares a day with a new one."""
        known = self._affiliations.get((new.employer, new.insured), [])
        place = bisect_right(known, new.exit or date.max, key=_entry) - 1
        if place >= 0 and known[place] == old:
            place -= 1
        return place >= 0 and known[place].overlaps(new.entry, new.exit)

    def _insert(self, new: Affiliation) -> None:
        insort(self._affiliations.setdefault((new.employer, new.insured), []), new, key=_entry)

    def _remove(self, old: Affiliation) -> None:
        known = self._affiliations[old.employer, old.insured]
        del known[bisect_left(known, old.entry, key=_entry)]


DOUBTS: Doubts = {
    "Kind": ({"Kind": "entry"}, {"Kind": "cancellation"}),
    "Employer": ({"Employer": "0"}, {"Employer": "0"}),
    "Insured": ({"Insured": "0"}, {"Insured": "0"}),
}
"""How illegible fields are completed, so that only what is certain of a record is found."""


def handle(batch: Batch, context: Context) -> Outcome:
    """Judge every record in order, let the good ones take effect, say which were refused and why."""
    employers = employer_faults(FORM, context.rights)
    replaced = replaced_numbers(batch.records, employers, context.registers)

    def judge(record: Record) -> list[Finding]:
        (declared,) = _read_all([record], context.received, replaced)
        return _findings(declared, employers)

    refusals = list(refuse_malformed(FORM, batch, employers, Certain(judge, DOUBTS, tuple(DOUBTS))))
    declared = _read_all(in_order(batch.records), context.received, replaced)
    permitted = {d.pair for d in declared if d.identified and employers[d["Employer"]] is None}
    standing = Standing(context.registers.affiliations, permitted)
    entered: set[Pair] = set()
    hints: list[Anomaly] = []
    for d in declared:
        findings = _findings(d, employers)
        effect = standing.effect(d) if d.pair in permitted else None
        if isinstance(effect, Effect) and not findings:
            standing.take(effect)
            entered.add(d.pair)
            hints += (FORM.anomaly(d.record, code, field) for code, field in broken(HINTS, d))
            continue
        if isinstance(effect, tuple):
            findings.append(effect)
        refusals.append(FORM.refusal(d.record, findings))
    held.release(entered, context.registers)
    refusals.sort(key=lambda refusal: refusal.record.number)
    return Outcome(batch.size - len(refusals), 0, refusals, FORM.returns(refusals), hints)


def _read_all(records: Iterable[Record], received: Received, replaced: Collection[str]) -> list[Declared]:
    letters, codes = contracts(received), schemes(received)
    return [_read(record, received.day, letters, codes, replaced) for record in records]


def _read(
    record: Record,
    received: date,
    letters: Mapping[str, Contract],
    codes: Mapping[str, Scheme],
    replaced: Collection[str],
) -> Declared:
    find, number = record.fields.get, record.fields["Insured"]
    return Declared(
        record=record,
        kind=Kind(record.fields["Kind"]),
        received=received,
        identified=is_person(number) and number not in replaced,
        entry=stated_day(find("Entry")),
        exit=stated_day(find("Exit")),
        trial_end=stated_day(find("TrialEnd")),
        previous_entry=stated_day(find("PreviousEntry")),
        previous_exit=stated_day(find("PreviousExit")),
        contract=letters.get(find("ContractType", "")),
        scheme=codes.get(find("Scheme", "")),
    )


def _findings(d: Declared, employers: Once[str | None]) -> list[Finding]:
    """All that is wrong with one record, taken by itself."""
    findings = absent(DUE, d.kind, d.record) + broken(RULES, d)
    if fault := employers[d["Employer"]]:
        findings.append((fault, "Employer"))
    return findings


def _entry(affiliation: Affiliation) -> date:
    return affiliation.entry
