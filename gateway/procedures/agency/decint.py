"""DECINT: missions of temporary workers, which an agency lends to user companies; refused records go back as
INTRET.

What each kind of record does:

* `mission` declares one with both its dates;
* `entry` opens one whose end is not yet known; it states no exit date (INTRET 5);
* `exit` ends the open one at that user company (the one of `Entry`, which must be given when several are
  open there: INTRET 4);
* `change` states a mission anew, whole: what it says stands in place of the one at that user company that
  `PreviousEntry` and `PreviousExit` name as it stood before. A change without `Exit` reopens it;
* `cancellation` strikes the mission at that user company that `PreviousEntry` and `PreviousExit` name.

A mission is told apart by agency, worker, user company and entry. To correct the user company itself, cancel
the mission and declare it anew. Only a member registered as a temporary-work agency may send a DECINT
(INTRET-AGENCY).

Records take effect in their order, and those of a worker come in the order of time: a mission that begins
before the last one that stands is refused (INTRET-ORDER), also when that one came in an earlier file. A
forgotten earlier one is declared after the later ones were cancelled; these are then declared anew. A
refused record does not bear on those after it. The same mission twice is refused (INTRET-KNOWN). A renewal
is a new mission from the day after the last one.

A mission insures the worker with the agency, like an entry by DECAFF: when it begins to insure days for
which a wage is on hold, that wage counts from then on. The agency's permanent staff is declared by DECAFF;
a mission on days on which the worker is declared as such is refused (INTRET-STAFF).

Two things are told and not refused, as both may be meant; other agencies' missions are not looked at:

* INTRET-OVERLAP: the mission shares days with another one of the same worker with this agency;
* INTRET-GAP: a few days (`LONGEST_GAP`) lie free before or after it at the same user company, so that a
  renewal may have been forgotten.

The operator's layout is not published. Of the INTRET codes 1 to 22 are the operator's, the others ours. Our
assumptions, beside those in `gateway/procedures/lists`:

* a `mission`, an `entry` and a `change` state address, occupation, scheme, hours, contract, entry date and
  workplace; every kind states the user company; a `change` and a `cancellation` the previous entry date;
* a mission has an end, so the contract is of a type whose end is stated: `D`, `E`, `S` or `O` (INTRET 20);
* a user company in Luxembourg needs only right check digits; a number of the series that MATUTI gives must
  have been given (INTRET 3);
* a previous date in another kind of record, or a change of what does not stand, is INTRET 10;
* the workplace is incomplete when country, postcode or town is absent (INTRET 8);
* a postcode holds the country when a digit follows the code of its country or the letter of a neighbour's
  number plates: `L-1234`, `F57000` (INTRET 22);
* a worker is posted to a country that exists and is not Luxembourg (INTRET-POSTING).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from gateway.batch import Anomaly, Batch, Record
from gateway.calendar import is_working_day
from gateway.context import Context
from gateway.matricule import is_company_number, is_employer, is_person
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
from gateway.registers import Mission, Pair, Registers

FORM = Form(
    procedure="DECINT",
    record="Mission",
    refused_in="INTRET",
    bad_employer="INTRET-2",
    fields=(
        "Kind",
        "Employer",
        "Insured",
        "User",
        "Country",
        "Postcode",
        "Town",
        "Occupation",
        "OccupationCode",
        "Manual",
        "Scheme",
        "WeeklyHours",
        "ContractType",
        "Entry",
        "Exit",
        "WorkplaceCountry",
        "WorkplacePostcode",
        "WorkplaceTown",
        "Posting",
        "PreviousEntry",
        "PreviousExit",
        "Reference",
    ),
)

NONE = "INTRET-NONE"
KNOWN = "INTRET-KNOWN"
ORDER = "INTRET-ORDER"
STAFF = "INTRET-STAFF"
OVERLAP = "INTRET-OVERLAP"
GAP = "INTRET-GAP"

LONGEST_GAP = 3
"""Days of the longest gap between two missions at one user company that is told (INTRET-GAP), if a working
day is among them. Ours: no official rule names one."""

NUMBER_PLATES = {"BE": "B", "DE": "D", "FR": "F", "LU": "L"}
"""The letters that are put before postcodes here and in the neighbouring countries (INTRET 22)."""

_DAY = timedelta(days=1)


class Kind(StrEnum):
    """What a record does."""

    MISSION = "mission"
    ENTRY = "entry"
    EXIT = "exit"
    CHANGE = "change"
    CANCELLATION = "cancellation"


ALL = frozenset(Kind)

STATING = frozenset({Kind.MISSION, Kind.ENTRY, Kind.CHANGE})
"""The kinds that state a mission in full."""

NAMING = frozenset({Kind.CHANGE, Kind.CANCELLATION})
"""The kinds that name a mission as it stood before."""

Place = tuple[Pair, str]
"""Agency and worker, and the user company."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A record read.

    `by_agency` says whether its sender is a temporary-work agency, `identified` whether the insured's
    matricule is right, `lent` whether the user company's is. A date is None when it is not stated, or is
    no day we take; so are contract and scheme when their code is not on the list.
    """

    record: Record
    kind: Kind
    by_agency: bool
    identified: bool
    lent: bool
    entry: date | None
    exit: date | None
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
    def place(self) -> Place:
        return self.pair, self["User"]


DUE = (
    Due("INTRET-3", "User", ALL),
    Due("INTRET-16", "Country", STATING),
    Due("INTRET-17", "Postcode", STATING),
    Due("INTRET-18", "Town", STATING),
    Due("INTRET-15", "Occupation", STATING),
    Due("INTRET-6", "OccupationCode", STATING),
    Due("INTRET-7", "Scheme", STATING),
    Due("INTRET-9", "WeeklyHours", STATING),
    Due("INTRET-20", "ContractType", STATING),
    Due("INTRET-4", "Entry", STATING),
    Due("INTRET-5", "Exit", frozenset({Kind.MISSION, Kind.EXIT})),
    Due("INTRET-8", "WorkplaceCountry", STATING),
    Due("INTRET-8", "WorkplacePostcode", STATING),
    Due("INTRET-8", "WorkplaceTown", STATING),
    Due("INTRET-10", "PreviousEntry", NAMING),
)
"""What each kind of record states."""


def _with_country(postcode: str, country: str) -> bool:
    """Whether a postcode begins with the code of its country or the letter of its number plates."""
    signs = {country, NUMBER_PLATES.get(country, country)} - {""}
    return any(
        postcode.startswith(sign) and postcode.removeprefix(sign).lstrip(" -")[:1].isdecimal()
        for sign in signs
    )


def _unfit_contract(d: Declared) -> bool:
    return d.contract is None or d.contract.exit is not ExitDate.REQUIRED


def _foreign_to_scheme(d: Declared) -> bool:
    return d.contract is not None and d.scheme is not None and d.scheme.code not in d.contract.schemes


def _lent_to_itself(d: Declared) -> bool:
    """Whether both numbers are of one company; what tells companies apart are eleven digits."""
    return d["User"][:11] == d["Employer"][:11]


def _stated(code: str, field: str, wrong: Callable[[Declared], bool]) -> Rule[Declared]:
    """A rule on a value, where it is stated."""
    return Rule(code, field, lambda d: bool(d[field]) and wrong(d))


RULES: tuple[Rule[Declared], ...] = (
    Rule("INTRET-AGENCY", "Employer", lambda d: not d.by_agency),
    Rule("INTRET-1", "Insured", lambda d: not d.identified),
    _stated("INTRET-3", "User", lambda d: not d.lent),
    _stated("INTRET-21", "User", _lent_to_itself),
    _stated("INTRET-16", "Country", lambda d: d["Country"] not in COUNTRIES),
    _stated("INTRET-22", "Postcode", lambda d: _with_country(d["Postcode"], d["Country"])),
    _stated("INTRET-6", "OccupationCode", lambda d: d["OccupationCode"] not in OCCUPATIONS),
    _stated("INTRET-7", "Scheme", lambda d: d.scheme is None),
    Rule("INTRET-9", "WeeklyHours", lambda d: d["WeeklyHours"] == "0.00"),
    _stated("INTRET-20", "ContractType", _unfit_contract),
    Rule("INTRET-19", "ContractType", _foreign_to_scheme),
    _stated("INTRET-4", "Entry", lambda d: d.entry is None),
    _stated("INTRET-5", "Exit", lambda d: d.exit is None or d.kind is Kind.ENTRY),
    Rule("INTRET-11", "Exit", lambda d: before(d.exit, d.entry)),
    _stated("INTRET-12", "WorkplaceCountry", lambda d: d["WorkplaceCountry"] not in COUNTRIES),
    _stated(
        "INTRET-22",
        "WorkplacePostcode",
        lambda d: _with_country(d["WorkplacePostcode"], d["WorkplaceCountry"]),
    ),
    _stated("INTRET-POSTING", "Posting", lambda d: d["Posting"] not in COUNTRIES - {"LU"}),
    _stated("INTRET-10", "PreviousEntry", lambda d: d.kind not in NAMING),
    _stated("INTRET-10", "PreviousExit", lambda d: d.kind not in NAMING),
    _stated("INTRET-13", "PreviousEntry", lambda d: d.previous_entry is None),
    _stated("INTRET-14", "PreviousExit", lambda d: d.previous_exit is None),
)
"""What a stated value satisfies."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a good record does: `new` alone opens, `old` and `new` replace, `old` alone cancels."""

    old: Mission | None
    new: Mission | None


