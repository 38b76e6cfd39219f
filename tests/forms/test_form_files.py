"""The schema files by themselves: complete, documented, of one spelling, and closed to the world."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
import xmlschema
from lxml import etree

import xsd
from gateway.procedures import PARTS
from tests.forms.samples import (
    ANSWERS,
    HEADER,
    INBOUND,
    NOTICES,
    OUTBOUND,
    WHOLE,
    document,
    form,
    minimal_record,
    record_xml,
    smallest,
    tree,
)
from xsd import FormFaults, catalogue, schema
from xsd.schema import XS, ForeignAddressError, Judge

BUNDLE = Path(str(files("xsd")))
CODES = INBOUND + OUTBOUND
PLACES = ("envelope/1.0.xsd", *(f"{code.lower()}/1.0.xsd" for code in (*CODES, WHOLE)))
RETURN_OF = {
    "MATRET": "DEMMAT",
    "AFFRET": "DECAFF",
    "SALRET": "DECSAL",
    "MALRET": "DECMAL",
    "UTIRET": "DEMUTI",
    "EMPRET": "DEMEMP",
    "MANRET": "DEMMAN",
    "CERRET": "DEMCER",
    "OWNRET": "OWNCAL",
    "RECRET": "DECREC",
    "INTRET": "DECINT",
    "DETRET": "DEMDET",
}


def written(place: str) -> etree._Element:
    """A schema as it stands in its file, without what it includes."""
    return etree.parse(BUNDLE / place).getroot()


def declarations(place: str) -> Iterator[etree._Element]:
    """Elements and attributes that a schema declares, not those it only refers to."""
    for declared in written(place).iter(XS + "element", XS + "attribute"):
        if declared.get("name") is not None:
            yield declared


def documentation(declared: etree._Element) -> str:
    return declared.findtext(f"{XS}annotation/{XS}documentation", "")


def test_the_bundle_holds_the_forms_of_the_catalogue_and_no_others() -> None:
    kept = {str(path.relative_to(BUNDLE)) for path in BUNDLE.rglob("*.xsd")}
    assert kept == set(PLACES)
    listed = {(entry.code, version) for entry in catalogue().entries.values() for version in entry.versions}
    assert listed == {(place.partition("/")[0].upper(), "1.0") for place in PLACES}


@pytest.mark.parametrize("place", PLACES)
def test_both_judges_build_every_schema(place: str) -> None:
    assert etree.XMLSchema(schema.load(place)) is not None
    assert xmlschema.XMLSchema10(BUNDLE / place).target_namespace == xsd.NAMESPACE


@pytest.mark.parametrize("place", PLACES[1:-1])
def test_a_form_includes_the_envelope_and_nothing_else(place: str) -> None:
    loads = [XS + name for name in ("include", "import", "redefine")]
    [include] = written(place).iter(*loads)
    assert (include.tag, include.get("schemaLocation")) == (XS + "include", "../envelope/1.0.xsd")
    assert not list(schema.load(place).iter(*loads)), "nothing is left for a schema processor to open"


def test_a_payroll_includes_the_forms_of_its_parts() -> None:
    [place] = (place for place in PLACES if place.startswith("payroll"))
    includes = [include.get("schemaLocation") for include in written(place).iter(XS + "include")]
    assert includes == [f"../{code.lower()}/1.0.xsd" for code in PARTS]
    assert not list(schema.load(place).iter(XS + "include"))


def test_a_payroll_takes_the_records_of_its_parts_in_any_order_and_no_others() -> None:
    records = [record_xml(code, minimal_record(code)) for code in (*PARTS, *reversed(PARTS))]
    form(WHOLE).validate(tree(document(WHOLE, HEADER + "".join(records))))
    stranger = record_xml("DEMUTI", minimal_record("DEMUTI"))
    with pytest.raises(FormFaults):
        form(WHOLE).validate(tree(document(WHOLE, HEADER + stranger)))


@pytest.mark.parametrize("place", PLACES)
def test_schemas_are_qualified_and_let_no_type_be_substituted(place: str) -> None:
    root = written(place)
    assert root.get("elementFormDefault") == "qualified"
    assert root.get("blockDefault") == "#all"


@pytest.mark.parametrize("place", PLACES)
def test_every_element_and_attribute_has_a_meaning_a_source_and_a_purpose(place: str) -> None:
    for declared in declarations(place):
        text = documentation(declared)
        assert re.search(r"\S.*\n\s+Source: \S.*\n\s+Purpose: \S", text, re.DOTALL), declared.get("name")


@pytest.mark.parametrize("place", PLACES)
def test_every_type_is_explained(place: str) -> None:
    for declared in written(place).iter(XS + "simpleType", XS + "complexType", XS + "group"):
        if declared.get("name") is not None:
            assert documentation(declared).strip(), declared.get("name")


@pytest.mark.parametrize("code", ["DECSAL", "CALCUL", "EXTCPT"])
def test_every_amount_and_every_number_of_hours_has_a_unit(code: str) -> None:
    counted = [
        declared
        for declared in declarations(f"{code.lower()}/1.0.xsd")
        if "Amount" in declared.get("type", "") or "Hours" in declared.get("name", "")
    ]
    assert len(counted) >= 8
    for declared in counted:
        assert "Unit: " in documentation(declared), declared.get("name")


@pytest.mark.parametrize("code", INBOUND)
def test_every_field_of_a_batch_has_its_number_and_its_codes(code: str) -> None:
    fields = form(code).fields
    numbers = [field.number for field in fields]
    assert numbers == sorted(set(numbers)), "unique, and in the order of the form"
    # Field 1 of a .dta record is its type; only in DECMAL does it say something of its own.
    assert numbers[0] == (1 if code == "DECMAL" else 2)
    answer = next(answer for answer, asked in RETURN_OF.items() if asked == code)
    for field in fields:
        assert re.fullmatch(rf"{answer}-([1-9][0-9]?|[A-Z]+)", field.rejection)
        assert re.fullmatch(rf"{answer}-([1-9][0-9]?|[A-Z]+)", field.missing)
        assert all(word in field.documentation for word in ("Source: ", "Purpose: "))
        assert "  " not in field.documentation


def test_the_fields_of_a_wage_are_those_of_the_layout() -> None:
    fields = {field.number: field for field in form("DECSAL").fields}
    assert sorted(fields) == [*range(2, 17), 20]
    assert (fields[5].name, fields[5].type_name, fields[5].rejection) == ("BaseWage", "Amount", "SALRET-4")
    assert (fields[4].rejection, fields[4].missing, fields[4].required) == ("SALRET-5", "SALRET-5", True)
    assert (fields[20].rejection, fields[20].required) == ("SALRET-99", False)
    assert [number for number, field in fields.items() if field.required] == [2, 3, 4, 5, 6]


def test_an_affiliation_requires_only_what_every_kind_needs() -> None:
    fields = form("DECAFF").fields
    assert [field.name for field in fields if field.required] == ["Kind", "Employer", "Insured"]
    codes = {field.name: field.rejection.removeprefix("AFFRET-") for field in fields}
    assert (codes["Insured"], codes["Share"], codes["PreviousExit"]) == ("1", "22", "24")
    assert {field.name: field.number for field in fields}["SchemeControl"] == 29


def test_a_mission_requires_only_what_every_kind_needs() -> None:
    fields = form("DECINT").fields
    assert [field.name for field in fields if field.required] == ["Kind", "Employer", "Insured"]
    codes = {field.name: field.rejection.removeprefix("INTRET-") for field in fields}
    assert (codes["Insured"], codes["User"], codes["Posting"], codes["Manual"]) == ("1", "3", "POSTING", "99")
    assert [field.number for field in fields] == [*range(2, 24)]


def test_an_incapacity_requires_only_what_both_kinds_need() -> None:
    fields = form("DECMAL").fields
    assert [field.name for field in fields if field.required] == ["Kind", "Employer", "Insured", "Period"]
    assert {field.number: field.rejection.removeprefix("MALRET-") for field in fields} == {
        1: "1",
        2: "3",
        3: "2",
        4: "4",
        5: "7",
        6: "5",
        7: "6",
        8: "10",
    }


def test_a_person_requires_everything_but_the_reference() -> None:
    fields = form("DEMMAT").fields
    assert [field.name for field in fields if not field.required] == ["Reference"]
    assert all(field.missing == field.rejection for field in fields if field.required)


@pytest.mark.parametrize(("answer", "asked"), RETURN_OF.items())
def test_a_return_repeats_the_fields_of_the_record_in_their_order(answer: str, asked: str) -> None:
    rejected = schema.load(f"{answer.lower()}/1.0.xsd").find(f".//{XS}element[@name='Rejected']")
    assert rejected is not None
    inside = [element for element in rejected.iter(XS + "element") if element is not rejected]
    assert [element.get("name") for element in inside] == [
        "Code",
        *(field.name for field in form(asked).fields),
    ]
    assert {(element.get("type"), element.get("minOccurs")) for element in inside[1:]} == {("Seen", "0")}


def test_the_place_of_the_signature_is_the_only_wildcard() -> None:
    wildcards = [
        (place, wildcard.get("namespace"), wildcard.get("processContents"))
        for place in PLACES
        for wildcard in written(place).iter(XS + "any", XS + "anyAttribute")
    ]
    assert wildcards == [("envelope/1.0.xsd", "http://www.w3.org/2000/09/xmldsig#", "skip")]
    for place in PLACES:
        assert "anyType" not in etree.tostring(written(place), encoding="unicode")


@pytest.mark.parametrize("place", PLACES)
def test_values_rest_on_xs_string_and_have_a_limit_or_a_pattern(place: str) -> None:
    for declared in written(place).iter(XS + "restriction"):
        base = declared.get("base", "")
        assert base == "xs:string" or not base.startswith("xs:")
        facets = {etree.QName(facet).localname for facet in declared.iterchildren("*")}
        assert facets & {"pattern", "enumeration", "maxLength"}
        assert not any(
            r"\d" in facet.get("value", "") or r"\w" in facet.get("value", "") for facet in declared
        )
    assert all(not declared.get("type", "").startswith("xs:") for declared in declarations(place)), (
        "no field has a type without a spelling"
    )


@pytest.mark.parametrize("code", INBOUND)
def test_no_text_of_a_record_is_without_bound(code: str) -> None:
    declared = schema.parts(schema.load(f"{code.lower()}/1.0.xsd"), form(code).record or "")
    judge = Judge(declared)
    for field in form(code).fields:
        for letter in ("A", "1", "9", "é", "-"):
            endless = etree.Element(f"{{{xsd.NAMESPACE}}}{field.name}")
            endless.text = letter * 101
            assert not judge.admits(endless), field.name


@pytest.mark.parametrize("code", CODES)
def test_the_smallest_document_of_each_form_is_good(code: str) -> None:
    form(code).validate(tree(smallest(code)))
    assert form(code).root == code
    assert form(code).direction == ("out" if code in ANSWERS else "in")
    assert (form(code).record is None) == (code in ANSWERS and code not in NOTICES)
    assert bool(form(code).fields) == (code in INBOUND or code in NOTICES)


@pytest.mark.parametrize("code", NOTICES)
def test_every_field_of_a_notice_has_its_number_and_no_code(code: str) -> None:
    fields = form(code).fields
    assert [field.number for field in fields] == list(range(2, len(fields) + 2))
    assert {(field.rejection, field.missing) for field in fields} == {("", "")}
    assert all("Source: " in field.documentation for field in fields)


def test_the_fields_of_a_missing_wage_are_those_of_the_layout() -> None:
    fields = form("SALMAN").fields
    names = ["Employer", "Insured", "Period", "Surname", "FirstName", "MarriedName"]
    assert [(field.number, field.name) for field in fields] == list(enumerate(names, start=2))
    assert [field.name for field in fields if field.required] == names[:3]


STRANGE = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:secugate:1"
  targetNamespace="urn:secugate:1"><xs:include schemaLocation="{address}"/>
  <xs:element name="Any" type="Strange"/></xs:schema>"""
