"""SR-14: the client certificate comes from this handshake and from nothing else; modern TLS only."""

from __future__ import annotations

import base64
import hashlib
import re
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.connections import CIPHERS, HEARD, SECRET_FIELD, HttpsServer, Limits, Listener, tls_context
from tests.doors.test_https import (
    NOT_OURS,
    PRETENCES,
    address,
    client,
    connection,
    context,
    nothing_kept,
    spoken_with_anybody,
)
from tests.house import House, Sender, profile
from tests.tools import tool


def der_of(member: Sender) -> bytes:
    return ssl.PEM_cert_to_DER_cert(profile(member).certificate.read_text())


def field(member: Sender) -> str:
    """A certificate as RFC 9440 writes it."""
    return f":{base64.b64encode(der_of(member)).decode()}:"


# headers, at the TCP door


WORDS = [
    "x",
    "client",
    "cert",
    "ssl",
    "tls",
    "verify",
    "dn",
    "forwarded",
    "for",
    "user",
    "remote",
    "chain",
    "member",
]
NAMES = st.one_of(
    st.sampled_from([*PRETENCES, SECRET_FIELD.decode()]),
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map("-".join),
    st.from_regex(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,30}", fullmatch=True),
).filter(lambda name: name.lower() not in ("connection", "host", "expect", "upgrade", "content-length"))


@pytest.fixture(scope="module")
def nobody(open_home: House) -> Iterator[httpx2.Client]:
    with client(open_home, None) as http:
        yield http


@pytest.fixture(scope="module")
def somebody(open_home: House, visitor: Sender) -> Iterator[httpx2.Client]:
    with client(open_home, visitor) as http:
        yield http


@pytest.mark.filterwarnings(NOT_OURS)
@settings(max_examples=60, deadline=None)
@given(name=NAMES, way=st.integers(0, 5))
def test_no_header_of_any_name_lets_anybody_in_or_makes_somebody_another(
    nobody: httpx2.Client, somebody: httpx2.Client, neighbour: Sender, name: str, way: int
) -> None:
    pem = profile(neighbour).certificate.read_text()
    values = (
        quote(pem),
        field(neighbour),
        hashlib.sha256(der_of(neighbour)).hexdigest(),
        str(neighbour.member),
        "SUCCESS",
        f'Hash={"0" * 64};Cert="{quote(pem)}"',
    )
    answer = nobody.get("/v1/outbox", headers={name: values[way]})
    assert answer.status_code in (400, 401, 429), answer.text
    told = somebody.get("/v1/deposits/x", headers={name: values[way]})
    assert told.status_code in (400, 404)


