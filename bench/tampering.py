"""How many random tamperings with a store `secugate verify` finds.

    make bench-tampering ARGS="--tamperings 10000 --seed 1"

One small month is played through a gateway; every tampering is done on a copy of its store with plain SQLite
and plain files (see tests/durability/tamperings.py), and the copy is verified. What was not found is named,
with the number by which it can be done again. Copies lie in memory where the machine has /dev/shm.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.durability.month import Store, copy_of, make_month
from tests.durability.tamperings import tamper

ROOT = Path(__file__).parent.parent
MEMORY = Path("/dev/shm")
PROGRESS = 50
"""After so many it is told how many of them were found."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tamperings", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0, help="number of the first one, to do one again")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    command = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False).stdout.strip()
    print(f"commit {commit}, seed {given.seed}, {given.tamperings} tamperings from number {given.first}")
    tried: Counter[str] = Counter()
    found: Counter[str] = Counter()
    begun = time.process_time()
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        month, _ = make_month(Path(folder) / "house")
        for number in range(given.first, given.first + given.tamperings):
            store = copy_of(month, Path(folder) / "copy")
            done = tamper(store, random.Random(f"{given.seed} {number}"))
            kind = done.partition(":")[0]
            tried[kind] += 1
            findings = _findings(store)
            if findings:
                found[kind] += 1
            else:
                print(f"  missed, number {number}: {done}", flush=True)
            shutil.rmtree(store.data)
            if tried.total() % PROGRESS == 0:
                print(f"  {found.total()} of {tried.total()}", flush=True)
    for kind, count in sorted(tried.items()):
        print(f"{kind:<30} {found[kind]:>7} of {count}")
    print(f"{'found':<30} {found.total():>7} of {tried.total()}")
    print(f"CPU {time.process_time() - begun:.0f} s")


def _findings(store: Store) -> tuple[str, ...]:
    """What is found; to fall over something is not to find it."""
    try:
        return store.findings()
    except Exception as error:
        print(f"  {type(error).__name__}: {error}")
        return ()


if __name__ == "__main__":
    main()
