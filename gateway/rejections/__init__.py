"""Every reason for a refusal or a hint, in one table: what is wrong and what to do, in three languages.

The rows stand in the YAML files of this folder. Each has

* `key`: our word for it, which never changes, such as `SALRET-7`;
* `official`: the operator's code within its return, where it has one;
* `level`: `file` when nothing of the file is treated, `record` when the others go on, `hint` when the record
  itself was not refused but should be looked at;
* `severity`: `to-correct` where a hint asks for a correction; every other row has the one of its level;
* `fields`: names of the elements concerned, where neither the forms nor the tables of rules tell them
  (see `gateway.rejections.fields`);
* `title`, `text`, `remedy`: for a payroll clerk with a deadline, each in French, German and English;
* `legal_basis`: the article, where one is known, cited in French;
* `since`, `until`: first and last day on which the code is given, where limited.

A new reason is one row here and one vector in `tests/vectors`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

import yaml

LANGUAGES = ("fr", "de", "en")
"""The languages of every text, in the order in which they are written."""


class Level(StrEnum):
    """How far a refusal reaches."""

    FILE = "file"
    """No record of the file is treated."""
    RECORD = "record"
    """This record is refused; the others are judged by themselves."""
    HINT = "hint"
    """This record was not refused: it took effect or waits; something about it should be looked at."""


class Severity(StrEnum):
    """What a sender has to do about it."""

    BLOCKING = "blocking"
    """The file or the record had no effect: correct it and send it again."""
    TO_CORRECT = "to-correct"
    """The record took effect or waits, but something must be put right."""
    HINT = "hint"
    """The record took effect or waits; something may be wrong and should be looked at."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """One reason for a refusal.

    Attributes:
        key: our word for it.
        official: the operator's code within its return, where it has one.
        level: how far it reaches.
        severity: what the sender has to do about it; blocking unless the level is that of a hint.
        fields: names of the elements concerned, where the row says so; what the forms and the rules
            tell as well is in `gateway.rejections.fields`.
        titles: a few words, by language (`fr`, `de`, `en`).
        texts: what is wrong, by language.
        remedies: what to do, by language.
        legal_basis: the article it rests on, where one is known.
        since, until: first and last day on which it is given, where limited.
    """

    key: str
    official: str | None
    level: Level
    severity: Severity
    fields: tuple[str, ...]
    titles: Mapping[str, str]
    texts: Mapping[str, str]
    remedies: Mapping[str, str]
    legal_basis: str | None
    since: date | None
    until: date | None


class TableError(ValueError):
    """A row of the table breaks a rule: which row, and what is wrong."""


_REQUIRED = frozenset({"key", "level", "title", "text", "remedy"})
_OPTIONAL = frozenset({"official", "severity", "fields", "legal_basis", "since", "until"})


def load(folder: Path) -> Mapping[str, Rejection]:
    """Read all rows of a folder, by key.

    Raises:
        TableError: for an unknown or missing key, a language too few or too many, an empty text,
            a value of the wrong kind, a severity that contradicts the level, or a key that stands twice.
    """
    table: dict[str, Rejection] = {}
    for path in sorted(folder.glob("*.yaml")):
        for rejection in _rows(_load(path), path.name):
            if rejection.key in table:
                raise TableError(f"{path.name}: {rejection.key} stands twice")
            table[rejection.key] = rejection
    return MappingProxyType(table)


def _load(path: Path) -> object:
    # As `yaml.safe_load`, but by libyaml: every command of a sender starts ten times as fast.
    return yaml.CSafeLoader(path.read_text(encoding="utf-8")).get_single_data()


def _rows(rows: object, place: str) -> Iterator[Rejection]:
    if not isinstance(rows, list):
        raise TableError(f"{place}: not a list of rows")
    for number, row in enumerate(rows, start=1):
        yield _rejection(row, f"{place}, row {number}")


def _rejection(row: object, place: str) -> Rejection:
    fields = _fields(row, _REQUIRED, _OPTIONAL, place)
    key = _text(fields["key"], f"{place}: key")
    place = f"{place}, {key}"
    level = _level(fields["level"], place)
    return Rejection(
        key=key,
        official=_optional_text(fields.get("official"), f"{place}: official"),
        level=level,
        severity=_severity(fields.get("severity"), level, place),
        fields=_names(fields.get("fields", []), f"{place}: fields"),
        titles=_words(fields["title"], f"{place}: title"),
        texts=_words(fields["text"], f"{place}: text"),
        remedies=_words(fields["remedy"], f"{place}: remedy"),
        legal_basis=_optional_text(fields.get("legal_basis"), f"{place}: legal_basis"),
        since=_day(fields.get("since"), f"{place}: since"),
        until=_day(fields.get("until"), f"{place}: until"),
    )


def _fields(
    row: object, required: frozenset[str], optional: frozenset[str], place: str
) -> Mapping[str, object]:
    if not isinstance(row, dict):
        raise TableError(f"{place}: not a mapping")
    if unknown := row.keys() - required - optional:
        raise TableError(f"{place}: unknown {', '.join(sorted(map(str, unknown)))}")
    if missing := required - row.keys():
        raise TableError(f"{place}: {', '.join(sorted(missing))} missing")
    return row


def _words(value: object, place: str) -> Mapping[str, str]:
    texts = _fields(value, frozenset(LANGUAGES), frozenset(), place)
    return MappingProxyType(
        {language: _text(texts[language], f"{place}, {language}") for language in LANGUAGES}
    )


def _text(value: object, place: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise TableError(f"{place}: not a text: {value!r}")
    return value


def _optional_text(value: object, place: str) -> str | None:
    return None if value is None else _text(value, place)


def _level(value: object, place: str) -> Level:
    if value not in tuple(Level):
        raise TableError(f"{place}: level is file, record or hint, not {value!r}")
    return Level(str(value))


def _severity(value: object, level: Level, place: str) -> Severity:
    default = Severity.HINT if level is Level.HINT else Severity.BLOCKING
    if value is None:
        return default
    # What was refused had no effect, and what was not refused had one: only a hint has a choice.
    if level is not Level.HINT or value != Severity.TO_CORRECT:
        raise TableError(f"{place}: severity is {default}, or to-correct for a hint, not {value!r}")
    return Severity.TO_CORRECT


def _names(value: object, place: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TableError(f"{place}: not a list of names: {value!r}")
    return tuple(_text(name, place) for name in value)


def _day(value: object, place: str) -> date | None:
    # A moment is a date to Python as well, but not a day.
    if value is not None and type(value) is not date:
        raise TableError(f"{place}: not a day: {value!r}")
    return value


REJECTIONS: Mapping[str, Rejection] = load(Path(__file__).parent)
"""The table, by key."""


def known_or_gone(key: str) -> Rejection:
    """A row of the table; of a code that was given once and was taken out of it since, a row that says so.

    For what is shown of stored answers: they live longer than the tables.

    Args:
        key: of the code.
    """
    return REJECTIONS.get(key) or Rejection(
        key=key,
        official=None,
        level=Level.RECORD,
        severity=Severity.BLOCKING,
        fields=(),
        titles={"fr": f"Code {key}", "de": f"Code {key}", "en": f"Code {key}"},
        texts={
            "fr": f"Le code {key} n’est plus attribué ; la réponse signée de l’époque l’explique.",
            "de": f"Der Code {key} wird nicht mehr vergeben; die signierte Antwort von damals erklärt ihn.",
            "en": f"The code {key} is no longer given; the signed answer of that time explains it.",
        },
        remedies={
            "fr": "Corrigez d’après cette réponse, ou appelez-nous.",
            "de": "Berichtigen Sie nach dieser Antwort, oder rufen Sie uns an.",
            "en": "Correct by that answer, or call us.",
        },
        legal_basis=None,
        since=None,
        until=None,
    )
