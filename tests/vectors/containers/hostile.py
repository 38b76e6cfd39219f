"""Hostile containers: one defect each, in a function named for it, with the code that is due.

`GOOD` are the same containers without a defect: the control of every vector. All are our own.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from asn1crypto import algos, cms, crl
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from signing.container import ASIC_MANIFEST, CMS_SIGNATURE, MANIFEST, MIMETYPE, MIMETYPE_OF_ONE, SIGNATURES
from tests.vectors.containers.building import (
    AT,
    Entry,
    Fields,
    Hand,
    attribute,
    by_hand,
    deflated,
    manifest,
    named,
    of_one,
    of_several,
    read,
    reference,
    signature,
    zipped,
)

NAME = "DECSAL.dta"


@dataclass(frozen=True, slots=True)
class Scene:
    """Who takes part.

    Attributes:
        member: who deposits, with a registered key.
        other: another member, with a registered key.
        stranger: a key whose certificate is of the same authority, but registered for nobody.
        batch: a good `.dta` file of the member.
    """

    member: Hand
    other: Hand
    stranger: Hand
    batch: bytes


Vector = Callable[[Scene], bytes]
GOOD: dict[str, Vector] = {}
HOSTILE: dict[str, tuple[str, Vector]] = {}


def good(function: Vector) -> Vector:
    GOOD[function.__name__] = function
    return function


def due(code: str) -> Callable[[Vector], Vector]:
    """Enter a vector with its code; its container says itself for one or for several files."""

    def enter(function: Vector) -> Vector:
        HOSTILE[function.__name__] = (code, function)
        return function

    return enter


# good ones


@good
def one_file(scene: Scene) -> bytes:
    return of_one(NAME, scene.batch, signature(scene.batch, scene.member))


@good
def several_files(scene: Scene) -> bytes:
    described = manifest(reference(NAME, scene.batch))
    return of_several({NAME: scene.batch}, described, signature(described, scene.member))


@good
def one_file_deflated(scene: Scene) -> bytes:
    sealed = signature(scene.batch, scene.member, digest="sha384")
    head = ("mimetype", MIMETYPE_OF_ONE.encode())
    return zipped(head, (NAME, scene.batch), (CMS_SIGNATURE, sealed), deflated=True)


@good
def one_file_by_hand(scene: Scene) -> bytes:
    return by_hand(_entries(scene))


@good
def manifest_of_other_programs(scene: Scene) -> bytes:
    sealed = signature(scene.batch, scene.member)
    return of_one(NAME, scene.batch, sealed, (MANIFEST, b"<manifest/>"))


@good
def algorithm_protection(scene: Scene) -> bytes:
    """RFC 6211, as several programs write it."""

    def edit(own: Fields) -> None:
        protection = {
            "digest_algorithm": {"algorithm": "sha256"},
            "signature_algorithm": {"algorithm": _method(scene.member)},
        }
        own["p"] = attribute("cms_algorithm_protection", cms.CMSAlgorithmProtection(protection))

    return _one(scene, signature(scene.batch, scene.member, attributes=edit))


# the signature: place


@due("SIG-MISSING")
def nobody_has_signed(scene: Scene) -> bytes:
    return _one(scene, signature(scene.batch, scene.member, data=_set(signer_infos=[])))


@due("SIG-MISSING")
def an_empty_signature(scene: Scene) -> bytes:
    return _one(scene, b"")


@due("SIG-PLACE")
def two_signers(scene: Scene) -> bytes:
    def edit(data: Fields) -> None:
        data["signer_infos"] = [*data["signer_infos"], *_signers(signature(scene.batch, scene.other))]

    return _one(scene, signature(scene.batch, scene.member, data=edit))


@due("SIG-PLACE")
def the_same_signer_twice(scene: Scene) -> bytes:
    def edit(data: Fields) -> None:
        data["signer_infos"] = [*data["signer_infos"], *_signers(signature(scene.batch, scene.member))]

    return _one(scene, signature(scene.batch, scene.member, data=edit))


@due("SIG-PLACE")
def content_in_the_signature(scene: Scene) -> bytes:
    inside = {"content_type": "data", "content": scene.batch}
    return _one(scene, signature(scene.batch, scene.member, data=_set(encap_content_info=inside)))


@due("SIG-PLACE")
def empty_content_in_the_signature(scene: Scene) -> bytes:
    inside = {"content_type": "data", "content": b""}
    return _one(scene, signature(scene.batch, scene.member, data=_set(encap_content_info=inside)))


# the signature: spelling


@due("SIG-PROFILE")
def no_asn1(scene: Scene) -> bytes:
    return _one(scene, b"\x30\x82 but not really")


@due("SIG-PROFILE")
def lengths_that_lie(scene: Scene) -> bytes:
    return _one(scene, b"\x30\x84\xff\xff\xff\xff" + signature(scene.batch, scene.member))


@due("SIG-PROFILE")
def nested_without_end(scene: Scene) -> bytes:
    return _one(scene, b"\x30\x80" * 30_000)


@due("SIG-PROFILE")
def indefinite_length(scene: Scene) -> bytes:
    definite = signature(scene.batch, scene.member)
    return _one(scene, b"\x30\x80" + definite[4:] + b"\0\0")


@due("SIG-PROFILE")
def a_length_in_more_bytes_than_needed(scene: Scene) -> bytes:
    shortest = signature(scene.batch, scene.member)
    return _one(scene, b"\x30\x83\0" + shortest[2:])


@due("SIG-PROFILE")
def bytes_behind_the_signature(scene: Scene) -> bytes:
    return _one(scene, signature(scene.batch, scene.member) + b"\0")


@due("SIG-PROFILE")
def armoured(scene: Scene) -> bytes:
    return _one(scene, b"-----BEGIN CMS-----\n")


@due("SIG-PROFILE")
def a_signature_too_large(scene: Scene) -> bytes:
    return _one(scene, signature(scene.batch, scene.member) + bytes(64 * 1024))


@due("SIG-PROFILE")
def bare_content_in_place_of_a_signature(scene: Scene) -> bytes:
    return _one(scene, cms.ContentInfo({"content_type": "data", "content": b"x"}).dump())


@due("SIG-PROFILE")
def signed_attributes_out_of_order(scene: Scene) -> bytes:
    """Sets have one order in DER; whoever reads another might hash another."""
    sealed = signature(scene.batch, scene.member)
    [signer] = _signers(sealed)
    attributes = [each.dump() for each in signer["signed_attrs"]]
    return _one(scene, sealed.replace(b"".join(attributes), b"".join(reversed(attributes))))


# the signature: signed attributes


@due("SIG-PROFILE")
def no_signed_attributes(scene: Scene) -> bytes:
    return _one(scene, signature(scene.batch, scene.member, signer=lambda info: info.pop("signed_attrs")))


def _without(name: str) -> Vector:
    def vector(scene: Scene) -> bytes:
        return _one(scene, signature(scene.batch, scene.member, attributes=lambda own: own.pop(name)))

    vector.__name__ = f"no_{name}"
    return vector


for _name in ("content_type", "signing_time", "message_digest", "signing_certificate_v2"):
    due("SIG-PROFILE")(_without(_name))


@due("SIG-PROFILE")
def a_digest_twice(scene: Scene) -> bytes:
    def edit(own: Fields) -> None:
        own["again"] = attribute("message_digest", bytes(32))

    return _one(scene, signature(scene.batch, scene.member, attributes=edit))


@due("SIG-PROFILE")
def two_values_of_a_digest(scene: Scene) -> bytes:
    def edit(own: Fields) -> None:
        right = own["message_digest"]["values"][0].native
        own["message_digest"] = attribute("message_digest", bytes(32), right)

    return _one(scene, signature(scene.batch, scene.member, attributes=edit))


@due("SIG-PROFILE")
def an_attribute_nobody_knows(scene: Scene) -> bytes:
    def edit(own: Fields) -> None:
        own["x"] = attribute("1.2.3.4.5", cms.Any(cms.CMSVersion("v1")))

    return _one(scene, signature(scene.batch, scene.member, attributes=edit))


@due("SIG-PROFILE")
def unsigned_attributes(scene: Scene) -> bytes:
    """A countersignature, say: nothing protects what stands there."""

    def edit(info: Fields) -> None:
        info["unsigned_attrs"] = [attribute("signing_time", cms.Time({"utc_time": AT}))]

    return _one(scene, signature(scene.batch, scene.member, signer=edit))


@due("SIG-PROFILE")
def another_kind_of_content(scene: Scene) -> bytes:
    return _one(scene, _with(scene, content_type=attribute("content_type", "tst_info")))


@due("SIG-PROFILE")
def another_certificate_named(scene: Scene) -> bytes:
    other = attribute("signing_certificate_v2", named(scene.other.certificate))
    return _one(scene, _with(scene, signing_certificate_v2=other))


@due("SIG-PROFILE")
def the_certificate_named_by_sha1(scene: Scene) -> bytes:
    weak = attribute("signing_certificate_v2", named(scene.member.certificate, "sha1"))
    return _one(scene, _with(scene, signing_certificate_v2=weak))


@due("SIG-PROFILE")
def protection_of_another_algorithm(scene: Scene) -> bytes:
    lie = {
        "digest_algorithm": {"algorithm": "sha512"},
        "signature_algorithm": {"algorithm": _method(scene.member)},
    }
    value = attribute("cms_algorithm_protection", cms.CMSAlgorithmProtection(lie))
    return _one(scene, _with(scene, protection=value))


# the signature: algorithms and keys


@due("SIG-PROFILE")
def sha1(scene: Scene) -> bytes:
    return _one(scene, signature(scene.batch, scene.member, digest="sha1"))


@due("SIG-PROFILE")
def ecdsa_with_sha512(scene: Scene) -> bytes:
    return _one(scene, signature(scene.batch, scene.member, digest="sha512"))


@due("SIG-PROFILE")
def another_digest_in_front(scene: Scene) -> bytes:
    others = [algos.DigestAlgorithm({"algorithm": "sha512"})]
    return _one(scene, signature(scene.batch, scene.member, data=_set(digest_algorithms=others)))


@due("SIG-PROFILE")
def digest_and_signature_differ(scene: Scene) -> bytes:
    method = {"algorithm": "sha384_ecdsa"}
    return _one(scene, signature(scene.batch, scene.member, signer=_set(signature_algorithm=method)))


@due("SIG-PROFILE")
def a_small_key(scene: Scene) -> bytes:
    return _one(scene, signature(scene.batch, _own(rsa.generate_private_key(65537, 2048))))


@due("SIG-PROFILE")
def a_curve_that_is_not_listed(scene: Scene) -> bytes:
    return _one(scene, signature(scene.batch, _own(ec.generate_private_key(ec.SECP521R1()))))


# the signature: certificates


@due("SIG-PROFILE")
def no_certificate(scene: Scene) -> bytes:
    return _one(scene, signature(scene.batch, scene.member, data=lambda data: data.pop("certificates")))


@due("SIG-PROFILE")
def the_certificate_of_another(scene: Scene) -> bytes:
    others = [read(scene.other.certificate)]
    return _one(scene, signature(scene.batch, scene.member, data=_set(certificates=others)))


@due("SIG-PROFILE")
def the_certificate_twice(scene: Scene) -> bytes:
    twice = [read(scene.member.certificate)] * 2
    return _one(scene, signature(scene.batch, scene.member, data=_set(certificates=twice)))


@due("SIG-PROFILE")
def six_certificates(scene: Scene) -> bytes:
    more = [read(_own(ec.generate_private_key(ec.SECP256R1())).certificate) for _ in range(5)]
    held = [read(scene.member.certificate), *more]
    return _one(scene, signature(scene.batch, scene.member, data=_set(certificates=held)))


@due("SIG-PROFILE")
def something_else_than_certificates(scene: Scene) -> bytes:
    odd = {"other_cert_format": "1.2.3", "other_cert": cms.Any(cms.CMSVersion("v1"))}
    held = [
        cms.CertificateChoices({"certificate": read(scene.member.certificate)}),
        cms.CertificateChoices({"other": cms.OtherCertificateFormat(odd)}),
    ]
    return _one(scene, signature(scene.batch, scene.member, data=_set(certificates=held)))


@due("SIG-PROFILE")
def a_revocation_list_of_the_sender(scene: Scene) -> bytes:
    hand = _own(ec.generate_private_key(ec.SECP256R1()))
    builder = x509.CertificateRevocationListBuilder().issuer_name(hand.certificate.subject)
    listed = builder.last_update(AT).next_update(AT + timedelta(1)).sign(hand.key, hashes.SHA256())
    lists = [crl.CertificateList.load(listed.public_bytes(Encoding.DER))]
    return _one(scene, signature(scene.batch, scene.member, data=_set(crls=lists)))


@due("SIG-PROFILE")
def the_signer_named_by_key(scene: Scene) -> bytes:
    sid = cms.SignerIdentifier({"subject_key_identifier": bytes(20)})
    return _one(scene, signature(scene.batch, scene.member, signer=_set(version="v3", sid=sid)))


@due("SIG-CERTIFICATE-UNKNOWN")
def a_stranger(scene: Scene) -> bytes:
    return _one(scene, signature(scene.batch, scene.stranger))


@due("SIG-SENDER")
def another_member(scene: Scene) -> bytes:
    return _one(scene, signature(scene.batch, scene.other))


# the signature: what it is over


@due("SIG-BROKEN")
def over_other_bytes(scene: Scene) -> bytes:
    return _one(scene, signature(scene.batch + b"\r\n", scene.member))


@due("SIG-BROKEN")
def over_nothing(scene: Scene) -> bytes:
    return _one(scene, signature(b"", scene.member))


@due("SIG-BROKEN")
def a_value_that_was_changed(scene: Scene) -> bytes:
    def edit(info: Fields) -> None:
        info["signature"] = info["signature"][:-1] + bytes([info["signature"][-1] ^ 1])

    return _one(scene, signature(scene.batch, scene.member, signer=edit))


@due("SIG-BROKEN")
def a_value_that_is_none(scene: Scene) -> bytes:
    return _one(scene, signature(scene.batch, scene.member, signer=_set(signature=b"")))


@due("SIG-BROKEN")
def an_attribute_that_was_changed(scene: Scene) -> bytes:
    sealed = signature(scene.batch, scene.member)
    return _one(scene, sealed.replace(b"260803091500Z", b"310803091500Z"))


@due("SIG-BROKEN")
def the_value_of_another(scene: Scene) -> bytes:
    """Whoever has a registered key may not put it under the certificate of another."""

    def edit(info: Fields) -> None:
        [other] = _signers(signature(scene.batch, scene.other))
        info["signature"] = other["signature"].native

    return _one(scene, signature(scene.batch, scene.member, signer=edit))


# the manifest


@due("FILE-CONTAINER")
def several_files_without_manifest(scene: Scene) -> bytes:
    head = ("mimetype", MIMETYPE.encode())
    return zipped(head, (NAME, scene.batch), (CMS_SIGNATURE, signature(scene.batch, scene.member)))


@due("FILE-CONTAINER")
def one_file_with_manifest(scene: Scene) -> bytes:
    described = manifest(reference(NAME, scene.batch))
    return of_one(NAME, scene.batch, signature(described, scene.member), (ASIC_MANIFEST, described))


@due("FILE-CONTAINER")
def two_manifests(scene: Scene) -> bytes:
    described = manifest(reference(NAME, scene.batch))
    sealed, second = signature(described, scene.member), ("META-INF/ASiCManifest2.xml", described)
    return of_several({NAME: scene.batch}, described, sealed, second)


@due("SIG-PROFILE")
def a_file_left_out(scene: Scene) -> bytes:
    described = manifest(reference(NAME, scene.batch))
    files = {NAME: scene.batch, "more.JPG": b"x"}
    return of_several(files, described, signature(described, scene.member))


@due("SIG-PROFILE")
def a_file_named_twice(scene: Scene) -> bytes:
    described = manifest(reference(NAME, scene.batch), reference(NAME, b"another"))
    files = {NAME: scene.batch, "more.JPG": b"x"}
    return of_several(files, described, signature(described, scene.member))


@due("SIG-PROFILE")
def a_file_elsewhere(scene: Scene) -> bytes:
    return _described(scene, manifest(reference("https://example.org/DECSAL.dta", scene.batch)))


@due("SIG-PROFILE")
def a_manifest_for_another_signature(scene: Scene) -> bytes:
    other = "META-INF/signature2.p7s"
    return _described(scene, manifest(reference(NAME, scene.batch), signature=other))


@due("SIG-PROFILE")
def a_digest_by_sha1(scene: Scene) -> bytes:
    method = "http://www.w3.org/2000/09/xmldsig#sha1"
    return _described(scene, manifest(reference(NAME, scene.batch, method)))


@due("SIG-PROFILE")
def extensions_in_the_manifest(scene: Scene) -> bytes:
    more = "<asic:ASiCManifestExtensions/>"
    return _described(scene, manifest(reference(NAME, scene.batch), more))


@due("SIG-PROFILE")
def text_in_the_manifest(scene: Scene) -> bytes:
    return _described(scene, manifest(reference(NAME, scene.batch) + "and all others"))


@due("SIG-PROFILE")
def a_digest_that_is_not_base64(scene: Scene) -> bytes:
    odd = reference(NAME, scene.batch).replace("=</ds", "*</ds")
    return _described(scene, manifest(odd))


@due("SIG-PROFILE")
def another_document_for_a_manifest(scene: Scene) -> bytes:
    return _described(scene, b"<asic:Manifest xmlns:asic='http://uri.etsi.org/02918/v1.2.1#'/>")


@due("SIG-BROKEN")
def another_digest_in_the_manifest(scene: Scene) -> bytes:
    return _described(scene, manifest(reference(NAME, scene.batch + b"\r\n")))


@due("SIG-BROKEN")
def a_manifest_that_was_changed(scene: Scene) -> bytes:
    described = manifest(reference(NAME, scene.batch))
    changed = described.replace(b"<asic:Sig", b" <asic:Sig")
    return of_several({NAME: scene.batch}, changed, signature(described, scene.member))


@due("SIG-BROKEN")
def a_signature_over_the_file_in_place_of_the_manifest(scene: Scene) -> bytes:
    described = manifest(reference(NAME, scene.batch))
    return of_several({NAME: scene.batch}, described, signature(scene.batch, scene.member))


@due("FILE-DTD")
def entities_in_the_manifest(scene: Scene) -> bytes:
    described = manifest(reference(NAME, scene.batch))
    return _described(scene, b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>' + described)


@due("FILE-NOT-XML")
def a_manifest_cut_off(scene: Scene) -> bytes:
    return _described(scene, manifest(reference(NAME, scene.batch))[:-20])


# the container


@due("FILE-CONTAINER")
def two_signatures(scene: Scene) -> bytes:
    sealed = signature(scene.batch, scene.member)
    return of_one(NAME, scene.batch, sealed, ("META-INF/signature2.p7s", sealed))


@due("FILE-CONTAINER")
def signatures_of_both_kinds(scene: Scene) -> bytes:
    sealed = signature(scene.batch, scene.member)
    return of_one(NAME, scene.batch, sealed, (SIGNATURES, b"<signatures/>"))


@due("FILE-CONTAINER")
def two_files_in_a_container_of_one(scene: Scene) -> bytes:
    return of_one(NAME, scene.batch, signature(scene.batch, scene.member), ("DECAFF.dta", b"x"))


@due("FILE-CONTAINER")
def no_file(scene: Scene) -> bytes:
    head = ("mimetype", MIMETYPE_OF_ONE.encode())
    return zipped(head, (CMS_SIGNATURE, signature(b"", scene.member)))


@due("FILE-CONTAINER")
def no_signature(scene: Scene) -> bytes:
    return zipped(("mimetype", MIMETYPE_OF_ONE.encode()), (NAME, scene.batch))


@due("FILE-CONTAINER")
def another_mimetype(scene: Scene) -> bytes:
    sealed = (CMS_SIGNATURE, signature(scene.batch, scene.member))
    return zipped(("mimetype", b"application/zip"), (NAME, scene.batch), sealed)


@due("FILE-CONTAINER")
def mimetype_behind(scene: Scene) -> bytes:
    sealed = (CMS_SIGNATURE, signature(scene.batch, scene.member))
    return zipped((NAME, scene.batch), ("mimetype", MIMETYPE_OF_ONE.encode()), sealed)


@due("FILE-CONTAINER")
def a_container_in_the_container(scene: Scene) -> bytes:
    inside = one_file(scene)
    return of_one(NAME, inside, signature(inside, scene.member))


@due("FILE-CONTAINER")
def a_bomb(scene: Scene) -> bytes:
    content = bytes(200_000_000)
    head = ("mimetype", MIMETYPE_OF_ONE.encode())
    return zipped(head, (NAME, content), (CMS_SIGNATURE, b"x"), deflated=True)


@due("FILE-CONTAINER")
def a_bomb_that_lies(scene: Scene) -> bytes:
    return _by_hand(scene, method=8, packed=deflated(bytes(50_000_000)), size=50)


@due("FILE-CONTAINER")
def more_entries_than_allowed(scene: Scene) -> bytes:
    empty = [(f"{number}.JPG", b"") for number in range(1_000)]
    return of_one(NAME, scene.batch, b"", *empty)


@due("FILE-CONTAINER")
def a_directory_longer_than_it_says(scene: Scene) -> bytes:
    empty = [Entry(f"{number}.JPG", b"") for number in range(1_000)]
    return by_hand([*_entries(scene), *empty], count=3)


@due("FILE-CONTAINER")
def a_name_that_goes_up(scene: Scene) -> bytes:
    return of_one("../" + NAME, scene.batch, signature(scene.batch, scene.member))


@due("FILE-CONTAINER")
def an_absolute_name(scene: Scene) -> bytes:
    return of_one("/etc/passwd", scene.batch, signature(scene.batch, scene.member))


@due("FILE-CONTAINER")
def a_name_of_windows(scene: Scene) -> bytes:
    return of_one("C:\\" + NAME, scene.batch, signature(scene.batch, scene.member))


@due("FILE-CONTAINER")
def a_name_with_a_nul(scene: Scene) -> bytes:
    return _by_hand(scene, name="DECSAL.dta\0.exe")


@due("FILE-CONTAINER")
def a_name_of_other_letters(scene: Scene) -> bytes:
    return _by_hand(scene, name="DÉCSAL.dta", flags=0x800)


@due("FILE-CONTAINER")
def a_name_too_long(scene: Scene) -> bytes:
    return of_one("D" * 125 + ".dta", scene.batch, signature(scene.batch, scene.member))


@due("FILE-CONTAINER")
def the_same_name_twice(scene: Scene) -> bytes:
    return of_one(NAME, scene.batch, signature(scene.batch, scene.member), (NAME, b"another"))


@due("FILE-CONTAINER")
def the_same_name_but_for_case(scene: Scene) -> bytes:
    described = manifest(reference(NAME, scene.batch), reference("decsal.DTA", b"x"))
    files = {NAME: scene.batch, "decsal.DTA": b"x"}
    return of_several(files, described, signature(described, scene.member))


@due("FILE-CONTAINER")
def a_folder(scene: Scene) -> bytes:
    return _by_hand(scene, mode=0x10)


@due("FILE-CONTAINER")
def a_link(scene: Scene) -> bytes:
    return _by_hand(scene, mode=0o120777 << 16)


@due("FILE-CONTAINER")
def encrypted_by_zip(scene: Scene) -> bytes:
    return _by_hand(scene, flags=1)


@due("FILE-CONTAINER")
def on_another_disk(scene: Scene) -> bytes:
    return _by_hand(scene, volume=1)


@due("FILE-CONTAINER")
def compressed_otherwise(scene: Scene) -> bytes:
    return _by_hand(scene, method=12, packed=scene.batch)


@due("FILE-CONTAINER")
def a_remark(scene: Scene) -> bytes:
    return _by_hand(scene, remark=b"PK\x01\x02")


@due("FILE-CONTAINER")
def another_name_in_front(scene: Scene) -> bytes:
    return _by_hand(scene, front_name="DECSAL.dtb")


@due("FILE-CONTAINER")
def sizes_for_huge_files(scene: Scene) -> bytes:
    return _by_hand(scene, extra=struct.pack("<HHQQ", 1, 16, len(scene.batch), len(scene.batch)))


@due("FILE-CONTAINER")
def another_name_in_an_extra_field(scene: Scene) -> bytes:
    other = b"other.dta"
    spelt = struct.pack("<HHBI", 0x7075, 5 + len(other), 1, zlib.crc32(NAME.encode())) + other
    return _by_hand(scene, extra=spelt)


@due("FILE-CONTAINER")
def another_checksum(scene: Scene) -> bytes:
    return _by_hand(scene, checksum=1)


@due("FILE-CONTAINER")
def bytes_behind_a_stream(scene: Scene) -> bytes:
    return _by_hand(scene, method=8, packed=deflated(scene.batch) + b"hidden")


@due("FILE-CONTAINER")
def bytes_in_front(scene: Scene) -> bytes:
    """So that it is a container to one program and a page to another."""
    return b"PK\x03\x04%PDF-1.7\n" + one_file(scene)


@due("FILE-CONTAINER")
def bytes_before_the_directory(scene: Scene) -> bytes:
    return by_hand(_entries(scene), between=b"hidden", shift=0)


@due("FILE-CONTAINER")
def bytes_behind_the_directory(scene: Scene) -> bytes:
    return by_hand(_entries(scene), behind=b"PK\x05\x05\0\0")


@due("FILE-CONTAINER")
def bytes_behind(scene: Scene) -> bytes:
    return one_file(scene) + b"%%EOF"


@due("FILE-CONTAINER")
def a_remark_of_the_whole(scene: Scene) -> bytes:
    sealed = (CMS_SIGNATURE, signature(scene.batch, scene.member))
    head = ("mimetype", MIMETYPE_OF_ONE.encode())
    return zipped(head, (NAME, scene.batch), sealed, comment=b"<html>")


@due("FILE-CONTAINER")
def two_containers(scene: Scene) -> bytes:
    return one_file(scene) * 2


@due("FILE-CONTAINER")
def fewer_entries_than_there_are(scene: Scene) -> bytes:
    return by_hand(_entries(scene), count=2)


@due("FILE-CONTAINER")
def cut_off(scene: Scene) -> bytes:
    return one_file(scene)[:-1]


# tools


def _one(scene: Scene, sealed: bytes) -> bytes:
    return of_one(NAME, scene.batch, sealed)


def _described(scene: Scene, described: bytes) -> bytes:
    return of_several({NAME: scene.batch}, described, signature(described, scene.member))


def _with(scene: Scene, **attributes: cms.CMSAttribute) -> bytes:
    return signature(scene.batch, scene.member, attributes=lambda own: own.update(attributes))


def _set(**fields: object) -> Callable[[Fields], None]:
    return lambda held: held.update(fields)


def _signers(sealed: bytes) -> list[cms.SignerInfo]:
    return list(cms.ContentInfo.load(sealed)["content"]["signer_infos"])


def _method(hand: Hand) -> str:
    return "sha256_rsa" if isinstance(hand.key, rsa.RSAPrivateKey) else "sha256_ecdsa"


def _own(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> Hand:
    """A hand with a certificate that it issued to itself."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "nobody")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(AT - timedelta(1))
    return Hand(key, builder.not_valid_after(AT + timedelta(1000)).sign(key, hashes.SHA256()))


def _entries(scene: Scene) -> list[Entry]:
    return [
        Entry("mimetype", MIMETYPE_OF_ONE.encode()),
        Entry(NAME, scene.batch),
        Entry(CMS_SIGNATURE, signature(scene.batch, scene.member)),
    ]


def _by_hand(scene: Scene, **changes: object) -> bytes:
    """The container of one file, its entry changed."""
    head, file, sealed = _entries(scene)
    return by_hand([head, replace(file, **changes), sealed])  # type: ignore[arg-type]
