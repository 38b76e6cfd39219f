"""One suite for both doors of a running gateway, entered by our own client and by other people's.

What a member is answered does not depend on the door it came through (requirement 10).
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import paramiko
import pytest
from lxml import etree

from adapters.installation import write_ssh_key
from adapters.pki import KeyKind, Subject, new_key, write_certificates, write_key
from gateway import names
from gateway.batch import MemberId
from gateway.client import https, sftp
from gateway.client.doors import Refused
from gateway.client.profile import Profile
from gateway.client.seals import GOOD, seal_verdict
from gateway.returns import ackrec, acktrt
from tests.conftest import LARGEST_DEPOSIT
from tests.flow.premises import answers, execute, kinds, rows, someone, wages
from tests.house import EMPLOYER, House, Outcome, Sender, profile, wage
from tests.tools import tool

PATIENCE_SECONDS = 20.0


class Client(Protocol):
    """What every client can do at its door."""

    door: str

    def deposit(self, sender: Sender, name: str, content: bytes) -> None:
        """Send a file under a name.

        Raises:
            Refused: the door did not take it.
        """

    def collect(self, sender: Sender) -> dict[str, bytes]:
        """Everything that lies on the member's shelf, by name."""


class OwnHttps:
    """`secugate send --door https`."""

    door = "https"

    def deposit(self, sender: Sender, name: str, content: bytes) -> None:
        with https.enter(profile(sender)) as door:
            assert door.deposit(name, content)

    def collect(self, sender: Sender) -> dict[str, bytes]:
        with https.enter(profile(sender)) as door:
            return {collected.name: collected.content for _, collected in door.collect(0)}


class OwnSftp:
    """`secugate send --door sftp`."""

    door = "sftp"

    def deposit(self, sender: Sender, name: str, content: bytes) -> None:
        with sftp.enter(profile(sender)) as door:
            door.deposit(name, content)

    def collect(self, sender: Sender) -> dict[str, bytes]:
        with sftp.enter(profile(sender)) as door:
            return {collected.name: collected.content for _, collected in door.collect(0)}


@dataclass
class Curl:
    """curl, as the README says it."""

    folder: Path
    door = "https"

    def run(self, sender: Sender, path: str, *words: str) -> bytes:
        known = profile(sender)
        keys = ["--cacert", str(known.trust), "--cert", str(known.certificate), "--key", str(known.key)]
        command = [tool("curl"), "--silent", "--show-error", "--fail", *keys, *words, f"{known.https}{path}"]
        done = subprocess.run(command, capture_output=True, timeout=60, check=False)
        if done.returncode:
            raise Refused(done.stderr.decode())
        return done.stdout

    def deposit(self, sender: Sender, name: str, content: bytes) -> None:
        file = self.folder / uuid.uuid4().hex
        file.write_bytes(content)
        self.run(sender, f"/v1/deposits?name={quote(name, safe='')}", "--data-binary", f"@{file}")

    def collect(self, sender: Sender) -> dict[str, bytes]:
        listed = json.loads(self.run(sender, "/v1/outbox?limit=1000"))["answers"]
        return {entry["name"]: self.run(sender, f"/v1/outbox/{entry['id']}") for entry in listed}


@dataclass
class OpenSsh:
    """OpenSSH's sftp, as the README says it."""

    folder: Path
    door = "sftp"

    def run(self, sender: Sender, *commands: str) -> None:
        known = profile(sender)
        host, _, port = known.sftp.rpartition(":")
        options = ["BatchMode=yes", "IdentitiesOnly=yes", "IdentityAgent=none", "StrictHostKeyChecking=yes"]
        options += [f"UserKnownHostsFile={known.host_key}", "GlobalKnownHostsFile=/dev/null"]
        words = ["-F", "/dev/null", "-i", str(known.ssh_key), *(w for o in options for w in ("-o", o))]
        done = subprocess.run(
            [tool("sftp"), "-q", "-b", "-", *words, "-P", port, f"{known.member}@{host}"],
            input="".join(command + "\n" for command in commands),
            text=True,
            capture_output=True,
            timeout=60,
            check=False,
        )
        if done.returncode:
            raise Refused(done.stderr)

    def deposit(self, sender: Sender, name: str, content: bytes) -> None:
        file = self.folder / uuid.uuid4().hex
        file.write_bytes(content)
        self.run(sender, f'put {file} "/inbox/{name}"')

    def collect(self, sender: Sender) -> dict[str, bytes]:
        there = self.folder / uuid.uuid4().hex
        there.mkdir()
        self.run(sender, f"get /outbox/* {there}/")
        return {file.name: file.read_bytes() for file in there.iterdir()}


