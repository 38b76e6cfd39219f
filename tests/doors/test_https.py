"""The HTTPS door of a running gateway, entered with curl, httpx2 and bare sockets."""

from __future__ import annotations

import base64
import errno
import hashlib
import json
import socket
import ssl
import struct
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree
from structlog.testing import capture_logs

from adapters import connections
from adapters.pki import Authority, KeyKind, PrivateKey, Subject, new_key, write_certificates, write_key
from adapters.premises import Premises
from adapters.serve import CLOSED_DOOR
from gateway.batch import MemberId
from gateway.client.seals import GOOD, seal_verdict
from gateway.returns import ackrec
from tests.conftest import LARGEST_DEPOSIT
from tests.flow.premises import answers, execute, kinds, rows, someone
from tests.house import EMPLOYER, MEMBER, House, Sender, profile, wage
from tests.tools import tool

PATIENCE_SECONDS = 20.0
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "x"]


def batch(home: House, sender: Sender, code: str = "DECSAL") -> bytes:
    """A good file nobody has seen; its month has passed on every machine's clock."""
    return home.batch(sender, code, [wage(someone(), Period="2024-07")])


def context(home: House, sender: Sender | None) -> ssl.SSLContext:
    """How a client speaks TLS, with or without a certificate."""
    made = ssl.create_default_context(cafile=str(home.trust))
    if sender is not None:
        known = profile(sender)
        made.load_cert_chain(known.certificate, known.key)
    return made


def address(home: House) -> tuple[str, int]:
    assert home.doors is not None
    host, _, port = home.doors.https.removeprefix("https://").rpartition(":")
    return host, int(port)


@contextmanager
def client(home: House, sender: Sender | None) -> Iterator[httpx2.Client]:
    assert home.doors is not None
    with httpx2.Client(base_url=home.doors.https, verify=context(home, sender), timeout=30) as opened:
        yield opened


@contextmanager
def connection(
    home: House, sender: Sender | None, made: ssl.SSLContext | None = None
) -> Iterator[ssl.SSLSocket]:
    """A bare TLS connection."""
    host, port = address(home)
    bare = socket.create_connection((host, port), timeout=20)
    with (made or context(home, sender)).wrap_socket(bare, server_hostname=host) as secure:
        yield secure


def said(home: House, sender: Sender | None, request: bytes) -> bytes:
    """What comes back for some bytes, until the door closes or falls silent."""
    with connection(home, sender) as secure:
        got = b""
        try:
            secure.sendall(request)
            secure.settimeout(0.4)
            while more := secure.recv(65536):
                got += more
                if b"\r\n\r\n" in got and b"connection: close" not in request.lower():
                    break
        except (TimeoutError, ssl.SSLError, ConnectionError):
            pass
        return got


def status_of(response: bytes) -> int | None:
    """The status of an HTTP response; None when the door only closed."""
    return int(response.split(b" ", 2)[1]) if response.startswith(b"HTTP/1.") else None


def problem(answer: httpx2.Response, status: int, code: str) -> dict[str, object]:
    """A refusal of the door, as it must be."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, object] = answer.json()
    assert (told["status"], told["code"]) == (status, code)
    assert told["detail"]
    return told


def everything(home: House) -> tuple[list[str], list[str], int]:
    """Deposits entered, files kept, and entries of the journal."""
    entered = [row["id"] for row in rows(home, "SELECT id FROM deposit ORDER BY number")]
    told = "SELECT count(*) FROM journal WHERE event <> 'changed'"
    ((count,),) = (row.values() for row in rows(home, told))
    return entered, sorted(home.gateway.spool.ids()), count


@contextmanager
def nothing_kept(home: House) -> Iterator[None]:
    """Whatever happens inside leaves no deposit, no file, and no upload under way."""
    settle(home)
    entered, files, _ = everything(home)
    yield
    until = time.monotonic() + PATIENCE_SECONDS
    while list(home.gateway.spool.incoming.iterdir()):
        assert time.monotonic() < until, "an upload is left behind"
        time.sleep(0.01)
    after = everything(home)
    assert (after[0], after[1]) == (entered, files)


def settle(home: House) -> None:
    """Wait until nothing is being treated."""
    until = time.monotonic() + PATIENCE_SECONDS
    while rows(home, "SELECT 1 FROM deposit WHERE state IN ('received', 'waiting')"):
        assert time.monotonic() < until
        time.sleep(0.01)


class Curl:
    """The command of that name, with a member's certificate."""

    def __init__(self, home: House, sender: Sender | None, folder: Path) -> None:
        assert home.doors is not None
        self.base, self.folder = home.doors.https, folder
        self.options = ["--silent", "--show-error", "--max-time", "30", "--cacert", str(home.trust)]
        if sender is not None:
            known = profile(sender)
            self.options += ["--cert", str(known.certificate), "--key", str(known.key)]

    def __call__(self, path: str, *words: str) -> subprocess.CompletedProcess[bytes]:
        command = [tool("curl"), *self.options, *words, f"{self.base}{path}"]
        return subprocess.run(command, capture_output=True, timeout=60, check=False)

    def status(self, path: str, *words: str) -> int:
        done = self(path, "--output", "/dev/null", "--write-out", "%{http_code}", *words)
        return int(done.stdout)

    def file(self, content: bytes) -> str:
        path = self.folder / uuid.uuid4().hex
        path.write_bytes(content)
        return str(path)


@pytest.fixture
def curl(open_home: House, visitor: Sender, tmp_path: Path) -> Curl:
    return Curl(open_home, visitor, tmp_path)


# deposits


