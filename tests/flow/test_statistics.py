"""`secugate statistics`: which codes were given how often, to whose software; how soon answers came."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from adapters.cli import app
from gateway import wire
from gateway.batch import Header
from gateway.moments import Received
from gateway.procedures import procedure
from gateway.waits import quantile
from tests.flow.premises import HandClock, execute, move, rows, someone
from tests.house import EMPLOYER, MEMBER, OTHER_EMPLOYER, House, Outcome, Sender, entry, house, wage, wait_for

JULY_END = datetime(2026, 7, 31, 21, 59, tzinfo=UTC)
"""The last minute of July in Luxembourg."""


@pytest.fixture
def clock() -> HandClock:
    return HandClock(JULY_END)


@pytest.fixture
def home(tmp_path: Path, clock: HandClock) -> Iterator[House]:
    with house(tmp_path, clock=clock) as made:
        made.employer(EMPLOYER)
        yield made


@pytest.fixture
def sender(home: House) -> Sender:
    return home.sender(MEMBER, [EMPLOYER])


def send(
    home: House, sender: Sender, software: str | None, code: str, records: Sequence[Mapping[str, str]]
) -> Outcome:
    """Send records as a program does that says its name."""
    header = Header(code, "1.0", sender.member, "CCSS", "test", home.clock(), software=software)
    content = sender.signer.sign(wire.write_batch(header, procedure(code).record, records), home.clock())
    return home.outcome(sender, home.receive(sender, home.name(code, sender.member), content).deposit)


def shown(home: House, *words: str) -> Result:
    done = CliRunner().invoke(app, ["statistics", "--data", str(home.settings.data), *words])
    assert done.exit_code == 0, done.output
    return done


def figures(home: House, *words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shown(home, "--json", *words).stdout)
    return found


def given(group: Mapping[str, Any]) -> dict[str, tuple[int, int, str]]:
    """By code: records, deposits, per cent of the records."""
    return {one["code"]: (one["records"], one["deposits"], one["share"]) for one in group["codes"]}


def named(groups: Sequence[Mapping[str, Any]], name: str) -> dict[str | None, Mapping[str, Any]]:
    return {group[name]: group for group in groups}


def test_codes_are_counted_for_each_software_and_procedure(home: House, sender: Sender) -> None:
    known = someone()
    home.affiliate(known)
    june = {"Period": "2026-06"}
    wrong = wage(known, BaseWage="x", Supplements="y", **june)
    send(home, sender, "Lohn 4", "DECSAL", [wage(known, **june), wrong, wage("1", **june), wage("2", **june)])
    send(home, sender, "Lohn 4", "DECSAL", [wage("3", **june), wage(someone(), **june)])
    send(home, sender, "Paie 2", "DECAFF", [entry(Town="")])
    send(home, sender, None, "DECSAL", [wage("4", **june)])
    broken = home.batch(sender, "DECSAL", [wage(known)]).replace(b"3812.40", b"3812.41")
    refused = home.receive(sender, home.name("DECSAL", MEMBER), broken)
    home.outcome(sender, refused.deposit)

    found = figures(home)
    assert (found["deposits"], found["records"], found["rejected"]) == (5, 8, 6)
    # A record with a code in two of its fields counts once; a file that was refused as a whole has no record.
    assert given(found) == {
        "SALRET-3": (4, 3, "50.00"),
        "AFFRET-5": (1, 1, "12.50"),
        "SALRET-4": (1, 1, "12.50"),
        "SALRET-HELD": (1, 1, "12.50"),
        "SIG-BROKEN": (0, 1, "0.00"),
    }
    assert found["codes"][0]["title"] == "Insured person's matricule wrong"
    software = named(found["software"], "software")
    assert software.keys() == {"Lohn 4", "Paie 2", None}
    assert (software["Lohn 4"]["deposits"], software["Lohn 4"]["records"]) == (2, 6)
    assert given(software["Lohn 4"])["SALRET-3"] == (3, 2, "50.00")
    assert given(software["Paie 2"]) == {"AFFRET-5": (1, 1, "100.00")}
    assert given(software[None]) == {"SALRET-3": (1, 1, "100.00"), "SIG-BROKEN": (0, 1, "0.00")}
    procedures = named(found["procedure"], "procedure")
    assert {code: group["deposits"] for code, group in procedures.items()} == {"DECSAL": 4, "DECAFF": 1}
    assert given(procedures["DECAFF"]) == {"AFFRET-5": (1, 1, "100.00")}


def test_the_day_of_receipt_in_luxembourg_decides(home: House, sender: Sender, clock: HandClock) -> None:
    send(home, sender, "Lohn 4", "DECSAL", [wage("1", Period="2026-06")])
    move(home, clock, JULY_END + timedelta(minutes=2))
    send(home, sender, "Lohn 4", "DECSAL", [wage("2", Period="2026-06"), wage("3", Period="2026-06")])
    for words, records in (
        (("--until", "2026-07-31"), 1),
        (("--from", "2026-08-01"), 2),
        (("--from", "2026-07-31", "--until", "2026-08-01"), 3),
        (("--from", "2026-08-02"), 0),
    ):
        found = figures(home, *words)
        assert (found["records"], found["rejected"]) == (records, records)
        assert given(found).get("SALRET-3", (0,))[0] == records


def test_a_wage_that_waited_too_long_counts_for_its_deposit_as_well(
    home: House, sender: Sender, clock: HandClock
) -> None:
    outcome = send(home, sender, "Lohn 4", "DECSAL", [wage(someone(), Period="2026-06")])
    assert outcome.hints == ["SALRET-HELD"]
    move(home, clock, JULY_END + timedelta(days=40))
    home.gateway.engine._treatment.sweep(Received(clock()))
    software = named(figures(home)["software"], "software")
    assert given(software["Lohn 4"]) == {
        "SALRET-14": (1, 1, "100.00"),
        "SALRET-HELD": (1, 1, "100.00"),
    }
    assert software["Lohn 4"]["rejected"] == 1


def test_the_parts_of_a_payroll_number_their_records_apart(home: House, sender: Sender) -> None:
    header = Header("PAYROLL", "1.0", sender.member, "CCSS", "test", home.clock(), software="Lohn 4")
    strange = {"employer": OTHER_EMPLOYER}
    root = wire.write_batch(header, "Affiliation", [entry(**strange)])
    root.extend(wire.write_batch(header, "Wage", [wage(Period="2026-06", **strange)])[1:])
    content = sender.signer.sign(root, home.clock())
    receipt = home.receive(sender, home.name("PAYROLL", MEMBER), content)
    assert home.outcome(sender, receipt.deposit).codes == ["MANDATE-EMPLOYER", "MANDATE-EMPLOYER"]
    found = figures(home)
    assert given(found) == {"MANDATE-EMPLOYER": (2, 1, "100.00")}
    assert named(found["procedure"], "procedure").keys() == {"PAYROLL"}


def late(home: House, sender: Sender, seconds: int) -> None:
    """A deposit that is answered so many seconds after its receipt, and a little more."""
    outcome = send(home, sender, "Lohn 4", "DECSAL", [wage("1", Period="2026-06")])
    received = Received(outcome.kept.deposit.received)
    execute(
        home,
        f"UPDATE deposit SET received = '{Received(received.at - timedelta(seconds=seconds))}'"
        f" WHERE id = '{outcome.kept.deposit.id}'",
    )


def test_answer_times_are_those_from_receipt_to_acknowledgement(home: House, sender: Sender) -> None:
    for seconds in (5, 0, 1, 3):
        late(home, sender, seconds)
    send(home, sender, None, "DECAFF", [entry(Town="")])
    found = figures(home)
    times = found["times"]
    # The clock of the house goes on by microseconds; what is shown ends at thousandths.
    assert (times["answered"], times["median"], times["p99"], times["longest"]) == (
        5,
        "1.000",
        "5.000",
        "5.000",
    )
    assert times["within_2_s"] == "60.00"
    procedures = {code: one["times"] for code, one in named(found["procedure"], "procedure").items()}
    assert (procedures["DECSAL"]["median"], procedures["DECSAL"]["within_2_s"]) == ("1.000", "50.00")
    assert (procedures["DECAFF"]["longest"], procedures["DECAFF"]["within_2_s"]) == ("0.000", "100.00")
    assert (times["decided"], times["longest_decided"], times["waiting"]) == (0, None, 0)


def test_records_on_hold_are_timed_until_the_last_of_a_deposit_is_decided(
    home: House, sender: Sender, clock: HandClock
) -> None:
    one, two, never = someone(), someone(), someone()
    june = {"Period": "2026-06"}
    send(home, sender, "Lohn 4", "DECSAL", [wage(one, **june), wage(two, **june)])
    send(home, sender, "Lohn 4", "DECSAL", [wage(never, **june)])
    waiting = figures(home)["times"]
    assert (waiting["decided"], waiting["waiting"]) == (0, 2)
    move(home, clock, JULY_END + timedelta(hours=2))
    send(home, sender, "Lohn 4", "DECAFF", [entry(one, Entry="2026-06-01")])
    assert figures(home)["times"]["decided"] == 0
    move(home, clock, JULY_END + timedelta(hours=30, seconds=5))
    send(home, sender, "Lohn 4", "DECAFF", [entry(two, Entry="2026-06-01")])
    found = figures(home)
    for times in (found["times"], named(found["procedure"], "procedure")["DECSAL"]["times"]):
        assert (times["decided"], times["waiting"]) == (1, 1)
        assert 108_000 < float(times["longest_decided"]) < 108_010
    # Until the moment of the call, which the machine's own clock says.
    assert found["times"]["longest_waiting"] is not None
    assert found["times"]["longest"].startswith("0.0")
    text = shown(home).stdout
    assert "Deposits with records on hold" in text
    assert "30.0" in text
    assert named(found["procedure"], "procedure")["DECAFF"]["times"]["decided"] == 0


@pytest.mark.parametrize(
    ("count", "hundredths", "expected"),
    [(1, 50, 1), (2, 50, 1), (3, 50, 2), (100, 99, 99), (101, 99, 100), (7, 100, 7), (200, 99, 198)],
)
def test_a_quantile_is_a_time_that_was_measured(count: int, hundredths: int, expected: int) -> None:
    times = [timedelta(seconds=each) for each in range(count, 0, -1)]
    assert quantile(times, hundredths) == timedelta(seconds=expected)
    assert quantile([], hundredths) is None


def test_people_see_tables_and_never_a_sender(home: House, sender: Sender) -> None:
    send(home, sender, "[bold]Lohn", "DECSAL", [wage("1", Period="2026-06")])
    text = shown(home).stdout
    assert "Deposits: 1; records: 1, of which refused: 1" in text
    assert max(map(len, text.splitlines())) <= 80
    for word in ("SALRET-3", "blocking", "100.00", "[bold]Lohn", "DECSAL", "% in 2 s"):
        assert word in text
    for output in (text, shown(home, "--json").stdout):
        assert EMPLOYER not in output
        assert f"Member {MEMBER}" not in output


def test_a_treatment_that_we_had_to_repeat_counts_once(home: House, sender: Sender, clock: HandClock) -> None:
    assert figures(home) == {
        "from": None,
        "until": None,
        "deposits": 0,
        "records": 0,
        "rejected": 0,
        "codes": [],
        "times": {
            "answered": 0,
            "median": None,
            "p99": None,
            "longest": None,
            "within_2_s": "0.00",
            "decided": 0,
            "longest_decided": None,
            "waiting": 0,
            "longest_waiting": None,
        },
        "software": [],
        "procedure": [],
    }
    broken = "CREATE TRIGGER broken BEFORE UPDATE OF verdict ON deposit BEGIN SELECT RAISE(ABORT, 'no'); END"
    execute(home, broken)
    content = home.batch(sender, "DECSAL", [wage("1", Period="2026-06")])
    deposit = home.receive(sender, home.name("DECSAL", MEMBER), content).deposit
    wait_for(lambda: one if (one := home.gateway.deposits.find(str(MEMBER), deposit)) and one.tries else None)
    assert rows(home, "SELECT * FROM anomaly_count") == []
    execute(home, "DROP TRIGGER broken")
    move(home, clock, JULY_END + timedelta(minutes=10))
    assert home.outcome(sender, deposit).codes == ["SALRET-3"]
    assert given(figures(home)) == {"SALRET-3": (1, 1, "100.00")}
