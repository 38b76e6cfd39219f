"""Activities abroad, door to door: on hold and released or given back, annexes in a container, agencies."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from lxml import etree

from adapters.database.registers.persons import SqlPersons
from gateway.batch import MemberId
from gateway.moments import Received
from gateway.registers import Address, Identity
from tests.flow.premises import (
    HandClock,
    answers,
    counts,
    kinds,
    midnight,
    move,
    rows,
    someone,
    swept,
    texts,
)
from tests.house import EMPLOYER, House, Sender, entry, wage

PDF = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n"
AGENCY = MemberId("2099990005599", "300003")


def activity(insured: str, first: date, **changes: str) -> dict[str, str]:
    """A good posting of some weeks; changes replace fields, or add some behind them."""
    fields = {
        "Kind": "creation",
        "Employer": EMPLOYER,
        "Insured": insured,
        "Procedure": "posting",
        "First": str(first),
        "Last": str(first + timedelta(60)),
        "ResidenceCountry": "FR",
        "HostCountry": "DE",
    }
    return {**fields, **changes}


def boatman(insured: str, first: date) -> dict[str, str]:
    fields = activity(insured, first, Procedure="rhine")
    return {name: text for name, text in fields.items() if name != "HostCountry"}


def states(home: House, insured: str) -> list[str]:
    """What has become of all that was declared for a person, in the order of entry."""
    found = rows(
        home, "SELECT state FROM activity_abroad WHERE insured = :insured ORDER BY id", insured=insured
    )
    return [row["state"] for row in found]


def held(home: House, sender: Sender, *records: dict[str, str]) -> str:
    """The id of a deposit whose activities wait."""
    outcome = home.send(sender, "DEMDET", records)
    known = outcome.acknowledgement
    assert (outcome.verdict, known.held, known.accepted) == ("accepted", len(records), 0)
    assert (outcome.kept.state, outcome.codes, known.returns) == ("held", [], ())
    assert outcome.hints == ["DETRET-HELD"] * len(records)
    return outcome.kept.deposit.id


def test_a_held_activity_stands_once_its_first_day_is_insured(
    home: House, sender: Sender, today: date
) -> None:
    insured = someone()
    deposit = held(home, sender, activity(insured, today))
    after = entry(insured, Entry=str(today + timedelta(1)))
    assert home.send(sender, "DECAFF", [after]).verdict == "accepted"
    assert (counts(home, sender, deposit), states(home, insured)) == (("held", 0, 0, 1), ["held"])
    earlier = {**after, "Kind": "change", "Entry": str(today), "PreviousEntry": after["Entry"]}
    assert home.send(sender, "DECAFF", [earlier]).codes == []
    assert (counts(home, sender, deposit), states(home, insured)) == (("done", 1, 0, 0), ["current"])
    assert kinds(answers(home, deposit)) == ["ACKREC", "ACKTRT"]


def test_an_activity_waits_a_month_and_is_then_given_back(
    home: House, sender: Sender, clock: HandClock, today: date
) -> None:
    """Received on the 5th it may wait to the end of the next month's 5th, in Luxembourg (DETRET 11)."""
    insured, lucky = someone(), someone()
    given_up = activity(insured, today, HostName="Müller & Söhne", Reference="Zeile 1")
    deposit = held(home, sender, given_up, activity(lucky, today))
    home.send(sender, "DECAFF", [entry(lucky, Entry=str(today))])
    last = (today + timedelta(31)).replace(day=today.day)
    move(home, clock, midnight(last))
    home.gateway.engine._treatment.sweep(Received(midnight(last)))
    assert counts(home, sender, deposit) == ("held", 1, 0, 1)
    move(home, clock, midnight(last + timedelta(1)))
    swept(home, sender, deposit, "done")
    assert counts(home, sender, deposit) == ("done", 1, 1, 0)
    assert (states(home, insured), states(home, lucky)) == (["expired"], ["current"])
    given = answers(home, deposit)
    assert kinds(given) == ["ACKREC", "ACKTRT", "DETRET"]
    assert texts(given[-1][1], "Rejected/Code") == ["11"]
    assert {name: texts(given[-1][1], f"Rejected/{name}") for name in given_up} == {
        name: [text] for name, text in given_up.items()
    }
    assert etree.fromstring(given[-1][1]).xpath("//@record") == ["1"]


