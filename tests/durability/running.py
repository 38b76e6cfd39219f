"""A gateway in a process of its own, started as an operator starts it, to be killed at will."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from adapters.premises import Premises
from gateway.client.profile import Profile
from tests.house import Sender, profile

PATIENCE_SECONDS = 60.0


def command(*arguments: str) -> list[str]:
    """The product's own command line."""
    return [sys.executable, "-m", "adapters.cli", *arguments]


COMPILED = tempfile.TemporaryDirectory(prefix="secugate-compiled-")


def environment() -> dict[str, str]:
    """Ours. Where modules are not compiled beside their source, they are elsewhere, once for all starts."""
    if not sys.dont_write_bytecode:
        return dict(os.environ)
    given = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**given, "PYTHONPYCACHEPREFIX": COMPILED.name}


@dataclass(slots=True)
class Running:
    """A gateway process with its doors open.

    Attributes:
        data: its folder.
        process: to be ended by `kill` or `stop`.
        https, sftp: where its doors are.
        log: file of what it says on standard error.
    """

    data: Path
    process: subprocess.Popen[str]
    https: str
    sftp: str
    log: Path

    def kill(self) -> None:
        """End it as a power cut does, as far as the process is concerned."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE_SECONDS)

    def stop(self) -> int:
        """End it as an operator does; its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_SECONDS)

    def profile(self, sender: Sender) -> Profile:
        """A sender's profile, with the addresses of this very process."""
        return profile_at(self.data, sender, self.https, self.sftp)


def profile_at(data: Path, sender: Sender, https: str, sftp: str) -> Profile:
    """A sender's profile for the gateway of a folder, wherever its doors are this time."""
    host, _, port = sftp.rpartition(":")
    public = Premises(data).ssh_host_key.with_suffix(".pub").read_text()
    known = sender.profile.with_name(f"known_hosts.{port}")
    known.write_text(f"[{host}]:{port} {public}")
    return replace(profile(sender), https=https, sftp=sftp, host_key=known)


def launch(data: Path, log: Path) -> subprocess.Popen[str]:
    """Start a gateway on a folder, on free ports, without waiting for its doors."""
    arguments = command("serve", "--data", str(data), "--https-port", "0", "--sftp-port", "0")
    with log.open("ab") as errors:
        return subprocess.Popen(
            arguments, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment()
        )


def wait_until_open(data: Path, process: subprocess.Popen[str], log: Path) -> Running:
    """Wait for the doors of a process that was launched."""
    assert process.stdout is not None
    assert process.stdout.readline(), f"it did not start:\n{log.read_text()}"
    doors = json.loads(Premises(data).doors.read_text())
    return Running(data, process, doors["https"], doors["sftp"], log)


@contextmanager
def running(data: Path) -> Iterator[Running]:
    """A gateway on a folder, its doors open; ended afterwards, whatever happened."""
    log = data.parent / "gateway.log"
    process = launch(data, log)
    try:
        yield wait_until_open(data, process, log)
    finally:
        process.kill()
        process.wait(PATIENCE_SECONDS)
        assert process.stdout is not None
        process.stdout.close()


def verify(data: Path) -> subprocess.CompletedProcess[str]:
    """`secugate verify --json`, as an operator runs it."""
    return subprocess.run(
        command("verify", "--data", str(data), "--json"),
        capture_output=True,
        text=True,
        env=environment(),
        timeout=PATIENCE_SECONDS,
        check=False,
    )
