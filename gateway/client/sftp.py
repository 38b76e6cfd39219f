"""The SFTP door from a sender's side."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import paramiko

from gateway import names
from gateway.client.doors import (
    ANSWER_BYTES,
    PIECE_BYTES,
    TIMEOUT_SECONDS,
    Collected,
    Hindered,
    NotNow,
    Posted,
    Refused,
    Told,
    untold,
)
from gateway.client.doors import collect as collect_from
from gateway.client.profile import Profile

_OURS = frozenset({errno.ENOSPC, errno.EDQUOT})
"""What goes wrong on this machine while a file is being kept."""


class SftpDoor:
    """The SFTP door, entered with an SSH key; the door's own key must be the one we know."""

    def __init__(self, profile: Profile) -> None:
        host, _, port = profile.sftp.rpartition(":")
        self._ssh = paramiko.SSHClient()
        self._ssh.load_host_keys(str(profile.host_key))
        self._ssh.set_missing_host_key_policy(paramiko.RejectPolicy())
        try:
            self._ssh.connect(
                host,
                int(port),
                username=str(profile.member),
                key_filename=str(profile.ssh_key),
                allow_agent=False,
                look_for_keys=False,
                timeout=TIMEOUT_SECONDS,
                banner_timeout=TIMEOUT_SECONDS,
                auth_timeout=TIMEOUT_SECONDS,
            )
            self._sftp = self._ssh.open_sftp()
        except BaseException:
            self._ssh.close()
            raise
        channel = self._sftp.get_channel()
        if channel is not None:
            channel.settimeout(TIMEOUT_SECONDS)

    def deposit(self, name: str, content: bytes, told: Told = untold) -> None:
        """Deposit a batch, complete when its `.part` is renamed. The receipt comes in the outbox.

        This door forgets what did not become whole in the session in which it was begun: it is sent anew.
        """
        with self._sftp.open(f"/inbox/{name}.part", "wb") as file:
            file.set_pipelined(True)
            for start in range(0, len(content), PIECE_BYTES):
                piece = content[start : start + PIECE_BYTES]
                file.write(piece)
                told(start + len(piece))
        self._sftp.posix_rename(f"/inbox/{name}.part", f"/inbox/{name}")

    def posted(self, after: int) -> list[Posted]:
        """See `Door.posted`: what lies in the folder; what has no name of the pattern is passed over."""
        found = []
        for name in sorted(self._sftp.listdir("/outbox")):
            try:
                found.append(Posted(after, name, name, names.parse(name).kind, None))
            except ValueError:
                continue
        return found

    def fetch(self, answer: Posted) -> bytes:
        """See `Door.fetch`.

        Raises:
            NotNow: there is no end to it.
        """
        with self._sftp.open(f"/outbox/{answer.id}", "rb") as file:
            content = file.read(ANSWER_BYTES + 1)
        if len(content) > ANSWER_BYTES:
            raise NotNow(f"{answer.name} goes on beyond {ANSWER_BYTES} bytes")
        return content

    def acknowledge(self, answer: Posted, content: bytes) -> None:  # noqa: ARG002 (as at the other door)
        """See `Door.acknowledge`: removing it says so."""
        self._sftp.remove(f"/outbox/{answer.id}")

    def collect(self, after: int) -> Iterator[tuple[int, Collected]]:
        """What lies in the outbox; each is put away once it was taken, so that the cursor stays."""
        return collect_from(self, after)

    def time(self) -> datetime | None:
        """SFTP does not tell the time."""
        return None

    def close(self) -> None:
        """Leave."""
        self._ssh.close()


@contextmanager
def enter(profile: Profile) -> Iterator[SftpDoor]:
    """The SFTP door, left at the end.

    Raises:
        Refused: the door refused.
        NotNow: it could not be reached, or it broke off.
    """
    door = None
    try:
        door = SftpDoor(profile)
        yield door
    except Refused:
        raise
    except paramiko.AuthenticationException as error:
        sentence = (
            f"{profile.sftp} does not know the key {profile.ssh_key.name}: ask the operator to register it"
        )
        raise Hindered(sentence) from error
    except paramiko.BadHostKeyException as error:
        sentence = (
            f"{profile.sftp} is not the gateway whose key stands in {profile.host_key.name}: do not send"
        )
        raise Hindered(sentence) from error
    except (paramiko.SSHException, EOFError, OSError) as error:
        if isinstance(error, OSError) and (error.errno in _OURS or error.filename is not None):
            raise  # what has a name is a file of this machine
        raise NotNow(f"{profile.sftp}: {str(error) or type(error).__name__}") from error
    finally:
        if door is not None:
            door.close()
