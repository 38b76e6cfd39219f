"""Fetching lists and answers: from named hosts only, so much and so long, never over a newer one (SR-4)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID

from adapters import revocation
from adapters.pki import Authority, KeyKind, Subject, new_key, write_certificates
from adapters.revocation import Fetching, Limits
from signing.certificates import CannotTell, Distrust, Trust, Untrusted

AT = datetime(2026, 8, 3, 9, 15, tzinfo=UTC)
DAY = timedelta(days=1)
Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Answers as the test says and remembers what it was asked."""

    answer: Answer
    asked: list[str]
    body = b""

    def do_GET(self) -> None:
        self.asked.append(self.path)
        type(self).answer(self)

    def do_POST(self) -> None:
        self.body = self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def give(self, content: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


class Publisher:
    """An authority that publishes over HTTP, and a gateway's folders of trust."""

    def __init__(self, folder: Path, port: int, handler: type[Handler]) -> None:
        self.host = f"127.0.0.1:{port}"
        self.handler = handler
        self.root = Authority.create("Publishing root", AT - 9 * DAY, AT + 900 * DAY)
        self.anchors, self.crls, self.answers = (folder / name for name in ("anchors", "crls", "ocsp"))
        self.anchors.mkdir()
        self.crls.mkdir()
        write_certificates(self.anchors / "root.pem", self.root.certificate)

    def certificate(self, *, lists: str = "", responder: str = "") -> x509.Certificate:
        key = new_key(KeyKind.P256).public_key()
        plain = self.root.issue(Subject("member"), key, AT - DAY, AT + 300 * DAY)
        builder = (
            x509.CertificateBuilder(plain.issuer, plain.subject, key)
            .serial_number(plain.serial_number)
            .not_valid_before(plain.not_valid_before_utc)
            .not_valid_after(plain.not_valid_after_utc)
        )
        for extension in plain.extensions:
            builder = builder.add_extension(extension.value, extension.critical)
        if lists:
            points = [x509.DistributionPoint([x509.UniformResourceIdentifier(lists)], None, None, None)]
            builder = builder.add_extension(x509.CRLDistributionPoints(points), critical=False)
        if responder:
            place = x509.UniformResourceIdentifier(responder)
            access = [x509.AccessDescription(AuthorityInformationAccessOID.OCSP, place)]
            builder = builder.add_extension(x509.AuthorityInformationAccess(access), critical=False)
        return builder.sign(self.root.key, hashes.SHA256())

    def crl(self, *revoked: x509.Certificate, at: datetime = AT - DAY) -> bytes:
        gone = {one.serial_number: AT - timedelta(minutes=5) for one in revoked}
        raw = self.root.crl(gone, at, AT + DAY)
        return x509.load_pem_x509_crl(raw).public_bytes(Encoding.DER)

    def respond(self, certificate: x509.Certificate, *, good: bool = True) -> Answer:
        status = ocsp.OCSPCertStatus.GOOD if good else ocsp.OCSPCertStatus.REVOKED

        def answer(handler: Handler) -> None:
            request = ocsp.load_der_ocsp_request(handler.body)
            assert request.serial_number == certificate.serial_number
            made = (
                ocsp.OCSPResponseBuilder()
                .add_response(
                    certificate,
                    self.root.certificate,
                    request.hash_algorithm,
                    status,
                    AT - DAY,
                    AT + DAY,
                    None if good else AT - DAY,
                    None,
                )
                .responder_id(ocsp.OCSPResponderEncoding.HASH, self.root.certificate)
                .sign(self.root.key, hashes.SHA256())
            )
            handler.give(made.public_bytes(Encoding.DER))

        return answer

    def trust(self, *hosts: str, limits: Limits | None = None) -> Trust:
        places = self.anchors, self.crls, self.answers
        return Trust(*places, Fetching(hosts or (self.host,), *places, limits))


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[Publisher]:
    with serving() as (port, handler):
        yield Publisher(tmp_path, port, handler)


@contextmanager
def serving() -> Iterator[tuple[int, type[Handler]]]:
    handler = type("TheHandler", (Handler,), {"asked": [], "answer": lambda handler: handler.give(b"", 404)})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1], handler
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_list_is_fetched_from_where_the_certificate_says_and_then_kept(publisher: Publisher) -> None:
    found = publisher.certificate(lists=f"http://{publisher.host}/root.crl")
    raw = publisher.crl()
    publisher.handler.answer = lambda handler: handler.give(raw)
    trust = publisher.trust()
    for _ in range(3):
        assert [one.der for one in trust.judge(found, (), AT).lists] == [raw]
    assert publisher.handler.asked == ["/root.crl"]


def test_an_answer_is_fetched_and_revoked_is_no(publisher: Publisher) -> None:
    good, bad = (publisher.certificate(responder=f"http://{publisher.host}/ocsp") for _ in range(2))
    trust = publisher.trust()
    publisher.handler.answer = publisher.respond(good)
    assert len(trust.judge(good, (), AT).answers) == 1
    publisher.handler.answer = publisher.respond(bad, good=False)
    with pytest.raises(Untrusted) as caught:
        trust.judge(bad, (), AT)
    assert caught.value.kind is Distrust.REVOKED


