"""The SFTP door and every command of OpenSSH's `sftp`.

After what OpenSSH's own regression scripts ask of a server (regress/sftp-cmds.sh, sftp-badcmds.sh,
sftp-batch.sh, sftp-glob.sh, sftp-perm.sh; public domain), as far as it applies to a tree in which files are
put into one folder and fetched from another: what those scripts expect to work there works here alike,
and what would change the tree, name a link or ask about a disk is refused without effect (SR-12).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doors.sftp_clients import ALICE, House, Keys, house

CONTENT = bytes(range(256)) * 40


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys.make(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def home(keys: Keys, tmp_path: Path) -> Iterator[House]:
    with house(keys, tmp_path / "house") as opened:
        yield opened


@pytest.fixture
def local(tmp_path: Path) -> Path:
    """The client's folder, with three files."""
    folder = tmp_path / "local"
    (folder / "dd").mkdir(parents=True)
    for name in ("data", "l1", "l2"):
        (folder / name).write_bytes(CONTENT + name.encode())
    return folder


def names(home: House) -> set[str]:
    return {deposit.name for deposit in home.register.deposits}


@pytest.mark.parametrize(
    "command",
    ["pwd", "lpwd", "help", "?", "version", "ls", "ls -la", "ls /inbox", "lls", "!true", "progress"],
)
def test_what_only_looks_works(home: House, command: str) -> None:
    done = home.sftp(command)
    assert done.returncode == 0, done.stderr
    assert home.is_empty()


def test_the_tree_is_what_ls_shows(home: House) -> None:
    done = home.sftp("ls -1")
    assert set(done.stdout.split()) >= {"inbox", "outbox", "simulation"}


@pytest.mark.parametrize(
    ("argument", "name"),
    [
        ("/inbox/copy", "copy"),
        ('"/inbox/copy"', "copy"),
        ('"/inbox/copy.\\"blah\\""', 'copy."blah"'),
        ("/inbox/copy\\ this\\ has\\ spaces.txt", "copy this has spaces.txt"),
        ('"/inbox/copy [metachar].txt"', "copy [metachar].txt"),
        ("/inbox/", "data"),
        ("/inbox", "data"),
        ("inbox/../inbox/./copy", "copy"),
    ],
)
@pytest.mark.parametrize("option", ["", "-p ", "-f "])
def test_put(home: House, local: Path, option: str, argument: str, name: str) -> None:
    done = home.sftp(f"put {option}{local}/data {argument}")
    assert done.returncode == 0, done.stderr
    assert names(home) == {name}
    assert list(home.kept().values()) == [(local / "data").read_bytes()]


def test_put_several_by_a_pattern(home: House, local: Path) -> None:
    for commands in ([f"put {local}/l? inbox"], ["cd inbox", f"lcd {local}", "put l*"]):
        done = home.sftp(*commands)
        assert done.returncode == 0, done.stderr
        assert names(home) == {"l1", "l2"}


@pytest.mark.parametrize("argument", ["{folder}/copy", "{folder}/dd", '"{folder}/copy"'])
@pytest.mark.parametrize("option", ["", "-p ", "-a ", "-f "])
def test_get(home: House, local: Path, option: str, argument: str) -> None:
    home.post(ALICE, "answer", CONTENT)
    done = home.sftp(f"get {option}outbox/answer {argument.format(folder=local)}")
    assert done.returncode == 0, done.stderr
    found = local / "dd" / "answer" if argument.endswith("dd") else local / "copy"
    assert found.read_bytes() == CONTENT


def test_get_several_by_a_pattern_and_as_a_folder(home: House, local: Path) -> None:
    for name in ("l1.xml", "l2.xml", "other.xml"):
        home.post(ALICE, name, CONTENT + name.encode())
    done = home.sftp(f"get outbox/l* {local}/dd", f"lcd {local}", "get -r outbox")
    assert done.returncode == 0, done.stderr
    assert {file.name for file in (local / "dd").iterdir()} == {"l1.xml", "l2.xml"}
    assert {file.name for file in (local / "outbox").iterdir()} == {"l1.xml", "l2.xml", "other.xml"}
    assert (local / "outbox" / "other.xml").read_bytes() == CONTENT + b"other.xml"


def test_a_pattern_that_is_quoted_is_a_name(home: House) -> None:
    for name in ("wild*", "wildx"):
        home.post(ALICE, name, b"")
    quoted = home.sftp('ls -1 outbox/wild"*"').stdout
    assert ("wild*" in quoted, "wildx" in quoted) == (True, False)
    free = home.sftp("ls -1 outbox/wild*").stdout
    assert ("wild*" in free, "wildx" in free) == (True, True)


@pytest.mark.parametrize("command", ["rename", "rename -l"])
def test_an_unfinished_upload_is_renamed(home: House, local: Path, command: str) -> None:
    done = home.sftp(f"put {local}/data inbox/a.part", f"{command} inbox/a.part inbox/b.part", "ls -1 inbox")
    assert done.returncode == 0, done.stderr
    assert "b.part" in done.stdout
    assert names(home) == set()


REFUSED = [
    "mkdir inbox/dd",
    "mkdir dd",
    "rmdir inbox",
    "rmdir outbox",
    "ln inbox/a.part inbox/b.part",
    "ln -s /etc/passwd inbox/link",
    "symlink ../outside inbox/link",
    "ln -s outbox/answer inbox/link",
    "rename inbox other",
    "rename inbox/a.part outbox/a",
    "rename outbox/answer inbox/answer",
    "rename outbox/answer outbox/other",
    "rename inbox/none inbox/other",
    "chmod 777 outbox/answer",
    "chmod 777 inbox",
    "chown 0 outbox/answer",
    "chgrp 0 outbox/answer",
    "cp outbox/answer inbox/answer",
    "df",
    "df -h /",
    "rm inbox",
    "rm outbox/none",
    "get none",
    "get inbox/none",
    "get /etc/passwd",
    "get ../../etc/passwd",
    "put {local}/none inbox/none",
    "put {local}/data outbox/mine",
    "put {local}/data data",
    "put {local}/data inbox/deeper/data",
    "put -r {local} inbox",
    "cd inbox/deeper",
    "cd outbox/answer",
]


@pytest.mark.parametrize("command", REFUSED)
def test_what_would_change_the_tree_is_refused_without_effect(home: House, local: Path, command: str) -> None:
    answer = home.post(ALICE, "answer", CONTENT)
    done = home.sftp(f"put {local}/data inbox/a.part", command.format(local=local))
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stderr.strip()
    assert names(home) == set()
    assert [one.answer for one in home.shelves.visible(str(ALICE))] == [answer]
    assert home.shelves.journal == []


def test_the_batch_stops_at_the_first_failure_unless_told_otherwise(home: House, local: Path) -> None:
    stopped = home.sftp("get none", f"put {local}/data inbox/first")
    assert (stopped.returncode, names(home)) == (1, set())
    goes_on = home.sftp("-get none", f"put {local}/data inbox/second")
    assert (goes_on.returncode, names(home)) == (0, {"second"})


def test_what_is_refused_does_not_end_the_session(home: House, local: Path) -> None:
    done = home.sftp(*(f"-{each.format(local=local)}" for each in REFUSED), f"put {local}/data inbox/last")
    assert done.returncode == 0, done.stderr
    assert names(home) == {"last"}
