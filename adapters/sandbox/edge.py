"""The outermost edge of a sandbox's HTTPS door: plays outages and duplicates, and marks every answer."""

from __future__ import annotations

import asyncio
import json
import re
from http import HTTPStatus
from typing import Any

from adapters.sandbox.script import Kind, Outage, Script

MARK = (b"secugate-sandbox", b"nothing here is real or has any legal effect")
_DIGIT = re.compile(rb">[0-8]")
_LISTING = "/v1/outbox"
_BUSY = json.dumps(
    {
        "type": "about:blank",
        "title": "Service Unavailable",
        "status": 503,
        "code": "DOOR-BUSY",
        "detail": "The sandbox plays an outage. Send the same again.",
    }
).encode()
_GARBAGE = b"<html><body><h1>It works!</h1></body></html>"


class Edge:
    """An application behind the script of a sandbox."""

    def __init__(self, app: Any, script: Script) -> None:
        self._app = app
        self._script = script

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request as the script says, or as the application does."""

        async def marked(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", []), MARK]}
            await send(message)

        outage = self._script.happens(scope["method"], scope["path"]) if scope["type"] == "http" else None
        if outage is not None:
            await self._fail(outage, scope, receive, marked)
        elif self._script.duplicates and scope["path"] == _LISTING:
            await _twice(self._app, scope, receive, marked)
        else:
            await self._app(scope, receive, marked)

    async def _fail(self, outage: Outage, scope: Any, receive: Any, send: Any) -> None:
        match outage.kind:
            case Kind.BUSY:
                headers = [(b"content-type", b"application/problem+json"), (b"retry-after", b"1")]
                await _answer(send, 503, headers, _BUSY)
            case Kind.GARBAGE:
                await _answer(send, 200, [(b"content-type", b"text/html")], _GARBAGE)
            case Kind.SLOW:
                await asyncio.sleep(outage.seconds)
                await self._app(scope, receive, send)
            case Kind.FORGED:
                await _forged(self._app, scope, receive, send)
            case Kind.CUT:
                await self._app(scope, receive, _nowhere)
                # A head that promises a body, and then nothing: the server closes the line.
                start = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]}
                await send(start)


async def _nowhere(message: Any) -> None:
    """The answer of the application, which nobody gets."""


async def _answer(send: Any, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})


async def _twice(app: Any, scope: Any, receive: Any, send: Any) -> None:
    """List every answer twice, as a network does that delivers at least once."""
    status, headers, body = await _gathered(app, scope, receive)
    if status == HTTPStatus.OK:
        listed = json.loads(body)
        listed["answers"] = [one for one in listed["answers"] for _ in range(2)]
        body = json.dumps(listed).encode()
    await _answer(send, status, headers, body)


async def _forged(app: Any, scope: Any, receive: Any, send: Any) -> None:
    """Change what is answered as somebody on the way would, who has everything but the key."""
    status, headers, body = await _gathered(app, scope, receive)
    good = body.replace(b">rejected<", b">accepted<")
    await _answer(send, status, headers, good if good != body else _DIGIT.sub(rb">9", body, count=1))


async def _gathered(app: Any, scope: Any, receive: Any) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """The whole answer of an application: status, header fields but that of the length, body."""
    started: dict[str, Any] = {}
    parts: list[bytes] = []

    async def gather(message: Any) -> None:
        if message["type"] == "http.response.start":
            started.update(message)
        elif message["type"] == "http.response.body":
            parts.append(message.get("body", b""))

    await app(scope, receive, gather)
    kept = [pair for pair in started.get("headers", []) if pair[0].lower() != b"content-length"]
    return started["status"], kept, b"".join(parts)
