"""The billing run: every employer gets its statement of a month, once.

Some dozens of employers are billed in one transaction: numbers, computation, bookings, documents and
entries of the journal together. A run that was cut off goes on where it stopped; one that is repeated
finds nothing left to do. What cannot be computed is held, by name, and never stops the others. Nor does a
failure that nobody foresaw: the others of its transaction are billed one by one.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import sqlalchemy as sa

from adapters.billing.block import Block, Held, Issued, declared_of
from adapters.database import Database, tables
from adapters.database.registers import recalculations
from gateway.billing.statement import Payee
from gateway.contributions import Policy, schedule_of
from gateway.moments import Clock, Period, Received
from gateway.seal import Seal

__all__ = ["BillingRun", "Held", "Issued", "declared_of", "note_law"]

law_used = tables.table(tables.LawUsed)
statement = tables.table(tables.Statement)
wage = tables.table(tables.Wage)

_DEFAULT = Policy()
_AT_ONCE = 150
_OTHERS_SECONDS = 0.11
"""Between two transactions: who waits to write asks again after a tenth of a second, and must find nobody."""


class BillingRun:
    """Issues the statements of a month.

    Args:
        at_once: how many employers are billed in one transaction.
    """

    def __init__(
        self,
        database: Database,
        seal: Seal,
        clock: Clock,
        payee: Payee,
        policy: Policy = _DEFAULT,
        *,
        at_once: int = _AT_ONCE,
    ) -> None:
        self._database = database
        self._seal = seal
        self._clock = clock
        self._payee = payee
        self._policy = policy
        self._at_once = at_once

    def due(self, period: Period) -> list[str]:
        """The employers for whom something is to be stated, and for no month since.

        Those with wages of the month, or of one since the last that was billed; those with an earlier month
        to be looked at again; and those whose account has moved or is not even. Whoever has a statement of
        this month or a later one has had it.
        """
        done = sa.select(statement.c.employer).where(statement.c.period >= str(period))
        billed = sa.select(sa.func.max(statement.c.period)).where(statement.c.period < str(period))
        declared = sa.select(wage.c.employer).where(
            wage.c.period > sa.func.coalesce(billed.scalar_subquery(), ""),
            wage.c.period <= str(period),
            sa.text("wage.state = 'current'"),
        )
        with self._database.read() as connection:
            found = set(connection.execute(declared.distinct()).scalars())
            found |= recalculations.employers(connection)
            found |= _unsettled(connection)
            return sorted(found - set(connection.execute(done).scalars()))

    def run(self, period: Period) -> Iterator[Issued | Held]:
        """Issue every statement that is due for a period.

        Raises:
            ExceptionGroup: at the end, when something failed that nobody foresaw; all others are issued.
        """
        with self._database.write() as connection:
            note_law(connection, Received(self._clock()))
        due, failures = self.due(period), list[Exception]()
        for first in range(0, len(due), self._at_once):
            if first:
                time.sleep(_OTHERS_SECONDS)
            yield from self._issue(due[first : first + self._at_once], period, failures)
        if failures:
            raise ExceptionGroup(f"{len(failures)} employers could not be billed for {period}", failures)

    def _issue(
        self, employers: Sequence[str], period: Period, failures: list[Exception]
    ) -> Iterator[Issued | Held]:
        """Issue together; one by one when that fails, since it is one of them whose statement fails."""
        try:
            found = self._issued(employers, period)
        except Exception as error:
            if len(employers) == 1:
                error.add_note(f"employer {employers[0]}")
                failures.append(error)
                return
            for one in employers:
                yield from self._issue([one], period, failures)
        else:
            yield from found

    def _issued(self, employers: Sequence[str], period: Period) -> list[Issued | Held]:
        now = Received(self._clock())
        with self._database.write() as connection, _without_collecting():
            return Block(connection, self._seal, self._payee, self._policy, period, now).issue(employers)


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Nothing made for these statements is garbage yet, and looking for it costs."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


# From employer to employer by the index: after ten years there are a hundred times as many rows as employers.
_MOVED = """
    WITH RECURSIVE stated (employer) AS (
        SELECT min(employer) FROM statement
        UNION ALL
        SELECT (SELECT min(statement.employer) FROM statement WHERE statement.employer > stated.employer)
        FROM stated WHERE stated.employer IS NOT NULL
    )
    SELECT last.employer FROM stated JOIN statement AS last ON last.employer = stated.employer
        AND last.period = (SELECT max(statement.period) FROM statement
            WHERE statement.employer = stated.employer)
    WHERE last.balance <> 0 OR EXISTS (SELECT 1 FROM ledger_entry
        WHERE ledger_entry.employer = last.employer AND ledger_entry.number > last.entries)
"""
_NEVER_STATED = """
    WITH RECURSIVE booked (employer) AS (
        SELECT min(employer) FROM ledger_entry
        UNION ALL
        SELECT (SELECT min(ledger_entry.employer) FROM ledger_entry
            WHERE ledger_entry.employer > booked.employer)
        FROM booked WHERE booked.employer IS NOT NULL
    )
    SELECT employer FROM booked WHERE employer IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM statement WHERE statement.employer = booked.employer)
"""


def _unsettled(connection: sa.Connection) -> set[str]:
    """The employers whose account is not even, or has moved since their last statement."""
    return {
        *connection.execute(sa.text(_MOVED)).scalars(),
        *connection.execute(sa.text(_NEVER_STATED)).scalars(),
    }


def note_law(connection: sa.Connection, now: Received) -> None:
    """Have every month charged by other values than those known now looked at again, with all its insured."""
    used = {row.period: row.fingerprint for row in connection.execute(sa.select(law_used))}
    for text, fingerprint in used.items():
        now_known = schedule_of(Period.parse(text), now.day).fingerprint
        if now_known != fingerprint:
            recalculations.of_month(connection, text)
            connection.execute(
                sa.update(law_used).where(law_used.c.period == text).values(fingerprint=now_known)
            )
