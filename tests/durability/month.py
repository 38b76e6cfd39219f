"""A small month to tamper with: deposits of two members, treated, refused, on hold and repeated, answers
posted and collected, statements issued, heads of the journal sealed.

The gateway that saw it is at rest. Copies are changed through plain SQLite, which knows none of our rules.
"""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from adapters.billing import BillingRun
from adapters.database import Database
from adapters.database.documents import answer_place, key_of, read_document, receipt_place
from adapters.encryption import key_named, seal_document
from adapters.heads import Heads
from adapters.premises import Premises, payee_of
from adapters.spool import Spool
from adapters.verification import inspect
from gateway.matricule import person_number
from gateway.moments import Period, Received
from outbox.collect import collect
from signing.certificates import load_seals
from tests.durability.forging import forge
from tests.house import (
    EMPLOYER,
    FOREIGN_EMPLOYER,
    MEMBER,
    OTHER_EMPLOYER,
    OTHER_MEMBER,
    House,
    Sender,
    entry,
    house,
    person,
    wage,
)

PEOPLE = [person_number(datetime(1889, 4, day, tzinfo=UTC).date(), 1) for day in range(1, 9)]
_TRIGGERS = "SELECT * FROM sqlite_master WHERE type = 'trigger' ORDER BY rowid"


@contextmanager
def _schema_of(connection: sqlite3.Connection) -> Iterator[None]:
    """Write to the schema as to a table: much faster than to drop and create hundreds of triggers."""
    connection.execute("PRAGMA writable_schema=ON")
    connection.execute("BEGIN")
    yield
    connection.execute("COMMIT")
    connection.execute("PRAGMA writable_schema=RESET")


@dataclass(frozen=True, slots=True)
class Store:
    """A copy of the month, to be tampered with through plain SQLite and plain files."""

    data: Path

    @contextmanager
    def bare(self) -> Iterator[sqlite3.Connection]:
        """Plain SQLite, as any tool opens the file; committed at the end."""
        with closing(sqlite3.connect(Premises(self.data).database)) as connection, connection:
            connection.execute("PRAGMA synchronous=OFF")
            yield connection

    @contextmanager
    def database(self) -> Iterator[sqlite3.Connection]:
        """Plain SQLite, with all triggers out of the way; they are back as they were at the end."""
        with self.bare() as connection:
            connection.isolation_level = None
            triggers = connection.execute(_TRIGGERS).fetchall()
            with _schema_of(connection):
                connection.execute("DELETE FROM sqlite_master WHERE type = 'trigger'")
            try:
                connection.execute("BEGIN")
                yield connection
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                with _schema_of(connection):
                    connection.executemany("INSERT INTO sqlite_master VALUES (?, ?, ?, ?, ?)", triggers)

    def do(self, statement: str, *values: object) -> None:
        """One statement that must change something."""
        with self.database() as connection:
            assert connection.execute(statement, values).rowcount

    def ask(self, query: str, *values: object) -> list[tuple[object, ...]]:
        """All rows of a question."""
        with self.bare() as connection:
            return connection.execute(query, values).fetchall()

    def forge(self) -> None:
        """Have change log and journal agree with whatever stands in the tables now: no key is needed."""
        with self.database() as connection:
            forge(connection)

    def file(self, deposit: str) -> Path:
        """The bytes of a deposit."""
        return self._spool.path(deposit)

    def bytes_of(self, deposit: str) -> bytes:
        """What was deposited."""
        return self._spool.read(deposit)

    def exchange_bytes(self, deposit: str, content: bytes) -> None:
        """Other bytes in the place of those that were deposited, sealed as ours are."""
        [(sender, received)] = self.ask("SELECT sender, received FROM deposit WHERE id = ?", deposit)
        self.file(deposit).unlink()
        upload = self._spool.begin()
        upload.write(0, content)
        upload.keep(deposit, str(sender), Received.parse(str(received)).at)

    def answer(self, identifier: str) -> bytes:
        """The plain bytes of an answer."""
        return self._document("answer", "content", identifier, answer_place(identifier))

    def receipt(self, deposit: str) -> bytes:
        """The plain bytes of the receipt that is kept with a deposit."""
        return self._document("deposit", "receipt", deposit, receipt_place(deposit))

    def _document(self, table: str, column: str, identifier: str, place: str) -> bytes:
        [(kept,)] = self.ask(f"SELECT {column} FROM {table} WHERE id = ?", identifier)
        with closing(self._gateway) as database, database.read() as connection:
            return read_document(connection, kept, place)

    def exchange_answer(self, identifier: str, content: bytes) -> None:
        """Other bytes in the place of an answer, with their digest in row and journal."""
        self._exchange("answer", "content", identifier, answer_place(identifier), content)
        digest = hashlib.sha256(content).hexdigest()
        self.do("UPDATE answer SET digest = ?, size = ? WHERE id = ?", digest, len(content), identifier)
        self.do(
            "UPDATE journal SET digest = ? WHERE event = 'posted' AND substr(subject, 1, 36) = ?",
            digest,
            identifier,
        )

    def exchange_receipt(self, deposit: str, content: bytes) -> None:
        """Other bytes in the place of the receipt that is kept with a deposit."""
        self._exchange("deposit", "receipt", deposit, receipt_place(deposit), content)

    def _exchange(self, table: str, column: str, identifier: str, place: str, content: bytes) -> None:
        [(kept,)] = self.ask(f"SELECT {column} FROM {table} WHERE id = ?", identifier)
        assert isinstance(kept, bytes)
        with closing(self._gateway) as database, database.read() as connection:
            sealed = seal_document(key_of(connection, key_named(kept)), content, place)
        self.do(f"UPDATE {table} SET {column} = ? WHERE id = ?", sealed, identifier)

    @property
    def _gateway(self) -> Database:
        return Database(Premises(self.data).database)

    @property
    def _spool(self) -> Spool:
        return Spool(Premises(self.data).spool, 10**6, self._gateway.file_keys)

    def findings(self) -> tuple[str, ...]:
        """What the product finds."""
        with closing(self._gateway) as database:
            return inspect(database, self._spool, load_seals(Premises(self.data).seals)).findings


