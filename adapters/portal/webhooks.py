"""The portal's page of addresses at which a member's software is told of answers; as at the HTTPS door."""

from __future__ import annotations

import hashlib
from functools import partial
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool

from adapters.calling import LONGEST_URL, Caller, NoAnswer, NotCalled
from adapters.database.webhooks import MOST, TooMany, Webhooks
from adapters.pages.frame import NotThere, Pages, go_to, page, say
from adapters.pages.visitors import MemberVisitor, PortalVisitor, fields_of
from gateway.people import Role


def add_webhook_pages(app: FastAPI, pages: Pages, webhooks: Webhooks, caller: Caller) -> None:
    """Add the page of this module; it is reached from that of keys and people.

    Args:
        caller: knows which addresses may be called at all.
    """

    @app.get("/portal/webhooks")
    async def show(request: Request, visitor: PortalVisitor) -> Response:
        """The member's addresses, and how they fare."""
        return await _shown(request, visitor)

    @app.post("/portal/webhooks")
    async def register(request: Request, visitor: PortalVisitor) -> Response:
        """Register an address."""
        visitor.check(Role.ADMINISTERS)
        url = (await fields_of(request, visitor))["url"][: LONGEST_URL + 1]
        try:
            await run_in_threadpool(caller.check, url)
            digest = hashlib.sha256(url.encode()).hexdigest()
            await run_in_threadpool(pages.visits.note, visitor.person, "webhook", digest, pages.now)
            await run_in_threadpool(partial(webhooks.add, visitor.member, url, pages.now))
        except (NotCalled, NoAnswer) as no:
            return await _shown(request, visitor, wrong="address", why=str(no), url=url)
        except TooMany:
            return await _shown(request, visitor, wrong="many", url=url)
        return say(go_to(request, "/portal/webhooks"), "access.webhook_added")

    @app.post("/portal/webhooks/{identifier}/end")
    async def end(request: Request, visitor: PortalVisitor, identifier: str) -> Response:
        """Have an address told nothing any more."""
        visitor.check(Role.ADMINISTERS)
        await fields_of(request, visitor)
        await run_in_threadpool(pages.visits.note, visitor.person, "webhook-end", identifier, pages.now)
        if not await run_in_threadpool(webhooks.end, visitor.member, identifier, pages.now):
            raise NotThere
        return say(go_to(request, "/portal/webhooks"), "access.webhook_ended")

    async def _shown(
        request: Request, visitor: MemberVisitor, *, wrong: str = "", why: str = "", url: str = ""
    ) -> Response:
        found = await run_in_threadpool(webhooks.of, visitor.member)
        status = HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK
        shown = {"webhooks": found, "wrong": wrong, "why": why, "url": url, "most": MOST}
        return page(request, "portal/webhooks.html", status, **shown)
