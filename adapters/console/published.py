"""The indicators that everybody may see: a page, and the same as JSON."""

from __future__ import annotations

import threading
from datetime import date

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from adapters.database import Database
from adapters.indicators import Indicators, document, indicators
from adapters.pages.frame import page
from gateway.moments import Clock, Received


class Published:
    """Computes the indicators once a day, however often they are asked for."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._of: tuple[date, Indicators] | None = None

    def __call__(self) -> Indicators:
        """The indicators of the days before today."""
        now = Received(self._clock())
        with self._lock:
            if self._of is None or self._of[0] != now.day:
                with self._database.read() as connection:
                    self._of = now.day, indicators(connection, now)
            return self._of[1]


def add_indicators(app: FastAPI, published: Published) -> None:
    """Add the public page and its JSON."""

    @app.get("/indicators")
    async def shown(request: Request) -> Response:
        """The indicators, for people."""
        found = await run_in_threadpool(published)
        return page(request, "console/indicators.html", found=found)

    @app.get("/indicators.json")
    async def told() -> JSONResponse:
        """The indicators, for programs."""
        found = await run_in_threadpool(published)
        return JSONResponse(document(found), headers={"Cache-Control": "public, max-age=3600"})
