"""Signatures that must not be accepted: one function, one defect; the flaw named is the one due.

Where the forger owns a good key the document is sealed again after the change (`forged`), so that only
the profile refuses it; where not (`edited`), the signature value is what it was.
"""

from __future__ import annotations

import base64
import copy
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, SignatureMethod
from signxml.verifier import SignatureConfiguration, XMLVerifier
from signxml.xades.xades import XAdESSignatureConfiguration, XAdESVerifier
from workshop import (
    AT,
    DOCUMENT,
    DS,
    ENVELOPED,
    EXCLUSIVE,
    FIRST,
    INCLUSIVE,
    LAST,
    SHA1,
    XADES,
    Edit,
    accept,
    authority,
    certificate,
    der_text,
    edited,
    element,
    examined,
    find,
    flaw,
    forged,
    key,
    pem,
    point,
    references,
    reseal,
    signature,
    signed,
    signer,
    transforms,
    xmlsec1_accepts,
)

from adapters.pki import Subject
from signing.parse import ForbiddenMarkup, parse
from signing.profile import BadSignature, Flaw, check_key, examine
from signing.sign import Signer
from signing.verify import verify

NS = "{urn:secugate:1}"
FORGED_WAGE = f"<Wage xmlns='{NS[1:-1]}'><Insured>1893080611234</Insured><BaseWage>9999.99</BaseWage></Wage>"


def forged_root() -> etree._Element:
    """Another document than was ever signed."""
    return parse(DOCUMENT.replace(b"3812.40", b"9999.99"))


# controls: the workshop makes good signatures, and one change is enough


def test_control_the_signed_document_is_accepted() -> None:
    assert flaw(signed()) is None
    assert flaw(signed("rsa"), "rsa") is None


@pytest.mark.parametrize("name", ["rsa", "p256", "p384"])
def test_control_a_document_sealed_again_is_accepted(name: str) -> None:
    raw = signed() if name == "p384" else signed(name)

    def own_certificate(seal: etree._Element) -> None:
        find(seal, "X509Certificate").text = der_text(certificate(name))
        name_certificate(seal, name)

    assert flaw(forged(own_certificate, name, raw), name) is None


def name_certificate(seal: etree._Element, name: str) -> None:
    """Let the signed properties name the certificate of a key."""
    digest = certificate(name).fingerprint(hashes.SHA256())
    find(find(seal, "CertDigest", XADES), "DigestValue").text = base64.b64encode(digest).decode()


# missing, several, misplaced


def test_no_signature() -> None:
    assert examined(DOCUMENT) is Flaw.MISSING


def test_signature_in_another_namespace() -> None:
    assert examined(signed().replace(DS[1:-1].encode(), b"urn:other")) is Flaw.MISSING


def test_two_signatures() -> None:
    assert examined(edited(lambda root: root.append(copy.deepcopy(signature(root))))) is Flaw.PLACE


def test_signature_first() -> None:
    assert examined(edited(lambda root: root.insert(0, signature(root)))) is Flaw.PLACE


def test_element_after_the_signature() -> None:
    assert examined(edited(lambda root: root.append(etree.fromstring(FORGED_WAGE)))) is Flaw.PLACE


def test_signature_in_the_header() -> None:
    assert examined(edited(lambda root: root[0].append(signature(root)))) is Flaw.PLACE


def test_signature_in_the_last_record() -> None:
    assert examined(edited(lambda root: root[-2].append(signature(root)))) is Flaw.PLACE


def test_signature_as_root() -> None:
    def enveloping(root: etree._Element) -> bytes:
        return etree.tostring(signature(root))

    assert examined(enveloping(parse(signed()))) is Flaw.PLACE


def test_signature_within_the_signature() -> None:
    def nest(root: etree._Element) -> None:
        find(signature(root), "Object").append(copy.deepcopy(signature(root)))

    assert examined(edited(nest)) is Flaw.PLACE


def test_counter_signature() -> None:
    def countersign(root: etree._Element) -> None:
        qualifying = find(root, "QualifyingProperties", XADES)
        unsigned = etree.SubElement(qualifying, f"{XADES}UnsignedProperties")
        unsigned.append(copy.deepcopy(signature(root)))

    assert examined(edited(countersign)) is Flaw.PLACE


# wrapping: a good signature, another content


def test_wrapping_the_signed_root_in_a_forged_one() -> None:
    """The signature stays in its old root, which becomes a child of a new one."""
    new = forged_root()
    new.append(parse(signed()))
    assert examined(etree.tostring(new)) is Flaw.PLACE


def test_wrapping_the_signature_moved_to_a_forged_root() -> None:
    new = forged_root()
    new.append(signature(parse(signed())))
    assert flaw(etree.tostring(new)) is Flaw.BROKEN


