"""From a deposit in custody to its answers: the counter, bound to database, spool and seal.

`prepare` reads, verifies and validates without any lock; `conclude` runs in one transaction and
always leaves a mark: an effect with its answers, or the reason why not yet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import TypeVar, cast

import sqlalchemy as sa
import structlog
from lxml import etree

from adapters.database import Database, deposits
from adapters.database.answers import Shelves
from adapters.database.deposits import Kept
from adapters.database.journal import append
from adapters.database.members import is_agency
from adapters.database.registers import bind
from adapters.database.registers.wages import SqlWages
from adapters.faults import place_of
from adapters.spool import Spool
from gateway import process, wire
from gateway.batch import Anomaly, Batch
from gateway.context import Context
from gateway.mandates import Rights, rights
from gateway.moments import Clock, Received
from gateway.outcome import Assignment, NotYet, Outcome, Refusal, Rejected, Return, Verdict
from gateway.procedures.declaration import held
from gateway.returns import acktrt, affret, malret, matass, matret, matuti, salret, utiret
from gateway.returns.rejected import RejectedRecords
from gateway.seal import Seal
from gateway.states import OPEN, Event
from outbox.post import post

log = structlog.get_logger()

Document = TypeVar("Document")


@dataclass(frozen=True, slots=True)
class Failure:
    """We could not do it: what went wrong, without any content."""

    reason: str


Prepared = process.Examined | Rejected | NotYet | Failure | None
"""What `prepare` found: a batch to treat, the sender's fault, no answer yet, our fault, or that
nothing is left to do."""


class Treatment:
    """What the engine makes durable, deposit by deposit."""

    def __init__(
        self, database: Database, spool: Spool, seal: Seal, desk: process.Desk, clock: Clock
    ) -> None:
        self._database = database
        self._spool = spool
        self._seal = seal
        self._desk = desk
        self._clock = clock

    def prepare(self, number: int) -> Prepared:
        """Everything that needs no lock: the bytes read, verified and brought into form."""
        with self._database.read() as connection:
            one = deposits.get(connection, number)
        if one.state not in OPEN:
            return None
        try:
            return process.examine(self._spool.read(one.deposit.id), one.deposit, self._desk)
        except (Rejected, NotYet) as answer:
            return answer
        except Exception as error:
            return _failure(error, one)

    def conclude(self, connection: sa.Connection, number: int, prepared: object) -> None:
        """The end of a treatment, in the transaction given."""
        one = deposits.get(connection, number)
        if one.state not in OPEN:
            return
        now = Received(self._clock())
        if isinstance(prepared, process.Examined | Rejected):
            try:
                with connection.begin_nested():
                    self._answer(connection, one, prepared, now)
            except Exception as error:
                prepared = _failure(error, one)
        if isinstance(prepared, NotYet):
            deposits.postpone(connection, one, Event.CANNOT_TELL, now, str(prepared))
        elif isinstance(prepared, Failure):
            state = deposits.postpone(connection, one, Event.FAILED, now, prepared.reason)
            log.error("deposit.failed", deposit=one.deposit.id, state=state, reason=prepared.reason)

    def sweep(self, now: Received) -> bool:
        """Refuse the wages that have waited too long for their affiliation, deposit by deposit."""
        with self._database.read() as connection:
            due = held.expired(SqlWages(connection).waiting(), now)
        done = True
        for number, refusals in due.items():
            try:
                with self._database.write() as connection:
                    self._expire(connection, number, refusals, now)
            except Exception as error:
                done = False
                log.error("sweep.failed", deposit=number, reason=place_of(error))
        return done

    def _expire(
        self, connection: sa.Connection, number: int, refusals: Sequence[Refusal], now: Received
    ) -> None:
        """Give held wages back with a SALRET of their own, unless they were decided meanwhile."""
        wages = SqlWages(connection)
        records = wages.expire(number, [refusal.record.number for refusal in refusals])
        still = [refusal for refusal in refusals if refusal.record.number in records]
        if still:
            one = deposits.get(connection, number)
            document = self._write(Return(salret.CODE, still), one, now)
            self._post(connection, one, salret.CODE, document, now.at)
            deposits.recount(connection, wages.decided, now, expired=len(still))

    def _answer(
        self, connection: sa.Connection, one: Kept, prepared: process.Examined | Rejected, now: Received
    ) -> None:
        if deposits.name_used(connection, one):
            used = Anomaly("FILE-NAME-USED", value=one.deposit.name)
            known = prepared.anomalies if isinstance(prepared, Rejected) else ()
            prepared = Rejected(used, *known)
        if isinstance(prepared, Rejected):
            self._refuse(connection, one, prepared, now)
        else:
            self._treat(connection, one, prepared, now)

    def _refuse(self, connection: sa.Connection, one: Kept, refusal: Rejected, now: Received) -> None:
        sequence, hashed = append(
            connection, at=now, event="rejected", subject=one.deposit.id, member=one.deposit.sender
        )
        document = acktrt.Acknowledgement(
            header=self._seal.header(one.sender, now.at, one.deposit),
            verdict=Verdict.REJECTED,
            records=0,
            accepted=0,
            rejected=0,
            held=0,
            decisions=(),
            anomalies=tuple(refusal.anomalies),
            explanations=acktrt.explain(refusal.anomalies),
            returns=(),
            journal=wire.JournalEntry(sequence, hashed),
        )
        self._post(connection, one, acktrt.CODE, acktrt.write(document), now.at)
        deposits.settle(
            connection,
            one,
            Event.REFUSED,
            now,
            verdict=Verdict.REJECTED,
            records=0,
            accepted=0,
            rejected=0,
            held=0,
        )

    def _treat(self, connection: sa.Connection, one: Kept, examined: process.Examined, now: Received) -> None:
        batch = examined.batch
        received = Received(one.deposit.received)
        wages = SqlWages(connection)
        registers = bind(connection, wages)
        right = rights(registers.mandates.held_by(one.sender), batch.header.procedure, received)
        agency = is_agency(connection, one.sender)
        outcome = process.treat(batch, Context(one.number, received, one.sender, right, registers, agency))
        names = [
            self._post(connection, one, each.code, self._write(each, one, now), now.at)
            for each in outcome.returns
        ]
        self._acknowledge(connection, one, batch, outcome, right, names, now)
        deposits.settle(
            connection,
            one,
            Event.TREATED_WITH_HOLDS if outcome.held else Event.TREATED,
            now,
            verdict=outcome.verdict,
            records=batch.size,
            accepted=outcome.accepted,
            rejected=outcome.rejected,
            held=outcome.held,
        )
        deposits.recount(connection, wages.decided, now)
        deposits.keep_evidence(connection, one, examined.evidence)

    def _acknowledge(
        self,
        connection: sa.Connection,
        one: Kept,
        batch: Batch,
        outcome: Outcome,
        right: Rights,
        names: list[str],
        now: Received,
    ) -> None:
        sequence, hashed = append(
            connection, at=now, event="treated", subject=one.deposit.id, member=one.deposit.sender
        )
        refused = chain.from_iterable(refusal.anomalies for refusal in outcome.refusals)
        anomalies = tuple(sorted((*refused, *outcome.hints), key=lambda anomaly: anomaly.record or 0))
        document = acktrt.Acknowledgement(
            header=self._seal.header(one.sender, now.at, one.deposit),
            verdict=outcome.verdict,
            records=batch.size,
            accepted=outcome.accepted,
            rejected=outcome.rejected,
            held=outcome.held,
            decisions=_decisions(batch, right),
            anomalies=anomalies,
            explanations=acktrt.explain(anomalies),
            returns=tuple(names),
            journal=wire.JournalEntry(sequence, hashed),
        )
        self._post(connection, one, acktrt.CODE, acktrt.write(document), now.at)

    def _write(self, answer: Return, one: Kept, now: Received) -> etree._Element:
        header = self._seal.header(one.sender, now.at, one.deposit)
        return _RETURNS[answer.code](header, answer)

    def _post(
        self, connection: sa.Connection, one: Kept, code: str, document: etree._Element, at: datetime
    ) -> str:
        shelves = Shelves(connection)
        return post(
            shelves,
            recipient=one.deposit.sender,
            kind=code,
            name=shelves.free_name(code, one.sender, at),
            content=self._seal.sign(document, at),
            posted=at,
            deposit=one.deposit.id,
        ).name


def _refused(
    of: Callable[[wire.AnswerHeader, Sequence[Refusal]], RejectedRecords],
    write: Callable[[RejectedRecords], etree._Element],
) -> Callable[[wire.AnswerHeader, Return], etree._Element]:
    return lambda header, answer: write(of(header, cast(Sequence[Refusal], answer.content)))


def _assigned(
    of: Callable[[wire.AnswerHeader, Sequence[Assignment]], Document],
    write: Callable[[Document], etree._Element],
) -> Callable[[wire.AnswerHeader, Return], etree._Element]:
    return lambda header, answer: write(of(header, cast(Sequence[Assignment], answer.content)))


_RETURNS: dict[str, Callable[[wire.AnswerHeader, Return], etree._Element]] = {
    matass.CODE: _assigned(matass.of, matass.write),
    matret.CODE: _refused(matret.of, matret.write),
    affret.CODE: _refused(affret.of, affret.write),
    salret.CODE: _refused(salret.of, salret.write),
    malret.CODE: _refused(malret.of, malret.write),
    matuti.CODE: _assigned(matuti.of, matuti.write),
    utiret.CODE: _refused(utiret.of, utiret.write),
}


def _decisions(batch: Batch, right: Rights) -> tuple[acktrt.Decision, ...]:
    """The mandates used: one for each employer of the batch that was allowed."""
    employers = {record.fields.get("Employer", "") for record in batch.records}
    return tuple(
        acktrt.Decision(employer, right.mandates[employer])
        for employer in sorted(employers & right.mandates.keys())
    )


def _failure(error: Exception, one: Kept) -> Failure:
    reason = place_of(error)
    log.error("treatment.failed", deposit=one.deposit.id, reason=reason)
    return Failure(reason)
