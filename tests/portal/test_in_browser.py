"""Monday morning of a clerk, in a browser: sign in, send a month with errors, correct it, done."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Page, expect

from adapters.database.portal import Desk, new_id
from adapters.portal.drafts import Draft, Entry
from gateway.moments import Received
from tests.house import EMPLOYER, MEMBER, House, house, wage
from tests.portal.browser import PHONE, chromium, faults, sign_in, window
from tests.portal.people import counted, person, usual


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("browser"), doors=True) as made:
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


def _drop(page: Page, *files: Path) -> None:
    page.goto("/portal/send")
    page.set_input_files("#files", [str(file) for file in files])
    page.click("form[data-upload] button")


def test_a_clerk_sends_the_month_corrects_it_and_is_done(
    home: House, browser: Browser, tmp_path: Path
) -> None:
    sender = usual(home)
    who = person(home, "Anna Weber")
    name, content = home.signed(sender, "DECSAL", [wage(Period="2026-06"), wage(BaseWage="12,5")])
    month = tmp_path / name
    month.write_bytes(content)
    with window(browser, home) as page:
        page.goto("/portal")
        expect(page.locator("h1")).to_have_text("Sign in to the portal")
        assert faults(page) == []
        sign_in(page, home, who)
        assert faults(page) == []

        page.goto("/portal/key")
        assert faults(page) == []
        page.check("#agreed")
        page.click("text=Make the portal key")
        expect(page.locator("[role=status]").first).to_contain_text("The portal key is ready")

        _drop(page, month)
        page.wait_for_url("**/portal/send/*")
        expect(page.locator("main")).to_contain_text("Would be accepted in part")
        expect(page.locator("main")).to_contain_text("What to do:")
        assert faults(page) == []
        page.click("main form button >> nth=0")
        page.wait_for_url("**/portal/deposits/*")
        expect(page.locator("[role=status]").first).to_contain_text("Received.")
        expect(page.locator("#live")).to_contain_text(
            "Done, some refused", timeout=20_000
        )  # without reloading
        assert faults(page) == []

        page.click("text=Correct here")
        page.wait_for_url("**/portal/drafts/*")
        expect(page.locator("fieldset")).to_have_count(1)
        assert faults(page) == []
        page.fill('[name="r0.BaseWage"]', "1250,5")
        expect(page.locator('[name="version"]')).to_have_value("2", timeout=10_000)  # kept by itself
        page.click("button[value=check]")
        page.wait_for_url("**/portal/send/*")
        expect(page.locator("main")).to_contain_text("Would be accepted")
        page.click("main form button >> nth=0")
        page.wait_for_url("**/portal/deposits/*")
        expect(page.locator("#live .state").first).to_have_text("Done", timeout=20_000)
        page.goto("/portal/deposits")
        expect(page.locator("tbody tr")).to_have_count(2)
        assert faults(page) == []
    assert counted(home, "deposit", sender=str(MEMBER)) == 2


def test_a_form_is_written_with_the_keyboard_alone(home: House, browser: Browser) -> None:
    who = person(home, "Keyboard")
    with window(browser, home) as page:
        sign_in(page, home, who)
        page.keyboard.press("Tab")
        expect(page.locator(":focus")).to_have_text("Skip to content")
        page.keyboard.press("Enter")
        expect(page.locator(":focus")).to_have_id("content")
        page.goto("/portal/forms")
        assert faults(page) == []
        page.focus("#entry-employer")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_url("**/portal/drafts/*")
        page.keyboard.press("Tab")
        assert page.locator(":focus").count() == 1


def test_pages_fit_a_phone_and_the_dark(home: House, browser: Browser) -> None:
    """With the records of a deposit, and the page where scans are given."""
    who, now = person(home, "Phone"), Received(home.clock())
    entry = Entry({"Employer": EMPLOYER, "BirthDate": "1893-12-01", "Surname": "A" * 60})
    draft = Draft("DEMMAT", (entry, Entry({"Employer": EMPLOYER})))
    desk = Desk(home.gateway.database)
    desk.save(who, new_id(), 0, draft.procedure, draft.write(), now)
    (kept, *_) = desk.drafts(who.member)
    with home.gateway.database.read() as connection:
        sent = connection.execute(sa.text("SELECT max(id) FROM deposit")).scalar_one()
    more = [f"/portal/drafts/{kept.draft}/scans", f"/portal/deposits/{sent}/records"]
    for scheme in ("light", "dark"):
        with window(browser, home, "de", scheme, PHONE) as page:  # type: ignore[arg-type]
            sign_in(page, home, who)
            for place in ("/portal", "/portal/send", "/portal/deposits", "/portal/forms", *more):
                page.goto(place)
                assert faults(page) == [], place
                wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
                assert wide <= 0, place


def test_a_fault_that_axe_must_find_is_found(home: House, browser: Browser) -> None:
    with window(browser, home) as page:
        page.goto("/portal/sign-in")
        page.evaluate("document.querySelector('main').innerHTML = '<button></button>'")
        assert any("button-name" in one for one in faults(page))


def test_a_lost_connection_is_told_and_nothing_is_sent(home: House, browser: Browser, tmp_path: Path) -> None:
    who = person(home, "Lost")
    file = tmp_path / "DECSAL.dta"
    file.write_bytes(b"100;")
    with window(browser, home) as page:
        sign_in(page, home, who)
        page.goto("/portal/send")
        page.set_input_files("#files", str(file))
        page.context.set_offline(True)
        page.click("form[data-upload] button")
        expect(page.locator("[data-told]")).to_contain_text("The connection was lost")
        page.context.set_offline(False)
        page.click("form[data-upload] button")
        expect(page.locator("[data-told]")).not_to_contain_text("The connection was lost")
