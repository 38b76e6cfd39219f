"""The form of the database: steps and models agree, an upgrade loses nothing, and nobody runs on a wrong
form.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlmodel import SQLModel
from typer.testing import CliRunner

from adapters.cli import app
from adapters.database import Database, migrations, tables
from adapters.database.dialects.sqlite import Sqlite
from adapters.database.engine import create_tables
from adapters.database.migrations import NotMigrated, WrongSchema, respelling
from adapters.premises import Premises, database_of
from adapters.serve import Gateway
from adapters.settings import Settings
from gateway.moments import Received, system_clock
from tests.durability.test_start import left_untreated
from tests.house import EMPLOYER, MEMBER, House, Sender, entry, house, wage

OLD = "0000_0000"
pytestmark = pytest.mark.embedded
STEPS = {
    OLD: "revision, down_revision = '0000_0000', None\n\n\ndef upgrade():\n    pass\n",
    "0001_0001": (
        "import sqlalchemy as sa\nfrom alembic import op\n\n"
        "revision, down_revision = '0001_0001', '0000_0000'\n\n\ndef upgrade():\n"
        "    reason = sa.Column('reason', sa.String, nullable=False, server_default='unknown')\n"
        "    op.add_column('outage', reason)\n"
    ),
}


def now() -> Received:
    return Received(system_clock())


def letters(engine: sa.Engine) -> set[tuple[object, ...]]:
    with engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT type, name, tbl_name, sql FROM sqlite_master")
        return {tuple(row) for row in found if not row.name.startswith(("sqlite_", "alembic_version"))}


def test_steps_and_models_agree(tmp_path: Path) -> None:
    """Whoever changes a model writes a step; as long as nothing was released: `make baseline`."""
    stepped, created = Database(tmp_path / "stepped.sqlite"), sa.create_engine("sqlite://")
    stepped.master.make()
    with created.begin() as connection:
        create_tables(connection)
    with closing(stepped):
        with stepped.engine.begin() as connection:
            assert migrations.run(connection) == [migrations.head()]
            # What SQLAlchemy cannot read back of SQLite is made by what follows the steps.
            assert migrations.differences(connection) == []
            found = {item.table for item in respelling.items(connection) if item.type == "table"}
            assert {table.name for table in tables.OURS} <= found
            respelling.respell(connection)
        assert letters(stepped.engine) == letters(created)
        assert migrations.revision_of(stepped) == migrations.head()


def test_control_a_model_without_its_step_is_found(tmp_path: Path) -> None:
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        create_tables(connection)
        for trigger in ("entered", "changed", "removed", "moved"):
            connection.exec_driver_sql(f"DROP TRIGGER outage_{trigger}")
        connection.exec_driver_sql("ALTER TABLE outage DROP COLUMN reason")
        connection.exec_driver_sql("DROP INDEX answer_shelf")
        found = str(migrations.differences(connection))
    assert "add_column" in found and "'reason'" in found
    assert "answer_shelf" in found


def test_the_tables_of_the_durable_engine_are_never_dropped(tmp_path: Path) -> None:
    with house(tmp_path) as home, home.gateway.database.engine.connect() as connection:
        assert migrations.differences(connection) == []
        careless = compare_metadata(MigrationContext.configure(connection), SQLModel.metadata)
        dropped = {operation[1].name for operation in careless if operation[0] == "remove_table"}
        assert "workflow_status" in dropped, "the control: without the filter they would be"


# An upgrade


@pytest.fixture
def steps(tmp_path: Path) -> Path:
    folder = tmp_path / "steps"
    folder.mkdir()
    for name, text in STEPS.items():
        (folder / f"{name}.py").write_text(text)
    return folder


@pytest.fixture
def old(tmp_path: Path) -> Iterator[tuple[House, Sender, list[str]]]:
    """A gateway at rest in the form of an older program, with deposits that are not treated yet."""
    with house(tmp_path) as home:
        home.employer(EMPLOYER)
        sender = home.sender(MEMBER, [EMPLOYER])
        assert home.send(sender, "DECAFF", [entry()]).verdict == "accepted"
    untreated = left_untreated(home, sender, ("DECSAL", wage(FirstDay="02")), ("DECSAL", wage(FirstDay="03")))
    with closing(database_of(home.settings)) as database:
        make_older(database)
    yield home, sender, untreated


def make_older(database: Database) -> None:
    """The table of outages without reasons, as if it had been made so; with a row in it."""
    table = sa.Table(
        "outage",
        sa.MetaData(),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("first", sa.String, nullable=False),
        sa.Column("until", sa.String, nullable=False),
    )
    with database.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE outage")
        table.create(connection)
        for trigger in Sqlite()._notes(table):
            connection.exec_driver_sql(trigger)
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{OLD}'")
    with database.write() as connection:
        connection.execute(sa.insert(table).values(first="2026-01-01", until="2026-01-02"))


def test_an_upgrade_with_deposits_in_flight_treats_each_once_and_verifies(
    old: tuple[House, Sender, list[str]], steps: Path
) -> None:
    home, sender, untreated = old
    refused = CliRunner().invoke(app, ["statistics", "--data", str(home.settings.data)])
    assert (refused.exit_code, "secugate migrate" in refused.output) == (1, True)
    with closing(database_of(home.settings)) as database:
        with pytest.raises(WrongSchema, match="secugate migrate"):
            migrations.check(database)
        assert migrations.upgrade(database, now(), steps) == ["0001_0001"]
        assert migrations.upgrade(database, now(), steps) == []
        migrations.check(database, "0001_0001")
    home.gateway = Gateway(home.settings)
    home.doors = home.gateway.start()
    try:
        assert [home.outcome(sender, one).verdict for one in untreated] == ["accepted"] * 2
        assert home.findings() == (), "the journal, every row and every letter of the tables"
        with home.gateway.database.read() as connection:
            told = connection.exec_driver_sql("SELECT subject FROM journal WHERE event = 'migrated'").all()
            rows = connection.exec_driver_sql("SELECT first, reason FROM outage").all()
            treated = connection.exec_driver_sql(
                "SELECT count(*), count(DISTINCT subject) FROM journal WHERE event = 'treated'"
            ).one()
        assert [tuple(row) for row in told] == [("0001_0001",)]
        assert [tuple(row) for row in rows] == [("2026-01-01", "unknown")]
        assert tuple(treated) == (3, 3)
    finally:
        home.gateway.stop()


def test_a_row_that_was_changed_behind_our_back_is_not_made_good_by_a_step(
    old: tuple[House, Sender, list[str]], steps: Path
) -> None:
    home, *_ = old
    with closing(sqlite3.connect(Premises(home.settings.data).database)) as console, console:
        console.execute("DROP TRIGGER outage_changed")
        console.execute("UPDATE outage SET until = '2027-01-01'")
    with closing(database_of(home.settings)) as database:
        with pytest.raises(NotMigrated, match="outage"):
            migrations.upgrade(database, now(), steps)
        assert migrations.revision_of(database) == OLD


def test_a_step_that_forgets_a_column_changes_nothing(
    old: tuple[House, Sender, list[str]], steps: Path
) -> None:
    home, *_ = old
    (steps / "0001_0001.py").write_text(STEPS["0001_0001"].replace("'reason'", "'raison'"))
    with closing(database_of(home.settings)) as database:
        with pytest.raises(NotMigrated, match="reason"):
            migrations.upgrade(database, now(), steps)
        assert migrations.revision_of(database) == OLD
        with database.read() as connection:
            names = {row.name for row in connection.exec_driver_sql("PRAGMA table_info(outage)")}
    assert names == {"number", "first", "until"}


@pytest.mark.parametrize(
    ("found", "ours", "runs"),
    [
        ("0003_0001", "0003_0001", True),
        ("0004_0002", "0003_0001", True),
        ("0004_0003", "0003_0001", True),
        ("0004_0004", "0003_0001", False),
        ("0002_0001", "0003_0001", False),
        ("", "0001_0001", False),
    ],
)
def test_a_program_runs_on_a_newer_form_only_where_that_form_says_so(
    tmp_path: Path, found: str, ours: str, runs: bool
) -> None:
    """Old and new side by side: a step that only adds names the oldest program that may go on."""
    file = tmp_path / "secugate.sqlite"
    with closing(sqlite3.connect(file)) as console, console:
        console.execute("CREATE TABLE alembic_version (version_num TEXT)")
        console.execute("INSERT INTO alembic_version VALUES (?)", (found,))
    with closing(Database(file)) as database:
        if runs:
            migrations.check(database, ours)
        else:
            with pytest.raises(WrongSchema):
                migrations.check(database, ours)


def test_a_new_gateway_needs_no_step(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["init", "--data", str(tmp_path / "new")])
    assert done.exit_code == 0, done.output
    with closing(database_of(Settings(data=tmp_path / "new"))) as database:
        migrations.check(database)
    again = CliRunner().invoke(app, ["migrate", "--data", str(tmp_path / "new")])
    assert (again.exit_code, "the form that this program needs" in again.output) == (0, True)
