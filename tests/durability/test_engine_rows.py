"""What the durable engine keeps of groups that have ended is deleted; of one under way nothing is."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from adapters import engine
from tests.house import MEMBER, OTHER_MEMBER, House, Sender, house, wage, wait_for


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups are forgotten as soon as they have ended, one at a time, whenever the engine looks round."""
    monkeypatch.setattr(engine, "KEPT", timedelta(hours=-1))
    monkeypatch.setattr(engine, "FORGET_SECONDS", 0.0)
    monkeypatch.setattr(engine, "FORGOTTEN_AT_ONCE", 1)


def kept(home: House) -> tuple[int, int]:
    """Groups, and steps of groups."""
    schema = "dbos." if home.gateway.database.is_shared else ""
    with home.gateway.database.read() as connection:
        groups, steps = (
            connection.execute(sa.text(f"SELECT count(*) FROM {schema}{table}")).scalar_one()
            for table in ("workflow_status", "datasource_outputs")
        )
    return groups, steps


def sent(home: House, sender: Sender, count: int) -> None:
    for _ in range(count):
        outcome = home.send(sender, "DECSAL", [wage()])
        assert outcome.verdict


def nothing_kept(home: House) -> bool | None:
    home.gateway.engine.wake()
    return True if kept(home) == (0, 0) else None


@pytest.mark.usefixtures("forgetful")
def test_what_is_kept_of_ended_groups_is_deleted(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        sender = home.sender(MEMBER, [])
        sent(home, sender, 3)
        wait_for(lambda: nothing_kept(home))
        sent(home, sender, 1)
        wait_for(lambda: nothing_kept(home))


def test_it_stays_for_a_while(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        sent(home, home.sender(MEMBER, []), 2)
        home.gateway.engine._forgot = 0.0
        home.gateway.engine._forget()
        assert kept(home)[0] >= 1


@pytest.mark.usefixtures("forgetful")
def test_a_group_under_way_keeps_its_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of two deposits is done; while the second is looked at, nothing of their group goes."""
    with house(tmp_path) as home:
        treatment, goes_on, reached = home.gateway.engine._treatment, threading.Event(), threading.Event()
        prepare = treatment.prepare

        def slow(number: int) -> object:
            if number == last:
                reached.set()
                assert goes_on.wait(60)
            return prepare(number)

        mine, theirs = home.sender(MEMBER, []), home.sender(OTHER_MEMBER, [])
        sent(home, mine, 1)
        wait_for(lambda: nothing_kept(home))
        last = 2
        monkeypatch.setattr(treatment, "prepare", slow)
        name, content = home.signed(theirs, "DECSAL", [wage()])
        deposit = home.receive(theirs, name, content).deposit
        assert reached.wait(60)
        home.gateway.engine._forgot = 0.0
        home.gateway.engine._forget()
        groups, steps = kept(home)
        assert (groups, steps) == (1, 1)  # its claim
        goes_on.set()
        assert home.wait(theirs, deposit)
        wait_for(lambda: nothing_kept(home))
