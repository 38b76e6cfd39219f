"""The generated pages: each code has its own, none is left over, and all say what the tables say."""

from __future__ import annotations

import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from gateway.rejections import LANGUAGES, REJECTIONS

ROOT = Path(__file__).parent.parent
REFERENCE = ROOT / "docs" / "reference"


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    """`docs/generate.py`, which is a script and in no package."""
    spec = spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_page_is_as_it_would_be_written_now_and_none_is_left_over(generator: ModuleType) -> None:
    lie_there = {str(file.relative_to(REFERENCE)): file.read_text() for file in REFERENCE.rglob("*.md")}
    assert lie_there == generator.pages(), "run: python docs/generate.py"


def test_every_code_has_a_page_with_its_texts() -> None:
    assert {file.stem for file in (REFERENCE / "codes").iterdir()} == REJECTIONS.keys()
    for key, one in REJECTIONS.items():
        page = (REFERENCE / "codes" / f"{key}.md").read_text().replace("\\<", "<")
        for said in (one.titles, one.texts, one.remedies):
            assert all(said[language] in page for language in LANGUAGES), key
        assert f"`{one.severity}`" in page
        assert f"`{one.level}`" in page
        assert (one.legal_basis or "none known") in page


def test_every_link_of_the_reference_leads_somewhere() -> None:
    for file in REFERENCE.rglob("*.md"):
        for target in re.findall(r"\]\(([^)]+)\)", file.read_text()):
            assert (file.parent / target).exists(), (file.name, target)


def test_a_page_that_nothing_tells_is_removed(generator: ModuleType, tmp_path: Path) -> None:
    stale = tmp_path / "codes" / "SALRET-0.md"
    stale.parent.mkdir()
    stale.write_text("old")
    generator.write(tmp_path)
    assert not stale.exists()
    assert {str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*.md")} == generator.pages().keys()
