"""Every value has one spelling, and two judges (libxml2 and xmlschema) agree on it."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from pathlib import Path

import pytest
import xmlschema
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from tests.forms.samples import (
    ACKNOWLEDGEMENT_HEADER,
    ANSWER_HEADER,
    DEPOSIT,
    EMPLOYER,
    HEADER,
    INBOUND,
    INSURED,
    JOURNAL,
    OUTBOUND,
    SIGNATURE,
    TOTALS,
    batch,
    document,
    form,
    record,
    record_xml,
    smallest,
    tree,
)
from xsd import NAMESPACE, FormFaults, schema
from xsd.schema import XS, Judge

BUNDLE = Path(str(files("xsd")))
CODES = INBOUND + OUTBOUND

TYPES = [
    (place, declared.get("name", ""))
    for place in ("envelope", *(code.lower() for code in CODES))
    for declared in etree.parse(BUNDLE / place / "1.0.xsd").getroot().findall(XS + "simpleType")
]

# Types that show what was received, or what we say ourselves, take any text up to their length.
FREE = {
    "Seen",
    "FileName",
    "FieldName",
    "Path",
    "Sentence",
    "RegisteredName",
    "Origin",
    "Formula",
    "BookingReference",
}
# Types whose letters are not those of ASCII alone.
LATIN = {
    "Line",
    "CompanyName",
    "Town",
    "Street",
    "HouseNumber",
    "Occupation",
    "Software",
    "Institution",
    "PayeeName",
}


@cache
def libxml2(place: str, name: str) -> Judge:
    """A judge of one type: the schema with one more element of that type."""
    root = schema.load(f"{place}/1.0.xsd")
    etree.SubElement(root, XS + "element", name="Judged", type=name)
    return Judge(root)


def admitted(place: str, name: str, text: str) -> bool:
    judged = etree.Element(f"{{{NAMESPACE}}}Judged")
    judged.text = text
    return libxml2(place, name).admits(judged)


@cache
def second_judge(place: str) -> xmlschema.XMLSchema10:
    return xmlschema.XMLSchema10(BUNDLE / place / "1.0.xsd")


def admitted_by_second(place: str, name: str, text: str) -> bool:
    return bool(second_judge(place).types[name].is_valid(text))


GOOD = {
    "Matricule": [EMPLOYER, INSURED],
    "MemberNumber": ["100001", "000000"],
    "Office": ["CCSS"],
    "Environment": ["production", "test"],
    "Second": ["2026-08-03T07:15:00Z", "2024-02-29T23:59:59Z", "2000-02-29T00:00:00Z"],
    "Microsecond": ["2026-08-03T07:15:00.120000Z", "2028-02-29T07:15:00.000000Z"],
    "Date": ["1893-12-01", "2026-02-30", "2999-12-31"],
    "PeriodType": ["2026-07", "1000-01", "2018-12"],
    "SignedAmount": ["0.00", "-0.01", "12.50", "-999999999999.99", "999999999999.99"],
    "Count": ["0", "10", "999999999999"],
    "Ordinal": ["1", "999999999999999999"],
    "Hash": ["0123456789abcdef" * 4],
    "Uuid": ["0198a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"],
    "Country": ["LU", "XX"],
    "Countries": ["BE", "BE FR", "BE BE", " ".join(["XX"] * 30)],
    "Imo": ["9319466", "0000000"],
    "ActivityKind": ["creation", "rectification", "cancellation"],
    "ActivityProcedure": ["posting", "multi-state", "rhine", "third-country"],
    "Line": ["a", "Rue de l’Église", "a  b", "ß - ÿ", "Łódź", "Nguyễn", "!:<=>~", "5 €"],
    "Postcode": ["L-1234", "54400", "SW1A 1AA", "123456789012"],
    "Town": ["Esch-sur-Alzette", "A" * 80],
    "PersonName": ["MULLER", "VAN 'T HOFF", "O'BRIEN-SMITH", "D'", "'T", "A" * 80],
    "Reference": ["W-1", " ", "a  b ", '"', "~" * 40],
    "Seen": ["", "\r\n\t x \x85", "é" * 200],
    "FileName": ["x", "\u202eLMX.", "é" * 255],
    "RejectionCode": ["4", "99", "SALRET-7", "SIG-CERTIFICATE-UNKNOWN"],
    "Branch": [
        "care",
        "cash",
        "pension",
        "dependency",
        "accident",
        "mde",
        "health_at_work",
        "family_benefits",
    ],
    "Institution": ["CNS", "Caisse nationale de santé"],
    "Year": ["2026", "1000", "2999"],
    "Stage": ["check", "charged"],
    "CeilingStage": ["provisional", "closed"],
    "OpenReason": ["missing", "held", "uncharged", "uncorrected", "prescribed"],
    "StatementNumber": ["1", "2026-09-000001", "2026/9.a"],
    "Software": ["Paie 4.2 (Linux)"],
    "CompanyName": ["Bäckerei Müller & Söhne OHG", "X"],
    "Street": ["Rue de l’Église"],
    "HouseNumber": ["12A", "12-14", "1 bis"],
    "EmployerKind": ["registration", "name"],
    "MandateKind": ["request", "grant", "confirm", "end"],
    "CertificateKind": ["affiliation", "income"],
    "MandateState": ["pending", "granted", "ended"],
    "NationalNumber": ["20999900012"],
    "LegalForm": ["22", "05"],
    "Activity": ["6201", "0111"],
    "MemberCode": [f"{EMPLOYER}100001"],
    "Scope": ["DECSAL", "CALCUL DECAFF DECSAL"],
    "DecisionId": ["1-1", "123456789012345678-999999999"],
    "Kind": ["entry", "exit", "change", "cancellation"],
    "IncapacityKind": ["declaration", "cancellation"],
    "MissionKind": ["mission", "entry", "exit", "change", "cancellation"],
    "IncapacityType": ["1", "5", "0"],
    "Occupation": ["Électricienne, 2e échelon"],
    "OccupationCode": ["7411", "0110"],
    "Scheme": ["03"],
    "WeeklyHours": ["0.00", "9.50", "40.00", "99.99"],
    "ContractType": ["E"],
    "Percent": ["0.00", "9.99", "25.01", "100.00"],
    "ExitReason": ["1", "01", "27"],
    "OwnAmount": ["0.00", "0.01", "106.75", "999999999.99"],
    "Side": ["employee", "employer"],
    "DeadlineKind": [
        "entry",
        "exit",
        "change",
        "wage",
        "reminder",
        "incapacity",
        "prescription",
        "chamber",
        "statement",
        "billing",
        "declaration-notices",
        "wage-notices",
    ],
    "DeadlineEvent": ["2026-07", "2026-07-31"],
    "KeyEvent": ["expires", "registered"],
    "KeyFingerprint": ["0a" * 32, "SHA256:" + "aZ0+/" * 8 + "abc"],
    "Hour": ["01:00", "18:00", "24:00"],
    "Computation": ["without", "with", "both"],
    "MdeClass": ["1", "4"],
    "AccidentFactor": ["0.85", "9.99"],
    "HealthService": ["stm", "sti", "own"],
    "Affiliated": ["111111100000", "000000000000", "1111111000001"],
    "ReasonCode": [
        "missing-wage",
        "late-entry",
        "not-own",
        "correction",
        "class",
        "factor",
        "rate",
        "ceiling",
        "floor",
        "allowance",
        "group",
        "base",
        "hours",
        "rounding",
        "unknown",
    ],
    "Amount": ["0.00", "0.01", "3500.00", "999999999.99"],
    "Hours": ["0", "173", "999"],
    "IncapacityHours": ["0", "40", "999"],
    "MessageCode": ["DECSAL", "DEMMAT"],
    "OvertimeHours": ["0", "99999"],
    "DayOfMonth": ["01", "19", "31"],
    "Flag": ["Y"],
    "Version": ["1.0"],
    "Verdict": ["accepted", "partial", "rejected"],
    "Level": ["file", "record", "hint"],
    "Severity": ["blocking", "to-correct", "hint"],
    "FieldName": ["", "BaseWage"],
    "Path": ["", "/DECSAL/Wage[3]", "x" * 1000],
    "Sentence": ["Wrong.", "é" * 2000],
    "Language": ["fr", "de", "en"],
    "Truth": ["true", "false"],
    "Rate": ["0", "0.028", "0.005525", "1", "12.5", "0.000000000001"],
    "RegisteredName": ["Boulangerie S.à r.l.", "Α&Ω;"],
    "Direction": ["DEBIT", "CREDIT"],
    "Words": ["2026.1", "line-and-side+apart", "0f+health_at_work", "0f" * 100],
    "InsuredGroup": ["employee", "pupil", "apprentice", "occasional", "pensioner", "public"],
    "Cause": [
        "late",
        "wage",
        "affiliation",
        "classification",
        "parameters",
        "ceiling",
        "incapacity",
        "matricule",
    ],
    "SignedCount": ["0", "-1", "173", "-999999999999"],
    "Origin": ["css-241 (2026-01-01)", "é" * 1000],
    "Formula": ["(7312.85 − 692.83) × 1.40 %", "max(0, 1 − 2)", "×" * 200],
    "Ground": ["sickness", "trial", "quarantine", "family", "accompaniment"],
    "NoRefund": ["exempt", "no-hours-declared", "paid-by-cns"],
    "Movement": ["payment", "direct-debit", "fine-discharged", "adjustment"],
    "RecoveryKind": ["reminder", "summons", "constraint", "fine", "discharge", "confirmation"],
    "OwedKind": ["contributions", "correction", "chamber-fee", "mutuality-refund", "credit-paid", "fine"],
    "BookingReference": ["2099990001299", "Février; ½ & Ω", "é" * 140],
    "Terms": ["transfer", "direct-debit", "credit", "plan"],
    "PayeeName": ["Centre commun de la sécurité sociale", "x" * 70],
    "Iban": ["LU280019400644750000", "MT84MALT011000012345MTLCAST001S"],
    "Bic": ["BCEELULL", "CELLLULLXXX", "E097LULL"],
}
BAD = {
    "Matricule": ["209999000129", "20999900012991", "2099 9900 0129"],
    "MemberNumber": ["10001", "1000011"],
    "Office": ["ccss", "C", "C" * 11, "CCSS1"],
    "Environment": ["Test", "TEST", "prod"],
    "Second": [
        "2026-02-29T07:15:00Z",
        "2100-02-29T07:15:00Z",
        "2026-04-31T07:15:00Z",
        "2026-08-03T24:00:00Z",
        "2026-08-03T07:60:00Z",
        "2026-08-03T07:15:60Z",
        "2026-08-03T07:15:00",
        "2026-08-03T07:15:00.0Z",
        "2026-08-03T07:15:00+00:00",
        "2026-08-03 07:15:00Z",
        "0000-01-01T00:00:00Z",
    ],
    "Microsecond": ["2026-08-03T07:15:00Z", "2026-08-03T07:15:00.12Z", "1900-02-29T07:15:00.000000Z"],
    "Date": ["2026-13-01", "2026-00-01", "2026-01-00", "2026-01-32", "20260101", "26-01-01", "0000-01-01"],
    "PeriodType": ["2026-13", "2026-00", "202607", "2026-7", "0000-01", "3000-01", "2026-07-01"],
    "SignedAmount": ["-0.00", "+1.00", "1", "1.5", "01.00", "-01.00", "1,00", "1000000000000.00", ".50"],
    "Count": ["00", "01", "-1", "1000000000000"],
    "Ordinal": ["0", "01", "1000000000000000000"],
    "Hash": ["0F" * 32, "0f" * 31, "0f" * 33, "0g" * 32],
    "Uuid": ["0198A1B2-c3d4-7e5f-8a9b-0c1d2e3f4a5b", "0198a1b2c3d47e5f8a9b0c1d2e3f4a5b"],
    "Country": ["lu", "L", "LUX", "L1"],
    "Countries": ["", "be", "BE,FR", "BE  FR", " BE", "BE ", "BEFR", " ".join(["XX"] * 31)],
    "Imo": ["IMO9319466", "931946", "93194660"],
    "ActivityKind": ["", "entry", "Creation"],
    "ActivityProcedure": ["", "12", "art. 12", "Posting"],
    "Line": [
        "",
        " ",
        " a",
        "a ",
        "a;b",
        "a\nb",
        "a\u00a0b",
        "a\u00adb",
        "a\u200bb",
        "a\u202eb",
        "a\x85",
        "Ω",
        "x" * 201,
    ],
    "Postcode": ["", "l-1234", "L--1234", "-1234", "1234-", "1234567890123", "L_1234"],
    "Town": ["", "A" * 81],
    "PersonName": ["", "Muller", "MÜLLER", "VAN  DER", "A.B", "A,B", "'", "-A", "A-", " A", "A1", "A" * 81],
    "Reference": ["", "a;b", "é", "a\tb", "~" * 41],
    "Seen": ["é" * 201],
    "FileName": ["", "é" * 256],
    "RejectionCode": ["", "salret-7", "SALRET--7", "-7", "7 ", "X" * 41],
    "Branch": ["Care", "health at work", "family"],
    "Institution": ["", "C" * 61],
    "Year": ["", "26", "3000", "0999", "20260"],
    "Stage": ["Check", "CHARGED", ""],
    "CeilingStage": ["Closed", "CLOSED", "open", ""],
    "OpenReason": ["Missing", "HELD", "none", ""],
    "StatementNumber": ["", "-1", "1-", "1--1", "1 1", "1" * 41],
    "Software": ["", "x" * 61],
    "CompanyName": ["", " X", "A;B", "x" * 101],
    "Street": ["", "x" * 101],
    "HouseNumber": ["", "x" * 11],
    "EmployerKind": ["Name", "REGISTRATION", "1"],
    "MandateKind": ["Request", "END", "revoke"],
    "CertificateKind": ["Income", "AFFILIATION", ""],
    "MandateState": ["Pending", "refused"],
    "NationalNumber": ["2099990001", "209999000129", "2099 9900012"],
    "LegalForm": ["2", "022", "SA"],
    "Activity": ["620", "62.01", "62011"],
    "MemberCode": [EMPLOYER, f"{EMPLOYER} 100001", f"{EMPLOYER}1000011"],
    "Scope": ["", "DECSA", "DECSAL,DECAFF", "DECSAL  DECAFF", "decsal", " ".join(["DECSAL"] * 29)],
    "DecisionId": ["", "1", "0-1", "1-0", "01-1", "1-1-1"],
    "Kind": ["Entry", "ENTRY", "1"],
    "IncapacityKind": ["Declaration", "CANCELLATION", "1", "2"],
    "MissionKind": ["Mission", "ENTRY", "posting", "1"],
    "IncapacityType": ["", "01", "A", "-1"],
    "Occupation": ["", "  ", "x" * 101],
    "OccupationCode": ["741", "74110", "74A1"],
    "Scheme": ["3", "003"],
    "WeeklyHours": ["40", "40.0", "40.000", "040.00", "100.00", "-1.00", "40,00"],
    "ContractType": ["e", "EE", "1"],
    "Percent": ["100.01", "101.00", "00.00", "50", "50.0", "-1.00", "50.00%"],
    "ExitReason": ["", "123", "A"],
    "OwnAmount": ["", "1", "1.5", "01.00", "1,00", "-1.00", "1000000000.00"],
    "Side": ["", "Employee", "state"],
    "DeadlineKind": ["", "Entry", "fine"],
    "DeadlineEvent": ["", "2026", "2026-13", "2026-07-32", "0999-07"],
    "KeyEvent": ["", "Expires", "ended"],
    "KeyFingerprint": [
        "",
        "0A" * 32,
        "0a" * 31,
        "SHA256:" + "a" * 42,
        "SHA256:" + "a" * 44,
        "MD5:" + "a" * 43,
    ],
    "Hour": ["", "00:00", "18:30", "25:00", "8:00"],
    "Computation": ["", "With", "neither"],
    "MdeClass": ["", "0", "5", "11"],
    "AccidentFactor": ["", "0.8", ".85", "10.00", "-0.85"],
    "HealthService": ["", "STM", "none"],
    "Affiliated": ["", "11111110000", "1111111000000", "11111110000011", "111111100002"],
    "ReasonCode": ["", "Class", "missing wage", "gap"],
    "Amount": [
        "",
        "-1.00",
        "-0.00",
        "+1.00",
        "1",
        "1.5",
        "1.500",
        "01.00",
        "1 000.00",
        "1,00",
        "1000000000.00",
    ],
    "Hours": ["", "01", "1000", "1.0", "-1", "+1"],
    "IncapacityHours": ["", "01", "1000", "1.0", "-1", "+1"],
    "MessageCode": ["", "decsal", "DECSA", "DECSALS", "DECSA1"],
    "OvertimeHours": ["00", "100000", "1.5"],
    "DayOfMonth": ["0", "00", "1", "32", "001"],
    "Flag": ["y", "N", "1"],
    "Version": ["1", "1.1", "01.0"],
    "Verdict": ["Accepted", "held"],
    "Level": ["Record", "warning", ""],
    "Severity": ["Blocking", "to correct", "error", ""],
    "FieldName": ["x" * 201],
    "Path": ["x" * 1001],
    "Sentence": ["", "x" * 2001],
    "Language": ["FR", "lb"],
    "Truth": ["0", "1", "True"],
    "Rate": ["", ".5", "00.5", "-0.1", "2.80 %", "100", "0.0000000000001"],
    "RegisteredName": ["", "x" * 256],
    "Direction": ["debit", "-"],
    "Words": ["", "a b", "+a", "a+", "a++b", "-a", "x" * 201],
    "InsuredGroup": ["", "Employee", "student"],
    "Cause": ["", "Late", "rate"],
    "SignedCount": ["", "-0", "+1", "01", "-01", "1.0", "1000000000000"],
    "Origin": ["", "é" * 1001],
    "Formula": ["", "×" * 201],
    "Ground": ["", "Sickness", "cns"],
    "NoRefund": ["", "Exempt", "no wage"],
    "Movement": ["", "Payment", "direct debit", "refund"],
    "RecoveryKind": ["", "Reminder", "settlement"],
    "OwedKind": ["", "Fine", "payment", "interest"],
    "BookingReference": ["", "é" * 141],
    "Terms": ["", "Transfer", "direct_debit"],
    "PayeeName": ["", "A;B", "x" * 71],
    "Iban": ["", "LU28 0019 4006 4475 0000", "lu280019400644750000", "LU280019400644", "LU" + "0" * 33],
    "Bic": ["", "BCEELUL", "BCEELULLXX", "bceelull"],
}


def test_every_type_has_good_and_bad_spellings_here() -> None:
    names = {name for _, name in TYPES}
    assert names == GOOD.keys() == BAD.keys()


@pytest.mark.parametrize(("place", "name"), TYPES)
def test_good_spellings_pass_both_judges(place: str, name: str) -> None:
    for text in GOOD[name]:
        assert admitted(place, name, text), text
        assert admitted_by_second(place, name, text), text


@pytest.mark.parametrize(("place", "name"), TYPES)
def test_bad_spellings_pass_neither(place: str, name: str) -> None:
    for text in BAD[name]:
        assert not admitted(place, name, text), text
        assert not admitted_by_second(place, name, text), text


STRICT = [(place, name) for place, name in TYPES if name not in FREE]
BLANKS = [" ", "\t", "\n", "\r", "\u00a0", "\u2028", "\u3000", "\u200b", "\ufeff"]


@pytest.mark.parametrize(("place", "name"), [each for each in STRICT if each[1] != "Reference"])
def test_blanks_around_a_value_are_not_forgiven(place: str, name: str) -> None:
    for text in GOOD[name]:
        for blank in BLANKS:
            assert not admitted(place, name, blank + text)
            assert not admitted(place, name, text + blank)


@pytest.mark.parametrize(("place", "name"), [each for each in STRICT if each[1] not in LATIN])
def test_digits_and_letters_of_other_scripts_are_not_taken_for_ours(place: str, name: str) -> None:
    arabic = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
    wide = str.maketrans({chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)})
    greek = str.maketrans("ABEHIKMNOPTXYZ", "ΑΒΕΗΙΚΜΝΟΡΤΧΥΖ")
    for text in GOOD[name]:
        for other in {text.translate(table) for table in (arabic, wide, greek)} - {text}:
            assert not admitted(place, name, other), other


xml_characters = st.characters(
    min_codepoint=0x20, exclude_categories=["Cs"], exclude_characters="\ufffe\uffff"
) | st.sampled_from("\t\n\r")
LIKELY = st.sampled_from("0123456789-.:TZ +'AEGYZaez;,٣３éß\u00a0\n")


@st.composite
def near_misses(draw: st.DrawFn) -> tuple[str, str, str]:
    """A type, and a text that is one of its good or bad spellings with a little changed."""
    place, name = draw(st.sampled_from(TYPES))
    text = draw(st.sampled_from(GOOD[name] + BAD[name]))
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(len(text), start + 2)))
    return place, name, text[:start] + draw(st.text(LIKELY | xml_characters, max_size=2)) + text[end:]


@given(near_misses())
def test_both_judges_agree_near_the_border(case: tuple[str, str, str]) -> None:
    place, name, text = case
    assert admitted(place, name, text) == admitted_by_second(place, name, text)


@given(st.sampled_from(TYPES), st.text(xml_characters, max_size=20))
def test_both_judges_agree_on_any_text(which: tuple[str, str], text: str) -> None:
    place, name = which
    assert admitted(place, name, text) == admitted_by_second(place, name, text)


@given(near_misses())
def test_what_is_no_free_text_holds_nothing_invisible(case: tuple[str, str, str]) -> None:
    place, name, text = case
    if name not in FREE and admitted(place, name, text):
        assert text.isprintable()
        assert ";" not in text
        assert name in LATIN or text.isascii()


@pytest.mark.parametrize(("place", "name"), TYPES)
def test_a_very_long_text_is_judged_and_refused(place: str, name: str) -> None:
    for text in GOOD[name]:
        if text:
            assert not admitted(place, name, text * (500_000 // len(text)))


RESULT = (
    "<Group>employee</Group><Hours>-173</Hours><Pay>3812.40</Pay>"
    f'<Declared deposit="0198a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b" record="2" digest="{"0f" * 32}"/>'
    "<Line><Branch>care</Branch><Base>3812.40</Base><Rate>0.028</Rate><Employee>106.75</Employee>"
    "<Employer>106.75</Employer><Institution>CNS</Institution></Line>"
    "<Line><Branch>cash</Branch><Base>3812.40</Base><Rate>0.0025</Rate><Employee>9.53</Employee>"
    "<Employer>9.53</Employer><Institution>CNS</Institution><Source>1</Source>"
    f"<Formula>−(3812.40 × 0.25 %)</Formula></Line>{TOTALS}<Total>0.00</Total>"
)
ABSENCE = "<Kind>1</Kind><First>2026-07-13</First><Last>2026-07-17</Last><Hours>40</Hours>"
REFUND = (
    f"<Policy>a+b</Policy><Parameters>0f+0f</Parameters><Part>{ABSENCE}<DaysCounted>5</DaysCounted>"
    "<Ground>sickness</Ground><Rate>0.80</Rate><PayContinued>1.00</PayContinued>"
    "<PayRefund>0.80</PayRefund><Share><Branch>care</Branch><Amount>0.02</Amount></Share>"
    "<Source>2</Source><Formula>1.00 x 0.80</Formula><Doubtful>true</Doubtful>"
    f"<Total>0.82</Total></Part><LeftOut>{ABSENCE}<Reason>limit</Reason><Detail>A sentence.</Detail>"
    "</LeftOut><Total>0.82</Total>"
)
BESIDE = "<Without>0.00</Without><With>1.00</With><Difference>1.00</Difference>"
CHANGE = f"<Period>2026-01</Period><Insured>{INSURED}</Insured><Version>2</Version>"
BRANCH = (
    "<Branch><Branch>care</Branch><Base>0.00</Base><Employee>0.00</Employee><Employer>0.00</Employer>"
    "<Total>0.00</Total></Branch>"
)

DOCUMENTS_GOOD = {
    **{f"the smallest {code}": smallest(code) for code in CODES},
    "no records": batch("DECSAL"),
    "signed": batch("DECSAL", record("DECSAL"), signature=SIGNATURE),
    "three records": batch("DEMMAT", *[record("DEMMAT")] * 3),
    "a hint where schemas are": smallest("DECSAL").replace(
        b' version="1.0"',
        b' version="1.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        b' xsi:schemaLocation="urn:secugate:1 urn:nowhere"',
    ),
    "prefixed": smallest("DECAFF")
    .replace(b"<", b"<p:")
    .replace(b"<p:/", b"</p:")
    .replace(b"xmlns=", b"xmlns:p="),
    "software and reference": batch(
        "DECSAL",
        header=HEADER.replace("</Header>", "<Software>Paie 4</Software><Reference>7</Reference></Header>"),
    ),
    "a return about a deposit": document(
        "SALRET",
        ANSWER_HEADER.replace("</Header>", f"{DEPOSIT}</Header>")
        + '<Rejected record="3"><Code>4</Code><Code>SALRET-99</Code><Period> 7\n</Period></Rejected>',
    ),
    "an assignment": document(
        "MATASS",
        f'{ANSWER_HEADER}<Assigned record="1"><Insured>{INSURED}</Insured><Existing>false</Existing>'
        f"<Employer>{EMPLOYER}</Employer><Surname>A</Surname><FirstName>B</FirstName>"
        "<BirthDate>1893-12-01</BirthDate></Assigned>",
    ),
    "a company's number": document(
        "MATUTI",
        f'{ANSWER_HEADER}<Assigned record="1"><Company>2026990001700</Company><Existing>true</Existing>'
        f"<Employer>{EMPLOYER}</Employer><Name>A &amp; B</Name><HouseNumber>5</HouseNumber>"
        "<Street>C</Street><Country>DE</Country><Postcode>54290</Postcode><Town>Trier</Town></Assigned>",
    ),
    "an employer's number": document(
        "EMPASS",
        f'{ANSWER_HEADER}<Assigned record="1"><Employer>{EMPLOYER}</Employer><Name>A &amp; B</Name>'
        "</Assigned>",
    ),
    "a mandate": document(
        "MANASS",
        f'{ANSWER_HEADER}<Settled record="1"><Number>7</Number><State>ended</State>'
        f"<Employer>{EMPLOYER}</Employer><Member>{EMPLOYER}100001</Member><Procedures>DECSAL</Procedures>"
        "<First>2026-01-01</First><Ended>2026-08-03T07:15:00.120000Z</Ended></Settled>",
    ),
    "a comparison": document(
        "DIFCAL",
        f"{ANSWER_HEADER}<Employer>{EMPLOYER}</Employer><Period>2026-07</Period><Statement>2026-000123</Statement>"
        f"<Line><Insured>{INSURED}</Insured><Group>employee</Group><Branch>mde</Branch><Side>employer</Side>"
        "<Own>8.77</Own><Billed>36.22</Billed><Difference>27.45</Difference><Reason>class</Reason>"
        "<Numbers>2 -&gt; 1; 0.95 % -&gt; 0.23 %</Numbers></Line>"
        "<Own>8.77</Own><Billed>36.22</Billed><Difference>27.45</Difference>"
        '<Reason code="class"><Lines>1</Lines><Amount>27.45</Amount>'
        '<Title lang="fr">a</Title><Title lang="de">b</Title><Title lang="en">c</Title>'
        '<Text lang="fr">a</Text><Text lang="de">b</Text><Text lang="en">c</Text>'
        '<Remedy lang="fr">a</Remedy><Remedy lang="de">b</Remedy><Remedy lang="en">c</Remedy></Reason>',
    ),
    "a fine": document(
        "RECOUV",
        f"{ANSWER_HEADER}<Number>12</Number><Kind>fine</Kind><Employer>{EMPLOYER}</Employer>"
        "<Day>2026-08-03</Day><Item><Entry>12</Entry><Kind>fine</Kind><Statement>202605-0000123</Statement>"
        "<Period>2026-05</Period><Due>2026-09-14</Due><Amount>50.00</Amount><Interest>0.00</Interest>"
        "<Reference>entry 2026-05-04 ω</Reference></Item><Amount>50.00</Amount><Interest>0.00</Interest>"
        "<Total>50.00</Total><LastDay>2026-09-14</LastDay><LegalBasis>CSS art. 425</LegalBasis>"
        '<Text lang="fr">a</Text><Text lang="de">b</Text><Text lang="en">c</Text>'
        '<Remedy lang="fr">a</Remedy><Remedy lang="de">b</Remedy><Remedy lang="en">c</Remedy>'
        '<Reply lang="fr">a</Reply><Reply lang="de">b</Reply><Reply lang="en">c</Reply>',
    ),
    "a simulation with everything": document(
        "SIMRES",
        f"{ANSWER_HEADER}<Simulated><Name>ω.xml</Name><Size>9</Size><Digest>{'0' * 64}</Digest>"
        "<At>2026-08-03T07:15:00.120000Z</At></Simulated><Verdict>partial</Verdict><Records>2</Records>"
        "<Accepted>1</Accepted><Rejected>1</Rejected><Held>0</Held>"
        '<Part procedure="DECSAL" records="2" accepted="1" rejected="1" held="0"/>'
        "<Anomaly><Code>SALRET-4</Code><Record>2</Record></Anomaly>"
        '<Explanation code="SALRET-4" level="record" severity="blocking" official="4">'
        '<Text lang="fr">a</Text><Text lang="de">b</Text><Text lang="en">c</Text>'
        '<Remedy lang="fr">a</Remedy><Remedy lang="de">b</Remedy><Remedy lang="en">c</Remedy></Explanation>'
        "<Rules><Parameters>0f</Parameters><Known>2026-08-03</Known><Policy>a+b</Policy>"
        '<Law period="2026-07" values="0f"/></Rules>'
        f"<Employer><Matricule>{EMPLOYER}</Matricule><First>2026-06</First><Period>2026-07</Period>"
        f"<Branch><Branch>care</Branch>{BESIDE}</Branch><Contributions>{BESIDE}</Contributions>"
        f"<Corrections>{BESIDE}</Corrections><Refunds>{BESIDE}</Refunds><Total>{BESIDE}</Total>"
        f"<Insured><Matricule>{INSURED}</Matricule><Year>2026</Year><MdeClass>4</MdeClass>"
        "<AccidentFactor>0.85</AccidentFactor><Public>false</Public><HealthService>stm</HealthService>"
        '<Month side="with" stated="false"><Period>2026-07</Period><Group>employee</Group>'
        "<BaseWage>1.00</BaseWage><Supplements>1.00</Supplements><OvertimePay>1.00</OvertimePay>"
        "<Gratuities>1.00</Gratuities><UnemploymentPay>1.00</UnemploymentPay><Hours>173</Hours>"
        "<Affiliated>111111100000</Affiliated><Line><Branch>care</Branch><Base>1.00</Base>"
        "<Rate>0.028</Rate><Employee>0.03</Employee><Employer>0.03</Employer>"
        "<Formula>1.00 × 2.80 %</Formula></Line></Month></Insured>"
        f"<Refund><Insured>{INSURED}</Insured><Period>2026-07</Period>{BESIDE}</Refund>"
        f"<Hold><Code>BILL-CLASS</Code><Period>2026-01</Period><Insured>{INSURED}</Insured>"
        f"<Detail>x</Detail></Hold></Employer><Untold>{EMPLOYER}</Untold>"
        '<Notice lang="fr">a</Notice><Notice lang="de">b</Notice><Notice lang="en">c</Notice>'
        f"{JOURNAL}{SIGNATURE}",
    ),
    "a certificate": document(
        "CERTIF",
        f'{ANSWER_HEADER}<Certified record="1"><Kind>income</Kind><Employer>{EMPLOYER}</Employer>'
        f"<Insured>{INSURED}</Insured><First>2026-01</First><Last>2026-07</Last>"
        "<Span><Entry>2015-01-01</Entry></Span><Month><Period>2026-07</Period><BaseWage>3812.40</BaseWage>"
        "<Supplements>0.00</Supplements><OvertimePay>0.00</OvertimePay><Gratuities>0.00</Gratuities>"
        "<UnemploymentPay>0.00</UnemploymentPay><Hours>173</Hours></Month></Certified>",
    ),
    "an acknowledgement with everything": document(
        "ACKTRT",
        f"{ACKNOWLEDGEMENT_HEADER}<Verdict>partial</Verdict><Records>2</Records><Accepted>1</Accepted>"
        f'<Rejected>1</Rejected><Held>0</Held><Decision employer="{EMPLOYER}" '
        'procedure="DECSAL" records="1" allowed="true" mandate="7" id="9-1"/>'
        "<Anomaly><Code>SALRET-4</Code><Record>2</Record><Field>BaseWage</Field>"
        "<Path>/DECSAL/Wage[2]/BaseWage</Path><Line>12</Line><Value>x</Value></Anomaly>"
        '<Explanation code="SALRET-4" level="record" severity="blocking" official="4">'
        '<Text lang="fr">a</Text><Text lang="de">b</Text>'
        '<Text lang="en">c</Text><Remedy lang="fr">a</Remedy><Remedy lang="de">b</Remedy>'
        '<Remedy lang="en">c</Remedy><LegalBasis>CSS art. 426</LegalBasis></Explanation>'
        f"<Return>SECU.SALRET.20260803-09150112.CCSS.{EMPLOYER}100001.XML</Return>{JOURNAL}{SIGNATURE}",
    ),
    "a calculation with everything": document(
        "CALCUL",
        f"{ANSWER_HEADER}<Employer>{EMPLOYER}</Employer><Period>2026-07</Period><Statement>1</Statement>"
        '<ComputedIn>2026-09</ComputedIn><Source number="1">css-241 (2026-01-01)</Source>'
        '<Source number="2">mde-statutes</Source>'
        f"<Insured><Matricule>{INSURED}</Matricule>{RESULT}</Insured>{TOTALS}<Total>0.00</Total>"
        f"<Correction>{CHANGE}<Cause>wage</Cause><Cause>ceiling</Cause><Reversal>{RESULT}</Reversal>"
        f"<Result>{RESULT}</Result><Total>0.00</Total></Correction><Corrected>0.00</Corrected>"
        f"<Refund>{CHANGE}<Cause>incapacity</Cause><Reversal>{REFUND}</Reversal><Result>{REFUND}</Result>"
        f"<Total>0.00</Total></Refund><Refunded>0.00</Refunded>",
    ),
    "a statement with everything": document(
        "EXTCPT",
        f"{ANSWER_HEADER}<Statement>1</Statement><Employer>{EMPLOYER}</Employer><Name>A</Name>"
        "<Period>2026-07</Period><Issued>2026-09-10</Issued><Due>2026-09-20</Due>"
        "<PreviousBalance>9.00</PreviousBalance><Booking><Day>2026-09-01</Day><Kind>payment</Kind>"
        "<Amount>-9.00</Amount><Reference>ω</Reference></Booking><Booking><Day>2026-09-02</Day>"
        f"<Kind>fine</Kind><Amount>1.00</Amount></Booking><Booked>-8.00</Booked>{BRANCH}{TOTALS}"
        "<Contributions>0.00</Contributions><Correction><Period>2026-01</Period><Insured>2</Insured>"
        f"<Cause>late</Cause><Cause>parameters</Cause>{BRANCH}{TOTALS}<Total>0.00</Total></Correction>"
        "<Corrected>0.00</Corrected><Charged>0.00</Charged><Refund><Period>2026-06</Period>"
        "<Insured>1</Insured><Amount>-1.00</Amount></Refund><Refunded>-1.00</Refunded>"
        "<Balance>2.00</Balance><Direction>DEBIT</Direction><Payment><Terms>plan</Terms>"
        "<Instalment>1.00</Instalment><Payable>1.00</Payable><Payee><Name>A</Name>"
        "<IBAN>LU280019400644750000</IBAN><BIC>BCEELULL</BIC></Payee>"
        f"<Reference>{EMPLOYER}</Reference></Payment><Distribution><Institution>CNS</Institution>"
        "<Amount>0.00</Amount></Distribution><Policy><Parameters>0f</Parameters>"
        "<Known>2026-09-10</Known><Name>a+b</Name></Policy>",
    ),
}
DOCUMENTS_BAD = {
    "version 1.1": smallest("DECSAL").replace(b'version="1.0"', b'version="1.1"'),
    "no version": smallest("DECSAL").replace(b' version="1.0"', b""),
    "an attribute more": smallest("DECSAL").replace(b' version="1.0"', b' version="1.0" id="a"'),
    "no namespace": smallest("DECSAL").replace(b' xmlns="urn:secugate:1"', b""),
    "another namespace": smallest("DECSAL").replace(b"urn:secugate:1", b"urn:secugate:2"),
    "no header": document("DECSAL", ""),
    "two headers": batch("DECSAL", header=HEADER * 2),
    "header behind": document("DECSAL", "<Wage/>" + HEADER),
    "an answer's header": batch("DECSAL", header=ANSWER_HEADER),
    "records of another form": batch("DECSAL").replace(b"</DECSAL>", b"<Person/></DECSAL>"),
    "an empty record": batch("DECSAL", {}),
    "a field twice": smallest("DECSAL").replace(b"<Period>", b"<Period>2026-07</Period><Period>"),
    "fields out of order": batch("DECSAL", dict(reversed(record("DECSAL").items()))),
    "an unknown field": smallest("DECSAL").replace(b"</Wage>", b"<Bonus>1.00</Bonus></Wage>"),
    "an attribute in a field": smallest("DECSAL").replace(b"<Period>", b'<Period x="1">'),
    "an element in a field": smallest("DECSAL").replace(b"2026-07<", b"2026-07<b/><"),
    "nil": smallest("DECSAL").replace(
        b"<Period>2026-07",
        b'<Period xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true">',
    ),
    "text between records": batch("DECSAL").replace(b"</DECSAL>", b"x</DECSAL>"),
    "two signatures": batch("DECSAL", signature=SIGNATURE * 2),
    "signature first": document("DECSAL", SIGNATURE + HEADER),
    "something else in its place": batch("DECSAL", signature='<Signature xmlns="urn:other"/>'),
    "an external reference in its place": batch(
        "DECSAL", signature='<e:a xmlns:e="http://www.w3.org/2001/04/xmlenc#"/>'
    ),
    "a receipt about nothing": document("ACKREC", ANSWER_HEADER + JOURNAL),
    "a receipt without journal": document("ACKREC", ACKNOWLEDGEMENT_HEADER),
    "a rejection without code": document("SALRET", f'{ANSWER_HEADER}<Rejected record="1"/>'),
    "a rejection without record": document("SALRET", f"{ANSWER_HEADER}<Rejected><Code>4</Code></Rejected>"),
    "a language twice": DOCUMENTS_GOOD["an acknowledgement with everything"].replace(
        b'<Text lang="de">', b'<Text lang="fr">'
    ),
    "two languages": DOCUMENTS_GOOD["an acknowledgement with everything"].replace(
        b'<Text lang="de">b</Text>', b""
    ),
    "another branch": DOCUMENTS_GOOD["a calculation with everything"].replace(b">care<", b">family<"),
    "a correction without a cause": DOCUMENTS_GOOD["a calculation with everything"].replace(
        b"<Cause>wage</Cause><Cause>ceiling</Cause>", b""
    ),
    "a payment to nobody": re.sub(rb"<Payee>.*</Payee>", b"", smallest("EXTCPT")),
}


def verdicts(raw: bytes) -> tuple[bool, bool]:
    """Of libxml2 and of xmlschema, by the form that the root is named after."""
    root = tree(raw)
    code = etree.QName(root).localname
    first = Judge(schema.load(f"{code.lower()}/1.0.xsd")).admits(root)
    return first, bool(second_judge(code.lower()).is_valid(root))


@pytest.mark.parametrize("raw", DOCUMENTS_GOOD.values(), ids=DOCUMENTS_GOOD)
def test_both_judges_pass_good_documents(raw: bytes) -> None:
    assert verdicts(raw) == (True, True)


@pytest.mark.parametrize("raw", DOCUMENTS_BAD.values(), ids=DOCUMENTS_BAD)
def test_both_judges_refuse_bad_documents(raw: bytes) -> None:
    assert verdicts(raw) == (False, False)


@pytest.mark.parametrize("code", INBOUND)
def test_a_record_alone_is_not_a_document(code: str) -> None:
    """Records are global elements, so that each has a verdict of its own."""
    alone = record_xml(code, record(code)).replace(">", f' xmlns="{NAMESPACE}">', 1)
    root = tree(alone.encode())
    assert form(code)._judge.admits(root), "the schema itself does not mind"
    assert [fault.path for fault in form(code).check(root).faults] == [f"/{form(code).record}"]
    with pytest.raises(FormFaults, match="1 fault against"):
        form(code).validate(root)
