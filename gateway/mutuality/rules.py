"""What is refunded and how much of it: `rules.yaml`, for the days of an absence, as known on a day."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import yaml

from gateway.parameters import Confidence
from gateway.procedures.lists.rows import ListError, day, fields, rows, text, whole

FILE = Path(__file__).with_name("rules.yaml")
"""Where they stand."""


class Leave(StrEnum):
    """What a type of incapacity is, as far as refunds go."""

    SICKNESS = "sickness"
    """Sickness or accident at work; its days are counted for the limit."""
    FAMILY = "family"
    """Leave for family reasons."""
    ACCOMPANIMENT = "accompaniment"
    """Leave to accompany a dying relative."""
    CNS = "cns"
    """Paid by the health fund: maternity, dispensation of pregnant and nursing women, adoption."""
    UNKNOWN = "unknown"
    """Nobody has said yet what the digit means."""


class Ground(StrEnum):
    """Why an absence has the rate that it has."""

    SICKNESS = "sickness"
    TRIAL = "trial"
    """Sickness within the trial period."""
    QUARANTINE = "quarantine"
    """Quarantine or isolation ordered by an authority."""
    FAMILY = "family"
    ACCOMPANIMENT = "accompaniment"


@dataclass(frozen=True, slots=True)
class Dated:
    """From when to when something counts, and since when it was known.

    Attributes:
        since, until: first and last day of an absence for which it counts; `until` is None while it lasts.
        known: first day on which it was computed with; None when that was not later than `since`.
        sources: ids of the file's sources.
        confidence: how sure it is.
    """

    since: date
    until: date | None
    known: date | None
    sources: tuple[str, ...]
    confidence: Confidence

    def covers(self, first: date, last: date) -> bool:
        """Whether it counts for all days of a span, both ends inclusive."""
        return self.since <= first and (self.until is None or last <= self.until)

    def was_known(self, on: date | None) -> bool:
        """Whether it was known on a day; None is today and any day after."""
        return on is None or (self.known or self.since) <= on

    @property
    def quotation(self) -> str:
        """Sources and first day, as lines and tables quote them."""
        return f"{', '.join(self.sources)} ({self.since})"


@dataclass(frozen=True, slots=True)
class Kind(Dated):
    """What a digit of DECMAL field 5 means."""

    digit: str
    leave: Leave
    meaning: str


@dataclass(frozen=True, slots=True)
class Rate(Dated):
    """How much of the pay continued is refunded on a ground, as a fraction: 0.80 or 1.00."""

    ground: Ground
    value: Decimal


_D = TypeVar("_D", bound=Dated)


@dataclass(frozen=True, slots=True)
class Rules:
    """All of it, as known on one day.

    Attributes:
        version: twelve hexadecimal digits over the file.
        limit_days: of sickness, with the month of which the refund ends.
        limit_months: calendar months in which these days are counted.
        trial_months: of a trial period that count at the most.
    """

    version: str
    kinds: tuple[Kind, ...]
    rates: tuple[Rate, ...]
    limit_days: int
    limit_months: int
    trial_months: int

    def kind(self, digit: str, first: date, last: date) -> Kind | None:
        """What a digit means for an absence of these days; None when nothing is known."""
        return _last(kind for kind in self.kinds if kind.digit == digit and kind.covers(first, last))

    def rate(self, ground: Ground, first: date, last: date) -> Rate | None:
        """The rate of a ground for an absence of these days; None when there is none."""
        return _last(rate for rate in self.rates if rate.ground is ground and rate.covers(first, last))


def _last(entries: Iterable[_D]) -> _D | None:
    """The entry that began last."""
    return max(entries, key=lambda entry: entry.since, default=None)


@lru_cache(maxsize=64)
def rules_of(known: date | None = None) -> Rules:
    """The rules as they were known on a day; without one, as they stand.

    Raises:
        ListError: when the file breaks a rule.
    """
    return read(FILE.read_bytes(), known)


def read(content: bytes, known: date | None = None) -> Rules:
    """The rules that a file of this kind states.

    Raises:
        ListError: when it breaks a rule.
    """
    head = fields(
        yaml.CSafeLoader(content).get_single_data(), {"kinds", "rates", "limit", "trial", "sources"}
    )
    sources = head["sources"]
    if not isinstance(sources, dict):
        raise ListError("sources is not a mapping")
    kinds = [_kind(row, sources) for row in rows(head["kinds"])]
    rates = [_rate(row, sources) for row in rows(head["rates"])]
    limit = fields(head["limit"], {"days", "months", "source", "confidence"})
    trial = fields(head["trial"], {"months", "source", "confidence"})
    for row in (limit, trial):
        _quoted(row, sources)
    return Rules(
        version=hashlib.sha256(content).hexdigest()[:12],
        kinds=tuple(kind for kind in kinds if kind.was_known(known)),
        rates=tuple(rate for rate in rates if rate.was_known(known)),
        limit_days=whole(limit["days"]),
        limit_months=whole(limit["months"]),
        trial_months=whole(trial["months"]),
    )


_DATED = {"since", "source", "confidence"}
_OPTIONAL = frozenset({"until", "known"})


def _kind(row: object, sources: Mapping[str, str]) -> Kind:
    found = fields(row, _DATED | {"digit", "leave", "meaning"}, _OPTIONAL)
    try:
        leave = Leave(text(found["leave"]))
    except ValueError as error:
        raise ListError(str(error)) from error
    return Kind(*_dated(found, sources), text(found["digit"]), leave, text(found["meaning"]))


def _rate(row: object, sources: Mapping[str, str]) -> Rate:
    found = fields(row, _DATED | {"ground", "rate"}, _OPTIONAL)
    value = Decimal(text(found["rate"]))
    if not 0 <= value <= 1:
        raise ListError(f"a rate is 0 to 1, not {value}")
    try:
        ground = Ground(text(found["ground"]))
    except ValueError as error:
        raise ListError(str(error)) from error
    return Rate(*_dated(found, sources), ground, value)


def _dated(
    row: Mapping[str, object], sources: Mapping[str, str]
) -> tuple[date, date | None, date | None, tuple[str, ...], Confidence]:
    since = day(row["since"])
    if since is None:
        raise ListError(f"since is missing: {row!r}")
    quoted, confidence = _quoted(row, sources)
    return since, day(row.get("until")), day(row.get("known")), quoted, confidence


def _quoted(row: Mapping[str, object], sources: Mapping[str, str]) -> tuple[tuple[str, ...], Confidence]:
    """The sources of an entry, each of them listed, and how sure it is."""
    quoted: Sequence[str] = [text(source) for source in rows(row["source"])]
    if not quoted or set(quoted) - sources.keys():
        raise ListError(f"the sources are not all listed: {quoted!r}")
    try:
        return tuple(quoted), Confidence(text(row["confidence"]))
    except ValueError as error:
        raise ListError(str(error)) from error
