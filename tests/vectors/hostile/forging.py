"""The tools of a forger who is a member: a good key, good files, and everything that can be done to them."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from lxml import etree

from adapters.pki import KeyKind, PrivateKey, Subject, new_key
from gateway.moments import Received
from gateway.names import Extension
from signing.sign import Signer
from tests.house import House, Sender, wage
from tests.signing.workshop import _canonical, _hash, _referred, der_text, find, references, signature

Edit = Callable[[etree._Element], object]
NAMESPACE = "urn:secugate:1"
NS = f"{{{NAMESPACE}}}"

_numbers = itertools.count(1)


@dataclass(slots=True)
class Forger:
    """A member with a good key who means no good.

    Attributes:
        home: the gateway.
        sender: as whom the forger comes.
        other: another member.
        code: of the batches.
    """

    home: House
    sender: Sender
    other: Sender
    code: str = "DECSAL"
    keys: dict[str, Signer] = field(default_factory=dict)

    def wages(self) -> list[dict[str, str]]:
        """A good record, never the same twice."""
        return [wage(employer=self.sender.member.matricule, Reference=f"V{next(_numbers)}")]

    def plain(self, **header: str) -> etree._Element:
        """A good batch without signature."""
        return self.home.plain(self.sender, self.code, self.wages(), **header)

    def good(self) -> bytes:
        """A good batch."""
        return self.sign(self.plain())

    def sign(self, root: etree._Element, signer: Signer | None = None) -> bytes:
        """Anything, signed."""
        return (signer or self.sender.signer).sign(root, self.home.clock())

    def signed(self, edit: Edit) -> bytes:
        """A batch that was changed and then signed."""
        root = self.plain()
        edit(root)
        return self.sign(root)

    def spelt(self, **fields: str) -> bytes:
        """A batch whose record has other values, signed."""
        records = [{**self.wages()[0], **fields}]
        return self.sign(self.home.plain(self.sender, self.code, records))

    def edited(self, edit: Edit) -> bytes:
        """A signed batch that was changed afterwards."""
        root = etree.fromstring(self.good())
        edit(root)
        return etree.tostring(root)

    def replaced(self, old: bytes, new: bytes) -> bytes:
        """A signed batch with other bytes in one place."""
        good = self.good()
        assert old in good
        return good.replace(old, new, 1)

    def forged(self, edit: Edit, signer: Signer | None = None) -> bytes:
        """A signed batch whose signature was changed and then sealed again with the key."""
        root = etree.fromstring(self.sign(self.plain(), signer))
        edit(signature(root))
        self.reseal(root, (signer or self.sender.signer).key)
        return etree.tostring(root)

    def reseal(self, root: etree._Element, key: PrivateKey) -> None:
        """Right digests and a right value, whatever the signature was turned into."""
        seal = signature(root)
        info = find(seal, "SignedInfo")
        for reference in references(info):
            digest = hashes.Hash(_hash(find(reference, "DigestMethod")))
            digest.update(_referred(root, reference))
            find(reference, "DigestValue").text = base64.b64encode(digest.finalize()).decode()
        text = _canonical(info, find(info, "CanonicalizationMethod"))
        find(seal, "SignatureValue").text = base64.b64encode(value(key, text)).decode()

    def boxed(self, files: dict[str, bytes] | None = None) -> bytes:
        """A container."""
        given = {f"{self.code}.xml": etree.tostring(self.plain())} if files is None else files
        return self.sender.signer.sign_container(given, self.home.clock())

    def title(self, extension: Extension = Extension.XML) -> str:
        """A good name, never used."""
        return self.home.name(self.code, self.sender.member, extension)

    def registered(self, signer: Signer) -> Signer:
        """A key that is registered for the member."""
        at = Received(self.home.clock())
        self.home.gateway.members.add_certificate(self.sender.member, signer.certificate, at)
        return signer

    def fresh(self, kind: KeyKind = KeyKind.P256) -> Signer:
        """A key with a good certificate that nobody registered."""
        key = new_key(kind)
        authority = self.home.authority.certificate
        first, last = authority.not_valid_before_utc, authority.not_valid_after_utc
        subject = Subject("Another key", serial_number=str(self.sender.member))
        return Signer(key, self.home.authority.issue(subject, key.public_key(), first, last))


def value(key: PrivateKey, text: bytes) -> bytes:
    """An ECDSA value as XML signatures write it."""
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    r, s = decode_dss_signature(key.sign(text, ec.ECDSA(hashes.SHA256())))
    size = (key.key_size + 7) // 8
    return r.to_bytes(size) + s.to_bytes(size)


def holding(*certificates: x509.Certificate) -> Edit:
    """Other certificates in place of those in the key information."""

    def change(root: etree._Element) -> None:
        data = find(root, "X509Data")
        one = data[0]
        data[:] = []
        for each in certificates:
            made = etree.SubElement(data, one.tag)
            made.text = der_text(each)

    return change


def lines(*parts: bytes) -> bytes:
    return b"\n".join(parts)


def each(names: Sequence[str]) -> dict[str, str]:
    """Names for a table from texts."""
    return {name: name for name in names}
