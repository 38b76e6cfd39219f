"""What we sign verifies, here and elsewhere; what others sign in our profile verifies here."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import cast

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from signxml.algorithms import CanonicalizationMethod
from signxml.xades.xades import (
    XAdESDataObjectFormat,
    XAdESSignatureConfiguration,
    XAdESSigner,
    XAdESVerifier,
)
from workshop import (
    AT,
    DOCUMENT,
    DS,
    ENVELOPED,
    EXCLUSIVE,
    SIGNED_PROPERTIES,
    XADES,
    accept,
    authority,
    canonical,
    certificate,
    edited,
    element,
    find,
    flaw,
    key,
    pem,
    public,
    references,
    reseal,
    signature,
    signed,
    signer,
    transforms,
    xmlsec1,
    xmlsec1_accepts,
)

from adapters.pki import PublicKey, Subject, write_certificates, write_key
from signing.parse import line_of, parse
from signing.profile import BadSignature, Flaw, examine
from signing.sign import Signer, UnusableKey
from signing.verify import ForeignSeal, _Verifier, verify, verify_seal

EXPECTED = XAdESSignatureConfiguration(
    expect_references=2,
    default_reference_c14n_method=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
)

KINDS = pytest.mark.parametrize("kind", ["rsa", "p256"])


@KINDS
def test_what_we_sign_verifies_here(kind: str) -> None:
    verified = accept(signed(kind), kind)
    assert canonical(verified.content) == canonical(parse(DOCUMENT))
    assert verified.certificate == certificate(kind)
    assert verified.signed_at == AT


@KINDS
def test_what_we_sign_verifies_with_xmlsec1(kind: str, tmp_path: Path) -> None:
    assert xmlsec1_accepts(tmp_path, signed(kind))


def test_xmlsec1_refuses_what_was_changed(tmp_path: Path) -> None:
    """Control: the second judge does judge."""
    assert not xmlsec1_accepts(tmp_path, signed().replace(b"3812.40", b"3812.41"))
    assert not xmlsec1_accepts(
        tmp_path, signed().replace(b"2026-08-03T09:15:00Z</xades", b"2026-08-03T09:15:01Z</xades")
    )


@KINDS
def test_what_we_sign_verifies_with_the_stock_verifier(kind: str) -> None:
    results = XAdESVerifier().verify(signed(kind), x509_cert=certificate(kind), expect_config=EXPECTED)
    assert results[0].signed_xml is not None
    assert canonical(results[0].signed_xml) == canonical(parse(DOCUMENT))


def test_the_stock_signer_is_not_understood_by_xmlsec1(tmp_path: Path) -> None:
    """Control: why the signer is changed. Without transforms other programs see another digest."""
    stock = XAdESSigner(c14n_algorithm=EXCLUSIVE, signature_algorithm="ecdsa-sha256").sign(
        parse(DOCUMENT), key=key("p256"), cert=[certificate("p256")]
    )
    assert not xmlsec1_accepts(tmp_path, etree.tostring(stock))
    assert flaw(etree.tostring(stock)) is Flaw.PROFILE


@KINDS
def test_what_we_write_has_the_shape_of_what_signxml_writes(kind: str) -> None:
    """But for what the profile has otherwise: a transform of the signed properties is said, and the key
    information is not referred to."""
    method = "rsa-sha256" if kind == "rsa" else "ecdsa-sha256"
    made = XAdESSigner(
        c14n_algorithm=EXCLUSIVE,
        signature_algorithm=method,
        data_object_format=XAdESDataObjectFormat(Description="Signed document", MimeType="text/xml"),
    ).sign(parse(DOCUMENT), key=key(kind), cert=[certificate(kind)], always_add_key_value=False)
    theirs, ours = signature(made), signature(parse(signed(kind)))
    of_document, of_properties, of_key_information = references(theirs)
    find(theirs, "SignedInfo").remove(of_key_information)
    of_properties.insert(0, element("Transforms"))
    transforms(of_properties, EXCLUSIVE)
    assert references(theirs) == [of_document, of_properties]
    assert _shape(ours) == _shape(theirs)


def _shape(of: etree._Element) -> object:
    """Names, algorithms and fixed texts of a tree, without what differs from one signature to another."""
    kept = {name: value for name, value in of.attrib.items() if name in ("Algorithm", "Type")}
    words = of.text if etree.QName(of).localname in ("Description", "MimeType") else None
    referred = {name: bool(value) for name, value in of.attrib.items() if name in ("URI", "Target")}
    return of.tag, kept, referred, words, [_shape(child) for child in of]


class _ElsewhereKey:
    """A key behind an object, as that of a hardware module would be."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def public_key(self) -> PublicKey:
        return public(self._kind)

    def sign(self, text: bytes) -> bytes:
        private = key(self._kind)
        if isinstance(private, rsa.RSAPrivateKey):
            return private.sign(text, padding.PKCS1v15(), hashes.SHA256())
        r, s = decode_dss_signature(private.sign(text, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32) + s.to_bytes(32)


@KINDS
def test_a_key_that_is_elsewhere_signs_as_well(kind: str, tmp_path: Path) -> None:
    elsewhere = Signer(_ElsewhereKey(kind), certificate(kind), (authority().certificate,))
    raw = elsewhere.sign(parse(DOCUMENT), AT)
    assert accept(raw, kind).signed_at == AT
    assert xmlsec1_accepts(tmp_path, raw)


@KINDS
def test_a_key_elsewhere_must_belong_to_the_certificate(kind: str) -> None:
    with pytest.raises(UnusableKey, match="another key"):
        Signer(_ElsewhereKey(kind), certificate(f"other {kind}"))


def test_the_chain_is_sent_along() -> None:
    with_chain = Signer(key("p256"), certificate("p256"), (authority().certificate,))
    claim = examine(parse(with_chain.sign(parse(DOCUMENT), AT)))
    assert claim.chain == (authority().certificate,)
    assert verify(claim, certificate("p256")).signed_at == AT


def test_an_rsa_signature_is_the_same_bytes_again() -> None:
    assert signed("rsa") == signed("rsa")


def test_signing_leaves_the_document_as_it_was() -> None:
    root = parse(DOCUMENT)
    before = etree.tostring(root)
    signer().sign(root, AT)
    assert etree.tostring(root) == before


def test_verifying_leaves_the_document_as_it_was() -> None:
    root = parse(signed())
    before = etree.tostring(root)
    verify(examine(root), certificate("p256"))
    assert etree.tostring(root) == before


def test_the_moment_of_signature_is_written_in_utc() -> None:
    moment = datetime(2026, 8, 3, 11, 15, 0, 999_999, tzinfo=timezone(timedelta(hours=2)))
    assert accept(signer().sign(parse(DOCUMENT), moment)).signed_at == AT


def test_a_certificate_out_of_date_today_still_verifies() -> None:
    """Dates are judged at the moment of receipt, elsewhere; a deposit may wait and outlive them."""
    old = authority().issue(
        Subject("old"),
        key("p256").public_key(),
        datetime(2020, 1, 1, tzinfo=UTC),
        datetime(2020, 2, 1, tzinfo=UTC),
    )
    raw = Signer(key("p256"), old).sign(parse(DOCUMENT), AT)
    assert verify(examine(parse(raw)), old).certificate == old


# what the signer refuses


@pytest.mark.parametrize(
    "document",
    [b"<a><!-- --></a>", b"<a><?p i?></a>", b"<a Id='x'/>", b"<a ID='x'/>"],
)
def test_a_document_that_cannot_be_signed(document: bytes) -> None:
    with pytest.raises(ValueError, match=r"sign|identifier"):
        signer().sign(etree.fromstring(document), AT)


def test_a_document_signed_already() -> None:
    with pytest.raises(ValueError, match="already"):
        signer().sign(parse(signed()), AT)


def test_a_moment_without_time_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        signer().sign(parse(DOCUMENT), datetime(2026, 8, 3))  # noqa: DTZ001


@pytest.mark.parametrize("kind", ["rsa2048", "p521", "k256", "p384"])
def test_keys_we_do_not_sign_with(kind: str) -> None:
    with pytest.raises(UnusableKey):
        Signer(key(kind), certificate(kind))


def test_a_key_with_another_certificate() -> None:
    with pytest.raises(UnusableKey, match="another key"):
        Signer(key("p256"), certificate("other p256"))


@KINDS
def test_a_signer_from_files(kind: str, tmp_path: Path) -> None:
    write_key(tmp_path / "key.pem", key(kind))
    write_certificates(tmp_path / "cert.pem", certificate(kind), authority().certificate)
    loaded = Signer.load(tmp_path / "key.pem", tmp_path / "cert.pem")
    assert loaded.certificate == certificate(kind)
    assert loaded.chain == (authority().certificate,)
    assert flaw(loaded.sign(parse(DOCUMENT), AT), kind) is None


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o644, 0o660, 0o666, 0o601])
def test_a_key_file_open_to_others(mode: int, tmp_path: Path) -> None:
    write_key(tmp_path / "key.pem", key("p256"))
    write_certificates(tmp_path / "cert.pem", certificate("p256"))
    (tmp_path / "key.pem").chmod(mode)
    with pytest.raises(UnusableKey, match="chmod 600"):
        Signer.load(tmp_path / "key.pem", tmp_path / "cert.pem")
    (tmp_path / "key.pem").chmod(0o400)
    assert Signer.load(tmp_path / "key.pem", tmp_path / "cert.pem").certificate == certificate("p256")


