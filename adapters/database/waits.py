"""How long the latest deposits waited, by procedure and size: read from the register, now and then.

A member is told nothing from which it could see how busy another is: deposits of others are counted only
where at least `FEWEST_OTHERS` of them made some; where fewer did, its own are all that is counted.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from adapters.database import tables
from adapters.database.deposits import Kept
from adapters.database.engine import Database
from adapters.database.statistics import is_decided
from gateway import names
from gateway.moments import Received
from gateway.returns import acktrt
from gateway.states import OPEN, State
from gateway.waits import Expected, Stage, expect

answer = tables.table(tables.Answer)
deposit = tables.table(tables.Deposit)

LOOKED_AT = 2_000
"""Of the latest acknowledgements, so many are looked at."""
KEPT_SECONDS = 5.0

FEWEST_OTHERS = 5
"""Other members; with fewer, a figure of all would be one of theirs."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What is compared with its like only.

    Attributes:
        stage: what was waited for.
        procedure: as the name of the file says.
        digits: of the size in bytes: large files take longer than small ones.
    """

    stage: Stage
    procedure: str
    digits: int


Wait = tuple[str, timedelta]
"""Who waited, and how long."""


class RecentWaits:
    """What a deposit that waits may expect.

    Args:
        tick: seconds that never go back.
    """

    def __init__(self, database: Database, *, tick: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._tick = tick
        self._lock = threading.Lock()
        self._read: Mapping[Kind, Sequence[Wait]] = {}
        self._until = -float("inf")

    def expected(self, one: Kept, now: datetime) -> Expected | None:
        """What a deposit may expect; None when it waits for nothing of ours, or few came before it."""
        if one.state in OPEN:
            stage = Stage.ACKNOWLEDGED
        elif one.state is State.HELD:
            stage = Stage.DECIDED
        else:
            return None
        before = self._latest().get(_kind(stage, one.deposit.name, one.deposit.size), ())
        return expect(stage, told_to(one.deposit.sender, before), one.deposit.received, now)

    def _latest(self) -> Mapping[Kind, Sequence[Wait]]:
        with self._lock:
            if self._tick() >= self._until:
                with self._database.read() as connection:
                    self._read = latest_waits(connection)
                self._until = self._tick() + KEPT_SECONDS
            return self._read


def told_to(member: str, waits: Sequence[Wait]) -> Sequence[timedelta]:
    """How long those waited of whom a member may be told."""
    all_may_be = len({sender for sender, _ in waits} - {member}) >= FEWEST_OTHERS
    return [time for sender, time in waits if all_may_be or sender == member]


def latest_waits(connection: sa.Connection) -> Mapping[Kind, Sequence[Wait]]:
    """How long the deposits waited that were answered last."""
    last = (
        sa.select(answer.c.deposit, answer.c.posted)
        .where(answer.c.kind == acktrt.CODE)
        .order_by(answer.c.number.desc())
        .limit(LOOKED_AT)
        .subquery()
    )
    query = sa.select(
        *(deposit.c[name] for name in ("sender", "name", "size", "received", "state", "changed")),
        last.c.posted,
    ).join(last, last.c.deposit == deposit.c.id)
    found: dict[Kind, list[Wait]] = defaultdict(list)
    for row in connection.execute(query):
        received = Received.parse(row.received).at
        acknowledged = _kind(Stage.ACKNOWLEDGED, row.name, row.size)
        found[acknowledged].append((row.sender, Received.parse(row.posted).at - received))
        if is_decided(row.state, row.changed, row.posted):
            decided = _kind(Stage.DECIDED, row.name, row.size)
            found[decided].append((row.sender, Received.parse(row.changed).at - received))
    return found


def _kind(stage: Stage, name: str, size: int) -> Kind:
    try:
        procedure = names.parse(name).type
    except ValueError:
        procedure = names.UNKNOWN
    return Kind(stage, procedure, len(str(size)))