class Standing:
    """The missions of the pairs of a file as they stand, record after record."""

    def __init__(self, registers: Registers, pairs: Collection[Pair]) -> None:
        self._registers = registers
        self._missions: defaultdict[Place, dict[date, Mission]] = defaultdict(dict)
        self._of_pair: defaultdict[Pair, Spans] = defaultdict(Spans)
        self._at_place: defaultdict[Place, Spans] = defaultdict(Spans)
        self._open: defaultdict[Place, dict[date, Mission]] = defaultdict(dict)
        self._staff: defaultdict[Pair, Spans] = defaultdict(Spans)
        for missions in registers.missions.of(pairs).values():
            for mission in missions:
                self._add(mission)
        for pair, affiliations in registers.affiliations.of(pairs).items():
            for one in affiliations:
                if one.user is None:
                    self._staff[pair].add(one.entry, one.exit)

    def effect(self, d: Declared, deposit: int) -> Effect | Finding | None:
        """What a record would do, or why there is nothing to do it to.

        None when the record itself does not say which mission it means, which other findings tell.
        """
        if not d.lent:
            return None
        if d.kind is Kind.EXIT:
            return self._ended(d, deposit)
        return self._named(d, deposit) if d.kind in NAMING else self._stated(None, d, deposit)

    def take(self, effect: Effect) -> None:
        """Let a record take effect, here and in the registers of missions and of affiliations."""
        missions, affiliations = self._registers.missions, self._registers.affiliations
        match effect:
            case Effect(None, Mission() as new):
                missions.open(new)
                affiliations.open(new.affiliation)
                self._add(new)
            case Effect(Mission() as old, None):
                missions.cancel(old)
                affiliations.cancel(old.affiliation)
                self._remove(old)
            case Effect(Mission() as old, Mission() as new):
                missions.replace(old, new)
                affiliations.replace(old.affiliation, new.affiliation)
                self._remove(old)
                self._add(new)

    def oddities(self, mission: Mission) -> Iterator[str]:
        """What should be looked at in a mission that stands: codes of hints."""
        if self._of_pair[mission.pair].sharing(mission.entry, mission.exit) > 1:
            yield OVERLAP
        near = self._at_place[mission.pair, mission.user].sharing
        if self._gap(mission.entry, -_DAY, near) or (
            mission.exit is not None and self._gap(mission.exit, _DAY, near)
        ):
            yield GAP

    def _gap(self, end: date, step: timedelta, near: Callable[[date, date], int]) -> bool:
        """Whether, going from an end of a mission, another one comes after a few free days, of which one is
        a working day: who works from Monday to Friday is not told of each weekend."""
        free: list[date] = []
        for _ in range(LONGEST_GAP + 1):
            end += step
            if near(end, end):
                return any(map(is_working_day, free))
            free.append(end)
        return False

    def _named(self, d: Declared, deposit: int) -> Effect | Finding | None:
        """The mission that the previous dates name, stated anew or struck."""
        if d.previous_entry is None or (d["PreviousExit"] and d.previous_exit is None):
            return None
        old = self._missions[d.place].get(d.previous_entry)
        if old is None:
            return "INTRET-10" if d.kind is Kind.CHANGE else NONE, "PreviousEntry"
        if old.exit != d.previous_exit:
            return "INTRET-14", "PreviousExit"
        return self._stated(old, d, deposit) if d.kind is Kind.CHANGE else Effect(old, None)

    def _stated(self, old: Mission | None, d: Declared, deposit: int) -> Effect | Finding | None:
        """A mission stated in full, in place of an old one or of none."""
        if d.entry is None or (d["Exit"] and d.exit is None) or before(d.exit, d.entry):
            return None
        known = self._missions[d.place].get(d.entry)
        if known is not None and known != old:
            return KNOWN, "Entry"
        if old is None and before(d.entry, self._of_pair[d.pair].latest_first):
            return ORDER, "Entry"
        if self._staff[d.pair].sharing(d.entry, d.exit):
            return STAFF, "Entry"
        return Effect(old, _mission(d, d.entry, deposit))

    def _ended(self, d: Declared, deposit: int) -> Effect | Finding | None:
        """The open mission at that user company with its exit."""
        if d.exit is None or (d["Entry"] and d.entry is None) or before(d.exit, d.entry):
            return None
        found = self._open[d.place]
        if d.entry is None and len(found) > 1:
            return "INTRET-4", "Entry"
        old = next(iter(found.values()), None) if d.entry is None else found.get(d.entry)
        if old is None:
            return NONE, "Exit" if d.entry is None else "Entry"
        if d.exit < old.entry:
            return "INTRET-11", "Exit"
        return Effect(old, old._replace(exit=d.exit, deposit=deposit, record=d.record.number))

    def _add(self, mission: Mission) -> None:
        place = mission.pair, mission.user
        self._missions[place][mission.entry] = mission
        if mission.exit is None:
            self._open[place][mission.entry] = mission
        for spans in (self._of_pair[mission.pair], self._at_place[place]):
            spans.add(mission.entry, mission.exit)

    def _remove(self, mission: Mission) -> None:
        place = mission.pair, mission.user
        del self._missions[place][mission.entry]
        self._open[place].pop(mission.entry, None)
        for spans in (self._of_pair[mission.pair], self._at_place[place]):
            spans.remove(mission.entry, mission.exit)


