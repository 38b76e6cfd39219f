"""Deadlines, clients, release by a second person, many documents at once, keys and people."""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from io import BytesIO

import httpx2
import pytest
from lxml import html

from adapters.database.deposits import Kept
from adapters.database.registers.mandates import SqlMandates
from adapters.database.visits import Visits
from adapters.portal.bundles import zipped
from gateway.agreement import Agreement
from gateway.batch import MemberId
from gateway.moments import Received
from gateway.people import EVERY_ROLE, PortalPerson, Role
from gateway.procedures import PROCEDURES
from gateway.states import OPEN, State
from tests.flow.premises import HandClock
from tests.house import EMPLOYER, MEMBER, OTHER_EMPLOYER, OTHER_MEMBER, House, wage, wait_for
from tests.portal.bills import (
    FIDUCIARY,
    Street,
    browser,
    person,
    shown,
    signed_in,
    street,
    text_of,
    token_of,
)

ALL = frozenset(one.code for one in PROCEDURES)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    with street(tmp_path_factory.mktemp("street")) as found:
        home = found.home
        home.sender(FIDUCIARY, [EMPLOYER, OTHER_EMPLOYER], kind="fiduciary")
        yield found


@contextmanager
def let_in(home: House, somebody: PortalPerson) -> Iterator[httpx2.Client]:
    """The browser of a person."""
    secret = Visits(home.gateway.database).make_link(somebody.id, Received(home.clock()))
    with browser(home) as web:
        assert web.post("/portal/enter", data={"key": secret}).status_code == 303
        web.cookies.set("__Host-language", "en")
        yield web


def sent(web: httpx2.Client, page: html.HtmlElement, address: str, **fields: object) -> httpx2.Response:
    return web.post(address, data={"form_token": token_of(page), **fields})


# deadlines


def test_who_is_missing_is_told_before_the_deadline(town: Street) -> None:
    """On 20 September the wages of August are late; of somebody whose wage is there nothing is said."""
    with signed_in(town.home, MEMBER) as web:
        page = shown(web.get("/portal/deadlines"))
        assert "Nothing received" in page.text_content()
        missing = shown(web.get(f"/portal/deadlines/missing?employer={EMPLOYER}"))
        told = [row.text for row in missing.xpath("//tbody/tr/th")]
        assert told == sorted([town.stays, town.joins, town.leaves])
        july = shown(web.get(f"/portal/deadlines/missing?employer={EMPLOYER}&month=2026-07"))
        assert [row.text for row in july.xpath("//tbody/tr/th")] == [town.leaves]


def test_the_calendar_says_last_days_with_their_hours(town: Street) -> None:
    with signed_in(town.home, MEMBER) as web:
        page = shown(web.get("/portal/deadlines?month=2026-10"))
        rows = {
            row[2].text_content(): (row[0].text, row[1].text)
            for row in page.xpath("//table[@aria-labelledby='calendar']/tbody/tr")
        }
        assert rows["Declaration of wages"] == ("12 October 2026", "24:00")
        assert shown(web.get("/portal/deadlines?month=nonsense")) is not None


# clients


def test_all_clients_stand_on_one_page_with_their_state(town: Street) -> None:
    with signed_in(town.home, FIDUCIARY) as web:
        page = shown(web.get("/portal/clients?month=2026-07"))
        rows = {row[0][0].text: row.text_content() for row in page.xpath("//tbody/tr")}
        assert set(rows) == {"Menuiserie Muller s.à r.l.", "Other & <Co>"}
        assert "1 wage missing" in rows["Menuiserie Muller s.à r.l."]
        assert "1 wage, complete" in rows["Other & <Co>"]
        narrowed = shown(web.get("/portal/clients?month=2026-07&state=missing"))
        assert [row[0][0].text for row in narrowed.xpath("//tbody/tr")] == ["Menuiserie Muller s.à r.l."]
        silent = shown(web.get("/portal/clients?state=silent"))
        assert len(silent.xpath("//tbody/tr")) == 2
        assert not shown(web.get("/portal/clients?state=errors")).xpath("//tbody/tr")
        searched = shown(web.get("/portal/clients?search=OTHER"))
        assert [row[0][0].text for row in searched.xpath("//tbody/tr")] == ["Other & <Co>"]


