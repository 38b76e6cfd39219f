"""One file for everything: the same results as separate files, told part by part."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import pytest
from lxml import etree

from gateway import wire
from gateway.batch import Header, MemberId
from gateway.procedures import PARTS, PAYROLL, procedure
from tests.flow.premises import START, HandClock, affiliations, registered, someone, texts, wages
from tests.flow.test_agency import exit_of, mission, missions
from tests.house import (
    EMPLOYER,
    MEMBER,
    OTHER_EMPLOYER,
    House,
    Outcome,
    Sender,
    entry,
    person,
    scans,
    wage,
    wait_for,
)

Records = Mapping[str, Sequence[Mapping[str, str]]]


def payroll(home: House, sender: Sender, records: Records, **header: str) -> etree._Element:
    """A PAYROLL without signature; records by the procedure they belong to."""
    given = Header(
        procedure=PAYROLL,
        version=header.get("version", "1.0"),
        sender=sender.member,
        recipient="CCSS",
        environment=header.get("environment", home.settings.environment),
        created=home.clock(),
    )
    root = wire.write_batch(given, "", [])
    for code, rows in records.items():
        for row in rows:
            wire.fill(wire.add(root, procedure(code).record), row.items())
    return root


def send(home: House, sender: Sender, document: etree._Element) -> Outcome:
    content = sender.signer.sign(document, home.clock())
    receipt = home.receive(sender, home.name(PAYROLL, sender.member), content)
    return home.outcome(sender, receipt.deposit)


def absence(insured: str, **changes: str) -> dict[str, str]:
    fields = {
        "Kind": "declaration",
        "Employer": EMPLOYER,
        "Insured": insured,
        "Period": "2026-07",
        "IncapacityType": "1",
        "Start": "2026-07-06",
        "End": "2026-07-10",
        "Hours": "40",
    }
    return {**fields, **changes}


def parts(outcome: Outcome) -> list[tuple[str, ...]]:
    root = etree.fromstring(outcome.answers["ACKTRT"])
    names = ("procedure", "records", "accepted", "rejected", "held")
    return [tuple(part.get(name, "") for name in names) for part in root.iterfind("{*}Part")]


def test_an_entry_its_wage_and_its_absence_in_one_file(home: House, sender: Sender) -> None:
    insured, unknown = someone(), someone()
    records = {
        "DECSAL": [wage(insured), wage(unknown), wage(insured, Period="2026-06", InactiveHours="8")],
        "DECMAL": [absence(insured)],
        "DECAFF": [entry(insured)],
    }
    outcome = send(home, sender, payroll(home, sender, records))
    assert parts(outcome) == [
        ("DECAFF", "1", "1", "0", "0"),
        ("DECSAL", "3", "1", "1", "1"),
        ("DECMAL", "1", "1", "0", "0"),
    ]
    assert (outcome.verdict, outcome.codes, outcome.hints) == ("partial", ["SALRET-7"], ["SALRET-HELD"])
    assert texts(outcome.answers["ACKTRT"], "Anomaly/Path") == [
        "/PAYROLL/Wage[2]/Insured",
        "/PAYROLL/Wage[3]/InactiveHours",
    ]
    assert texts(outcome.answers["SALRET"], "Rejected/Code") == ["7"]
    assert affiliations(home, insured) == [("2026-07-01", None)]
    assert wages(home, insured) == [("current", 381240)]
    lines = texts(outcome.answers["ACKTRT"], "Anomaly/Line")
    assert len(lines) == 2


def test_a_request_for_a_number_is_answered_by_itself(home: House, sender: Sender) -> None:
    records = {"DEMMAT": [{"Employer": EMPLOYER, "Surname": "?"}], "DECSAL": []}
    outcome = send(home, sender, payroll(home, sender, records))
    assert parts(outcome) == [("DEMMAT", "1", "0", "1", "0")]
    assert "MATRET" in outcome.answers


def test_each_part_needs_its_own_mandate(home: House, sender: Sender) -> None:
    insured = someone()
    records = {
        "DECAFF": [entry(insured, OTHER_EMPLOYER)],
        "DECSAL": [wage(insured, OTHER_EMPLOYER)],
    }
    outcome = send(home, sender, payroll(home, sender, records))
    assert (outcome.verdict, outcome.codes) == ("rejected", ["MANDATE-EMPLOYER", "MANDATE-EMPLOYER"])
    assert affiliations(home, insured) == []


def test_a_wage_of_a_payroll_that_waited_too_long_comes_back(
    home: House, sender: Sender, clock: HandClock
) -> None:
    insured = someone()
    outcome = send(home, sender, payroll(home, sender, {"DECSAL": [wage(insured)]}))
    assert (outcome.verdict, outcome.hints) == ("accepted", ["SALRET-HELD"])
    clock.put(START + timedelta(days=40))
    try:
        home.gateway.engine.wake()
        wait_for(lambda: wages(home, insured) == [("expired", 381240)] or None)
    finally:
        clock.put(START)


def _one_faulty(code: str, rows: list[dict[str, str]], choose: random.Random) -> None:
    faults = {
        "DECAFF": [{"OccupationCode": "9999"}, {"WeeklyHours": "many"}, {"Entry": "2026-02-30"}],
        "DECSAL": [{"BaseWage": "x"}, {"InactiveHours": "8"}, {"Period": "2031-01"}, {"WorkHours": "373"}],
        "DECMAL": [{"Hours": ""}, {"End": "2026-07-01"}, {"IncapacityType": "9"}],
    }
    if rows and code in faults:
        rows[choose.randrange(len(rows))].update(choose.choice(faults[code]))


@pytest.mark.parametrize("seed", range(8))
def test_the_same_results_as_separate_files(home: House, sender: Sender, seed: int) -> None:
    choose = random.Random(seed)
    people = [someone() for _ in range(5)]
    twins = {one: someone() for one in people}
    records: dict[str, list[dict[str, str]]] = {
        "DECAFF": [entry(one) for one in choose.sample(people, 4)],
        "DECSAL": [wage(one) for one in choose.choices(people, k=6)],
        "DECMAL": [absence(one) for one in choose.sample(people, 3)],
    }
    for code, rows in records.items():
        _one_faulty(code, rows, choose)
    together = send(home, sender, payroll(home, sender, records))
    apart = [
        home.send(sender, code, [{**row, "Insured": twins[row["Insured"]]} for row in records[code]])
        for code in PARTS
        if records.get(code)
    ]
    assert sorted(together.codes) == sorted(code for one in apart for code in one.codes)
    assert sorted(together.hints) == sorted(hint for one in apart for hint in one.hints)
    assert set(together.answers) == {kind for one in apart for kind in one.answers}
    for one, twin in twins.items():
        assert affiliations(home, one) == affiliations(home, twin)
        assert wages(home, one) == wages(home, twin)


@pytest.fixture(scope="module")
def agency(home: House) -> Sender:
    """A temporary-work agency with a mandate for its own number."""
    return home.sender(MemberId(EMPLOYER, "300004"), [EMPLOYER], kind="agency")


_REQUESTS = {
    "good": {},
    "without a scan": {},
    "with a fault": {"Surname": "?"},
    "of a third country": {"Nationality": "US"},
    "known": {"Surname": "BEKANNT", "BirthDate": "1890-01-02"},
}


def _requests(choose: random.Random, family: str) -> tuple[list[dict[str, str]], list[date | None]]:
    """Requests for numbers, and the birth dates for which a scan comes along; some born on one day."""
    rows, scanned = [], list[date | None]()
    for place, kind in enumerate(choose.choices(list(_REQUESTS), k=5)):
        born = date(1891, 2, choose.choice((3, 3, 4)))
        # A surname in letters, its own in each file: the person is not known yet.
        changes = {"Surname": f"{family}{'ABCDE'[place]}", "BirthDate": born.isoformat()}
        row = person(**{**changes, **_REQUESTS[kind]})
        rows.append(row)
        scanned.append(None if kind in ("without a scan", "known") else born)
    return rows, scanned


def _missions(choose: random.Random, people: Sequence[str]) -> list[dict[str, str]]:
    """Missions of a week, sometimes out of order, overlapping, of a faulty kind or without an exit."""
    rows = [
        mission(one, f"2026-07-{first:02d}", f"2026-07-{first + 4:02d}")
        for one in people
        for first in choose.sample((1, 3, 8, 15, 22), choose.randint(1, 3))
    ]
    if choose.random() < 0.5:
        rows.sort(key=lambda row: row["Entry"])
    choose.choice(rows).update(choose.choice([{"OccupationCode": "9999"}, {"User": "1"}, {"Entry": "?"}]))
    return [*rows, exit_of(choose.choice(people), "2026-07-30")]


def _numbers(outcome: Outcome) -> list[tuple[str | None, str | None, str | None]]:
    """Of each number given or found its place in the file, whether it existed, and its birth date."""
    if "MATASS" not in outcome.answers:
        return []
    root = etree.fromstring(outcome.answers["MATASS"])
    return [
        (one.get("record"), one.findtext("{*}Existing"), one.findtext("{*}BirthDate"))
        for one in root.iterfind("{*}Assigned")
    ]


@pytest.mark.parametrize("seed", range(8))
def test_an_agency_gets_the_same_results_as_with_separate_files(
    home: House, agency: Sender, seed: int
) -> None:
    people = [someone() for _ in range(4)]
    twins = {one: someone() for one in people}
    requests, scanned = _requests(random.Random(seed), f"GEMEINSAM{'ABCDEFGH'[seed]}")
    again, _ = _requests(random.Random(seed), f"EINZELN{'ABCDEFGH'[seed]}")
    known = [person(Surname="BEKANNT", BirthDate="1890-01-02")]
    home.send(agency, "DEMMAT", known)
    choose = random.Random(seed)
    records: dict[str, list[dict[str, str]]] = {
        "DECINT": _missions(choose, people[:3]),
        "DECSAL": [wage(one) for one in choose.choices(people, k=4)],
        "DECMAL": [absence(one) for one in choose.sample(people, 2)],
    }
    _one_faulty("DECSAL", records["DECSAL"], choose)
    pictures = scans(agency.member, scanned)
    document = etree.tostring(payroll(home, agency, {"DEMMAT": requests, **records}))
    together = home.send_files(agency, PAYROLL, {"PAYROLL.xml": document, **pictures})

    plain = etree.tostring(home.plain(agency, "DEMMAT", again))
    apart = [home.send_files(agency, "DEMMAT", {"DEMMAT.xml": plain, **pictures})]
    for code, rows in records.items():
        apart.append(home.send(agency, code, [{**row, "Insured": twins[row["Insured"]]} for row in rows]))
    assert sorted(together.codes) == sorted(code for one in apart for code in one.codes)
    assert sorted(together.hints) == sorted(hint for one in apart for hint in one.hints)
    assert set(together.answers) == {kind for one in apart for kind in one.answers}
    assert _numbers(together) == _numbers(apart[0])
    assert {"INTRET", "MATRET"} & set(together.answers)
    for one, twin in twins.items():
        assert missions(home, one) == missions(home, twin)
        assert affiliations(home, one) == affiliations(home, twin)
        assert wages(home, one) == wages(home, twin)


def refused(home: House, sender: Sender, document: etree._Element, *codes: str) -> Outcome:
    before = registered(home)
    outcome = send(home, sender, document)
    assert (outcome.verdict, outcome.codes) == ("rejected", list(codes))
    assert registered(home) == before
    return outcome


def test_a_payroll_refused_as_a_whole(home: House, sender: Sender) -> None:
    refused(home, sender, payroll(home, sender, {}), "FILE-EMPTY")
    stranger = payroll(home, sender, {"DECSAL": [wage()]})
    wire.add(stranger, "Bonus", "1")
    refused(home, sender, stranger, "FILE-FORM")
    refused(home, sender, payroll(home, sender, {"DECSAL": [wage()]}, version="7.0"), "FILE-VERSION")
    headless = payroll(home, sender, {"DECSAL": [wage()]})
    headless.remove(headless[0])
    refused(home, sender, headless, "FILE-FORM")
    late_head = payroll(home, sender, {"DECSAL": [wage()]})
    late_head.append(late_head[0])
    refused(home, sender, late_head, "FILE-FORM")


def test_a_head_that_is_wrong_is_told_once_and_in_its_place(home: House, sender: Sender) -> None:
    records = {"DECSAL": [wage()], "DECAFF": [entry()]}
    elsewhere = payroll(home, sender, records, environment="production")
    outcome = refused(home, sender, elsewhere, "FILE-ENVIRONMENT")
    assert texts(outcome.answers["ACKTRT"], "Anomaly/Path") == ["/PAYROLL/Header/Environment"]


def test_a_name_that_speaks_of_another_message_is_refused(home: House, sender: Sender) -> None:
    content = home.batch(sender, "DECSAL", [wage()])
    outcome = home.outcome(sender, home.receive(sender, home.name(PAYROLL, MEMBER), content).deposit)
    assert outcome.codes == ["FILE-PROCEDURE"]
    content = sender.signer.sign(payroll(home, sender, {"DECSAL": [wage()]}), home.clock())
    outcome = home.outcome(sender, home.receive(sender, home.name("DECSAL", MEMBER), content).deposit)
    assert outcome.codes == ["FILE-PROCEDURE"]
