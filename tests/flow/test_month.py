"""A small part of a country's month through both doors of a process: nothing lost, nothing wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench.month import File, wrong
from tests.house import EMPLOYER, INSURED, MEMBER, House, house, wage

FRACTION = 0.0005


@pytest.mark.embedded
def test_a_small_part_of_a_month_is_answered_once_and_billed() -> None:
    options = ("--fraction", str(FRACTION), "--seed", "3", "--json")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "bench.month", *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["wrong"] == []
    assert found["deposits"] == 21
    assert found["bill"]["statements"] > 0


def test_what_was_lost_or_refused_is_told(tmp_path: Path, home: House) -> None:
    sender = home.sender(MEMBER, [EMPLOYER])
    home.affiliate(INSURED)
    name, content = home.signed(sender, "DECSAL", [wage()])
    home.wait(sender, home.receive(sender, name, content).deposit)
    good = File(sender, "DECSAL", name, tmp_path / "1.xml", 1)
    assert wrong(home, [good]) == []
    assert wrong(home, [replace(good, records=2)]) == [f"{name}: (1, 1) of (2, 2)"]
    lost = replace(good, name=home.name("DECSAL", MEMBER))
    assert wrong(home, [good, lost]) == [f"{lost.name}: None of (1, 1)", "1 deposits of 2 files"]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path) as opened:
        opened.employer(EMPLOYER)
        yield opened
