"""Starts gateways as fast as a process forks, so that thousands of starts are possible.

    python -m tests.faults.starter CONTROL

It has loaded the product, of the release in whose folder it runs, and waits for orders on a socket. Each
gateway is a process of its own that does what `secugate serve` does from there on; only loading the modules
is behind it.
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypedDict

from adapters import booth, serve
from adapters.settings import Settings
from adapters.shadow.process import booths_of
from gateway.moments import system_clock
from gateway.parameters import law
from tests.faults.weakened import WEAKNESSES
from xsd import catalogue

LONGEST = 1 << 16
READY = b"ready"
RELEASE = Path(__file__).parents[2]


class Order(TypedDict, total=False):
    """`start` a gateway, or `wait` for the end of one."""

    do: str
    settings: dict[str, str | int]
    log: str
    clock: str
    weaknesses: list[str]
    process: int
    blocking: bool


class Answer(TypedDict, total=False):
    """What is told in return: the process, or its status; None while it runs."""

    process: int
    status: int | None


def shifted(file: Path) -> Callable[[], datetime]:
    """A clock that is as many seconds off as a file says now."""

    def clock() -> datetime:
        return system_clock() + timedelta(seconds=float(file.read_text()))

    return clock


def _start(order: Order, control: socket.socket) -> int:
    process = os.fork()
    if process:
        return process
    status = 1
    try:
        control.close()
        os.setsid()
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for descriptor in (1, 2):
            os.dup2(log, descriptor)
        faulthandler.register(signal.SIGUSR1)  # what it is at, when the harness wants to know
        for weakness in order["weaknesses"]:
            WEAKNESSES[weakness]()
        if "clock" in order:
            serve.Gateway = partial(serve.Gateway, clock=shifted(Path(order["clock"])))  # type: ignore[misc, assignment]
        serve.serve(Settings.model_validate(order["settings"]))
        status = 0
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else 1
    except BaseException as error:
        sys.stderr.write(f"{error!r}\n")
        sys.excepthook(type(error), error, error.__traceback__)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _ended(process: int, *, blocking: bool) -> int | None:
    found, status = os.waitpid(process, 0 if blocking else os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def run(control: socket.socket) -> None:
    """Take orders until the socket is closed."""
    assert len(os.listdir("/proc/self/task")) == 1, "a process with threads must not fork"  # noqa: PTH208
    while said := control.recv(LONGEST):
        order: Order = json.loads(said)
        answer: Answer
        if order["do"] == "start":
            answer = {"process": _start(order, control)}
        else:
            answer = {"status": _ended(order["process"], blocking=order["blocking"])}
        control.send(json.dumps(answer).encode())


if __name__ == "__main__":
    assert Path(serve.__file__).is_relative_to(RELEASE)
    booth.Booths = partial(booth.Booths, booths_of(RELEASE))  # type: ignore[misc, assignment]
    catalogue()
    law()
    ordered = socket.socket(fileno=int(sys.argv[1]))
    ordered.send(READY)
    run(ordered)
