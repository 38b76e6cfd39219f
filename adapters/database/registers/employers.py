"""The register of employers."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import sqlalchemy as sa

from adapters.database import tables
from adapters.database.registers.keys import key_table
from gateway.registers import Employer

employer = tables.table(tables.Employer)
employer_year = tables.table(tables.EmployerYear)


class SqlEmployers:
    """`gateway.registers.Employers` on the tables `employer` and `employer_year`."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def get(self, matricules: Collection[str], year: int) -> Mapping[str, Employer]:
        wanted = key_table(self._connection, [(matricule,) for matricule in matricules])
        query = (
            sa.select(
                employer.c.matricule,
                employer.c.name,
                employer_year.c.mde_class,
                employer_year.c.accident_factor,
                employer.c.household,
            )
            .join(wanted, employer.c.matricule == wanted.c.a)
            .join(employer_year, employer_year.c.matricule == employer.c.matricule)
            .where(employer_year.c.year == year)
        )
        return {row.matricule: Employer(*row) for row in self._connection.execute(query)}
