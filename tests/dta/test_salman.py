"""SALMAN as the operator's `.dta` of seven fields: written without loss, and read back."""

from __future__ import annotations

from datetime import UTC, date, datetime

from hypothesis import given, settings
from lxml import etree

from gateway import dta, wire
from gateway.batch import MemberId
from gateway.moments import Period
from gateway.returns import salman
from gateway.returns.salman import MissingWage, MissingWages
from tests.returns import documents
from xsd import catalogue

FORM = catalogue().form("SALMAN", "1.0", date(2026, 8, 3))
MEMBER = MemberId("2099990001299", "999999")


@given(documents.missing_wages)
@settings(deadline=None)
def test_a_notice_crosses_the_bridge_and_comes_back_as_it_was(document: MissingWages) -> None:
    member = document.header.recipient
    raw = dta.write(member, salman.records(document), FORM)
    back = dta.read(raw, FORM)
    assert back.member == member
    assert tuple(map(salman.of_record, back.records)) == document.missing
    assert dta.write(back.member, back.records, FORM) == raw
    again = MissingWages(document.header, tuple(map(salman.of_record, back.records)))
    assert etree.tostring(salman.write(again)) == etree.tostring(salman.write(document))


def test_a_record_has_the_seven_fields_of_the_layout() -> None:
    header = wire.AnswerHeader(MEMBER, "test", datetime(2026, 8, 3, tzinfo=UTC))
    july = Period(2026, 7)
    missing = (
        MissingWage("2099990001299", "1893120105732", july, "MUSTER", "ANNA", "BEISPIEL"),
        MissingWage("2099990001299", "1894050600302", july),
    )
    assert dta.write(MEMBER, salman.records(MissingWages(header, missing)), FORM) == (
        b"0;2099990001299;999999\r\n"
        b"1;2099990001299;1893120105732;202607;MUSTER;ANNA;BEISPIEL\r\n"
        b"1;2099990001299;1894050600302;202607;;;\r\n"
    )
