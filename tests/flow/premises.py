"""What is on the premises of a gateway, seen from outside its code: rows, answers, journal, files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from lxml import etree

from adapters.database.deposits import Kept
from gateway.client.seals import GOOD, seal_verdict
from gateway.matricule import person_number
from gateway.moments import LUXEMBOURG
from gateway.wire import NAMESPACE
from signing.container import MAGIC
from tests.house import House, MovingClock, Sender, wait_for
from tests.sealed import opened
from xsd import catalogue

START = datetime(2026, 8, 20, 9, 15, tzinfo=UTC)
Row = Mapping[str, Any]
REGISTERS = ("wage", "affiliation", "person")
ENDED = ("done", "held", "rejected")


def _everyone() -> Iterator[str]:
    born = date(1893, 1, 1)
    while True:
        yield person_number(born, 57)
        born += timedelta(days=1)


_people = _everyone()


def someone() -> str:
    """A person whom no test has spoken of yet; made up, born in the 1890s."""
    return next(_people)


def rows(home: House, statement: str, **given: object) -> list[Row]:
    """The rows that a question in SQL finds; documents in plain bytes."""
    with home.gateway.database.read() as connection:
        found = connection.execute(sa.text(statement), given).mappings().all()
        return [opened(connection, row) for row in found]


def execute(home: House, *statements: str) -> None:
    """Change the database as an operator with a console can."""
    with home.gateway.database.write() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def wages(home: House, insured: str) -> list[tuple[str, int]]:
    """State and base wage in cents of each wage declared for a person, in the order of entry."""
    found = rows(
        home, "SELECT state, base_wage FROM wage WHERE insured = :insured ORDER BY id", insured=insured
    )
    return [(row["state"], row["base_wage"]) for row in found]


def affiliations(home: House, insured: str) -> list[tuple[str, str | None]]:
    """First and last day of each affiliation of a person that counts."""
    found = rows(
        home,
        "SELECT entry, exit FROM affiliation WHERE insured = :insured AND state = 'current' ORDER BY entry",
        insured=insured,
    )
    return [(row["entry"], row["exit"]) for row in found]


def registered(home: House) -> dict[str, list[Row]]:
    """All that deposits can change in the registers."""
    return {register: rows(home, f"SELECT * FROM {register} ORDER BY 1") for register in REGISTERS}


def answers(home: House, deposit: str) -> list[tuple[str, bytes]]:
    """Kind and bytes of all that was posted for a deposit, in order."""
    found = rows(home, "SELECT kind, content FROM answer WHERE deposit = :id ORDER BY number", id=deposit)
    return [(row["kind"], row["content"]) for row in found]


def texts(content: bytes, path: str) -> list[str]:
    """The texts at a path of a document, such as `Rejected/Code`."""
    steps = "/".join(f"{{{NAMESPACE}}}{step}" for step in path.split("/"))
    return [found.text or "" for found in etree.fromstring(content).iterfind(steps)]


class HandClock(MovingClock):
    """A clock that a test puts forward by hand."""

    def put(self, at: datetime) -> None:
        """Forward to a moment; never back."""
        with self.lock:
            self.at = max(self.at, at)


def move(home: House, clock: HandClock, to: datetime) -> None:
    """Put the clock forward to a moment, and have the engine look at it."""
    clock.put(to)
    home.gateway.engine.wake()


def counts(home: House, sender: Sender, deposit: str) -> tuple[str, int | None, int | None, int | None]:
    """State, and how many records are accepted, rejected and on hold."""
    found = home.gateway.deposits.find(str(sender.member), deposit)
    assert found is not None
    return found.state.value, found.accepted, found.rejected, found.held


def swept(home: House, sender: Sender, deposit: str, state: str) -> None:
    """Wait until a deposit is in a state."""

    def found() -> Kept | None:
        home.gateway.engine.wake()
        one = home.gateway.deposits.find(str(sender.member), deposit)
        return one if one is not None and one.state.value == state else None

    wait_for(found)


def midnight(day: date) -> datetime:
    """The first moment of a day in Luxembourg."""
    return datetime(day.year, day.month, day.day, tzinfo=LUXEMBOURG).astimezone(UTC)


def look_over(home: House) -> None:
    """Whatever a module did: every deposit has its receipt, every ended one its one acknowledgement, every
    answer has its form and (of each tenth it is looked at) our seal, and all is as the journal says."""
    count = "(SELECT count(*) FROM answer WHERE deposit = d.id AND kind = '{}') AS \"{}\""
    counts = ", ".join(count.format(kind, kind) for kind in ("ACKREC", "ACKTRT", "FAIL"))
    for row in rows(home, f"SELECT d.id, d.state, d.fault, {counts} FROM deposit d"):
        assert (row["ACKREC"], row["ACKTRT"]) == (1, int(row["state"] in ENDED)), row
        assert row["FAIL"] == int(row["state"] == "rejected"), row
    for row in rows(home, "SELECT number, kind, content FROM answer"):
        if not row["content"].startswith(MAGIC):
            catalogue().form(row["kind"], "1.0", date(2026, 8, 1)).validate(etree.fromstring(row["content"]))
        assert row["number"] % 10 or seal_verdict(row["content"], home.seals) == GOOD
    findings = home.findings()
    assert not findings, findings


def kinds(found: Sequence[tuple[str, bytes]]) -> list[str]:
    """The kinds of answers, in order."""
    return [kind for kind, _ in found]
