"""Steps on PostgreSQL: made where the tables stand, with deposits in flight, the old program beside the new.

The newer program is a copy of this one with one more column and the step that makes it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from adapters.database import Database, migrations
from adapters.database.deposits import Deposits
from adapters.database.dialects.postgresql import DIALECT, described
from adapters.database.engine import create_tables
from adapters.database.migrations import NotMigrated, WrongSchema, renewing
from adapters.premises import database_of, spool_of
from adapters.serve import Gateway
from gateway.moments import Received, system_clock
from inbox.receive import Inbox, receive
from tests import postgres
from tests.databases import bare, on_a_server, without_triggers
from tests.durability.running import PATIENCE_SECONDS, environment
from tests.house import EMPLOYER, MEMBER, OTHER_EMPLOYER, House, Sender, entry, house, wage
from tests.storage.test_migrations import OLD, STEPS

HOME = Path(__file__).parents[2]
PACKAGES = ("adapters", "gateway", "inbox", "outbox", "signing", "xsd")
NEXT = "0002_0001"
NEXT_STEP = (
    "import sqlalchemy as sa\nfrom alembic import op\n\n"
    f"revision, down_revision = '{NEXT}', '0001_0001'\n\n\ndef upgrade():\n"
    "    text = sa.String().with_variant(sa.Text(collation='C'), 'postgresql')\n"
    "    op.add_column('employer', sa.Column('remark', text, nullable=False, server_default='none'))\n"
)


@pytest.fixture(scope="module", autouse=True)
def _server() -> Iterator[None]:
    with on_a_server():
        yield


def now() -> Received:
    return Received(system_clock())


def test_steps_and_models_agree(tmp_path: Path) -> None:
    addresses = [postgres.address(f"{tmp_path} {name}") for name in ("stepped", "created")]
    with (
        closing(Database(addresses[0], master_key=tmp_path / "key")) as stepped,
        closing(Database(addresses[1], master_key=tmp_path / "key")) as created,
    ):
        with created.engine.begin() as connection:
            create_tables(connection)
            wanted = described(connection)
        expected = stepped.dialect.expected_schema(stepped.engine)
        with stepped.engine.begin() as connection:
            assert migrations.run(connection) == [migrations.head()]
            renewing.renew(connection, expected, set())
            assert migrations.differences(connection) == []
            found = {item for item in described(connection) if item[2] != migrations.VERSION_TABLE}
        assert found == wanted


# A gateway of an older program, with deposits that are not treated yet


@pytest.fixture
def steps(tmp_path: Path) -> Path:
    folder = tmp_path / "steps"
    folder.mkdir()
    for name, text in STEPS.items():
        (folder / f"{name}.py").write_text(text)
    step = folder / "0001_0001.py"
    text = "sa.String().with_variant(sa.Text(collation='C'), 'postgresql')"
    more = "    op.alter_column('outage', 'reason', server_default=None)\n"
    step.write_text(step.read_text().replace("sa.String", text) + more)
    return folder


@pytest.fixture
def old(tmp_path: Path) -> tuple[House, Sender, list[str]]:
    with house(tmp_path) as home:
        home.employer(EMPLOYER)
        sender = home.sender(MEMBER, [EMPLOYER])
        assert home.send(sender, "DECAFF", [entry()]).verdict == "accepted"
    untreated = left_untreated(home, sender)
    with closing(database_of(home.settings)) as database:
        make_older(database)
    return home, sender, untreated


def left_untreated(home: House, sender: Sender) -> list[str]:
    """Deposits that were receipted just before a stop."""
    with closing(database_of(home.settings)) as database:
        deposits = Deposits(database, home.gateway.seal, lambda: None)
        inbox = Inbox(spool_of(home.settings, database).begin, deposits, system_clock)
        return [_left(inbox, home, sender, day) for day in ("02", "03")]


def _left(inbox: Inbox, home: House, sender: Sender, day: str) -> str:
    name, content = home.signed(sender, "DECSAL", [wage(FirstDay=day)])
    upload = inbox.begin()
    upload.write(0, content)
    return receive(inbox, upload, sender=str(sender.member), name=name, door="https").deposit


def make_older(database: Database) -> None:
    """The table of outages without reasons, as an older program made it; with a row in it."""
    table = sa.Table(
        "outage",
        sa.MetaData(),
        sa.Column("number", sa.BigInteger, primary_key=True),
        sa.Column("first", sa.Text(collation="C"), nullable=False),
        sa.Column("until", sa.Text(collation="C"), nullable=False),
    )
    with database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE outage DROP COLUMN reason")
        for statement in DIALECT._notes(table):
            if statement.startswith("CREATE FUNCTION"):
                connection.exec_driver_sql(statement.replace("CREATE", "CREATE OR REPLACE"))
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{OLD}'")
    with database.write() as connection:
        connection.execute(sa.insert(table).values(first="2026-01-01", until="2026-01-02"))


def test_an_upgrade_with_deposits_in_flight_treats_each_once_and_verifies(
    old: tuple[House, Sender, list[str]], steps: Path
) -> None:
    home, sender, untreated = old
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
        assert home.findings() == (), "the journal, every row, and all that guards them"
        with home.gateway.database.read() as connection:
            told = connection.exec_driver_sql("SELECT subject FROM journal WHERE event = 'migrated'").all()
            rows = connection.exec_driver_sql("SELECT first, reason FROM outage").all()
        assert [tuple(row) for row in told] == [("0001_0001",)]
        assert [tuple(row) for row in rows] == [("2026-01-01", "unknown")]
    finally:
        home.gateway.stop()


def test_a_row_that_was_changed_behind_our_back_is_not_made_good_by_a_step(
    old: tuple[House, Sender, list[str]], steps: Path
) -> None:
    home, *_ = old
    with closing(database_of(home.settings)) as database:
        with bare(database) as console, without_triggers(database, console):
            console.execute("UPDATE outage SET until = '2027-01-01'")
        with pytest.raises(NotMigrated, match="outage"):
            migrations.upgrade(database, now(), steps)
        assert migrations.revision_of(database) == OLD


def test_a_step_that_does_not_make_what_the_models_have_changes_nothing(
    old: tuple[House, Sender, list[str]], steps: Path
) -> None:
    home, *_ = old
    step = steps / "0001_0001.py"
    step.write_text(step.read_text().replace("'reason'", "'raison'"))
    with closing(database_of(home.settings)) as database:
        with pytest.raises(NotMigrated, match="outage"):
            migrations.upgrade(database, now(), steps)
        assert migrations.revision_of(database) == OLD
        names = {column["name"] for column in sa.inspect(database.engine).get_columns("outage")}
    assert names == {"number", "first", "until"}


# Old and new side by side


def newer_program(folder: Path, revision: str = NEXT) -> Path:
    """A copy of this program with one more column, and the step that makes it."""
    for package in PACKAGES:
        shutil.copytree(HOME / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    models = folder / "adapters" / "database" / "tables.py"
    text = models.read_text()
    employer = text.index("class Employer(SQLModel")
    place = text.index("\n\n\n", employer)
    column = '\n    remark: str = Field(default="none", sa_column_kwargs={"server_default": "none"})'
    models.write_text(text[:place] + column + text[place:])
    versions = folder / "adapters" / "database" / "migrations" / "versions"
    (versions / f"{revision}.py").write_text(NEXT_STEP.replace(NEXT, revision))
    return folder


def secugate(program: Path, home: House, command: str) -> subprocess.CompletedProcess[str]:
    """A command of a copy of the program, on the gateway's database."""
    given = environment() | {"SECUGATE_DATABASE": home.settings.database, "PYTHONPATH": str(program)}
    return subprocess.run(
        [sys.executable, "-m", "adapters.cli", command, "--data", str(home.settings.data)],
        cwd=program,
        env=given,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def test_old_and_new_work_side_by_side_where_a_step_only_adds(tmp_path: Path) -> None:
    program = newer_program(tmp_path / "newer")
    with house(tmp_path) as home:
        home.employer(EMPLOYER)
        sender = home.sender(MEMBER, [EMPLOYER])
        assert home.send(sender, "DECAFF", [entry()]).verdict == "accepted"
        assert "secugate migrate" in secugate(program, home, "verify").stderr
        in_flight = [
            home.receive(sender, *home.signed(sender, "DECSAL", [wage(FirstDay=f"{day:02}")])).deposit
            for day in range(1, 9)
        ]
        migrated = secugate(program, home, "migrate")
        assert (migrated.returncode, migrated.stdout) == (0, f"Migrated to {NEXT}.\n"), migrated.stderr
        # The old program goes on: what was in flight, what comes now, and rows of the very table.
        assert {home.outcome(sender, one).verdict for one in in_flight} == {"accepted"}
        assert home.send(sender, "DECSAL", [wage(FirstDay="09")]).verdict == "accepted"
        home.employer(OTHER_EMPLOYER, "Ltd")
        with home.gateway.database.write() as connection:
            connection.exec_driver_sql("UPDATE employer SET name = 'Renamed Ltd'")
        migrations.check(home.gateway.database)
        with home.gateway.database.read() as connection:
            rows = connection.exec_driver_sql("SELECT matricule, remark FROM employer ORDER BY 1").all()
        assert [tuple(row) for row in rows] == [(EMPLOYER, "none"), (OTHER_EMPLOYER, "none")]
    found = secugate(program, home, "verify")
    assert found.returncode == 0, found.stdout + found.stderr


def test_a_gateway_that_has_just_lost_its_lease_is_at_work_all_the_same(tmp_path: Path) -> None:
    versions = tmp_path / "versions"
    shutil.copytree(migrations.HERE / "versions", versions, ignore=shutil.ignore_patterns("__pycache__"))
    (versions / "0002_0002.py").write_text(NEXT_STEP.replace(NEXT, "0002_0002"))
    with house(tmp_path) as home, closing(database_of(home.settings)) as database:
        with database.write() as connection:
            taken = connection.exec_driver_sql(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory'"
                " AND pid <> pg_backend_pid() AND objsubid = 1 AND granted"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            ).scalar_one()
        assert taken
        with pytest.raises(NotMigrated, match="stop all first"):
            migrations.upgrade(database, now(), versions)


def test_a_step_that_the_old_program_cannot_go_on_after_waits_until_it_has_stopped(tmp_path: Path) -> None:
    program = newer_program(tmp_path / "newer", "0002_0002")
    with house(tmp_path) as home:
        refused = secugate(program, home, "migrate")
        assert (refused.returncode, "stop all first" in refused.stderr) == (1, True), refused.stderr
        migrations.check(home.gateway.database)
    assert secugate(program, home, "migrate").returncode == 0
    with closing(database_of(home.settings)) as database, pytest.raises(WrongSchema, match="the newer"):
        migrations.check(database)
