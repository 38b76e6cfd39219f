"""Schemas from our own bundle, and judges compiled from them.

A schema may include other schemas of the bundle and nothing else. We put them together ourselves,
so that libxml2 is never given an address to open: what it loads, it would load by way of a handler
that all threads of the process share.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from importlib.resources import files
from posixpath import dirname, join, normpath
from typing import cast

from lxml import etree

XS = "{http://www.w3.org/2001/XMLSchema}"

_PLACE = re.compile(r"[a-z]+/[0-9]+\.[0-9]+\.xsd")


class ForeignAddressError(Exception):
    """A schema names an address outside the bundle."""


def load(place: str, included: set[str] | None = None) -> etree._Element:
    """A schema of the bundle, with all that it includes.

    Args:
        place: such as `decsal/1.0.xsd`.
        included: places that stand in it already and are not included again; grows.

    Raises:
        ForeignAddressError: for what cannot be a place in the bundle.
        FileNotFoundError: when the bundle has no such schema.
    """
    if _PLACE.fullmatch(place) is None:
        raise ForeignAddressError(f"not in the bundle of forms: {place}")
    return parse(files("xsd").joinpath(place).read_bytes(), place, included)


def parse(text: bytes, place: str, included: set[str] | None = None) -> etree._Element:
    """A schema from its text, as if it stood at a place of the bundle, with all that it includes.

    Raises:
        ForeignAddressError: when it names an address outside the bundle.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    root = etree.fromstring(text, parser)
    included = set() if included is None else included
    for include in root.findall(XS + "include"):
        address = normpath(join(dirname(place), include.get("schemaLocation", "")))
        if address not in included:
            included.add(address)
            for declared in load(address, included):
                include.addprevious(declared)
        root.remove(include)
    for foreign in root.iter(XS + "include", XS + "import", XS + "redefine"):
        raise ForeignAddressError(f"not in the bundle of forms: {foreign.get('schemaLocation')}")
    return root


def frame(schema: etree._Element, record: str) -> etree._Element:
    """The same schema, but blind to what stands between head and signature in our namespace.

    Records are skipped altogether, so that it judges what is around them, at a cost that does not
    depend on what is in them.
    """
    copy = deepcopy(schema)
    reference = copy.find(f".//{XS}element[@ref='{record}']")
    if reference is None:
        raise ValueError(f"the schema has no place for {record}")
    reference.tag = XS + "any"
    del reference.attrib["ref"]
    reference.attrib.update({"namespace": "##targetNamespace", "processContents": "skip"})
    return copy


def parts(schema: etree._Element, record: str) -> etree._Element:
    """The same schema, with each field of a record as an element that can be judged alone."""
    copy = deepcopy(schema)
    declared = list(fields(copy, record))
    for element in copy.findall(XS + "element"):
        copy.remove(element)
    for field in declared:
        field.attrib.pop("minOccurs", "")
        copy.append(field)
    return copy


def fields(schema: etree._Element, record: str) -> Iterable[etree._Element]:
    """The declarations of a record's fields, in the order of the form."""
    return _element(schema, record).iterfind(f"{XS}complexType/{XS}sequence/{XS}element")


def root(schema: etree._Element, code: str) -> etree._Element:
    """The declaration of a form's root, which is named after it."""
    return _element(schema, code)


def leaves(schema: etree._Element, code: str) -> int:
    """How many places for a value a document of a form has, each counted once however often it may stand.

    Elements that hold text, and attributes; head, version and signature, which all forms share, are left out.
    """
    return _leaves(
        schema, [part for part in _parts_of(root(schema, code)) if part.get("name") not in _SHARED]
    )


_SHARED = ("Header", "version")
_VALUES = (f"{XS}element", f"{XS}attribute", f"{XS}group", f"{XS}extension")


def _leaves(schema: etree._Element, parts: Iterable[etree._Element]) -> int:
    return sum(_leaves_of(schema, part) for part in parts)


def _leaves_of(schema: etree._Element, part: etree._Element) -> int:
    """The places in an element, an attribute, a group or an extension."""
    if part.tag == f"{XS}attribute":
        return 1
    if part.tag == f"{XS}group":
        return _leaves(schema, _parts_of(_named(schema, part.tag, part.get("ref", ""))))
    if part.tag == f"{XS}element" and part.get("ref") is not None:
        part = _element(schema, part.get("ref", ""))
    holds = part.get("type", part.get("base", ""))
    inside = schema.find(f"{XS}complexType[@name='{holds}']")
    inside = part.find(f"{XS}complexType") if inside is None else inside
    own = 0 if inside is not None and inside.find(f"{XS}simpleContent") is None else 1
    if part.tag == f"{XS}extension":
        return _leaves(schema, _parts_of(part)) + (
            0 if inside is None else _leaves(schema, _parts_of(inside))
        )
    return own if inside is None else own + _leaves(schema, _parts_of(inside))


def _parts_of(node: etree._Element) -> Iterable[etree._Element]:
    """What holds values in a declaration, down to the next declaration."""
    for child in node.iterchildren("*"):
        if child.tag in _VALUES:
            yield child
        else:
            yield from _parts_of(child)


def _named(schema: etree._Element, tag: object, name: str) -> etree._Element:
    found = schema.find(f"{tag}[@name='{name}']")
    if found is None:
        raise ValueError(f"the schema declares no {name}")
    return found


def _element(schema: etree._Element, name: str) -> etree._Element:
    return _named(schema, f"{XS}element", name)


@dataclass(frozen=True, slots=True)
class Complaint:
    """What a schema says against a document.

    Attributes:
        path: libxml2's path of the node, such as `/*/*[3]`, from the element that was judged;
            None when it could not be judged at all.
        message: its sentence.
    """

    path: str | None
    message: str


class Judge:
    """A compiled schema: a verdict at once, its reasons when asked.

    Verdicts may be asked for from several threads.
    """

    def __init__(self, schema: etree._Element) -> None:
        """Compile.

        Raises:
            lxml.etree.XMLSchemaParseError: when it is no XSD 1.0.
        """
        self._schema = schema
        self._compiled = etree.XMLSchema(schema)

    def admits(self, element: etree._Element) -> bool:
        """Whether an element, taken as the root of a document, has the form."""
        return _verdict(self._compiled, element)

    def complaints(self, element: etree._Element) -> list[Complaint]:
        """All that is said against an element; its cost grows with their number times their place.

        The log of a compiled schema belongs to all its users, so that this compiles its own.
        """
        own = etree.XMLSchema(self._schema)
        if _verdict(own, element):
            return []
        log = cast("Iterable[Complaint]", own.error_log)  # its entries have the same attributes
        return [Complaint(entry.path, entry.message) for entry in log]


def _verdict(compiled: etree.XMLSchema, element: etree._Element) -> bool:
    try:
        return compiled(element)
    except etree.XMLSchemaValidateError:
        # What libxml2 cannot judge, such as an unexpanded entity, has not the form.
        return False
