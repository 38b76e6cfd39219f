"""Who acts for a member at the portal, and what each of them may do there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.batch import MemberId


class Role(StrEnum):
    """What somebody may do for a member. One person may have several roles."""

    READS = "reads"
    """Sees deposits, answers and invoices."""
    SENDS = "sends"
    """Sends batches, and signs with the member's portal key."""
    RELEASES = "releases"
    """Is the second person who releases or withdraws a file."""
    ADMINISTERS = "administers"
    """Keeps persons, keys and what was agreed."""


EVERY_ROLE = frozenset(Role)


@dataclass(frozen=True, slots=True)
class PortalPerson:
    """Somebody who acts for a member.

    Attributes:
        id: ours, random; for whoever comes with the member's certificate, its fingerprint.
        member: for whom they act.
        name: as the member calls them.
        roles: what they may do; everybody may read.
    """

    id: str
    member: MemberId
    name: str
    roles: frozenset[Role]

    def may(self, role: Role) -> bool:
        """Whether they have a role; whoever has any may read."""
        return role in self.roles or (role is Role.READS and bool(self.roles))
