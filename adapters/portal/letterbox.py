"""The letterbox of a member at the portal: its answers, of a month, and those that nobody has collected."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from adapters.database import Database, tables
from adapters.database.answers import listed_of
from gateway.batch import MemberId
from gateway.moments import LUXEMBOURG, Period, Received
from gateway.returns import ackrec
from outbox.collect import Listed

answer = tables.table(tables.Answer)
deposit = tables.table(tables.Deposit)
_SHOWN = tuple(column for column in answer.columns if column.name != "content")
_UNREAD = sa.text(f"answer.{tables.ANSWER_UNREAD}")


@dataclass(frozen=True, slots=True)
class Unread:
    """What a list of answers is asked for.

    Attributes:
        period: month in which they were posted.
        only_unread: those alone that were never collected.
        before: cursor of the last one on the page before; 0 for the first page.
    """

    period: Period
    only_unread: bool
    before: int


@dataclass(frozen=True, slots=True)
class Answers:
    """A page of answers.

    Attributes:
        unread: how many were never collected, of all months; receipts left out.
        more: cursor of the next page; None on the last one.
    """

    rows: tuple[Listed, ...]
    unread: int
    more: int | None


class Letterbox:
    """Reads the shelf of a member."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def listed(self, member: MemberId, asked: Unread, limit: int) -> Answers:
        """Answers of a member, the latest first; receipts left out, which are given at once."""
        mine = [answer.c.recipient == str(member), answer.c.kind != ackrec.CODE]
        first, after = asked.period, asked.period.plus(1)
        wanted: list[sa.ColumnElement[bool]] = [
            *mine,
            answer.c.posted >= _begin(first),
            answer.c.posted < _begin(after),
        ]
        if asked.only_unread:
            wanted.append(answer.c.collected.is_(None))
        if asked.before:
            wanted.append(answer.c.number < asked.before)
        query = sa.select(*_SHOWN).where(*wanted).order_by(answer.c.number.desc()).limit(limit + 1)
        count = sa.select(sa.func.count()).select_from(answer).where(*mine, _UNREAD)
        with self._database.read() as connection:
            rows = [listed_of(row) for row in connection.execute(query)]
            unread = int(connection.execute(count).scalar_one())
        more = rows[limit - 1].cursor if len(rows) > limit else None
        return Answers(tuple(rows[:limit]), unread, more)

    def own(self, member: MemberId, identifiers: Collection[str]) -> Sequence[str]:
        """Which of some deposits are the member's own, in the order of receipt."""
        query = sa.select(deposit.c.id).where(
            deposit.c.sender == str(member), deposit.c.id.in_(list(identifiers))
        )
        with self._database.read() as connection:
            return list(connection.execute(query.order_by(deposit.c.number)).scalars())


def _begin(period: Period) -> str:
    """The first moment of a month in Luxembourg."""
    return str(Received(datetime(period.year, period.month, 1, tzinfo=LUXEMBOURG)))