def make_month(folder: Path) -> tuple[Path, Path]:
    """The data folder of the gateway after the month, and as it was before the last deposits."""
    early = folder / "early"
    with house(folder) as home:
        _play(home, early)
    data = folder / "gateway"
    with closing(sqlite3.connect(Premises(data).database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return data, early


def _play(home: House, early: Path) -> None:
    for employer in (EMPLOYER, OTHER_EMPLOYER):
        home.employer(employer)
    one, other = home.sender(MEMBER, [EMPLOYER]), home.sender(OTHER_MEMBER, [OTHER_EMPLOYER])
    now = Received(home.clock())
    members = home.gateway.members
    ended = members.grant(MEMBER, OTHER_EMPLOYER, ["DECSAL"], first=now.day, last=now.day, at=now)
    assert members.end_mandate(ended, now.day, now)
    deposits = [
        _deposit(home, one, "DEMMAT", [person()]),
        _deposit(home, one, "DECAFF", [entry(insured) for insured in PEOPLE[:4]]),
        _deposit(home, other, "DECAFF", [entry(PEOPLE[4], OTHER_EMPLOYER)]),
        _deposit(home, one, "DECSAL", [wage(insured) for insured in PEOPLE[:6]]),
        _deposit(home, one, "DECSAL", [wage(PEOPLE[0], BaseWage="4000.00"), wage(WorkHours="999")]),
        _deposit(home, other, "DECSAL", [wage(PEOPLE[4], OTHER_EMPLOYER), wage(PEOPLE[5], FOREIGN_EMPLOYER)]),
        home.receive(one, "no proper name", b"no batch").deposit,
    ]
    for sender, deposit in ((one, deposits[-1]), (other, deposits[-2])):
        home.wait(sender, deposit)
    _seal_head(home)
    _snapshot(home, early)
    content = home.batch(other, "DECSAL", [wage(PEOPLE[4], OTHER_EMPLOYER, BaseWage="3000.00")])
    name = home.name("DECSAL", other.member)
    deposits += [home.receive(other, name, content, door).deposit for door in ("sftp", "https")]
    for sender, deposit in ((one, deposits[-3]), (other, deposits[-1])):
        home.wait(sender, deposit)
    run = BillingRun(home.gateway.database, home.gateway.seal, home.clock, payee_of(home.settings))
    list(run.run(Period(2026, 7)))
    outbox = home.gateway.outbox
    for sender in (one, other):
        for listed in outbox.collection.after(str(sender.member), 0, 3):
            collect(outbox, recipient=str(sender.member), answer_id=listed.answer.id, door="https")
    _seal_head(home)


def _seal_head(home: House) -> None:
    Heads(home.gateway.database, home.gateway.seal).sweep(Received(home.clock()))


def _snapshot(home: House, to: Path) -> None:
    """The gateway as it is now, from a backup: consistent, though it is running."""
    data = Premises(home.settings.data)
    to.mkdir()
    with (
        closing(sqlite3.connect(data.database)) as connection,
        closing(sqlite3.connect(Premises(to).database)) as backup,
    ):
        connection.backup(backup)
    _copy_files(data.folder, to)


def _deposit(home: House, sender: Sender, code: str, records: list[dict[str, str]]) -> str:
    return home.receive(sender, *home.signed(sender, code, records)).deposit


def copy_of(month: Path, to: Path) -> Store:
    """A copy of a gateway that is at rest."""
    _copy_files(month, to)
    shutil.copyfile(Premises(month).database, Premises(to).database)
    return Store(to)


def _copy_files(month: Path, to: Path) -> None:
    """All but the database, and but the empty ones of the 256 folders."""
    before, after = Premises(month), Premises(to)
    for part in (before.keys, before.anchors, before.revocations, before.seals):
        shutil.copytree(part, to / part.relative_to(month))
    (after.spool / "incoming").mkdir(parents=True)
    for file in before.spool.rglob("deposits/*/*"):
        place = after.spool / file.relative_to(before.spool)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, place)
