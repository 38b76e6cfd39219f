"""The billing run: every employer with wages of a month gets its statement, once.

One transaction an employer: number, computation, documents and journal entry together. A run that
was cut off goes on where it stopped; one that is repeated finds nothing left to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from adapters.answering import give
from adapters.database import Database, tables
from adapters.database.journal import append
from adapters.database.registers import bind
from adapters.database.registers.activities import SqlActivities
from adapters.database.registers.wages import SqlWages, wage_of
from gateway import billing
from gateway.batch import MemberId
from gateway.moments import Clock, Period, Received
from gateway.registers import Registers, Wage
from gateway.returns import calcul, extcpt
from gateway.seal import Seal

wage = tables.table(tables.Wage)
statement = tables.table(tables.Statement)


class UnknownEmployer(Exception):
    """An employer has wages but no class and factor in the register for that year."""

    def __init__(self, matricule: str, year: int) -> None:
        super().__init__(f"employer {matricule} has no MDE class and accident factor for {year}")


@dataclass(frozen=True, slots=True)
class Issued:
    """A statement as it was issued: its number, for whom, the amount in cents, to which members."""

    number: str
    employer: str
    total: int
    recipients: tuple[str, ...]


class BillingRun:
    """Issues the statements of a month."""

    def __init__(self, database: Database, seal: Seal, clock: Clock) -> None:
        self._database = database
        self._seal = seal
        self._clock = clock

    def due(self, period: Period) -> list[str]:
        """The employers with wages of a period that have no statement for it yet."""
        billed = sa.select(statement.c.employer).where(statement.c.period == str(period))
        query = (
            sa.select(wage.c.employer)
            .where(
                wage.c.period == str(period),
                wage.c.state == "current",
                wage.c.employer.not_in(billed),
            )
            .distinct()
            .order_by(wage.c.employer)
        )
        with self._database.read() as connection:
            return list(connection.execute(query).scalars())

    def run(self, period: Period) -> Iterator[Issued]:
        """Issue every statement that is due for a period, one transaction each.

        Raises:
            UnknownEmployer: when the register of employers has a gap; those before it are issued.
        """
        for matricule in self.due(period):
            with self._database.write() as connection:
                issued = self._issue(connection, matricule, period)
            yield issued

    def _issue(self, connection: sa.Connection, matricule: str, period: Period) -> Issued:
        now = Received(self._clock())
        registers = bind(connection, SqlWages(connection), SqlActivities(connection))
        employer = registers.employers.get([matricule], period.year).get(matricule)
        if employer is None:
            raise UnknownEmployer(matricule, period.year)
        wages = _wages(connection, matricule, period)
        pairs = {(one.key.employer, one.key.insured) for one in wages}
        # The write lock is ours: numbers follow each other without gaps.
        latest = connection.execute(sa.select(sa.func.max(statement.c.number))).scalar() or 0
        number = f"{period.year:04d}{period.month:02d}-{latest + 1:07d}"
        invoice = billing.bill(
            employer, period, wages, registers.affiliations.of(pairs), number=number, at=now.at
        )
        due = invoice.statement
        connection.execute(
            sa.insert(statement).values(
                number=latest + 1,
                employer=matricule,
                period=str(period),
                issued=str(now),
                employee_total=due.employee_total,
                employer_total=due.employer_total,
                total=due.contributions,
            )
        )
        append(connection, at=now, event="billed", subject=f"{number} {matricule}")
        recipients = _recipients(registers, matricule, now)
        for member in recipients:
            header = self._seal.header(member, now.at)
            detail = calcul.write(calcul.CalculationReturn(header, invoice.calculation))
            statement_due = extcpt.write(extcpt.StatementReturn(header, due))
            give(connection, self._seal, member, detail, now.at)
            give(connection, self._seal, member, statement_due, now.at)
        return Issued(number, matricule, due.balance, tuple(str(member) for member in recipients))


def _wages(connection: sa.Connection, employer: str, period: Period) -> list[Wage]:
    rows = connection.execute(
        sa.select(wage)
        .where(wage.c.employer == employer, wage.c.period == str(period), wage.c.state == "current")
        .order_by(wage.c.insured, wage.c.first_day, wage.c.id)
    )
    return [wage_of(row) for row in rows]


def _recipients(registers: Registers, employer: str, now: Received) -> Sequence[MemberId]:
    """The members with the right to an employer's invoices, each once."""
    mandates = registers.mandates.for_employer(employer)
    return sorted({mandate.member for mandate in mandates if mandate.covers(calcul.CODE, now)})
