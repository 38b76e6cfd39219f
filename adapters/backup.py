"""A copy of the store while the gateway runs, from which it can be made anew.

The database is copied as of one moment (SQLite's online backup inside one reading transaction, or `pg_dump`
of one snapshot), then the file of each deposit that this database knows: files are never changed, so that
what is copied later is what was there. Nothing is decrypted. In the target:

* `files/xx/<id>`: deposits as they lie in the store, once for all backups;
* `<moment>/`: database, lists of trust, keys if they were asked for, `files.txt` with digest, size and id of
  each file, and `manifest.asice`, which names the digest of all of these under our seal.

A folder that ends with `.part` is a backup that was cut off, and is no backup.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import BinaryIO

from adapters.database import Database
from adapters.durable import sync, sync_folder
from adapters.premises import Premises
from adapters.stores import Absent, Store
from gateway.moments import Received
from gateway.seal import Seal
from gateway.wire import JournalEntry
from signing.journal import EMPTY

FORM = "secugate backup 1"
DATABASE = "secugate.sqlite"
DUMP = "secugate.pgdump"
"""The copy of the database, of a file or of a server."""
FILES = "files"
LIST = "files.txt"
MANIFEST = "manifest.asice"
INSIDE = "manifest.json"
CUT_OFF = ".part"
CHUNK = 1 << 20
PAGES = 4096
"""Pages of the database that are copied at a time."""

Progress = Callable[[str, int, int], None]
"""Told what is being done, how far it has come, and how far it is to come."""


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a backup.

    Attributes:
        name: below the folder of the backup.
        size: bytes.
        digest: SHA-256, hexadecimal.
    """

    name: str
    size: int
    digest: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds.

    Attributes:
        made: the moment.
        schema: of the database.
        journal: how far it went.
        deposits: how many files are listed.
        parts: everything but the files of deposits.
    """

    made: str
    schema: str
    journal: JournalEntry
    deposits: int
    parts: tuple[Part, ...]

    def write(self) -> bytes:
        """As JSON."""
        return json.dumps({"form": FORM, **asdict(self)}, indent=1).encode()

    @classmethod
    def read(cls, content: bytes) -> Manifest:
        """From JSON.

        Raises:
            ValueError: it is none of ours.
        """
        try:
            given = json.loads(content)
            if given["form"] != FORM:
                raise ValueError("it is of another form")
            journal = JournalEntry(int(given["journal"]["sequence"]), str(given["journal"]["hash"]))
            parts = tuple(
                Part(str(one["name"]), int(one["size"]), str(one["digest"])) for one in given["parts"]
            )
            return cls(str(given["made"]), str(given["schema"]), journal, int(given["deposits"]), parts)
        except (KeyError, TypeError) as error:
            raise ValueError(f"it is not spelt as manifests are ({error})") from None


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of the list of deposits' files."""

    digest: str
    size: int
    deposit: str

    def __str__(self) -> str:
        return f"{self.digest} {self.size} {self.deposit}\n"


@dataclass(frozen=True, slots=True)
class Made:
    """What was done.

    Attributes:
        folder: of the backup.
        copied, known: deposits whose files were copied, or were in the target already.
        bytes: that were copied, the database among them.
        absent: deposits whose files are missing in the store.
    """

    folder: Path
    manifest: Manifest
    copied: int
    known: int
    bytes: int
    absent: tuple[str, ...]


class NotBackedUp(Exception):
    """There is no backup; its text says why."""


@dataclass(frozen=True, slots=True)
class Source:
    """What is backed up.

    Attributes:
        database: with the key that opens all.
        store: of the deposits' files.
        schema: of the database.
    """

    premises: Premises
    database: Database
    store: Store
    seal: Seal
    schema: str


