"""The console's page of shadow runs: a candidate is given, runs beside the gateway, and its report is read.

A run goes on while nobody looks, one at a time. Its report is kept until the gateway is started anew; who
asked, why, and for which candidate stays in the acts and in the journal.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from http import HTTPStatus

import structlog
from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool

from adapters.console.access import (
    HOME,
    LONGEST_REASON,
    Console,
    ConsoleVisitor,
    Visitor,
    admit,
    console_of,
)
from adapters.database import Database
from adapters.faults import place_of
from adapters.pages.forms import check_token, read_files
from adapters.pages.frame import NotThere, go_to, page
from adapters.shadow import LARGEST, Candidate, Report, Unusable, run
from gateway.moments import Received
from gateway.staff import SHORTEST_REASON

log = structlog.get_logger()

MOST = 2_000
"""Deposits of one run; the command takes as many as one likes."""
KEPT = 20
"""Reports that are kept, the latest."""
SHOWN = 500
"""Changes on the page of a report; all of them are in its file."""
_WEEK = timedelta(days=7)


@dataclass
class Run:
    """A shadow run.

    Attributes:
        number: from 1.
        candidate: its name.
        digest: SHA-256 of it.
        first, last: days of receipt.
        person: who of the staff asked for it.
        reason: why.
        at: when.
        done, every: batches judged, and to be judged.
        report: once it is done.
        fault: why there is none.
    """

    number: int
    candidate: str
    digest: str
    first: date
    last: date
    person: str
    reason: str
    at: Received
    done: int = 0
    every: int = 0
    report: Report | None = None
    fault: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it still goes on."""
        return self.report is None and not self.fault

    def advance(self, done: int, every: int) -> None:
        """Note how far it is."""
        self.done, self.every = done, every


class Busy(Exception):
    """Another shadow run goes on."""


@dataclass
class Runs:
    """The shadow runs since the gateway was started."""

    _runs: list[Run] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def latest(self) -> Sequence[Run]:
        """The latest first."""
        return self._runs[::-1]

    def find(self, number: int) -> Run | None:
        """The run of a number."""
        return next((one for one in self._runs if one.number == number), None)

    def begin(self, new: Run, console: Console, database: Database, candidate: Candidate) -> int:
        """Begin a run; its number.

        Args:
            database: with whoever asks named in it.

        Raises:
            Busy: another one goes on.
        """
        with self._lock:
            if any(one.is_open for one in self._runs):
                raise Busy
            new.number = self._runs[-1].number + 1 if self._runs else 1
            self._runs = [*self._runs, new][-KEPT:]
        work = partial(_work, new, console, database, candidate)
        threading.Thread(target=work, name="shadow", daemon=True).start()
        return new.number


def _work(one: Run, console: Console, database: Database, candidate: Candidate) -> None:
    try:
        one.report = run(
            database, console.settings, candidate, one.first, one.last, MOST, one.at, one.advance
        )
    except Unusable as no:
        one.fault = str(no)
    except Exception as error:
        one.fault = place_of(error)
        log.error("shadow.failed", reason=one.fault)


def add_shadows(app: FastAPI) -> None:
    """Add the page of shadow runs."""
    runs = Runs()

    @app.get(f"{HOME}/shadow")
    async def listed(request: Request, visitor: ConsoleVisitor) -> Response:
        """What was run, and the form that begins another run."""
        await admit(request, visitor, "console shadow")
        return _listed(request, runs)

    @app.post(f"{HOME}/shadow")
    async def begin(request: Request, visitor: ConsoleVisitor) -> Response:
        """Begin a run."""
        fields, files = await read_files(request, 2 * LARGEST, 1, lambda _: None)
        check_token(fields, visitor.token)
        if not visitor.may("shadow"):
            await admit(request, visitor, "shadow")
        reason, days = fields["reason"][:LONGEST_REASON], (_day(fields["first"]), _day(fields["last"]))
        given = {"first": fields["first"][:10], "last": fields["last"][:10], "reason": reason}
        if not files or not days[0] or not days[1] or days[0] > days[1]:
            return _listed(request, runs, wrong="no_days" if files else "no_file", given=given)
        if len(reason) < SHORTEST_REASON:
            return _listed(request, runs, wrong="no_reason", given=given)
        try:
            candidate = await run_in_threadpool(Candidate.read, *files[0])
        except Unusable as no:
            return _listed(request, runs, wrong="unusable", given=given, why=str(no))
        console = console_of(request)
        about = (candidate.name, candidate.digest, *(str(day) for day in days))
        await admit(request, visitor, "shadow", *about, reason=reason)
        new = _run(candidate, days[0], days[1], visitor, reason, console.now)
        try:
            number = runs.begin(new, console, console.acting(visitor), candidate)
        except Busy:
            return _listed(request, runs, wrong="busy", given=given)
        return go_to(request, f"{HOME}/shadow/{number}")

    @app.get(f"{HOME}/shadow/{{number}}")
    async def one(request: Request, visitor: ConsoleVisitor, number: int) -> Response:
        """What a run found."""
        await admit(request, visitor, "console shadow", str(number))
        return page(request, "console/shadow.html", run=_found(runs, number), shown=SHOWN)

    @app.get(f"{HOME}/shadow/{{number}}/report")
    async def report(request: Request, visitor: ConsoleVisitor, number: int) -> Response:
        """The whole of it as JSON."""
        await admit(request, visitor, "console shadow", str(number))
        found = _found(runs, number)
        if found.report is None:
            raise NotThere
        headers = {"Content-Disposition": f'attachment; filename="shadow-{number}.json"'}
        content = json.dumps(found.report.written(), indent=2)
        return Response(content, media_type="application/json", headers=headers)


def _run(candidate: Candidate, first: date, last: date, visitor: Visitor, reason: str, now: Received) -> Run:
    return Run(0, candidate.name, candidate.digest, first, last, visitor.name, reason, now)


def _found(runs: Runs, number: int) -> Run:
    found = runs.find(number)
    if found is None:
        raise NotThere
    return found


def _listed(
    request: Request,
    runs: Runs,
    *,
    wrong: str = "",
    why: str = "",
    given: Mapping[str, str] | None = None,
) -> Response:
    today = console_of(request).now.day
    empty = {"first": str(today - _WEEK), "last": str(today), "reason": ""}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK
    return page(
        request,
        "console/shadows.html",
        status,
        runs=runs.latest(),
        wrong=wrong,
        why=why,
        given=given or empty,
        most=MOST,
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
