"""The HTTPS door: deposits in, state, answers out.

The sender is the registered certificate of *this* handshake (see `adapters.connections`), or without one the
software client whose token is presented (see `adapters.oauth`). Refusals of the door itself are problem
details (RFC 9457); what was received is answered by signed documents.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any

import structlog
from fastapi import Depends, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from adapters.connections import PEER, Peer
from adapters.database.clients import Access
from adapters.database.deposits import Kept
from adapters.durable import is_full
from adapters.encryption import Erased
from adapters.limits import Gate, TooMuch
from gateway.batch import MemberId
from gateway.moments import Clock, Received
from gateway.states import State
from gateway.waits import Expected, Stage
from inbox.receive import Gone, Inbox, Receipt, TooLarge, Unprovable, Upload, receive
from outbox.collect import Listed, NotFetched, OtherBytes, Outbox, acknowledge, collect
from outbox.states import State as AnswerState
from signing.container import MAGIC, MIMETYPE

log = structlog.get_logger()

LONGEST_NAME = 255
PAGE = 100
UPLOAD_SECONDS = 3600.0
TRIAL_SECONDS = 120.0
"""From head to end of a body; of one that is only tried, while others wait for their turn."""

ROOMS = {
    "deposits": "deposit",
    "uploads": "deposit",
    "simulations": "deposit",
    "outbox": "collect",
    "webhooks": "collect",
    "evidence": "collect",
    "journal": "collect",
    "statements": "bill",
    "comparisons": "bill",
}
"""What a token must be for, by the first word of an address behind its version; it opens no other."""

MemberOf = Callable[[Peer, Received], MemberId | None]
AccessOf = Callable[[str, Received], Access | None]
FindDeposit = Callable[[str, str], Kept | None]
MayExpect = Callable[[Kept, datetime], Expected | None]


class Problem(Exception):
    """A refusal of the door itself."""

    def __init__(
        self, status: HTTPStatus, code: str, detail: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = headers


class ExpectedAnswer(BaseModel):
    """When a deposit may be answered, by those of its procedure and size that were answered before it."""

    stage: Stage = Field(description="acknowledged, or, for records on hold, decided")
    at: datetime | None = Field(description="when; null when all before it took less long than this one")
    half_seconds: float = Field(description="within which half of them were, from their receipt")
    most_seconds: float = Field(description="within which nine in ten were")
    among: int = Field(
        description="how many they are: of all members, or your own where fewer than five others made some"
    )


class DepositState(BaseModel):
    """How far a deposit has come."""

    id: str = Field(description="our reference, quoted in every answer")
    name: str = Field(description="file name as deposited")
    size: int = Field(description="bytes")
    digest: str = Field(description="SHA-256 of the bytes, hexadecimal")
    received: datetime = Field(description="moment of receipt; deadlines count from it")
    door: str
    state: State
    since: datetime = Field(description="since when it is in this state")
    verdict: str | None = Field(default=None, description="accepted, partial or rejected, once treated")
    records: int | None = None
    accepted: int | None = None
    rejected: int | None = None
    held: int | None = None
    expected: ExpectedAnswer | None = Field(default=None, description="while something is awaited of us")


class AnswerEntry(BaseModel):
    """An answer on the member's shelf."""

    cursor: int = Field(description="pass the last one seen as `after` to get what is new")
    id: str
    type: str
    name: str
    posted: datetime
    size: int
    digest: str
    deposit: str | None = Field(default=None, description="id of the deposit it answers")
    state: AnswerState
    collected: datetime | None = Field(default=None, description="when it was first collected")
    acknowledged: datetime | None = Field(
        default=None, description="since when you have confirmed that you hold it"
    )


class Held(BaseModel):
    """What a member says that it holds."""

    digest: str = Field(pattern="^[0-9a-f]{64}$", description="SHA-256 of the bytes you hold, hexadecimal")


class AnswerList(BaseModel):
    """Answers in the order in which they were posted."""

    answers: list[AnswerEntry]


class Health(BaseModel):
    """Whether the gateway takes deposits."""

    status: str


