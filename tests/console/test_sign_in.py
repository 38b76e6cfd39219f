"""The way in: a link made with one's own key, once, in time, from where it may be (SR-13, SR-15)."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx2
import pytest
import sqlalchemy as sa

from adapters.console.access import COOKIE, Console
from adapters.database import tables
from adapters.database.staff import Kind, NotOpened, Opened
from adapters.settings import Settings
from gateway.moments import Received
from gateway.staff import IDLE_LASTS, LINK, LINK_LASTS, SESSION_LASTS, Call
from tests.console.office import Office
from tests.flow.premises import execute, rows
from tests.house import EMPLOYER, MEMBER, Sender

HOME = "/console"


def signed_in(http: httpx2.Client) -> bool:
    return http.get(HOME).status_code == 200


def test_a_link_lets_its_person_in_and_says_who_they_are(staffed: Office):
    page = staffed.sit("olga").get(HOME)
    assert page.status_code == 200
    assert "olga" in page.text


def test_a_link_counts_once(staffed: Office):
    code = staffed.link("olga")
    first, second = staffed.browser(), staffed.browser()
    assert first.post(f"{HOME}/enter", data={"code": code}).status_code == 303
    refused = second.post(f"{HOME}/enter", data={"code": code})
    assert refused.status_code == 403
    assert "counts no more" in refused.text
    assert not signed_in(second)


def test_looking_at_a_link_does_not_use_it_up(staffed: Office):
    code = staffed.link("olga")
    http = staffed.browser()
    assert http.get(f"{HOME}/enter", params={"code": code}).status_code == 200
    assert http.post(f"{HOME}/enter", data={"code": code}).status_code == 303


@pytest.mark.parametrize("code", ["", "1", "1.x", "0." + "A" * 43, "999999999." + "A" * 43, "9" * 400, "<b>"])
def test_what_is_no_link_lets_nobody_in(staffed: Office, code: str):
    refused = staffed.browser().post(f"{HOME}/enter", data={"code": code})
    assert refused.status_code == 403
    assert COOKIE not in refused.cookies


def test_a_link_is_no_session_and_a_session_no_link(staffed: Office):
    code = staffed.link("olga")
    http = staffed.browser()
    http.cookies.set(COOKIE, code)
    assert not signed_in(http)
    sitting = staffed.sit("olga").http
    again = staffed.browser().post(f"{HOME}/enter", data={"code": sitting.cookies[COOKIE]})
    assert again.status_code == 403


def test_another_key_under_the_number_of_a_session_opens_nothing(staffed: Office):
    number = staffed.sit("olga").http.cookies[COOKIE].partition(".")[0]
    http = staffed.browser()
    http.cookies.set(COOKIE, f"{number}.{'A' * 43}")
    assert not signed_in(http)


def test_the_cookie_is_for_this_host_alone_and_out_of_reach_of_scripts(staffed: Office):
    http = staffed.browser()
    entered = http.post(f"{HOME}/enter", data={"code": staffed.link("olga")})
    cookie = entered.headers["set-cookie"].lower()
    assert cookie.startswith("__host-")
    assert all(word in cookie for word in ("secure", "httponly", "samesite=strict", "path=/"))


def test_signing_out_ends_the_session_for_whoever_has_the_cookie(staffed: Office):
    sitting = staffed.sit("olga")
    thief = staffed.browser()
    thief.cookies.set(COOKIE, sitting.http.cookies[COOKIE])
    assert signed_in(thief)
    assert sitting.post(f"{HOME}/sign-out").status_code == 303
    assert not signed_in(thief)


def test_rights_end_at_once(staffed: Office):
    from gateway.staff import Role  # noqa: PLC0415

    staffed.hire("gone", Role.OPERATOR)
    sitting = staffed.sit("gone")
    assert signed_in(sitting.http)
    staffed.by("anna", "staff", "end", "gone")
    (proposed,) = rows(staffed.home, "SELECT max(number) AS number FROM staff_act WHERE kind = 'proposed'")
    assert staffed.by("ben", "approve", str(proposed["number"])).exit_code == 0
    assert not signed_in(sitting.http)


def later(staffed: Office, by: timedelta) -> Received:
    return Received(staffed.home.clock() + by)


def open_session(staffed: Office) -> Opened:
    token = staffed.sit("olga").http.cookies[COOKIE]
    found = Opened.read(token)
    assert found is not None
    return found


def test_a_link_waits_a_quarter_of_an_hour(staffed: Office):
    staff = staffed.home.gateway._staff()
    for age, opens in ((LINK_LASTS + timedelta(seconds=1), False), (LINK_LASTS - timedelta(minutes=1), True)):
        link = Opened.read(staffed.link("olga"))
        assert link is not None
        if opens:
            assert staff.open_session(link, later(staffed, age)).number > link.number
        else:
            with pytest.raises(NotOpened):
                staff.open_session(link, later(staffed, age))


def test_a_session_ends_after_an_hour_without_an_act_and_after_a_working_day(staffed: Office):
    staff, session = staffed.home.gateway._staff(), open_session(staffed)
    person = staff.visitor(session, later(staffed, timedelta(minutes=50)))
    assert person is not None
    assert staff.visitor(session, later(staffed, IDLE_LASTS + timedelta(minutes=1))) is None
    at = timedelta()
    while at < SESSION_LASTS:
        at += timedelta(minutes=50)
        call = Call("console deposit", ("console", "deposit"), (), "")
        staff.enter(person, session.key, Kind.GIVEN, call, later(staffed, at), session=session.number)
    assert staff.visitor(session, later(staffed, at + timedelta(minutes=1))) is None
    # So that the clock of the gateway is not behind what was entered: the row is not looked at again.
    assert staff.visitor(session, later(staffed, SESSION_LASTS - timedelta(minutes=5))) is not None


@pytest.mark.parametrize(
    ("address", "networks", "admitted"),
    [
        ("10.20.3.4", "", True),
        ("10.20.3.4", "10.20.0.0/16", True),
        ("10.21.3.4", "10.20.0.0/16", False),
        ("10.21.3.4", "10.20.0.0/16 10.21.3.4/32", True),
        ("::1", "10.20.0.0/16", False),
        ("::1", "::1/128", True),
        ("", "10.20.0.0/16", False),
        ("unix", "10.20.0.0/16", False),
    ],
)
def test_the_console_is_open_to_some_addresses_only(
    staffed: Office, address: str, networks: str, admitted: bool
):
    console = staffed.home.gateway._pages("https://x").state.console
    assert isinstance(console, Console)
    settings = Settings(data=staffed.home.settings.data, console_addresses=networks)
    narrow = Console(console.database, console.staff, console.spool, console.packs, settings, console.clock)
    assert narrow.admits(address) is admitted


def test_a_network_that_is_none_refuses_the_start():
    with pytest.raises(ValueError, match="console_addresses"):
        Settings(console_addresses="10.20.0.0/99")


def test_a_members_visit_opens_no_page_of_the_console(staffed: Office, visitor: Sender):
    """P7: to a member signed in at the portal the console's pages are not there."""
    from adapters.database.visits import Visits  # noqa: PLC0415
    from gateway.people import EVERY_ROLE  # noqa: PLC0415

    now = Received(staffed.home.clock())
    visits = Visits(staffed.home.gateway.database)
    person = visits.register(MEMBER, "Anna Weber", EVERY_ROLE, now)
    http = staffed.browser()
    assert http.post("/portal/enter", data={"key": visits.make_link(person.id, now)}).status_code == 303
    paths = [f"{HOME}/search", f"{HOME}/cases", f"{HOME}/acts", f"{HOME}/registers/members"]
    shown = {http.get(path).text for path in paths}
    assert all(http.get(path).status_code == 404 for path in paths)
    assert len({re.sub(r'value="[^"]*"', "", text) for text in shown}) == 1
    assert not signed_in(http)
    assert EMPLOYER not in "".join(shown)


