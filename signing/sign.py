"""Put a seal on a document or on files: one XAdES B-level signature, as the profile wants it.

What is signed here verifies with the `xmlsec1` command:

    xmlsec1 --verify --pubkey-cert-pem seal.pem --enabled-key-data key-name \\
        --id-attr:Id http://uri.etsi.org/01903/v1.3.2#:SignedProperties FILE

A document is written in its canonical form, once: these bytes are what is digested, and what is kept, with
the signature put in before the last tag. `SignedInfo` and `SignedProperties` are text in canonical form as
well, with every namespace declared where exclusive canonical XML wants it; so nothing is built or copied to
be canonicalized. `tests/signing/` holds the result against other programs' signatures and verifiers.
"""

from __future__ import annotations

import base64
import hashlib
import mimetypes
import stat
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, Protocol, cast
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod

from signing.container import Container, write_container
from signing.profile import ASIC, C14N, DS, ENVELOPED, SIGNED_PROPERTIES, XADES, BadSignature, check_key

_DECLARATION = b"<?xml version='1.0' encoding='UTF-8'?>\n"
_DECLARED = f' xmlns:ds="{DS}"'
_P256_BYTES = 32
_ID = "signature"
_PROPERTIES_ID = f"{_ID}-properties"
_DOCUMENT_ID = f"{_ID}-document"


class UnusableKey(Exception):
    """A key or certificate of ours that must not or cannot be used."""


class KeyElsewhere(Protocol):
    """A key that is not in our memory, such as one in a hardware module."""

    def public_key(self) -> rsa.RSAPublicKey | ec.EllipticCurvePublicKey:
        """The half of it that everybody may have."""

    def sign(self, text: bytes) -> bytes:
        """The value of a signature with SHA-256 as XML Signature 1.1 wants it: PKCS #1 v1.5 of an RSA key,
        r and s of 32 bytes each of one on P-256.
        """


PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
Key = PrivateKey | KeyElsewhere


