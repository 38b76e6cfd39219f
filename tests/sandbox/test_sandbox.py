"""A sandbox as payroll software meets it: started by its one command, through its real doors."""

from __future__ import annotations

import json
import ssl
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from adapters.sandbox.premises import EMPLOYER, MEMBER, STAFF, is_sandbox
from adapters.sandbox.script import NotPlayed, Script
from gateway import client, sandbox
from gateway.moments import system_clock
from gateway.rejections import REJECTIONS, Level
from gateway.returns import acktrt
from signing.parse import parse
from tests.durability.running import command, environment
from tests.house import House
from tests.sandbox.opened import Opened, acknowledgement_of, codes, opened

NUMBERS = sandbox.numbers()


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    with opened(tmp_path_factory.mktemp("box")) as running:
        yield running


@pytest.fixture(autouse=True)
def quiet(box: Opened) -> Iterator[None]:
    """Nothing is played when a test begins; at its end nothing of it is left to be played."""
    yield
    door(box).delete("/sandbox/script").raise_for_status()


def door(box: Opened) -> httpx2.Client:
    """The HTTPS door, without the senders' client between."""
    profile = box.profile
    trusted = ssl.create_default_context(cafile=str(profile.trust))
    trusted.load_cert_chain(profile.certificate, profile.key)
    return httpx2.Client(base_url=profile.https, verify=trusted)


def answered(box: Opened, signed: Path, out: Path) -> Path:
    """Send a batch, and wait for its acknowledgement."""
    client.send([signed], box.profile)
    answers = box.collected(out, lambda found: acknowledgement_of(found, signed) is not None)
    found = acknowledgement_of(answers, signed)
    assert found is not None
    return found


def test_the_start_tells_what_to_type_next(box: Opened) -> None:
    assert box.profile.https in box.told
    assert box.profile.environment == "test"
    assert str(MEMBER) in box.told and EMPLOYER in box.told and STAFF[0] in box.told
    assert str(box.profile_file) in box.told


def test_a_good_batch_takes_effect_as_at_any_gateway(box: Opened, tmp_path: Path) -> None:
    signed = box.wages(*STAFF[:3])
    (sent,) = client.send([signed], box.profile)
    assert sent.receipt is not None
    told = acktrt.read(parse(answered(box, signed, tmp_path).read_bytes()))
    assert (told.verdict, told.accepted) == ("accepted", 3)
    assert told.header.environment == "test"


def test_each_number_gets_its_code_at_the_door_beside_what_is_judged(box: Opened, tmp_path: Path) -> None:
    mine = [code for code in NUMBERS if "DECSAL" in sandbox.procedures_of(code)]
    mine = [code for code in mine if REJECTIONS[code].level is Level.RECORD]
    signed = box.wages(STAFF[3], *(NUMBERS[code] for code in mine))
    found = codes(answered(box, signed, tmp_path))
    assert found == {place: [code] for place, code in enumerate(mine, start=2)}


def test_a_number_of_a_whole_file_refuses_it(box: Opened, tmp_path: Path) -> None:
    signed = box.wages(STAFF[4], NUMBERS["SIG-CERTIFICATE-REVOKED"])
    assert codes(answered(box, signed, tmp_path)) == {None: ["SIG-CERTIFICATE-REVOKED"]}


def test_numbers_outside_its_range_are_refused(box: Opened, tmp_path: Path) -> None:
    signed = box.wages("1980010100123")
    assert set(codes(answered(box, signed, tmp_path))) == {1}
    assert codes(acknowledgement(box, tmp_path, signed)) == {1: ["FILE-REAL"]}


def acknowledgement(box: Opened, out: Path, signed: Path) -> Path:
    found = [one for one in out.glob("*ACKTRT*") if _regards(one, signed)]
    assert len(found) == 1
    return found[0]


def _regards(file: Path, signed: Path) -> bool:
    regarded = acktrt.read(parse(file.read_bytes())).header.deposit
    return regarded is not None and regarded.name == signed.name


def test_late_returns_come_when_time_passes(tmp_path: Path) -> None:
    """On a sandbox of its own: time does not run back."""
    with opened(tmp_path / "late") as box:
        signed = box.wages(NUMBERS["SALRET-HELD"])
        told = acktrt.read(parse(answered(box, signed, tmp_path / "first").read_bytes()))
        assert told.held == 1
        before = datetime.fromisoformat(json.loads(box.ask("clock").stdout)["now"])
        done = box.ask("clock", "--days", "400")
        assert done.returncode == 0, done.stderr
        after = datetime.fromisoformat(json.loads(done.stdout)["now"])
        assert timedelta(days=400) <= after - before < timedelta(days=401)
        answers = box.collected(tmp_path / "second", lambda found: any(one.kind == "SALRET" for one in found))
        assert {one.seal for one in answers} == {"good"}
        back = box.ask("clock", "--to", "2026-01-01T00:00:00+01:00")
        assert (back.returncode, "never back" in back.stderr) == (1, True)


def test_the_time_survives_a_new_start(tmp_path: Path) -> None:
    script = Script(tmp_path / "clock.json")
    script.advance(timedelta(days=90))
    assert Script(tmp_path / "clock.json").now() - system_clock() > timedelta(days=89)
    with pytest.raises(NotPlayed):
        script.advance(timedelta(days=10_000))
    with pytest.raises(NotPlayed):
        script.set(system_clock())


