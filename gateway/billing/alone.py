"""The charges of insured whose month stands alone, very many at once.

What they paid is below the ceiling, and no earlier month of the year left any pay uncharged: nothing but the
month itself decides. They are nearly all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from gateway.billing.charges import Basis, Case, Charge, age_of
from gateway.billing.statement import ChargedLine
from gateway.contributions import Classification, Insurance, Policy, Schedule, schedule_of
from gateway.contributions.bulk import Amounts, BulkMonth, Columns
from gateway.contributions.wording import Wording
from gateway.moments import Period
from gateway.money import euro
from gateway.parameters import Branch

_BRANCHES = tuple(Branch)


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

    def charge(self, found: Sequence[Alone]) -> Iterator[Charge | None]:
        """The charge of each, as its version 1; None where the whole year has to be looked at."""
        ages = [age_of(one.case.key.insured, self._schedule.period) for one in found]
        due = self._bulk.compute(
            Columns.of(
                (one.case.pay, Insurance(age, one.case.key.group), one.classification)
                for one, age in zip(found, ages, strict=True)
            )
        )
        for one, age, apart, amounts in zip(found, ages, due.apart.tolist(), _by_row(due), strict=True):
            yield None if apart else self._charge(one, age, amounts)

    def _charge(self, one: Alone, age: int | None, amounts: _Row) -> Charge:
        case, period = one.case, self._schedule.period
        until = one.affiliated & ((1 << period.month) - 1)
        return Charge(
            key=case.key,
            version=1,
            basis=Basis(case.pay, age, one.classification, until, case.records),
            lines=tuple(self._lines(one, age, amounts)),
            parameters=self._schedule.fingerprint,
            excess=0,
        )

    def _lines(self, one: Alone, age: int | None, amounts: _Row) -> Iterator[ChargedLine]:
        pay = one.case.pay
        elements = pay.amounts
        hours = int(pay.hours * 100)
        base, employee, employer = amounts
        entering: dict[tuple[int, ...], tuple[int, str]] = {}
        for words in self._wording.lines(one.classification, one.case.key.group):
            place, rate = words.place, words.rate
            paid = entering.get(words.elements)
            if paid is None:
                cents = sum([elements[place] for place in words.elements])
                paid = entering[words.elements] = cents, euro(cents)
            source, formula = words.tell(*paid, hours, age)
            yield ChargedLine(
                rate.branch,
                base[place],
                words.effective,
                employee[place],
                employer[place],
                rate.institution,
                source,
                formula,
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


_Row = tuple[list[int], list[int], list[int]]
"""Bases and both shares of one insured, in the order of `Branch`."""


def _by_row(due: Amounts) -> Iterator[_Row]:
    return zip(due.base.T.tolist(), due.employee.T.tolist(), due.employer.T.tolist(), strict=True)
