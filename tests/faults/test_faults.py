"""Every fault in turn on one gateway under load: nothing lost, nothing doubled, nothing without fate (P1
to P5, P8).

The same seed each time, so that what turns red is what was changed; another by `FAULTS_SEED`. `make faults`
plays thousands.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.faults.faults import FAULTS, KILLS, POWER_CUTS
from tests.faults.scene import scene

SEED = int(os.environ.get("FAULTS_SEED", "1"))
AGAIN = ("SIGKILL at an operation of the disk", "SIGKILL at a system call", "power cut", "power cut")
"""Those of which there are many places."""


def test_under_every_fault_nothing_is_lost_or_doubled_or_without_fate(tmp_path: Path) -> None:
    sys.stdout.write(f"FAULTS_SEED={SEED}\n")
    with scene(tmp_path, SEED) as played:
        names = [*FAULTS, *AGAIN]
        played.draw.shuffle(names)
        for name in names:
            sys.stdout.write(f"{name}\n")
            played.play(name, FAULTS[name])
        report = played.judge()
    assert report.findings == []
    assert report.promised > len(names)
    assert played.played.total() >= len(names)
    assert {*KILLS, *POWER_CUTS} < set(played.played)
