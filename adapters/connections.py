"""Connections of the HTTPS door: TLS 1.2 or later, who is at the other end, and limits.

Who is at the other end is told by this handshake and by nothing else. Where one proxy of the operator ends
TLS in our place, that proxy tells it in the header fields of RFC 9440, over a socket that only our own user
may use, with a secret in each request; there is no TCP listener then. In both cases the application sees only
the header fields listed in `HEARD`: whatever else claims to tell who comes never reaches it.

The order for a connection, each step with its time: room for one more; the handshake; the head of a
request; its body, as long as something of it keeps coming. Nobody is known before the first request
is answered, so nothing before it may cost us much.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import os
import re
import socket
import ssl
import stat
import struct
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import structlog
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from adapters.faults import place_of

log = structlog.get_logger()

PEER = "secugate.peer"
Served = Callable[[Any, Any, Any], Awaitable[None]]
"""An application (ASGI)."""
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
LARGEST_HEAD = 65_536
TICK_SECONDS = 0.5
STOP_SECONDS = 4
"""For requests under way when the door closes; a client that goes on asking must not keep it open."""
HEARD = frozenset(
    (
        b"accept-language",
        b"authorization",
        b"content-digest",
        b"content-length",
        b"content-type",
        b"cookie",
        b"host",
        b"hx-request",
        b"origin",
        b"repr-digest",
        b"sec-fetch-site",
        b"upload-complete",
        b"upload-length",
        b"upload-offset",
    )
)
"""The header fields that the applications read; they get no others."""
SECRET_FIELD = b"secugate-proxy-secret"
SHORTEST_SECRET = 32


@dataclass(frozen=True, slots=True)
class Limits:
    """What one who connects may cost us before and after we know who it is.

    Attributes:
        handshake_seconds: from connection to the end of the TLS handshake.
        head_seconds: from then, or from the first byte of a later request, to the end of its head.
        idle_seconds: in which something of a body must arrive, or something of an answer be taken.
        connections: at once.
        connections_per_address: at once.
    """

    handshake_seconds: float = 10
    head_seconds: float = 20
    idle_seconds: float = 60
    connections: int = 512
    connections_per_address: int = 128


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end: the certificates of the handshake, DER.

    Attributes:
        certificate: the client's own; the handshake proved its key and led it to an authority of ours.
        chain: what else the client sent, as it sent it.
    """

    certificate: bytes
    chain: tuple[bytes, ...]

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, lower-case hexadecimal."""
        return hashlib.sha256(self.certificate).hexdigest()


class PeerProtocol(HttpToolsProtocol):
    """Puts the peer of this handshake into the scope of each request, and ends what takes too long.

    Args:
        limits: of the door.
    """

    def __init__(self, *given: Any, limits: Limits, **named: Any) -> None:
        super().__init__(*given, **named)
        self._limits = limits
        self._peer: Peer | None = None
        self._due: float | None = None
        """When the client must have sent what it owes; None while it owes nothing."""
        self._stuck: float | None = None
        """When it must have taken something of an answer; None while it takes."""
        self._loose = 0
        """Bytes of a head or trailer so far: what the parser keeps in memory."""

    def connection_made(self, transport: object) -> None:
        """After the handshake: read the certificates, once per connection."""
        super().connection_made(transport)  # type: ignore[arg-type]  # uvicorn narrows it the same way
        self._peer = _peer(self.transport.get_extra_info("ssl_object"))
        self._owes(self._limits.head_seconds)
        self._look()

    def data_received(self, data: bytes) -> None:
        """A head or trailer may be so long and no longer; uvicorn and its parser set no limit."""
        self._loose += len(data)
        super().data_received(data)
        if self._loose <= LARGEST_HEAD or self.transport.is_closing():
            return
        if self.cycle is not None and self.cycle.more_body:
            self.transport.abort()
        else:
            self.send_400_response("The head of the request is too long.")

    def on_message_begin(self) -> None:
        """Every request of the connection carries the peer."""
        super().on_message_begin()
        self.scope["extensions"] = {PEER: self._peer}  # type: ignore[dict-item]  # only ours reads it
        self._owes(self._limits.head_seconds)

    def on_headers_complete(self) -> None:
        """The body follows. What comes behind it, as trailers, is no header any more.

        Raises:
            Doubtful: where the request ends, or what it is, can be read in two ways.
        """
        check_framing(self.parser.get_http_version(), self.headers)
        self.scope["headers"] = [field for field in self.headers if field[0] in HEARD]
        super().on_headers_complete()
        self._loose = 0
        self._owes(self._limits.idle_seconds)

    def on_body(self, body: bytes) -> None:
        """Something of the body; once the answer is given it no longer buys time."""
        super().on_body(body)
        self._loose = 0
        if not self.cycle.response_complete:
            self._owes(self._limits.idle_seconds)

    def on_message_complete(self) -> None:
        """The request is whole: what follows takes our time, not the client's."""
        super().on_message_complete()
        self._loose = 0
        self._due = None

    def on_response_complete(self) -> None:
        """Answered; whoever still sends a body may do so for a while, so that the answer gets read."""
        super().on_response_complete()
        if self._due is not None:
            self._owes(self._limits.head_seconds)

    def pause_writing(self) -> None:
        """More of an answer waits than the client takes."""
        super().pause_writing()
        self._stuck = self.loop.time() + self._limits.idle_seconds

    def resume_writing(self) -> None:
        """It took some."""
        super().resume_writing()
        self._stuck = None

    def _owes(self, seconds: float) -> None:
        self._due = self.loop.time() + seconds

    def _look(self) -> None:
        if self.transport.is_closing():
            return
        now = self.loop.time()
        if self.flow.read_paused and self._due is not None:
            self._owes(self._limits.idle_seconds)  # it is we who do not read
        if any(end is not None and now > end for end in (self._due, self._stuck)):
            self.transport.abort()
            return
        self.loop.call_later(TICK_SECONDS, self._look)


