"""How each record stands, as the acknowledgement says and the registers since; and where software is told."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from adapters.database.following import Following
from adapters.database.webhooks import Webhooks
from adapters.portal.following import Fate, fates
from gateway.batch import MemberId
from gateway.moments import Received
from gateway.people import Role
from tests.flow.premises import someone
from tests.house import EMPLOYER, INSURED, House, Sender, house, wage
from tests.portal.people import Reader, counted, person, reader


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("records"), doors=True) as made:
        made.employer(EMPLOYER, "Ateliers Fictifs S.à r.l.")
        made.affiliate(INSURED)
        yield made


@pytest.fixture(scope="module")
def sender(home: House) -> Sender:
    return home.sender(MemberId(EMPLOYER, "300001"), [EMPLOYER])


@pytest.fixture
def anna(home: House, sender: Sender) -> Iterator[Reader]:
    with reader(home, person(home, "Anna Weber", sender.member)) as one:
        yield one


def stood(page: str) -> dict[str, str]:
    """By record, how it stands."""
    rows = re.findall(r"<tr>\s*<th[^>]*>(\d+)</th>\s*<td[^>]*>(.*?)</td>", page, re.DOTALL)
    return {number: re.sub(r"<[^>]+>", "", state).strip() for number, state in rows}


def test_each_record_is_taken_refused_or_on_hold_and_moves_on(
    home: House, sender: Sender, anna: Reader
) -> None:
    late = someone()
    records = [wage(), wage(BaseWage="12,5"), wage(late)]
    sent = home.send(sender, "DECSAL", records).kept
    address = f"/portal/deposits/{sent.deposit.id}/records"
    assert "Record by record" in anna.get(f"/portal/deposits/{sent.deposit.id}")
    shown = anna.get(address)
    assert stood(shown) == {"1": "Taken", "2": "Refused", "3": "On hold"}
    assert "SALRET-4" in shown
    assert stood(anna.get(f"{address}?only=held")) == {"3": "On hold"}
    assert "No record." in anna.get(f"{address}?after=3")
    entry = {"Kind": "entry", "Employer": EMPLOYER, "Insured": late, "Entry": "2026-01-01"}
    more = {"Occupation": "COMPTABLE", "OccupationCode": "3313", "Scheme": "03", "WeeklyHours": "40.00"}
    place = {"Country": "LU", "Postcode": "1234", "Town": "LUXEMBOURG", "ContractType": "I"}
    work = {"WorkplaceCountry": "LU", "WorkplacePostcode": "1234", "WorkplaceTown": "LUXEMBOURG"}
    home.send(sender, "DECAFF", [{**entry, **place, **more, **work}])
    held = Following(home.gateway.database).undecided(sent.number)
    assert stood(anna.get(address))["3"] == ("On hold" if held else "Taken")


def test_what_waited_for_too_long_is_refused(home: House, sender: Sender) -> None:
    sent = home.send(sender, "DECSAL", [wage(Period="2026-05"), wage(someone())])
    told = sent.acknowledgement
    assert [one.fate for one in fates(told, {2: "held"})] == [Fate.TAKEN, Fate.HELD]
    assert [one.fate for one in fates(told, {2: "expired"})] == [Fate.TAKEN, Fate.REFUSED]


def test_the_records_of_another_member_are_not_there(home: House, sender: Sender, anna: Reader) -> None:
    sent = home.send(sender, "DECSAL", [wage(Period="2026-04")]).kept.deposit.id
    other = home.sender(MemberId(EMPLOYER, "300009"), [EMPLOYER])
    assert anna.client.get(f"/portal/deposits/{sent}/records").status_code == 200
    with reader(home, person(home, "Bob", other.member)) as bob:
        assert bob.client.get(f"/portal/deposits/{sent}/records").status_code == 404


def test_an_address_to_be_told_at_is_seen_and_ended_by_who_administers(
    home: House, sender: Sender, anna: Reader
) -> None:
    webhooks, now = Webhooks(home.gateway.database), Received(home.clock())
    made = webhooks.add(sender.member, "https://payroll.invalid/in", now)
    assert "https://payroll.invalid/in" in anna.get("/portal/webhooks")
    with reader(home, person(home, "Carl", sender.member, Role.READS)) as carl:
        assert carl.post(f"/portal/webhooks/{made.id}/end").status_code == 403
        assert carl.post("/portal/webhooks", url="https://payroll.invalid/2").status_code == 403
    stranger = home.sender(MemberId(EMPLOYER, "300010"), [EMPLOYER])
    with reader(home, person(home, "Dan", stranger.member)) as dan:
        assert dan.post(f"/portal/webhooks/{made.id}/end").status_code == 404
    assert counted(home, "webhook", id=made.id) == 1
    assert anna.post(f"/portal/webhooks/{made.id}/end").status_code == 303
    assert all(one.ended for one in webhooks.of(sender.member))  # one that failed once is still told of
    assert f"/portal/webhooks/{made.id}/end" not in anna.get("/portal/webhooks")


@pytest.mark.parametrize(
    "url",
    ["http://payroll.example/", "https://127.0.0.1/in", "https://[::1]/", "file:///etc/passwd", "x" * 999],
)
def test_an_address_that_may_not_be_called_is_refused_and_kept_in_the_form(anna: Reader, url: str) -> None:
    refused = anna.post("/portal/webhooks", url=url)
    assert refused.status_code == 422
    assert "cannot be registered" in refused.text
    assert url[:20] in refused.text
