"""The application of pages: how a page is made, what protects it, and what it says when something is wrong.

It stands beside the application of the HTTPS door and is served by the same server: what begins with one of
`PLACES` is for it. It answers people, so its refusals are pages in their language; what is somebody else's
looks like what does not exist (P7).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import jinja2
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy.exc import DataError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from adapters.connections import Peer, Served
from adapters.database.visits import Visits
from adapters.encryption import Erased
from adapters.faults import place_of
from adapters.limits import Gate, TooMuch
from adapters.pages import static_files
from adapters.pages.fields import field_name
from adapters.pages.forms import TOKEN_FIELD, Fields, Foreign, Stale, TooMuchSent, read_fields
from adapters.pages.language import NAMES, Tongue, choose, texts
from adapters.pages.static_files import served_at
from gateway.batch import MemberId
from gateway.moments import Clock, Received
from gateway.rejections import LANGUAGES

log = structlog.get_logger()

PLACES = ("/portal", "/console", "/static", "/indicators", "/indicators.json")
SPOKEN = "__Host-language"
SAID = "__Host-said"
YEAR = 365 * 24 * 3600

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Referrer-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
}
"""Of every answer; nothing of a page comes from elsewhere, and no script or style stands in it."""


class NotThere(Exception):
    """What was asked for does not exist, or is somebody else's: the same page for both."""


class NotAllowed(Exception):
    """Whoever is signed in may not do this."""


class SignedOut(Exception):
    """Nobody is signed in, or no longer.

    Attributes:
        place: where one signs in.
    """

    def __init__(self, place: str) -> None:
        super().__init__("nobody is signed in")
        self.place = place


@dataclass(frozen=True, slots=True)
class Item:
    """An entry of the navigation.

    Attributes:
        name: key of its text.
        address: where it leads.
    """

    name: str
    address: str


@dataclass(slots=True)
class Pages:
    """What pages are made with.

    Attributes:
        visits: who is signed in.
        gate: counts who asks.
        clock: of the gateway.
        environment: ours, `production` or `test`.
        member_of: the member of the certificates of a handshake at a moment, if any.
        navigation: entries by place (`portal`, `console`), in the order in which areas add theirs.
        ways: in which one may sign in to the portal beside link and certificate: oidc, passkey.
    """

    visits: Visits
    gate: Gate
    clock: Clock
    environment: str
    member_of: Callable[[Peer, Received], MemberId | None]
    navigation: dict[str, list[Item]] = field(default_factory=lambda: {"portal": [], "console": []})
    ways: list[str] = field(default_factory=list)
    _templates: jinja2.Environment = field(init=False)

    def __post_init__(self) -> None:
        here = Path(__file__).parent
        folders = (
            here / "templates",
            here.parent / "portal" / "templates",
            here.parent / "console" / "templates",
        )
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader([folder for folder in folders if folder.is_dir()]),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals["field_name"] = field_name
        self._templates.globals["static"] = static_files.address_of
        self._templates.globals["languages"] = NAMES
        self._templates.globals["token_field"] = TOKEN_FIELD

    @property
    def now(self) -> Received:
        """The present moment."""
        return Received(self.clock())

    def write(self, request: Request, template: str, **named: object) -> str:
        """The text of a page, or of a part of one.

        Args:
            template: its file, such as `portal/deposits.html`.
            named: what it shows.
        """
        visitor = getattr(request.state, "visitor", None)
        place = "console" if request.url.path.startswith("/console") else "portal"
        return self._templates.get_template(template).render(
            t=tongue_of(request),
            visitor=visitor,
            place=place,
            items=self.navigation[place] if visitor is not None else (),
            path=request.url.path,
            query=request.url.query,
            environment=self.environment,
            ways=self.ways,
            **named,
        )


def pages_of(request: Request) -> Pages:
    """What the pages of this application are made with."""
    found: Pages = request.app.state.pages
    return found


def tongue_of(request: Request) -> Tongue:
    """The language in which whoever asks is answered."""
    return Tongue(choose(request.cookies.get(SPOKEN, ""), request.headers.get("accept-language", "")))


def page(request: Request, template: str, status: int = HTTPStatus.OK, /, **named: object) -> HTMLResponse:
    """A page; what was to be said once is said on it.

    Args:
        template: its file, such as `portal/deposits.html`.
        named: what it shows.
    """
    text = pages_of(request).write(request, template, said=_said(request), **named)
    response = HTMLResponse(text, status)
    if SAID in request.cookies:
        put_cookie(response, SAID, "", 0)
    return response


