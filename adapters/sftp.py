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

paramiko speaks SSH; what it leaves open is closed in `ServerTransport`, `Login` and
`BoundedPacketizer`, which lean on its inner names: the version is pinned, the tests hold each.
"""

from __future__ import annotations

import logging
import socket
import stat
import struct
import threading
import time
import traceback
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path

import paramiko
import structlog
from paramiko import common, sftp
from paramiko.auth_handler import AuthHandler
from paramiko.packet import Packetizer

from adapters.durable import is_full
from adapters.limits import Gate, TooMuch
from adapters.simulation import NotNow, NotSimulated
from adapters.tray import Tray, TrialUpload, Tried
from adapters.triples import NotTaken, Part, PartUpload, Triples
from gateway.batch import MemberId
from gateway.moments import Clock, Received
from inbox.receive import Gone, Inbox, TooLarge, Unprovable, Upload, receive
from outbox.collect import Listed, NotFetched, Outbox, collect, put_away

log = structlog.get_logger()

VERSION_LINE = "SSH-2.0-Secugate"

# ML-KEM is hybrid with X25519 (draft-ietf-sshm-mlkem-hybrid-kex). AES-GCM alone among the ciphers:
# the client's order decides, and most clients would put the slower AES-CTR first.
KEY_EXCHANGES = ("mlkem768x25519-sha256", "curve25519-sha256@libssh.org")
HOST_KEYS = ("ssh-ed25519",)
CIPHERS = ("aes256-gcm@openssh.com", "aes128-gcm@openssh.com")
MACS = ("hmac-sha2-512-etm@openssh.com", "hmac-sha2-256-etm@openssh.com")
MEMBER_KEYS = ("ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256")
LEAST_RSA_BITS = 3072

# What OpenSSH allows: a packet of the transport, a packet of SFTP and the bytes of one read or write.
LARGEST_PACKET = 262_144
LARGEST_CHUNK = 261_120
LONGEST_VERSION_LINE = 1024

CHANNELS_PER_CONNECTION = 8
NAMES_REMEMBERED = 1000
LISTED_AT_ONCE = 100
LONGEST_NAME = 255
PARTIAL = (".part", ".filepart")
FOLDERS = ("inbox", "outbox", "simulation")
TRIALS = "simulation/"
"""Before the name of an upload that is only tried: no name holds a slash."""
TICK_SECONDS = 0.2
STOP_SECONDS = 10.0

LOOKS = frozenset(
    (
        sftp.CMD_OPEN,
        sftp.CMD_LSTAT,
        sftp.CMD_STAT,
        sftp.CMD_OPENDIR,
        sftp.CMD_REMOVE,
        sftp.CMD_RENAME,
        sftp.CMD_EXTENDED,
    )
)
"""The requests that are counted: each may ask the database. Reading and writing go by bytes."""

# paramiko logs user names, file names and tracebacks; ours are the only lines worth keeping.
SILENT = "secugate.paramiko"
logging.getLogger(SILENT).addHandler(logging.NullHandler())
logging.getLogger(SILENT).setLevel(logging.CRITICAL + 1)
logging.getLogger(SILENT).propagate = False

MemberOf = Callable[[str, Received], MemberId | None]
Words = tuple[str, ...]
Answer = tuple[int, bytes]


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
                            log.error("sftp.door_failed", **fault(error))

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


def fault(error: Exception) -> dict[str, str]:
    """What a log may say about a failure: its kind and place, never its message, which may quote a sender."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
    return {"error": type(error).__name__, "place": place}


class BoundedPacketizer(Packetizer):
    """Reads no more than a peer may reasonably send, be it logged in or not."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self._greeted = 0

    def start_handshake(self, timeout: float) -> None:
        """Start no timer thread: the door's own login time covers the handshake."""

    def read_all(self, n: int, check_rekey: bool = False) -> bytes:
        """Refuse a packet whose announced length would only fill memory."""
        if n > LARGEST_PACKET:
            raise paramiko.SSHException("packet too large")
        return super().read_all(n, check_rekey)

    def _read_timeout(self, timeout: float) -> bytes:
        chunk: bytes = super()._read_timeout(timeout)  # type: ignore[misc]  # not in the stubs
        self._greeted += len(chunk)
        if self._greeted > LONGEST_VERSION_LINE:
            raise paramiko.SSHException("version line too long")
        return chunk


class UnusableKey(paramiko.PKey):
    """Stands for a key of a kind we do not take. paramiko would hang up, and the next key never be tried."""


