"""Retention: what has been kept for its term goes, documents by erasure and rows by deletion.

Nothing that its recipient never collected goes, however old, and nothing that is not treated: it is told as
kept back. Of the rows that are deleted the change log forgets the keys and nonces, so that nobody can try
out what stood in them; its digests stay, and the journal with them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import SQLModel

from adapters.database import Database, dialects, tables
from adapters.database.journal import append
from adapters.erasure import clear_log, erase, hindrance_of
from gateway.batch import MemberId
from gateway.moments import Period, Received
from gateway.retention import Terms

answer = tables.table(tables.Answer)
data_key = tables.table(tables.DataKey)
deposit = tables.table(tables.Deposit)

DELETED = "rows deleted"
REASON = "retention"


@dataclass(frozen=True, slots=True)
class DueMonth:
    """Documents of a member and month whose term has passed.

    Attributes:
        hindrance: why they are kept nevertheless; none when they go.
    """

    member: str
    month: Period
    hindrance: str | None


@dataclass(frozen=True, slots=True)
class DueRows:
    """Rows of a register whose term has passed."""

    table: str
    before: Period
    rows: int


def due_documents(connection: sa.Connection, terms: Terms, now: Received) -> Iterator[DueMonth]:
    """The months of members that have been kept for their term, oldest first."""
    query = sa.select(data_key.c.member, data_key.c.month).where(data_key.c.destroyed.is_(None))
    for row in connection.execute(query.order_by(data_key.c.month, data_key.c.member)).all():
        month = Period.parse(row.month)
        term = terms.of_documents(_codes(connection, row.member, row.month))
        if term.is_over(month, Period.of(now)):
            yield DueMonth(row.member, month, hindrance_of(connection, row.member, row.month))


def _codes(connection: sa.Connection, member: str, month: str) -> set[str]:
    """What kinds of documents a key opens."""
    sent = sa.select(deposit.c.procedure).where(
        deposit.c.sender == member, deposit.c.received.startswith(month)
    )
    posted = sa.select(answer.c.kind).where(answer.c.recipient == member, answer.c.posted.startswith(month))
    return {code or "" for query in (sent, posted) for code in connection.execute(query.distinct()).scalars()}


def due_rows(connection: sa.Connection, terms: Terms, now: Received) -> Iterator[DueRows]:
    """The rows of registers that have been kept for their term."""
    for name, term in terms.registers.items():
        before = Period.of(now).plus(-term.months)
        counted = sa.select(sa.func.count()).where(_is_before(name, term.counted_from, before))
        count = connection.execute(counted).scalar_one()
        if count:
            yield DueRows(name, before, count)


def apply(database: Database, terms: Terms, now: Received) -> tuple[list[DueMonth], list[DueRows]]:
    """Erase and delete what is due; what was due, with what was kept back.

    Raises:
        StillInLog: done, but to be called again.
    """
    with database.read() as connection:
        months = list(due_documents(connection, terms, now))
    for one in months:
        if one.hindrance is None:
            erase(database, MemberId(one.member[:13], one.member[13:]), one.month, REASON, now)
    with database.write() as connection:
        rows = list(due_rows(connection, terms, now))
        for each in rows:
            _delete(connection, each, terms.registers[each.table].counted_from, now)
    clear_log(database)
    return months, rows


def _delete(connection: sa.Connection, due: DueRows, column: str, now: Received) -> None:
    table, is_due = SQLModel.metadata.tables[due.table], _is_before(due.table, column, due.before)
    key = sa.text(dialects.of(connection).key_of(table))
    query = sa.select(key).select_from(table).where(is_due)
    keys = list(connection.execute(query).scalars())
    connection.execute(sa.delete(table).where(is_due))
    for key in keys:
        connection.exec_driver_sql(_FORGET, (due.table, key))
    subject = f"{due.table} {due.rows} before {due.before}"
    append(connection, at=now, event=DELETED, subject=subject)


def _is_before(table: str, column: str, month: Period) -> sa.ColumnElement[bool]:
    return SQLModel.metadata.tables[table].c[column] < str(month)


_FORGET = 'UPDATE "change" SET key = NULL, nonce = NULL WHERE "table" = ? AND key = ?'
