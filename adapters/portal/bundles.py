"""Many documents in one file: a ZIP that is sent while it is made, so that it never lies whole in memory."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from io import RawIOBase

from gateway.moments import LUXEMBOURG


class _Pipe(RawIOBase):
    """What was written and not taken yet."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, content: object) -> int:
        assert isinstance(content, bytes | bytearray | memoryview)
        self._waiting += content
        return len(content)

    def take(self) -> bytes:
        """All that was written since the last time."""
        taken = bytes(self._waiting)
        self._waiting.clear()
        return taken


def zipped(files: Iterable[tuple[str, bytes]], at: datetime) -> Iterator[bytes]:
    """The bytes of a ZIP, piece by piece.

    Args:
        files: name and content; a name that comes again gets a number.
        at: the moment that stands at each file.
    """
    local, pipe = at.astimezone(LUXEMBOURG), _Pipe()
    moment = (local.year, local.month, local.day, local.hour, local.minute, local.second)
    had: dict[str, int] = {}
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, content in files:
            had[name] = had.get(name, 0) + 1
            unique = name if had[name] == 1 else f"{had[name]}-{name}"
            entry = zipfile.ZipInfo(unique, moment)
            entry.compress_type = zipfile.ZIP_DEFLATED
            bundle.writestr(entry, content)
            yield pipe.take()
    yield pipe.take()
