"""Simulations: a batch goes through the real pipeline on the registers as they stand, and all is undone.

What a simulation tells is what sending would bring, since it is the same code on the same rows in a
transaction like that of a deposit, which is rolled back at its end. That transaction holds the write lock, so
there is one simulation at a time; one begins only when no deposit waits, and then rests for as long as it
held the lock: deposits always have the better half of the time. What is left of it is one line of the journal
with the digest of the file; file and answer are never written to disk.
"""

from __future__ import annotations

import hashlib
import threading
import time
import uuid
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from adapters.billing import note_law
from adapters.billing.reckoning import Reckoning, reckon
from adapters.booth import booths
from adapters.database import Database, deposits, tables
from adapters.database.journal import append
from adapters.database.registers import recalculations
from adapters.database.registers.charges import SqlCharges
from adapters.database.registers.keys import keyed
from adapters.database.registers.mandates import SqlMandates
from adapters.database.registers.refunds import SqlRefunds
from adapters.treatment import Treatment
from gateway import process, wire
from gateway.batch import Batch, MemberId
from gateway.billing.charges import Standing
from gateway.billing.simulation import Due, Effect, Rules, effect, rules
from gateway.contributions import Policy
from gateway.mandates import INVOICES, rights
from gateway.moments import Clock, Period, Received
from gateway.outcome import NotYet, Rejected
from gateway.process import Desk
from gateway.returns import acktrt, simres
from gateway.seal import Seal
from gateway.states import OPEN, State
from inbox.receive import Deposit, TooLarge

absence = tables.table(tables.Absence)
deposit = tables.table(tables.Deposit)
statement = tables.table(tables.Statement)
wage = tables.table(tables.Wage)

LARGEST_BYTES = 10_000_000
MOST_RECORDS = 5_000
PER_MINUTE = 10
WAITING_AT_ONCE = 8
WAITING_OF_ONE = 2
"""Of one member: nobody else has to wait for slow uploads."""
PATIENCE_SECONDS = 10.0
LOOK_SECONDS = 0.05

_MINUTE = 60.0
_MOST_WAGES = 8_000
"""Wages that the statements of one simulation may hold: some five seconds of the write lock."""
_MONTHS_BACK = 12
_SUMS = (
    "previous_balance",
    "booked",
    "contributions",
    "corrected",
    "refunded",
    "balance",
    "payable",
    "entries",
)
_DEFAULT = Policy()


@keyed(1)
def _wages_since(wanted: sa.FromClause) -> sa.Select[Any]:
    """How many wages stand for employers from a month on."""
    return (
        sa.select(sa.func.count())
        .select_from(wage.join(wanted, wage.c.employer == wanted.c.a))
        .where(sa.text(f"wage.{tables.WAGE_STANDS}"), wage.c.period >= sa.bindparam("since"))
    )


class NotNow(Exception):
    """No simulation can be made for this member now; nothing is wrong with the batch."""

    def __init__(self, why: str, seconds: int) -> None:
        super().__init__(f"{why}; try again in {seconds} seconds")
        self.seconds = seconds


class NotSimulated(Exception):
    """This file cannot be simulated at all; the sentence says why."""


@dataclass(frozen=True, slots=True)
class _Judged:
    """What sending would bring: the acknowledgement, and the effect on statements."""

    acknowledgement: acktrt.Acknowledgement
    rules: Rules | None
    effects: tuple[Effect, ...]
    untold: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Account:
    """How far an employer is to be computed.

    Attributes:
        first: month of its next statement.
        horizon: the last month that holds anything, or the next one to be charged.
        last: month of its last statement; None without any.
    """

    first: Period
    horizon: Period
    last: Period | None

    @property
    def months(self) -> Sequence[Period]:
        """The months to be charged, in order."""
        count = (self.horizon.year - self.first.year) * 12 + self.horizon.month - self.first.month + 1
        return [self.first.plus(month) for month in range(count)]


