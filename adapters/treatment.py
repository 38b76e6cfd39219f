"""From a deposit in custody to its answers: the counter, bound to database, spool and seal.

`prepare` reads, verifies and validates without any lock; `conclude` runs in one transaction and
always leaves a mark: an effect with its answers, or the reason why not yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import TypeVar, cast

import sqlalchemy as sa
import structlog
from lxml import etree

from adapters import unread
from adapters.answering import give, give_failure, give_page
from adapters.booth import booths
from adapters.database import Database, deposits, evidence, releases, statistics
from adapters.database.decisions import record_decisions
from adapters.database.deposits import Kept
from adapters.database.journal import append
from adapters.database.members import AGENCY, FIDUCIARY, kind_of
from adapters.database.registers import bind
from adapters.database.registers.activities import SqlActivities
from adapters.database.registers.wages import SqlWages
from adapters.faults import place_of
from adapters.notices import SLICE_SECONDS, Notices
from adapters.recovery import Recovery
from adapters.sealing import NotYetInForce
from adapters.spool import Spool
from adapters.stores import Unreachable
from gateway import process, wire
from gateway.batch import Anomaly, Batch
from gateway.billing.differences import Comparison
from gateway.contents.payroll import in_payroll
from gateway.context import Context
from gateway.mandates import INVOICES, Rights, rights
from gateway.moments import Clock, Received
from gateway.outcome import (
    Assignment,
    Certificate,
    NotYet,
    Outcome,
    Refusal,
    Rejected,
    Return,
    Settlement,
    Verdict,
    together,
)
from gateway.procedures.abroad.held import expired as activities_on_hold
from gateway.procedures.declaration.held import expired as wages_on_hold
from gateway.registers import Registers
from gateway.returns import (
    acktrt,
    affret,
    cerret,
    certif,
    detret,
    difcal,
    empass,
    empret,
    fail,
    info,
    intret,
    malret,
    manass,
    manret,
    matass,
    matret,
    matuti,
    ownret,
    recret,
    salret,
    utiret,
)
from gateway.returns.anomalies import explain
from gateway.returns.rejected import RejectedRecords
from gateway.seal import Seal
from gateway.states import OPEN, Event

log = structlog.get_logger()

Document = TypeVar("Document")


@dataclass(frozen=True, slots=True)
class Failure:
    """We could not do it: what went wrong, without any content."""

    reason: str


Prepared = process.Examined | Rejected | NotYet | Failure | None
"""What `prepare` found: a batch to treat, the sender's fault, no answer yet, our fault, or that
nothing is left to do."""


@dataclass(frozen=True, slots=True)
class _Treated:
    """A batch of one procedure, alone in its file or a part of it, after its treatment."""

    batch: Batch
    right: Rights
    outcome: Outcome

    @property
    def anomalies(self) -> list[Anomaly]:
        """All that is told of its records, in their order."""
        refused = chain.from_iterable(refusal.anomalies for refusal in self.outcome.refusals)
        return sorted((*refused, *self.outcome.hints), key=lambda anomaly: anomaly.record or 0)

    @property
    def told(self) -> acktrt.Part:
        """How it fared, as the acknowledgement of a PAYROLL says it."""
        fared = self.outcome
        return acktrt.Part(
            self.batch.header.procedure, self.batch.size, fared.accepted, fared.rejected, fared.held
        )


ALARM = timedelta(hours=1)
"""After which a deposit that cannot be judged yet is more than a matter of patience."""


class Treatment:
    """What the engine makes durable, deposit by deposit."""

    def __init__(
        self,
        database: Database,
        spool: Spool,
        seal: Seal,
        desk: process.Desk,
        clock: Clock,
        alarm: timedelta = ALARM,
    ) -> None:
        self._database = database
        self._spool = spool
        self._seal = seal
        self._desk = desk
        self._clock = clock
        self._alarm = alarm
        self._notices = Notices(database, seal, clock)
        self._recovery = Recovery(database, seal, clock)

    def prepare(self, number: int) -> Prepared:
        """Everything that needs no lock: the bytes read, verified and brought into form."""
        with self._database.read() as connection:
            one = deposits.get(connection, number)
        if one.state not in OPEN:
            return None
        try:
            return booths().examine(self._spool.read(one.deposit.id), one.deposit, self._desk)
        except (Rejected, NotYet) as answer:
            return answer
        except Unreachable:
            return NotYet("the store of deposits does not answer")
        except Exception as error:
            return _failure(error, one)

    def conclude(self, connection: sa.Connection, number: int, prepared: object) -> None:
        """The end of a treatment, in the transaction given."""
        one = deposits.get(connection, number)
        if one.state not in OPEN:
            return
        now = Received(self._clock())
        if isinstance(prepared, process.Examined):
            decided = releases.decision(connection, one, prepared, now)
            if decided is releases.Decision.WAITS:
                return
            if decided is releases.Decision.REFUSED:
                prepared = Rejected(Anomaly("FILE-UNRELEASED"))
        if isinstance(prepared, process.Examined | Rejected):
            try:
                with connection.begin_nested():
                    self._answer(connection, one, prepared, now)
            except NotYetInForce:
                prepared = NotYet("our seal is not in force yet")
            except Exception as error:
                prepared = _failure(error, one)
        if isinstance(prepared, NotYet):
            deposits.postpone(connection, one, Event.CANNOT_TELL, now, str(prepared))
            late = now.at - one.deposit.received > self._alarm
            if late:
                log.error("deposit.alarm", deposit=one.deposit.id, tries=one.tries + 1)
            else:
                log.warning("deposit.waits", deposit=one.deposit.id, tries=one.tries + 1)
        elif isinstance(prepared, Failure):
            state = deposits.postpone(connection, one, Event.FAILED, now, prepared.reason)
            log.error("deposit.failed", deposit=one.deposit.id, state=state, reason=prepared.reason)

    def answer(
        self, connection: sa.Connection, number: int, prepared: process.Examined | Rejected
    ) -> acktrt.Acknowledgement:
        """Effect and answers of a deposit, in the transaction given; what it was answered with."""
        return self._answer(connection, deposits.get(connection, number), prepared, Received(self._clock()))

    def sweep(self, now: Received, seconds: float = SLICE_SECONDS) -> bool:
        """Refuse what has waited too long for its affiliation, deposit by deposit; post the notices due;
        recover what is overdue; name in the log what lies unread."""
        releases.expire(self._database, now)
        unread.warn(self._database, now)
        given_back = [self._sweep(holding, now) for holding in _HOLDINGS]
        swept = [sweep(now.day, seconds) for sweep in (self._notices.sweep, self._recovery.sweep)]
        return all(given_back) and all(swept)

    def _sweep(self, holding: _Holding, now: Received) -> bool:
        with self._database.read() as connection:
            due = holding.expired(connection, now)
        done = True
        for number, refusals in due.items():
            try:
                with self._database.write() as connection:
                    self._expire(connection, holding, number, refusals, now)
            except Exception as error:
                done = False
                log.error("sweep.failed", deposit=number, reason=place_of(error))
        return done

    def _expire(
        self,
        connection: sa.Connection,
        holding: _Holding,
        number: int,
        refusals: Sequence[Refusal],
        now: Received,
    ) -> None:
        """Give held records back with a return of their own, unless they were decided meanwhile."""
        register = holding.register(connection)
        records = register.expire(number, [refusal.record.number for refusal in refusals])
        still = [refusal for refusal in refusals if refusal.record.number in records]
        if still:
            one = deposits.get(connection, number)
            document = self._write(Return(holding.code, still), one, now)
            self._post(connection, one, document, now.at)
            deposits.recount(connection, register.decided, now, expired=len(still))
            statistics.add(connection, number, chain.from_iterable(refusal.anomalies for refusal in still))

    def _answer(
        self, connection: sa.Connection, one: Kept, prepared: process.Examined | Rejected, now: Received
    ) -> acktrt.Acknowledgement:
        if deposits.name_used(connection, one):
            used = Anomaly("FILE-NAME-USED", value=one.deposit.name)
            if isinstance(prepared, Rejected):
                prepared = Rejected(used, *prepared.anomalies, judged=prepared.judged)
            else:
                prepared = Rejected(used, judged=prepared.evidence)
        if isinstance(prepared, Rejected):
            return self._refuse(connection, one, prepared, now)
        return self._treat(connection, one, prepared, now)

    def _refuse(
        self, connection: sa.Connection, one: Kept, refusal: Rejected, now: Received
    ) -> acktrt.Acknowledgement:
        if refusal.judged is not None:
            evidence.keep(connection, one.number, refusal.judged, refused=True)
        sequence, hashed = append(
            connection, at=now, event="rejected", subject=one.deposit.id, member=one.deposit.sender
        )
        header = self._seal.header(one.sender, now.at, one.deposit)
        found, explained = tuple(refusal.anomalies), explain(refusal.anomalies)
        failed = give_failure(
            connection, self._seal, one.sender, fail.Failure(header, found, explained), now.at
        )
        document = acktrt.Acknowledgement(
            header=header,
            verdict=Verdict.REJECTED,
            records=0,
            accepted=0,
            rejected=0,
            held=0,
            decisions=(),
            anomalies=found,
            explanations=explained,
            returns=(failed.name,),
            journal=wire.JournalEntry(sequence, hashed),
        )
        self._post(connection, one, acktrt.write(document), now.at)
        statistics.note(connection, one, None)
        statistics.add(connection, one.number, refusal.anomalies)
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
        return document

    def _treat(
        self, connection: sa.Connection, one: Kept, examined: process.Examined, now: Received
    ) -> acktrt.Acknowledgement:
        batch = examined.batch
        wages, activities = SqlWages(connection), SqlActivities(connection)
        registers = bind(connection, wages, activities, one.number)
        parts = [self._treat_part(connection, one, part, registers) for part in batch.parts or (batch,)]
        outcome = together([part.outcome for part in parts])
        names = [self._post(connection, one, self._write(each, one, now), now.at) for each in outcome.returns]
        names += self._tell_more(connection, one, outcome.returns, now)
        document = self._acknowledge(connection, one, batch, parts, names, now)
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
        deposits.recount(connection, wages.decided | activities.decided, now)
        evidence.keep(connection, one.number, examined.evidence)
        return document

    def _treat_part(
        self, connection: sa.Connection, one: Kept, batch: Batch, registers: Registers
    ) -> _Treated:
        received = Received(one.deposit.received)
        held = registers.mandates.held_by(one.sender)
        right = rights(held, batch.header.procedure, received)
        kind = kind_of(connection, one.sender)
        agency, fiduciary = kind == AGENCY, kind == FIDUCIARY
        invoices = rights(held, INVOICES, received)
        context = Context(one.number, received, one.sender, right, registers, agency, fiduciary, invoices)
        return _Treated(batch, right, self._judge(batch, context))

    def _judge(self, batch: Batch, context: Context) -> Outcome:
        return process.treat(batch, context)

    def _acknowledge(
        self,
        connection: sa.Connection,
        one: Kept,
        batch: Batch,
        parts: Sequence[_Treated],
        names: list[str],
        now: Received,
    ) -> acktrt.Acknowledgement:
        sequence, hashed = append(
            connection, at=now, event="treated", subject=one.deposit.id, member=one.deposit.sender
        )
        outcome = together([part.outcome for part in parts])
        anomalies = tuple(chain.from_iterable(part.anomalies for part in parts))
        if batch.parts:
            anomalies = tuple(map(in_payroll, anomalies))
        document = acktrt.Acknowledgement(
            header=self._seal.header(one.sender, now.at, one.deposit),
            verdict=outcome.verdict,
            records=batch.size,
            accepted=outcome.accepted,
            rejected=outcome.rejected,
            held=outcome.held,
            parts=tuple(part.told for part in parts) if batch.parts else (),
            decisions=tuple(
                chain.from_iterable(
                    record_decisions(connection, one, part.batch, part.outcome, part.right, now)
                    for part in parts
                )
            ),
            anomalies=anomalies,
            explanations=explain(anomalies),
            returns=tuple(names),
            journal=wire.JournalEntry(sequence, hashed),
        )
        self._post(connection, one, acktrt.write(document), now.at)
        statistics.note(connection, one, batch.header)
        for part in parts:
            statistics.add(connection, one.number, part.anomalies)
        return document

    def _tell_more(
        self, connection: sa.Connection, one: Kept, returns: Sequence[Return], now: Received
    ) -> Iterator[str]:
        """Post a page about refusals that need more than a sentence; its name."""
        header = self._seal.header(one.sender, now.at, one.deposit)
        for each in returns:
            if each.code == detret.CODE:
                page = info.of(header, cast(Sequence[Refusal], each.content))
                if page is not None:
                    yield give_page(connection, self._seal, one.sender, page, now.at).name

    def _write(self, answer: Return, one: Kept, now: Received) -> etree._Element:
        header = self._seal.header(one.sender, now.at, one.deposit)
        return _RETURNS[answer.code](header, answer)

    def _post(self, connection: sa.Connection, one: Kept, document: etree._Element, at: datetime) -> str:
        return give(connection, self._seal, one.sender, document, at, one.deposit.id).name


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


def _settled(header: wire.AnswerHeader, answer: Return) -> etree._Element:
    return manass.write(manass.of(header, cast(Sequence[Settlement], answer.content)))


def _certified(header: wire.AnswerHeader, answer: Return) -> etree._Element:
    return certif.write(certif.of(header, cast(Sequence[Certificate], answer.content)))


def _compared(header: wire.AnswerHeader, answer: Return) -> etree._Element:
    (comparison,) = cast(Sequence[Comparison], answer.content)
    return difcal.write(difcal.Differences(header, comparison))


_RETURNS: dict[str, Callable[[wire.AnswerHeader, Return], etree._Element]] = {
    matass.CODE: _assigned(matass.of, matass.write),
    matret.CODE: _refused(matret.of, matret.write),
    affret.CODE: _refused(affret.of, affret.write),
    salret.CODE: _refused(salret.of, salret.write),
    recret.CODE: _refused(recret.of, recret.write),
    malret.CODE: _refused(malret.of, malret.write),
    matuti.CODE: _assigned(matuti.of, matuti.write),
    utiret.CODE: _refused(utiret.of, utiret.write),
    detret.CODE: _refused(detret.of, detret.write),
    intret.CODE: _refused(intret.of, intret.write),
    empass.CODE: _assigned(empass.of, empass.write),
    empret.CODE: _refused(empret.of, empret.write),
    manass.CODE: _settled,
    manret.CODE: _refused(manret.of, manret.write),
    certif.CODE: _certified,
    cerret.CODE: _refused(cerret.of, cerret.write),
    ownret.CODE: _refused(ownret.of, ownret.write),
    difcal.CODE: _compared,
}


@dataclass(frozen=True, slots=True)
class _Holding:
    """A register some of whose records wait for an affiliation.

    Attributes:
        code: of the return that gives back what has waited too long.
        register: bound to a transaction.
        expired: by number of deposit, the refusals due.
    """

    code: str
    register: Callable[[sa.Connection], SqlWages | SqlActivities]
    expired: Callable[[sa.Connection, Received], Mapping[int, Sequence[Refusal]]]


_HOLDINGS = (
    _Holding(
        salret.CODE, SqlWages, lambda connection, now: wages_on_hold(SqlWages(connection).waiting(), now)
    ),
    _Holding(
        detret.CODE,
        SqlActivities,
        lambda connection, now: activities_on_hold(SqlActivities(connection).waiting(), now),
    ),
)


def _failure(error: Exception, one: Kept) -> Failure:
    reason = place_of(error)
    log.error("treatment.failed", deposit=one.deposit.id, reason=reason)
    return Failure(reason)
