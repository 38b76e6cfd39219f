"""A gateway's in-tray and out-tray behind a real SFTP door on a free port, and clients to knock with."""

from __future__ import annotations

import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import paramiko
from paramiko import sftp

from adapters.limits import Gate
from adapters.sftp import SftpDoor, SftpSettings
from adapters.sftp.packets import LARGEST_CHUNK
from adapters.spool import Spool
from adapters.tray import Tray
from adapters.triples import Triples
from gateway.batch import MemberId
from gateway.moments import Received
from inbox.receive import Deposit, Inbox, Receipt
from outbox.collect import Outbox
from outbox.post import Answer, post
from tests.doors.memory import MemoryRegister, MemoryShelves, MemoryTrials
from tests.sealed import MemoryFileKeys

ALICE = MemberId("2099990001299", "000001")
BOB = MemberId("2099990002099", "000002")
NOW = datetime(2026, 8, 3, 9, 15, tzinfo=UTC)
LIMIT = 10_000_000
KINDS = {
    "host": ("ed25519", ""),
    "alice": ("ed25519", ""),
    "bob": ("ed25519", ""),
    "stranger": ("ed25519", ""),
    "rsa3072": ("rsa", "3072"),
    "rsa2048": ("rsa", "2048"),
    "ecdsa": ("ecdsa", "256"),
}


