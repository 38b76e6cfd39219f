"""Shadow runs: a candidate judges what is stored, tells what it would change, and changes nothing."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import httpx2
import pytest

import xsd
from adapters.console.access import HOME
from adapters.shadow import LARGEST, Candidate, Report, Unusable, run
from gateway.moments import Received, system_clock
from tests.console.office import REASON, AtConsole, Office, words
from tests.flow.premises import rows
from tests.house import INSURED, House, Outcome, Sender, wage

LONG_SECONDS = 300
FORM = "xsd/decsal/1.0.xsd"
ROOT = Path(xsd.__file__).parent.parent
PRESENT = (ROOT / FORM).read_text(encoding="utf-8")
OPTIONAL = '<xs:element name="Reference" type="Reference" minOccurs="0">'
STRICTER = PRESENT.replace(OPTIONAL, OPTIONAL.replace(' minOccurs="0"', ""))
"""Asks for a reference in every wage."""


def packed(files: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def deposited(open_home: House, visitor: Sender) -> Outcome:
    open_home.affiliate(INSURED)
    return open_home.send(visitor, "DECSAL", [wage(), wage(INSURED, Period="2026-06", WorkHours="999")])


def today() -> date:
    return Received(system_clock()).day


def ran(home: House, files: Mapping[str, str]) -> Report:
    candidate, now = Candidate.read("candidate.zip", packed(files)), Received(system_clock())
    return run(home.gateway.database, home.settings, candidate, today(), today(), 10, now)


_STANDS = "SELECT id, deposit, record, state FROM wage ORDER BY id"


def test_a_form_that_is_ours_changes_nothing_and_a_stricter_one_is_told_record_by_record(
    open_home: House, deposited: Outcome
) -> None:
    mine, before = deposited.kept.deposit, (rows(open_home, _STANDS), rows(open_home, "SELECT * FROM answer"))
    same = ran(open_home, {FORM: PRESENT})
    assert (same.changed, same.changes, same.untold) == (0, (), {})
    assert same.compared == same.deposits >= 1
    stricter = ran(open_home, {FORM: STRICTER})
    told = {
        one.record: (one.before, one.after, one.verdict_before, one.verdict_after)
        for one in stricter.changes
        if one.deposit == mine.id
    }
    assert told == {
        1: ((), ("SALRET-99",), "partial", "rejected"),
        2: (("SALRET-11",), ("SALRET-11", "SALRET-99"), "partial", "rejected"),
    }
    assert stricter.moved == 0
    assert (rows(open_home, _STANDS), rows(open_home, "SELECT * FROM answer")) == before
    entries = rows(open_home, "SELECT digest FROM journal WHERE event = 'shadow run'")
    assert {one["digest"] for one in entries} >= {same.digest, stricter.digest}


def test_a_candidate_with_which_no_gateway_would_start_is_refused(
    open_home: House, deposited: Outcome
) -> None:
    with pytest.raises(Unusable, match="XMLSchemaParseError"):
        ran(open_home, {FORM: STRICTER.replace('type="Reference"', 'type="Nothing"')})


@pytest.mark.parametrize(
    "name",
    [
        "gateway/process.py",
        "gateway/rejections/__init__.py",
        "xsd/../gateway/process.py",
        "../xsd/decsal/1.0.xsd",
        "/etc/passwd",
        "adapters/serve.py",
        "decsal/1.0.xsd",
        "xsd/decsal/1.0.xsd\n",
    ],
)
def test_a_candidate_holds_no_program_and_lies_nowhere_else(name: str) -> None:
    with pytest.raises(Unusable, match="is not a form"):
        Candidate.read("x.zip", packed({FORM: PRESENT, name: "import os"}))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no ZIP"),
        (b"PK\x03\x04 cut", "no ZIP"),
        (packed({}), "between one"),
        (b"x" * (LARGEST + 1), "at most"),
        (packed({"xsd/catalogue.yaml": "x" * (LARGEST + 1)}), "unpacks"),
    ],
)
def test_what_is_no_candidate_is_refused_in_a_sentence(content: bytes, why: str) -> None:
    with pytest.raises(Unusable, match=why):
        Candidate.read("x.zip", content)


def begun(at: AtConsole, content: bytes, **fields: str) -> httpx2.Response:
    given = {"form_token": at.token, "first": str(today()), "last": str(today()), "reason": REASON, **fields}
    return at.http.post(f"{HOME}/shadow", data=given, files={"candidate": ("strict <b>.zip", content)})


def test_an_operator_runs_a_candidate_and_reads_what_it_would_change(
    staffed: Office, deposited: Outcome, open_home: House
) -> None:
    at, content = staffed.at("olga"), packed({FORM: STRICTER})
    answer = begun(at, content)
    assert answer.status_code == 303, answer.text
    place = answer.headers["location"]
    assert begun(at, content).status_code == 422
    for thread in threading.enumerate():
        if thread.name == "shadow":
            thread.join(LONG_SECONDS)
    shown = at.get(place)
    assert "strict &lt;b&gt;.zip" in shown.text
    assert "SALRET-99" in words(shown)
    assert deposited.kept.deposit.id in shown.text
    told = json.loads(at.get(f"{place}/report").content)
    assert {one["record"] for one in told["changes"]} >= {1, 2}
    act, *_ = staffed.acts("shadow")
    assert act["person"] == "olga"
    assert act["reason"] == REASON
    assert told["digest"] in json.loads(str(act["arguments"]))
    entered = rows(open_home, "SELECT actor FROM journal WHERE event = 'shadow run' AND actor = 'olga'")
    assert len(entered) == 1


@pytest.mark.parametrize(
    ("content", "fields", "said"),
    [
        (b"no zip", {}, "cannot be used"),
        (packed({"gateway/process.py": ""}), {}, "is not a form"),
        (packed({FORM: PRESENT}), {"reason": "x"}, "Say why"),
        (packed({FORM: PRESENT}), {"first": "2026-12-24", "last": "2026-12-01"}, "in this order"),
        (packed({FORM: PRESENT}), {"first": "yesterday"}, "in this order"),
    ],
)
def test_what_cannot_be_run_is_told_and_nothing_is_run(
    staffed: Office, deposited: Outcome, content: bytes, fields: dict[str, str], said: str
) -> None:
    before = len(staffed.acts("shadow"))
    answer = begun(staffed.at("olga"), content, **fields)
    assert answer.status_code == 422
    assert said in words(answer)
    assert len(staffed.acts("shadow")) == before


def test_the_command_says_the_same_and_asks_for_a_reason(
    staffed: Office, deposited: Outcome, tmp_path: Path
) -> None:
    candidate = tmp_path / "candidate.zip"
    candidate.write_bytes(packed({FORM: STRICTER}))
    assert "Say why" in staffed.by("olga", "shadow", str(candidate)).output
    given = staffed.by("dora", "shadow", str(candidate), "--json", reason=REASON)
    assert given.exit_code == 1, given.output
    assert {one["record"] for one in json.loads(given.stdout)["changes"]} >= {1, 2}
