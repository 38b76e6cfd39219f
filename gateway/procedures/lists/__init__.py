"""Official code lists that records are judged by: countries, occupations, contract types, schemes.

Data, with the source of each list and the days of receipt on which a code is taken. A new contract
type, scheme or member State is a change of the YAML files of this folder only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.moments import Received
from gateway.procedures.lists.rows import SPAN, ListError, Span, fields, read, rows, span, text, yes

__all__ = [
    "CIVIL_SERVANTS",
    "COUNTRIES",
    "OCCUPATIONS",
    "Contract",
    "ExitDate",
    "ListError",
    "Scheme",
    "Span",
    "contracts",
    "free_movement",
    "schemes",
]


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


def contracts(received: Received) -> Mapping[str, Contract]:
    """The contract types taken on the day of receipt, by letter."""
    return {contract.code: contract for contract in _CONTRACTS if contract.span.covers(received)}


def schemes(received: Received) -> Mapping[str, Scheme]:
    """The schemes taken on the day of receipt, by code."""
    return {scheme.code: scheme for scheme in _SCHEMES if scheme.span.covers(received)}


def free_movement(received: Received) -> frozenset[str]:
    """The countries whose nationals need no immigration authority on the day of receipt."""
    return frozenset(code for codes, span in _FREE_MOVEMENT if span.covers(received) for code in codes)


def _occupations(entries: str) -> frozenset[str]:
    """The unit groups of a text such as `111.1234 112.0`."""
    groups = [entry.split(".") for entry in entries.split()]
    return frozenset(minor + digit for minor, digits in groups for digit in digits)


def _contract(row: object) -> Contract:
    entry = fields(row, {"code", "meaning", "exit", "trial", "schemes"}, SPAN)
    return Contract(
        code=text(entry["code"]),
        meaning=text(entry["meaning"]),
        exit=ExitDate(text(entry["exit"])),
        trial=yes(entry["trial"]),
        schemes=frozenset(map(text, rows(entry["schemes"]))),
        span=span(entry),
    )


def _scheme(row: object) -> Scheme:
    entry = fields(row, {"code", "meaning", "civil_servants"}, SPAN)
    return Scheme(
        code=text(entry["code"]),
        meaning=text(entry["meaning"]),
        civil_servants=yes(entry["civil_servants"]),
        span=span(entry),
    )


def _union(row: object) -> tuple[frozenset[str], Span]:
    entry = fields(row, {"source", "codes"}, SPAN)
    return frozenset(text(entry["codes"]).split()), span(entry)


_countries = fields(read("countries.yaml"), {"iso_3166_1", "free_movement"})
_labour = fields(read("contracts.yaml"), {"schemes", "contracts"})
_occupation_list = fields(read("occupations.yaml"), {"source", "unit_groups"})

_FREE_MOVEMENT = tuple(map(_union, rows(_countries["free_movement"])))
_SCHEMES = tuple(map(_scheme, rows(_labour["schemes"])))
_CONTRACTS = tuple(map(_contract, rows(_labour["contracts"])))

COUNTRIES = frozenset(text(fields(_countries["iso_3166_1"], {"source", "codes"})["codes"]).split())
"""The two-letter codes of ISO 3166-1."""

OCCUPATIONS = _occupations(text(_occupation_list["unit_groups"]))
"""The four-digit unit groups of ISCO-08 (CITP-08)."""

CIVIL_SERVANTS = frozenset(scheme.code for scheme in _SCHEMES if scheme.civil_servants)
"""The schemes of civil servants, of any day: an affiliation may be older than today's list."""
