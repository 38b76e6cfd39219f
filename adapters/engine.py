"""The durable engine: deposits are treated in groups, each exactly once, across crashes and machines.

DBOS Transact keeps which step of which group is done in the same database and the same transactions as the
effects. This is its only importer. Workflow arguments are ids only, written as JSON (its default would be
pickle).

A group is one workflow. Its first step claims the deposits it is to treat; every other step concludes some
of them (`gateway.turns.bundles`): one transaction for their effects, journal entries, states and answers,
after each was read, verified and validated without any lock. Meanwhile the next ones are examined. A step
always commits: what goes wrong inside is noted on the deposit and undone for it alone, so that a replay after
a crash walks the same steps. A process whose work was taken over meanwhile commits none.

Each gateway treats a group of small deposits and a large deposit at a time (`gateway.turns`). What one was
treating when it died another takes over (`adapters.nodes`), one deposit after the other; the one that was
under way then counts a try, so that one that kills whoever treats it is parked.
"""

from __future__ import annotations

import gc
import logging
import math
import threading
import time
import uuid
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from datetime import date, timedelta
from typing import Literal, Protocol

import sqlalchemy as sa
import structlog
from dbos import DBOS, DBOSConfig, SetWorkflowID, SQLAlchemyDatasource
from dbos import DBOSPortableJSONSerializer as Json
from dbos._datasource import DatasourceOptions

from adapters.database import Database, deposits
from adapters.database.dialects import WRITES_LATER
from adapters.faults import place_of
from adapters.nodes import BEAT_SECONDS, node_of
from adapters.notices import SLICE_SECONDS
from gateway import turns
from gateway.moments import Clock, Received, system_clock
from gateway.states import State
from gateway.turns import Lane

log = structlog.get_logger()

NAME = "secugate"
WORKFLOW = "treat"
VERSION = "1"
"""Pinned, so that work begun by an older build is recovered by a newer one."""

IDLE_SECONDS = 0.5
DISPATCH_SECONDS = 0.25
HEADS_SECONDS = 1.0
SWEEP_AGAIN_SECONDS = 5.0
BUSY_SLICE_SECONDS = 0.2
"""How long a sweep works at a time while deposits are treated: they go first, and they write as well."""
KEPT = timedelta(hours=1)
"""How long what the engine knows of a group that has ended stays, for whoever looks into a fault."""
FORGET_SECONDS = 10.0
FORGOTTEN_AT_ONCE = 500
ABANDONED_SECONDS = 5.0
"""How long a group of ours is under way without being worked at before it is given up: one that is being
recovered is worked at within that time."""
ENDED = frozenset({"SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"})


_Bundle = Sequence[tuple[int, object]]
"""Deposits that are concluded together, each with what its examination found."""


class Treatment(Protocol):
    """What the engine makes durable."""

    def prepare(self, number: int) -> object:
        """Everything that needs no lock; no effect, may be repeated."""

    def conclude(self, connection: sa.Connection, number: int, prepared: object) -> None:
        """Effect, journal entry, state and answers of a deposit, in the transaction given."""

    def sweep(self, now: Received, seconds: float = SLICE_SECONDS) -> bool:
        """What falls due with time; False when some is left after about so many seconds, or could not be done
        and has to be tried again."""


class Sealing(Protocol):
    """What seals heads of the journal."""

    def sweep(self, now: Received) -> None:
        """Seal a head when one is due."""


