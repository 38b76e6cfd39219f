"""Some employers' statements of a month in one transaction: what they charge, and all that is kept of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any, NamedTuple

import sqlalchemy as sa

from adapters.billing import holds
from adapters.billing.documents import Posting
from adapters.billing.reckoning import Reckoning, classification_of, reckon
from adapters.database import tables
from adapters.database.journal import Event, append_all
from adapters.database.ledger import SqlArrangements, SqlLedger
from adapters.database.registers import recalculations
from adapters.database.registers.charges import SqlCharges
from adapters.database.registers.employers import SqlEmployers
from adapters.database.registers.keys import enter, keyed, many
from adapters.database.registers.refunds import SqlRefunds
from gateway.billing.charges import RecordKey
from gateway.billing.holds import Code, Hold
from gateway.billing.settlement import (
    Account,
    DeclaredOf,
    Occasion,
    entries_of,
    invoice,
    last_day_to_pay,
)
from gateway.billing.statement import Declared, Invoice, Payee, Terms
from gateway.contributions import NoParametersError, Policy, schedule_of
from gateway.ledger.entries import Entry
from gateway.ledger.interest import interest_due
from gateway.ledger.position import PlanState, Position, position
from gateway.moments import Period, Received
from gateway.registers import Employer
from gateway.seal import Seal

deposit = tables.table(tables.Deposit)
direct_debit = tables.table(tables.DirectDebit)
law_used = tables.table(tables.LawUsed)
statement = tables.table(tables.Statement)

_COLUMNS = tuple(column.name for column in statement.columns)


@keyed(1)
def _debited(wanted: sa.FromClause) -> sa.Select[Any]:
    """Employers from whose bank account we collect."""
    return (
        sa.select(direct_debit.c.employer)
        .join(wanted, direct_debit.c.employer == wanted.c.a)
        .where(sa.text(f"direct_debit.{tables.STILL_HOLDS}"))
    )


@keyed(1)
def _last_of(wanted: sa.FromClause) -> sa.Select[Any]:
    """The last statements of employers."""
    later = statement.alias("later")
    latest = sa.select(sa.func.max(later.c.period)).where(later.c.employer == wanted.c.a)
    return sa.select(statement.c.employer, statement.c.period, statement.c.balance, statement.c.entries).join(
        wanted,
        sa.and_(statement.c.employer == wanted.c.a, statement.c.period == latest.scalar_subquery()),
    )


@dataclass(frozen=True, slots=True)
class Issued:
    """A statement as it was issued.

    Attributes:
        number: as it is printed.
        employer: matricule.
        total: what is owed after it, in cents; negative in the employer's favour.
        recipients: members to whom it was posted.
        held: what could not be computed beside it.
    """

    number: str
    employer: str
    total: int
    recipients: tuple[str, ...]
    held: tuple[Hold, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """An employer whose statement could not be made, and why."""

    employer: str
    held: tuple[Hold, ...]


@dataclass(frozen=True, slots=True)
class _Last:
    """The last statement of an employer: its month, its balance, the last entry of the ledger in it."""

    period: Period
    balance: int
    entries: int


@dataclass(frozen=True, slots=True)
class _Made:
    """A statement that is ready to be entered."""

    occasion: Occasion
    reckoning: Reckoning
    invoice: Invoice


class Block:
    """The statements of some employers for one month, within a transaction.

    Args:
        now: moment of issue.
    """

    def __init__(
        self,
        connection: sa.Connection,
        seal: Seal,
        payee: Payee,
        policy: Policy,
        period: Period,
        now: Received,
    ) -> None:
        self._connection = connection
        self._seal = seal
        self._payee = payee
        self._policy = policy
        self._period = period
        self._now = now
        self._ledger = SqlLedger(connection)
        self._booked: Mapping[str, int] = {}

    def issue(self, employers: Sequence[str]) -> list[Issued | Held]:
        """Issue what is still due to employers, in their order; those with nothing to state are left out."""
        last = _last_statements(self._connection, employers)
        asked = [one for one in employers if one not in last or last[one].period < self._period]
        known = SqlEmployers(self._connection).get(asked, self._period.year)
        held: dict[str, Sequence[Hold]] = {
            one: _missing(one, self._period, self._now, one in known) for one in asked
        }
        holds.add(self._connection, [one for each in held.values() for one in each], self._now)
        billable = [one for one in asked if not held[one]]
        until = {one: last[one].period if one in last else None for one in billable}
        found = reckon(self._connection, until, self._period, self._now, policy=self._policy)
        accounts = self._accounts(billable, last)
        held |= {one: found[one].holds for one in billable}
        holds.note(self._connection, {one: found[one].holds for one in billable}, self._now)
        due = [one for one in billable if _worth_stating(found[one], accounts[one])]
        made = [*self._made([known[one] for one in due], found, accounts)]
        self._enter(made)
        self._settle(billable, made)
        posted = {one.employer: one for one in self._publish(made)}
        return [
            posted[one] if one in posted else Held(one, tuple(held[one]))
            for one in asked
            if one in posted or held[one]
        ]

    def _made(
        self,
        employers: Sequence[Employer],
        found: Mapping[str, Reckoning],
        accounts: Mapping[str, Account],
    ) -> Iterator[_Made]:
        # The write lock is ours: numbers follow each other without gaps.
        latest = self._connection.execute(sa.select(sa.func.max(statement.c.number))).scalar() or 0
        declared = declared_of(
            self._connection,
            {
                record.deposit
                for one in employers
                for change in found[one.matricule].changes
                for charge in (change.before, change.after)
                if charge is not None
                for record in charge.basis.records
            },
        )
        for number, employer in enumerate(employers, latest + 1):
            reckoning, account = found[employer.matricule], accounts[employer.matricule]
            occasion = Occasion(
                number,
                employer.matricule,
                employer.name,
                classification_of(employer),
                self._period,
                self._now,
                self._policy,
            )
            due = invoice(occasion, reckoning.changes, reckoning.refunds, account, declared)
            yield _Made(occasion, reckoning, due)

    def _accounts(self, employers: Collection[str], last: Mapping[str, _Last]) -> Mapping[str, Account]:
        """The accounts as they stand, with the interest that has become due."""
        arrangements, day = SqlArrangements(self._connection), self._now.day
        plans, disputes = arrangements.plans(employers), arrangements.disputes(employers)
        entries = self._ledger.of_many(employers)
        interest = [
            one
            for employer, booked in entries.items()
            for one in interest_due(
                booked, plans.get(employer, ()), disputes.get(employer, ()), day, booked=self._now
            )
        ]
        if interest:
            self._ledger.enter(interest)
            entries = self._ledger.of_many(employers)
        self._booked = {employer: booked[-1].number or 0 for employer, booked in entries.items()}
        debited, due = self._debited(employers), last_day_to_pay(self._now)
        accounts = {}
        for one in employers:
            booked = entries.get(one, ())
            settling = _Settling(Terms.DIRECT_DEBIT if one in debited else Terms.TRANSFER)
            if one in plans:
                stands = position(booked, plans[one], disputes.get(one, ()), employer=one, day=day)
                settling = _settling(stands, due, debited=one in debited)
            accounts[one] = Account(
                previous_balance=last[one].balance if one in last else 0,
                entries=_since(booked, last.get(one)),
                payee=self._payee,
                terms=settling.terms,
                deferred=settling.deferred,
            )
        return accounts

    def _debited(self, employers: Collection[str]) -> set[str]:
        """Those from whose bank account we collect."""
        return {row.employer for row in _debited(self._connection, employers)}

    def _enter(self, made: Sequence[_Made]) -> None:
        """Book statements, and enter what they charge."""
        entries = [entry for one in made for entry in entries_of(one.occasion, one.invoice.calculation)]
        latest = {one.occasion.employer: self._booked.get(one.occasion.employer, 0) for one in made}
        for number, entry in zip(self._ledger.enter(entries), entries, strict=True):
            latest[entry.employer or ""] = number
        enter(
            self._connection,
            "statement",
            _COLUMNS,
            (_row(one, latest[one.occasion.employer]) for one in made),
        )
        charged = [(one.occasion.employer, one.occasion.number, one.reckoning.changes) for one in made]
        SqlCharges(self._connection).add_all(charged)
        stated = {one.occasion.period for one in made}
        self._note_law({change.key.period for *_, changes in charged for change in changes} | stated)
        refunds = SqlRefunds(self._connection)
        for one in made:
            if one.reckoning.refunds:
                refunds.add(one.occasion.employer, one.occasion.number, one.reckoning.refunds)
        balances = self._ledger.balances([one.occasion.employer for one in made])
        for one in made:
            said, kept = one.invoice.statement.balance, balances[one.occasion.employer]
            if said != kept:
                raise ArithmeticError(f"statement {one.occasion.text} says {said}, the ledger {kept}")

    def _note_law(self, charged: Collection[Period]) -> None:
        """Note by which values months were charged, those charged for the first time."""
        day = self._now.day
        many(
            self._connection,
            "INSERT INTO law_used (period, fingerprint) VALUES (?, ?) ON CONFLICT DO NOTHING",
            ((str(one), schedule_of(one, day).fingerprint) for one in charged),
        )

    def _settle(self, looked_at: Collection[str], made: Sequence[_Made]) -> None:
        """What had to be looked at again was."""
        numbers = {one.occasion.employer: one.occasion.number for one in made}
        recalculations.settle(self._connection, ((one, numbers.get(one)) for one in looked_at))

    def _publish(self, made: Sequence[_Made]) -> list[Issued]:
        """Seal and post the documents, and write the journal."""
        posting = Posting(self._connection, self._seal, [one.occasion.employer for one in made], self._now)
        issued, events = [], []
        for occasion, reckoning, due in ((one.occasion, one.reckoning, one.invoice) for one in made):
            text, employer = occasion.text, occasion.employer
            events.append(Event(self._now, "billed", f"{text} {employer}"))
            events += posting.add(occasion, due)
            members = tuple(map(str, posting.recipients(employer)))
            issued.append(Issued(text, employer, due.statement.balance, members, reckoning.holds))
        posting.finish()
        if events:
            append_all(self._connection, events)
        return issued


def _worth_stating(found: Reckoning, account: Account) -> bool:
    return bool(found.changes or found.refunds or account.entries or account.previous_balance)


def _since(entries: Sequence[Entry], last: _Last | None) -> Sequence[Entry]:
    """Those that no statement has shown."""
    return entries if last is None else [one for one in entries if (one.number or 0) > last.entries]


class _Settling(NamedTuple):
    """How what an employer owes is settled, and what a payment plan leaves for later."""

    terms: Terms
    deferred: int | None = None


def _settling(stands: Position, due: date, *, debited: bool) -> _Settling:
    """How an employer with such an account settles what is due on a day.

    Args:
        debited: whether it is collected from the employer's bank account.
    """
    kept = [one for one in stands.plans if one.state is PlanState.KEPT]
    if not kept:
        return _Settling(Terms.DIRECT_DEBIT if debited else Terms.TRANSFER)
    covered = sum(one.open for one in stands.items if one.plan is not None)
    covered += sum(one.open for one in stands.interest if one.plan is not None)
    asked = sum(max(0, one.plan.asked_by(due) - one.settled) for one in kept)
    return _Settling(Terms.PLAN, max(0, covered - asked))


def _row(one: _Made, entries: int) -> tuple[object, ...]:
    """A row of the table of statements, in the order of `_COLUMNS`."""
    occasion, said = one.occasion, one.invoice.statement
    row = {
        "number": occasion.number,
        "employer": occasion.employer,
        "period": str(occasion.period),
        "issued": str(occasion.at),
        "due": said.due.isoformat(),
        "previous_balance": said.previous_balance,
        "booked": said.booked,
        "contributions": said.contributions,
        "corrected": said.corrected,
        "refunded": said.refunded,
        "balance": said.balance,
        "payable": said.payable,
        "entries": entries,
        "policy": said.policy.name,
        "parameters": said.policy.parameters,
    }
    return tuple(row[name] for name in _COLUMNS)


def _missing(employer: str, period: Period, now: Received, classed: bool) -> list[Hold]:
    """Why no statement of a month can be made for an employer at all."""
    if not classed:
        return [Hold(Code.CLASSIFICATION, employer, Period(period.year, 1))]
    try:
        schedule_of(period, now.day)
    except NoParametersError as error:
        return [Hold(Code.PARAMETERS, employer, period, detail=error.name)]
    return []


def _last_statements(connection: sa.Connection, employers: Collection[str]) -> Mapping[str, _Last]:
    """The last statement of each employer; those without any are absent."""
    rows = _last_of(connection, employers)
    return {row[0]: _Last(Period.parse(row[1]), row[2], row[3]) for row in rows}


def declared_of(connection: sa.Connection, expected: Collection[int] = ()) -> DeclaredOf:
    """Names the deposits of records, each looked up once.

    Args:
        expected: numbers of deposits that will be asked for.
    """
    known: dict[int, tuple[str, str]] = {}

    def look_up(numbers: Collection[int]) -> None:
        columns = deposit.c.number, deposit.c.id, deposit.c.digest
        for first in range(0, len(numbers), _DEPOSITS_AT_ONCE):
            some = list(islice(numbers, first, first + _DEPOSITS_AT_ONCE))
            found = connection.execute(sa.select(*columns).where(deposit.c.number.in_(some)))
            known.update({number: (name, digest) for number, name, digest in found})

    def declared(records: Sequence[RecordKey]) -> tuple[Declared, ...]:
        missing = [number for number, _ in records if number not in known]
        if missing:
            look_up(missing)
        return tuple([Declared(*known[number], record) for number, record in records])

    look_up(expected)
    return declared


_DEPOSITS_AT_ONCE = 500
"""Numbers that one question names, far fewer than any database takes."""
