"""Requests whose ends are in doubt: truncated, lying, smuggled, slow. SR-10, SR-13.

Each gets the status that is due or a closed connection, never a 5xx or a traceback; what is hidden behind one
is never answered as a request of its own; and the door takes the next good one.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from adapters import https, https_billing
from tests.doors.test_https import (
    NOT_OURS,
    batch,
    client,
    connection,
    everything,
    nothing_kept,
    status_of,
)
from tests.house import House, Sender

POST = b"POST /v1/deposits?name=x HTTP/1.1\r\nHost: x\r\n"
GET = b"GET /v1/outbox HTTP/1.1\r\nHost: x\r\n"
HIDDEN = b"GET /v1/deposits/hidden-request HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


@dataclass(frozen=True)
class Defect:
    """A request with one defect.

    Attributes:
        due: statuses that are right; None is a connection that is closed without a word.
    """

    request: bytes
    due: tuple[int | None, ...] = (400,)


def chunks(*lines: bytes) -> bytes:
    return POST + CHUNKED + b"\r\n" + b"\r\n".join(lines)


DEFECTS = {
    # two ends
    "length and chunks": Defect(POST + b"Content-Length: 5\r\n" + CHUNKED + b"\r\n0\r\n\r\n" + HIDDEN),
    "chunks and length": Defect(POST + CHUNKED + b"Content-Length: 5\r\n\r\n0\r\n\r\n" + HIDDEN),
    "two lengths": Defect(POST + b"Content-Length: 1\r\nContent-Length: 60\r\n\r\nx" + HIDDEN),
    "the same length twice": Defect(POST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\nx" + HIDDEN),
    "two lengths in one line": Defect(POST + b"Content-Length: 1, 60\r\n\r\nx" + HIDDEN),
    # what is no length
    "negative length": Defect(POST + b"Content-Length: -1\r\n\r\n" + HIDDEN),
    "length with a plus": Defect(POST + b"Content-Length: +1\r\n\r\nx" + HIDDEN),
    "length in hexadecimal": Defect(POST + b"Content-Length: 0x1\r\n\r\nx" + HIDDEN),
    "length with a blank in it": Defect(POST + b"Content-Length: 1 0\r\n\r\nx" + HIDDEN),
    "empty length": Defect(POST + b"Content-Length:\r\n\r\n" + HIDDEN),
    "length beyond 64 bits": Defect(POST + b"Content-Length: 18446744073709551617\r\n\r\nx" + HIDDEN),
    "blank before the colon": Defect(POST + b"Content-Length : 1\r\n\r\nx" + HIDDEN),
    # codings
    "two codings": Defect(POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + HIDDEN),
    "an unknown coding": Defect(POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + HIDDEN),
    "a coding with a tab": Defect(POST + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n" + HIDDEN),
    "chunked twice": Defect(POST + CHUNKED + CHUNKED + b"\r\n0\r\n\r\n" + HIDDEN),
    "coding of HTTP/1.0": Defect(POST.replace(b"1.1", b"1.0") + CHUNKED + b"\r\n0\r\n\r\n" + HIDDEN),
    # chunks
    "chunk size that is no number": Defect(chunks(b"zz", b"x", b"0", b"", HIDDEN)),
    "chunk size with a sign": Defect(chunks(b"-1", b"x", b"0", b"", HIDDEN)),
    "chunk size with 0x": Defect(chunks(b"0x1", b"x", b"0", b"", HIDDEN)),
    "chunk size beyond 64 bits": Defect(chunks(b"10000000000000001", b"x", b"0", b"", HIDDEN)),
    "chunk longer than its size": Defect(chunks(b"1", b"xyz", b"0", b"", HIDDEN)),
    "chunk size with a blank before": Defect(chunks(b" 1", b"x", b"0", b"", HIDDEN)),
    "chunk ended by a bare line feed": Defect(POST + CHUNKED + b"\r\n1\nx\n0\n\n" + HIDDEN),
    # lines
    "folded field": Defect(GET + b"X: a\r\n b\r\n\r\n"),
    "folded length": Defect(POST + b"Content-Length:\r\n 1\r\n\r\nx" + HIDDEN),
    "bare carriage return in a field": Defect(GET + b"X: a\rContent-Length: 1\r\n\r\n"),
    "bare line feed after a field": Defect(GET.replace(b"x\r\n", b"x\n") + b"\r\n"),
    "bare line feed ends the head": Defect(GET + b"X: a\n\n"),
    "nul in a field": Defect(GET + b"X: a\0b\r\n\r\n"),
    "nul in a name": Defect(GET + b"X\0: a\r\n\r\n"),
    "name with a blank": Defect(GET + b"X Y: a\r\n\r\n"),
    "name that is empty": Defect(GET + b": a\r\n\r\n"),
    "field without a colon": Defect(GET + b"Xa\r\n\r\n"),
    "blank before the first field": Defect(b"GET /v1/outbox HTTP/1.1\r\n Host: x\r\n\r\n"),
    "two blanks in the first line": Defect(b"GET  /v1/outbox HTTP/1.1\r\nHost: x\r\n\r\n", (400, 200)),
    "no version": Defect(b"GET /v1/outbox\r\nHost: x\r\n\r\n"),
    "version 0.9": Defect(b"GET /v1/outbox HTTP/0.9\r\nHost: x\r\n\r\n"),
    "version 2.0": Defect(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "version of two digits": Defect(b"GET /v1/outbox HTTP/1.10\r\nHost: x\r\n\r\n"),
    "unknown method": Defect(b"EVIL /v1/outbox HTTP/1.1\r\nHost: x\r\n\r\n"),
    "two hosts": Defect(GET + b"Host: y\r\n\r\n"),
    "no host": Defect(b"GET /v1/outbox HTTP/1.1\r\n\r\n"),
}


class Faults(logging.Handler):
    """Everything that was logged as our fault."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.told.append(self.format(record))


