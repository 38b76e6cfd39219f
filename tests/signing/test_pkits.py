"""NIST's test suite for certification paths (PKITS) against our trust, revocation required (SR-4).

`tests/vectors/pkits.zip`; see the README there for its origin. Left out: the cases with policies set from
outside, which we do not set.
"""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from signing.certificates import CannotTell, Trust, Untrusted

AT = datetime(2026, 8, 3, 9, 15, tzinfo=UTC)
FILE = Path(__file__).parents[1] / "vectors" / "pkits.zip"

STRICTER = {
    "40104": "signed with DSA and SHA-1",
    "40105": "keys of DSA that inherit parameters cannot even be read",
    "40608": "the end of the path is an authority's certificate",
    "40614": "the end of the path is an authority's certificate",
    "40806": "the end of the path is an authority's certificate",
    "41411": "the end of the path is an authority's certificate",
    "41413": "the end of the path is an authority's certificate",
}
"""Where we say no although the suite does not, and why."""


@cache
def suite() -> tuple[dict[str, bytes], list[dict[str, Any]]]:
    with zipfile.ZipFile(FILE) as packed:
        files = {name: packed.read(name) for name in packed.namelist()}
    return files, json.loads(files.pop("cases.json"))


def verdict(case: dict[str, Any], folder: Path) -> str:
    files, _ = suite()
    root = x509.load_der_x509_certificate(files["certs/TrustAnchorRootCertificate.crt"])
    (folder / "root.pem").write_bytes(root.public_bytes(Encoding.PEM))
    (folder / "crls").mkdir()
    for name in ("TrustAnchorRootCRL.crl", *case["crls"]):
        (folder / "crls" / name).write_bytes(files[f"crls/{name}"])
    trust = Trust(folder / "root.pem", folder / "crls")
    try:
        first, *chain = (
            x509.load_der_x509_certificate(files[f"certs/{name}"]) for name in (case["cert"], *case["chain"])
        )
        trust.judge(first, chain, AT)
    except CannotTell:
        return "cannot tell"
    except (Untrusted, ValueError):  # what cannot be read is refused before it is judged
        return "no"
    return "yes"


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
@pytest.mark.parametrize("case", suite()[1], ids=lambda case: f"{case['id']}-{case['name']}")
def test_pkits(case: dict[str, Any], tmp_path: Path) -> None:
    assert verdict(case, tmp_path) == ("no" if case["id"] in STRICTER else case["verdict"])


def test_the_suite_is_whole() -> None:
    """So that an empty file is not taken for success; and no case is stricter than it needs a reason for."""
    cases = suite()[1]
    assert Counter(case["verdict"] for case in cases) == {"yes": 92, "no": 97, "cannot tell": 24}
    assert STRICTER.keys() <= {case["id"] for case in cases if case["verdict"] != "no"}
