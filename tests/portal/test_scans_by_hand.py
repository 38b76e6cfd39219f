"""Records with scans, written at the portal: the scan is given when the draft is checked."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest

from gateway.batch import MemberId
from tests.house import EMPLOYER, House, Sender, house, scan
from tests.portal.people import OURS, Reader, counted, person, reader

PERSON = {
    "Employer": EMPLOYER,
    "Surname": "MULLER",
    "FirstName": "ANNA",
    "BirthDate": "1893-12-01",
    "Nationality": "FR",
    "HouseNumber": "12",
    "Street": "RUE DU FOUR",
    "Country": "FR",
    "Postcode": "57100",
    "Town": "THIONVILLE",
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("scans"), doors=True) as made:
        made.employer(EMPLOYER, "Ateliers Fictifs S.à r.l.")
        yield made


@pytest.fixture(scope="module")
def sender(home: House) -> Sender:
    return home.sender(MemberId(EMPLOYER, "300001"), [EMPLOYER])


@pytest.fixture
def anna(home: House, sender: Sender) -> Iterator[Reader]:
    with reader(home, person(home, "Anna Weber", sender.member)) as one:
        if "Begin" in one.get("/portal/forms"):
            one.post("/portal/key", agreed="yes", action="make")
        yield one


def begun(anna: Reader, **changed: str) -> str:
    """A draft with somebody in it; where the scans are asked for."""
    draft = anna.post("/portal/forms", form="person", employer=EMPLOYER, period="2026-07").headers["location"]
    fields = {f"r0.{name}": text for name, text in {**PERSON, **changed}.items()}
    asked = anna.post(draft, action="check", version="1", **fields).headers["location"]
    assert asked == f"{draft}/scans"
    return asked


def given(anna: Reader, address: str, *files: tuple[str, str, bytes]) -> httpx2.Response:
    sent = [(field, (name, content)) for field, name, content in files]
    return anna.client.post(address, data={"form_token": anna.token()}, files=sent, headers=OURS)


def test_a_request_for_a_matricule_goes_with_its_scan(home: House, sender: Sender, anna: Reader) -> None:
    asked = begun(anna)
    shown = anna.get(asked)
    assert f"CARTID189312010.{EMPLOYER}_300001.JPG" in shown
    assert "ANNA MULLER" in shown
    checked = given(anna, asked, ("CARTID-1", "IMG 0001.jpeg", scan())).headers["location"]
    found = anna.get(checked)
    assert "Would be accepted" in found
    draft = asked.split("/")[3]
    sent = anna.post(checked.partition("?")[0], draft=draft).headers["location"]
    assert home.wait(sender, sent.rpartition("/")[2]).verdict == "accepted"
    assert counted(home, "portal_draft", id=draft) == 0


def test_without_its_scan_the_record_is_refused_before_it_is_sent(anna: Reader) -> None:
    """The control: with it the same record would be accepted."""
    checked = given(anna, begun(anna, FirstName="BERTHE"), ("CARTID-1", "x.jpg", b"")).headers["location"]
    assert "Would be refused" in anna.get(checked)


def test_what_is_no_picture_is_told_before_it_is_sent(anna: Reader) -> None:
    checked = given(anna, begun(anna, FirstName="CLARA"), ("CARTID-1", "x.jpg", b"<svg onload=alert(1)>"))
    assert "Would be refused" in anna.get(checked.headers["location"])


def test_a_record_without_a_day_of_birth_is_asked_for_it_first(anna: Reader) -> None:
    assert "First give the date of birth" in anna.get(begun(anna, BirthDate="1893-13-01"))


def test_a_file_for_a_record_that_is_not_there_is_refused_and_nothing_is_kept(
    home: House, anna: Reader
) -> None:
    asked, before = begun(anna), counted(home, "portal_file")
    refused = given(anna, asked, ("CARTID-2", "x.jpg", scan()))
    assert refused.status_code == 422
    assert "choose the files again" in refused.text
    assert counted(home, "portal_file") == before


def test_a_draft_without_scans_has_no_such_page(anna: Reader) -> None:
    wages = anna.post("/portal/forms", form="exit", employer=EMPLOYER, period="2026-07").headers["location"]
    assert anna.client.get(f"{wages}/scans").status_code == 404
