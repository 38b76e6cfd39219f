"""The first step, written from the models: `make baseline`, and only as long as nothing was released.

From then on the first step stays as it is, and what changes in the models is a step of its own.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.runtime.migration import MigrationContext
from sqlmodel import SQLModel

from adapters.database import tables
from adapters.database.migrations import HERE, include_object

FIRST = "0001_0001"
_TEXT = '''"""The first step: every table and index. Written by `make baseline`."""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = None


def upgrade() -> None:  # noqa: PLR0915 - a statement for each table and index
    {body}
'''


def write() -> str:
    """The module of the first step."""
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": include_object})
        found = produce_migrations(context, SQLModel.metadata)
    assert found.upgrade_ops is not None
    body = render_python_code(found.upgrade_ops).replace("sqlmodel.sql.sqltypes.AutoString()", "sa.String()")
    return _TEXT.format(revision=FIRST, body=body)


if __name__ == "__main__":
    assert tables.OURS
    (HERE / "versions" / f"{FIRST}.py").write_text(write())
