"""What we order from the bank: direct debits for amounts due, transfers for credits that were asked for.

The register of orders is written in the same transaction as the journal, and what stands in it is never
ordered again: a statement is collected once, a request is refunded once, even when the bank returns it. The
ledger is moved by what the bank books, not by what we order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256

import sqlalchemy as sa
from stdnum import bic as bics
from stdnum import iban as ibans
from stdnum.exceptions import ValidationError

from adapters.bank.write import Written, plain, write_debits, write_transfers
from adapters.database import tables
from adapters.database.journal import append
from adapters.settings import Settings
from gateway.direct_debits import (
    Collection,
    CreditAsked,
    DirectDebit,
    Due,
    LeftOut,
    PayoutAccount,
    Refund,
    collections,
    refunds,
)
from gateway.moments import Received
from gateway.payments import OrderKind

direct_debit = tables.table(tables.DirectDebit)
payout_account = tables.table(tables.PayoutAccount)
order_file = tables.table(tables.OrderFile)
bank_order = tables.table(tables.BankOrder)
employer_table = tables.table(tables.Employer)

LONGEST_NAME = 70
_MANDATE = re.compile(r"[A-Za-z0-9/?:().,'+-][A-Za-z0-9/?:().,'+ -]{0,34}")


class NotEntered(Exception):
    """A mandate or an account cannot be entered: the sentence says why."""


@dataclass(frozen=True, slots=True)
class Ordered:
    """A file of orders for the bank.

    Attributes:
        written: the file; None when nothing is to be ordered.
        number: how many orders are in it.
        amount: their sum in cents.
        left: what was left out: employer, what it is about, and why.
    """

    written: Written | None
    number: int
    amount: int
    left: Sequence[tuple[str, str, LeftOut]]


def enter_debit(
    connection: sa.Connection,
    employer: str,
    *,
    iban: str,
    bic: str | None,
    name: str,
    mandate: str,
    signed: date,
    at: Received,
) -> int:
    """Enter the mandate of an employer for direct debits; its number.

    Args:
        connection: a writing transaction.
        employer: matricule, in the register.
        iban: account to collect from.
        bic: its bank, where it is told.
        name: holder of the account.
        mandate: id of the mandate, never used before.
        signed: day of the signature.
        at: moment of the entry.

    Raises:
        NotEntered: something of it is not right, or the employer has a mandate in force.
    """
    if _MANDATE.fullmatch(mandate) is None or "//" in mandate or mandate.startswith("/"):
        raise NotEntered(f"no id of a mandate: {mandate}")
    if signed > at.day:
        raise NotEntered(f"signed on {signed}, after today")
    known = sa.select(direct_debit.c.employer).where(direct_debit.c.mandate == mandate)
    if connection.execute(known).first() is not None:
        raise NotEntered(f"mandate {mandate} was entered before")
    if employer in debits(connection):
        raise NotEntered(f"employer {employer} has a mandate in force; end it first")
    values = {
        "employer": _registered(connection, employer),
        "iban": _iban(iban),
        "bic": None if bic is None else _bic(bic),
        "name": _name(name),
        "mandate": mandate,
        "signed": signed.isoformat(),
        "entered": str(at),
    }
    insert = sa.insert(direct_debit).values(values).returning(direct_debit.c.number)
    number: int = connection.execute(insert).scalar_one()
    append(connection, at=at, event="debitable", subject=f"{mandate} {employer}")
    return number


def end_debit(connection: sa.Connection, mandate: str, at: Received) -> bool:
    """End a mandate at once; whether there was one in force. What was ordered with it stands."""
    ended = connection.execute(
        sa.update(direct_debit)
        .where(direct_debit.c.mandate == mandate, direct_debit.c.ended.is_(None))
        .values(ended=str(at))
    )
    if ended.rowcount:
        append(connection, at=at, event="undebitable", subject=mandate)
    return ended.rowcount > 0


def debits(connection: sa.Connection) -> dict[str, DirectDebit]:
    """The mandates in force, by employer."""
    used = (
        sa.select(bank_order.c.debit, sa.func.max(bank_order.c.day).label("day"))
        .where(bank_order.c.debit.is_not(None))
        .group_by(bank_order.c.debit)
        .subquery()
    )
    query = (
        sa.select(direct_debit, used.c.day)
        .outerjoin(used, used.c.debit == direct_debit.c.number)
        .where(sa.text(tables.STILL_HOLDS))
        .order_by(direct_debit.c.number)
    )
    return {
        row.employer: DirectDebit(
            number=row.number,
            employer=row.employer,
            iban=row.iban,
            bic=row.bic,
            name=row.name,
            mandate=row.mandate,
            signed=date.fromisoformat(row.signed),
            used=row.day and date.fromisoformat(row.day),
        )
        for row in connection.execute(query)
    }


def set_payout(connection: sa.Connection, employer: str, *, iban: str, name: str, at: Received) -> None:
    """Say to which account the credits of an employer are paid out; the one before stays as history.

    Raises:
        NotEntered: something of it is not right.
    """
    values = {"employer": _registered(connection, employer), "iban": _iban(iban), "name": _name(name)}
    connection.execute(
        sa.update(payout_account)
        .where(payout_account.c.employer == employer, payout_account.c.ended.is_(None))
        .values(ended=str(at))
    )
    connection.execute(sa.insert(payout_account).values(**values, entered=str(at)))
    append(connection, at=at, event="payable", subject=employer)


def payouts(connection: sa.Connection) -> dict[str, PayoutAccount]:
    """The accounts to which credits are paid out, by employer."""
    query = sa.select(payout_account).where(sa.text(tables.STILL_HOLDS))
    rows = connection.execute(query)
    return {row.employer: PayoutAccount(row.employer, row.iban, row.name) for row in rows}


def order_collections(
    connection: sa.Connection, dues: Iterable[Due], settings: Settings, at: Received
) -> Ordered:
    """Order the collection of amounts due from the employers with a mandate.

    Args:
        connection: a writing transaction; when it is rolled back, nothing is ordered.
        dues: amounts due; those of statements ordered before are passed over.
        settings: who we are.
        at: moment of the order.
    """
    ordered = _column(connection, bank_order.c.statement)
    taken, left = collections(dues, debits(connection), ordered, at.day)
    named = [(due.employer, due.number, why) for due, why in left]
    if not taken:
        return Ordered(None, 0, 0, named)
    number, message = _message(connection, OrderKind.COLLECTION, at)
    written = write_debits([(one.due.number, one) for one in taken], settings, message, at)
    _keep(connection, number, written, at)
    for one in taken:
        connection.execute(sa.insert(bank_order).values(file=number, **_collected(one, written)))
    return Ordered(written, len(taken), sum(one.due.amount for one in taken), named)


def order_refunds(
    connection: sa.Connection, asked: Iterable[CreditAsked], settings: Settings, at: Received
) -> Ordered:
    """Order the refund of credits that were asked for; see `order_collections`."""
    ordered = _column(connection, bank_order.c.request)
    fresh = [one for one in asked if one.request not in ordered]
    taken, left = refunds(fresh, payouts(connection), at.day)
    named = [(one.employer, str(one.request), why) for one, why in left]
    if not taken:
        return Ordered(None, 0, 0, named)
    number, message = _message(connection, OrderKind.REFUND, at)
    written = write_transfers([(_end_to_end(one), one) for one in taken], settings, message, at)
    _keep(connection, number, written, at)
    for one in taken:
        connection.execute(sa.insert(bank_order).values(file=number, **_refunded(one, written)))
    return Ordered(written, len(taken), sum(one.asked.amount for one in taken), named)


def _collected(one: Collection, written: Written) -> dict[str, object]:
    return {
        "batch": written.batches[one.due.number],
        "end_to_end": one.due.number,
        "employer": one.due.employer,
        "amount": one.due.amount,
        "iban": one.debit.iban,
        "day": one.day.isoformat(),
        "debit": one.debit.number,
        "sequence": one.sequence.value,
        "statement": one.due.statement,
    }


def _refunded(one: Refund, written: Written) -> dict[str, object]:
    return {
        "batch": written.batches[_end_to_end(one)],
        "end_to_end": _end_to_end(one),
        "employer": one.asked.employer,
        "amount": -one.asked.amount,
        "iban": one.account.iban,
        "day": one.day.isoformat(),
        "request": one.asked.request,
    }


def _end_to_end(one: Refund) -> str:
    return f"REFUND-{one.asked.request:07d}"


def _message(connection: sa.Connection, kind: OrderKind, at: Received) -> tuple[int, str]:
    """A new file's number, and an id that no other file of any gateway's has: the moment is part of it."""
    last = connection.execute(sa.select(sa.func.max(order_file.c.number))).scalar() or 0
    prefix = "DD" if kind is OrderKind.COLLECTION else "CT"
    message = f"{prefix}-{at.at:%Y%m%d%H%M%S}-{last + 1:06d}"
    connection.execute(
        sa.insert(order_file).values(
            number=last + 1, message=message, kind=kind.value, made=str(at), digest=""
        )
    )
    return last + 1, message


def _keep(connection: sa.Connection, number: int, written: Written, at: Received) -> None:
    digest = sha256(written.content).hexdigest()
    connection.execute(sa.update(order_file).where(order_file.c.number == number).values(digest=digest))
    append(connection, at=at, event="ordered", subject=written.message, digest=digest)


def _column(connection: sa.Connection, column: sa.Column[int]) -> set[int]:
    return set(connection.execute(sa.select(column).where(column.is_not(None))).scalars())


def _registered(connection: sa.Connection, employer: str) -> str:
    query = sa.select(employer_table.c.matricule).where(employer_table.c.matricule == employer)
    if connection.execute(query).first() is None:
        raise NotEntered(f"employer {employer} is not in the register")
    return employer


def _iban(text: str) -> str:
    try:
        return ibans.validate(text)
    except ValidationError:
        raise NotEntered(f"no IBAN with right check digits: {text}") from None


def _bic(text: str) -> str:
    try:
        return bics.validate(text)
    except ValidationError:
        raise NotEntered(f"no BIC: {text}") from None


def _name(text: str) -> str:
    """A holder's name as it was given; a bank must be able to read at least a part of it."""
    name = " ".join(text.split())
    if not plain(name) or len(name) > LONGEST_NAME:
        raise NotEntered(f"a holder's name has 1 to {LONGEST_NAME} characters: {text!r}")
    return name