def part(request: Request, template: str, status: int = HTTPStatus.OK, /, **named: object) -> HTMLResponse:
    """A part of a page, for htmx."""
    return HTMLResponse(pages_of(request).write(request, template, said=(), **named), status)


def go_to(request: Request, address: str) -> Response:
    """Go on to another page of ours after something was done; htmx is told in its own way."""
    if request.headers.get("hx-request"):
        return Response(status_code=HTTPStatus.NO_CONTENT, headers={"HX-Redirect": address})
    return RedirectResponse(address, HTTPStatus.SEE_OTHER)


def say(response: Response, key: str, kind: str = "success", **named: str) -> Response:
    """Have the next page say something once.

    Args:
        key: of a text.
        kind: success, warning or danger.
        named: what is put in; it is cut to some length.
    """
    told = json.dumps([key, kind, {name: text[:100] for name, text in named.items()}])
    put_cookie(response, SAID, base64.urlsafe_b64encode(told.encode()).decode(), 300)
    return response


def _said(request: Request) -> Iterable[tuple[object, str]]:
    """What is to be said once; nothing if it is no text of ours."""
    try:
        key, kind, named = json.loads(base64.urlsafe_b64decode(request.cookies.get(SAID, "")))
        if key in texts() and kind in ("success", "warning", "danger"):
            return [(tongue_of(request)(key, **named), kind)]
    except (ValueError, TypeError, KeyError):
        pass
    return ()


def put_cookie(
    response: Response,
    name: str,
    secret: str,
    seconds: int,
    same_site: Literal["strict", "lax"] = "strict",
) -> None:
    """Set a cookie of ours; 0 seconds takes it back."""
    response.set_cookie(
        name, secret, max_age=seconds, path="/", secure=True, httponly=True, samesite=same_site
    )


def own_address(text: str, otherwise: str) -> str:
    """An address on these pages, such as one to go back to; anything else is passed over."""
    ours = text.startswith(("/portal", "/console")) and "\\" not in text and text.isprintable()
    return text if ours and not text.startswith("//") else otherwise


