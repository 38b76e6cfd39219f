"""docs/security.md names tests: each of them exists, and each requirement has at least one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

HOME = Path(__file__).parents[1]
PAGE = (HOME / "docs" / "security.md").read_text()
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py(?:::\w+)?)`", PAGE)))
ROWS = re.findall(r"^\| ((?:SR-|P)\d+) \|(.*)\|$", PAGE, re.MULTILINE)


def test_the_page_names_tests() -> None:
    assert len(NAMED) > 40


@pytest.mark.parametrize("name", NAMED)
def test_a_named_test_exists(name: str) -> None:
    file, _, function = name.partition("::")
    text = (HOME / file).read_text()
    assert not function or f"def {function}(" in text


def test_every_requirement_has_a_row() -> None:
    assert [number for number, _ in ROWS] == [f"P{n}" for n in range(1, 9)] + [
        f"SR-{n}" for n in range(1, 27)
    ]


@pytest.mark.parametrize(("number", "row"), ROWS)
def test_a_row_names_a_test_or_says_what_is_missing(number: str, row: str) -> None:
    assert "tests/" in row or "missing" in row