@pytest.fixture(autouse=True)
def no_fault_of_ours(open_home: House) -> Iterator[None]:
    """Nothing is logged as an error, by the server or by the door."""
    faults = Faults()
    watched = [logging.getLogger(name) for name in ("uvicorn.error", "uvicorn", "asyncio", "")]
    for logger in watched:
        logger.addHandler(faults)
    try:
        with capture_logs() as told:
            yield
    finally:
        for logger in watched:
            logger.removeHandler(faults)
    assert not faults.told
    assert not [line for line in told if line["event"] == "https.failed"]


def exchange(home: House, sender: Sender, request: bytes, *, ends: bool = False) -> bytes:
    """All that comes back for some bytes until the door closes or falls silent."""
    with connection(home, sender) as secure:
        got = b""
        try:
            secure.sendall(request)
            if ends:
                secure.shutdown(socket.SHUT_WR)
            secure.settimeout(0.5)
            while more := secure.recv(65536):
                got += more
        except (TimeoutError, ssl.SSLError, ConnectionError):
            pass
        return got


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_request_whose_end_is_in_doubt(open_home: House, visitor: Sender, defect: str) -> None:
    known = DEFECTS[defect]
    got = exchange(open_home, visitor, known.request)
    assert status_of(got) in known.due, got[:300]
    if status_of(got) == 400:
        assert got.count(b"HTTP/1.1") == 1, "what is hidden behind it is not answered"
        assert b"connection: close" in got.lower() or got.endswith(b"}")


@pytest.mark.parametrize("defect", [one for one in DEFECTS if HIDDEN in DEFECTS[one].request])
def test_nothing_is_hidden_in_a_good_request_either(open_home: House, visitor: Sender, defect: str) -> None:
    """Control: the hidden request would be answered (404) were it taken for one; in a body it is not."""
    plain = exchange(open_home, visitor, HIDDEN)
    assert status_of(plain) == 404
    body = DEFECTS[defect].request
    request = POST + f"Content-Length: {len(body)}\r\n\r\n".encode() + body
    got = exchange(open_home, visitor, request)
    assert (status_of(got), got.count(b"HTTP/1.1 ")) == (202, 1)


