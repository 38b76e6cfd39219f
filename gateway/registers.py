"""The registers the counter consults and keeps, as ports.

The embedded default lives in our own tables (`adapters/database`); an institution can put its
own systems behind the same interfaces. Every call happens inside the transaction of one batch,
so a register never commits by itself. Look-ups take many keys at once: a batch of 100,000
records asks once, not 100,000 times.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol

from gateway.batch import MemberId
from gateway.moments import Period, Received

if TYPE_CHECKING:
    from gateway.billing.statement import InsuredResult
    from gateway.contributions import Group
    from gateway.parameters import Branch

Pair = tuple[str, str]
"""Employer matricule, insured matricule."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What identifies a person without a number: upper case, no accents (DEMMAT)."""

    surname: str
    first_name: str
    born: date


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address; `country` is ISO 3166-1 alpha-2."""

    number: str
    street: str
    postcode: str
    town: str
    country: str

    @classmethod
    def of(cls, fields: Mapping[str, str]) -> Address:
        """The address in the fields of a record, under the names that all forms use.

        Raises:
            KeyError: when a field is absent.
        """
        return cls(
            number=fields["HouseNumber"],
            street=fields["Street"],
            postcode=fields["Postcode"],
            town=fields["Town"],
            country=fields["Country"],
        )


class Persons(Protocol):
    """The register of natural persons (RNPP)."""

    def find(self, identities: Collection[Identity]) -> Mapping[Identity, str]:
        """The matricules of those already registered."""

    def assign(self, identity: Identity, nationality: str, address: Address) -> str | None:
        """Register a new person; their new matricule, or None when the birth date has no serial left."""

    def identities(self, matricules: Collection[str]) -> Mapping[str, Identity]:
        """Who stands behind matricules, as far as they are registered here."""

    def replaced(self, matricules: Collection[str]) -> Mapping[str, str]:
        """Those that the national register has replaced: the number that counts now, by the old one."""

    def residences(self, matricules: Collection[str]) -> Mapping[str, str]:
        """The country of the address of those registered, ISO 3166-1 alpha-2."""


@dataclass(frozen=True, slots=True)
class Company:
    """What identifies a user company abroad: its name and its address, as asked (DEMUTI)."""

    name: str
    address: Address


class Companies(Protocol):
    """The register of foreign user companies, to which agencies lend workers."""

    def find(self, companies: Collection[Company]) -> Mapping[Company, str]:
        """The numbers of those already registered: same name and same address."""

    def assign(self, company: Company, year: int) -> str | None:
        """Register a new company in a year; its new number, or None when that year has none left."""

    def numbered(self, numbers: Collection[str]) -> Collection[str]:
        """Those of some numbers under which a company is registered."""


@dataclass(frozen=True, slots=True)
class Employer:
    """An employer as the register knows it in one year.

    Attributes:
        matricule: 13 digits.
        name: as registered.
        mde_class: class 1 to 4 of the Mutualité des employeurs in that year; None for one who is no member of
            it.
        accident_factor: bonus-malus factor in hundredths in that year (85 is 0.85).
        household: under the simplified procedure of private households.
        public: owes family benefits in that year, as an employer of the public sector.
        health_service: word for its occupational health service in that year: stm, sti or own.
    """

    matricule: str
    name: str
    mde_class: int | None
    accident_factor: int
    household: bool = False
    public: bool = False
    health_service: str = "stm"


@dataclass(frozen=True, slots=True)
class Registration:
    """A new employer, as it was asked for (DEMEMP).

    Attributes:
        matricule: 13 digits: the national number of the legal person and its extension.
        name: as asked for.
        mde_class, accident_factor: what it begins with, until it is classed; as in `Employer`.
        years: the calendar years for which these are entered.
        legal_form: two digits, if given.
        address: of its seat, if given.
        activity: NACE code of four digits, if given.
        started: day of its first employment, if given.
    """

    matricule: str
    name: str
    mde_class: int
    accident_factor: int
    years: Sequence[int]
    legal_form: str | None = None
    address: Address | None = None
    activity: str | None = None
    started: date | None = None


class Employers(Protocol):
    """The register of employers."""

    def get(self, matricules: Collection[str], year: int) -> Mapping[str, Employer]:
        """Those that exist, with the class and factor of a year."""

    def name(self, matricule: str) -> str | None:
        """The present name of an employer; None when there is no such employer."""

    def of_legal_person(self, national: str) -> Mapping[str, str]:
        """The employers of a legal person (11 digits): names by matricule."""

    def enter(self, new: Registration) -> None:
        """Enter a new one."""

    def rename(self, matricule: str, name: str, first: date, deposit: int) -> None:
        """Give an employer another name from a day on; the name before is kept as history."""


class MandateState(StrEnum):
    """How far a mandate has come."""

    PENDING = "pending"
    """Asked for by a member, not confirmed yet: gives no right."""
    GRANTED = "granted"
    """Holds from its first to its last day."""
    ENDED = "ended"
    """Was ended, or refused, before its last day."""


@dataclass(frozen=True, slots=True)
class Mandate:
    """The right of a member to act for an employer in some procedures (SYS-08, IDEA-11).

    Attributes:
        number: number of the mandate in the register.
        member: who may act.
        employer: matricule for whom.
        procedures: codes such as `DECSAL`; the right to receive invoices is `CALCUL`.
        first: first day on which it holds, inclusive.
        last: last day on which it holds, inclusive; None while open.
        state: how far it has come.
        since: moment from which it holds; None when its first day alone decides.
        ended: moment from which it holds no more; None when its last day alone decides.
    """

    number: int
    member: MemberId
    employer: str
    procedures: frozenset[str]
    first: date
    last: date | None = None
    state: MandateState = MandateState.GRANTED
    since: Received | None = None
    ended: Received | None = None

    def covers(self, procedure: str, received: Received) -> bool:
        """Whether it allows a procedure at the moment of receipt.

        What came in before an end keeps its right, however late it is treated; what came in before a
        confirmation has none.
        """
        if self.state is MandateState.PENDING or procedure not in self.procedures:
            return False
        on_day = self.first <= received.day and (self.last is None or received.day <= self.last)
        begun = self.since is None or self.since <= received
        return on_day and begun and (self.ended is None or received < self.ended)

    def is_over(self, at: Received) -> bool:
        """Whether it was ended, or its last day has passed."""
        return self.ended is not None or (self.last is not None and self.last < at.day)

    def confirmed(self, at: Received) -> Mandate:
        """The same, holding from a moment on."""
        return replace(self, state=MandateState.GRANTED, since=at)

    def finished(self, at: Received) -> Mandate:
        """The same, holding no more from a moment on; what was never confirmed never held."""
        since = at if self.state is MandateState.PENDING else self.since
        return replace(self, state=MandateState.ENDED, since=since, ended=at)


@dataclass(frozen=True, slots=True)
class Origin:
    """Who changed something in a register and when: a member by a deposit, or the operator by hand.

    Attributes:
        at: moment of receipt of the deposit, or of the operator's command.
        member, deposit: None when it was the operator.
    """

    at: Received
    member: MemberId | None = None
    deposit: int | None = None


class Mandates(Protocol):
    """The register of mandates; a member's own employer number is a mandate like any other."""

    def held_by(self, member: MemberId) -> Sequence[Mandate]:
        """All mandates a member has or had, or has asked for."""

    def for_employer(self, employer: str) -> Sequence[Mandate]:
        """All mandates for an employer, of any member."""

    def get(self, number: int) -> Mandate | None:
        """The mandate of a number."""

    def knows(self, member: MemberId) -> bool:
        """Whether somebody is a member, so that a mandate can be given."""

    def enter(self, new: Mandate, by: Origin) -> Mandate:
        """Enter a new one under the next number, whatever number it has; as it stands then."""

    def change(self, mandate: Mandate, by: Origin) -> None:
        """Put a mandate in the place of the one with its number; every state it was in is kept as history."""


