"""CMS signatures beside what they sign (SR-3, SR-4): what others write is taken, one defect is not."""

from __future__ import annotations

import io
import subprocess
import zipfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from workshop import AT, authority, certificate, key, pem

from signing import cms, detached
from signing.container import BadContainer, Limits, open_container
from signing.parse import Unreadable
from signing.profile import BadSignature, Flaw
from signing.verify import VerifiedFiles
from tests.tools import tool
from tests.vectors.containers.building import Hand, manifest, of_several, reference, signature
from tests.vectors.containers.hostile import GOOD, HOSTILE, NAME, Scene, one_file, several_files

BATCH = b"0;2099990001299;999999\r\n1;2099990001299;1893120105732\r\n"
FLAWS = {
    "SIG-MISSING": Flaw.MISSING,
    "SIG-PLACE": Flaw.PLACE,
    "SIG-PROFILE": Flaw.PROFILE,
    "SIG-BROKEN": Flaw.BROKEN,
}
OF_THE_COUNTER = {"SIG-CERTIFICATE-UNKNOWN", "SIG-SENDER"}
"""Codes for what only the register of keys can tell; the signature itself is right."""
NESTED = "a_container_in_the_container"
"""Refused by the counter: our own evidence may well hold containers."""


def hand(name: str = "p256") -> Hand:
    return Hand(key(name), certificate(name))


SCENE = Scene(hand(), hand("other p256"), hand("third p256"), BATCH)


def accept(raw: bytes, name: str = "p256") -> VerifiedFiles:
    return detached.verify(detached.examine(open_container(raw)), certificate(name))


def openssl(folder: Path, name: str, content: bytes, *options: str) -> bytes:
    """What the command writes."""
    (folder / "batch").write_bytes(content)
    (folder / "cert.pem").write_bytes(pem(certificate(name)))
    (folder / "root.pem").write_bytes(pem(authority().certificate))
    private = key(name).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(private)
    command = [tool("openssl"), "cms", "-sign", "-binary", "-in", "batch", "-outform", "DER"]
    command += ["-signer", "cert.pem", "-inkey", "key.pem", *options]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True).stdout


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("p256", []),
        ("p256", ["-md", "sha384"]),
        ("p384", ["-md", "sha384"]),
        ("rsa", []),
        ("rsa", ["-md", "sha512"]),
        ("rsa", ["-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:32"]),
        ("p256", ["-nosmimecap", "-certfile", "root.pem"]),
    ],
)
def test_what_openssl_signs_is_right(tmp_path: Path, name: str, options: list[str]) -> None:
    claim = cms.examine(openssl(tmp_path, name, BATCH, "-cades", *options))
    claim.check(certificate(name), BATCH)
    assert claim.chain == ((authority().certificate,) if "-certfile" in options else ())
    with pytest.raises(BadSignature) as no:
        claim.check(certificate(name), BATCH + b" ")
    assert no.value.kind is Flaw.BROKEN


@pytest.mark.parametrize(
    "options",
    [[], ["-cades", "-nodetach"], ["-cades", "-keyid"], ["-cades", "-nocerts"], ["-cades", "-stream"]],
)
def test_what_openssl_signs_otherwise_is_outside_the_profile(tmp_path: Path, options: list[str]) -> None:
    sealed = openssl(tmp_path, "p256", BATCH, *options)
    with pytest.raises(BadSignature) as no:
        cms.examine(sealed)
    assert no.value.kind is (Flaw.PLACE if "-nodetach" in options else Flaw.PROFILE)


def test_what_we_build_here_is_right_for_openssl(tmp_path: Path) -> None:
    """The control of the vectors: what a forger would sign is CMS to others as well."""
    (tmp_path / "batch").write_bytes(BATCH)
    (tmp_path / "signature").write_bytes(signature(BATCH, SCENE.member))
    (tmp_path / "root.pem").write_bytes(pem(authority().certificate))
    command = [tool("openssl"), "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", "signature"]
    command += ["-content", "batch", "-CAfile", "root.pem", "-purpose", "any", "-out", "/dev/null"]
    assert subprocess.run(command, cwd=tmp_path, check=False, capture_output=True).returncode == 0
    (tmp_path / "batch").write_bytes(BATCH + b"x")
    assert subprocess.run(command, cwd=tmp_path, check=False, capture_output=True).returncode != 0


@pytest.mark.parametrize("vector", GOOD)
def test_a_good_container_is_taken(vector: str) -> None:
    verified = accept(GOOD[vector](SCENE))
    assert (verified.files, verified.signed_at) == ({NAME: BATCH}, AT)


@pytest.mark.parametrize("vector", sorted(HOSTILE.keys() - {NESTED}))
def test_a_container_with_one_defect_is_refused(vector: str) -> None:
    code, make = HOSTILE[vector]
    try:
        claim = detached.examine(open_container(make(SCENE)))
        detached.verify(claim, claim.certificate)
    except BadContainer:
        assert code == "FILE-CONTAINER"
    except Unreadable as fault:
        assert code == {"dtd": "FILE-DTD", "not-xml": "FILE-NOT-XML"}[fault.kind]
    except BadSignature as flaw:
        assert flaw.kind is FLAWS[code], flaw
    else:
        assert code in OF_THE_COUNTER


