"""What one who connects may cost the HTTPS door: time, memory and places, before anybody knows who it is."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse

from adapters.connections import LARGEST_HEAD, PEER, HttpsServer, Limits, Listener, tls_context
from adapters.pki import Authority, KeyKind, Subject, new_key, write_certificates, write_key

PATIENT = 60.0
SHORT = 0.3
"""Seconds of a limit that a test waits for."""

HEAD = b"POST /body HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A server's key and certificate, and its authority."""
    folder = tmp_path_factory.mktemp("keys")
    now = datetime.now(UTC)
    first, last = now - timedelta(days=1), now + timedelta(days=1)
    root = Authority.create("Root", first, last)
    key = new_key(KeyKind.P256)
    write_certificates(folder / "root.pem", root.certificate)
    write_certificates(
        folder / "tls.pem",
        root.issue(Subject("127.0.0.1"), key.public_key(), first, last, hosts=["127.0.0.1"]),
    )
    write_key(folder / "tls.key", key)
    return folder


def application() -> FastAPI:
    """Answers early, late and at length."""
    app = FastAPI()

    @app.get("/health")
    async def health(request: Request) -> str:
        return "known" if request.scope["extensions"][PEER] else "unknown"

    @app.get("/late")
    async def late() -> str:
        await asyncio.sleep(4 * SHORT)
        return "late"

    @app.post("/body")
    async def body(request: Request) -> str:
        return str(len(await request.body()))

    @app.post("/refused")
    async def refused() -> Response:
        return Response(status_code=401)

    @app.get("/long")
    async def long() -> StreamingResponse:
        async def endless() -> AsyncIterator[bytes]:
            while True:
                yield bytes(65_536)
                await asyncio.sleep(0)

        return StreamingResponse(endless())

    return app


class Door:
    """A door in a thread."""

    def __init__(self, keys: Path, limits: Limits) -> None:
        self.keys = keys
        self.listener = Listener("127.0.0.1", 0, limits)
        self.address = self.listener.getsockname()

        def tls() -> ssl.SSLContext:
            return tls_context(keys / "tls.pem", keys / "tls.key", [keys / "root.pem"])

        self.server = HttpsServer(application(), tls, limits)
        self.thread = threading.Thread(target=self.server.run, args=(self.listener,), daemon=True)
        self.thread.start()

    def bare(self) -> socket.socket:
        """A connection without TLS."""
        return socket.create_connection(self.address, timeout=PATIENT)

    def enter(self) -> ssl.SSLSocket:
        """A connection after its handshake."""
        client = ssl.create_default_context(cafile=str(self.keys / "root.pem"))
        return client.wrap_socket(self.bare(), server_hostname="127.0.0.1")


@contextmanager
def door(keys: Path, **limits: float) -> Iterator[Door]:
    """A door with limits that are generous unless given."""
    generous = {"handshake_seconds": PATIENT, "head_seconds": PATIENT, "idle_seconds": PATIENT}
    made = Door(keys, Limits(**generous | limits))  # type: ignore[arg-type]  # counts are whole numbers
    try:
        yield made
    finally:
        made.server.stop()
        made.thread.join(PATIENT)
        assert not made.thread.is_alive()


def read(connection: socket.socket) -> bytes:
    """One answer, or nothing when the connection was ended."""
    try:
        return connection.recv(65_536)
    except (ConnectionError, ssl.SSLError):
        return b""


def ended(connection: socket.socket) -> bool:
    """Whether the other end closes within a while."""
    connection.settimeout(PATIENT)
    while read(connection):
        pass
    return True


def well(connection: ssl.SSLSocket) -> bool:
    """Whether a connection is served."""
    connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
    return b'"unknown"' in read(connection) + read(connection)


def drip(connection: socket.socket, drop: bytes) -> float:
    """Send a drop again and again until the other end has had enough; the seconds."""
    start = time.monotonic()
    connection.settimeout(0.05)
    while time.monotonic() - start < PATIENT:
        try:
            connection.sendall(drop)
            if connection.recv(65_536) == b"":
                break
        except TimeoutError:
            continue
        except (ConnectionError, ssl.SSLError):
            break
    else:
        raise AssertionError("it was never ended")
    return time.monotonic() - start


def test_a_handshake_that_does_not_end_is_ended(keys: Path) -> None:
    with door(keys, handshake_seconds=SHORT) as made, made.bare() as silent, made.bare() as slow:
        slow.sendall(b"\x16\x03\x01")
        assert ended(silent)
        assert ended(slow)
        with made.enter() as other:
            time.sleep(2 * SHORT)
            assert well(other)


