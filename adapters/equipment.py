"""What a made-up member needs at the doors: keys, certificate and profile, in a folder of its own."""

from __future__ import annotations

import base64
from datetime import timedelta
from pathlib import Path

import paramiko

from adapters.database.members import Members
from adapters.installation import VALIDITY, write_ssh_key
from adapters.pki import Authority, KeyKind, Subject, new_key, write_certificates, write_key
from adapters.premises import Premises
from gateway.batch import MemberId
from gateway.moments import Received
from gateway.synthetic import ENVIRONMENT
from signing.certificates import load_certificate


def equip(home: Path, who: MemberId, name: str, premises: Premises, now: Received) -> None:
    """Make keys and a certificate of the throw-away authority for a member, in a new folder."""
    authority = Authority.load(premises.authority_key, premises.authority_certificate)
    home.mkdir(parents=True)
    key = new_key(KeyKind.P256)
    certificate = authority.issue(
        Subject(name, serial_number=str(who)),
        key.public_key(),
        now.at - timedelta(minutes=5),
        now.at + VALIDITY,
    )
    write_key(home / "member.key.pem", key)
    write_certificates(home / "member.cert.pem", certificate)
    write_ssh_key(home / "member_ed25519")


def introduce(home: Path, who: MemberId, premises: Premises, https: str, sftp: str) -> Path:
    """Write a member's profile for a gateway whose doors are there; the profile."""
    for what, folder in (("root", premises.anchors), ("seal", premises.seals)):
        (home / f"gateway-{what}.pem").write_bytes((folder / "throw-away.pem").read_bytes())
    host, _, port = sftp.rpartition(":")
    host_key = premises.ssh_host_key.with_name(premises.ssh_host_key.name + ".pub").read_text()
    (home / "known_hosts").write_text(f"[{host}]:{port} {host_key}")
    profile = home / "profile.toml"
    profile.write_text(
        f'member = "{who}"\n'
        f'environment = "{ENVIRONMENT}"\n'
        f'https = "{https}"\n'
        f'sftp = "{sftp}"\n'
        'trust = "gateway-root.pem"\n'
        'seal = "gateway-seal.pem"\n'
        'host_key = "known_hosts"\n'
        'certificate = "member.cert.pem"\n'
        'key = "member.key.pem"\n'
        'ssh_key = "member_ed25519"\n'
    )
    return profile


def enter_keys(members: Members, who: MemberId, home: Path, now: Received) -> None:
    """Register the certificate and the SSH key that stand in a member's folder."""
    members.add_certificate(who, load_certificate(home / "member.cert.pem"), now)
    kind, text = (home / "member_ed25519.pub").read_text().split()[:2]
    public = paramiko.PKey.from_type_string(kind, base64.b64decode(text))
    members.add_ssh_key(who, public.fingerprint, f"{kind} {text}", now)
