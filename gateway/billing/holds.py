"""What cannot be charged or booked yet, by name: held, never a wrong number (and never an estimate)."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from gateway.moments import Period


class Code(StrEnum):
    """Why something is held."""

    CLASSIFICATION = "BILL-CLASS"
    """The employer has no class of the MDE and no accident factor for the year."""
    PARAMETERS = "BILL-PARAMETERS"
    """No parameters are known for the month."""
    AFFILIATION = "BILL-AFFILIATION"
    """A wage shares no day with any affiliation, since an entry was cancelled or an exit moved."""
    GROUP = "BILL-GROUP"
    """Neither the contract type nor the scheme of an affiliation says how the person is insured."""
    PRESCRIBED = "BILL-PRESCRIBED"
    """A change would correct a month that lies further back than corrections reach."""
    INCAPACITY = "BILL-INCAPACITY"
    """A refund of the MDE cannot be computed yet."""


class Hold(NamedTuple):
    """One thing that is held.

    Attributes:
        code: why.
        employer: matricule.
        period: the month concerned.
        insured: matricule; empty when it is about all of the employer's.
        detail: what exactly, in English, without names; empty when the code says all.
    """

    code: Code
    employer: str
    period: Period
    insured: str = ""
    detail: str = ""
