"""Who looks at a page of the portal: somebody of a member.

`PortalVisitor` is what such a page asks for; while nobody is signed in it is not made. Every request is
counted with the limits of all doors.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from adapters.connections import PEER, Peer
from adapters.database.visits import CERTIFICATE, Visiting
from adapters.pages.forms import Fields, check_token, read_fields, token_of
from adapters.pages.frame import NotAllowed, Pages, SignedOut, pages_of
from gateway.batch import MemberId
from gateway.people import PortalPerson, Role

VISIT = "__Host-visit"
PORTAL_SIGN_IN = "/portal/sign-in"


@dataclass(frozen=True, slots=True)
class MemberVisitor:
    """Somebody who is signed in for a member.

    Attributes:
        person: who.
        token: that their forms hold.
        way: how they signed in.
    """

    person: PortalPerson
    token: str
    way: str

    @property
    def member(self) -> MemberId:
        return self.person.member

    @property
    def name(self) -> str:
        return self.person.name

    def may(self, role: str) -> bool:
        """Whether they have a role."""
        return self.person.may(Role(role))

    def check(self, role: Role) -> None:
        """Make sure that they have a role.

        Raises:
            NotAllowed
        """
        if not self.person.may(role):
            raise NotAllowed


def _signed_in(request: Request, pages: Pages, secret: str) -> Visiting | None:
    """Who is signed in with a secret.

    Whoever came with a certificate comes with it each time, and it is judged anew: so a visit ends with its
    revocation, and the cookie alone is of no use to whoever steals it.
    """
    found = pages.visits.find(secret, pages.now)
    if found is not None and found.way == CERTIFICATE:
        peer: Peer | None = request.scope.get("extensions", {}).get(PEER)
        if peer is None or peer.fingerprint != found.person.id:
            return None
        if pages.member_of(peer, pages.now) != found.person.member:
            return None
    return found


async def _portal_visitor(request: Request) -> AsyncIterator[MemberVisitor]:
    pages = pages_of(request)
    secret = request.cookies.get(VISIT, "")
    found = await run_in_threadpool(_signed_in, request, pages, secret)
    if found is None:
        pages.gate.came(request.client.host if request.client else "")
        raise SignedOut(PORTAL_SIGN_IN)
    with pages.gate.inside(found.person.member):
        visitor = MemberVisitor(found.person, token_of(secret), found.way)
        request.state.visitor = visitor
        yield visitor


PortalVisitor = Annotated[MemberVisitor, Depends(_portal_visitor)]
"""Somebody of a member, counted until the page is made."""


async def fields_of(request: Request, visitor: MemberVisitor) -> Fields:
    """The fields of a form that this visitor sent from a page of ours.

    Raises:
        Foreign, Stale, TooMuchSent
    """
    fields = await read_fields(request)
    check_token(fields, visitor.token)
    return fields
