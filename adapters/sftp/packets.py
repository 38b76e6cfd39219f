"""SFTP on the wire, version 3 (draft-ietf-secsh-filexfer-02): packets, their fields, and paths as words."""

from __future__ import annotations

import stat
import struct
from dataclasses import dataclass
from datetime import UTC, datetime

import paramiko
from paramiko import sftp

# What OpenSSH allows: a packet of the transport, a packet of SFTP and the bytes of one read or write.
LARGEST_PACKET = 262_144
LARGEST_CHUNK = 261_120

Words = tuple[str, ...]
Answer = tuple[int, bytes]


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


def send(channel: paramiko.Channel, kind: int, body: bytes) -> None:
    """One packet to the client."""
    channel.sendall(struct.pack(">IB", len(body) + 1, kind) + body)
