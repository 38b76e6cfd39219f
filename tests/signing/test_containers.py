"""Containers: what we pack opens elsewhere; what could be read in two ways is refused."""

from __future__ import annotations

import io
import struct
import subprocess
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from workshop import AT, XADES, certificate, element, pem, references, signature, signer

from signing.container import (
    MANIFEST,
    MIMETYPE,
    SIGNATURES,
    BadContainer,
    Container,
    Limits,
    open_container,
    write_container,
)
from signing.parse import Unreadable, parse
from signing.profile import ASIC, BadSignature, Flaw, examine_container
from signing.verify import ForeignSeal, VerifiedFiles, verify_container, verify_sealed_container
from tests.tools import tool

FILES = {
    "DECSAL.dta": b"0;2099990001299;999999\r\n1;2099990001299;1893120105732\r\n",
    "CARTID189312010.2099990001299_999999.JPG": b"\xff\xd8\xff\xe0 a picture \xff\xd9",
}
Edit = Callable[[etree._Element], None]


def packed(files: Mapping[str, bytes] = FILES, name: str = "p256") -> bytes:
    return signer(name).sign_container(files, AT)


def accept(raw: bytes, name: str = "p256") -> VerifiedFiles:
    container = open_container(raw)
    claim = examine_container(parse(container.signatures), container.files)
    return verify_container(claim, certificate(name), container.files)


def flaw(raw: bytes) -> Flaw | None:
    try:
        accept(raw)
    except BadSignature as no:
        return no.kind
    return None


def repacked(
    edit: Edit | None = None, files: Mapping[str, bytes] = FILES, signed: Mapping[str, bytes] = FILES
) -> bytes:
    """A container whose signature was edited, or that holds other files than were signed."""
    root = parse(open_container(packed(signed)).signatures)
    if edit is not None:
        edit(root)
    return write_container(Container(files, etree.tostring(root)))


def zipped(*entries: tuple[str, bytes], stored: bool = True, comment: bytes = b"") -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(zipfile.ZipInfo(name), content)
        archive.comment = comment
    return raw.getvalue()


HEAD = ("mimetype", MIMETYPE.encode())
TAIL = (SIGNATURES, b"<signatures/>")
ONE = ("DECSAL.dta", b"0;2099990001299;999999\r\n")


@pytest.mark.parametrize("kind", ["rsa", "p256"])
def test_what_we_pack_opens_here(kind: str) -> None:
    verified = accept(packed(name=kind), kind)
    assert verified.files == FILES
    assert verified.signed_at == AT


def test_what_we_pack_opens_with_another_program_and_xmlsec1_confirms_it(tmp_path: Path) -> None:
    (tmp_path / "box.zip").write_bytes(packed())
    (tmp_path / "seal.pem").write_bytes(pem(certificate("p256")))
    subprocess.run([tool("unzip"), "-q", "box.zip"], cwd=tmp_path, check=True)
    assert (tmp_path / "DECSAL.dta").read_bytes() == FILES["DECSAL.dta"]
    command = [tool("xmlsec1"), "--verify", "--pubkey-cert-pem", "seal.pem", "--enabled-key-data", "key-name"]
    command += ["--id-attr:Id", "http://uri.etsi.org/01903/v1.3.2#:SignedProperties", SIGNATURES]
    assert subprocess.run(command, cwd=tmp_path, check=False, capture_output=True).returncode == 0
    (tmp_path / "DECSAL.dta").write_bytes(FILES["DECSAL.dta"] + b"x")
    assert subprocess.run(command, cwd=tmp_path, check=False, capture_output=True).returncode != 0


@given(
    st.dictionaries(
        st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,30}", fullmatch=True).filter(lambda n: n != "mimetype"),
        st.binary(max_size=300),
        min_size=1,
        max_size=5,
    ).filter(lambda files: len({name.casefold() for name in files}) == len(files))
)
def test_whatever_is_packed_comes_back(files: dict[str, bytes]) -> None:
    assert accept(packed(files)).files == files


ONE_PACKED = packed({"DECSAL.dta": FILES["DECSAL.dta"]})


