"""Keys of a member: renewed by itself with proof, overlap, notices before the end, a further one (SR-4)."""

from __future__ import annotations

import json
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from typer.testing import CliRunner

from adapters.cli import app
from adapters.database.members import fingerprint
from adapters.installation import write_ssh_key
from adapters.keys import expiring, said_of
from adapters.notices import Notices
from adapters.pki import Authority, Subject, write_certificates, write_key
from adapters.premises import Premises
from gateway.moments import Received
from gateway.returns import avicle
from gateway.staff import RIGHTS
from signing.sign import Signer
from tests.house import EMPLOYER, MEMBER, OTHER_MEMBER, House, MovingClock, Sender, house, wage
from tests.tools import tool

DAY = timedelta(days=1)
AT = datetime.now(UTC)


class Door:
    """The HTTPS door as a member sees it."""

    def __init__(self, home: House, sender: Sender, folder: Path) -> None:
        self.home = home
        self.sender = sender
        self.folder = folder

    def enter(self, signer: Signer | None = None) -> httpx2.Client:
        assert self.home.doors is not None
        mine = signer or self.sender.signer
        key, certificate = (
            self.folder / f"{fingerprint(mine.certificate)}.{kind}" for kind in ("key", "pem")
        )
        if not key.exists():
            write_key(key, mine.key)  # type: ignore[arg-type]
            write_certificates(certificate, mine.certificate, *mine.chain)
        tls = ssl.create_default_context(cafile=str(self.home.trust))
        tls.load_cert_chain(certificate, key)
        return httpx2.Client(base_url=self.home.doors.https, verify=tls)

    def ask(self, signer: Signer | None = None, **body: str) -> httpx2.Response:
        with self.enter(signer) as http:
            return http.post("/v1/keys", json=body)

    def renewed(self) -> Signer:
        """The member with a renewed key."""
        key = ec.generate_private_key(ec.SECP256R1())
        answer = self.ask(request=request(key))
        assert answer.status_code == 200, answer.text
        return Signer(key, x509.load_pem_x509_certificate(answer.json()["certificate"].encode()))

    def news(self) -> list[avicle.KeyNews]:
        """What was told of keys."""
        return [
            avicle.read(etree.fromstring(self.home.content(self.sender, listed.answer.id)))
            for listed in self.home.gateway.outbox.collection.after(str(self.sender.member), 0, 1000)
            if listed.answer.kind == avicle.CODE
        ]


def request(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, name: str = "whoever") -> str:
    builder = x509.CertificateSigningRequestBuilder().subject_name(Subject(name).name)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    with house(tmp_path, clock=MovingClock(AT), doors=True) as home:
        home.employer(EMPLOYER)
        sender = home.sender(MEMBER, [EMPLOYER], valid=(AT - DAY, AT + 100 * DAY))
        yield Door(home, sender, tmp_path)


def clock(door: Door) -> MovingClock:
    assert isinstance(door.home.clock, MovingClock)
    return door.home.clock


def test_a_member_renews_its_key_and_both_count_for_the_overlap(door: Door) -> None:
    old = door.sender
    signer = door.renewed()
    assert signer.certificate.subject == old.signer.certificate.subject
    new = replace(old, signer=signer)
    home = door.home
    for sender in (old, new):
        _, content = home.signed(sender, "DECSAL", [wage()])
        receipt = home.receive(sender, home.name("DECSAL", MEMBER), content)
        assert "SIG-CERTIFICATE-UNKNOWN" not in home.outcome(sender, receipt.deposit).codes
    with door.enter(signer) as http:
        assert http.get("/v1/outbox").status_code == 200
    clock(door).at += 31 * DAY
    with door.enter() as http:
        assert http.get("/v1/outbox").status_code == 403
    with door.enter(signer) as http:
        assert http.get("/v1/outbox").status_code == 200
    _, late = home.signed(old, "DECSAL", [wage()])
    outcome = home.outcome(old, home.receive(old, home.name("DECSAL", MEMBER), late).deposit)
    assert outcome.codes == ["SIG-CERTIFICATE-UNKNOWN"]