def test_wrapping_the_signed_root_before_the_moved_signature() -> None:
    old = parse(signed())
    new = forged_root()
    new.append(old)
    new.append(signature(old))
    assert flaw(etree.tostring(new)) is Flaw.BROKEN


def test_wrapping_the_signed_root_in_an_object() -> None:
    old = parse(signed())
    new = forged_root()
    new.append(signature(old))
    find(new, "Object").append(old)
    assert examined(etree.tostring(new)) is Flaw.PROFILE


def referring_to_a_part() -> bytes:
    """The forger's favourite: what is signed is a part with an identifier, what is read is the rest."""
    new = forged_root()
    part = etree.SubElement(new, f"{NS}Attic", Id="attic")
    part.append(parse(DOCUMENT))
    new.append(signature(parse(signed())))
    [document, *_] = references(new)
    document.set("URI", "#attic")
    transforms(document, EXCLUSIVE)
    reseal(new, "p256")
    return etree.tostring(new)


def test_wrapping_by_a_reference_to_a_part() -> None:
    assert examined(referring_to_a_part()) is Flaw.PROFILE


def test_control_wrapping_by_a_reference_to_a_part_deceives_who_reads_the_input() -> None:
    """The signature is right by the book; a program that then reads the document reads the forgery."""
    raw = referring_to_a_part()
    XAdESVerifier().verify(
        raw, x509_cert=certificate("p256"), expect_config=XAdESSignatureConfiguration(expect_references=2)
    )
    assert etree.fromstring(raw).findtext(f"{NS}Wage/{NS}BaseWage") == "9999.99"


def test_wrapping_the_signed_properties() -> None:
    """A second Object with forged properties; the reference still finds the old ones."""

    def wrap(root: etree._Element) -> None:
        old = find(root, "Object")
        new = copy.deepcopy(old)
        find(new, "SignedProperties", XADES).set("Id", "other")
        old.addprevious(new)

    assert examined(edited(wrap)) is Flaw.PROFILE


def test_wrapping_the_signed_properties_in_the_content() -> None:
    def wrap(root: etree._Element) -> None:
        properties = find(root, "SignedProperties", XADES)
        root[0].append(copy.deepcopy(properties))
        properties.set("Id", "other")

    assert examined(edited(wrap)) is Flaw.PROFILE


@pytest.mark.parametrize("uri", ["#xpointer(/)", "#xpointer(id('attic'))", "", None])
def test_two_references_to_the_document(uri: str | None) -> None:
    def add(seal: etree._Element) -> None:
        again = copy.deepcopy(references(seal)[0])
        del again.attrib["Id"]
        if uri is None:
            del again.attrib["URI"]
        else:
            again.set("URI", uri)
        find(seal, "SignedInfo").append(again)

    assert examined(edited(lambda root: add(signature(root)))) is Flaw.PROFILE


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:1/x.xml",
        "file:///etc/passwd",
        "x.xml",
        "#",
        "##",
        " ",
        "#xpointer(/)",
        "#element(/1)",
    ],
)
def test_reference_elsewhere(uri: str) -> None:
    def refer(root: etree._Element) -> None:
        references(root)[0].set("URI", uri)

    assert examined(edited(refer)) is Flaw.PROFILE


def test_reference_without_uri() -> None:
    assert examined(edited(lambda root: references(root)[0].attrib.pop("URI"))) is Flaw.PROFILE


def test_only_the_signed_properties_are_signed() -> None:
    def drop(seal: etree._Element) -> None:
        find(seal, "SignedInfo").remove(references(seal)[0])

    assert examined(forged(drop)) is Flaw.PROFILE


def test_only_the_document_is_signed() -> None:
    def drop(seal: etree._Element) -> None:
        find(seal, "SignedInfo").remove(references(seal)[1])

    assert examined(forged(drop)) is Flaw.PROFILE


def test_four_references() -> None:
    def add(seal: etree._Element) -> None:
        find(seal, "SignedInfo").extend([copy.deepcopy(reference) for reference in references(seal)])

    assert examined(edited(lambda root: add(signature(root)))) is Flaw.PROFILE


def test_reference_to_the_signature_value() -> None:
    def refer(seal: etree._Element) -> None:
        find(seal, "SignatureValue").set("Id", "value")
        again = copy.deepcopy(references(seal)[1])
        again.set("URI", "#value")
        find(seal, "SignedInfo").append(again)

    assert examined(edited(lambda root: refer(signature(root)))) is Flaw.PROFILE


# identifiers


@pytest.mark.parametrize("name", ["Id", "ID", "id", "{http://www.w3.org/XML/1998/namespace}id", "{urn:x}Id"])
def test_duplicate_identifier_in_the_content(name: str) -> None:
    def duplicate(root: etree._Element) -> None:
        root[0].set(name, find(root, "SignedProperties", XADES).get("Id", ""))

    assert examined(edited(duplicate)) is Flaw.PROFILE


