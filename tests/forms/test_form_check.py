"""A batch is judged record by record, all faults at once, at a cost in step with its size."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from tests.forms.samples import (
    ANSWER_HEADER,
    HEADER,
    INBOUND,
    OURS,
    OUTBOUND,
    RECORDS,
    SIGNATURE,
    batch,
    document,
    form,
    minimal_record,
    record,
    record_xml,
    smallest,
    tree,
)
from xsd import FILE_FORM, NAMESPACE, Checked, Fault, Form, FormFaults, line_of, read_record
from xsd.faults import LONGEST_PATH, LONGEST_VALUE
from xsd.schema import Complaint, Judge

Told = tuple[str, str | None, str]


def check(raw: bytes) -> Checked:
    root = tree(raw)
    return form(etree.QName(root).localname).check(root)


def wage_faults(inside: str, attributes: str = "") -> list[Told]:
    """What is told about a single wage: rest of the path, field, code."""
    checked = check(document("DECSAL", f"{HEADER}<Wage{attributes}>{inside}</Wage>"))
    assert not checked.faults
    assert len(checked.malformed) + len(checked.good) == 1
    faults = [fault for each in checked.malformed for fault in each.faults]
    assert all(fault.record == 1 for fault in faults)
    return [(fault.path.removeprefix("/DECSAL/Wage[1]"), fault.field, fault.rejection) for fault in faults]


def fields_xml(**changes: str | None) -> str:
    whole = record_xml("DECSAL", record("DECSAL", **changes))
    return whole.removeprefix("<Wage>").removesuffix("</Wage>\n")


# Good batches


@pytest.mark.parametrize("code", INBOUND)
def test_good_records_come_back_under_their_numbers(code: str) -> None:
    records = [record(code), minimal_record(code), record(code)]
    checked = check(batch(code, *records, signature=SIGNATURE))
    assert (checked.malformed, checked.faults) == ([], [])
    assert [number for number, _ in checked.good] == [1, 2, 3]
    assert [read_record(element) for _, element in checked.good] == records


def test_an_empty_batch_has_its_form() -> None:
    assert check(batch("DECSAL")) == Checked()


def test_a_value_is_read_whole_across_a_comment() -> None:
    """Canonical XML drops comments: what was signed is the text on both sides."""
    raw = batch("DECSAL", record("DECSAL")).replace(b"2026-07<", b"2026<!-- not the end -->-07<")
    [(_, element)] = check(raw).good
    assert read_record(element) == record("DECSAL")


def test_comments_and_instructions_are_no_fields() -> None:
    raw = batch("DECSAL", record("DECSAL")).replace(b"<Period>", b"<!-- a --><?b c?><Period>")
    [(_, element)] = check(raw).good
    assert read_record(element) == record("DECSAL")


def test_prefixes_make_no_difference() -> None:
    raw = smallest("DECSAL").replace(b"<", b"<p:").replace(b"<p:/", b"</p:").replace(b"xmlns=", b"xmlns:p=")
    [(_, element)] = check(raw).good
    assert read_record(element) == minimal_record("DECSAL")


# Faults inside records


def test_three_bad_fields_give_three_faults() -> None:
    assert wage_faults(fields_xml(Insured="18931201O5732", BaseWage="3.500,00", FirstDay="32")) == [
        ("/Insured", "Insured", "SALRET-3"),
        ("/BaseWage", "BaseWage", "SALRET-4"),
        ("/FirstDay", "FirstDay", "SALRET-99"),
    ]


@pytest.mark.parametrize("code", INBOUND)
def test_every_field_broken_at_once_gives_every_code(code: str) -> None:
    broken = dict.fromkeys(RECORDS[code], ";")
    [malformed] = check(batch(code, broken)).malformed
    assert [(fault.field, fault.rejection) for fault in malformed.faults] == [
        (field.name, field.rejection) for field in form(code).fields
    ]
    assert malformed.fields == broken


@pytest.mark.parametrize("code", INBOUND)
def test_every_required_field_absent_at_once_gives_every_code(code: str) -> None:
    [malformed] = check(batch(code, {})).malformed
    assert [(fault.field, fault.rejection, fault.value) for fault in malformed.faults] == [
        (field.name, field.missing, None) for field in form(code).fields if field.required
    ]


@pytest.mark.parametrize("code", INBOUND)
def test_an_empty_field_is_a_broken_one(code: str) -> None:
    for field in form(code).fields:
        [malformed] = check(batch(code, record(code, **{field.name: ""}))).malformed
        [fault] = malformed.faults
        assert (fault.field, fault.rejection, fault.value) == (field.name, field.rejection, "")


def test_absent_and_broken_are_told_together() -> None:
    assert wage_faults(fields_xml(Employer=None, BaseWage="x", WorkHours=None)) == [
        ("/BaseWage", "BaseWage", "SALRET-4"),
        ("/Employer", "Employer", "SALRET-2"),
        ("/WorkHours", "WorkHours", "SALRET-4"),
    ]


def test_what_no_field_is_gets_the_code_for_format() -> None:
    inside = fields_xml(BaseWage="x")
    assert wage_faults(f"<Bonus>1.00</Bonus>{inside}") == [
        ("/Bonus", None, "SALRET-99"),
        ("/BaseWage", "BaseWage", "SALRET-4"),
    ]
    assert wage_faults(inside + '<Period xmlns="">2026-07</Period>') == [
        ("/BaseWage", "BaseWage", "SALRET-4"),
        ("/Period", None, "SALRET-99"),
    ]


def test_a_field_of_another_namespace_is_not_ours() -> None:
    foreign = fields_xml().replace("<Period>", '<Period xmlns="urn:other">')
    assert wage_faults(foreign) == [("/Period", None, "SALRET-99"), ("/Period", "Period", "SALRET-5")]


def test_a_field_twice_is_told_once_and_the_first_counts() -> None:
    inside = fields_xml().replace("<Insured>", "<Employer>x</Employer><Insured>")
    assert wage_faults(inside) == [("/Employer[2]", "Employer", "SALRET-99")]
    raw = document("DECSAL", f"{HEADER}<Wage>{inside}</Wage>")
    assert check(raw).malformed[0].fields == record("DECSAL")


def test_fields_out_of_order_are_told_and_put_in_order() -> None:
    period = "<Period>2026-07</Period>\n"
    inside = fields_xml().replace(period, "") + period
    assert wage_faults(inside) == [("/Period", "Period", "SALRET-99")]
    [malformed] = check(document("DECSAL", f"{HEADER}<Wage>{inside}</Wage>")).malformed
    assert list(malformed.fields.items()) == list(record("DECSAL").items())


def test_text_between_fields_and_attributes_are_told() -> None:
    assert wage_faults(f"{fields_xml()}3500", ' id="7" xmlns:o="urn:other" o:id="8"') == [
        ("/@id", None, "SALRET-99"),
        ("/@id", None, "SALRET-99"),
        ("", None, "SALRET-99"),
    ]


def test_a_no_break_space_is_a_text() -> None:
    assert wage_faults(fields_xml() + "\u00a0") == [("", None, "SALRET-99")]


def test_anything_but_text_in_a_field_breaks_that_field() -> None:
    assert wage_faults(fields_xml().replace("<Period>", '<Period unit="month">')) == [
        ("/Period", "Period", "SALRET-5")
    ]
    assert wage_faults(fields_xml().replace("2026-07", "2026-07<Employer/>")) == [
        ("/Period", "Period", "SALRET-5")
    ]


def test_hints_about_schemas_are_allowed_and_types_are_not() -> None:
    xsi = ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:'
    assert wage_faults(fields_xml(), f'{xsi}schemaLocation="urn:secugate:1 file:///etc/passwd"') == []
    assert wage_faults(fields_xml(), f'{xsi}type="Said"') == [("/@type", None, "SALRET-99")]
    assert wage_faults(fields_xml(), f'{xsi}nil="true"') == [("/@nil", None, "SALRET-99")]


def test_values_are_shown_as_seen_and_cut() -> None:
    [malformed] = check(batch("DECSAL", record("DECSAL", Insured="é" * 1000))).malformed
    assert malformed.faults[0].value == "é" * LONGEST_VALUE
    assert malformed.fields["Insured"] == "é" * 1000
    inside = fields_xml().replace("<Period>2026-07", "<Period>  a<b>c</b>d")
    [malformed] = check(document("DECSAL", f"{HEADER}<Wage>{inside}</Wage>")).malformed
    assert malformed.faults[0].value == "a"
    assert malformed.fields["Period"] == "  acd"


def test_good_records_beside_bad_ones_keep_their_numbers() -> None:
    good, bad = record("DECSAL"), record("DECSAL", BaseWage="x")
    checked = check(batch("DECSAL", bad, good, bad, good))
    assert [number for number, _ in checked.good] == [2, 4]
    assert [malformed.number for malformed in checked.malformed] == [1, 3]
    assert checked.malformed[1].faults[0].path == "/DECSAL/Wage[3]/BaseWage"
    assert checked.faults == []


# Faults outside of records


def file_faults(raw: bytes) -> list[tuple[str, str | None, str | None]]:
    checked = check(raw)
    assert {fault.rejection for fault in checked.faults} <= {FILE_FORM}
    assert {fault.record for fault in checked.faults} <= {None}
    return [(fault.path, fault.field, fault.value) for fault in checked.faults]


def test_every_bad_value_of_the_header_is_told() -> None:
    header = HEADER.replace(">100001<", ">1<").replace(">test<", ">Test<").replace("T07", "T25")
    assert file_faults(batch("DECSAL", record("DECSAL"), header=header)) == [
        ("/DECSAL/Header/Sender/Number", "Number", "1"),
        ("/DECSAL/Header/Environment", "Environment", "Test"),
        ("/DECSAL/Header/Created", "Created", "2026-08-03T25:15:00Z"),
    ]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ("", "/DECSAL"),
        ("<Wage/>", "/DECSAL/Wage"),
        (ANSWER_HEADER, "/DECSAL/Header/Sender/text"),
        (HEADER + "<Person/>", "/DECSAL/Person"),
        (HEADER + "<Wages/>" * 3, "/DECSAL/Wages[1]"),
        (HEADER + '<Wage xmlns="urn:other"/>', "/DECSAL/Wage"),
        (HEADER + SIGNATURE * 2, "/DECSAL/Signature[2]"),
        (HEADER + SIGNATURE + "<Wage/><Wage/>", "/DECSAL/Wage[1]"),
        (HEADER + "text", "/DECSAL"),
        (HEADER + '<p:a xmlns:p="urn:p"/>', "/DECSAL/a"),
        (HEADER + "<DECSAL/>", "/DECSAL/DECSAL"),
    ],
)
def test_what_does_not_belong_is_told_with_its_path(body: str, path: str) -> None:
    faults = file_faults(document("DECSAL", body))
    assert faults[0][0] == path.removesuffix("/text")


def test_file_and_record_faults_are_told_together() -> None:
    raw = batch("DECSAL", record("DECSAL", BaseWage="x"), record("DECSAL"), signature="<Late/>")
    checked = check(raw)
    assert [fault.path for fault in checked.faults] == ["/DECSAL/Late"]
    assert [malformed.number for malformed in checked.malformed] == [1]
    assert [number for number, _ in checked.good] == [2]


def test_a_stranger_among_records_is_told_beside_the_faults_of_the_header() -> None:
    header = HEADER.replace(">test<", ">Test<")
    raw = document("DECSAL", f"{header}<Wages>7</Wages><Wage/><Wages/><Header/>")
    assert file_faults(raw) == [
        ("/DECSAL/Header[1]/Environment", "Environment", "Test"),
        ("/DECSAL/Wages[1]", "Wages", "7"),
    ]


def test_a_second_header_is_a_stranger() -> None:
    assert file_faults(document("DECSAL", HEADER * 2))[0][0] == "/DECSAL/Header[2]"


def test_prefixed_elements_are_found_by_their_paths() -> None:
    raw = batch("DECSAL", header=HEADER.replace(">CCSS<", ">x<").replace(">test<", ">y<")).decode()
    raw = raw.replace("<", "<p:").replace("<p:/", "</p:").replace("xmlns=", "xmlns:p=")
    raw = raw.replace("</p:Header>", '<q:Header xmlns:q="urn:q"/></p:Header>')
    assert [path for path, _, _ in file_faults(raw.encode())] == [
        "/DECSAL/Header/Recipient",
        "/DECSAL/Header/Environment",
        "/DECSAL/Header/Header",
    ]


def test_a_batch_inside_another_document_is_judged_by_itself() -> None:
    inner = smallest("DECSAL").decode().replace("2026-07", "x").replace(">CCSS<", ">x<")
    [batch_element] = tree(f"<outer><p/>{inner}</outer>".encode()).findall(OURS + "DECSAL")
    checked = form("DECSAL").check(batch_element)
    assert [fault.path for fault in checked.faults] == ["/DECSAL/Header/Recipient"]
    assert checked.malformed[0].faults[0].path == "/DECSAL/Wage[1]/Period"


@pytest.mark.parametrize("code", OUTBOUND)
def test_an_answer_has_no_records_to_judge(code: str) -> None:
    with pytest.raises(ValueError, match="no records"):
        form(code).check(tree(smallest(code)))


def test_validate_raises_with_all_faults_and_quotes_no_value() -> None:
    raw = smallest("CALCUL").replace(b">0.00<", b">-0.00<").replace(b"2026-07", b"secret")
    with pytest.raises(FormFaults) as refusal:
        form("CALCUL").validate(tree(raw))
    faults = refusal.value.faults
    assert [(fault.path, fault.value) for fault in faults] == [
        ("/CALCUL/Period", "secret"),
        ("/CALCUL/EmployeeTotal", "-0.00"),
        ("/CALCUL/EmployerTotal", "-0.00"),
        ("/CALCUL/Total", "-0.00"),
        ("/CALCUL/Corrected", "-0.00"),
        ("/CALCUL/Refunded", "-0.00"),
    ]
    assert all(fault.message and fault.line == 2 for fault in faults)
    assert "secret" not in str(refusal.value)
    assert "/CALCUL/Period" in str(refusal.value)


def test_validate_refuses_another_root() -> None:
    with pytest.raises(FormFaults, match="/MATASS"):
        form("MATRET").validate(tree(smallest("MATASS")))


# Whatever is in it

NAMES = ("Wage", "Header", "Employer", "Period", "BaseWage", "Reference", "Bonus", "DECSAL", "Signature")
texts = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0x2FFF, exclude_categories=["Cs"])
    | st.sampled_from("\t\n\r "),
    max_size=5,
)
known_texts = st.sampled_from(["", "2026-07", "3500.00", "2099990001299", "\n", " x "])
spaces = st.sampled_from(
    [NAMESPACE, NAMESPACE, NAMESPACE, "", "urn:other", "http://www.w3.org/2000/09/xmldsig#"]
)
attribute_names = st.sampled_from(
    [
        "version",
        "a",
        "{urn:other}a",
        "{http://www.w3.org/2001/XMLSchema-instance}nil",
        "{http://www.w3.org/2001/XMLSchema-instance}type",
        "{http://www.w3.org/XML/1998/namespace}lang",
    ]
)


@st.composite
def nodes(draw: st.DrawFn, depth: int = 3) -> etree._Element:
    """Any small tree, made mostly of the words of the form."""
    kind = draw(st.sampled_from(["element"] * 8 + ["comment", "instruction"]))
    node: etree._Element
    if kind == "comment":
        node = etree.Comment(draw(st.sampled_from(["", "c\n"])))
    elif kind == "instruction":
        node = etree.ProcessingInstruction("target", "text")
    else:
        space = draw(spaces)
        name = draw(st.sampled_from(NAMES))
        node = etree.Element(f"{{{space}}}{name}" if space else name)
        node.text = draw(texts | known_texts)
        for attribute in draw(st.lists(attribute_names, max_size=2, unique=True)):
            node.set(attribute, draw(known_texts))
        if depth:
            node.extend(draw(st.lists(nodes(depth - 1), max_size=4)))
    node.tail = draw(known_texts | texts)
    return node


@st.composite
def hostile_batches(draw: st.DrawFn) -> etree._Element:
    """A batch of good records and anything, with a few things exchanged."""
    root = tree(batch("DECSAL", *draw(st.lists(st.just(record("DECSAL")), max_size=3)), signature=SIGNATURE))
    for _ in range(draw(st.integers(1, 4))):
        places = list(root.iter("*"))
        place = draw(st.sampled_from(places))
        act = draw(st.sampled_from(["add", "text", "tail", "drop", "set"]))
        if act == "add":
            place.insert(draw(st.integers(0, len(place))), draw(nodes()))
        elif act == "text":
            place.text = draw(texts | known_texts)
        elif act == "tail" and place is not root:
            place.tail = draw(texts | known_texts)
        elif act == "drop" and (parent := place.getparent()) is not None:
            parent.remove(place)
        elif act == "set":
            place.set(draw(attribute_names), draw(known_texts))
    return tree(etree.tostring(root))


@settings(max_examples=200)
@given(hostile_batches())
def test_any_batch_is_judged_completely_and_left_as_it_is(root: etree._Element) -> None:
    before = etree.tostring(root)
    checked = form("DECSAL").check(root)
    assert etree.tostring(root) == before

    numbers = [number for number, _ in checked.good] + [each.number for each in checked.malformed]
    assert sorted(numbers) == list(range(1, 1 + len(root.findall(OURS + "Wage"))))
    clean = not checked.malformed and not checked.faults
    assert clean == is_valid(form("DECSAL"), root), "the whole schema says the same"
    for _, element in checked.good:
        assert read_record(element).keys() <= RECORDS["DECSAL"].keys()
    for malformed in checked.malformed:
        assert malformed.faults
        assert malformed.fields.keys() <= RECORDS["DECSAL"].keys()
        for fault in malformed.faults:
            assert fault.record == malformed.number
            assert fault.path.startswith(f"/DECSAL/Wage[{malformed.number}]")
            assert fault.rejection in {"SALRET-2", "SALRET-3", "SALRET-4", "SALRET-5", "SALRET-99"}
            assert fault.message != "the record has not its form", "a reason was found"
    for fault in (*checked.faults, *(fault for each in checked.malformed for fault in each.faults)):
        assert fault.path.startswith("/DECSAL")
        assert fault.value is None or len(fault.value) <= LONGEST_VALUE


def is_valid(of: Form, root: etree._Element) -> bool:
    try:
        of.validate(root)
    except FormFaults:
        return False
    return True


HOSTILE = {
    "deep": "<Wage>" + "<a>" * 200 + "</a>" * 200 + "</Wage>",
    "deep in a field": f"<Wage><Employer>{'<a>' * 200}{'</a>' * 200}</Employer></Wage>",
    "records in records": "<Wage>" * 100 + "</Wage>" * 100,
    "wide": f"<Wage>{'<Employer>x</Employer>' * 5000}</Wage>",
    "wide and unknown": f"<Wage>{'<Bonus/>' * 5000}</Wage>",
    "many attributes": "<Wage>" + "".join(f'<Employer a{n}="">x</Employer>' for n in range(60)) + "</Wage>",
    "long names": f"<Wage><{'n' * 5000}/></Wage>",
    "long namespaces": f'<Wage><a xmlns="urn:{"n" * 5000}"/></Wage>',
    "names beyond ASCII": "<Wage><\u2070\u218f a\u2070='1'/><Ω/></Wage>",
    "many comments": f"<Wage>{'<!---->' * 5000}</Wage>",
    "character data": "<Wage><Employer><![CDATA[<x>]]></Employer></Wage>",
    "a batch in a record": f"<Wage>{HEADER}<DECSAL>{HEADER}</DECSAL></Wage>",
    "a signature in a record": f"<Wage>{SIGNATURE}</Wage>",
    "a schema in a record": '<Wage><s:schema xmlns:s="http://www.w3.org/2001/XMLSchema"/></Wage>',
    "a type that is none": '<Wage xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:type="q:x"/>',
    "a long text": f"<Wage><Employer>{'9' * 100_000}</Employer></Wage>",
}


@pytest.mark.parametrize("inside", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_record_is_malformed_and_its_neighbours_are_not(inside: str) -> None:
    good = record_xml("DECSAL", record("DECSAL"))
    checked = check(document("DECSAL", f"{HEADER}{good}{inside}{good}"))
    assert [number for number, _ in checked.good] == [1, 3]
    [malformed] = checked.malformed
    assert malformed.faults
    assert checked.faults == []
    assert all(len(fault.path) <= LONGEST_PATH for fault in malformed.faults)


@pytest.mark.parametrize("inside", HOSTILE.values(), ids=HOSTILE)
def test_the_same_around_records_is_a_fault_of_the_file(inside: str) -> None:
    body = inside.removeprefix("<Wage>").removesuffix("</Wage>")
    raw = document("DECSAL", f"{HEADER}<Late>{body}</Late>") if body != inside else document("DECSAL", body)
    assert check(raw).faults


def test_an_entity_that_was_not_resolved_has_no_form() -> None:
    raw = batch("DECSAL", record("DECSAL"), record("DECSAL")).replace(b"2026-07", b"2026&m;", 1)
    checked = check(b'<!DOCTYPE DECSAL [<!ENTITY m "-07">]>' + raw)
    assert [number for number, _ in checked.good] == [2]
    assert [fault.field for fault in checked.malformed[0].faults] == ["Period"]


def test_many_threads_get_the_same_verdicts() -> None:
    good, bad = (
        batch("DECSAL", record("DECSAL")),
        batch("DECSAL", record("DECSAL", Period="x"), header="<a/>"),
    )

    def told(raw: bytes) -> tuple[int, list[str]]:
        checked = check(raw)
        faults = [*checked.faults, *(fault for each in checked.malformed for fault in each.faults)]
        return len(checked.good), [fault.path for fault in faults]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(told, [good, bad] * 300))
    assert answers == [(1, []), (0, ["/DECSAL/a", "/DECSAL/Wage[1]/Period"])] * 300


# In step with its size


class CountingJudge(Judge):
    """A judge who counts the nodes looked at: `log` counts those whose faults are written down."""

    def __init__(self, inner: Judge) -> None:
        self.inner = inner
        self.looked_at = 0
        self.log = 0

    def admits(self, element: etree._Element) -> bool:
        self.looked_at += sum(1 for _ in element.iter())
        return self.inner.admits(element)

    def complaints(self, element: etree._Element) -> list[Complaint]:
        self.log += sum(1 for _ in element.iter())
        return self.inner.complaints(element)


TYPED = b'<Wage xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:type="None">'


def work(records: int) -> tuple[list[int], int, int]:
    """Nodes looked at by each judge, nodes whose faults were logged, faults found; all records bad."""
    original = form("DECSAL")
    assert original._records is not None
    judges = [
        CountingJudge(original._judge),
        CountingJudge(original._records.frame),
        CountingJudge(original._records.parts),
    ]
    watched = replace(
        original,
        _judge=judges[0],
        _records=replace(original._records, frame=judges[1], parts=judges[2]),
    )
    bad = record("DECSAL", Insured="x", BaseWage=None, Reference="é")
    raw = batch("DECSAL", *[bad] * records).replace(b"<Wage>", TYPED)
    checked = watched.check(tree(raw))
    found = sum(len(malformed.faults) for malformed in checked.malformed)
    return [judge.looked_at for judge in judges], sum(judge.log for judge in judges), found


def test_the_work_grows_in_step_with_the_records() -> None:
    none, some, twice, thrice = work(0), work(500), work(1000), work(1500)
    for index in range(3):
        growth = some[0][index] - none[0][index]
        assert growth > 0
        assert twice[0][index] - some[0][index] == growth
        assert thrice[0][index] - twice[0][index] == growth
    assert (some[2], twice[2], thrice[2]) == (2000, 4000, 6000)


def test_no_log_is_kept_over_a_batch_whose_records_are_bad() -> None:
    """The log of a schema over a whole tree looks for the place of each fault from the first child on."""
    assert work(1000)[1] == 0


def test_a_fault_of_a_record_is_placed_without_looking_at_other_records() -> None:
    """The path that libxml2 gives for a record judged alone does not depend on where it stands."""
    bad = record("DECSAL", Insured="x")
    root = tree(batch("DECSAL", *[bad] * 300))
    judge = form("DECSAL")._judge
    paths = {tuple(said.path for said in judge.complaints(each)) for each in root.findall(OURS + "Wage")}
    assert paths == {("/*/*[2]",)}


# Lines


def true_lines(raw: bytes) -> dict[tuple[int, str], int]:
    """Line of the first start tag of each name in each record, found in the text itself."""
    lines: dict[tuple[int, str], int] = {}
    number = 0
    for line, text in enumerate(raw.decode().split("\n"), start=1):
        for part in text.split("<")[1:]:
            name = part.split(">")[0].split("/")[0].strip()
            number += name == "Wage"
            lines.setdefault((number, name), line)
    return lines


@pytest.mark.parametrize("breaks", ["\n", "\r\n"])
@pytest.mark.parametrize("above", [0, 65_520, 70_000])
def test_lines_are_those_of_the_file(breaks: str, above: int) -> None:
    bad = record("DECSAL", Insured="x", Period="a\nb", BaseWage="", WorkHours=None, Reference="é")
    text = batch("DECSAL", *[bad] * 4).decode().replace("<Header>", "\n" * above + "<Header>")
    raw = text.replace("\n", breaks).encode()
    due = true_lines(text.encode())
    faults = [fault for malformed in check(raw).malformed for fault in malformed.faults]
    assert len(faults) == 4 * 5
    for fault in faults:
        place = "Wage" if fault.field == "WorkHours" else fault.field or ""
        true = due[fault.record or 0, place]
        assert fault.line == true or (true == 65535 and fault.line is None)
        assert true > above


def test_lines_are_right_when_a_record_stands_on_one_line() -> None:
    good, bad = (
        record_xml("DECSAL", minimal_record("DECSAL") | {"Period": period}).replace("\n", "") + "\n"
        for period in ("2026-07", "x")
    )
    checked = check(document("DECSAL", HEADER + (good * 1000 + bad * 10) * 70))
    assert len(checked.malformed) == 700
    for malformed in checked.malformed:
        true = malformed.number + 1
        assert line_of(malformed.element) == (None if true == 65535 else true)
        assert malformed.faults[0].line == line_of(malformed.element)


def test_lines_of_faults_outside_of_records_are_right_at_the_end() -> None:
    raw = document("DECSAL", HEADER + "\n" * 70_000 + "<Late>\n</Late>\n<Later/>")
    [fault] = check(raw).faults
    assert (fault.path, fault.line) == ("/DECSAL/Late", 70_002)


def test_comments_in_the_way_do_not_move_a_line() -> None:
    raw = document("DECSAL", HEADER + "\n" * 70_000 + "<Wage><!-- \n\n -->\n<Employer>x</Employer></Wage>")
    [malformed] = check(raw).malformed
    assert line_of(malformed.element) == 70_002
    assert malformed.faults[0].line == 70_005


def test_a_line_that_nothing_tells_is_not_invented() -> None:
    raw = document("DECSAL", HEADER + "<!--" + "\n" * 70_000 + "--><Wage/><Wage/><Wage/>").replace(
        b"\n</DECSAL>", b"</DECSAL>"
    )
    assert {line_of(malformed.element) for malformed in check(raw).malformed} == {None}


def test_a_fault_says_in_words_what_is_wrong() -> None:
    [malformed] = check(batch("DECSAL", record("DECSAL", BaseWage="3500", Employer=None))).malformed
    assert malformed.faults == (
        Fault(
            1,
            "BaseWage",
            "/DECSAL/Wage[1]/BaseWage",
            6,
            "3500",
            "SALRET-4",
            "BaseWage is not spelt as Amount asks",
        ),
        Fault(1, "Employer", "/DECSAL/Wage[1]/Employer", 3, None, "SALRET-2", "Employer is absent"),
    )
