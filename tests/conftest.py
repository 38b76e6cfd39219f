"""Gateways that the tests of a module share. When a module is done, everything kept is looked over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.flow.premises import look_over
from tests.house import (
    EMPLOYER,
    FOREIGN_EMPLOYER,
    MEMBER,
    OTHER_EMPLOYER,
    OTHER_MEMBER,
    House,
    MovingClock,
    Sender,
    house,
)

START = datetime(2026, 8, 20, 9, 15, tzinfo=UTC)
LARGEST_DEPOSIT = 300_000


@pytest.fixture(scope="module")
def clock() -> MovingClock:
    """The clock of `home`: a Thursday in August 2026, until a test moves it."""
    return MovingClock(START)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, clock: MovingClock) -> Iterator[House]:
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


@pytest.fixture(scope="module")
def open_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A gateway with both doors open, on the machine's own clock, that takes small deposits only."""
    folder = tmp_path_factory.mktemp("open")
    with house(folder, doors=True, largest_deposit=LARGEST_DEPOSIT) as opened:
        for employer in (EMPLOYER, OTHER_EMPLOYER):
            opened.employer(employer)
        yield opened
        look_over(opened)


@pytest.fixture(scope="module")
def visitor(open_home: House) -> Sender:
    """A member who comes through the doors."""
    return open_home.sender(MEMBER, [EMPLOYER])


@pytest.fixture(scope="module")
def neighbour(open_home: House) -> Sender:
    """Another member who comes through the doors."""
    return open_home.sender(OTHER_MEMBER, [OTHER_EMPLOYER])
