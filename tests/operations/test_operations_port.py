"""What the operator's monitoring is told, by a gateway with open doors."""

from __future__ import annotations

import errno
import json
import os
import re
import ssl
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families

from adapters.metrics import ALARMS, count_alarm
from adapters.operations import OperationsPort, Readiness, engine_turns, has_room, seal_lasts
from gateway.matricule import person_number
from signing.certificates import load_seals
from tests.house import INSURED, House, Sender, wage


def _figures(house: House) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample that is told now."""
    told = httpx2.get(f"{_address(house)}/metrics")
    assert told.status_code == 200
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(told.text)
        for sample in family.samples
    }


def _address(house: House) -> str:
    port = house.gateway.operations
    assert port is not None
    return port.address


def _of(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return name, frozenset(labels.items())


def test_a_deposit_shows_in_receipts_and_treatments(open_home: House, visitor: Sender) -> None:
    before = _figures(open_home)
    open_home.affiliate(INSURED)
    open_home.send(visitor, "DECSAL", [wage()])
    after = _figures(open_home)
    for one in (
        _of("secugate_receipt_seconds_count", door="https"),
        _of("secugate_treatment_seconds_count", stage="prepare"),
        _of("secugate_treatment_seconds_count", stage="conclude"),
    ):
        assert after[one] == before.get(one, 0) + 1
    assert after[_of("secugate_answers_unread")] >= before[_of("secugate_answers_unread")] + 2


def test_what_is_on_hold_is_counted_with_its_age(open_home: House, visitor: Sender) -> None:
    one, age = (_of(name, state="held") for name in ("secugate_deposits", "secugate_deposits_oldest_seconds"))
    before = _figures(open_home)
    assert before[age] == 0
    open_home.send(visitor, "DECSAL", [wage(person_number(date(1894, 3, 2), 7))])
    after = _figures(open_home)
    assert after[one] == before[one] + 1
    assert 0 < after[age] < 60


def test_nothing_of_a_sender_is_told(open_home: House, visitor: Sender) -> None:
    open_home.send(visitor, "DECSAL", [wage(Reference="GEHEIM")])
    told = httpx2.get(f"{_address(open_home)}/metrics").text
    assert "GEHEIM" not in told
    assert not re.search(r"[0-9]{13}", re.sub(r" [0-9.e+-]+$", "", told, flags=re.MULTILINE))


def test_a_gateway_at_work_is_ready_at_both_ports(open_home: House) -> None:
    assert httpx2.get(f"{_address(open_home)}/ready").json() == {"status": "ready", "faults": {}}
    assert _at_the_door(open_home) == (200, {"status": "ready"})


def test_a_folder_that_cannot_be_used_is_told_inside_and_only_a_no_outside(open_home: House) -> None:
    deposits = open_home.gateway.spool.incoming
    deposits.rename(deposits.with_name("away"))
    try:
        told = httpx2.get(f"{_address(open_home)}/ready")
        outside = _at_the_door(open_home)
    finally:
        deposits.with_name("away").rename(deposits)
    assert told.status_code == 503
    assert set(told.json()["faults"]) == {"deposits"}
    assert outside == (503, {"status": "not ready"})
    assert _at_the_door(open_home) == (200, {"status": "ready"})


def _at_the_door(house: House) -> tuple[int, Any]:
    assert house.doors is not None
    with httpx2.Client(verify=ssl.create_default_context(cafile=house.trust)) as http:
        told = http.get(f"{house.doors.https}/ready")
    return told.status_code, told.json()


def test_a_small_disk_is_not_enough(tmp_path: Path) -> None:
    room = os.statvfs(tmp_path)
    assert has_room(tmp_path, 1000) is None
    fault = has_room(tmp_path, room.f_bavail * room.f_frsize)
    assert fault is not None
    assert "room for fewer" in fault
    assert has_room(tmp_path / "nowhere", 1) is not None


def test_an_engine_that_stands_still_is_told() -> None:
    assert engine_turns(lambda: timedelta(seconds=59)) is None
    assert engine_turns(lambda: timedelta(seconds=61)) == "the engine has stood still for 61 s"


def test_a_seal_about_to_expire_is_told(open_home: House) -> None:
    certificate = load_seals(open_home.gateway.premises.signing_certificate)[0]
    last = certificate.not_valid_after_utc
    assert seal_lasts(certificate, lambda: last - timedelta(minutes=61)) is None
    assert seal_lasts(certificate, lambda: last - timedelta(minutes=59)) is not None


def test_a_check_that_fails_is_a_fault_and_the_port_goes_on() -> None:
    def broken() -> str | None:
        raise OSError("disk")

    port = OperationsPort("127.0.0.1", 0, Readiness({"disk": broken, "seal": lambda: None}))
    port.start()
    try:
        told = httpx2.get(f"{port.address}/ready")
        assert httpx2.get(f"{port.address}/other").status_code == 404
    finally:
        port.stop()
    assert told.status_code == 503
    assert set(json.loads(told.content)["faults"]) == {"disk"}


def test_a_port_that_cannot_be_served_refuses_whoever_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Instead of taking connections that nobody answers."""
    port = OperationsPort("127.0.0.1", 0, Readiness({}))

    def without_descriptors(**_: object) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(port._server, "run", without_descriptors)
    with structlog.testing.capture_logs() as told:
        port.start()
        port.stop()
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"{port.address}/ready")
    assert [one["event"] for one in told] == ["operations.port_closed"]


@pytest.mark.parametrize(("method", "counted"), [("info", 0), ("warning", 1), ("error", 1)])
def test_warnings_and_errors_of_the_log_are_counted(method: str, counted: int) -> None:
    before = ALARMS.labels("milk.spilt")._value.get()
    assert count_alarm(None, method, {"event": "milk.spilt"}) == {"event": "milk.spilt"}
    assert ALARMS.labels("milk.spilt")._value.get() == before + counted
