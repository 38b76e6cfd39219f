"""The charges of insured whose month stands alone, very many at once.

What they paid is below the ceiling, and no earlier month of the year left any pay uncharged: nothing but the
month itself decides. They are nearly all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

import numpy as np

from gateway.billing.charges import Basis, Case, Charge, age_of
from gateway.billing.lines import AMOUNTS, Kind, Lines, Pattern
from gateway.contributions import Classification, Group, Insurance, Policy, Schedule, schedule_of
from gateway.contributions.bulk import HUNDREDTHS, Amounts, BulkMonth, Columns
from gateway.contributions.wording import LineWording, Wording
from gateway.moments import Period
from gateway.money import euro


class Alone(NamedTuple):
    """A case that stands alone.

    Attributes:
        affiliated: months of the year insured, as `months_insured` answers.
        classification: of the employer in that year.
    """

    case: Case
    affiliated: int
    classification: Classification


class AloneMonth:
    """What is charged for one month under one policy.

    Raises:
        ValueError: when the law of the month has values that do not fit into whole numbers.
    """

    def __init__(self, schedule: Schedule, policy: Policy) -> None:
        self._schedule = schedule
        self._bulk = BulkMonth(schedule, policy)
        self._wording = Wording(schedule, policy)
        self._forms: dict[Classification, Mapping[Group, _Form]] = {}

    def charge(self, found: Sequence[Alone]) -> Iterator[Charge | None]:
        """The charge of each, as its version 1; None where the whole year has to be looked at."""
        ages = [age_of(one.case.key.insured, self._schedule.period) for one in found]
        due = self._bulk.compute(
            Columns.of(
                (one.case.pay, Insurance(age, one.case.key.group), one.classification)
                for one, age in zip(found, ages, strict=True)
            )
        )
        known: Classification | None = None
        for one, age, apart, amounts in zip(found, ages, due.apart.tolist(), _by_row(due), strict=True):
            if one.classification is not known:  # The people of an employer come one after the other.
                known, forms = one.classification, self._forms_of(one.classification)
            yield (
                None if apart else self._charge(one, age, forms[one.case.key.group].lines(one, age, amounts))
            )

    def _charge(self, one: Alone, age: int | None, lines: Lines) -> Charge:
        case, period = one.case, self._schedule.period
        until = one.affiliated & ((1 << period.month) - 1)
        return Charge(
            key=case.key,
            version=1,
            basis=Basis(case.pay, age, one.classification, until, case.records),
            lines=lines,
            parameters=self._schedule.fingerprint,
            excess=0,
        )

    def _forms_of(self, employer: Classification) -> Mapping[Group, _Form]:
        """How the lines of an employer's people are told, by how they are insured."""
        forms = self._forms.get(employer)
        if forms is None:
            forms = {group: _Form(self._wording.lines(employer, group)) for group in Group}
            self._forms[employer] = forms
        return forms


class _Form:
    """How the lines of people of one group are told, with employers of one class."""

    def __init__(self, words: Sequence[LineWording]) -> None:
        self._words = words
        # Many branches have the same elements of the pay in their base, which are added up once.
        self._entering = tuple(dict.fromkeys(one.elements for one in words))
        self._telling = tuple((one.tell, self._entering.index(one.elements)) for one in words)
        places = [AMOUNTS * one.place + part for one in words for part in range(AMOUNTS)]
        self._amounts = itemgetter(*places)
        self._patterns: dict[tuple[str, ...], Pattern] = {}

    def lines(self, one: Alone, age: int | None, amounts: Sequence[int]) -> Lines:
        """The lines of one insured.

        Args:
            amounts: base and shares of each branch, in the order of `Branch`.
        """
        pay = one.case.pay
        elements, hours = pay.amounts, int(pay.hours * HUNDREDTHS)
        paid = [sum([elements[place] for place in places]) for places in self._entering]
        written = [euro(cents) for cents in paid]
        told = [tell(paid[place], written[place], hours, age) for tell, place in self._telling]
        sources, formulas = zip(*told, strict=True)
        pattern = self._patterns.get(sources)
        if pattern is None:
            pattern = self._patterns[sources] = self._pattern(sources)
        return Lines(pattern, self._amounts(amounts), formulas)

    def _pattern(self, sources: tuple[str, ...]) -> Pattern:
        return Pattern(
            tuple(
                Kind(one.rate.branch, one.effective, one.rate.institution, source)
                for one, source in zip(self._words, sources, strict=True)
            )
        )


@lru_cache(maxsize=16)
def alone_month(period: Period, known: date, policy: Policy) -> AloneMonth | None:
    """The month as the law is known on a day, kept; None when its values do not fit into whole numbers.

    Raises:
        NoParametersError: when no parameters are known for it.
    """
    try:
        return AloneMonth(schedule_of(period, known), policy)
    except ValueError:
        return None


def _by_row(due: Amounts) -> Iterator[list[int]]:
    """Base and shares of each branch, in the order of `Branch`, for one insured after the other."""
    parts = np.stack((due.base, due.employee, due.employer), axis=1)
    rows: list[list[int]] = parts.reshape(-1, parts.shape[-1]).T.tolist()
    return iter(rows)
