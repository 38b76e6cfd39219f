"""The operator's file-name pattern."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import names
from gateway.batch import MemberId
from gateway.names import Extension, FileName, Mark, Office

MEMBER = MemberId("2099990001299", "100001")

members = st.builds(
    MemberId, st.from_regex(r"[0-9]{13}", fullmatch=True), st.from_regex(r"[0-9]{6}", fullmatch=True)
)
stamps = st.builds(
    lambda day, hour, minute, second, hundredth: (
        f"{day:%4Y%m%d}-{hour:02d}{minute:02d}{second:02d}{hundredth:02d}"
    ),
    st.dates(max_value=date(9998, 12, 31)),
    st.integers(0, 23),
    st.integers(0, 59),
    st.integers(0, 59),
    st.integers(0, 99),
)
types = st.from_regex(r"[A-Z]{6}", fullmatch=True) | st.just("PAYROLL")
plain_names = st.builds(FileName, types, stamps, members, st.booleans())
failed_names = st.builds(FileName, types, stamps, members, st.just(False), mark=st.just(Mark.FAIL))
pages = st.builds(
    FileName,
    types,
    stamps,
    members,
    st.just(False),
    st.sampled_from([Extension.PDF, Extension.ASICE]),
    st.just(Mark.INFO),
)
for_tests = st.builds(FileName, types, stamps, members, st.just(True), office=st.just(Office.TEST))
file_names = plain_names | failed_names | pages | for_tests


def test_an_answer_comes_from_ccss_in_every_environment() -> None:
    with pytest.raises(ValueError, match="from CCSS"):
        FileName("DECSAL", "20260803-09150012", MEMBER, incoming=False, office=Office.TEST)
    with pytest.raises(ValueError, match="from CCSS"):
        names.parse("SECU.ACKTRT.20260803-09150012.CCSSTEST.2099990001299100001.XML")


@given(file_names)
def test_a_name_reads_back_as_it_was_written(name: FileName) -> None:
    assert names.parse(str(name)) == name


@given(file_names)
def test_the_next_stamp_is_later_and_the_rest_stays(name: FileName) -> None:
    later = names.next_stamp(name)
    assert later.stamp > name.stamp
    assert replace(later, stamp=name.stamp) == name


def test_a_name_comes_in_from_the_member_and_goes_out_to_it() -> None:
    incoming = names.parse("SECU.DECSAL.20260803-09150012.2099990001299100001.CCSS.XML")
    assert incoming == FileName("DECSAL", "20260803-09150012", MEMBER, incoming=True)
    outgoing = FileName("SALRET", "20260803-09150012", MEMBER, incoming=False)
    assert str(outgoing) == "SECU.SALRET.20260803-09150012.CCSS.2099990001299100001.XML"


@pytest.mark.parametrize(
    ("at", "stamp"),
    [
        (datetime(2026, 8, 3, 7, 15, 0, 129_999, UTC), "20260803-09150012"),
        (datetime(2026, 1, 31, 23, 30, 5, 0, UTC), "20260201-00300500"),
    ],
    ids=["summer time, cut to hundredths", "winter time, next day already"],
)
def test_stamps_show_luxembourg_time(at: datetime, stamp: str) -> None:
    assert names.stamp(at) == stamp
    assert names.write("ACKTRT", MEMBER, at) == FileName("ACKTRT", stamp, MEMBER, incoming=False)


def test_the_next_stamp_carries_over_midnight() -> None:
    last = FileName("ACKTRT", "20261231-23595999", MEMBER, incoming=False)
    assert names.next_stamp(last).stamp == "20270101-00000000"


def test_ten_thousand_names_of_one_moment_differ() -> None:
    name = names.write("ACKTRT", MEMBER, datetime(2026, 8, 3, 23, 59, 30, tzinfo=UTC))
    taken = set()
    for _ in range(10_000):
        taken.add(str(name))
        name = names.next_stamp(name)
    assert len(taken) == 10_000


GOOD = "SECU.DECSAL.20260803-09150012.2099990001299100001.CCSS.XML"
FAILED = "SECU.DEMDET.20260803-09150012.FAIL.CCSS.2099990001299100001.XML"
PAGE = "SECU.DEMDET.INFO.20260803-09150012.CCSS.2099990001299100001.PDF"


def test_a_failed_file_and_a_page_to_read_are_called_as_the_operator_calls_them() -> None:
    failed = names.parse(FAILED)
    assert failed == FileName("DEMDET", "20260803-09150012", MEMBER, incoming=False, mark=Mark.FAIL)
    assert (failed.kind, str(failed)) == ("FAIL", FAILED)
    page = names.information("DEMDET", MEMBER, datetime(2026, 8, 3, 7, 15, 0, 120_000, UTC))
    assert (page.kind, str(page)) == ("INFO", PAGE.replace(".PDF", ".ASICE"))
    assert names.parse(PAGE) == replace(page, extension=Extension.PDF)
    assert names.parse(GOOD).kind == "DECSAL"


RECEIVED = datetime(2026, 8, 3, 9, 0, 0, 50_000, UTC)


@pytest.mark.parametrize(
    ("name", "former"),
    [
        ("SECU.DEMDET.20260803-09150012.2099990001299100001.CCSS.XML", "DEMDET.20260803-09150012"),
        ("SECU.DECSAL.20260803-09150012.2099990001299100001.CCSS.ASICE", "DECSAL.20260803-09150012"),
        ("SECU.PAYROLL.20260803-09150012.2099990001299100001.CCSS.XML", "PAYROLL.20260803-09150012"),
        ("SECU.DECSAL.20260803-09150012.2099990002099200002.CCSS.XML", "DECSAL.20260803-09150012"),
        ("lohn.xml", "INCONN.20260803-11000005"),
        ("", "INCONN.20260803-11000005"),
        ("../SECU.\u202e\x00\n", "INCONN.20260803-11000005"),
        (FAILED, "INCONN.20260803-11000005"),
        (PAGE, "INCONN.20260803-11000005"),
        ("SECU.SALRET.20260803-09150012.CCSS.2099990001299100001.XML", "INCONN.20260803-11000005"),
        ("SECU.DECSAL.99991231-23595999.2099990001299100001.CCSS.XML", "INCONN.20260803-11000005"),
    ],
)
def test_a_fail_is_called_after_the_failed_file_or_inconn(name: str, former: str) -> None:
    failed = names.failed(name, MEMBER, RECEIVED)
    assert str(failed) == f"SECU.{former}.FAIL.CCSS.{MEMBER}.XML"
    assert names.next_stamp(failed).mark is Mark.FAIL


@given(st.text(max_size=80) | file_names.map(str))
def test_whatever_a_file_was_called_its_fail_has_a_name(name: str) -> None:
    failed = names.failed(name, MEMBER, RECEIVED)
    assert names.parse(str(failed)) == failed
    assert (failed.kind, failed.member) == ("FAIL", MEMBER)


@pytest.mark.parametrize(
    "text",
    [
        "",
        GOOD.lower(),
        GOOD.replace(".XML", ".xml"),
        GOOD.replace("SECU.", "SECO."),
        GOOD.replace("DECSAL", "DECSA"),
        GOOD.replace("DECSAL", "DECSA1"),
        GOOD.replace("DECSAL", "DÉCSAL"),
        GOOD.replace("20260803", "20260230"),
        GOOD.replace("20260803", "20261303"),
        GOOD.replace("-0915", "-2415"),
        GOOD.replace("-0915", "-0960"),
        GOOD.replace("-09150012", "-09156012"),
        GOOD.replace("-09150012", "-091500"),
        GOOD.replace("20260803", "٢٠٢٦٠٨٠٣"),
        GOOD.replace("2099990001299100001", "209999000129910001"),
        GOOD.replace("2099990001299100001", "20999900012991000011"),
        GOOD.replace(".CCSS.", ".CNS."),
        GOOD.replace("2099990001299100001", "CCSS"),
        "SECU.DECSAL.20260803-09150012.2099990001299100001.2099990001299100001.XML",
        GOOD + "\n",
        " " + GOOD,
        GOOD + ".XML",
        "SECU.DECSAL.20260803-09150012.2099990001299100001.CCSS",
        GOOD.replace(".XML", ".PDF"),
        FAILED.replace(".XML", ".PDF"),
        FAILED.replace(".XML", ".ASICE"),
        FAILED.replace(".FAIL.", ".FAIL.FAIL."),
        FAILED.replace(".FAIL.CCSS.2099990001299100001.", ".FAIL.2099990001299100001.CCSS."),
        FAILED.replace("DEMDET.20260803-09150012.FAIL", "DEMDET.FAIL.20260803-09150012"),
        PAGE.replace(".PDF", ".XML"),
        PAGE.replace("INFO.20260803-09150012", "20260803-09150012.INFO"),
        PAGE.replace("CCSS.2099990001299100001", "2099990001299100001.CCSS"),
        PAGE.replace("INFO", "NOTE"),
        "../" + GOOD,
    ],
)
def test_anything_else_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"[a-z]+ .{10}"):
        names.parse(text)


@given(st.text(max_size=80))
def test_any_text_is_either_a_name_or_refused(text: str) -> None:
    try:
        name = names.parse(text)
    except ValueError:
        return
    assert str(name) == text


@pytest.mark.parametrize(
    "member", [MemberId("209999000129", "9100001"), MemberId("", ""), MemberId("x" * 13, "1" * 6)]
)
def test_no_name_can_be_made_for_what_is_no_member(member: MemberId) -> None:
    with pytest.raises(ValueError, match="digits"):
        FileName("ACKTRT", "20260803-09150012", member, incoming=False)
