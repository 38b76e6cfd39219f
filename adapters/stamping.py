"""Time stamps for what we seal, in the background, and the limit after which we take nothing more.

X-Road's rule, taken over: nothing waits for the time-stamp authority. What is sealed goes out at once; the
head of the journal, which stands for all that was entered, is stamped soon after, and acknowledgements one by
one behind it. While the authority is away the gateway goes on, but once something in the journal has waited
longer than the limit, no new deposit is taken in: we would promise what we could not prove.

Tokens lie beside what they are for. The bytes of an answer never change once it is posted; its stamped form
(XAdES-B-T) is made of both when it is asked for, in the evidence pack.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog

from adapters.database import Database, tables
from adapters.database.documents import answer_place, read_document
from adapters.encryption import Erased
from adapters.heads import latest_head
from adapters.time_authority import TimeAuthority, Unstamped
from gateway.moments import Clock, Received
from gateway.returns import acktrt
from inbox.receive import Unprovable
from signing.timestamps import check, stamped_bytes

log = structlog.get_logger()

EVERY_SECONDS = 1.0
AGAIN_SECONDS = 10.0
"""From one round to the next, after a good one and after one that failed."""
AT_ONCE = 50
"""Acknowledgements of one round."""

answer = tables.table(tables.Answer)
journal = tables.table(tables.Journal)
time_stamp = tables.table(tables.TimeStamp)


class Stamping:
    """Has what is sealed stamped.

    Args:
        authority: who is asked.
        age_limit: how long something in the journal may wait for its stamp.
        leads: whether it is for this process to have it stamped.
    """

    def __init__(
        self,
        database: Database,
        authority: TimeAuthority,
        clock: Clock,
        age_limit: timedelta,
        leads: Callable[[], bool],
    ) -> None:
        self._database = database
        self._authority = authority
        self._clock = clock
        self._age_limit = age_limit
        self._leads = leads
        self._after = self._behind()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stamping", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, once a request under way has its answer."""
        self._stopping.set()
        self._thread.join()

    def admit(self) -> None:
        """Let a deposit in.

        Raises:
            Unprovable: something in the journal has waited too long for its stamp.
        """
        since = self.waits_since()
        if since is not None and self._clock() - since > self._age_limit:
            raise Unprovable

    def waits_since(self) -> datetime | None:
        """Since when something stands in the journal without a stamp; None when nothing does."""
        stamped = sa.select(sa.func.coalesce(sa.func.max(time_stamp.c.head), 0)).scalar_subquery()
        query = sa.select(journal.c.at).where(journal.c.sequence == stamped + 1)
        with self._database.read() as connection:
            at = connection.execute(query).scalar()
        return None if at is None else Received.parse(at).at

    def stamp(self) -> None:
        """Have the newest head stamped, then the acknowledgements that have none.

        Raises:
            Unstamped: the authority gives no token now.
        """
        with self._lock:
            self._stamp_head()
            self._stamp_acknowledgements()

    def _stamp_head(self) -> None:
        with self._database.read() as connection:
            last = connection.execute(sa.select(sa.func.max(time_stamp.c.head))).scalar() or 0
            newest = latest_head(connection)
        if newest is not None and newest.size > last:
            self._keep(newest.content, head=newest.size)

    def _stamp_acknowledgements(self) -> None:
        for number, content in self._unstamped():
            if self._stopping.is_set():
                return
            self._keep(content, answer=number)
            self._after = number

    def _unstamped(self) -> Sequence[tuple[int, bytes]]:
        """The next acknowledgements without a stamp, oldest first."""
        query = (
            sa.select(answer.c.number, answer.c.id, answer.c.content)
            .where(answer.c.kind == acktrt.CODE, answer.c.number > self._after)
            .order_by(answer.c.number)
            .limit(AT_ONCE)
        )
        found = []
        with self._database.read() as connection:
            for row in connection.execute(query).all():
                with suppress(Erased):
                    found.append((row.number, read_document(connection, row.content, answer_place(row.id))))
        return found

    def _behind(self) -> int:
        """The last acknowledgement stamped; before the first one, the last that was posted before us."""
        stamped = sa.select(sa.func.max(time_stamp.c.answer)).scalar_subquery()
        posted = sa.select(sa.func.max(answer.c.number)).scalar_subquery()
        with self._database.read() as connection:
            return int(connection.execute(sa.select(sa.func.coalesce(stamped, posted, 0))).scalar_one())

    def _keep(self, sealed: bytes, **subject: int) -> None:
        value = stamped_bytes(sealed)
        token = self._authority.stamp(value)
        at = Received(check(token, value, self._authority.anchors).at)
        with self._database.write() as connection:
            connection.execute(sa.insert(time_stamp).values(at=str(at), token=token, **subject))

    def _run(self) -> None:
        while not self._stopping.is_set():
            pause = AGAIN_SECONDS
            try:
                if self._leads():
                    self.stamp()
                pause = EVERY_SECONDS
            except Unstamped as error:
                since = self.waits_since()
                log.warning("stamping.failed", reason=str(error), since=str(since) if since else None)
            except Exception as error:
                log.error("stamping.failed", reason=type(error).__name__)
            self._stopping.wait(pause)
