"""Yes, no, or cannot tell yet: each with the control that differs in one thing."""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from workshop import AT, FIRST, LAST, authority, certificate, key, pem, public

from adapters.pki import Authority, Subject, write_certificates
from signing.certificates import (
    CannotTell,
    Distrust,
    Evidence,
    Trust,
    Untrusted,
    _run,
    load_certificate,
    load_seals,
)

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


class Office:
    """A folder with anchors and revocation lists, and the trust in them."""

    def __init__(self, folder: Path, root: Authority | None = None) -> None:
        self.root = root or authority()
        self.crls = folder / "crls"
        self.crls.mkdir()
        self.anchors = folder / "anchors.pem"
        write_certificates(self.anchors, self.root.certificate)
        self.trust = Trust(self.anchors, self.crls)

    def publish(
        self,
        revoked: Mapping[int, datetime] | None = None,
        this_update: datetime = AT - DAY,
        next_update: datetime = AT + DAY,
        name: str = "root.pem",
        issuer: Authority | None = None,
    ) -> None:
        (self.crls / name).write_bytes((issuer or self.root).crl(revoked or {}, this_update, next_update))

    def judge(
        self, found: x509.Certificate | None = None, at: datetime = AT, *chain: x509.Certificate
    ) -> Evidence:
        return self.trust.judge(found or certificate("p256"), chain, at)

    def distrust(
        self, found: x509.Certificate | None = None, at: datetime = AT, *chain: x509.Certificate
    ) -> Distrust:
        with pytest.raises(Untrusted) as caught:
            self.judge(found, at, *chain)
        return caught.value.kind


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def issued(first: datetime = FIRST, last: datetime = LAST, root: Authority | None = None) -> x509.Certificate:
    return (root or authority()).issue(Subject("someone"), public("p256"), first, last)


def made(
    *extensions: x509.ExtensionType, issuer: Authority | None = None, name: str = "p256"
) -> x509.Certificate:
    """A certificate with exactly these extensions."""
    issuer = issuer or authority()
    builder = (
        x509.CertificateBuilder()
        .subject_name(Subject("made").name)
        .issuer_name(issuer.certificate.subject)
        .public_key(public(name))
        .serial_number(x509.random_serial_number())
        .not_valid_before(FIRST)
        .not_valid_after(LAST)
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=True)
    return builder.sign(issuer.key, hashes.SHA256())


def usage(*, digital_signature: bool = False, key_cert_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature, content_commitment=False, key_encipherment=True,
        data_encipherment=False, key_agreement=False, key_cert_sign=key_cert_sign, crl_sign=key_cert_sign,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


NOT_CA = x509.BasicConstraints(ca=False, path_length=None)
CA = x509.BasicConstraints(ca=True, path_length=None)


# yes


def test_a_good_certificate(office: Office) -> None:
    office.publish()
    evidence = office.judge()
    assert evidence.at == AT
    assert evidence.path == (
        "CN=p256,2.5.4.5=2099990001299,O=Fiduciaire Exemple",
        "CN=Secugate test root",
    )
    ders = [found.public_bytes(Encoding.DER) for found in (certificate("p256"), authority().certificate)]
    assert evidence.digests == tuple(hashlib.sha256(der).hexdigest() for der in ders)


def test_evidence_names_the_list(office: Office) -> None:
    office.publish()
    [consulted] = office.judge().lists
    raw = x509.load_pem_x509_crl((office.crls / "root.pem").read_bytes()).public_bytes(Encoding.DER)
    assert consulted.digest == hashlib.sha256(raw).hexdigest()
    assert consulted.number == int((AT - DAY).timestamp())
    assert (consulted.issuer, consulted.this_update, consulted.next_update) == (
        "CN=Secugate test root",
        AT - DAY,
        AT + DAY,
    )


def test_evidence_names_no_list_of_others(office: Office) -> None:
    office.publish()
    office.publish(name="other.pem", issuer=authority("other root"))
    office.publish(name="stale.pem", this_update=AT - 3 * DAY, next_update=AT - 2 * DAY)
    assert len(office.judge().lists) == 1


@pytest.mark.parametrize("name", ["rsa", "p256"])
def test_both_kinds_of_key(office: Office, name: str) -> None:
    office.publish()
    assert office.judge(certificate(name)).path[-1] == "CN=Secugate test root"


def test_a_list_in_der(office: Office) -> None:
    office.publish()
    loaded = x509.load_pem_x509_crl((office.crls / "root.pem").read_bytes())
    (office.crls / "root.pem").unlink()
    (office.crls / "root.crl").write_bytes(loaded.public_bytes(Encoding.DER))
    assert len(office.judge().lists) == 1


def test_anchors_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "anchors").mkdir()
    write_certificates(tmp_path / "anchors" / "a.pem", authority("other root").certificate)
    write_certificates(tmp_path / "anchors" / "b.pem", authority().certificate)
    (tmp_path / "root.pem").write_bytes(authority().crl({}, AT - DAY, AT + DAY))
    trust = Trust(tmp_path / "anchors", tmp_path)
    assert trust.judge(certificate("p256"), (), AT).path[-1] == "CN=Secugate test root"


