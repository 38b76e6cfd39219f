"""What a deposit costs as the month grows: a small part of it, twice, four and eight times as much.

    make bench-growth ARGS="--fraction 0.005 --seed 1"

Each is `bench/month.py` in a process and with a database of its own, with so many times the employers,
senders, files and records. It fails when a deposit is not answered once, or wrongly; never for its time.
Figures are of this machine and run: read the ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

TIMES = (1, 2, 4, 8)


def measure(fraction: float, seed: int) -> Mapping[str, Any]:
    """What `bench/month.py` found, without the billing run.

    Raises:
        subprocess.CalledProcessError: something was lost or wrong; it has said what.
    """
    options = ("--fraction", str(fraction), "--seed", str(seed), "--without-bill", "--json")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "bench.month", *options],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    found: Mapping[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> int:
    """Print a line for each size."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fraction", type=float, default=0.005)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print(f"{os.cpu_count()} processors {platform.machine()}, Python {platform.python_version()}, {given}")
    print("| times | deposits | records | deposits/s | CPU ms a deposit | against once | peak MB |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    once = 0.0
    for times in TIMES:
        found = measure(given.fraction * times, given.seed)
        sent = found["deposits without a pause"]
        each = 1000 * sum(found["CPU s"].values()) / sent
        once = once or each
        pace = sent / found["wall s"]
        print(
            f"| {times} | {found['deposits']:,} | {found['records']:,} | {pace:.1f} | {each:.1f}"
            f" | {each / once:.2f} | {found['peak MB']['gateway']:.0f} |",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
