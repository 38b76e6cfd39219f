"""A small certification authority: the embedded default of `secugate init`, of the demo and of the tests.

An institution that has a PKI uses its own; nothing else in the gateway knows this one.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey


class KeyKind(StrEnum):
    """The kinds of key we make."""

    RSA_3072 = "rsa3072"
    P256 = "p256"


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a certificate names.

    Attributes:
        common_name: the person, firm or machine.
        organisation: the organisation's name; empty for none.
        serial_number: the number it is registered under, such as a matricule; empty for none.
    """

    common_name: str
    organisation: str = ""
    serial_number: str = ""

    @property
    def name(self) -> x509.Name:
        parts = {
            NameOID.ORGANIZATION_NAME: self.organisation,
            NameOID.SERIAL_NUMBER: self.serial_number,
            NameOID.COMMON_NAME: self.common_name,
        }
        return x509.Name([x509.NameAttribute(oid, text) for oid, text in parts.items() if text])


@dataclass(frozen=True, slots=True)
class Authority:
    """A root with its key, on ECDSA P-256."""

    key: ec.EllipticCurvePrivateKey = field(repr=False)
    certificate: x509.Certificate

    @classmethod
    def create(cls, common_name: str, first: datetime, last: datetime) -> Authority:
        """A new root, valid from one aware moment to another."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = Subject(common_name).name
        usage = _key_usage(key_cert_sign=True, crl_sign=True)
        builder = (
            _builder(name, name, key.public_key(), key.public_key(), (first, last))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
        )
        return cls(key, builder.sign(key, hashes.SHA256()))

    @classmethod
    def load(cls, key: Path, certificate: Path) -> Authority:
        """Read a root from its two PEM files.

        Raises:
            ValueError: the key is not an ECDSA key or belongs to another certificate.
            OSError: a file cannot be read.
        """
        loaded = load_pem_private_key(key.read_bytes(), password=None)
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
        if not isinstance(loaded, ec.EllipticCurvePrivateKey) or loaded.public_key() != found.public_key():
            raise ValueError(f"{key} is not the key of {certificate}")
        return cls(loaded, found)

    def issue(
        self, subject: Subject, key: PublicKey, first: datetime, last: datetime, hosts: Sequence[str] = ()
    ) -> x509.Certificate:
        """A certificate for digital signatures and as a TLS client; as a TLS server too if it names hosts.

        Args:
            subject: whom it names.
            key: their public key.
            first, last: aware moments from and to which it is valid.
            hosts: names and addresses of a server.
        """
        return self._issue(subject.name, key, (first, last), hosts)

    def reissue(
        self, certificate: x509.Certificate, key: PublicKey, first: datetime, last: datetime
    ) -> x509.Certificate:
        """A certificate for whom another one names, with another key; it ends with our root at the latest."""
        until = min(last, self.certificate.not_valid_after_utc)
        return self._issue(certificate.subject, key, (first, until), ())

    def _issue(
        self, subject: x509.Name, key: PublicKey, valid: tuple[datetime, datetime], hosts: Sequence[str]
    ) -> x509.Certificate:
        purposes = [ExtendedKeyUsageOID.CLIENT_AUTH]
        if hosts:
            purposes.append(ExtendedKeyUsageOID.SERVER_AUTH)
        builder = (
            _builder(subject, self.certificate.subject, key, self.key.public_key(), valid)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(digital_signature=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        )
        if hosts:
            names = x509.SubjectAlternativeName([_host(host) for host in hosts])
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def issue_for_encryption(
        self, subject: Subject, key: PublicKey, first: datetime, last: datetime
    ) -> x509.Certificate:
        """A certificate for which others encrypt, and for nothing else; as `issue`."""
        builder = (
            _builder(subject.name, self.certificate.subject, key, self.key.public_key(), (first, last))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(key_encipherment=True), critical=True)
        )
        return builder.sign(self.key, hashes.SHA256())

    def crl(self, revoked: Mapping[int, datetime], this_update: datetime, next_update: datetime) -> bytes:
        """A revocation list, as PEM; its number is its moment in seconds.

        Args:
            revoked: serial number of each revoked certificate, and the aware moment of its revocation.
            this_update: when the list is made.
            next_update: when the next one is due at the latest.
        """
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(this_update)
            .next_update(next_update)
            .add_extension(issuer, critical=False)
            .add_extension(x509.CRLNumber(int(this_update.timestamp())), critical=False)
        )
        for serial, moment in sorted(revoked.items()):
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(moment).build()
            builder = builder.add_revoked_certificate(entry)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.PEM)


def new_key(kind: KeyKind) -> PrivateKey:
    """A fresh key; RSA takes a noticeable part of a second."""
    if kind is KeyKind.RSA_3072:
        return rsa.generate_private_key(public_exponent=65537, key_size=3072)
    return ec.generate_private_key(ec.SECP256R1())


def write_key(path: Path, key: PrivateKey) -> None:
    """Write a key as an unencrypted PEM file that only its owner may read; an existing file is refused."""
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)


def write_certificates(path: Path, *certificates: x509.Certificate) -> None:
    """Write certificates one after the other into a PEM file."""
    path.write_bytes(b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates))


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: PublicKey,
    issuer_key: PublicKey,
    valid: tuple[datetime, datetime],
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(valid[0])
        .not_valid_after(valid[1])
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
    )


def _key_usage(
    *,
    digital_signature: bool = False,
    key_encipherment: bool = False,
    key_cert_sign: bool = False,
    crl_sign: bool = False,
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=key_encipherment,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
