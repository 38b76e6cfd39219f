"""Bytes that are no XML, or none that we take."""

from __future__ import annotations

import codecs

from lxml import etree

from tests.vectors.hostile import Shelf
from tests.vectors.hostile.forging import NAMESPACE, Forger

SHELF = Shelf()
due = SHELF.due

NOT_XML, FORBIDDEN, LIMITS = "FILE-NOT-XML", "FILE-DTD", "FILE-LIMITS"


def unique(forger: Forger) -> bytes:
    """Something to make bytes differ between senders."""
    return forger.wages()[0]["Reference"].encode()


# encodings

_ENCODINGS = {
    "utf_16": "utf-16",
    "utf_16_be": "utf-16-be",
    "utf_16_le_without_mark": "utf-16-le",
    "utf_32": "utf-32",
    "utf_32_be": "utf-32-be",
    "utf_7": "utf-7",
    "ebcdic": "cp500",
}
for _name, _encoding in _ENCODINGS.items():

    def _encoded(forger: Forger, encoding: str = _encoding) -> bytes:
        return forger.good().decode().replace("UTF-8", encoding.upper()).encode(encoding)

    # UTF-7 is ASCII but for its letters: only its declaration tells.
    SHELF.add(f"encoding_{_name}", _encoded, NOT_XML)

for _name, _declared in {
    "latin_1": b"ISO-8859-1",
    "utf_7": b"UTF-7",
    "ascii": b"US-ASCII",
    "utf_16": b"UTF-16",
    "nobody_s": b"x-none",
    "empty": b"",
}.items():
    SHELF.add(f"declaration_says_{_name}", lambda f, d=_declared: f.replaced(b"UTF-8", d), NOT_XML)

SHELF.table(
    "declaration",
    {
        "version_1_1": lambda f: f.replaced(b"1.0", b"1.1"),
        "version_2": lambda f: f.replaced(b"1.0", b"2.0"),
        "without_version": lambda f: b"<?xml encoding='UTF-8'?>" + f.good().split(b"?>", 1)[1],
        "attributes_turned": lambda f: (
            b"<?xml encoding='UTF-8' version='1.0'?>" + f.good().split(b"?>", 1)[1]
        ),
        "standalone_maybe": lambda f: f.replaced(b"'UTF-8'", b"'UTF-8' standalone='maybe'"),
        "unknown_attribute": lambda f: f.replaced(b"'UTF-8'", b"'UTF-8' x='1'"),
        "not_closed": lambda f: f.replaced(b"?>", b">"),
        "in_capitals": lambda f: f.replaced(b"<?xml", b"<?XML"),
    },
    NOT_XML,
)
SHELF.table(
    "declaration",
    {
        "after_a_space": lambda f: b" " + f.good(),
        "after_a_line": lambda f: b"\n" + f.good(),
        "twice": lambda f: b"<?xml version='1.0'?>\n" + f.good(),
        "after_two_marks": lambda f: codecs.BOM_UTF8 * 2 + f.good(),
    },
    FORBIDDEN,
)
SHELF.table(
    "bytes",
    {
        "overlong_slash": lambda f: f.replaced(b"<Wage>", b"<Wage>\xc0\xaf"),
        "overlong_lower_than": lambda f: f.replaced(b"<Wage>", b"<Wage>\xc0\xbcx>"),
        "surrogate": lambda f: f.replaced(b"<Wage>", b"<Wage>\xed\xa0\x80"),
        "beyond_unicode": lambda f: f.replaced(b"<Wage>", b"<Wage>\xf4\x90\x80\x80"),
        "lone_continuation": lambda f: f.replaced(b"<Wage>", b"<Wage>\x80"),
        "cut_character": lambda f: f.replaced(b"<Wage>", b"<Wage>\xe2\x82"),
        "nul": lambda f: f.replaced(b"<Wage>", b"<Wage>\0"),
        "nul_at_the_end": lambda f: f.good() + b"\0",
        "nul_in_front": lambda f: b"\0" + f.good(),
        "control": lambda f: f.replaced(b"<Wage>", b"<Wage>\x01"),
        "escape": lambda f: f.replaced(b"<Wage>", b"<Wage>\x1b[2J"),
        "vertical_tab": lambda f: f.replaced(b"<Wage>", b"<Wage>\x0b"),
        "form_feed": lambda f: f.replaced(b"<Wage>", b"<Wage>\x0c"),
        "fffe": lambda f: f.replaced(b"<Wage>", "<Wage>\ufffe".encode()),
        "ffff": lambda f: f.replaced(b"<Wage>", "<Wage>\uffff".encode()),
        "mark_in_the_middle_of_a_tag": lambda f: f.replaced(b"<Wage>", b"<\xef\xbb\xbfWage>"),
        "reference_to_nul": lambda f: f.replaced(b"3812.40", b"&#0;"),
        "reference_to_control": lambda f: f.replaced(b"3812.40", b"&#1;"),
        "reference_to_surrogate": lambda f: f.replaced(b"3812.40", b"&#xD800;"),
        "reference_beyond_unicode": lambda f: f.replaced(b"3812.40", b"&#x110000;"),
        "reference_that_overflows": lambda f: f.replaced(b"3812.40", b"&#4294967345;"),
        "reference_without_end": lambda f: f.replaced(b"3812.40", b"&#49"),
        "reference_without_number": lambda f: f.replaced(b"3812.40", b"&#;"),
        "ampersand": lambda f: f.replaced(b"3812.40", b"&"),
    },
    NOT_XML,
)

