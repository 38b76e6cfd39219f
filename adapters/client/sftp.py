"""The SFTP door from a sender's side."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import paramiko

from adapters.client import TIMEOUT_SECONDS, Collected, Profile, Refused
from gateway import names


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
        """Deposit a batch, complete when its `.part` is renamed. The receipt comes in the outbox."""
        with self._sftp.open(f"/inbox/{name}.part", "wb") as file:
            file.set_pipelined(True)
            file.write(content)
        self._sftp.posix_rename(f"/inbox/{name}.part", f"/inbox/{name}")

    def collect(self, after: int) -> Iterator[tuple[int, Collected]]:
        """What lies in the outbox; each is put away once it was taken, so that the cursor stays."""
        for name in sorted(self._sftp.listdir("/outbox")):
            with self._sftp.open(f"/outbox/{name}", "rb") as file:
                content = file.read()
            yield after, Collected(name, names.parse(name).kind, content)
            self._sftp.remove(f"/outbox/{name}")

    def close(self) -> None:
        """Leave."""
        self._ssh.close()


@contextmanager
def enter(profile: Profile) -> Iterator[SftpDoor]:
    """The SFTP door, left at the end.

    Raises:
        Refused: the door refused, or could not be reached.
    """
    door = None
    try:
        door = SftpDoor(profile)
        yield door
    except (paramiko.SSHException, OSError) as error:
        raise Refused(f"{profile.sftp}: {error}") from error
    finally:
        if door is not None:
            door.close()
