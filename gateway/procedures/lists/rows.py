"""How the YAML files of this folder are read: keys that are known, texts in quotes, days as days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import yaml

from gateway.moments import Received


@dataclass(frozen=True, slots=True)
class Span:
    """The days of receipt on which a code is taken, both inclusive; None is without limit."""

    since: date | None = None
    until: date | None = None

    def covers(self, received: Received) -> bool:
        began = self.since is None or self.since <= received.day
        return began and (self.until is None or received.day <= self.until)


class ListError(ValueError):
    """A list breaks a rule: which entry, and what is wrong."""


SPAN = frozenset({"since", "until"})
"""The keys of a span, in an entry that has one."""


def read(name: str) -> object:
    """What stands in a file of this folder."""
    return yaml.CSafeLoader((Path(__file__).parent / name).read_text(encoding="utf-8")).get_single_data()


def fields(row: object, required: set[str], optional: frozenset[str] = frozenset()) -> Mapping[str, object]:
    """The entries of a mapping whose keys are all known; `required` are all there."""
    if not isinstance(row, dict):
        raise ListError(f"not a mapping: {row!r}")
    if row.keys() - required - optional or required - row.keys():
        raise ListError(f"the keys are {', '.join(sorted(required))}, not those of {row!r}")
    return row


def rows(value: object) -> list[object]:
    """The entries of a list."""
    if not isinstance(value, list):
        raise ListError(f"not a list: {value!r}")
    return value


def text(value: object) -> str:
    """A text."""
    # YAML makes a number of 03 and a truth value of NO, unless they stand in quotes.
    if not isinstance(value, str):
        raise ListError(f"write it in quotes: {value!r}")
    return value


def yes(value: object) -> bool:
    """A truth value."""
    if not isinstance(value, bool):
        raise ListError(f"not true or false: {value!r}")
    return value


def whole(value: object) -> int:
    """A whole number, not below zero."""
    if type(value) is not int or value < 0:
        raise ListError(f"not a whole number: {value!r}")
    return value


def day(value: object) -> date | None:
    """A day, or None where there is none."""
    if value is not None and type(value) is not date:
        raise ListError(f"not a day: {value!r}")
    return value


def span(row: Mapping[str, object]) -> Span:
    """The days on which an entry counts."""
    return Span(day(row.get("since")), day(row.get("until")))