def test_duplicate_identifier_in_the_signature() -> None:
    def duplicate(root: etree._Element) -> None:
        find(root, "KeyInfo").set("Id", signature(root).get("Id", ""))

    assert examined(edited(duplicate)) is Flaw.PROFILE


@pytest.mark.parametrize("identifier", ["", "a b", "a'b", "x" * 200, "é", "#", "1"])
def test_identifier_of_odd_characters(identifier: str) -> None:
    def rename(seal: etree._Element) -> None:
        find(seal, "SignedProperties", XADES).set("Id", identifier)
        references(seal)[1].set("URI", f"#{identifier}")

    assert examined(edited(lambda root: rename(signature(root)))) is Flaw.PROFILE


# transforms and canonicalization


@pytest.mark.parametrize(
    "steps",
    [
        (),
        (ENVELOPED,),
        (EXCLUSIVE,),
        (EXCLUSIVE, ENVELOPED),
        (ENVELOPED, ENVELOPED, EXCLUSIVE),
        (ENVELOPED, EXCLUSIVE, EXCLUSIVE),
        (ENVELOPED, INCLUSIVE),
        (ENVELOPED, INCLUSIVE + "#WithComments"),
        (ENVELOPED, "http://www.w3.org/2006/12/xml-c14n11"),
        (ENVELOPED, EXCLUSIVE + "WithComments"),
        (ENVELOPED, "http://www.w3.org/2010/xml-c14n2"),
        (ENVELOPED, "http://www.w3.org/TR/1999/REC-xslt-19991116", EXCLUSIVE),
        (ENVELOPED, "http://www.w3.org/TR/1999/REC-xpath-19991116", EXCLUSIVE),
        (ENVELOPED, "http://www.w3.org/2002/06/xmldsig-filter2", EXCLUSIVE),
        (ENVELOPED, "http://www.w3.org/2000/09/xmldsig#base64", EXCLUSIVE),
        (ENVELOPED, "http://www.w3.org/2001/04/decrypt#", EXCLUSIVE),
        ("",),
    ],
)
def test_transforms_of_the_document(steps: tuple[str, ...]) -> None:
    assert examined(edited(lambda root: transforms(references(root)[0], *steps))) is Flaw.PROFILE


@pytest.mark.parametrize("steps", [(), (INCLUSIVE,), (ENVELOPED, EXCLUSIVE), (EXCLUSIVE, EXCLUSIVE)])
def test_transforms_of_the_signed_properties(steps: tuple[str, ...]) -> None:
    assert examined(edited(lambda root: transforms(references(root)[1], *steps))) is Flaw.PROFILE


def test_no_transforms_element() -> None:
    def drop(root: etree._Element) -> None:
        references(root)[1].remove(find(references(root)[1], "Transforms"))

    assert examined(edited(drop)) is Flaw.PROFILE


def test_transform_with_a_style_sheet() -> None:
    """The document is replaced by what the forger's style sheet makes of it, before the digest is taken."""

    def add(root: etree._Element) -> None:
        step = find(references(root)[0], "Transform")
        etree.SubElement(step, "{http://www.w3.org/1999/XSL/Transform}stylesheet", version="1.0")

    assert examined(edited(add)) is Flaw.PROFILE


def test_transform_with_a_prefix_list() -> None:
    def add(seal: etree._Element) -> None:
        step = list(references(seal)[0].iter(f"{DS}Transform"))[1]
        etree.SubElement(step, f"{{{EXCLUSIVE}}}InclusiveNamespaces", PrefixList="#default xades")

    assert examined(forged(add)) is Flaw.PROFILE


def test_canonicalization_with_a_prefix_list() -> None:
    def add(seal: etree._Element) -> None:
        method = find(seal, "CanonicalizationMethod")
        etree.SubElement(method, f"{{{EXCLUSIVE}}}InclusiveNamespaces", PrefixList="xades")

    assert examined(forged(add)) is Flaw.PROFILE


def inclusive(seal: etree._Element) -> None:
    find(seal, "CanonicalizationMethod").set("Algorithm", INCLUSIVE)
    transforms(references(seal)[0], ENVELOPED, INCLUSIVE)
    transforms(references(seal)[1], INCLUSIVE)


def test_inclusive_canonicalization() -> None:
    assert examined(forged(inclusive)) is Flaw.PROFILE


def test_control_inclusive_canonicalization_is_right_elsewhere(tmp_path: Path) -> None:
    assert xmlsec1_accepts(tmp_path, forged(inclusive))


@pytest.mark.parametrize(
    "algorithm",
    [
        INCLUSIVE,
        INCLUSIVE + "#WithComments",
        EXCLUSIVE + "WithComments",
        "http://www.w3.org/2006/12/xml-c14n11",
        "http://www.w3.org/TR/1999/REC-xslt-19991116",
        "",
    ],
)
def test_canonicalization_of_the_signed_info(algorithm: str) -> None:
    def change(root: etree._Element) -> None:
        find(root, "CanonicalizationMethod").set("Algorithm", algorithm)

    assert examined(edited(change)) is Flaw.PROFILE


