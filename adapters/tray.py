"""The SFTP folder `simulation/`: files that are tried, and the answers to them, in memory alone.

An answer is kept for its member, in every session, for ten minutes or until it is removed: most clients put
and get in two connections. It is not put on the shelf, where answers stay until they are collected, because
nothing of a simulation is to be kept. What waits and what is kept has one bound for all members together;
beyond it nothing new is taken, and the oldest answers go first.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from adapters.simulation import NotNow
from gateway.batch import MemberId
from inbox.receive import TooLarge

KEPT_SECONDS = 600.0
UPLOAD_SECONDS = 600.0
"""In which a file has to arrive and be complete; then others may have its room."""
MOST_BYTES = 64_000_000
_FILES_OF_ONE = 2
"""As many files of the largest size may wait for one member, so that nobody fills the folder for all."""
ENDING = ".SIMRES.xml"


@dataclass(frozen=True, slots=True)
class Tried:
    """The answer to a file that was tried.

    Attributes:
        name: as it is listed.
        content: the sealed SIMRES.
        at: seconds since 1970.
        until: tick at which it is forgotten.
    """

    name: str
    content: bytes
    at: int
    until: float


class Trials(Protocol):
    """What tries files, such as `adapters.simulation.Simulations`; it raises what that raises."""

    @property
    def largest(self) -> int:
        """Bytes of a file."""

    def admission(self, member: MemberId) -> AbstractContextManager[None]:
        """Let a member in."""

    def simulate(self, member: MemberId, name: str, content: bytes) -> bytes:
        """The sealed answer to a file."""


class Tray:
    """What lies in the folder.

    Args:
        simulations: that try the files.
        tick: seconds that never go back.
    """

    def __init__(
        self,
        simulations: Trials,
        *,
        most: int = MOST_BYTES,
        tick: Callable[[], float] = time.monotonic,
    ) -> None:
        self._simulations = simulations
        self._most = most
        self._tick = tick
        self._lock = threading.Lock()
        self._answers: OrderedDict[tuple[MemberId, str], Tried] = OrderedDict()
        self._waiting: Counter[MemberId] = Counter()
        self._uploads: list[TrialUpload] = []

    def begin(self, member: MemberId) -> TrialUpload:
        """A file to be written."""
        begun = TrialUpload(self, member, self._simulations.largest, self._tick() + UPLOAD_SECONDS)
        with self._lock:
            self._uploads.append(begun)
        return begun

    def write(self, upload: TrialUpload, offset: int, chunk: bytes) -> None:
        """Put bytes of a file at an offset.

        Raises:
            NotNow: too much waits, or the file has been under way for too long.
        """
        with self._lock:
            self._end_slow_ones()
            if upload not in self._uploads:
                raise NotNow("this file took too long to arrive", 1)
            more = offset + len(chunk) - len(upload.content)
            if more > 0:
                self._claim(upload.member, more)
                upload.content.extend(bytes(more))
            upload.content[offset : offset + len(chunk)] = chunk

    def discard(self, upload: TrialUpload) -> None:
        """Forget a file; its room is free again."""
        with self._lock:
            self._end(upload)

    def _end_slow_ones(self) -> None:
        now = self._tick()
        for upload in [one for one in self._uploads if one.until <= now]:
            self._end(upload)

    def _end(self, upload: TrialUpload) -> None:
        if upload in self._uploads:
            self._uploads.remove(upload)
            self._waiting[upload.member] -= len(upload.content)
            upload.content.clear()

    def _claim(self, member: MemberId, more: int) -> None:
        own = self._waiting[member] + more
        if own > _FILES_OF_ONE * self._simulations.largest:
            raise NotNow("too many of your files are waiting for their simulation", 30)
        if self._waiting.total() + more > self._most:
            raise NotNow("too many files are waiting for their simulation", 30)
        self._waiting[member] = own

    def simulate(self, member: MemberId, name: str, upload: TrialUpload, at: int) -> None:
        """Try a file; its answer is in the folder afterwards. The file is forgotten in any case.

        Raises:
            NotNow, NotSimulated, TooLarge: as `Simulations.simulate`.
        """
        try:
            with self._simulations.admission(member):
                content = self._simulations.simulate(member, name, self._taken(upload))
        finally:
            upload.discard()
        with self._lock:
            kept = Tried(name + ENDING, content, at, self._tick() + KEPT_SECONDS)
            self._answers[member, kept.name] = kept
            self._answers.move_to_end((member, kept.name))
            self._forget()

    def _taken(self, upload: TrialUpload) -> bytes:
        with self._lock:
            if upload not in self._uploads:
                raise NotNow("this file took too long to arrive", 1)
            return bytes(upload.content)

    def of(self, member: MemberId) -> dict[str, Tried]:
        """The answers that a member finds, by name."""
        with self._lock:
            self._forget()
            return {name: one for (whose, name), one in self._answers.items() if whose == member}

    def remove(self, member: MemberId, name: str) -> None:
        """Forget an answer."""
        with self._lock:
            self._answers.pop((member, name), None)

    def _forget(self) -> None:
        held = sum(len(one.content) for one in self._answers.values())
        now = self._tick()
        while self._answers:
            (oldest, one), *_ = self._answers.items()
            if held <= self._most and one.until > now:
                return
            held -= len(one.content)
            del self._answers[oldest]


class TrialUpload:
    """A file under way, in memory: an `inbox.receive.Upload` that is never kept.

    Attributes:
        until: tick at which it must be complete.
        content: so far; the tray alone changes it.
    """

    def __init__(self, tray: Tray, member: MemberId, largest: int, until: float) -> None:
        self._tray = tray
        self._largest = largest
        self.member = member
        self.until = until
        self.content = bytearray()

    def write(self, offset: int, chunk: bytes) -> None:
        """Put bytes at an offset.

        Raises:
            TooLarge: beyond the limit.
            NotNow: too much waits, or it took too long.
        """
        if offset + len(chunk) > self._largest:
            raise TooLarge(self._largest)
        self._tray.write(self, offset, chunk)

    def keep(self, deposit: str, sender: str, received: datetime) -> tuple[int, str]:
        """Never: what is tried is no deposit."""
        raise NotImplementedError(deposit, sender, received)

    def discard(self) -> None:
        """Forget it."""
        self._tray.discard(self)
