"""The ten-minute start of an operator, as it is written, from an empty folder."""

from __future__ import annotations

from pathlib import Path

from tests.client.test_start_page import BLOCK, DOCS, play


def test_the_page_works_as_it_is_written(tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    steps = {name: (kind, text) for kind, name, text in BLOCK.findall((DOCS / "operator.md").read_text())}
    assert list(steps) == ["init", "employer", "verify"]
    for step in steps.values():
        play(folder, *step)
    assert (folder / "gateway" / "secugate.sqlite").exists()
