"""SR-23: deposits are sealed from their first byte on, and nothing changed, cut or mixed up opens."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.encryption import Unopened
from adapters.spool import HEAD, PIECE, SLOT, Spool
from tests.sealed import MemoryFileKeys

SENDER, AT = "2099990001299100001", datetime(2026, 8, 3, 9, tzinfo=UTC)
SECRET = b"1893120105732;Wantz-Schmit;3812.40"


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    made = Spool(tmp_path, 1_000_000, MemoryFileKeys())
    made.create()
    return made


def kept(spool: Spool, content: bytes) -> str:
    upload, deposit = spool.begin(), str(uuid.uuid4())
    upload.write(0, content)
    assert upload.keep(deposit, SENDER, AT) == (len(content), hashlib.sha256(content).hexdigest())
    return deposit


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 3 * PIECE + 7])
def test_what_was_sent_is_read_again(spool: Spool, size: int) -> None:
    content = os.urandom(size)
    deposit = kept(spool, content)
    assert spool.read(deposit) == content
    assert spool.digest(deposit) == hashlib.sha256(content).hexdigest()


write = st.tuples(st.integers(0, 3 * PIECE), st.binary(min_size=1, max_size=40), st.integers(1, 3000))
pieces = st.lists(write, max_size=12)


@settings(max_examples=60, deadline=None)
@given(writes=pieces)
def test_an_upload_may_come_in_any_order_and_overwrite_itself(
    tmp_path_factory: pytest.TempPathFactory, writes: list[tuple[int, bytes, int]]
) -> None:
    spool = Spool(tmp_path_factory.mktemp("spool"), 1_000_000, MemoryFileKeys())
    spool.create()
    upload, expected, deposit = spool.begin(), bytearray(), str(uuid.uuid4())
    for offset, pattern, times in writes:
        chunk = pattern * times
        upload.write(offset, chunk)
        expected.extend(bytes(max(0, offset + len(chunk) - len(expected))))
        expected[offset : offset + len(chunk)] = chunk
    size, digest = upload.keep(deposit, SENDER, AT)
    assert (size, digest) == (len(expected), hashlib.sha256(expected).hexdigest())
    assert spool.read(deposit) == bytes(expected)


def test_no_plain_byte_is_on_the_disk_at_any_moment(spool: Spool) -> None:
    upload, deposit = spool.begin(), str(uuid.uuid4())
    (file,) = spool.incoming.iterdir()
    for number in range(6):
        upload.write(number * PIECE // 2, SECRET.ljust(PIECE // 2, b"x"))
        assert SECRET not in file.read_bytes() and b"x" * 16 not in file.read_bytes()
    assert file.stat().st_size > PIECE, "pieces do go to the disk while the upload is under way"
    upload.keep(deposit, SENDER, AT)
    assert SECRET not in spool.path(deposit).read_bytes()


def test_the_same_bytes_are_never_sealed_alike(spool: Spool) -> None:
    content = SECRET * 5000
    one, two = (spool.path(kept(spool, content)).read_bytes() for _ in range(2))
    assert len(one) == len(two)
    assert one[HEAD:] != two[HEAD:]
    assert len({one[HEAD + n * SLOT : HEAD + n * SLOT + 12] for n in range(3)}) == 3, "a nonce for each piece"


def flip(place: int) -> Callable[[bytes], bytes]:
    return lambda raw: raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]


def swapped(raw: bytes) -> bytes:
    first, second = raw[HEAD : HEAD + SLOT], raw[HEAD + SLOT : HEAD + 2 * SLOT]
    return raw[:HEAD] + second + first + raw[HEAD + 2 * SLOT :]


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "first byte": flip(0),
    "id of its key": flip(10),
    "wrapped key": flip(HEAD - 1),
    "a nonce": flip(HEAD + 1),
    "a byte of a piece": flip(HEAD + SLOT + 100),
    "the last byte": flip(-1 + HEAD + 2 * SLOT + 28 + 100),
    "last piece cut off": lambda raw: raw[: HEAD + 2 * SLOT],
    "cut in a piece": lambda raw: raw[: HEAD + SLOT + 50],
    "all pieces cut off": lambda raw: raw[:HEAD],
    "empty": lambda _raw: b"",
    "a byte more": lambda raw: raw + b"\0",
    "a piece twice": lambda raw: raw[: HEAD + SLOT] + raw[HEAD:],
    "two pieces swapped": swapped,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_changed_file_does_not_open(spool: Spool, change: Callable[[bytes], bytes]) -> None:
    deposit = kept(spool, os.urandom(2 * PIECE + 100))
    file = spool.path(deposit)
    file.write_bytes(change(file.read_bytes()))
    with pytest.raises(Unopened):
        spool.read(deposit)
    assert spool.digest(deposit) is None


def test_a_file_in_the_place_of_another_does_not_open(spool: Spool) -> None:
    one, two = kept(spool, SECRET), kept(spool, SECRET)
    spool.path(one).write_bytes(spool.path(two).read_bytes())
    with pytest.raises(Unopened):
        spool.read(one)
    assert spool.read(two) == SECRET


def test_a_piece_of_another_file_does_not_open(spool: Spool) -> None:
    one, two = kept(spool, SECRET), kept(spool, SECRET)
    head, body = spool.path(one).read_bytes()[:HEAD], spool.path(two).read_bytes()[HEAD:]
    spool.path(one).write_bytes(head + body)
    assert spool.digest(one) is None