# algorithms and keys


def method(algorithm: str) -> Edit:
    return lambda seal: find(seal, "SignatureMethod").set("Algorithm", algorithm)


def test_rsa_with_sha_1() -> None:
    raw = forged(method("http://www.w3.org/2000/09/xmldsig#rsa-sha1"), "rsa")
    assert examined(raw) is Flaw.PROFILE


def test_control_rsa_with_sha_1_is_right_elsewhere(tmp_path: Path) -> None:
    assert xmlsec1_accepts(tmp_path, forged(method("http://www.w3.org/2000/09/xmldsig#rsa-sha1"), "rsa"))


def test_ecdsa_with_sha_1() -> None:
    assert examined(forged(method("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1"))) is Flaw.PROFILE


HMAC = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"


def test_hmac_with_the_certificate_as_secret() -> None:
    """Everybody knows the certificate, so everybody can make this value."""
    assert examined(forged(method(HMAC))) is Flaw.PROFILE


def test_control_hmac_with_the_certificate_as_secret_deceives_who_takes_any_method() -> None:
    careless = SignatureConfiguration(
        require_x509=False,
        expect_references=2,
        signature_methods=frozenset({SignatureMethod.HMAC_SHA256}),
        ignore_ambiguous_key_info=True,
    )

    def without_certificate(seal: etree._Element) -> None:
        method(HMAC)(seal)
        seal.remove(find(seal, "KeyInfo"))

    raw = forged(without_certificate)
    assert XMLVerifier().verify(
        raw, hmac_key=pem(certificate("p256")), expect_config=careless, validate_schema=False
    )
    assert examined(raw) is Flaw.PROFILE


@pytest.mark.parametrize(
    "algorithm",
    [
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha224",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-ripemd160",
        "http://www.w3.org/2000/09/xmldsig#dsa-sha1",
        "http://www.w3.org/2009/xmldsig11#dsa-sha256",
        "http://www.w3.org/2007/05/xmldsig-more#sha1-rsa-MGF1",
        "http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1",
        "http://www.w3.org/2007/05/xmldsig-more#rsa-pss",
        "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
        "none",
        "",
    ],
)
def test_signature_method_not_on_the_list_for_rsa(algorithm: str) -> None:
    def change(root: etree._Element) -> None:
        find(root, "SignatureMethod").set("Algorithm", algorithm)

    assert examined(edited(change, signed("rsa"))) is Flaw.PROFILE


@pytest.mark.parametrize(
    "algorithm",
    [
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha224",
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
        "http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519",
    ],
)
def test_signature_method_not_on_the_list_for_ecdsa(algorithm: str) -> None:
    def change(root: etree._Element) -> None:
        find(root, "SignatureMethod").set("Algorithm", algorithm)

    assert examined(edited(change)) is Flaw.PROFILE


def test_no_signature_method() -> None:
    assert examined(edited(lambda root: find(root, "SignatureMethod").attrib.clear())) is Flaw.PROFILE


def test_truncated_mac() -> None:
    """CVE-2009-0217: one bit of a MAC is easily guessed."""

    def truncate(root: etree._Element) -> None:
        find(root, "SignatureMethod").append(element("HMACOutputLength", "1"))

    assert examined(edited(truncate)) is Flaw.PROFILE


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("algorithm", [SHA1, "http://www.w3.org/2001/04/xmldsig-more#md5", ""])
def test_digest_method_of_a_reference(which: int, algorithm: str) -> None:
    def change(root: etree._Element) -> None:
        find(references(root)[which], "DigestMethod").set("Algorithm", algorithm)

    assert examined(edited(change)) is Flaw.PROFILE


def test_sha_1_digest_by_the_owner_of_the_key() -> None:
    def change(seal: etree._Element) -> None:
        find(references(seal)[0], "DigestMethod").set("Algorithm", SHA1)

    assert examined(forged(change)) is Flaw.PROFILE


@pytest.mark.parametrize("name", ["rsa2048", "p521", "k256"])
def test_key_not_on_the_list(name: str) -> None:
    raw = signed("rsa") if name == "rsa2048" else signed()

    def own_certificate(root: etree._Element) -> None:
        find(root, "X509Certificate").text = der_text(certificate(name))
        name_certificate(root, name)

    assert examined(edited(own_certificate, raw)) is Flaw.PROFILE


def test_key_on_an_unknown_curve() -> None:
    der = certificate("p256").public_bytes(Encoding.DER)
    unknown = der.replace(bytes.fromhex("2a8648ce3d030107"), bytes.fromhex("2a8648ce3d03017f"), 1)
    assert unknown != der

    def swap(root: etree._Element) -> None:
        find(root, "X509Certificate").text = base64.b64encode(unknown).decode()

    assert examined(edited(swap)) is Flaw.PROFILE