@pytest.mark.parametrize("content", [b"", b"nonsense", pem(certificate("p256"))])
def test_a_key_file_that_is_no_key(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(content)
    (tmp_path / "key.pem").chmod(0o600)
    write_certificates(tmp_path / "cert.pem", certificate("p256"))
    with pytest.raises(UnusableKey):
        Signer.load(tmp_path / "key.pem", tmp_path / "cert.pem")


def test_a_signer_does_not_show_its_key() -> None:
    assert "key=" not in repr(signer())


# signed elsewhere


def template(
    method: str, digest: str = "http://www.w3.org/2001/04/xmlenc#sha256", key_info_reference: bool = False
) -> bytes:
    """A document with an empty XAdES signature in our profile, as another program would lay it out."""
    fingerprint = base64.b64encode(
        hashlib.sha256(certificate("rsa").public_bytes(Encoding.DER)).digest()
    ).decode()
    c14n = f'<Transform Algorithm="{EXCLUSIVE}"/>'
    rest = f'<DigestMethod Algorithm="{digest}"/><DigestValue/>'
    key_info = (
        f'<Reference URI="#ki"><Transforms>{c14n}</Transforms>{rest}</Reference>'
        if key_info_reference
        else ""
    )
    seal = f"""<Signature xmlns="http://www.w3.org/2000/09/xmldsig#" Id="sig-1">
      <SignedInfo>
        <CanonicalizationMethod Algorithm="{EXCLUSIVE}"/>
        <SignatureMethod Algorithm="{method}"/>
        {key_info}
        <Reference URI="#sig-1-props" Type="{SIGNED_PROPERTIES}">
          <Transforms>{c14n}</Transforms>{rest}
        </Reference>
        <Reference Id="r1" URI="">
          <Transforms><Transform Algorithm="{ENVELOPED}"/>{c14n}</Transforms>{rest}
        </Reference>
      </SignedInfo>
      <SignatureValue/>
      <KeyInfo Id="ki"><X509Data><X509Certificate/></X509Data></KeyInfo>
      <Object>
        <x:QualifyingProperties xmlns:x="{XADES[1:-1]}" Target="#sig-1">
          <x:SignedProperties Id="sig-1-props">
            <x:SignedSignatureProperties>
              <x:SigningTime>2026-08-03T11:15:00.250+02:00</x:SigningTime>
              <x:SigningCertificateV2><x:Cert><x:CertDigest>
                <DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>
                <DigestValue>{fingerprint}</DigestValue>
              </x:CertDigest></x:Cert></x:SigningCertificateV2>
            </x:SignedSignatureProperties>
          </x:SignedProperties>
        </x:QualifyingProperties>
      </Object>
    </Signature>
"""
    return DOCUMENT.replace(b"</DECSAL>", seal.encode() + b"</DECSAL>")


def signed_elsewhere(folder: Path, unsigned: bytes) -> bytes:
    private = folder / "rsa.pem"
    private.write_bytes(key("rsa").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    write_certificates(folder / "rsa-cert.pem", certificate("rsa"))
    result = xmlsec1(
        folder, unsigned, "--sign", "--privkey-pem", f"{private},{folder / 'rsa-cert.pem'}",
        "--id-attr:Id", "http://www.w3.org/2000/09/xmldsig#:KeyInfo",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return result.stdout.encode()


@pytest.mark.parametrize(
    "method",
    [
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
    ],
)
@pytest.mark.parametrize("key_info_reference", [False, True])
def test_signed_with_xmlsec1(method: str, key_info_reference: bool, tmp_path: Path) -> None:
    raw = signed_elsewhere(tmp_path, template(method, key_info_reference=key_info_reference))
    verified = accept(raw, "rsa")
    assert canonical(verified.content).strip() == canonical(
        parse(DOCUMENT.replace(b"</DECSAL>", b"\n</DECSAL>"))
    )
    assert verified.signed_at == AT + timedelta(milliseconds=250)
    assert flaw(raw.replace(b"3812.40", b"3812.41"), "rsa") is Flaw.BROKEN


def test_signed_with_xmlsec1_and_sha_512(tmp_path: Path) -> None:
    raw = signed_elsewhere(
        tmp_path,
        template(
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2001/04/xmlenc#sha512"
        ),
    )
    assert flaw(raw, "rsa") is None


def test_signed_with_xmlsec1_but_sha_1(tmp_path: Path) -> None:
    """Right, and refused: xmlsec1 still makes it."""
    raw = signed_elsewhere(tmp_path, template("http://www.w3.org/2000/09/xmldsig#rsa-sha1"))
    assert flaw(raw, "rsa") is Flaw.PROFILE


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("rsa", "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1"),
        ("p256", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384"),
        ("p384", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"),
        ("p384", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384"),
    ],
)
def test_other_methods_of_the_list(name: str, method: str) -> None:
    made = XAdESSigner(c14n_algorithm=EXCLUSIVE, signature_algorithm=method).sign(
        parse(DOCUMENT), key=key(name), cert=[certificate(name)], always_add_key_value=True
    )
    for reference in made.iter(f"{DS}Reference"):
        if reference.get("URI"):
            reference.insert(0, element("Transforms"))
            transforms(reference, EXCLUSIVE)
    reseal(made, name)
    raw = etree.tostring(made)
    assert flaw(raw, name) is None
    assert flaw(raw.replace(b"3812.40", b"3812.41"), name) is Flaw.BROKEN


# lines


def test_content_keeps_the_lines_of_the_file() -> None:
    assert [line_of(child) for child in accept(signed()).content] == [3, 7, 11]


def test_content_keeps_the_lines_of_a_file_with_tags_over_several_lines() -> None:
    document = b"""<?xml version="1.0"?>

<a
   xmlns="urn:u"
>
  <b
     x="1"
     y="2"
  />
  <c>1</c>
</a>"""
    raw = etree.tostring(parse(signed(document=document)))
    spread = raw.replace(b'<b x="1" y="2"/>', b'<b\n     x="1"\n     y="2"\n  />').replace(
        b"<a ", b"\n\n<a\n "
    )
    received = parse(spread)
    content = verify(examine(received), certificate("p256")).content
    assert [line_of(found) for found in content.iter()] == [line_of(found) for found in received.iter()][:3]
    assert line_of(content[1]) == spread[: spread.index(b"<c>")].count(b"\n") + 1


def test_content_keeps_lines_beyond_65535() -> None:
    document = b"<?xml version='1.0'?>\n<a>\n" + b"<b>1</b>\n" * 70_000 + b"<c>\n  <d>1</d>\n</c></a>"
    content = accept(signed(document=document)).content
    assert (line_of(content[0]), line_of(content[-1]), line_of(content[-1][0])) == (3, 70_003, 70_004)


# properties

TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]) | st.sampled_from("\n\t\r&<>'\""),
    max_size=8,
)
NAMES = st.sampled_from(["a", "b", "{urn:u}a", "{urn:v}b", "{urn:w}c"])
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["x", "y", "{urn:v}z", "{http://www.w3.org/XML/1998/namespace}lang"]), TEXT, max_size=3
)