INCLUDED = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:secugate:1">
  <xs:simpleType name="Strange"><xs:restriction base="xs:string"/></xs:simpleType></xs:schema>"""


@pytest.mark.parametrize("kind", ["path", "file", "up"])
def test_a_schema_on_disk_is_refused_although_it_is_there(tmp_path: Path, kind: str) -> None:
    included = tmp_path / "1.0.xsd"
    included.write_text(INCLUDED)
    address = {"path": str(included), "file": included.as_uri(), "up": "../" * 20 + str(included)}[kind]
    text = STRANGE.format(address=address).encode()
    if kind != "up":
        assert etree.XMLSchema(etree.fromstring(text)), "the file itself is a good schema"
    with pytest.raises((ForeignAddressError, FileNotFoundError)):
        schema.parse(text, "decsal/1.0.xsd")


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:9/envelope/1.0.xsd",
        "https://example.org/1.0.xsd",
        "ftp://example.org/1.0.xsd",
        "//example.org/envelope/1.0.xsd",
        "file:///envelope/1.0.xsd",
        "../../envelope/1.0.xsd",
        "/envelope/1.0.xsd",
        "../envelope/9.9.xsd",
        "../catalogue.yaml",
        "",
    ],
)
@pytest.mark.parametrize("way", ["include", "redefine", 'import namespace="urn:other"'])
def test_a_schema_elsewhere_is_refused(address: str, way: str) -> None:
    text = STRANGE.format(address=address).replace("xs:include", f"xs:{way}").encode()
    with pytest.raises((ForeignAddressError, FileNotFoundError)):
        schema.parse(text, "decsal/1.0.xsd")


@pytest.mark.parametrize(
    "place",
    ["/etc/passwd", "../gateway/1.0.xsd", "decsal/../envelope/1.0.xsd", "http://x/1.0.xsd", "x\n/1.0.xsd"],
)
def test_only_places_of_the_bundle_can_be_loaded(place: str) -> None:
    with pytest.raises(ForeignAddressError, match="not in the bundle"):
        schema.load(place)


def test_the_forms_are_there_when_the_package_is_not_a_folder(tmp_path: Path) -> None:
    """An installed wheel may be a zip file."""
    archive = tmp_path / "wheel.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        for path in BUNDLE.rglob("*"):
            if path.suffix in {".py", ".xsd", ".yaml"}:
                zipped.write(path, Path("xsd") / path.relative_to(BUNDLE))
    program = (
        f"import sys; sys.path.insert(0, {str(archive)!r}); import xsd; "
        "assert '.zip' in xsd.__file__; print(len(xsd.catalogue().entries))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) == len(PLACES)
