"""Temporary-work agencies: from a `.dta` file to the number of a user company; missions of workers."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree
from typer.testing import CliRunner

from adapters.cli import app
from gateway.batch import MemberId
from tests.flow.premises import affiliations, rows, someone, wages
from tests.house import (
    EMPLOYER,
    FOREIGN_EMPLOYER,
    MEMBER,
    OTHER_EMPLOYER,
    OTHER_MEMBER,
    House,
    Sender,
    entry,
    wage,
)

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


# Missions of temporary workers


def mission(insured: str, first: str, last: str | None = None, user: str = OTHER_EMPLOYER) -> dict[str, str]:
    """A mission with both its dates, or its entry alone."""
    dates = {"Entry": first} if last is None else {"Entry": first, "Exit": last}
    return {
        "Kind": "entry" if last is None else "mission",
        "Employer": EMPLOYER,
        "Insured": insured,
        "User": user,
        "Country": "FR",
        "Postcode": "57000",
        "Town": "METZ",
        "Occupation": "CARISTE",
        "OccupationCode": "8344",
        "Scheme": "01",
        "WeeklyHours": "40.00",
        "ContractType": "D",
        **dates,
        "WorkplaceCountry": "LU",
        "WorkplacePostcode": "1471",
        "WorkplaceTown": "LUXEMBOURG",
    }


def exit_of(insured: str, last: str, user: str = OTHER_EMPLOYER) -> dict[str, str]:
    return {"Kind": "exit", "Employer": EMPLOYER, "Insured": insured, "User": user, "Exit": last}


def missions(home: House, insured: str) -> list[tuple[str, str, str | None]]:
    """User company, first and last day of each mission of a person that stands."""
    found = rows(
        home,
        "SELECT \"user\", entry, exit FROM mission WHERE insured = :insured AND state = 'current'"
        " ORDER BY entry, user",
        insured=insured,
    )
    return [(row["user"], row["entry"], row["exit"]) for row in found]


def refused(content: bytes) -> list[tuple[str, str, str]]:
    """Place, code and entry of each record in an INTRET."""
    root = etree.fromstring(content)
    return [
        (one.get("record", ""), one.findtext("{*}Code", ""), one.findtext("{*}Entry", ""))
        for one in root.iterfind("{*}Rejected")
    ]


@pytest.fixture(scope="module")
def agency(home: House) -> Sender:
    """A temporary-work agency with a mandate for its own number."""
    return home.sender(MemberId(EMPLOYER, "300003"), [EMPLOYER], kind="agency")


def test_missions_that_come_in_the_wrong_order(home: House, agency: Sender) -> None:
    """Told in the answer, in one file and over two; what was in order has taken effect, and nothing is lost:
    the later one is cancelled and both are sent again in order."""
    one = someone()
    first, second, third = (
        mission(one, f"2026-08-{day:02d}", f"2026-08-{day + 4:02d}") for day in (3, 10, 17)
    )
    outcome = home.send(agency, "DECINT", [second, first])
    assert (outcome.verdict, outcome.codes, outcome.hints) == ("partial", ["INTRET-ORDER"], [])
    assert refused(outcome.answers["INTRET"]) == [("2", "INTRET-ORDER", "2026-08-03")]
    (why,) = outcome.acknowledgement.explanations
    assert "order of their entry dates" in why.texts["en"]
    assert "cancel" in why.remedies["en"]
    assert missions(home, one) == [(OTHER_EMPLOYER, "2026-08-10", "2026-08-14")]

    again = home.send(agency, "DECINT", [{**first, "Reference": "AGAIN"}, third])
    assert (again.verdict, again.codes) == ("partial", ["INTRET-ORDER"])
    strike = {"Kind": "cancellation", "Employer": EMPLOYER, "Insured": one, "User": OTHER_EMPLOYER}
    struck = [
        {**strike, "PreviousEntry": last["Entry"], "PreviousExit": last["Exit"]} for last in (third, second)
    ]
    mended = home.send(agency, "DECINT", [*struck, first, second, third])
    assert (mended.verdict, mended.codes) == ("accepted", [])
    assert [entry for _, entry, _ in missions(home, one)] == ["2026-08-03", "2026-08-10", "2026-08-17"]
    assert affiliations(home, one) == [(entry, last) for _, entry, last in missions(home, one)]


def test_a_second_exit(home: House, agency: Sender) -> None:
    """The first one stands; the second is given back and changes nothing."""
    one = someone()
    home.send(agency, "DECINT", [mission(one, "2026-08-03")])
    assert missions(home, one) == [(OTHER_EMPLOYER, "2026-08-03", None)]
    ended = home.send(agency, "DECINT", [exit_of(one, "2026-08-14"), exit_of(one, "2026-08-21")])
    assert (ended.verdict, ended.codes) == ("partial", ["INTRET-NONE"])
    assert refused(ended.answers["INTRET"]) == [("2", "INTRET-NONE", "")]
    assert missions(home, one) == [(OTHER_EMPLOYER, "2026-08-03", "2026-08-14")]
    assert affiliations(home, one) == [("2026-08-03", "2026-08-14")]


def test_overlapping_missions_are_told_and_take_effect(home: House, agency: Sender) -> None:
    one = someone()
    both = [mission(one, "2026-08-03", "2026-08-07", user) for user in (OTHER_EMPLOYER, FOREIGN_EMPLOYER)]
    outcome = home.send(agency, "DECINT", both)
    assert (outcome.verdict, outcome.codes, outcome.hints) == ("accepted", [], ["INTRET-OVERLAP"])
    assert "INTRET" not in outcome.answers
    assert affiliations(home, one) == [("2026-08-03", "2026-08-07")] * 2
    # A person lent by two agencies is no business of either.
    other = home.sender(MemberId(OTHER_EMPLOYER, "300004"), [OTHER_EMPLOYER], kind="agency")
    elsewhere = {**mission(one, "2026-08-03", "2026-08-07", FOREIGN_EMPLOYER), "Employer": OTHER_EMPLOYER}
    assert home.send(other, "DECINT", [elsewhere]).hints == []


def test_a_mission_lets_the_wage_that_waited_for_it_count(home: House, agency: Sender) -> None:
    one = someone()
    held = home.send(agency, "DECSAL", [wage(one)])
    assert (held.acknowledgement.held, wages(home, one)) == (1, [("held", 381240)])
    home.send(agency, "DECINT", [mission(one, "2026-08-03", "2026-08-07")])
    assert wages(home, one) == [("held", 381240)]
    other = someone()
    home.send(agency, "DECSAL", [wage(other)])
    home.send(agency, "DECINT", [mission(other, "2026-07-20", "2026-08-07")])
    assert wages(home, other) == [("current", 381240)]


def test_temporary_workers_go_by_decint_and_staff_by_decaff(home: House, agency: Sender) -> None:
    lent, staff = someone(), someone()
    home.send(agency, "DECINT", [mission(lent, "2026-07-20", "2026-08-07")])
    wrong = home.send(agency, "DECAFF", [entry(lent), entry(staff)])
    assert (wrong.verdict, wrong.codes) == ("partial", ["AFFRET-MISSION"])
    assert affiliations(home, lent) == [("2026-07-20", "2026-08-07")]
    back = home.send(agency, "DECINT", [mission(staff, "2026-07-20", "2026-08-07")])
    assert (back.verdict, back.codes) == ("rejected", ["INTRET-STAFF"])
    assert affiliations(home, staff) == [("2026-07-01", None)]


def test_an_employer_that_is_no_agency_lends_nobody(home: House) -> None:
    employer, one = home.sender(MemberId(EMPLOYER, "100010"), [EMPLOYER]), someone()
    outcome = home.send(employer, "DECINT", [mission(one, "2026-08-03", "2026-08-07")])
    assert (outcome.verdict, outcome.codes) == ("rejected", ["INTRET-AGENCY"])
    assert (missions(home, one), affiliations(home, one)) == ([], [])
