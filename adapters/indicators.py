"""The indicators that a gateway publishes of itself, computed from its register and from nothing else.

They are about the gateway and never about a sender: figures in which fewer than `FEWEST` members stand
are left out (IDEA-12, T-07).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from adapters.database import tables
from adapters.database.circumstances import outages
from adapters.database.staff import Kind
from adapters.database.statistics import PROMPT, is_decided
from gateway.moments import LUXEMBOURG, Received
from gateway.outcome import Verdict
from gateway.rejections import known_or_gone
from gateway.returns import acktrt
from gateway.waits import quantile

act = tables.table(tables.StaffAct)
answer = tables.table(tables.Answer)
count = tables.table(tables.AnomalyCount)
deposit = tables.table(tables.Deposit)

DAYS = 30
"""How many days they are about, the present one left out."""
FEWEST = 3
"""Members behind a figure that is broken down; of fewer, somebody could read one's figures from it."""
TOP = 10
"""Anomalies that are named."""
REPLAY = "replay"
"""The command with which a person has a deposit treated again."""

_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Stage:
    """How long one part of the way took.

    Attributes:
        name: `acknowledged`: from receipt to acknowledgement; `decided`: from receipt to the last decision
            on records that were on hold; `collected`: from acknowledgement to when it was first fetched.
        many: deposits that have come through it.
        median, p95, p99, longest: None where there are none.
    """

    name: str
    many: int
    median: timedelta | None
    p95: timedelta | None
    p99: timedelta | None
    longest: timedelta | None


@dataclass(frozen=True, slots=True)
class Frequent:
    """A code that was given often: to how many records, and to what share of all, in per cent."""

    code: str
    titles: Mapping[str, str]
    records: int
    share: Decimal


@dataclass(frozen=True, slots=True)
class Indicators:
    """How a gateway did over some days.

    Attributes:
        first, last: days of receipt on the Luxembourg calendar, inclusive.
        made: when they were computed.
        available: share of the time outside declared outages, in per cent with two decimals.
        outages: how many were declared that touch these days.
        deposits: received.
        answered: of these.
        verdicts: how many ended so, by verdict.
        records, accepted, rejected, held: of all that were answered.
        prompt: acknowledged within two seconds, in per cent of those answered; None where none were.
        untouched: answered without any act of our staff, likewise.
        stages: of the way.
        anomalies: the most frequent ones.
        doors: deposits by door.
    """

    first: date
    last: date
    made: Received
    available: Decimal
    outages: int
    deposits: int
    answered: int
    verdicts: Mapping[str, int]
    records: int
    accepted: int
    rejected: int
    held: int
    prompt: Decimal | None
    untouched: Decimal | None
    stages: tuple[Stage, ...]
    anomalies: tuple[Frequent, ...]
    doors: Mapping[str, int]


