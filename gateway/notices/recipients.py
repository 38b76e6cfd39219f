"""Who gets a notice: members with a mandate for the employer at the moment of posting, and nobody else."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.batch import MemberId
from gateway.moments import Received
from gateway.registers import Mandate


def holders(mandates: Sequence[Mandate], procedures: Sequence[str], at: Received) -> list[MemberId]:
    """The members whose mandates cover any of some procedures at a moment, each once."""
    return sorted(
        {
            mandate.member
            for mandate in mandates
            if any(mandate.covers(procedure, at) for procedure in procedures)
        }
    )