@dataclass(frozen=True)
class Keys:
    """Key pairs as `ssh-keygen` makes them, one of each kind, in a folder."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> Keys:
        for name, (kind, bits) in KINDS.items():
            size = ["-b", bits] if bits else []
            command = ["ssh-keygen", "-q", "-t", kind, *size, "-N", "", "-C", "", "-f", str(folder / name)]
            subprocess.run(command, check=True)
        return cls(folder)

    def file(self, name: str) -> Path:
        return self.folder / name

    def private(self, name: str) -> paramiko.PKey:
        return paramiko.PKey.from_path(self.file(name))

    def fingerprint(self, name: str) -> str:
        command = ["ssh-keygen", "-lf", str(self.file(name + ".pub"))]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[1]


class Register(MemoryRegister):
    """A register that can be away, as a database can."""

    def __init__(self) -> None:
        super().__init__()
        self.is_away = False

    def enter(self, deposit: Deposit) -> Receipt:
        if self.is_away:
            raise ConnectionError("the database is away")
        return super().enter(deposit)


@dataclass
class House:
    """A door with what is behind it."""

    keys: Keys
    folder: Path
    spool: Spool
    register: Register
    shelves: MemoryShelves
    registered: dict[str, MemberId]
    door: SftpDoor
    trials: MemoryTrials
    host: str = ""
    port: int = 0

    def post(self, recipient: MemberId, name: str, content: bytes) -> Answer:
        return post(
            self.shelves, recipient=str(recipient), kind="ACKTRT", name=name, content=content, posted=NOW
        )

    def kept(self) -> dict[str, bytes]:
        """The bytes of every deposit that has a file, by id."""
        return {deposit: self.spool.read(deposit) for deposit in self.spool.ids()}

    def under_way(self) -> list[str]:
        return [file.name for file in self.spool.incoming.iterdir()]

    def is_empty(self) -> bool:
        return not self.register.deposits and not self.kept() and not self.under_way()

    def socket(self) -> socket.socket:
        return socket.create_connection((self.host, self.port), timeout=20)

    @contextmanager
    def transport(self, key: str | None = "alice", user: MemberId = ALICE) -> Iterator[paramiko.Transport]:
        """A paramiko client, logged in unless the key is None."""
        transport = paramiko.Transport(self.socket())
        try:
            transport.start_client(timeout=20)
            if key is not None:
                transport.auth_publickey(str(user), self.keys.private(key))
            yield transport
        finally:
            transport.close()

    @contextmanager
    def raw(self, key: str = "alice", user: MemberId = ALICE) -> Iterator[Raw]:
        """An SFTP session spoken by hand."""
        with self.transport(key, user) as transport:
            yield Raw(transport)

    @contextmanager
    def paramiko(self, key: str = "alice", user: MemberId = ALICE) -> Iterator[paramiko.SFTPClient]:
        with self.transport(key, user) as transport, transport.open_sftp_client() as client:
            yield client

    def options(self, *keys: str) -> list[str]:
        """What every OpenSSH client is told: our host key only, these keys only, no questions."""
        known = self.folder / "known_hosts"
        kind, key = self.keys.file("host.pub").read_text().split()[:2]
        # Whole at every moment: clients that run at once read it while others write it.
        part = known.with_name(f"known_hosts.{threading.get_ident()}")
        part.write_text(f"[{self.host}]:{self.port} {kind} {key}\n")
        part.replace(known)
        told = ["StrictHostKeyChecking=yes", f"UserKnownHostsFile={known}", "GlobalKnownHostsFile=/dev/null"]
        told += ["IdentitiesOnly=yes", "IdentityAgent=none", "BatchMode=yes", "ConnectTimeout=20"]
        told += [f"IdentityFile={self.keys.file(key)}" for key in keys]
        return ["-F", "/dev/null", *(word for one in told for word in ("-o", one))]

    def openssh(self, program: str, *words: str, keys: tuple[str, ...] = ("alice",), told: str = "") -> Done:
        """Run `ssh`, `sftp` or `scp`."""
        port = "-p" if program == "ssh" else "-P"
        command = [program, *self.options(*keys), port, str(self.port), *words]
        return subprocess.run(command, input=told, text=True, capture_output=True, timeout=120, check=False)

    def sftp(self, *commands: str, user: MemberId | str = ALICE, keys: tuple[str, ...] = ("alice",)) -> Done:
        """Run a batch of `sftp` commands; it stops at the first that fails."""
        told = "".join(command + "\n" for command in commands)
        return self.openssh("sftp", "-b", "-", f"{user}@{self.host}", keys=keys, told=told)


Done = subprocess.CompletedProcess[str]


@contextmanager
def house(
    keys: Keys,
    folder: Path,
    *,
    limit: int = LIMIT,
    clock: Callable[[], datetime] = lambda: NOW,
    register: Register | None = None,
    registered: dict[str, MemberId] | None = None,
    gate: Gate | None = None,
    **limits: float,
) -> Iterator[House]:
    """An open door over an empty in-tray; Alice and Bob are members. Closed at the end."""
    spool = Spool(folder / "spool", limit, MemoryFileKeys())
    spool.create()
    register = register or Register()
    shelves, trials = MemoryShelves(), MemoryTrials(limit)
    if registered is None:
        registered = {keys.fingerprint(name): ALICE for name in ("alice", "rsa3072", "rsa2048", "ecdsa")}
        registered[keys.fingerprint("bob")] = BOB

    def member_of(fingerprint: str, at: Received) -> MemberId | None:
        assert at == Received(clock())
        return registered.get(fingerprint)

    door = SftpDoor(
        SftpSettings(port=0, **limits),  # type: ignore[arg-type]
        inbox=Inbox(spool.begin, register, clock),
        outbox=Outbox(shelves, clock),
        tray=Tray(trials, tick=lambda: clock().timestamp()),
        triples=Triples(lambda member: member == ALICE, limit, tick=lambda: clock().timestamp()),
        member_of=member_of,
        clock=clock,
        gate=gate or Gate(),
        host_key=keys.file("host"),
    )
    opened = House(keys, folder, spool, register, shelves, registered, door, trials)
    opened.host, opened.port = door.start()
    try:
        yield opened
    finally:
        door.stop()


class U64(int):
    """A number that takes eight bytes in a packet."""


class Raw:
    """SFTP by hand: any packet may be sent, and answers are seen as they are."""

    def __init__(self, transport: paramiko.Transport) -> None:
        self.channel = transport.open_session(timeout=20)
        self.channel.settimeout(20)
        self.channel.invoke_subsystem("sftp")
        self._number = 0
        self.send(bytes([sftp.CMD_INIT]) + struct.pack(">I", 3))
        kind, body = self.receive()
        assert kind == sftp.CMD_VERSION
        self.version = struct.unpack(">I", body[:4])[0]
        self.extensions = dict(zip(*[iter(strings(body[4:]))] * 2, strict=True))

    def send(self, packet: bytes) -> None:
        self.channel.sendall(struct.pack(">I", len(packet)) + packet)

    def receive(self) -> tuple[int, bytes]:
        """The type and body of the next packet.

        Raises:
            EOFError: when the door closed the session.
        """
        packet = self._take(struct.unpack(">I", self._take(4))[0])
        return packet[0], packet[1:]

    def _take(self, size: int) -> bytes:
        taken = b""
        while len(taken) < size:
            received = self.channel.recv(size - len(taken))
            if not received:
                raise EOFError
            taken += received
        return taken

    def ask(self, kind: int, *fields: int | str | bytes) -> tuple[int, bytes]:
        """Send a request and get its answer: the type, and the body after the request's number."""
        self._number += 1
        message = paramiko.Message()
        message.add_int(self._number)
        for field in fields:
            if isinstance(field, U64):
                message.add_int64(field)
            elif isinstance(field, int):
                message.add_int(field)
            else:
                message.add_string(field)
        self.send(bytes([kind]) + message.asbytes())
        answered, body = self.receive()
        assert struct.unpack(">I", body[:4])[0] == self._number
        return answered, body[4:]

    def status(self, kind: int, *fields: int | str | bytes) -> tuple[int, str]:
        """Send a request that is answered with a status; its code and sentence."""
        answered, body = self.ask(kind, *fields)
        assert answered == sftp.CMD_STATUS, answered
        return struct.unpack(">I", body[:4])[0], strings(body[4:])[0].decode()

    def code(self, kind: int, *fields: int | str | bytes) -> int:
        return self.status(kind, *fields)[0]

    def open(self, path: str | bytes, flags: int) -> bytes:
        """A handle on a file."""
        answered, body = self.ask(sftp.CMD_OPEN, path, flags, 0)
        assert answered == sftp.CMD_HANDLE, body
        return strings(body)[0]

    def write(self, handle: bytes, offset: int, chunk: bytes) -> int:
        return self.code(sftp.CMD_WRITE, handle, U64(offset), chunk)

    def close(self, handle: bytes) -> int:
        return self.code(sftp.CMD_CLOSE, handle)

    def put(self, path: str | bytes, content: bytes) -> int:
        """Upload at once; the status of the close."""
        handle = self.open(path, NEW)
        for offset in range(0, len(content), LARGEST_CHUNK):
            chunk = content[offset : offset + LARGEST_CHUNK]
            assert self.write(handle, offset, chunk) == sftp.SFTP_OK
        return self.close(handle)

    def size(self, path: str) -> int:
        answered, body = self.ask(sftp.CMD_STAT, path)
        assert answered == sftp.CMD_ATTRS, body
        return int(struct.unpack(">Q", body[4:12])[0])


NEW = sftp.SFTP_FLAG_WRITE | sftp.SFTP_FLAG_CREATE | sftp.SFTP_FLAG_TRUNC
AGAIN = sftp.SFTP_FLAG_WRITE
READ = sftp.SFTP_FLAG_READ


def strings(body: bytes) -> list[bytes]:
    """The strings a body is made of."""
    found = []
    while body:
        size = struct.unpack(">I", body[:4])[0]
        found.append(body[4 : 4 + size])
        body = body[4 + size :]
    return found
