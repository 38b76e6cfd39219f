"""The witness from the side of whoever gives the orders."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from adapters.premises import Premises
from tests.durability.running import environment
from tests.faults.book import Key
from tests.faults.station import Station
from tests.faults.supply import Item
from tests.faults.witness import Order, Told
from tests.house import Sender

PATIENCE_SECONDS = 60.0


class Clients:
    """Real clients in a process of their own.

    Attributes:
        book: what they write down.
    """

    def __init__(self, folder: Path, process: subprocess.Popen[str]) -> None:
        self.book = folder / "book"
        self._folder = folder
        self._process = process
        self._profiles: dict[str, Path] = {}
        self._sent = 0
        self._open: set[int] = set()
        self._unacknowledged: set[Key] = set()
        self._acknowledged: set[Key] = set()
        self._news = threading.Condition()
        self._hears = threading.Thread(target=self._hear)
        self._hears.start()

    def send(self, items: Iterable[Item], station: Station) -> list[Key]:
        """Have batches sent; what they are known by."""
        keys = []
        for item in items:
            self._sent += 1
            file = self._folder / f"{self._sent}"
            file.write_bytes(item.content)
            keys.append(item.key)
            with self._news:
                self._open.add(self._sent)
                self._unacknowledged |= {item.key} - self._acknowledged
            order: Order = {
                "order": self._sent,
                "profile": str(self._profile(item.sender, station)),
                "door": item.door,
                "name": item.name,
                "file": str(file),
            }
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
        return keys

    def wait(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until every order was answered and every deposit acknowledged."""
        assert self.quiet(seconds), self.left()

    def quiet(self, seconds: float) -> bool:
        """Whether that has come within so many seconds."""
        with self._news:
            return self._news.wait_for(lambda: not self._open and not self._unacknowledged, seconds)

    def accepted(self, count: int, seconds: float) -> bool:
        """Wait until at most so many orders have no answer."""
        with self._news:
            return self._news.wait_for(lambda: len(self._open) <= count, seconds)

    def left(self) -> str:
        """What is still open."""
        return f"without answer: {sorted(self._open)}; not acknowledged: {sorted(self._unacknowledged)}"

    def end(self) -> None:
        """No more orders, and nothing more is collected."""
        self._process.kill()
        self._process.wait(PATIENCE_SECONDS)
        self._hears.join()

    def _hear(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            told: Told = json.loads(line)
            with self._news:
                for number in (told.get("accepted"), told.get("refused")):
                    if number is not None:
                        self._open.discard(number)
                if "acknowledged" in told:
                    member, digest = told["acknowledged"].split()
                    self._acknowledged.add((member, digest))
                    self._unacknowledged.discard((member, digest))
                self._news.notify_all()

    def _profile(self, sender: Sender, station: Station) -> Path:
        """A profile as its client reads it, with the addresses of the station."""
        found = self._profiles.get(str(sender.member))
        if found is not None:
            return found
        public = Premises(station.data).ssh_host_key.with_suffix(".pub").read_text()
        known = sender.profile.with_name("known_hosts.station")
        known.write_text(f"[127.0.0.1]:{station.sftp_port} {public}")
        changed = {
            "https": f"https://127.0.0.1:{station.https_port}",
            "sftp": f"127.0.0.1:{station.sftp_port}",
            "host_key": known.name,
        }
        lines = []
        for line in sender.profile.read_text().splitlines():
            name = line.split(" = ")[0]
            lines.append(f'{name} = "{changed[name]}"' if name in changed else line)
        profile = sender.profile.with_name("station.toml")
        profile.write_text("\n".join(lines) + "\n")
        self._profiles[str(sender.member)] = profile
        return profile


@contextmanager
def clients(folder: Path) -> Iterator[Clients]:
    """Clients in a process of their own."""
    folder.mkdir()
    command = [sys.executable, "-m", "tests.faults.witness", str(folder / "book")]
    with (folder / "complaints").open("w") as complaints:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            env=environment(),
        )
    made = Clients(folder, process)
    try:
        yield made
    finally:
        made.end()