def test_curl_deposits_and_collects_as_the_readme_says(open_home: House, visitor: Sender, curl: Curl) -> None:
    content, name = batch(open_home, visitor), open_home.name("DECSAL", visitor.member)
    sent = curl(f"/v1/deposits?name={name}", "--fail", "--data-binary", f"@{curl.file(content)}")
    assert sent.returncode == 0, sent.stderr
    receipt = ackrec.read(etree.fromstring(sent.stdout))
    quoted = receipt.header.deposit
    assert quoted is not None
    assert (quoted.name, quoted.size) == (name, len(content))
    assert quoted.digest == hashlib.sha256(content).hexdigest()
    assert seal_verdict(sent.stdout, open_home.seals) == GOOD
    assert open_home.gateway.spool.read(quoted.id) == content
    open_home.wait(visitor, quoted.id)
    listed = json.loads(curl("/v1/outbox?after=0&limit=1000", "--fail").stdout)["answers"]
    mine = [entry for entry in listed if entry["deposit"] == quoted.id]
    assert [entry["type"] for entry in mine] == ["ACKREC", "ACKTRT"]
    for entry in mine:
        answer = curl(f"/v1/outbox/{entry['id']}", "--fail").stdout
        assert (len(answer), hashlib.sha256(answer).hexdigest()) == (entry["size"], entry["digest"])
        assert seal_verdict(answer, open_home.seals) == GOOD


def test_a_deposit_is_answered_with_the_signed_receipt_and_its_place(
    open_home: House, visitor: Sender
) -> None:
    content, name = batch(open_home, visitor), open_home.name("DECSAL", visitor.member)
    with client(open_home, visitor) as http:
        answer = http.post("/v1/deposits", params={"name": name}, content=content)
        assert (answer.status_code, answer.headers["content-type"]) == (202, "application/xml")
        kept = answers(open_home, answer.headers["location"].rpartition("/")[2])
        assert kept[0] == ("ACKREC", answer.content)
        identifier = ackrec.read(etree.fromstring(answer.content)).header.deposit.id  # type: ignore[union-attr]
        assert answer.headers["location"] == f"/v1/deposits/{identifier}"
        open_home.wait(visitor, identifier)
        state = http.get(answer.headers["location"]).json()
    assert (state["id"], state["name"], state["size"], state["door"]) == (
        identifier,
        name,
        len(content),
        "https",
    )
    assert (state["state"], state["verdict"], state["records"], state["held"]) == ("held", "accepted", 1, 1)
    assert state["digest"] == hashlib.sha256(content).hexdigest()


def test_the_same_bytes_again_get_the_same_receipt(open_home: House, visitor: Sender) -> None:
    content, name = batch(open_home, visitor), open_home.name("DECSAL", visitor.member)
    with client(open_home, visitor) as http:
        first, again, renamed = (
            http.post("/v1/deposits", params={"name": said}, content=content)
            for said in (name, name, open_home.name("DECSAL", visitor.member))
        )
    assert first.content == again.content == renamed.content
    assert first.headers["location"] == again.headers["location"] == renamed.headers["location"]
    assert [one.status_code for one in (first, again, renamed)] == [202] * 3


def test_a_body_in_chunks_is_a_deposit_as_well(open_home: House, visitor: Sender) -> None:
    content = batch(open_home, visitor)
    with client(open_home, visitor) as http:
        pieces = (content[place : place + 100] for place in range(0, len(content), 100))
        name = open_home.name("DECSAL", visitor.member)
        answer = http.post("/v1/deposits", params={"name": name}, content=pieces)
    assert answer.status_code == 202
    assert open_home.gateway.spool.read(answer.headers["location"].rpartition("/")[2]) == content


def test_nothing_is_a_deposit_too(open_home: House, visitor: Sender) -> None:
    """Decision 4: whatever arrives complete is taken, and refused in the signed acknowledgement."""
    with client(open_home, visitor) as http:
        answer = http.post("/v1/deposits", params={"name": "leer.xml"}, content=b"")
    assert answer.status_code == 202
    outcome = open_home.outcome(visitor, answer.headers["location"].rpartition("/")[2])
    assert (outcome.verdict, outcome.codes) == ("rejected", ["FILE-NAME", "FILE-NOT-XML"])


# Content-Digest (RFC 9530)


def digest_of(content: bytes, algorithm: str = "sha256") -> str:
    return base64.b64encode(hashlib.new(algorithm, content).digest()).decode()


def put(home: House, sender: Sender, content: bytes, *lines: tuple[str, str]) -> httpx2.Response:
    """A deposit with some header lines."""
    with client(home, sender) as http:
        name = home.name("DECSAL", sender.member)
        return http.post("/v1/deposits", params={"name": name}, content=content, headers=list(lines))


DIGEST = "Content-Digest"


def test_a_right_digest(open_home: House, visitor: Sender) -> None:
    content = batch(open_home, visitor)
    assert put(open_home, visitor, content, (DIGEST, f"sha-256=:{digest_of(content)}:")).status_code == 202


def test_a_right_digest_among_others(open_home: House, visitor: Sender) -> None:
    content = batch(open_home, visitor)
    value = f"sha-512=:{digest_of(content, 'sha512')}:,  sha-256=:{digest_of(content)}:"
    assert put(open_home, visitor, content, (DIGEST, value)).status_code == 202


def test_another_algorithm_is_passed_over(open_home: House, visitor: Sender) -> None:
    content = batch(open_home, visitor)
    value = f"sha-512=:{digest_of(b'something else', 'sha512')}:"
    assert put(open_home, visitor, content, (DIGEST, value)).status_code == 202


