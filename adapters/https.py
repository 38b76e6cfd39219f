"""The HTTPS door: deposits in, state, answers out.

The sender is the registered certificate of *this* handshake, never a header. Refusals of the door
itself are problem details (RFC 9457); what was received is answered by signed documents.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Annotated

import structlog
from fastapi import Depends, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from adapters.connections import PEER, Peer
from adapters.database.deposits import Kept
from gateway.batch import MemberId
from gateway.moments import Clock, Received
from gateway.states import State
from inbox.receive import Inbox, Receipt, TooLarge, Upload, receive
from outbox.collect import Listed, Outbox, collect
from signing.container import MAGIC, MIMETYPE

log = structlog.get_logger()

LONGEST_NAME = 255
PAGE = 100

MemberOf = Callable[[Peer, Received], MemberId | None]
FindDeposit = Callable[[str, str], Kept | None]


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
    collected: datetime | None = Field(default=None, description="when it was first collected")


class AnswerList(BaseModel):
    """Answers in the order in which they were posted."""

    answers: list[AnswerEntry]


class Health(BaseModel):
    """Whether the gateway takes deposits."""

    status: str


@dataclass(frozen=True, slots=True)
class Entrance:
    """Who comes in with which certificate."""

    member_of: MemberOf
    clock: Clock

    def admit(self, peer: Peer | None) -> MemberId:
        """The member of the certificate of this handshake.

        Raises:
            Problem: there was none, or it is nobody's.
        """
        if peer is None:
            detail = "Connect with your registered certificate."
            raise Problem(HTTPStatus.UNAUTHORIZED, "DOOR-CERTIFICATE", detail)
        member = self.member_of(peer, Received(self.clock()))
        if member is None:
            detail = (
                "This certificate is not registered for an active member. Ask the operator to register it."
            )
            raise Problem(HTTPStatus.FORBIDDEN, "DOOR-UNKNOWN", detail)
        return member


async def sender(request: Request) -> MemberId:
    """The member who makes a request."""
    peer = request.scope.get("extensions", {}).get(PEER)
    entrance: Entrance = request.app.state.entrance
    return await run_in_threadpool(entrance.admit, peer)


Sender = Annotated[MemberId, Depends(sender)]


def application(inbox: Inbox, outbox: Outbox, *, member_of: MemberOf, find_deposit: FindDeposit) -> FastAPI:
    """The HTTPS application over an in-tray and an out-tray.

    Args:
        inbox: where deposits end.
        outbox: whose answers are collected.
        member_of: the member of the certificates of a handshake at a moment, if any.
        find_deposit: a member's own deposit by id, if any.
    """
    app = FastAPI(title="Secugate", version="1", docs_url=None, redoc_url=None, redirect_slashes=False)

    app.state.entrance = Entrance(member_of, inbox.clock)

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
        return _state(found)

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
    upload = inbox.begin()
    try:
        await _stream(request, upload)
    except BaseException:
        upload.discard()
        raise
    return await run_in_threadpool(
        partial(receive, inbox, upload, sender=str(member), name=name, door="https")
    )


async def _stream(request: Request, upload: Upload) -> None:
    """Write the body as it arrives; refuse it if it is not what Content-Digest announces."""
    expected = announced(request)
    digest = hashlib.sha256()
    offset = 0
    async for chunk in request.stream():
        upload.write(offset, chunk)
        digest.update(chunk)
        offset += len(chunk)
    check_digest(expected, digest.digest())


def announced(request: Request) -> bytes | None:
    """The digest that Content-Digest announces, if it does.

    Raises:
        Problem: the header cannot be read.
    """
    return _content_digest(", ".join(request.headers.getlist("content-digest")))


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


def _content_digest(header: str) -> bytes | None:
    """The SHA-256 digest of all Content-Digest lines (RFC 9530); other algorithms are passed over.

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
                "Write Content-Digest as sha-256=:<base64>: (RFC 9530).",
            )
    return digest


def _state(found: Kept) -> DepositState:
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
        collected=listed.collected,
    )


def not_found() -> Problem:
    """The same for what is not there and for what is somebody else's."""
    return Problem(HTTPStatus.NOT_FOUND, "DOOR-NOT-FOUND", "There is nothing of yours at this address.")


def _answer_refusals(app: FastAPI) -> None:
    @app.exception_handler(Problem)
    async def refused(_request: Request, problem: Problem) -> JSONResponse:
        return _problem(problem.status, problem.code, problem.detail, problem.headers)

    @app.exception_handler(TooLarge)
    async def too_large(_request: Request, error: TooLarge) -> JSONResponse:
        detail = f"A deposit has at most {error.limit} bytes. Nothing was kept; split the batch."
        return _problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "DOOR-TOO-LARGE", detail)

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
        detail = "We could not do this now; it is our fault. Send it again later: nothing is counted twice."
        return _problem(HTTPStatus.SERVICE_UNAVAILABLE, "DOOR-FAILED", detail, {"Retry-After": "30"})


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
