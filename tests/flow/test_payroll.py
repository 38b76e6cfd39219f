"""One file for everything: the same results as separate files, told part by part."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest
from lxml import etree

from gateway import wire
from gateway.batch import Header
from gateway.procedures import PARTS, PAYROLL, procedure
from tests.flow.premises import START, HandClock, affiliations, registered, someone, texts, wages
from tests.house import EMPLOYER, MEMBER, OTHER_EMPLOYER, House, Outcome, Sender, entry, wage, wait_for

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
