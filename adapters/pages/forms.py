"""What a page sent to us: read within limits, and only when it came from one of our own pages.

A form counts when the browser says that it comes from our own origin (Fetch Metadata, or Origin where a
browser has none) and when it holds the token of the visit. Any doubt means no (SR-15).
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable
from urllib.parse import parse_qsl

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

LARGEST = 2_000_000
"""Bytes of a form without files."""
MOST_FIELDS = 20_000
TOKEN_FIELD = "form_token"  # noqa: S105 - the name of a field
TRIAL_SECONDS = 120.0


class Foreign(Exception):
    """A request that changes something, and does not come from a page of ours."""


class Stale(Exception):
    """A form of an earlier visit: whoever sent it is asked again.

    Attributes:
        fields: what it held.
    """

    def __init__(self, fields: Fields) -> None:
        super().__init__("the form is of an earlier visit")
        self.fields = fields


class TooMuchSent(Exception):
    """A form with too many bytes or fields. Nothing was done.

    Attributes:
        limit: of bytes.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(f"a form has at most {limit} bytes")
        self.limit = limit


class Fields:
    """The fields of a form, in their order; a name may stand there more than once."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self.pairs = [(name, value) for name, value in pairs if name != TOKEN_FIELD]
        self._first = dict(reversed(pairs))

    def __getitem__(self, name: str) -> str:
        """The first value of a name, without blanks around it; empty where there is none."""
        return self._first.get(name, "").strip()

    def __contains__(self, name: object) -> bool:
        return name in self._first

    def all(self, name: str) -> list[str]:
        """Every value of a name."""
        return [value for each, value in self.pairs if each == name]

    @property
    def token(self) -> str:
        return self._first.get(TOKEN_FIELD, "")


def token_of(session: str) -> str:
    """The token that the forms of a visit hold: nobody can tell the session from it.

    Args:
        session: the secret in the cookie.
    """
    return hmac.new(session.encode(), b"secugate form", hashlib.sha256).hexdigest()


def check_origin(request: Request) -> None:
    """Make sure that a request comes from a page of ours.

    Raises:
        Foreign: it does not, or does not tell.
    """
    site = request.headers.get("sec-fetch-site")
    here = f"https://{request.headers.get('host')}"
    ours = site == "same-origin" if site is not None else request.headers.get("origin") == here
    if not ours:
        raise Foreign


def check_token(fields: Fields, token: str) -> None:
    """Make sure that a form is of this visit.

    Raises:
        Stale: it is of another one.
    """
    if not hmac.compare_digest(fields.token, token):
        raise Stale(fields)


async def read_fields(request: Request) -> Fields:
    """The fields of a form without files.

    Raises:
        Foreign, TooMuchSent
    """
    check_origin(request)
    content = bytearray()
    async with asyncio.timeout(TRIAL_SECONDS):
        async for chunk in request.stream():
            content += chunk
            if len(content) > LARGEST:
                raise TooMuchSent(LARGEST)
    try:
        text = content.decode("ascii")
        return Fields(parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict"))
    except (UnicodeError, ValueError):
        raise TooMuchSent(LARGEST) from None


class _InMemory(MultiPartParser):
    """Files stay in memory: what members send never lies on a disk unsealed."""

    spool_max_size = 2**31


async def read_files(
    request: Request, largest: int, most: int, sent: Callable[[int], None]
) -> tuple[Fields, list[tuple[str, bytes]]]:
    """The fields of a form with files, and the files by name; otherwise as `read_named_files`."""
    fields, files = await read_named_files(request, largest, most, sent)
    return fields, [(name, content) for _, name, content in files]


async def read_named_files(
    request: Request, largest: int, most: int, sent: Callable[[int], None]
) -> tuple[Fields, list[tuple[str, str, bytes]]]:
    """The fields of a form with files, and of each file its field, name and bytes.

    Args:
        largest: bytes of all together.
        most: files.
        sent: counts bytes.

    Raises:
        Foreign, TooMuchSent
    """
    check_origin(request)
    received = 0

    async def limited() -> AsyncIterator[bytes]:
        nonlocal received
        async for chunk in request.stream():
            sent(len(chunk))
            received += len(chunk)
            if received > largest:
                raise TooMuchSent(largest)
            yield chunk

    kind = request.headers.get("content-type", "")
    if not kind.startswith("multipart/form-data") or "charset" in kind.lower():
        raise Foreign  # browsers name no charset; there are some by which any name ends in an exception
    parser = _InMemory(request.headers, limited(), max_files=most, max_fields=100)  # type: ignore[arg-type]
    try:
        async with asyncio.timeout(TRIAL_SECONDS):
            form: FormData = await parser.parse()
    except MultiPartException:
        raise TooMuchSent(largest) from None
    pairs: list[tuple[str, str]] = []
    files: list[tuple[str, str, bytes]] = []
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            if value.filename:
                files.append((name, value.filename, await value.read()))
        else:
            pairs.append((name, value))
    return Fields(pairs), files
