"""When it is we who fail: tried again, parked, replayed; never the sender's fault, and nobody else waits.

The faults are real ones, made with a database console or on the disk; the clock is moved by hand.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta

import pytest
from typer.testing import CliRunner

from adapters.cli import app
from adapters.database.deposits import Kept
from adapters.engine import Engine
from adapters.premises import Premises
from tests.flow.premises import HandClock, answers, execute, kinds, move, registered, rows, someone, wages
from tests.house import OTHER_EMPLOYER, House, Sender, person, wage, wait_for

PATIENCE_SECONDS = 10.0


@contextmanager
def refusing_wages(home: House) -> Iterator[None]:
    """The register of wages takes no new rows: a constraint of ours that should not be there."""
    execute(home, "CREATE TRIGGER broken BEFORE INSERT ON wage BEGIN SELECT RAISE(ABORT, 'no'); END")
    try:
        yield
    finally:
        execute(home, "DROP TRIGGER broken")


@contextmanager
def schema_as_before(home: House) -> Iterator[None]:
    """Put every definition back letter by letter: SQLite writes what it renames a little differently, and
    `verify` compares the letters."""
    before = rows(home, "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    try:
        yield
    finally:
        with closing(sqlite3.connect(Premises(home.settings.data).database)) as connection, connection:
            connection.execute("PRAGMA writable_schema = ON")
            put_back = "UPDATE sqlite_master SET sql = :sql WHERE name = :name"
            connection.executemany(put_back, before)
            (version,) = connection.execute("PRAGMA schema_version").fetchone()
            connection.execute(f"PRAGMA schema_version = {version + 1}")


@contextmanager
def without_wages(home: House) -> Iterator[None]:
    """The table of wages is gone: an upgrade that went wrong."""
    with schema_as_before(home):
        execute(home, "ALTER TABLE wage RENAME TO wage_away")
        try:
            yield
        finally:
            execute(home, "ALTER TABLE wage_away RENAME TO wage")


FAULTS = {"a constraint of ours": refusing_wages, "a table that is gone": without_wages}


def looked_at(home: House, sender: Sender, deposit: str, tries: int) -> Kept:
    """The deposit once it has been tried so often."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        home.gateway.engine.wake()
        one = home.gateway.deposits.find(str(sender.member), deposit)
        if one is not None and one.tries >= tries:
            return one
        assert time.monotonic() < until, f"not tried {tries} times: {one}"
        time.sleep(0.01)


def reaches(home: House, deposit: str, state: str) -> None:
    """Wait until a deposit is in a state."""
    until = time.monotonic() + PATIENCE_SECONDS
    while rows(home, "SELECT state FROM deposit WHERE id = :id", id=deposit) != [{"state": state}]:
        assert time.monotonic() < until, f"{deposit} does not become {state}"
        time.sleep(0.01)


def later(home: House, clock: HandClock, by: timedelta = timedelta(minutes=10)) -> None:
    move(home, clock, clock() + by)


def deposited(home: House, sender: Sender, insured: str) -> str:
    content = home.batch(sender, "DECSAL", [wage(insured)])
    return home.receive(sender, home.name("DECSAL", sender.member), content).deposit


def affiliated(home: House) -> str:
    insured = someone()
    home.affiliate(insured)
    return insured


@pytest.mark.parametrize("fault", FAULTS)
def test_our_failure_is_tried_again_then_parked_and_replayed(
    home: House, sender: Sender, clock: HandClock, fault: str
) -> None:
    insured = affiliated(home)
    with FAULTS[fault](home):
        deposit = deposited(home, sender, insured)
        for tries, state in ((1, "received"), (2, "received"), (3, "parked")):
            kept = looked_at(home, sender, deposit, tries)
            assert (kept.tries, kept.state, kept.verdict) == (tries, state, None)
            assert kept.fault
            assert insured not in kept.fault
            assert kinds(answers(home, deposit)) == ["ACKREC"]
            later(home, clock)
    behind = home.send(sender, "DEMMAT", [person(Surname="NACHFOLGER")])
    assert behind.verdict == "accepted"
    assert rows(home, "SELECT state FROM deposit WHERE id = :id", id=deposit) == [{"state": "parked"}]
    replayed = CliRunner().invoke(app, ["replay", deposit, "--data", str(home.settings.data)])
    assert replayed.exit_code == 0, replayed.output
    outcome = home.outcome(sender, deposit)
    assert (outcome.verdict, outcome.kept.state, outcome.kept.fault) == ("accepted", "done", None)
    assert kinds(answers(home, deposit)) == ["ACKREC", "ACKTRT"]
    assert wages(home, insured) == [("current", 381240)]


@pytest.mark.parametrize("fault", FAULTS)
def test_nobody_waits_behind_our_failure(
    home: House, sender: Sender, other: Sender, clock: HandClock, fault: str
) -> None:
    """A deposit that cannot be treated does not hold up those that can."""
    insured = affiliated(home)
    with FAULTS[fault](home):
        stuck = deposited(home, sender, insured)
        asked = home.signed(other, "DEMMAT", [person(Employer=OTHER_EMPLOYER, Reference=fault)])
        behind = home.receive(other, *asked).deposit
        reaches(home, behind, "done")
        assert rows(home, "SELECT verdict FROM deposit WHERE id = :id", id=stuck) == [{"verdict": None}]
    later(home, clock)
    assert home.outcome(sender, stuck).verdict == "accepted"


