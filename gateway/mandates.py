"""Whether a member may act for an employer: decided per record, denied by default, recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.moments import Received
from gateway.registers import Mandate


@dataclass(frozen=True, slots=True)
class Rights:
    """The employers for whom one member may use one procedure at one moment of receipt.

    `mandates` names the mandate that allows each employer: the decision and its reason.
    An employer that is not there is denied, whether it exists or not, so that nobody learns
    which employers exist (promise P7).
    """

    mandates: Mapping[str, int]

    def allow(self, employer: str) -> bool:
        return employer in self.mandates


def rights(held: Sequence[Mandate], procedure: str, received: Received) -> Rights:
    """The rights that a member's mandates give for a procedure at the moment of receipt."""
    return Rights({m.employer: m.number for m in held if m.covers(procedure, received)})
