"""Files of pages that never change: served from memory, with their digest in their address.

What we did not write ourselves is listed in `static/vendored.yaml` with the package it comes from; a test
compares the files with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).with_name("static")
PREFIX = "/static/"
_KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file, and as what it is served."""

    content: bytes
    media_type: str


@cache
def _all() -> tuple[Mapping[str, str], Mapping[str, StaticFile]]:
    """Addresses by name, and files by address."""
    addresses: dict[str, str] = {}
    files: dict[str, StaticFile] = {}
    for file in sorted(FOLDER.iterdir()):
        if file.suffix in _KINDS:
            content = file.read_bytes()
            mark = hashlib.sha256(content).hexdigest()[:16]
            address = f"{PREFIX}{file.stem}.{mark}{file.suffix}"
            addresses[file.name] = address
            files[address] = StaticFile(content, _KINDS[file.suffix])
    return addresses, files


def address_of(name: str) -> str:
    """Where a file is served.

    Raises:
        KeyError: there is none of that name.
    """
    return _all()[0][name]


def served_at(address: str) -> StaticFile | None:
    """The file of an address, if there is one."""
    return _all()[1].get(address)
