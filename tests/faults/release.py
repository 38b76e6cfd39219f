"""Another release of the program: the same but for its rules."""

from __future__ import annotations

import atexit
import re
import shutil
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from tests.faults.station import OURS

PACKAGES = ("adapters", "gateway", "inbox", "outbox", "signing", "xsd", "tests")


@cache
def next_release() -> Path:
    """Folder of a release in which DECSAL has a version more, and the minimum wage is ten times as high from
    June 2026 on."""
    release = Path(mkdtemp(prefix="secugate-release-"))
    atexit.register(shutil.rmtree, release)
    for package in PACKAGES:
        shutil.copytree(
            OURS / package, release / package, ignore=shutil.ignore_patterns("__pycache__", "vectors")
        )
    _add_version(release / "xsd")
    _raise_minimum_wage(release / "gateway/parameters/minimum_wage.yaml")
    return release


def _add_version(forms: Path) -> None:
    shutil.copy(forms / "decsal/1.0.xsd", forms / "decsal/1.1.xsd")
    catalogue = forms / "catalogue.yaml"
    before, decsal, after = catalogue.read_text().partition("- code: DECSAL\n")
    version = '    - {version: "1.0", from: 2020-01-01}\n'
    another = version + version.replace("1.0", "1.1")
    catalogue.write_text(before + decsal + after.replace(version, another, 1))


def _raise_minimum_wage(file: Path) -> None:
    raised = re.sub(r'("2026-06-01": \{value: ")(\d+)', r"\g<1>\g<2>0", file.read_text())
    assert raised != file.read_text()
    file.write_text(raised)
