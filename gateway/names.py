"""File names after the operator's public pattern: who sends what to whom, and when.

`SECU.<TYPE>.<YYYYMMDD-HHNNSSDC>.<member>.CCSS.XML` comes in; sender and recipient swap places in
`SECU.<TYPE>.<YYYYMMDD-HHNNSSDC>.CCSS.<member>.XML`, which goes out. A member stands there as its
employer matricule (13 digits) and its SECUline number (6 digits), joined. Upper case only, as
published on the operator's DEMDET and DETRET pages. A name never repeats. A container of files
(`signing.container`) is called alike, with ASICE or ASICS at the end, and what is encrypted for us
(`signing.encrypted`), with P7M at the end. The test environment is an address of its own,
CCSSTEST in the place of CCSS, so that what is meant for tests is never taken for a declaration.

Two answers are called otherwise, after the operator's pages on FAIL and INFO:

* `SECU.<TYPE>.<YYYYMMDD-HHNNSSDC>.FAIL.CCSS.<member>.XML`, where type and stamp are those of the file that
  was refused as a whole; INCONN and the moment of receipt where its name does not tell them;
* `SECU.<TYPE>.INFO.<YYYYMMDD-HHNNSSDC>.CCSS.<member>.PDF`, which travels in a container called alike. So does
  the page of an account statement (EXTCPT), beside which there lies an invoice of the type FACTUR.

The stamp is the calendar day and the time of day in Luxembourg: NN are the minutes, DC the tenths
and hundredths of a second (our reading; the operator does not explain the letters). It is a
label, not an instant: in the autumn night when the clocks go back, an hour of it occurs twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from gateway.batch import MemberId
from gateway.moments import LUXEMBOURG

_TYPE = re.compile(r"[A-Z]{6}|PAYROLL")
_STAMP = re.compile(r"([0-9]{8})-([0-9]{6})([0-9]{2})")
_MEMBER = re.compile(r"([0-9]{13})([0-9]{6})")
_PARTS = ("SECU", "a type", "a stamp", "a sender", "a recipient", "XML, ASICE, ASICS or P7M")

UNKNOWN = "INCONN"
"""The type of a refused file whose name tells none (our own; *inconnu*)."""


class Office(StrEnum):
    """The operator's addresses."""

    PRODUCTION = "CCSS"
    """Where declarations take effect; our answers come from there in every environment."""
    TEST = "CCSSTEST"
    """The test environment (our own; the operator names none)."""

    @classmethod
    def of(cls, environment: str) -> Office:
        """The address of an environment, `production` or `test`."""
        return cls.TEST if environment == "test" else cls.PRODUCTION


class Extension(StrEnum):
    """What a file is, by the end of its name."""

    XML = "XML"
    """A document with its signature in it."""
    ASICE = "ASICE"
    """A container of files with a signature over all of them."""
    ASICS = "ASICS"
    """A container of one file with a signature over it."""
    P7M = "P7M"
    """A document or a container, encrypted for us."""
    PDF = "PDF"
    """A page to read, which travels in a container."""


class Mark(StrEnum):
    """What stands in a name beside its type: how an answer relates to the file of that type."""

    FAIL = "FAIL"
    """That file was refused as a whole; the stamp is its own."""
    INFO = "INFO"
    """Something to read about it."""


@dataclass(frozen=True, slots=True)
class FileName:
    """A name that keeps to the pattern; `str` writes it.

    Attributes:
        type: the procedure or return, six capital letters such as `DECSAL`, or `PAYROLL`.
        stamp: `YYYYMMDD-HHNNSSDC`, a real calendar moment, Luxembourg local time.
        member: the SECUline member who sends it, or to whom it goes.
        incoming: True from the member to the CCSS, False the other way.
        extension: a document or a container; a page to read only for an INFO.
        mark: in the names of some answers.
        office: to which address of the operator it goes; CCSS in answers.

    Raises:
        ValueError: when a part does not keep to the pattern; the sentence says which.
    """

    type: str
    stamp: str
    member: MemberId
    incoming: bool
    extension: Extension = Extension.XML
    mark: Mark | None = None
    office: Office = Office.PRODUCTION

    def __post_init__(self) -> None:
        if _TYPE.fullmatch(self.type) is None:
            raise ValueError(f"the type is six capital letters such as DECSAL, not {self.type!r}")
        _moment(self.stamp)
        if _member(str(self.member)) != self.member:
            raise ValueError(f"the matricule has 13 digits and the SECUline number 6: {self.member}")
        if self.mark is not None and self.incoming:
            raise ValueError(f"only an answer is marked {self.mark}")
        if self.extension not in _EXTENSIONS[self.mark]:
            raise ValueError(f"a name with the mark {self.mark} does not end with .{self.extension}")
        if self.extension in _INCOMING and not self.incoming:
            raise ValueError(f"an answer does not end with .{self.extension}")
        if self.office is not Office.PRODUCTION and not self.incoming:
            raise ValueError("an answer comes from CCSS")

    def __str__(self) -> str:
        sender, recipient = (self.member, self.office) if self.incoming else (self.office, self.member)
        before, after = _PLACES[self.mark]
        return f"SECU.{self.type}{before}.{self.stamp}{after}.{sender}.{recipient}.{self.extension}"

    @property
    def kind(self) -> str:
        """The code of what it is: FAIL, INFO, or its type."""
        return self.type if self.mark is None else self.mark


