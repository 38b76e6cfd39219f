"""What of a drop folder was made ready, sent and taken: one small SQLite file, synced at every commit."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class State(StrEnum):
    """How far a deposit has come, from our side."""

    READY = "ready"
    """The bytes are written down; they may have been sent, nobody knows."""
    SENT = "sent"
    """The gateway has them; the receipt comes in its outbox."""
    RECEIVED = "received"
    """We hold the receipt."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A deposit.

    Attributes:
        name: at the doors; never used twice.
        fingerprint: of the files that were dropped (`folder.fingerprint`).
        digest: SHA-256 of the bytes that are sent, hexadecimal.
        state: how far it has come.
    """

    name: str
    fingerprint: str
    digest: str
    state: State


class Ledger:
    """The ledger of a folder.

    Raises:
        sqlite3.Error: it cannot be written (a full disk, for one); nothing was entered then.
    """

    def __init__(self, file: Path) -> None:
        self._base = sqlite3.connect(file, isolation_level=None)
        self._base.execute("PRAGMA synchronous = FULL")
        with self._base:
            self._base.execute(
                "CREATE TABLE IF NOT EXISTS deposit (name TEXT PRIMARY KEY, fingerprint TEXT NOT NULL UNIQUE,"
                " digest TEXT NOT NULL, state TEXT NOT NULL)"
            )
            self._base.execute("CREATE TABLE IF NOT EXISTS taken (answer TEXT PRIMARY KEY)")
            self._base.execute(
                "CREATE TABLE IF NOT EXISTS cursor"
                " (one INTEGER PRIMARY KEY CHECK (one = 1), place INTEGER NOT NULL)"
            )

    def enter(self, entry: Entry) -> None:
        """Enter a deposit that is made ready."""
        self._base.execute(
            "INSERT INTO deposit VALUES (?, ?, ?, ?)",
            (entry.name, entry.fingerprint, entry.digest, entry.state.value),
        )

    def move(self, name: str, state: State) -> None:
        """A deposit has come further."""
        self._base.execute("UPDATE deposit SET state = ? WHERE name = ?", (state.value, name))

    def forget(self, name: str) -> None:
        """The door does not take it: what was dropped may be dropped again."""
        self._base.execute("DELETE FROM deposit WHERE name = ?", (name,))

    def of(self, fingerprint: str) -> Entry | None:
        """The deposit of files that were dropped before."""
        return self._one("fingerprint = ?", fingerprint)

    def named(self, name: str) -> Entry | None:
        """The deposit of a name."""
        return self._one("name = ?", name)

    def digested(self, digest: str) -> Entry | None:
        """The deposit of these bytes."""
        return self._one("digest = ?", digest)

    def open(self, *states: State) -> list[Entry]:
        """The deposits in some states, the oldest first."""
        marks = ", ".join("?" for _ in states)
        rows = self._base.execute(
            f"SELECT name, fingerprint, digest, state FROM deposit WHERE state IN ({marks}) ORDER BY rowid",  # noqa: S608 (question marks)
            [state.value for state in states],
        )
        return [Entry(name, fingerprint, digest, State(state)) for name, fingerprint, digest, state in rows]

    def take(self, answer: str) -> None:
        """An answer lies on our disk."""
        self._base.execute("INSERT OR IGNORE INTO taken VALUES (?)", (answer,))

    def has_taken(self, answer: str) -> bool:
        """Whether an answer lies on our disk."""
        found = self._base.execute("SELECT 1 FROM taken WHERE answer = ?", (answer,)).fetchone()
        return found is not None

    @property
    def cursor(self) -> int:
        """Up to where all answers were taken."""
        found = self._base.execute("SELECT place FROM cursor").fetchone()
        return int(found[0]) if found else 0

    def advance(self, place: int) -> None:
        """All answers up to a place were taken."""
        if place == self.cursor:
            return
        self._base.execute("INSERT OR REPLACE INTO cursor VALUES (1, ?)", (place,))

    def close(self) -> None:
        """Give the file back."""
        self._base.close()

    def _one(self, condition: str, value: str) -> Entry | None:
        query = f"SELECT name, fingerprint, digest, state FROM deposit WHERE {condition}"  # noqa: S608 (our own words)
        found = self._base.execute(query, (value,)).fetchone()
        return None if found is None else Entry(found[0], found[1], found[2], State(found[3]))
