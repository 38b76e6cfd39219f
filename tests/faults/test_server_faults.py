"""Faults of the database's server and of the store, under load and judged by the checker (P1 to P5, P8)."""

from __future__ import annotations

import os
import sys
from contextlib import closing
from pathlib import Path

import pytest

from adapters.database.deposits import Deposits
from adapters.premises import Premises, database_of, seal_of, spool_of
from adapters.settings import Settings
from gateway.moments import system_clock
from tests import s3
from tests.databases import address_of, on_a_server, set_for_commands
from tests.faults.book import Book
from tests.faults.checker import check
from tests.faults.scene import scene
from tests.faults.servers import Line, Way, of_the_database, of_the_store

SEED = int(os.environ.get("FAULTS_SEED", "1"))
pytestmark = pytest.mark.embedded


def test_under_faults_of_the_servers_nothing_is_lost_or_doubled_or_without_fate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sys.stdout.write(f"FAULTS_SEED={SEED}\n")
    bucket = s3.bucket()
    host, _, port = bucket.endpoint.rpartition("//")[2].partition(":")
    credentials = tmp_path / "credentials"
    credentials.write_text(f"{bucket.key_id}\n{bucket.secret}\n")
    credentials.chmod(0o600)
    file = Premises(tmp_path / "gateway").database
    with (
        on_a_server(),
        set_for_commands(file),
        closing(Line(direct := address_of(file))) as line,
        closing(Way(host, int(port))) as way,
        scene(
            tmp_path,
            SEED,
            disk=False,
            database=line.address,
            store=bucket.url,
            store_endpoint=f"http://127.0.0.1:{way.port}",
            store_credentials=str(credentials),
        ) as played,
    ):
        faults = of_the_database(direct, line) | of_the_store(way)
        if os.environ.get("TEST_PG_URL"):
            del faults["server of the database crashed"]  # somebody else's
        names = [*faults, *faults]
        played.draw.shuffle(names)
        for name in names:
            sys.stdout.write(f"{name}\n")
            played.play(name, faults[name])
        monkeypatch.setenv("SECUGATE_STORE", bucket.url)
        monkeypatch.setenv("SECUGATE_STORE_ENDPOINT", bucket.endpoint)
        monkeypatch.setenv("SECUGATE_STORE_CREDENTIALS", str(credentials))
        report = played.judge()
        swept = sweep(played.station.data)
        again = check(played.station.data, Book.read(played.clients.book), played.supply.expected)
    assert len(report.findings) == swept, report.findings
    assert again.findings == []
    assert report.promised > len(names)


def sweep(data: Path) -> int:
    """Set aside what was put into the store and never entered, since the database or the sender was gone by
    then, as a start does a day later; how many files."""
    settings = Settings(data=data)
    with closing(database_of(settings)) as database:
        entered = Deposits(database, seal_of(Premises(data), settings), lambda: None).entered
        return spool_of(settings, database).sweep(lambda ids: entered(list(ids)), system_clock())
