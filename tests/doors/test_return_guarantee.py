"""The return guarantee (P2, SR-19, SR-22): of every answer it is known whether it is available, fetched or
acknowledged, each step is in the journal, nothing is deleted unread, and what stays unread is told."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import paramiko
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs
from typer.testing import CliRunner

from adapters.cli import app
from adapters.unread import unread, unread_after, warn
from gateway.client import https, sftp
from gateway.client.doors import TIMEOUT_SECONDS
from gateway.moments import Received
from outbox.states import Event, State, after
from tests.evidence.packs import ask
from tests.flow.premises import rows, someone
from tests.house import House, Sender, profile, wage


def answered(home: House, member: Sender) -> list[dict[str, Any]]:
    """The answers to a batch of its own, as HTTPS lists them: acknowledgement and return."""
    records = [wage(someone(), Period="2024-07"), wage("1893120105731", Period="2024-07")]
    outcome = home.send(member, "DECSAL", records)
    return [
        one for one in listed(member) if one["deposit"] == outcome.kept.deposit.id and one["type"] != "ACKREC"
    ]


def listed(member: Sender) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask(member, "GET", "/v1/outbox?limit=1000").json()["answers"]
    return found


def state(member: Sender, answer: str) -> str:
    [found] = [one["state"] for one in listed(member) if one["id"] == answer]
    return str(found)


def steps(home: House, answer: str) -> list[str]:
    """What the journal tells of an answer after it was posted."""
    found = rows(home, "SELECT event FROM journal WHERE subject = :id ORDER BY sequence", id=answer)
    return [row["event"] for row in found]


def confirm(member: Sender, answer: str, digest: str) -> tuple[int, Any]:
    said = ask(member, "POST", f"/v1/outbox/{answer}/acknowledged", json={"digest": digest})
    return said.status_code, said.json()


@contextmanager
def folder(member: Sender) -> Iterator[paramiko.SFTPClient]:
    known = profile(member)
    host, _, port = known.sftp.rpartition(":")
    with paramiko.SSHClient() as ssh:
        ssh.load_host_keys(str(known.host_key))
        ssh.connect(
            host,
            int(port),
            username=str(known.member),
            key_filename=str(known.ssh_key),
            allow_agent=False,
            look_for_keys=False,
            timeout=TIMEOUT_SECONDS,
        )
        yield ssh.open_sftp()


def test_sr22_available_fetched_acknowledged_over_https(open_home: House, visitor: Sender) -> None:
    answer = answered(open_home, visitor)[0]
    assert answer["state"] == "available"
    content = ask(visitor, "GET", f"/v1/outbox/{answer['id']}").content
    assert state(visitor, answer["id"]) == "fetched"
    status, told = confirm(visitor, answer["id"], hashlib.sha256(content).hexdigest())
    assert (status, told["state"], told["acknowledged"] is not None) == (200, "acknowledged", True)
    assert state(visitor, answer["id"]) == "acknowledged"
    assert steps(open_home, answer["id"]) == ["collected https", "acknowledged https"]


def test_sr22_to_acknowledge_again_changes_nothing(open_home: House, visitor: Sender) -> None:
    answer = answered(open_home, visitor)[0]
    ask(visitor, "GET", f"/v1/outbox/{answer['id']}")
    first, second = (confirm(visitor, answer["id"], answer["digest"]) for _ in range(2))
    assert first == second
    assert steps(open_home, answer["id"]) == ["collected https", "acknowledged https"]
    # What is fetched again stays acknowledged.
    ask(visitor, "GET", f"/v1/outbox/{answer['id']}")
    assert state(visitor, answer["id"]) == "acknowledged"


def test_sr22_other_bytes_and_what_was_never_fetched_are_not_acknowledged(
    open_home: House, visitor: Sender
) -> None:
    answer = answered(open_home, visitor)[0]
    status, told = confirm(visitor, answer["id"], answer["digest"])
    assert (status, told["code"]) == (409, "DOOR-NOT-FETCHED")
    ask(visitor, "GET", f"/v1/outbox/{answer['id']}")
    status, told = confirm(visitor, answer["id"], "0" * 64)
    assert (status, told["code"]) == (409, "DOOR-OTHER-BYTES")
    status, told = confirm(visitor, answer["id"], answer["digest"].upper() + "0")
    assert (status, told["code"]) == (400, "DOOR-REQUEST")
    assert steps(open_home, answer["id"]) == ["collected https"]


def test_p7_another_member_s_answer_and_none_are_the_same(
    open_home: House, visitor: Sender, neighbour: Sender
) -> None:
    answer = answered(open_home, visitor)[0]
    ask(visitor, "GET", f"/v1/outbox/{answer['id']}")
    theirs = confirm(neighbour, answer["id"], answer["digest"])
    none = confirm(neighbour, "00000000-0000-4000-8000-000000000000", answer["digest"])
    assert theirs == none
    assert theirs[0] == 404
    assert state(visitor, answer["id"]) == "fetched"


def test_sr19_at_sftp_reading_fetches_and_removing_acknowledges_and_deletes_nothing(
    open_home: House, visitor: Sender
) -> None:
    answer = answered(open_home, visitor)[0]
    place = f"/outbox/{answer['name']}"
    with folder(visitor) as shelf:
        with pytest.raises(OSError, match="read it first"):
            shelf.remove(place)
        assert state(visitor, answer["id"]) == "available"
        with shelf.open(place) as file:
            file.read(10)
            assert state(visitor, answer["id"]) == "fetched"
            # Half of it is not all of it.
            with pytest.raises(OSError, match="to its end"):
                shelf.remove(place)
        with shelf.open(place) as file:
            content = file.read()
        shelf.remove(place)
        assert answer["name"] not in shelf.listdir("/outbox")
    assert state(visitor, answer["id"]) == "acknowledged"
    assert steps(open_home, answer["id"])[-1] == "acknowledged sftp"
    assert ask(visitor, "GET", f"/v1/outbox/{answer['id']}").content == content


@pytest.mark.parametrize("door", ["https", "sftp"])
def test_our_own_client_acknowledges_what_it_has_kept(open_home: House, visitor: Sender, door: str) -> None:
    answers = answered(open_home, visitor)
    with {"https": https, "sftp": sftp}[door].enter(profile(visitor)) as entered:
        taken = {collected.name for _, collected in entered.collect(0)}
    assert {one["name"] for one in answers} <= taken
    assert {state(visitor, one["id"]) for one in answers} == {"acknowledged"}


# what stays unread


def test_sr22_what_nobody_fetched_is_told_after_some_days(open_home: House, visitor: Sender) -> None:
    unseen, seen = answered(open_home, visitor)
    ask(visitor, "GET", f"/v1/outbox/{seen['id']}")
    now = Received(open_home.clock())
    days = unread_after(now)
    assert days == 5

    def told(later: timedelta) -> set[str]:
        at = Received(now.at + later)
        return {one.id for one in unread(open_home.gateway.database, at, days)}

    assert unseen["id"] not in told(timedelta(days=5) - timedelta(minutes=1))
    assert unseen["id"] in told(timedelta(days=5, minutes=1))
    assert seen["id"] not in told(timedelta(days=5, minutes=1))
    with capture_logs() as logs:
        warn(open_home.gateway.database, Received(now.at + timedelta(days=6)))
    [warned] = [one for one in logs if one["member"] == str(visitor.member)]
    assert (warned["event"], warned["log_level"]) == ("answers.unread", "warning")
    assert set(warned) == {"event", "log_level", "member", "answers", "oldest"}  # SR-24: ids only
    ask(visitor, "GET", f"/v1/outbox/{unseen['id']}")
    assert unseen["id"] not in told(timedelta(days=6))


def test_the_operator_sees_what_is_unread_and_what_a_member_has(open_home: House, visitor: Sender) -> None:
    one, other = answered(open_home, visitor)
    ask(visitor, "GET", f"/v1/outbox/{other['id']}")

    def command(*words: str) -> list[dict[str, str]]:
        done = CliRunner().invoke(app, ["returns", *words, "--data", str(open_home.settings.data), "--json"])
        assert done.exit_code == 0, done.output
        found: list[dict[str, str]] = json.loads(done.output)
        return found

    assert one["id"] in {each["id"] for each in command("--unread", "--days", "0")}
    assert other["id"] not in {each["id"] for each in command("--unread", "--days", "0")}
    assert one["id"] not in {each["id"] for each in command("--unread")}
    states = {each["id"]: each["state"] for each in command("--member", str(visitor.member))}
    assert (states[one["id"]], states[other["id"]]) == ("available", "fetched")
    assert CliRunner().invoke(app, ["returns", "--data", str(open_home.settings.data)]).exit_code == 2


# the table


@given(st.lists(st.sampled_from(Event)))
def test_no_step_leads_back(events: list[Event]) -> None:
    order = list(State)
    found = State.AVAILABLE
    for event in events:
        if found is State.AVAILABLE and event is Event.ACKNOWLEDGED:
            with pytest.raises(ValueError, match="cannot be"):
                after(found, event)
            continue
        following = after(found, event)
        assert order.index(following) >= order.index(found)
        found = following
