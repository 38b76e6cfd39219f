"""SR-21 on a server: a database that was put back to what it held before is refused as well."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from adapters.database import Database
from adapters.premises import database_of, witness_of
from adapters.serve import Gateway
from adapters.witness import Older
from tests import postgres
from tests.databases import on_a_server
from tests.house import EMPLOYER, MEMBER, House, Sender, entry, house, wage


@contextmanager
def opened(home: House) -> Iterator[None]:
    """The gateway once more, on what it finds."""
    home.gateway = Gateway(home.settings)
    home.doors = home.gateway.start()
    try:
        yield
    finally:
        home.gateway.stop()


def copied(source: str, target: str) -> None:
    """A database that is what another one is now; whoever is in them is put out."""
    with psycopg.connect(postgres.plain(postgres.server()), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [source]
        )
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(target)))
        made = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(made.format(sql.Identifier(target), sql.Identifier(source)))


def name_of(database: Database) -> str:
    name = database.engine.url.database
    assert name is not None
    return name


@pytest.fixture
def put_back(tmp_path: Path) -> Iterator[House]:
    """A gateway that took two deposits, on its database as it was after the first one."""
    with on_a_server():
        with house(tmp_path, doors=True) as home:
            home.employer(EMPLOYER)
            sender = home.sender(MEMBER, [EMPLOYER])
            assert home.send(sender, "DECAFF", [entry()]).verdict == "accepted"
        database = database_of(home.settings)
        now, then = name_of(database), f"{name_of(database)}_early"
        database.close()
        copied(now, then)
        with opened(home):
            assert promise(home, sender)
        copied(then, now)
        yield home


def promise(home: House, sender: Sender) -> bool:
    return home.send(sender, "DECSAL", [wage()]).verdict == "accepted"


def test_an_older_database_is_refused(put_back: House) -> None:
    with pytest.raises(Older, match="older than what was promised"), opened(put_back):
        pass


def test_control_without_the_witness_nobody_would_know(put_back: House) -> None:
    database = database_of(put_back.settings)
    witness_of(put_back.settings, database).begin()
    database.close()
    with opened(put_back):
        count = "SELECT count(*) FROM deposit"
        with put_back.gateway.database.read() as connection:
            assert connection.exec_driver_sql(count).scalar_one() == 1
