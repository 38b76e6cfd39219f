"""The register of employers; former names stay."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

import sqlalchemy as sa

from adapters.database import tables
from adapters.database.registers.keys import keyed
from gateway.registers import Employer, Registration

employer = tables.table(tables.Employer)
employer_year = tables.table(tables.EmployerYear)
employer_name = tables.table(tables.EmployerName)


@keyed(1)
def _in_year(wanted: sa.FromClause) -> sa.Select[Any]:
    """Employers as they are in a year; the last row entered for it counts."""
    return (
        sa.select(
            employer.c.matricule,
            employer.c.name,
            employer_year.c.mde_class,
            employer_year.c.accident_factor,
            employer.c.household,
            employer_year.c.public,
            employer_year.c.health_service,
        )
        .join(wanted, employer.c.matricule == wanted.c.a)
        .join(employer_year, employer_year.c.matricule == employer.c.matricule)
        .where(employer_year.c.year == sa.bindparam("year"))
        .order_by(employer_year.c.id)
    )


@keyed(1)
def _named(wanted: sa.FromClause) -> sa.Select[Any]:
    return sa.select(employer.c.matricule, employer.c.name).join(wanted, employer.c.matricule == wanted.c.a)


class SqlEmployers:
    """`gateway.registers.Employers` on the tables `employer`, `employer_year` and `employer_name`."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def get(self, matricules: Collection[str], year: int) -> Mapping[str, Employer]:
        # The last row of each takes the place of those before it.
        return {row[0]: Employer(*row) for row in _in_year(self._connection, matricules, year=year)}

    def name(self, matricule: str) -> str | None:
        query = sa.select(employer.c.name).where(employer.c.matricule == matricule)
        name: str | None = self._connection.execute(query).scalar()
        return name

    def names(self, matricules: Collection[str]) -> Mapping[str, str]:
        """What employers are called; those that are not registered have an empty name."""
        found = {row.matricule: row.name for row in _named(self._connection, matricules)}
        return {one: found.get(one, "") for one in matricules}

    def of_legal_person(self, national: str) -> Mapping[str, str]:
        query = sa.select(employer.c.matricule, employer.c.name).where(
            employer.c.matricule >= national, employer.c.matricule < national + ":"
        )
        return {row.matricule: row.name for row in self._connection.execute(query)}

    def enter(self, new: Registration) -> None:
        address = new.address
        self._connection.execute(
            sa.insert(employer).values(
                matricule=new.matricule,
                name=new.name,
                household=False,
                legal_form=new.legal_form,
                house_number=address and address.number,
                street=address and address.street,
                postcode=address and address.postcode,
                town=address and address.town,
                country=address and address.country,
                activity=new.activity,
                started=new.started and new.started.isoformat(),
            )
        )
        for year in new.years:
            self._connection.execute(
                sa.insert(employer_year).values(
                    matricule=new.matricule,
                    year=year,
                    mde_class=new.mde_class,
                    accident_factor=new.accident_factor,
                )
            )

    def rename(self, matricule: str, name: str, first: date, deposit: int) -> None:
        self._connection.execute(
            sa.insert(employer_name).values(
                matricule=matricule,
                before=self.name(matricule),
                name=name,
                first=first.isoformat(),
                deposit=deposit,
            )
        )
        self._connection.execute(
            sa.update(employer).where(employer.c.matricule == matricule).values(name=name)
        )
