"""Deposits encrypted for us (SR-3, SR-25): with openssl as docs/containers.md says it, and one answer to all
that is wrong before the signature inside is found good."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from asn1crypto import cms
from cryptography import x509
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from lxml import etree
from typer.testing import CliRunner

from adapters.cli import app
from adapters.installation import issue_encryption
from adapters.pki import KeyKind, Subject, new_key, write_certificates
from adapters.premises import Premises, decryption_of
from gateway.names import Extension
from signing import encrypted
from signing.encrypted import CannotOpen, Opener
from signing.sign import UnusableKey
from tests.flow.premises import look_over, someone
from tests.flow.test_openssl_containers import command
from tests.house import EMPLOYER, MEMBER, OTHER_EMPLOYER, OTHER_MEMBER, House, Outcome, Sender, house, wage
from tests.tools import tool


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A gateway that has a key for encryption."""
    with house(tmp_path_factory.mktemp("encrypted")) as opened:
        for employer in (EMPLOYER, OTHER_EMPLOYER):
            opened.employer(employer)
        issue_encryption(Premises(opened.settings.data), opened.clock())
        yield opened
        look_over(opened)


def premises(home: House) -> Premises:
    return Premises(home.settings.data)


def key_file(home: House) -> Path:
    """Of the certificate that senders encrypt for now."""
    shown = x509.load_pem_x509_certificate(premises(home).encryption_certificate.read_bytes())
    return premises(home).encryption_keys / f"{shown.fingerprint(SHA256()).hex()}.key.pem"


def opener(home: House) -> Opener:
    return Opener.load(key_file(home), premises(home).encryption_certificate)


def signed(home: House, sender: Sender) -> bytes:
    matricule = someone()
    home.affiliate(matricule)
    return home.batch(sender, "DECSAL", [wage(matricule)])


def encrypt(home: House, folder: Path, content: bytes, *options: str, recipient: Path | None = None) -> bytes:
    """What openssl makes of it."""
    (folder / "plain").write_bytes(content)
    given = options or ("-aes-256-cbc",)
    command = [tool("openssl"), "cms", "-encrypt", "-binary", *given, "-in", "plain", "-outform", "DER"]
    command += [str(recipient or premises(home).encryption_certificate)]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=60).stdout


def deposit(home: House, sender: Sender, content: bytes) -> Outcome:
    name = home.name("DECSAL", MEMBER, Extension.P7M)
    return home.outcome(sender, home.receive(sender, name, content).deposit)


def test_a_batch_encrypted_with_openssl(home: House, sender: Sender, tmp_path: Path) -> None:
    content = signed(home, sender)
    (tmp_path / "batch.xml").write_bytes(content)
    name = home.name("DECSAL", MEMBER, Extension.P7M).removesuffix(".P7M")
    key = str(premises(home).encryption_certificate)
    command("encrypt", tmp_path, sender, NAME=name, FILE="batch.xml", ENCRYPTION=key)
    sent = (tmp_path / f"{name}.P7M").read_bytes()
    receipt = home.receive(sender, f"{name}.P7M", sent)
    outcome = home.outcome(sender, receipt.deposit)
    assert (outcome.verdict, outcome.codes) == ("accepted", [])
    assert home.gateway.spool.read(receipt.deposit) == sent  # as received
    size = etree.fromstring(receipt.content).findtext("{*}Header/{*}Deposit/{*}Size")
    assert size == str(len(sent))


def test_the_padding_that_openssl_takes_by_itself(home: House, sender: Sender, tmp_path: Path) -> None:
    outcome = deposit(home, sender, encrypt(home, tmp_path, signed(home, sender)))
    assert (outcome.verdict, outcome.codes) == ("accepted", [])


def test_a_container_encrypted(home: House, sender: Sender, tmp_path: Path) -> None:
    matricule = someone()
    home.affiliate(matricule)
    plain = etree.tostring(home.plain(sender, "DECSAL", [wage(matricule)]))
    box = sender.signer.sign_container({"wages.xml": plain}, home.clock())
    assert deposit(home, sender, encrypt(home, tmp_path, box)).verdict == "accepted"


def test_faults_of_the_content_are_told_once_the_signature_is_good(
    home: House, sender: Sender, tmp_path: Path
) -> None:
    content = home.batch(sender, "DECSAL", [wage(someone())], header={"recipient": "ELSEWHERE"})
    assert deposit(home, sender, encrypt(home, tmp_path, content)).codes == ["FILE-RECIPIENT"]


def _cut(enveloped: cms.ContentInfo, content: bytes) -> bytes:
    enveloped["content"]["encrypted_content_info"]["encrypted_content"] = content
    return bytes(enveloped.dump())


def _content(sent: bytes) -> tuple[cms.ContentInfo, bytes]:
    enveloped = cms.ContentInfo.load(sent)
    return enveloped, enveloped["content"]["encrypted_content_info"]["encrypted_content"].native


