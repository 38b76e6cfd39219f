"""`secugate verify`: the journal against itself, and everything kept against the journal."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from adapters.database import Database, journal, tables
from adapters.spool import READ_SIZE, Spool
from signing.journal import GENESIS, Broken, check

deposit = tables.table(tables.Deposit)
answer = tables.table(tables.Answer)
entry = tables.table(tables.Journal)


@dataclass(frozen=True, slots=True)
class Report:
    """What was checked and what was found.

    Attributes:
        entries, deposits, answers: how many were checked.
        head: hash of the last journal entry, hexadecimal.
        findings: what is wrong, a sentence each; empty when all is well.
    """

    entries: int
    deposits: int
    answers: int
    head: str
    findings: tuple[str, ...]


def inspect(database: Database, spool: Spool) -> Report:
    """Check the chain, then every deposit and answer: row, bytes and journal must agree."""
    with database.read() as connection:
        findings = [*_chain(connection), *_deposits(connection, spool), *_answers(connection)]
        head = connection.execute(sa.select(entry.c.hash).order_by(entry.c.sequence.desc()).limit(1)).scalar()
        return Report(
            entries=_count(connection, entry),
            deposits=_count(connection, deposit),
            answers=_count(connection, answer),
            head=head or GENESIS.hex(),
            findings=tuple(findings),
        )


def _count(connection: sa.Connection, table: sa.FromClause) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def _chain(connection: sa.Connection) -> Iterator[str]:
    try:
        check(journal.entries(connection))
    except Broken as broken:
        yield f"Journal entry {broken.sequence}: {broken.reason}"


def _entered(connection: sa.Connection, event: str) -> dict[str, tuple[str, str]]:
    """Member and digest by subject, of the entries of an event (a door may follow its word)."""
    rows = connection.execute(
        sa.select(entry.c.subject, entry.c.member, entry.c.digest).where(entry.c.event.like(f"{event}%"))
    )
    return {row.subject: (row.member, row.digest) for row in rows}


def _deposits(connection: sa.Connection, spool: Spool) -> Iterator[str]:
    entered = _entered(connection, "received")
    columns = (deposit.c.id, deposit.c.sender, deposit.c.digest, deposit.c.receipt)
    for row in connection.execute(sa.select(*columns)):
        if entered.pop(row.id, None) != (row.sender, row.digest):
            yield f"Deposit {row.id}: row and journal differ"
        elif _digest(spool.path(row.id)) != row.digest:
            yield f"Deposit {row.id}: its bytes are missing or changed"
    yield from (f"Deposit {identifier}: in the journal, but gone" for identifier in entered)


def _answers(connection: sa.Connection) -> Iterator[str]:
    entered = _entered(connection, "posted")
    columns = (answer.c.id, answer.c.recipient, answer.c.digest, answer.c.content)
    rows = connection.execute(sa.select(*columns), execution_options={"yield_per": 100})
    for row in rows:
        if entered.pop(row.id, None) != (row.recipient, row.digest):
            yield f"Answer {row.id}: row and journal differ"
        elif hashlib.sha256(row.content).hexdigest() != row.digest:
            yield f"Answer {row.id}: its bytes were changed"
    yield from (f"Answer {identifier}: in the journal, but gone" for identifier in entered)


def _digest(file: Path) -> str | None:
    if not file.exists():
        return None
    digest = hashlib.sha256()
    with file.open("rb") as content:
        while chunk := content.read(READ_SIZE):
            digest.update(chunk)
    return digest.hexdigest()
