"""Containers built piece by piece, right or wrong: ZIP files, manifests and CMS signatures.

A forger in these vectors owns a good key: whatever is put into the signed attributes is rightly signed, so
that only the profile stands in the way.
"""

from __future__ import annotations

import base64
import hashlib
import io
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from asn1crypto import algos, cms, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from signing.container import ASIC_MANIFEST, CMS_SIGNATURE, MIMETYPE, MIMETYPE_OF_ONE
from signing.sign import PrivateKey

AT = datetime(2026, 8, 3, 9, 15, tzinfo=UTC)
HASHES: Mapping[str, hashes.HashAlgorithm] = {
    "md5": hashes.MD5(),
    "sha1": hashes.SHA1(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}

Fields = dict[str, Any]
Edit = Callable[[Fields], object]


@dataclass(frozen=True, slots=True)
class Hand:
    """Who signs: a key and the certificate that goes with it."""

    key: PrivateKey
    certificate: x509.Certificate


def keep(_: Fields) -> None:
    """No edit."""


def attribute(name: str, *values: object) -> cms.CMSAttribute:
    return cms.CMSAttribute({"type": name, "values": list(values)})


def read(certificate: x509.Certificate) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))


def named(certificate: x509.Certificate, digest: str = "sha256") -> tsp.SigningCertificateV2:
    value = certificate.fingerprint(HASHES[digest])
    return tsp.SigningCertificateV2(
        {"certs": [{"hash_algorithm": {"algorithm": digest}, "cert_hash": value}]}
    )


def signature(
    content: bytes,
    hand: Hand,
    *,
    digest: str = "sha256",
    attributes: Edit = keep,
    signer: Edit = keep,
    data: Edit = keep,
) -> bytes:
    """A CMS signature over bytes.

    Args:
        content: what is signed.
        hand: who signs.
        digest: of the content and of the signature.
        attributes: edits the signed attributes, by name, before they are signed.
        signer: edits the SignerInfo afterwards.
        data: edits the SignedData around it.
    """
    computed = hashes.Hash(HASHES[digest])
    computed.update(content)
    own: Fields = {
        "content_type": attribute("content_type", "data"),
        "signing_time": attribute("signing_time", cms.Time({"utc_time": AT})),
        "message_digest": attribute("message_digest", computed.finalize()),
        "signing_certificate_v2": attribute("signing_certificate_v2", named(hand.certificate)),
    }
    attributes(own)
    signed_attributes = cms.CMSAttributes(list(own.values()))
    certificate = read(hand.certificate)
    is_rsa = isinstance(hand.key, rsa.RSAPrivateKey)
    info: Fields = {
        "version": "v1",
        "sid": cms.SignerIdentifier(
            {
                "issuer_and_serial_number": cms.IssuerAndSerialNumber(
                    {"issuer": certificate.issuer, "serial_number": certificate.serial_number}
                )
            }
        ),
        "digest_algorithm": {"algorithm": digest},
        "signed_attrs": signed_attributes,
        "signature_algorithm": {"algorithm": f"{digest}_{'rsa' if is_rsa else 'ecdsa'}"},
        "signature": _value(hand.key, signed_attributes.dump(), digest),
    }
    signer(info)
    whole: Fields = {
        "version": "v1",
        "digest_algorithms": [algos.DigestAlgorithm({"algorithm": digest})],
        "encap_content_info": {"content_type": "data"},
        "certificates": [certificate],
        "signer_infos": [cms.SignerInfo(info)],
    }
    data(whole)
    return bytes(
        cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(whole)}).dump(force=True)
    )


def _value(key: PrivateKey, signed: bytes, digest: str) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(signed, padding.PKCS1v15(), HASHES[digest])
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key.sign(signed, ec.ECDSA(HASHES[digest]))


_SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"


def reference(name: str, content: bytes, method: str = _SHA256) -> str:
    """What a manifest says of a file."""
    value = base64.b64encode(hashlib.sha256(content).digest()).decode()
    return (
        f'<asic:DataObjectReference URI="{name}"><ds:DigestMethod Algorithm="{method}"/>'
        f"<ds:DigestValue>{value}</ds:DigestValue></asic:DataObjectReference>"
    )