class Login(AuthHandler):
    """Public keys of the listed kinds, a few tries, nothing else."""

    def __init__(self, transport: ServerTransport) -> None:
        super().__init__(transport)
        self._tries_left = transport.login_tries
        self._asked = False

    @property
    def _server_handler_table(self) -> dict[int, Callable[[paramiko.Message], None]]:
        # Without answers to keyboard-interactive questions: nobody asked any, and reading one may
        # be made to take hours (its count of answers is believed).
        return {
            common.MSG_SERVICE_REQUEST: self._parse_service_request,  # type: ignore[attr-defined]
            common.MSG_USERAUTH_REQUEST: self._parse_userauth_request,  # type: ignore[attr-defined]
        }

    def _generate_key_from_request(self, algorithm: str, blob: bytes) -> paramiko.PKey | None:
        if algorithm not in MEMBER_KEYS:
            return UnusableKey()
        key: paramiko.PKey | None = super()._generate_key_from_request(algorithm, blob)  # type: ignore[misc]
        return key

    def _send_auth_result(self, username: str, method: str, result: int) -> None:
        super()._send_auth_result(username, method, result)  # type: ignore[misc]  # not in the stubs
        if result == common.AUTH_SUCCESSFUL:
            return
        if method == "none" and not self._asked:
            # RFC 4252, 5.2: this is how a client asks which methods there are.
            self._asked = True
            return
        self._tries_left -= 1
        if self._tries_left <= 0:
            self._disconnect_no_more_auth()  # type: ignore[attr-defined]  # not in the stubs


def feed(channel: paramiko.Channel, message: paramiko.Message) -> None:
    """Take what came on a channel, unless it is more than the window we opened."""
    channel._feed(message)  # type: ignore[attr-defined]  # not in the stubs
    if len(channel.in_buffer) > channel.in_window_size:
        raise paramiko.SSHException("more than the window allows")


def refuse_extended(_channel: paramiko.Channel, _message: paramiko.Message) -> None:
    """A client has nothing to say on standard error, and nobody would ever read it."""
    raise paramiko.SSHException("extended data from a client")


class ServerTransport(paramiko.Transport):
    """A connection's SSH transport with our lists and limits."""

    _channel_handler_table = {  # noqa: RUF012  # a table of paramiko's
        **paramiko.Transport._channel_handler_table,  # type: ignore[attr-defined]  # not in the stubs
        common.MSG_CHANNEL_DATA: feed,
        common.MSG_CHANNEL_EXTENDED_DATA: refuse_extended,
    }

    def __init__(self, sock: socket.socket, login_tries: int) -> None:
        others = set(paramiko.Transport._preferred_pubkeys) - set(MEMBER_KEYS)  # type: ignore[attr-defined]
        super().__init__(
            sock, disabled_algorithms={"pubkeys": sorted(others)}, packetizer_class=BoundedPacketizer
        )
        self.login_tries = login_tries
        self.local_version = VERSION_LINE
        self.set_log_channel(SILENT)
        options = self.get_security_options()
        options.kex = KEY_EXCHANGES
        options.key_types = HOST_KEYS
        options.ciphers = CIPHERS
        options.digests = MACS
        options.compression = ("none",)

    def _parse_newkeys(self, message: paramiko.Message) -> None:
        first = self.auth_handler is None
        super()._parse_newkeys(message)  # type: ignore[misc]  # not in the stubs
        if first:
            self.auth_handler = Login(self)

    def _parse_ext_info(self, message: paramiko.Message) -> None:
        """Pass over: we ask for no extension, and the count in it is believed when it is read."""


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
            log.error("sftp.login_failed", **fault(error))
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
            log.error("sftp.not_let_in", **fault(error))
            return False
        log.info("sftp.entered", member=str(member))
        return True


NO_ROOM = "we have no room for this now; it is our fault; nothing was kept, send it again later"
OUR_FAULT = "we could not do this now; it is our fault; send it again later, nothing is counted twice"


