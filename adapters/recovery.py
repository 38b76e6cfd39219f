"""Recovery as it runs: what is due is looked up, then entered and posted, one employer and transaction each.

Reminders, summons and what follows from payments, plans and disputes are entered by the run: the gateway does
one each day, and `secugate recovery run` another at any time. A constraint is only listed until somebody
orders it. What was entered is not due any more: a run that is repeated posts nothing twice.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

import sqlalchemy as sa
import structlog

from adapters.answering import give
from adapters.billing.documents import recipients
from adapters.database import Database, tables
from adapters.database.institutions import AT_ONCE, books_of
from adapters.database.journal import append
from adapters.database.ledger import SqlArrangements, SqlLedger
from adapters.database.recovery import SqlRecovery
from adapters.faults import place_of
from adapters.notices import SLICE_SECONDS
from gateway import wire
from gateway.billing.statement import printed_number
from gateway.ledger import Position, position
from gateway.ledger.institutions import Books
from gateway.moments import Clock, Period, Received
from gateway.recovery import Claim, Event, Happened, Standing, Step, rules_on, standings, steps
from gateway.recovery.words import Kind
from gateway.returns import recouv
from gateway.seal import Seal

log = structlog.get_logger()

entry = tables.table(tables.LedgerEntry)
posting = tables.table(tables.LedgerPosting)
statement = tables.table(tables.Statement)

_KINDS = {Event.REMINDER: Kind.REMINDER, Event.SUMMONS: Kind.SUMMONS, Event.CONSTRAINT: Kind.CONSTRAINT}
"""What is told of which step; of others nothing is."""


class NotDue(ValueError):
    """Why nothing is recovered, or a constraint not ordered."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A step and what was done about it.

    Attributes:
        number: in the register of recovery; None for a proposal, which is not entered.
        posted: names of the files by which members were told; empty when nothing is told or nobody may be.
    """

    step: Step
    number: int | None
    posted: tuple[str, ...]


@dataclass(slots=True)
class Round:
    """What is left to be looked at on a day.

    Attributes:
        failed: whether some of it could not be done.
    """

    day: date
    employers: deque[str]
    failed: bool = False


class Recovery:
    """Recovers what is overdue, as far as the rules say and the operator orders."""

    def __init__(self, database: Database, seal: Seal, clock: Clock) -> None:
        self._database = database
        self._seal = seal
        self._clock = clock
        self._round: Round | None = None

    def run(self, day: date) -> Iterator[Taken]:
        """Enter and post all that is due at the end of a day; constraints come as proposals.

        When the day is an earlier one, terms are counted from today all the same, and what was paid,
        contested or agreed since is not asked for.

        Raises:
            NotDue: when the day lies ahead.
            LaterDay: when something was done on a later day.
        """
        self._arrived(day)
        with self._database.read() as connection:
            concerned = self._concerned(connection, day)
        yield from self._recover(concerned, day)

    def sweep(self, day: date, seconds: float = SLICE_SECONDS) -> bool:
        """The same for a short while, so that others get their turn; False when some of it is left or could
        not be done.

        One employer's failure does not stop the others. Constraints stay proposals, which
        `secugate recovery list` shows.
        """
        if self._round is None or self._round.day != day:
            with self._database.read() as connection:
                self._round = Round(day, deque(sorted(self._concerned(connection, day))))
        round_, until = self._round, time.monotonic() + seconds
        while round_.employers:
            if time.monotonic() > until:
                return False
            some = [round_.employers.popleft() for _ in range(min(AT_ONCE, len(round_.employers)))]
            round_.failed |= not self._recovered(some, day)
        self._round = None
        return not round_.failed

    def _recovered(self, employers: Sequence[str], day: date) -> bool:
        """Whether all due of some employers was done; one by one when together it fails."""
        try:
            deque(self._recover(employers, day), maxlen=0)
        except Exception as error:
            if len(employers) > 1:
                done = [self._recovered([one], day) for one in employers]
                return all(done)
            log.error("recovery.failed", reason=place_of(error))
            return False
        return True

    def _recover(self, employers: Collection[str], day: date) -> Iterator[Taken]:
        """Enter and post all that is due of some employers, each in a transaction of its own."""
        with self._database.read() as connection:
            due = [
                books.employer
                for books, history in _accounts(connection, employers)
                if steps(history, _position(books, day), rules_on(day))
            ]
        for employer in due:
            with self._database.write() as connection:
                found = self._steps_of(connection, employer, day)
                taken = [self._take(connection, one) for one in found]
            yield from taken

    def constrain(self, employer: str, day: date, by: str) -> Taken:
        """Order the constraint that is proposed, in the name of an office.

        Raises:
            NotDue: when the day lies ahead, none is proposed, or something else is due before it.
            LaterDay: when something was done on a later day.
        """
        self._arrived(day)
        with self._database.write() as connection:
            found = self._steps_of(connection, employer, day)
            if not any(one.is_proposal for one in found):
                raise NotDue(f"no constraint against {employer} is due on {day}")
            if not found[0].is_proposal:
                raise NotDue(f"{found[0].event.name.lower()} comes first: run the recovery of that day")
            return self._enter(connection, found[0], by)

    def standings(self, day: date) -> list[Standing]:
        """How every case stands that is not closed, employer by employer."""
        with self._database.read() as connection:
            return [
                one
                for books, history in _accounts(connection, SqlRecovery(connection).employers())
                for one in standings(history, _position(books, day))
            ]

    def _arrived(self, day: date) -> None:
        if day > Received(self._clock()).day:
            raise NotDue(f"{day} lies ahead")

    def _concerned(self, connection: sa.Connection, day: date) -> set[str]:
        """Of whom anything can be due on a day."""
        return {*_owing(connection, day), *SqlRecovery(connection).employers()}

    def _steps_of(self, connection: sa.Connection, employer: str, day: date) -> list[Step]:
        history, books = SqlRecovery(connection).of(employer), books_of(connection, employer)
        now = _position(books, Received(self._clock()).day)
        return steps(history, _position(books, day), rules_on(day), now)

    def _take(self, connection: sa.Connection, step: Step) -> Taken:
        return Taken(step, None, ()) if step.is_proposal else self._enter(connection, step)

    def _enter(self, connection: sa.Connection, step: Step, by: str = "") -> Taken:
        now = Received(self._clock())
        number = SqlRecovery(connection).enter(step.happened(by), now)
        word = step.event.name.lower()
        append(connection, at=now, event="recovery", subject=f"{number} {step.employer} {step.case} {word}")
        kind = _KINDS.get(step.event)
        if kind is None:
            return Taken(step, number, ())
        notice = partial(
            recouv.Notice,
            number=number,
            kind=kind,
            employer=step.employer,
            day=step.day,
            items=_items(connection, step.claims),
            last_day=step.last_day,
            basis=step.basis,
        )
        return Taken(step, number, tell(connection, self._seal, step.employer, notice, now))


def tell(
    connection: sa.Connection,
    seal: Seal,
    employer: str,
    notice: Callable[[wire.AnswerHeader], recouv.Notice],
    now: Received,
) -> tuple[str, ...]:
    """Post a RECOUV to every member with the right to an employer's invoices; the file names.

    Args:
        notice: what is told, under the head of a member.
    """
    return tuple(
        give(connection, seal, member, recouv.write(notice(seal.header(member, now.at))), now.at).name
        for member in recipients(connection, employer, now)
    )


def _items(connection: sa.Connection, claims: Sequence[Claim]) -> tuple[recouv.Item, ...]:
    printed = _printed(connection, {one.statement for one in claims if one.statement is not None})
    return tuple(
        recouv.Item(
            entry=one.item,
            kind=one.kind,
            statement=None if one.statement is None else printed.get(one.statement),
            period=one.period,
            due=one.due,
            amount=one.amount,
            interest=one.interest,
        )
        for one in claims
    )


def _printed(connection: sa.Connection, numbers: set[int]) -> Mapping[int, str]:
    """Numbers of statements as they are printed; those not issued here are absent."""
    query = sa.select(statement.c.number, statement.c.period).where(statement.c.number.in_(numbers))
    return {
        row.number: printed_number(Period.parse(row.period), row.number) for row in connection.execute(query)
    }


def _owing(connection: sa.Connection, day: date) -> list[str]:
    """Who owes anything at the end of a day; of others nothing is open, as a credit settles it."""
    owed = (
        sa.select(posting.c.holder)
        .join(entry, entry.c.number == posting.c.entry)
        .where(sa.text(f"ledger_posting.{tables.OWED_BY}"), entry.c.day <= day.isoformat())
        .group_by(posting.c.holder)
        .having(sa.func.sum(posting.c.amount) > 0)
    )
    return list(connection.execute(owed).scalars())


def _accounts(
    connection: sa.Connection, employers: Iterable[str]
) -> Iterator[tuple[Books, Sequence[Happened]]]:
    """The books of employers, with what was done so far to recover, in the order of their matricules."""
    ledger, arrangements, register = (
        SqlLedger(connection),
        SqlArrangements(connection),
        SqlRecovery(connection),
    )
    for some in _slices(sorted(employers)):
        entries, plans = ledger.of_many(some), arrangements.plans(some)
        disputes, history = arrangements.disputes(some), register.of_many(some)
        for one in some:
            books = Books(one, entries.get(one, ()), plans.get(one, ()), disputes.get(one, ()))
            yield books, history.get(one, ())


def _slices(employers: Sequence[str]) -> Iterator[Sequence[str]]:
    return (employers[place : place + AT_ONCE] for place in range(0, len(employers), AT_ONCE))


def _position(books: Books, day: date) -> Position:
    return position(books.entries, books.plans, books.disputes, employer=books.employer, day=day)
