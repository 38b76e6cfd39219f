"""The ten-minute start of a payroll developer, as it is written, from an empty folder, in both languages."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.durability.running import environment

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {"en": DOCS / "senders" / "start.md", "fr": DOCS / "fr" / "senders" / "start.md"}
BLOCK = re.compile(r"```(python|sh) (\w+)\n(.*?)```", re.DOTALL)
STEPS = ["sandbox", "profile", "wages", "validate", "send", "collect", "api", "watch"]
PATIENCE_SECONDS = 120.0


def surroundings(folder: Path) -> Mapping[str, str]:
    """Where `secugate` is a command, as it is once it is installed."""
    place = folder.parent / "bin"
    place.mkdir(exist_ok=True)
    command = place / "secugate"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m adapters.cli "$@"\n')
    command.chmod(0o755)
    given = environment()
    path = f"{place}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {**given, "PATH": path, "PYTHONPATH": str(DOCS.parent)}


def play(folder: Path, language: str, text: str) -> str:
    """Run a block of the page in a folder; what it printed."""
    program = [sys.executable, "-c", text] if language == "python" else ["sh", "-euc", text]
    done = subprocess.run(
        program,
        cwd=folder,
        env=surroundings(folder),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, (text, done.stdout, done.stderr)
    return done.stdout


@contextmanager
def other_window(folder: Path, text: str) -> Iterator[None]:
    """Run a block in a window of its own, until it says how it is stopped; in the end stop it so."""
    process = subprocess.Popen(
        ["sh", "-euc", f"exec {text.strip()}"],
        cwd=folder,
        env=surroundings(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        assert any("Ctrl-C" in line for line in process.stdout)
        yield
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_SECONDS) == 0


def blocks(language: str) -> dict[str, tuple[str, str]]:
    """The examples of a page that are to be run: what they are written in, and their text, by name."""
    return {name: (kind, text) for kind, name, text in BLOCK.findall(PAGES[language].read_text())}


@pytest.mark.parametrize("language", PAGES)
def test_the_page_works_as_it_is_written(language: str, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    steps = blocks(language)
    assert list(steps) == STEPS
    with other_window(folder, steps.pop("sandbox")[1]):
        told = {name: play(folder, *block) for name, block in steps.items()}
    assert json.loads(told["validate"])["valid"] is True
    assert list((folder / "signed").glob("*.ACKREC.XML"))
    assert list((folder / "answers").iterdir())
    assert (folder / "drop" / "answers").is_dir()


def test_both_languages_have_the_same_examples() -> None:
    assert blocks("en") == blocks("fr")