# validity: just before, at, just after


def test_not_yet_valid(office: Office) -> None:
    office.publish()
    found = issued(first=AT)
    assert office.distrust(found, AT - SECOND) is Distrust.NOT_YET_VALID
    assert office.judge(found, AT).at == AT


def test_expired(office: Office) -> None:
    office.publish()
    found = issued(last=AT)
    assert office.judge(found, AT).at == AT
    assert office.distrust(found, AT + SECOND) is Distrust.EXPIRED


def test_the_moment_decides_and_not_today(office: Office) -> None:
    """A deposit judged late is judged as of its receipt."""
    moment = datetime(2020, 6, 1, tzinfo=AT.tzinfo)
    found = issued(moment - DAY, moment + DAY)
    office.publish(this_update=moment - DAY, next_update=moment + DAY)
    assert office.judge(found, moment).at == moment


# revocation


def test_revoked(office: Office) -> None:
    office.publish({certificate("p256").serial_number: AT - SECOND})
    assert office.distrust() is Distrust.REVOKED
    assert office.judge(certificate("rsa")).at == AT


def test_control_hard_fail_lets_a_revoked_certificate_pass() -> None:
    """Why the mode is `require`: with the next best one a list that we have is not even looked at."""
    raw = authority().crl({certificate("p256").serial_number: AT - SECOND}, AT - DAY, AT + DAY)
    crl = x509.load_pem_x509_crl(raw).public_bytes(Encoding.DER)
    roots = [asn1_x509.Certificate.load(authority().certificate.public_bytes(Encoding.DER))]
    context = ValidationContext(trust_roots=roots, crls=[crl], moment=AT, revocation_mode="hard-fail")
    leaf = asn1_x509.Certificate.load(certificate("p256").public_bytes(Encoding.DER))
    path = asyncio.run(CertificateValidator(leaf, None, context).async_validate_path())
    assert path is not None


def test_revoked_after_receipt(office: Office) -> None:
    found = certificate("p256").serial_number
    office.publish({found: AT + SECOND}, this_update=AT + DAY, next_update=AT + 2 * DAY)
    assert office.judge().at == AT
    assert office.distrust(at=AT + 2 * SECOND) is Distrust.REVOKED


def test_revoked_on_one_list_of_two(office: Office) -> None:
    office.publish(name="earlier.pem")
    office.publish(
        {certificate("p256").serial_number: AT - SECOND}, this_update=AT + DAY, next_update=AT + 2 * DAY
    )
    assert office.distrust() is Distrust.REVOKED


def test_no_list(office: Office) -> None:
    with pytest.raises(CannotTell):
        office.judge()
    office.publish()
    assert office.judge().at == AT


def test_stale_list(office: Office) -> None:
    office.publish(this_update=AT - 2 * DAY, next_update=AT - SECOND)
    with pytest.raises(CannotTell):
        office.judge()
    office.publish(this_update=AT - 2 * DAY, next_update=AT)
    assert office.judge().at == AT


