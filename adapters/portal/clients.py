"""The portal's pages of clients: all of them at once, mandates and hand-over, release by a second person,
and many documents in one file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from adapters.database.releases import Releases, SamePerson
from adapters.encryption import Erased
from adapters.evidence import Packs
from adapters.pages.frame import Item, NotThere, Pages, go_to, page, say
from adapters.pages.visitors import PortalVisitor, fields_of
from adapters.portal.awaited import Awaited, State
from adapters.portal.bundles import zipped
from adapters.portal.deadlines import month_of
from adapters.portal.letterbox import Letterbox, Unread
from adapters.portal.mandates import Mandating, add_mandates, dossier
from gateway.moments import Period, Received
from gateway.people import Role
from outbox.collect import Outbox, collect

AT_ONCE = 50
MOST_RETURNS, MOST_PACKS = 2_000, 50
"""In one file. A pack is sealed anew each time."""
DOOR = "portal"
_LONGEST_SEARCH = 60


def add_clients(app: FastAPI, pages: Pages, awaited: Awaited, mandating: Mandating) -> None:
    """Add the list of clients, and each with its mandates."""
    pages.navigation["portal"].append(Item("clients.menu", "/portal/clients"))

    @app.get("/portal/clients")
    async def listed(
        request: Request,
        visitor: PortalVisitor,
        search: str = "",
        state: State = State.ALL,
        month: str = "",
        place: int = 0,
    ) -> Response:
        """The employers for whom the member may act, and how each stands."""
        period = month_of(month) or Period.of(pages.now).plus(-1)
        wanted = search.strip()[:_LONGEST_SEARCH]
        ask = partial(awaited.clients, visitor.member, period, wanted, state, min(place, 10_000), AT_ONCE)
        return page(
            request,
            "portal/clients.html",
            found=await run_in_threadpool(ask),
            search=wanted,
            state=state,
            states=list(State),
            period=period,
        )

    @app.get("/portal/clients/{matricule}")
    async def one(request: Request, visitor: PortalVisitor, matricule: str) -> Response:
        """A client: its mandates, and what was sent for it."""
        return await dossier(request, visitor, pages, awaited, matricule)

    add_mandates(app, pages, awaited, mandating)


def add_releases(app: FastAPI, pages: Pages, releases: Releases, wake: Callable[[], None]) -> None:
    """Add the release of files by a second person."""

    @app.get("/portal/releases")
    async def waiting(request: Request, visitor: PortalVisitor) -> Response:
        """The files that wait for a second person."""
        found = await run_in_threadpool(releases.waiting, str(visitor.member))
        return page(request, "portal/releases.html", found=found, now=pages.now)

    @app.post("/portal/releases/{identifier}")
    async def answer(request: Request, visitor: PortalVisitor, identifier: str) -> Response:
        """Release a file, or withdraw it."""
        visitor.check(Role.RELEASES)
        fields = await fields_of(request, visitor)
        if fields["answer"] not in ("release", "withdraw"):
            raise NotThere
        released = fields["answer"] == "release"
        ask = partial(
            releases.answer,
            str(visitor.member),
            identifier,
            visitor.person.id,
            released=released,
            at=pages.now,
        )
        back = go_to(request, "/portal/releases")
        try:
            done = await run_in_threadpool(ask)
        except SamePerson:
            return say(back, "clients.same_person", "danger")
        if not done:
            raise NotThere
        await run_in_threadpool(pages.visits.note, visitor.person, fields["answer"], identifier, pages.now)
        wake()
        return say(back, "clients.released" if released else "clients.withdrawn")


def add_letterbox(app: FastAPI, pages: Pages, letterbox: Letterbox, outbox: Outbox, packs: Packs) -> None:
    """Add the letterbox, and many of them in one file."""

    @app.get("/portal/returns")
    async def listed(
        request: Request, visitor: PortalVisitor, month: str = "", unread: bool = False, before: int = 0
    ) -> Response:
        """What was posted to the member in a month, the latest first."""
        period = month_of(month) or Period.of(pages.now)
        asked = Unread(period, only_unread=unread, before=max(0, min(before, 2**62)))
        found = await run_in_threadpool(letterbox.listed, visitor.member, asked, AT_ONCE)
        return page(request, "portal/returns.html", found=found, period=period, unread=unread)

    @app.get("/portal/returns/{identifier}")
    async def one(visitor: PortalVisitor, identifier: str) -> Response:
        """Collect an answer."""
        found = await run_in_threadpool(outbox.collection.find, str(visitor.member), identifier)
        if found is None:
            raise NotThere
        take = partial(collect, outbox, recipient=str(visitor.member), answer_id=identifier, door=DOOR)
        content = await run_in_threadpool(take)
        if content is None:
            raise NotThere
        return _attachment(content, found.answer.name)

    @app.post("/portal/returns/bundle")
    async def bundle(request: Request, visitor: PortalVisitor) -> Response:
        """All answers of a month in one file; each counts as collected."""
        fields = await fields_of(request, visitor)
        period = month_of(fields["month"]) or Period.of(pages.now)
        asked = Unread(period, only_unread=fields["unread"] == "yes", before=0)
        found = await run_in_threadpool(letterbox.listed, visitor.member, asked, MOST_RETURNS)
        if not found.rows:
            return say(go_to(request, f"/portal/returns?month={period}"), "clients.no_returns", "warning")

        def files() -> Iterator[tuple[str, bytes]]:
            for listed in found.rows:
                with suppress(Erased):
                    content = collect(
                        outbox,
                        recipient=str(visitor.member),
                        answer_id=listed.answer.id,
                        door=DOOR,
                    )
                    if content is not None:
                        yield listed.answer.name, content

        return _streamed(files(), f"secugate-{period}.zip", pages.now)

    @app.post("/portal/evidence/bundle")
    async def evidence(request: Request, visitor: PortalVisitor) -> Response:
        """The evidence packs of deposits of the member in one file."""
        fields = await fields_of(request, visitor)
        wanted = list(dict.fromkeys(fields.all("deposit")))[:MOST_PACKS]
        mine = await run_in_threadpool(letterbox.own, visitor.member, wanted)
        if not mine:
            raise NotThere

        def files() -> Iterator[tuple[str, bytes]]:
            for identifier in mine:
                with suppress(Erased):
                    content = packs.make(identifier, DOOR, str(visitor.member))
                    if content is not None:
                        yield f"evidence-{identifier}.asice", content

        async with pages.gate.costly(visitor.member):
            return _streamed(files(), "secugate-evidence.zip", pages.now)


def _streamed(files: Iterator[tuple[str, bytes]], name: str, now: Received) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(zipped(files, now.at), media_type="application/zip", headers=headers)


def _attachment(content: bytes, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type="application/octet-stream", headers=headers)
