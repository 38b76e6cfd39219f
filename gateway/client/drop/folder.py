"""What in a drop folder is complete, and what belongs together."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.attachments import KINDS
from gateway.client.drop.places import digest_of
from gateway.client.drop.system import is_open_for_writing
from gateway.client.parcels import Parcel, procedure_of
from gateway.names import parse as parse_name
from signing.container import MAGIC, BadContainer, open_container
from signing.parse import NotXml, Unreadable, parse

_TEMPORARY = re.compile(
    r"[.~#].*|.*~|.*\.(part|partial|filepart|tmp|temp|crdownload|download|swp|lock|bak|old|new|writing)",
    re.IGNORECASE,
)
_CONTAINERS = frozenset({".asice", ".asics", ".p7m"})

Stand = tuple[int, int, int]
"""Size, moment of the last change and inode of a file: whether it is the same as at the last look."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a look at a folder found.

    Attributes:
        parcels: what can be sent, in the order in which it was dropped.
        left: files that are left alone, and why.
    """

    parcels: Sequence[Parcel]
    left: Mapping[Path, str]


def look(folder: Path) -> dict[Path, Stand]:
    """The files of a folder that are not temporary by their name; folders and links are passed over."""
    stands = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            if _TEMPORARY.fullmatch(entry.name) is None and entry.is_file(follow_symlinks=False):
                try:
                    told = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                stands[Path(entry.path)] = (told.st_size, told.st_mtime_ns, told.st_ino)
    return stands


def sort_out(before: Mapping[Path, Stand], now: Mapping[Path, Stand]) -> Found:
    """What of a folder can be sent, after two looks."""
    left: dict[Path, str] = {}
    whole = []
    for file, stand in sorted(now.items(), key=lambda one: (one[1][1], one[0].name)):
        why = "still being written" if before.get(file) != stand else unfinished(file)
        if why is None:
            whole.append(file)
        else:
            left[file] = why
    parcels = _grouped(whole, left)
    return Found([one for one in parcels if one.batch not in left], left)


def unfinished(file: Path) -> str | None:
    """Why a file is not complete; None when it is."""
    try:
        if is_open_for_writing(file):
            return "still open in the program that writes it"
        return _without_end(file, file.read_bytes())
    except OSError as error:
        return f"it cannot be read ({error.strerror})"


def _without_end(file: Path, content: bytes) -> str | None:
    """Why the content has no end; None when it has, or when nobody can tell."""
    if not content:
        return "empty"
    match file.suffix.lower():
        case ".xml":
            try:
                parse(content)
            except NotXml as fault:
                return f"no complete XML ({fault})"
            except Unreadable:
                return None
        case ".dta":
            return None if content.endswith(b"\n") else "its last line has no end"
        case ".asice" | ".asics":
            return _open_end(content)
    return None


def _open_end(content: bytes) -> str | None:
    if not content.startswith(MAGIC):
        return "no container"
    try:
        open_container(content)
    except BadContainer as fault:
        return f"no complete container ({fault.reason})"
    return None


def _grouped(files: Sequence[Path], left: dict[Path, str]) -> list[Parcel]:
    """Batches with what goes with them; while an attachment is not whole, or of one of several, they wait."""
    batches = [(file, code) for file in files if (code := _code(file)) is not None]
    attached: dict[Path, list[Path]] = {file: [] for file, _ in batches}
    missing: set[str] = set()
    for file in left:
        missing |= _wanted_by(file)
    for file in files:
        if file in attached:
            continue
        wanted = _wanted_by(file)
        takers = [batch for batch, code in batches if code in wanted]
        if len(takers) == 1:
            attached[takers[0]].append(file)
            continue
        missing |= wanted
        left[file] = _stray(wanted, takers)
    for file, code in batches:
        if code in missing:
            left[file] = "it waits until what goes with it is there, and goes with it alone"
    return [Parcel(file, code, tuple(attached[file])) for file, code in batches]


def _code(file: Path) -> str | None:
    """The procedure of a batch or container; None for what is neither."""
    if file.suffix.lower() not in _CONTAINERS:
        return procedure_of(file)
    try:
        return parse_name(file.name).type
    except ValueError:
        return ""


def _wanted_by(file: Path) -> set[str]:
    kinds = [kind for kind in KINDS if kind.pattern.fullmatch(file.name)]
    return {code for kind in kinds for code in (kind.procedure, *kind.within)}


def _stray(wanted: Iterable[str], takers: Sequence[Path]) -> str:
    codes = " or ".join(sorted(wanted))
    if not codes:
        return "named neither like a batch (DECSAL.dta, SECU.….XML) nor like a scan or an annex"
    return f"it goes with one {codes}; {len(takers)} here"


@dataclass(frozen=True, slots=True)
class Mark:
    """What was dropped, whatever it was called.

    Attributes:
        fingerprint: the same for the same bytes under the same procedure.
        digests: SHA-256 of each file, hexadecimal.
    """

    fingerprint: str
    digests: Mapping[Path, str]


def mark(parcel: Parcel) -> Mark:
    """The mark of a parcel as it lies there.

    Raises:
        OSError: a file cannot be read.
    """
    digests = {file: digest_of(file) for file in (parcel.batch, *parcel.attachments)}
    # An attachment tells by its name to whom it belongs, a batch does not.
    told = sorted(("" if file == parcel.batch else file.name, digest) for file, digest in digests.items())
    return Mark(hashlib.sha256(repr((parcel.procedure, told)).encode()).hexdigest(), digests)
