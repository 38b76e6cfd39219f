"""`secugate reconcile`: a member compares its own computation with a collected CALCUL, without a server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from typer.testing import CliRunner

from adapters.cli import app
from gateway import dta, wire
from gateway.batch import Header, MemberId
from gateway.billing import Calculation
from gateway.contributions import Classification, Pay
from gateway.money import euro
from gateway.procedures.billing import owncal
from gateway.returns import calcul
from tests.billing.test_reconcile import EMPLOYER, INSURED, JULY, result, situation
from xsd import catalogue

AT = datetime(2026, 9, 5, tzinfo=UTC)
MEMBER = MemberId(EMPLOYER, "100001")
CHARGED = result(situation(Pay(base_wage=381240, hours=Decimal(173))))
OTHERWISE = result(situation(Pay(base_wage=381240, hours=Decimal(173)), Classification(1, 85)))


def record(**changed: str) -> dict[str, str]:
    """The own computation of what is charged, with the class of the MDE that the employer knows."""
    stated = {"Employer": EMPLOYER, "Insured": INSURED, "Period": str(JULY)}
    for line in OTHERWISE.lines:
        word, sides = owncal.SHARES[line.branch]
        stated[f"{word}Base"] = euro(line.base)
        shares = {"Employee": line.employee, "Employer": line.employer}
        stated |= {f"{word}{side}": euro(shares[side]) for side in sides}
    return stated | changed


@pytest.fixture
def charged(tmp_path: Path) -> Path:
    calculation = Calculation(EMPLOYER, JULY, "2026-000001", JULY.plus(2), (CHARGED,))
    document = calcul.CalculationReturn(wire.AnswerHeader(MEMBER, "test", AT), calculation)
    file = tmp_path / "CALCUL.xml"
    file.write_bytes(etree.tostring(calcul.write(document)))
    return file


def written(folder: Path, *records: Mapping[str, str]) -> Path:
    header = Header("OWNCAL", "1.0", MEMBER, "CCSS", "test", AT)
    file = folder / "OWNCAL.xml"
    file.write_bytes(etree.tostring(wire.write_batch(header, "Own", records)))
    return file


def reconcile(*arguments: object) -> tuple[int, dict[str, Any]]:
    done = CliRunner().invoke(app, ["reconcile", *map(str, arguments), "--json"])
    return done.exit_code, json.loads(done.stdout)


def test_differences_are_told_with_their_reason_and_add_up(tmp_path: Path, charged: Path) -> None:
    status, told = reconcile(written(tmp_path, record()), charged)
    assert status == 1
    assert (told["own"], told["billed"], told["difference"]) == ("959.50", "986.95", "27.45")
    (different,) = (line for line in told["lines"] if line["reason"])
    assert different["branch"] == "mde"
    assert (different["reason"], different["numbers"]) == ("class", "2 -> 1; 0.95 % -> 0.23 %")
    (reason,) = told["reasons"]
    assert (reason["reason"], reason["lines"], reason["amount"]) == ("class", 1, "27.45")
    done = CliRunner().invoke(
        app, ["reconcile", str(tmp_path / "OWNCAL.xml"), str(charged), "--language", "de"]
    )
    assert done.exit_code == 1
    assert "27.45" in done.stdout
    assert "Mutualité des employeurs" in done.stdout


def test_what_agrees_ends_with_zero(tmp_path: Path, charged: Path) -> None:
    status, told = reconcile(written(tmp_path, record(MutualityEmployer="36.22")), charged)
    assert (status, told["difference"], told["reasons"]) == (0, "0.00", [])


@pytest.mark.parametrize("separator", [";", ","])
def test_a_table_with_named_columns_says_the_same(tmp_path: Path, charged: Path, separator: str) -> None:
    columns = record()
    file = tmp_path / "own.csv"
    rows = [separator.join(columns), separator.join(columns.values())]
    file.write_text("\r\n".join(rows), encoding="utf-8-sig")
    assert reconcile(file, charged) == reconcile(written(tmp_path, record()), charged)


def test_a_dta_file_says_the_same(tmp_path: Path, charged: Path) -> None:
    file = tmp_path / "OWNCAL.dta"
    file.write_bytes(dta.write(MEMBER, [record()], catalogue().form("OWNCAL", "1.0", AT.date())))
    assert reconcile(file, charged) == reconcile(written(tmp_path, record()), charged)


def test_records_of_another_month_are_left_out_and_said_so(tmp_path: Path, charged: Path) -> None:
    own = written(tmp_path, record(MutualityEmployer="36.22"), record(Period="2026-06"))
    done = CliRunner().invoke(app, ["reconcile", str(own), str(charged)])
    assert done.exit_code == 0
    assert "Of another employer or month, not compared: 1" in done.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Employer;Colour\n1;blue\n", "Colour"),
        ("Employer;Insured;Period;CareEmployee\n1;2;3;4\n", "record 1"),
        ("", "Employer"),
    ],
)
def test_what_cannot_be_read_is_wrong_use(tmp_path: Path, charged: Path, text: str, said: str) -> None:
    file = tmp_path / "own.csv"
    file.write_text(text)
    done = CliRunner().invoke(app, ["reconcile", str(file), str(charged)])
    assert done.exit_code == 2
    assert said in done.stderr or text == ""


def test_neither_database_nor_engine_is_loaded(tmp_path: Path, charged: Path) -> None:
    own = written(tmp_path, record(MutualityEmployer="36.22"))
    program = (
        "import sys; from adapters.cli import app\n"
        f"try: app(['reconcile', {str(own)!r}, {str(charged)!r}])\n"
        "except SystemExit as end: assert not end.code\n"
        "assert not {'sqlalchemy', 'dbos', 'fastapi'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
