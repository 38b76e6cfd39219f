"""Signatures that are missing, misplaced, wrapped, weak, or of something else."""

from __future__ import annotations

import base64
import copy

from lxml import etree

from tests.signing.workshop import (
    DS,
    ENVELOPED,
    EXCLUSIVE,
    INCLUSIVE,
    XADES,
    der_text,
    element,
    find,
    references,
    signature,
    transforms,
)
from tests.vectors.hostile import Shelf
from tests.vectors.hostile.forging import NS, Edit, Forger

SHELF = Shelf()
due = SHELF.due

MISSING, PLACE, PROFILE, BROKEN = "SIG-MISSING", "SIG-PLACE", "SIG-PROFILE", "SIG-BROKEN"


def forgery(forger: Forger) -> etree._Element:
    """What the forger would like to be believed."""
    root = forger.plain()
    root.find(f"{NS}Wage/{NS}BaseWage").text = "9999.99"  # type: ignore[union-attr]
    return root


# missing or misplaced

SHELF.table(
    "signature",
    {
        "missing": lambda f: etree.tostring(f.plain()),
        "taken_off": lambda f: f.edited(lambda root: root.remove(root[-1])),
        "in_another_namespace": lambda f: f.good().replace(DS[1:-1].encode(), b"urn:x"),
        "with_another_name": lambda f: f.edited(
            lambda root: setattr(signature(root), "tag", f"{DS}signature")
        ),
    },
    MISSING,
)
SHELF.table(
    "signature",
    {
        "twice": lambda f: f.edited(lambda root: root.append(copy.deepcopy(root[-1]))),
        "first": lambda f: f.edited(lambda root: root.insert(0, root[-1])),
        "in_the_head": lambda f: f.edited(lambda root: root[0].append(root[-1])),
        "in_a_record": lambda f: f.edited(lambda root: root[1].append(root[-1])),
        "before_a_record": lambda f: f.edited(lambda root: root.append(root[1])),
        "as_root": lambda f: etree.tostring(etree.fromstring(f.good())[-1]),
        "within_itself": lambda f: f.edited(
            lambda root: find(root, "Object").append(copy.deepcopy(signature(root)))
        ),
        "countersigned": lambda f: f.edited(_countersign),
        "of_two_members": lambda f: f.edited(
            lambda root: root.append(
                signature(etree.fromstring(f.other.signer.sign(f.plain(), f.home.clock())))
            )
        ),
    },
    PLACE,
)


def _countersign(root: etree._Element) -> None:
    unsigned = etree.SubElement(find(root, "QualifyingProperties", XADES), f"{XADES}UnsignedProperties")
    unsigned.append(copy.deepcopy(signature(root)))


# wrapping: XSW 1 to 8 as in "On Breaking SAML" (Somorovsky and others, 2012), for our documents


@due(PLACE)
def wrapping_1_the_original_within_the_signature(forger: Forger) -> bytes:
    original = etree.fromstring(forger.good())
    root = forgery(forger)
    seal = copy.deepcopy(signature(original))
    root.append(seal)
    seal.append(original)
    return etree.tostring(root)


@due(BROKEN)
def wrapping_2_the_original_before_the_signature(forger: Forger) -> bytes:
    original = etree.fromstring(forger.good())
    seal = signature(original)
    root = forgery(forger)
    root.append(original)
    root.append(seal)
    return etree.tostring(root)


@due(PLACE)
def wrapping_3_the_original_as_a_child_of_the_forgery(forger: Forger) -> bytes:
    root = forgery(forger)
    root.append(etree.fromstring(forger.good()))
    return etree.tostring(root)


@due(PLACE)
def wrapping_4_the_forgery_as_a_child_of_the_original(forger: Forger) -> bytes:
    root = etree.fromstring(forger.good())
    root.append(forgery(forger))
    return etree.tostring(root)


@due(BROKEN)
def wrapping_5_the_signature_moved_to_the_forgery(forger: Forger) -> bytes:
    root = forgery(forger)
    root.append(signature(etree.fromstring(forger.good())))
    return etree.tostring(root)


@due(PROFILE)
def wrapping_6_the_original_in_the_object(forger: Forger) -> bytes:
    original = etree.fromstring(forger.good())
    seal = signature(original)
    root = forgery(forger)
    root.append(seal)
    find(seal, "Object").append(original)
    return etree.tostring(root)