class Affiliation(NamedTuple):
    """A person's insurance through one employer.

    Attributes:
        employer, insured: matricules.
        entry: first day, inclusive.
        exit: last day, inclusive; None while it lasts.
        contract: letter of the contract type as declared (E is a pupil or student).
        scheme: two-digit scheme code (*régime*).
        user: number of the user company to which a temporary-work agency lends the person; None for
            an employer's own staff. Only missions of one pair may share days, so it is part of the key.
        trial: last day of the trial period as declared, inclusive; None where none is stated.
    """

    employer: str
    insured: str
    entry: date
    exit: date | None
    contract: str
    scheme: str
    user: str | None = None
    trial: date | None = None

    def overlaps(self, first: date, last: date | None) -> bool:
        """Whether any day of a span, both ends inclusive and an open end allowed, is insured."""
        ends_before = self.exit is not None and self.exit < first
        starts_after = last is not None and last < self.entry
        return not (ends_before or starts_after)


class Affiliations(Protocol):
    """The register of affiliations, keyed by employer, insured, entry and user company."""

    def of(self, pairs: Collection[Pair]) -> Mapping[Pair, Sequence[Affiliation]]:
        """Those in force or past, not those cancelled; pairs without any are absent.

        Sorted by entry, an employer's own staff before missions, these by user company.
        """

    def open(self, affiliation: Affiliation) -> None:
        """Enter a new one."""

    def replace(self, old: Affiliation, new: Affiliation) -> None:
        """An exit or a change: `new` stands where `old` stood; the old version is kept as history."""

    def cancel(self, affiliation: Affiliation) -> None:
        """Strike one that should never have been; kept as history."""

    def during(self, employer: str, first: date, last: date) -> Sequence[Affiliation]:
        """Those of an employer that last on a day of a span, ends inclusive; by insured, entry and user."""


