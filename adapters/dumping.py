"""A database on a server, copied as of one moment and made anew by PostgreSQL's `pg_dump` and `pg_restore`.

What we read ourselves, journal and deposits, we read in the transaction whose snapshot is dumped, so that all
of it is of the same moment; gateways go on working meanwhile. Passwords go to the tools by the environment,
never by an argument that others can see.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import sqlalchemy as sa

from adapters.database import Database
from gateway.wire import JournalEntry
from signing.journal import EMPTY

_AT_ONCE = 1_000


class NotDumped(Exception):
    """One of the tools is missing, or has failed; its text says why."""


@dataclass(frozen=True, slots=True)
class Dumped:
    """What was dumped.

    Attributes:
        journal: how far it went.
        deposits: how many there are.
        ids: of all of them, in the order of receipt.
    """

    journal: JournalEntry
    deposits: int
    ids: Iterator[str]


@contextmanager
def dumped(database: Database, place: Path) -> Iterator[Dumped]:
    """Dump a database into a new file; what it held then can be asked as long as this lasts.

    Raises:
        NotDumped: it could not be done.
    """
    with closing(psycopg.connect(_address(database))) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        row = connection.execute("SELECT pg_export_snapshot()").fetchone()
        assert row is not None
        _run(database, "pg_dump", "--format=custom", f"--snapshot={row[0]}", f"--file={place}")
        last = connection.execute(
            "SELECT sequence, hash FROM journal ORDER BY sequence DESC LIMIT 1"
        ).fetchone()
        total = connection.execute("SELECT count(*) FROM deposit").fetchone()
        assert total is not None
        journal = JournalEntry(*last) if last else JournalEntry(0, EMPTY.hex())
        yield Dumped(journal, total[0], _ids(connection))


def _ids(connection: psycopg.Connection[tuple[object, ...]]) -> Iterator[str]:
    with connection.cursor("deposits") as cursor:
        cursor.itersize = _AT_ONCE
        for (identifier,) in cursor.execute("SELECT id FROM deposit ORDER BY number"):
            yield str(identifier)


def refill(database: Database, place: Path) -> None:
    """Make an empty database what a dump says, all of it or nothing.

    Raises:
        NotDumped: it could not be done.
        UnsafeDatabase: the database is not empty.
    """
    database.dialect.found(database.engine)
    _run(
        database,
        "pg_restore",
        "--single-transaction",
        "--exit-on-error",
        "--no-owner",
        "--no-acl",
        str(place),
    )


def _run(database: Database, name: str, *arguments: str) -> None:
    program = shutil.which(name)
    if program is None:
        raise NotDumped(f"{name} is not installed; it belongs to the client tools of PostgreSQL")
    given = dict(os.environ)
    password = database.engine.url.password
    if password is not None:
        given["PGPASSWORD"] = str(password)
    address = _plain(database.engine.url.set(password=None))
    done = subprocess.run(  # noqa: S603 - PostgreSQL's own program, and no word of it is a sender's
        [program, "--no-password", f"--dbname={address}", *arguments],
        env=given,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise NotDumped(f"{name}: {' '.join(done.stderr.split())[:500]}")


def _address(database: Database) -> str:
    return _plain(database.engine.url)


def _plain(url: sa.URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)