def test_a_wrong_digest_keeps_nothing(open_home: House, visitor: Sender) -> None:
    content = batch(open_home, visitor)
    with nothing_kept(open_home):
        answer = put(open_home, visitor, content, (DIGEST, f"sha-256=:{digest_of(content + b' ')}:"))
        problem(answer, 400, "DOOR-DIGEST")


def test_a_wrong_digest_on_a_second_line_keeps_nothing(open_home: House, visitor: Sender) -> None:
    """Lines of one header are one list (RFC 9110, 5.3)."""
    content = batch(open_home, visitor)
    with nothing_kept(open_home):
        answer = put(
            open_home,
            visitor,
            content,
            (DIGEST, f"sha-512=:{digest_of(content, 'sha512')}:"),
            (DIGEST, f"sha-256=:{digest_of(content + b' ')}:"),
        )
        problem(answer, 400, "DOOR-DIGEST")


@pytest.mark.parametrize(("right", "status"), [(0, 400), (1, 202)])
def test_of_two_digests_the_last_counts(open_home: House, visitor: Sender, right: int, status: int) -> None:
    """As of two members of one name in any dictionary of header fields (RFC 8941, 3.2)."""
    content = batch(open_home, visitor)
    digests = [digest_of(content + b" ")] * 2
    digests[right] = digest_of(content)
    value = ", ".join(f"sha-256=:{digest}:" for digest in digests)
    assert put(open_home, visitor, content, (DIGEST, value)).status_code == status


@pytest.mark.parametrize(
    "value", ["sha-256=abc", "sha-256=:%%%:", "sha-256=::", "sha-256=", "sha-256=:AAAA:"]
)
def test_a_malformed_digest_keeps_nothing(open_home: House, visitor: Sender, value: str) -> None:
    with nothing_kept(open_home):
        problem(put(open_home, visitor, batch(open_home, visitor), (DIGEST, value)), 400, "DOOR-DIGEST")


def test_a_digest_sent_with_curl(open_home: House, visitor: Sender, curl: Curl) -> None:
    content = batch(open_home, visitor)
    words = ("--data-binary", f"@{curl.file(content)}", "--header")
    path = f"/v1/deposits?name={open_home.name('DECSAL', visitor.member)}"
    with nothing_kept(open_home):
        assert curl.status(path, *words, f"Content-Digest: sha-256=:{digest_of(b'')}:") == 400
    assert curl.status(path, *words, f"Content-Digest: sha-256=:{digest_of(content)}:") == 202


# too large


def test_the_largest_deposit_is_taken_and_one_byte_more_is_not(open_home: House, visitor: Sender) -> None:
    most = b" " * LARGEST_DEPOSIT
    assert put(open_home, visitor, most).status_code == 202
    with nothing_kept(open_home):
        told = problem(put(open_home, visitor, most + b" "), 413, "DOOR-TOO-LARGE")
        assert str(LARGEST_DEPOSIT) in str(told["detail"])