class Mission(NamedTuple):
    """A temporary worker lent by an agency to a user company (DECINT).

    Attributes:
        employer: matricule of the agency.
        insured: matricule of the worker.
        user: number of the user company.
        entry: first day, inclusive.
        exit: last day, inclusive; None while it lasts.
        contract: letter of the contract type as declared (E is a pupil or student).
        scheme: two-digit scheme code (*régime*).
        occupation: ISCO-08 code.
        posting: country to which the worker is posted (A1), ISO 3166-1 alpha-2; None when not posted.
        deposit: number of the deposit that declared it as it stands.
        record: place in that batch.
    """

    employer: str
    insured: str
    user: str
    entry: date
    exit: date | None
    contract: str
    scheme: str
    occupation: str
    posting: str | None
    deposit: int
    record: int

    @property
    def pair(self) -> Pair:
        return self.employer, self.insured

    @property
    def affiliation(self) -> Affiliation:
        """The insurance it brings: what the register of affiliations holds for it."""
        return Affiliation(
            self.employer, self.insured, self.entry, self.exit, self.contract, self.scheme, self.user
        )


class Missions(Protocol):
    """The register of missions, keyed by employer, insured, user and entry.

    Each that stands has its affiliation in the register of affiliations; who changes one changes both.
    """

    def of(self, pairs: Collection[Pair]) -> Mapping[Pair, Sequence[Mission]]:
        """Those that stand; pairs without any are absent. Sorted by entry, then user company."""

    def open(self, mission: Mission) -> None:
        """Enter a new one."""

    def replace(self, old: Mission, new: Mission) -> None:
        """An exit or a change: `new` stands where `old` stood; the old version is kept as history."""

    def cancel(self, mission: Mission) -> None:
        """Strike one that should never have been; kept as history."""


class InsuredMonth(NamedTuple):
    """One month of one insured with one employer."""

    employer: str
    insured: str
    period: Period


