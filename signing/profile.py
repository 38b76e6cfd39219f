"""Our signature profile: what one must look like before any of it is computed.

A document carries one enveloped XAdES B-level signature, the last child of its root. The order of checks:

1. exactly one `ds:Signature` in the whole document, and that in its place;
2. no two elements with the same identifier;
3. exactly the shape below, no element, attribute or text beside it;
4. algorithms, key kinds and key sizes from the lists below;
5. the certificate named in the signed properties is the one in the key information.

    Signature
        SignedInfo: exclusive canonical XML 1.0 without a prefix list; a method of the list
            Reference to "": enveloped signature, then exclusive canonical XML
            Reference to the signed properties: exclusive canonical XML
            Reference to the key information, may be absent: exclusive canonical XML
        SignatureValue
        KeyInfo: one X509Data of one to five certificates, the signer's first;
            a KeyValue may stand beside it if it is the certificate's key
        Object: QualifyingProperties for this Signature: SignedProperties

The signature of a container (`signing.container`) has the same shape. It stands alone in an
`XAdESSignatures`, and in place of the reference to "" it has one to each file, without a transform, under
the file's name.

Unsigned properties are refused because nothing protects them; with one exception, in our own answers: a time
stamp over the signature value (`signing.timestamps`), which protects itself. Sources: W3C XML Signature 1.1
and its Best Practices, ETSI EN 319 132-1 (XAdES) clauses 5.2 and 6.3, ETSI EN 319 162-1 (ASiC) clauses 4.3
and 4.4, ETSI TS 119 312 for algorithms.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import cast
from urllib.parse import quote

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureMethod

from signing.parse import LONGEST_REASON

DS = "http://www.w3.org/2000/09/xmldsig#"
DSIG11 = "http://www.w3.org/2009/xmldsig11#"
XADES = "http://uri.etsi.org/01903/v1.3.2#"
ASIC = "http://uri.etsi.org/02918/v1.2.1#"

ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
C14N = CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0
SIGNED_PROPERTIES = "http://uri.etsi.org/01903#SignedProperties"

RSA_METHODS = frozenset(
    {
        SignatureMethod.RSA_SHA256,
        SignatureMethod.RSA_SHA384,
        SignatureMethod.RSA_SHA512,
        SignatureMethod.SHA256_RSA_MGF1,
    }
)
ECDSA_METHODS = frozenset({SignatureMethod.ECDSA_SHA256, SignatureMethod.ECDSA_SHA384})
DIGESTS = frozenset({DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512})

RSA_BITS = range(3072, 8192 + 1)
CURVES = {"secp256r1": "urn:oid:1.2.840.10045.3.1.7", "secp384r1": "urn:oid:1.3.132.0.34"}

CERTIFICATES = range(1, 5 + 1)
ELEMENTS = 200
"""Elements in a signature beside the references; five certificates and their digests make fewer than 60."""

_ELEMENTS_OF_REFERENCE = 10
"""A reference to a file, and what the signed properties may say of it."""

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey

_ID = re.compile(r"[A-Za-z_][A-Za-z0-9._-]{0,127}")
_IDS = "//@*[translate(local-name(), 'ID', 'id') = 'id']"
_HASHES: dict[str, hashes.HashAlgorithm] = {
    DigestAlgorithm.SHA256.value: hashes.SHA256(),
    DigestAlgorithm.SHA384.value: hashes.SHA384(),
    DigestAlgorithm.SHA512.value: hashes.SHA512(),
}
_SIGNATURE_PROPERTIES = frozenset(
    {
        "SigningTime",
        "SigningCertificate",
        "SigningCertificateV2",
        "SignatureProductionPlace",
        "SignatureProductionPlaceV2",
        "SignerRole",
        "SignerRoleV2",
    }
)
_STAMP = [f"{{{DS}}}CanonicalizationMethod", f"{{{XADES}}}EncapsulatedTimeStamp"]
_DATA_PROPERTIES = frozenset({"DataObjectFormat", "CommitmentTypeIndication"})


class Flaw(StrEnum):
    """What is wrong with a signature; the words are stable."""

    MISSING = "missing"
    """There is none."""
    PLACE = "place"
    """There are several, or the one is not the last child of the root."""
    PROFILE = "profile"
    """Its shape, an algorithm, a transform, the kind or size of key is not on the list."""
    BROKEN = "broken"
    """A digest or the signature value is wrong, or cannot be computed."""


class BadSignature(Exception):
    """A signature that is not accepted.

    Attributes:
        kind: the sort of flaw.
        reason: what is wrong, in English, at most 200 characters.
    """

    def __init__(self, kind: Flaw, reason: str) -> None:
        self.kind = kind
        self.reason = reason[:LONGEST_REASON]
        super().__init__(f"{kind}: {self.reason}")


@dataclass(frozen=True, slots=True)
class Claim:
    """What a well-shaped signature claims; nothing of it is proven yet.

    Attributes:
        root: the parsed document, signature included.
        certificate: whose signature it is said to be.
        chain: the further certificates sent with it.
        uris: what its references refer to, in their order.
        stamp: the token of a time stamp that stands beside what is signed, if any.
    """

    root: etree._Element
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    uris: tuple[str, ...]
    stamp: bytes | None = None


_THE_DOCUMENT = {"": ([ENVELOPED, C14N.value], None)}


def examine(root: etree._Element, *, may_be_stamped: bool = False) -> Claim:
    """Check a parsed document's signature against the profile, before anything is computed.

    Args:
        root: of the document.
        may_be_stamped: whether a time stamp may stand in it, as in our own answers.

    Raises:
        BadSignature: missing, place, profile; broken if it cannot even be examined.
    """
    with anything_else_is_no():
        return _claim(root, _only_signature(root), _THE_DOCUMENT, may_be_stamped=may_be_stamped)


def examine_container(root: etree._Element, files: Collection[str]) -> Claim:
    """Check the parsed signature of a container against the profile, before anything is computed.

    Args:
        root: the `XAdESSignatures` of the container.
        files: names of the files in the container, each of which has to be signed.

    Raises:
        BadSignature: missing, place, profile; broken if it cannot even be examined.
    """
    with anything_else_is_no():
        signature = _only_signature(root)
        if root.tag != f"{{{ASIC}}}XAdESSignatures" or root.attrib or len(root) != 1:
            raise BadSignature(Flaw.PLACE, "the signature does not stand alone in an XAdESSignatures")
        return _claim(root, signature, {quote(name): ([], None) for name in files})


@contextmanager
def anything_else_is_no() -> Iterator[None]:
    """Turn every exception of a check into a refusal, save those that are the machine's fault."""
    try:
        yield
    except (BadSignature, MemoryError, OSError):
        raise
    except Exception as error:
        raise BadSignature(Flaw.BROKEN, f"the signature cannot be checked ({error})") from error


