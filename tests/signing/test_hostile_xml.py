"""Bytes from outside that must not become a tree: one function, one defect."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from workshop import DOCUMENT

from signing.parse import (
    ForbiddenMarkup,
    Limits,
    NotXml,
    OverLimit,
    Unreadable,
    line_of,
    parse,
    trusted_parser,
)

BOMB = b"""<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;&x;"><!ENTITY z "&y;&y;&y;&y;">]>
<a>&z;</a>"""

LIMITS = Limits()


def refusal(raw: bytes, limits: Limits = LIMITS) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        parse(raw, limits)
    return caught.value


def test_a_good_document_is_read_with_its_lines() -> None:
    root = parse(DOCUMENT)
    assert root.tag == "{urn:secugate:1}DECSAL"
    assert [line_of(child) for child in root] == [3, 7, 11]


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\xef\xbb\xbf",
        b"<?xml version='1.0'?>",
        b'\xef\xbb\xbf<?xml version="1.0" encoding="utf-8" standalone="yes" ?>\r\n',
        b'<?xml\tversion = "1.0"\n encoding\t=\n"UTF-8"?>',
    ],
)
def test_every_spelling_of_utf_8_is_read(head: bytes) -> None:
    assert parse(head + "<a>é&amp;&#x26;&lt;</a>".encode()).text == "é&&<"


def test_a_large_document_keeps_lines_beyond_65535() -> None:
    root = parse(b"<a>\n" + b"<b/>\n" * 70_000 + b"<c>\n  <d>1</d>\n</c></a>")
    assert [line_of(found) for found in (root[65_533], root[65_534], root[69_999])] == [
        65_535,
        65_536,
        70_001,
    ]
    assert (line_of(root[-1]), line_of(root[-1][0])) == (70_002, 70_003)


# not XML


@pytest.mark.parametrize(
    "raw",
    [b"", b" \n", b"Matricule;Lohn\n", b"<a>", b"<a></b>", b"<a/><b/>", b"<a>x</a>x", b"<a x='1' x='2'/>"],
)
def test_not_well_formed(raw: bytes) -> None:
    assert isinstance(refusal(raw), NotXml)


def test_truncated() -> None:
    error = refusal(DOCUMENT[:-20])
    assert isinstance(error, NotXml)
    assert error.line == 14


def test_not_well_formed_says_the_line() -> None:
    error = refusal(b"<a>\n<b>\n</c>\n</a>")
    assert (error.kind, error.line) == ("not-xml", 3)
    assert str(error).startswith("line 3: ")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_utf_16_and_32(encoding: str) -> None:
    error = refusal("<a>é</a>".encode(encoding))
    assert isinstance(error, NotXml)
    assert "UTF" in error.reason


def test_latin_1_bytes() -> None:
    error = refusal(b"<a>\n<b>\xe9</b></a>")
    assert (error.kind, error.line, error.reason) == ("not-xml", 2, "the file is not UTF-8")


@pytest.mark.parametrize("encoding", [b"ISO-8859-1", b"UTF-16", b"UTF-7", b"IBM037", b"utf-8x", b""])
def test_declared_other_encoding(encoding: bytes) -> None:
    assert isinstance(refusal(b'<?xml version="1.0" encoding="' + encoding + b'"?><a/>'), NotXml)


def test_ebcdic() -> None:
    assert isinstance(refusal("<?xml version='1.0' encoding='IBM037'?><a/>".encode("cp037")), NotXml)


def test_a_reason_is_short_whatever_the_names() -> None:
    error = refusal(b"<" + b"n" * 128 + b"><" + b"m" * 128 + b"></" + b"o" * 20_000 + b">")
    assert isinstance(error, NotXml)
    assert len(error.reason) == 200


def test_xml_1_1() -> None:
    assert isinstance(refusal(b'<?xml version="1.1"?><a/>'), NotXml)


@pytest.mark.parametrize("raw", [b"<a>\0</a>", b"\0<a/>", b"<a/>\0", "<a/>".encode("utf-16-le")])
def test_nul(raw: bytes) -> None:
    error = refusal(raw)
    assert isinstance(error, NotXml)
    assert error.reason.startswith("a NUL byte")


@pytest.mark.parametrize("raw", [b"<a>&#0;</a>", b"<a>\x01</a>", b"<a>&#x1F;</a>", b"<a x='\x7f\x1b'/>"])
def test_control_characters(raw: bytes) -> None:
    assert isinstance(refusal(raw), NotXml)


@pytest.mark.parametrize("raw", [b"<a>\xc0\xbc/a>", b"<a>\xed\xa0\x80</a>", b"<a>\xf8\x88\x80\x80\x80</a>"])
def test_overlong_surrogate_and_five_byte_sequences(raw: bytes) -> None:
    assert isinstance(refusal(raw), NotXml)


def test_undeclared_prefix() -> None:
    assert isinstance(refusal(b"<x:a/>"), NotXml)


# markup that is not allowed


@pytest.mark.parametrize(
    "raw",
    [
        b"<!DOCTYPE a><a/>",
        b"\xef\xbb\xbf<?xml version='1.0'?>\n<!DOCTYPE a><a/>",
        b"<!DOCTYPE a SYSTEM 'http://127.0.0.1:1/a.dtd'><a/>",
        b"<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><a>&e;</a>",
        b"<!DOCTYPE a [<!ENTITY % p SYSTEM 'http://127.0.0.1:1/p'> %p;]><a/>",
        b"<!DOCTYPE a [<!ATTLIST a Id ID #IMPLIED x CDATA 'default'>]><a Id='i'/>",
        BOMB,
    ],
)
def test_document_type(raw: bytes) -> None:
    error = refusal(raw)
    assert isinstance(error, ForbiddenMarkup)
    assert error.kind == "dtd"


def test_a_plain_parser_would_expand_the_entities() -> None:
    """Control: the bomb is a real one."""
    assert len(etree.fromstring(BOMB).text or "") == 32


def test_the_parser_itself_expands_nothing_and_opens_nothing(tmp_path: Path) -> None:
    """The second line of defence, behind the refusal of document types."""
    assert not etree.fromstring(BOMB, trusted_parser()).text
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "a.dtd").write_text("<!ENTITY e 'secret'>")
    for document_type in (
        f"<!DOCTYPE a [<!ENTITY e SYSTEM '{tmp_path}/secret'>]>",
        f"<!DOCTYPE a SYSTEM '{tmp_path}/a.dtd'>",
    ):
        root = etree.fromstring(f"{document_type}<a>&e;</a>".encode(), trusted_parser())
        assert b"secret" not in etree.tostring(root, method="text")
    with pytest.raises(etree.XMLSyntaxError):
        etree.fromstring(b"<a>" * 300 + b"</a>" * 300, trusted_parser())


def test_entity_without_document_type() -> None:
    error = refusal(b"<a>\n&e;</a>")
    assert isinstance(error, ForbiddenMarkup)
    assert error.line == 2


@pytest.mark.parametrize(
    "raw",
    [
        b"<?xml-stylesheet href='http://127.0.0.1:1/x.xsl'?><a/>",
        b"<a><?php exit ?></a>",
        b"<a/><?end?>",
        b" <?xml version='1.0'?><a/>",
    ],
)
def test_processing_instruction(raw: bytes) -> None:
    assert isinstance(refusal(raw), ForbiddenMarkup)


@pytest.mark.parametrize("raw", [b"<!-- --><a/>", b"<a>2937<!-- -->.00</a>", b"<a/><!-- -->"])
def test_comment(raw: bytes) -> None:
    assert isinstance(refusal(raw), ForbiddenMarkup)


def test_cdata_section() -> None:
    error = refusal(b"<a>\n\n<![CDATA[</a><b>]]></a>")
    assert isinstance(error, ForbiddenMarkup)
    assert error.line == 3


def test_xinclude_is_an_element_like_any_other() -> None:
    root = parse(b"<a><i:include xmlns:i='http://www.w3.org/2001/XInclude' href='file:///etc/passwd'/></a>")
    assert len(root) == 1
    assert root[0].text is None


# limits, each at its value and one beyond


def test_depth() -> None:
    assert parse(b"<a>" * 32 + b"</a>" * 32) is not None
    error = refusal(b"<a>\n" * 33 + b"</a>" * 33)
    assert isinstance(error, OverLimit)
    assert error.line == 33


def test_depth_beyond_the_library() -> None:
    assert isinstance(refusal(b"<a>" * 100_000), OverLimit)


def test_attributes() -> None:
    def wide(number: int) -> bytes:
        return b"<a>\n<b " + b" ".join(b"x%d='1'" % i for i in range(number)) + b"/></a>"

    assert len(parse(wide(60))[0].attrib) == 60
    error = refusal(wide(61))
    assert isinstance(error, OverLimit)
    assert error.line == 2


@pytest.mark.parametrize("form", [b"<%s/>", b"<a><%s></%s></a>", b"<a %s='1'/>", b"<a><b x='1' %s='1'/></a>"])
def test_names(form: bytes) -> None:
    count = form.count(b"%s")
    assert parse(form % ((b"n" * 128,) * count)) is not None
    assert isinstance(refusal(form % ((b"n" * 129,) * count)), OverLimit)


@pytest.mark.parametrize("form", [b"<a>%s</a>", b"<a x='%s'/>", b"<a>\n<b/>%s</a>"])
def test_long_text(form: bytes) -> None:
    assert parse(form % (b"x" * 99_000)) is not None
    assert isinstance(refusal(form % (b"x" * 100_001)), OverLimit)


def test_long_text_says_the_line() -> None:
    assert refusal(b"<a>\n<b>\n" + b"x" * 100_001 + b"</b></a>").line == 2


def test_elements() -> None:
    limits = Limits(elements=10)
    assert len(parse(b"<a>" + b"<b/>" * 9 + b"</a>", limits)) == 9
    assert isinstance(refusal(b"<a>" + b"<b/>" * 10 + b"</a>", limits), OverLimit)


def test_namespace_prefixes() -> None:
    def many(number: int) -> bytes:
        return b"<a " + b" ".join(b"xmlns:p%d='u'" % i for i in range(number)) + b"/>"

    assert parse(many(32)) is not None
    assert isinstance(refusal(many(33)), OverLimit)


# properties


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_by_kind(raw: bytes) -> None:
    try:
        root = parse(raw)
    except Unreadable as error:
        assert error.kind in {"not-xml", "dtd", "limits"}
    else:
        assert isinstance(root.tag, str)


@given(st.data())
def test_a_damaged_document_is_read_or_refused_by_kind(data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(DOCUMENT) - 1))
    inserted = data.draw(
        st.binary(max_size=3) | st.sampled_from([b"<!", b"<?", b"&", b"]]>", b"<a:", b"\xff"])
    )
    raw = DOCUMENT[:position] + inserted + DOCUMENT[position + 1 :]
    try:
        parse(raw)
    except Unreadable as error:
        assert error.line is None or 1 <= error.line <= raw.count(b"\n") + 1


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]), max_size=50))
def test_any_text_comes_back_as_it_was(text: str) -> None:
    made = etree.Element("a")
    made.text = text
    assert (parse(etree.tostring(made, encoding="UTF-8")).text or "") == text


@pytest.mark.parametrize(
    "part",
    [
        b"<a/>",
        b"<a>" * 30 + b"</a>" * 30,
        b"<a " + b" ".join(b"x%d=''" % i for i in range(60)) + b"/>",
        b"<a xmlns='u' xmlns:b='v'><b:c/></a>",
        b"<a>&amp;&#65;</a>",
        b"<",
        b"<a",
        b"xmlns:",
    ],
)
def test_time_grows_with_the_bytes_and_not_faster(part: bytes) -> None:
    """Eight times the bytes take about eight times as long; squared growth would be 64 times."""

    def seconds(size: int) -> float:
        raw = b"<r>" + part * (size // len(part)) + b"</r>"
        best = 1e9
        for _ in range(3):
            start = time.process_time()
            with suppress(Unreadable):
                parse(raw)
            best = min(best, time.process_time() - start)
        return best

    assert seconds(1_600_000) < 24 * seconds(200_000) + 0.05
