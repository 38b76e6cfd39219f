"""What the operator's monitoring reads (Prometheus): waits, work that lies about, our own failures.

Labels are words of ours, never a sender's: no name, number or text of a member is in here. Every process
tells of itself; what comes from the register (`Shelf`) is the same from all that share one.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from adapters.database import Database, tables
from adapters.engine import Treatment
from adapters.heads import latest_head
from adapters.notices import SLICE_SECONDS
from gateway.moments import Clock, Received
from gateway.states import State
from inbox.receive import Deposit, Receipt, Register

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
RECEIPTS = Histogram(
    "secugate_receipt_seconds",
    "From the complete upload to the receipt that is on the disk",
    ["door"],
    buckets=_SECONDS,
    registry=REGISTRY,
)
TREATMENTS = Histogram(
    "secugate_treatment_seconds",
    "One deposit: examined (prepare), or entered with its answers (conclude)",
    ["stage"],
    buckets=_SECONDS,
    registry=REGISTRY,
)
ALARMS = Counter(
    "secugate_alarms",
    "Lines of the log that call for somebody, by event; the runbook has each",
    ["event"],
    registry=REGISTRY,
)

UNFINISHED = (State.RECEIVED, State.WAITING, State.UNRELEASED, State.PARKED, State.HELD)
"""States in which something is still to happen."""

deposit = tables.table(tables.Deposit)
answer = tables.table(tables.Answer)


class Observed:
    """`inbox.receive.Register` that notes how long receipts take."""

    def __init__(self, register: Register, clock: Clock) -> None:
        self._register = register
        self._clock = clock

    def enter(self, deposit: Deposit) -> Receipt:
        """Enter it, and note the time since its upload was complete."""
        receipt = self._register.enter(deposit)
        RECEIPTS.labels(deposit.door).observe((self._clock() - deposit.received).total_seconds())
        return receipt


class ObservedTreatment:
    """`adapters.engine.Treatment` that notes how long its stages take."""

    def __init__(self, treatment: Treatment) -> None:
        self._treatment = treatment

    def prepare(self, number: int) -> object:
        """Examine a deposit."""
        with _timed("prepare"):
            return self._treatment.prepare(number)

    def conclude(self, connection: sa.Connection, number: int, prepared: object) -> None:
        """Enter what it yields."""
        with _timed("conclude"):
            self._treatment.conclude(connection, number, prepared)

    def sweep(self, now: Received, seconds: float = SLICE_SECONDS) -> bool:
        """What falls due with time."""
        return self._treatment.sweep(now, seconds)


@contextmanager
def _timed(stage: str) -> Iterator[None]:
    begun = time.perf_counter()
    yield
    TREATMENTS.labels(stage).observe(time.perf_counter() - begun)


def count_alarm(_logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A step of structlog: every warning and error is counted by its event."""
    if method in ("warning", "error", "critical"):
        ALARMS.labels(str(event["event"])).inc()
    return event


class Shelf(Collector):
    """What lies in the register unfinished, and how old the oldest of it is; read when it is asked for."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def describe(self) -> Iterator[Metric]:
        """Nothing is read when it is registered."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """The figures of now."""
        now = Received(self._clock())
        many = GaugeMetricFamily("secugate_deposits", "Deposits in a state", labels=["state"])
        age = GaugeMetricFamily(
            "secugate_deposits_oldest_seconds", "Since when the oldest is in our custody", labels=["state"]
        )
        with self._database.read() as connection:
            for state in UNFINISHED:
                found, oldest = _in(connection, state)
                many.add_metric([state.value], found)
                age.add_metric([state.value], _seconds(oldest, now))
            unread, oldest = _unread(connection)
            head = latest_head(connection)
        yield many
        yield age
        yield GaugeMetricFamily("secugate_answers_unread", "Answers that nobody has fetched", value=unread)
        yield GaugeMetricFamily(
            "secugate_answers_unread_oldest_seconds",
            "Since when the oldest of them lies there",
            value=_seconds(oldest, now),
        )
        yield GaugeMetricFamily(
            "secugate_journal_sealed_entries",
            "Entries of the journal under the last sealed head",
            value=0 if head is None else head.size,
        )


def _in(connection: sa.Connection, state: State) -> tuple[int, str | None]:
    query = sa.select(sa.func.count(), sa.func.min(deposit.c.number)).where(deposit.c.state == state.value)
    many, first = connection.execute(query).one()
    received = sa.select(deposit.c.received).where(deposit.c.number == first)
    return many, connection.execute(received).scalar() if first is not None else None


def _unread(connection: sa.Connection) -> tuple[int, str | None]:
    query = sa.select(sa.func.count(), sa.func.min(answer.c.posted)).where(
        sa.text(f"answer.{tables.ANSWER_UNREAD}")
    )
    many, oldest = connection.execute(query).one()
    return many, oldest


def _seconds(since: str | None, now: Received) -> float:
    return 0.0 if since is None else (now.at - Received.parse(since).at).total_seconds()
