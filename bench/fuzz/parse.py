"""A fuzzer for the one parser and what stands before the signature is computed (atheris, libFuzzer).

    python -m bench.fuzz.parse bench/fuzz/seeds -max_total_time=600 -seed=1

It fails on anything but a tree, `Unreadable` or `BadSignature`, and when what was parsed has a document type,
a comment, an instruction or more depth than allowed.
"""

from __future__ import annotations

import sys

import atheris
from lxml import etree

with atheris.instrument_imports(include=["signing"]):
    from signing.parse import Limits, Unreadable, parse
    from signing.profile import BadSignature, examine

DEPTH = Limits().depth


def try_one(content: bytes) -> None:
    """Parse bytes, and look at their signature if they are XML."""
    try:
        root = parse(content)
    except Unreadable:
        return
    if root.getroottree().docinfo.doctype:
        raise AssertionError("a document type")
    for found in root.iter():
        if not isinstance(found.tag, str) or isinstance(found, etree._Entity):
            raise AssertionError("something else than an element")
        if sum(1 for _ in found.iterancestors()) >= DEPTH:
            raise AssertionError("too deep")
    try:
        examine(root)
    except BadSignature:
        return


def main() -> None:
    atheris.Setup(sys.argv, try_one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
