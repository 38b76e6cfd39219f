"""Files that must be refused as a whole: one function, one defect, named for it, with the code due.

Each also leaves exactly one signed acknowledgement, nothing in the registers, and a gateway that treats
the next file.
"""

from __future__ import annotations

import copy
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from lxml import etree

from adapters.database.deposits import Kept
from adapters.database.evidence import StoredEvidence, evidence_of
from adapters.pki import Authority, KeyKind, Subject, new_key, write_certificates
from adapters.premises import Premises
from gateway import names
from gateway.moments import Received
from gateway.rejections import REJECTIONS, Level
from signing.profile import DS
from signing.sign import Signer
from tests.flow.premises import HandClock, answers, kinds, move, registered, rows, someone, wages
from tests.house import (
    FOREIGN_EMPLOYER,
    House,
    Outcome,
    Sender,
    entry,
    person,
    wage,
    wait_for,
)

NAMESPACE = "urn:secugate:1"


_numbers = iter(range(1, 100_000))


@pytest.fixture(scope="module", autouse=True)
def known_person(home: House, sender: Sender) -> None:
    """Somebody whose number may be asked for again and again: a good file that changes no register."""
    assert home.send(sender, "DEMMAT", [person()]).verdict == "accepted"


def refused(home: House, sender: Sender, content: bytes, *codes: str, name: str | None = None) -> Outcome:
    """Deposit a file that must be refused with these codes, and see that nothing else happened, and that
    the good file behind it is treated."""
    before = registered(home)
    receipt = home.receive(sender, name or home.name("DECSAL", sender.member), content)
    next_file = home.batch(sender, "DEMMAT", [person(Reference=str(next(_numbers)))])
    behind = home.receive(sender, home.name("DEMMAT", sender.member), next_file)
    outcome = home.outcome(sender, receipt.deposit)
    known = outcome.acknowledgement
    assert (outcome.verdict, outcome.kept.state, outcome.codes) == ("rejected", "rejected", list(codes))
    assert (known.records, known.accepted, known.rejected, known.held) == (0, 0, 0, 0)
    assert (known.decisions, [names.parse(one).kind for one in known.returns]) == ((), ["FAIL"])
    assert [explanation.code for explanation in known.explanations] == list(dict.fromkeys(codes))
    assert kinds(answers(home, receipt.deposit)) == ["ACKREC", "FAIL", "ACKTRT"]
    assert home.gateway.spool.read(receipt.deposit) == content
    assert home.wait(sender, behind.deposit).verdict == "accepted"
    assert registered(home) == before
    return outcome


@pytest.fixture
def insured(home: House) -> str:
    """Somebody affiliated."""
    insured = someone()
    home.affiliate(insured)
    return insured


@pytest.fixture
def good(home: House, sender: Sender, insured: str) -> bytes:
    """A file without a fault, to spoil."""
    return home.batch(sender, "DECSAL", [wage(insured)])


def test_without_a_defect(home: House, sender: Sender, good: bytes, insured: str) -> None:
    """Control: the file that is spoilt below is accepted as it is."""
    receipt = home.receive(sender, home.name("DECSAL", sender.member), good)
    assert home.outcome(sender, receipt.deposit).verdict == "accepted"
    assert wages(home, insured) == [("current", 381240)]


def edited(content: bytes, edit: Callable[[etree._Element], object]) -> bytes:
    """A signed file after a change, the signature left as it was."""
    root = etree.fromstring(content)
    edit(root)
    return etree.tostring(root)


def signed(
    home: House, sender: Sender, edit: Callable[[etree._Element], object], code: str = "DECSAL"
) -> bytes:
    """A file that was changed first and then signed."""
    root = home.plain(sender, code, [wage(someone())])
    edit(root)
    return sender.signer.sign(root, home.clock())


# not XML, or not the XML we take


def test_not_xml(home: House, sender: Sender, good: bytes) -> None:
    refused(home, sender, b"0;20260803;CCSS\n1;2099990001299;1893120105732\n", "FILE-NOT-XML")


def test_empty_file(home: House, sender: Sender, good: bytes) -> None:
    refused(home, sender, b"", "FILE-NOT-XML")


