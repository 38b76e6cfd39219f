"""What holds on a server only, and what an insider tries there (SR-22). Other tests run on both."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from pydantic import ValidationError

from adapters.database import Database
from adapters.database.dialects import UnsafeDatabase
from adapters.settings import Settings
from tests import postgres
from tests.databases import bare, findings, without_triggers

AT = datetime(2026, 8, 3, 9, 15, tzinfo=UTC)
EMPLOYER = "2099990001299"
BEHIND = "behind the gateway's back"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    address = postgres.address(str(tmp_path), made=True)
    with closing(Database(address, lambda: AT, tmp_path / "master.key")) as made:
        made.master.make()
        with made.write() as connection:
            rename(connection, "Before")
        yield made


def rename(connection: sa.Connection, name: str) -> None:
    given = {"matricule": EMPLOYER, "name": name}
    connection.execute(
        sa.text(
            "INSERT INTO employer (matricule, name, household) VALUES (:matricule, :name, false)"
            " ON CONFLICT (matricule) DO UPDATE SET name = excluded.name"
        ),
        given,
    )


def name_of(database: Database) -> object:
    with database.read() as connection:
        return connection.execute(sa.text("SELECT name FROM employer")).scalar_one()


# The change log


def test_what_is_written_is_found_as_it_was_written(database: Database) -> None:
    with database.write() as connection:
        rename(connection, 'After "this" \\ é \u2028')
    assert findings(database) == []


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE employer SET name = 'x'", f"Employer {EMPLOYER}: it was changed {BEHIND}"),
        ("DELETE FROM employer", f"Employer {EMPLOYER}: it was taken out {BEHIND}"),
        (
            "INSERT INTO employer (matricule, name, household) VALUES ('2099990002099', 'y', false)",
            f"Employer 2099990002099: it was entered {BEHIND}",
        ),
        (
            "TRUNCATE employer CASCADE",
            f"Employer {EMPLOYER}: it was taken out {BEHIND}",
        ),
    ],
)
def test_a_row_that_is_changed_unseen_is_found(database: Database, statement: str, told: str) -> None:
    with bare(database) as connection, without_triggers(database, connection):
        connection.execute(statement)
    assert findings(database) == [told]


def test_a_row_that_another_tool_changes_is_noted_and_anchored_by_nothing(database: Database) -> None:
    with bare(database) as connection:
        connection.execute("UPDATE employer SET name = 'x'")
    assert findings(database) == ["Change 2: it is not in the journal (of employer)"]


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        (
            "DROP TRIGGER employer_changed ON employer",
            "Trigger employer_changed (of employer): it is missing",
        ),
        (
            "ALTER TABLE employer DISABLE TRIGGER employer_changed",
            "Trigger employer_changed (of employer): it was altered",
        ),
        (
            "CREATE OR REPLACE FUNCTION employer_changed() RETURNS trigger LANGUAGE plpgsql"
            " AS 'BEGIN RETURN NULL; END'",
            "Function employer_changed (of employer): it was altered",
        ),
        (
            "CREATE RULE quiet AS ON UPDATE TO employer DO INSTEAD NOTHING",
            "Rule quiet (of employer): it is not ours",
        ),
        ("DROP INDEX wage_once", "Index wage_once (of wage): it is missing"),
        ("ALTER TABLE employer ALTER name DROP NOT NULL", "Table employer (of employer): it was altered"),
    ],
)
def test_what_guards_the_tables_is_looked_at(database: Database, statement: str, told: str) -> None:
    with bare(database) as connection:
        connection.execute(statement)
    assert findings(database) == [told]


def test_a_table_is_not_emptied_at_once(database: Database) -> None:
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation), bare(database) as connection:
        connection.execute("TRUNCATE employer CASCADE")
    assert findings(database) == []


# Transactions


def test_one_writes_at_a_time_and_reads_what_the_other_has_committed(database: Database) -> None:
    seen: list[object] = []

    def second() -> None:
        with database.write() as connection:
            seen.append(connection.execute(sa.text("SELECT name FROM employer")).scalar_one())

    with database.write() as connection:
        other = threading.Thread(target=second)
        other.start()
        rename(connection, "First")
        other.join(0.2)
        assert seen == []
    other.join()
    assert seen == ["First"]


def test_who_reads_sees_one_state_and_waits_for_nobody(database: Database) -> None:
    with database.read() as connection:
        query = sa.text("SELECT name FROM employer")
        assert connection.execute(query).scalar_one() == "Before"
        with database.write() as writing:
            rename(writing, "After")
        assert connection.execute(query).scalar_one() == "Before"
    assert name_of(database) == "After"


def test_who_reads_cannot_write(database: Database) -> None:
    with (
        pytest.raises(sa.exc.InternalError, match="read-only transaction"),
        database.read() as connection,
    ):
        rename(connection, "After")
    assert name_of(database) == "Before"


def test_commits_are_synced_whatever_the_role_says(database: Database) -> None:
    name = sa.make_url(database.url).database
    with bare(database) as connection:
        connection.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    database.close()
    with database.read() as connection:
        assert connection.execute(sa.text("SHOW synchronous_commit")).scalar_one() == "on"


def test_a_lease_is_had_by_one_and_free_when_its_connection_ends(database: Database) -> None:
    first = database.lease("node 1")
    assert first is not None and first.lasts()
    assert database.lease("node 1") is None
    other = database.lease("node 2")
    assert other is not None
    first.close()
    assert not first.lasts()
    again = database.lease("node 1")
    assert again is not None
    for one in (again, other):
        one.close()


# Texts and numbers


def test_a_text_with_nul_is_kept_legibly(database: Database) -> None:
    """What a sender writes must not stop us: SQLite takes the character, PostgreSQL does not."""
    with database.write() as connection:
        rename(connection, "A\0B")
    assert name_of(database) == "A\ufffdB"
    assert findings(database) == []


def test_texts_sort_by_their_bytes_and_cents_have_64_bits(database: Database) -> None:
    with database.read() as connection:
        query = (
            "SELECT format_type(atttypid, -1), attcollation::regcollation::text FROM pg_attribute"
            " JOIN pg_class ON attrelid = oid WHERE relname = 'ledger_posting' AND attnum > 0"
        )
        found = {tuple(row) for row in connection.execute(sa.text(query))}
    assert found == {("bigint", "-"), ("text", '"C"')}


# What it is and what is told of it


def test_a_database_that_is_not_empty_is_not_made_ours(database: Database) -> None:
    with pytest.raises(UnsafeDatabase, match="not empty"):
        database.create()


def test_a_server_that_may_tear_pages_is_refused(database: Database) -> None:
    """The negative control is every other test: the same server, as it should be."""
    with psycopg.connect(postgres.plain(database.engine.url), autocommit=True) as connection:
        try:
            connection.execute("ALTER SYSTEM SET full_page_writes = off")
            connection.execute("SELECT pg_reload_conf()")
            connection.execute("SELECT pg_sleep(0.3)")
            database.close()
            with pytest.raises(UnsafeDatabase, match="full_page_writes=off"), database.read():
                pass
        finally:
            connection.execute("ALTER SYSTEM RESET full_page_writes")
            connection.execute("SELECT pg_reload_conf()")
            connection.execute("SELECT pg_sleep(0.3)")


def test_no_password_is_told(tmp_path: Path) -> None:
    secret = "s3cret-word"
    address = f"postgresql://somebody:{secret}@127.0.0.1:1/none"
    assert secret not in repr(Settings(database=address))
    with pytest.raises(ValidationError) as wrong:
        Settings(database=address.replace("postgresql", "mysql"))
    assert secret not in str(wrong.value)
    with closing(Database(address, master_key=tmp_path / "master.key")) as database:
        with pytest.raises(sa.exc.OperationalError) as unreached, database.read():
            pass
        assert secret not in str(unreached.value)
        assert secret not in repr(database.engine)
