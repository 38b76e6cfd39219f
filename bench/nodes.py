"""One gateway and two on a PostgreSQL server and an S3-compatible store, under the same load.

    make bench-nodes ARGS="--fraction 0.01 --seed 1 --rounds 3"

The load is that of `bench/month.py` without a pause; every round begins with an empty database, one gateway
first, then two at the same ports. The database's server, the store's, the gateways and the senders share one
machine, so what two gateways win here is bounded by its processors: besides the seconds it tells how much of
a processor each part took, and for how long of the time somebody held the lock of the one writer.

one machine, so what two gateways win here is bounded by its processors: besides the seconds it tells how
much of a processor each part took, and for how much of the time somebody held the lock of the one writer.

Then, with two gateways, the one at work is killed; it tells how long nobody was at its group, from the kill
to the moment when the other one had it. It fails when a deposit is not answered once; never for its time.
Figures are of this machine and run.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import sqlalchemy as sa

from adapters.database.dialects.postgresql import WRITER
from bench.month import Clients, family, month, seconds_of, wait_until_treated, without_a_pause, wrong
from tests import postgres
from tests.durability.gateways import MANY, Site, is_done, opened, queued
from tests.house import EMPLOYER, MEMBER

LOOK_SECONDS = 0.02
GIVE_UP_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Run:
    """What a load took.

    Attributes:
        seconds: from the first upload to the last acknowledgement.
        deposits, records: of the load.
        gateways, database, store, senders: seconds of CPU.
        held: share of the time in which somebody held the lock of the writer.
    """

    seconds: float
    deposits: int
    records: int
    gateways: float
    database: float
    store: float
    senders: float
    held: float


def run(gateways: int, fraction: float, seed: int) -> Run:
    """The load on so many gateways.

    Raises:
        SystemExit: something was not answered, or wrongly.
    """
    with tempfile.TemporaryDirectory() as made, opened(Path(made), bucket=True) as site:
        load = month(site.home, fraction, seed, Path(made))
        doors = [site.start() for _ in range(gateways)]
        started = [one.process.pid for one in doors]
        before, began = _cpu(started), time.perf_counter()
        with watching(site) as lock:
            without_a_pause(Clients(doors[0]), load.files)
            wait_until_treated(site.home)
        seconds, after = time.perf_counter() - began, _cpu(started)
        if odd := wrong(site.home, load.files):
            sys.exit("\n".join(odd[:20]))
        used = {part: after[part] - before[part] for part in before}
        return Run(seconds, len(load.files), load.records, **used, held=lock.share)


def _cpu(gateways: Sequence[int]) -> dict[str, float]:
    """Seconds of CPU so far, by part; the servers are those of this machine, whoever started them."""
    own = os.times()
    return {
        "gateways": sum(sum(seconds_of(one)) for each in gateways for one in family(each)),
        "database": _cpu_named("postgres"),
        "store": _cpu_named("weed"),
        "senders": own.user + own.system,
    }


def _cpu_named(name: str) -> float:
    found = 0.0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "comm").read_text().strip() == name:
                found += sum(seconds_of(int(process.name)))
        except (FileNotFoundError, ProcessLookupError):  # it ended just now
            continue
    return found


class Lock:
    """Looks at the lock of the writer, many times a second."""

    def __init__(self, address: sa.URL) -> None:
        self._address = postgres.plain(address)
        self._over = threading.Event()
        self._looks: list[bool] = []
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    @property
    def share(self) -> float:
        """How often somebody had it."""
        return statistics.fmean(self._looks)

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        query = (
            "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
        )
        with psycopg.connect(self._address, autocommit=True) as connection:
            while not self._over.wait(LOOK_SECONDS):
                row = connection.execute(query, (WRITER,)).fetchone()
                self._looks.append(bool(row and row[0]))


@contextmanager
def watching(site: Site) -> Iterator[Lock]:
    """A look at the lock of a site's database, until the end."""
    lock = Lock(sa.make_url(site.home.settings.database))
    try:
        yield lock
    finally:
        lock.stop()


def take_over() -> float:
    """Seconds from the kill of the gateway at work to the moment when another one has its group.

    Raises:
        SystemExit: something was lost or doubled, or nobody took it over.
    """
    with tempfile.TemporaryDirectory() as made, opened(Path(made), bucket=True) as site:
        sender = site.home.sender(MEMBER, [EMPLOYER])
        site.start(), site.start()
        queued(site.home, sender, MANY)
        site.wait(lambda states: states.get("done", 0) > 0)
        os.kill(site.at_work(), signal.SIGKILL)
        died = site.ask("SELECT executor_id FROM dbos.workflow_status WHERE status = 'PENDING'")
        killed = time.perf_counter()
        while site.ask("SELECT executor_id FROM dbos.workflow_status WHERE status = 'PENDING'") == died:
            if time.perf_counter() - killed > GIVE_UP_SECONDS:
                sys.exit("nobody took over what the killed gateway was treating")
            time.sleep(LOOK_SECONDS)
        seconds = time.perf_counter() - killed
        site.wait(is_done(MANY))
        site.every_deposit_is_answered_once()
        return seconds


def lines(name: str, runs: Sequence[Run]) -> Iterator[str]:
    """A table's line of the rounds with so many gateways: medians."""

    def middle(*parts: str, per: str = "") -> float:
        return statistics.median(
            sum(getattr(one, part) for part in parts) / (getattr(one, per) if per else 1) for one in runs
        )

    held = statistics.median(1000 * one.held * one.seconds / one.deposits for one in runs)
    figures = (
        f"{middle('seconds'):.1f}",
        f"{1 / middle('seconds', per='deposits'):.1f}",
        f"{1 / middle('seconds', per='records'):.0f}",
        *(
            f"{1000 * middle(part, per='deposits'):.0f}"
            for part in ("gateways", "database", "store", "senders")
        ),
        f"{100 * middle('held'):.0f} %",
        f"{held:.0f}",
    )
    yield f"| {name} | " + " | ".join(figures) + " |"


HEAD = (
    "| gateways | seconds | deposits/s | records/s | CPU ms a deposit: gateways | database | store | senders"
    " | lock held | ms a deposit |",
    "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
)


def main() -> int:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--fraction", type=float, default=0.01)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--deaths", type=int, default=5)
    given = parser.parse_args()
    logging.getLogger("dbos").disabled = True  # it wonders that there are several gateways here, one by one
    found: Mapping[int, list[Run]] = {1: [], 2: []}
    for _ in range(given.rounds):
        for gateways, runs in found.items():
            runs.append(run(gateways, given.fraction, given.seed))
            print(json.dumps({"gateways": gateways, "seconds": round(runs[-1].seconds, 1)}), flush=True)
    taken = sorted(take_over() for _ in range(given.deaths))
    print(
        f"\n{platform.machine()}, {os.cpu_count()} processors, seed {given.seed}, fraction {given.fraction}\n"
    )
    print("\n".join(HEAD))
    for gateways, runs in found.items():
        print("\n".join(lines(str(gateways), runs)))
    won = [two.seconds for two in found[2]], [one.seconds for one in found[1]]
    print(f"\nTwo against one: {statistics.median(won[1]) / statistics.median(won[0]):.2f} times as quick")
    print(f"Take-over: {statistics.median(taken):.1f} s, at most {taken[-1]:.1f} s, of {len(taken)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
