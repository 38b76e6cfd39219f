"""The forgetful disk from the side of whoever gives the orders."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from tests.faults.disk import Cut, Refusal
from tests.faults.forgetful import LONGEST, Order, State
from tests.faults.kernel import unmount

CAP_SYS_ADMIN = 21
PATIENCE_SECONDS = 60.0


@dataclass(slots=True)
class Power:
    """A mounted disk.

    Attributes:
        folder: where it is.
    """

    folder: Path
    _control: socket.socket

    def load(self, source: Path) -> None:
        """Have a copy of a folder on it, synced."""
        self._tell({"do": "load", "source": str(source)})

    def arm(self, processes: Sequence[int], after: int, *, done: bool) -> None:
        """Order a cut.

        Args:
            processes: killed at that moment.
            after: operations that are done before it.
            done: the next one is done as well, but nobody hears of it.
        """
        self._tell({"do": "arm", "processes": list(processes), "after": after, "done": done})

    def cut(self, processes: Sequence[int]) -> None:
        """Cut now, unless it was cut before."""
        self._tell({"do": "cut", "processes": list(processes)})

    def again(self, what: Cut, seed: int) -> None:
        """The power comes back; what was not synced is as `what` and the seed say."""
        self._tell({"do": "again", "what": what.value, "seed": seed})

    def limit(
        self,
        *,
        room: int | None = None,
        nodes: int | None = None,
        read_only: bool = False,
        ignores_folders: bool = False,
        refusals: Sequence[Refusal] = (),
    ) -> None:
        """What it refuses from now on; nothing without arguments."""
        order: Order = {
            "do": "limit",
            "room": room,
            "nodes": nodes,
            "read_only": read_only,
            "ignores_folders": ignores_folders,
            "refusals": [asdict(each) for each in refusals],
        }
        self._tell(order)

    def state(self) -> State:
        """How many operations it has done, and whether it was cut."""
        return self._tell({"do": "state"})

    def _tell(self, order: Order) -> State:
        self._control.send(json.dumps(order).encode())
        said = self._control.recv(LONGEST)
        assert said, "the disk is gone"
        state: State = json.loads(said)
        return state


def _may_mount() -> bool:
    """Whether the kernel lets this process mount (capabilities(7))."""
    status = Path("/proc/self/status").read_text()
    effective = next(line for line in status.splitlines() if line.startswith("CapEff:"))
    return bool(int(effective.split()[1], 16) >> CAP_SYS_ADMIN & 1)


@contextmanager
def forgetful(folder: Path) -> Iterator[Power]:
    """A disk under a folder, for as long as it is needed. Where mounting is not allowed a test is skipped,
    visibly, also in continuous integration: no package can give the right to mount."""
    if not _may_mount() or not os.access("/dev/fuse", os.W_OK):
        pytest.skip("a filesystem of our own takes the right to mount (CAP_SYS_ADMIN) and /dev/fuse")
    folder.mkdir()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-m", "tests.faults.forgetful", str(folder), str(theirs.fileno())]
    with theirs:
        process = subprocess.Popen(command, pass_fds=[theirs.fileno()])
    ours.settimeout(PATIENCE_SECONDS)
    power = Power(folder, ours)
    try:
        power.state()
        yield power
    finally:
        ours.close()
        process.wait(PATIENCE_SECONDS)
        unmount(folder)  # in case it was killed
