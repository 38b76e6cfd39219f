"""A disk in memory that forgets what was not synced: what a power cut may leave, and what a full one refuses.

POSIX promises of a write nothing until `fsync` of the file, and of a name nothing until `fsync` of its
folder. So a file has what is kept for sure and the changes since its last sync; a folder has the names
that are kept for sure and the changes since. A cut keeps of the changes none, all, or some that a seed
picks: in any order, and of a write any of its sectors ("All file systems are not created equal", OSDI
    2014, section 3). After a failed sync its
changes are read back as if all were well, and are never kept, as Linux does ("Can applications recover
from fsync failures?", USENIX ATC 2020).
"""

from __future__ import annotations

import errno
import random
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

ROOT = 1
SECTOR = 512


class Cut(StrEnum):
    """What a cut leaves of the changes that were not synced."""

    NOTHING = "nothing"
    """The strictest disk: only what was synced."""
    SOME = "some"
    """Any of them, and of a write any sectors."""
    FIRST = "first"
    """Of each file and folder the first so many, the last one torn."""
    ALL = "all"
    """Everything: the machine stays on, only the process is gone."""


Change = tuple[int, bytes]
"""Offset and bytes of a write; a change of size has no bytes."""


@dataclass(slots=True)
class File:
    """A file: what is read, what is kept, and the changes in between."""

    mode: int
    name: str
    content: bytearray = field(default_factory=bytearray)
    kept: bytearray = field(default_factory=bytearray)
    changes: list[Change] = field(default_factory=list)
    links: int = 1
    changed: int = field(default_factory=time.time_ns)

    def change(self, change: Change) -> None:
        self.changed = time.time_ns()
        _apply(self.content, change)
        self.changes.append(change)

    def sync(self) -> None:
        for change in self.changes:
            _apply(self.kept, change)
        self.changes.clear()


@dataclass(slots=True)
class Folder:
    """A folder: its names now, those that are kept, and the changes in between."""

    mode: int
    parent: int
    names: dict[str, int] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)
    changes: list[tuple[str, int | None]] = field(default_factory=list)
    changed: int = field(default_factory=time.time_ns)

    def change(self, name: str, inode: int | None) -> None:
        _rename(self.names, name, inode)
        self.changes.append((name, inode))

    def sync(self) -> None:
        for name, inode in self.changes:
            _rename(self.kept, name, inode)
        self.changes.clear()


def _apply(content: bytearray, change: Change) -> None:
    offset, written = change
    if not written:
        del content[offset:]
    content.extend(bytes(max(offset - len(content), 0)))
    content[offset : offset + len(written)] = written


def _rename(names: dict[str, int], name: str, inode: int | None) -> None:
    if inode is None:
        names.pop(name, None)
    else:
        names[name] = inode


@dataclass(slots=True)
class Refusal:
    """An order to refuse operations with an error.

    Attributes:
        operation: `write`, `sync`, `sync-folder`, `create`, `rename`, `read`.
        name: part of the name of the files concerned; empty for all.
        error: errno.
        after: so many of them pass first.
        times: so many are refused then.
    """

    operation: str
    error: int
    name: str = ""
    after: int = 0
    times: int = 1_000_000

    def refuses(self, operation: str, name: str) -> bool:
        if operation != self.operation or self.name not in name:
            return False
        if self.after:
            self.after -= 1
            return False
        self.times -= 1
        return self.times >= 0


