"""Answers and how far they have come: what stays unread is told to the operator (the return guarantee)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
import structlog

from adapters.database import Database, tables
from gateway.moments import Period, Received
from gateway.parameters import law
from gateway.returns import ackrec
from outbox.states import State

log = structlog.get_logger()

answer = tables.table(tables.Answer)
_TOLD: tuple[sa.Column[Any], ...] = (
    answer.c.id,
    answer.c.recipient,
    answer.c.kind,
    answer.c.name,
    answer.c.posted,
    answer.c.collected,
    answer.c.acknowledged,
)
# Spelt out, so that the partial index is used.
_UNREAD = sa.text(tables.ANSWER_UNREAD)


@dataclass(frozen=True, slots=True)
class Told:
    """How far an answer has come."""

    id: str
    member: str
    kind: str
    name: str
    posted: str
    state: State


def unread_after(now: Received) -> int:
    """Days after which an answer that nobody has fetched counts as unread."""
    period = Period(now.day.year, now.day.month)
    return int(law().number("service.unread_after_days", period).value)


def unread(database: Database, now: Received, days: int) -> Sequence[Told]:
    """What was posted longer ago than some days and never fetched, oldest first.

    Receipts are left out: at HTTPS they are given at once.
    """
    before = str(Received(now.at - timedelta(days=days)))
    old = sa.and_(_UNREAD, answer.c.posted < before, answer.c.kind != ackrec.CODE)
    return _told(database, sa.select(*_TOLD).where(old).order_by(answer.c.posted))


def posted_to(database: Database, member: str) -> Sequence[Told]:
    """Everything that was posted to a member, oldest first."""
    query = sa.select(*_TOLD).where(answer.c.recipient == member).order_by(answer.c.number)
    return _told(database, query)


def warn(database: Database, now: Received) -> None:
    """Name in the log each member for whom something lies unread, with how much and the oldest of it."""
    found = unread(database, now, unread_after(now))
    many = Counter(one.member for one in found)
    oldest = {one.member: one.id for one in reversed(found)}
    for member, answers in sorted(many.items()):
        log.warning("answers.unread", member=member, answers=answers, oldest=oldest[member])


def _told(database: Database, query: sa.Select[Any]) -> list[Told]:
    with database.read() as connection:
        rows = connection.execute(query).all()
    return [Told(row.id, row.recipient, row.kind, row.name, row.posted, _state(row)) for row in rows]


def _state(row: sa.Row[Any]) -> State:
    if row.acknowledged is not None:
        return State.ACKNOWLEDGED
    return State.AVAILABLE if row.collected is None else State.FETCHED