class WageState(StrEnum):
    """What has become of a declared wage."""

    CURRENT = "current"
    """Counts: it enters the contributions of its period."""
    HELD = "held"
    """Waits for the affiliation, one month at the most (SALRET 14)."""
    SUPERSEDED = "superseded"
    """Replaced by a later declaration of the same employer, insured, period and days."""
    EXPIRED = "expired"
    """Rejected with SALRET 14 after a month on hold."""


class WageKey(NamedTuple):
    """What makes two wage records the same one: a later one replaces it."""

    employer: str
    insured: str
    period: Period
    first_day: int
    last_day: int

    @property
    def month(self) -> InsuredMonth:
        """The month it is about."""
        return InsuredMonth(self.employer, self.insured, self.period)

    def overlaps(self, other: WageKey) -> bool:
        """Whether another wage of the same month shares a day with it."""
        return self.first_day <= other.last_day and other.first_day <= self.last_day


class Wage(NamedTuple):
    """One declared wage. Amounts in cents, hours in whole hours, days of the month inclusive.

    Attributes:
        deposit: number of the deposit that declared it; deposits are numbered as received.
        record: place in that batch.
        overtime_hours: as declared; whether hours or hundredths is not known (field 9).
        reference: the sender's own reference.
    """

    key: WageKey
    deposit: int
    record: int
    base_wage: int
    work_hours: int
    supplements: int
    overtime_pay: int
    overtime_hours: int
    gratuities: int
    unemployment_pay: int
    inactive_hours: int
    non_pensionable: int
    capped: bool
    reference: str | None


class Wages(Protocol):
    """The register of declared wages."""

    def standing(self, keys: Collection[WageKey]) -> Mapping[WageKey, int]:
        """The wages current or held in the months of these keys, whatever their days: by their own key the
        number of the deposit."""

    def add(self, wages: Iterable[tuple[Wage, WageState]]) -> None:
        """Enter many at once."""

    def supersede(self, keys: Collection[WageKey], by_deposit: int) -> None:
        """Mark what is current or held under these keys, from earlier deposits, as replaced."""

    def held(self, pairs: Collection[Pair]) -> Sequence[Wage]:
        """The wages on hold for these pairs."""

    def release(self, wages: Sequence[Wage]) -> None:
        """Held wages whose affiliation has come: they count from now on."""

    def hours(self, months: Collection[InsuredMonth]) -> Mapping[InsuredMonth, int]:
        """The work hours of all wages that count for each month; months without any are absent."""

    def of_month(self, employer: str, period: Period) -> Sequence[Wage]:
        """The wages of an employer and month that are current or held, by insured and first day."""

    def counting(self, pairs: Collection[Pair]) -> Mapping[Pair, Sequence[Wage]]:
        """All wages that count of each pair, by period and first day; pairs without any are absent."""


class AbsenceState(StrEnum):
    """What has become of a declared incapacity."""

    CURRENT = "current"
    """Stands."""
    CANCELLED = "cancelled"
    """Wiped by a cancellation of its month; kept as history."""


class Absence(NamedTuple):
    """One declared incapacity, within one month. Days inclusive, whole hours.

    Attributes:
        kind: digit of its type, as declared.
        deposit: number of the deposit that declared it.
        record: place in that batch.
    """

    month: InsuredMonth
    kind: str
    first: date
    last: date
    hours: int
    deposit: int
    record: int


class Absences(Protocol):
    """The register of incapacities (DECMAL); those that stand for one month never share a day."""

    def standing(self, months: Collection[InsuredMonth]) -> Mapping[InsuredMonth, Sequence[Absence]]:
        """Those not cancelled, sorted by first day; months without any are absent."""

    def add(self, absences: Iterable[tuple[Absence, AbsenceState]]) -> None:
        """Enter many at once."""

    def cancel(self, months: Collection[InsuredMonth]) -> None:
        """Strike all that stand for these months; kept as history."""

    def of_pairs(
        self, pairs: Collection[Pair], first: Period, last: Period
    ) -> Mapping[Pair, Sequence[Absence]]:
        """Those not cancelled from one month to another, both inclusive, sorted by first day; pairs without
        any are absent."""


