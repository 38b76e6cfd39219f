"""The ledger on our tables: entries are only added, and triggers see to it.

Bound to the connection of one transaction. Entries go in by driver-level executemany; a writing
transaction holds the lock, so numbers follow each other without gaps.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa

from adapters.database import tables
from adapters.database.registers.keys import Keyed, enter, keyed, many
from gateway.ledger.arrangements import Dispute, DisputeOutcome, Instalment, Plan, RefundRequest
from gateway.ledger.entries import Account, AccountKind, Entry, EntryKind, Posting
from gateway.moments import Period, Received

entry = tables.table(tables.LedgerEntry)
posting = tables.table(tables.LedgerPosting)
payment_plan = tables.table(tables.PaymentPlan)
payment_plan_item = tables.table(tables.PaymentPlanItem)
plan_instalment = tables.table(tables.PlanInstalment)
dispute = tables.table(tables.Dispute)
refund_request = tables.table(tables.RefundRequest)

_OWED_BY = sa.text(f"ledger_posting.{tables.OWED_BY}")
_NOBODY = sa.text(f"ledger_entry.{tables.CONCERNS_NOBODY}")

_ENTRY = (
    "number",
    "employer",
    "day",
    "kind",
    "period",
    "statement",
    "due",
    "reference",
    "booked",
    "closed",
    "about",
)

_WITH_POSTINGS = sa.select(entry, posting.c.account, posting.c.holder, posting.c.amount)


@keyed(1)
def _of_employers(wanted: sa.FromClause) -> sa.Select[Any]:
    """Entries of employers with their postings, in order."""
    theirs = wanted.join(entry, entry.c.employer == wanted.c.a)
    joined = theirs.join(posting, posting.c.entry == entry.c.number)
    return _WITH_POSTINGS.select_from(joined).order_by(entry.c.employer, entry.c.number)


def _balances(wanted: sa.FromClause) -> sa.Select[Any]:
    """What employers owe."""
    return (
        sa.select(posting.c.holder, sa.func.sum(posting.c.amount))
        .select_from(wanted.join(posting, posting.c.holder == wanted.c.a))
        .where(_OWED_BY)
        .group_by(posting.c.holder)
    )


_owed = Keyed(1, _balances)
_owed_before = Keyed(1, lambda wanted: _balances(wanted).where(posting.c.entry < sa.bindparam("before")))


def _agreed(what: sa.Table) -> Keyed:
    """What was agreed with employers, in order."""
    return Keyed(
        1,
        lambda wanted: sa.select(what).join(wanted, what.c.employer == wanted.c.a).order_by(what.c.number),
    )


_plans, _disputes = _agreed(payment_plan), _agreed(dispute)


class SqlLedger:
    """`gateway.ledger.registers.Ledger` on the tables `ledger_entry` and `ledger_posting`."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def enter(self, entries: Iterable[Entry]) -> list[int]:
        given = list(entries)
        if any(one.number is not None for one in given):
            raise ValueError("an entry is in the ledger already")
        latest = self._connection.execute(sa.select(sa.func.max(entry.c.number))).scalar() or 0
        numbers = list(range(latest + 1, latest + 1 + len(given)))
        numbered = list(zip(numbers, given, strict=True))
        enter(self._connection, "ledger_entry", _ENTRY, (_entry_row(number, one) for number, one in numbered))
        rows = (row for each in numbered for row in _posting_rows(*each))
        enter(self._connection, "ledger_posting", ("entry", "account", "holder", "amount"), rows)
        return numbers

    def get(self, number: int) -> Entry | None:
        return next(iter(self._read(entry.c.number == number)), None)

    def of(self, employer: str) -> Sequence[Entry]:
        return self._read(entry.c.employer == employer)

    def of_many(self, employers: Collection[str]) -> Mapping[str, Sequence[Entry]]:
        found: defaultdict[str, list[Entry]] = defaultdict(list)
        for one in _entries(_of_employers(self._connection, employers)):
            found[one.employer or ""].append(one)
        return dict(found)

    def since(self, employer: str, number: int) -> Sequence[Entry]:
        return self._read(sa.and_(entry.c.employer == employer, entry.c.number > number))

    def balances(self, employers: Collection[str], before: int | None = None) -> Mapping[str, int]:
        if before is None:
            rows = _owed(self._connection, employers)
        else:
            rows = _owed_before(self._connection, employers, before=before)
        found = {holder: int(amount) for holder, amount in rows}
        return {employer: found.get(employer, 0) for employer in employers}

    def accounts(self, period: Period) -> Mapping[Account, int]:
        query = (
            sa.select(posting.c.account, posting.c.holder, sa.func.sum(posting.c.amount))
            .select_from(posting.join(entry, entry.c.number == posting.c.entry))
            .where(entry.c.closed <= str(period), posting.c.account != AccountKind.EMPLOYER.value)
            .group_by(posting.c.account, posting.c.holder)
        )
        return {
            Account(AccountKind(kind), holder): int(amount)
            for kind, holder, amount in self._connection.execute(query)
        }

    def employers(self) -> Sequence[str]:
        query = sa.select(entry.c.employer).where(entry.c.employer.is_not(None)).distinct()
        return list(self._connection.execute(query.order_by(entry.c.employer)).scalars())

    def unassigned(self) -> Sequence[Entry]:
        assigned = sa.select(sa.text("1")).where(
            sa.text(f"later.{tables.ASSIGNS}"), sa.text("later.about = ledger_entry.number")
        )
        later = assigned.select_from(entry.alias("later")).correlate(entry)
        unmatched = entry.c.kind == EntryKind.UNMATCHED_PAYMENT.value
        return self._read(sa.and_(_NOBODY, unmatched, ~later.exists()))

    def transfers(self) -> Sequence[Entry]:
        return self._read(sa.and_(_NOBODY, entry.c.kind == EntryKind.TRANSFER.value))

    def _read(self, wanted: sa.ColumnElement[bool]) -> list[Entry]:
        query = _WITH_POSTINGS.select_from(entry.join(posting, posting.c.entry == entry.c.number))
        return list(_entries(self._connection.execute(query.where(wanted).order_by(entry.c.number))))


