"""Time stamps (RFC 3161): an authority's word that some bytes existed at a moment.

A seal says *who*; its own moment is only what the signer claims. A token of a time-stamp authority says
*when*, in a way that neither the sender nor we can set back, and goes on proving it after our key has ended.

Three steps; fetching stands between the first two and is not done here:

    query = ask(content)                       # what is sent to the authority
    token = accept(response, query, anchors)   # its answer, checked, to be kept
    stamp = check(token, content, anchors)     # any time later, by anybody

`with_stamp` puts a token over the signature value into a sealed document, which is then at the level
XAdES-B-T (ETSI EN 319 132-1, clause 5.3): the seal still holds, because nothing that it signs has changed.
Revocation of the authority's own certificate is not judged here.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from lxml import etree
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from signing.parse import LONGEST_REASON, parse
from signing.profile import C14N, DS, XADES

_GRANTED = bytes.fromhex("3003020100")
"""PKIStatusInfo: granted. Stands before a token in a response."""


class BadStamp(Exception):
    """A time stamp that proves nothing.

    Attributes:
        reason: what is wrong, in English, at most 200 characters.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason[:LONGEST_REASON]
        super().__init__(self.reason)


@dataclass(frozen=True, slots=True)
class Query:
    """What an authority is asked.

    Attributes:
        content: the bytes to be stamped; only their SHA-256 leaves the house.
        der: the request as it is sent.
        nonce: which its answer has to repeat.
    """

    content: bytes
    der: bytes
    nonce: int | None


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a checked token says.

    Attributes:
        at: the moment at which the bytes existed, UTC.
        serial: the authority's number for it.
        policy: under which it was given, as a dotted identifier.
    """

    at: datetime
    serial: int
    policy: str


def ask(content: bytes) -> Query:
    """A request for a token over some bytes, with the authority's certificate and a nonce of ours."""
    request = TimestampRequestBuilder().data(content).hash_algorithm(HashAlgorithm.SHA256).build()
    return Query(content, request.as_bytes(), request.nonce)


def accept(response: bytes, query: Query, anchors: Sequence[x509.Certificate]) -> bytes:
    """The token in an authority's answer, once it holds.

    Args:
        response: as it came.
        query: what was asked.
        anchors: roots of the authorities that we believe.

    Raises:
        BadStamp: it was refused, is for something else, or is not from an authority of ours.
    """
    answer = _decoded(response)
    _check(answer, query.content, anchors, query.nonce)
    return answer.time_stamp_token()


def check(token: bytes, content: bytes, anchors: Sequence[x509.Certificate]) -> Stamp:
    """What a kept token says of some bytes.

    The authority's certificates must have been valid when it was given; whether they are now does not matter.

    Args:
        token: in DER.
        content: the bytes it is for.
        anchors: roots of the authorities that are believed.

    Raises:
        BadStamp: it is for other bytes, or not from such an authority.
    """
    answer = _decoded(_sequence(_GRANTED + token))
    _check(answer, content, anchors, None)
    told = answer.tst_info
    return Stamp(told.gen_time.astimezone(UTC), told.serial_number, told.policy.dotted_string)


def _decoded(response: bytes) -> TimeStampResponse:
    try:
        return decode_timestamp_response(response)
    except ValueError as error:
        raise BadStamp(f"it is no time stamp ({error})") from None


def _check(
    answer: TimeStampResponse, content: bytes, anchors: Sequence[x509.Certificate], nonce: int | None
) -> None:
    try:
        verifier = VerifierBuilder(roots=list(anchors), nonce=nonce).build()
        verifier.verify_message(answer, content)
    except (VerificationError, ValueError) as error:
        raise BadStamp(str(error)) from None


def _sequence(content: bytes) -> bytes:
    """A DER sequence."""
    size = len(content)
    length = size.to_bytes((size.bit_length() + 7) // 8)
    header = bytes([size]) if size < 0x80 else bytes([0x80 | len(length)]) + length
    return b"\x30" + header + content


def stamped_bytes(sealed: bytes) -> bytes:
    """What a time stamp of a sealed document is over: its signature value, canonical, tags included.

    Raises:
        Unreadable: it is no XML that we read.
        ValueError: it is not sealed once.
    """
    return _canonical(_value(_signature(parse(sealed))))


def with_stamp(sealed: bytes, token: bytes) -> bytes:
    """A sealed document with a token over its signature value, as the bytes of a file.

    Args:
        sealed: without any unsigned property.
        token: checked, over `stamped_bytes` of the document.

    Raises:
        Unreadable, ValueError: as `stamped_bytes`.
    """
    root = parse(sealed)
    signature = _signature(root)
    [qualifying] = signature.iterfind(f"{{{DS}}}Object/{{{XADES}}}QualifyingProperties")
    unsigned = etree.SubElement(qualifying, f"{{{XADES}}}UnsignedProperties")
    properties = etree.SubElement(unsigned, f"{{{XADES}}}UnsignedSignatureProperties")
    stamp = etree.SubElement(properties, f"{{{XADES}}}SignatureTimeStamp")
    etree.SubElement(stamp, f"{{{DS}}}CanonicalizationMethod", Algorithm=C14N.value)
    etree.SubElement(stamp, f"{{{XADES}}}EncapsulatedTimeStamp").text = base64.b64encode(token).decode()
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _signature(root: etree._Element) -> etree._Element:
    [signature] = root.iter(f"{{{DS}}}Signature")
    return signature


def _value(signature: etree._Element) -> etree._Element:
    [value] = signature.iterfind(f"{{{DS}}}SignatureValue")
    return value


def _canonical(element: etree._Element) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=True, with_tail=False)
