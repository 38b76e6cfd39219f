"""Keys, certificates, documents, and the means to break a signature and seal it again.

A forger in these tests often owns a good key: `reseal` computes right digests and a right signature
value over whatever the signature was turned into, so that only the profile stands in the way.
"""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lxml import etree

from adapters.pki import Authority, KeyKind, PrivateKey, PublicKey, Subject, new_key
from signing.parse import parse
from signing.profile import BadSignature, Flaw, examine
from signing.sign import Signer
from signing.verify import Verified, verify

FIRST = datetime(2025, 1, 1, tzinfo=UTC)
LAST = datetime(2045, 1, 1, tzinfo=UTC)
AT = datetime(2026, 8, 3, 9, 15, tzinfo=UTC)

DS = "{http://www.w3.org/2000/09/xmldsig#}"
XADES = "{http://uri.etsi.org/01903/v1.3.2#}"
ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
SHA1 = "http://www.w3.org/2000/09/xmldsig#sha1"
SIGNED_PROPERTIES = "http://uri.etsi.org/01903#SignedProperties"

DOCUMENT = b"""<?xml version="1.0" encoding="UTF-8"?>
<DECSAL xmlns="urn:secugate:1" version="1.0">
  <Header>
    <Sender><Matricule>2099990001299</Matricule><Number>000001</Number></Sender>
    <Created>2026-08-03T09:15:00Z</Created>
  </Header>
  <Wage>
    <Insured>1893080611234</Insured>
    <BaseWage>3812.40</BaseWage>
  </Wage>
  <Wage>
    <Insured>1871022834567</Insured>
    <BaseWage>2937.00</BaseWage>
  </Wage>
</DECSAL>
"""

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}

Edit = Callable[[etree._Element], object]


@cache
def authority(name: str = "Secugate test root") -> Authority:
    """A root; a different one for each name."""
    return Authority.create(name, FIRST, LAST)


@cache
def key(name: str) -> PrivateKey:
    """A key: `rsa` and `p256` are the good ones, `other rsa` and `other p256` an attacker's good ones."""
    kinds: dict[str, Callable[[], PrivateKey]] = {
        "rsa2048": lambda: rsa.generate_private_key(65537, 2048),
        "p521": lambda: ec.generate_private_key(ec.SECP521R1()),
        "k256": lambda: ec.generate_private_key(ec.SECP256K1()),
        "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    }
    if name in kinds:
        return kinds[name]()
    return new_key(KeyKind.RSA_3072 if name.endswith("rsa") else KeyKind.P256)


@cache
def certificate(name: str) -> x509.Certificate:
    """The certificate for a key, from our root."""
    return authority().issue(Subject(name, "Fiduciaire Exemple", "2099990001299"), public(name), FIRST, LAST)


def public(name: str) -> PublicKey:
    return key(name).public_key()


def signer(name: str = "p256") -> Signer:
    return Signer(key(name), certificate(name))


def signed(name: str = "p256", document: bytes = DOCUMENT) -> bytes:
    return signer(name).sign(parse(document), AT)


def accept(raw: bytes, name: str = "p256") -> Verified:
    """The whole way of a document, with the registered certificate of a key."""
    return verify(examine(parse(raw)), certificate(name))


def flaw(raw: bytes, name: str = "p256") -> Flaw | None:
    """Why a document is refused, or None when it is accepted."""
    try:
        accept(raw, name)
    except BadSignature as error:
        return error.kind
    return None


def examined(raw: bytes) -> Flaw | None:
    """Why a document is refused before anything is computed, or None when it passes so far."""
    try:
        examine(parse(raw))
    except BadSignature as error:
        return error.kind
    return None


def canonical(element: etree._Element) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=True)


def edited(edit: Edit, raw: bytes | None = None) -> bytes:
    """A signed document after an edit of its root, with the signature value left as it was."""
    root = parse(raw or signed())
    edit(root)
    return etree.tostring(root)


def forged(edit: Edit, name: str = "p256", raw: bytes | None = None) -> bytes:
    """A signed document after an edit of its signature, sealed again by the owner of the key."""
    root = parse(raw or signed(name))
    edit(signature(root))
    reseal(root, name)
    return etree.tostring(root)


def signature(root: etree._Element) -> etree._Element:
    return next(root.iter(f"{DS}Signature"))


def find(within: etree._Element, name: str, prefix: str = DS) -> etree._Element:
    return next(within.iter(f"{prefix}{name}"))


