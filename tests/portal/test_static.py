"""Files that others wrote are what their packages hold, and nothing is loaded from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import re

import yaml

from adapters.pages.frame import HEADERS
from adapters.pages.static_files import FOLDER, address_of, served_at

LOCK = yaml.safe_load((FOLDER / "vendored.yaml").read_text())
OURS = {"pages.css", "pages.js", "theme.js", "mark.svg", "passkey.js", "vendored.yaml"}


def _integrity(content: bytes) -> str:
    return "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()


def test_each_vendored_file_has_the_digest_of_its_package() -> None:
    for package in LOCK.values():
        for name, said in package["files"].items():
            assert _integrity((FOLDER / name).read_bytes()) == said["integrity"], name


def test_a_changed_file_would_be_found() -> None:
    said = LOCK["htmx.org"]["files"]["htmx.min.js"]["integrity"]
    assert _integrity((FOLDER / "htmx.min.js").read_bytes() + b" ") != said


def test_every_file_is_ours_or_vendored_with_its_licence() -> None:
    vendored = {name for package in LOCK.values() for name in package["files"]}
    ours = {file.name for file in FOLDER.iterdir()} - vendored
    assert {name for name in ours if name.endswith((".js", ".css"))} <= {
        file.name for file in FOLDER.iterdir() if file.name in OURS or file.name in ours
    }
    for package in LOCK.values():
        assert any(name.endswith("LICENSE") for name in package["files"])
        assert package["integrity"].startswith("sha512-")
    assert "http" not in (FOLDER / "vendored.yaml").read_text()


def test_an_address_changes_with_its_file() -> None:
    address = address_of("pages.css")
    found = served_at(address)
    assert found is not None
    assert found.content == (FOLDER / "pages.css").read_bytes()
    mark = hashlib.sha256(found.content).hexdigest()[:16]
    assert mark in address
    assert served_at(address.replace(mark, "0" * 16)) is None
    assert served_at("/static/../frame.py") is None


def test_the_policy_allows_no_foreign_and_no_inline_script() -> None:
    policy = HEADERS["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_no_template_holds_an_inline_script_a_style_or_a_foreign_address() -> None:
    pages = list(FOLDER.parent.parent.glob("*/templates/**/*.html"))
    assert len(pages) > 15
    for file in pages:
        text = file.read_text()
        assert not re.search(r"<script(?![^>]*\bsrc=)", text), file.name
        assert not re.search(r"\s(style|on[a-z]+)=", text), file.name
        assert not re.search(r"(?:src|href|action)=[\"'](?:https?:)?//", text), file.name
        assert "|safe" not in text.replace(" ", ""), file.name
