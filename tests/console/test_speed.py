"""What the console looks up by index: with a hundred thousand deposits nobody waits while somebody calls."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from adapters.console import queues as waits
from adapters.console.finding import find, understand
from adapters.console.life import life
from tests import databases
from tests.flow.premises import someone
from tests.house import EMPLOYER, INSURED, MEMBER, House, Outcome, Sender, wage

Ask = Callable[[sa.Connection, Outcome], object]

LARGE = ("deposit", "answer", "journal", "wage", "affiliation", "decision", "anomaly_count")
"""Tables that grow with every deposit."""


@pytest.fixture(scope="module")
def deposited(open_home: House, visitor: Sender) -> Outcome:
    open_home.affiliate(INSURED)
    return open_home.send(visitor, "DECSAL", [wage(), wage(someone())])


def asking(text: Callable[[Outcome], str]) -> Ask:
    return lambda connection, out: find(connection, understand(text(out)))


ASKS: dict[str, Ask] = {
    "reference": asking(lambda out: out.kept.deposit.id),
    "beginning of a reference": asking(lambda out: out.kept.deposit.id[:8]),
    "file name": asking(lambda out: out.kept.deposit.name),
    "member": asking(lambda _: str(MEMBER)),
    "person": asking(lambda _: INSURED),
    "employer": asking(lambda _: EMPLOYER),
    "life": lambda connection, out: life(connection, out.kept.deposit.id),
    "queue": lambda connection, _: waits.entries(connection, waits.Name.PARKED),
}


def scans(connection: sa.Connection, do: Callable[[], object]) -> list[str]:
    """Large tables that are read from end to end, without an index that names what is looked for."""
    with databases.plans(connection) as steps:
        do()
    plans = [step.partition(": ")[0] for step in steps]
    return [plan for plan in plans for table in LARGE if plan.startswith(f"SCAN {table}")]


@pytest.mark.parametrize("name", ASKS)
def test_nothing_large_is_read_from_end_to_end(open_home: House, deposited: Outcome, name: str):
    with open_home.gateway.database.read() as connection:
        found = scans(connection, lambda: ASKS[name](connection, deposited))
    assert [plan for plan in found if "USING" not in plan] == []


def test_a_search_without_an_index_would_be_found(open_home: House, deposited: Outcome):
    """Negative control."""
    with open_home.gateway.database.read() as connection:
        found = scans(
            connection, lambda: connection.exec_driver_sql("SELECT * FROM deposit WHERE door = 'x'").all()
        )
    assert found == ["SCAN deposit"]