def test_a_client_of_nobody_is_like_one_that_does_not_exist(town: Street) -> None:
    """P7; the control: who has the mandate sees it."""
    with signed_in(town.home, OTHER_MEMBER) as web, signed_in(town.home, FIDUCIARY) as fiduciary:
        theirs = web.get(f"/portal/clients/{EMPLOYER}")
        nobodys = web.get("/portal/clients/2099990009899")
        assert theirs.status_code == nobodys.status_code == 404
        assert fiduciary.get(f"/portal/clients/{EMPLOYER}").status_code == 200


def test_a_mandate_that_was_only_asked_for_tells_no_name(town: Street) -> None:
    home, asks = town.home, MemberId("2099990005599", "500005")
    home.sender(asks, [], kind="fiduciary")
    with signed_in(home, asks) as web:
        turn_on(web)
        page = shown(web.get("/portal/clients"))
        laid = sent(web, page, "/portal/clients", employer=EMPLOYER)
        assert go(home, asks, web, laid) == "accepted"
        seen = shown(web.get(f"/portal/clients/{EMPLOYER}"))
        assert "Muller" not in seen.text_content()
        assert "Waits for confirmation" in seen.text_content()


def turn_on(web: httpx2.Client) -> None:
    """Consent to signing by the portal."""
    done = sent(web, shown(web.get("/portal/key")), "/portal/key", agreed="yes", action="make")
    assert done.status_code == 303


def go(home: House, member: MemberId, web: httpx2.Client, laid: httpx2.Response) -> str | None:
    """Send what was laid on the desk; the verdict once it is treated."""
    assert laid.status_code == 303, laid.text[-2000:]
    address = laid.headers["location"]
    done = sent(web, shown(web.get(address)), address)
    identifier = done.headers["location"].rpartition("/")[2]

    def treated() -> Kept | None:
        found = home.gateway.deposits.find(str(member), identifier)
        return found if found is not None and found.state not in OPEN else None

    return wait_for(treated).verdict


def test_a_fiduciary_hands_a_client_over(town: Street) -> None:
    """From the list to the end of the mandate; before the last day it still holds, and later it does not."""
    home, leaver = town.home, MemberId("2099990006399", "600006")
    home.sender(leaver, [EMPLOYER], kind="fiduciary")
    with signed_in(home, leaver) as web:
        address = f"/portal/clients/{EMPLOYER}"
        page = shown(web.get(address))
        (form,) = page.xpath("//form[contains(@action, '/end')]/@action")
        without = sent(web, page, form, last="2026-10-31")
        assert (without.status_code, "cannot sign for you" in without.text) == (422, True)
        turn_on(web)
        for wrong in ("2026-01-01", "31/10/2026"):
            assert sent(web, page, form, last=wrong).status_code == 422
        assert go(home, leaver, web, sent(web, page, form, last="2026-10-31")) == "accepted"
        after = shown(web.get(address)).text_content()
        assert "31 October 2026" in after
    with home.gateway.database.read() as connection:
        (mandate,) = SqlMandates(connection).held_by(leaver)
    assert mandate.last == date(2026, 10, 31)


def test_an_employer_gives_a_mandate_in_the_place_of_another(town: Street) -> None:
    """With days and procedures; the other one ends the day before, in the same declaration."""
    home, first, then = town.home, MemberId("2099990007199", "700007"), MemberId("2099990007199", "700008")
    for one in (first, then):
        home.sender(one, [], kind="fiduciary")
    address = f"/portal/clients/{OTHER_EMPLOYER}"
    with signed_in(home, OTHER_MEMBER) as web:
        turn_on(web)
        page = shown(web.get(address))
        given = {"holder": str(first), "first": "2026-10-01", "procedure": ["DECSAL", "CALCUL"]}
        for wrong in (
            {"holder": "2099990007299700007"},
            {"holder": "=cmd|' /C calc'!A0"},
            {"first": "2026-01-01"},
            {"first": "31/10/2026"},
            {"last": "2026-09-30"},
            {"procedure": ["NOTHING"]},
        ):
            refused = sent(web, page, f"{address}/mandates", **{**given, **wrong})
            assert refused.status_code == 422, wrong
            assert 'role="alert"' in refused.text or "notice" in refused.text
        assert go(home, OTHER_MEMBER, web, sent(web, page, f"{address}/mandates", **given)) == "accepted"
        with home.gateway.database.read() as connection:
            (mandate,) = SqlMandates(connection).held_by(first)
        assert mandate.procedures == {"DECSAL", "CALCUL"}
        assert (mandate.first, mandate.last) == (date(2026, 10, 1), None)
        page = shown(web.get(address))
        assert page.xpath(f"//select[@name='instead']/option[@value='{mandate.number}']")
        assert isinstance(home.clock, HandClock)
        home.clock.put(home.clock.at + timedelta(seconds=1))  # the name of a file tells its moment
        instead = {"holder": str(then), "first": "2026-11-01", "last": "2027-12-31", "procedure": "DECSAL"}
        handed = sent(web, page, f"{address}/mandates", **instead, instead=str(mandate.number))
        assert go(home, OTHER_MEMBER, web, handed) == "accepted"
    with home.gateway.database.read() as connection:
        register = SqlMandates(connection)
        (before,), (after,) = register.held_by(first), register.held_by(then)
    assert before.last == date(2026, 10, 31)
    assert (after.first, after.last) == (date(2026, 11, 1), date(2027, 12, 31))


