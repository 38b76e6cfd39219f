"""The example senders, without any library of ours, before a real gateway."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from gateway.client.seals import GOOD, seal_verdict
from signing.messages import content_digest, sign_message
from tests.client.dropping import deposits, wages_of
from tests.flow.premises import someone
from tests.house import House, Sender, profile, wait_for
from tests.tools import tool

SENDERS = Path(__file__).parents[2] / "examples" / "senders"
EVERYWHERE = {"send.sh": "sh", "send.py": sys.executable, "send.mjs": "node", "send.php": "php"}
LARGE = {"Send.java": "java"}
"""Those whose tools are too large to be asked for: tried where they are."""
NOT_HERE = {"Send.cs"}
"""Needs .NET, which Debian does not have."""
PROGRAMS = EVERYWHERE | {file: program for file, program in LARGE.items() if shutil.which(program)}


def test_every_example_is_tried() -> None:
    assert {file.name for file in SENDERS.iterdir()} == {*EVERYWHERE, *LARGE, *NOT_HERE}


@pytest.mark.parametrize("example", PROGRAMS)
def test_an_example_sends_and_gets_its_receipt(
    open_home: House, visitor: Sender, tmp_path: Path, example: str
) -> None:
    for needed in ("openssl", "zip", "curl"):
        tool(needed)
    who = profile(visitor)
    (tmp_path / "july.dta").write_bytes(wages_of(someone()))
    given = {
        "HTTPS": who.https,
        "MEMBER": str(who.member),
        "CERT": str(who.certificate),
        "KEY": str(who.key),
        "ROOT": str(who.trust),
        "OFFICE": "CCSSTEST",
    }
    before = len(deposits(open_home, visitor))
    done = subprocess.run(
        [tool(PROGRAMS[example]), str(SENDERS / example), "july.dta", "DECSAL"],
        cwd=tmp_path,
        env={**os.environ, **given},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    name = done.stdout.strip()
    assert deposits(open_home, visitor)[before:] == [name]
    receipt = tmp_path / f"{Path(name).stem}.ACKREC.XML"
    assert seal_verdict(receipt.read_bytes(), who.seal) == GOOD


def test_the_example_of_a_receiver_believes_the_gateway_and_nobody_else(
    open_home: House, visitor: Sender, tmp_path: Path
) -> None:
    url, created = "https://payroll.example/in", datetime.now(UTC)
    content = b'{"id":"1","type":"org.secugate.answer.posted.v1","data":{"type":"ACKTRT","cursor":7}}'
    fields = {"content-digest": content_digest(content), "content-type": "application/cloudevents+json"}
    message = {"@method": "POST", "@target-uri": url, **fields}
    seal = open_home.gateway.seal

    def signed(at: datetime) -> dict[str, str]:
        return fields | sign_message(seal.sign_message, message, tag="secugate-event", nonce="n", created=at)

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    program = [sys.executable, str(SENDERS.parent / "webhooks" / "receive.py")]
    given = {**os.environ, "URL": url, "SEAL": str(profile(visitor).seal), "PORT": str(port)}
    with subprocess.Popen(program, env=given, stdout=subprocess.PIPE, text=True) as running:
        try:

            def post(body: bytes, said: dict[str, str]) -> int | None:
                try:
                    return httpx2.post(f"http://127.0.0.1:{port}/in", content=body, headers=said).status_code
                except httpx2.ConnectError:
                    return None

            assert wait_for(lambda: post(content, signed(created))) == 204
            assert post(content, signed(created)) == 204, "again, and told once"
            assert post(content.replace(b"7", b"8"), signed(created)) == 403
            assert post(content, signed(created - timedelta(minutes=6))) == 403
            assert post(content, {**signed(created), "content-type": "text/plain"}) == 403
            assert post(content, fields) == 403
        finally:
            running.terminate()
        assert running.stdout is not None
        assert running.stdout.read() == "org.secugate.answer.posted.v1 ACKTRT 7\n"
