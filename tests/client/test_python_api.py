"""`gateway.client`: the commands of a sender as functions, without any part of a server."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gateway import client
from gateway.client.doors import NotNow
from tests.client.dropping import wages_of
from tests.client.nasty import answer, nasty
from tests.flow.premises import someone
from tests.house import House, Sender, profile

SERVER = frozenset(
    [
        *("fastapi", "starlette", "uvicorn", "sqlalchemy", "sqlmodel", "dbos", "alembic", "pydantic"),
        *(
            "typer",
            "rich",
            "adapters",
            "inbox",
            "outbox",
            "structlog",
            "webauthn",
            "jinja2",
            "authlib",
            "psycopg",
        ),
        *("numpy", "PIL", "typst", "uvicorn", "prometheus_client", "obstore", "multipart"),
    ]
)
LOAD = """
import importlib.abc, json, sys, time

class Absent(importlib.abc.MetaPathFinder):
    \"\"\"A machine on which no part of a server is installed.\"\"\"

    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in SERVER:
            raise ModuleNotFoundError(name)

SERVER = sys.argv[1].split()
sys.meta_path.insert(0, Absent())
start = time.process_time()
from gateway import client
took = time.process_time() - start
names = [getattr(client, name) for name in client.__all__]
import gateway.client.https, gateway.client.sftp, gateway.client.drop.watch, gateway.client.audit
print(json.dumps({"took": took, "loaded": sorted({name.partition(".")[0] for name in sys.modules})}))
"""


def test_it_is_there_at_once_and_loads_nothing_of_a_server() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOAD, " ".join(SERVER)], capture_output=True, text=True, check=True
    )
    told = json.loads(done.stdout)
    assert told["took"] < 0.15
    assert set(told["loaded"]) & SERVER == set()
    with pytest.raises(AttributeError):
        client.manage  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize("door", ["https", "sftp"])
def test_from_payroll_output_to_its_answers(
    open_home: House, visitor: Sender, tmp_path: Path, door: str
) -> None:
    open_home.affiliate(insured := someone())
    file, answered = tmp_path / "DECSAL-july.dta", tmp_path / "answers"
    file.write_bytes(wages_of(insured))
    who = client.Profile.load(visitor.profile)
    assert client.validate(file).valid
    (converted,) = client.convert([file], tmp_path / "xml")
    assert (converted.source, converted.records) == (file, 1)
    assert client.validate(converted.file).valid
    (signed,) = client.sign([converted.file], who, tmp_path / "signed")
    client.collect(who, answered, door=door)
    (sent,) = client.send([signed.file], who, door=door)
    assert (sent.receipt is None) == (door == "sftp")
    kept = open_home.gateway.deposits
    found: list[client.Answer] = []
    for _ in range(200):
        found += client.collect(who, answered, door=door).answers
        if any(one.kind == "ACKTRT" for one in found):
            break
    assert {one.seal for one in found} == {"good"}
    assert {one.kind for one in found} == {"ACKREC", "ACKTRT"}
    assert client.send([signed.file], who, door=door) == [sent]
    assert kept.counts()


def test_a_simulation_declares_nothing(open_home: House, visitor: Sender, tmp_path: Path) -> None:
    file = tmp_path / "DECSAL.dta"
    file.write_bytes(wages_of(someone()))
    who = profile(visitor)
    (signed,) = client.sign([file], who, tmp_path / "signed")
    before = open_home.gateway.deposits.counts()
    told = client.simulate(signed.file, who)
    assert told.file.read_bytes().partition(b"<SIMRES")[1]
    assert (told.document.records, told.document.accepted) == (1, 0)
    assert open_home.gateway.deposits.counts() == before


def test_sending_waits_as_long_as_it_is_told_and_sends_the_same_bytes(
    open_home: House, visitor: Sender, tmp_path: Path
) -> None:
    from dataclasses import replace  # noqa: PLC0415

    file = tmp_path / "SECU.X.XML"
    file.write_bytes(b"<DECSAL/>")
    waited: list[float] = []
    busy = answer("503 Service Unavailable", b"{}", "Retry-After: 17")
    with nasty(open_home, tmp_path, lambda _: busy) as other:
        who = replace(profile(visitor), https=other.address)
        with pytest.raises(NotNow):
            client.send([file], who, wait=waited.append, tries=3)
        bodies = {request.partition(b"\r\n\r\n")[2] for request in other.asked}
    assert (waited, len(other.asked), bodies) == ([17.0, 17.0], 3, {b"<DECSAL/>"})
    assert list(tmp_path.glob("*ACKREC*")) == []


def test_what_is_no_payroll_output_is_refused_with_a_sentence(visitor: Sender, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_bytes(b"x")
    with pytest.raises(ValueError, match="NOTES is no procedure"):
        client.convert([file], tmp_path)
    with pytest.raises(ValueError, match="neither like a batch"):
        client.sign([file], profile(visitor), tmp_path)
