"""Files of deposits: a folder and a bucket keep the same promises, also when replies are lost."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.premises import database_of, spool_of
from adapters.settings import Settings
from adapters.spool import Spool
from adapters.stores import Absent, FolderStore, OtherThere, Store, Unreachable
from adapters.stores.s3 import PART, Bucket, S3Files
from gateway.states import State
from inbox.receive import Inbox, receive
from signing.sign import UnusableKey
from tests.faults.servers import Way
from tests.flow.premises import rows
from tests.house import EMPLOYER, MEMBER, entry, house, wage, wait_for
from tests.s3 import KEY_ID, SECRET, bucket
from tests.sealed import MemoryFileKeys

SENDER = str(MEMBER)


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    made: Store = (
        FolderStore(tmp_path / "deposits", tmp_path / "set-aside")
        if request.param == "folder"
        else S3Files(bucket())
    )
    made.create()
    return made


@pytest.fixture
def spool(store: Store, tmp_path: Path) -> Spool:
    made = Spool(tmp_path / "spool", 10_000_000, MemoryFileKeys(), store)
    made.create()
    return made


def put(store: Store, folder: Path, deposit: str, content: bytes) -> None:
    file = folder / str(uuid.uuid4())
    with file.open("wb") as out:
        out.write(content)
        out.flush()
        store.put(deposit, file, out.fileno())
    assert not file.exists()


def read(store: Store, deposit: str) -> bytes:
    with store.open(deposit) as there:
        found = b"".join(iter(lambda: there.read(70_000), b""))
        assert len(found) == there.size
        return found


@pytest.mark.parametrize("size", [0, 1, 65_000, 3_000_000, 2 * PART + 1])
def test_what_was_put_is_read_again_and_listed(store: Store, tmp_path: Path, size: int) -> None:
    content, deposit = os.urandom(size), str(uuid.uuid4())
    put(store, tmp_path, deposit, content)
    assert read(store, deposit) == content
    (one,) = store.files()
    assert (one.deposit, one.size) == (deposit, size)
    assert abs(datetime.now(UTC) - one.at) < timedelta(minutes=5)


def test_what_is_not_there_is_absent(store: Store) -> None:
    with pytest.raises(Absent), store.open(str(uuid.uuid4())):
        pass
    store.remove(str(uuid.uuid4()))
    assert list(store.files()) == []


def test_nothing_is_written_over(store: Store, tmp_path: Path) -> None:
    deposit = str(uuid.uuid4())
    put(store, tmp_path, deposit, b"first")
    with pytest.raises(OtherThere):
        put(store, tmp_path, deposit, b"second")
    assert read(store, deposit) == b"first"


def test_what_is_set_aside_or_removed_is_no_deposit_any_more(store: Store, tmp_path: Path) -> None:
    one, two, three = (str(uuid.uuid4()) for _ in range(3))
    for each in (one, two, three):
        put(store, tmp_path, each, b"bytes")
    store.set_aside(one)
    store.remove(two)
    assert [file.deposit for file in store.files()] == [three]
    for gone in (one, two):
        with pytest.raises(Absent), store.open(gone):
            pass


def test_a_file_with_both_names_after_a_power_cut_is_set_aside(tmp_path: Path) -> None:
    """The folder it came to had reached the disk, the one it came from had not."""
    store, deposit = FolderStore(tmp_path / "deposits", tmp_path / "set-aside"), str(uuid.uuid4())
    store.create()
    put(store, tmp_path, deposit, b"bytes")
    (store.aside / deposit).hardlink_to(store.path(deposit))
    store.set_aside(deposit)
    assert list(store.files()) == []
    assert (store.aside / deposit).read_bytes() == b"bytes"


def test_a_deposit_is_kept_and_read_piece_by_piece(spool: Spool) -> None:
    content, deposit = os.urandom(300_000), str(uuid.uuid4())
    upload = spool.begin()
    upload.write(0, content)
    upload.keep(deposit, SENDER, datetime(2026, 8, 3, tzinfo=UTC))
    assert spool.read(deposit) == content
    assert list(spool.incoming.iterdir()) == []
    upload.discard()
    assert list(spool.ids()) == []


def test_what_others_may_still_enter_is_not_swept(spool: Spool) -> None:
    deposit = str(uuid.uuid4())
    upload = spool.begin()
    upload.write(0, b"kept, not entered yet")
    upload.keep(deposit, SENDER, datetime(2026, 8, 3, tzinfo=UTC))
    now = datetime.now(UTC)
    assert spool.sweep(lambda _: set(), now - timedelta(hours=1)) == 0
    assert list(spool.ids()) == [deposit]
    assert spool.sweep(lambda _: {deposit}, now + timedelta(hours=1)) == 0
    assert spool.sweep(lambda _: set(), now + timedelta(hours=1)) == 1
    assert list(spool.ids()) == []


def test_of_many_who_create_one_object_one_wins(tmp_path: Path) -> None:
    """A server that lets every racing creator win (seaweedfs#8800) cannot be used."""
    store, deposit = S3Files(bucket()), str(uuid.uuid4())

    def create(number: int) -> bytes | None:
        content = f"{number:04d}".encode() * 1000
        try:
            put(store, tmp_path, deposit, content)
        except OtherThere:
            return None
        return content

    with ThreadPoolExecutor(16) as threads:
        winners = [content for content in threads.map(create, range(16)) if content is not None]
    assert len(winners) == 1
    assert read(store, deposit) == winners[0]


# Faults on the way to the server


@pytest.fixture
def way() -> Iterator[tuple[Way, Bucket]]:
    """A way to a bucket, and the bucket at its other end; nobody waits long on it."""
    real = bucket()
    host, _, port = real.endpoint.rpartition("//")[2].partition(":")
    with closing(Way(host, int(port))) as made:
        yield (
            made,
            replace(
                real,
                endpoint=f"http://127.0.0.1:{made.port}",
                timeout=timedelta(seconds=1),
                patience=timedelta(seconds=3),
            ),
        )


@pytest.mark.parametrize("fault", ["lost", "refused"])
def test_a_reply_that_was_lost_or_a_500_is_tried_again_under_the_same_id(
    way: tuple[Way, Bucket], tmp_path: Path, fault: str
) -> None:
    made, reached = way
    store, deposit = S3Files(reached), str(uuid.uuid4())
    setattr(made, fault, 1)
    put(store, tmp_path, deposit, b"once")
    assert getattr(made, fault) == 0, "it did happen"
    assert [file.deposit for file in store.files()] == [deposit]
    assert read(store, deposit) == b"once"


def test_of_a_large_file_any_reply_may_be_lost(way: tuple[Way, Bucket], tmp_path: Path) -> None:
    """It is put in parts: the first question, each part, the end. It is there wholly, or not at all."""
    made, reached = way
    store, content = S3Files(reached), os.urandom(PART + 1)
    kept = set()
    for after in (0, 2, 4, 5):
        deposit = str(uuid.uuid4())
        made.lost, made.after = 1, after
        with suppress(Unreachable):
            put(store, tmp_path, deposit, content)
            kept.add(deposit)
        made.lost = 0
        with suppress(Absent):
            assert read(store, deposit) == content
    assert kept, "some of it is made good at once"
    assert kept <= {file.deposit for file in store.files()}
    with pytest.raises(OtherThere):
        put(store, tmp_path, kept.pop(), os.urandom(PART + 1))


def test_a_large_file_is_not_in_memory_as_a_whole(tmp_path: Path) -> None:
    place, size = bucket(), 20 * PART
    script = (
        "import resource, sys; from pathlib import Path; from adapters.stores.s3 import Bucket, S3Files\n"
        "url, endpoint, key_id, secret, file = sys.argv[1:]\n"
        "store = S3Files(Bucket(url, endpoint, key_id=key_id, secret=secret))\n"
        "list(store.files()); before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "store.put('large', Path(file), 0)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    file = tmp_path / "large"
    with file.open("wb") as out:
        out.truncate(size)
    arguments = [place.url, place.endpoint, place.key_id, place.secret, str(file)]
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, timeout=60, check=True
    )
    assert int(done.stdout) * 1024 < size / 2
    (there,) = S3Files(place).files()
    assert there.size == size


@pytest.mark.parametrize("harm", [lambda way: setattr(way, "refused", 1000), lambda way: way.free.clear()])
def test_a_server_that_stays_away_is_told_in_time(
    way: tuple[Way, Bucket], tmp_path: Path, harm: Callable[[Way], None]
) -> None:
    made, reached = way
    harm(made)
    began = time.monotonic()
    with pytest.raises(Unreachable):
        put(S3Files(reached), tmp_path, str(uuid.uuid4()), b"never")
    assert time.monotonic() - began < 30


def test_a_deposit_without_its_store_is_refused_and_comes_through_once_it_is_back(
    way: tuple[Way, Bucket], tmp_path: Path
) -> None:
    """Nothing is half entered; and a deposit that cannot be read for a while waits, and is not parked."""
    made, reached = way
    with house(tmp_path) as home:
        home.employer(EMPLOYER)
        sender = home.sender(MEMBER, [EMPLOYER])
        spool = home.gateway.spool
        spool.store = S3Files(reached)
        assert home.send(sender, "DECAFF", [entry()]).verdict == "accepted"
        before = len(rows(home, "SELECT id FROM deposit"))
        content, name = home.batch(sender, "DECSAL", [wage()]), home.name("DECSAL", MEMBER)
        made.refused = 10_000
        with pytest.raises(Unreachable):
            home.receive(sender, name, content)
        assert len(rows(home, "SELECT id FROM deposit")) == before
        assert list(spool.incoming.iterdir()) == []
        made.refused = 0
        inbox = home.gateway.inbox
        upload = spool.begin()
        upload.write(0, content)
        kept = receive(
            Inbox(inbox.begin, _Cutting(inbox.register, made), inbox.clock),
            upload,
            sender=SENDER,
            name=name,
            door="https",
        ).deposit

        def waiting() -> object:
            found = home.gateway.deposits.find(SENDER, kept)
            return found if found and found.state is State.WAITING else None

        wait_for(waiting)
        made.refused = 0
        assert home.outcome(sender, kept).verdict == "accepted"
        assert home.findings() == ()


class _Cutting:
    """Enters a deposit, and has the way to the store fail from just before that."""

    def __init__(self, register: object, way: Way) -> None:
        self._register, self._way = register, way

    def enter(self, deposit: object) -> object:
        self._way.refused = 10_000
        return self._register.enter(deposit)  # type: ignore[attr-defined]


# Settings


def test_a_bucket_is_a_matter_of_settings(tmp_path: Path) -> None:
    made = bucket()
    credentials = tmp_path / "credentials"
    credentials.write_text(f"{made.key_id}\n{made.secret}\n")
    settings = Settings(
        data=tmp_path / "gateway",
        store=made.url,
        store_endpoint=made.endpoint,
        store_credentials=credentials,
    )
    database = database_of(settings)
    credentials.chmod(0o644)
    with pytest.raises(UnusableKey, match="chmod 600"):
        spool_of(settings, database)
    credentials.chmod(0o600)
    spool = spool_of(settings, database)
    spool.create()
    assert isinstance(spool.store, S3Files)
    assert list(spool.ids()) == []


def test_a_secret_is_in_no_text() -> None:
    made = Bucket("s3://bucket/prefix", "http://127.0.0.1:9", key_id=KEY_ID, secret=SECRET)
    assert SECRET not in f"{made!r} {made} {S3Files(made)!r}"
    fast = replace(made, timeout=timedelta(seconds=1), patience=timedelta(seconds=1))
    with pytest.raises(Unreachable) as error, S3Files(fast).open("x"):
        pass
    assert SECRET not in repr(error.value) and error.value.__cause__ is None
