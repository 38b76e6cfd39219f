"""Heads, batches, and text from bad files."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway import wire
from gateway.batch import Anomaly, Header, MemberId, Record
from gateway.billing import Calculation, RefundChange
from gateway.moments import Period
from gateway.mutuality import Ground, Refund, RefundPart
from gateway.outcome import Assignment, Refusal, Verdict
from gateway.registers import InsuredMonth
from gateway.returns import acktrt, calcul, extcpt, matass, rejected, salret
from gateway.returns.anomalies import explain
from gateway.wire import AnswerHeader, JournalEntry
from tests.returns import documents

MEMBER = MemberId("2099990001299", "100001")
HEADER = AnswerHeader(MEMBER, "test", datetime(2026, 8, 3, 9, 15, tzinfo=UTC))
BATCH = Header(
    procedure="DECSAL",
    version="1.0",
    sender=MEMBER,
    recipient="CCSS",
    environment="test",
    created=datetime(2026, 8, 3, 9, 15, tzinfo=UTC),
)


def over_the_wire(root: etree._Element) -> etree._Element:
    return etree.fromstring(etree.tostring(root, method="c14n", exclusive=True))


@given(documents.batch_headers)
def test_a_sender_s_head_reads_back_as_it_was_written(header: Header) -> None:
    assert wire.read_header(over_the_wire(wire.write_batch(header, "Wage", []))) == header


@given(documents.answer_headers)
def test_an_answer_s_head_reads_back_as_it_was_written(header: AnswerHeader) -> None:
    assert wire.read_answer_header(over_the_wire(wire.write_answer("SALRET", header))) == header


def test_a_batch_is_written_as_the_forms_ask() -> None:
    root = wire.write_batch(BATCH, "Wage", [{"Employer": "2099990001299", "BaseWage": "3500.00"}])
    assert etree.tostring(root) == (
        b'<DECSAL xmlns="urn:secugate:1" version="1.0"><Header><Sender><Matricule>2099990001299</Matricule>'
        b"<Number>100001</Number></Sender><Recipient>CCSS</Recipient><Environment>test</Environment>"
        b"<Created>2026-08-03T09:15:00Z</Created></Header>"
        b"<Wage><Employer>2099990001299</Employer><BaseWage>3500.00</BaseWage></Wage></DECSAL>"
    )


def test_moments_are_written_in_utc() -> None:
    summer = timezone(timedelta(hours=2))
    header = AnswerHeader(MEMBER, "test", datetime(2026, 8, 3, 9, 15, 0, 999_999, tzinfo=summer))
    assert header.created == datetime(2026, 8, 3, 7, 15, tzinfo=UTC)
    assert (
        wire.text(wire.child(wire.write_answer("SALRET", header), "Header"), "Created")
        == "2026-08-03T07:15:00Z"
    )


def test_a_moment_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        AnswerHeader(MEMBER, "test", datetime(2026, 8, 3, 9, 15))  # noqa: DTZ001


@given(st.text(max_size=50))
def test_any_text_can_be_written_and_only_what_xml_cannot_carry_changes(text: str) -> None:
    root = wire.begin("ACKTRT")
    wire.add(root, "Value", text)
    written = wire.text(over_the_wire(root), "Value")
    assert len(written) == len(text)
    for seen, was in zip(written, text, strict=True):
        assert seen in (was, "\ufffd")
        if was.isprintable():
            assert seen == was


@pytest.mark.parametrize("text", ["\x00", "\x0b", "\x1f", "\ud800", "\ufffe", "\uffff"])
def test_what_xml_cannot_carry_is_shown_as_a_replacement(text: str) -> None:
    assert wire.safe(f"a{text}b") == "a\ufffdb"


@given(st.text(max_size=1500), st.text(max_size=1500), st.text(max_size=1500))
def test_no_anomaly_keeps_an_acknowledgement_from_being_written(field: str, path: str, value: str) -> None:
    document = acknowledgement(Anomaly("FILE-NAME", field=field, path=path, value=value))
    read = acktrt.read(over_the_wire(acktrt.write(document)))
    (anomaly,) = read.anomalies
    assert anomaly.field == wire.safe(field)[:200]
    assert anomaly.path == wire.safe(path)[:1000]
    assert anomaly.value == wire.safe(value)[:200]


def acknowledgement(*anomalies: Anomaly) -> acktrt.Acknowledgement:
    return acktrt.Acknowledgement(
        header=HEADER,
        verdict=Verdict.REJECTED,
        records=0,
        accepted=0,
        rejected=0,
        held=0,
        decisions=(),
        anomalies=anomalies,
        explanations=explain(anomalies),
        returns=(),
        journal=JournalEntry(1, "0" * 64),
    )


def test_each_code_is_explained_once_in_three_languages() -> None:
    anomalies = (Anomaly("SALRET-7", 2), Anomaly("FILE-NAME"), Anomaly("SALRET-7", 3))
    explained = explain(anomalies)
    assert [(one.code, one.official) for one in explained] == [("SALRET-7", "7"), ("FILE-NAME", None)]
    for one in explained:
        assert set(one.texts) == set(one.remedies) == {"fr", "de", "en"}
        assert len({*one.texts.values(), *one.remedies.values()}) == 6


def test_a_comment_does_not_cut_a_value() -> None:
    root = etree.fromstring(b'<A xmlns="urn:secugate:1"><Name>DEC<!-- x -->SAL<?y z?>!</Name></A>')
    assert wire.text(root, "Name") == "DECSAL!"


def test_an_element_inside_a_value_is_refused() -> None:
    root = etree.fromstring(b'<A xmlns="urn:secugate:1"><Name>DEC<b/>SAL</Name></A>')
    with pytest.raises(ValueError, match="more than text"):
        wire.text(root, "Name")


@pytest.mark.parametrize(
    "xml",
    [
        b'<SALRET xmlns="urn:secugate:1" version="1.1"/>',
        b'<SALRET xmlns="urn:secugate:2" version="1.0"/>',
        b'<AFFRET xmlns="urn:secugate:1" version="1.0"/>',
        b'<SALRET xmlns="urn:secugate:1" version="1.0"/>',
        b'<SALRET version="1.0"/>',
    ],
    ids=["version", "namespace", "another return", "no head", "no namespace"],
)
def test_another_document_is_not_read(xml: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        salret.read(etree.fromstring(xml))


def test_a_foreign_element_among_the_fields_is_refused() -> None:
    root = salret.write(rejected.RejectedRecords(HEADER, (rejected.RejectedRecord(1, ("7",), {}),)))
    etree.SubElement(wire.child(root, "Rejected"), "{urn:other}Employer").text = "x"
    with pytest.raises(ValueError, match="another namespace"):
        salret.read(root)


WAGE = {"Employer": "2099990001299", "Insured": "1893120105732", "BaseWage": "3" * 500, "Bonus": "1"}


def refusal(*codes: str) -> Refusal:
    return Refusal(Record(4, 17, WAGE), tuple(Anomaly(code, 4) for code in codes))


def test_a_return_gives_back_the_record_with_official_numbers_and_our_keys() -> None:
    document = salret.of(HEADER, [refusal("SALRET-4", "MANDATE-EMPLOYER", "SALRET-4")])
    (given_back,) = document.rejected
    assert (given_back.record, given_back.codes, given_back.fields) == (4, ("4", "MANDATE-EMPLOYER"), WAGE)


def test_what_the_form_does_not_know_is_left_out_and_long_values_are_cut() -> None:
    read = salret.read(over_the_wire(salret.write(salret.of(HEADER, [refusal("SALRET-4")]))))
    assert read.rejected[0].fields == {
        "Employer": "2099990001299",
        "Insured": "1893120105732",
        "BaseWage": "3" * 200,
    }


def test_an_assignment_tells_the_matricule_and_whose_it_is() -> None:
    asked = {
        "Employer": "2099990001299",
        "Surname": "EXEMPLE",
        "FirstName": "ALINE",
        "BirthDate": "1894-05-17",
        "Nationality": "FR",
    }
    document = matass.of(HEADER, [Assignment(Record(2, 9, asked), "1894051700105", existing=True)])
    (assigned,) = document.assigned
    assert (assigned.record, assigned.insured, assigned.existing) == (2, "1894051700105", True)
    assert (assigned.surname, assigned.first_name, str(assigned.birth_date)) == (
        "EXEMPLE",
        "ALINE",
        "1894-05-17",
    )
    assert (assigned.employer, assigned.reference) == ("2099990001299", None)


@pytest.mark.parametrize(
    ("module", "document", "total"),
    [(calcul, documents.calculations, "Total"), (extcpt, documents.statements, "Balance")],
    ids=["CALCUL", "EXTCPT"],
)
@given(choice=st.data())
def test_a_total_that_is_not_the_sum_of_its_parts_is_refused(
    module: ModuleType, document: st.SearchStrategy[object], total: str, choice: st.DataObject
) -> None:
    root = over_the_wire(module.write(choice.draw(document)))
    wire.child(root, total).text = "0.01" if wire.text(root, total) == "0.00" else "0.00"
    with pytest.raises(ValueError, match=f"{total} of {module.CODE} is"):
        module.read(root)


COUNTED = {
    *("Amount", "Employee", "Employer", "PreviousBalance", "PayRefund"),
    *("EmployeeTotal", "EmployerTotal", "Total", "Contributions", "Booked", "Corrected", "Charged"),
    *("Refunded", "Balance", "Payable", "Instalment"),
}


@pytest.mark.parametrize(
    ("module", "document"),
    [(calcul, documents.calculations), (extcpt, documents.statements)],
    ids=["CALCUL", "EXTCPT"],
)
@given(choice=st.data())
@settings(deadline=None)
def test_no_amount_that_counts_can_be_changed_alone(
    module: ModuleType, document: st.SearchStrategy[object], choice: st.DataObject
) -> None:
    root = over_the_wire(module.write(choice.draw(document)))
    amounts = [part for part in root.iter("*") if "." in (part.text or "")]
    one = choice.draw(st.sampled_from([part for part in amounts if etree.QName(part).localname in COUNTED]))
    one.text = "0.01" if one.text == "0.00" else "0.00"
    with pytest.raises(ValueError, match=r" is .* its parts give | is distributed of "):
        module.read(root)


@pytest.mark.parametrize(
    ("module", "document"),
    [(calcul, documents.calculations), (extcpt, documents.statements)],
    ids=["CALCUL", "EXTCPT"],
)
@given(choice=st.data())
@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_written_as_text_is_in_canonical_form(
    module: ModuleType, document: st.SearchStrategy[object], choice: st.DataObject
) -> None:
    """It is digested and sealed as it is."""
    one = choice.draw(document)
    assert module.canonical(one) == etree.tostring(module.write(one), method="c14n", exclusive=True)


@given(st.text(st.characters() | st.sampled_from("&<>\"'\r\n\t]\x00\x7f\x85"), max_size=20))
def test_any_text_is_quoted_as_canonical_form_has_it(text: str) -> None:
    written = f'<a x="{wire.quoted_attribute(text)}">{wire.quoted(text)}</a>'
    root = etree.fromstring(written)
    assert (root.text or "", root.get("x")) == (wire.safe(text), wire.safe(text))
    assert etree.tostring(root, method="c14n", exclusive=True).decode() == written


def test_each_source_of_a_calculation_is_told_once_and_one_that_is_not_told_is_refused() -> None:
    part = RefundPart(
        kind="0",
        first=date(2026, 7, 1),
        last=date(2026, 7, 2),
        hours=8,
        ground=next(iter(Ground)),
        rate=Decimal("0.80"),
        pay_continued=100,
        pay_refund=80,
        shares={},
        days_counted=2,
        formula="",
        source="statutes",
        doubtful=False,
    )
    month = InsuredMonth("2099990001299", "1893120105732", Period(2026, 7))
    refund = Refund(month, (part, part), (), "p", "v")
    change = RefundChange(month.period, month.insured, 1, (), None, refund)
    due = Calculation(month.employer, month.period, "202607-0000001", Period(2026, 9), (), (), (change,))
    root = calcul.write(calcul.CalculationReturn(HEADER, due))
    assert [(one.get("number"), one.text) for one in wire.children(root, "Source")] == [("1", "statutes")]
    assert calcul.read(root).calculation == due
    wire.child(root, "Source").set("number", "2")
    with pytest.raises(ValueError, match="no source 1"):
        calcul.read(root)


@given(documents.statements)
def test_a_statement_that_would_be_paid_under_another_matricule_is_refused(
    document: extcpt.StatementReturn,
) -> None:
    root = over_the_wire(extcpt.write(document))
    wire.child(wire.child(root, "Payment"), "Reference").text = "x"
    with pytest.raises(ValueError, match="Reference of Payment is x"):
        extcpt.read(root)


@given(st.lists(st.text(st.characters() | st.sampled_from("&<>\"'\r\n\t]\x00"), max_size=20), max_size=200))
def test_any_text_can_be_written_as_text_and_grafted(texts: list[str]) -> None:
    root = wire.begin("DECSAL")
    wire.add(root, "Header")
    wire.graft(root, [wire.written([("Value", text), ("Nothing", None)]) for text in texts])
    assert wire.text(root, "Header") == ""
    assert [wire.value(part) for part in wire.children(over_the_wire(root), "Value")] == [
        wire.safe(text) for text in texts
    ]
    assert len(root) == len(texts) + 1
    assert etree.tostring(root).count(b"xmlns") == 1