def broken_padding(sent: bytes) -> bytes:
    enveloped, content = _content(sent)
    return _cut(enveloped, content[:-17] + bytes([content[-17] ^ 0x55]) + content[-16:])


def a_changed_block(sent: bytes) -> bytes:
    """The padding stays right, what is inside does not."""
    enveloped, content = _content(sent)
    return _cut(enveloped, content[:40] + bytes([content[40] ^ 1]) + content[41:])


def a_block_less(sent: bytes) -> bytes:
    enveloped, content = _content(sent)
    return _cut(enveloped, content[:-16])


def a_byte_less(sent: bytes) -> bytes:
    enveloped, content = _content(sent)
    return _cut(enveloped, content[:-1])


def another_key(sent: bytes) -> bytes:
    enveloped, _ = _content(sent)
    recipient = enveloped["content"]["recipient_infos"][0].chosen
    value = recipient["encrypted_key"].native
    recipient["encrypted_key"] = value[:-1] + bytes([value[-1] ^ 1])
    return bytes(enveloped.dump(force=True))


def bytes_behind(sent: bytes) -> bytes:
    return sent + b"\0"


def indefinite_length(sent: bytes) -> bytes:
    return b"\x30\x80" + sent[4:] + b"\0\0"


def nonsense(_: bytes) -> bytes:
    return b"\x30\x82\x01\x00" + bytes(256)


def lengths_that_lie(_: bytes) -> bytes:
    return b"\x30\x84\xff\xff\xff\xff"


def many_elements(_: bytes) -> bytes:
    inner = b"\x05\0" * 100_000
    return b"\x30\x83" + len(inner).to_bytes(3, "big") + inner


WRONG = [
    broken_padding,
    a_changed_block,
    a_block_less,
    a_byte_less,
    another_key,
    bytes_behind,
    indefinite_length,
    nonsense,
    lengths_that_lie,
    many_elements,
]


def told(outcome: Outcome) -> list[tuple[str, ...]]:
    root = etree.fromstring(outcome.answers["ACKTRT"])
    return [
        tuple((child.tag.rpartition("}")[2], child.text or "") for child in anomaly)
        for anomaly in root.iterfind("{*}Anomaly")
    ]


ONE_ANSWER = [(("Code", "FILE-ENCRYPTED"),)]