def test_kinds_and_sizes_of_keys() -> None:
    for name in ("rsa", "p256", "p384"):
        assert check_key(key(name).public_key()) == key(name).public_key()
    for bad in (
        key("rsa2048").public_key(),
        key("p521").public_key(),
        key("k256").public_key(),
        ed25519.Ed25519PrivateKey.generate().public_key(),
        ec.generate_private_key(ec.SECP224R1()).public_key(),
        None,
    ):
        with pytest.raises(BadSignature):
            check_key(bad)


# digests and values


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("length", [0, 1, 16, 31])
def test_truncated_digest(which: int, length: int) -> None:
    def truncate(root: etree._Element) -> None:
        value = find(references(root)[which], "DigestValue")
        value.text = base64.b64encode(base64.b64decode(value.text or "")[:length]).decode()

    assert flaw(edited(truncate)) is Flaw.BROKEN


@pytest.mark.parametrize("text", ["", "AAAA", "A" * 400])
@pytest.mark.parametrize("name", ["p256", "rsa"])
def test_signature_value(text: str, name: str) -> None:
    def change(root: etree._Element) -> None:
        find(root, "SignatureValue").text = text

    assert flaw(edited(change, signed(name)), name) is Flaw.BROKEN


@pytest.mark.parametrize("text", ["é", "A", "A-_=", "AAAA=AAA", "A!AAA"])
def test_signature_value_that_is_no_base64(text: str) -> None:
    def change(root: etree._Element) -> None:
        find(root, "SignatureValue").text = text

    assert examined(edited(change)) is Flaw.PROFILE


def test_zero_ecdsa_value() -> None:
    """CVE-2022-21449: r and s of zero satisfied a careless verifier for any content."""

    def zero(root: etree._Element) -> None:
        find(root, "SignatureValue").text = base64.b64encode(bytes(64)).decode()

    assert flaw(edited(zero)) is Flaw.BROKEN


def test_signature_of_another_document() -> None:
    other = signature(parse(signed(document=DOCUMENT.replace(b"3812.40", b"1.00"))))

    def swap(root: etree._Element) -> None:
        root.replace(signature(root), other)

    assert flaw(edited(swap)) is Flaw.BROKEN


def test_value_of_another_document() -> None:
    other = find(parse(signed(document=DOCUMENT.replace(b"3812.40", b"1.00"))), "SignatureValue").text

    def swap(root: etree._Element) -> None:
        find(root, "SignatureValue").text = other

    assert flaw(edited(swap)) is Flaw.BROKEN


def test_digest_put_right_after_a_change_of_the_content() -> None:
    """The digest fits the new content, the value does not fit the new digest."""
    root = parse(signed())
    value = find(root, "SignatureValue").text
    root[1][1].text = "9999.99"
    reseal(root, "p256")
    find(root, "SignatureValue").text = value
    assert flaw(etree.tostring(root)) is Flaw.BROKEN


# content


def drop_record(root: etree._Element) -> None:
    root.remove(root[1])


def swap_records(root: etree._Element) -> None:
    root.insert(1, root[2])


def change_namespace(root: etree._Element) -> None:
    root[1][0].tag = "{urn:other}Insured"


def text_after_the_signature(root: etree._Element) -> None:
    signature(root).tail = "9999.99"


CONTENT_EDITS: list[Edit] = [
    lambda root: setattr(root[1][1], "text", "3812.41"),
    lambda root: setattr(root[1][1], "text", "3812.40 "),
    lambda root: setattr(root[1][1], "text", None),
    lambda root: setattr(root[1], "tail", ""),
    lambda root: setattr(root, "text", ""),
    lambda root: setattr(root[1], "tag", f"{NS}Wages"),
    lambda root: root.set("version", "1.1"),
    lambda root: root.set("extra", "1"),
    lambda root: root[1].set("extra", "1"),
    lambda root: root.attrib.pop("version"),
    lambda root: root.insert(1, etree.fromstring(FORGED_WAGE)),
    lambda root: root.insert(1, copy.deepcopy(root[1])),
    drop_record,
    swap_records,
    change_namespace,
    text_after_the_signature,
]


@pytest.mark.parametrize("edit", CONTENT_EDITS)
def test_changed_content(edit: Edit) -> None:
    assert flaw(edited(edit)) is Flaw.BROKEN


def test_undeclared_namespace() -> None:
    assert flaw(signed().replace(b"<Insured>", b"<Insured xmlns=''>", 1)) is Flaw.BROKEN


def test_comment_that_splits_a_value() -> None:
    """Canonical XML drops the comment, so the signature stays right; some programs read the first half."""
    raw = signed().replace(b"3812.40", b"38<!-- -->12.40")
    with pytest.raises(ForbiddenMarkup):
        parse(raw)


