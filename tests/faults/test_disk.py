"""The forgetful disk itself: what it forgets, keeps and refuses."""

from __future__ import annotations

import errno
import os
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.disk import ROOT, SECTOR, Cut, Disk, Refusal
from tests.faults.power import Power, forgetful

FILE = 0o100600


@pytest.fixture
def disk() -> Disk:
    """With one file of four sectors, synced with its name."""
    made = Disk()
    made.write(made.create(ROOT, "kept", FILE), 0, b"a" * 4 * SECTOR)
    made.sync_all()
    return made


def _read(disk: Disk, name: str) -> bytes:
    return bytes(disk.file(disk.find(ROOT, name)).content)


def test_what_was_not_synced_is_gone_after_a_cut_and_what_was_is_there(disk: Disk) -> None:
    inode = disk.find(ROOT, "kept")
    disk.write(inode, SECTOR, b"b" * SECTOR)
    disk.sync(inode)
    disk.write(inode, 2 * SECTOR, b"c" * SECTOR)
    assert _read(disk, "kept")[2 * SECTOR :].startswith(b"c")
    disk.cut(Cut.NOTHING, random.Random(1))
    assert _read(disk, "kept") == b"a" * SECTOR + b"b" * SECTOR + b"a" * 2 * SECTOR


def test_a_synced_file_is_lost_with_its_name_unless_its_folder_was_synced(disk: Disk) -> None:
    for name in ("named", "nameless"):
        inode = disk.create(ROOT, name, FILE)
        disk.write(inode, 0, b"x")
        disk.sync(inode)
        if name == "named":
            disk.sync_folder(ROOT)
    disk.cut(Cut.NOTHING, random.Random(1))
    assert set(disk.folder(ROOT).names) == {"kept", "named"}


def test_a_rename_is_two_changes_and_each_folder_keeps_its_own(disk: Disk) -> None:
    folder = disk.create(ROOT, "folder", 0o040700)
    disk.sync_all()
    disk.rename(ROOT, "kept", folder, "moved")
    disk.sync_folder(folder)
    disk.cut(Cut.NOTHING, random.Random(1))
    assert disk.find(ROOT, "kept") == disk.find(folder, "moved")


def test_a_cut_may_tear_a_write_between_sectors_but_never_within_one(disk: Disk) -> None:
    seen = set()
    for seed in range(40):
        torn = Disk()
        inode = torn.create(ROOT, "file", FILE)
        torn.write(inode, 0, b"a" * 4 * SECTOR)
        torn.sync_all()
        torn.write(inode, 0, b"b" * 4 * SECTOR)
        torn.cut(Cut.SOME, random.Random(seed))
        content = _read(torn, "file")
        sectors = [content[place : place + SECTOR] for place in range(0, len(content), SECTOR)]
        assert all(len(set(sector)) == 1 for sector in sectors)
        seen.add(b"".join(sector[:1] for sector in sectors))
    assert len(seen) > 5


def test_after_a_failed_sync_the_changes_are_read_but_never_kept(disk: Disk) -> None:
    inode = disk.find(ROOT, "kept")
    disk.refusals = [Refusal("sync", errno.EIO, times=1)]
    disk.write(inode, 0, b"b" * SECTOR)
    with pytest.raises(OSError, match="kept"):
        disk.sync(inode)
    disk.sync(inode)
    assert _read(disk, "kept").startswith(b"b")
    disk.cut(Cut.NOTHING, random.Random(1))
    assert _read(disk, "kept").startswith(b"a")


@pytest.fixture
def power(tmp_path: Path) -> Iterator[Power]:
    with forgetful(tmp_path / "disk") as mounted:
        yield mounted


def _committed(power: Power, synchronous: str) -> list[tuple[int]]:
    """What is left of ten commits after a cut."""
    file = power.folder / "database"
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE one (number INTEGER)")
    _sync_folder(power.folder)
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA synchronous={synchronous}")
        for number in range(10):
            connection.execute("INSERT INTO one VALUES (?)", (number,))
        power.cut([])
    power.again(Cut.NOTHING, 1)
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute("SELECT count(*) FROM one").fetchall()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def test_a_commit_of_sqlite_is_kept_by_full_and_lost_by_normal_and_off(power: Power) -> None:
    assert _committed(power, "FULL") == [(10,)]
    for word in ("NORMAL", "OFF"):
        (power.folder / "database").unlink()
        assert _committed(power, word) == [(0,)]


def test_a_full_or_broken_disk_is_told_by_the_kernel(power: Power) -> None:
    file = power.folder / "file"
    file.write_bytes(b"x" * 1000)
    power.limit(room=power.state()["used"])
    with pytest.raises(OSError) as told:
        file.open("ab", 0).write(b"x")
    assert told.value.errno == errno.ENOSPC
    power.limit(nodes=power.state()["count"])
    with pytest.raises(OSError) as told:
        (power.folder / "another").touch()
    assert told.value.errno == errno.ENOSPC
    power.limit(read_only=True)
    with pytest.raises(OSError) as told:
        (power.folder / "another").touch()
    assert told.value.errno == errno.EROFS
    power.limit(refusals=[Refusal("sync", errno.EIO)])
    with file.open("rb") as opened, pytest.raises(OSError) as told:
        os.fsync(opened.fileno())
    assert told.value.errno == errno.EIO
    power.limit()
    (power.folder / "another").touch()
