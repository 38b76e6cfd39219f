"""Signed containers: files that cannot hold a signature, with one over all of them.

ASiC (ETSI EN 319 162-1): a ZIP file whose first entry `mimetype` says what it is, files at its top, and one
signature in `META-INF`. Of the standard's forms we take four:

* ASiC-E with XAdES: any number of files, `META-INF/signatures.xml` signs each of them;
* ASiC-E with CAdES: `META-INF/ASiCManifest*.xml` holds the digest of each, `META-INF/signature*.p7s` signs
  that manifest;
* ASiC-S: one file, which `META-INF/signatures.xml` (XAdES) or `META-INF/signature*.p7s` (CAdES) signs.

What several programs could read differently is refused, so that whoever looks into a container sees what was
signed:

1. the entries follow each other from the first byte to the directory, with nothing between, before or
   behind, nor behind the end of a deflated stream; each stands in the directory as it stands in front of
   its bytes, and the end of the directory says where it begins and what it holds;
2. no entry twice; names of letters, digits, `.`, `_` and `-`; no folder but `META-INF`, no link, no comment;
3. stored or deflated, not encrypted, not in parts; in extra fields times and owners only, so none for huge
   files or for another spelling of a name;
4. no more entries, files and bytes, once unpacked, than allowed, and not many times more than packed.

In `META-INF` stand one signature, the manifest of ASiC-E with CAdES, and at most the `manifest.xml` that the
standard asks some programs to write; nothing in that is used.
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
from enum import StrEnum

MIMETYPE = "application/vnd.etsi.asic-e+zip"
MIMETYPE_OF_ONE = "application/vnd.etsi.asic-s+zip"
SIGNATURES = "META-INF/signatures.xml"
MANIFEST = "META-INF/manifest.xml"
MAGIC = b"PK\x03\x04"
"""How a container begins, and no XML file does."""
CMS_SIGNATURE = "META-INF/signature.p7s"
ASIC_MANIFEST = "META-INF/ASiCManifest.xml"

_MIMETYPE = "mimetype"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_SIGNATURE_NAME = re.compile(r"META-INF/(signatures\.xml|signature[A-Za-z0-9_-]{0,32}\.p7s)")
_MANIFEST_NAME = re.compile(r"META-INF/ASiCManifest[A-Za-z0-9_-]{0,32}\.xml")
_LOCAL_HEADER = 30
_DIRECTORY_HEADER = 46
_DIRECTORY_END = struct.Struct("<4sHHHHIIH")
_DIRECTORY_END_MAGIC = b"PK\x05\x06"
_LARGEST_DIRECTORY_ENTRY = 512
"""Bytes of an entry in the directory: its header, the longest name we take, times and owners."""
_ENTRIES_BESIDE = 4
"""Entries beside the files: `mimetype`, a signature, a manifest, `manifest.xml`."""
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
        ratio: how many times more bytes may be unpacked than were packed.
        unmeasured: bytes up to which the ratio does not matter.
        signatures: bytes of what stands in `META-INF`, once unpacked, each: it is parsed before anybody knows
            whose it is.
    """

    files: int = 100
    size: int = 256 * 1024 * 1024
    ratio: int = 200
    unmeasured: int = 1024 * 1024
    signatures: int = 4 * 1024 * 1024