@given(st.integers(0, len(ONE_PACKED) - 1), st.integers(1, 255))
def test_a_changed_byte_never_changes_what_is_accepted(place: int, by: int) -> None:
    raw = bytearray(ONE_PACKED)
    raw[place] ^= by
    try:
        files = accept(bytes(raw)).files
    except (BadContainer, BadSignature, Unreadable):
        return
    assert files == {"DECSAL.dta": FILES["DECSAL.dta"]}  # it was a date or a right of the entry


def test_a_changed_file_is_broken() -> None:
    assert flaw(repacked(files={**FILES, "DECSAL.dta": b"0;2099990001299;999998\r\n"})) is Flaw.BROKEN


def test_a_file_more_or_less_is_refused() -> None:
    assert flaw(repacked(files={**FILES, "more.JPG": b"x"})) is Flaw.PROFILE
    assert flaw(repacked(files={"DECSAL.dta": FILES["DECSAL.dta"]})) is Flaw.PROFILE


def test_two_files_that_changed_names_are_broken() -> None:
    assert flaw(repacked(files=dict(zip(FILES, reversed(FILES.values()), strict=True)))) is Flaw.BROKEN


def test_control_a_container_packed_again_is_accepted() -> None:
    assert flaw(repacked()) is None


def test_a_file_that_looks_like_signed_properties_does_not_stand_for_them() -> None:
    root = parse(open_container(packed()).signatures)
    later = next(root.iter(f"{XADES}SignedProperties"))
    next(later.iter(f"{XADES}SigningTime")).text = "2031-01-01T00:00:00Z"
    assert accept(packed({"a.xml": etree.tostring(later)})).signed_at == AT


def _two_signatures(root: etree._Element) -> None:
    root.append(parse(etree.tostring(signature(root))))


def _elsewhere(root: etree._Element) -> None:
    references(signature(root))[0].set("URI", "https://example.org/DECSAL.dta")


def _with_transform(root: etree._Element) -> None:
    transform = element("Transform", Algorithm="http://www.w3.org/2000/09/xmldsig#base64")
    transforms = element("Transforms")
    transforms.append(transform)
    references(signature(root))[0].insert(0, transforms)


def _twice(root: etree._Element) -> None:
    first = references(signature(root))[0]
    first.addnext(parse(etree.tostring(first)))


def _other_root(root: etree._Element) -> None:
    root.tag = f"{{{ASIC}}}Signatures"


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (_two_signatures, Flaw.PLACE),
        (_elsewhere, Flaw.PROFILE),
        (_with_transform, Flaw.PROFILE),
        (_twice, Flaw.PROFILE),
        (_other_root, Flaw.PLACE),
        (lambda root: root.remove(signature(root)), Flaw.MISSING),
    ],
)
def test_a_signature_outside_the_profile(edit: Edit, expected: Flaw) -> None:
    assert flaw(repacked(edit)) is expected


def test_control_the_layout_of_these_tests_is_taken() -> None:
    assert open_container(zipped(HEAD, ONE, TAIL)).files == dict([ONE])
    assert open_container(zipped(HEAD, ONE, TAIL, (MANIFEST, b"<m/>"))).files == dict([ONE])


def _descriptors() -> bytes:
    """As programs write that do not know the sizes beforehand."""

    class Stream(io.RawIOBase):
        def __init__(self) -> None:
            self.written = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, some: bytes) -> int:  # type: ignore[override]
            self.written += some
            return len(some)

    stream = Stream()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in (HEAD, ONE, TAIL):
            archive.writestr(zipfile.ZipInfo(name), content)
    return bytes(stream.written)


def test_sizes_behind_the_bytes_are_taken() -> None:
    assert open_container(_descriptors()).files == dict([ONE])


def _renamed_in_front(raw: bytes) -> bytes:
    return raw.replace(b"DECSAL.dta", b"DECSAL.dtb", 1)


def _encrypted(raw: bytes) -> bytes:
    for magic, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = raw.index(b"DECSAL.dta", 0 if magic[2] == 3 else raw.index(b"PK\x01\x02"))
        start = raw.rindex(magic, 0, place)
        raw = raw[: start + at] + bytes([raw[start + at] | 1]) + raw[start + at + 1 :]
    return raw


