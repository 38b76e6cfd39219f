"""Deposits in pieces over HTTPS: an upload that broke off goes on where it was.

After the draft of the IETF's HTTP working group for resumable uploads (draft-ietf-httpbis-resumable-upload):
`POST /v1/uploads` begins one, `HEAD` asks how far it is, `PATCH` adds to it, `DELETE` gives it up. The piece
that completes it is answered as a deposit is: with the signed receipt.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from typing import Annotated

from fastapi import FastAPI, Query, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from adapters.https import (
    LONGEST_NAME,
    UPLOAD_SECONDS,
    Problem,
    Sender,
    announced,
    check_digest,
    content_digest,
    in_time,
    not_found,
)
from adapters.limits import Gate
from adapters.uploads import IDLE_SECONDS, Half, Halves, TooLong
from gateway.batch import MemberId
from inbox.receive import Inbox, receive

_COUNT = re.compile(r"[0-9]{1,15}")
_DIGEST = "^sha-256=:[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=:$"
_TRUTHS = {"?0": False, "?1": True}
_PIECE = "application/partial-upload"
_OFFSETS_DIFFER = "https://iana.org/assignments/http-problem-types#mismatching-upload-offset"


def add_uploads(app: FastAPI, inbox: Inbox, largest: int) -> None:
    """Add the addresses of uploads in pieces to the HTTPS door.

    Args:
        largest: bytes a deposit may have.
    """
    halves = Halves(inbox.begin, largest)

    @app.post(
        "/v1/uploads",
        status_code=201,
        response_class=Response,
        responses=_BEGUN,
        openapi_extra={
            "parameters": [
                _header("Upload-Complete", {"type": "string", "enum": ["?0"]}),
                _header("Upload-Length", {"type": "integer", "minimum": 1, "maximum": largest}),
                _header("Repr-Digest", {"type": "string", "pattern": _DIGEST}),
            ]
        },
    )
    async def begin(
        request: Request,
        member: Sender,
        name: Annotated[str, Query(min_length=1, max_length=LONGEST_NAME, description="file name")],
    ) -> Response:
        """Begin a deposit in pieces, or find the one that was begun. It is called by its SHA-256.

        Say `Upload-Complete: ?0`, `Upload-Length` (bytes of the whole) and `Repr-Digest` (SHA-256 of the
        whole, RFC 9530); there is no body. `Upload-Offset` of the answer says from where to go on.
        """
        if len(name.encode()) > LONGEST_NAME:
            raise _unusable(f"A file name has at most {LONGEST_NAME} bytes.")
        if _truth(request) is not False:
            raise _unusable("Begin with Upload-Complete: ?0 and no body; bytes come by PATCH.")
        length, digest = _count(request, "upload-length"), content_digest(_field(request, "repr-digest"))
        if length is None or length == 0 or digest is None:
            raise _unusable("Give Upload-Length and Repr-Digest (sha-256=:<base64>:) of the whole file.")
        gate: Gate = request.app.state.entrance.gate
        gate.deposits(member)
        half = halves.open(member, name, digest.hex(), length)
        headers = {"Location": f"/v1/uploads/{half.digest}", **_told(half), **_limits(halves)}
        return Response(status_code=HTTPStatus.CREATED, headers=headers)

    @app.head("/v1/uploads/{digest}", status_code=204, response_class=Response)
    async def ask(digest: str, member: Sender) -> Response:
        """How far an upload is: `Upload-Offset`."""
        half = _found(halves, member, digest)
        headers = {**_told(half), **_limits(halves), "Cache-Control": "no-store"}
        return Response(status_code=HTTPStatus.NO_CONTENT, headers=headers)

    @app.patch(
        "/v1/uploads/{digest}",
        status_code=204,
        response_class=Response,
        responses=_ADDED,
        openapi_extra={
            "parameters": [
                _header("Upload-Complete", {"type": "string", "enum": ["?0", "?1"]}),
                _header("Upload-Offset", {"type": "integer", "minimum": 0, "maximum": largest}),
            ],
            "requestBody": {
                "required": True,
                "content": {_PIECE: {"schema": {"type": "string", "format": "binary"}}},
            },
        },
    )
    async def add(request: Request, digest: str, member: Sender) -> Response:
        """Add bytes from `Upload-Offset` on; with `Upload-Complete: ?1` they are the last ones.

        The last ones are answered with the signed receipt (ACKREC), as a deposit is; asked again with none,
        with the same receipt. `Content-Digest` is checked for the piece, where it is given.
        """
        half = _found(halves, member, digest)
        is_last, offset = _truth(request), _count(request, "upload-offset")
        if is_last is None or offset is None or request.headers.get("content-type") != _PIECE:
            raise _unusable(f"Give Upload-Offset, Upload-Complete (?0 or ?1) and Content-Type: {_PIECE}.")
        if offset != half.offset:
            return _mismatch(offset, half)
        if half.receipt is None:
            await _add(request, halves, half)
            if not is_last:
                return Response(status_code=HTTPStatus.NO_CONTENT, headers=_told(half))
            await _hand_over(inbox, halves, half)
        if half.receipt is None:
            raise not_found()
        headers = {"Location": f"/v1/deposits/{half.receipt.deposit}", **_told(half)}
        accepted, kind = HTTPStatus.ACCEPTED, "application/xml"
        return Response(half.receipt.content, status_code=accepted, media_type=kind, headers=headers)

    @app.delete("/v1/uploads/{digest}", status_code=204, response_class=Response)
    async def give_up(digest: str, member: Sender) -> Response:
        """Forget an upload. What became a deposit stays one."""
        halves.drop(_found(halves, member, digest))
        return Response(status_code=HTTPStatus.NO_CONTENT)


def _header(name: str, schema: Mapping[str, object]) -> Mapping[str, object]:
    """A field of the head as the description tells it."""
    return {"name": name, "in": "header", "required": True, "schema": schema}


_BEGUN: dict[int | str, dict[str, object]] = {201: {"description": "begun, or found again"}}
_ADDED: dict[int | str, dict[str, object]] = {
    202: {"description": "the signed receipt", "content": {"application/xml": {}}},
    204: {"description": "more is to come"},
    409: {"description": "another Upload-Offset than ours"},
}


def _found(halves: Halves, member: MemberId, digest: str) -> Half:
    half = halves.find(member, digest)
    if half is None:
        raise not_found()
    return half


async def _add(request: Request, halves: Halves, half: Half) -> None:
    """Write the body as it arrives. What arrived stays, wherever it breaks off."""
    gate: Gate = request.app.state.entrance.gate
    expected, digest = announced(request), hashlib.sha256()
    half.turn += 1
    mine = half.turn
    try:
        async with in_time(UPLOAD_SECONDS):
            async for chunk in request.stream():
                if half.turn != mine:
                    raise Problem(HTTPStatus.CONFLICT, "DOOR-TWICE", "Another request goes on with this.")
                gate.sent(half.member, len(chunk))
                half.add(chunk)
                digest.update(chunk)
                halves.touch(half)
        check_digest(expected, digest.digest())
    except TooLong:
        halves.drop(half)
        raise _unusable("These are more bytes than Upload-Length said. Nothing was kept.") from None
    except Problem as problem:
        if problem.code == "DOOR-DIGEST":
            halves.drop(half)
        raise


async def _hand_over(inbox: Inbox, halves: Halves, half: Half) -> None:
    """Into custody. What fails here is forgotten: the sender has to send it again."""
    upload, half.upload = half.upload, None
    if upload is None:
        raise Problem(HTTPStatus.CONFLICT, "DOOR-TWICE", "This is being handed over already.")
    if not half.is_as_announced:
        upload.discard()
        halves.drop(half)
        raise Problem(
            HTTPStatus.BAD_REQUEST,
            "DOOR-DIGEST",
            "What arrived is not what Upload-Length and Repr-Digest said. Nothing was kept; send it again.",
        )
    try:
        sender, name = str(half.member), half.name
        receipt = await run_in_threadpool(
            partial(receive, inbox, upload, sender=sender, name=name, door="https")
        )
    except BaseException:
        halves.drop(half)
        raise
    halves.settle(half, receipt)


def _told(half: Half) -> dict[str, str]:
    return {
        "Upload-Offset": str(half.offset),
        "Upload-Complete": "?0" if half.receipt is None else "?1",
        "Upload-Length": str(half.length),
    }


def _limits(halves: Halves) -> dict[str, str]:
    return {"Upload-Limit": f"max-size={halves.largest}, max-age={IDLE_SECONDS:.0f}"}


def _mismatch(given: int, half: Half) -> JSONResponse:
    status = HTTPStatus.CONFLICT
    content = {
        "type": _OFFSETS_DIFFER,
        "title": status.phrase,
        "status": status.value,
        "code": "DOOR-OFFSET",
        "detail": f"We have {half.offset} bytes. Go on from there.",
        "expected-offset": half.offset,
        "provided-offset": given,
    }
    return JSONResponse(content, status.value, _told(half), "application/problem+json")


def _truth(request: Request) -> bool | None:
    return _TRUTHS.get(_field(request, "upload-complete"))


def _count(request: Request, name: str) -> int | None:
    given = _field(request, name)
    return int(given) if _COUNT.fullmatch(given) else None


def _field(request: Request, name: str) -> str:
    return ", ".join(request.headers.getlist(name))


def _unusable(detail: str) -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, "DOOR-REQUEST", detail)
