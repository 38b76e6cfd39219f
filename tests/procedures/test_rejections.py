"""The table of rejections: complete, in three languages, and strict about its own form."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway import rejections
from gateway.rejections import LANGUAGES, REJECTIONS, Level, TableError, load

FILE = "NAME NAME-USED EMPTY NOT-XML DTD LIMITS FORM VERSION PROCEDURE SENDER RECIPIENT ENVIRONMENT CONTAINER DTA ATTACHMENT"
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
    numbers = {"AFFRET": 29, "SALRET": 14, "MATRET": 8, "MALRET": 16}
    utiret = "1 2 99 EMPLOYER NAME ADDRESS TWICE LUXEMBOURG AGENCY FULL"
    expected = {f"FILE-{word}" for word in FILE.split()} | {f"SIG-{word}" for word in SIGNATURE.split()}
    expected |= {f"{name}-{n}" for name, last in numbers.items() for n in (*range(1, last + 1), 99)}
    expected |= {f"UTIRET-{word}" for word in utiret.split()}
    expected |= {"SALRET-HELD", "MALRET-KNOWN", "MALRET-NONE", "MALRET-HOURS"}
    assert REJECTIONS.keys() == expected | {"MANDATE-EMPLOYER", "AFFRET-KNOWN", "AFFRET-NONE"}


def test_official_codes_are_those_that_the_operator_publishes() -> None:
    for key, rejection in REJECTIONS.items():
        family, _, number = key.partition("-")
        assert rejection.key == key
        theirs = family in ("AFFRET", "SALRET", "MALRET") and number.isdigit() and key != "MALRET-99"
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
    for prefix in ("FILE", "SIG", "AFFRET", "SALRET", "MALRET", "MATRET", "UTIRET"):
        titles = [one.titles["en"] for key, one in REJECTIONS.items() if key.startswith(prefix)]
        assert len(set(titles)) == len(titles)


def test_only_the_abolished_code_has_an_end() -> None:
    assert {key: one.until for key, one in REJECTIONS.items() if one.until} == {
        "SALRET-6": date(2018, 12, 31)
    }
    assert all(one.since is None for one in REJECTIONS.values())


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


def without(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda row: {key: value for key, value in row.items() if key != name}


DEFECTS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "unknown key": (lambda row: {**row, "severity": "high"}, "unknown severity"),
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
