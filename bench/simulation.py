"""A simulation of a thousand wages: how long the sender waits for verdict and effect on the next statements.

    make bench-simulation ARGS="--lines 1000 --rounds 5"

One employer whose staff is declared for a month, signed, with no statement for it yet; then the same with the
month before declared as well and not charged yet, so that two statements are computed, each with the batch
and without it. What is measured is the gateway's own answer to a whole signed file: verified, validated,
handled, billed in a transaction that is rolled back, signed. Due within 2 seconds for 1,000 lines.

Seconds are of the clock on the wall: nothing else should run. Figures are of this machine and this run.
"""

from __future__ import annotations

import argparse
import itertools
import json
import platform
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from lxml import etree

from bench.people import companies, people
from gateway.returns import simres
from tests.house import MEMBER, House, Sender, house, wage

AT = datetime(2026, 8, 20, 7, 0, tzinfo=UTC)
BEFORE, MONTH = "2026-06", "2026-07"


def measure(lines: int, rounds: int) -> dict[str, list[float]]:
    """Seconds of each simulation, by how many months are open."""
    with tempfile.TemporaryDirectory() as folder, house(Path(folder), clock=lambda: AT) as home:
        employer = next(iter(companies("10")))
        home.employer(employer)
        staff = list(itertools.islice(people(), lines))
        home.affiliate(*staff, employer=employer)
        sender = home.sender(MEMBER, [employer])
        found = {"one month open": _simulated(home, sender, employer, staff, rounds)}
        before = home.send(sender, "DECSAL", [wage(one, employer, Period=BEFORE) for one in staff])
        assert before.verdict == "accepted", before.codes
        found["two months open"] = _simulated(home, sender, employer, staff, rounds)
        return found


def _simulated(home: House, sender: Sender, employer: str, staff: list[str], rounds: int) -> list[float]:
    found = []
    for _ in range(rounds):
        name, content = home.signed(sender, "DECSAL", [wage(one, employer, Period=MONTH) for one in staff])
        began = time.perf_counter()
        answer = home.gateway.simulations.simulate(sender.member, name, content)
        found.append(time.perf_counter() - began)
        told = simres.read(etree.fromstring(answer))
        counted = told.accepted, told.rejected, len(told.effects)
        assert counted == (len(staff), 0, 1), f"not as declared: {counted}, {told.anomalies[:1]}"
        time.sleep(found[-1])  # a simulation rests as long as it took
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lines", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = measure(given.lines, given.rounds)
    if given.json:
        print(json.dumps(found))
        return
    python = platform.python_version()
    print(f"{given.lines} lines, {given.rounds} rounds, {platform.machine()}, Python {python}")
    for name, seconds in found.items():
        low, high = min(seconds), max(seconds)
        print(f"{name:>18}  median {statistics.median(seconds):.2f} s  ({low:.2f} to {high:.2f})")


if __name__ == "__main__":
    main()
