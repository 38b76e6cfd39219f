"""The manifest of ASiC-E with CAdES: which files are signed, by their digests (EN 319 162-1, annex A.4).

    ASiCManifest
        SigReference to the signature
        DataObjectReference to each file, by its name: DigestMethod, DigestValue
        ...

Nothing else: no extensions, no text beside, no file twice or left out.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from cryptography.hazmat.primitives import hashes
from lxml import etree

from signing.parse import parse
from signing.profile import ASIC, DS, BadSignature, Flaw, anything_else_is_no

_HASHES: Mapping[str, hashes.HashAlgorithm] = {
    "http://www.w3.org/2001/04/xmlenc#sha256": hashes.SHA256(),
    "http://www.w3.org/2001/04/xmldsig-more#sha384": hashes.SHA384(),
    "http://www.w3.org/2001/04/xmlenc#sha512": hashes.SHA512(),
}


@dataclass(frozen=True, slots=True)
class Digest:
    """What a manifest says of one file."""

    method: hashes.HashAlgorithm
    value: bytes

    def is_of(self, content: bytes) -> bool:
        """Whether these bytes have it."""
        computed = hashes.Hash(self.method)
        computed.update(content)
        return computed.finalize() == self.value


def examine(raw: bytes, signature: str, files: Collection[str]) -> Mapping[str, Digest]:
    """The digests of a manifest by the names of the files, before anything is computed.

    Args:
        raw: the manifest.
        signature: name of the entry with the signature over it.
        files: names of the files in the container, each of which has to be signed.

    Raises:
        Unreadable: not XML, or none that we read.
        BadSignature: profile; broken if it cannot even be examined.
    """
    root = parse(raw)
    with anything_else_is_no():
        return _digests(root, signature, files)


def _digests(root: etree._Element, signature: str, files: Collection[str]) -> Mapping[str, Digest]:
    if root.tag != f"{{{ASIC}}}ASiCManifest" or len(root) != 1 + len(files):
        raise _unfit("the manifest names the signature and each file, each once")
    _check(root, root.tag, children=len(root))
    reference, *objects = root
    _check(reference, f"{{{ASIC}}}SigReference", {"URI", "MimeType"})
    if reference.get("URI") != signature:
        raise _unfit("the manifest is for another signature")
    found = dict(_object(each) for each in objects)
    if found.keys() != {quote(name) for name in files}:
        raise _unfit("the manifest names the signature and each file, each once")
    return {name: found[quote(name)] for name in files}


def _object(element: etree._Element) -> tuple[str, Digest]:
    _check(element, f"{{{ASIC}}}DataObjectReference", {"URI", "MimeType", "Rootfile"}, children=2)
    method, value = element
    _check(method, f"{{{DS}}}DigestMethod", {"Algorithm"})
    _check(value, f"{{{DS}}}DigestValue", is_text=True)
    digest = _HASHES.get(method.get("Algorithm", ""))
    if digest is None:
        raise _unfit(f"digest method {method.get('Algorithm')!r} is not on the list")
    try:
        decoded = base64.b64decode("".join((value.text or "").split()), validate=True)
    except ValueError:
        raise _unfit("a digest in the manifest is not base64") from None
    return element.get("URI", ""), Digest(digest, decoded)


def _check(
    element: etree._Element,
    tag: str,
    attributes: Collection[str] = (),
    *,
    children: int = 0,
    is_text: bool = False,
) -> None:
    """An element is what is due in its place, and holds nothing beside."""
    texts = [child.tail for child in element] + ([] if is_text else [element.text])
    if (
        element.tag != tag
        or len(element) != children
        or not set(element.attrib) <= set(attributes)
        or any(text and text.strip() for text in texts)
    ):
        name = etree.QName(element).localname
        raise _unfit(f"{name} in the manifest is not what is due in its place, or holds something else")


def _unfit(reason: str) -> BadSignature:
    return BadSignature(Flaw.PROFILE, reason)