@dataclass(frozen=True, slots=True)
class Entrance:
    """Who comes in, with which certificate or token.

    Attributes:
        member_of: the member of the certificates of a handshake at a moment, if any.
        access_of: what a token gives at a moment, if anything.
        gate: counts who asks, how often and how much.
    """

    member_of: MemberOf
    access_of: AccessOf
    clock: Clock
    gate: Gate

    def admit(self, peer: Peer | None, authorization: str, path: str) -> MemberId:
        """The member of the certificate of this handshake; without one, of the token.

        Args:
            authorization: the header field of that name.
            path: of the route, such as `/v1/outbox/{identifier}`.

        Raises:
            Problem: there was neither, or it is nobody's, or the token is not for this.
        """
        if peer is not None:
            return self._of_certificate(peer)
        scheme, _, presented = authorization.partition(" ")
        if scheme.lower() == "bearer":
            return self._of_token(presented.strip(), path)
        detail = "Connect with your registered certificate, or present a token."
        raise Problem(HTTPStatus.UNAUTHORIZED, "DOOR-CERTIFICATE", detail, {"WWW-Authenticate": "Bearer"})

    def _of_certificate(self, peer: Peer) -> MemberId:
        member = self.member_of(peer, Received(self.clock()))
        if member is None:
            detail = (
                "This certificate is not registered for an active member. Ask the operator to register it."
            )
            raise Problem(HTTPStatus.FORBIDDEN, "DOOR-UNKNOWN", detail)
        return member

    def _of_token(self, presented: str, path: str) -> MemberId:
        access = self.access_of(presented, Received(self.clock()))
        if access is None:
            challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
            detail = "This token is nobody's, or no longer. Get a new one."
            raise Problem(HTTPStatus.UNAUTHORIZED, "DOOR-TOKEN", detail, challenge)
        needed = ROOMS.get(path.removeprefix("/v1/").partition("/")[0])
        if needed not in access.scopes:
            challenge = {"WWW-Authenticate": 'Bearer error="insufficient_scope"'}
            raise Problem(HTTPStatus.FORBIDDEN, "DOOR-SCOPE", "This token is not for this.", challenge)
        return access.member


async def sender(request: Request) -> AsyncIterator[MemberId]:
    """The member who makes a request, counted until it is answered."""
    entrance: Entrance = request.app.state.entrance
    peer = request.scope.get("extensions", {}).get(PEER)
    said = request.headers.get("authorization", "")
    try:
        member = await run_in_threadpool(entrance.admit, peer, said, request.scope["route"].path)
    except Problem:
        entrance.gate.came(request.client.host if request.client else "")
        raise
    with entrance.gate.inside(member):
        yield member


Sender = Annotated[MemberId, Depends(sender)]


async def costly_sender(request: Request, member: Sender) -> AsyncIterator[MemberId]:
    """The member who makes a request for which much has to be computed; few of them at once."""
    entrance: Entrance = request.app.state.entrance
    async with entrance.gate.costly(member):
        yield member


CostlySender = Annotated[MemberId, Depends(costly_sender)]


class Door(FastAPI):
    """An application that describes how one comes in, and every refusal."""

    def openapi(self) -> dict[str, Any]:
        """Its description (OpenAPI 3.1)."""
        if self.openapi_schema is None:
            self.openapi_schema = describe(super().openapi())
        return self.openapi_schema


