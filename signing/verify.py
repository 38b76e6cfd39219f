"""Is a signature right, and what exactly did it sign?

Two steps, so that the counter can look up whose key it is in between:

    claim = examine(parse(raw))                # signing.profile: shape, algorithms, claimed certificate
    ...                                        # is that certificate registered, trusted at receipt?
    verified = verify(claim, registered)       # here: digests and signature value

After that only `verified.content` is used: it is parsed from the very bytes whose digest was signed.
For a container (`signing.container`) there are `examine_container` and `verify_container`; of that only
`verified.files` is used.
"""

from __future__ import annotations

import base64
import copy
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import cast
from urllib.parse import quote

from cryptography import x509
from lxml import etree
from signxml.algorithms import DigestAlgorithm
from signxml.exceptions import InvalidDigest
from signxml.verifier import VerifyResult
from signxml.xades.xades import XAdESSignatureConfiguration, XAdESVerifier

from signing.container import Limits, open_container
from signing.parse import line_of, parse, trusted_parser
from signing.profile import (
    C14N,
    DIGESTS,
    DS,
    ECDSA_METHODS,
    RSA_METHODS,
    XADES,
    BadSignature,
    Claim,
    Flaw,
    anything_else_is_no,
    examine,
    examine_container,
)


class ForeignSeal(Exception):
    """A right signature, but not put with one of the seals asked for."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What was signed and by whom.

    Attributes:
        content: root of the document without its signature, read from the signed bytes. Its elements have
            the lines of the file that was received (`signing.parse.line_of`).
        certificate: the signer's.
        signed_at: the moment of signature as the signer claims it, in UTC.
        stamp: the token of a time stamp that stands beside what was signed, if any; not checked, and no part
            of what was signed (`signing.timestamps`).
    """

    content: etree._Element
    certificate: x509.Certificate
    signed_at: datetime
    stamp: bytes | None = None


@dataclass(frozen=True, slots=True)
class VerifiedFiles:
    """The files that were signed in a container, and by whom; as in `Verified`.

    Attributes:
        files: bytes by name.
    """

    files: Mapping[str, bytes]
    certificate: x509.Certificate
    signed_at: datetime


def verify(claim: Claim, certificate: x509.Certificate) -> Verified:
    """Check the digests and the signature value with a certificate that the caller trusts.

    The certificate's dates and revocation are not looked at here: `signing.certificates` judges them
    at the moment of receipt.

    Args:
        claim: from `examine`; its tree is left as it is.
        certificate: the registered one; must be the one claimed.

    Raises:
        BadSignature: broken in most cases; profile if the signed properties break their own form.
    """
    with anything_else_is_no():
        if certificate != claim.certificate:
            raise BadSignature(Flaw.BROKEN, "the signature claims another certificate")
        results = _results(claim, certificate)
        return Verified(_content(claim, results), certificate, _signing_time(results), claim.stamp)


def verify_container(
    claim: Claim, certificate: x509.Certificate, files: Mapping[str, bytes]
) -> VerifiedFiles:
    """Check the digests and the signature value of a container; as `verify` in all else.

    Args:
        claim: from `examine_container`.
        certificate: the registered one; must be the one claimed.
        files: of the container, by name.

    Raises:
        BadSignature: as `verify`.
    """
    with anything_else_is_no():
        if certificate != claim.certificate:
            raise BadSignature(Flaw.BROKEN, "the signature claims another certificate")
        results = _results(claim, certificate, {quote(name): content for name, content in files.items()})
        return VerifiedFiles(files, certificate, _signing_time(results))


def verify_seal(raw: bytes, seals: Collection[x509.Certificate]) -> Verified:
    """Check that a document bears a gateway's seal: a right signature with one of *its* certificates.

    That somebody's authority is trusted is not enough: members may have certificates of the same one.

    Args:
        raw: the bytes of a receipt, acknowledgement, return or invoice.
        seals: the certificates with which the gateway seals, and sealed before.

    Raises:
        Unreadable: not XML, or none that we read.
        BadSignature: its signature is missing, broken or outside the profile.
        ForeignSeal: it is signed with another certificate, or outside that one's dates.
    """
    claim = examine(parse(raw), may_be_stamped=True)
    _check_seal(claim, seals)
    verified = verify(claim, claim.certificate)
    _check_dates(verified)
    return verified


def verify_sealed_container(
    raw: bytes, seals: Collection[x509.Certificate], limits: Limits | None = None
) -> VerifiedFiles:
    """Check that a container bears a gateway's seal; as `verify_seal`.

    Args:
        raw: its bytes.
        seals: as in `verify_seal`.
        limits: on what is in it, if other than those for senders.

    Raises:
        BadContainer: not a container, or none that we open.
        Unreadable, BadSignature, ForeignSeal: as `verify_seal`.
    """
    container = open_container(raw, limits or Limits())
    claim = examine_container(parse(container.signatures), container.files)
    _check_seal(claim, seals)
    verified = verify_container(claim, claim.certificate, container.files)
    _check_dates(verified)
    return verified


def _check_seal(claim: Claim, seals: Collection[x509.Certificate]) -> None:
    if claim.certificate not in seals:
        raise ForeignSeal("it is not the gateway's seal")


def _check_dates(verified: Verified | VerifiedFiles) -> None:
    if not (
        verified.certificate.not_valid_before_utc
        <= verified.signed_at
        <= verified.certificate.not_valid_after_utc
    ):
        raise ForeignSeal("it was sealed outside the dates of the seal's certificate")


