"""What a session has open: uploads under way, and answers being read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from paramiko import sftp

from adapters.limits import TooMuch
from adapters.sftp.packets import Entry, StatusError
from adapters.simulation import NotNow
from adapters.triples import NotTaken
from inbox.receive import TooLarge, Upload
from outbox.collect import Listed

NO_ROOM = "we have no room for this now; it is our fault; nothing was kept, send it again later"
OUR_FAULT = "we could not do this now; it is our fault; send it again later, nothing is counted twice"


class Draft:
    """An upload under way in a session, itself an `inbox.receive.Upload`.

    Attributes:
        name: as the sender calls it at present; one that is only tried begins with `TRIALS`.
        upload: what is written to.
        size: bytes, up to the last one written.
        is_open: whether a handle writes to it.
    """

    def __init__(self, upload: Upload, name: str, sent: Callable[[int], None]) -> None:
        self.name = name
        self._sent = sent
        self.size = 0
        self.is_open = True
        self.upload = upload
        self._written = 0
        self._kept = False
        self._failure: str | None = None

    def write(self, offset: int, chunk: bytes) -> None:
        """Put bytes at an offset. After one failure the whole upload has failed.

        Raises:
            StatusError: beyond the limit on bytes, or after a failure.
        """
        if self._failure:
            raise StatusError(sftp.SFTP_FAILURE, self._failure)
        if not chunk:
            return
        try:
            self._sent(len(chunk))
            self.upload.write(offset, chunk)
        except (TooLarge, TooMuch, NotNow, NotTaken) as error:
            sentence = f"{error}; nothing was kept"
            self._fail(sentence)
            raise StatusError(sftp.SFTP_FAILURE, sentence) from None
        except Exception:
            self._fail(OUR_FAULT)
            raise
        self.size = max(self.size, offset + len(chunk))
        self._written += len(chunk)

    def _fail(self, sentence: str) -> None:
        self._failure = sentence
        self.upload.discard()

    @property
    def has_failed(self) -> bool:
        """Whether a write to it failed."""
        return self._failure is not None

    def check(self) -> None:
        """Whether it may be handed over.

        Raises:
            StatusError: after a failed write, or when bytes before its end were never written.
        """
        if self._failure:
            raise StatusError(sftp.SFTP_FAILURE, self._failure)
        if self._written < self.size:
            raise StatusError(sftp.SFTP_FAILURE, "bytes are missing; send the file again from its start")

    def keep(self, deposit: str, sender: str, received: datetime) -> tuple[int, str]:
        """File it under the id of a deposit; its size and digest."""
        kept = self.upload.keep(deposit, sender, received)
        self._kept = True
        return kept

    def discard(self) -> None:
        """Forget it, kept or not."""
        self.upload.discard()

    def abandon(self) -> None:
        """Forget it, unless it was kept: then it may have been entered, and the next start looks whether."""
        if not self._kept:
            self.upload.discard()


@dataclass(slots=True)
class Writing:
    """A handle on an upload; one that appends writes no earlier than at its end."""

    draft: Draft
    appends: bool


@dataclass(slots=True)
class Reading:
    """A handle on an answer, whose bytes are collected when they are first read; on that to a trial, which
    has its bytes at once, it is of no answer listed."""

    entry: Entry
    listed: Listed | None
    content: bytes | None = None


Listing = Iterator[Entry]
Handle = Writing | Reading | Listing
