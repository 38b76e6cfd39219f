"""The operator's own port: metrics, and whether this process can do its work.

It is for machines on the inside, has no secret and shows no sender's things; members' doors tell no more
than yes or no (`/ready`).
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
import structlog
import uvicorn
from cryptography import x509
from fastapi import FastAPI
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from adapters.database import Database
from adapters.faults import place_of
from adapters.metrics import REGISTRY
from gateway.moments import Clock

log = structlog.get_logger()

Check = Callable[[], str | None]
"""What is wrong, in words; None when nothing is. What it raises is wrong as well."""

SPARE = 5
"""So many deposits of the largest size must still find room."""
LATEST_TURN = timedelta(seconds=60)
"""An engine that has not come round for so long stands still."""
EXPIRES_SOON = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a process can take a deposit now and treat it.

    Attributes:
        checks: what has to be true, by name.
    """

    checks: Mapping[str, Check]

    def faults(self) -> dict[str, str]:
        """What is wrong, by the name of the check; nothing when all is well."""
        found = {name: _asked(check) for name, check in self.checks.items()}
        return {name: fault for name, fault in found.items() if fault is not None}


def _asked(check: Check) -> str | None:
    try:
        return check()
    except Exception as error:
        return place_of(error)


def database_answers(database: Database) -> str | None:
    """Whether the register can be read."""
    with database.read() as connection:
        connection.execute(sa.text("SELECT 1"))
    return None


def has_room(folder: Path, largest: int) -> str | None:
    """Whether a folder can be written to, and has room for deposits and for their names."""
    if not os.access(folder, os.W_OK):
        return f"{folder} cannot be written to"
    room = os.statvfs(folder)
    if room.f_bavail * room.f_frsize < SPARE * largest:
        return f"{folder} has room for fewer than {SPARE} deposits of the largest size"
    if room.f_files and room.f_favail < SPARE:
        return f"{folder} has no inodes left"
    return None


def engine_turns(since: Callable[[], timedelta]) -> str | None:
    """Whether the engine has come round of late."""
    stood = since()
    return None if stood < LATEST_TURN else f"the engine has stood still for {stood.total_seconds():.0f} s"


def seal_lasts(certificate: x509.Certificate, clock: Clock) -> str | None:
    """Whether the certificate that seals our answers is in force, and will be in an hour."""
    first, last, now = certificate.not_valid_before_utc, certificate.not_valid_after_utc, clock()
    if now < first:
        return f"our seal counts from {first:%Y-%m-%d %H:%M} UTC only"
    return None if now + EXPIRES_SOON < last else f"our seal expires at {last:%Y-%m-%d %H:%M} UTC"


def add_readiness(app: FastAPI, readiness: Readiness) -> None:
    """Let the members' door, and who balances load before it, ask whether to come in here."""

    @app.get("/ready", response_class=JSONResponse, include_in_schema=False)
    async def ready() -> JSONResponse:
        """Whether this process can take a deposit and treat it; asks for no certificate."""
        faults = await run_in_threadpool(readiness.faults)
        return _told({}, faults)


def _told(said: Mapping[str, object], faults: Mapping[str, str]) -> JSONResponse:
    status = "ready" if not faults else "not ready"
    return JSONResponse({"status": status, **said}, status_code=503 if faults else 200)


class OperationsPort:
    """`/metrics` and `/ready` with reasons, over plain HTTP."""

    def __init__(self, host: str, port: int, readiness: Readiness) -> None:
        self._readiness = readiness
        self._listener = socket.create_server((host, port))
        self.address = f"http://{host}:{self._listener.getsockname()[1]}"
        routes = [Route("/metrics", self._metrics), Route("/ready", self._ready)]
        application = Starlette(routes=routes)
        self._server = uvicorn.Server(
            uvicorn.Config(application, log_config=None, lifespan="off", access_log=False)
        )
        self._thread = threading.Thread(target=self._run, name="operations", daemon=True)

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more."""
        self._server.should_exit = True
        self._thread.join()

    def _run(self) -> None:
        """Answer until stopped. When that cannot be done whoever asks is told so at once: a socket left open
        would go on taking connections that nobody answers."""
        try:
            self._server.run(sockets=[self._listener])
        except Exception as error:  # of whatever kind: mostly, no descriptor is left
            log.error("operations.port_closed", reason=place_of(error))
        finally:
            self._listener.close()

    async def _metrics(self, _request: Request) -> Response:
        text = await run_in_threadpool(generate_latest, REGISTRY)
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    async def _ready(self, _request: Request) -> Response:
        faults = await run_in_threadpool(self._readiness.faults)
        return _told({"faults": faults}, faults)