def element(name: str, text: str | None = None, **attributes: str) -> etree._Element:
    made = etree.Element(f"{DS}{name}", attributes, nsmap={"ds": DS[1:-1]})
    made.text = text
    return made


def references(within: etree._Element) -> list[etree._Element]:
    return list(within.iter(f"{DS}Reference"))


def transforms(reference: etree._Element, *algorithms: str) -> None:
    """Give a reference other transforms."""
    holder = find(reference, "Transforms")
    holder[:] = [element("Transform", Algorithm=algorithm) for algorithm in algorithms]


def reseal(root: etree._Element, name: str) -> None:
    """Compute the digests and the signature value again, whatever the algorithms say."""
    seal = signature(root)
    info = find(seal, "SignedInfo")
    for reference in references(info):
        digest = hashes.Hash(_hash(find(reference, "DigestMethod")))
        digest.update(_referred(root, reference))
        find(reference, "DigestValue").text = base64.b64encode(digest.finalize()).decode()
    method = find(info, "SignatureMethod").get("Algorithm", "")
    text = _canonical(info, find(info, "CanonicalizationMethod"))
    find(seal, "SignatureValue").text = base64.b64encode(_seal(text, method, name)).decode()


def _hash(method: etree._Element) -> hashes.HashAlgorithm:
    return _HASHES[method.get("Algorithm", "").rpartition("#")[2]]


def _referred(root: etree._Element, reference: etree._Element) -> bytes:
    steps = list(reference.iter(f"{DS}Transform"))
    algorithms = [step.get("Algorithm", "") for step in steps]
    uri = reference.get("URI", "")
    found = root if not uri else _by_id(root, uri.lstrip("#"))
    if ENVELOPED in algorithms:
        found = parse(etree.tostring(found, with_tail=False))
        seal = signature(found)
        parent = seal.getparent()
        if parent is not None:
            parent.remove(seal)
    canonicalizations = [step for step in steps if "c14n" in step.get("Algorithm", "")]
    return _canonical(found, canonicalizations[-1] if canonicalizations else None)


def _by_id(root: etree._Element, identifier: str) -> etree._Element:
    return next(found for found in root.iter() if identifier in {found.get("Id"), found.get("ID")})


def _canonical(found: etree._Element, method: etree._Element | None) -> bytes:
    algorithm = INCLUSIVE if method is None else method.get("Algorithm", "")
    prefixes = (
        []
        if method is None
        else [prefix for child in method for prefix in child.get("PrefixList", "").split()]
    )
    return etree.tostring(
        found,
        method="c14n",
        exclusive=algorithm.startswith(EXCLUSIVE),
        with_comments=algorithm.endswith("WithComments"),
        inclusive_ns_prefixes=prefixes or None,
        with_tail=False,
    )


def _seal(text: bytes, method: str, name: str) -> bytes:
    private = key(name)
    digest = _HASHES[next(word for word in _HASHES if word in method)]
    if "hmac" in method:
        code = hmac.HMAC(pem(certificate(name)), digest)
        code.update(text)
        return code.finalize()
    if isinstance(private, rsa.RSAPrivateKey):
        pss = padding.PSS(padding.MGF1(digest), digest.digest_size)
        return private.sign(text, pss if "MGF1" in method else padding.PKCS1v15(), digest)
    size = (private.key_size + 7) // 8
    r, s = decode_dss_signature(private.sign(text, ec.ECDSA(digest)))
    return r.to_bytes(size) + s.to_bytes(size)


def pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(found.public_bytes(Encoding.PEM) for found in certificates)


def der_text(found: x509.Certificate) -> str:
    return base64.b64encode(found.public_bytes(Encoding.DER)).decode()


def point(name: str) -> str:
    """The public point of an elliptic curve key, as a KeyValue writes it."""
    return base64.b64encode(public(name).public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)).decode()


def xmlsec1(folder: Path, document: bytes, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the command of the same name over a document: the second judge, written by others."""
    file, root = folder / "document.xml", folder / "root.pem"
    file.write_bytes(document)
    root.write_bytes(pem(authority().certificate))
    return subprocess.run(
        [
            "xmlsec1",
            *options,
            "--id-attr:Id",
            "http://uri.etsi.org/01903/v1.3.2#:SignedProperties",
            str(file),
        ],
        capture_output=True,
        text=True,
        check=False,
    )


def xmlsec1_accepts(folder: Path, document: bytes) -> bool:
    result = xmlsec1(folder, document, "--verify", "--trusted-pem", str(folder / "root.pem"))
    return result.returncode == 0
