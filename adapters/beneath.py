"""Opening files beneath a folder, with the kernel as the judge of what is beneath it.

openat2(2) with RESOLVE_BENEATH refuses every path that leaves the folder, by `..`, by an absolute name or
by a mount, and with RESOLVE_NO_SYMLINKS every link, also one put there between two calls. Names of files
are ours already (promise P7, and no text of a sender ever reaches a path); this holds if that should fail.
"""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path

_OPENAT2 = 437
"""Number of the system call, the same on x86_64 and aarch64 (Linux 5.6)."""
_RESOLVE_NO_XDEV = 0x01
_RESOLVE_NO_MAGICLINKS = 0x02
_RESOLVE_NO_SYMLINKS = 0x04
_RESOLVE_BENEATH = 0x08
_JAIL = _RESOLVE_NO_XDEV | _RESOLVE_NO_MAGICLINKS | _RESOLVE_NO_SYMLINKS | _RESOLVE_BENEATH

_libc = ctypes.CDLL(None, use_errno=True)


class _How(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


def open_beneath(folder: Path, name: str, flags: int, mode: int = 0) -> int:
    """Open a file beneath a folder; its descriptor, closed on exec.

    Args:
        folder: of ours; may itself be reached over links.
        name: relative to the folder.
        flags, mode: as in `os.open`.

    Raises:
        OSError: the file cannot be opened. EXDEV: it is not beneath the folder; ELOOP: there is a link on
            the way; ENOSYS: this kernel cannot tell, and nothing was opened.
    """
    handle = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        how = _How(flags | os.O_CLOEXEC, mode, _JAIL)
        path = ctypes.c_char_p(os.fsencode(name))
        while True:
            found: int = _libc.syscall(_OPENAT2, handle, path, ctypes.byref(how), ctypes.sizeof(how))
            if found >= 0:
                return found
            # EAGAIN: something was renamed on the way, the kernel could not be sure (openat2(2)).
            if (number := ctypes.get_errno()) not in (errno.EINTR, errno.EAGAIN):
                raise OSError(number, os.strerror(number), name)
    finally:
        os.close(handle)