def test_answers_are_late_when_it_is_asked_for(box: Opened, tmp_path: Path) -> None:
    assert box.ask("delay", "3").returncode == 0
    signed = box.wages(STAFF[5])
    client.send([signed], box.profile)
    states = (one["state"] for one in iter(lambda: _state(box, signed), None))
    assert next(state for state in states if state != "received") == "waiting"
    assert box.ask("clock", "--hours", "4").returncode == 0
    box.collected(tmp_path, lambda found: acknowledgement_of(found, signed) is not None)


def _state(box: Opened, signed: Path) -> dict[str, object]:
    """How far a deposit is, by sending it again: the same bytes are the same deposit."""
    with door(box) as asked:
        posted = asked.post("/v1/deposits", params={"name": signed.name}, content=signed.read_bytes())
        found = asked.get(posted.headers["location"])
    return dict(found.json())


def test_a_busy_door_tells_to_come_again_and_then_takes_it(box: Opened) -> None:
    assert box.ask("outage", "busy", "--times", "2", "--path", "/v1/deposits").returncode == 0
    signed = box.wages(STAFF[6])
    with door(box) as asked:
        for status in (503, 503, 202):
            answer = asked.post("/v1/deposits", params={"name": signed.name}, content=signed.read_bytes())
            assert answer.status_code == status
            assert answer.headers["secugate-sandbox"]
        assert asked.get("/sandbox").json()["outages"] == []


def test_a_line_cut_after_the_last_byte_has_brought_the_deposit(box: Opened, tmp_path: Path) -> None:
    signed = box.wages(STAFF[7])
    assert box.ask("outage", "cut", "--path", "/v1/deposits", "--method", "post").returncode == 0
    with door(box) as asked, pytest.raises(httpx2.TransportError):
        asked.post("/v1/deposits", params={"name": signed.name}, content=signed.read_bytes())
    (sent,) = client.send([signed], box.profile)
    assert sent.receipt is not None
    answers = box.collected(tmp_path, lambda found: acknowledgement_of(found, signed) is not None)
    again = client.collect(box.profile, tmp_path).answers
    assert len([one for one in (*answers, *again) if acknowledgement_of([one], signed)]) == 1


def test_garbage_and_slow_answers(box: Opened) -> None:
    assert box.ask("outage", "garbage").returncode == 0
    assert box.ask("outage", "slow", "--seconds", "0.5").returncode == 0
    with door(box) as asked:
        assert asked.get("/v1/outbox").headers["content-type"] == "text/html"
        begun = time.monotonic()
        assert "answers" in asked.get("/v1/outbox").json()
        assert time.monotonic() - begun >= 0.5


def test_duplicates_are_listed_twice_and_kept_once(box: Opened, tmp_path: Path) -> None:
    signed = box.wages(STAFF[8])
    answered(box, signed, tmp_path / "once")
    assert box.ask("duplicates").returncode == 0
    with door(box) as asked:
        listed = [one["id"] for one in asked.get("/v1/outbox").json()["answers"]]
    assert len(listed) == 2 * len(set(listed)) > 0
    client.collect(box.profile, tmp_path / "twice", after=0)
    assert acknowledgement(box, tmp_path / "twice", signed)


def test_what_cannot_be_played_is_refused_in_one_line(box: Opened) -> None:
    for words in (["outage", "flood"], ["outage", "busy", "--times", "0"], ["clock", "--days", "100000"]):
        done = box.ask(*words)
        assert done.returncode == 1, (words, done.stdout, done.stderr)
        assert len(done.stderr.splitlines()) == 1


def test_the_script_asks_for_a_member(box: Opened) -> None:
    trusted = ssl.create_default_context(cafile=str(box.profile.trust))
    with httpx2.Client(base_url=box.profile.https, verify=trusted) as nobody:
        assert nobody.get("/sandbox").status_code == 401
        assert nobody.put("/sandbox/clock", json={"advance_seconds": 9}).status_code == 401


def start(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Try to start something that refuses to."""
    return subprocess.run(
        command(*words),
        capture_output=True,
        text=True,
        env={**environment(), **more},
        check=False,
        timeout=60,
    )


def test_it_is_never_production(tmp_path: Path, box: Opened) -> None:
    production = start("sandbox", "--data", str(tmp_path / "new"), SECUGATE_ENVIRONMENT="production")
    assert (production.returncode, "for tests alone" in production.stderr) == (1, True)
    shared = start(
        "sandbox", "--data", str(tmp_path / "new"), SECUGATE_DATABASE="postgresql://u@localhost/secugate"
    )
    assert (shared.returncode, "SECUGATE_DATABASE is set" in shared.stderr) == (1, True)
    assert not (tmp_path / "new").exists()
    served = start("serve", "--data", str(box.folder / "sandbox"))
    assert (served.returncode, "is a sandbox" in served.stderr) == (1, True)


def test_it_does_not_start_where_another_gateway_is(open_home: House) -> None:
    refused = start("sandbox", "--data", str(open_home.settings.data))
    assert (refused.returncode, "holds something else" in refused.stderr) == (1, True)
    assert not is_sandbox(open_home.settings.data)


def test_no_other_gateway_has_its_addresses(open_home: House) -> None:
    assert open_home.doors is not None
    with httpx2.Client(
        base_url=open_home.doors.https, verify=ssl.create_default_context(cafile=open_home.trust)
    ) as at:
        assert at.get("/sandbox").status_code == 404
        assert "secugate-sandbox" not in at.get("/ready").headers
