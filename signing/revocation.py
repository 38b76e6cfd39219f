"""What tells of revocation: lists of certificates that were revoked, and answers about single ones.

Sources: RFC 5280, section 5; RFC 6960.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime

from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp


@dataclass(frozen=True, slots=True)
class RevocationList:
    """A revocation list that was consulted.

    Attributes:
        issuer: its issuer's name (RFC 4514).
        number: CRL number; None where the list has none.
        this_update, next_update: its dates, in UTC; the latter None where the list has none.
        der: the list itself.
    """

    issuer: str
    number: int | None
    this_update: datetime
    next_update: datetime | None
    der: bytes = field(repr=False)

    @property
    def digest(self) -> str:
        """SHA-256 of its DER form, hexadecimal."""
        return hashlib.sha256(self.der).hexdigest()

    def covers(self, at: datetime) -> bool:
        """Whether it still held at a moment; one issued later does."""
        return self.next_update is None or at <= self.next_update


@dataclass(frozen=True, slots=True)
class StatusAnswer:
    """An OCSP answer that was consulted.

    Attributes:
        this_update: since when at the latest it was so; of several the first.
        serials: of the certificates it tells of.
        der: the answer itself, with the certificate of its responder if that came along.
    """

    this_update: datetime
    serials: frozenset[int]
    der: bytes = field(repr=False)

    @property
    def digest(self) -> str:
        """SHA-256 of its DER form, hexadecimal."""
        return hashlib.sha256(self.der).hexdigest()


@dataclass(frozen=True, slots=True)
class LoadedList:
    """A revocation list, as each of those who read in it takes it."""

    parsed: asn1_crl.CertificateList
    loaded: x509.CertificateRevocationList
    described: RevocationList


@dataclass(frozen=True, slots=True)
class LoadedAnswer:
    """An OCSP answer, for the validator of paths and in words."""

    parsed: asn1_ocsp.OCSPResponse
    described: StatusAnswer


def read_list(raw: bytes) -> LoadedList:
    """A revocation list, PEM or DER; who has signed it is for the validator to see.

    Raises:
        ValueError: it cannot be read.
    """
    pem = raw.lstrip().startswith(b"-----BEGIN")
    loaded = x509.load_pem_x509_crl(raw) if pem else x509.load_der_x509_crl(raw)
    der = loaded.public_bytes(Encoding.DER)
    try:
        number = loaded.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    except x509.ExtensionNotFound:
        number = None
    described = RevocationList(
        issuer=loaded.issuer.rfc4514_string(),
        number=number,
        this_update=loaded.last_update_utc,
        next_update=loaded.next_update_utc,
        der=der,
    )
    return LoadedList(asn1_crl.CertificateList.load(der, strict=True), loaded, described)


def read_answer(raw: bytes) -> LoadedAnswer:
    """An OCSP answer, DER; who has signed it is for the validator to see.

    Raises:
        ValueError: it cannot be read, or says nothing of any certificate.
    """
    loaded = ocsp.load_der_ocsp_response(raw)
    if loaded.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        raise ValueError("the responder said nothing of a certificate")
    told = list(loaded.responses)
    if not told:
        raise ValueError("the responder said nothing of a certificate")
    described = StatusAnswer(
        this_update=min(one.this_update_utc for one in told),
        serials=frozenset(one.serial_number for one in told),
        der=raw,
    )
    return LoadedAnswer(asn1_ocsp.OCSPResponse.load(raw, strict=True), described)
