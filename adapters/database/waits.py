"""How long the latest deposits of all members waited, by their size: read from the register, now and then."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from adapters.database import tables
from adapters.database.deposits import Kept
from adapters.database.engine import Database
from gateway.moments import Received
from gateway.returns import acktrt
from gateway.states import OPEN, State
from gateway.waits import Expected, Stage, expect

answer = tables.table(tables.Answer)
deposit = tables.table(tables.Deposit)

LOOKED_AT = 2_000
"""Of the latest acknowledgements, so many are looked at."""
KEPT_SECONDS = 5.0

Kind = tuple[Stage, int]
"""A stage, and the digits of the size in bytes: large files take longer than small ones."""


class RecentWaits:
    """What a deposit that waits may expect.

    Args:
        tick: seconds that never go back.
    """

    def __init__(self, database: Database, *, tick: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._tick = tick
        self._lock = threading.Lock()
        self._read: Mapping[Kind, Sequence[timedelta]] = {}
        self._until = -float("inf")

    def expected(self, one: Kept, now: datetime) -> Expected | None:
        """What a deposit may expect; None when it waits for nothing of ours, or few came before it."""
        if one.state in OPEN:
            stage = Stage.ACKNOWLEDGED
        elif one.state is State.HELD:
            stage = Stage.DECIDED
        else:
            return None
        before = self._latest().get((stage, _digits(one.deposit.size)), ())
        return expect(stage, before, one.deposit.received, now)

    def _latest(self) -> Mapping[Kind, Sequence[timedelta]]:
        with self._lock:
            if self._tick() >= self._until:
                with self._database.read() as connection:
                    self._read = latest_waits(connection)
                self._until = self._tick() + KEPT_SECONDS
            return self._read


def latest_waits(connection: sa.Connection) -> Mapping[Kind, Sequence[timedelta]]:
    """How long the deposits waited that were answered last."""
    last = (
        sa.select(answer.c.deposit, answer.c.posted)
        .where(answer.c.kind == acktrt.CODE)
        .order_by(answer.c.number.desc())
        .limit(LOOKED_AT)
        .subquery()
    )
    query = sa.select(
        deposit.c.received, deposit.c.size, deposit.c.state, deposit.c.changed, last.c.posted
    ).join(last, last.c.deposit == deposit.c.id)
    found: dict[Kind, list[timedelta]] = defaultdict(list)
    for row in connection.execute(query):
        received, digits = Received.parse(row.received).at, _digits(row.size)
        found[Stage.ACKNOWLEDGED, digits].append(Received.parse(row.posted).at - received)
        # Nothing but the last decision on a record on hold changes a deposit once it is answered.
        if row.state != State.HELD.value and row.changed != row.posted:
            found[Stage.DECIDED, digits].append(Received.parse(row.changed).at - received)
    return found


def _digits(size: int) -> int:
    return len(str(size))
