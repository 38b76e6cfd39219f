"""Making what was written survive a power cut, or ending the process (SR-16, SR-17).

After a failed sync nobody knows what is on the disk: the kernel may take the pages for clean, so that the
next sync succeeds and has written nothing (Rebello et al., "Can Applications Recover from fsync Failures?",
USENIX ATC 2020). So a failed sync is not reported and not tried again: the process ends on the spot,
nobody is answered, the supervisor starts it anew, and what is then read comes from the disk. Whoever was
cut off sends again; nothing is counted twice.
"""

from __future__ import annotations

import errno
import json
import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import sqlalchemy as sa

FAILED_SYNC = os.EX_IOERR
"""Exit status of a process that ended because of a failed sync."""
_SYNCS = frozenset({"SQLITE_IOERR_FSYNC", "SQLITE_IOERR_DIR_FSYNC"})
_PIECE = 1 << 20
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


def sync(descriptor: int) -> None:
    """Have the disk hold what was written to a file or folder; ends the process when it cannot be had."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        end(errno.errorcode.get(error.errno or 0, str(error)))


def sync_folder(folder: Path) -> None:
    """Make new names in a folder durable (fsync(2): the entry needs its own sync)."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        sync(handle)
    finally:
        os.close(handle)


def write_again(file: Path) -> None:
    """Have the disk hold what is read from a file, as a whole; nothing where there is none.

    After a failed sync the kernel goes on showing what it has not written, and takes it for written: a
    process that starts then reads, and would build on, what no disk has. Written again it is to be synced
    again.
    """
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        place = 0
        while piece := os.pread(descriptor, _PIECE, place):
            place += os.pwrite(descriptor, piece, place)
        sync(descriptor)
    finally:
        os.close(descriptor)
    sync_folder(file.parent)


def watch(engine: sa.Engine) -> None:
    """Have a failed sync of an embedded database end the process too.

    A server of databases ends by itself then (PostgreSQL: `data_sync_retry` is off).
    """
    sa.event.listen(engine, "handle_error", _judge)


def _judge(context: sa.ExceptionContext) -> None:
    error = context.original_exception
    if isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorname", "") in _SYNCS:
        end(error.sqlite_errorname)


def is_full(error: BaseException) -> bool:
    """Whether something failed because a disk or a quota is full."""
    if isinstance(error, sa.exc.DBAPIError) and error.orig is not None:
        error = error.orig
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorname", "") == "SQLITE_FULL"
    return isinstance(error, OSError) and error.errno in _NO_ROOM


def end(reason: str) -> NoReturn:
    """End the process on the spot, all its threads with it."""
    at = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    line = {"event": "sync.failed", "level": "critical", "reason": reason, "timestamp": at}
    try:
        os.write(2, json.dumps(line).encode() + b"\n")
    finally:
        os._exit(FAILED_SYNC)
