"""Random histories of one employer's account, and what they are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from hypothesis import strategies as st

from gateway.ledger import (
    Dispute,
    DisputeOutcome,
    EntryKind,
    Instalment,
    Plan,
    Position,
    interest_due,
    position,
)
from gateway.ledger import entries as book
from gateway.ledger.entries import Account, Entry
from gateway.ledger.memory import MemoryLedger
from gateway.ledger.policy import Imputation, InterestBase, InterestRounding, Policy
from gateway.moments import Period, Received

EMPLOYER = "2099990001299"
OTHER_EMPLOYER = "2099990002099"
FIRST = date(2025, 1, 1)
HORIZON = timedelta(days=500)
INSTITUTIONS = ("AAA", "CNAP", "CNS", "MDE", "STM")
CHARGE = {"CNS": 30_000, "CNAP": 50_000, "AAA": 2_000, "MDE": 1_500, "STM": 333}

amounts = st.one_of(st.integers(1, 9), st.integers(1, 200_000))
owed = st.dictionaries(st.sampled_from(INSTITUTIONS), amounts, min_size=1)
differences = st.dictionaries(st.sampled_from(INSTITUTIONS), st.integers(-90_000, 90_000), min_size=1)
days = st.integers(0, HORIZON.days).map(lambda n: FIRST + timedelta(days=n))
policies = st.builds(
    Policy,
    imputation=st.sampled_from(Imputation),
    rounding=st.sampled_from(InterestRounding),
    base=st.sampled_from(InterestBase),
    interest_while_disputed=st.booleans(),
)

KINDS = (
    "charge",
    "charge",
    "payment",
    "payment",
    "exact payment",
    "correction",
    "refund",
    "refund taken back",
    "debit",
    "returned debit",
    "fine",
    "discharge",
    "credit paid",
    "waiver",
    "interest",
    "plan",
    "dispute",
    "decision",
    "late news",
    "fee",
)
steps = st.tuples(st.sampled_from(KINDS), st.integers(0, 40), amounts, owed, differences)


def moment(day: date) -> Received:
    """Noon of a day."""
    return Received(datetime.combine(day, time(12), UTC))


@dataclass
class History:
    """An account to which things happen, day after day."""

    policy: Policy = field(default_factory=Policy)
    day: date = FIRST
    statement: int = 0
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    plans: list[Plan] = field(default_factory=list)
    disputes: list[Dispute] = field(default_factory=list)

    @property
    def entries(self) -> list[Entry]:
        return list(self.ledger.of(EMPLOYER))

    def position(self, day: date | None = None) -> Position:
        return position(
            self.entries,
            self.plans,
            self.disputes,
            employer=EMPLOYER,
            day=day or self.day,
            policy=self.policy,
        )

    def enter(self, *entries: Entry) -> list[int]:
        return self.ledger.enter(entries)

    def charge(
        self, shares: Mapping[str, int], *, due: date, period: Period | None = None, **more: object
    ) -> int:
        self.statement += 1
        (number,) = self.enter(
            book.contributions(
                EMPLOYER,
                statement=self.statement,
                issued=more.get("issued", self.day),
                due=due,
                period=period or Period(self.day.year, self.day.month).plus(-2),
                by_institution=shares,
                booked=moment(self.day),
            )
        )
        return number

    def pay(self, amount: int, day: date | None = None, statement: int | None = None) -> int:
        when = day or self.day
        (number,) = self.enter(
            book.payment(
                EMPLOYER, day=when, amount=amount, reference="R", booked=moment(self.day), statement=statement
            )
        )
        return number

    def book_interest(self) -> list[Entry]:
        found = interest_due(
            self.entries, self.plans, self.disputes, self.day, booked=moment(self.day), policy=self.policy
        )
        self.enter(*found)
        return found

    def happen(  # noqa: PLR0912 - one case a kind of step
        self, kind: str, pause: int, amount: int, shares: Mapping[str, int], changes: Mapping[str, int]
    ) -> None:
        """One step of a random history; what cannot happen then does not."""
        self.day += timedelta(days=pause)
        now, period = moment(self.day), Period(self.day.year, self.day.month).plus(-2)
        due = self.day + timedelta(days=10)
        same = {"booked": now, "day": self.day}
        charge = {
            "issued": self.day,
            "due": due,
            "period": period,
            "booked": now,
            "statement": self.statement,
        }
        standing = self.position()
        match kind:
            case "charge":
                self.charge(shares, due=due)
            case "fee":
                self.enter(book.chamber_fee(EMPLOYER, by_institution={"CSL": amount}, **charge))
            case "payment":
                self.pay(amount, statement=self.statement)
            case "late news":
                self.pay(amount, max(FIRST, self.day - timedelta(days=70)))
            case "exact payment" if standing.balance > 0:
                self.pay(standing.balance)
            case "correction":
                self.enter(book.correction(EMPLOYER, by_institution=changes, **charge))
            case "refund":
                self.enter(book.mutuality_refund(EMPLOYER, period=period, amount=amount, **same))
            case "refund taken back":
                self.enter(book.mutuality_refund(EMPLOYER, period=period, amount=-amount, due=due, **same))
            case "debit":
                self.enter(book.direct_debit(EMPLOYER, amount=amount, reference="D", **same))
            case "returned debit":
                self._return(now)
            case "fine":
                self.enter(book.fine(EMPLOYER, due=due, amount=amount, reference="F", **same))
            case "discharge":
                self._discharge(now)
            case "credit paid" if standing.credit > 0:
                self.enter(
                    book.credit_paid(EMPLOYER, amount=min(amount, standing.credit), reference="C", **same)
                )
            case "waiver" if standing.interest:
                one = standing.interest[0]
                waived = {account.holder: part for account, part in one.shares.items()}
                self.enter(
                    book.interest_waived(
                        EMPLOYER, item=one.item, by_institution=waived, reference="W", **same
                    )
                )
            case "interest":
                self.book_interest()
            case "plan":
                self.grant(amount)
            case "dispute" if standing.items:
                item = standing.items[0]
                self.disputes.append(
                    Dispute(
                        len(self.disputes) + 1,
                        EMPLOYER,
                        item.number,
                        min(amount, item.open),
                        self.day,
                        "X",
                        now,
                    )
                )
            case "decision" if self.disputes and self.disputes[-1].closed is None:
                outcome = DisputeOutcome.UPHELD if amount % 2 else DisputeOutcome.REJECTED
                self.disputes[-1] = self.disputes[-1].decided(outcome, self.day)

    def _return(self, now: Received) -> None:
        entries = self.entries
        gone = {one.about for one in entries if one.kind is EntryKind.RETURNED_DEBIT}
        for one in entries:
            if one.kind is EntryKind.DIRECT_DEBIT and one.number not in gone:
                self.enter(
                    book.returned_debit(
                        EMPLOYER,
                        debit=one.number,
                        day=self.day,
                        amount=-one.amount,
                        reference="D",
                        booked=now,
                    )
                )
                return

    def _discharge(self, now: Received) -> None:
        entries = self.entries
        gone = {one.about for one in entries if one.kind is EntryKind.DISCHARGE}
        for one in entries:
            if one.kind is EntryKind.FINE and one.number not in gone:
                self.enter(book.discharge(one, day=self.day, reference="O", booked=now))
                return

    def grant(self, amount: int) -> None:
        standing = self.position()
        free = [one for one in standing.items if one.plan is None]
        if not free:
            return
        items = frozenset(one.number for one in free)
        total = sum(one.open for one in free) + sum(
            one.open for one in standing.interest if one.item in items
        )
        first = min(amount, total)
        parts = [first, total - first] if total > first else [first]
        self.plans.append(
            Plan(
                number=len(self.plans) + 1,
                employer=EMPLOYER,
                granted=self.day,
                granted_by="board",
                items=items,
                instalments=tuple(
                    Instalment(self.day + timedelta(days=30 * place), part)
                    for place, part in enumerate(parts, 1)
                ),
                entered=moment(self.day),
            )
        )


def holders(shares: Mapping[Account, int]) -> dict[str, int]:
    """Amounts by holder."""
    return {account.holder: amount for account, amount in shares.items()}


def full(*, shares: Mapping[str, int] = CHARGE) -> int:
    return sum(shares.values())
