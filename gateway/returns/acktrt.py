"""ACKTRT: the signed acknowledgement of treatment, which ends every deposit.

It gives the verdict, how many records took effect, wait or were refused, by which mandates, and
every anomaly at once; each code that occurs is explained in French, German and English.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lxml import etree

from gateway import wire
from gateway.batch import Anomaly
from gateway.outcome import Verdict
from gateway.rejections import LANGUAGES, REJECTIONS, Level

CODE = "ACKTRT"


@dataclass(frozen=True, slots=True)
class Decision:
    """Which mandate allowed the sender to act for an employer."""

    employer: str
    mandate: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a code means and what to do about it.

    Attributes:
        code: key of the table of rejections, such as `SALRET-7`.
        official: the operator's number for it, where there is one.
        level: how far it reaches: the file, the record, or only a hint.
        texts, remedies: by language, `fr`, `de` and `en`.
        legal_basis: the article it rests on, where one is known.
    """

    code: str
    official: str | None
    level: Level
    texts: Mapping[str, str]
    remedies: Mapping[str, str]
    legal_basis: str | None = None


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """How a deposit fared.

    Attributes:
        header: to whom, about which deposit.
        verdict: on the file as a whole.
        records: how many records the file holds; 0 when it could not be read that far.
        accepted, rejected, held: how many of them took effect, were refused, wait.
        decisions: the mandates that were used, one for each employer allowed.
        anomalies: all faults found, of the file and of its records, and hints about records not refused.
        explanations: one for each code among the anomalies.
        returns: names of the files posted with it.
        journal: the entry of the treatment in the register (RGD 12 May 1975, art. 20).
    """

    header: wire.AnswerHeader
    verdict: Verdict
    records: int
    accepted: int
    rejected: int
    held: int
    decisions: tuple[Decision, ...]
    anomalies: tuple[Anomaly, ...]
    explanations: tuple[Explanation, ...]
    returns: tuple[str, ...]
    journal: wire.JournalEntry


def explain(anomalies: Iterable[Anomaly]) -> tuple[Explanation, ...]:
    """The explanation of each code that occurs, once, in the order of first occurrence."""
    return tuple(_explanation(code) for code in dict.fromkeys(anomaly.code for anomaly in anomalies))


def _explanation(code: str) -> Explanation:
    rejection = REJECTIONS[code]
    return Explanation(
        code, rejection.official, rejection.level, rejection.texts, rejection.remedies, rejection.legal_basis
    )


def write(document: Acknowledgement) -> etree._Element:
    """The acknowledgement as XML, unsigned.

    Names, paths and values of anomalies are made safe and cut to what the form takes.
    """
    root = wire.write_answer(CODE, document.header)
    counts = (
        ("Verdict", document.verdict),
        ("Records", document.records),
        ("Accepted", document.accepted),
        ("Rejected", document.rejected),
        ("Held", document.held),
    )
    wire.fill(root, counts)
    for decision in document.decisions:
        part = wire.add(root, "Decision")
        part.set("employer", decision.employer)
        part.set("mandate", str(decision.mandate))
    for anomaly in document.anomalies:
        _write_anomaly(root, anomaly)
    for explanation in document.explanations:
        _write_explanation(root, explanation)
    wire.fill(root, (("Return", name) for name in document.returns))
    wire.write_journal(root, document.journal)
    return root


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
    if explanation.official is not None:
        part.set("official", explanation.official)
    for name, said in (("Text", explanation.texts), ("Remedy", explanation.remedies)):
        for language in LANGUAGES:
            wire.add(part, name, said[language]).set("lang", language)
    wire.fill(part, (("LegalBasis", explanation.legal_basis),))


def read(root: etree._Element) -> Acknowledgement:
    """The acknowledgement in a verified document.

    Raises:
        ValueError: when it is not one.
    """
    wire.expect(root, CODE)
    return Acknowledgement(
        header=wire.read_answer_header(root),
        verdict=Verdict(wire.text(root, "Verdict")),
        records=int(wire.text(root, "Records")),
        accepted=int(wire.text(root, "Accepted")),
        rejected=int(wire.text(root, "Rejected")),
        held=int(wire.text(root, "Held")),
        decisions=tuple(_read_decision(part) for part in wire.children(root, "Decision")),
        anomalies=tuple(_read_anomaly(part) for part in wire.children(root, "Anomaly")),
        explanations=tuple(_read_explanation(part) for part in wire.children(root, "Explanation")),
        returns=tuple(wire.value(part) for part in wire.children(root, "Return")),
        journal=wire.read_journal(root),
    )


def _read_decision(part: etree._Element) -> Decision:
    return Decision(part.get("employer", ""), int(part.get("mandate", "")))


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
        texts=_by_language(part, "Text"),
        remedies=_by_language(part, "Remedy"),
        legal_basis=wire.optional(part, "LegalBasis"),
    )


def _by_language(part: etree._Element, name: str) -> dict[str, str]:
    return {said.get("lang", ""): wire.value(said) for said in wire.children(part, name)}
