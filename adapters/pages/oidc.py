"""Signing in with an account at an identity provider (OpenID Connect Core 1.0, authorization code with PKCE).

The provider says who it is; whom we let in is ours to say: a person must be registered at the portal with the
issuer and the subject that the provider names. State, nonce and verifier wait in the database until the
browser comes back, once, within ten minutes, and only for the browser that went.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx2
import structlog
from authlib.integrations.httpx_client import OAuth2Client
from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from starlette.concurrency import run_in_threadpool

from adapters.database.visits import CHALLENGE_LIFE
from adapters.pages.frame import Pages, page, put_cookie
from adapters.pages.sign_in import count_stranger, let_in

log = structlog.get_logger()

WENT = "__Host-went"
WAY = "oidc"
CALLBACK = "/portal/sign-in/oidc/back"
ALGORITHMS = ["RS256", "ES256", "PS256", "EdDSA"]
SECONDS = 10.0
_LEEWAY = 60


class NotIdentified(Exception):
    """The provider did not identify anybody, or cannot be asked."""


@dataclass(frozen=True, slots=True)
class Provider:
    """An identity provider, and us as it knows us.

    Attributes:
        issuer: its address, as it stands in its tokens.
        client: our id with it.
        secret: that it gave us.
        address: of our portal, without a path.
    """

    issuer: str
    client: str
    secret: str
    address: str

    def asked(self) -> tuple[str, Mapping[str, str]]:
        """Where a browser is sent, and what we keep until it comes back."""
        verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
        with self._session() as session:
            place, state = session.create_authorization_url(
                self._described()["authorization_endpoint"], code_verifier=verifier, nonce=nonce
            )
        return str(place), {"state": str(state), "nonce": nonce, "verifier": verifier}

    def subject(self, code: str, kept: Mapping[str, str]) -> str:
        """Whom the provider identifies: issuer and subject, with a blank.

        Raises:
            NotIdentified: it does not, or not for us, now and in answer to our question.
        """
        described = self._described()
        try:
            with self._session() as session:
                given = session.fetch_token(
                    described["token_endpoint"],
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=kept["verifier"],
                )
            keys = KeySet.import_key_set(_fetched(described["jwks_uri"]))
            claims = jwt.decode(str(given["id_token"]), keys, algorithms=ALGORITHMS).claims
            wanted = jwt.JWTClaimsRegistry(
                leeway=_LEEWAY,
                iss={"essential": True, "value": self.issuer},
                aud={"essential": True, "value": self.client},
                nonce={"essential": True, "value": kept["nonce"]},
                sub={"essential": True},
                exp={"essential": True},
            )
            wanted.validate(claims)
        except (JoseError, httpx2.HTTPError, KeyError, ValueError) as error:
            raise NotIdentified(type(error).__name__) from None
        except Exception as error:  # what the provider refuses, the library tells by classes of its own
            raise NotIdentified(type(error).__name__) from None
        return f"{self.issuer} {claims['sub']}"

    def _session(self) -> Any:
        return OAuth2Client(
            self.client,
            self.secret,
            scope="openid",
            redirect_uri=self.address + CALLBACK,
            code_challenge_method="S256",
            timeout=SECONDS,
        )

    def _described(self) -> Mapping[str, str]:
        """What the provider says of itself (OpenID Connect Discovery 1.0).

        Raises:
            NotIdentified: it is away, or another one.
        """
        try:
            found = _fetched(self.issuer.rstrip("/") + "/.well-known/openid-configuration")
        except (httpx2.HTTPError, ValueError) as error:
            raise NotIdentified(type(error).__name__) from None
        if found.get("issuer") != self.issuer:
            raise NotIdentified("another issuer")
        return dict(found)


def _fetched(address: str) -> Any:
    answer = httpx2.get(address, timeout=SECONDS, follow_redirects=False)
    answer.raise_for_status()
    return answer.json()


def add_oidc(app: FastAPI, pages: Pages, provider: Provider) -> None:
    """Add the pages of this module."""
    pages.ways.append("oidc")

    @app.get("/portal/sign-in/oidc")
    async def go(request: Request) -> Response:
        """Send a browser to the provider."""
        count_stranger(request)
        try:
            place, kept = await run_in_threadpool(provider.asked)
        except NotIdentified as no:
            return _failed(request, no)
        browser = await run_in_threadpool(pages.visits.keep_challenge, WAY, json.dumps(kept), pages.now)
        response = RedirectResponse(place, HTTPStatus.SEE_OTHER)
        # Lax: the browser comes back from the provider's pages.
        put_cookie(response, WENT, browser, int(CHALLENGE_LIFE.total_seconds()), same_site="lax")
        return response

    @app.get(CALLBACK)
    async def back(request: Request, code: str = "", state: str = "") -> Response:
        """A browser that comes back from the provider."""
        count_stranger(request)
        browser = request.cookies.get(WENT, "")
        kept = await run_in_threadpool(pages.visits.take_challenge, WAY, browser, pages.now)
        found = {} if kept is None else json.loads(kept)
        if not code or not state or found.get("state") != state:
            return _failed(request, NotIdentified("not asked"))
        try:
            subject = await run_in_threadpool(provider.subject, code, found)
        except NotIdentified as no:
            return _failed(request, no)
        person = await run_in_threadpool(pages.visits.of_subject, subject)
        if person is None:
            return _failed(request, NotIdentified("nobody of ours"))
        secret = await run_in_threadpool(pages.visits.come_in, person.id, WAY, pages.now)
        # A page and not a redirect: the browser sends a strict cookie only with what our own page asks for.
        response = page(request, "pages/arrived.html")
        let_in(response, secret)
        return response


def _failed(request: Request, no: NotIdentified) -> Response:
    log.info("oidc.failed", why=str(no))
    response = page(request, "pages/sign_in_failed.html", HTTPStatus.FORBIDDEN, way="oidc")
    put_cookie(response, WENT, "", 0)
    return response