@st.composite
def trees(draw: st.DrawFn, depth: int = 3) -> etree._Element:
    prefixes = draw(
        st.dictionaries(
            st.sampled_from([None, "p", "q"]), st.sampled_from(["urn:u", "urn:v", "urn:unused"]), max_size=2
        )
    )
    made = etree.Element(draw(NAMES), draw(ATTRIBUTES), nsmap=cast("dict[str, str]", prefixes))
    made.text = draw(TEXT)
    for child in draw(st.lists(trees(depth=depth - 1), max_size=3)) if depth else []:
        child.tail = draw(TEXT)
        made.append(child)
    return made


def unsigned(raw: bytes) -> bytes:
    """The bytes of a signed document around its signature, without the XML declaration."""
    before, _, rest = raw.partition(b"<ds:Signature ")
    return before.partition(b"?>\n")[2] + rest.rpartition(b"</ds:Signature>")[2]


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(trees())
def test_any_document_comes_back_as_it_was_signed(document: etree._Element) -> None:
    """And our verifier, which copies less, hands back the very bytes that the stock one does."""
    document = parse(etree.tostring(document, encoding="UTF-8"))
    raw = signer().sign(document, AT)
    received = parse(raw)
    assert canonical(accept(raw).content) == canonical(document)
    assert unsigned(raw) == canonical(document)
    stock = XAdESVerifier().verify(raw, x509_cert=certificate("p256"), expect_config=EXPECTED)
    ours = _Verifier(received).verify(received, x509_cert=certificate("p256"), expect_config=EXPECTED)
    assert [result.signed_data for result in ours] == [result.signed_data for result in stock]


