"""Two-person release: files above a size wait until a second person of the sender says yes."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from adapters.database.members import ALL, fingerprint
from adapters.database.portal import CheckedFile, Desk, new_id
from adapters.database.releases import Releases, SamePerson
from adapters.database.visits import Visits
from adapters.pki import KeyKind, Subject, new_key, write_certificates, write_key
from gateway.agreement import Agreement
from gateway.moments import Received
from gateway.people import EVERY_ROLE
from signing.sign import Signer
from tests.flow.premises import START, HandClock, look_over, move, rows, swept
from tests.house import (
    EMPLOYER,
    INSURED,
    MEMBER,
    OTHER_EMPLOYER,
    OTHER_MEMBER,
    VALIDITY,
    House,
    Sender,
    house,
    wage,
)
from tests.tools import tool


@dataclass(frozen=True)
class Office:
    """An open gateway, a member whose larger files wait, and the certificates of its two persons."""

    home: House
    clock: HandClock
    sender: Sender
    stranger: Sender

    def folder(self, sender: Sender) -> Path:
        return sender.profile.parent

    def second(self) -> tuple[Path, Path]:
        """Key and certificate of the second person, registered for the same member."""
        folder = self.folder(self.sender) / "second"
        key, certificate = folder / "key.pem", folder / "cert.pem"
        if not folder.exists():
            folder.mkdir()
            private, now = new_key(KeyKind.P256), Received(self.clock())
            issued = self.home.authority.issue(
                Subject("Second person", serial_number=str(MEMBER)),
                private.public_key(),
                now.at - timedelta(days=1),
                now.at + VALIDITY,
            )
            write_key(key, private)
            write_certificates(certificate, issued)
            self.home.gateway.members.add_certificate(MEMBER, issued, now)
        return key, certificate

    def first(self, sender: Sender) -> tuple[Path, Path]:
        return self.folder(sender) / "member.key.pem", self.folder(sender) / "member.cert.pem"

    def answer(self, keys: tuple[Path, Path], deposit: str, word: str) -> int:
        """The status with which somebody's yes (`release`) or no (`withdrawal`) is answered."""
        assert self.home.doors is not None
        command = [
            *(tool("curl"), "--silent", "--output", "/dev/null", "--write-out", "%{http_code}"),
            *("--request", "POST", "--cacert", str(self.folder(self.sender) / "gateway-root.pem")),
            *("--key", str(keys[0]), "--cert", str(keys[1])),
            f"{self.home.doors.https}/v1/deposits/{deposit}/{word}",
        ]
        return int(subprocess.run(command, check=True, capture_output=True).stdout)

    def deposit(self, count: int) -> str:
        """A good file of so many records."""
        wages = [wage(INSURED, EMPLOYER, Period=f"2026-0{month}") for month in range(1, count + 1)]
        return self.home.receive(self.sender, *self.home.signed(self.sender, "DECSAL", wages)).deposit

    def wages(self) -> int:
        return len(rows(self.home, "SELECT 1 FROM wage"))


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    clock = HandClock(START)
    with house(tmp_path, clock=clock, doors=True) as home:
        home.employer(EMPLOYER)
        home.employer(OTHER_EMPLOYER)
        sender = home.sender(MEMBER, [EMPLOYER])
        stranger = home.sender(OTHER_MEMBER, [OTHER_EMPLOYER])
        home.affiliate(INSURED)
        home.gateway.members.agree(MEMBER, Agreement(ALL, release_above=1), Received(clock()))
        yield Office(home, clock, sender, stranger)
        look_over(home)


def test_a_larger_file_waits_for_the_second_person_and_then_takes_effect(office: Office) -> None:
    deposit = office.deposit(2)
    swept(office.home, office.sender, deposit, "unreleased")
    assert office.wages() == 0
    assert office.answer(office.second(), deposit, "release") == 204
    assert office.home.outcome(office.sender, deposit).verdict == "accepted"
    assert office.wages() == 2
    assert office.answer(office.second(), deposit, "release") == 404
    assert office.home.findings() == ()


def test_a_file_of_the_size_agreed_does_not_wait(office: Office) -> None:
    assert office.home.outcome(office.sender, office.deposit(1)).verdict == "accepted"


def test_whoever_signed_may_withdraw_but_not_release(office: Office) -> None:
    deposit = office.deposit(2)
    swept(office.home, office.sender, deposit, "unreleased")
    assert office.answer(office.first(office.sender), deposit, "release") == 409
    assert office.wages() == 0
    assert office.answer(office.first(office.sender), deposit, "withdrawal") == 204
    assert office.home.outcome(office.sender, deposit).codes == ["FILE-UNRELEASED"]
    assert office.wages() == 0


