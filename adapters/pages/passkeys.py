"""Signing in with a passkey (Web Authentication, Level 3): a key that never leaves its device.

A challenge counts once, for ten minutes, and for the browser that asked for it. The device has to verify its
user, so that a passkey is both what somebody has and what they are or know. It needs a host with a name.
"""

from __future__ import annotations

from http import HTTPStatus
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
import webauthn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, options_to_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from adapters.database.passkeys import Passkeys
from adapters.database.visits import CHALLENGE_LIFE
from adapters.pages.forms import Fields, read_fields
from adapters.pages.frame import NotAllowed, Pages, go_to, own_address, page, put_cookie, say
from adapters.pages.sign_in import count_stranger, let_in
from adapters.pages.visitors import PortalVisitor, fields_of

ASKED = "__Host-challenge"
WAY = "passkey"
_LONGEST_NAME = 60


def host_of(address: str) -> str | None:
    """The name of a host for which there can be passkeys; none for a bare address."""
    name = urlsplit(address).hostname or ""
    try:
        ip_address(name)
    except ValueError:
        return name or None
    return None


class Relying:
    """Us, as devices know us.

    Args:
        address: of the portal, without a path.
        host: its name.
    """

    def __init__(self, pages: Pages, passkeys: Passkeys, address: str, host: str) -> None:
        self.pages = pages
        self.passkeys = passkeys
        self._address = address
        self._host = host

    def ask(self, options: Any) -> Response:
        """Options for a browser, whose challenge waits for it."""
        kept = self.pages.visits.keep_challenge(WAY, bytes_to_base64url(options.challenge), self.pages.now)
        response = Response(options_to_json(options), media_type="application/json")
        put_cookie(response, ASKED, kept, int(CHALLENGE_LIFE.total_seconds()))
        return response

    def new(self, visitor: PortalVisitor) -> Response:
        """Ask a device for a new passkey."""
        options = webauthn.generate_registration_options(
            rp_id=self._host,
            rp_name="Secugate",
            user_name=visitor.name,
            user_id=visitor.person.id.encode(),
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
        )
        return self.ask(options)

    def known(self) -> Response:
        """Ask a device for a passkey that it has."""
        verified = UserVerificationRequirement.REQUIRED
        return self.ask(
            webauthn.generate_authentication_options(rp_id=self._host, user_verification=verified)
        )

    def add(self, request: Request, visitor: PortalVisitor, fields: Fields) -> None:
        """Register what a device has made.

        Raises:
            NotAllowed: it is not in answer to our challenge, or was registered before.
        """
        try:
            made = webauthn.verify_registration_response(
                credential=fields["credential"],
                expected_challenge=self._challenge(request),
                expected_rp_id=self._host,
                expected_origin=self._address,
                require_user_verification=True,
            )
            self.passkeys.add(
                visitor.person,
                bytes_to_base64url(made.credential_id),
                made.credential_public_key,
                made.sign_count,
                fields["name"][:_LONGEST_NAME] or "Passkey",
                self.pages.now,
            )
        except (WebAuthnException, ValueError, sa.exc.IntegrityError):
            raise NotAllowed from None

    def enter(self, request: Request, fields: Fields) -> str:
        """Let in whoever has unlocked a passkey of theirs; the secret of the visit.

        Raises:
            NotAllowed: it is nobody's, or not in answer to our challenge.
        """
        try:
            told = webauthn.helpers.parse_authentication_credential_json(fields["credential"])
            known = self.passkeys.find(bytes_to_base64url(told.raw_id))
            if known is None:
                raise NotAllowed
            done = webauthn.verify_authentication_response(
                credential=told,
                expected_challenge=self._challenge(request),
                expected_rp_id=self._host,
                expected_origin=self._address,
                credential_public_key=known.public_key,
                credential_current_sign_count=known.uses,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError):
            raise NotAllowed from None
        self.passkeys.used(known.id, done.new_sign_count)
        return self.pages.visits.come_in(known.person, WAY, self.pages.now)

    def _challenge(self, request: Request) -> bytes:
        kept = self.pages.visits.take_challenge(WAY, request.cookies.get(ASKED, ""), self.pages.now)
        if kept is None:
            raise NotAllowed
        return base64url_to_bytes(kept)


def add_passkeys(app: FastAPI, relying: Relying) -> None:
    """Add the pages of this module."""
    relying.pages.ways.append("passkey")

    @app.post("/portal/sign-in/passkey/begin")
    async def begin(request: Request) -> Response:
        """Ask a device for a passkey."""
        count_stranger(request)
        await read_fields(request)
        return await run_in_threadpool(relying.known)

    @app.post("/portal/sign-in/passkey")
    async def enter(request: Request) -> Response:
        """Come in with a passkey."""
        count_stranger(request)
        fields = await read_fields(request)
        try:
            secret = await run_in_threadpool(relying.enter, request, fields)
        except NotAllowed:
            return JSONResponse({}, HTTPStatus.FORBIDDEN)
        response = JSONResponse({"go": own_address(fields["back"], "/portal")})
        let_in(response, secret)
        return response

    @app.get("/portal/passkeys")
    async def show(request: Request, visitor: PortalVisitor) -> Response:
        """The visitor's own passkeys."""
        keys = await run_in_threadpool(relying.passkeys.of, visitor.person)
        return page(request, "pages/passkeys.html", keys=keys)

    @app.post("/portal/passkeys/begin")
    async def new(request: Request, visitor: PortalVisitor) -> Response:
        """Ask a device for a new passkey."""
        await fields_of(request, visitor)
        return await run_in_threadpool(relying.new, visitor)

    @app.post("/portal/passkeys")
    async def add(request: Request, visitor: PortalVisitor) -> Response:
        """Register a passkey, or end one."""
        fields = await fields_of(request, visitor)
        if fields["end"]:
            await run_in_threadpool(relying.passkeys.end, visitor.person, fields["end"], relying.pages.now)
            return say(go_to(request, "/portal/passkeys"), "frame.passkey_ended")
        await run_in_threadpool(relying.add, request, visitor, fields)
        return say(JSONResponse({"go": "/portal/passkeys"}), "frame.passkey_added")
