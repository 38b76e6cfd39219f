"""Whether every row, and the journal, is as it was written: tree, change log, rows, and what guards them.

All is read below SQLAlchemy and as a stream, so that memory stays flat and no value that somebody put
there, of whatever type, can do more than differ. Of each table the rows, sorted by key, are laid beside the
last change of each key, sorted alike; the digest of that change has to be that of the row.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import NamedTuple, TypeGuard

from adapters.database.changes import KEPT, NONCE, Value, change_digest, content_hash, noted_tables
from adapters.database.dialects import Dialect, Item, Reader
from adapters.database.tables import CHANGE
from gateway.moments import Received
from signing.journal import EMPTY, Entry, Tree, leaf_hash

MOST = 100
"""Findings of one kind that are told one by one."""

SELF_WITNESS = frozenset({"journal_head", "time_stamp"})
"""What is kept about the journal itself; its last changes wait for the next entry."""


def row_findings(reader: Reader, dialect: Dialect, expected: frozenset[Item]) -> Iterator[str]:
    """What is wrong, a sentence each.

    Args:
        reader: of the database, in the words of the dialect.
        expected: what makes up a database that was just made.
    """
    checks: tuple[tuple[str, Iterator[str]], ...] = (
        ("pages", dialect.file_findings(reader)),
        ("schema", _schema(reader, dialect, expected)),
        ("journal", _journal(reader)),
        ("changes", _changes(reader, dialect)),
        ("anchors", _anchors(reader)),
        ("forgotten", _forgotten(reader, dialect)),
        ("rows", _rows(reader, dialect)),
    )
    for name, findings in checks:
        yield from told(name, findings)


def told(name: str, findings: Iterator[str]) -> Iterator[str]:
    """No more findings than somebody reads; what cannot be checked is a finding, never a failure."""
    try:
        yield from map(_readable, islice(findings, MOST))
        more = sum(1 for _ in findings)
        if more:
            yield f"Check of {name}: {more} more like these"
    except Exception as error:  # Whatever lies in the database: it has to be told, not to end the check.
        yield f"Check of {name}: it cannot be done, the database is not as we make it ({_words(error)})"


def _readable(finding: str) -> str:
    """A sentence that every screen can show, whatever values it names."""
    return "".join(each if each.isprintable() else "\ufffd" for each in finding)


def _words(error: Exception) -> str:
    """Which kind of failure; its text only where it holds no values."""
    return f"{type(error).__name__}: {error}" if isinstance(error, sqlite3.Error) else type(error).__name__


def head_of(reader: Reader) -> tuple[int, str]:
    """Size and root that the journal states last."""
    row = reader.execute("SELECT sequence, hash FROM journal ORDER BY sequence DESC LIMIT 1").fetchone()
    return (0, EMPTY.hex()) if row is None else (row[0], str(row[1]))


# What guards the tables


def _schema(reader: Reader, dialect: Dialect, expected: frozenset[Item]) -> Iterator[str]:
    """Tables, indexes and triggers are those that we create, spelt as we create them."""
    ours = {table for kind, _, table, _ in expected if kind == "table"}
    found = set(dialect.schema(reader))
    named = {(kind, name) for kind, name, _, _ in found}
    for kind, name, table, _ in sorted(expected - found, key=str):
        wrong = "it was altered" if (kind, name) in named else "it is missing"
        yield f"{str(kind).capitalize()} {name} (of {table}): {wrong}"
    names = {(kind, name) for kind, name, _, _ in expected}
    for kind, name, table, _ in sorted(found - expected, key=str):
        if (kind, name) not in names and (table in ours or kind in ("trigger", "view")):
            yield f"{str(kind).capitalize()} {name} (of {table}): it is not ours"


# The journal


def _journal(reader: Reader) -> Iterator[str]:
    """Every entry stands in its place in the tree; the first one that does not is named."""
    columns = "sequence, at, event, subject, member, digest, actor, changes, hash"
    entries = reader.execute(f"SELECT {columns} FROM journal ORDER BY sequence")  # noqa: S608 - ours
    nodes = reader.execute("SELECT place, hash FROM journal_node ORDER BY place")
    tree, stored = Tree(), 0
    for place, (sequence, *row, root) in enumerate(entries, start=1):
        entry = _entry(place, row)
        if sequence != place:
            yield f"Journal entry {place}: it is missing or out of its place"
            return
        if entry is None:
            yield f"Journal entry {place}: it is not spelt as entries are"
            return
        filled = tree.add(leaf_hash(entry))
        if list(islice(nodes, len(filled))) != list(enumerate(filled, start=stored)):
            yield f"Journal entry {place}: it was changed, or what is stored of the tree above it"
            return
        if root != tree.root.hex():
            yield f"Journal entry {place}: its hash was changed"
            return
        stored += len(filled)
    if nodes.fetchone() is not None:
        yield f"Journal entry {tree.size + 1}: it was cut off, with all behind it; the tree still has them"


def _entry(place: int, row: list[object]) -> Entry | None:
    if not _texts(row):
        return None
    moment = _moment(row[0])
    return None if moment is None else Entry(place, moment, *row[1:])


def _texts(values: list[object]) -> TypeGuard[list[str]]:
    # Lone surrogates stand for bytes that are no UTF-8.
    return all(_utf8(value) for value in values)


def _utf8(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _moment(text: str) -> datetime | None:
    try:
        at = Received.parse(text)
    except ValueError:
        return None
    return at.at if str(at) == text else None


# The change log


def _changes(reader: Reader, dialect: Dialect) -> Iterator[str]:
    """Every change is the one that its digest says, unless it was forgotten."""
    row_text, is_text = dialect.row_of('"table"', "key"), dialect.is_text('"table"')
    query = (
        f"SELECT id, {row_text}, {is_text}, nonce, digest"  # noqa: S608 - our own names
        ' FROM "change" WHERE key IS NOT NULL OR nonce IS NOT NULL ORDER BY id'
    )
    for number, row, named, kept, digest in reader.execute(query):
        if not named or not _is_kept(kept) or change_digest(kept, row) != digest:
            yield f"Change {number}: it was changed (of {row})"


def _is_kept(kept: object) -> TypeGuard[bytes]:
    return isinstance(kept, bytes) and len(kept) == KEPT


def _anchors(reader: Reader) -> Iterator[str]:
    """The changes since the entry before are those that an entry of the journal anchors."""
    changes = reader.execute('SELECT id, digest, "table" FROM "change" ORDER BY id')
    before, found = 0, changes.fetchone()
    for sequence, anchored, last in reader.execute(
        "SELECT sequence, changes, change FROM journal ORDER BY sequence"
    ):
        if not isinstance(last, int) or last < before:
            yield f"Journal entry {sequence}: it does not say which changes it anchors"
            return
        digest = hashlib.sha256()
        any_found = False
        while found is not None and found[0] <= last:
            digest.update(found[0].to_bytes(8, signed=True) + _bytes(found[1]))
            found, any_found = changes.fetchone(), True
        if anchored != (digest.hexdigest() if any_found else "") or bool(anchored) != (last > before):
            yield f"Journal entry {sequence}: changes {before + 1} to {last} are not those that it anchors"
            return
        before = last
    while found is not None:
        if found[2] not in SELF_WITNESS:
            yield f"Change {found[0]}: it is not in the journal (of {found[2]})"
        found = changes.fetchone()


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else b""


def _forgotten(reader: Reader, dialect: Dialect) -> Iterator[str]:
    """A change without key was forgotten by a change of its own."""
    marks = '(SELECT key FROM "change" WHERE "table" = \'change\')'
    key = dialect.key_of(CHANGE, "c.")
    query = (
        f'SELECT c.id, f.key FROM "change" c LEFT JOIN {marks} f ON f.key = {key}'  # noqa: S608 - our own names
        " WHERE (c.key IS NULL OR c.nonce IS NULL) <> (f.key IS NOT NULL)"
        " OR (c.key IS NULL) <> (c.nonce IS NULL) ORDER BY c.id"
    )
    for number, mark in reader.execute(query):
        if mark is None:
            yield f"Change {number}: its key was taken away, and nothing tells of it"
        else:
            yield f"Change {number}: it was forgotten, and is there again"


# The rows


class _Row(NamedTuple):
    table: str
    key: Value
    values: str
    name: Value


class _Last(NamedTuple):
    """The last change of a row."""

    table: str
    key: Value
    kept: object


def _rows(reader: Reader, dialect: Dialect) -> Iterator[str]:
    """Every row is as its last change left it, and none is missing or too many."""
    rows, lasts = _all_rows(reader, dialect), _last_changes(reader, dialect)
    row, last = next(rows, None), next(lasts, None)
    while row is not None or last is not None:
        here, there = _order(row), _order(last)
        if row is not None and (last is None or here < there):
            yield f"{_noun(row.table)} {_named(row)}: it was entered behind the gateway's back"
            row = next(rows, None)
        elif last is not None and (row is None or there < here):
            if not _says(last, ""):
                yield f"{_noun(last.table)} {_text(last.key)}: it was taken out behind the gateway's back"
            last = next(lasts, None)
        elif row is not None and last is not None:
            if not _says(last, row.values):
                yield f"{_noun(row.table)} {_named(row)}: it was changed behind the gateway's back"
            row, last = next(rows, None), next(lasts, None)


def _says(last: _Last, values: str) -> bool:
    """Whether the last change of a row left these values."""
    kept = last.kept
    return _is_kept(kept) and content_hash(kept[:NONCE], values) == kept[NONCE:]


def _all_rows(reader: Reader, dialect: Dialect) -> Iterator[_Row]:
    for table in noted_tables():
        key = dialect.key_of(table)
        name = '"id"' if "id" in table.columns else key
        query = f'SELECT {key}, {dialect.values_of(table)}, {name} FROM "{table.name}" ORDER BY {key}'  # noqa: S608
        for row in reader.execute(query):
            yield _Row(table.name, *row)


def _last_changes(reader: Reader, dialect: Dialect) -> Iterator[_Last]:
    for table, key, kept, _ in reader.execute(dialect.last_changes()):
        yield _Last(str(table), key, kept)


def _order(one: _Row | _Last | None) -> tuple[object, ...]:
    """As the database sorts: nothing, numbers, texts by their bytes, bytes."""
    if one is None:
        return ()
    return (one.table.encode("utf-8", "surrogateescape"), *_key_order(one.key))


def _key_order(key: Value) -> tuple[int, float | bytes]:
    if key is None:
        return 0, 0
    if isinstance(key, str):
        return 2, key.encode("utf-8", "surrogateescape")
    return (3, key) if isinstance(key, bytes) else (1, key)


def _noun(table: str) -> str:
    return table.replace("_", " ").capitalize()


def _named(row: _Row) -> str:
    return _text(row.name)


def _text(value: Value) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


@dataclass(frozen=True, slots=True)
class Counts:
    """How much there is."""

    entries: int
    deposits: int
    answers: int
    changes: int


def counts_of(reader: Reader, dialect: Dialect) -> Counts:
    """How many entries, deposits, answers and changes there are."""
    tables = ("journal", "deposit", "answer", "change")
    return Counts(*(_count(reader, dialect, table) for table in tables))


def _count(reader: Reader, dialect: Dialect, table: str) -> int:
    try:
        row = reader.execute(f'SELECT count(*) FROM "{table}"').fetchone()  # noqa: S608 - ours
    except dialect.failures:
        return 0
    return 0 if row is None else int(row[0])
