"""Several gateways on one PostgreSQL server, as processes."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from adapters.installation import install
from adapters.serve import Gateway
from adapters.settings import Settings
from bench.people import people
from gateway.moments import system_clock
from tests import postgres, s3
from tests.durability.running import PATIENCE_SECONDS, Running, command, environment, wait_until_open
from tests.house import EMPLOYER, House, Sender, wage

MANY = 40
"""Deposits of one sender: less than a group, so that one gateway has them, for long enough to be met."""
PEOPLE = 100
_people = people()


@dataclass(slots=True)
class Site:
    """One database, and the gateways on it."""

    home: House
    folder: Path
    ports: tuple[int, int]
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, *, program: Sequence[str] = ()) -> Running:
        """One more gateway, with its doors at the same addresses as those of the others."""
        process = self.launch(program)
        return wait_until_open(self.home.settings.data, process, self.log)

    def launch(self, program: Sequence[str] = ()) -> subprocess.Popen[str]:
        """A gateway that may still be starting."""
        https_port, sftp_port = map(str, self.ports)
        options = ("--data", str(self.home.settings.data), "--https-port", https_port)
        arguments = [*(program or command()), "serve", *options, "--sftp-port", sftp_port]
        with self.log.open("ab") as errors:
            process = subprocess.Popen(
                arguments, stdout=subprocess.PIPE, stderr=errors, text=True, env=self._environment()
            )
        self.started.append(process)
        return process

    @property
    def log(self) -> Path:
        return self.folder / "gateways.log"

    def _environment(self) -> Mapping[str, str]:
        settings = self.home.settings
        given = {"database", "master_key", "store", "store_endpoint", "store_credentials"}
        chosen = {f"SECUGATE_{name.upper()}": getattr(settings, name) for name in sorted(given)}
        return {**environment(), **{name: str(value) for name, value in chosen.items() if value}}

    def states(self) -> Mapping[str, int]:
        """How many deposits stand in each state."""
        return self.home.gateway.deposits.counts()

    def wait(self, found: Callable[[Mapping[str, int]], bool], seconds: float = PATIENCE_SECONDS) -> None:
        """Until the deposits stand as asked for."""
        until = time.monotonic() + seconds
        while not found(self.states()):
            assert time.monotonic() < until, (self.states(), self.log.read_text())
            time.sleep(0.01)

    def ask(self, query: str) -> Sequence[sa.Row[Any]]:
        with self.home.gateway.database.read() as connection:
            return connection.execute(sa.text(query)).all()

    def at_work(self) -> int:
        """The number of the process that treats a group now."""
        until = time.monotonic() + PATIENCE_SECONDS
        query = "SELECT executor_id FROM dbos.workflow_status WHERE status = 'PENDING'"
        while not (found := self.ask(query)):
            assert time.monotonic() < until
        return int(found[0][0].split("-")[-2])

    def every_deposit_is_answered_once(self) -> None:
        """One receipt, one acknowledgement; and `secugate verify` finds nothing."""
        kinds = self.ask(
            "SELECT deposit, kind, count(*) FROM answer WHERE kind IN ('ACKREC', 'ACKTRT') GROUP BY 1, 2"
        )
        assert {count for _, _, count in kinds} == {1}
        assert len(kinds) == 2 * sum(self.states().values())
        assert self.home.findings() == ()

    def end(self) -> None:
        for process in self.started:
            process.kill()
            process.wait(PATIENCE_SECONDS)
            assert process.stdout is not None
            process.stdout.close()
        self.home.gateway.database.close()


@contextmanager
def opened(folder: Path, *, bucket: bool) -> Iterator[Site]:
    """A site with one employer and no gateway yet; its deposits in a folder that gateways share, or in an
    S3-compatible store."""
    settings = Settings(
        data=folder / "gateway",
        database=postgres.address(str(folder)),
        master_key=folder / "gateway" / "keys" / "master.key",
        https_port=0,
        sftp_port=0,
        **(in_bucket(folder) if bucket else {}),
    )
    install(settings, system_clock())
    home = House(folder, settings, system_clock, Gateway(settings))
    home.employer(EMPLOYER)
    found = Site(home, folder, (free_port(), free_port()))
    try:
        yield found
    finally:
        found.end()


def in_bucket(folder: Path) -> dict[str, Any]:
    """Settings of a store that is a place of its own on a real server."""
    place, credentials = s3.bucket(), folder / "credentials"
    credentials.write_text(f"{place.key_id}\n{place.secret}\n")
    credentials.chmod(0o600)
    return {"store": place.url, "store_endpoint": place.endpoint, "store_credentials": credentials}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def queued(home: House, sender: Sender, count: int, **fields: str) -> list[str]:
    """So many deposits of a sender, of people of their own; their ids. They come quicker than they are
    treated."""
    contents = []
    for _ in range(count):
        insured = list(islice(_people, PEOPLE))
        home.affiliate(*insured)
        contents.append(home.batch(sender, "DECSAL", [wage(one, **fields) for one in insured]))
    return [home.receive(sender, home.name("DECSAL", sender.member), content).deposit for content in contents]


def is_done(count: int) -> Callable[[Mapping[str, int]], bool]:
    """Whether so many deposits are done, and none stands otherwise."""
    return lambda states: states == {"done": count}
