"""The pages of the console where nobody is on the telephone: special cases, quality, registers, acts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial

import sqlalchemy as sa
from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool

from adapters.console import cases as desk
from adapters.console.access import HOME, Console, ConsoleVisitor, admit, console_of
from adapters.console.finding import PAGE
from adapters.console.lists import REGISTERS, Page, Register
from adapters.console.lists import page as page_of
from adapters.console.pages import asked, reading, writing
from adapters.console.payments import add_payments
from adapters.console.shadows import add_shadows
from adapters.database.staff import people
from adapters.database.statistics import Figures, statistics
from adapters.pages.frame import NotThere, go_to, page, say
from gateway.billing.holds import Code
from gateway.moments import Received
from gateway.rejections import REJECTIONS, known_or_gone
from gateway.waits import quantile

WINDOWS = (7, 30, 90, 365)
"""Days back that quality can be looked at."""
ACTS = 100
"""Acts on the page of acts."""
_CAUSES = frozenset({desk.HELD, *REJECTIONS, *(code.value for code in Code)})


def add_desk(app: FastAPI) -> None:
    """Add the desk for special cases, quality, registers, acts and shadow runs."""
    _add_cases(app)
    _add_quality(app)
    _add_registers(app)
    _add_acts(app)
    add_payments(app)
    add_shadows(app)


def _add_cases(app: FastAPI) -> None:
    @app.get(f"{HOME}/cases")
    async def causes(request: Request, visitor: ConsoleVisitor) -> Response:
        """What the machine cannot settle alone, by cause."""
        await admit(request, visitor, "console cases")
        console = console_of(request)
        found = await reading(console, lambda connection: desk.causes(connection, console.now))
        return page(request, "console/causes.html", causes=found, codes=REJECTIONS)

    @app.get(f"{HOME}/cases/{{cause}}")
    async def cases(request: Request, visitor: ConsoleVisitor, cause: str, after: int = 0) -> Response:
        """The open cases of a cause."""
        if cause not in _CAUSES:
            raise NotThere
        await admit(request, visitor, "console cases", cause)
        console = console_of(request)
        now = console.now
        found = await reading(console, lambda connection: desk.cases(connection, cause, now, after))
        staff = await run_in_threadpool(people, console.database)
        return page(
            request,
            "console/cases.html",
            cause=cause,
            code=REJECTIONS.get(cause),
            codes=REJECTIONS,
            cases=found[:PAGE],
            after=found[PAGE - 1].about if len(found) > PAGE else None,
            owners=[one.name for one in staff],
            today=now.day,
            may_change=visitor.may("console case"),
        )

    @app.post(f"{HOME}/cases/{{cause}}/{{about}}")
    async def change(request: Request, visitor: ConsoleVisitor, cause: str, about: int) -> Response:
        """Have somebody see to a case, or close it."""
        if cause not in _CAUSES:
            raise NotThere
        fields = await asked(request, visitor)
        console = console_of(request)
        now, closes = console.now, fields["deed"] == "close"
        owner, deadline = fields["owner"][:40], _day(fields["deadline"])
        told = ("close",) if closes else (owner, deadline.isoformat() if deadline else "")
        await admit(request, visitor, "console case", cause, str(about), *told)
        back = go_to(request, f"{HOME}/cases/{cause}")
        if not closes and deadline is None:
            return say(back, "console.no_such_day", "warning")
        try:
            if closes:
                await writing(
                    console,
                    visitor,
                    lambda connection: desk.close(connection, cause, about, visitor.name, now),
                )
                return say(back, "console.case_closed")
            assert deadline is not None
            await writing(console, visitor, partial(_assign, cause, about, owner, deadline, now))
        except desk.NoSuchCase:
            return say(back, "console.no_such_case", "warning")
        return say(back, "console.case_assigned", name=owner)


def _assign(
    cause: str, about: int, owner: str, deadline: date, now: Received, connection: sa.Connection
) -> None:
    desk.assign(connection, cause, about, owner, deadline, now)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _add_quality(app: FastAPI) -> None:
    @app.get(f"{HOME}/quality")
    async def quality(request: Request, visitor: ConsoleVisitor, days: int = 30) -> Response:
        """How deposits fared, by the software that made them."""
        if days not in WINDOWS:
            raise NotThere
        await admit(request, visitor, "statistics", str(days))
        console = console_of(request)
        now = console.now
        first = now.day - timedelta(days=days)
        found = await reading(console, lambda connection: statistics(connection, first, None, now))
        ranked = sorted(
            found.software.items(), key=lambda one: (-one[1].rejected, -one[1].records, one[0] or "")
        )
        return page(
            request,
            "console/quality.html",
            total=found.total,
            software=ranked,
            days=days,
            windows=WINDOWS,
            codes=known_or_gone,
            median=median,
        )


def median(figures: Figures) -> timedelta | None:
    """Within which half of the deposits were answered."""
    return quantile(figures.times.answers, 50)


def _add_registers(app: FastAPI) -> None:
    @app.get(f"{HOME}/registers")
    async def registers(request: Request, visitor: ConsoleVisitor) -> Response:
        """Which registers there are."""
        await admit(request, visitor, "console register")
        return page(request, "console/registers.html", registers=REGISTERS.values())

    @app.get(f"{HOME}/registers/{{name}}")
    async def register(
        request: Request, visitor: ConsoleVisitor, name: str, word: str = "", after: str = ""
    ) -> Response:
        """A register; of one that tells of persons, the question for whom."""
        chosen = _register(name)
        if chosen.personal:
            return page(request, "console/register.html", register=chosen, rows=None, word="", reason="")
        word, after = word.strip()[:100], after[:200]
        await admit(request, visitor, "console register", name, word)
        found = await _page(console_of(request), chosen, word, after)
        return page(request, "console/register.html", register=chosen, rows=found, word=word, reason="")

    @app.post(f"{HOME}/registers/{{name}}")
    async def person(request: Request, visitor: ConsoleVisitor, name: str) -> Response:
        """What a register tells of a person. A form is posted: no number of a person is in an address."""
        chosen = _register(name)
        if not chosen.personal:
            raise NotThere
        fields = await asked(request, visitor)
        word, reason = fields["word"][:100], fields["reason"]
        await admit(request, visitor, "console register persons", name, word, reason=reason)
        found = await _page(console_of(request), chosen, word, fields["after"][:200])
        return page(request, "console/register.html", register=chosen, rows=found, word=word, reason=reason)


def _register(name: str) -> Register:
    found = REGISTERS.get(name)
    if found is None:
        raise NotThere
    return found


async def _page(console: Console, register: Register, word: str, after: str) -> Page:
    try:
        return await reading(console, lambda connection: page_of(connection, register, word, after))
    except ValueError:
        raise NotThere from None


def _add_acts(app: FastAPI) -> None:
    @app.get(f"{HOME}/acts")
    async def acts(request: Request, visitor: ConsoleVisitor) -> Response:
        """What waits for a second person, and what staff did last."""
        console = console_of(request)
        sees_all = visitor.may("staff acts")
        if sees_all:
            await admit(request, visitor, "staff acts")
        waiting = await run_in_threadpool(lambda: console.staff().waiting(console.now))
        mine = [one for one in waiting if visitor.may(one.call.command)]
        latest: Sequence[object] = ()
        if sees_all:
            latest = await run_in_threadpool(lambda: console.staff().latest(ACTS))
        return page(request, "console/acts.html", waiting=mine, latest=latest, sees_all=sees_all)