# well-formedness

SHELF.table(
    "form",
    {
        "empty_with_a_name": lambda f: b" " * (1 + int(unique(f)[1:]) % 5000),
        "text": lambda f: b"Matricule;Lohn;" + unique(f),
        "json": lambda f: b'{"Wage": "%s"}' % unique(f),
        "html": lambda f: b"<html><body><br>" + unique(f) + b"</body></html>",
        "pdf": lambda f: b"%PDF-1.7\n" + unique(f) + b"\n%%EOF",
        "elf": lambda f: b"\x7fELF" + unique(f),
        "gzip": lambda f: b"\x1f\x8b\x08\x00" + unique(f),
        "half": lambda f: f.good()[:1500],
        "tag_not_closed": lambda f: f.replaced(b"</Wage>", b""),
        "tags_crossed": lambda f: f.replaced(b"</BaseWage>", b"</WorkHours>"),
        "end_tag_twice": lambda f: f.replaced(b"</Wage>", b"</Wage></Wage>"),
        "two_roots": lambda f: f.good().rstrip() + b"<DECSAL/>",
        "text_before": lambda f: f.good().split(b"?>", 1)[1].strip()[:0] + b"x" + f.good().split(b"?>", 1)[1],
        "text_behind": lambda f: f.good() + b"x",
        "attribute_twice": lambda f: f.replaced(b'version="1.0"', b'version="1.0" version="1.0"'),
        "attribute_without_quotes": lambda f: f.replaced(b'version="1.0"', b"version=1.0"),
        "attribute_without_value": lambda f: f.replaced(b'version="1.0"', b"version"),
        "attribute_with_lower_than": lambda f: f.replaced(b'version="1.0"', b'version="<"'),
        "attribute_without_space": lambda f: f.replaced(b' version="1.0"', b' a=""version="1.0"'),
        "attribute_not_closed": lambda f: f.replaced(b'version="1.0"', b'version="1.0'),
        "tag_with_a_space_in_front": lambda f: f.replaced(b"<Wage>", b"< Wage>"),
        "tag_that_begins_with_a_digit": lambda f: f.replaced(b"<Wage>", b"<1Wage>"),
        "tag_without_name": lambda f: f.replaced(b"<Wage>", b"<>"),
        "two_slashes": lambda f: f.replaced(b"</Wage>", b"<//Wage>"),
        "end_of_cdata": lambda f: f.replaced(b"3812.40", b"]]>"),
        "lower_than": lambda f: f.replaced(b"3812.40", b"<"),
    },
    NOT_XML,
)

# markup that we refuse

