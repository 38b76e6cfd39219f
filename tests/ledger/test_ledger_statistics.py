"""The two statistics told to the institutions, from the charges."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from adapters.database import tables
from adapters.database.institutions import statistics
from gateway.ledger.institutions import Statistics
from gateway.moments import Period
from gateway.parameters import Branch
from tests import databases
from tests.ledger.histories import EMPLOYER

ANNA, BRUNO = "1893120105732", "1894050600302"


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sa.Connection]:
    database = databases.at(tmp_path / "charges.sqlite")
    database.create()
    with database.write() as connection:
        fill(connection, tables.table(tables.Statement), number=1, employer=EMPLOYER, period="2026-03")
        yield connection
    database.close()


def fill(connection: sa.Connection, table: sa.Table, **values: object) -> None:
    """A row in which whatever has to be there and is not given is empty or zero."""
    needed = (c for c in table.columns if not c.nullable and not c.primary_key)
    empty = {c.name: 0 if isinstance(c.type, sa.Integer) else "" for c in needed}
    connection.execute(sa.insert(table).values({**empty, **values}))


def charge(connection: sa.Connection, insured: str, base: int, *branches: Branch, **more: object) -> None:
    bases = {f"{branch}_base": base for branch in branches}
    fill(
        connection,
        tables.CHARGE,
        **{"employer": EMPLOYER, "insured": insured, "period": "2026-03", "statement": 1, **bases, **more},
    )


def test_persons_and_bases_are_those_of_the_wage_month_that_the_month_bills(connection):
    charge(connection, ANNA, 100, Branch.CARE, Branch.PENSION)
    charge(connection, BRUNO, 50, Branch.CARE)
    charge(connection, BRUNO, 999, Branch.CARE, period="2026-04")
    assert statistics(connection, Period(2026, 5)) == {"CNS": Statistics(2, 150), "CNAP": Statistics(1, 100)}
    assert statistics(connection, Period(2026, 4)) == {}


def test_who_was_taken_back_does_not_count_and_who_was_corrected_counts_once(connection):
    charge(connection, ANNA, 100, Branch.CARE)
    charge(connection, ANNA, -100, Branch.CARE, reversal=1)
    charge(connection, BRUNO, 50, Branch.CARE)
    charge(connection, BRUNO, -50, Branch.CARE, reversal=1)
    charge(connection, BRUNO, 60, Branch.CARE, version=2)
    assert statistics(connection, Period(2026, 5)) == {"CNS": Statistics(1, 60)}
