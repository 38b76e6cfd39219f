"""A time-stamp authority: OpenSSL's own, behind a small HTTP server on this machine."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from adapters.pki import Authority, KeyKind, Subject, new_key, write_certificates, write_key
from tests.tools import tool

FIRST = datetime(2025, 1, 1, tzinfo=UTC)
LAST = datetime(2045, 1, 1, tzinfo=UTC)

CONFIGURATION = """
[tsa]
default_tsa = here
[here]
serial = {folder}/serial
signer_digest = sha256
default_policy = 1.3.6.1.4.1.99999.1
digests = sha256, sha512
accuracy = secs:1
ess_cert_id_alg = sha256
"""


@dataclass(slots=True)
class TimeAuthority:
    """An authority in a folder.

    Attributes:
        anchor: PEM file of its root.
        is_away: whether it answers nothing but 503.
        asked: how often it was asked.
    """

    folder: Path
    certificate: x509.Certificate
    url: str = ""
    is_away: bool = False
    asked: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def create(cls, folder: Path, *, for_stamps: bool = True) -> TimeAuthority:
        """Make root, key and configuration; without `for_stamps` its certificate is for other things."""
        folder.mkdir(parents=True)
        root = Authority.create("Test time authority root", FIRST, LAST)
        key = new_key(KeyKind.P256)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        purpose = ExtendedKeyUsageOID.TIME_STAMPING if for_stamps else ExtendedKeyUsageOID.CLIENT_AUTH
        certificate = (
            x509.CertificateBuilder()
            .subject_name(Subject("Test time authority").name)
            .issuer_name(root.certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(FIRST)
            .not_valid_after(LAST)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(root.key.public_key()), critical=False
            )
            .sign(root.key, hashes.SHA256())
        )
        write_key(folder / "key.pem", key)
        write_certificates(folder / "certificate.pem", certificate)
        write_certificates(folder / "root.pem", root.certificate)
        (folder / "serial").write_text("01\n")
        (folder / "openssl.cnf").write_text(CONFIGURATION.format(folder=folder))
        return cls(folder, root.certificate)

    @property
    def anchor(self) -> Path:
        return self.folder / "root.pem"

    def answer(self, query: bytes) -> bytes:
        """What OpenSSL answers to a query; one at a time, because it counts in a file."""
        with self.lock:
            self.asked += 1
            (self.folder / "query.tsq").write_bytes(query)
            files = {"-config": "openssl.cnf", "-queryfile": "query.tsq", "-out": "answer.tsr"}
            files |= {"-inkey": "key.pem", "-signer": "certificate.pem"}
            options = [word for name, file in files.items() for word in (name, str(self.folder / file))]
            command = [tool("openssl"), "ts", "-reply", *options]
            subprocess.run(command, capture_output=True, check=True)
            return (self.folder / "answer.tsr").read_bytes()


@contextmanager
def open_authority(folder: Path) -> Iterator[TimeAuthority]:
    """An authority that answers over HTTP on a port of this machine."""
    authority = TimeAuthority.create(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["Content-Length"]))
            if authority.is_away or self.headers["Content-Type"] != "application/timestamp-query":
                self.send_error(503)
                return
            answer = authority.answer(query)
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    authority.url = f"http://127.0.0.1:{server.server_port}/"
    try:
        yield authority
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
