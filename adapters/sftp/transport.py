"""SSH as this door speaks it: paramiko, with our lists of algorithms and our limits.

What paramiko leaves open is closed here by leaning on its inner names: its version is pinned, and tests hold
each.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable

import paramiko
from paramiko import common
from paramiko.auth_handler import AuthHandler
from paramiko.packet import Packetizer

from adapters.sftp.packets import LARGEST_PACKET

VERSION_LINE = "SSH-2.0-Secugate"
LONGEST_VERSION_LINE = 1024

# ML-KEM is hybrid with X25519 (draft-ietf-sshm-mlkem-hybrid-kex). AES-GCM alone among the ciphers:
# the client's order decides, and most clients would put the slower AES-CTR first.
KEY_EXCHANGES = ("mlkem768x25519-sha256", "curve25519-sha256@libssh.org")
HOST_KEYS = ("ssh-ed25519",)
CIPHERS = ("aes256-gcm@openssh.com", "aes128-gcm@openssh.com")
MACS = ("hmac-sha2-512-etm@openssh.com", "hmac-sha2-256-etm@openssh.com")
MEMBER_KEYS = ("ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256")
LEAST_RSA_BITS = 3072

# paramiko logs user names, file names and tracebacks; ours are the only lines worth keeping.
SILENT = "secugate.paramiko"
logging.getLogger(SILENT).addHandler(logging.NullHandler())
logging.getLogger(SILENT).setLevel(logging.CRITICAL + 1)
logging.getLogger(SILENT).propagate = False


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