def application(
    inbox: Inbox,
    outbox: Outbox,
    *,
    member_of: MemberOf,
    access_of: AccessOf,
    find_deposit: FindDeposit,
    expected: MayExpect,
    gate: Gate,
) -> FastAPI:
    """The HTTPS application over an in-tray and an out-tray.

    Args:
        inbox: where deposits end.
        outbox: whose answers are collected.
        member_of: the member of the certificates of a handshake at a moment, if any.
        access_of: what a token gives at a moment, if anything.
        find_deposit: a member's own deposit by id, if any.
        expected: when a deposit may be answered.
        gate: counts who asks, how often and how much.
    """
    app = Door(title="Secugate", version="1", docs_url=None, redoc_url=None, redirect_slashes=False)

    app.state.entrance = Entrance(member_of, access_of, inbox.clock, gate)

    @app.post("/v1/deposits", status_code=202, response_class=Response, responses=_RECEIPT)
    async def deposit(
        request: Request,
        member: Sender,
        name: Annotated[str, Query(min_length=1, max_length=LONGEST_NAME, description="file name")],
    ) -> Response:
        """Deposit a signed batch: the raw bytes are the body. Answers with the signed receipt (ACKREC)."""
        if len(name.encode()) > LONGEST_NAME:
            detail = f"A file name has at most {LONGEST_NAME} bytes."
            raise Problem(HTTPStatus.BAD_REQUEST, "DOOR-REQUEST", detail)
        receipt = await _receive(request, inbox, member, name)
        return Response(
            receipt.content,
            status_code=HTTPStatus.ACCEPTED,
            media_type="application/xml",
            headers={"Location": f"/v1/deposits/{receipt.deposit}"},
        )

    @app.get("/v1/deposits/{identifier}")
    async def deposit_state(identifier: str, member: Sender) -> DepositState:
        """How far one of your deposits has come."""
        found = await run_in_threadpool(find_deposit, str(member), identifier)
        if found is None:
            raise not_found()
        return _state(found, await run_in_threadpool(expected, found, inbox.clock()))

    @app.get("/v1/outbox")
    async def answers(
        member: Sender,
        after: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = PAGE,
    ) -> AnswerList:
        """What has been posted to you after a cursor."""
        listed = await run_in_threadpool(outbox.collection.after, str(member), after, limit)
        return AnswerList(answers=[_entry(one) for one in listed])

    @app.get("/v1/outbox/{identifier}", response_class=Response, responses=_ANSWER)
    async def answer(identifier: str, member: Sender) -> Response:
        """Collect an answer; the collection is entered in the journal."""
        content = await run_in_threadpool(
            partial(collect, outbox, recipient=str(member), answer_id=identifier, door="https")
        )
        if content is None:
            raise not_found()
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        media_type = MIMETYPE if content.startswith(MAGIC) else "application/xml"
        return Response(content, media_type=media_type, headers={"Content-Digest": f"sha-256=:{digest}:"})

    @app.post("/v1/outbox/{identifier}/acknowledged")
    async def acknowledged(identifier: str, held: Held, member: Sender) -> AnswerEntry:
        """Confirm that you hold an answer whole and well: it is entered in the journal, once."""
        try:
            listed = await run_in_threadpool(
                partial(
                    acknowledge,
                    outbox,
                    recipient=str(member),
                    answer_id=identifier,
                    digest=held.digest,
                    door="https",
                )
            )
        except OtherBytes:
            detail = "These are not the bytes that we hold for you. Fetch the answer again."
            raise Problem(HTTPStatus.CONFLICT, "DOOR-OTHER-BYTES", detail) from None
        except NotFetched:
            detail = "This answer was never fetched. Fetch it first."
            raise Problem(HTTPStatus.CONFLICT, "DOOR-NOT-FETCHED", detail) from None
        if listed is None:
            raise not_found()
        return _entry(listed)

    @app.get("/health")
    async def health() -> Health:
        """Whether the gateway takes deposits; asks for no certificate."""
        return Health(status="ok")

    _answer_refusals(app)
    return app


_RECEIPT: dict[int | str, dict[str, object]] = {
    202: {"description": "the signed receipt", "content": {"application/xml": {}}}
}
_ANSWER: dict[int | str, dict[str, object]] = {
    200: {"description": "the signed answer", "content": {"application/xml": {}, MIMETYPE: {}}}
}


async def _receive(request: Request, inbox: Inbox, member: MemberId, name: str) -> Receipt:
    gate: Gate = request.app.state.entrance.gate
    gate.deposits(member)
    upload = inbox.begin()
    try:
        async with in_time(UPLOAD_SECONDS):
            await _stream(request, upload, partial(gate.sent, member))
    except BaseException:
        upload.discard()
        raise
    return await run_in_threadpool(
        partial(receive, inbox, upload, sender=str(member), name=name, door="https")
    )


