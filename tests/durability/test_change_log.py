"""SR-22: every row of every table of ours is in the change log, and the change log is in the journal."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from adapters.database import Database, tables
from adapters.database.changes import UNNOTED, noted_tables, register_hashing, triggers, values_of
from adapters.database.journal import CHANGED, append
from adapters.verification_of_rows import row_findings
from gateway.moments import Received
from tests import databases
from tests.databases import bare, findings, without_triggers

AT = datetime(2026, 8, 3, 9, 15, tzinfo=UTC)
ENTER = "INSERT INTO employer (matricule, name, household) VALUES ('2099990001299', ?, false)"
RENAME = "UPDATE employer SET name = ? WHERE matricule = '2099990001299'"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    (tmp_path / "keys").mkdir()
    with closing(databases.at(tmp_path / "x.sqlite", lambda: AT)) as made:
        made.create()
        with made.write() as connection:
            connection.exec_driver_sql(ENTER, ("Before",))
        yield made


def events(database: Database) -> list[str]:
    with database.read() as connection:
        rows = connection.exec_driver_sql("SELECT event, changes FROM journal ORDER BY sequence").all()
    return [row.event + ("*" if row.changes else "") for row in rows]


def test_every_table_of_ours_is_noted_but_those_that_prove_themselves() -> None:
    assert {one.name for one in noted_tables()} | UNNOTED == {one.name for one in tables.OURS}
    made = " ".join(triggers())
    for table in noted_tables():
        for moment in ("INSERT", "UPDATE", "DELETE"):
            assert f'AFTER {moment} ON "{table.name}"' in made


def test_rows_changed_without_an_entry_get_one_before_the_commit(database: Database) -> None:
    assert events(database) == [f"{CHANGED}*"]
    with database.write() as connection:
        connection.exec_driver_sql(RENAME, ("After",))
    assert events(database) == [f"{CHANGED}*"] * 2
    assert findings(database) == []


def test_an_entry_anchors_what_was_changed_before_it_and_the_next_what_comes_after(
    database: Database,
) -> None:
    with database.write() as connection:
        connection.exec_driver_sql(RENAME, ("One",))
        append(connection, at=Received(AT), event="told", subject="x")
        append(connection, at=Received(AT), event="told", subject="y")
        connection.exec_driver_sql(RENAME, ("Two",))
    assert events(database)[1:] == ["told*", "told", f"{CHANGED}*"]
    assert findings(database) == []


def test_what_is_rolled_back_leaves_nothing(database: Database) -> None:
    with database.write() as connection:
        nested = connection.begin_nested()
        connection.exec_driver_sql(RENAME, ("Never",))
        nested.rollback()
    with database.engine.connect() as connection:
        connection.exec_driver_sql(RENAME, ("Never",))
        connection.rollback()
    assert events(database) == [f"{CHANGED}*"]
    assert findings(database) == []


def test_a_key_that_changes_and_a_row_that_goes_are_noted(database: Database) -> None:
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE employer SET matricule = '2099990002099'")
    assert findings(database) == []
    with database.write() as connection:
        connection.exec_driver_sql("DELETE FROM employer")
    assert findings(database) == []


@pytest.mark.embedded
def test_no_other_tool_can_write_a_row_of_an_embedded_database(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "x.sqlite", lambda: AT)) as database:
        database.create()
        with database.write() as connection:
            connection.exec_driver_sql(ENTER, ("Before",))
    with (
        closing(sqlite3.connect(database.file)) as connection,
        pytest.raises(sqlite3.OperationalError, match="secugate_change"),
    ):
        connection.execute(RENAME, ("Behind our back",))


def test_without_the_trigger_it_can_and_is_found_twice(database: Database) -> None:
    """The negative control: what the protection keeps out comes in without it."""
    with bare(database) as connection:
        on = " ON employer" if database.is_shared else ""
        connection.execute(f"DROP TRIGGER employer_changed{on}")
        connection.execute("UPDATE employer SET name = 'Behind our back'")
    assert findings(database) == [
        "Trigger employer_changed (of employer): it is missing",
        "Employer 2099990001299: it was changed behind the gateway's back",
    ]


@pytest.mark.parametrize(
    "statement",
    [
        'DELETE FROM "change"',
        'UPDATE "change" SET digest = nonce',
        'UPDATE "change" SET id = id + 9',
        "UPDATE \"change\" SET key = '1'",
        'UPDATE "change" SET key = NULL',
        'UPDATE "change" SET nonce = NULL',
        'UPDATE "change" SET key = NULL, nonce = NULL, "table" = \'wage\'',
        "DELETE FROM journal",
        "UPDATE journal SET event = 'x'",
        "DELETE FROM journal_node",
        "UPDATE journal_node SET place = 9",
    ],
)
def test_what_is_only_added_to_cannot_be_changed(database: Database, statement: str) -> None:
    with (
        pytest.raises(sa.exc.IntegrityError, match="only"),
        database.write() as connection,
    ):
        connection.exec_driver_sql(statement)
    assert findings(database) == []


FORGET = 'UPDATE "change" SET key = NULL, nonce = NULL WHERE "table" = \'employer\''


def test_a_row_can_be_forgotten_and_all_still_holds(database: Database) -> None:
    """Neither its key nor what would let anybody guess its values is left."""
    with database.write() as connection:
        connection.exec_driver_sql("DELETE FROM employer")
        connection.exec_driver_sql(FORGET)
    assert findings(database) == []
    with database.read() as connection:
        query = 'SELECT key, nonce FROM "change" WHERE "table" = \'employer\''
        assert {tuple(row) for row in connection.exec_driver_sql(query)} == {(None, None)}


def test_nobody_hides_a_deletion_as_if_it_were_forgotten(database: Database) -> None:
    with bare(database) as connection, without_triggers(database, connection):
        connection.execute("DELETE FROM employer")
        connection.execute(FORGET)
    assert findings(database) == ["Change 1: its key was taken away, and nothing tells of it"]


@pytest.mark.embedded
@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0" + bytes(4096)])
def test_a_file_that_is_no_database_of_ours_is_told(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "x.sqlite"
    file.write_bytes(content)
    try:
        with closing(Database(file)) as database, database.opened() as reader:
            found = list(row_findings(reader, database.dialect, frozenset()))
    except sqlite3.Error:
        return
    assert found


VALUES = st.tuples(
    st.integers(-(2**63), 2**63 - 1),
    st.none() | st.text(),
    st.none() | st.text() | st.binary() | st.integers(0, 9),
)
TABLE = sa.Table(
    "some", sa.MetaData(), sa.Column("a", sa.Integer), sa.Column("b", sa.Text), sa.Column("c", sa.LargeBinary)
)


@pytest.mark.embedded
@given(VALUES, VALUES, st.booleans())
def test_rows_that_differ_are_hashed_differently(
    one: tuple[object, ...], other: tuple[object, ...], of_bytes: bool
) -> None:
    """Types tell as well; and the trigger, which trusts its columns, writes what a wary reader writes."""
    if of_bytes and isinstance(one[2], bytes):
        other = (*one[:2], one[2].hex())
    with closing(sqlite3.connect(":memory:")) as connection:
        register_hashing(connection)
        connection.execute("CREATE TABLE some (a INTEGER, b TEXT, c BLOB)")
        connection.executemany("INSERT INTO some VALUES (?, ?, ?)", (one, other))
        rows = connection.execute(f"SELECT {values_of(TABLE)} FROM some").fetchall()
        assert rows == connection.execute(f"SELECT {values_of(TABLE, 'NEW.')} FROM some AS NEW").fetchall()
    typed = [[(type(value), value) for value in row] for row in (one, other)]
    assert (rows[0] == rows[1]) == (typed[0] == typed[1])
