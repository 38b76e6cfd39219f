"""A gateway with open doors and staff that the tests of a module share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.console.office import Office
    from tests.house import House


@pytest.fixture(scope="module")
def staffed(open_home: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Both doors open, and somebody of each role."""
    from tests.console.office import office  # noqa: PLC0415

    with office(open_home, tmp_path_factory.mktemp("office") / "keys") as opened:
        yield opened
