"""The SFTP door, entered over a real connection by other people's clients: OpenSSH, paramiko, asyncssh."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import logging
import random
import resource
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NoReturn

import asyncssh
import paramiko
import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st
from paramiko import common, sftp
from structlog.testing import capture_logs

from adapters.sftp import SftpSettings
from adapters.sftp.packets import LARGEST_CHUNK, words
from adapters.sftp.transport import CIPHERS, HOST_KEYS, KEY_EXCHANGES, MACS, VERSION_LINE
from gateway.batch import MemberId
from inbox.receive import Deposit, Receipt
from tests.doors.sftp_clients import (
    AGAIN,
    ALICE,
    BOB,
    NEW,
    NOW,
    READ,
    U64,
    House,
    Keys,
    Raw,
    Register,
    house,
    strings,
)

NAME = "SECU.DECSAL.20260803-091500DC.2099990001299000001.CCSS.XML"
CONTENT = bytes(random.Random(1).randbytes(300_000))


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys.make(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def home(keys: Keys, tmp_path: Path) -> Iterator[House]:
    with house(keys, tmp_path) as opened:
        yield opened


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A batch on the sender's side."""
    path = tmp_path / NAME
    path.write_bytes(CONTENT)
    return path


def the_deposit(home: House, name: str = NAME, content: bytes = CONTENT) -> Deposit:
    """The only deposit, as it must be."""
    (deposit,) = home.register.deposits
    assert (deposit.name, deposit.size) == (name, len(content))
    assert deposit.digest == hashlib.sha256(content).hexdigest()
    assert (deposit.sender, deposit.door, deposit.received) == (str(ALICE), "sftp", NOW)
    assert home.kept() == {deposit.id: content}
    assert home.under_way() == []
    return deposit


# Uploads


def test_openssh_sftp_deposits(home: House, file: Path) -> None:
    done = home.sftp(f"put {file} /inbox/")
    assert done.returncode == 0, done.stderr
    the_deposit(home)


def test_openssh_scp_deposits(home: House, file: Path) -> None:
    done = home.openssh("scp", str(file), f"{ALICE}@{home.host}:inbox/")
    assert done.returncode == 0, done.stderr
    the_deposit(home)


def test_scp_and_sftp_may_keep_times_and_permissions(home: House, file: Path) -> None:
    assert home.sftp(f"put -p {file} /inbox/").returncode == 0
    the_deposit(home)
    file.write_bytes(CONTENT + b"2")
    assert home.openssh("scp", "-p", str(file), f"{ALICE}@{home.host}:inbox/second").returncode == 0
    assert [deposit.name for deposit in home.register.deposits] == [NAME, "second"]


def test_paramiko_deposits_and_finds_the_size_it_sent(home: House) -> None:
    with home.paramiko() as client:
        assert client.putfo(io.BytesIO(CONTENT), f"/inbox/{NAME}", confirm=True).st_size == len(CONTENT)
    the_deposit(home)


def test_asyncssh_deposits_and_collects(home: House, file: Path, tmp_path: Path) -> None:
    home.post(ALICE, "answer", CONTENT)

    async def visit() -> None:
        connection = asyncssh.connect(
            home.host,
            home.port,
            username=str(ALICE),
            client_keys=[str(home.keys.file("alice"))],
            known_hosts=([asyncssh.read_public_key(home.keys.file("host.pub"))], [], []),
            agent_path=None,
            config=None,
        )
        async with connection as ssh, ssh.start_sftp_client() as client:
            await client.put(file, "inbox/" + NAME)
            assert await client.listdir("/outbox") == ["answer"]
            await client.get("/outbox/answer", tmp_path / "answer")
            await client.remove("/outbox/answer")

    asyncio.run(visit())
    the_deposit(home)
    assert (tmp_path / "answer").read_bytes() == CONTENT
    assert home.shelves.visible(str(ALICE)) == []


@pytest.mark.parametrize("partial", [".part", ".filepart"])
def test_a_partial_name_is_complete_when_renamed(home: House, file: Path, partial: str) -> None:
    done = home.sftp(f"put {file} inbox/{NAME}{partial}", f"rename inbox/{NAME}{partial} inbox/{NAME}")
    assert done.returncode == 0, done.stderr
    the_deposit(home)


def test_plain_and_posix_rename_both_complete(home: House) -> None:
    with home.paramiko() as client:
        for rename, content in ((client.rename, b"one"), (client.posix_rename, b"two")):
            client.putfo(io.BytesIO(content), "/inbox/name.part")
            before = len(home.register.deposits)
            rename("/inbox/name.part", "/inbox/name")
            assert len(home.register.deposits) == before + 1
    assert sorted(home.kept().values()) == [b"one", b"two"]


def test_a_partial_name_that_is_never_renamed_is_forgotten(home: House, file: Path) -> None:
    done = home.sftp(f"put {file} inbox/{NAME}.part", "ls inbox")
    assert done.returncode == 0
    assert f"{NAME}.part" in done.stdout
    assert home.is_empty()


def test_a_partial_name_may_change_before_it_is_complete(home: House) -> None:
    with home.paramiko() as client:
        client.putfo(io.BytesIO(CONTENT), "/inbox/a.part")
        client.rename("/inbox/a.part", "/inbox/b.part")
        assert client.listdir("/inbox") == ["b.part"]
        assert home.register.deposits == []
        client.rename("/inbox/b.part", f"/inbox/{NAME}")
    the_deposit(home)


