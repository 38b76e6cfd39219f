"""When a deposit may be expected to be answered: by those before it, told at the door and at the portal."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from adapters.cli import app
from adapters.database.waits import FEWEST_OTHERS, RecentWaits, Wait, latest_waits, told_to
from gateway.batch import MemberId
from gateway.client.https import HttpsDoor
from gateway.states import State
from gateway.waits import FEWEST, Stage, expect
from tests.house import EMPLOYER, MEMBER, OTHER_MEMBER, House, house, profile, wage

RECEIVED = datetime(2026, 8, 3, 9, tzinfo=UTC)


def seconds(*found: float) -> list[timedelta]:
    return [timedelta(seconds=one) for one in found]


@given(st.lists(st.floats(0, 1e5).map(lambda one: timedelta(seconds=one)), max_size=60), st.floats(0, 2e5))
def test_it_is_a_time_that_another_has_waited_and_lies_ahead(
    times: Sequence[timedelta], waited: float
) -> None:
    now = RECEIVED + timedelta(seconds=waited)
    found = expect(Stage.ACKNOWLEDGED, times, RECEIVED, now)
    assert (found is None) == (len(times) < FEWEST)
    if found is not None:
        assert found.half <= found.most
        assert (found.at is None) == all(one <= now - RECEIVED for one in times)
        assert found.at is None or (found.at > now and found.at - RECEIVED in times)


@pytest.mark.parametrize(
    ("waited", "at"),
    [(0, 10), (5, 13), (10, 15), (18, 19), (19, 20), (20, None), (99, None)],
)
def test_who_has_waited_longer_is_compared_with_those_who_did(waited: float, at: float | None) -> None:
    now = RECEIVED + timedelta(seconds=waited)
    found = expect(Stage.ACKNOWLEDGED, seconds(*range(1, 21)), RECEIVED, now)
    assert found is not None
    assert (found.half, found.most, found.among) == (*seconds(10, 18), 20)
    assert found.at == (None if at is None else RECEIVED + timedelta(seconds=at))


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[House]:
    """A gateway that has answered as many deposits as are needed, of enough members for each of them."""
    with house(tmp_path, doors=True) as home:
        others = [OTHER_MEMBER, *(MemberId(EMPLOYER, f"30000{number}") for number in range(FEWEST_OTHERS))]
        theirs = [home.sender(one, []) for one in others]
        for turn in range(FEWEST):
            home.send(theirs[turn % len(theirs)], "DECSAL", [wage()])
        yield home


def waits(**members: int) -> list[Wait]:
    return [(name, timedelta(seconds=1)) for name, count in members.items() for _ in range(count)]


@pytest.mark.parametrize(
    ("before", "counted"),
    [
        (waits(other=100), 0),
        (waits(me=30, other=100), 30),
        (waits(me=30, b=10, c=10, d=10, e=10), 30),
        (waits(b=10, c=10, d=10, e=10, f=1), 41),
        (waits(me=3, b=10, c=10, d=10, e=10, f=1), 44),
        (waits(me=30), 30),
    ],
)
def test_nobody_is_told_how_busy_one_other_is(before: Sequence[Wait], counted: int) -> None:
    assert len(told_to("me", before)) == counted


def test_the_door_tells_it_while_a_deposit_waits(busy: House, monkeypatch: pytest.MonkeyPatch) -> None:
    treatment, goes_on = busy.gateway.engine._treatment, threading.Event()
    prepare = treatment.prepare

    def slow(number: int) -> object:
        assert goes_on.wait(60)
        return prepare(number)

    monkeypatch.setattr(treatment, "prepare", slow)
    mine = busy.sender(MEMBER, [])
    name, content = busy.signed(mine, "DECSAL", [wage()])
    with closing(HttpsDoor(profile(mine))) as client:
        receipt = busy.receive(mine, name, content)
        told = client.state(receipt.deposit)
        expected = told["expected"]
        assert isinstance(expected, dict)
        assert set(expected) == {"stage", "at", "half_seconds", "most_seconds", "among"}
        assert (told["state"], expected["stage"], expected["among"]) == ("received", "acknowledged", FEWEST)
        assert 0 < expected["half_seconds"] <= expected["most_seconds"]
        (kept := busy.folder / "ACKREC.XML").write_bytes(receipt.content)
        words = ["status", str(kept), "--profile", str(mine.profile)]
        (row,) = json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)
        assert (row["id"], row["expected"]["among"]) == (receipt.deposit, FEWEST)
        shown = CliRunner().invoke(app, words).stdout
        assert f"{row['expected']['half_seconds']:.1f}" in shown
        assert max(map(len, shown.splitlines())) <= 80
        goes_on.set()
        busy.wait(mine, receipt.deposit)
        assert client.state(receipt.deposit)["expected"] is None


def test_each_is_compared_with_its_own_size_and_stage(busy: House, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway, tick = busy.gateway, [0.0]
    found = RecentWaits(gateway.database, tick=lambda: tick[0])
    (last,) = gateway.outbox.collection.after(str(OTHER_MEMBER), 0, 1000)[-1:]
    one = gateway.deposits.find(str(OTHER_MEMBER), last.answer.deposit or "")
    assert one is not None
    waiting = replace(one, state=State.RECEIVED)
    now = one.deposit.received
    like = found.expected(waiting, now)
    assert like is not None
    assert like.among == FEWEST
    larger = replace(waiting, deposit=replace(one.deposit, size=one.deposit.size * 1000))
    assert found.expected(larger, now) is None
    another = replace(
        waiting, deposit=replace(one.deposit, name=one.deposit.name.replace("DECSAL", "DECAFF"))
    )
    assert found.expected(another, now) is None
    unnamed = replace(waiting, deposit=replace(one.deposit, name="wages.xml"))
    assert found.expected(unnamed, now) is None
    assert found.expected(replace(one, state=State.HELD), now) is None  # nobody's record was ever on hold
    assert found.expected(one, now) is None  # it is answered
    with monkeypatch.context() as stricter:
        stricter.setattr("adapters.database.waits.FEWEST_OTHERS", FEWEST_OTHERS + 1)
        assert found.expected(waiting, now) is None  # its own are too few, and others' would tell of them
    with gateway.database.read() as connection:
        (kind,) = latest_waits(connection)
    assert (kind.stage, kind.procedure) == (Stage.ACKNOWLEDGED, "DECSAL")


def test_it_is_read_again_after_a_while(busy: House) -> None:
    tick = [0.0]
    found = RecentWaits(busy.gateway.database, tick=lambda: tick[0])
    listed = busy.gateway.outbox.collection.after(str(OTHER_MEMBER), 0, 1000)[-1]
    one = busy.gateway.deposits.find(str(OTHER_MEMBER), listed.answer.deposit or "")
    assert one is not None
    waiting = replace(one, state=State.RECEIVED)
    mine, counted = busy.sender(MEMBER, []), []
    for moment in (0.0, 4.9, 5.1):
        tick[0] = moment
        like = found.expected(waiting, one.deposit.received)
        assert like is not None
        counted.append(like.among)
        busy.send(mine, "DECSAL", [wage()])
    assert counted == [FEWEST, FEWEST, FEWEST + 2]
