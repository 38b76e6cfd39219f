"""The register of mandates."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import sqlalchemy as sa

from adapters.database import tables
from gateway.batch import MemberId
from gateway.registers import Mandate

mandate = tables.table(tables.Mandate)


class SqlMandates:
    """`gateway.registers.Mandates` on the table `mandate`."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def held_by(self, member: MemberId) -> Sequence[Mandate]:
        return self._where(mandate.c.member == str(member))

    def for_employer(self, employer: str) -> Sequence[Mandate]:
        return self._where(mandate.c.employer == employer)

    def _where(self, condition: sa.ColumnElement[bool]) -> list[Mandate]:
        rows = self._connection.execute(sa.select(mandate).where(condition).order_by(mandate.c.number))
        return [
            Mandate(
                number=row.number,
                member=MemberId(row.member[:13], row.member[13:]),
                employer=row.employer,
                procedures=frozenset(row.procedures.split()),
                first=date.fromisoformat(row.first),
                last=date.fromisoformat(row.last) if row.last else None,
            )
            for row in rows
        ]
