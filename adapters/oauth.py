"""Tokens for software clients: OAuth 2.0 client credentials with private_key_jwt (RFC 6749, RFC 7523).

A payroll service registers one client for each member it works for, with a public key. It signs a short-lived
assertion with that key, gets a token for it at `POST /v1/token`, and comes in with the token in place of a
client certificate. The token opens the door and nothing more: a batch is signed by a registered key of the
member all the same.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from urllib.parse import parse_qsl

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from joserfc import jws, jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from adapters.database.clients import SCOPES, TOKEN_LIFE, Client, Clients
from adapters.limits import Gate
from gateway.moments import Clock, Received

TOKEN_PATH = "/v1/token"  # noqa: S105 (an address)
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_LIFE = timedelta(minutes=5)
CLOCK_SKEW = timedelta(seconds=30)
LEAST_RSA_BITS = 3072
LONGEST_FORM = 16_384
LONGEST_ID = 200
FAR = 2**53
"""No moment is so many seconds away."""

# RFC 9864 gives EdDSA the better name Ed25519; most clients still send the old one.
warnings.filterwarnings("ignore", "EdDSA is deprecated", SecurityWarning)


class UnusableKey(Exception):
    """A public key that is of no kind we take."""


class NoToken(Exception):
    """No token is given.

    Attributes:
        error: as RFC 6749, section 5.2, calls it.
    """

    def __init__(self, error: str, sentence: str) -> None:
        super().__init__(sentence)
        self.error = error


def key_of(pem: str) -> tuple[Key, tuple[str, ...]]:
    """A public key, and the algorithms it may sign assertions with.

    Raises:
        UnusableKey: it is neither P-256, Ed25519 nor RSA of 3072 bits or more.
    """
    try:
        key = load_pem_public_key(pem.encode())
    except ValueError as error:
        raise UnusableKey(f"this is no public key in PEM: {error}") from None
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return ECKey.import_key(_pem(key)), ("ES256",)
    if isinstance(key, ed25519.Ed25519PublicKey):
        return OKPKey.import_key(_pem(key)), ("Ed25519", "EdDSA")
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= LEAST_RSA_BITS:
        return RSAKey.import_key(_pem(key)), ("PS256",)
    raise UnusableKey(f"a key is P-256, Ed25519, or RSA of at least {LEAST_RSA_BITS} bits")


def _pem(key: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey) -> bytes:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@dataclass(frozen=True, slots=True)
class Granted:
    """A token, shown once."""

    token: str
    scopes: frozenset[str]


class Tokens:
    """Judges assertions and gives tokens.

    Args:
        clients: who is registered.
        audience: address of the token endpoint, to which every assertion must be made out.
        clock: of the gateway.
    """

    def __init__(self, clients: Clients, audience: str, clock: Clock) -> None:
        self._clients = clients
        self._audience = audience
        self._clock = clock
        nobody = ec.generate_private_key(ec.SECP256R1()).public_key()
        self._nobody = _pem(nobody).decode()

    def grant(self, form: Mapping[str, str]) -> Granted:
        """A token for a request.

        Raises:
            NoToken: it is refused.
        """
        if form.get("grant_type") != "client_credentials":
            raise NoToken("unsupported_grant_type", "grant_type is client_credentials")
        if form.get("client_assertion_type") != ASSERTION:
            raise NoToken("invalid_client", f"client_assertion_type is {ASSERTION}")
        now = Received(self._clock())
        assertion = form.get("client_assertion", "")
        client = self._clients.find(_claimed(assertion), now)
        claims = _verified(assertion, self._nobody if client is None else client.key)
        if client is None or claims is None or form.get("client_id", client.id) != client.id:
            raise _unknown()
        until = self._check(claims, client, now)
        scopes = frozenset(form["scope"].split()) if "scope" in form else client.scopes
        if not scopes or not scopes <= client.scopes:
            raise NoToken("invalid_scope", "this client is not registered for all of that")
        issued = self._clients.issue(client, scopes, str(claims["jti"]), until, now)
        if issued is None:
            raise NoToken("invalid_client", "this assertion was used before; sign a new one, with a new jti")
        return Granted(issued, scopes)

    def _check(self, claims: Mapping[str, object], client: Client, now: Received) -> Received:
        """Judge what a rightly signed assertion says; until when it holds."""
        if claims.get("iss") != client.id or claims.get("sub") != client.id:
            raise _unknown()
        if claims.get("aud") not in (self._audience, [self._audience]):
            raise NoToken("invalid_client", f"aud is {self._audience}, and nothing else")
        identifier = claims.get("jti")
        if not (_is_plain(identifier) and 0 < len(str(identifier)) <= LONGEST_ID):
            raise NoToken("invalid_client", f"jti is a new text of 1 to {LONGEST_ID} ASCII characters")
        at = now.at.timestamp()
        skew, life = CLOCK_SKEW.total_seconds(), ASSERTION_LIFE.total_seconds()
        issued, expires = _seconds(claims.get("iat")), _seconds(claims.get("exp"))
        begins = _seconds(claims.get("nbf", issued))
        if not (
            at - life <= issued <= at + skew and begins <= at + skew and at < expires <= at + life + skew
        ):
            sentence = f"an assertion is made when it is used (iat) and ends (exp) within {life:.0f} seconds"
            raise NoToken("invalid_client", sentence)
        return Received(now.at + ASSERTION_LIFE + CLOCK_SKEW)


def _unknown() -> NoToken:
    """The same for a client that is not there and for a signature that is not its own."""
    return NoToken("invalid_client", "no registered client signed this assertion")


def _claimed(assertion: str) -> str:
    """Who an assertion says that it is from; a text that is nobody's id when it cannot be read."""
    try:
        claims = json.loads(jws.extract_compact(assertion.encode()).payload)
        return str(claims["iss"]) if _is_plain(claims["iss"]) else ""
    except Exception:  # whatever it is, it is nobody
        return ""


