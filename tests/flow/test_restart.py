"""A gateway that stops and starts: what was received is treated, once, in order, and nothing else is left."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from adapters.serve import Gateway
from tests.flow.premises import START, HandClock, answers, execute, kinds, rows, someone, wages
from tests.house import EMPLOYER, MEMBER, House, Sender, house, wage, wait_for


@dataclass
class Stopped:
    """A house whose gateway treats nothing; its inbox can still be reached."""

    home: House
    sender: Sender

    def start(self) -> None:
        """A new gateway on the same premises."""
        self.home.gateway = Gateway(self.home.settings, self.home.clock)
        self.home.gateway.engine.start()

    def stop(self) -> None:
        self.home.gateway.engine.stop()
        self.home.gateway.database.close()

    def deposit(self, *records: dict[str, str]) -> str:
        content = self.home.batch(self.sender, "DECSAL", records)
        return self.home.receive(self.sender, self.home.name("DECSAL", MEMBER), content).deposit


@pytest.fixture
def stopped(tmp_path: Path) -> Iterator[Stopped]:
    with house(tmp_path, clock=HandClock(START)) as home:
        home.employer(EMPLOYER)
        stopped = Stopped(home, home.sender(MEMBER, [EMPLOYER]))
        home.gateway.engine.stop()
        yield stopped


def test_what_came_before_a_stop_is_treated_after_it(stopped: Stopped) -> None:
    """Among it a deposit that a group had claimed when the gateway died."""
    home, insured = stopped.home, someone()
    home.affiliate(insured)
    deposits = [stopped.deposit(wage(insured, BaseWage=f"{n}.00")) for n in range(1, 6)]
    execute(home, f"UPDATE deposit SET \"group\" = '{uuid.uuid4()}' WHERE number <= 2")
    assert wages(home, insured) == []
    stopped.start()
    assert [home.wait(stopped.sender, one).state for one in deposits] == ["done"] * 5
    assert wages(home, insured) == [("superseded", 100 * n) for n in range(1, 5)] + [("current", 500)]
    assert all(kinds(answers(home, one)) == ["ACKREC", "ACKTRT"] for one in deposits)
    assert home.findings() == ()
    stopped.stop()


def test_a_repeat_after_a_restart_gets_the_first_receipt(stopped: Stopped) -> None:
    home, sender = stopped.home, stopped.sender
    content = home.batch(sender, "DECSAL", [wage(someone())])
    name = home.name("DECSAL", MEMBER)
    first = home.receive(sender, name, content)
    stopped.start()
    home.wait(sender, first.deposit)
    assert home.receive(sender, name, content) == replace(first, repeated=True)
    stopped.stop()


def test_a_start_clears_what_was_never_receipted(stopped: Stopped) -> None:
    """Uploads cut off and files without a deposit go; what has a receipt stays, byte for byte."""
    home = stopped.home
    deposit = stopped.deposit(wage(someone()))
    spool = home.gateway.spool
    kept = spool.read(deposit)
    half = spool.begin()
    half.write(0, b"half of a f")
    lost = spool.begin()
    lost.write(0, b"complete, but the power failed before the commit")
    lost.keep(str(uuid.uuid4()), str(MEMBER), home.clock())
    home.gateway = Gateway(home.settings, home.clock)
    home.gateway.start()
    try:
        assert list(spool.incoming.iterdir()) == []
        wait_for(lambda: list(home.gateway.spool.ids()) == [deposit] or None)
        assert spool.read(deposit) == kept
        digest = hashlib.sha256(kept).hexdigest()
        assert rows(home, "SELECT digest FROM deposit") == [{"digest": digest}]
    finally:
        home.gateway.stop()
