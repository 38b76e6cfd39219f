"""What pages say: texts in French, German and English, and how each language writes numbers, days and money.

The texts stand in `texts/<area>.yaml`: each key has a text by language, with `{names}` of what is put in. A
text that depends on a count has `one` and `other` in each language. What is put in is escaped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path

import yaml
from babel import Locale
from babel.dates import format_date, format_datetime, format_time, format_timedelta
from babel.numbers import format_currency, format_decimal
from markupsafe import Markup, escape

from gateway.moments import LUXEMBOURG, Period, Received
from gateway.rejections import LANGUAGES

TEXTS = Path(__file__).with_name("texts")
NAMES = {"fr": "Français", "de": "Deutsch", "en": "English"}
"""How each language calls itself."""
_LOCALES = {"fr": Locale("fr", "LU"), "de": Locale("de", "LU"), "en": Locale("en", "GB")}
_MANY = frozenset({"one", "other"})
_TICK = timedelta(seconds=1)

Text = str | Mapping[str, str]


class TextError(ValueError):
    """A row of the texts breaks their rule: which one, and how."""


@cache
def texts() -> Mapping[str, Mapping[str, Text]]:
    """All texts: by key (`<area>.<key>`), then by language.

    Raises:
        TextError: a language is missing, or a text is empty.
    """
    found: dict[str, Mapping[str, Text]] = {}
    for file in sorted(TEXTS.glob("*.yaml")):
        # As `yaml.safe_load`, but by libyaml.
        rows = yaml.CSafeLoader(file.read_text(encoding="utf-8")).get_single_data()
        for key, row in rows.items():
            name = f"{file.stem}.{key}"
            if set(row) != set(LANGUAGES) or not all(_is_text(text) for text in row.values()):
                raise TextError(f"{name} has not one text in each of {', '.join(LANGUAGES)}")
            found[name] = row
    return found


def _is_text(text: object) -> bool:
    if isinstance(text, dict):
        return set(text) == _MANY and all(isinstance(one, str) and one for one in text.values())
    return isinstance(text, str) and bool(text)


def choose(wanted: str, accepted: str) -> str:
    """The language of a page.

    Args:
        wanted: what was chosen before, if anything.
        accepted: header field Accept-Language (RFC 9110, section 12.5.4).
    """
    if wanted in LANGUAGES:
        return wanted
    ranked = sorted(_ranked(accepted), reverse=True)
    return next((tag for weight, tag in ranked if weight > 0), LANGUAGES[0])


def _ranked(accepted: str) -> list[tuple[float, str]]:
    found = []
    for part in accepted.split(",")[:20]:
        tag, _, weight = part.partition(";q=")
        language = tag.strip()[:2].lower()
        if language in LANGUAGES:
            try:
                found.append((float(weight) if weight else 1.0, language))
            except ValueError:
                continue
    return found


@dataclass(frozen=True, slots=True)
class Tongue:
    """One language: its texts, and how it writes. Called with a key it gives the text.

    Attributes:
        code: `fr`, `de` or `en`.
    """

    code: str

    def __call__(self, key: str, *, count: int | None = None, **named: object) -> Markup:
        """A text with what is put in.

        Args:
            key: `<area>.<key>`.
            count: chooses between `one` and `other`, and may be put in as `{count}`.

        Raises:
            KeyError: there is no such text.
        """
        text = texts()[key][self.code]
        if not isinstance(text, str):
            assert count is not None, key
            text = text["one" if self._locale.plural_form(count) == "one" else "other"]
            named["count"] = self.number(count)
        return escape(text).format(**named) if named else escape(text)

    @property
    def _locale(self) -> Locale:
        return _LOCALES[self.code]

    def number(self, amount: int | Decimal) -> str:
        """A number with its separators."""
        return str(format_decimal(amount, locale=self._locale))

    def money(self, cents: int) -> str:
        """An amount in euro."""
        return str(format_currency(Decimal(cents).scaleb(-2), "EUR", locale=self._locale))

    def day(self, day: date) -> str:
        """A day in words."""
        return str(format_date(day, "long", locale=self._locale))

    def short_day(self, day: date) -> str:
        """A day in digits."""
        return str(format_date(day, "dd.MM.yyyy" if self.code == "de" else "dd/MM/yyyy", locale=self._locale))

    def moment(self, at: datetime | Received) -> str:
        """Day and time of day in Luxembourg."""
        local = _local(at)
        return f"{self.short_day(local.date())} {local:%H:%M}"

    def second(self, at: datetime | Received) -> str:
        """As `moment`, to the second."""
        return f"{self.moment(at)}:{_local(at):%S}"

    def long_moment(self, at: datetime | Received) -> str:
        """Day in words and time of day in Luxembourg."""
        return str(format_datetime(_local(at), "long", tzinfo=LUXEMBOURG, locale=self._locale))

    def hour(self, at: datetime | Received) -> str:
        """Time of day in Luxembourg."""
        return str(format_time(_local(at), "HH:mm", locale=self._locale))

    def month(self, period: Period | str) -> str:
        """A month in words."""
        found = Period.parse(period) if isinstance(period, str) else period
        return str(format_date(date(found.year, found.month, 1), "LLLL yyyy", locale=self._locale))

    def span(self, length: timedelta) -> str:
        """A length of time in words; at least a second."""
        return str(format_timedelta(max(length, _TICK), threshold=1.2, locale=self._locale))

    def size(self, count: int) -> str:
        """So many bytes."""
        for unit, scale in (("MB", 1_000_000), ("kB", 1_000)):
            if count >= scale:
                rounded = (Decimal(count) / scale).quantize(Decimal("0.1"))
                return f"{self.number(rounded)} {unit}"
        return f"{self.number(count)} B"


def _local(at: datetime | Received) -> datetime:
    return (at.at if isinstance(at, Received) else at).astimezone(LUXEMBOURG)