def check_key(key: object) -> PublicKey:
    """Refuse a key of a kind or size that is not on the list; the key itself otherwise.

    Raises:
        BadSignature: profile.
    """
    if isinstance(key, rsa.RSAPublicKey) and key.key_size in RSA_BITS:
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in CURVES:
        return key
    raise _unfit("the key must be RSA of 3072 to 8192 bits or ECDSA on P-256 or P-384")


def _unfit(reason: str) -> BadSignature:
    return BadSignature(Flaw.PROFILE, reason)


# 1. one signature, in its place


def _only_signature(root: etree._Element) -> etree._Element:
    signatures = list(islice(root.iter(f"{{{DS}}}Signature"), 2))
    if not signatures:
        raise BadSignature(Flaw.MISSING, "the document is not signed")
    if len(signatures) > 1:
        raise BadSignature(Flaw.PLACE, "more than one signature stands in the document")
    [signature] = signatures
    if signature.getparent() is not root or signature.getnext() is not None:
        raise BadSignature(Flaw.PLACE, "the signature is not the last child of the root")
    return signature


# 2. identifiers


def _check_ids(root: etree._Element) -> None:
    ids = cast("list[str]", root.xpath(_IDS))
    if len(ids) != len(set(ids)):
        raise _unfit("two elements have the same identifier")


# 3. shape


Reference = tuple[list[str], str | None]
"""Its transforms and its type."""


def _claim(
    root: etree._Element,
    signature: etree._Element,
    covered: Mapping[str, Reference],
    *,
    may_be_stamped: bool = False,
) -> Claim:
    """What a signature claims that has to cover all that is named."""
    _check_ids(root)
    allowed = ELEMENTS + _ELEMENTS_OF_REFERENCE * len(covered)
    if sum(1 for _ in islice(signature.iter(), allowed + 1)) > allowed:
        raise _unfit(f"more than {allowed} elements in the signature")
    info, value, key_info, wrapping = _open(
        signature, DS, "SignedInfo", "SignatureValue", "KeyInfo", "Object", attributes={"Id"}
    )
    _bytes(value, attributes={"Id"})
    certificates, key_value = _read_key_info(key_info)
    key = _key_of(certificates[0])
    if key_value is not None:
        _check_key_value(key_value, key)
    properties, stamp = _read_properties(wrapping, signature, may_be_stamped=may_be_stamped)
    _check_properties(properties, certificates[0])
    method, references = _read_signed_info(info)
    _check_method(method, key)
    required = {**covered, _reference_to(properties): ([C14N.value], SIGNED_PROPERTIES)}
    allowed_too = {} if key_info.get("Id") is None else {_reference_to(key_info): ([C14N.value], None)}
    uris = tuple(_read_reference(reference, {**allowed_too, **required}) for reference in references)
    if len(set(uris)) != len(uris) or not required.keys() <= set(uris):
        raise _unfit("all that is to be signed, and the signed properties, must be referred to, each once")
    return Claim(root, certificates[0], tuple(certificates[1:]), uris, stamp)


