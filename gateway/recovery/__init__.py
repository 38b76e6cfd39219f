"""How unpaid statements are recovered: reminder, summons, constraint, as a state machine with dates.

`states` is the one table of what leads where, `rules` the dated figures, `history` what was done so far,
`steps` what is due on a day, `words` what an employer is told. Nothing here posts or books anything, and a
constraint is never more than proposed.
"""

from __future__ import annotations

from gateway.recovery.history import Case, Happened, cases
from gateway.recovery.rules import Rules, rules_on
from gateway.recovery.states import Event, State
from gateway.recovery.steps import Claim, LaterDay, Standing, Step, standings, steps

__all__ = [
    "Case",
    "Claim",
    "Event",
    "Happened",
    "LaterDay",
    "Rules",
    "Standing",
    "State",
    "Step",
    "cases",
    "rules_on",
    "standings",
    "steps",
]
