"""Fines on the accounts: each order is one transaction, with its journal entry and what members are told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

import sqlalchemy as sa

from adapters.database import Database
from adapters.database.circumstances import outages
from adapters.database.institutions import all_books, books_of
from adapters.database.journal import append
from adapters.database.ledger import SqlArrangements, SqlLedger
from adapters.lateness import proposed
from adapters.recovery import tell
from gateway import fines
from gateway.deadlines import Kind as DeadlineKind
from gateway.fines import Fine, NotDone
from gateway.ledger import DisputeOutcome, EntryKind
from gateway.ledger.institutions import Books
from gateway.moments import Clock, Period, Received
from gateway.money import euro
from gateway.recovery.words import Kind
from gateway.returns import recouv
from gateway.seal import Seal

BASIS = "RGD 12.05.1975 art. 4, 8, 11; CSS art. 425 to 428"


@dataclass(frozen=True, slots=True)
class Done:
    """What was done to a fine.

    Attributes:
        number: of the fine.
        last_day: to pay and to object.
        posted: names of the files by which members were told; empty when nobody may be.
    """

    number: int
    employer: str
    amount: int
    last_day: date
    posted: tuple[str, ...]


class Fines:
    """Imposes, lifts and settles fines by order of the operator, never by itself."""

    def __init__(self, database: Database, seal: Seal, clock: Clock) -> None:
        self._database = database
        self._seal = seal
        self._clock = clock

    def known(self, employer: str | None) -> list[tuple[str, Fine]]:
        """The fines of an employer, or of all, with whom they are imposed on."""
        with self._database.read() as connection:
            books = all_books(connection) if employer is None else [books_of(connection, employer)]
            return [(one.employer, fine) for one in books for fine in _fines(one)]

    def impose(self, employer: str, amount: int, reference: str, period: Period | None) -> Done:
        """Impose a fine.

        Raises:
            NotDone: when it does not fit; see `gateway.fines.impose`.
        """
        with self._database.write() as connection:
            now = Received(self._clock())
            entry = fines.impose(
                employer,
                _fines(books_of(connection, employer)),
                amount=amount,
                reference=reference,
                period=period,
                outages=outages(connection),
                now=now,
            )
            (number,) = SqlLedger(connection).enter([entry])
            append(connection, at=now, event="fine", subject=f"{number} {employer} {euro(amount)}")
            return self._tell(connection, _fine(connection, number), Kind.FINE, amount, now)

    def impose_proposed(
        self, employer: str, insured: str, kind: DeadlineKind, event: str, amount: int | None
    ) -> Done:
        """Impose the fine that is proposed today for a declaration that came late.

        Args:
            event: the day or wage month, as the proposal writes it.
            amount: cents, instead of those of the proposal.

        Raises:
            NotDone: when no such fine is proposed, or notice of it is given only later.
        """
        day = Received(self._clock()).day
        wanted = (insured, kind, event)
        found = [
            one
            for one in proposed(self._database, day, employer)
            if (one.insured, one.kind, str(one.event)) == wanted
        ]
        if not found:
            raise NotDone(f"nothing is proposed for {kind} {event} of {insured}")
        cents = fines.of_proposal(found[0], amount, day)
        about = found[0].event
        period = about if isinstance(about, Period) else Period(about.year, about.month)
        return self.impose(employer, cents, fines.reference_of(found[0]), period)

    def discharge(self, number: int, amount: int | None, reference: str) -> Done:
        """Lift a fine, or a part of it. An opposition that is open is upheld with the whole.

        Raises:
            NotDone: when there is no such fine, or not so much of it stands.
        """
        with self._database.write() as connection:
            return self._lift(connection, _fine(connection, number), amount, reference)

    def oppose(self, number: int, received: date, reason: str) -> None:
        """Enter an opposition: recovery of the fine waits.

        Raises:
            NotDone: when there is no such fine, or it cannot be opposed; see `gateway.fines.oppose`.
        """
        with self._database.write() as connection:
            now = Received(self._clock())
            new = fines.oppose(_fine(connection, number), received, reason=reason, now=now)
            SqlArrangements(connection).open_dispute(new)
            append(connection, at=now, event="fine opposed", subject=f"{number} {new.employer} {received}")

    def decide(self, number: int, *, upheld: bool, reference: str) -> Done:
        """Decide an opposition: upheld, the fine is lifted; rejected, it stands.

        Raises:
            NotDone: when there is no such fine, or no opposition to it is open.
        """
        with self._database.write() as connection:
            fine = _fine(connection, number)
            dispute = fines.open_opposition(fine)
            if upheld:
                return self._lift(connection, fine, None, reference)
            now = Received(self._clock())
            self._close(connection, fine, dispute, DisputeOutcome.REJECTED, now)
            return self._tell(connection, fine, Kind.CONFIRMATION, fine.stands, now)

    def _lift(self, connection: sa.Connection, fine: Fine, amount: int | None, reference: str) -> Done:
        now = Received(self._clock())
        lifted = fines.lift(fine, amount, reference=reference, now=now)
        SqlLedger(connection).enter([lifted])
        subject = f"{fine.number} {fine.entry.employer} {euro(-lifted.amount)}"
        append(connection, at=now, event="fine lifted", subject=subject)
        if -lifted.amount == fine.stands and fine.is_opposed:
            self._close(connection, fine, fines.open_opposition(fine), DisputeOutcome.UPHELD, now)
        return self._tell(connection, fine, Kind.DISCHARGE, -lifted.amount, now)

    def _close(
        self, connection: sa.Connection, fine: Fine, dispute: int, outcome: DisputeOutcome, now: Received
    ) -> None:
        SqlArrangements(connection).close_dispute(dispute, outcome, now.day)
        subject = f"{fine.number} {fine.entry.employer} {outcome}"
        append(connection, at=now, event="fine decided", subject=subject)

    def _tell(self, connection: sa.Connection, fine: Fine, kind: Kind, amount: int, now: Received) -> Done:
        entry, employer = fine.entry, fine.entry.employer or ""
        item = recouv.Item(
            entry=fine.number,
            kind=EntryKind.FINE,
            statement=None,
            period=entry.period,
            due=fine.last_day,
            amount=amount,
            reference=entry.reference,
        )
        notice = partial(
            recouv.Notice,
            number=fine.number,
            kind=kind,
            employer=employer,
            day=now.day,
            items=(item,),
            last_day=fine.last_day if kind is Kind.FINE else None,
            basis=BASIS,
        )
        posted = tell(connection, self._seal, employer, notice, now)
        return Done(fine.number, employer, amount, fine.last_day, posted)


def _fine(connection: sa.Connection, number: int) -> Fine:
    entry = SqlLedger(connection).get(number)
    if entry is None or entry.kind is not EntryKind.FINE or entry.employer is None:
        raise NotDone(f"there is no fine {number}")
    return next(one for one in _fines(books_of(connection, entry.employer)) if one.number == number)


def _fines(books: Books) -> Sequence[Fine]:
    return fines.fines(books.entries, books.disputes)