class _Bills:
    """Statements of some employers, computed and entered as far as those of later months need them."""

    def __init__(
        self, connection: sa.Connection, accounts: Mapping[str, _Account], now: Received, policy: Policy
    ) -> None:
        self._connection = connection
        self._accounts = accounts
        self._now = now
        self._policy = policy
        self._last = {employer: account.last for employer, account in accounts.items()}
        self._found: Mapping[str, list[Reckoning]] = {employer: [] for employer in accounts}

    def issue(self, period: Period) -> None:
        """The statements of a month."""
        asked = [one for one, account in self._accounts.items() if account.first <= period <= account.horizon]
        until = {one: self._last[one] for one in asked}
        found = reckon(self._connection, until, period, self._now, policy=self._policy)
        for employer, one in found.items():
            self._found[employer].append(one)
        later = [one for one in asked if self._accounts[one].horizon > period]
        self._enter({one: found[one] for one in later}, period)

    @property
    def due(self) -> Mapping[str, Due]:
        """By employer, all that they charge."""
        return {
            employer: Due(
                [change for one in found for change in one.changes],
                [change for one in found for change in one.refunds],
                list(dict.fromkeys(hold for one in found for hold in one.holds)),
            )
            for employer, found in self._found.items()
        }

    def _enter(self, found: Mapping[str, Reckoning], period: Period) -> None:
        charges, refunds = SqlCharges(self._connection), SqlRefunds(self._connection)
        for employer, one in found.items():
            entered = sa.insert(statement).values(
                **dict.fromkeys(_SUMS, 0),
                employer=employer,
                period=str(period),
                issued=str(self._now),
                due="",
                policy=self._policy.name,
                parameters="",
            )
            number = self._connection.execute(entered.returning(statement.c.number)).scalar_one()
            charges.add(employer, number, one.changes)
            refunds.add(employer, number, one.refunds)
            self._last[employer] = period
        recalculations.settle(self._connection, ((employer, None) for employer in found))