def test_nobody_gives_a_mandate_for_another_employer(town: Street) -> None:
    """The control: the employer itself did so above."""
    with signed_in(town.home, FIDUCIARY) as web:
        page = shown(web.get(f"/portal/clients/{EMPLOYER}"))
        assert not page.xpath("//form[contains(@action, '/mandates') and not(contains(@action, '/end'))]")
        asked = {"holder": str(FIDUCIARY), "first": "2026-10-01", "procedure": "DECSAL"}
        assert sent(web, page, f"/portal/clients/{EMPLOYER}/mandates", **asked).status_code == 404


def test_a_mandate_of_others_is_not_ended_by_a_stranger(town: Street) -> None:
    """The control: the same form of one's own mandate was taken above."""
    home = town.home
    with home.gateway.database.read() as connection:
        number = SqlMandates(connection).held_by(FIDUCIARY)[0].number
    with signed_in(home, OTHER_MEMBER) as web:
        page = shown(web.get("/portal/clients"))
        refused = sent(web, page, f"/portal/clients/{EMPLOYER}/mandates/{number}/end", last="")
        assert refused.status_code == 404


def test_a_reader_hands_nobody_over(town: Street) -> None:
    with signed_in(town.home, FIDUCIARY, {Role.READS}) as web:
        page = shown(web.get(f"/portal/clients/{EMPLOYER}"))
        assert not page.xpath("//form[contains(@action, '/end')]")
        assert sent(web, page, "/portal/clients", employer=OTHER_EMPLOYER).status_code == 403


# release


def waiting(town: Street) -> tuple[str, bytes]:
    """A deposit of the employer that waits for a second person, and its bytes."""
    home = town.home
    home.gateway.members.agree(MEMBER, Agreement(ALL, release_above=0), Received(home.clock()))
    name, content = home.signed(town.employer, "DECSAL", [wage(town.stays, Period="2026-08")])
    identifier = home.receive(town.employer, name, content).deposit

    def waits() -> bool | None:
        found = home.gateway.deposits.find(str(MEMBER), identifier)
        return (found is not None and found.state is State.UNRELEASED) or None

    wait_for(waits)
    home.gateway.members.agree(MEMBER, Agreement(ALL), Received(home.clock()))
    return identifier, content


def test_a_second_person_releases_a_file(town: Street) -> None:
    home = town.home
    identifier, content = waiting(town)
    first, second = person(home, MEMBER, "First"), person(home, MEMBER, "Second")
    digest = hashlib.sha256(content).hexdigest()
    Visits(home.gateway.database).note(first, "send", digest, Received(home.clock()))
    address = f"/portal/releases/{identifier}"
    with let_in(home, first) as web:
        page = shown(web.get("/portal/releases"))
        assert sent(web, page, address, answer="release").status_code == 303
        assert "somebody else has to release it" in web.get("/portal/releases").text
    with signed_in(home, OTHER_MEMBER) as stranger:
        page = shown(stranger.get("/portal/releases"))
        assert not page.xpath("//tbody/tr")
        assert sent(stranger, page, address, answer="release").status_code == 404
    with signed_in(home, MEMBER, {Role.SENDS}) as clerk:
        assert sent(clerk, shown(clerk.get("/portal/releases")), address, answer="release").status_code == 403
    with let_in(home, second) as web:
        page = shown(web.get("/portal/releases"))
        assert len(page.xpath("//tbody/tr")) == 1
        assert sent(web, page, address, answer="release").status_code == 303
    assert home.outcome(town.employer, identifier).verdict == "accepted"


def test_who_sent_a_file_may_withdraw_it(town: Street) -> None:
    identifier, _ = waiting(town)
    with signed_in(town.home, MEMBER) as web:
        page = shown(web.get("/portal/releases"))
        sent(web, page, f"/portal/releases/{identifier}", answer="withdraw")
    assert town.home.outcome(town.employer, identifier).verdict == "rejected"