HOSTILE = {
    "nothing": b"",
    "no zip": b"PK\x03\x04 but not really",
    "cut off": zipped(HEAD, ONE, TAIL)[:-5],
    "something in front": b"%PDF-1.7\n" + zipped(HEAD, ONE, TAIL),
    "something behind": zipped(HEAD, ONE, TAIL) + b"%%EOF",
    "a comment": zipped(HEAD, ONE, TAIL, comment=b"<html>"),
    "two containers": zipped(HEAD, ONE, TAIL) * 2,
    "no mimetype": zipped(ONE, TAIL),
    "mimetype later": zipped(ONE, HEAD, TAIL),
    "another mimetype": zipped(("mimetype", b"application/epub+zip"), ONE, TAIL),
    "no signature": zipped(HEAD, ONE),
    "no file": zipped(HEAD, TAIL),
    "another name before the bytes": _renamed_in_front(zipped(HEAD, ONE, TAIL)),
    "encrypted": _encrypted(zipped(HEAD, ONE, TAIL)),
    "the same name but for case": zipped(HEAD, ONE, ("decsal.DTA", b"other"), TAIL),
    "in a folder": zipped(HEAD, ("in/DECSAL.dta", b"x"), TAIL),
    "above": zipped(HEAD, ("../DECSAL.dta", b"x"), TAIL),
    "absolute": zipped(HEAD, ("/etc/passwd", b"x"), TAIL),
    "a folder": zipped(HEAD, ("folder/", b""), ONE, TAIL),
    "a hidden file": zipped(HEAD, (".DECSAL.dta", b"x"), TAIL),
    "a blank in the name": zipped(HEAD, ("DECSAL .dta", b"x"), TAIL),
    "a second signature file": zipped(HEAD, ONE, TAIL, ("META-INF/signatures2.xml", b"<s/>")),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_containers_are_refused(name: str) -> None:
    with pytest.raises(BadContainer):
        open_container(HOSTILE[name])


Raw = tuple[bytes, bytes, int, int]
"""An entry as it lies in a container: name, packed bytes, size unpacked, checksum."""


def _deflated(content: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(content) + stream.flush()


def _raw(name: str, content: bytes, packed: bytes | None = None) -> Raw:
    return name.encode(), _deflated(content) if packed is None else packed, len(content), zlib.crc32(content)


def by_hand(
    middle: Raw | None = None,
    *,
    front: bytes = b"",
    extra: bytes = b"",
    remark: bytes = b"",
    attributes: int = 0,
    behind: bytes = b"",
    count: int = 3,
    shift: int = 0,
    end_shift: int = 0,
) -> bytes:
    """A container written field by field, to say what no packing program would.

    Args:
        middle: the entry that is told about in the other arguments, deflated.
        front, extra: extra fields in front of its bytes, and in the directory.
        remark, attributes: of it in the directory.
        behind: the directory.
        count, shift, end_shift: what the directory's end says, and how far all offsets and its own are off.
    """
    body = directory = b""
    entries = [_raw(*HEAD, packed=HEAD[1]), middle or _raw(*ONE), _raw(*TAIL, packed=TAIL[1])]
    for place, (name, packed, size, checksum) in enumerate(entries):
        mine = place == 1
        method, one_front = (8, front) if mine else (0, b"")
        one_extra, one_remark, mode = (extra, remark, attributes) if mine else (b"", b"", 0)
        sizes = struct.pack("<HHHIII", method, 0, 33, checksum, len(packed), size)
        directory += struct.pack("<4sHHH", b"PK\x01\x02", 20, 20, 0) + sizes
        directory += struct.pack(
            "<HHHHHII", len(name), len(one_extra), len(one_remark), 0, 0, mode, len(body) + shift
        )
        directory += name + one_extra + one_remark
        body += struct.pack("<4sHH", b"PK\x03\x04", 20, 0) + sizes
        body += struct.pack("<HH", len(name), len(one_front)) + name + one_front + packed
    directory += behind
    start = len(body) + shift + end_shift
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, count, count, len(directory), start, 0)
    return body + directory + end


def _other_name(name: bytes) -> bytes:
    """The extra field in which some programs look for the right spelling of a name."""
    return struct.pack("<HHBI", 0x7075, 5 + len(name), 1, zlib.crc32(ONE[0].encode())) + name


def _huge_end() -> bytes:
    """The directory's end a second time, as files of more than four gigabytes have it; zipfile prefers it."""
    plain = by_hand()
    size, start = struct.unpack("<II", plain[-10:-2])
    huge = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, 3, 3, size, start)
    return huge + struct.pack("<4sIQI", b"PK\x06\x07", 0, start + size, 1)


