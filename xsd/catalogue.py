"""Which forms there are, and on which days each of their versions is in force."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import NotRequired, TypedDict

import yaml

from xsd.form import Form

_SHOWN = 40


class UnknownForm(LookupError):
    """There is no form of that code and version."""

    def __init__(self, code: str, version: str) -> None:
        super().__init__(f"there is no form {code[:_SHOWN]!r} of version {version[:_SHOWN]!r}")
        self.code, self.version = code, version


class NotInForce(LookupError):
    """The form exists, but not on that day."""

    def __init__(self, code: str, version: Version, day: date) -> None:
        super().__init__(f"{code} {version.number} is in force {version.span}, not on {day}")
        self.code, self.version, self.day = code, version.number, day


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a form.

    Attributes:
        number: such as `1.0`.
        first, last: first and last day in force, inclusive; `last` is None while open.
    """

    number: str
    first: date
    last: date | None = None

    def covers(self, day: date) -> bool:
        """Whether it is in force on a day."""
        return self.first <= day and (self.last is None or day <= self.last)

    @property
    def span(self) -> str:
        """Its days, in words."""
        return f"from {self.first}" if self.last is None else f"from {self.first} until {self.last}"


@dataclass(frozen=True, slots=True)
class Entry:
    """A form of the catalogue.

    Attributes:
        code: such as `DECSAL`; `ENVELOPE` is what all forms share and no form itself.
        direction: `in`, `out` or `envelope`.
        family: what it belongs to, such as `declaration`.
        record: name of the element of one record, in a form that comes in and in notices that go out.
        versions: at least one, by number.
    """

    code: str
    direction: str
    family: str
    record: str | None
    versions: Mapping[str, Version]


@dataclass(frozen=True, slots=True, eq=False)
class Catalogue:
    """All forms.

    Attributes:
        entries: by code, in the order of the catalogue.
    """

    entries: Mapping[str, Entry]
    _forms: Mapping[tuple[str, str], Form]

    def form(self, code: str, version: str, day: date) -> Form:
        """A version of a form, if it is in force.

        Args:
            code: such as `DECSAL`.
            version: such as `1.0`.
            day: the day of receipt on the Luxembourg calendar, or of writing for what goes out.

        Raises:
            UnknownForm: when there is no such form or version.
            NotInForce: when it is not in force on that day.
        """
        found = self._forms.get((code, version))
        if found is None:
            raise UnknownForm(code, version)
        dates = self.entries[code].versions[version]
        if not dates.covers(day):
            raise NotInForce(code, dates, day)
        return found


@cache
def catalogue() -> Catalogue:
    """The bundled catalogue with all forms built, once for the process."""
    return build(files("xsd").joinpath("catalogue.yaml").read_text(encoding="utf-8"))


def build(text: str) -> Catalogue:
    """A catalogue from its YAML, with forms from the bundle.

    Raises:
        KeyError, ValueError: when an entry is not written as it should be.
        FileNotFoundError, lxml.etree.XMLSchemaParseError: when a schema is away or broken.
    """
    entries = {entry.code: entry for entry in map(_entry, yaml.safe_load(text))}
    return Catalogue(entries, dict(_forms(entries.values())))


_RawVersion = TypedDict("_RawVersion", {"version": str, "from": date, "until": NotRequired[date]})


class _RawEntry(TypedDict):
    """An entry as it stands in the file."""

    code: str
    direction: str
    family: str
    record: NotRequired[str]
    versions: list[_RawVersion]


def _entry(raw: _RawEntry) -> Entry:
    _refuse_unknown_keys(raw, _RawEntry)
    versions = {version.number: version for version in map(_version, raw["versions"])}
    return Entry(raw["code"], raw["direction"], raw["family"], raw.get("record"), versions)


def _version(raw: _RawVersion) -> Version:
    _refuse_unknown_keys(raw, _RawVersion)
    return Version(raw["version"], raw["from"], raw.get("until"))


def _refuse_unknown_keys(raw: Mapping[str, object], known: type) -> None:
    unknown = raw.keys() - known.__annotations__.keys()
    if unknown:
        raise ValueError(f"the catalogue of forms knows no {sorted(unknown)}")


def _forms(entries: Iterable[Entry]) -> Iterable[tuple[tuple[str, str], Form]]:
    for entry in entries:
        if entry.direction != "envelope":
            for version in entry.versions:
                form = Form.open(entry.code, version, entry.direction, entry.record)
                yield (entry.code, version), form
