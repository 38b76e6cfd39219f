"""The bridge between our batches and the operator's `.dta` records, without loss.

A `.dta` file is ASCII text; each record ends with CR LF and its fields stand between semicolons,
at their official numbers. The first record says who sends it: `0;<matricule>;<SECUline number>`
(*identifiant support*); every other one begins with its record type, which is `1` unless the form has
a field for it. The layout knows neither quotes nor an escape, so a text that would need one has no place
in it. Fields without a name in the form are fillers and stay empty; absent is empty.

Values are spelt differently on the two sides: amounts are whole cents there and euro with two
decimals here, other numbers with two decimals are hundredths there, dates lose their hyphens,
keys are in capitals. A value that is not spelt as its field asks crosses unchanged, so that the
gateway can answer with the right code; unless it happens to be right on the other side, where it
would be taken for something else (`350000` for 3,500.00 or for 350,000 euro): that is refused.

So `read(write(member, records, form), form)` gives back what was written, and writing what was
read gives the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from gateway.batch import MemberId
from xsd import Form, FormField

_END = "\r\n"
_HEADER = re.compile(r"0;([0-9]{13});([0-9]{6})")
_FIRST = "The first record is 0;<13 digits of matricule>;<6 digits of SECUline number>"
_RECORD_TYPE = "1"
_UNFIT = re.compile(rb"[^ !#-~]")
_UNFIT_TEXT = re.compile("[^ !#-:<-~]")
_FORMULA = re.compile(r"^(?:[=+@]|-(?![A-Za-z0-9._-]*$))")
"""What a spreadsheet takes for the beginning of a formula; a minus may begin a number or a reference."""
_SHOWN = 80


class UnreadableError(ValueError):
    """A `.dta` file that does not keep to its layout.

    Attributes:
        line: line of the file, from 1.
        field: number of the field in its record, from 1; None for the line as a whole.
        seen: what stands there.
        advice: what to do.
    """

    def __init__(self, line: int, field: int | None, seen: str, advice: str) -> None:
        place = f"line {line}" if field is None else f"line {line}, field {field}"
        super().__init__(f"{place}: {seen}. {advice}")
        self.line, self.field, self.seen, self.advice = line, field, seen, advice


class UnwritableError(ValueError):
    """A record that a `.dta` file cannot carry.

    Attributes:
        record: place of the record, from 1.
        field: element name of the field.
        number: its number in the record; None when the layout has no such field.
        seen: its text.
        advice: what to do.
    """

    def __init__(self, record: int, field: str, number: int | None, seen: str, advice: str) -> None:
        super().__init__(f"record {record}, {field} (field {number or 'unknown'}): {seen}. {advice}")
        self.record, self.field, self.number = record, field, number
        self.seen, self.advice = seen, advice


@dataclass(frozen=True, slots=True)
class DtaFile:
    """What a `.dta` file holds.

    Attributes:
        member: who sends it.
        records: text by element name, only what was present, in the order of the form.
    """

    member: MemberId
    records: Sequence[Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class JudgedFile:
    """A `.dta` file read record by record.

    Attributes:
        member: who sends it.
        records: as in `DtaFile`; in the place of one that is not readable what is wrong with it. The record
            of place 0 stands on line 2.
    """

    member: MemberId
    records: Sequence[Mapping[str, str] | UnreadableError]


def _decimal(text: str) -> str | None:
    """Euro with two decimals from whole cents, or hours from hundredths."""
    if re.fullmatch("0|[1-9][0-9]*", text) is None:
        return None
    digits = text.zfill(3)
    return f"{digits[:-2]}.{digits[-2:]}"


def _hundredths(text: str) -> str | None:
    match = re.fullmatch(r"(0|[1-9][0-9]*)\.([0-9]{2})", text)
    return None if match is None else (match[1] + match[2]).lstrip("0") or "0"


def _iso_day(text: str) -> str | None:
    return f"{text[:4]}-{text[4:6]}-{text[6:]}" if re.fullmatch("[0-9]{8}", text) else None


def _plain_day(text: str) -> str | None:
    return text.replace("-", "") if re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else None


def _iso_month(text: str) -> str | None:
    return f"{text[:4]}-{text[4:]}" if re.fullmatch("[0-9]{6}", text) else None


def _plain_month(text: str) -> str | None:
    return text.replace("-", "") if re.fullmatch("[0-9]{4}-[0-9]{2}", text) else None


def _small(text: str) -> str | None:
    return text.lower() if re.fullmatch("[A-Z]+", text) else None


def _capital(text: str) -> str | None:
    return text.upper() if re.fullmatch("[a-z]+", text) else None


_INCAPACITY_KINDS = {"1": "declaration", "2": "cancellation"}
_INCAPACITY_RECORD_TYPES = {kind: number for number, kind in _INCAPACITY_KINDS.items()}


@dataclass(frozen=True, slots=True)
class _Spelling:
    """How a type is spelt on the two sides; each way answers None for what is not its spelling.

    Attributes:
        form: from the `.dta` spelling to that of the form.
        dta: from the form's spelling to that of the `.dta`.
        example: how the `.dta` spelling is said in an error.
    """

    form: Callable[[str], str | None]
    dta: Callable[[str], str | None]
    example: str


_SAME = _Spelling(str, str, "alike")

_SPELLINGS: Mapping[str, _Spelling] = {
    "OwnAmount": _Spelling(_decimal, _hundredths, "in cents, such as 10675"),
    "InsuredGroup": _Spelling(_small, _capital, "in capitals, such as EMPLOYEE"),
    "Amount": _Spelling(_decimal, _hundredths, "in cents, such as 350000"),
    "WeeklyHours": _Spelling(_decimal, _hundredths, "in hundredths of an hour, such as 4000"),
    "Percent": _Spelling(_decimal, _hundredths, "in hundredths of a per cent, such as 2500"),
    "Date": _Spelling(_iso_day, _plain_day, "as YYYYMMDD, such as 20260701"),
    "PeriodType": _Spelling(_iso_month, _plain_month, "as YYYYMM, such as 202607"),
    "Kind": _Spelling(_small, _capital, "in capitals, such as ENTRY"),
    "MissionKind": _Spelling(_small, _capital, "in capitals, such as MISSION"),
    "EmployerKind": _Spelling(_small, _capital, "in capitals, such as REGISTRATION"),
    "MandateKind": _Spelling(_small, _capital, "in capitals, such as REQUEST"),
    "CertificateKind": _Spelling(_small, _capital, "in capitals, such as INCOME"),
    "Truth": _Spelling(_small, _capital, "in capitals, TRUE or FALSE"),
    "IncapacityKind": _Spelling(
        _INCAPACITY_KINDS.get, _INCAPACITY_RECORD_TYPES.get, "1 to declare and 2 to cancel"
    ),
}
"""By the type of a field in the form; a type that is not here is spelt the same on both sides."""


_WIDTHS: Mapping[str, int] = {"DECMAL": 9}
"""By the code of a form: how many fields a record has, where the last of them are fillers."""


_XML_ONLY: Mapping[str, str] = {
    "DEMDET": "DEMDET is taken in XML only, since 2 April 2024; make the batch by the form xsd/demdet",
    "PAYROLL": "PAYROLL is taken in XML only; make the batch by the form xsd/payroll",
}
"""By the code of a form that has no `.dta` layout: what to do instead."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """How a record of a form lies in a line.

    Attributes:
        code: of the form.
        width: how many fields a record has.
        fields: those with a name, in the order of the form.
        fillers: places of the others in a line split at its semicolons, but the first.
        record_type: what the first field holds; None when the form has a field for it.
    """

    code: str
    width: int
    fields: Mapping[str, FormField]
    fillers: Sequence[int]
    record_type: str | None

    @classmethod
    def of(cls, form: Form) -> _Layout:
        numbers = {field.number for field in form.fields}
        width = _WIDTHS.get(form.code, max(numbers))
        fillers = set(range(1, width)) - {number - 1 for number in numbers}
        fields = {field.name: field for field in form.fields}
        return cls(form.code, width, fields, sorted(fillers), None if 1 in numbers else _RECORD_TYPE)


def read(raw: bytes, form: Form) -> DtaFile:
    """Read a `.dta` file.

    Args:
        raw: its bytes; only the last CR LF may be missing.
        form: the form of the batch it becomes.

    Raises:
        UnreadableError: at the first place that does not keep to the layout.
    """
    judged = read_judged(raw, form)
    for record in judged.records:
        if isinstance(record, UnreadableError):
            raise record
    return DtaFile(judged.member, [record for record in judged.records if isinstance(record, Mapping)])


def sender(raw: bytes) -> MemberId:
    """Who sends a `.dta` file, as its first record says.

    Raises:
        UnreadableError: when that is no record of a sender.
    """
    return _member(_text(1, _lines(raw)[0]))


def read_judged(raw: bytes, form: Form) -> JudgedFile:
    """Read a `.dta` file record by record, so that one that is not readable stands alone.

    Args:
        raw: its bytes; only the last CR LF may be missing.
        form: the form of the batch it becomes.

    Raises:
        UnreadableError: when its first record is none that says who sends it, or the form is not taken as
            `.dta`.
    """
    if form.code in _XML_ONLY:
        raise UnreadableError(1, None, f"a {form.code} in .dta", _XML_ONLY[form.code])
    layout = _Layout.of(form)
    member, lines = sender(raw), _lines(raw)[1:]
    return JudgedFile(member, [_judged(number, line, layout) for number, line in enumerate(lines, start=2)])


def write(member: MemberId, records: Iterable[Mapping[str, str]], form: Form) -> bytes:
    """Write a `.dta` file in the one spelling that `read` gives back as it was.

    Raises:
        UnwritableError: at the first value that the layout cannot carry.
        ValueError: when the member has not 13 and 6 digits, or the form is not taken as `.dta`.
    """
    if form.code in _XML_ONLY:
        raise ValueError(f"a {form.code} in .dta: {_XML_ONLY[form.code]}")
    layout = _Layout.of(form)
    first = f"0;{member.matricule};{member.number}"
    if _HEADER.fullmatch(first) is None:
        raise ValueError(f"a member has 13 digits of matricule and 6 of SECUline number: {member}")
    lines = [first, *(_line(number, record, layout) for number, record in enumerate(records, start=1))]
    return "".join(line + _END for line in lines).encode("ascii")


def is_xml_only(code: str) -> bool:
    """Whether a form has no `.dta` layout."""
    return code in _XML_ONLY


def write_answer(
    member: MemberId, lines: Iterable[tuple[Sequence[str], Mapping[str, str]]], form: Form
) -> bytes:
    """Write records that go back, which may hold anything.

    Args:
        member: to whom they go.
        lines: for each record the values in front of its fields, behind its type; and its fields by name,
            as received. What the form does not know is left out, what a field cannot hold becomes `?`.
        form: of the records.
    """
    layout = _Layout.of(form)
    first = f"0;{member.matricule};{member.number}"
    return "".join(line + _END for line in (first, *(_given_back(*line, layout) for line in lines))).encode()


def read_answer(
    raw: bytes, form: Form, before: int
) -> tuple[MemberId, list[tuple[Sequence[str], Mapping[str, str]]]]:
    """Read records that went back: to whom, and the lines as `write_answer` took them.

    Args:
        raw: bytes of the answer.
        form: of the records.
        before: how many values stand in front of the fields of each.

    Raises:
        UnreadableError: at the first place that does not keep to the layout.
    """
    layout = _Layout.of(form)
    first, *lines = _lines(raw)
    member = _member(_text(1, first))
    return member, [_returned(number, line, layout, before) for number, line in enumerate(lines, start=2)]


def _returned(
    number: int, line: bytes, layout: _Layout, before: int
) -> tuple[Sequence[str], Mapping[str, str]]:
    kind, *values = _text(number, line).split(";")
    if len(values) < before:
        advice = f"A {layout.code} that comes back has {layout.width + before} fields"
        raise UnreadableError(number, None, f"{1 + len(values)} fields", advice)
    return values[:before], _record(number, ";".join((kind, *values[before:])), layout)


def _given_back(before: Sequence[str], values: Mapping[str, str], layout: _Layout) -> str:
    texts = [layout.record_type or ""] + [""] * (layout.width - 1)
    for name, field in layout.fields.items():
        value = values.get(name, "")
        spelt = _SPELLINGS.get(field.type_name, _SAME).dta(value)
        texts[field.number - 1] = value if spelt is None else spelt
    return ";".join(map(_harmless, (texts[0], *before, *texts[1:])))


def _harmless(text: str) -> str:
    return _FORMULA.sub("?", _UNFIT_TEXT.sub("?", text))


def _lines(raw: bytes) -> list[bytes]:
    if not raw:
        raise UnreadableError(1, None, "the file is empty", _FIRST)
    return raw.removesuffix(b"\r\n").split(b"\r\n")


def _judged(number: int, line: bytes, layout: _Layout) -> Mapping[str, str] | UnreadableError:
    try:
        return _record(number, _text(number, line), layout)
    except UnreadableError as error:
        return error


def _text(number: int, line: bytes) -> str:
    unfit = _UNFIT.search(line)
    if unfit is not None:
        seen, advice = _byte(unfit[0])
        raise UnreadableError(number, line.count(b";", 0, unfit.start()) + 1, seen, advice)
    return line.decode("ascii")


def _byte(byte: bytes) -> tuple[str, str]:
    """What is wrong with a byte that no field may hold, and what to do."""
    if byte in b"\r\n":
        return f"0x{byte.hex().upper()} alone", "Each record ends with CR LF (0x0D 0x0A); save it so"
    if byte == b'"':
        return "a quotation mark", "The layout knows no quotes; write the text without them"
    if byte > b"\x7e":
        return f"the byte 0x{byte.hex().upper()}", "The file is plain ASCII; write names without accents"
    return f"the control character 0x{byte.hex().upper()}", "Fields hold printable text only; take it out"


def _member(line: str) -> MemberId:
    match = _HEADER.fullmatch(line)
    if match is None:
        raise UnreadableError(1, None, repr(line[:_SHOWN]), _FIRST)
    return MemberId(match[1], match[2])


def _record(line: int, text: str, layout: _Layout) -> Mapping[str, str]:
    values = text.split(";")
    _check_shape(line, values, layout)
    return {
        name: _to_form(line, field, value)
        for name, field in layout.fields.items()
        if (value := values[field.number - 1])
    }


def _check_shape(line: int, values: Sequence[str], layout: _Layout) -> None:
    if layout.record_type not in (None, values[0]):
        advice = f"After the first record, every record has the type {layout.record_type}"
        raise UnreadableError(line, 1, repr(values[0][:_SHOWN]), advice)
    if len(values) != layout.width:
        advice = f"A {layout.code} record has {layout.width} fields; write empty ones as well"
        raise UnreadableError(line, None, f"{len(values)} fields", advice)
    for place in layout.fillers:
        if values[place]:
            advice = "This field is a filler; leave it empty"
            raise UnreadableError(line, place + 1, repr(values[place][:_SHOWN]), advice)


def _to_form(line: int, field: FormField, value: str) -> str:
    spelling = _SPELLINGS.get(field.type_name, _SAME)
    spelt = spelling.form(value)
    if spelt is None and spelling.dta(value) is not None:
        advice = f"{field.name} is written {spelling.example}"
        raise UnreadableError(line, field.number, repr(value[:_SHOWN]), advice)
    return value if spelt is None else spelt


def _line(record: int, values: Mapping[str, str], layout: _Layout) -> str:
    texts = [layout.record_type or ""] + [""] * (layout.width - 1)
    for name, value in values.items():
        field = layout.fields.get(name)
        if field is None:
            advice = f"A {layout.code} record has no such field"
            raise UnwritableError(record, name, None, repr(value[:_SHOWN]), advice)
        texts[field.number - 1] = _to_dta(record, field, value)
    return ";".join(texts)


def _to_dta(record: int, field: FormField, value: str) -> str:
    advice = None
    spelling = _SPELLINGS.get(field.type_name, _SAME)
    spelt = spelling.dta(value)
    if not value:
        advice = "In a .dta empty means absent; leave the element out"
    elif _UNFIT_TEXT.search(value) is not None:
        advice = "A .dta field holds printable ASCII without quotes and semicolons"
    elif spelt is None and spelling.form(value) is not None:
        advice = f"In a .dta it would be taken for {spelling.form(value)}"
    if advice is not None:
        raise UnwritableError(record, field.name, field.number, repr(value[:_SHOWN]), advice)
    return value if spelt is None else spelt
