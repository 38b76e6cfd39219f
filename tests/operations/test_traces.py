"""What a tracing system is told of deposits: by OTLP, to a collector that is there, slow or away."""

from __future__ import annotations

import gzip
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from gateway.states import State
from tests.durability.running import environment
from tests.house import EMPLOYER, INSURED, MEMBER, OTHER_EMPLOYER, OTHER_MEMBER, House, house, wage, wait_for

QUICKLY = 10.0


class Collector:
    """Takes traces by OTLP over HTTP, as collectors do.

    Attributes:
        bodies: what it was sent.
        held: while it is set no answer comes.
    """

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.held = threading.Event()
        collector = self

        class Taking(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                zipped = self.headers.get("Content-Encoding") == "gzip"
                collector.bodies.append(gzip.decompress(body) if zipped else body)
                while collector.held.is_set():
                    time.sleep(0.05)
                self.send_response(200 if self.path == "/v1/traces" else 404)
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/v1/traces"

    def spans(self) -> list[Span]:
        """All it was told, in the order in which they began."""
        found = [
            span
            for body in self.bodies
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        return sorted(found, key=lambda span: span.start_time_unix_nano)


@contextmanager
def collector() -> Iterator[Collector]:
    opened = Collector()
    try:
        yield opened
    finally:
        opened.held.clear()
        opened.server.shutdown()
        opened.server.server_close()


def _deposited(home: House) -> tuple[str, str]:
    """One batch that is applied and one of a stranger, refused: their deposits."""
    sender, other = home.sender(MEMBER, EMPLOYER), home.sender(OTHER_MEMBER, OTHER_EMPLOYER)
    home.affiliate(INSURED)
    good = home.receive(sender, *home.signed(sender, "DECSAL", [wage()])).deposit
    bad = home.receive(other, home.name("DECSAL", other.member), b"<not a batch/>", door="sftp").deposit
    home.wait(sender, good)
    home.wait(other, bad)
    return good, bad


def test_the_id_of_a_deposit_is_that_of_its_trace(tmp_path: Path) -> None:
    with collector() as told:
        with house(tmp_path, doors=True, traces=told.address) as home:
            good, bad = _deposited(home)
        spans = told.spans()
    for deposit, door in ((good, "https"), (bad, "sftp")):
        first, *others = [span for span in spans if span.trace_id == uuid.UUID(deposit).bytes]
        assert [first.name, *(one.name for one in others)] == ["receive", "prepare", "conclude"]
        assert not first.parent_span_id
        assert {one.parent_span_id for one in others} == {first.span_id}
        assert all(one.start_time_unix_nano <= one.end_time_unix_nano for one in (first, *others))
        assert {one.key: one.value.string_value for one in first.attributes}["secugate.door"] == door
    day = datetime.fromtimestamp(spans[0].start_time_unix_nano / 1e9, UTC).date()
    assert day == datetime.now(UTC).date()


def test_nothing_of_a_member_is_told(tmp_path: Path) -> None:
    with collector() as told:
        with house(tmp_path, doors=True, traces=told.address) as home:
            _deposited(home)
        bodies = b"".join(told.bodies)
    assert b"receive" in bodies
    for private in (
        MEMBER.matricule,
        MEMBER.number,
        OTHER_MEMBER.matricule,
        INSURED,
        "Made-up",
        "DECSAL",
        str(tmp_path),
    ):
        assert private.encode() not in bodies, private


def test_bytes_sent_twice_are_told_of_once(tmp_path: Path) -> None:
    with collector() as told:
        with house(tmp_path, doors=True, traces=told.address) as home:
            sender = home.sender(MEMBER, EMPLOYER)
            name, content = home.signed(sender, "DECSAL", [wage()])
            first, second = (home.receive(sender, name, content) for _ in range(2))
            home.wait(sender, first.deposit)
        spans = told.spans()
    assert second.repeated
    assert [span.name for span in spans].count("receive") == 1


def test_of_a_failure_the_type_is_told_and_no_word_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ArithmeticError(f"{INSURED} cannot be divided")

    with collector() as told:
        with house(tmp_path, doors=True, traces=told.address) as home:
            sender = home.sender(MEMBER, EMPLOYER)
            monkeypatch.setattr("adapters.treatment.Treatment.conclude", fail)
            name, content = home.signed(sender, "DECSAL", [wage()])
            home.receive(sender, name, content)
            wait_for(lambda: _failed(told))
        failed = _failed(told)
        bodies = b"".join(told.bodies)
    assert {(span.name, span.status.message) for span in failed} == {("conclude", "ArithmeticError")}
    assert INSURED.encode() not in bodies


def _failed(told: Collector) -> list[Span]:
    return [span for span in told.spans() if span.status.code == Status.STATUS_CODE_ERROR]


@pytest.mark.parametrize("away", [False, True], ids=["slow", "away"])
def test_a_collector_that_does_not_answer_delays_neither_deposits_nor_the_stop(
    tmp_path: Path, away: bool
) -> None:
    with collector() as told:
        told.held.set()
        address = "http://127.0.0.1:9/v1/traces" if away else told.address
        with house(tmp_path, doors=True, traces=address) as home:
            good, _ = _deposited(home)
            kept = home.gateway.deposits.find(str(MEMBER), good)
            assert kept is not None and kept.state is State.DONE
            begun = time.monotonic()
        assert time.monotonic() - begun < QUICKLY


def test_without_the_extra_a_command_says_what_to_install(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        settings = home.settings
    without = "import sys; sys.modules['opentelemetry.sdk'] = None; from adapters.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", without, "serve", "--data", str(settings.data)],
        env={
            **environment(),
            "SECUGATE_DATABASE": settings.database,
            "SECUGATE_TRACES": "http://127.0.0.1:9/",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "pip install 'secugate[opentelemetry]'" in done.stderr
    assert "Traceback" not in done.stderr