TIMES = struct.pack("<HHBI", 0x5455, 5, 1, 0)

READ_DIFFERENTLY = {
    "all offsets are beyond": by_hand(shift=7),
    "the directory is said to begin elsewhere": by_hand(end_shift=46),
    "fewer entries than there are": by_hand(count=2),
    "a second end of the directory": by_hand(behind=_huge_end(), end_shift=-7),
    "bytes behind the directory": by_hand(behind=b"PK\x05\x05\0\0"),
    "a comment": by_hand(remark=b"PK\x01\x02"),
    "another name in the directory": by_hand(extra=_other_name(b"x.exe")),
    "another name in front": by_hand(front=_other_name(b"x.exe")),
    "an extra field cut off": by_hand(front=b"\x55\x54\x05"),
    "a link": by_hand(attributes=0o120777 << 16),
    "a folder": by_hand(attributes=0x10),
    "a stream longer than said": by_hand(_raw(*ONE, packed=_deflated(ONE[1] + b"1;more"))),
    "a stream shorter than said": by_hand(_raw(*ONE, packed=_deflated(ONE[1][:-1]))),
    "bytes behind the stream": by_hand(_raw(*ONE, packed=_deflated(ONE[1]) + b"hidden")),
    "a stream without end": by_hand(_raw(*ONE, packed=_deflated(ONE[1])[:-1])),
    "another checksum": by_hand((*_raw(*ONE)[:3], 1)),
}


@pytest.mark.parametrize("name", READ_DIFFERENTLY)
def test_what_two_programs_would_unpack_differently_is_refused(name: str) -> None:
    with pytest.raises(BadContainer):
        open_container(READ_DIFFERENTLY[name])


def test_control_a_container_written_by_hand_is_taken() -> None:
    for raw in (by_hand(), by_hand(front=TIMES, extra=TIMES), by_hand(attributes=0o100644 << 16)):
        assert open_container(raw).files == dict([ONE])


def test_a_signature_of_more_bytes_than_allowed_is_refused_before_it_is_unpacked() -> None:
    raw = zipped(HEAD, ONE, (SIGNATURES, bytes(1_000_000)), stored=False)
    with pytest.raises(BadContainer, match=r"signatures\.xml has more than"):
        open_container(raw, Limits(signatures=999_999))


def test_the_same_name_twice_is_refused() -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        raw = zipped(HEAD, ONE, ONE, TAIL)
    with pytest.raises(BadContainer, match="same name"):
        open_container(raw)


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    raw = packed({"DECSAL.dta": bytes(5_000_000)})
    assert len(raw) < 20_000
    with pytest.raises(BadContainer, match="more than 1000000 bytes"):
        open_container(raw, Limits(size=1_000_000))


def test_a_bomb_that_lies_about_its_size_is_refused() -> None:
    raw = packed({"DECSAL.dta": bytes(5_000_000)})
    lying = raw.replace((5_000_000).to_bytes(4, "little"), (50).to_bytes(4, "little"))
    assert lying != raw
    with pytest.raises(BadContainer, match="does not end where"):
        open_container(lying)


def test_too_many_files_are_refused() -> None:
    files = {f"{number}.JPG": b"" for number in range(5)}
    assert len(open_container(packed(files), Limits(files=5)).files) == 5
    with pytest.raises(BadContainer, match="more than 4 files"):
        open_container(packed(files), Limits(files=4))


def test_the_seal_of_a_container_is_the_gateways() -> None:
    assert verify_sealed_container(packed(), [certificate("p256")]).files == FILES
    with pytest.raises(ForeignSeal):
        verify_sealed_container(packed(name="rsa"), [certificate("p256")])


@pytest.mark.parametrize("name", ["", "mimetype", "a/b", ".hidden", "blank here", "é", "x" * 129])
def test_a_name_that_no_container_can_have(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be called"):
        packed({name: b"x"})


def test_nothing_cannot_be_signed() -> None:
    with pytest.raises(ValueError, match="nothing"):
        packed({})
