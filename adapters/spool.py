"""The folder of deposits: a file each, under our own names, synced before anything is answered.

`incoming/` holds uploads under way; `deposits/xx/` the kept ones, `xx` being the first two digits
of the id. The 256 folders are made at creation, so that keeping a file syncs one folder only.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Container, Iterator
from pathlib import Path

from inbox.receive import TooLarge

READ_SIZE = 1 << 20


class Spool:
    """Where the bytes of deposits lie.

    Attributes:
        limit: most bytes a deposit may have.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self.incoming = folder / "incoming"
        self.deposits = folder / "deposits"
        self.limit = limit

    def create(self) -> None:
        """Make the folders, private to us, and sync them."""
        for folder in (self.incoming, self.deposits, *(self.deposits / f"{n:02x}" for n in range(256))):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        sync_folder(self.deposits)
        sync_folder(self.deposits.parent)

    def begin(self) -> SpooledUpload:
        """Open an upload."""
        return SpooledUpload(self)

    def path(self, deposit: str) -> Path:
        """The file of a deposit."""
        return self.deposits / deposit[:2] / deposit

    def read(self, deposit: str) -> bytes:
        """The bytes of a deposit."""
        return self.path(deposit).read_bytes()

    def ids(self) -> Iterator[str]:
        """Every deposit that has a file."""
        for folder in self.deposits.iterdir():
            for file in folder.iterdir():
                yield file.name

    def sweep(self, entered: Container[str]) -> None:
        """Remove what a stop left behind: uploads cut off, and files never entered, hence never receipted."""
        for file in self.incoming.iterdir():
            file.unlink()
        for deposit in list(self.ids()):
            if deposit not in entered:
                self.path(deposit).unlink()


class SpooledUpload:
    """An upload under way, in a file of its own. The digest is taken on the way when bytes come in order."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._path = spool.incoming / uuid.uuid4().hex
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._digest = hashlib.sha256()
        self._in_order = 0
        self._size = 0

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
            written = os.pwrite(self._file, view, offset)
            view, offset = view[written:], offset + written

    def keep(self, deposit: str) -> tuple[int, str]:
        """Sync the file, rename it to its id, sync its folder; its size and digest."""
        if self._in_order != self._size:
            self._digest = self._digest_of_file()
        os.fsync(self._file)
        os.close(self._file)
        self._file = -1
        kept = self._spool.path(deposit)
        self._path.rename(kept)
        self._path = kept
        sync_folder(kept.parent)
        return self._size, self._digest.hexdigest()

    def discard(self) -> None:
        """Close and remove the file, kept or not."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        self._path.unlink(missing_ok=True)

    def _digest_of_file(self) -> hashlib._Hash:
        digest = hashlib.sha256()
        offset = 0
        while chunk := os.pread(self._file, READ_SIZE, offset):
            digest.update(chunk)
            offset += len(chunk)
        return digest


def sync_folder(folder: Path) -> None:
    """Make renames into a folder durable (fsync(2): the entry needs its own sync)."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