@dataclass(frozen=True, slots=True)
class Signer:
    """A key of ours with its certificate, loaded once: reading an RSA key takes a tenth of a second.

    Attributes:
        key: RSA of 3072 bits or more, or ECDSA on P-256.
        certificate: for that key.
        chain: certificates between it and the root, sent along.
    """

    key: Key = field(repr=False)
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...] = ()
    _certificates: str = field(init=False, repr=False, compare=False)
    _fingerprint: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            public = check_key(self.key.public_key())
        except BadSignature as error:
            raise UnusableKey(error.reason) from None
        if isinstance(public, ec.EllipticCurvePublicKey) and public.curve.name != "secp256r1":
            raise UnusableKey("we sign with RSA of 3072 bits or more, or with ECDSA on P-256")
        if public != self.certificate.public_key():
            raise UnusableKey("the certificate is for another key")
        sent = (one.public_bytes(Encoding.DER) for one in (self.certificate, *self.chain))
        written = (f"<ds:X509Certificate>{_base64(one)}</ds:X509Certificate>" for one in sent)
        object.__setattr__(self, "_certificates", "".join(written))
        object.__setattr__(self, "_fingerprint", _base64(self.certificate.fingerprint(hashes.SHA256())))

    @classmethod
    def load(cls, key: Path, certificate: Path) -> Signer:
        """Read a PEM key and a PEM file of its certificate, followed by the chain if there is one.

        Raises:
            UnusableKey: the key may be read by others, is of a kind or size not on the list, or does not
                belong to the certificate; either file is not PEM.
            OSError: a file cannot be read.
        """
        mode = stat.S_IMODE(key.stat().st_mode)
        if mode & 0o077:
            raise UnusableKey(f"{key} may be read or changed by others (mode {mode:04o}): chmod 600 {key}")
        try:
            loaded = load_pem_private_key(key.read_bytes(), password=None)
            first, *chain = x509.load_pem_x509_certificates(certificate.read_bytes())
        except (ValueError, TypeError) as error:
            raise UnusableKey(f"{key} or {certificate} is not a plain PEM file ({error})") from None
        return cls(cast(PrivateKey, loaded), first, tuple(chain))  # its kind is checked there

    def sign_message(self, base: Callable[[x509.Certificate], bytes]) -> bytes:
        """The value of a signature, of the form that `signing.messages` wants, over what is written for our
        certificate."""
        return self._value(base(self.certificate))

    def sign(self, element: etree._Element, at: datetime) -> bytes:
        """A document in canonical form with its signature, as the bytes of a file.

        Args:
            element: root of a document without comments, processing instructions and signature, whose
                root has no identifier; as it was read, or built in one namespace (prefixes that lxml makes
                up for several may clash); left as it is.
            at: the moment of signature, aware; written to the second.

        Raises:
            ValueError: the document cannot be signed, or the moment has no time zone.
        """
        if next(element.iter(f"{{{DS}}}Signature"), None) is not None:
            raise ValueError("the document is signed already")
        if next(element.iter(etree.Comment, etree.PI, etree.Entity), None) is not None:
            raise ValueError("comments, processing instructions and entities cannot be signed")
        if "Id" in element.attrib or "ID" in element.attrib:
            raise ValueError("the root must not have an identifier: the signature is for the whole document")
        return self.sign_canonical(etree.tostring(element, method="c14n", exclusive=True), at)

    def sign_canonical(self, document: bytes, at: datetime) -> bytes:
        """The same of a document that was written in exclusive canonical form; that it can be signed is the
        caller's affair.

        Raises:
            ValueError: the moment has no time zone.
        """
        covered = _Covered(_DOCUMENT_ID, "", _digest(document), "text/xml", is_root=True)
        end = document.rindex(b"</")
        seal = self._signature([covered], at)
        return b"".join((_DECLARATION, document[:end], seal.encode(), document[end:]))

    def sign_container(self, files: Mapping[str, bytes], at: datetime) -> bytes:
        """A container of files with one signature over all of them, as the bytes of a file.

        Args:
            files: bytes by name, at least one.
            at: the moment of signature, aware; written to the second.

        Raises:
            ValueError: there is no file, one has a name that no container can have, or the moment has no
                time zone.
        """
        if not files:
            raise ValueError("there is nothing to sign")
        seal = self._signature([_file(name, content) for name, content in files.items()], at)
        signatures = f'<asic:XAdESSignatures xmlns:asic="{ASIC}">{seal}</asic:XAdESSignatures>'
        return write_container(Container(files, _DECLARATION + signatures.encode()))

    def _signature(self, covered: Iterable[_Covered], at: datetime) -> str:
        """The signature as XML."""
        if at.tzinfo is None:
            raise ValueError("a moment of signature needs a time zone")
        covered = list(covered)
        time = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        formats = tuple((one.id, one.mime_type, one.is_root) for one in covered)
        properties, digest = _properties(time, self._fingerprint, formats)
        info = self._info(covered, digest)
        value = _base64(self._value(info.encode()))
        return (
            f'<ds:Signature{_DECLARED} Id="{_ID}">{info}<ds:SignatureValue>{value}</ds:SignatureValue>'
            f"<ds:KeyInfo><ds:X509Data>{self._certificates}</ds:X509Data></ds:KeyInfo><ds:Object>"
            f'<xades:QualifyingProperties xmlns:xades="{XADES}" Target="#{_ID}">{properties}'
            "</xades:QualifyingProperties></ds:Object></ds:Signature>"
        )

    def _info(self, covered: Iterable[_Covered], properties: str) -> str:
        """What is signed: the digests of all that is covered, and that of the signed properties."""
        references = "".join(
            f'<ds:Reference Id="{one.id}" URI="{one.uri}">'
            f"{_transforms(ENVELOPED, C14N.value) if one.is_root else ''}{_digested(one.digest)}"
            "</ds:Reference>"
            for one in covered
        )
        return (
            f"<ds:SignedInfo{_DECLARED}>"
            f'<ds:CanonicalizationMethod Algorithm="{C14N.value}"></ds:CanonicalizationMethod>'
            f'<ds:SignatureMethod Algorithm="{self._method.value}"></ds:SignatureMethod>'
            f'{references}<ds:Reference Type="{SIGNED_PROPERTIES}" URI="#{_PROPERTIES_ID}">'
            f"{_transforms(C14N.value)}{_digested(properties)}</ds:Reference></ds:SignedInfo>"
        )

    @property
    def _method(self) -> SignatureMethod:
        is_rsa = isinstance(self.certificate.public_key(), rsa.RSAPublicKey)
        return SignatureMethod.RSA_SHA256 if is_rsa else SignatureMethod.ECDSA_SHA256

    def _value(self, text: bytes) -> bytes:
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(text, padding.PKCS1v15(), hashes.SHA256())
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            r, s = decode_dss_signature(self.key.sign(text, ec.ECDSA(hashes.SHA256())))
            return r.to_bytes(_P256_BYTES) + s.to_bytes(_P256_BYTES)
        return self.key.sign(text)


