"""Signing in and out: a link that counts once, and the certificate of this handshake.

The other ways, an identity provider and passkeys, are in `adapters.pages.oidc` and `adapters.pages.passkeys`.
A link is opened by a button and not by looking at it, so that no mail scanner uses it up.
"""

from __future__ import annotations

from http import HTTPStatus

from cryptography import x509
from cryptography.x509.oid import NameOID
from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from adapters.connections import PEER, Peer
from adapters.database.visits import CERTIFICATE, LONGEST
from adapters.pages.forms import check_origin, read_fields
from adapters.pages.frame import NotAllowed, Pages, own_address, page, pages_of, put_cookie, say
from adapters.pages.visitors import PORTAL_SIGN_IN, VISIT, PortalVisitor, fields_of
from gateway.batch import MemberId


def add_sign_in(app: FastAPI, pages: Pages) -> None:
    """Add the pages of this module."""

    @app.get("/portal/sign-in")
    async def portal_sign_in(request: Request, back: str = "") -> Response:
        """How one signs in to the portal."""
        count_stranger(request)
        peer, member = await run_in_threadpool(_certified, request, pages)
        named = None if peer is None or member is None else _named(peer)
        return page(
            request,
            "pages/sign_in.html",
            back=own_address(back, "/portal"),
            certificate=named,
        )

    @app.get("/portal/enter")
    async def show(request: Request, key: str = "") -> Response:
        """A link that was followed: it is used up by a button only."""
        count_stranger(request)
        return page(request, "pages/enter.html", key=key)

    @app.post("/portal/enter")
    async def enter(request: Request) -> Response:
        """Come in by a link."""
        count_stranger(request)
        fields = await read_fields(request)
        secret = await run_in_threadpool(pages.visits.use_link, fields["key"], pages.now)
        if secret is None:
            return page(request, "pages/sign_in_failed.html", HTTPStatus.FORBIDDEN, way="link")
        return welcome(secret, "/portal")

    @app.post("/portal/sign-in/certificate")
    async def by_certificate(request: Request) -> Response:
        """Come in with the certificate of this handshake."""
        count_stranger(request)
        check_origin(request)
        fields = await read_fields(request)
        peer, member = await run_in_threadpool(_certified, request, pages)
        if peer is None or member is None:
            raise NotAllowed

        def let_in() -> str:
            now, visits = pages.now, pages.visits
            person = visits.of_certificate(member, peer.fingerprint, _named(peer), now)
            return visits.come_in(person.id, CERTIFICATE, now)

        return welcome(await run_in_threadpool(let_in), own_address(fields["back"], "/portal"))

    @app.post("/portal/sign-out")
    async def portal_sign_out(request: Request, visitor: PortalVisitor) -> Response:
        """Leave the portal."""
        await fields_of(request, visitor)
        await run_in_threadpool(pages.visits.leave, request.cookies.get(VISIT, ""))
        response = RedirectResponse(PORTAL_SIGN_IN, HTTPStatus.SEE_OTHER)
        put_cookie(response, VISIT, "", 0)
        return say(response, "frame.signed_out_now")


def welcome(secret: str, address: str) -> Response:
    """Go on with a visit that has begun."""
    response = RedirectResponse(address, HTTPStatus.SEE_OTHER)
    let_in(response, secret)
    return response


def let_in(response: Response, secret: str) -> None:
    """Give a browser the secret of its visit."""
    put_cookie(response, VISIT, secret, int(LONGEST.total_seconds()))


def count_stranger(request: Request) -> None:
    """Whoever signs in is nobody yet: as many tries as strangers have."""
    pages_of(request).gate.came(request.client.host if request.client else "")


def _certified(request: Request, pages: Pages) -> tuple[Peer | None, MemberId | None]:
    """The certificate of this handshake, and whose it is."""
    peer: Peer | None = request.scope.get("extensions", {}).get(PEER)
    return peer, None if peer is None else pages.member_of(peer, pages.now)


def _named(peer: Peer) -> str:
    """Whom a certificate names."""
    names = x509.load_der_x509_certificate(peer.certificate).subject
    found = names.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value)[:100] if found else peer.fingerprint[:16]
