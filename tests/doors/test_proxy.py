"""SR-14: one proxy of the operator may end TLS and tell who comes (RFC 9440), with a secret."""

from __future__ import annotations

import base64
import os
import secrets
import socket
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.connections import (
    SECRET_FIELD,
    Peer,
    ProxyListener,
    ProxyRefused,
    forwarded,
    proxy_secret,
)
from adapters.settings import Settings
from gateway.batch import MemberId
from tests.doors.test_https import PRETENCES, batch, problem, status_of
from tests.doors.test_whose_handshake import field
from tests.house import EMPLOYER, House, Sender, profile
from tests.house import house as gateway
from tests.tools import tool

SECRET = SECRET_FIELD.decode()


class Proxied:
    """A gateway behind a proxy; and the proxy's own side."""

    def __init__(self, folder: Path) -> None:
        self.secret = secrets.token_urlsafe(32)
        self.file = folder / "proxy.secret"
        self.file.touch(0o600)
        self.file.write_text(self.secret + "\n")
        self.socket = folder / "proxy.sock"

    def client(self) -> httpx2.Client:
        """Whoever may use the socket."""
        transport = httpx2.HTTPTransport(uds=str(self.socket))
        return httpx2.Client(transport=transport, base_url="http://secugate", timeout=30)

    def fields(self, member: Sender | None, **more: str) -> dict[str, str]:
        """What the proxy adds."""
        said = {SECRET: self.secret, **{name.replace("_", "-"): value for name, value in more.items()}}
        return said if member is None else {"Client-Cert": field(member), **said}


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Proxied:
    return Proxied(tmp_path_factory.mktemp("proxy"))


