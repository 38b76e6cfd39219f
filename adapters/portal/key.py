"""The member's portal key: who signs what its people make here, and how a member agrees to that.

See docs/decisions/0022. Only somebody who administers the member's access consents, or takes it back.
"""

from __future__ import annotations

from datetime import timedelta

from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool

from adapters.database import Database
from adapters.database.members import keys_of
from adapters.database.portal import Desk
from adapters.installation import VALIDITY
from adapters.keys import tell_registered
from adapters.pages.frame import Pages, go_to, page, say
from adapters.pages.visitors import PortalVisitor, fields_of
from adapters.pki import Authority, KeyKind, Subject, new_key
from gateway.moments import Received
from gateway.people import PortalPerson, Role
from gateway.seal import Seal

_SKEW = timedelta(minutes=5)


class PortalKeys:
    """Makes and ends the portal keys of members.

    Args:
        authority: our own, which issues their certificates; None: no portal keys are made.
    """

    def __init__(self, database: Database, desk: Desk, seal: Seal, authority: Authority | None) -> None:
        self._database = database
        self._desk = desk
        self._seal = seal
        self._authority = authority

    @property
    def can_be_made(self) -> bool:
        return self._authority is not None

    def make(self, who: PortalPerson, at: Received) -> None:
        """Make a key for the member of a person who consents, and tell the member."""
        assert self._authority is not None
        private = new_key(KeyKind.P256)
        last = min(at.at + VALIDITY, self._authority.certificate.not_valid_after_utc)
        subject = Subject("Secugate portal", serial_number=str(who.member))
        found = self._authority.issue(subject, private.public_key(), at.at - _SKEW, last)
        digest = self._desk.add_key(who, found, private, at)
        with self._database.write() as connection:
            key = next(one for one in keys_of(connection, who.member) if one.fingerprint == digest)
            tell_registered(connection, self._seal, who.member, key, at)


def add_key(app: FastAPI, pages: Pages, desk: Desk, keys: PortalKeys) -> None:
    """Add the pages of this module."""

    @app.get("/portal/key")
    async def show(request: Request, visitor: PortalVisitor) -> Response:
        """Whether the member has a portal key."""
        signer = await run_in_threadpool(desk.signer, visitor.member, pages.now)
        until = None if signer is None else signer.certificate.not_valid_after_utc
        return page(request, "portal/key.html", until=until, can_be_made=keys.can_be_made)

    @app.post("/portal/key")
    async def consent(request: Request, visitor: PortalVisitor) -> Response:
        """Consent to a portal key, or take the consent back."""
        visitor.check(Role.ADMINISTERS)
        fields = await fields_of(request, visitor)
        now = pages.now
        if fields["action"] == "end":
            await run_in_threadpool(desk.end_key, visitor.person, now)
            return say(go_to(request, "/portal/key"), "portal.key_ended")
        has_one = await run_in_threadpool(desk.signer, visitor.member, now) is not None
        if keys.can_be_made and not has_one and fields["agreed"] == "yes":
            await run_in_threadpool(keys.make, visitor.person, now)
            return say(go_to(request, "/portal/key"), "portal.key_made")
        return go_to(request, "/portal/key")