@due(PROFILE)
def wrapping_7_the_original_in_an_extension_with_an_identifier(forger: Forger) -> bytes:
    root = forgery(forger)
    attic = etree.SubElement(root, f"{NS}Extensions", Id="attic")
    attic.append(forger.plain())
    root.append(signature(etree.fromstring(forger.good())))
    references(root)[0].set("URI", "#attic")
    transforms(references(root)[0], EXCLUSIVE)
    forger.reseal(root, forger.sender.signer.key)
    return etree.tostring(root)


@due(PROFILE)
def wrapping_8_the_original_in_a_second_object(forger: Forger) -> bytes:
    root = forgery(forger)
    seal = signature(etree.fromstring(forger.good()))
    root.append(seal)
    second = etree.SubElement(seal, f"{DS}Object", Id="attic")
    second.append(forger.plain())
    references(root)[0].set("URI", "#attic")
    transforms(references(root)[0], EXCLUSIVE)
    forger.reseal(root, forger.sender.signer.key)
    return etree.tostring(root)


# references


def _uri(which: int, uri: str | None) -> Edit:
    def change(root: etree._Element) -> None:
        if uri is None:
            del references(root)[which].attrib["URI"]
        else:
            references(root)[which].set("URI", uri)

    return change


def _dropped(which: int) -> Edit:
    return lambda seal: find(seal, "SignedInfo").remove(references(seal)[which])


SHELF.table(
    "reference",
    {
        **{
            f"to_{name}": (lambda f, u=uri: f.edited(_uri(0, u)))
            for name, uri in {
                "an_address": "http://127.0.0.1:9/x",
                "a_secure_address": "https://127.0.0.1:9/x",
                "a_file": "file:///etc/passwd",
                "a_relative_file": "../../etc/passwd",
                "a_windows_share": r"\\127.0.0.1\x",
                "nothing": None,
                "a_part": "#attic",
                "an_empty_part": "#",
                "x_pointer_to_all": "#xpointer(/)",
                "x_pointer_by_identifier": "#xpointer(id('attic'))",
                "an_element": "#element(/1/2)",
                "a_content_id": "cid:attic",
                "data": "data:text/plain,x",
            }.items()
        },
        "to_the_properties_missing": lambda f: f.forged(_dropped(1)),
        "to_the_document_missing": lambda f: f.forged(_dropped(0)),
        "twice": lambda f: f.edited(
            lambda root: find(root, "SignedInfo").append(copy.deepcopy(references(root)[0]))
        ),
        "with_another_type": lambda f: f.forged(lambda seal: references(seal)[0].set("Type", "urn:x")),
        "by_a_manifest": lambda f: f.forged(
            lambda seal: references(seal)[0].set("Type", "http://www.w3.org/2000/09/xmldsig#Manifest")
        ),
        "identifier_twice": lambda f: f.edited(
            lambda root: root[0].set("Id", find(root, "SignedProperties", XADES).get("Id", ""))
        ),
        "identifier_twice_in_small_letters": lambda f: f.edited(
            lambda root: root[0].set("id", find(root, "SignedProperties", XADES).get("Id", ""))
        ),
        "identifier_twice_in_xml_s_namespace": lambda f: f.edited(
            lambda root: root[0].set(
                "{http://www.w3.org/XML/1998/namespace}id",
                find(root, "SignedProperties", XADES).get("Id", ""),
            )
        ),
    },
    PROFILE,
)

# transforms and canonicalization

_STEPS = {
    "none": (),
    "enveloped_only": (ENVELOPED,),
    "not_enveloped": (EXCLUSIVE,),
    "inclusive": (ENVELOPED, INCLUSIVE),
    "inclusive_with_comments": (ENVELOPED, INCLUSIVE + "#WithComments"),
    "exclusive_with_comments": (ENVELOPED, EXCLUSIVE + "WithComments"),
    "canonical_1_1": (ENVELOPED, "http://www.w3.org/2006/12/xml-c14n11"),
    "canonical_2": (ENVELOPED, "http://www.w3.org/2010/xml-c14n2"),
    "x_path": (ENVELOPED, "http://www.w3.org/TR/1999/REC-xpath-19991116", EXCLUSIVE),
    "x_path_filter": (ENVELOPED, "http://www.w3.org/2002/06/xmldsig-filter2", EXCLUSIVE),
    "style_sheet": (ENVELOPED, "http://www.w3.org/TR/1999/REC-xslt-19991116", EXCLUSIVE),
    "base64": (ENVELOPED, "http://www.w3.org/2000/09/xmldsig#base64"),
    "decryption": (ENVELOPED, "http://www.w3.org/2001/04/decrypt#", EXCLUSIVE),
    "five_hundred": (ENVELOPED, *[EXCLUSIVE] * 500),
    "unknown": (ENVELOPED, "urn:x"),
    "turned": (EXCLUSIVE, ENVELOPED),
}
SHELF.table(
    "transform",
    {
        name: (lambda f, s=steps: f.edited(lambda root: transforms(references(root)[0], *s)))
        for name, steps in _STEPS.items()
    },
    PROFILE,
)


