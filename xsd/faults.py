"""What a form has against a document, and where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from lxml import etree

LONGEST_VALUE = 200
LONGEST_PATH = 1000
XML_BLANKS = " \t\r\n"

# libxml2 keeps lines in 16 bits; above, it answers with the line on which a text nearby ends.
_LAST_SHORT_LINE = 65534


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a document.

    Attributes:
        record: place of the record in the batch, from 1; None outside of records.
        field: name of the field, or outside of records of the element; None when neither is at fault
            but what holds them.
        path: where it stands, such as `/DECSAL/Wage[3]/BaseWage`, cut to 1000 characters.
        line: line of the document on which the element starts, from 1; None where not known.
        value: the text seen, cut to 200 characters; None when there is none.
        rejection: key of the code due.
        message: what is wrong, in English.
    """

    record: int | None
    field: str | None
    path: str
    line: int | None
    value: str | None
    rejection: str
    message: str


class FormFaults(Exception):
    """A document has not the form. The sentence quotes no value, so that it may be logged."""

    def __init__(self, form: str, faults: Sequence[Fault]) -> None:
        places = ", ".join(fault.path for fault in faults[:3])
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        super().__init__(f"{count} against {form}, first at {places}")
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Malformed:
    """A record that the form refuses.

    Attributes:
        number: place of the record in the batch, from 1.
        element: the record.
        fields: whole text of each known field, by name, in the order of the form; of a field that
            stands there more than once, the first.
        faults: at least one.
    """

    number: int
    element: etree._Element
    fields: Mapping[str, str]
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Checked:
    """A batch, judged record by record.

    Attributes:
        good: records that the form admits, each with its place in the batch.
        malformed: records that it refuses.
        faults: what is wrong outside of records.
    """

    good: list[tuple[int, etree._Element]] = field(default_factory=list)
    malformed: list[Malformed] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def local_name(element: etree._Element) -> str:
    """The name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def text_of(element: etree._Element) -> str:
    """The whole text of an element, '' when empty.

    Comments do not count, and do not cut: what was signed is the text on both sides of them.
    """
    return "".join(map(str, element.itertext())) if len(element) else element.text or ""


def seen(element: etree._Element) -> str | None:
    """What to show of an element: its text, or what stands between its children; cut."""
    if next(element.iterchildren("*"), None) is None:
        return text_of(element)[:LONGEST_VALUE]
    return stray_text(element)


def stray_text(element: etree._Element) -> str | None:
    """The first text, not of blanks alone, directly inside an element that has children; cut."""
    for text in (element.text, *(child.tail for child in element)):
        if text and text.strip(XML_BLANKS):
            return text.strip(XML_BLANKS)[:LONGEST_VALUE]
    return None


def line_of(element: etree._Element) -> int | None:
    """The line of the document on which an element starts, from 1; None where it is not known."""
    line = cast("int | None", element.sourceline)
    if line is None or line <= _LAST_SHORT_LINE:
        return line
    # Exactly 65535 also stands for "above, and no text nearby".
    return None if line == _LAST_SHORT_LINE + 1 else line - _breaks_before_known_line(element)


def _breaks_before_known_line(element: etree._Element) -> int:
    """Line breaks between an element and the end of the text whose line libxml2 answers with.

    It takes the first text inside, or else the first after; and only if there is none, the one
    before, which ends where the element begins.
    """
    breaks = 0
    node: etree._Element | None = element
    while node is not None:
        if not isinstance(node.tag, str):
            breaks += (node.text or "").count("\n")
        elif node.text:
            return breaks + node.text.count("\n")
        elif len(node):
            node = node[0]
            continue
        if node.tail:
            return breaks + node.tail.count("\n")
        node = node.getnext()
    return 0


def path_of(element: etree._Element, root: etree._Element) -> str:
    """The path of an element from a root, with names, and places where a name stands repeatedly."""
    steps = []
    node = element
    while node is not root:
        steps.append(_step(node))
        parent = node.getparent()
        if parent is None:
            break
        node = parent
    return "/".join(["", local_name(root), *reversed(steps)])[:LONGEST_PATH]


def _step(element: etree._Element) -> str:
    before = sum(1 for _ in element.itersiblings(element.tag, preceding=True))
    alone = before == 0 and next(element.itersiblings(element.tag), None) is None
    return local_name(element) if alone else f"{local_name(element)}[{before + 1}]"


def locate(root: etree._Element, path: str | None) -> etree._Element:
    """The element that a path of libxml2 means, its root being `root`.

    A step is `*[n]` for elements in a default namespace, else the name as written; attributes and
    texts are taken for the element they belong to.
    """
    node = root
    for step in (path or "").split("/")[2:]:
        name, _, place = step.rstrip("]").partition("[")
        alike = [child for child in node.iterchildren("*") if name in ("*", _written(child))]
        if not alike:
            break
        node = alike[int(place or 1) - 1]
    return node


def _written(element: etree._Element) -> str:
    return f"{element.prefix}:{local_name(element)}" if element.prefix else local_name(element)
