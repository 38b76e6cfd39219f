"""The register of persons: our default for `gateway.registers.Persons`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

import sqlalchemy as sa

from adapters.database import tables
from adapters.database.registers.keys import keyed
from gateway.matricule import person_number
from gateway.registers import Address, Identity

LAST_SERIAL = 999

affiliation = tables.table(tables.Affiliation)
renumbering = tables.table(tables.Renumbering)
person = tables.table(tables.Person)

_ANY_REPLACED = sa.select(sa.func.max(renumbering.c.old))


@keyed(3)
def _with_identity(wanted: sa.FromClause) -> sa.Select[Any]:
    """Those with a surname, first name and day of birth."""
    same = sa.and_(
        person.c.surname == wanted.c.a, person.c.first_name == wanted.c.b, person.c.born == wanted.c.c
    )
    return sa.select(person.c.surname, person.c.first_name, person.c.born, person.c.matricule).join(
        wanted, same
    )


@keyed(1)
def _numbered(wanted: sa.FromClause) -> sa.Select[Any]:
    return sa.select(
        person.c.matricule, person.c.surname, person.c.first_name, person.c.born, person.c.country
    ).join(wanted, person.c.matricule == wanted.c.a)


@keyed(1)
def _replaced(wanted: sa.FromClause) -> sa.Select[Any]:
    return sa.select(renumbering.c.old, renumbering.c.new).join(wanted, renumbering.c.old == wanted.c.a)


class SqlPersons:
    """`gateway.registers.Persons` on the table `person`."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def find(self, identities: Collection[Identity]) -> Mapping[Identity, str]:
        keys = ((one.surname, one.first_name, one.born.isoformat()) for one in identities)
        return {
            Identity(surname, first_name, date.fromisoformat(born)): matricule
            for surname, first_name, born, matricule in _with_identity(self._connection, keys)
        }

    def assign(self, identity: Identity, nationality: str, address: Address) -> str | None:
        born = identity.born.isoformat()
        taken = self._serials(f"{identity.born:%Y%m%d}")
        serial = next((free for free in range(1, LAST_SERIAL + 1) if free not in taken), None)
        if serial is None:
            return None
        matricule = person_number(identity.born, serial)
        self._connection.execute(
            sa.insert(person).values(
                matricule=matricule,
                surname=identity.surname,
                first_name=identity.first_name,
                born=born,
                nationality=nationality,
                house_number=address.number,
                street=address.street,
                postcode=address.postcode,
                town=address.town,
                country=address.country,
            )
        )
        return matricule

    def residences(self, matricules: Collection[str]) -> Mapping[str, str]:
        return {row.matricule: row.country for row in _numbered(self._connection, matricules)}

    def identities(self, matricules: Collection[str]) -> Mapping[str, Identity]:
        return {
            row.matricule: Identity(row.surname, row.first_name, date.fromisoformat(row.born))
            for row in _numbered(self._connection, matricules)
        }

    def replaced(self, matricules: Collection[str]) -> Mapping[str, str]:
        if self._connection.execute(_ANY_REPLACED).scalar() is None:
            return {}  # the usual case: hardly anybody's number is ever replaced
        return {row.old: row.new for row in _replaced(self._connection, matricules)}

    def _serials(self, birth: str) -> set[int]:
        """The serials of a birth date (YYYYMMDD) that anybody known here has.

        Somebody who had a number before is known by an affiliation only; a number that was replaced is not
        given to anybody else. The lowest free one is
        given, so that declaring a high number does not use up all below it.
        """
        numbers = (
            sa.select(column).where(column >= birth, column < birth + ":")
            for column in (person.c.matricule, affiliation.c.insured, renumbering.c.old)
        )
        return {int(number[8:11]) for number in self._connection.execute(sa.union(*numbers)).scalars()}
