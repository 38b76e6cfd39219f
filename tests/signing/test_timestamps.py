"""Time stamps (P6): a token proves that bytes existed at a moment, for those bytes only, from an authority
that we believe; in a sealed document it leaves the seal as it is. The authority is OpenSSL's."""

from __future__ import annotations

import base64
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from signing.parse import parse
from signing.profile import BadSignature, Flaw
from signing.timestamps import BadStamp, accept, ask, check, stamped_bytes, with_stamp
from signing.verify import verify_seal
from tests.signing.time_authority import TimeAuthority
from tests.signing.workshop import (
    XADES,
    certificate,
    edited,
    examined,
    find,
    flaw,
    signature,
    signed,
    xmlsec1_accepts,
)
from tests.tools import tool

CONTENT = b"what has to be proven"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> TimeAuthority:
    return TimeAuthority.create(tmp_path_factory.mktemp("time") / "authority")


@pytest.fixture(scope="module")
def anchors(authority: TimeAuthority) -> list[x509.Certificate]:
    return [authority.certificate]


@pytest.fixture(scope="module")
def token(authority: TimeAuthority, anchors: list[x509.Certificate]) -> bytes:
    query = ask(CONTENT)
    return accept(authority.answer(query.der), query, anchors)


@pytest.fixture(scope="module")
def sealed() -> bytes:
    return signed()


@pytest.fixture(scope="module")
def stamped(authority: TimeAuthority, anchors: list[x509.Certificate], sealed: bytes) -> bytes:
    """The sealed document with a time stamp."""
    query = ask(stamped_bytes(sealed))
    return with_stamp(sealed, accept(authority.answer(query.der), query, anchors))


def test_p6_a_token_says_when_the_bytes_existed(token: bytes, anchors: list[x509.Certificate]) -> None:
    stamp = check(token, CONTENT, anchors)
    assert abs(stamp.at - datetime.now(UTC)) < timedelta(minutes=5)
    assert stamp.policy == "1.3.6.1.4.1.99999.1"
    assert stamp.serial > 0


def test_p6_openssl_accepts_the_token_that_we_keep(
    token: bytes, authority: TimeAuthority, tmp_path: Path
) -> None:
    (tmp_path / "content").write_bytes(CONTENT)
    (tmp_path / "token.tst").write_bytes(token)
    command = [tool("openssl"), "ts", "-verify", "-data", "content", "-in", "token.tst", "-token_in"]
    command += ["-CAfile", str(authority.anchor)]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    (tmp_path / "content").write_bytes(CONTENT + b"!")
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode != 0


def test_p6_a_token_for_other_bytes_is_refused(token: bytes, anchors: list[x509.Certificate]) -> None:
    with pytest.raises(BadStamp, match="Mismatch"):
        check(token, CONTENT + b"!", anchors)


def test_p6_an_authority_that_is_not_ours_is_refused(token: bytes, tmp_path: Path) -> None:
    stranger = TimeAuthority.create(tmp_path / "stranger")
    with pytest.raises(BadStamp):
        check(token, CONTENT, [stranger.certificate])
    query = ask(CONTENT)
    with pytest.raises(BadStamp):
        accept(stranger.answer(query.der), query, [])


