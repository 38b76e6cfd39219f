"""CHGMAT: which employers are told that a person has another matricule, and by which right members are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from gateway.batch import MemberId
from gateway.moments import Received
from gateway.notices.recipients import holders
from gateway.registers import Affiliation, Mandate

_RIGHTS = ("DECAFF", "DECSAL", "DECINT")


def employers(affiliations: Iterable[Affiliation], effective: date) -> list[str]:
    """The employers with whom a person is affiliated on a day or later."""
    return sorted({one.employer for one in affiliations if one.overlaps(effective, None)})


def recipients(mandates: Sequence[Mandate], at: Received) -> list[MemberId]:
    """Who is told: every member who may declare entries, wages or missions for the employer."""
    return holders(mandates, _RIGHTS, at)
