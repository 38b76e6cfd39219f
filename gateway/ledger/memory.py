"""The ledger in memory: for simulations and tests, and to say plainly what the tables do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import TypeVar

from gateway.ledger.arrangements import Dispute, DisputeOutcome, Plan, RefundRequest
from gateway.ledger.entries import Account, AccountKind, Entry, EntryKind, numbered
from gateway.moments import Period

T = TypeVar("T", Plan, Dispute)


class MemoryLedger:
    """`gateway.ledger.registers.Ledger` on a list."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def enter(self, entries: Iterable[Entry]) -> list[int]:
        numbers = []
        for entry in entries:
            if entry.number is not None:
                raise ValueError(f"entry {entry.number} is in the ledger already")
            numbers.append(len(self._entries) + 1)
            self._entries.append(numbered(entry, numbers[-1]))
        return numbers

    def get(self, number: int) -> Entry | None:
        return self._entries[number - 1] if 0 < number <= len(self._entries) else None

    def of(self, employer: str) -> Sequence[Entry]:
        return self._those(lambda one: one.employer == employer)

    def of_many(self, employers: Collection[str]) -> Mapping[str, Sequence[Entry]]:
        return {employer: found for employer in employers if (found := self.of(employer))}

    def since(self, employer: str, number: int) -> Sequence[Entry]:
        return [one for one in self.of(employer) if _number(one) > number]

    def balances(self, employers: Collection[str], before: int | None = None) -> Mapping[str, int]:
        return {
            employer: sum(one.amount for one in self.of(employer) if before is None or _number(one) < before)
            for employer in employers
        }

    def accounts(self, period: Period) -> Mapping[Account, int]:
        found: defaultdict[Account, int] = defaultdict(int)
        for one in self._entries:
            for posting in one.postings if one.closed_in <= period else ():
                if posting.account.kind is not AccountKind.EMPLOYER:
                    found[posting.account] += posting.amount
        return dict(found)

    def employers(self) -> Sequence[str]:
        return sorted({one.employer for one in self._entries if one.employer is not None})

    def unassigned(self) -> Sequence[Entry]:
        found = {one.about for one in self._entries if one.kind is EntryKind.ASSIGNED_PAYMENT}
        return self._those(lambda one: one.kind is EntryKind.UNMATCHED_PAYMENT and one.number not in found)

    def transfers(self) -> Sequence[Entry]:
        return self._those(lambda one: one.kind is EntryKind.TRANSFER)

    def _those(self, wanted: Callable[[Entry], bool]) -> list[Entry]:
        return [one for one in self._entries if wanted(one)]


class MemoryArrangements:
    """`gateway.ledger.registers.Arrangements` on lists."""

    def __init__(self) -> None:
        self._plans: list[Plan] = []
        self._disputes: list[Dispute] = []
        self._refunds: list[RefundRequest] = []

    def grant(self, plan: Plan) -> int:
        self._plans.append(replace(plan, number=len(self._plans) + 1))
        return len(self._plans)

    def plans(self, employers: Collection[str]) -> Mapping[str, Sequence[Plan]]:
        return _by_employer(self._plans, employers)

    def open_dispute(self, dispute: Dispute) -> int:
        self._disputes.append(replace(dispute, number=len(self._disputes) + 1))
        return len(self._disputes)

    def disputes(self, employers: Collection[str]) -> Mapping[str, Sequence[Dispute]]:
        return _by_employer(self._disputes, employers)

    def close_dispute(self, number: int, outcome: DisputeOutcome, day: date) -> Dispute | None:
        if not 0 < number <= len(self._disputes):
            return None
        self._disputes[number - 1] = self._disputes[number - 1].decided(outcome, day)
        return self._disputes[number - 1]

    def ask_refund(self, request: RefundRequest) -> int:
        self._refunds.append(replace(request, number=len(self._refunds) + 1))
        return len(self._refunds)

    def refunds_asked(self) -> Sequence[RefundRequest]:
        return [one for one in self._refunds if one.paid is None]

    def refund_paid(self, number: int, entry: int) -> None:
        self._refunds[number - 1] = replace(self._refunds[number - 1], paid=entry)


def _by_employer(all_of_them: Iterable[T], employers: Collection[str]) -> Mapping[str, Sequence[T]]:
    found: defaultdict[str, list[T]] = defaultdict(list)
    for one in all_of_them:
        if one.employer in employers:
            found[one.employer].append(one)
    return dict(found)


def _number(entry: Entry) -> int:
    return entry.number or 0
