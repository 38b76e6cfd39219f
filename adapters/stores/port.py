"""What the spool asks of a store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol


class Absent(FileNotFoundError):
    """There is no file of this deposit."""


class OtherThere(Exception):
    """There is a file of this id already, with other bytes."""


class Unreachable(Exception):
    """The store does not answer, or not as it should; ours to mend, and to be tried again."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A file in a store.

    Attributes:
        deposit: its id.
        size: bytes, as they lie there.
        at: when it was put.
    """

    deposit: str
    size: int
    at: datetime


class Opened(Protocol):
    """A file that is being read."""

    @property
    def size(self) -> int:
        """Bytes of all of it."""

    def read(self, count: int) -> bytes:
        """The next bytes, fewer only at the end.

        Raises:
            Unreachable
        """


class Store(Protocol):
    """Files by the ids of their deposits."""

    @property
    def is_shared(self) -> bool:
        """Whether other machines use it as well."""

    def create(self) -> None:
        """Make what it needs, once."""

    def put(self, deposit: str, file: Path, descriptor: int) -> None:
        """Have a local file lie under an id; when this returns it survives a power cut, and the local one is
        gone. What was put before, with an answer that was lost, is put already.

        Args:
            deposit: the id.
            file: the local file, whole.
            descriptor: through which it was written.

        Raises:
            OtherThere, Unreachable, OSError
        """

    def open(self, deposit: str) -> AbstractContextManager[Opened]:
        """Read a file.

        Raises:
            Absent, Unreachable, OSError
        """

    def files(self) -> Iterator[Stored]:
        """All that there are."""

    def remove(self, deposit: str) -> None:
        """Take a file away that no deposit needs; nothing happens when there is none."""

    def set_aside(self, deposit: str) -> None:
        """Put a file where it is no deposit's any more, but can still be looked at."""
