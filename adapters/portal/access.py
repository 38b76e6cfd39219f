"""The portal's page of keys and people: what opens the doors for a member, and who acts for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool

from adapters.connections import PEER, Peer
from adapters.database.members import Key, Members
from adapters.keys import Keys, NotNow, NotRenewed, Renewed
from adapters.pages.forms import Fields
from adapters.pages.frame import Item, NotAllowed, NotThere, Pages, go_to, page, say
from adapters.pages.visitors import MemberVisitor, PortalVisitor, fields_of
from gateway.agreement import Agreement
from gateway.people import PortalPerson, Role

LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Access:
    """What the page shows.

    Attributes:
        keys: those that count, in the order of registration.
        agreed: None where nothing is agreed.
    """

    keys: tuple[Key, ...]
    people: tuple[PortalPerson, ...]
    agreed: Agreement | None


def add_access(app: FastAPI, pages: Pages, members: Members, keys: Keys, address: str) -> None:
    """Add the page of this module.

    Args:
        address: of the door, as members write it.
    """
    pages.navigation["portal"].append(Item("access.menu", "/portal/access"))

    @app.get("/portal/access")
    async def show(request: Request, visitor: PortalVisitor) -> Response:
        """Keys, people and what was agreed."""
        return await _shown(request, visitor)

    @app.post("/portal/access/keys")
    async def renew(request: Request, visitor: PortalVisitor) -> Response:
        """Renew a key, as at the HTTPS door: by whoever comes with the current certificate."""
        visitor.check(Role.ADMINISTERS)
        fields = await fields_of(request, visitor)
        peer = _peer(request, pages, visitor)
        if peer is None:
            raise NotAllowed
        try:
            done = await run_in_threadpool(partial(_renewed, keys, visitor, peer, fields))
        except NotRenewed as no:
            return await _shown(request, visitor, refused=no.code)
        except NotNow:
            return await _shown(request, visitor, refused="KEY-NOT-NOW")
        return await _shown(request, visitor, renewed=done)

    @app.post("/portal/access/people")
    async def add(request: Request, visitor: PortalVisitor) -> Response:
        """Enter somebody who acts for the member, and make a link that lets them in."""
        visitor.check(Role.ADMINISTERS)
        fields = await fields_of(request, visitor)
        name, roles = fields["name"], _roles(fields.all("role"))
        if not roles or not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
            return await _shown(request, visitor, refused="PERSON")
        now = pages.now
        new = await run_in_threadpool(pages.visits.register, visitor.member, name, roles, now)
        await run_in_threadpool(pages.visits.note, visitor.person, "person", new.id, now)
        return await _linked(request, visitor, new)

    @app.post("/portal/access/people/{identifier}")
    async def change(request: Request, visitor: PortalVisitor, identifier: str) -> Response:
        """Give somebody other roles, end them, or make a link that lets them in."""
        visitor.check(Role.ADMINISTERS)
        fields = await fields_of(request, visitor)
        people = await run_in_threadpool(pages.visits.people, visitor.member)
        found = next((one for one in people if one.id == identifier), None)
        if found is None:
            raise NotThere
        if fields["action"] == "link":
            return await _linked(request, visitor, found)
        if found.id == visitor.person.id:
            return say(go_to(request, "/portal/access"), "access.not_yourself", "danger")
        roles = frozenset[Role]() if fields["action"] == "end" else _roles(fields.all("role"))
        await run_in_threadpool(pages.visits.note, visitor.person, "roles", identifier, pages.now)
        await run_in_threadpool(pages.visits.change, visitor.member, identifier, roles, pages.now)
        key = "access.changed" if roles else "access.ended"
        return say(go_to(request, "/portal/access"), key, name=found.name)

    async def _linked(request: Request, visitor: MemberVisitor, one: PortalPerson) -> Response:
        # Who makes a link may follow it: releases by two persons ask for this note.
        await run_in_threadpool(pages.visits.note, visitor.person, "link", one.id, pages.now)
        secret = await run_in_threadpool(pages.visits.make_link, one.id, pages.now)
        return await _shown(request, visitor, link=(one.name, f"{address}/portal/enter?key={secret}"))

    async def _shown(
        request: Request,
        visitor: MemberVisitor,
        *,
        refused: str = "",
        renewed: Renewed | None = None,
        link: tuple[str, str] | None = None,
    ) -> Response:
        now = pages.now
        found = await run_in_threadpool(_read, pages, members, visitor)
        status = HTTPStatus.UNPROCESSABLE_ENTITY if refused else HTTPStatus.OK
        return page(
            request,
            "portal/access.html",
            status,
            found=found,
            now=now,
            peer=_peer(request, pages, visitor),
            roles=list(Role),
            refused=refused,
            renewed=renewed,
            link=link,
        )


def _read(pages: Pages, members: Members, visitor: MemberVisitor) -> Access:
    now, member = pages.now, visitor.member
    counting = tuple(one for one in members.keys(member) if one.counts(now))
    return Access(counting, tuple(pages.visits.people(member)), members.agreement(member, now))


def _renewed(keys: Keys, visitor: MemberVisitor, peer: Peer, fields: Fields) -> Renewed:
    if fields["request"]:
        return keys.renew_certificate(
            visitor.member, peer.fingerprint, fields["request"], fields["certificate"]
        )
    return keys.renew_ssh_key(
        visitor.member, peer.fingerprint, fields["ssh_key"], fields["proof"], fields["replaces"]
    )


def _peer(request: Request, pages: Pages, visitor: MemberVisitor) -> Peer | None:
    """The certificate of this handshake, when it is one of the member's that counts."""
    peer: Peer | None = request.scope.get("extensions", {}).get(PEER)
    if peer is None or pages.member_of(peer, pages.now) != visitor.member:
        return None
    return peer


def _roles(words: Iterable[str]) -> frozenset[Role]:
    return frozenset(Role(one) for one in words if one in set(Role))
