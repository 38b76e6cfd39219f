"""File names after the operator's public pattern: who sends what to whom, and when.

`SECU.<TYPE>.<YYYYMMDD-HHNNSSDC>.<member>.CCSS.XML` comes in; sender and recipient swap places in
`SECU.<TYPE>.<YYYYMMDD-HHNNSSDC>.CCSS.<member>.XML`, which goes out. A member stands there as its
employer matricule (13 digits) and its SECUline number (6 digits), joined. Upper case only, as
published on the operator's DEMDET and DETRET pages. A name never repeats. A container of files
(`signing.container`) is called alike, with ASICE at the end.

The stamp is the calendar day and the time of day in Luxembourg: NN are the minutes, DC the tenths
and hundredths of a second (our reading; the operator does not explain the letters). It is a
label, not an instant: in the autumn night when the clocks go back, an hour of it occurs twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from gateway.batch import MemberId
from gateway.moments import LUXEMBOURG

RECIPIENT = "CCSS"

_TYPE = re.compile(r"[A-Z]{6}")
_STAMP = re.compile(r"([0-9]{8})-([0-9]{6})([0-9]{2})")
_MEMBER = re.compile(r"([0-9]{13})([0-9]{6})")
_PARTS = ("SECU", "a type", "a stamp", "a sender", "a recipient", "XML or ASICE")


class Extension(StrEnum):
    """What a file is, by the end of its name."""

    XML = "XML"
    """A document with its signature in it."""
    ASICE = "ASICE"
    """A container of files with a signature over all of them."""


@dataclass(frozen=True, slots=True)
class FileName:
    """A name that keeps to the pattern; `str` writes it.

    Attributes:
        type: the procedure or return, six capital letters such as `DECSAL`.
        stamp: `YYYYMMDD-HHNNSSDC`, a real calendar moment, Luxembourg local time.
        member: the SECUline member who sends it, or to whom it goes.
        incoming: True from the member to the CCSS, False the other way.
        extension: a document or a container.

    Raises:
        ValueError: when a part does not keep to the pattern; the sentence says which.
    """

    type: str
    stamp: str
    member: MemberId
    incoming: bool
    extension: Extension = Extension.XML

    def __post_init__(self) -> None:
        if _TYPE.fullmatch(self.type) is None:
            raise ValueError(f"the type is six capital letters such as DECSAL, not {self.type!r}")
        _moment(self.stamp)
        if _member(str(self.member)) != self.member:
            raise ValueError(f"the matricule has 13 digits and the SECUline number 6: {self.member}")

    def __str__(self) -> str:
        sender, recipient = (self.member, RECIPIENT) if self.incoming else (RECIPIENT, self.member)
        return f"SECU.{self.type}.{self.stamp}.{sender}.{recipient}.{self.extension}"


_EXTENSIONS = frozenset(Extension)


def parse(text: str) -> FileName:
    """Read a name, incoming or outgoing.

    Raises:
        ValueError: when it does not keep to the pattern exactly; the sentence says where.
    """
    parts = text.split(".")
    if len(parts) != len(_PARTS):
        raise ValueError(f"a name is {', '.join(_PARTS)}, with dots between; {len(parts)} here: {text!r}")
    system, kind, stamp, sender, recipient, extension = parts
    if system != "SECU" or extension not in _EXTENSIONS:
        raise ValueError(f"a name begins with SECU. and ends with .XML or .ASICE, in capitals: {text!r}")
    if (sender == RECIPIENT) == (recipient == RECIPIENT):
        raise ValueError(f"a name goes from a member to CCSS or from CCSS to a member: {text!r}")
    incoming = recipient == RECIPIENT
    return FileName(kind, stamp, _member(sender if incoming else recipient), incoming, Extension(extension))


def write(code: str, member: MemberId, at: datetime, extension: Extension = Extension.XML) -> FileName:
    """Name an answer to a member.

    Args:
        code: the return or acknowledgement, such as `ACKTRT`.
        member: to whom it goes.
        at: an aware moment; the stamp shows it in Luxembourg local time, cut to hundredths.
        extension: a document or a container.
    """
    return FileName(code, stamp(at), member, incoming=False, extension=extension)


def stamp(at: datetime) -> str:
    """The stamp of an aware moment: Luxembourg local time, cut to hundredths of a second."""
    return _spell(at.astimezone(LUXEMBOURG))


def next_stamp(name: FileName) -> FileName:
    """The same name a hundredth of a second later, for when a name is already taken."""
    return replace(name, stamp=_spell(_moment(name.stamp) + timedelta(milliseconds=10)))


def _spell(at: datetime) -> str:
    day = f"{at.year:04d}{at.month:02d}{at.day:02d}"
    return f"{day}-{at.hour:02d}{at.minute:02d}{at.second:02d}{at.microsecond // 10_000:02d}"


def _moment(stamp: str) -> datetime:
    # UTC only carries the digits: days and hours are checked and counted, never converted.
    match = _STAMP.fullmatch(stamp)
    if match is None:
        raise ValueError(f"a stamp is written YYYYMMDD-HHNNSSDC, not {stamp!r}")
    try:
        second = datetime.strptime(match[1] + match[2], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        raise ValueError(f"a stamp is a day and a time that exist: {stamp!r}") from None
    return second + timedelta(milliseconds=10 * int(match[3]))


def _member(digits: str) -> MemberId:
    match = _MEMBER.fullmatch(digits)
    if match is None:
        raise ValueError(f"a member is 13 digits of matricule and 6 of SECUline number, not {digits!r}")
    return MemberId(match[1], match[2])