@pytest.mark.parametrize("change", WRONG)
def test_what_is_wrong_outside_has_one_answer(
    home: House, sender: Sender, tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    outcome = deposit(home, sender, change(encrypt(home, tmp_path, signed(home, sender))))
    assert told(outcome) == ONE_ANSWER


def test_what_is_not_rightly_signed_inside_has_the_same_answer(
    home: House, sender: Sender, other: Sender, tmp_path: Path
) -> None:
    content = signed(home, sender)
    not_mine = home.batch(other, "DECSAL", [wage()])
    unsigned = etree.tostring(home.plain(sender, "DECSAL", [wage()]))
    inside = [content.replace(b"173", b"174"), not_mine, unsigned, b"PK\x03\x04 nonsense", b"<a", b"", b"\0"]
    inside.append(encrypt(home, tmp_path, content))  # twice
    for each in inside:
        assert told(deposit(home, sender, encrypt(home, tmp_path, each))) == ONE_ANSWER


def test_control_without_encryption_the_same_faults_have_each_their_code(home: House, sender: Sender) -> None:
    content = signed(home, sender).replace(b"173", b"174")
    outcome = home.outcome(sender, home.receive(sender, home.name("DECSAL", MEMBER), content).deposit)
    assert outcome.codes == ["SIG-BROKEN"]


def test_what_is_encrypted_for_another_has_the_same_answer(
    home: House, sender: Sender, tmp_path: Path
) -> None:
    key = new_key(KeyKind.RSA_3072)
    now = home.clock()
    theirs = home.authority.issue_for_encryption(
        Subject("Elsewhere"), key.public_key(), now, now.replace(year=now.year + 1)
    )
    write_certificates(tmp_path / "theirs.pem", theirs)
    sent = encrypt(home, tmp_path, signed(home, sender), recipient=tmp_path / "theirs.pem")
    assert told(deposit(home, sender, sent)) == ONE_ANSWER


@pytest.mark.parametrize("cipher", ["-aes-128-cbc", "-des3", "-camellia-256-cbc"])
def test_other_ciphers_have_the_same_answer(home: House, sender: Sender, tmp_path: Path, cipher: str) -> None:
    sent = encrypt(home, tmp_path, signed(home, sender), cipher)
    assert told(deposit(home, sender, sent)) == ONE_ANSWER


def test_the_sender_may_be_a_recipient_as_well(home: House, sender: Sender, tmp_path: Path) -> None:
    key, now = new_key(KeyKind.RSA_3072), home.clock()
    own = home.authority.issue_for_encryption(
        Subject("Sender"), key.public_key(), now, now.replace(year=now.year + 1)
    )
    write_certificates(tmp_path / "own.pem", own)
    content = signed(home, sender)
    sent = encrypt(home, tmp_path, content, "-aes-256-cbc", "-recip", str(tmp_path / "own.pem"))
    assert opener(home).open(sent) == content


def test_bad_padding_takes_the_way_of_good_padding(home: House, tmp_path: Path) -> None:
    """No step in front of the signature tells one from the other: bytes come out either way."""
    content = b"x" * 100
    sent = encrypt(home, tmp_path, content)
    assert opener(home).open(sent) == content
    assert len(opener(home).open(broken_padding(sent))) == 112
    assert opener(home).open(another_key(sent)) != content


def test_control_the_padding_is_that_of_cms(home: House, tmp_path: Path) -> None:
    key, start = os.urandom(32), bytes(16)
    encryptor = Cipher(algorithms.AES256(key), modes.CBC(start)).encryptor()
    packed = encryptor.update(b"0123456789abcdef" + b"\x10" * 16) + encryptor.finalize()
    sent = encrypt(home, tmp_path, b"0123456789abcdef")
    _, content = _content(sent)
    assert len(content) == len(packed)
    assert opener(home).open(sent) == b"0123456789abcdef"


def test_more_bytes_than_allowed_are_not_opened(home: House) -> None:
    with pytest.raises(CannotOpen):
        opener(home).open(b"\x30\x84" + bytes(encrypted.LARGEST))


def test_without_a_key_nothing_is_opened(tmp_path: Path) -> None:
    with pytest.raises(CannotOpen):
        decryption_of(Premises(tmp_path))(b"\x30\x82\x01\x00" + bytes(256))


def test_a_key_that_others_may_read_is_refused_at_the_start(home: House) -> None:
    file = key_file(home)
    file.chmod(0o644)
    try:
        with pytest.raises(UnusableKey):
            decryption_of(premises(home))
    finally:
        file.chmod(0o600)


def test_what_is_encrypted_for_an_earlier_key_is_opened_as_long_as_that_is_kept(
    home: House, sender: Sender, tmp_path: Path
) -> None:
    earlier, old = key_file(home), tmp_path / "earlier.pem"
    old.write_bytes(premises(home).encryption_certificate.read_bytes())
    decrypt = decryption_of(premises(home))
    before = encrypt(home, tmp_path, b"before")
    command = ["encryption", "exchange", "--data", str(home.settings.data)]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert key_file(home) != earlier
    assert decrypt(before) == b"before"
    for recipient in (None, old):
        outcome = deposit(home, sender, encrypt(home, tmp_path, signed(home, sender), recipient=recipient))
        assert (outcome.verdict, outcome.codes) == ("accepted", [])
    earlier.with_name(earlier.name.replace(".key.", ".cert.")).unlink()
    with pytest.raises(CannotOpen):
        decrypt(before)
    assert decrypt(encrypt(home, tmp_path, b"now")) == b"now"


def test_a_key_from_elsewhere_has_to_be_an_rsa_key_for_its_certificate(home: House, tmp_path: Path) -> None:
    shown = premises(home).encryption_certificate.read_bytes()
    own, seal = key_file(home), premises(home).signing_key
    command = ["encryption", "exchange", "--data", str(home.settings.data)]
    for key, certificate, told in (
        (seal, premises(home).signing_certificate, "needs an RSA key"),
        (own, premises(home).tls_certificate, "is not the key of"),
        (own, None, "go together"),
    ):
        given = ["--key", str(key), *(["--certificate", str(certificate)] if certificate else [])]
        done = CliRunner().invoke(app, [*command, *given])
        assert done.exit_code != 0
        assert told in " ".join(done.output.split())
        assert premises(home).encryption_certificate.read_bytes() == shown
    given = ["--key", str(own), "--certificate", str(premises(home).encryption_certificate)]
    assert CliRunner().invoke(app, [*command, *given]).exit_code == 0
    assert opener(home).open(encrypt(home, tmp_path, b"now")) == b"now"


def test_a_certificate_without_its_key_is_refused_at_the_start(home: House, tmp_path: Path) -> None:
    """Otherwise every sender would be told that its file cannot be opened."""
    own = premises(home)
    aside = own.encryption_keys.rename(tmp_path / "aside")
    try:
        with pytest.raises(UnusableKey, match="its key is not in"):
            decryption_of(own)
    finally:
        aside.rename(own.encryption_keys)
    assert decryption_of(own)(encrypt(home, tmp_path, b"now")) == b"now"


def test_the_certificate_is_for_encryption_alone(home: House) -> None:
    found = x509.load_pem_x509_certificate(premises(home).encryption_certificate.read_bytes())
    usage = found.extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.key_encipherment, usage.digital_signature) == (True, False)


def test_another_member_cannot_send_it_as_its_own(
    home: House, sender: Sender, other: Sender, tmp_path: Path
) -> None:
    sent = encrypt(home, tmp_path, signed(home, sender))
    name = home.name("DECSAL", OTHER_MEMBER, Extension.P7M)
    outcome = home.outcome(other, home.receive(other, name, sent).deposit)
    assert told(outcome) == ONE_ANSWER
