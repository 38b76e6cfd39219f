"""From what was signed to a batch: checks 6 and 7 of the counter, for documents and for containers.

A document is the batch. A container holds one batch, as an XML document or as the operator's `.dta` file,
and what goes with it. A `.dta` file becomes the same batch that its XML would be, record for record; one
whose layout is broken is refused like any other that breaks its form, and its file goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import date

from lxml import etree

from gateway import dta, envelope, synthetic, wire
from gateway.agreement import Agreement
from gateway.attachments import KINDS, Look, Misnamed, attachment
from gateway.batch import Anomaly, Attachment, Batch, Header, Record
from gateway.moments import Received
from gateway.outcome import Rejected
from gateway.procedures import PARTS, PAYROLL, PROCEDURES, Procedure, procedure
from signing import parse
from signing.profile import DS
from xsd import Form, NotInForce, UnknownForm, catalogue, line_of

RECIPIENT = "CCSS"
LONGEST_VALUE = 200
MOST_VALUES = parse.Limits().elements
"""Values in a `.dta` file: as many as a document may have elements."""
MOST_RECORDS = 250_000
"""Records of one procedure in a file, and lines of a `.dta` file: many times a large fiduciary's month.
However short they are, each is judged by itself."""

_DTA = ".dta"
_XML = ".xml"


@dataclass(frozen=True, slots=True)
class Expected:
    """What a deposit said of itself before it was opened, and what we are.

    Attributes:
        sender: the member who deposited, 19 digits; None when nobody has yet.
        procedure: the type in the file's name; None when the name does not keep to the pattern.
        received: decides which forms are in force.
        environment: ours, `production` or `test`; None when it does not matter.
        agreement: of the sender with the operator; None without one.
    """

    sender: str | None
    procedure: str | None
    received: Received
    environment: str | None
    agreement: Agreement | None


def read_document(content: etree._Element, expected: Expected) -> Batch:
    """The batch in a document.

    Args:
        content: what was signed.
        expected: what it has to agree with.

    Raises:
        Rejected: with the faults of the file as a whole.
    """
    code = etree.QName(content).localname
    form = _form(code, content.get("version", ""), expected)
    batch = _read_payroll(content, form, expected) if code == PAYROLL else _read(content, form, expected)
    return _of_nobody(batch, expected)


def read_files(files: Mapping[str, bytes], expected: Expected, look: Look) -> Batch:
    """The batch in a container, with its attachments.

    Args:
        files: what was signed, by name.
        expected: what it has to agree with.
        look: judges attachments.

    Raises:
        Rejected: with the faults of the file as a whole.
    """
    name, others = _batch_file(files)
    if _ends(name, _DTA):
        batch = _read_dta(name, files[name], expected)
    else:
        content = parsed(files[name])
        if expected.sender is not None and _is_signed(content):
            # Nobody has looked at that one: whoever finds it must not take it for checked.
            raise Rejected(Anomaly("SIG-PLACE", path=f"/{etree.QName(content).localname}/Signature"))
        batch = read_document(content, expected)
    attachments = _attachments(others, batch.header, look)
    parts = tuple(replace(part, attachments=_of(part, attachments)) for part in batch.parts)
    return _of_nobody(replace(batch, attachments=attachments, parts=parts), expected)


def _is_signed(content: etree._Element) -> bool:
    """Whether a document has a signature of its own, which in a container it must not."""
    return len(content) > 0 and etree.QName(content[-1]).namespace == DS


def _batch_file(files: Mapping[str, bytes]) -> tuple[str, Mapping[str, bytes]]:
    """The one file that holds the batch, and the others."""
    batches = [name for name in files if _ends(name, _DTA) or _ends(name, _XML)]
    if len(batches) != 1:
        found = ", ".join(batches) or "none"
        reason = f"a container holds one batch, a .dta or .xml file; found: {found}"
        raise Rejected(Anomaly("FILE-CONTAINER", value=reason[:LONGEST_VALUE]))
    return batches[0], {name: content for name, content in files.items() if name != batches[0]}


def _ends(name: str, extension: str) -> bool:
    return name.lower().endswith(extension)


def _attachments(files: Mapping[str, bytes], header: Header, look: Look) -> tuple[Attachment, ...]:
    found: list[Attachment] = []
    faults: list[Anomaly] = []
    for name, content in files.items():
        try:
            found.append(attachment(header.procedure, header.sender, name, content, look))
        except Misnamed as error:
            faults.append(Anomaly("FILE-ATTACHMENT", value=str(error)[:LONGEST_VALUE]))
    if faults:
        raise Rejected(*faults)
    return tuple(found)


def parsed(raw: bytes) -> etree._Element:
    """The tree of a document from outside.

    Raises:
        Rejected: when it is not taken for XML.
    """
    try:
        return parse.parse(raw)
    except parse.Unreadable as fault:
        raise Rejected(Anomaly(_UNREADABLE[type(fault)], line=fault.line, value=fault.reason)) from None


_UNREADABLE: dict[type[parse.Unreadable], str] = {
    parse.NotXml: "FILE-NOT-XML",
    parse.ForbiddenMarkup: "FILE-DTD",
    parse.OverLimit: "FILE-LIMITS",
}


def _of(part: Batch, attachments: Iterable[Attachment]) -> tuple[Attachment, ...]:
    """The attachments that go with a part."""
    codes = {kind.code for kind in KINDS if kind.procedure == part.header.procedure}
    return tuple(each for each in attachments if each.kind in codes)


def _read_payroll(content: etree._Element, form: Form, expected: Expected) -> Batch:
    """All parts of a PAYROLL, each as the document of its procedure would be read.

    Raises:
        Rejected: with the faults of the file as a whole.
    """
    heads = wire.children(content, "Header")
    strangers = [child for child in content if child.tag not in _PLACES]
    if len(heads) != 1 or content[0] is not heads[0] or strangers:
        wrong = [*strangers, *heads[1:]] or [content]
        raise Rejected(*(_misplaced(element) for element in wrong))
    held = [one for code in PARTS if wire.children(content, (one := procedure(code)).record)]
    parts: list[Batch] = []
    faults: dict[Anomaly, None] = {}  # a fault of the head is one of every part
    for one in held:
        try:
            parts.append(_read(*_part(content, heads[0], one, expected), expected))
        except Rejected as refusal:
            faults.update(dict.fromkeys(map(in_payroll, refusal.anomalies)))
    if faults or not parts:
        raise Rejected(*(faults or [Anomaly("FILE-EMPTY")]))
    header = replace(parts[0].header, procedure=PAYROLL, version=form.version)
    return Batch(header, (), parts=tuple(parts))


_PLACES = frozenset(
    f"{{{wire.NAMESPACE}}}{name}" for name in ("Header", *(procedure(code).record for code in PARTS))
)


def _misplaced(element: etree._Element) -> Anomaly:
    name = etree.QName(element).localname[:LONGEST_VALUE]
    return Anomaly("FILE-FORM", field=name, path=f"/{PAYROLL}/{name}", line=line_of(element))


def _part(
    content: etree._Element, head: etree._Element, one: Procedure, expected: Expected
) -> tuple[etree._Element, Form]:
    """The document of one procedure, with the records taken out of a PAYROLL, and its form."""
    form = _in_force(one.code, _version(one.code, expected.received.day), expected)
    root = wire.begin(one.code, form.version)
    root.append(deepcopy(head))
    root.extend(wire.children(content, one.record))
    return root, form


def in_payroll(anomaly: Anomaly) -> Anomaly:
    """An anomaly of a part, with its place in the PAYROLL."""
    if anomaly.path is None:
        return anomaly
    _, _, *rest = anomaly.path.split("/")
    return replace(anomaly, path="/".join(("", PAYROLL, *rest)))


def _read_dta(name: str, content: bytes, expected: Expected) -> Batch:
    code = name[: -len(_DTA)].upper()
    form = _form(code, _version(code, expected.received.day), expected)
    for most, sign, what in ((MOST_VALUES, b";", "values"), (MOST_RECORDS, b"\n", "lines")):
        if content.count(sign) > most:
            raise Rejected(Anomaly("FILE-LIMITS", value=f"more than {most} {what}"))
    try:
        judged = dta.read_judged(content, form)
    except dta.UnreadableError as error:
        raise Rejected(Anomaly("FILE-DTA", line=error.line, value=str(error)[:LONGEST_VALUE])) from None
    root = _document(judged, form, expected)
    return _in_lines(_read(root, form, expected), judged.records)


def _of_nobody(batch: Batch, expected: Expected) -> Batch:
    """The batch, unless it could tell of real people in an environment that is for tests."""
    if expected.environment == synthetic.ENVIRONMENT:
        real = synthetic.real_looking(batch)
        if real:
            raise Rejected(*real)
    return batch


def _version(code: str, day: date) -> str:
    """The newest version of a form on a day: a `.dta` file does not name one."""
    entry = catalogue().entries.get(code)
    versions = [] if entry is None else [v.number for v in entry.versions.values() if v.covers(day)]
    return max(versions, default="")


def _document(judged: dta.JudgedFile, form: Form, expected: Expected) -> etree._Element:
    """The document that a `.dta` file stands for; a record that is not readable is an empty one."""
    header = Header(
        procedure=form.code,
        version=form.version,
        sender=judged.member,
        recipient=RECIPIENT,
        environment=expected.environment or synthetic.ENVIRONMENT,
        created=expected.received.at,
    )
    records = ({} if isinstance(each, dta.UnreadableError) else each for each in judged.records)
    return wire.write_batch(header, procedure(form.code).record, records)


def _in_lines(batch: Batch, records: Sequence[Mapping[str, str] | dta.UnreadableError]) -> Batch:
    """The batch with the lines of the `.dta` file, and with what is wrong there in its own words."""
    broken = {number: each for number, each in enumerate(records, 1) if isinstance(each, dta.UnreadableError)}
    formal = [
        replace(anomaly, line=anomaly.record + 1)
        for anomaly in batch.anomalies
        if anomaly.record is not None and anomaly.record not in broken
    ]
    code = f"{procedure(batch.header.procedure).returns_code}-99"
    layout = [
        Anomaly(code, number, line=error.line, value=str(error)[:LONGEST_VALUE])
        for number, error in broken.items()
    ]
    return replace(
        batch,
        records=[_on_its_line(record) for record in batch.records],
        malformed=[_on_its_line(record) for record in batch.malformed],
        anomalies=[*formal, *layout],
    )


def _on_its_line(record: Record) -> Record:
    return Record(record.number, record.number + 1, record.fields)


def _form(code: str, version: str, expected: Expected) -> Form:
    known = code == PAYROLL or code in {each.code for each in PROCEDURES}
    if not known or expected.procedure not in (None, code):
        raise Rejected(Anomaly("FILE-PROCEDURE", path=f"/{code}", value=code[:LONGEST_VALUE]))
    return _in_force(code, version, expected)


def _in_force(code: str, version: str, expected: Expected) -> Form:
    agreed = expected.agreement
    if code != PAYROLL and (
        agreed is None or not agreed.allows(code, expected.environment or synthetic.ENVIRONMENT)
    ):
        raise Rejected(Anomaly("FILE-AGREEMENT", value=code))
    try:
        return catalogue().form(code, version, expected.received.day)
    except (UnknownForm, NotInForce):
        raise Rejected(
            Anomaly("FILE-VERSION", field="version", path=f"/{code}/@version", value=version[:LONGEST_VALUE])
        ) from None


def _read(content: etree._Element, form: Form, expected: Expected) -> Batch:
    if len(content) > MOST_RECORDS:
        raise Rejected(Anomaly("FILE-LIMITS", value=f"more than {MOST_RECORDS} records"))
    checked = form.check(content)
    if checked.faults:
        raise Rejected(*(envelope.anomaly(fault) for fault in checked.faults))
    header = envelope.read_header(content)
    misdirected = _misdirected(header, expected)
    if misdirected:
        raise Rejected(*misdirected)
    batch = envelope.read(header, checked)
    if batch.size == 0:
        raise Rejected(Anomaly("FILE-EMPTY"))
    return batch


def _misdirected(header: Header, expected: Expected) -> list[Anomaly]:
    due = (
        ("FILE-SENDER", "Sender", str(header.sender), expected.sender),
        ("FILE-RECIPIENT", "Recipient", header.recipient, RECIPIENT),
        ("FILE-ENVIRONMENT", "Environment", header.environment, expected.environment),
    )
    return [
        Anomaly(code, field=field, path=f"/{header.procedure}/Header/{field}", value=seen)
        for code, field, seen, wanted in due
        if wanted not in (None, seen)
    ]
