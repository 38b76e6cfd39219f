"""A folder of files: `xx/<id>`, xx being the first two digits of the id.

The 256 folders are made at creation, so that putting a file syncs one folder only.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from adapters.beneath import open_beneath
from adapters.durable import sync, sync_folder
from adapters.stores.port import Absent, OtherThere, Stored


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """`Opened`, of a local file."""

    size: int
    file: BinaryIO

    def read(self, count: int) -> bytes:
        """The next bytes."""
        return self.file.read(count)


@dataclass(frozen=True, slots=True)
class FolderStore:
    """`Store`, in a folder of this machine.

    Attributes:
        folder: ours, private to us.
        aside: the folder of what was set aside.
    """

    folder: Path
    aside: Path
    is_shared: bool = False

    def create(self) -> None:
        """Make the folders and sync them."""
        for folder in (self.folder, self.aside, *(self.folder / f"{n:02x}" for n in range(256))):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        sync_folder(self.folder)
        sync_folder(self.folder.parent)

    def path(self, deposit: str) -> Path:
        """The file of a deposit."""
        return self.folder / deposit[:2] / deposit

    def put(self, deposit: str, file: Path, descriptor: int) -> None:
        """Sync the file, rename it, sync its folder: in this order (SR-16)."""
        kept = self.path(deposit)
        # Ids are drawn at random, each by one process alone: nobody comes between this and the renaming.
        if kept.exists():
            raise OtherThere(deposit)
        sync(descriptor)
        file.rename(kept)
        sync_folder(kept.parent)

    @contextmanager
    def open(self, deposit: str) -> Iterator[OpenedFile]:
        """Read a file."""
        name = str(self.path(deposit).relative_to(self.folder))
        try:
            descriptor = open_beneath(self.folder, name, os.O_RDONLY)
        except FileNotFoundError:
            raise Absent(deposit) from None
        with os.fdopen(descriptor, "rb") as file:
            yield OpenedFile(os.fstat(descriptor).st_size, file)

    def files(self) -> Iterator[Stored]:
        """All that there are."""
        for folder in self.folder.iterdir():
            with os.scandir(folder) as entries:
                for entry in entries:
                    found = entry.stat(follow_symlinks=False)
                    yield Stored(entry.name, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))

    def remove(self, deposit: str) -> None:
        """Take a file away."""
        self.path(deposit).unlink(missing_ok=True)

    def set_aside(self, deposit: str) -> None:
        """Move a file to the folder beside."""
        self.aside.mkdir(mode=0o700, exist_ok=True)
        self.path(deposit).rename(self.aside / deposit)
        sync_folder(self.aside)
        # Cut off between the two syncs it may have both names, and rename(2) then does nothing.
        self.path(deposit).unlink(missing_ok=True)
        sync_folder(self.path(deposit).parent)
