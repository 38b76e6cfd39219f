"""The registers in memory: real ones, for tests, demonstrations and trials without a database.

They keep every rule that the ports in `gateway.registers` state, and nothing after the process ends.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date

from gateway.batch import MemberId
from gateway.matricule import next_company_number, person_number
from gateway.registers import (
    Absence,
    AbsenceState,
    Address,
    Affiliation,
    Company,
    Employer,
    Identity,
    InsuredMonth,
    Mandate,
    Pair,
    Registers,
    Wage,
    WageKey,
    WageState,
)

_SERIALS = 999
_STANDING = frozenset({WageState.CURRENT, WageState.HELD})


class MemoryPersons:
    """Persons by identity; a new one gets the lowest serial of the birth date that nobody has.

    Args:
        known: the matricules of those already registered.
        affiliations: somebody who had a number before is known by an affiliation only.
    """

    def __init__(self, known: Mapping[Identity, str], affiliations: MemoryAffiliations) -> None:
        self._matricules = dict(known)
        self._affiliations = affiliations

    def find(self, identities: Collection[Identity]) -> Mapping[Identity, str]:
        known = self._matricules
        return {identity: known[identity] for identity in identities if identity in known}

    def assign(self, identity: Identity, nationality: str, address: Address) -> str | None:  # noqa: ARG002
        """Give a free number; nationality and address are not kept, since nothing reads them back.

        Raises:
            ValueError: when the person has one.
        """
        if identity in self._matricules:
            raise ValueError("a person has one number")
        taken = {*self._matricules.values(), *self._affiliations.insured()}
        numbers = (person_number(identity.born, serial) for serial in range(1, _SERIALS + 1))
        matricule = next((number for number in numbers if number not in taken), None)
        if matricule is not None:
            self._matricules[identity] = matricule
        return matricule


class MemoryCompanies:
    """User companies by name and address; a new one gets the number after the last of its year.

    Args:
        known: the numbers of those already registered.
    """

    def __init__(self, known: Mapping[Company, str]) -> None:
        self._numbers = dict(known)
        self._last = {int(number[:4]): number for number in sorted(known.values())}

    def find(self, companies: Collection[Company]) -> Mapping[Company, str]:
        known = self._numbers
        return {company: known[company] for company in companies if company in known}

    def assign(self, company: Company, year: int) -> str | None:
        """Give the next number.

        Raises:
            ValueError: when the company has one.
        """
        if company in self._numbers:
            raise ValueError("a company has one number")
        number = next_company_number(year, self._last.get(year))
        if number is not None:
            self._numbers[company] = self._last[year] = number
        return number


class MemoryEmployers:
    """Employers by matricule and year.

    Args:
        known: an employer as it is in a year, for each year in which it exists.
    """

    def __init__(self, known: Iterable[tuple[int, Employer]]) -> None:
        self._employers = {(employer.matricule, year): employer for year, employer in known}

    def get(self, matricules: Collection[str], year: int) -> Mapping[str, Employer]:
        known = self._employers
        return {matricule: known[matricule, year] for matricule in matricules if (matricule, year) in known}


class MemoryMandates:
    """Mandates in the order of their numbers."""

    def __init__(self, known: Iterable[Mandate]) -> None:
        self._mandates = sorted(known, key=lambda mandate: mandate.number)

    def held_by(self, member: MemberId) -> Sequence[Mandate]:
        return [mandate for mandate in self._mandates if mandate.member == member]

    def for_employer(self, employer: str) -> Sequence[Mandate]:
        return [mandate for mandate in self._mandates if mandate.employer == employer]


class MemoryAffiliations:
    """Affiliations by employer, insured and entry.

    Attributes:
        history: the versions that were replaced or cancelled, in that order.
    """

    def __init__(self) -> None:
        self._affiliations: dict[Pair, dict[date, Affiliation]] = defaultdict(dict)
        self.history: list[Affiliation] = []

    def of(self, pairs: Collection[Pair]) -> Mapping[Pair, Sequence[Affiliation]]:
        found = {pair: self._affiliations[pair] for pair in pairs if self._affiliations.get(pair)}
        return {pair: [by_entry[entry] for entry in sorted(by_entry)] for pair, by_entry in found.items()}

    def insured(self) -> set[str]:
        """Everybody who has or had an affiliation."""
        return {insured for _, insured in self._affiliations}

    def open(self, affiliation: Affiliation) -> None:
        """Enter a new one.

        Raises:
            ValueError: when the pair has one with that entry.
        """
        by_entry = self._affiliations[affiliation.employer, affiliation.insured]
        if affiliation.entry in by_entry:
            raise ValueError(f"already there: {affiliation}")
        by_entry[affiliation.entry] = affiliation

    def replace(self, old: Affiliation, new: Affiliation) -> None:
        """Put `new` where `old` stood.

        Raises:
            ValueError: when `old` does not stand, or `new` is of another pair or meets a third one.
        """
        if (old.employer, old.insured) != (new.employer, new.insured):
            raise ValueError(f"another employer or insured: {new}")
        self._strike(old)
        self.open(new)

    def cancel(self, affiliation: Affiliation) -> None:
        """Strike one that should never have been.

        Raises:
            ValueError: when it does not stand.
        """
        self._strike(affiliation)

    def _strike(self, affiliation: Affiliation) -> None:
        by_entry = self._affiliations[affiliation.employer, affiliation.insured]
        if by_entry.get(affiliation.entry) != affiliation:
            raise ValueError(f"not there: {affiliation}")
        del by_entry[affiliation.entry]
        self.history.append(affiliation)


class MemoryWages:
    """Wages by deposit and record, each with its state."""

    def __init__(self) -> None:
        self._wages: dict[tuple[int, int], Wage] = {}
        self._states: dict[tuple[int, int], WageState] = {}
        self._standing: dict[WageKey, Wage] = {}

    def standing(self, keys: Collection[WageKey]) -> Mapping[WageKey, int]:
        return {key: self._standing[key].deposit for key in keys if key in self._standing}

    def add(self, wages: Iterable[tuple[Wage, WageState]]) -> None:
        """Enter many at once.

        Raises:
            ValueError: when another wage stands under the same key.
        """
        for wage, state in wages:
            if state in _STANDING:
                if wage.key in self._standing:
                    raise ValueError(f"another wage stands under {wage.key}")
                self._standing[wage.key] = wage
            self._wages[wage.deposit, wage.record] = wage
            self._states[wage.deposit, wage.record] = state

    def supersede(self, keys: Collection[WageKey], by_deposit: int) -> None:
        for key in keys:
            wage = self._standing.get(key)
            if wage is not None and wage.deposit < by_deposit:
                del self._standing[key]
                self._states[wage.deposit, wage.record] = WageState.SUPERSEDED

    def held(self, pairs: Collection[Pair]) -> Sequence[Wage]:
        wanted = set(pairs)
        return [
            wage
            for wage in self._standing.values()
            if self._state(wage) is WageState.HELD and (wage.key.employer, wage.key.insured) in wanted
        ]

    def release(self, wages: Sequence[Wage]) -> None:
        for wage in wages:
            if self._state(wage) is WageState.HELD:
                self._states[wage.deposit, wage.record] = WageState.CURRENT

    def hours(self, months: Collection[InsuredMonth]) -> Mapping[InsuredMonth, int]:
        wanted = set(months)
        found: dict[InsuredMonth, int] = {}
        for key, wage in self._standing.items():
            month = InsuredMonth(key.employer, key.insured, key.period)
            if month in wanted and self._state(wage) is WageState.CURRENT:
                found[month] = found.get(month, 0) + wage.work_hours
        return found

    def all(self) -> Iterator[tuple[Wage, WageState]]:
        """Every wage ever entered, with what has become of it."""
        return ((wage, self._state(wage)) for wage in self._wages.values())

    def _state(self, wage: Wage) -> WageState:
        return self._states[wage.deposit, wage.record]


class MemoryAbsences:
    """Incapacities by employer, insured and month.

    Attributes:
        history: those that were cancelled, in that order.
    """

    def __init__(self) -> None:
        self._standing: dict[InsuredMonth, dict[date, Absence]] = defaultdict(dict)
        self.history: list[Absence] = []

    def standing(self, months: Collection[InsuredMonth]) -> Mapping[InsuredMonth, Sequence[Absence]]:
        found = {month: self._standing[month] for month in months if self._standing.get(month)}
        return {month: [by_first[first] for first in sorted(by_first)] for month, by_first in found.items()}

    def add(self, absences: Iterable[tuple[Absence, AbsenceState]]) -> None:
        """Enter many at once.

        Raises:
            ValueError: when another one of the month begins on the same day.
        """
        for absence, state in absences:
            if state is AbsenceState.CANCELLED:
                self.history.append(absence)
                continue
            if absence.first in self._standing[absence.month]:
                raise ValueError(f"another incapacity begins on the same day: {absence}")
            self._standing[absence.month][absence.first] = absence

    def cancel(self, months: Collection[InsuredMonth]) -> None:
        for month in months:
            self.history += self._standing.pop(month, {}).values()


def memory_registers(
    persons: Mapping[Identity, str] | None = None,
    employers: Iterable[tuple[int, Employer]] = (),
    mandates: Iterable[Mandate] = (),
    companies: Mapping[Company, str] | None = None,
) -> Registers:
    """All registers in memory: with these persons, employers by year, mandates, and user companies."""
    affiliations = MemoryAffiliations()
    return Registers(
        persons=MemoryPersons(persons or {}, affiliations),
        companies=MemoryCompanies(companies or {}),
        employers=MemoryEmployers(employers),
        mandates=MemoryMandates(mandates),
        affiliations=affiliations,
        wages=MemoryWages(),
        absences=MemoryAbsences(),
    )
