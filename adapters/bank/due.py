"""What is to be collected and what is to be refunded, as the ledger and what was agreed have it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import sqlalchemy as sa

from adapters.bank.orders import debits
from adapters.database import tables
from adapters.database.ledger import SqlArrangements, SqlLedger
from gateway.billing.statement import printed_number
from gateway.direct_debits import CreditAsked, Due
from gateway.ledger.position import OpenItem, Position, position
from gateway.moments import Period, Received

bank_order = tables.table(tables.BankOrder)
statement = tables.table(tables.Statement)


def amounts_due(connection: sa.Connection, at: Received) -> list[Due]:
    """What employers with a mandate for direct debits have still to pay, statement by statement.

    What is disputed or in a payment plan is not collected. Interest that is owed is collected with the newest
    statement.
    """
    dues: list[Due] = []
    for one in _positions(connection, debits(connection), at.day):
        open_items = [item for item in one.items if item.plan is None and item.open > item.disputed]
        numbers = sorted({item.statement for item in open_items if item.statement is not None})
        for number in numbers:
            items = [item for item in open_items if item.statement == number]
            interest = sum(late.open for late in one.interest if late.plan is None)
            due = _due(connection, one.employer, number, items, interest if number == numbers[-1] else 0)
            dues.append(due)
    return dues


def credits_asked(connection: sa.Connection, at: Received) -> list[CreditAsked]:
    """The credits that employers ask for and that were not ordered yet, beside what they may have."""
    query = sa.select(bank_order.c.request, bank_order.c.employer, bank_order.c.amount, bank_order.c.paid)
    rows = connection.execute(query.where(bank_order.c.request.is_not(None))).all()
    ordered = {row.request for row in rows}
    asked = [one for one in SqlArrangements(connection).refunds_asked() if one.number not in ordered]
    credit = {
        one.employer: one.credit for one in _positions(connection, {one.employer for one in asked}, at.day)
    }
    # What is on its way is still in the ledger.
    for row in rows:
        if row.paid is None and row.employer in credit:
            credit[row.employer] += row.amount
    return [
        CreditAsked(one.employer, one.number, one.amount, credit.get(one.employer, 0))
        for one in asked
        if one.number is not None
    ]


def _positions(connection: sa.Connection, employers: Iterable[str], day: date) -> Iterable[Position]:
    names = sorted(employers)
    entries = SqlLedger(connection).of_many(names)
    arrangements = SqlArrangements(connection)
    plans, disputes = arrangements.plans(names), arrangements.disputes(names)
    for name, those in sorted(entries.items()):
        yield position(those, plans.get(name, ()), disputes.get(name, ()), employer=name, day=day)


def _due(connection: sa.Connection, employer: str, number: int, items: list[OpenItem], interest: int) -> Due:
    query = sa.select(statement.c.period).where(statement.c.number == number)
    period: str = connection.execute(query).scalar_one()
    return Due(
        employer=employer,
        statement=number,
        number=printed_number(Period.parse(period), number),
        amount=sum(item.open - item.disputed for item in items) + interest,
        due=max(item.due for item in items),
    )