def test_wages_and_activities_on_hold_are_given_back_each_in_its_own_return(
    home: House, sender: Sender, clock: HandClock, today: date
) -> None:
    waiting = held(home, sender, activity(someone(), today))
    unpaid = home.send(sender, "DECSAL", [wage(someone())]).kept.deposit.id
    late = Received(clock() + timedelta(40))
    for _ in range(2):
        assert home.gateway.engine._treatment.sweep(late)
    assert kinds(answers(home, waiting)) == ["ACKREC", "ACKTRT", "DETRET"]
    assert kinds(answers(home, unpaid)) == ["ACKREC", "ACKTRT", "SALRET"]


@pytest.mark.parametrize("kind", ["rectification", "cancellation"])
def test_a_held_activity_that_is_stated_anew_or_wiped_waits_no_longer(
    home: House, sender: Sender, today: date, kind: str
) -> None:
    insured = someone()
    deposit = held(home, sender, activity(insured, today))
    outcome = home.send(sender, "DEMDET", [activity(insured, today, Kind=kind)])
    assert outcome.verdict == "accepted"
    assert counts(home, sender, deposit) == ("done", 1, 0, 0)
    expected = {"rectification": ["replaced", "held"], "cancellation": ["cancelled"]}
    assert states(home, insured) == expected[kind]


def annex(kind: str, insured: str, member: MemberId) -> str:
    return f"SECU.DEMDET.{kind}.{insured}.20260820-09150000.{member}.CCSS.PDF"


def test_a_boatman_is_taken_with_both_annexes_in_one_container(
    home: House, sender: Sender, today: date
) -> None:
    insured = someone()
    home.affiliate(insured)
    batch = etree.tostring(home.plain(sender, "DEMDET", [boatman(insured, today)]))
    annexes = {annex(kind, insured, sender.member): PDF for kind in ("RHIN", "EXPL")}
    for missing in annexes:
        alone = {name: content for name, content in annexes.items() if name != missing}
        outcome = home.send_files(sender, "DEMDET", {"batch.xml": batch, **alone})
        assert outcome.codes == ["DETRET-9"]
    assert home.send(sender, "DEMDET", [boatman(insured, today)]).codes == ["DETRET-9"]
    assert states(home, insured) == []
    assert home.send_files(sender, "DEMDET", {"batch.xml": batch, **annexes}).verdict == "accepted"
    assert states(home, insured) == ["current"]


def test_the_country_of_the_registered_address_is_held_against_the_residence(
    home: House, sender: Sender, today: date
) -> None:
    living = Address("12", "RUE DE L'EXEMPLE", "57000", "METZ", "FR")
    with home.gateway.database.write() as connection:
        insured = SqlPersons(connection).assign(Identity("EXEMPLE", "ALINE", date(1890, 5, 5)), "FR", living)
    assert insured is not None
    home.affiliate(insured)
    wrong = home.send(sender, "DEMDET", [activity(insured, today, ResidenceCountry="BE")])
    assert wrong.codes == ["DETRET-5"]
    assert home.send(sender, "DEMDET", [activity(insured, today)]).verdict == "accepted"


def test_an_agency_is_told_to_use_decint(home: House, today: date) -> None:
    insured = someone()
    home.affiliate(insured)
    agency = home.sender(AGENCY, [EMPLOYER], kind="agency")
    outcome = home.send(agency, "DEMDET", [activity(insured, today)])
    assert (outcome.verdict, outcome.codes) == ("rejected", ["DETRET-AGENCY"])
    remedies = etree.fromstring(outcome.answers["ACKTRT"]).findall(".//{*}Remedy")
    assert all("DECINT" in (remedy.text or "") for remedy in remedies)
    assert states(home, insured) == []


def test_a_dta_file_is_told_to_come_as_xml(home: House, sender: Sender) -> None:
    outcome = home.send_files(sender, "DEMDET", {"DEMDET.dta": f"0;{EMPLOYER};100001\r\n".encode()})
    assert (outcome.verdict, outcome.codes) == ("rejected", ["FILE-DTA"])
    assert "XML only, since 2 April 2024" in (outcome.acknowledgement.anomalies[0].value or "")
