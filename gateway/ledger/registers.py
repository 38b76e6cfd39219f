"""What the ledger keeps, as ports; the embedded version stands in `adapters/database/ledger.py`.

Every call happens inside the transaction of its caller. Nothing that was entered is changed or taken
out; only a dispute is closed, and a request for a credit marked as paid, once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Protocol

from gateway.ledger.arrangements import Dispute, DisputeOutcome, Plan, RefundRequest
from gateway.ledger.entries import Account, Entry
from gateway.moments import Period


class Ledger(Protocol):
    """The entries of all employers, numbered as they were booked."""

    def enter(self, entries: Iterable[Entry]) -> list[int]:
        """Book many at once; their numbers, in the same order."""

    def get(self, number: int) -> Entry | None:
        """The entry of a number."""

    def of(self, employer: str) -> Sequence[Entry]:
        """The entries of an employer, by number."""

    def of_many(self, employers: Collection[str]) -> Mapping[str, Sequence[Entry]]:
        """The entries of many employers, by number; those without any are absent."""

    def since(self, employer: str, number: int) -> Sequence[Entry]:
        """The entries of an employer that were booked after the one of a number."""

    def balances(self, employers: Collection[str], before: int | None = None) -> Mapping[str, int]:
        """What stands on the accounts of employers, in cents; 0 for those without entries.

        Args:
            before: counts only what was booked before the entry of that number.
        """

    def accounts(self, period: Period) -> Mapping[Account, int]:
        """What stands on every account but those of employers at the close of a month, in cents."""

    def employers(self) -> Sequence[str]:
        """All with an entry, in order."""

    def unassigned(self) -> Sequence[Entry]:
        """The unmatched payments that have found no employer yet, by number."""

    def transfers(self) -> Sequence[Entry]:
        """What was passed on, by number."""


class Arrangements(Protocol):
    """Payment plans, disputes and requests for credit balances."""

    def grant(self, plan: Plan) -> int:
        """Enter a plan; its number."""

    def plans(self, employers: Collection[str]) -> Mapping[str, Sequence[Plan]]:
        """The plans of employers, by number; those without any are absent."""

    def open_dispute(self, dispute: Dispute) -> int:
        """Enter a dispute; its number."""

    def disputes(self, employers: Collection[str]) -> Mapping[str, Sequence[Dispute]]:
        """The disputes of employers, open and closed, by number; those without any are absent."""

    def close_dispute(self, number: int, outcome: DisputeOutcome, day: date) -> Dispute | None:
        """Close a dispute; None when there is none of that number.

        Raises:
            ValueError: when it is closed already, or was opened later than that.
        """

    def ask_refund(self, request: RefundRequest) -> int:
        """Enter a request; its number."""

    def refunds_asked(self) -> Sequence[RefundRequest]:
        """The requests that are not paid yet, by number."""

    def refund_paid(self, number: int, entry: int) -> None:
        """Note which entry paid a request."""
