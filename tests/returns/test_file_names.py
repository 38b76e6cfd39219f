"""The operator's file-name pattern."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import names
from gateway.batch import MemberId
from gateway.names import FileName

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
file_names = st.builds(FileName, st.from_regex(r"[A-Z]{6}", fullmatch=True), stamps, members, st.booleans())


@given(file_names)
def test_a_name_reads_back_as_it_was_written(name: FileName) -> None:
    assert names.parse(str(name)) == name


@given(file_names)
def test_the_next_stamp_is_later_and_the_rest_stays(name: FileName) -> None:
    later = names.next_stamp(name)
    assert later.stamp > name.stamp
    assert (later.type, later.member, later.incoming) == (name.type, name.member, name.incoming)


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
