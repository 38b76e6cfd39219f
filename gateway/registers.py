"""The registers the counter consults and keeps, as ports.

The embedded default lives in our own tables (`adapters/database`); an institution can put its
own systems behind the same interfaces. Every call happens inside the transaction of one batch,
so a register never commits by itself. Look-ups take many keys at once: a batch of 100,000
records asks once, not 100,000 times.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple, Protocol

from gateway.batch import MemberId
from gateway.moments import Period, Received

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


@dataclass(frozen=True, slots=True)
class Employer:
    """An employer as the register knows it in one year.

    Attributes:
        matricule: 13 digits.
        name: as registered.
        mde_class: class 1 to 4 of the Mutualité des employeurs in that year.
        accident_factor: bonus-malus factor in hundredths in that year (85 is 0.85).
        household: under the simplified procedure of private households.
    """

    matricule: str
    name: str
    mde_class: int
    accident_factor: int
    household: bool = False


class Employers(Protocol):
    """The register of employers."""

    def get(self, matricules: Collection[str], year: int) -> Mapping[str, Employer]:
        """Those that exist, with the class and factor of a year."""


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
    """

    number: int
    member: MemberId
    employer: str
    procedures: frozenset[str]
    first: date
    last: date | None = None

    def covers(self, procedure: str, received: Received) -> bool:
        """Whether it allows a procedure at the moment of receipt."""
        began = self.first <= received.day
        return began and procedure in self.procedures and (self.last is None or received.day <= self.last)


class Mandates(Protocol):
    """The register of mandates; a member's own employer number is a mandate like any other."""

    def held_by(self, member: MemberId) -> Sequence[Mandate]:
        """All mandates a member has or had."""

    def for_employer(self, employer: str) -> Sequence[Mandate]:
        """All mandates for an employer, of any member."""


class Affiliation(NamedTuple):
    """A person's insurance through one employer.

    Attributes:
        employer, insured: matricules.
        entry: first day, inclusive.
        exit: last day, inclusive; None while it lasts.
        contract: letter of the contract type as declared (E is a pupil or student).
        scheme: two-digit scheme code (*régime*).
    """

    employer: str
    insured: str
    entry: date
    exit: date | None
    contract: str
    scheme: str

    def overlaps(self, first: date, last: date | None) -> bool:
        """Whether any day of a span, both ends inclusive and an open end allowed, is insured."""
        ends_before = self.exit is not None and self.exit < first
        starts_after = last is not None and last < self.entry
        return not (ends_before or starts_after)


class Affiliations(Protocol):
    """The register of affiliations, keyed by employer, insured and entry."""

    def of(self, pairs: Collection[Pair]) -> Mapping[Pair, Sequence[Affiliation]]:
        """Those in force or past, not those cancelled; pairs without any are absent. Sorted by entry."""

    def open(self, affiliation: Affiliation) -> None:
        """Enter a new one."""

    def replace(self, old: Affiliation, new: Affiliation) -> None:
        """An exit or a change: `new` stands where `old` stood; the old version is kept as history."""

    def cancel(self, affiliation: Affiliation) -> None:
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
        """For each key that has a wage current or held: the number of its deposit."""

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


@dataclass(frozen=True, slots=True)
class Registers:
    """All registers, bound to the transaction of one batch."""

    persons: Persons
    companies: Companies
    employers: Employers
    mandates: Mandates
    affiliations: Affiliations
    wages: Wages
    absences: Absences
