"""The table of the aims, from one run on this machine: small parts of everything, one after the other.

    make bench

Each figure is of the bench that stands beside it, in a process of its own and with the seed that is its
default; what is of the whole country is computed from the part. It fails when one of them finds something
lost or wrong; never for time. The figures of docs/performance.md come from larger parts.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from adapters.cli.output import progress

Found = Mapping[str, Any]
EMPLOYERS = 97_075
YEARS = "100000"
"""Deposits in the register for the figures of a start and a look-up: a fiftieth of ten years."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A line of the table.

    Attributes:
        name: of the figure.
        aim: of the release.
        bench: module and arguments; it prints JSON at last.
        told: what of it is the figure.
    """

    name: str
    aim: str
    bench: tuple[str, ...]
    told: Callable[[Found], str]


MONTH = ("month", "--fraction", "0.003", "--without-bill", "--json")
STATEMENTS = ("statements", "--employers", "300", "--no-pages", "--json")
PATH = ("path", "--one", "10000")
LARGE = ("path", "--one", "100000")
AS2 = ("as2", "--messages", "100", "--rounds", "1", "--json")
TRANSFER = ("transfer", "--rounds", "1", "--json")
RESTART = ("restart", "--deposits", YEARS)
FIGURES = (
    Figure("whole month to acknowledgements", "15 min", MONTH, lambda f: f"{f['whole month, min']:.0f} min"),
    Figure("receipt p99 at half load", "1 s", MONTH, lambda f: f"{f['receipt s']['p99']:.2f} s"),
    Figure("CPU against the C tools, over the month", "3x", MONTH, lambda f: f"{f['CPU ratio']:.1f}x"),
    Figure(
        "CPU against the C tools, one batch of 10,000",
        "3x",
        PATH,
        lambda f: f"{f['CPU s'] / (f['xmllint s'] + f['xmlsec1 s']):.1f}x",
    ),
    Figure(
        "one batch of 100,000: acknowledged, memory",
        "30 s, 512 MB",
        LARGE,
        lambda f: f"{f['wall s']:.1f} s, {f['peak MB']:.0f} MB",
    ),
    Figure(
        "97,075 statements, CPU",
        "3 min",
        STATEMENTS,
        lambda f: f"{f['CPU ms a statement'] * EMPLOYERS / 60_000:.1f} min",
    ),
    Figure(
        "contributions against a C loop", "4x", ("contributions", "--json"), lambda f: f"{f['ratio']:.1f}x"
    ),
    Figure("small batches against django-pyas2", "10x", AS2, lambda f: f"{f['receipts']:.1f}x"),
    Figure("SFTP, 200 MB, against internal-sftp", "0.8x", TRANSFER, lambda f: f"{f['200 MB']:.2f}x"),
    Figure("SFTP, 200 x 100 kB, the same", "0.8x", TRANSFER, lambda f: f"{f['200 x 100 kB']:.2f}x"),
    Figure("start, 100,000 deposits on file", "10 s", RESTART, lambda f: f"{_last(f)['open doors']:.1f} s"),
    Figure("look-up among them", "50 ms", RESTART, lambda f: f"{1000 * _last(f)['look-up']:.0f} ms"),
)


def _last(found: Found) -> Found:
    *_, last = found.values()
    one: Found = last
    return one


def run(bench: tuple[str, ...]) -> Found:
    """What a bench found.

    Raises:
        SystemExit: it found something lost or wrong, or could not run.
    """
    name, *options = bench
    command = [sys.executable, "-W", "ignore", "-m", f"bench.{name}", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"bench.{name}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    found: Found = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> int:
    """Run everything, print the table."""
    benches = list(dict.fromkeys(figure.bench for figure in FIGURES))
    found = {bench: run(bench) for bench in progress(benches, "benches", len(benches))}
    print(f"{os.cpu_count()} processors {platform.machine()}, Python {platform.python_version()}")
    print("| figure | aim | here | by |")
    print("|---|---|---|---|")
    for figure in FIGURES:
        by = f"bench.{' '.join(figure.bench)}"
        print(f"| {figure.name} | {figure.aim} | {figure.told(found[figure.bench])} | `{by}` |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