def test_a_stranger_learns_of_no_page_but_the_first(staffed: Office):
    http = staffed.browser()
    there, nowhere = http.get(f"{HOME}/cases"), http.get(f"{HOME}/no-such-page")
    assert there.status_code == nowhere.status_code == 404


def test_a_session_put_into_the_database_is_not_believed(staffed: Office):
    """Negative control: who can write the table, but has no key of the staff, opens no session."""
    session = open_session(staffed)
    columns = ", ".join(
        column.name for column in tables.table(tables.StaffAct).columns if column.name != "number"
    )
    execute(
        staffed.home,
        f"INSERT INTO staff_act ({columns}) SELECT {columns} FROM staff_act WHERE number = {session.number}",
    )
    with staffed.home.gateway.database.read() as connection:
        forged = connection.execute(sa.text("SELECT max(number) FROM staff_act")).scalar_one()
    staff = staffed.home.gateway._staff()
    now = later(staffed, timedelta())
    assert staff.visitor(Opened(forged, session.key), now) is None
    assert staff.visitor(session, now) is not None
    assert [one.genuine for one in staff.latest(1)] == [False]


def test_a_link_names_its_key(staffed: Office):
    staffed.link("olga")
    (last, *_) = staffed.acts(LINK)
    assert '"ssh-ed25519 ' in str(last["arguments"])