def _peer(tls: ssl.SSLObject | None) -> Peer | None:
    certificate = tls.getpeercert(binary_form=True) if tls else None
    if certificate is None:
        return None
    # Public from Python 3.13 on; on a server the chain begins with the client's own certificate.
    inner: Any = getattr(tls, "_sslobj", None)
    own_and_chain = inner.get_unverified_chain() or ()
    ders = (ssl.PEM_cert_to_DER_cert(one.public_bytes()) for one in own_and_chain)
    return Peer(certificate, tuple(der for der in ders if der != certificate))


class Doubtful(Exception):
    """A request that others may read otherwise than we do."""


def check_framing(version: str, fields: list[tuple[bytes, bytes]]) -> None:
    """Make sure of what the parser leaves open (RFC 9112, sections 2.3, 3.2 and 6.1).

    Args:
        version: of HTTP, such as `1.1`.
        fields: names in small letters, and values.

    Raises:
        Doubtful: another version, no host or two, or a coding of the body that is not `chunked` alone.
    """
    codings = [value.lower() for name, value in fields if name == b"transfer-encoding"]
    hosts = sum(name == b"host" for name, _ in fields)
    if version == "1.1":
        is_clear = hosts == 1 and codings in ([], [b"chunked"])
    else:
        is_clear = version == "1.0" and hosts <= 1 and not codings
    if not is_clear or (codings and any(name == b"content-length" for name, _ in fields)):
        raise Doubtful


class ProxyRefused(Exception):
    """What came over the proxy's socket is not from our proxy, or not as it must be."""