class _Covered(NamedTuple):
    """What a signature is over: the document around it, or a file beside it.

    Attributes:
        id: of the reference to it.
        uri: by which it is referred to.
        digest: SHA-256 of it, in base64.
    """

    id: str
    uri: str
    digest: str
    mime_type: str
    is_root: bool = False


@lru_cache(maxsize=64)
def _properties(time: str, fingerprint: str, formats: tuple[tuple[str, str, bool], ...]) -> tuple[str, str]:
    """When and with which certificate something is signed, and what; and the digest of that. Of many
    documents that are signed together it is the same.

    Args:
        time: the moment of signature as it is written.
        fingerprint: SHA-256 of the certificate, in base64.
        formats: of all that is covered the id of its reference, its type, and whether it is the document.
    """
    described = "".join(
        f'<xades:DataObjectFormat ObjectReference="#{reference}">'
        f"{'<xades:Description>Signed document</xades:Description>' if is_root else ''}"
        f"<xades:MimeType>{mime_type}</xades:MimeType></xades:DataObjectFormat>"
        for reference, mime_type, is_root in formats
    )
    written = (
        f'<xades:SignedProperties xmlns:xades="{XADES}" Id="{_PROPERTIES_ID}">'
        f"<xades:SignedSignatureProperties><xades:SigningTime>{time}</xades:SigningTime>"
        "<xades:SigningCertificateV2><xades:Cert><xades:CertDigest>"
        f"{_digested(fingerprint, _DECLARED)}"
        "</xades:CertDigest></xades:Cert></xades:SigningCertificateV2>"
        "</xades:SignedSignatureProperties>"
        f"<xades:SignedDataObjectProperties>{described}</xades:SignedDataObjectProperties>"
        "</xades:SignedProperties>"
    )
    return written, _digest(written.encode())


def _file(name: str, content: bytes) -> _Covered:
    mime_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return _Covered(f"file-{_attribute(name)}", quote(name), _digest(content), mime_type)


def _attribute(value: str) -> str:
    """A value as it stands in canonical XML; no name in a container has control characters."""
    return value.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


def _digest(content: bytes) -> str:
    return _base64(hashlib.sha256(content).digest())


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _digested(digest: str, declared: str = "") -> str:
    return (
        f'<ds:DigestMethod{declared} Algorithm="{DigestAlgorithm.SHA256.value}"></ds:DigestMethod>'
        f"<ds:DigestValue{declared}>{digest}</ds:DigestValue>"
    )


def _transforms(*algorithms: str) -> str:
    steps = "".join(f'<ds:Transform Algorithm="{one}"></ds:Transform>' for one in algorithms)
    return f"<ds:Transforms>{steps}</ds:Transforms>"