def make(
    source: Source, target: Path, now: Received, *, keys: bool, master_key: bool, progress: Progress
) -> Made:
    """Make a backup; the gateway may be running.

    Args:
        source: a gateway.
        target: a folder that is made when it is missing; not the gateway's own.
        now: the moment, which names the backup.
        keys: whether our private keys go with it, all but the master key.
        master_key: whether that one does. Whoever has both opens everything.
        progress: told how far it has come.

    Raises:
        NotBackedUp: the target cannot be used, or the tools of the database server.
        OSError, Unreachable: something cannot be read or written.
    """
    if target.resolve().is_relative_to(source.premises.folder.resolve()):
        raise NotBackedUp(f"{target} lies in the data folder: what destroys the one destroys the other")
    folder = target / f"{now.at:%Y%m%dT%H%M%S.%fZ}"
    part = folder.with_name(folder.name + CUT_OFF)
    before = newest(target)
    private(part)
    with _copied(source.database, part, progress) as register:
        copied, known, size, absent = _copy_files(register, source.store, target, part, before, progress)
    _copy_premises(source, part, keys=keys, master_key=master_key)
    files = sorted(file for file in part.rglob("*") if file.is_file())
    parts = tuple(_part(file, part) for file in files)
    manifest = Manifest(str(now), source.schema, register.journal, copied + known, parts)
    sealed = source.seal.sign_files({INSIDE: manifest.write()}, now.at)
    with _written(part / MANIFEST) as out:
        out.write(sealed)
    for one in (*(each for each in part.rglob("*") if each.is_dir()), part):
        sync_folder(one)
    part.rename(folder)
    sync_folder(target)
    return Made(
        folder, manifest, copied, known, size + (folder / register.file.name).stat().st_size, tuple(absent)
    )


def backups(target: Path) -> list[Path]:
    """The backups in a target that were finished, oldest first."""
    return sorted(one.parent for one in target.glob(f"*/{MANIFEST}") if not one.parent.name.endswith(CUT_OFF))


def newest(target: Path) -> Path | None:
    """The last backup in a target; None when there is none."""
    found = backups(target)
    return found[-1] if found else None


def listed(folder: Path) -> Iterator[Listed]:
    """The files of deposits that a backup needs, in the order of receipt.

    Raises:
        ValueError: the list is not spelt as ours are.
    """
    with (folder / LIST).open(encoding="ascii") as lines:
        for line in lines:
            digest, size, deposit = line.rstrip("\n").split(" ")
            yield Listed(digest, int(size), deposit)


def place_of(target: Path, deposit: str) -> Path:
    """Where the file of a deposit lies in a target."""
    return target / FILES / deposit[:2] / deposit


def digest_of(file: Path) -> tuple[int, str]:
    """Size and SHA-256 of a file."""
    with file.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
        return content.tell(), found


