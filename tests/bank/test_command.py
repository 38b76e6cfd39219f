"""`secugate bank`: what an operator does with statements, payments of nobody, mandates and orders."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from lxml import etree
from pydantic import ValidationError
from typer.testing import CliRunner

from adapters.bank.orders import NotEntered, enter_debit
from adapters.cli import app
from adapters.premises import Premises as Folders
from adapters.settings import Settings
from tests.bank.house import EMPLOYER, START, Premises
from tests.bank.statements import Booked, Told, account, camt

HERE = Path(__file__).parent


@pytest.fixture
def home(tmp_path: Path) -> Premises:
    return Premises(Folders(tmp_path).database.parent)


def run(folder: Path, *words: str, status: int = 0) -> Result:
    done = CliRunner().invoke(app, ["bank", *words, "--data", str(folder)])
    assert done.exit_code == status, done.output
    return done


def told(folder: Path, *words: str, status: int = 0) -> Any:
    return json.loads(run(folder, *words, "--json", status=status).stdout)


def files(folder: Path, *contents: bytes) -> Sequence[str]:
    names = [folder / f"{number}.xml" for number in range(len(contents))]
    for name, content in zip(names, contents, strict=True):
        name.write_bytes(content)
    return [str(name) for name in names]


def test_files_are_taken_in_and_a_refused_one_stops_no_other(home: Premises, tmp_path: Path) -> None:
    good = camt([Booked(500_00, [Told(text=EMPLOYER)], reference="A"), Booked(7, reference="B")])
    names = files(tmp_path, b"<html/>", good, good)
    refused, taken, again = told(tmp_path, "import", *names, status=1)
    assert (refused["refused"], taken["amount"], again["again"]) == ("BANK-MESSAGE", "500.07", True)
    assert (len(taken["matched"]), taken["unmatched"]) == (1, {"20260310/B/7": "PAYMENT-REFERENCE"})
    shown = run(tmp_path, "import", *names, status=1)
    assert "was taken in before" in shown.stdout and "BANK-MESSAGE" in shown.stderr
    assert home.balance(EMPLOYER) == -500_00


def test_what_waits_is_listed_and_assigned(home: Premises, tmp_path: Path) -> None:
    told_text = Told(text="[bold]merci[/bold] <b>", name="Société fictive")
    run(tmp_path, "import", *files(tmp_path, camt([Booked(7_00, [told_text], reference="B")])))
    (waiting,) = told(tmp_path, "unmatched")
    assert (waiting["amount"], waiting["anomaly"], waiting["text"]) == (
        "7.00",
        "PAYMENT-REFERENCE",
        "[bold]merci[/bold] <b>",
    )
    shown = run(tmp_path, "unmatched").stdout
    assert waiting["reference"] in shown and "[bold]" in "".join(shown.split())
    run(tmp_path, "assign", waiting["reference"], "2099990001399", status=2)
    assert "no payment" in run(tmp_path, "assign", "x", EMPLOYER, status=1).stderr
    assert told(tmp_path, "assign", waiting["reference"], EMPLOYER)["amount"] == "7.00"
    assert told(tmp_path, "unmatched") == []
    assert home.balance(EMPLOYER) == -7_00


def test_a_mandate_is_entered_listed_and_ended(home: Premises, tmp_path: Path) -> None:
    words = ("mandate", "add", EMPLOYER, "--iban", account(5), "--name", "Firma", "--signed", "2026-01-05")
    assert told(tmp_path, *words, "--mandate", "M-1")["mandate"] == "M-1"
    assert "in force" in run(tmp_path, *words, "--mandate", "M-2", status=1).stderr
    (one,) = told(tmp_path, "mandate", "list")
    assert (one["employer"], one["iban"], one["used"]) == (EMPLOYER, account(5), None)
    assert "Firma" in run(tmp_path, "mandate", "list").stdout
    run(tmp_path, "mandate", "end", "M-1")
    run(tmp_path, "mandate", "end", "M-1", status=1)
    assert told(tmp_path, "mandate", "list") == []
    with home.database.write() as connection, pytest.raises(NotEntered, match="entered before"):
        enter_debit(
            connection,
            EMPLOYER,
            iban=account(5),
            bic=None,
            name="Firma",
            mandate="M-1",
            signed=date(2026, 1, 5),
            at=START,
        )


def test_direct_debits_are_put_in_a_file_once(home: Premises, tmp_path: Path) -> None:
    out = tmp_path / "pain008.xml"
    assert told(tmp_path, "collect", "--out", str(out)) == {
        "message": None,
        "number": 0,
        "amount": "0.00",
        "left_out": [],
    }
    assert not out.exists()
    home.charge(EMPLOYER, 1234_56, due=date(2026, 3, 20))
    words = ("mandate", "add", EMPLOYER, "--iban", account(5), "--name", "Firma", "--signed", "2026-01-05")
    run(tmp_path, *words, "--mandate", "M-1")
    done = told(tmp_path, "collect", "--out", str(out))
    assert (done["number"], done["amount"]) == (1, "1234.56")
    assert done["message"].encode() in out.read_bytes()
    assert etree.parse(out).getroot().tag.endswith("pain.008.001.08}Document")
    assert out.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.glob("*.part")] == []
    run(tmp_path, "collect", "--out", str(out), status=2)
    other = tmp_path / "again.xml"
    assert told(tmp_path, "collect", "--out", str(other))["number"] == 0
    assert not other.exists()


def test_a_run_that_was_cut_off_is_told_and_nothing_is_ordered(home: Premises, tmp_path: Path) -> None:
    (tmp_path / "out.xml.part").write_bytes(b"")
    assert "cut off" in run(tmp_path, "collect", "--out", str(tmp_path / "out.xml"), status=1).stderr
    assert home.number("SELECT count(*) FROM bank_order") == 0


def test_in_production_nothing_is_ordered_for_the_account_of_nobody(home: Premises, tmp_path: Path) -> None:
    home.charge(EMPLOYER, 10, due=date(2026, 3, 20))
    ours = {"SECUGATE_ENVIRONMENT": "production"}
    words = ["bank", "collect", "--out", str(tmp_path / "out.xml"), "--data", str(tmp_path)]
    done = CliRunner().invoke(app, words, env=ours)
    assert (done.exit_code, "SECUGATE_CREDITOR_NAME" in done.stderr) == (1, True)
    named = {
        "SECUGATE_CREDITOR_NAME": "Centre commun",
        "SECUGATE_CREDITOR_IBAN": account(4712),
        "SECUGATE_CREDITOR_BIC": "TESTLUL0",
        "SECUGATE_CREDITOR_ID": "LU53ZZZ0000000000000004712",
    }
    assert CliRunner().invoke(app, words, env={**ours, **named}).exit_code == 0


@pytest.mark.parametrize("name", ["creditor_iban", "creditor_bic", "creditor_id"])
def test_a_creditor_with_wrong_check_digits_is_no_setting(name: str) -> None:
    right = str(getattr(Settings(), name))
    with pytest.raises(ValidationError):
        Settings.model_validate({name: right[:2] + "00" + right[4:]})


def test_refunds_are_put_in_a_file(home: Premises, tmp_path: Path) -> None:
    run(tmp_path, "account", EMPLOYER, account(6), "--name", "Firma")
    run(tmp_path, "account", EMPLOYER, "LU00", "--name", "Firma", status=1)
    assert told(tmp_path, "refund", "--out", str(tmp_path / "pain001.xml"))["number"] == 0
    assert "no refunds" in run(tmp_path, "refund", "--out", str(tmp_path / "pain001.xml")).stdout
