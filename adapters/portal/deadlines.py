"""The portal's pages of deadlines: the calendar of a month, and whose wages are missing before it ends."""

from __future__ import annotations

from functools import partial

from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool

from adapters.database.circumstances import Circumstances
from adapters.pages.frame import Item, NotThere, Pages, page
from adapters.pages.visitors import PortalVisitor
from adapters.portal.awaited import Awaited, State
from gateway.deadlines import Kind, due, hour_of
from gateway.matricule import is_employer
from gateway.moments import Period
from gateway.notices import calend

AT_ONCE = 50


def add_deadlines(app: FastAPI, pages: Pages, awaited: Awaited, circumstances: Circumstances) -> None:
    """Add the pages of this module."""
    pages.navigation["portal"].append(Item("deadlines.menu", "/portal/deadlines"))

    @app.get("/portal/deadlines")
    async def calendar(request: Request, visitor: PortalVisitor, month: str = "") -> Response:
        """What ends in a month, and how far the wages that are due next have come."""
        now = pages.now
        shown = month_of(month) or Period.of(now)
        outages = await run_in_threadpool(circumstances.outages)
        period = Period.of(now).plus(-1)
        ask = partial(awaited.clients, visitor.member, period, "", State.MISSING, 0, AT_ONCE)
        ends = due(Kind.WAGE, period, outages)
        return page(
            request,
            "portal/deadlines.html",
            month=shown,
            deadlines=calend.of_month(shown, outages),
            now=now,
            period=period,
            ends=ends,
            hour=hour_of(ends),
            found=await run_in_threadpool(ask),
        )

    @app.get("/portal/deadlines/missing")
    async def missing(
        request: Request, visitor: PortalVisitor, employer: str, month: str = "", after: int = 0
    ) -> Response:
        """Whose wage of a month is not declared yet."""
        period = month_of(month) or Period.of(pages.now).plus(-1)
        if not is_employer(employer):
            raise NotThere
        found = await run_in_threadpool(awaited.missing, visitor.member, employer, period)
        if found is None:
            raise NotThere
        ends = due(Kind.WAGE, period, await run_in_threadpool(circumstances.outages))
        first = max(0, after)
        return page(
            request,
            "portal/missing.html",
            employer=employer,
            period=period,
            found=found[first : first + AT_ONCE],
            count=len(found),
            newer=max(0, first - AT_ONCE) if first else None,
            older=first + AT_ONCE if len(found) > first + AT_ONCE else None,
            ends=ends,
            hour=hour_of(ends),
            is_late=ends.until <= pages.now,
        )


def month_of(text: str) -> Period | None:
    """A month as a form writes it; None for anything else, and for one that no calendar is made of."""
    try:
        found = Period.parse(text)
    except ValueError:
        return None
    return found if 2000 <= found.year <= 2100 else None
