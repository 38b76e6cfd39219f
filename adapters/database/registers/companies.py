"""The register of foreign user companies."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa

from adapters.database import tables
from adapters.database.registers.keys import keyed
from gateway.matricule import next_company_number
from gateway.registers import Address, Company

company = tables.table(tables.Company)


@keyed(3)
def _named(wanted: sa.FromClause) -> sa.Select[Any]:
    """Those with a country, postcode and name."""
    near = sa.and_(
        company.c.country == wanted.c.a, company.c.postcode == wanted.c.b, company.c.name == wanted.c.c
    )
    return sa.select(company).join(wanted, near)


@keyed(1)
def _numbered(wanted: sa.FromClause) -> sa.Select[Any]:
    return sa.select(company.c.matricule).join(wanted, company.c.matricule == wanted.c.a)


class SqlCompanies:
    """`gateway.registers.Companies` on the table `company`."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def find(self, companies: Collection[Company]) -> Mapping[Company, str]:
        keys = ((one.address.country, one.address.postcode, one.name) for one in companies)
        known = {_company(row): row.matricule for row in _named(self._connection, keys)}
        return {one: known[one] for one in companies if one in known}

    def assign(self, new: Company, year: int) -> str | None:
        of_year = sa.and_(company.c.matricule >= f"{year:04d}", company.c.matricule < f"{year:04d}:")
        last = self._connection.execute(sa.select(sa.func.max(company.c.matricule)).where(of_year)).scalar()
        number = next_company_number(year, last)
        if number is not None:
            self._connection.execute(
                sa.insert(company).values(
                    matricule=number,
                    name=new.name,
                    house_number=new.address.number,
                    street=new.address.street,
                    postcode=new.address.postcode,
                    town=new.address.town,
                    country=new.address.country,
                )
            )
        return number

    def numbered(self, numbers: Collection[str]) -> Collection[str]:
        return {row[0] for row in _numbered(self._connection, numbers)}


def _company(row: sa.Row[Any]) -> Company:
    return Company(row.name, Address(row.house_number, row.street, row.postcode, row.town, row.country))
