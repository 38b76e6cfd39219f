"""The first page of the portal: what waits, and what was sent last."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool

from adapters.database.following import Following, Wanted
from adapters.database.portal import Desk
from adapters.pages.frame import Item, Pages, page
from adapters.pages.visitors import PortalVisitor
from adapters.portal.following import look_of
from gateway.states import State

_LAST = 5


def add_home(app: FastAPI, pages: Pages, following: Following, desk: Desk) -> None:
    """Add the page of this module."""
    pages.navigation["portal"].append(Item("portal.home", "/portal"))

    @app.get("/portal")
    async def home(request: Request, visitor: PortalVisitor) -> Response:
        """What waits for the member."""
        member = visitor.member
        found = await run_in_threadpool(following.look, member, Wanted())
        counts = await run_in_threadpool(following.counts, member)
        return page(
            request,
            "portal/home.html",
            last=found.deposits[:_LAST],
            look_of=look_of,
            held=counts.get(State.HELD.value, 0),
            unreleased=counts.get(State.UNRELEASED.value, 0),
            under_way=counts.get(State.RECEIVED.value, 0) + counts.get(State.WAITING.value, 0),
            drafts=len(await run_in_threadpool(desk.drafts, member)),
            files=len(await run_in_threadpool(desk.files, member)),
        )
