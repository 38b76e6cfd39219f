"""From declared wages to what each employer owes."""

from __future__ import annotations

from gateway.billing.invoice import bill
from gateway.billing.statement import (
    AccountStatement,
    BranchSum,
    Calculation,
    ChargedLine,
    Direction,
    InstitutionShare,
    InsuredResult,
    Invoice,
    PolicyNote,
)

__all__ = [
    "AccountStatement",
    "BranchSum",
    "Calculation",
    "ChargedLine",
    "Direction",
    "InstitutionShare",
    "InsuredResult",
    "Invoice",
    "PolicyNote",
    "bill",
]