def _results(
    claim: Claim, certificate: x509.Certificate, files: Mapping[str, bytes] = MappingProxyType({})
) -> list[VerifyResult]:
    expected = XAdESSignatureConfiguration(
        location="./",
        expect_references=len(claim.uris),
        signature_methods=RSA_METHODS | ECDSA_METHODS,
        digest_algorithms=DIGESTS,
        # The profile has compared a KeyValue with the certificate; signxml cannot for RSA-PSS.
        ignore_ambiguous_key_info=True,
        # Dates are judged at receipt by another room; here any moment within them will do.
        verification_time=certificate.not_valid_before_utc,
        default_reference_c14n_method=C14N,
    )
    try:
        return _Verifier(claim.root, files).verify(
            claim.root,
            x509_cert=certificate,
            expect_config=expected,
            parser=trusted_parser(),
        )
    except etree.DocumentInvalid as error:
        raise BadSignature(Flaw.PROFILE, f"the signature breaks its schema ({error})") from None


def _content(claim: Claim, results: list[VerifyResult]) -> etree._Element:
    content = results[claim.uris.index("")].signed_xml
    if content is None:
        raise BadSignature(Flaw.BROKEN, "what was signed is not XML")
    _keep_lines(content, claim.root)
    return content


def _keep_lines(content: etree._Element, received: etree._Element) -> None:
    """Give elements the lines of the received file where these went astray.

    Canonical XML writes a start tag on one line. For the root the verifier makes up for that; for a
    file with further tags over several lines we go through both trees, which are equal but for the
    signature at the end of the received one. Lines are for people: nothing is decided by them.
    """
    if not len(content) or line_of(content[-1]) == line_of(received[len(content) - 1]):
        return
    for element, original in zip(content.iter(), received.iter(), strict=False):
        if (line_of(original) or 0) < 65_535:  # lxml cannot set a higher one
            element.sourceline = original.sourceline


def _signing_time(results: list[VerifyResult]) -> datetime:
    texts = [
        result.signed_xml.findtext(f"{{{XADES}}}SignedSignatureProperties/{{{XADES}}}SigningTime")
        for result in results
        if result.signed_xml is not None and result.signed_xml.tag == f"{{{XADES}}}SignedProperties"
    ]
    try:
        moment = datetime.fromisoformat((texts[0] or "").strip())
    except ValueError:
        raise BadSignature(Flaw.PROFILE, "the signing time is not a moment") from None
    if moment.tzinfo is None:
        raise BadSignature(Flaw.PROFILE, "the signing time has no time zone")
    return moment.astimezone(UTC)


class _Verifier(XAdESVerifier):
    """signxml's verifier, without the copies that our profile makes needless.

    signxml copies a tree by writing and reading it again, so that namespaces declared further up are not
    lost; twice for each reference. With exclusive canonical XML, without a document type, comments and
    processing instructions, a deep copy canonicalizes to the same bytes, and a copy need not be copied.
    And the references that the profile found to point into the signature are resolved there, not in the
    whole document. `tests/signing/` holds this class against the stock verifier.
    """

    def __init__(self, received: etree._Element, files: Mapping[str, bytes] = MappingProxyType({})) -> None:
        super().__init__()
        self._received = received
        self._files = files
        self._lines_above = b"\n" * ((line_of(received) or 1) - 1)

    def get_root(self, data: etree._Element) -> etree._Element:
        return data  # never changed: every step works on a copy

    def _tostring(self, xml_node: etree._Element, **_: object) -> etree._Element:
        return xml_node

    def _fromstring(self, xml_string: bytes | etree._Element, **_: object) -> etree._Element:
        if isinstance(xml_string, bytes):
            xml_string = self._lines_above + xml_string
            return cast("etree._Element", super()._fromstring(xml_string))  # type: ignore[no-untyped-call]
        is_copy = xml_string is not self._received and xml_string.getparent() is None
        return xml_string if is_copy else copy.deepcopy(xml_string)

    def _verify_reference(
        self,
        reference: etree._Element,
        index: int,
        root: etree._Element,
        uri_resolver: None,
        c14n_algorithm: object,
        signature: etree._Element,
        signature_key_used: object,
    ) -> VerifyResult:
        content = self._files.get(reference.get("URI", ""))
        if content is not None:
            return self._verify_file(reference, content, signature)
        scope = signature if reference.get("URI") else root
        result = super()._verify_reference(  # type: ignore[no-untyped-call]
            reference, index, scope, uri_resolver, c14n_algorithm, signature, signature_key_used
        )
        return cast("VerifyResult", result)

    def _verify_file(
        self, reference: etree._Element, content: bytes, signature: etree._Element
    ) -> VerifyResult:
        """Compare a file's digest; signxml would try to read every file as XML."""
        method = DigestAlgorithm(reference.xpath("string(ds:DigestMethod/@Algorithm)", namespaces={"ds": DS}))
        self.check_digest_alg_expected(method)  # type: ignore[no-untyped-call]
        due = base64.b64decode(reference.findtext(f"{{{DS}}}DigestValue", ""))
        if due != self._get_digest(content, method):
            raise InvalidDigest(f"Digest mismatch for {reference.get('URI')}")
        return VerifyResult(content, None, signature, signature_key=b"")
