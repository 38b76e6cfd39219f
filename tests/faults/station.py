"""A gateway as a process on fixed ports, and who starts it again: what a supervisor does, at the harness's
word."""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tests.durability.running import environment
from tests.faults.starter import LONGEST, READY, Answer, Order
from tests.house import wait_for

_CUT_OFF = "asyncio.exceptions.CancelledError: Task cancelled, timeout graceful shutdown exceeded"
PATIENCE_SECONDS = 60.0
LOADING_SECONDS = 180.0
GRACEFUL_SECONDS = 10.0
OURS = Path(__file__).parents[2]
"""Folder of the program as it is."""


@dataclass(slots=True)
class Station:
    """A gateway on a folder; at most one at a time.

    Attributes:
        data: its folder.
        log: what it says, of all its lives.
        https_port, sftp_port: always the same, so that clients find it again.
        release: folder of the program that the next start runs.
        weaknesses: what is taken away from it.
        settings: more of its settings.
        clock: file with the seconds by which its clock is off; none without it.
        process: of this life; 0 when it does not run.
        starts: seconds of each start, until its doors were open.
        stops: seconds of each stop in good order.
    """

    data: Path
    log: Path
    https_port: int
    sftp_port: int
    release: Path
    weaknesses: Sequence[str]
    settings: dict[str, str | int] = field(default_factory=dict)
    clock: Path | None = None
    process: int = 0
    starts: list[float] = field(default_factory=list)
    stops: list[float] = field(default_factory=list)
    _began: float = 0.0
    _control: socket.socket = field(init=False)
    _pause: threading.Event = field(default_factory=threading.Event)

    def launch(self) -> None:
        """Start it, without waiting for its doors."""
        assert not self.process
        given: dict[str, str | int] = {
            "data": str(self.data),
            "https_port": self.https_port,
            "sftp_port": self.sftp_port,
        }
        order: Order = {
            "do": "start",
            "settings": {**given, **self.settings},
            "log": str(self.log),
            "weaknesses": list(self.weaknesses),
        }
        if self.clock is not None:
            order["clock"] = str(self.clock)
        self._began = time.monotonic()
        self.process = self._tell(order)["process"]

    def wait_until_open(self) -> None:
        """Wait until both doors let somebody in."""
        wait_for(lambda: self._opens() or None)
        self.starts.append(time.monotonic() - self._began)

    def start(self) -> None:
        """Start it, and wait until its doors are open."""
        self.launch()
        self.wait_until_open()

    def keep_up(self) -> None:
        """Start it again if it has ended by itself, as a supervisor does."""
        if not self.process or self.ended() is not None:
            self.start()

    def kill(self) -> None:
        """End it between any two instructions."""
        if self.process:
            with suppress(ProcessLookupError):
                os.kill(self.process, signal.SIGKILL)
            self.gone()

    def gone(self) -> int | None:
        """Wait for its end; its status."""
        status = self._tell({"do": "wait", "process": self.process, "blocking": True})["status"]
        self.process = 0
        return status

    def stop(self) -> int:
        """End it as an operator does: in good order, and soon.

        Raises:
            AssertionError: it took long, or said that something was wrong.
        """
        began = time.monotonic()
        self.send(signal.SIGTERM)
        while (status := self.ended()) is None:
            took = time.monotonic() - began
            if took > GRACEFUL_SECONDS:
                self.send(signal.SIGUSR1)
                self._pause.wait(0.5)
                self.kill()
                raise AssertionError(f"it does not stop:\n{self.tail()}")
            self._pause.wait(0.02)
        assert status == 0, f"it stopped with status {status}:\n{self.tail()}"
        self.stops.append(time.monotonic() - began)
        return status

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.process, number)

    def ended(self) -> int | None:
        """Its status if it has ended by itself; None while it runs."""
        status = self._tell({"do": "wait", "process": self.process, "blocking": False})["status"]
        if status is not None:
            self.process = 0
        return status

    def _opens(self) -> bool:
        status = self.ended()
        assert status is None, f"it ended with status {status}:\n{self.tail()}"
        return all(_listens(port) for port in (self.https_port, self.sftp_port))

    def tail(self) -> str:
        """The last it said."""
        return self.log.read_text()[-4000:] if self.log.exists() else ""

    def raised(self) -> bool:
        """Whether a traceback is in its log since its doors were opened the last time: a start may fail for
        want of what a fault took away. Those with which the engine tells of a database that is away do not
        count, nor that of a request which was under way when the time of a stop was over."""
        log = self.log.read_text() if self.log.exists() else ""
        by_engine = raised = False
        for line in log.rpartition("Secugate is open.")[2].splitlines():
            if line.startswith("{") or "(dbos:" in line:
                if raised:
                    return True
                by_engine = "(dbos:" in line
            elif line.startswith("Traceback") and not by_engine:
                raised = True
            elif line.startswith(_CUT_OFF):
                raised = False
        return raised

    def _tell(self, order: Order) -> Answer:
        if not self.process:
            self._control = _starter(self.release)
        self._control.send(json.dumps(order).encode())
        said = self._control.recv(LONGEST)
        assert said, "the starter is gone"
        answer: Answer = json.loads(said)
        return answer


def _listens(port: int) -> bool:
    with socket.socket() as line:
        return line.connect_ex(("127.0.0.1", port)) == 0


def _free_ports(count: int) -> list[int]:
    lines = [socket.socket() for _ in range(count)]
    try:
        for line in lines:
            line.bind(("127.0.0.1", 0))
        return [line.getsockname()[1] for line in lines]
    finally:
        for line in lines:
            line.close()


@cache
def _starter(release: Path) -> socket.socket:
    """The process that starts gateways of a release: one for all, since loading the program takes a while. It
    ends with us."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-m", "tests.faults.starter", str(theirs.fileno())]
    # Threads of its own, which numpy's library would start, would be missing after a fork.
    given = {**environment(), "OPENBLAS_NUM_THREADS": "1"}
    with theirs:
        process = subprocess.Popen(command, pass_fds=[theirs.fileno()], env=given, cwd=release)
    ours.settimeout(LOADING_SECONDS)
    assert ours.recv(LONGEST) == READY
    atexit.register(_let_go, ours, process)
    return ours


def _let_go(control: socket.socket, process: subprocess.Popen[bytes]) -> None:
    control.close()
    process.wait(PATIENCE_SECONDS)


@contextmanager
def station(data: Path, log: Path, weaknesses: Sequence[str] = ()) -> Iterator[Station]:
    """A gateway on a folder, not started yet; killed at the end if it still runs.

    Args:
        weaknesses: what is taken away from it: see `tests.faults.weakened`.
    """
    made = Station(data, log, *_free_ports(2), OURS, tuple(weaknesses))
    try:
        yield made
    finally:
        with suppress(OSError, AssertionError):
            made.kill()