def test_the_registered_certificate_decides() -> None:
    claim = detached.examine(open_container(one_file(SCENE)))
    with pytest.raises(BadSignature) as no:
        detached.verify(claim, certificate("other p256"))
    assert no.value.kind is Flaw.BROKEN


ONE, SEVERAL = one_file(SCENE), several_files(SCENE)


@settings(deadline=None)
@given(st.sampled_from([ONE, SEVERAL]), st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_byte_never_changes_what_is_accepted(good: bytes, place: int, by: int) -> None:
    raw = bytearray(good)
    raw[place % len(raw)] ^= by
    try:
        files = accept(bytes(raw)).files
    except (BadContainer, BadSignature, Unreadable):
        return
    assert files == {NAME: BATCH}  # it was a date or a right of the entry


@settings(deadline=None)
@given(st.integers(0, 10_000), st.binary(max_size=4), st.integers(0, 4))
def test_bytes_put_into_a_signature_are_never_accepted(place: int, put: bytes, cut: int) -> None:
    sealed = signature(BATCH, SCENE.member)
    at = place % len(sealed)
    changed = sealed[:at] + put + sealed[at + cut :]
    if changed == sealed:
        return
    with pytest.raises(BadSignature):
        cms.examine(changed).check(certificate("p256"), BATCH)


@settings(deadline=None)
@given(st.binary(max_size=2000))
def test_bytes_that_are_no_signature_are_refused_and_nothing_else(raw: bytes) -> None:
    with pytest.raises(BadSignature):
        cms.examine(raw)


def several(count: int, size: int = 1) -> bytes:
    files = {f"{number}.JPG": bytes(size) for number in range(count)}
    described = manifest(*(reference(name, content) for name, content in files.items()))
    return of_several(files, described, signature(described, SCENE.member))


def test_limits_on_files() -> None:
    assert len(accept(several(100)).files) == 100
    with pytest.raises(BadContainer, match="more than 100 files"):
        open_container(several(101))


def test_limits_on_entries() -> None:
    """Before the directory is read: four stand beside the files."""
    raw = several(3)  # and mimetype, manifest, signature
    assert len(open_container(raw, Limits(files=3)).files) == 3
    with pytest.raises(BadContainer, match="more than 5 entries"):
        open_container(raw, Limits(files=1))


def test_limits_on_bytes() -> None:
    raw = several(2, 500)
    size = sum(len(part) for part in _contents(raw))
    assert len(open_container(raw, Limits(size=size)).files) == 2
    with pytest.raises(BadContainer, match="bytes are in it"):
        open_container(raw, Limits(size=size - 1))


def _contents(raw: bytes) -> list[bytes]:
    opened = open_container(raw)
    assert opened.manifest is not None
    return [opened.kind.encode(), opened.manifest.content, opened.signatures, *opened.files.values()]


def test_limits_on_the_ratio() -> None:
    """A container of mostly one letter unpacks to hundreds of times its bytes; a batch never does."""
    raw = GOOD["one_file_deflated"](Scene(hand(), hand(), hand(), b"1;" * 100_000))
    assert open_container(raw, Limits(unmeasured=300_000, ratio=1)).files
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        entries = archive.infolist()
    ratio = sum(one.file_size for one in entries) // sum(one.compress_size for one in entries)
    assert ratio > 50
    assert open_container(raw, Limits(unmeasured=0, ratio=ratio + 1)).files
    with pytest.raises(BadContainer, match="times its bytes"):
        open_container(raw, Limits(unmeasured=0, ratio=ratio))


def test_limits_on_the_signature() -> None:
    sealed = signature(BATCH, SCENE.member)
    padded = sealed + bytes(cms.LARGEST - len(sealed))
    with pytest.raises(BadSignature, match="not DER"):  # but not for its size
        cms.examine(padded)
    with pytest.raises(BadSignature, match="more than"):
        cms.examine(padded + b"\0")


def test_limits_on_the_manifest() -> None:
    opened = open_container(SEVERAL)
    assert opened.manifest is not None
    size = max(len(opened.manifest.content), len(opened.signatures))
    assert open_container(SEVERAL, Limits(signatures=size))
    with pytest.raises(BadContainer, match="has more than"):
        open_container(SEVERAL, Limits(signatures=size - 1))


@pytest.mark.parametrize(("length", "fits"), [(128, True), (129, False)])
def test_limits_on_names(length: int, fits: bool) -> None:
    files = {"D" * (length - 4) + ".dta": BATCH}
    described = manifest(*(reference(name, content) for name, content in files.items()))
    raw = of_several(files, described, signature(described, SCENE.member))
    if fits:
        assert accept(raw).files == files
        return
    with pytest.raises(BadContainer, match="cannot be called"):
        open_container(raw)
