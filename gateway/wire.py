"""What all our XML documents share: one namespace, their heads, and text that always fits.

Each document keeps its `write` and its `read` together; the server uses one half, the sender's
client the other. Elements are written unsigned; signing puts its seal on as the last child.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice

from lxml import etree

from gateway.batch import Header, MemberId
from gateway.moments import Received

NAMESPACE = "urn:secugate:1"
OPERATOR = "CCSS"
VERSION = "1.0"
"""The version of the forms of all our answers."""

_OURS = f"{{{NAMESPACE}}}"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ORDINARY = re.compile("[\x20-%'-;=?-\ud7ff\ue000-\ufffd]*")
"""What stands in XML as it is: no control character, and none that has a meaning."""
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
_GRAFTED_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class DepositReference:
    """The deposit that a document answers.

    Attributes:
        id: the UUID given at receipt, as text.
        name: the file's name as it was deposited.
        size: in bytes.
        digest: SHA-256 of the bytes, lower-case hexadecimal.
        received: when it came in, to the microsecond.
    """

    id: str
    name: str
    size: int
    digest: str
    received: Received


@dataclass(frozen=True, slots=True)
class AnswerHeader:
    """The head of everything that goes back: to whom, when, and about which deposit if one.

    `created` is kept in UTC and cut to the second, as it is written.
    """

    recipient: MemberId
    environment: str
    created: datetime
    deposit: DepositReference | None = None

    def __post_init__(self) -> None:
        if self.created.tzinfo is None:
            raise ValueError("a moment of creation needs a time zone")
        object.__setattr__(self, "created", self.created.astimezone(UTC).replace(microsecond=0))


@dataclass(frozen=True, slots=True)
class InsuredHeader:
    """The head of what is written to an insured, who is no member: `created` as in `AnswerHeader`."""

    insured: str
    environment: str
    created: datetime

    def __post_init__(self) -> None:
        if self.created.tzinfo is None:
            raise ValueError("a moment of creation needs a time zone")
        object.__setattr__(self, "created", self.created.astimezone(UTC).replace(microsecond=0))


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """Where the journal records an event: its size with the entry, and the root of its tree (RFC 9162)."""

    sequence: int
    hash: str


def safe(text: str) -> str:
    """A text that XML can carry: control characters and lone surrogates become U+FFFD, visibly.

    Names and values seen in bad files are told back to their sender; whatever they hold, the
    answer is written.
    """
    return text if text.isprintable() else _NOT_XML.sub("\ufffd", text)


def begin(code: str, version: str = VERSION) -> etree._Element:
    """An empty document: its root is named after its form."""
    default: dict[str, str] = {None: NAMESPACE}  # type: ignore[dict-item]  # lxml-stubs forget it
    return etree.Element(_OURS + code, {"version": version}, default)


def add(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    """A new last child, with a text made safe."""
    child = etree.SubElement(parent, _OURS + name)
    if text is not None:
        child.text = safe(text)
    return child


def fill(parent: etree._Element, values: Iterable[tuple[str, str | int | None]]) -> None:
    """One child for each value that is there, in order."""
    for name, value in values:
        if value is not None:
            etree.SubElement(parent, _OURS + name).text = safe(str(value))


def quoted(text: str) -> str:
    """A text, made safe, as it stands between tags in canonical XML."""
    if _ORDINARY.fullmatch(text):
        return text
    text = safe(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("\r", "&#xD;")


def quoted_attribute(text: str) -> str:
    """A text, made safe, as it stands in an attribute in canonical XML."""
    text = safe(text).replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return text.replace("\t", "&#x9;").replace("\n", "&#xA;").replace("\r", "&#xD;")


def written(values: Iterable[tuple[str, str | int | None]]) -> str:
    """One element for each value that is there, in order, as text in canonical form."""
    return "".join([f"<{name}>{quoted(str(value))}</{name}>" for name, value in values if value is not None])


def canonical(code: str, header: AnswerHeader, parts: Iterable[str]) -> bytes:
    """An answer in exclusive canonical XML, unsigned, from parts that were written as text.

    So it can be sealed as it is: a month has a hundred million elements, and to build them, one by one, only
    to write them again is many times as much work.
    """
    return "".join([_opened(code, header), *parts, f"</{code}>"]).encode()


@lru_cache(maxsize=256)
def _opened(code: str, header: AnswerHeader) -> str:
    """An answer up to the end of its head: many at once are for the same member."""
    written = etree.tostring(write_answer(code, header), method="c14n", exclusive=True)
    return written.decode().removesuffix(f"</{code}>")


def tree(document: bytes) -> etree._Element:
    """What was written as text."""
    return etree.fromstring(document, _PARSER)


def graft(parent: etree._Element, elements: Iterable[str]) -> None:
    """Elements that were written as text, in our namespace, as new last children.

    A month has a hundred million of them, and one by one they take four times as long.
    """
    waiting = iter(elements)
    while some := list(islice(waiting, _GRAFTED_AT_ONCE)):
        text = f'<written xmlns="{NAMESPACE}">{"".join(some)}</written>'
        parent.extend(etree.fromstring(text, _PARSER))


def children(parent: etree._Element, name: str) -> list[etree._Element]:
    """All children of a name, in order."""
    return list(parent.iterchildren(_OURS + name))


def first(parent: etree._Element, name: str) -> etree._Element | None:
    """The first child of a name; None without one."""
    return next(parent.iterchildren(_OURS + name), None)


def child(parent: etree._Element, name: str) -> etree._Element:
    """The first child of a name.

    Raises:
        ValueError: when there is none.
    """
    found = first(parent, name)
    if found is None:
        raise ValueError(f"{_local(parent)} has no {name}")
    return found


def value(element: etree._Element) -> str:
    """The whole text of an element. Comments do not count, and do not cut: what was signed is the
    text on both sides of them.

    Raises:
        ValueError: when elements stand inside it.
    """
    if not len(element):
        return element.text or ""
    if next(element.iterchildren("*"), None) is not None:
        raise ValueError(f"{_local(element)} holds more than text")
    return "".join(str(part) for part in element.itertext())


def text(parent: etree._Element, name: str) -> str:
    """The text of a child.

    Raises:
        ValueError: when there is no such child, or it holds more than text.
    """
    return value(child(parent, name))


def optional(parent: etree._Element, name: str) -> str | None:
    """The text of a child, or None without one.

    Raises:
        ValueError: when it holds more than text.
    """
    found = first(parent, name)
    return None if found is None else value(found)


def fields(parts: Iterable[etree._Element]) -> dict[str, str]:
    """The texts of sibling elements by name, in order.

    Raises:
        ValueError: when one is not ours, comes twice or holds more than text.
    """
    found: dict[str, str] = {}
    for part in parts:
        name = _local(part)
        if name in found:
            raise ValueError(f"{name} comes twice")
        found[name] = value(part)
    return found


def agree(parent: etree._Element, computed: Iterable[tuple[str, str]]) -> None:
    """Make sure that texts that can be computed from others are written so.

    Raises:
        ValueError: at the first that differs.
    """
    for name, due in computed:
        written = text(parent, name)
        if written != due:
            raise ValueError(f"{name} of {_local(parent)} is {written}, its parts give {due}")


def expect(root: etree._Element, code: str) -> None:
    """Make sure a document is of our one version of a form.

    Raises:
        ValueError: when its root has another name or version.
    """
    if root.tag != _OURS + code or root.get("version") != VERSION:
        raise ValueError(f"not a {code} of version {VERSION}: {root.tag} {root.get('version')}")


def _local(element: etree._Element) -> str:
    # Comments and processing instructions have no name, only a function in its place.
    if not isinstance(element.tag, str) or not element.tag.startswith(_OURS):
        raise ValueError(f"an element of another namespace: {element.tag}")
    return element.tag.removeprefix(_OURS)


def write_batch(header: Header, record_element: str, records: Iterable[Mapping[str, str]]) -> etree._Element:
    """A sender's batch, ready for its signature. The header's procedure and version name the form.

    Args:
        header: who sends what; `created` is written in UTC, cut to the second.
        record_element: the element of one record, such as `Wage`.
        records: text by element name, in the order of the form.
    """
    root = begin(header.procedure, header.version)
    head = add(root, "Header")
    _write_member(add(head, "Sender"), header.sender)
    fill(
        head,
        (
            ("Recipient", header.recipient),
            ("Environment", header.environment),
            ("Created", _second(header.created)),
            ("Software", header.software),
            ("Reference", header.reference),
        ),
    )
    for record in records:
        fill(add(root, record_element), record.items())
    return root


def read_header(root: etree._Element) -> Header:
    """The head of a sender's batch.

    Raises:
        ValueError: when its form would refuse it.
    """
    head = child(root, "Header")
    version = root.get("version")
    if version is None:
        raise ValueError(f"{_local(root)} has no version")
    return Header(
        procedure=_local(root),
        version=version,
        sender=_read_member(child(head, "Sender")),
        recipient=text(head, "Recipient"),
        environment=text(head, "Environment"),
        created=_read_second(text(head, "Created")),
        software=optional(head, "Software"),
        reference=optional(head, "Reference"),
    )


def write_answer(code: str, header: AnswerHeader) -> etree._Element:
    """The start of an answer: its root and its head."""
    root = begin(code)
    head = add(root, "Header")
    add(head, "Sender", OPERATOR)
    _write_member(add(head, "Recipient"), header.recipient)
    add(head, "Environment", header.environment)
    add(head, "Created", _second(header.created))
    if header.deposit is not None:
        _write_deposit(add(head, "Deposit"), header.deposit)
    return root


def read_answer_header(root: etree._Element) -> AnswerHeader:
    """The head of an answer.

    Raises:
        ValueError: when it is not one.
    """
    head = child(root, "Header")
    if text(head, "Sender") != OPERATOR:
        raise ValueError(f"an answer comes from {OPERATOR}")
    deposit = first(head, "Deposit")
    return AnswerHeader(
        recipient=_read_member(child(head, "Recipient")),
        environment=text(head, "Environment"),
        created=_read_second(text(head, "Created")),
        deposit=None if deposit is None else _read_deposit(deposit),
    )


def write_to_insured(code: str, header: InsuredHeader) -> etree._Element:
    """The start of a document for an insured: its root and its head."""
    root = begin(code)
    fill(
        add(root, "Header"),
        (
            ("Sender", OPERATOR),
            ("Insured", header.insured),
            ("Environment", header.environment),
            ("Created", _second(header.created)),
        ),
    )
    return root


def read_insured_header(root: etree._Element) -> InsuredHeader:
    """The head of a document for an insured.

    Raises:
        ValueError: when it is not one.
    """
    head = child(root, "Header")
    if text(head, "Sender") != OPERATOR:
        raise ValueError(f"such a document comes from {OPERATOR}")
    return InsuredHeader(
        insured=text(head, "Insured"),
        environment=text(head, "Environment"),
        created=_read_second(text(head, "Created")),
    )


def write_public_header(root: etree._Element, environment: str, created: datetime) -> None:
    """The head of a document for everybody, in its root."""
    fill(
        add(root, "Header"),
        (("Sender", OPERATOR), ("Environment", environment), ("Created", _second(created))),
    )


def read_public_header(root: etree._Element) -> tuple[str, datetime]:
    """Environment and moment of a document for everybody.

    Raises:
        ValueError: when it is not one.
    """
    head = child(root, "Header")
    if text(head, "Sender") != OPERATOR:
        raise ValueError(f"such a document comes from {OPERATOR}")
    return text(head, "Environment"), _read_second(text(head, "Created"))


def write_journal(root: etree._Element, entry: JournalEntry) -> None:
    """Where the journal records what the document tells."""
    fill(add(root, "Journal"), (("Sequence", entry.sequence), ("Hash", entry.hash)))


def read_journal(root: etree._Element) -> JournalEntry:
    """The journal entry a document names.

    Raises:
        ValueError: when it names none.
    """
    journal = child(root, "Journal")
    return JournalEntry(int(text(journal, "Sequence")), text(journal, "Hash"))


def _write_member(parent: etree._Element, member: MemberId) -> None:
    fill(parent, (("Matricule", member.matricule), ("Number", member.number)))


def _read_member(parent: etree._Element) -> MemberId:
    return MemberId(text(parent, "Matricule"), text(parent, "Number"))


def _write_deposit(parent: etree._Element, deposit: DepositReference) -> None:
    fill(
        parent,
        (
            ("Id", deposit.id),
            ("Name", deposit.name),
            ("Size", deposit.size),
            ("Digest", deposit.digest),
            ("Received", str(deposit.received)),
        ),
    )


def _read_deposit(parent: etree._Element) -> DepositReference:
    return DepositReference(
        id=text(parent, "Id"),
        name=text(parent, "Name"),
        size=int(text(parent, "Size")),
        digest=text(parent, "Digest"),
        received=Received.parse(text(parent, "Received")),
    )


def _second(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _read_second(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
