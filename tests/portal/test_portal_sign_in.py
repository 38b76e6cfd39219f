"""SR-15: nobody sees a page of a member without having signed in, and a link lets in once."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from adapters.pages.frame import own_address
from adapters.pages.visitors import VISIT
from adapters.premises import Premises
from gateway.moments import Received
from gateway.people import Role
from tests.doors.test_https import client as certified
from tests.house import EMPLOYER, MEMBER, House, house
from tests.portal.people import OURS, counted, link, person, reader, usual, visits


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> House:
    with house(tmp_path_factory.mktemp("sign-in"), doors=True) as made:
        usual(made)
        yield made  # type: ignore[misc]


def test_a_link_lets_in_once(home: House) -> None:
    secret = link(home, person(home, "Once"))
    with reader(home) as anna, reader(home) as bob:
        shown = anna.get(f"/portal/enter?key={secret}")
        assert "This link counts once" in shown  # looking at it has not used it up
        first = anna.client.post("/portal/enter", data={"key": secret}, headers=OURS)
        again = bob.client.post("/portal/enter", data={"key": secret}, headers=OURS)
        assert (first.status_code, first.headers["location"]) == (303, "/portal")
        assert again.status_code == 403
        assert "Once" in anna.get("/portal")
        assert bob.client.get("/portal").status_code == 303


def test_the_cookie_is_for_this_host_alone_and_kept_nowhere(home: House) -> None:
    secret = link(home, person(home, "Cookie"))
    with reader(home) as anna:
        said = anna.client.post("/portal/enter", data={"key": secret}, headers=OURS).headers["set-cookie"]
        for word in (f"{VISIT}=", "HttpOnly", "Secure", "SameSite=strict", "Path=/"):
            assert word in said
        assert "Domain" not in said
        value = said.partition("=")[2].partition(";")[0]
        with home.gateway.database.read() as connection:
            assert value not in connection.execute(sa.text("SELECT digest FROM visit")).scalars().all()


def test_every_way_in_is_in_the_journal(home: House) -> None:
    who = person(home, "Journal")
    before = counted(home, "journal", subject=who.id)
    with reader(home, who):
        pass
    assert counted(home, "journal", subject=who.id, event="signed in link") == 1
    assert counted(home, "journal", subject=who.id) == before + 2


def test_a_page_without_a_visit_leads_to_the_sign_in(home: House) -> None:
    with reader(home) as stranger:
        for place in (
            "/portal",
            "/portal/deposits?text=x",
            "/portal/send",
            "/portal/drafts/1",
            "/portal/key",
        ):
            answer = stranger.client.get(place)
            assert answer.status_code == 303, place
            assert answer.headers["location"].startswith("/portal/sign-in?back=/portal"), place


def test_signing_out_ends_the_visit_for_whoever_has_the_cookie(home: House) -> None:
    with reader(home, person(home, "Leaver")) as anna:
        cookies = dict(anna.client.cookies)
        assert anna.post("/portal/sign-out").status_code == 303
        anna.client.cookies.update(cookies)
        assert anna.client.get("/portal").status_code == 303


def test_a_person_whose_roles_ended_is_out_at_once(home: House) -> None:
    who = person(home, "Former")
    with reader(home, who) as anna:
        anna.get("/portal")
        assert visits(home).change(MEMBER, who.id, (), Received(home.clock()))
        assert anna.client.get("/portal").status_code == 303


def test_the_certificate_of_the_handshake_lets_in_with_every_role(home: House) -> None:
    sender = home.sender(type(MEMBER)(EMPLOYER, "100077"), [EMPLOYER])
    with certified(home, sender) as anna, reader(home) as stranger:
        shown = anna.get("/portal/sign-in", headers={"accept-language": "en"}).text
        assert f"Member {sender.member}" in shown
        assert anna.post("/portal/sign-in/certificate", data={}, headers=OURS).status_code == 303
        assert "Member" in anna.get("/portal").text
        refused = stranger.client.post("/portal/sign-in/certificate", data={}, headers=OURS)
        assert refused.status_code == 403


def test_a_certificate_that_ended_ends_its_visits(home: House) -> None:
    sender = home.sender(type(MEMBER)(EMPLOYER, "100078"), [EMPLOYER])
    with certified(home, sender) as anna:
        assert anna.post("/portal/sign-in/certificate", data={}, headers=OURS).status_code == 303
        assert anna.get("/portal").status_code == 200
        now = Received(home.clock())
        key = next(one for one in home.gateway.members.keys(sender.member) if not one.is_ssh)
        assert home.gateway.members.end_key(sender.member, key.fingerprint, now, now)
        assert anna.get("/portal").status_code == 303


def test_a_visit_by_certificate_is_nothing_without_it(home: House) -> None:
    """SR-13: the cookie alone, in another browser or with another certificate, lets nobody in."""
    sender = home.sender(type(MEMBER)(EMPLOYER, "100079"), [EMPLOYER])
    other = home.sender(type(MEMBER)(EMPLOYER, "100080"), [EMPLOYER])
    with certified(home, sender) as anna, certified(home, other) as bob, reader(home) as thief:
        assert anna.post("/portal/sign-in/certificate", data={}, headers=OURS).status_code == 303
        stolen = anna.cookies[VISIT]
        for client in (bob, thief.client):
            client.cookies.set(VISIT, stolen)
            assert client.get("/portal").status_code == 303
        assert anna.get("/portal").status_code == 200, "control: with it one is in"


def test_a_revocation_ends_the_visits_of_a_certificate(home: House) -> None:
    """SR-14: nothing is resumed past a revocation, not even a visit that has begun."""
    sender = home.sender(type(MEMBER)(EMPLOYER, "100081"), [EMPLOYER])
    with certified(home, sender) as anna:
        assert anna.post("/portal/sign-in/certificate", data={}, headers=OURS).status_code == 303
        assert anna.get("/portal").status_code == 200
        now = home.clock()
        gone = {sender.signer.certificate.serial_number: now - timedelta(minutes=1)}
        (lists,) = Premises(home.settings.data).revocations.iterdir()
        lists.write_bytes(home.authority.crl(gone, now, now + timedelta(days=9)))
        assert anna.get("/portal").status_code == 303


@pytest.mark.parametrize(
    "text", ["https://evil.example", "//evil.example", "/\\evil", "", "/v1/x", "/portal\n"]
)
def test_one_is_led_back_to_our_own_pages_only(text: str) -> None:
    assert own_address(text, "/portal") == "/portal"


def test_whoever_only_reads_cannot_send_or_agree(home: House) -> None:
    with reader(home, person(home, "Looker", MEMBER, Role.READS)) as anna:
        assert anna.post("/portal/send/whatever").status_code == 403
        assert anna.post("/portal/key", agreed="yes").status_code == 403
        assert anna.post("/portal/forms", form="wages").status_code == 403