def private(folder: Path) -> None:
    """Make a folder, and those above it that are missing, for us alone."""
    if not folder.exists():
        private(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def _part(file: Path, folder: Path) -> Part:
    return Part(str(file.relative_to(folder)), *digest_of(file))


@dataclass(frozen=True, slots=True)
class _Register:
    """The copy of a database.

    Attributes:
        file: in the backup.
        journal: how far it went.
        deposits: how many there are.
        ids: of all of them, in the order of receipt.
    """

    file: Path
    journal: JournalEntry
    deposits: int
    ids: Iterator[str]


@contextmanager
def _copied(database: Database, part: Path, progress: Progress) -> Iterator[_Register]:
    if database.is_shared:
        place = part / DUMP
        place.touch(mode=0o600)
        # Loaded here: with a file nobody needs it.
        dumping = import_module("adapters.dumping")
        try:
            with dumping.dumped(database, place) as dumped:
                _sync_file(place)
                yield _Register(place, dumped.journal, dumped.deposits, dumped.ids)
        except dumping.NotDumped as error:
            raise NotBackedUp(str(error)) from None
        return
    place = part / DATABASE
    journal = _copy_database(database.file, place, progress)
    with closing(sqlite3.connect(f"file:{place}?immutable=1", uri=True)) as copy:
        (total,) = copy.execute("SELECT count(*) FROM deposit").fetchone()
        ids = (identifier for (identifier,) in copy.execute("SELECT id FROM deposit ORDER BY number"))
        yield _Register(place, journal, total, ids)


def _copy_database(database: Path, place: Path, progress: Progress) -> JournalEntry:
    """The database as of one moment, and how far its journal went then."""
    os.close(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    address = f"file:{database}?mode=rw"
    with closing(sqlite3.connect(address, uri=True, isolation_level=None)) as source:
        source.execute("PRAGMA query_only=ON")
        # One reading transaction for all of it: what is written meanwhile does not begin the copy anew.
        source.execute("BEGIN")
        last = source.execute("SELECT sequence, hash FROM journal ORDER BY sequence DESC LIMIT 1").fetchone()
        with closing(sqlite3.connect(place)) as copy:
            source.backup(
                copy,
                pages=PAGES,
                progress=lambda _status, left, pages: progress("database", pages - left, pages),
            )
    _sync_file(place)
    return JournalEntry(*last) if last else JournalEntry(0, EMPTY.hex())


def _sync_file(place: Path) -> None:
    with place.open("rb") as written:
        sync(written.fileno())


def _copy_files(
    register: _Register, store: Store, target: Path, part: Path, before: Path | None, progress: Progress
) -> tuple[int, int, int, list[str]]:
    """The files of all deposits of the copied database: how many were copied, how many were there, the bytes
    copied, and which are missing."""
    copied, known, size, absent = 0, 0, 0, []
    touched: set[Path] = set()
    earlier = _Earlier(target, before)
    with _written(part / LIST) as out:
        for number, deposit in enumerate(register.ids, 1):
            line = earlier.line(deposit)
            if line is not None:
                known += 1
            else:
                try:
                    line = _copy(store, deposit, place_of(target, deposit))
                except Absent:
                    absent.append(deposit)
                    continue
                copied, size = copied + 1, size + line.size
                touched.add(place_of(target, deposit).parent)
            out.write(str(line).encode())
            progress("deposits", number, register.deposits)
    for folder in touched:
        sync_folder(folder)
    if touched:
        sync_folder(target / FILES)
    return copied, known, size, absent


class _Earlier:
    """The list of the backup before, walked beside the deposits: both are in the order of receipt."""

    def __init__(self, target: Path, before: Path | None) -> None:
        self._target = target
        self._lines = iter(()) if before is None else listed(before)
        self._next = next(self._lines, None)

    def line(self, deposit: str) -> Listed | None:
        """The line of a deposit whose file is in the target, as long as it was then."""
        if self._next is None or self._next.deposit != deposit:
            return None
        found, self._next = self._next, next(self._lines, None)
        place = place_of(self._target, deposit)
        return found if place.is_file() and place.stat().st_size == found.size else None


def _copy(store: Store, deposit: str, place: Path) -> Listed:
    """Copy a file from the store, durably."""
    private(place.parent)
    part = place.with_name(place.name + CUT_OFF)
    digest, size = hashlib.sha256(), 0
    with store.open(deposit) as there, _written(part) as out:
        while chunk := there.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
            out.write(chunk)
    part.rename(place)
    return Listed(digest.hexdigest(), size, deposit)


def _copy_premises(source: Source, part: Path, *, keys: bool, master_key: bool) -> None:
    """What of the data folder is neither database nor deposits."""
    premises = source.premises
    wanted = [*_below(premises.folder / "trust"), premises.authority_certificate]
    if keys:
        own = (premises.master_key, source.database.master.file, source.database.master.destroyed)
        wanted += [file for file in _below(premises.keys) if file not in own]
        wanted.append(premises.authority_key)
    for file in wanted:
        if file.is_file():
            _copy_file(file, part / file.relative_to(premises.folder))
    if master_key:
        name = premises.master_key.relative_to(premises.folder)
        _copy_file(source.database.master.file, part / name)
        if source.database.master.destroyed.is_file():
            _copy_file(source.database.master.destroyed, part / name.with_name(name.name + ".destroyed"))


def _below(folder: Path) -> Sequence[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file())


def _copy_file(file: Path, place: Path) -> None:
    private(place.parent)
    with file.open("rb") as content, _written(place) as out:
        shutil.copyfileobj(content, out)


@contextmanager
def _written(place: Path) -> Iterator[BinaryIO]:
    """A new file that nobody else may read, synced at the end."""
    with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as out:
        yield out
        out.flush()
        sync(out.fileno())
