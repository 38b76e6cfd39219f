"""How much one large batch delays many small ones: acknowledgements of small deposits without and with it.

    make bench-fairness ARGS="--small 1000 --wages 50000 --seed 1"

Small batches of a national month (`bench.month`, its largest left out) from many senders at both doors
without a pause, half of them alone, the other half once a batch of so many wages from another sender has its
receipt. What counts is how long it takes until the last small one is acknowledged: at most twice as long is
promised.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from adapters.database import tables
from adapters.installation import install
from adapters.serve import Gateway
from adapters.settings import Settings
from bench.month import (
    BATCHES,
    Clients,
    File,
    acknowledged,
    declared_by,
    month,
    wait_until_treated,
    without_a_pause,
    wrong,
)
from bench.people import companies, people
from gateway.batch import MemberId
from gateway.moments import Received, system_clock
from gateway.returns import acktrt
from tests.durability.running import running
from tests.house import House

MOST = 2.0
"""How many times as long small ones may take beside a large one."""


def large_batch(home: House, wages: int, seed: int, folder: Path) -> File:
    """One batch of so many wages, by a sender of its own; its people are not those of the others."""
    [employer] = itertools.islice(companies("70"), 1)
    home.employer(employer)
    sender = home.sender(MemberId(employer, "399999"), [employer], kind="employer")
    insured = list(itertools.islice(people(), 2 * wages, 3 * wages))
    records = list(declared_by(home, "DECSAL", insured, [employer], random.Random(seed)))
    path = folder / "large.xml"
    path.write_bytes(home.batch(sender, "DECSAL", records))
    return File(sender, "DECSAL", home.name("DECSAL", sender.member), path, wages)


def measure(small: int, wages: int, seed: int) -> dict[str, object]:
    """Half of the small ones alone, half of them beside the large one."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = Settings(data=folder / "gateway", https_port=0, sftp_port=0)
        install(settings, system_clock())
        home = House(folder, settings, system_clock, Gateway(settings))
        (folder / "files").mkdir()
        files = month(home, (2 * small + 1) / BATCHES, seed, folder / "files").files
        files.remove(max(files, key=lambda file: file.records))
        halves = files[: len(files) // 2], files[len(files) // 2 :]
        large = large_batch(home, wages, seed, folder)
        with running(settings.data) as gateway:
            clients = Clients(gateway)
            alone = sent(home, clients, halves[0])
            clients.deposit(large)
            beside = sent(home, clients, halves[1])
        took = acknowledged(home, frozenset([large.name]))
        odd = wrong(home, [*files, large])
        home.gateway.database.close()
    return {
        "alone": alone,
        "beside": beside,
        "large": {"records": large.records, "acknowledged after s": took[0]},
        "times as long": beside["all acknowledged after s"] / alone["all acknowledged after s"],
        "wrong": odd,
    }


def last_answer(home: House, names: frozenset[str]) -> datetime:
    """When the last of some files was acknowledged."""
    kept, posted = tables.table(tables.Deposit), tables.table(tables.Answer)
    query = (
        sa.select(kept.c.name, posted.c.posted)
        .join(posted, posted.c.deposit == kept.c.id)
        .where(posted.c.kind == acktrt.CODE)
    )
    with home.gateway.database.read() as connection:
        rows = connection.execute(query).all()
    return max(Received.parse(row.posted).at for row in rows if row.name in names)


def sent(home: House, clients: Clients, files: Sequence[File]) -> Mapping[str, float]:
    """Deposit files without a pause; how soon they were receipted and acknowledged, in seconds."""
    clients.receipts.clear()
    began, clock = system_clock(), time.perf_counter()
    without_a_pause(clients, files)
    uploaded = time.perf_counter() - clock
    wait_until_treated(home)
    names = frozenset(file.name for file in files)
    answers = acknowledged(home, names)
    return {
        "deposits": len(files),
        "records": sum(file.records for file in files),
        "uploaded after s": uploaded,
        "all acknowledged after s": (last_answer(home, names) - began).total_seconds(),
        "acknowledgement p50 s": statistics.median(answers),
        "acknowledgement p99 s": answers[round(0.99 * (len(answers) - 1))],
        "receipt p50 s": statistics.median(clients.receipts),
        "receipt most s": max(clients.receipts),
    }


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--small", type=int, default=200, help="small deposits, alone and beside")
    parser.add_argument("--wages", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    found = measure(given.small, given.wages, given.seed)
    print(f"{os.cpu_count()} processors {platform.machine()}, Python {platform.python_version()}")
    print(json.dumps(found, indent=2))
    return 1 if found["wrong"] or found["times as long"] > MOST else 0


if __name__ == "__main__":
    sys.exit(main())
