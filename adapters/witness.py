"""A witness of what was promised, outside the database: the size of the journal and the root of its tree.

Nothing leaves the house, no receipt, answer or head, before a file elsewhere names the journal it rests on. A
start compares: the journal has to reach at least as far, and to have had that very root (RFC 9162: a register
that only grows). If it does not, the database is an older copy, or another one; the gateway refuses to run on
it, because it would forget what was acknowledged and give the same numbers out again.

The file stands beside the spool; a second one (`SECUGATE_WITNESS`) knows even when the whole data folder was
put back, and should lie on another disk or machine. Each has two places that are written in turn, so that a
power cut in the middle of a line leaves the line before it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa

from adapters.database import Database, tables
from adapters.database.journal import head as latest
from adapters.durable import sync, sync_folder
from gateway.moments import Received
from gateway.wire import JournalEntry
from inbox.receive import Deposit, Receipt, Register
from outbox.collect import Collection, Listed

journal = tables.table(tables.Journal)

PLACES = (0, 4096)
"""Where in the file the two lines stand: in sectors of their own."""
_LINE = 20 + 1 + 64 + 1 + 64 + 1


class Unwitnessed(Exception):
    """There is no witness where one should be, or it cannot be read."""


class Older(Exception):
    """The journal is not the one that was promised on.

    Attributes:
        promised: as the witness has it.
        file: the witness.
        size: how far the journal goes.
    """

    def __init__(self, promised: JournalEntry, file: Path, size: int) -> None:
        short = size < promised.sequence
        fault = (
            f"the journal has {size} entries, but answers were given on {promised.sequence}"
            if short
            else f"entry {promised.sequence} of the journal is not the one that answers were given on"
        )
        super().__init__(f"this database is older than what was promised: {fault} (witness: {file})")
        self.promised = promised
        self.file = file
        self.size = size


@dataclass(frozen=True, slots=True)
class WitnessFile:
    """One file of a witness."""

    file: Path

    def begin(self, entry: JournalEntry) -> None:
        """Make it, or make it anew, durably."""
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self.file.with_name(self.file.name + ".new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            for place in PLACES:
                os.pwrite(descriptor, _line(entry), place)
            sync(descriptor)
        finally:
            os.close(descriptor)
        new.rename(self.file)
        sync_folder(self.file.parent)

    def newest(self) -> JournalEntry:
        """What was promised last.

        Raises:
            Unwitnessed: it is not there, or cannot be read.
        """
        with self._locked(os.O_RDONLY) as descriptor:
            return max(self._entries(descriptor), key=lambda one: one[1].sequence)[1]

    def note(self, entry: JournalEntry) -> None:
        """Have it know of an entry, durably, unless it knows of a later one.

        Raises:
            Unwitnessed: as `newest`.
        """
        with self._locked(os.O_RDWR) as descriptor:
            known = self._entries(descriptor)
            place, last = max(known, key=lambda one: one[1].sequence)
            if last.sequence < entry.sequence:
                other = PLACES[place == PLACES[0]]
                os.pwrite(descriptor, _line(entry), other)
                sync(descriptor)

    def _entries(self, descriptor: int) -> Sequence[tuple[int, JournalEntry]]:
        read = [(place, _read(os.pread(descriptor, _LINE, place))) for place in PLACES]
        found = [(place, entry) for place, entry in read if entry is not None]
        if not found:
            raise Unwitnessed(f"{self.file} is no witness, or was damaged")
        return found

    @contextmanager
    def _locked(self, flags: int) -> Iterator[int]:
        """The file, for this process alone: several of them may share the folder."""
        try:
            descriptor = os.open(self.file, flags | os.O_CLOEXEC)
        except OSError as error:
            raise Unwitnessed(f"there is no witness in {self.file} ({error.strerror})") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            os.close(descriptor)


def _line(entry: JournalEntry) -> bytes:
    said = f"{entry.sequence:020d} {entry.hash}"
    return f"{said} {hashlib.sha256(said.encode()).hexdigest()}\n".encode()


def _read(line: bytes) -> JournalEntry | None:
    """What a line says; None for one that was not written wholly."""
    try:
        size, root, _ = line.decode("ascii").split(" ")
        entry = JournalEntry(int(size), root)
    except ValueError:
        return None
    return entry if _line(entry) == line else None


class Witness:
    """Both files, and the journal they tell of.

    Args:
        database: of the gateway.
        files: one, or two.
    """

    def __init__(self, database: Database, files: Sequence[Path]) -> None:
        self._database = database
        self.files = tuple(WitnessFile(file) for file in files)
        self._asking = threading.Lock()
        self._asked = 0
        self._noting = threading.Lock()
        self._noted = 0

    def begin(self) -> None:
        """Make the files, for the journal as it is."""
        entry = self.head()
        for file in self.files:
            file.begin(entry)

    def note(self) -> None:
        """Have all files know the journal as it is now; to be called before anything is told that rests on
        it.

        Several callers share one writing: whoever waited for it finds itself covered.

        Raises:
            Unwitnessed, OSError: a file is away; then nothing may be told.
        """
        with self._asking:
            self._asked += 1
            mine = self._asked
        with self._noting:
            if self._noted >= mine:
                return
            # Whoever has asked by now has committed before.
            asked = self._asked
            entry = self.head()
            for file in self.files:
                file.note(entry)
            self._noted = asked

    def check(self) -> None:
        """Whether the journal is the one that was promised on.

        Raises:
            Older: it is not.
            Unwitnessed: that cannot be told.
        """
        for file in self.files:
            promised = file.newest()
            with self._database.read() as connection:
                size, found = latest(connection).sequence, _root_at(connection, promised.sequence)
            if promised.sequence and found != promised.hash:
                raise Older(promised, file.file, size)

    def head(self) -> JournalEntry:
        with self._database.read() as connection:
            return latest(connection)


def _root_at(connection: sa.Connection, size: int) -> str | None:
    found: str | None = connection.execute(
        sa.select(journal.c.hash).where(journal.c.sequence == size)
    ).scalar()
    return found


@dataclass(frozen=True, slots=True)
class WitnessedRegister:
    """`inbox.receive.Register`: a receipt is given once the witness knows of it."""

    register: Register
    witness: Callable[[], None]

    def enter(self, deposit: Deposit) -> Receipt:
        """Enter a deposit, then have it witnessed."""
        receipt = self.register.enter(deposit)
        self.witness()
        return receipt


@dataclass(frozen=True, slots=True)
class WitnessedShelves:
    """`outbox.collect.Collection`: an answer is given once the witness knows of its collection."""

    shelves: Collection
    witness: Callable[[], None]

    def after(self, recipient: str, cursor: int, limit: int) -> Sequence[Listed]:
        """As `Collection.after`."""
        return self.shelves.after(recipient, cursor, limit)

    def visible(self, recipient: str) -> Sequence[Listed]:
        """As `Collection.visible`."""
        return self.shelves.visible(recipient)

    def find(self, recipient: str, answer_id: str) -> Listed | None:
        """As `Collection.find`."""
        return self.shelves.find(recipient, answer_id)

    def content(self, recipient: str, answer_id: str) -> bytes | None:
        """As `Collection.content`."""
        return self.shelves.content(recipient, answer_id)

    def mark_collected(self, recipient: str, answer_id: str, at: datetime, door: str) -> None:
        """Enter the collection, then have it witnessed."""
        self.shelves.mark_collected(recipient, answer_id, at, door)
        self.witness()

    def mark_acknowledged(self, recipient: str, answer_id: str, at: datetime, door: str) -> None:
        """Enter the acknowledgement, then have it witnessed."""
        self.shelves.mark_acknowledged(recipient, answer_id, at, door)
        self.witness()

    def put_away(self, recipient: str, answer_id: str) -> None:
        """As `Collection.put_away`."""
        self.shelves.put_away(recipient, answer_id)


class Sealing(Protocol):
    """What seals heads of the journal: `adapters.heads.Heads`."""

    def sweep(self, now: Received) -> None:
        """Seal a head when one is due."""


@dataclass(frozen=True, slots=True)
class WitnessedHeads:
    """Seals heads, and has the witness know of them within the round."""

    heads: Sealing
    witness: Callable[[], None]

    def sweep(self, now: Received) -> None:
        """Seal a head when one is due, then have it witnessed."""
        self.heads.sweep(now)
        self.witness()
