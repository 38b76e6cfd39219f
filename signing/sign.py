"""Put a seal on a document or on files: one XAdES B-level signature, as the profile wants it.

What is signed here verifies with the `xmlsec1` command:

    xmlsec1 --verify --pubkey-cert-pem seal.pem --enabled-key-data key-name \\
        --id-attr:Id http://uri.etsi.org/01903/v1.3.2#:SignedProperties FILE
"""

from __future__ import annotations

import base64
import mimetypes
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import cast
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from lxml import etree
from signxml.algorithms import SignatureMethod
from signxml.signer import SignatureReference
from signxml.util import SigningSettings
from signxml.xades.xades import XAdESDataObjectFormat, XAdESSigner

from signing.container import Container, write_container
from signing.profile import ASIC, C14N, DS, XADES, BadSignature, check_key

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class UnusableKey(Exception):
    """A key or certificate of ours that must not or cannot be used."""


@dataclass(frozen=True, slots=True)
class Signer:
    """A key of ours with its certificate, loaded once: reading an RSA key takes a tenth of a second.

    Attributes:
        key: RSA of 3072 bits or more, or ECDSA on P-256.
        certificate: for that key.
        chain: certificates between it and the root, sent along.
    """

    key: PrivateKey = field(repr=False)
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...] = ()

    def __post_init__(self) -> None:
        try:
            public = check_key(self.key.public_key())
        except BadSignature as error:
            raise UnusableKey(error.reason) from None
        if isinstance(public, ec.EllipticCurvePublicKey) and public.curve.name != "secp256r1":
            raise UnusableKey("we sign with RSA of 3072 bits or more, or with ECDSA on P-256")
        if public != self.certificate.public_key():
            raise UnusableKey("the certificate is for another key")

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

    def sign(self, element: etree._Element, at: datetime) -> bytes:
        """A signed copy of a document, as the bytes of a file.

        Args:
            element: root of a document without comments, processing instructions and signature, whose
                root has no identifier; left as it is.
            at: the moment of signature, aware; written to the second.

        Raises:
            ValueError: the document cannot be signed, or the moment has no time zone.
        """
        if at.tzinfo is None:
            raise ValueError("a moment of signature needs a time zone")
        if next(element.iter(f"{{{DS}}}Signature"), None) is not None:
            raise ValueError("the document is signed already")
        if next(element.iter(etree.Comment, etree.PI, etree.Entity), None) is not None:
            raise ValueError("comments, processing instructions and entities cannot be signed")
        if "Id" in element.attrib or "ID" in element.attrib:
            raise ValueError("the root must not have an identifier: the signature is for the whole document")
        return self._sealed(_Signer(self._method, at), element)

    def sign_container(self, files: Mapping[str, bytes], at: datetime) -> bytes:
        """A container of files with one signature over all of them, as the bytes of a file.

        Args:
            files: bytes by name, at least one.
            at: the moment of signature, aware; written to the second.

        Raises:
            ValueError: there is no file, one has a name that no container can have, or the moment has no
                time zone.
        """
        if at.tzinfo is None:
            raise ValueError("a moment of signature needs a time zone")
        if not files:
            raise ValueError("there is nothing to sign")
        wrapping = etree.Element(f"{{{ASIC}}}XAdESSignatures", nsmap={"asic": ASIC})
        signatures = self._sealed(_FilesSigner(self._method, at, files), wrapping)
        return write_container(Container(files, signatures))

    def _sealed(self, signer: _Signer, element: etree._Element) -> bytes:
        signed = signer.sign(
            element, key=self.key, cert=[self.certificate, *self.chain], always_add_key_value=False
        )
        return etree.tostring(signed, xml_declaration=True, encoding="UTF-8")

    @property
    def _method(self) -> SignatureMethod:
        is_rsa = isinstance(self.key, rsa.RSAPrivateKey)
        return SignatureMethod.RSA_SHA256 if is_rsa else SignatureMethod.ECDSA_SHA256


