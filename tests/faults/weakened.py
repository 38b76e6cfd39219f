"""Gateways with one protection taken away, for negative controls: the checker has to turn red on each.

Only ever called in a process that was started for it (`tests.faults.starter`).
"""

from __future__ import annotations

import os
import re
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from adapters.premises import Premises


def _synchronous(word: str) -> None:
    """Commits that are not synced: OFF never, NORMAL only when the log is written back."""

    def lower(connection: sa.Connection) -> None:
        raw = connection.connection.dbapi_connection
        assert raw is not None
        raw.cursor().execute(f"PRAGMA synchronous={word}")

    sa.event.listen(sa.Engine, "engine_connect", lower)


def _no_folder_sync() -> None:
    """Renames that are not synced."""
    sync = os.fsync

    def only_files(descriptor: int) -> None:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            sync(descriptor)

    os.fsync = only_files


def _blind() -> None:
    """A door that does not look whether the same bytes came before: the key of the table is left alone to
    tell."""

    def blind(
        _connection: sa.Connection,
        _cursor: object,
        statement: str,
        parameters: object,
        _context: object,
        _many: bool,
    ) -> tuple[str, object]:
        return _LOOKED_UP.sub(r"\g<0>0 AND ", statement), parameters

    sa.event.listen(sa.Engine, "before_cursor_execute", blind, retval=True)


_LOOKED_UP = re.compile(
    r"^SELECT deposit\.id, deposit\.receipt\s+FROM deposit\s+WHERE (?=deposit\.sender = )"
)

WEAKNESSES: dict[str, Callable[[], None]] = {
    "synchronous=OFF": partial(_synchronous, "OFF"),
    "synchronous=NORMAL": partial(_synchronous, "NORMAL"),
    "no folder sync": _no_folder_sync,
    "blind": _blind,
}
"""What to do to this process, by name."""


def drop_key(data: Path) -> None:
    """Take the unique key of the inbox away from a store that has no deposits yet."""
    with closing(sqlite3.connect(Premises(data).database)) as connection, connection:
        connection.execute("DROP INDEX deposit_once")
