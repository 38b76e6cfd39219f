"""The table of rejections: complete, in three languages, and strict about its own form."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway import rejections
from gateway.procedures import PROCEDURES
from gateway.rejections import LANGUAGES, REJECTIONS, Level, Severity, TableError, load
from gateway.rejections.fields import fields_of
from tests.procedures.test_vectors import handled
from tests.procedures.vector_files import VECTORS

FILE = (
    "NAME NAME-USED EMPTY NOT-XML DTD LIMITS FORM VERSION PROCEDURE SENDER RECIPIENT ENVIRONMENT "
    "CONTAINER DTA ATTACHMENT REAL AGREEMENT ENCRYPTED UNRELEASED"
)
SIGNATURE = (
    "MISSING PLACE PROFILE CERTIFICATE-UNKNOWN CERTIFICATE-EXPIRED CERTIFICATE-REVOKED CERTIFICATE-PATH "
    "BROKEN SENDER"
)
GOOD: dict[str, Any] = {
    "key": "SALRET-7",
    "level": "record",
    "title": {"fr": "a", "de": "b", "en": "c"},
    "text": {"fr": "a", "de": "b", "en": "c"},
    "remedy": {"fr": "a", "de": "b", "en": "c"},
}


def test_the_table_holds_all_codes_and_no_others() -> None:
    numbers = {"AFFRET": 29, "SALRET": 14, "MATRET": 8, "MALRET": 16, "INTRET": 22, "DETRET": 12}
    numbers |= {"EMPRET": 15, "MANRET": 12, "CERRET": 10, "RECRET": 8, "OWNRET": 9}
    utiret = "1 2 99 EMPLOYER NAME ADDRESS TWICE LUXEMBOURG AGENCY FULL"
    expected = {f"FILE-{word}" for word in FILE.split()} | {f"SIG-{word}" for word in SIGNATURE.split()}
    expected |= {f"{name}-{n}" for name, last in numbers.items() for n in (*range(1, last + 1), 99)}
    expected |= {f"UTIRET-{word}" for word in utiret.split()}
    intret = "AGENCY KNOWN NONE ORDER STAFF POSTING OVERLAP GAP"
    expected |= {f"INTRET-{word}" for word in intret.split()} | {"AFFRET-MISSION"}
    detret = "LAST COUNTRY ACTIVITY KNOWN NONE AGENCY HELD LONG"
    telework = "STATE SHARE RETRO DURATION RESIDENCE OTHER"
    expected |= {f"DETRET-{word}" for word in detret.split()}
    expected |= {f"DETRET-TELEWORK-{word}" for word in telework.split()}
    expected |= {"MATRET-SCAN", "MATRET-IMAGE", "MATRET-ORPHAN"}
    expected |= {"RECRET-REPEATED", "SALRET-HELD", "MALRET-KNOWN", "MALRET-NONE", "MALRET-HOURS"}
    expected |= {f"SALRET-{word}" for word in ("LOW", "HIGH", "IDLE", "MONTH", "OVERLAP")}
    expected |= {f"AFFRET-{word}" for word in ("FAR", "HOURS", "LONG")}
    assert REJECTIONS.keys() == expected | {"MANDATE-EMPLOYER", "AFFRET-KNOWN", "AFFRET-NONE"}


def test_official_codes_are_those_that_the_operator_publishes() -> None:
    for key, rejection in REJECTIONS.items():
        family, _, number = key.partition("-")
        assert rejection.key == key
        theirs = family in ("AFFRET", "SALRET", "MALRET", "INTRET", "DETRET") and number.isdigit()
        theirs = theirs and key not in ("MALRET-99", "INTRET-99", "DETRET-99")
        theirs = theirs or key in ("UTIRET-1", "UTIRET-2")
        assert rejection.official == (number if theirs else None)


def test_level_is_file_for_files_and_signatures_only() -> None:
    for key, rejection in REJECTIONS.items():
        assert (rejection.level is Level.FILE) == key.startswith(("FILE-", "SIG-"))


def test_every_text_is_there_in_three_different_languages() -> None:
    for rejection in REJECTIONS.values():
        for texts in (rejection.titles, rejection.texts, rejection.remedies):
            assert tuple(texts) == LANGUAGES
            assert len(set(texts.values())) == 3
            assert all(text == " ".join(text.split(" ")).strip() for text in texts.values())


def test_titles_are_short_and_texts_are_sentences() -> None:
    for rejection in REJECTIONS.values():
        assert all(len(title) <= 60 and not title.endswith(".") for title in rejection.titles.values())
        for texts in (rejection.texts, rejection.remedies):
            assert all(len(text) <= 300 and text.endswith(".") for text in texts.values())


def test_texts_are_not_repeated_within_a_return() -> None:
    for prefix in ("FILE", "SIG", "AFFRET", "SALRET", "MALRET", "MATRET", "UTIRET", "INTRET", "DETRET"):
        titles = [one.titles["en"] for key, one in REJECTIONS.items() if key.startswith(prefix)]
        assert len(set(titles)) == len(titles)


def test_only_the_abolished_code_has_an_end() -> None:
    assert {key: one.until for key, one in REJECTIONS.items() if one.until} == {
        "SALRET-6": date(2018, 12, 31)
    }
    # The operator's schema 1.2 brought it.
    assert {key: one.since for key, one in REJECTIONS.items() if one.since} == {
        "DETRET-12": date(2025, 3, 17)
    }


def test_what_waits_or_contradicts_another_declaration_is_to_be_corrected() -> None:
    to_correct = {key for key, one in REJECTIONS.items() if one.severity is Severity.TO_CORRECT}
    assert to_correct == {"SALRET-HELD", "SALRET-OVERLAP", "DETRET-HELD", "MALRET-HOURS"}


def test_the_fields_of_a_code_are_fields_of_its_form() -> None:
    for one in PROCEDURES:
        for key in REJECTIONS:
            if key.startswith(f"{one.returns_code}-"):
                assert set(fields_of(key)) <= set(one.form.fields), key


def test_forms_and_rules_tell_the_fields_where_the_row_does_not() -> None:
    assert REJECTIONS["SALRET-7"].fields == REJECTIONS["SALRET-99"].fields == ()
    assert fields_of("SALRET-7") == ("InactiveHours",)
    assert fields_of("SALRET-99") == ("FirstDay", "LastDay", "Capped", "Reference")
    assert fields_of("MANDATE-EMPLOYER") == ("Employer",)
    assert fields_of("SIG-BROKEN") == ()


@pytest.mark.parametrize("procedure", sorted({vector.procedure for vector in VECTORS}))
def test_what_is_found_in_a_field_is_a_code_about_it(procedure: str) -> None:
    judged = (vector for vector in VECTORS if vector.procedure == procedure and not vector.form)
    outcomes = list(map(handled, judged))
    found = [anomaly for outcome in outcomes for anomaly in outcome.hints]
    found += [a for outcome in outcomes for refusal in outcome.refusals for a in refusal.anomalies]
    assert found
    strange = {(one.code, one.field) for one in found if one.field not in (None, *fields_of(one.code))}
    assert strange == set()


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        REJECTIONS["NEW"] = REJECTIONS["SALRET-7"]  # type: ignore[index]


def write(folder: Path, *rows: object, name: str = "table.yaml") -> Path:
    (folder / name).write_text(yaml.safe_dump(list(rows)), encoding="utf-8")
    return folder


def test_a_good_row_is_read(tmp_path: Path) -> None:
    row = {**GOOD, "official": "7", "legal_basis": "CSS, art. 426", "since": date(2019, 1, 1)}
    rejection = load(write(tmp_path, row))["SALRET-7"]
    assert (rejection.official, rejection.level, rejection.since) == ("7", Level.RECORD, date(2019, 1, 1))
    assert rejection.titles == {"fr": "a", "de": "b", "en": "c"}


def test_the_severity_is_that_of_the_level_unless_a_hint_asks_for_a_correction(tmp_path: Path) -> None:
    rows = (
        {**GOOD, "key": "A", "level": "file"},
        {**GOOD, "key": "B"},
        {**GOOD, "key": "C", "level": "hint"},
        {**GOOD, "key": "D", "level": "hint", "severity": "to-correct", "fields": ["Insured", "Period"]},
    )
    table = load(write(tmp_path, *rows))
    assert [table[key].severity for key in "ABCD"] == ["blocking", "blocking", "hint", "to-correct"]
    assert [table[key].fields for key in "AD"] == [(), ("Insured", "Period")]


def without(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda row: {key: value for key, value in row.items() if key != name}


DEFECTS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "unknown key": (lambda row: {**row, "urgency": "high"}, "unknown urgency"),
    "an unknown severity": (lambda row: {**row, "severity": "high"}, "severity is blocking"),
    "a refusal to correct": (lambda row: {**row, "severity": "to-correct"}, "severity is blocking"),
    "a refusal as a hint": (lambda row: {**row, "severity": "hint"}, "severity is blocking"),
    "a hint that blocks": (lambda row: {**row, "level": "hint", "severity": "blocking"}, "severity is hint"),
    "a field that is no list": (lambda row: {**row, "fields": "Insured"}, "not a list of names"),
    "a field without name": (lambda row: {**row, "fields": [""]}, "not a text"),
    "no key": (without("key"), "key missing"),
    "no remedy": (without("remedy"), "remedy missing"),
    "no German": (lambda row: {**row, "text": {"fr": "a", "en": "c"}}, "de missing"),
    "a fourth language": (lambda row: {**row, "text": {**row["text"], "lb": "d"}}, "unknown lb"),
    "an empty text": (lambda row: {**row, "title": {**row["title"], "en": " "}}, "not a text"),
    "a number for a code": (lambda row: {**row, "official": 7}, "not a text: 7"),
    "a level of its own": (lambda row: {**row, "level": "batch"}, "file, record or hint"),
    "a day that is a text": (lambda row: {**row, "until": "soon"}, "not a day"),
    "a row that is a text": (lambda _row: "SALRET-7", "not a mapping"),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_bad_row_is_refused_and_named(tmp_path: Path, defect: str) -> None:
    spoil, complaint = DEFECTS[defect]
    with pytest.raises(TableError, match=complaint):
        load(write(tmp_path, spoil(GOOD)))


def test_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    write(tmp_path, GOOD, name="one.yaml")
    with pytest.raises(TableError, match="SALRET-7 stands twice"):
        load(write(tmp_path, GOOD, name="two.yaml"))


def test_a_file_that_is_no_list_is_refused(tmp_path: Path) -> None:
    (tmp_path / "table.yaml").write_text("key: SALRET-7\n", encoding="utf-8")
    with pytest.raises(TableError, match="not a list"):
        load(tmp_path)


def test_the_table_is_what_its_folder_says() -> None:
    assert load(Path(rejections.__file__).parent) == REJECTIONS
