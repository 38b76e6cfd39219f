"""SR-17: a failed sync ends the process without a positive answer; what is full or fails at a write does not.

The faults are made by strace in the system calls of a real gateway, which is attached to while it idles.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx2
import pytest

from adapters.durable import FAILED_SYNC
from adapters.premises import Premises
from adapters.witness import WitnessFile
from gateway.client.doors import Refused
from gateway.client.https import HttpsDoor
from tests.durability.running import PATIENCE_SECONDS, Running, running, verify
from tests.house import EMPLOYER, MEMBER, House, Sender, house, wage
from tests.tools import tool

SYNCS = ("fsync", "fdatasync")
pytestmark = pytest.mark.embedded


@pytest.fixture
def closed(tmp_path: Path) -> tuple[House, Sender]:
    with house(tmp_path) as home:
        home.employer(EMPLOYER)
        sender = home.sender(MEMBER, [EMPLOYER])
    return home, sender


@contextmanager
def injected(gateway: Running, calls: str, fault: str) -> Iterator[Path]:
    """Have system calls of a running gateway fail; where strace writes what it saw."""
    seen = gateway.data.parent / "calls.txt"
    arguments = [tool("strace"), "-f", "-y", "-o", str(seen), "-e", f"trace={calls}"]
    arguments += ["-e", f"inject={calls}:{fault}", "-p", str(gateway.process.pid)]
    strace = subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True)
    assert strace.stderr is not None
    said = strace.stderr.readline()
    assert "attached" in said, said
    try:
        yield seen
    finally:
        strace.send_signal(signal.SIGINT)
        strace.wait(PATIENCE_SECONDS)
        strace.stderr.close()


def batch(home: House, sender: Sender, day: int) -> tuple[str, bytes]:
    return home.name("DECSAL", MEMBER), home.batch(sender, "DECSAL", [wage(FirstDay=f"{day:02d}")])


def send(gateway: Running, sender: Sender, name: str, content: bytes) -> bytes | None:
    """The receipt; None when no answer came, or none that is a receipt."""
    try:
        with closing(HttpsDoor(gateway.profile(sender))) as door:
            return door.deposit(name, content)
    except (httpx2.HTTPError, OSError, Refused):
        return None


def wait_until_idle(gateway: Running) -> None:
    """Until the engine has nothing under way whose syncs could be hit instead."""
    premises = Premises(gateway.data)
    asked = (
        "SELECT (SELECT count(*) FROM deposit WHERE state IN ('received', 'waiting')),"
        " (SELECT count(*) FROM workflow_status WHERE status <> 'SUCCESS'),"
        " (SELECT max(sequence) FROM journal)"
    )
    until = time.monotonic() + PATIENCE_SECONDS
    with closing(sqlite3.connect(f"file:{premises.database}?mode=ro", uri=True)) as connection:
        while True:
            untreated, under_way, size = connection.execute(asked).fetchone()
            if (untreated, under_way, WitnessFile(premises.witness).newest().sequence) == (0, 0, size):
                return
            assert time.monotonic() < until, "it is never idle"
            with pytest.raises(subprocess.TimeoutExpired):
                gateway.process.wait(0.1)


def test_every_sync_on_the_path_of_a_deposit_ends_the_process_when_it_fails(
    closed: tuple[House, Sender],
) -> None:
    """The first sync fails, then the second one, until none is left before the answer; each time the same
    bytes are sent again and are there once.
    """
    home, sender = closed
    data = home.settings.data
    failed: list[list[str]] = []
    name, content = batch(home, sender, 1)
    for call in SYNCS:
        receipt, count = None, 0
        while receipt is None:
            count += 1
            with running(data) as gateway:
                # What got no receipt is sent again, and has one then.
                assert send(gateway, sender, name, content) is not None
                wait_until_idle(gateway)
                name, content = batch(home, sender, len(failed) + 2)
                with injected(gateway, call, f"error=EIO:when={count}") as seen:
                    receipt = send(gateway, sender, name, content)
                    if receipt is None:
                        assert gateway.process.wait(PATIENCE_SECONDS) == FAILED_SYNC
                        assert "sync.failed" in gateway.log.read_text()
                failed.append(re.findall(r"<(.*?)>\) += -1 EIO .*INJECTED", seen.read_text()))
                gateway.kill()
    # Calls are counted in each thread: more than one may have failed before the end.
    places = [str(Path(place).relative_to(data)) for found in failed for place in found]
    assert any(place.startswith("spool/incoming/") for place in places), places
    assert any(re.fullmatch("spool/deposits/[0-9a-f]{2}", place) for place in places), places
    assert "secugate.sqlite-wal" in places, places
    assert "witness" in places, places
    done = verify(data)
    assert json.loads(done.stdout)["findings"] == [], done.stdout


def test_control_a_process_that_believes_the_next_sync_would_answer(tmp_path: Path) -> None:
    """What SR-17 forbids: without our ending, the second try succeeds and has written nothing."""
    trying_again = (
        "import os\n"
        "file = os.open('kept', os.O_WRONLY | os.O_CREAT)\n"
        "os.write(file, b'bytes')\n"
        "try:\n    os.fsync(file)\nexcept OSError:\n    os.fsync(file)\n"
        "print('receipt')\n"
    )
    ours = (
        "import os\nfrom adapters.durable import sync\n"
        "file = os.open('kept', os.O_WRONLY | os.O_CREAT)\n"
        "os.write(file, b'bytes')\nsync(file)\nprint('receipt')\n"
    )
    root = str(Path(__file__).parents[2])

    def run(program: str) -> tuple[int, str]:
        inject = [tool("strace"), "-o", "/dev/null", "-e", "inject=fsync:error=EIO:when=1"]
        done = subprocess.run(
            [*inject, sys.executable, "-c", program],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": root},
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        return done.returncode, done.stdout

    assert run(trying_again) == (0, "receipt\n")
    assert run(ours) == (FAILED_SYNC, "")


@pytest.mark.parametrize(("error", "said"), [("ENOSPC", "no room"), ("EIO", "our fault")])
def test_a_write_that_fails_is_refused_and_service_goes_on(
    closed: tuple[House, Sender], error: str, said: str
) -> None:
    home, sender = closed
    data = home.settings.data
    name, content = batch(home, sender, 1)
    with running(data) as gateway:
        with (
            injected(gateway, "pwrite64", f"error={error}:when=1"),
            closing(HttpsDoor(gateway.profile(sender))) as door,
            pytest.raises(Refused) as refusal,
        ):
            door.deposit(name, content)
        assert said in str(refusal.value)
        assert gateway.process.poll() is None
        spool = Premises(data).spool
        assert list((spool / "incoming").iterdir()) == list((spool / "deposits").glob("*/*")) == []
        assert send(gateway, sender, name, content) is not None
        assert gateway.stop() == 0
    done = verify(data)
    assert json.loads(done.stdout)["findings"] == [], done.stdout