def test_a_head_that_does_not_come_is_waited_for_so_long(keys: Path) -> None:
    with door(keys, head_seconds=SHORT) as made, made.enter() as silent:
        assert ended(silent)


def test_a_head_that_drips_is_ended_on_a_fresh_connection_and_a_used_one(keys: Path) -> None:
    with door(keys, head_seconds=SHORT) as made, made.enter() as fresh, made.enter() as used:
        assert well(used)
        for connection in (fresh, used):
            connection.sendall(HEAD)
            drip(connection, b"X: y\r\n")


def test_a_body_that_stands_still_is_ended_and_one_that_comes_slowly_is_not(keys: Path) -> None:
    with door(keys, idle_seconds=1.0) as made, made.enter() as still, made.enter() as slow:
        for connection in (still, slow):
            connection.sendall(HEAD + b"Content-Length: 9\r\n\r\n12")
        for _ in range(7):
            time.sleep(0.3)
            slow.sendall(b"x")
        assert b" 200 " in read(slow)
        assert ended(still)


def test_after_a_refusal_nobody_drips_on(keys: Path) -> None:
    with door(keys, head_seconds=SHORT) as made, made.enter() as connection:
        connection.sendall(b"POST /refused HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert b" 401 " in read(connection)
        drip(connection, b"1\r\nx\r\n")


def test_an_answer_that_nobody_takes_is_ended(keys: Path) -> None:
    with door(keys, idle_seconds=SHORT) as made, made.enter() as connection:
        connection.sendall(b"GET /long HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(SHORT + 2)
        assert ended(connection)


def test_our_own_slowness_ends_nothing(keys: Path) -> None:
    with door(keys, head_seconds=SHORT, idle_seconds=SHORT) as made, made.enter() as connection:
        connection.sendall(b"GET /late HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b'"late"' in read(connection) + read(connection)
        assert well(connection)


@pytest.mark.parametrize(
    "endless",
    [
        b"GET /" + b"x" * 1000,
        HEAD + b"X: " + b"x" * 1000,
        HEAD + b"X: y\r\n" * 100,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX: ",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;x=",
        b"POST /refused HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX: ",
    ],
    ids=["address", "field", "fields", "trailer", "chunk", "trailer after a refusal"],
)
def test_a_head_or_trailer_may_be_so_long(keys: Path, endless: bytes) -> None:
    with door(keys) as made, made.enter() as connection:
        sent = 0
        try:
            connection.sendall(endless)
            while sent < 1000 * LARGEST_HEAD:
                connection.sendall(b"x" * 1000)
                sent += 1000
        except (ConnectionError, ssl.SSLError):
            pass
        # What the kernel buffers on both sides counts as sent.
        assert sent < 500 * LARGEST_HEAD
        assert ended(connection)


def test_a_long_body_is_no_head(keys: Path) -> None:
    length = 20 * LARGEST_HEAD
    with door(keys) as made, made.enter() as connection:
        connection.sendall(HEAD + f"Content-Length: {length}\r\n\r\n".encode() + bytes(length))
        got = read(connection) + read(connection)
        assert f'"{length}"'.encode() in got
        assert well(connection)


@pytest.mark.parametrize("limit", ["connections", "connections_per_address"])
def test_there_are_so_many_places(keys: Path, limit: str) -> None:
    with door(keys, **{limit: 2}) as made:
        first, second = made.enter(), made.enter()
        with pytest.raises((ConnectionError, ssl.SSLError)):
            made.enter()
        assert well(first)
        assert well(second)
        first.close()
        again = _when_there_is_room(made)
        assert well(again)
        again.close()
        second.close()


def test_a_place_held_by_a_half_open_connection_comes_back(keys: Path) -> None:
    with door(keys, connections=2, handshake_seconds=SHORT) as made:
        silent = [made.bare() for _ in range(2)]
        with _when_there_is_room(made) as connection:
            assert well(connection)
        for one in silent:
            one.close()


def _when_there_is_room(made: Door) -> ssl.SSLSocket:
    until = time.monotonic() + PATIENT
    while time.monotonic() < until:
        try:
            return made.enter()
        except (ConnectionError, ssl.SSLError):
            time.sleep(0.02)
    raise AssertionError("no place came back")