class GatedRegister(Register):
    """Enters nothing before its gate is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = threading.Event()
        self.gate = threading.Event()

    def enter(self, deposit: Deposit) -> Receipt:
        self.reached.set()
        assert self.gate.wait(20)
        return super().enter(deposit)


@pytest.mark.parametrize("partial", ["", ".part"])
def test_success_is_answered_only_once_the_deposit_is_entered(
    keys: Keys, tmp_path: Path, partial: str
) -> None:
    register = GatedRegister()
    with house(keys, tmp_path, register=register) as home, home.raw() as raw, ThreadPoolExecutor() as pool:
        handle = raw.open("/inbox/name" + partial, NEW)
        raw.write(handle, 0, CONTENT[:1000])
        if partial:
            assert raw.close(handle) == sftp.SFTP_OK
            assert not register.reached.is_set()
            answer = pool.submit(raw.code, sftp.CMD_RENAME, "/inbox/name.part", "/inbox/name")
        else:
            answer = pool.submit(raw.close, handle)
        assert register.reached.wait(20)
        assert home.kept(), "the bytes are kept before the deposit is entered"
        assert not answer.done(), "nothing is answered before it is entered"
        register.gate.set()
        assert answer.result(20) == sftp.SFTP_OK
        assert len(register.deposits) == 1


def test_the_same_bytes_again_are_taken_once(home: House, file: Path) -> None:
    assert home.sftp(f"put {file} inbox/{NAME}").returncode == 0
    assert home.sftp(f"put {file} inbox/another-name").returncode == 0
    the_deposit(home)


def test_the_same_name_again_is_another_deposit(home: House) -> None:
    with home.raw() as raw:
        assert raw.put("/inbox/name", b"one") == sftp.SFTP_OK
        assert raw.put("/inbox/name", b"two!") == sftp.SFTP_OK
        assert raw.size("/inbox/name") == 4
    assert [deposit.size for deposit in home.register.deposits] == [3, 4]
    assert {deposit.name for deposit in home.register.deposits} == {"name"}


def test_an_empty_file_is_a_deposit(home: House, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert home.sftp(f"put {tmp_path}/empty inbox/{NAME}").returncode == 0
    the_deposit(home, content=b"")


def test_what_is_larger_than_the_limit_is_refused_and_not_kept(keys: Keys, tmp_path: Path) -> None:
    (tmp_path / "most").write_bytes(bytes(1000))
    (tmp_path / "more").write_bytes(bytes(1001))
    with house(keys, tmp_path, limit=1000) as home:
        assert home.sftp(f"put {tmp_path}/more inbox/").returncode == 1
        assert home.openssh("scp", f"{tmp_path}/more", f"{ALICE}@{home.host}:inbox/").returncode == 1
        assert home.is_empty()
        assert home.sftp(f"put {tmp_path}/most inbox/").returncode == 0
        assert [deposit.size for deposit in home.register.deposits] == [1000]


@pytest.mark.parametrize("name", ["/inbox/name", "/inbox/name.part"])
def test_one_write_beyond_the_limit_spoils_the_upload(keys: Keys, tmp_path: Path, name: str) -> None:
    with house(keys, tmp_path, limit=1000) as home, home.raw() as raw:
        handle = raw.open(name, NEW)
        assert raw.write(handle, 0, bytes(1000)) == sftp.SFTP_OK
        code, sentence = raw.status(sftp.CMD_WRITE, handle, U64(1000), b"!")
        assert (code, "at most 1000 bytes" in sentence) == (sftp.SFTP_FAILURE, True)
        assert home.under_way() == []
        assert raw.write(handle, 0, b"again") == sftp.SFTP_FAILURE
        code, sentence = raw.status(sftp.CMD_CLOSE, handle)
        assert (code, "at most 1000 bytes" in sentence) == (sftp.SFTP_FAILURE, True)
        assert raw.code(sftp.CMD_STAT, name) == sftp.SFTP_NO_SUCH_FILE
        assert home.is_empty()
        assert raw.put("/inbox/name", b"fits") == sftp.SFTP_OK


def test_a_connection_lost_in_the_middle_leaves_nothing(home: House) -> None:
    with home.raw() as raw:
        for name in ("/inbox/open", "/inbox/open.part"):
            raw.write(raw.open(name, NEW), 0, CONTENT[:1000])
        assert raw.put("/inbox/closed.part", CONTENT) == sftp.SFTP_OK
        assert len(home.under_way()) == 3
        raw.channel.get_transport().sock.close()
        home.door.stop()
        assert home.is_empty()


def test_many_clients_at_once(home: House, tmp_path: Path) -> None:
    contents = {f"file-{n}": CONTENT + bytes([n]) for n in range(8)}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda name: home.sftp(f"put {tmp_path}/{name} inbox/"), contents))
    assert [one.returncode for one in done] == [0] * 8
    assert {one.name: home.spool.read(one.id) for one in home.register.deposits} == contents


def test_handles_of_one_session_do_not_mix(home: House) -> None:
    with home.raw() as raw:
        handles = {name: raw.open("/inbox/" + name, NEW) for name in ("a", "b", "c")}
        for n in range(5):
            for name, handle in handles.items():
                raw.write(handle, n * 4, name.encode() * 4)
        for handle in handles.values():
            assert raw.close(handle) == sftp.SFTP_OK
    assert {one.name: home.spool.read(one.id) for one in home.register.deposits} == {
        name: name.encode() * 20 for name in ("a", "b", "c")
    }


def test_a_name_that_is_being_written_is_not_opened_twice(home: House) -> None:
    with home.raw() as raw:
        handle = raw.open("/inbox/name", NEW)
        assert raw.code(sftp.CMD_OPEN, "/inbox/name", NEW, 0) == sftp.SFTP_FAILURE
        assert raw.write(handle, 0, b"first") == sftp.SFTP_OK
        assert raw.close(handle) == sftp.SFTP_OK
    assert list(home.kept().values()) == [b"first"]


def test_writes_may_come_in_any_order(keys: Keys, tmp_path: Path) -> None:
    with house(keys, tmp_path) as home, home.raw() as raw:

        @settings(max_examples=60, deadline=None)
        @given(st.lists(st.binary(min_size=1, max_size=50), min_size=1, max_size=12), st.randoms())
        def check(chunks: list[bytes], random_: random.Random) -> None:
            offsets = [sum(map(len, chunks[:n])) for n in range(len(chunks))]
            order = list(zip(offsets, chunks, strict=True))
            random_.shuffle(order)
            handle = raw.open("/inbox/name", NEW)
            for offset, chunk in order:
                assert raw.write(handle, offset, chunk) == sftp.SFTP_OK
            assert raw.close(handle) == sftp.SFTP_OK
            expected = hashlib.sha256(b"".join(chunks)).hexdigest()
            assert expected in {deposit.digest for deposit in home.register.deposits}

        check()
        for deposit in home.register.deposits:
            assert hashlib.sha256(home.spool.read(deposit.id)).hexdigest() == deposit.digest


def test_bytes_never_written_are_not_made_up(home: House) -> None:
    with home.raw() as raw:
        handle = raw.open("/inbox/name", NEW)
        assert raw.write(handle, 10, b"the end") == sftp.SFTP_OK
        code, sentence = raw.status(sftp.CMD_CLOSE, handle)
        assert (code, "bytes are missing" in sentence) == (sftp.SFTP_FAILURE, True)
        assert home.is_empty()

        handle = raw.open("/inbox/name", NEW)
        assert raw.write(handle, 10, b"the end") == sftp.SFTP_OK
        assert raw.write(handle, 0, b"beginning ") == sftp.SFTP_OK
        assert raw.close(handle) == sftp.SFTP_OK
    assert list(home.kept().values()) == [b"beginning the end"]


def test_a_write_of_no_bytes_far_out_changes_nothing(home: House) -> None:
    with home.raw() as raw:
        handle = raw.open("/inbox/name", NEW)
        assert raw.write(handle, 5000, b"") == sftp.SFTP_OK
        assert raw.write(handle, 0, b"all") == sftp.SFTP_OK
        assert raw.close(handle) == sftp.SFTP_OK
    assert [deposit.size for deposit in home.register.deposits] == [3]


def test_a_partial_upload_is_resumed_within_its_session(home: House) -> None:
    with home.raw() as raw:
        assert raw.put("/inbox/name.part", CONTENT[:1000]) == sftp.SFTP_OK
        assert raw.size("/inbox/name.part") == 1000
        handle = raw.open("/inbox/name.part", AGAIN)
        assert raw.write(handle, 1000, CONTENT[1000:2000]) == sftp.SFTP_OK
        assert raw.close(handle) == sftp.SFTP_OK
        handle = raw.open("/inbox/name.part", AGAIN | sftp.SFTP_FLAG_APPEND)
        assert raw.write(handle, 0, CONTENT[2000:3000]) == sftp.SFTP_OK
        assert raw.close(handle) == sftp.SFTP_OK
        assert raw.code(sftp.CMD_RENAME, "/inbox/name.part", "/inbox/" + NAME) == sftp.SFTP_OK
    the_deposit(home, content=CONTENT[:3000])


def test_truncating_a_partial_upload_starts_it_again(home: House) -> None:
    with home.raw() as raw:
        assert raw.put("/inbox/name.part", CONTENT) == sftp.SFTP_OK
        assert raw.put("/inbox/name.part", b"short") == sftp.SFTP_OK
        assert len(home.under_way()) == 1
        assert raw.code(sftp.CMD_RENAME, "/inbox/name.part", "/inbox/" + NAME) == sftp.SFTP_OK
    the_deposit(home, content=b"short")


def test_nothing_of_another_session_is_resumed(home: House) -> None:
    with home.raw() as first, home.raw() as second:
        assert first.put("/inbox/name.part", CONTENT[:1000]) == sftp.SFTP_OK
        assert second.code(sftp.CMD_OPEN, "/inbox/name.part", AGAIN, 0) == sftp.SFTP_NO_SUCH_FILE
        assert second.code(sftp.CMD_STAT, "/inbox/name.part") == sftp.SFTP_NO_SUCH_FILE
        assert second.code(sftp.CMD_RENAME, "/inbox/name.part", "/inbox/x") == sftp.SFTP_NO_SUCH_FILE
        assert second.code(sftp.CMD_REMOVE, "/inbox/name.part") == sftp.SFTP_NO_SUCH_FILE
        assert first.size("/inbox/name.part") == 1000


def test_openssh_cannot_resume_what_was_handed_over(home: House, file: Path, tmp_path: Path) -> None:
    """`reput` of a longer file writes only its end: taken as it came, that would be a batch with a hole."""
    longer = tmp_path / "longer"
    longer.write_bytes(CONTENT + b"more")
    done = home.sftp(f"put {file} inbox/{NAME}", f"-reput {longer} inbox/{NAME}", "ls inbox")
    assert done.returncode == 0, done.stderr
    the_deposit(home)


def test_exclusive_creation_and_renames_respect_what_is_there(home: House) -> None:
    with home.raw() as raw:
        raw.put("/inbox/a.part", b"a")
        raw.put("/inbox/b.part", b"b")
        exclusive = NEW | sftp.SFTP_FLAG_EXCL
        assert raw.code(sftp.CMD_OPEN, "/inbox/a.part", exclusive, 0) == sftp.SFTP_FAILURE
        assert raw.code(sftp.CMD_RENAME, "/inbox/a.part", "/inbox/b.part") == sftp.SFTP_FAILURE
        assert raw.code(sftp.CMD_RENAME, "/inbox/a.part", "/inbox/a.part") == sftp.SFTP_OK
        posix = ("posix-rename@openssh.com", "/inbox/a.part", "/inbox/b.part")
        assert raw.code(sftp.CMD_EXTENDED, *posix) == sftp.SFTP_OK
        assert len(home.under_way()) == 1
        assert raw.code(sftp.CMD_RENAME, "/inbox/b.part", "/inbox/b") == sftp.SFTP_OK
    assert list(home.kept().values()) == [b"a"]


def test_a_file_is_not_renamed_while_it_is_open(home: House) -> None:
    with home.raw() as raw:
        handle = raw.open("/inbox/name.part", NEW)
        raw.write(handle, 0, CONTENT[:10])
        assert raw.code(sftp.CMD_RENAME, "/inbox/name.part", "/inbox/name") == sftp.SFTP_FAILURE
        assert raw.code(sftp.CMD_REMOVE, "/inbox/name.part") == sftp.SFTP_FAILURE
        assert home.register.deposits == []
        assert raw.close(handle) == sftp.SFTP_OK
        assert raw.code(sftp.CMD_RENAME, "/inbox/name.part", "/inbox/name") == sftp.SFTP_OK
    assert list(home.kept().values()) == [CONTENT[:10]]


def test_a_partial_upload_may_be_removed(home: House) -> None:
    with home.paramiko() as client:
        client.putfo(io.BytesIO(CONTENT), "/inbox/name.part")
        client.remove("/inbox/name.part")
        assert client.listdir("/inbox") == []
        assert home.is_empty()


def test_what_was_handed_over_is_out_of_reach(home: House) -> None:
    with home.raw() as raw:
        assert raw.put("/inbox/name", CONTENT[:100]) == sftp.SFTP_OK
        denied = sftp.SFTP_PERMISSION_DENIED
        assert raw.code(sftp.CMD_OPEN, "/inbox/name", READ, 0) == denied
        assert raw.code(sftp.CMD_REMOVE, "/inbox/name") == denied
        assert raw.code(sftp.CMD_RENAME, "/inbox/name", "/inbox/other") == denied
        assert raw.code(sftp.CMD_OPENDIR, "/inbox/name") == sftp.SFTP_NO_SUCH_FILE
        assert listing(raw, "/inbox") == {}
    assert list(home.kept().values()) == [CONTENT[:100]]


def test_attributes_set_after_an_upload_are_passed_over(home: House) -> None:
    with home.raw() as raw:
        handle = raw.open("/inbox/name.part", NEW)
        raw.write(handle, 0, CONTENT[:100])
        assert raw.code(sftp.CMD_FSETSTAT, handle, 0x8, 1, 1) == sftp.SFTP_OK
        assert raw.code(sftp.CMD_FSETSTAT, handle, 0x1, U64(100)) == sftp.SFTP_OK
        assert raw.code(sftp.CMD_FSETSTAT, handle, 0x1, U64(50)) == sftp.SFTP_OP_UNSUPPORTED
        assert raw.close(handle) == sftp.SFTP_OK
        assert raw.code(sftp.CMD_SETSTAT, "/inbox/name.part", 0x4, 0o777) == sftp.SFTP_OK
        assert raw.code(sftp.CMD_RENAME, "/inbox/name.part", "/inbox/name") == sftp.SFTP_OK
        assert raw.code(sftp.CMD_SETSTAT, "/inbox/name", 0x8, 1, 1) == sftp.SFTP_OK
        assert raw.code(sftp.CMD_SETSTAT, "/inbox/name", 0x1, U64(0)) == sftp.SFTP_OP_UNSUPPORTED
        assert raw.code(sftp.CMD_SETSTAT, "/inbox", 0x4, 0o777) == sftp.SFTP_PERMISSION_DENIED
        assert raw.code(sftp.CMD_SETSTAT, "/inbox/none", 0x4, 0) == sftp.SFTP_NO_SUCH_FILE
        assert raw.size("/inbox/name") == 100


def test_the_inbox_shows_only_what_this_session_has_not_finished(home: House) -> None:
    with home.raw() as one, home.raw() as other:
        one.put("/inbox/done", b"done")
        one.put("/inbox/waiting.part", b"1234")
        assert listing(one, "/inbox") == {"waiting.part": 4}
        assert listing(other, "/inbox") == {}


def test_a_write_handle_does_not_read(home: House) -> None:
    with home.raw() as raw:
        handle = raw.open("/inbox/name", NEW | READ)
        raw.write(handle, 0, b"secret")
        assert raw.code(sftp.CMD_READ, handle, U64(0), 6) == sftp.SFTP_PERMISSION_DENIED


def test_our_failure_is_a_failure_and_the_session_goes_on(home: House) -> None:
    with home.raw() as raw, capture_logs() as logs:
        home.register.is_away = True
        code, sentence = raw.status(sftp.CMD_CLOSE, filled(raw, "/inbox/name"))
        assert (code, "our fault" in sentence) == (sftp.SFTP_FAILURE, True)
        assert home.register.deposits == []
        assert home.under_way() == []
        assert raw.code(sftp.CMD_STAT, "/inbox/name") == sftp.SFTP_NO_SUCH_FILE
        # Had the database entered it before it went away, its bytes would be needed: the next start
        # looks, and removes a file that no deposit needs.
        assert len(home.kept()) == 1
        home.spool.own = None
        home.spool.sweep(lambda _: {deposit.id for deposit in home.register.deposits})
        assert home.is_empty()
        home.register.is_away = False
        assert raw.close(filled(raw, "/inbox/name")) == sftp.SFTP_OK
    assert [line["event"] for line in logs] == ["sftp.failed", "sftp.received"]
    assert logs[0]["reason"].startswith("ConnectionError in ")


def test_a_spool_that_is_gone_is_our_failure(home: House) -> None:
    with home.raw() as raw:
        away = home.spool.incoming.rename(home.folder / "away")
        # Not "no such file", which is what the error says: it would be blamed on the sender.
        assert raw.code(sftp.CMD_OPEN, "/inbox/name", NEW, 0) == sftp.SFTP_FAILURE
        away.rename(home.spool.incoming)
        assert raw.put("/inbox/name", b"now") == sftp.SFTP_OK


def test_a_file_that_cannot_be_filed_is_not_kept(home: House) -> None:
    with home.raw() as raw:
        handle = filled(raw, "/inbox/name")
        shutil.rmtree(home.spool.deposits)
        assert raw.close(handle) == sftp.SFTP_FAILURE
        assert home.under_way() == []
        home.spool.create()
        assert raw.close(filled(raw, "/inbox/name")) == sftp.SFTP_OK


def filled(raw: Raw, path: str) -> bytes:
    handle = raw.open(path, NEW)
    assert raw.write(handle, 0, b"content") == sftp.SFTP_OK
    return handle


def listing(raw: Raw, path: str) -> dict[str, int]:
    """What a folder shows: names and sizes."""
    answered, body = raw.ask(sftp.CMD_OPENDIR, path)
    assert answered == sftp.CMD_HANDLE
    handle = strings(body)[0]
    found: dict[str, int] = {}
    while True:
        answered, body = raw.ask(sftp.CMD_READDIR, handle)
        if answered == sftp.CMD_STATUS:
            assert struct.unpack(">I", body[:4])[0] == sftp.SFTP_EOF
            assert raw.close(handle) == sftp.SFTP_OK
            return found
        message = paramiko.Message(body)
        for _ in range(message.get_int()):
            name, _line = message.get_text(), message.get_text()
            message.get_int()
            found[name] = message.get_int64()
            message.get_bytes(12)


def test_open_handles_and_waiting_uploads_are_limited(keys: Keys, tmp_path: Path) -> None:
    with house(keys, tmp_path, handles_per_session=3) as home, home.raw() as raw:
        raw.put("/inbox/waiting.part", b"1")
        raw.open("/inbox/a", NEW)
        assert raw.ask(sftp.CMD_OPENDIR, "/")[0] == sftp.CMD_HANDLE
        for full in ((sftp.CMD_OPENDIR, "/"), (sftp.CMD_OPEN, "/inbox/b", NEW, 0)):
            code, sentence = raw.status(*full)
            assert (code, "too many" in sentence) == (sftp.SFTP_FAILURE, True)
        assert raw.code(sftp.CMD_RENAME, "/inbox/waiting.part", "/inbox/there") == sftp.SFTP_OK
        raw.open("/inbox/b", NEW)


def test_keys_are_exchanged_again_in_the_middle_of_an_upload(home: House, tmp_path: Path) -> None:
    content = random.Random(2).randbytes(5_000_000)
    (tmp_path / "large").write_bytes(content)
    options = [*home.options("alice"), "-o", "RekeyLimit=500K", "-P", str(home.port)]
    command = ["sftp", "-v", *options, "-b", "-", f"{ALICE}@{home.host}"]
    done = subprocess.run(
        command,
        input=f"put {tmp_path}/large inbox/{NAME}\n",
        text=True,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("SSH2_MSG_NEWKEYS received") > 3
    the_deposit(home, content=content)


# The outbox


def test_openssh_lists_reads_and_removes_answers(home: House, tmp_path: Path) -> None:
    answer = home.post(ALICE, "SECU.ACKTRT.XML", CONTENT)
    done = home.sftp("ls -l outbox")
    assert done.returncode == 0
    columns = next(line for line in done.stdout.splitlines() if "ACKTRT" in line).split()
    assert columns[4:] == [str(len(CONTENT)), "Aug", "03", "09:15", "SECU.ACKTRT.XML"]
    assert home.shelves.journal == [], "looking is not collecting"

    done = home.sftp(f"get outbox/SECU.ACKTRT.XML {tmp_path}/got", "rm outbox/SECU.ACKTRT.XML", "ls outbox")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "got").read_bytes() == CONTENT
    assert home.shelves.journal == [(str(ALICE), answer.id, "sftp")]
    assert "ACKTRT" not in done.stdout.splitlines()[-1]


def test_an_answer_is_collected_when_its_content_is_first_read(home: House) -> None:
    answer = home.post(ALICE, "answer", CONTENT)
    with home.raw() as raw:
        assert listing(raw, "/outbox") == {"answer": len(CONTENT)}
        assert raw.size("/outbox/answer") == len(CONTENT)
        handle = raw.open("/outbox/answer", READ)
        assert raw.ask(sftp.CMD_FSTAT, handle)[0] == sftp.CMD_ATTRS
        assert home.shelves.journal == []
        for _ in range(3):
            answered, body = raw.ask(sftp.CMD_READ, handle, U64(0), 100)
            assert (answered, strings(body)) == (sftp.CMD_DATA, [CONTENT[:100]])
        assert home.shelves.journal == [(str(ALICE), answer.id, "sftp")]
        assert raw.code(sftp.CMD_READ, handle, U64(len(CONTENT)), 1) == sftp.SFTP_EOF
        assert raw.close(handle) == sftp.SFTP_OK


def test_an_answer_is_removed_only_after_it_was_collected(home: House) -> None:
    home.post(ALICE, "answer", CONTENT)
    with home.paramiko() as client:
        with pytest.raises(PermissionError):
            client.remove("/outbox/answer")
        assert client.listdir("/outbox") == ["answer"]
        with client.open("/outbox/answer") as file:
            file.prefetch()
            assert file.read() == CONTENT
        client.remove("/outbox/answer")
        assert client.listdir("/outbox") == []
        with pytest.raises(FileNotFoundError):
            client.stat("/outbox/answer")


def test_another_member_sees_nothing(home: House) -> None:
    mine = home.post(ALICE, "mine", CONTENT)
    home.post(BOB, "theirs", b"theirs")
    with home.raw("bob", BOB) as raw:
        assert listing(raw, "/outbox") == {"theirs": 6}
        for path in ("/outbox/mine", "/outbox/none", f"/outbox/{mine.id}"):
            assert raw.status(sftp.CMD_STAT, path) == raw.status(sftp.CMD_STAT, "/outbox/none")
            assert raw.status(sftp.CMD_OPEN, path, READ, 0) == raw.status(sftp.CMD_STAT, "/outbox/none")
            assert raw.status(sftp.CMD_REMOVE, path) == raw.status(sftp.CMD_STAT, "/outbox/none")
    assert [listed.answer for listed in home.shelves.visible(str(ALICE))] == [mine]
    assert home.shelves.journal == []


def test_an_answer_posted_during_a_session_is_found(home: House) -> None:
    with home.paramiko() as client:
        assert client.listdir("/outbox") == []
        home.post(ALICE, "late", b"late")
        assert client.stat("/outbox/late").st_size == 4
        assert client.listdir("/outbox") == ["late"]


def test_many_answers_are_all_listed_in_order(home: House) -> None:
    names = [f"answer-{n:04}" for n in range(1, 351)]
    for name in names:
        home.post(ALICE, name, b"")
    with home.paramiko() as client:
        assert client.listdir("/outbox") == names


def test_a_long_answer_is_read_whole(home: House, tmp_path: Path) -> None:
    content = random.Random(3).randbytes(3_000_000)
    home.post(ALICE, "long", content)
    assert home.openssh("scp", f"{ALICE}@{home.host}:outbox/long", str(tmp_path / "got")).returncode == 0
    assert (tmp_path / "got").read_bytes() == content


def test_nothing_is_written_to_the_outbox(home: House) -> None:
    home.post(ALICE, "answer", CONTENT)
    denied = sftp.SFTP_PERMISSION_DENIED
    with home.raw() as raw:
        raw.put("/inbox/mine.part", b"mine")
        for flags in (NEW, AGAIN, AGAIN | READ, sftp.SFTP_FLAG_APPEND, sftp.SFTP_FLAG_TRUNC):
            assert raw.code(sftp.CMD_OPEN, "/outbox/answer", flags, 0) == denied
            assert raw.code(sftp.CMD_OPEN, "/outbox/new", flags, 0) == denied
        assert raw.code(sftp.CMD_RENAME, "/inbox/mine.part", "/outbox/mine") == denied
        assert raw.code(sftp.CMD_RENAME, "/outbox/answer", "/inbox/answer") == denied
        assert raw.code(sftp.CMD_SETSTAT, "/outbox/answer", 0x4, 0) == denied
        handle = raw.open("/outbox/answer", READ)
        assert raw.write(handle, 0, b"!") == denied
        assert raw.code(sftp.CMD_FSETSTAT, handle, 0x4, 0) == denied
    assert home.shelves.journal == []
    assert home.register.deposits == []


# Names


@pytest.mark.parametrize(
    "path",
    [
        "name",
        "/name",
        "../name",
        "/etc/passwd",
        "//etc//passwd",
        "inbox/../../etc/passwd",
        "inbox/../../../../../../tmp/name",
        "/inbox/../name",
        "/inbox/a/b",
        "/inbox/a/../../x",
        "/inbox",
        "/inbox/.",
        "/inbox/..",
        "/outbox/x",
        "/INBOX/x",
        "/inbox\\x",
        "..\\..\\inbox\\x",
        "",
        ".",
        "/",
        "~/inbox/x",
        "/proc/self/root/inbox/x",
    ],
)
def test_nothing_is_written_outside_the_inbox(home: House, path: str) -> None:
    before = everything(home.folder)
    with home.raw() as raw:
        assert raw.code(sftp.CMD_OPEN, path, NEW, 0) == sftp.SFTP_PERMISSION_DENIED
        assert raw.put("/inbox/from.part", b"x") == sftp.SFTP_OK
        for rename in ((sftp.CMD_RENAME,), (sftp.CMD_EXTENDED, "posix-rename@openssh.com")):
            assert raw.code(*rename, "/inbox/from.part", path) == sftp.SFTP_PERMISSION_DENIED
    home.door.stop()
    assert everything(home.folder) == before
    assert home.is_empty()


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../../../etc/passwd", "inbox/../../etc/passwd", "/outbox/../etc"]
)
def test_nothing_outside_the_tree_is_there(home: House, path: str) -> None:
    with home.raw() as raw:
        gone = raw.status(sftp.CMD_STAT, "/none")
        assert gone[0] == sftp.SFTP_NO_SUCH_FILE
        assert raw.status(sftp.CMD_STAT, path) == gone
        assert raw.status(sftp.CMD_LSTAT, path) == gone
        assert raw.status(sftp.CMD_OPEN, path, READ, 0) == gone
        assert raw.status(sftp.CMD_REMOVE, path) == gone
        assert raw.code(sftp.CMD_OPENDIR, path) == sftp.SFTP_NO_SUCH_FILE


def everything(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if "known_hosts" not in path.name}


@pytest.mark.parametrize(
    "name",
    [
        "plain",
        "with space",
        "..hidden",
        "...",
        "-rf",
        "ünïcödé-名前-🜂",
        "a\nb",
        "\x1b[31m\x07",
        "\u202elmx.exe",
        "$(id);`id`|&",
        "%s%n",
        "C:\\x",
        ".part-of-a-name",
        "x" * 255,
        "é" * 127,
        "part",
    ],
)
def test_any_other_name_is_only_a_text(home: House, name: str) -> None:
    before = everything(home.folder)
    with home.raw() as raw:
        assert raw.put(f"/inbox/{name}", CONTENT[:100]) == sftp.SFTP_OK
    the_deposit(home, name, CONTENT[:100])
    added = {path.name for path in everything(home.folder) - before}
    assert added == {home.register.deposits[0].id}


@pytest.mark.parametrize(
    "name", [b"x" * 256, b"\xc3\xa9" * 128, b"a\0b", b"\0", b"\xff\xfe", b"\xed\xa0\x80"]
)
def test_a_name_too_long_or_not_a_text_is_refused(home: House, name: bytes) -> None:
    with home.raw() as raw:
        assert raw.code(sftp.CMD_OPEN, b"/inbox/" + name, NEW, 0) == sftp.SFTP_FAILURE
        raw.put("/inbox/a.part", b"x")
        assert raw.code(sftp.CMD_RENAME, "/inbox/a.part", b"/inbox/" + name) == sftp.SFTP_FAILURE
    assert home.register.deposits == []


@pytest.mark.parametrize(
    ("path", "real"),
    [
        (".", "/"),
        ("", "/"),
        ("inbox", "/inbox"),
        ("/inbox/../outbox/./x", "/outbox/x"),
        ("../../..", "/"),
        ("//inbox//x/", "/inbox/x"),
    ],
)
def test_paths_are_made_canonical_from_the_root(home: House, path: str, real: str) -> None:
    with home.raw() as raw:
        answered, body = raw.ask(sftp.CMD_REALPATH, path)
        assert answered == sftp.CMD_NAME
        assert strings(body[4:-4])[0].decode() == real


@given(st.text(alphabet="./ab\\\n~", max_size=40))
def test_no_path_leads_above_the_root(path: str) -> None:
    found = words(path)
    assert not {"", ".", ".."} & set(found)
    assert not any("/" in word for word in found)
    assert words("/".join(found)) == found == words("/" + path) == words("../" + path)


# Refused operations


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ((sftp.CMD_MKDIR, "/inbox/new", 0), sftp.SFTP_PERMISSION_DENIED),
        ((sftp.CMD_MKDIR, "/new", 0), sftp.SFTP_PERMISSION_DENIED),
        ((sftp.CMD_RMDIR, "/inbox"), sftp.SFTP_PERMISSION_DENIED),
        ((sftp.CMD_REMOVE, "/inbox"), sftp.SFTP_PERMISSION_DENIED),
        ((sftp.CMD_REMOVE, "/"), sftp.SFTP_PERMISSION_DENIED),
        ((sftp.CMD_RENAME, "/inbox", "/outbox"), sftp.SFTP_PERMISSION_DENIED),
        ((sftp.CMD_RENAME, "/outbox", "/inbox/x"), sftp.SFTP_PERMISSION_DENIED),
        ((sftp.CMD_OPEN, "/inbox", READ, 0), sftp.SFTP_PERMISSION_DENIED),
        ((sftp.CMD_SYMLINK, "/etc/passwd", "/inbox/x"), sftp.SFTP_OP_UNSUPPORTED),
        ((sftp.CMD_READLINK, "/inbox"), sftp.SFTP_OP_UNSUPPORTED),
        ((sftp.CMD_EXTENDED, "hardlink@openssh.com", "/inbox", "/x"), sftp.SFTP_OP_UNSUPPORTED),
        ((sftp.CMD_EXTENDED, "statvfs@openssh.com", "/"), sftp.SFTP_OP_UNSUPPORTED),
        ((sftp.CMD_EXTENDED, "copy-data", "1", U64(0), U64(0), "2", U64(0)), sftp.SFTP_OP_UNSUPPORTED),
        ((sftp.CMD_EXTENDED, "check-file", "1", "md5", U64(0), U64(0), 0), sftp.SFTP_OP_UNSUPPORTED),
        ((99,), sftp.SFTP_OP_UNSUPPORTED),
        ((sftp.CMD_INIT,), sftp.SFTP_OP_UNSUPPORTED),
        ((sftp.CMD_CLOSE, "none"), sftp.SFTP_FAILURE),
        ((sftp.CMD_READ, "none", U64(0), 1), sftp.SFTP_FAILURE),
        ((sftp.CMD_WRITE, "none", U64(0), "x"), sftp.SFTP_FAILURE),
        ((sftp.CMD_READDIR, "none"), sftp.SFTP_FAILURE),
        ((sftp.CMD_OPEN,), sftp.SFTP_BAD_MESSAGE),
        ((sftp.CMD_OPEN, "/inbox/x"), sftp.SFTP_BAD_MESSAGE),
        ((sftp.CMD_STAT, 1_000_000), sftp.SFTP_BAD_MESSAGE),
        ((sftp.CMD_EXTENDED,), sftp.SFTP_BAD_MESSAGE),
    ],
)
def test_what_there_is_not_is_refused(home: House, request_: tuple[int | str], code: int) -> None:
    with home.raw() as raw:
        assert raw.code(*request_) == code  # type: ignore[arg-type]
        assert raw.put("/inbox/x", b"the session goes on") == sftp.SFTP_OK


def test_a_write_that_is_cut_short_is_not_filled_with_zeros(home: House) -> None:
    with home.raw() as raw:
        handle = raw.open("/inbox/name", NEW)
        short = bytes([sftp.CMD_WRITE]) + struct.pack(">II", 77, len(handle)) + handle
        raw.send(short + struct.pack(">QI", 0, 1000) + b"only this")
        answered, body = raw.receive()
        assert (answered, body[:8]) == (sftp.CMD_STATUS, struct.pack(">II", 77, sftp.SFTP_BAD_MESSAGE))
        assert raw.write(handle, 0, b"whole") == sftp.SFTP_OK
        assert raw.close(handle) == sftp.SFTP_OK
    assert list(home.kept().values()) == [b"whole"]


@pytest.mark.parametrize("size", [0, 262_145, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_packet_of_impossible_size_ends_the_session(home: House, size: int) -> None:
    with home.transport() as transport:
        raw = Raw(transport)
        raw.channel.sendall(struct.pack(">I", size))
        with pytest.raises(EOFError):
            raw.receive()
        assert Raw(transport).put("/inbox/x", b"another session") == sftp.SFTP_OK


def test_no_packet_breaks_the_session(home: House) -> None:
    """Fuzzing, with pieces that make sense: each packet is answered, and none by a fault of ours."""
    paths = ["/", "/inbox", "/inbox/a", "/inbox/a.part", "/outbox/answer", "x", "", "../..", "\n"]
    texts = st.sampled_from([*paths, "1", "2", "3", "limits@openssh.com", "posix-rename@openssh.com"])
    sized = st.one_of(texts.map(str.encode), st.binary(max_size=20))
    field = st.one_of(
        sized.map(lambda content: struct.pack(">I", len(content)) + content),
        st.integers(0, 2**32 - 1).map(lambda number: struct.pack(">I", number)),
        st.sampled_from([0, 1, 2, 3, 10, 26, 100]).map(lambda number: struct.pack(">I", number)),
        st.integers(0, 2**64 - 1).map(lambda number: struct.pack(">Q", number)),
        st.binary(max_size=9),
    )
    packet = st.builds(
        lambda kind, fields: bytes([kind]) + b"\0\0\0\7" + b"".join(fields),
        st.one_of(st.integers(1, 21), st.just(sftp.CMD_EXTENDED), st.integers(0, 255)),
        st.lists(field, max_size=5),
    )
    answers = {sftp.CMD_STATUS, sftp.CMD_HANDLE, sftp.CMD_DATA, sftp.CMD_NAME, sftp.CMD_ATTRS}
    answers.add(sftp.CMD_EXTENDED_REPLY)
    home.post(ALICE, "answer", CONTENT)

    @settings(max_examples=150, deadline=None)
    @given(st.lists(packet, max_size=15))
    def check(packets: list[bytes]) -> None:
        raw = Raw(transport)
        for one in packets:
            raw.send(one)
            answered, body = raw.receive()
            assert answered in answers
            assert body[:4] == b"\0\0\0\7"
        raw.channel.close()

    with home.transport() as transport, capture_logs() as logs:
        check()
    assert not {"sftp.failed", "sftp.session_failed"} & {line["event"] for line in logs}


@pytest.mark.parametrize(
    "words_",
    [["@", "id"], ["@"], ["-tt", "@"], ["-s", "@", "netconf"], ["-s", "@", "SFTP"], ["-W", "x:1", "@"]],
)
def test_no_command_no_shell_no_other_subsystem(home: House, words_: list[str]) -> None:
    done = home.openssh("ssh", *(word.replace("@", f"{ALICE}@{home.host}") for word in words_))
    assert (done.returncode, done.stdout) == (255, "")


def test_the_sftp_subsystem_by_hand_is_the_one_thing_allowed(home: House) -> None:
    done = home.openssh("ssh", "-s", f"{ALICE}@{home.host}", "sftp")
    assert done.returncode == 0, done.stderr


def test_nothing_else_is_granted_on_a_connection(home: House) -> None:
    with home.transport() as transport:
        for kind in ("direct-tcpip", "forwarded-tcpip", "x11", "auth-agent@openssh.com", "tun@openssh.com"):
            with pytest.raises(paramiko.ChannelException) as refused:
                transport.open_channel(kind, (home.host, home.port), ("127.0.0.1", 1), timeout=20)
            assert refused.value.code == common.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
        with pytest.raises(paramiko.SSHException):
            transport.request_port_forward("127.0.0.1", 0)
        assert transport.global_request("streamlocal-forward@openssh.com", ("/tmp/x",)) is None
        asks: list[Callable[[paramiko.Channel], object]] = [
            lambda channel: channel.get_pty(),
            lambda channel: channel.invoke_shell(),
            lambda channel: channel.exec_command("id"),
            lambda channel: channel.invoke_subsystem("shell"),
            lambda channel: channel.request_x11(),
        ]
        for ask in asks:
            with transport.open_session(timeout=20) as channel, pytest.raises(paramiko.SSHException):
                ask(channel)
        assert Raw(transport).put("/inbox/x", b"sftp") == sftp.SFTP_OK


def test_a_channel_carries_one_session(home: House) -> None:
    with home.transport() as transport:
        raw = Raw(transport)
        with pytest.raises(paramiko.SSHException):
            raw.channel.invoke_subsystem("sftp")


# Logging in


def test_the_door_knows_keys_as_ssh_keygen_prints_them(keys: Keys) -> None:
    for name in ("alice", "rsa3072"):
        assert keys.private(name).fingerprint == keys.fingerprint(name)


@pytest.mark.parametrize("key", ["alice", "rsa3072"])
def test_a_registered_key_opens_the_door(home: House, key: str) -> None:
    assert home.sftp("pwd", keys=(key,)).returncode == 0


@pytest.mark.parametrize(
    ("key", "user"),
    [
        ("stranger", str(ALICE)),
        ("bob", str(ALICE)),
        ("alice", str(BOB)),
        ("alice", "root"),
        ("alice", ALICE.matricule),
        ("alice", str(ALICE) + "0"),
        ("alice", "2099990001299000009"),
        ("stranger", "2099990001299000009"),
        ("rsa2048", str(ALICE)),
        ("ecdsa", str(ALICE)),
    ],
)
def test_any_other_key_or_name_does_not(home: House, key: str, user: str) -> None:
    done = home.sftp("pwd", keys=(key,), user=user)
    assert done.returncode == 255
    assert "Permission denied (publickey)." in done.stderr


def test_unknown_names_and_unknown_keys_get_the_same_answer(home: House) -> None:
    answers = set()
    for key, user in (("stranger", str(ALICE)), ("alice", str(BOB)), ("alice", "nobody"), ("stranger", "")):
        with home.transport(None) as transport, pytest.raises(paramiko.AuthenticationException) as refused:
            transport.auth_publickey(user, home.keys.private(key))
        answers.add((type(refused.value), str(refused.value)))
    assert len(answers) == 1


def test_a_key_of_another_kind_does_not_keep_the_right_one_out(home: House) -> None:
    assert home.sftp("pwd", keys=("ecdsa", "alice")).returncode == 0


def test_neither_passwords_nor_questions(home: House) -> None:
    with home.transport(None) as transport:
        with pytest.raises(paramiko.BadAuthenticationType) as refused:
            transport.auth_none(str(ALICE))
        assert refused.value.allowed_types == ["publickey"]
        with pytest.raises(paramiko.BadAuthenticationType):
            transport.auth_password(str(ALICE), "secret", fallback=False)
        with pytest.raises(paramiko.BadAuthenticationType):
            transport.auth_interactive(str(ALICE), lambda *_: [])
        transport.auth_publickey(str(ALICE), home.keys.private("alice"))
        assert transport.is_authenticated()


def test_a_right_key_with_a_wrong_signature_is_refused(home: House) -> None:
    class Forger(paramiko.Ed25519Key):
        """Alice's public key, another's signature."""

        def sign_ssh_data(self, data: bytes, algorithm: str | None = None) -> paramiko.Message:
            return home.keys.private("stranger").sign_ssh_data(data, algorithm)

    forger = Forger(filename=str(home.keys.file("alice")))
    with home.transport(None) as transport:
        with pytest.raises(paramiko.AuthenticationException):
            transport.auth_publickey(str(ALICE), forger)
        with pytest.raises(paramiko.ChannelException):
            transport.open_session(timeout=20)


def test_three_tries_and_no_more(home: House) -> None:
    strangers = ["stranger", "bob"]
    assert home.sftp("pwd", keys=(*strangers, "alice")).returncode == 0
    done = home.sftp("pwd", keys=(*strangers, "ecdsa", "alice"))
    assert done.returncode == 255
    with home.transport(None) as transport:
        for _ in range(3):
            with pytest.raises(paramiko.AuthenticationException):
                transport.auth_publickey(str(ALICE), home.keys.private("stranger"))
        transport.join(20)
        assert not transport.is_active()


def test_a_key_that_was_ended_ends_what_its_sessions_may_do(home: House) -> None:
    home.post(ALICE, "answer", CONTENT)
    with home.raw() as raw:
        raw.put("/inbox/name.part", b"before")
        member = home.registered.pop(home.keys.fingerprint("alice"))
        denied = sftp.SFTP_PERMISSION_DENIED
        assert raw.code(sftp.CMD_OPEN, "/inbox/x", NEW, 0) == denied
        assert raw.code(sftp.CMD_OPEN, "/outbox/answer", READ, 0) == denied
        assert raw.code(sftp.CMD_OPENDIR, "/outbox") == denied
        assert raw.code(sftp.CMD_REMOVE, "/outbox/answer") == denied
        assert raw.code(sftp.CMD_RENAME, "/inbox/name.part", "/inbox/name") == denied
        assert home.register.deposits == []
        assert home.sftp("pwd").returncode == 255
        home.registered[home.keys.fingerprint("alice")] = member
        assert raw.code(sftp.CMD_RENAME, "/inbox/name.part", "/inbox/name") == sftp.SFTP_OK


class AwayRegister(dict[str, MemberId]):
    """A register of members that cannot be asked."""

    def get(self, key: object, default: object = None) -> MemberId:
        raise ConnectionError("the database is away")


def test_a_register_of_members_that_fails_lets_nobody_in(keys: Keys, tmp_path: Path) -> None:
    with house(keys, tmp_path, registered=AwayRegister()) as home, capture_logs() as logs:
        done = home.sftp("pwd")
        assert done.returncode == 255
        assert "Permission denied (publickey)." in done.stderr
    assert {(line["event"], line["reason"].split()[0]) for line in logs} == {
        ("sftp.login_failed", "ConnectionError")
    }


# Limits of connections


def ends(sock: socket.socket) -> float:
    """Read until the door closes a connection; how long that took, in seconds."""
    began = time.monotonic()
    try:
        while sock.recv(65536):
            pass
    except ConnectionResetError:
        pass
    return time.monotonic() - began


def greeted(sock: socket.socket) -> bool:
    """Whether the door let a connection in."""
    try:
        return sock.recv(8) == b"SSH-2.0-"
    except ConnectionResetError:
        return False


@pytest.mark.parametrize("said", [b"", b"SSH-2.0-x\r\n", b"S", b"SSH-2.0-x\r\n\0\0\0\x10"])
def test_who_does_not_log_in_in_time_is_let_go(keys: Keys, tmp_path: Path, said: bytes) -> None:
    with house(keys, tmp_path, login_seconds=1) as home, home.raw() as raw, home.socket() as silent:
        silent.sendall(said)
        assert 0.5 < ends(silent) < 5
        assert raw.put("/inbox/x", b"who is in may stay") == sftp.SFTP_OK


def test_the_login_time_holds_after_the_key_exchange_too(keys: Keys, tmp_path: Path) -> None:
    with house(keys, tmp_path, login_seconds=1) as home, home.transport(None) as transport:
        assert transport.is_active()
        transport.join(20)
        assert not transport.is_active()


def test_a_trickle_of_bytes_buys_no_time(keys: Keys, tmp_path: Path) -> None:
    with house(keys, tmp_path, login_seconds=1) as home, home.socket() as slow:
        slow.settimeout(0.05)
        began = time.monotonic()
        gone = False
        while not gone and time.monotonic() - began < 20:
            try:
                slow.sendall(b"x")
                gone = not slow.recv(100)
            except TimeoutError:
                pass
            except OSError:
                gone = True
        assert time.monotonic() - began < 5


def test_an_idle_session_is_closed_and_a_busy_one_is_not(keys: Keys, tmp_path: Path) -> None:
    with house(keys, tmp_path, idle_seconds=1) as home, home.raw() as idle, home.raw() as busy:
        idle.put("/inbox/x.part", b"forgotten")
        idle.channel.settimeout(0.05)
        while True:
            try:
                assert idle.channel.recv(1) == b""
                break
            except TimeoutError:
                assert busy.size("/inbox") == 0
        assert busy.put("/inbox/y", b"still here") == sftp.SFTP_OK
    assert [deposit.name for deposit in home.register.deposits] == ["y"]


def test_a_connection_without_a_session_is_idle(keys: Keys, tmp_path: Path) -> None:
    with house(keys, tmp_path, idle_seconds=1) as home, home.transport() as transport:
        transport.open_session(timeout=20)
        transport.join(20)
        assert not transport.is_active()


def test_pending_logins_are_limited(keys: Keys, tmp_path: Path) -> None:
    with house(keys, tmp_path, pending_logins=3) as home:
        waiting = [home.socket() for _ in range(3)]
        assert all(greeted(sock) for sock in waiting)
        with home.socket() as fourth:
            assert not greeted(fourth)
        for sock in waiting:
            sock.close()
        assert logs_in_at_last(home)


def test_who_is_in_does_not_count_as_pending(keys: Keys, tmp_path: Path) -> None:
    with house(keys, tmp_path, pending_logins=1) as home, home.raw() as one, home.raw() as two:
        assert one.size("/") == two.size("/") == 0


@pytest.mark.parametrize("limits", [{"connections": 2}, {"connections_per_address": 2}])
def test_connections_are_limited(keys: Keys, tmp_path: Path, limits: dict[str, Any]) -> None:
    with house(keys, tmp_path, **limits) as home:
        with home.raw(), home.raw("bob", BOB), home.socket() as third:
            assert not greeted(third)
        assert logs_in_at_last(home)


def logs_in_at_last(home: House) -> bool:
    """Whether one gets in again after others have left, which the door may take a moment to see."""
    return any(home.sftp("pwd").returncode == 0 for _ in range(100))


def test_sessions_of_a_member_are_limited_over_all_connections(keys: Keys, tmp_path: Path) -> None:
    with house(keys, tmp_path, sessions_per_member=2) as home, home.transport() as transport:
        first = Raw(transport)
        with home.raw() as second:
            assert second.size("/") == 0
            for full in (transport.open_session(timeout=20),):
                with pytest.raises(paramiko.SSHException):
                    full.invoke_subsystem("sftp")
            with home.raw("bob", BOB) as other:
                assert other.size("/") == 0
        assert first.size("/") == 0
        assert logs_in_at_last(home)


def test_channels_of_a_connection_are_limited(home: House) -> None:
    with home.transport() as transport:
        open_ = [transport.open_session(timeout=20) for _ in range(8)]
        with pytest.raises(paramiko.ChannelException) as refused:
            transport.open_session(timeout=20)
        assert refused.value.code == common.OPEN_FAILED_RESOURCE_SHORTAGE
        assert len(open_) == 8


def test_sessions_may_follow_each_other_on_a_connection(home: House) -> None:
    with home.transport() as transport:
        for n in range(30):
            raw = Raw(transport)
            assert raw.put(f"/inbox/{n}", bytes([n])) == sftp.SFTP_OK
            raw.channel.shutdown_write()
            assert raw.channel.recv(1) == b""
            assert raw.channel.recv_exit_status() == 0
        (connection,) = home.door._connections
        assert len(connection.transport.server_accepts) + len(connection._channels) <= 2
    assert len(home.register.deposits) == 30


# Hostile peers


@pytest.mark.parametrize(
    "said",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 3,
        bytes(2000),
        b"SSH-1.5-old\r\n",
        b"SSH-2.0-x\r\n" + b"\xff" * 100,
        b"SSH-2.0-x\r\n" + struct.pack(">I", 0x7FFFFFFC) + b"x" * 1000,
        b"SSH-2.0-x\r\n" + struct.pack(">I", 300_004) + b"x" * 1000,
        b"A" * 5000,
        b"\r\n" * 5000,
        random.Random(4).randbytes(5000) + b"\n",
    ],
)
def test_noise_is_let_go_before_the_login_time(home: House, said: bytes) -> None:
    with home.socket() as sock:
        sock.sendall(said)
        if b"HTTP" in said:
            sock.shutdown(socket.SHUT_WR)
        assert ends(sock) < 10
    assert home.sftp("pwd").returncode == 0


def test_many_half_open_connections_leave_no_thread(keys: Keys, tmp_path: Path) -> None:
    before = threading.active_count()
    with house(keys, tmp_path, connections_per_address=100, pending_logins=50) as home:
        sockets = [home.socket() for _ in range(60)]
        for sock in sockets[::2]:
            sock.sendall(b"SSH-2.0-x\r\n")
        assert sum(greeted(sock) for sock in sockets) == 50
        assert threading.active_count() <= before + 1 + 50
        for sock in sockets:
            sock.close()
        assert logs_in_at_last(home)
    assert threading.active_count() == before


@pytest.mark.parametrize("message", [common.MSG_USERAUTH_INFO_RESPONSE, common.MSG_EXT_INFO])
def test_a_count_of_four_thousand_million_is_not_counted(home: House, message: int) -> None:
    """paramiko would read as many fields as either message announces, before any login."""
    with home.transport(None) as transport:
        service = paramiko.Message()
        service.add_byte(common.cMSG_SERVICE_REQUEST)
        service.add_string("ssh-userauth")
        transport._send_message(service)  # type: ignore[attr-defined]
        bomb = paramiko.Message()
        bomb.add_byte(bytes([message]))
        bomb.add_int(0xFFFFFFFF)
        transport._send_message(bomb)  # type: ignore[attr-defined]
        transport.auth_timeout = 10
        transport.auth_publickey(str(ALICE), home.keys.private("alice"))
        assert transport.is_authenticated()


@pytest.mark.parametrize(("packets", "lives"), [(64, True), (66, False)])
def test_more_than_the_window_is_not_stored(home: House, packets: int, lives: bool) -> None:
    with home.transport() as transport:
        channel = transport.open_session(timeout=20)
        for _ in range(packets):
            message = paramiko.Message()
            message.add_byte(bytes([common.MSG_CHANNEL_DATA]))
            message.add_int(channel.remote_chanid)
            message.add_string(bytes(32768))
            transport._send_user_message(message)  # type: ignore[attr-defined]
        if lives:
            assert Raw(transport).size("/") == 0
        else:
            transport.join(20)
            assert not transport.is_active()


def test_nothing_is_taken_on_standard_error(home: House) -> None:
    with home.transport() as transport:
        channel = transport.open_session(timeout=20)
        channel.sendall_stderr(b"x")
        transport.join(20)
        assert not transport.is_active()


def test_requests_before_the_login_get_nothing(home: House) -> None:
    with home.transport(None) as transport:
        with pytest.raises(paramiko.ChannelException):
            transport.open_session(timeout=20)
        assert transport.global_request("tcpip-forward", ("", 0)) is None


def test_no_descriptor_left_is_not_the_end(home: House) -> None:
    with socket.socket() as waiting, capture_logs() as logs:
        waiting.settimeout(20)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (waiting.fileno() + 1, hard))
        try:
            waiting.connect((home.host, home.port))
            waiting.settimeout(1)
            with pytest.raises(TimeoutError):
                waiting.recv(1)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        waiting.settimeout(20)
        assert greeted(waiting)
    assert {(line["event"], line["reason"].split()[0]) for line in logs} == {("sftp.door_failed", "OSError")}
    assert home.sftp("pwd").returncode == 0


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_connection_whose_thread_dies_is_cleared_away(home: House) -> None:
    """paramiko's own thread fails on an OSError of one argument, and leaves all of it open."""

    def fail(*_: object) -> NoReturn:
        raise OSError("the log cannot be written")

    before = structlog.get_config()["processors"]
    with home.transport() as transport:
        structlog.configure(processors=[fail])
        try:
            with pytest.raises((EOFError, paramiko.SSHException)):
                Raw(transport).put("/inbox/name", b"content")
        finally:
            structlog.configure(processors=before)
        transport.join(20)
        assert not transport.is_active()
    assert home.sftp("pwd").returncode == 0
    home.door.stop()
    assert home.is_empty()
    assert not home.door._sessions


