"""The register of affiliations; history stays."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa

from adapters.database import tables
from adapters.database.registers import recalculations
from adapters.database.registers.keys import keyed
from gateway.registers import Affiliation, Pair

affiliation = tables.table(tables.Affiliation)

_INSERT = sa.insert(affiliation)
_COLUMNS = tuple(affiliation.c[name] for name in Affiliation._fields)


@keyed(2)
def _of(wanted: sa.FromClause) -> sa.Select[Any]:
    """What stands for pairs of employer and insured."""
    same = sa.and_(affiliation.c.employer == wanted.c.a, affiliation.c.insured == wanted.c.b)
    return (
        sa.select(*_COLUMNS)
        .join(wanted, same)
        .where(affiliation.c.state == "current")
        .order_by(affiliation.c.entry, affiliation.c.user.nulls_first())
    )


_DURING = (
    sa.select(*_COLUMNS)
    .where(
        affiliation.c.employer == sa.bindparam("of"),
        affiliation.c.state == "current",
        affiliation.c.entry <= sa.bindparam("last"),
        sa.or_(affiliation.c.exit.is_(None), affiliation.c.exit >= sa.bindparam("first")),
    )
    .order_by(affiliation.c.insured, affiliation.c.entry, affiliation.c.user.nulls_first())
)
_RETIRED = (
    sa.update(affiliation)
    .where(
        affiliation.c.employer == sa.bindparam("of_employer"),
        affiliation.c.insured == sa.bindparam("of_insured"),
        affiliation.c.entry == sa.bindparam("of_entry"),
        affiliation.c.user.is_not_distinct_from(sa.bindparam("of_user")),
        affiliation.c.state == "current",
    )
    .values(state=sa.bindparam("turned"))
    .returning(affiliation.c.id)
)


class SqlAffiliations:
    """`gateway.registers.Affiliations` on the table `affiliation`.

    Args:
        deposit: number of the deposit on whose behalf it is written; None for the operator.
    """

    def __init__(self, connection: sa.Connection, deposit: int | None = None) -> None:
        self._connection = connection
        self._deposit = deposit

    def of(self, pairs: Collection[Pair]) -> Mapping[Pair, Sequence[Affiliation]]:
        found: dict[Pair, list[Affiliation]] = defaultdict(list)
        for row in _of(self._connection, pairs):
            found[row[0], row[1]].append(_affiliation(*row))
        return found

    def during(self, employer: str, first: date, last: date) -> Sequence[Affiliation]:
        asked = {"of": employer, "first": first.isoformat(), "last": last.isoformat()}
        return [_affiliation(*row) for row in self._connection.execute(_DURING, asked)]

    def open(self, affiliation: Affiliation) -> None:
        self._insert(affiliation)

    def replace(self, old: Affiliation, new: Affiliation) -> None:
        self._insert(new, replaces=self._retire(old, "replaced"))

    def cancel(self, affiliation: Affiliation) -> None:
        self._retire(affiliation, "cancelled")

    def _insert(self, new: Affiliation, replaces: int | None = None) -> None:
        values = {
            **new._asdict(),
            "entry": new.entry.isoformat(),
            "exit": new.exit.isoformat() if new.exit else None,
            "trial": new.trial.isoformat() if new.trial else None,
            "state": "current",
            "deposit": self._deposit,
            "replaces": replaces,
        }
        self._connection.execute(_INSERT, values)
        self._look_again(new)

    def _retire(self, old: Affiliation, state: str) -> int:
        """Take a version out of force; its id."""
        which = {
            "of_employer": old.employer,
            "of_insured": old.insured,
            "of_entry": old.entry.isoformat(),
            "of_user": old.user,
        }
        retired: int | None = self._connection.execute(_RETIRED, {**which, "turned": state}).scalar()
        if retired is None:
            raise ValueError("an affiliation that does not stand cannot be replaced or cancelled")
        self._look_again(old)
        return retired

    def _look_again(self, one: Affiliation) -> None:
        """Whatever was charged since its first day depends on it."""
        recalculations.enter(self._connection, [(one.employer, one.insured, one.entry.isoformat()[:7])])


def _affiliation(
    employer: str,
    insured: str,
    entry: str,
    exit_: str | None,
    contract: str,
    scheme: str,
    user: str | None,
    trial: str | None,
) -> Affiliation:
    return Affiliation(
        employer=employer,
        insured=insured,
        entry=date.fromisoformat(entry),
        exit=date.fromisoformat(exit_) if exit_ else None,
        contract=contract,
        scheme=scheme,
        user=user,
        trial=date.fromisoformat(trial) if trial else None,
    )
