"""The small certification authority of the embedded default."""

from __future__ import annotations

import stat
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store
from workshop import AT, FIRST, LAST, authority, key, public

from adapters.pki import Authority, KeyKind, Subject, new_key, write_certificates, write_key


def test_kinds_of_key() -> None:
    made = new_key(KeyKind.RSA_3072)
    assert isinstance(made, rsa.RSAPrivateKey)
    assert made.key_size == 3072
    curve = new_key(KeyKind.P256)
    assert isinstance(curve, ec.EllipticCurvePrivateKey)
    assert curve.curve.name == "secp256r1"


def test_a_certificate_says_whom_and_what_for() -> None:
    found = authority().issue(Subject("A", "B", "C"), public("p256"), FIRST, LAST)
    assert found.subject.rfc4514_string() == "CN=A,2.5.4.5=C,O=B"
    assert (found.not_valid_before_utc, found.not_valid_after_utc) == (FIRST, LAST)
    assert found.extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature
    purposes = found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    found.verify_directly_issued_by(authority().certificate)


def test_serial_numbers_differ() -> None:
    made = {authority().issue(Subject("A"), public("p256"), FIRST, LAST).serial_number for _ in range(20)}
    assert len(made) == 20


def test_a_server_certificate_is_accepted_by_a_tls_client() -> None:
    """By the strict rules of the web, for a name and for an address."""
    found = authority().issue(Subject("door"), public("p256"), FIRST, LAST, ["localhost", "127.0.0.1", "::1"])
    builder = PolicyBuilder().store(Store([authority().certificate])).time(AT)
    for name in (x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))):
        assert builder.build_server_verifier(name).verify(found, [])[-1] == authority().certificate
    with pytest.raises(x509.verification.VerificationError):
        builder.build_server_verifier(x509.DNSName("elsewhere")).verify(found, [])


def test_a_revocation_list() -> None:
    loaded = x509.load_pem_x509_crl(authority().crl({5: AT, 3: FIRST}, AT, AT + timedelta(days=1)))
    assert loaded.is_signature_valid(authority().key.public_key())
    assert [(entry.serial_number, entry.revocation_date_utc) for entry in loaded] == [(3, FIRST), (5, AT)]
    assert (loaded.last_update_utc, loaded.next_update_utc) == (AT, AT + timedelta(days=1))


def test_the_numbers_of_lists_grow() -> None:
    def number(offset: int) -> int:
        raw = authority().crl({}, AT + timedelta(seconds=offset), LAST)
        extensions = x509.load_pem_x509_crl(raw).extensions
        return extensions.get_extension_for_class(x509.CRLNumber).value.crl_number

    assert number(0) < number(1) < number(60)


@pytest.mark.parametrize("name", ["rsa", "p256"])
def test_a_key_file_is_for_its_owner_only(name: str, tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    write_key(file, key(name))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert load_pem_private_key(file.read_bytes(), None).public_key() == public(name)


def test_a_key_file_is_never_written_over(tmp_path: Path) -> None:
    write_key(tmp_path / "key.pem", key("p256"))
    with pytest.raises(FileExistsError):
        write_key(tmp_path / "key.pem", key("rsa"))


def test_a_root_comes_back_from_its_files(tmp_path: Path) -> None:
    write_key(tmp_path / "key.pem", authority().key)
    write_certificates(tmp_path / "root.pem", authority().certificate)
    loaded = Authority.load(tmp_path / "key.pem", tmp_path / "root.pem")
    assert loaded.certificate == authority().certificate
    loaded.issue(Subject("A"), public("rsa"), FIRST, LAST).verify_directly_issued_by(authority().certificate)


def test_a_root_with_the_key_of_another(tmp_path: Path) -> None:
    write_key(tmp_path / "key.pem", key("p256"))
    write_certificates(tmp_path / "root.pem", authority().certificate)
    with pytest.raises(ValueError, match="not the key"):
        Authority.load(tmp_path / "key.pem", tmp_path / "root.pem")


def test_a_root_does_not_show_its_key() -> None:
    assert "key=" not in repr(authority())
