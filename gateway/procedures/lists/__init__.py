"""Official code lists that records are judged by: countries, occupations, contract types, schemes.

Data, with the source of each list and the days of receipt on which a code is taken. A new contract
type, scheme or member State is a change of the YAML files of this folder only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
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


class ExitDate(StrEnum):
    """Whether an entry under a contract type states its exit date."""

    REQUIRED = "required"
    REFUSED = "refused"
    FREE = "free"


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract type.

    Attributes:
        code: its letter.
        meaning: in words.
        exit: whether the exit date is stated at entry (AFFRET 18 and 25).
        trial: whether a trial period may be stated (AFFRET 26).
        schemes: the codes of the schemes in which it exists (AFFRET 28).
        span: when the letter is taken.
    """

    code: str
    meaning: str
    exit: ExitDate
    trial: bool
    schemes: frozenset[str]
    span: Span


@dataclass(frozen=True, slots=True)
class Scheme:
    """An insurance scheme (*régime*): its two digits, and whether it insures civil servants."""

    code: str
    meaning: str
    civil_servants: bool
    span: Span


class ListError(ValueError):
    """A list breaks a rule: which entry, and what is wrong."""


_SPAN = frozenset({"since", "until"})


def contracts(received: Received) -> Mapping[str, Contract]:
    """The contract types taken on the day of receipt, by letter."""
    return {contract.code: contract for contract in _CONTRACTS if contract.span.covers(received)}


def schemes(received: Received) -> Mapping[str, Scheme]:
    """The schemes taken on the day of receipt, by code."""
    return {scheme.code: scheme for scheme in _SCHEMES if scheme.span.covers(received)}


def free_movement(received: Received) -> frozenset[str]:
    """The countries whose nationals need no immigration authority on the day of receipt."""
    return frozenset(code for codes, span in _FREE_MOVEMENT if span.covers(received) for code in codes)


def _read(name: str) -> object:
    return yaml.CSafeLoader((Path(__file__).parent / name).read_text(encoding="utf-8")).get_single_data()


def _fields(row: object, required: set[str], optional: frozenset[str] = frozenset()) -> Mapping[str, object]:
    if not isinstance(row, dict):
        raise ListError(f"not a mapping: {row!r}")
    if row.keys() - required - optional or required - row.keys():
        raise ListError(f"the keys are {', '.join(sorted(required))}, not those of {row!r}")
    return row


def _rows(value: object) -> list[object]:
    if not isinstance(value, list):
        raise ListError(f"not a list: {value!r}")
    return value


def _text(value: object) -> str:
    # YAML makes a number of 03 and a truth value of NO, unless they stand in quotes.
    if not isinstance(value, str):
        raise ListError(f"write it in quotes: {value!r}")
    return value


def _yes(value: object) -> bool:
    if not isinstance(value, bool):
        raise ListError(f"not true or false: {value!r}")
    return value


def _span(row: Mapping[str, object]) -> Span:
    return Span(_day(row.get("since")), _day(row.get("until")))


def _day(value: object) -> date | None:
    if value is not None and type(value) is not date:
        raise ListError(f"not a day: {value!r}")
    return value


def _occupations(entries: str) -> frozenset[str]:
    """The unit groups of a text such as `111.1234 112.0`."""
    groups = [entry.split(".") for entry in entries.split()]
    return frozenset(minor + digit for minor, digits in groups for digit in digits)


def _contract(row: object) -> Contract:
    fields = _fields(row, {"code", "meaning", "exit", "trial", "schemes"}, _SPAN)
    return Contract(
        code=_text(fields["code"]),
        meaning=_text(fields["meaning"]),
        exit=ExitDate(_text(fields["exit"])),
        trial=_yes(fields["trial"]),
        schemes=frozenset(map(_text, _rows(fields["schemes"]))),
        span=_span(fields),
    )


def _scheme(row: object) -> Scheme:
    fields = _fields(row, {"code", "meaning", "civil_servants"}, _SPAN)
    return Scheme(
        code=_text(fields["code"]),
        meaning=_text(fields["meaning"]),
        civil_servants=_yes(fields["civil_servants"]),
        span=_span(fields),
    )


def _union(row: object) -> tuple[frozenset[str], Span]:
    fields = _fields(row, {"source", "codes"}, _SPAN)
    return frozenset(_text(fields["codes"]).split()), _span(fields)


_countries = _fields(_read("countries.yaml"), {"iso_3166_1", "free_movement"})
_labour = _fields(_read("contracts.yaml"), {"schemes", "contracts"})
_occupation_list = _fields(_read("occupations.yaml"), {"source", "unit_groups"})

_FREE_MOVEMENT = tuple(map(_union, _rows(_countries["free_movement"])))
_SCHEMES = tuple(map(_scheme, _rows(_labour["schemes"])))
_CONTRACTS = tuple(map(_contract, _rows(_labour["contracts"])))

COUNTRIES = frozenset(_text(_fields(_countries["iso_3166_1"], {"source", "codes"})["codes"]).split())
"""The two-letter codes of ISO 3166-1."""

OCCUPATIONS = _occupations(_text(_occupation_list["unit_groups"]))
"""The four-digit unit groups of ISCO-08 (CITP-08)."""

CIVIL_SERVANTS = frozenset(scheme.code for scheme in _SCHEMES if scheme.civil_servants)
"""The schemes of civil servants, of any day: an affiliation may be older than today's list."""