class StatusError(Exception):
    """A request that is answered with a status and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Fields:
    """The fields of a request, read in order. What is cut short is refused, never made up with zeros."""

    def __init__(self, packet: bytes, start: int) -> None:
        self._packet = packet
        self._at = start

    def take(self, size: int) -> bytes:
        """So many bytes.

        Raises:
            StatusError: when there are fewer.
        """
        end = self._at + size
        if end > len(self._packet):
            raise StatusError(sftp.SFTP_BAD_MESSAGE, "the request is cut short")
        taken, self._at = self._packet[self._at : end], end
        return taken

    def uint32(self) -> int:
        """A number of four bytes."""
        return int.from_bytes(self.take(4), "big")

    def uint64(self) -> int:
        """A number of eight bytes."""
        return int.from_bytes(self.take(8), "big")

    def string(self) -> bytes:
        """Bytes with their length before them."""
        return self.take(self.uint32())

    def text(self) -> str:
        """A string in UTF-8 without NUL, as every path and name must be.

        Raises:
            StatusError: when it is not.
        """
        try:
            text = self.string().decode()
        except UnicodeDecodeError:
            raise StatusError(sftp.SFTP_FAILURE, "names are written in UTF-8") from None
        if "\0" in text:
            raise StatusError(sftp.SFTP_FAILURE, "names hold no NUL")
        return text


def string(content: str | bytes) -> bytes:
    """A string as SFTP writes it."""
    content = content.encode() if isinstance(content, str) else content
    return struct.pack(">I", len(content)) + content


def status(code: int, sentence: str = "") -> Answer:
    """The answer that carries a status."""
    body = struct.pack(">I", code) + string(sentence or sftp.SFTP_DESC[code]) + string("en")
    return sftp.CMD_STATUS, body


def words(path: str) -> Words:
    """A path as the words of our tree, from its root. Going up from the root stays there."""
    found: list[str] = []
    for word in path.split("/"):
        if word == "..":
            del found[-1:]
        elif word not in ("", "."):
            found.append(word)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Entry:
    """A folder or file as a listing shows it.

    Attributes:
        size: bytes.
        mode: kind and permissions, as in stat(2).
        at: seconds since 1970.
    """

    name: str
    size: int
    mode: int
    at: int

    def attributes(self) -> bytes:
        """As SFTP writes them: size, permissions, times."""
        return struct.pack(">IQIII", 0x1 | 0x4 | 0x8, self.size, self.mode, self.at, self.at)

    def line(self) -> bytes:
        """A whole entry of a listing, with its line as `ls -l` prints it."""
        day = datetime.fromtimestamp(self.at, UTC).strftime("%b %d %H:%M")
        long = f"{stat.filemode(self.mode)} 1 secugate secugate {self.size:>12} {day} {self.name}"
        return string(self.name) + string(long) + self.attributes()


FOLDER = stat.S_IFDIR | 0o755
WRITABLE = stat.S_IFREG | 0o600
READABLE = stat.S_IFREG | 0o400


class Draft:
    """An upload under way in a session, itself an `inbox.receive.Upload`.

    Attributes:
        name: as the sender calls it at present; one that is only tried begins with `TRIALS`.
        upload: what is written to.
        size: bytes, up to the last one written.
        is_open: whether a handle writes to it.
    """

    def __init__(self, upload: Upload, name: str, sent: Callable[[int], None]) -> None:
        self.name = name
        self._sent = sent
        self.size = 0
        self.is_open = True
        self.upload = upload
        self._written = 0
        self._kept = False
        self._failure: str | None = None

    def write(self, offset: int, chunk: bytes) -> None:
        """Put bytes at an offset. After one failure the whole upload has failed.

        Raises:
            StatusError: beyond the limit on bytes, or after a failure.
        """
        if self._failure:
            raise StatusError(sftp.SFTP_FAILURE, self._failure)
        if not chunk:
            return
        try:
            self._sent(len(chunk))
            self.upload.write(offset, chunk)
        except (TooLarge, TooMuch, NotNow, NotTaken) as error:
            sentence = f"{error}; nothing was kept"
            self._fail(sentence)
            raise StatusError(sftp.SFTP_FAILURE, sentence) from None
        except Exception:
            self._fail(OUR_FAULT)
            raise
        self.size = max(self.size, offset + len(chunk))
        self._written += len(chunk)

    def _fail(self, sentence: str) -> None:
        self._failure = sentence
        self.upload.discard()

    @property
    def has_failed(self) -> bool:
        """Whether a write to it failed."""
        return self._failure is not None

    def check(self) -> None:
        """Whether it may be handed over.

        Raises:
            StatusError: after a failed write, or when bytes before its end were never written.
        """
        if self._failure:
            raise StatusError(sftp.SFTP_FAILURE, self._failure)
        if self._written < self.size:
            raise StatusError(sftp.SFTP_FAILURE, "bytes are missing; send the file again from its start")

    def keep(self, deposit: str, sender: str, received: datetime) -> tuple[int, str]:
        """File it under the id of a deposit; its size and digest."""
        kept = self.upload.keep(deposit, sender, received)
        self._kept = True
        return kept

    def discard(self) -> None:
        """Forget it, kept or not."""
        self.upload.discard()

    def abandon(self) -> None:
        """Forget it, unless it was kept: then it may have been entered, and the next start looks whether."""
        if not self._kept:
            self.upload.discard()


@dataclass(slots=True)
class Writing:
    """A handle on an upload; one that appends writes no earlier than at its end."""

    draft: Draft
    appends: bool


@dataclass(slots=True)
class Reading:
    """A handle on an answer, whose bytes are collected when they are first read; on that to a trial, which
    has its bytes at once, it is of no answer listed."""

    entry: Entry
    listed: Listed | None
    content: bytes | None = None


Listing = Iterator[Entry]
Handle = Writing | Reading | Listing

GONE = (EOFError, OSError, paramiko.SSHException)


class Incoming:
    """The packets a client sends on a channel."""

    def __init__(self, channel: paramiko.Channel) -> None:
        self._channel = channel
        self._buffer = bytearray()

    def packet(self) -> tuple[int, Fields]:
        """The next one: its type and what follows.

        Raises:
            EOFError: when there is none any more.
            StatusError: when it is empty, or larger than we said a packet may be.
        """
        size = int.from_bytes(self._take(4), "big")
        if not 0 < size <= LARGEST_PACKET:
            raise StatusError(sftp.SFTP_BAD_MESSAGE, "packet of an impossible size")
        packet = self._take(size)
        return packet[0], Fields(packet, 1)

    def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            received = self._channel.recv(self._channel.in_window_size)
            if not received:
                raise EOFError
            self._buffer += received
        with memoryview(self._buffer) as buffer:
            taken = bytes(buffer[:size])
        del self._buffer[:size]
        return taken


class Session(paramiko.SubsystemHandler):
    """One SFTP session (version 3, draft-ietf-secsh-filexfer-02) of a member, in a thread of its own."""

    def __init__(self, connection: Connection, member: MemberId, channel: paramiko.Channel) -> None:
        super().__init__(channel, "sftp", connection)
        self.member = member
        self._connection = connection
        self._channel = channel
        self._door = connection.door
        self._handles: dict[bytes, Handle] = {}
        self._handles_given = 0
        self._drafts: dict[str, Draft] = {}
        self._handed_over: OrderedDict[str, Entry] = OrderedDict()
        self._shelf: dict[str, Listed] = {}
        self._half_read: set[str] = set()
        self._requests: dict[int, Callable[[Fields], Answer]] = {
            sftp.CMD_OPEN: self._open,
            sftp.CMD_CLOSE: self._close,
            sftp.CMD_READ: self._read,
            sftp.CMD_WRITE: self._write,
            sftp.CMD_LSTAT: self._stat,
            sftp.CMD_STAT: self._stat,
            sftp.CMD_FSTAT: self._fstat,
            sftp.CMD_SETSTAT: self._setstat,
            sftp.CMD_FSETSTAT: self._fsetstat,
            sftp.CMD_OPENDIR: self._opendir,
            sftp.CMD_READDIR: self._readdir,
            sftp.CMD_REMOVE: self._remove,
            sftp.CMD_MKDIR: self._no_folders,
            sftp.CMD_RMDIR: self._no_folders,
            sftp.CMD_REALPATH: self._realpath,
            sftp.CMD_RENAME: self._rename,
            sftp.CMD_EXTENDED: self._extended,
        }

    def start_subsystem(self, _name: str, _transport: paramiko.Transport, channel: paramiko.Channel) -> None:
        """Answer requests until the client leaves."""
        try:
            self._converse(channel)
        except (*GONE, StatusError):
            pass  # It has left, or it does not speak SFTP.
        except Exception as error:
            log.error("sftp.session_failed", member=str(self.member), **fault(error))

    def finish_subsystem(self) -> None:
        """Forget what was left unfinished, say goodbye, and be counted out."""
        try:
            for draft in self._drafts.values():
                with suppress(OSError):  # The next start sweeps what stays.
                    draft.abandon()
            with suppress(*GONE):
                self._channel.send_exit_status(0)  # scp takes none for a failure
            with suppress(*GONE):
                super().finish_subsystem()
        finally:
            self._connection.session_ended(self, self._channel)

    def _converse(self, channel: paramiko.Channel) -> None:
        incoming = Incoming(channel)
        kind, _ = incoming.packet()
        if kind != sftp.CMD_INIT:
            return
        extensions = (b"posix-rename@openssh.com", b"1", b"limits@openssh.com", b"1")
        send(channel, sftp.CMD_VERSION, struct.pack(">I", 3) + b"".join(map(string, extensions)))
        while True:
            kind, fields = incoming.packet()
            self._connection.last_active = time.monotonic()
            number = fields.take(4)
            answered, answer = self._answer(kind, fields)
            send(channel, answered, number + answer)

    def _answer(self, kind: int, fields: Fields) -> Answer:
        request = self._requests.get(kind)
        if request is None:
            return status(sftp.SFTP_OP_UNSUPPORTED)
        try:
            if kind in LOOKS:
                self._door.gate.asked(self.member)
            return request(fields)
        except StatusError as refused:
            return status(refused.status, str(refused))
        except TooMuch as later:
            return status(sftp.SFTP_FAILURE, f"not now: {later}; nothing was done")
        except Exception as error:
            log.error("sftp.failed", member=str(self.member), **fault(error))
            return status(sftp.SFTP_FAILURE, NO_ROOM if is_full(error) else OUR_FAULT)

    def _open(self, fields: Fields) -> Answer:
        path, flags = words(fields.text()), fields.uint32()
        self._check_registered()
        self._check_room()
        if flags & ~sftp.SFTP_FLAG_READ:
            return self._give(self._open_for_writing(path, flags))
        if tried := self._tried(path):
            return self._give(Reading(tried_entry(tried), None, tried.content))
        listed = self._listed(path)
        if listed is None:
            raise self._unreadable(path)
        return self._give(Reading(answer_entry(listed), listed))

    def _open_for_writing(self, path: Words, flags: int) -> Writing:
        name = self._upload_name(path)
        draft = self._drafts.get(name)
        if draft is None:
            if not flags & sftp.SFTP_FLAG_CREATE:
                raise StatusError(sftp.SFTP_NO_SUCH_FILE, "no upload of this name in this session")
            draft = self._begin(name)
        elif draft.is_open:
            raise StatusError(sftp.SFTP_FAILURE, "this file is being written already")
        elif flags & sftp.SFTP_FLAG_EXCL:
            raise StatusError(sftp.SFTP_FAILURE, "there is an upload of this name already")
        elif flags & sftp.SFTP_FLAG_TRUNC:
            draft.abandon()
            draft = self._begin(name)
        draft.is_open = True
        return Writing(draft, bool(flags & sftp.SFTP_FLAG_APPEND))

    def _begin(self, name: str) -> Draft:
        self._drafts.pop(name, None)
        door = self._door
        door.gate.deposits(self.member)
        try:
            upload = self._upload(name)
        except NotTaken as no:
            raise StatusError(sftp.SFTP_FAILURE, str(no)) from None
        except Unprovable:
            sentence = (
                "we cannot prove now what we would take in (DOOR-UNPROVABLE); our fault: try again later"
            )
            raise StatusError(sftp.SFTP_FAILURE, sentence) from None
        draft = self._drafts[name] = Draft(upload, name, partial(door.gate.sent, self.member))
        return draft

    def _upload(self, name: str) -> Upload:
        """What is written to under a name: a trial, a file of a triple, or a deposit."""
        door = self._door
        if name.startswith(TRIALS):
            return door.tray.begin(self.member)
        part = self._part(name)
        return door.inbox.begin() if part is None else door.triples.begin(part, door.inbox.begin)

    def _part(self, name: str) -> Part | None:
        """The part of a triple that a file is by the name it will have."""
        return self._door.triples.part(self.member, _whole(name))

    def _close(self, fields: Fields) -> Answer:
        handle = self._handle(name := fields.string())
        del self._handles[name]
        if isinstance(handle, Writing):
            self._finish(handle.draft)
        return status(sftp.SFTP_OK)

    def _finish(self, draft: Draft) -> None:
        draft.is_open = False
        if not draft.name.endswith(PARTIAL):
            self._hand_over(draft, draft.name)
        elif draft.has_failed:
            del self._drafts[draft.name]
            draft.check()

    def _hand_over(self, draft: Draft, name: str) -> None:
        """Into custody, under a name. What fails here is forgotten: the sender has to send it again."""
        del self._drafts[draft.name]
        if isinstance(draft.upload, TrialUpload):
            self._try(draft, draft.upload, name)
            return
        if isinstance(draft.upload, PartUpload):
            self._take_part(draft, draft.upload)
            return
        try:
            draft.check()
            receipt = receive(self._door.inbox, draft, sender=str(self.member), name=name, door="sftp")
        except Gone as gone:
            raise StatusError(sftp.SFTP_FAILURE, str(gone)) from None
        except BaseException:
            draft.abandon()
            raise
        self._remember(name, draft)
        log.info("sftp.received", member=str(self.member), deposit=receipt.deposit, repeated=receipt.repeated)

    def _take_part(self, draft: Draft, upload: PartUpload) -> None:
        """A file of a triple; with the go the whole of it into custody."""
        try:
            draft.check()
            released = self._door.triples.take(self.member, upload)
        except NotTaken as no:
            raise StatusError(sftp.SFTP_FAILURE, str(no)) from None
        except BaseException:
            draft.abandon()
            raise
        self._remember(upload.part.file, draft)
        if released is not None:
            sender, name = str(self.member), upload.part.deposit
            try:
                receipt = receive(self._door.inbox, released, sender=sender, name=name, door="sftp")
            except Gone as gone:
                raise StatusError(sftp.SFTP_FAILURE, str(gone)) from None
            log.info("sftp.released", member=sender, deposit=receipt.deposit, repeated=receipt.repeated)

    def _try(self, draft: Draft, upload: TrialUpload, name: str) -> None:
        """Simulate a file; its answer lies in the folder then."""
        try:
            draft.check()
            self._door.tray.simulate(self.member, name.removeprefix(TRIALS), upload, self._now())
        except (NotNow, NotSimulated, TooLarge) as error:
            raise StatusError(sftp.SFTP_FAILURE, f"not simulated: {error}") from None
        finally:
            draft.abandon()
        self._remember(name, draft)
        log.info("sftp.simulated", member=str(self.member))

    def _remember(self, name: str, draft: Draft) -> None:
        """What was handed over is still shown to a client that asks for it by name."""
        self._handed_over[name] = Entry(_shown(name), draft.size, WRITABLE, self._now())
        if len(self._handed_over) > NAMES_REMEMBERED:
            self._handed_over.popitem(last=False)

    def _read(self, fields: Fields) -> Answer:
        handle, offset, length = self._handle(fields.string()), fields.uint64(), fields.uint32()
        if not isinstance(handle, Reading):
            raise StatusError(sftp.SFTP_PERMISSION_DENIED, "nothing is read from the inbox")
        if handle.content is None:
            handle.content = self._collect(handle.listed)
        chunk = handle.content[offset : offset + min(length, LARGEST_CHUNK)]
        if handle.listed is not None and chunk and offset + len(chunk) == len(handle.content):
            self._half_read.discard(handle.listed.answer.id)
        return (sftp.CMD_DATA, string(chunk)) if chunk else status(sftp.SFTP_EOF)

    def _collect(self, listed: Listed | None) -> bytes:
        assert listed is not None, "a trial has its bytes"
        content = collect(
            self._door.outbox, recipient=str(self.member), answer_id=listed.answer.id, door="sftp"
        )
        if content is None:
            raise StatusError(sftp.SFTP_NO_SUCH_FILE, "no such answer")
        self._half_read.add(listed.answer.id)
        log.info("sftp.collected", member=str(self.member), answer=listed.answer.id)
        return content

    def _write(self, fields: Fields) -> Answer:
        handle, offset, chunk = self._handle(fields.string()), fields.uint64(), fields.string()
        if not isinstance(handle, Writing):
            raise StatusError(sftp.SFTP_PERMISSION_DENIED, "nothing is written to the outbox")
        # Who resumes names the place: beyond our end, it is bytes we do not have, and no end to add to.
        place = max(offset, handle.draft.size) if handle.appends else offset
        handle.draft.write(place, chunk)
        return status(sftp.SFTP_OK)

    def _stat(self, fields: Fields) -> Answer:
        return sftp.CMD_ATTRS, self._entry(words(fields.text())).attributes()

    def _fstat(self, fields: Fields) -> Answer:
        handle = self._handle(fields.string())
        if isinstance(handle, Writing):
            entry = self._draft_entry(handle.draft)
        elif isinstance(handle, Reading):
            entry = handle.entry
        else:
            entry = self._folder("")
        return sftp.CMD_ATTRS, entry.attributes()

    def _setstat(self, fields: Fields) -> Answer:
        path = words(fields.text())
        entry = self._entry(path)
        if entry.mode != WRITABLE:
            raise StatusError(sftp.SFTP_PERMISSION_DENIED, "nothing can be changed about this")
        return self._keep_attributes(fields, entry.size)

    def _fsetstat(self, fields: Fields) -> Answer:
        handle = self._handle(fields.string())
        if not isinstance(handle, Writing):
            raise StatusError(sftp.SFTP_PERMISSION_DENIED, "nothing can be changed about this")
        return self._keep_attributes(fields, handle.draft.size)

    def _keep_attributes(self, fields: Fields, size: int) -> Answer:
        """Clients set times and permissions after an upload: harmless, and nothing to us. A size is more."""
        if fields.uint32() & 0x1 and fields.uint64() != size:
            raise StatusError(sftp.SFTP_OP_UNSUPPORTED, "a file is as long as what was written")
        return status(sftp.SFTP_OK)

    def _opendir(self, fields: Fields) -> Answer:
        path = words(fields.text())
        self._check_registered()
        self._check_room()
        if path == ():
            return self._give(iter([self._folder(name) for name in FOLDERS]))
        if path in (("inbox",), ("simulation",)):
            is_trial = path == ("simulation",)
            unfinished = [
                draft
                for draft in self._drafts.values()
                if draft.name.endswith(PARTIAL) and draft.name.startswith(TRIALS) is is_trial
            ]
            tried = self._door.tray.of(self.member).values() if is_trial else ()
            return self._give(iter([*map(self._draft_entry, unfinished), *map(tried_entry, tried)]))
        if path == ("outbox",):
            self._look_at_shelf()
            return self._give(iter([answer_entry(listed) for listed in self._shelf.values()]))
        raise StatusError(sftp.SFTP_NO_SUCH_FILE, "no such folder")

    def _readdir(self, fields: Fields) -> Answer:
        handle = self._handle(fields.string())
        if isinstance(handle, Writing | Reading):
            raise StatusError(sftp.SFTP_FAILURE, "not a folder")
        entries = list(islice(handle, LISTED_AT_ONCE))
        if not entries:
            return status(sftp.SFTP_EOF)
        lines = b"".join(entry.line() for entry in entries)
        return sftp.CMD_NAME, struct.pack(">I", len(entries)) + lines

    def _remove(self, fields: Fields) -> Answer:
        path = words(fields.text())
        self._check_registered()
        if listed := self._listed(path):
            self._put_away(listed)
            self._shelf.pop(listed.answer.name, None)
            return status(sftp.SFTP_OK)
        if tried := self._tried(path):
            self._door.tray.remove(self.member, tried.name)
            return status(sftp.SFTP_OK)
        draft = self._closed_draft(path)
        draft.abandon()
        del self._drafts[draft.name]
        return status(sftp.SFTP_OK)

    def _put_away(self, listed: Listed) -> None:
        """What is removed counts as acknowledged; so it has to be read, and in this session to its end."""
        member, answer = str(self.member), listed.answer.id
        if answer in self._half_read:
            raise StatusError(sftp.SFTP_PERMISSION_DENIED, "read it to its end first, then remove it")
        try:
            put_away(self._door.outbox, recipient=member, answer_id=answer, door="sftp")
        except NotFetched:
            raise StatusError(sftp.SFTP_PERMISSION_DENIED, "read it first, then remove it") from None

    def _no_folders(self, _fields: Fields) -> Answer:
        sentence = "there are inbox, outbox and simulation, and no other folders"
        raise StatusError(sftp.SFTP_PERMISSION_DENIED, sentence)

    def _realpath(self, fields: Fields) -> Answer:
        path = "/" + "/".join(words(fields.text()))
        return sftp.CMD_NAME, struct.pack(">I", 1) + string(path) + string(path) + struct.pack(">I", 0)

    def _rename(self, fields: Fields, *, replace: bool = False) -> Answer:
        source, target = words(fields.text()), words(fields.text())
        self._check_registered()
        draft = self._closed_draft(source)
        name = self._upload_name(target)
        if source[0] != target[0]:
            sentence = "what is only tried is no deposit; send it to inbox"
            raise StatusError(sftp.SFTP_PERMISSION_DENIED, sentence)
        there = self._drafts.get(name)
        if there is not None and there is not draft and (there.is_open or not replace):
            raise StatusError(sftp.SFTP_FAILURE, "there is an upload of this name already")
        self._check_stays(draft, name)
        if not name.endswith(PARTIAL):
            self._hand_over(draft, name)
        elif there is not draft:
            if there is not None:
                there.abandon()
            del self._drafts[draft.name]
            draft.name = name
            self._drafts[name] = draft
        return status(sftp.SFTP_OK)

    def _check_stays(self, draft: Draft, name: str) -> None:
        """A file of a triple is one from its first byte, and under its own name."""
        upload = draft.upload
        begun = upload.part if isinstance(upload, PartUpload) else None
        try:
            becomes = None if name.startswith(TRIALS) else self._part(name)
        except NotTaken as no:
            raise StatusError(sftp.SFTP_FAILURE, str(no)) from None
        if begun != becomes:
            raise StatusError(sftp.SFTP_FAILURE, "a file of a triple is put under its own name")

    def _extended(self, fields: Fields) -> Answer:
        name = fields.string()
        if name == b"posix-rename@openssh.com":
            return self._rename(fields, replace=True)
        if name == b"limits@openssh.com":
            handles = self._door.settings.handles_per_session
            return sftp.CMD_EXTENDED_REPLY, struct.pack(
                ">QQQQ", LARGEST_PACKET, LARGEST_CHUNK, LARGEST_CHUNK, handles
            )
        return status(sftp.SFTP_OP_UNSUPPORTED)

    def _check_registered(self) -> None:
        """A key that was ended ends what its sessions may do."""
        if not self._connection.is_still_registered():
            raise StatusError(sftp.SFTP_PERMISSION_DENIED, "this key is no longer registered")

    def _check_room(self) -> None:
        waiting = sum(not draft.is_open for draft in self._drafts.values())
        if len(self._handles) + waiting >= self._door.settings.handles_per_session:
            raise StatusError(
                sftp.SFTP_FAILURE, "too many files open or waiting for their rename in this session"
            )

    def _give(self, handle: Handle) -> Answer:
        self._handles_given += 1
        name = str(self._handles_given).encode()
        self._handles[name] = handle
        return sftp.CMD_HANDLE, string(name)

    def _handle(self, name: bytes) -> Handle:
        handle = self._handles.get(name)
        if handle is None:
            raise StatusError(sftp.SFTP_FAILURE, "no such handle")
        return handle

    def _upload_name(self, path: Words) -> str:
        """The name a path gives to an upload, in the inbox or to be tried.

        Raises:
            StatusError: when the path is not one of a file in these folders.
        """
        if len(path) != 2 or path[0] not in ("inbox", "simulation"):
            raise StatusError(sftp.SFTP_PERMISSION_DENIED, "put files into inbox, nowhere else")
        # A part name is the client's business: the limit is on the name it will have.
        if len(_whole(path[1]).encode()) > LONGEST_NAME:
            raise StatusError(sftp.SFTP_FAILURE, f"a name has at most {LONGEST_NAME} bytes")
        return _key(path)

    def _closed_draft(self, path: Words) -> Draft:
        """The upload of this session at a path, closed and waiting for its rename.

        Raises:
            StatusError: when there is none.
        """
        draft = self._drafts.get(_key(path)) if _is_upload(path) else None
        if draft is None:
            self._entry(path)  # What is not there cannot be touched; what is there must not.
            raise StatusError(sftp.SFTP_PERMISSION_DENIED, "this is not yours to move or remove")
        if draft.is_open:
            raise StatusError(sftp.SFTP_FAILURE, "this file is still open")
        return draft

    def _unreadable(self, path: Words) -> StatusError:
        self._entry(path)
        return StatusError(sftp.SFTP_PERMISSION_DENIED, "only answers in outbox can be read")

    def _entry(self, path: Words) -> Entry:
        """What is at a path, as this member sees it.

        Raises:
            StatusError: when there is nothing.
        """
        if path == () or (len(path) == 1 and path[0] in FOLDERS):
            return self._folder("".join(path))
        if _is_upload(path):
            if draft := self._drafts.get(_key(path)):
                return self._draft_entry(draft)
            if handed_over := self._handed_over.get(_key(path)):
                return handed_over
        if tried := self._tried(path):
            return tried_entry(tried)
        if listed := self._listed(path):
            return answer_entry(listed)
        raise StatusError(sftp.SFTP_NO_SUCH_FILE, "no such file")

    def _listed(self, path: Words) -> Listed | None:
        """The answer at a path. The shelf is asked again only for names it did not show before."""
        if len(path) != 2 or path[0] != "outbox":
            return None
        if path[1] not in self._shelf:
            self._look_at_shelf()
        return self._shelf.get(path[1])

    def _tried(self, path: Words) -> Tried | None:
        """The answer to a trial at a path."""
        if len(path) != 2 or path[0] != "simulation":
            return None
        return self._door.tray.of(self.member).get(path[1])

    def _look_at_shelf(self) -> None:
        visible = self._door.outbox.collection.visible(str(self.member))
        self._shelf = {listed.answer.name: listed for listed in visible}

    def _folder(self, name: str) -> Entry:
        return Entry(name, 0, FOLDER, self._now())

    def _draft_entry(self, draft: Draft) -> Entry:
        return Entry(_shown(draft.name), draft.size, WRITABLE, self._now())

    def _now(self) -> int:
        return int(self._door.clock().timestamp())


def _is_upload(path: Words) -> bool:
    return len(path) == 2 and path[0] in ("inbox", "simulation")


def _key(path: Words) -> str:
    """By what an upload is known in a session."""
    return path[1] if path[0] == "inbox" else TRIALS + path[1]


def _whole(name: str) -> str:
    """The name that an upload will have."""
    return next((name.removesuffix(end) for end in PARTIAL if name.endswith(end)), name)


def _shown(name: str) -> str:
    return name.removeprefix(TRIALS)


def tried_entry(tried: Tried) -> Entry:
    """The answer to a trial as a listing shows it."""
    return Entry(tried.name, len(tried.content), READABLE, tried.at)


def answer_entry(listed: Listed) -> Entry:
    """An answer as a listing shows it."""
    answer = listed.answer
    return Entry(answer.name, answer.size, READABLE, int(answer.posted.timestamp()))


def send(channel: paramiko.Channel, kind: int, body: bytes) -> None:
    """One packet to the client."""
    channel.sendall(struct.pack(">IB", len(body) + 1, kind) + body)