def indicators(connection: sa.Connection, now: Received, days: int = DAYS) -> Indicators:
    """The indicators of the days before today.

    Args:
        connection: to read from.
        now: the moment of the question.
        days: how many.
    """
    last = now.day - timedelta(days=1)
    first = last - timedelta(days=days - 1)
    begun, over = _midnight(first), _midnight(last + timedelta(days=1))
    mine = sa.and_(deposit.c.received >= str(begun), deposit.c.received < str(over))
    totals = _totals(connection, mine)
    waits = _waits(connection, mine)
    touched = _touched(connection, mine)
    out, lost = _outages(connection, begun, over)
    return Indicators(
        first=first,
        last=last,
        made=now,
        available=_share((over.at - begun.at - lost) // _MILLISECOND, (over.at - begun.at) // _MILLISECOND),
        outages=out,
        deposits=totals.deposits,
        answered=totals.answered,
        verdicts={verdict.value: getattr(totals, verdict.value) for verdict in Verdict},
        records=totals.records or 0,
        accepted=totals.accepted_records or 0,
        rejected=totals.rejected_records or 0,
        held=totals.held_records or 0,
        prompt=_share_if_any(sum(one <= PROMPT for one in waits["acknowledged"]), len(waits["acknowledged"])),
        untouched=_share_if_any(totals.answered - touched, totals.answered),
        stages=tuple(_stage(name, times) for name, times in waits.items()),
        anomalies=tuple(_frequent(connection, mine, totals.records or 0)),
        doors=_doors(connection, mine),
    )


def _midnight(day: date) -> Received:
    return Received(datetime.combine(day, time(), LUXEMBOURG))


def _share(part: int, whole: int) -> Decimal:
    """In per cent, with two decimals, rounded down: a figure about ourselves is never made better."""
    return Decimal(part * 10_000 // whole).scaleb(-2)


def _share_if_any(part: int, whole: int) -> Decimal | None:
    """As `_share`; None of nothing."""
    return _share(part, whole) if whole else None


def _totals(connection: sa.Connection, mine: sa.ColumnElement[bool]) -> sa.Row[Any]:
    def of(verdict: Verdict) -> sa.ColumnElement[int]:
        return sa.func.count().filter(deposit.c.verdict == verdict.value).label(verdict.value)

    columns: tuple[sa.ColumnElement[Any], ...] = (
        sa.func.count().label("deposits"),
        sa.func.count(deposit.c.verdict).label("answered"),
        *map(of, Verdict),
        sa.func.sum(deposit.c.records).label("records"),
        sa.func.sum(deposit.c.accepted).label("accepted_records"),
        sa.func.sum(deposit.c.rejected).label("rejected_records"),
        sa.func.sum(deposit.c.held).label("held_records"),
    )
    return connection.execute(sa.select(*columns).where(mine)).one()


def _waits(connection: sa.Connection, mine: sa.ColumnElement[bool]) -> Mapping[str, list[timedelta]]:
    """By stage, how long each deposit took that has come through it."""
    found: dict[str, list[timedelta]] = {"acknowledged": [], "decided": [], "collected": []}
    query = (
        sa.select(deposit.c.received, deposit.c.state, deposit.c.changed, answer.c.posted, answer.c.collected)
        .join(answer, answer.c.deposit == deposit.c.id)
        .where(mine, answer.c.kind == acktrt.CODE)
    )
    for row in connection.execute(query):
        received, posted = Received.parse(row.received).at, Received.parse(row.posted).at
        found["acknowledged"].append(posted - received)
        if is_decided(row.state, row.changed, row.posted):
            found["decided"].append(Received.parse(row.changed).at - received)
        if row.collected is not None:
            found["collected"].append(Received.parse(row.collected).at - posted)
    return found


def _stage(name: str, times: Sequence[timedelta]) -> Stage:
    found = (quantile(times, hundredths) for hundredths in (50, 95, 99, 100))
    return Stage(name, len(times), *found)


def _touched(connection: sa.Connection, mine: sa.ColumnElement[bool]) -> int:
    """Answered deposits that somebody of the staff had to set going again."""
    done = (Kind.GIVEN.value, Kind.APPROVED.value)
    arguments = connection.execute(
        sa.select(act.c.arguments).where(act.c.command == REPLAY, act.c.kind.in_(done))
    ).scalars()
    named = " ".join(arguments)
    if not named:
        return 0
    query = sa.select(deposit.c.id).where(mine, deposit.c.verdict.is_not(None))
    return sum(identifier in named for identifier in connection.execute(query).scalars())


def _outages(connection: sa.Connection, begun: Received, over: Received) -> tuple[int, timedelta]:
    """How many outages touch a time, and for how long together; they never overlap."""
    shared = [
        min(one.until.at, over.at) - max(one.first.at, begun.at)
        for one in outages(connection)
        if one.first < over and begun < one.until
    ]
    return len(shared), sum(shared, timedelta())


def _frequent(connection: sa.Connection, mine: sa.ColumnElement[bool], records: int) -> Iterator[Frequent]:
    many = sa.func.sum(count.c.records).label("records")
    query = (
        sa.select(count.c.code, many)
        .join(deposit, deposit.c.number == count.c.deposit)
        .where(mine)
        .group_by(count.c.code)
        .having(sa.func.count(deposit.c.sender.distinct()) >= FEWEST)
        .order_by(many.desc(), count.c.code)
        .limit(TOP)
    )
    for row in connection.execute(query):
        yield Frequent(row.code, known_or_gone(row.code).titles, row.records, _share(row.records, records))


def _doors(connection: sa.Connection, mine: sa.ColumnElement[bool]) -> Mapping[str, int]:
    query = (
        sa.select(deposit.c.door, sa.func.count())
        .where(mine)
        .group_by(deposit.c.door)
        .having(sa.func.count(deposit.c.sender.distinct()) >= FEWEST)
        .order_by(deposit.c.door)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def document(found: Indicators) -> dict[str, object]:
    """Indicators as one JSON object; shares in per cent and times in seconds, as decimal texts."""
    return {
        "from": found.first.isoformat(),
        "until": found.last.isoformat(),
        "made": str(found.made),
        "available": str(found.available),
        "declared_outages": found.outages,
        "deposits": found.deposits,
        "answered": found.answered,
        "verdicts": dict(found.verdicts),
        "records": {
            "read": found.records,
            "accepted": found.accepted,
            "rejected": found.rejected,
            "on_hold": found.held,
        },
        "within_2_s": _text(found.prompt),
        "without_human_step": _text(found.untouched),
        "stages": {one.name: _told(one) for one in found.stages},
        "anomalies": [
            {
                "code": one.code,
                "titles": dict(one.titles),
                "records": one.records,
                "share": str(one.share),
            }
            for one in found.anomalies
        ],
        "doors": dict(found.doors),
    }


def _text(share: Decimal | None) -> str | None:
    return None if share is None else str(share)


def _told(one: Stage) -> dict[str, object]:
    return {
        "deposits": one.many,
        "median": seconds(one.median),
        "p95": seconds(one.p95),
        "p99": seconds(one.p99),
        "longest": seconds(one.longest),
    }


def seconds(one: timedelta | None) -> str | None:
    """A time in seconds, with three decimals."""
    return None if one is None else str(Decimal(one // _MILLISECOND).scaleb(-3))