# many documents


def test_all_returns_of_a_month_come_in_one_file(town: Street) -> None:
    with signed_in(town.home, OTHER_MEMBER) as web:
        page = shown(web.get("/portal/returns?month=2026-09"))
        names = [one.text for one in page.xpath("//tbody/tr/th/a")]
        done = sent(web, page, "/portal/returns/bundle", month="2026-09")
        with zipfile.ZipFile(BytesIO(done.content)) as bundle:
            assert bundle.testzip() is None
            assert sorted(bundle.namelist()) == sorted(names)
        assert names
        after = shown(web.get("/portal/returns?month=2026-09"))
        assert text_of(after, "//p[@class='lead']").startswith("0 documents")


def test_evidence_of_ones_own_deposits_comes_in_one_file(town: Street) -> None:
    with signed_in(town.home, MEMBER) as web, signed_in(town.home, OTHER_MEMBER) as stranger:
        page = shown(web.get(f"/portal/clients/{EMPLOYER}"))
        picked = page.xpath("//input[@name='deposit']/@value")[:2]
        done = sent(web, page, "/portal/evidence/bundle", deposit=picked)
        with zipfile.ZipFile(BytesIO(done.content)) as bundle:
            assert sorted(bundle.namelist()) == sorted(f"evidence-{one}.asice" for one in picked)
        theirs = shown(stranger.get("/portal/returns"))
        assert sent(stranger, theirs, "/portal/evidence/bundle", deposit=picked).status_code == 404


def test_a_zip_is_sent_piece_by_piece_and_keeps_names_apart() -> None:
    at = Received.parse("2026-09-20T08:00:00Z").at
    pieces = list(zipped([("a.xml", b"1" * 10_000), ("a.xml", b"2"), ("b.xml", b"")], at))
    assert len(pieces) == 4
    with zipfile.ZipFile(BytesIO(b"".join(pieces))) as bundle:
        assert bundle.namelist() == ["a.xml", "2-a.xml", "b.xml"]
        assert bundle.read("2-a.xml") == b"2"


# keys and people


def test_who_administers_enters_somebody_and_ends_them(town: Street) -> None:
    home = town.home
    with signed_in(home, OTHER_MEMBER) as web:
        page = shown(web.get("/portal/access"))
        made = shown(sent(web, page, "/portal/access/people", name="Bo <b>", role=["reads", "sends"]))
        link = re.search(r"/portal/enter\?key=([\w-]+)$", text_of(made, "//p[@class='code']"))
        assert link is not None
        with browser(home) as other:
            assert other.post("/portal/enter", data={"key": link[1]}).status_code == 303
            assert other.get("/portal/access").status_code == 200
            page = shown(other.get("/portal/access"))
            assert sent(other, page, "/portal/access/people", name="Eve", role="sends").status_code == 403
            (bo,) = (one for one in people(home, OTHER_MEMBER) if one.name == "Bo <b>")
            assert bo.roles == {Role.READS, Role.SENDS}
            page = shown(web.get("/portal/access"))
            assert sent(web, page, f"/portal/access/people/{bo.id}", action="end").status_code == 303
            assert other.get("/portal/access").status_code == 303  # signed out at once


def people(home: House, member: MemberId) -> list[PortalPerson]:
    return list(Visits(home.gateway.database).people(member))


def test_nobody_changes_their_own_roles_nor_those_of_another_member(town: Street) -> None:
    home = town.home
    somebody, stranger = person(home, MEMBER, "Self"), person(home, OTHER_MEMBER, "Theirs")
    with let_in(home, somebody) as web:
        page = shown(web.get("/portal/access"))
        sent(web, page, f"/portal/access/people/{somebody.id}", action="roles", role="reads")
        found = next(one for one in people(home, MEMBER) if one.id == somebody.id)
        assert found.roles == EVERY_ROLE
        theirs = sent(web, page, f"/portal/access/people/{stranger.id}", action="end")
        assert theirs.status_code == 404
        assert sent(web, page, "/portal/access/people", name="", role="reads").status_code == 422


def test_a_key_is_renewed_with_the_certificate_of_the_handshake_alone(town: Street) -> None:
    with signed_in(town.home, MEMBER) as web:
        page = shown(web.get("/portal/access"))
        assert "sign in with the present certificate" in page.text_content()
        assert sent(web, page, "/portal/access/keys", request="x").status_code == 403
        fingerprints = page.xpath("//table[@aria-labelledby='keys']//th[@class='code']")
        assert len(fingerprints) >= 2
