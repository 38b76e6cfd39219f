"""OCSP answers beside revocation lists, and anchors with their terms (SR-4, P5)."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, ExtensionOID
from test_certificates import CA, HIGH, NOT_CA, usage
from workshop import AT, FIRST, LAST, authority, certificate, public

from adapters.pki import Authority, Subject, write_certificates
from signing.anchors import anchors_for
from signing.certificates import CannotTell, Distrust, Evidence, Trust, Untrusted

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
RESPONDER = x509.AuthorityInformationAccess(
    [
        x509.AccessDescription(
            AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier("http://ocsp.example/")
        )
    ]
)


def named(
    *extensions: x509.ExtensionType, root: Authority | None = None, serial: int | None = None
) -> x509.Certificate:
    """A member's certificate that names its responder, with more extensions if need be."""
    issuer = root or authority()
    builder = (
        x509.CertificateBuilder(issuer.certificate.subject, Subject("member").name, public("p256"))
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(FIRST)
        .not_valid_after(LAST)
    )
    for extension in (NOT_CA, usage(digital_signature=True), RESPONDER, *extensions):
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(issuer.key, hashes.SHA256())


def answered(
    about: x509.Certificate,
    *,
    revoked: datetime | None = None,
    this_update: datetime = AT - DAY,
    next_update: datetime = AT + DAY,
    root: Authority | None = None,
    by: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None = None,
) -> bytes:
    """An OCSP answer about a certificate, by its authority or by a responder of its."""
    issuer = root or authority()
    responder, key = by or (issuer.certificate, issuer.key)
    builder = ocsp.OCSPResponseBuilder().add_response(
        about,
        issuer.certificate,
        hashes.SHA256(),
        ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD,
        this_update,
        next_update,
        revoked,
        x509.ReasonFlags.key_compromise if revoked else None,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, responder)
    if by is not None:
        builder = builder.certificates([responder])
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def responder(
    *, for_ocsp: bool = True, root: Authority | None = None
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """A responder of the authority, and its key; or somebody else whom the authority certified."""
    issuer = root or authority()
    key = ec.generate_private_key(ec.SECP256R1())
    purpose = ExtendedKeyUsageOID.OCSP_SIGNING if for_ocsp else ExtendedKeyUsageOID.CLIENT_AUTH
    found = (
        x509.CertificateBuilder(issuer.certificate.subject, Subject("responder").name, key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(FIRST)
        .not_valid_after(LAST)
        .add_extension(NOT_CA, critical=True)
        .add_extension(usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(x509.OCSPNoCheck(), critical=False)
        .sign(issuer.key, hashes.SHA256())
    )
    return found, key


class Desk:
    """Folders of anchors, lists and answers, and the trust in them."""

    def __init__(self, folder: Path, root: Authority | None = None) -> None:
        self.root = root or authority()
        self.anchors, self.crls, self.answers = (folder / name for name in ("anchors", "crls", "ocsp"))
        for made in (self.anchors, self.crls, self.answers):
            made.mkdir()
        write_certificates(self.anchors / "root.pem", self.root.certificate)
        self.trust = Trust(self.anchors, self.crls, self.answers)

    def answer(self, raw: bytes, name: str = "one") -> None:
        (self.answers / f"{name}.ocsp").write_bytes(raw)

    def publish(
        self,
        *revoked: x509.Certificate,
        at: datetime = AT - DAY,
        name: str = "root",
        of: Authority | None = None,
    ) -> None:
        gone = {one.serial_number: AT - SECOND for one in revoked}
        (self.crls / f"{name}.pem").write_bytes((of or self.root).crl(gone, at, AT + DAY))

    def judge(
        self, found: x509.Certificate, at: datetime = AT, chain: Sequence[x509.Certificate] = ()
    ) -> Evidence:
        return self.trust.judge(found, chain, at)

    def distrust(self, found: x509.Certificate, chain: Sequence[x509.Certificate] = ()) -> Distrust:
        with pytest.raises(Untrusted) as caught:
            self.judge(found, chain=chain)
        return caught.value.kind


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_good_answer_is_a_yes_and_stays_as_evidence(desk: Desk) -> None:
    found = named()
    with pytest.raises(CannotTell):
        desk.judge(found)
    raw = answered(found)
    desk.answer(raw)
    evidence = desk.judge(found)
    assert evidence.lists == ()
    assert [one.der for one in evidence.answers] == [raw]
    assert evidence.answers[0].digest == hashlib.sha256(raw).hexdigest()
    ders = [one.public_bytes(Encoding.DER) for one in (found, authority().certificate)]
    assert list(evidence.certificates) == ders


def test_a_list_stays_as_evidence_whole(desk: Desk) -> None:
    desk.publish()
    [consulted] = desk.judge(certificate("p256")).lists
    raw = x509.load_pem_x509_crl((desk.crls / "root.pem").read_bytes()).public_bytes(Encoding.DER)
    assert consulted.der == raw


def test_revoked_before_receipt(desk: Desk) -> None:
    found = named()
    desk.answer(answered(found, revoked=AT - SECOND))
    assert desk.distrust(found) is Distrust.REVOKED


def test_revoked_after_receipt_is_a_yes(desk: Desk) -> None:
    """The answer was made after receipt: it tells that at receipt nothing was revoked."""
    found = named()
    late = answered(found, revoked=AT + SECOND, this_update=AT + DAY, next_update=AT + 2 * DAY)
    desk.answer(late)
    desk.publish(at=AT + DAY)
    assert desk.judge(found).at == AT
    with pytest.raises(Untrusted):
        desk.judge(found, AT + 2 * SECOND)


@pytest.mark.parametrize(("next_update", "yes"), [(AT, True), (AT - SECOND, False)])
def test_a_stale_answer_says_nothing(desk: Desk, next_update: datetime, yes: bool) -> None:
    found = named()
    desk.answer(answered(found, this_update=AT - 2 * DAY, next_update=next_update))
    if yes:
        assert desk.judge(found).at == AT
    else:
        with pytest.raises(CannotTell):
            desk.judge(found)


def test_a_good_answer_does_not_hide_a_revoked_one_on_the_list(desk: Desk) -> None:
    """The validator alone is content with the answer: control below."""
    found = named()
    desk.answer(answered(found))
    assert desk.judge(found).at == AT
    desk.publish(found)
    assert desk.distrust(found) is Distrust.REVOKED


def test_control_without_the_second_look_the_list_is_hidden(desk: Desk) -> None:
    class Content(Trust):
        def _look_further(self, path, at, lists, answers):  # type: ignore[no-untyped-def]
            return []

    found = named()
    desk.answer(answered(found))
    desk.publish(found)
    assert Content(desk.anchors, desk.crls, desk.answers).judge(found, (), AT).at == AT


def test_a_clean_list_does_not_hide_a_revoked_answer(desk: Desk) -> None:
    found = named()
    desk.publish()
    assert desk.judge(found).at == AT
    desk.answer(answered(found, revoked=AT - SECOND))
    assert desk.distrust(found) is Distrust.REVOKED


def test_the_newer_good_answer_does_not_hide_the_older_revoked_one(desk: Desk) -> None:
    """A suspension that was lifted after receipt still stood at receipt."""
    found = named()
    desk.answer(answered(found, revoked=AT - SECOND), "older")
    desk.answer(answered(found, this_update=AT + SECOND), "newer")
    assert desk.distrust(found) is Distrust.REVOKED


def test_a_list_without_it_does_not_hide_one_with_it(desk: Desk) -> None:
    desk.publish(certificate("p256"), name="older")
    desk.publish(at=AT + SECOND, name="newer")
    assert desk.distrust(certificate("p256")) is Distrust.REVOKED


def test_an_answer_about_a_certificate_that_names_no_responder(desk: Desk) -> None:
    """It makes no yes, but its no is heard."""
    found = certificate("p256")
    desk.answer(answered(found))
    with pytest.raises(CannotTell):
        desk.judge(found)
    desk.publish()
    assert desk.judge(found).at == AT
    desk.answer(answered(found, revoked=AT - SECOND))
    assert desk.distrust(found) is Distrust.REVOKED


def test_a_responder_of_the_authority(desk: Desk) -> None:
    found = named()
    desk.answer(answered(found, by=responder()))
    assert desk.judge(found).at == AT
    desk.answer(answered(found, revoked=AT - SECOND, by=responder()))
    assert desk.distrust(found) is Distrust.REVOKED


def test_somebody_who_is_no_responder_says_nothing(desk: Desk) -> None:
    found = named()
    for other in (responder(for_ocsp=False), responder(root=authority("other root"))):
        desk.answer(answered(found, by=other))
        with pytest.raises(CannotTell):
            desk.judge(found)
        desk.publish()
        desk.answer(answered(found, revoked=AT - SECOND, by=other))
        assert desk.judge(found).at == AT
        (desk.crls / "root.pem").unlink()


def test_an_answer_about_another_certificate(desk: Desk) -> None:
    found, other = named(), named()
    desk.answer(answered(other))
    with pytest.raises(CannotTell):
        desk.judge(found)


def test_a_changed_answer_says_nothing(desk: Desk) -> None:
    found = named()
    raw = answered(found, revoked=AT - SECOND)
    serial = found.serial_number.to_bytes((found.serial_number.bit_length() + 7) // 8)
    another = named(serial=found.serial_number ^ 1)
    changed = raw.replace(serial, another.serial_number.to_bytes(len(serial)))
    assert changed != raw
    desk.answer(changed)
    with pytest.raises(CannotTell):
        desk.judge(another)


@pytest.mark.parametrize("raw", [b"", b"nonsense", b"\x30\x03\x0a\x01\x06", b"\x30\x82"])
def test_what_is_no_answer_is_named_and_says_nothing(desk: Desk, raw: bytes) -> None:
    desk.answer(raw, "broken")
    with pytest.raises(CannotTell, match=r"broken\.ocsp"):
        desk.judge(named())
    desk.publish()
    assert desk.judge(named()).at == AT


def test_an_authority_on_the_way_is_judged_by_its_answer_too(tmp_path: Path) -> None:
    desk = Desk(tmp_path, HIGH)
    key = ec.generate_private_key(ec.SECP256R1())
    middle = Authority(
        key,
        x509.CertificateBuilder(HIGH.certificate.subject, Subject("middle").name, key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(FIRST)
        .not_valid_after(LAST)
        .add_extension(CA, critical=True)
        .add_extension(usage(key_cert_sign=True), critical=True)
        .add_extension(RESPONDER, critical=False)
        .sign(HIGH.key, hashes.SHA256()),
    )
    found = named(root=middle)
    desk.answer(answered(found, root=middle), "member")
    with pytest.raises(CannotTell):
        desk.judge(found, chain=[middle.certificate])
    desk.answer(answered(middle.certificate, root=HIGH), "middle")
    assert len(desk.judge(found, chain=[middle.certificate]).answers) == 2
    desk.answer(answered(middle.certificate, root=HIGH, revoked=AT - SECOND), "middle")
    assert desk.distrust(found, [middle.certificate]) is Distrust.PATH


# anchors with their terms


def known(desk: Desk, text: str) -> None:
    (desk.anchors / "root.yaml").write_text(text)


@pytest.mark.parametrize(
    ("terms", "yes"),
    [
        ("source: institution\n", True),
        ("from: 2026-08-03\nuntil: 2026-08-03\n", True),
        ("from: 2026-08-04\n", False),
        ("until: 2026-08-02\n", False),
        ("until: 2026-08-03T09:15:00Z\n", True),
        ("until: 2026-08-03T09:14:59Z\n", False),
        ("purposes: [time-stamps]\n", False),
        ("purposes: [time-stamps, members]\n", True),
    ],
)
def test_an_anchor_counts_in_its_time_and_for_its_purpose(desk: Desk, terms: str, yes: bool) -> None:
    desk.publish()
    known(desk, terms)
    if yes:
        assert desk.judge(certificate("p256")).at == AT
    else:
        assert desk.distrust(certificate("p256")) is Distrust.PATH


@pytest.mark.parametrize(
    "terms",
    [
        "- a list\n",
        "from: tomorrow\n",
        "until: 5\n",
        "purposes: members\n",
        "unti: 2026-01-01\n",
        "a: [\n",
        "",
    ],
)
def test_terms_that_cannot_be_read_refuse_the_start_and_make_the_running_wait(desk: Desk, terms: str) -> None:
    desk.publish()
    known(desk, terms)
    with pytest.raises(CannotTell, match=r"root\.yaml"):
        desk.judge(certificate("p256"))
    with pytest.raises(ValueError, match=r"root\.yaml"):
        Trust(desk.anchors, desk.crls)


def test_the_anchors_of_a_purpose(desk: Desk) -> None:
    assert anchors_for(desk.anchors, "members") == [desk.anchors / "root.pem"]
    known(desk, "purposes: [time-stamps]\n")
    assert anchors_for(desk.anchors, "members") == []
    assert anchors_for(desk.anchors, "time-stamps") == [desk.anchors / "root.pem"]


# who brings lists and answers


def test_lists_are_fetched_before_the_judgement(desk: Desk) -> None:
    asked: list[int] = []

    def fetch(certificates: Sequence[x509.Certificate]) -> None:
        asked.append(len(certificates))
        desk.publish()

    trust = Trust(desk.anchors, desk.crls, desk.answers, fetch)
    assert trust.judge(certificate("p256"), (authority().certificate,), AT).at == AT
    assert asked == [2]


def test_what_the_validator_logs_about_certificates_goes_nowhere() -> None:
    """It names people, and quotes what strangers wrote (SR-24)."""
    for module in ("validate", "revinfo.validate_crl", "revinfo.validate_ocsp"):
        assert not logging.getLogger(f"pyhanko_certvalidator.{module}").isEnabledFor(logging.ERROR)


# chains that are made to keep us busy


def tangle(size: int, *, names: int) -> list[x509.Certificate]:
    """Authorities that name each other in every order, but lead nowhere."""
    made = []
    for number in range(size):
        name = Subject(f"tangle {number % names}").name
        issuer = Subject(f"tangle {(number + 1) % names}").name
        key = ec.generate_private_key(ec.SECP256R1())
        builder = (
            x509.CertificateBuilder(issuer, name, key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(FIRST)
            .not_valid_after(LAST)
        )
        for extension in (CA, usage(key_cert_sign=True)):
            builder = builder.add_extension(extension, critical=True)
        made.append(builder.sign(key, hashes.SHA256()))
    return made


@pytest.mark.parametrize("names", [1, 2, 5])
def test_a_tangle_of_authorities_costs_less_than_a_second(desk: Desk, names: int) -> None:
    """Each of twenty could stand above each other one; the certificate's own issuer is one of the names."""
    authority_of_tangle = Authority.create("tangle 0", FIRST, LAST)
    found = authority_of_tangle.issue(Subject("member"), public("p256"), FIRST, LAST)
    chain = tangle(20, names=names)
    begun = time.process_time()
    assert desk.distrust(found, chain) is Distrust.PATH
    assert time.process_time() - begun < 1


def test_what_leads_up_is_found_among_much_that_does_not(desk: Desk) -> None:
    desk.publish()
    junk = tangle(9, names=9)
    assert (
        desk.judge(certificate("p256"), chain=[*junk, authority().certificate]).path[-1]
        == "CN=Secugate test root"
    )


def test_a_certificate_with_an_extension_that_cannot_be_read_is_a_no(desk: Desk) -> None:
    """The library raises a TypeError for an address of five bytes; that is the sender's fault, not ours."""
    five = b"\x30\x0b\xa0\x09\x30\x07\x87\x05\x01\x02\x03\x04\x05"
    constraints = x509.UnrecognizedExtension(ExtensionOID.NAME_CONSTRAINTS, five)
    desk.publish()
    assert desk.distrust(named(constraints)) in (Distrust.USAGE, Distrust.PATH)