_TYPES = {
    "bare": b"<!DOCTYPE DECSAL>",
    "system": b'<!DOCTYPE DECSAL SYSTEM "file:///etc/passwd">',
    "public": b'<!DOCTYPE DECSAL PUBLIC "-//X//EN" "http://127.0.0.1:9/x.dtd">',
    "internal_entity": b'<!DOCTYPE DECSAL [<!ENTITY x "1">]>',
    "file_entity": b'<!DOCTYPE DECSAL [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    "http_entity": b'<!DOCTYPE DECSAL [<!ENTITY x SYSTEM "http://127.0.0.1:9/">]>',
    "ftp_entity": b'<!DOCTYPE DECSAL [<!ENTITY x SYSTEM "ftp://127.0.0.1:9/">]>',
    "php_entity": b'<!DOCTYPE DECSAL [<!ENTITY x SYSTEM "php://filter/convert.base64-encode/resource=/etc/hosts">]>',
    "expect_entity": b'<!DOCTYPE DECSAL [<!ENTITY x SYSTEM "expect://id">]>',
    "jar_entity": b'<!DOCTYPE DECSAL [<!ENTITY x SYSTEM "jar:http://127.0.0.1:9/x.jar!/x">]>',
    "gopher_entity": b'<!DOCTYPE DECSAL [<!ENTITY x SYSTEM "gopher://127.0.0.1:9/_x">]>',
    "netdoc_entity": b'<!DOCTYPE DECSAL [<!ENTITY x SYSTEM "netdoc:///etc/passwd">]>',
    "windows_share_entity": rb'<!DOCTYPE DECSAL [<!ENTITY x SYSTEM "\\127.0.0.1\c$\x">]>',
    "parameter_entity": b'<!DOCTYPE DECSAL [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x.dtd"> %x;]>',
    "out_of_band": b'<!DOCTYPE DECSAL [<!ENTITY % f SYSTEM "file:///etc/hostname">'
    b'<!ENTITY % d SYSTEM "http://127.0.0.1:9/d.dtd"> %d;]>',
    "local_dtd": b'<!DOCTYPE DECSAL [<!ENTITY % l SYSTEM "file:///usr/share/xml/fontconfig/fonts.dtd">%l;]>',
    "unparsed_entity": b'<!DOCTYPE DECSAL [<!NOTATION n SYSTEM "n"><!ENTITY x SYSTEM "x.gif" NDATA n>]>',
    "default_attribute": b'<!DOCTYPE DECSAL [<!ATTLIST DECSAL version CDATA "1.0">]>',
    "id_attribute": b"<!DOCTYPE DECSAL [<!ATTLIST Wage Ref ID #IMPLIED>]>",
    "billion_laughs": b'<!DOCTYPE DECSAL [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
    + b"]>",
    "quadratic_blow_up": b'<!DOCTYPE DECSAL [<!ENTITY x "%s">]>' % (b"a" * 40_000),
    "entity_of_itself": b'<!DOCTYPE DECSAL [<!ENTITY x "&x;">]>',
    "not_closed": b"<!DOCTYPE DECSAL [",
    "in_small_letters": b"<!doctype DECSAL>",
}
for _name, _type in _TYPES.items():
    SHELF.add(
        f"document_type_{_name}",
        lambda f, t=_type: f.replaced(b"?>", b"?>" + t).replace(b"3812.40", b"&x;", 1),
        FORBIDDEN,
    )
SHELF.table(
    "markup",
    {
        "entity_without_type": lambda f: f.replaced(b"3812.40", b"&x;"),
        "entity_of_html": lambda f: f.replaced(b"3812.40", b"&nbsp;"),
        "instruction": lambda f: f.replaced(b"<Wage>", b"<?php system('id') ?><Wage>"),
        "style_sheet": lambda f: f.replaced(b"<DECSAL", b"<?xml-stylesheet href='x.xsl'?><DECSAL"),
        "instruction_behind_the_root": lambda f: f.good() + b"<?x?>",
        "comment": lambda f: f.replaced(b"<Wage>", b"<!-- x --><Wage>"),
        "comment_in_a_value": lambda f: f.replaced(b"3812.40", b"38<!-- -->12.40"),
        "comment_in_the_member": lambda f: f.replaced(b"<Matricule>2", b"<Matricule><!-- -->2"),
        "comment_before_the_root": lambda f: f.replaced(b"<DECSAL", b"<!-- --><DECSAL"),
        "comment_behind_the_root": lambda f: f.good() + b"<!-- -->",
        "comment_with_two_dashes": lambda f: f.replaced(b"<Wage>", b"<!-- -- --><Wage>"),
        "comment_not_closed": lambda f: f.replaced(b"<Wage>", b"<!-- <Wage>"),
        "cdata": lambda f: f.replaced(b"3812.40", b"<![CDATA[3812.40]]>"),
        "cdata_beside_a_value": lambda f: f.replaced(b"3812.40", b"3812.40<![CDATA[]]>"),
        "cdata_not_closed": lambda f: f.replaced(b"3812.40", b"<![CDATA["),
        "section": lambda f: f.replaced(b"<Wage>", b"<![INCLUDE[]]><Wage>"),
    },
    FORBIDDEN,
)

# limits


def deep(levels: int) -> bytes:
    return b"<a>" * levels + b"</a>" * levels


