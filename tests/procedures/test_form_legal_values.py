"""SR-8: no value that a form lets through ends in an exception.

The values are drawn from the types in the form files themselves, not from what we think they are: every
pattern, every length, every list. What a form lets through is asked of the form.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.batch import Batch, Record
from gateway.procedures import PROCEDURES, procedure
from tests.forms import samples
from tests.procedures.vector_files import WORLDS

XS = "{http://www.w3.org/2001/XMLSchema}"
FORMS = Path(__file__).parents[2] / "xsd"
CODES = [each.code for each in PROCEDURES]

_ANY = st.text(st.characters(codec="utf-8", exclude_characters="\r", min_codepoint=32), max_size=40)


@cache
def schemas(code: str) -> tuple[etree._Element, ...]:
    return tuple(etree.parse(FORMS / name / "1.0.xsd").getroot() for name in (code.lower(), "envelope"))


def named_type(code: str, name: str) -> etree._Element:
    for schema in schemas(code):
        found = schema.find(f"{XS}simpleType[@name='{name}']")
        if found is not None:
            return found
    raise LookupError(name)


def facets(code: str, simple: etree._Element) -> Iterator[etree._Element]:
    """The facets of a type, those of the type it rests on first."""
    [restriction] = simple.findall(f"{XS}restriction")
    base = restriction.get("base", "")
    if not base.startswith("xs:"):
        yield from facets(code, named_type(code, base))
    yield from restriction


@cache
def values(code: str, simple: etree._Element) -> st.SearchStrategy[str]:
    """What a type lets through, or nearly: the form has the last word."""
    found = list(facets(code, simple))
    listed = [each.get("value", "") for each in found if each.tag == f"{XS}enumeration"]
    if listed:
        return st.sampled_from(listed)
    patterns = [each.get("value", "") for each in found if each.tag == f"{XS}pattern"]
    most = min((int(each.get("value", "0")) for each in found if each.tag == f"{XS}maxLength"), default=1000)
    drawn = [st.from_regex(pattern, fullmatch=True) for pattern in patterns]
    return (st.one_of(drawn) if drawn else _ANY).filter(lambda text: len(text) <= most)


@cache
def fields(code: str) -> dict[str, tuple[st.SearchStrategy[str], bool]]:
    """Values of each field of a record, and whether it must be there."""
    schema = schemas(code)[0]
    record = schema.find(f"{XS}element[@name='{procedure(code).record}']")
    assert record is not None
    found = {}
    for element in record.iterfind(f"{XS}complexType/{XS}sequence/{XS}element"):
        simple = element.find(f"{XS}simpleType")
        if simple is None:
            simple = named_type(code, element.get("type", ""))
        found[element.get("name", "")] = (values(code, simple), element.get("minOccurs") != "0")
    return found


def test_the_fields_are_those_of_the_forms() -> None:
    for code in CODES:
        assert list(fields(code)) == list(procedure(code).form.fields)


@st.composite
def records(draw: st.DrawFn, code: str) -> dict[str, str]:
    """A record: one that is known to lead far, some of its fields drawn anew."""
    good = samples.record(code)
    for name, (texts, required) in fields(code).items():
        turn = draw(st.integers(0, 3))
        if turn == 0:
            good[name] = draw(texts)
        elif turn == 1 and not required:
            good.pop(name, None)
    return {name: good[name] for name in fields(code) if name in good}


@pytest.mark.parametrize("code", CODES)
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_form_legal_value_raises(code: str, data: st.DataObject) -> None:
    drawn = [data.draw(records(code)) for _ in range(data.draw(st.integers(1, 3)))]
    form = samples.form(code)
    admitted = []
    for fields_ in drawn:
        checked = form.check(samples.tree(samples.batch(code, fields_)))
        assert not checked.faults
        if checked.good:
            admitted.append(fields_)
    assume(admitted)
    world = WORLDS[code]
    given_ = [Record(number, number, each) for number, each in enumerate(admitted, 1)]
    outcome = procedure(code).handle(Batch(world.batch().header, given_), world.context(world.registers()))
    assert outcome.accepted + outcome.held + outcome.rejected == len(admitted)


def test_control_a_handler_that_raises_is_seen() -> None:
    """A value that the form would have refused does end in an exception: the form is what stands between."""
    world = WORLDS["DECSAL"]
    bad = {**samples.record("DECSAL"), "BaseWage": "a lot"}
    with pytest.raises(ValueError, match="a lot"):
        procedure("DECSAL").handle(
            Batch(world.batch().header, [Record(1, 1, bad)]), world.context(world.registers())
        )
