"""What Windows and the others do each in its own way: locks, lasting names, who has a file open."""

from __future__ import annotations

import os
import sys
from io import TextIOBase
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    _FAR = 1 << 30
    """Where we lock: others may not read what is locked, and shall read who has it."""

    def lock(file: TextIOBase) -> bool:
        """Lock a file until it is closed, or we end; False when another has it."""
        here = os.lseek(file.fileno(), 0, os.SEEK_CUR)
        os.lseek(file.fileno(), _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(file.fileno(), here, os.SEEK_SET)
        return True

    def settle(folder: Path) -> None:
        """Make names in a folder last: NTFS has a journal for them, and nothing to be asked."""

    def is_open_for_writing(_file: Path) -> bool:
        """Never known: but what is open cannot be renamed here, and is tried again."""
        return False

else:
    import fcntl

    def lock(file: TextIOBase) -> bool:
        """Lock a file until it is closed, or we end; False when another has it."""
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def settle(folder: Path) -> None:
        """Make names in a folder last."""
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def is_open_for_writing(file: Path) -> bool:
        """Whether somebody has a file open for writing.

        Linux tells for disks of its own, and for our own files (fcntl(2), leases); elsewhere nobody can, and
        the answer is no.
        """
        if sys.platform != "linux":
            return False
        with file.open("rb") as reading:
            try:
                fcntl.fcntl(reading, fcntl.F_SETLEASE, fcntl.F_RDLCK)
            except BlockingIOError:
                return True
            except OSError:
                return False
            fcntl.fcntl(reading, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        return False
