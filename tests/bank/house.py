"""A gateway's database with employers, and what the ledger says, for tests of the bank."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from adapters.bank.intake import Taken, take
from adapters.database import tables
from adapters.database.ledger import SqlLedger
from adapters.database.migrations import stamp
from adapters.settings import Settings
from gateway.ledger.entries import AccountKind, Entry, contributions
from gateway.moments import Period, Received
from tests import databases
from tests.bank.statements import OURS

EMPLOYER = "2099990001299"
OTHER = "2099990002099"
START = Received(datetime(2026, 3, 11, 8, tzinfo=UTC))
SETTINGS = Settings()
JANUARY = Period(2026, 1)
NAMES = {EMPLOYER: "Atelier fictif", OTHER: "Bureau fictif"}


class Premises:
    """A database with two employers; a clock that goes on by a minute at each look."""

    def __init__(self, folder: Path) -> None:
        self.database = databases.at(folder / "secugate.sqlite")
        self.database.create()
        stamp(self.database)
        self.now = START
        with self.database.write() as connection:
            for matricule, name in NAMES.items():
                connection.execute(
                    sa.insert(tables.table(tables.Employer)).values(matricule=matricule, name=name)
                )

    def later(self, **time: int) -> Received:
        """The moment after some time, a minute unless told."""
        self.now = Received(self.now.at + timedelta(**(time or {"minutes": 1})))
        return self.now

    def take(self, raw: bytes) -> Taken:
        return take(self.database, raw, OURS, self.later())

    def entries(self, employer: str) -> Sequence[Entry]:
        with self.database.read() as connection:
            return SqlLedger(connection).of(employer)

    def balance(self, employer: str) -> int:
        return sum(one.amount for one in self.entries(employer))

    def stands(self, kind: AccountKind) -> int:
        """What stands on all accounts of a kind, in cents."""
        return self.number(
            "SELECT coalesce(sum(amount), 0) FROM ledger_posting WHERE account = :kind", kind=kind.value
        )

    def number(self, question: str, **given: object) -> int:
        with self.database.read() as connection:
            return int(connection.execute(sa.text(question), given).scalar_one())

    def states(self) -> dict[str, str]:
        with self.database.read() as connection:
            rows = connection.execute(sa.text("SELECT reference, state FROM payment ORDER BY number"))
            return {row.reference: row.state for row in rows}

    def journal(self) -> list[tuple[str, str]]:
        with self.database.read() as connection:
            rows = connection.execute(sa.text("SELECT event, subject FROM journal ORDER BY sequence"))
            return [(row.event, row.subject) for row in rows if row.event != "changed"]

    def charge(self, employer: str, amount: int, *, due: date, period: Period = JANUARY) -> int:
        """Issue a statement for a month, with one charge; its number."""
        with self.database.write() as connection:
            table = tables.table(tables.Statement)
            issued = due - timedelta(10)
            nothing: dict[str, object] = {
                column.name: 0 if isinstance(column.type, sa.Integer) else ""
                for column in table.columns
                if column.name != "number"
            }
            values = {**nothing, "employer": employer, "period": str(period)}
            insert = sa.insert(table).values(values).returning(table.c.number)
            number: int = connection.execute(insert).scalar_one()
            SqlLedger(connection).enter(
                [
                    contributions(
                        employer,
                        statement=number,
                        issued=issued,
                        due=due,
                        period=period,
                        by_institution={"CNS": amount},
                        booked=self.now,
                    )
                ]
            )
        return number
