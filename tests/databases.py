"""The databases of tests: files, or the same on a PostgreSQL server where the tests run on one."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from adapters.database import Database, tables
from adapters.verification_of_rows import row_findings
from gateway.moments import Clock, system_clock
from tests import postgres

SETTING = "SECUGATE_DATABASE"


def address_of(file: Path) -> str:
    """What `Settings.database` says of a database that would be a file; empty: it is that file."""
    return postgres.address(str(file.resolve())) if postgres.is_wanted() else ""


def at(file: Path, clock: Clock = system_clock, master_key: Path | None = None) -> Database:
    """A database in a file; on a server, one that belongs to that file. The key has its place beside it."""
    key = master_key or file.parent / "keys" / "master.key"
    if postgres.is_wanted():
        return _OnServer(postgres.address(str(file.resolve()), made=True), clock, key)
    return Database(file, clock, key)


class _OnServer(Database):
    """A database that was copied from one with our tables: quicker than to make them each time."""

    def create(self) -> None:
        if not self.master.file.exists():
            self.master.make()


def catch_up(connection: sa.Connection) -> None:
    """Have a server give numbers behind those that a test has given by itself; a file does so anyway."""
    if connection.dialect.name != "postgresql":
        return
    for table in tables.OURS:
        for column in table.primary_key:
            if column.autoincrement and column.type.python_type is int and len(table.primary_key) == 1:
                highest = sa.select(sa.func.max(column)).scalar_subquery()
                place = sa.func.pg_get_serial_sequence(f'"{table.name}"', column.name)
                connection.execute(sa.select(sa.func.setval(place, highest)))


@contextmanager
def refused(connection: sa.Connection | None) -> Iterator[None]:
    """What is refused, by tables or in memory; a server's transaction goes on where it was before."""
    with pytest.raises((ValueError, sa.exc.IntegrityError)):
        if connection is None:
            yield
        else:
            with connection.begin_nested():
                yield


@contextmanager
def plans(asked: sa.Engine | sa.Connection) -> Iterator[list[str]]:
    """How SQLite goes about what this thread asks meanwhile: steps, each with its statement behind it.

    Keys that were given are read one after the other, as they should be; that is no step of a plan here.
    """
    steps: list[str] = []
    asking = threading.get_ident()

    def explain(
        connection: sa.Connection, _cursor: object, statement: str, parameters: Any, *_others: object
    ) -> None:
        if threading.get_ident() != asking or not statement.lstrip("( \n").startswith(
            ("SELECT", "UPDATE", "WITH")
        ):
            return
        given = parameters[0] if isinstance(parameters, list) else parameters
        raw = connection.connection.dbapi_connection
        assert raw is not None
        plan = raw.cursor()
        plan.execute(f"EXPLAIN QUERY PLAN {statement}", given)
        found = (str(row[3]) for row in plan.fetchall())
        steps.extend(f"{step}: {statement}" for step in found if not _reads_given_keys(step))

    sa.event.listen(asked, "before_cursor_execute", explain)
    try:
        yield steps
    finally:
        sa.event.remove(asked, "before_cursor_execute", explain)


def _reads_given_keys(step: str) -> bool:
    """They come as one text in JSON, or as rows that are written out."""
    return step.startswith("SCAN") and ("VIRTUAL TABLE" in step or "wanted" in step)


@contextmanager
def set_for_commands(file: Path) -> Iterator[None]:
    """Commands that are given in this process or from it work on the database that would be a file."""
    before = os.environ.get(SETTING, "")
    os.environ[SETTING] = address_of(file)
    try:
        yield
    finally:
        os.environ[SETTING] = before


@contextmanager
def bare(database: Database) -> Iterator[Any]:
    """A connection as somebody has it who goes round the gateway; what it does is committed at the end."""
    if database.is_shared:
        with psycopg.connect(postgres.plain(database.engine.url)) as server:
            yield server
    else:
        with closing(sqlite3.connect(database.file)) as connection, connection:
            yield connection


def findings(database: Database) -> list[str]:
    """What is wrong with the rows of a database."""
    dialect = database.dialect
    expected = dialect.expected_schema(database.engine)
    with database.opened() as reader:
        return list(row_findings(reader, dialect, expected))


@contextmanager
def without_triggers(database: Database, connection: Any) -> Iterator[None]:
    """What an insider can do: change rows unseen, and leave no trace of how."""
    if database.is_shared:
        connection.execute("SET session_replication_role = replica")
        yield
        return
    made = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in made:
        connection.execute(f"DROP TRIGGER {name}")
    yield
    for _, text in made:
        connection.execute(text)


@contextmanager
def on_a_server() -> Iterator[None]:
    """Whatever is asked for meanwhile lies on a PostgreSQL server."""
    before = os.environ.get(postgres.WANTED)
    os.environ[postgres.WANTED] = "postgres"
    try:
        yield
    finally:
        if before is None:
            del os.environ[postgres.WANTED]
        else:
            os.environ[postgres.WANTED] = before