def test_a_list_issued_later_answers_the_waiting(office: Office) -> None:
    office.publish(this_update=AT - 2 * DAY, next_update=AT - DAY)
    with pytest.raises(CannotTell):
        office.judge()
    office.publish(name="later.pem", this_update=AT + 3 * DAY, next_update=AT + 4 * DAY)
    [consulted] = office.judge().lists
    assert consulted.this_update == AT + 3 * DAY


def test_a_list_issued_later_refuses_the_waiting(office: Office) -> None:
    office.publish(
        {certificate("p256").serial_number: AT - SECOND}, this_update=AT + 3 * DAY, next_update=AT + 4 * DAY
    )
    assert office.distrust() is Distrust.REVOKED


def test_a_list_issued_after_expiry_says_nothing(office: Office) -> None:
    """It may leave out an expired certificate, revoked or not."""
    found = issued(last=AT + DAY)
    office.publish(this_update=AT + DAY + SECOND, next_update=AT + 3 * DAY)
    with pytest.raises(CannotTell):
        office.judge(found)
    office.publish(this_update=AT + DAY, next_update=AT + 3 * DAY)
    assert office.judge(found).at == AT


def test_list_of_another_authority(office: Office) -> None:
    office.publish(issuer=authority("other root"))
    with pytest.raises(CannotTell):
        office.judge()


def test_list_signed_by_another_authority_of_the_same_name(office: Office) -> None:
    impostor = Authority.create("Secugate test root", FIRST, LAST)
    office.publish(issuer=impostor)
    with pytest.raises(CannotTell):
        office.judge()


def test_changed_list(office: Office) -> None:
    found = certificate("p256").serial_number
    raw = x509.load_pem_x509_crl(authority().crl({found: AT - SECOND}, AT - DAY, AT + DAY)).public_bytes(
        Encoding.DER
    )
    width = (found.bit_length() + 7) // 8
    serial = found.to_bytes(width)
    changed = raw.replace(serial, (found ^ 1).to_bytes(width))
    assert changed != raw
    (office.crls / "root.crl").write_bytes(changed)
    with pytest.raises(CannotTell):
        office.judge()


def test_unreadable_list_is_named(office: Office) -> None:
    (office.crls / "broken.crl").write_bytes(b"\x30\x82")
    with pytest.raises(CannotTell, match=r"broken\.crl"):
        office.judge()
    office.publish()
    assert office.judge().at == AT


# path


def test_another_authority(office: Office) -> None:
    office.publish()
    office.publish(name="other.pem", issuer=authority("other root"))
    assert office.distrust(issued(root=authority("other root"))) is Distrust.PATH


def test_another_authority_sent_along(office: Office) -> None:
    other = authority("other root")
    office.publish()
    office.publish(name="other.pem", issuer=other)
    assert office.distrust(issued(root=other), AT, other.certificate) is Distrust.PATH


def test_another_authority_of_the_same_name(office: Office) -> None:
    impostor = Authority.create("Secugate test root", FIRST, LAST)
    office.publish()
    assert office.distrust(issued(root=impostor)) is Distrust.PATH
    assert office.distrust(issued(root=impostor), AT, impostor.certificate) is Distrust.PATH


def test_self_signed(office: Office) -> None:
    name = Subject("self").name
    found = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(public("p256"))
        .serial_number(1).not_valid_before(FIRST).not_valid_after(LAST)
        .add_extension(usage(digital_signature=True), critical=True).sign(key("p256"), hashes.SHA256())
    )  # fmt: skip
    office.publish()
    assert office.distrust(found) is Distrust.PATH


def test_changed_certificate(office: Office) -> None:
    office.publish()
    der = certificate("p256").public_bytes(Encoding.DER).replace(b"Fiduciaire", b"Fidutiaire")
    assert office.distrust(x509.load_der_x509_certificate(der)) is Distrust.PATH


