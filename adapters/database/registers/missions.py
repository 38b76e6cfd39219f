"""The register of missions; history stays."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa

from adapters.database import tables
from adapters.database.registers.keys import keyed
from gateway.registers import Mission, Pair

missions = tables.table(tables.Mission)

_INSERT = sa.insert(missions)


@keyed(2)
def _of(wanted: sa.FromClause) -> sa.Select[Any]:
    """What stands for pairs of employer and insured."""
    return (
        sa.select(missions)
        .join(wanted, sa.and_(missions.c.employer == wanted.c.a, missions.c.insured == wanted.c.b))
        .where(sa.text(f"mission.{tables.MISSION_STANDS}"))
        .order_by(missions.c.entry, missions.c.user)
    )


class SqlMissions:
    """`gateway.registers.Missions` on the table `mission`."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def of(self, pairs: Collection[Pair]) -> Mapping[Pair, Sequence[Mission]]:
        found: dict[Pair, list[Mission]] = defaultdict(list)
        for row in _of(self._connection, pairs):
            one = _mission(row)
            found[one.pair].append(one)
        return found

    def open(self, mission: Mission) -> None:
        values = {
            **mission._asdict(),
            "entry": mission.entry.isoformat(),
            "exit": mission.exit.isoformat() if mission.exit else None,
            "state": "current",
        }
        self._connection.execute(_INSERT, values)

    def replace(self, old: Mission, new: Mission) -> None:
        self._retire(old, "replaced")
        self.open(new)

    def cancel(self, mission: Mission) -> None:
        self._retire(mission, "cancelled")

    def _retire(self, old: Mission, state: str) -> None:
        retired = self._connection.execute(
            sa.update(missions)
            .where(
                missions.c.employer == old.employer,
                missions.c.insured == old.insured,
                missions.c.user == old.user,
                missions.c.entry == old.entry.isoformat(),
                sa.text(tables.MISSION_STANDS),
            )
            .values(state=state)
        )
        if not retired.rowcount:
            raise ValueError("a mission that does not stand cannot be replaced or cancelled")


def _mission(row: sa.Row[Any]) -> Mission:
    return Mission(
        employer=row.employer,
        insured=row.insured,
        user=row.user,
        entry=date.fromisoformat(row.entry),
        exit=date.fromisoformat(row.exit) if row.exit else None,
        contract=row.contract,
        scheme=row.scheme,
        occupation=row.occupation,
        posting=row.posting,
        deposit=row.deposit,
        record=row.record,
    )
