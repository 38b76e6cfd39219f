"""What an employer owes for a month, and what has to be corrected, from all that stands in the registers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import islice, repeat

import sqlalchemy as sa

from adapters.database.registers import bind, recalculations
from adapters.database.registers.absences import SqlAbsences
from adapters.database.registers.activities import SqlActivities
from adapters.database.registers.affiliations import SqlAffiliations
from adapters.database.registers.charges import SqlCharges
from adapters.database.registers.employers import SqlEmployers
from adapters.database.registers.refunds import SqlRefunds
from adapters.database.registers.wages import SqlWages
from gateway.billing.alone import Alone, alone_month
from gateway.billing.charges import (
    Case,
    Change,
    Charge,
    ChargeKey,
    cases,
    changes,
    charge_year,
    months_insured,
)
from gateway.billing.holds import Code, Hold
from gateway.billing.refunds import RefundKey, refund_changes
from gateway.billing.statement import Cause, RefundChange
from gateway.contributions import (
    Ceiling,
    Classification,
    HealthService,
    NoParametersError,
    Policy,
    schedule_of,
)
from gateway.moments import Period, Received
from gateway.mutuality import first_counted, refund
from gateway.parameters import law
from gateway.registers import Affiliation, Employer, InsuredMonth, Pair, Wage

InsuredYear = tuple[str, int]
"""Matricule and calendar year: what is computed at once, since months leave room below the ceiling."""


@dataclass(frozen=True, slots=True)
class Reckoning:
    """What came of it.

    Attributes:
        changes: charges of the month, and corrections of earlier ones.
        refunds: of the Mutualité des employeurs.
        holds: what could not be computed.
    """

    changes: tuple[Change, ...]
    refunds: tuple[RefundChange, ...]
    holds: tuple[Hold, ...]


def classification_of(employer: Employer) -> Classification:
    """How an employer is classed in a year."""
    return Classification(
        employer.mde_class, employer.accident_factor, employer.public, HealthService(employer.health_service)
    )


def reckon(
    connection: sa.Connection,
    employers: Mapping[str, Period | None],
    period: Period,
    now: Received,
    *,
    policy: Policy,
) -> Mapping[str, Reckoning]:
    """Compute what the statements of some employers for a month charge, correct and refund.

    Args:
        employers: each with the month of its last statement; None without any.
    """
    known = _known(connection, employers, period)
    reckoners = {one: _Reckoner(connection, one, period, now, known, policy) for one in employers}
    alone = [one for reckoner in reckoners.values() for one in reckoner.apart()]
    charged = _charged_alone(alone, period, now.day, policy)
    return {employer: one.reckon(charged) for employer, one in reckoners.items()}


def _charged_alone(alone: Sequence[Alone], period: Period, known: date, policy: Policy) -> Iterator[Charge]:
    """The charge of each, one after another."""
    month = alone_month(period, known, policy) if alone else None
    charges = repeat(None) if month is None else month.charge(alone)
    for one, charge in zip(alone, charges, strict=False):
        if charge is None:
            yield from charge_year([one.case], one.affiliated, one.classification, policy, known)
        else:
            yield charge


@dataclass(frozen=True, slots=True)
class _Known:
    """What the registers say about some employers, asked for at once.

    Attributes:
        first: by employer, the month after its last statement; without any that of its first wage.
        wages: by employer, those that count since then.
        absent: by employer, the insured for whom an incapacity stands since then.
        due: by employer, what has to be looked at again.
        affiliations: of the insured with wages, by pair.
        exceeding: pairs whose pay of the year was above what could be charged.
        classes: by employer, how it is classed in the year of the period.
    """

    first: Mapping[str, Period]
    wages: Mapping[str, Sequence[Wage]]
    absent: Mapping[str, Collection[str]]
    due: Mapping[str, Sequence[recalculations.Due]]
    affiliations: Mapping[Pair, Sequence[Affiliation]]
    exceeding: Collection[Pair]
    classes: Mapping[str, Classification]


def _known(connection: sa.Connection, employers: Mapping[str, Period | None], period: Period) -> _Known:
    first = {one: None if until is None else until.plus(1) for one, until in employers.items()}
    wages = SqlWages(connection).charged_by(first, period)
    since = {
        employer: month or min((wage.key.period for wage in wages.get(employer, ())), default=period)
        for employer, month in first.items()
    }
    registered = SqlEmployers(connection).get(list(employers), period.year)
    pairs = {(wage.key.employer, wage.key.insured) for each in wages.values() for wage in each}
    return _Known(
        first=since,
        wages=wages,
        absent=SqlAbsences(connection).declared_by(since, period),
        due=recalculations.due(connection, list(employers)),
        affiliations=SqlAffiliations(connection).of(pairs),
        exceeding=SqlCharges(connection).exceeding(list(employers), period.year),
        classes={one: classification_of(found) for one, found in registered.items()},
    )


class _Reckoner:
    """One employer, once."""

    def __init__(
        self,
        connection: sa.Connection,
        employer: str,
        period: Period,
        now: Received,
        known: _Known,
        policy: Policy,
    ) -> None:
        self._employer = employer
        self._period = period
        self._known = now.day
        self._policy = policy
        self._first = known.first[employer]
        self._fresh = known.wages.get(employer, ())
        self._absent = known.absent.get(employer, ())
        self._due = known.due.get(employer, ())
        self._exceeding = known.exceeding
        self._absences = SqlAbsences(connection)
        self._wages = SqlWages(connection)
        self._registers = bind(connection, self._wages, SqlActivities(connection))
        self._charges = SqlCharges(connection)
        self._refunds = SqlRefunds(connection)
        self._holds: list[Hold] = []
        self._classes: dict[int, Classification | None] = {period.year: known.classes.get(employer)}
        self._since = self._looked_at_again()
        self._affiliations = self._affiliated(known)
        self._alone: list[Alone] = []
        self._together: set[str] = set()

    def _affiliated(self, known: _Known) -> Mapping[str, Sequence[Affiliation]]:
        """The affiliations of all who matter; those without wages are asked for here."""
        employer = self._employer
        insured = {wage.key.insured for wage in self._fresh}
        others = {(employer, one) for one in {*self._absent, *self._since} - insured}
        found = self._registers.affiliations.of(others) if others else {}
        return {
            **{one: known.affiliations.get((employer, one), ()) for one in insured},
            **{one: found.get((employer, one), ()) for _, one in others},
        }

    def reckon(self, charged: Iterator[Charge]) -> Reckoning:
        """All of it.

        Args:
            charged: the charges of those whose month stands alone, in their order, and others behind them.
        """
        first = [Change((Cause.LATE,), None, charge) for charge in islice(charged, len(self._alone))]
        later = self._charged_together() if self._together else ()
        refunds = self._refunded() if self._absent or self._since else ()
        return Reckoning(
            tuple(sorted([*first, *later], key=lambda change: change.key)),
            tuple(refunds),
            tuple(dict.fromkeys(self._holds)),
        )

    def _looked_at_again(self) -> Mapping[str, Period]:
        """From which month on each insured has to be looked at again."""
        since: dict[str, Period] = {}
        for due in self._due:
            for insured in [due.insured] if due.insured else self._everybody(due.period):
                since[insured] = min(due.period, since.get(insured, due.period))
        return since

    def _everybody(self, first: Period) -> Collection[str]:
        declared = self._wages.charged_in(self._employer, first, self._period)
        return {wage.key.insured for wage in declared} | self._charges.insured(self._employer, first)

    def apart(self) -> Sequence[Alone]:
        """Those whose month can be charged by itself; the years of the others have to be looked at."""
        found, held = cases(self._fresh, self._affiliations, self._known)
        by_insured: defaultdict[str, list[Case]] = defaultdict(list)
        for case in found.values():
            by_insured[case.key.insured].append(case)
        self._together = set(self._since)
        for insured, own in by_insured.items():
            exceeds = (self._employer, insured) in self._exceeding
            if insured in self._since or exceeds or not self._is_plain(own):
                self._together.add(insured)
            else:
                self._alone += self._by_itself(own[0])
        self._holds += [hold for hold in held if hold.insured not in self._together]
        return self._alone

    def _by_itself(self, case: Case) -> Iterator[Alone]:
        classification = self._class(self._period.year)
        if classification is not None:
            mask = months_insured(self._affiliations[case.key.insured], self._period.year)
            yield Alone(case, mask, classification)

    def _is_plain(self, own: Sequence[Case]) -> bool:
        """Whether nothing but the month itself decides: one case, of this month, below its ceiling."""
        (case, *others) = own
        if others or case.key.period != self._period or self._policy.ceiling is Ceiling.YEAR_END:
            return False
        return case.pay.total <= self._ceiling

    @cached_property
    def _ceiling(self) -> int:
        """Of the month, in cents, cut."""
        return int(schedule_of(self._period, self._known).ceiling.value * 100)

    def _charged_together(self) -> Iterator[Change]:
        """The changes of those whose years are computed as a whole."""
        insured = self._together
        counting = self._registers.wages.counting({(self._employer, one) for one in insured})
        wages = [wage for each in counting.values() for wage in each if wage.key.period <= self._period]
        found, held = cases(wages, self._affiliations, self._known)
        standing = self._charges.standing(self._employer, insured)
        years = self._years([*found, *standing.charges, *held])
        self._holds += [hold for hold in held if (hold.insured, hold.period.year) in years]
        computed, looked_at = self._charge_years(found.values(), years)
        replaced = self._registers.persons.replaced(insured)
        yield from self._within_limit(changes(standing, computed, looked_at, replaced))

    def _years(self, keys: Iterable[ChargeKey | Hold]) -> set[InsuredYear]:
        """The years that something to be charged or to be looked at again is in."""
        since, fresh = self._since, (wage.key for wage in self._fresh)
        new = {(key.insured, key.period.year) for key in fresh if key.insured in self._together}
        again = {
            (key.insured, key.period.year)
            for key in keys
            if key.insured in since and key.period.year >= since[key.insured].year
        }
        return new | again

    def _charge_years(
        self, found: Iterable[Case], years: Collection[InsuredYear]
    ) -> tuple[list[Charge], set[InsuredYear]]:
        """The charges of years, and those years that could be computed."""
        by_year: defaultdict[InsuredYear, list[Case]] = defaultdict(list)
        for case in found:
            by_year[case.key.insured, case.key.period.year].append(case)
        computed: list[Charge] = []
        done: set[InsuredYear] = set()
        for insured, year in sorted(years):
            classification = self._class(year)
            own = by_year[insured, year]
            if classification is None:
                continue
            mask = months_insured(self._affiliations[insured], year)
            try:
                computed += charge_year(own, mask, classification, self._policy, self._known) if own else []
            except NoParametersError as error:
                self._holds.append(Hold(Code.PARAMETERS, self._employer, error.period, insured))
            else:
                done.add((insured, year))
        return computed, done

    def _class(self, year: int) -> Classification | None:
        """How the employer is classed in a year; holds what lies in a year without."""
        if year not in self._classes:
            known = self._registers.employers.get([self._employer], year).get(self._employer)
            self._classes[year] = None if known is None else classification_of(known)
        if self._classes[year] is None:
            self._holds.append(Hold(Code.CLASSIFICATION, self._employer, Period(year, 1)))
        return self._classes[year]

    def _within_limit(self, found: Iterable[Change]) -> Iterator[Change]:
        """Those that corrections still reach; the others are held."""
        years = law().number("collection.correction_years", self._period).value
        for change in found:
            if change.key.period.year < self._known.year - int(years):
                hold = Hold(Code.PRESCRIBED, self._employer, change.key.period, change.key.insured)
                self._holds.append(hold)
            else:
                yield change

    def _refunded(self) -> list[RefundChange]:
        insured, since = self._affiliations.keys(), self._since
        pairs = {(self._employer, one) for one in insured}
        first = min([self._first, *since.values()])
        absences = self._absences.of_pairs(pairs, first_counted(first), self._period)
        refunded = self._refunds.standing(self._employer, insured)
        months = {
            RefundKey(one, absence.month.period)
            for (_, one), each in absences.items()
            for absence in each
            if absence.month.period >= since.get(one, self._first)
        }
        again = {key for key in refunded.refunds if key.period >= since.get(key.insured, self._period)}
        computed, done = [], set()
        wages = self._registers.wages.counting({(self._employer, key.insured) for key in months})
        for key in sorted(months | again):
            pair = (self._employer, key.insured)
            classification = self._class(key.period.year)
            if classification is None:
                continue
            try:
                one = refund(
                    InsuredMonth(*pair, key.period),
                    absences.get(pair, ()),
                    wages.get(pair, ()),
                    self._affiliations[key.insured],
                    schedule_of(key.period, self._known),
                    classification,
                )
            except NoParametersError:
                self._holds.append(Hold(Code.PARAMETERS, self._employer, key.period, key.insured))
                continue
            done.add(key)
            computed += [one] if one else []
        self._holds += [
            Hold(Code.INCAPACITY, self._employer, one.period, one.insured, left.detail)
            for one in computed
            for left in one.held
        ]
        return refund_changes(refunded, computed, done, self._registers.persons.replaced(insured))