# Algorithms


def audit(port: int) -> dict[str, Any]:
    """What ssh-audit finds."""
    command = [sys.executable, "-m", "ssh_audit", "--json", "--skip-rate-test", "-p", str(port), "127.0.0.1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    findings: dict[str, Any] = json.loads(done.stdout)
    return findings


def noted(findings: dict[str, Any], level: str) -> set[str]:
    """The algorithms that ssh-audit has something to say about."""
    algorithms = [one for group in ("kex", "key", "enc", "mac") for one in findings[group]]
    return {one["algorithm"] for one in algorithms if level in one["notes"]}


def test_ssh_audit_finds_no_failure(home: House) -> None:
    findings = audit(home.port)
    assert noted(findings, "fail") == set()
    # For clients before OpenSSH 9.9, which have no key exchange that withstands a quantum computer.
    assert noted(findings, "warn") == {"curve25519-sha256@libssh.org"}
    assert findings["banner"]["raw"] == VERSION_LINE


def test_ssh_audit_would_find_one(keys: Keys) -> None:
    """The negative control: paramiko as it comes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stopping = threading.Event()

        def serve() -> None:
            while not stopping.is_set():
                transport = paramiko.Transport(listener.accept()[0])
                transport.add_server_key(keys.private("host"))
                transport.start_server(event=threading.Event())

        server = threading.Thread(target=serve)
        server.start()
        port = listener.getsockname()[1]
        findings = audit(port)
        stopping.set()
        socket.create_connection(("127.0.0.1", port)).close()
        server.join(20)
    assert "ecdh-sha2-nistp256" in noted(findings, "fail")


def test_exactly_the_listed_algorithms_are_offered(home: House) -> None:
    with home.transport(None) as transport:
        transport._send_kex_init()  # type: ignore[attr-defined]
    with home.socket() as sock:
        received = sock.makefile("rb")
        assert received.readline() == VERSION_LINE.encode() + b"\r\n"
        sock.sendall(b"SSH-2.0-x\r\n")
        size, padding = struct.unpack(">IB", received.read(5))
        body = received.read(size - 1)[: size - 1 - padding]
    assert body[0] == common.MSG_KEXINIT
    offered = [one.decode().split(",") for one in strings(body[17:-5])]
    assert offered[0] == [*KEY_EXCHANGES, "kex-strict-s-v00@openssh.com"]
    assert [name for name in offered[1] if "cert" not in name] == list(HOST_KEYS)
    assert offered[2:8] == [list(CIPHERS)] * 2 + [list(MACS)] * 2 + [["none"]] * 2


@pytest.mark.parametrize(
    ("option", "works"),
    [
        ("Ciphers=aes128-gcm@openssh.com", True),
        ("Ciphers=aes256-gcm@openssh.com", True),
        ("Ciphers=aes128-ctr", False),
        ("Ciphers=aes256-cbc", False),
        ("KexAlgorithms=curve25519-sha256@libssh.org", True),
        ("KexAlgorithms=ecdh-sha2-nistp256", False),
        ("KexAlgorithms=diffie-hellman-group14-sha256", False),
        ("HostKeyAlgorithms=ssh-ed25519", True),
        ("HostKeyAlgorithms=rsa-sha2-512", False),
        ("Compression=yes", True),
    ],
)
def test_clients_that_insist_on_other_algorithms_are_turned_away(
    home: House, option: str, works: bool
) -> None:
    done = home.openssh("sftp", "-o", option, "-b", "-", f"{ALICE}@{home.host}", told="pwd\n")
    assert (done.returncode == 0) == works
    assert works or "no matching" in done.stderr


def test_ml_kem_is_used_where_the_client_has_it(home: House) -> None:
    with home.transport() as transport:
        kex = home.door._connections.copy().pop().transport
        assert type(transport.kex_engine) is type(kex.kex_engine)
        assert "mlkem768x25519-sha256" in transport.preferred_kex[0]
        assert transport.local_cipher.endswith("gcm@openssh.com")
        assert transport.agreed_on_strict_kex  # type: ignore[attr-defined]


def test_large_reads_and_writes_are_offered_and_taken(home: House) -> None:
    content = random.Random(5).randbytes(LARGEST_CHUNK)
    home.post(ALICE, "large", content + b"more")
    with home.raw() as raw:
        assert raw.version == 3
        assert raw.extensions == {b"posix-rename@openssh.com": b"1", b"limits@openssh.com": b"1"}
        answered, body = raw.ask(sftp.CMD_EXTENDED, "limits@openssh.com")
        assert (answered, struct.unpack(">QQQQ", body)) == (
            sftp.CMD_EXTENDED_REPLY,
            (262_144, 261_120, 261_120, SftpSettings().handles_per_session),
        )
        assert raw.put("/inbox/" + NAME, content) == sftp.SFTP_OK
        handle = raw.open("/outbox/large", READ)
        answered, body = raw.ask(sftp.CMD_READ, handle, U64(0), 0xFFFFFFFF)
        assert (answered, strings(body)) == (sftp.CMD_DATA, [content])
    the_deposit(home, content=content)


def test_openssh_uses_the_large_writes(home: House, file: Path) -> None:
    done = home.openssh("sftp", "-vvv", "-b", "-", f"{ALICE}@{home.host}", told=f"put {file} inbox/\n")
    assert "server upload/download buffer sizes 261120 / 261120; using 261120 / 261120" in done.stderr


# The house keys, the end, the logs


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_host_key_that_others_can_read_is_refused(keys: Keys, tmp_path: Path, mode: int) -> None:
    shutil.copy(keys.file("host"), tmp_path / "host")
    (tmp_path / "host").chmod(mode)
    with pytest.raises(PermissionError), house(Keys(copied(keys, tmp_path)), tmp_path):
        pass
    (tmp_path / "host").chmod(0o400)
    with house(Keys(tmp_path), tmp_path) as home:
        assert home.sftp("pwd").returncode == 0


def copied(keys: Keys, folder: Path) -> Path:
    """A folder with all keys but the host's, which is there already."""
    for file in keys.folder.iterdir():
        if file.name != "host":
            shutil.copy(file, folder)
    return folder


def test_only_an_ed25519_host_key_will_do(keys: Keys, tmp_path: Path) -> None:
    shutil.copy(keys.file("ecdsa"), tmp_path / "host")
    with pytest.raises(paramiko.SSHException), house(Keys(copied(keys, tmp_path)), tmp_path):
        pass


def test_stopping_closes_everything_and_forgets_what_is_unfinished(keys: Keys, tmp_path: Path) -> None:
    before = threading.active_count()
    with house(keys, tmp_path) as home, home.raw() as raw, home.socket() as pending:
        raw.put("/inbox/x.part", CONTENT)
        raw.write(raw.open("/inbox/y", NEW), 0, CONTENT[:1000])
        assert greeted(pending)
        home.door.stop()
        assert ends(pending) < 5
        with pytest.raises(EOFError):
            raw.receive()
        assert home.is_empty()
        with pytest.raises(ConnectionRefusedError):
            home.socket()
    assert threading.active_count() == before


def test_stopping_waits_for_what_is_being_received(keys: Keys, tmp_path: Path) -> None:
    register = GatedRegister()
    with house(keys, tmp_path, register=register) as home, home.raw() as raw, ThreadPoolExecutor() as pool:
        pool.submit(raw.close, filled(raw, "/inbox/name"))
        assert register.reached.wait(20)
        stopping = pool.submit(home.door.stop)
        with pytest.raises(TimeoutError):
            stopping.result(1)
        register.gate.set()
        stopping.result(20)
        assert len(register.deposits) == 1
        assert list(home.kept().values()) == [b"content"]


def test_logs_hold_ids_only(home: House, file: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    home.post(ALICE, "secret-answer", CONTENT)
    with capture_logs() as logs:
        home.sftp("put " + str(file) + " inbox/secret-name", "get outbox/secret-answer /dev/null")
        home.sftp("pwd", user="secret-user", keys=("stranger",))
        home.register.is_away = True
        file.write_bytes(b"secret-content")
        home.sftp("put " + str(file) + " inbox/secret-name")
        with home.raw() as raw:
            raw.code(sftp.CMD_OPEN, "/inbox/secret\0name", NEW, 0)
        with home.socket() as sock:
            sock.sendall(b"SSH-secret\r\n")
            ends(sock)
    home.door.stop()
    events = [line["event"] for line in logs]
    assert {"sftp.entered", "sftp.received", "sftp.collected", "sftp.failed"} <= set(events)
    told = json.dumps(logs) + caplog.text
    assert "secret" not in told
    assert NAME not in told
    assert str(ALICE) in told


def test_a_fault_of_ours_is_logged_by_kind_and_place(home: House) -> None:
    with home.raw() as raw, capture_logs() as logs:
        home.register.is_away = True
        raw.close(filled(raw, "/inbox/name"))
    kind, _, place = logs[-1]["reason"].partition(" in ")
    assert kind == "ConnectionError"
    assert ", sftp_clients.py:" in place
