"""LISPER: the staff of an employer as the CCSS knows it, sent when a month has to be declared.

Posted on the first working day of a month, without being asked for, to every member who may declare the
employer's wages; it is about the month before, whose wages are now due (RGD of 12 May 1975, art. 8). With
each affiliation stand the base wage and the hours last declared, to be confirmed or changed. An employer
with nobody affiliated in that month gets none. The layout is our own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from lxml import etree

from gateway import wire
from gateway.moments import Period
from gateway.money import cents_of, euro

CODE = "LISPER"
RECORD = "Listed"


@dataclass(frozen=True, slots=True)
class LastWage:
    """What was last declared for an insured, all parts of that month together.

    Attributes:
        period: the month.
        base_wage: in cents.
        work_hours: whole hours.
    """

    period: Period
    base_wage: int
    work_hours: int


@dataclass(frozen=True, slots=True)
class Listed:
    """An affiliation that lasts on at least one day of the month.

    Attributes:
        employer, insured: matricules.
        period: the wage month to be declared.
        entry, exit: first and last day, inclusive; exit is None while it lasts.
        contract: letter of the contract type.
        scheme: two-digit scheme code.
        surname, first_name: None when the person was not registered here.
        last_wage: of the latest month before this one; None when there is none.
    """

    employer: str
    insured: str
    period: Period
    entry: date
    exit: date | None
    contract: str
    scheme: str
    surname: str | None = None
    first_name: str | None = None
    last_wage: LastWage | None = None


@dataclass(frozen=True, slots=True)
class StaffList:
    """The staff of one employer for one month, by insured and entry."""

    header: wire.AnswerHeader
    listed: tuple[Listed, ...]


def write(document: StaffList) -> etree._Element:
    """The list as XML, unsigned."""
    root = wire.write_answer(CODE, document.header)
    for one in document.listed:
        last = one.last_wage
        wire.fill(
            wire.add(root, RECORD),
            (
                ("Employer", one.employer),
                ("Insured", one.insured),
                ("Period", str(one.period)),
                ("Surname", one.surname),
                ("FirstName", one.first_name),
                ("Entry", one.entry.isoformat()),
                ("Exit", one.exit.isoformat() if one.exit else None),
                ("ContractType", one.contract),
                ("Scheme", one.scheme),
                ("LastPeriod", str(last.period) if last else None),
                ("BaseWage", euro(last.base_wage) if last else None),
                ("WorkHours", last.work_hours if last else None),
            ),
        )
    return root


def read(root: etree._Element) -> StaffList:
    """The list in a verified document.

    Raises:
        ValueError: when it is no LISPER.
    """
    wire.expect(root, CODE)
    listed = tuple(_read_listed(part) for part in wire.children(root, RECORD))
    return StaffList(wire.read_answer_header(root), listed)


def _read_listed(part: etree._Element) -> Listed:
    left = wire.optional(part, "Exit")
    return Listed(
        employer=wire.text(part, "Employer"),
        insured=wire.text(part, "Insured"),
        period=Period.parse(wire.text(part, "Period")),
        entry=date.fromisoformat(wire.text(part, "Entry")),
        exit=None if left is None else date.fromisoformat(left),
        contract=wire.text(part, "ContractType"),
        scheme=wire.text(part, "Scheme"),
        surname=wire.optional(part, "Surname"),
        first_name=wire.optional(part, "FirstName"),
        last_wage=_read_last_wage(part),
    )


def _read_last_wage(part: etree._Element) -> LastWage | None:
    period = wire.optional(part, "LastPeriod")
    if period is None:
        return None
    return LastWage(
        period=Period.parse(period),
        base_wage=cents_of(wire.text(part, "BaseWage")),
        work_hours=int(wire.text(part, "WorkHours")),
    )
