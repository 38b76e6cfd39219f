"""From declared wages to what each employer owes."""

from __future__ import annotations

from gateway.billing.lines import ChargedLine
from gateway.billing.statement import (
    AccountStatement,
    Booking,
    BranchSum,
    Calculation,
    Cause,
    CorrectedMonth,
    Declared,
    Direction,
    InstitutionShare,
    InsuredResult,
    Invoice,
    Movement,
    Payee,
    PolicyNote,
    Recalculation,
    RefundChange,
    RefundedMonth,
    Terms,
)

__all__ = [
    "AccountStatement",
    "Booking",
    "BranchSum",
    "Calculation",
    "Cause",
    "ChargedLine",
    "CorrectedMonth",
    "Declared",
    "Direction",
    "InstitutionShare",
    "InsuredResult",
    "Invoice",
    "Movement",
    "Payee",
    "PolicyNote",
    "Recalculation",
    "RefundChange",
    "RefundedMonth",
    "Terms",
]
