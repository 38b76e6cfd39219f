"""Reads the parameter files, and refuses whatever is not plainly right.

A file is a mapping of groups and parameters; what holds `values` is a parameter. The rules:

* every key is known and appears once; every text is text: numbers and dates stand in quotes, so
  that no floating-point number and no reformatted date ever comes out of YAML;
* a parameter says its unit, and each value has the form of that unit;
* the values are in order of their first days, each with its sources and its confidence;
* where a value was entered after others of the same first day, all of them stand in a list under that
  day, in the order in which they became known, each but the first with the day `known`;
* each source is in `sources.yaml`.

The files are read as a tree of YAML nodes, not as objects: nodes keep their line and what was
written, and show a key that stands twice.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import NoReturn, TypeVar

import yaml

from gateway.moments import Period
from gateway.parameters.law import Branch, Confidence, Law, Parameter

T = TypeVar("T")

SUBJECTS = (
    "base_matrix",
    "bases",
    "collection",
    "distribution",
    "groups",
    "minimum_wage",
    "mutuality",
    "rates",
    "service",
)
"""The files that hold parameters, one a subject, without the ending `.yaml`."""

_SOURCES = "sources"
_REMARKS = frozenset({"description", "note"})
_PARAMETER_KEYS = frozenset({"description", "unit", "payer", "values", "note"})
_VALUE_KEYS = frozenset({"value", "source", "confidence", "note", "known"})
_OPTIONAL_VALUE_KEYS = frozenset({"note", "known"})
_SOURCE_KEYS = frozenset({"checked_up_to", "confirm_at", "sources"})

_WHOLE = re.compile(r"0|[1-9][0-9]*")
_DECIMAL = re.compile(r"(0|[1-9][0-9]*)(\.[0-9]+)?")
_CENTS = re.compile(r"(0|[1-9][0-9]*)\.[0-9]{2}")
_FRACTION = re.compile(r"0\.[0-9]+")

_FORMS: Mapping[str, re.Pattern[str]] = {
    "EUR/month": _CENTS,
    "EUR": _DECIMAL,
    "index points": _CENTS,
    "x SSM": _DECIMAL,
    "hours/month": _WHOLE,
    "days": _WHOLE,
    "months": _WHOLE,
    "years": _WHOLE,
    "statements": _WHOLE,
    "fraction": _FRACTION,
    "fraction of base": _FRACTION,
    "factors": _CENTS,
    "branches": re.compile("|".join(Branch)),
    "institution": re.compile("[A-Z]+"),
    "group": re.compile("[a-z]+"),
    "yes or no": re.compile("yes|no"),
}
_LISTS = frozenset({"factors", "branches"})
_WORDS = _LISTS | {"institution", "group", "yes or no"}


class ParameterError(ValueError):
    """A parameter file breaks a rule: which file and line, which key, and what is wrong."""

    def __init__(self, file: str, line: int | None, key: str, problem: str) -> None:
        where = [file, f"line {line}" if line else "", key]
        super().__init__(f"{', '.join(part for part in where if part)}: {problem}")
        self.file = file
        self.key = key


@dataclass(frozen=True, slots=True)
class _Place:
    """A YAML node, with the file and the key under which it stands."""

    file: str
    key: str
    node: yaml.Node

    def fail(self, problem: str) -> NoReturn:
        raise ParameterError(self.file, self.node.start_mark.line + 1, self.key, problem)

    def text(self) -> str:
        """The text of a scalar; anything that YAML would turn into something else is refused."""
        if not isinstance(self.node, yaml.ScalarNode):
            self.fail("is not a text")
        text, kind = str(self.node.value), self.node.tag.rpartition(":")[2]
        if kind != "str":
            self.fail(f"write it in quotes: {text!r} unquoted is of YAML type {kind}")
        if not text.strip():
            self.fail("is empty")
        return text

    def entries(self) -> dict[str, _Place]:
        """The entries of a mapping, each key once."""
        if not isinstance(self.node, yaml.MappingNode) or not self.node.value:
            self.fail("is not a mapping with entries")
        found: dict[str, _Place] = {}
        for key_node, node in self.node.value:
            key = _Place(self.file, self.key, key_node).text()
            if key in found:
                _Place(self.file, self.key, key_node).fail(f"the key {key!r} stands twice")
            found[key] = _Place(self.file, f"{self.key}.{key}" if self.key else key, node)
        return found

    def items(self) -> list[_Place]:
        """The members of a list."""
        if not isinstance(self.node, yaml.SequenceNode):
            self.fail("is not a list")
        return [_Place(self.file, self.key, node) for node in self.node.value]

    def fields(self, known: Collection[str], required: Collection[str]) -> dict[str, _Place]:
        """The entries of a mapping whose keys are all known; `required` are all there."""
        found = self.entries()
        for key in sorted(found.keys() - set(known)):
            found[key].fail(f"unknown key; known are {', '.join(sorted(known))}")
        for key in sorted(set(required) - found.keys()):
            self.fail(f"{key} is missing")
        return found


@dataclass(frozen=True, slots=True)
class _Reading:
    """What has been read so far, and the sources that may be quoted."""

    sources: Mapping[str, str]
    numbers: dict[str, tuple[Parameter[Decimal], ...]]
    words: dict[str, tuple[Parameter[tuple[str, ...]], ...]]

    def group(self, place: _Place, name: str) -> None:
        """Read all that stands in a file or in a group of one."""
        for key, entry in place.entries().items():
            if key in _REMARKS:
                entry.text()
            elif not isinstance(entry.node, yaml.MappingNode):
                entry.fail("unknown key; here stand parameters, groups of them, description and note")
            elif "values" in entry.entries():
                self.parameter(entry, f"{name}.{key}")
            else:
                self.group(entry, f"{name}.{key}")

    def parameter(self, place: _Place, name: str) -> None:
        """Read one parameter with all its values."""
        fields = place.fields(_PARAMETER_KEYS, required={"unit", "values"})
        for key in fields.keys() - {"values"}:
            fields[key].text()
        unit = fields["unit"].text()
        if unit not in _FORMS:
            fields["unit"].fail(f"unknown unit {unit!r}; known are {', '.join(_FORMS)}")
        dated = [
            (day, entry.fields(_VALUE_KEYS, required=_VALUE_KEYS - _OPTIONAL_VALUE_KEYS))
            for day, place in _days(fields)
            for entry in _versions(place)
        ]
        if unit in _WORDS:
            self.words[name] = tuple(self.value(name, d, e, _formed(e["value"], unit)) for d, e in dated)
        else:
            self.numbers[name] = tuple(
                self.value(name, d, e, Decimal(_formed(e["value"], unit)[0])) for d, e in dated
            )

    def value(self, name: str, since: date, fields: Mapping[str, _Place], value: T) -> Parameter[T]:
        """One dated value, with where it comes from and how sure it is."""
        return Parameter(
            name,
            value,
            since,
            sources=self.quoted(fields["source"]),
            confidence=_confidence(fields["confidence"]),
            note=fields["note"].text() if "note" in fields else None,
            known=_known(fields),
        )

    def quoted(self, place: _Place) -> tuple[str, ...]:
        """The sources of a value: at least one, each of them known."""
        items = place.items()
        if not items:
            place.fail("has no source")
        for item in items:
            if item.text() not in self.sources:
                item.fail(f"unknown source {item.text()!r}: {_SOURCES}.yaml does not list it")
        return tuple(item.text() for item in items)


def _days(fields: Mapping[str, _Place]) -> Iterator[tuple[date, _Place]]:
    """The values of a parameter with their first days, in order."""
    last = date.min
    for text, entry in fields["values"].entries().items():
        since = _day(text, entry)
        if since <= last:
            entry.fail(f"the dates are not in order: {since} stands after {last}")
        last = since
        yield since, entry


def _versions(place: _Place) -> list[_Place]:
    """The values of one first day: one, or a list of several in the order in which they became known."""
    if not isinstance(place.node, yaml.SequenceNode):
        return [place]
    versions = place.items()
    if len(versions) < 2:
        place.fail("one value stands without a list")
    last = None
    for entry in versions:
        known = _known(entry.entries())
        if entry is not versions[0] and (known is None or (last is not None and known <= last)):
            entry.fail("the values of one first day stand in the order of the days on which they were known")
        last = known
    return versions


def _known(fields: Mapping[str, _Place]) -> date | None:
    return _day(fields["known"].text(), fields["known"]) if "known" in fields else None


def _day(text: str, place: _Place) -> date:
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) is None:
        place.fail(f"a day is written YYYY-MM-DD, not {text!r}")
    try:
        return date.fromisoformat(text)
    except ValueError:
        place.fail(f"no such day: {text}")


def _formed(place: _Place, unit: str) -> tuple[str, ...]:
    """The texts of a value, each in the form of its unit; several only where the unit is a list."""
    items = place.items() if unit in _LISTS else [place]
    for item in items:
        if _FORMS[unit].fullmatch(item.text()) is None:
            item.fail(f"{item.text()!r} has not the form of the unit {unit!r}")
    return tuple(item.text() for item in items)


def _confidence(place: _Place) -> Confidence:
    text = place.text()
    if text not in list(Confidence):
        place.fail(f"unknown confidence {text!r}; known are {', '.join(Confidence)}")
    return Confidence(text)


def _open(path: Path) -> _Place:
    """The tree of nodes of a file.

    `yaml.compose` builds nodes only, never objects.
    """
    if not path.is_file():
        raise ParameterError(path.name, None, "", "the file is missing")
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ParameterError(path.name, None, "", f"is not YAML: {error}") from error
    if node is None:
        raise ParameterError(path.name, None, "", "the file is empty")
    return _Place(path.name, "", node)


def read(folder: Path) -> Law:
    """Read all parameter files of a folder.

    Raises:
        ParameterError: for the first rule that a file breaks.
    """
    known = {f"{subject}.yaml" for subject in (*SUBJECTS, _SOURCES)}
    for path in sorted(folder.glob("*.yaml")):
        if path.name not in known:
            raise ParameterError(path.name, None, "", f"unknown file; known are {', '.join(sorted(known))}")
    head = _open(folder / f"{_SOURCES}.yaml").fields(_SOURCE_KEYS, required=_SOURCE_KEYS)
    sources = {key: entry.text() for key, entry in head["sources"].entries().items()}
    reading = _Reading(sources, {}, {})
    for subject in SUBJECTS:
        reading.group(_open(folder / f"{subject}.yaml"), subject)
    return Law(
        numbers=reading.numbers,
        words=reading.words,
        sources=sources,
        version=_version(folder / name for name in sorted(known)),
        checked_up_to=_month(head["checked_up_to"]),
        confirm_at=head["confirm_at"].text(),
    )


def _month(place: _Place) -> Period:
    try:
        return Period.parse(place.text())
    except ValueError as error:
        place.fail(str(error))


def _version(paths: Iterable[Path]) -> str:
    """Twelve hexadecimal digits of a SHA-256 over names and contents."""
    digest = hashlib.sha256()
    for path in paths:
        content = path.read_bytes()
        digest.update(f"{path.name} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:12]
