"""`secugate watch`: a folder from which everything is sent."""

from __future__ import annotations

import signal
import sqlite3
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from adapters.cli.output import Status, errors, not_now, refused
from adapters.cli.sending import DoorKind, ProfileFile, Which, read_profile
from gateway.client.drop.places import Places, Watched
from gateway.client.drop.watch import Watcher, trouble_here
from gateway.client.exchange import enter
from gateway.client.profile import Profile
from gateway.moments import system_clock

app = typer.Typer()


@app.command()
def watch(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="The drop folder.")],
    profile: ProfileFile,
    door: Which = DoorKind.HTTPS,
    once: Annotated[
        bool, typer.Option("--once", help="One round, for cron; exits with 3 if it has to be made again.")
    ] = False,
    still: Annotated[
        float, typer.Option(min=0.0, help="Seconds in which a complete file does not change.")
    ] = 2.0,
    every: Annotated[float, typer.Option(min=0.1, help="Seconds between two rounds.")] = 10.0,
) -> None:
    """Send what appears in a folder, and put the answers beside it.

    A file is taken once it is complete. What the gateway has goes to sent/, what it does not take to refused/
    with the reason; receipts and answers come to answers/, their seal checked. Nothing is lost or doubled if
    this is interrupted at any moment. Files without signature are signed if the profile says `sign = true`.
    """
    read_profile(profile)
    # Whoever opens a file for writing while we ask whether somebody does would have us ended by this signal.
    if sys.platform == "linux":
        signal.signal(signal.SIGIO, signal.SIG_IGN)
    places = Places(folder)
    watcher = Watcher(
        places,
        lambda: Profile.load(profile),
        partial(enter, door),
        system_clock,
        lambda line: errors.print(line, markup=False, highlight=False),
    )
    try:
        places.make()
        with places.alone():
            watcher.mend()
            _rounds(watcher, still, None if once else max(every, still))
    except Watched as already:
        refused(str(already))
    except (OSError, sqlite3.Error) as error:
        not_now(trouble_here(error, folder))


def _rounds(watcher: Watcher, still: float, every: float | None) -> None:
    """One round, or one after the other until somebody ends it."""
    ended = threading.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_: ended.set())
    watcher.see()
    ended.wait(still)
    while True:
        wait = watcher.round()
        if every is None:
            raise typer.Exit(Status.DONE if wait is None else Status.NOT_NOW)
        if ended.wait(wait or every):
            return
