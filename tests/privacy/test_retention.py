"""SR-23: what has been kept for its term goes, and leaves nothing on the pages; nothing unread goes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from adapters.database import Database, tables
from adapters.database.answers import Shelves, SqlCollection
from adapters.database.members import Members
from adapters.encryption import Erased
from adapters.retention import apply, due_documents, due_rows
from gateway.moments import Period, Received
from gateway.retention import Term, Terms, terms
from outbox.post import post
from tests import databases
from tests.house import MEMBER

POSTED = datetime(2026, 5, 20, 9, tzinfo=UTC)
INSURED = "1893120105732"
TERMS = Terms(
    documents={"otherwise": Term(3, "assumed", "-"), "EXTCPT": Term(12, "assumed", "-")},
    registers={"notice": Term(3, "assumed", "-", "posted")},
)


def at(month: int, year: int = 2026) -> Received:
    return Received(datetime(year, month, 5, 9, tzinfo=UTC))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A member with a SALRET and a notice of May."""
    opened = databases.at(tmp_path / "secugate.sqlite", lambda: POSTED)
    opened.create()
    Members(opened).register(MEMBER, name="Made-up Ltd", kind="employer", at=Received(POSTED))
    put(opened, "SALRET", "one.XML")
    with opened.write() as connection:
        connection.execute(
            sa.insert(tables.table(tables.Notice)).values(
                kind="SALMAN",
                employer=MEMBER.matricule,
                occasion="2026-04",
                insured=INSURED,
                member=str(MEMBER),
                posted=str(Received(POSTED)),
            )
        )
    yield opened
    opened.close()


def put(database: Database, kind: str, name: str) -> None:
    with database.write() as connection:
        post(Shelves(connection), recipient=str(MEMBER), kind=kind, name=name, content=b"<x/>", posted=POSTED)


def collect(database: Database) -> None:
    shelves = SqlCollection(database)
    for one in shelves.after(str(MEMBER), 0, 100):
        shelves.mark_collected(str(MEMBER), one.answer.id, POSTED, "https")


def months(database: Database, now: Received) -> list[tuple[str, bool]]:
    with database.read() as connection:
        return [(str(one.month), one.hindrance is None) for one in due_documents(connection, TERMS, now)]


def readable(database: Database) -> bool:
    shelves = SqlCollection(database)
    (one, *_) = shelves.after(str(MEMBER), 0, 100)
    try:
        return shelves.content(str(MEMBER), one.answer.id) == b"<x/>"
    except Erased:
        return False


def on_disk(database: Database, value: str) -> bool:
    return any(value.encode() in file.read_bytes() for file in database.file.parent.glob("secugate.sqlite*"))


@pytest.mark.parametrize(("now", "due"), [(at(8), []), (at(9), [("2026-05", True)])])
def test_documents_are_due_the_month_after_their_term(
    database: Database, now: Received, due: list[tuple[str, bool]]
) -> None:
    collect(database)
    assert months(database, now) == due


def test_the_longest_term_of_a_month_counts(database: Database) -> None:
    put(database, "EXTCPT", "two.XML")
    collect(database)
    assert months(database, at(9)) == []
    assert months(database, at(6, 2027)) == [("2026-05", True)]


def test_what_nobody_has_fetched_is_kept_however_old(database: Database) -> None:
    assert months(database, at(9, 2050)) == [("2026-05", False)]
    apply(database, TERMS, at(9, 2050))
    assert readable(database)


def test_showing_changes_nothing(database: Database) -> None:
    collect(database)
    assert months(database, at(9))
    with database.read() as connection:
        assert [one.rows for one in due_rows(connection, TERMS, at(9))] == [1]
    assert readable(database)
    assert on_disk(database, INSURED)


def test_what_is_due_goes_and_nothing_of_it_is_left_on_any_page(database: Database) -> None:
    collect(database)
    assert on_disk(database, INSURED), "it was there: the search finds it"
    gone, rows = apply(database, TERMS, at(9))
    assert [one.month for one in gone] == [Period(2026, 5)]
    assert [(each.table, each.rows) for each in rows] == [("notice", 1)]
    assert not readable(database)
    assert not on_disk(database, INSURED)
    with database.read() as connection:
        query = (
            "SELECT event, subject FROM journal WHERE event IN ('erased', 'rows deleted') ORDER BY sequence"
        )
        told = connection.exec_driver_sql(query).all()
        kept = 'SELECT count(*) FROM "change" WHERE "table" = ? AND coalesce(key, nonce) IS NOT NULL'
        left = connection.exec_driver_sql(kept, ("notice",)).scalar()
    assert left == 0, "the change log has forgotten the rows"
    assert [row.event for row in told] == ["erased", "rows deleted"]
    assert told[0].subject.endswith(" 2026-05 retention")
    assert told[1].subject == "notice 1 before 2026-06"
    assert apply(database, TERMS, at(9)) == ([], [])


def test_without_overwriting_a_deleted_value_stays_on_the_page(database: Database) -> None:
    """Negative control: what is deleted is only gone because SQLite overwrites it."""
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA secure_delete=OFF")
        connection.exec_driver_sql("DELETE FROM notice")
        connection.commit()
        connection.connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    assert on_disk(database, INSURED)


def test_every_term_in_the_file_is_usable() -> None:
    for name, term in terms().registers.items():
        assert term.counted_from in tables.SQLModel.metadata.tables[name].c
    every = (*terms().documents.values(), *terms().registers.values())
    assert all(term.months >= 1 and term.source and term.why for term in every)