def _read_signed_info(info: etree._Element) -> tuple[etree._Element, list[etree._Element]]:
    names = ["CanonicalizationMethod", "SignatureMethod", *["Reference"] * (len(info) - 2)]
    canonicalization, method, *rest = _open(info, DS, *names, attributes={"Id"})
    if _algorithm(canonicalization) != C14N.value:
        raise _unfit("the canonicalization method must be exclusive canonical XML 1.0")
    return method, rest


def _read_reference(reference: etree._Element, expected: Mapping[str, Reference]) -> str:
    """Check one reference and answer its URI."""
    uri = reference.get("URI")
    steps, type_ = expected.get(uri or "", (None, None))
    before = ["Transforms"] if steps else []
    *transforms, digest, value = _open(
        reference, DS, *before, "DigestMethod", "DigestValue", attributes={"Id", "URI", "Type"}
    )
    found = [_algorithm(step) for part in transforms for step in _open(part, DS, *["Transform"] * len(part))]
    if uri is None or steps != found or type_ != reference.get("Type"):
        raise _unfit(f"a reference to {uri!r} of this type and with these transforms is not on the list")
    _hash(digest)
    _bytes(value)
    return uri


def _reference_to(element: etree._Element) -> str:
    identifier = element.get("Id")
    if identifier is None or not _ID.fullmatch(identifier):
        raise _unfit(f"{_local(element)} needs an Id of letters, digits, '.', '_' and '-'")
    return f"#{identifier}"


def _read_key_info(
    key_info: etree._Element,
) -> tuple[list[x509.Certificate], etree._Element | None]:
    names = sorted(_local(child) for child in key_info)
    if names not in (["X509Data"], ["KeyValue", "X509Data"]):
        raise _unfit("the key information holds one X509Data and at most a KeyValue beside it")
    children = _open(key_info, DS, *[_local(child) for child in key_info], attributes={"Id"})
    by_name = {_local(child): child for child in children}
    return _read_certificates(by_name["X509Data"]), by_name.get("KeyValue")


def _read_certificates(x509_data: etree._Element) -> list[x509.Certificate]:
    if len(x509_data) not in CERTIFICATES:
        raise _unfit(f"{len(x509_data)} certificates in place of one to five")
    children = _open(x509_data, DS, *["X509Certificate"] * len(x509_data))
    try:
        return [x509.load_der_x509_certificate(_bytes(child)) for child in children]
    except ValueError as error:
        raise _unfit(f"a certificate cannot be read ({error})") from None


def _read_properties(
    wrapping: etree._Element, signature: etree._Element, *, may_be_stamped: bool
) -> tuple[etree._Element, bytes | None]:
    """The signed properties, and the token of a time stamp if there is one."""
    [qualifying] = _open(wrapping, XADES, "QualifyingProperties", attributes={"Id"})
    properties, *unsigned = _open(
        qualifying,
        XADES,
        "SignedProperties",
        attributes={"Id", "Target"},
        optional=["UnsignedProperties"] if may_be_stamped else [],
    )
    if qualifying.get("Target") != _reference_to(signature):
        raise _unfit("the qualifying properties are not for this signature")
    return properties, _read_stamp(unsigned[0]) if unsigned else None


def _read_stamp(unsigned: etree._Element) -> bytes:
    [of_signature] = _open(unsigned, XADES, "UnsignedSignatureProperties")
    [stamp] = _open(of_signature, XADES, "SignatureTimeStamp")
    _check_attributes(stamp, ())
    if [child.tag for child in stamp] != _STAMP or any(text and text.strip() for text in _between(stamp)):
        raise _unfit("a time stamp holds its canonicalization method and one token")
    method, token = stamp
    if _algorithm(method) != C14N.value:
        raise _unfit("the canonicalization method must be exclusive canonical XML 1.0")
    return _bytes(token)


def _open(
    element: etree._Element,
    namespace: str,
    *names: str,
    attributes: Collection[str] = (),
    optional: Sequence[str] = (),
) -> list[etree._Element]:
    """The children of an element, which must be exactly these, all optional ones or none at the end.

    No attribute beside those allowed, and no text between the children.
    """
    _check_attributes(element, attributes)
    children = list(element)
    expected = [f"{{{namespace}}}{name}" for name in (*names, *optional)]
    if [child.tag for child in children] not in (expected, expected[: len(names)]):
        found = ", ".join(_local(child) for child in children)
        raise _unfit(f"{_local(element)} holds {found or 'nothing'} in place of {', '.join(names)}")
    if any(text and text.strip() for text in _between(element)):
        raise _unfit(f"text stands between the elements of {_local(element)}")
    return children


