"""A sender's side of both doors: deposit batches, collect answers, check our seals.

A profile (TOML) names the member, its keys and where the gateway is; paths in it are relative to
the profile:

    member = "2099990001299100001"
    environment = "test"
    https = "https://127.0.0.1:8443"
    sftp = "127.0.0.1:8022"
    trust = "gateway-root.pem"       # authorities of the HTTPS door's certificate
    seal = "gateway-seal.pem"        # the certificates with which the gateway seals its answers
    host_key = "known_hosts"         # the SFTP door's key, as OpenSSH keeps it
    certificate = "member.cert.pem"
    key = "member.key.pem"
    ssh_key = "member_ed25519"
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gateway.batch import MemberId

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
    seal: Path
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
            seal=at("seal"),
            host_key=at("host_key"),
            certificate=at("certificate"),
            key=at("key"),
            ssh_key=at("ssh_key"),
        )


@dataclass(frozen=True, slots=True)
class Collected:
    """An answer as it was collected."""

    name: str
    kind: str
    content: bytes


class Door(Protocol):
    """What a sender does at either door."""

    def deposit(self, name: str, content: bytes) -> bytes | None:
        """Deposit a batch; the signed receipt, or None where it comes in the outbox."""

    def collect(self, after: int) -> Iterator[tuple[int, Collected]]:
        """What was posted after a cursor, each with its own cursor."""