def _mission(d: Declared, entry: date, deposit: int) -> Mission:
    return Mission(
        employer=d["Employer"],
        insured=d["Insured"],
        user=d["User"],
        entry=entry,
        exit=d.exit,
        contract=d["ContractType"],
        scheme=d["Scheme"],
        occupation=d["OccupationCode"],
        posting=d["Posting"] or None,
        deposit=deposit,
        record=d.record.number,
    )


DOUBTS: Doubts = {
    "Kind": ({"Kind": "mission"}, {"Kind": "cancellation"}),
    "Employer": ({"Employer": "0"}, {"Employer": "0"}),
    "Insured": ({"Insured": "0"}, {"Insured": "0"}),
}
"""How illegible fields are completed, so that only what is certain of a record is found."""


def handle(batch: Batch, context: Context) -> Outcome:
    """Judge every record in order, let the good ones take effect, say which were refused and why."""
    employers = employer_faults(FORM, context.rights)
    read = _reader(context, replaced_numbers(batch.records, employers, context.registers))

    def judge(record: Record) -> list[Finding]:
        return _findings(read(record, frozenset()), employers)

    refusals = list(refuse_malformed(FORM, batch, employers, Certain(judge, DOUBTS, tuple(DOUBTS))))
    records = in_order(batch.records)
    permitted = [
        record
        for record in records
        if context.sender_is_agency and employers[record.fields["Employer"]] is None
    ]
    unknown = _never_given(permitted, context.registers)
    declared = [read(record, unknown) for record in records]
    pairs = {(record.fields["Employer"], record.fields["Insured"]) for record in permitted}
    standing = Standing(context.registers, pairs)
    hints: list[Anomaly] = []
    entered: set[Pair] = set()
    for d in declared:
        findings = _findings(d, employers)
        effect = standing.effect(d, context.deposit) if d.identified and d.pair in pairs else None
        if isinstance(effect, Effect) and not findings:
            standing.take(effect)
            entered.add(d.pair)
            hints += _hints(d, effect, standing)
            continue
        if isinstance(effect, tuple):
            findings.append(effect)
        refusals.append(FORM.refusal(d.record, findings))
    held.release(entered, context.registers)
    refusals.sort(key=lambda refusal: refusal.record.number)
    return Outcome(batch.size - len(refusals), 0, refusals, FORM.returns(refusals), hints)