def test_chunk_extensions_and_trailers_are_passed_over(open_home: House, visitor: Sender) -> None:
    content = batch(open_home, visitor)
    name = open_home.name("DECSAL", visitor.member)
    head = f"POST /v1/deposits?name={name} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    size = f"{len(content):x};a=b;c\r\n".encode()
    end = b"\r\n0;x\r\nContent-Digest: sha-256=:AAAA:\r\n\r\n"
    got = exchange(open_home, visitor, head + size + content + end)
    assert status_of(got) == 202
    place = next(line for line in got.split(b"\r\n") if line.startswith(b"location: "))
    assert open_home.gateway.spool.read(place.rpartition(b"/")[2].decode()) == content


@pytest.mark.parametrize("short_by", [1, 100])
@pytest.mark.parametrize("coding", ["length", "chunks", "last chunk"])
def test_a_body_that_ends_too_early_is_no_deposit(
    open_home: House, visitor: Sender, coding: str, short_by: int
) -> None:
    content = batch(open_home, visitor)
    sent = content[:-short_by]
    request = {
        "length": f"Content-Length: {len(content)}\r\n\r\n".encode() + sent,
        "chunks": CHUNKED + f"\r\n{len(content):x}\r\n".encode() + sent,
        "last chunk": CHUNKED + f"\r\n{len(content):x}\r\n".encode() + content + b"\r\n",
    }[coding]
    with nothing_kept(open_home):
        assert status_of(exchange(open_home, visitor, POST + request, ends=True)) in (None, 400)


def test_a_body_longer_than_announced_is_cut_where_it_was_announced(
    open_home: House, visitor: Sender
) -> None:
    """What follows is another request, or none: it never gets into the deposit."""
    request = POST + b"Content-Length: 3\r\n\r\nabc" + b"def garbage\r\n\r\n"
    got = exchange(open_home, visitor, request)
    assert (status_of(got), got.count(b"HTTP/1.1 ")) in ((202, 1), (202, 2), (400, 1))
    kept = [open_home.gateway.spool.read(one) for one in everything(open_home)[0]]
    assert not [content for content in kept if b"garbage" in content]


def test_a_good_request_after_each_defect(open_home: House, visitor: Sender) -> None:
    """Control, and last: the door is as it was."""
    before = set(everything(open_home)[0])
    with client(open_home, visitor) as http:
        name = open_home.name("DECSAL", visitor.member)
        sent = http.post("/v1/deposits", params={"name": name}, content=batch(open_home, visitor))
        assert sent.status_code == 202
    # Beside it there may be one whose sender has hung up just before.
    fresh = set(everything(open_home)[0]) - before
    found = [open_home.gateway.deposits.find(str(visitor.member), one) for one in fresh]
    assert [one.deposit.name for one in found if one is not None].count(name) == 1


@pytest.mark.filterwarnings(NOT_OURS)
@settings(max_examples=25, deadline=None)
@given(
    defect=st.sampled_from(sorted(DEFECTS)),
    place=st.integers(0, 300),
    junk=st.binary(min_size=1, max_size=4),
    cut=st.booleans(),
)
def test_defects_of_defects(
    open_home: House, visitor: Sender, defect: str, place: int, junk: bytes, cut: bool
) -> None:
    request = DEFECTS[defect].request
    spoilt = request[:place] + junk + (b"" if cut else request[place:])
    status = status_of(exchange(open_home, visitor, spoilt, ends=True))
    assert status is None or status < 500


# slow


def test_a_body_that_drips_is_ended_with_the_status_due() -> None:
    """Each drop is in time, all of them are not: the whole has its time as well."""

    async def drip() -> None:
        async with https.in_time(0.2):
            for _ in range(1000):
                await asyncio.sleep(0.01)

    with pytest.raises(https.Problem) as refused:
        asyncio.run(drip())
    assert (refused.value.status, refused.value.code) == (408, "DOOR-TOO-SLOW")


def test_both_uploads_are_read_in_time() -> None:
    """Control for the one above: both ways in read the body within that time."""
    assert 0 < https.TRIAL_SECONDS <= 600
    assert https.TRIAL_SECONDS < https.UPLOAD_SECONDS <= 7200
    assert "in_time" in https._receive.__code__.co_names
    source = inspect.getsource(https_billing._add_simulations)
    assert source.index("in_time(TRIAL_SECONDS)") < source.index("_body(request")