def test_control_a_comment_that_splits_a_value_deceives_who_reads_the_input() -> None:
    raw = signed().replace(b"3812.40", b"38<!-- -->12.40")
    expected = XAdESSignatureConfiguration(
        expect_references=2,
        default_reference_c14n_method=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
    )
    assert XAdESVerifier().verify(raw, x509_cert=certificate("p256"), expect_config=expected)
    assert etree.fromstring(raw).findtext(f"{NS}Wage/{NS}BaseWage") == "38"


def test_unused_namespace_is_not_handed_on() -> None:
    """A declaration that no name uses is not signed, so a value must not be read with it."""
    raw = signed().replace(b"<Header>", b"<Header xmlns:evil='urn:evil'>", 1)
    content = accept(raw).content
    assert "evil" not in content[0].nsmap


def test_encoding_of_the_file_does_not_change_the_content() -> None:
    raw = signed(document=DOCUMENT.replace(b"2099990001299", "Société".encode(), 1))
    assert flaw(raw.replace("Société".encode(), b"Soci&#233;t&#xE9;")) is None
    assert flaw(b"\xef\xbb\xbf" + raw) is None


# key information and certificates


def test_certificate_of_an_attacker() -> None:
    def swap(root: etree._Element) -> None:
        find(root, "X509Certificate").text = der_text(certificate("other p256"))

    assert examined(edited(swap)) is Flaw.PROFILE


def test_signed_by_an_attacker_who_shows_the_certificate_of_a_member() -> None:
    def swap(seal: etree._Element) -> None:
        find(seal, "X509Certificate").text = der_text(certificate("p256"))
        name_certificate(seal, "p256")

    assert flaw(forged(swap, "other p256"), "p256") is Flaw.BROKEN


def test_signed_by_an_attacker_where_a_member_is_expected() -> None:
    assert flaw(signed("other p256"), "p256") is Flaw.BROKEN
    assert flaw(signed("other p256"), "other p256") is None


def test_another_certificate_for_the_same_key() -> None:
    again = authority().issue(Subject("again"), key("p256").public_key(), FIRST, LAST)
    raw = Signer(key("p256"), again).sign(parse(DOCUMENT), AT)
    with pytest.raises(BadSignature, match="claims another certificate"):
        accept(raw)
    assert verify(examine(parse(raw)), again).certificate == again


def test_certificates_in_another_order() -> None:
    """The signer's is the first; a chain put before it would have the wrong one looked up."""

    def before(root: etree._Element) -> None:
        find(root, "X509Data").insert(0, element("X509Certificate", der_text(authority().certificate)))

    assert examined(edited(before)) is Flaw.PROFILE


def key_info(edit: Callable[[etree._Element], object]) -> bytes:
    return edited(lambda root: edit(find(root, "KeyInfo")))


def test_no_key_information() -> None:
    assert examined(edited(lambda root: signature(root).remove(find(root, "KeyInfo")))) is Flaw.PROFILE


def test_empty_key_information() -> None:
    assert examined(key_info(lambda info: info.remove(info[0]))) is Flaw.PROFILE


def test_no_certificate() -> None:
    assert examined(key_info(lambda info: info[0].remove(info[0][0]))) is Flaw.PROFILE


def test_six_certificates() -> None:
    five = [element("X509Certificate", der_text(authority().certificate)) for _ in range(5)]
    assert examined(key_info(lambda info: info[0].extend(five))) is Flaw.PROFILE
    assert flaw(key_info(lambda info: info[0].extend(five[:4]))) is None


def test_two_x509_data() -> None:
    assert examined(key_info(lambda info: info.append(copy.deepcopy(info[0])))) is Flaw.PROFILE


@pytest.mark.parametrize("text", ["", "AAAA", "%%%", "MIIB"])
def test_certificate_that_cannot_be_read(text: str) -> None:
    assert examined(key_info(lambda info: setattr(info[0][0], "text", text))) is Flaw.PROFILE


@pytest.mark.parametrize("name", ["KeyName", "RetrievalMethod", "PGPData", "SPKIData", "MgmtData", "Object"])
def test_other_key_information(name: str) -> None:
    assert examined(key_info(lambda info: info.append(element(name, "p256")))) is Flaw.PROFILE


@pytest.mark.parametrize("name", ["X509SubjectName", "X509IssuerSerial", "X509SKI", "X509CRL"])
def test_other_x509_data(name: str) -> None:
    assert examined(key_info(lambda info: info[0].append(element(name, "p256")))) is Flaw.PROFILE


def test_der_encoded_key() -> None:
    encoded = etree.Element("{http://www.w3.org/2009/xmldsig11#}DEREncodedKeyValue")
    assert examined(key_info(lambda info: info.append(encoded))) is Flaw.PROFILE


