"""Addresses at which members want to be told, at the HTTPS door."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool

from adapters.calling import LONGEST_URL, Caller, NoAnswer, NotCalled
from adapters.database.webhooks import MOST, TooMany, Webhook, Webhooks
from adapters.https import Problem, Sender, not_found
from gateway.moments import Clock, Received

_URL = r"^https:/{2}[A-Za-z0-9][A-Za-z0-9.-]{0,252}(:([1-9][0-9]{0,3}|[1-5][0-9]{4}))?(/[!-\"$-\[\]-~]*)?$"
"""Without user, password and fragment."""
_LONGEST = 2 * LONGEST_URL + 100
"""Bytes of a request."""


class WebhookRequest(BaseModel):
    """An address to be told at."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(
        max_length=LONGEST_URL, pattern=_URL, description="https, of a host of the public internet"
    )


class WebhookEntry(BaseModel):
    """A registered address, and how it fares."""

    id: str
    url: str
    registered: datetime
    confirmed: datetime | None = Field(
        description="since when it answers 2xx; null until it has done so once"
    )
    cursor: int = Field(description="place in the outbox up to which it was told")
    failing_since: datetime | None = Field(description="since when it takes nothing")
    failure: str | None = Field(description="why")
    next_try: datetime | None = Field(description="when it is asked again, where it is failing")
    ended: datetime | None = Field(description="since when it is told nothing any more")


class WebhookList(BaseModel):
    """Your addresses, with those that were given up."""

    webhooks: list[WebhookEntry]


def add_webhooks(app: FastAPI, webhooks: Webhooks, caller: Caller, clock: Clock) -> None:
    """Let members register addresses."""

    @app.get("/v1/webhooks")
    async def listed(member: Sender) -> WebhookList:
        """Your registered addresses, and how they fare."""
        found = await run_in_threadpool(webhooks.of, member)
        return WebhookList(webhooks=[_entry(one) for one in found])

    @app.post(
        "/v1/webhooks",
        status_code=201,
        responses={
            409: {"description": "not of the public internet, without an address now, or one too many"}
        },
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": WebhookRequest.model_json_schema()}},
            }
        },
    )
    async def register(request: Request, member: Sender) -> WebhookEntry:
        """Register an address. It is told that it was registered, then of each answer once posted."""
        asked = await _asked(request)
        try:
            await run_in_threadpool(caller.check, asked.url)
            made = await run_in_threadpool(partial(webhooks.add, member, asked.url, Received(clock())))
        except (NotCalled, NoAnswer) as no:
            raise Problem(HTTPStatus.CONFLICT, "WEBHOOK-ADDRESS", f"Not registered: {no}.") from None
        except TooMany:
            detail = f"A member has at most {MOST} addresses. End one first."
            raise Problem(HTTPStatus.CONFLICT, "WEBHOOK-MANY", detail) from None
        return _entry(made)

    @app.delete("/v1/webhooks/{identifier}", status_code=204, response_class=Response)
    async def end(identifier: str, member: Sender) -> Response:
        """Have an address told nothing any more. The outbox keeps all."""
        if not await run_in_threadpool(webhooks.end, member, identifier, Received(clock())):
            raise not_found()
        return Response(status_code=HTTPStatus.NO_CONTENT)


async def _asked(request: Request) -> WebhookRequest:
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > _LONGEST:
            detail = f"A request for an address has at most {_LONGEST} bytes."
            raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "DOOR-TOO-LARGE", detail)
    try:
        return WebhookRequest.model_validate_json(bytes(content))
    except ValidationError:
        raise Problem(HTTPStatus.BAD_REQUEST, "DOOR-REQUEST", "The request cannot be used.") from None


def _entry(one: Webhook) -> WebhookEntry:
    is_failing = one.failing_since is not None and one.ended is None
    return WebhookEntry(
        id=one.id,
        url=one.url,
        registered=one.registered.at,
        confirmed=one.confirmed and one.confirmed.at,
        cursor=one.cursor,
        failing_since=one.failing_since and one.failing_since.at,
        failure=one.failure,
        next_try=one.next_try.at if is_failing else None,
        ended=one.ended and one.ended.at,
    )