OTHER_DOOR: dict[str, Client] = {"https": OwnSftp(), "sftp": OwnHttps()}


@pytest.fixture(params=["https", "curl", "sftp", "openssh"])
def client(request: pytest.FixtureRequest, tmp_path: Path) -> Client:
    """Each client in turn."""
    made: dict[str, Callable[[], Client]] = {
        "https": OwnHttps,
        "curl": lambda: Curl(tmp_path),
        "sftp": OwnSftp,
        "openssh": lambda: OpenSsh(tmp_path),
    }
    return made[request.param]()


@pytest.fixture(params=["https", "sftp"])
def own(request: pytest.FixtureRequest) -> Client:
    """Our own clients, one at each door, where it does not matter whose client it is."""
    return {"https": OwnHttps(), "sftp": OwnSftp()}[request.param]


_numbers = iter(range(500_000, 600_000))


@pytest.fixture
def member(open_home: House) -> Sender:
    """A member whose shelves are still empty."""
    return open_home.sender(MemberId(EMPLOYER, str(next(_numbers))), [EMPLOYER])


def batch(home: House, sender: Sender, insured: str | None = None) -> bytes:
    """A good file nobody has seen; its month has passed on every machine's clock."""
    return home.batch(sender, "DECSAL", [wage(insured or someone(), Period="2024-07")])


def the_only(home: House, sender: Sender) -> str:
    """The id of the only deposit of a member."""
    (row,) = rows(home, "SELECT id FROM deposit WHERE sender = :sender", sender=str(sender.member))
    return str(row["id"])


def ended(home: House, sender: Sender) -> Outcome:
    return home.outcome(sender, the_only(home, sender))


def by_kind(collected: dict[str, bytes]) -> dict[str, bytes]:
    """Answers by kind, of each the last."""
    return {names.parse(name).kind: content for name, content in sorted(collected.items())}


@contextmanager
def nothing_kept(home: House) -> Iterator[None]:
    """Whatever happens inside leaves no deposit, no file, no upload under way."""
    before = rows(home, "SELECT id FROM deposit"), sorted(home.gateway.spool.ids())
    yield
    until = time.monotonic() + PATIENCE_SECONDS
    while list(home.gateway.spool.incoming.iterdir()):
        assert time.monotonic() < until, "an upload is left behind"
        time.sleep(0.01)
    assert (rows(home, "SELECT id FROM deposit"), sorted(home.gateway.spool.ids())) == before


# one deposit


def test_a_deposit_comes_to_its_acknowledgement(open_home: House, client: Client, member: Sender) -> None:
    home, insured = open_home, someone()
    home.affiliate(insured)
    content, name = batch(home, member, insured), home.name("DECSAL", member.member)
    client.deposit(member, name, content)
    outcome = ended(home, member)
    kept = outcome.kept.deposit
    assert (kept.name, kept.size, kept.door) == (name, len(content), client.door)
    assert kept.digest == hashlib.sha256(content).hexdigest()
    assert (outcome.verdict, outcome.kept.state) == ("accepted", "done")
    assert wages(home, insured) == [("current", 381240)]
    collected = by_kind(client.collect(member))
    assert set(collected) == {"ACKREC", "ACKTRT"}
    quoted = ackrec.read(etree.fromstring(collected["ACKREC"])).header.deposit
    assert quoted is not None
    assert (quoted.id, quoted.name, quoted.digest) == (kept.id, name, kept.digest)
    assert acktrt.read(etree.fromstring(collected["ACKTRT"])) == outcome.acknowledgement