class ActivityState(StrEnum):
    """What has become of a declared activity abroad."""

    CURRENT = "current"
    """Stands."""
    HELD = "held"
    """Waits for the affiliation, one month at the most (DETRET 11)."""
    REPLACED = "replaced"
    """Stated anew by a rectification; kept as history."""
    CANCELLED = "cancelled"
    """Wiped by a cancellation; kept as history."""
    EXPIRED = "expired"
    """Rejected with DETRET 11 after a month on hold."""


class Activity(NamedTuple):
    """One declared activity abroad (DEMDET). Days inclusive.

    Attributes:
        procedure: word for the rule by which the applicable law is found, such as `posting`.
        deposit: number of the deposit that declared it.
        record: place in that batch.
        fields: the record as it was declared, by element name.
    """

    employer: str
    insured: str
    procedure: str
    first: date
    last: date
    deposit: int
    record: int
    fields: Mapping[str, str]

    @property
    def pair(self) -> Pair:
        return self.employer, self.insured

    @property
    def reference(self) -> str | None:
        """The sender's own reference."""
        return self.fields.get("Reference")

    def overlaps(self, first: date, last: date) -> bool:
        """Whether any day of a span, both ends inclusive, is its own."""
        return self.first <= last and first <= self.last


class Activities(Protocol):
    """The register of activities abroad; those that stand for one pair and procedure never share a day."""

    def standing(self, pairs: Collection[Pair]) -> Mapping[Pair, Sequence[Activity]]:
        """Those current or held, sorted by first day and procedure; pairs without any are absent."""

    def add(self, activity: Activity, state: ActivityState) -> None:
        """Enter a new one, current or held."""

    def end(self, activity: Activity, state: ActivityState) -> None:
        """One that stands was replaced or cancelled; kept as history."""

    def held(self, pairs: Collection[Pair]) -> Sequence[Activity]:
        """Those on hold for these pairs."""

    def release(self, activities: Sequence[Activity]) -> None:
        """Held ones whose affiliation has come: they stand from now on."""


class OwnLine(NamedTuple):
    """One branch, as an employer has computed it. Amounts in cents.

    Attributes:
        base: contribution base; None when not stated.
    """

    branch: Branch
    base: int | None
    employee: int
    employer: int


class OwnCalculation(NamedTuple):
    """What an employer has computed itself for one insured and month (OWNCAL). Amounts in cents.

    Attributes:
        group: how the person is insured; None when not stated.
        lines: in the order of `Branch`; none when only the totals were stated.
        employee_total, employer_total: of both sides.
        deposit: number of the deposit that declared it.
        record: place in that batch.
        reference: the sender's own reference.
    """

    month: InsuredMonth
    group: Group | None
    lines: tuple[OwnLine, ...]
    employee_total: int
    employer_total: int
    deposit: int
    record: int
    reference: str | None = None


class OwnCalculations(Protocol):
    """The register of own computations; a later deposit replaces what an earlier one said of an insured and
    month."""

    def put(self, own: Collection[OwnCalculation]) -> None:
        """Enter those of one deposit; what stood for their months is kept as history."""

    def of_month(self, employer: str, period: Period) -> Sequence[OwnCalculation]:
        """Those of an employer and month that stand, by insured and place in the batch."""


class Charges(Protocol):
    """The register of what was charged, as far as a comparison needs it."""

    def of_month(self, employer: str, period: Period) -> Sequence[InsuredResult]:
        """What stands as charged for an employer and wage month, by insured and group; none before its
        statement."""

    def reversed_of(self, employer: str, period: Period) -> Sequence[InsuredResult]:
        """What was charged for them and reversed since by a correction, as it was charged."""


@dataclass(frozen=True, slots=True)
class Registers:
    """All registers, bound to the transaction of one batch."""

    persons: Persons
    companies: Companies
    employers: Employers
    mandates: Mandates
    affiliations: Affiliations
    missions: Missions
    wages: Wages
    absences: Absences
    activities: Activities
    own: OwnCalculations
    charges: Charges
