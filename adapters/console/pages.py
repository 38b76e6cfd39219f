"""The pages of the console: the way in, what waits, search, and the life of a deposit."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from functools import partial
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import quote

import sqlalchemy as sa
from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool

from adapters.console import life as lives
from adapters.console import queues as waits
from adapters.console.access import (
    COOKIE,
    HOME,
    SIGN_IN,
    Console,
    ConsoleVisitor,
    Proposed,
    ReasonMissing,
    Visitor,
    admit,
    console_of,
    enter,
    fields_of,
    leave,
    needs_reason,
    open_to,
)
from adapters.console.cases import causes
from adapters.console.finding import PAGE, NotUnderstood, Question, find, understand
from adapters.database import deposits
from adapters.database.answers import lay_out
from adapters.database.journal import append
from adapters.database.staff import NotOpened
from adapters.encryption import Erased, Unopened
from adapters.evidence import Packs
from adapters.pages.forms import Fields, read_fields
from adapters.pages.frame import Item, NotThere, go_to, page, pages_of, put_cookie, say
from adapters.unread import unread_after
from gateway.rejections import REJECTIONS
from gateway.staff import SESSION_LASTS, SHORTEST_REASON

T = TypeVar("T")

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_OWN_DOCUMENTS = ("deposit", "receipt", "evidence")
"""What can be fetched of a deposit beside its answers."""

NAVIGATION: Mapping[str, str] = {
    "console.overview": HOME,
    "console.search": f"{HOME}/search",
    "console.cases": f"{HOME}/cases",
    "console.quality": f"{HOME}/quality",
    "console.shadow": f"{HOME}/shadow",
    "console.registers": f"{HOME}/registers",
    "console.acts": f"{HOME}/acts",
}


async def reading(console: Console, ask: Callable[[sa.Connection], T]) -> T:
    """What a function reads in one transaction, beside the loop."""

    def asked() -> T:
        with console.database.read() as connection:
            return ask(connection)

    return await run_in_threadpool(asked)


async def writing(console: Console, visitor: Visitor, do: Callable[[sa.Connection], T]) -> T:
    """What a function does in one transaction; the journal names the visitor."""

    def done() -> T:
        with console.acting(visitor).write() as connection:
            return do(connection)

    return await run_in_threadpool(done)


def limits_of(console: Console) -> Mapping[waits.Name, waits.Limit]:
    """From when on queues call for somebody."""
    return waits.limits(
        timedelta(minutes=console.settings.revocation_alarm), timedelta(days=unread_after(console.now))
    )


def add_console(app: FastAPI, console: Console) -> None:
    """Add the pages of the console to the application of pages."""
    app.state.console = console
    pages = app.state.pages
    pages.navigation["console"].extend(Item(name, address) for name, address in NAVIGATION.items())
    _answer(app)
    _add_entrance(app)
    _add_overview(app)
    _add_search(app)
    _add_deposit(app)
    _add_deeds(app)


def _answer(app: FastAPI) -> None:
    @app.exception_handler(ReasonMissing)
    async def reason_missing(request: Request, _error: Exception) -> Response:
        fields: Fields | None = getattr(request.state, "fields", None)
        pairs = [] if fields is None else [pair for pair in fields.pairs if pair[0] != "reason"]
        given = bool(fields and fields["reason"])
        return page(
            request,
            "console/reason.html",
            HTTPStatus.UNPROCESSABLE_ENTITY if given else HTTPStatus.OK,
            fields=pairs,
            given=given,
            shortest=SHORTEST_REASON,
        )

    @app.exception_handler(Proposed)
    async def proposed(request: Request, error: Proposed) -> Response:
        return page(request, "console/proposed.html", HTTPStatus.ACCEPTED, number=error.number)


async def asked(request: Request, visitor: Visitor) -> Fields:
    """The fields of a form; kept, so that a page that asks for a reason can hold them."""
    fields = await fields_of(request, visitor)
    request.state.fields = fields
    return fields


def _add_entrance(app: FastAPI) -> None:
    @app.get(SIGN_IN)
    async def sign_in(request: Request) -> Response:
        """How one signs in."""
        await open_to(request)
        return page(request, "console/sign_in.html", failed=False)

    @app.get(f"{HOME}/enter")
    async def entrance(request: Request, code: str = "") -> Response:
        """Where the link leads: a button, so that nothing but a person uses it up."""
        await open_to(request)
        return page(request, "console/enter.html", code=code[:200])

    @app.post(f"{HOME}/enter")
    async def come_in(request: Request) -> Response:
        """Follow the link."""
        await open_to(request)
        fields = await read_fields(request)
        try:
            token = await enter(request, fields["code"])
        except NotOpened:
            pages_of(request).gate.came(request.client.host if request.client else "")
            return page(request, "console/sign_in.html", HTTPStatus.FORBIDDEN, failed=True)
        response = go_to(request, HOME)
        put_cookie(response, COOKIE, token, int(SESSION_LASTS.total_seconds()))
        return response

    @app.post(f"{HOME}/sign-out")
    async def sign_out(request: Request, visitor: ConsoleVisitor) -> Response:
        """End the session."""
        await fields_of(request, visitor)
        await run_in_threadpool(leave, console_of(request), visitor)
        response = go_to(request, SIGN_IN)
        put_cookie(response, COOKIE, "", 0)
        return response


def _add_overview(app: FastAPI) -> None:
    @app.get(HOME)
    async def overview(request: Request, visitor: ConsoleVisitor) -> Response:
        """What waits, and what calls for somebody."""
        console = console_of(request)
        now, limited = console.now, limits_of(console)
        queues = await reading(console, lambda connection: waits.queues(connection, now, limited))
        open_causes = await reading(console, lambda connection: causes(connection, now))
        return page(
            request,
            "console/overview.html",
            queues=queues,
            causes=open_causes[:5] if visitor.may("console cases") else (),
            codes=REJECTIONS,
            sees_queues=visitor.may("console queue"),
        )

    @app.get(f"{HOME}/queues/{{name}}")
    async def queue(request: Request, visitor: ConsoleVisitor, name: str, after: int = 0) -> Response:
        """What stands in a queue."""
        try:
            found = waits.Name(name)
        except ValueError:
            raise NotThere from None
        if found is waits.Name.PROPOSED:
            return go_to(request, f"{HOME}/acts")
        if found is waits.Name.PAYMENTS:
            return go_to(request, f"{HOME}/payments")
        console = console_of(request)
        await admit(request, visitor, "console queue", name)
        if found is waits.Name.UNREAD:
            unread = await reading(console, lambda connection: list(waits.unread(connection, after)))
            last = unread[PAGE - 1].number if len(unread) > PAGE else None
            return page(request, "console/unread.html", answers=unread[:PAGE], after=last, now=console.now)
        rows = await reading(console, lambda connection: waits.entries(connection, found, after))
        last = rows[PAGE - 1].kept.number if len(rows) > PAGE else None
        return page(request, "console/queue.html", name=name, rows=rows[:PAGE], after=last, now=console.now)


def _add_search(app: FastAPI) -> None:
    @app.get(f"{HOME}/search")
    async def search(request: Request, visitor: ConsoleVisitor) -> Response:
        """Where one says what is looked for."""
        if not visitor.may("console search"):
            await admit(request, visitor, "console search")
        return page(request, "console/search.html", found=None, said_=_Said(), wrong=None)

    @app.post(f"{HOME}/search")
    async def results(request: Request, visitor: ConsoleVisitor) -> Response:
        """What was found. A form is posted, so that no number of a person stands in an address."""
        fields = await asked(request, visitor)
        said = _Said.of(fields)
        try:
            question = understand(said.words, said.day("first"), said.day("last"))
        except NotUnderstood as error:
            return page(request, "console/search.html", found=None, said_=said, wrong=error)
        command = "console search person" if question.persons else "console search"
        days = [text for text in (said.first, said.last) if text]
        await admit(request, visitor, command, *question_words(said.words), *days, reason=said.reason)
        before = int(fields["before"]) if fields["before"].isdigit() else None
        found = await reading(console_of(request), partial(_find, question, before))
        return page(request, "console/search.html", found=found, said_=said, wrong=None)


def _find(question: Question, before: int | None, connection: sa.Connection) -> object:
    return find(connection, question, before)


def question_words(text: str) -> list[str]:
    """The words of a question, as the act keeps them."""
    return text.split()


class _Said:
    """What stands in the form of the search."""

    def __init__(self, words: str = "", first: str = "", last: str = "", reason: str = "") -> None:
        self.words = words
        self.first = first
        self.last = last
        self.reason = reason

    @classmethod
    def of(cls, fields: Fields) -> _Said:
        return cls(fields["words"][:500], fields["first"][:10], fields["last"][:10], fields["reason"])

    def day(self, name: str) -> date | None:
        """A day of the form; None when it is none."""
        try:
            return date.fromisoformat(getattr(self, name))
        except ValueError:
            return None


async def _life(request: Request, identifier: str) -> lives.Life:
    found = await reading(console_of(request), lambda connection: lives.life(connection, identifier))
    if found is None:
        raise NotThere
    return found


def _check_id(identifier: str) -> None:
    if _ID.fullmatch(identifier) is None:
        raise NotThere


def _add_deposit(app: FastAPI) -> None:
    @app.get(f"{HOME}/deposits/{{identifier}}")
    async def deposit(request: Request, visitor: ConsoleVisitor, identifier: str) -> Response:
        """The life of a deposit."""
        _check_id(identifier)
        await admit(request, visitor, "console deposit", identifier)
        found = await _life(request, identifier)
        return page(
            request,
            "console/deposit.html",
            life=found,
            event=event_of,
            now=console_of(request).now,
            needs_reason=needs_reason,
        )

    @app.post(f"{HOME}/deposits/{{identifier}}/records")
    async def records(request: Request, visitor: ConsoleVisitor, identifier: str) -> Response:
        """What the acknowledgement says of each record."""
        _check_id(identifier)
        fields = await asked(request, visitor)
        await admit(request, visitor, "console records", identifier, reason=fields["reason"])
        found = await _life(request, identifier)
        told = await reading(console_of(request), lambda connection: lives.told(connection, identifier))
        chosen = [one for one in told or () if not fields["code"] or one.code.key == fields["code"]]
        return page(request, "console/records.html", life=found, told=chosen)

    @app.post(f"{HOME}/deposits/{{identifier}}/content")
    async def content(request: Request, visitor: ConsoleVisitor, identifier: str) -> Response:
        """Bytes of a deposit: its own, its receipt, an answer, or all that proves it."""
        _check_id(identifier)
        fields = await asked(request, visitor)
        what = fields["what"]
        if what not in _OWN_DOCUMENTS:
            _check_id(what)
        if what == "evidence":
            await admit(request, visitor, "evidence make", "--deposit", identifier, reason=fields["reason"])
        else:
            await admit(request, visitor, "console content", identifier, what, reason=fields["reason"])
        console = console_of(request)
        document = await run_in_threadpool(_document, console, visitor, identifier, what)
        if document is None:
            raise NotThere
        name = quote(document.name, safe="")
        headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
        return Response(document.content, media_type="application/octet-stream", headers=headers)


def _document(console: Console, visitor: Visitor, identifier: str, what: str) -> lives.Document | None:
    """Bytes of a deposit, once the journal tells who reads them; None where there are none."""
    if what == "evidence":
        return _pack(console, visitor, identifier)
    with console.database.read() as connection:
        found = _kept(console, connection, identifier, what)
    if found is not None:
        with console.acting(visitor).write() as connection:
            append(connection, at=console.now, event="read", subject=found.subject, member=found.member)
    return found


def _kept(console: Console, connection: sa.Connection, identifier: str, what: str) -> lives.Document | None:
    if what == "receipt":
        return lives.receipt(connection, identifier)
    life = lives.life(connection, identifier)
    if life is None:
        return None
    if what == "deposit":
        mine = life.kept.deposit
        try:
            return lives.Document(mine.name, console.spool.read(identifier), mine.sender, identifier)
        except (OSError, Unopened):
            return None
    if what not in {one.id for one in life.answers}:
        return None
    return lives.answer_document(connection, what)


def _pack(console: Console, visitor: Visitor, identifier: str) -> lives.Document | None:
    packs = Packs(
        console.acting(visitor),
        console.packs.spool,
        console.packs.seal,
        console.packs.heads,
        console.packs.decrypt,
        console.packs.clock,
    )
    content = packs.make(identifier, "console")
    return (
        None if content is None else lives.Document(f"evidence-{identifier}.asice", content, "", identifier)
    )


def _add_deeds(app: FastAPI) -> None:
    @app.post(f"{HOME}/deposits/{{identifier}}/replay")
    async def replay(request: Request, visitor: ConsoleVisitor, identifier: str) -> Response:
        """Have a parked deposit treated again, or one that waits for a check tried now."""
        _check_id(identifier)
        await asked(request, visitor)
        await admit(request, visitor, "replay", identifier, typed=True)
        console = console_of(request)
        done = await writing(
            console, visitor, lambda connection: deposits.replay(connection, identifier, console.now)
        )
        response = go_to(request, f"{HOME}/deposits/{identifier}")
        return say(
            response, "console.replayed" if done else "console.not_parked", "success" if done else "warning"
        )

    @app.post(f"{HOME}/deposits/{{identifier}}/resend")
    async def resend(request: Request, visitor: ConsoleVisitor, identifier: str) -> Response:
        """Lay an answer of a deposit out in its recipient's folder again."""
        _check_id(identifier)
        fields = await asked(request, visitor)
        _check_id(fields["answer"])
        await admit(request, visitor, "resend", fields["answer"], typed=True)
        console = console_of(request)
        name = await writing(
            console, visitor, lambda connection: lay_out(connection, fields["answer"], console.now)
        )
        if name is None:
            raise NotThere
        return say(go_to(request, f"{HOME}/deposits/{identifier}"), "console.resent", name=name)


_EVENTS = (
    "received",
    "repeated",
    "treated",
    "rejected",
    "posted",
    "collected",
    "acknowledged",
    "released",
    "not released",
    "laid out",
    "read",
    "evidence",
    "erased",
)
_DOORS = ("https", "sftp", "portal", "console", "operator")


def event_of(event: str) -> tuple[str, str]:
    """The word for an event of the journal, and the door it names; none where we have no text."""
    for known in _EVENTS:
        if event == known or event.startswith(known + " "):
            door = event[len(known) + 1 :]
            return known.replace(" ", "_"), door if door in _DOORS else ""
    return "", ""


__all__ = ["Erased", "add_console", "asked", "limits_of", "reading", "writing"]
