"""A gateway that the tests of a module share. When the module is done, everything kept is looked over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from gateway.moments import Received
from tests.flow.premises import START, HandClock, look_over, move
from tests.house import (
    EMPLOYER,
    FOREIGN_EMPLOYER,
    MEMBER,
    OTHER_EMPLOYER,
    OTHER_MEMBER,
    House,
    Sender,
    house,
)


@pytest.fixture(scope="module")
def clock() -> HandClock:
    """The clock of `home`: a Thursday in August 2026, until a test moves it."""
    return HandClock(START)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, clock: HandClock) -> Iterator[House]:
    """A gateway without doors whose clock is in the test's hand; three employers are registered."""
    with house(tmp_path_factory.mktemp("home"), clock=clock) as opened:
        for employer in (EMPLOYER, OTHER_EMPLOYER, FOREIGN_EMPLOYER):
            opened.employer(employer)
        yield opened
        look_over(opened)


@pytest.fixture(scope="module")
def sender(home: House) -> Sender:
    """A member with a mandate for its own employer."""
    return home.sender(MEMBER, [EMPLOYER])


@pytest.fixture(scope="module")
def other(home: House) -> Sender:
    """Another member, for another employer."""
    return home.sender(OTHER_MEMBER, [OTHER_EMPLOYER])


@pytest.fixture
def today(home: House, clock: HandClock) -> date:
    """The 5th of a month, nine in the morning or so: the next one after what other tests did."""
    day = Received(clock()).day
    following = day.replace(day=5) if day.day < 5 else (day.replace(day=1) + timedelta(31)).replace(day=5)
    at = datetime(following.year, following.month, 5, 7, 0, tzinfo=UTC)
    move(home, clock, at)
    return following
