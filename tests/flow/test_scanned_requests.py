"""DEMMAT with the scans of identity documents, from the deposit to the number."""

from __future__ import annotations

import pytest
from lxml import etree

from gateway import dta
from tests.flow.premises import registered
from tests.house import MEMBER, House, Outcome, Sender, person, scan
from xsd import catalogue


def named(subject: str) -> str:
    return f"CARTID{subject}.{MEMBER.matricule}_{MEMBER.number}.JPG"


def request(home: House, sender: Sender, surname: str) -> dict[str, bytes]:
    """A batch that asks for one person, born on 3 February 1891, without a scan."""
    return {"DEMMAT.xml": etree.tostring(home.plain(sender, "DEMMAT", [person(Surname=surname)]))}


def told(outcome: Outcome) -> list[tuple[str, int | None, str | None]]:
    return [(one.code, one.record, one.value) for one in outcome.acknowledgement.anomalies]


def test_a_new_number_needs_a_scan_and_a_known_one_does_not(home: House, sender: Sender) -> None:
    before = registered(home)
    batch = home.batch(sender, "DEMMAT", [person(Surname="NEUMANN")])
    refused = home.outcome(sender, home.receive(sender, home.name("DEMMAT", MEMBER), batch).deposit)
    assert (refused.verdict, told(refused)) == ("rejected", [("MATRET-SCAN", 1, "CARTID189102030")])
    assert registered(home) == before
    files = request(home, sender, "NEUMANN") | {named("189102030"): scan()}
    assert home.send_files(sender, "DEMMAT", files).verdict == "accepted"
    again = home.batch(sender, "DEMMAT", [person(Surname="NEUMANN", Reference="again")])
    accepted = home.outcome(sender, home.receive(sender, home.name("DEMMAT", MEMBER), again).deposit)
    assert (accepted.verdict, told(accepted)) == ("accepted", [])


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (scan() + b"PK\x03\x04", "Something follows its end."),
        (scan()[:-2], "It is cut off or damaged."),
        (b"", "It is not a JPEG file."),
    ],
)
def test_a_scan_that_is_not_taken_is_named_with_its_fault(
    home: House, sender: Sender, content: bytes, fault: str
) -> None:
    before = registered(home)
    files = request(home, sender, "UNSICHTBAR") | {named("189102030"): content}
    outcome = home.send_files(sender, "DEMMAT", files)
    assert (outcome.verdict, told(outcome)) == ("rejected", [("MATRET-IMAGE", 1, fault)])
    assert registered(home) == before


def test_a_scan_of_nobody_is_hinted_at_and_stops_nothing(home: House, sender: Sender) -> None:
    pictures = {named("189102030"): scan(), named("189102031"): b"anything"}
    outcome = home.send_files(sender, "DEMMAT", request(home, sender, "EINZELN") | pictures)
    assert outcome.verdict == "accepted"
    assert told(outcome) == [("MATRET-ORPHAN", None, named("189102031"))]


def test_the_operators_own_file_with_its_scans(home: House, sender: Sender) -> None:
    versions = catalogue().entries["DEMMAT"].versions
    form = catalogue().form("DEMMAT", "1.0", versions["1.0"].first)
    asked = [person(Surname="ERSTE"), person(Surname="ZWEITE")]
    files = {"DEMMAT.dta": dta.write(MEMBER, asked, form), named("189102031"): scan()}
    outcome = home.send_files(sender, "DEMMAT", files)
    assert (outcome.verdict, told(outcome)) == ("partial", [("MATRET-SCAN", 1, "CARTID189102030")])
    found = etree.fromstring(outcome.answers["MATASS"]).findall("{*}Assigned")
    assert [each.get("record") for each in found] == ["2"]


def test_an_employer_learns_nothing_of_persons_it_may_not_ask_for(home: House, sender: Sender) -> None:
    asked = person(Employer="2099990003999", Surname="FREMD")
    plain = etree.tostring(home.plain(sender, "DEMMAT", [asked]))
    assert home.send_files(sender, "DEMMAT", {"DEMMAT.xml": plain}).codes == ["MANDATE-EMPLOYER"]