def _with_a_program(root: etree._Element) -> None:
    step = find(references(root)[0], "Transform")
    sheet = etree.SubElement(step, "{http://www.w3.org/1999/XSL/Transform}stylesheet", version="1.0")
    etree.SubElement(sheet, "{http://www.w3.org/1999/XSL/Transform}template", match="/")


def _with_a_path(root: etree._Element) -> None:
    etree.SubElement(find(references(root)[0], "Transform"), f"{DS}XPath").text = "not(self::Wage)"


SHELF.table(
    "transform",
    {
        "with_a_style_sheet_inside": lambda f: f.edited(_with_a_program),
        "with_a_path_inside": lambda f: f.edited(_with_a_path),
        "with_a_prefix_list": lambda f: f.edited(
            lambda root: etree.SubElement(
                list(references(root)[0].iter(f"{DS}Transform"))[1],
                f"{{{EXCLUSIVE}}}InclusiveNamespaces",
                PrefixList="#default",
            )
        ),
    },
    PROFILE,
)
SHELF.table(
    "canonicalization",
    {
        name: (
            lambda f, a=algorithm: f.edited(
                lambda root: find(root, "CanonicalizationMethod").set("Algorithm", a)
            )
        )
        for name, algorithm in {
            "inclusive": INCLUSIVE,
            "with_comments": EXCLUSIVE + "WithComments",
            "inclusive_with_comments": INCLUSIVE + "#WithComments",
            "canonical_1_1": "http://www.w3.org/2006/12/xml-c14n11",
            "style_sheet": "http://www.w3.org/TR/1999/REC-xslt-19991116",
            "none": "",
        }.items()
    },
    PROFILE,
)

# algorithms

_MORE = "http://www.w3.org/2001/04/xmldsig-more#"
_METHODS = {
    "rsa_sha_1": "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
    "dsa_sha_1": "http://www.w3.org/2000/09/xmldsig#dsa-sha1",
    "hmac_sha_1": "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
    "hmac_sha_256": f"{_MORE}hmac-sha256",
    "hmac_md5": f"{_MORE}hmac-md5",
    "rsa_md5": f"{_MORE}rsa-md5",
    "rsa_sha_224": f"{_MORE}rsa-sha224",
    "rsa_ripemd": f"{_MORE}rsa-ripemd160",
    "ecdsa_sha_1": f"{_MORE}ecdsa-sha1",
    "ecdsa_sha_224": f"{_MORE}ecdsa-sha224",
    "rsa_of_another_kind_of_key": f"{_MORE}rsa-sha256",
    "none": "",
    "with_a_space": f"{_MORE}ecdsa-sha256 ",
    "in_capitals": f"{_MORE}ECDSA-SHA256",
    "of_json": "none",
}
SHELF.table(
    "method",
    {
        name: (
            lambda f, a=algorithm: f.edited(lambda root: find(root, "SignatureMethod").set("Algorithm", a))
        )
        for name, algorithm in _METHODS.items()
    },
    PROFILE,
)
SHELF.table(
    "digest",
    {
        name: (
            lambda f, a=algorithm: f.edited(
                lambda root: find(references(root)[0], "DigestMethod").set("Algorithm", a)
            )
        )
        for name, algorithm in {
            "sha_1": "http://www.w3.org/2000/09/xmldsig#sha1",
            "md5": f"{_MORE}md5",
            "sha_224": f"{_MORE}sha224",
            "ripemd": "http://www.w3.org/2001/04/xmlenc#ripemd160",
            "none": "",
        }.items()
    },
    PROFILE,
)
SHELF.add(
    "method_with_a_length_of_output",
    lambda f: f.edited(lambda root: find(root, "SignatureMethod").append(element("HMACOutputLength", "0"))),
    PROFILE,
)

