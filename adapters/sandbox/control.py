"""The addresses by which the script of a sandbox is changed; no other gateway has them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus

from fastapi import Depends, FastAPI
from pydantic import BaseModel, ConfigDict, Field

from adapters.https import Problem, sender
from adapters.sandbox.script import LONGEST, MOST, Kind, NotPlayed, Outage, Script
from gateway import sandbox
from gateway.rejections import REJECTIONS


class Asked(BaseModel):
    """Something to be played; what is not known is refused."""

    model_config = ConfigDict(extra="forbid")


class Time(Asked):
    """What time it shall be: a moment, or a span from now on."""

    now: datetime | None = Field(default=None, description="a moment with its time zone, not before now")
    advance_seconds: int | None = Field(default=None, ge=0, le=int(LONGEST.total_seconds()))


class Play(Asked):
    """A failure to be played to requests that come."""

    kind: Kind
    path: str = Field(default="/v1/", description="to requests whose path begins so")
    method: str = Field(default="", description="to requests of this method; without it to all")
    times: int = Field(default=1, ge=1, le=MOST)
    seconds: float = Field(default=5.0, ge=0, le=MOST, description="that a slow answer takes")


class Delay(Asked):
    """How long every deposit waits, in the time of the sandbox, before it is treated."""

    seconds: int = Field(ge=0, le=int(LONGEST.total_seconds()))


class Twice(Asked):
    """Whether every answer is listed twice."""

    on: bool


def add_control(app: FastAPI, script: Script, wake: Callable[[], None]) -> None:
    """Add them to the HTTPS door; they ask for a member's certificate, as all others do.

    Args:
        script: what is played.
        wake: lets the engine look what is due now.
    """

    visitors = [Depends(sender)]

    @app.get("/sandbox", dependencies=visitors)
    def told() -> dict[str, object]:
        """What is played now."""
        return dict(script.told())

    @app.get("/sandbox/numbers", dependencies=visitors)
    def numbers() -> list[dict[str, object]]:
        """The number of each code, and to which procedures it speaks."""
        return [
            {
                "code": code,
                "number": number,
                "level": REJECTIONS[code].level,
                "procedures": sandbox.procedures_of(code),
            }
            for code, number in sandbox.numbers().items()
        ]

    @app.put("/sandbox/clock", dependencies=visitors)
    def clock(time: Time) -> dict[str, object]:
        """Set the time, or let time pass: what falls due meanwhile comes."""
        try:
            _move(script, time)
        except NotPlayed as no:
            raise _refusal(str(no)) from None
        wake()
        return dict(script.told())

    @app.post("/sandbox/outages", dependencies=visitors)
    def play(play: Play) -> dict[str, object]:
        """Play a failure to the requests that come next; several are played one after the other."""
        script.play(Outage(play.kind, play.path, play.method.upper(), play.times, play.seconds))
        return dict(script.told())

    @app.put("/sandbox/delay", dependencies=visitors)
    def delay(delay: Delay) -> dict[str, object]:
        """Let deposits wait: their acknowledgements and returns come late."""
        script.delay = timedelta(seconds=delay.seconds)
        wake()
        return dict(script.told())

    @app.put("/sandbox/duplicates", dependencies=visitors)
    def duplicates(twice: Twice) -> dict[str, object]:
        """List every answer twice, or once."""
        script.duplicates = twice.on
        return dict(script.told())

    @app.delete("/sandbox/script", dependencies=visitors)
    def end() -> dict[str, object]:
        """Play nothing more; the time goes on from where it is."""
        script.end()
        wake()
        return dict(script.told())


def _move(script: Script, time: Time) -> None:
    match (time.now, time.advance_seconds):
        case (datetime() as moment, None) if moment.tzinfo is not None:
            script.set(moment)
        case (None, int() as seconds):
            script.advance(timedelta(seconds=seconds))
        case _:
            raise NotPlayed("give one of: now, a moment with its time zone; advance_seconds")


def _refusal(detail: str) -> Problem:
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "SANDBOX-CLOCK", detail)