def _entry_row(number: int, one: Entry) -> tuple[object, ...]:
    return (
        number,
        one.employer,
        one.day.isoformat(),
        one.kind.value,
        one.period and str(one.period),
        one.statement,
        one.due and one.due.isoformat(),
        one.reference,
        str(one.booked),
        str(one.closed_in),
        one.about,
    )


def _posting_rows(number: int, one: Entry) -> Iterator[tuple[object, ...]]:
    return ((number, p.account.kind.value, p.account.holder, p.amount) for p in one.postings)


def _entries(rows: Iterable[sa.Row[Any]]) -> Iterator[Entry]:
    """Entries of rows in the order of entries, one row a posting."""
    current: sa.Row[Any] | None = None
    postings: list[Posting] = []
    for row in rows:
        if current is not None and row.number != current.number:
            yield _entry_of(current, postings)
            postings = []
        current = row
        postings.append(Posting(Account(AccountKind(row.account), row.holder), row.amount))
    if current is not None:
        yield _entry_of(current, postings)


def _entry_of(row: sa.Row[Any], postings: Iterable[Posting]) -> Entry:
    return Entry(
        number=row.number,
        employer=row.employer,
        day=date.fromisoformat(row.day),
        kind=EntryKind(row.kind),
        postings=tuple(postings),
        period=Period.parse(row.period) if row.period else None,
        statement=row.statement,
        due=date.fromisoformat(row.due) if row.due else None,
        reference=row.reference,
        booked=Received.parse(row.booked),
        about=row.about,
    )