def _verified(assertion: str, pem: str) -> Mapping[str, object] | None:
    """What an assertion says, if this key signed it with an algorithm of its own."""
    try:
        key, algorithms = key_of(pem)
        return jwt.decode(assertion, key, algorithms=list(algorithms)).claims
    except Exception:  # any doubt means no
        return None


def _seconds(value: object) -> float:
    """A moment as a number; one that fails every comparison when it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < FAR:
        return math.nan
    return float(value)


def _is_plain(value: object) -> bool:
    """Whether a claim is a text that can be kept: JSON can write half characters that nothing can."""
    return isinstance(value, str) and value.isascii()


class TokenAnswer(BaseModel):
    """A token (RFC 6749, section 5.1)."""

    access_token: str
    token_type: str = Field(default="Bearer")
    expires_in: int = Field(description="seconds")
    scope: str


class TokenRefusal(BaseModel):
    """Why there is none (RFC 6749, section 5.2)."""

    error: str
    error_description: str


_REQUEST = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "required": ["grant_type", "client_assertion_type", "client_assertion"],
                    "properties": {
                        "grant_type": {"const": "client_credentials"},
                        "client_assertion_type": {"const": ASSERTION},
                        "client_assertion": {
                            "type": "string",
                            "description": "JWT signed with ES256, PS256 or EdDSA by the registered key: iss"
                            f" and sub are the client's id, aud is the address of {TOKEN_PATH}, jti is"
                            f" new, iat is now, exp at most {ASSERTION_LIFE.seconds} seconds later",
                        },
                        "scope": {"type": "string", "description": "some of " + ", ".join(sorted(SCOPES))},
                        "client_id": {"type": "string"},
                    },
                }
            }
        },
    }
}
_ANSWERS: dict[int | str, dict[str, object]] = {
    400: {"model": TokenRefusal},
    401: {"model": TokenRefusal},
}
_PRIVATE = {"Cache-Control": "no-store"}


async def _form(request: Request) -> Mapping[str, str]:
    """The fields of the body, in which each stands once.

    Raises:
        NoToken: it is too long, or not such a body.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_FORM:
            raise NoToken("invalid_request", f"a request has at most {LONGEST_FORM} bytes")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise NoToken("invalid_request", "Content-Type is application/x-www-form-urlencoded")
    try:
        fields = parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True, max_num_fields=20)
    except ValueError:
        raise NoToken("invalid_request", "the fields cannot be read") from None
    form = dict(fields)
    if len(form) != len(fields):
        raise NoToken("invalid_request", "a field stands twice")
    return form


def add_tokens(app: FastAPI, tokens: Tokens, gate: Gate) -> None:
    """Add the token endpoint to the door."""

    @app.post(TOKEN_PATH, responses=_ANSWERS, openapi_extra=_REQUEST, response_model=TokenAnswer)
    async def token(request: Request) -> JSONResponse:
        """Get a token for a software client, by an assertion it signed; asks for no certificate."""
        gate.came(request.client.host if request.client else "")
        try:
            granted = await run_in_threadpool(tokens.grant, await _form(request))
        except NoToken as refusal:
            status = HTTPStatus.UNAUTHORIZED if refusal.error == "invalid_client" else HTTPStatus.BAD_REQUEST
            told = TokenRefusal(error=refusal.error, error_description=str(refusal))
            return JSONResponse(told.model_dump(), status, headers=_PRIVATE)
        answer = TokenAnswer(
            access_token=granted.token,
            expires_in=int(TOKEN_LIFE.total_seconds()),
            scope=" ".join(sorted(granted.scopes)),
        )
        return JSONResponse(answer.model_dump(), headers=_PRIVATE)