def test_a_failure_that_passes_needs_no_hands(home: House, sender: Sender, clock: HandClock) -> None:
    insured = affiliated(home)
    with refusing_wages(home):
        deposit = deposited(home, sender, insured)
        looked_at(home, sender, deposit, 1)
    later(home, clock)
    assert home.outcome(sender, deposit).verdict == "accepted"
    assert wages(home, insured) == [("current", 381240)]


def test_it_is_not_tried_again_before_its_time(home: House, sender: Sender, clock: HandClock) -> None:
    """The clock stands: the deposit is left alone while others are treated."""
    insured = affiliated(home)
    with refusing_wages(home):
        deposit = deposited(home, sender, insured)
        looked_at(home, sender, deposit, 1)
        for number in range(3):
            home.send(sender, "DEMMAT", [person(Surname="GEDULD", FirstName="A" * (number + 1))])
        assert rows(home, "SELECT tries FROM deposit WHERE id = :id", id=deposit) == [{"tries": 1}]
    later(home, clock)
    home.wait(sender, deposit)


def test_half_an_effect_leaves_nothing(home: House, sender: Sender, clock: HandClock) -> None:
    """A failure at the thousandth record takes back the others with it."""
    people = [affiliated(home) for _ in range(3)]
    home.send(sender, "DECSAL", [wage(people[0], BaseWage="1000.00")])
    before = registered(home)
    execute(
        home,
        "CREATE TRIGGER broken BEFORE INSERT ON wage"
        f" WHEN NEW.insured = '{people[2]}' BEGIN SELECT RAISE(ABORT, 'no'); END",
    )
    try:
        content = home.batch(sender, "DECSAL", [wage(one) for one in people])
        deposit = home.receive(sender, home.name("DECSAL", sender.member), content).deposit
        looked_at(home, sender, deposit, 1)
        assert registered(home) == before
        treated = rows(home, "SELECT 1 FROM journal WHERE subject = :id AND event = 'treated'", id=deposit)
        assert treated == []
    finally:
        execute(home, "DROP TRIGGER broken")
    later(home, clock)
    assert home.outcome(sender, deposit).acknowledgement.accepted == 3
    assert wages(home, people[0]) == [("superseded", 100000), ("current", 381240)]


def test_when_the_answer_cannot_be_posted_there_is_no_effect(
    home: House, sender: Sender, clock: HandClock
) -> None:
    """Promise P4: effect, journal entry and answer appear together or not at all."""
    insured = affiliated(home)
    execute(
        home,
        "CREATE TRIGGER broken BEFORE INSERT ON answer WHEN NEW.kind = 'ACKTRT'"
        " BEGIN SELECT RAISE(ABORT, 'no'); END",
    )
    try:
        deposit = deposited(home, sender, insured)
        looked_at(home, sender, deposit, 1)
        assert wages(home, insured) == []
    finally:
        execute(home, "DROP TRIGGER broken")
    later(home, clock)
    home.outcome(sender, deposit)
    assert wages(home, insured) == [("current", 381240)]


def test_bytes_that_are_away_are_waited_for(home: House, sender: Sender, clock: HandClock) -> None:
    """The disk of the spool is away for a moment."""
    insured = affiliated(home)
    folder = home.gateway.spool.deposits
    with refusing_wages(home):
        deposit = deposited(home, sender, insured)
        looked_at(home, sender, deposit, 1)
    away = folder.rename(folder.with_name("away"))
    later(home, clock)
    kept = looked_at(home, sender, deposit, 2)
    assert (kept.state, kept.verdict) == ("received", None)
    away.rename(folder)
    later(home, clock)
    assert home.outcome(sender, deposit).verdict == "accepted"


def test_a_database_that_is_busy_for_a_moment_is_no_failure(home: House, sender: Sender) -> None:
    """Another program holds the write lock while deposits come in."""
    insured = affiliated(home)
    content = home.batch(sender, "DECSAL", [wage(insured)])
    name = home.name("DECSAL", sender.member)
    console = sqlite3.connect(Premises(home.settings.data).database, isolation_level=None)
    receipts: list[str] = []
    deposit = threading.Thread(target=lambda: receipts.append(home.receive(sender, name, content).deposit))
    try:
        console.execute("BEGIN IMMEDIATE")
        deposit.start()
        deposit.join(0.7)
        assert receipts == []
        console.execute("COMMIT")
    finally:
        console.close()
    deposit.join()
    outcome = home.outcome(sender, receipts[0])
    assert (outcome.verdict, outcome.kept.tries) == ("accepted", 0)


def test_only_what_is_parked_is_replayed(home: House, sender: Sender) -> None:
    done = home.send(sender, "DECSAL", [wage(affiliated(home))]).kept
    for identifier in (done.deposit.id, "no such deposit"):
        refused = CliRunner().invoke(app, ["replay", identifier, "--data", str(home.settings.data)])
        assert refused.exit_code == 1
    assert home.gateway.deposits.find(str(sender.member), done.deposit.id) == done


