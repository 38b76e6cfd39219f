"""The kernel keeps our folders (SR-12)."""

from __future__ import annotations

import errno
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.beneath import open_beneath
from adapters.spool import Spool
from tests.sealed import MemoryFileKeys


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "spool"
    (inside / "aa").mkdir(parents=True)
    (inside / "aa" / "file").write_text("ours")
    (tmp_path / "outside").write_text("not ours")
    (inside / "link").symlink_to(tmp_path / "outside")
    (inside / "aa" / "up").symlink_to("..")
    (inside / "within").symlink_to("aa/file")
    return inside


def read(folder: Path, name: str) -> str:
    with os.fdopen(open_beneath(folder, name, os.O_RDONLY)) as file:
        return file.read()


def test_what_is_beneath_is_opened(folder: Path) -> None:
    assert read(folder, "aa/file") == "ours"


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("../outside", errno.EXDEV),
        ("aa/../../outside", errno.EXDEV),
        ("/etc/passwd", errno.EXDEV),
        ("link", errno.ELOOP),
        ("within", errno.ELOOP),
        ("aa/up/aa/file", errno.ELOOP),
        ("aa/up/../outside", errno.ELOOP),
        ("missing", errno.ENOENT),
    ],
)
def test_what_leaves_the_folder_or_goes_over_a_link_is_not(folder: Path, name: str, fault: int) -> None:
    with pytest.raises(OSError) as refused:
        open_beneath(folder, name, os.O_RDONLY)
    assert refused.value.errno == fault


def test_without_the_kernel_the_same_names_get_out(folder: Path) -> None:
    """Negative control: an ordinary open follows all of them."""
    for name in ("../outside", "aa/../../outside", "link"):
        assert (folder / name).read_text() == "not ours"


def test_a_new_file_is_ours_alone_and_closed_on_exec(folder: Path) -> None:
    handle = open_beneath(folder, "aa/new", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        assert os.fstat(handle).st_mode & 0o777 == 0o600
        assert not os.get_inheritable(handle)
    finally:
        os.close(handle)
    with pytest.raises(FileExistsError):
        open_beneath(folder, "aa/new", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)


def test_a_link_in_the_place_of_a_deposit_is_not_followed(tmp_path: Path) -> None:
    """Somebody who can write beside our files cannot have others read in their place."""
    spool = Spool(tmp_path / "spool", 1000, MemoryFileKeys())
    spool.create()
    upload = spool.begin()
    upload.write(0, b"a batch")
    deposit = "ab" + "0" * 34
    upload.keep(deposit, "2099990001299000001", datetime(2026, 8, 3, tzinfo=UTC))
    assert spool.read(deposit) == b"a batch"
    elsewhere = tmp_path / "elsewhere"
    spool.path(deposit).rename(elsewhere)
    spool.path(deposit).symlink_to(elsewhere)
    with pytest.raises(OSError, match="symbolic"):
        spool.read(deposit)
    assert spool.digest(deposit) is None
