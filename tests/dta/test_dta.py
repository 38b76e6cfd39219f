"""The bridge between `.dta` records and batches: loss-free both ways, or a refusal that says why."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from typer.testing import CliRunner

from adapters.cli import app
from gateway import dta, wire
from gateway.batch import Header, MemberId
from gateway.dta import DtaFile, UnreadableError, UnwritableError
from gateway.moments import Received
from xsd import Form, catalogue

DAY = Received(datetime(2026, 8, 3, 9, 0, tzinfo=UTC)).day
DECSAL, DECAFF, DEMMAT, DEMUTI, DECMAL, DECINT = (
    catalogue().form(code, "1.0", DAY)
    for code in ("DECSAL", "DECAFF", "DEMMAT", "DEMUTI", "DECMAL", "DECINT")
)
DEMEMP, DEMMAN, DEMCER, DECREC, OWNCAL = (
    catalogue().form(code, "1.0", DAY) for code in ("DEMEMP", "DEMMAN", "DEMCER", "DECREC", "OWNCAL")
)
FORMS = pytest.mark.parametrize(
    "form",
    [DECSAL, DECAFF, DEMMAT, DEMUTI, DECMAL, DECINT, DEMEMP, DEMMAN, DEMCER, DECREC, OWNCAL],
    ids=lambda form: form.code,
)
MEMBER = MemberId("2099990001299", "999999")

RAW = (
    b"0;2099990001299;999999\r\n"
    b"1;2099990001299;1893120105732;202501;350000;173;12000;0;0;0;0;0;0;01;31;;;;;REF1\r\n"
)
WAGE = {
    "Employer": "2099990001299",
    "Insured": "1893120105732",
    "Period": "2025-01",
    "BaseWage": "3500.00",
    "WorkHours": "173",
    "Supplements": "120.00",
    "OvertimePay": "0.00",
    "OvertimeHours": "0",
    "Gratuities": "0.00",
    "UnemploymentPay": "0.00",
    "InactiveHours": "0",
    "NonPensionable": "0.00",
    "FirstDay": "01",
    "LastDay": "31",
    "Reference": "REF1",
}


def digits(count: int) -> st.SearchStrategy[str]:
    return st.integers(0, 10**count - 1).map(f"{{:0{count}d}}".format)


def hundredths(most: int) -> st.SearchStrategy[str]:
    return st.integers(0, most).map(lambda n: f"{n // 100}.{n % 100:02d}")


def whole(most: int) -> st.SearchStrategy[str]:
    return st.integers(0, most).map(str)


year = st.integers(1000, 2999)
month = st.integers(1, 12)
# Form-legal and plain ASCII without quotes, which is what the layout can carry.
line = st.text("AZaz09 .,'/+-()", min_size=1, max_size=10).map(str.strip).filter(bool)
capitals = st.text("AEZ", min_size=1, max_size=10)
SPELT = {
    "Matricule": digits(13),
    "PeriodType": st.builds("{:04d}-{:02d}".format, year, month),
    "Date": st.builds("{:04d}-{:02d}-{:02d}".format, year, month, st.integers(1, 31)),
    "Amount": hundredths(999_999_999_99),
    "OwnAmount": hundredths(999_999_999_99),
    "InsuredGroup": st.sampled_from(["employee", "pupil", "apprentice", "occasional", "pensioner", "public"]),
    "Hours": whole(999),
    "IncapacityHours": whole(999),
    "OvertimeHours": whole(99_999),
    "DayOfMonth": st.integers(1, 31).map("{:02d}".format),
    "Flag": st.just("Y"),
    "Reference": st.text(
        st.characters(min_codepoint=32, max_codepoint=126, exclude_characters='";'), min_size=1, max_size=40
    ),
    "Kind": st.sampled_from(["entry", "exit", "change", "cancellation"]),
    "MissionKind": st.sampled_from(["mission", "entry", "exit", "change", "cancellation"]),
    "Truth": st.sampled_from(["true", "false"]),
    "IncapacityKind": st.sampled_from(["declaration", "cancellation"]),
    "IncapacityType": digits(1),
    "Country": st.text("ALUZ", min_size=2, max_size=2),
    "Postcode": st.sampled_from(["1234", "L-1234", "SW1A 1AA", "0001"]),
    "EmployerKind": st.sampled_from(["registration", "name"]),
    "MandateKind": st.sampled_from(["request", "grant", "confirm", "end"]),
    "CertificateKind": st.sampled_from(["affiliation", "income"]),
    "NationalNumber": digits(11),
    "LegalForm": digits(2),
    "Activity": digits(4),
    "MemberCode": digits(19),
    "Scope": st.lists(st.text("ACDE", min_size=6, max_size=6), min_size=1, max_size=5).map(" ".join),
    "Ordinal": st.integers(1, 10**18 - 1).map(str),
    "Town": line,
    "Occupation": line,
    "Street": line,
    "CompanyName": line,
    "HouseNumber": line,
    "OccupationCode": digits(4),
    "Scheme": digits(2),
    "WeeklyHours": hundredths(99_99),
    "Percent": hundredths(100_00),
    "ContractType": st.sampled_from("EDSOI"),
    "ExitReason": whole(99),
    "PersonName": capitals | st.just("D'EXEMPLE-MODELE"),
}


def records(form: Form) -> st.SearchStrategy[dict[str, str]]:
    """Records that a form admits, in its order."""
    chosen = st.fixed_dictionaries(
        {field.name: SPELT[field.type_name] for field in form.fields if field.required},
        optional={field.name: SPELT[field.type_name] for field in form.fields if not field.required},
    )
    names = [field.name for field in form.fields]
    return chosen.map(lambda record: {name: record[name] for name in names if name in record})


members = st.builds(MemberId, digits(13), digits(6))


def batch(form: Form, written: list[dict[str, str]]) -> etree._Element:
    assert form.record is not None
    header = Header(form.code, "1.0", MEMBER, "CCSS", "test", datetime(2026, 8, 3, tzinfo=UTC))
    return wire.write_batch(header, form.record, written)


@FORMS
@given(choice=st.data())
@settings(deadline=None)
def test_what_a_form_admits_comes_back_as_it_was_written(form: Form, choice: st.DataObject) -> None:
    member, written = choice.draw(members), choice.draw(st.lists(records(form), max_size=4))
    form.validate(batch(form, written))
    raw = dta.write(member, written, form)
    assert dta.read(raw, form) == DtaFile(member, written)
    assert dta.write(member, dta.read(raw, form).records, form) == raw


@FORMS
@given(choice=st.data())
@settings(deadline=None)
def test_any_text_comes_back_as_it_was_or_is_refused(form: Form, choice: st.DataObject) -> None:
    record = choice.draw(records(form))
    name = choice.draw(st.sampled_from([field.name for field in form.fields]))
    record[name] = choice.draw(st.text(max_size=12) | st.text("0123456789.-", max_size=12))
    try:
        raw = dta.write(MEMBER, [record], form)
    except UnwritableError as refused:
        assert (refused.record, refused.field) == (1, name)
    else:
        assert dta.read(raw, form).records == [record]


@FORMS
@given(choice=st.data())
@settings(deadline=None)
def test_any_line_is_written_again_as_it_was_or_is_refused(form: Form, choice: st.DataObject) -> None:
    good = dta.write(MEMBER, [choice.draw(records(form))], form)
    values = good.split(b";")
    place = choice.draw(st.integers(0, len(values) - 1))
    values[place] = choice.draw(st.binary(max_size=8) | st.text("0123456789.-", max_size=12).map(str.encode))
    raw = b";".join(values)
    try:
        file = dta.read(raw, form)
    except UnreadableError as refused:
        assert 1 <= refused.line <= 3
    else:
        assert dta.write(file.member, file.records, form) == raw.removesuffix(b"\r\n") + b"\r\n"


@given(st.binary(max_size=100))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    with pytest.raises(UnreadableError):
        dta.read(raw, DECSAL)


def test_the_documented_shape() -> None:
    assert dta.read(RAW, DECSAL) == DtaFile(MEMBER, [WAGE])
    assert dta.write(MEMBER, [WAGE], DECSAL) == RAW


def test_a_declaration_and_a_cancellation_of_incapacity_have_their_own_record_types() -> None:
    declared = {
        "Kind": "declaration",
        "Employer": "2099990001299",
        "Insured": "1893120105732",
        "Period": "2026-07",
        "IncapacityType": "1",
        "Start": "2026-07-13",
        "End": "2026-07-17",
        "Hours": "40",
    }
    cancelled = {name: declared[name] for name in ("Employer", "Insured", "Period")}
    records = [declared, {"Kind": "cancellation", **cancelled}]
    raw = dta.write(MEMBER, records, DECMAL)
    assert raw.splitlines()[1:] == [
        b"1;2099990001299;1893120105732;202607;1;20260713;20260717;40;",
        b"2;2099990001299;1893120105732;202607;;;;;",
    ]
    assert dta.read(raw, DECMAL).records == records


def test_a_last_filler_stays_empty() -> None:
    raw = dta.write(MEMBER, [{"Kind": "cancellation"}], DECMAL)
    with pytest.raises(UnreadableError, match="line 2, field 9: 'X'") as refused:
        dta.read(raw.removesuffix(b"\r\n") + b"X\r\n", DECMAL)
    assert "filler" in refused.value.advice


def test_absent_fields_and_fillers_are_empty_and_a_record_is_always_whole() -> None:
    required = {name: WAGE[name] for name in ("Employer", "Insured", "Period", "BaseWage", "WorkHours")}
    raw = dta.write(MEMBER, [required], DECSAL)
    assert raw.splitlines()[1] == b"1;2099990001299;1893120105732;202501;350000;173;;;;;;;;;;;;;;"
    assert raw.splitlines()[1].count(b";") == 19
    assert dta.read(raw, DECSAL).records == [required]


@FORMS
def test_each_field_stands_at_its_number(form: Form) -> None:
    for field in form.fields:
        raw = dta.write(MEMBER, [{field.name: "%"}], form)
        values = raw.splitlines()[1].split(b";")
        assert [number for number, value in enumerate(values, start=1) if value == b"%"] == [field.number]


def test_only_the_last_line_end_may_be_missing() -> None:
    assert dta.read(RAW.removesuffix(b"\r\n"), DECSAL) == dta.read(RAW, DECSAL)


@pytest.mark.parametrize(
    ("field", "form", "text", "spelt"),
    [
        ("BaseWage", DECSAL, "0.05", "5"),
        ("BaseWage", DECSAL, "0.00", "0"),
        ("BaseWage", DECSAL, "0.50", "50"),
        ("BaseWage", DECSAL, "999999999.99", "99999999999"),
        ("Period", DECSAL, "2026-07", "202607"),
        ("Entry", DECAFF, "2026-07-01", "20260701"),
        ("Entry", DECAFF, "2026-02-30", "20260230"),
        ("Kind", DECAFF, "cancellation", "CANCELLATION"),
        ("WeeklyHours", DECAFF, "40.00", "4000"),
        ("WeeklyHours", DECAFF, "0.25", "25"),
        ("Share", DECAFF, "100.00", "10000"),
        ("SchemeControl", DECAFF, "03", "03"),
        ("Scheme", DECAFF, "01", "01"),
        ("BirthDate", DEMMAT, "1894-05-17", "18940517"),
        ("Surname", DEMMAT, "D'EXEMPLE", "D'EXEMPLE"),
        ("Kind", DECMAL, "declaration", "1"),
        ("Kind", DECMAL, "cancellation", "2"),
        ("Period", DECMAL, "2026-07", "202607"),
        ("Start", DECMAL, "2026-07-13", "20260713"),
        ("Hours", DECMAL, "40", "40"),
        ("Kind", DECINT, "mission", "MISSION"),
        ("Manual", DECINT, "true", "TRUE"),
        ("Exit", DECINT, "2026-07-10", "20260710"),
        ("WeeklyHours", DECINT, "40.00", "4000"),
        ("Name", DEMUTI, "Beispiel & Co. KG", "Beispiel & Co. KG"),
        ("Postcode", DEMUTI, "01067", "01067"),
        ("Kind", DEMEMP, "registration", "REGISTRATION"),
        ("Started", DEMEMP, "2026-09-01", "20260901"),
        ("Kind", DEMMAN, "end", "END"),
        ("Procedures", DEMMAN, "CALCUL DECSAL", "CALCUL DECSAL"),
        ("Kind", DEMCER, "income", "INCOME"),
        ("First", DEMCER, "2026-01", "202601"),
        ("Period", DECREC, "2026-08", "202608"),
        ("Group", OWNCAL, "employee", "EMPLOYEE"),
        ("CareEmployee", OWNCAL, "106.75", "10675"),
    ],
)
def test_values_are_spelt_for_each_side(field: str, form: Form, text: str, spelt: str) -> None:
    raw = dta.write(MEMBER, [{field: text}], form)
    (number,) = (known.number for known in form.fields if known.name == field)
    assert raw.splitlines()[1].split(b";")[number - 1] == spelt.encode()
    assert dta.read(raw, form).records == [{field: text}]


def put(form: Form, number: int, value: str) -> bytes:
    """A file of one record with one value."""
    empty = dta.write(MEMBER, [{}], form).splitlines()[1].decode()
    values = ["1", *empty.split(";")[1:]]
    values[number - 1] = value
    return b"0;2099990001299;999999\r\n" + ";".join(values).encode() + b"\r\n"


@pytest.mark.parametrize(
    ("form", "number", "value", "code"),
    [
        (DECSAL, 2, "209999000129", "SALRET-2"),
        (DECSAL, 3, "ABC", "SALRET-3"),
        (DECSAL, 4, "202613", "SALRET-5"),
        (DECSAL, 4, "2026", "SALRET-5"),
        (DECSAL, 5, "ABC", "SALRET-4"),
        (DECSAL, 5, "3250,00", "SALRET-4"),
        (DECSAL, 5, "-350000", "SALRET-4"),
        (DECSAL, 5, "0350000", "SALRET-4"),
        (DECSAL, 5, "9" * 5000, "SALRET-4"),
        (DECSAL, 6, "173.5", "SALRET-4"),
        (DECSAL, 14, "32", "SALRET-99"),
        (DECSAL, 16, "N", "SALRET-99"),
        (DECAFF, 2, "Entry", "AFFRET-99"),
        (DECAFF, 11, "40,0", "AFFRET-9"),
        (DECAFF, 13, "20261301", "AFFRET-11"),
        (DECAFF, 13, "1.7.2026", "AFFRET-11"),
        (DECAFF, 19, "10001", "AFFRET-22"),
        (DEMMAT, 5, "17051894", "MATRET-4"),
        (DEMMAT, 6, "LUX", "MATRET-5"),
        (DECMAL, 1, "3", "MALRET-1"),
        (DECMAL, 1, "", "MALRET-1"),
        (DECMAL, 4, "202613", "MALRET-4"),
        (DECMAL, 5, "01", "MALRET-7"),
        (DECMAL, 6, "13.07.2026", "MALRET-5"),
        (DECMAL, 8, "40.0", "MALRET-10"),
        (DEMUTI, 2, "2099", "UTIRET-EMPLOYER"),
        (DECINT, 2, "Mission", "INTRET-99"),
        (DECINT, 5, "20999900020", "INTRET-3"),
        (DECINT, 11, "YES", "INTRET-99"),
        (DECINT, 15, "06.07.2026", "INTRET-4"),
        (DECINT, 20, "DEU", "INTRET-POSTING"),
        (DEMUTI, 6, "DEU", "UTIRET-1"),
        (DEMEMP, 2, "Name", "EMPRET-1"),
        (DEMEMP, 13, "1.9.2026", "EMPRET-9"),
        (DEMMAN, 4, "2099990020999", "MANRET-3"),
        (DEMMAN, 5, "DECSAL,DECAFF", "MANRET-4"),
        (DEMMAN, 8, "0", "MANRET-7"),
        (DEMCER, 6, "202613", "CERRET-5"),
        (DECREC, 2, "209999000129", "RECRET-1"),
        (DECREC, 3, "202613", "RECRET-2"),
        (DEMUTI, 7, "d-54290", "UTIRET-2"),
    ],
)
def test_a_value_not_spelt_as_asked_gets_the_right_code(
    form: Form, number: int, value: str, code: str
) -> None:
    raw = put(form, number, value)
    file = dta.read(raw, form)
    (malformed,) = form.check(batch(form, [dict(record) for record in file.records])).malformed
    (field,) = (known for known in form.fields if known.number == number)
    assert code in {fault.rejection for fault in malformed.faults if fault.field == field.name}
    assert dta.write(file.member, file.records, form) == raw


@pytest.mark.parametrize(
    ("form", "number", "value"),
    [
        (DECSAL, 5, "3500.00"),
        (DECSAL, 4, "2026-07"),
        (DECAFF, 13, "2026-07-01"),
        (DECAFF, 2, "entry"),
        (DECAFF, 11, "40.00"),
        (DECAFF, 19, "25.00"),
        (DECMAL, 1, "declaration"),
        (DECMAL, 6, "2026-07-13"),
    ],
)
def test_a_value_spelt_as_in_the_form_is_not_quietly_taken(form: Form, number: int, value: str) -> None:
    with pytest.raises(UnreadableError, match=f"line 2, field {number}: '{re.escape(value)}'") as refused:
        dta.read(put(form, number, value), form)
    assert "is written" in refused.value.advice


@pytest.mark.parametrize(
    ("form", "field", "value"),
    [
        (DECSAL, "BaseWage", "350000"),
        (DECSAL, "Period", "202607"),
        (DECAFF, "Entry", "20260701"),
        (DECAFF, "Kind", "ENTRY"),
        (DECAFF, "WeeklyHours", "40"),
        (DECMAL, "Kind", "2"),
        (DECMAL, "End", "20260717"),
    ],
)
def test_a_value_that_would_change_its_meaning_is_not_written(form: Form, field: str, value: str) -> None:
    with pytest.raises(UnwritableError, match="would be taken for"):
        dta.write(MEMBER, [{field: value}], form)


@pytest.mark.parametrize(
    "value", ["", "A;B", "A\rB", "A\nB", "A\r\n1;2", 'A"B', "É", "A\tB", "\x00", "\x7f", "\ud800"]
)
def test_a_text_that_would_break_out_is_not_written(value: str) -> None:
    good = {"Employer": "2099990001299"}
    with pytest.raises(UnwritableError, match=r"^record 2, Reference \(field 20\): ") as refused:
        dta.write(MEMBER, [good, {**good, "Reference": value}], DECSAL)
    assert (refused.value.record, refused.value.field, refused.value.number) == (2, "Reference", 20)
    assert refused.value.advice


def test_a_field_that_the_layout_has_not_is_not_written() -> None:
    with pytest.raises(UnwritableError, match=r"record 1, Bonus \(field unknown\)"):
        dta.write(MEMBER, [{"Bonus": "1"}], DECSAL)


@pytest.mark.parametrize(
    "member", [MemberId("209999000129", "9999999"), MemberId("2099990001299", "1;2"), MemberId("", "")]
)
def test_a_member_has_its_digits(member: MemberId) -> None:
    with pytest.raises(ValueError, match="13 digits"):
        dta.write(member, [], DECSAL)


SECOND = RAW.splitlines(keepends=True)[1]
HEAD = RAW.splitlines(keepends=True)[0]


@pytest.mark.parametrize(
    ("raw", "line", "field", "seen"),
    [
        (b"", 1, None, "empty"),
        (b"\r\n", 1, None, "''"),
        (SECOND, 1, None, "'1;2099990001299"),
        (HEAD.replace(b"999999", b"99999"), 1, None, "99999'"),
        (HEAD.replace(b"2099990001299", b"20999900012"), 1, None, "20999900012;"),
        (HEAD.replace(b"\r\n", b";\r\n") + SECOND, 1, None, "999999;'"),
        (RAW.replace(b"\r\n", b"\n"), 1, 3, "0x0A alone"),
        (RAW.replace(b"\r\n", b"\r"), 1, 3, "0x0D alone"),
        (HEAD + SECOND + SECOND.replace(b"\r\n", b"\n"), 3, 20, "0x0A alone"),
        (RAW + b"\r\n", 3, 1, "''"),
        (HEAD + b"\r\n" + SECOND, 2, 1, "''"),
        (HEAD + HEAD, 2, 1, "'0'"),
        (RAW.replace(b"\r\n1;", b"\r\n2;"), 2, 1, "'2'"),
        (RAW.replace(b";REF1", b""), 2, None, "19 fields"),
        (RAW.replace(b";REF1", b";REF1;"), 2, None, "21 fields"),
        (RAW.replace(b";;REF1", b";X;REF1"), 2, 19, "'X'"),
        (RAW.replace(b"REF1", "RÉF1".encode("latin-1")), 2, 20, "0xC9"),
        (RAW.replace(b"REF1", "RÉF1".encode()), 2, 20, "0xC3"),
        (b"\xef\xbb\xbf" + RAW, 1, 1, "0xEF"),
        (RAW.replace(b"REF1", b"REF\t1"), 2, 20, "0x09"),
        (RAW.replace(b"REF1", b"REF\x1a"), 2, 20, "0x1A"),
        (RAW.replace(b"REF1", b'"REF1"'), 2, 20, "quotation mark"),
        (RAW.replace(b"REF1", b"REF\x7f"), 2, 20, "0x7F"),
    ],
)
def test_a_fault_of_the_layout_says_where_what_and_what_to_do(
    raw: bytes, line: int, field: int | None, seen: str
) -> None:
    with pytest.raises(UnreadableError) as refused:
        dta.read(raw, DECSAL)
    assert (refused.value.line, refused.value.field) == (line, field)
    assert seen in refused.value.seen
    assert len(refused.value.advice) > 20
    assert refused.value.advice in str(refused.value)


def test_activities_abroad_are_in_xml_only() -> None:
    demdet = catalogue().form("DEMDET", "1.0", DAY)
    with pytest.raises(UnreadableError, match="DEMDET is taken in XML only, since 2 April 2024"):
        dta.read(RAW, demdet)
    with pytest.raises(ValueError, match="DEMDET is taken in XML only"):
        dta.write(MEMBER, [], demdet)


def test_the_command_says_so(tmp_path: Path) -> None:
    file = tmp_path / "DEMDET.dta"
    file.write_bytes(b"0;2099990001299;999999\r\n")
    done = CliRunner().invoke(app, ["convert", str(file), "--out", str(tmp_path / "out")])
    assert done.exit_code != 0
    assert "XML only, since 2 April 2024" in " ".join(done.output.split())
    assert not (tmp_path / "out").exists()