def test_nobody_makes_their_own_second_person(office: Office) -> None:
    """SR-4: neither by renewing the key that signed, nor by a key of the portal, nor by a link for somebody.

    A further key, which two persons of the operator register, is the control.
    """
    deposit, home, now = office.deposit(2), office.home, Received(office.clock())
    swept(home, office.sender, deposit, "unreleased")
    signer = office.sender.signer.certificate
    folder = office.folder(office.sender) / "renewed"
    folder.mkdir()
    private = new_key(KeyKind.P256)
    asked = x509.CertificateSigningRequestBuilder().subject_name(signer.subject)
    request = asked.sign(private, hashes.SHA256()).public_bytes(Encoding.PEM).decode()
    renewed = home.gateway.keys.renew_certificate(MEMBER, fingerprint(signer), request)
    write_key(folder / "key.pem", private)
    (folder / "cert.pem").write_text(renewed.certificate)
    assert office.answer((folder / "key.pem", folder / "cert.pem"), deposit, "release") == 409

    visits, releases = Visits(home.gateway.database), Releases(home.gateway.database)
    holder = visits.of_certificate(MEMBER, fingerprint(signer), "Holder", now)
    puppet, of_puppet = (visits.register(MEMBER, name, EVERY_ROLE, now) for name in ("Puppet", "Its friend"))
    visits.note(holder, "link", puppet.id, now)
    visits.note(puppet, "link", of_puppet.id, now)
    for person in (holder, puppet, of_puppet):
        with pytest.raises(SamePerson):
            releases.answer(str(MEMBER), deposit, person.id, released=True, at=now)
    assert office.wages() == 0
    assert office.answer(office.second(), deposit, "release") == 204
    assert home.outcome(office.sender, deposit).verdict == "accepted"


def test_a_file_that_the_portal_signed_is_of_who_had_it_signed(office: Office) -> None:
    """The key of the portal is everybody's: who consented to it may release what somebody else had signed."""
    home, now = office.home, Received(office.clock())
    visits, releases = Visits(home.gateway.database), Releases(home.gateway.database)
    chief, clerk = (visits.register(MEMBER, name, EVERY_ROLE, now) for name in ("Chief", "Clerk"))
    private = new_key(KeyKind.P256)
    authority = home.authority
    made = authority.issue(
        Subject("Portal", serial_number=str(MEMBER)), private.public_key(), now.at, now.at + VALIDITY
    )
    desk = Desk(home.gateway.database)
    desk.add_key(chief, made, private, now)
    sender = replace(office.sender, signer=Signer(private, made))
    for who, other in ((clerk, chief), (chief, clerk)):
        wages = [wage(INSURED, EMPLOYER, Period=f"2025-0{month}") for month in (1, 2)]
        name, content = home.signed(sender, "DECSAL", wages)
        digest = hashlib.sha256(content).hexdigest()
        file = CheckedFile(new_id(), who.id, name, name, len(content), digest, "made here", now, None)
        desk.put(who, file, content, b"{}")
        deposit = home.receive(office.sender, name, content).deposit
        swept(home, office.sender, deposit, "unreleased")
        with pytest.raises(SamePerson):
            releases.answer(str(MEMBER), deposit, who.id, released=True, at=now)
        assert releases.answer(str(MEMBER), deposit, other.id, released=True, at=now)


def test_another_member_is_told_what_is_told_of_nothing(office: Office) -> None:
    """P7."""
    deposit = office.deposit(2)
    swept(office.home, office.sender, deposit, "unreleased")
    for word in ("release", "withdrawal"):
        assert office.answer(office.first(office.stranger), deposit, word) == 404
        assert office.answer(office.first(office.stranger), "0" * 36, word) == 404
    assert office.wages() == 0
    assert office.answer(office.second(), deposit, "withdrawal") == 204


def test_what_nobody_releases_is_refused_after_ten_days(office: Office) -> None:
    deposit = office.deposit(2)
    swept(office.home, office.sender, deposit, "unreleased")
    move(office.home, office.clock, START + timedelta(days=9))
    office.home.outcome(office.sender, office.deposit(1))
    assert office.home.gateway.deposits.counts().get("unreleased") == 1
    move(office.home, office.clock, START + timedelta(days=12))
    swept(office.home, office.sender, deposit, "rejected")
    assert office.home.outcome(office.sender, deposit).codes == ["FILE-UNRELEASED"]


def test_the_agreement_at_receipt_decides(office: Office) -> None:
    """Whoever lifts the threshold afterwards does not release what waits."""
    deposit = office.deposit(2)
    swept(office.home, office.sender, deposit, "unreleased")
    lifted = replace(Agreement(ALL), release_above=None)
    office.home.gateway.members.agree(MEMBER, lifted, Received(office.clock()))
    office.home.gateway.engine.wake()
    assert office.home.gateway.deposits.counts().get("unreleased") == 1
    assert office.answer(office.second(), deposit, "release") == 204
    assert office.home.outcome(office.sender, deposit).verdict == "accepted"
