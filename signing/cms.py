"""Detached CMS signatures over bytes (CAdES B-level): what one must look like, and whether it is right.

What `openssl cms -sign -cades -binary -outform DER` writes. The order of checks, as for XML
(`signing.profile`), with the same lists of algorithms, key kinds and key sizes:

1. no more bytes than allowed; DER, hence one spelling: no indefinite length, nothing behind the end;
2. one signer, content beside the signature and of the kind *data*, one to five certificates among which the
   signer is found once by issuer and serial number; no revocation lists: we have our own;
3. signed attributes, none twice and each with one value: kind of content, digest, signing time and signing
   certificate (ESS, version 2), at most those of `_ALLOWED` beside them; no unsigned attributes, because
   nothing protects them;
4. algorithms, keys; what several places say of them agrees;
5. the certificate that the signed attributes name is the signer's.

Only then is anything computed. Sources: RFC 5652 (CMS), RFC 5035 (signing certificate), RFC 6211 (algorithm
protection), ETSI EN 319 122-1 clauses 5 and 6.3 (CAdES), ETSI TS 119 312 for algorithms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from asn1crypto import cms, core, tsp  # `tsp` teaches `cms` the signing certificate
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from signing.der import NotDer, are_sorted, check_der
from signing.profile import (
    CERTIFICATES,
    BadSignature,
    Flaw,
    PublicKey,
    anything_else_is_no,
    check_key,
)

LARGEST = 64 * 1024
"""Bytes of a signature: five certificates make fewer than twenty thousand."""

_HASHES: Mapping[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
_ECDSA_DIGESTS = frozenset({"sha256", "sha384"})
_PSS_DIGEST = "sha256"

_MIME_TYPE = "0.4.0.1733.2.1"
_REQUIRED = frozenset({"content_type", "message_digest", "signing_time", "signing_certificate_v2"})
_ALLOWED = _REQUIRED | {"smime_capabilities", "cms_algorithm_protection", _MIME_TYPE}
"""What a mail program understands, which algorithms, what kind of file: the first and the last decide
nothing here."""


@dataclass(frozen=True, slots=True)
class CmsClaim:
    """What a well-shaped signature claims; nothing of it is proven yet.

    Attributes:
        certificate: whose signature it is said to be.
        chain: the further certificates sent with it.
        signed_at: the moment of signature as the signer claims it, in UTC.
    """

    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    signed_at: datetime
    _hash: hashes.HashAlgorithm = field(repr=False)
    _digest: bytes = field(repr=False)
    _attributes: bytes = field(repr=False)
    _padding: padding.AsymmetricPadding | None = field(repr=False)
    _value: bytes = field(repr=False)

    def check(self, certificate: x509.Certificate, content: bytes) -> None:
        """Check the digest and the signature value with a certificate that the caller trusts.

        Args:
            certificate: the registered one; must be the one claimed.
            content: the bytes that are said to be signed.

        Raises:
            BadSignature: broken.
        """
        with anything_else_is_no():
            if certificate != self.certificate:
                raise BadSignature(Flaw.BROKEN, "the signature claims another certificate")
            digest = hashes.Hash(self._hash)
            digest.update(content)
            if digest.finalize() != self._digest:
                raise BadSignature(Flaw.BROKEN, "the digest of what was signed is another one")
            self._check_value(certificate.public_key())

    def _check_value(self, key: object) -> None:
        try:
            if isinstance(key, rsa.RSAPublicKey) and self._padding is not None:
                key.verify(self._value, self._attributes, self._padding, self._hash)
            elif isinstance(key, ec.EllipticCurvePublicKey):
                key.verify(self._value, self._attributes, ec.ECDSA(self._hash))
            else:
                raise BadSignature(Flaw.BROKEN, "the key is of another kind")
        except InvalidSignature:
            raise BadSignature(Flaw.BROKEN, "the signature value is wrong") from None


def examine(raw: bytes) -> CmsClaim:
    """Check a signature against the profile, before anything is computed.

    Args:
        raw: a CMS `ContentInfo` in DER.

    Raises:
        BadSignature: missing, place, profile; broken if it cannot even be examined.
    """
    with anything_else_is_no():
        return _claim(raw)


def _unfit(reason: str) -> BadSignature:
    return BadSignature(Flaw.PROFILE, reason)


def _claim(raw: bytes) -> CmsClaim:
    signed = _signed(raw)
    signer = _only_signer(signed)
    certificates = _certificates(signed)
    certificate = _of_signer(certificates, signer)
    key = _key_of(certificate)
    attributes = _attributes(signer)
    name = _digest_name(signed, signer)
    scheme = _padding(signer, key, name)
    _check_protection(attributes, signer)
    if attributes["content_type"].native != "data":
        raise _unfit("the signed attributes speak of another kind of content")
    _check_named(attributes["signing_certificate_v2"], certificate)
    return CmsClaim(
        certificate=certificate,
        chain=tuple(each for _, each in certificates if each is not certificate),
        signed_at=_moment(attributes["signing_time"].native),
        _hash=_HASHES[name],
        _digest=attributes["message_digest"].native,
        _attributes=signer["signed_attrs"].untag().dump(),
        _padding=scheme,
        _value=signer["signature"].native,
    )


# 1. bytes


def _signed(raw: bytes) -> cms.SignedData:
    if not raw:
        raise BadSignature(Flaw.MISSING, "the signature is empty")
    if len(raw) > LARGEST:
        raise _unfit(f"the signature has more than {LARGEST} bytes")
    try:
        check_der(raw)
    except NotDer:
        raise _unfit("the signature is not DER (with openssl: -outform DER, without -stream)") from None
    try:
        info = cms.ContentInfo.load(raw, strict=True)
        if info["content_type"].native != "signed_data":
            raise _unfit("it is CMS of another kind than a signature")
        return info["content"]
    except (ValueError, TypeError, KeyError):
        raise _unfit("it is not a CMS signature") from None


def _is_absent(field: cms.Asn1Value) -> bool:
    """Whether an optional field is not there."""
    return isinstance(field, core.Void)


# 2. one signer


def _only_signer(signed: cms.SignedData) -> cms.SignerInfo:
    signers = signed["signer_infos"]
    if not len(signers):
        raise BadSignature(Flaw.MISSING, "nobody has signed")
    if len(signers) > 1:
        raise BadSignature(Flaw.PLACE, "more than one signer has signed")
    content = signed["encap_content_info"]
    if content["content_type"].native != "data" or not _is_absent(content["content"]):
        raise BadSignature(Flaw.PLACE, "the signature must stand beside bytes, which it does not hold")
    if not _is_absent(signed["crls"]):
        raise _unfit("revocation lists stand in the signature")
    signer = signers[0]
    if not _is_absent(signer["unsigned_attrs"]):
        raise _unfit("unsigned attributes stand in the signature")
    if signer["sid"].name != "issuer_and_serial_number" or {_version(signed), _version(signer)} != {"v1"}:
        raise _unfit("the signer must be named by issuer and serial number, in version 1")
    return signer


def _version(of: cms.SignedData | cms.SignerInfo) -> object:
    return of["version"].native


Read = tuple[asn1_x509.Certificate, x509.Certificate]


def _certificates(signed: cms.SignedData) -> list[Read]:
    """The certificates that were sent along, as both libraries read them."""
    choices = signed["certificates"]
    if _is_absent(choices) or len(choices) not in CERTIFICATES:
        raise _unfit("one to five certificates must stand in the signature, among them the signer's")
    if any(choice.name != "certificate" for choice in choices):
        raise _unfit("something else than certificates stands among them")
    try:
        return [(each.chosen, x509.load_der_x509_certificate(each.chosen.dump())) for each in choices]
    except ValueError as error:
        raise _unfit(f"a certificate cannot be read ({error})") from None


def _of_signer(certificates: Sequence[Read], signer: cms.SignerInfo) -> x509.Certificate:
    named = signer["sid"].chosen
    found = [
        certificate
        for read, certificate in certificates
        if read.issuer.dump() == named["issuer"].dump()
        and read.serial_number == named["serial_number"].native
    ]
    if len(found) != 1:
        raise _unfit("the signer's certificate must stand in the signature, once")
    return found[0]


# 3. signed attributes


def _attributes(signer: cms.SignerInfo) -> dict[str, cms.Asn1Value]:
    """The value of each signed attribute by its name."""
    if _is_absent(signer["signed_attrs"]):
        raise _unfit("the signature has no signed attributes")
    if not are_sorted([attribute.dump() for attribute in signer["signed_attrs"]]):
        raise _unfit("the signed attributes are not in the order of DER")
    found: dict[str, cms.Asn1Value] = {}
    for attribute in signer["signed_attrs"]:
        name = attribute["type"].native
        if name not in _ALLOWED:
            raise _unfit(f"signed attribute {name} is not on the list")
        if name in found or len(attribute["values"]) != 1:
            raise _unfit(f"signed attribute {name} must stand once, with one value")
        found[name] = attribute["values"][0]
    if missing := sorted(_REQUIRED - found.keys()):
        raise _unfit(f"signed attributes are missing: {', '.join(missing)} (with openssl: -cades)")
    return found


def _moment(found: object) -> datetime:
    if not isinstance(found, datetime) or found.tzinfo is None:
        raise _unfit("the signing time is not a moment")
    return found.astimezone(UTC)


# 4. algorithms


def _digest_name(signed: cms.SignedData, signer: cms.SignerInfo) -> str:
    algorithm = signer["digest_algorithm"]
    name = algorithm["algorithm"].native
    if name not in _HASHES or algorithm["parameters"].native is not None:
        raise _unfit(f"digest method {name} is not on the list")
    if [each["algorithm"].native for each in signed["digest_algorithms"]] != [name]:
        raise _unfit("the digest methods of the signature and of its signer differ")
    return str(name)


def _padding(signer: cms.SignerInfo, key: PublicKey, digest: str) -> padding.AsymmetricPadding | None:
    """How an RSA signature is padded; None for ECDSA."""
    algorithm = signer["signature_algorithm"]
    name, parameters = algorithm["algorithm"].native, algorithm["parameters"].native
    if isinstance(key, rsa.RSAPublicKey):
        if name in ("rsassa_pkcs1v15", f"{digest}_rsa") and parameters is None:
            return padding.PKCS1v15()
        if name == "rsassa_pss" and digest == _PSS_DIGEST and parameters == _PSS_PARAMETERS:
            return padding.PSS(padding.MGF1(_HASHES[digest]), _HASHES[digest].digest_size)
    elif name == f"{digest}_ecdsa" and digest in _ECDSA_DIGESTS and parameters is None:
        return None
    raise _unfit(f"signature method {name} with digest {digest} is not on the list for this key")


_DIGEST_OF_PSS = {"algorithm": _PSS_DIGEST, "parameters": None}
_PSS_PARAMETERS = {
    "hash_algorithm": _DIGEST_OF_PSS,
    "mask_gen_algorithm": {"algorithm": "mgf1", "parameters": _DIGEST_OF_PSS},
    "salt_length": 32,
    "trailer_field": "trailer_field_bc",
}


def _check_protection(attributes: Mapping[str, cms.Asn1Value], signer: cms.SignerInfo) -> None:
    said = attributes.get("cms_algorithm_protection")
    if said is None:
        return
    for name in ("digest_algorithm", "signature_algorithm"):
        if said[name].native != signer[name].native:
            raise _unfit("the signed attributes speak of other algorithms")
    if not _is_absent(said["mac_algorithm"]):
        raise _unfit("the signed attributes speak of a code in the place of a signature")


# 5. the signer's certificate


def _key_of(certificate: x509.Certificate) -> PublicKey:
    try:
        return check_key(certificate.public_key())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _unfit(f"the certificate's key cannot be read ({error})") from None


def _check_named(named: tsp.SigningCertificateV2, certificate: x509.Certificate) -> None:
    if len(named["certs"]) not in CERTIFICATES:
        raise _unfit("the signed attributes name one to five certificates, the signer's first")
    first = named["certs"][0]
    digest = _HASHES.get(first["hash_algorithm"]["algorithm"].native)
    if digest is None or first["cert_hash"].native != certificate.fingerprint(digest):
        raise _unfit("the signed attributes name another certificate than the signer's")
    serial = first["issuer_serial"]
    if not _is_absent(serial) and serial["serial_number"].native != certificate.serial_number:
        raise _unfit("the signed attributes name another certificate than the signer's")