@asynccontextmanager
async def in_time(seconds: float) -> AsyncIterator[None]:
    """While a body is read, for so long and no longer.

    Raises:
        Problem: it took longer.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        detail = f"A file has {seconds:.0f} seconds to arrive. Nothing was kept; send it again."
        raise Problem(HTTPStatus.REQUEST_TIMEOUT, "DOOR-TOO-SLOW", detail) from None


async def _stream(request: Request, upload: Upload, sent: Callable[[int], None]) -> None:
    """Write the body as it arrives; refuse it if it is not what Content-Digest announces."""
    expected = announced(request)
    digest = hashlib.sha256()
    offset = 0
    async for chunk in request.stream():
        sent(len(chunk))
        upload.write(offset, chunk)
        digest.update(chunk)
        offset += len(chunk)
    check_digest(expected, digest.digest())


def announced(request: Request) -> bytes | None:
    """The digest that Content-Digest announces, if it does.

    Raises:
        Problem: the header cannot be read.
    """
    return content_digest(", ".join(request.headers.getlist("content-digest")))


def check_digest(expected: bytes | None, digest: bytes) -> None:
    """Make sure that what arrived is what was announced, if anything was.

    Raises:
        Problem: it is not.
    """
    if expected is not None and digest != expected:
        raise Problem(
            HTTPStatus.BAD_REQUEST,
            "DOOR-DIGEST",
            "The bytes that arrived are not those of Content-Digest. Nothing was kept; send them again.",
        )


_DIGEST = re.compile(r"sha-256=:([A-Za-z0-9+/]{43}=):")


def content_digest(header: str) -> bytes | None:
    """The SHA-256 digest of all lines of Content-Digest, or Repr-Digest (RFC 9530); others are passed over.

    Of two the last counts, as in every dictionary of header fields (RFC 8941, section 3.2).
    """
    digest = None
    for member in (member.strip() for member in header.split(",")):
        if match := _DIGEST.fullmatch(member):
            digest = base64.b64decode(match[1])
        elif member.startswith("sha-256="):
            raise Problem(
                HTTPStatus.BAD_REQUEST,
                "DOOR-DIGEST",
                "Write digests as sha-256=:<base64>: (RFC 9530).",
            )
    return digest


def _state(found: Kept, expected: Expected | None) -> DepositState:
    return DepositState(
        id=found.deposit.id,
        name=found.deposit.name,
        size=found.deposit.size,
        digest=found.deposit.digest,
        received=found.deposit.received,
        door=found.deposit.door,
        state=found.state,
        since=found.changed,
        verdict=found.verdict,
        records=found.records,
        accepted=found.accepted,
        rejected=found.rejected,
        held=found.held,
        expected=expected
        and ExpectedAnswer(
            stage=expected.stage,
            at=expected.at,
            half_seconds=expected.half.total_seconds(),
            most_seconds=expected.most.total_seconds(),
            among=expected.among,
        ),
    )


def _entry(listed: Listed) -> AnswerEntry:
    answer = listed.answer
    return AnswerEntry(
        cursor=listed.cursor,
        id=answer.id,
        type=answer.kind,
        name=answer.name,
        posted=answer.posted,
        size=answer.size,
        digest=answer.digest,
        deposit=answer.deposit,
        state=listed.state,
        collected=listed.collected,
        acknowledged=listed.acknowledged,
    )


def not_found() -> Problem:
    """The same for what is not there and for what is somebody else's."""
    return Problem(HTTPStatus.NOT_FOUND, "DOOR-NOT-FOUND", "There is nothing of yours at this address.")


