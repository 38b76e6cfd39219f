"""Containers that are none, hold too much, or can be read in two ways."""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Callable

from lxml import etree

from gateway.names import Extension
from tests.vectors.hostile import Make, Shelf
from tests.vectors.hostile.forging import Forger

SHELF = Shelf()
CONTAINER = "FILE-CONTAINER"

Files = list[tuple[zipfile.ZipInfo, bytes]]


def _add(name: str, make: Make, *codes: str) -> None:
    SHELF.add(f"container_{name}", make, *codes, title=lambda f: f.title(Extension.ASICE))


def packed(forger: Forger, change: Callable[[Files], object]) -> bytes:
    """A good container packed again after a change."""
    with zipfile.ZipFile(io.BytesIO(forger.boxed())) as archive:
        files = [(entry, archive.read(entry)) for entry in archive.infolist()]
    change(files)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for entry, content in files:
            archive.writestr(entry, content)
    return out.getvalue()


def entry(name: str, mode: int = stat.S_IFREG | 0o644, method: int = zipfile.ZIP_STORED) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    made.external_attr = mode << 16
    made.compress_type = method
    return made


def with_file(name: str, content: bytes = b"x", mode: int = stat.S_IFREG | 0o644) -> Make:
    return lambda f: packed(f, lambda files: files.append((entry(name, mode), content)))


_NAMES = {
    "climbing": "../evil.xml",
    "absolute": "/etc/passwd",
    "of_windows": "..\\evil.xml",
    "with_a_drive": "C:evil.xml",
    "in_a_folder": "folder/evil.xml",
    "beginning_with_a_dot": ".htaccess",
    "with_a_space": "a b.xml",
    "with_a_line_end": "a\nb.xml",
    "with_an_accent": "é.xml",
    "with_a_mark_of_direction": "a\u202elmx.xml",
    "very_long": "a" * 300 + ".xml",
    "a_second_signature": "META-INF/signatures2.xml",
    "a_manifest_of_java": "META-INF/MANIFEST.MF",
}
for _name, _text in _NAMES.items():
    _add(f"with_a_name_{_name}", with_file(_text), CONTAINER)
_add("with_a_link", with_file("link.xml", b"/etc/passwd", stat.S_IFLNK | 0o777), CONTAINER)
_add("with_a_folder", with_file("folder/", b"", stat.S_IFDIR | 0o755), CONTAINER)
_add("with_a_device", with_file("device.xml", b"", stat.S_IFCHR | 0o644), CONTAINER)
_add("with_an_unsigned_file", with_file("more.JPG"), "SIG-PROFILE")
_add("with_an_unsigned_batch", with_file("DECSAL2.xml"), "SIG-PROFILE")
_add(
    "with_many_files",
    lambda f: packed(f, lambda files: files.extend((entry(f"a{n}"), b"") for n in range(200))),
    CONTAINER,
)
_add(
    "with_a_name_twice",
    lambda f: packed(f, lambda files: files.append((entry("DECSAL.xml"), b"x"))),
    CONTAINER,
)
_add(
    "with_a_name_twice_in_small_letters",
    lambda f: packed(f, lambda files: files.append((entry("decsal.XML"), b"x"))),
    CONTAINER,
)
_add("without_mimetype", lambda f: packed(f, lambda files: files.pop(0)), CONTAINER)
_add(
    "with_another_mimetype",
    lambda f: packed(f, lambda files: files.__setitem__(0, (entry("mimetype"), b"application/zip"))),
    CONTAINER,
)
_add("with_mimetype_second", lambda f: packed(f, lambda files: files.insert(1, files.pop(0))), CONTAINER)
_add("without_signature", lambda f: packed(f, lambda files: files.pop()), CONTAINER)
_add("without_files", lambda f: packed(f, lambda files: files.pop(1)), CONTAINER)
_add("with_something_in_front", lambda f: b"PK\x03\x04" + f.boxed(), CONTAINER)
_add("with_something_behind", lambda f: f.boxed() + b"x", CONTAINER)
_add("cut", lambda f: f.boxed()[:-30], CONTAINER)
_add("without_directory", lambda f: f.boxed().split(b"PK\x01\x02")[0], CONTAINER)
_add("twice", lambda f: f.boxed() + f.boxed(), CONTAINER)
_add("with_a_comment", lambda f: f.boxed()[:-2] + b"\x01\x00x", CONTAINER)
_add(
    "with_a_changed_file",
    lambda f: packed(f, lambda files: files.__setitem__(1, (files[1][0], files[1][1] + b" "))),
    "SIG-BROKEN",
)
_add(
    "with_two_batches",
    lambda f: f.boxed({"DECSAL.xml": etree.tostring(f.plain()), "DECAFF.xml": b"<x/>"}),
    CONTAINER,
)
_add("with_no_batch", lambda f: f.boxed({"a.JPG": f.wages()[0]["Reference"].encode()}), CONTAINER)
_add("with_a_signed_batch", lambda f: f.boxed({"DECSAL.xml": f.good()}), "SIG-PLACE")
_add(
    "with_a_strange_attachment",
    lambda f: f.boxed({"DECSAL.xml": etree.tostring(f.plain()), "a.EXE": b"MZ"}),
    "FILE-ATTACHMENT",
)
_add("with_a_broken_dta", lambda f: f.boxed({"DECSAL.dta": f.wages()[0]["Reference"].encode()}), "FILE-DTA")
_add(
    "with_a_document_type",
    lambda f: f.boxed({"DECSAL.xml": b"<!DOCTYPE x>" + etree.tostring(f.plain())}),
    "FILE-DTD",
)
_add(
    "with_what_is_no_xml",
    lambda f: f.boxed({"DECSAL.xml": f.wages()[0]["Reference"].encode()}),
    "FILE-NOT-XML",
)


def bomb(forger: Forger) -> bytes:
    """280 megabytes in 280 kilobytes."""
    return packed(
        forger,
        lambda files: files.append((entry("bomb.xml", method=zipfile.ZIP_DEFLATED), bytes(280_000_000))),
    )


_add("that_is_a_bomb", bomb, CONTAINER)


def lying(forger: Forger) -> bytes:
    """Says that a file has four bytes."""
    raw = bytearray(forger.boxed())
    at = raw.rfind(b"PK\x01\x02")
    raw[at + 24 : at + 28] = (4).to_bytes(4, "little")
    return bytes(raw)


_add("that_lies_about_sizes", lying, CONTAINER)


def flagged(bit: int) -> Make:
    def make(forger: Forger) -> bytes:
        raw = bytearray(forger.boxed())
        for sign, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            at = raw.rfind(sign)
            raw[at + offset] |= bit
        return bytes(raw)

    return make


_add("that_is_encrypted", flagged(1), CONTAINER)
_add("that_is_patched", flagged(0x20), CONTAINER)


def method(number: int) -> Make:
    def make(forger: Forger) -> bytes:
        raw = bytearray(forger.boxed())
        for sign, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
            at = raw.rfind(sign)
            raw[at + offset] = number
        return bytes(raw)

    return make


_add("packed_with_bzip2", method(12), CONTAINER)
_add("packed_with_lzma", method(14), CONTAINER)
_add("packed_with_nothing_known", method(99), CONTAINER)
