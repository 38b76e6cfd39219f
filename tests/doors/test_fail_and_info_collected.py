"""FAIL and INFO, collected by the member's own client at either door: names, types and seals."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gateway import names
from gateway.batch import MemberId
from gateway.client.seals import GOOD
from gateway.moments import Received
from signing.container import MIMETYPE, open_container
from tests.doors.test_https import client
from tests.flow.premises import someone
from tests.flow.test_fail_and_info import incoming, telework
from tests.house import EMPLOYER, House


@pytest.mark.parametrize(("door", "number"), [("https", "100001"), ("sftp", "100002")])
def test_the_client_collects_both_with_a_good_seal(
    open_home: House, tmp_path: Path, door: str, number: str
) -> None:
    home, insured = open_home, someone()
    home.affiliate(insured)
    visitor = home.sender(MemberId(EMPLOYER, number), [EMPLOYER])
    name = incoming("DECSAL", "20260820-10000000", visitor)
    bad = home.outcome(visitor, home.receive(visitor, name, f"bad, {door}".encode()).deposit)
    refused = home.send(visitor, "DEMDET", [telework(insured, Received(home.clock()).day)])
    command = [sys.executable, "-m", "adapters.cli", "collect", "--profile", str(visitor.profile)]
    command += ["--out", str(tmp_path), "--door", door, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    got = {one["type"]: one for one in json.loads(done.stdout)["answers"]}
    assert set(got) == {"ACKREC", "FAIL", "ACKTRT", "DETRET", "INFO"}
    assert {one["signature"] for one in got.values()} == {GOOD}
    assert got["FAIL"]["file"] == f"SECU.DECSAL.20260820-10000000.FAIL.CCSS.{visitor.member}.XML"
    assert (tmp_path / got["FAIL"]["file"]).read_bytes() == bad.answers["FAIL"]
    kept = (tmp_path / got["INFO"]["file"]).read_bytes()
    assert kept == refused.answers["INFO"]
    [(inside, content)] = open_container(kept).files.items()
    assert (names.parse(inside).extension, content[:5]) == (names.Extension.PDF, b"%PDF-")


def test_the_https_door_says_what_is_a_container(open_home: House) -> None:
    home, insured = open_home, someone()
    home.affiliate(insured)
    visitor = home.sender(MemberId(EMPLOYER, "100003"), [EMPLOYER])
    home.send(visitor, "DEMDET", [telework(insured, Received(home.clock()).day)])
    with client(home, visitor) as http:
        listed = http.get("/v1/outbox").json()["answers"]
        said = {one["type"]: http.get(f"/v1/outbox/{one['id']}").headers["content-type"] for one in listed}
    documents = dict.fromkeys(("ACKREC", "DETRET", "ACKTRT"), "application/xml")
    assert said == {**documents, "INFO": MIMETYPE}
