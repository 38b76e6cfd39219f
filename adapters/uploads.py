"""Uploads that may be broken off and taken up again, over many requests.

Each is called by the SHA-256 of what it will be, so that whoever sends it finds it again without having to
remember anything, even after a crash. It belongs to one member; nobody else finds it.

The halves are files of the spool as every upload under way: encrypted with a key that is in memory alone.
Which there are is in memory as well. A gateway that starts again has none, and a sender begins anew: what
was receipted is never among them.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from adapters.limits import TooMuch
from gateway.batch import MemberId
from inbox.receive import Receipt, TooLarge, Upload

IDLE_SECONDS = 3600.0
"""A half to which nothing is added for so long is forgotten."""
MOST, MOST_OF_ONE = 64, 4
"""Halves at once, in all and of a member."""
REMEMBERED = 256
"""Receipts of uploads that became whole: for senders whose connection broke before they had it."""


@dataclass(slots=True)
class Half:
    """An upload of which not all is there.

    Attributes:
        member: whose it is.
        name: file name of the deposit it will be.
        digest: SHA-256 of the whole, hexadecimal.
        length: bytes of the whole.
        upload: what is written to; None once it was handed over.
        offset: bytes that are there.
        turn: number of the request that may write; a later one ends those before it, whose connection may
            be gone without our having noticed.
        touched: when something was added last, by a clock that never goes back.
        receipt: once it is whole.
    """

    member: MemberId
    name: str
    digest: str
    length: int
    upload: Upload | None
    touched: float
    offset: int = 0
    turn: int = 0
    receipt: Receipt | None = None
    found: hashlib._Hash = field(default_factory=hashlib.sha256)

    def add(self, chunk: bytes) -> None:
        """Put bytes behind what is there.

        Raises:
            TooLong: they are more than was announced.
        """
        if self.upload is None or self.offset + len(chunk) > self.length:
            raise TooLong
        self.upload.write(self.offset, chunk)
        self.found.update(chunk)
        self.offset += len(chunk)

    @property
    def is_as_announced(self) -> bool:
        """Whether what is there is the whole of what was announced."""
        return self.offset == self.length and self.found.hexdigest() == self.digest


class TooLong(Exception):
    """More bytes than were announced."""


class Halves:
    """The uploads under way, of all members. For one thread: that of the HTTPS door's loop.

    Args:
        begin: opens an upload.
        largest: bytes a deposit may have.
        tick: seconds that never go back.
    """

    def __init__(
        self, begin: Callable[[], Upload], largest: int, tick: Callable[[], float] = time.monotonic
    ) -> None:
        self._begin = begin
        self.largest = largest
        self._tick = tick
        self._halves: dict[tuple[str, str], Half] = {}
        self._whole: dict[tuple[str, str], Half] = {}

    def open(self, member: MemberId, name: str, digest: str, length: int) -> Half:
        """Begin an upload, or find the one that was begun, or became whole, under the same name.

        Raises:
            TooLarge: no deposit may have so many bytes.
            TooMuch: too many are under way.
            Unprovable: nothing is taken in now.
        """
        if length > self.largest:
            raise TooLarge(self.largest)
        self._sweep()
        found = self.find(member, digest)
        if found is not None and (found.name, found.length) == (name, length):
            return found
        if found is not None:
            self.drop(found)
        of_one = sum(one.member == member for one in self._halves.values())
        if len(self._halves) >= MOST or of_one >= MOST_OF_ONE:
            raise TooMuch("too many uploads are under way", 60)
        half = Half(member, name, digest, length, self._begin(), self._tick())
        self._halves[str(member), digest] = half
        return half

    def find(self, member: MemberId, digest: str) -> Half | None:
        """A member's upload, under way or whole."""
        key = str(member), digest
        return self._halves.get(key) or self._whole.get(key)

    def touch(self, half: Half) -> None:
        """Something was added to it."""
        half.touched = self._tick()

    def settle(self, half: Half, receipt: Receipt) -> None:
        """It has become a deposit."""
        key = str(half.member), half.digest
        self._halves.pop(key, None)
        half.upload, half.receipt = None, receipt
        self._whole[key] = half
        while len(self._whole) > REMEMBERED:
            del self._whole[next(iter(self._whole))]

    def drop(self, half: Half) -> None:
        """Forget an upload and all there is of it."""
        key = str(half.member), half.digest
        half.turn += 1
        self._halves.pop(key, None)
        self._whole.pop(key, None)
        if half.upload is not None:
            half.upload.discard()
            half.upload = None

    def _sweep(self) -> None:
        """Forget those to which nothing was added for long."""
        late = self._tick() - IDLE_SECONDS
        for half in [one for one in self._halves.values() if one.touched < late]:
            self.drop(half)
        self._whole = {key: one for key, one in self._whole.items() if one.touched >= late}
