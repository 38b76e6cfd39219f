"""What was billed, changed behind the gateway's back, is found: the first row that is wrong is named."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from adapters.database import Database
from adapters.verification_of_accounts import account_findings
from gateway.contributions import Policy
from tests.billing.histories import EMPLOYERS, House, Step, check, template

BILL = Step("bill", 0, 0, 0, 1)
HISTORY = (
    Step("enter", 0, 0, 2, 7),
    Step("enter", 0, 1, 2, 7),
    Step("declare", 0, 0, 7, 10),
    Step("declare", 0, 1, 7, 10),
    Step("absent", 0, 0, 7, 3),
    BILL,
    Step("pay", 0, 0, 0, 3),
    Step("declare", 0, 0, 6, 11),
    Step("present", 0, 0, 6, 0),
    BILL,
    Step("renumber", 0, 1, 0, 1),
    Step("declare", 0, 0, 6, 12),
    BILL,
)


@pytest.fixture(scope="module")
def billed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of three months: wages declared anew, a refund taken back, a number replaced."""
    folder = tmp_path_factory.mktemp("accounts")
    house = House.open(template(folder), folder / "house", Policy())
    for step in HISTORY:
        issued = house.take(step)
        if issued is not None:
            check(house, issued)
    house.database.close()
    return folder / "house" / "house.sqlite"


@pytest.fixture
def file(billed: Path, tmp_path: Path) -> Path:
    """A copy of it that may be changed, also where only the ledger's own rules forbid it."""
    copy = tmp_path / "copy.sqlite"
    shutil.copyfile(billed, copy)
    do(copy, *(f"DROP TRIGGER {name}" for name in ask(copy, _TRIGGERS)))
    return copy


_TRIGGERS = "SELECT name FROM sqlite_master WHERE type = 'trigger'"


def do(file: Path, *statements: str) -> int:
    """Change something; how many rows."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        changed = sum(connection.execute(statement).rowcount for statement in statements)
        connection.execute("COMMIT")
        return changed


def ask(file: Path, query: str) -> list[object]:
    """The first column of a question."""
    with closing(sqlite3.connect(file)) as connection:
        return [row[0] for row in connection.execute(query)]


def findings(file: Path) -> list[str]:
    def found() -> Iterator[str]:
        with database.read() as connection:
            journal = connection.execute(sa.text("SELECT * FROM journal ORDER BY sequence")).all()
            yield from account_findings(connection, journal)

    with closing(Database(file)) as database:
        return list(found())


def test_what_was_billed_adds_up(file: Path) -> None:
    assert findings(file) == []
    numbers = ("SELECT count(*) FROM charge WHERE reversal = 1", "SELECT count(*) FROM mutuality_refund")
    assert [ask(file, query)[0] for query in numbers] == [2, 2]


LARGEST = 2**63 - 1
MIDDLE = f"(SELECT number FROM statement WHERE employer = '{EMPLOYERS[0]}' AND period = '2025-10')"
OF_MIDDLE = f"(SELECT min(id) FROM charge WHERE statement = {MIDDLE} AND reversal = 0)"


@pytest.mark.parametrize(
    "column", ["previous_balance", "booked", "contributions", "corrected", "refunded", "balance", "entries"]
)
@pytest.mark.parametrize("value", ["{0} + 1", "-{0}", "'text'", "x'00'", "9223372036854775807", "{0} + 0.5"])
def test_an_amount_of_a_statement_that_was_changed_is_found(file: Path, column: str, value: str) -> None:
    (before,) = ask(file, f"SELECT {column} FROM statement WHERE number = {MIDDLE}")
    assert do(file, f"UPDATE statement SET {column} = {value.format(column)} WHERE number = {MIDDLE}")
    (after,) = ask(file, f"SELECT {column} FROM statement WHERE number = {MIDDLE}")
    found = findings(file)
    assert bool(found) == (before != after)
    assert all(one.startswith("Statement 202510-") for one in found)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (f"UPDATE charge SET care_employee = care_employee + 1 WHERE id = {OF_MIDDLE}", "Statement 202510-"),
        (f"UPDATE charge SET pension_employer = 'text' WHERE id = {OF_MIDDLE}", "Statement 202510-"),
        (
            f"UPDATE charge SET mde_employer = {LARGEST} WHERE id = {OF_MIDDLE}",
            "Statement 202510-",
        ),
        (f"UPDATE charge SET employer = 'another' WHERE id = {OF_MIDDLE}", "Statement 202510-"),
        (f"DELETE FROM charge WHERE id = {OF_MIDDLE}", "Statement 202510-"),
        ("UPDATE charge SET version = 3 WHERE reversal = 0 AND version = 2", "Charge "),
        (
            "UPDATE charge SET version = 2 WHERE id IN (SELECT max(id) FROM charge)",
            "Charge ",
        ),
        ("UPDATE charge SET care_base = care_base + 1 WHERE reversal = 1", "Charge "),
        ("UPDATE mutuality_refund SET total = total + 1 WHERE reversal = 0", "Statement 202509-"),
        ("UPDATE mutuality_refund SET version = 2", "Refund "),
        ("UPDATE mutuality_refund SET total = -total WHERE reversal = 1", "Statement 202510-"),
        ("DELETE FROM mutuality_refund WHERE reversal = 1", "Statement 202510-"),
        (f"DELETE FROM statement WHERE number = {MIDDLE}", "Statement number "),
        ("UPDATE statement SET issued = '2025-01-01' WHERE number = 1", "Statement 202509-0000001"),
        ("UPDATE statement SET employer = 'another' WHERE number = 1", "Statement 202509-0000001"),
        (
            "DELETE FROM journal WHERE subject LIKE '202509-0000001%'",
            "Statement 202509-0000001",
        ),
        (
            "UPDATE ledger_posting SET amount = amount + 1 WHERE entry = 2",
            "Ledger entry 2",
        ),
        (
            "UPDATE ledger_posting SET amount = 'text' WHERE entry = 2",
            "Ledger entry 2",
        ),
        ("DELETE FROM ledger_posting WHERE entry = 2", "Ledger entry 2"),
        ("DELETE FROM ledger_entry WHERE number = 2", "Ledger entry 2"),
        (
            "UPDATE ledger_posting SET holder = 'another' WHERE account = 'employer' AND entry = 2",
            "Ledger entry 2",
        ),
        ("UPDATE ledger_entry SET kind = 'fine' WHERE kind = 'correction'", "Statement 202510-"),
        ("UPDATE ledger_entry SET statement = 1 WHERE kind = 'correction'", "Statement 202510-"),
    ],
)
def test_a_row_that_was_changed_is_found_and_named(file: Path, change: str, named: str) -> None:
    assert do(file, change)
    assert any(one.startswith(named) for one in findings(file)), findings(file)


def test_the_first_statement_that_is_wrong_is_named(file: Path) -> None:
    do(file, "UPDATE statement SET balance = balance + 100 WHERE period >= '2025-10'")
    (first,) = ask(file, "SELECT min(number) FROM statement WHERE period = '2025-10'")
    assert [one.partition(":")[0] for one in findings(file)] == [f"Statement 202510-{first:0>7}"]
