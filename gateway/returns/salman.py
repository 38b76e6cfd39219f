"""SALMAN: wages that are awaited of an employer who has declared others of the same month.

Posted without being asked for, on the working day after a DECSAL that leaves wages of its month out.
When a whole month is missing there is no SALMAN: the employer is told by post. The employer adds the
forgotten record to the next DECSAL, or declares what has ended (an exit, for example).

The record is that of the operator's `.dta`: `records` and `of_record` are its two ways, so that the bridge
(`gateway.dta`) carries it without loss.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lxml import etree

from gateway import wire
from gateway.moments import Period

CODE = "SALMAN"
RECORD = "Missing"


@dataclass(frozen=True, slots=True)
class MissingWage:
    """A wage that is awaited. Names are None when the person was not registered here.

    Attributes:
        employer, insured: matricules.
        period: the wage month.
        surname: or maiden name.
        married_name: None as far as our own register goes, which keeps none.
    """

    employer: str
    insured: str
    period: Period
    surname: str | None = None
    first_name: str | None = None
    married_name: str | None = None


@dataclass(frozen=True, slots=True)
class MissingWages:
    """The wages awaited of one member, by employer, period and insured."""

    header: wire.AnswerHeader
    missing: tuple[MissingWage, ...]


def records(document: MissingWages) -> list[dict[str, str]]:
    """The records as text by element name, only what is there, in the order of the form."""
    return [_record(one) for one in document.missing]


def _record(one: MissingWage) -> dict[str, str]:
    fields = {
        "Employer": one.employer,
        "Insured": one.insured,
        "Period": str(one.period),
        "Surname": one.surname,
        "FirstName": one.first_name,
        "MarriedName": one.married_name,
    }
    return {name: text for name, text in fields.items() if text is not None}


def of_record(fields: Mapping[str, str]) -> MissingWage:
    """The wage that a record awaits.

    Raises:
        KeyError, ValueError: when the form would refuse it.
    """
    return MissingWage(
        employer=fields["Employer"],
        insured=fields["Insured"],
        period=Period.parse(fields["Period"]),
        surname=fields.get("Surname"),
        first_name=fields.get("FirstName"),
        married_name=fields.get("MarriedName"),
    )


def write(document: MissingWages) -> etree._Element:
    """The notice as XML, unsigned."""
    root = wire.write_answer(CODE, document.header)
    for record in records(document):
        wire.fill(wire.add(root, RECORD), record.items())
    return root


def read(root: etree._Element) -> MissingWages:
    """The wages awaited in a verified document.

    Raises:
        KeyError, ValueError: when it is no SALMAN.
    """
    wire.expect(root, CODE)
    missing = tuple(of_record(wire.fields(part)) for part in wire.children(root, RECORD))
    return MissingWages(wire.read_answer_header(root), missing)
