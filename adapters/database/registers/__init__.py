"""The counter's registers on our own tables: the embedded default behind `gateway.registers`.

Each is bound to the connection of one transaction. Records go in by driver-level executemany,
never as ORM objects; look-ups by many keys join a temporary table of them. One module a register.
"""

from __future__ import annotations

import sqlalchemy as sa

from adapters.database.registers.absences import SqlAbsences
from adapters.database.registers.activities import SqlActivities
from adapters.database.registers.affiliations import SqlAffiliations
from adapters.database.registers.billed import SqlBilled
from adapters.database.registers.companies import SqlCompanies
from adapters.database.registers.employers import SqlEmployers
from adapters.database.registers.mandates import SqlMandates
from adapters.database.registers.missions import SqlMissions
from adapters.database.registers.own import SqlOwnCalculations
from adapters.database.registers.persons import SqlPersons
from adapters.database.registers.wages import SqlWages
from gateway.registers import Registers


def bind(
    connection: sa.Connection, wages: SqlWages, activities: SqlActivities, deposit: int | None = None
) -> Registers:
    """All registers, bound to a transaction, with its registers of what may be on hold.

    Args:
        deposit: number of the deposit that is treated in it, if any.
    """
    return Registers(
        persons=SqlPersons(connection),
        companies=SqlCompanies(connection),
        employers=SqlEmployers(connection),
        mandates=SqlMandates(connection),
        affiliations=SqlAffiliations(connection, deposit),
        missions=SqlMissions(connection),
        wages=wages,
        absences=SqlAbsences(connection),
        activities=activities,
        own=SqlOwnCalculations(connection),
        charges=SqlBilled(connection),
    )
