"""`secugate verify`: the journal as a tree, every row against the change log, all that is kept against both.

Nothing that lies in the database is believed, not even its type: whatever stands there, the answer
is a finding, never a failure. Receipts, acknowledgements and heads name a size of the journal and the
root of its tree under our seal: whoever rewrites the journal contradicts them, or has to break the seal.
What was cut off at the end together with all its rows, or rewritten with the seal's key in hand, is only
shown by what left the house: see `secugate audit`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from cryptography import x509
from lxml import etree

from adapters.database import Database
from adapters.database.answers import posted_subject
from adapters.database.dialects import Reader
from adapters.database.documents import answer_place, read_document, receipt_place
from adapters.database.registers.mandates import mandate_subject
from adapters.encryption import Erased, Unopened
from adapters.erasure import ERASED, Erasures
from adapters.spool import Spool
from adapters.verification_of_accounts import account_findings
from adapters.verification_of_rows import Counts, counts_of, head_of, row_findings, told
from gateway.returns import ackrec, jouhed
from gateway.wire import JournalEntry, read_journal, safe
from signing.container import MAGIC, BadContainer
from signing.journal import EMPTY
from signing.parse import Unreadable, parse
from signing.profile import BadSignature
from signing.verify import ForeignSeal, verify_seal, verify_sealed_container

NOT_ERASED = "its key is gone, and the journal tells of no erasure"


@dataclass(frozen=True, slots=True)
class Report:
    """What was checked and what was found.

    Attributes:
        counts: how much was checked.
        size, head: how many entries the journal has, and the root of its tree, hexadecimal.
        sealed: the newest sealed head (JOUHED); None before the first.
        findings: what is wrong, a sentence each; empty when all is well.
    """

    counts: Counts
    size: int
    head: str
    sealed: bytes | None
    findings: tuple[str, ...]


def inspect(database: Database, spool: Spool, seals: Collection[x509.Certificate]) -> Report:
    """Check journal, change log and every row, then what they are about: the bytes of deposits and answers,
    receipts, seals, rights, and the sums of all that was billed.

    Args:
        database, spool: where everything is kept.
        seals: the certificates with which we seal, and sealed before.
    """
    dialect = database.dialect
    try:
        expected = dialect.expected_schema(database.engine)
        with database.opened() as raw, database.read() as connection:
            size, head = head_of(raw)
            findings = (
                *row_findings(raw, dialect, expected),
                *_content_findings(raw, connection, spool, seals),
            )
            return Report(counts_of(raw, dialect), size, head, _newest(raw), findings)
    except Exception as error:
        if not isinstance(error, (*dialect.failures, sa.exc.DatabaseError, OSError)):
            raise
        finding = f"Database: it cannot be read ({type(error).__name__})"
        return Report(Counts(0, 0, 0, 0), 0, EMPTY.hex(), None, (finding,))


def _content_findings(
    raw: Reader, connection: sa.Connection, spool: Spool, seals: Collection[x509.Certificate]
) -> Iterator[str]:
    def erasures() -> Erasures:
        return Erasures.of(_rows(connection, f"SELECT * FROM journal WHERE event = '{ERASED}'"))  # noqa: S608

    yield from told("deposits", _deposits(raw, connection, spool, erasures))
    yield from told("answers", _answers(raw, connection, erasures))
    yield from told("rights", _rights(connection))
    yield from told("accounts", _accounts(connection))
    yield from told("seals", _last_seals(raw, connection, seals))
    yield from told("heads", _heads(raw, seals))


def _newest(raw: Reader) -> bytes | None:
    row = raw.execute("SELECT content FROM journal_head ORDER BY sequence DESC LIMIT 1").fetchone()
    return row[0] if row is not None and isinstance(row[0], bytes) else None


def _rows(connection: sa.Connection, query: str) -> list[sa.Row[Any]]:
    return list(connection.execute(sa.text(query)))


def _accounts(connection: sa.Connection) -> Iterator[str]:
    yield from account_findings(connection, _rows(connection, "SELECT * FROM journal WHERE event = 'billed'"))


_DEPOSITS = (
    "WITH entered AS MATERIALIZED (SELECT subject, sequence, member, digest, at, event, hash FROM journal"
    "  WHERE substr(event, 1, 8) = 'received')"
    " SELECT d.id, d.sender, d.name, d.size, d.digest, d.received, d.door, d.receipt,"
    " j.sequence, j.member, j.digest, j.at, j.event, j.hash, a.digest"
    " FROM deposit d LEFT JOIN entered j ON j.subject = d.id"
    " LEFT JOIN answer a ON a.deposit = d.id AND a.kind = 'ACKREC' ORDER BY d.number"
)
_DEPOSITS_GONE = (
    "SELECT j.subject FROM journal j LEFT JOIN deposit d ON d.id = j.subject"
    " WHERE substr(j.event, 1, 8) = 'received' AND d.id IS NULL ORDER BY j.sequence"
)
_ANSWERS = (
    "WITH posted AS MATERIALIZED (SELECT substr(subject, 1, 36) AS answer, subject, member, digest, at"
    "  FROM journal WHERE event = 'posted')"
    " SELECT a.id, a.recipient, a.kind, a.name, a.posted, a.digest, a.size, a.content, a.deposit,"
    " j.subject, j.member, j.digest, j.at"
    " FROM answer a LEFT JOIN posted j ON j.answer = a.id ORDER BY a.number"
)
_ANSWERS_GONE = (
    "SELECT substr(j.subject, 1, 36) FROM journal j LEFT JOIN answer a ON a.id = substr(j.subject, 1, 36)"
    " WHERE j.event = 'posted' AND a.id IS NULL ORDER BY j.sequence"
)


@dataclass(frozen=True, slots=True)
class _Deposit:
    """A row of `_DEPOSITS`: a deposit, its entry in the journal and the digest of the receipt posted."""

    id: Any
    sender: Any
    name: Any
    size: Any
    digest: Any
    received: Any
    door: Any
    receipt: Any
    sequence: Any
    entry_member: Any
    entry_digest: Any
    entry_at: Any
    entry_event: Any
    entry_hash: Any
    posted_receipt: Any


@dataclass(frozen=True, slots=True)
class _Answer:
    """A row of `_ANSWERS`: an answer and its entry in the journal."""

    id: Any
    recipient: Any
    kind: Any
    name: Any
    posted: Any
    digest: Any
    size: Any
    content: Any
    deposit: Any
    entry_subject: Any
    entry_member: Any
    entry_digest: Any
    entry_at: Any


def _deposits(
    raw: Reader, connection: sa.Connection, spool: Spool, erasures: Callable[[], Erasures]
) -> Iterator[str]:
    """Of every deposit row, receipt, bytes and journal agree, and none is missing."""
    covered = erasures()
    for values in raw.execute(_DEPOSITS):
        row = _Deposit(*values)
        fault = _deposit_fault(connection, row, spool, covered)
        if fault:
            yield f"Deposit {row.id}: {fault}"
    yield from (f"Deposit {subject}: in the journal, but gone" for (subject,) in raw.execute(_DEPOSITS_GONE))


def _deposit_fault(connection: sa.Connection, row: _Deposit, spool: Spool, erasures: Erasures) -> str | None:
    """What is wrong with a deposit: the first of row, receipt and bytes that disagrees."""
    if row.sequence is None:
        return "not in the journal"
    told_ = (row.entry_member, row.entry_digest, row.entry_at, row.entry_event)
    if told_ != (row.sender, row.digest, row.received, f"received {row.door}"):
        return "row and journal differ"
    try:
        kept = read_document(connection, row.receipt, receipt_place(row.id))
        digest = spool.digest(row.id)
    except Erased as erased:
        return None if erasures.cover(erased, row.sender, row.received) else NOT_ERASED
    except Unopened:
        return "its receipt was changed"
    fault = _receipt_fault(kept, row)
    if fault is None and digest != row.digest:
        return "its bytes are missing or changed"
    return fault


def _receipt_fault(kept: bytes, row: _Deposit) -> str | None:
    """What is wrong with the receipt of a deposit."""
    if hashlib.sha256(kept).hexdigest() != row.posted_receipt:
        return "its receipt is not the one that was posted"
    if _receipt_says(kept) != (
        (row.id, safe(str(row.name)), row.size, row.digest, row.received, row.sender),
        (row.sequence, row.entry_hash),
    ):
        return "its receipt says something else"
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


def _answers(raw: Reader, connection: sa.Connection, erasures: Callable[[], Erasures]) -> Iterator[str]:
    """Of every answer row, bytes and journal agree, and none is missing."""
    covered = erasures()
    for values in raw.execute(_ANSWERS):
        row = _Answer(*values)
        fault = _answer_fault(connection, row, covered)
        if fault:
            yield f"Answer {row.id}: {fault}"
    yield from (f"Answer {subject}: in the journal, but gone" for (subject,) in raw.execute(_ANSWERS_GONE))


def _answer_fault(connection: sa.Connection, row: _Answer, erasures: Erasures) -> str | None:
    if row.entry_subject is None:
        return "not in the journal"
    told_ = (row.entry_member, row.entry_digest, row.entry_at, row.entry_subject)
    subject = posted_subject(row.id, row.kind, row.name, row.deposit)
    if told_ != (row.recipient, row.digest, row.posted, subject):
        return "row and journal differ"
    try:
        content = read_document(connection, row.content, answer_place(row.id))
    except Erased as erased:
        return None if erasures.cover(erased, row.recipient, row.posted) else NOT_ERASED
    except Unopened:
        return "its bytes were changed"
    if len(content) != row.size:
        return "its bytes were changed"
    return None if hashlib.sha256(content).hexdigest() == row.digest else "its bytes were changed"


def _rights(connection: sa.Connection) -> Iterator[str]:
    """Keys and mandates are those that were entered, for the member who has them, and no others."""
    entries = "event IN ('key', 'mandate', 'mandate changed')"
    rows = _rows(connection, f"SELECT * FROM journal WHERE {entries} ORDER BY sequence")  # noqa: S608 - ours
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


def _last_seals(raw: Reader, connection: sa.Connection, seals: Collection[x509.Certificate]) -> Iterator[str]:
    """The last answer that states a root of the journal vouches for all before it; check its seal,
    and the seals of what was posted after it."""
    found = raw.execute("SELECT max(number) FROM answer WHERE kind IN ('ACKREC', 'ACKTRT')").fetchone()
    (last,) = found or (None,)
    query = "SELECT id, number, content FROM answer WHERE number >= ? ORDER BY number"
    for identifier, number, kept in raw.execute(query, (last or 0,)):
        try:
            content = read_document(connection, kept, answer_place(identifier))
        except (Unopened, Erased):
            continue  # told already
        try:
            stated = _stated(content, seals, is_last=number == last)
        except _UNSEALED as error:
            yield f"Answer {identifier}: it does not bear our seal ({type(error).__name__})"
            continue
        if stated is not None and _root_at(raw, stated.sequence) != stated.hash:
            yield f"Answer {identifier}: the journal is not the one it was sealed over"


_UNSEALED = (Unreadable, BadContainer, BadSignature, ForeignSeal, ValueError, TypeError)


def _stated(content: bytes, seals: Collection[x509.Certificate], *, is_last: bool) -> JournalEntry | None:
    """Check a seal; the journal entry that the last receipt or acknowledgement states."""
    if content.startswith(MAGIC):
        verify_sealed_container(content, seals)
        return None
    document = verify_seal(content, seals).content
    return read_journal(document) if is_last else None


def _heads(raw: Reader, seals: Collection[x509.Certificate]) -> Iterator[str]:
    """Every head states the root that the journal had; the newest one bears our seal."""
    content = None
    for sequence, content in raw.execute("SELECT sequence, content FROM journal_head ORDER BY sequence"):
        try:
            stated = jouhed.read(parse(content)).journal
        except (Unreadable, ValueError, TypeError, etree.LxmlError):
            stated = None
        if stated is None or (stated.sequence, stated.hash) != (sequence, _root_at(raw, sequence)):
            yield f"Journal head {sequence}: the journal is not the one it was sealed over"
    if content is not None:
        try:
            verify_seal(content, seals)
        except _UNSEALED as error:
            yield f"Journal head {sequence}: it does not bear our seal ({type(error).__name__})"


def _root_at(raw: Reader, size: int) -> object:
    row = raw.execute("SELECT hash FROM journal WHERE sequence = ?", (size,)).fetchone()
    return None if row is None else row[0]
