"""Looks at the files that come with a batch: is a scan or an annex what the rules say?

Pictures are decoded by a process of their own, one for each (`adapters.scan_worker`), that can open, write
and start nothing more and is ended when it takes too long; it has our user id, so that a broken decoder
could still send us signals. Nothing is written to disk, nothing of the content is logged.
Linux only: the picture is handed over in a file that lies in memory.

PDF files are not decoded. The look at them is coarse: it finds scripts, actions, attached files and
encryption where they stand in plain bytes, not where they are compressed.
"""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

LARGEST_PICTURE = 3_000_000
"""Bytes. The operator says 3 MB; where a megabyte could mean two things, the smaller."""
LARGEST_PDF = 10_000_000
"""Bytes; our own limit."""

PATIENCE_SECONDS = 20.0
"""How long a worker may take by the clock on the wall, on a busy machine; its own limit is processor time."""
LONGEST_ANSWER = 4096

WORKER = (sys.executable, "-I", "-B", str(Path(__file__).with_name("scan_worker.py")))
UNREADABLE = "the picture cannot be read"
NO_PICTURE = b""
"""What a worker that works always finds fault with."""

_ANNEX = (
    f"one PDF file, version 1.x or 2.0, of at most {LARGEST_PDF} bytes, "
    "without scripts, actions, attached files or encryption"
)
DEMANDS = {
    "CARTID": "one JPEG image (ISO/IEC 10918-1, baseline or progressive of at most 16 passes), "
    f"at most {LARGEST_PICTURE} bytes, 24-bit colour with pixels that are not all grey, 100 to 300 dpi in "
    "both directions as the file says, JPEG compression of at most 30 %, nothing before or behind it",
    "RHIN": _ANNEX,
    "EXPL": _ANNEX,
}
"""What each kind must be, in words."""

_PDF = re.compile(rb"%PDF-(?:1\.[0-7]|2\.0)(?![0-9])")
_PDF_SPACE = b"\0\t\n\f\r "
_ACTIVE = re.compile(rb"/(JavaScript|Launch|EmbeddedFiles?|Encrypt|OpenAction)(?![A-Za-z0-9])")
_SCRIPT = re.compile(rb"/(JS)(?![A-Za-z0-9])")
_STREAM = re.compile(rb"stream\r?\n")


class NotLooked(Exception):
    """Workers give no answer, whatever they are asked about: the machine is at fault, and no picture."""


def look(kind: str, content: bytes) -> str | None:
    """Judge what stands in an attachment.

    Args:
        kind: `CARTID` for the scan of an identity document, `RHIN` or `EXPL` for an annex in PDF.
        content: its bytes.

    Returns:
        None when it is taken, otherwise all that is wrong with it, in one sentence.

    Raises:
        KeyError: for another kind.
        NotLooked: nobody could look at it; our fault, to be tried again.
    """
    faults = list(_LOOKS[kind](content))
    if not faults:
        return None
    sentence = "; ".join(faults) + "."
    return sentence[0].upper() + sentence[1:]


def _picture_faults(content: bytes) -> Sequence[str]:
    if len(content) > LARGEST_PICTURE:
        return [f"it has {len(content)} bytes, more than {LARGEST_PICTURE}"]
    return judged(WORKER, content)


def judged(command: Sequence[str], content: bytes) -> Sequence[str]:
    """The faults of a picture; that it cannot be read, where workers answer twice for no picture but for it.

    A worker may be ended by somebody else: by the kernel for want of memory, by a stop of the service, by a
    disk that fails while it starts. The sender is not to be told that it was the picture.

    Raises:
        NotLooked: workers do not answer for no picture either.
    """
    for _ in range(2):
        answer = ask(command, content)
        if answer is not None:
            return answer
        if ask(command, NO_PICTURE) is None:
            raise NotLooked
    return [UNREADABLE]


def ask(command: Sequence[str], content: bytes, patience: float = PATIENCE_SECONDS) -> list[str] | None:
    """The list of faults from a worker; None when it gives none in time.

    Args:
        command: the worker.
        content: what it reads on standard input.
        patience: seconds to wait for the answer.
    """
    with _in_memory(content) as picture:
        worker = subprocess.Popen(  # noqa: S603 -- our own script
            command,
            stdin=picture,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            cwd="/",
            start_new_session=True,
        )
    with worker:
        assert worker.stdout is not None
        try:
            pipe = worker.stdout.fileno()
            waiting = select.poll()
            waiting.register(pipe, select.POLLIN)
            # One read: an honest answer is shorter than what a pipe takes at once.
            answer = os.read(pipe, LONGEST_ANSWER) if waiting.poll(patience * 1000) else b""
        finally:
            # Not waited for yet, so that the number is still its own; no child of it survives.
            os.killpg(worker.pid, signal.SIGKILL)
    return _faults_in(answer)


@contextmanager
def _in_memory(content: bytes) -> Iterator[int]:
    """A nameless file with a content, that never touches a disk."""
    number = os.memfd_create("picture")
    try:
        with os.fdopen(os.dup(number), "wb") as file:
            file.write(content)
        os.lseek(number, 0, os.SEEK_SET)
        yield number
    finally:
        os.close(number)


def _faults_in(answer: bytes) -> list[str] | None:
    try:
        faults = json.loads(answer)
    except ValueError:
        return None
    if not isinstance(faults, list) or not all(isinstance(fault, str) for fault in faults):
        return None
    return faults


def _pdf_faults(content: bytes) -> Iterator[str]:
    if len(content) > LARGEST_PDF:
        yield f"it has {len(content)} bytes, more than {LARGEST_PDF}"
    if _PDF.match(content) is None:
        yield "it does not begin as a PDF file (%PDF-1.x or 2.0)"
    if content.count(b"%PDF-") > 1:
        yield "it holds more than one PDF file"
    if not content.rstrip(_PDF_SPACE).endswith(b"%%EOF"):
        yield "it does not end as a PDF file (%%EOF): it is cut off, or something follows"
    found = {name.decode() for name in _ACTIVE.findall(content)}
    # Three letters turn up by chance where bytes are compressed.
    found.update(name.decode() for plain in _outside_streams(content) for name in _SCRIPT.findall(plain))
    for name in sorted(found):
        yield f"it contains /{name}, which an annex does not need"


def _outside_streams(content: bytes) -> Iterator[bytes]:
    for part in content.split(b"endstream"):
        yield _STREAM.split(part, maxsplit=1)[0]


_LOOKS = {"CARTID": _picture_faults, "RHIN": _pdf_faults, "EXPL": _pdf_faults}
