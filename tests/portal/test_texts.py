"""Every text of the pages stands there in three languages, is used, and asks for the same to be put in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from adapters.pages import language
from adapters.pages.language import Tongue, choose, texts
from gateway.money import euro

ROOT = Path(language.__file__).parents[1]
SOURCES = [
    file
    for room in ("pages", "portal", "console")
    for pattern in ("*.py", "*.html")
    for file in (ROOT / room).rglob(pattern)
]
_CALLED = re.compile(r"""\bt\(\s*['"]([a-z_]+\.[A-Za-z0-9_]+)['"]\s*([~,)])""")
_QUOTED = re.compile(r"""['"]([a-z]+\.[A-Za-z0-9_]+)['"]""")
_PREFIX = re.compile(r"""['"f]*["']([a-z]+\.[a-z_]*)(?:['"]\s*~|\{)""")
_PUT_IN = re.compile(r"\{([a-z]+)\}")


def _used() -> tuple[set[str], set[str]]:
    """Keys that stand in the sources, and beginnings of keys that are built there."""
    content = "\n".join(file.read_text(encoding="utf-8") for file in SOURCES)
    return set(_QUOTED.findall(content)), set(_PREFIX.findall(content))


def test_every_text_that_a_page_asks_for_exists() -> None:
    content = "\n".join(file.read_text(encoding="utf-8") for file in SOURCES)
    asked = {key for key, end in _CALLED.findall(content) if end != "~"}
    assert asked - texts().keys() == set()
    assert len(asked) > 100


def test_no_text_is_left_over() -> None:
    keys, prefixes = _used()
    left = {key for key in texts() if key not in keys and not any(key.startswith(one) for one in prefixes)}
    assert left == set()


def test_a_text_that_nobody_asks_for_would_be_found() -> None:
    keys, prefixes = _used()
    assert "portal.zzz" not in keys
    assert not any("portal.zzz".startswith(one) for one in prefixes)


@pytest.mark.parametrize("key", sorted(texts()))
def test_a_text_asks_for_the_same_in_each_language(key: str) -> None:
    spoken = []
    for text in texts()[key].values():
        written = [text] if isinstance(text, str) else list(text.values())
        spoken.append({name for one in written for name in _PUT_IN.findall(one)} - {"count"})
    assert all(one == spoken[0] for one in spoken), spoken


def test_what_is_put_in_is_escaped() -> None:
    said = Tongue("en")("portal.welcome", name="<script>alert(1)</script>{name}")
    assert "<script>" not in said
    assert "&lt;script&gt;" in said


@pytest.mark.parametrize(
    ("wanted", "accepted", "due"),
    [
        ("", "", "fr"),
        ("", "de-LU,de;q=0.9,en;q=0.8", "de"),
        ("", "it, en;q=0.2, fr;q=0.1", "en"),
        ("", "en;q=0, de;q=x", "fr"),
        ("de", "en", "de"),
        ("<b>", "en", "en"),
    ],
)
def test_the_language_is_the_one_chosen_or_the_one_preferred(wanted: str, accepted: str, due: str) -> None:
    assert choose(wanted, accepted) == due


def test_amounts_are_written_as_each_language_writes_them() -> None:
    assert euro(123456) == "1234.56"
    assert Tongue("de").money(123456).replace("\xa0", " ") == "1.234,56 €"
    assert Tongue("en").money(-123456) == "-€1,234.56"
    assert Tongue("fr").money(5).endswith("0,05\xa0€")


def test_a_count_chooses_its_form() -> None:
    one, many = (Tongue("fr")("portal.in_records", count=count) for count in (0, 2))
    assert "enregistrement" in one
    assert "enregistrements" in many
