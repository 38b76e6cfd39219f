"""Several gateways on one PostgreSQL server: all work, and what one leaves behind another takes over."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2
import pytest

from adapters.nodes import Leasing
from gateway.client import https
from gateway.client.doors import Refused
from tests.durability.gateways import MANY, Site, is_done, opened, queued
from tests.durability.running import PATIENCE_SECONDS, Running
from tests.house import EMPLOYER, MEMBER, OTHER_MEMBER, Sender, wage, wait_for

LONG_SECONDS = 150.0
"""Longer than the server lets somebody be silent who writes; enough for four starts one after the other."""
POISON = "2.22"
DIES = f"""
import os, sys
from adapters.treatment import Treatment
conclude = Treatment.conclude
def dies(self, connection, number, prepared):
    records = getattr(getattr(prepared, "batch", None), "records", ())
    if any("{POISON}" in str(record) for record in records):
        os._exit(9)
    conclude(self, connection, number, prepared)
Treatment.conclude = dies
from adapters.cli import app
app()
"""
"""A gateway that does not survive one kind of batch, as if a library had a hole."""


@pytest.fixture(params=["folder"])
def site(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    """With the deposits in a folder that the gateways share, or in an S3-compatible store."""
    with opened(tmp_path, bucket=request.param == "bucket") as found:
        yield found


@pytest.mark.parametrize("site", ["folder", "bucket"], indirect=True)
def test_what_a_killed_gateway_was_treating_another_takes_over(site: Site) -> None:
    """P3, P4: each deposit takes effect once, in the order of receipt, whoever treats it."""
    sender = site.home.sender(MEMBER, [EMPLOYER])
    both = [site.start(), site.start()]
    queued(site.home, sender, MANY)
    site.wait(lambda states: states.get("done", 0) > 0)
    working = site.at_work()
    [survivor] = [one for one in both if one.process.pid != working]
    os.kill(working, signal.SIGKILL)
    left = MANY - site.states().get("done", 0)
    site.wait(is_done(MANY))
    assert left, "nothing was left to take over"
    wait_for(lambda: "node.taken_over" in site.log.read_text() or None)
    assert survivor.process.poll() is None
    site.every_deposit_is_answered_once()
    order = site.ask(
        "SELECT d.number FROM journal j JOIN deposit d ON d.id = j.subject"
        " WHERE j.event = 'treated' ORDER BY j.sequence"
    )
    assert [number for (number,) in order] == sorted(number for (number,) in order)


def test_a_gateway_that_was_stopped_and_goes_on_changes_nothing_of_what_was_taken_over(site: Site) -> None:
    """Wherever it was stopped: in the middle of writing, the server cuts it off after a minute."""
    sender = site.home.sender(MEMBER, [EMPLOYER])
    both = [site.start(), site.start()]
    queued(site.home, sender, MANY)
    site.wait(lambda states: states.get("done", 0) > 0)
    working = site.at_work()
    os.kill(working, signal.SIGSTOP)
    left = MANY - site.states().get("done", 0)
    site.wait(is_done(MANY), LONG_SECONDS)
    assert left, "nothing was left to take over"
    wait_for(lambda: "node.taken_over" in site.log.read_text() or None)
    os.kill(working, signal.SIGCONT)
    queued(site.home, sender, 5)
    site.wait(is_done(MANY + 5))
    assert [one.process.poll() for one in both] == [None, None]
    site.every_deposit_is_answered_once()


def test_gateways_restarted_one_after_the_other_lose_and_double_nothing(site: Site) -> None:
    """Both listen at the same ports; who deposits meanwhile tries again until there is a receipt."""
    sender = site.home.sender(MEMBER, [EMPLOYER])
    first, second = site.start(), site.start()
    over = threading.Event()
    receipts: dict[str, bytes] = {}

    def deposit() -> None:
        while not over.is_set() or len(receipts) < 10:
            name, content = site.home.name("DECSAL", MEMBER), site.home.batch(sender, "DECSAL", [wage()])
            receipts[name] = receipt(second, sender, name, content)

    client = threading.Thread(target=deposit)
    client.start()
    try:
        for running in (first, second):
            site.wait(lambda states: sum(states.values()) >= len(site.started))
            assert running.stop() == 0
            site.start()
    finally:
        over.set()
        client.join()
    names = {name for (name,) in site.ask("SELECT name FROM deposit")}
    assert names == set(receipts)
    site.wait(lambda states: set(states) <= {"done", "held"})
    site.every_deposit_is_answered_once()


def receipt(running: Running, sender: Sender, name: str, content: bytes) -> bytes:
    """The receipt for a batch, however often it has to be sent."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        with suppress(Refused, httpx2.TransportError), https.enter(running.profile(sender)) as door:
            return door.deposit(name, content)
        assert time.monotonic() < until
        time.sleep(0.05)


def test_what_kills_its_gateway_is_parked_while_the_others_flow(site: Site) -> None:
    program = [sys.executable, "-c", DIES]
    sender, other = site.home.sender(MEMBER, [EMPLOYER]), site.home.sender(OTHER_MEMBER, [EMPLOYER])
    good = queued(site.home, sender, 3)
    [bad] = queued(site.home, sender, 1, BaseWage=POISON)
    good += queued(site.home, sender, 3) + queued(site.home, other, 3)
    with keeping_one_open(site, program):
        site.wait(lambda states: states == {"done": len(good), "parked": 1}, LONG_SECONDS)
    [(state, tries, fault)] = site.ask(f"SELECT state, tries, fault FROM deposit WHERE id = '{bad}'")
    assert (state, tries) == ("parked", 3)
    assert fault == "the gateway died while it treated it"
    assert "deposit.failed" in site.log.read_text()


@contextmanager
def keeping_one_open(site: Site, program: Sequence[str]) -> Iterator[None]:
    """What a supervisor does: start a gateway whenever there is none."""
    over = threading.Event()

    def supervise() -> None:
        while not over.is_set():
            process = site.launch(program)
            while process.poll() is None and not over.wait(0.05):
                pass

    supervisor = threading.Thread(target=supervise)
    supervisor.start()
    try:
        yield
    finally:
        over.set()
        supervisor.join()


def test_one_of_them_leads_and_another_one_after_it(site: Site) -> None:
    """What falls due with time is done by one of them; a name that lives is not inherited."""
    first, second = Leasing(site.home.gateway.database), Leasing(site.home.gateway.database)
    first.start()
    second.start()
    try:
        assert (first.leads(), second.leads()) == (True, False)
        assert first.works()
        assert second.works()
        with second.inherits(first.name) as dead:
            assert not dead
    finally:
        first.stop()
    try:
        with second.inherits(first.name) as dead:
            assert dead
        until = time.monotonic() + PATIENCE_SECONDS
        while not second.leads():
            assert time.monotonic() < until
            time.sleep(0.01)
    finally:
        second.stop()
