"""The law in force in a wage month: every value with its start date, its sources and how sure it is."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Generic, TypeVar

from gateway.moments import Period

T = TypeVar("T")


class Branch(StrEnum):
    """A branch of social insurance, in the order in which statements list them."""

    CARE = "care"
    """Sickness, benefits in kind (*prestations en nature, soins*)."""
    CASH = "cash"
    """Sickness, cash benefits (*prestations en espèces*)."""
    PENSION = "pension"
    DEPENDENCY = "dependency"
    """The dependency contribution (*contribution dépendance*), of the insured only."""
    ACCIDENT = "accident"
    MDE = "mde"
    """The employers' mutual insurance (*Mutualité des employeurs*)."""
    HEALTH_AT_WORK = "health_at_work"
    """Occupational health (*santé au travail*)."""
    FAMILY_BENEFITS = "family_benefits"
    """Family benefits (*prestations familiales*), of employers of the public sector only."""


class Confidence(StrEnum):
    """How sure a value is."""

    OFFICIAL = "official"
    """Read on a page of an institution or in the law."""
    PUBLISHED = "published"
    """Read on a page of an employers' federation or a professional firm."""
    DERIVED = "derived"
    """Computed from other values of these files."""
    SECOND_HAND = "second-hand"
    """Quoted by somebody else, the original was not read."""
    WEAK = "weak"
    """One source that nothing confirms."""
    ASSUMED = "assumed"
    """No source found."""

    @property
    def doubtful(self) -> bool:
        """Whether a value has to be confirmed before anybody is charged with it."""
        return self in (Confidence.SECOND_HAND, Confidence.WEAK, Confidence.ASSUMED)


@dataclass(frozen=True, slots=True)
class Parameter(Generic[T]):
    """One value of the law, as in force from a day on.

    Attributes:
        name: file and key, such as `rates.pension.employee`.
        value: the number or the words, as the unit of the file says.
        since: first day on which it holds; it holds until the next value's first day.
        sources: ids of `sources.yaml`, at least one.
        confidence: how sure the value is.
        note: a remark on this value, if any.
        known: day on which it was published or entered; None when it counts as known from the first.
    """

    name: str
    value: T
    since: date
    sources: tuple[str, ...]
    confidence: Confidence
    note: str | None = None
    known: date | None = None

    @property
    def quotation(self) -> str:
        """Sources and first day, and the day of a late publication, as lines and tables quote them."""
        known = f", known {self.known}" if self.known else ""
        return f"{', '.join(self.sources)} ({self.since}{known})"


class NoParametersError(LookupError):
    """No value of a parameter is in force on the first day of a wage month."""

    def __init__(self, name: str, period: Period, first: date | None) -> None:
        why = "no value was known yet" if first is None else f"starts on {first}"
        super().__init__(f"no parameters are known for {period}: {name} {why}")
        self.name = name
        self.period = period


@dataclass(frozen=True, slots=True)
class Law:
    """All parameters, each with its values in order of their first days.

    Values of the same first day stand in the order in which they became known; the last one holds.

    Attributes:
        numbers: parameters with one number as value.
        words: parameters with words as value, such as branches or an institution.
        sources: address (or description, where there is no address) of each source.
        version: digest over the files' content, and over what was not known yet; equal versions
            compute equal contributions.
        checked_up_to: last month for which new notices were looked for.
        confirm_at: page of the institution where doubtful values can be confirmed.
    """

    numbers: Mapping[str, Sequence[Parameter[Decimal]]]
    words: Mapping[str, Sequence[Parameter[tuple[str, ...]]]]
    sources: Mapping[str, str]
    version: str
    checked_up_to: Period
    confirm_at: str

    def as_known(self, day: date) -> Law:
        """The law as far as it was known at the end of a day: the same law when all of it was.

        A law that takes effect in the past, or a corrected value, is in the months it concerns from
        the day on which it became known, and not before.
        """
        later = sorted(_later(self.numbers, day) + _later(self.words, day))
        if not later:
            return self
        digest = hashlib.sha256("\n".join([self.version, *later]).encode())
        return replace(
            self,
            numbers={name: _known_of(values, day) for name, values in self.numbers.items()},
            words={name: _known_of(values, day) for name, values in self.words.items()},
            version=digest.hexdigest()[:12],
        )

    def number(self, name: str, period: Period) -> Parameter[Decimal]:
        """The number in force on the first day of a month.

        Raises:
            NoParametersError: when the first value starts later than that.
            KeyError: when no parameter has that name.
        """
        return _in_force(name, self.numbers[name], period)

    def word(self, name: str, period: Period) -> Parameter[tuple[str, ...]]:
        """The words in force on the first day of a month; raises like `number`."""
        return _in_force(name, self.words[name], period)

    def fingerprint(self, period: Period) -> str:
        """Twelve hexadecimal digits of a SHA-256 over all values in force on the first day of a month."""
        numbers = [one for values in self.numbers.values() for one in _until(values, period)[-1:]]
        words = [one for values in self.words.values() for one in _until(values, period)[-1:]]
        lines = [f"{one.name} {one.value}" for one in numbers] + [f"{one.name} {one.value}" for one in words]
        return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:12]


def _until(values: Sequence[Parameter[T]], period: Period) -> Sequence[Parameter[T]]:
    """Those whose first day is not after that of a month; the last one holds."""
    return values[: bisect_right(values, period.first, key=lambda value: value.since)]


def _in_force(name: str, values: Sequence[Parameter[T]], period: Period) -> Parameter[T]:
    place = bisect_right(values, period.first, key=lambda value: value.since)
    if place == 0:
        raise NoParametersError(name, period, values[0].since if values else None)
    return values[place - 1]


def _later(parameters: Mapping[str, Sequence[Parameter[T]]], day: date) -> list[str]:
    """The values that were not known yet, each as name and days."""
    return [
        f"{value.name} {value.since} {value.known}"
        for values in parameters.values()
        for value in values
        if not _known(value, day)
    ]


def _known(value: Parameter[T], day: date) -> bool:
    return value.known is None or value.known <= day


def _known_of(values: Sequence[Parameter[T]], day: date) -> tuple[Parameter[T], ...]:
    return tuple(value for value in values if _known(value, day))
