"""Answers as the operator's `.dta` files, for members who ask for them.

Each is written from the document that would go back otherwise, so that both say the same. A return repeats
the record as it was received, with the code in front of its fields (field 2, as known of SALRET and MATRET;
for the others by analogy). One code stands there, so that a record with several comes back once for each.
MATASS and MATUTI put the number found or given, and whether it existed before, in front of what was asked.
SALMAN, LISPER, CHAPRO and CHGMAT have layouts of their own. What a field cannot hold becomes a question mark,
so that nothing a sender wrote can end a field or a record, or be taken for a formula.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date

from lxml import etree

from gateway import dta, wire
from gateway.batch import MemberId
from gateway.procedures import PROCEDURES
from gateway.returns import chapro, chgmat, lisper, matass, matuti, salman
from gateway.returns.rejected import RejectedRecord
from xsd import Form, catalogue

_NOTICES = {
    salman.CODE: salman.RECORD,
    lisper.CODE: lisper.RECORD,
    chapro.CODE: chapro.RECORD,
    chgmat.CODE: chgmat.RECORD,
}
_NUMBERS = (matass.CODE, matuti.CODE)
_REFUSED_IN = {one.returns_code: one.code for one in PROCEDURES if not dta.is_xml_only(one.code)}
_ASKED_IN = {one.form.assigned_in: one.code for one in PROCEDURES if one.form.assigned_in in _NUMBERS}

Line = tuple[Sequence[str], Mapping[str, str]]


def spell(document: etree._Element, member: MemberId, day: date) -> bytes | None:
    """An answer as a `.dta` file, or None when it has no such layout.

    Args:
        document: the answer as it is written, unsigned.
        member: to whom it goes.
        day: of writing, which decides the layout.
    """
    code = etree.QName(document).localname
    if code in _NOTICES:
        return dta.write_answer(member, _notices(document, _NOTICES[code]), _form(code, day))
    if code in _ASKED_IN:
        return dta.write_answer(member, _assigned(document), _form(_ASKED_IN[code], day))
    if code in _REFUSED_IN:
        return dta.write_answer(member, _rejected(document), _form(_REFUSED_IN[code], day))
    return None


def read_rejected(code: str, raw: bytes, day: date) -> tuple[MemberId, tuple[RejectedRecord, ...]]:
    """The refused records in a `.dta` return, and to whom it went.

    Lines that differ in their code alone are one record with several codes; where a code comes again, another
    record begins. The place of a record is its line in the return, for the return does not tell that in the
    batch. What a field could not hold stands there as a question mark.

    Args:
        code: of the return, such as `SALRET`.
        raw: its bytes.
        day: of reading, which decides the layout.

    Raises:
        ValueError: when it is no such return.
    """
    if code not in _REFUSED_IN:
        raise ValueError(f"{code} is no return in .dta")
    member, lines = dta.read_answer(raw, _form(_REFUSED_IN[code], day), before=1)
    records: list[RejectedRecord] = []
    for place, ((given,), fields) in enumerate(lines, start=2):
        last = records[-1] if records else None
        if last is not None and last.fields == fields and given not in last.codes:
            records[-1] = replace(last, codes=(*last.codes, given))
        else:
            records.append(RejectedRecord(place, (given,), fields))
    return member, tuple(records)


def file_name(code: str, member: MemberId, stamp: str) -> str:
    """The operator's name of a `.dta` file that goes back: `SALRET.<matricule>_<number>_<stamp>.dta`."""
    return f"{code}.{member.matricule}_{member.number}_{stamp}.dta"


def _form(code: str, day: date) -> Form:
    entry = catalogue().entries[code]
    return catalogue().form(code, max(v.number for v in entry.versions.values() if v.covers(day)), day)


def _notices(document: etree._Element, record: str) -> Iterator[Line]:
    for part in wire.children(document, record):
        yield (), wire.fields(part)


def _assigned(document: etree._Element) -> Iterator[Line]:
    for part in wire.children(document, "Assigned"):
        number, existing, *asked = part
        yield (wire.value(number), wire.value(existing).upper()), wire.fields(asked)


def _rejected(document: etree._Element) -> Iterator[Line]:
    for part in wire.children(document, "Rejected"):
        codes = wire.children(part, "Code")
        fields = wire.fields(list(part)[len(codes) :])
        for code in codes:
            yield (wire.value(code),), fields