class _Signer(XAdESSigner):
    """signxml's signer with three differences, so that other programs understand what it writes.

    * The reference to the signed properties says its transform. Without one the standard means inclusive
      canonical XML, whatever the method of the signature, and other verifiers see another digest.
    * No reference to the key information: the signed properties name the certificate already.
    * The time is an argument, and identifiers are fixed, so that an RSA signature over the same document
      at the same time has the same bytes.
    """

    def __init__(self, method: SignatureMethod, at: datetime) -> None:
        super().__init__(
            signature_algorithm=method,
            c14n_algorithm=C14N,
            data_object_format=XAdESDataObjectFormat(Description="Signed document", MimeType="text/xml"),
        )
        self._at = at.astimezone(UTC)

    def _get_token(self, length: int = 4) -> str:  # noqa: ARG002 (signxml's signature)
        return ""  # identifiers need no random part where there is one signature

    def _add_reference_to_signed_info(
        self, sig_root: etree._Element, node_to_reference: etree._Element, **attributes: str
    ) -> None:
        if node_to_reference.tag == f"{{{DS}}}KeyInfo":
            return
        super()._add_reference_to_signed_info(  # type: ignore[no-untyped-call]
            sig_root, node_to_reference, **attributes
        )
        reference = sig_root.findall(f"{{{DS}}}SignedInfo/{{{DS}}}Reference")[-1]
        transforms = etree.Element(f"{{{DS}}}Transforms")
        etree.SubElement(transforms, f"{{{DS}}}Transform", Algorithm=C14N.value)
        reference.insert(0, transforms)

    def add_signing_time(
        self,
        signed_signature_properties: etree._Element,
        sig_root: etree._Element,  # noqa: ARG002 (signxml's signature)
        signing_settings: SigningSettings,  # noqa: ARG002
    ) -> None:
        time = etree.SubElement(signed_signature_properties, f"{{{XADES}}}SigningTime")
        time.text = self._at.strftime("%Y-%m-%dT%H:%M:%SZ")


class _FilesSigner(_Signer):
    """Signs files beside the XML, in the place of signxml's references into it."""

    def __init__(self, method: SignatureMethod, at: datetime, files: Mapping[str, bytes]) -> None:
        super().__init__(method, at)
        self._files = files

    def _unpack(
        self,
        data: etree._Element,
        references: list[SignatureReference],  # noqa: ARG002 (signxml's signature)
    ) -> tuple[etree._Element, etree._Element, list[etree._Element], list[SignatureReference]]:
        return etree.SubElement(data, f"{{{DS}}}Signature", nsmap={"ds": DS}), data, [], []

    def _build_sig(
        self,
        sig_root: etree._Element,
        references: list[SignatureReference],
        c14n_inputs: list[etree._Element],
        inclusive_ns_prefixes: list[str] | None,
        exclude_c14n_transform_element: bool = False,
    ) -> tuple[etree._Element, etree._Element]:
        info, value = super()._build_sig(  # type: ignore[no-untyped-call]
            sig_root, references, c14n_inputs, inclusive_ns_prefixes, exclude_c14n_transform_element
        )
        for name, content in self._files.items():
            reference = etree.SubElement(info, f"{{{DS}}}Reference", Id=f"file-{name}", URI=quote(name))
            etree.SubElement(reference, f"{{{DS}}}DigestMethod", Algorithm=self.digest_alg.value)
            digest = etree.SubElement(reference, f"{{{DS}}}DigestValue")
            digest.text = base64.b64encode(self._get_digest(content, algorithm=self.digest_alg)).decode()
        return info, value

    def add_data_object_format(
        self,
        signed_data_object_properties: etree._Element,
        sig_root: etree._Element,  # noqa: ARG002 (signxml's signature)
        signing_settings: SigningSettings,  # noqa: ARG002
    ) -> None:
        for name in self._files:
            described = etree.SubElement(
                signed_data_object_properties, f"{{{XADES}}}DataObjectFormat", ObjectReference=f"#file-{name}"
            )
            mime_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
            etree.SubElement(described, f"{{{XADES}}}MimeType").text = mime_type
