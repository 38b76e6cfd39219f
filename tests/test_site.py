"""The documentation as a site: it builds without a warning, and neither needs nor asks a network."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

from gateway.states import State

ROOT = Path(__file__).parent.parent
LOADED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}


class Loading(HTMLParser):
    """What a page loads by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "link" and given.get("rel") == "canonical":
            return
        self.found.append(given.get(LOADED.get(tag, ""), "") or "")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built with --strict: any warning would end it."""
    folder = tmp_path_factory.mktemp("site")
    words = ["build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", *words],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")
    return folder


def test_every_page_is_there_and_loads_nothing_from_elsewhere(site: Path) -> None:
    pages = {file.relative_to(ROOT / "docs").with_suffix(".html") for file in (ROOT / "docs").rglob("*.md")}
    assert pages <= {file.relative_to(site) for file in site.rglob("*.html")}
    for page in pages:
        loading = Loading()
        loading.feed((site / page).read_text())
        assert not [one for one in loading.found if re.match(r"(https?:)?//", one)], page
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(url\(|@import)\s*[\"']?(https?:)?//", sheet.read_text()), sheet


def test_the_states_are_drawn(site: Path) -> None:
    page = (site / "reference" / "states.html").read_text()
    assert page.count('<svg class="states"') == 2
    assert all(f">{state.value}</text>" in page for state in State)
    assert "stateDiagram" not in page


def test_no_link_of_the_site_leads_out_of_it(site: Path) -> None:
    """Links to tests and programs are for readers of the repository; here they are names."""
    page = (site / "reference" / "codes" / "SALRET-7.html").read_text()
    assert "tests/vectors/decsal.yaml" in page
    assert not re.search(r'href="[^"]*tests/vectors', page)


def test_all_that_people_begin_with_is_in_the_menu() -> None:
    menu = str(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"])
    for file in (ROOT / "docs").glob("*.md"):
        assert f"'{file.name}'" in menu, file
    for folder in ("senders", "fr", "fr/senders"):
        for file in (ROOT / "docs" / folder).glob("*.md"):
            assert f"'{folder}/{file.name}'" in menu, file