def ec_key_value(name: str, curve: str = "urn:oid:1.2.840.10045.3.1.7") -> etree._Element:
    return etree.fromstring(
        f'<KeyValue xmlns="{DS[1:-1]}"><ECKeyValue xmlns="http://www.w3.org/2009/xmldsig11#">'
        f'<NamedCurve URI="{curve}"/><PublicKey>{point(name)}</PublicKey></ECKeyValue></KeyValue>'
    )


def test_key_value_of_the_certificate() -> None:
    """Beside the certificate and equal to it, it does no harm; some programs write it."""
    assert flaw(key_info(lambda info: info.insert(0, ec_key_value("p256")))) is None
    assert flaw(key_info(lambda info: info.append(ec_key_value("p256")))) is None


def test_key_value_of_an_attacker() -> None:
    assert examined(key_info(lambda info: info.insert(0, ec_key_value("other p256")))) is Flaw.PROFILE


def test_key_value_on_another_curve() -> None:
    value = ec_key_value("p256", "urn:oid:1.3.132.0.34")
    assert examined(key_info(lambda info: info.insert(0, value))) is Flaw.PROFILE


@pytest.mark.parametrize("name", ["rsa", "other rsa"])
def test_rsa_key_value(name: str) -> None:
    numbers = key(name).public_key().public_numbers()
    modulus = base64.b64encode(numbers.n.to_bytes(384)).decode()  # type: ignore[union-attr]
    value = etree.fromstring(
        f'<KeyValue xmlns="{DS[1:-1]}"><RSAKeyValue><Modulus>{modulus}</Modulus><Exponent>AQAB</Exponent>'
        "</RSAKeyValue></KeyValue>"
    )
    raw = edited(lambda root: find(root, "KeyInfo").append(value), signed("rsa"))
    assert flaw(raw, "rsa") is (None if name == "rsa" else Flaw.PROFILE)


def test_only_a_key_value() -> None:
    def only(info: etree._Element) -> None:
        info[:] = [ec_key_value("p256")]

    assert examined(key_info(only)) is Flaw.PROFILE


# signed properties


def test_signed_properties_of_another_signature() -> None:
    later = signer().sign(parse(DOCUMENT), AT + timedelta(days=1))

    def swap(root: etree._Element) -> None:
        signature(root).replace(find(root, "Object"), find(parse(later), "Object"))

    assert flaw(edited(swap)) is Flaw.BROKEN


def test_changed_signing_time() -> None:
    def change(root: etree._Element) -> None:
        find(root, "SigningTime", XADES).text = "2026-08-03T09:15:01Z"

    assert flaw(edited(change)) is Flaw.BROKEN


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-08-03",
        "2026-08-03T09:15:00",
        "2026-02-30T09:15:00Z",
        "2026-08-03T24:00:00Z",
    ],
)
def test_signing_time_that_is_no_moment(text: str) -> None:
    assert flaw(forged(lambda seal: setattr(find(seal, "SigningTime", XADES), "text", text))) is Flaw.PROFILE


def without(name: str) -> Edit:
    def drop(seal: etree._Element) -> None:
        found = find(seal, name, XADES)
        parent = found.getparent()
        assert parent is not None
        parent.remove(found)

    return drop


@pytest.mark.parametrize(
    "name",
    [
        "SigningTime",
        "SigningCertificateV2",
        "SignedSignatureProperties",
        "SignedProperties",
        "Cert",
        "CertDigest",
    ],
)
def test_missing_property(name: str) -> None:
    assert examined(edited(lambda root: without(name)(signature(root)))) is Flaw.PROFILE


def test_signed_data_object_properties_may_be_absent() -> None:
    assert flaw(forged(without("SignedDataObjectProperties"))) is None


def test_signing_certificate_named_twice() -> None:
    def twice(seal: etree._Element) -> None:
        named = find(seal, "SigningCertificateV2", XADES)
        named.addnext(copy.deepcopy(named))

    assert examined(forged(twice)) is Flaw.PROFILE


def test_signing_certificate_named_by_sha_1() -> None:
    def change(seal: etree._Element) -> None:
        find(find(seal, "CertDigest", XADES), "DigestMethod").set("Algorithm", SHA1)

    assert examined(forged(change)) is Flaw.PROFILE


def test_another_signing_certificate_named() -> None:
    assert examined(forged(lambda seal: name_certificate(seal, "other p256"))) is Flaw.PROFILE


def first_version(seal: etree._Element) -> None:
    """The element of older XAdES, with its issuer and serial number."""
    named = find(seal, "SigningCertificateV2", XADES)
    named.tag = f"{XADES}SigningCertificate"
    issuer = etree.SubElement(named[0], f"{XADES}IssuerSerial")
    issuer.extend([element("X509IssuerName", "CN=Secugate test root"), element("X509SerialNumber", "1")])


def test_signing_certificate_of_the_first_version() -> None:
    assert flaw(forged(first_version)) is None


