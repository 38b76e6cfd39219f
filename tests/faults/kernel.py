"""The forgetful disk as a mounted filesystem: what the kernel asks of it, answered.

The kernel's own protocol on /dev/fuse (`include/uapi/linux/fuse.h`), so that nothing has to be installed;
to mount takes root. Writes go through to the disk at once, as no write-back cache is asked for; what is
mapped into memory (the `-shm` file of SQLite) comes when the kernel likes.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.faults.disk import SECTOR, Disk, File

MOST = 1 << 17
"""Bytes of a write."""
READ = MOST + 4096
FOREVER = 1 << 30
"""Seconds: nobody but the kernel changes anything."""

_HEAD = struct.Struct("<IIQQIIIHH")
_REPLY = struct.Struct("<IiQ")
_ATTRIBUTES = struct.Struct("<6Q10I")
_ENTRY = struct.Struct("<4Q2I")
_INIT = struct.Struct("<4I2H2I2H2I6I")
_BIG_WRITES = 1 << 5
_MAX_PAGES = 1 << 22
_SET_MODE, _SET_SIZE = 1, 8
_KEEP_CACHE = 2
_OPENED = struct.pack("<Q2I", 0, _KEEP_CACHE, 0)
_MNT_DETACH = 2
_MS_NOSUID, _MS_NODEV = 2, 4

LIBC = ctypes.CDLL(None, use_errno=True)

EFFECTS = frozenset({"write", "resize", "create", "make", "remove", "rename", "link", "sync", "sync-folder"})
"""Operations after which the disk is another: each is a place where a cut may come."""


@dataclass(frozen=True, slots=True)
class Call:
    """What the kernel asks.

    Attributes:
        node: the file or folder.
        body: what comes with it.
    """

    node: int
    body: bytes

    def numbers(self, form: str) -> tuple[int, ...]:
        return struct.unpack_from("<" + form, self.body)

    def names(self, skip: int) -> list[str]:
        return [os.fsdecode(name) for name in self.body[skip:].split(b"\0")[:-1]]


class Mounted:
    """A disk under a folder.

    Args:
        before: called before an operation that has an effect, with its name and that of the file; when it
            says no, the operation is not done, and the caller gets an error.
        after: called when it was done, before the caller hears of it.
    """

    def __init__(
        self, disk: Disk, folder: Path, before: Callable[[str, str], bool], after: Callable[[str, str], None]
    ) -> None:
        self.disk = disk
        self._folder = folder
        self._before = before
        self._after = after
        self.device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        options = f"fd={self.device},rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions"
        _called(
            LIBC.mount(b"forgetful", os.fsencode(folder), b"fuse", _MS_NOSUID | _MS_NODEV, options.encode())
        )

    def unmount(self) -> None:
        """Take it away from whoever still has it."""
        unmount(self._folder)
        os.close(self.device)

    def answer(self) -> None:
        """Answer one call."""
        try:
            asked = os.read(self.device, READ)
        except FileNotFoundError:  # it was taken back
            return
        _, code, unique, node, *_ = _HEAD.unpack_from(asked)
        if code in _SILENT:
            return
        try:
            said, fault = self._do(code, Call(node, asked[_HEAD.size :])), 0
        except OSError as error:
            said, fault = b"", error.errno or errno.EIO
        with suppress(FileNotFoundError):  # nobody waits for it any more
            os.write(self.device, _REPLY.pack(_REPLY.size + len(said), -fault, unique) + said)

    def _do(self, code: int, call: Call) -> bytes:
        found = _CALLS.get(code)
        if found is None:
            raise OSError(errno.ENOSYS, str(code))
        operation, method = found
        if operation not in EFFECTS:
            return method(self, call)
        name = self._name(call)
        if not self._before(operation, name):
            raise OSError(errno.EIO, "the power is off")
        said = method(self, call)
        self._after(operation, name)
        return said

    def _name(self, call: Call) -> str:
        found = self.disk.inodes.get(call.node)
        return found.name if isinstance(found, File) else ""

    def _init(self, call: Call) -> bytes:
        major, minor, ahead, _flags = call.numbers("4I")
        pages = MOST // 4096
        flags = _BIG_WRITES | _MAX_PAGES
        return _INIT.pack(major, min(minor, 36), ahead, flags, 16, 12, MOST, 1, pages, 0, 0, 0, *[0] * 6)

    def _attributes(self, inode: int) -> bytes:
        found = self.disk.inodes[inode]
        size = len(found.content) if isinstance(found, File) else 0
        links = found.links if isinstance(found, File) else 2
        seconds, rest = divmod(found.changed, 10**9)
        times, nanoseconds = (seconds,) * 3, (rest,) * 3
        owner = os.geteuid(), os.getegid()
        return _ATTRIBUTES.pack(
            inode, size, -(-size // SECTOR), *times, *nanoseconds, found.mode, links, *owner, 0, 4096, 0
        )

    def _entry(self, inode: int) -> bytes:
        return _ENTRY.pack(inode, 0, FOREVER, FOREVER, 0, 0) + self._attributes(inode)

    def _lookup(self, call: Call) -> bytes:
        return self._entry(self.disk.find(call.node, call.names(0)[0]))

    def _getattr(self, call: Call) -> bytes:
        return struct.pack("<Q2I", FOREVER, 0, 0) + self._attributes(call.node)

    def _setattr(self, call: Call) -> bytes:
        valid, _, _, size, *_ = call.numbers("2I3Q")
        if valid & _SET_SIZE:
            self.disk.resize(call.node, size)
        if valid & _SET_MODE:
            (mode,) = struct.unpack_from("<I", call.body, 68)
            self.disk.inodes[call.node].mode = mode
        return self._getattr(call)

    def _mknod(self, call: Call) -> bytes:
        mode = call.numbers("I")[0]
        return self._entry(self.disk.create(call.node, call.names(16)[0], mode))

    def _mkdir(self, call: Call) -> bytes:
        mode, umask = call.numbers("2I")
        kind = stat.S_IFDIR | (mode & ~umask & 0o7777)
        return self._entry(self.disk.create(call.node, call.names(8)[0], kind))

    def _create(self, call: Call) -> bytes:
        _, mode, _, _ = call.numbers("4I")
        return self._entry(self.disk.create(call.node, call.names(16)[0], mode)) + _OPENED

    def _remove(self, call: Call) -> bytes:
        self.disk.remove(call.node, call.names(0)[0])
        return b""

    def _rename(self, call: Call) -> bytes:
        (parent,) = call.numbers("Q")
        old, new = call.names(8)
        self.disk.rename(call.node, old, parent, new)
        return b""

    def _rename2(self, call: Call) -> bytes:
        parent, flags, _ = call.numbers("Q2I")
        if flags:
            raise OSError(errno.EINVAL, "no such rename")
        old, new = call.names(16)
        self.disk.rename(call.node, old, parent, new)
        return b""

    def _link(self, call: Call) -> bytes:
        (old,) = call.numbers("Q")
        self.disk.link(old, call.node, call.names(8)[0])
        return self._entry(old)

    def _open(self, call: Call) -> bytes:
        flags = call.numbers("I")[0]
        if self.disk.read_only and flags & (os.O_WRONLY | os.O_RDWR):
            raise OSError(errno.EROFS, "read-only")
        return _OPENED

    def _open_folder(self, _call: Call) -> bytes:
        return bytes(16)

    def _read(self, call: Call) -> bytes:
        _, offset, size, _ = call.numbers("2Q2I")
        return bytes(self.disk.file(call.node).content[offset : offset + size])

    def _write(self, call: Call) -> bytes:
        _, offset, size, _ = call.numbers("2Q2I")
        return struct.pack("<2I", self.disk.write(call.node, offset, call.body[40 : 40 + size]), 0)

    def _statfs(self, _call: Call) -> bytes:
        disk = self.disk
        blocks = (disk.room if disk.room is not None else 1 << 34) // 4096
        free = max(blocks - disk.used // 4096, 0)
        nodes = disk.nodes if disk.nodes is not None else 1 << 20
        left = max(nodes - disk.count, 0)
        return struct.pack("<5Q4I24x", blocks, free, free, nodes, left, 4096, 255, 4096, 0)

    def _nothing(self, _call: Call) -> bytes:
        return b""

    def _sync(self, call: Call) -> bytes:
        self.disk.sync(call.node)
        return b""

    def _sync_folder(self, call: Call) -> bytes:
        self.disk.sync_folder(call.node)
        return b""

    def _readdir(self, call: Call) -> bytes:
        _, offset, size, _ = call.numbers("2Q2I")
        folder = self.disk.folder(call.node)
        listed = [(".", call.node), ("..", folder.parent), *folder.names.items()]
        said = bytearray()
        for place, (name, inode) in enumerate(listed[offset:], start=offset + 1):
            raw = os.fsencode(name)
            kind = stat.S_IFMT(self.disk.inodes[inode].mode) >> 12
            one = struct.pack("<2Q2I", inode, place, len(raw), kind) + raw
            one += bytes(-len(one) % 8)
            if len(said) + len(one) > size:
                break
            said += one
        return bytes(said)


def unmount(folder: Path) -> None:
    """Take away what is mounted under a folder, if anything is."""
    LIBC.umount2(os.fsencode(folder), _MNT_DETACH)


def _called(status: int) -> None:
    if status:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


_SILENT = frozenset({2, 36, 42})
"""FORGET, INTERRUPT, BATCH_FORGET: never answered."""

_CALLS: dict[int, tuple[str, Callable[[Mounted, Call], bytes]]] = {
    1: ("find", Mounted._lookup),
    3: ("look", Mounted._getattr),
    4: ("resize", Mounted._setattr),
    8: ("create", Mounted._mknod),
    9: ("make", Mounted._mkdir),
    10: ("remove", Mounted._remove),
    11: ("remove", Mounted._remove),
    12: ("rename", Mounted._rename),
    13: ("link", Mounted._link),
    14: ("open", Mounted._open),
    15: ("read", Mounted._read),
    16: ("write", Mounted._write),
    17: ("room", Mounted._statfs),
    18: ("close", Mounted._nothing),
    20: ("sync", Mounted._sync),
    26: ("init", Mounted._init),
    27: ("open-folder", Mounted._open_folder),
    28: ("list", Mounted._readdir),
    29: ("close", Mounted._nothing),
    30: ("sync-folder", Mounted._sync_folder),
    35: ("create", Mounted._create),
    38: ("end", Mounted._nothing),
    45: ("rename", Mounted._rename2),
}
