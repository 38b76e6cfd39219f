"""The SFTP door from a sender's side."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import paramiko

from adapters.client import TIMEOUT_SECONDS, Collected, Profile


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
def enter(profile: Profile) -> Iterator[SftpDoor]:
    """The SFTP door, closed at the end."""
    door = SftpDoor(profile)
    try:
        yield door
    finally:
        door.close()
