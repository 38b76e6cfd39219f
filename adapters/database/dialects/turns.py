"""Writers of an embedded database take turns.

SQLite lets one write at a time and has the others try again and again, with longer and longer pauses: nobody
writes while all of them pause, and who came first may come last. So the threads of a process wait here, in
the order in which they came, and the next one begins as soon as the one before has ended. SQLite's own lock
stays what decides: commands in other processes have no turn, and meet it as ever.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any

PATIENCE_SECONDS = 30.0
"""After this SQLite is asked without a turn, and says itself that the database is locked."""
_WRITING = ("INSERT", "UPDATE", "DELETE", "REPLACE")


class Turns:
    """Who writes, and who waits for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._taken = False

    def take(self) -> bool:
        """Wait for one's turn; whether it came in time."""
        with self._lock:
            if not self._taken:
                self._taken = True
                return True
            mine = threading.Lock()
            mine.acquire()
            self._waiting.append(mine)
        if mine.acquire(timeout=PATIENCE_SECONDS):
            return True
        with self._lock:
            if mine not in self._waiting:  # it came just now
                return True
            self._waiting.remove(mine)
            return False

    def give(self) -> None:
        """The next one's turn."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False


@cache
def _turns_on(_file: Path) -> Turns:
    return Turns()


class Cursor(sqlite3.Cursor):
    """Of a `Connection`."""

    connection: Connection

    def execute(self, sql: str, parameters: Any = (), /) -> Cursor:
        """Execute, after waiting for a turn where a transaction begins that writes."""
        with self.connection.in_turn(sql):
            return super().execute(sql, parameters)

    def executemany(self, sql: str, parameters: Any, /) -> Cursor:
        """As `execute`."""
        with self.connection.in_turn(sql):
            return super().executemany(sql, parameters)


class Connection(sqlite3.Connection):
    """One that waits for its turn to write: `factory` of `sqlite3.connect`."""

    def __init__(self, database: str, *more: Any, **named: Any) -> None:
        super().__init__(database, *more, **named)
        self._turns = _turns_on(Path(database).resolve())
        self._has_turn = False

    def cursor(self, factory: Callable[[sqlite3.Connection], Any] | None = None) -> Any:
        """One that waits for turns, unless another one is asked for."""
        return super().cursor(factory or Cursor)

    def in_turn(self, sql: str) -> AbstractContextManager[None]:
        """Around a statement: waits for a turn if it begins a transaction that writes, and gives it back if
        there is none then."""
        return nullcontext() if self.in_transaction or not self._begins(sql) else self._turn()

    def _begins(self, sql: str) -> bool:
        """The durable engine's connections begin by themselves, before the first statement that writes."""
        by_itself = self.isolation_level is not None and sql.lstrip()[:7].upper().startswith(_WRITING)
        return by_itself or sql == "BEGIN IMMEDIATE"

    @contextmanager
    def _turn(self) -> Iterator[None]:
        self._has_turn = self._turns.take()
        try:
            yield
        finally:
            self._give()

    def commit(self) -> None:
        """Commit, and let the next one write."""
        try:
            super().commit()
        finally:
            self._give()

    def rollback(self) -> None:
        """Roll back, and let the next one write."""
        try:
            super().rollback()
        finally:
            self._give()

    def close(self) -> None:
        """Close, and let the next one write."""
        try:
            super().close()
        finally:
            self._give(closed=True)

    def _give(self, *, closed: bool = False) -> None:
        if self._has_turn and (closed or not self.in_transaction):
            self._has_turn = False
            self._turns.give()