SHELF.table(
    "limit",
    {
        "depth": lambda f: f.replaced(b"<Wage>", deep(40) + b"<Wage>"),
        "depth_of_thousands": lambda f: deep(3000 + int(unique(f)[1:])),
        "attributes": lambda f: f.replaced(
            b"<Wage>", b"<Wage " + b" ".join(b'a%d=""' % n for n in range(70)) + b">"
        ),
        "attributes_by_the_thousand": lambda f: f.replaced(
            b"<Wage>", b"<Wage " + b" ".join(b'a%d=""' % n for n in range(5000)) + b">"
        ),
        "name": lambda f: f.replaced(b"<Wage>", b"<" + b"a" * 300 + b"/><Wage>"),
        "name_of_an_attribute": lambda f: f.replaced(b"<Wage>", b"<Wage " + b"a" * 300 + b'="">'),
        "value": lambda f: f.replaced(b"3812.40", b"9" * 120_000),
        "value_of_an_attribute": lambda f: f.replaced(b'version="1.0"', b'version="%s"' % (b"1" * 120_000)),
        "prefixes": lambda f: f.replaced(
            b"<Wage>", b"<Wage>" + b"".join(b'<x%d:a xmlns:x%d="urn:x"/>' % (n, n) for n in range(60))
        ),
        "spaces": lambda f: f.replaced(b"<Wage>", b" " * 120_000 + b"<Wage>"),
        "spaces_in_a_tag": lambda f: f.replaced(b"<Wage>", b"<Wage" + b" " * 120_000 + b">"),
        "references": lambda f: f.replaced(b"3812.40", b"&#49;" * 30_000),
    },
    LIMITS,
)

# namespaces


def _renamed(root: etree._Element, name: str) -> None:
    root[1].tag = name


SHELF.table(
    "namespace",
    {
        "undeclared_prefix": lambda f: f.replaced(b"<Wage>", b"<x:Wage/><Wage>"),
        "undeclared_prefix_of_an_attribute": lambda f: f.replaced(b"<Wage>", b'<Wage x:y="1">'),
        "xmlns_as_prefix": lambda f: f.replaced(b"<Wage>", b'<Wage xmlns:xmlns="urn:x">'),
        "xml_bound_to_another": lambda f: f.replaced(b"<Wage>", b'<Wage xmlns:xml="urn:x">'),
        "another_bound_to_xml": lambda f: f.replaced(
            b"<Wage>", b'<Wage xmlns:x="http://www.w3.org/XML/1998/namespace">'
        ),
        "prefix_undeclared_again": lambda f: f.replaced(
            b"<Wage>", b'<Wage xmlns:x="urn:x"><x:a xmlns:x=""/>'
        ),
        "attribute_twice_by_two_prefixes": lambda f: f.replaced(
            b"<Wage>", b'<Wage xmlns:a="urn:x" xmlns:b="urn:x" a:y="1" b:y="2">'
        ),
        "two_colons": lambda f: f.replaced(b"<Wage>", b"<a:b:c/><Wage>"),
    },
    NOT_XML,
)
SHELF.table(
    "namespace",
    {
        "of_the_root": lambda f: f.sign(
            etree.fromstring(etree.tostring(f.plain()).replace(NAMESPACE.encode(), b"urn:secugate:2"))
        ),
        "none": lambda f: f.sign(
            etree.fromstring(etree.tostring(f.plain()).replace(b' xmlns="urn:secugate:1"', b""))
        ),
        "in_capitals": lambda f: f.sign(
            etree.fromstring(etree.tostring(f.plain()).replace(NAMESPACE.encode(), b"URN:SECUGATE:1"))
        ),
        "of_a_record": lambda f: f.signed(lambda root: _renamed(root, "{urn:x}Wage")),
        "none_of_a_record": lambda f: f.sign(
            etree.fromstring(etree.tostring(f.plain()).replace(b"<Wage>", b'<Wage xmlns="">'))
        ),
        "x_include": lambda f: f.signed(
            lambda root: etree.SubElement(
                root, "{http://www.w3.org/2001/XInclude}include", href="file:///etc/passwd", parse="text"
            )
        ),
        "nil": lambda f: f.signed(
            lambda root: root.set("{http://www.w3.org/2001/XMLSchema-instance}nil", "true")
        ),
        "type": lambda f: f.signed(
            lambda root: root.set("{http://www.w3.org/2001/XMLSchema-instance}type", "AnswerHeader")
        ),
        "base": lambda f: f.signed(
            lambda root: root.set("{http://www.w3.org/XML/1998/namespace}base", "file:///etc/")
        ),
        "space": lambda f: f.signed(
            lambda root: root.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
        ),
    },
    "FILE-FORM",
)