def _between(element: etree._Element) -> list[str | None]:
    """The texts around the children of an element."""
    return [element.text, *(child.tail for child in element)]


def _check_attributes(element: etree._Element, allowed: Collection[str]) -> None:
    for name in element.attrib:
        if name not in allowed:
            raise _unfit(f"attribute {name!s} of {_local(element)} is not on the list")


def _text(element: etree._Element, attributes: Collection[str] = ()) -> str:
    _check_attributes(element, attributes)
    if len(element):
        raise _unfit(f"{_local(element)} holds an element")
    return element.text or ""


def _bytes(element: etree._Element, attributes: Collection[str] = ()) -> bytes:
    try:
        return base64.b64decode("".join(_text(element, attributes).split()), validate=True)
    except ValueError:
        raise _unfit(f"{_local(element)} is not base64") from None


def _local(element: etree._Element) -> str:
    return etree.QName(element).localname


# 4. algorithms


def _algorithm(element: etree._Element) -> str:
    if _text(element, {"Algorithm"}).strip():
        raise _unfit(f"text stands in {_local(element)}")
    return element.get("Algorithm") or ""


def _check_method(element: etree._Element, key: PublicKey) -> None:
    methods = RSA_METHODS if isinstance(key, rsa.RSAPublicKey) else ECDSA_METHODS
    if _algorithm(element) not in {method.value for method in methods}:
        raise _unfit(f"signature method {element.get('Algorithm')!r} is not on the list for this key")


def _hash(element: etree._Element) -> hashes.HashAlgorithm:
    algorithm = _HASHES.get(_algorithm(element))
    if algorithm is None:
        raise _unfit(f"digest method {element.get('Algorithm')!r} is not on the list")
    return algorithm


# 5. the signer's certificate


def _key_of(certificate: x509.Certificate) -> PublicKey:
    try:
        return check_key(certificate.public_key())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _unfit(f"the certificate's key cannot be read ({error})") from None


def _check_key_value(element: etree._Element, key: PublicKey) -> None:
    """A KeyValue never decides anything; one that says something else than the certificate is refused."""
    if isinstance(key, rsa.RSAPublicKey):
        [value] = _open(element, DS, "RSAKeyValue")
        modulus, exponent = (int.from_bytes(_bytes(e)) for e in _open(value, DS, "Modulus", "Exponent"))
        same = rsa.RSAPublicNumbers(exponent, modulus) == key.public_numbers()
    else:
        [value] = _open(element, DSIG11, "ECKeyValue")
        curve, point = _open(value, DSIG11, "NamedCurve", "PublicKey")
        _text(curve, {"URI"})
        encoded = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        same = curve.get("URI") == CURVES[key.curve.name] and _bytes(point) == encoded
    if not same:
        raise _unfit("the KeyValue is another key than the certificate's")


def _check_properties(properties: etree._Element, certificate: x509.Certificate) -> None:
    of_signature, *of_data = _open(
        properties,
        XADES,
        "SignedSignatureProperties",
        attributes={"Id"},
        optional=["SignedDataObjectProperties"],
    )
    names = [_property(child, _SIGNATURE_PROPERTIES) for child in of_signature]
    if len(names) != len(set(names)) or "SigningTime" not in names:
        raise _unfit("the signed properties name one signing time, and no property twice")
    for child in [child for part in of_data for child in part]:
        _property(child, _DATA_PROPERTIES)
    versions = [child for child in of_signature if _local(child).startswith("SigningCertificate")]
    if len(versions) != 1:
        raise _unfit("the signed properties name the signing certificate once")
    _check_named_certificate(versions[0], certificate)


def _property(element: etree._Element, names: Collection[str]) -> str:
    name = _local(element)
    if etree.QName(element).namespace != XADES or name not in names:
        raise _unfit(f"signed property {name} is not on the list")
    return name


def _check_named_certificate(named: etree._Element, certificate: x509.Certificate) -> None:
    if len(named) not in CERTIFICATES:
        raise _unfit(f"{len(named)} certificates named in place of one to five")
    first, *_ = _open(named, XADES, *["Cert"] * len(named))
    serial = "IssuerSerialV2" if _local(named).endswith("V2") else "IssuerSerial"
    digest, *_ = _open(first, XADES, "CertDigest", optional=[serial])
    method, value = _open(digest, DS, "DigestMethod", "DigestValue")
    if _bytes(value) != certificate.fingerprint(_hash(method)):
        raise _unfit("the signed properties name another certificate than the key information")
