"""What the registers know of an employer's staff, to begin a form with. By mandate only."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from adapters.database import tables
from adapters.database.engine import Database
from adapters.database.registers.affiliations import SqlAffiliations
from adapters.database.registers.mandates import SqlMandates
from gateway.batch import MemberId
from gateway.mandates import rights
from gateway.moments import Period, Received
from gateway.money import euro

employer = tables.table(tables.Employer)
person = tables.table(tables.Person)
wage = tables.table(tables.Wage)
MOST = 100
"""People of whom a form is begun."""


@dataclass(frozen=True, slots=True)
class Client:
    """An employer for whom a member may act in a procedure."""

    matricule: str
    name: str


class Prefill:
    """Reads the registers for whoever may act for an employer at this moment."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def clients(self, member: MemberId, procedure: str, at: Received) -> Sequence[Client]:
        """The employers for whom a member may act in a procedure, by name."""
        with self._database.read() as connection:
            held = SqlMandates(connection).held_by(member)
            allowed = rights(held, procedure, at).mandates
            query = sa.select(employer.c.matricule, employer.c.name).where(employer.c.matricule.in_(allowed))
            return [Client(*row) for row in connection.execute(query.order_by(employer.c.name))]

    def staff(self, matricule: str, period: Period) -> Mapping[str, str]:
        """Who is affiliated with an employer in a month: names by matricule."""
        first = date(period.year, period.month, 1)
        last = date(period.year, period.month, monthrange(period.year, period.month)[1])
        with self._database.read() as connection:
            found = {one.insured for one in SqlAffiliations(connection).during(matricule, first, last)}
            query = sa.select(person.c.matricule, person.c.surname, person.c.first_name)
            rows = connection.execute(query.where(person.c.matricule.in_(sorted(found)[:MOST]))).all()
        names = {row.matricule: f"{row.first_name} {row.surname}" for row in rows}
        return {insured: names.get(insured, "") for insured in sorted(found)[:MOST]}

    def wages(self, matricule: str, period: Period) -> Sequence[Mapping[str, str]]:
        """Wage records of a month to begin with: everybody who is affiliated, paid as the month before."""
        before = (
            sa.select(wage.c.insured, wage.c.base_wage, wage.c.work_hours)
            .where(
                wage.c.employer == matricule,
                wage.c.period == str(period.plus(-1)),
                sa.text(f"wage.{tables.WAGE_STANDS}"),
            )
            .order_by(wage.c.id)
        )
        with self._database.read() as connection:
            paid = {row.insured: row for row in connection.execute(before)}
        made = []
        for insured in self.staff(matricule, period):
            record = {"Employer": matricule, "Insured": insured, "Period": str(period)}
            if insured in paid:
                record["BaseWage"] = euro(paid[insured].base_wage)
                record["WorkHours"] = str(paid[insured].work_hours)
            made.append(record)
        return made
