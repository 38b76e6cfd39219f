"""A watcher that dies: a process whose children each make one round, and are disturbed at one step of it.

    python -m tests.client.dying FOLDER PROFILE DOOR kill|full FIRST STRIDE

The steps are what Python tells its auditors: opening, renaming and removing files of the folder, and
connecting. The first child is disturbed at the step FIRST, the second at FIRST + STRIDE, and so on: it is
killed there, or finds the disk full from then on; until one is through. Prints how many were disturbed.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import tempfile
from pathlib import Path

from gateway.client.drop.watch import Watcher
from tests.client.dropping import watcher_of

STEPS = frozenset({"open", "os.rename", "os.remove", "os.mkdir", "sqlite3.connect", "socket.connect"})
MOST = 150
WRITES = frozenset({"os.rename", "os.mkdir"})


def disturb(folder: Path, kind: str, step: int) -> None:
    """From now on, at a step."""
    count = 0

    def audit(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal count
        if event not in STEPS or (
            event != "socket.connect" and not str(arguments[0]).startswith(str(folder))
        ):
            return
        count += 1
        if kind == "kill" and count == step:
            os.kill(os.getpid(), signal.SIGKILL)
        writes = event in WRITES or (event == "open" and str(arguments[1])[:1] in ("w", "a", "x"))
        if kind == "full" and count >= step and writes:
            raise OSError(errno.ENOSPC, "No space left on device")

    sys.addaudithook(audit)


def child(watcher: Watcher, kind: str, step: int) -> int:
    """One round, disturbed; how the process ended."""
    process = os.fork()
    if process == 0:
        status = 1
        try:
            disturb(watcher.places.root, kind, step)
            with watcher.places.alone():
                watcher.mend()
                watcher.see()
                status = 0 if watcher.round() is None else 1
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def main(folder: str, profile: str, door: str, kind: str, first: str, stride: str) -> None:
    """See above."""
    said: list[str] = []
    watcher = watcher_of(Path(profile), Path(folder), door, said)
    with tempfile.TemporaryDirectory() as empty:
        # What is loaded at first use is loaded before anything is counted.
        watcher_of(Path(profile), Path(empty), door, said).round()
    step, disturbed = int(first), 0
    while child(watcher, kind, step) != 0 and disturbed < MOST:
        disturbed += 1
        step += int(stride)
    sys.stdout.write(str(disturbed))


if __name__ == "__main__":
    main(*sys.argv[1:])
