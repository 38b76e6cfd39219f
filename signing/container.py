"""Signed containers: files that cannot hold a signature, with one over all of them.

ASiC-E with one XAdES signature (ETSI EN 319 162-1): a ZIP file whose first entry `mimetype` says what it is,
files at its top, and `META-INF/signatures.xml` that signs each of them. What several programs could read
differently is refused, so that whoever looks into a container sees what was signed:

1. the entries follow each other from the first byte to the directory, with nothing between, before or
   behind, nor behind the end of a deflated stream; each stands in the directory as it stands in front of
   its bytes, and the end of the directory says where it begins and what it holds;
2. no entry twice; names of letters, digits, `.`, `_` and `-`; no folder but `META-INF`, no link, no comment;
3. stored or deflated, not encrypted, not in parts; in extra fields times and owners only, so none for huge
   files or for another spelling of a name;
4. no more files and no more bytes, once unpacked, than allowed.

In `META-INF` stand one signature and at most the `manifest.xml` that the standard asks some programs to
write; nothing in that is used.
"""

from __future__ import annotations

import io
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

MIMETYPE = "application/vnd.etsi.asic-e+zip"
SIGNATURES = "META-INF/signatures.xml"
MANIFEST = "META-INF/manifest.xml"
MAGIC = b"PK\x03\x04"
"""How a container begins, and no XML file does."""

_MIMETYPE = "mimetype"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_LOCAL_HEADER = 30
_DIRECTORY_HEADER = 46
_DIRECTORY_END = struct.Struct("<4sHHHHIIH")
_TIMES_AND_OWNERS = frozenset({0x000A, 0x5455, 0x7875})
"""Kinds of extra fields: NTFS times, Unix times, Unix owners."""
_KINDS_OF_FILE = (0, stat.S_IFREG)
_FOLDER = 0x10
_FLAG_DESCRIPTOR = 0x08
_FLAG_UTF8 = 0x800
_DESCRIPTORS = (12, 16)
_EPOCH = (1980, 1, 1, 0, 0, 0)
_MODE = 0o100644 << 16


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a container may hold.

    Attributes:
        files: beside the signature.
        size: bytes of all of them, once unpacked.
        signatures: bytes of the signature, once unpacked: it is parsed before anybody knows whose it is.
    """

    files: int = 100
    size: int = 256 * 1024 * 1024
    signatures: int = 4 * 1024 * 1024


class BadContainer(Exception):
    """A file that is not taken for a container.

    Attributes:
        reason: what is wrong, in English.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Container:
    """What stands in a container; nothing of it is proven yet.

    Attributes:
        files: bytes by name, at least one.
        signatures: the bytes of `META-INF/signatures.xml`.
    """

    files: Mapping[str, bytes]
    signatures: bytes