@pytest.mark.parametrize(
    "document",
    [
        b"<a xmlns='urn:u'><b xmlns=''><c xmlns='urn:u'/></b></a>",
        b"<p:a xmlns:p='urn:u' xmlns='urn:v'><a/><p:b xmlns:p='urn:w' p:x='1'/></p:a>",
        b"<a xmlns:p='urn:u'><b p:x='1' xmlns:q='urn:u' q:y='2'/></a>",
        b"<a xml:lang='fr' xml:space='preserve'> <b/> </a>",
        b"<a x='&#10;&#13;&#9;&quot;&lt;&amp;'>&#13;\r\n&gt;]]&gt;</a>",
        b"<a/>",
        b"<p:a xmlns:p='urn:u'/>",
        "<a x='\u00e9\u20ac\U0001f600'>\u00e9\u20ac\U0001f600&#x85;</a>".encode(),
        b"<ds:a xmlns:ds='urn:u' xmlns:xades='urn:v'><xades:b/></ds:a>",
        b"<a><b><c/></b></a>  ",
    ],
)
def test_corners_of_canonical_xml(document: bytes, tmp_path: Path) -> None:
    raw = signed(document=document)
    assert xmlsec1_accepts(tmp_path, raw)
    assert canonical(accept(raw).content) == canonical(parse(document))


