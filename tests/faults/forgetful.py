"""The forgetful disk as a program: `python -m tests.faults.forgetful FOLDER CONTROL`.

It mounts a disk under a folder and does what it is told over a socket, a JSON document each: orders of
`tests.faults.power.Power`. It ends, and unmounts, when the socket is closed. When the moment has come for
which a cut was ordered, it kills the processes named in the order before any of them hears of the
    operation: what they have
told anybody until then was told before the cut.
"""

from __future__ import annotations

import json
import os
import random
import selectors
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from tests.faults.disk import Cut, Disk, Refusal, load
from tests.faults.kernel import Mounted

LONGEST = 1 << 16


class Order(TypedDict, total=False):
    """What may be told: `do` says what, the rest is for it."""

    do: str
    source: str
    processes: list[int]
    after: int
    done: bool
    what: str
    seed: int
    room: int | None
    nodes: int | None
    read_only: bool
    ignores_folders: bool
    refusals: list[dict[str, int | str]]


class State(TypedDict):
    """What is told in return."""

    operations: int
    cut: bool
    last: str
    used: int
    count: int
    refused: int


@dataclass(slots=True)
class Armed:
    """A cut to come.

    Attributes:
        processes: to be killed.
        left: operations that are done before it.
        done: it comes after the next one was done, and before anybody hears of it.
    """

    processes: list[int]
    left: int
    done: bool


class Program:
    """The disk, its mount, and the cut that is to come."""

    def __init__(self, folder: Path, control: socket.socket) -> None:
        self._folder = folder
        self._control = control
        self._disk = Disk()
        self._armed: Armed | None = None
        self._operations = 0
        self._dead = False
        self._last = ""
        self._mounted = self._mount()

    def run(self) -> None:
        """Answer kernel and control until the control is closed."""
        try:
            while self._serve_one_mount():
                pass
        except ConnectionError:  # whoever gave the orders is gone
            pass
        finally:
            self._mounted.unmount()

    def _serve_one_mount(self) -> bool:
        """Answer until it is mounted anew; False when the control is closed."""
        mounted = self._mounted
        with selectors.DefaultSelector() as ready:
            ready.register(mounted.device, selectors.EVENT_READ)
            ready.register(self._control, selectors.EVENT_READ)
            while mounted is self._mounted:
                asked = {key.fileobj for key, _ in ready.select()}
                if mounted.device in asked:
                    mounted.answer()
                if self._control in asked and not self._obey():
                    return False
        return True

    def _mount(self) -> Mounted:
        return Mounted(self._disk, self._folder, self._before, self._after)

    def _before(self, operation: str, name: str) -> bool:
        self._operations += 1
        if self._armed is not None and not self._armed.done:
            self._count(operation, name)
        return not self._dead

    def _after(self, operation: str, name: str) -> None:
        if self._armed is not None and self._armed.done:
            self._count(operation, name)

    def _count(self, operation: str, name: str) -> None:
        assert self._armed is not None
        if self._armed.left:
            self._armed.left -= 1
            return
        self._last = f"{operation} {name}".strip()
        self._go_off(self._armed.processes)

    def _go_off(self, processes: list[int]) -> None:
        self._armed, self._dead = None, True
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def _obey(self) -> bool:
        said = self._control.recv(LONGEST)
        if not said:
            return False
        order: Order = json.loads(said)
        match order["do"]:
            case "load":
                load(self._disk, Path(order["source"]))
            case "arm":
                self._armed = Armed(order["processes"], order["after"], order["done"])
            case "cut":
                if not self._dead:
                    self._last = "at any moment"
                    self._go_off(order["processes"])
            case "again":
                self._again(Cut(order["what"]), order["seed"])
            case "limit":
                self._limit(order)
            case "state":
                pass
            case unknown:
                raise ValueError(unknown)
        self._control.send(json.dumps(self._state()).encode())
        return True

    def _again(self, what: Cut, seed: int) -> None:
        """The power comes back."""
        self._mounted.unmount()
        self._armed, self._dead = None, False
        self._disk.cut(what, random.Random(seed))
        self._mounted = self._mount()

    def _limit(self, order: Order) -> None:
        disk = self._disk
        disk.room = order.get("room")
        disk.nodes = order.get("nodes")
        disk.read_only = order.get("read_only", False)
        disk.ignores_folders = order.get("ignores_folders", False)
        disk.refusals = [
            Refusal(
                operation=str(one["operation"]),
                error=int(one["error"]),
                name=str(one.get("name", "")),
                after=int(one.get("after", 0)),
                times=int(one.get("times", 1_000_000)),
            )
            for one in order.get("refusals", [])
        ]

    def _state(self) -> State:
        return {
            "operations": self._operations,
            "cut": self._dead,
            "last": self._last,
            "used": self._disk.used,
            "count": self._disk.count,
            "refused": self._disk.refused,
        }


if __name__ == "__main__":
    Program(Path(sys.argv[1]), socket.socket(fileno=int(sys.argv[2]))).run()
