"""What cannot be told yet: kept, tried again, alarmed; and the evidence of what could be told (P5, SR-4)."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from structlog.testing import capture_logs
from typer.testing import CliRunner

from adapters.cli import app
from adapters.database.evidence import StoredEvidence, evidence_of
from adapters.premises import Premises
from gateway.states import State
from tests.house import EMPLOYER, MEMBER, House, MovingClock, Sender, house, wage, wait_for

AT = datetime.now(UTC)
HOUR = timedelta(hours=1)


class Held:
    """A gateway whose revocation list can be taken away."""

    def __init__(self, home: House, sender: Sender) -> None:
        self.home = home
        self.sender = sender
        self.list = Premises(home.settings.data).revocations / "throw-away.crl"
        self.kept = self.list.read_bytes()

    def send(self, period: str = "2026-07") -> str:
        name, content = self.home.signed(self.sender, "DECSAL", [wage(Period=period)])
        return self.home.receive(self.sender, name, content).deposit

    def tried(self, deposit: str, tries: int) -> None:
        """Wait until a deposit was tried so often."""

        def often() -> bool | None:
            found = self.home.gateway.deposits.find(str(MEMBER), deposit)
            assert found is not None
            return found.tries >= tries or None

        wait_for(often)

    def state(self, deposit: str) -> State:
        found = self.home.gateway.deposits.find(str(MEMBER), deposit)
        assert found is not None
        return found.state

    def evidence(self, deposit: str) -> StoredEvidence:
        with self.home.gateway.database.read() as connection:
            return evidence_of(connection, deposit)

    def later(self, by: timedelta) -> None:
        assert isinstance(self.home.clock, MovingClock)
        self.home.clock.at += by
        self.home.gateway.engine.wake()

    def waiting(self) -> tuple[int, list[dict[str, object]]]:
        data = str(self.home.settings.data)
        result = CliRunner().invoke(app, ["waiting", "--json", "--data", data])
        return result.exit_code, json.loads(result.output)


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Held]:
    with house(tmp_path, clock=MovingClock(AT - 12 * HOUR)) as home:
        home.employer(EMPLOYER)
        yield Held(home, home.sender(MEMBER, [EMPLOYER]))


def test_a_deposit_waits_for_its_list_is_alarmed_and_then_judged_as_of_receipt(held: Held) -> None:
    held.list.unlink()
    deposit = held.send()
    held.tried(deposit, 1)
    assert held.state(deposit) is State.WAITING
    assert held.evidence(deposit) == StoredEvidence((), (), ())
    with capture_logs() as logs:
        held.later(HOUR / 2)
        held.tried(deposit, 2)
        held.later(HOUR)
        held.tried(deposit, 3)
    told = [(one["event"], one["log_level"]) for one in logs if one.get("deposit") == deposit]
    assert told == [("deposit.waits", "warning"), ("deposit.alarm", "error")]
    status, [line] = held.waiting()
    assert (status, line["deposit"], line["state"], line["tries"]) == (1, deposit, "waiting", 3)
    assert line["alarm"] is True
    assert "revocation" in str(line["why"])
    held.list.write_bytes(held.kept)
    held.later(HOUR)
    assert held.home.outcome(held.sender, deposit).codes != ["SIG-CERTIFICATE-REVOKED"]
    assert held.waiting() == (0, [])


def test_nothing_in_the_log_names_the_member(held: Held) -> None:
    """SR-24: ids only; why it waits stands in the database."""
    held.list.unlink()
    with capture_logs() as logs:
        held.tried(held.send(), 1)
    told = [one for one in logs if str(one["event"]).startswith("deposit")]
    assert told
    assert str(MEMBER) not in str(told)


def test_a_fresh_deposit_that_waits_is_no_alarm(held: Held) -> None:
    held.list.unlink()
    held.later(12 * HOUR)  # the command looks at the clock of the machine
    deposit = held.send()
    held.tried(deposit, 1)
    status, [line] = held.waiting()
    assert (status, line["deposit"], line["alarm"]) == (0, deposit, False)


def test_who_waited_is_refused_when_the_next_list_says_revoked_before_receipt(held: Held) -> None:
    held.list.unlink()
    early, late = held.send("2026-06"), held.send("2026-07")
    held.tried(late, 1)
    gone = {held.sender.signer.certificate.serial_number: held.home.clock() - HOUR}
    at = held.home.clock()
    held.list.write_bytes(held.home.authority.crl(gone, at, at + 24 * HOUR))
    held.later(HOUR)
    for deposit in (early, late):
        assert held.home.outcome(held.sender, deposit).codes == ["SIG-CERTIFICATE-REVOKED"]


def test_who_is_revoked_after_receipt_was_right_at_receipt(held: Held) -> None:
    held.list.unlink()
    deposit = held.send()
    held.tried(deposit, 1)
    gone = {held.sender.signer.certificate.serial_number: held.home.clock() + HOUR}
    held.later(2 * HOUR)
    at = held.home.clock()
    held.list.write_bytes(held.home.authority.crl(gone, at, at + 24 * HOUR))
    held.later(HOUR)
    assert "SIG-CERTIFICATE-REVOKED" not in held.home.outcome(held.sender, deposit).codes
    revoking = x509.load_pem_x509_crl(held.list.read_bytes()).public_bytes(Encoding.DER)
    assert held.evidence(deposit).lists == (revoking,)


def test_path_and_list_are_kept_with_the_deposit_once_for_all(held: Held) -> None:
    deposits = [held.send(f"2026-0{month}") for month in (5, 6, 7)]
    for deposit in deposits:
        held.home.outcome(held.sender, deposit)
    raw = x509.load_pem_x509_crl(held.kept).public_bytes(Encoding.DER)
    ders = [
        one.public_bytes(Encoding.DER)
        for one in (held.sender.signer.certificate, held.home.authority.certificate)
    ]
    for deposit in deposits:
        assert held.evidence(deposit) == StoredEvidence(tuple(ders), (raw,), ())
    with held.home.gateway.database.read() as connection:
        kept = dict(connection.exec_driver_sql("SELECT digest, der FROM certificate_evidence").all())
    assert kept == {hashlib.sha256(der).hexdigest(): der for der in (*ders, raw)}
    assert held.evidence("another") == StoredEvidence((), (), ())


def test_evidence_that_was_changed_is_found(held: Held) -> None:
    """Whoever owns the file can change it past every trigger; `secugate verify` names it."""
    deposit = held.send()
    held.home.outcome(held.sender, deposit)
    assert held.home.findings() == ()
    with closing(sqlite3.connect(Premises(held.home.settings.data).database)) as store:
        named = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'certificate_evidence'"
        for (name,) in store.execute(named).fetchall():
            store.execute(f"DROP TRIGGER {name}")
        store.execute("UPDATE certificate_evidence SET der = x'00' WHERE length(der) > 0")
        store.commit()
    assert "certificate_evidence" in str(held.home.findings())