class Engine:
    """Has deposits treated: each sender's in the order of receipt, and fair between senders."""

    def __init__(self, database: Database, treatment: Treatment, heads: Sealing, clock: Clock) -> None:
        self._database = database
        self._treatment = treatment
        self._heads = heads
        self._clock = clock
        self._node = node_of(database)
        self._lanes: dict[Lane, str] = {}
        self._worked_at: set[str] = set()
        self._left: dict[str, float] = {}
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._swept: date | None = None
        self._sweep_again = 0.0
        self._dispatched = -math.inf
        self._looked_at_others = -math.inf
        self._forgot = -math.inf
        self._looked_at_heads = -math.inf
        self._turned = time.monotonic()
        self._examiners = ThreadPoolExecutor(len(Lane), thread_name_prefix="examiner")
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        logging.getLogger("dbos").setLevel(logging.WARNING)
        self._dbos = DBOS(config=_configuration(database, self._node.name))
        self._source = SQLAlchemyDatasource.create(
            database.url,
            engine=database.engine.execution_options(**{WRITES_LATER: True}),
            serializer=Json(),
            run_migrations=True,
        )

        # A server reads afresh once it has given the write lock; SQLite knows but one level.
        self._level: Literal["READ COMMITTED", "SERIALIZABLE"] = (
            "READ COMMITTED" if database.is_shared else "SERIALIZABLE"
        )

        def treat(lane: str, numbers: list[int]) -> None:
            self._treat_group(Lane(lane), numbers)

        self._treat = DBOS.workflow(name=WORKFLOW, max_recovery_attempts=None)(treat)

    def start(self) -> None:
        """Launch; groups cut off by a stop are recovered first."""
        self._node.start()
        DBOS.launch()
        self._thread.start()

    def wake(self) -> None:
        """There may be something to do; called when a deposit has been entered."""
        self._wake.set()

    def leads(self) -> bool:
        """Whether, of all gateways on this database, it is this one that does what falls due with time."""
        return self._node.leads()

    def stood(self) -> timedelta:
        """How long ago the last round came to its end without a failure."""
        return timedelta(seconds=time.monotonic() - self._turned)

    def stop(self) -> None:
        """Stop taking groups; one under way is finished, recovered at the next start, or taken over."""
        self._stopping.set()
        self._wake.set()
        self._thread.join()
        DBOS.destroy(destroy_registry=True)
        self._examiners.shutdown()
        self._node.stop()

    def _treat_group(self, lane: Lane, proposed: list[int]) -> None:
        group = DBOS.workflow_id
        assert group is not None
        ours = self._lanes.get(lane) == group
        self._worked_at.add(group)
        try:
            numbers = self._source.run_tx_step(self._step("claim"), self._claim, group, proposed)
            if not ours:
                self._count_try(group, numbers)
            with _uncollected() if lane is Lane.LARGE else nullcontext():
                for bundle in self._ahead(self._bundles(numbers)) if ours else self._one_by_one(numbers):
                    self._source.run_tx_step(self._step("conclude"), self._conclude, bundle)
        finally:
            if ours:
                self._lanes.pop(lane, None)
            self._worked_at.discard(group)
            self._wake.set()

    def _bundles(self, numbers: list[int]) -> list[list[int]]:
        with self._database.read() as connection:
            sizes = deposits.sizes(connection, numbers)
        return list(turns.bundles([(number, sizes[number]) for number in numbers]))

    def _ahead(self, bundles: Sequence[list[int]]) -> Iterator[_Bundle]:
        """Bundles as they have been examined: while one is concluded, the next one is."""
        coming = deque(self._examiners.submit(self._prepare, bundle) for bundle in bundles[:1])
        for following in bundles[1:]:
            examined = coming.popleft().result()
            coming.append(self._examiners.submit(self._prepare, following))
            yield examined
        yield from (last.result() for last in coming)

    def _one_by_one(self, numbers: Sequence[int]) -> Iterator[_Bundle]:
        """What another process left behind: the one that ends this process is then known by its try."""
        return (self._prepare([number]) for number in numbers)

    def _prepare(self, numbers: Sequence[int]) -> _Bundle:
        return [(number, self._treatment.prepare(number)) for number in numbers]

    def _step(self, name: str) -> DatasourceOptions:
        return {"name": name, "isolation_level": self._level}

    def _claim(self, group: str, proposed: list[int]) -> list[int]:
        return deposits.claim(self._writing(), group, proposed, Received(self._clock()))

    def _conclude(self, bundle: _Bundle) -> None:
        connection = self._writing()
        for number, prepared in bundle:
            self._treatment.conclude(connection, number, prepared)

    def _writing(self) -> sa.Connection:
        """The connection of a step, once it has the write lock."""
        connection = self._source.sql_session().connection()
        self._database.dialect.begin_to_write(connection)
        return connection

    def _count_try(self, group: str, numbers: list[int]) -> None:
        """Note on a deposit that it was being treated when the process that was at this group died."""
        with self._database.write() as connection:
            one = deposits.suspect(connection, group, numbers, Received(self._clock()))
        if one is not None and one.state is State.PARKED:
            log.error("deposit.failed", deposit=one.deposit.id, state=one.state, reason=deposits.DIED)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait(IDLE_SECONDS)
            self._wake.clear()
            failed = False
            for step in (self._take_over, self._dispatch, self._sweep, self._seal_head, self._forget):
                try:
                    step()
                except Exception as error:
                    failed = True
                    log.error("engine.failed", step=step.__name__, reason=place_of(error))
            if not failed:
                self._turned = time.monotonic()

    def _sweep(self) -> None:
        """Once a day; again after a while when something could not be done."""
        now = Received(self._clock())
        if not self.leads() or self._swept == now.day or time.monotonic() < self._sweep_again:
            return
        if self._treatment.sweep(now, BUSY_SLICE_SECONDS if self._lanes else SLICE_SECONDS):
            self._swept = now.day
        else:
            self._sweep_again = time.monotonic() + SWEEP_AGAIN_SECONDS

    def _forget(self) -> None:
        """Delete what DBOS keeps of groups that ended a while ago; their steps it has deleted by itself."""
        if not self.leads() or time.monotonic() < self._forgot + FORGET_SECONDS:
            return
        self._forgot = time.monotonic()
        ended = DBOS.list_workflows(
            name=WORKFLOW,
            status=sorted(ENDED),
            completed_before=(system_clock() - KEPT).isoformat(),
            limit=FORGOTTEN_AT_ONCE,
            load_input=False,
            load_output=False,
        )
        groups = [one.workflow_id for one in ended]
        if groups:
            DBOS.delete_workflows(groups)

    def _seal_head(self) -> None:
        if self.leads() and time.monotonic() >= self._looked_at_heads + HEADS_SECONDS:
            self._heads.sweep(Received(self._clock()))
            self._looked_at_heads = time.monotonic()

    def _dispatch(self) -> None:
        """Start a group in each lane that is free and has something to do.

        While small ones are treated every receipt wakes us, and the lane of the large ones mostly has nothing
        to do: the queue, which is long then, is not read for each of them.
        """
        if Lane.SMALL in self._lanes and time.monotonic() < self._dispatched + DISPATCH_SECONDS:
            return
        self._dispatched = time.monotonic()
        self._release_ended()
        free = [lane for lane in Lane if lane not in self._lanes]
        if not free or not self._node.works():
            return
        now = Received(self._clock())
        with self._database.read() as connection:
            queue = deposits.queue(connection, now)
        for lane in free:
            numbers = turns.group(queue, lane, now.day)
            if numbers:
                self._begin(lane, numbers)

    def _begin(self, lane: Lane, numbers: list[int]) -> None:
        self._lanes[lane] = group = str(uuid.uuid4())
        try:
            with SetWorkflowID(group):
                DBOS.start_workflow(self._treat, lane, numbers)
        except BaseException:
            self._lanes.pop(lane, None)
            raise

    def _release_ended(self) -> None:
        """Free what a group has left behind that failed as a whole, such as when the database was away."""
        with self._database.read() as connection:
            groups = deposits.groups_under_way(connection).difference(self._lanes.values())
        now = time.monotonic()
        self._left = {group: self._left.get(group, now) for group in groups - self._worked_at}
        for group in groups:
            status = DBOS.get_workflow_status(group)
            if status is None or status.status in ENDED:
                with self._database.write() as connection:
                    deposits.release_group(connection, group)
            elif (
                status.executor_id == self._node.name and self._left.get(group, now) < now - ABANDONED_SECONDS
            ):
                # It failed, and so did the note of that, such as when the disk was full for both.
                log.warning("group.given_up", group=group)
                DBOS.cancel_workflow(group)

    def _take_over(self) -> None:
        """Have the groups of gateways that are dead recovered here, or by whoever is first."""
        if time.monotonic() < self._looked_at_others + BEAT_SECONDS:
            return
        pending = DBOS.list_workflows(name=WORKFLOW, status="PENDING", load_input=False, load_output=False)
        for other in {one.executor_id or "" for one in pending} - {self._node.name}:
            with self._node.inherits(other) as dead:
                if dead:
                    log.warning("node.taken_over", node=other)
                    DBOS._recover_pending_workflows([other])
        self._looked_at_others = time.monotonic()


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the collector of cycles, for as long as one large deposit takes.

    The records of a batch have no cycles, but while they are built the collector would go through all
    that is loaded, again and again: more than a quarter of the CPU of 10,000 records.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _configuration(database: Database, node: str) -> DBOSConfig:
    connecting = database.dialect.connecting
    return {
        "name": NAME,
        "application_version": VERSION,
        "executor_id": node,
        "system_database_url": database.url,
        "db_engine_kwargs": {"connect_args": dict(connecting)} if connecting else None,
        "serializer": Json(),
        "log_level": "WARNING",
    }
