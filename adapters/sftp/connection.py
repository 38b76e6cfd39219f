"""A client at the door: its login, and the SFTP sessions it opens."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import paramiko
import structlog
from paramiko import common

from adapters.faults import place_of
from adapters.sftp.session import Session
from adapters.sftp.transport import LEAST_RSA_BITS, ServerTransport, UnusableKey
from gateway.batch import MemberId

if TYPE_CHECKING:
    from adapters.sftp import SftpDoor

log = structlog.get_logger()

CHANNELS_PER_CONNECTION = 8


class Connection(paramiko.ServerInterface):
    """One client at the door: who it is, and the SFTP sessions it has. paramiko asks it what is allowed."""

    def __init__(self, door: SftpDoor, sock: socket.socket, address: str) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.door = door
        self.address = address
        self.transport = ServerTransport(sock, door.settings.login_tries)
        self.last_active = time.monotonic()
        self._sock = sock
        self._key: paramiko.PKey | None = None
        self._member: MemberId | None = None
        self._lock = threading.Lock()
        self._opened = 0
        self._channels: dict[int, paramiko.Channel] = {}
        self._sessions: dict[int, Session] = {}

    def start(self) -> None:
        """Begin to speak SSH, in a thread of its own."""
        self.transport.start_server(event=threading.Event(), server=self)

    @property
    def logged_in(self) -> bool:
        """Whether a key was accepted and its signature was right."""
        return self.transport.is_authenticated()

    def has_ended(self) -> bool:
        """Whether nothing of it is left."""
        if self.transport.is_alive():
            return False
        self.transport.close()  # Its thread may have died before it could: then all is still open.
        with self._lock:
            return not self._sessions

    def is_overdue(self, now: float) -> bool:
        """Whether it took too long to log in, or has been idle for too long (seconds, monotonic)."""
        limits = self.door.settings
        allowed = limits.idle_seconds if self.logged_in else limits.login_seconds
        return now - self.last_active > allowed

    def hang_up(self) -> None:
        """Cut the connection; its threads notice and end."""
        with suppress(OSError):  # It may be cut already.
            self._sock.shutdown(socket.SHUT_RDWR)

    def join(self, deadline: float) -> None:
        """Wait for its threads until a moment (seconds, monotonic)."""
        self.transport.join(max(0, deadline - time.monotonic()))
        self.transport.close()
        with self._lock:
            sessions = list(self._sessions.values())  # no more are begun now
        for session in sessions:
            session.join(max(0, deadline - time.monotonic()))

    def is_still_registered(self) -> bool:
        """Whether the key of this login is still its member's."""
        return self._key is not None and self.door.member_with(self._key) == self._member

    def session_ended(self, session: Session, channel: paramiko.Channel) -> None:
        """Count a session out."""
        self.door.leave_seat(session.member)
        with self._lock:
            self._opened -= 1
            self._channels.pop(channel.chanid, None)
            self._sessions.pop(channel.chanid, None)

    def get_allowed_auths(self, _username: str) -> str:
        """Public keys, nothing else."""
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        """Whether this key may log in under this name. Any doubt means no."""
        try:
            member = self._entrant(username, key)
        except Exception as error:
            log.error("sftp.login_failed", reason=place_of(error))
            member = None
        self._key, self._member = key, member
        if member is None:
            self.door.gate.failed(self.address)
        return common.AUTH_FAILED if member is None else common.AUTH_SUCCESSFUL

    def _entrant(self, username: str, key: paramiko.PKey) -> MemberId | None:
        # The register is asked whatever the name, so that no name is told from another by time.
        member = self.door.member_with(key)
        if isinstance(key, UnusableKey) or (
            isinstance(key, paramiko.RSAKey) and key.get_bits() < LEAST_RSA_BITS
        ):
            return None
        return member if member is not None and str(member) == username else None

    def check_channel_request(self, kind: str, _chanid: int) -> int:
        """Sessions, and not too many of them; no forwarding of anything."""
        if kind != "session":
            return common.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
        with self._lock:
            if self._opened >= CHANNELS_PER_CONNECTION:
                return common.OPEN_FAILED_RESOURCE_SHORTAGE
            self._opened += 1
        return common.OPEN_SUCCEEDED

    def check_channel_subsystem_request(self, channel: paramiko.Channel, name: str) -> bool:
        """SFTP, once per channel."""
        # paramiko keeps every channel in a queue for ever, and nowhere else: it is emptied here.
        for waiting in iter(lambda: self.transport.accept(0), None):
            self._channels[waiting.chanid] = waiting
        member = self._member
        if name != "sftp" or member is None or channel.chanid in self._sessions:
            return False
        if not self.door.take_seat(member):
            return False
        session = Session(self, member, channel)
        with self._lock:
            self._sessions[channel.chanid] = session
        try:
            session.start()
        except RuntimeError as error:  # no thread left
            self.session_ended(session, channel)
            log.error("sftp.not_let_in", reason=place_of(error))
            return False
        log.info("sftp.entered", member=str(member))
        return True