def test_what_is_collected_are_the_bytes_that_were_posted(
    open_home: House, own: Client, member: Sender
) -> None:
    home = open_home
    own.deposit(member, home.name("DECSAL", member.member), batch(home, member))
    posted = dict(answers(home, ended(home, member).kept.deposit.id))
    assert by_kind(own.collect(member)) == posted


@pytest.mark.parametrize(
    ("name", "content", "codes"),
    [
        ("lohn.xml", None, ["FILE-NAME"]),
        ("Löhne August 2026.xml", None, ["FILE-NAME"]),
        ("SECU.DECSAL.20260803-09150012.2099990002099200002.CCSS.XML", None, ["FILE-SENDER"]),
        ("lohn.txt", b"no XML at all", ["FILE-NAME", "FILE-NOT-XML"]),
        ("n" * 250, b"no XML either", ["FILE-NAME", "FILE-NOT-XML"]),
        ("leer", b"", ["FILE-NAME", "FILE-NOT-XML"]),
    ],
)
def test_a_fault_gets_the_same_answer_at_each_door(
    open_home: House, own: Client, member: Sender, name: str, content: bytes | None, codes: Sequence[str]
) -> None:
    home = open_home
    own.deposit(member, name, batch(home, member) if content is None else content)
    outcome = ended(home, member)
    assert (outcome.verdict, outcome.kept.state, outcome.codes) == ("rejected", "rejected", codes)
    assert outcome.kept.deposit.name == name
    assert set(by_kind(own.collect(member))) == {"ACKREC", "FAIL", "ACKTRT"}


@pytest.mark.parametrize("name", ["n" * 255, "é" * 255, "é" * 127])
def test_a_long_name_is_taken_at_each_door_or_at_none(
    open_home: House, member: Sender, name: str, tmp_path: Path
) -> None:
    """One limit for both (requirement 10), however many bytes a letter takes and however a client uploads."""
    taken = []
    for each in (OwnHttps(), OwnSftp(), OpenSsh(tmp_path)):
        try:
            each.deposit(member, name, uuid.uuid4().bytes)
        except Refused:
            continue
        taken.append(type(each).__name__)
    assert len(taken) in (0, 3), f"taken from {taken} only"


def test_too_many_bytes_are_refused_and_not_kept(open_home: House, client: Client, member: Sender) -> None:
    with nothing_kept(open_home), pytest.raises(Refused):
        client.deposit(member, open_home.name("DECSAL", member.member), b" " * (LARGEST_DEPOSIT + 1))
    client.deposit(member, open_home.name("DECSAL", member.member), b" " * LARGEST_DEPOSIT)
    assert ended(open_home, member).codes == ["FILE-LIMITS"]


# both doors together


def test_the_same_bytes_through_the_other_door_are_one_deposit(
    open_home: House, client: Client, member: Sender
) -> None:
    """Promise P3: one effect, one receipt, whichever door and name it came by."""
    home, insured = open_home, someone()
    home.affiliate(insured)
    content = batch(home, member, insured)
    client.deposit(member, home.name("DECSAL", member.member), content)
    OTHER_DOOR[client.door].deposit(member, home.name("DECSAL", member.member), content)
    client.deposit(member, home.name("DECSAL", member.member), content)
    outcome = ended(home, member)
    assert kinds(answers(home, outcome.kept.deposit.id)) == ["ACKREC", "ACKTRT"]
    assert wages(home, insured) == [("current", 381240)]
    with https.enter(profile(member)) as door:
        again = door.deposit(home.name("DECSAL", member.member), content)
    assert by_kind(client.collect(member))["ACKREC"] == again