_EXTENSIONS = {
    None: frozenset({Extension.XML, Extension.ASICE, Extension.ASICS, Extension.P7M}),
    Mark.FAIL: frozenset({Extension.XML}),
    Mark.INFO: frozenset({Extension.PDF, Extension.ASICE}),
}
_INCOMING = frozenset({Extension.ASICS, Extension.P7M})
_PLACES = {None: ("", ""), Mark.INFO: (".INFO", ""), Mark.FAIL: ("", ".FAIL")}
"""What stands before and after the stamp."""


def parse(text: str) -> FileName:
    """Read a name, incoming or outgoing.

    Raises:
        ValueError: when it does not keep to the pattern exactly; the sentence says where.
    """
    mark, parts = _without_mark(text.split("."))
    if len(parts) != len(_PARTS):
        raise ValueError(f"a name is {', '.join(_PARTS)}, with dots between; {len(parts)} here: {text!r}")
    system, kind, stamp, sender, recipient, extension = parts
    if system != "SECU" or extension not in frozenset(Extension):
        raise ValueError(f"a name begins with SECU. and ends with .XML, .ASICE, .ASICS or .P7M: {text!r}")
    offices = frozenset(Office)
    if (sender in offices) == (recipient in offices):
        raise ValueError(f"a name goes from a member to CCSS or from CCSS to a member: {text!r}")
    incoming = recipient in offices
    member, office = (sender, recipient) if incoming else (recipient, sender)
    return FileName(kind, stamp, _member(member), incoming, Extension(extension), mark, Office(office))


def _without_mark(parts: list[str]) -> tuple[Mark | None, list[str]]:
    """The mark of a name, if it has one in its place, and its other parts."""
    for place, mark in ((2, Mark.INFO), (3, Mark.FAIL)):
        if len(parts) == len(_PARTS) + 1 and parts[place] == mark:
            return mark, parts[:place] + parts[place + 1 :]
    return None, parts


def information(code: str, member: MemberId, at: datetime) -> FileName:
    """The name of a page to read about files of a procedure, in its container."""
    return FileName(code, stamp(at), member, incoming=False, extension=Extension.ASICE, mark=Mark.INFO)


def write(code: str, member: MemberId, at: datetime, extension: Extension = Extension.XML) -> FileName:
    """Name an answer to a member.

    Args:
        code: the return or acknowledgement, such as `ACKTRT`.
        member: to whom it goes.
        at: an aware moment; the stamp shows it in Luxembourg local time, cut to hundredths.
        extension: a document or a container.
    """
    return FileName(code, stamp(at), member, incoming=False, extension=extension)


def failed(name: str, member: MemberId, received: datetime) -> FileName:
    """The name of the answer to a file that was refused as a whole.

    Args:
        name: of the file; whatever a sender may have called it.
        member: who sent it.
        received: when it came in, which stands there where the name does not keep to the pattern.
    """
    type_, at = _former(name) or (UNKNOWN, stamp(received))
    return FileName(type_, at, member, incoming=False, mark=Mark.FAIL)


def _former(name: str) -> tuple[str, str] | None:
    """Type and stamp of a file from outside, if its name has them."""
    try:
        former = parse(name)
    except ValueError:
        return None
    # Behind the last day of the calendar there is no room for a second FAIL.
    known = former.incoming and not former.stamp.startswith("9999")
    return (former.type, former.stamp) if known else None


def stamp(at: datetime) -> str:
    """The stamp of an aware moment: Luxembourg local time, cut to hundredths of a second."""
    return _spell(at.astimezone(LUXEMBOURG))


def next_stamp(name: FileName) -> FileName:
    """The same name a hundredth of a second later, for when a name is already taken."""
    return replace(name, stamp=_spell(_moment(name.stamp) + timedelta(milliseconds=10)))


def _spell(at: datetime) -> str:
    day = f"{at.year:04d}{at.month:02d}{at.day:02d}"
    return f"{day}-{at.hour:02d}{at.minute:02d}{at.second:02d}{at.microsecond // 10_000:02d}"


@lru_cache(maxsize=4096)
def _moment(stamp: str) -> datetime:
    # UTC only carries the digits: days and hours are checked and counted, never converted.
    match = _STAMP.fullmatch(stamp)
    if match is None:
        raise ValueError(f"a stamp is written YYYYMMDD-HHNNSSDC, not {stamp!r}")
    try:
        second = datetime.fromisoformat(f"{match[1]}T{match[2]}+00:00")
    except ValueError:
        raise ValueError(f"a stamp is a day and a time that exist: {stamp!r}") from None
    return second + timedelta(milliseconds=10 * int(match[3]))


@lru_cache(maxsize=4096)
def _member(digits: str) -> MemberId:
    match = _MEMBER.fullmatch(digits)
    if match is None:
        raise ValueError(f"a member is 13 digits of matricule and 6 of SECUline number, not {digits!r}")
    return MemberId(match[1], match[2])
