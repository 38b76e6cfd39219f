"""A start after whatever the last stop left behind: normal service comes back without hands."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.database import Database
from adapters.database.deposits import Deposits
from adapters.premises import Premises, spool_of
from adapters.serve import Gateway
from gateway.batch import MemberId
from gateway.client.sftp import SftpDoor
from gateway.moments import Clock, system_clock
from gateway.states import State
from inbox.receive import Inbox, receive
from tests.durability.running import PATIENCE_SECONDS, launch, profile_at
from tests.house import (
    EMPLOYER,
    MEMBER,
    House,
    MovingClock,
    Sender,
    entry,
    house,
    wage,
    wait_for,
)

OTHERS = ("1894050600302", "1895010100151")


@pytest.fixture
def closed(tmp_path: Path) -> tuple[House, Sender]:
    """A gateway at rest, with a member."""
    with house(tmp_path) as home:
        home.employer(EMPLOYER)
        sender = home.sender(MEMBER, [EMPLOYER])
        assert home.send(sender, "DECAFF", [entry()]).verdict == "accepted"
    return home, sender


@contextmanager
def opened(home: House, clock: Clock = system_clock) -> Iterator[House]:
    """The gateway of a house started again, with its doors."""
    home.gateway = Gateway(home.settings, clock)
    home.clock = clock
    home.doors = home.gateway.start()
    try:
        yield home
    finally:
        home.gateway.stop()


@contextmanager
def taking_only(home: House) -> Iterator[Inbox]:
    """An in-tray whose engine never runs, as in the moment before a stop."""
    premises = Premises(home.settings.data)
    database = Database(premises.database)
    spool = spool_of(home.settings, database)
    deposits = Deposits(database, home.gateway.seal, lambda: None)
    try:
        yield Inbox(spool.begin, deposits, system_clock)
    finally:
        database.close()


def left_untreated(home: House, sender: Sender, *batches: tuple[str, dict[str, str]]) -> list[str]:
    """Deposits that were receipted just before a stop."""
    ids = []
    with taking_only(home) as inbox:
        for code, record in batches:
            upload = inbox.begin()
            upload.write(0, home.batch(sender, code, [record]))
            name = home.name(code, sender.member)
            ids.append(receive(inbox, upload, sender=str(sender.member), name=name, door="https").deposit)
    return ids


def change(home: House, statement: str, *values: object) -> None:
    with closing(Database(Premises(home.settings.data).database)) as database, database.write() as connection:
        assert connection.exec_driver_sql(statement, values).rowcount


def is_well(home: House) -> bool:
    """Whether a new deposit is served, and everything kept is as it was entered."""
    sender = home.sender(MemberId(EMPLOYER, "100009"), [EMPLOYER])
    assert home.send(sender, "DECSAL", [wage(FirstDay="02")]).verdict == "accepted"
    return home.findings() == ()


def test_uploads_cut_off_and_files_never_entered_are_cleared(closed: tuple[House, Sender]) -> None:
    home, _ = closed
    spool = home.gateway.spool
    kept = sorted(spool.ids())
    (spool.incoming / uuid.uuid4().hex).write_bytes(b"half a bat")
    (spool.incoming / uuid.uuid4().hex).write_bytes(b"")
    with taking_only(home) as inbox:
        for content in (b"synced and renamed, not entered", b""):
            upload = inbox.begin()
            upload.write(0, content)
            upload.keep(str(uuid.uuid4()), str(MEMBER), system_clock())
    assert len(list(spool.ids())) == len(kept) + 2
    with opened(home):
        assert list(spool.incoming.iterdir()) == []
        wait_for(lambda: sorted(spool.ids()) == kept or None)
        assert is_well(home)


def test_a_deposit_that_comes_while_it_is_looked_is_left_alone(closed: tuple[House, Sender]) -> None:
    """Its file is there before its entry is; only what was there before this process is set aside."""
    home, _ = closed
    spool = home.gateway.spool
    kept = sorted(spool.ids())
    upload = spool.begin()
    upload.write(0, b"put, and not entered yet")
    upload.keep(str(uuid.uuid4()), str(MEMBER), system_clock())
    both = sorted(spool.ids())
    assert len(both) == len(kept) + 1
    assert spool.sweep(lambda _: set(kept)) == 0
    assert sorted(spool.ids()) == both
    assert spool.sweep(lambda _: set(kept)) == 1, "the control: the next process knows nothing of it"
    assert sorted(spool.ids()) == kept


def test_what_was_receipted_and_not_treated_is_treated_in_its_order(closed: tuple[House, Sender]) -> None:
    home, sender = closed
    one = OTHERS[0]
    untreated = left_untreated(
        home,
        sender,
        ("DECSAL", wage(one, BaseWage="3000.00")),
        ("DECAFF", entry(one)),
        ("DECSAL", wage(one, BaseWage="4000.00")),
    )
    with opened(home):
        assert [home.outcome(sender, deposit).verdict for deposit in untreated] == ["accepted"] * 3
        with home.gateway.database.read() as connection:
            rows = connection.exec_driver_sql(
                "SELECT base_wage, state FROM wage WHERE insured = ? ORDER BY deposit", (one,)
            )
            assert [tuple(row) for row in rows] == [(300000, "superseded"), (400000, "current")]
        assert is_well(home)


def never_started(_home: House) -> str:
    return str(uuid.uuid4())


def ended(home: House) -> str:
    """The id of a group that came to its end before."""
    with closing(sqlite3.connect(Premises(home.settings.data).database)) as connection:
        [(group,)] = connection.execute("SELECT workflow_uuid FROM workflow_status LIMIT 1").fetchall()
    return str(group)


@pytest.mark.parametrize("group", [never_started, ended])
def test_a_group_that_nobody_treats_is_treated(
    closed: tuple[House, Sender], group: Callable[[House], str]
) -> None:
    home, sender = closed
    claimed = left_untreated(home, sender, ("DECSAL", wage()), ("DECAFF", entry(OTHERS[0])))
    for deposit in claimed:
        change(home, 'UPDATE deposit SET "group" = ? WHERE id = ?', group(home), deposit)
    later = left_untreated(home, sender, ("DECSAL", wage(OTHERS[0])))
    with opened(home):
        assert [home.outcome(sender, deposit).verdict for deposit in claimed + later] == ["accepted"] * 3
        assert is_well(home)


def test_a_deposit_that_waits_for_a_revocation_list_is_treated_once_it_is_there(
    closed: tuple[House, Sender],
) -> None:
    home, sender = closed
    [lists] = Premises(home.settings.data).revocations.iterdir()
    content = lists.read_bytes()
    lists.unlink()
    with opened(home):
        deposit = home.receive(
            sender, home.name("DECSAL", MEMBER), home.batch(sender, "DECSAL", [wage()])
        ).deposit
        find = home.gateway.deposits.find

        def waiting() -> object:
            found = find(str(MEMBER), deposit)
            return found if found and found.state is State.WAITING else None

        wait_for(waiting)
    lists.write_bytes(content)
    with opened(home, MovingClock(datetime.now(UTC) + timedelta(hours=1))):
        outcome = home.outcome(sender, deposit)
        assert (outcome.verdict, outcome.kept.state, outcome.kept.fault) == ("accepted", State.DONE, None)
        assert is_well(home)


def test_a_start_after_nothing_happened_changes_nothing(closed: tuple[House, Sender]) -> None:
    """The first one after an entry posts the staff list that has fallen due."""
    home, _ = closed
    with opened(home):
        wait_for(lambda: home.gateway.engine._swept)
    spool = home.gateway.spool
    with closing(sqlite3.connect(Premises(home.settings.data).database)) as connection:

        def all_of_it() -> list[object]:
            tables = ("deposit", "journal", "answer", "affiliation", "wage", "person")
            return [connection.execute(f"SELECT * FROM {table}").fetchall() for table in tables]

        before, files = all_of_it(), sorted(spool.ids())
        with opened(home):
            wait_for(lambda: home.gateway.engine._swept)
        assert (all_of_it(), sorted(spool.ids())) == (before, files)


def test_a_second_gateway_on_the_same_folder_is_refused_and_does_no_harm(
    closed: tuple[House, Sender],
) -> None:
    home, sender = closed
    data = home.settings.data
    content = home.batch(sender, "DECSAL", [wage()])
    name = home.name("DECSAL", MEMBER)
    log = data.parent / "second.log"
    with opened(home):
        assert home.doors is not None
        door = SftpDoor(profile_at(data, sender, home.doors.https, home.doors.sftp))
        boxes = door._sftp
        with closing(door):
            with boxes.open(f"/inbox/{name}.part", "wb") as file:
                file.write(content)
            second = launch(data, log)
            assert second.stdout is not None
            said = second.stdout.readline()
            second.kill() if said else second.wait(PATIENCE_SECONDS)
            second.communicate()
            boxes.posix_rename(f"/inbox/{name}.part", f"/inbox/{name}")
        assert said == ""
        assert second.returncode == 1
        assert "Traceback" not in log.read_text()
        assert str(data) in log.read_text()
        assert is_well(home)