def test_a_name_used_at_one_door_is_used_at_the_other(open_home: House, own: Client, member: Sender) -> None:
    home, name = open_home, open_home.name("DECSAL", member.member)
    OTHER_DOOR[own.door].deposit(member, name, batch(home, member))
    own.deposit(member, name, batch(home, member))
    _, second = rows(home, "SELECT id FROM deposit WHERE sender = :m ORDER BY number", m=str(member.member))
    assert home.outcome(member, second["id"]).codes == ["FILE-NAME-USED"]


def test_what_was_deposited_at_one_door_is_collected_at_the_other(
    open_home: House, own: Client, member: Sender
) -> None:
    home = open_home
    OTHER_DOOR[own.door].deposit(member, home.name("DECSAL", member.member), batch(home, member))
    ended(home, member)
    assert set(by_kind(own.collect(member))) == {"ACKREC", "ACKTRT"}


def test_each_collection_is_entered_with_its_door(open_home: House, own: Client, member: Sender) -> None:
    home = open_home
    own.deposit(member, home.name("DECSAL", member.member), batch(home, member))
    ended(home, member)
    own.collect(member)
    found = rows(
        home,
        "SELECT event, count(*) AS times FROM journal"
        " WHERE member = :m AND event LIKE 'collected%' GROUP BY event",
        m=str(member.member),
    )
    assert found == [{"event": f"collected {own.door}", "times": 2}]
    shelf = rows(home, "SELECT collected FROM answer WHERE recipient = :m", m=str(member.member))
    assert all(row["collected"] for row in shelf)


def test_an_answer_put_away_at_sftp_is_still_listed_at_https(open_home: House, member: Sender) -> None:
    """Tidying a folder loses nothing: the cursor of the other door goes on."""
    home = open_home
    OwnSftp().deposit(member, home.name("DECSAL", member.member), batch(home, member))
    ended(home, member)
    taken = OwnSftp().collect(member)
    assert len(taken) == 2
    assert OwnSftp().collect(member) == {}
    assert OwnHttps().collect(member) == taken


# whose is what


def test_nobody_collects_another_member_s_answers(
    open_home: House, client: Client, member: Sender, neighbour: Sender
) -> None:
    home = open_home
    client.deposit(member, home.name("DECSAL", member.member), batch(home, member))
    outcome = ended(home, member)
    client.deposit(neighbour, "neighbour.xml", uuid.uuid4().bytes)
    seen = client.collect(neighbour)
    mine = {
        row["name"]
        for row in rows(home, "SELECT name FROM answer WHERE recipient = :m", m=str(member.member))
    }
    assert len(mine) == 2
    assert not mine & set(seen)
    assert not [name for name, content in seen.items() if outcome.kept.deposit.id.encode() in content]
    collected = rows(home, "SELECT collected FROM answer WHERE recipient = :m", m=str(member.member))
    assert [row["collected"] for row in collected] == [None, None]


def test_at_sftp_another_member_s_answer_and_none_look_the_same(
    open_home: House, member: Sender, neighbour: Sender
) -> None:
    home = open_home
    OwnSftp().deposit(member, home.name("DECSAL", member.member), batch(home, member))
    ended(home, member)
    (theirs, *_) = rows(home, "SELECT name FROM answer WHERE recipient = :m", m=str(member.member))
    said = []
    with shelf_of(neighbour) as shelf:
        for name in (theirs["name"], "SECU.ACKTRT.20260101-00000000.CCSS.0000000000000000000.XML", "x"):
            for ask in (shelf.stat, shelf.open, shelf.remove):
                with pytest.raises(OSError) as caught:
                    ask(f"/outbox/{name}")
                said.append((ask.__name__, type(caught.value), str(caught.value).replace(name, "?")))
    assert said[:3] == said[3:6] == said[6:]


