"""Who sends, with which keys, to where: a TOML file; paths in it are relative to it.

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
sign = true                      # may be left out: false. `secugate watch` signs what is not signed
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from gateway.batch import MemberId

_OPTIONAL = frozenset({"sign"})


@dataclass(frozen=True, slots=True)
class Profile:
    """Who sends, with which keys, to where.

    Attributes:
        sign: whether a watched folder may sign by itself; who can write into it then signs for the member.
    """

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
    sign: bool = False

    @classmethod
    def load(cls, file: Path) -> Profile:
        """Read a profile.

        Raises:
            OSError: the file cannot be read.
            ValueError: when something is missing, too much or of the wrong kind; the sentence says what.
        """
        given = tomllib.loads(file.read_text())
        known = set(cls.__slots__)
        if not known - _OPTIONAL <= set(given) <= known:
            missing, unknown = sorted(known - _OPTIONAL - set(given)), sorted(set(given) - known)
            raise ValueError(f"{file}: missing {missing}, unknown {unknown}")
        sign = given.pop("sign", False)
        if not isinstance(sign, bool):
            raise ValueError(f"{file}: sign is true or false")
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
            sign=sign,
        )