class Simulations:
    """Simulates batches for the members of a gateway.

    Args:
        database: whose registers count.
        treatment: the counter of the gateway.
        desk: what the counter knows.
        seal: ours.
        clock: of the gateway.
        largest: bytes of a deposit.
        tick: seconds that never go back, for limits.
    """

    def __init__(
        self,
        database: Database,
        treatment: Treatment,
        desk: Desk,
        seal: Seal,
        clock: Clock,
        *,
        largest: int,
        policy: Policy = _DEFAULT,
        tick: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._treatment = treatment
        self._desk = desk
        self._seal = seal
        self._clock = clock
        self.largest = min(largest, LARGEST_BYTES)
        self._policy = policy
        self._tick = tick
        self._limits = threading.Lock()
        self._asked: defaultdict[MemberId, deque[float]] = defaultdict(deque)
        self._waiting: Counter[MemberId] = Counter()
        self._turn = threading.Lock()
        self._rest_until = 0.0

    @contextmanager
    def admission(self, member: MemberId) -> Iterator[None]:
        """Let a member in, before the file is read; leaving makes room for others.

        Raises:
            NotNow: the member asked too often, or too many wait, of it or of all.
        """
        with self._limits:
            now = self._tick()
            self._forget(now)
            asked = self._asked[member]
            if len(asked) >= PER_MINUTE:
                wait = int(asked[0] + _MINUTE - now) + 1
                raise NotNow(f"a member may simulate {PER_MINUTE} batches a minute", wait)
            if self._waiting.total() >= WAITING_AT_ONCE or self._waiting[member] >= WAITING_OF_ONE:
                raise NotNow("other simulations are waiting", 5)
            asked.append(now)
            self._waiting[member] += 1
        try:
            yield
        finally:
            with self._limits:
                self._waiting[member] -= 1

    def _forget(self, now: float) -> None:
        for member in list(self._asked):
            asked = self._asked[member]
            while asked and asked[0] <= now - _MINUTE:
                asked.popleft()
            if not asked:
                del self._asked[member]

    def simulate(self, member: MemberId, name: str, content: bytes) -> bytes:
        """What would become of a batch if the member sent it now: a sealed SIMRES.

        Raises:
            NotNow: deposits come first, or a check cannot be made at present.
            NotSimulated: the same bytes were deposited before, or it has too many records, or
                the next statements concerned too many wages.
            TooLarge: it has too many bytes.
        """
        if len(content) > self.largest:
            raise TooLarge(self.largest)
        digest = hashlib.sha256(content).hexdigest()
        tried = Deposit(
            str(uuid.uuid4()), str(member), name, len(content), digest, self._clock(), "simulation"
        )
        prepared = self._prepare(content, tried)
        with self._alone():
            judged = self._judge(member, tried, prepared)
        return self._answer(member, tried, judged)

    def _prepare(self, content: bytes, tried: Deposit) -> process.Examined | Rejected:
        try:
            prepared = booths().examine(content, tried, self._desk)
        except Rejected as refusal:
            return refusal
        except NotYet as unknown:
            raise NotNow(str(unknown), 60) from None
        if prepared.batch.size > MOST_RECORDS:
            raise NotSimulated(f"A simulation takes at most {MOST_RECORDS} records; split the batch.")
        return prepared

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One at a time, when no deposit waits, with rests between."""
        until = self._tick() + PATIENCE_SECONDS
        if not self._turn.acquire(timeout=PATIENCE_SECONDS):
            raise NotNow("another simulation is under way", 5)
        try:
            while self._tick() < self._rest_until or deposits_wait(self._database, Received(self._clock())):
                if self._tick() >= until:
                    raise NotNow("deposits are being treated, and come first", 30)
                time.sleep(LOOK_SECONDS)
            began = self._tick()
            try:
                yield
            finally:
                ended = self._tick()
                self._rest_until = ended + (ended - began)
        finally:
            self._turn.release()

    def _judge(self, member: MemberId, tried: Deposit, prepared: process.Examined | Rejected) -> _Judged:
        database = self._database
        with database.engine.connect() as connection, database.dialect.tentative(connection):
            transaction = connection.begin()
            try:
                return self._try(connection, member, tried, prepared)
            finally:
                transaction.rollback()

    def _try(
        self,
        connection: sa.Connection,
        member: MemberId,
        tried: Deposit,
        prepared: process.Examined | Rejected,
    ) -> _Judged:
        """Do all of it in a transaction that will be rolled back."""
        _check_is_new(connection, tried)
        now = Received(self._clock())
        note_law(connection, now)
        told, untold = _employers(connection, member, prepared, now)
        before = connection.begin_nested()
        number = _enter(connection, tried)
        acknowledgement = self._treatment.answer(connection, number, prepared)
        if isinstance(prepared, Rejected):
            return _Judged(acknowledgement, None, (), ())
        accounts = {one: account for one in told if (account := _account(connection, one)) is not None}
        _check_is_small(connection, accounts)
        with_it = self._billed(connection, accounts, now)
        before.rollback()
        before = connection.begin_nested()
        without = self._billed(connection, accounts, now)
        before.rollback()
        effects = tuple(
            self._effect(connection, employer, account, without[employer], with_it[employer], now)
            for employer, account in accounts.items()
        )
        by = rules(effects, now.day, self._policy)
        return _Judged(acknowledgement, by, effects, tuple(untold))

    def _billed(
        self, connection: sa.Connection, accounts: Mapping[str, _Account], now: Received
    ) -> Mapping[str, Due]:
        """What the next statements charge, month after month as the billing run would issue them."""
        bills = _Bills(connection, accounts, now, self._policy)
        for period in sorted({period for account in accounts.values() for period in account.months}):
            bills.issue(period)
        return bills.due

    def _effect(
        self,
        connection: sa.Connection,
        employer: str,
        account: _Account,
        without: Due,
        with_it: Due,
        now: Received,
    ) -> Effect:
        told = [
            {(one.key, one.after and one.after.amounts()) for one in due.changes}
            for due in (without, with_it)
        ]
        insured = {key.insured for key, _ in told[0] ^ told[1]}
        standing, first = Standing({}, {}), None
        if account.last is not None:
            standing, first = SqlCharges(connection).standing(employer, insured), account.last.plus(1)
        horizon, policy, known = account.horizon, self._policy, now.day
        return effect(employer, first, horizon, standing, without, with_it, policy, known)

    def _answer(self, member: MemberId, tried: Deposit, judged: _Judged) -> bytes:
        now = Received(self._clock())
        with self._database.write() as connection:
            sequence, hashed = append(
                connection,
                at=now,
                event="simulated",
                subject=tried.id,
                member=str(member),
                digest=tried.digest,
            )
        said = judged.acknowledgement
        document = simres.Simulation(
            header=self._seal.header(member, now.at),
            file=simres.Simulated(tried.name, tried.size, tried.digest, Received(tried.received)),
            verdict=said.verdict,
            records=said.records,
            accepted=said.accepted,
            rejected=said.rejected,
            held=said.held,
            parts=said.parts,
            anomalies=said.anomalies,
            explanations=said.explanations,
            rules=judged.rules,
            effects=judged.effects,
            untold=judged.untold,
            journal=wire.JournalEntry(sequence, hashed),
        )
        return self._seal.sign(simres.write(document), now.at)


def deposits_wait(database: Database, now: Received) -> bool:
    """Whether any deposit is to be treated now: deposits come first."""
    query = sa.select(deposit.c.number).where(
        deposit.c.state.in_([state.value for state in OPEN]),
        sa.or_(deposit.c.not_before.is_(None), deposit.c.not_before <= str(now)),
    )
    with database.read() as connection:
        return connection.execute(query.limit(1)).first() is not None


def _check_is_small(connection: sa.Connection, accounts: Mapping[str, _Account]) -> None:
    """Refuse what would keep the database to itself for long.

    Raises:
        NotSimulated: the next statements would hold too many wages.
    """
    since = min((account.first for account in accounts.values()), default=None)
    if since is None:
        return
    [(wages,)] = _wages_since(connection, accounts, since=str(since))
    if wages > _MOST_WAGES:
        raise NotSimulated(f"the next statements concerned hold more than {_MOST_WAGES} wages")


def _check_is_new(connection: sa.Connection, tried: Deposit) -> None:
    first = deposits.first_of(connection, tried.sender, tried.digest, tried.name)
    if first is not None:
        raise NotSimulated(
            f"These very bytes were deposited already, as {first.id}: sent again, they do nothing."
        )


def _enter(connection: sa.Connection, tried: Deposit) -> int:
    """Enter what is tried as a deposit, so that the counter finds it; undone with all the rest."""
    received = str(Received(tried.received))
    entered = sa.insert(deposit).values(
        id=tried.id,
        sender=tried.sender,
        name=tried.name,
        size=tried.size,
        digest=tried.digest,
        received=received,
        door=tried.door,
        receipt=b"",
        state=State.RECEIVED.value,
        changed=received,
        tries=0,
    )
    number: int = connection.execute(entered.returning(deposit.c.number)).scalar_one()
    return number


def _employers(
    connection: sa.Connection, member: MemberId, prepared: process.Examined | Rejected, now: Received
) -> tuple[Sequence[str], Sequence[str]]:
    """The employers of a batch for whom the member acts: those whose invoices it may see, and the others."""
    if isinstance(prepared, Rejected):
        return (), ()
    held = SqlMandates(connection).held_by(member)
    named = {
        employer
        for part in prepared.batch.parts or (prepared.batch,)
        for employer in _named(part) & rights(held, part.header.procedure, now).mandates.keys()
    }
    seen = named & rights(held, INVOICES, now).mandates.keys()
    return sorted(seen), sorted(named - seen)


def _named(part: Batch) -> Collection[str]:
    return {record.fields.get("Employer", "") for record in part.records}


def _account(connection: sa.Connection, employer: str) -> _Account | None:
    """Until when an employer is computed; None when there is nothing to compute."""
    queries = (
        sa.select(sa.func.min(wage.c.period), sa.func.max(wage.c.period)).where(
            wage.c.employer == employer, sa.text(f"wage.{tables.WAGE_STANDS}")
        ),
        sa.select(sa.func.min(absence.c.period), sa.func.max(absence.c.period)).where(
            absence.c.employer == employer, sa.text(f"absence.{tables.ABSENCE_STANDS}")
        ),
    )
    found = [Period.parse(text) for query in queries for text in connection.execute(query).one() if text]
    stated = connection.execute(
        sa.select(sa.func.max(statement.c.period)).where(statement.c.employer == employer)
    ).scalar()
    if stated is not None:
        last = Period.parse(stated)
        return _Account(last.plus(1), max([last.plus(1), *found]), last)
    if not found:
        return None
    return _Account(max(min(found), max(found).plus(-_MONTHS_BACK)), max(found), None)