class Hall:
    """Both applications behind one server: pages for people, all else for programs.

    Args:
        pages: the application of pages.
        door: the application of the HTTPS door.
    """

    def __init__(self, pages: FastAPI, door: Served) -> None:
        self._pages = pages
        self._door = door

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request.

        What an application raises it has answered already. It goes no further: the server would write it to
        its log with its words, and in these may stand what somebody sent (SR-24).
        """
        path: str = scope["path"]
        for_people = any(path == place or path.startswith(place + "/") for place in PLACES)
        try:
            await (self._pages if for_people else self._door)(scope, receive, send)
        except Exception as error:
            log.error("https.raised", at=place_of(error))


def application(pages: Pages) -> FastAPI:
    """The application of pages, without any page but those of the frame."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.pages = pages
    _answer_refusals(app)

    @app.middleware("http")
    async def protect(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        """Headers of every answer."""
        response = await call_next(request)
        for name, text in HEADERS.items():
            response.headers[name] = text
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    @app.get("/static/{name}")
    async def static(request: Request) -> Response:
        """A file that never changes."""
        found = served_at(request.url.path)
        if found is None:
            raise NotThere
        headers = {"Cache-Control": f"public, max-age={YEAR}, immutable"}
        return Response(found.content, media_type=found.media_type, headers=headers)

    @app.post("/portal/language")
    @app.post("/console/language")
    async def language(request: Request) -> Response:
        """Choose the language of pages."""
        pages.gate.came(request.client.host if request.client else "")
        fields = await read_fields(request)
        if fields["language"] not in LANGUAGES:
            raise NotThere
        place = "/console" if request.url.path.startswith("/console") else "/portal"
        response = RedirectResponse(own_address(fields["back"], place), HTTPStatus.SEE_OTHER)
        put_cookie(response, SPOKEN, fields["language"], YEAR)
        return response

    return app


def _answer_refusals(app: FastAPI) -> None:
    def refusal(
        request: Request,
        status: HTTPStatus,
        key: str,
        headers: Mapping[str, str] | None = None,
        **named: object,
    ) -> Response:
        named = {"name": f"frame.{key}", "title": f"frame.{key}_title", "named": named}
        template = "pages/refusal_part.html" if request.headers.get("hx-request") else "pages/refusal.html"
        make = part if request.headers.get("hx-request") else page
        response = make(request, template, status, **named)
        response.headers.update(headers or {})
        return response

    @app.exception_handler(NotThere)
    @app.exception_handler(RequestValidationError)
    @app.exception_handler(OverflowError)  # a number larger than any register has, on SQLite
    @app.exception_handler(DataError)  # the same, and a NUL, on PostgreSQL
    async def not_there(request: Request, _error: Exception) -> Response:
        return refusal(request, HTTPStatus.NOT_FOUND, "not_there")

    @app.exception_handler(NotAllowed)
    async def not_allowed(request: Request, _error: Exception) -> Response:
        return refusal(request, HTTPStatus.FORBIDDEN, "not_allowed")

    @app.exception_handler(Foreign)
    async def foreign(request: Request, _error: Exception) -> Response:
        return refusal(request, HTTPStatus.FORBIDDEN, "foreign")

    @app.exception_handler(Erased)
    async def erased(request: Request, _error: Exception) -> Response:
        return refusal(request, HTTPStatus.GONE, "erased")

    @app.exception_handler(TooMuchSent)
    async def too_large(request: Request, error: TooMuchSent) -> Response:
        size = tongue_of(request).size(error.limit)
        return refusal(request, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", size=size)

    @app.exception_handler(TooMuch)
    async def too_much(request: Request, error: TooMuch) -> Response:
        headers = {"Retry-After": str(error.seconds)}
        return refusal(request, HTTPStatus.TOO_MANY_REQUESTS, "too_much", headers, seconds=error.seconds)

    @app.exception_handler(TimeoutError)
    async def too_slow(request: Request, _error: Exception) -> Response:
        return refusal(request, HTTPStatus.REQUEST_TIMEOUT, "too_slow")

    @app.exception_handler(ClientDisconnect)
    async def gone(_request: Request, _error: Exception) -> Response:
        return Response(status_code=HTTPStatus.BAD_REQUEST)

    @app.exception_handler(SignedOut)
    async def signed_out(request: Request, error: SignedOut) -> Response:
        if request.method != "GET":
            return await _keep(request, error)
        back = quote(request.url.path + (f"?{request.url.query}" if request.url.query else ""))
        return go_to(request, f"{error.place}?back={back}")

    @app.exception_handler(Stale)
    async def stale(request: Request, error: Stale) -> Response:
        return _once_more(request, error.fields, "")

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> Response:
        if error.status_code == HTTPStatus.NOT_FOUND:
            path = request.url.path
            meant = own_address(quote(path.rstrip("/")), "") if path.endswith("/") else ""
            if meant and request.method == "GET":
                # Not left to Starlette, which puts whatever Host says into the address.
                return RedirectResponse(meant, HTTPStatus.SEE_OTHER)
            return refusal(request, HTTPStatus.NOT_FOUND, "not_there")
        return refusal(request, HTTPStatus(error.status_code), "unusable")

    @app.exception_handler(Exception)
    async def ours(request: Request, error: Exception) -> Response:
        log.error("page.failed", path=request.url.path.split("/")[:3], error=type(error).__name__)
        response = refusal(request, HTTPStatus.INTERNAL_SERVER_ERROR, "ours")
        response.headers.update({**HEADERS, "Cache-Control": "no-store"})
        return response


async def _keep(request: Request, error: SignedOut) -> Response:
    """What somebody sent whose visit was over: given back, to be sent again once they have signed in."""
    pages_of(request).gate.came(request.client.host if request.client else "")
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return page(
            request, "pages/signed_out.html", HTTPStatus.UNAUTHORIZED, fields=None, sign_in=error.place
        )
    return _once_more(request, await read_fields(request), error.place)


def _once_more(request: Request, fields: Fields, sign_in: str) -> Response:
    status = HTTPStatus.UNAUTHORIZED if sign_in else HTTPStatus.CONFLICT
    if request.headers.get("hx-request"):
        return part(request, "pages/signed_out_part.html", status, sign_in=sign_in)
    return page(request, "pages/signed_out.html", status, fields=fields.pairs, sign_in=sign_in)
