"""The operator's commands on accounts, through the command line and the tables."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from adapters.cli import app
from adapters.database.ledger import SqlArrangements, SqlLedger
from adapters.database.migrations import stamp
from adapters.premises import Premises
from gateway.ledger import entries as book
from gateway.moments import Period, Received
from gateway.money import cents_of, euro
from tests import databases
from tests.ledger.histories import CHARGE, EMPLOYER, full

TODAY = Received(datetime.now(UTC))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A gateway whose ledger has a charge of 60 days ago, half paid."""
    premises = Premises(tmp_path)
    premises.database.parent.mkdir(parents=True, exist_ok=True)
    database = databases.at(premises.database)
    database.create()
    stamp(database)
    issued = TODAY.day - timedelta(days=60)
    with database.write() as connection:
        SqlLedger(connection).enter(
            [
                book.contributions(
                    EMPLOYER,
                    statement=1,
                    issued=issued,
                    due=issued + timedelta(days=10),
                    period=Period(issued.year, issued.month).plus(-2),
                    by_institution=CHARGE,
                    booked=TODAY,
                ),
                book.payment(EMPLOYER, day=issued, amount=full() // 2, reference="R", booked=TODAY),
            ]
        )
    database.close()
    return tmp_path


def run(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--data", str(folder)])


def asked(folder: Path, *words: str) -> object:
    done = run(folder, *words, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


OPEN = full() - full() // 2


def test_an_account_shows_each_booking_with_the_balance_after_it(folder):
    told = asked(folder, "account", EMPLOYER)
    assert [one["balance"] for one in told["entries"]] == [euro(full()), euro(OPEN)]
    assert told["balance"] == euro(OPEN)
    assert [(one["entry"], one["open"]) for one in told["open"]] == [(1, euro(OPEN))]
    shown = run(folder, "account", EMPLOYER)
    assert shown.exit_code == 0
    assert f"Balance {euro(OPEN)}" in shown.output


def test_the_institutions_agree_with_the_ledger(folder):
    month = str(Period.of(TODAY))
    told = asked(folder, "institutions", "--period", month)
    assert told["differences"] == []
    assert {one["institution"] for one in told["rows"]} == set(CHARGE)
    done = run(folder, "institutions", "--period", month, "--transfers", "--csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert sum(cents_of(row["to_transfer"]) for row in rows) == full() // 2
    assert run(folder, "institutions", "--period", month).exit_code == 0
    assert run(folder, "institutions", "--period", "2025-13").exit_code == 2


def test_a_plan_a_dispute_and_a_request_are_entered_and_judged(folder):
    later = (TODAY.day + timedelta(days=30)).isoformat()
    plan = ("plan", "add", EMPLOYER, "--granted-by", "board", "--instalment")
    assert run(folder, *plan, f"{later}=1.00").exit_code == 1
    assert (
        run(
            folder, "dispute", "open", EMPLOYER, "--item", "1", "--reason", "C-1", "--amount", "1.00"
        ).exit_code
        == 0
    )
    assert asked(folder, "account", EMPLOYER)["open"][0]["disputed"] == "1.00"
    assert run(folder, "dispute", "close", "1", "rejected").exit_code == 0
    assert run(folder, "dispute", "close", "1", "upheld").exit_code == 1
    assert run(folder, "dispute", "close", "5", "upheld").exit_code == 1
    assert run(folder, *plan, f"{later}={euro(OPEN)}").exit_code == 0
    (standing,) = asked(folder, "plan", "list", EMPLOYER)
    assert (standing["state"], standing["total"]) == ("kept", euro(OPEN))
    assert run(folder, "plan", "list", EMPLOYER).exit_code == 0
    assert run(folder, "credit", "refund", EMPLOYER).exit_code == 1


def test_a_credit_is_asked_for_once(folder):
    database = databases.at(Premises(folder).database)
    with database.write() as connection:
        paid = book.payment(EMPLOYER, day=TODAY.day, amount=full(), reference="R2", booked=TODAY)
        SqlLedger(connection).enter([paid])
    assert run(folder, "credit", "refund", EMPLOYER, "--amount", "100.00").exit_code == 0
    assert run(folder, "credit", "refund", EMPLOYER).exit_code == 0
    assert run(folder, "credit", "refund", EMPLOYER).exit_code == 1
    with database.read() as connection:
        requests = SqlArrangements(connection).refunds_asked()
    database.close()
    assert sum(one.amount for one in requests) == full() // 2
