"""Files of the bank are taken in: each booking once, to the account of its employer or to that of nobody yet.

One transaction a file: its row, the rows of its payments, their entries in the ledger, and the journal entry.
A file whose bytes were taken in before changes nothing. Neither does a booking that another file told: a
statement repeats what notifications told, as one sum or in its parts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from hashlib import sha256
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from adapters.bank.read import read
from adapters.database import Database, tables
from adapters.database.journal import append
from adapters.database.ledger import SqlArrangements, SqlLedger
from adapters.database.registers.keys import Keyed, keyed
from gateway.ledger.entries import EntryKind, assigned_payment
from gateway.moments import Received
from gateway.payments import (
    BankFile,
    Held,
    Match,
    Order,
    OrderKind,
    Payment,
    PaymentAnomaly,
    booking,
    match,
    quoted,
    split,
    unmatched,
)

bank_file = tables.table(tables.BankFile)
bank_order = tables.table(tables.BankOrder)
employer_table = tables.table(tables.Employer)
payment_table = tables.table(tables.Payment)


class State(StrEnum):
    """How far a payment has come."""

    MATCHED = "matched"
    """Booked to its employer."""
    UNMATCHED = "unmatched"
    """Booked as money of nobody yet; waits for the operator."""
    ASSIGNED = "assigned"
    """Was unmatched, and was given to an employer by the operator."""
    HELD = "held"
    """Not booked, because it is not in euro and whole cents; waits for the operator."""
    SPLIT = "split"
    """Was unmatched, until another file told what it consists of; its booking is reversed."""


def _payments(column: sa.Column[str]) -> Keyed:
    """Those with values in a column that were not taken apart."""
    whole = payment_table.c.state != State.SPLIT.value
    return Keyed(1, lambda wanted: sa.select(payment_table).join(wanted, column == wanted.c.a).where(whole))


def _ordered(column: sa.Column[str]) -> Keyed:
    """What we ordered, with values in a column."""
    return Keyed(1, lambda wanted: sa.select(bank_order).join(wanted, column == wanted.c.a))


@keyed(1)
def _told(wanted: sa.FromClause) -> sa.Select[Any]:
    """References that an earlier file told."""
    return sa.select(payment_table.c.reference).join(wanted, payment_table.c.reference == wanted.c.a)


@keyed(1)
def _registered(wanted: sa.FromClause) -> sa.Select[Any]:
    """Employers that are in the register."""
    return sa.select(employer_table.c.matricule).join(wanted, employer_table.c.matricule == wanted.c.a)


_PAYMENTS = {column: _payments(column) for column in (payment_table.c.entry, payment_table.c.reference)}
_OF_BATCH, _OF_END_TO_END = _ordered(bank_order.c.batch), _ordered(bank_order.c.end_to_end)


class NotAssigned(Exception):
    """A payment cannot be given to an employer: the sentence says why."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of a file. Amounts in cents, positive for money in.

    Attributes:
        digest: SHA-256 of the file.
        reports: identifications of the statements or notifications in it.
        again: the same bytes were taken in before; nothing was done.
        matched: references of payments booked to an employer.
        unmatched: references of those booked as money of nobody, with the reason.
        held: references of those not booked, with the reason.
        repeated: payments that an earlier file told already.
        amount: sum of what was booked.
    """

    digest: str
    reports: tuple[str, ...]
    again: bool = False
    matched: tuple[str, ...] = ()
    unmatched: Mapping[str, PaymentAnomaly] = field(default_factory=dict)
    held: Mapping[str, PaymentAnomaly] = field(default_factory=dict)
    repeated: int = 0
    amount: int = 0


@dataclass(frozen=True, slots=True)
class Waiting:
    """A payment that waits for the operator.

    Attributes:
        reference: by which it is assigned.
        booked: day of the bank's booking.
        amount: in cents; None when it is not booked.
        told: amount as the bank wrote it, when it is not booked.
        name, iban: of the other party.
        text: what it wrote, structured reference first.
        anomaly: why it waits.
    """

    reference: str
    booked: date
    amount: int | None
    told: str | None
    name: str | None
    iban: str | None
    text: str
    anomaly: PaymentAnomaly


def take(database: Database, raw: bytes, account: str, at: Received) -> Taken:
    """Take in a file of the bank; it is read before the transaction begins, so that nobody waits for that.

    Args:
        database: whose ledger it is for.
        raw: the bytes of the file.
        account: IBAN of our account.
        at: when we got it.

    Raises:
        BankFileRefused: nothing of it was taken in.
    """
    digest = sha256(raw).hexdigest()
    with database.read() as connection:
        again = _again(connection, digest)
    if again is not None:
        return again
    reports = read(raw, account)
    with database.write() as connection:
        # Somebody else may have taken it in meanwhile.
        return _again(connection, digest) or _enter(connection, digest, reports, at)


def _again(connection: sa.Connection, digest: str) -> Taken | None:
    """What is told of a file that was taken in before; None for a new one."""
    query = sa.select(bank_file.c.identifier).where(bank_file.c.digest == digest)
    told = connection.execute(query).scalar()
    return None if told is None else Taken(digest, tuple(told.split("\n")), again=True)


def _enter(connection: sa.Connection, digest: str, reports: Sequence[BankFile], at: Received) -> Taken:
    identifiers = [one.id for one in reports]
    number = connection.execute(
        sa.insert(bank_file)
        .values(digest=digest, identifier="\n".join(identifiers), message=reports[0].message, taken=str(at))
        .returning(bank_file.c.number)
    ).scalar_one()
    intake = _Intake(connection, number, at)
    repeated, held = 0, list[Held]()
    booked: list[tuple[Payment, Match]] = []
    for report in reports:
        payments, told = intake.new(report.payments)
        waits, known = intake.unknown(report.held)
        booked.extend(intake.book(payments))
        intake.hold(waits)
        held.extend(waits)
        repeated += told + known
    append(connection, at=at, event="banked", subject=" ".join(identifiers), digest=digest)
    return Taken(
        digest,
        tuple(identifiers),
        matched=tuple(one.reference for one, found in booked if found.employer is not None),
        unmatched={one.reference: found.anomaly for one, found in booked if found.anomaly is not None},
        held={one.reference: one.anomaly for one in held},
        repeated=repeated,
        amount=sum(one.amount for one, _ in booked),
    )


def waiting(connection: sa.Connection) -> list[Waiting]:
    """The payments that wait for the operator, the first one that came first."""
    table = payment_table.c
    query = sa.select(payment_table).where(sa.text(tables.PAYMENT_WAITS)).order_by(table.number)
    return [
        Waiting(
            reference=row.reference,
            booked=date.fromisoformat(row.booked),
            amount=row.amount,
            told=row.told,
            name=row.name,
            iban=row.iban,
            text=" ".join(filter(None, (row.structured, row.remittance))),
            anomaly=PaymentAnomaly(row.anomaly),
        )
        for row in connection.execute(query)
    ]


def assign(connection: sa.Connection, reference: str, employer: str, at: Received) -> int:
    """Give an unmatched payment to an employer of the register; its amount in cents.

    Args:
        connection: a writing transaction.
        reference: of the payment, as `waiting` tells it.
        employer: matricule.
        at: moment of the operator's decision.

    Raises:
        NotAssigned: there is no such payment, it does not wait, or there is no such employer.
    """
    query = sa.select(payment_table).where(payment_table.c.reference == reference)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotAssigned(f"there is no payment {reference}")
    if row.state != State.UNMATCHED:
        raise NotAssigned(f"payment {reference} is {row.state}")
    if not _employers(connection, {employer}):
        raise NotAssigned(f"employer {employer} is not in the register")
    received = unmatched(reference, date.fromisoformat(row.booked), row.amount, at)
    found = assigned_payment(employer, replace(received, number=row.booking), booked=at)
    SqlLedger(connection).enter([found])
    connection.execute(
        sa.update(payment_table)
        .where(payment_table.c.number == row.number)
        .values(state=State.ASSIGNED.value, employer=employer)
    )
    append(connection, at=at, event="assigned", subject=f"{reference} {employer}")
    amount: int = row.amount
    return amount


@dataclass(frozen=True, slots=True)
class _Intake:
    """What is done with the bookings of one file."""

    connection: sa.Connection
    file: int
    at: Received

    def new(self, payments: Sequence[Payment]) -> tuple[list[Payment], int]:
        """The payments that no earlier file told, and how many one did.

        A sum that waits because it says nothing of what it consists of gives way to its parts.
        """
        earlier = self._earlier(payments)
        new: list[Payment] = []
        for _, several in groupby(payments, key=lambda one: one.entry):
            parts = list(several)
            rows = [row for one in parts[:1] for row in earlier.get(one.entry, ())]
            if len(rows) == 1 and _says_nothing(rows[0]) and not all(map(_is_bare, parts)):
                self._take_apart(rows[0])
                new.extend(parts)
            elif not rows:
                new.extend(one for one in parts if one.reference not in earlier)
        return self._without_batches(new), len(payments) - len(new)

    def _earlier(self, payments: Iterable[Payment]) -> dict[str, list[sa.Row[tuple[object, ...]]]]:
        """Rows of payments of earlier files, by entry and by reference."""
        names = {name for one in payments for name in (one.reference, one.entry)}
        found: dict[str, list[sa.Row[tuple[object, ...]]]] = {}
        for column, with_it in _PAYMENTS.items():
            for row in with_it(self.connection, names):
                same = found.setdefault(row._mapping[column], [])
                if row not in same:
                    same.append(row)
        return found

    def _take_apart(self, row: sa.Row[tuple[object, ...]]) -> None:
        """Reverse the booking of a sum, so that its parts can be booked; the row stays as history."""
        back = unmatched(row.reference, date.fromisoformat(row.booked), -row.amount, self.at)
        # Found, like what is assigned: it waits no more.
        found = replace(back, kind=EntryKind.ASSIGNED_PAYMENT, about=row.booking)
        SqlLedger(self.connection).enter([found])
        self.connection.execute(
            sa.update(payment_table)
            .where(payment_table.c.number == row.number)
            .values(state=State.SPLIT.value, reference=f"{row.reference} split")
        )
        append(self.connection, at=self.at, event="split", subject=row.reference)

    def _without_batches(self, payments: Iterable[Payment]) -> list[Payment]:
        """The payments, with a batch of our own orders that the bank booked as one sum in its parts."""
        parts: list[Payment] = []
        for one in payments:
            orders = () if one.batch is None else self._orders(_OF_BATCH, [one.batch]).values()
            parts.extend(split(one, tuple(orders)) if orders else (one,))
        return parts

    def book(self, payments: Sequence[Payment]) -> list[tuple[Payment, Match]]:
        """Book payments, and say to whom."""
        known = _employers(
            self.connection, {n for one in payments for n in quoted(one.structured, one.remittance)}
        )
        done: list[tuple[Payment, Match]] = []
        # A direct debit and its return may stand in one file: what comes back is last.
        for back in (False, True):
            some = [one for one in payments if (one.returned is not None) is back]
            orders = self._orders(_OF_END_TO_END, (one.end_to_end for one in some))
            found = list(_each_once(some, known, orders))
            numbers = SqlLedger(self.connection).enter(booking(*one, self.at) for one in found)
            kept = [self._row(*one, number) for one, number in zip(found, numbers, strict=True)]
            if kept:
                self.connection.execute(sa.insert(payment_table), kept)
            for (one, matched), number in zip(found, numbers, strict=True):
                self._answer(one, matched, number)
            done.extend(found)
        return done

    def _orders(self, ordered: Keyed, keys: Iterable[str | None]) -> dict[str, Order]:
        """What we ordered, by end-to-end id."""
        rows = ordered(self.connection, (key for key in keys if key is not None))
        return {
            row.end_to_end: Order(
                kind=OrderKind.REFUND if row.statement is None else OrderKind.COLLECTION,
                end_to_end=row.end_to_end,
                employer=row.employer,
                amount=row.amount,
                statement=row.statement,
                paid=row.paid,
                returned=row.returned,
            )
            for row in rows
        }

    def _row(self, one: Payment, matched: Match, number: int) -> dict[str, object]:
        return {
            "reference": one.reference,
            "entry": one.entry,
            "file": self.file,
            "booked": one.booked.isoformat(),
            "value": one.value.isoformat(),
            "amount": one.amount,
            "name": one.name,
            "iban": one.iban,
            "remittance": one.remittance,
            "structured": one.structured,
            "end_to_end": one.end_to_end,
            "returned": one.returned,
            "parts": one.parts,
            "state": (State.UNMATCHED if matched.employer is None else State.MATCHED).value,
            "anomaly": matched.anomaly and matched.anomaly.value,
            "employer": matched.employer,
            "booking": number,
        }

    def _answer(self, one: Payment, matched: Match, number: int) -> None:
        """Note in an order of ours what the bank did with it."""
        if matched.order is None:
            return
        column = "paid" if one.returned is None else "returned"
        request = self.connection.execute(
            sa.update(bank_order)
            .where(bank_order.c.end_to_end == matched.order.end_to_end)
            .values({column: number})
            .returning(bank_order.c.request)
        ).scalar_one()
        if request is not None and one.returned is None:
            SqlArrangements(self.connection).refund_paid(request, number)

    def unknown(self, held: Sequence[Held]) -> tuple[list[Held], int]:
        """The entries that cannot be booked and that no earlier file told, and how many one did."""
        known = {row.reference for row in _told(self.connection, (one.reference for one in held))}
        new = [one for one in held if one.reference not in known]
        return new, len(held) - len(new)

    def hold(self, held: Iterable[Held]) -> None:
        """Keep entries that cannot be booked, for the operator."""
        for one in held:
            self.connection.execute(
                sa.insert(payment_table).values(
                    reference=one.reference,
                    entry=one.reference,
                    file=self.file,
                    booked=one.booked.isoformat(),
                    value=one.booked.isoformat(),
                    told=one.amount,
                    state=State.HELD.value,
                    anomaly=one.anomaly.value,
                )
            )


def _each_once(
    payments: Iterable[Payment], known: frozenset[str], orders: Mapping[str, Order]
) -> Iterator[tuple[Payment, Match]]:
    """To whom payments belong; no order of ours is answered by two of them."""
    answered: set[str] = set()
    for one in payments:
        order = None if one.end_to_end in answered else orders.get(one.end_to_end or "")
        found = match(one, known, {} if order is None else {order.end_to_end: order})
        if found.order is not None:
            answered.add(found.order.end_to_end)
        yield one, found


def _employers(connection: sa.Connection, matricules: Collection[str]) -> frozenset[str]:
    """Those of some employers that are in the register."""
    return frozenset(row.matricule for row in _registered(connection, matricules))


def _says_nothing(row: sa.Row[tuple[object, ...]]) -> bool:
    """Whether a payment waits of which only the sum was told."""
    told = (row.name, row.iban, row.remittance, row.structured, row.end_to_end, row.returned)
    return row.state == State.UNMATCHED and not any(told)


def _is_bare(payment: Payment) -> bool:
    """The same of a payment in a file."""
    told = (payment.name, payment.iban, payment.remittance, payment.structured, payment.end_to_end)
    return payment.returned is None and not any(told)
