"""The test environment takes made-up people and employers only (production: `test_production.py`)."""

from __future__ import annotations

import pytest
from lxml import etree

from tests.flow.premises import registered, someone
from tests.house import House, Sender, entry, person, scan, wage

REAL = "1990060500123"


@pytest.mark.parametrize(
    ("code", "record", "field"),
    [
        ("DECSAL", wage(REAL), "Insured"),
        ("DECAFF", entry(REAL), "Insured"),
        ("DEMMAT", person(BirthDate="1990-06-05"), "BirthDate"),
        ("DECSAL", wage(employer="2020220124699"), "Employer"),
        (
            "DEMEMP",
            {"Kind": "registration", "NationalNumber": "20202201246", "Name": "Atelier S.A."},
            "NationalNumber",
        ),
    ],
)
def test_who_could_be_real_is_refused_before_anything_is_kept_of_them(
    home: House, sender: Sender, code: str, record: dict[str, str], field: str
) -> None:
    before = registered(home)
    outcome = home.send(sender, code, [wage() if code == "DECSAL" else record, record])
    assert outcome.verdict == "rejected"
    assert set(outcome.codes) == {"FILE-REAL"}
    assert f"<Field>{field}</Field>".encode() in outcome.answers["ACKTRT"]
    assert REAL.encode() not in outcome.answers["ACKTRT"]
    assert registered(home) == before


def test_a_scan_said_to_be_of_who_could_be_real_is_refused(home: House, sender: Sender) -> None:
    files = {
        "DEMMAT.xml": etree.tostring(home.plain(sender, "DEMMAT", [person()])),
        f"CARTID199006050.{sender.member.matricule}_{sender.member.number}.JPG": scan(),
    }
    outcome = home.send_files(sender, "DEMMAT", files)
    assert (outcome.verdict, outcome.codes) == ("rejected", ["FILE-REAL"])
    assert b"19900605" not in outcome.answers["ACKTRT"]


@pytest.mark.parametrize("address", ["CCSS", "CCSSTEST"])
def test_the_test_environment_is_an_address_of_its_own(home: House, sender: Sender, address: str) -> None:
    content = home.batch(sender, "DECSAL", [wage(someone())])
    name = home.name("DECSAL", sender.member).replace(".CCSS.", f".{address}.")
    outcome = home.outcome(sender, home.receive(sender, name, content).deposit)
    assert (outcome.verdict, outcome.hints) == ("accepted", ["SALRET-HELD"])
