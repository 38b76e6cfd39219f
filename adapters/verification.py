"""`secugate verify`: the journal against itself, and everything kept against the journal.

Nothing that lies in the database is believed, not even its type: whatever stands there, the answer
is a finding, never a failure. Receipts and acknowledgements name an entry of the journal and its
hash under our seal: whoever rewrites the journal to its end contradicts the last one, or has to
break its seal. What was cut off at the end together with all its rows is only shown by an answer
that left the house.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from cryptography import x509
from lxml import etree

from adapters.database import Database
from adapters.database.answers import posted_subject
from adapters.database.circumstances import declared_subject
from adapters.database.registers.mandates import mandate_subject
from adapters.spool import READ_SIZE, Spool
from adapters.verification_of_accounts import account_findings
from gateway.moments import Received
from gateway.returns import ackrec
from gateway.states import State
from gateway.wire import JournalEntry, read_journal, safe
from signing.container import MAGIC, BadContainer
from signing.journal import GENESIS, Entry, entry_hash
from signing.parse import Unreadable, parse
from signing.profile import BadSignature
from signing.verify import ForeignSeal, verify_seal, verify_sealed_container

_HASH = re.compile(r"[0-9a-f]{64}")


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


def inspect(database: Database, spool: Spool, seals: Collection[x509.Certificate]) -> Report:
    """Check the chain, then every deposit and answer: row, bytes, receipt and journal must agree. All that
    was billed is added up again, and compared with statements, ledger and journal.

    Args:
        database, spool: where everything is kept.
        seals: the certificates with which we seal, and sealed before.
    """
    with database.read() as connection:
        rows = _rows(connection, "SELECT * FROM journal ORDER BY sequence")
        entries = {row.subject: row for row in rows if str(row.event).startswith("received")}
        posted = {str(row.subject).partition(" ")[0]: row for row in rows if row.event == "posted"}
        findings = [
            *_chain(rows),
            *_deposits(connection, spool, entries),
            *_answers(connection, posted),
            *_collections(connection, rows),
            *_rights(connection, rows),
            *_declared(connection, rows),
            *_states(connection, rows),
            *account_findings(connection, rows),
            *_last_seals(connection, rows, seals),
        ]
        return Report(
            entries=len(rows),
            deposits=_count(connection, "deposit"),
            answers=_count(connection, "answer"),
            head=str(rows[-1].hash) if rows else GENESIS.hex(),
            findings=tuple(findings),
        )


def _rows(connection: sa.Connection, query: str) -> list[sa.Row[Any]]:
    return list(connection.execute(sa.text(query)))


def _count(connection: sa.Connection, table: str) -> int:
    return int(connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one())  # noqa: S608


def _chain(rows: list[sa.Row[Any]]) -> Iterator[str]:
    """The first entry that does not follow from those before; what comes after it proves nothing."""
    head = GENESIS
    for place, row in enumerate(rows, start=1):
        entry = _entry(row)
        if row.sequence != place:
            yield f"Journal entry {place}: it is missing or out of its place"
            return
        if entry is None:
            yield f"Journal entry {place}: it is not spelt as entries are"
            return
        head = entry_hash(head, entry)
        if head.hex() != row.hash:
            yield f"Journal entry {place}: it was changed, or one before it was taken away"
            return


def _entry(row: sa.Row[Any]) -> Entry | None:
    texts = (row.at, row.event, row.subject, row.member, row.digest, row.hash)
    if not all(isinstance(text, str) for text in texts) or _HASH.fullmatch(row.hash) is None:
        return None
    try:
        at = Received.parse(row.at)
    except ValueError:
        return None
    if str(at) != row.at:
        return None
    return Entry(row.sequence, at.at, row.event, row.subject, row.member, row.digest)


def _deposits(connection: sa.Connection, spool: Spool, entered: dict[str, sa.Row[Any]]) -> Iterator[str]:
    receipts = {
        row.deposit: row.digest
        for row in _rows(connection, "SELECT deposit, digest FROM answer WHERE kind = 'ACKREC'")
    }
    left = dict(entered)
    columns = "id, sender, name, size, digest, received, door, receipt"
    for row in _rows(connection, f"SELECT {columns} FROM deposit ORDER BY number"):  # noqa: S608 - ours
        fault = _deposit_fault(row, left.pop(row.id, None), receipts.get(row.id), spool)
        if fault:
            yield f"Deposit {row.id}: {fault}"
    yield from (f"Deposit {identifier}: in the journal, but gone" for identifier in left)


def _deposit_fault(row: sa.Row[Any], entry: sa.Row[Any] | None, receipt: object, spool: Spool) -> str | None:
    """What is wrong with a deposit: the first of row, receipt and bytes that disagrees."""
    if entry is None:
        return "not in the journal"
    told = (entry.member, entry.digest, entry.at, entry.event)
    if told != (row.sender, row.digest, row.received, f"received {row.door}"):
        return "row and journal differ"
    if not isinstance(row.receipt, bytes) or hashlib.sha256(row.receipt).hexdigest() != receipt:
        return "its receipt is not the one that was posted"
    if _receipt_says(row.receipt) != (
        (row.id, safe(str(row.name)), row.size, row.digest, row.received, row.sender),
        (entry.sequence, entry.hash),
    ):
        return "its receipt says something else"
    if _digest(spool.path(row.id)) != row.digest:
        return "its bytes are missing or changed"
    return None


def _receipt_says(content: bytes) -> tuple[tuple[object, ...], tuple[int, str]] | None:
    """What a receipt says of a deposit and of the journal; None when it is none."""
    try:
        receipt = ackrec.read(parse(content))
    except (Unreadable, ValueError, etree.LxmlError):
        return None
    deposit = receipt.header.deposit
    if deposit is None:
        return None
    told = (deposit.id, deposit.name, deposit.size, deposit.digest, str(deposit.received))
    return (*told, str(receipt.header.recipient)), (receipt.journal.sequence, receipt.journal.hash)


def _answers(connection: sa.Connection, entered: dict[str, sa.Row[Any]]) -> Iterator[str]:
    left = dict(entered)
    columns = "id, recipient, kind, name, posted, digest, size, content, deposit"
    query = sa.text(f"SELECT {columns} FROM answer ORDER BY number")  # noqa: S608 - ours
    rows = connection.execute(query, execution_options={"yield_per": 100})
    for row in rows:
        fault = _answer_fault(row, left.pop(row.id, None))
        if fault:
            yield f"Answer {row.id}: {fault}"
    yield from (f"Answer {identifier}: in the journal, but gone" for identifier in left)


def _answer_fault(row: sa.Row[Any], entry: sa.Row[Any] | None) -> str | None:
    if entry is None:
        return "not in the journal"
    told = (entry.member, entry.digest, entry.at, entry.subject)
    subject = posted_subject(row.id, row.kind, row.name, row.deposit)
    if told != (row.recipient, row.digest, row.posted, subject):
        return "row and journal differ"
    content = row.content
    if not isinstance(content, bytes) or len(content) != row.size:
        return "its bytes were changed"
    return None if hashlib.sha256(content).hexdigest() == row.digest else "its bytes were changed"


def _collections(connection: sa.Connection, rows: list[sa.Row[Any]]) -> Iterator[str]:
    """Every answer that counts as collected was collected, at that moment for the first time."""
    first: dict[object, object] = {}
    for row in rows:
        if str(row.event).startswith("collected"):
            first.setdefault(row.subject, row.at)
    for row in _rows(connection, "SELECT id, collected FROM answer ORDER BY number"):
        if row.collected != first.get(row.id):
            yield f"Answer {row.id}: its collection and the journal differ"


def _rights(connection: sa.Connection, rows: list[sa.Row[Any]]) -> Iterator[str]:
    """Keys and mandates are those that were entered, for the member who has them, and no others."""
    keys = {(row.subject, row.member) for row in rows if row.event == "key"}
    found = {
        (row.fingerprint, row.member)
        for table in ("certificate", "ssh_key")
        for row in _rows(connection, f"SELECT fingerprint, member FROM {table}")  # noqa: S608 - ours
    }
    yield from (f"Key {fingerprint}: row and journal differ" for fingerprint, _ in keys ^ found)
    # Every entry says all of a mandate: the last one tells how it stands.
    entered = {
        str(row.subject).partition(" ")[0]: (row.subject, row.member)
        for row in rows
        if row.event in ("mandate", "mandate changed")
    }
    for row in _rows(connection, "SELECT * FROM mandate"):
        if entered.pop(str(row.number), None) != (mandate_subject(row), row.member):
            yield f"Mandate {row.number}: row and journal differ"
    yield from (f"Mandate {number}: in the journal, but gone" for number in entered)


def _declared(connection: sa.Connection, rows: list[sa.Row[Any]]) -> Iterator[str]:
    """Outages and circumstances are those that were declared, and no others."""
    for table in ("outage", "circumstance"):
        # Every entry says all of a row: the last one tells how it stands.
        entered = {str(row.subject).partition(" ")[0]: row.subject for row in rows if row.event == table}
        for row in _rows(connection, f"SELECT * FROM {table}"):  # noqa: S608 - ours
            if entered.pop(str(row.number), None) != declared_subject(row):
                yield f"{table.capitalize()} {row.number}: row and journal differ"
        yield from (f"{table.capitalize()} {number}: in the journal, but gone" for number in entered)


def _states(connection: sa.Connection, rows: list[sa.Row[Any]]) -> Iterator[str]:
    """Every deposit stands where its treatment left it."""
    ended = {row.subject: row.event for row in rows if row.event in ("treated", "rejected")}
    for row in _rows(connection, "SELECT id, state FROM deposit ORDER BY number"):
        if row.state not in _STATES[ended.pop(row.id, None)]:
            yield f"Deposit {row.id}: its state and the journal differ"
    yield from (f"Deposit {identifier}: treated in the journal, but gone" for identifier in ended)


_STATES: dict[object, frozenset[str]] = {
    "treated": frozenset({State.DONE, State.HELD}),
    "rejected": frozenset({State.REJECTED}),
    None: frozenset({State.RECEIVED, State.WAITING, State.PARKED}),
}


def _last_seals(
    connection: sa.Connection, rows: list[sa.Row[Any]], seals: Collection[x509.Certificate]
) -> Iterator[str]:
    """The last answer that states a hash of the journal vouches for all before it; check its seal,
    and the seals of what was posted after it."""
    hashes = {entry.sequence: entry.hash for entry in rows}
    last = connection.execute(
        sa.text("SELECT max(number) FROM answer WHERE kind IN ('ACKREC', 'ACKTRT')")
    ).scalar()
    query = sa.text("SELECT id, number, content FROM answer WHERE number >= :last ORDER BY number")
    for row in connection.execute(query, {"last": last or 0}):
        if not isinstance(row.content, bytes):
            continue  # told already
        try:
            stated = _stated(row.content, seals, is_last=row.number == last)
        except (Unreadable, BadContainer, BadSignature, ForeignSeal, ValueError, TypeError) as error:
            yield f"Answer {row.id}: it does not bear our seal ({type(error).__name__})"
            continue
        if stated is not None and hashes.get(stated.sequence) != stated.hash:
            yield f"Answer {row.id}: the journal is not the one it was sealed over"


def _stated(content: bytes, seals: Collection[x509.Certificate], *, is_last: bool) -> JournalEntry | None:
    """Check a seal; the journal entry that the last receipt or acknowledgement states."""
    if content.startswith(MAGIC):
        verify_sealed_container(content, seals)
        return None
    document = verify_seal(content, seals).content
    return read_journal(document) if is_last else None


def _digest(file: Path) -> str | None:
    if not file.is_file():
        return None
    digest = hashlib.sha256()
    with file.open("rb") as content:
        while chunk := content.read(READ_SIZE):
            digest.update(chunk)
    return digest.hexdigest()
