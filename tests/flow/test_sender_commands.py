"""What a sender is told before anything leaves the house: convert and sign."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import Result
from lxml import etree
from typer.testing import CliRunner

from adapters.cli import app
from gateway import dta
from gateway.procedures import PROCEDURES
from signing.container import open_container
from tests.flow.premises import rows, someone, texts
from tests.flow.test_container_deposits import FIRST, WAGE
from tests.house import INSURED, House, Sender


def command(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def wages(tmp_path: Path) -> Path:
    file = tmp_path / "DECSAL-july.dta"
    file.write_bytes((FIRST + WAGE).encode())
    return file


def test_a_converted_batch_names_its_software(wages: Path, tmp_path: Path) -> None:
    for place, (words, named) in enumerate(
        (((), "Secugate 0.1.0"), (("--software", "Paie Exacte 7.2 été"), "Paie Exacte 7.2 été"))
    ):
        out = tmp_path / f"made-{place}"
        done = command("convert", wages, "--out", out, *words)
        assert done.exit_code == 0, done.output
        (batch,) = out.iterdir()
        assert texts(batch.read_bytes(), "Header/Software") == [named]


@pytest.mark.parametrize("name", ["", "x" * 61, "two\nlines"])
def test_a_name_that_the_form_would_refuse_is_refused_at_once(wages: Path, tmp_path: Path, name: str) -> None:
    done = command("convert", wages, "--out", tmp_path / "made", "--software", name)
    assert done.exit_code == 2
    assert "--software" in done.stderr
    assert not (tmp_path / "made").exists()


def test_the_software_of_a_converted_batch_is_counted(home: House, sender: Sender, tmp_path: Path) -> None:
    home.affiliate(insured := someone())
    (tmp_path / "DECSAL.dta").write_bytes((FIRST + WAGE.replace(INSURED, insured)).encode())
    command("convert", tmp_path / "DECSAL.dta", "--out", tmp_path / "made", "--software", "Paie 1")
    (batch,) = (tmp_path / "made").iterdir()
    content = sender.signer.sign(etree.parse(batch).getroot(), home.clock())
    outcome = home.outcome(sender, home.receive(sender, batch.name, content).deposit)
    assert outcome.verdict == "accepted"
    query = "SELECT software FROM deposit WHERE number = :number"
    assert [row["software"] for row in rows(home, query, number=outcome.kept.number)] == ["Paie 1"]


def test_the_help_of_convert_lists_what_it_takes() -> None:
    told = command("convert", "--help").stdout
    for one in PROCEDURES:
        assert (one.code in told) == (not dta.is_xml_only(one.code)), one.code


def test_what_is_taken_in_xml_only_is_not_converted(tmp_path: Path) -> None:
    for code in ("DEMDET", "PAYROLL"):
        (tmp_path / f"{code}.dta").write_bytes(FIRST.encode())
        done = command("convert", tmp_path / f"{code}.dta", "--out", tmp_path / "made")
        assert (done.exit_code, f"{code} is taken in XML only" in done.stderr) == (1, True)


def test_a_dta_of_another_member_is_not_signed(sender: Sender, wages: Path, tmp_path: Path) -> None:
    out = tmp_path / "signed"
    wages.write_bytes((FIRST.replace("100001", "100002") + WAGE).encode())
    done = command("sign", wages, "--profile", sender.profile, "--out", out)
    assert done.exit_code == 1
    assert "is of member 2099990001299100002" in done.stderr
    assert not out.exists()
    wages.write_bytes(WAGE.encode())
    done = command("sign", wages, "--profile", sender.profile, "--out", out)
    assert (done.exit_code, "line 1" in done.stderr) == (1, True)
    assert not out.exists()
    wages.write_bytes((FIRST + WAGE).encode())
    done = command("sign", wages, "--profile", sender.profile, "--out", out)
    assert done.exit_code == 0, done.output
    (packed,) = out.iterdir()
    assert list(open_container(packed.read_bytes()).files) == ["DECSAL.dta"]
