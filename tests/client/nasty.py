"""What may answer at the address of a gateway: plain sockets behind TLS, which say what a test tells them."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from adapters.pki import KeyKind, Subject, new_key, write_certificates, write_key
from tests.house import House

Says = Callable[[bytes], bytes | None]
"""What is answered to a request (head and body); None: it hangs up."""


def answer(status: str, body: bytes = b"", *headers: str) -> bytes:
    """An HTTP answer."""
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


@dataclass(slots=True)
class Nasty:
    """Where it is, and what it was asked."""

    address: str
    asked: list[bytes] = field(default_factory=list)


@contextmanager
def nasty(home: House, folder: Path, says: Says, *, valid: tuple[int, int] = (-1, 1)) -> Iterator[Nasty]:
    """Something that answers with a certificate of the gateway's authority.

    Args:
        valid: from and to which day, counted from now, the certificate is valid.
    """
    key = new_key(KeyKind.P256)
    first, last = (home.clock() + timedelta(days=days) for days in valid)
    certificate = home.authority.issue(Subject("nasty"), key.public_key(), first, last, ["127.0.0.1"])
    write_key(folder / "nasty.key", key)
    write_certificates(folder / "nasty.pem", certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "nasty.pem", folder / "nasty.key")
    listening = socket.create_server(("127.0.0.1", 0))
    found = Nasty(f"https://127.0.0.1:{listening.getsockname()[1]}")

    def serve() -> None:
        while True:
            try:
                plain, _ = listening.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(plain, server_side=True) as one:
                    request = _request(one)
                    found.asked.append(request)
                    said = says(request)
                    if said is not None:
                        one.sendall(said)
            except OSError:
                plain.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


def _request(one: ssl.SSLSocket) -> bytes:
    """A request, read to its last byte."""
    read = bytearray()
    while b"\r\n\r\n" not in read:
        chunk = one.recv(65536)
        if not chunk:
            return bytes(read)
        read += chunk
    head, _, body = bytes(read).partition(b"\r\n\r\n")
    length = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
    while len(body) < length:
        chunk = one.recv(65536)
        if not chunk:
            break
        body += chunk
    return head + b"\r\n\r\n" + body
