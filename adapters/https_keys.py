"""Keys at the HTTPS door: a member lists its own and renews them. Never with a token."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from http import HTTPStatus

from fastapi import FastAPI, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool

from adapters.connections import PEER, Peer
from adapters.database.members import Key, Members
from adapters.https import Problem, Sender
from adapters.keys import Keys, NotNow, NotRenewed, Renewed
from gateway.moments import Clock, Received

LONGEST = 100_000
"""Bytes of a request."""


class KeyRequest(BaseModel):
    """A new key in the place of another one: a certificate request, or an SSH key with its proof."""

    model_config = ConfigDict(extra="forbid")

    request: str = Field(
        default="", description="certificate request (PKCS #10, PEM), signed with the new key"
    )
    certificate: str = Field(
        default="", description="certificate for that key, PEM, with its chain; without it we issue one"
    )
    ssh_key: str = Field(default="", description="public key as OpenSSH writes it")
    proof: str = Field(
        default="",
        description="ssh-keygen -Y sign -n secugate-key over your number, a blank and the key on one line",
    )
    replaces: str = Field(
        default="", description="fingerprint of the SSH key that it replaces, if not the only"
    )


class KeyRenewed(BaseModel):
    """What came of it."""

    key: str = Field(description="fingerprint of the new key, which counts from now on")
    certificate: str | None = Field(description="PEM; none for an SSH key")
    replaced: str = Field(description="fingerprint of the key in whose place it comes")
    ends: datetime = Field(description="until when that one counts")


class KeyEntry(BaseModel):
    """A registered key."""

    key: str = Field(description="fingerprint")
    door: str = Field(description="https, where it signs batches as well, or sftp")
    registered: datetime
    ends: datetime | None = Field(description="from when it counts no more")
    expires: datetime | None = Field(description="end of the certificate")


class KeyList(BaseModel):
    """Your keys that count."""

    keys: list[KeyEntry]


def add_keys(app: FastAPI, keys: Keys, members: Members, clock: Clock) -> None:
    """Let members list and renew their keys."""

    @app.get("/v1/keys")
    async def listed(member: Sender) -> KeyList:
        """Your registered keys that count."""
        found = await run_in_threadpool(members.keys, member)
        now = Received(clock())
        return KeyList(keys=[_entry(one) for one in found if one.counts(now)])

    @app.post(
        "/v1/keys",
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": KeyRequest.model_json_schema()}},
            }
        },
    )
    async def renew(request: Request, member: Sender) -> KeyRenewed:
        """Renew a key: the new one counts at once, the old one for a while beside it."""
        peer: Peer | None = request.scope.get("extensions", {}).get(PEER)
        if peer is None:
            detail = "A key is renewed by whoever comes with the current one; a program with a token may not."
            raise Problem(HTTPStatus.FORBIDDEN, "DOOR-CERTIFICATE", detail)
        asked = await _asked(request)
        if asked.request and not asked.ssh_key:
            ask = partial(keys.renew_certificate, member, peer.fingerprint, asked.request, asked.certificate)
        elif asked.ssh_key and not asked.request:
            ask = partial(
                keys.renew_ssh_key, member, peer.fingerprint, asked.ssh_key, asked.proof, asked.replaces
            )
        else:
            raise Problem(
                HTTPStatus.BAD_REQUEST, "KEY-REQUEST", "Ask with a request or an ssh_key, not both."
            )
        try:
            return _answer(await run_in_threadpool(ask))
        except NotRenewed as no:
            raise Problem(HTTPStatus.CONFLICT, no.code, str(no)) from None
        except NotNow:
            detail = "Whether this certificate was revoked cannot be told now. Ask again later."
            raise Problem(
                HTTPStatus.SERVICE_UNAVAILABLE, "KEY-NOT-NOW", detail, {"Retry-After": "300"}
            ) from None


async def _asked(request: Request) -> KeyRequest:
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > LONGEST:
            detail = f"A request for a key has at most {LONGEST} bytes."
            raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "DOOR-TOO-LARGE", detail)
    try:
        return KeyRequest.model_validate_json(bytes(content))
    except ValidationError:
        raise Problem(HTTPStatus.BAD_REQUEST, "DOOR-REQUEST", "The request cannot be used.") from None


def _answer(done: Renewed) -> KeyRenewed:
    return KeyRenewed(
        key=done.key, certificate=done.certificate or None, replaced=done.replaced, ends=done.ends.at
    )


def _entry(one: Key) -> KeyEntry:
    return KeyEntry(
        key=one.fingerprint,
        door="sftp" if one.is_ssh else "https",
        registered=one.registered.at,
        ends=one.ended and one.ended.at,
        expires=one.expires and one.expires.at,
    )
