"""What each employer owes and has paid, to the cent: a double-entry ledger, interest, plans, disputes.

`entries` says what is booked, `position` how an account stands at the end of a day, `interest` what late
interest is due, `arrangements` what was agreed beside, `institutions` what each institution gets.
"""

from __future__ import annotations

from gateway.ledger.arrangements import Dispute, DisputeOutcome, Instalment, Plan, RefundRequest
from gateway.ledger.entries import Account, AccountKind, Entry, EntryKind, Posting
from gateway.ledger.interest import interest_due
from gateway.ledger.policy import Policy
from gateway.ledger.position import (
    OpenInterest,
    OpenItem,
    PlanStanding,
    PlanState,
    Position,
    position,
)

__all__ = [
    "Account",
    "AccountKind",
    "Dispute",
    "DisputeOutcome",
    "Entry",
    "EntryKind",
    "Instalment",
    "OpenInterest",
    "OpenItem",
    "Plan",
    "PlanStanding",
    "PlanState",
    "Policy",
    "Position",
    "Posting",
    "RefundRequest",
    "interest_due",
    "position",
]
