"""A gateway with open doors that the tests of a module share.

What it needs is loaded when it is asked for: the tests that do not ask start without.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
import structlog

from tests import postgres

if TYPE_CHECKING:
    from tests.house import House, Sender

LARGEST_DEPOSIT = 300_000


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", choices=["sqlite", "postgres"], help="on which the tests run")


def pytest_configure(config: pytest.Config) -> None:
    # To standard error, as commands log: a gateway of this process must not write into what a command prints.
    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))
    if config.getoption("--database"):
        os.environ[postgres.WANTED] = config.getoption("--database")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What is about SQLite alone says so, and is left out on a server."""
    if postgres.is_wanted():
        left_out = [one for one in items if one.get_closest_marker("embedded")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [one for one in items if one not in left_out]


@pytest.fixture(scope="module")
def open_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Both doors open, on the machine's own clock, for small deposits only; at the end all is looked over."""
    from tests.flow.premises import look_over  # noqa: PLC0415
    from tests.house import EMPLOYER, OTHER_EMPLOYER, house  # noqa: PLC0415

    folder = tmp_path_factory.mktemp("open")
    with house(folder, doors=True, largest_deposit=LARGEST_DEPOSIT, operations_port=0) as opened:
        for employer in (EMPLOYER, OTHER_EMPLOYER):
            opened.employer(employer)
        yield opened
        look_over(opened)


@pytest.fixture(scope="module")
def visitor(open_home: House) -> Sender:
    """A member who comes through the doors."""
    from tests.house import EMPLOYER, MEMBER  # noqa: PLC0415

    return open_home.sender(MEMBER, [EMPLOYER])


@pytest.fixture(scope="module")
def neighbour(open_home: House) -> Sender:
    """Another member who comes through the doors."""
    from tests.house import OTHER_EMPLOYER, OTHER_MEMBER  # noqa: PLC0415

    return open_home.sender(OTHER_MEMBER, [OTHER_EMPLOYER])
