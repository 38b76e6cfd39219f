"""Walks `PROCEDURES` and says what a procedure still lacks."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from gateway.attachments import KINDS
from gateway.procedures import EVERY_DEPOSIT, PARTS, PAYROLL, PROCEDURES, REFUSED_FILE, Procedure, procedure
from gateway.rejections import LANGUAGES, REJECTIONS, Level
from tests.pairs.pair import PAIRS
from tests.procedures.vector_files import VECTORS
from xsd import catalogue

ROOT = Path(__file__).parent.parent
each = pytest.mark.parametrize("procedure", PROCEDURES, ids=lambda one: one.code)


def versions(code: str) -> list[str]:
    return sorted(catalogue().entries[code].versions)


@each
def test_every_version_has_a_form_that_knows_the_records(procedure: Procedure) -> None:
    entry = catalogue().entries[procedure.code]
    assert entry.direction == "in"
    assert entry.record == procedure.record
    for version, dates in entry.versions.items():
        form = catalogue().form(procedure.code, version, dates.first)
        assert tuple(field.name for field in form.fields) == procedure.form.fields
        assert all(field.documentation for field in form.fields)


@each
def test_the_handler_stands_in_the_folder_of_its_family(procedure: Procedure) -> None:
    expected = f"gateway.procedures.{procedure.family}.{procedure.code.lower()}"
    assert procedure.handle.__module__ == expected
    assert procedure.family == catalogue().entries[procedure.code].family


@each
def test_every_answer_has_a_form_and_can_be_written_and_read(procedure: Procedure) -> None:
    for code in (*EVERY_DEPOSIT, *procedure.answers, *REFUSED_FILE):
        assert catalogue().entries[code].direction == "out"
        module = import_module(f"gateway.returns.{code.lower()}")
        assert code == module.CODE
        assert callable(module.write)
        assert callable(module.read)


@each
def test_every_version_has_an_example_pair(procedure: Procedure) -> None:
    for version in versions(procedure.code):
        folder = PAIRS / f"{procedure.code}-{version}"
        assert (folder / "batch.xml").is_file(), f"{folder} has no batch"
        for code in ("ACKTRT", *procedure.answers):
            assert (folder / f"{code}.xml").is_file(), f"{folder} has no {code}"


@each
def test_every_code_of_its_return_has_a_vector(procedure: Procedure) -> None:
    mine = (vector for vector in VECTORS if vector.procedure == procedure.code)
    due = {code for vector in mine for code in vector.due}
    codes = {
        key
        for key, row in REJECTIONS.items()
        if key.startswith(f"{procedure.returns_code}-") and row.until is None
    }
    assert codes, f"{procedure.returns_code} has no codes"
    assert codes - due == set()


@each
def test_it_is_documented(procedure: Procedure) -> None:
    page = (ROOT / "docs" / "reference" / "procedures.md").read_text()
    paragraph = page.partition(f"\n## {procedure.code}\n")[2].partition("\n## ")[0]
    assert len(paragraph) > 500


SENT = [code for code, entry in catalogue().entries.items() if entry.direction == "out"]


@pytest.mark.parametrize("code", SENT)
def test_all_that_goes_out_is_written_read_and_documented(code: str) -> None:
    module = import_module(f"gateway.returns.{code.lower()}")
    assert code == module.CODE
    assert callable(module.write)
    assert callable(module.read)
    page = (ROOT / "docs" / "reference" / "procedures.md").read_text()
    paragraph = page.partition("# What the gateway sends\n")[2].partition(f"\n## {code}\n")[2]
    assert (module.__doc__ or "").strip().partition("\n")[0] in paragraph.partition("\n## ")[0]


def test_every_rejection_speaks_three_languages() -> None:
    for key, row in REJECTIONS.items():
        for texts in (row.titles, row.texts, row.remedies):
            assert set(texts) == set(LANGUAGES), key


def test_every_file_level_code_is_tried_by_a_hostile_batch() -> None:
    tried = "".join(file.read_text() for file in (ROOT / "tests" / "flow").glob("test_*.py"))
    missing = [key for key, row in REJECTIONS.items() if row.level is Level.FILE and f'"{key}"' not in tried]
    assert missing == []


MOST_FIELDS = 30
"""Whoever adds a field to a record asks every payroll office for it: more than these need a decision."""


MOST_SENT = {"ACKTRT": 40, "ANNUEL": 50, "CALCUL": 130, "EXTCPT": 60, "SIMRES": 100}
"""What goes out and has room for more values, each with its own bound: it explains itself to a person."""


def test_leaves_of_a_form_are_counted_by_hand() -> None:
    forms = {
        code: catalogue().form(code, "1.0", catalogue().entries[code].versions["1.0"].first) for code in SENT
    }
    assert forms["CHGMAT"].leaves == 4
    assert forms["CHAPRO"].leaves == 6 + 3  # with year, stage and day beside the records
    assert forms["CALEND"].leaves == 6 + 1 + 3  # a month or an outage
    assert forms["ACKREC"].leaves == 2  # head aside, its place in the journal


def test_the_command_lists_every_message_with_its_answers() -> None:
    every = {row["code"]: row for row in _listed()}
    listed = {code: row for code, row in every.items() if code not in (*ATTACHMENTS, *PAGES)}
    entries = {code: entry for code, entry in catalogue().entries.items() if entry.direction != "envelope"}
    assert listed.keys() == entries.keys()
    for one in PROCEDURES:
        own = [*one.all_returns, *one.notices]
        assert listed[one.code]["answers"] == [*EVERY_DEPOSIT, *own, *REFUSED_FILE]
        assert listed[one.code]["fields"] == len(one.form.fields) <= MOST_FIELDS
    assert listed[PAYROLL]["fields"] == sum(len(procedure(part).form.fields) for part in PARTS)
    for code, row in listed.items():
        entry = entries[code]
        if entry.direction == "out":
            assert 0 < row["fields"] <= MOST_SENT.get(code, MOST_FIELDS), code
            assert row["fields"] > MOST_FIELDS or code not in MOST_SENT, code
    for code, row in listed.items():
        assert (row["direction"], row["family"]) == (entries[code].direction, entries[code].family)
        assert row["versions"] == versions(code)
        assert {"in", "out"} >= {row["direction"]}
        assert all(every[answer]["direction"] == "out" for answer in row["answers"])
    of_parts = listed[PAYROLL]["answers"]
    assert of_parts[:2] + of_parts[-1:] == [*EVERY_DEPOSIT, *REFUSED_FILE]
    assert {"MATASS", "SALRET", "INTRET", "SALMAN"} <= set(of_parts)
    assert "DETRET" not in of_parts


PAGES = {page: one for one in PROCEDURES for page in one.pages}


def test_the_command_lists_pages_to_read_and_the_reference_tells_of_them() -> None:
    rows = {row["code"]: row for row in _listed()}
    page = (ROOT / "docs" / "reference" / "procedures.md").read_text()
    assert set(PAGES) == {"INFO"}
    for code, one in PAGES.items():
        assert rows[code] == {
            "code": code,
            "direction": "out",
            "family": one.family,
            "versions": [],
            "fields": None,
            "answers": [],
        }
        assert f"\n## {code}\n" in page.partition("# What the gateway sends\n")[2]


ATTACHMENTS = {kind.code: kind for kind in KINDS}


def test_the_command_lists_what_goes_with_a_batch() -> None:
    listed = {row["code"]: row for row in _listed()}
    for code, kind in ATTACHMENTS.items():
        batch = listed[kind.procedure]
        row = listed[code]
        assert (row["direction"], row["family"]) == ("in", batch["family"])
        assert (row["versions"], row["fields"]) == ([], None)
        returned = procedure(kind.procedure).returns_code
        assert row["answers"] == [*EVERY_DEPOSIT, returned, *REFUSED_FILE]
    assert "MATRET" in listed["CARTID"]["answers"]


@pytest.mark.parametrize("code", ATTACHMENTS)
def test_what_goes_with_a_batch_is_documented(code: str) -> None:
    page = (ROOT / "docs" / "reference" / "procedures.md").read_text()
    assert f"| `{code}` |" in page.partition("# What goes with a batch\n")[2].partition("\n# ")[0]


def _listed() -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "adapters.cli", "procedures", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def test_a_payroll_is_documented_with_all_its_records() -> None:
    page = (ROOT / "docs" / "reference" / "procedures.md").read_text()
    paragraph = page.partition(f"\n## {PAYROLL}\n")[2].partition("\n# ")[0]
    assert len(paragraph) > 500
    assert all(f"| `{procedure(code).record}` | {code} |" in paragraph for code in PARTS)