# key information


def _key_info(*children: etree._Element) -> Edit:
    def change(root: etree._Element) -> None:
        info = find(root, "KeyInfo")
        for child in children:
            info.append(copy.deepcopy(child))

    return change


def _only(child: etree._Element) -> Edit:
    def change(root: etree._Element) -> None:
        find(root, "KeyInfo")[:] = [copy.deepcopy(child)]

    return change


def _other_certificate(forger: Forger) -> Edit:
    text = der_text(forger.other.signer.certificate)
    return lambda root: setattr(find(root, "X509Certificate"), "text", text)


SHELF.table(
    "key_information",
    {
        "missing": lambda f: f.edited(lambda root: signature(root).remove(find(root, "KeyInfo"))),
        "without_certificate": lambda f: f.edited(lambda root: find(root, "X509Data").clear()),
        "name_only": lambda f: f.edited(_only(element("KeyName", "CCSS"))),
        "name_beside": lambda f: f.edited(_key_info(element("KeyName", "CCSS"))),
        "retrieval": lambda f: f.edited(_only(element("RetrievalMethod", URI="http://127.0.0.1:9/x"))),
        "retrieval_beside": lambda f: f.edited(_key_info(element("RetrievalMethod", URI="#x"))),
        "issuer_only": lambda f: f.edited(
            lambda root: find(root, "X509Data").append(element("X509SubjectName", "CN=CCSS"))
        ),
        "certificate_of_another": lambda f: f.edited(_other_certificate(f)),
        "certificate_that_is_no_base64": lambda f: f.edited(
            lambda root: setattr(find(root, "X509Certificate"), "text", "é")
        ),
        "certificate_that_is_no_certificate": lambda f: f.edited(
            lambda root: setattr(find(root, "X509Certificate"), "text", "AAAA")
        ),
        "certificate_cut": lambda f: f.edited(
            lambda root: setattr(
                find(root, "X509Certificate"), "text", find(root, "X509Certificate").text[:400]
            )  # type: ignore[index]
        ),
        "six_certificates": lambda f: f.edited(
            lambda root: find(root, "X509Data").extend(
                [copy.deepcopy(find(root, "X509Certificate")) for _ in range(5)]
            )
        ),
        "a_thousand_certificates": lambda f: f.edited(
            lambda root: find(root, "X509Data").extend(
                [element("X509Certificate", "AA==") for _ in range(999)]
            )
        ),
    },
    PROFILE,
)


def _key_value(forger: Forger) -> bytes:
    """The value of another key beside the certificate."""

    def change(root: etree._Element) -> None:
        value = etree.SubElement(find(root, "KeyInfo"), f"{DS}KeyValue")
        rsa = etree.SubElement(value, f"{DS}RSAKeyValue")
        etree.SubElement(rsa, f"{DS}Modulus").text = base64.b64encode(b"\xff" * 384).decode()
        etree.SubElement(rsa, f"{DS}Exponent").text = "AQAB"

    return forger.edited(change)


SHELF.add("key_value_of_another_key", _key_value, PROFILE)

# values


def _value(text: str) -> Edit:
    return lambda root: setattr(find(root, "SignatureValue"), "text", text)


SHELF.table(
    "value",
    {
        "empty": lambda f: f.edited(_value("")),
        "zero": lambda f: f.edited(_value(base64.b64encode(bytes(64)).decode())),
        "of_ones": lambda f: f.edited(_value(base64.b64encode(b"\xff" * 64).decode())),
        "in_der": lambda f: f.edited(_value(base64.b64encode(b"\x30\x06\x02\x01\x01\x02\x01\x01").decode())),
        "too_long": lambda f: f.edited(_value(base64.b64encode(bytes(6400)).decode())),
        "of_another_document": lambda f: f.edited(
            _value(find(etree.fromstring(f.good()), "SignatureValue").text or "")
        ),
        "of_another_key": lambda f: f.edited(
            _value(find(etree.fromstring(f.sign(f.plain(), f.fresh())), "SignatureValue").text or "")
        ),
    },
    BROKEN,
)
SHELF.table(
    "value",
    {
        "no_base64": lambda f: f.edited(_value("é")),
        "of_url_safe_base64": lambda f: f.edited(_value("A-_A")),
        "with_an_element": lambda f: f.edited(lambda root: find(root, "SignatureValue").append(element("x"))),
    },
    PROFILE,
)
SHELF.table(
    "digest_value",
    {
        "empty": lambda f: f.edited(lambda root: setattr(find(root, "DigestValue"), "text", "")),
        "cut": lambda f: f.edited(lambda root: setattr(find(root, "DigestValue"), "text", "AAAA")),
        "of_zeros": lambda f: f.edited(
            lambda root: setattr(find(root, "DigestValue"), "text", base64.b64encode(bytes(32)).decode())
        ),
    },
    BROKEN,
)

