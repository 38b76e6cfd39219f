"""The SFTP door: deposits in through `inbox/`, answers out of `outbox/`. Public keys only.

A member sees four folders and no file system: paths are read as words and matched against this
small tree, so no name a sender gives ever reaches the disk.

`/inbox`
    Write here. An upload is complete when its file is closed, or, when its name ends in `.part` or
    `.filepart`, when it is renamed to a name that does not. That close or rename is answered OK only
    after `inbox.receive` has given the receipt, which then lies in the outbox. What is complete has
    left the folder; what is not belongs to the session and is forgotten at its end.
    For members with whom it was agreed, FI., FS., GO. and TD. before a name say that a file is one of
    a triple; see `adapters.triples`.
`/outbox`
    Read here. The first read of an answer is its collection and entered in the journal. An answer that was
    read to its end may be removed: that acknowledges it, and hides it here; nothing is deleted.
`/simulation`
    Write here what is only to be tried; complete as in the inbox. The close or rename is answered OK once the
    signed answer lies beside it, as NAME.SIMRES.xml, to be read within ten minutes; see `adapters.tray`.

The order of a login, each step before the next: room for one more connection; version line and key
exchange from the lists below; a registered key whose member is the user name; the sftp subsystem
and nothing else. All before the subsystem ends with the login grace time.
"""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import paramiko
import structlog

from adapters.faults import place_of
from adapters.limits import Gate
from adapters.sftp.connection import Connection
from adapters.tray import Tray
from adapters.triples import Triples
from gateway.batch import MemberId
from gateway.moments import Clock, Received
from inbox.receive import Inbox
from outbox.collect import Outbox

log = structlog.get_logger()

TICK_SECONDS = 0.2
STOP_SECONDS = 10.0

MemberOf = Callable[[str, Received], MemberId | None]


@dataclass(frozen=True, slots=True)
class SftpSettings:
    """Where the door listens, and its limits.

    Attributes:
        host: address to listen on.
        port: 0 takes a free one.
        login_seconds: from connection to login; then the connection is closed.
        login_tries: keys a client may offer.
        idle_seconds: without an SFTP request; then the connection is closed.
        connections: at once.
        connections_per_address: at once.
        pending_logins: connections not logged in, at once.
        sessions_per_member: SFTP sessions at once.
        handles_per_session: files and folders open, and uploads waiting for their rename.
        shared: other processes may listen there too; the system spreads who comes over them.
    """

    host: str = "127.0.0.1"
    port: int = 8022
    login_seconds: float = 30
    login_tries: int = 3
    idle_seconds: float = 600
    connections: int = 256
    connections_per_address: int = 32
    pending_logins: int = 64
    sessions_per_member: int = 16
    handles_per_session: int = 32
    shared: bool = False


class SftpDoor:
    """The SFTP door of a gateway: one thread that lets in and looks after who is in.

    Args:
        settings: where to listen, and limits.
        inbox: where deposits end.
        outbox: whose answers are collected.
        tray: where files are tried.
        triples: where batches wait for their go.
        member_of: the member of a key's `SHA256:…` fingerprint at a moment, if any.
        clock: asked at each login.
        gate: counts who comes, how often and with how much.
        host_key: file of our Ed25519 key, readable by us alone.
    """

    def __init__(
        self,
        settings: SftpSettings,
        *,
        inbox: Inbox,
        outbox: Outbox,
        tray: Tray,
        triples: Triples,
        member_of: MemberOf,
        clock: Clock,
        gate: Gate,
        host_key: Path,
    ) -> None:
        self.settings = settings
        self.inbox = inbox
        self.outbox = outbox
        self.tray = tray
        self.triples = triples
        self.clock = clock
        self.gate = gate
        self._member_of = member_of
        self._host_key_file = host_key
        self._connections: set[Connection] = set()
        self._sessions: Counter[MemberId] = Counter()
        self._sessions_lock = threading.Lock()
        self._stopping = threading.Event()

    def start(self) -> tuple[str, int]:
        """Listen; the address we are at.

        Raises:
            PermissionError: when others may read the host key.
            OSError: when the key cannot be read or the address not be taken.
            paramiko.SSHException: when the host key is not an Ed25519 key.
        """
        self._host_key = load_host_key(self._host_key_file)
        family = socket.AF_INET6 if ":" in self.settings.host else socket.AF_INET
        self._listener = socket.create_server(
            (self.settings.host, self.settings.port),
            family=family,
            backlog=128,
            reuse_port=self.settings.shared,
        )
        self._listener.settimeout(TICK_SECONDS)
        self._porter = threading.Thread(target=self._keep_door, name="sftp", daemon=True)
        self._porter.start()
        host, port = self._listener.getsockname()[:2]
        return str(host), int(port)

    def stop(self) -> None:
        """Let nobody in any more, close all connections, and wait for what is being received."""
        self._stopping.set()
        with suppress(OSError):  # It may have been stopped before.
            self._listener.shutdown(socket.SHUT_RDWR)
        self._porter.join()
        self._listener.close()
        for connection in self._connections:
            connection.hang_up()
        deadline = time.monotonic() + STOP_SECONDS
        for connection in self._connections:
            connection.join(deadline)
        self.triples.forget_all()

    def member_with(self, key: paramiko.PKey) -> MemberId | None:
        """Whose key this is now, if anybody's."""
        return self._member_of(key.fingerprint, Received(self.clock()))

    def take_seat(self, member: MemberId) -> bool:
        """Count one more session of a member; False when there are enough."""
        with self._sessions_lock:
            if self._sessions[member] >= self.settings.sessions_per_member:
                return False
            self._sessions[member] += 1
            return True

    def leave_seat(self, member: MemberId) -> None:
        """Count one session less."""
        with self._sessions_lock:
            self._sessions[member] -= 1
            if not self._sessions[member]:
                del self._sessions[member]

    def _keep_door(self) -> None:
        while not self._stopping.is_set():
            for step in (self._let_one_in, self._look_round):
                try:
                    step()
                except Exception as error:  # no descriptor or no thread left: those who are in go on
                    if not self._stopping.wait(TICK_SECONDS):
                        with suppress(Exception):
                            log.error("sftp.door_failed", reason=place_of(error))

    def _let_one_in(self) -> None:
        try:
            sock, address = self._listener.accept()
        except TimeoutError:
            return
        if self._is_full(str(address[0])) or not self.gate.may_connect(str(address[0])):
            sock.close()
            return
        try:
            connection = Connection(self, sock, str(address[0]))
            connection.transport.add_server_key(self._host_key)
            connection.start()
        except Exception:
            sock.close()
            raise
        self._connections.add(connection)

    def _is_full(self, address: str) -> bool:
        limits = self.settings
        return (
            len(self._connections) >= limits.connections
            or sum(one.address == address for one in self._connections) >= limits.connections_per_address
            or sum(not one.logged_in for one in self._connections) >= limits.pending_logins
        )

    def _look_round(self) -> None:
        now = time.monotonic()
        for connection in list(self._connections):
            if connection.has_ended():
                self._connections.discard(connection)
            elif connection.is_overdue(now):
                connection.hang_up()
        self.triples.forget_old()


def load_host_key(file: Path) -> paramiko.Ed25519Key:
    """Our host key.

    Raises:
        PermissionError: when others than its owner may read the file.
        OSError: when it cannot be read.
        paramiko.SSHException: when it is not an Ed25519 key.
    """
    if file.stat().st_mode & 0o077:
        raise PermissionError(f"{file} must be readable by its owner alone (mode 0600)")
    return paramiko.Ed25519Key(filename=str(file))
