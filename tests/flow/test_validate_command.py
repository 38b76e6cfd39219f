"""`secugate validate`: faults of form are known before anything is signed or sent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from lxml import etree
from typer.testing import CliRunner

from adapters.cli import app
from tests.flow.test_container_deposits import FIRST, WAGE
from tests.house import House, Sender, wage


def validate(*words: object) -> tuple[int, list[dict[str, object]]]:
    done = CliRunner().invoke(app, ["validate", *map(str, words), "--json"])
    return done.exit_code, json.loads(done.stdout)


def test_a_good_batch_has_no_faults(home: House, sender: Sender, tmp_path: Path) -> None:
    document = tmp_path / "wages.xml"
    document.write_bytes(etree.tostring(home.plain(sender, "DECSAL", [wage()])))
    (tmp_path / "DECSAL-july.dta").write_bytes((FIRST + WAGE).encode())
    assert validate(document, tmp_path / "DECSAL-july.dta") == (0, [])
    done = CliRunner().invoke(app, ["validate", str(document)])
    assert "none" in done.stdout


def test_all_faults_of_all_files_are_told(home: House, sender: Sender, tmp_path: Path) -> None:
    document = tmp_path / "wages.xml"
    document.write_bytes(etree.tostring(home.plain(sender, "DECSAL", [wage(BaseWage="many", WorkHours="x")])))
    dta = tmp_path / "DECSAL.dta"
    dta.write_bytes((FIRST + WAGE + "1;too;short\r\n" + WAGE.replace("202607", "2026-7")).encode())
    status, told = validate(document, dta, "--language", "de")
    assert status == 1
    assert [(one["file"], one["record"], one["field"], one["code"]) for one in told] == [
        ("wages.xml", 1, "BaseWage", "SALRET-4"),
        ("wages.xml", 1, "WorkHours", "SALRET-4"),
        ("DECSAL.dta", 3, "Period", "SALRET-5"),
        ("DECSAL.dta", 2, None, "SALRET-99"),
    ]
    assert all(one["text"] and one["remedy"] for one in told)


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.xml", b"<DECSAL", "FILE-NOT-XML"),
        ("a.xml", b"<DECXYZ/>", "FILE-PROCEDURE"),
        ("WAGES.dta", FIRST.encode(), "FILE-PROCEDURE"),
        ("DECSAL.dta", WAGE.encode(), "FILE-DTA"),
        ("DECSAL.dta", FIRST.encode(), "FILE-EMPTY"),
    ],
)
def test_a_file_that_is_no_batch(tmp_path: Path, name: str, content: bytes, code: str) -> None:
    (tmp_path / name).write_bytes(content)
    status, [fault] = validate(tmp_path / name)
    assert (status, fault["code"]) == (1, code)
