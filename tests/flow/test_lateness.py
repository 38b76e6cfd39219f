"""Lateness from deposit to proposal: what counts is when a deposit came in, whatever happened to it here."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adapters.cli import app
from adapters.database.circumstances import Circumstances
from adapters.lateness import proposed
from adapters.serve import Gateway
from adapters.spool import Spool
from adapters.verification import inspect
from gateway.deadlines import Kind, Outage
from gateway.lateness import Circumstance, Ground, Matter, Proposal, State
from gateway.matricule import person_number
from gateway.moments import LUXEMBOURG, Received
from tests import databases
from tests.flow.premises import START, HandClock, affiliations, move, rows, someone
from tests.house import EMPLOYER, MEMBER, OTHER_EMPLOYER, House, Sender, entry, house, wage

DAY = timedelta(days=1)


def noon(day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=LUXEMBOURG)


def of(home: House, insured: str, day: str) -> list[Proposal]:
    """The proposals about somebody as of a day."""
    found = proposed(home.gateway.database, date.fromisoformat(day), None)
    return [one for one in found if one.insured == insured]


def declare(home: House, sender: Sender, *records: dict[str, str]) -> None:
    assert home.send(sender, "DECAFF", records).verdict == "accepted"


def leaving(insured: str, exit_: str) -> dict[str, str]:
    return {"Kind": "exit", "Employer": EMPLOYER, "Insured": insured, "Exit": exit_}


def cancelling(insured: str, entered: str) -> dict[str, str]:
    return {"Kind": "cancellation", "Employer": EMPLOYER, "Insured": insured, "PreviousEntry": entered}


@pytest.fixture
def asleep(tmp_path: Path) -> Iterator[tuple[House, Sender, HandClock]]:
    """A gateway that takes deposits and treats none until it is woken."""
    clock = HandClock(START)
    with house(tmp_path, clock=clock) as home:
        home.employer(EMPLOYER)
        sender = home.sender(MEMBER, [EMPLOYER])
        home.gateway.engine.stop()
        yield home, sender, clock


@pytest.mark.parametrize(("entered", "late"), [("2026-08-12", []), ("2026-06-15", [(Kind.ENTRY, 5_000)])])
def test_what_was_received_in_time_and_treated_weeks_later_is_not_late(
    asleep: tuple[House, Sender, HandClock], entered: str, late: list[tuple[Kind, int]]
) -> None:
    """PAIN-01: received on 20 August, the last day for an entry of the 12th; treated on 29 September.

    An entry of 15 June was due on the 24th: 57 days late on the day of receipt, 97 on that of treatment.
    """
    home, sender, clock = asleep
    insured = someone()
    content = home.batch(sender, "DECAFF", [entry(insured, Entry=entered)])
    deposit = home.receive(sender, home.name("DECAFF", MEMBER), content).deposit
    clock.put(START + 40 * DAY)
    home.gateway = Gateway(home.settings, clock)
    home.gateway.engine.start()
    try:
        kept = home.wait(sender, deposit)
        assert (kept.verdict, kept.changed.date()) == ("accepted", (START + 40 * DAY).date())
        found = of(home, insured, "2026-09-30")
        assert [(one.kind, one.amount) for one in found if one.kind is not Kind.WAGE] == late
    finally:
        home.gateway.engine.stop()
        home.gateway.database.close()


def test_a_late_entry_is_proposed_until_it_is_cancelled(home: House, sender: Sender) -> None:
    """PAIN-02. Due on Tuesday, 9 June, received on 20 August: two full months."""
    insured = someone()
    declare(home, sender, entry(insured, Entry="2026-06-01"))
    (found,) = of(home, insured, "2026-08-31")
    assert (found.employer, found.kind, found.event) == (EMPLOYER, Kind.ENTRY, date(2026, 6, 1))
    assert (found.due, found.days_late, found.amount) == (date(2026, 6, 9), 72, 10_000)
    assert of(home, insured, "2026-08-19") == []
    declare(home, sender, cancelling(insured, "2026-06-01"))
    assert of(home, insured, "2026-08-31") == []


def test_each_step_keeps_its_own_receipt(home: House, sender: Sender, clock: HandClock) -> None:
    """Entered in time, left late, and an exit taken back: entry, exit and change are told apart."""
    insured = someone()
    declare(home, sender, entry(insured, Entry="2026-08-17"))
    assert {one.kind for one in of(home, insured, "2026-12-31")} == {Kind.WAGE}
    declare(home, sender, leaving(insured, "2026-08-31"))
    assert affiliations(home, insured) == [("2026-08-17", "2026-08-31")]
    other = someone()
    declare(home, sender, entry(other, Entry="2026-08-17"))
    move(home, clock, noon("2026-10-20"))
    declare(home, sender, leaving(other, "2026-08-31"))
    changed = entry(insured, Entry="2026-08-17")
    previous = {"PreviousEntry": "2026-08-17", "PreviousExit": "2026-08-31"}
    declare(home, sender, {**changed, "Kind": "change", **previous})
    late = {
        (one.insured, one.kind): (one.event, one.due, one.amount)
        for each in (insured, other)
        for one in of(home, each, "2026-10-31")
        if one.kind is not Kind.WAGE
    }
    days = (date(2026, 8, 31), date(2026, 9, 8), 5_000)
    assert late == {(insured, Kind.CHANGE): days, (other, Kind.EXIT): days}


def test_the_first_notice_for_wages_cured_in_time(
    home: House, sender: Sender, other: Sender, clock: HandClock
) -> None:
    """PAIN-07. Wages of September: due on 12 October, reminders on the 26th, notice on 4 January, to cure
    until 15 February (the 13th is a Saturday)."""
    insured = person_number(date(1888, 5, 1), 7)
    declare(home, sender, entry(someone()))  # duties are known from the first deposit on
    with home.gateway.database.write() as connection:
        connection.exec_driver_sql(
            "INSERT INTO affiliation (employer, insured, entry, exit, contract, scheme, state)"
            " VALUES (?, ?, '2026-09-01', '2026-09-30', 'D', '03', 'current')",
            (OTHER_EMPLOYER, insured),
        )
    move(home, clock, noon("2026-10-27"))
    (missing,) = of(home, insured, "2026-10-27")
    assert (missing.state, missing.due, missing.days_late) == (State.MISSING, date(2026, 10, 12), 15)
    assert (missing.notice, missing.last_day) == (date(2027, 1, 4), date(2027, 2, 15))
    assert missing.right_to_cure
    move(home, clock, noon("2026-11-12"))
    record = wage(insured, OTHER_EMPLOYER, Period="2026-09")
    assert home.send(other, "DECSAL", [record]).verdict == "accepted"
    (cured,) = of(home, insured, "2027-03-01")
    assert (cured.state, cured.ground) == (State.DISCHARGE, Ground.FIRST_CURED)
    assert cured.received is not None
    assert cured.received.day == date(2026, 11, 12)
    assert of(home, insured, "2026-10-27") == [missing]
    # Declared once more, and once more on hold or not, the first receipt counts.
    move(home, clock, noon("2026-11-20"))
    home.send(other, "DECSAL", [{**record, "BaseWage": "4000.00"}])
    assert of(home, insured, "2027-03-01") == [cured]


def test_what_the_operator_declares_counts_and_stands_in_the_journal(home: House, sender: Sender) -> None:
    """The commands, from the late entry to nothing: a dispute, then its end, then an outage."""
    insured = someone()
    declared = Received(home.clock())
    entered = declared.day - 46 * DAY
    declare(home, sender, entry(insured, Entry=str(entered)))
    day, folder = str(declared.day + DAY), ["--data", str(home.settings.data)]

    def late() -> list[dict[str, object]]:
        ran = CliRunner().invoke(app, ["lateness", "--day", day, "--employer", EMPLOYER, "--json", *folder])
        assert ran.exit_code == 0, ran.output
        return [one for one in json.loads(ran.stdout) if one["insured"] == insured and one["kind"] == "entry"]

    def run(*words: str) -> int:
        return CliRunner().invoke(app, [*words, *folder]).exit_code

    table = CliRunner().invoke(app, ["lateness", "--day", day, "--employer", EMPLOYER, *folder]).stdout
    assert max(map(len, table.splitlines())) <= 80
    (one,) = late()
    days = (str(entered), str(one["due"]), str(one["last_day"]))
    for word in (EMPLOYER, insured, "entry", "50.00", "fine", *days):
        assert word in table
    assert one["amount"] == "50.00"
    assert set(one["text"]) == {"fr", "de", "en"}
    dispute = ["circumstance", "add", "dispute", "--employer", EMPLOYER, "--insured", insured]
    assert run(*dispute, "--from", str(entered)) == 0
    assert late() == []
    assert run(*dispute, "--from", str(entered), "--until", str(entered)) == 0
    (one,) = late()
    outage = [f"{date.fromisoformat(str(one['due'])) - n * DAY}T00:00" for n in (9, 0)]
    assert run("outage", "--from", outage[0], "--until", outage[1], "--reason", "line cut") == 0
    assert late() == []
    assert run("outage", "--from", outage[0], "--until", outage[1], "--reason", "again") == 1
    told = "SELECT event FROM journal WHERE event NOT IN ('posted', 'changed') ORDER BY sequence DESC LIMIT 3"
    events = [row["event"] for row in rows(home, told)]
    assert events == ["outage", "circumstance", "circumstance"]
    assert home.findings() == ()


@pytest.mark.parametrize("table", ["outage", "circumstance"])
def test_what_was_declared_cannot_be_changed_unnoticed(tmp_path: Path, table: str) -> None:
    database = databases.at(tmp_path / "gateway.db")
    spool = Spool(tmp_path / "spool", 1, database.file_keys)
    database.create()
    known, at = Circumstances(database), Received(START)
    known.declare(Outage(at, Received(START + DAY), "power"), at)
    known.enter(Circumstance(Matter.DEACTIVATED, EMPLOYER, None, START.date(), None), at)
    assert inspect(database, spool, []).findings == ()
    for change, statement, finding in (
        ("changed", f"UPDATE {table} SET first = '2026-01-01T00:00:00.000000Z'", "changed"),
        ("removed", f"DELETE FROM {table}", "taken out"),
    ):
        with closing(sqlite3.connect(database.file)) as raw, raw:
            raw.execute(f"DROP TRIGGER {table}_{change}")
            raw.execute(statement)
        told = f"{table.capitalize()} 1: it was {finding} behind the gateway's back"
        assert inspect(database, spool, []).findings[-1] == told
    database.close()


@pytest.mark.parametrize(
    "words",
    [
        ["outage", "--from", "2026-08-02T10:00", "--until", "2026-08-02T09:00", "--reason", "x"],
        ["outage", "--from", "yesterday", "--until", "2026-08-02T09:00", "--reason", "x"],
        ["circumstance", "add", "dispute", "--employer", EMPLOYER, "--from", "2026-08-02"],
        ["circumstance", "add", "deactivated", "--from", "2026-08-02"],
        ["circumstance", "add", "health-fund", "--employer", EMPLOYER, "--from", "2026-08-02"],
        ["circumstance", "add", "weather", "--employer", EMPLOYER, "--from", "2026-08-02"],
        ["circumstance", "add", "deactivated", "--employer", "1", "--from", "2026-08-02"],
        ["circumstance", "add", "deactivated", "--insured", "1", "--from", "2026-08-02"],
        ["lateness", "--day", "31/12/2026"],
        ["calendar", "--year", "26"],
    ],
)
def test_wrong_use_is_told(home: House, words: list[str]) -> None:
    before = rows(home, "SELECT count(*) AS entries FROM journal")
    assert CliRunner().invoke(app, [*words, "--data", str(home.settings.data)]).exit_code == 2
    assert rows(home, "SELECT count(*) AS entries FROM journal") == before


def test_the_calendar_is_published_without_a_gateway(tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["calendar", "--year", "2026", "--json", "--data", str(tmp_path / "none")])
    assert ran.exit_code == 0
    found = json.loads(ran.stdout)
    assert {one["month"] for one in found} == {f"2026-{month:02d}" for month in range(1, 13)}
    (wages,) = [one for one in found if (one["kind"], one["month"]) == ("wage", "2026-08")]
    assert (wages["for"], wages["last_day"], wages["hour"]) == ("2026-07", "2026-08-10", "24:00")
    assert wages["late_from"] == "2026-08-10T22:00:00.000000Z"
    assert CliRunner().invoke(app, ["calendar", "--year", "2026", "--data", str(tmp_path)]).exit_code == 0
