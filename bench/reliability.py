"""Faults by the thousand: what was acknowledged is lost, doubled or without fate how often.

    make faults SEED=1 HOURS=0.5

Gateways on a disk that forgets what was not synced, under the load of real clients; one fault after the
other is drawn from the seed and played (`tests/faults`). Every so many faults the gateway is stopped and
its store is compared with what the clients wrote down. It ends with a table in markdown, as
`docs/reliability.md` shows it, and with status 1 when anything was lost, doubled or left without fate, or
did not come back to normal within a minute.

Several gateways at a time, each on a disk of its own; a seed repeats the faults, not the moments of the
threads.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.faults.faults import KILLS, POWER_CUTS, RESOURCES, SURROUNDINGS
from tests.faults.scene import Fault, Scene, scene

ROOT = Path(__file__).parent.parent
AT_REST = 25
"""Faults between two comparisons."""
A_LIFE = 4
"""Comparisons of one store; then there is a new one."""
FAMILIES: Sequence[tuple[int, str, Mapping[str, Fault]]] = (
    (45, "kill points", KILLS),
    (35, "power losses", POWER_CUTS),
    (14, "failing or full disk, no descriptors", RESOURCES),
    (6, "surroundings", SURROUNDINGS),
)
"""Weights, families and their faults."""


@dataclass(slots=True)
class Tally:
    """What came of faults.

    Attributes:
        played: how many of each.
        promised: deposits that got a positive answer.
        starts, stops: seconds, of starts until the doors were open and of stops in good order.
        usual: longest seconds from the end of a fault until every batch was acknowledged.
        findings: what was wrong, with the seed of its life.
    """

    played: Counter[str] = field(default_factory=Counter)
    promised: int = 0
    lost: int = 0
    doubled: int = 0
    fateless: int = 0
    starts: list[float] = field(default_factory=list)
    stops: list[float] = field(default_factory=list)
    usual: float = 0.0
    findings: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.played += other.played
        self.promised += other.promised
        self.lost += other.lost
        self.doubled += other.doubled
        self.fateless += other.fateless
        self.starts += other.starts
        self.stops += other.stops
        self.usual = max(self.usual, other.usual)
        self.findings += other.findings


def play_until(end: float, seed: int) -> Tally:
    """Life after life until the time is over or something is wrong."""
    tally, life = Tally(), seed
    while time.monotonic() < end and not tally.findings:
        tally.add(_life(life, end))
        life += 1_000_000
    return tally


def _life(seed: int, end: float) -> Tally:
    """Faults on one store, compared now and then."""
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder, scene(Path(folder, "life"), seed) as played:
        for _ in range(A_LIFE):
            try:
                _between_two_comparisons(played, end)
                report = played.judge()
            except Exception:
                where = f"seed {seed}, after {played.played.total()} faults, at or after {played.last!r}"
                tally.findings.append(f"{where}: {traceback.format_exc()}")
                break
            tally.lost += report.lost
            tally.doubled += report.doubled
            tally.fateless += report.fateless
            tally.findings += [
                f"seed {seed}, after {played.last!r}: {finding}" for finding in report.findings
            ]
            if report.findings or time.monotonic() > end:
                break
        tally.promised += len(played.supply.expected.deposits)
        tally.played += played.played
        tally.starts += played.station.starts
        tally.stops += played.station.stops
        tally.usual = max((max(each) for each in played.seconds.values()), default=0.0)
    return tally


def _between_two_comparisons(played: Scene, end: float) -> None:
    weights = [weight for weight, _, _ in FAMILIES]
    for _ in range(AT_REST):
        if time.monotonic() > end:
            return
        [(_, _, faults)] = played.draw.choices(FAMILIES, weights)
        name = played.draw.choice(list(faults))
        played.play(name, faults[name])


def markdown(tally: Tally, seed: int, hours: float, workers: int) -> str:
    """The tables of the page."""
    ended = f"{tally.lost} / {tally.doubled} / {tally.fateless}"
    families = {name: sum(tally.played[one] for one in faults) for _, name, faults in FAMILIES}
    power = families["power losses"]
    rows = [
        f"`make faults SEED={seed} HOURS={hours} WORKERS={workers}`; {_machine()}; "
        f"{tally.promised:,} deposits acknowledged.",
        "",
        "| figure | here | release |",
        "|---|---|---|",
        f"| kill points and injected faults survived | {tally.played.total():,} | 2,000 |",
        f"| lost / doubled / without fate | {ended} | 0 / 0 / 0 |",
        f"| power losses on the forgetting disk | {power:,} | 200 |",
        f"| start to open doors: median, longest | {_spread(tally.starts)} | |",
        f"| stop in good order: median, longest | {_spread(tally.stops)} | 10 s |",
        f"| everything acknowledged after the end of a fault: longest | {tally.usual:.1f} s | 60 s |",
        "",
        "| fault | times |",
        "|---|---|",
        *(f"| {name} | {tally.played[name]:,} |" for _, _, faults in FAMILIES for name in faults),
    ]
    return "\n".join(rows)


def _spread(seconds: Sequence[float]) -> str:
    return f"{statistics.median(seconds):.1f} s, {max(seconds):.1f} s" if seconds else "none"


def _machine() -> str:
    asked = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(asked, capture_output=True, text=True, cwd=ROOT, check=False).stdout.strip()
    system = f"{os.cpu_count()} processors {platform.machine()}, Linux {platform.release()}"
    return f"commit {commit}, {system}, Python {platform.python_version()}"


def _apart(seed: int, hours: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "bench.reliability", "--one", "--seed", str(seed), "--hours", str(hours)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def main() -> int:
    """Play, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--hours", type=float, default=0.5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--one", action="store_true", help="one gateway at a time, the tally as JSON")
    given = parser.parse_args()
    if given.one:
        found = play_until(time.monotonic() + 3600 * given.hours, given.seed)
        # `asdict` makes a Counter of pairs.
        print(json.dumps({**asdict(found), "played": dict(found.played)}))
        return 0
    tally = Tally()
    for process in [_apart(given.seed + number, given.hours) for number in range(given.workers)]:
        said, _ = process.communicate()
        counted = json.loads(said.splitlines()[-1])
        tally.add(Tally(**{**counted, "played": Counter(counted["played"])}))
    print(markdown(tally, given.seed, given.hours, given.workers))
    for finding in tally.findings:
        print(finding, file=sys.stderr)
    return 1 if tally.findings else 0


if __name__ == "__main__":
    sys.exit(main())