def _answer_refusals(app: FastAPI) -> None:
    @app.exception_handler(Problem)
    async def refused(_request: Request, problem: Problem) -> JSONResponse:
        return _problem(problem.status, problem.code, problem.detail, problem.headers)

    @app.exception_handler(Unprovable)
    async def unprovable(_request: Request, _error: Unprovable) -> JSONResponse:
        detail = (
            "We cannot prove now what we would take in: the time-stamp authority is away. It is our fault."
            " Nothing was kept; send it again later."
        )
        return _problem(HTTPStatus.SERVICE_UNAVAILABLE, "DOOR-UNPROVABLE", detail, {"Retry-After": "300"})

    @app.exception_handler(Gone)
    async def known_and_erased(_request: Request, error: Gone) -> JSONResponse:
        return _problem(HTTPStatus.GONE, "DOOR-ERASED", f"Nothing was kept: {error}.")

    @app.exception_handler(Erased)
    async def erased(_request: Request, error: Erased) -> JSONResponse:
        return _problem(HTTPStatus.GONE, "DOOR-ERASED", f"This cannot be read any more: {error}.")

    @app.exception_handler(TooLarge)
    async def too_large(_request: Request, error: TooLarge) -> JSONResponse:
        detail = f"A deposit has at most {error.limit} bytes. Nothing was kept; split the batch."
        return _problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "DOOR-TOO-LARGE", detail)

    @app.exception_handler(TooMuch)
    async def too_much(_request: Request, error: TooMuch) -> JSONResponse:
        detail = f"Not now: {error}. Nothing was done."
        headers = {"Retry-After": str(error.seconds)}
        return _problem(HTTPStatus.TOO_MANY_REQUESTS, "DOOR-LATER", detail, headers)

    @app.exception_handler(RequestValidationError)
    async def unusable(_request: Request, error: RequestValidationError) -> JSONResponse:
        faults = "; ".join(f"{fault['loc'][-1]}: {fault['msg']}" for fault in error.errors())
        return _problem(HTTPStatus.BAD_REQUEST, "DOOR-REQUEST", f"The request cannot be used. {faults}.")

    @app.exception_handler(ClientDisconnect)
    async def gone(_request: Request, _error: ClientDisconnect) -> Response:
        return Response(status_code=HTTPStatus.BAD_REQUEST)

    @app.exception_handler(HTTPException)
    async def http_error(_request: Request, error: HTTPException) -> JSONResponse:
        status = HTTPStatus(error.status_code)
        return _problem(status, f"DOOR-{status.value}", f"{status.phrase}.", error.headers)

    @app.exception_handler(Exception)
    async def ours(request: Request, error: Exception) -> JSONResponse:
        log.error("https.failed", path=request.url.path.split("/")[:3], error=type(error).__name__)
        if is_full(error):
            detail = "We have no room for this now; it is our fault. Nothing was kept; send it again later."
            return _problem(HTTPStatus.INSUFFICIENT_STORAGE, "DOOR-FULL", detail, {"Retry-After": "300"})
        detail = "We could not do this now; it is our fault. Send it again later: nothing is counted twice."
        return _problem(HTTPStatus.SERVICE_UNAVAILABLE, "DOOR-FAILED", detail, {"Retry-After": "30"})


class ProblemDetails(BaseModel):
    """A refusal of the door itself (RFC 9457)."""

    type: str
    title: str
    status: int
    code: str = Field(description="for programs; begins with DOOR-")
    detail: str = Field(description="for people")


_REFUSALS = {
    "400": "the request cannot be used",
    "401": "no certificate in the handshake, and no token that counts",
    "403": "nobody's certificate, or a token for something else",
    "404": "there is nothing of yours at this address",
    "405": "there is nothing to be done in this way",
    "408": "the body took too long",
    "413": "too many bytes",
    "429": "not now; Retry-After says when",
    "503": "our fault; Retry-After says when",
    "507": "we have no room; our fault, Retry-After says when",
}


def describe(schema: dict[str, Any]) -> dict[str, Any]:
    """Add how one comes in, and the refusals that every address of ours may give."""
    parts = schema["components"]
    parts["schemas"]["Problem"] = ProblemDetails.model_json_schema()
    parts["schemas"].pop("HTTPValidationError", None)
    parts["schemas"].pop("ValidationError", None)
    parts["securitySchemes"] = {
        "certificate": {"type": "mutualTLS", "description": "registered certificate of the member"},
        "token": {
            "type": "oauth2",
            "description": "token of a software client of the member",
            "flows": {
                "clientCredentials": {
                    "tokenUrl": "/v1/token",
                    "scopes": {
                        "deposit": "send batches, and try them",
                        "collect": "fetch answers and proofs",
                        "bill": "read statements, and what they are made of",
                    },
                }
            },
        },
    }
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            for status, meaning in _REFUSALS.items():
                told = operation["responses"].setdefault(status, {"description": meaning})
                told["content"] = {**told.get("content", {}), **content}
            room = ROOMS.get(path.removeprefix("/v1/").partition("/")[0])
            if room is not None:
                operation["security"] = [{"certificate": []}, {"token": [room]}]
    return schema


def _problem(status: HTTPStatus, code: str, detail: str, headers: object = None) -> JSONResponse:
    return JSONResponse(
        {
            "type": "about:blank",
            "title": status.phrase,
            "status": status.value,
            "code": code,
            "detail": detail,
        },
        status_code=status.value,
        media_type="application/problem+json",
        headers=headers if isinstance(headers, dict) else None,
    )
