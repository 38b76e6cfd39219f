"""Two-person release at the HTTPS door: the second person of a member says yes or no to a file."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool

from adapters.connections import PEER, Peer
from adapters.database.releases import Releases, SamePerson
from adapters.https import Problem, Sender, not_found
from gateway.batch import MemberId
from gateway.moments import Clock, Received


def add_releases(app: FastAPI, releases: Releases, wake: Callable[[], None], clock: Clock) -> None:
    """Let members release and withdraw the files that wait for their second person."""

    async def answer(request: Request, member: MemberId, identifier: str, *, released: bool) -> Response:
        peer: Peer | None = request.scope.get("extensions", {}).get(PEER)
        if peer is None:
            detail = "A person with a certificate releases a file; a program with a token may not."
            raise Problem(HTTPStatus.FORBIDDEN, "DOOR-CERTIFICATE", detail)
        ask = partial(releases.answer, str(member), identifier, peer.fingerprint, released=released)
        try:
            found = await run_in_threadpool(partial(ask, at=Received(clock())))
        except SamePerson:
            detail = (
                "This certificate signed the file, or comes from whoever did. Another person of yours"
                " releases it, with their own."
            )
            raise Problem(HTTPStatus.CONFLICT, "DOOR-SAME-PERSON", detail) from None
        if not found:
            raise not_found()
        wake()
        return Response(status_code=HTTPStatus.NO_CONTENT)

    @app.post("/v1/deposits/{identifier}/release", status_code=204, response_class=Response)
    async def release(request: Request, identifier: str, member: Sender) -> Response:
        """Release a file that waits for your second person (state `unreleased`); it is treated now."""
        return await answer(request, member, identifier, released=True)

    @app.post("/v1/deposits/{identifier}/withdrawal", status_code=204, response_class=Response)
    async def withdraw(request: Request, identifier: str, member: Sender) -> Response:
        """Withdraw a file that waits for your second person; it is refused as a whole."""
        return await answer(request, member, identifier, released=False)
