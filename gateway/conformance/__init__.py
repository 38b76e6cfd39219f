"""What a payroll product has to show before it sends: cases, what is checked, and the report.

The cases, and the contract with the product, stand in `cases/`, to be read by whoever builds one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

import yaml

CASES = Path(__file__).parent / "cases"
GOOD = "good"
"""A wage of somebody of the staff; any other word is a code."""
PENDING = "pending"
_LARGEST_RESULT = 1 << 20

CHECKS = (
    *("sent", "once", "name", "signature", "form", "content", "result", "seal", "doubled"),
    *("accepted", "partial", "rejected", "held", "late", PENDING),
    "acknowledged",
)
"""What is checked, in this order; what rests on a check that failed is not made."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a product has to know of its batch at one moment.

    Attributes:
        kind: the kind of answer that it has to understand for this.
        file: `pending`, or the verdict.
        records: in their order: `accepted`, `held` or `rejected`.
        codes: by number of a rejected record, or 0 for the file: those that refuse it; None: any.
    """

    kind: str
    file: str
    records: tuple[str, ...]
    codes: Mapping[int, tuple[str, ...]] | None


@dataclass(frozen=True, slots=True)
class Call:
    """A step of a case.

    Attributes:
        word: `send`, `collect`, `pass` (time passes) or `clear` (the sandbox plays nothing more).
        days: that pass.
        known: after `collect`.
    """

    word: str
    days: int = 0
    known: Known | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One case: what the member states, what the sandbox plays, the calls."""

    name: str
    why: str
    wages: tuple[str, ...]
    play: tuple[Mapping[str, object], ...]
    calls: tuple[Call, ...]


@cache
def cases() -> tuple[Case, ...]:
    """All cases, in the order in which they are tried."""
    return tuple(map(_case, yaml.safe_load((CASES / "cases.yaml").read_text())))


def _case(row: Mapping[str, object]) -> Case:
    wages, play, calls = row["wages"], row.get("play", []), row["calls"]
    assert isinstance(wages, list) and isinstance(play, list) and isinstance(calls, list)
    return Case(str(row["name"]), str(row["why"]), tuple(wages), tuple(play), tuple(map(_call, calls)))


def _call(row: object) -> Call:
    if isinstance(row, str):
        return Call(row)
    assert isinstance(row, dict)
    ((word, rest),) = row.items()
    if word == "pass":
        return Call(word, days=rest)
    codes = rest.get("codes")
    told = None if codes is None else {place: tuple(found) for place, found in codes.items()}
    return Call(word, known=Known(rest.get("as", rest["file"]), rest["file"], tuple(rest["records"]), told))


@dataclass(frozen=True, slots=True)
class Result:
    """What a product wrote down of its batch."""

    file: str
    records: Mapping[int, str]
    codes: Mapping[int, frozenset[str]]
    answers: Sequence[str]


class NoResult(Exception):
    """A result that cannot be read; the sentence says why."""


def read_result(file: Path) -> Result:
    """Read `result.json`, which anybody may have written.

    Raises:
        NoResult: it is not there, or not as it has to be.
    """
    try:
        if file.stat().st_size > _LARGEST_RESULT:
            raise NoResult("result.json is longer than a megabyte")
        told = json.loads(file.read_text())
        codes = {int(place): frozenset(map(str, found)) for place, found in told["codes"].items()}
        records = {int(place): str(state) for place, state in told["records"].items()}
        answers = tuple(str(name) for name in told["answers"])
        return Result(str(told["file"]), MappingProxyType(records), MappingProxyType(codes), answers)
    except OSError:
        raise NoResult("there is no result.json") from None
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as fault:
        raise NoResult(f"result.json is not as it has to be: {fault!r}") from None


def misunderstood(known: Known, result: Result) -> Iterator[str]:
    """What a product got wrong of what there was to know, a sentence each."""
    if result.file != known.file:
        yield f"the file is {known.file}, not {result.file}"
    records = dict(enumerate(known.records, start=1))
    for place in sorted(records.keys() | result.records.keys()):
        there, said = records.get(place, "not there"), result.records.get(place, "not told")
        if there != said:
            yield f"record {place} is {there}, not {said}"
    for place, codes in (known.codes or {}).items():
        said_codes = result.codes.get(place, frozenset())
        short = {code.partition("-")[2] if place else code for code in codes}
        if said_codes not in (frozenset(codes), short):
            told = ", ".join(sorted(said_codes)) or "none"
            yield f"the codes of {place or 'the file'} are {', '.join(codes)}, not {told}"


@dataclass(frozen=True, slots=True)
class Finding:
    """A check that failed, and why."""

    check: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Tried:
    """How a product fared with a case."""

    case: Case
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        return not self.findings
