"""One version of one form: which fields its records have, and whether a document has the form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lxml import etree

from xsd import schema
from xsd.faults import (
    LONGEST_PATH,
    LONGEST_VALUE,
    Checked,
    Fault,
    FormFaults,
    Malformed,
    line_of,
    local_name,
    locate,
    path_of,
    seen,
    stray_text,
    text_of,
)
from xsd.schema import XS, Complaint, Judge

NAMESPACE = "urn:secugate:1"
FILE_FORM = "FILE-FORM"
"""The code due for a fault outside of records."""

_OURS = f"{{{NAMESPACE}}}"
_PREFIX = len(_OURS)
_NOTE = f"{XS}annotation/{XS}appinfo/{{urn:secugate:form}}"
_DOCUMENTATION = f"{XS}annotation/{XS}documentation"
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_HINTS = (_XSI + "schemaLocation", _XSI + "noNamespaceSchemaLocation")


@dataclass(frozen=True, slots=True)
class FormField:
    """One field of a record, as the schema declares it.

    Attributes:
        name: of its element.
        number: its place in the operator's `.dta` record, from 1; our own where that is not public.
        type_name: the simple type that gives its spelling.
        required: whether the form asks for it.
        rejection: the code due when its text breaks its spelling; empty in a form that goes out.
        missing: the code due when it is required and absent; empty in a form that goes out.
        documentation: meaning, unit, source and purpose.
    """

    name: str
    number: int
    type_name: str
    required: bool
    rejection: str
    missing: str
    documentation: str


def read_record(record: etree._Element) -> dict[str, str]:
    """The fields of a record that its form admits: whole text by name, '' when empty.

    The fields of a record that it refuses stand in `Malformed.fields`.
    """
    return {
        part.tag[_PREFIX:]: (text_of(part) if len(part) else part.text or "")
        for part in record.iterchildren("*")
    }


@dataclass(frozen=True, slots=True, eq=False)
class _Records:
    """The records of a form that comes in.

    Attributes:
        place: path of the records, such as `/DECSAL/Wage`.
        tag: of a record's element.
        format: the code due for what cannot be tied to a field.
        fields: by tag, in the order of the form, which is that of their numbers.
        frame: judges what is around the records.
        parts: judges one field alone.
    """

    place: str
    tag: str
    format: str
    fields: Mapping[str, FormField]
    frame: Judge
    parts: Judge

    def explain(self, number: int, record: etree._Element) -> Malformed:
        """What is wrong with a record that the form refuses, all at once.

        A schema stops at the first element out of place. So each field is judged alone, and
        presence, order and repetition are judged here.
        """
        faults = (*self._around(number, record), *self._within(number, record))
        return Malformed(number, record, self._known(record), faults or (self._unclear(number, record),))

    def outside(self, root: etree._Element) -> list[Fault]:
        """What is wrong around the records."""
        faults = _faults(self.frame, root)
        told = {fault.path for fault in faults}
        return faults + [fault for fault in self._stranger(root) if fault.path not in told]

    def _stranger(self, root: etree._Element) -> list[Fault]:
        """The first element of our namespace beside head and records, to which the frame is blind."""
        head = root.find(_OURS + "Header")
        for element in root.iterchildren(_OURS + "*"):
            if element.tag != self.tag and element is not head:
                name, path = local_name(element)[:LONGEST_VALUE], path_of(element, root)
                message = f"{name} has no place in {local_name(root)}"
                return [Fault(None, name, path, line_of(element), seen(element), FILE_FORM, message)]
        return []

    def _known(self, record: etree._Element) -> dict[str, str]:
        first = {str(part.tag): part for part in record.iterchildren("*", reversed=True)}
        return {field.name: text_of(first[tag]) for tag, field in self.fields.items() if tag in first}

    def _around(self, number: int, record: etree._Element) -> Iterator[Fault]:
        path, line = f"{self.place}[{number}]", line_of(record)
        for name, value in record.attrib.items():
            if name not in _HINTS:
                at = f"{path}/@{str(name).rpartition('}')[2]}"[:LONGEST_PATH]
                text = str(value)[:LONGEST_VALUE]
                yield Fault(number, None, at, line, text, self.format, "the record has an attribute")
        text_between = stray_text(record)
        if text_between is not None:
            yield Fault(number, None, path, line, text_between, self.format, "text stands between fields")

    def _within(self, number: int, record: etree._Element) -> Iterator[Fault]:
        place = f"{self.place}[{number}]"
        times: Counter[str] = Counter()
        furthest = 0
        for part in record.iterchildren("*"):
            tag = str(part.tag)
            times[tag] += 1
            field = self.fields.get(tag)
            verdict = self._verdict(part, field, times[tag], furthest)
            if verdict is not None:
                repeated = f"[{times[tag]}]" if times[tag] > 1 else ""
                path = f"{place}/{local_name(part)}{repeated}"[:LONGEST_PATH]
                name = None if field is None else field.name
                yield Fault(number, name, path, line_of(part), seen(part), *verdict)
            if field is not None:
                furthest = max(furthest, field.number)
        for tag, field in self.fields.items():
            if field.required and tag not in times:
                path, message = f"{place}/{field.name}", f"{field.name} is absent"
                yield Fault(number, field.name, path, line_of(record), None, field.missing, message)

    def _verdict(
        self, part: etree._Element, field: FormField | None, times: int, furthest: int
    ) -> tuple[str, str] | None:
        """The code and the sentence due for a child of a record, if any."""
        if field is None:
            return self.format, f"{local_name(part)[:LONGEST_VALUE]} is no field of this record"
        if times > 1:
            return self.format, f"{field.name} stands here again"
        if not self.parts.admits(part):
            return field.rejection, f"{field.name} is not spelt as {field.type_name} asks"
        if field.number < furthest:
            return self.format, f"{field.name} stands behind a field that it comes before"
        return None

    def _unclear(self, number: int, record: etree._Element) -> Fault:
        path, line = f"{self.place}[{number}]", line_of(record)
        return Fault(number, None, path, line, None, self.format, "the record has not its form")


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """One version of one form.

    Attributes:
        code: such as `DECSAL`.
        version: such as `1.0`.
        direction: `in` from a member, `out` to a member.
        root: name of the root element.
        record: name of the element of one record, in a form that comes in and in notices that go out.
        fields: of such a record, in the order of the form.
        leaves: how many places for a value there are beside head, version and signature.
    """

    code: str
    version: str
    direction: str
    root: str
    record: str | None
    fields: tuple[FormField, ...]
    leaves: int
    _judge: Judge
    _records: _Records | None

    @classmethod
    def open(cls, code: str, version: str, direction: str, record: str | None) -> Form:
        """Build a form from its schema in the bundle.

        Raises:
            FileNotFoundError, ValueError, lxml.etree.XMLSchemaParseError: when the bundle is broken.
        """
        declared = schema.load(f"{code.lower()}/{version}.xsd")
        records: _Records | None = None
        fields: tuple[FormField, ...] = ()
        if record is not None and direction == "in":
            records = _records(declared, code, record)
            fields = tuple(records.fields.values())
        elif record is not None:
            fields = _fields(declared, record, None)
        leaves = schema.leaves(declared, code)
        return cls(code, version, direction, code, record, fields, leaves, Judge(declared), records)

    def validate(self, root: etree._Element) -> None:
        """Make sure that a document has the form.

        For what we write, and for answers that were received. A batch goes through `check`, whose
        cost does not depend on how bad it is.

        Raises:
            FormFaults: with all faults that the schema reports; the code of each is `FILE-FORM`.
        """
        faults = self._misnamed(root) or _faults(self._judge, root)
        if faults:
            raise FormFaults(f"{self.code} {self.version}", faults)

    def check(self, root: etree._Element) -> Checked:
        """Judge a batch record by record, and what is around the records.

        The tree stays as it is, and the cost grows in step with its size: the log of a schema
        over a whole batch would cost its number of faults times their places. That elements have
        no more attributes and namespaces than is reasonable is checked before.

        Raises:
            ValueError: for a form that holds no records, which is a mistake of ours.
        """
        records = self._records
        if records is None:
            raise ValueError(f"{self.code} holds no records of a member")
        misnamed = self._misnamed(root)
        if misnamed:
            return Checked(faults=misnamed)
        checked = Checked(faults=records.outside(root))
        for number, record in enumerate(root.iterchildren(records.tag), start=1):
            if self._judge.admits(record):
                checked.good.append((number, record))
            else:
                checked.malformed.append(records.explain(number, record))
        return checked

    def _misnamed(self, root: etree._Element) -> list[Fault]:
        """The fault of a root that is another element; a schema also admits its record as a root."""
        if root.tag == _OURS + self.root:
            return []
        path = f"/{local_name(root)}"[:LONGEST_PATH]
        message = f"the root is not {self.root} of {NAMESPACE}"
        return [Fault(None, None, path, line_of(root), None, FILE_FORM, message)]


def _faults(judge: Judge, root: etree._Element) -> list[Fault]:
    if judge.admits(root):
        return []
    # One sentence for each place: a broken pattern may also be told as a broken type.
    first: dict[str | None, Complaint] = {}
    for complaint in judge.complaints(root):
        first.setdefault(complaint.path, complaint)
    return [_told(root, complaint) for complaint in first.values()]


def _told(root: etree._Element, complaint: Complaint) -> Fault:
    element = locate(root, complaint.path)
    return Fault(
        record=None,
        field=None if element is root else local_name(element)[:LONGEST_VALUE],
        path=path_of(element, root),
        line=line_of(element),
        value=seen(element),
        rejection=FILE_FORM,
        message=complaint.message.replace(_OURS, ""),
    )


def _records(declared: etree._Element, code: str, record: str) -> _Records:
    format_code = _note(schema.root(declared, code), "form")["format"]
    return _Records(
        place=f"/{code}/{record}",
        tag=_OURS + record,
        format=format_code,
        fields={_OURS + field.name: field for field in _fields(declared, record, format_code)},
        frame=Judge(schema.frame(declared, record)),
        parts=Judge(schema.parts(declared, record)),
    )


def _fields(declared: etree._Element, record: str, format_code: str | None) -> tuple[FormField, ...]:
    return tuple(_field(element, format_code) for element in schema.fields(declared, record))


def _field(element: etree._Element, format_code: str | None) -> FormField:
    """A field as it is declared; without a code for its format nobody judges it, as in what goes out."""
    note = _note(element, "field")
    return FormField(
        name=element.get("name", ""),
        number=int(note["number"]),
        type_name=element.get("type", ""),
        required=element.get("minOccurs") != "0",
        rejection="" if format_code is None else note["rejection"],
        missing="" if format_code is None else note.get("missing", format_code),
        documentation=" ".join(element.findtext(_DOCUMENTATION, "").split()),
    )


def _note(element: etree._Element, name: str) -> dict[str, str]:
    note = element.find(_NOTE + name)
    if note is None:
        raise ValueError(f"{element.get('name')} has no <{name}> note in its schema")
    return {str(key): str(value) for key, value in note.attrib.items()}
