"""The bytes of deposits: a file each, under our own names, synced before anything is answered.

`incoming/` holds uploads under way, on this machine; what is kept lies in a store (`adapters.stores`), by
default the folder `deposits/` beside it.

No file ever holds plain bytes (decision 0015). Each is sealed with a key of its own, piece by piece,
from the first byte on: a piece is written anew, with a new nonce, whenever some of it is overwritten, so
that an upload may come in any order. While it is under way its key is in memory alone; when it is
kept, the key is wrapped for its sender and month and put in front. A piece says which one it is and
whether it is the last; the wrapped key says of which deposit: what is cut off, put elsewhere or mixed
up does not open.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as Several
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Protocol

from adapters.beneath import open_beneath
from adapters.durable import sync_folder
from adapters.encryption import OVERHEAD, Unopened, key_named, new_secret, open_sealed, seal
from adapters.stores import FolderStore, Store
from gateway.moments import Received
from inbox.receive import TooLarge

MAGIC = b"SECUGAT1"
WRAPPED = 17 + OVERHEAD + 32
"""Bytes of a wrapped key: see `adapters.encryption.seal_document`."""
HEAD = len(MAGIC) + WRAPPED
PIECE = 1 << 16
"""Plain bytes of every piece but the last, which has at most as many."""
SLOT = PIECE + OVERHEAD
LONGEST_EMPTY = bytes(SLOT)
_FOREVER = datetime.max.replace(tzinfo=UTC)
_AT_ONCE = 500

Entered = Callable[[Sequence[str]], Several[str]]
"""Which of some deposits the register has."""


class FileKeys(Protocol):
    """Wraps the keys of files."""

    def wrap(self, secret: bytes, deposit: str, sender: str, at: Received) -> bytes:
        """What to put in front of the file of a deposit that a sender handed over at a moment."""

    def unwrap(self, wrapped: bytes, deposit: str) -> bytes:
        """The key of a file.

        Raises:
            Erased: it was destroyed.
            Unopened: it is not that of this deposit.
        """


class Spool:
    """Where the bytes of deposits lie.

    Attributes:
        limit: most bytes a deposit may have.
        keys: wraps the keys of files.
        store: where they lie once they are kept.
        own: what this process has put, as long as it was not swept.
    """

    def __init__(self, folder: Path, limit: int, keys: FileKeys, store: Store | None = None) -> None:
        self.incoming = folder / "incoming"
        self.deposits = folder / "deposits"
        self.limit = limit
        self.keys = keys
        self.own: set[str] | None = set()
        self._folder = FolderStore(self.deposits, folder / "set-aside")
        self.store: Store = self._folder if store is None else store

    def create(self) -> None:
        """Make the folders, private to us, and sync them."""
        self.incoming.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.store.create()
        sync_folder(self.incoming.parent)

    def begin(self) -> SpooledUpload:
        """Open an upload."""
        return SpooledUpload(self)

    def path(self, deposit: str) -> Path:
        """The file of a deposit, where the store is the folder."""
        return self._folder.path(deposit)

    def read(self, deposit: str) -> bytes:
        """The bytes of a deposit.

        Raises:
            Absent: there is no such file.
            OSError, Unreachable: it cannot be read now.
            Erased: its key was destroyed.
            Unopened: it was changed.
        """
        return b"".join(self.pieces(deposit))

    def digest(self, deposit: str) -> str | None:
        """SHA-256 of the bytes of a deposit, hexadecimal; None when they are missing or were changed.

        Raises:
            Erased: its key was destroyed.
            Unreachable: the store does not answer.
        """
        found = hashlib.sha256()
        try:
            for piece in self.pieces(deposit):
                found.update(piece)
        except (OSError, Unopened):
            return None
        return found.hexdigest()

    def pieces(self, deposit: str) -> Iterator[bytes]:
        """The bytes of a deposit, bit by bit; a later one may turn out not to open.

        Raises:
            Absent, OSError, Unreachable, Erased, Unopened: as `read`.
        """
        with self.store.open(deposit) as file:
            secret = self.keys.unwrap(_wrapped(file.read(HEAD)), deposit)
            pieces = max(-(-(file.size - HEAD) // SLOT), 1)
            for number in range(pieces):
                yield open_sealed(secret, file.read(SLOT), _place(number, last=number == pieces - 1))

    def sealed_with(self, deposit: str) -> str:
        """The id of the data key that a file was sealed with.

        Raises:
            Absent, OSError, Unreachable, Unopened: as `read`.
        """
        with self.store.open(deposit) as file:
            return str(key_named(_wrapped(file.read(HEAD))))

    def ids(self) -> Iterator[str]:
        """Every deposit that has a file."""
        return (file.deposit for file in self.store.files())

    def clear(self, until: datetime | None = None) -> None:
        """Take away what uploads left behind that a stop cut off; they are few.

        Args:
            until: as in `sweep`.
        """
        until = until or _FOREVER
        for file in self.incoming.iterdir():
            if _written(file) <= until:
                file.unlink(missing_ok=True)

    def sweep(self, entered: Entered, until: datetime | None = None) -> int:
        """Set aside files that were never entered, hence never receipted; how many those were.

        To be called only when it is known that the register holds all that was ever receipted. Deposits may
        come meanwhile: what this process puts itself is left alone.

        Args:
            entered: asks the register.
            until: what was written later may still be under way in another process, and stays; None where
                there is no other.
        """
        until = until or _FOREVER
        files, count = (one.deposit for one in self.store.files() if one.at <= until), 0
        try:
            while some := list(islice(files, _AT_ONCE)):
                # Asked after they were listed: what is not known now was not entered when it was there.
                for deposit in set(some) - entered(some) - (self.own or set()):
                    self.store.set_aside(deposit)
                    count += 1
        finally:
            self.own = None
        return count


def _wrapped(head: bytes) -> bytes:
    """The wrapped key in front of a file."""
    if len(head) < HEAD or not head.startswith(MAGIC):
        raise Unopened("it does not begin as our files do")
    return head[len(MAGIC) :]


def _written(file: Path) -> datetime:
    try:
        return datetime.fromtimestamp(file.stat().st_mtime, UTC)
    except FileNotFoundError:  # its upload has just come to its end, and there is nothing to clear
        return datetime.min.replace(tzinfo=UTC)


class SpooledUpload:
    """An upload under way, in a file of its own. The digest is taken on the way when bytes come in order.

    The piece that is being written is held in memory; it goes to the file when another one is.
    """

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._path = spool.incoming / uuid.uuid4().hex
        self._file = open_beneath(spool.incoming, self._path.name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        self._secret = new_secret()
        self._number = 0
        self._piece = bytearray(PIECE)
        self._changed = False
        self._digest = hashlib.sha256()
        self._in_order = 0
        self._size = 0
        self._kept: str | None = None

    def write(self, offset: int, chunk: bytes) -> None:
        """Put bytes at an offset.

        Raises:
            TooLarge: beyond the limit of the spool.
        """
        end = offset + len(chunk)
        if end > self._spool.limit:
            raise TooLarge(self._spool.limit)
        if offset == self._in_order == self._size:
            self._digest.update(chunk)
            self._in_order = end
        elif offset < self._in_order:
            self._in_order = -1
        self._size = max(self._size, end)
        view = memoryview(chunk)
        while view:
            number, first = divmod(offset, PIECE)
            self._turn_to(number)
            part = view[: PIECE - first]
            self._piece[first : first + len(part)] = part
            self._changed = True
            view, offset = view[len(part) :], offset + len(part)

    def keep(self, deposit: str, sender: str, received: datetime) -> tuple[int, str]:
        """Put the file into the store under its id, durably; its size and digest."""
        self._finish()
        if self._in_order != self._size:
            self._digest = self._digest_of_file()
        wrapped = self._spool.keys.wrap(self._secret, deposit, sender, Received(received))
        self._put(0, MAGIC + wrapped)
        own = self._spool.own
        if own is not None:
            own.add(deposit)
        self._spool.store.put(deposit, self._path, self._file)
        self._kept = deposit
        os.close(self._file)
        self._file = -1
        return self._size, self._digest.hexdigest()

    def discard(self) -> None:
        """Close and remove the file, kept or not."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        self._path.unlink(missing_ok=True)
        if self._kept is not None:
            self._spool.store.remove(self._kept)

    @property
    def _last(self) -> int:
        return max(self._size - 1, 0) // PIECE

    def _turn_to(self, number: int) -> None:
        """Have a piece in memory, and the one before it in the file."""
        if number == self._number:
            return
        self._flush()
        self._number = number
        self._piece = self._stored(number)

    def _stored(self, number: int) -> bytearray:
        """A piece as it is in the file; zeros where nothing was written yet."""
        slot = os.pread(self._file, SLOT, HEAD + number * SLOT)
        if LONGEST_EMPTY.startswith(slot):
            return bytearray(PIECE)
        return bytearray(open_sealed(self._secret, slot, _place(number, last=False)))

    def _flush(self) -> None:
        if self._changed:
            sealed = seal(self._secret, self._piece, _place(self._number, last=False))
            self._put(HEAD + self._number * SLOT, sealed)
            self._changed = False

    def _finish(self) -> None:
        """Seal what was left out as zeros, and the last piece as the last one."""
        last, size = self._last, os.fstat(self._file).st_size
        self._turn_to(last)
        for number in range(last):
            place = HEAD + number * SLOT
            if place >= size or not any(os.pread(self._file, OVERHEAD, place)):
                self._put(place, seal(self._secret, bytes(PIECE), _place(number, last=False)))
        plain = bytes(self._piece[: self._size - last * PIECE])
        sealed = seal(self._secret, plain, _place(last, last=True))
        self._put(HEAD + last * SLOT, sealed)
        os.ftruncate(self._file, HEAD + last * SLOT + len(sealed))

    def _put(self, offset: int, content: bytes) -> None:
        view = memoryview(content)
        while view:
            written = os.pwrite(self._file, view, offset)
            view, offset = view[written:], offset + written

    def _digest_of_file(self) -> hashlib._Hash:
        digest, last = hashlib.sha256(), self._last
        for number in range(last + 1):
            slot = os.pread(self._file, SLOT, HEAD + number * SLOT)
            digest.update(open_sealed(self._secret, slot, _place(number, last=number == last)))
        return digest


def _place(number: int, *, last: bool) -> bytes:
    """Which piece of a file it is."""
    return number.to_bytes(8) + (b"\1" if last else b"\0")
