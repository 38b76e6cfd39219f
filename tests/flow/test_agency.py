"""Temporary-work agencies: from a `.dta` file to the number of a user company."""

from __future__ import annotations

from pathlib import Path

from lxml import etree
from typer.testing import CliRunner

from adapters.cli import app
from gateway.batch import MemberId
from tests.house import EMPLOYER, MEMBER, OTHER_EMPLOYER, OTHER_MEMBER, House

COMPANY = {
    "Employer": EMPLOYER,
    "Name": "Beispiel Maschinenbau GmbH",
    "HouseNumber": "5",
    "Street": "Industriestrasse",
    "Country": "DE",
    "Postcode": "54290",
    "Town": "Trier",
}
DTA = (
    f"0;{MEMBER.matricule};{MEMBER.number}\r\n"
    f"1;{EMPLOYER};Beispiel Maschinenbau GmbH;5;Industriestrasse;DE;54290;Trier;\r\n"
).encode()


def number(content: bytes) -> tuple[str | None, str | None]:
    """The number in a MATUTI of one record, and whether it existed."""
    root = etree.fromstring(content)
    return root.findtext("{*}Assigned/{*}Company"), root.findtext("{*}Assigned/{*}Existing")


def test_a_dta_file_gets_a_number_and_another_agency_the_same(home: House, tmp_path: Path) -> None:
    agency = home.sender(MEMBER, [EMPLOYER], kind="agency")
    (tmp_path / "DEMUTI.dta").write_bytes(DTA)
    done = CliRunner().invoke(app, ["convert", str(tmp_path / "DEMUTI.dta"), "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    (file,) = tmp_path.glob("*.XML")
    assert file.name.startswith("SECU.DEMUTI.")
    content = agency.signer.sign(etree.parse(file).getroot(), home.clock())
    first = home.outcome(agency, home.receive(agency, file.name, content).deposit)
    assert (first.verdict, number(first.answers["MATUTI"])) == ("accepted", ("2026990001700", "false"))

    other = home.sender(OTHER_MEMBER, [OTHER_EMPLOYER], kind="agency")
    second = home.send(other, "DEMUTI", [{**COMPANY, "Employer": OTHER_EMPLOYER}])
    assert number(second.answers["MATUTI"]) == ("2026990001700", "true")


def test_an_employer_is_not_given_the_number_of_a_company(home: House) -> None:
    employer = home.sender(MemberId(EMPLOYER, "100009"), [EMPLOYER])
    outcome = home.send(employer, "DEMUTI", [COMPANY])
    assert (outcome.verdict, outcome.codes) == ("rejected", ["UTIRET-AGENCY"])
    assert set(outcome.answers) == {"ACKREC", "ACKTRT", "UTIRET"}
