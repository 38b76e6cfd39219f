"""What the gateway of a sandbox has been told to play: its time, delays, outages and duplicates.

The time is kept in a file, so that it does not run back when the sandbox starts anew; all else is forgotten
then.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from threading import Lock

from gateway.moments import Clock, Received, system_clock

LONGEST = timedelta(days=700)
"""So far the time may be ahead: the keys of the sandbox last a little longer."""
MOST = 1000


class Kind(StrEnum):
    """How a request fails."""

    BUSY = "busy"
    """Answered 503 with `Retry-After`; nothing was done."""
    SLOW = "slow"
    """Answered rightly, after a while."""
    CUT = "cut"
    """Taken to the last byte and done; then the line is cut in the place of the answer."""
    GARBAGE = "garbage"
    """Not done; answered 200 with a page for people that says nothing."""
    FORGED = "forged"
    """Answered, but changed on the way: a refusal reads as an acceptance, and the seal does not fit."""


@dataclass(frozen=True, slots=True)
class Outage:
    """A failure to be played.

    Attributes:
        kind: what happens.
        path: only to requests whose path begins so.
        method: only to requests of this method; empty for all.
        times: to how many of them.
        seconds: how long a slow answer takes.
    """

    kind: Kind
    path: str = "/v1/"
    method: str = ""
    times: int = 1
    seconds: float = 5.0

    def meets(self, method: str, path: str) -> bool:
        """Whether it happens to a request."""
        return path.startswith(self.path) and self.method in ("", method)


class NotPlayed(Exception):
    """What was asked for cannot be played; the sentence says why."""


class Script:
    """What is played now. Safe in any thread.

    Args:
        file: where the time is kept.
        clock: the machine's.
    """

    def __init__(self, file: Path, clock: Clock = system_clock) -> None:
        self._file = file
        self._clock = clock
        self._lock = Lock()
        self._ahead = (
            timedelta(seconds=json.loads(file.read_text())["ahead"]) if file.exists() else timedelta()
        )
        self._outages: deque[Outage] = deque()
        self.delay = timedelta()
        self.duplicates = False

    def now(self) -> datetime:
        """The time of the sandbox: that of the machine, and what it is ahead."""
        return self._clock() + self._ahead

    def set(self, moment: datetime) -> None:
        """Let it be this moment now.

        Raises:
            NotPlayed: that would be backwards, or further than the keys of the sandbox last.
        """
        with self._lock:
            ahead = moment - self._clock()
            if moment < self.now():
                raise NotPlayed("time runs on and never back; make a new sandbox to begin anew")
            if ahead > LONGEST:
                raise NotPlayed(f"its keys last {LONGEST.days} days and no longer; make a new sandbox")
            arriving = self._file.with_suffix(".arriving")
            arriving.write_text(json.dumps({"ahead": ahead.total_seconds()}))
            arriving.replace(self._file)
            self._ahead = ahead

    def advance(self, span: timedelta) -> None:
        """Let so much time pass.

        Raises:
            NotPlayed: as `set`.
        """
        try:
            self.set(self.now() + span)
        except OverflowError:
            raise NotPlayed("so far no calendar goes") from None

    def play(self, outage: Outage) -> None:
        """Play a failure after those that are played already."""
        if not 1 <= outage.times <= MOST or not 0 <= outage.seconds <= MOST:
            raise NotPlayed(f"times are 1 to {MOST}, seconds 0 to {MOST}")
        with self._lock:
            self._outages.append(outage)

    def happens(self, method: str, path: str) -> Outage | None:
        """What happens to a request that comes in now, if anything; it is used up by that."""
        with self._lock:
            for place, outage in enumerate(self._outages):
                if outage.meets(method, path):
                    rest = _once_less(outage)
                    if rest is None:
                        del self._outages[place]
                    else:
                        self._outages[place] = rest
                    return outage
        return None

    def end(self) -> None:
        """Play nothing more; the time goes on."""
        with self._lock:
            self._outages.clear()
            self.delay = timedelta()
            self.duplicates = False

    def told(self) -> Mapping[str, object]:
        """What is played now, for people and programs."""
        with self._lock:
            outages = list(self._outages)
        return {
            "now": str(Received(self.now())),
            "delay_seconds": self.delay.total_seconds(),
            "duplicates": self.duplicates,
            "outages": [
                {
                    "kind": one.kind.value,
                    "path": one.path,
                    "method": one.method,
                    "times": one.times,
                    "seconds": one.seconds,
                }
                for one in outages
            ],
        }


def _once_less(outage: Outage) -> Outage | None:
    if outage.times == 1:
        return None
    return Outage(outage.kind, outage.path, outage.method, outage.times - 1, outage.seconds)