class BadContainer(Exception):
    """A file that is not taken for a container.

    Attributes:
        reason: what is wrong, in English.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Kind(StrEnum):
    """What a container says it is, in its first entry."""

    ONE = MIMETYPE_OF_ONE
    """ASiC-S: for one file."""
    SEVERAL = MIMETYPE
    """ASiC-E: for any number of files."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is signed in the place of the files, in ASiC-E with CAdES.

    Attributes:
        name: of its entry.
        content: its bytes.
    """

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Container:
    """What stands in a container; nothing of it is proven yet.

    Attributes:
        files: bytes by name, at least one.
        signatures: the bytes of the signature: XML, or CMS.
        signature_name: of its entry; that of CMS ends with `.p7s`.
        manifest: where the signature is CMS over several files.
        kind: for one or for several files.
    """

    files: Mapping[str, bytes]
    signatures: bytes
    signature_name: str = SIGNATURES
    manifest: Manifest | None = None
    kind: Kind = Kind.SEVERAL

    @property
    def is_cms(self) -> bool:
        return self.signature_name != SIGNATURES


def open_container(raw: bytes, limits: Limits = Limits()) -> Container:
    """Unpack a container from outside.

    Raises:
        BadContainer: the sender's fault.
    """
    _check_end(raw, limits)
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            entries = archive.infolist()
            _check_entries(entries, limits)
            _check_layout(raw, entries)
            contents = {entry.filename: _unpack(raw, entry) for entry in entries}
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, ValueError, struct.error) as error:
        raise BadContainer(f"it cannot be unpacked ({error})") from None
    return _sorted(contents)


def _sorted(contents: dict[str, bytes]) -> Container:
    """What the entries of a container are, by their names."""
    kind = _kind(contents.pop(_MIMETYPE))
    contents.pop(MANIFEST, None)
    signatures = [name for name in contents if _SIGNATURE_NAME.fullmatch(name)]
    manifests = [name for name in contents if _MANIFEST_NAME.fullmatch(name)]
    if len(signatures) != 1:
        found = ", ".join(signatures) or "none"
        raise BadContainer(f"{SIGNATURES} or one META-INF/signature*.p7s holds its signature; found: {found}")
    signature = contents.pop(signatures[0])
    manifest = [Manifest(name, contents.pop(name)) for name in manifests]
    if not contents:
        raise BadContainer("nothing is in it beside the signature")
    if kind is Kind.ONE and len(contents) > 1:
        raise BadContainer("an ASiC-S container holds one file; several come in ASiC-E")
    needed = int(kind is Kind.SEVERAL and signatures[0] != SIGNATURES)
    if len(manifest) != needed:
        raise BadContainer(f"{needed} META-INF/ASiCManifest*.xml is due in this form of container")
    return Container(contents, signature, signatures[0], manifest[0] if manifest else None, kind)


def _kind(mimetype: bytes) -> Kind:
    try:
        return Kind(mimetype.decode())
    except ValueError:
        raise BadContainer(f"the first entry, {_MIMETYPE}, must say {Kind.SEVERAL} or {Kind.ONE}") from None


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
        _pack(archive, _MIMETYPE, container.kind.encode(), zipfile.ZIP_STORED)
        for name, content in container.files.items():
            _pack(archive, name, content, zipfile.ZIP_DEFLATED)
        if container.manifest is not None:
            _pack(archive, container.manifest.name, container.manifest.content, zipfile.ZIP_DEFLATED)
        _pack(archive, container.signature_name, container.signatures, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _pack(archive: zipfile.ZipFile, name: str, content: bytes, method: int) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = method
    entry.external_attr = _MODE
    archive.writestr(entry, content)


def _is_file(name: str) -> bool:
    return _NAME.fullmatch(name) is not None and name != _MIMETYPE


def _check_end(raw: bytes, limits: Limits) -> None:
    """Refuse a directory of more entries than allowed before any of them is read."""
    start = len(raw) - _DIRECTORY_END.size
    if start < 0 or not raw.endswith(b"\0\0"):
        raise BadContainer("it does not end with its directory")
    magic, _, _, _, count, size, _, _ = _DIRECTORY_END.unpack_from(raw, start)
    if magic != _DIRECTORY_END_MAGIC:
        raise BadContainer("it does not end with its directory")
    most = limits.files + _ENTRIES_BESIDE
    if count > most or size > most * _LARGEST_DIRECTORY_ENTRY:
        raise BadContainer(f"more than {most} entries are in it")


def _is_beside(name: str) -> bool:
    """Whether an entry stands in `META-INF`, and may."""
    return name == MANIFEST or bool(_SIGNATURE_NAME.fullmatch(name) or _MANIFEST_NAME.fullmatch(name))


def _check_layout(raw: bytes, entries: list[zipfile.ZipInfo]) -> None:
    """Make sure that the entries fill the file up to the directory, and the directory the rest."""
    position = 0
    for entry in entries:
        if entry.header_offset != position:
            raise BadContainer("bytes stand between its entries")
        position = _end_of(raw, entry, position)
    size = sum(_DIRECTORY_HEADER + len(each.orig_filename) + len(each.extra) for each in entries)
    count = len(entries)
    due = _DIRECTORY_END.pack(_DIRECTORY_END_MAGIC, 0, 0, count, count, size, position, 0)
    if raw[position + size :] != due:
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
        if not (_is_beside(entry.orig_filename) or _is_file(entry.orig_filename)):
            raise BadContainer(f"an entry cannot be called {entry.orig_filename[:128]!r}")
    for entry in entries:
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise BadContainer("an entry is compressed in another way than deflate")
        if entry.volume or entry.flag_bits & ~(_FLAG_DESCRIPTOR | _FLAG_UTF8 | 0x06):
            raise BadContainer("an entry is encrypted or in parts")
        if stat.S_IFMT(entry.external_attr >> 16) not in _KINDS_OF_FILE or entry.external_attr & _FOLDER:
            raise BadContainer("an entry is a folder or a link")
        if entry.comment:
            raise BadContainer("an entry has a comment")
        _check_extra(entry.extra)
    if sum(1 for entry in entries if _is_file(entry.orig_filename)) > limits.files:
        raise BadContainer(f"more than {limits.files} files are in it")
    _check_sizes(entries, limits)


def _check_sizes(entries: list[zipfile.ZipInfo], limits: Limits) -> None:
    """By what the directory says; that the bytes keep to it is checked as they are unpacked."""
    size = sum(entry.file_size for entry in entries)
    if size > limits.size:
        raise BadContainer(f"more than {limits.size} bytes are in it")
    if size > max(limits.unmeasured, limits.ratio * sum(entry.compress_size for entry in entries)):
        raise BadContainer(f"it would unpack to more than {limits.ratio} times its bytes")
    for entry in entries:
        if _is_beside(entry.orig_filename) and entry.file_size > limits.signatures:
            raise BadContainer(f"{entry.orig_filename} has more than {limits.signatures} bytes")


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