class ProxyProtocol(PeerProtocol):
    """Requests of our proxy: each has the secret, and the client's certificate if there is one.

    One request a connection: a request that hides in another's body then has nobody to be taken for.

    Args:
        secret: that the proxy knows.
    """

    def __init__(self, *given: Any, secret: bytes, **named: Any) -> None:
        super().__init__(*given, **named)
        self._secret = secret
        self._begun = False

    def on_message_begin(self) -> None:
        """The first request; a second one was smuggled."""
        if self._begun:
            raise ProxyRefused
        self._begun = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Who it is, as the proxy tells it.

        Raises:
            ProxyRefused: the secret is missing or wrong, or a certificate is not written as RFC 9440 says.
        """
        said = [value for name, value in self.headers if name == SECRET_FIELD]
        if len(said) != 1 or not hmac.compare_digest(said[0], self._secret):
            raise ProxyRefused
        self.scope["extensions"] = {PEER: forwarded(self.headers)}  # type: ignore[dict-item]  # only ours
        super().on_headers_complete()
        self.cycle.keep_alive = False


_BYTES = re.compile(rb":((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?):")


def forwarded(fields: list[tuple[bytes, bytes]]) -> Peer | None:
    """The client whose certificates a proxy passes on (RFC 9440), if it had one.

    Args:
        fields: names in small letters, and values.

    Raises:
        ProxyRefused: a field is not written as it must be.
    """
    own = [value for name, value in fields if name == b"client-cert"]
    chain = b",".join(value for name, value in fields if name == b"client-cert-chain")
    if not own:
        return None
    if len(own) != 1:
        raise ProxyRefused
    rest = tuple(map(_byte_sequence, chain.split(b","))) if chain else ()
    return Peer(_byte_sequence(own[0]), rest)


def _byte_sequence(value: bytes) -> bytes:
    """A byte sequence of a structured field (RFC 8941, section 3.3.5), without parameters."""
    match = _BYTES.fullmatch(value.strip(b" \t"))
    if match is None or not match[1]:
        raise ProxyRefused
    return base64.b64decode(match[1], validate=True)


def proxy_secret(file: Path) -> bytes:
    """The secret of our proxy.

    Raises:
        PermissionError: others than its owner may read the file.
        ValueError: it is shorter than 32 characters, or cannot be sent in a header field.
    """
    if file.stat().st_mode & 0o077:
        raise PermissionError(f"{file} must be readable by its owner alone (mode 0600)")
    secret = file.read_bytes().strip()
    if len(secret) < SHORTEST_SECRET or not re.fullmatch(rb"[!-~]+", secret):
        raise ValueError(f"{file} must hold at least {SHORTEST_SECRET} printable characters without blanks")
    return secret


class ProxyListener(socket.socket):
    """A listening Unix socket for our proxy: for our own user alone, by mode and by who the caller is.

    Args:
        path: of the socket; one that was left behind is replaced.
        owner: number of the user who may call.
    """

    def __init__(self, path: Path, owner: int) -> None:
        super().__init__(socket.AF_UNIX, socket.SOCK_STREAM)
        if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
            path.unlink()
        before = os.umask(0o177)
        try:
            self.bind(str(path))
        finally:
            os.umask(before)
        self.listen(128)
        self._owner = owner

    def accept(self) -> tuple[socket.socket, Any]:
        """One more; anybody else is closed.

        Raises:
            ConnectionAbortedError: it is another user; the event loop tries again with the next.
        """
        found, address = super().accept()
        credentials = found.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        _, user, _ = struct.unpack("3i", credentials)
        if user != self._owner:
            found.close()
            raise ConnectionAbortedError
        return found, address


class Listener(socket.socket):
    """A listening socket that lets in so many at once, in all and from one address.

    Args:
        shared: other processes may listen there too; the system spreads who comes over them.
    """

    def __init__(self, host: str, port: int, limits: Limits, *, shared: bool = False) -> None:
        super().__init__(fileno=socket.create_server((host, port), reuse_port=shared).detach())
        self._limits = limits
        self._inside: Counter[str] = Counter()

    def accept(self) -> tuple[socket.socket, Any]:
        """One more; one too many is closed.

        Raises:
            ConnectionAbortedError: there is no room; the event loop tries again with the next.
        """
        found, address = super().accept()
        host = str(address[0])
        full = self._inside.total() >= self._limits.connections
        if full or self._inside[host] >= self._limits.connections_per_address:
            found.close()
            raise ConnectionAbortedError
        self._inside[host] += 1
        return _Guest(found.detach(), partial(self._left, host)), address

    def _left(self, host: str) -> None:
        self._inside[host] -= 1
        if not self._inside[host]:
            del self._inside[host]


class _Guest(socket.socket):
    """A connection that tells when it is closed."""

    def __init__(self, descriptor: int, left: Callable[[], None]) -> None:
        super().__init__(fileno=descriptor)
        self._left = left

    def close(self) -> None:
        if self.fileno() >= 0:
            self._left()
        super().close()


class _Loop(asyncio.SelectorEventLoop):
    """An event loop whose TLS servers give up a handshake in time; uvicorn leaves asyncio's minute."""

    def __init__(self, handshake_seconds: float) -> None:
        try:
            super().__init__()
        except OSError:
            # Half made: asyncio would fail again while it closes what is not there, and write a traceback.
            self._closed = True
            raise
        self._handshake_seconds = handshake_seconds
        self.set_exception_handler(_tell)

    async def create_server(self, *given: Any, **named: Any) -> asyncio.Server:
        if named.get("ssl") is not None:
            named["ssl_handshake_timeout"] = self._handshake_seconds
        return await super().create_server(*given, **named)


