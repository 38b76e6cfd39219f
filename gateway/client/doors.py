"""What a sender does at either door, and how it is told that it cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

TIMEOUT_SECONDS = 60.0
"""How long a door may stay silent."""
PATIENCE_SECONDS = 3600.0
"""How long one file may take, as at the door itself."""
LONGEST_WAIT_SECONDS = 3600.0
"""No door makes us wait longer before we ask again, whatever it says."""
ANSWER_BYTES = 1 << 29
"""What we take from a door as one answer at most."""


PIECE_BYTES = 1 << 22
"""What is sent at once of a large file; no more of it has to be sent again after a fault."""

Told = Callable[[int], None]
"""Is told how many bytes of a file the door has by now."""


def untold(_count: int) -> None:
    """Nobody wants to know."""


class Refused(Exception):
    """The door refused; the sentence is the door's own, or says what to do."""


class NotNow(Refused):
    """It cannot be done now; the same bytes may be sent again at any time, and count once.

    Attributes:
        seconds: when to ask again, if the door said so.
    """

    def __init__(self, sentence: str, seconds: float | None = None) -> None:
        super().__init__(sentence)
        self.seconds = None if seconds is None else min(seconds, LONGEST_WAIT_SECONDS)


class Hindered(NotNow):
    """As `NotNow`, but somebody has to do something first: to ask again at once is of no use."""


@dataclass(frozen=True, slots=True)
class Posted:
    """An answer that waits for us.

    Attributes:
        cursor: the place after which to ask for what is new; over SFTP there is none, and it stays.
        id: how the door calls it.
        name, kind: its file name, and what it is (`ACKTRT`, `SALRET` …).
        digest: SHA-256 of its bytes, hexadecimal; None where the door does not say.
    """

    cursor: int
    id: str
    name: str
    kind: str
    digest: str | None


@dataclass(frozen=True, slots=True)
class Collected:
    """An answer as it was collected."""

    name: str
    kind: str
    content: bytes


class Door(Protocol):
    """What a sender does at either door. Every act raises `Refused`, or `NotNow` where it may be repeated."""

    def deposit(self, name: str, content: bytes, told: Told = untold) -> bytes | None:
        """Deposit a batch; the signed receipt, or None where it comes in the outbox.

        What the door has of a large file already, because an earlier try broke off, is not sent again where
        the door offers that.
        """

    def posted(self, after: int) -> Sequence[Posted]:
        """What was posted after a cursor, at most a page; empty when there is no more."""

    def fetch(self, answer: Posted) -> bytes:
        """The bytes of an answer."""

    def acknowledge(self, answer: Posted, content: bytes) -> None:
        """Say that we hold an answer whole and well. Over SFTP it leaves the folder."""

    def collect(self, after: int) -> Iterator[tuple[int, Collected]]:
        """What was posted after a cursor, each with its own; acknowledged once the next one is asked for."""

    def time(self) -> datetime | None:
        """What the door's clock says, to the second; None where the door does not tell."""


def collect(door: Door, after: int) -> Iterator[tuple[int, Collected]]:
    """See `Door.collect`: the same at both doors."""
    while page := door.posted(after):
        for answer in page:
            content = door.fetch(answer)
            yield answer.cursor, Collected(answer.name, answer.kind, content)
            door.acknowledge(answer, content)
        if page[-1].cursor == after:
            return
        after = page[-1].cursor
