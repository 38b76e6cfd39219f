"""`secugate validate`: faults of form are known before anything is signed or sent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from lxml import etree
from typer.testing import CliRunner

from adapters.cli import app
from gateway.batch import MemberId
from gateway.names import Extension
from tests.flow.test_container_deposits import FIRST, WAGE
from tests.house import House, Sender, wage


def validate(*words: object) -> tuple[int, list[dict[str, object]]]:
    """The exit status, and all anomalies with the name of their file."""
    done = CliRunner().invoke(app, ["validate", *map(str, words), "--json"])
    told = json.loads(done.stdout)
    by_file = {str(words[0]): told} if "valid" in told else told
    assert all(set(one) == {"valid", "anomalies"} for one in by_file.values())
    return done.exit_code, [
        {"file": Path(file).name, **fault} for file, one in by_file.items() for fault in one["anomalies"]
    ]


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
    status, told = validate(document, dta)
    assert status == 1
    assert [(one["file"], one["record"], one["field"], one["code"]) for one in told] == [
        ("wages.xml", 1, "BaseWage", "SALRET-4"),
        ("wages.xml", 1, "WorkHours", "SALRET-4"),
        ("DECSAL.dta", 3, "Period", "SALRET-5"),
        ("DECSAL.dta", 2, None, "SALRET-99"),
    ]
    assert all(set(one["message"]) == set(one["remedy"]) == {"fr", "de", "en"} for one in told)


def test_a_container_is_looked_into(home: House, sender: Sender, tmp_path: Path) -> None:
    good, bad = tmp_path / home.name("DECSAL", sender.member, Extension.ASICE), tmp_path / "july.asice"
    good.write_bytes(sender.signer.sign_container({"DECSAL.dta": (FIRST + WAGE).encode()}, home.clock()))
    batch = etree.tostring(home.plain(sender, "DECSAL", [wage(), wage(BaseWage="many")]))
    bad.write_bytes(sender.signer.sign_container({"DECSAL.xml": batch}, home.clock()))
    assert validate(good) == (0, [])
    status, [fault] = validate(good, bad)
    told = (fault["file"], fault["record"], fault["field"], fault["code"])
    assert (status, told) == (1, ("july.asice", 2, "BaseWage", "SALRET-4"))


def test_the_name_of_a_container_must_agree_with_what_is_in_it(
    home: House, sender: Sender, tmp_path: Path
) -> None:
    packed = sender.signer.sign_container({"DECSAL.dta": (FIRST + WAGE).encode()}, home.clock())
    other = MemberId("2099990001299", "100002")
    for name, code in (
        (home.name("DECAFF", sender.member, Extension.ASICE), "FILE-PROCEDURE"),
        (home.name("DECSAL", other, Extension.ASICE), "FILE-SENDER"),
    ):
        (tmp_path / name).write_bytes(packed)
        status, [fault] = validate(tmp_path / name)
        assert (status, fault["code"]) == (1, code)


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"notes.txt": b"no batch"}, "FILE-CONTAINER"),
        ({"DECSAL.dta": (FIRST + WAGE).encode(), "notes.txt": b"more"}, "FILE-ATTACHMENT"),
    ],
)
def test_a_container_with_other_files(
    home: House, sender: Sender, tmp_path: Path, files: dict[str, bytes], code: str
) -> None:
    (tmp_path / "july.asice").write_bytes(sender.signer.sign_container(files, home.clock()))
    status, [fault] = validate(tmp_path / "july.asice")
    assert (status, fault["code"]) == (1, code)


def test_a_container_that_is_cut_off(home: House, sender: Sender, tmp_path: Path) -> None:
    packed = sender.signer.sign_container({"DECSAL.dta": (FIRST + WAGE).encode()}, home.clock())
    (tmp_path / "july.asice").write_bytes(packed[:-9])
    status, [fault] = validate(tmp_path / "july.asice")
    assert (status, fault["code"]) == (1, "FILE-CONTAINER")


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
