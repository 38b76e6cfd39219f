"""The registers in memory: real ones, for tests, demonstrations and trials without a database.

They keep every rule that the ports in `gateway.registers` state, and nothing after the process ends.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import chain
from typing import TYPE_CHECKING

from gateway.batch import MemberId
from gateway.matricule import next_company_number, person_number
from gateway.moments import Period
from gateway.registers import (
    Absence,
    AbsenceState,
    Activity,
    ActivityState,
    Address,
    Affiliation,
    Company,
    Employer,
    Identity,
    InsuredMonth,
    Mandate,
    Mission,
    Origin,
    OwnCalculation,
    Pair,
    Registers,
    Registration,
    Wage,
    WageKey,
    WageState,
)

if TYPE_CHECKING:
    from gateway.billing.statement import InsuredResult

_SERIALS = 999
_STANDING = frozenset({WageState.CURRENT, WageState.HELD})


class MemoryPersons:
    """Persons by identity; a new one gets the lowest serial of the birth date that nobody has.

    Args:
        known: the matricules of those already registered.
        affiliations: somebody who had a number before is known by an affiliation only.
        residences: the countries of the addresses of those already registered, by matricule.
        replaced: numbers that the national register has replaced, and the one that counts now.
    """

    def __init__(
        self,
        known: Mapping[Identity, str],
        affiliations: MemoryAffiliations,
        residences: Mapping[str, str],
        replaced: Mapping[str, str],
    ) -> None:
        self._matricules = dict(known)
        self._affiliations = affiliations
        self._residences = dict(residences)
        self._replaced = dict(replaced)

    def find(self, identities: Collection[Identity]) -> Mapping[Identity, str]:
        known = self._matricules
        return {identity: known[identity] for identity in identities if identity in known}

    def assign(self, identity: Identity, nationality: str, address: Address) -> str | None:  # noqa: ARG002
        """Give a free number; of nationality and address only the country of the address is kept.

        Raises:
            ValueError: when the person has one.
        """
        if identity in self._matricules:
            raise ValueError("a person has one number")
        taken = {*self._matricules.values(), *self._affiliations.insured(), *self._replaced}
        numbers = (person_number(identity.born, serial) for serial in range(1, _SERIALS + 1))
        matricule = next((number for number in numbers if number not in taken), None)
        if matricule is not None:
            self._matricules[identity] = matricule
            self._residences[matricule] = address.country
        return matricule

    def residences(self, matricules: Collection[str]) -> Mapping[str, str]:
        known = self._residences
        return {matricule: known[matricule] for matricule in matricules if matricule in known}

    def identities(self, matricules: Collection[str]) -> Mapping[str, Identity]:
        wanted = set(matricules)
        return {number: identity for identity, number in self._matricules.items() if number in wanted}

    def replaced(self, matricules: Collection[str]) -> Mapping[str, str]:
        return {number: self._replaced[number] for number in matricules if number in self._replaced}


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

    def numbered(self, numbers: Collection[str]) -> Collection[str]:
        return set(numbers) & set(self._numbers.values())


class MemoryEmployers:
    """Employers by matricule and year.

    Args:
        known: an employer as it is in a year, for each year in which it exists.

    Attributes:
        history: every change of name: matricule, name before, name after, first day, number of the deposit.
    """

    def __init__(self, known: Iterable[tuple[int, Employer]]) -> None:
        self._employers = {(employer.matricule, year): employer for year, employer in known}
        self.history: list[tuple[str, str, str, date, int]] = []

    def get(self, matricules: Collection[str], year: int) -> Mapping[str, Employer]:
        known = self._employers
        return {matricule: known[matricule, year] for matricule in matricules if (matricule, year) in known}

    def name(self, matricule: str) -> str | None:
        return self._names().get(matricule)

    def of_legal_person(self, national: str) -> Mapping[str, str]:
        return {matricule: name for matricule, name in self._names().items() if matricule[:11] == national}

    def enter(self, new: Registration) -> None:
        """Enter a new one.

        Raises:
            ValueError: when there is one with this number.
        """
        if new.matricule in self._names():
            raise ValueError(f"already there: {new.matricule}")
        for year in new.years:
            employer = Employer(new.matricule, new.name, new.mde_class, new.accident_factor)
            self._employers[new.matricule, year] = employer

    def rename(self, matricule: str, name: str, first: date, deposit: int) -> None:
        """Give an employer another name.

        Raises:
            KeyError: when there is no such employer.
        """
        self.history.append((matricule, self._names()[matricule], name, first, deposit))
        for key, employer in self._employers.items():
            if employer.matricule == matricule:
                self._employers[key] = replace(employer, name=name)

    def _names(self) -> dict[str, str]:
        return {employer.matricule: employer.name for employer in self._employers.values()}


class MemoryMandates:
    """Mandates in the order of their numbers.

    Args:
        known: those already entered; their holders are members.
        members: who else is a member.

    Attributes:
        history: each mandate as it was entered or changed here, and by whom, in that order.
    """

    def __init__(self, known: Iterable[Mandate], members: Iterable[MemberId] = ()) -> None:
        self._mandates = {mandate.number: mandate for mandate in sorted(known, key=lambda one: one.number)}
        self._members = {*members, *(mandate.member for mandate in self._mandates.values())}
        self.history: list[tuple[Mandate, Origin]] = []

    def held_by(self, member: MemberId) -> Sequence[Mandate]:
        return [mandate for mandate in self._mandates.values() if mandate.member == member]

    def for_employer(self, employer: str) -> Sequence[Mandate]:
        return [mandate for mandate in self._mandates.values() if mandate.employer == employer]

    def get(self, number: int) -> Mandate | None:
        return self._mandates.get(number)

    def knows(self, member: MemberId) -> bool:
        return member in self._members

    def enter(self, new: Mandate, by: Origin) -> Mandate:
        entered = replace(new, number=max(self._mandates, default=0) + 1)
        self._keep(entered, by)
        return entered

    def change(self, mandate: Mandate, by: Origin) -> None:
        """Put a mandate in the place of the one with its number.

        Raises:
            ValueError: when there is none.
        """
        if mandate.number not in self._mandates:
            raise ValueError(f"not there: {mandate}")
        self._keep(mandate, by)

    def _keep(self, mandate: Mandate, by: Origin) -> None:
        self._mandates[mandate.number] = mandate
        self.history.append((mandate, by))


class MemoryAffiliations:
    """Affiliations by employer, insured, entry and user company.

    Attributes:
        history: the versions that were replaced or cancelled, in that order.
    """

    def __init__(self) -> None:
        self._affiliations: dict[Pair, dict[tuple[date, str], Affiliation]] = defaultdict(dict)
        self.history: list[Affiliation] = []

    def of(self, pairs: Collection[Pair]) -> Mapping[Pair, Sequence[Affiliation]]:
        found = {pair: self._affiliations[pair] for pair in pairs if self._affiliations.get(pair)}
        return {pair: [by_key[key] for key in sorted(by_key)] for pair, by_key in found.items()}

    def during(self, employer: str, first: date, last: date) -> Sequence[Affiliation]:
        of_employer = (pair for pair in sorted(self._affiliations) if pair[0] == employer)
        found = chain.from_iterable(self.of([pair]).get(pair, ()) for pair in of_employer)
        return [affiliation for affiliation in found if affiliation.overlaps(first, last)]

    def insured(self) -> set[str]:
        """Everybody who has or had an affiliation."""
        return {insured for _, insured in self._affiliations}

    def open(self, affiliation: Affiliation) -> None:
        """Enter a new one.

        Raises:
            ValueError: when the pair has one with that entry and user company.
        """
        by_key = self._affiliations[affiliation.employer, affiliation.insured]
        key = affiliation.entry, affiliation.user or ""
        if key in by_key:
            raise ValueError(f"already there: {affiliation}")
        by_key[key] = affiliation

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
        by_key = self._affiliations[affiliation.employer, affiliation.insured]
        key = affiliation.entry, affiliation.user or ""
        if by_key.get(key) != affiliation:
            raise ValueError(f"not there: {affiliation}")
        del by_key[key]
        self.history.append(affiliation)


class MemoryMissions:
    """Missions by employer, insured, entry and user company.

    Attributes:
        history: the versions that were replaced or cancelled, in that order.
    """

    def __init__(self) -> None:
        self._missions: dict[Pair, dict[tuple[date, str], Mission]] = defaultdict(dict)
        self.history: list[Mission] = []

    def of(self, pairs: Collection[Pair]) -> Mapping[Pair, Sequence[Mission]]:
        found = {pair: self._missions[pair] for pair in pairs if self._missions.get(pair)}
        return {pair: [by_key[key] for key in sorted(by_key)] for pair, by_key in found.items()}

    def open(self, mission: Mission) -> None:
        """Enter a new one.

        Raises:
            ValueError: when the pair has one with that entry and user company.
        """
        by_key = self._missions[mission.pair]
        if (mission.entry, mission.user) in by_key:
            raise ValueError(f"already there: {mission}")
        by_key[mission.entry, mission.user] = mission

    def replace(self, old: Mission, new: Mission) -> None:
        """Put `new` where `old` stood.

        Raises:
            ValueError: when `old` does not stand, or `new` is of another pair or meets a third one.
        """
        if old.pair != new.pair:
            raise ValueError(f"another employer or insured: {new}")
        self.cancel(old)
        self.open(new)

    def cancel(self, mission: Mission) -> None:
        """Strike one.

        Raises:
            ValueError: when it does not stand.
        """
        by_key = self._missions[mission.pair]
        if by_key.get((mission.entry, mission.user)) != mission:
            raise ValueError(f"not there: {mission}")
        del by_key[mission.entry, mission.user]
        self.history.append(mission)


class MemoryWages:
    """Wages by deposit, record and key, each with its state; one record may declare many (DECREC)."""

    def __init__(self) -> None:
        self._wages: dict[_Place, Wage] = {}
        self._states: dict[_Place, WageState] = {}
        self._standing: dict[WageKey, Wage] = {}

    def standing(self, keys: Collection[WageKey]) -> Mapping[WageKey, int]:
        months = {key.month for key in keys}
        return {key: wage.deposit for key, wage in self._standing.items() if key.month in months}

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
            self._wages[_place(wage)] = wage
            self._states[_place(wage)] = state

    def supersede(self, keys: Collection[WageKey], by_deposit: int) -> None:
        for key in keys:
            wage = self._standing.get(key)
            if wage is not None and wage.deposit < by_deposit:
                del self._standing[key]
                self._states[_place(wage)] = WageState.SUPERSEDED

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
                self._states[_place(wage)] = WageState.CURRENT

    def hours(self, months: Collection[InsuredMonth]) -> Mapping[InsuredMonth, int]:
        wanted = set(months)
        found: dict[InsuredMonth, int] = {}
        for key, wage in self._standing.items():
            month = InsuredMonth(key.employer, key.insured, key.period)
            if month in wanted and self._state(wage) is WageState.CURRENT:
                found[month] = found.get(month, 0) + wage.work_hours
        return found

    def of_month(self, employer: str, period: Period) -> Sequence[Wage]:
        found = (key for key in self._standing if (key.employer, key.period) == (employer, period))
        return [self._standing[key] for key in sorted(found)]

    def counting(self, pairs: Collection[Pair]) -> Mapping[Pair, Sequence[Wage]]:
        wanted = set(pairs)
        found: dict[Pair, list[Wage]] = defaultdict(list)
        for wage in sorted(self._standing.values(), key=lambda wage: (wage.key.period, wage.key.first_day)):
            pair = wage.key.employer, wage.key.insured
            if pair in wanted and self._state(wage) is WageState.CURRENT:
                found[pair].append(wage)
        return found

    def all(self) -> Iterator[tuple[Wage, WageState]]:
        """Every wage ever entered, with what has become of it."""
        return ((wage, self._state(wage)) for wage in self._wages.values())

    def _state(self, wage: Wage) -> WageState:
        return self._states[_place(wage)]


_Place = tuple[int, int, WageKey]


def _place(wage: Wage) -> _Place:
    return wage.deposit, wage.record, wage.key


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

    def of_pairs(
        self, pairs: Collection[Pair], first: Period, last: Period
    ) -> Mapping[Pair, Sequence[Absence]]:
        wanted = set(pairs)
        found: dict[Pair, list[Absence]] = defaultdict(list)
        for month in sorted(self._standing):
            pair = month.employer, month.insured
            if pair in wanted and first <= month.period <= last:
                found[pair] += (self._standing[month][day] for day in sorted(self._standing[month]))
        return found


class MemoryActivities:
    """Activities abroad by deposit and record, each with its state."""

    def __init__(self) -> None:
        self._activities: dict[tuple[int, int], tuple[Activity, ActivityState]] = {}
        self._standing: dict[Pair, dict[tuple[str, date], Activity]] = defaultdict(dict)

    def standing(self, pairs: Collection[Pair]) -> Mapping[Pair, Sequence[Activity]]:
        found = {pair: self._standing[pair].values() for pair in pairs if self._standing.get(pair)}
        return {
            pair: sorted(known, key=lambda one: (one.first, one.procedure)) for pair, known in found.items()
        }

    def add(self, activity: Activity, state: ActivityState) -> None:
        """Enter a new one.

        Raises:
            ValueError: when another one of the pair and procedure begins on the same day.
        """
        known = self._standing[activity.pair]
        if (activity.procedure, activity.first) in known:
            raise ValueError(f"another activity begins on the same day: {activity}")
        known[activity.procedure, activity.first] = activity
        self._activities[activity.deposit, activity.record] = activity, state

    def end(self, activity: Activity, state: ActivityState) -> None:
        """One that stands does so no more.

        Raises:
            KeyError: when it does not stand.
        """
        del self._standing[activity.pair][activity.procedure, activity.first]
        self._activities[activity.deposit, activity.record] = activity, state

    def held(self, pairs: Collection[Pair]) -> Sequence[Activity]:
        wanted = set(pairs)
        return [
            activity
            for activity, state in self._activities.values()
            if state is ActivityState.HELD and activity.pair in wanted
        ]

    def release(self, activities: Sequence[Activity]) -> None:
        for activity in activities:
            self._activities[activity.deposit, activity.record] = activity, ActivityState.CURRENT

    def all(self) -> Iterator[tuple[Activity, ActivityState]]:
        """Every activity ever entered, with what has become of it."""
        return iter(self._activities.values())


class MemoryOwnCalculations:
    """Own computations by employer, insured and month.

    Attributes:
        history: those that were replaced, in that order.
    """

    def __init__(self) -> None:
        self._standing: dict[InsuredMonth, list[OwnCalculation]] = {}
        self.history: list[OwnCalculation] = []

    def put(self, own: Collection[OwnCalculation]) -> None:
        for month in {one.month for one in own}:
            self.history += self._standing.pop(month, [])
        for one in own:
            self._standing.setdefault(one.month, []).append(one)

    def of_month(self, employer: str, period: Period) -> Sequence[OwnCalculation]:
        months = sorted(
            month for month in self._standing if (month.employer, month.period) == (employer, period)
        )
        return [one for month in months for one in sorted(self._standing[month], key=lambda one: one.record)]


class MemoryCharges:
    """What stands as charged, as it is put in.

    Attributes:
        billed: the results of each employer and month, by insured and group.
        earlier: in the same way, those that were reversed since.
    """

    def __init__(self) -> None:
        self.billed: dict[tuple[str, Period], Sequence[InsuredResult]] = {}
        self.earlier: dict[tuple[str, Period], Sequence[InsuredResult]] = {}

    def of_month(self, employer: str, period: Period) -> Sequence[InsuredResult]:
        return self.billed.get((employer, period), ())

    def reversed_of(self, employer: str, period: Period) -> Sequence[InsuredResult]:
        return self.earlier.get((employer, period), ())


def memory_registers(
    persons: Mapping[Identity, str] | None = None,
    employers: Iterable[tuple[int, Employer]] = (),
    mandates: Iterable[Mandate] = (),
    companies: Mapping[Company, str] | None = None,
    members: Iterable[MemberId] = (),
    residences: Mapping[str, str] | None = None,
    replaced: Mapping[str, str] | None = None,
) -> Registers:
    """All registers in memory: with these persons, employers by year, mandates, user companies, members
    beside those who hold a mandate, the countries in which persons live, by matricule, and numbers that
    were replaced."""
    affiliations = MemoryAffiliations()
    return Registers(
        persons=MemoryPersons(persons or {}, affiliations, residences or {}, replaced or {}),
        companies=MemoryCompanies(companies or {}),
        employers=MemoryEmployers(employers),
        mandates=MemoryMandates(mandates, members),
        affiliations=affiliations,
        missions=MemoryMissions(),
        wages=MemoryWages(),
        absences=MemoryAbsences(),
        activities=MemoryActivities(),
        own=MemoryOwnCalculations(),
        charges=MemoryCharges(),
    )
