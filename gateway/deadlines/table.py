"""Reads `law.yaml`: the time limits, the cut-offs of the runs and the fine, each by its days in force."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Protocol, TypeVar

import yaml


class Kind(StrEnum):
    """What a time limit or a cut-off is for."""

    ENTRY = "entry"
    """To declare an entry, from its first day."""
    EXIT = "exit"
    """To declare an exit, from its last day."""
    CHANGE = "change"
    """To declare any other change, from the first day on which it makes a difference."""
    WAGE = "wage"
    """To declare the wages of a month."""
    REMINDER = "reminder"
    """To declare the wages of a month so that no reminder goes out."""
    INCAPACITY = "incapacity"
    """To declare the incapacities of a month."""
    PRESCRIPTION = "prescription"
    """After which an incapacity of a month is declared no more."""
    HOLD = "hold"
    """How long a record waits for its affiliation, from its receipt."""
    CHAMBER = "chamber"
    """To correct the list of staff for the *Chambre des salariés*, of March."""
    STATEMENT = "statement"
    """By which the contributions of a month are charged."""
    OPPOSITION = "opposition"
    """To object to a fine, from its notice."""
    BILLING = "billing"
    """Run: the statements that charge a month."""
    DECLARATION_NOTICES = "declaration-notices"
    """Run: the notices for entries, exits and changes that came late."""
    WAGE_NOTICES = "wage-notices"
    """Run: the notices for wages that came late."""

    @property
    def is_run(self) -> bool:
        """Whether it is the cut-off of a run, not the end of a duty."""
        return self in (Kind.BILLING, Kind.DECLARATION_NOTICES, Kind.WAGE_NOTICES)


@dataclass(frozen=True, slots=True)
class Rule:
    """How the last day of a limit is found, for events of some days.

    Attributes:
        since, until: first and last day of the event for which it counts; `until` None while in force.
        months, day, days: as `law.yaml` says.
        within: the months of the event in which it applies.
        rolls: whether it never ends on a Saturday, Sunday or public holiday.
        hour: hour of the last day in Luxembourg from which input is late; 24 is the end of the day.
        source, confidence: where it is written, and how sure that is.
    """

    since: date
    until: date | None
    months: int
    day: int | None
    days: int
    within: frozenset[int]
    rolls: bool
    hour: int
    source: str
    confidence: str


@dataclass(frozen=True, slots=True)
class Fine:
    """The fine for a late declaration, for events of some days; amounts in cents.

    Attributes:
        tolerance_days: days of delay up to which none is due.
        per_month: for each full month of delay.
        maximum: the most it can be.
    """

    since: date
    until: date | None
    tolerance_days: int
    per_month: int
    maximum: int
    source: str
    confidence: str


class NoRuleError(LookupError):
    """No rule is in force for an event."""


class LawError(ValueError):
    """`law.yaml` breaks a rule: which entry, and what is wrong."""


class Dated(Protocol):
    """What counts from a day until another."""

    @property
    def since(self) -> date: ...
    @property
    def until(self) -> date | None: ...


D = TypeVar("D", bound=Dated)

_CONFIDENCE = frozenset({"official", "assumed"})
_DATED = frozenset({"since", "until", "source", "confidence"})
_RULE = _DATED | {"months", "day", "days", "in", "rolls", "hour"}
_FINE = _DATED | {"tolerance_days", "per_month", "maximum"}


def rule(kind: Kind, day: date) -> Rule:
    """The rule for an event of a day.

    Raises:
        NoRuleError: when none is in force.
    """
    return _in_force(_law().rules[kind], day, kind.value)


def fine(day: date) -> Fine:
    """The fine for an event of a day; raises like `rule`."""
    return _in_force(_law().fines, day, "fine")


def _in_force(entries: Sequence[D], day: date, name: str) -> D:
    for entry in reversed(entries):
        if entry.since <= day and (entry.until is None or day <= entry.until):
            return entry
    raise NoRuleError(f"no rule on {name} is in force for {day}")


@dataclass(frozen=True, slots=True)
class Law:
    """All that a file says, in order of first days."""

    rules: Mapping[Kind, Sequence[Rule]]
    fines: Sequence[Fine]


@cache
def _law() -> Law:
    return read(Path(__file__).with_name("law.yaml").read_text(encoding="utf-8"))


def read(text: str) -> Law:
    """Read the law as it is written in YAML.

    Raises:
        LawError: for the first entry that is not plainly right.
    """
    content = _mapping(yaml.safe_load(text), frozenset({"deadlines", "runs", "fine"}))
    runs = frozenset(kind.value for kind in Kind if kind.is_run)
    limits = frozenset(Kind) - runs
    written = {**_mapping(content["deadlines"], limits), **_mapping(content["runs"], runs)}
    if missing := sorted(frozenset(Kind) - written.keys()):
        raise LawError(f"no rule on {', '.join(missing)}")
    return Law(
        rules={Kind(kind): _dated(entries, _RULE, _rule) for kind, entries in written.items()},
        fines=_dated(content["fine"], _FINE, _fine),
    )


def _mapping(value: object, known: frozenset[str]) -> Mapping[str, object]:
    if not isinstance(value, dict) or value.keys() - known:
        raise LawError(f"known keys are {', '.join(sorted(known))}; not those of {value!r}")
    return value


def _dated(value: object, known: frozenset[str], make: Callable[[Mapping[str, object]], D]) -> Sequence[D]:
    if not isinstance(value, list) or not value:
        raise LawError(f"not a list with entries: {value!r}")
    entries = [make(_mapping(one, known)) for one in value]
    for one, following in pairwise(entries):
        if one.until is None or one.until >= following.since:
            raise LawError(f"two entries count on {following.since}")
    return entries


def _rule(row: Mapping[str, object]) -> Rule:
    months = row.get("in", list(range(1, 13)))
    if not isinstance(months, list) or not all(type(one) is int and 1 <= one <= 12 for one in months):
        raise LawError(f"not a list of months: {months!r}")
    if type(row.get("rolls")) is not bool:
        raise LawError(f"rolls is true or false: {row!r}")
    hour = _text(row, "hour")
    if hour not in {f"{number:02d}:00" for number in range(1, 25)}:
        raise LawError(f"an hour is 01:00 to 24:00, not {hour!r}")
    return Rule(
        since=_day(row, "since"),
        until=_day(row, "until") if "until" in row else None,
        months=_whole(row, "months", 0),
        day=_whole(row, "day") if "day" in row else None,
        days=_whole(row, "days", 0),
        within=frozenset(months),
        rolls=bool(row["rolls"]),
        hour=int(hour[:2]),
        source=_text(row, "source"),
        confidence=_confidence(row),
    )


def _fine(row: Mapping[str, object]) -> Fine:
    return Fine(
        since=_day(row, "since"),
        until=_day(row, "until") if "until" in row else None,
        tolerance_days=_whole(row, "tolerance_days"),
        per_month=_whole(row, "per_month"),
        maximum=_whole(row, "maximum"),
        source=_text(row, "source"),
        confidence=_confidence(row),
    )


def _day(row: Mapping[str, object], key: str) -> date:
    value = row.get(key)
    if type(value) is not date:
        raise LawError(f"{key} is a day: {row!r}")
    return value


def _whole(row: Mapping[str, object], key: str, absent: int | None = None) -> int:
    value = row.get(key, absent)
    if type(value) is not int or value < 0:
        raise LawError(f"{key} is a whole number: {row!r}")
    return value


def _text(row: Mapping[str, object], key: str) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not value:
        raise LawError(f"{key} is a text: {row!r}")
    return value


def _confidence(row: Mapping[str, object]) -> str:
    value = _text(row, "confidence")
    if value not in _CONFIDENCE:
        raise LawError(f"confidence is {' or '.join(sorted(_CONFIDENCE))}: {row!r}")
    return value