# what was signed is not what is there

SHELF.table(
    "changed_after_signing",
    {
        "amount": lambda f: f.replaced(b"3812.40", b"9812.40"),
        "white_space_in_a_value": lambda f: f.replaced(b"3812.40", b"3812.40 "),
        "white_space_between": lambda f: f.replaced(b"<Wage>", b"\n<Wage>"),
        "recipient": lambda f: f.replaced(b"CCSS", b"CCSX"),
        "record_twice": lambda f: f.edited(lambda root: root.insert(1, copy.deepcopy(root[1]))),
        "record_missing": lambda f: f.edited(lambda root: root.remove(root[1])),
        "attribute_added": lambda f: f.replaced(b"<Wage>", b'<Wage x="1">'),
        "attribute_of_the_root": lambda f: f.replaced(b'version="1.0"', b'version="2.0"'),
        "name_of_an_element": lambda f: f.good().replace(b"BaseWage>", b"Gratuity>"),
        "namespace_of_an_element": lambda f: f.replaced(b"<Insured>", b'<Insured xmlns="">'),
        "letter_that_looks_alike": lambda f: f.replaced(b"3812.40", "３812.40".encode()),
        "number_by_a_reference_and_more": lambda f: f.replaced(b"3812.40", b"&#51;812.41"),
        "line_ends_by_reference": lambda f: f.replaced(b"<Wage>", b"&#13;\n<Wage>"),
        "root": lambda f: f.good().replace(b"DECSAL", b"DECAFF"),
    },
    BROKEN,
)

# signed properties


def _property(name: str, text: str) -> Edit:
    return lambda seal: setattr(find(seal, name, XADES), "text", text)


def _without(name: str) -> Edit:
    def change(seal: etree._Element) -> None:
        found = find(seal, name, XADES)
        parent = found.getparent()
        assert parent is not None
        parent.remove(found)

    return change


SHELF.table(
    "property",
    {
        "time_that_is_none": lambda f: f.forged(_property("SigningTime", "yesterday")),
        "time_without_zone": lambda f: f.forged(_property("SigningTime", "2026-08-03T09:15:00")),
        "time_beyond_years": lambda f: f.forged(_property("SigningTime", "99999-08-03T09:15:00Z")),
        "time_missing": lambda f: f.forged(_without("SigningTime")),
        "certificate_missing": lambda f: f.forged(_without("SigningCertificateV2")),
        "of_another_signature": lambda f: f.forged(
            lambda seal: find(seal, "QualifyingProperties", XADES).set("Target", "#x")
        ),
        "unsigned_ones": lambda f: f.forged(
            lambda seal: etree.SubElement(
                find(seal, "QualifyingProperties", XADES), f"{XADES}UnsignedProperties"
            )
        ),
        "unknown": lambda f: f.forged(
            lambda seal: etree.SubElement(find(seal, "SignedSignatureProperties", XADES), f"{XADES}Other")
        ),
        "policy": lambda f: f.forged(
            lambda seal: etree.SubElement(
                find(seal, "SignedSignatureProperties", XADES), f"{XADES}SignaturePolicyIdentifier"
            )
        ),
        "object_twice": lambda f: f.edited(
            lambda root: signature(root).append(copy.deepcopy(find(root, "Object")))
        ),
        "text_between": lambda f: f.edited(lambda root: setattr(find(root, "SignedInfo"), "tail", "x")),
        "attribute_added": lambda f: f.edited(lambda root: find(root, "SignedInfo").set("x", "1")),
        "digest_of_another_certificate": lambda f: f.forged(
            lambda seal: setattr(
                find(find(seal, "CertDigest", XADES), "DigestValue"),
                "text",
                base64.b64encode(bytes(32)).decode(),
            )
        ),
    },
    PROFILE,
)
