"""Signatures beside what they sign, whichever of its forms a container has (`signing.container`).

Two steps, as for documents (`signing.verify`):

    claim = examine(open_container(raw))     # shape, algorithms, claimed certificate
    ...                                      # is that certificate registered, trusted at receipt?
    verified = verify(claim, registered)     # digests and signature value

After that only `verified.files` is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cryptography import x509

from signing import cms, manifest
from signing.cms import CmsClaim
from signing.container import Container
from signing.manifest import Digest
from signing.parse import parse
from signing.profile import BadSignature, Claim, Flaw, examine_container
from signing.verify import VerifiedFiles, verify_container


@dataclass(frozen=True, slots=True)
class DetachedClaim:
    """What the signature of a container claims; nothing of it is proven yet.

    Attributes:
        container: that it stands in.
        signature: what it claims itself.
        digests: of the files by name, where the signature is over a manifest.
    """

    container: Container
    signature: Claim | CmsClaim
    digests: Mapping[str, Digest] | None = None

    @property
    def certificate(self) -> x509.Certificate:
        """Whose signature it is said to be."""
        return self.signature.certificate

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """The further certificates sent with it."""
        return self.signature.chain


def examine(container: Container) -> DetachedClaim:
    """Check the signature of a container against its profile, before anything is computed.

    Raises:
        Unreadable: XML in the container is none that we read.
        BadSignature: missing, place, profile; broken if it cannot even be examined.
    """
    if not container.is_cms:
        return DetachedClaim(container, examine_container(parse(container.signatures), container.files))
    digests = None
    if container.manifest is not None:
        digests = manifest.examine(container.manifest.content, container.signature_name, container.files)
    return DetachedClaim(container, cms.examine(container.signatures), digests)


def verify(claim: DetachedClaim, certificate: x509.Certificate) -> VerifiedFiles:
    """Check the digests and the signature value with a certificate that the caller trusts.

    Args:
        claim: from `examine`.
        certificate: the registered one; must be the one claimed.

    Raises:
        BadSignature: broken in most cases; profile if signed properties break their own form.
    """
    container, signature = claim.container, claim.signature
    if isinstance(signature, Claim):
        return verify_container(signature, certificate, container.files)
    if container.manifest is None:
        [content] = container.files.values()
    else:
        content = container.manifest.content
    signature.check(certificate, content)
    for name, digest in (claim.digests or {}).items():
        if not digest.is_of(container.files[name]):
            raise BadSignature(Flaw.BROKEN, f"{name} has another digest than the manifest says")
    return VerifiedFiles(container.files, certificate, signature.signed_at)