def open_container(raw: bytes, limits: Limits = Limits()) -> Container:
    """Unpack a container from outside.

    Raises:
        BadContainer: the sender's fault.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            entries = archive.infolist()
            _check_entries(entries, limits)
            _check_layout(raw, entries)
            contents = {entry.filename: _unpack(raw, entry) for entry in entries}
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, ValueError, struct.error) as error:
        raise BadContainer(f"it cannot be unpacked ({error})") from None
    if contents.pop(_MIMETYPE) != MIMETYPE.encode():
        raise BadContainer(f"the first entry, {_MIMETYPE}, must say {MIMETYPE}")
    contents.pop(MANIFEST, None)
    signatures = contents.pop(SIGNATURES, None)
    if signatures is None:
        raise BadContainer(f"{SIGNATURES} is missing")
    if not contents:
        raise BadContainer("nothing is in it beside the signature")
    return Container(contents, signatures)


def write_container(container: Container) -> bytes:
    """A container as the bytes of a file; the same content gives the same bytes.

    Raises:
        ValueError: when a file has a name that no container can have.
    """
    unfit = sorted(name for name in container.files if not _is_file(name))
    if unfit:
        raise ValueError(f"a file in a container cannot be called {unfit[0]!r}")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        _pack(archive, _MIMETYPE, MIMETYPE.encode(), zipfile.ZIP_STORED)
        for name, content in container.files.items():
            _pack(archive, name, content, zipfile.ZIP_DEFLATED)
        _pack(archive, SIGNATURES, container.signatures, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _pack(archive: zipfile.ZipFile, name: str, content: bytes, method: int) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = method
    entry.external_attr = _MODE
    archive.writestr(entry, content)


def _is_file(name: str) -> bool:
    return _NAME.fullmatch(name) is not None and name != _MIMETYPE


def _check_layout(raw: bytes, entries: list[zipfile.ZipInfo]) -> None:
    """Make sure that the entries fill the file up to the directory, and the directory the rest."""
    position = 0
    for entry in entries:
        if entry.header_offset != position:
            raise BadContainer("bytes stand between its entries")
        position = _end_of(raw, entry, position)
    size = sum(_DIRECTORY_HEADER + len(each.orig_filename) + len(each.extra) for each in entries)
    count = len(entries)
    if raw[position + size :] != _DIRECTORY_END.pack(b"PK\x05\x06", 0, 0, count, count, size, position, 0):
        raise BadContainer("its directory does not fill what is behind its entries, or says otherwise")


def _end_of(raw: bytes, entry: zipfile.ZipInfo, start: int) -> int:
    """Where an entry ends whose own header must agree with the directory."""
    header = raw[start : start + _LOCAL_HEADER]
    name_start = start + _LOCAL_HEADER
    name_end = name_start + int.from_bytes(header[26:28], "little")
    content_start = _content_start(raw, entry)
    described = bool(entry.flag_bits & _FLAG_DESCRIPTOR)
    sizes = [int.from_bytes(header[at : at + 4], "little") for at in (14, 18, 22)]
    known = [entry.CRC, entry.compress_size, entry.file_size]
    if (
        header[:4] != MAGIC
        or raw[name_start:name_end] != entry.orig_filename.encode()
        or int.from_bytes(header[6:8], "little") != entry.flag_bits
        or int.from_bytes(header[8:10], "little") != entry.compress_type
        or (sizes != known and not (described and sizes == [0, 0, 0]))
    ):
        raise BadContainer(f"{entry.filename!r} stands otherwise in the directory than before its bytes")
    _check_extra(raw[name_end:content_start])
    end = content_start + entry.compress_size
    return end if not described else _end_of_descriptor(raw, entry, end)


def _content_start(raw: bytes, entry: zipfile.ZipInfo) -> int:
    name_length, extra_length = struct.unpack_from("<HH", raw, entry.header_offset + 26)
    return int(entry.header_offset + _LOCAL_HEADER + name_length + extra_length)


def _check_extra(extra: bytes) -> None:
    if any(kind not in _TIMES_AND_OWNERS for kind in _kinds_of_extra(extra)):
        raise BadContainer("an entry has an extra field that is not for times or owners")


def _kinds_of_extra(extra: bytes) -> Iterator[int]:
    while extra:
        kind, length = struct.unpack_from("<HH", extra)
        yield kind
        extra = extra[4 + length :]


def _end_of_descriptor(raw: bytes, entry: zipfile.ZipInfo, start: int) -> int:
    known = b"".join(size.to_bytes(4, "little") for size in (entry.CRC, entry.compress_size, entry.file_size))
    for length in _DESCRIPTORS:
        if raw[start : start + length] == (b"PK\x07\x08" + known)[-length:]:
            return start + length
    raise BadContainer(f"{entry.filename!r} is followed by other sizes than the directory says")


def _check_entries(entries: list[zipfile.ZipInfo], limits: Limits) -> None:
    names = [entry.orig_filename for entry in entries]
    if not names or names[0] != _MIMETYPE or entries[0].compress_type != zipfile.ZIP_STORED:
        raise BadContainer(f"its first entry must be {_MIMETYPE}, not compressed")
    if len({name.casefold() for name in names}) != len(names):
        raise BadContainer("two entries have the same name")
    for entry in entries[1:]:
        if entry.orig_filename not in (SIGNATURES, MANIFEST) and not _is_file(entry.orig_filename):
            raise BadContainer(f"an entry cannot be called {entry.orig_filename[:128]!r}")
    for entry in entries:
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise BadContainer("an entry is compressed in another way than deflate")
        if entry.flag_bits & ~(_FLAG_DESCRIPTOR | _FLAG_UTF8 | 0x06):
            raise BadContainer("an entry is encrypted or in parts")
        if stat.S_IFMT(entry.external_attr >> 16) not in _KINDS_OF_FILE or entry.external_attr & _FOLDER:
            raise BadContainer("an entry is a folder or a link")
        if entry.comment:
            raise BadContainer("an entry has a comment")
        _check_extra(entry.extra)
    if sum(1 for entry in entries if _is_file(entry.orig_filename)) > limits.files:
        raise BadContainer(f"more than {limits.files} files are in it")
    if sum(entry.file_size for entry in entries) > limits.size:
        raise BadContainer(f"more than {limits.size} bytes are in it")
    if any(entry.file_size > limits.signatures for entry in entries if entry.orig_filename == SIGNATURES):
        raise BadContainer(f"{SIGNATURES} has more than {limits.signatures} bytes")


def _unpack(raw: bytes, entry: zipfile.ZipInfo) -> bytes:
    """The bytes of an entry; never more than its directory says, which the limits allowed."""
    start = _content_start(raw, entry)
    content = raw[start : start + entry.compress_size]
    if entry.compress_type == zipfile.ZIP_DEFLATED:
        content = _inflate(content, entry)
    if len(content) != entry.file_size or zlib.crc32(content) != entry.CRC:
        raise BadContainer(f"{entry.filename!r} holds other bytes than the directory says")
    return content


def _inflate(packed: bytes, entry: zipfile.ZipInfo) -> bytes:
    """As `zipfile` does, which however would not mind a longer stream, or bytes behind its end."""
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    content = stream.decompress(packed, entry.file_size + 1)
    if not stream.eof or stream.unused_data:
        raise BadContainer(f"{entry.filename!r} does not end where the directory says")
    return content