def _hints(d: Declared, effect: Effect, standing: Standing) -> Iterator[Anomaly]:
    if effect.new is not None:
        field = "Exit" if d.kind is Kind.EXIT else "Entry"
        for code in standing.oddities(effect.new):
            yield FORM.anomaly(d.record, code, field)


def _never_given(records: Iterable[Record], registers: Registers) -> frozenset[str]:
    """The numbers of user companies that look as if MATUTI had given them, and that it did not give."""
    numbers = {user for record in records if is_company_number(user := record.fields.get("User", ""))}
    return frozenset(numbers - set(registers.companies.numbered(numbers)))


def _reader(context: Context, replaced: Collection[str]) -> Callable[[Record, Collection[str]], Declared]:
    """Reads records, given the user companies that are not registered.

    Args:
        replaced: numbers of insured that count no more.
    """
    letters, codes = contracts(context.received), schemes(context.received)

    def read(record: Record, unknown: Collection[str]) -> Declared:
        find, number = record.fields.get, record.fields["Insured"]
        user = find("User", "")
        return Declared(
            record=record,
            kind=Kind(record.fields["Kind"]),
            by_agency=context.sender_is_agency,
            identified=is_person(number) and number not in replaced,
            lent=is_employer(user) and user not in unknown,
            entry=stated_day(find("Entry")),
            exit=stated_day(find("Exit")),
            previous_entry=stated_day(find("PreviousEntry")),
            previous_exit=stated_day(find("PreviousExit")),
            contract=letters.get(find("ContractType", "")),
            scheme=codes.get(find("Scheme", "")),
        )

    return read


def _findings(d: Declared, employers: Once[str | None]) -> list[Finding]:
    """All that is wrong with one record, taken by itself."""
    findings = absent(DUE, d.kind, d.record) + broken(RULES, d)
    if fault := employers[d["Employer"]]:
        findings.append((fault, "Employer"))
    return findings
