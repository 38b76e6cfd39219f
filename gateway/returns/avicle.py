"""AVICLE: what happens to a key of a member: it expires soon, or was registered.

Posted without being asked for. The form is our own; it is sent in XML also to members who ask for `.dta`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lxml import etree

from gateway import wire
from gateway.moments import Received

CODE = "AVICLE"


class Event(StrEnum):
    """What happens to a key; the texts stand in the form."""

    EXPIRES = "expires"
    """It will count no more, and nothing has come in its place."""
    REGISTERED = "registered"
    """It counts from now on."""


@dataclass(frozen=True, slots=True)
class KeyNews:
    """What one member is told of one key.

    Attributes:
        event: what happens to it.
        key: its fingerprint: hexadecimal for a certificate, `SHA256:…` for an SSH key.
        until: until when it counts, to the second; None for no end.
        replaced: fingerprint of the key in whose place it comes, if any.
        replaced_until: until when that one counts.
    """

    header: wire.AnswerHeader
    event: Event
    key: str
    until: Received | None
    replaced: str | None = None
    replaced_until: Received | None = None


def write(document: KeyNews) -> etree._Element:
    """The notice as XML, unsigned."""
    root = wire.write_answer(CODE, document.header)
    wire.fill(
        root,
        (
            ("Event", document.event.value),
            ("Key", document.key),
            ("Until", _second(document.until)),
            ("Replaced", document.replaced),
            ("ReplacedUntil", _second(document.replaced_until)),
        ),
    )
    return root


def read(root: etree._Element) -> KeyNews:
    """The news in a verified document.

    Raises:
        ValueError: when it is no AVICLE.
    """
    wire.expect(root, CODE)
    return KeyNews(
        header=wire.read_answer_header(root),
        event=Event(wire.text(root, "Event")),
        key=wire.text(root, "Key"),
        until=_read_second(wire.optional(root, "Until")),
        replaced=wire.optional(root, "Replaced"),
        replaced_until=_read_second(wire.optional(root, "ReplacedUntil")),
    )


def _second(moment: Received | None) -> str | None:
    return None if moment is None else f"{str(moment)[:19]}Z"


def _read_second(text: str | None) -> Received | None:
    return None if text is None else Received.parse(f"{text.removesuffix('Z')}.000000Z")
