"""Fix packs: exactly the refused records, with the very texts of the return, and what to do about each."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway import dta, dta_answers, fixpack, wire
from gateway.batch import Anomaly, MemberId, Record
from gateway.outcome import Refusal
from gateway.procedures import PROCEDURES, Procedure
from gateway.rejections import LANGUAGES, REJECTIONS
from gateway.returns import rejected
from gateway.returns.rejected import RejectedRecord, RejectedRecords
from signing.parse import parse
from tests.returns import documents
from xsd import catalogue

NOW = datetime(2026, 8, 3, 9, 0, 0, 120000, tzinfo=UTC)
MEMBER = MemberId("2099990001299", "100001")
HEADER = wire.AnswerHeader(MEMBER, "test", NOW)
WAGE = {
    "Employer": "2099990001299",
    "Insured": "1893120105732",
    "Period": "2026-07",
    "BaseWage": "3812,40",
    "WorkHours": "173",
}
each = pytest.mark.parametrize("procedure", PROCEDURES, ids=lambda one: one.returns_code)


def returned(procedure: Procedure, document: RejectedRecords) -> etree._Element:
    """The return, as its recipient parses it."""
    root = rejected.write(procedure.returns_code, procedure.form.fields, document)
    return parse(etree.tostring(root, method="c14n", exclusive=True))


def salret(*records: RejectedRecord) -> etree._Element:
    (decsal,) = (one for one in PROCEDURES if one.code == "DECSAL")
    return returned(decsal, RejectedRecords(HEADER, records))


def records(batch: etree._Element, element: str) -> list[dict[str, str]]:
    return [wire.fields(part) for part in wire.children(batch, element)]


@each
@given(choice=st.data())
@settings(deadline=None, max_examples=50)
def test_a_pack_holds_exactly_the_records_of_its_return(procedure: Procedure, choice: st.DataObject) -> None:
    document = choice.draw(documents.rejected_records(procedure.form.fields).filter(lambda d: d.rejected))
    batch = parse(fixpack.write(fixpack.of(returned(procedure, document), NOW)))
    assert records(batch, procedure.record) == [dict(one.fields) for one in document.rejected]
    header = wire.read_header(batch)
    assert (header.procedure, header.recipient) == (procedure.code, "CCSS")
    assert (header.sender, header.environment) == (document.header.recipient, document.header.environment)
    assert header.created == NOW.replace(microsecond=0)
    assert not catalogue().form(procedure.code, "1.0", NOW.date()).check(batch).faults


@given(st.lists(st.sampled_from(["12", "3812,40", " ", "", "\t", "-1.00", "=1+1;"]), min_size=1, max_size=6))
@settings(deadline=None)
def test_what_a_batch_had_refused_is_in_the_pack_with_its_illegal_texts(texts: list[str]) -> None:
    refusals = [
        Refusal(Record(number, None, WAGE | {"BaseWage": text}), (Anomaly("SALRET-4", number, "BaseWage"),))
        for number, text in enumerate(texts, start=3)
    ]
    root = salret(*rejected.of(HEADER, refusals).rejected)
    batch = parse(fixpack.write(fixpack.of(root, NOW)))
    assert records(batch, "Wage") == [dict(refusal.record.fields) for refusal in refusals]


@each
def test_a_return_without_records_gives_no_pack(procedure: Procedure) -> None:
    with pytest.raises(ValueError, match="gives no record back"):
        fixpack.of(returned(procedure, RejectedRecords(HEADER, ())), NOW)


def test_other_answers_give_no_pack() -> None:
    with pytest.raises(ValueError, match=r"ACKREC gives no refused records back; .*SALRET"):
        fixpack.of(wire.write_answer("ACKREC", HEADER), NOW)


def test_a_return_that_has_not_its_form_gives_no_pack() -> None:
    root = salret(RejectedRecord(1, ("4",), WAGE))
    wire.add(root, "Rejected").set("record", "one")
    with pytest.raises(ValueError, match=r"against SALRET 1\.0"):
        fixpack.of(root, NOW)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_listing_says_what_to_do_about_each_record(language: str) -> None:
    root = salret(RejectedRecord(3, ("4", "MANDATE-EMPLOYER"), WAGE), RejectedRecord(9, ("7", "98"), WAGE))
    text = fixpack.listing("batch.XML", fixpack.of(root, NOW), language)
    first, second = text.split("\n\n")[1:]
    for part, keys in ((first, ("SALRET-4", "MANDATE-EMPLOYER")), (second, ("SALRET-7",))):
        for key in keys:
            assert f"{key}: {REJECTIONS[key].titles[language]}" in part
            assert REJECTIONS[key].remedies[language] in part
    assert "SALRET-7" not in first
    assert "(InactiveHours)" in second
    assert "SALRET 98" in second  # a code that this installation does not know yet


def test_the_listing_reminds_of_files_that_go_with_the_records() -> None:
    (demmat,) = (one for one in PROCEDURES if one.code == "DEMMAT")
    document = RejectedRecords(HEADER, (RejectedRecord(1, ("MATRET-2",), {"Surname": "?"}),))
    text = fixpack.listing("batch.XML", fixpack.of(returned(demmat, document), NOW), "en")
    assert "CARTID" in text
    assert "CARTID" not in fixpack.listing(
        "b", fixpack.of(salret(RejectedRecord(1, ("4",), WAGE)), NOW), "en"
    )


@pytest.mark.parametrize(
    "procedure",
    [one for one in PROCEDURES if not dta.is_xml_only(one.code)],
    ids=lambda one: one.returns_code,
)
@given(choice=st.data())
@settings(deadline=None, max_examples=50)
def test_the_pack_of_a_dta_return_says_what_that_of_its_xml_says(
    procedure: Procedure, choice: st.DataObject
) -> None:
    document = choice.draw(documents.rejected_records(procedure.form.fields).filter(lambda d: d.rejected))
    member = document.header.recipient
    root = rejected.write(procedure.returns_code, procedure.form.fields, document)
    answer = dta_answers.spell(root, member, NOW.date())
    assert answer is not None
    _, *lines = answer.split(b"\r\n")[:-1]
    pack = fixpack.of_dta(f"{procedure.returns_code}.x.dta", answer, NOW)
    assert (pack.procedure, pack.member) == (procedure, member)
    written = fixpack.write_dta(pack).split(b"\r\n")[1:-1]
    sent = [line.split(b";") for line in lines]
    # Field 2 of the return is the code; all others go over as they are, and no code is lost.
    assert set(written) == {b";".join([line[0], *line[2:]]) for line in sent}
    assert Counter(code.encode() for one in pack.records for code in one.codes) == Counter(
        line[1] for line in sent
    )
    assert len(pack.records) <= len(document.rejected)
    if len({tuple(one.fields.items()) for one in document.rejected}) == len(document.rejected):
        kept, left_out = fixpack.carried(fixpack.of(returned(procedure, document), NOW))
        # What a spreadsheet would take for a formula was made harmless in the return.
        if not left_out and b"?" not in answer:
            assert fixpack.write_dta(kept) == fixpack.write_dta(pack)
            assert [one.codes for one in kept.records] == [one.codes for one in pack.records]


def test_two_equal_records_with_the_same_codes_stay_two() -> None:
    line = "2099990001299;1893120105732;202607;3812,40;173;;;;;;;;;;;;;;"
    codes = ("4", "7", "4", "7", "4")
    lines = ["0;2099990001299;100001", *(f"1;{code};{line}" for code in codes)]
    pack = fixpack.of_dta("SALRET.x.dta", "".join(f"{one}\r\n" for one in lines).encode(), NOW)
    assert [(one.record, one.codes) for one in pack.records] == [
        (2, ("4", "7")),
        (4, ("4", "7")),
        (6, ("4",)),
    ]
    assert "Record 2 (line 4 of the return)" in fixpack.listing("DECSAL.dta", pack, "en")
    with pytest.raises(ValueError, match="does not tell its environment"):
        fixpack.write(pack)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("ACKREC.x.dta", "0;2099990001299;100001\r\n"),
        ("DETRET.x.dta", "0;2099990001299;100001\r\n1;1\r\n"),
        ("SALRET.x.dta", "0;2099990001299;100001\r\n"),
        ("SALRET.x.dta", "0;2099990001299;100001\r\n1\r\n"),
        ("SALRET.x.dta", "1;4;;;\r\n"),
    ],
)
def test_what_is_no_dta_return_gives_no_pack(name: str, content: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        fixpack.of_dta(name, content.encode(), NOW)


def test_a_dta_pack_holds_what_it_can_carry_and_names_the_rest() -> None:
    root = salret(
        RejectedRecord(1, ("4",), WAGE),
        RejectedRecord(2, ("99",), WAGE | {"Reference": "a;b"}),
        RejectedRecord(5, ("99",), WAGE | {"FirstDay": "0"}),
    )
    pack, left_out = fixpack.carried(fixpack.of(root, NOW))
    form = catalogue().form("DECSAL", "1.0", NOW.date())
    assert [one.record for one in pack.records] == [1, 5]
    assert dta.read(fixpack.write_dta(pack), form).records == [WAGE, WAGE | {"FirstDay": "0"}]
    assert [(one.record.record, one.reason.field) for one in left_out] == [(2, "Reference")]
    text = fixpack.listing("DECSAL.dta", pack, "en", left_out)
    assert "Not included: record number 2" in text
    assert "Reference" in text