SIGNED = signed()


def never_accepted_with_other_content(raw: bytes) -> None:
    try:
        verified = accept(raw)
    except BadSignature as error:
        assert error.kind in Flaw
    except Exception as error:
        assert type(error).__name__ in {"NotXml", "ForbiddenMarkup", "OverLimit"}, error
    else:
        assert canonical(verified.content) == canonical(parse(DOCUMENT))
        assert verified.signed_at == AT


@settings(max_examples=1000, deadline=None)
@given(st.integers(0, len(SIGNED) - 1), st.integers(0, 255))
def test_a_changed_byte_is_never_accepted_with_other_content(position: int, byte: int) -> None:
    raw = bytearray(SIGNED)
    raw[position] = byte
    never_accepted_with_other_content(bytes(raw))


@settings(max_examples=500, deadline=None)
@given(st.data())
def test_bytes_cut_copied_or_put_in_are_never_accepted_with_other_content(data: st.DataObject) -> None:
    raw = SIGNED
    start, end = sorted(data.draw(st.tuples(st.integers(0, len(raw)), st.integers(0, len(raw)))))
    put = data.draw(st.sampled_from([b"", raw[start:end], raw[start:end] * 2]) | st.binary(max_size=5))
    position = data.draw(st.sampled_from([start, end]))
    never_accepted_with_other_content(raw[:position] + put + raw[end:])


def test_each_byte_changed_once() -> None:
    """Control for the two above: nearly every byte of the document matters, and is seen to."""
    raw = SIGNED
    accepted = 0
    for position in range(len(raw)):
        changed = bytearray(raw)
        changed[position] ^= 1
        never_accepted_with_other_content(bytes(changed))
        accepted += edited_is_accepted(bytes(changed))
    assert accepted < 30  # those of the identifier of the key information, which nothing refers to


def edited_is_accepted(raw: bytes) -> bool:
    try:
        accept(raw)
    except Exception:
        return False
    return True


def test_signature_is_the_last_child() -> None:
    root = parse(signed())
    assert signature(root).getnext() is None
    assert signature(root).getparent() is root
    assert flaw(edited(lambda _: None)) is None


def _issued(first: datetime, last: datetime) -> Signer:
    found = key("p256")
    return Signer(found, authority().issue(Subject("seal"), found.public_key(), first, last))


def test_a_seal_counts_only_with_its_own_certificate_and_within_its_dates() -> None:
    """The same key, the same authority, the same name: another certificate is another seal."""
    day = timedelta(days=1)
    ours, other = _issued(AT - day, AT + day), _issued(AT - day, AT + day)
    document = parse(DOCUMENT)
    assert verify_seal(ours.sign(document, AT), [ours.certificate]).signed_at == AT
    assert verify_seal(ours.sign(document, AT), [other.certificate, ours.certificate]).signed_at == AT
    for raw, seals in (
        (other.sign(document, AT), [ours.certificate]),
        (ours.sign(document, AT), []),
        (ours.sign(document, AT + 2 * day), [ours.certificate]),
        (ours.sign(document, AT - 2 * day), [ours.certificate]),
    ):
        with pytest.raises(ForeignSeal):
            verify_seal(raw, seals)
    with pytest.raises(BadSignature):
        verify_seal(ours.sign(document, AT).replace(b"3812.40", b"3812.41"), [ours.certificate])