def test_truncated(home: House, sender: Sender, good: bytes) -> None:
    refused(home, sender, good[: len(good) // 2], "FILE-NOT-XML")


def test_last_byte_missing(home: House, sender: Sender, good: bytes) -> None:
    refused(home, sender, good.rstrip()[:-1], "FILE-NOT-XML")


def test_something_after_the_end(home: House, sender: Sender, good: bytes) -> None:
    refused(home, sender, good + b"\n<more/>", "FILE-NOT-XML")


def test_zip_archive(home: House, sender: Sender, good: bytes) -> None:
    raw = b"PK\x03\x04\x14\x00\x00\x00\x08\x00" + bytes(range(256))
    refused(home, sender, raw, "FILE-NAME", "FILE-CONTAINER")


def test_utf_16(home: House, sender: Sender, good: bytes) -> None:
    refused(home, sender, good.decode().replace("UTF-8", "UTF-16").encode("utf-16"), "FILE-NOT-XML")


def test_latin_1(home: House, sender: Sender, good: bytes) -> None:
    latin = good.replace(b"UTF-8", b"ISO-8859-1").replace(b"<Wage>", b"<Wage>\xe9")
    refused(home, sender, latin, "FILE-NOT-XML")


def test_nul_byte(home: House, sender: Sender, good: bytes) -> None:
    refused(home, sender, good.replace(b"<Wage>", b"<Wage>\0"), "FILE-NOT-XML")


def headed(content: bytes, head: bytes, inside: bytes = b"") -> bytes:
    """A file with a document type after its declaration, and something inside its wage."""
    return content.replace(b"?>\n", b"?>\n" + head, 1).replace(b"<Wage>", b"<Wage>" + inside, 1)


def test_document_type(home: House, sender: Sender, good: bytes) -> None:
    refused(home, sender, headed(good, b"<!DOCTYPE DECSAL>"), "FILE-DTD")


def test_entity_bomb(home: House, sender: Sender, good: bytes) -> None:
    lines = [b'<!ENTITY a0 "ha">'] + [
        b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 12)
    ]
    bomb = b"<!DOCTYPE DECSAL [" + b"".join(lines) + b"]>"
    refused(home, sender, headed(good, bomb, b"&a11;"), "FILE-DTD")


def test_external_entity_of_a_file(home: House, sender: Sender, good: bytes, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    canary.write_text("CANARY-7f3a")
    head = b'<!DOCTYPE DECSAL [<!ENTITY x SYSTEM "%s">]>' % canary.as_uri().encode()
    outcome = refused(home, sender, headed(good, head, b"&x;"), "FILE-DTD")
    assert all(b"CANARY" not in answer for answer in outcome.answers.values())


@contextmanager
def listening() -> Iterator[tuple[int, Callable[[], int]]]:
    """A port of ours, and how many came there."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)

        def came() -> int:
            count = 0
            while True:
                try:
                    server.accept()[0].close()
                except TimeoutError:
                    return count
                count += 1

        yield server.getsockname()[1], came


@pytest.mark.parametrize(
    "head",
    [
        b'<!DOCTYPE DECSAL SYSTEM "http://127.0.0.1:%d/x.dtd">',
        b'<!DOCTYPE DECSAL [<!ENTITY %% x SYSTEM "http://127.0.0.1:%d/x"> %%x;]>',
        b'<!DOCTYPE DECSAL [<!ENTITY x SYSTEM "http://127.0.0.1:%d/x">]>',
    ],
)
def test_external_entity_of_an_address(home: House, sender: Sender, good: bytes, head: bytes) -> None:
    with listening() as (port, came):
        refused(home, sender, headed(good, head % port), "FILE-DTD")
        assert came() == 0


def test_schema_location_of_an_address(home: House, sender: Sender, good: bytes) -> None:
    """A hint where a schema may lie is no way out of the house."""
    with listening() as (port, came):

        def hint(root: etree._Element) -> None:
            location = f"{NAMESPACE} http://127.0.0.1:{port}/x.xsd"
            root.set("{http://www.w3.org/2001/XMLSchema-instance}schemaLocation", location)

        content = signed(home, sender, hint)
        receipt = home.receive(sender, home.name("DECSAL", sender.member), content)
        home.wait(sender, receipt.deposit)
        assert came() == 0


def test_processing_instruction(home: House, sender: Sender, good: bytes) -> None:
    refused(home, sender, headed(good, b"<?xml-stylesheet href='x.xsl'?>"), "FILE-DTD")


def test_comment(home: House, sender: Sender, good: bytes) -> None:
    refused(home, sender, good.replace(b"3812.40", b"3812<!-- -->.40"), "FILE-DTD")


def test_cdata(home: House, sender: Sender, good: bytes) -> None:
    refused(home, sender, good.replace(b"3812.40", b"<![CDATA[3812.40]]>"), "FILE-DTD")


def test_inclusion(home: House, sender: Sender, good: bytes, tmp_path: Path) -> None:
    (tmp_path / "canary").write_text("CANARY-7f3a")

    def include(root: etree._Element) -> None:
        there = (tmp_path / "canary").as_uri()
        root.append(root.makeelement("{http://www.w3.org/2001/XInclude}include", href=there, parse="text"))

    outcome = refused(home, sender, signed(home, sender, include), "FILE-FORM")
    assert all(b"CANARY" not in answer for answer in outcome.answers.values())


def test_too_deep(home: House, sender: Sender, good: bytes) -> None:
    refused(home, sender, b"<a>" * 5000 + b"</a>" * 5000, "FILE-LIMITS")


def test_too_many_attributes(home: House, sender: Sender, good: bytes) -> None:
    many = b" ".join(b'a%d=""' % n for n in range(100))
    refused(home, sender, good.replace(b"<Wage>", b"<Wage " + many + b">"), "FILE-LIMITS")


def test_too_long_a_value(home: House, sender: Sender, good: bytes) -> None:
    refused(home, sender, good.replace(b"3812.40", b"9" * 150_000), "FILE-LIMITS")


# not for us, or not what it says


def test_wrong_root(home: House, sender: Sender, good: bytes) -> None:
    def rename(root: etree._Element) -> None:
        root.tag = f"{{{NAMESPACE}}}DECLARATION"

    refused(home, sender, signed(home, sender, rename), "FILE-PROCEDURE")


def test_wrong_namespace(home: House, sender: Sender, good: bytes) -> None:
    content = home.plain(sender, "DECSAL", [wage()])
    foreign = etree.fromstring(etree.tostring(content).replace(NAMESPACE.encode(), b"urn:other"))
    refused(home, sender, sender.signer.sign(foreign, home.clock()), "FILE-FORM")


def test_unknown_procedure(home: House, sender: Sender, good: bytes) -> None:
    def rename(root: etree._Element) -> None:
        root.tag = f"{{{NAMESPACE}}}DEMXYZ"

    name = home.name("DEMXYZ", sender.member)
    refused(home, sender, signed(home, sender, rename), "FILE-PROCEDURE", name=name)


def test_another_procedure_than_the_name_says(home: House, sender: Sender, good: bytes) -> None:
    refused(home, sender, good + b" ", "FILE-PROCEDURE", name=home.name("DECAFF", sender.member))


@pytest.mark.parametrize("code", ["ACKTRT", "SALRET", "CALCUL"])
def test_one_of_our_answers_sent_back(home: House, sender: Sender, good: bytes, code: str) -> None:
    def rename(root: etree._Element) -> None:
        root.tag = f"{{{NAMESPACE}}}{code}"

    refused(home, sender, signed(home, sender, rename), "FILE-PROCEDURE", name=home.name(code, sender.member))


def test_our_own_acknowledgement_sent_back(home: House, sender: Sender, good: bytes) -> None:
    """Our seal is right, but we are no member."""
    ours = home.send(sender, "DECSAL", [wage(someone())]).answers["ACKTRT"]
    refused(home, sender, ours, "SIG-CERTIFICATE-UNKNOWN")


@pytest.mark.parametrize("version", ["2.0", "1", "", "1.0 ", "../1.0", "9" * 1000])
def test_wrong_version(home: House, sender: Sender, good: bytes, version: str) -> None:
    refused(home, sender, signed(home, sender, lambda root: root.set("version", version)), "FILE-VERSION")


def test_no_version(home: House, sender: Sender, good: bytes) -> None:
    refused(home, sender, signed(home, sender, lambda root: root.attrib.clear()), "FILE-VERSION")


def sent(home: House, sender: Sender, **header: str) -> bytes:
    return sender.signer.sign(home.plain(sender, "DECSAL", [wage()], **header), home.clock())


def test_wrong_recipient(home: House, sender: Sender, good: bytes) -> None:
    refused(home, sender, sent(home, sender, recipient="CNS"), "FILE-RECIPIENT")


def test_wrong_environment(home: House, sender: Sender, good: bytes) -> None:
    refused(home, sender, sent(home, sender, environment="production"), "FILE-ENVIRONMENT")


def test_wrong_sender_in_the_header(home: House, sender: Sender, other: Sender, good: bytes) -> None:
    foreign = home.plain(replace(sender, member=other.member), "DECSAL", [wage()])
    refused(home, sender, sender.signer.sign(foreign, home.clock()), "FILE-SENDER")


def test_wrong_sender_in_the_name(home: House, sender: Sender, other: Sender, good: bytes) -> None:
    name = home.name("DECSAL", other.member)
    refused(home, sender, home.batch(sender, "DECSAL", [wage(someone())]), "FILE-SENDER", name=name)


def test_wrong_sender_recipient_and_environment_at_once(
    home: House, sender: Sender, other: Sender, good: bytes
) -> None:
    foreign = replace(sender, member=other.member)
    root = home.plain(foreign, "DECSAL", [wage()], recipient="CNS", environment="production")
    content = sender.signer.sign(root, home.clock())
    refused(home, sender, content, "FILE-SENDER", "FILE-RECIPIENT", "FILE-ENVIRONMENT")


def test_empty_batch(home: House, sender: Sender, good: bytes) -> None:
    refused(home, sender, home.batch(sender, "DECSAL", []), "FILE-EMPTY")


def test_created_on_30_february(home: House, sender: Sender, good: bytes) -> None:
    def never(root: etree._Element) -> None:
        root.find("{*}Header/{*}Created").text = "2026-02-30T09:00:00Z"  # type: ignore[union-attr]

    refused(home, sender, signed(home, sender, never), "FILE-FORM")


def test_header_twice(home: House, sender: Sender, good: bytes) -> None:
    refused(home, sender, signed(home, sender, lambda root: root.append(copy.deepcopy(root[0]))), "FILE-FORM")


def test_stranger_beside_the_records(home: House, sender: Sender, good: bytes) -> None:
    def stranger(root: etree._Element) -> None:
        etree.SubElement(root, f"{{{NAMESPACE}}}Approved").text = "yes"

    outcome = refused(home, sender, signed(home, sender, stranger), "FILE-FORM")
    (anomaly,) = outcome.acknowledgement.anomalies
    assert (anomaly.field, anomaly.path, anomaly.value) == ("Approved", "/DECSAL/Approved", "yes")


# signatures


def test_unsigned(home: House, sender: Sender, good: bytes) -> None:
    refused(home, sender, etree.tostring(home.plain(sender, "DECSAL", [wage()])), "SIG-MISSING")


def test_signature_taken_off(home: House, sender: Sender, good: bytes) -> None:
    refused(home, sender, edited(good, lambda root: root.remove(root[-1])), "SIG-MISSING")


def test_signature_moved(home: House, sender: Sender, good: bytes) -> None:
    refused(home, sender, edited(good, lambda root: root.insert(1, root[-1])), "SIG-PLACE")


def test_signature_moved_into_a_record(home: House, sender: Sender, good: bytes) -> None:
    refused(home, sender, edited(good, lambda root: root[1].append(root[-1])), "SIG-PLACE")


def test_two_signatures(home: House, sender: Sender, good: bytes) -> None:
    refused(home, sender, edited(good, lambda root: root.append(copy.deepcopy(root[-1]))), "SIG-PLACE")


def test_a_record_after_the_signature(home: House, sender: Sender, good: bytes) -> None:
    refused(home, sender, edited(good, lambda root: root.append(copy.deepcopy(root[1]))), "SIG-PLACE")


def test_changed_after_signing(home: House, sender: Sender, good: bytes) -> None:
    refused(home, sender, good.replace(b"3812.40", b"3812.41"), "SIG-BROKEN")


def test_indented_after_signing(home: House, sender: Sender, good: bytes) -> None:
    refused(home, sender, edited(good, etree.indent), "SIG-BROKEN")


def test_a_record_added_after_signing(home: House, sender: Sender, good: bytes) -> None:
    refused(home, sender, edited(good, lambda root: root.insert(2, copy.deepcopy(root[1]))), "SIG-BROKEN")


def test_signed_content_wrapped_into_the_signature(home: House, sender: Sender, good: bytes) -> None:
    """The oldest trick: the signed original hides where nobody looks, a forged one stands in its place."""

    def wrap(root: etree._Element) -> None:
        original = copy.deepcopy(root)
        root[1][3].text = "99999.99"
        etree.SubElement(root[-1], f"{{{DS}}}Object").append(original)

    refused(home, sender, edited(good, wrap), "SIG-PLACE")


def test_weaker_algorithm(home: House, sender: Sender, good: bytes) -> None:
    weak = good.replace(b"http://www.w3.org/2001/04/xmlenc#sha256", b"http://www.w3.org/2000/09/xmldsig#sha1")
    refused(home, sender, weak, "SIG-PROFILE")


def test_reference_to_an_address(home: House, sender: Sender, good: bytes) -> None:
    with listening() as (port, came):
        outside = good.replace(b'URI=""', b'URI="http://127.0.0.1:%d/x"' % port)
        refused(home, sender, outside, "SIG-PROFILE")
        assert came() == 0


def test_transform_that_runs_a_program(home: House, sender: Sender, good: bytes) -> None:
    program = good.replace(
        b"http://www.w3.org/2000/09/xmldsig#enveloped-signature",
        b"http://www.w3.org/TR/1999/REC-xslt-19991116",
    )
    refused(home, sender, program, "SIG-PROFILE")


def test_no_certificate_inside(home: House, sender: Sender, good: bytes) -> None:
    def strip(root: etree._Element) -> None:
        data = next(root.iter(f"{{{DS}}}X509Data"))
        data[:] = []

    refused(home, sender, edited(good, strip), "SIG-PROFILE")


# certificates


def from_(sender: Sender, signer: Signer) -> Sender:
    """The same member, signing with something else."""
    return replace(sender, signer=signer)


def issued(home: House, sender: Sender, **valid: datetime) -> Signer:
    """A fresh key of the member, certified by our authority."""
    at = home.clock()
    key = new_key(KeyKind.P256)
    first, last = valid.get("first", at - timedelta(1)), valid.get("last", at + timedelta(100))
    subject = Subject("Second key", serial_number=str(sender.member))
    return Signer(key, home.authority.issue(subject, key.public_key(), first, last))


def register(home: House, sender: Sender, signer: Signer) -> Sender:
    """Enter a certificate as one more of a member."""
    home.gateway.members.add_certificate(sender.member, signer.certificate, Received(home.clock()))
    return from_(sender, signer)


def test_signed_by_a_registered_second_key(home: House, sender: Sender) -> None:
    """Control: a member may have several keys."""
    second = register(home, sender, issued(home, sender))
    assert home.send(second, "DECSAL", [wage(someone())]).verdict == "accepted"


def test_signed_by_an_unknown_certificate(home: House, sender: Sender, good: bytes) -> None:
    stranger = from_(sender, issued(home, sender))
    refused(home, sender, home.batch(stranger, "DECSAL", [wage()]), "SIG-CERTIFICATE-UNKNOWN")


def test_signed_by_a_key_whose_registration_ended(home: House, sender: Sender, good: bytes) -> None:
    lost = register(home, sender, issued(home, sender))
    last = home.batch(lost, "DECSAL", [wage(someone())])
    with home.gateway.database.write() as connection:
        connection.exec_driver_sql(
            "UPDATE certificate SET ended = ? WHERE pem = ?",
            (str(Received(home.clock())), _pem(lost.signer.certificate)),
        )
    refused(home, sender, last, "SIG-CERTIFICATE-UNKNOWN")


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def test_signed_by_another_member(home: House, sender: Sender, other: Sender, good: bytes) -> None:
    """The other's signature is right, but it is not the other who comes through the door."""
    borrowed = from_(sender, other.signer)
    refused(home, sender, home.batch(borrowed, "DECSAL", [wage()]), "SIG-SENDER")


def test_signed_by_the_gateway_s_own_key(home: House, sender: Sender, good: bytes) -> None:
    ours = from_(sender, home.gateway.seal.signer)
    refused(home, sender, home.batch(ours, "DECSAL", [wage()]), "SIG-CERTIFICATE-UNKNOWN")


def test_expired_certificate(home: House, sender: Sender, good: bytes) -> None:
    at = home.clock()
    old = register(home, sender, issued(home, sender, last=at - timedelta(seconds=1)))
    refused(home, sender, home.batch(old, "DECSAL", [wage()]), "SIG-CERTIFICATE-EXPIRED")


def test_not_yet_valid_certificate(home: House, sender: Sender, good: bytes) -> None:
    at = home.clock()
    early = register(home, sender, issued(home, sender, first=at + timedelta(hours=1)))
    refused(home, sender, home.batch(early, "DECSAL", [wage()]), "SIG-CERTIFICATE-EXPIRED")


def test_certificate_of_another_authority(home: House, sender: Sender, good: bytes) -> None:
    """Registered for the member, but issued by somebody whom nobody trusts, under our authority's name."""
    at = home.clock()
    ours = home.authority.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    impostor = Authority.create(str(ours), at - timedelta(1), at + timedelta(500))
    key = new_key(KeyKind.P256)
    certificate = impostor.issue(
        Subject("Member", serial_number=str(sender.member)),
        key.public_key(),
        at - timedelta(1),
        at + timedelta(100),
    )
    foreign = register(home, sender, Signer(key, certificate))
    refused(home, sender, home.batch(foreign, "DECSAL", [wage()]), "SIG-CERTIFICATE-PATH")


def test_certificate_that_is_not_for_signatures(home: House, sender: Sender, good: bytes) -> None:
    unfit = register(home, sender, _unfit(home))
    refused(home, sender, home.batch(unfit, "DECSAL", [wage()]), "SIG-CERTIFICATE-PATH")


def _unfit(home: House) -> Signer:
    at, authority = home.clock(), home.authority
    key = ec.generate_private_key(ec.SECP256R1())
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=True,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(Subject("For agreement only").name)
        .issuer_name(authority.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - timedelta(1))
        .not_valid_after(at + timedelta(100))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
    )
    return Signer(key, builder.sign(authority.key, hashes.SHA256()))


def test_key_too_small(home: House, sender: Sender, good: bytes) -> None:
    """RSA of 2048 bits; our own signer would not even try, so the certificate stands in a good file."""
    at = home.clock()
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    small = home.authority.issue(Subject("Small"), key.public_key(), at - timedelta(1), at + timedelta(9))

    def replace_certificate(root: etree._Element) -> None:
        pem = _pem(small)
        next(root.iter(f"{{{DS}}}X509Certificate")).text = "".join(pem.splitlines()[1:-1])

    home.gateway.members.add_certificate(sender.member, small, Received(at))
    refused(home, sender, edited(good, replace_certificate), "SIG-PROFILE")


# revocation


@pytest.fixture
def lists(home: House) -> Iterator[Path]:
    """The folder of revocation lists; put back as it was."""
    folder = Premises(home.settings.data).revocations
    (only,) = folder.iterdir()
    kept = only.read_bytes()
    yield folder
    for file in folder.iterdir():
        file.unlink()
    only.write_bytes(kept)


def publish(home: House, lists: Path, revoked: Mapping[int, datetime], **moments: datetime) -> None:
    """Put a new revocation list in place of the others, as a program does that fetches it."""
    at = home.clock()
    made = home.authority.crl(
        revoked, moments.get("since", at), moments.get("until", at + timedelta(days=30))
    )
    (lists / "new.crl").write_bytes(made)
    for file in lists.iterdir():
        if file.name != "new.crl":
            file.unlink()


def looked_at(home: House, told: Outcome) -> StoredEvidence:
    """What was kept of the judgement on a deposit that was refused; nothing that anybody could rely on."""
    identifier = told.kept.deposit.id
    with home.gateway.database.read() as connection:
        assert evidence_of(connection, identifier) == StoredEvidence((), (), ())
        return evidence_of(connection, identifier, refused=True)


def test_sr_4_what_was_judged_is_kept_of_a_refused_deposit_too(home: House, sender: Sender) -> None:
    """Of one whose signer was believed and whose content was not; of one that came not so far, nothing."""
    content = home.batch(sender, "DECSAL", [wage()]).replace(b"</BaseWage>", b"0</BaseWage>")
    kept = looked_at(home, refused(home, sender, content, "SIG-BROKEN"))
    assert sender.signer.certificate.public_bytes(Encoding.DER) in kept.certificates
    assert kept.lists
    assert looked_at(home, refused(home, sender, b"<nothing", "FILE-NOT-XML")).certificates == ()


def test_revoked_certificate(home: House, sender: Sender, good: bytes, lists: Path) -> None:
    stolen = register(home, sender, issued(home, sender))
    assert home.send(stolen, "DECSAL", [wage(someone())]).verdict == "accepted"
    publish(home, lists, {stolen.signer.certificate.serial_number: home.clock()})
    told = refused(home, sender, home.batch(stolen, "DECSAL", [wage()]), "SIG-CERTIFICATE-REVOKED")
    kept = looked_at(home, told)
    assert stolen.signer.certificate.public_bytes(Encoding.DER) in kept.certificates
    published = x509.load_pem_x509_crl((lists / "new.crl").read_bytes()).public_bytes(Encoding.DER)
    assert published in kept.lists, "SR-4: what said so is kept with the deposit"
    assert home.send(sender, "DECSAL", [wage(someone())]).verdict == "accepted"


def waits(home: House, sender: Sender, content: bytes) -> str:
    """Deposit a file that cannot be judged yet; its id."""
    before = registered(home)
    receipt = home.receive(sender, home.name("DECSAL", sender.member), content)
    deposit = receipt.deposit
    until(home, sender, deposit, "waiting")
    assert kinds(answers(home, deposit)) == ["ACKREC"]
    assert registered(home) == before
    return deposit


def until(home: House, sender: Sender, deposit: str, state: str) -> None:
    """Wait for a state. Time goes on: a try that was under way when the clock was put forward may end
    after that, and put off the next one."""
    clock = home.clock
    assert isinstance(clock, HandClock)

    def found() -> Kept | None:
        move(home, clock, clock() + timedelta(seconds=1))
        one = home.gateway.deposits.find(str(sender.member), deposit)
        return one if one is not None and one.state.value == state else None

    wait_for(found)


def later(home: House, clock: HandClock, by: timedelta = timedelta(minutes=10)) -> None:
    """Let time pass, so that what waits is tried again."""
    move(home, clock, clock() + by)


def test_without_a_revocation_list_a_file_waits_and_is_treated_when_it_is_there(
    home: House, sender: Sender, clock: HandClock, lists: Path, insured: str
) -> None:
    (only,) = lists.iterdir()
    kept = only.read_bytes()
    only.unlink()
    deposit = waits(home, sender, home.batch(sender, "DECSAL", [wage(insured)]))
    for _ in range(5):  # never given up, and never the sender's fault
        tries = rows(home, "SELECT tries FROM deposit WHERE id = :id", id=deposit)[0]["tries"]
        later(home, clock)
        more = "SELECT 1 FROM deposit WHERE id = :id AND tries > :tries"
        while not rows(home, more, id=deposit, tries=tries):
            home.gateway.engine.wake()
        assert rows(home, "SELECT state FROM deposit WHERE id = :id", id=deposit) == [{"state": "waiting"}]
    only.write_bytes(kept)
    later(home, clock)
    until(home, sender, deposit, "done")
    assert home.outcome(sender, deposit).verdict == "accepted"
    assert wages(home, insured) == [("current", 381240)]


@pytest.mark.parametrize(
    "broken", [b"", b"not a list", b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"]
)
def test_with_an_unreadable_revocation_list_a_file_waits(
    home: House, sender: Sender, clock: HandClock, lists: Path, broken: bytes
) -> None:
    (only,) = lists.iterdir()
    kept = only.read_bytes()
    only.write_bytes(broken)
    deposit = waits(home, sender, home.batch(sender, "DECSAL", [wage(someone())]))
    only.write_bytes(kept)
    later(home, clock)
    until(home, sender, deposit, "held")


def test_with_a_stale_revocation_list_a_file_waits_for_the_next_one(
    home: House, sender: Sender, clock: HandClock, lists: Path
) -> None:
    at = home.clock()
    publish(home, lists, {}, since=at - timedelta(days=2), until=at - timedelta(days=1))
    deposit = waits(home, sender, home.batch(sender, "DECSAL", [wage(someone())]))
    publish(home, lists, {})
    later(home, clock)
    until(home, sender, deposit, "held")


@pytest.mark.parametrize(("hours", "state"), [(-1, "rejected"), (1, "held")])
def test_a_revocation_counts_from_its_moment(
    home: House, sender: Sender, clock: HandClock, lists: Path, hours: int, state: str
) -> None:
    """What waited for a list is judged as of its receipt: revoked before it, or only after it."""
    member = register(home, sender, issued(home, sender))
    (only,) = lists.iterdir()
    only.unlink()
    deposit = waits(home, member, home.batch(member, "DECSAL", [wage(someone())]))
    received = clock()
    later(home, clock, timedelta(hours=3))
    publish(home, lists, {member.signer.certificate.serial_number: received + timedelta(hours=hours)})
    later(home, clock)
    until(home, member, deposit, state)
    codes = ["SIG-CERTIFICATE-REVOKED"] if state == "rejected" else []
    assert home.outcome(member, deposit).codes == codes


def test_those_behind_a_waiting_file_need_not_wait(
    home: House, sender: Sender, other: Sender, clock: HandClock, lists: Path
) -> None:
    """One authority's list is away; the members of another are treated."""
    at = home.clock()
    second = Authority.create("Second authority", at - timedelta(1), at + timedelta(500))
    key = new_key(KeyKind.P256)
    certificate = second.issue(Subject("Elsewhere"), key.public_key(), at - timedelta(1), at + timedelta(99))
    anchor = Premises(home.settings.data).anchors / "second.pem"
    write_certificates(anchor, second.certificate)
    elsewhere = register(home, sender, Signer(key, certificate))
    deposit = waits(home, elsewhere, home.batch(elsewhere, "DECSAL", [wage(someone())]))
    assert home.send(sender, "DECSAL", [wage(someone())]).verdict == "accepted"
    (lists / "second.crl").write_bytes(second.crl({}, at, at + timedelta(days=9)))
    later(home, clock)
    until(home, sender, deposit, "held")
    anchor.unlink()


def test_what_waited_does_not_undo_what_came_after_it(
    home: House, sender: Sender, clock: HandClock, lists: Path, insured: str
) -> None:
    """The wage of an earlier receipt is treated later, and still the later receipt counts."""
    at = home.clock()
    second = Authority.create("Third authority", at - timedelta(1), at + timedelta(500))
    key = new_key(KeyKind.P256)
    certificate = second.issue(Subject("Elsewhere"), key.public_key(), at - timedelta(1), at + timedelta(99))
    anchor = Premises(home.settings.data).anchors / "third.pem"
    write_certificates(anchor, second.certificate)
    elsewhere = register(home, sender, Signer(key, certificate))
    early = waits(home, elsewhere, home.batch(elsewhere, "DECSAL", [wage(insured, BaseWage="1000.00")]))
    assert home.send(sender, "DECSAL", [wage(insured, BaseWage="2000.00")]).verdict == "accepted"
    (lists / "third.crl").write_bytes(second.crl({}, at, at + timedelta(days=9)))
    later(home, clock)
    until(home, sender, early, "done")
    assert wages(home, insured) == [("current", 200000), ("superseded", 100000)]
    anchor.unlink()


# days and numbers that the forms let through, or nearly


REFUSED_RECORDS = [
    ("DECAFF", {"Entry": "2026-02-30"}, ["AFFRET-11"]),
    ("DECAFF", {"Entry": "2026-02-29"}, ["AFFRET-11"]),
    ("DECAFF", {"Entry": "2026-04-31"}, ["AFFRET-11"]),
    ("DECAFF", {"Entry": "2026-13-01"}, ["AFFRET-11"]),
    ("DECAFF", {"Entry": "0000-01-01"}, ["AFFRET-11"]),
    ("DECAFF", {"Entry": "1899-12-31"}, ["AFFRET-11"]),
    ("DECAFF", {"Entry": "2999-12-31"}, []),
    ("DECAFF", {"Entry": "9999-12-31"}, ["AFFRET-11"]),
    ("DECAFF", {"Kind": "hire"}, ["AFFRET-99"]),
    ("DECAFF", {"WeeklyHours": "0.00"}, ["AFFRET-9"]),
    ("DECAFF", {"WeeklyHours": "1e1"}, ["AFFRET-9"]),
    ("DEMMAT", {"BirthDate": "1891-02-30"}, ["MATRET-4"]),
    ("DEMMAT", {"BirthDate": "2999-01-01"}, ["MATRET-4"]),
    ("DEMMAT", {"Surname": "MÜLLER"}, ["MATRET-2"]),
    ("DEMMAT", {"Surname": "O\u2019NEIL"}, ["MATRET-2"]),
    ("DECSAL", {"Period": "2026-13"}, ["SALRET-5"]),
    ("DECSAL", {"Period": "2026-00"}, ["SALRET-5"]),
    ("DECSAL", {"Period": "2999-12"}, ["SALRET-9"]),
    ("DECSAL", {"Period": "9999-12"}, ["SALRET-5"]),
    ("DECSAL", {"Period": "2018-12"}, ["SALRET-12"]),
    ("DECSAL", {"Period": "2026-06", "LastDay": "31"}, ["SALRET-99"]),
    ("DECSAL", {"Period": "2026-02", "FirstDay": "30"}, ["SALRET-99"]),
    ("DECSAL", {"FirstDay": "20", "LastDay": "10"}, ["SALRET-99"]),
    ("DECSAL", {"FirstDay": "00"}, ["SALRET-99"]),
    ("DECSAL", {"Insured": "1893023005732"}, ["SALRET-3"]),
    ("DECSAL", {"Insured": "0000000000000"}, ["SALRET-3"]),
    ("DECSAL", {"Insured": "18931201057320"}, ["SALRET-3"]),
    ("DECSAL", {"BaseWage": "1e3"}, ["SALRET-4"]),
    ("DECSAL", {"BaseWage": "NaN"}, ["SALRET-4"]),
    ("DECSAL", {"BaseWage": "-1.00"}, ["SALRET-4"]),
    ("DECSAL", {"BaseWage": "+1.00"}, ["SALRET-4"]),
    ("DECSAL", {"BaseWage": " 1.00"}, ["SALRET-4"]),
    ("DECSAL", {"BaseWage": "1.00\n"}, ["SALRET-4"]),
    ("DECSAL", {"BaseWage": "01.00"}, ["SALRET-4"]),
    ("DECSAL", {"BaseWage": "1.000"}, ["SALRET-4"]),
    ("DECSAL", {"BaseWage": "١٢.٠٠"}, ["SALRET-4"]),
    ("DECSAL", {"BaseWage": "9999999999.00"}, ["SALRET-4"]),
    ("DECSAL", {"BaseWage": ""}, ["SALRET-4"]),
    ("DECSAL", {"WorkHours": "9" * 400}, ["SALRET-4"]),
    ("DECSAL", {"Capped": "N"}, ["SALRET-99"]),
    ("DECSAL", {"Reference": "x" * 41}, ["SALRET-99"]),
    ("DECSAL", {"Reference": "=cmd|' /C calc'!A0"}, []),
]
"""Procedure, fields in place of the good ones, codes due; the largest that is allowed among them."""


@pytest.mark.parametrize("code", ["DECSAL", "DECAFF", "DEMMAT"])
def test_values_beside_their_form_or_the_calendar(home: House, sender: Sender, code: str) -> None:
    """No value that a form lets through ends in an exception; each record is answered by itself."""
    cases = [(changes, due) for procedure, changes, due in REFUSED_RECORDS if procedure == code]
    records = []
    for number, (changes, _) in enumerate(cases, 1):
        good = {
            "DECSAL": wage(someone()),
            "DECAFF": entry(someone()),
            "DEMMAT": person(FirstName="ANNA" + "A" * number),
        }[code]
        records.append({**good, **changes})
    outcome = home.send(sender, code, records)
    found: dict[int, list[str]] = {number: [] for number in range(1, len(cases) + 1)}
    for anomaly in outcome.acknowledgement.anomalies:
        assert anomaly.record is not None
        if REJECTIONS[anomaly.code].level is Level.RECORD:  # nobody is affiliated here, and days are odd
            found[anomaly.record].append(anomaly.code)
    assert [found[number] for number in found] == [due for _, due in cases]
    assert outcome.acknowledgement.rejected == sum(bool(due) for _, due in cases)


def test_employers_are_numbers_of_employers(home: House, sender: Sender) -> None:
    employers = ["1000000000099", "20999900012", "2099990001298x", "', ''", FOREIGN_EMPLOYER]
    outcome = home.send(sender, "DECSAL", [wage(someone(), employer) for employer in employers])
    assert outcome.codes == ["SALRET-2"] * 4 + ["MANDATE-EMPLOYER"]


def test_as_many_faults_as_records_are_all_told(home: House, sender: Sender) -> None:
    outcome = home.send(sender, "DECSAL", [wage(BaseWage="x")] * 500)
    assert outcome.acknowledgement.rejected == 500
    assert [anomaly.record for anomaly in outcome.acknowledgement.anomalies] == list(range(1, 501))