def test_p6_a_certificate_that_is_not_for_time_stamps_is_refused(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        TimeAuthority.create(tmp_path / "other", for_stamps=False).answer(ask(CONTENT).der)


def test_p6_an_answer_to_another_question_is_refused(
    authority: TimeAuthority, anchors: list[x509.Certificate]
) -> None:
    first, second = ask(CONTENT), ask(CONTENT)
    assert first.nonce != second.nonce
    with pytest.raises(BadStamp, match="Nonce"):
        accept(authority.answer(first.der), second, anchors)


def test_p6_a_refusal_of_the_authority_is_no_stamp(
    authority: TimeAuthority, anchors: list[x509.Certificate]
) -> None:
    with pytest.raises(BadStamp):
        accept(authority.answer(b"not a request"), ask(CONTENT), anchors)


@settings(max_examples=200, deadline=None)
@given(place=st.integers(0, 10**9), value=st.integers(1, 255))
def test_p6_a_changed_token_never_says_something_else(
    place: int, value: int, token: bytes, anchors: list[x509.Certificate]
) -> None:
    changed = bytearray(token)
    changed[place % len(token)] ^= value
    try:
        said = check(bytes(changed), CONTENT, anchors)
    except BadStamp:
        return
    assert said == check(token, CONTENT, anchors)  # only what nobody reads may differ


def test_p6_a_stamped_seal_still_verifies_here_and_with_xmlsec1(
    sealed: bytes, stamped: bytes, tmp_path: Path
) -> None:
    verified = verify_seal(stamped, [certificate("p256")])
    assert verified.stamp is not None
    unstamped = verify_seal(sealed, [certificate("p256")])
    assert etree.tostring(verified.content) == etree.tostring(unstamped.content)
    assert unstamped.stamp is None
    assert xmlsec1_accepts(tmp_path, stamped)


def test_p6_the_stamp_is_over_the_signature_value(
    sealed: bytes, stamped: bytes, anchors: list[x509.Certificate]
) -> None:
    token = verify_seal(stamped, [certificate("p256")]).stamp
    assert token is not None
    assert check(token, stamped_bytes(stamped), anchors).at
    value = stamped_bytes(sealed)
    assert value == stamped_bytes(stamped)
    assert value.startswith(b'<ds:SignatureValue xmlns:ds="http://www.w3.org/2000/09/xmldsig#">')
    with pytest.raises(BadStamp):
        check(token, stamped_bytes(signed("other p256")), anchors)


def test_sr3_a_sender_s_signature_bears_no_unsigned_property(stamped: bytes) -> None:
    assert flaw(signed()) is None
    assert examined(stamped) is Flaw.PROFILE


@pytest.mark.parametrize(
    "extra",
    ["CounterSignature", "SignatureTimeStamp", "CertificateValues"],
)
def test_sr3_one_stamp_and_nothing_else_unsigned_in_a_seal(stamped: bytes, extra: str) -> None:
    def add(root: etree._Element) -> None:
        etree.SubElement(find(root, "UnsignedSignatureProperties", XADES), f"{XADES}{extra}")

    assert seal_flaw(edited(add, stamped)) is Flaw.PROFILE


def test_sr3_a_stamp_has_one_shape(stamped: bytes) -> None:
    def text(root: etree._Element) -> None:
        find(root, "SignatureTimeStamp", XADES).text = "hidden"

    def attribute(root: etree._Element) -> None:
        find(root, "SignatureTimeStamp", XADES).set("Id", "x")

    def method(root: etree._Element) -> None:
        find(find(root, "SignatureTimeStamp", XADES), "CanonicalizationMethod").set("Algorithm", "urn:other")

    def token(root: etree._Element) -> None:
        find(root, "EncapsulatedTimeStamp", XADES).text = "%%%"

    def data(root: etree._Element) -> None:
        etree.SubElement(find(root, "UnsignedProperties", XADES), f"{XADES}UnsignedDataObjectProperties")

    def outside(root: etree._Element) -> None:
        unsigned = find(root, "UnsignedProperties", XADES)
        signature(root).append(unsigned)

    assert {seal_flaw(edited(each, stamped)) for each in (text, attribute, method, token, data, outside)} == {
        Flaw.PROFILE
    }
    assert seal_flaw(stamped) is None


def seal_flaw(raw: bytes) -> Flaw | None:
    """Why a seal is refused, or None when it is accepted."""
    try:
        verify_seal(raw, [certificate("p256")])
    except BadSignature as error:
        return error.kind
    return None


def test_p6_the_token_in_the_document_is_the_one_that_was_given(
    stamped: bytes, anchors: list[x509.Certificate]
) -> None:
    text = find(parse(stamped), "EncapsulatedTimeStamp", XADES).text or ""
    assert base64.b64decode(text) == verify_seal(stamped, [certificate("p256")]).stamp
