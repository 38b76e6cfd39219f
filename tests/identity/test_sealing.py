"""Our own keys: private to us, in a hardware module, and exchanged without stopping (SR-25)."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from typer.testing import CliRunner

from adapters.cli import app
from adapters.installation import install
from adapters.pki import Authority, KeyKind, Subject, new_key, write_certificates, write_key
from adapters.premises import Premises, check_private, seal_of
from adapters.serve import Gateway
from adapters.settings import Settings
from gateway.moments import system_clock
from gateway.returns import ackrec, acktrt
from signing.certificates import load_certificate
from signing.sign import UnusableKey
from tests.house import EMPLOYER, MEMBER, house, wage
from tests.tools import tool

AT = system_clock()
DAY = timedelta(days=1)


def verified(folder: Path, document: bytes, certificate: x509.Certificate) -> bool:
    """Whether xmlsec1 accepts a sealed document with a certificate."""
    (folder / "document.xml").write_bytes(document)
    (folder / "seal.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    given = ["--verify", "--pubkey-cert-pem", "seal.pem", "--enabled-key-data", "key-name"]
    ids = ["--id-attr:Id", "http://uri.etsi.org/01903/v1.3.2#:SignedProperties", "document.xml"]
    done = subprocess.run([tool("xmlsec1"), *given, *ids], cwd=folder, capture_output=True, check=False)
    return done.returncode == 0


# private


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(data=tmp_path / "gateway", https_port=0, sftp_port=0)
    install(made, AT)
    return made


@pytest.mark.parametrize("name", ["signing.key.pem", "tls.key.pem", "ssh_host_ed25519_key"])
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o610])
def test_a_private_key_that_others_may_touch_refuses_the_start(
    settings: Settings, name: str, mode: int
) -> None:
    premises = Premises(settings.data)
    check_private(premises)
    file = premises.keys / name
    file.chmod(mode)
    with pytest.raises(UnusableKey, match=f"{name} may be read or changed by others"):
        check_private(premises)
    with pytest.raises(UnusableKey, match=name):
        Gateway(settings)
    file.chmod(0o600)
    check_private(premises)


def test_the_key_of_the_throw_away_authority_is_looked_at_too(settings: Settings) -> None:
    Premises(settings.data).authority_key.chmod(0o644)
    with pytest.raises(UnusableKey, match=r"authority\.key\.pem"):
        check_private(Premises(settings.data))


# exchanged while running


def test_the_seal_is_exchanged_under_load_and_what_the_old_one_sealed_still_verifies(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        home.employer(EMPLOYER)
        sender = home.sender(MEMBER, [EMPLOYER])
        before = home.send(sender, "DECSAL", [wage(Period="2026-05")])
        old = home.gateway.seal.signer.certificate  # type: ignore[attr-defined]
        result = CliRunner().invoke(app, ["seal", "exchange", "--data", str(home.settings.data)])
        assert result.exit_code == 0, result.output
        after = home.send(sender, "DECSAL", [wage(Period="2026-06")])
        new = home.gateway.seal.signer.certificate  # type: ignore[attr-defined]
        assert new != old
        for outcome, seal, other in ((before, old, new), (after, new, old)):
            for kind in (ackrec.CODE, acktrt.CODE):
                assert verified(tmp_path, outcome.answers[kind], seal)
                assert not verified(tmp_path, outcome.answers[kind], other)
        assert home.findings() == ()
        check_private(Premises(home.settings.data))
        assert not list(Premises(home.settings.data).keys.glob("next*"))


def test_half_an_exchange_changes_nothing(settings: Settings, tmp_path: Path) -> None:
    """Key first, certificate later: until both fit, the old key seals."""
    premises = Premises(settings.data)
    seal = seal_of(premises, settings)
    document = etree.fromstring(b'<a xmlns="urn:x"/>')
    old = seal.signer.certificate  # type: ignore[attr-defined]
    authority = Authority.load(premises.authority_key, premises.authority_certificate)
    fresh = new_key(KeyKind.P256)
    issued = authority.issue(Subject("seal"), fresh.public_key(), AT - DAY, AT + DAY)
    write_key(tmp_path / "new.pem", fresh)
    (tmp_path / "new.pem").replace(premises.signing_key)
    assert verified(tmp_path, seal.sign(document, AT), old)
    write_certificates(tmp_path / "cert.pem", issued)
    (tmp_path / "cert.pem").replace(premises.signing_certificate)
    assert verified(tmp_path, seal.sign(document, AT), issued)
    premises.signing_key.unlink()
    assert verified(tmp_path, seal.sign(document, AT), issued)


def test_keys_that_do_not_fit_are_not_put_in(settings: Settings, tmp_path: Path) -> None:
    premises = Premises(settings.data)
    before = premises.signing_key.read_bytes(), premises.signing_certificate.read_bytes()
    write_key(tmp_path / "other.pem", new_key(KeyKind.P256))
    words = ["--key", str(tmp_path / "other.pem"), "--certificate", str(premises.signing_certificate)]
    result = CliRunner().invoke(app, ["seal", "exchange", *words, "--data", str(settings.data)])
    assert result.exit_code == 1
    assert before == (premises.signing_key.read_bytes(), premises.signing_certificate.read_bytes())


# in a hardware module


def in_token(folder: Path, kind: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `tests.identity.in_token` with a token of its own."""
    tool("softhsm2-util")
    (folder / "tokens").mkdir()
    conf = f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n"
    (folder / "softhsm2.conf").write_text(conf)
    return subprocess.run(
        [sys.executable, "-m", "tests.identity.in_token", str(folder), kind],
        env={**os.environ, "SOFTHSM2_CONF": str(folder / "softhsm2.conf"), **environment},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("kind", ["p256", "rsa3072"])
def test_answers_sealed_in_a_token_verify_with_xmlsec1(tmp_path: Path, kind: str) -> None:
    """The key is in no file; of two under its label the one of the certificate is taken."""
    done = in_token(tmp_path, kind)
    assert done.returncode == 0, done.stderr
    assert not list((tmp_path / "gateway" / "keys").glob("signing.key*"))
    seal = load_certificate(tmp_path / "seal.pem")
    answers = [file for file in tmp_path.glob("answer.*") if file.suffix in (".ACKREC", ".ACKTRT")]
    assert len(answers) == 2
    for file in answers:
        document = file.read_bytes()
        assert verified(tmp_path, document, seal)
        assert not verified(tmp_path, document.replace(b"<Journal>", b"<Journal> "), seal)


def test_a_pin_that_others_may_read_refuses_the_start(tmp_path: Path) -> None:
    done = in_token(tmp_path, "p256", PIN_FOR_ALL="yes")
    assert done.returncode == 1
    assert "pin may be read or changed by others" in done.stderr


def test_a_token_that_is_not_there_refuses_the_start(tmp_path: Path) -> None:
    (tmp_path / "absent").mkdir()
    done = in_token(tmp_path, "p256", SECUGATE_PKCS11_TOKEN="another")
    assert done.returncode == 1
    assert "UnusableKey: the token another cannot be used" in done.stderr
