"""Writers of an embedded database take turns, in the order in which they came."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from adapters.database.dialects import turns
from adapters.database.dialects.turns import Connection, Turns
from tests.house import house

pytestmark = pytest.mark.embedded
MANY = 8


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "some.db"
    with closing(sqlite3.connect(made)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE line (name TEXT)")
    return made


@contextmanager
def opened(file: Path, isolation: str | None = None) -> Iterator[Connection]:
    """A connection as ours, or as those of the durable engine (`IMMEDIATE`), which never waits for SQLite."""
    connection = sqlite3.connect(
        file, timeout=0, isolation_level=isolation, factory=Connection, check_same_thread=False
    )
    with closing(connection):
        yield connection


def _begin(connection: sqlite3.Connection) -> None:
    connection.cursor().execute("BEGIN IMMEDIATE")


@pytest.mark.parametrize("isolation", [None, "IMMEDIATE"], ids=["ours", "of the engine"])
def test_who_comes_first_writes_first(file: Path, isolation: str | None) -> None:
    """Without turns each of them would be told at once that the database is locked: none waits there."""

    def write(name: str) -> None:
        with opened(file, isolation) as connection:
            if isolation is None:
                _begin(connection)
            connection.cursor().execute("INSERT INTO line VALUES (?)", (name,))
            time.sleep(0.01)
            connection.commit()

    names = [f"writer {number}" for number in range(MANY)]
    with opened(file) as first:
        _begin(first)
        threads = [threading.Thread(target=write, args=(name,)) for name in names]
        for number, thread in enumerate(threads, 1):
            thread.start()
            _wait_until(lambda number=number: len(_turns(first)._waiting) == number)
        first.rollback()
        for thread in threads:
            thread.join()
        assert [name for (name,) in first.execute("SELECT name FROM line ORDER BY rowid")] == names


def _turns(connection: Connection) -> Turns:
    return connection._turns


def _wait_until(found: object) -> None:
    until = time.monotonic() + 10
    assert callable(found)
    while not found():
        assert time.monotonic() < until
        time.sleep(0.001)


@pytest.mark.parametrize("ended", ["commit", "rollback", "close"])
def test_however_a_transaction_ends_it_is_the_next_ones_turn(file: Path, ended: str) -> None:
    with opened(file) as first, opened(file) as second:
        _begin(first)
        getattr(first, ended)()
        _begin(second)
        second.rollback()


def test_a_transaction_that_could_not_begin_has_no_turn(file: Path) -> None:
    """Another process writes; here it is a connection that takes no turns."""
    with closing(sqlite3.connect(file, isolation_level=None)) as other, opened(file) as first:
        other.execute("BEGIN IMMEDIATE")
        for _ in range(2):
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                _begin(first)
        other.execute("ROLLBACK")
        with opened(file) as second:
            _begin(second)


def test_readers_wait_for_nobody(file: Path) -> None:
    with opened(file) as writer, opened(file) as reader:
        _begin(writer)
        cursor = reader.cursor()
        cursor.execute("BEGIN")
        assert cursor.execute("SELECT count(*) FROM line").fetchone() == (0,)


def test_a_turn_that_never_comes_is_not_waited_for_for_ever(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite says itself that somebody writes; and who gave up is not handed a turn later."""
    monkeypatch.setattr(turns, "PATIENCE_SECONDS", 0.05)
    with opened(file) as first, opened(file) as second, opened(file) as third:
        _begin(first)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            _begin(second)
        first.rollback()
        _begin(third)


def test_the_durable_engine_takes_turns_as_well(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        gateway = home.gateway
        of_the_engine = gateway.engine._dbos._sys_db.engine
        with of_the_engine.connect() as its, gateway.database.engine.connect() as ours:
            raw = [one.connection.dbapi_connection for one in (its, ours)]
            assert [type(one) for one in raw] == [Connection, Connection]
            assert _turns(raw[0]) is _turns(raw[1])