def test_a_renewal_is_told_and_journalled(door: Door) -> None:
    signer = door.renewed()
    old, new = fingerprint(door.sender.signer.certificate), fingerprint(signer.certificate)
    [news] = door.news()
    assert (news.event, news.key, news.replaced) == (avicle.Event.REGISTERED, new, old)
    assert news.replaced_until is not None
    assert timedelta(days=29) < news.replaced_until.at - AT <= timedelta(days=31)
    with door.home.gateway.database.read() as connection:
        events = connection.exec_driver_sql("SELECT event, subject FROM journal ORDER BY sequence").all()
    assert ("key", new) in events
    assert ("key ends", old) in events
    assert door.home.findings() == ()


def test_the_same_request_again_gets_the_same_certificate(door: Door) -> None:
    asked = request(ec.generate_private_key(ec.SECP256R1()))
    first, again = door.ask(request=asked), door.ask(request=asked)
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    assert len(door.news()) == 1


def test_a_renewed_key_renews_nothing(door: Door) -> None:
    """Whoever steals an old key in its overlap cannot stay with it."""
    signer = door.renewed()
    refused = door.ask(request=request(ec.generate_private_key(ec.SECP256R1())))
    assert (refused.status_code, refused.json()["code"]) == (409, "KEY-ENDING")
    allowed = door.ask(signer, request=request(ec.generate_private_key(ec.SECP256R1())))
    assert allowed.status_code == 200


def test_a_request_that_another_key_signed_is_refused(door: Door) -> None:
    """Proof of possession: a request whose key was changed after signature."""
    mine, other = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    point = [one.public_key().public_numbers().x.to_bytes(32) for one in (mine, other)]
    der = x509.load_pem_x509_csr(request(mine).encode()).public_bytes(Encoding.DER)
    y = [one.public_key().public_numbers().y.to_bytes(32) for one in (mine, other)]
    forged = der.replace(point[0] + y[0], point[1] + y[1])
    assert forged != der
    pem = x509.load_der_x509_csr(forged).public_bytes(Encoding.PEM).decode()
    answer = door.ask(request=pem)
    assert (answer.status_code, answer.json()["code"]) == (409, "KEY-PROOF")
    assert door.news() == []


def test_what_is_no_good_request_changes_nothing(door: Door) -> None:
    weak = request(rsa.generate_private_key(65537, 2048))
    same = request(door.sender.signer.key)  # type: ignore[arg-type]
    other = door.home.sender(OTHER_MEMBER, [])
    theirs = request(other.signer.key)  # type: ignore[arg-type]
    expected = {weak: "KEY-KIND", same: "KEY-SAME", theirs: "KEY-KNOWN", "nonsense": "KEY-REQUEST"}
    for asked, code in expected.items():
        answer = door.ask(request=asked)
        assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert door.ask().status_code == door.ask(request=weak, ssh_key="x").status_code == 400
    assert door.ask(more="x").json()["code"] == "DOOR-REQUEST"
    assert door.ask(request="x" * 200_000).status_code == 413
    assert len(door.home.gateway.members.keys(MEMBER)) == 2
    assert door.news() == []


def test_nobody_renews_without_a_registered_certificate(door: Door) -> None:
    stranger = ec.generate_private_key(ec.SECP256R1())
    certificate = door.home.authority.issue(
        Subject(f"Member {MEMBER}", serial_number=str(MEMBER)), stranger.public_key(), AT - DAY, AT + 9 * DAY
    )
    answer = door.ask(Signer(stranger, certificate), request=request(stranger))
    assert (answer.status_code, answer.json()["code"]) == (403, "DOOR-UNKNOWN")


# without an authority of ours


@pytest.fixture
def alone(door: Door) -> Authority:
    """Our authority, which is now somebody else's: the gateway does not know its key."""
    root = door.home.authority
    door.home.gateway.keys._authority = None
    return root


