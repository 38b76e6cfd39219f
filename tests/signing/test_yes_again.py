"""A yes that is given again is the one a fresh look would give, at every moment (`Trust.judge`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from workshop import AT, authority, public

from adapters.pki import Authority, Subject, write_certificates
from signing import certificates
from signing.certificates import CannotTell, Evidence, Trust, Untrusted

HOUR = timedelta(hours=1)
USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)
HOURS = st.integers(0, 12)
EARLY, LATE = st.sampled_from((0, 0, 4)), st.sampled_from((8, 12, 12))


def told(
    trust: Trust, certificate: x509.Certificate, at: datetime, chain: Sequence[x509.Certificate] = ()
) -> Evidence | str:
    try:
        return trust.judge(certificate, chain, at)
    except Untrusted as no:
        return no.kind
    except CannotTell:
        return "cannot tell"


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    certificate=st.tuples(EARLY, LATE),
    anchors=st.tuples(EARLY, LATE),
    list_of=st.tuples(HOURS, LATE),
    revoked=st.integers(0, 24),
    asked=st.lists(HOURS, max_size=5),
)
def test_whoever_was_asked_before_says_what_somebody_new_would(
    tmp_path: Path,
    certificate: tuple[int, int],
    anchors: tuple[int, int],
    list_of: tuple[int, int],
    revoked: int,
    asked: list[int],
) -> None:
    """The begin and end of a certificate, its anchor and its list, and a revocation, at any hours."""
    root, crls, file = authority(), tmp_path / "crls", tmp_path / "anchors.pem"
    crls.mkdir(exist_ok=True)
    write_certificates(file, root.certificate)
    first, last = (AT + hours * HOUR for hours in anchors)
    file.with_suffix(".yaml").write_text(f"from: {first.isoformat()}\nuntil: {last.isoformat()}\n")
    begin, end = (AT + hours * HOUR for hours in certificate)
    one = root.issue(Subject("someone"), public("p256"), begin, end)
    # A list may be older than the certificate, or younger than what is asked about.
    this, following = (AT + hours * HOUR for hours in sorted(list_of))
    published = root.crl({one.serial_number: AT + revoked * HOUR}, this, following)
    (crls / "root.crl").write_bytes(published)
    asked_before = Trust(file, crls)
    for hours in (*asked, *range(13)):
        for at in (AT + hours * HOUR, AT + hours * HOUR + HOUR / 2):
            assert told(asked_before, one, at) == told(Trust(file, crls), one, at)


def test_the_path_is_looked_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, crls, file = authority(), tmp_path / "crls", tmp_path / "anchors.pem"
    crls.mkdir()
    write_certificates(file, root.certificate)
    one = root.issue(Subject("someone"), public("p256"), AT - HOUR, AT + 9 * HOUR)
    (crls / "root.crl").write_bytes(root.crl({}, AT - HOUR, AT + 9 * HOUR))
    trust, looks = Trust(file, crls), []
    look = certificates.CertificateValidator
    monkeypatch.setattr(certificates, "CertificateValidator", lambda *of: looks.append(1) or look(*of))
    for hours in range(5):
        assert trust.judge(one, [], AT + hours * HOUR).at == AT + hours * HOUR
    assert len(looks) == 1
    (crls / "root.crl").write_bytes(root.crl({one.serial_number: AT + HOUR}, AT, AT + 9 * HOUR))
    assert told(trust, one, AT + 2 * HOUR) == "revoked"


def for_lists(root: Authority, first: datetime, last: datetime) -> Authority:
    """The other key of an authority, with which it signs lists and nothing else (RFC 5280, 4.2.1.3)."""
    key, name = ec.generate_private_key(ec.SECP256R1()), root.certificate.subject
    builder = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), first, last)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root.key.public_key()), False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(x509.KeyUsage(**dict.fromkeys(USAGES, False) | {"crl_sign": True}), True)
    )
    return Authority(key, builder.sign(root.key, hashes.SHA256()))


def test_a_yes_that_rests_on_what_is_sent_along_is_not_given_again(tmp_path: Path) -> None:
    """The certificate for an authority's lists came in the chain, and ends at four."""
    root, crls, file = authority(), tmp_path / "crls", tmp_path / "anchors.pem"
    crls.mkdir()
    write_certificates(file, root.certificate)
    one = root.issue(Subject("someone"), public("p256"), AT - HOUR, AT + 12 * HOUR)
    other = for_lists(root, AT - HOUR, AT + 4 * HOUR)
    (crls / "other.crl").write_bytes(other.crl({}, AT - HOUR, AT + 12 * HOUR))
    trust = Trust(file, crls)
    answers = [told(trust, one, AT + hours * HOUR, [other.certificate]) for hours in range(9)]
    fresh = [told(Trust(file, crls), one, AT + hours * HOUR, [other.certificate]) for hours in range(9)]
    assert answers == fresh
    assert isinstance(answers[0], Evidence)
    assert not isinstance(answers[8], Evidence)
