"""How often each code was given, and to whose software; and how soon deposits were answered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from adapters.database import tables
from adapters.database.deposits import Kept
from adapters.database.registers.keys import many
from gateway import names
from gateway.batch import Anomaly, Header
from gateway.moments import LUXEMBOURG, Received
from gateway.procedures import PAYROLL, PROCEDURES
from gateway.returns import acktrt
from gateway.states import State

answer = tables.table(tables.Answer)
deposit = tables.table(tables.Deposit)
count = tables.table(tables.AnomalyCount)

_NOTE = sa.update(deposit).where(deposit.c.number == sa.bindparam("of"))
_ADD = (
    "INSERT INTO anomaly_count (deposit, code, records) VALUES (?, ?, ?)"
    " ON CONFLICT (deposit, code) DO UPDATE SET records = anomaly_count.records + excluded.records"
)

PROMPT = timedelta(seconds=2)
"""Within which a deposit should be answered."""

_CODES = frozenset({PAYROLL, *(one.code for one in PROCEDURES)})


def note(connection: sa.Connection, one: Kept, header: Header | None) -> None:
    """Note which software made a deposit, and for which procedure.

    Args:
        connection: in the transaction of the answer.
        one: the deposit.
        header: of its batch; None when the file was refused, whose header nobody vouches for.
    """
    procedure = _named(one.deposit.name) if header is None else header.procedure
    software = None if header is None else header.software
    connection.execute(_NOTE, {"of": one.number, "procedure": procedure, "software": software})


def _named(name: str) -> str | None:
    """The procedure of which the name of a refused file speaks, if it does."""
    try:
        found = names.parse(name).type
    except ValueError:
        return None
    return found if found in _CODES else None


def add(connection: sa.Connection, number: int, anomalies: Iterable[Anomaly]) -> None:
    """Count codes of a deposit, beside those it was given before.

    A record counts once for each of its codes; a fault of the file as a whole is one of no record.

    Args:
        connection: in the transaction of the answer.
        number: of the deposit.
        anomalies: of the file, or of records that are numbered together: of one part, in a PAYROLL.
    """
    records: dict[str, set[int]] = {}
    for anomaly in anomalies:
        records.setdefault(anomaly.code, set()).update([] if anomaly.record is None else [anomaly.record])
    many(connection, _ADD, ((number, code, len(found)) for code, found in records.items()))


@dataclass(slots=True)
class Given:
    """How often a code was given.

    Attributes:
        records: to how many records; 0 for a code about files.
        deposits: to how many deposits.
    """

    records: int = 0
    deposits: int = 0


@dataclass(slots=True)
class Times:
    """How long senders waited, by the moments that receipts and answers state.

    Attributes:
        answers: for each deposit answered, from its receipt to its acknowledgement. That states when its
            transaction began, which is on the disk a little later.
        decisions: for each deposit with records on hold that have all been decided since, from its receipt
            to the last of these decisions.
        waiting: for each deposit with records still on hold, from its receipt until now.
    """

    answers: list[timedelta] = field(default_factory=list)
    decisions: list[timedelta] = field(default_factory=list)
    waiting: list[timedelta] = field(default_factory=list)

    @property
    def prompt(self) -> Decimal:
        """Deposits answered within `PROMPT`, in per cent, with two decimals; 0 where there are none."""
        many = sum(one <= PROMPT for one in self.answers)
        share = Decimal(100 * many) / len(self.answers) if self.answers else Decimal(0)
        return share.quantize(Decimal("0.01"))


@dataclass(slots=True)
class Figures:
    """How deposits fared.

    Attributes:
        deposits: how many were answered.
        records: how many records they held, as far as they could be read.
        rejected: how many of these were refused.
        codes: by code, how often it was given.
        times: how long their senders waited.
    """

    deposits: int = 0
    records: int = 0
    rejected: int = 0
    codes: defaultdict[str, Given] = field(default_factory=lambda: defaultdict(Given))
    times: Times = field(default_factory=Times)

    def share(self, records: int) -> Decimal:
        """So many records in per cent of all, with two decimals; 0 where there are none."""
        share = Decimal(100 * records) / self.records if self.records else Decimal(0)
        return share.quantize(Decimal("0.01"))

    @property
    def top(self) -> Sequence[tuple[str, Given]]:
        """The codes, the most frequent first."""
        return sorted(self.codes.items(), key=lambda one: (-one[1].records, -one[1].deposits, one[0]))


@dataclass(frozen=True, slots=True)
class Statistics:
    """Figures of all deposits of some days, by the software that made them and by procedure.

    `None` is the software of a batch that does not name it and of a refused file, and the procedure of a
    file whose name tells none.
    """

    total: Figures
    software: defaultdict[str | None, Figures]
    procedures: defaultdict[str | None, Figures]


def statistics(connection: sa.Connection, first: date | None, last: date | None, now: Received) -> Statistics:
    """What was given to the deposits received on some days and answered so far.

    Args:
        connection: to read from.
        first: first day of receipt on the Luxembourg calendar; from the beginning without it.
        last: last day, inclusive; until now without it.
        now: until when those on hold have waited.
    """
    found = Statistics(Figures(), defaultdict(Figures), defaultdict(Figures))
    key = (deposit.c.software, deposit.c.procedure)
    counted = sa.select(
        *key,
        sa.func.count().label("deposits"),
        sa.func.sum(deposit.c.records).label("records"),
        sa.func.sum(deposit.c.rejected).label("rejected"),
    )
    for row in connection.execute(counted.where(*_answered(first, last)).group_by(*key)):
        for figures in _concerned(found, row.software, row.procedure):
            figures.deposits += row.deposits
            figures.records += row.records
            figures.rejected += row.rejected
    given = sa.select(
        *key, count.c.code, sa.func.sum(count.c.records).label("records"), sa.func.count().label("deposits")
    ).join_from(count, deposit, count.c.deposit == deposit.c.number)
    for row in connection.execute(given.where(*_answered(first, last)).group_by(*key, count.c.code)):
        for figures in _concerned(found, row.software, row.procedure):
            figures.codes[row.code].records += row.records
            figures.codes[row.code].deposits += row.deposits
    timed = sa.select(
        *key, deposit.c.received, deposit.c.state, deposit.c.changed, answer.c.posted
    ).join_from(deposit, answer, answer.c.deposit == deposit.c.id)
    for row in connection.execute(timed.where(*_answered(first, last), answer.c.kind == acktrt.CODE)):
        for figures in _concerned(found, row.software, row.procedure):
            _time(figures.times, row, now)
    return found


def is_decided(state: str, changed: str, posted: str) -> bool:
    """Whether records of an answered deposit were on hold and the last of them was decided.

    Nothing else changes a deposit once it is answered.

    Args:
        state, changed: of the deposit.
        posted: when its acknowledgement was.
    """
    return state != State.HELD.value and changed != posted


def _time(times: Times, row: sa.Row[Any], now: Received) -> None:
    received = Received.parse(row.received).at
    times.answers.append(Received.parse(row.posted).at - received)
    if row.state == State.HELD.value:
        times.waiting.append(now.at - received)
    elif is_decided(row.state, row.changed, row.posted):
        times.decisions.append(Received.parse(row.changed).at - received)


def _concerned(found: Statistics, software: str | None, procedure: str | None) -> Iterable[Figures]:
    return found.total, found.software[software], found.procedures[procedure]


def _answered(first: date | None, last: date | None) -> Iterable[sa.ColumnElement[bool]]:
    yield deposit.c.verdict.is_not(None)
    if first is not None:
        yield deposit.c.received >= _midnight(first)
    if last is not None:
        yield deposit.c.received < _midnight(last + timedelta(days=1))


def _midnight(day: date) -> str:
    return str(Received(datetime.combine(day, time(), LUXEMBOURG)))