def test_too_large_without_a_length(open_home: House, visitor: Sender) -> None:
    with nothing_kept(open_home), client(open_home, visitor) as http:
        pieces = (b"x" * 10_000 for _ in range(LARGEST_DEPOSIT // 10_000 + 1))
        answer = http.post("/v1/deposits", params={"name": "x"}, content=pieces)
        problem(answer, 413, "DOOR-TOO-LARGE")


@pytest.mark.parametrize("header", ["Expect: 100-continue", "Expect:", "Transfer-Encoding: chunked"])
def test_too_large_with_curl(open_home: House, curl: Curl, header: str) -> None:
    large = curl.file(b"x" * 20 * LARGEST_DEPOSIT)
    with nothing_kept(open_home):
        done = curl(
            "/v1/deposits?name=x",
            "--header",
            header,
            "--data-binary",
            f"@{large}",
            "--write-out",
            "%{http_code}",
        )
        assert done.stdout.endswith(b"413"), done
        assert b"DOOR-TOO-LARGE" in done.stdout


# names


def test_a_deposit_needs_a_name(open_home: House, visitor: Sender) -> None:
    with nothing_kept(open_home), client(open_home, visitor) as http:
        for query in ("", "?name=", "?nom=x"):
            told = problem(http.post(f"/v1/deposits{query}", content=b"x"), 400, "DOOR-REQUEST")
            assert "name" in str(told["detail"])


@pytest.mark.parametrize(
    "name",
    [
        "Löhne août 💶.xml",
        "two\nlines\r\nX-Evil: yes",
        "../../../../etc/passwd",
        "..\\..\\windows",
        "/etc/passwd",
        "nul\0byte",
        "%00%2e%2e",
        "'; DROP TABLE deposit; --",
        "<script>alert(1)</script>",
        "n" * 255,
        " ",
        ".",
    ],
)
def test_an_odd_name_is_taken_and_refused_in_the_acknowledgement(
    open_home: House, visitor: Sender, name: str
) -> None:
    content = batch(open_home, visitor)
    with client(open_home, visitor) as http:
        answer = http.post(f"/v1/deposits?name={quote(name, safe='')}", content=content)
        assert answer.status_code == 202
        assert "x-evil" not in answer.headers
        identifier = answer.headers["location"].rpartition("/")[2]
        assert http.get(f"/v1/deposits/{identifier}").json()["name"] == name
    outcome = open_home.outcome(visitor, identifier)
    assert (outcome.verdict, outcome.codes) == ("rejected", ["FILE-NAME"])
    assert open_home.gateway.spool.read(identifier) == content


def test_a_name_that_is_too_long(open_home: House, visitor: Sender) -> None:
    with nothing_kept(open_home), client(open_home, visitor) as http:
        problem(http.post("/v1/deposits", params={"name": "n" * 256}, content=b"x"), 400, "DOOR-REQUEST")


# who may come in


@pytest.fixture(scope="module")
def stranger(open_home: House, tmp_path_factory: pytest.TempPathFactory) -> Sender:
    """Somebody whose certificate our authority issued, and whom nobody registered."""
    at = open_home.clock()
    key = new_key(KeyKind.P256)
    certificate = open_home.authority.issue(
        Subject("Stranger"), key.public_key(), at - timedelta(1), at + timedelta(9)
    )
    return outsider(tmp_path_factory.mktemp("stranger"), open_home, key, certificate)


def outsider(folder: Path, home: House, key: PrivateKey, certificate) -> Sender:  # type: ignore[no-untyped-def]
    """A profile with keys of its own and everything else as a member's."""
    write_key(folder / "member.key.pem", key)
    write_certificates(folder / "member.cert.pem", certificate)
    assert home.doors is not None
    lines = {
        "member": str(MEMBER),
        "environment": "test",
        "https": home.doors.https,
        "sftp": home.doors.sftp,
        "trust": str(home.trust),
        "seal": str(home.seals),
        "host_key": "known_hosts",
        "certificate": "member.cert.pem",
        "key": "member.key.pem",
        "ssh_key": "member_ed25519",
    }
    (folder / "profile.toml").write_text("".join(f'{name} = "{text}"\n' for name, text in lines.items()))
    return Sender(MEMBER, None, folder / "profile.toml")  # type: ignore[arg-type]


ROUTES = [
    ("POST", "/v1/deposits?name=x"),
    ("GET", "/v1/deposits/00000000-0000-4000-8000-000000000000"),
    ("GET", "/v1/outbox"),
    ("GET", "/v1/outbox/00000000-0000-4000-8000-000000000000"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_without_a_certificate(open_home: House, visitor: Sender, method: str, path: str) -> None:
    with nothing_kept(open_home), client(open_home, None) as http:
        problem(http.request(method, path, content=b"x"), 401, "DOOR-CERTIFICATE")


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_with_a_certificate_that_is_not_registered(
    open_home: House, stranger: Sender, method: str, path: str
) -> None:
    with nothing_kept(open_home), client(open_home, stranger) as http:
        problem(http.request(method, path, content=b"x"), 403, "DOOR-UNKNOWN")


def test_with_the_gateway_s_own_certificates(open_home: House, tmp_path: Path) -> None:
    """They come from the same authority, and are nobody's."""
    home = open_home
    with nothing_kept(home):
        for name in ("signing", "tls"):
            keys = home.settings.data / "keys"
            made = ssl.create_default_context(cafile=str(home.trust))
            made.load_cert_chain(keys / f"{name}.cert.pem", keys / f"{name}.key.pem")
            with httpx2.Client(base_url=home.doors.https, verify=made) as http:  # type: ignore[union-attr]
                problem(http.get("/v1/outbox"), 403, "DOOR-UNKNOWN")


def handshake_fails(home: House, made: ssl.SSLContext) -> str:
    """Why the door ends a handshake. In TLS 1.3 the client learns it with the first answer."""
    with pytest.raises((ssl.SSLError, ConnectionError)) as caught, connection(home, None, made) as secure:
        secure.sendall(b"GET /v1/outbox HTTP/1.1\r\nHost: x\r\n\r\n")
        if not secure.recv(100):
            raise ConnectionResetError("closed")
    return str(caught.value)


@pytest.mark.parametrize("fault", ["another authority", "expired", "not yet valid", "signed by itself"])
def test_a_certificate_that_tls_refuses(open_home: House, tmp_path: Path, fault: str) -> None:
    at = open_home.clock()
    first, last = at - timedelta(2), at + timedelta(2)
    if fault == "expired":
        last = at - timedelta(1)
    elif fault == "not yet valid":
        first = at + timedelta(1)
    key = new_key(KeyKind.P256)
    authority = open_home.authority
    if fault == "another authority":
        authority = Authority.create("Secugate throw-away authority", at - timedelta(3), at + timedelta(3))
    certificate = authority.issue(Subject("Member"), key.public_key(), first, last)
    if fault == "signed by itself":
        alone = Authority.create("Alone", first, last)
        key, certificate = alone.key, alone.certificate
    with nothing_kept(open_home):
        refused = handshake_fails(
            open_home, context(open_home, outsider(tmp_path, open_home, key, certificate))
        )
        assert "alert" in refused.lower() or "reset" in refused.lower() or "closed" in refused.lower()


def end_registration(home: House, member: Sender) -> None:
    """A key was lost; the operator takes it off the register."""
    execute(
        home,
        f"UPDATE certificate SET ended = '2026-01-01T00:00:00.000000Z' WHERE member = '{member.member}'",
    )


def test_a_certificate_whose_registration_ended_opens_nothing(open_home: House) -> None:
    """Also on a connection that was let in before."""
    home = open_home
    gone = home.sender(MemberId(EMPLOYER, "900009"), [])
    with client(home, gone) as http:
        assert http.get("/v1/outbox").status_code == 200
        end_registration(home, gone)
        problem(http.get("/v1/outbox"), 403, "DOOR-UNKNOWN")


def test_a_revoked_certificate_opens_nothing(open_home: House) -> None:
    """Requirement 4: a key that was stolen and revoked reads no answers while nobody takes it off the
    register."""
    home = open_home
    stolen = home.sender(MemberId(EMPLOYER, "900010"), [])
    with client(home, stolen) as http:
        assert http.get("/v1/outbox").status_code == 200
    at = home.clock()
    serial = stolen.signer.certificate.serial_number
    published = home.authority.crl({serial: at - timedelta(minutes=1)}, at, at + timedelta(days=9))
    (lists,) = Premises(home.settings.data).revocations.iterdir()
    lists.write_bytes(published)
    try:
        with client(home, stolen) as http:
            assert http.get("/v1/outbox").status_code == 403
            assert http.post("/v1/deposits?name=x", content=b"x").status_code == 403
    except httpx2.TransportError:
        pass  # refused in the handshake already


PRETENCES = [
    "X-SSL-Client-Cert",
    "X-SSL-Client-Verify",
    "X-SSL-Client-S-DN",
    "X-Client-Cert",
    "X-Forwarded-Client-Cert",
    "X-ARR-ClientCert",
    "Client-Cert",
    "Client-Cert-Chain",
    "Ssl-Client-Cert",
    "X-Remote-User",
    "Remote-User",
    "X-Forwarded-User",
    "X-Forwarded-For",
    "X-Forwarded-Proto",
    "Forwarded",
    "X-Member",
    "Authorization",
    "Cookie",
]


def test_headers_that_pretend_a_proxy_change_nothing(
    open_home: House, visitor: Sender, neighbour: Sender, curl: Curl
) -> None:
    """Requirement 14: who comes in is who shook hands."""
    put(open_home, visitor, batch(open_home, visitor))
    settle(open_home)
    pem = profile(neighbour).certificate.read_text()
    fingerprint = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
    der = base64.b64encode(ssl.PEM_cert_to_DER_cert(pem)).decode()
    with client(open_home, None) as nobody, client(open_home, visitor) as http:
        mine = http.get("/v1/outbox").json()
        assert mine["answers"]
        for header in PRETENCES:
            for value in (quote(pem), f":{der}:", fingerprint, str(neighbour.member), "SUCCESS", "127.0.0.1"):
                problem(nobody.get("/v1/outbox", headers={header: value}), 401, "DOOR-CERTIFICATE")
            assert http.get("/v1/outbox", headers={header: quote(pem)}).json() == mine


# whose is what


def test_what_is_another_member_s_and_what_is_not_there_look_the_same(
    open_home: House, visitor: Sender, neighbour: Sender
) -> None:
    """Promise P7, in every byte but the date."""
    identifier = put(open_home, visitor, batch(open_home, visitor)).headers["location"].rpartition("/")[2]
    open_home.wait(visitor, identifier)
    found = rows(open_home, "SELECT id FROM answer WHERE deposit = :id", id=identifier)
    others = [f"/v1/deposits/{identifier}", *(f"/v1/outbox/{row['id']}" for row in found)]
    before = everything(open_home)[2]
    with client(open_home, neighbour) as http:
        for path in others:
            there = http.get(path)
            for made_up in (uuid.uuid4(), "x", "0", "%00"):
                nowhere = http.get(f"{path.rpartition('/')[0]}/{made_up}")
                assert there.content == nowhere.content
                assert dict(there.headers) | {"date": ""} == dict(nowhere.headers) | {"date": ""}
                problem(nowhere, 404, "DOOR-NOT-FOUND")
        assert identifier not in http.get("/v1/outbox").text
    assert everything(open_home)[2] == before
    with client(open_home, visitor) as http:
        assert [http.get(path).status_code for path in others] == [200] * len(others)


def test_an_id_is_taken_as_it_is_written(open_home: House, visitor: Sender) -> None:
    identifier = put(open_home, visitor, batch(open_home, visitor)).headers["location"].rpartition("/")[2]
    with client(open_home, visitor) as http:
        for other in (identifier.upper(), f"{identifier}%20", f"{identifier}%00", identifier[:8] + "%25"):
            problem(http.get(f"/v1/deposits/{other}"), 404, "DOOR-NOT-FOUND")


# collecting


def test_answers_are_listed_page_by_page(open_home: House, visitor: Sender) -> None:
    home = open_home
    reader = home.sender(MemberId(EMPLOYER, "100002"), [])
    for number in range(4):
        put(home, reader, b"page %d" % number)
    settle(home)
    with client(home, reader) as http:
        whole = http.get("/v1/outbox").json()["answers"]
        cursors = [entry["cursor"] for entry in whole]
        assert len(whole) == 4 * len(("ACKREC", "FAIL", "ACKTRT"))
        assert cursors == sorted(set(cursors))
        paged: list[dict[str, object]] = []
        after = 0
        while page := http.get("/v1/outbox", params={"after": after, "limit": 3}).json()["answers"]:
            assert len(page) <= 3
            paged += page
            after = page[-1]["cursor"]
        assert paged == whole
        assert http.get("/v1/outbox", params={"after": cursors[-1]}).json() == {"answers": []}
        assert http.get("/v1/outbox", params={"after": 2**63 - 1}).json() == {"answers": []}
        put(home, reader, b"one more")
        (new, *_) = http.get("/v1/outbox", params={"after": cursors[-1]}).json()["answers"]
        assert new["type"] == "ACKREC"


def test_an_answer_is_collected_and_the_first_time_is_remembered(open_home: House, visitor: Sender) -> None:
    home = open_home
    identifier = put(home, visitor, batch(home, visitor)).headers["location"].rpartition("/")[2]
    home.wait(visitor, identifier)
    with client(home, visitor) as http:

        def entry() -> dict[str, str]:
            listed = http.get("/v1/outbox", params={"limit": 1000}).json()["answers"]
            return next(one for one in listed if (one["deposit"], one["type"]) == (identifier, "ACKTRT"))

        shown = entry()
        assert shown["collected"] is None
        first = http.get(f"/v1/outbox/{shown['id']}")
        assert first.headers["content-digest"] == f"sha-256=:{digest_of(first.content)}:"
        assert (len(first.content), first.headers["content-type"]) == (shown["size"], "application/xml")
        moment = entry()["collected"]
        assert moment
        assert http.get(f"/v1/outbox/{shown['id']}").content == first.content
        assert entry()["collected"] == moment
    events = rows(home, "SELECT event, member FROM journal WHERE subject LIKE :id || '%'", id=shown["id"])
    assert [row["event"] for row in events] == ["posted", "collected https", "collected https"]
    assert {row["member"] for row in events} == {str(visitor.member)}


@pytest.mark.parametrize(
    "query",
    [
        "after=-1",
        "after=x",
        "after=1.5",
        "after=",
        "after=9223372036854775808",
        "after=" + "9" * 4000,
        "after=%C3%A9",
        "after=%D9%A1%D9%A2x",
        "limit=0",
        "limit=1001",
        "limit=-1",
        "limit=1e2",
        "limit=" + "9" * 4000,
        "after=1&after=x",
    ],
)
def test_a_cursor_or_limit_that_is_none(open_home: House, visitor: Sender, query: str) -> None:
    with client(open_home, visitor) as http:
        problem(http.get(f"/v1/outbox?{query}"), 400, "DOOR-REQUEST")


# the description


def test_the_interface_is_described_and_no_page_calls_outside(open_home: House, visitor: Sender) -> None:
    with client(open_home, None) as http:
        described = http.get("/openapi.json")
        assert described.status_code == 200
        told = described.json()
        assert set(told["paths"]) == {
            "/v1/deposits",
            "/v1/deposits/{identifier}",
            "/v1/outbox",
            "/v1/outbox/{identifier}",
            "/v1/simulations",
            "/v1/statements",
            "/v1/statements/{number}",
            "/v1/statements/{number}/explanation",
            "/v1/statements/{number}/page",
            "/v1/comparisons",
            "/v1/outbox/{identifier}/acknowledged",
            "/v1/deposits/{identifier}/evidence",
            "/v1/deposits/{identifier}/release",
            "/v1/deposits/{identifier}/withdrawal",
            "/v1/journal/head",
            "/v1/journal/inclusion",
            "/v1/journal/consistency",
            "/v1/keys",
            "/v1/token",
            "/v1/uploads",
            "/v1/uploads/{digest}",
            "/v1/webhooks",
            "/v1/webhooks/{identifier}",
            "/health",
        }
        assert "202" in told["paths"]["/v1/deposits"]["post"]["responses"]
        assert "://" not in described.text
        for path in ("/docs", "/redoc", "/docs/oauth2-redirect", "/", "/v1", "/favicon.ico"):
            problem(http.get(path), 404, "DOOR-404")
        assert http.get("/static/x").status_code == 404


def test_health_needs_no_certificate(open_home: House) -> None:
    with client(open_home, None) as http:
        assert http.get("/health").json() == {"status": "ok"}


def test_answers_do_not_name_the_software(open_home: House, visitor: Sender) -> None:
    with client(open_home, visitor) as http:
        for path in ("/health", "/nowhere", "/v1/outbox", "/v1/outbox?after=x"):
            assert not {"server", "x-powered-by"} & set(http.get(path).headers)


def test_the_door_sends_nobody_elsewhere(open_home: House, visitor: Sender) -> None:
    """A slash too many is an address that is not there, not a hint to an address the client made up."""
    with client(open_home, visitor) as http:
        for method, path in (("GET", "/v1/outbox/"), ("POST", "/v1/deposits/?name=x"), ("GET", "/health/")):
            answer = http.request(method, path, headers={"Host": "evil.example"}, follow_redirects=False)
            assert answer.status_code in (404, 405), (path, answer.status_code, answer.headers)
            assert "evil.example" not in str(answer.headers)


# uploads cut off


HEAD = b"POST /v1/deposits?name=x HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize(
    "start",
    [
        HEAD + b"Content-Length: 200000\r\n\r\n" + b"x" * 100_000,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"186a0\r\n" + b"x" * 100_000 + b"\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"186a0\r\n" + b"x" * 50_000,
        HEAD + b"Content-Length: 200000\r\n\r\n",
        HEAD + b"Content-Length: 200000\r\n",
    ],
)
def test_an_upload_cut_off_leaves_nothing(
    open_home: House, visitor: Sender, start: bytes, reset: bool
) -> None:
    with nothing_kept(open_home):
        with connection(open_home, visitor) as secure:
            secure.sendall(start)
            time.sleep(0.05)
            if reset:
                secure.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        time.sleep(0.05)


def test_an_upload_under_way_is_no_deposit_yet(open_home: House, visitor: Sender) -> None:
    """It exists when it is complete (requirement 11), and then at once."""
    content = batch(open_home, visitor)
    name = open_home.name("DECSAL", visitor.member)
    head = f"POST /v1/deposits?name={name} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(content)}\r\n\r\n"
    settle(open_home)
    before = everything(open_home)
    with connection(open_home, visitor) as secure:
        secure.sendall(head.encode() + content[:-1])
        until = time.monotonic() + PATIENCE_SECONDS
        while not list(open_home.gateway.spool.incoming.iterdir()):
            assert time.monotonic() < until
            time.sleep(0.01)
        assert everything(open_home) == before
        secure.sendall(content[-1:])
        assert secure.recv(65536).startswith(b"HTTP/1.1 202 ")
    assert len(everything(open_home)[0]) == len(before[0]) + 1


# other protocols


def test_plain_http_is_refused(open_home: House) -> None:
    with socket.create_connection(address(open_home), timeout=20) as bare:
        bare.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        got = b""
        try:
            while more := bare.recv(1000):
                got += more
        except ConnectionError:
            pass
    assert b"HTTP" not in got
    assert b"ok" not in got


def legacy(home: House, version: ssl.TLSVersion, ciphers: str = "ALL:@SECLEVEL=0") -> ssl.SSLContext:
    """A client that speaks one version of TLS only, however weak."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.load_verify_locations(home.trust)
    made.set_ciphers(ciphers)
    made.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    made.maximum_version = version
    return made


def spoken_with_anybody(home: House, made: ssl.SSLContext) -> str | None:
    """What a client speaks with a server that takes everything; in memory."""
    keys = home.settings.data / "keys"
    lax = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    lax.set_ciphers("ALL:@SECLEVEL=0")
    lax.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    lax.load_cert_chain(keys / "tls.cert.pem", keys / "tls.key.pem")
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        made.wrap_bio(back, there, server_hostname="127.0.0.1"),
        lax.wrap_bio(there, back, server_side=True),
    ]
    for _ in range(4):
        for end in ends:
            with suppress(ssl.SSLWantReadError):
                end.do_handshake()
    return ends[0].version()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
def test_old_tls_is_refused(open_home: House, version: str) -> None:
    made = legacy(open_home, ssl.TLSVersion[version])
    assert spoken_with_anybody(open_home, made) == version.replace("_", ".")
    handshake_fails(open_home, made)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("cipher", ["ECDHE-ECDSA-AES256-SHA384", "ECDHE-ECDSA-AES128-SHA"])
def test_ciphers_without_authenticated_encryption_are_refused(open_home: House, cipher: str) -> None:
    made = legacy(open_home, ssl.TLSVersion.TLSv1_2, f"{cipher}:@SECLEVEL=0")
    assert spoken_with_anybody(open_home, made) == "TLSv1.2"
    handshake_fails(open_home, made)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_new_tls_is_spoken(open_home: House, version: str) -> None:
    """Control for the two above."""
    with connection(open_home, None, legacy(open_home, ssl.TLSVersion[version])) as secure:
        assert secure.version() == version.replace("_", ".")


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_whoever_resumes_a_session_is_asked_again(open_home: House, version: str) -> None:
    """A registration that ended is no longer believed, however the connection began."""
    home = open_home
    gone = home.sender(MemberId(EMPLOYER, {"TLSv1_2": "900012", "TLSv1_3": "900013"}[version]), [])
    made = context(home, gone)
    made.maximum_version = ssl.TLSVersion[version]
    host, port = address(home)

    def visit(session: ssl.SSLSession | None) -> tuple[bytes, ssl.SSLSession | None]:
        bare = socket.create_connection((host, port), timeout=20)
        with made.wrap_socket(bare, server_hostname=host, session=session) as secure:
            secure.sendall(b"GET /v1/outbox HTTP/1.1\r\nHost: x\r\n\r\n")
            return secure.recv(1000), secure.session

    answer, session = visit(None)
    assert status_of(answer) == 200
    assert status_of(visit(session)[0]) == 200
    end_registration(home, gone)
    assert status_of(visit(session)[0]) == 403


# abuse of the protocol: never a 5xx, and the door stays open


@pytest.mark.parametrize(
    "path",
    [
        "/v1/deposits?name=x",
        "/v1/deposits/x",
        "/v1/outbox",
        "/v1/outbox/x",
        "/health",
        "*",
    ],
)
def test_every_method_on_every_path(open_home: House, visitor: Sender, path: str) -> None:
    allowed = {"/v1/deposits?name=x": 202, "/v1/outbox": 200, "/health": 200}
    for method in METHODS:
        request = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        status = status_of(said(open_home, visitor, request.encode()))
        assert status is None or status in (400, 404, 405, allowed.get(path)), (method, path, status)


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /v1/outbox HTTP/1.0\r\n\r\n",
        b"GET /v1/outbox\r\n\r\n",
        b"GET /v1/outbox HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET  HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /v1/outbox?after=\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /v1/outbox/\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /v1/outbox/%ED%A0%80 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /v1/deposits/%00%ff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /v1/deposits?name=%ED%A0%80%ff HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx",
        b"GET /v1/outbox/%zz HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /v1/../../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET //evil.example/v1/outbox HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET https://evil.example/v1/outbox HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /v1/outbox;x=1 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /v1/outbox#after HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /v1/outbox HTTP/1.1\r\n\r\n",
        b"GET /v1/outbox HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"GET /v1/outbox HTTP/1.1\r\nHost: \xff\r\n\r\n",
        b"GET /v1/outbox HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n",
        b"GET /v1/outbox HTTP/1.1\r\nHost: x\r\nX\0: a\r\n\r\n",
        b"GET /v1/outbox HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        b"GET /v1/outbox HTTP/1.1\r\nHost: x\r\n" + b"X: a\r\n" * 5000 + b"\r\n",
        b"GET /v1/outbox/" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /v1/outbox HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        b"GET /v1/outbox HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        HEAD + b"Content-Length: -1\r\n\r\n",
        HEAD + b"Content-Length: 1e3\r\n\r\n",
        HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxy",
        HEAD + b"Content-Length: 99999999999999999999999999\r\n\r\nx",
        HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: gzip\r\n\r\nx",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nx\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\nx",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n-1\r\nx",
        HEAD + b"Expect: something\r\nContent-Length: 1\r\n\r\nx",
        HEAD + b"Content-Digest: \xff\xfe\r\nContent-Length: 1\r\n\r\nx",
        HEAD + b"Content-Digest: sha-256=:" + b"\xc3\xa9" * 22 + b":\r\nContent-Length: 1\r\n\r\nx",
        b"\0" * 1000,
        b"\r\n\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"{}",
    ],
    ids=lambda request: repr(request[:60])[2:-1],
)
def test_requests_that_are_none(open_home: House, visitor: Sender, request_: bytes) -> None:
    status = status_of(said(open_home, visitor, request_))
    assert status is None or status < 500
    with client(open_home, visitor) as http:
        assert http.get("/health").status_code == 200


def test_a_head_that_is_too_long_is_told_so(open_home: House, visitor: Sender) -> None:
    got = said(open_home, visitor, b"GET /v1/outbox HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 66_000)
    assert status_of(got) == 400
    assert b"too long" in got


def test_a_request_smuggled_behind_another_is_the_same_member_s(
    open_home: House, visitor: Sender, neighbour: Sender
) -> None:
    """Pipelined requests belong to the handshake they came through, whatever they say."""
    put(open_home, neighbour, b"the neighbour's")
    hidden = b"GET /v1/outbox HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    got = said(open_home, visitor, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n" + hidden)
    assert got.count(b"HTTP/1.1 200") == 2
    theirs = rows(open_home, "SELECT id FROM answer WHERE recipient = :m", m=str(neighbour.member))
    assert theirs
    assert not [row for row in theirs if row["id"].encode() in got]


ODD = st.one_of(
    st.integers().map(str),
    st.integers(-(2**65), 2**65).map(str),
    st.sampled_from([str(2**n + d) for n in (31, 32, 63, 64, 127) for d in (-1, 0, 1)]),
    st.floats().map(str),
    st.text(max_size=40),
    st.uuids().map(str),
    st.binary(max_size=20).map(lambda raw: raw.decode("latin-1")),
)


@pytest.fixture(scope="module")
def http(open_home: House, visitor: Sender) -> Iterator[httpx2.Client]:
    with client(open_home, visitor) as opened:
        yield opened


NOT_OURS = "ignore:Do not use the `random` module"
"""Other threads of the gateway draw random numbers while an example is made; no example depends on them."""


@pytest.mark.filterwarnings(NOT_OURS)
@settings(max_examples=30, deadline=None)
@given(values=st.dictionaries(st.sampled_from(["after", "limit", "name", "x"]), ODD, max_size=3))
def test_any_query_is_answered_without_a_fault_of_ours(http: httpx2.Client, values: dict[str, str]) -> None:
    answer = http.get(
        "/v1/outbox?" + "&".join(f"{name}={quote(value, safe='')}" for name, value in values.items())
    )
    assert answer.status_code in (200, 400)


@pytest.mark.filterwarnings(NOT_OURS)
@settings(max_examples=30, deadline=None)
@given(room=st.sampled_from(["deposits", "outbox"]), identifier=ODD.filter(bool))
@example(room="outbox", identifier="9223372036854775808")
@example(room="deposits", identifier="x/")
def test_any_id_is_answered_without_a_fault_of_ours(http: httpx2.Client, room: str, identifier: str) -> None:
    answer = http.get(f"/v1/{room}/{quote(identifier, safe='')}")
    assert answer.status_code in (400, 404, 405)


@pytest.mark.filterwarnings(NOT_OURS)
@settings(max_examples=15, deadline=None)
@given(name=ODD, content=st.binary(max_size=200))
def test_any_name_and_bytes_are_answered_without_a_fault_of_ours(
    http: httpx2.Client, name: str, content: bytes
) -> None:
    answer = http.post(f"/v1/deposits?name={quote(name, safe='')}", content=content)
    assert answer.status_code == 202 if 1 <= len(name) <= 255 else 400


def test_whatever_came_was_answered(open_home: House) -> None:
    """After all that, each deposit has ended."""
    settle(open_home)
    ended: Sequence[str] = [row["state"] for row in rows(open_home, "SELECT DISTINCT state FROM deposit")]
    assert set(ended) <= {"done", "held", "rejected"}
    deposits = [row["id"] for row in rows(open_home, "SELECT id FROM deposit")]
    assert all(kinds(answers(open_home, one)).count("ACKTRT") == 1 for one in deposits)


def test_what_the_event_loop_complains_of_is_one_line_that_quotes_nothing() -> None:
    """As when no descriptor is left: asyncio would write the whole way there, each second many times."""
    loop = connections._Loop(1.0)
    try:
        raise OSError(errno.EMFILE, "secret")
    except OSError as error:
        context = {"message": "socket.accept() out of system resource", "exception": error}
    with capture_logs() as logs:
        loop.call_exception_handler(context)
        loop.call_exception_handler({"message": "Task was destroyed"})
    loop.close()
    assert [line["event"] for line in logs] == ["https.door_failed"] * 2
    assert logs[0]["reason"].startswith("OSError in test_what_the_event_loop")
    assert logs[1]["reason"] == "Task was destroyed"
    assert "secret" not in str(logs)


NO_DESCRIPTOR = """
import errno, socket, ssl, sys
import structlog
from fastapi import FastAPI
from adapters import connections, serve

def refused():
    raise OSError(errno.EMFILE, "secret")

structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
server = connections.HttpsServer(FastAPI(), lambda: None, connections.Limits())
socket.socketpair = refused
serve._keep_door(server, socket.socket())
print("it went on")
"""


def test_a_door_that_cannot_be_served_ends_the_process_and_is_told_in_one_line() -> None:
    done = subprocess.run(
        [sys.executable, "-c", NO_DESCRIPTOR], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == CLOSED_DOOR
    assert "https.door_closed" in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stderr
    assert done.stdout == ""