def brought(door: Door, root: Authority, subject: x509.Name | None = None) -> tuple[str, str]:
    """A request, and a certificate for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    template = door.sender.signer.certificate
    made = root.reissue(template, key.public_key(), AT - DAY, AT + 99 * DAY)
    if subject is not None:
        made = root._issue(subject, key.public_key(), (AT - DAY, AT + 99 * DAY), ())
    return request(key), made.public_bytes(Encoding.PEM).decode()


def test_a_member_brings_a_certificate_of_an_accepted_authority(door: Door, alone: Authority) -> None:
    asked, pem = brought(door, alone)
    assert door.ask(request=asked).json()["code"] == "KEY-CERTIFICATE"
    answer = door.ask(request=asked, certificate=pem)
    assert answer.status_code == 200, answer.text
    assert answer.json()["certificate"] == pem


def test_a_certificate_that_is_not_the_members_is_refused(door: Door, alone: Authority) -> None:
    asked, pem = brought(door, alone)
    other, _ = brought(door, alone)
    assert door.ask(request=other, certificate=pem).json()["code"] == "KEY-PROOF"
    asked, pem = brought(door, alone, Subject("Somebody else").name)
    assert door.ask(request=asked, certificate=pem).json()["code"] == "KEY-SUBJECT"
    asked, pem = brought(door, Authority.create("Nobody's root", AT - DAY, AT + 99 * DAY))
    assert door.ask(request=asked, certificate=pem).json()["code"] == "KEY-CERTIFICATE"
    assert door.ask(request=asked, certificate="nonsense").json()["code"] == "KEY-CERTIFICATE"


def test_a_certificate_that_cannot_be_judged_yet_is_asked_for_again(door: Door, alone: Authority) -> None:
    lists = Premises(door.home.settings.data).revocations / "throw-away.crl"
    asked, pem = brought(door, alone)
    kept = lists.read_bytes()
    lists.unlink()
    answer = door.ask(request=asked, certificate=pem)
    assert (answer.status_code, answer.json()["code"]) == (503, "KEY-NOT-NOW")
    lists.write_bytes(kept)
    assert door.ask(request=asked, certificate=pem).status_code == 200


# SSH keys


def proven(folder: Path, line: bytes, namespace: str = "secugate-key") -> str:
    """A signature made by ssh-keygen with the new key."""
    said = folder / "said"
    said.write_bytes(line)
    (folder / "said.sig").unlink(missing_ok=True)
    subprocess.run(
        [tool("ssh-keygen"), "-Y", "sign", "-f", str(folder / "new"), "-n", namespace, str(said)],
        check=True,
        capture_output=True,
    )
    return (folder / "said.sig").read_text()


def test_an_ssh_key_is_renewed_with_a_proof_by_openssh(door: Door, tmp_path: Path) -> None:
    write_ssh_key(tmp_path / "new")
    public = (tmp_path / "new.pub").read_text().strip()
    answer = door.ask(ssh_key=public, proof=proven(tmp_path, said_of(MEMBER, public)))
    assert answer.status_code == 200, answer.text
    [news] = door.news()
    assert news.key == answer.json()["key"]
    assert news.key.startswith("SHA256:")
    now = Received(door.home.clock())
    assert door.home.gateway.members.of_ssh_key(news.key, now) == MEMBER
    assert news.replaced is not None
    assert door.home.gateway.members.of_ssh_key(news.replaced, now) == MEMBER
    later = Received(now.at + 31 * DAY)
    assert door.home.gateway.members.of_ssh_key(news.replaced, later) is None


@pytest.mark.parametrize("what", ["another member", "another key", "another purpose", "nothing", "nonsense"])
def test_an_ssh_key_without_its_proof_is_refused(door: Door, tmp_path: Path, what: str) -> None:
    for name in ("new", "third"):
        write_ssh_key(tmp_path / name)
    public, third = ((tmp_path / f"{name}.pub").read_text().strip() for name in ("new", "third"))
    proofs = {
        "another member": lambda: proven(tmp_path, said_of(OTHER_MEMBER, public)),
        "another key": lambda: proven(tmp_path, said_of(MEMBER, third)),
        "another purpose": lambda: proven(tmp_path, said_of(MEMBER, public), "file"),
        "nothing": lambda: "",
        "nonsense": lambda: "-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----\n",
    }
    asked = third if what == "another key" else public
    answer = door.ask(ssh_key=asked, proof=proofs[what]())
    assert (answer.status_code, answer.json()["code"]) == (409, "KEY-PROOF")
    assert door.news() == []


def test_an_ssh_key_that_replaces_none_is_for_two_of_the_staff(door: Door, tmp_path: Path) -> None:
    write_ssh_key(tmp_path / "new")
    public = (tmp_path / "new.pub").read_text().strip()
    proof = proven(tmp_path, said_of(MEMBER, public))
    answer = door.ask(ssh_key=public, proof=proof, replaces="SHA256:" + "a" * 43)
    assert (answer.status_code, answer.json()["code"]) == (409, "KEY-REPLACES")


def test_a_member_lists_its_own_keys_only(door: Door) -> None:
    door.home.sender(OTHER_MEMBER, [])
    with door.enter() as http:
        listed = http.get("/v1/keys").json()["keys"]
    assert [one["door"] for one in listed] == ["https", "sftp"]
    assert listed[0]["key"] == fingerprint(door.sender.signer.certificate)


# before the end


def run(door: Door, day: datetime) -> list[str]:
    clock(door).at = day
    gateway = door.home.gateway
    posted = Notices(gateway.database, gateway.seal, gateway.clock).run(Received(day).day)
    return [one.member for one in posted if one.kind == avicle.CODE]


def test_the_end_of_a_certificate_is_told_sixty_thirty_and_seven_days_before_once_each(door: Door) -> None:
    end = door.sender.signer.certificate.not_valid_after_utc
    told = [days for days in range(65, 0, -1) if run(door, end - days * DAY)]
    assert told == [60, 30, 7]
    assert run(door, end - 7 * DAY) == []
    assert {one.event for one in door.news()} == {avicle.Event.EXPIRES}
    assert {one.key for one in door.news()} == {fingerprint(door.sender.signer.certificate)}


def test_after_a_stop_only_the_nearest_notice_is_told(door: Door) -> None:
    end = door.sender.signer.certificate.not_valid_after_utc
    assert [days for days in (20, 19, 6, 5) if run(door, end - days * DAY)] == [20, 6]


def test_who_has_renewed_is_told_no_more(door: Door) -> None:
    end = door.sender.signer.certificate.not_valid_after_utc
    assert run(door, end - 60 * DAY) == [str(MEMBER)]
    with door.home.gateway.database.read() as connection:
        assert [one.days for one in expiring(connection, Received(end - 59 * DAY))] == [59]
    clock(door).at = end - 50 * DAY
    door.renewed()
    assert run(door, end - 30 * DAY) == []
    with door.home.gateway.database.read() as connection:
        assert expiring(connection, Received(end - 29 * DAY)) == []


# staff


def command(door: Door, *words: str) -> str:
    result = CliRunner().invoke(app, [*words, "--data", str(door.home.settings.data)])
    assert result.exit_code == 0, result.output
    return result.output


def test_staff_register_a_further_key_and_end_one_and_the_member_is_told(door: Door, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    template = door.sender.signer.certificate
    further = door.home.authority.reissue(template, key.public_key(), AT - DAY, AT + 300 * DAY)
    write_certificates(tmp_path / "further.pem", further)
    command(door, "member", "key", "add", str(MEMBER), "--certificate", str(tmp_path / "further.pem"))
    [news] = door.news()
    assert (news.key, news.replaced) == (fingerprint(further), None)
    clock(door).at = datetime.now(UTC)  # the command has looked at the clock of the machine
    with door.enter(Signer(key, further)) as http:
        assert http.get("/v1/outbox").status_code == 200
    command(door, "member", "key", "end", str(MEMBER), fingerprint(further))
    listed = json.loads(command(door, "member", "key", "list", str(MEMBER), "--json"))
    assert {one["fingerprint"]: one["ended"] is None for one in listed}[fingerprint(further)] is False
    assert len(listed) == 3
    assert json.loads(command(door, "member", "key", "expiring", "--days", "99", "--json")) == []
    soon = json.loads(command(door, "member", "key", "expiring", "--days", "100", "--json"))
    assert [one["key"] for one in soon] == [fingerprint(template)]


def test_a_further_key_takes_two_persons_of_the_staff_and_an_end_takes_one() -> None:
    """The table by which every command is let pass (`adapters.cli.admission`); an end must not wait."""
    assert RIGHTS["member key add"].four_eyes
    assert not RIGHTS["member key end"].four_eyes
