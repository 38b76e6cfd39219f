"""Members of an institution whose authority stands below its root, as most do."""

from __future__ import annotations

import ssl
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx2
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from adapters.pki import Authority, Subject, write_certificates, write_key
from adapters.premises import Premises
from adapters.serve import Gateway
from gateway.moments import Received
from signing.sign import Signer
from tests.flow.premises import someone
from tests.house import EMPLOYER, MEMBER, House, house, wage


def under_an_intermediate(home: House) -> Signer:
    """A member's key certified by an authority below a second root; the root and the lists of both are
    put on the premises."""
    at = home.clock()
    first, last = at - timedelta(1), at + timedelta(500)
    root_key, middle_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    root_name = Subject("Institution root").name
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

    def authority(name: x509.Name, own: ec.EllipticCurvePrivateKey, length: int) -> Authority:
        root = root_key.public_key()
        certificate = (
            x509.CertificateBuilder(root_name, name, own.public_key(), x509.random_serial_number())
            .not_valid_before(first)
            .not_valid_after(last)
            .add_extension(x509.BasicConstraints(ca=True, path_length=length), critical=True)
            .add_extension(signing, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root), critical=False)
            .sign(root_key, hashes.SHA256())
        )
        return Authority(own, certificate)

    root = authority(root_name, root_key, 1)
    middle = authority(Subject("Institution members").name, middle_key, 0)
    premises = Premises(home.settings.data)
    write_certificates(premises.anchors / "institution.pem", root.certificate)
    for name, one in (("root", root), ("middle", middle)):
        (premises.revocations / f"{name}.crl").write_bytes(one.crl({}, at, last))
    certificate = middle.issue(Subject("Member", serial_number=str(MEMBER)), key.public_key(), first, last)
    return Signer(key, certificate, (middle.certificate,))


def test_a_member_below_an_intermediate_authority_comes_in_and_is_believed(tmp_path: Path) -> None:
    """The chain comes with the handshake and with the signature; the root is all we keep."""
    with house(tmp_path) as home:
        home.employer(EMPLOYER)
        member = home.sender(MEMBER, [EMPLOYER])
        signer = under_an_intermediate(home)
        home.gateway.members.add_certificate(MEMBER, signer.certificate, Received(home.clock()))
        home.gateway.engine.stop()
        home.gateway = Gateway(home.settings, home.clock)
        doors = home.gateway.start()
        try:
            write_key(tmp_path / "key.pem", signer.key)
            write_certificates(tmp_path / "chain.pem", signer.certificate, *signer.chain)
            tls = ssl.create_default_context(cafile=str(home.trust))
            tls.load_cert_chain(tmp_path / "chain.pem", tmp_path / "key.pem")
            below = replace(member, signer=signer)
            content = home.batch(below, "DECSAL", [wage(someone(), Period="2024-07")])
            with httpx2.Client(base_url=doors.https, verify=tls) as http:
                name = home.name("DECSAL", MEMBER)
                answer = http.post("/v1/deposits", params={"name": name}, content=content)
            assert answer.status_code == 202, answer.text
            deposit = answer.headers["location"].rpartition("/")[2]
            assert home.outcome(below, deposit).verdict == "accepted"
        finally:
            home.gateway.stop()
