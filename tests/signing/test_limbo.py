"""x509-limbo against our trust: nothing that should fail passes, but for what is named here (SR-4).

`tests/vectors/limbo.zip`; see the README there for its origin. Its cases are for TLS servers in the web:
where they judge what we do not ask (names of hosts, rules of browsers for numbers and identifiers), passing
is right, and the reason stands here. What should pass may also be "cannot tell": some authorities there may
not sign lists.
"""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from signing.certificates import CannotTell, Trust, Untrusted

AT = datetime(2026, 8, 3, 9, 15, tzinfo=UTC)
FILE = Path(__file__).parents[1] / "vectors" / "limbo.zip"

ANCHOR = "a rule of form for the anchor itself, of which we take name, key and constraints of names"
PROFILE = "a rule of form for issuers; the path and the key are right"
HOST = "a rule for names of hosts; a member has none"
LISTS = "a rule of form for lists; what it says is signed by the right authority"
PURPOSE = "we ask for the key's use for signatures, not for purposes of TLS"

PASSES = {
    "crl::crlnumber-critical": LISTS,
    "crl::crlnumber-missing": LISTS,
    "pathological::nc-dos-2": ANCHOR,
    "rfc5280::aki::critical-aki": PROFILE,
    "rfc5280::aki::leaf-missing-aki": PROFILE,
    "rfc5280::ee-critical-aia-invalid": PROFILE,
    "rfc5280::eku::ee-wrong-eku": PURPOSE,
    "rfc5280::leaf-ku-keycertsign": PROFILE,
    "rfc5280::nc::not-allowed-in-ee-critical": PROFILE,
    "rfc5280::nc::not-allowed-in-ee-noncritical": PROFILE,
    "rfc5280::nc::permitted-dns-match-noncritical": ANCHOR,
    "rfc5280::root-non-critical-basic-constraints": ANCHOR,
    "rfc5280::san::ip-in-dns": HOST,
    "rfc5280::san::noncritical-with-empty-subject": HOST,
    "rfc5280::san::underscore-dns": HOST,
    "rfc5280::serial::too-long": PROFILE,
    "rfc5280::serial::zero": PROFILE,
    "rfc5280::ski::root-missing-ski": ANCHOR,
    "rfc5280::unknown-critical-extension-root": ANCHOR,
}
"""What should fail there and passes here, and why."""

STRICTER = {
    "pathlen::validation-ignores-pathlen-in-leaf": "an authority's certificate signs no batch",
    "rfc5280::ca-as-leaf": "an authority's certificate signs no batch",
    "rfc5280::no-keyusage": "the certificate must say what it is for",
    "rfc5280::nc::nc-forbids-othername-noop": "the validator cannot compare such a name",
    "rfc5280::nc::permitted-ipv4-match": "the validator cannot compare addresses; a member has none",
    "rfc5280::nc::permitted-ipv6-match": "the validator cannot compare addresses; a member has none",
    "rfc5280::validity::notafter-fractional": "nothing is valid after its last second",
}
"""What should pass there and is a no here, and why."""


@cache
def cases() -> list[dict[str, Any]]:
    with zipfile.ZipFile(FILE) as packed:
        found: list[dict[str, Any]] = json.loads(packed.read("cases.json"))
    return found


def verdict(case: dict[str, Any], folder: Path) -> str:
    for name, texts in (("anchors", case["trusted"]), ("crls", case["crls"])):
        (folder / name).mkdir()
        for number, text in enumerate(texts):
            (folder / name / f"{number}.pem").write_text(text)
    at = datetime.fromisoformat(case["at"]) if case["at"] else AT
    try:
        trust = Trust(folder / "anchors", folder / "crls")
        first, *chain = (
            x509.load_pem_x509_certificate(text.encode()) for text in (case["cert"], *case["chain"])
        )
        trust.judge(first, chain, at.replace(tzinfo=UTC))
    except CannotTell:
        return "cannot tell"
    except (Untrusted, ValueError, TypeError):  # the latter two: an anchor that refuses the start
        return "no"
    return "yes"


@pytest.mark.filterwarnings("ignore:Parsed a serial number", "ignore:The parsed certificate")
@pytest.mark.parametrize("case", cases(), ids=lambda case: case["id"])
def test_limbo(case: dict[str, Any], tmp_path: Path) -> None:
    found = verdict(case, tmp_path)
    if case["expected"] == "FAILURE":
        assert (found == "yes") == (case["id"] in PASSES)
    else:
        assert (found == "no") == (case["id"] in STRICTER)


def test_the_suite_is_whole() -> None:
    assert len(cases()) == 135
    assert PASSES.keys() | STRICTER.keys() <= {case["id"] for case in cases()}
