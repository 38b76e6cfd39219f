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
from typing import Protocol

from adapters.simulation import NotNow
from gateway.batch import MemberId
from inbox.receive import TooLarge

KEPT_SECONDS = 600.0
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

    def begin(self, member: MemberId) -> TrialUpload:
        """A file to be written."""
        return TrialUpload(self, member, self._simulations.largest)

    def claim(self, member: MemberId, more: int) -> None:
        """Count more bytes of a member as waiting; fewer when negative.

        Raises:
            NotNow: too much waits, of this member or in all.
        """
        with self._lock:
            own = self._waiting[member] + more
            if more > 0 and own > _FILES_OF_ONE * self._simulations.largest:
                raise NotNow("too many of your files are waiting for their simulation", 30)
            if more > 0 and self._waiting.total() + more > self._most:
                raise NotNow("too many files are waiting for their simulation", 30)
            self._waiting[member] = own

    def simulate(self, member: MemberId, name: str, upload: TrialUpload, at: int) -> None:
        """Try a file; its answer is in the folder afterwards. The file is forgotten in any case.

        Raises:
            NotNow, NotSimulated, TooLarge: as `Simulations.simulate`.
        """
        try:
            with self._simulations.admission(member):
                content = self._simulations.simulate(member, name, upload.content)
        finally:
            upload.discard()
        with self._lock:
            kept = Tried(name + ENDING, content, at, self._tick() + KEPT_SECONDS)
            self._answers[member, kept.name] = kept
            self._answers.move_to_end((member, kept.name))
            self._forget()

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
    """A file under way, in memory: an `inbox.receive.Upload` that is never kept."""

    def __init__(self, tray: Tray, member: MemberId, largest: int) -> None:
        self._tray = tray
        self._member = member
        self._largest = largest
        self._content = bytearray()

    @property
    def content(self) -> bytes:
        return bytes(self._content)

    def write(self, offset: int, chunk: bytes) -> None:
        """Put bytes at an offset.

        Raises:
            TooLarge: beyond the limit.
            NotNow: too much waits.
        """
        end = offset + len(chunk)
        if end > self._largest:
            raise TooLarge(self._largest)
        if end > len(self._content):
            self._tray.claim(self._member, end - len(self._content))
            self._content.extend(bytes(end - len(self._content)))
        self._content[offset:end] = chunk

    def keep(self, deposit: str) -> tuple[int, str]:
        """Never: what is tried is no deposit."""
        raise NotImplementedError(deposit)

    def discard(self) -> None:
        """Forget it."""
        self._tray.claim(self._member, -len(self._content))
        self._content = bytearray()