@pytest.fixture(scope="module")
def home(proxied: Proxied, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    places = {"proxy_socket": proxied.socket, "proxy_secret": proxied.file}
    with gateway(tmp_path_factory.mktemp("behind"), doors=True, **places) as made:  # type: ignore[arg-type]
        made.employer(EMPLOYER)
        yield made


@pytest.fixture(scope="module")
def member(home: House) -> Sender:
    return home.sender(MemberId(EMPLOYER, "100001"), [EMPLOYER])


@pytest.fixture(scope="module")
def proxy(home: House, proxied: Proxied) -> Iterator[httpx2.Client]:
    with proxied.client() as http:
        yield http


def test_a_member_comes_in_through_the_proxy(
    home: House, proxied: Proxied, proxy: httpx2.Client, member: Sender
) -> None:
    name = home.name("DECSAL", member.member)
    fields = proxied.fields(member)
    sent = proxy.post("/v1/deposits", params={"name": name}, content=batch(home, member), headers=fields)
    assert sent.status_code == 202
    home.wait(member, sent.headers["location"].rpartition("/")[2])
    assert proxy.get("/v1/outbox", headers=fields).json()["answers"]
    problem(proxy.get("/v1/outbox", headers=proxied.fields(None)), 401, "DOOR-CERTIFICATE")
    assert proxy.get("/health", headers=proxied.fields(None)).status_code == 200


def test_curl_comes_in_through_the_socket(home: House, proxied: Proxied, member: Sender) -> None:
    words = [w for name, value in proxied.fields(member).items() for w in ("--header", f"{name}: {value}")]
    command = [tool("curl"), "--silent", "--unix-socket", str(proxied.socket), *words, "http://x/v1/outbox"]
    assert b'"answers"' in subprocess.run(command, capture_output=True, timeout=60, check=True).stdout


@pytest.mark.parametrize(
    "fault", ["no secret", "a wrong secret", "an empty secret", "the secret twice", "the secret and another"]
)
def test_without_the_secret_nothing_is_believed(
    proxied: Proxied, proxy: httpx2.Client, member: Sender, fault: str
) -> None:
    lines = [("Client-Cert", field(member))]
    lines += {
        "no secret": [],
        "a wrong secret": [(SECRET, proxied.secret[:-1] + "!")],
        "an empty secret": [(SECRET, "")],
        "the secret twice": [(SECRET, proxied.secret)] * 2,
        "the secret and another": [(SECRET, proxied.secret), (SECRET, "x")],
    }[fault]
    for path in ("/v1/outbox", "/health", "/openapi.json"):
        assert proxy.get(path, headers=lines).status_code == 400


def test_look_alikes_change_nothing_behind_the_proxy_either(
    proxied: Proxied, proxy: httpx2.Client, member: Sender
) -> None:
    pem = profile(member).certificate.read_text()
    for name in set(PRETENCES) - {"Client-Cert", "Client-Cert-Chain"}:
        for value in (quote(pem), field(member), "SUCCESS", str(member.member)):
            lines = [*proxied.fields(None).items(), (name, value)]
            problem(proxy.get("/v1/outbox", headers=lines), 401, "DOOR-CERTIFICATE")


@pytest.mark.parametrize(
    "value",
    [
        "",
        "x",
        "::",
        ":%:",
        ":AAA:",
        ":AAAA",
        "AAAA:",
        ":AAAA:;x=1",
        ":AAAA:, :AAAA:",
        ":AA AA:",
        '"AAAA"',
        ":AAAA=:",
    ],
)
def test_a_certificate_that_is_not_written_as_it_must_be_is_refused(
    proxied: Proxied, proxy: httpx2.Client, value: str
) -> None:
    assert proxy.get("/health", headers=proxied.fields(None, Client_Cert=value)).status_code == 400


def test_bytes_that_are_no_registered_certificate_open_nothing(
    proxied: Proxied, proxy: httpx2.Client
) -> None:
    problem(proxy.get("/v1/outbox", headers=proxied.fields(None, Client_Cert=":AAAA:")), 403, "DOOR-UNKNOWN")


def test_two_certificates_are_refused(proxied: Proxied, proxy: httpx2.Client, member: Sender) -> None:
    lines = [*proxied.fields(member).items(), ("Client-Cert", field(member))]
    assert proxy.get("/v1/outbox", headers=lines).status_code == 400


@given(own=st.binary(min_size=1, max_size=60), chain=st.lists(st.binary(min_size=1, max_size=60), max_size=4))
def test_certificates_are_read_as_rfc_9440_writes_them(own: bytes, chain: list[bytes]) -> None:
    def written(raw: bytes) -> bytes:
        return b":" + base64.b64encode(raw) + b":"

    fields = [(b"host", b"x"), (b"client-cert", written(own))]
    one_line = [*fields, (b"client-cert-chain", b", ".join(map(written, chain)))] if chain else fields
    lines = [*fields, *((b"client-cert-chain", written(one)) for one in chain)]
    assert forwarded(one_line) == forwarded(lines) == Peer(own, tuple(chain))
    assert forwarded([one for one in lines if one[0] != b"client-cert"]) is None


@given(st.binary(max_size=40))
def test_any_other_bytes_are_refused_or_are_a_certificate_field(raw: bytes) -> None:
    try:
        found = forwarded([(b"client-cert", raw)])
    except ProxyRefused:
        return
    assert found is not None
    assert raw.strip(b" \t") == b":" + base64.b64encode(found.certificate) + b":" or raw.count(b":") == 2


def test_a_request_hidden_behind_another_finds_nobody(proxied: Proxied, member: Sender) -> None:
    """One request a connection: what follows in it cannot borrow anybody's certificate."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in proxied.fields(member).items())
    one = f"GET /v1/outbox HTTP/1.1\r\nHost: x\r\n{lines}\r\n".encode()
    with socket.socket(socket.AF_UNIX) as bare:
        bare.settimeout(20)
        bare.connect(str(proxied.socket))
        bare.sendall(one + one)
        got = b""
        try:
            while more := bare.recv(65536):
                got += more
        except ConnectionError:
            pass
    assert got.count(b"HTTP/1.1 200") <= 1
    with socket.socket(socket.AF_UNIX) as bare:
        bare.settimeout(20)
        bare.connect(str(proxied.socket))
        bare.sendall(one)
        got = b""
        while more := bare.recv(65536):
            got += more
    assert status_of(got) == 200
    assert b"connection: close" in got.lower()


def test_behind_a_proxy_no_tcp_port_is_open_and_the_socket_is_ours_alone(
    home: House, proxied: Proxied
) -> None:
    assert home.doors is not None
    assert home.doors.https == "https://127.0.0.1"
    assert stat.S_IMODE(proxied.socket.stat().st_mode) == 0o600
    inodes = {str(one.readlink()) for one in Path("/proc/self/fd").iterdir() if one.exists()}
    listening = [
        line.split()
        for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]
        if line.split()[3] == "0A" and f"socket:[{line.split()[9]}]" in inodes
    ]
    sftp = int(home.doors.sftp.rpartition(":")[2])
    ports = {int(one[1].rpartition(":")[2], 16) for one in listening}
    assert ports == {sftp}


def test_another_user_is_sent_away_even_if_the_socket_lets_them(tmp_path: Path) -> None:
    """The kernel tells who calls (SO_PEERCRED)."""
    for owner, comes_in in ((os.geteuid(), True), (os.geteuid() + 1, False)):
        place = tmp_path / f"socket{owner}"
        with ProxyListener(place, owner) as listener, socket.socket(socket.AF_UNIX) as caller:
            caller.connect(str(place))
            if comes_in:
                listener.accept()[0].close()
            else:
                with pytest.raises(ConnectionAbortedError):
                    listener.accept()
            assert caller.recv(1) == b""


def test_a_socket_left_behind_is_replaced_and_a_file_is_not(tmp_path: Path) -> None:
    place = tmp_path / "socket"
    ProxyListener(place, os.geteuid()).close()
    ProxyListener(place, os.geteuid()).close()
    other = tmp_path / "file"
    other.write_text("kept")
    with pytest.raises(OSError, match="in use"):
        ProxyListener(other, os.geteuid())
    assert other.read_text() == "kept"


def test_a_secret_is_ours_alone_and_long_enough(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.touch(0o600)
    file.write_text("x" * 32 + "\n")
    assert proxy_secret(file) == b"x" * 32
    for wrong in ("", "x" * 31, "x" * 32 + "\nX: y", "é" * 32):
        file.write_text(wrong)
        with pytest.raises(ValueError, match="at least 32"):
            proxy_secret(file)
    file.write_text("x" * 32)
    file.chmod(0o640)
    with pytest.raises(PermissionError):
        proxy_secret(file)


@pytest.mark.parametrize("given_", ["proxy_socket", "proxy_secret"])
def test_a_proxy_needs_both_a_socket_and_a_secret(tmp_path: Path, given_: str) -> None:
    with pytest.raises(ValueError, match="both"):
        Settings(data=tmp_path, **{given_: tmp_path / "x"})  # type: ignore[arg-type]
