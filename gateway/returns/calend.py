"""CALEND: the time limits and runs of a month, or those that a declared outage moves.

Posted without being asked for to every member who has an agreement: at the start of each month, and once for
each outage. Days and hours are those of Luxembourg; the moment from which a file is too late stands beside
them in UTC. The form is our own; it is sent in XML also to members who ask for `.dta`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from lxml import etree

from gateway import wire
from gateway.deadlines import Kind
from gateway.moments import Period, Received

CODE = "CALEND"
RECORD = "Deadline"


@dataclass(frozen=True, slots=True)
class Deadline:
    """One time limit or run.

    Attributes:
        kind: what it is for.
        event: the month or the day from which it is counted.
        last: the last day in Luxembourg.
        hour: of the last day, from which input is late; 24 is its end.
        late_from: the same moment, to the second.
        nominal: the last day, were there no outage; None when none moved it.
    """

    kind: Kind
    event: Period | date
    last: date
    hour: int
    late_from: Received
    nominal: date | None = None


@dataclass(frozen=True, slots=True)
class Interruption:
    """The outage that moves limits: from when to when, to the second, and why in the operator's words."""

    first: Received
    until: Received
    reason: str


@dataclass(frozen=True, slots=True)
class Calendar:
    """What one member is told: of a month, or of an outage."""

    header: wire.AnswerHeader
    about: Period | Interruption
    deadlines: tuple[Deadline, ...]


def write(document: Calendar) -> etree._Element:
    """The notice as XML, unsigned."""
    root = wire.write_answer(CODE, document.header)
    about = document.about
    if isinstance(about, Period):
        wire.add(root, "Month", str(about))
    else:
        times = (("First", _second(about.first)), ("Until", _second(about.until)), ("Reason", about.reason))
        wire.fill(wire.add(root, "Outage"), times)
    for one in document.deadlines:
        wire.fill(
            wire.add(root, RECORD),
            (
                ("Kind", one.kind.value),
                ("Event", str(one.event)),
                ("LastDay", one.last.isoformat()),
                ("Hour", f"{one.hour:02d}:00"),
                ("LateFrom", _second(one.late_from)),
                ("Nominal", None if one.nominal is None else one.nominal.isoformat()),
            ),
        )
    return root


def read(root: etree._Element) -> Calendar:
    """The limits in a verified document.

    Raises:
        ValueError: when it is no CALEND.
    """
    wire.expect(root, CODE)
    month = wire.optional(root, "Month")
    return Calendar(
        header=wire.read_answer_header(root),
        about=_read_outage(wire.child(root, "Outage")) if month is None else Period.parse(month),
        deadlines=tuple(_read_deadline(part) for part in wire.children(root, RECORD)),
    )


def _read_outage(part: etree._Element) -> Interruption:
    first, until = (_read_second(wire.text(part, name)) for name in ("First", "Until"))
    return Interruption(first, until, wire.text(part, "Reason"))


def _read_deadline(part: etree._Element) -> Deadline:
    event, nominal = wire.text(part, "Event"), wire.optional(part, "Nominal")
    return Deadline(
        kind=Kind(wire.text(part, "Kind")),
        event=Period.parse(event) if len(event) == len("YYYY-MM") else date.fromisoformat(event),
        last=date.fromisoformat(wire.text(part, "LastDay")),
        hour=int(wire.text(part, "Hour").removesuffix(":00")),
        late_from=_read_second(wire.text(part, "LateFrom")),
        nominal=None if nominal is None else date.fromisoformat(nominal),
    )


def _second(moment: Received) -> str:
    return f"{str(moment)[:19]}Z"


def _read_second(text: str) -> Received:
    return Received.parse(f"{text.removesuffix('Z')}.000000Z")