def test_a_failure_says_nothing_of_the_batch_in_the_logs(
    home: House, sender: Sender, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Requirement 24: logs and errors hold ids only, whatever statement fails with a record in its hands."""
    insured = affiliated(home)
    home.send(sender, "DECSAL", [wage(affiliated(home))])
    logging.getLogger("dbos").addHandler(caplog.handler)
    with schema_as_before(home):
        execute(home, "ALTER TABLE wage RENAME COLUMN capped TO capped_away")
        try:
            deposit = deposited(home, sender, insured)
            noted = "SELECT 1 FROM deposit WHERE id = :id AND fault IS NOT NULL"
            until = time.monotonic() + PATIENCE_SECONDS
            while not (caplog.text or rows(home, noted, id=deposit)):
                assert time.monotonic() < until, "the failure was never noted"
                time.sleep(0.01)
            kept = rows(
                home, "SELECT CAST(error AS TEXT) FROM workflow_status UNION ALL SELECT fault FROM deposit"
            )
            assert insured not in caplog.text
            assert insured not in str(kept)
        finally:
            logging.getLogger("dbos").removeHandler(caplog.handler)
            execute(home, "ALTER TABLE wage RENAME COLUMN capped_away TO capped")
    later(home, clock)
    home.wait(sender, deposit)


def test_a_return_that_cannot_be_posted_stops_nobody(
    home: House, sender: Sender, other: Sender, clock: HandClock
) -> None:
    """A held wage falls due and its SALRET cannot be written; all others are treated none the less."""
    held = home.send(sender, "DECSAL", [wage(someone())]).kept
    assert held.state == "held"
    execute(
        home,
        "CREATE TRIGGER broken BEFORE INSERT ON answer WHEN NEW.kind = 'SALRET'"
        " BEGIN SELECT RAISE(ABORT, 'no'); END",
    )
    try:
        later(home, clock, timedelta(days=40))
        asked = home.signed(other, "DEMMAT", [person(Employer=OTHER_EMPLOYER, Surname="DRITTER")])
        reaches(home, home.receive(other, *asked).deposit, "done")
    finally:
        execute(home, "DROP TRIGGER broken")
    home.gateway.engine.wake()
    reaches(home, held.deposit.id, "done")


@pytest.mark.embedded
def test_one_that_fails_takes_nothing_of_its_bundle_with_it(
    home: House, sender: Sender, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fails as its last row is written, so that everything else of it has to be taken back."""
    concluded: list[int] = []
    conclude = Engine._conclude
    monkeypatch.setattr(
        Engine, "_conclude", lambda self, bundle: concluded.append(len(bundle)) or conclude(self, bundle)
    )
    people = [affiliated(home) for _ in range(5)]
    with refusing_wages(home):
        sent = [deposited(home, sender, insured) for insured in people]
        for deposit in sent:
            looked_at(home, sender, deposit, 1)
    failing, unfortunate = sent.pop(2), people.pop(2)
    ends = f"NEW.id = '{failing}' AND NEW.state = 'done'"
    execute(
        home, f"CREATE TRIGGER late BEFORE UPDATE ON deposit WHEN {ends} BEGIN SELECT RAISE(ABORT, 'no'); END"
    )
    concluded.clear()
    later(home, clock)
    assert looked_at(home, sender, failing, 2).state == "received"
    assert [home.outcome(sender, deposit).verdict for deposit in sent] == ["accepted"] * 4
    assert concluded[0] == 5
    assert [wages(home, insured) for insured in people] == [[("current", 381240)]] * 4
    assert wages(home, unfortunate) == []
    assert kinds(answers(home, failing)) == ["ACKREC"]
    execute(home, "DROP TRIGGER late")
    assert home.findings() == ()
    later(home, clock)
    assert home.outcome(sender, failing).verdict == "accepted"
    assert wages(home, unfortunate) == [("current", 381240)]
    assert home.findings() == ()


def test_a_group_that_fails_without_a_note_of_it_is_given_up(home: House, sender: Sender) -> None:
    """A disk that is full for what was done is full for the note of its failure as well."""
    full = "BEGIN SELECT RAISE(ABORT, 'full'); END"
    insured = affiliated(home)
    execute(home, f"CREATE TRIGGER no_work BEFORE INSERT ON datasource_outputs WHEN NEW.step_id > 1 {full}")
    ended = "NEW.status IN ('SUCCESS', 'ERROR')"
    execute(home, f"CREATE TRIGGER no_note BEFORE UPDATE ON workflow_status WHEN {ended} {full}")
    deposit = deposited(home, sender, insured)
    claimed = 'SELECT "group" FROM deposit WHERE id = :id'
    wait_for(lambda: rows(home, claimed, id=deposit)[0]["group"])
    time.sleep(0.5)
    execute(home, "DROP TRIGGER no_work", "DROP TRIGGER no_note")
    assert home.outcome(sender, deposit).verdict == "accepted"
    assert wages(home, insured) == [("current", 381240)]
    assert home.findings() == ()
