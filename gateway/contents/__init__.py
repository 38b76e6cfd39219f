"""From what was signed to a batch: checks 6 and 7 of the counter, for documents and for containers.

A document is the batch. A container holds one batch, as an XML document or as the operator's `.dta` file,
and what goes with it. A `.dta` file becomes the same batch that its XML would be, record for record; one
whose layout is broken is refused like any other that breaks its form, and its file goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from lxml import etree

from gateway import synthetic
from gateway.attachments import KINDS, Look, Misnamed, attachment
from gateway.batch import Anomaly, Attachment, Batch, Header
from gateway.contents.checks import LONGEST_VALUE, Expected, form_of, read_checked
from gateway.contents.dta_files import EXTENSION as DTA
from gateway.contents.dta_files import read_dta
from gateway.contents.payroll import read_payroll
from gateway.outcome import Rejected
from gateway.procedures import PAYROLL
from signing import parse
from signing.profile import DS

_XML = ".xml"


def read_document(content: etree._Element, expected: Expected) -> Batch:
    """The batch in a document.

    Args:
        content: what was signed.
        expected: what it has to agree with.

    Raises:
        Rejected: with the faults of the file as a whole.
    """
    code = etree.QName(content).localname
    form = form_of(code, content.get("version", ""), expected)
    read = read_payroll if code == PAYROLL else read_checked
    return _of_nobody(read(content, form, expected), expected)


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
    if _ends(name, DTA):
        batch = read_dta(name, files[name], expected)
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
    batches = [name for name in files if _ends(name, DTA) or _ends(name, _XML)]
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
    with unreadable_is_refused():
        return parse.parse(raw)


@contextmanager
def unreadable_is_refused() -> Iterator[None]:
    """Turn XML that is not taken into the refusal that is due."""
    try:
        yield
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


def _of_nobody(batch: Batch, expected: Expected) -> Batch:
    """The batch, unless it could tell of real people in an environment that is for tests."""
    if expected.environment == synthetic.ENVIRONMENT:
        real = synthetic.real_looking(batch)
        if real:
            raise Rejected(*real)
    return batch