def test_the_application_hears_the_listed_header_fields_only(keys: Path) -> None:
    """Whatever else a client claims is not even passed on; also not as a trailer."""
    heard: list[list[tuple[bytes, bytes]]] = []

    async def app(scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        heard.append(list(scope["headers"]))
        while (await receive()).get("more_body"):
            pass
        heard.append(list(scope["headers"]))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    with Served(keys, app) as made, made.enter() as secure:
        names = sorted({*PRETENCES, *(name.decode() for name in HEARD)} - {"content-length", "Host", "host"})
        fields = "".join(f"{name}: x\r\n" for name in names)
        head = f"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n{fields}\r\n"
        secure.sendall(head.encode() + b"1\r\nx\r\n0\r\nClient-Cert: x\r\nAuthorization: Bearer x\r\n\r\n")
        assert secure.recv(1000).startswith(b"HTTP/1.1 204")
    for fields_ in heard:
        assert {name for name, _ in fields_} <= HEARD
        assert [name for name, _ in fields_].count(b"authorization") == 2, (
            "sent twice, as two of the names are it"
        )


class Served:
    """A small application behind the real connections."""

    def __init__(self, keys: Path, app: object) -> None:
        def tls() -> ssl.SSLContext:
            return tls_context(keys / "tls.cert.pem", keys / "tls.key.pem", [])

        self.listener = Listener("127.0.0.1", 0, Limits())
        self.address = self.listener.getsockname()
        self.server = HttpsServer(app, tls, Limits())  # type: ignore[arg-type]  # any ASGI application
        self.thread = threading.Thread(target=self.server.run, args=(self.listener,), daemon=True)

    def enter(self) -> ssl.SSLSocket:
        lax = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        lax.check_hostname, lax.verify_mode = False, ssl.CERT_NONE
        return lax.wrap_socket(socket.create_connection(self.address, timeout=20))

    def __enter__(self) -> Served:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stop()
        self.thread.join(20)


@pytest.fixture(scope="module")
def keys(open_home: House) -> Path:
    return open_home.settings.data / "keys"


# TLS


def openssl(home: House, member: Sender | None, *words: str) -> str:
    host, port = address(home)
    command = [tool("openssl"), "s_client", "-connect", f"{host}:{port}", "-CAfile", str(home.trust), *words]
    if member is not None:
        known = profile(member)
        command += ["-cert", str(known.certificate), "-key", str(known.key)]
    done = subprocess.run(command, input=b"", capture_output=True, timeout=60, check=False)
    return (done.stdout + done.stderr).decode(errors="replace")


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_no_session_is_resumed(open_home: House, visitor: Sender, version: str, tmp_path: Path) -> None:
    """Neither by ticket nor by session id: each connection shows its certificate anew."""
    said = openssl(open_home, visitor, version, "-reconnect")
    assert len(re.findall(r"^New, TLSv1", said, re.MULTILINE)) >= 1, said
    assert not re.search(r"^Reused, ", said, re.MULTILINE)
    kept = tmp_path / "session"
    openssl(open_home, visitor, version, "-sess_out", str(kept))
    again = ("-sess_in", str(kept)) if kept.exists() else ()
    assert not re.search(r"^Reused, ", openssl(open_home, visitor, version, *again), re.MULTILINE)


def test_one_context_for_all_would_resume_sessions(open_home: House, visitor: Sender) -> None:
    """Control: what is prevented happens with one context for all handshakes, as is usual."""
    keys = open_home.settings.data / "keys"
    one = tls_context(keys / "tls.cert.pem", keys / "tls.key.pem", [open_home.trust])
    made = context(open_home, visitor)
    made.maximum_version = ssl.TLSVersion.TLSv1_2
    session = None
    for reused in (False, True):
        there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
        ends = [
            made.wrap_bio(back, there, server_hostname="127.0.0.1", session=session),
            one.wrap_bio(there, back, server_side=True),
        ]
        for _ in range(4):
            for end in ends:
                with suppress(ssl.SSLWantReadError):
                    end.do_handshake()
        assert ends[1].session_reused is reused
        session = ends[0].session
        for end in (*ends, *ends):
            with suppress(ssl.SSLWantReadError):
                end.unwrap()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_of_all_suites_of_tls_1_2_exactly_ours_are_spoken(open_home: House) -> None:
    lax = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    lax.set_ciphers("ALL:COMPLEMENTOFALL:@SECLEVEL=0")
    known = [one["name"] for one in lax.get_ciphers() if one["protocol"] != "TLSv1.3"]
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.set_ciphers(CIPHERS)
    listed = {one["name"] for one in ours.get_ciphers() if one["protocol"] != "TLSv1.3"}
    taken = set()
    tried = 0
    for name in known:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        made.load_verify_locations(open_home.trust)
        made.set_ciphers(f"{name}:@SECLEVEL=0")
        made.minimum_version = made.maximum_version = ssl.TLSVersion.TLSv1_2
        try:
            if spoken_with_anybody(open_home, made) is None:
                continue
        except ssl.SSLError:
            continue  # our key is not of its kind
        tried += 1
        try:
            with connection(open_home, None, made):
                taken.add(name)
        except (ssl.SSLError, ConnectionError):
            pass
    assert tried > len(taken), "control: others could have been spoken"
    assert taken
    assert taken <= listed


@pytest.fixture(scope="module", autouse=True)
def _nothing_is_kept(open_home: House) -> Iterator[None]:
    with nothing_kept(open_home):
        yield
