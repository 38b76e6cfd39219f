"""Members of an institution whose authority stands below its root, as most do."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from adapters.pki import Authority, Subject, write_certificates, write_key
from adapters.premises import Premises
from adapters.serve import Gateway
from gateway.moments import Received
from signing.sign import Signer
from tests.flow.premises import someone
from tests.house import EMPLOYER, MEMBER, House, Sender, house, wage

DAY = timedelta(days=1)


def _authority(
    name: str, key: ec.EllipticCurvePrivateKey, root: ec.EllipticCurvePrivateKey, home: House, length: int
) -> Authority:
    """An authority that the root certifies, be it itself."""
    at = home.clock()
    signing = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        x509.CertificateBuilder(
            Subject("Institution root").name,
            Subject(name).name,
            key.public_key(),
            x509.random_serial_number(),
        )
        .not_valid_before(at - DAY)
        .not_valid_after(at + 500 * DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=length), critical=True)
        .add_extension(signing, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root.public_key()), critical=False)
        .sign(root, hashes.SHA256())
    )
    return Authority(key, certificate)


@dataclass(frozen=True, slots=True)
class Institution:
    """A running gateway that trusts the root of an institution, and a member below its second authority."""

    home: House
    root: Authority
    middle: Authority
    member: Sender
    folder: Path

    def publish(self, authority: Authority, *revoked: x509.Certificate) -> None:
        """Its next revocation list."""
        at = self.home.clock()
        gone = {one.serial_number: at - timedelta(minutes=1) for one in revoked}
        name = authority.certificate.serial_number
        file = Premises(self.home.settings.data).revocations / f"{name}.crl"
        file.write_bytes(authority.crl(gone, at, at + 400 * DAY))

    def enter(self) -> httpx2.Client:
        """The HTTPS door from the member's side: the chain comes with the handshake."""
        assert self.home.doors is not None
        tls = ssl.create_default_context(cafile=str(self.home.trust))
        tls.load_cert_chain(self.folder / "chain.pem", self.folder / "key.pem")
        return httpx2.Client(base_url=self.home.doors.https, verify=tls)


@pytest.fixture
def institution(tmp_path: Path) -> Iterator[Institution]:
    with house(tmp_path) as home:
        home.employer(EMPLOYER)
        root_key, middle_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
        root = _authority("Institution root", root_key, root_key, home, 1)
        middle = _authority("Institution members", middle_key, root_key, home, 0)
        at = home.clock()
        certificate = middle.issue(
            Subject("Member", serial_number=str(MEMBER)), key.public_key(), at - DAY, at + 500 * DAY
        )
        signer = Signer(key, certificate, (middle.certificate,))
        made = Institution(
            home, root, middle, replace(home.sender(MEMBER, [EMPLOYER]), signer=signer), tmp_path
        )
        write_certificates(Premises(home.settings.data).anchors / "institution.pem", root.certificate)
        made.publish(root)
        made.publish(middle)
        write_key(tmp_path / "key.pem", key)
        write_certificates(tmp_path / "chain.pem", certificate, middle.certificate)
        home.gateway.members.add_certificate(MEMBER, certificate, Received(home.clock()))
        home.gateway.engine.stop()
        home.gateway = Gateway(home.settings, home.clock)
        home.doors = home.gateway.start()
        try:
            yield made
        finally:
            home.gateway.stop()


def test_a_member_below_an_intermediate_authority_comes_in_and_is_believed(institution: Institution) -> None:
    """The chain comes with the handshake and with the signature; the root is all we keep."""
    home, member = institution.home, institution.member
    content = home.batch(member, "DECSAL", [wage(someone(), Period="2024-07")])
    with institution.enter() as http:
        answer = http.post("/v1/deposits", params={"name": home.name("DECSAL", MEMBER)}, content=content)
    assert answer.status_code == 202, answer.text
    deposit = answer.headers["location"].rpartition("/")[2]
    assert home.outcome(member, deposit).verdict == "accepted"


def test_who_is_revoked_below_an_intermediate_authority_reads_nothing(institution: Institution) -> None:
    with institution.enter() as http:
        assert http.get("/v1/outbox").status_code == 200
        institution.publish(institution.middle, institution.member.signer.certificate)
        assert http.get("/v1/outbox").status_code == 403
        institution.publish(institution.middle)
        assert http.get("/v1/outbox").status_code == 200


def test_below_a_revoked_authority_nobody_reads_anything(institution: Institution) -> None:
    with institution.enter() as http:
        institution.publish(institution.root, institution.middle.certificate)
        assert http.get("/v1/outbox").status_code == 403