@dataclass(slots=True)
class Disk:
    """The files and folders, by number, and the limits and faults that are on.

    Attributes:
        room: bytes that all files together may have; None without a limit.
        nodes: files and folders that there may be.
        read_only: nothing may be changed.
        ignores_folders: a sync of a folder says yes and does nothing: for negative controls.
        refusals: orders to refuse.
        used: bytes that all files have.
        refused: operations that were refused by order.
    """

    inodes: dict[int, File | Folder] = field(default_factory=dict)
    room: int | None = None
    nodes: int | None = None
    read_only: bool = False
    ignores_folders: bool = False
    refusals: list[Refusal] = field(default_factory=list)
    used: int = 0
    refused: int = 0
    last: int = ROOT

    def __post_init__(self) -> None:
        self.inodes.setdefault(ROOT, Folder(stat.S_IFDIR | 0o700, ROOT))

    @property
    def count(self) -> int:
        """Files and folders that have a name."""
        return sum(isinstance(each, Folder) or each.links > 0 for each in self.inodes.values())

    def file(self, inode: int) -> File:
        found = self.inodes[inode]
        if not isinstance(found, File):
            raise OSError(errno.EISDIR, "a folder")
        return found

    def folder(self, inode: int) -> Folder:
        found = self.inodes[inode]
        if not isinstance(found, Folder):
            raise OSError(errno.ENOTDIR, "a file")
        return found

    def find(self, parent: int, name: str) -> int:
        found = self.folder(parent).names.get(name)
        if found is None:
            raise OSError(errno.ENOENT, name)
        return found

    def create(self, parent: int, name: str, mode: int) -> int:
        """A new file or folder."""
        folder = self.folder(parent)
        self._check("create", name)
        if name in folder.names:
            raise OSError(errno.EEXIST, name)
        if self.nodes is not None and self.count >= self.nodes:
            raise OSError(errno.ENOSPC, name)
        self.last += 1
        new = Folder(mode, parent) if stat.S_ISDIR(mode) else File(mode, name)
        self.inodes[self.last] = new
        folder.change(name, self.last)
        return self.last

    def write(self, inode: int, offset: int, written: bytes) -> int:
        """Write; as many bytes as there was room for."""
        file = self.file(inode)
        self._check("write", file.name)
        if self.room is not None:
            growth = max(offset + len(written) - len(file.content), 0)
            lacking = max(growth - max(self.room - self.used, 0), 0)
            written = written[: len(written) - lacking]
            if not written:
                raise OSError(errno.ENOSPC, file.name)
        before = len(file.content)
        file.change((offset, written))
        self.used += len(file.content) - before
        return len(written)

    def resize(self, inode: int, size: int) -> None:
        file = self.file(inode)
        self._check("write", file.name)
        before = len(file.content)
        if self.room is not None and self.used + size - before > self.room:
            raise OSError(errno.ENOSPC, file.name)
        file.change((size, b""))
        self.used += size - before

    def remove(self, parent: int, name: str) -> None:
        """Take a name away; what it named is there for whoever has it open, and for a cut."""
        inode = self.find(parent, name)
        self._check("create", name)
        found = self.inodes[inode]
        if isinstance(found, Folder) and found.names:
            raise OSError(errno.ENOTEMPTY, name)
        self.folder(parent).change(name, None)
        self._unlink(inode)

    def rename(self, parent: int, name: str, new_parent: int, new_name: str) -> None:
        """One change in each of two folders: which of them is kept, only their syncs say."""
        inode = self.find(parent, name)
        self._check("rename", new_name)
        replaced = self.folder(new_parent).names.get(new_name)
        self.folder(new_parent).change(new_name, inode)
        if (parent, name) != (new_parent, new_name):
            self.folder(parent).change(name, None)
        if replaced is not None and replaced != inode:
            self._unlink(replaced)
        found = self.inodes[inode]
        if isinstance(found, File):
            found.name = new_name

    def link(self, inode: int, parent: int, name: str) -> None:
        file = self.file(inode)
        self._check("create", name)
        if name in self.folder(parent).names:
            raise OSError(errno.EEXIST, name)
        self.folder(parent).change(name, inode)
        file.links += 1

    def sync(self, inode: int) -> None:
        """Keep for sure what a file has now; after a refusal it is never kept, though it is read."""
        file = self.file(inode)
        try:
            self._check("sync", file.name)
        except OSError:
            file.changes.clear()
            raise
        file.sync()

    def sync_folder(self, inode: int) -> None:
        folder = self.folder(inode)
        self._check("sync-folder", "")
        if not self.ignores_folders:
            folder.sync()

    def sync_all(self) -> None:
        """What a machine at rest has done in the end."""
        for each in self.inodes.values():
            each.sync()

    def cut(self, what: Cut, draw: random.Random) -> None:
        """The power goes, and comes again."""
        for each in self.inodes.values():
            if isinstance(each, File):
                each.changes = list(_file_changes(each.changes, what, draw))
                each.sync()
                each.content = bytearray(each.kept)
            else:
                each.changes = _folder_changes(each.changes, what, draw)
                each.sync()
                each.names = dict(each.kept)
        self._forget_unnamed()

    def _check(self, operation: str, name: str) -> None:
        if self.read_only and not operation.startswith("sync"):
            raise OSError(errno.EROFS, name)
        for refusal in self.refusals:
            if refusal.refuses(operation, name):
                self.refused += 1
                raise OSError(refusal.error, name)

    def _unlink(self, inode: int) -> None:
        found = self.inodes[inode]
        if isinstance(found, File):
            found.links -= 1
            if not found.links:
                self.used -= len(found.content)

    def _forget_unnamed(self) -> None:
        """Only what a name leads to is left; how many names a file has is counted anew."""
        reached: dict[int, int] = {}
        left = [ROOT]
        while left:
            inode = left.pop()
            reached[inode] = reached.get(inode, 0) + 1
            found = self.inodes[inode]
            if isinstance(found, Folder) and reached[inode] == 1:
                left.extend(found.names.values())
        self.inodes = {inode: self.inodes[inode] for inode in sorted(reached)}
        self.used = 0
        for inode, each in self.inodes.items():
            if isinstance(each, File):
                each.links = reached[inode]
                self.used += len(each.content)


def _file_changes(changes: list[Change], what: Cut, draw: random.Random) -> Iterator[Change]:
    if what is Cut.ALL:
        yield from changes
    elif what is Cut.SOME:
        likely = draw.random()
        for change in changes:
            if draw.random() < likely:
                yield from _torn(change, lambda: draw.random() < likely)
    elif what is Cut.FIRST and changes:
        count = draw.randrange(len(changes) + 1)
        yield from changes[:count]
        if count < len(changes):
            sectors = draw.randrange(len(changes[count][1]) // SECTOR + 1)
            whole = iter(range(sectors))
            yield from _torn(changes[count], lambda: next(whole, None) is not None)


def _torn(change: Change, keeps: Callable[[], bool]) -> Iterator[Change]:
    """A write, sector by sector as the disk has them."""
    offset, written = change
    if not written:
        if keeps():
            yield change
        return
    place = 0
    while place < len(written):
        end = place + SECTOR - (offset + place) % SECTOR
        if keeps():
            yield offset + place, written[place:end]
        place = end


def _folder_changes(
    changes: list[tuple[str, int | None]], what: Cut, draw: random.Random
) -> list[tuple[str, int | None]]:
    match what:
        case Cut.ALL:
            return changes
        case Cut.SOME:
            return [change for change in changes if draw.random() < 0.5]
        case Cut.FIRST:
            return changes[: draw.randrange(len(changes) + 1)]
        case Cut.NOTHING:
            return []


def load(disk: Disk, source: Path) -> None:
    """Have a copy of a folder on the disk, synced."""
    numbers = {source: ROOT}
    for path in sorted(source.rglob("*")):
        mode = path.stat().st_mode
        inode = disk.create(numbers[path.parent], path.name, mode)
        numbers[path] = inode
        if path.is_file():
            disk.write(inode, 0, path.read_bytes())
    disk.sync_all()
