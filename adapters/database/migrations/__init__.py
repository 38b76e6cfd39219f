"""The form of the database, step by step (Alembic), and whether this program can run on it.

A revision is called `NNNN_MMMM`: step NNNN, on which every program from step MMMM on still runs. So a program
that does not know a newer step can tell whether it was only added to (old and new run side by side while one
is exchanged for the other), or whether it has to stop. See CONTRIBUTING for how a step is written.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Literal

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, MigrationStep
from alembic.script import ScriptDirectory
from sqlalchemy.sql.schema import SchemaItem
from sqlmodel import SQLModel

from adapters.database import tables
from adapters.database.engine import LEADER, Database
from adapters.database.journal import append
from adapters.database.migrations.respelling import NotMigrated, check_rows, respell, respelt
from gateway.moments import Received

__all__ = [
    "NotMigrated",
    "WrongSchema",
    "check",
    "differences",
    "head",
    "revision_of",
    "run",
    "stamp",
    "upgrade",
]

HERE = Path(__file__).parent
VERSION_TABLE = "alembic_version"
MIGRATED = "migrated"
LOOK_SECONDS, LOOK_AGAIN_SECONDS = 5.0, 0.25
"""For how long, and how often, a gateway is looked for: longer than one that has lost its lease takes to
notice and to take it again."""
"""The event of a step in the journal; its subject names the revision."""

_Kind = Literal["schema", "table", "column", "index", "unique_constraint", "foreign_key_constraint"]


class WrongSchema(Exception):
    """This program and the database do not go together; its text says what to do."""


def scripts(versions: Path = HERE / "versions") -> ScriptDirectory:
    """The steps in a folder."""
    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.set_main_option("version_locations", str(versions))
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config)


def head(versions: Path = HERE / "versions") -> str:
    """The newest step that this program knows."""
    found = scripts(versions).get_current_head()
    assert found is not None
    return found


def revision_of(database: Database) -> str:
    """The step at which a database is; empty for one that was never told."""
    with database.read() as connection:
        return _revision(connection) or ""


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    query = sa.text(f"SELECT version_num FROM {VERSION_TABLE}")  # noqa: S608 - our own name
    found: str | None = connection.execute(query).scalar()
    return found


def stamp(database: Database) -> None:
    """Note that a database that was just created is at the newest step."""
    with database.write() as connection:
        MigrationContext.configure(connection).stamp(scripts(), "head")


def check(database: Database, newest: str | None = None) -> None:
    """Whether this program runs on a database.

    Raises:
        WrongSchema: it is older than the program needs, or newer than it knows.
    """
    found, known = revision_of(database), newest or head()
    if found == known:
        return
    step, runs_from = _numbers(found)
    ours, _ = _numbers(known)
    if step < ours:
        raise WrongSchema(
            f"the database is at step {found or 'none'}, and this program needs {known}; back it up, then:"
            " secugate migrate"
        )
    if ours < runs_from:
        raise WrongSchema(
            f"the database is at step {found}, which this program ({known}) does not know; use the newer"
        )


def _numbers(revision: str) -> tuple[int, int]:
    step, _, runs_from = revision.partition("_")
    return (int(step), int(runs_from)) if runs_from else (-1, -1)


def upgrade(database: Database, now: Received, versions: Path = HERE / "versions") -> list[str]:
    """Make the steps that a database lacks, all in one transaction, each with its journal entry.

    Args:
        database: of a gateway that does not run, or on a server that gateways work on.
        now: the moment.
        versions: the folder of steps.

    Returns:
        The steps that were made.

    Raises:
        NotMigrated: a step could not be made; nothing was changed.
        WrongSchema: the database is newer than this program.
    """
    found, newest = _numbers(revision_of(database)), _numbers(head(versions))
    if found[0] >= newest[0]:
        check(database, head(versions))
        return []
    if database.is_shared:
        return _upgrade_server(database, now, versions, together=newest[1] <= found[0])
    with _alone(database) as connection:
        check_rows(connection, respelt(connection))
        steps = run(connection, versions)
        if steps:
            respell(connection)
            _check_references(connection)
        _tell(connection, steps, now)
    return steps


def _upgrade_server(database: Database, now: Received, versions: Path, *, together: bool) -> list[str]:
    """On a server, where gateways may be at work meanwhile if the steps let them go on.

    Args:
        together: whether the program that the database was for runs on its new form as well.
    """
    if not together and _is_at_work(database):
        raise NotMigrated("a gateway is at work that cannot go on after these steps; stop all first")
    renewing = import_module("adapters.database.migrations.renewing")
    expected = database.dialect.expected_schema(database.engine)
    try:
        with database.write() as connection:
            names = renewing.altered(connection, expected)
            renewing.check_rows(connection, names)
            steps = run(connection, versions)
            renewing.renew(connection, expected, names)
            _tell(connection, steps, now)
    except sa.exc.OperationalError as error:  # somebody has read for too long, or the server is away
        raise NotMigrated(f"the server did not let us ({type(error.orig).__name__}); try again") from None
    return steps


def _is_at_work(database: Database) -> bool:
    """Whether a gateway has the lease of the one that leads, or takes it within a while: one whose machine
    has too much to do loses it for a moment, and one that has died leaves it to others."""
    until = time.monotonic() + LOOK_SECONDS
    while (lease := database.lease(LEADER)) is not None:
        lease.close()
        if time.monotonic() >= until:
            return False
        time.sleep(LOOK_AGAIN_SECONDS)
    return True


def _tell(connection: sa.Connection, steps: Sequence[str], now: Received) -> None:
    for step in steps:
        append(connection, at=now, event=MIGRATED, subject=step)


def run(connection: sa.Connection, versions: Path = HERE / "versions") -> list[str]:
    """Make the steps that are lacking, and nothing else; which they were."""
    steps: list[str] = []
    directory = scripts(versions)

    def todo(revision: str, _context: MigrationContext) -> Sequence[MigrationStep]:
        made = directory._upgrade_revs("head", revision)
        steps.extend(step.to_revisions[0] for step in made)
        return made

    with EnvironmentContext(Config(), directory, fn=todo) as environment:
        environment.configure(connection=connection, transactional_ddl=True)
        environment.run_migrations()
    return steps


@contextmanager
def _alone(database: Database) -> Iterator[sa.Connection]:
    """A writing transaction in which tables are made anew: what refers to them is looked at in its end."""
    with database.engine.connect() as connection:
        raw = connection.connection.dbapi_connection
        assert raw is not None
        raw.cursor().execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                yield connection
        finally:
            raw.cursor().execute("PRAGMA foreign_keys=ON")


def _check_references(connection: sa.Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise NotMigrated(f"a row of {broken[0]} would refer to none of {broken[2]}")


def differences(connection: sa.Connection) -> list[object]:
    """How the tables of a database differ from our models; those of the durable engine do not count."""
    context = MigrationContext.configure(connection, opts={"include_object": include_object})
    return list(compare_metadata(context, SQLModel.metadata))


def include_object(
    item: SchemaItem, name: str | None, kind: _Kind, _reflected: bool, _compared: SchemaItem | None
) -> bool:
    """Whether something is ours: what is not is never compared, hence never dropped."""
    table = name if kind == "table" else getattr(getattr(item, "table", None), "name", None)
    return table in _OURS


_OURS = frozenset(table.name for table in tables.OURS)
