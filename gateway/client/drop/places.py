"""What lies where in a drop folder, and writing there so that it lasts."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.client.drop.system import is_open_for_writing, lock, settle


class Watched(Exception):
    """Somebody watches this folder already; the sentence says who."""


@dataclass(frozen=True, slots=True)
class Places:
    """A drop folder and its rooms."""

    root: Path

    @property
    def answers(self) -> Path:
        """Receipts and answers, their seal found good."""
        return self.root / "answers"

    @property
    def unverified(self) -> Path:
        """What came as an answer and bears no good seal: nothing to rely on."""
        return self.answers / "unverified"

    @property
    def sent(self) -> Path:
        """What the gateway has, a folder for each deposit: the files as dropped, and the signed bytes."""
        return self.root / "sent"

    @property
    def refused(self) -> Path:
        """What the gateway does not take at all, each with a text that says why."""
        return self.root / "refused"

    @property
    def own(self) -> Path:
        """Our own things."""
        return self.root / ".secugate"

    @property
    def outgoing(self) -> Path:
        """Signed bytes that are to be sent."""
        return self.own / "outgoing"

    @property
    def leaving(self) -> Path:
        """What is on its way from the folder to another room."""
        return self.own / "leaving"

    @property
    def ledger(self) -> Path:
        """What was sent and taken (SQLite)."""
        return self.own / "ledger.sqlite"

    def make(self) -> None:
        """Make the rooms that are missing."""
        for room in (self.answers, self.sent, self.refused, self.outgoing, self.leaving):
            room.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While we are the only ones to watch the folder; the system ends that with the process.

        Raises:
            Watched: somebody else does.
        """
        with (self.own / "lock").open("a+") as file:
            if not lock(file):
                file.seek(0)
                by = file.read().strip() or "another"
                raise Watched(f"{self.root} is watched already, by process {by}: leave it to that one")
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield


def keep(file: Path, content: bytes) -> None:
    """Write a file whole and lastingly: under its name there are all its bytes, or none.

    Raises:
        OSError: there is no room, or no right; nothing is left behind then.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.part")
    try:
        with part.open("wb") as writing:
            writing.write(content)
            writing.flush()
            os.fsync(writing.fileno())
        part.replace(file)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    settle(file.parent)


def put_away(file: Path, folder: Path, digest: str, by_way_of: Path) -> bool:
    """Move a file into a folder, if it still is what it was.

    It goes by way of a room of our own: what somebody writes anew in the meantime is found there, or stands
    under the old name already, and is never taken for what was sent.

    Args:
        digest: SHA-256 of what it was, hexadecimal.

    Returns:
        Whether it was. If not, it is where it was.
    """
    by_way_of.mkdir(parents=True, exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    passing, target = by_way_of / file.name, folder / file.name
    try:
        file.rename(passing)
    except FileNotFoundError:
        return True
    if is_open_for_writing(passing) or digest_of(passing) != digest:
        bring_back(passing, file.parent)
        return False
    file_away(passing, target, digest)
    settle(file.parent)
    return True


def file_away(file: Path, target: Path, digest: str) -> None:
    """Give a file of our own its last place, once: beside what stands there, unless that is the same.

    Args:
        digest: its SHA-256, hexadecimal.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists() and digest_of(target) == digest:
        file.unlink()
    else:
        file.rename(_free(target))
    settle(target.parent)


def bring_back(file: Path, folder: Path) -> None:
    """Move a file to where it came from; beside what stands there now, if anything does."""
    file.rename(_free(folder / file.name))


def digest_of(file: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with file.open("rb") as reading:
        return hashlib.file_digest(reading, "sha256").hexdigest()


def _free(target: Path) -> Path:
    place, number = target, 1
    while place.exists():
        place, number = target.with_name(f"{target.stem}~{number}{target.suffix}"), number + 1
    return place