def manifest(*references: str, signature: str = CMS_SIGNATURE) -> bytes:
    """A manifest of ASiC-E with CAdES."""
    return (
        '<asic:ASiCManifest xmlns:asic="http://uri.etsi.org/02918/v1.2.1#" '
        'xmlns:ds="http://www.w3.org/2000/09/xmldsig#">'
        f'<asic:SigReference URI="{signature}" MimeType="application/x-pkcs7-signature"/>'
        f"{''.join(references)}</asic:ASiCManifest>"
    ).encode()


def of_one(name: str, content: bytes, sealed: bytes, *more: tuple[str, bytes]) -> bytes:
    """An ASiC-S container with a CMS signature."""
    head = ("mimetype", MIMETYPE_OF_ONE.encode())
    return zipped(head, (name, content), (CMS_SIGNATURE, sealed), *more)


def of_several(
    files: Mapping[str, bytes], described: bytes, sealed: bytes, *more: tuple[str, bytes]
) -> bytes:
    """An ASiC-E container with a CMS signature over a manifest."""
    head, tail = ("mimetype", MIMETYPE.encode()), ((ASIC_MANIFEST, described), (CMS_SIGNATURE, sealed))
    return zipped(head, *files.items(), *tail, *more)


def zipped(*entries: tuple[str, bytes], deflated: bool = False, comment: bytes = b"") -> bytes:
    """A ZIP file; the first entry is stored."""
    raw = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(raw, "w") as archive:
        warnings.simplefilter("ignore")  # the same name twice is what a vector may want
        for place, (name, content) in enumerate(entries):
            method = zipfile.ZIP_DEFLATED if deflated and place else zipfile.ZIP_STORED
            archive.writestr(zipfile.ZipInfo(name), content, method)
        archive.comment = comment
    return raw.getvalue()


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry written field by field.

    Attributes:
        method: 0 stored, 8 deflated.
        front, extra: extra fields in front of its bytes, and in the directory.
        packed: its bytes as they lie there; those of `content` when None.
        size, checksum: what is said of it; true when None.
        front_name: its name in front of its bytes; the same when None.
    """

    name: str
    content: bytes
    method: int = 0
    front: bytes = b""
    extra: bytes = b""
    remark: bytes = b""
    mode: int = 0
    flags: int = 0
    volume: int = 0
    packed: bytes | None = None
    size: int | None = None
    checksum: int | None = None
    front_name: str | None = None

    @property
    def lying(self) -> bytes:
        if self.packed is not None:
            return self.packed
        return deflated(self.content) if self.method else self.content


def deflated(content: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(content) + stream.flush()


def by_hand(
    entries: Sequence[Entry],
    *,
    behind: bytes = b"",
    between: bytes = b"",
    count: int | None = None,
    shift: int = 0,
) -> bytes:
    """A ZIP file as no packing program writes it.

    Args:
        entries: in their order.
        behind: the directory.
        between: the entries and the directory.
        count: entries, as its end says; true when None.
        shift: how far the place of the directory is off.
    """
    body, directory = bytearray(), bytearray()
    for one in entries:
        size = len(one.content) if one.size is None else one.size
        checksum = zlib.crc32(one.content) if one.checksum is None else one.checksum
        sizes = struct.pack("<HHHIII", one.method, 0, 33, checksum, len(one.lying), size)
        name, front_name = one.name.encode(), (one.front_name or one.name).encode()
        directory += struct.pack("<4sHHH", b"PK\x01\x02", 20, 20, one.flags) + sizes
        directory += struct.pack(
            "<HHHHHII",
            len(name),
            len(one.extra),
            len(one.remark),
            one.volume,
            0,
            one.mode,
            len(body),
        )
        directory += name + one.extra + one.remark
        body += struct.pack("<4sHH", b"PK\x03\x04", 20, one.flags) + sizes
        body += struct.pack("<HH", len(front_name), len(one.front)) + front_name + one.front + one.lying
    body += between
    said = len(entries) if count is None else count
    place = len(body) + shift
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, said, said, len(directory), place, 0)
    return bytes(body + directory + behind + end)
