"""A sender's side of both doors: deposit batches, collect answers, check our seals.

A profile (TOML) names the member, its keys and where the gateway is; paths in it are relative to
the profile:

    member = "2099990001299100001"
    environment = "test"
    https = "https://127.0.0.1:8443"
    sftp = "127.0.0.1:8022"
    trust = "gateway-root.pem"       # the gateway's authorities
    host_key = "known_hosts"         # the SFTP door's key, as OpenSSH keeps it
    certificate = "member.cert.pem"
    key = "member.key.pem"
    ssh_key = "member_ed25519"
"""

from __future__ import annotations

import base64
import hashlib
import ssl
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import paramiko

from gateway.batch import MemberId
from signing.certificates import Untrusted, vouch
from signing.parse import Unreadable, parse
from signing.profile import BadSignature, examine
from signing.verify import verify

TIMEOUT_SECONDS = 60.0


class Refused(Exception):
    """The door refused; the sentence is the door's own."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Who sends, with which keys, to where."""

    member: MemberId
    environment: str
    https: str
    sftp: str
    trust: Path
    host_key: Path
    certificate: Path
    key: Path
    ssh_key: Path

    @classmethod
    def load(cls, file: Path) -> Profile:
        """Read a profile.

        Raises:
            ValueError: when something is missing, too much or of the wrong kind; the sentence says what.
        """
        given = tomllib.loads(file.read_text())
        wanted = set(cls.__slots__)
        if set(given) != wanted:
            missing, unknown = sorted(wanted - set(given)), sorted(set(given) - wanted)
            raise ValueError(f"{file}: missing {missing}, unknown {unknown}")
        texts = {name: str(value) for name, value in given.items()}
        folder = file.parent

        def at(name: str) -> Path:
            return folder / texts[name]

        return cls(
            member=MemberId(texts["member"][:13], texts["member"][13:]),
            environment=texts["environment"],
            https=texts["https"],
            sftp=texts["sftp"],
            trust=at("trust"),
            host_key=at("host_key"),
            certificate=at("certificate"),
            key=at("key"),
            ssh_key=at("ssh_key"),
        )


GOOD = "good"


def seal_verdict(content: bytes, trust: Path) -> str:
    """Whether an answer carries a right signature of somebody our authorities vouch for: `good`, or why not.

    Args:
        content: the answer, as it was collected.
        trust: PEM file of the gateway's authorities.
    """
    try:
        claim = examine(parse(content))
        signed_at = verify(claim, claim.certificate).signed_at
        vouch(claim.certificate, claim.chain, trust, signed_at)
    except (Unreadable, BadSignature, Untrusted) as flaw:
        return str(flaw)
    return GOOD


@dataclass(frozen=True, slots=True)
class Collected:
    """An answer as it was collected."""

    name: str
    kind: str
    content: bytes


class HttpsDoor:
    """The HTTPS door, entered with a client certificate."""

    def __init__(self, profile: Profile) -> None:
        context = ssl.create_default_context(cafile=str(profile.trust))
        context.load_cert_chain(profile.certificate, profile.key)
        self._http = httpx2.Client(base_url=profile.https, verify=context, timeout=TIMEOUT_SECONDS)

    def deposit(self, name: str, content: bytes) -> bytes:
        """Deposit a batch; the signed receipt.

        Raises:
            Refused: with the door's own sentence.
        """
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        answer = self._http.post(
            "/v1/deposits",
            params={"name": name},
            content=content,
            headers={"Content-Type": "application/xml", "Content-Digest": f"sha-256=:{digest}:"},
        )
        return _accepted(answer, 202)

    def collect(self, after: int) -> Iterator[tuple[int, Collected]]:
        """What was posted after a cursor, each with its own cursor."""
        while True:
            listed = _accepted_json(self._http.get("/v1/outbox", params={"after": after}))
            if not listed:
                return
            for entry in listed:
                after = int(str(entry["cursor"]))
                content = _accepted(self._http.get(f"/v1/outbox/{entry['id']}"), 200)
                yield after, Collected(str(entry["name"]), str(entry["type"]), content)

    def state(self, identifier: str) -> dict[str, object]:
        """How far a deposit has come."""
        answer = self._http.get(f"/v1/deposits/{identifier}")
        _accepted(answer, 200)
        state: dict[str, object] = answer.json()
        return state

    def close(self) -> None:
        """Give the connection back."""
        self._http.close()


def _accepted(answer: httpx2.Response, status: int) -> bytes:
    if answer.status_code == status:
        return answer.content
    try:
        problem = answer.json()
        sentence = f"{problem['code']}: {problem['detail']}"
    except (ValueError, KeyError, TypeError):
        sentence = f"the door answered {answer.status_code}"
    raise Refused(sentence)


def _accepted_json(answer: httpx2.Response) -> list[dict[str, object]]:
    _accepted(answer, 200)
    entries: list[dict[str, object]] = answer.json()["answers"]
    return entries


class SftpDoor:
    """The SFTP door, entered with an SSH key; the door's own key must be the one we know."""

    def __init__(self, profile: Profile) -> None:
        host, _, port = profile.sftp.rpartition(":")
        self._ssh = paramiko.SSHClient()
        self._ssh.load_host_keys(str(profile.host_key))
        self._ssh.set_missing_host_key_policy(paramiko.RejectPolicy())
        self._ssh.connect(
            host,
            int(port),
            username=str(profile.member),
            key_filename=str(profile.ssh_key),
            allow_agent=False,
            look_for_keys=False,
            timeout=TIMEOUT_SECONDS,
        )
        self._sftp = self._ssh.open_sftp()

    def deposit(self, name: str, content: bytes) -> None:
        """Deposit a batch: written under a `.part` name, complete when renamed."""
        with self._sftp.open(f"/inbox/{name}.part", "wb") as file:
            file.set_pipelined(True)
            file.write(content)
        self._sftp.posix_rename(f"/inbox/{name}.part", f"/inbox/{name}")

    def collect(self) -> Iterator[Collected]:
        """What lies in the outbox; each is put away once it was taken."""
        for name in sorted(self._sftp.listdir("/outbox")):
            with self._sftp.open(f"/outbox/{name}", "rb") as file:
                content = file.read()
            yield Collected(name, name.split(".")[1], content)
            self._sftp.remove(f"/outbox/{name}")

    def close(self) -> None:
        """Leave."""
        self._ssh.close()


@contextmanager
def https(profile: Profile) -> Iterator[HttpsDoor]:
    """The HTTPS door, closed at the end."""
    door = HttpsDoor(profile)
    try:
        yield door
    finally:
        door.close()


@contextmanager
def sftp(profile: Profile) -> Iterator[SftpDoor]:
    """The SFTP door, closed at the end."""
    door = SftpDoor(profile)
    try:
        yield door
    finally:
        door.close()