def _tell(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """One line of ours in place of asyncio's, which could quote a sender: mostly, no descriptor is left."""
    error = context.get("exception")
    log.error("https.door_failed", reason=context["message"] if error is None else place_of(error))


class HttpsServer:
    """The server of the HTTPS door.

    Args:
        app: the application.
        way: makes the TLS context; or the secret of the proxy that ends TLS in our place.
        limits: of the door.
    """

    def __init__(self, app: Served, way: Callable[[], ssl.SSLContext] | bytes, limits: Limits) -> None:
        self._limits = limits
        protocol: Any = partial(PeerProtocol, limits=limits)
        context: Any = None
        if isinstance(way, bytes):
            protocol = partial(ProxyProtocol, limits=limits, secret=way)
        else:
            fresh = FreshContext(way)

            def context(_config: object, _default: object) -> ssl.SSLContext:
                return fresh

        config = uvicorn.Config(
            app,
            http=protocol,
            ws="none",
            lifespan="off",
            access_log=False,
            log_level="warning",
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=STOP_SECONDS,
            ssl_context_factory=context,
        )
        self._server = uvicorn.Server(config)

    def run(self, listener: socket.socket) -> None:
        """Serve a socket that listens already, until stopped."""
        with asyncio.Runner(loop_factory=partial(_Loop, self._limits.handshake_seconds)) as runner:
            runner.run(self._server.serve([listener]))

    def stop(self) -> None:
        """Have `run` end, from any thread."""
        self._server.should_exit = True


class FreshContext(ssl.SSLContext):
    """A TLS context anew for each handshake: none resumes another, and files that were replaced count now.

    OpenSSL keeps sessions of TLS 1.2 in their context, and Python cannot turn that off.

    Args:
        make: makes a context.
    """

    _make: Callable[[], ssl.SSLContext]

    def __new__(cls, _make: Callable[[], ssl.SSLContext]) -> FreshContext:
        return super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)

    def __init__(self, make: Callable[[], ssl.SSLContext]) -> None:
        self._make = make

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """A connection."""
        return self._make().wrap_bio(incoming, outgoing, server_side, server_hostname, session)


def tls_context(certificate: Path, key: Path, anchors: list[Path]) -> ssl.SSLContext:
    """TLS 1.2 or later with forward secrecy; a client certificate is asked for and, if sent, verified."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.load_cert_chain(certificate, key)
    for anchor in anchors:
        context.load_verify_locations(anchor)
    context.verify_mode = ssl.CERT_OPTIONAL
    # No tickets, and see FreshContext: nobody comes in by an earlier handshake.
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
    context.num_tickets = 0
    return context
