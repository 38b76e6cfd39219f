"""Whoever is woken by an alarm finds it in the runbook."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
ALARMING = {"warning", "error", "critical", "exception"}


def _alarms(source: str) -> Iterator[str]:
    """Events that a module logs as a warning or worse."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        logger = node.func.value
        named = isinstance(logger, ast.Name) and logger.id == "log"
        made = isinstance(logger, ast.Call) and "get_logger" in ast.unparse(logger.func)
        if node.func.attr in ALARMING and (named or made):
            event = node.args[0]
            assert isinstance(event, ast.Constant), f"{ast.unparse(node)}: an event is a word of ours"
            yield str(event.value)


WRITTEN_AT_THE_END = {"sync.failed"}
"""Written past the logger, by a process that trusts nothing any more."""


def _all_alarms() -> set[str]:
    files = sorted((ROOT / "adapters").rglob("*.py"))
    return WRITTEN_AT_THE_END | {event for file in files for event in _alarms(file.read_text())}


def _entries(page: str) -> set[str]:
    return set(re.findall(r"^### `([a-z._-]+)`$", page, re.MULTILINE))


def test_each_alarm_has_its_entry_and_each_entry_its_alarm() -> None:
    assert _entries((ROOT / "docs" / "operations.md").read_text()) == _all_alarms()


def test_an_alarm_without_an_entry_would_be_missed() -> None:
    assert set(_alarms("log.warning('milk.spilt', litres=2)")) == {"milk.spilt"}
    assert set(_alarms("structlog.get_logger().error('milk.spilt')")) == {"milk.spilt"}
    assert set(_alarms("log.info('milk.poured')")) == set()
