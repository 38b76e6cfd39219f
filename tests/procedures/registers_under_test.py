"""The implementations of the registers that must pass the same suite."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import SQLModel

from adapters.database import tables
from adapters.database.registers import bind
from adapters.database.registers.activities import SqlActivities
from adapters.database.registers.wages import SqlWages
from gateway.memory import memory_registers
from gateway.registers import Company, Employer, Identity, Mandate, Registers
from tests import databases


@dataclass(frozen=True)
class Seeds:
    """What a register knows before a test: what the ports give no way to enter."""

    persons: Mapping[Identity, str] = field(default_factory=dict)
    employers: Sequence[tuple[int, Employer]] = ()
    mandates: Sequence[Mandate] = ()
    companies: Mapping[Company, str] = field(default_factory=dict)
    replaced: Mapping[str, str] = field(default_factory=dict)


Opener = Callable[[Path, Seeds], AbstractContextManager[Registers]]
"""Opens registers, inside a transaction of their own, with a folder to keep files in."""


@contextmanager
def in_memory(_folder: Path, seeds: Seeds) -> Iterator[Registers]:
    yield memory_registers(
        seeds.persons, seeds.employers, seeds.mandates, seeds.companies, replaced=seeds.replaced
    )


@contextmanager
def on_tables(folder: Path, seeds: Seeds) -> Iterator[Registers]:
    """The registers on our own tables, in the writing transaction of one batch."""
    database = databases.at(folder / "gateway.db")
    database.create()
    try:
        with database.write() as connection:
            _seed(connection, seeds)
            yield bind(connection, SqlWages(connection), SqlActivities(connection))
    finally:
        database.close()


def _seed(connection: sa.Connection, seeds: Seeds) -> None:
    employers = {employer.matricule: employer for _, employer in seeds.employers}
    members = {str(mandate.member) for mandate in seeds.mandates}
    moment = "2026-08-03T09:15:00.000000Z"
    rows: dict[type[SQLModel], list[dict[str, object]]] = {
        tables.Employer: [
            {"matricule": one.matricule, "name": one.name, "household": one.household}
            for one in employers.values()
        ],
        tables.EmployerYear: [
            {
                "matricule": one.matricule,
                "year": year,
                "mde_class": one.mde_class,
                "accident_factor": one.accident_factor,
            }
            for year, one in seeds.employers
        ],
        tables.Member: [
            {"id": member, "name": "Example", "kind": "fiduciary", "registered": moment} for member in members
        ],
        tables.Mandate: [
            {
                "number": one.number,
                "member": str(one.member),
                "employer": one.employer,
                "procedures": " ".join(sorted(one.procedures)),
                "first": one.first.isoformat(),
                "last": one.last and one.last.isoformat(),
                "state": one.state.value,
                "since": one.since and str(one.since),
                "ended": one.ended and str(one.ended),
            }
            for one in seeds.mandates
        ],
        tables.Person: [
            {
                "matricule": matricule,
                "surname": one.surname,
                "first_name": one.first_name,
                "born": one.born.isoformat(),
                "nationality": "FR",
                "house_number": "12",
                "street": "Rue de l'Exemple",
                "postcode": "57000",
                "town": "Metz",
                "country": "FR",
            }
            for one, matricule in seeds.persons.items()
        ],
        tables.Company: [
            {
                "matricule": matricule,
                "name": one.name,
                "house_number": one.address.number,
                "street": one.address.street,
                "postcode": one.address.postcode,
                "town": one.address.town,
                "country": one.address.country,
            }
            for one, matricule in seeds.companies.items()
        ],
        tables.Renumbering: [
            {"old": old, "new": new, "effective": "2026-08-01"} for old, new in seeds.replaced.items()
        ],
        # A wage names its deposit, which therefore must be there.
        tables.Deposit: [
            {
                "number": number,
                "id": str(number),
                "sender": "",
                "name": str(number),
                "size": 1,
                "digest": str(number),
                "received": moment,
                "door": "https",
                "receipt": b"",
                "state": "received",
                "changed": moment,
                "tries": 0,
            }
            for number in range(1, 10)
        ],
    }
    for noun, values in rows.items():
        if values:
            connection.execute(sa.insert(tables.table(noun)), values)
    databases.catch_up(connection)


IMPLEMENTATIONS: Mapping[str, Opener] = {"memory": in_memory, "tables": on_tables}
"""A further implementation is one entry here."""