def test_signature_policy() -> None:
    def add(seal: etree._Element) -> None:
        policy = etree.SubElement(
            find(seal, "SignedSignatureProperties", XADES), f"{XADES}SignaturePolicyIdentifier"
        )
        etree.SubElement(policy, f"{XADES}SignaturePolicyImplied")

    assert examined(forged(add)) is Flaw.PROFILE


def test_unsigned_properties() -> None:
    def add(root: etree._Element) -> None:
        etree.SubElement(find(root, "QualifyingProperties", XADES), f"{XADES}UnsignedProperties")

    assert examined(edited(add)) is Flaw.PROFILE


def test_qualifying_properties_for_another_signature() -> None:
    def change(seal: etree._Element) -> None:
        find(seal, "QualifyingProperties", XADES).set("Target", "#other")

    assert examined(forged(change)) is Flaw.PROFILE


def test_reference_without_the_type_of_signed_properties() -> None:
    assert examined(forged(lambda seal: references(seal)[1].attrib.pop("Type"))) is Flaw.PROFILE


def test_type_of_signed_properties_on_the_document() -> None:
    def change(seal: etree._Element) -> None:
        references(seal)[0].set("Type", references(seal)[1].get("Type", ""))

    assert examined(forged(change)) is Flaw.PROFILE


def test_property_that_breaks_the_schema() -> None:
    def add(seal: etree._Element) -> None:
        find(seal, "MimeType", XADES).tag = f"{XADES}MimeTypes"

    assert flaw(forged(add)) is Flaw.PROFILE


# anything beside the shape


def test_manifest() -> None:
    assert examined(edited(lambda root: find(root, "Object").append(element("Manifest")))) is Flaw.PROFILE


def test_second_object() -> None:
    assert examined(edited(lambda root: signature(root).append(element("Object")))) is Flaw.PROFILE


@pytest.mark.parametrize(
    "name",
    [
        "Signature", "SignedInfo", "CanonicalizationMethod", "SignatureMethod", "Reference", "Transforms",
        "Transform", "DigestMethod", "DigestValue", "SignatureValue", "KeyInfo", "X509Data",
        "X509Certificate", "Object",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "attribute", ["extra", "{http://www.w3.org/XML/1998/namespace}base", "{urn:x}Algorithm"]
)
def test_attribute_beside_the_shape(name: str, attribute: str) -> None:
    assert examined(edited(lambda root: find(root, name).set(attribute, "x"))) is Flaw.PROFILE


@pytest.mark.parametrize("name", ["CanonicalizationMethod", "SignatureMethod", "Transform", "DigestMethod"])
def test_text_in_an_algorithm(name: str) -> None:
    assert examined(edited(lambda root: setattr(find(root, name), "text", "x"))) is Flaw.PROFILE


@pytest.mark.parametrize(
    "name", ["Signature", "SignedInfo", "Reference", "Transforms", "KeyInfo", "X509Data", "Object"]
)
def test_text_beside_the_shape(name: str) -> None:
    assert examined(edited(lambda root: setattr(find(root, name), "text", "x"))) is Flaw.PROFILE
    assert examined(edited(lambda root: setattr(find(root, name)[0], "tail", "x"))) is Flaw.PROFILE


@pytest.mark.parametrize(
    "name",
    ["Transform", "DigestMethod", "DigestValue", "SignatureValue", "X509Certificate", "SignatureMethod"],
)
def test_element_beside_the_shape(name: str) -> None:
    assert examined(edited(lambda root: find(root, name).append(element("Extra")))) is Flaw.PROFILE


def test_very_many_elements_in_the_signature() -> None:
    def add(seal: etree._Element) -> None:
        formats = find(seal, "SignedDataObjectProperties", XADES)
        formats.extend([copy.deepcopy(formats[0]) for _ in range(200)])

    assert examined(forged(add)) is Flaw.PROFILE


def test_a_reason_is_short_whatever_the_names() -> None:
    def add(root: etree._Element) -> None:
        find(root, "Object").extend([element("n" * 120) for _ in range(50)])

    with pytest.raises(BadSignature) as caught:
        accept(edited(add))
    assert len(caught.value.reason) == 200


def test_parts_in_another_order() -> None:
    def swap(root: etree._Element) -> None:
        signature(root).append(find(root, "KeyInfo"))

    assert examined(edited(swap)) is Flaw.PROFILE


# no surprise is a yes


def test_namespace_that_cannot_be_canonicalized() -> None:
    """Relative namespace names make canonicalization fail: an exception on the way means no."""
    assert flaw(signed().replace(b"<Header>", b"<Header xmlns='relative'>", 1)) is Flaw.BROKEN


def test_what_is_no_document_at_all() -> None:
    with pytest.raises(BadSignature) as caught:
        examine(None)  # type: ignore[arg-type]
    assert caught.value.kind is Flaw.BROKEN
