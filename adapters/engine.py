"""The durable engine: deposits are treated in groups, each exactly once, across crashes.

DBOS Transact keeps which step of which group is done in the same database file and the same
transactions as the effects. This is its only importer. Workflow arguments are ids only, written
as JSON (its default would be pickle).

A group is one workflow; a deposit is one step of it: read, verify and validate without any lock,
then one transaction for effect, journal entry, state and answers. A step always commits: what
goes wrong inside is noted on the deposit, so that a replay after a crash walks the same steps.
"""

from __future__ import annotations

import gc
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Protocol

import sqlalchemy as sa
import structlog
from dbos import DBOS, DBOSConfig, SetWorkflowID, SQLAlchemyDatasource
from dbos import DBOSPortableJSONSerializer as Json

from adapters.database import Database, deposits
from adapters.faults import place_of
from gateway.moments import Clock, Received

log = structlog.get_logger()

NAME = "secugate"
WORKFLOW = "treat"
VERSION = "1"
"""Pinned, so that work begun by an older build is recovered by a newer one."""

IDLE_SECONDS = 0.5
SWEEP_AGAIN_SECONDS = 5.0
ENDED = frozenset({"SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"})


class Treatment(Protocol):
    """What the engine makes durable."""

    def prepare(self, number: int) -> object:
        """Everything that needs no lock; no effect, may be repeated."""

    def conclude(self, connection: sa.Connection, number: int, prepared: object) -> None:
        """Effect, journal entry, state and answers of a deposit, in the transaction given."""

    def sweep(self, now: Received) -> bool:
        """What falls due with time; False when some of it could not be done and has to be tried again."""


class Sealing(Protocol):
    """What seals heads of the journal."""

    def sweep(self, now: Received) -> None:
        """Seal a head when one is due."""


class Engine:
    """Takes deposits in the order of receipt and has them treated."""

    def __init__(self, database: Database, treatment: Treatment, heads: Sealing, clock: Clock) -> None:
        self._database = database
        self._treatment = treatment
        self._heads = heads
        self._clock = clock
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._swept: date | None = None
        self._sweep_again = 0.0
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        logging.getLogger("dbos").setLevel(logging.WARNING)
        self._dbos = DBOS(config=_configuration(database))
        self._source = SQLAlchemyDatasource.create(
            database.url, engine=database.engine, serializer=Json(), run_migrations=True
        )

        def treat(numbers: list[int]) -> None:
            self._treat_group(numbers)

        self._treat = DBOS.workflow(name=WORKFLOW)(treat)

    def start(self) -> None:
        """Launch; groups cut off by a stop are recovered first."""
        DBOS.launch()
        self._thread.start()

    def wake(self) -> None:
        """There may be something to do; called when a deposit has been entered."""
        self._wake.set()

    def stop(self) -> None:
        """Stop taking groups; one under way is finished or, at the next start, recovered."""
        self._stopping.set()
        self._wake.set()
        self._thread.join()
        DBOS.destroy(destroy_registry=True)

    def _treat_group(self, numbers: list[int]) -> None:
        for number in numbers:
            with _uncollected():
                prepared = self._treatment.prepare(number)
                self._source.run_tx_step({"name": "conclude"}, self._conclude, number, prepared)
        self._wake.set()

    def _conclude(self, number: int, prepared: object) -> None:
        self._treatment.conclude(self._source.sql_session().connection(), number, prepared)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait(IDLE_SECONDS)
            self._wake.clear()
            for step in (self._dispatch, self._sweep, self._seal_head):
                try:
                    step()
                except Exception as error:
                    log.error("engine.failed", step=step.__name__, reason=place_of(error))

    def _sweep(self) -> None:
        """Once a day; again after a while when something could not be done."""
        now = Received(self._clock())
        if self._swept == now.day or time.monotonic() < self._sweep_again:
            return
        if self._treatment.sweep(now):
            self._swept = now.day
        else:
            self._sweep_again = time.monotonic() + SWEEP_AGAIN_SECONDS

    def _seal_head(self) -> None:
        self._heads.sweep(Received(self._clock()))

    def _dispatch(self) -> None:
        with self._database.write() as connection:
            under_way = deposits.group_under_way(connection)
            if under_way is not None:
                # A stop between claiming and starting leaves a group that nobody treats.
                if self._has_ended(under_way):
                    deposits.release_group(connection, under_way)
                    self._wake.set()
                return
            claimed = deposits.claim(connection, Received(self._clock()))
        if claimed is not None:
            group, numbers = claimed
            with SetWorkflowID(group):
                DBOS.start_workflow(self._treat, numbers)

    def _has_ended(self, group: str) -> bool:
        status = DBOS.get_workflow_status(group)
        return status is None or status.status in ENDED


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the collector of cycles, for as long as one deposit takes.

    The records of a batch have no cycles, but while they are built the collector would go through all
    that is loaded, again and again: more than a quarter of the CPU of 10,000 records.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _configuration(database: Database) -> DBOSConfig:
    return {
        "name": NAME,
        "application_version": VERSION,
        "executor_id": NAME,
        "system_database_url": database.url,
        "serializer": Json(),
        "log_level": "WARNING",
    }
