"""No change: the staff list of a month comes, and is answered in one line."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from lxml import etree

from adapters.database.members import ALL
from adapters.notices import Notices
from gateway import dta
from gateway.agreement import Agreement, Spelling
from gateway.moments import Received
from gateway.returns import lisper
from signing.container import open_container
from tests.flow.premises import START, HandClock, look_over, rows, someone, texts, wages
from tests.flow.test_payroll import parts, payroll
from tests.flow.test_payroll import send as send_payroll
from tests.house import EMPLOYER, MEMBER, House, Outcome, Sender, house, wage
from xsd import catalogue

FIRST = f"0;{MEMBER.matricule};{MEMBER.number}\r\n"
LINE = f"1;{EMPLOYER};202607;AS-BEFORE\r\n"
UNCHANGED = {"Employer": EMPLOYER, "Period": "2026-07", "Reference": "AS-BEFORE"}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    """A gateway without doors of its own for each test: staff lists are about everybody."""
    with house(tmp_path, clock=HandClock(START)) as opened:
        opened.employer(EMPLOYER)
        yield opened
        look_over(opened)


@pytest.fixture
def sender(home: House) -> Sender:
    return home.sender(MEMBER, [EMPLOYER])


@pytest.fixture
def staff(home: House, sender: Sender) -> list[str]:
    """Three people, affiliated for long, whose wages of June have been declared."""
    people = [someone() for _ in range(3)]
    home.affiliate(*people)
    amounts = ("3812.40", "2771.33", "0.00")
    june = [wage(one, Period="2026-06", BaseWage=text) for one, text in zip(people, amounts, strict=True)]
    assert home.send(sender, "DECSAL", june).verdict == "accepted"
    return people


def notices(home: House, day: date, kind: str) -> list[etree._Element]:
    """What a run on a day posts of a kind."""
    gateway = home.gateway
    posted = [one.name for one in Notices(gateway.database, gateway.seal, gateway.clock).run(day)]
    query = "SELECT name, content FROM answer WHERE kind = :kind ORDER BY number"
    return [etree.fromstring(row["content"]) for row in rows(home, query, kind=kind) if row["name"] in posted]


def told(outcome: Outcome) -> list[tuple[str, str | None]]:
    return [(anomaly.code, anomaly.value) for anomaly in outcome.acknowledgement.anomalies]


def send_dta(home: House, sender: Sender, content: str) -> Outcome:
    return home.send_files(sender, "DECREC", {"DECREC.dta": content.encode()})


def test_the_list_comes_and_is_confirmed_in_one_line(home: House, sender: Sender, staff: list[str]) -> None:
    (document,) = notices(home, date(2026, 8, 20), "LISPER")
    listed = lisper.read(document).listed
    assert {(one.insured, str(one.period)) for one in listed} == {(one, "2026-07") for one in staff}
    outcome = send_dta(home, sender, FIRST + LINE)
    assert (outcome.verdict, outcome.acknowledgement.accepted) == ("accepted", 1)
    assert told(outcome) == [("RECRET-REPEATED", "3 / 6583.73 EUR")]
    query = (
        "SELECT insured, base_wage, work_hours, state, record, reference FROM wage WHERE period = '2026-07'"
    )
    shown = {
        (one.insured, one.last_wage.base_wage, one.last_wage.work_hours, "current", 1, "AS-BEFORE")
        for one in listed
        if one.last_wage
    }
    assert {tuple(row.values()) for row in rows(home, query)} == shown
    assert len(shown) == len(staff)
    again = home.send(sender, "DECREC", [UNCHANGED])
    assert (again.verdict, again.codes) == ("rejected", ["RECRET-5"])
    assert texts(again.answers["RECRET"], "Rejected/Code") == ["RECRET-5"]
    assert notices(home, date(2026, 8, 21), "SALMAN") == []
    assert not home.findings()


def test_nobody_is_forgotten(home: House, sender: Sender, staff: list[str]) -> None:
    home.affiliate(newcomer := someone())
    outcome = home.send(sender, "DECREC", [UNCHANGED])
    assert (outcome.verdict, told(outcome)) == ("rejected", [("RECRET-6", "1 / 4")])
    assert rows(home, "SELECT * FROM wage WHERE period = '2026-07'") == []
    july = home.send(sender, "DECSAL", [wage(one) for one in (*staff, newcomer)])
    assert july.verdict == "accepted"


def test_a_difference_is_declared_afterwards(home: House, sender: Sender, staff: list[str]) -> None:
    repeated = home.send(sender, "DECREC", [UNCHANGED])
    assert home.send(sender, "DECSAL", [wage(staff[0], BaseWage="4000.00")]).verdict == "accepted"
    assert wages(home, staff[0]) == [("current", 381240), ("superseded", 381240), ("current", 400000)]
    assert wages(home, staff[1]) == [("current", 277133), ("current", 277133)]
    assert home.wait(sender, repeated.kept.deposit.id).state == "done"
    assert not home.findings()


def test_a_refused_line_comes_back_as_it_was_sent(home: House, sender: Sender, staff: list[str]) -> None:
    agreed = Agreement(ALL, answers=Spelling.DTA)
    home.gateway.members.agree(sender.member, agreed, Received(home.clock()))
    outcome = send_dta(home, sender, FIRST + LINE + LINE + LINE.replace("202607", "2026-7"))
    assert (outcome.verdict, outcome.codes) == ("partial", ["RECRET-7", "RECRET-2"])
    ((_, file),) = open_container(outcome.answers["RECRET"]).files.items()
    returned = [line.replace("1;", f"1;RECRET-{code};", 1) for code, line in ((7, LINE), (2, LINE))]
    assert file.decode() == FIRST + returned[0] + returned[1].replace("202607", "2026-7")
    form = catalogue().form("DECREC", "1.0", date(2026, 8, 20))
    assert dta.write(MEMBER, [UNCHANGED], form).decode() == FIRST + LINE


def test_a_right_for_wages_is_no_right_to_repeat_them(home: House, sender: Sender, staff: list[str]) -> None:
    members, now = home.gateway.members, Received(home.clock())
    for row in rows(home, "SELECT number FROM mandate"):
        members.end_mandate(row["number"], date(2026, 8, 19), now)
    members.grant(MEMBER, EMPLOYER, ["DECSAL"], first=date(2026, 1, 1), last=None, at=now)
    assert home.send(sender, "DECREC", [UNCHANGED]).codes == ["MANDATE-EMPLOYER"]
    members.grant(MEMBER, EMPLOYER, ["DECREC"], first=date(2026, 1, 1), last=None, at=now)
    assert home.send(sender, "DECREC", [UNCHANGED]).verdict == "accepted"


def test_in_a_payroll_wages_come_before_what_is_repeated(
    home: House, sender: Sender, staff: list[str]
) -> None:
    """And both before the incapacities, which are held against their hours."""
    records = {"DECREC": [UNCHANGED], "DECSAL": [wage(staff[0])]}
    outcome = send_payroll(home, sender, payroll(home, sender, records))
    assert parts(outcome) == [("DECSAL", "1", "1", "0", "0"), ("DECREC", "1", "0", "1", "0")]
    assert outcome.codes == ["RECRET-5"]
    assert texts(outcome.answers["ACKTRT"], "Anomaly/Path") == ["/PAYROLL/Unchanged[1]/Period"]


def test_incapacities_are_held_against_the_hours_repeated(
    home: House, sender: Sender, staff: list[str]
) -> None:
    absence = {
        "Kind": "declaration",
        "Employer": EMPLOYER,
        "Insured": staff[0],
        "Period": "2026-07",
        "IncapacityType": "1",
        "Start": "2026-07-01",
        "End": "2026-07-31",
        "Hours": "184",
    }
    records = {"DECMAL": [absence], "DECREC": [UNCHANGED]}
    outcome = send_payroll(home, sender, payroll(home, sender, records))
    assert (outcome.verdict, outcome.hints) == ("accepted", ["RECRET-REPEATED", "MALRET-HOURS"])