@contextmanager
def shelf_of(sender: Sender) -> Iterator[paramiko.SFTPClient]:
    known = profile(sender)
    host, _, port = known.sftp.rpartition(":")
    with paramiko.SSHClient() as ssh:
        ssh.load_host_keys(str(known.host_key))
        ssh.connect(
            host,
            int(port),
            username=str(known.member),
            key_filename=str(known.ssh_key),
            allow_agent=False,
            look_for_keys=False,
        )
        yield ssh.open_sftp()


def test_another_member_s_file_is_not_a_repeat(
    open_home: House, own: Client, member: Sender, neighbour: Sender
) -> None:
    home = open_home
    content = batch(home, neighbour)
    own.deposit(neighbour, home.name("DECSAL", neighbour.member), content)
    own.deposit(member, home.name("DECSAL", member.member), content)
    outcome = ended(home, member)
    assert outcome.codes == ["SIG-SENDER"]


# who may come in


def pretender(home: House, member: Sender, folder: Path) -> Sender:
    """Somebody with a member's number and keys that nobody registered, of an authority we trust."""
    shutil.copytree(member.profile.parent, folder)
    for name in ("member.cert.pem", "member.key.pem", "member_ed25519", "member_ed25519.pub"):
        (folder / name).unlink()
    at, key = home.clock(), new_key(KeyKind.P256)
    subject = Subject("Pretender", serial_number=str(member.member))
    certificate = home.authority.issue(subject, key.public_key(), at - timedelta(1), at + timedelta(9))
    write_key(folder / "member.key.pem", key)
    write_certificates(folder / "member.cert.pem", certificate)
    write_ssh_key(folder / "member_ed25519")
    return replace(member, profile=folder / "profile.toml")


def test_an_unknown_key_opens_no_door(
    open_home: House, client: Client, member: Sender, tmp_path: Path
) -> None:
    unknown = pretender(open_home, member, tmp_path / "pretender")
    with nothing_kept(open_home):
        with pytest.raises(Refused):
            client.deposit(unknown, "x", b"x")
        with pytest.raises(Refused):
            client.collect(unknown)


def test_a_key_that_was_ended_opens_no_door(open_home: House, own: Client, member: Sender) -> None:
    home = open_home
    own.deposit(member, home.name("DECSAL", member.member), batch(home, member))
    ended(home, member)
    for keys in ("certificate", "ssh_key"):
        execute(
            home,
            f"UPDATE {keys} SET ended = '2026-01-01T00:00:00.000000Z' WHERE member = '{member.member}'",
        )
    with nothing_kept(home):
        with pytest.raises(Refused):
            own.deposit(member, "x", b"x")
        with pytest.raises(Refused):
            own.collect(member)


# the second judge


def xmlsec1(known: Profile, file: Path) -> subprocess.CompletedProcess[str]:
    """What somebody else's program says of our seal."""
    command = [tool("xmlsec1"), "--verify", "--pubkey-cert-pem", str(known.seal)]
    command += ["--enabled-key-data", "key-name"]
    command += ["--id-attr:Id", "http://uri.etsi.org/01903/v1.3.2#:SignedProperties", str(file)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_every_answer_verifies_with_xmlsec1(
    open_home: House, client: Client, member: Sender, tmp_path: Path
) -> None:
    """Receipt, return and acknowledgement, as each client got them; one changed byte is noticed."""
    home = open_home
    records = [wage(someone(), Period="2024-07"), wage("1893120105733", Period="2024-07")]
    client.deposit(member, home.name("DECSAL", member.member), home.batch(member, "DECSAL", records))
    assert ended(home, member).verdict == "partial"
    collected = by_kind(client.collect(member))
    assert set(collected) == {"ACKREC", "SALRET", "ACKTRT"}
    for kind, content in collected.items():
        file = tmp_path / f"{kind}.xml"
        file.write_bytes(content)
        judged = xmlsec1(profile(member), file)
        assert judged.returncode == 0, judged.stderr
        assert seal_verdict(content, home.seals) == GOOD
        file.write_bytes(content.replace(b"<Environment>test<", b"<Environment>text<"))
        assert xmlsec1(profile(member), file).returncode != 0
