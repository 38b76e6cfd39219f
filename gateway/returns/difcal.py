"""DIFCAL: an employer's own computation beside what is charged, share by share, with the reason of each
difference.

The answer to OWNCAL: at once where the month has been charged already, otherwise with its account statement.
A difference is what is charged less what the employer computed; all together are the difference of the two
sums. A reason is found by computing what is charged anew under variations (another class, factor, rate,
without ceiling, with other hours …); `Numbers` tells what was charged with and, behind the arrow, with what
the employer seems to have computed. At the end each reason that occurs is counted and explained in three
languages. Our own form: the operator has none like it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lxml import etree

from gateway import wire
from gateway.billing.difference_words import WORDS
from gateway.billing.differences import ComparedLine, Comparison, Reason, ReasonSum, Reconciliation, Side
from gateway.contributions import Group
from gateway.moments import Period
from gateway.money import cents_of, euro
from gateway.parameters import Branch
from gateway.rejections import LANGUAGES

CODE = "DIFCAL"


@dataclass(frozen=True, slots=True)
class Differences:
    """The comparison of one employer and month, and to whom it goes."""

    header: wire.AnswerHeader
    comparison: Comparison


def write(document: Differences) -> etree._Element:
    """The comparison as XML, unsigned."""
    root = wire.write_answer(CODE, document.header)
    comparison = document.comparison
    wire.fill(
        root,
        (
            ("Employer", comparison.employer),
            ("Period", str(comparison.period)),
            ("Statement", comparison.statement),
        ),
    )
    for line in comparison.reconciliation.lines:
        _write_line(wire.add(root, "Line"), line)
    wire.fill(root, _totals(comparison.reconciliation))
    for reason in comparison.reconciliation.reasons:
        _write_reason(wire.add(root, "Reason"), reason)
    return root


def _write_line(part: etree._Element, line: ComparedLine) -> None:
    wire.fill(
        part,
        (
            ("Insured", line.insured),
            ("Group", line.group),
            ("Branch", line.branch),
            ("Side", line.side),
            ("Own", euro(line.own)),
            ("Billed", euro(line.billed)),
            ("Difference", euro(line.difference)),
            ("Reason", line.reason),
            ("Numbers", line.numbers or None),
        ),
    )


def _totals(of: Reconciliation) -> tuple[tuple[str, str], ...]:
    return (
        ("Own", euro(of.own)),
        ("Billed", euro(of.billed)),
        ("Difference", euro(of.difference)),
    )


def _write_reason(part: etree._Element, one: ReasonSum) -> None:
    part.set("code", one.reason)
    wire.fill(part, _counted(one))
    words = WORDS[one.reason]
    for name, said in (("Title", words.titles), ("Text", words.texts), ("Remedy", words.remedies)):
        _write_said(part, name, said)


def _write_said(part: etree._Element, name: str, said: Mapping[str, str]) -> None:
    for language in LANGUAGES:
        wire.add(part, name, said[language]).set("lang", language)


def _counted(one: ReasonSum) -> tuple[tuple[str, str], ...]:
    return ("Lines", str(one.lines)), ("Amount", euro(one.amount))


def read(root: etree._Element) -> Differences:
    """The comparison in a verified document.

    Raises:
        ValueError: when it is no DIFCAL, or a sum is not that of its lines.
    """
    wire.expect(root, CODE)
    found = Reconciliation(tuple(_read_line(part) for part in wire.children(root, "Line")))
    wire.agree(root, _totals(found))
    told = wire.children(root, "Reason")
    if [part.get("code") for part in told] != [one.reason for one in found.reasons]:
        raise ValueError("the reasons told are not those of the lines")
    for part, one in zip(told, found.reasons, strict=True):
        wire.agree(part, _counted(one))
    comparison = Comparison(
        employer=wire.text(root, "Employer"),
        period=Period.parse(wire.text(root, "Period")),
        statement=wire.optional(root, "Statement"),
        reconciliation=found,
    )
    return Differences(wire.read_answer_header(root), comparison)


def _read_line(part: etree._Element) -> ComparedLine:
    group, branch = wire.optional(part, "Group"), wire.optional(part, "Branch")
    reason = wire.optional(part, "Reason")
    line = ComparedLine(
        insured=wire.text(part, "Insured"),
        group=None if group is None else Group(group),
        branch=None if branch is None else Branch(branch),
        side=Side(wire.text(part, "Side")),
        own=cents_of(wire.text(part, "Own")),
        billed=cents_of(wire.text(part, "Billed")),
        reason=None if reason is None else Reason(reason),
        numbers=wire.optional(part, "Numbers") or "",
    )
    wire.agree(part, (("Difference", euro(line.difference)),))
    return line