def test_control_nothing_is_fetched_without_hosts(publisher: Publisher) -> None:
    publisher.handler.answer = lambda handler: handler.give(publisher.crl())
    found = publisher.certificate(lists=f"http://{publisher.host}/root.crl")
    with pytest.raises(CannotTell):
        Trust(publisher.anchors, publisher.crls, publisher.answers).judge(found, (), AT)
    assert publisher.handler.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "http://{host}@localhost:{port}/x",
        "http://localhost:{port}/x",
        "http://127.1:{port}/x",
        "http://2130706433:{port}/x",
        "http://[::ffff:127.0.0.1]:{port}/x",
        "http://user@{host}/x",
        "http://{host}.example/x",
        "http://{host}\\@localhost:{port}/x",
        "http://{host}%00/x",
        "ftp://{host}/x",
        "ldap://{host}/x",
        "file:///etc/passwd",
        "//{host}/x",
        "{host}/x",
        "http://[{host}/x",
    ],
)
def test_no_other_host_is_asked_however_it_is_spelt(publisher: Publisher, url: str) -> None:
    """A certificate cannot make us call what only we can reach (SSRF)."""
    port = publisher.host.partition(":")[2]
    there = url.format(host=publisher.host, port=port)
    publisher.handler.answer = lambda handler: handler.give(publisher.crl())
    with pytest.raises(CannotTell):
        publisher.trust().judge(publisher.certificate(lists=there), (), AT)
    with pytest.raises(CannotTell):
        publisher.trust().judge(publisher.certificate(responder=there), (), AT)
    assert publisher.handler.asked == []


def test_nobody_is_followed_elsewhere(publisher: Publisher) -> None:
    with serving() as (port, elsewhere):
        elsewhere.answer = lambda handler: handler.give(publisher.crl())
        there = f"http://127.0.0.1:{port}/inside"
        publisher.handler.answer = lambda handler: handler.give(b"", 302, Location=there)
        found = publisher.certificate(lists=f"http://{publisher.host}/root.crl")
        with pytest.raises(CannotTell):
            publisher.trust().judge(found, (), AT)
        assert (publisher.handler.asked, elsewhere.asked) == (["/root.crl"], [])


def test_too_many_bytes_are_not_kept(publisher: Publisher) -> None:
    found = publisher.certificate(responder=f"http://{publisher.host}/ocsp")
    publisher.handler.answer = lambda handler: handler.give(bytes(revocation.LARGEST_ANSWER + 1))
    with pytest.raises(CannotTell):
        publisher.trust().judge(found, (), AT)
    assert not publisher.answers.exists()


def test_who_drips_does_not_hold_us(publisher: Publisher) -> None:
    def drip(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        for _ in range(40):
            try:
                handler.wfile.write(b"x")
            except OSError:
                return
            threading.Event().wait(0.1)

    publisher.handler.answer = drip
    found = publisher.certificate(lists=f"http://{publisher.host}/root.crl")
    begun = time.monotonic()
    with pytest.raises(CannotTell):
        publisher.trust(limits=Limits(one=0.3, all=0.5)).judge(found, (), AT)
    assert time.monotonic() - begun < 2


def test_after_a_failure_there_is_a_pause_and_then_another_try(publisher: Publisher) -> None:
    found = publisher.certificate(lists=f"http://{publisher.host}/root.crl")
    trust, eager = publisher.trust(), publisher.trust(limits=Limits(pause=0))
    for _ in range(2):
        with pytest.raises(CannotTell):
            trust.judge(found, (), AT)
    assert len(publisher.handler.asked) == 1
    with pytest.raises(CannotTell):
        eager.judge(found, (), AT)
    publisher.handler.answer = lambda handler: handler.give(publisher.crl())
    assert eager.judge(found, (), AT).at == AT


@pytest.mark.parametrize("thing", ["older", "another's", "nonsense", "empty"])
def test_what_stands_is_replaced_by_nothing_worse(publisher: Publisher, thing: str) -> None:
    """Whoever answers in the place of the authority cannot bring back the list of yesterday."""
    found = publisher.certificate(lists=f"http://{publisher.host}/root.crl")
    trust = publisher.trust(limits=Limits(fresh=0))
    other = Authority.create("Another root", AT - 9 * DAY, AT + 900 * DAY)
    worse = {
        "older": publisher.crl(at=AT - 2 * DAY),
        "another's": x509.load_pem_x509_crl(other.crl({}, AT, AT + DAY)).public_bytes(Encoding.DER),
        "nonsense": b"<html>",
        "empty": b"",
    }[thing]
    publisher.handler.answer = lambda handler: handler.give(publisher.crl(found))
    with pytest.raises(Untrusted):
        trust.judge(found, (), AT)
    publisher.handler.answer = lambda handler: handler.give(worse)
    with pytest.raises(Untrusted):
        trust.judge(found, (), AT)
    assert len(publisher.handler.asked) == 2


def test_a_forged_answer_is_believed_by_nobody(publisher: Publisher) -> None:
    """What is fetched is not trusted for that: only a signature of the right authority counts."""
    found = publisher.certificate(lists=f"http://{publisher.host}/root.crl")
    impostor = Authority.create("Publishing root", AT - 9 * DAY, AT + 900 * DAY)
    forged = x509.load_pem_x509_crl(impostor.crl({}, AT - DAY, AT + DAY)).public_bytes(Encoding.DER)
    publisher.handler.answer = lambda handler: handler.give(forged)
    with pytest.raises(CannotTell):
        publisher.trust().judge(found, (), AT)