def test_issued_by_a_member(office: Office) -> None:
    """A member is no authority, though its certificate is good."""
    member, victim = certificate("p256"), public("other p256")
    name = Subject("victim").name
    found = (
        x509.CertificateBuilder().subject_name(name).issuer_name(member.subject).public_key(victim)
        .serial_number(1).not_valid_before(FIRST).not_valid_after(LAST)
        .add_extension(usage(digital_signature=True), critical=True).sign(key("p256"), hashes.SHA256())
    )  # fmt: skip
    office.publish()
    assert office.distrust(found, AT, member) is Distrust.PATH


def subordinate(last: datetime = LAST) -> Authority:
    """An authority below `HIGH`."""
    private = ec.generate_private_key(ec.SECP256R1())
    found = (
        x509.CertificateBuilder().subject_name(Subject("subordinate").name)
        .issuer_name(HIGH.certificate.subject).public_key(private.public_key())
        .serial_number(7).not_valid_before(FIRST).not_valid_after(last)
        .add_extension(CA, critical=True).add_extension(usage(key_cert_sign=True), critical=True)
        .sign(HIGH.key, hashes.SHA256())
    )  # fmt: skip
    return Authority(private, found)


def high() -> Authority:
    """A root that may have authorities below it."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = Subject("high root").name
    found = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(private.public_key())
        .serial_number(1).not_valid_before(FIRST).not_valid_after(LAST)
        .add_extension(CA, critical=True).add_extension(usage(key_cert_sign=True), critical=True)
        .sign(private, hashes.SHA256())
    )  # fmt: skip
    return Authority(private, found)


HIGH = high()


def test_two_steps_to_the_root(tmp_path: Path) -> None:
    office, below = Office(tmp_path, HIGH), subordinate()
    office.publish()
    office.publish(name="below.pem", issuer=below)
    evidence = office.judge(issued(root=below), AT, below.certificate)
    assert evidence.path == ("CN=someone", "CN=subordinate", "CN=high root")
    assert len(evidence.lists) == 2
    assert office.distrust(issued(root=below)) is Distrust.PATH


def test_two_steps_with_only_one_list(tmp_path: Path) -> None:
    office, below = Office(tmp_path, HIGH), subordinate()
    for name, issuer in (("root.pem", HIGH), ("below.pem", below)):
        office.publish(name=name, issuer=issuer)
        with pytest.raises(CannotTell):
            office.judge(issued(root=below), AT, below.certificate)
        (office.crls / name).unlink()


def test_a_revoked_or_expired_authority_on_the_way(tmp_path: Path) -> None:
    office, below, old = Office(tmp_path, HIGH), subordinate(), subordinate(last=AT - DAY)
    office.publish({7: AT - DAY})
    office.publish(name="below.pem", issuer=below)
    assert office.distrust(issued(root=below), AT, below.certificate) is Distrust.PATH
    office.publish()
    assert office.distrust(issued(root=old), AT, old.certificate) is Distrust.PATH


def test_nonsense_in_the_chain(office: Office) -> None:
    office.publish()
    assert office.judge(None, AT, certificate("rsa"), certificate("rsa"), HIGH.certificate).at == AT


# use


def test_root_as_signer(office: Office) -> None:
    """A path of no step, on which nothing is checked."""
    office.publish()
    assert office.distrust(authority().certificate) is Distrust.USAGE


def test_authority_as_signer(office: Office) -> None:
    office.publish()
    assert office.distrust(made(CA, usage(digital_signature=True, key_cert_sign=True))) is Distrust.USAGE


def test_not_for_signatures(office: Office) -> None:
    office.publish()
    assert office.distrust(made(NOT_CA, usage())) is Distrust.USAGE
    assert office.judge(made(NOT_CA, usage(digital_signature=True))).at == AT


def test_does_not_say_what_it_is_for(office: Office) -> None:
    office.publish()
    assert office.distrust(made(NOT_CA)) is Distrust.USAGE


def test_unknown_critical_extension(office: Office) -> None:
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\x05\x00")
    office.publish()
    assert office.distrust(made(NOT_CA, usage(digital_signature=True), unknown)) is Distrust.PATH


def test_extended_usage_does_not_matter(office: Office) -> None:
    purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
    office.publish()
    assert office.judge(made(NOT_CA, usage(digital_signature=True), purposes)).at == AT


def test_extensions_that_cannot_be_read(office: Office) -> None:
    office.publish()
    nonsense = x509.UnrecognizedExtension(ExtensionOID.BASIC_CONSTRAINTS, b"\x30\x82")
    assert office.distrust(made(nonsense, usage(digital_signature=True))) is Distrust.USAGE


# files


def test_anchors_that_are_none(tmp_path: Path) -> None:
    for content in (b"", b"nonsense", pem(certificate("p256"))):
        (tmp_path / "anchors.pem").write_bytes(content)
        with pytest.raises(ValueError, match=r"."):
            Trust(tmp_path / "anchors.pem", tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no trust anchor"):
        Trust(tmp_path / "empty", tmp_path)
    with pytest.raises(OSError, match=r"."):
        Trust(tmp_path / "absent.pem", tmp_path)


def test_changed_files_are_read_again(office: Office) -> None:
    office.publish()
    assert office.judge().at == AT
    office.publish({certificate("p256").serial_number: AT - SECOND})
    assert office.distrust() is Distrust.REVOKED
    office.publish()
    assert office.judge().at == AT
    write_certificates(office.anchors, authority("other root").certificate)
    assert office.distrust() is Distrust.PATH


def test_a_list_of_the_same_length_and_time_put_in_its_place_is_read(office: Office) -> None:
    """A replaced file is another file, whatever its times say."""
    office.publish({certificate("rsa").serial_number: AT - SECOND})
    assert office.judge().at == AT
    before = (office.crls / "root.pem").stat()
    for _ in range(1000):  # until chance makes the signature just as long
        office.publish({certificate("p256").serial_number: AT - SECOND}, name="new")
        if (office.crls / "new").stat().st_size == before.st_size:
            break
    os.utime(office.crls / "new", ns=(before.st_atime_ns, before.st_mtime_ns))
    (office.crls / "new").replace(office.crls / "root.pem")
    assert office.distrust() is Distrust.REVOKED


def test_anchors_damaged_while_running(office: Office) -> None:
    """Our fault: nobody is told no."""
    office.publish()
    assert office.judge().at == AT
    office.anchors.write_bytes(b"")
    with pytest.raises(CannotTell):
        office.judge()
    with pytest.raises(CannotTell):
        office.judge()
    write_certificates(office.anchors, authority().certificate)
    assert office.judge().at == AT


# files of certificates


def test_a_certificate_from_a_file(tmp_path: Path) -> None:
    write_certificates(tmp_path / "certificate.pem", certificate("p256"), authority().certificate)
    assert load_certificate(tmp_path / "certificate.pem") == certificate("p256")


# callers


def test_many_threads(office: Office) -> None:
    office.publish({certificate("rsa").serial_number: AT - SECOND})
    answers: list[str] = []

    def ask(name: str) -> None:
        for _ in range(10):
            try:
                answers.append(office.judge(certificate(name)).path[-1])
            except Untrusted as error:
                answers.append(error.kind)

    threads = [threading.Thread(target=ask, args=(name,)) for name in ["p256", "rsa"] * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["CN=Secugate test root"] * 40 + ["revoked"] * 40


def test_where_an_event_loop_runs(office: Office) -> None:
    office.publish()

    async def within() -> Evidence:
        return office.judge()

    assert asyncio.run(within()).at == AT


def test_a_validator_that_would_wait_is_not_left_half_done() -> None:
    async def waiting() -> None:
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="waits for something"):
        _run(waiting())


def test_seals_from_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no certificate"):
        load_seals(tmp_path)
    now, before = issued(), issued()
    write_certificates(tmp_path / "now.pem", now)
    write_certificates(tmp_path / "before.pem", before)
    assert load_seals(tmp_path / "now.pem") == (now,)
    assert set(load_seals(tmp_path)) == {now, before}
