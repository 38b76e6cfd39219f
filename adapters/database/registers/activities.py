"""The register of activities abroad."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa

from adapters.database import tables
from adapters.database.registers.keys import Keyed, many
from gateway.moments import Received
from gateway.registers import Activity, ActivityState, Pair

activity = tables.table(tables.ActivityAbroad)
deposit = tables.table(tables.Deposit)

_STANDS = sa.text(f"activity_abroad.{tables.ACTIVITY_STANDS}")
_HELD = sa.text(f"activity_abroad.{tables.ACTIVITY_HELD}")


def _of(wanted: sa.FromClause) -> sa.Select[Any]:
    """What stands for pairs of employer and insured."""
    same = sa.and_(activity.c.employer == wanted.c.a, activity.c.insured == wanted.c.b)
    return sa.select(activity).join(wanted, same).where(_STANDS)


_standing = Keyed(2, lambda wanted: _of(wanted).order_by(activity.c.first_day, activity.c.procedure))
_held = Keyed(2, lambda wanted: _of(wanted).where(_HELD).order_by(activity.c.id))


class SqlActivities:
    """`gateway.registers.Activities` on the table `activity_abroad`.

    Attributes:
        decided: numbers of the deposits some of whose activities were ended or released, so that
            they may have come to their end.
    """

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self.decided: set[int] = set()

    def standing(self, pairs: Collection[Pair]) -> Mapping[Pair, Sequence[Activity]]:
        found: dict[Pair, list[Activity]] = defaultdict(list)
        for row in _standing(self._connection, pairs):
            one = activity_of(row)
            found[one.pair].append(one)
        return found

    def add(self, one: Activity, state: ActivityState) -> None:
        self._connection.execute(
            sa.insert(activity).values(
                employer=one.employer,
                insured=one.insured,
                procedure=one.procedure,
                first_day=one.first.isoformat(),
                last_day=one.last.isoformat(),
                deposit=one.deposit,
                record=one.record,
                fields=json.dumps(dict(one.fields), ensure_ascii=False),
                state=state.value,
            )
        )

    def end(self, one: Activity, state: ActivityState) -> None:
        self._connection.execute(
            sa.update(activity)
            .where(
                activity.c.employer == one.employer,
                activity.c.insured == one.insured,
                activity.c.procedure == one.procedure,
                activity.c.first_day == one.first.isoformat(),
                _STANDS,
            )
            .values(state=state.value)
        )
        self.decided.add(one.deposit)

    def held(self, pairs: Collection[Pair]) -> Sequence[Activity]:
        return [activity_of(row) for row in _held(self._connection, pairs)]

    def release(self, activities: Sequence[Activity]) -> None:
        self._turn([(one.deposit, one.record) for one in activities], ActivityState.CURRENT)

    def waiting(self) -> Iterator[tuple[Activity, Received]]:
        """Every activity on hold, with the receipt of the deposit that declared it."""
        query = (
            sa.select(activity, deposit.c.received)
            .join(deposit, deposit.c.number == activity.c.deposit)
            .where(_HELD)
        )
        for row in self._connection.execute(query):
            yield activity_of(row), Received.parse(row.received)

    def expire(self, number: int, records: Sequence[int]) -> set[int]:
        """Turn held activities of a deposit into expired ones; those that still were on hold."""
        query = sa.select(activity.c.record).where(
            activity.c.deposit == number, activity.c.record.in_(records), _HELD
        )
        found = set(self._connection.execute(query).scalars())
        self._turn([(number, record) for record in found], ActivityState.EXPIRED)
        return found

    def _turn(self, records: Sequence[tuple[int, int]], state: ActivityState) -> None:
        """Give held activities, named by deposit and record, another state."""
        many(
            self._connection,
            "UPDATE activity_abroad SET state = ? WHERE deposit = ? AND record = ? AND state = 'held'",
            ((state.value, number, record) for number, record in records),
        )
        self.decided.update(number for number, _ in records)


def activity_of(row: sa.Row[Any]) -> Activity:
    """An activity from a row of its table."""
    return Activity(
        employer=row.employer,
        insured=row.insured,
        procedure=row.procedure,
        first=date.fromisoformat(row.first_day),
        last=date.fromisoformat(row.last_day),
        deposit=row.deposit,
        record=row.record,
        fields=json.loads(row.fields),
    )
