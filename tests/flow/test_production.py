"""Production takes real people; the test environment does not (`test_test_environment.py`)."""

from __future__ import annotations

from pathlib import Path

from tests.flow.premises import START, HandClock
from tests.house import EMPLOYER, MEMBER, house, wage

REAL = "1990060500123"


def test_production_takes_everybody(tmp_path: Path) -> None:
    with house(tmp_path, clock=HandClock(START), environment="production") as home:
        home.employer(EMPLOYER)
        sender = home.sender(MEMBER, [EMPLOYER])
        assert home.send(sender, "DECSAL", [wage(REAL)]).codes == ["SALRET-3"]
