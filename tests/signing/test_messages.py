"""HTTP Message Signatures: an example of RFC 9421, and what is not taken."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from signing.messages import (
    EARLY,
    LIFE,
    Unproven,
    content_digest,
    sign_message,
    signature_base,
    verify_message,
)
from signing.sign import Signer
from tests.signing.workshop import signer as signer_of

NOW = datetime(2026, 8, 3, 8, 0, tzinfo=UTC)
TAG = "secugate-event"
MESSAGE = {
    "@method": "POST",
    "@target-uri": "https://payroll.example/in",
    "content-digest": content_digest(b"{}"),
    "content-type": "application/cloudevents+json",
}

# RFC 9421, appendix B.1.3 (key) and B.2.4 (signature over a response)
RFC_KEY = b"""-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lf
w0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==
-----END PUBLIC KEY-----
"""
RFC_MESSAGE = {
    "@status": "200",
    "content-type": "application/json",
    "content-digest": "sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWd"
    "XymyU0rjJuahq4l5aGgfLQ==:",
    "content-length": "23",
}
RFC_PARAMETERS = (
    '("@status" "content-type" "content-digest" "content-length")'
    ';created=1618884473;keyid="test-key-ecc-p256"'
)
RFC_VALUE = "wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw=="


@pytest.fixture(scope="module", params=["p256", "rsa"])
def signer(request: pytest.FixtureRequest) -> Signer:
    return signer_of(request.param)


def signed(signer: Signer, message: dict[str, str] = MESSAGE, tag: str = TAG) -> dict[str, str]:
    fields = sign_message(signer.sign_message, message, tag=tag, nonce="once", created=NOW)
    return {name.lower(): value for name, value in fields.items()}


def test_the_example_of_the_rfc_has_our_base_and_verifies_over_it() -> None:
    key = load_pem_public_key(RFC_KEY)
    assert isinstance(key, ec.EllipticCurvePublicKey)
    base = signature_base(RFC_MESSAGE, list(RFC_MESSAGE), RFC_PARAMETERS)
    value = base64.b64decode(RFC_VALUE)
    halves = (int.from_bytes(half) for half in (value[:32], value[32:]))
    key.verify(encode_dss_signature(*halves), base, ec.ECDSA(hashes.SHA256()))


def test_what_is_signed_is_proven(signer: Signer) -> None:
    proven = verify_message(MESSAGE, signed(signer), [signer.certificate], tag=TAG, now=NOW)
    assert (proven.created, proven.expires, proven.nonce) == (NOW, NOW + LIFE, "once")
    assert proven.certificate == signer.certificate


def test_a_signature_of_a_proxy_beside_ours_is_passed_over(signer: Signer) -> None:
    ours = signed(signer)
    fields = {
        "signature-input": f'proxy=("@method");created=1;tag="a, b", {ours["signature-input"]}',
        "signature": f"proxy=:AAAA:, {ours['signature']}",
    }
    assert verify_message(MESSAGE, fields, [signer.certificate], tag=TAG, now=NOW).nonce == "once"


Change = Callable[[dict[str, str], dict[str, str]], object]
CHANGES: dict[str, Change] = {
    "another address": lambda m, _: m.update({"@target-uri": "https://payroll.example/other"}),
    "another method": lambda m, _: m.update({"@method": "PUT"}),
    "another content": lambda m, _: m.update({"content-digest": content_digest(b"{} ")}),
    "no digest": lambda m, _: m.pop("content-digest"),
    "no signature": lambda _, f: f.pop("signature"),
    "no input": lambda _, f: f.pop("signature-input"),
    "garbage": lambda _, f: f.update({"signature-input": f["signature-input"] + ", ?"}),
    "less covered": lambda _, f: f.update(
        {"signature-input": f["signature-input"].replace(' "content-digest"', "")}
    ),
    "covered twice": lambda _, f: f.update(
        {"signature-input": f["signature-input"].replace('"@method"', '"@method" "@method"')}
    ),
    "a longer life": lambda _, f: f.update(
        {"signature-input": f["signature-input"].replace(";expires=", ";expires=9")}
    ),
    "another algorithm": lambda _, f: f.update(
        {"signature-input": f["signature-input"].replace("-sha256", "-sha1")}
    ),
    "another tag": lambda _, f: f.update({"signature-input": f["signature-input"].replace(TAG, "x")}),
    "no nonce": lambda _, f: f.update({"signature-input": f["signature-input"].replace(';nonce="once"', "")}),
    "another value": lambda _, f: f.update({"signature": "secugate=:AAAA:"}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_changed_proves_nothing(signer: Signer, change: str) -> None:
    message, fields = dict(MESSAGE), signed(signer)
    CHANGES[change](message, fields)
    with pytest.raises(Unproven):
        verify_message(message, fields, [signer.certificate], tag=TAG, now=NOW)


@pytest.mark.parametrize("late", [LIFE + timedelta(seconds=1), -EARLY - timedelta(seconds=1)])
def test_it_counts_for_minutes_only(signer: Signer, late: timedelta) -> None:
    fields = signed(signer)
    with pytest.raises(Unproven):
        verify_message(MESSAGE, fields, [signer.certificate], tag=TAG, now=NOW + late)


def test_another_key_proves_nothing(signer: Signer) -> None:
    other: x509.Certificate = signer_of("other p256").certificate
    with pytest.raises(Unproven, match="another key"):
        verify_message(MESSAGE, signed(signer), [other], tag=TAG, now=NOW)