class SqlArrangements:
    """`gateway.ledger.registers.Arrangements` on the tables of plans, disputes and requests."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def grant(self, plan: Plan) -> int:
        number = self._insert(
            payment_plan,
            employer=plan.employer,
            granted=plan.granted.isoformat(),
            granted_by=plan.granted_by,
            entered=str(plan.entered),
        )
        many(
            self._connection,
            "INSERT INTO payment_plan_item (plan, item) VALUES (?, ?)",
            ((number, item) for item in sorted(plan.items)),
        )
        many(
            self._connection,
            "INSERT INTO plan_instalment (plan, due, amount) VALUES (?, ?, ?)",
            ((number, one.due.isoformat(), one.amount) for one in plan.instalments),
        )
        return number

    def plans(self, employers: Collection[str]) -> Mapping[str, Sequence[Plan]]:
        rows = list(_plans(self._connection, employers))
        numbers = [row.number for row in rows]
        items = self._parts(payment_plan_item, numbers)
        instalments = self._parts(plan_instalment, numbers)
        found: defaultdict[str, list[Plan]] = defaultdict(list)
        for row in rows:
            found[row.employer].append(
                Plan(
                    number=row.number,
                    employer=row.employer,
                    granted=date.fromisoformat(row.granted),
                    granted_by=row.granted_by,
                    items=frozenset(one.item for one in items[row.number]),
                    instalments=tuple(
                        Instalment(date.fromisoformat(one.due), one.amount) for one in instalments[row.number]
                    ),
                    entered=Received.parse(row.entered),
                )
            )
        return dict(found)

    def open_dispute(self, new: Dispute) -> int:
        return self._insert(
            dispute,
            employer=new.employer,
            item=new.item,
            amount=new.amount,
            opened=new.opened.isoformat(),
            reason=new.reason,
            entered=str(new.entered),
            closed=new.closed and new.closed.isoformat(),
            outcome=new.outcome and new.outcome.value,
        )

    def disputes(self, employers: Collection[str]) -> Mapping[str, Sequence[Dispute]]:
        found: defaultdict[str, list[Dispute]] = defaultdict(list)
        for row in _disputes(self._connection, employers):
            found[row.employer].append(_dispute_of(row))
        return dict(found)

    def close_dispute(self, number: int, outcome: DisputeOutcome, day: date) -> Dispute | None:
        row = self._connection.execute(sa.select(dispute).where(dispute.c.number == number)).one_or_none()
        if row is None:
            return None
        closed = _dispute_of(row).decided(outcome, day)
        self._connection.execute(
            sa.update(dispute)
            .where(dispute.c.number == number)
            .values(closed=day.isoformat(), outcome=outcome.value)
        )
        return closed

    def ask_refund(self, request: RefundRequest) -> int:
        return self._insert(
            refund_request,
            employer=request.employer,
            amount=request.amount,
            asked=request.asked.isoformat(),
            entered=str(request.entered),
            paid=request.paid,
        )

    def refunds_asked(self) -> Sequence[RefundRequest]:
        query = sa.select(refund_request).where(sa.text(f"refund_request.{tables.REFUND_WAITS}"))
        return [
            RefundRequest(
                number=row.number,
                employer=row.employer,
                amount=row.amount,
                asked=date.fromisoformat(row.asked),
                entered=Received.parse(row.entered),
            )
            for row in self._connection.execute(query.order_by(refund_request.c.number))
        ]

    def refund_paid(self, number: int, entry: int) -> None:
        self._connection.execute(
            sa.update(refund_request).where(refund_request.c.number == number).values(paid=entry)
        )

    def _insert(self, into: sa.Table, **values: object) -> int:
        statement = sa.insert(into).values(**values).returning(into.c.number)
        return int(self._connection.execute(statement).scalar_one())

    def _parts(self, what: sa.Table, plans: Iterable[int]) -> Mapping[int, Sequence[sa.Row[Any]]]:
        """What belongs to plans, by plan, in the order of its key."""
        found: defaultdict[int, list[sa.Row[Any]]] = defaultdict(list)
        for plan in plans:
            query = sa.select(what).where(what.c.plan == plan).order_by(*what.primary_key.columns)
            found[plan] = list(self._connection.execute(query))
        return found


def _dispute_of(row: sa.Row[Any]) -> Dispute:
    return Dispute(
        number=row.number,
        employer=row.employer,
        item=row.item,
        amount=row.amount,
        opened=date.fromisoformat(row.opened),
        reason=row.reason,
        entered=Received.parse(row.entered),
        closed=date.fromisoformat(row.closed) if row.closed else None,
        outcome=DisputeOutcome(row.outcome) if row.outcome else None,
    )
