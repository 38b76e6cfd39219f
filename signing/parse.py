"""The one parser for XML from outside.

Order of checks, cheapest first; nothing is built before the bytes have passed the first four:

1. the bytes are UTF-8, and the XML declaration, if any, says nothing else;
2. no markup but elements: no document type (hence no entities), no processing instruction, no comment,
   no CDATA section;
3. no more elements and namespace prefixes than allowed;
4. no tag and no piece of text longer than allowed, no name longer than allowed;
5. the tree is built by libxml2 with its own limits left on: nothing is resolved, no file or address opened;
6. no element deeper, and none with more attributes, than allowed.

Comments and CDATA sections are well-formed XML and still refused: canonical XML drops the former and
dissolves the latter, so a person reading the file and the program verifying it would not see the same.
Every step is linear in the number of bytes; the caller bounds that number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, cast

from lxml import etree

_DECLARATION = re.compile(
    rb"""(?:\xef\xbb\xbf)?  # a byte order mark, of UTF-8 only
    (?:<\?xml [ \t\r\n]+ version [ \t\r\n]*=[ \t\r\n]* (?:"1\.0"|'1\.0')
    (?:[ \t\r\n]+ encoding [ \t\r\n]*=[ \t\r\n]* (?:"utf-8"|'utf-8'))?
    (?:[ \t\r\n]+ standalone [ \t\r\n]*=[ \t\r\n]* (?:"yes"|'yes'|"no"|'no'))?
    [ \t\r\n]*\?>)?""",
    re.VERBOSE | re.IGNORECASE,
)
_HIGHEST_LINE = 0xFFFF - 1
_PREFIX = re.compile(rb"xmlns:?[^=\s]*")
_PLACE = re.compile(r"\s*, line [0-9]+, column [0-9]+$")


LONGEST_REASON = 200
"""Characters of a reason: it may quote names from the document, which goes back in an answer."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much structure a document may have. The number of bytes is the caller's to bound, before parsing.

    Attributes:
        depth: elements inside each other, the root counted.
        attributes: attributes of one element.
        name: length of an element's or attribute's name, prefix counted.
        text: bytes between one `<` and the next, hence of any tag, value or text.
        elements: elements in all.
        prefixes: different namespace prefixes declared in all.
    """

    depth: int = 32
    attributes: int = 60
    name: int = 128
    text: int = 100_000
    elements: int = 5_000_000
    prefixes: int = 32


class Unreadable(Exception):
    """Bytes from outside that are not taken for XML.

    Attributes:
        kind: stable word for the sort of refusal.
        reason: what is wrong, in English, at most 200 characters.
        line: line of the file, counted from 1; None where it is unknown.
    """

    kind: ClassVar[str]

    def __init__(self, reason: str, line: int | None = None) -> None:
        self.reason = reason[:LONGEST_REASON]
        super().__init__(self.reason if line is None else f"line {line}: {self.reason}")
        self.line = line


class NotXml(Unreadable):
    """Not well-formed XML 1.0 in UTF-8."""

    kind = "not-xml"


class ForbiddenMarkup(Unreadable):
    """A document type, an entity, a processing instruction, a comment or a CDATA section."""

    kind = "dtd"


class OverLimit(Unreadable):
    """Deeper, wider, longer or more than the limits allow."""

    kind = "limits"


def parse(raw: bytes, limits: Limits = Limits()) -> etree._Element:
    """Build the tree of a document from outside.

    Elements know their line in the file: see `line_of`.

    Args:
        raw: the bytes as received, already bounded in number; the tree takes up to fifty times their room.
        limits: how much structure is allowed.

    Raises:
        NotXml, ForbiddenMarkup, OverLimit: the sender's fault, each an `Unreadable`.
    """
    _check_encoding(raw)
    _check_markup(raw)
    _check_counts(raw, limits)
    _check_lengths(raw, limits)
    root = _build(raw)
    _check_shape(root, limits)
    return root


def trusted_parser() -> etree.XMLParser:
    """A parser that resolves nothing and opens nothing, with libxml2's own limits on.

    A new one for each document, because a parser shared by threads makes them wait for each other.
    """
    return etree.XMLParser(
        encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )


def line_of(element: etree._Element) -> int | None:
    """The line of the file on which an element's start tag ends, from 1.

    libxml2 has 16 bits for it. Beyond, it answers the line where the text after the start tag ends (or,
    in an empty element, the text behind it), from which we count back.
    """
    line = cast("int | None", element.sourceline)
    if line is None or line <= _HIGHEST_LINE:
        return line
    text = element.text or ("" if len(element) else element.tail)
    return line - (text or "").count("\n")


def _line(raw: bytes, position: int) -> int:
    return raw.count(b"\n", 0, position) + 1


def _check_encoding(raw: bytes) -> None:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotXml("the file is not UTF-8", _line(raw, error.start)) from None
    nul = raw.find(b"\0")
    if nul >= 0:
        raise NotXml("a NUL byte stands in the file; it may be UTF-16 or UTF-32", _line(raw, nul))


def _check_markup(raw: bytes) -> None:
    declaration = _DECLARATION.match(raw)
    start = declaration.end() if declaration else 0
    if raw.startswith((b"<?xml ", b"<?xml\t", b"<?xml\r", b"<?xml\n"), start):
        raise NotXml("the XML declaration must say version 1.0 and, if anything, encoding UTF-8", 1)
    instruction = raw.find(b"<?", start)
    if instruction >= 0:
        raise ForbiddenMarkup("processing instructions are not allowed", _line(raw, instruction))
    other = raw.find(b"<!", start)
    if other >= 0:
        raise ForbiddenMarkup(
            "document types, entities, comments and CDATA sections are not allowed", _line(raw, other)
        )


def _check_counts(raw: bytes, limits: Limits) -> None:
    if raw.count(b"<") - raw.count(b"</") > limits.elements:
        raise OverLimit(f"more than {limits.elements} elements")
    if len(set(_PREFIX.findall(raw))) > limits.prefixes:
        raise OverLimit(f"more than {limits.prefixes} namespace prefixes")


def _check_lengths(raw: bytes, limits: Limits) -> None:
    position = raw.find(b"<")
    while len(raw) - position > limits.text:
        following = raw.rfind(b"<", position + 1, position + limits.text + 1)
        if following < 0:
            raise OverLimit(f"a tag or text of more than {limits.text} bytes", _line(raw, position))
        position = following
    name = re.search(rb"<[^\s/>]{%d}" % (limits.name + 1), raw)
    if name:
        raise OverLimit(f"a name of more than {limits.name} characters", _line(raw, name.start()))


def _build(raw: bytes) -> etree._Element:
    try:
        return etree.fromstring(raw, trusted_parser())
    except etree.XMLSyntaxError as error:
        reason = _PLACE.sub("", str(error.msg))
        code = error.code  # type: ignore[attr-defined]
        if code == etree.ErrorTypes.ERR_UNDECLARED_ENTITY:
            raise ForbiddenMarkup("entities are not allowed", error.lineno) from None
        if code == etree.ErrorTypes.ERR_RESOURCE_LIMIT:
            raise OverLimit(reason, error.lineno) from None
        if code == etree.ErrorTypes.ERR_NO_MEMORY:
            raise MemoryError from None
        raise NotXml(reason, error.lineno) from None


def _check_shape(root: etree._Element, limits: Limits) -> None:
    for deep in _found(root, "/*" * (limits.depth + 1)):
        raise OverLimit(f"elements more than {limits.depth} deep", line_of(deep))
    for wide in _found(root, f"//*/@*[position() > {limits.attributes}]/.."):
        raise OverLimit(f"more than {limits.attributes} attributes", line_of(wide))
    for named in _found(root, f"//*/@*[string-length(name()) > {limits.name}]/.."):
        raise OverLimit(f"an attribute name of more than {limits.name} characters", line_of(named))


def _found(root: etree._Element, path: str) -> list[etree._Element]:
    """The first element on a path, or none."""
    return cast("list[etree._Element]", root.xpath(f"({path})[1]"))
