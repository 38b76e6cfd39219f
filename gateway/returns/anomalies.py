"""What is wrong with a file and what to do about it, as the acknowledgement and FAIL tell it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lxml import etree

from gateway import wire
from gateway.batch import Anomaly
from gateway.rejections import LANGUAGES, REJECTIONS, Level, Severity


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a code means and what to do about it.

    Attributes:
        code: key of the table of rejections, such as `SALRET-7`.
        official: the operator's number for it, where there is one.
        level: how far it reaches: the file, the record, or only a hint.
        severity: whether it had no effect, must be corrected all the same, or should be looked at.
        texts, remedies: by language, `fr`, `de` and `en`.
        legal_basis: the article it rests on, where one is known.
    """

    code: str
    official: str | None
    level: Level
    severity: Severity
    texts: Mapping[str, str]
    remedies: Mapping[str, str]
    legal_basis: str | None = None


def explain(anomalies: Iterable[Anomaly]) -> tuple[Explanation, ...]:
    """The explanation of each code that occurs, once, in the order of first occurrence."""
    return tuple(_explanation(code) for code in dict.fromkeys(anomaly.code for anomaly in anomalies))


def _explanation(code: str) -> Explanation:
    rejection = REJECTIONS[code]
    return Explanation(
        code,
        rejection.official,
        rejection.level,
        rejection.severity,
        rejection.texts,
        rejection.remedies,
        rejection.legal_basis,
    )


def write(root: etree._Element, anomalies: Iterable[Anomaly], explanations: Iterable[Explanation]) -> None:
    """Append anomalies and explanations.

    Names, paths and values are made safe and cut to what the forms take.
    """
    for anomaly in anomalies:
        _write_anomaly(root, anomaly)
    for explanation in explanations:
        _write_explanation(root, explanation)


def _write_anomaly(root: etree._Element, anomaly: Anomaly) -> None:
    wire.fill(
        wire.add(root, "Anomaly"),
        (
            ("Code", anomaly.code),
            ("Record", anomaly.record),
            ("Field", _cut(anomaly.field, 200)),
            ("Path", _cut(anomaly.path, 1000)),
            ("Line", anomaly.line),
            ("Value", _cut(anomaly.value, 200)),
        ),
    )


def _cut(text: str | None, longest: int) -> str | None:
    # Names and values of bad files have any length, the acknowledgement's form has not.
    return None if text is None else text[:longest]


def _write_explanation(root: etree._Element, explanation: Explanation) -> None:
    part = wire.add(root, "Explanation")
    part.set("code", explanation.code)
    part.set("level", explanation.level)
    part.set("severity", explanation.severity)
    if explanation.official is not None:
        part.set("official", explanation.official)
    for name, said in (("Text", explanation.texts), ("Remedy", explanation.remedies)):
        for language in LANGUAGES:
            wire.add(part, name, said[language]).set("lang", language)
    wire.fill(part, (("LegalBasis", explanation.legal_basis),))


def read(root: etree._Element) -> tuple[Anomaly, ...]:
    """The anomalies in a verified document.

    Raises:
        ValueError: when one is not written as it should be.
    """
    return tuple(_read_anomaly(part) for part in wire.children(root, "Anomaly"))


def read_explanations(root: etree._Element) -> tuple[Explanation, ...]:
    """The explanations in a verified document.

    Raises:
        ValueError: when one is not written as it should be.
    """
    return tuple(_read_explanation(part) for part in wire.children(root, "Explanation"))


def _read_anomaly(part: etree._Element) -> Anomaly:
    record, line = wire.optional(part, "Record"), wire.optional(part, "Line")
    return Anomaly(
        code=wire.text(part, "Code"),
        record=None if record is None else int(record),
        field=wire.optional(part, "Field"),
        path=wire.optional(part, "Path"),
        line=None if line is None else int(line),
        value=wire.optional(part, "Value"),
    )


def _read_explanation(part: etree._Element) -> Explanation:
    return Explanation(
        code=part.get("code", ""),
        official=part.get("official"),
        level=Level(part.get("level", "")),
        severity=Severity(part.get("severity", "")),
        texts=_by_language(part, "Text"),
        remedies=_by_language(part, "Remedy"),
        legal_basis=wire.optional(part, "LegalBasis"),
    )


def _by_language(part: etree._Element, name: str) -> dict[str, str]:
    return {said.get("lang", ""): wire.value(said) for said in wire.children(part, name)}
