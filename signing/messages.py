"""HTTP Message Signatures (RFC 9421), as we sign what we send to members unasked: one profile, nothing else.

A signature covers `@method`, `@target-uri`, `content-digest` (RFC 9530) and `content-type`, and says when it
was made (`created`), until when it counts (`expires`), something used once (`nonce`), with which certificate
(`keyid`, the SHA-256 of its DER in hexadecimal), how (`alg`) and for what (`tag`). The key is the one that
seals our answers; what it signs here begins with a component's name in quotation marks, and what it signs
there with `<ds:SignedInfo`: neither is ever taken for the other.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

COMPONENTS = ("@method", "@target-uri", "content-digest", "content-type")
"""What our signatures cover."""
LABEL = "secugate"
LIFE = timedelta(minutes=5)
EARLY = timedelta(minutes=1)
"""By so much the signer's clock may be ahead."""

_P256_BYTES = 32
_INPUT = re.compile(
    r'(?P<label>[a-z*][a-z0-9_.*-]*)=(?P<rest>\((?P<components>"[^"]*"(?: "[^"]*")*)?\)'
    r'(?P<parameters>(?:;[a-z]+=(?:"[\x20\x21\x23-\x5b\x5d-\x7e]*"|[0-9]{1,15}))*))(?:, *|$)'
)
_VALUE = re.compile(r"(?P<label>[a-z*][a-z0-9_.*-]*)=:(?P<value>[A-Za-z0-9+/]+={0,2}):(?:, *|$)")
_PARAMETER = re.compile(r';([a-z]+)=(?:"([^"]*)"|([0-9]+))')


class Unproven(Exception):
    """A message that does not prove that we sent it, now and to this address; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Proven:
    """What a signature says of itself.

    Attributes:
        created, expires: between which it counts.
        nonce: used once; whoever sees it again sees a message again.
        certificate: of the key that signed.
    """

    created: datetime
    expires: datetime
    nonce: str
    certificate: x509.Certificate


Sign = Callable[[Callable[[x509.Certificate], bytes]], bytes]
"""Signs what is written for the certificate of the key that counts now."""


def content_digest(content: bytes) -> str:
    """The field of that name (RFC 9530)."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


def sign_message(
    sign: Sign, message: Mapping[str, str], *, tag: str, nonce: str, created: datetime
) -> dict[str, str]:
    """The fields that prove a message.

    Args:
        message: the values of all `COMPONENTS`.
        tag: for what it is signed.
        nonce: something never used before, of letters and digits.
    """
    written: list[str] = []

    def base(certificate: x509.Certificate) -> bytes:
        parameters = (
            f"({' '.join(map(_quoted, COMPONENTS))});created={int(created.timestamp())}"
            f";expires={int((created + LIFE).timestamp())};nonce={_quoted(nonce)}"
            f";keyid={_quoted(key_id(certificate))};alg={_quoted(_algorithm(certificate))};tag={_quoted(tag)}"
        )
        written.append(parameters)
        return signature_base(message, COMPONENTS, parameters)

    value = base64.b64encode(sign(base)).decode()
    return {"Signature-Input": f"{LABEL}={written[-1]}", "Signature": f"{LABEL}=:{value}:"}


def verify_message(
    message: Mapping[str, str],
    fields: Mapping[str, str],
    certificates: Iterable[x509.Certificate],
    *,
    tag: str,
    now: datetime,
) -> Proven:
    """Make sure that a message is one of ours.

    Args:
        message: the values of all `COMPONENTS`, as they arrived; that the digest is that of the body is
            checked by whoever has the body.
        fields: the header fields, with names in lower case.
        certificates: of the keys that are believed.
        tag: for what it has to be signed.

    Raises:
        Unproven: it is not, or no longer.
    """
    known = {key_id(one): one for one in certificates}
    values = {one["label"]: one["value"] for one in _all(_VALUE, fields.get("signature", ""))}
    for found in _all(_INPUT, fields.get("signature-input", "")):
        said = {name: text or number for name, text, number in _PARAMETER.findall(found["parameters"])}
        if said.get("tag") != tag or found["label"] not in values:
            continue
        components = [one.strip('"') for one in (found["components"] or "").split(" ")]
        if not set(COMPONENTS) <= set(components) or len(components) != len(set(components)):
            raise Unproven("it does not cover method, address, digest and type")
        certificate = known.get(said.get("keyid", ""))
        if certificate is None:
            raise Unproven("it is signed with another key")
        if said.get("alg", _algorithm(certificate)) != _algorithm(certificate):
            raise Unproven("the algorithm is not that of the key")
        base = signature_base(message, components, found["rest"])
        _check(certificate, base, base64.b64decode(values[found["label"]]))
        return _in_time(said, certificate, now)
    raise Unproven(f"it bears no signature for {tag}")


def signature_base(message: Mapping[str, str], components: Sequence[str], parameters: str) -> bytes:
    """What is signed (section 2.5).

    Raises:
        Unproven: a component is not there.
    """
    try:
        lines = [f'"{one}": {message[one]}' for one in components]
    except KeyError as missing:
        raise Unproven(f"there is no {missing.args[0]}") from None
    return "\n".join([*lines, f'"@signature-params": {parameters}']).encode()


def key_id(certificate: x509.Certificate) -> str:
    """By what a key is named."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def _in_time(said: Mapping[str, str], certificate: x509.Certificate, now: datetime) -> Proven:
    try:
        created, expires = (datetime.fromtimestamp(int(said[one]), UTC) for one in ("created", "expires"))
        nonce = said["nonce"]
    except (KeyError, ValueError, OverflowError):
        raise Unproven("it does not say when it was made, until when it counts, or a nonce") from None
    if created > now + EARLY:
        raise Unproven("it is of the future: is this machine's clock right?")
    if now > expires:
        raise Unproven(
            "it counts no longer: it is late, or was sent again by somebody, or the clock is wrong"
        )
    return Proven(created, expires, nonce, certificate)


def _check(certificate: x509.Certificate, base: bytes, value: bytes) -> None:
    key = certificate.public_key()
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(value, base, padding.PKCS1v15(), hashes.SHA256())
        elif isinstance(key, ec.EllipticCurvePublicKey) and len(value) == 2 * _P256_BYTES:
            r, s = (int.from_bytes(half) for half in (value[:_P256_BYTES], value[_P256_BYTES:]))
            key.verify(encode_dss_signature(r, s), base, ec.ECDSA(hashes.SHA256()))
        else:
            raise Unproven("the signature is of no kind that we make")
    except InvalidSignature:
        raise Unproven("it was changed on the way, or is for another address") from None


def _algorithm(certificate: x509.Certificate) -> str:
    is_rsa = isinstance(certificate.public_key(), rsa.RSAPublicKey)
    return "rsa-v1_5-sha256" if is_rsa else "ecdsa-p256-sha256"


def _all(pattern: re.Pattern[str], field: str) -> list[re.Match[str]]:
    """The members of a field; none when some of it cannot be read."""
    found, place = [], 0
    while place < len(field):
        match = pattern.match(field, place)
        if match is None:
            return []
        found.append(match)
        place = match.end()
    return found


def _quoted(text: str) -> str:
    return f'"{text}"'
