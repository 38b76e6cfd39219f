"""CERTIF: certificates of affiliation and of income, one for each record of a DEMCER that was not refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from lxml import etree

from gateway import wire
from gateway.moments import Period
from gateway.money import cents_of, euro
from gateway.outcome import Certificate, Income

CODE = "CERTIF"


@dataclass(frozen=True, slots=True)
class Certified:
    """One certificate.

    Attributes:
        record: place of the request in the batch, from 1.
        kind, employer, insured, first, last, reference: as asked for.
        spans: entry and exit of each affiliation, an open one without exit.
        incomes: by month or part-period; none when affiliation alone was asked for.
    """

    record: int
    kind: str
    employer: str
    insured: str
    first: Period
    last: Period
    spans: tuple[tuple[date, date | None], ...]
    incomes: tuple[Income, ...] = ()
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Certificates:
    """The certificates that answer one batch, in the order of its records."""

    header: wire.AnswerHeader
    certified: tuple[Certified, ...]


def of(header: wire.AnswerHeader, certificates: Sequence[Certificate]) -> Certificates:
    """The return that gives the certificates of handled requests."""
    return Certificates(header, tuple(_certified(certificate) for certificate in certificates))


def _certified(certificate: Certificate) -> Certified:
    asked = certificate.record.fields
    return Certified(
        record=certificate.record.number,
        kind=asked["Kind"],
        employer=asked["Employer"],
        insured=asked["Insured"],
        first=Period.parse(asked["First"]),
        last=Period.parse(asked["Last"]),
        spans=tuple((one.entry, one.exit) for one in certificate.affiliations),
        incomes=tuple(certificate.incomes),
        reference=asked.get("Reference"),
    )


def write(document: Certificates) -> etree._Element:
    """The return as XML, unsigned."""
    root = wire.write_answer(CODE, document.header)
    for one in document.certified:
        part = wire.add(root, "Certified")
        part.set("record", str(one.record))
        wire.fill(
            part,
            (
                ("Kind", one.kind),
                ("Employer", one.employer),
                ("Insured", one.insured),
                ("First", str(one.first)),
                ("Last", str(one.last)),
            ),
        )
        for entry, exit_ in one.spans:
            days = (("Entry", entry.isoformat()), ("Exit", exit_.isoformat() if exit_ else None))
            wire.fill(wire.add(part, "Span"), days)
        for income in one.incomes:
            _write_income(wire.add(part, "Month"), income)
        wire.fill(part, (("Reference", one.reference),))
    return root


def _write_income(part: etree._Element, income: Income) -> None:
    wire.fill(
        part,
        (
            ("Period", str(income.period)),
            ("First", income.first.isoformat() if income.first else None),
            ("Last", income.last.isoformat() if income.last else None),
            ("BaseWage", euro(income.base_wage)),
            ("Supplements", euro(income.supplements)),
            ("OvertimePay", euro(income.overtime_pay)),
            ("Gratuities", euro(income.gratuities)),
            ("UnemploymentPay", euro(income.unemployment_pay)),
            ("Hours", income.hours),
        ),
    )


def read(root: etree._Element) -> Certificates:
    """The certificates in a verified document.

    Raises:
        ValueError: when it is no CERTIF.
    """
    wire.expect(root, CODE)
    certified = tuple(_read_certified(part) for part in wire.children(root, "Certified"))
    return Certificates(wire.read_answer_header(root), certified)


def _read_certified(part: etree._Element) -> Certified:
    return Certified(
        record=int(part.get("record", "")),
        kind=wire.text(part, "Kind"),
        employer=wire.text(part, "Employer"),
        insured=wire.text(part, "Insured"),
        first=Period.parse(wire.text(part, "First")),
        last=Period.parse(wire.text(part, "Last")),
        spans=tuple(_read_span(span) for span in wire.children(part, "Span")),
        incomes=tuple(_read_income(month) for month in wire.children(part, "Month")),
        reference=wire.optional(part, "Reference"),
    )


def _read_span(part: etree._Element) -> tuple[date, date | None]:
    exit_ = wire.optional(part, "Exit")
    return date.fromisoformat(wire.text(part, "Entry")), date.fromisoformat(exit_) if exit_ else None


def _read_income(part: etree._Element) -> Income:
    first, last = wire.optional(part, "First"), wire.optional(part, "Last")
    return Income(
        period=Period.parse(wire.text(part, "Period")),
        base_wage=cents_of(wire.text(part, "BaseWage")),
        supplements=cents_of(wire.text(part, "Supplements")),
        overtime_pay=cents_of(wire.text(part, "OvertimePay")),
        gratuities=cents_of(wire.text(part, "Gratuities")),
        unemployment_pay=cents_of(wire.text(part, "UnemploymentPay")),
        hours=int(wire.text(part, "Hours")),
        first=date.fromisoformat(first) if first else None,
        last=date.fromisoformat(last) if last else None,
    )
